r"""Checks of chapter 09, Momentum."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Check, Exercise, Wrong, call_unchanged, compare_call


def _mistaken_steps(w: NDArray, v: NDArray, g: NDArray, rate: float, momentum: float) -> dict:
    new = momentum * v - rate * g
    up = momentum * v + rate * g
    mean = momentum * v - (1 - momentum) * rate * g
    buffer = momentum * v + g
    return {
        "The order is (w, v): they came the other way round.": (new, w + new),
        "The step is taken with the old velocity: make the new one first, then add it to w.": (
            w + v,
            new,
        ),
        "The slope pushes the velocity uphill: subtract learning_rate * g.": (w + up, up),
        "The velocity already points downhill, so add it to w: w + v.": (w - new, new),
        "This velocity is a mean: g has no factor 1 - momentum here.": (w + mean, mean),
        "This is torch's convention: here the rate stands inside the velocity.": (
            w - rate * buffer,
            buffer,
        ),
        "The rate counts twice: it is inside the velocity, so w moves by v alone.": (
            w + rate * new,
            new,
        ),
        "The old velocity is not multiplied by the momentum.": (w + v - rate * g, v - rate * g),
        "The momentum multiplies the gradient instead of the old velocity.": (
            w + v - rate * momentum * g,
            v - rate * momentum * g,
        ),
        "The old velocity is missing: this is a plain step.": (w - rate * g, -rate * g),
        "This is Nesterov's rule in the look-ahead variable; here w moves by v.": (
            w + momentum * new - rate * g,
            new,
        ),
    }


def step_by_numbers(momentum_step: Callable, rng: Generator) -> None:
    r"""The new velocity is 0.45 - 0.2."""
    w, v, g = np.array([[3.0, -1.0, 0.0], [0.5, 0.0, 1.0], [2.0, 4.0, -3.0]])
    expected = (np.array([3.25, -1.4, 1.2]), np.array([0.25, -0.4, 1.2]))
    compare_call(momentum_step, (w, v, g, 0.1, 0.9), expected, _mistaken_steps)


def step_of_any_shape(momentum_step: Callable, rng: Generator) -> None:
    r"""A matrix of weights."""
    w, v, g = rng.normal(size=(3, 4, 2))
    new = 0.6 * v - 0.3 * g
    compare_call(momentum_step, (w, v, g, 0.3, 0.6), (w + new, new), _mistaken_steps)


def step_without_momentum(momentum_step: Callable, rng: Generator) -> None:
    r"""Momentum 0 is plain descent, whatever the velocity was."""
    w, v, g = rng.normal(size=(3, 4))
    expected = (w - 0.2 * g, -0.2 * g)
    compare_call(momentum_step, (w, v, g, 0.2, 0.0), expected, _mistaken_steps)


def step_leaves_its_input(momentum_step: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    w, v, g = rng.normal(size=(3, 4))
    call_unchanged(momentum_step, 0.1, 0.9, w=w, v=v, g=g)


def _eigenvalues(a: float, momentum: float) -> NDArray:
    return np.linalg.eigvals([[1 - a, momentum], [-a, momentum]])


def _mistaken_factors(curvature: float, rate: float, momentum: float) -> dict:
    values = _eigenvalues(curvature * rate, momentum)
    return {
        "It is the smaller of the two: in the long run the larger eigenvalue counts.": (
            abs(values).min()
        ),
        "It is the root of the momentum for every rate: that holds where the eigenvalues are "
        "complex, and only there.": momentum**0.5,
        "It takes the real part: the size of a complex number is its absolute value.": (
            abs(values.real).max()
        ),
        "It is the largest eigenvalue with its sign: take the absolute values first.": (
            values.real.max()
        ),
        "It adds both eigenvalues up: take the larger of the two sizes.": abs(values).sum(),
        "It is the determinant, the product of both: take the larger of the two sizes.": (
            abs(values.prod())
        ),
        "These are singular values: what repeats in every step are the eigenvalues.": (
            np.linalg.norm([[1 - curvature * rate, momentum], [-curvature * rate, momentum]], ord=2)
        ),
        "The curvature is missing: the matrix has learning_rate * curvature.": (
            abs(_eigenvalues(rate, momentum)).max()
        ),
        "The rate is missing: the matrix has learning_rate * curvature.": (
            abs(_eigenvalues(curvature, momentum)).max()
        ),
        "The lower row has the wrong sign: the slope pushes v by -learning_rate * curvature * w.": (
            abs(np.linalg.eigvals([[1 - curvature * rate, momentum], [curvature * rate, momentum]]))
        ).max(),
        "This is the factor without momentum.": abs(1 - curvature * rate),
    }


def factor_by_numbers(factor: Callable, rng: Generator) -> None:
    r"""A swinging ball, 0.5^0.5; a slow one, whose eigenvalues are real; no momentum, 0.6."""
    slow = abs(_eigenvalues(0.02, 0.5)).max()
    for rate, momentum, expected in ((0.1, 0.5, 0.5**0.5), (0.005, 0.5, slow), (0.1, 0.0, 0.6)):
        compare_call(factor, (4.0, rate, momentum), expected, _mistaken_factors)


def factor_of_a_slow_ball(factor: Callable, rng: Generator) -> None:
    r"""Below and above the floor the eigenvalues are real."""
    for curvature, rate, momentum in ((1.0, 0.02, 0.5), (2.0, 1.48, 0.5), (10.0, 0.37, 0.9)):
        expected = abs(_eigenvalues(curvature * rate, momentum)).max()
        compare_call(factor, (curvature, rate, momentum), expected, _mistaken_factors)


def factor_of_a_run(factor: Callable, rng: Generator) -> None:
    r"""A run shrinks by that factor at each step."""
    curvature, rate, momentum = 3.0, 0.01, 0.6
    w, v, sizes = 1.0, 0.0, []
    for _ in range(400):
        v = momentum * v - rate * curvature * w
        w = w + v
        sizes.append(abs(w))
    given, expected = (curvature, rate, momentum), sizes[-1] / sizes[-2]
    compare_call(factor, given, expected, _mistaken_factors, tolerance=1e-5)


def _path(
    gradient: Callable,
    x: NDArray,
    rate: float,
    momentum: float,
    steps: int,
    *,
    ahead: float = 1.0,
    late: bool = False,
    points: bool = False,
) -> NDArray:
    v, path = np.zeros_like(x), [x]
    for _ in range(steps):
        old = v
        v = momentum * v - rate * gradient(x + ahead * v)
        x = x + (old if late else v)
        path.append(x + momentum * v if points else x)
    return np.array(path)


def _mistaken_nesterov(gradient: Callable, x: NDArray, rate: float, mu: float, steps: int) -> dict:
    def path(ahead=mu, **options):
        return _path(gradient, x, rate, mu, steps, ahead=ahead, **options)

    return {
        "The gradient is still taken at x: take it at x + momentum * v. This is plain momentum.": (
            path(ahead=0)
        ),
        "The gradient is taken at x + v: the look-ahead is momentum * v.": path(ahead=1),
        "It looks backward: the gradient belongs at x + momentum * v, with a plus.": path(
            ahead=-mu
        ),
        "x still moves by the old velocity: update v first, then add it to x.": path(late=True),
        "These are the look-ahead points; the exercise asks for x itself.": path(points=True),
        "The start is missing: row 0 is the start, before any step.": path()[1:],
        "The last step is missing: there are `steps` steps, so `steps` + 1 rows.": path()[:-1],
        "It returned only the last x: keep every x on the way.": path()[-1],
        "All rows are the same x: `x += ...` changes the array that is already in the list.": (
            np.tile(path()[-1], (steps + 1, 1))
        ),
    }


def nesterov_by_numbers(nesterov_path: Callable, rng: Generator) -> None:
    r"""Gradients 1 and 0.85."""
    start = np.array([1.0])

    def slope(x):
        return 1.0 * x

    expected = [[1.0], [0.9], [0.765]]
    compare_call(nesterov_path, (slope, start, 0.1, 0.5, 2), expected, _mistaken_nesterov)


def nesterov_in_a_valley(nesterov_path: Callable, rng: Generator) -> None:
    r"""Three weights, and a gradient that is not linear."""
    start = rng.normal(size=3)

    def slope(x):
        return np.array([1.0, 4.0, 9.0]) * x + x**3

    given = (slope, start, 0.02, 0.8, 6)
    compare_call(nesterov_path, given, _path(*given, ahead=0.8), _mistaken_nesterov)


def nesterov_asks_once(nesterov_path: Callable, rng: Generator) -> None:
    r"""One gradient for each step."""
    calls = []

    def slope(x):
        calls.append(1)
        return 1.0 * x

    nesterov_path(slope, rng.normal(size=2), 0.1, 0.9, 5)
    if len(calls) != 5:
        raise Wrong(f"5 steps need 5 gradients; it asked for {len(calls)}.")


def nesterov_leaves_its_input(nesterov_path: Callable, rng: Generator) -> None:
    r"""The caller's start is still there."""
    x = rng.normal(size=2)
    call_unchanged(lambda x: nesterov_path(lambda x: 2.0 * x, x, 0.1, 0.9, 3), x=x)


