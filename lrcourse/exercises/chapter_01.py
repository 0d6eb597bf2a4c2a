r"""Checks of chapter 01, One knob."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import (
    Check,
    Exercise,
    Wrong,
    call_unchanged,
    compare,
    compare_call,
    several,
)


def _random_hessian(rng: Generator, curvatures: NDArray) -> NDArray:
    rotation, _ = np.linalg.qr(rng.normal(size=(len(curvatures), len(curvatures))))
    return rotation @ np.diag(curvatures) @ rotation.T


def bowl_path(
    hessian: NDArray, centre: NDArray, start: NDArray, learning_rate: float, steps: int
) -> NDArray:
    r"""What ``yours`` gives until the learner's own passes."""
    return _path(lambda w: hessian @ (w - centre), start, learning_rate, steps)


def _path(gradient: Callable, start: NDArray, learning_rate: float, steps: int) -> NDArray:
    path = [np.array(start, dtype=float)]
    for _ in range(steps):
        path.append(path[-1] - learning_rate * gradient(path[-1]))
    return np.array(path)


def _path_in_turn(
    hessian: NDArray, centre: NDArray, start: NDArray, learning_rate: float, steps: int
) -> NDArray:
    path = [start]
    for _ in range(steps):
        w = path[-1].copy()
        for k, row in enumerate(hessian):
            w[k] -= learning_rate * row @ (w - centre)
        path.append(w)
    return np.array(path)


def _mistaken_paths(
    hessian: NDArray, centre: NDArray, start: NDArray, learning_rate: float, steps: int
) -> dict[str, NDArray]:
    right = bowl_path(hessian, centre, start, learning_rate, steps)

    def along(gradient: Callable) -> NDArray:
        return _path(gradient, start, learning_rate, steps)

    first = hessian @ (start - centre)
    return {
        "The start is missing: the first row is the start, before any step.": right[1:],
        "The last step is missing: there are `steps` steps, so `steps` + 1 rows.": right[:-1],
        "It returned only the last w: keep every w on the way.": right[-1],
        "All rows are the same w: `w -= ...` changes the array that is already in the list. "
        "Append a copy, or write `w = w - ...`.": np.tile(right[-1], (steps + 1, 1)),
        "The steps go uphill: subtract the gradient.": along(lambda w: -hessian @ (w - centre)),
        "It uses the gradient of the start for every step: compute it inside the loop.": along(
            lambda w: first
        ),
        "The centre is missing: the gradient is 0 at w = centre, not at w = 0.": along(
            lambda w: hessian @ w
        ),
        "The centre has the wrong sign: the gradient is 0 at w = centre.": along(
            lambda w: hessian @ (w + centre)
        ),
        "`hessian @ w - centre` takes the centre away too late: first w - centre, in brackets, "
        "then the product.": along(lambda w: hessian @ w - centre),
        "It is half of the gradient: the derivative of a square brings a 2, which cancels the ½.": (
            along(lambda w: hessian @ (w - centre) / 2)
        ),
        "It is twice the gradient: the ½ of the loss cancels the 2 of the square.": along(
            lambda w: 2 * hessian @ (w - centre)
        ),
        "It uses only the diagonal of the Hessian: the matrix product is `@`.": along(
            lambda w: np.diag(hessian) * (w - centre)
        ),
        "The Hessian is missing in the gradient.": along(lambda w: w - centre),
        "It is the distance from the centre: the rows are w itself.": right - centre,
        "The learning rate is missing: multiply the gradient by it.": _path(
            lambda w: hessian @ (w - centre), start, 1, steps
        ),
        "It moves one weight before it computes the slope along the next: first the whole "
        "gradient, then the step.": _path_in_turn(hessian, centre, start, learning_rate, steps),
        "It takes one step more than `steps`.": bowl_path(
            hessian, centre, start, learning_rate, steps + 1
        ),
    }


def path_by_numbers(bowl_path: Callable, rng: Generator) -> None:
    r"""Gradients [7, 11] and [4.5, 7]."""
    hessian, centre = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, -1.0])
    given = hessian, centre, np.array([3.0, 2.0]), 0.1, 2
    compare_call(bowl_path, given, [[3.0, 2.0], [2.3, 0.9], [1.85, 0.2]], _mistaken_paths)


