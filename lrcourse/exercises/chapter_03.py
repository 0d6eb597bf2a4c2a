r"""Checks of chapter 03, Starting well."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import RETURNED_NONE, Check, Exercise, Wrong, call_unchanged, compare


def _seed(rng: Generator) -> int:
    return int(rng.integers(2**32))


def _one_start(start: Callable, name: str, rng: Generator, mistakes: dict, variance: float) -> None:
    r"""A draw for fan_in 8 and fan_out 2, against the same draw with other scales."""
    seed = _seed(rng)
    got = start(np.random.default_rng(seed), 8, 2)
    draw = np.random.default_rng(seed).standard_normal((8, 2))
    turned = np.random.default_rng(seed).standard_normal((2, 8))
    if np.shape(got) == (8, 2):
        again = start(np.random.default_rng(seed + 1), 8, 2)
        if np.any(got) and np.array_equal(got, again):
            raise Wrong(
                f"{name} gives the same weights whatever generator it gets: draw from `rng`, the "
                "one it is given."
            )
        if not np.array_equal(got, start(np.random.default_rng(seed), 8, 2)):
            raise Wrong(
                f"{name} gives other weights for the same generator: draw from `rng`, not from "
                "`np.random`."
            )
    known = {f"{name} {why}": draw * scale for why, scale in mistakes.items()}
    known |= {
        f"{name} has torch's layout: in NumPy's, W is (fan_in, fan_out).": turned * variance**0.5,
        f"{name} draws in torch's layout and turns the result: draw the shape (fan_in, fan_out) "
        "itself.": turned.T * variance**0.5,
        f"{name} returned zeros: the units of a layer would never differ.": np.zeros((8, 2)),
    }
    compare(got, draw * variance**0.5, mistakes=known, what=f"what {name} returned")


def kaiming_deviation(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Variance 2 / 8, deviation 0.5."""
    mistakes = {
        "multiplies by the variance 2/fan_in; a draw is multiplied by the deviation, its root.": (
            2 / 8
        ),
        "uses fan_out where fan_in belongs: y sums over the inputs.": (2 / 2) ** 0.5,
        "lacks the 2 that makes up for ReLU.": (1 / 8) ** 0.5,
        "has the 2 outside the root: the variance is 2/fan_in.": 2 / 8**0.5,
        "has Xavier's variance.": (2 / 10) ** 0.5,
        "does not scale its draw: the deviation must be sqrt(2/fan_in).": 1.0,
        "divides by the deviation: multiply by it.": (8 / 2) ** 0.5,
    }
    _one_start(answers.kaiming_start, "kaiming_start", rng, mistakes, 2 / 8)


