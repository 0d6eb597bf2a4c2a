r"""A network is one vector ``w``, its gradient is one vector ``g``: layers are views into both.

Every layer's backward stands beside its forward. Arrays are written over the trailing axes only,
``(..., batch, features)``, so a leading axis of runs comes for free: with ``w`` of shape ``(K, P)``
K copies of the network train side by side.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import pairwise
from numbers import Real
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, DTypeLike, NDArray

from lrcourse.messages import unknown

Array = NDArray[np.floating]
LossFunction = Callable[[Array, ArrayLike], tuple[Array, Array]]

# The same as np.sum and np.max, without the 2 microseconds that those spend before they begin:
# at batch size 8 that would be a tenth of a training step.
_sum, _max = np.add.reduce, np.maximum.reduce


def kaiming(rng: Generator, fan_in: int, fan_out: int) -> Array:
    r"""Draw weights :math:`W_{ij} \sim N(0,\, 2/\mathrm{fan\_in})`, the choice made for ReLU.

    Args:
        rng: source of the random numbers.
        fan_in: inputs of the layer.
        fan_out: outputs of the layer.

    Returns:
        Weights of shape (fan_in, fan_out).

    Source: He et al. 2015, equation 10. torch's ``kaiming_normal_(W, nonlinearity="relu")`` draws
    the same for its transposed layout; ``torch.nn.Linear`` by default draws 0.41 times as wide.
    """
    return rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in)


def xavier(rng: Generator, fan_in: int, fan_out: int) -> Array:
    r"""Draw weights :math:`W_{ij} \sim N(0,\, 2/(\mathrm{fan\_in}+\mathrm{fan\_out}))`.

    Arguments as in ``kaiming``. Source: Glorot & Bengio 2010, equation 12; the same as torch's
    ``xavier_normal_``.
    """
    return rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / (fan_in + fan_out))


def normal(rng: Generator, fan_in: int, fan_out: int, scale: float = 0.01) -> Array:
    r"""Draw weights :math:`W_{ij} \sim N(0,\, \mathrm{scale}^2)`, whatever the size of the layer.

    Arguments as in ``kaiming``; with 0.01 Krizhevsky et al. 2012 started AlexNet.
    """
    return rng.standard_normal((fan_in, fan_out)) * scale


def zero(rng: Generator, fan_in: int, fan_out: int) -> Array:
    r"""Return weights that are all 0, from which hidden units can never differ."""
    return np.zeros((fan_in, fan_out))


INITIALIZATIONS = {"kaiming": kaiming, "xavier": xavier, "normal": normal, "zero": zero}


def _product(a: Array, b: Array, out: Array | None = None) -> Array:
    # For two matrices np.dot always reaches BLAS; np.matmul does not when an inner size is 1, and
    # is eight times slower there (the weight gradient at batch size 1).
    return np.dot(a, b, out=out) if a.ndim == b.ndim == 2 else np.matmul(a, b, out=out)


class Layer(Protocol):
    r"""What a network is made of; one with parameters also has ``shapes`` and ``initialize``."""

    def forward(self, x: Array) -> Array:
        r"""Return the outputs, (..., batch, fan_out), for inputs x, (..., batch, fan_in)."""

    def backward(self, d_y: Array) -> Array | None:
        r"""Return the gradient at the inputs of the last ``forward``, and fill that of parameters.

        Args:
            d_y: gradient of the loss at the outputs, shaped like them.
        """


class Linear:
    r"""An affine layer.

    .. math:: y = x W + b \qquad dW = x^\top d_y \qquad db = \sum_{\mathrm{batch}} d_y \qquad
        d_x = d_y W^\top

    Args:
        fan_in: number of inputs.
        fan_out: number of outputs.
        init: how ``W`` is initialized: "kaiming" (default), "xavier", "normal" or "zero"; ``b``
            is 0 at first.

    ``W`` is (..., fan_in, fan_out) and ``b`` is (..., 1, fan_out). The lowest layer of a network
    returns None in place of d_x, a large product that nothing reads. torch stores the transpose of
    ``W`` and draws ``b`` at random.
    """

    W: Array
    b: Array
    dW: Array
    db: Array
    needs_input_gradient = True  # the network turns it off in its lowest layer

    def __init__(self, fan_in: int, fan_out: int, init: str = "kaiming") -> None:
        if fan_in < 1 or fan_out < 1:
            raise ValueError(f"Linear needs at least 1 input and output, not {fan_in}, {fan_out}.")
        if init not in INITIALIZATIONS:
            raise ValueError(unknown("initialization", init, INITIALIZATIONS))
        self.fan_in, self.fan_out, self.init = fan_in, fan_out, init
        self.shapes = {"W": (fan_in, fan_out), "b": (1, fan_out)}

    def initialize(self, rng: Generator) -> None:
        r"""Draw ``W`` as ``init`` says, the same for all stacked runs, and set ``b`` to 0."""
        self.W[...] = INITIALIZATIONS[self.init](rng, self.fan_in, self.fan_out)
        self.b[...] = 0

    def forward(self, x: Array) -> Array:
        self.x = x
        return _product(x, self.W) + self.b

    def backward(self, d_y: Array) -> Array | None:
        _product(self.x.mT, d_y, out=self.dW)
        _sum(d_y, axis=-2, keepdims=True, out=self.db)
        return _product(d_y, self.W.mT) if self.needs_input_gradient else None


class ReLU:
    r"""The rectifier: :math:`y = \max(x, 0)` and :math:`d_x = d_y \, [y > 0]`, so 0 at x = 0."""

    def forward(self, x: Array) -> Array:
        self.y = np.maximum(x, 0)
        return self.y

    def backward(self, d_y: Array) -> Array:
        return d_y * (self.y > 0)


class Sigmoid:
    r"""The logistic function: :math:`y = 1/(1 + e^{-x})` and :math:`d_x = d_y \, y \, (1 - y)`.

    It is computed as :math:`(1 + \tanh(x/2))/2`, which cannot overflow.
    """

    def forward(self, x: Array) -> Array:
        self.y = 0.5 * (1 + np.tanh(0.5 * x))
        return self.y

    def backward(self, d_y: Array) -> Array:
        return (1 - self.y) * self.y * d_y


class Tanh:
    r"""The hyperbolic tangent: :math:`y = \tanh(x)` and :math:`d_x = d_y (1 - y^2)`."""

    def forward(self, x: Array) -> Array:
        self.y = np.tanh(x)
        return self.y

    def backward(self, d_y: Array) -> Array:
        return d_y * (1 - self.y * self.y)


class BatchNorm:
    r"""Normalise each feature over the batch, then scale and shift it.

    .. math::

        \hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \qquad y = \gamma \hat x + \beta \qquad
        d\gamma = \sum d_y \, \hat x \qquad d\beta = \sum d_y

        d_x = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}}
        \left(d_y - \frac{d\beta}{B} - \hat x \frac{d\gamma}{B}\right)

    In training :math:`\mu` and :math:`\sigma^2` are the batch's mean and *biased* variance; the two
    last terms of :math:`d_x` are there because both depend on x. For evaluation they are running
    means over the batches seen in training, of the means and of the *unbiased* variances, and the
    two terms vanish.

    Args:
        features: number of inputs and outputs.
        epsilon: :math:`\epsilon`, inside the root; 1e-5 as in the paper's practice and torch.
        momentum: weight of the *new* value in the running means; 0.1 as in torch. (In Keras
            momentum is the weight of the old one: 0.99.)

    Raises:
        ValueError: a batch of one example in training: its variance is 0, which would erase x.

    ``gamma`` is 1 and ``beta`` is 0 at first. A network sets ``training`` (see ``Network.train``).
    Place it after Linear and before the activation.

    Source: Ioffe & Szegedy 2015, algorithm 1. The same as ``torch.nn.BatchNorm1d``.
    """

    gamma: Array
    beta: Array
    dgamma: Array
    dbeta: Array

    def __init__(self, features: int, epsilon: float = 1e-5, momentum: float = 0.1) -> None:
        if features < 1:
            raise ValueError(f"BatchNorm needs at least 1 feature, got {features}.")
        if not (isinstance(momentum, Real) and 0 < momentum <= 1):
            raise ValueError(f"momentum must be a number over 0 and at most 1, not {momentum!r}.")
        if not (isinstance(epsilon, Real) and 0 <= epsilon < np.inf):
            raise ValueError(f"epsilon must be a finite number, 0 or more, not {epsilon!r}.")
        self.fan_in = self.fan_out = features
        self.epsilon, self.momentum, self.training = epsilon, momentum, True
        self.shapes = {"gamma": (1, features), "beta": (1, features)}

    def initialize(self, rng: Generator) -> None:
        r"""Set gamma to 1, beta to 0, and the running mean and variance to 0 and 1."""
        self.gamma[...], self.beta[...] = 1, 0
        self.running_mean, self.running_variance = self.beta.copy(), self.gamma.copy()

    def forward(self, x: Array) -> Array:
        if self.training:
            batch = x.shape[-2]
            if batch < 2:
                raise ValueError(
                    "BatchNorm in training needs at least 2 examples in a batch: the variance of "
                    "1 example is 0. Use a larger batch, or network.train(False) to evaluate."
                )
            mean, variance = x.mean(axis=-2, keepdims=True), x.var(axis=-2, keepdims=True)
            new = self.momentum
            self.running_mean += new * (mean - self.running_mean)
            self.running_variance += new * (variance * batch / (batch - 1) - self.running_variance)
        else:
            mean, variance = self.running_mean, self.running_variance
        self.scale = 1 / np.sqrt(variance + self.epsilon)
        self.x_hat = (x - mean) * self.scale
        return self.gamma * self.x_hat + self.beta

    def backward(self, d_y: Array) -> Array:
        self.dgamma[...] = _sum(d_y * self.x_hat, axis=-2, keepdims=True)
        self.dbeta[...] = _sum(d_y, axis=-2, keepdims=True)
        if self.training:
            batch = d_y.shape[-2]
            d_y = d_y - self.dbeta / batch - self.x_hat * (self.dgamma / batch)
        return self.gamma * self.scale * d_y


def softmax_cross_entropy(logits: Array, labels: ArrayLike) -> tuple[Array, Array]:
    r"""Return the mean cross-entropy of softmax(logits) and its gradient.

    .. math::

        p_c = e^{z_c} / \sum_k e^{z_k} \qquad
        L = -\frac{1}{B} \sum_{i=1}^{B} \log p_{i, y_i} \qquad
        \frac{\partial L}{\partial z_{ic}} = \frac{p_{ic} - [c = y_i]}{B}

    Args:
        logits: scores z, (..., batch, classes).
        labels: the right class of each example, integers 0 .. classes-1, (batch,), or (K, batch)
            for K runs that each have their own examples.

    Returns:
        The loss, a number for one run or (K,) for K runs, and the gradient, shaped like logits.

    Raises:
        ValueError: labels out of range, or not one for each example.

    The *mean* over the batch, as in torch's ``cross_entropy``: with a sum, the gradient would grow
    with the batch and every learning rate would mean something else.
    """
    batch, classes = logits.shape[-2:]
    right = np.arange(classes)[:, None] == checked_labels(labels, logits.shape)[..., None, :]
    # Classes first: NumPy adds up a short last axis about twenty times slower than a first one.
    # Subtracting the largest score changes nothing in p and keeps exp from overflowing.
    log_p = logits.mT.copy()
    log_p -= _max(log_p, axis=-2, keepdims=True)
    log_p -= np.log(_sum(np.exp(log_p), axis=-2, keepdims=True))
    loss = _sum(log_p, axis=(-2, -1), where=right) / -batch
    return loss, ((np.exp(log_p) - right) / batch).mT


def squared_error(outputs: Array, targets: ArrayLike) -> tuple[Array, Array]:
    r"""Return half the squared error of each example, averaged over the batch, and its gradient.

    .. math:: L = \frac{1}{2B} \sum_{i=1}^{B} \lVert z_i - t_i \rVert^2 \qquad
        \frac{\partial L}{\partial z_i} = \frac{z_i - t_i}{B}

    Args:
        outputs: z, (..., batch, outputs).
        targets: t, shaped like outputs, or classes as ``softmax_cross_entropy`` takes them, which
            stand for a 1 at the right output and 0 elsewhere.

    Returns:
        The loss, a number for one run or (K,) for K runs, and the gradient, shaped like outputs.

    Raises:
        ValueError: targets of another shape, or classes out of range.

    torch's ``MSELoss`` averages over the outputs too, and has no half: 2 / outputs times this.
    """
    targets = np.asarray(targets)
    if targets.dtype.kind in "iu" or targets.shape[-1:] != outputs.shape[-1:]:
        right = checked_labels(targets, outputs.shape)
        targets = right[..., None] == np.arange(outputs.shape[-1])
    d = outputs - targets
    batch = outputs.shape[-2]
    return _sum(d * d, axis=(-2, -1)) / (2 * batch), d / batch


class Part(NamedTuple):
    """One parameter of a network: its name, such as "0.W", its slice of ``w``, and its shape."""

    name: str
    slice: slice
    shape: tuple[int, int]


class Network:
    r"""Layers on one flat vector of parameters ``w`` and one flat vector of gradients ``g``.

    Args:
        layers: new layers in the order that the data meets them; they belong to this network.
        rng: source of the random initialization.
        runs: None for one network, with ``w`` and ``g`` of shape (P,); K for K networks trained
            side by side, with (K, P), all with the same initial weights.
        dtype: float32 (default) to train; float64 to check gradients.
        loss: ``softmax_cross_entropy`` (default) or ``squared_error``.

    Raises:
        ValueError: no layers, a layer that does not fit on the one before, or one that is used
            twice or belongs to another network.

    After construction each Linear layer has views ``W``, ``b`` into w and ``dW``, ``db`` into g,
    and ``slice``, the part of the vector that is its own; ``parts`` lists the parameters. A network
    is a value: ``copy.deepcopy(network)`` is another one, ``network.w = best`` copies weights in.
    torch keeps a tensor for each parameter.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        rng: Generator,
        runs: int | None = None,
        dtype: DTypeLike = np.float32,
        loss: LossFunction = softmax_cross_entropy,
    ) -> None:
        self.layers: list[Any] = list(layers)  # each gets its slice, and its views, from here
        self.loss_function = loss
        if not isinstance(rng, Generator):
            raise TypeError(f"rng must be a numpy Generator, such as default_rng(0), not {rng!r}.")
        if runs is not None and runs < 1:
            raise ValueError(f"runs must be None or at least 1, not {runs}.")
        taken = [layer for layer in self.layers if hasattr(layer, "slice")]
        if taken or len(set(map(id, self.layers))) < len(self.layers):
            raise ValueError("A layer belongs to one network, once: make a new one for each place.")
        with_parameters = [layer for layer in self.layers if hasattr(layer, "shapes")]
        if not with_parameters:
            raise ValueError("A network needs at least one layer with parameters, such as Linear.")
        for below, above in pairwise(with_parameters):
            if below.fan_out != above.fan_in:
                gives, takes = below.fan_out, above.fan_in
                raise ValueError(f"One layer gives {gives} outputs, the next takes {takes} inputs.")
        self.fan_in, self.fan_out = with_parameters[0].fan_in, with_parameters[-1].fan_out
        self.layers[0].needs_input_gradient = False
        self.parts: list[Part] = []
        stop = 0
        for i, layer in enumerate(self.layers):
            first = stop
            for name, shape in getattr(layer, "shapes", {}).items():
                start, stop = stop, stop + shape[0] * shape[1]
                self.parts.append(Part(f"{i}.{name}", slice(start, stop), shape))
            layer.slice = slice(first, stop)
        self._w = np.zeros((stop,) if runs is None else (runs, stop), dtype)
        self._g = np.zeros_like(self._w)
        self._bind()
        for layer in with_parameters:
            layer.initialize(rng)

    def _bind(self) -> None:
        # Each layer's W and dW are views: what the rule does to w, the layers see.
        for name, place, shape in self.parts:
            i, name = name.split(".")
            shape = (*self._w.shape[:-1], *shape)
            setattr(self.layers[int(i)], name, self._w[..., place].reshape(shape))
            setattr(self.layers[int(i)], f"d{name}", self._g[..., place].reshape(shape))

    def __copy__(self) -> "Network":
        return deepcopy(self)

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state)
        self._bind()  # copied or unpickled, a view is an array of its own

    @property
    def w(self) -> Array:
        r"""All parameters, (P,) or (K, P); assigning to it copies the values in."""
        return self._w

    @w.setter
    def w(self, values: ArrayLike) -> None:
        _copy_into(self._w, "w", values)

    @property
    def g(self) -> Array:
        r"""The gradient of the loss at ``w``; assigning to it copies the values in."""
        return self._g

    @g.setter
    def g(self, values: ArrayLike) -> None:
        _copy_into(self._g, "g", values)

    def forward(self, x: Array) -> Array:
        r"""Return the logits.

        Args:
            x: inputs, (batch, features), or (K, batch, features) with other data for each run.

        Returns:
            Logits, (batch, classes) for one run or (K, batch, classes) for K.

        Raises:
            ValueError: x has another number of features than the first layer takes, or of axes.
        """
        x = np.asarray(x, self._w.dtype)
        fits = x.ndim == 2 or (x.ndim == 3 and x.shape[:1] == self.w.shape[:-1])
        if not fits or x.shape[-1] != self.fan_in:
            raise ValueError(
                f"x must be (batch, {self.fan_in}) for this network, but its shape is {x.shape}"
                + ("; of one example take x[None]." if x.ndim == 1 else ".")
            )
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, d_logits: Array) -> None:
        r"""Fill ``g`` with the gradient of the loss at ``w``, from the last forward pass.

        Args:
            d_logits: gradient of the loss at the logits, as softmax_cross_entropy gives it.

        torch adds to what ``grad`` holds; here each call overwrites g.
        """
        d = d_logits
        for layer in reversed(self.layers):
            d = layer.backward(d)

    def train(self, training: bool = True) -> None:
        r"""Switch BatchNorm layers between batch statistics and running ones.

        Args:
            training: True for the batch's own statistics, False for evaluation.

        A new network is in training, as in torch: until ``fit`` or ``train(False)`` ends that,
        every forward pass moves the running statistics, that of ``accuracy`` too.
        """
        for layer in self.layers:
            if isinstance(layer, BatchNorm):
                layer.training = training

    def loss(self, x: Array, labels: ArrayLike) -> Array:
        r"""Return the mean loss, and leave ``g`` as it is.

        Args:
            x: inputs, (batch, features), or (K, batch, features) for K runs.
            labels: right classes, (batch,), or (K, batch).

        Returns:
            The loss: a number, or (K,) for K runs.
        """
        return self.loss_function(self.forward(x), labels)[0]

    def loss_and_gradient(self, x: Array, labels: ArrayLike) -> Array:
        r"""Return the mean loss and fill ``g`` with its gradient at ``w``.

        Args:
            x: inputs, (batch, features), or (K, batch, features) for K runs.
            labels: right classes, (batch,), or (K, batch).

        Returns:
            The loss: a number, or (K,) for K runs.
        """
        loss, d_logits = self.loss_function(self.forward(x), labels)
        self.backward(d_logits)
        return loss

    def predict(self, x: Array) -> NDArray[np.integer]:
        r"""Return the class with the largest logit for each example.

        Args:
            x: inputs, (batch, features), or (K, batch, features) for K runs.

        Returns:
            Classes, (batch,), or (K, batch) for K runs.
        """
        return self.forward(x).argmax(axis=-1)

    def accuracy(self, x: Array, labels: ArrayLike) -> Array:
        r"""Return the share of examples, 0 to 1, whose class is predicted right.

        Args:
            x: inputs, (batch, features), or (K, batch, features) for K runs.
            labels: right classes, (batch,), or (K, batch).

        Returns:
            The share: a number, or (K,) for K runs.
        """
        logits = self.forward(x)
        return (logits.argmax(axis=-1) == checked_labels(labels, logits.shape)).mean(axis=-1)


