r"""Hidden checks of chapter 09, Momentum."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.exercises.chapter_09 import Valley, searched
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


def tuned_elsewhere(tune: Callable, rng: Generator) -> None:
    r"""Another valley, of five curvatures."""
    curvatures = rng.uniform(0.5, 2) * np.array([0.1, 0.2, 1.0, 3.0, 12.0])
    valley = Valley(curvatures)
    rate, momentum = tune(valley)
    if not valley.loss(rate, momentum) <= 100 * valley.loss(*searched(valley.loss)):
        raise Wrong(f"The setting ({rate:.3g}, {momentum:.3g}) is poor in another valley.")
    if valley.calls > 600:
        raise Wrong(f"It called `run` {valley.calls} times.")


def edge_by_its_matrix(nesterov_edge: Callable, rng: Generator) -> None:
    r"""Where an eigenvalue of the matrix of a step leaves the unit circle."""
    for momentum in rng.uniform(0, 0.97, size=5):
        inside, outside = 0.5, 3.0
        for _ in range(50):
            a = (inside + outside) / 2
            matrix = [[1 - a, momentum * (1 - a)], [-a, momentum * (1 - a)]]
            grows = abs(np.linalg.eigvals(matrix)).max() > 1
            inside, outside = (inside, a) if grows else (a, outside)
        compare(nesterov_edge(momentum), inside, tolerance=1e-3)


def rolled_by_sums(roll: Callable, rng: Generator) -> None:
    r"""On a plane each buffer is a geometric sum of the slope."""
    w, slope, momentum = rng.normal(size=4), rng.normal(size=4), rng.uniform(0.2, 0.95)
    rates = rng.uniform(0.01, 1, size=9)
    sums = [(1 - momentum ** (t + 1)) / (1 - momentum) for t in range(9)]
    steps = np.cumsum(np.array(rates) * sums)[:, None] * slope
    expected = np.vstack([w, w - steps])
    compare(roll(lambda w: slope.copy(), w.copy(), rates, momentum), expected)
    compare(roll(lambda w: w, w.copy(), [], momentum), [w])


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
            "another valley",
            tuned_elsewhere,
            points=2,
            hint="Search a wide range of rates, evenly in the logarithm, and then near the best.",
        ),
    ],
    "09.4": [
        HiddenCheck(
            "other momenta",
            edge_by_its_matrix,
            points=2,
            hint="Write down the new x and v for the gradient at x + mu v; where is |z| 1?",
        ),
    ],
    "09.5": [
        HiddenCheck(
            "a plane, and no rates at all",
            rolled_by_sums,
            points=2,
            hint="Compare with torch.optim.SGD for rates that differ at each step. And no steps?",
        ),
    ],
}
