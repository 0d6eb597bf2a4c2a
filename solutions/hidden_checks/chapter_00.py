r"""Hidden checks of chapter 00, Start here."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import compare
from lrcourse.grading.hidden import HiddenCheck


def step_of_a_matrix(step: Callable, rng: Generator) -> None:
    r"""Any shape, any rate, also zero and a large one."""
    for rate in (0.0, rng.uniform(0.01, 0.5), 10.0):
        w, gradient = rng.normal(size=(2, 3, 4))
        compare(step(w.copy(), gradient.copy(), rate), w - rate * gradient)


def descend_from_anywhere(descend: Callable, rng: Generator) -> None:
    r"""Negative starts, rates beyond 1/4 and beyond the edge, other numbers of steps."""
    for low, high in ((0.01, 0.2), (0.26, 0.45), (0.52, 0.6)):
        w, rate, steps = rng.uniform(-3, 3), rng.uniform(low, high), int(rng.integers(2, 12))
        compare(descend(w, rate, steps), w * (1 - 4 * rate) ** steps, tolerance=1e-9)


def count_anywhere(steps_needed: Callable, rng: Generator) -> None:
    r"""The first step whose loss is below, from 2 w^2 (1 - 4 rate)^(2 t)."""
    for _ in range(5):
        w, rate, threshold = rng.uniform(-4, 4), rng.uniform(0.02, 0.2), rng.uniform(0.001, 0.1)
        losses = 2 * w**2 * (1 - 4 * rate) ** (2 * np.arange(400.0))
        below = np.flatnonzero(losses < threshold)
        compare(steps_needed(w, rate, threshold, 399), int(below[0]))


def count_at_the_limit(steps_needed: Callable, rng: Generator) -> None:
    r"""No step allowed, and one step too few."""
    compare(steps_needed(1.0, 0.1, 0.01, 0), 0)
    compare(steps_needed(1.0, 0.1, 0.01, 5), 5)


CHECKS = {
    "00.1": [
        HiddenCheck(
            "matrices, and rates from 0 to 10",
            step_of_a_matrix,
            hint="Use only w, gradient and learning_rate, in one formula for every shape.",
        ),
    ],
    "00.2": [
        HiddenCheck(
            "other starts and rates",
            descend_from_anywhere,
            points=2,
            hint="Does it work for a negative start, and where steps cross the minimum?",
        ),
    ],
    "00.3": [
        HiddenCheck(
            "other starts, rates and thresholds",
            count_anywhere,
            points=2,
            hint="Count by hand for a start such as -3: which losses are below the threshold?",
        ),
        HiddenCheck(
            "small limits",
            count_at_the_limit,
            hint="What should it return if the limit is 0, or just too small?",
        ),
    ],
}
