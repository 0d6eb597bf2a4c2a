r"""Checks of chapter 06, Batches."""

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Check, Exercise, call_unchanged, compare, compare_call


def _mistaken_lengths(gradients: NDArray, batch_size: int) -> dict[str, float]:
    n, weights = gradients.shape
    whole = gradients.mean(axis=0)
    signal = whole @ whole
    noise = np.sum((gradients - whole) ** 2) / n
    lengths = np.sum(gradients**2, axis=1)
    return {
        "It divides the noise by n - 1; in this chapter the sum over examples is divided by n.": (
            signal + noise * n / (n - 1) / batch_size
        ),
        "It divides the mean squared length of the single gradients by the batch size: only the "
        "noise shrinks with the batch, the signal |mean gradient|² stays.": (
            lengths.mean() / batch_size
        ),
        "It divides the signal by the batch size too: only the noise shrinks.": (
            (signal + noise) / batch_size
        ),
        "The noise does not shrink with the batch: divide it by batch_size.": signal + noise,
        "It divides the noise by the root of the batch size: that is how its *length* shrinks; its "
        "square shrinks as 1 / batch_size.": signal + noise / batch_size**0.5,
        "It divides the noise by batch_size squared.": signal + noise / batch_size**2,
        "It takes the mean over the weights as well; add the weights' variances up.": (
            signal + noise / weights / batch_size
        ),
        "It sums over the examples; the noise is a mean over them.": (
            signal + n * noise / batch_size
        ),
        "It takes |g| around 0 for the noise: subtract the mean gradient from each row first.": (
            signal + lengths.mean() / batch_size
        ),
        "The signal |mean gradient|² is missing.": noise / batch_size,
        "It multiplies the noise by the batch size.": signal + noise * batch_size,
        "It returned the length; its square is asked for.": (signal + noise / batch_size) ** 0.5,
        "It adds up all of the covariance matrix; the trace is its diagonal only.": (
            signal + np.sum((gradients - whole).sum(axis=1) ** 2) / n / batch_size
        ),
    }


def length_by_numbers(expected_squared_length: Callable, rng: Generator) -> None:
    r"""Mean (2, 1), signal 5, noise (2 + 2 + 4) / 3."""
    gradients = np.array([[1.0, 0.0], [3.0, 0.0], [2.0, 3.0]])
    for batch_size, expected in ((4, 5 + 2 / 3), (1, 5 + 8 / 3)):
        given = (gradients, batch_size)
        compare_call(expected_squared_length, given, expected, _mistaken_lengths)


def length_over_all_batches(expected_squared_length: Callable, rng: Generator) -> None:
    r"""The mean over each of the 4 ** 3 batches of three out of four examples."""
    gradients = rng.normal([1.0, 0.0, -2.0], size=(4, 3))
    batches = [gradients[list(batch)].mean(axis=0) for batch in product(range(4), repeat=3)]
    expected = np.mean([g @ g for g in batches])
    compare_call(expected_squared_length, (gradients, 3), expected, _mistaken_lengths)


def length_leaves_its_input(expected_squared_length: Callable, rng: Generator) -> None:
    r"""The gradients are still there."""
    call_unchanged(expected_squared_length, 2, gradients=rng.normal(size=(5, 2)))


def _compare_scaled(
    scaled_rate: Callable, batch_size: int, rate: float, base: int, warm: int
) -> None:
    steps = np.arange(warm + 3)
    part = np.minimum(steps / max(warm, 1), 1) if warm else np.ones(3)

    def rates(target: float, start: float = rate, part: NDArray = part) -> NDArray:
        return start + (target - start) * part

    target = rate * batch_size / base
    mistakes = {
        "There is no warm-up: while step < warm the rate rises along a line.": rates(
            target, part=np.ones(len(steps))
        ),
        "The warm-up starts at 0; here it starts at base_rate.": rates(target, start=0.0),
        "It scales with the root of the batch size; linear scaling is batch_size / base_batch.": (
            rates(rate * (batch_size / base) ** 0.5)
        ),
        "It scales the wrong way round: a larger batch takes a larger rate.": rates(
            rate * base / batch_size
        ),
        "It forgets base_batch: the factor is batch_size / base_batch.": rates(rate * batch_size),
        "The warm-up is one step ahead: step 0 has base_rate.": rates(
            target, part=np.minimum((steps + 1) / max(warm, 1), 1)
        ),
        "The rate goes on rising after the warm-up; from step warm on it is the target.": rates(
            target, part=steps / max(warm, 1)
        ),
        "During the warm-up the target is added in full to base_rate; rise by "
        "(target - base_rate) * step / warm.": np.where(steps < warm, rate + target * part, target),
        "It stays at base_rate until the warm-up is over; the rate should rise along a line.": (
            np.where(steps < warm, rate, target)
        ),
        "The batch size is not used after all: every rate is base_rate.": np.full(len(steps), rate),
    }
    got = [scaled_rate(int(step), batch_size, rate, base, warm) for step in steps]
    for one in got:
        compare(one, 0.0, tolerance=np.inf)
    compare(np.array(got), rates(target), mistakes=mistakes, what="the rates from step 0 on")


