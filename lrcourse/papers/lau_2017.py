r"""Lau 2017: schedules of the learning rate against adaptive methods.

The article gives one of its schedules a momentum, and each method one learning rate. Here every
schedule runs with that momentum and without it, and everything over a range of rates.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from lrcourse.callbacks import LearningRateScheduler
from lrcourse.data import Data, Split
from lrcourse.nn import Array
from lrcourse.optim import AdaDelta, AdaGrad, Adam, Momentum, RMSprop, Rule
from lrcourse.papers import trial
from lrcourse.papers.dense import Clock, Setting, dense, quiet_fit
from lrcourse.papers.images import arrays, images, pooled
from lrcourse.papers.trial import (
    LOWER,
    MORE_SEEDS,
    SAME,
    Claim,
    Judgement,
    Paper,
    Picture,
    Printed,
    Sample,
    asking,
    average,
    compare,
    curve_lines,
    rate_text,
    response,
    sample,
    tuned,
)
from lrcourse.schedules import Constant, Exponential, Schedule, Step, TimeBased
from lrcourse.training import Run

BY_EPOCH = "time-based, read by epoch"
SCHEDULES = ("constant", "time-based", "step", "exponential")
ADAPTIVE: dict[str, Callable[[], Rule]] = {
    "Adagrad": AdaGrad,
    "Adadelta": AdaDelta,
    "RMSprop": RMSprop,
    "Adam": Adam,
}
MOMENTUM = 0.8  # of time-based decay in the article, and there of nothing else
DEFAULTS = {"Adagrad": 0.01, "Adadelta": 1.0, "RMSprop": 0.001, "Adam": 0.001}  # Keras's then
BASELINE = {"method": "constant", "momentum": 0.0, "learning_rate": 0.1}
WRITTEN_SCHEDULES = [
    BASELINE,
    *(BASELINE | {"method": name} for name in ("step", "exponential")),
    BASELINE | {"method": "time-based", "momentum": MOMENTUM},
]
SAME_MOMENTUM = [each | {"momentum": MOMENTUM} for each in WRITTEN_SCHEDULES]
WRITTEN_ADAPTIVE = [
    {"method": name, "momentum": 0.0, "learning_rate": rate} for name, rate in DEFAULTS.items()
]
RATES = {
    **dict.fromkeys([*SCHEDULES, BY_EPOCH], (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)),
    "Adagrad": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
    "Adadelta": (0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
    "RMSprop": (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03),
    "Adam": (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03),
}
LAST = 10  # epochs at the end over which errors are averaged: a constant rate is noisy to the end
POINT = 1.0  # a difference of errors, in percent, within which they are the same
LEAST = 0.5  # one that is too small to matter
CATS, DOGS = 3, 5  # the classes of CIFAR-10 on which the article's network was trained


def grid(scale: str) -> list[dict]:
    r"""Return all schedules with and without momentum, and all adaptive methods, at all rates.

    Args:
        scale: "quick" or "full".
    """
    if scale == "quick":
        about = dict(data="fashion-mini", network="dense", validation=0.2)
    else:
        about = dict(data="cifar-10", network="cats and dogs", validation=0.1)
    about |= dict(batch_size=64, epochs=100)
    kinds = [(name, momentum) for name in (*SCHEDULES, BY_EPOCH) for momentum in (0.0, MOMENTUM)]
    return [
        about | dict(method=name, momentum=momentum, learning_rate=rate)
        for name, momentum in [*kinds, *((name, 0.0) for name in ADAPTIVE)]
        for rate in RATES[name]
    ]


def schedule_named(method: str, learning_rate: float, epochs: int) -> tuple[Schedule, str]:
    r"""Return a schedule with the article's settings, and whether it counts steps or epochs.

    Args:
        method: one of ``SCHEDULES``, ``BY_EPOCH`` or one of ``ADAPTIVE``, whose rate is constant.
        learning_rate: the first rate.
        epochs: of the training; time-based decay is the first rate divided by them.
    """
    if method.startswith("time-based"):
        decay = TimeBased(learning_rate, learning_rate / epochs)
        return decay, "epoch" if method == BY_EPOCH else "step"
    kinds = {"step": Step, "exponential": Exponential}
    return kinds.get(method, Constant)(learning_rate), "epoch"


def train(
    data: str,
    network: str,
    validation: float,
    batch_size: int,
    epochs: int,
    method: str,
    momentum: float,
    learning_rate: float | Sequence[float],
    seed: int,
    limit: int | None = None,
) -> dict | list[dict]:
    r"""Train one network, or several dense ones side by side that differ in their first rate.

    Args:
        data: name of the images.
        network: "dense" (on pooled images), or "cats and dogs", the article's.
        validation: the share of the training images to set aside, to choose rates by.
        batch_size: images a step.
        epochs: passes over the training images.
        method: one of ``SCHEDULES``, ``BY_EPOCH`` or one of ``ADAPTIVE``.
        momentum: of SGD with a schedule; 0 for adaptive methods.
        learning_rate: the first rate; of dense networks a list of them, too.
        seed: of the start, the batches and the validation images, the same for all settings.
        limit: how many images of each part to use; None for all.

    Returns:
        validation_error and test_error in percent and test_accuracy, means over the last epochs
        (see ``LAST``), NaN for a run that diverged; step_ms, CPU milliseconds a step. A list of
        such for a list of rates.
    """
    rates = np.ravel(learning_rate).tolist()
    pairs = [schedule_named(method, rate, epochs) for rate in rates]
    shapes, per = [shape for shape, _ in pairs], pairs[0][1]
    rule = ADAPTIVE[method]() if method in ADAPTIVE else Momentum(momentum)
    parts = images(data, validation, seed)
    clock = Clock()
    setting = Setting(rule, batch_size, epochs, seed, limit)
    run = _train_dense if network == "dense" else _train_torch
    errors = run(parts, shapes, per, setting)
    steps = epochs * -(-len(parts.train.y[:limit]) // batch_size)
    step_ms = clock.milliseconds(steps, len(rates))
    rows = [
        {
            "validation_error": round(ours, 4),
            "test_error": round(test, 4),
            "test_accuracy": round(1 - test / 100, 6),
            "step_ms": step_ms,
        }
        for ours, test in np.mean(errors, axis=0).T.tolist()
    ]
    return rows if isinstance(learning_rate, Sequence) else rows[0]


class Tail:
    r"""A callback that measures after each of the last epochs.

    Args:
        parts: images and labels of the validation part, and of the test part.

    Attributes:
        errors: in percent; for each of these epochs and each part one a run.
    """

    def __init__(self, *parts: tuple[Array, Array]) -> None:
        self.parts = parts
        self.errors: list[list[Array]] = []

    def on_epoch_end(self, run: Run) -> None:
        r"""Measure, if this is one of the last epochs."""
        if run.epoch >= run.epochs - LAST:
            lost = np.where(np.isfinite(run.loss), 0.0, math.nan)
            errors = [100 * (1 - run.network.accuracy(*part)) + lost for part in self.parts]
            self.errors.append(errors)


def _train_dense(
    parts: Data, shapes: Sequence[Schedule], per: str, setting: Setting
) -> list[list[Array]]:
    # Errors in percent: for each of the last epochs, on validation and on test images, one a run.
    train_part, *others = arrays(parts, pooled, setting.limit)
    rng = np.random.default_rng(setting.seed)
    network = dense((196, 16, 10), rng, len(shapes))
    tail = Tail(*others)
    scheduler = LearningRateScheduler(lambda t: np.array([[shape(t)] for shape in shapes]), per=per)
    # The scheduler sets the rates of the runs.
    about = setting.rule, 0.0, setting.batch_size, setting.epochs, rng
    history, _ = quiet_fit(network, train_part, *about, scheduler, tail)
    return tail.errors if not history.stopped else [[np.full(len(shapes), math.nan)] * 2]


def _train_torch(
    parts: Data, shapes: Sequence[Schedule], per: str, setting: Setting
) -> list[list[list[float]]]:
    # The same for one run on two classes of colour images. Torch is loaded only here.
    from lrcourse.papers.convolutional import article_network, begun, measure, tensors, train_epoch

    def two_classes(part: Split) -> Split:
        kept = (part.y == CATS) | (part.y == DOGS)
        return Split(part.x[kept], (part.y[kept] == DOGS).astype(np.int64))

    train_part, *others = (
        tensors(two_classes(part), parts.image_shape, setting.limit)
        for part in (parts.train, parts.validation, parts.test)
    )
    steps = -(-len(train_part[1]) // setting.batch_size)
    (shape,) = shapes
    with begun(article_network, train_part, setting.rule, 1.0, setting.seed) as (model, optimizer):
        done = 0

        def set_rate() -> None:
            nonlocal done
            optimizer.param_groups[0]["lr"] = shape(done if per == "step" else done // steps)
            done += 1

        errors = []
        for epoch in range(setting.epochs):
            model.train()
            train_epoch(model, optimizer, train_part, setting.batch_size, set_rate)
            if epoch >= setting.epochs - LAST:
                errors.append([[measure(model, part)[1]] for part in others])
        return errors


def at_best_rate(rows: Sequence[dict], setting: dict) -> dict:
    r"""Return a setting with the rate that has the lowest mean validation error.

    Args:
        rows: of the sweep.
        setting: its method and momentum count.
    """
    kind = {name: setting[name] for name in ("method", "momentum")}
    return kind | {"learning_rate": tuned(rows, "validation_error", **kind)[0]}


def best(rows: Sequence[dict], settings: Sequence[dict]) -> tuple[str, Sample]:
    r"""Return, of several settings, the one with the lowest mean validation error.

    Args:
        rows: of the sweep.
        settings: method and momentum of each, and its learning_rate; without it, the best one.

    Returns:
        Its name and its test errors, in percent.
    """
    rated = [each if "learning_rate" in each else at_best_rate(rows, each) for each in settings]
    found = min(rated, key=lambda each: sample(rows, "validation_error", **each).mean)
    return named(rows, found), sample(rows, "test_error", **found)


def named(rows: Sequence[dict], setting: dict) -> str:
    r"""Return a setting in words, such as "step at 0.1, momentum 0.8".

    Args:
        rows: of the sweep.
        setting: method, momentum and learning_rate.
    """
    momentum = f", momentum {setting['momentum']:g}" if setting["momentum"] else ""
    kind = {name: setting[name] for name in ("method", "momentum")}
    return f"{setting['method']} at {rate_text(rows, setting['learning_rate'], **kind)}{momentum}"


def better(rows: Sequence[dict], ours: Sequence[dict], theirs: Sequence[dict]) -> Judgement:
    r"""Judge that the best of some settings has a lower test error than the best of others.

    Args:
        rows: of the sweep.
        ours: the settings said to be better, as for ``best``.
        theirs: the others.
    """
    (name, a), (other, b) = best(rows, ours), best(rows, theirs)
    return compare({f"{name}, against {other}": (a, b)}, LOWER, LEAST, 2)


def family_better(rows: Sequence[dict], theirs: Sequence[dict]) -> Judgement:
    r"""Judge that the four adaptive methods are better than four schedules on average.

    Args:
        rows: of the sweep.
        theirs: the settings of the schedules.
    """
    adaptive, schedules = (
        average([sample(rows, "test_error", **setting) for setting in settings])
        for settings in (WRITTEN_ADAPTIVE, theirs)
    )
    return compare({"adaptive, against schedules": (adaptive, schedules)}, LOWER, LEAST, 2)


def adadelta_best(rows: Sequence[dict]) -> Judgement:
    r"""Judge that Adadelta has a lower test error than each other adaptive method.

    Args:
        rows: of the sweep.
    """
    errors = {each["method"]: sample(rows, "test_error", **each) for each in WRITTEN_ADAPTIVE}
    one = errors.pop("Adadelta")
    pairs = {f"against {name}": (one, other) for name, other in errors.items()}
    return compare(pairs, LOWER, LEAST, 2)


def adagrad_behind(rows: Sequence[dict]) -> Judgement:
    r"""Judge that RMSprop and Adam have a lower test error than Adagrad, all at their defaults.

    Args:
        rows: of the sweep.
    """
    errors = {each["method"]: sample(rows, "test_error", **each) for each in WRITTEN_ADAPTIVE}
    pairs = {name: (errors[name], errors["Adagrad"]) for name in ("RMSprop", "Adam")}
    return compare(pairs, LOWER, LEAST, 2)


def default_is_best(rows: Sequence[dict], settings: Sequence[dict]) -> Judgement:
    r"""Judge that the article's rate is within a point of the best one.

    Args:
        rows: of the sweep.
        settings: the settings of the article; all must hold.
    """
    pairs = {}
    for setting in settings:
        found = at_best_rate(rows, setting)
        a, b = (sample(rows, "test_error", **each) for each in (setting, found))
        pairs[f"{named(rows, setting)}, against {named(rows, found)}"] = a, b
    return compare(pairs, SAME, POINT, 2)


# Without a rate: at the best one.
CONSTANT, *FALLING = (dict(method=name, momentum=MOMENTUM) for name in SCHEDULES)
ANY_SCHEDULE = [dict(method=name, momentum=m) for m in (0.0, MOMENTUM) for name in SCHEDULES]
ANY_CONSTANT = [dict(method="constant", momentum=momentum) for momentum in (0.0, MOMENTUM)]
ANY_ADAPTIVE = [dict(method=name, momentum=0.0) for name in ADAPTIVE]
ADADELTA = dict(method="Adadelta", momentum=0.0)
CHOSEN = "Of each side the best, by validation error; test error lower by over 0.5 points."
TUNED = (
    "Of each side the best method and rate, by validation error, each method and momentum having "
    "six rates; test error lower by over 0.5 points."
)
TIME_BASED = BASELINE | {"method": "time-based", "momentum": MOMENTUM}
control = partial(trial.control, printed="not in the article")
CLAIMS = (
    Claim(
        "Adaptive methods do better than schedules",
        "Figure 7, no numbers",
        "Mean test error, %, of the four adaptive methods lower by over 0.5 points than of the "
        "four schedules, all as in the article.",
        asking(family_better, WRITTEN_SCHEDULES),
        words="adaptive learning rate methods demonstrate better performance than learning rate "
        "schedules",
        primary=True,
    ),
    control(
        "Control: adaptive methods do better than schedules, all these with momentum 0.8",
        "Mean test error, %, of the four lower by over 0.5 points than of the four. Rates as in "
        "the article.",
        asking(family_better, SAME_MOMENTUM),
    ),
    Claim(
        "The best adaptive method does better than the best schedule",
        "Figure 7, no numbers",
        f"{CHOSEN} All as in the article.",
        asking(better, WRITTEN_ADAPTIVE, WRITTEN_SCHEDULES),
    ),
    control(
        "Control: the best adaptive method beats the best schedule, all these with momentum 0.8",
        f"{CHOSEN} Rates as in the article.",
        asking(better, WRITTEN_ADAPTIVE, SAME_MOMENTUM),
    ),
    control(
        "Control: the best adaptive method beats the best schedule, each at its best rate, with or "
        "without momentum",
        TUNED,
        asking(better, ANY_ADAPTIVE, ANY_SCHEDULE),
    ),
    control(
        "Control: the best adaptive method beats SGD at its best constant rate and momentum",
        TUNED,
        asking(better, ANY_ADAPTIVE, ANY_CONSTANT),
    ),
    Claim(
        "Adadelta is the most accurate adaptive method",
        "Figure 6, no numbers",
        "Test error lower by over 0.5 points than of each of the others, at Keras's defaults.",
        adadelta_best,
        words="Adadelta gives the best model accuracy among other adaptive learning rate methods",
        primary=True,
    ),
    Claim(
        "Adagrad stops learning too early: at the defaults it ends behind RMSprop and Adam",
        "in words",
        "Test error of each of the two lower by over 0.5 points than Adagrad's.",
        adagrad_behind,
        words="its monotonic learning rate usually proves too aggressive and stops learning too "
        "early when training deep neural networks",
    ),
    control(
        "Control: Adadelta at its best rate beats the best other adaptive method at its own",
        TUNED,
        asking(better, [ADADELTA], [each for each in ANY_ADAPTIVE if each != ADADELTA]),
    ),
    Claim(
        "Adaptive methods need no tuning: the defaults will do",
        "no numbers",
        f"Test error at the default within {POINT:g} point of that at the best rate, for all four.",
        asking(default_is_best, WRITTEN_ADAPTIVE),
        words="they require much less effort in hyperparamater settings",
        primary=True,
    ),
    Claim(
        "A constant 0.1 is a good baseline",
        "Figure 1, no numbers",
        f"Test error within {POINT:g} point of that at the best constant rate, without momentum.",
        asking(default_is_best, [BASELINE]),
    ),
    Claim(
        "It is useful to reduce the rate: the best of three schedules beats the constant 0.1",
        "Figure 5, no numbers",
        f"{CHOSEN} All as in the article.",
        asking(better, WRITTEN_SCHEDULES[1:], [BASELINE]),
    ),
    control(
        "Control: the best of three schedules beats the constant 0.1, momentum 0.8 for all",
        f"{CHOSEN} Rates as in the article.",
        asking(better, SAME_MOMENTUM[1:], SAME_MOMENTUM[:1]),
    ),
    control(
        "Control: the best schedule beats a constant rate, momentum 0.8 for all, each at its best "
        "first rate",
        TUNED,
        asking(better, FALLING, [CONSTANT]),
    ),
    control(
        "Control: time-based decay counts updates; by epoch, as the article reads it, it is worse",
        "Test error lower by over 0.5 points, both from 0.1 with momentum 0.8.",
        asking(better, [TIME_BASED], [TIME_BASED | {"method": BY_EPOCH}]),
    ),
)


def pictures(rows: Sequence[dict]) -> list[Picture]:
    r"""Return response curves: schedules without and with momentum, and adaptive methods.

    Args:
        rows: of the sweep.
    """
    data = rows[0]["data"]
    groups = (
        (SCHEDULES, 0.0, "four schedules without momentum", "first learning rate"),
        (SCHEDULES, MOMENTUM, "four schedules with momentum 0.8", "first learning rate"),
        (tuple(ADAPTIVE), 0.0, "four adaptive methods", "learning rate, in defaults"),
    )
    drawn = []
    for names, momentum, what, x_label in groups:
        curves = {}
        for name in names:
            curve = response(rows, "test_error", method=name, momentum=momentum)
            curves[name] = {rate / DEFAULTS.get(name, 1.0): at for rate, at in curve.items()}
        best = min(curves, key=lambda name: min(at.mean for at in curves[name].values()))
        alt = f"Test error on {data} against the {x_label}: {what}. {best} has the lowest point."
        drawn.append(Picture(curve_lines(curves), x_label, "test error, %", alt, log_y=True))
    return drawn


def _figures() -> tuple[Printed, ...]:
    curves = "curves, no numbers"
    shown = (
        ("Figure 1", "accuracy by epoch, constant rate"),
        ("Figure 2", "accuracy by epoch, time-based decay"),
        ("Figures 3a, 3b", "accuracy and rate by epoch, step decay"),
        ("Figures 4a, 4b", "accuracy and rate by epoch, exponential decay"),
        ("Figure 5", "accuracy by epoch, four schedules"),
        ("Figure 6", "accuracy by epoch, four adaptive methods"),
        ("Figure 7", "accuracy by epoch, all eight"),
    )
    notebook = {
        "constant, epoch 99": (0.6995, "constant"),
        "time-based": (0.6840, "time-based"),
        "step": (0.6910, "step"),
        "Adagrad": (0.7105, "Adagrad"),
        "Adadelta": (0.7130, "Adadelta"),
        "RMSprop": (0.7425, "RMSprop"),
        "Adam": (0.7260, "Adam"),
    }
    settings = {each["method"]: each for each in [*WRITTEN_SCHEDULES, *WRITTEN_ADAPTIVE]}
    accuracy = partial(Printed, "the author's notebook", column="test_accuracy", resolution=0.01)
    return (
        *(Printed(*figure, curves) for figure in shown),
        *(
            accuracy(f"accuracy, {name}", value, settings[method])
            for name, (value, method) in notebook.items()
        ),
        Printed("the author's notebook", "accuracy, exponential, k = 0.5", 0.5470),
    )


PAPER = Paper(
    name="schedules",
    citation="Suki Lau, Learning Rate Schedules and Adaptive Learning Rate Methods for Deep "
    "Learning, Towards Data Science, 2017.",
    claim="Adaptive methods at their defaults do better than schedules, and need less tuning.",
    control="The same momentum for all schedules, and every method over a range of rates.",
    open=(
        "The figures have no numbers, and the text names neither network nor epochs. Those are in "
        "the author's notebook: 100 epochs, batches of 64.",
        "There, CIFAR-10 means two of its classes, cats against dogs: 10,000 + 2,000 images.",
        "The notebook's accuracies, of one run each, contradict the text: RMSprop has 0.7425 and "
        "Adam 0.7260, Adadelta 0.7130. The constant rate has 0.6995 after epoch 99, more than each "
        "schedule.",
        "In the notebook the exponential schedule decays with k = 0.5, not 0.1: its rate is 7e-4 "
        "after 10 epochs, and the accuracy stays at 0.5470. We took the article's 0.1.",
        "The test images of the article are its validation images. We choose rates by images set "
        "aside from training, and report on test images.",
        "The article compares curves; we compare the mean error of the last ten epochs.",
        "Only time-based decay has a momentum, 0.8.",
        "Time-based decay is said to work in each epoch. Keras's line counts updates; we took "
        "that, and run the other reading beside it.",
        "The step drops at epochs 10, 20 and so on, as in the formula; in the notebook one "
        "earlier.",
        "The printed code of the exponential schedule uses a name that does not exist, and the "
        "printed history records the rate of the next epoch.",
        "Time-based decay divides the first rate by the number of epochs, so where its first rate "
        "is tuned, its decay moves, too.",
        "That Nesterov's momentum works slightly better than the plain one is a claim of the race.",
        "No start of the weights is named; Keras's default is uniform, by Glorot and Bengio.",
    ),
    setting={
        "quick": "fashion-mini, 8,000 + 2,000 training and validation and 2,000 test images of "
        "14x14 pixels; dense 196-16-10, ReLU; batches of 64, 100 epochs.",
        "full": "Cats and dogs of CIFAR-10, 9,000 + 1,000 and 2,000; the author's network, two "
        "convolutions, two dense layers, dropout; batches of 64, 100 epochs.",
    },
    effort=(
        "Easy: the article prints its code; the notebook behind it has numbers.",
        "Hard: the notebook contradicts the article, and CIFAR-10 there means two of its classes.",
        "The authors were not asked.",
    ),
    grid=grid,
    train=train,
    stack=lambda setting: setting["network"] == "dense",
    claims=CLAIMS,
    pictures=pictures,
    seeds=MORE_SEEDS,
    printed=_figures(),
    papers_data=("cifar-10",),
)
