r"""Checks of chapter 15, A fair race."""

import copy
import functools
import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import (
    RETURNED_NONE,
    Check,
    Exercise,
    Wrong,
    call_unchanged,
    compare_call,
)
from lrcourse.papers.images import pooled, whole
from lrcourse.papers.trial import FAILS, HOLDS, NO_DIFFERENCE, UNDECIDED, student

VERDICTS = (HOLDS, FAILS, NO_DIFFERENCE, UNDECIDED)


def verdict(
    a: NDArray,
    b: NDArray,
    resolution: float,
    *,
    error: Callable = lambda a, b: (a - b).std(ddof=1) / math.sqrt(len(a)),
    freedom: Callable = lambda n: n - 1,
    freedom_within: Callable | None = None,
    counts: Callable = lambda d, s, r, t, one_sided: abs(d) > r and abs(d) > t * s,
    within: Callable = lambda d, s, r, t, one_sided: abs(d) + one_sided * s <= r,
    lower: Callable = lambda d: d < 0,
    names: tuple[str, str, str, str] = VERDICTS,
) -> str:
    r"""Judge by paired seeds whether the mean of a lies below that of b.

    Args:
        a: errors, one a seed.
        b: of the other method, in the same order.
        resolution: a difference that counts for nothing.
        error: of the mean difference.
        freedom: of Student's t, from the number of seeds.
        freedom_within: the same for the third verdict, where it differs.
        counts: whether the difference counts, from difference, error, resolution and both t.
        within: whether it lies within the resolution.
        lower: whether a difference that counts speaks for a.
        names: for a lower, b lower, no difference, and undecided.
    """
    d, s, n = a.mean() - b.mean(), error(a, b), len(a)
    one_sided = student(0.95, (freedom_within or freedom)(n))
    given = d, s, resolution, student(0.975, freedom(n)), one_sided
    if counts(*given):
        return names[0] if lower(d) else names[1]
    return names[2] if within(*given) else names[3]


def _unpaired(a: NDArray, b: NDArray) -> float:
    return math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))


OTHER_VERDICTS: dict[str, Callable] = {
    sentence: functools.partial(verdict, **other)
    for sentence, other in {
        "It treats the two samples as unrelated. What a seed does to both cancels in its "
        "difference: take the spread of `a - b`.": dict(error=_unpaired),
        "The spread has n in place of n - 1: from few seeds that is too small. Use ddof=1.": dict(
            error=lambda a, b: (a - b).std() / math.sqrt(len(a))
        ),
        "The spread is not divided by the root of the number of seeds: that is how far one *run* "
        "may lie off, not a mean.": dict(error=lambda a, b: (a - b).std(ddof=1)),
        "The spread is divided by n: the error of a mean is the spread over the *root* of n.": dict(
            error=lambda a, b: (a - b).std(ddof=1) / len(a)
        ),
        "The variance stands where the standard deviation belongs.": dict(
            error=lambda a, b: (a - b).var(ddof=1) / len(a)
        ),
        "The degrees of freedom are n - 1: one spread was estimated, that of the differences.": (
            dict(freedom=lambda n: 2 * n - 2)
        ),
        "The degrees of freedom are n - 1, not n: the mean was estimated from the same seeds.": (
            dict(freedom=lambda n: n)
        ),
        "It takes 1.96 and 1.64, which are for endless seeds: few seeds need t with n - 1 "
        "degrees of freedom.": dict(freedom=lambda n: 1000),
        "To show that there is *no* difference it takes n degrees of freedom: there, too, they are "
        "n - 1.": dict(freedom_within=lambda n: n),
        "To show that there is *no* difference it takes n + 1 degrees of freedom: there, too, they "
        "are n - 1.": dict(freedom_within=lambda n: n + 1),
        "A difference counts as soon as it is over the margin: one within the resolution is too "
        "small to matter, however sure it is.": dict(counts=lambda d, s, r, t, one: abs(d) > t * s),
        "A difference counts as soon as it is over the resolution: with few seeds chance alone "
        "does that.": dict(counts=lambda d, s, r, t, one: abs(d) > r),
        "It asks the whole interval to lie beyond the resolution. The rule asks less: the interval "
        "leaves out 0, and the difference itself is over the resolution.": dict(
            counts=lambda d, s, r, t, one: abs(d) - t * s > r
        ),
        "It counts differences of one sign only: look at the size, then at the sign.": dict(
            counts=lambda d, s, r, t, one: -d > r and -d > t * s
        ),
        "For a difference to count it uses t of 0.95: the 95 % interval has 2.5 % at each end, so "
        "t of 0.975.": dict(counts=lambda d, s, r, t, one: abs(d) > r and abs(d) > one * s),
        "To show that there is *no* difference it uses t of 0.975: two one-sided tests at 5 % "
        "take t of 0.95.": dict(within=lambda d, s, r, t, one: abs(d) + t * s <= r),
        "It finds no difference as soon as the mean difference is small. That few seeds do not see "
        "one is no sign that there is none: the interval must lie within the resolution.": dict(
            within=lambda d, s, r, t, one: abs(d) <= r
        ),
        "It finds no difference wherever 0 is in the interval: that few seeds do not see one is no "
        "sign that there is none.": dict(within=lambda d, s, r, t, one: abs(d) <= t * s),
        "It finds no difference where d + t s is at most the resolution: take the size of d.": dict(
            within=lambda d, s, r, t, one: d + one * s <= r
        ),
        "It finds no difference where the margin is within the resolution, whatever d is: |d| and "
        "margin together must be.": dict(within=lambda d, s, r, t, one: one * s <= r),
        "It finds no difference where difference and margin are each within the resolution: their "
        "*sum* must be.": dict(within=lambda d, s, r, t, one: max(abs(d), one * s) <= r),
        "What does not count is undecided for you: some of it can be called too small to matter, "
        "and that is a finding.": dict(names=(HOLDS, FAILS, UNDECIDED, UNDECIDED)),
        "What does not count is no difference for you: most of it is undecided.": dict(
            names=(HOLDS, FAILS, NO_DIFFERENCE, NO_DIFFERENCE)
        ),
        "A difference above 0 by less than 1 still holds for you: whatever is above 0 speaks "
        "against the claim.": dict(lower=lambda d: d < 1),
        "The sign is the wrong way round: the claim is that `a` is lower.": dict(
            names=(FAILS, HOLDS, NO_DIFFERENCE, UNDECIDED)
        ),
        "No difference and undecided are the wrong way round.": dict(
            names=(HOLDS, FAILS, UNDECIDED, NO_DIFFERENCE)
        ),
    }.items()
}

