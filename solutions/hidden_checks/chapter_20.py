r"""Hidden checks of chapter 20, A step for a matrix."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.grading.hidden import HiddenCheck
from lrcourse.optim import Muon, newton_schulz


def no_step_is_steeper(steepest: Callable, rng: Generator) -> None:
    r"""By what it is asked for: the limit, the sum, and the length, at any rank."""
    for m, n, rank in ((1, 6, 1), (7, 1, 1), (5, 5, 3), (4, 9, 4), (9, 4, 2)):
        G = rng.normal(size=(m, rank)) @ rng.normal(size=(rank, n))
        D = np.asarray(steepest(G.copy()), dtype=float)
        compare(D.shape, (m, n))
        values = np.linalg.svd(D, compute_uv=False)
        compare(values.max(), 1.0, tolerance=1e-4)
        compare(np.sum(G * D), np.linalg.svd(G, compute_uv=False).sum(), tolerance=1e-4)
        compare(np.sum(D**2), float(rank), tolerance=1e-4)


def polynomial_in_other_axes(powers: Callable, rng: Generator) -> None:
    r"""By a matrix made of known singular values; a 0 stays 0."""
    for m, n in ((4, 4), (3, 7), (8, 3)):
        k = min(m, n)
        U, V = (np.linalg.qr(rng.normal(size=(size, k)))[0] for size in (m, n))
        s, (a, b, c) = np.r_[0.0, rng.uniform(0.1, 1.2, size=k - 1)], rng.normal(size=3)
        expected = U * (a * s + b * s**3 + c * s**5) @ V.T
        compare(powers(U * s @ V.T, float(a), float(b), float(c)), expected)


def real_matrices_are_levelled(coefficients: Callable, rng: Generator) -> None:
    r"""Matrices with singular values from 0.05 to 1, by the package's own iteration."""
    a, b, c = (float(value) for value in coefficients())
    for shape in ((30, 30), (12, 40), (50, 20)):
        k = min(shape)
        U, V = (np.linalg.qr(rng.normal(size=(size, k)))[0] for size in shape)
        s = rng.uniform(0.05, 1, size=k)
        X = U * s @ V.T
        for _ in range(3):
            A = X @ X.T
            X = a * X + (b * A + c * A @ A) @ X
        values = np.linalg.svd(X, compute_uv=False)[:k]
        if abs(values - 1).max() > 0.121:
            raise Wrong(
                f"A matrix ends with singular values {values.min():.2f} to {values.max():.2f}."
            )


def as_the_package(muon_run: Callable, rng: Generator) -> None:
    r"""Long runs of any shape beside the package's rule."""
    from lrcourse.nn import Part

    for shape in ((2, 9), (9, 2), (6, 6)):
        w = rng.normal(size=shape[0] * shape[1])
        gradients, rate, momentum = rng.normal(size=(30, *shape)), 0.02, float(rng.uniform(0, 0.99))
        got = muon_run(w.reshape(shape).copy(), list(gradients), rate, momentum)
        rule = Muon(parts=[Part("0.W", slice(0, w.size), shape)], momentum=momentum)
        for g in gradients:
            rule.step(w, g.ravel().copy(), rate)
        compare(got, w.reshape(shape))


def controls_of_stacks(matched: Callable, rng: Generator) -> None:
    r"""Two leading axes, with a dead matrix among them."""
    u = rng.normal(size=(2, 3, 4, 5)) * rng.uniform(0.01, 100, size=(2, 3, 1, 1))
    u[1, 0] = 0
    step = newton_schulz(u) * rng.uniform(0.1, 3, size=(2, 3, 1, 1))
    got = np.asarray(matched(u.copy(), step.copy()), dtype=float)
    compare(got.shape, u.shape)
    for one, along, wanted in zip(*(x.reshape(6, 4, 5) for x in (got, u, step)), strict=True):
        length = np.sqrt((along**2).sum())
        expected = along / length * np.sqrt((wanted**2).sum()) if length else 0 * along
        compare(one, expected)


CHECKS = {
    "20.1": [
        HiddenCheck(
            "any shape and any rank",
            no_step_is_steeper,
            points=3,
            hint="Check three numbers of your D: its largest singular value, the sum of G * D, and "
            "the sum of its squares, which should be the rank of G.",
        ),
    ],
    "20.2": [
        HiddenCheck(
            "singular values known beforehand",
            polynomial_in_other_axes,
            points=2,
            hint="Build X from a U, an s and a V of your own, and look at what becomes of s.",
        ),
    ],
    "20.3": [
        HiddenCheck(
            "matrices of three shapes",
            real_matrices_are_levelled,
            points=2,
            hint="Every start from 0.05 to 1 counts: plot where they end, on a fine grid.",
        ),
    ],
    "20.4": [
        HiddenCheck(
            "thirty steps, three shapes",
            as_the_package,
            points=3,
            hint="Compare with `Muon(parts=...)` after each step, not only after the first.",
        ),
    ],
    "20.5": [
        HiddenCheck(
            "a stack of stacks",
            controls_of_stacks,
            points=2,
            hint="The norm is over the last two axes, however many stand before them.",
        ),
    ],
}
