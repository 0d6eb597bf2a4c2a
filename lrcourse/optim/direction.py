r"""A longer step where two gradients in a row agree: DA-SGD."""

from lrcourse.nn import Array
from lrcourse.optim.rule import Rule, zeros_like
from lrcourse.optim.signs import like, sign


class DirectionAccelerated(Rule):
    r"""DA-SGD: where two gradients in a row agree in sign, add their mean to the step.

    .. math::

        \rho_t = \begin{cases} (g_t + g_{t-1}) / 2 & \mathrm{sign}(g_t) = \mathrm{sign}(g_{t-1})\\
        0 & \mathrm{else} \end{cases} \qquad w \leftarrow w - \eta (g_t + \rho_t)

    The raw gradient is kept as G for the next step; at the first there is none, and
    :math:`\rho = 0`.

    Source: the course's fifth source paper. torch has no such rule. Where noise is Gaussian it
    steps 1.82 to 2 times as far as SGD in the mean: compare it with SGD at about twice the rate.
    """

    state = ("G",)

    def begin(self, w: Array) -> None:
        self.G = zeros_like(w)

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        agree = like(g, (sign(g) * sign(self.G)).clip(0, 1))
        rho = agree * (g + self.G) / 2
        w -= learning_rate * (g + rho)
        self.G[...] = g
