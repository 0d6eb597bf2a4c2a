r"""Wrong answers to the exercises of chapter 04, each with a part of its sentence; right ones."""

import numpy as np

from lrcourse.whitening import ZCA


def covariance(centre=lambda x: x - x.mean(axis=0), divide=lambda n, d: n - 1):
    r"""A covariance with some centring and some divisor."""

    def covariance(x):
        centred = centre(x)
        return centred.T @ centred / divide(*x.shape)

    return covariance


def covariance_of_the_images(x):
    centred = x - x.mean(axis=0)
    return centred @ centred.T / (len(x) - 1)


def covariance_in_place(x):
    x -= x.mean(axis=0)
    return x.T @ x / (len(x) - 1)


def covariance_of_squares(x):
    n, mean = len(x), x.mean(axis=0)
    return (x.T @ x - n * np.outer(mean, mean)) / (n - 1)


def zca(factor=lambda e, epsilon: (e + epsilon) ** -0.5, put=lambda U, f: U * f @ U.T):
    r"""A whitening matrix with some factor for each axis, put together in some way."""

    def zca_matrix(C, epsilon):
        eigenvalues, U = np.linalg.eigh(C)
        return put(U, factor(eigenvalues, epsilon))

    return zca_matrix


def zca_in_place(C, epsilon):
    C += epsilon * np.eye(len(C))
    return zca()(C, 0.0)


def splits(
    fitted=lambda train, test: train,
    centre=lambda train, test: train,
    root=lambda e, epsilon: (e + epsilon) ** 0.5,
    test_centre=None,
):
    r"""Whitened splits with W, the means and the root taken in some way."""

    def whiten_splits(train, test, epsilon):
        eigenvalues, U = np.linalg.eigh(np.cov(fitted(train, test), rowvar=False))
        W = U / root(eigenvalues, epsilon) @ U.T
        mean = centre(train, test).mean(axis=0)
        test_mean = (test_centre or centre)(train, test).mean(axis=0)
        return (train - mean) @ W, (test - test_mean) @ W

    return whiten_splits


def both(train, test):
    return np.concatenate([train, test])


def only_test(train, test):
    return test


def outside(e, epsilon):
    return e**0.5 + epsilon


def splits_in_place(train, test, epsilon):
    mean = train.mean(axis=0)
    train -= mean
    test -= mean
    W = zca()(np.cov(train, rowvar=False), epsilon)
    return train @ W, test @ W


def splits_each_on_its_own(train, test, epsilon):
    return splits()(train, train, epsilon)[0], splits()(test, test, epsilon)[0]


def solved(eigenvalues, condition):
    r"""The epsilon of exercise 04.3."""
    low, high = min(eigenvalues), max(eigenvalues)
    if condition >= high / low:
        return np.inf
    return (condition - 1) * high * low / (high - condition * low)


def halved(eigenvalues, condition):
    r"""The same by halving an interval, in float32 at the end."""
    low, high = np.min(eigenvalues), np.max(eigenvalues)
    if high / low <= condition:
        return float("inf")
    below, above = 0.0, 1e12
    for _ in range(200):
        middle = (below + above) / 2
        white = np.array([low, high]) / (np.array([low, high]) + middle)
        below, above = (middle, above) if white[1] / white[0] < condition else (below, middle)
    return np.float32(below)


def zca_by_the_root_of_a_diagonal(C, epsilon):
    eigenvalues, U = np.linalg.eigh(C)
    return U @ np.diag(eigenvalues + epsilon) ** -0.5 @ U.T


def zca_by_svd(C, epsilon):
    U, eigenvalues, _ = np.linalg.svd(C)
    return sum(np.outer(u, u) / np.sqrt(e + epsilon) for u, e in zip(U.T, eigenvalues, strict=True))


def in_float32(answer):
    r"""The same answer, computed in float32."""

    def less_exact(*given):
        got = answer(*(np.asarray(array, dtype=np.float32) for array in given))
        return tuple(map(np.float32, got)) if isinstance(got, tuple) else np.float32(got)

    return less_exact


def test_not_centred(train, test, epsilon):
    W = zca()(np.cov(train, rowvar=False), epsilon)
    return (train - train.mean(axis=0)) @ W, test @ W


def one_mean(train, test, epsilon):
    W = zca()(np.cov(train, rowvar=False), epsilon)
    return (train - train.mean()) @ W, (test - train.mean()) @ W


def covariance_over_n(train, test, epsilon):
    W, mean = zca()(np.cov(train, rowvar=False, ddof=0), epsilon), train.mean(axis=0)
    return (train - mean) @ W, (test - mean) @ W


def splits_pca(train, test, epsilon):
    mean = train.mean(axis=0)
    W = zca(put=lambda U, f: U * f)(np.cov(train, rowvar=False), epsilon)
    return (train - mean) @ W, (test - mean) @ W


