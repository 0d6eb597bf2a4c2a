r"""The runs of the race: its methods, their rates, what they learn, and the training of one.

Nothing here judges, so that the rows of a run stay those of its code when a claim changes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from lrcourse import optim
from lrcourse.callbacks import LearningRateScheduler
from lrcourse.papers.dense import dense, quiet_fit
from lrcourse.papers.images import SHAPES, arrays, images
from lrcourse.schedules import Constant, Cosine, OneCycle, Polynomial, Schedule, StableDecay, Warmup

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


# Rules and schedules that joined the course after the race; they run in a second part.
MUON = "Muon, cosine"  # with rows in Muon's own trial


def muon() -> optim.Muon:
    r"""Return Muon, its biases by Adam."""
    return optim.Muon(optim.Adam())


def averaged(rule: Callable[[], optim.Rule]) -> optim.EMA:
    r"""Return a rule that is evaluated at a fading mean of its weights.

    Args:
        rule: makes the rule that steps.
    """
    return optim.EMA(rule())


def warm(rate: float, steps: int, then: Callable[[float, int], Schedule] | None = None) -> Schedule:
    r"""Return a warm-up over a twentieth of the steps, and a schedule after it.

    Args:
        rate: the highest rate.
        steps: in all.
        then: from the rate and the steps that are left to the schedule; None: constant.
    """
    first = steps // 20
    return Warmup(then(rate, steps - first) if then else Constant(rate), first)


def stable_decay(rate: float, steps: int) -> StableDecay:
    r"""Return a constant rate, and a line to 0 over the last three tenths.

    Args:
        rate: the first one.
        steps: in all.
    """
    return StableDecay(rate, steps, 3 * steps // 10)


NEWER: dict[str, tuple[Callable[[], optim.Rule], Callable | None]] = {
    "Lion": (optim.Lion, None),
    "Lion, cosine": (optim.Lion, Cosine),
    "Muon": (muon, None),
    MUON: (muon, Cosine),
    "schedule-free SGD": (optim.ScheduleFree, None),
    "schedule-free SGD, warm-up": (optim.ScheduleFree, warm),
    "schedule-free AdamW": (optim.ScheduleFreeAdamW, None),
    "Momentum, averaged": (partial(averaged, optim.Momentum), None),
    "Momentum, linear": (optim.Momentum, Polynomial),
    "Momentum, warm-up, cosine": (optim.Momentum, partial(warm, then=Cosine)),
    "Momentum, warm-up, stable, decay": (optim.Momentum, partial(warm, then=stable_decay)),
    "DoG": (optim.DoG, None),
    "DoG, averaged": (partial(averaged, optim.DoG), None),
}
# The same number of rates for each; DoG has none, only its factor of 1.
NEWER_RATES = {
    "Lion": (-13, -6),
    "Lion, cosine": (-13, -6),
    "Muon": (-11, -4),
    "schedule-free SGD": (-5, 2),
    "schedule-free SGD, warm-up": (-4, 3),
    "schedule-free AdamW": (-10, -3),
    "Momentum, averaged": (-8, -1),
    "Momentum, linear": (-8, -1),
    "Momentum, warm-up, cosine": (-8, -1),
    "Momentum, warm-up, stable, decay": (-8, -1),
    "DoG": (0, 0),
    "DoG, averaged": (0, 0),
}
MUON_RATES = (-8, -2)  # of its own trial
NEWER_ELSEWHERE = {
    "digits": {"schedule-free SGD, warm-up": (-3, 4), MUON: (-8, -1), "DoG": (0, 0)},
    "patches": {"schedule-free SGD, warm-up": (-4, 3), MUON: (-8, -1), "DoG": (0, 0)},
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


def newer_grid(scale: str) -> list[dict]:
    r"""Return what the second part runs: the newer methods, and old ones where no rows stand.

    Args:
        scale: "quick" or "full".
    """
    old = {method: RATES[method] for method in METHODS} | {MUON: MUON_RATES}
    methods = {MAIN: NEWER_RATES if scale == "quick" else old | NEWER_RATES, **NEWER_ELSEWHERE}
    return [
        WORKLOADS[scale][workload] | {"method": method, "learning_rate": 2.0**power}
        for workload, rates in methods.items()
        for method, (low, high) in rates.items()
        for power in range(low, high + 1)
    ]


def stacked(setting: Mapping) -> bool:
    r"""Say whether a setting's rates train side by side: a wide network leaves the cache.

    Args:
        setting: of a grid.
    """
    return not setting["network"].startswith("784-")


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
        method: one of ``METHODS``, ``OTHERS`` or ``NEWER``.
        learning_rate: the highest rate; of a stack, a list.
        seed: of the start, the batches and the validation images, the same for all methods.
        count: images of each part to use; None for all.

    Returns:
        validation_error and test_error after the last epoch, and loss, the mean of its
        mini-batches, all NaN for a run that diverged; step_ms, CPU milliseconds a step. Of a stack,
        a list.
    """
    make, schedule = (METHODS | OTHERS | NEWER)[method]
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