EDGES: dict[str, Callable] = {
    "A difference of exactly the resolution counts for you: it has to be *over* it.": (
        functools.partial(verdict, counts=lambda d, s, r, t, one: abs(d) >= r and abs(d) > t * s)
    ),
    "Where |d| + t s is exactly the resolution you are undecided: for no difference it may be *at "
    "most* that.": functools.partial(verdict, within=lambda d, s, r, t, one: abs(d) + one * s < r),
}


Case = tuple[NDArray, NDArray, float]


def _samples(rng: Generator) -> Case:
    n, noise = int(rng.integers(3, 9)), rng.choice([0.15, 0.35, 0.8])
    both = 20 + rng.normal(0, rng.choice([0.1, 2]), size=n)
    a, b = both + rng.normal(0, noise, size=(2, n))
    return np.round(a + rng.choice([-1.0, -0.5, 0.0, 0.2, 0.5, 1.0]), 2), np.round(b, 2), 0.5


def _telling_samples(rng: Generator) -> list[Case]:
    # Samples that tell each mistake from what is right and from every other mistake.
    cases, groups = [], [[verdict, *OTHER_VERDICTS.values()]]
    for _ in range(20_000):
        if not groups:
            break
        case = _samples(rng)
        split: list[list[Callable]] = []
        for group in groups:
            said = [judge(*case) for judge in group]
            split += [
                [judge for judge, one in zip(group, said, strict=True) if one == name]
                for name in dict.fromkeys(said)
            ]
        if len(split) > len(groups):
            cases.append(case)
        groups = [group for group in split if len(group) > 1]
    return cases


def _shown(case: Case) -> str:
    a, b, resolution = case
    return f"a = {a.tolist()}, b = {b.tolist()} and resolution {resolution:g}"


def _judged(answer: Callable, case: Case) -> str:
    got = answer(*copy.deepcopy(case))
    if got is None:
        raise Wrong(f"For {_shown(case)}: {RETURNED_NONE}")
    if not isinstance(got, str) or got not in VERDICTS:
        raise Wrong("It should return HOLDS, FAILS, NO_DIFFERENCE or UNDECIDED, as a text.")
    return got


def _verdicts_agree(
    answer: Callable, cases: list[Case], others: dict[str, Callable] = OTHER_VERDICTS
) -> None:
    found = [_judged(answer, case) for case in cases]
    right = [verdict(*case) for case in cases]
    if found == right:
        return
    for sentence, other in others.items():
        if found == [other(*case) for case in cases]:
            raise Wrong(sentence)
    number = next(k for k, got in enumerate(found) if got != right[k])
    a, b, _ = cases[number]
    error = (a - b).std(ddof=1) / math.sqrt(len(a))
    raise Wrong(
        f"For {_shown(cases[number])} it says {found[number]!r}, where {right[number]!r} is "
        f"expected: the mean difference is {(a - b).mean():.3g}, its error {error:.3g}, and t "
        f"{student(0.975, len(a) - 1):.3g} for 0.975, {student(0.95, len(a) - 1):.3g} for 0.95."
    )


