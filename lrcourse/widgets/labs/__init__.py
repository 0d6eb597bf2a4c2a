r"""The labs: each is a pure function that computes all outcomes, and a call that shows them.

`descent_lab` holds the labs on bowls, `momentum_lab` on valleys, `adaptation_lab` on adaptive
rates, `decay_lab` on schedules, `networks_lab` on small networks, `rules_lab` on single rules,
`scale_lab` on whitening and BatchNorm; `training_lab` trains live, `race_lab` shows saved results.
Of part two, `edge_lab` is on the sharpness of a network, `price_lab` on the price of a run,
`turning_lab` on weight decay, `stop_lab` on runs that may be stopped at any time, `matrix_lab` on
the steps of a matrix.
"""

from lrcourse.widgets.labs.adaptation_lab import adaptive, adaptive_outcomes
from lrcourse.widgets.labs.decay_lab import schedule_outcomes, schedules
from lrcourse.widgets.labs.descent_lab import bowl, bowl_outcomes, one_knob
from lrcourse.widgets.labs.edge_lab import edge, edge_outcomes
from lrcourse.widgets.labs.matrix_lab import singular_value_outcomes, singular_values
from lrcourse.widgets.labs.momentum_lab import valley, valley_outcomes
from lrcourse.widgets.labs.networks_lab import (
    classifier,
    classifier_outcomes,
    digits,
    digits_outcomes,
    live,
)
from lrcourse.widgets.labs.price_lab import price, price_outcomes
from lrcourse.widgets.labs.race_lab import winner, winner_outcomes
from lrcourse.widgets.labs.rules_lab import (
    acceleration,
    acceleration_outcomes,
    irprop,
    irprop_outcomes,
    layer_outcomes,
    layers,
)
from lrcourse.widgets.labs.scale_lab import (
    batchnorm,
    batchnorm_outcomes,
    whitening,
    whitening_outcomes,
)
from lrcourse.widgets.labs.stop_lab import stop_now, stop_outcomes
from lrcourse.widgets.labs.turning_lab import turning, turning_outcomes

__all__ = [
    "acceleration",
    "acceleration_outcomes",
    "adaptive",
    "adaptive_outcomes",
    "batchnorm",
    "batchnorm_outcomes",
    "bowl",
    "bowl_outcomes",
    "classifier",
    "classifier_outcomes",
    "digits",
    "digits_outcomes",
    "edge",
    "edge_outcomes",
    "irprop",
    "irprop_outcomes",
    "layer_outcomes",
    "layers",
    "live",
    "one_knob",
    "price",
    "price_outcomes",
    "schedule_outcomes",
    "schedules",
    "singular_value_outcomes",
    "singular_values",
    "stop_now",
    "stop_outcomes",
    "turning",
    "turning_outcomes",
    "valley",
    "valley_outcomes",
    "whitening",
    "whitening_outcomes",
    "winner",
    "winner_outcomes",
]