def xavier_deviation(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Variance 2 / 10."""
    mistakes = {
        "multiplies by the variance; a draw is multiplied by the deviation, its root.": 2 / 10,
        "lacks the 2: the variance is 1 over the *mean* of fan_in and fan_out.": (1 / 10) ** 0.5,
        "has the 2 outside the root.": 2 / 10**0.5,
        "has Kaiming's variance.": (2 / 8) ** 0.5,
        "uses 1/fan_in: Xavier's takes the mean of fan_in and fan_out.": (1 / 8) ** 0.5,
        "multiplies fan_in and fan_out: add them.": (2 / 16) ** 0.5,
        "does not scale its draw.": 1.0,
        "divides by the deviation: multiply by it.": (10 / 2) ** 0.5,
        "has the variance 6/(fan_in + fan_out): that is the square of the *bound* for uniform "
        "draws.": (6 / 10) ** 0.5,
    }
    _one_start(answers.xavier_start, "xavier_start", rng, mistakes, 2 / 10)


def starts_of_any_size(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Wide to narrow and back."""
    for fan_in, fan_out in ((30, 4), (4, 30), (1, 1)):
        seed = _seed(rng)
        draw = np.random.default_rng(seed).standard_normal((fan_in, fan_out))
        for name, total in (("kaiming_start", fan_in), ("xavier_start", fan_in + fan_out)):
            got = getattr(answers, name)(np.random.default_rng(seed), fan_in, fan_out)
            compare(got, draw * np.sqrt(2 / total), what=f"what {name} returned")


def _root_mean_square(y: NDArray) -> float:
    return float(np.sqrt(np.mean(y**2)))


def _gain_mistakes(y: NDArray) -> dict[str, float]:
    square = float(np.mean(y**2))
    return {
        "It lacks the root: the gain multiplies a deviation, so it is 1 / sqrt(mean of f²).": (
            1 / square
        ),
        "It is upside down: the gain makes up for what f keeps, 1 / sqrt(mean of f²).": square**0.5,
        "It is the share that f keeps; the gain is one over its root.": square,
        "It divides by the standard deviation of f, which takes the mean away first. After a ReLU "
        "the mean is not 0, and what the next layer sums are the squares of all of it.": (
            1 / float(y.std())
        ),
        "It divides by the variance of f: take the mean *square*, and its root.": (
            1 / float(y.var())
        ),
        "It sums: take the mean of f².": 1 / float(np.sqrt(np.sum(y**2))),
        "It squares the mean; take the mean of the squares.": 1 / abs(float(np.mean(y))),
        "It takes the mean of |f|; take the root of the mean of f².": 1 / float(np.mean(abs(y))),
    }


def gain_by_numbers(gain: Callable, rng: Generator) -> None:
    r"""Squares 4, 4, 36, 4: mean 12."""
    z = np.array([1.0, -1.0, 3.0, 1.0])
    mistakes = {
        "It takes the mean square of z itself: f comes first.": 1 / 3**0.5,
        **_gain_mistakes(2 * z),
    }
    got = call_unchanged(lambda z: gain(lambda z: 2 * z, z), z=z)
    compare(got, 1 / np.sqrt(12), mistakes=mistakes, what="the gain")


def gain_of_rectifiers(gain: Callable, rng: Generator) -> None:
    r"""ReLU and leaky ReLU on many draws."""
    z = rng.standard_normal(20000)
    for f in (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, z, 0.3 * z), np.tanh):
        y = f(z)
        compare(gain(f, z.copy()), 1 / _root_mean_square(y), mistakes=_gain_mistakes(y))


def gain_of_a_table(gain: Callable, rng: Generator) -> None:
    r"""Draws in two dimensions: still one number."""
    z = rng.standard_normal((50, 7))
    compare(gain(np.sin, z.copy()), 1 / _root_mean_square(np.sin(z)), what="the gain")


def _kaiming(rng: Generator, sizes: Sequence[int], scale: Callable) -> list[NDArray]:
    return [
        rng.standard_normal((fan_out, fan_in)) * scale(fan_in, fan_out)
        for fan_in, fan_out in pairwise(sizes)
    ]


def _layers(answer: Callable, rng: Generator, sizes: list[int]) -> list[NDArray]:
    given = list(sizes)
    got = answer(rng, given)
    if given != sizes:
        raise Wrong("It changes the list `sizes`, and the caller still needs it.")
    if got is None:
        raise Wrong(RETURNED_NONE)
    if not isinstance(got, list | tuple):
        raise Wrong(f"It should return a list of arrays; it returned one {type(got).__name__}.")
    if len(got) != len(sizes) - 1:
        raise Wrong(
            f"{len(sizes)} sizes have {len(sizes) - 1} layers between them; it returned {len(got)}."
        )
    for number, (W, (fan_in, fan_out)) in enumerate(
        zip(got, pairwise(sizes), strict=True), start=1
    ):
        if np.shape(W) == (fan_in, fan_out) and fan_in != fan_out:
            raise Wrong(
                f"Layer {number} has shape ({fan_in}, {fan_out}), NumPy's layout; torch's is "
                f"(fan_out, fan_in) = ({fan_out}, {fan_in})."
            )
    return list(got)


def layers_differ(start_weights: Callable, rng: Generator) -> None:
    r"""Two layers of one shape, and two generators."""
    first, second = _layers(start_weights, np.random.default_rng(_seed(rng)), [5, 5, 5])
    if np.array_equal(first, second):
        raise Wrong(
            "Both layers have the same weights: a generator made anew in each round of the loop "
            "draws the same numbers each time. Use the one that is given."
        )
    other, _ = _layers(start_weights, np.random.default_rng(_seed(rng)), [5, 5, 5])
    if np.array_equal(first, other):
        raise Wrong(
            "It gives the same weights whatever generator it gets: draw from `rng`, and make no "
            "generator inside."
        )


