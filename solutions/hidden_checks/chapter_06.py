r"""Hidden checks of chapter 06, Batches."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import compare
from lrcourse.grading.hidden import HiddenCheck, Question


def length_of_drawn_batches(expected_squared_length: Callable, rng: Generator) -> None:
    r"""Against the mean over every batch of two, drawn with replacement."""
    for n, size in ((1, 3), (5, 1), (6, 4)):
        gradients = rng.normal(size=(n, size)) + rng.normal(size=size)
        pairs = (gradients[:, None] + gradients) / 2
        compare(expected_squared_length(gradients.copy(), 2), np.sum(pairs**2) / n**2)
        compare(expected_squared_length(gradients.copy(), 1), np.sum(gradients**2) / n)


def scaled_along_a_line(scaled_rate: Callable, rng: Generator) -> None:
    r"""Up, down and level, in exact fractions, at every step of a warm-up."""
    for batch_size in (8, 64, 1000):
        base, warm = Fraction(int(rng.integers(1, 50)), 100), int(rng.integers(1, 9))
        target = base * batch_size / 64
        for step in range(warm + 3):
            share = Fraction(min(step, warm), warm)
            expected = float(base + (target - base) * share)
            compare(scaled_rate(step, batch_size, float(base), 64, warm), expected)


def pieces_of_every_size(gradient_in_pieces: Callable, rng: Generator) -> None:
    r"""From single examples to pieces larger than the batch."""
    x, error = rng.normal(size=(11, 3)), rng.normal(size=11)
    expected = np.einsum("nd,n->d", x, error) / 11
    for size in (1, 4, 10, 11, 12, 500):
        compare(gradient_in_pieces(x.copy(), error.copy(), size), expected)


CHECKS = {
    "06.1": [
        HiddenCheck(
            "against every batch of one and of two",
            length_of_drawn_batches,
            points=2,
            hint="Divide the noise by n and by the batch size; n - 1 is another quantity.",
        ),
    ],
    "06.2": [
        HiddenCheck(
            "every step, also for smaller batches",
            scaled_along_a_line,
            points=2,
            hint="A batch smaller than the base has a target below the base rate.",
        ),
    ],
    "06.3": [
        HiddenCheck(
            "pieces of one, and larger than the batch",
            pieces_of_every_size,
            points=2,
            hint="Divide once, by n. What if one piece holds everything?",
        ),
    ],
}

QUESTIONS = [
    Question(
        "06.q1",
        "Is it the batch?",
        points=4,
        rubric="One point each: the large batch makes fewer steps of the same mean reach; the rate "
        "suits the small batch only; a fair experiment tunes the rate for each batch size, with "
        "seeds; the gap shrinks and, once the rate meets the edge, does not close.",
    ),
]
