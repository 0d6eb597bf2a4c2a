r"""Checks of chapter 04, ZCA whitening."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.browser import product
from lrcourse.exercises import (
    RETURNED_NONE,
    Check,
    Exercise,
    Wrong,
    call_unchanged,
    compare,
    compare_call,
)


def _images(rng: Generator, n: int, d: int = 4) -> NDArray:
    r"""Features that go along with each other, of unlike size, around a mean that is not 0."""
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(2, 1, d)


def _mistaken_covariances(x: NDArray) -> dict[str, NDArray]:
    n, d = x.shape
    mean = x.mean(axis=0)
    centred = x - mean
    right = centred.T @ centred
    by_row = x - x.mean(axis=1, keepdims=True)
    return {
        "It divides by n: here it is n - 1.": right / n,
        "It is not divided yet: the sum over the images goes over n - 1.": right,
        "It divides by the number of features: n is the number of images, `len(x)`.": right / d,
        "It divides by the number of features minus 1: n is the number of images, `len(x)`.": (
            right / (d - 1)
        ),
        "The mean of x x^T is over n, and n - 1 is asked.": x.T @ x / n - np.outer(mean, mean),
        "The mean is not taken away: centre x first, each column by its own mean.": x.T
        @ x
        / (n - 1),
        "It takes one mean of all numbers away: each column has its own, `x.mean(axis=0)`.": (
            (x - x.mean()).T @ (x - x.mean()) / (n - 1)
        ),
        "It takes the mean of each image away, not that of each feature: `x.mean(axis=0)`.": (
            by_row.T @ by_row / (n - 1)
        ),
        "This is the covariance of the images, (n, n): features are the columns, so the transpose "
        "stands on the left, `centred.T @ centred`.": centred @ centred.T / (n - 1),
        "This is `np.cov(x)`, which takes rows for features; here they are columns.": np.cov(x),
        "This is the correlation: do not divide by the deviations.": np.corrcoef(x, rowvar=False),
        "It has the variances only: each pair of features has an entry.": x.var(axis=0, ddof=1),
        "It has the variances only, on the diagonal: each pair of features has an entry.": np.diag(
            x.var(axis=0, ddof=1)
        ),
    }


def covariance_by_numbers(covariance: Callable, rng: Generator) -> None:
    r"""Four features of six images, where every mistake gives another number."""
    x = np.array(
        [[1, 2, 0, 5], [3, 0, 1, 1], [5, 4, 1, 2], [0, 7, 2, 2], [2, 2, 9, 1], [4, 3, 1, 8]]
    )
    x = x.astype(float)
    expected = np.cov(x, rowvar=False)
    compare_call(covariance, (x,), expected, _mistaken_covariances, tolerance=1e-5)


def covariance_of_the_exercise(covariance: Callable, rng: Generator) -> None:
    r"""Deviations -2, 0, 2 and 0, -2, 2."""
    x = np.array([[1.0, 2.0], [3.0, 0.0], [5.0, 4.0]])
    compare(covariance(x.copy()), [[4.0, 2.0], [2.0, 4.0]])


def covariance_of_four(covariance: Callable, rng: Generator) -> None:
    r"""Four features of seven images, against NumPy."""
    x = _images(rng, 7)
    expected = np.cov(x, rowvar=False)
    compare_call(covariance, (x,), expected, _mistaken_covariances, tolerance=1e-5)


def covariance_far_from_zero(covariance: Callable, rng: Generator) -> None:
    r"""A mean of a million must not drown the variance."""
    x, near = _images(rng, 50, 3), _images(rng, 50, 3)
    if np.asarray(covariance(near)).dtype == np.float32:
        return  # in float32 a million swallows the images themselves
    got, expected = covariance(x + 1e6), np.cov(x, rowvar=False)
    try:
        compare(got, expected, what="with a mean of a million")
    except Wrong:
        compare(covariance(near), np.cov(near, rowvar=False), tolerance=1e-5)
        raise Wrong(
            "It is right, but not where the mean is a million: the difference of two huge numbers "
            "loses the digits that count. Take the mean away from x first."
        ) from None


def covariance_leaves_its_input(covariance: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    call_unchanged(covariance, x=_images(rng, 5))


def _covariance(x):
    centred = x - x.mean(axis=0, dtype=float)
    return product(centred.T, centred) / (len(x) - 1)


def _power(C: NDArray, change: Callable) -> NDArray:
    eigenvalues, U = np.linalg.eigh(C)
    return U * change(eigenvalues) @ U.T


def _mistaken_matrices(C: NDArray, epsilon: float) -> dict[str, NDArray]:
    eigenvalues, U = np.linalg.eigh(C)
    factors = (eigenvalues + epsilon) ** -0.5
    return {
        "Only one U is left: `U @ diag` is PCA whitening. ZCA rotates back, so `@ U.T` is missing "
        "at the end.": U * factors,
        "This is PCA whitening in rows, with the rotation back missing: multiply by U from the "
        "left.": (U * factors).T,
        "The two U stand the wrong way round: it is U ... U^T, with U.T at the right.": U.T
        * factors
        @ U,
        "Divide by the root of the eigenvalues: the power is -1/2, not +1/2.": _power(
            C, lambda e: (e + epsilon) ** 0.5
        ),
        "The root is missing: the power is -1/2, not -1.": _power(C, lambda e: 1 / (e + epsilon)),
        "The epsilon stands outside the root: it goes under it, sqrt(eigenvalue + epsilon).": (
            _power(C, lambda e: 1 / (e**0.5 + epsilon))
        ),
        "The epsilon is not used: it is added to each eigenvalue.": _power(C, lambda e: e**-0.5),
        "The epsilon is added to every entry of C: it belongs to each eigenvalue.": _power(
            C + epsilon, lambda e: abs(e) ** -0.5
        ),
        "The epsilon replaces small eigenvalues: it is added to each.": _power(
            C, lambda e: np.maximum(e, epsilon) ** -0.5
        ),
        "`a ** -1 / 2` is half of 1/a: the power needs brackets, or `** -0.5`.": _power(
            C, lambda e: 1 / (e + epsilon) / 2
        ),
        "It divides by the root of a diagonal matrix, whose other entries are 0: take the root of "
        "the eigenvalues first.": U @ (np.diag(eigenvalues + epsilon) ** -0.5) @ U.T,
        "It is a diagonal matrix, as the two U cancel or are missing: the factors belong to the "
        "columns of U, between the two, as in `U / ... @ U.T`.": factors[:, None] * U @ U.T,
        "This takes the root of each entry of C: a matrix needs its eigenvectors.": 1
        / np.sqrt(abs(C) + epsilon),
    }


def zca_by_numbers(zca_matrix: Callable, rng: Generator) -> None:
    r"""Eigenvalues 4 and 1, so factors 1/2 and 1."""
    C = np.array([[2.5, 1.5], [1.5, 2.5]])
    expected = [[0.75, -0.25], [-0.25, 0.75]]
    compare_call(zca_matrix, (C, 0.0), expected, _mistaken_matrices)


def zca_with_epsilon(zca_matrix: Callable, rng: Generator) -> None:
    r"""Four features; the epsilon is as large as an eigenvalue."""
    C = np.cov(_images(rng, 30), rowvar=False)
    epsilon = float(np.linalg.eigvalsh(C)[1])
    expected = _power(C, lambda e: (e + epsilon) ** -0.5)
    compare_call(zca_matrix, (C, epsilon), expected, _mistaken_matrices, tolerance=1e-5)


def zca_whitens(zca_matrix: Callable, rng: Generator) -> None:
    r"""W C W is the identity and W is symmetric."""
    C = np.cov(_images(rng, 40, 5), rowvar=False)
    W = np.asarray(zca_matrix(C.copy(), 0.0))
    if W.shape == C.shape and not np.allclose(W, W.T, atol=1e-5 * abs(W).max()):
        raise Wrong("W is not symmetric; ZCA's is.")
    compare(W @ C @ W, np.eye(5), tolerance=1e-3, what="the covariance after whitening")


def zca_of_a_dead_pixel(zca_matrix: Callable, rng: Generator) -> None:
    r"""A feature that never varies stays finite."""
    C = np.diag([4.0, 0.0])
    W = np.asarray(zca_matrix(C.copy(), 0.01))
    if not np.isfinite(W).all():
        raise Wrong("A pixel that never varies gives infinity: add epsilon before the root.")
    expected = np.diag([4.01**-0.5, 10.0])
    compare(W, expected, mistakes=_mistaken_matrices(C, 0.01), tolerance=1e-5)


def zca_leaves_its_input(zca_matrix: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    call_unchanged(zca_matrix, 0.1, C=np.cov(_images(rng, 30), rowvar=False))


def epsilon_for(eigenvalues: NDArray, condition: float) -> float:
    r"""Return the largest epsilon that leaves a condition number of at most `condition`."""
    low, high = float(np.min(eigenvalues)), float(np.max(eigenvalues))
    if condition >= high / low:
        return np.inf
    return (condition - 1) * high * low / (high - condition * low)


def _one_epsilon(answer: Callable, eigenvalues: list[float], condition: float) -> None:
    given = np.array(eigenvalues, dtype=float)
    got = call_unchanged(lambda eigenvalues: answer(eigenvalues, condition), eigenvalues=given)
    if got is None:
        raise Wrong(RETURNED_NONE)
    if np.shape(got) != () or np.asarray(got).dtype.kind not in "biuf":
        raise Wrong(f"It should return one number; it returned {got!r}.")
    got, low, high = float(got), min(eigenvalues), max(eigenvalues)
    right = epsilon_for(given, condition)
    if right == np.inf:
        if got != np.inf:
            raise Wrong(
                f"The data have the condition number {high / low:.3g}, and whitening never makes "
                f"it larger. So for {condition:g} every epsilon will do: return `np.inf`."
            )
        return
    if np.isclose(got, right, rtol=0.01):
        return
    if not 0 <= got < np.inf:
        sentence = f"Epsilon is a finite number, 0 or more, here; it returned {got:.4g}."
        raise Wrong(sentence, named=got != np.inf)
    known = {
        "That makes the condition number of C + epsilon I what was asked. After whitening axis i "
        "has the variance eigenvalue / (eigenvalue + epsilon).": (high - condition * low)
        / (condition - 1),
        "That is right for standard deviations; a condition number is a ratio of variances.": (
            epsilon_for(given, condition**2)
        ),
        "That holds if the largest axis came out with a variance of 1. It does not quite.": (
            (condition - 1) * low
        ),
        "It takes the first and the last eigenvalue; they may come in any order.": epsilon_for(
            given[[0, -1]], condition
        ),
    }
    for sentence, value in known.items():
        if np.isclose(got, value, rtol=0.01):
            raise Wrong(sentence)
    reached = high / (high + got) * (low + got) / low
    side = "larger" if reached > condition else "smaller"
    raise Wrong(
        f"With epsilon {got:.4g} the whitened condition number is {reached:.4g}, {side} than the "
        f"{condition:g} that was asked for."
    )


def epsilon_by_numbers(epsilon_for: Callable, rng: Generator) -> None:
    r"""Eigenvalues 2 and 18, for which every mistake gives another number."""
    _one_epsilon(epsilon_for, [2.0, 18.0], 4.0)


def epsilon_of_many(epsilon_for: Callable, rng: Generator) -> None:
    r"""Six eigenvalues over four powers of ten, in any order."""
    for condition in (1.1, 3.0, 40.0, 2000.0):
        eigenvalues = [0.002, 5.0, 20.0, 0.7, *rng.uniform(0.01, 10, 2)]
        _one_epsilon(epsilon_for, [eigenvalues[k] for k in (3, 0, 4, 2, 5, 1)], condition)


def epsilon_without_end(epsilon_for: Callable, rng: Generator) -> None:
    r"""Data that are rounder than is asked for, or just as round."""
    _one_epsilon(epsilon_for, [2.0, 3.0, 1.0], 5.0)
    _one_epsilon(epsilon_for, [2.0, 8.0], 4.0)


def _whiten(
    train: NDArray,
    test: NDArray,
    epsilon: float,
    *,
    fitted: Callable = lambda train, test: train,
    own_mean: bool = False,
    outside: bool = False,
    ddof: int = 1,
) -> tuple[NDArray, NDArray]:
    images = fitted(train, test)
    root = (lambda e: e**0.5 + epsilon) if outside else (lambda e: (e + epsilon) ** 0.5)
    W = _power(np.cov(images, rowvar=False, ddof=ddof), lambda e: 1 / root(abs(e)))
    mean = train.mean(axis=0)
    return (train - mean) @ W, (test - (test.mean(axis=0) if own_mean else mean)) @ W


def _both(train: NDArray, test: NDArray) -> NDArray:
    return np.concatenate([train, test])


def _mistaken_splits(train: NDArray, test: NDArray, epsilon: float) -> dict[str, tuple]:
    right = _whiten(train, test, epsilon)
    leak, outside = {"fitted": _both}, {"outside": True}
    mean = _both(train, test).mean(axis=0)
    found = {
        "All three bugs are still there.": leak | outside | {"own_mean": True},
        "The epsilon is under the root now, but W still sees the test images, and the test is "
        "still centred on its own mean.": leak | {"own_mean": True},
        "W comes from the training images now, but the epsilon is still outside the root, and the "
        "test is still centred on its own mean.": outside | {"own_mean": True},
        "The test is centred rightly now, but W still sees the test images, and the epsilon is "
        "still outside the root.": leak | outside,
        "W still sees the test images: take the covariance of `train` alone.": leak,
        "The epsilon is still outside the root: it is sqrt(eigenvalue + epsilon).": outside,
        "The test images are still centred on their own mean: use the mean of `train` for both.": {
            "own_mean": True
        },
    }
    W = _power(np.cov(train, rowvar=False), lambda e: (abs(e) + epsilon) ** -0.5)
    return {sentence: _whiten(train, test, epsilon, **bugs) for sentence, bugs in found.items()} | {
        "The mean still sees the test images: take that of `train` alone.": (
            (train - mean) @ W,
            (test - mean) @ W,
        ),
        "The test images get a whitening of their own: mean and W of `train` serve both.": (
            right[0],
            _whiten(test, test, epsilon)[0],
        ),
        "It returned test and train in the wrong order.": right[::-1],
        "Only one U is left, so this is PCA whitening: `@ U.T` is missing.": tuple(
            z @ np.linalg.eigh(np.cov(train, rowvar=False))[1] for z in right
        ),
        "The images are not centred: take the mean of `train` away.": (train @ W, test @ W),
        "The epsilon is not used: it is added to each eigenvalue.": _whiten(train, test, 0.0),
        "The training images come back as they were.": (train, right[1]),
        "The test images are not centred: take the mean of `train` away from both.": (
            right[0],
            test @ W,
        ),
        "It takes one mean of all numbers away: each feature has its own, `train.mean(axis=0)`.": (
            (train - train.mean()) @ W,
            (test - train.mean()) @ W,
        ),
        "The covariance is divided by n: with n - 1 it is what the package takes.": _whiten(
            train, test, epsilon, ddof=0
        ),
    }


def splits_against_the_formula(whiten_splits: Callable, rng: Generator) -> None:
    r"""Test images that lie elsewhere and spread wider than the training images."""
    train = _images(rng, 20)
    test = 1.5 * _images(rng, 9) + 1
    compare_call(whiten_splits, (train, test, 0.3), _whiten, _mistaken_splits, tolerance=1e-5)


def splits_of_one_test_image(whiten_splits: Callable, rng: Generator) -> None:
    r"""The same image alone and in company has the same features."""
    train, test = _images(rng, 20), _images(rng, 6)
    alone, together = (
        np.asarray(call_unchanged(whiten_splits, 0.1, train=train, test=t)[1])
        for t in (test[:1], test)
    )
    if not np.allclose(alone[0], together[0], rtol=1e-4, atol=1e-4):
        raise Wrong(
            "The same test image has other features when other test images come along: nothing "
            "may be fitted on `test`."
        )


def splits_leave_their_inputs(whiten_splits: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    call_unchanged(whiten_splits, 0.1, train=_images(rng, 20), test=_images(rng, 6))


EXERCISES = [
    Exercise(
        id="04.1",
        title="Covariance",
        answers=("covariance",),
        package=lambda: _covariance,
        checks=[
            Check("six images of four features, by numbers", covariance_by_numbers),
            Check("the example of the exercise", covariance_of_the_exercise),
            Check("seven images of four features", covariance_of_four),
            Check("a mean of a million", covariance_far_from_zero),
            Check("the input stays as it was", covariance_leaves_its_input),
        ],
        hints=[
            "Look at the formula: what is taken away from each image, and what shape has it?",
            "The sum over images of outer products is one matrix product. (d, n) times (n, d) "
            "gives (d, d), so the n vanishes.",
            "Centre x, multiply its transpose by it, and divide by one less than the number of "
            "images.",
        ],
    ),
    Exercise(
        id="04.2",
        title="The ZCA matrix",
        answers=("zca_matrix",),
        package=lambda: lambda C, epsilon: _power(C, lambda e: (e + epsilon) ** -0.5),
        checks=[
            Check("two features, by numbers", zca_by_numbers),
            Check("four features and an epsilon", zca_with_epsilon),
            Check("the covariance becomes the identity", zca_whitens),
            Check("a pixel that never varies", zca_of_a_dead_pixel),
            Check("the input stays as it was", zca_leaves_its_input),
        ],
        hints=[
            "Read the formula from the inside: which of its parts is known once you have the "
            "eigenvalues?",
            "A diagonal matrix at the right of U scales its columns. In NumPy, U times a vector of "
            "shape (d,) does the same.",
            "Three parts: U, its columns divided by the root of eigenvalue + epsilon, then the "
            "transpose of U to rotate back.",
        ],
    ),
    Exercise(
        id="04.3",
        title="Choose epsilon",
        answers=("epsilon_for",),
        package=lambda: epsilon_for,
        checks=[
            Check("eigenvalues 1 and 9", epsilon_by_numbers),
            Check("six eigenvalues in any order", epsilon_of_many),
            Check("data that are round enough", epsilon_without_end),
        ],
        hints=[
            "Whitening multiplies an axis by one over the root of eigenvalue + epsilon. What "
            "becomes of its variance?",
            "Which axis has the largest variance after whitening, and which the smallest? Write "
            "their ratio down. Does it grow or fall with epsilon?",
            "Set the ratio equal to `condition` and solve for epsilon: two eigenvalues stand in "
            "it. Or halve an interval until it is narrow enough.",
        ],
    ),
    Exercise(
        id="04.4",
        title="Find three bugs",
        answers=("whiten_splits",),
        package=lambda: _whiten,
        checks=[
            Check("both splits against the formula", splits_against_the_formula),
            Check("a test image alone and in company", splits_of_one_test_image),
            Check("the inputs stay as they were", splits_leave_their_inputs),
        ],
        hints=[
            "Go through the function and ask of each line: does it look at `test`, and may it?",
            "Two lines learn something from `test`. When they no longer do, the features stay the "
            "same in any company, but they still differ from the package's.",
            "The last bug is in the line of W. Compare it, sign by sign, with the matrix of "
            "exercise 04.2.",
        ],
    ),
]
