r"""Hidden checks of chapter 03, Starting well."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.grading.hidden import HiddenCheck


def _normal(seed: int, variance: float, shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, variance**0.5, shape)


def starts_of_narrow_layers(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Layers of one unit, and a second draw from the same generator."""
    for fan_in, fan_out in ((1, 1), (1, 6), (7, 1)):
        for start, parts in (("kaiming_start", fan_in), ("xavier_start", fan_in + fan_out)):
            seed, draw = int(rng.integers(10**6)), getattr(answers, start)
            got = draw(np.random.default_rng(seed), fan_in, fan_out)
            compare(got, _normal(seed, 2 / parts, (fan_in, fan_out)))


def gain_of_any_function(gain: Callable, rng: Generator) -> None:
    r"""Functions whose mean is not 0, and tables of any shape."""
    for f in (np.cos, np.exp, lambda z: np.maximum(z, 0) + 1):
        for shape in ((5,), (2, 3, 4)):
            z = rng.normal(size=shape)
            compare(gain(f, z.copy()), np.sqrt(z.size) / np.linalg.norm(f(z)))


def one_layer_and_many(start_weights: Callable, rng: Generator) -> None:
    r"""A single pair, equal widths, and a funnel."""
    for sizes in ([4, 3], [3, 3, 3], [9, 5, 2, 1]):
        seed = int(rng.integers(10**6))
        got = start_weights(np.random.default_rng(seed), list(sizes))
        if not isinstance(got, list | tuple) or len(got) != len(sizes) - 1:
            raise Wrong("It does not return one array for each pair of neighbours.")
        same = np.random.default_rng(seed)
        for weights, fan_in, fan_out in zip(got, sizes, sizes[1:], strict=False):
            compare(weights, same.normal(0, (2 / fan_in) ** 0.5, (fan_out, fan_in)))


CHECKS = {
    "03.1": [
        HiddenCheck(
            "layers with one input or one output",
            starts_of_narrow_layers,
            points=2,
            hint="The formulas hold for every fan_in and fan_out, also for 1.",
        ),
    ],
    "03.2": [
        HiddenCheck(
            "other functions and shapes",
            gain_of_any_function,
            points=2,
            hint="The mean is over all entries of f(z)^2, and nothing is subtracted from it.",
        ),
    ],
    "03.3": [
        HiddenCheck(
            "one layer, equal widths, a funnel",
            one_layer_and_many,
            points=2,
            hint="How many arrays does a list of two widths make? Which one is the fan_in?",
        ),
    ],
}
