r"""Hidden checks of chapter 14, Your rules in PyTorch."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.exercises.chapter_14 import _own_run, _test_error
from lrcourse.grading.hidden import HiddenCheck


def long_path(momentum_path: Callable, rng: Generator) -> None:
    r"""Two groups, rates that change in every step, gaps, and a save on the way."""
    weights, steps = [rng.normal(size=(2, 2)), rng.normal(size=3)], 8
    gradients = [[rng.normal(size=w.shape) for w in weights] for _ in range(steps)]
    gradients[3][1] = gradients[6][0] = None
    rates, mus = rng.uniform(0.01, 0.5, size=(steps, 2)), (0.9, 0.3)
    groups = [([0], {}), ([1], {"momentum": 0.3})]
    now, v, expected = [w.copy() for w in weights], [0.0, 0.0], []
    for row, rate in zip(gradients, rates, strict=True):
        for k, g in enumerate(row):
            if g is not None:
                v[k] = mus[k] * v[k] - rate[k] * g
                now[k] = now[k] + v[k]
        expected.append(np.concatenate([w.ravel() for w in now]))
    got, _ = momentum_path(weights, gradients, rates.tolist(), groups, save_after=5)
    compare(got, np.array(expected))


def long_line(line_path: Callable, rng: Generator) -> None:
    r"""Twelve steps, and no step at all of the inputs."""
    inputs, targets = rng.normal(size=(9, 4)), rng.normal(size=9)
    kept, w, expected = inputs.copy(), np.zeros(4), []
    for step in range(12):
        w = w - 0.4 * 0.5**step * inputs.T @ (inputs @ w - targets) / 9
        expected.append(w)
    compare(line_path(inputs, targets, 0.4, 12), np.array(expected))
    compare(inputs, kept)


def other_interruptions(my_run: Callable, rng: Generator) -> None:
    r"""Other lengths, another place."""
    for steps, stop in ((9, 2), (14, 11)):
        weights, rates = _own_run((), steps, 0)
        got, got_rates = my_run(steps, stop)
        compare(got, weights, tolerance=1e-12)
        compare(got_rates, rates, tolerance=1e-12)


def recipe_of_other_seeds(my_race: Callable, rng: Generator) -> None:
    r"""Four seeds more, with a point more room."""
    error = np.mean([_test_error(my_race(seed)) for seed in (71, 72, 73, 74)])
    if not error < 0.33:
        raise Wrong(f"The mean test error of four other seeds is {error:.1%}.")


CHECKS = {
    "14.1": [
        HiddenCheck(
            "eight steps with all at once",
            long_path,
            points=3,
            hint="Two groups, changing rates, missing gradients, a save: each by itself works?",
        ),
    ],
    "14.2": [
        HiddenCheck(
            "twelve steps",
            long_line,
            points=2,
            hint="Compare each row with the formula, step by step.",
        ),
    ],
    "14.3": [
        HiddenCheck(
            "other places to stop",
            other_interruptions,
            points=2,
            hint="Stop early and late: which of the four parts is not as it was?",
        ),
    ],
    "14.4": [
        HiddenCheck(
            "four seeds more",
            recipe_of_other_seeds,
            points=2,
            hint="Choose the recipe by the mean over several seeds, with some room to the goal.",
        ),
    ],
}
