r"""Checks of chapter 00, Start here."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Check, Exercise, Wrong, call_unchanged, compare, compare_call

UPHILL = "The step goes uphill: subtract the gradient, do not add it."
STALE = (
    "It uses the gradient of the start for every step: compute the gradient inside the loop, at "
    "the w of that moment."
)


def _mistaken_steps(w: float, gradient: float, learning_rate: float) -> dict[str, float]:
    return {
        UPHILL: w + learning_rate * gradient,
        "The learning rate is missing: multiply the gradient by it.": w - gradient,
        "It returned how far to go, not where w ends: take that from w.": learning_rate * gradient,
        "It returned the change of w, not where w ends: add it to w.": -learning_rate * gradient,
        "It divides by the learning rate: multiply by it.": w - gradient / learning_rate,
        "It takes w from the step: take the step from w.": learning_rate * gradient - w,
        "w and the gradient are in each other's place.": gradient - learning_rate * w,
        "It takes the rate from w first: without the brackets, the product comes first.": (
            (w - learning_rate) * gradient
        ),
        "It computes a gradient, 4 w, of its own: use the `gradient` that it is given.": (
            w - learning_rate * 4 * w
        ),
        "It uses the rate 0.1 whatever `learning_rate` is.": w - 0.1 * gradient,
        "It returned w as it was: return w after the step.": w,
        "It multiplies w by the rate as well: only the gradient is multiplied by it.": (
            (w - gradient) * learning_rate
        ),
        "It steps by a share of w: multiply the learning rate by the gradient, not by w.": (
            w - learning_rate * w
        ),
    }


def step_by_numbers(step: Callable, rng: Generator) -> None:
    r"""3 - 0.1 * 12 = 1.8."""
    compare_call(step, (3.0, 12.0, 0.1), 1.8, _mistaken_steps)


def step_of_a_vector(step: Callable, rng: Generator) -> None:
    r"""Each weight moves by its own gradient."""
    w, gradient = rng.normal(size=(2, 5))
    learning_rate = rng.uniform(0.01, 0.1)
    expected = w - learning_rate * gradient
    missing = {"The gradient is missing: multiply the learning rate by it.": w - learning_rate}
    given = w, gradient, learning_rate
    compare_call(step, given, expected, lambda *given: _mistaken_steps(*given) | missing)


def step_leaves_its_input(step: Callable, rng: Generator) -> None:
    r"""The caller's w is still there."""
    w, gradient = rng.normal(size=(2, 5))
    call_unchanged(step, 0.1, w=w, gradient=gradient)


def _mistaken_descents(w: float, learning_rate: float, steps: int) -> dict[str, float]:
    factor = 1 - 4 * learning_rate
    along_the_loss = late = w
    before = w
    for _ in range(steps):
        along_the_loss -= learning_rate * 2 * along_the_loss**2
        late, before = late - learning_rate * 4 * before, late
    right = w * factor**steps
    return {
        "It takes 20 steps, whatever `steps` is.": w * factor**20,
        "It uses the rate 0.1 whatever `learning_rate` is.": w * 0.6**steps,
        "It begins at 1, whatever w is.": factor**steps,
        "It returned the loss: return w.": 2 * right**2,
        "It returned the gradient: return w.": 4 * right,
        "The gradient of each step is that of one step before: compute it, then step.": late,
        STALE: w - steps * learning_rate * 4 * w,
        UPHILL: w * (1 + 4 * learning_rate) ** steps,
        "It takes one step too few.": w * factor ** (steps - 1),
        "It takes one step too many.": w * factor ** (steps + 1),
        "It stops after the first step: return after the loop, not inside it.": w * factor,
        "It returned w as it was: what does the loop change?": w,
        "The slope is 2 w; the loss 2 w² has the slope 4 w.": w * (1 - 2 * learning_rate) ** steps,
        "It uses the loss in place of its slope: the gradient is 4 w.": along_the_loss,
        "The learning rate is missing: multiply the gradient by it.": w * (-3.0) ** steps,
    }


def descend_one_step(descend: Callable, rng: Generator) -> None:
    r"""1 - 0.1 * 4 = 0.6."""
    mistakes = {
        UPHILL: 1.4,
        "It takes one step too few.": 1.0,
        "It takes one step too many.": 0.36,
    }
    compare(descend(1.0, 0.1, 1), 0.6, mistakes=mistakes)


def descend_many_steps(descend: Callable, rng: Generator) -> None:
    r"""Each step multiplies w by 1 - 4 * learning_rate. 1e-4 leaves room for float32."""
    given = rng.uniform(1, 2), rng.uniform(0.05, 0.15), 20
    w, learning_rate, steps = given
    expected = w * (1 - 4 * learning_rate) ** steps
    mistakes = _mistaken_descents(*given)
    compare(descend(*given), expected, mistakes=mistakes, tolerance=1e-4)
    for side in (1, -1):  # between the rates 1/4 and 1/2 each step crosses 0
        w, learning_rate, steps = side * rng.uniform(1, 2), rng.uniform(0.4, 0.45), 7
        expected = w * (1 - 4 * learning_rate) ** steps
        mistakes = _mistaken_descents(w, learning_rate, steps) | {
            "A step may cross 0, and w may be negative: do not take its size.": abs(expected),
            "A step may cross 0: let it, and do not stop w there.": 0.0,
        }
        compare(descend(w, learning_rate, steps), expected, mistakes=mistakes, tolerance=1e-4)


def descend_no_step(descend: Callable, rng: Generator) -> None:
    r"""Without a step w stays."""
    mistakes = {"With `steps` 0 it takes a step all the same.": 0.9}
    compare(descend(1.5, 0.1, 0), 1.5, mistakes=mistakes)


