r"""A fair race: every method of the course over its own range of learning rates.

No paper stands behind this one. All methods train one network from the same starts on the same
mini-batches. Each gets a grid of rates, a factor of 2 apart, that goes past its edge on both sides.
The rate is chosen on validation images, and only then the error on test images is read.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from lrcourse import optim
from lrcourse.callbacks import LearningRateScheduler
from lrcourse.papers.dense import Clock, dense, quiet_fit
from lrcourse.papers.images import images, pooled
from lrcourse.papers.trial import (
    LOWER,
    MORE_SEEDS,
    SAME,
    Claim,
    Judgement,
    Paper,
    Picture,
    Sample,
    combined,
    compare,
    rate_text,
    response,
    sample,
    tuned,
)
from lrcourse.schedules import Cosine, OneCycle

RESOLUTION = 0.5  # points: a smaller difference counts for nothing
GUESS = 0.9  # the error of a network that guesses among ten classes
TRIALS = (1, 2, 4, 8)
BUDGETED = (
    *("SGD", "Momentum", "Adam"),
    *("SGD, cosine", "Momentum, cosine", "Adam, cosine", "Momentum, one cycle"),
)
NEAR = 0.01  # as an error: "within 1 point of the best"
ONE_RATE = 2.0**-7  # far below the best rate of SGD
Judge = Callable[[Sequence[dict]], Judgement]


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
}
GROUPS = {
    "plain steps, and steps with a memory": ["SGD", "Momentum", "Nesterov", "DA-SGD"],
    "a rate for each layer, or for each weight": [
        *("layer rates", "AdaGrad", "AdaDelta", "RMSprop", "Adam", "AdamW")
    ],
    "signs": ["Rprop", "iRprop-", "signSGD"],
    "schedules": [
        *("SGD, cosine", "SGD, one cycle"),
        *("Momentum, cosine", "Momentum, one cycle", "Adam, cosine"),
    ],
}


def grid(scale: str) -> list[dict]:
    r"""Return all methods, each at all of its rates.

    Args:
        scale: "quick" or "full".
    """
    if scale == "quick":
        about = dict(data="fashion-mini", network="196-64-32-10", batch_size=64, epochs=10)
    else:
        about = dict(data="fashion-mnist", network="784-256-128-10", batch_size=64, epochs=30)
    return [
        about | {"method": method, "learning_rate": 2.0**power}
        for method, (low, high) in RATES.items()
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
            are halved first.
        batch_size: images a step.
        epochs: passes over the training images.
        method: one of ``METHODS``.
        learning_rate: the highest rate; of a stack, a list.
        seed: of the start, the batches and the validation images, the same for all methods.
        count: images of each part to use; None for all.

    Returns:
        validation_error and test_error after the last epoch, and loss, the mean of its
        mini-batches, all NaN for a run that diverged; step_ms, CPU milliseconds a step. Of a stack,
        a list.
    """
    parts = images(data, 0.2, seed)
    widths = list(map(int, network.split("-")))
    shrink = pooled if widths[0] == 196 else np.asarray
    few, validation, test = (
        (shrink(part.x[:count]), part.y[:count])
        for part in (parts.train, parts.validation, parts.test)
    )
    rates = np.reshape(learning_rate, (-1, 1))
    student = dense(widths, np.random.default_rng(seed), len(rates))
    make, schedule = METHODS[method]
    rule, callbacks = make(), []
    if schedule is not None:
        shape = schedule(1.0, epochs * -(-len(few[1]) // batch_size))
        callbacks = [LearningRateScheduler(lambda step: shape(step) * rates, per="step")]
    clock = Clock()
    history = quiet_fit(
        student,
        few,
        rule,
        learning_rate=rates,
        batch_size=batch_size,
        epochs=epochs,
        rng=np.random.default_rng(seed),
        callbacks=callbacks,
    )
    step_ms = clock.milliseconds(len(history.loss), len(rates))
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


def best(rows: Sequence[dict], method: str) -> tuple[float, Sample]:
    r"""Return the rate with the lowest validation error, and the test errors at that rate.

    Args:
        rows: of the race.
        method: one of ``METHODS``.
    """
    return tuned(rows, "test_error", by="validation_error", method=method)


def after_trials(rows: Sequence[dict], method: str, trials: int) -> Sample:
    r"""Return the test error to expect if one tries some rates of the grid and keeps the best.

    The rates are drawn at random, none twice, and the one with the lowest validation error is
    kept (Sivaprasad and others 2020); here all draws are averaged, which needs no drawing. A run
    that diverged guesses.

    .. math:: \sum_{i=1}^{m} \binom{m - i}{k - 1} e_{(i)} \Big/ \binom{m}{k}

    Args:
        rows: of the race.
        method: one of ``METHODS``.
        trials: k, how many of its m rates are tried; e_(i) is the test error at the rate with the
            i-th lowest validation error.
    """
    curves = [
        response(rows, column, method=method) for column in ("validation_error", "test_error")
    ]

    def expected(*values: float) -> float:
        pairs = sorted(zip(values[: len(values) // 2], values[len(values) // 2 :], strict=True))
        m = len(pairs)
        weighted = (
            math.comb(m - i, trials - 1) * (test if math.isfinite(test) else GUESS)
            for i, (_, test) in enumerate(pairs, 1)
        )
        return sum(weighted) / math.comb(m, trials)

    return combined(expected, *(sample for curve in curves for sample in curve.values()))


def width(rows: Sequence[dict], method: str) -> float:
    r"""Return the factor between the lowest and the highest rate that are nearly as good as best.

    Args:
        rows: of the race.
        method: one of ``METHODS``.

    Returns:
        The highest rate over the lowest one, of those in one piece around the best whose mean
        validation error is within one point of the best; on our grids a power of 2.
    """
    curve = response(rows, "validation_error", method=method)
    rates, means = list(curve), [errors.mean for errors in curve.values()]
    low = high = means.index(min(means))
    while low > 0 and means[low - 1] <= min(means) + NEAR:
        low -= 1
    while high < len(means) - 1 and means[high + 1] <= min(means) + NEAR:
        high += 1
    return rates[high] / rates[low]


def lines(
    rows: Sequence[dict], methods: Sequence[str], column: str = "test_error"
) -> dict[str, tuple[list[float], list[list[float]]]]:
    r"""Return response curves for ``plots.response``, errors in percent.

    Args:
        rows: of the race.
        methods: of ``METHODS``.
        column: what was measured.
    """
    curves = {method: response(rows, column, method=method) for method in methods}
    return {
        method: (list(curve), [[100 * error for error in at.values] for at in curve.values()])
        for method, curve in curves.items()
    }


def pictures(rows: Sequence[dict]) -> list[Picture]:
    r"""Return test error against learning rate, a figure for each group of methods.

    Args:
        rows: of the race.
    """
    found = []
    for name, methods in GROUPS.items():
        bottoms = (
            f"{method} comes down to {errors.show(1, 100)} % at rate {rate:.3g}"
            for method, (rate, errors) in ((method, best(rows, method)) for method in methods)
        )
        alt = f"Test error against learning rate, {name}: {'; '.join(bottoms)}."
        found.append(
            Picture(lines(rows, methods), "learning rate", "test error, %", alt, log_y=True)
        )
    budgets = {
        method: (TRIALS, [[100 * e for e in after_trials(rows, method, k).values] for k in TRIALS])
        for method in BUDGETED
    }
    leaders = []
    for place, trials in enumerate(TRIALS):
        leader = min(budgets, key=lambda method, place=place: sum(budgets[method][1][place]))
        mean = np.mean(budgets[leader][1][place])
        leaders.append(f"{leader} with {trials} ({mean:.1f} %)")
    alt = (
        "Test error to expect after 1, 2, 4 and 8 trials of a rate, drawn from each method's own "
        f"grid. Lowest are {', '.join(leaders)}."
    )
    return [*found, Picture(budgets, "rates tried", "test error, %", alt, log_y=True)]


def at_best(first: str, second: str, claim: str) -> Judge:
    r"""Return a judge of two methods, each at its own best rate.

    Args:
        first: one of ``METHODS``.
        second: another.
        claim: LOWER or SAME.
    """

    def judge(rows: Sequence[dict]) -> Judgement:
        (rate, a), (other, b) = best(rows, first), best(rows, second)
        at = rate_text(rows, rate, method=first), rate_text(rows, other, method=second)
        return compare({f"at {at[0]} and {at[1]}": (a, b)}, claim, RESOLUTION / 100, 1, 100)

    return judge


def one_rate(*methods: str) -> Judge:
    r"""Return a judge of several methods against SGD, all at one small rate.

    Args:
        methods: of ``METHODS``.
    """

    def judge(rows: Sequence[dict]) -> Judgement:
        plain, *others = (
            sample(rows, "test_error", method=method, learning_rate=ONE_RATE)
            for method in ("SGD", *methods)
        )
        pairs = {name: (other, plain) for name, other in zip(methods, others, strict=True)}
        return compare(pairs, LOWER, RESOLUTION / 100, 1, 100)

    return judge


def twice_the_rate(method: str) -> Judge:
    r"""Return a judge of a method at the small rate against SGD at twice that.

    Args:
        method: one of ``METHODS``.
    """

    def judge(rows: Sequence[dict]) -> Judgement:
        at = sample(rows, "test_error", method=method, learning_rate=ONE_RATE)
        plain = sample(rows, "test_error", method="SGD", learning_rate=2 * ONE_RATE)
        return compare({"": (at, plain)}, SAME, NEAR, 1, 100)

    return judge


def too_fast(first: str, second: str) -> Judge:
    r"""Return a judge of which of two methods suffers less at four times its own best rate.

    Args:
        first: said to suffer less.
        second: another of ``METHODS``.
    """

    def judge(rows: Sequence[dict]) -> Judgement:
        pair = tuple(
            sample(rows, "test_error", method=m, learning_rate=4 * best(rows, m)[0])
            for m in (first, second)
        )
        return compare({"": pair}, LOWER, RESOLUTION / 100, 1, 100)

    return judge


def with_trials(first: str, second: str, trials: int) -> Judge:
    r"""Return a judge of two methods if each may try so many rates.

    Args:
        first: said to be better.
        second: another of ``METHODS``.
        trials: how many rates.
    """

    def judge(rows: Sequence[dict]) -> Judgement:
        pair = tuple(after_trials(rows, method, trials) for method in (first, second))
        return compare({"": pair}, LOWER, RESOLUTION / 100, 1, 100)

    return judge


def winner(rows: Sequence[dict]) -> Judgement:
    r"""Judge that one method is ahead of all others; the first two are found by validation.

    Args:
        rows: of the race.
    """
    order = sorted(METHODS, key=lambda m: tuned(rows, "validation_error", method=m)[1].mean)
    first, second = order[:2]
    pair = best(rows, first)[1], best(rows, second)[1]
    return compare({f"{first}, against {second}": pair}, LOWER, RESOLUTION / 100, 1, 100)


def claims() -> tuple[Claim, ...]:
    r"""Return what is judged: first the confound, then each method at its own best rate."""
    nobody = "not from a paper"
    bound = f"lower by over {RESOLUTION} points"
    equal = "the same within {:g} points"
    fair = "test error, %, each at the rate with its lowest validation error: "
    return (
        Claim(
            f"At one rate for all, {ONE_RATE:.2g}, momentum, DA-SGD and layer rates beat SGD",
            nobody,
            f"test error, %: {bound}, for all three",
            one_rate("Momentum", "DA-SGD", "layer rates"),
        ),
        *(
            Claim(
                f"{method} at {ONE_RATE:.2g} is SGD at twice that rate",
                nobody,
                f"test error, %: {equal.format(100 * NEAR)}",
                twice_the_rate(method),
            )
            for method in ("DA-SGD", "layer rates")
        ),
        *(
            Claim(
                f"{a} is better than {b}",
                nobody,
                fair + bound,
                at_best(a, b, LOWER),
                primary=(a, b) in PRIMARY,
            )
            for a, b in BETTER
        ),
        *(
            Claim(
                f"{a} is as good as {b}",
                nobody,
                fair + equal.format(RESOLUTION),
                at_best(a, b, SAME),
            )
            for a, b in EQUAL
        ),
        *(
            Claim(
                f"Four times its best rate harms {a} less than {b}",
                nobody,
                f"test error there, %: {bound}",
                too_fast(a, b),
            )
            for a, b in FORGIVING
        ),
        *(
            Claim(
                f"With {trials} {'trial' if trials == 1 else 'trials'} of a rate {a} is better "
                f"than {b}",
                nobody,
                f"test error to expect, %: {bound}",
                with_trials(a, b, trials),
            )
            for a, b, trials in BUDGETS
        ),
        Claim("One method is ahead of all others", nobody, fair + bound, winner, primary=True),
    )


# Said to be better, to be the same, and to forgive more.
BETTER = (
    ("Momentum", "SGD"),
    ("Adam", "SGD"),
    ("Adam", "Momentum"),
    ("iRprop-", "SGD"),
    ("iRprop-", "signSGD"),
    ("SGD, cosine", "SGD"),
    ("Momentum, cosine", "Momentum"),
    ("Adam, cosine", "Adam"),
    ("Adam", "SGD, cosine"),
    ("AdaDelta", "Adam"),
)
EQUAL = (
    ("DA-SGD", "SGD"),
    ("layer rates", "SGD"),
    ("Nesterov", "Momentum"),
    ("AdamW", "Adam"),
    ("Momentum, one cycle", "Momentum, cosine"),
)
PRIMARY = (("Momentum", "SGD"), ("Adam", "Momentum"))
BUDGETS = (("Adam", "Adam, cosine", 1), ("Adam, cosine", "Adam", 8))
FORGIVING = (("Adam", "SGD"), ("Adam", "Momentum"), ("Adam, cosine", "Momentum, cosine"))

PAPER = Paper(
    name="race",
    citation="lrcourse, chapter 15: a fair race.",
    claim="Which method is best, and by how much, if each may choose its own rate?",
    control="Every method over its own range of rates; chosen on validation, reported on test.",
    open=(
        "Only the rate is tuned. Momentum is 0.9 and all other numbers are the defaults of "
        "lrcourse.optim, weight decay of AdamW among them.",
        "The rate is chosen for the mean over the seeds whose test errors are then reported, so "
        "the choice is a little lucky; the test images had no part in it.",
        "The error is that after the last epoch. Without a schedule that catches a run wherever "
        "its last steps have thrown it.",
        "The spread is that of starts, batches and the split into training and validation images. "
        "All share one set of test images, and other images would move all of them.",
        "For Rprop and iRprop- the rate is a factor on steps whose size and limits are their own.",
        "Strategies that listen to the validation loss, and batches that grow, did not race.",
    ),
    setting={
        "quick": "fashion-mini as 14x14 pixels, 8,000 images to train on, 2,000 each for "
        "validation and test; dense ReLU network 196-64-32-10; batch size 64, 10 epochs.",
        "full": "Fashion-MNIST, 48,000 images to train on, 12,000 for validation, 10,000 for "
        "test; dense ReLU network 784-256-128-10; batch size 64, 30 epochs.",
    },
    grid=grid,
    train=train,
    claims=claims(),
    pictures=pictures,
    seeds=MORE_SEEDS,
    stack=lambda setting: setting["network"].startswith("196-"),  # the other leaves the cache
)
