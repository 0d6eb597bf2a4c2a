r"""Checks of chapter 15, A fair race."""

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Check, Exercise, Wrong, call_unchanged, compare_call


def _margin(a: NDArray, b: NDArray, t: float) -> float:
    return t * math.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))


def _mistaken_margins(a: NDArray, b: NDArray, t: float) -> dict:
    va, vb, n, m = a.var(ddof=1), b.var(ddof=1), len(a), len(b)
    both = np.concatenate([a, b])
    return {
        "The spread has n in place of n - 1: from few seeds that is too small. Use ddof=1.": (
            t * math.sqrt(a.var() / n + b.var() / m)
        ),
        "The spread is not divided by the number of seeds: that is how far one *run* may lie off, "
        "not a mean.": t * math.sqrt(va + vb),
        "The two errors are added: add their squares, then take the root.": (
            t * (math.sqrt(va / n) + math.sqrt(vb / m))
        ),
        "The factor t is missing.": math.sqrt(va / n + vb / m),
        "The root is missing.": t * (va / n + vb / m),
        "t belongs outside of the root.": math.sqrt(t * (va / n + vb / m)),
        "Only the first sample counts: the second one's mean is uncertain too.": (
            t * math.sqrt(va / n)
        ),
        "Each variance is divided by the square of its n, or its root: divide the variance by n.": (
            t * math.sqrt(va / n**2 + vb / m**2)
        ),
        "Both are divided by the number of the first: each sample has its own number of seeds.": (
            t * math.sqrt((va + vb) / n)
        ),
        "It divides by the number of all runs: each variance has its own n.": (
            t * math.sqrt((va + vb) / (n + m))
        ),
        "The two samples are thrown together: then their difference counts as spread.": (
            t * both.std(ddof=1) / math.sqrt(n + m)
        ),
        "Standard deviations stand where variances belong: square them.": (
            t * math.sqrt(math.sqrt(va) / n + math.sqrt(vb) / m)
        ),
    }


def margin_by_numbers(margin: Callable, rng: Generator) -> None:
    r"""The example of the text, and another t."""
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 5.0])
    for t, expected in ((2.78, 3.2100), (4.3, 4.9652)):
        compare_call(margin, (a, b, t), expected, _mistaken_margins, tolerance=1e-4)


def margin_of_unequal_numbers(margin: Callable, rng: Generator) -> None:
    r"""Three seeds against eight, far apart."""
    a, b = rng.normal(20, 1, size=3), rng.normal(30, 2, size=8)
    compare_call(margin, (a, b, 2.3), _margin, _mistaken_margins, tolerance=1e-5)


def margin_leaves_its_input(margin: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    a, b = rng.normal(size=(2, 5))
    call_unchanged(margin, 2.3, a=a, b=b)


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
        "It takes the highest error: lower is better.": wrong(chosen=lambda v, t: -v.mean(axis=0)),
        "The order is (k, mean, sd).": (mean, sd, k),
        "Each seed chooses a rate of its own: choose one rate, by the mean over seeds.": (
            k,
            per_seed.mean(),
            per_seed.std(ddof=1),
        ),
        "It looks at the first seed only: choose by the mean over seeds.": wrong(
            chosen=lambda v, t: v[0]
        ),
    }


def _ways(validation: NDArray, test: NDArray) -> list[int]:
    # The rates that right and wrong ways of choosing come to.
    means = [part.mean(axis=0) for part in (validation, test)]
    return [
        *(int(np.nanargmin(mean)) for mean in means),
        int(np.nanargmin(np.nanmin(validation, axis=0))),
        int(np.nanargmin(-means[0])),
        int(np.nanargmin(validation[0])),
    ]


def _runs(rng: Generator, seeds: int, rates: int) -> tuple[NDArray, NDArray]:
    # Made-up errors for which all those ways come to different rates.
    while True:
        validation, test = 20 + rng.normal(size=(2, seeds, rates))
        if len(set(_ways(validation, test))) == 5:
            return validation, test


