r"""Wrong answers to the exercises of chapter 13, each with a part of the sentence expected."""

from statistics import NormalDist

import numpy as np

bell = NormalDist()


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


def reach(one=1, power=2, last=lambda a, right, wrong: bell.pdf(a) / a * (right - wrong)):
    r"""K with another first, middle or last term."""

    def K(a):
        right, wrong = bell.cdf(a), bell.cdf(-a)
        return one + right**power + wrong**power + last(a, right, wrong)

    return K


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
        (step(stored=lambda g, previous, boost: g + boost), "stores the boosted"),
        (step(stored=lambda g, previous, boost: boost), "stores the boost"),
        (step(stored=lambda g, previous, boost: previous.copy()), "old gradient"),
        (step(boost=lambda g, previous: g + previous), "is the sum"),
        (step(agree=lambda g, previous: True), "everywhere"),
        (step(agree=lambda g, previous: np.sign(g) != np.sign(previous)), "signs differ"),
        (step(agree=lambda g, previous: np.sum(g * previous) > 0), "whole vector"),
        (step(boost=lambda g, previous: g), "is the current gradient"),
        (step(move=lambda w, g, boost, rate: w + rate * (g + boost)), "uphill"),
        (step(agree=lambda g, previous: False), "no boost"),
        (step(agree=lambda g, previous: g * previous >= 0), "agrees with nothing"),
        (step(agree=lambda g, previous: g * previous > 0), "compare signs"),
        (lambda *given: step()(*given)[0], "2 values"),
        (step_in_place, "stores the boosted"),
        (step_in_place_of_w, "changes its input `w`"),
    ],
    "13.2": [
        (reach(one=0), "The 1 is missing"),
        (reach(last=lambda a, right, wrong: bell.pdf(a) * (right - wrong)), "not divided"),
        (reach(last=lambda a, right, wrong: 0), "last term is missing"),
        (reach(power=1), "not squared"),
        (reach(last=lambda a, right, wrong: bell.pdf(a) / a * (right + wrong)), "has a minus"),
        (reach(last=lambda a, right, wrong: -bell.pdf(a) / a * (right - wrong)), "wrong sign"),
        (lambda a: 1.82, "where"),
    ],
    "13.3": [
        (run(lambda g, boosted: boosted), "still stores"),
        (run(lambda g, boosted: g), "agrees with itself"),
        (run(lambda g, boosted: np.zeros_like(g)), "Nothing is stored"),
        (run(average=1.0), "is the sum"),
        (run(agree=lambda g, previous: True), "everywhere"),
        (run_from_the_start, "at the start"),
        (run_that_asks_twice, "raised StopIteration"),
        (run_in_place, "changes its input `w`"),
    ],
}