def checked_labels(labels: ArrayLike, logits_shape: tuple[int, ...]) -> NDArray[np.integer]:
    r"""Return labels as an array, if there is one class for each example.

    Args:
        labels: integers 0 .. classes-1, (batch,), or (K, batch).
        logits_shape: (..., batch, classes).

    Raises:
        ValueError: labels of another shape or type, or out of range.
    """
    labels = np.asarray(labels)
    *_, batch, classes = logits_shape
    if labels.shape not in ((batch,), logits_shape[:-1]):
        hints = {
            (batch, classes): " If they are one-hot, labels.argmax(axis=-1) gives the classes.",
            (batch, 1): " labels.ravel() takes the second axis away.",
        }
        raise ValueError(
            f"Each example needs one label: logits are {logits_shape}, so labels must be "
            f"({batch},), not {labels.shape}.{hints.get(labels.shape, '')}"
        )
    # Cast to unsigned, a negative label is a huge one: a single comparison finds both kinds.
    whole = labels.dtype.kind in "iu"
    if not whole or _max(labels.astype(np.uint64), axis=None) >= classes:
        wrong = labels[(labels < 0) | (labels >= classes)][0] if whole else labels.dtype
        raise ValueError(f"Labels must be whole numbers from 0 to {classes - 1}, not {wrong}.")
    return labels


def _copy_into(array: Array, name: str, values: ArrayLike) -> None:
    values = np.asarray(values)
    if values.shape != array.shape:
        raise ValueError(f"network.{name} is of shape {array.shape}, not {values.shape}.")
    if values is not array:
        array[...] = values