def result_by_numbers(fair_result: Callable, rng: Generator) -> None:
    r"""The example of the text, where the last rate diverges in one seed."""
    validation = np.array([[20.0, 18.0, np.nan], [22.0, 19.0, 10.0]])
    test = np.array([[21.0, 19.0, np.nan], [23.0, 20.0, 12.0]])
    compare_call(fair_result, (validation, test), (1, 19.5, 0.5**0.5), _mistaken_results)


def result_without_divergence(fair_result: Callable, rng: Generator) -> None:
    r"""Five seeds, nine rates."""
    for _ in range(3):
        compare_call(fair_result, _runs(rng, 5, 9), _fair, _mistaken_results)


def result_with_divergence(fair_result: Callable, rng: Generator) -> None:
    r"""Rates at which one seed diverges, though its other seeds are the best of all."""
    lost = np.full((4, 2), 10.0)
    lost[1, 0] = lost[[0, 2, 3], 1] = np.nan
    given = tuple(np.concatenate([part, lost], axis=1) for part in _runs(rng, 4, 7))
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
    "biased": "the variance has n in place of n - 1",
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
    spread = old.var(ddof=not biased) + new.var(ddof=not biased)
    return k, difference, t * math.sqrt(spread / len(old))


def _mistaken_differences(validation: NDArray, test: NDArray, t: float) -> dict:
    k, difference, margin = _difference(validation, test, t)
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
        return k, new.mean() - old.mean(), _margin(old, new, t)

    return left | {
        "The difference is new minus old: below 0 the new one is better.": (
            k,
            -difference,
            margin,
        ),
        "The margin is that of single runs: divide the variances by the number of seeds.": (
            k,
            difference,
            margin * math.sqrt(n),
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
    expected = (np.array([1, 0]), -1.0, 4.3 * 0.5**0.5)
    compare_call(fair_difference, (validation, test, 4.3), expected, _mistaken_differences)


def difference_of_any_runs(fair_difference: Callable, rng: Generator) -> None:
    r"""Four seeds, ten rates."""
    for _ in range(3):
        given = (*_two_methods(rng, 4, 10), 2.45)
        compare_call(fair_difference, given, _difference, _mistaken_differences)


def no_winner_among_equals(fair_difference: Callable, rng: Generator) -> None:
    r"""The new method is the old one at twice the rate: 400 comparisons, 3 seeds each."""
    found = []
    for _ in range(400):
        runs = equal_methods(rng)
        _, difference, margin = fair_difference(*runs, 2.78)
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
    validation, test = curves[:, None] + rng.normal(0, 0.7, size=(2, 2, 3, 6))
    return validation, test


EXERCISES = [
    Exercise(
        id="15.1",
        title="The margin",
        answers=("margin",),
        checks=[
            Check("two samples, by numbers", margin_by_numbers),
            Check("three seeds against eight", margin_of_unequal_numbers),
            Check("the inputs stay as they were", margin_leaves_its_input),
        ],
        hints=[
            "First make the variance of each sample, with n - 1. What is the variance of its mean?",
            "`a.var(ddof=1) / len(a)` is the variance of the mean of `a`. Add the one of `b`, and "
            "take the root of the sum.",
            "`t * np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))`",
        ],
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
    ),
    Exercise(
        id="15.3",
        title="Find four bugs",
        answers=("fair_difference",),
        checks=[
            Check("any errors", difference_of_any_runs),
            Check("two seeds, two rates", difference_by_numbers),
            Check("no winner among equals", no_winner_among_equals),
        ],
        hints=[
            "Line by line: who chooses, and on which images? Whose rate is it? Which seed counts? "
            "Which n?",
            "`validation.mean(axis=1).argmin(axis=1)` has one rate for each method. "
            "`test[0, :, k[0]]` are the old method's test errors at its own.",
            "The difference is `new.mean() - old.mean()`, and both variances take `ddof=1`.",
        ],
    ),
]
