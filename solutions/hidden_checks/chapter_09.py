r"""Hidden checks of chapter 09, Momentum."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import compare
from lrcourse.grading.hidden import HiddenCheck


def steps_down_a_plane(momentum_step: Callable, rng: Generator) -> None:
    r"""With a constant gradient v is a geometric sum."""
    for momentum in (0.0, 0.7, 1.0):
        w, g = rng.normal(size=(2, 2, 3, 2))
        at, v, rate = w.copy(), np.zeros_like(w), rng.uniform(0.1, 1)
        for _ in range(5):
            at, v = momentum_step(at, v, g.copy(), rate, momentum)
        velocities = [-rate * g * sum(momentum**k for k in range(t + 1)) for t in range(5)]
        compare((at, v), (w + sum(velocities), velocities[-1]))


def factor_by_its_polynomial(factor: Callable, rng: Generator) -> None:
    r"""The eigenvalues are the roots of z^2 - (1 + mu - a) z + mu."""
    for momentum in (0.0, 0.3, 0.9, 0.99):
        for a in rng.uniform(0.01, 4, size=4):
            rate = rng.uniform(0.01, 1)
            expected = abs(np.roots([1, a - 1 - momentum, momentum])).max()
            compare(factor(a / rate, rate, momentum), expected, tolerance=1e-6)


def nesterov_by_powers(nesterov_path: Callable, rng: Generator) -> None:
    r"""On a quadratic each step multiplies (x, v) by one matrix."""
    for size, steps in ((1, 4), (3, 8)):
        half = rng.normal(size=(size, size))
        hessian, start = half @ half.T + np.eye(size), rng.normal(size=size)
        rate, momentum, one = rng.uniform(0.01, 0.1), rng.uniform(0.3, 0.95), np.eye(size)
        v_row = np.hstack([-rate * hessian, momentum * (one - rate * hessian)])
        matrix = np.vstack([np.hstack([one, 0 * one]) + v_row, v_row])
        state, expected = np.concatenate([start, np.zeros(size)]), [start]
        for _ in range(steps):
            state = matrix @ state
            expected.append(state[:size])
        got = nesterov_path(lambda x, h=hessian: h @ x, start.copy(), rate, momentum, steps)
        compare(got, expected)
    compare(nesterov_path(lambda x: x, start.copy(), 0.1, 0.9, 0), [start])


CHECKS = {
    "09.1": [
        HiddenCheck(
            "five steps down a plane",
            steps_down_a_plane,
            points=2,
            hint="Feed w and v of one step into the next: does v add up as it should?",
        ),
    ],
    "09.2": [
        HiddenCheck(
            "other curvatures, rates and momenta",
            factor_by_its_polynomial,
            points=2,
            hint="Take the size of both eigenvalues, complex or not, and of them the larger.",
        ),
    ],
    "09.3": [
        HiddenCheck(
            "valleys of one and three weights, and no step",
            nesterov_by_powers,
            points=2,
            hint="The gradient belongs to the look-ahead point, the path to x. And 0 steps?",
        ),
    ],
}
