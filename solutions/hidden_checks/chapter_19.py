r"""Hidden checks of chapter 19, No end date."""

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.exercises.chapter_19 import stopped
from lrcourse.grading.hidden import HiddenCheck


def mean_of_a_long_path(mean_step: Callable, rng: Generator) -> None:
    r"""Fifty weights and any decay, against the shares written out."""
    path, decay = rng.normal(size=(50, 4)), float(rng.uniform(0.7, 0.98))
    mean = np.zeros(4)
    for t, w in enumerate(path, start=1):
        mean = mean_step(mean, w.copy(), t, decay)
    shares = decay ** np.arange(50)[::-1]
    compare(mean, shares @ path / shares.sum())


def x_is_a_mean_by_squares(schedule_free_step: Callable, rng: Generator) -> None:
    r"""Ten steps: z is a sum of steps, and x their mean by squared rates."""
    start, gradients = rng.normal(size=3), rng.normal(size=(10, 3))
    rates, beta = np.sort(rng.uniform(0.1, 1, size=10)), float(rng.uniform(0.5, 0.95))
    state = start, start, 0.0
    for g, rate in zip(gradients, rates, strict=True):
        *state, y = schedule_free_step(*state, g.copy(), float(rate), beta)
    z = start - np.cumsum(rates[:, None] * gradients, axis=0)
    x = rates**2 @ z / (rates @ rates)
    compare(y, beta * x + (1 - beta) * z[-1])


def keeps_an_early_best(free_training: Callable, rng: Generator) -> None:
    r"""The error is lowest at the first measurement."""
    start, asked = rng.normal(size=2), []

    def statistics(w: np.ndarray) -> np.ndarray:
        asked.append(np.array(w))
        return np.array([float(np.sum(w))])

    def error(w: np.ndarray, measured: np.ndarray) -> float:
        return float(len(asked))

    got = free_training(lambda w: np.ones(2), statistics, error, start, [0.5] * 6, 2)
    compare(got[0], start - 0.75)
    compare(got[1], [float(np.sum(start)) - 1.5])


def any_time_elsewhere(any_time: Callable, rng: Generator) -> None:
    r"""Five more seeds, with a little more room."""
    way, rate = any_time()
    found = np.mean([stopped(way, rate, 200 + seed, "held") for seed in range(5)])
    if found > 18.5:
        raise Wrong(f"With other seeds the mean over the stops is {found:.2f} %.")


def forgiven_elsewhere(forgiven: Callable, rng: Generator) -> None:
    r"""A valley with walls that curve."""

    def run(guess: float) -> float:
        place = math.log10(guess)
        return 20 + max(0.0, abs(place + 4) - 1.5) ** 2

    got = forgiven(run, 1e-8, 1.0, 1.0)
    if abs(got - 5) > 0.2:
        raise Wrong(f"It finds {got:.2f} decades, where 5 are expected.")


CHECKS = {
    "19.1": [
        HiddenCheck(
            "fifty weights",
            mean_of_a_long_path,
            points=2,
            hint="Feed the mean of one step into the next, and write the shares out.",
        ),
    ],
    "19.2": [
        HiddenCheck(
            "ten steps with rising rates",
            x_is_a_mean_by_squares,
            points=2,
            hint="x is the mean of all z, each counted by the square of its rate.",
        ),
    ],
    "19.3": [
        HiddenCheck(
            "the best comes first",
            keeps_an_early_best,
            points=2,
            hint="What is returned must be as it was when it was measured.",
        ),
    ],
    "19.4": [
        HiddenCheck(
            "five more seeds",
            any_time_elsewhere,
            points=2,
            hint="Choose a rate in the middle of the good ones, by the mean of several seeds.",
        ),
    ],
    "19.5": [
        HiddenCheck(
            "walls that curve",
            forgiven_elsewhere,
            points=2,
            hint="Halve the gap at each end, in the logarithm of the guess.",
        ),
    ],
}
