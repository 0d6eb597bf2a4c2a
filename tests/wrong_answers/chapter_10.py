r"""Wrong answers to the exercises of chapter 10, each with a part of the sentence expected."""

import numpy as np


def adagrad(
    collect=lambda S, g: S + g**2,
    move=lambda w, old, S, g, rate, epsilon: w - rate * g / (np.sqrt(S) + epsilon),
):
    r"""An AdaGrad with another sum or another step."""

    def adagrad_step(w, S, g, learning_rate, epsilon):
        new = collect(S, g)
        return move(w, S, new, g, learning_rate, epsilon), new

    return adagrad_step


def adagrad_in_place(w, S, g, learning_rate, epsilon):
    S += g**2
    w -= learning_rate * g / (np.sqrt(S) + epsilon)
    return w, S


def adagrad_with_the_old_sum(w, S, g, learning_rate, epsilon):
    return adagrad()(w, S, g, learning_rate, epsilon)[0], S


def adadelta(
    collect=lambda S, g, rho: rho * S + (1 - rho) * g**2,
    step=lambda S, D, g, epsilon: g * np.sqrt((D + epsilon) / (S + epsilon)),
    measure=lambda D, u, g, rho: rho * D + (1 - rho) * u**2,
    move=lambda w, u: w - u,
):
    r"""An AdaDelta with one part changed."""

    def adadelta_step(w, S, D, g, rho, epsilon):
        S = collect(S, g, rho)
        u = step(S, D, g, epsilon)
        return move(w, u), S, measure(D, u, g, rho)

    return adadelta_step


def adadelta_with_the_new_mean(w, S, D, g, rho, epsilon):
    _, S, D = adadelta()(w, S, D, g, rho, epsilon)
    return w - g * np.sqrt((D + epsilon) / (S + epsilon)), S, D


def adadelta_with_the_old_sum(w, S, D, g, rho, epsilon):
    u = g * np.sqrt((D + epsilon) / (S + epsilon))
    return w - u, rho * S + (1 - rho) * g**2, rho * D + (1 - rho) * u**2


def adadelta_in_place(w, S, D, g, rho, epsilon):
    S *= rho
    S += (1 - rho) * g**2
    u = g * np.sqrt((D + epsilon) / (S + epsilon))
    return w - u, S, rho * D + (1 - rho) * u**2


def adam(late=False, inside=False, correct_m=True, correct_v=True, hats=False, count=1, sign=1):
    r"""An Adam with some of the bugs."""

    def adam_step(w, m, v, t, g, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        steps = max(t, 1) if late else t + 1
        m_hat = m / (1 - beta1**steps) if correct_m else m
        v_hat = v / (1 - beta2**steps) if correct_v else v
        root = np.sqrt(v_hat + epsilon) if inside else np.sqrt(v_hat) + epsilon
        w = w - sign * learning_rate * m_hat / root
        return w, *((m_hat, v_hat) if hats else (m, v)), t + count

    return adam_step


def adam_of_keras(w, m, v, t, g, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    _, m, v, t = adam()(w, m, v, t, g, learning_rate)
    rate = learning_rate * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return w - rate * m / (np.sqrt(v) + epsilon), m, v, t


def adam_in_place(w, m, v, t, g, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    w[...], m[...], v[...], t = adam()(w, m, v, t, g, learning_rate, epsilon=epsilon)
    return w, m, v, t


WRONG = {
    "10.1": [
        (lambda *given: adagrad()(*given)[::-1], "other way round"),
        (adagrad(lambda S, g: S + g), "adds up gradients"),
        (adagrad(lambda S, g: S + abs(g)), "adds up sizes"),
        (adagrad(lambda S, g: g**2), "forgets the past"),
        (adagrad_with_the_old_sum, "still the old one"),
        (adagrad(lambda S, g: 0.9 * S + 0.1 * g**2), "decaying mean"),
        (adagrad(move=lambda w, old, S, g, rate, e: w + rate * g / (S**0.5 + e)), "uphill"),
        (adagrad(move=lambda w, old, S, g, rate, e: w - rate * g / (S + e)), "root is missing"),
        (adagrad(move=lambda w, old, S, g, rate, e: w - rate * g / (old**0.5 + e)), "the old S"),
        (adagrad(move=lambda w, old, S, g, rate, e: w - rate * g / (S + e) ** 0.5), "inside"),
        (adagrad(move=lambda w, old, S, g, rate, e: w - rate * g / S**0.5), "epsilon is missing"),
        (adagrad(move=lambda w, old, S, g, rate, e: w - rate * g), "plain descent"),
        (lambda *given: adagrad()(*given)[0], "2 values"),
        (adagrad_in_place, "changes its input `w`"),
    ],
    "10.2": [
        (adadelta(lambda S, g, rho: S + g**2), "without forgetting"),
        (adadelta(lambda S, g, rho: (1 - rho) * S + rho * g**2), "wrong way round in S"),
        (adadelta(lambda S, g, rho: rho * S + g**2), "missing in S"),
        (adadelta_with_the_new_mean, "before it was used"),
        (adadelta_with_the_old_sum, "uses the old S"),
        (adadelta(measure=lambda D, u, g, rho: D), "still the old one"),
        (
            adadelta(measure=lambda D, u, g, rho: rho * D + (1 - rho) * g**2),
            "takes in the gradient",
        ),
        (adadelta(measure=lambda D, u, g, rho: rho * D + u**2), "missing in D"),
        (adadelta(step=lambda S, D, g, e: g * (D**0.5 + e) / (S**0.5 + e)), "outside of the roots"),
        (adadelta(step=lambda S, D, g, e: g * (D / (S + e)) ** 0.5), "missing beside D"),
        (adadelta(step=lambda S, D, g, e: g * ((S + e) / (D + e)) ** 0.5), "upside down"),
        (adadelta(step=lambda S, D, g, e: g * (D + e) / (S + e)), "roots are missing"),
        (adadelta(move=lambda w, u: w + u), "uphill"),
        (lambda *given: adadelta()(*given)[:2], "3 values"),
        (adadelta_in_place, "changes its input `S`"),
    ],
    "10.3": [
        (adam(late=True, inside=True, correct_v=False), "All three bugs"),
        (adam(late=True, correct_v=False), "and t comes too late"),
        (adam(inside=True, correct_v=False), "v is not corrected, and epsilon"),
        (adam(late=True, inside=True), "t comes too late, and epsilon"),
        (adam(correct_v=False), "v is not corrected: divide"),
        (adam(correct_m=False), "m is not corrected"),
        (adam(correct_m=False, correct_v=False), "Nothing is corrected"),
        (adam(late=True), "t comes too late: the first"),
        (adam(inside=True), "epsilon is inside of the root"),
        (adam(hats=True), "corrected m"),
        (adam(count=0), "not counted up"),
        (adam(sign=-1), "uphill"),
        (adam_of_keras, "before the correction"),
        (adam_in_place, "changes its input `w`"),
    ],
}