def count_by_numbers(steps_needed: Callable, rng: Generator) -> None:
    r"""From 1 at rate 0.1 the losses are 2, 0.72, 0.2592, 0.0933, 0.0336, 0.0121, 0.0044."""
    mistakes = {
        "One too few: count the step that gets below, and mind the 2 in the loss 2 w².": 5,
        "One too many: look at the loss before each step, so that a start below counts 0.": 7,
        "It counts until w is below the threshold: the loss is 2 w².": 10,
        "It counts until 2 w is below the threshold: the loss is 2 w², a square.": 11,
        "It never gets below the threshold: does each step compute the gradient at the w of that "
        "moment, multiply it by the rate, and subtract it?": 100,
        "The slope of 2 w² is 4 w, and it is the loss that has to get below, not the slope.": 12,
        "It stops at once, where the loss is still above the threshold.": 0,
    }
    compare(steps_needed(1.0, 0.1, 0.01, 100), 6, mistakes=mistakes)
    squared = "It squares 2 w: the loss is 2 times w²."
    compare(steps_needed(1.0, 0.1, 0.015, 100), 5, mistakes={squared: 6})


def count_without_a_step(steps_needed: Callable, rng: Generator) -> None:
    r"""A loss that is below already needs no step; one that is equal to the threshold does."""
    late = "Below already, so 0 steps: look at the loss before the first step."
    compare(steps_needed(0.01, 0.1, 0.01, 100), 0, mistakes={late: 1})
    # From 1 the loss is 2 at first, and 0 after a step at rate 1/4.
    equal = "A loss equal to the threshold is not below it: compare with `<`."
    compare(steps_needed(1.0, 0.25, 2.0, 10), 1, mistakes={equal: 0})


def count_from_the_left(steps_needed: Callable, rng: Generator) -> None:
    r"""The bowl is symmetric."""
    sign = "A negative w is not below the threshold: compare the loss 2 w², not w."
    from_the_right = steps_needed(1.0, 0.1, 0.01, 100)
    mistakes = {sign: 0} if np.array_equal(from_the_right, 6) else {}
    compare(steps_needed(-1.0, 0.1, 0.01, 100), 6, mistakes=mistakes)


def count_gives_up(steps_needed: Callable, rng: Generator) -> None:
    r"""At rate 0.6 each step multiplies w by -1.4."""
    mistakes = {
        "It gives up one step too early: after `limit` steps.": 29,
        "It gives up one step too late: after `limit` steps.": 31,
        "A run that never gets there returns `limit`, not -1.": -1,
        "A run that never gets there returns `limit`, not infinity.": np.inf,
    }
    got = steps_needed(1.0, 0.6, 0.01, 30)
    if isinstance(got, int) and got > 31:
        raise Wrong(f"It took {got} steps where `limit` is 30: give up after `limit` steps.")
    compare(got, 30, mistakes=mistakes)
    early = (
        "It gives up before the last step that `limit` allows: with 6 steps needed, 7 are enough."
    )
    counts_right = np.array_equal(steps_needed(1.0, 0.1, 0.01, 100), 6)
    mistakes = {early: 7} if counts_right else {}
    compare(steps_needed(1.0, 0.1, 0.01, 7), 6, mistakes=mistakes)


def step(w: NDArray, gradient: NDArray, learning_rate: float) -> NDArray:
    r"""What ``yours`` gives until the learner's own passes."""
    return w - learning_rate * gradient


def steps_needed(w: float, learning_rate: float, threshold: float, limit: int) -> int:
    r"""What ``yours`` gives until the learner's own passes."""
    for count in range(limit):
        if 2 * w**2 < threshold:
            return count
        w = step(w, 4 * w, learning_rate)
    return limit


EXERCISES = [
    Exercise(
        id="00.1",
        title="One step",
        answers=("step",),
        checks=[
            Check("one weight, with the numbers from above", step_by_numbers),
            Check("a vector of weights", step_of_a_vector),
            Check("w and gradient stay as they were", step_leaves_its_input),
        ],
        hints=[
            "What did the cell with `w = 3.0` do with its three numbers?",
            "Downhill is against the gradient: something is subtracted from `w`.",
            "It is one line: `return w - ...`, with learning rate times gradient for the dots.",
        ],
        package=lambda: step,
    ),
    Exercise(
        id="00.2",
        title="Find the bug",
        answers=("descend",),
        checks=[
            Check("many steps, on one side of 0 and across it", descend_many_steps),
            Check("one step", descend_one_step),
            Check("no step", descend_no_step),
        ],
        hints=[
            "Print `w` and `gradient` inside the loop. Which of the two never changes?",
            "The slope at the new `w` is not the slope at the old one.",
            "Move the line `gradient = 4 * w` into the loop, before the step.",
        ],
    ),
    Exercise(
        id="00.3",
        title="How many steps?",
        answers=("steps_needed",),
        checks=[
            Check("six steps from 1", count_by_numbers),
            Check("no step only where the loss is below already", count_without_a_step),
            Check("a start on the other side", count_from_the_left),
            Check("gives up after `limit` steps", count_gives_up),
        ],
        hints=[
            "Do it on paper for `steps_needed(1.0, 0.1, 0.01, 100)`: which losses do you look at, "
            "and when do you stop?",
            "Loop with `for count in range(limit):`. What has to be looked at before each step?",
            "In the loop: if the loss `2 * w**2` is below the threshold, return `count`. "
            "Otherwise take a step.",
            "After the loop no loss was below: `return limit`. The step is `w = w - "
            "learning_rate * 4 * w`.",
        ],
        package=lambda: steps_needed,
    ),
]
