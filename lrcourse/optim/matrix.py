r"""A step that knows that weights form matrices: all its singular values are about the same."""

from collections.abc import Sequence

from array_api_compat import array_namespace

from lrcourse.nn import Array, Part
from lrcourse.optim.rule import Rule, at_least_0, zeros_like

# Steep at 0, so that small singular values grow fast; they end anywhere from about 0.7 to 1.2.
FAST = (3.4445, -4.7750, 2.0315)
EXACT = (1.5, -0.5, 0.0)  # Newton's; converges to 1
Parts = Sequence[Part] | None


class Muon(Rule):
    r"""Momentum whose step is orthogonalized, matrix by matrix.

    .. math::

        m \leftarrow \mu m + (1 - \mu) \, g \qquad u = \mu m + (1 - \mu) \, g = U S V^T \qquad
        W \leftarrow W - \eta \sqrt{\max(1, n_{out} / n_{in})} \; U V^T

    Args:
        rule: the rule that steps what is no matrix (biases, BatchNorm's scales), at the same
            rate; None: there is nothing else.
        parts: ``network.parts``; ``fit`` fills it in where it is None. Weights are (fan_in,
            fan_out).
        momentum: :math:`\mu`, 0 to below 1; 0.95 as in the source.
        steps: of ``newton_schulz``, 5 as in the source.

    m is 0 at first. The look-ahead u is Nesterov's.

    Source: Jordan et al. 2024; Bernstein & Newhouse 2024 for the factor. The same as
    ``torch.optim.Muon(params, lr, weight_decay=0, momentum=momentum)``, which rounds to bfloat16
    inside and takes matrices only, as does this rule as a torch optimizer.
    """

    state = ("m", "rest")
    elementwise = False

    def __init__(
        self, rule: Rule | None = None, parts: Parts = None, momentum: float = 0.95, steps: int = 5
    ) -> None:
        self.rule, self.parts, self.steps = rule, parts, steps
        self.momentum = at_least_0("momentum", momentum, below=1)

    def begin(self, w: Array) -> None:
        if not self.parts or self.parts[-1].slice.stop != w.shape[-1]:
            raise ValueError(f"Muon needs network.parts, which cover w, not {self.parts}.")
        small = [part.slice for part in self.parts if not is_matrix(part)]
        self.m, self.rest = zeros_like(w), [i for s in small for i in range(s.start, s.stop)]
        if self.rule is not None:
            self.rule.begin(w[..., self.rest])
        elif self.rest:
            raise ValueError(
                "Muon steps matrices; give it a rule for the biases and scales, Muon(Adam()), or "
                "in torch give these to another optimizer."
            )

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        self.m *= self.momentum
        self.m += (1 - self.momentum) * g
        u = self.momentum * self.m + (1 - self.momentum) * g
        for part in self.parts or ():
            if is_matrix(part):
                fan_in, fan_out = part.shape
                matrix = u[..., part.slice].reshape(*u.shape[:-1], fan_in, fan_out)
                step = self.orthogonalized(matrix).reshape(*u.shape[:-1], -1)
                w[..., part.slice] -= learning_rate * max(1, fan_out / fan_in) ** 0.5 * step
        if self.rule is not None:
            small = w[..., self.rest]  # a copy
            self.rule.update(small, g[..., self.rest], learning_rate)
            w[..., self.rest] = small

    def orthogonalized(self, matrix: Array) -> Array:
        r"""Return the step of a matrix, before rate and factor; a control has another.

        Args:
            matrix: the look-ahead u of one part of w, (..., fan_in, fan_out).
        """
        return newton_schulz(matrix, self.steps)


def is_matrix(part: Part) -> bool:
    r"""Return whether a part is a matrix; biases and scales, (1, n) or (n,), are not.

    Args:
        part: of ``network.parts``.
    """
    return len(part.shape) == 2 and part.shape[0] > 1


def newton_schulz(
    matrix: Array, steps: int = 5, coefficients: tuple[float, float, float] = FAST
) -> Array:
    r"""Return :math:`U V^T` of a matrix :math:`U S V^T`, without computing them.

    .. math:: X \leftarrow a X + b \, (X X^T) X + c \, (X X^T)^2 X

    first with X the matrix over its Frobenius norm. Every singular value s becomes
    :math:`a s + b s^3 + c s^5`, and U and V stay.

    Args:
        matrix: (..., m, n), one or several.
        steps: how often.
        coefficients: a, b and c; ``FAST`` is quick and stops near 1, ``EXACT`` converges.

    Source: Jordan et al. 2024 (the fast ones); Bernstein & Newhouse 2024.
    """
    a, b, c = coefficients
    norm = array_namespace(matrix).linalg.vector_norm(matrix, axis=(-2, -1), keepdims=True)
    X = matrix / (norm + (norm == 0))
    if tall := X.shape[-2] > X.shape[-1]:  # the smaller of the two products
        X = X.mT
    for _ in range(steps):
        A = X @ X.mT
        X = a * X + (b * A + c * A @ A) @ X
    return X.mT if tall else X
