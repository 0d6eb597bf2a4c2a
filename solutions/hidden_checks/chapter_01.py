r"""Hidden checks of chapter 01, One knob."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Wrong, compare
from lrcourse.grading.hidden import HiddenCheck, Question


def _hessian(rng: Generator, size: int) -> NDArray:
    rotation, _ = np.linalg.qr(rng.normal(size=(size, size)))
    return rotation @ np.diag(rng.uniform(0.5, 9, size)) @ rotation.T


def path_of_any_size(bowl_path: Callable, rng: Generator) -> None:
    r"""Powers of the matrix 1 - rate H."""
    for size, steps in ((1, 3), (2, 1), (7, 9)):
        hessian, rate = _hessian(rng, size), rng.uniform(0.01, 0.1)
        centre, start = rng.normal(size=(2, size))
        once = np.eye(size) - rate * hessian
        powers = [np.linalg.matrix_power(once, t) for t in range(steps + 1)]
        expected = [centre + power @ (start - centre) for power in powers]
        compare(bowl_path(hessian.copy(), centre.copy(), start.copy(), rate, steps), expected)


def edge_of_any_bowl(measure_edge: Callable, rng: Generator) -> None:
    r"""A run at 0.97 of the edge shrinks, one at 1.03 grows; at every scale that may occur."""
    for scale in (0.002, 1.0, 100.0):
        hessian = scale * _hessian(rng, 5)
        edge = measure_edge(lambda w, h=hessian: h @ np.asarray(w, dtype=float), 5)
        compare(np.ndim(edge), 0)
        for share in (0.97, 1.03):
            w = rng.normal(size=5)
            for _ in range(1000):
                w = w - share * edge * (hessian @ w)
            if (np.linalg.norm(w) < 1) != (share < 1):
                raise Wrong("Your edge is more than 2 % off for another bowl.")


def pair_of_any_range(two_rates: Callable, rng: Generator) -> None:
    r"""The worst factor is 1 / T_2, Chebyshev's polynomial, at the far end."""
    for low in (0.01, 2.0):
        high = low * rng.uniform(2, 50)
        a, b = map(float, two_rates(low, high))
        curvatures = np.linspace(low, high, 2001)
        worst = abs((1 - a * curvatures) * (1 - b * curvatures)).max()
        least = 1 / (2 * ((high + low) / (high - low)) ** 2 - 1)
        if not (min(a, b) > 0 and worst <= 1.02 * least):
            raise Wrong("For another range of curvatures two other rates do better in turn.")


def batch_step_anywhere(batch_step: Callable, rng: Generator) -> None:
    r"""Other lines, rates and sizes, against the normal equations' gradient."""
    for size in (1, 3, 50):
        x, y = rng.normal(size=(2, size))
        line, rate = rng.normal(size=2), rng.uniform(0.01, 1)
        design = np.stack([x, np.ones(size)], axis=1)
        expected = line - rate * design.T @ (design @ line - y) / size
        got = batch_step(float(line[0]), float(line[1]), x.copy(), y.copy(), rate)
        compare(got, tuple(expected))


CHECKS = {
    "01.1": [
        HiddenCheck(
            "bowls of one, two and seven weights",
            path_of_any_size,
            points=2,
            hint="Try one weight, and a bowl whose Hessian is not diagonal.",
        ),
    ],
    "01.2": [
        HiddenCheck(
            "wide and narrow bowls of five weights",
            edge_of_any_bowl,
            points=2,
            hint="Try bowls of which you know the curvatures, from 0.001 to 1000.",
        ),
    ],
    "01.3": [
        HiddenCheck(
            "other ranges of curvatures",
            pair_of_any_range,
            points=2,
            hint="Draw the factor of two steps over the curvature, for a range of your own.",
        ),
    ],
    "01.4": [
        HiddenCheck(
            "other lines and batches",
            batch_step_anywhere,
            points=2,
            hint="Both gradients belong to the old slope and intercept, and both are means.",
        ),
    ],
}

QUESTIONS = [
    Question(
        "01.q1",
        "Two ways to calm a run",
        points=4,
        rubric="One point each: both about halve the floor; half the rate needs more steps where "
        "the run crawls; double the batch costs twice the work a step; near the edge the rate, "
        "since the batch does not move the edge. Another choice with a sound reason counts too.",
    ),
]
