r"""Hidden checks of chapter 06, Batches."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.grading.hidden import HiddenCheck, Question


def split_of_drawn_batches(signal_and_noise: Callable, rng: Generator) -> None:
    r"""From every pair of examples, and every single one, drawn with replacement."""
    for n, size in ((2, 3), (5, 1), (6, 4)):
        gradients = rng.normal(size=(n, size)) + rng.normal(size=size)
        whole = gradients.mean(axis=0)
        noise = np.sum((gradients - whole) ** 2) / n
        pairs = float(np.sum(((gradients[:, None] + gradients) / 2) ** 2) / n**2)
        single = float(np.sum(gradients**2) / n)
        for lengths, sizes in (((pairs, single), (2, 1)), ((single, pairs), (1, 2))):
            got = signal_and_noise(lengths, sizes)
            compare(got, (whole @ whole, noise), tolerance=1e-6)


def scaled_along_a_line(scaled_rate: Callable, rng: Generator) -> None:
    r"""Up, down and level, in exact fractions, at every step of a warm-up."""
    for batch_size in (8, 64, 1000):
        base, warm = Fraction(int(rng.integers(1, 50)), 100), int(rng.integers(1, 9))
        target = base * batch_size / 64
        for step in range(warm + 3):
            share = Fraction(min(step, warm), warm)
            expected = float(base + (target - base) * share)
            compare(scaled_rate(step, batch_size, float(base), 64, warm), expected)


def chosen_from_random_tables(fewest_updates: Callable, rng: Generator) -> None:
    r"""Tables without any order, budgets at and between what the runs cost."""
    sizes, rates = [1, 3, 10, 32], [0.05, 0.1, 0.7]
    for _ in range(8):
        found = rng.permutation(np.arange(20, 32)).reshape(4, 3).astype(float)
        found[rng.integers(4), rng.integers(3)] = np.inf
        examples = found * np.array(sizes)[:, None]
        budget = int(rng.choice(examples[np.isfinite(examples)]))
        best = np.where(examples <= budget, found, np.inf)
        row, column = np.unravel_index(best.argmin(), best.shape)

        def updates_to_goal(size: int, rate: float, found: np.ndarray = found) -> float:
            return float(found[sizes.index(size), rates.index(rate)])

        got = fewest_updates(updates_to_goal, budget, sizes, rates)
        if not isinstance(got, tuple | list):
            raise Wrong("It should return a pair.")
        compare(tuple(got), (sizes[row], rates[column]))


def pieces_of_every_size(gradient_in_pieces: Callable, rng: Generator) -> None:
    r"""From single examples to pieces larger than the batch."""
    x, error = rng.normal(size=(11, 3)), rng.normal(size=11)
    expected = np.einsum("nd,n->d", x, error) / 11
    for size in (1, 4, 10, 11, 12, 500):

        def piece_gradient(some: np.ndarray, errors: np.ndarray, size: int = size) -> np.ndarray:
            if not 0 < len(some) <= size:
                raise ValueError(f"{len(some)} examples in a piece of at most {size}")
            return np.einsum("nd,n->d", some, errors) / len(some)

        compare(gradient_in_pieces(x.copy(), error.copy(), size, piece_gradient), expected)


CHECKS = {
    "06.1": [
        HiddenCheck(
            "from every batch of one and of two",
            split_of_drawn_batches,
            points=2,
            hint="Two equations, two unknowns; a batch of one has all of the noise.",
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
            "tables without any order",
            chosen_from_random_tables,
            points=2,
            hint="Try every pair: nothing says that more is better, or where the best rate lies.",
        ),
    ],
    "06.4": [
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
        "seeds; the gap shrinks, by about half here, and does not close once the rate meets the "
        "wall.",
    ),
]
