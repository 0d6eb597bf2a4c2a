r"""Wrong answers to the exercises of chapter 20, each with a part of the sentence expected."""

from itertools import combinations

import numpy as np

from lrcourse.exercises.chapter_20 import BUGS, matched, muon_run, powers, steepest
from lrcourse.optim import newton_schulz
from lrcourse.optim.matrix import EXACT, FAST


def svd(G):
    return np.linalg.svd(G, full_matrices=False)


def all_ones(G):
    U, _, V = svd(G)
    return U @ V


def above(limit):
    r"""Singular values over a limit count, as a share of nothing."""

    def steepest(G):
        U, s, V = svd(G)
        return U[:, s > limit] @ V[s > limit]

    return steepest


def largest_only(G):
    U, _, V = svd(G)
    return np.outer(U[:, 0], V[0]) if np.any(G) else 0 * G


def transposed_again(G):
    U, _, V = svd(G)
    return U @ V.T if len(G) == G.shape[1] else steepest(G)


def careless(G):
    U, s, V = svd(G)
    large = s / s[0] > 1e-6
    return U[:, large] @ V[large] if s[0] else np.full(G.shape, np.nan)


def by_eigenvalues(G):
    values, U = np.linalg.eigh(G @ G.T)
    roots = np.where(values > 1e-12 * values.max(), values, np.inf) ** -0.5
    return U * roots @ U.T @ G


def in_place(G):
    right = steepest(G)
    G *= 0
    return right


def polynomial(left=lambda X: X @ X.T, square=lambda A: A @ A):
    r"""The polynomial with another product, or another square of it."""

    def powers(X, a, b, c):
        A = left(X)
        return a * X + b * A @ X + c * square(A) @ X

    return powers


def powers_in_place(X, a, b, c):
    A = X @ X.T
    X *= a
    return X + (b * A + c * A @ A) @ X / a


def powers_by_svd(X, a, b, c):
    U, s, V = np.linalg.svd(X, full_matrices=False)
    return U * (a * s + b * s**3 + c * s**5) @ V


def run(**bugs):
    r"""A run of Muon with mistakes."""
    return lambda W, gradients, rate, momentum=0.95: muon_run(W, gradients, rate, momentum, **bugs)


def run_in_place(W, gradients, rate, momentum=0.95):
    W -= W - muon_run(W, gradients, rate, momentum)
    return W


def summed(W, gradients, rate, momentum=0.95):
    m = 0 * W
    for g in gradients:
        m = momentum * m + g
        W = W - rate * max(1, W.shape[1] / W.shape[0]) ** 0.5 * newton_schulz(g + momentum * m)
    return W


def frobenius(x):
    return np.linalg.norm(x, axis=(-2, -1), keepdims=True)


def over(norm):
    r"""A control that matches another norm."""

    def control(u, step):
        lengths = norm(u)
        return u * norm(step) / np.where(lengths == 0, 1, lengths)

    return control


def one_by_one(u, step):
    if u.ndim == 2:
        length = np.sqrt((u**2).sum())
        return 0 * u if length == 0 else u / length * np.sqrt((step**2).sum())
    return np.stack([one_by_one(*pair) for pair in zip(u, step, strict=True)])


