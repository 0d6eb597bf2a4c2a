r"""A network is one vector ``w``, its gradient is one vector ``g``: layers are views into both.

Every layer's backward stands beside its forward. Arrays are written over the trailing axes only,
``(..., batch, features)``, so a leading axis of runs comes for free: with ``w`` of shape ``(K, P)``
K copies of the network train side by side.
"""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array = NDArray[np.floating]

# The same as np.sum and np.max, without the 2 microseconds that those spend before they begin:
# at batch size 8 that would be a tenth of a training step.
_sum, _max = np.add.reduce, np.maximum.reduce


def kaiming(rng: Generator, fan_in: int, fan_out: int) -> Array:
    r"""Draw weights :math:`W_{ij} \sim N(0,\, 2/\mathrm{fan\_in})`, the start made for ReLU.

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

    Args:
        rng: source of the random numbers.
        fan_in: inputs of the layer.
        fan_out: outputs of the layer.

    Returns:
        Weights of shape (fan_in, fan_out).

    Source: Glorot & Bengio 2010, equation 12; the same as torch's ``xavier_normal_``.
    """
    return rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / (fan_in + fan_out))


def normal(rng: Generator, fan_in: int, fan_out: int, scale: float = 0.01) -> Array:
    r"""Draw weights :math:`W_{ij} \sim N(0,\, \mathrm{scale}^2)`, whatever the size of the layer.

    Args:
        rng: source of the random numbers.
        fan_in: inputs of the layer.
        fan_out: outputs of the layer.
        scale: standard deviation; 0.01 was the habit before Glorot & Bengio 2010.

    Returns:
        Weights of shape (fan_in, fan_out).
    """
    return rng.standard_normal((fan_in, fan_out)) * scale


def zero(rng: Generator, fan_in: int, fan_out: int) -> Array:
    r"""Return weights that are all 0: a start from which hidden units can never differ.

    Args:
        rng: not used; here so that every start is called in the same way.
        fan_in: inputs of the layer.
        fan_out: outputs of the layer.

    Returns:
        Zeros of shape (fan_in, fan_out).
    """
    return np.zeros((fan_in, fan_out))


STARTS = {"kaiming": kaiming, "xavier": xavier, "normal": normal, "zero": zero}


def _product(a: Array, b: Array, out: Array | None = None) -> Array:
    # For two matrices np.dot always reaches BLAS; np.matmul does not when an inner size is 1, and
    # is eight times slower there (the weight gradient at batch size 1).
    return np.dot(a, b, out=out) if a.ndim == b.ndim == 2 else np.matmul(a, b, out=out)


class Linear:
    r"""An affine layer: :math:`y = x W + b`.

    Args:
        fan_in: number of inputs.
        fan_out: number of outputs.
        start: how ``W`` begins: "kaiming" (default), "xavier", "normal" or "zero"; ``b`` begins
            at 0.

    ``W`` is (..., fan_in, fan_out) and ``b`` is (..., 1, fan_out). torch stores the transpose of
    ``W`` and starts ``b`` at random.
    """

    def __init__(self, fan_in: int, fan_out: int, start: str = "kaiming") -> None:
        if fan_in < 1 or fan_out < 1:
            raise ValueError(
                f"A Linear layer needs at least 1 input and 1 output, got {fan_in} and {fan_out}."
            )
        if start not in STARTS:
            raise ValueError(unknown("start", start, STARTS))
        self.fan_in, self.fan_out, self.start, self.lowest = fan_in, fan_out, start, False
        self.shapes = {"W": (fan_in, fan_out), "b": (1, fan_out)}

    def begin(self, rng: Generator) -> None:
        r"""Fill ``W`` by the chosen start and ``b`` with 0.

        Args:
            rng: source of the random numbers.

        Stacked runs all begin at the same place, so that they differ only by what you vary.
        """
        self.W[...] = STARTS[self.start](rng, self.fan_in, self.fan_out)
        self.b[...] = 0

    def forward(self, x: Array) -> Array:
        r"""Return :math:`y = x W + b` and remember x.

        Args:
            x: inputs, (..., batch, fan_in).

        Returns:
            Outputs, (..., batch, fan_out).
        """
        self.x = x
        y = _product(x, self.W)
        y += self.b
        return y

    def backward(self, d_y: Array) -> Array | None:
        r"""Fill ``dW`` and ``db``, and return the gradient for the layer below.

        .. math:: dW = x^\top d_y \qquad db = \sum_{\mathrm{batch}} d_y \qquad d_x = d_y W^\top

        Args:
            d_y: gradient of the loss at the outputs, (..., batch, fan_out).

        Returns:
            Gradient of the loss at the inputs, (..., batch, fan_in), or None from the lowest
            layer of a network: nobody reads that one, and it is a large matrix product.
        """
        _product(self.x.mT, d_y, out=self.dW)
        _sum(d_y, axis=-2, keepdims=True, out=self.db)
        return None if self.lowest else _product(d_y, self.W.mT)


