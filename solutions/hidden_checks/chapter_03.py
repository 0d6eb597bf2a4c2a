r"""Hidden checks of chapter 03, Starting well."""

from collections.abc import Callable
from statistics import pvariance
from types import SimpleNamespace

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.exercises.chapter_03 import gradient_ratio
from lrcourse.grading.hidden import HiddenCheck


def starts_of_narrow_layers(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Layers of one unit: in float64, or in float32, whose draws have other numbers."""
    for shape in ((1, 1), (1, 6), (7, 1)):
        for name, parts in (("kaiming", shape[0]), ("xavier", sum(shape))):
            seed, start = int(rng.integers(10**6)), getattr(answers, name)
            got = np.asarray(start(np.random.default_rng(seed), *shape))
            draw = np.random.default_rng(seed).standard_normal(
                shape, np.float32 if got.dtype == np.float32 else np.float64
            )
            compare(got, draw * (2 / parts) ** 0.5)


def gain_of_any_function(gain: Callable, rng: Generator) -> None:
    r"""Functions whose mean is not 0, or that are nearly always 0."""
    z = np.linspace(-8, 8, 100_001)
    density = np.exp(-(z**2) / 2)
    for f in (lambda z: np.maximum(z, 0) + 1, lambda z: np.sin(3 * z), lambda z: z * (z > 0.5)):
        compare(gain(f), (density.sum() / (density @ f(z) ** 2)) ** 0.5, tolerance=0.03)


def spread_of_any_table(spread_between_images: Callable, rng: Generator) -> None:
    r"""One unit, one image, and constants that are large."""
    for shape in ((6, 1), (1, 4), (5, 3)):
        y = rng.normal(size=shape) + 100 * rng.normal(size=shape[1])
        found = np.sqrt(sum(pvariance(unit) for unit in y.T) / shape[1])
        got = np.asarray(spread_between_images(y.copy()))
        compare(got + 1, found + 1)


def other_draws(sigmoid_variance: Callable, rng: Generator) -> None:
    r"""The gradient of ten sigmoid layers, on draws that nobody has tuned for."""
    ratio = gradient_ratio(
        lambda n: float(sigmoid_variance(n)), rng.integers(10**6, size=12).tolist()
    )
    if not 0.15 < ratio < 6:
        raise Wrong("On other draws the gradient does not reach layer 1 in its size.")


def one_layer_and_many(initial_weights: Callable, rng: Generator) -> None:
    r"""A single pair, equal widths, and a funnel."""
    for sizes in ([4, 3], [3, 3, 3], [9, 5, 2, 1]):
        seed = int(rng.integers(10**6))
        got = initial_weights(np.random.default_rng(seed), list(sizes))
        if not isinstance(got, list | tuple) or len(got) != len(sizes) - 1:
            raise Wrong("It does not return one array for each pair of neighbours.")
        same = np.random.default_rng(seed)
        for weights, fan_in, fan_out in zip(got, sizes, sizes[1:], strict=False):
            kind = np.float32 if np.asarray(weights).dtype == np.float32 else np.float64
            draw = same.standard_normal((fan_out, fan_in), kind)
            compare(weights, draw * (2 / fan_in) ** 0.5)


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
            "other functions",
            gain_of_any_function,
            points=2,
            hint="Nothing is known about f beyond its values, and nothing is subtracted from them.",
        ),
    ],
    "03.3": [
        HiddenCheck(
            "one unit, one image, large constants",
            spread_of_any_table,
            points=2,
            hint="A constant of a unit, however large, must not count.",
        ),
    ],
    "03.4": [
        HiddenCheck(
            "other draws",
            other_draws,
            points=2,
            hint="Average over several draws, so that the variance suits them all.",
        ),
    ],
    "03.5": [
        HiddenCheck(
            "one layer, equal widths, a funnel",
            one_layer_and_many,
            points=2,
            hint="How many arrays does a list of two widths make? Which one is the fan_in?",
        ),
    ],
}
