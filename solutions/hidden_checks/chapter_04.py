r"""Hidden checks of chapter 04, ZCA whitening."""

import statistics
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.grading.hidden import HiddenCheck


def covariance_pair_by_pair(covariance: Callable, rng: Generator) -> None:
    r"""By the standard library, for two rows and one column, and for large constants."""
    for rows, columns in ((2, 1), (3, 4), (20, 2)):
        x = rng.normal(size=(rows, columns)) + 50 * rng.normal(size=columns)
        lists = x.T.tolist()
        expected = [[statistics.covariance(a, b) for b in lists] for a in lists]
        compare(covariance(x.copy()), np.array(expected), tolerance=1e-6)


def undoes_the_covariance(zca_matrix: Callable, rng: Generator) -> None:
    r"""W (C + epsilon I) W is the identity and W symmetric, also where C is singular or 1 by 1."""
    for d, rank, epsilon in ((1, 1, 0.3), (4, 2, 0.01), (5, 5, 1e-4), (3, 3, 10.0)):
        root = rng.normal(size=(d, rank))
        C = root @ root.T
        W = np.asarray(zca_matrix(C.copy(), epsilon), dtype=float)
        compare(W @ (C + epsilon * np.eye(d)) @ W, np.eye(d), tolerance=1e-6)
        compare(W, W.T, tolerance=1e-6)


def leaves_the_condition_number(epsilon_for: Callable, rng: Generator) -> None:
    r"""The condition number is met exactly, whatever the order and size of the eigenvalues."""
    for scale in (1e-6, 1.0, 1e6):
        values = scale * rng.permutation([1.0, *rng.uniform(2, 900, size=5), 1000.0])
        for condition in (1.5, 20.0, 900.0):
            epsilon = float(epsilon_for(values.copy(), condition))
            if not 0 < epsilon < np.inf:
                raise Wrong(f"epsilon is {epsilon}")
            left = values / (values + epsilon)
            compare(left.max() / left.min(), condition, tolerance=1e-6)
        compare(epsilon_for(values.copy(), 1001.0), np.inf)


def whitens_single_images(whiten_splits: Callable, rng: Generator) -> None:
    r"""A test of one image, few images to learn from, and far from 0."""
    for rows, d, epsilon in ((6, 4, 0.5), (30, 3, 1e-3), (9, 2, 2.0)):
        train = 100 + rng.normal(size=(rows, d)) @ rng.normal(size=(d, d))
        test = 90 + rng.normal(size=(1, d))
        centred = train - [statistics.fmean(column) for column in train.T]
        values, axes = np.linalg.eigh(np.atleast_2d(centred.T @ centred / (rows - 1)))
        W = sum(np.outer(u, u) / (v + epsilon) ** 0.5 for v, u in zip(values, axes.T, strict=True))
        shift = train[0] - centred[0]
        got = whiten_splits(train.copy(), test.copy(), epsilon)
        compare(got, (centred @ W, (test - shift) @ W), tolerance=1e-5)


CHECKS = {
    "04.1": [
        HiddenCheck(
            "two rows, one column, large constants",
            covariance_pair_by_pair,
            hint="Centre each column, and divide by the number of rows less one.",
        )
    ],
    "04.2": [
        HiddenCheck(
            "singular matrices, and a single pixel",
            undoes_the_covariance,
            hint="Where an eigenvalue is 0, only epsilon is left of it.",
        )
    ],
    "04.3": [
        HiddenCheck(
            "any order and size of the eigenvalues",
            leaves_the_condition_number,
            hint="Nothing says that the eigenvalues are sorted, or near 1.",
        )
    ],
    "04.4": [
        HiddenCheck(
            "a single test image",
            whitens_single_images,
            hint="What belongs to the training images, and what may the test know of itself?",
        )
    ],
}