class ReLU:
    r"""The rectifier: :math:`y = \max(x, 0)`, with derivative 0 at x = 0, as in torch."""

    def forward(self, x: Array) -> Array:
        r"""Return :math:`\max(x, 0)`.

        Args:
            x: inputs of any shape.

        Returns:
            Outputs of the same shape.
        """
        self.y = np.maximum(x, 0)
        return self.y

    def backward(self, d_y: Array) -> Array:
        r"""Return :math:`d_x = d_y \cdot [y > 0]`.

        Args:
            d_y: gradient of the loss at the outputs.

        Returns:
            Gradient of the loss at the inputs, of the same shape.
        """
        return d_y * (self.y > 0)


class Sigmoid:
    r"""The logistic function: :math:`y = 1/(1 + e^{-x}) = (1 + \tanh(x/2))/2`."""

    def forward(self, x: Array) -> Array:
        r"""Return :math:`(1 + \tanh(x/2))/2`, which cannot overflow.

        Args:
            x: inputs of any shape.

        Returns:
            Outputs of the same shape, between 0 and 1.
        """
        y = np.tanh(0.5 * x)
        y += 1
        y *= 0.5
        self.y = y
        return y

    def backward(self, d_y: Array) -> Array:
        r"""Return :math:`d_x = d_y \, y \, (1 - y)`.

        Args:
            d_y: gradient of the loss at the outputs.

        Returns:
            Gradient of the loss at the inputs, of the same shape.
        """
        d_x = 1 - self.y
        d_x *= self.y
        d_x *= d_y
        return d_x


