r"""Wrong answers to the exercises of chapter 13, each with a part of the sentence expected."""

import numpy as np


def same_sign(g, previous):
    return (np.sign(g) == np.sign(previous)) & (g != 0)


def step(
    agree=same_sign,
    boost=lambda g, previous: (g + previous) / 2,
    move=lambda w, g, boost, rate: w - rate * (g + boost),
    stored=lambda g, previous, boost: g.copy(),
):
    r"""A step of DA-SGD with another agreement, boost, move or memory."""

    def accelerated_step(w, g, previous, learning_rate):
        extra = agree(g, previous) * boost(g, previous)
        return move(w, g, extra, learning_rate), stored(g, previous, extra)

    return accelerated_step


def step_in_place(w, g, previous, learning_rate):
    g += np.where(np.sign(g) == np.sign(previous), (g + previous) / 2, 0)
    return w - learning_rate * g, g


def step_in_place_of_w(w, g, previous, learning_rate):
    w -= learning_rate * (g + same_sign(g, previous) * (g + previous) / 2)
    return w, g.copy()


def reach(change):
    r"""K with another boost or another division, from P, A and B."""

    def K(right, above, below):
        return change(right, above, below, above + below, above * right + below * (1 - right))

    return K


def term(near=lambda z: 0.1 * z.std(), size=lambda z: abs(z).mean(), width=2):
    r"""A noise term with another window or another mean size."""

    def noise_term(z):
        return np.mean(abs(z) < near(z)) / (width * near(z)) * size(z)

    return noise_term


def from_the_nearest(z):
    sizes = np.sort(abs(z))
    return 10_000 / len(z) / (2 * sizes[10_000]) * sizes.mean()


def from_a_histogram(z):
    counts, edges = np.histogram(z, bins=np.linspace(-3, 3, 62) * z.std())
    return counts[30] / len(z) / (edges[31] - edges[30]) * abs(z).mean()


def suspect_run(gradient, w, learning_rate, steps):
    previous = gradient(w)
    for _ in range(steps):
        g = gradient(w)
        agree = np.sign(g) == np.sign(previous)
        g += agree * (g + previous) / 2
        w -= learning_rate * g
        previous = g
    return w


def run_of_one_step(gradient, w, learning_rate, steps):
    return run()(gradient, w, learning_rate, 1)


def run_one_short(gradient, w, learning_rate, steps):
    return run()(gradient, w, learning_rate, steps - 1)


def run(stored=lambda g, boosted: g.copy(), start=np.zeros_like, agree=same_sign, average=0.5):
    r"""A run of DA-SGD with another memory, start, agreement or boost."""

    def accelerated_run(gradient, w, learning_rate, steps):
        previous = start(w)
        for _ in range(steps):
            g = gradient(w)
            boosted = g + agree(g, previous) * average * (g + previous)
            w = w - learning_rate * boosted
            previous = stored(g, boosted)
        return w

    return accelerated_run


def run_from_the_start(gradient, w, learning_rate, steps):
    start, previous = w, np.zeros_like(w)
    for _ in range(steps):
        g = gradient(start).copy()
        w = w - learning_rate * (g + same_sign(g, previous) * (g + previous) / 2)
        previous = g
    return w


def run_that_asks_twice(gradient, w, learning_rate, steps):
    previous = np.zeros_like(w)
    for _ in range(steps):
        g = gradient(w).copy()
        w = w - learning_rate * (g + same_sign(g, previous) * (g + previous) / 2)
        previous = g
    gradient(w)
    return w


def run_in_place(gradient, w, learning_rate, steps):
    w[...] = run()(gradient, w, learning_rate, steps)
    return w