def path_in_a_rotated_bowl(path: Callable, rng: Generator) -> None:
    r"""Along each eigenvector the distance shrinks by its own factor."""
    hessian = _random_hessian(rng, np.array([1.0, 4.0, 12.0]))
    curvatures, axes = np.linalg.eigh(hessian)
    (centre, start), steps = rng.normal(size=(2, 3)), 7
    factors = (1 - 0.15 * curvatures) ** np.arange(steps + 1)[:, None]
    expected = centre + (factors * ((start - centre) @ axes)) @ axes.T
    try:
        compare_call(path, (hessian, centre, start, 0.15, steps), expected, _mistaken_paths)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise Wrong(
            "After the first step w has another shape than `start`. Print the shape of your "
            "gradient: `*` multiplies element by element, the product of matrix and vector is `@`."
        ) from None


def path_without_a_step(bowl_path: Callable, rng: Generator) -> None:
    r"""No step: the start alone, one row."""
    start = rng.normal(size=2)
    flat = "With 0 steps the path is still a table of one row: its shape is (1, 2)."
    got = bowl_path(np.eye(2), np.zeros(2), start.copy(), 0.1, 0)
    compare(got, start[None], mistakes={flat: start})


def path_leaves_its_input(bowl_path: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    centre, start = rng.normal(size=(2, 3))
    hessian = _random_hessian(rng, np.array([1.0, 2.0, 3.0]))
    call_unchanged(bowl_path, 0.1, 3, hessian=hessian, centre=centre, start=start)


MOST_GRADIENTS = 10_000


def measure_edge(gradient: Callable, size: int) -> float:
    r"""What ``yours`` gives until the learner's own passes."""
    w = np.random.default_rng(0).normal(size=size)
    for _ in range(300):
        g = gradient(w)
        w = g / np.linalg.norm(g)
    return 2 / float(w @ gradient(w))


FAR = 1e12  # from 0; power iteration stays at 1, and a run below the edge comes nearer


def _edge_of(measure_edge: Callable, hessian: NDArray) -> tuple[float, bool]:
    r"""The learner's edge of a bowl that shows its gradients only, and whether w went very far."""
    asked, far = 0, False

    def gradient(w: NDArray) -> NDArray:
        nonlocal asked, far
        asked += 1
        if asked > 2 * MOST_GRADIENTS:
            raise Wrong(
                f"It has asked for {asked:,} gradients, twice the {MOST_GRADIENTS:,} allowed: does "
                "it end?"
            )
        w = np.asarray(w, dtype=float)
        if w.shape != hessian[0].shape:
            raise Wrong(f"`gradient` takes w of shape {hessian[0].shape}, not {w.shape}.")
        far = far or not (np.abs(w) < FAR).all()
        return hessian @ w

    got = measure_edge(gradient, len(hessian))
    if asked == 0:
        raise Wrong("It never asks for a gradient, so it cannot know this bowl.")
    if asked > MOST_GRADIENTS:
        raise Wrong(f"It asks for {asked:,} gradients; {MOST_GRADIENTS:,} have to be enough.")
    compare(np.ndim(got), 0, mistakes={"It should return one number, the edge.": 1})
    return got, far


def _check_edge(measure_edge: Callable, hessian: NDArray, more: dict[str, float]) -> None:
    low, *_, high = np.linalg.eigvalsh(hessian)
    mistakes = {
        "It returned the largest curvature: the edge is 2 divided by it.": high,
        "It returned half of the edge: 1 / curvature lands in one step, 2 / curvature is the "
        "edge.": 1 / high,
        "The edge comes from the steepest direction, not from the flattest.": 2 / low,
        "That is the best rate, 2 / (smallest + largest curvature); the edge lies above it.": (
            2 / (low + high)
        ),
        "It averages the curvatures of all directions: the steepest alone sets the edge.": (
            2 * len(hessian) / np.trace(hessian)
        ),
        "It adds up the curvatures of all directions: the steepest alone sets the edge.": (
            2 / np.trace(hessian)
        ),
    }
    _compare_edge(_edge_of(measure_edge, hessian), 2 / high, mistakes | more)


def _compare_edge(found: tuple[float, bool], expected: float, mistakes: dict[str, float]) -> None:
    got, far = found
    try:
        compare(got, expected, mistakes=mistakes, tolerance=0.02)
    except Wrong as wrong:
        if wrong.named or not far:
            raise
        raise Wrong(
            f"{wrong} On the way w left 0 by more than {FAR:g}, or became nan. If you multiply by "
            "the Hessian, divide by the length each time; if you try rates, stop such a run and "
            "count it as diverged (a comparison with nan is always False)."
        ) from None


def edge_along_the_axes(measure_edge: Callable, rng: Generator) -> None:
    r"""The steepest direction is an axis, and neither the first nor the last."""
    one = "It looks along the {} axis only: begin at a w with a part along every direction."
    more = {one.format("first"): 2 / 2.5, one.format("last"): 2 / 5.0}
    _check_edge(measure_edge, np.diag([2.5, 0.5, 9.0, 5.0]), more)


def edge_off_the_diagonal(measure_edge: Callable, rng: Generator) -> None:
    r"""The curvature is 1 along (1, 1, 1, 1), 5 elsewhere, and no rounding leads away from it."""
    equal = "It begins at equal weights, which here have no part along the steepest direction: "
    mistakes = {
        f"{equal}draw a start at random.": 2.0,
        "It looks along single weights only: the steepest direction lies between them.": 2 / 4,
    }
    _compare_edge(_edge_of(measure_edge, 5 * np.eye(4) - 1), 2 / 5, mistakes)


def edge_of_rotated_bowls(measure_edge: Callable, rng: Generator) -> None:
    r"""Six directions, the two steepest close together; two; and forty."""
    for curvatures in ([0.3, 0.5, 1.0, 1.5, 4.0, 5.0], [60.0, 400.0]):
        _check_edge(measure_edge, _random_hessian(rng, np.array(curvatures)), {})
    got, far = _edge_of(measure_edge, _random_hessian(rng, np.linspace(0.5, 20, 40)))
    if 0.102 < got < 0.14:  # power iteration comes from above
        raise Wrong(f"With forty weights it is {got / 0.1 - 1:.0%} too high: ask more gradients.")
    _compare_edge((got, far), 0.1, {})


def edge_of_one_weight(measure_edge: Callable, rng: Generator) -> None:
    r"""A single weight, in a very wide and a very narrow bowl."""
    for curvature in (0.003, 400.0):
        found = _edge_of(measure_edge, np.array([[curvature]]))
        _compare_edge(found, 2 / curvature, {})


def best_pair(low: float, high: float) -> tuple[float, float]:
    r"""What ``yours`` gives until the learner's own passes."""
    middle, half = (low + high) / 2, (high - low) / 2
    return 1 / (middle + half / np.sqrt(2)), 1 / (middle - half / np.sqrt(2))


def _worst(rates: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    r"""The largest factor of two steps over all curvatures, and the curvature that has it."""
    curvatures = np.linspace(low, high, 4001)
    factors = abs((1 - rates[0] * curvatures) * (1 - rates[1] * curvatures))
    return float(factors.max()), float(curvatures[factors.argmax()])


def _check_pair(two_rates: Callable, low: float, high: float) -> None:
    got = two_rates(low, high)
    got = list(got) if isinstance(got, np.ndarray) and got.ndim else got
    first, second = several(got, ("one rate", "another rate")).values()
    pair, single = (float(first), float(second)), 2 / (low + high)
    here = f"For curvatures from {low:g} to {high:g}"
    if not (np.isfinite(pair).all() and min(pair) > 0):
        raise Wrong(f"{here} it returned {pair[0]:.3g} and {pair[1]:.3g}: rates are above 0.")
    if np.allclose(pair, single):
        raise Wrong("Both are the best single rate: now find two that do better in turn.")
    (worst, where), (alone, _) = _worst(pair, low, high), _worst((single, single), low, high)
    least, _ = _worst(best_pair(low, high), low, high)
    said = f"{here} the worst factor of two steps is {worst:.3g}, at curvature {where:.3g}"
    if worst >= alone:
        raise Wrong(f"{said}; the best single rate, taken twice, has {alone:.3g}.")
    if worst > 1.02 * least:
        raise Wrong(f"{said}. That beats a single rate, but {least:.3g} can be reached.")


def pair_of_a_round_bowl(two_rates: Callable, rng: Generator) -> None:
    r"""Curvatures that differ by a factor of 3."""
    _check_pair(two_rates, 1.0, 3.0)


def pair_of_a_valley(two_rates: Callable, rng: Generator) -> None:
    r"""The valley of the chapter, and another at another scale."""
    _check_pair(two_rates, 1.0, 10.0)
    _check_pair(two_rates, 0.02, 0.5)


def pair_of_a_long_valley(two_rates: Callable, rng: Generator) -> None:
    r"""A condition number of 100."""
    _check_pair(two_rates, 3.0, 300.0)


def _batch_step(
    slope: float,
    intercept: float,
    x: NDArray,
    y: NDArray,
    learning_rate: float,
    *,
    reduce: Callable = np.mean,
    reduce_intercept: Callable | None = None,
    stale: bool = True,
    factor: float = 1,
    first: str = "slope",
) -> tuple[float, float]:
    # The worked solution, with the bugs that are asked for.
    def gradients(slope: float, intercept: float) -> tuple[float, float]:
        error = slope * x + intercept - y
        return reduce(error * x), (reduce_intercept or reduce)(error)

    rate = factor * learning_rate
    d_slope, d_intercept = gradients(slope, intercept)
    new_slope, new_intercept = slope - rate * d_slope, intercept - rate * d_intercept
    if not stale and first == "slope":
        new_intercept = intercept - rate * gradients(new_slope, intercept)[1]
    elif not stale:
        new_slope = slope - rate * gradients(slope, new_intercept)[0]
    return new_slope, new_intercept


def _mistaken_batch_steps(*given: Any) -> dict[str, tuple]:
    def step(**bug: Any) -> tuple[float, float]:
        return _batch_step(*given, **bug)

    slope, intercept, x, y, rate = given
    error = slope * x + intercept - y
    return {
        "Both bugs are still there: sums grow with the batch, and the second line uses the new "
        "slope.": step(reduce=np.sum, stale=False),
        "It still sums over the batch: the loss is a mean, so its gradient is a mean.": step(
            reduce=np.sum
        ),
        "The intercept's gradient still sums over the batch: it is a mean, too.": step(
            reduce_intercept=np.sum
        ),
        "The slope's gradient still sums over the batch: it is a mean, too.": step(
            reduce=np.sum, reduce_intercept=np.mean
        ),
        "The intercept's gradient still sums over the batch, and uses the new slope.": step(
            reduce_intercept=np.sum, stale=False
        ),
        "The intercept's gradient still uses the new slope: compute both gradients first, then "
        "take both steps.": step(stale=False),
        "The slope's gradient uses the new intercept: compute both gradients first, then take "
        "both steps.": step(stale=False, first="intercept"),
        "The step goes uphill: subtract the gradients.": step(factor=-1),
        "It returned intercept and slope in the wrong order.": step()[::-1],
        "It has twice the gradient: the ½ of the loss cancels the 2 of the square.": step(factor=2),
        "It is half of the gradient: the ½ of the loss cancels the 2 of the square.": step(
            factor=0.5
        ),
        "It returned the gradients, not where the step leads.": (
            np.mean(error * x),
            np.mean(error),
        ),
        "It takes the size of the error: its sign counts, too.": (
            slope - rate * np.mean(abs(error) * x),
            intercept - rate * np.mean(abs(error)),
        ),
        "The intercept does not move: it has a gradient, too.": (step()[0], intercept),
        "The slope does not move: it has a gradient, too.": (slope, step()[1]),
        "The learning rate is missing: multiply both gradients by it.": _batch_step(
            slope, intercept, x, y, 1
        ),
        "The slope's gradient lacks the factor x.": (slope - rate * np.mean(error), step()[1]),
        "The mean of a product is not the product of the means: average error times x.": (
            slope - rate * np.mean(error) * np.mean(x),
            step()[1],
        ),
    }


def batch_step_by_numbers(batch_step: Callable, rng: Generator) -> None:
    r"""Errors -1, -2, 2: gradients 2 and -1/3."""
    x, y = np.array([0.0, 1.0, 4.0]), np.array([0.0, 1.5, -1.0])
    expected = 0.5 - 0.3 * 2, -1.0 + 0.3 / 3
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


def batch_step_leaves_its_input(batch_step: Callable, rng: Generator) -> None:
    r"""The caller's batch is still there."""
    x, y = rng.normal(size=(2, 6))

    def step(x: NDArray, y: NDArray) -> object:
        return batch_step(0.5, -1.0, x, y, 0.1)

    call_unchanged(step, x=x, y=y)


EXERCISES = [
    Exercise(
        id="01.1",
        title="Down a bowl",
        answers=("bowl_path",),
        checks=[
            Check("seven steps in a rotated bowl", path_in_a_rotated_bowl),
            Check("two steps, by numbers", path_by_numbers),
            Check("no step", path_without_a_step),
            Check("the inputs stay as they were", path_leaves_its_input),
        ],
        hints=[
            "With one weight the loss is ½ λ (w - c)². What is its derivative, and what takes the "
            "place of λ?",
            "Keep a list that begins with the start. One round of the loop takes the newest w, "
            "computes the gradient there, and appends w after the step.",
            "The gradient is `hessian @ (w - centre)`; matrix times vector is `@` in NumPy. At the "
            "end `return np.array(path)`.",
        ],
        package=lambda: bowl_path,
    ),
    Exercise(
        id="01.2",
        title="The edge of a bowl that you cannot see",
        answers=("measure_edge",),
        checks=[
            Check("four weights, along the axes", edge_along_the_axes),
            Check("four weights that act on each other", edge_off_the_diagonal),
            Check("rotated bowls", edge_of_rotated_bowls),
            Check("a single weight, wide and narrow", edge_of_one_weight),
        ],
        hints=[
            "What does a run do below the edge, and what above it? You can try any rate.",
            "If you try rates: begin with a rate that surely diverges and one that surely "
            "converges, and halve the distance between them (as a ratio) again and again.",
            "There is a shorter way. Far above the edge each step multiplies the steepest "
            "direction most. So what does w look like after many such steps, if you keep its "
            "length at 1?",
            "Set w to `g / np.linalg.norm(g)` with `g = gradient(w)`, a few hundred times, from a "
            "random start. Then w points along the steepest direction, and `w @ gradient(w)` is "
            "its curvature.",
        ],
        package=lambda: measure_edge,
    ),
    Exercise(
        id="01.3",
        title="Two rates in turn",
        answers=("two_rates",),
        checks=[
            Check("curvatures from 1 to 3", pair_of_a_round_bowl),
            Check("valleys", pair_of_a_valley),
            Check("a long valley", pair_of_a_long_valley),
        ],
        hints=[
            "Draw the factor of two steps, (1 - a λ)(1 - b λ), against λ from low to high, for "
            "some pairs a, b. What kind of curve is it, and where is it worst?",
            "It is a parabola in λ. Its size is worst at low, at high, or at its lowest point in "
            "the middle. If one of these three is worse than the others, you can still gain.",
            "So all three are equally far from 0. Let m be the middle of the range and r half its "
            "width: where must a parabola around m cross 0, so that it is as high at m ± r as it "
            "is deep at m?",
            "It crosses 0 at λ = m ± r / √2, and a rate lands in one step where the curvature is "
            "1 / rate.",
        ],
        package=lambda: best_pair,
    ),
    Exercise(
        id="01.4",
        title="Find two bugs",
        answers=("batch_step",),
        checks=[
            Check("three examples, by numbers", batch_step_by_numbers),
            Check("a batch twice as large, the same step", batch_step_of_any_size),
            Check("a batch of one", batch_step_of_one),
            Check("the batch stays as it was", batch_step_leaves_its_input),
        ],
        hints=[
            "Write both derivatives of the loss on paper, and compare them with the code, letter "
            "by letter. Then ask of each name in the code: which value has it at that moment?",
            "One bug makes the step grow with the batch. The other is about which slope each line "
            "sees.",
            "Compute the error `slope * x + intercept - y` once, before anything changes, and use "
            "it for both gradients.",
            "The gradients are `np.mean(error * x)` for the slope and `np.mean(error)` for the "
            "intercept. Then take both steps.",
        ],
    ),
]
