r"""Hidden checks of chapter 10, Adaptive rates."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import compare
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


def adadelta_run(adadelta_step: Callable, rng: Generator) -> None:
    r"""Number by number, over five steps."""
    start, gradients = rng.normal(size=4), rng.normal(size=(5, 4))
    rho, epsilon = rng.uniform(0.3, 0.95), rng.uniform(0.01, 0.5)
    expected = np.empty((3, 4))
    for k, at in enumerate(start.tolist()):
        seen = moved = 0.0
        for g in gradients[:, k].tolist():
            seen = rho * seen + (1 - rho) * g * g
            u = g * (moved + epsilon) ** 0.5 / (seen + epsilon) ** 0.5
            moved, at = rho * moved + (1 - rho) * u * u, at - u
        expected[:, k] = at, seen, moved
    state = start, np.zeros(4), np.zeros(4)
    for g in gradients:
        state = adadelta_step(*state, g.copy(), rho, epsilon)
    compare(tuple(state), tuple(expected))


def adam_run(adam_step: Callable, rng: Generator) -> None:
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
    state = w, np.zeros_like(w), np.zeros_like(w), 0
    for g in gradients:
        state = adam_step(*state, g.copy(), rate, beta1, beta2, epsilon)
    compare(state[0], expected, what="w")
    compare(state[3], 7, what="t")


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
            "five steps, other rho and epsilon",
            adadelta_run,
            points=2,
            hint="In which order are S, u and D brought up to date? Where does epsilon stand?",
        ),
    ],
    "10.3": [
        HiddenCheck(
            "seven steps, other betas and epsilon",
            adam_run,
            points=2,
            hint="Use the beta1, beta2 and epsilon that are given, and the t after counting up.",
        ),
    ],
}