WRONG = {
    "20.1": [
        (lambda G: G / max(np.linalg.norm(G, 2), 1e-300), "have room left"),
        (lambda G: G / max(np.linalg.norm(G), 1e-300), "Frobenius norm"),
        (np.sign, "sign of each entry"),
        (lambda G: -steepest(G), "as *small* as possible"),
        (all_ones, "add nothing to the sum"),
        (largest_only, "keeps only the largest one"),
        (lambda G: G.copy(), "G again"),
        (lambda G: steepest(G).T, "transpose"),
        (transposed_again, "transposed again"),
        (above(1e-6), "of its own matrix"),
        (lambda G: above(1e-3 * np.linalg.norm(G, 2))(G), "over 1e-6 of the largest"),
        (careless, "returns no numbers"),
        (lambda G: steepest(G) if np.any(G) else np.eye(*G.shape), "the shortest is 0"),
        (in_place, "changes its input `G`"),
    ],
    "20.2": [
        (lambda X, a, b, c: a * X + b * X**3 + c * X**5, "powers of each entry"),
        (polynomial(square=lambda A: A @ A @ A), "c s^7"),
        (lambda X, a, b, c: powers(X, a, c, b), "exchanged"),
        (lambda X, a, b, c: powers(X, a, b, 0), "the cubic"),
        (lambda X, a, b, c: powers(X, a, 0, c), "with b is missing"),
        (lambda X, a, b, c: powers(X, 0, b, c), "with a is missing"),
        (polynomial(square=lambda A: A), "one more factor"),
        (lambda X, a, b, c: powers(X, 1, 1, 1), "without a, b and c"),
        (lambda X, a, b, c: powers(X / np.linalg.norm(X), a, b, c), "divided by its norm"),
        (
            lambda X, a, b, c: (
                polynomial(lambda X: X.T @ X)(X, a, b, c)
                if len(X) == X.shape[1]
                else powers(X, a, b, c)
            ),
            "to the *left*",
        ),
        (
            lambda X, a, b, c: (
                polynomial(lambda X: X @ X)(X, a, b, c)
                if len(X) == X.shape[1]
                else powers(X, a, b, c)
            ),
            "do not meet",
        ),
        (lambda X, a, b, c: powers(X, a, b, c).T, "transpose"),
        (powers_in_place, "changes its input `X`"),
        (powers_by_svd, "takes a decomposition"),
    ],
    "20.3": [
        (lambda: FAST, "ends at 0.68"),
        (lambda: EXACT, "left behind: 0.05 ends at 0.17"),
        (lambda: (2.5, -1.5, 0.0), "ends at"),
        (lambda: (2.9, -3.6, 1.86), "too high"),
        (lambda: (9.0, 5.0, 5.0), "run away"),
        (lambda: (1.5, -0.5), "three numbers"),
        (lambda: 2.0, "three numbers"),
        (lambda: ("a", "b", "c"), "three numbers"),
        (lambda: (np.nan, 1.0, 1.0), "finite"),
        (lambda: (3.0, -4.2, 2.0), "too low"),
    ],
    "20.4": [
        *(
            (run(**dict.fromkeys(bugs, True)), "; ".join(BUGS[bug] for bug in bugs))
            for count in (1, 2, 3)
            for bugs in combinations(BUGS, count)
        ),
        (run(factor=lambda fan_in, fan_out: 1.0), "factor is missing"),
        (run(factor=lambda fan_in, fan_out: max(1, fan_out / fan_in)), "no root"),
        (run(factor=lambda fan_in, fan_out: (fan_out / fan_in) ** 0.5), "at least 1"),
        (run(factor=lambda m, n: 0.2 * max(m, n) ** 0.5), "match_rms_adamw"),
        (run(ahead=False), "look-ahead u is missing"),
        (run(memory=1.0), "weigh it"),
        (run(early=True), "before they are remembered"),
        (lambda W, g, rate, momentum=0.95: muon_run(W, g, -rate, momentum), "uphill"),
        (lambda W, g, rate, momentum=0.95: W.copy(), "as they were"),
        (lambda W, g, *more: muon_run(W, g[:1], *more), "first step only"),
        (lambda W, g, rate, momentum=0.95: muon_run(W, g, rate), "is not used"),
        (run_in_place, "changes its input `W`"),
    ],
    "20.5": [
        (lambda u, step: step.copy(), "orthogonalized step itself"),
        (lambda u, step: u / frobenius(u), "length 1"),
        (lambda u, step: u.copy(), "This is u"),
        (lambda u, step: u * frobenius(step), "longer by the length of u"),
        (lambda u, step: u * frobenius(step) / frobenius(u) ** 2, "*squared*"),
        (lambda u, step: u * frobenius(step) ** 2 / frobenius(u) ** 2, "root of both"),
        (lambda u, step: step * frobenius(u) / frobenius(step), "exchange the two"),
        (over(lambda x: np.linalg.norm(x, 2, axis=(-2, -1), keepdims=True)), "ord=2"),
        (over(lambda x: np.linalg.norm(x, axis=-1, keepdims=True)), "each row"),
        (over(lambda x: np.linalg.norm(x, axis=-2, keepdims=True)), "each column"),
        (over(lambda x: abs(x).max(axis=(-2, -1), keepdims=True)), "largest entry"),
        (over(lambda x: abs(x).sum(axis=(-2, -1), keepdims=True)), "sum of sizes"),
        (over(np.linalg.norm), "share one norm"),
        (lambda u, step: u / frobenius(u) * min(u.shape[-2:]) ** 0.5, "root of min(m, n)"),
        (lambda u, step: -matched(u, step), "away from u"),
        (lambda u, step: u * (frobenius(step) / frobenius(u)), "0 by 0"),
    ],
}

RIGHT = {
    "20.1": [
        by_eigenvalues,
        lambda G: steepest(G).tolist(),
        lambda G: steepest(G).astype(np.float32),
    ],
    "20.2": [
        lambda X, a, b, c: a * X + b * X @ (X.T @ X) + c * X @ (X.T @ X) @ (X.T @ X),
        lambda X, a, b, c: powers(X.T, a, b, c).T.tolist(),
    ],
    "20.3": [
        lambda: [2.894, -3.818, 1.898],
        lambda: np.array([2.9, -3.8, 1.88], dtype=np.float32),
    ],
    "20.4": [run(), summed],
    "20.5": [one_by_one, lambda u, step: matched(u, step).tolist()],
}