def verdicts_of_any_samples(answer: Callable, rng: Generator) -> None:
    r"""Samples that every mistake judges wrongly somewhere."""
    _verdicts_agree(answer, _telling_samples(rng))


def verdict_of_the_text(answer: Callable, rng: Generator) -> None:
    r"""The example of the text, and the same the other way round."""
    a, b = np.array([17.0, 19.0, 18.0]), np.array([18.1, 20.0, 19.2])
    _verdicts_agree(answer, [(a, b, 0.5), (b, a, 0.5), (a, b, 2.0), (a, b[::-1], 0.5)])


def verdict_on_the_edge(answer: Callable, rng: Generator) -> None:
    r"""A difference of exactly the resolution, without a spread, and one just below it."""
    a = np.ones(3)
    _verdicts_agree(answer, [(a, a + 0.5, 0.5), (a, a + 0.5, 0.75), (a + 0.5, a, 0.5)], EDGES)


def verdict_leaves_its_input(answer: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    a, b = rng.normal(size=(2, 5))
    call_unchanged(answer, 0.5, a=a, b=b)


def _fair(
    validation: NDArray,
    test: NDArray,
    *,
    chosen: Callable = lambda validation, test: validation.mean(axis=0),
    reported: Callable = lambda validation, test: test,
    ddof: int = 1,
) -> tuple:
    score = chosen(validation, test)
    k = int(np.where(np.isnan(score), np.inf, score).argmin())
    found = reported(validation, test)[:, k]
    return k, found.mean(), found.std(ddof=ddof)


def _mistaken_results(validation: NDArray, test: NDArray) -> dict:
    def wrong(**other: object) -> tuple:
        return _fair(validation, test, **other)

    k, mean, sd = wrong()
    first_nan = int(np.mean(validation, axis=0).argmin())
    per_seed = test[np.arange(len(test)), np.nan_to_num(validation, nan=np.inf).argmin(axis=1)]

    return {
        "At that rate a run diverged. `argmin` stops at a NaN and returns its place, and `nanmean` "
        "leaves the diverged runs out: take the smallest of those means that are numbers.": (
            first_nan,
            test[:, first_nan].mean(),
            test[:, first_nan].std(ddof=1),
        ),
        "It chooses on the test errors: choose on the validation errors, and only then look at "
        "the test errors.": wrong(chosen=lambda v, t: t.mean(axis=0)),
        "It chooses, and reports, the lowest single run: choose by the mean over seeds.": wrong(
            chosen=lambda v, t: np.nanmin(v, axis=0)
        ),
        "It reports the validation errors: those were used to choose, so they are too low. Report "
        "the test errors.": wrong(reported=lambda v, t: v),
        "The spread has n in place of n - 1: use ddof=1.": wrong(ddof=0),
        "It returns the standard error: here the spread over seeds is asked for.": (
            k,
            mean,
            sd / math.sqrt(len(test)),
        ),
        "It returns the variance: the spread is its root.": (k, mean, sd**2),
        "The number of the rate counts from 1: NumPy counts from 0.": (k + 1, mean, sd),
        "It leaves out the seeds in which some rate diverged: leave out the *rates*.": (
            _whole_seeds(validation, test)
        ),
        "It takes the highest error: lower is better.": wrong(chosen=lambda v, t: -v.mean(axis=0)),
        "The order is (k, mean, sd).": (mean, sd, k),
        "It chooses by the median over seeds: choose by the mean.": wrong(
            chosen=lambda v, t: np.median(v, axis=0)
        ),
        "The median is reported: report the mean over seeds.": (k, np.median(test[:, k]), sd),
        "A diverged run counts as a large error: among good runs its rate can still win. A rate at "
        "which any run diverged is no choice.": wrong(
            chosen=lambda v, t: np.nan_to_num(v, nan=100.0).mean(axis=0)
        ),
        "A diverged run counts as an error of 0: so the rate that diverges most wins.": wrong(
            chosen=lambda v, t: np.nan_to_num(v).mean(axis=0)
        ),
        "The mean is taken over the rates, so it chooses among seeds: take it over axis 0.": (
            _over_rates(validation, test)
        ),
        "It looks at the last seed only: choose by the mean over seeds.": wrong(
            chosen=lambda v, t: v[-1]
        ),
        "Each seed chooses a rate of its own: choose one rate, by the mean over seeds.": (
            k,
            per_seed.mean(),
            per_seed.std(ddof=1),
        ),
        "It looks at the first seed only: choose by the mean over seeds.": wrong(
            chosen=lambda v, t: v[0]
        ),
    }


def _whole_seeds(validation: NDArray, test: NDArray) -> tuple:
    kept = ~np.isnan(validation).any(axis=1)
    k = int(validation[kept].mean(axis=0).argmin()) if kept.any() else 0
    found = test[kept, k]
    return k, *((found.mean(), found.std(ddof=1)) if len(found) > 1 else (np.nan, np.nan))


def _over_rates(validation: NDArray, test: NDArray) -> tuple:
    k = int(np.nan_to_num(validation.mean(axis=1), nan=np.inf).argmin())
    found = test[:, min(k, test.shape[1] - 1)]
    return k, found.mean(), found.std(ddof=1)


def _ways(validation: NDArray, test: NDArray) -> list[int]:
    # The rates that right and wrong ways of choosing come to.
    means = [part.mean(axis=0) for part in (validation, test)]
    return [
        *(int(np.nanargmin(mean)) for mean in means),
        int(np.nanargmin(np.nanmin(validation, axis=0))),
        int(np.nanargmin(-means[0])),
        int(np.nanargmin(validation[0])),
        int(np.nanargmin(validation[-1])),
        int(np.nanargmin(np.median(validation, axis=0))),
        int(validation.mean(axis=1).argmin()),
    ]


def _runs(rng: Generator, seeds: int, rates: int) -> tuple[NDArray, NDArray]:
    # Made-up errors for which all those ways come to different rates.
    while True:
        validation, test = 20 + rng.normal(size=(2, seeds, rates))
        ways = _ways(validation, test)
        if len(set(ways)) == len(ways):
            return validation, test


def result_by_numbers(fair_result: Callable, rng: Generator) -> None:
    r"""The example of the text, where the last rate diverges in one seed."""
    validation = np.array([[20.0, 18.0, np.nan], [22.0, 19.0, 10.0]])
    test = np.array([[21.0, 18.0, np.nan], [23.0, 21.0, 12.0]])
    compare_call(fair_result, (validation, test), (1, 19.5, 4.5**0.5), _mistaken_results)


def result_without_divergence(fair_result: Callable, rng: Generator) -> None:
    r"""Ten seeds, twelve rates."""
    for _ in range(3):
        compare_call(fair_result, _runs(rng, 10, 12), _fair, _mistaken_results)


def result_with_divergence(fair_result: Callable, rng: Generator) -> None:
    r"""Rates at which one seed diverges, though its other seeds are the best of all."""
    lost = np.full((10, 3), 2.0)
    lost[:3, 0] = lost[1, 1] = lost[4:9, 2] = np.nan
    given = tuple(np.concatenate([part, lost], axis=1) for part in _runs(rng, 10, 12))
    compare_call(fair_result, given, _fair, _mistaken_results)


def result_leaves_its_input(fair_result: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    validation, test = 20 + rng.normal(size=(2, 3, 4))
    validation[0, 3] = test[0, 3] = np.nan
    call_unchanged(fair_result, validation=validation, test=test)


BUGS = {
    "on_test": "the rate is chosen on the test errors",
    "one_rate": "the rate that suits the new method serves the old one too",
    "best_seed": "the best seed stands for all, where the mean belongs",
    "biased": "the spread has n in place of n - 1",
}


def _difference(
    validation: NDArray,
    test: NDArray,
    t: float,
    *,
    on_test: bool = False,
    one_rate: bool = False,
    best_seed: bool = False,
    biased: bool = False,
) -> tuple:
    k = (test if on_test else validation).mean(axis=1).argmin(axis=1)
    if one_rate:
        k[0] = k[1]
    old, new = test[0, :, k[0]], test[1, :, k[1]]
    difference = new.min() - old.min() if best_seed else new.mean() - old.mean()
    return k, difference, t * (new - old).std(ddof=not biased) / math.sqrt(len(old))


def _mistaken_differences(validation: NDArray, test: NDArray, t: float) -> dict:
    k, difference, margin = _difference(validation, test, t)
    old, new = test[0, :, k[0]], test[1, :, k[1]]
    n = test.shape[1]
    left = {
        f"Still there: {'; '.join(BUGS[bug] for bug in bugs)}.": _difference(
            validation, test, t, **dict.fromkeys(bugs, True)
        )
        for count in range(1, len(BUGS) + 1)
        for bugs in combinations(BUGS, count)
    }

    def chosen(k: NDArray, errors: NDArray) -> tuple:
        old, new = errors[0, :, k[0]], errors[1, :, k[1]]
        return k, new.mean() - old.mean(), t * (new - old).std(ddof=1) / math.sqrt(n)

    return left | {
        "The difference is new minus old: below 0 the new one is better.": (
            k,
            -difference,
            margin,
        ),
        "The margin treats the two samples as unrelated: take the spread of the differences, "
        "seed by seed.": (k, difference, t * _unpaired(old, new)),
        "The median over seeds stands for all, where the mean belongs.": (
            k,
            np.median(new) - np.median(old),
            margin,
        ),
        "The median of the differences stands for all, where their mean belongs.": (
            k,
            np.median(new - old),
            margin,
        ),
        "The margin is that of single runs: divide the spread by the root of how many there are.": (
            k,
            difference,
            margin * math.sqrt(n),
        ),
        "The rates are the other way round: k has the old one first.": (
            k[::-1],
            difference,
            margin,
        ),
        "The factor t is missing from the margin.": (k, difference, margin / t),
        "The rate of the old one serves both: each has its own.": chosen(k[[0, 0]], test),
        "The rate is chosen by the lowest single run: choose by the mean over seeds.": chosen(
            validation.min(axis=1).argmin(axis=1), test
        ),
        "It compares validation errors: those were used to choose. Compare test errors.": chosen(
            k, validation
        ),
    }


def _two_methods(rng: Generator, seeds: int, rates: int) -> tuple[NDArray, NDArray]:
    while True:
        old, new = _runs(rng, seeds, rates), _runs(rng, seeds, rates)
        if len({*_ways(*old)[:2], *_ways(*new)[:2]}) == 4:
            return np.stack([old[0], new[0]]), np.stack([old[1], new[1]])


def difference_by_numbers(fair_difference: Callable, rng: Generator) -> None:
    r"""Two rates, two seeds."""
    validation = np.array([[[20.0, 16.0], [22.0, 17.0]], [[16.0, 19.0], [17.0, 22.0]]])
    test = np.array([[[22.0, 17.0], [22.0, 18.0]], [[17.0, 20.0], [16.0, 23.0]]])
    expected = (np.array([1, 0]), -1.0, 4.3)
    compare_call(fair_difference, (validation, test, 4.3), expected, _mistaken_differences)


def difference_of_any_runs(fair_difference: Callable, rng: Generator) -> None:
    r"""Four seeds, ten rates."""
    for _ in range(3):
        given = (*_two_methods(rng, 5, 14), 2.78)
        compare_call(fair_difference, given, _difference, _mistaken_differences, tolerance=1e-4)


def no_winner_among_equals(fair_difference: Callable, rng: Generator) -> None:
    r"""The new method is the old one at twice the rate: 400 comparisons, 3 seeds each."""
    found = []
    for _ in range(400):
        runs = equal_methods(rng)
        _, difference, margin = fair_difference(*runs, 4.3)
        found.append(difference < -margin)
    if np.mean(found) > 0.08:
        raise Wrong(
            "Two methods that differ in nothing but the scale of the rate: it calls the new one "
            f"better in {np.mean(found):.0%} of 400 comparisons. Chance allows about 1 in 40."
        )


def equal_methods(rng: Generator) -> tuple[NDArray, NDArray]:
    r"""Return made-up errors, in points, of two methods that are one: the new has twice the step.

    Args:
        rng: of the spread over seeds.

    Returns:
        Validation and test errors, shape (2 methods, 3 seeds, 6 rates), each rate twice the one
        before. The old method is at its best at the rate number 4, the new one at number 3.
    """
    rates = np.arange(6)
    curves = np.stack([15 + (rates - 4.0) ** 2, 15 + (rates - 3.0) ** 2])
    seeds = rng.normal(0, 0.7, size=(3, 1))  # what a start and a split do to both
    validation, test = curves[:, None] + seeds + rng.normal(0, 0.6, size=(2, 2, 3, 6))
    return validation, test


def difference_leaves_its_input(fair_difference: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    validation, test = equal_methods(rng)
    call_unchanged(fair_difference, 4.3, validation=validation, test=test)


# ---- to decide within a budget of runs

RATES, SEEDS, BUDGET, DEPTH = 6, 20, 60, 1.0
WORLDS = 40


class _Runs:
    """Made-up runs of two methods, each with a valley of its own over the rates."""

    def __init__(self, rng: Generator, gain: float, luck: float = 1.0) -> None:
        bottoms = rng.choice(np.arange(1, RATES - 1), size=2, replace=False)
        valleys = 2.0 * (np.arange(RATES) - bottoms[:, None]) ** 2 + [[15.0], [15.0 - gain]]
        shared = rng.normal(0, luck, size=SEEDS)
        noise = rng.normal(0, 0.5, size=(2, 2, RATES, SEEDS))
        self.errors = valleys[:, :, None] + shared + noise  # validation and test
        self.made: set[tuple[int, int, int]] = set()

    def __call__(self, method: int, k: int, seed: int) -> tuple[float, float]:
        which = int(method), int(k), int(seed)
        if not (which[0] in (0, 1) and 0 <= which[1] < RATES and 0 <= which[2] < SEEDS):
            raise Wrong(
                f"It asks for run({method}, {k}, {seed}): methods are 0 and 1, rates 0 to "
                f"{RATES - 1}, seeds 0 to {SEEDS - 1}."
            )
        self.made.add(which)
        validation, test = self.errors[:, which[0], which[1], which[2]]
        return float(validation), float(test)


CALLS = ("first", "second", "undecided")


def _decision(decide: Callable, runs: _Runs) -> str:
    try:
        got = decide(runs, RATES, SEEDS, BUDGET)
    finally:
        if len(runs.made) > BUDGET:
            raise Wrong(f"It makes {len(runs.made)} runs, and the budget is {BUDGET}.")
    if got is None:
        raise Wrong(RETURNED_NONE)
    if got not in CALLS:
        raise Wrong(f"It should return 'first', 'second' or 'undecided', not {got!r:.40}.")
    return got


def _decisions(decide: Callable, rng: Generator, gain: float) -> list[str]:
    return [_decision(decide, _Runs(rng, gain)) for _ in range(WORLDS)]


def decisions_about_equals(decide: Callable, rng: Generator) -> None:
    r"""Two methods that differ in nothing but the place of their best rate."""
    found = _decisions(decide, rng, 0.0)
    alarms = WORLDS - found.count("undecided")
    if alarms > 7:
        raise Wrong(
            f"Of {WORLDS} pairs of equal methods it finds a better one in {alarms}; chance allows "
            "2 or so. Has each method its own rate, chosen on validation errors of more than one "
            "seed? Is the difference of test errors over its margin?"
        )


def decisions_about_a_point(decide: Callable, rng: Generator) -> None:
    r"""One method is a point better, either of them."""
    found = {
        name: _decisions(decide, rng, gain) for name, gain in (("second", DEPTH), ("first", -DEPTH))
    }
    wrong = sum(call not in (name, "undecided") for name, calls in found.items() for call in calls)
    if wrong > WORLDS // 10:
        raise Wrong(
            f"Of {2 * WORLDS} pairs in which one method is {DEPTH:g} point better, it names the "
            f"worse one in {wrong}. Lower errors are better, and each method has its own best rate."
        )
    right = sum(calls.count(name) for name, calls in found.items())
    if right < 1.6 * WORLDS:
        raise Wrong(
            f"Of {2 * WORLDS} pairs in which one method is {DEPTH:g} point better, it finds "
            f"{right}; {1.6 * WORLDS:.0f} can be found with ease. Few runs are enough to find the "
            "rates: spend the others on more seeds at these two, and compare seed by seed."
        )


def decisions_seed_by_seed(decide: Callable, rng: Generator) -> None:
    r"""The same point, where seeds differ by three, whatever the method."""
    found = 0
    for gain, name in ((DEPTH, "second"), (-DEPTH, "first")) * 10:
        found += _decision(decide, _Runs(rng, gain, luck=3.0)) == name
    if found < 14:
        raise Wrong(
            f"Where two seeds differ by about three points whatever the method, it finds {found} "
            "of 20 differences of a point. Runs of one seed share that luck: let all of them have "
            "the same seeds, and take the spread of the differences, seed by seed."
        )


def decisions_by_validation(decide: Callable, rng: Generator) -> None:
    r"""A rate that is best on the test images, and bad on the validation images."""
    for lured, name in ((0, "second"), (1, "first")):
        runs = _Runs(rng, 2.0 * (1 - 2 * lured))
        lure = runs.errors[0, lured].mean(axis=1).argmax()
        runs.errors[1, lured, lure] = 8.0 + 0.1 * rng.normal(size=SEEDS)
        if _decision(decide, runs) not in (name, "undecided"):
            raise Wrong(
                "A rate has the lowest test errors by far, and the highest validation errors, and "
                "it is chosen: choose on validation errors, and only then look at test errors."
            )


def decisions_keep_to_the_budget(decide: Callable, rng: Generator) -> None:
    r"""The number of runs, and what is returned."""
    _decision(decide, _Runs(rng, DEPTH))


def decided(run: Callable, rates: int, seeds: int, budget: int) -> str:
    r"""Choose a rate for each method by two seeds, and compare all other seeds that are left.

    Args:
        run: ``run(method, k, seed)`` returns validation and test error.
        rates: how many of each method.
        seeds: how many there are.
        budget: how many runs may be made.
    """
    grid = [[[run(m, k, seed)[0] for seed in (0, 1)] for k in range(rates)] for m in (0, 1)]
    best = np.mean(grid, axis=2).argmin(axis=1)
    count = min(seeds, (budget - 4 * rates) // 2 + 2)
    first, second = (np.array([run(m, best[m], s)[1] for s in range(count)]) for m in (0, 1))
    says = {HOLDS: "first", FAILS: "second"}
    return says.get(verdict(first, second, 0.0), "undecided")


# ---- the capstone

# Adam at the best of five constant rates gets to 0.82 at most, with 64 or 256 units and 5 seeds.
STEPS, GOAL, FEW, MOST = 600, 0.83, 8, 0.70


@functools.cache
def _clothes() -> tuple[NDArray, ...]:
    data = whole("fashion-mini")
    return pooled(data.train.x), data.train.y, pooled(data.test.x), data.test.y


class Batches:
    r"""Batches of 64 images of fashion-mini, 14x14, with pixels and classes in another order.

    The order is another for each generator, so what was learnt elsewhere is of no use. Each call
    returns (x, y); there are as many as there are steps.

    Args:
        rng: of the order, and of the shuffling.
        steps: how many batches there are.

    Attributes:
        held: images that are in no batch (2,000, 196), and their labels (2,000,).
        asked: how many batches were asked for.
    """

    def __init__(self, rng: Generator, steps: int) -> None:
        x, y, held, labels = _clothes()
        pixels, classes = rng.permutation(x.shape[1]), rng.permutation(10)
        self.x, self.y = x[:, pixels], classes[y]
        self.held = held[:, pixels], classes[labels]
        self.rng, self.steps, self.asked, self.left = rng, steps, 0, np.arange(0)

    def __call__(self) -> tuple[NDArray, NDArray]:
        """Return the next batch."""
        self.asked += 1
        if self.asked > self.steps:
            raise Wrong(
                f"It asks for more than {self.steps} batches: a step a batch, and no more steps."
            )
        if len(self.left) < 64:
            self.left = self.rng.permutation(len(self.y))
        chosen, self.left = self.left[:64], self.left[64:]
        return self.x[chosen], self.y[chosen]


def _labels(train: Callable, rng: Generator, steps: int, held: NDArray | None = None) -> tuple:
    # The labels that it gives, and the right ones.
    batch = Batches(rng, steps)
    images = batch.held[0] if held is None else batch.held[0][held]
    try:
        got = train(batch, steps, images.copy(), 0)
    finally:
        if batch.asked > steps:
            batch.asked = steps
            batch()  # says so, even if the answer has caught it
    if got is None:
        raise Wrong(RETURNED_NONE)
    got = np.asarray(got)
    if batch.asked < steps:
        raise Wrong(
            f"It asks for {batch.asked} of {steps} batches: take one step for each, so that all "
            "count."
        )
    if got.shape != (len(images),):
        raise Wrong(
            f"It should return a class for each of the {len(images)} held images, so an array of "
            f"shape ({len(images)},); its shape is {got.shape}. `argmax(axis=1)` turns logits "
            "into classes."
        )
    return got, batch.held[1] if held is None else batch.held[1][held]


def _reached(train: Callable, rng: Generator, steps: int) -> float:
    got, right = _labels(train, rng, steps)
    return float(np.mean(got == right))


def capstone_gives_classes(train: Callable, rng: Generator) -> None:
    r"""Twenty steps: a class for each image, by the images and the seed alone."""
    number = int(rng.integers(2**32))

    def labels(held: NDArray | None = None) -> NDArray:
        return _labels(train, np.random.default_rng(number), 20, held)[0]

    once = labels()
    if not np.array_equal(once, labels()):
        raise Wrong(
            "The same seed gives other classes when it runs again: draw all random numbers from "
            "`np.random.default_rng(seed)`, and keep nothing from one call to the next."
        )
    some = np.arange(0, 2000, 10)
    if np.mean(once[some] != labels(some)) > 0.02:
        raise Wrong(
            "The class of a held image depends on which other images are held: it learns from "
            "them, or normalizes by them. Train on the batches only, and let BatchNorm evaluate."
        )


def capstone_reaches_the_goal(train: Callable, rng: Generator) -> None:
    r"""The mean of three runs with 600 steps."""
    reached = float(np.mean([_reached(train, rng, STEPS) for _ in range(3)]))
    if reached < GOAL:
        why = (
            "it has learnt nothing: does the step go downhill, and is the loss finite?"
            if reached < 0.3
            else "it learns, and slowly: try rates a factor of 3 apart, up to the first that fails."
            if reached < 0.76
            else "does the rate come down towards the end, to nearly 0 at the last step?"
            if reached < 0.816
            else "close: if the rate falls to 0 already, what else helped? More units, "
            "BatchNorm, pixels of mean 0 and deviation 1, another rule at its own best rate."
        )
        raise Wrong(
            f"The mean accuracy of three runs on held images is {reached:.1%}, the goal is "
            f"{GOAL:.0%}: {why}"
        )


def capstone_takes_a_step_a_batch(train: Callable, rng: Generator) -> None:
    r"""Eight steps cannot get far."""
    reached = float(np.mean([_reached(train, rng, FEW) for _ in range(2)]))
    if reached > MOST:
        raise Wrong(
            f"With {FEW} batches it is right on {reached:.0%} of held images. One step a batch "
            "does not get there: it uses batches again, or brings what it learnt elsewhere."
        )


def trained(batch: Callable, steps: int, held: NDArray, seed: int) -> NDArray:
    r"""Train 196-256-10 by Adam, the rate falling to 0, and return the classes of held images.

    Args:
        batch: returns the next x and y.
        steps: how many there are.
        held: images.
        seed: of the start.
    """
    from lrcourse import nn
    from lrcourse.optim import Adam

    layers = [nn.Linear(196, 256), nn.ReLU(), nn.Linear(256, 10)]
    network, rule = nn.Network(layers, np.random.default_rng(seed)), Adam()
    for t in range(steps):
        network.loss_and_gradient(*batch())
        rule.step(network.w, network.g, 0.01 * (1 - t / steps))
    return network.predict(held)


EXERCISES = [
    Exercise(
        id="15.1",
        title="The verdict",
        answers=("my_verdict",),
        checks=[
            Check("any samples", verdicts_of_any_samples),
            Check("the example of the text", verdict_of_the_text),
            Check("a difference of exactly the resolution", verdict_on_the_edge),
            Check("the inputs stay as they were", verdict_leaves_its_input),
        ],
        hints=[
            "Make the differences first, one a seed. All else is about their mean d and its error "
            "s.",
            "With `d = (a - b).mean()` and `s = (a - b).std(ddof=1) / np.sqrt(len(a))`: when does "
            "`abs(d)` count, and when is even the far end of its interval too small?",
            "`if abs(d) > max(resolution, student(0.975, n - 1) * s)` the sign of d says HOLDS or "
            "FAILS; else `if abs(d) + student(0.95, n - 1) * s <= resolution` it is NO_DIFFERENCE.",
        ],
        package=lambda: verdict,
    ),
    Exercise(
        id="15.2",
        title="Choose and report",
        answers=("fair_result",),
        checks=[
            Check("any errors", result_without_divergence),
            Check("rates at which some seed diverges", result_with_divergence),
            Check("two seeds, three rates", result_by_numbers),
            Check("the inputs stay as they were", result_leaves_its_input),
        ],
        hints=[
            "One number for each rate decides: the mean of its validation errors over the seeds. "
            "What is a mean with a NaN in it, and what does `argmin` do with that?",
            "`validation.mean(axis=0)` is NaN for a rate at which any seed diverged, and "
            "`np.nanargmin` skips those.",
            "`k = np.nanargmin(validation.mean(axis=0))`, then return `k`, `test[:, k].mean()` and "
            "`test[:, k].std(ddof=1)`.",
        ],
        package=lambda: _fair,
    ),
    Exercise(
        id="15.3",
        title="Find four bugs",
        answers=("fair_difference",),
        checks=[
            Check("any errors", difference_of_any_runs),
            Check("two seeds, two rates", difference_by_numbers),
            Check("no winner among equals", no_winner_among_equals),
            Check("the inputs stay as they were", difference_leaves_its_input),
        ],
        hints=[
            "Line by line: who chooses, and on which images? Whose rate is it? Which seed counts? "
            "Which n?",
            "`validation.mean(axis=1).argmin(axis=1)` has one rate for each method. "
            "`test[0, :, k[0]]` are the old method's test errors at its own.",
            "The difference is `new.mean() - old.mean()`, and the spread takes `ddof=1`.",
        ],
        package=lambda: _difference,
    ),
    Exercise(
        id="15.4",
        title="Decide",
        answers=("decide",),
        checks=[
            Check("the budget is kept", decisions_keep_to_the_budget),
            Check("equal methods", decisions_about_equals),
            Check("one is a point better", decisions_about_a_point),
            Check("seeds differ by three points", decisions_seed_by_seed),
            Check("the rates are chosen on validation errors", decisions_by_validation),
        ],
        hints=[
            "Two questions share the budget: which rate suits each method, and who is better at "
            "these rates? The valleys are steep, so the first needs few runs.",
            "Two seeds at all rates of both methods are 24 runs. What is left is enough for all "
            "seeds at the two best rates, if you keep what was run already.",
            "Choose `k` by the mean validation error of seeds 0 and 1, run both methods at their "
            "own `k` with seeds 0 to 19, and judge the test errors as in 15.1, at resolution 0.",
        ],
        package=lambda: decided,
    ),
    Exercise(
        id="15.5",
        title="Your network, your rule, your schedule",
        answers=("my_training",),
        checks=[
            Check("a class for each image", capstone_gives_classes),
            Check("83 % in 600 steps", capstone_reaches_the_goal),
            Check("a step a batch", capstone_takes_a_step_a_batch),
        ],
        hints=[
            "First let it run: a network of one hidden layer, plain steps, `network.predict(held)` "
            "at the end. Then try rates, a factor of 3 apart, on `practice`.",
            "`network.loss_and_gradient(*batch())` fills `network.g`; a step changes `network.w` "
            "in place. Then let the rate fall to 0 over the `steps`, and search its start again.",
            "Schedule and rule are one half. Which network learns most from 600 batches? Try more "
            "hidden units, and pixels that are normalized.",
        ],
    ),
]