def layers_exactly(start_weights: Callable, rng: Generator) -> None:
    r"""The same draws with the right scale."""
    sizes, seed = [6, 3, 3, 8], _seed(rng)
    mistakes = {
        "It still multiplies by a variance, and of fan_out: two bugs in one line.": (
            lambda fan_in, fan_out: 2 / fan_out
        ),
        "It still multiplies by the variance: take its root.": lambda fan_in, fan_out: 2 / fan_in,
        "It still uses fan_out: in torch's layout fan_in is the second size, `W.shape[1]`.": (
            lambda fan_in, fan_out: (2 / fan_out) ** 0.5
        ),
        "It lacks the 2 that makes up for ReLU.": lambda fan_in, fan_out: fan_in**-0.5,
        "That is Xavier's variance; with ReLU take 2/fan_in.": (
            lambda fan_in, fan_out: (2 / (fan_in + fan_out)) ** 0.5
        ),
        "The 2 stands outside the root.": lambda fan_in, fan_out: 2 / fan_in**0.5,
    }
    got = _layers(start_weights, np.random.default_rng(seed), sizes)
    expected = tuple(
        _kaiming(np.random.default_rng(seed), sizes, lambda fan_in, fan_out: (2 / fan_in) ** 0.5)
    )
    wrong = {
        why: tuple(_kaiming(np.random.default_rng(seed), sizes, scale))
        for why, scale in mistakes.items()
    }
    turned = np.random.default_rng(seed)
    wrong["It draws in NumPy's layout and turns the result: draw the shape (fan_out, fan_in)."] = (
        tuple(turned.standard_normal((a, b)).T * np.sqrt(2 / a) for a, b in pairwise(sizes))
    )
    compare(tuple(got), expected, mistakes=wrong, what="the list")


def layers_keep_the_signal(start_weights: Callable, rng: Generator) -> None:
    r"""Widths up and down: the mean square at the end is what it was at the start."""
    sizes = [100, 400, 50, 400, 50, 400]
    h = rng.standard_normal((200, sizes[0]))
    before = None
    for W in _layers(start_weights, np.random.default_rng(_seed(rng)), sizes):
        y = h @ np.asarray(W).T
        before = before or np.mean(y**2)
        h = np.maximum(y, 0)
    if not before / 4 < np.mean(y**2) < before * 4:
        raise Wrong(
            f"From the first to the last of five layers the mean square changes by a factor of "
            f"{np.mean(y**2) / before:.2g}; it should stay about the same."
        )


EXERCISES = [
    Exercise(
        id="03.1",
        title="Two starts",
        answers=("kaiming_start", "xavier_start"),
        checks=[
            Check("Kaiming's deviation and layout", kaiming_deviation),
            Check("Xavier's deviation and layout", xavier_deviation),
            Check("other sizes", starts_of_any_size),
        ],
        hints=[
            "`rng.standard_normal(shape)` has deviation 1. What happens to the deviation of "
            "numbers that are all multiplied by s? And to the variance?",
            "The deviation is the root of the variance: for Kaiming's start multiply the draw by "
            "`np.sqrt(2 / fan_in)`.",
            "`return rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in)`; Xavier's has "
            "`fan_in + fan_out` in place of `fan_in`.",
        ],
    ),
    Exercise(
        id="03.2",
        title="Measure a gain",
        answers=("gain",),
        checks=[
            Check("the example of the exercise", gain_by_numbers),
            Check("ReLU, leaky ReLU and tanh", gain_of_rectifiers),
            Check("a table of draws", gain_of_a_table),
        ],
        hints=[
            "Read the formula from the inside: first f of z, then squares, then their mean.",
            "`np.mean(f(z) ** 2)` is the mean square. It is not `np.var(f(z))`, which takes the "
            "mean away first.",
            "`return 1 / np.sqrt(np.mean(f(z) ** 2))`.",
        ],
    ),
    Exercise(
        id="03.3",
        title="Find three bugs",
        answers=("start_weights",),
        checks=[
            Check("every layer has its own numbers", layers_differ),
            Check("layout and deviation", layers_exactly),
            Check("the signal keeps its size", layers_keep_the_signal),
        ],
        hints=[
            "Print the first row of each layer's weights in a network of equal widths. What do you "
            "notice?",
            "`W.shape` is (fan_out, fan_in). Which of the two is `W.shape[0]`?",
            "2/fan_in is a variance. What must the draw be multiplied by?",
            "Without the line that makes a generator: `W = rng.standard_normal((fan_out, fan_in))` "
            "and `weights.append(W * np.sqrt(2 / fan_in))`.",
        ],
    ),
]