def scaled_by_numbers(scaled_rate: Callable, rng: Generator) -> None:
    r"""From 0.1 to 0.4 in ten steps."""
    _compare_scaled(scaled_rate, 128, 0.1, 32, 10)


def scaled_for_other_batches(scaled_rate: Callable, rng: Generator) -> None:
    r"""Any rate and length; down as well, for a smaller batch."""
    rate, warm = rng.uniform(0.02, 0.3), int(rng.integers(4, 9))
    _compare_scaled(scaled_rate, 640, rate, 64, warm)
    _compare_scaled(scaled_rate, 16, rate, 64, warm)


def scaled_without_warm_up(scaled_rate: Callable, rng: Generator) -> None:
    r"""With no warm-up the target from the start."""
    _compare_scaled(scaled_rate, 256, 0.05, 32, 0)


def _mistaken_pieces(x: NDArray, error: NDArray, size: int) -> dict[str, NDArray]:
    n = len(x)
    pieces = [slice(first, first + size) for first in range(0, n, size)]
    sums = [x[piece].T @ error[piece] for piece in pieces]
    means = [total / len(error[piece]) for total, piece in zip(sums, pieces, strict=True)]
    mistakes = {
        "It returned the sum over the examples; divide by n.": np.sum(sums, axis=0),
        "It is the negative gradient: the gradient is error_i times x_i, without a minus.": (
            -np.sum(sums, axis=0) / n
        ),
    }
    if n % size:
        full = n // size
        mistakes |= {
            "The last, shorter piece counts as much as a full one: a mean of means is right only "
            "for equal pieces. Add up sums, and divide once by n.": np.mean(means, axis=0),
            "The last piece is taken with a full one's size: divide once, by n.": (
                np.sum(sums, axis=0) / size / len(pieces)
            ),
            "Each piece is divided by size, but the number of pieces is rounded down.": (
                np.sum(sums, axis=0) / size / max(full, 1)
            ),
        }
        if full:
            some = np.sum(sums[:full], axis=0)
            mistakes |= {
                "The examples after the last full piece are left out: the loop must go on to n.": (
                    some / size / full
                ),
                "The examples after the last full piece are left out, and it divides by n.": (
                    some / n
                ),
            }
    return mistakes


def pieces_by_numbers(gradient_in_pieces: Callable, rng: Generator) -> None:
    r"""1 + 2 - 9 = -6, over 3."""
    x, error = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 1.0, -3.0])
    compare_call(gradient_in_pieces, (x, error, 2), [-2.0], _mistaken_pieces)


def pieces_of_every_size(gradient_in_pieces: Callable, rng: Generator) -> None:
    r"""The same gradient for all sizes from 1 to more than n."""
    x, error = rng.normal(size=(11, 3)), rng.normal(size=11)
    for size in (4, 11, 1, 20):
        given, what = (x, error, size), f"11 examples in pieces of {size}"
        compare_call(gradient_in_pieces, given, error @ x / 11, _mistaken_pieces, what=what)


def pieces_leave_their_input(gradient_in_pieces: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    call_unchanged(gradient_in_pieces, 2, x=rng.normal(size=(5, 2)), error=rng.normal(size=5))


EXERCISES = [
    Exercise(
        id="06.1",
        title="Signal and noise",
        answers=("expected_squared_length",),
        checks=[
            Check("three examples, by numbers", length_by_numbers),
            Check("the mean over all possible batches", length_over_all_batches),
            Check("the gradients stay as they were", length_leaves_its_input),
        ],
        hints=[
            "Two numbers are needed: the squared length of the mean row, and the mean squared "
            "distance of the rows from it. Only one of them is divided by the batch size.",
            "`whole = gradients.mean(axis=0)` is the mean row, and `whole @ whole` its squared "
            "length.",
            "The noise is `np.sum((gradients - whole) ** 2) / len(gradients)`. Return the signal "
            "plus the noise over batch_size.",
        ],
    ),
    Exercise(
        id="06.2",
        title="Scale and warm up",
        answers=("scaled_rate",),
        checks=[
            Check("four times the batch, ten steps", scaled_by_numbers),
            Check("other batches, rates and lengths", scaled_for_other_batches),
            Check("no warm-up", scaled_without_warm_up),
        ],
        hints=[
            "First compute the target. Then ask whether the warm-up is still going on.",
            "On a line from a to b, after a share s of the way, the value is a + (b - a) * s. "
            "What is s at step `step`?",
            "`if step < warm: return base_rate + (target - base_rate) * step / warm`, and after "
            "that `return target`.",
        ],
    ),
    Exercise(
        id="06.3",
        title="Find two bugs",
        answers=("gradient_in_pieces",),
        checks=[
            Check("three examples in pieces of two", pieces_by_numbers),
            Check("pieces of every size", pieces_of_every_size),
            Check("the inputs stay as they were", pieces_leave_their_input),
        ],
        hints=[
            "Ten examples in pieces of four: which examples does the suspect never see? And when "
            "it sees them, how much should a piece of two count?",
            "`range(0, len(x), size)` also reaches the shorter last piece; a slice may run past "
            "the end.",
            "Add up `x[piece].T @ error[piece]` over all pieces, without dividing. After the loop "
            "`return total / len(x)`.",
        ],
    ),
]
