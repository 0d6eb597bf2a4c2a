r"""Wrong answers to the exercises of chapter 04, each with a part of the sentence expected."""

import numpy as np


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
        (covariance_in_place, "changes its input `x`"),
        (covariance_of_squares, "mean of a million"),
    ],
    "04.2": [
        (zca(put=lambda U, f: U * f), "is PCA whitening"),
        (zca(put=lambda U, f: (U * f).T), "PCA whitening in rows"),
        (zca(put=lambda U, f: U.T * f @ U), "the wrong way round"),
        (zca(put=lambda U, f: f[:, None] * U @ U.T), "columns of U"),
        (zca(lambda e, epsilon: (e + epsilon) ** 0.5), "not +1/2"),
        (zca(lambda e, epsilon: 1 / (e + epsilon)), "root is missing"),
        (zca(lambda e, epsilon: 1 / (e**0.5 + epsilon)), "outside the root"),
        (zca(lambda e, epsilon: e**-0.5), "epsilon is not used"),
        (zca_in_place, "changes its input `C`"),
    ],
    "04.3": [
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
        (splits_in_place, "changes its input"),
    ],
}
