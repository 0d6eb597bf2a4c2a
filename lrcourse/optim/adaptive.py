r"""A rate for each weight, from the squares of its gradients: AdaGrad to AdamW."""

from lrcourse.nn import Array
from lrcourse.optim.rule import Rule, at_least_0, zeros_like


class AdaGrad(Rule):
    r"""A rate for each weight, the smaller the more gradient that weight has seen in all.

    .. math:: S \leftarrow S + g^2 \qquad w \leftarrow w - \eta \frac{g}{\sqrt{S} + \epsilon}

    Args:
        epsilon: :math:`\epsilon`, outside the root; 1e-8 as in the source article (torch: 1e-10).

    S is 0 at first.

    Source: Duchi et al. 2011. The same as ``torch.optim.Adagrad(params, lr, eps=epsilon)``.
    """

    state = ("S",)

    def __init__(self, epsilon: float = 1e-8) -> None:
        self.epsilon = at_least_0("epsilon", epsilon)

    def begin(self, w: Array) -> None:
        self.S = zeros_like(w)

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        self.S += g * g
        w -= learning_rate * g / (self.S**0.5 + self.epsilon)


class RMSprop(Rule):
    r"""AdaGrad that forgets: a decaying mean of the squares in place of their sum.

    .. math::

        S \leftarrow \rho S + (1 - \rho) g^2 \qquad
        w \leftarrow w - \eta \frac{g}{\sqrt{S} + \epsilon}

    Args:
        rho: :math:`\rho`, 0 to below 1; 0.9 as in Hinton's lecture (torch calls it alpha: 0.99).
        epsilon: :math:`\epsilon`, outside the root.

    S is 0 at first.

    Source: Hinton's Coursera lecture 6e, 2012. The same as
    ``torch.optim.RMSprop(params, lr, alpha=rho, eps=epsilon)``.
    """

    state = ("S",)

    def __init__(self, rho: float = 0.9, epsilon: float = 1e-8) -> None:
        self.rho, self.epsilon = at_least_0("rho", rho, below=1), at_least_0("epsilon", epsilon)

    def begin(self, w: Array) -> None:
        self.S = zeros_like(w)

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        self.S *= self.rho
        self.S += (1 - self.rho) * g * g
        w -= learning_rate * g / (self.S**0.5 + self.epsilon)


class AdaDelta(Rule):
    r"""RMSprop whose rate is itself measured: the size of the steps taken so far.

    .. math::

        S \leftarrow \rho S + (1 - \rho) g^2 \qquad
        u = g \sqrt{\frac{D + \epsilon}{S + \epsilon}} \qquad
        D \leftarrow \rho D + (1 - \rho) u^2 \qquad w \leftarrow w - \eta \, u

    Args:
        rho: :math:`\rho`, 0 to below 1; 0.95 as in the paper (torch: 0.9).
        epsilon: :math:`\epsilon`, inside both roots. It sets the first step, about
            :math:`\sqrt{\epsilon / (1 - \rho)}`, so it is a hidden learning rate (torch: 1e-6).

    S and D are 0 at first, and D changes after it was used. The paper has no learning rate: 1.

    Source: Zeiler 2012, algorithm 1. The same as
    ``torch.optim.Adadelta(params, lr, rho=rho, eps=epsilon)``.
    """

    state = ("S", "D")
    default_rate = 1.0

    def __init__(self, rho: float = 0.95, epsilon: float = 1e-8) -> None:
        self.rho, self.epsilon = at_least_0("rho", rho, below=1), at_least_0("epsilon", epsilon)

    def begin(self, w: Array) -> None:
        self.S, self.D = zeros_like(w), zeros_like(w)

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        self.S *= self.rho
        self.S += (1 - self.rho) * g * g
        u = g * ((self.D + self.epsilon) / (self.S + self.epsilon)) ** 0.5
        self.D *= self.rho
        self.D += (1 - self.rho) * u * u
        w -= learning_rate * u


class Adam(Rule):
    r"""RMSprop of a decaying mean of gradients, with both means corrected for their start at 0.

    .. math::

        t \leftarrow t + 1 \qquad
        m \leftarrow \beta_1 m + (1 - \beta_1) g \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2) g^2

        \hat m = \frac{m}{1 - \beta_1^t} \qquad \hat v = \frac{v}{1 - \beta_2^t} \qquad
        w \leftarrow w - \eta \frac{\hat m}{\sqrt{\hat v} + \epsilon}

    Args:
        beta1: :math:`\beta_1`, 0 to below 1; 0.9 as in the paper.
        beta2: :math:`\beta_2`, 0 to below 1; 0.999 as in the paper.
        epsilon: :math:`\epsilon`, outside the root of the corrected mean. Keras adds it before
            the correction instead, which makes it larger in the first steps.

    m, v and t are 0 at first.

    Source: Kingma & Ba 2015, algorithm 1. The same as
    ``torch.optim.Adam(params, lr, (beta1, beta2), epsilon)``.
    """

    state = ("m", "v", "t")

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        self.beta1 = at_least_0("beta1", beta1, below=1)
        self.beta2 = at_least_0("beta2", beta2, below=1)
        self.epsilon = at_least_0("epsilon", epsilon)

    def begin(self, w: Array) -> None:
        self.m, self.v, self.t = zeros_like(w), zeros_like(w), 0

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        self.t += 1
        self.m *= self.beta1
        self.m += (1 - self.beta1) * g
        self.v *= self.beta2
        self.v += (1 - self.beta2) * g * g
        m_hat = self.m / (1 - self.beta1**self.t)
        v_hat = self.v / (1 - self.beta2**self.t)
        w -= learning_rate * m_hat / (v_hat**0.5 + self.epsilon)


class AdamW(Adam):
    r"""Adam with weight decay beside the step, not inside the gradient.

    .. math:: w \leftarrow (1 - \eta \lambda) w \qquad \mathrm{and\ then\ Adam's\ step}

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
        self.weight_decay = at_least_0("weight_decay", weight_decay)

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        w *= 1 - learning_rate * self.weight_decay
        super().update(w, g, learning_rate)
