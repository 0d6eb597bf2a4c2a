r"""A rate that sets itself, from how far the weights have come."""

from array_api_compat import array_namespace

from lrcourse.nn import Array
from lrcourse.optim.rule import Rule


class DoG(Rule):
    r"""Distance over gradients: no learning rate to choose.

    .. math::

        \eta = \frac{r}{\sqrt{G}} \qquad r = \max_{i \le t} \lVert w_i - w_0 \rVert \qquad
        G = \epsilon + \sum_{i \le t} \lVert g_i \rVert^2 \qquad w \leftarrow w - \eta g

    Args:
        first: r at the first step is first times :math:`1 + \lVert w_0 \rVert`; 1e-6 as in the
            authors' package, which advises 1e-4 for networks with BatchNorm.

    G begins at :math:`\epsilon` = 1e-8. ``learning_rate`` is a plain factor, 1 by default. The
    norms are those of all parameters; as a torch optimizer the rule takes each parameter by
    itself, which the paper calls L-DoG.

    Source: Ivgi et al. 2023. The same as ``dog.DoG(params)`` of PyPI's dog-optimizer,
    and as a torch optimizer as ``dog.LDoG``. torch has none.
    """

    state = ("start", "r", "G")
    default_rate = 1.0
    elementwise = False

    def __init__(self, first: float = 1e-6) -> None:
        if not 0 < first < 1:
            raise ValueError(f"first must be over 0 and below 1, not {first}.")
        self.first = first

    def begin(self, w: Array) -> None:
        self.start, self.r = 1 * w, self.first * (1 + _length(w))
        self.G = 0 * self.r + 1e-8

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        self.r = array_namespace(w).maximum(self.r, _length(w - self.start))
        self.G += _length(g) ** 2
        w -= learning_rate * self.r / self.G**0.5 * g


def _length(x: Array) -> Array:
    return array_namespace(x).linalg.vector_norm(x, axis=-1, keepdims=True)