class BatchNorm:
    r"""Normalise each feature over the batch, then scale and shift it.

    .. math::

        \hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \qquad y = \gamma \hat x + \beta

    In training :math:`\mu` and :math:`\sigma^2` are the batch's mean and *biased* variance. For
    evaluation they are running means over the batches seen in training, of the means and of the
    *unbiased* variances.

    Args:
        features: number of inputs and outputs.
        epsilon: :math:`\epsilon`, inside the root; 1e-5 as in the paper's practice and torch.
        momentum: weight of the *new* value in the running means; 0.1 as in torch. (In Keras
            momentum is the weight of the old one: 0.99.)

    ``gamma`` begins at 1 and ``beta`` at 0. A network sets ``training`` (see ``Network.train``).
    Place it after Linear and before the activation.

    Source: Ioffe & Szegedy 2015, algorithm 1. The same as ``torch.nn.BatchNorm1d``.
    """

    def __init__(self, features: int, epsilon: float = 1e-5, momentum: float = 0.1) -> None:
        if features < 1:
            raise ValueError(f"BatchNorm needs at least 1 feature, got {features}.")
        if not 0 < momentum <= 1:
            raise ValueError(f"momentum must be over 0 and at most 1, not {momentum}.")
        if not 0 <= epsilon < np.inf:
            raise ValueError(f"epsilon must be finite, 0 or more, not {epsilon}.")
        self.fan_in = self.fan_out = features
        self.epsilon, self.momentum = epsilon, momentum
        self.training, self.lowest = True, False
        self.shapes = {"gamma": (1, features), "beta": (1, features)}

    def begin(self, rng: Generator) -> None:
        r"""Set gamma to 1, beta to 0, and the running mean and variance to 0 and 1.

        Args:
            rng: not used; here so that every layer begins in the same way.
        """
        self.gamma[...], self.beta[...] = 1, 0
        self.running_mean, self.running_variance = self.beta.copy(), self.gamma.copy()

    def forward(self, x: Array) -> Array:
        r"""Return :math:`\gamma \hat x + \beta`, and in training move the running means.

        Args:
            x: inputs, (..., batch, features).

        Returns:
            Outputs of the same shape.

        Raises:
            ValueError: one example in training: its variance is 0, and nothing of x would be left.
        """
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
        r"""Fill ``dgamma`` and ``dbeta``, and return the gradient for the layer below.

        .. math::

            d\gamma = \sum d_y \, \hat x \qquad d\beta = \sum d_y \qquad
            d_x = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}}
            \left(d_y - \frac{d\beta}{B} - \hat x \frac{d\gamma}{B}\right)

        The two last terms are there because the batch's mean and variance depend on x too; in
        evaluation they do not, and the terms vanish.

        Args:
            d_y: gradient of the loss at the outputs, (..., batch, features).

        Returns:
            Gradient of the loss at the inputs, of the same shape.
        """
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
        labels: the right class of each example, integers 0 .. classes-1, (batch,).

    Returns:
        The loss, a number for one run or (K,) for K runs, and the gradient, shaped like logits.

    Raises:
        ValueError: labels out of range, or not one for each example.

    The *mean* over the batch, as in torch's ``cross_entropy``: with a sum, the gradient would grow
    with the batch and every learning rate would mean something else.
    """
    labels = np.asarray(labels)
    batch, classes = logits.shape[-2:]
    if labels.shape != (batch,):
        raise ValueError(
            f"Each example needs one label: logits are {logits.shape}, so labels must be "
            f"({batch},), not {labels.shape}."
        )
    # Cast to unsigned, a negative label is a huge one: a single comparison finds both kinds.
    if labels.dtype.kind not in "iu" or _max(labels.astype(np.uint64)) >= classes:
        raise ValueError(_labels_problem(labels, classes))
    right = np.arange(classes)[:, None] == labels
    # Classes first: NumPy adds up a short last axis about twenty times slower than a first one.
    # Taking the largest score away changes nothing in p and keeps exp from overflowing.
    log_p = logits.mT.copy()
    log_p -= _max(log_p, axis=-2, keepdims=True)
    log_p -= np.log(_sum(np.exp(log_p), axis=-2, keepdims=True))
    loss = _sum(log_p, axis=(-2, -1), where=right) / -batch
    d_logits = np.exp(log_p)
    d_logits -= right
    d_logits /= batch
    return loss, d_logits.mT


class Network:
    r"""Layers on one flat vector of parameters ``w`` and one flat vector of gradients ``g``.

    Args:
        layers: layers in the order that the data meets them.
        rng: source of the random start.
        runs: None for one network, with ``w`` and ``g`` of shape (P,); K for K networks trained
            side by side, with (K, P), all from the same start.
        dtype: float32 (default) to train; float64 to check gradients.

    Raises:
        ValueError: no layers, or a layer that does not fit on the one before.

    After construction each Linear layer has views ``W``, ``b`` into w and ``dW``, ``db`` into g,
    and ``slice``, the part of the vector that is its own. torch keeps a tensor for each parameter.
    """

    def __init__(
        self,
        layers: Sequence[Linear | BatchNorm | ReLU | Sigmoid],
        rng: Generator,
        runs: int | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.layers = list(layers)
        if not isinstance(rng, Generator):
            raise TypeError(f"rng must be a numpy Generator, such as default_rng(0), not {rng!r}.")
        if runs is not None and runs < 1:
            raise ValueError(f"runs must be None or at least 1, not {runs}.")
        self.trained = [layer for layer in self.layers if hasattr(layer, "shapes")]
        if not self.trained:
            raise ValueError("A network needs at least one layer with parameters, such as Linear.")
        for below, above in pairwise(self.trained):
            if below.fan_out != above.fan_in:
                raise ValueError(
                    f"Layers do not fit: one gives {below.fan_out} outputs, the next takes "
                    f"{above.fan_in} inputs."
                )
        self.fan_in, self.fan_out = self.trained[0].fan_in, self.trained[-1].fan_out
        self.layers[0].lowest = True
        shapes = [shape for layer in self.trained for shape in layer.shapes.values()]
        size = sum(rows * columns for rows, columns in shapes)
        self.w = np.zeros((size,) if runs is None else (runs, size), dtype)
        self.g = np.zeros_like(self.w)
        stop = 0
        for layer in self.trained:
            first = stop
            for name, (rows, columns) in layer.shapes.items():
                start, stop = stop, stop + rows * columns
                shape = (*self.w.shape[:-1], rows, columns)
                setattr(layer, name, self.w[..., start:stop].reshape(shape))
                setattr(layer, f"d{name}", self.g[..., start:stop].reshape(shape))
            layer.slice = slice(first, stop)
            layer.begin(rng)

    def forward(self, x: Array) -> Array:
        r"""Return the logits.

        Args:
            x: inputs, (batch, features), or (K, batch, features) with other data for each run.

        Returns:
            Logits, (batch, classes) for one run or (K, batch, classes) for K.

        Raises:
            ValueError: x has another number of features than the first layer takes.
        """
        x = np.asarray(x, self.w.dtype)
        if x.shape[-1] != self.fan_in:
            raise ValueError(
                f"x has {x.shape[-1]} features (its shape is {x.shape}), but the first layer takes "
                f"{self.fan_in}."
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
        """
        for layer in self.layers:
            if isinstance(layer, BatchNorm):
                layer.training = training

    def loss(self, x: Array, labels: ArrayLike) -> Array:
        r"""Return the mean cross-entropy, and leave ``g`` as it is.

        Args:
            x: inputs, (batch, features).
            labels: right classes, (batch,).

        Returns:
            The loss: a number, or (K,) for K runs.
        """
        return softmax_cross_entropy(self.forward(x), labels)[0]

    def loss_and_gradient(self, x: Array, labels: ArrayLike) -> Array:
        r"""Return the mean cross-entropy and fill ``g`` with its gradient at ``w``.

        Args:
            x: inputs, (batch, features).
            labels: right classes, (batch,).

        Returns:
            The loss: a number, or (K,) for K runs.
        """
        loss, d_logits = softmax_cross_entropy(self.forward(x), labels)
        self.backward(d_logits)
        return loss

    def predict(self, x: Array) -> NDArray[np.integer]:
        r"""Return the class with the largest logit for each example.

        Args:
            x: inputs, (batch, features).

        Returns:
            Classes, (batch,), or (K, batch) for K runs.
        """
        return self.forward(x).argmax(axis=-1)

    def accuracy(self, x: Array, labels: ArrayLike) -> Array:
        r"""Return the share of examples, 0 to 1, whose class is predicted right.

        Args:
            x: inputs, (batch, features).
            labels: right classes, (batch,).

        Returns:
            The share: a number, or (K,) for K runs.
        """
        return (self.predict(x) == np.asarray(labels)).mean(axis=-1)


