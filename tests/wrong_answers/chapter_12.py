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


def formula(factor, used=lambda epsilon: epsilon):
    r"""AdaGrad with another multiplier of a layer's gradient, or another epsilon."""

    def adagrad_step(w, S, g, learning_rate, layers, epsilon=1e-8):
        w, S = w.copy(), S + g**2
        for layer in layers:
            step = learning_rate * factor(g[layer]) * g[layer]
            w[layer] -= step / (np.sqrt(S[layer]) + used(epsilon))
        return w, S

    return adagrad_step


def layer_factor(part):
    return right(np.linalg.norm(part))


def averaged(mean=np.mean, axes=((0, 1), 0, 1), then=lambda found, m: found):
    r"""Controls with another mean, other axes, or something done to them in the end."""

    def controls(m):
        found = [np.broadcast_to(mean(m, axis=a, keepdims=True), m.shape) for a in axes]
        return tuple(then(found, m))

    return controls


def geometric(m, **options):
    return np.exp(np.log(m).mean(**options))


def of_the_first_layer(w, S, g, learning_rate, layers, epsilon=1e-8):
    return adagrad()(w, S, g, learning_rate, layers[:1], epsilon)


def controls_in_place(m):
    found = averaged()(m.copy())
    m -= m.mean()
    return found


def adagrad_forgetting(w, S, g, learning_rate, layers, epsilon=1e-8):
    return adagrad()(w, S, g, learning_rate, layers, epsilon)[0], g**2


WRONG = {
    "12.1": [
        (factor(formula=lambda n: np.log1p(1 / n)), "in front of the logarithm"),
        (factor(formula=lambda n: 1 + np.log(1 / n)), "inside the logarithm"),
        (factor(formula=lambda n: max(1, 1 - np.log(n))), "no kink"),
        (factor(formula=lambda n: 1 + np.log(1 + 1 / n**2) / 2), "not the bend"),
        (factor(formula=lambda n: 1 + 1 / n), "The logarithm is missing"),
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
        (factor(lambda g: abs(g.sum())), "sum of the elements"),
        (lambda g: right(np.linalg.norm(g)) if g.all() else 1.0, "only some elements are 0"),
        (lambda g: right(np.linalg.norm(g)) if g.sum() else 1.0, "they sum"),
        (lambda g: np.log1p(1 / np.linalg.norm(g)), "in front of the logarithm"),
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
        (adagrad(root=lambda S, epsilon: S + epsilon), "The root is missing"),
        (of_the_first_layer, "Only the first layer"),
        (adagrad(sign=1), "uphill"),
        (adagrad(back=lambda w, S, before: (w, before)), "as it was"),
        (adagrad(back=lambda w, S, before: (S, w)), "other way round"),
        (adagrad(back=lambda w, S, before: w), "2 values"),
        (adagrad_forgetting, "should grow"),
        (adagrad_in_place, "changes its input"),
        (formula(layer_factor, lambda epsilon: 0.0), "epsilon is missing"),
        (formula(layer_factor, lambda epsilon: 1e-8), "epsilon is missing"),
        (formula(lambda part: np.log1p(1 / np.linalg.norm(part))), "in front of the multiplier"),
        (formula(lambda part: right((part**2).sum())), "square of the norm"),
        (formula(lambda part: right(np.sqrt((part**2).mean()))), "*mean* square"),
        (formula(lambda part: right(np.abs(part))), "each element"),
    ],
    "12.3": [
        (averaged(axes=((0, 1, 2), (0, 2), (1, 2))), "over the runs too"),
        (averaged(np.sum), "is a sum"),
        (averaged(np.median), "median"),
        (averaged(geometric), "geometric"),
        (averaged(axes=((0, 1), 1, 0)), "exchanged"),
        (averaged(axes=(0, (0, 1), 1)), "`constant` and `by_layer` are exchanged"),
        (averaged(axes=(1, 0, (0, 1))), "`constant` and `by_step` are exchanged"),
        (averaged(then=lambda found, m: [m, m, m]), "nothing is averaged"),
        (averaged(then=lambda found, m: [found[0], 0 * m + m[:1], found[2]]), "first step"),
        (averaged(then=lambda found, m: [found[0], 0 * m + m[-1:], found[2]]), "last step"),
        (averaged(then=lambda found, m: [*found[:2], 0 * m + m[:, :1]]), "bottom layer"),
        (averaged(then=lambda found, m: [f / found[0] for f in found]), "steps less far"),
        (lambda m: (m.mean(axis=(0, 1)), m.mean(axis=0), m.mean(axis=1)), "keepdims"),
        (lambda m: averaged()(m)[:2], "3 values"),
        (lambda m: averaged()(m)[0], "three arrays"),
        (controls_in_place, "changes its input `m`"),
    ],
    "12.4": [
        (lambda: [1.0] * 5, "nearly alike"),
        (lambda: [0.5, 1, 2, 4, 8], "largest rate"),
        (lambda: [6.6, 6.0, 4.6, 3.2, 2.2], "nearly alike"),
        (lambda: [5.59, 4.99, 3.61, 2.39, 1.73], "nearly alike"),
        (lambda: [6, 3.2, 1.7, 0.9, 0.5], "wider split"),
        (lambda: [0.5, 0.158, 0.05, 0.0158, 0.005], "update ratio"),
        (lambda: [5000.0, 1580, 500, 158, 50], "update ratio"),
        (lambda: [25.0, 9, 3, 1], "it should be (5,)"),
        (lambda: [25.0, 9, 3, 1, 0], "above 0"),
        (lambda: [25.0, 9, 3, 1, float("nan")], "above 0"),
        (lambda: ["a"] * 5, "number"),
    ],
}

RIGHT = {
    "12.1": [
        lambda g: float(1 + np.log1p(1 / np.linalg.norm(g))) if np.any(g) else 1,
        lambda g: np.float32(right(np.linalg.norm(np.ravel(g)))) if abs(g).max() else 1.0,
    ],
    "12.2": [
        lambda *given: tuple(each.tolist() for each in adagrad()(*given)),
        lambda *given: list(adagrad()(*given)),
    ],
    "12.3": [
        averaged(),
        lambda m: np.stack(averaged()(m)),
        lambda m: [each.tolist() for each in averaged()(m)],
    ],
    "12.4": [
        lambda: [50, 15.8, 5, 1.58, 0.5],
        lambda: np.array([40, 12, 4, 1.3, 0.4], dtype=np.float32),
    ],
}
