r"""Checks of chapter 01, One knob."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Check, Exercise, Wrong, call_unchanged, compare, compare_call


def _random_hessian(rng: Generator, curvatures: NDArray) -> NDArray:
    rotation, _ = np.linalg.qr(rng.normal(size=(len(curvatures), len(curvatures))))
    return rotation @ np.diag(curvatures) @ rotation.T


def _mistaken_gradients(w: NDArray, hessian: NDArray, centre: NDArray) -> dict[str, NDArray]:
    d = w - centre
    return {
        "The sign is wrong: the gradient points uphill, so it uses w - centre.": -hessian @ d,
        "The centre is missing: the gradient is 0 at w = centre, not at w = 0.": hessian @ w,
        "It is half of the gradient: the derivative of a square brings a 2, which cancels the ½.": (
            hessian @ d / 2
        ),
        "It is twice the gradient: the ½ of the loss cancels the 2 of the square.": 2 * hessian @ d,
        "`*` multiplies element by element; the matrix product is `@`.": hessian * d,
        "It uses only the diagonal of the Hessian: the matrix product is `@`.": np.diag(hessian)
        * d,
        "This is the loss, a single number; the gradient has one number for each weight.": (
            d @ hessian @ d / 2
        ),
        "The Hessian is missing.": d,
    }


def gradient_by_numbers(bowl_gradient: Callable, rng: Generator) -> None:
    r"""2 * 2 + 1 * 3 = 7 and 1 * 2 + 3 * 3 = 11."""
    w, centre = np.array([3.0, 2.0]), np.array([1.0, -1.0])
    hessian = np.array([[2.0, 1.0], [1.0, 3.0]])
    compare_call(bowl_gradient, (w, hessian, centre), [7.0, 11.0], _mistaken_gradients)


def gradient_by_differences(bowl_gradient: Callable, rng: Generator) -> None:
    r"""What the loss itself says, by central differences."""
    w, centre = rng.normal(size=(2, 4))
    hessian = _random_hessian(rng, np.array([0.5, 1.0, 3.0, 8.0]))

    def loss(w):
        return (w - centre) @ hessian @ (w - centre) / 2

    expected = [(loss(w + h) - loss(w - h)) / 2e-4 for h in 1e-4 * np.eye(4)]
    compare_call(bowl_gradient, (w, hessian, centre), expected, _mistaken_gradients)


def gradient_leaves_its_input(bowl_gradient: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    w, centre = rng.normal(size=(2, 3))
    hessian = _random_hessian(rng, np.array([1.0, 2.0, 3.0]))
    call_unchanged(bowl_gradient, w=w, hessian=hessian, centre=centre)


def _mistaken_paths(path: NDArray, curvatures: NDArray, learning_rate: float) -> dict:
    start, t = path[0], np.arange(len(path))[:, None]
    return {
        "The start is missing: the first row is the start, before any step.": path[1:],
        "The last step is missing: there are `steps` steps, so `steps` + 1 rows.": path[:-1],
        "It returned only the last w: keep every w on the way.": path[-1],
        "All rows are the same w: `w -= ...` changes the array that is already in the list. "
        "Append a copy, or write `w = w - ...`.": np.tile(path[-1], (len(path), 1)),
        "The steps go uphill: subtract the gradient.": (
            start * (1 + learning_rate * curvatures) ** t
        ),
        "It uses the gradient of the start for every step: compute it inside the loop.": (
            start - t * learning_rate * curvatures * start
        ),
    }


def path_by_numbers(bowl_path: Callable, rng: Generator) -> None:
    r"""Factors 0.9 and -0.5."""
    curvatures, start = np.array([1.0, 15.0]), np.array([2.0, 8.0])
    expected = np.array([[2.0, 8.0], [1.8, -4.0], [1.62, 2.0], [1.458, -1.0]])
    got = bowl_path(np.diag(curvatures), start.copy(), 0.1, 3)
    compare(got, expected, mistakes=_mistaken_paths(expected, curvatures, 0.1))


def path_in_a_rotated_bowl(bowl_path: Callable, rng: Generator) -> None:
    r"""Along each eigenvector the distance shrinks by its own factor."""
    hessian = _random_hessian(rng, np.array([1.0, 4.0, 12.0]))
    curvatures, axes = np.linalg.eigh(hessian)
    start, steps = rng.normal(size=3), 7
    expected = ((1 - 0.15 * curvatures) ** np.arange(steps + 1)[:, None] * (start @ axes)) @ axes.T
    diagonal = start * (1 - 0.15 * np.diag(hessian)) ** np.arange(steps + 1)[:, None]
    mistake = "It uses only the diagonal of the Hessian: the gradient is `hessian @ w`."
    compare(bowl_path(hessian, start.copy(), 0.15, steps), expected, mistakes={mistake: diagonal})


def path_without_a_step(bowl_path: Callable, rng: Generator) -> None:
    r"""No step: the start alone, one row."""
    start = rng.normal(size=2)
    flat = "With 0 steps the path is still a table of one row: its shape is (1, 2)."
    compare(bowl_path(np.eye(2), start.copy(), 0.1, 0), start[None], mistakes={flat: start})


def path_leaves_its_input(bowl_path: Callable, rng: Generator) -> None:
    r"""The caller's start is still there."""
    call_unchanged(bowl_path, 0.1, 3, hessian=np.eye(2), start=rng.normal(size=2))


