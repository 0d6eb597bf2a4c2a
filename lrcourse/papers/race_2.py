r"""The second part of the race: rules and schedules that joined the course after the first.

Network, images, batches and seeds are those of the first part, so its rows stand, and each new
method is compared with them seed by seed. Only the new methods run, under a lock of their own.
"""

import functools
from collections.abc import Iterator, Sequence
from functools import partial

from lrcourse.papers import saved
from lrcourse.papers.race import (
    BOUND,
    BUDGETED,
    EQUALS,
    FAIR,
    NOBODY,
    RESOLUTION,
    at_best,
    best,
    by_rate,
    part,
    points,
    ranked,
    standings,
    too_fast,
    with_trials,
)
from lrcourse.papers.race_runs import (
    MAIN,
    METHODS,
    MUON,
    NEWER,
    NEWER_ELSEWHERE,
    newer_grid,
    stacked,
    train,
)
from lrcourse.papers.trial import (
    MORE_SEEDS,
    SAME,
    Claim,
    Judge,
    Judgement,
    Paper,
    Picture,
    Verdicts,
    control,
    sample,
    select,
)

AS_GIVEN = 2.0**-10  # the rate of the grid next to Adam's default, 0.001
GROUPS = {
    "no schedule": (
        *("Momentum, cosine", "schedule-free SGD", "schedule-free SGD, warm-up"),
        *("Momentum, averaged", "schedule-free AdamW"),
    ),
    "schedules of momentum": (
        *("Momentum, cosine", "Momentum, linear"),
        *("Momentum, warm-up, cosine", "Momentum, warm-up, stable, decay"),
    ),
    "signs and matrices": (
        *("Adam", "Adam, cosine", "signSGD"),
        *("Lion", "Lion, cosine", "Muon", MUON),
    ),
    "no rate to tune": ("SGD", "Adam", "DoG", "DoG, averaged"),
}


@functools.cache
def _standing() -> tuple[dict, ...]:
    muon = select(saved("muon"), method="Muon")
    return (*saved("race"), *(row | {"method": MUON} for row in muon))


def joined(rows: Sequence[dict]) -> list[dict]:
    r"""Return rows of the second part and those of the first that stand beside them.

    Args:
        rows: of the second part.

    Returns:
        They, and of their images and seeds the saved rows of the first part, and those of Muon with
        a cosine from its own trial, which has ten of the seeds.
    """
    images, seeds = {row["data"] for row in rows}, {row["seed"] for row in rows}
    old = [row for row in _standing() if row["data"] in images and row["seed"] in seeds]
    return [*rows, *old]


def beside(judge: Judge, *about: object, **more: object) -> Judge:
    r"""Return a judge of rows of both parts.

    Args:
        judge: one of the first part; it takes rows first.
        about: what else it takes.
        more: the same by name.
    """
    return lambda rows: judge(joined(rows), *about, **more)


def as_given(rows: Sequence[dict], method: str) -> Judgement:
    r"""Judge that Adam next to its default rate is better than a method that has no rate.

    Args:
        rows: of both parts.
        method: one of ``NEWER``.
    """
    adam = sample(part(rows, "Adam"), "test_error", learning_rate=AS_GIVEN)
    return points({"": (adam, best(rows, method)[1])})


def winner(rows: Sequence[dict]) -> Judgement:
    r"""Judge that one method of both parts is ahead of all others; validation finds the first two.

    Args:
        rows: of both parts.
    """
    return at_best(rows, tuple(ranked(rows, methods_at(MAIN))[:2]))


# Said to be better, to be the same, and to forgive more.
BETTER = (
    ("schedule-free SGD, warm-up", "Momentum, warm-up, cosine"),
    ("Muon", "Adam, cosine"),
    ("schedule-free SGD", "Momentum, cosine"),
    ("schedule-free SGD, warm-up", "schedule-free SGD"),
    ("schedule-free SGD, warm-up", "Momentum, one cycle"),
    ("schedule-free AdamW", "Adam"),
    ("schedule-free AdamW", "Adam, cosine"),
    ("Muon", "Adam"),
    ("Lion", "Adam"),
    ("Lion", "signSGD"),
    ("Lion, cosine", "Adam, cosine"),
    ("Momentum, averaged", "Momentum"),
    ("Momentum, warm-up, cosine", "Momentum, cosine"),
    ("DoG, averaged", "DoG"),
    ("DoG, averaged", "SGD"),
)
EQUAL = (
    ("DoG", "SGD"),
    ("Momentum, averaged", "Momentum, cosine"),
    ("Momentum, linear", "Momentum, cosine"),
    ("Momentum, warm-up, stable, decay", "Momentum, warm-up, cosine"),
)
FORGIVING = (("schedule-free AdamW", "Adam, cosine"), ("Muon", "Adam"))
PRIMARY = (*BETTER[:2], EQUAL[0])
ELSEWHERE = {"digits": "On digits", "patches": "On patches of photographs"}
BETTER_ELSEWHERE = (
    ("schedule-free SGD, warm-up", "Momentum, cosine"),
    (MUON, "Adam, cosine"),
)


