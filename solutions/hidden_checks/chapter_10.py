r"""Hidden checks of chapter 10, Adaptive rates."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.exercises.chapter_10 import half_way
from lrcourse.grading.hidden import HiddenCheck


def adagrad_run(adagrad_step: Callable, rng: Generator) -> None:
    r"""Six steps at once: S is a running sum."""
    w, gradients = rng.normal(size=(2, 3)), rng.normal(size=(6, 2, 3))
    rate, epsilon = rng.uniform(0.1, 1), rng.uniform(0.1, 1)
    sums = np.cumsum(gradients**2, axis=0)
    expected = w - rate * np.sum(gradients / (np.sqrt(sums) + epsilon), axis=0)
    S = np.zeros_like(w)
    for g in gradients:
        w, S = adagrad_step(w, S, g.copy(), rate, epsilon)
    compare((w, S), (expected, sums[-1]))


def epsilon_elsewhere(epsilon_for: Callable, rng: Generator) -> None:
    r"""Other numbers of steps, other starts."""
    for steps, start in ((45, 3.0), (400, 0.3), (800, 7.0)):
        count = half_way(float(epsilon_for(steps, start)), start, 2 * steps)
        if abs(count - steps) > 0.06 * steps:
            raise Wrong(f"From {start:g} it takes {count} steps, not {steps}.")


def adam_of_sums(adam_step: Callable, rng: Generator) -> None:
    r"""Other betas: m and v as weighted sums of all gradients."""
    w, gradients = rng.normal(size=(2, 2)), rng.normal(size=(7, 2, 2))
    beta1, beta2 = rng.uniform(0.3, 0.95, size=2)
    rate, epsilon = rng.uniform(0.01, 1), rng.uniform(0.01, 1)
    expected = w.copy()
    for t in range(1, 8):
        ages = np.arange(t)[::-1]
        one, two = ((1 - b) / (1 - b**t) * b**ages for b in (beta1, beta2))
        m_hat = np.tensordot(one, gradients[:t], 1)
        expected -= rate * m_hat / (np.tensordot(two, gradients[:t] ** 2, 1) ** 0.5 + epsilon)
    state = w, np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        state = adam_step(*state, g.copy(), rate, t, beta1, beta2, epsilon)
    compare(state[0], expected, what="w")


def run_by_columns(adam_run: Callable, rng: Generator) -> None:
    r"""Each weight by itself, as an array of one, gives the same."""
    w, gradients = rng.normal(size=4), rng.normal(size=(6, 4))
    together = adam_run([w.copy()], [[g.copy()] for g in gradients], 0.05)
    apart = adam_run(list(w[:, None]), [list(g[:, None].copy()) for g in gradients], 0.05)
    expected, m, v = w.copy(), np.zeros(4), np.zeros(4)
    for t, g in enumerate(gradients, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        expected -= 0.05 * m / (1 - 0.9**t) / ((v / (1 - 0.999**t)) ** 0.5 + 1e-8)
    compare(together[0], expected)
    compare(np.ravel(apart), expected)


CHECKS = {
    "10.1": [
        HiddenCheck(
            "six steps of a matrix",
            adagrad_run,
            points=2,
            hint="Feed w and S of one step into the next; S must keep every gradient.",
        ),
    ],
    "10.2": [
        HiddenCheck(
            "other steps and starts",
            epsilon_elsewhere,
            points=2,
            hint="Count the steps of a run with your epsilon, from starts far from 1 too.",
        ),
    ],
    "10.3": [
        HiddenCheck(
            "seven steps, other betas and epsilon",
            adam_of_sums,
            points=2,
            hint="Use the beta1, beta2 and epsilon that are given, and t as it comes.",
        ),
    ],
    "10.4": [
        HiddenCheck(
            "four weights together and apart",
            run_by_columns,
            points=2,
            hint="Split one array into several: the result must be the same.",
        ),
    ],
}
