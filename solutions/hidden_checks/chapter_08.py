r"""Hidden checks of chapter 08, Sequences and strategies."""

from collections.abc import Callable
from fractions import Fraction
from math import comb

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.grading.hidden import HiddenCheck


def teeth_far_out(saw_tooth: Callable, rng: Generator) -> None:
    r"""In exact fractions, for teeth of one rate and of many, and far along."""
    for period in (1, 2, 7, 25):
        for n in (1, period, period + 1, 2 * period, 100 * period, 100 * period + 1, 1234):
            tooth = 1
            while n > tooth * period:
                tooth += 1
            left = tooth * period - n + 1
            compare(saw_tooth(n, period), float(Fraction(left, period * tooth)))


def _rates(losses: list, sequence: list, rate: float, due: Callable) -> list[float]:
    # The contract of both strategies; due gets the losses so far and how many rates were taken.
    changes = [k for k, one in enumerate(sequence) if one != rate]
    coming, taken, rates = sequence[changes[0] :] if changes else [], 0, [rate]
    for t in range(1, len(losses) + 1):
        if t > 1 and taken < len(coming) and due(losses[:t], taken):
            taken += 1
        rates.append(coming[taken - 1] if taken else rate)
    return rates


def _compare_random_runs(answer: Callable, rng: Generator, due: Callable) -> None:
    for number in range(30):
        moves = rng.choice([-1, 0, 1], size=12) * 10 ** rng.uniform(-6, -1, size=12)
        losses = (rng.uniform(0.5, 3) * np.exp(np.cumsum(moves))).tolist()
        front = [0.4] * (number % 3)
        sequence = front + rng.choice([0.4, 0.3, 0.2, 0.1], size=int(rng.integers(0, 7))).tolist()
        given, heard = list(sequence), list(losses)
        compare(answer(heard, given, 0.4), _rates(losses, sequence, 0.4, due))
        if given != sequence or heard != losses:
            raise Wrong("It changes `losses` or `sequence`.")


def cutoffs_of_random_runs(cutoff_rates: Callable, rng: Generator) -> None:
    r"""Moves up, down and none, of all sizes; fronts that are no change; lists that run out."""

    def due(losses: list, taken: int) -> bool:
        cutoff = 0.01 * losses[0]
        for _ in range(taken):
            cutoff *= 0.2
        return abs(losses[-1] - losses[-2]) < cutoff

    _compare_random_runs(cutoff_rates, rng, due)


def oscillations_of_random_runs(oscillation_rates: Callable, rng: Generator) -> None:
    r"""The same runs, by rises."""
    _compare_random_runs(oscillation_rates, rng, lambda losses, taken: losses[-1] > losses[-2])


def luck_by_the_formula(best_by_luck: Callable, rng: Generator) -> None:
    r"""The exact mean of a maximum, from the chances of all counts."""
    for accuracy, images, settings in ((0.6, 300, 5), (0.95, 800, 20), (0.4, 1000, 8)):
        counts = np.arange(images + 1)
        chances = [
            float(
                comb(images, k)
                * Fraction(accuracy).limit_denominator(100) ** k
                * (1 - Fraction(accuracy).limit_denominator(100)) ** (images - k)
            )
            for k in counts.tolist()
        ]
        below = np.clip(np.cumsum(chances), 0, 1) ** settings
        lead = float(np.sum(1 - below[:-1])) - images * accuracy
        got = np.mean([best_by_luck(accuracy, images, settings, rng) for _ in range(2)])
        compare(got, lead, tolerance=0.06)


CHECKS = {
    "08.1": [
        HiddenCheck(
            "teeth of one rate, and far along",
            teeth_far_out,
            points=2,
            hint="Nothing bounds n or period; with period 1 each tooth is a single rate.",
        ),
    ],
    "08.2": [
        HiddenCheck(
            "thirty random runs",
            cutoffs_of_random_runs,
            points=2,
            hint="Lists may be empty, begin with learning_rate, or run out; a loss may stay.",
        ),
    ],
    "08.3": [
        HiddenCheck(
            "thirty random runs, by rises",
            oscillations_of_random_runs,
            points=2,
            hint="Lists may be empty, begin with learning_rate, or run out; a loss may stay.",
        ),
    ],
    "08.4": [
        HiddenCheck(
            "other numbers of settings",
            luck_by_the_formula,
            points=2,
            hint="Draw a few thousand times; the mean should hold for any accuracy and any number.",
        ),
    ],
}
