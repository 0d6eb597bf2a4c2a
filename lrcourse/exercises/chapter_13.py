r"""Checks of chapter 13, Same direction, go faster."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Check, Exercise, Wrong, call_unchanged, compare, compare_call


def _boosted(g: NDArray, previous: NDArray) -> NDArray:
    return g + (g * previous > 0) * (g + previous) / 2


def _mistaken_steps(w: NDArray, g: NDArray, previous: NDArray, rate: float) -> dict:
    agree = g * previous > 0
    boosted = _boosted(g, previous)
    right = w - rate * boosted

    def step(gradient: NDArray) -> tuple:
        return w - rate * gradient, g

    return {
        "The order is (w, previous): they came the other way round.": (g, right),
        "It stores the boosted gradient: the next step needs g as it was measured.": (
            right,
            boosted,
        ),
        "It stores the boost: the next step needs g as it was measured.": (
            right,
            agree * (g + previous) / 2,
        ),
        "It hands the old gradient on: the next step needs this one, g.": (right, previous),
        "The boost is the sum of both gradients: it should be their average, half of it.": step(
            g + agree * (g + previous)
        ),
        "The boost is added everywhere: compare signs weight by weight, not once for the whole "
        "vector, and add it only where they agree.": step(g + (g + previous) / 2),
        "The boost is added where the signs differ: it belongs where they agree.": step(
            g + ~agree * (g + previous) / 2
        ),
        "The boost replaces the gradient: it is added to g.": step(
            np.where(agree, (g + previous) / 2, g)
        ),
        "Where the signs differ the weight stands still: there it takes a plain step.": step(
            agree * boosted
        ),
        "The boost is the current gradient: it is the average of both.": step(g + agree * g),
        "It steps uphill: subtract the boosted gradient.": step(-boosted),
        "There is no boost: this is a plain step.": step(g),
    }


def step_by_numbers(accelerated_step: Callable, rng: Generator) -> None:
    r"""Signs that agree, differ, agree."""
    w, g, previous = np.array([[1.0, 1.0, 0.0], [2.0, -1.0, -0.5], [4.0, 3.0, -1.5]])
    expected = (np.array([0.5, 1.1, 0.15]), g)
    compare_call(accelerated_step, (w, g, previous, 0.1), expected, _mistaken_steps)


def step_of_any_shape(accelerated_step: Callable, rng: Generator) -> None:
    r"""A matrix of weights."""
    w, g, previous = rng.normal(size=(3, 4, 3))
    expected = (w - 0.3 * _boosted(g, previous), g)
    compare_call(accelerated_step, (w, g, previous, 0.3), expected, _mistaken_steps)


def step_at_zero(accelerated_step: Callable, rng: Generator) -> None:
    r"""The first step, and a weight without a gradient."""
    w, g, previous = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 0.0], [0.0, 3.0, 0.0]])
    got = accelerated_step(w.copy(), g.copy(), previous.copy(), 0.1)
    mistakes = {
        "A gradient of 0 agrees with nothing, so there is no boost: neither before the first step "
        "(previous = 0) nor at a weight with g = 0.": (
            w - 0.1 * (g + (g * previous >= 0) * (g + previous) / 2),
            g,
        )
    }
    compare(got, (np.array([0.8, 1.0, 1.0]), g), mistakes=mistakes)


def step_of_tiny_gradients(accelerated_step: Callable, rng: Generator) -> None:
    r"""In float32 the product of two gradients of 1e-30 is 0."""
    w = np.zeros(2, np.float32)
    g = np.array([1e-30, -1e-30], np.float32)
    new, _ = accelerated_step(w, g, g.copy(), 1.0)
    sentence = (
        "Two gradients of 1e-30 have the same sign, but their product rounds to 0 in float32: "
        "compare signs, not products."
    )
    compare(np.asarray(new) * 1e30, [-2.0, 2.0], mistakes={sentence: [-1.0, 1.0]}, tolerance=1e-5)


def step_leaves_its_input(accelerated_step: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    w, g, previous = rng.normal(size=(3, 4))
    call_unchanged(accelerated_step, 0.1, w=w, g=g, previous=previous)


def _mistaken_reaches(a: float) -> dict:
    bell = NormalDist()
    right, wrong, height = bell.cdf(a), bell.cdf(-a), bell.pdf(a)
    rest = height / a * (right - wrong)
    return {
        "The 1 is missing: that is the plain step, to which the boost is added.": (
            right**2 + wrong**2 + rest
        ),
        "The last term is not divided by a.": 1 + right**2 + wrong**2 + rest * a,
        "The last term is missing: that of the bell curve's height.": 1 + right**2 + wrong**2,
        "The areas are not squared.": 1 + right + wrong + rest,
        "Only agreement on the right side is counted: both gradients may be negative too.": (
            1 + right**2 + height * right / a
        ),
        "The last bracket has a minus: the mean of negative gradients is pulled down.": (
            1 + right**2 + wrong**2 + height / a * (right + wrong)
        ),
        "The curve and its area are mixed up: phi is `.pdf`, Phi is `.cdf`.": (
            1 + 2 * height**2 + right / a * (height - height)
        ),
        "The last term has the wrong sign.": 1 + right**2 + wrong**2 - rest,
    }


def reach_by_numbers(reach: Callable, rng: Generator) -> None:
    r"""Three values of a."""
    for a, expected in ((1.0, 1.8982233), (3.0, 1.9987771), (0.5, 1.8429449)):
        compare_call(reach, (a,), expected, _mistaken_reaches, tolerance=1e-5)


def reach_of_pure_noise(reach: Callable, rng: Generator) -> None:
    r"""Its limit is 1.5 + 1 / pi."""
    compare_call(reach, (1e-4,), 1.5 + 1 / np.pi, _mistaken_reaches, tolerance=1e-5)


def reach_by_dice(reach: Callable, rng: Generator) -> None:
    r"""A million pairs of gradients."""
    a = 0.8
    g, previous = a + rng.normal(size=(2, 1_000_000))
    measured = np.mean(_boosted(g, previous)) / a
    compare_call(reach, (a,), measured, _mistaken_reaches, tolerance=5e-3)


def _run(
    gradients: NDArray,
    w: NDArray,
    rate: float,
    *,
    stored: Callable = lambda g, boosted: g,
    average: float = 0.5,
    always: bool = False,
) -> NDArray:
    previous = np.zeros_like(w)
    for g in gradients:
        same = np.sign(g) == np.sign(previous) if not always else np.ones_like(w, bool)
        boosted = g + same * average * (g + previous)
        w = w - rate * boosted
        previous = stored(g, boosted)
    return w


def _mistaken_runs(gradients: NDArray, w: NDArray, rate: float) -> dict:
    right = _run(gradients, w, rate)
    first = rate * gradients[0]
    return {
        "It still stores the boosted gradient: keep g as it was measured.": _run(
            gradients, w, rate, stored=lambda g, boosted: boosted
        ),
        "Every step is twice a plain one: `previous` is the same array as the new gradient, which "
        "agrees with itself. Keep a copy.": w - 2 * rate * gradients.sum(axis=0),
        "From the second step on it is SGD at twice the rate: `previous` is the same array as the "
        "new gradient, which agrees with itself. Keep a copy.": (
            w - 2 * rate * gradients.sum(axis=0) + first
        ),
        "Nothing is stored, so nothing ever agrees: this is plain SGD.": (
            w - rate * gradients.sum(axis=0)
        ),
        "The boost is the sum of both gradients: it should be their average.": _run(
            gradients, w, rate, average=1.0
        ),
        "The boost is added everywhere: it belongs only where the signs agree.": _run(
            gradients, w, rate, always=True
        ),
        "The first step has a boost: before it there is no gradient, so `previous` is 0.": (
            right - first
        ),
    }


def _replay(gradients: NDArray, *, one_array: bool = True) -> Callable:
    array, coming = np.empty_like(gradients[0]), iter(gradients)

    def gradient(w: NDArray) -> NDArray:
        if not one_array:
            return next(coming).copy()
        array[...] = next(coming)
        return array

    return gradient


def run_on_a_slope(accelerated_run: Callable, rng: Generator) -> None:
    r"""Ten steps on a slope of 1, each in a new array."""
    gradients, start = np.ones((10, 1)), np.zeros(1)
    got = accelerated_run(_replay(gradients, one_array=False), start.copy(), 1.0, 10)
    compare(got, [-19.0], mistakes=_mistaken_runs(gradients, start, 1.0))


def run_with_one_array(accelerated_run: Callable, rng: Generator) -> None:
    r"""The gradient fills one array again and again."""
    for gradients in (np.array([[1.0], [-1.0], [1.0], [-1.0], [-2.0]]), rng.normal(size=(9, 3))):
        start = np.full(gradients.shape[1], 0.5)
        got = accelerated_run(_replay(gradients), start.copy(), 0.1, len(gradients))
        mistakes = _mistaken_runs(gradients, start, 0.1)
        compare(got, _run(gradients, start, 0.1), mistakes=mistakes)


def run_asks_at_the_new_place(accelerated_run: Callable, rng: Generator) -> None:
    r"""One gradient for each step, taken where the last step led."""
    asked = []

    def gradient(w: NDArray) -> NDArray:
        asked.append(np.array(w))
        return 1.0 * w

    accelerated_run(gradient, np.array([1.0, -2.0]), 0.1, 4)
    if len(asked) != 4:
        raise Wrong(f"4 steps need 4 gradients; it asked for {len(asked)}.")
    if np.array_equal(asked[0], asked[1]):
        raise Wrong("The gradient is always taken at the start: take it where w is now.")


def run_leaves_its_input(accelerated_run: Callable, rng: Generator) -> None:
    r"""The start stays as it was."""
    w = rng.normal(size=3)
    call_unchanged(lambda w: accelerated_run(_replay(rng.normal(size=(5, 3))), w, 0.1, 5), w=w)


EXERCISES = [
    Exercise(
        id="13.1",
        title="One boosted step",
        answers=("accelerated_step",),
        checks=[
            Check("three weights, by numbers", step_by_numbers),
            Check("a matrix of weights", step_of_any_shape),
            Check("a gradient of 0 gets no boost", step_at_zero),
            Check("tiny gradients have signs too", step_of_tiny_gradients),
            Check("the inputs stay as they were", step_leaves_its_input),
        ],
        hints=[
            "First make an array that is true where the two signs are the same, weight by weight.",
            "`np.sign` gives 1, 0 or -1 for each weight. The boost is `(g + previous) / 2` where "
            "the signs agree and 0 elsewhere: `np.where(agree, ..., 0)`.",
            "`agree = np.sign(g) == np.sign(previous)`. Return "
            "`w - learning_rate * (g + boost)` and `g.copy()`.",
        ],
    ),
    Exercise(
        id="13.2",
        title="How much farther",
        answers=("reach",),
        checks=[
            Check("three values, by numbers", reach_by_numbers),
            Check("pure noise gives 1.5 + 1 / pi", reach_of_pure_noise),
            Check("it agrees with dice", reach_by_dice),
        ],
        hints=[
            "Give the two areas names first: to the left of `a`, and to the left of `-a`.",
            "`bell.cdf(a)` is Phi(a), `bell.pdf(a)` is phi(a). The last term is phi divided by a, "
            "times the difference of the two areas.",
            "`1 + bell.cdf(a)**2 + bell.cdf(-a)**2 + bell.pdf(a) / a * (bell.cdf(a) - "
            "bell.cdf(-a))`",
        ],
    ),
    Exercise(
        id="13.3",
        title="Find two bugs",
        answers=("accelerated_run",),
        checks=[
            Check("ten steps on a slope", run_on_a_slope),
            Check("a gradient that fills one array", run_with_one_array),
            Check("one gradient for each step", run_asks_at_the_new_place),
            Check("the start stays as it was", run_leaves_its_input),
        ],
        hints=[
            "The run goes 26 instead of 19. Which gradient should the next step remember: the "
            "measured one, or the one with the boost?",
            "`previous = g` gives the array a second name. When `gradient` fills it anew, "
            "`previous` changes too.",
            "The last line of the loop is `previous = g.copy()`.",
        ],
    ),
]