EXERCISES = [
    Exercise(
        id="09.1",
        title="A step with a velocity",
        answers=("momentum_step",),
        checks=[
            Check("three weights, by numbers", step_by_numbers),
            Check("a matrix of weights", step_of_any_shape),
            Check("momentum 0 is plain descent", step_without_momentum),
            Check("the inputs stay as they were", step_leaves_its_input),
        ],
        hints=[
            "Two lines, one for each formula, in the order in which they stand there.",
            "The first line makes a new velocity from the old one and the gradient. `v *= ...` "
            "would change the caller's array; `v = momentum * v - ...` makes a new one.",
            "`v = momentum * v - learning_rate * g`, then return `w + v` and `v`.",
        ],
    ),
    Exercise(
        id="09.2",
        title="The factor of a step",
        answers=("factor",),
        checks=[
            Check("a ball that swings, one that does not, and none", factor_by_numbers),
            Check("real eigenvalues on both sides", factor_of_a_slow_ball),
            Check("a run shrinks by the factor", factor_of_a_run),
        ],
        hints=[
            "Write the matrix as a list of two rows; learning rate and curvature only ever occur "
            "as a product.",
            "`np.linalg.eigvals` takes the two rows and returns both eigenvalues.",
            "With `a = learning_rate * curvature` the rows are `[1 - a, momentum]` and "
            "`[-a, momentum]`. Return `abs(...).max()` of the eigenvalues.",
        ],
    ),
    Exercise(
        id="09.3",
        title="Find two bugs",
        answers=("nesterov_path",),
        checks=[
            Check("two steps, by numbers", nesterov_by_numbers),
            Check("six steps on a curved slope", nesterov_in_a_valley),
            Check("one gradient for each step", nesterov_asks_once),
            Check("the start stays as it was", nesterov_leaves_its_input),
        ],
        hints=[
            "Its first step goes nowhere: the printed path is 1, 1, 0.9. Why?",
            "One bug is the order of two lines. The other is the place where the gradient is "
            "taken: nothing in the code looks ahead.",
            "In the loop: `v = momentum * v - learning_rate * gradient(x + momentum * v)`, and "
            "only then `x = x + v`.",
        ],
    ),
]
