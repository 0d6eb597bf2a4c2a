r"""A rate for each layer, from the length of its gradient."""

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from array_api_compat import array_namespace

from lrcourse.nn import Array, Part
from lrcourse.optim.rule import Rule, zeros_like


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

    elementwise = False

    def __init__(self, rule: Rule, parts: Sequence[Part] | None = None) -> None:
        self.rule, self.parts = rule, parts

    def begin(self, w: Array) -> None:
        ends = [0, *(layer.stop for layer in self.layers)]
        if [layer.start for layer in self.layers] != ends[:-1] or ends[-1] != w.shape[-1]:
            raise ValueError(
                f"LayerwiseRate needs network.parts, which cover w from 0 to {w.shape[-1]}, in "
                f"order and without a gap, not {self.parts}."
            )
        self.rule.begin(w)

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        rates = zeros_like(w)
        for layer in self.layers:
            norm = array_namespace(g).linalg.vector_norm(g[..., layer], axis=-1, keepdims=True)
            rates[..., layer] = learning_rate * multiplier(norm)
        self.rule.update(w, g, rates)

    @property
    def layers(self) -> list[slice]:
        r"""The slice of each layer with parameters, weights and bias together."""
        by_layer = groupby(self.parts or (), key=lambda part: part.name.partition(".")[0])
        layers = [list(parts) for _, parts in by_layer]
        return [slice(parts[0].slice.start, parts[-1].slice.stop) for parts in layers]


def multiplier(norm: float | Array) -> float | Array:
    r"""Return the factor by which ``LayerwiseRate`` raises the rate of a layer.

    .. math:: m = 1 + \ln(1 + 1/n) = 1 + \ln(1 + n) - \ln n

    Args:
        norm: n, the length of the layer's gradient, 0 or more; a number or an array.

    Returns:
        The factor, shaped like norm. For n = 0, where it would be infinite, and for a run that has
        diverged, that of n = 1.
    """
    norm = norm if hasattr(norm, "shape") else np.float64(norm)
    xp = array_namespace(norm)
    norm = xp.where((norm > 0) & (norm < math.inf), norm, xp.ones_like(norm))
    return 1 + xp.log1p(norm) - xp.log(norm)