def _mistaken_rates(hessian: NDArray) -> dict[str, tuple[float, float]]:
    low, *_, high = np.linalg.eigvalsh(hessian)
    edge, best = 2 / high, 2 / (low + high)
    diagonal = np.sort(np.diag(hessian))
    return {
        "The two rates are in the wrong order: first the edge, then the best.": (best, edge),
        "That edge is half of the right one: 1 / curvature lands in one step, 2 / curvature is the "
        "edge.": (1 / high, best),
        "The edge comes from the steepest direction: the largest eigenvalue.": (2 / low, best),
        "The curvatures are the eigenvalues of the Hessian, not its diagonal.": (
            2 / diagonal[-1],
            2 / (diagonal[0] + diagonal[-1]),
        ),
        "The best rate is 2 / (smallest + largest eigenvalue), not 1 / (...).": (edge, best / 2),
        "For the best rate use the smallest and the largest eigenvalue, not all of them.": (
            edge,
            2 / np.trace(hessian),
        ),
        "The best rate is not 1 / largest eigenvalue: there the flat direction is still slower "
        "than it must be.": (edge, 1 / high),
    }


def rates_by_numbers(stable_rates: Callable, rng: Generator) -> None:
    r"""Curvatures 1 and 9: 2/9 and 2/10."""
    hessian = np.diag([1.0, 9.0])
    compare_call(stable_rates, (hessian,), (2 / 9, 0.2), _mistaken_rates)


def rates_of_a_rotated_bowl(stable_rates: Callable, rng: Generator) -> None:
    r"""Turned bowls have the same curvatures."""
    hessian = _random_hessian(rng, np.array([0.5, 2.0, 3.0, 7.5]))
    compare_call(stable_rates, (hessian,), (2 / 7.5, 0.25), _mistaken_rates)


def rates_hold_in_a_run(stable_rates: Callable, rng: Generator) -> None:
    r"""Just below the edge a run shrinks, just above it grows."""
    hessian = _random_hessian(rng, np.array([1.0, 3.0, 20.0]))
    edge, _ = stable_rates(hessian.copy())
    sides = {}
    for side in (0.98, 1.02):
        w = rng.normal(size=3)
        for _ in range(2000):
            w = w - side * float(edge) * hessian @ w
        sides[side] = np.linalg.norm(w)
    if not sides[0.98] < 1e-3:
        raise Wrong("A run at 0.98 of your edge does not converge: the edge is too large.")
    if sides[1.02] < 1e3:
        raise Wrong("A run at 1.02 of your edge does not diverge: the edge is too small.")


def _batch_step(
    slope: float,
    intercept: float,
    x: NDArray,
    y: NDArray,
    learning_rate: float,
    *,
    reduce: Callable = np.mean,
    stale: bool = True,
    factor: int = 1,
) -> tuple[float, float]:
    error = slope * x + intercept - y
    new_slope = slope - factor * learning_rate * reduce(error * x)
    if not stale:
        error = new_slope * x + intercept - y
    return new_slope, intercept - factor * learning_rate * reduce(error)