def claims() -> Iterator[Claim]:
    r"""Yield what is judged, the main workload first."""
    ours = partial(control, printed=NOBODY)
    for a, b in BETTER:
        judge = beside(at_best, (a, b))
        yield ours(f"{a} is better than {b}", FAIR + BOUND, judge, primary=(a, b) in PRIMARY)
    for a, b in EQUAL:
        judge, must = beside(at_best, (a, b), claim=SAME), FAIR + EQUALS.format(RESOLUTION)
        yield ours(f"{a} is as good as {b}", must, judge, primary=(a, b) in PRIMARY)
    for a, b in FORGIVING:
        says = f"Four times its best rate harms {a} less than {b}"
        yield ours(says, f"test error there, %: {BOUND}", beside(too_fast, a, b))
    for method in ("SGD", "Adam"):
        says = f"With 1 trial of a rate {method} is worse than DoG, which needs none"
        judge = beside(with_trials, "DoG", method, trials=1)
        yield ours(says, f"test error to expect, %: that of DoG {BOUND}", judge)
    for method in ("DoG", "DoG, averaged"):
        says = f"Adam at {AS_GIVEN:.2g}, next to its default of 0.001, is better than {method}"
        yield ours(says, f"test error, %: {BOUND}", beside(as_given, method))
    says = "One method, of both parts, is ahead of all others"
    yield ours(says, FAIR + BOUND, beside(winner))
    for workload, where in ELSEWHERE.items():
        for a, b in BETTER_ELSEWHERE:
            judge = beside(at_best, (a, b), workload=workload)
            yield ours(f"{where}, {a} is better than {b}", FAIR + BOUND, judge)
        judge = beside(at_best, ("DoG", "SGD"), claim=SAME, workload=workload)
        must = FAIR + EQUALS.format(RESOLUTION)
        yield ours(f"{where}, DoG is as good as SGD", must, judge)


def pictures(rows: Sequence[dict]) -> list[Picture]:
    r"""Return test error against learning rate, old methods beside new ones.

    Args:
        rows: of the second part.
    """
    found = joined(rows)
    drawn = [by_rate(found, name, methods) for name, methods in GROUPS.items()]
    return drawn + [by_rate(found, at, methods_at(at), at) for at in ELSEWHERE]


def tables(rows: Sequence[dict]) -> list[Verdicts]:
    r"""Return the standings of each workload, of old methods and new ones.

    Args:
        rows: of the second part.
    """
    found, tables = joined(rows), []
    for workload in (MAIN, *ELSEWHERE):
        table = standings(found, workload, methods_at(workload))
        table.title += " CPU times of old and of new methods do not compare; see the deviations."
        tables.append(table)
    return tables


def methods_at(workload: str) -> tuple[str, ...]:
    r"""Return the methods of both parts on a workload.

    Args:
        workload: MAIN or one of ``ELSEWHERE``.
    """
    if workload == MAIN:
        return (*METHODS, *NEWER)
    return (*BUDGETED, *NEWER_ELSEWHERE[workload])


PAPER = Paper(
    name="race-2",
    citation="lrcourse, chapters 11, 19 and 20: a fair race, second part.",
    claim="How do the newer rules and schedules of the course do beside the older ones, if each "
    "may choose its own rate?",
    control="Network, images, batches and seeds of the first part, whose rows stand; eight rates "
    "for each new method; chosen on validation, reported on test.",
    open=(
        "The rows of the old methods were known when these claims were written, and so were ten "
        "seeds of Muon with a cosine, from Muon's own trial; no run of another new method on a "
        "seed that judges. Rates were laid out on seeds 0 to 2.",
        "Only the rate is tuned. All other numbers are the defaults of lrcourse.optim: Lion, Muon "
        "and the schedule-free rules without weight decay, beta of these 0.9, decay of the mean "
        "0.99, DoG's first distance 1e-6. AdamW of the first part has its default decay of 0.01.",
        "New methods have eight rates each, the old ones eight to eleven. DoG has none. It is "
        "compared with others at their best, and with what one trial of a rate would give.",
        "A warm-up takes the first twentieth of the steps, on both sides of a primary claim; the "
        "stable rate falls to 0 in the last three tenths of what follows.",
        "Muon's biases step by Adam at the rate of its matrices.",
        "The race is one of equal epochs. A step of Muon takes several times the CPU time of the "
        "others; its own trial has an Adam with as much time.",
        "The machine did much other work while the second part ran, and a step took more than "
        "twice the CPU time: 0.19 ms in place of 0.08 for momentum with a cosine. So CPU times "
        "compare within a part only. DoG, without a stack of rates to share the overhead, looks "
        "slower than it is.",
        "Muon with a cosine has ten seeds, so what is compared with it on clothes has ten.",
        "Old and new rows were computed on different days. 28 old runs that were repeated beside "
        "the new ones gave the saved test errors to the last digit. On another machine a few "
        "images may fall the other way.",
        "On digits and patches only three of the new methods ran. The other reservations are those "
        "of the first part.",
    ),
    setting={
        "quick": "as in the first part: fashion-mini as 14x14 pixels, 8,000 images to train on, "
        "2,000 each for validation and test; dense ReLU network 196-64-32-10; batch size 64, 10 "
        "epochs. Three methods also on digits (64-32-10, batch size 32), and on patches of 8x8 "
        "colour pixels (192-64-32-10).",
        "full": "as in the first part: Fashion-MNIST, 48,000 images to train on, 12,000 for "
        "validation, 10,000 for test; dense ReLU network 784-256-128-10; batch size 64, 30 epochs; "
        "the old methods run too. Three methods also on digits and on patches as at the quick "
        "scale.",
    },
    grid=newer_grid,
    train=train,
    claims=tuple(claims()),
    pictures=pictures,
    tables=tables,
    seeds=MORE_SEEDS,
    stack=stacked,
)
