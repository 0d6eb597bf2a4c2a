r"""Evaluated elsewhere than it steps: the mean of the weights, and steps without a schedule."""

from typing import ClassVar

from lrcourse.nn import Array
from lrcourse.optim.rule import Rule, at_least_0, zeros_like


class EMA(Rule):
    r"""Any rule, evaluated at an exponential moving average of its weights.

    .. math:: a \leftarrow \beta a + (1 - \beta) \, w \qquad \hat a = \frac{a}{1 - \beta^t}

    Args:
        rule: the rule that takes the steps.
        decay: :math:`\beta`, 0 to below 1; the average reaches back about :math:`1/(1 - \beta)`
            steps. 0.99 suits runs of a thousand steps.

    a and t are 0 at first; the denominator takes the start out of the mean, as in Adam. With
    BatchNorm, the running statistics belong to the weights that step, not to their mean.

    Source: Polyak & Juditsky 1992 for the mean of all weights. In torch,
    ``torch.optim.swa_utils.AveragedModel``, which begins at the first weights instead.
    """

    state = ("a", "t")

    def __init__(self, rule: Rule, decay: float = 0.99) -> None:
        self.rule, self.decay = rule, at_least_0("decay", decay, below=1)

    def begin(self, w: Array) -> None:
        self.rule.begin(w)
        self.a, self.t = zeros_like(w), 0

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        self.rule.update(w, g, learning_rate)
        self.t += 1
        self.a += (1 - self.decay) * (w - self.a)

    def evaluation_weights(self, w: Array) -> Array:
        r"""Return the average, or w before the first step."""
        return self.a / (1 - self.decay**self.t) if self._shape else w


class ScheduleFree(Rule):
    r"""SGD without a schedule: the gradient is taken between the last step z and the mean x.

    .. math::

        z \leftarrow z - \eta \, (g + \lambda w) \qquad
        x \leftarrow (1 - c) \, x + c \, z \qquad
        w \leftarrow \beta x + (1 - \beta) \, z

        c = \frac{\hat\eta_t^2}{\sum_{i \le t} \hat\eta_i^2} \qquad
        \hat\eta_t = \max_{i \le t} \eta_i

    Args:
        beta: :math:`\beta`, 0 to below 1; 0.9 as in the paper.
        weight_decay: :math:`\lambda`, 0 or more.

    x and z are w at first. x is what counts: ``fit`` evaluates there and leaves the network there.
    At a constant rate c is 1/t, and x the plain mean of all z; a warm-up counts less. Choose the
    rate anew: its best one is far above that of momentum.

    Source: Defazio et al. 2024. The same as
    ``schedulefree.SGDScheduleFree(params, lr, momentum=beta, weight_decay=weight_decay)`` of PyPI.
    torch has none.
    """

    state: ClassVar[tuple[str, ...]] = ("z", "x", "largest", "total")

    def __init__(self, beta: float = 0.9, weight_decay: float = 0.0) -> None:
        self.beta = at_least_0("beta", beta, below=1)
        self.weight_decay = at_least_0("weight_decay", weight_decay)

    def begin(self, w: Array) -> None:
        self.z, self.x = 1 * w, 1 * w
        self.largest = self.total = zeros_like(w[..., :1])

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        growth = learning_rate - self.largest
        self.largest = self.largest + growth * (growth > 0)
        self.total = self.total + self.largest**2
        c = self.largest**2 / (self.total + (self.total == 0))  # rates of 0 so far: stay
        self.z -= learning_rate * (g + self.weight_decay * w)
        self.x += c * (self.z - self.x)
        w[...] = self.beta * self.x + (1 - self.beta) * self.z

    def evaluation_weights(self, w: Array) -> Array:
        r"""Return x, or w before the first step."""
        return self.x if self._shape else w


class ScheduleFreeAdamW(ScheduleFree):
    r"""Schedule-free steps over the root of a mean square, as Adam's without its momentum.

    .. math::

        v \leftarrow \beta_2 v + (1 - \beta_2) \, g^2 \qquad
        z \leftarrow z - \eta \left( \frac{g}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}
        + \lambda w \right)

    and x and w as in ``ScheduleFree``.

    Args:
        beta: as in ``ScheduleFree``; it takes the place of Adam's :math:`\beta_1`.
        beta2: :math:`\beta_2`, 0 to below 1; 0.999 as in the paper.
        epsilon: :math:`\epsilon`, as in Adam.
        weight_decay: :math:`\lambda`, 0 or more.

    Source: Defazio et al. 2024. The same as
    ``schedulefree.AdamWScheduleFree(params, lr, (beta, beta2), epsilon, weight_decay)`` of PyPI.
    """

    state = (*ScheduleFree.state, "v", "t")

    def __init__(
        self,
        beta: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(beta, weight_decay)
        self.beta2 = at_least_0("beta2", beta2, below=1)
        self.epsilon = at_least_0("epsilon", epsilon)

    def begin(self, w: Array) -> None:
        super().begin(w)
        self.v, self.t = zeros_like(w), 0

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        self.t += 1
        self.v *= self.beta2
        self.v += (1 - self.beta2) * g * g
        v_hat = self.v / (1 - self.beta2**self.t)
        super().update(w, g / (v_hat**0.5 + self.epsilon), learning_rate)
