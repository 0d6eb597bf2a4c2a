r"""The runs of the race: its methods, their rates, what they learn, and the training of one.

Nothing here judges, so that the rows of a run stay those of its code when a claim changes.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from lrcourse import optim
from lrcourse.callbacks import LearningRateScheduler
from lrcourse.papers.dense import dense, quiet_fit
from lrcourse.papers.images import SHAPES, arrays, images
from lrcourse.schedules import Cosine, OneCycle

MAIN, SHORT = "clothes", "clothes, short"  # workloads: of all methods, and one of seven
BUDGETED = (
    *("SGD", "Momentum", "Adam"),
    *("SGD, cosine", "Momentum, cosine", "Adam, cosine", "Momentum, one cycle"),
)


def layer_rates() -> optim.LayerwiseRate:
    r"""Return SGD with a rate for each layer."""
    return optim.LayerwiseRate(optim.SGD())


# The rule of each method, and the schedule of its rate where it has one.
METHODS: dict[str, tuple[Callable[[], optim.Rule], Callable | None]] = {
    "SGD": (optim.SGD, None),
    "Momentum": (optim.Momentum, None),
    "Nesterov": (optim.Nesterov, None),
    "DA-SGD": (optim.DirectionAccelerated, None),
    "layer rates": (layer_rates, None),
    "AdaGrad": (optim.AdaGrad, None),
    "AdaDelta": (optim.AdaDelta, None),
    "RMSprop": (optim.RMSprop, None),
    "Adam": (optim.Adam, None),
    "AdamW": (optim.AdamW, None),
    "Rprop": (optim.Rprop, None),
    "iRprop-": (optim.IRpropMinus, None),
    "signSGD": (optim.SignSGD, None),
    "SGD, cosine": (optim.SGD, Cosine),
    "SGD, one cycle": (optim.SGD, OneCycle),
    "Momentum, cosine": (optim.Momentum, Cosine),
    "Momentum, one cycle": (optim.Momentum, OneCycle),
    "Adam, cosine": (optim.Adam, Cosine),
}
# Other momenta, for one method whose momentum is tuned as well. SGD is a member, with momentum 0.
OTHERS = {
    "Momentum 0.5": (partial(optim.Momentum, 0.5), None),
    "Momentum 0.98": (partial(optim.Momentum, 0.98), None),
}
# The lowest and the highest rate of each, as powers of 2.
RATES = {
    "SGD": (-7, 1),
    "Momentum": (-9, -1),
    "Nesterov": (-9, -1),
    "DA-SGD": (-7, 1),
    "layer rates": (-8, 0),
    "AdaGrad": (-9, 0),
    "AdaDelta": (-2, 8),
    "RMSprop": (-13, -4),
    "Adam": (-13, -4),
    "AdamW": (-13, -4),
    "Rprop": (-4, 5),
    "iRprop-": (-5, 3),
    "signSGD": (-14, -6),
    "SGD, cosine": (-6, 1),
    "SGD, one cycle": (-6, 2),
    "Momentum, cosine": (-9, -1),
    "Momentum, one cycle": (-9, 0),
    "Adam, cosine": (-13, -3),
    "Momentum 0.5": (-8, 0),
    "Momentum 0.98": (-12, -4),
}


def _workload(data: str, network: str, batch_size: int, epochs: int) -> dict:
    return dict(data=data, network=network, batch_size=batch_size, epochs=epochs)


SMALL = {
    "digits": _workload("digits", "64-32-10", 32, 10),
    "patches": _workload("patches", "192-64-32-10", 64, 10),
}
WORKLOADS = {
    "quick": {
        MAIN: _workload("fashion-mini", "196-64-32-10", 64, 10),
        SHORT: _workload("fashion-mini", "196-64-32-10", 64, 3),
        **SMALL,
    },
    "full": {
        MAIN: _workload("fashion-mnist", "784-256-128-10", 64, 30),
        SHORT: _workload("fashion-mnist", "784-256-128-10", 64, 10),
        **SMALL,
    },
}


def grid(scale: str) -> list[dict]:
    r"""Return all methods, each at all of its rates; of all but the main workload, seven methods.

    Args:
        scale: "quick" or "full".
    """
    return [
        about | {"method": method, "learning_rate": 2.0**power}
        for workload, about in WORKLOADS[scale].items()
        for method, (low, high) in RATES.items()
        if workload == MAIN or method in BUDGETED
        for power in range(low, high + 1)
    ]


def train(
    data: str,
    network: str,
    batch_size: int,
    epochs: int,
    method: str,
    learning_rate: float | Sequence[float],
    seed: int,
    count: int | None = None,
) -> dict | list[dict]:
    r"""Train one network, or one for each of several rates side by side.

    Args:
        data: images, of which a fifth of those to train on is set aside for validation.
        network: widths of its layers, such as "196-64-32-10"; with 196 inputs the images' sides
            are halved first, with 192 those of colour images divided by four.
        batch_size: images a step.
        epochs: passes over the training images.
        method: one of ``METHODS`` or ``OTHERS``.
        learning_rate: the highest rate; of a stack, a list.
        seed: of the start, the batches and the validation images, the same for all methods.
        count: images of each part to use; None for all.

    Returns:
        validation_error and test_error after the last epoch, and loss, the mean of its
        mini-batches, all NaN for a run that diverged; step_ms, CPU milliseconds a step. Of a stack,
        a list.
    """
    make, schedule = (METHODS | OTHERS)[method]
    about = data, network, batch_size, epochs, learning_rate, seed, count
    return train_rule(make, schedule, *about)


def train_rule(
    make: Callable[[], optim.Rule],
    schedule: Callable | None,
    data: str,
    network: str,
    batch_size: int,
    epochs: int,
    learning_rate: float | Sequence[float],
    seed: int,
    count: int | None = None,
) -> dict | list[dict]:
    r"""Train as ``train`` does, with a rule that has no name in the race.

    Args:
        make: returns the rule.
        schedule: from the highest rate and the number of steps to the schedule; None: constant.
        data: as for ``train``, and so are the others.
        network: widths.
        batch_size: images a step.
        epochs: passes.
        learning_rate: the highest rate, or rates.
        seed: of the run.
        count: images.
    """
    widths = list(map(int, network.split("-")))
    shape = SHAPES.get(widths[0], np.asarray)
    few, validation, test = arrays(images(data, 0.2, seed), shape, count)
    rates = np.reshape(learning_rate, (-1, 1))
    student = dense(widths, np.random.default_rng(seed), len(rates))
    rule, callbacks = make(), []
    if schedule is not None:
        shape = schedule(1.0, epochs * -(-len(few[1]) // batch_size))
        callbacks = [LearningRateScheduler(lambda step: shape(step) * rates, per="step")]
    rng = np.random.default_rng(seed)
    history, step_ms = quiet_fit(student, few, rule, rates, batch_size, epochs, rng, *callbacks)
    loss = np.full(len(rates), math.nan) if history.stopped else history.epochs[-1]["loss"]
    lost = np.where(np.isfinite(loss), 0.0, math.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        errors = [np.round(1 - student.accuracy(*part) + lost, 5) for part in (validation, test)]
    names = ("validation_error", "test_error", "loss")
    rows = [
        dict(zip(names, map(float, row), strict=True)) | {"step_ms": step_ms}
        for row in zip(*errors, np.round(loss, 5), strict=True)
    ]
    return rows if isinstance(learning_rate, Sequence) else rows[0]
