r"""Hidden checks of chapter 18, The hidden rate."""

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.exercises.chapter_18 import ROOM, TARGET, by_block
from lrcourse.grading.hidden import HiddenCheck


def turns_by_a_given_angle(turn: Callable, rng: Generator) -> None:
    r"""Weights turned in a plane, by any angle, and stretched."""
    for theta in (*rng.uniform(0.01, 3.1, size=4), 0.002):
        u, v = np.linalg.qr(rng.normal(size=(12, 2)))[0].T
        after = 0.3 * (math.cos(theta) * u + math.sin(theta) * v)
        compare(turn(7 * u.reshape(3, 4), after.reshape(3, 4)), theta, tolerance=1e-4)


def balances_many_steps(balance: Callable, rng: Generator) -> None:
    r"""Norm and angle after many steps from a length of 1."""
    for _ in range(4):
        rate, pull = rng.uniform(0.1, 3, size=2)
        decay, n = rng.uniform(0.05, 0.9) / rate, 1.0
        for _ in range(3000):
            n = math.hypot((1 - rate * decay) * n, rate * pull / n)
        angle = math.atan2(rate * pull / n, (1 - rate * decay) * n)
        compare(balance(rate, decay, pull), (n, angle), tolerance=1e-5)


def halves_without_noise(halving_factor: Callable, rng: Generator) -> None:
    r"""A rule whose gradients get shorter by the square of the length."""

    def run(rate: float, decay: float, steps: int) -> np.ndarray:
        n, norms = 4.0, []
        for _ in range(int(steps)):
            n = math.hypot((1 - rate * decay) * n, rate / n**2)
            norms.append(n)
        return np.array(norms)

    got, right = halving_factor(run, 0.5, 0.02), 0.25 ** (1 / 6)
    if abs(got / right - 1) > 0.03:
        raise Wrong(f"It finds {got:.3f}, where {right:.3f} is expected.")


def keeps_the_appointment(rate_and_decay: Callable, rng: Generator) -> None:
    r"""Five more seeds, with a little more room."""
    rate, decay = rate_and_decay()
    blocks = by_block(float(rate), float(decay), range(200, 205))[1:]
    if (abs(blocks / TARGET - 1) > ROOM + 0.03).any():
        raise Wrong(f"With other seeds steps 51 to 300 turn by {blocks.round(3).tolist()}.")


def only_decays(adamw: Callable, rng: Generator) -> None:
    r"""Without gradients only the weights of matrices move, by a product of factors."""
    rates, w = rng.uniform(0.1, 1, size=7), rng.normal(size=5)
    names = ["2.gamma", "0.W", "2.beta", "4.b", "4.W"]
    got = adamw(w.copy(), names, lambda w: np.zeros(5), rates, 0.3)
    matrix = np.array([name.endswith("W") for name in names])
    compare(got, w * np.where(matrix, np.prod(1 - 0.3 * rates), 1))


CHECKS = {
    "18.1": [
        HiddenCheck(
            "a turn by a given angle",
            turns_by_a_given_angle,
            points=2,
            hint="Turn a vector in a plane by an angle that you choose, and stretch it.",
        ),
    ],
    "18.2": [
        HiddenCheck(
            "three thousand steps",
            balances_many_steps,
            points=2,
            hint="Take the step with Pythagoras many times, and look where the length ends.",
        ),
    ],
    "18.3": [
        HiddenCheck(
            "another rule",
            halves_without_noise,
            points=2,
            hint="The factor depends on the rule: measure it in balance.",
        ),
    ],
    "18.4": [
        HiddenCheck(
            "five more seeds for the angle",
            keeps_the_appointment,
            points=2,
            hint="Take a rate in the middle of those that work, with more than one seed.",
        ),
    ],
    "18.5": [
        HiddenCheck(
            "no gradient at all",
            only_decays,
            points=2,
            hint="With gradients of 0, which weights should move, and by which factor?",
        ),
    ],
}
