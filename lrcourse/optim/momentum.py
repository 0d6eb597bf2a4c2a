r"""Straight down the gradient, and with a memory of the way: SGD, momentum, Nesterov."""

from typing import Literal

from lrcourse.nn import Array
from lrcourse.optim.rule import Rule, at_least_0, choice, zeros_like

Convention = Literal["paper", "torch"]


class SGD(Rule):
    r"""Stochastic gradient descent: a step straight down the mini-batch gradient.

    .. math:: w \leftarrow w - \eta \, g

    Source: Robbins & Monro 1951. The same as ``torch.optim.SGD(params, lr)`` without momentum.
    """

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        w -= learning_rate * g


class Momentum(Rule):
    r"""A ball in the valley: steps add up in a velocity ``v``, 0 at first.

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

    state = ("v",)

    def __init__(self, momentum: float = 0.9, convention: Convention = "paper") -> None:
        self.momentum = at_least_0("momentum", momentum, below=1)
        self.convention = choice("convention", convention, ("paper", "torch"))

    def begin(self, w: Array) -> None:
        self.v = zeros_like(w)

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        self.v *= self.momentum
        if self.convention == "paper":
            self.v -= learning_rate * g
            w += self.v
        else:
            self.v += g
            w -= learning_rate * self.v


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

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        self.v *= self.momentum
        if self.convention == "paper":
            step = learning_rate * g
            self.v -= step
            w += self.momentum * self.v - step
        else:
            self.v += g
            w -= learning_rate * (g + self.momentum * self.v)
