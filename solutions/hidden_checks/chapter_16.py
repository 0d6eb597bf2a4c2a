r"""Hidden checks of chapter 16, The edge comes to you."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.exercises.chapter_16 import (
    BUDGET,
    Products,
    Waves,
    ends_as_ordered,
    leaps_far_enough,
    trained,
)
from lrcourse.grading.hidden import HiddenCheck


def products_elsewhere(hessian_vector: Callable, rng: Generator) -> None:
    r"""Nine weights, at several places, with vectors of several lengths."""
    for size in (1e-4, 1.0, 1e3):
        waves = Waves(rng, 9)
        w, v = rng.normal(size=(2, 9))
        right = waves.hessian(w) @ (size * v)
        compare(hessian_vector(waves, w.copy(), size * v), right)


def largest_of_more_matrices(largest_eigenvalue: Callable, rng: Generator) -> None:
    r"""Twelve eigenvalues, the largest in magnitude on either side."""
    for low, high in ((-3.0, 8.0), (-8.0, 3.0), (-5.0, -1.0), (1.0, 4.0)):
        values = np.concatenate([[low, high], np.linspace(low, high - 0.3 * (high - low), 10)])
        product = Products(values, rng)
        compare(largest_eigenvalue(product, rng.normal(size=12)), high, tolerance=2e-3)
        if product.calls > BUDGET:
            raise Wrong(f"It called `product` {product.calls} times.")


def leaps_elsewhere(leap: Callable, rng: Generator) -> None:
    r"""Two more networks."""
    leaps_far_enough(leap, rng, ((40, 1.0, 5, 7.0), (32, 0.8, 6, 0.02)))


def other_orders(rate_for: Callable, rng: Generator) -> None:
    r"""Two more orders, from another start."""
    ends_as_ordered(rate_for, rng, ((9.0, 0.8), (7.0, 0.3)), seed=0)


def trains_on_noise(train: Callable, rng: Generator) -> None:
    r"""Gradients of any length, and warm-ups of several."""
    for warmup in (1, 3, 20):
        noise = rng.normal(size=(12, 6)) * rng.uniform(0.1, 9, size=(12, 1))
        w = rng.normal(size=6)
        given = (lambda w, t, noise=noise: 0.1 * np.asarray(w) + noise[t - 1], w, 0.3, warmup, 2.0)
        compare(train(*given, 12), trained(*given, 12))


CHECKS = {
    "16.1": [
        HiddenCheck(
            "nine weights, vectors of several lengths",
            products_elsewhere,
            points=2,
            hint="Go the same short way whatever the length of v, and to both sides.",
        ),
    ],
    "16.2": [
        HiddenCheck(
            "more matrices",
            largest_of_more_matrices,
            points=2,
            hint="Try matrices whose eigenvalues you chose, with the largest on either side of 0.",
        ),
    ],
    "16.3": [
        HiddenCheck(
            "two more networks",
            leaps_elsewhere,
            points=2,
            hint="Measure the sharpness of the network that you are given, and stay off the limit.",
        ),
    ],
    "16.4": [
        HiddenCheck(
            "two more orders",
            other_orders,
            points=2,
            hint="Where does Nesterov's rule break, as a product of rate and curvature?",
        ),
    ],
    "16.5": [
        HiddenCheck(
            "noisy gradients, warm-ups of several lengths",
            trains_on_noise,
            points=2,
            hint="Print number, rate and length of each step, and compare with the text.",
        ),
    ],
}
