r"""The labs: each is a pure function that computes all outcomes, and a call that shows them.

`descent` has those on bowls, `valley` the one on momentum, `networks` those on small networks.
"""

from lrcourse.widgets.labs.descent import (
    BATCH_SIZES,
    CONDITIONINGS,
    CONVERGES,
    CRAWLS,
    DIVERGES,
    JITTERS,
    RINGS,
    SETTLES,
    batch_means,
    bowl,
    bowl_outcomes,
    one_knob,
)
from lrcourse.widgets.labs.grids import rate_grid
from lrcourse.widgets.labs.networks import (
    classifier,
    classifier_outcomes,
    digits,
    digits_outcomes,
)
from lrcourse.widgets.labs.valley import valley, valley_outcomes

__all__ = [
    "BATCH_SIZES",
    "CONDITIONINGS",
    "CONVERGES",
    "CRAWLS",
    "DIVERGES",
    "JITTERS",
    "RINGS",
    "SETTLES",
    "batch_means",
    "bowl",
    "bowl_outcomes",
    "classifier",
    "classifier_outcomes",
    "digits",
    "digits_outcomes",
    "one_knob",
    "rate_grid",
    "valley",
    "valley_outcomes",
]
