r"""Checks of chapter 00, Start here."""

from collections.abc import Callable

from numpy.random import Generator

from lrcourse.exercises import Check, Exercise, call_unchanged, compare, compare_call

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
        "It returned w as it was: return w after the step.": w,
    }


def step_by_numbers(step: Callable, rng: Generator) -> None:
    r"""3 - 0.1 * 12 = 1.8."""
    compare_call(step, (3.0, 12.0, 0.1), 1.8, _mistaken_steps)


def step_of_a_vector(step: Callable, rng: Generator) -> None:
    r"""Each weight moves by its own gradient."""
    w, gradient = rng.normal(size=(2, 5))
    learning_rate = rng.uniform(0.01, 0.1)
    expected = w - learning_rate * gradient
    compare_call(step, (w, gradient, learning_rate), expected, _mistaken_steps)


def step_leaves_its_input(step: Callable, rng: Generator) -> None:
    r"""The caller's w is still there."""
    w, gradient = rng.normal(size=(2, 5))
    call_unchanged(step, 0.1, w=w, gradient=gradient)


def descend_one_step(descend: Callable, rng: Generator) -> None:
    r"""1 - 0.1 * 4 = 0.6."""
    compare(descend(1.0, 0.1, 1), 0.6, mistakes={UPHILL: 1.4})


def descend_many_steps(descend: Callable, rng: Generator) -> None:
    r"""Each step multiplies w by 1 - 4 * learning_rate."""
    w, learning_rate, steps = rng.uniform(1, 2), rng.uniform(0.05, 0.2), 20
    factor = 1 - 4 * learning_rate
    mistakes = {
        STALE: w - steps * learning_rate * 4 * w,
        UPHILL: w * (1 + 4 * learning_rate) ** steps,
        "It takes one step too few.": w * factor ** (steps - 1),
        "It takes one step too many.": w * factor ** (steps + 1),
        "It stops after the first step: return after the loop, not inside it.": w * factor,
    }
    compare(descend(w, learning_rate, steps), w * factor**steps, mistakes=mistakes, tolerance=1e-9)


def descend_no_step(descend: Callable, rng: Generator) -> None:
    r"""Without a step w stays."""
    compare(descend(1.5, 0.1, 0), 1.5)


def count_by_numbers(steps_needed: Callable, rng: Generator) -> None:
    r"""From 1 at rate 0.1 the losses are 2, 0.72, 0.2592, 0.0933, 0.0336, 0.0121, 0.0044."""
    mistakes = {
        "One too few: count the step that gets below, and mind the 2 in the loss 2 w².": 5,
        "One too many: look at the loss before each step, so that a start below counts 0.": 7,
        "It counts until w is below the threshold: the loss is 2 w².": 10,
        "It never gets below the threshold: does w change in the loop, and downhill?": 100,
    }
    compare(steps_needed(1.0, 0.1, 0.01, 100), 6, mistakes=mistakes)


def count_without_a_step(steps_needed: Callable, rng: Generator) -> None:
    r"""A loss that is below already needs no step."""
    late = "Below already, so 0 steps: look at the loss before the first step."
    compare(steps_needed(0.01, 0.1, 0.01, 100), 0, mistakes={late: 1})


def count_from_the_left(steps_needed: Callable, rng: Generator) -> None:
    r"""The bowl is symmetric."""
    sign = "A negative w is not below the threshold: compare the loss 2 w², not w."
    compare(steps_needed(-1.0, 0.1, 0.01, 100), 6, mistakes={sign: 0})


def count_gives_up(steps_needed: Callable, rng: Generator) -> None:
    r"""At rate 0.6 each step multiplies w by -1.4."""
    mistakes = {
        "It gives up one step too early: after `limit` steps.": 29,
        "It gives up one step too late: after `limit` steps.": 31,
    }
    compare(steps_needed(1.0, 0.6, 0.01, 30), 30, mistakes=mistakes)


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
            "The cell above the exercise computes this very step for `w = 3.0`.",
            "Downhill is against the gradient: something is subtracted from `w`.",
            "It is one line: `return w - ...`, with learning rate times gradient for the dots.",
        ],
    ),
    Exercise(
        id="00.2",
        title="Find the bug",
        answers=("descend",),
        checks=[
            Check("one step", descend_one_step),
            Check("twenty steps", descend_many_steps),
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
            Check("no step where the loss is below already", count_without_a_step),
            Check("a start on the other side", count_from_the_left),
            Check("gives up after `limit` steps", count_gives_up),
        ],
        hints=[
            "Loop with `for count in range(limit):`. What has to be looked at before each step?",
            "In the loop: if the loss `2 * w**2` is below the threshold, return `count`. "
            "Otherwise take a step.",
            "After the loop no loss was below: `return limit`. The step is `w = w - "
            "learning_rate * 4 * w`.",
        ],
    ),
]
