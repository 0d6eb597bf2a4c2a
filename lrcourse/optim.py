r"""Optimizers: each is a rule that turns the gradient ``g`` into a step of ``w``.

A rule's ``step(w, g, learning_rate)`` works in place, on one vector of shape (P,) with a number as
learning rate, or on K of them, (K, P), with learning rates of shape (K, 1). It uses only what NumPy
arrays and torch tensors share, so the same lines run on both, on CPU and GPU. A rule makes its
state at the first step, on arrays like ``g`` that can be read by name (``rule.v``, ``rule.m``).

Every rule but ``LayerwiseRate`` treats each weight alone and says so with ``elementwise = True``:
``in_blocks`` may then hand it the vector piece by piece.
"""

import math
from collections.abc import Callable, Sequence
from copy import copy
from types import ModuleType
from typing import Literal, Protocol

from array_api_compat import array_namespace

from lrcourse.nn import Array, unknown

BLOCK = 32_768
_NAMESPACES: dict[type, ModuleType] = {}


class Rule(Protocol):
    r"""An optimizer: anything with this ``step``."""

    def step(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        r"""Change w in place, by the gradient g and the learning rate.

        Args:
            w: parameters, (P,) or (K, P).
            g: gradient of the mini-batch, of the same shape; it is not changed.
            learning_rate: a number, or (K, 1).
        """


class SGD:
    r"""Stochastic gradient descent: a step straight down the mini-batch gradient.

    .. math:: w \leftarrow w - \eta \, g

    Source: Robbins & Monro 1951. The same as ``torch.optim.SGD(params, lr)`` without momentum.
    """

    elementwise = True

    def begin(self, w: Array) -> None:
        r"""Start without any state."""

    def step(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        r"""Take one step; see ``Rule.step``."""
        _ready(self, w, g, learning_rate)
        w -= learning_rate * g


class Momentum:
    r"""A ball in the valley: steps add up in a velocity ``v``.

    .. math:: v \leftarrow \mu v - \eta \, g \qquad w \leftarrow w + v

    Args:
        momentum: :math:`\mu`, 0 to below 1; 0.9 as in the source papers.
        convention: "paper" keeps the rate inside the velocity, so that a new rate changes only the
            steps to come. "torch" keeps it outside, :math:`v \leftarrow \mu v + g`,
            :math:`w \leftarrow w - \eta v`: a new rate also rescales the past. The two are the
            same as long as the rate is constant.

    Source: Sutskever et al. 2013, equations 1 and 2. With convention="torch", and at a constant
    rate with "paper" too, the same as ``torch.optim.SGD(params, lr, momentum)``.
    """

    elementwise = True

    def __init__(
        self, momentum: float = 0.9, convention: Literal["paper", "torch"] = "paper"
    ) -> None:
        self.momentum = _share("momentum", momentum)
        self.convention = _choice("convention", convention, ("paper", "torch"))

    def begin(self, w: Array) -> None:
        r"""Start at rest: v = 0, shaped like w."""
        self.v = _zeros(w)

    def step(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        r"""Take one step; see ``Rule.step``."""
        _ready(self, w, g, learning_rate)
        v = self.v
        v *= self.momentum
        if self.convention == "paper":
            v -= learning_rate * g
            w += v
        else:
            v += g
            w -= learning_rate * v


class Nesterov(Momentum):
    r"""Momentum that takes its gradient where the velocity is about to carry the weights.

    .. math:: v \leftarrow \mu v - \eta \, \nabla L(x + \mu v) \qquad x \leftarrow x + v

    The network holds the look-ahead point :math:`w = x + \mu v`, which is where the gradient is
    taken, and in that variable the same rule reads

    .. math:: v \leftarrow \mu v - \eta \, g \qquad w \leftarrow w + \mu v - \eta \, g

    Args:
        momentum: :math:`\mu`, 0 to below 1; 0.9 as in the source papers.
        convention: where the rate stands, as in ``Momentum``.

    Source: Sutskever et al. 2013, equations 3 and 4; the second form is Bengio et al. 2013. At a
    constant rate the same as ``torch.optim.SGD(params, lr, momentum, nesterov=True)``.
    """

    def step(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        r"""Take one step; see ``Rule.step``."""
        _ready(self, w, g, learning_rate)
        v = self.v
        v *= self.momentum
        if self.convention == "paper":
            step = learning_rate * g
            v -= step
            w += self.momentum * v
            w -= step
        else:
            v += g
            w -= learning_rate * (g + self.momentum * v)


class AdaGrad:
    r"""A rate for each weight, the smaller the more gradient that weight has seen in all.

    .. math:: S \leftarrow S + g^2 \qquad w \leftarrow w - \eta \frac{g}{\sqrt{S} + \epsilon}

    Args:
        epsilon: :math:`\epsilon`, outside the root; 1e-8 as in the source article (torch: 1e-10).

    Source: Duchi et al. 2011. The same as ``torch.optim.Adagrad(params, lr, eps=epsilon)``.
    """

    elementwise = True

    def __init__(self, epsilon: float = 1e-8) -> None:
        self.epsilon = _at_least_0("epsilon", epsilon)

    def begin(self, w: Array) -> None:
        r"""Start with no gradient seen: S = 0, shaped like w."""
        self.S = _zeros(w)

    def step(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        r"""Take one step; see ``Rule.step``."""
        _ready(self, w, g, learning_rate)
        self.S += g * g
        w -= learning_rate * g / (self.S**0.5 + self.epsilon)


class RMSprop:
    r"""AdaGrad that forgets: a decaying mean of the squares in place of their sum.

    .. math::

        S \leftarrow \rho S + (1 - \rho) g^2 \qquad
        w \leftarrow w - \eta \frac{g}{\sqrt{S} + \epsilon}

    Args:
        rho: :math:`\rho`, 0 to below 1; 0.9 as in Hinton's lecture (torch calls it alpha: 0.99).
        epsilon: :math:`\epsilon`, outside the root.

    Source: Hinton's Coursera lecture 6e, 2012. The same as
    ``torch.optim.RMSprop(params, lr, alpha=rho, eps=epsilon)``.
    """

    elementwise = True

    def __init__(self, rho: float = 0.9, epsilon: float = 1e-8) -> None:
        self.rho = _share("rho", rho)
        self.epsilon = _at_least_0("epsilon", epsilon)

    def begin(self, w: Array) -> None:
        r"""Start with no gradient seen: S = 0, shaped like w."""
        self.S = _zeros(w)

    def step(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        r"""Take one step; see ``Rule.step``."""
        _ready(self, w, g, learning_rate)
        self.S *= self.rho
        self.S += (1 - self.rho) * g * g
        w -= learning_rate * g / (self.S**0.5 + self.epsilon)


class AdaDelta:
    r"""RMSprop whose rate is itself measured: the size of the steps taken so far.

    .. math::

        S \leftarrow \rho S + (1 - \rho) g^2 \qquad
        u = g \sqrt{\frac{D + \epsilon}{S + \epsilon}} \qquad
        D \leftarrow \rho D + (1 - \rho) u^2 \qquad w \leftarrow w - \eta \, u

    Args:
        rho: :math:`\rho`, 0 to below 1; 0.95 as in the paper (torch: 0.9).
        epsilon: :math:`\epsilon`, inside both roots. It sets the first step, about
            :math:`\sqrt{\epsilon / (1 - \rho)}`, so it is a hidden learning rate (torch: 1e-6).

    D is brought up to date after it was used. The paper has no learning rate: 1.

    Source: Zeiler 2012, algorithm 1. The same as
    ``torch.optim.Adadelta(params, lr, rho=rho, eps=epsilon)``.
    """

    elementwise = True

    def __init__(self, rho: float = 0.95, epsilon: float = 1e-8) -> None:
        self.rho = _share("rho", rho)
        self.epsilon = _at_least_0("epsilon", epsilon)

    def begin(self, w: Array) -> None:
        r"""Start with nothing seen and nothing moved: S = D = 0, shaped like w."""
        self.S, self.D = _zeros(w), _zeros(w)

    def step(self, w: Array, g: Array, learning_rate: float | Array = 1.0) -> None:
        r"""Take one step; see ``Rule.step``."""
        _ready(self, w, g, learning_rate)
        self.S *= self.rho
        self.S += (1 - self.rho) * g * g
        u = g * ((self.D + self.epsilon) / (self.S + self.epsilon)) ** 0.5
        self.D *= self.rho
        self.D += (1 - self.rho) * u * u
        w -= learning_rate * u


class Adam:
    r"""RMSprop of a decaying mean of gradients, both corrected for their start at 0.

    .. math::

        m \leftarrow \beta_1 m + (1 - \beta_1) g \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2) g^2 \qquad
        w \leftarrow w - \eta \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    Args:
        beta1: :math:`\beta_1`, 0 to below 1; 0.9 as in the paper.
        beta2: :math:`\beta_2`, 0 to below 1; 0.999 as in the paper.
        epsilon: :math:`\epsilon`, outside the root of the corrected mean. Keras adds it before
            the correction instead, which makes it larger in the first steps.

    Source: Kingma & Ba 2015, algorithm 1; the first step has t = 1. The same as
    ``torch.optim.Adam(params, lr, (beta1, beta2), epsilon)``.
    """

    elementwise = True

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        self.beta1, self.beta2 = _share("beta1", beta1), _share("beta2", beta2)
        self.epsilon = _at_least_0("epsilon", epsilon)

    def begin(self, w: Array) -> None:
        r"""Start with nothing seen: m = v = 0, shaped like w, and t = 0."""
        self.m, self.v, self.t = _zeros(w), _zeros(w), 0

    def step(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        r"""Take one step; see ``Rule.step``."""
        _ready(self, w, g, learning_rate)
        self.t += 1
        self.m *= self.beta1
        self.m += (1 - self.beta1) * g
        self.v *= self.beta2
        self.v += (1 - self.beta2) * g * g
        spread = (self.v / (1 - self.beta2**self.t)) ** 0.5 + self.epsilon
        w -= learning_rate / (1 - self.beta1**self.t) * self.m / spread


class AdamW(Adam):
    r"""Adam with weight decay beside the step, not inside the gradient.

    .. math:: w \leftarrow w - \eta \lambda w - \mathrm{the\ step\ of\ Adam}

    Args:
        beta1: as in ``Adam``.
        beta2: as in ``Adam``.
        epsilon: as in ``Adam``.
        weight_decay: :math:`\lambda`, 0 or more; 0.01 as in torch.

    Source: Loshchilov & Hutter 2019, algorithm 2, with :math:`\eta` also before
    :math:`\lambda`, as in torch. The same as
    ``torch.optim.AdamW(params, lr, (beta1, beta2), epsilon, weight_decay)``.
    """

    def __init__(
        self,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(beta1, beta2, epsilon)
        self.weight_decay = _at_least_0("weight_decay", weight_decay)

    def step(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        r"""Take one step; see ``Rule.step``."""
        _ready(self, w, g, learning_rate)
        w *= 1 - learning_rate * self.weight_decay
        super().step(w, g, learning_rate)


class Rprop:
    r"""Only the sign of the gradient counts: a weight's own step size grows while it stays.

    .. math::

        \Delta \leftarrow \begin{cases}
            \min(\eta^+ \Delta, \Delta_{max}) & g \, G > 0 \\
            \max(\eta^- \Delta, \Delta_{min}) & g \, G < 0 \\
            \Delta & \mathrm{else} \end{cases} \qquad
        w \leftarrow w - \mathrm{sign}(g) \Delta \qquad G \leftarrow g

    Of G only the sign matters, and only the sign is kept.

    Args:
        increase: :math:`\eta^+`, over 1; 1.2 as in the paper.
        decrease: :math:`\eta^-`, between 0 and 1; 0.5 as in the paper.
        minimum: :math:`\Delta_{min}`, 1e-6 as in torch.
        maximum: :math:`\Delta_{max}`, 50 as in the paper.
        initial: :math:`\Delta` at the start, 0.01 as in torch.

    The rule owns its step sizes: ``learning_rate`` is a plain factor, 1 by default.

    Source: Rprop- in Riedmiller 1994. ``torch.optim.Rprop`` is another rule, the published iRprop-.
    """

    elementwise = True

    def __init__(
        self,
        increase: float = 1.2,
        decrease: float = 0.5,
        minimum: float = 1e-6,
        maximum: float = 50.0,
        initial: float = 0.01,
    ) -> None:
        if not increase > 1 > decrease > 0:
            raise ValueError(
                "A step size grows by increase (over 1) and shrinks by decrease (between 0 and 1), "
                f"not {increase} and {decrease}."
            )
        if not 0 < minimum <= initial <= maximum:
            raise ValueError(
                "The step sizes must fulfil 0 < minimum <= initial <= maximum, "
                f"not {minimum}, {initial}, {maximum}."
            )
        self.increase, self.decrease = increase, decrease
        self.minimum, self.maximum, self.initial = minimum, maximum, initial

    def begin(self, w: Array) -> None:
        r"""Start with all steps at the initial size and no gradient seen, G = 0."""
        self.delta = _zeros(w) + self.initial
        self.G = _sign(w) * 0

    def step(self, w: Array, g: Array, learning_rate: float | Array = 1.0) -> None:
        r"""Take one step; see ``Rule.step``."""
        _ready(self, w, g, learning_rate)
        sign = _sign(g)
        self._resize(sign * self.G)
        w -= learning_rate * self.delta * _like(w, sign)
        self.G[...] = sign

    def _resize(self, s: Array) -> None:
        # The factor is increase, 1 or decrease for s = 1, 0 or -1: a parabola through the three
        # takes a fifth of the time of a mask.
        up, down = self.increase - 1, 1 - self.decrease
        s = _like(self.delta, s)
        factor = (up - down) / 2 * s
        factor += (up + down) / 2
        factor *= s
        factor += 1
        self.delta *= factor
        _clip(self.delta, self.minimum, self.maximum)


class IRpropMinus(Rprop):
    r"""Rprop that forgets a gradient whose sign has flipped: no second halving for one overshoot.

    With :math:`\tilde g = 0` where :math:`g \, G < 0` and :math:`\tilde g = g` elsewhere, and
    :math:`\Delta` as in ``Rprop``:

    .. math:: w \leftarrow w - \mathrm{sign}(\tilde g) \Delta \qquad G \leftarrow \tilde g

    Args:
        increase: :math:`\eta^+`, 1.2 in the source paper, which calls it :math:`\mu`.
        decrease: :math:`\eta^-`, 0.5 in the source paper, which calls it :math:`\epsilon`.
        minimum: :math:`\Delta_{min}`, 0.001 in the source paper.
        maximum: :math:`\Delta_{max}`, 0.006 in the source paper.
        initial: :math:`\Delta` at the start; the paper only says small: the minimum.
        variant: "published" does not move a weight on a flip. "paper" is the source paper's own
            pseudo-code: it steps by sign(g) on a flip too, with the reduced step, and only then
            forgets the gradient.

    The rule owns its step sizes: ``learning_rate`` is a plain factor, 1 by default.

    Source: Igel & Huesken 2000, algorithm 4; the mini-batch limits are those of the course's first
    source paper. "published" is exactly ``torch.optim.Rprop(params, lr=initial, etas=(decrease,
    increase), step_sizes=(minimum, maximum))``.
    """

    def __init__(
        self,
        increase: float = 1.2,
        decrease: float = 0.5,
        minimum: float = 0.001,
        maximum: float = 0.006,
        initial: float = 0.001,
        variant: Literal["published", "paper"] = "published",
    ) -> None:
        super().__init__(increase, decrease, minimum, maximum, initial)
        self.variant = _choice("variant", variant, ("published", "paper"))

    def step(self, w: Array, g: Array, learning_rate: float | Array = 1.0) -> None:
        r"""Take one step; see ``Rule.step``."""
        _ready(self, w, g, learning_rate)
        sign = _sign(g)
        s = sign * self.G
        self._resize(s)
        self.G[...] = sign * (1 + s.clip(-1, 0))
        moves = self.G if self.variant == "published" else sign
        step = _like(w, moves)
        step *= self.delta
        w -= learning_rate * step


class DirectionAccelerated:
    r"""DA-SGD: where two gradients in a row agree in sign, add their mean to the step.

    .. math::

        \rho_t = \begin{cases} (g_t + g_{t-1}) / 2 & \mathrm{sign}(g_t) = \mathrm{sign}(g_{t-1})\\
        0 & \mathrm{else} \end{cases} \qquad w \leftarrow w - \eta (g_t + \rho_t)

    The raw gradient is kept for the next step; at the first there is none, and :math:`\rho = 0`.

    Source: the course's fifth source paper. torch has no such rule. It steps 1.82 to 2 times as
    far as SGD in the mean, whatever the noise: compare it with SGD at twice the rate.
    """

    elementwise = True

    def begin(self, w: Array) -> None:
        r"""Start without a gradient: G = 0, which agrees in sign with none."""
        self.G = _zeros(w)

    def step(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        r"""Take one step; see ``Rule.step``."""
        _ready(self, w, g, learning_rate)
        agree = _like(g, (_sign(g) * _sign(self.G)).clip(0, 1))
        w -= learning_rate * (g + 0.5 * agree * (g + self.G))
        self.G[...] = g


class LayerwiseRate:
    r"""A rate for each layer: the smaller the layer's gradient, the larger its rate.

    .. math:: \eta_l = \eta \left(1 + \ln\left(1 + \frac{1}{\lVert g_l \rVert_2}\right)\right)

    Args:
        rule: the rule that takes the steps; it sees the raw gradient and the layer's rate, so that
            the multiplier never enters AdaGrad's sum or a decaying mean.
        layers: slices of the vector, one for each layer (weights and bias together), in order and
            without a gap: ``[layer.slice for layer in network.trained]``. None: all is one layer.

    Where a layer's gradient is 0 its multiplier does not matter: the gradient's part of the step
    is 0. The norm is that of the *mean* gradient of the batch; with a sum the rule would be
    another one. The multiplier is over 1 whatever the gradient: compare with a larger rate.

    Source: Singh et al. 2015, equation 9. torch has no such rule; there, multiply the ``lr`` of
    one parameter group for each layer before every step (AdaGrad), or the gradient (momentum).
    """

    def __init__(self, rule: Rule, layers: Sequence[slice] | None = None) -> None:
        self.rule, self.layers = rule, layers

    def begin(self, w: Array) -> None:
        r"""Start a rule for each layer: ``parts``, in the order of ``layers``."""
        size = w.shape[-1]
        self.layers = [slice(0, size)] if self.layers is None else list(self.layers)
        ends = [0, *(layer.stop for layer in self.layers)]
        if ends[-1] != size or [layer.start for layer in self.layers] != ends[:-1]:
            given = ", ".join(f"{layer.start}:{layer.stop}" for layer in self.layers)
            raise ValueError(
                f"The layers must cover the vector from 0 to {size}, in order and without a gap; "
                f"these are {given}."
            )
        self.parts = [copy(self.rule) for _ in self.layers]

    def step(self, w: Array, g: Array, learning_rate: float | Array = 1.0) -> None:
        r"""Take one step; see ``Rule.step``."""
        _ready(self, w, g, learning_rate)
        for part, layer in zip(self.parts, self.layers, strict=True):
            m = multiplier(_norm(g[..., layer]))
            part.step(w[..., layer], g[..., layer], learning_rate * m)


def multiplier(norm: float | Array) -> float | Array:
    r"""Return the factor by which ``LayerwiseRate`` raises the rate of a layer.

    .. math:: m = 1 + \ln(1 + 1/n) = 1 + \ln(1 + n) - \ln n

    Args:
        norm: n, the length of the layer's gradient, 0 or more; a number or an array.

    Returns:
        The factor, shaped like norm. For n = 0, where it would be infinite, and for a run that has
        diverged, that of n = 1.
    """
    if isinstance(norm, float):
        norm = norm if 0 < norm < math.inf else 1.0
        return 1 + math.log1p(norm) - math.log(norm)
    xp = _namespace(norm)
    norm = xp.where((norm > 0) & (norm < math.inf), norm, xp.ones_like(norm))
    return 1 + xp.log1p(norm) - xp.log(norm)


def in_blocks(
    rule: Rule, w: Array, g: Array, block: int = BLOCK
) -> Callable[[float | Array], None]:
    r"""Return a function of the learning rate that takes the steps of a rule, block by block.

    A block's temporary arrays stay in the processor's cache, which makes the steps of large
    networks up to twice as fast and changes no bit of them.

    Args:
        rule: the rule; one that is not ``elementwise`` gets the whole vector at once.
        w: parameters, (P,) or (K, P), changed in place at each call.
        g: where the gradient will be at each call, of the same shape.
        block: weights to a block.

    Returns:
        ``take_step(learning_rate)``. The rule's state stays readable by name on the rule itself.
    """
    size = w.shape[-1]
    if size <= block or not getattr(rule, "elementwise", False):
        return lambda learning_rate: rule.step(w, g, learning_rate)
    if not hasattr(rule, "shape"):
        _begin(rule, w)
    parts = []
    for start in range(0, size, block):
        part, here = copy(rule), (..., slice(start, start + block))
        for name, value in vars(rule).items():
            if getattr(value, "shape", None) == w.shape:
                setattr(part, name, value[here])
        part.shape = w[here].shape
        parts.append((part, w[here], g[here]))

    def take_step(learning_rate: float | Array) -> None:
        for part, w_part, g_part in parts:
            part.step(w_part, g_part, learning_rate)
        if hasattr(rule, "t"):
            rule.t = part.t

    return take_step


def _begin(rule: Rule, w: Array) -> None:
    rule.begin(w)
    rule.shape = tuple(w.shape)


def _ready(rule: Rule, w: Array, g: Array, learning_rate: float | Array) -> None:
    if g.shape != w.shape or g.dtype != w.dtype:
        raise ValueError(
            f"w and g must be alike, but w is {tuple(w.shape)} of {w.dtype} and g is "
            f"{tuple(g.shape)} of {g.dtype}."
        )
    if not hasattr(rule, "shape"):
        _begin(rule, w)
    elif rule.shape != w.shape:
        raise ValueError(
            f"This {type(rule).__name__} has taken steps of shape {rule.shape}, so it cannot step "
            f"one of shape {tuple(w.shape)}: make a new one for each network."
        )
    if isinstance(learning_rate, float | int):
        if not 0 <= learning_rate < math.inf:
            raise ValueError(f"The learning rate must be finite, 0 or more, not {learning_rate}.")
    elif not bool((learning_rate >= 0).all()):
        raise ValueError(f"Learning rates must be 0 or more, not {learning_rate}.")
    elif learning_rate.ndim and tuple(learning_rate.shape) != (*w.shape[:-1], 1):
        raise ValueError(
            f"Learning rates of shape {tuple(learning_rate.shape)} do not fit w of shape "
            f"{tuple(w.shape)}: give one number, or one for each run in an array of shape "
            f"{(*w.shape[:-1], 1)}."
        )


def _namespace(x: Array) -> ModuleType:
    # Asking takes longer than a step of a small network, and a type's answer never changes.
    kind = type(x)
    if kind not in _NAMESPACES:
        _NAMESPACES[kind] = array_namespace(x)
    return _NAMESPACES[kind]


def _zeros(w: Array) -> Array:
    return _namespace(w).zeros_like(w)


def _sign(g: Array) -> Array:
    # 1, 0 or -1 in single bytes, whose products are cheap and cannot underflow as those of small
    # gradients can. NumPy is fast at comparing and slow at sign, torch the other way round.
    if hasattr(g, "sign"):
        return g.sign().char()
    return (g > 0).view("int8") - (g < 0).view("int8")


def _clip(x: Array, low: float, high: float) -> None:
    x.clip_(low, high) if hasattr(x, "clip_") else x.clip(low, high, out=x)


def _like(w: Array, x: Array) -> Array:
    return _namespace(w).astype(x, w.dtype)


def _norm(g: Array) -> float | Array:
    norm = _namespace(g).linalg.vector_norm(g, axis=-1, keepdims=g.ndim > 1)
    return norm if g.ndim > 1 else float(norm)


def _share(name: str, value: float) -> float:
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, not {value}.")
    return value


def _at_least_0(name: str, value: float) -> float:
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be finite, 0 or more, not {value}.")
    return value


def _choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(unknown(name, value, allowed))
    return value
