r"""Wrong answers to the exercises of chapter 12, each with a part of the sentence expected."""

import numpy as np


def right(norm):
    return 1 + np.log1p(1 / norm)


def factor(
    norm=lambda g: np.sqrt((g**2).sum()),
    formula=right,
    zero=1.0,
):
    r"""A multiplier with another norm, another formula or another value for zeros."""

    def layer_multiplier(g):
        return formula(norm(g)) if np.any(g) else zero

    return layer_multiplier


def factor_in_place(g):
    g *= g
    return factor(lambda squares: np.sqrt(squares.sum()))(g)


def adagrad(
    power=1,
    remember=0,
    norm=lambda g, layer: np.linalg.norm(g[layer]),
    root=lambda S, epsilon: np.sqrt(S) + epsilon,
    late=False,
    sign=-1,
    old=1,
    back=lambda w, S, before: (w, S),
):
    r"""AdaGrad with a rate for each layer, or a rule near it."""

    def adagrad_step(w, S, g, learning_rate, layers, epsilon=1e-8):
        w, before, S = w.copy(), S, S.copy()
        for layer in layers:
            m = right(norm(g, layer))
            S[layer] = old * S[layer] + (m**remember * g[layer]) ** 2
            used = before if late else S
            w[layer] += sign * learning_rate * m**power * g[layer] / root(used[layer], epsilon)
        return back(w, S, before)

    return adagrad_step


def adagrad_in_place(w, S, g, learning_rate, layers, epsilon=1e-8):
    S += g**2
    for layer in layers:
        rate = learning_rate * right(np.linalg.norm(g[layer]))
        w[layer] -= rate * g[layer] / (np.sqrt(S[layer]) + epsilon)
    return w, S


def adagrad_forgetting(w, S, g, learning_rate, layers, epsilon=1e-8):
    return adagrad()(w, S, g, learning_rate, layers, epsilon)[0], g**2


WRONG = {
    "12.1": [
        (factor(formula=lambda n: np.log1p(1 / n)), "in front of the logarithm"),
        (factor(formula=lambda n: 1 + np.log(1 / n)), "inside the logarithm"),
        (factor(formula=lambda n: 1 + np.log10(1 + 1 / n)), "base 10"),
        (factor(formula=lambda n: 1 + np.log2(1 + 1 / n)), "base 2"),
        (factor(formula=lambda n: 1 + np.log1p(n)), "grows with the gradient"),
        (factor(lambda g: (g**2).sum()), "root is missing"),
        (factor(lambda g: np.sqrt((g**2).mean())), "*mean* square"),
        (factor(lambda g: np.abs(g).sum()), "absolute values"),
        (factor(lambda g: np.abs(g).max()), "largest element"),
        (factor(np.abs), "each element"),
        (factor(lambda g: np.linalg.norm(g, axis=-1)), "each row"),
        (factor(lambda g: np.linalg.norm(g, axis=0)), "each column"),
        (factor(lambda g: np.linalg.norm(g, ord=2)), "singular value"),
        (factor(zero=np.inf), "divides by 0"),
        (factor(zero=np.nan), "returns no number"),
        (factor(zero=0.0), "stops the layer"),
        (factor_in_place, "changes its input `g`"),
    ],
    "12.2": [
        (adagrad(power=2, remember=1), "Both bugs"),
        (adagrad(remember=1), "still goes into S"),
        (adagrad(power=2), "counts twice"),
        (adagrad(power=0), "plain AdaGrad"),
        (adagrad(power=0, remember=1), "only enters S"),
        (adagrad(power=-1), "divides the rate"),
        (adagrad(norm=lambda g, layer: np.linalg.norm(g)), "whole vector"),
        (adagrad(root=lambda S, epsilon: np.sqrt(S + epsilon)), "inside the root"),
        (adagrad(late=True), "old S"),
        (adagrad(sign=1), "uphill"),
        (adagrad(back=lambda w, S, before: (w, before)), "as it was"),
        (adagrad(back=lambda w, S, before: (S, w)), "other way round"),
        (adagrad(back=lambda w, S, before: w), "2 values"),
        (adagrad_forgetting, "should grow"),
        (adagrad_in_place, "changes its input"),
    ],
    "12.3": [
        (lambda norms, rates: rates * right(norms.mean(axis=(0, 1))), "multiplier of the mean"),
        (lambda norms, rates: rates * right(norms[-1]).mean(axis=0), "at the last step"),
        (lambda norms, rates: rates * right(norms[0]).mean(axis=0), "at the first step"),
        (lambda norms, rates: rates * right(norms).mean(), "all runs too"),
        (lambda norms, rates: rates * right(norms[:, 0]).mean(axis=0), "bottom layer alone"),
        (lambda norms, rates: rates * right(norms[:, -1]).mean(axis=0), "top layer alone"),
        (lambda norms, rates: rates * norms.mean(axis=(0, 1)), "norms themselves"),
        (lambda norms, rates: right(norms).mean(axis=(0, 1)), "rates are missing"),
        (lambda norms, rates: rates * right(norms).sum(axis=(0, 1)), "sum of the multipliers"),
        (lambda norms, rates: rates * np.median(right(norms), axis=(0, 1)), "median"),
        (lambda norms, rates: rates / right(norms).mean(axis=(0, 1)), "larger rate"),
        (lambda norms, rates: rates * np.log1p(1 / norms).mean(axis=(0, 1)), "in front of"),
        (lambda norms, rates: rates * right(norms).mean(axis=0), "still apart"),
    ],
}
