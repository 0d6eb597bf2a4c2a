r"""Only signs count: sign descent, Lion, Rprop, and iRprop- for mini-batches."""

from typing import Literal

from array_api_compat import array_namespace

from lrcourse.nn import Array
from lrcourse.optim.rule import Rule, at_least_0, choice, zeros_like


class SignSGD(Rule):
    r"""The same step for every weight, against the sign of its gradient.

    .. math:: w \leftarrow w - \eta \, \mathrm{sign}(g)

    Source: Bernstein et al. 2018, algorithm 1. torch has no such rule.
    """

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        w -= learning_rate * like(w, sign(g))


class Lion(Rule):
    r"""The sign of a mean of gradients, with weight decay beside the step.

    .. math::

        c = \beta_1 m + (1 - \beta_1) \, g \qquad
        w \leftarrow (1 - \eta \lambda) \, w - \eta \, \mathrm{sign}(c) \qquad
        m \leftarrow \beta_2 m + (1 - \beta_2) \, g

    Args:
        beta1: :math:`\beta_1`, 0 to below 1; 0.9 as in the paper.
        beta2: :math:`\beta_2`, 0 to below 1; 0.99 as in the paper.
        weight_decay: :math:`\lambda`, 0 or more.

    m is 0 at first; that it starts small does not matter to a sign.

    Source: Chen et al. 2023. The same as
    ``lion_pytorch.Lion(params, lr, (beta1, beta2), weight_decay)`` of PyPI. torch has none.
    """

    state = ("m",)

    def __init__(self, beta1: float = 0.9, beta2: float = 0.99, weight_decay: float = 0.0) -> None:
        self.beta1 = at_least_0("beta1", beta1, below=1)
        self.beta2 = at_least_0("beta2", beta2, below=1)
        self.weight_decay = at_least_0("weight_decay", weight_decay)

    def begin(self, w: Array) -> None:
        self.m = zeros_like(w)

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        w *= 1 - learning_rate * self.weight_decay
        w -= learning_rate * like(w, sign(self.beta1 * self.m + (1 - self.beta1) * g))
        self.m *= self.beta2
        self.m += (1 - self.beta2) * g


class Rprop(Rule):
    r"""Each weight has its own step size, which grows while its gradient keeps its sign.

    .. math::

        \Delta \leftarrow \begin{cases}
            \min(\eta^+ \Delta, \Delta_{max}) & g \, G > 0 \\
            \max(\eta^- \Delta, \Delta_{min}) & g \, G < 0 \\
            \Delta & \mathrm{else} \end{cases} \qquad
        w \leftarrow w - \mathrm{sign}(g) \Delta \qquad G \leftarrow \mathrm{sign}(g)

    Args:
        increase: :math:`\eta^+`, over 1; 1.2 as in the paper.
        decrease: :math:`\eta^-`, between 0 and 1; 0.5 as in the paper.
        minimum: :math:`\Delta_{min}`, 1e-6 as in torch.
        maximum: :math:`\Delta_{max}`, 50 as in the paper.
        initial: :math:`\Delta` at first, 0.01 as in torch.

    G is 0 at first. The rule owns its step sizes: ``learning_rate`` is a plain factor, 1 by
    default.

    Source: Rprop- in Riedmiller 1994. ``torch.optim.Rprop`` is another rule, the published iRprop-.
    """

    state = ("delta", "G")
    default_rate = 1.0

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
        self.delta = zeros_like(w) + self.initial
        self.G = 0 * sign(w)

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        s = sign(g)
        self._resize(s * self.G)
        w -= learning_rate * self.delta * like(w, s)
        self.G[...] = s

    def _resize(self, agree: Array) -> None:
        # agree is 1 where g keeps its sign, -1 where it flips, 0 where g or G is 0.
        agree = like(self.delta, agree)
        grow, shrink = agree.clip(0, 1), agree.clip(-1, 0)
        self.delta *= 1 + (self.increase - 1) * grow + (1 - self.decrease) * shrink
        self.delta = self.delta.clip(self.minimum, self.maximum)


class IRpropMinus(Rprop):
    r"""Rprop that forgets a gradient whose sign has flipped, so one overshoot halves a step once.

    With :math:`\tilde g = 0` where :math:`g \, G < 0` and :math:`\tilde g = g` elsewhere, and
    :math:`\Delta` as in ``Rprop``:

    .. math:: w \leftarrow w - \mathrm{sign}(\tilde g) \Delta \qquad
        G \leftarrow \mathrm{sign}(\tilde g)

    Args:
        increase: :math:`\eta^+`, 1.2 in the source paper, which calls it :math:`\mu`.
        decrease: :math:`\eta^-`, 0.5 in the source paper, which calls it :math:`\epsilon`.
        minimum: :math:`\Delta_{min}`, 0.001 in the source paper.
        maximum: :math:`\Delta_{max}`, 0.006 in the source paper.
        initial: :math:`\Delta` at first; the paper only says small: the minimum.
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
        self.variant = choice("variant", variant, ("published", "paper"))

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        s = sign(g)
        agree = s * self.G
        self._resize(agree)
        self.G[...] = s * (1 + agree.clip(-1, 0))  # 0 where the sign flipped
        direction = self.G if self.variant == "published" else s
        w -= learning_rate * self.delta * like(w, direction)


def sign(g: Array) -> Array:
    r"""Return 1, 0 or -1 for each entry, in single bytes.

    Args:
        g: an array or a tensor.

    The products of bytes are cheap and cannot underflow, as those of small gradients can.
    """
    # NumPy is fast at comparing and slow at sign, torch the other way round.
    if hasattr(g, "sign"):
        return g.sign().char()
    return (g > 0).view("int8") - (g < 0).view("int8")


def like(w: Array, x: Array) -> Array:
    r"""Return x in the number type of w.

    Args:
        w: the array to be like.
        x: an array of the same library.
    """
    return array_namespace(w).astype(x, w.dtype)
