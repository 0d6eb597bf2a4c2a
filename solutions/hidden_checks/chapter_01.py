r"""Hidden checks of chapter 01, One knob."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import compare
from lrcourse.grading.hidden import HiddenCheck, Question


def _hessian(rng: Generator, size: int) -> NDArray:
    rotation, _ = np.linalg.qr(rng.normal(size=(size, size)))
    return rotation @ np.diag(rng.uniform(0.5, 9, size)) @ rotation.T


def gradient_of_any_size(bowl_gradient: Callable, rng: Generator) -> None:
    r"""One weight and many."""
    for size in (1, 2, 7):
        w, centre = rng.normal(size=(2, size))
        hessian = _hessian(rng, size)
        compare(bowl_gradient(w.copy(), hessian.copy(), centre.copy()), hessian @ (w - centre))


def path_of_any_size(bowl_path: Callable, rng: Generator) -> None:
    r"""Powers of the matrix 1 - rate H."""
    for size, steps in ((1, 3), (4, 9)):
        hessian, start, rate = _hessian(rng, size), rng.normal(size=size), rng.uniform(0.01, 0.1)
        once = np.eye(size) - rate * hessian
        expected = [np.linalg.matrix_power(once, t) @ start for t in range(steps + 1)]
        compare(bowl_path(hessian.copy(), start.copy(), rate, steps), expected)


def rates_of_any_bowl(stable_rates: Callable, rng: Generator) -> None:
    r"""One curvature, two, and eight."""
    for size in (1, 2, 8):
        hessian = _hessian(rng, size)
        low, *_, high = np.repeat(np.linalg.eigvalsh(hessian), 2)
        compare(stable_rates(hessian.copy()), (2 / high, 2 / (low + high)))


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
            gradient_of_any_size,
            points=2,
            hint="Nothing in the formula depends on the number of weights.",
        ),
    ],
    "01.2": [
        HiddenCheck(
            "other bowls, rates and numbers of steps",
            path_of_any_size,
            points=2,
            hint="Try one weight, and a bowl whose Hessian is not diagonal.",
        ),
    ],
    "01.3": [
        HiddenCheck(
            "one, two and eight curvatures",
            rates_of_any_bowl,
            points=2,
            hint="Use the smallest and the largest eigenvalue, whatever the size of the Hessian.",
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