def _mistaken_batch_steps(*given: object) -> dict[str, tuple]:
    def step(**bug: object) -> tuple[float, float]:
        return _batch_step(*given, **bug)

    return {
        "Both bugs are still there: sums grow with the batch, and the second line uses the new "
        "slope.": step(reduce=np.sum, stale=False),
        "It still sums over the batch: the loss is a mean, so its gradient is a mean.": step(
            reduce=np.sum
        ),
        "The intercept's gradient still uses the new slope: compute both gradients first, then "
        "take both steps.": step(stale=False),
        "The step goes uphill: subtract the gradients.": step(factor=-1),
        "It returned intercept and slope in the wrong order.": step()[::-1],
        "It has twice the gradient: the ½ of the loss cancels the 2 of the square.": step(factor=2),
    }


def batch_step_by_numbers(batch_step: Callable, rng: Generator) -> None:
    r"""Errors -1, -2, -4: gradients -10/3 and -7/3."""
    x, y = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.5, 4.0])
    expected = 0.5 + 0.3 * 10 / 3, -1.0 + 0.3 * 7 / 3
    compare_call(batch_step, (0.5, -1.0, x, y, 0.3), expected, _mistaken_batch_steps)


def batch_step_of_any_size(batch_step: Callable, rng: Generator) -> None:
    r"""The same batch twice gives the same step: the mean does not change."""
    x, y = rng.normal(size=(2, 8))
    twice = (0.5, -1.0, np.tile(x, 2), np.tile(y, 2), 0.1)
    compare_call(batch_step, twice, _batch_step(0.5, -1.0, x, y, 0.1), _mistaken_batch_steps)


def batch_step_of_one(batch_step: Callable, rng: Generator) -> None:
    r"""A batch of one example."""
    x, y = rng.normal(size=(2, 1))
    compare_call(batch_step, (0.5, -1.0, x, y, 0.1), _batch_step, _mistaken_batch_steps)


EXERCISES = [
    Exercise(
        id="01.1",
        title="The gradient of a bowl",
        answers=("bowl_gradient",),
        checks=[
            Check("two weights, by numbers", gradient_by_numbers),
            Check("four weights, against differences of the loss", gradient_by_differences),
            Check("the inputs stay as they were", gradient_leaves_its_input),
        ],
        hints=[
            "With one weight the loss is ½ λ (w - c)². What is its derivative?",
            "λ becomes the Hessian, w - c becomes a vector. Matrix times vector is `@` in NumPy.",
            "`return hessian @ (...)`, with the distance from the centre in the brackets.",
        ],
    ),
    Exercise(
        id="01.2",
        title="The whole path",
        answers=("bowl_path",),
        checks=[
            Check("three steps, by numbers", path_by_numbers),
            Check("seven steps in a rotated bowl", path_in_a_rotated_bowl),
            Check("no step", path_without_a_step),
            Check("the start stays as it was", path_leaves_its_input),
        ],
        hints=[
            "Keep a list that begins with the start: `path = [start]`. The newest w is `path[-1]`.",
            "One round of the loop: take `w = path[-1]`, compute its gradient `hessian @ w`, and "
            "append w after the step.",
            "`path.append(w - learning_rate * hessian @ w)`, `steps` times; at the end "
            "`return np.array(path)`.",
        ],
    ),
    Exercise(
        id="01.3",
        title="Two rates from a Hessian",
        answers=("stable_rates",),
        checks=[
            Check("curvatures 1 and 9", rates_by_numbers),
            Check("a rotated bowl", rates_of_a_rotated_bowl),
            Check("runs on both sides of the edge", rates_hold_in_a_run),
        ],
        hints=[
            "The curvatures along the bowl's own axes are the eigenvalues of the Hessian.",
            "`np.linalg.eigvalsh(hessian)` returns them in increasing order. Which one sets the "
            "edge?",
            "With `low` and `high` for the first and last eigenvalue: the edge is `2 / high`, the "
            "best rate is `2 / (low + high)`.",
        ],
    ),
    Exercise(
        id="01.4",
        title="Find two bugs",
        answers=("batch_step",),
        checks=[
            Check("three examples, by numbers", batch_step_by_numbers),
            Check("a batch twice as large, the same step", batch_step_of_any_size),
            Check("a batch of one", batch_step_of_one),
        ],
        hints=[
            "One bug makes the step grow with the batch. The other is about which slope each line "
            "sees.",
            "Compute the error `slope * x + intercept - y` once, before anything changes, and use "
            "it for both gradients.",
            "The gradients are `np.mean(error * x)` for the slope and `np.mean(error)` for the "
            "intercept. Then take both steps.",
        ],
    ),
]