WRONG = {
    "04.1": [
        (covariance(divide=lambda n, d: n), "divides by n"),
        (covariance(divide=lambda n, d: 1), "not divided yet"),
        (covariance(centre=lambda x: x), "mean is not taken away"),
        (covariance(centre=lambda x: x - x.mean()), "one mean of all numbers"),
        (covariance(centre=lambda x: x - x.mean(axis=1, keepdims=True)), "mean of each image"),
        (covariance_of_the_images, "covariance of the images"),
        (np.cov, "takes rows for features"),
        (lambda x: np.corrcoef(x, rowvar=False), "correlation"),
        (lambda x: x.var(axis=0, ddof=1), "variances only"),
        (lambda x: np.diag(x.var(axis=0, ddof=1)), "on the diagonal"),
        (covariance_in_place, "changes its input `x`"),
        (covariance_of_squares, "Take the mean away from x first"),
        (covariance(divide=lambda n, d: d), "number of features:"),
        (covariance(divide=lambda n, d: d - 1), "number of features minus 1"),
        (lambda x: x.T @ x / len(x) - np.outer(x.mean(axis=0), x.mean(axis=0)), "divides by n"),
    ],
    "04.2": [
        (zca(put=lambda U, f: U * f), "is PCA whitening"),
        (zca(put=lambda U, f: (U * f).T), "PCA whitening in rows"),
        (zca(put=lambda U, f: U.T * f @ U), "the wrong way round"),
        (zca(put=lambda U, f: f[:, None] * U @ U.T), "columns of U"),
        (zca(put=lambda U, f: np.diag(f)), "cancel or are missing"),
        (zca(lambda e, epsilon: (e + epsilon) ** 0.5), "not +1/2"),
        (zca(lambda e, epsilon: 1 / (e + epsilon)), "root is missing"),
        (zca(lambda e, epsilon: 1 / (e**0.5 + epsilon)), "outside the root"),
        (zca(lambda e, epsilon: e**-0.5), "epsilon is not used"),
        (zca_in_place, "changes its input `C`"),
        (zca(lambda e, epsilon: (e + epsilon) ** -1 / 2), "needs brackets"),
        (zca(lambda e, epsilon: np.maximum(e, epsilon) ** -0.5), "replaces small eigenvalues"),
        (lambda C, epsilon: zca()(C + epsilon, 0), "every entry of C"),
        (zca_by_the_root_of_a_diagonal, "root of the eigenvalues first"),
        (lambda C, epsilon: 1 / np.sqrt(C + epsilon), "root of each entry"),
    ],
    "04.3": [
        (lambda e, condition: (max(e) - condition * min(e)) / (condition - 1), "C + epsilon I"),
        (lambda e, condition: solved(e, condition**2), "ratio of variances"),
        (lambda e, condition: (condition - 1) * min(e), "It does not quite"),
        (lambda e, condition: solved([e[0], e[-1]], condition), "any order"),
        (lambda e, condition: solved(e, condition) * 0.9, "smaller than the 4"),
        (lambda e, condition: solved(e, condition) * 1.1, "larger than the 4"),
        (lambda e, condition: min(e), "smaller than the 4"),
        (lambda e, condition: 1.0 if max(e) == condition * min(e) else solved(e, condition), "inf"),
        (lambda e, condition: min(solved(e, condition), 1e9), "return `np.inf`"),
        (lambda e, condition: -1.0, "0 or more"),
        (lambda e, condition: np.inf, "it returned inf"),
        (lambda e, condition: e / condition, "one number"),
        (lambda e, condition: 0.01, "smaller than the 4"),
    ],
    "04.4": [
        (splits(both, root=outside, test_centre=only_test), "All three bugs"),
        (splits(both, test_centre=only_test), "epsilon is under the root now"),
        (splits(root=outside, test_centre=only_test), "W comes from the training images now"),
        (splits(both, root=outside), "centred rightly now"),
        (splits(both), "W still sees the test"),
        (splits(root=outside), "still outside the root"),
        (splits(test_centre=only_test), "centred on their own mean"),
        (splits(centre=both), "mean still sees the test"),
        (splits_each_on_its_own, "whitening of their own"),
        (lambda *given: splits()(*given)[::-1], "wrong order"),
        (splits_pca, "PCA whitening"),
        (lambda train, test, epsilon: splits()(train, test, 0), "epsilon is not used"),
        (lambda train, *given: (train, splits()(train, *given)[1]), "come back as they were"),
        (splits_in_place, "changes its input"),
        (test_not_centred, "test images are not centred"),
        (one_mean, "one mean of all numbers"),
        (covariance_over_n, "divided by n"),
    ],
}

RIGHT = {
    "04.1": [
        in_float32(covariance()),
        lambda x: np.cov(x.T).tolist(),
        lambda x: np.einsum("ni,nj->ij", x - x.mean(0), x - x.mean(0)) / (x.shape[0] - 1),
    ],
    "04.2": [in_float32(zca()), zca_by_svd, lambda C, epsilon: zca()(C, epsilon).tolist()],
    "04.3": [solved, halved],
    "04.4": [
        in_float32(splits()),
        lambda train, test, epsilon: [ZCA(epsilon).fit(train).transform(z) for z in (train, test)],
    ],
}
