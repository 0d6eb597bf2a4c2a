r"""Optimizers: each is a rule that turns the gradient ``g`` into a step of ``w``.

A rule's ``step(w, g, learning_rate)`` works in place, on one vector of shape (P,) with a number as
learning rate, or on K of them, (K, P), with learning rates of shape (K, 1). A rule whose step of a
weight depends on that weight alone says so with ``elementwise = True``: ``fit`` may then hand it
the vector in blocks.
"""

from lrcourse.nn import Array


class SGD:
    r"""Stochastic gradient descent: a step straight down the mini-batch gradient.

    .. math:: w \leftarrow w - \eta \, g

    Source: Robbins & Monro 1951. The same as ``torch.optim.SGD(params, lr)`` without momentum.
    """

    elementwise = True

    def step(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        r"""Take one step.

        Args:
            w: parameters, (P,) or (K, P); changed in place.
            g: gradient of the mini-batch, of the same shape.
            learning_rate: :math:`\eta`, a number or (K, 1).
        """
        w -= learning_rate * g
