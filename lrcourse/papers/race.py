r"""A fair race: every method of the course over its own range of learning rates.

No paper stands behind this one. All methods train one network from the same starts on the same
mini-batches. Each gets a grid of rates, a factor of 2 apart, that goes past its edge on both sides.
The rate is chosen on validation images, and only then the error on test images is read. Seven of
the methods race again on other images, and for fewer epochs.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from lrcourse.papers.race_runs import (
    BUDGETED,
    MAIN,
    METHODS,
    SHORT,
    WORKLOADS,
    grid,
    stacked,
    train,
)
from lrcourse.papers.trial import (
    LOWER,
    MORE_SEEDS,
    SAME,
    Claim,
    Judgement,
    Paper,
    Picture,
    Sample,
    Verdicts,
    asking,
    beats,
    combined,
    compare,
    control,
    curve_lines,
    rate_text,
    response,
    sample,
    select,
    tuned,
)

RESOLUTION = 0.5  # points: a smaller difference counts for nothing
GUESS = 0.9  # the error of a network that guesses among ten classes
TRIALS = (1, 2, 4, 8)
NEAR = 0.01  # as an error: "within 1 point of the best"
ONE_RATE = 2.0**-7  # far below the best rate of SGD


TUNED = "Momentum, tuned"  # the best of these, of all momenta and rates
FAMILIES = {TUNED: ("SGD", "Momentum 0.5", "Momentum", "Momentum 0.98")}
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


def part(rows: Sequence[dict], method: str, workload: str = MAIN) -> list[dict]:
    r"""Return the rows of a method on one workload.

    Args:
        rows: of the race.
        method: one of ``METHODS`` or ``OTHERS``; of ``FAMILIES``, the member whose best validation
            error is lowest.
        workload: one of ``WORKLOADS``.
    """
    if method in FAMILIES:
        members = [part(rows, member, workload) for member in FAMILIES[method]]
        return min(members, key=lambda own: tuned(own, "validation_error")[1].mean)
    abouts = [workloads[workload].items() for workloads in WORKLOADS.values()]
    own = select(rows, method=method)
    return [row for row in own if any(about <= row.items() for about in abouts)]


def best(rows: Sequence[dict], method: str, workload: str = MAIN) -> tuple[float, Sample]:
    r"""Return the rate with the lowest validation error, and the test errors at that rate.

    Args:
        rows: of the race.
        method: as for ``part``.
        workload: one of ``WORKLOADS``.
    """
    return tuned(part(rows, method, workload), "test_error", by="validation_error")


def best_text(rows: Sequence[dict], method: str, workload: str = MAIN) -> str:
    r"""Return the best rate in words, named where it is an end of its grid.

    Args:
        rows: of the race.
        method: as for ``part``; of ``FAMILIES``, the member is named too.
        workload: one of ``WORKLOADS``.
    """
    own = part(rows, method, workload)
    rate = rate_text(own, tuned(own, "validation_error")[0])
    if method not in FAMILIES:
        return rate
    end = ", the highest momentum" * (own[0]["method"] == FAMILIES[method][-1])
    return f"{rate} as {own[0]['method']}{end}"


def ranked(rows: Sequence[dict], methods: Iterable[str], workload: str = MAIN) -> list[str]:
    r"""Return methods in the order of their lowest validation error.

    Args:
        rows: of the race.
        methods: as for ``part``.
        workload: one of ``WORKLOADS``.
    """
    return sorted(
        methods,
        key=lambda method: tuned(part(rows, method, workload), "validation_error")[1].mean,
    )


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
    curves = [response(part(rows, method), column) for column in ("validation_error", "test_error")]

    def expected(*values: float) -> float:
        pairs = sorted(zip(values[: len(values) // 2], values[len(values) // 2 :], strict=True))
        m = len(pairs)
        weighted = (
            math.comb(m - i, trials - 1) * (test if math.isfinite(test) else GUESS)
            for i, (_, test) in enumerate(pairs, 1)
        )
        return sum(weighted) / math.comb(m, trials)

    return combined(expected, *(sample for curve in curves for sample in curve.values()))


def width(rows: Sequence[dict], method: str, workload: str = MAIN) -> float:
    r"""Return the factor between the lowest and the highest rate that are nearly as good as best.

    Args:
        rows: of the race.
        method: as for ``part``.
        workload: one of ``WORKLOADS``.

    Returns:
        The highest rate over the lowest one, of those in one piece around the best whose mean
        validation error is within one point of the best; on our grids a power of 2.
    """
    curve = response(part(rows, method, workload), "validation_error")
    rates, means = list(curve), [errors.mean for errors in curve.values()]
    low = high = means.index(min(means))
    while low > 0 and means[low - 1] <= min(means) + NEAR:
        low -= 1
    while high < len(means) - 1 and means[high + 1] <= min(means) + NEAR:
        high += 1
    return rates[high] / rates[low]


def lines(
    rows: Sequence[dict], methods: Sequence[str], workload: str = MAIN
) -> dict[str, tuple[list[float], list[list[float]]]]:
    r"""Return response curves for ``plots.response``, errors in percent.

    Args:
        rows: of the race.
        methods: of ``METHODS``.
        workload: one of ``WORKLOADS``.
    """
    curves = {method: response(part(rows, method, workload), "test_error") for method in methods}
    return curve_lines(curves, 100)


def by_rate(
    rows: Sequence[dict], name: str, methods: Sequence[str], workload: str = MAIN
) -> Picture:
    r"""Return test error against learning rate.

    Args:
        rows: of the race.
        name: of the methods, in words.
        methods: as for ``part``.
        workload: one of ``WORKLOADS``.
    """
    bottoms = (
        f"{method} comes down to {best(rows, method, workload)[1].show(1, 100)} % at rate "
        f"{best_text(rows, method, workload)}"
        for method in methods
    )
    alt = f"Test error against learning rate, {name}: {'; '.join(bottoms)}."
    curves = lines(rows, methods, workload)
    return Picture(curves, "learning rate", "test error, %", alt, log_y=True)


def pictures(rows: Sequence[dict]) -> list[Picture]:
    r"""Return test error against learning rate by groups and workloads, and against trials.

    Args:
        rows: of the race.
    """
    drawn = [(name, methods, MAIN) for name, methods in GROUPS.items()]
    drawn.append(("momentum tuned with its rate", FAMILIES[TUNED], MAIN))
    drawn += [(workload, BUDGETED, workload) for workload in ELSEWHERE]
    found = [by_rate(rows, *each) for each in drawn]
    budgets = by_trials(rows)
    lowest = []
    for place, trials in enumerate(TRIALS):
        means = {method: np.mean(errors[place]) for method, (_, errors) in budgets.items()}
        first = min(means, key=lambda method, means=means: means[method])
        lowest.append(f"{first} with {trials} ({means[first]:.1f} %)")
    alt = (
        "Test error to expect after 1, 2, 4 and 8 trials of a rate, drawn from each method's own "
        f"grid. Lowest are {', '.join(lowest)}."
    )
    return [*found, Picture(budgets, "rates tried", "test error, %", alt, log_y=True)]


def by_trials(rows: Sequence[dict]) -> dict[str, tuple[Sequence[int], list[list[float]]]]:
    r"""Return the errors to expect after 1, 2, 4 and 8 trials for ``plots.response``, in percent.

    Args:
        rows: of the race.
    """
    return {
        method: (TRIALS, [[100 * e for e in after_trials(rows, method, k).values] for k in TRIALS])
        for method in BUDGETED
    }


def standings(rows: Sequence[dict], workload: str = MAIN, methods: Iterable[str] = ()) -> Verdicts:
    r"""Return the table of a workload, the method with the lowest validation error first.

    Args:
        rows: of the race.
        workload: one of ``WORKLOADS``.
        methods: as for ``part``; without them, all that the race has there.
    """
    table = Verdicts(
        f"Standings: {workload}. The lowest validation error comes first. Room is the factor "
        "between the lowest and the highest rate within 1 point of the best. The last column is "
        "the probability that the method beats the next one: the share of seeds, with its 95 % "
        "interval.",
        ("method", "best rate", "test error, %", "room", "CPU ms a step", "beats the next"),
    )
    methods = methods or ((*METHODS, *FAMILIES) if workload == MAIN else BUDGETED)
    order = ranked(rows, methods, workload)
    for place, method in enumerate(order):
        rate, test = best(rows, method, workload)
        own, later = part(rows, method, workload), order[place + 1 : place + 2]
        table.body.append(
            (
                method,
                best_text(rows, method, workload),
                test.show(1, 100),
                f"{width(rows, method, workload):.0f}",
                sample(own, "step_ms", learning_rate=rate).show(3),
                *(beats(test, best(rows, other, workload)[1]).show() for other in later),
            )
        )
    table.body[-1] += ("",)
    return table


def points(pairs: Mapping[object, tuple[Sample, Sample]]) -> Judgement:
    r"""Return the judgement of pairs of test errors, of which the first is said to be lower.

    Args:
        pairs: what a pair is about -> its two samples.
    """
    return compare(pairs, LOWER, RESOLUTION / 100, 1, 100)


def at_best(
    rows: Sequence[dict], *pairs: tuple[str, str], claim: str = LOWER, workload: str = MAIN
) -> Judgement:
    r"""Judge pairs of methods, each at its own best rate.

    Args:
        rows: of the race.
        pairs: each of two of ``METHODS`` or ``FAMILIES``.
        claim: LOWER or SAME.
        workload: one of ``WORKLOADS``.
    """
    found = {}
    for pair in pairs:
        names = (f"{method} at {best_text(rows, method, workload)}" for method in pair)
        found[" and ".join(names)] = tuple(best(rows, method, workload)[1] for method in pair)
    return compare(found, claim, RESOLUTION / 100, 1, 100)


def one_rate(rows: Sequence[dict], *methods: str) -> Judgement:
    r"""Judge that several methods are better than SGD, all at one small rate.

    Args:
        rows: of the race.
        methods: of ``METHODS``.
    """
    plain, *others = (
        sample(part(rows, method), "test_error", learning_rate=ONE_RATE)
        for method in ("SGD", *methods)
    )
    return points({name: (other, plain) for name, other in zip(methods, others, strict=True)})


def twice_the_rate(rows: Sequence[dict], method: str) -> Judgement:
    r"""Judge that a method at the small rate is SGD at twice that.

    Args:
        rows: of the race.
        method: one of ``METHODS``.
    """
    at = sample(part(rows, method), "test_error", learning_rate=ONE_RATE)
    plain = sample(part(rows, "SGD"), "test_error", learning_rate=2 * ONE_RATE)
    return compare({"": (at, plain)}, SAME, NEAR, 1, 100)


def too_fast(rows: Sequence[dict], *pair: str) -> Judgement:
    r"""Judge that the first of two methods suffers less at four times its own best rate.

    Args:
        rows: of the race.
        pair: two of ``METHODS``.
    """
    there = (sample(part(rows, m), "test_error", learning_rate=4 * best(rows, m)[0]) for m in pair)
    return points({"": tuple(there)})


def with_trials(rows: Sequence[dict], *pair: str, trials: int) -> Judgement:
    r"""Judge that the first of two methods is better if each may try so many rates.

    Args:
        rows: of the race.
        pair: two of ``METHODS``.
        trials: how many rates.
    """
    return points({"": tuple(after_trials(rows, method, trials) for method in pair)})


def winner(rows: Sequence[dict], workload: str = MAIN) -> Judgement:
    r"""Judge that one method is ahead of all others; validation finds the first two.

    Args:
        rows: of the race.
        workload: one of ``WORKLOADS``.
    """
    methods = METHODS if workload == MAIN else BUDGETED
    first, second, *_ = ranked(rows, methods, workload)
    return at_best(rows, (first, second), workload=workload)


def lead_grows(rows: Sequence[dict], first: str, second: str, workload: str) -> Judgement:
    r"""Judge that one method's lead over another is larger on a workload than on the main one.

    Args:
        rows: of the race.
        first: of ``METHODS``, said to lead.
        second: another.
        workload: one of ``WORKLOADS``.
    """
    leads = tuple(
        combined(lambda a, b: a - b, *(best(rows, m, at)[1] for m in (first, second)))
        for at in (workload, MAIN)
    )
    return points({f"{first} less {second}": leads})


NOBODY = "not from a paper"
BOUND = f"lower by over {RESOLUTION} points"
EQUALS = "the same within {:g} points"
FAIR = "test error, %, each at the rate with its lowest validation error: "


def claims() -> Iterator[Claim]:
    r"""Yield what is judged: first the confound, then each method at its own best rate."""
    ours = partial(control, printed=NOBODY)
    yield ours(
        f"At one rate for all, {ONE_RATE:.2g}, momentum, DA-SGD and layer rates beat SGD",
        f"test error, %: {BOUND}, for all three",
        asking(one_rate, "Momentum", "DA-SGD", "layer rates"),
    )
    for method in ("DA-SGD", "layer rates"):
        says = f"{method} at {ONE_RATE:.2g} is SGD at twice that rate"
        yield ours(
            says, f"test error, %: {EQUALS.format(100 * NEAR)}", asking(twice_the_rate, method)
        )
    for a, b in BETTER:
        says, judge = f"{a} is better than {b}", asking(at_best, (a, b))
        yield ours(says, FAIR + BOUND, judge, primary=(a, b) in PRIMARY)
    for a, b in EQUAL:
        judge = asking(at_best, (a, b), claim=SAME)
        yield ours(f"{a} is as good as {b}", FAIR + EQUALS.format(RESOLUTION), judge)
    for a, b in FORGIVING:
        says = f"Four times its best rate harms {a} less than {b}"
        yield ours(says, f"test error there, %: {BOUND}", asking(too_fast, a, b))
    for a, b, trials in BUDGETS:
        so_many = f"With {trials} {'trial' if trials == 1 else 'trials'} of a rate"
        judge = asking(with_trials, a, b, trials=trials)
        yield ours(f"{so_many} {a} is better than {b}", f"test error to expect, %: {BOUND}", judge)
    says = "One method is ahead of all others"
    yield ours(says, FAIR + BOUND, winner, primary=True)
    chosen = f"; {TUNED}: momentum, 0, 0.5, 0.9 or 0.98, is chosen with the rate"
    for a, b in MOMENTA:
        yield ours(f"{a} is better than {b}", FAIR + BOUND + chosen, asking(at_best, (a, b)))
    pairs = [(f"{method}, cosine", method) for method in ("SGD", "Momentum", "Adam")]
    cosine = "a cosine is better than a constant rate, for SGD, Momentum and Adam"
    for workload, where in ELSEWHERE.items():
        judge = asking(at_best, ("Adam", "Momentum"), workload=workload)
        yield ours(f"{where}, Adam is better than Momentum", FAIR + BOUND, judge)
        judge = asking(at_best, *pairs, workload=workload)
        yield ours(f"{where}, {cosine}", f"{FAIR}{BOUND}, for all three", judge)
        says = f"{where}, one of seven methods is ahead of the others"
        yield ours(says, FAIR + BOUND, asking(winner, workload))
    yield ours(
        f"{ELSEWHERE[SHORT]}, Adam's lead over SGD is larger",
        f"test error of Adam less that of SGD, %, each at its best: {BOUND}",
        asking(lead_grows, "Adam", "SGD", SHORT),
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
MOMENTA = ((TUNED, "Momentum"), (TUNED, "SGD"), ("Adam", TUNED))
ELSEWHERE = {
    "digits": "On digits",
    "patches": "On patches of photographs",
    SHORT: "With about a third of the epochs",
}
PRIMARY = (("Momentum", "SGD"), ("Adam", "Momentum"))
BUDGETS = (("Adam", "Adam, cosine", 1), ("Adam, cosine", "Adam", 8))
FORGIVING = (("Adam", "SGD"), ("Adam", "Momentum"), ("Adam, cosine", "Momentum, cosine"))

PAPER = Paper(
    name="race",
    citation="lrcourse, chapter 15: a fair race.",
    claim="Which method is best, and by how much, if each may choose its own rate?",
    control="Every method over its own range of rates; chosen on validation, reported on test.",
    open=(
        "Only the rate is tuned, and once the momentum with it. All other numbers are the defaults "
        "of lrcourse.optim, weight decay of AdamW and epsilon of Adam among them. (An Adam with a "
        "large epsilon is nearly momentum; tuned so far, it could not lose to that by much.)",
        "Momentum tuned with its rate has SGD and Momentum 0.9 among its own settings, so on the "
        "validation images it cannot lose to them, by design; that it does not lose on the test "
        "images is no discovery, only by how much it wins would be. It has also four times as many "
        "trials.",
        "Two of the workloads are small: the test error on digits moves in steps of 0.28 points. "
        "Validation patches come from the halves of the photographs that are trained on, test "
        "patches from the others.",
        "CPU time a step is that of a stack of all rates of a method, divided by their number, on "
        "a machine that does other work too; a single network takes longer.",
        "The rate is chosen for the mean over the seeds whose test errors are then reported, so "
        "the choice is a little lucky; the test images had no part in it.",
        "The error is that after the last epoch. Without a schedule that catches a run wherever "
        "its last steps have thrown it.",
        "The spread is that of starts, batches and the split into training and validation images. "
        "All share one set of test images, and other images would move all of them.",
        "For Rprop and iRprop- the rate is a factor on steps whose size and limits are their own.",
        "Strategies that listen to the validation loss, and batches that grow, did not race. Rules "
        "that joined the course after the claims were locked race in the second part, race-2.",
    ),
    setting={
        "quick": "fashion-mini as 14x14 pixels, 8,000 images to train on, 2,000 each for "
        "validation and test; dense ReLU network 196-64-32-10; batch size 64, 10 epochs. Seven "
        "methods also with 3 epochs, on digits (64-32-10, batch size 32), and on patches of 8x8 "
        "colour pixels (192-64-32-10).",
        "full": "Fashion-MNIST, 48,000 images to train on, 12,000 for validation, 10,000 for "
        "test; dense ReLU network 784-256-128-10; batch size 64, 30 epochs. Seven methods also "
        "with 10 epochs, on digits and on patches as at the quick scale.",
    },
    grid=grid,
    train=train,
    claims=tuple(claims()),
    pictures=pictures,
    tables=lambda rows: [standings(rows, workload) for workload in (MAIN, *ELSEWHERE)],
    seeds=MORE_SEEDS,
    stack=stacked,
)