WRONG = {
    "13.1": [
        (lambda *given: step()(*given)[::-1], "other way round"),
        (step(stored=lambda g, previous, boost: g), "is the caller's array `g` itself"),
        (step(stored=lambda g, previous, boost: g + boost), "stores the boosted"),
        (step(stored=lambda g, previous, boost: boost), "stores the boost"),
        (lambda w, g, p, rate: (w - rate * g * (1 + (g * p > 0) / 2), g.copy()), "half of g alone"),
        (step(stored=lambda g, previous, boost: previous.copy()), "old gradient"),
        (step(boost=lambda g, previous: g + previous), "is the sum"),
        (step(agree=lambda g, previous: True), "everywhere"),
        (step(agree=lambda g, previous: np.sign(g) != np.sign(previous)), "signs differ"),
        (step(agree=lambda g, previous: np.sum(g * previous) > 0), "whole vector"),
        (step(boost=lambda g, previous: g), "is the current gradient"),
        (step(agree=lambda g, previous: np.sign(g) * np.sign(previous)), "taken away"),
        (step(boost=lambda g, previous: (g - previous) / 2), "half of the difference"),
        (step(move=lambda w, g, boost, rate: w + rate * (g + boost)), "uphill"),
        (step(boost=lambda g, previous: g + previous / 2), "last gradient is halved"),
        (step(move=lambda w, g, boost, rate: w - rate * g - boost), "in front of the boost"),
        (step(move=lambda w, g, boost, rate: w - rate * np.where(boost, g + boost, 0)), "stands"),
        (step(agree=lambda g, previous: False), "no boost"),
        (step(agree=lambda g, previous: g * previous >= 0), "agrees with nothing"),
        (step(agree=lambda g, previous: g * previous > 0), "compare signs"),
        (lambda *given: step()(*given)[0], "one array of shape"),
        (step_in_place, "stores the boosted"),
        (step_in_place_of_w, "changes its input `w`"),
    ],
    "13.2": [
        (reach(lambda P, A, B, mean, boost: boost / mean), "The 1 is missing"),
        (reach(lambda P, A, B, mean, boost: mean + boost), "ratio of mean steps"),
        (reach(lambda P, A, B, mean, boost: 1 + boost), "boost is not divided"),
        (reach(lambda P, A, B, mean, boost: 1 + A * P / mean), "positive side"),
        (reach(lambda P, A, B, mean, boost: 1 + boost / mean / 2), "half of the boost"),
        (reach(lambda P, A, B, mean, boost: 1 + 2 * boost / mean), "doubled"),
        (reach(lambda P, A, B, mean, boost: 1 + (A * P - B * (1 - P)) / mean), "wrong sign"),
        (reach(lambda P, A, B, mean, boost: 1 + boost / (A - B)), "mean size"),
        (reach(lambda P, A, B, mean, boost: 1 + P**2 + (1 - P) ** 2), "chance of agreement"),
        (reach(lambda P, A, B, mean, boost: 1 + (A * (1 - P) + B * P) / mean), "exchanged"),
        (lambda P, A, B: 2.0, "every step were boosted"),
        (lambda P, A, B: 1 + (P**2 * A + (1 - P) ** 2 * B) / (A + B), "already"),
        (
            lambda P, A, B: 1 + (P**2 * A + (1 - P) ** 2 * B) / (P * A + (1 - P) * B),
            "their sum is the mean",
        ),
        (lambda P, A, B: 1.82, "where"),
    ],
    "13.3": [
        (lambda z: 1 / np.pi, "for every noise"),
        (
            lambda z: abs(z).mean() / (np.sqrt(2 * np.pi) * z.std()),
            "has the density of a bell curve",
        ),
        (term(near=lambda z: 0.1), "has no unit"),
        (term(size=lambda z: z.std()), "spread of z"),
        (term(width=1), "twice too large"),
        (term(width=4), "half of what"),
        (term(size=lambda z: 1), "E|z| is missing"),
        (lambda z: abs(z).mean(), "f(0) is missing"),
        (term(size=lambda z: z.mean()), "sizes first"),
        (term(near=lambda z: z.std()), "where"),
        (lambda z: 1.5 + term()(z), "the term alone"),
        (lambda z: len(z) * term()(z), "is a share"),
        (term(near=lambda z: 1e-5 * z.std()), "where"),
        (lambda z: np.histogram(z, 10_000, density=True)[0].max() * abs(z).mean(), "where"),
    ],
    "13.4": [
        (suspect_run, "asks for more"),
        (run(lambda g, boosted: boosted), "still stores"),
        (run(lambda g, boosted: g), "agrees with itself"),
        (run(lambda g, boosted: np.zeros_like(g)), "Nothing is stored"),
        (run(average=1.0), "is the sum"),
        (run(agree=lambda g, previous: np.sign(g) * np.sign(previous)), "taken away"),
        (run(agree=lambda g, previous: g * previous > 0), "compare their signs"),
        (run(agree=lambda g, previous: True), "everywhere"),
        (run(start=np.ones_like), "starts at 1"),
        (run_from_the_start, "at the start"),
        (run_that_asks_twice, "once for each step"),
        (run_of_one_step, "only one step"),
        (run_one_short, "one step too few"),
        (run_in_place, "changes its input `w`"),
    ],
}

RIGHT = {
    "13.1": [
        lambda *given: [np.float32(step()(*given)[0]), given[1].copy()],
        lambda w, g, previous, rate: (
            w - rate * np.where(np.sign(g) * np.sign(previous) == 1, 1.5 * g + previous / 2, g),
            +g,
        ),
    ],
    "13.2": [
        reach(lambda P, A, B, mean, boost: (A * (1 + P) + B * (2 - P)) / mean),
        reach(lambda P, A, B, mean, boost: np.float32(1 + boost / mean)),
    ],
    "13.3": [
        term(near=lambda z: 0.03 * z.std()),
        term(near=lambda z: 0.1 * abs(z).mean()),
        from_the_nearest,
        from_a_histogram,
    ],
    "13.4": [run()],
}
