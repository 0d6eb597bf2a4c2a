r"""A rate for each layer, from the length of its gradient."""

import math
from collections.abc import Sequence

from lrcourse.nn import Array, Part
from lrcourse.optim.rule import Rule, namespace, zeros_like


class LayerwiseRate(Rule):
    r"""A rate for each layer: the smaller the layer's gradient, the larger its rate.

    .. math:: \eta_l = \eta \left(1 + \ln\left(1 + \frac{1}{\lVert g_l \rVert_2}\right)\right)

    Args:
        rule: the rule that takes the steps; it sees the raw gradient and the layer's rate, so that
            the multiplier never enters AdaGrad's sum or a decaying mean.
        parts: ``network.parts``; weights and bias of a layer are one layer. ``fit`` fills it in
            where it is None.

    Where a layer's gradient is 0 its multiplier does not matter: the gradient's part of the step
    is 0. The norm is that of the *mean* gradient of the batch; with a sum the rule would be
    another one. The multiplier is over 1 whatever the gradient: compare with a larger rate.

    Source: Singh et al. 2015, equation 9. torch has no such rule; there, multiply the ``lr`` of
    one parameter group for each layer before every step (AdaGrad), or the gradient (momentum).
    """

    def __init__(self, rule: Rule, parts: Sequence[Part] | None = None) -> None:
        self.rule, self.parts = rule, parts

    def begin(self, w: Array) -> None:
        size, ends = w.shape[-1], [0, *(layer.stop for layer in self.layers)]
        if ends[-1] != size or [layer.start for layer in self.layers] != ends[:-1]:
            raise ValueError(
                "LayerwiseRate needs network.parts of this network: layers that cover the vector "
                f"from 0 to {size}, in order and without a gap, not {self.parts}."
            )
        self.rule.begin(w)

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        rates = zeros_like(w)
        for layer in self.layers:
            m = multiplier(norm(g[..., layer]))
            rates[..., layer] = learning_rate * m
        self.rule.update(w, g, rates)

    @property
    def layers(self) -> list[slice]:
        r"""The slice of each layer with parameters, weights and bias together."""
        ends: dict[str, slice] = {}
        for part in self.parts or ():
            layer = part.name.partition(".")[0]
            first = ends.get(layer, part.slice).start
            ends[layer] = slice(first, part.slice.stop)
        return list(ends.values())

    def fresh(self) -> "LayerwiseRate":
        r"""Return one with the same hyperparameters that has taken no step yet."""
        return type(self)(self.rule.fresh(), self.parts)


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
    xp = namespace(norm)
    norm = xp.where((norm > 0) & (norm < math.inf), norm, xp.ones_like(norm))
    return 1 + xp.log1p(norm) - xp.log(norm)


def norm(g: Array) -> float | Array:
    r"""Return the length of a gradient: a number, or (K, 1) for K runs.

    Args:
        g: (P,) or (K, P).
    """
    length = namespace(g).linalg.vector_norm(g, axis=-1, keepdims=g.ndim > 1)
    return length if g.ndim > 1 else float(length)