def layer_statistics(network: Network, x: Array, labels: ArrayLike) -> list[dict[str, object]]:
    r"""Return what flows through each layer, forward and backward, for one batch.

    Args:
        network: one network, not stacked runs; its ``g`` is filled as by loss_and_gradient.
        x: inputs, (batch, features).
        labels: right classes, (batch,).

    Returns:
        A dict for each layer, in order: ``layer``, its name; ``mean`` and ``deviation`` of its
        outputs; ``zeros``, the share of them that are 0; ``d_deviation``, the standard deviation
        of the loss's gradient at its outputs; and for a layer with parameters ``gradient_norm``,
        the length of their gradient.
    """
    rows = []
    y = np.asarray(x, network.w.dtype)
    for layer in network.layers:
        y = layer.forward(y)
        rows.append(
            {
                "layer": type(layer).__name__,
                "mean": float(y.mean()),
                "deviation": float(y.std()),
                "zeros": float((y == 0).mean()),
            }
        )
    d = softmax_cross_entropy(y, labels)[1]
    for layer, row in zip(reversed(network.layers), reversed(rows), strict=True):
        row["d_deviation"] = float(d.std())
        d = layer.backward(d)
        if hasattr(layer, "slice"):
            row["gradient_norm"] = float(np.linalg.norm(network.g[layer.slice]))
    return rows


def central_differences(f: Callable[[], float], w: Array, step: float = 1e-6) -> Array:
    r"""Return the gradient of f measured from its values alone.

    .. math:: g_i \approx \frac{f(w + h e_i) - f(w - h e_i)}{2h}

    Args:
        f: a function of no arguments that computes a number from ``w``.
        w: the vector f reads, float64; it is changed in place and put back.
        step: h; the error is about h squared plus 1e-16 / h, so 1e-6 is near the best.

    Returns:
        The measured gradient, shaped like w.

    Raises:
        ValueError: w is not float64; in float32 rounding hides all errors that matter.
    """
    if w.dtype != np.float64:
        raise ValueError(f"Central differences need float64, not {w.dtype}.")
    g = np.empty_like(w)
    for i in np.ndindex(w.shape):
        kept = w[i]
        w[i] = kept + step
        above = f()
        w[i] = kept - step
        g[i] = (above - f()) / (2 * step)
        w[i] = kept
    return g


def _labels_problem(labels: NDArray, classes: int) -> str:
    if labels.dtype.kind not in "iu":
        return f"Labels must be whole numbers (0 .. {classes - 1}), not of type {labels.dtype}."
    wrong = labels[(labels < 0) | (labels >= classes)][0]
    return f"Label {wrong} is out of range: with {classes} classes, labels are 0 .. {classes - 1}."


def unknown(kind: str, name: object, allowed: Iterable[str]) -> str:
    r"""Return the sentence for a name that does not exist.

    Args:
        kind: what was named ("start").
        name: the name that was given.
        allowed: the names that exist.

    Returns:
        A sentence with the allowed names, and the nearest one if there is one.
    """
    near = get_close_matches(str(name), allowed, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"Unknown {kind} {name!r}: choose from {', '.join(map(repr, allowed))}.{hint}"
