r"""Hidden checks of chapter 15, A fair race."""

from collections.abc import Callable
from statistics import fmean, stdev

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.exercises.chapter_15 import GOAL, STEPS, _reached
from lrcourse.grading.hidden import HiddenCheck
from lrcourse.papers.trial import FAILS, HOLDS, NO_DIFFERENCE, UNDECIDED, student


def verdicts_by_hand(my_verdict: Callable, rng: Generator) -> None:
    r"""Two hundred samples of two to twelve seeds."""
    for _ in range(200):
        n, resolution = int(rng.integers(2, 13)), float(rng.choice([0.0, 0.3, 1.0]))
        a = rng.normal(20, 1, size=n)
        b = a + rng.normal(rng.choice([-1.5, -0.5, 0, 0.2, 0.8]), rng.choice([0.1, 0.6]), size=n)
        differences = (a - b).tolist()
        mean, error = fmean(differences), stdev(differences) / n**0.5
        if abs(mean) > max(resolution, student(0.975, n - 1) * error):
            right = HOLDS if mean < 0 else FAILS
        else:
            near = abs(mean) + student(0.95, n - 1) * error <= resolution
            right = NO_DIFFERENCE if near else UNDECIDED
        got = my_verdict(a.copy(), b.copy(), resolution)
        if got != right:
            raise Wrong(f"With {n} seeds it says {got!r}, where {right!r} is expected.")


def results_by_hand(fair_result: Callable, rng: Generator) -> None:
    r"""Tables of many sizes, with runs that diverged."""
    for _ in range(20):
        seeds, rates = int(rng.integers(2, 6)), int(rng.integers(2, 8))
        validation, test = rng.normal(20, 3, size=(2, seeds, rates))
        lost = rng.random((seeds, rates)) < 0.2
        lost[:, int(rng.integers(rates))] = False
        validation[lost] = test[lost] = np.nan
        means = {k: fmean(validation[:, k].tolist()) for k in range(rates) if not lost[:, k].any()}
        k = min(means, key=means.get)
        found = test[:, k].tolist()
        compare(fair_result(validation, test), (k, fmean(found), stdev(found)))


def differences_by_hand(fair_difference: Callable, rng: Generator) -> None:
    r"""Tables of many sizes."""
    for _ in range(20):
        seeds, rates = int(rng.integers(2, 6)), int(rng.integers(2, 8))
        validation, test = rng.normal(20, 3, size=(2, 2, seeds, rates))
        k = [min(range(rates), key=lambda r, m=m: fmean(m[:, r].tolist())) for m in validation]
        found = (test[1, :, k[1]] - test[0, :, k[0]]).tolist()
        expected = (np.array(k), fmean(found), 3.1 * stdev(found) / seeds**0.5)
        compare(fair_difference(validation, test, 3.1), expected, tolerance=1e-4)


def decisions_with_other_numbers(decide: Callable, rng: Generator) -> None:
    r"""Four rates, 30 seeds, a budget of 50; two methods two points apart."""
    right = 0
    for better in (0, 1) * 10:
        bottoms = rng.integers(0, 4, size=2)
        errors = 15 + 2.0 * (np.arange(4) - bottoms[:, None]) ** 2
        errors[1 - better] += 2
        runs = errors[:, :, None] + rng.normal(size=30) + rng.normal(0, 0.5, size=(2, 2, 4, 30))
        made = set()

        def run(
            method: int, k: int, seed: int, runs: np.ndarray = runs, made: set = made
        ) -> tuple[float, float]:
            if not (method in (0, 1) and 0 <= k < 4 and 0 <= seed < 30):
                raise Wrong(f"It asks for run({method}, {k}, {seed}).")
            made.add((int(method), int(k), int(seed)))
            return tuple(float(part) for part in runs[:, int(method), int(k), int(seed)])

        right += decide(run, 4, 30, 50) == ("first", "second")[better]
        if len(made) > 50:
            raise Wrong(f"It makes {len(made)} runs, and the budget is 50.")
    if right < 16:
        raise Wrong(f"It finds {right} of 20 differences of two points.")


def goal_of_other_orders(my_training: Callable, rng: Generator) -> None:
    r"""Three runs more, with half a point more room."""
    reached = float(np.mean([_reached(my_training, rng, STEPS) for _ in range(3)]))
    if reached < GOAL - 0.005:
        raise Wrong(f"The mean accuracy of three other runs is {reached:.1%}.")


CHECKS = {
    "15.1": [
        HiddenCheck(
            "two hundred samples",
            verdicts_by_hand,
            points=3,
            hint="Two seeds, many seeds, a resolution of 0: does each row of the table hold?",
        ),
    ],
    "15.2": [
        HiddenCheck(
            "tables of many sizes",
            results_by_hand,
            points=2,
            hint="Two seeds or many, two rates or many, and any of the runs may have diverged.",
        ),
    ],
    "15.3": [
        HiddenCheck(
            "both methods in tables of many sizes",
            differences_by_hand,
            points=2,
            hint="Work one small table out on paper, both rates first.",
        ),
    ],
    "15.4": [
        HiddenCheck(
            "another number of rates and seeds, another budget",
            decisions_with_other_numbers,
            points=2,
            hint="Use `rates`, `seeds` and `budget` as they are given.",
        ),
    ],
    "15.5": [
        HiddenCheck(
            "three runs more",
            goal_of_other_orders,
            points=3,
            hint="Choose over several practice runs, and leave some room to the goal.",
        ),
    ],
}
