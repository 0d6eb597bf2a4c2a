r"""Hidden checks of chapter 07, Schedules."""

from types import SimpleNamespace

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import compare
from lrcourse.grading.hidden import HiddenCheck


def decays_far_out(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Stairs of one epoch, a drop that raises, and epochs by the hundred."""
    for every, drop in ((1, 0.9), (7, 0.3), (4, 1.5)):
        rate, decay = rng.uniform(0.1, 2, size=2)
        expected = rate
        for epoch in range(30):
            if epoch and epoch % every == 0:
                expected *= drop
            compare(answers.step_decay(epoch, rate, drop, every), expected)
        for epoch in (0, 3, 200):
            got = answers.exponential_decay(epoch, rate, decay / 100)
            compare(np.log(got), np.log(rate) - decay / 100 * epoch)


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
}
