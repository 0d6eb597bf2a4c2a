r"""Hidden checks of chapter 13, Same direction, go faster."""

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import compare
from lrcourse.grading.hidden import HiddenCheck


def _boost(g: float, previous: float) -> float:
    return (g + previous) / 2 if (g > 0 < previous) or (g < 0 > previous) else 0.0


def every_pair_of_signs(accelerated_step: Callable, rng: Generator) -> None:
    r"""Up, flat and down, after up, flat and down."""
    pairs = list(product((-1, 0, 1), repeat=2)) * 2
    w, sizes = rng.normal(size=len(pairs)), rng.uniform(0.1, 9, size=(2, len(pairs)))
    g, previous = sizes * np.array(pairs, dtype=float).T
    boosts = np.array([_boost(*pair) for pair in zip(g.tolist(), previous.tolist(), strict=True)])
    got = accelerated_step(w.copy(), g.copy(), previous.copy(), 0.7)
    compare(got, (w - 0.7 * (g + boosts), g))


def reach_of_lists(reach: Callable, rng: Generator) -> None:
    r"""All pairs of short lists of gradients, counted one by one."""
    for _ in range(5):
        values = rng.normal(0.7, 1, size=6)
        mean = values.mean()
        boost = np.mean([_boost(a, b) for a in values.tolist() for b in values.tolist()])
        above, below = values.clip(min=0).mean(), values.clip(max=0).mean()
        given = float((values > 0).mean()), float(above), float(below)
        compare(reach(*given), 1 + boost / mean, tolerance=1e-5)


def term_of_other_noise(noise_term: Callable, rng: Generator) -> None:
    r"""A triangle, Student's t and a mixture, in small units."""
    n = 200_000
    narrow = rng.random(n) < 0.5
    for z, right in (
        (rng.triangular(-1, 0, 1, size=n), 1 / 3),
        (rng.standard_t(5, size=n), 0.36027),
        (np.where(narrow, 0.5, 2.0) * rng.normal(size=n), 1.25 * 1.25 / np.pi),
    ):
        compare(noise_term(1e-3 * z), right, tolerance=0.12)


def long_run(accelerated_run: Callable, rng: Generator) -> None:
    r"""Forty noisy steps, weight by weight, with one array for all gradients."""
    gradients, start = rng.normal(0.3, 1, size=(40, 3)), rng.normal(size=3)
    array, coming = np.empty(3), iter(gradients)

    def gradient(w: np.ndarray) -> np.ndarray:
        array[...] = next(coming)
        return array

    expected = start.copy()
    for k, column in enumerate(gradients.T.tolist()):
        for previous, g in zip([0.0, *column], column, strict=False):
            expected[k] -= 0.05 * (g + _boost(g, previous))
    compare(accelerated_run(gradient, start.copy(), 0.05, 40), expected)


CHECKS = {
    "13.1": [
        HiddenCheck(
            "every pair of signs",
            every_pair_of_signs,
            points=2,
            hint="Make a table of the nine pairs of signs: which of them get a boost?",
        ),
    ],
    "13.2": [
        HiddenCheck(
            "short lists of gradients",
            reach_of_lists,
            points=3,
            hint="Take a list of two gradients, and count all four pairs by hand.",
        ),
    ],
    "13.3": [
        HiddenCheck(
            "other noise",
            term_of_other_noise,
            points=2,
            hint="How wide may the window around 0 be, where the density has a peak?",
        ),
    ],
    "13.4": [
        HiddenCheck(
            "forty noisy steps",
            long_run,
            points=2,
            hint="Which arrays does the loop change or keep that belong to somebody else?",
        ),
    ],
}
