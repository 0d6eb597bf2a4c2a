r"""Hidden checks of chapter 07, Schedules."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.grading.hidden import HiddenCheck


def decays_far_out(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Stairs of one epoch, a drop that raises, and three drops."""
    for every, drop in ((1, 0.9), (7, 0.3), (4, 1.5)):
        rate = rng.uniform(0.1, 2)
        expected = rate
        for epoch in range(30):
            if epoch and epoch % every == 0:
                expected *= drop
            compare(answers.step_decay(epoch, rate, drop, every), expected)
        k = answers.matching_decay(drop, every)
        compare(np.exp(-k * 3 * every), drop**3, what="matching_decay, after three drops,")


def shapes_at_the_ends(answers: SimpleNamespace, rng: Generator) -> None:
    r"""No warm-up, a long one; a triangle of single steps, and far along."""
    top, low, high = rng.uniform(0.1, 1, size=3)
    for steps, warm in ((9, 0), (9, 8), (30, 5)):
        counts = range(steps + 1)
        shares = [(step - warm) / (steps - warm) for step in counts]
        falling = top * np.cos(np.pi / 2 * np.array(shares)) ** 2
        expected = [top * s / warm if s < warm else falling[s] for s in counts]
        got = [answers.warm_cosine(step, steps, warm, top) for step in counts]
        compare(got, expected, what="warm_cosine")
    for half in (1, 3):
        for step in (0, 1, 2, 3, 7, 100, 1001):
            expected = np.interp(step % (2 * half), [0, half, 2 * half], [low, high, low])
            compare(answers.triangle(step, low, high, half), expected, what="triangle")


def rates_for_any_budget(my_rates: Callable, rng: Generator) -> None:
    r"""The expected loss by the eigenvalues of one step, against every constant rate."""
    curvatures = np.array([1.0, 0.1])
    for steps in (60, 150, 500, 900):
        rates = np.array(my_rates(steps), dtype=float)
        compare(rates, np.zeros(steps), tolerance=np.inf)
        constant = np.repeat(np.geomspace(0.01, 1, 50)[:, None], steps, axis=1)
        losses = []
        for run in (rates, *constant):
            shrink = 1 - run[:, None] * curvatures
            after = np.cumprod(shrink[::-1], axis=0)[::-1]  # the factor of all later steps
            later = np.concatenate([after[1:], np.ones((1, 2))])
            square = 9 * after[0] ** 2 + np.sum((run[:, None] * later) ** 2, axis=0)
            losses.append(curvatures @ square / 2)
        if not losses[0] <= 0.8 * min(losses[1:]) * 1.001:
            raise Wrong(f"With {steps} steps the loss is above 0.8 of the best constant rate's.")


CHECKS = {
    "07.1": [
        HiddenCheck(
            "stairs of one epoch, and far along",
            decays_far_out,
            points=2,
            hint="Nothing bounds drop or epoch; with every=1 each epoch has its own rate.",
        ),
    ],
    "07.3": [
        HiddenCheck(
            "no warm-up, and hundreds of steps",
            shapes_at_the_ends,
            points=2,
            hint="With warm=0 the cosine begins at step 0. The triangle repeats for ever.",
        ),
    ],
    "07.4": [
        HiddenCheck(
            "budgets of 60 to 900 steps",
            rates_for_any_budget,
            points=2,
            hint="The goal is asked of every budget from 50 to 1,000 steps.",
        ),
    ],
}
