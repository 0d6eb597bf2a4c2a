r"""Hidden checks of chapter 11, Signs only."""

import math
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import compare
from lrcourse.grading.hidden import HiddenCheck


def _one(w: float, delta: float, g: float, previous: float) -> tuple[float, float, float]:
    sign, before = (g > 0) - (g < 0), (previous > 0) - (previous < 0)
    if sign * before > 0:
        delta = min(1.2 * delta, 0.006)
    elif sign * before < 0:
        return w, max(0.5 * delta, 0.001), 0.0
    return w - sign * delta, delta, g


def every_pair_of_signs(irprop_step: Callable, rng: Generator) -> None:
    r"""Up, flat and down, after up, flat and down, at small and large steps."""
    sizes = (0.001, 0.0015, 0.003, 0.0055, 0.006)
    cases = [
        (rng.normal(), delta, s * rng.uniform(0.1, 9), p * rng.uniform(0.1, 9))
        for s, p, delta in product((-1, 0, 1), (-1, 0, 1), sizes)
    ]
    given = [np.array(column) for column in zip(*cases, strict=True)]
    expected = tuple(np.array(column) for column in zip(*(_one(*c) for c in cases), strict=True))
    compare(irprop_step(*given), expected)


def drift_anywhere(drift: Callable, rng: Generator) -> None:
    r"""Either side of 0, and far out, where hardly any step flips."""
    for a in (*rng.uniform(-3, 3, size=6), -8.0, 8.0):
        below = math.erfc(a / 2**0.5) / 2
        flip = 2 * below * (1 - below)
        compare(drift(float(a)), (1 - flip) * math.log(1.2) - flip * math.log(2))


def balance_anywhere(balance: Callable, rng: Generator) -> None:
    r"""By the share of steps that agree and that flip, from the chain of plus, minus and 0."""
    for _ in range(4):
        increase, decrease = rng.uniform(1.05, 1.4), rng.uniform(0.3, 0.6)
        low, high = 0.0, 4.0
        for _ in range(40):
            a = (low + high) / 2
            p = 1 - math.erfc(a / 2**0.5) / 2
            q = 1 - p
            grows = (p * p / q + q * q / p) * math.log(increase) + math.log(decrease) > 0
            low, high = (low, a) if grows else (a, high)
        compare(balance(increase, decrease), low, tolerance=0.05)


def long_run(irprop_run: Callable, rng: Generator) -> None:
    r"""Many epochs of different lengths, weight by weight."""
    w = rng.normal(size=3)
    epochs = [list(rng.normal(0.5, 1, size=(int(n), 3))) for n in rng.integers(1, 7, size=8)]
    expected = []
    for k, at in enumerate(w.tolist()):
        delta, previous = 0.001, 0.0
        for g in np.concatenate(epochs)[:, k].tolist():
            at, delta, previous = _one(at, delta, g, previous)
        expected.append((at, delta))
    compare(irprop_run(epochs, w.copy()), tuple(np.array(expected).T))


CHECKS = {
    "11.1": [
        HiddenCheck(
            "every pair of signs, five step sizes",
            every_pair_of_signs,
            points=3,
            hint="Make a table of the nine pairs of signs: what does each do to w, delta and G?",
        ),
    ],
    "11.2": [
        HiddenCheck(
            "both sides of 0, and far out",
            drift_anywhere,
            points=2,
            hint="The formula is the same for a and -a. Use the function, not a table.",
        ),
    ],
    "11.3": [
        HiddenCheck(
            "other factors",
            balance_anywhere,
            points=2,
            hint="Use both factors; the logarithms of the step sizes must keep their mean.",
        ),
    ],
    "11.4": [
        HiddenCheck(
            "eight epochs of different lengths",
            long_run,
            points=2,
            hint="What should an epoch's first gradient be compared with?",
        ),
    ],
}
