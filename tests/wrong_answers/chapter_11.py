r"""Wrong answers to the exercises of chapter 11, each with a part of the sentence expected."""

from functools import partial
from statistics import NormalDist

import numpy as np

cdf = NormalDist().cdf


def signs(g, previous):
    return np.sign(g) * np.sign(previous)


def resized(delta, s, grow=1.2, shrink=0.5, smallest=0.001, largest=0.006):
    delta = np.where(s > 0, np.clip(grow * delta, smallest, largest), delta)
    return np.where(s < 0, np.clip(shrink * delta, smallest, largest), delta)


def swapped(delta, s):
    delta = np.where(s > 0, np.maximum(1.2 * delta, 0.006), delta)
    return np.where(s < 0, np.minimum(0.5 * delta, 0.001), delta)


def step(
    product=signs,
    resize=resized,
    move=lambda w, g, kept, old, new: w - np.sign(kept) * new,
    stored=lambda g, kept, previous: kept,
):
    r"""A step of iRprop- with another comparison, resizing, move or memory."""

    def irprop_step(w, delta, g, previous):
        s = product(g, previous)
        new, kept = resize(delta, s), np.where(s < 0, 0, g)
        return move(w, g, kept, delta, new), new, stored(g, kept, previous)

    return irprop_step


def steps_by_g(w, g, kept, old, new):
    return w - np.sign(g) * new


def step_in_place(w, delta, g, previous):
    s = signs(g, previous)
    g[s < 0] = 0
    delta = resized(delta, s)
    return w - np.sign(g) * delta, delta, g


def drift(flip=lambda a: 2 * cdf(a) * cdf(-a), mean=None):
    r"""A drift with another chance of a flip or another mean."""
    mean = mean or (lambda flip: (1 - flip) * np.log(1.2) - flip * np.log(2))
    return lambda a: mean(flip(a))


def run(
    reset_delta=False,
    reset_previous=False,
    resize=resized,
    forget=True,
    late=False,
    on_flip=False,
    product=signs,
):
    r"""A run of iRprop- that starts afresh, resizes, remembers or steps otherwise."""

    def irprop_run(epochs, w):
        delta, previous = np.full(w.shape, 0.001), np.zeros(w.shape)
        for gradients in epochs:
            delta = np.full(w.shape, 0.001) if reset_delta else delta
            previous = np.zeros(w.shape) if reset_previous else previous
            for g in gradients:
                s = product(g, previous)
                old, delta = delta, resize(delta, s)
                kept = np.where(s < 0, 0, g)
                w = w - np.sign(g if on_flip else kept) * (old if late else delta)
                previous = kept if forget else g
        return w, delta

    return irprop_run


def balance(free=3, turn=lambda a: a, logarithms=True):
    r"""The balance of iRprop- (free = 3), or a number near it."""

    def balance(increase, decrease):
        cost = np.log(1 / decrease) / np.log(increase)
        cost = cost if logarithms else (1 - decrease) / (increase - 1)
        pq = 1 / (free + cost)
        return turn(NormalDist().inv_cdf((1 + np.sqrt(1 - 4 * pq)) / 2))

    return balance


def rprop_balance(increase, decrease):
    flip = np.log(increase) / np.log(increase / decrease)
    return NormalDist().inv_cdf((1 + np.sqrt(1 - 2 * flip)) / 2)


def step_by_the_last(w, delta, g, previous):
    _, new, kept = step()(w, delta, g, previous)
    return w - np.sign(previous) * new, new, kept


def one_stops_all(w, delta, g, previous):
    s = signs(g, previous)
    new, kept = resized(delta, s), np.zeros_like(g) if (s < 0).any() else g.copy()
    return w - np.sign(kept) * new, new, kept


def other_balance(increase, decrease):
    pq = 1 / (3 + 1 / decrease / increase)
    return NormalDist().inv_cdf((1 + np.sqrt(1 - 4 * pq)) / 2)


def run_in_place(epochs, w):
    w[...], delta = run()(epochs, w)
    return w, delta


WRONG = {
    "11.1": [
        (step(move=steps_by_g), "paper's variant"),
        (step(stored=lambda g, kept, previous: g), "does not forget"),
        (step(move=steps_by_g, stored=lambda g, kept, previous: g), "that is Rprop"),
        (step(resize=swapped), "functions are swapped"),
        (step(resize=partial(resized, largest=np.inf)), "upper limit is missing"),
        (step(resize=partial(resized, smallest=0.0)), "lower limit is missing"),
        (step(resize=lambda delta, s: resized(delta, s, 0.5, 1.2)), "factors are swapped"),
        (step(resize=lambda delta, s: resized(delta, s, smallest=0, largest=9)), "limits"),
        (step(move=lambda w, g, kept, old, new: w - np.sign(kept) * old), "old delta"),
        (step(move=lambda w, g, kept, old, new: w - kept * new), "only its sign"),
        (step(move=lambda w, g, kept, old, new: w + np.sign(kept) * new), "uphill"),
        (step(stored=lambda g, kept, previous: 0 * g), "forgets everywhere"),
        (step(stored=lambda g, kept, previous: previous), "old gradient"),
        (step(stored=lambda g, kept, previous: np.sign(kept)), "hands the sign on"),
        (step(resize=lambda delta, s: delta.copy()), "never change"),
        (step(product=lambda g, previous: g * previous), "multiply the signs"),
        (step(resize=lambda delta, s: resized(delta, np.where(s == 0, 1, s))), "grows only"),
        (step(resize=lambda delta, s: resized(delta, np.where(s == 0, -1, s))), "shrinks only"),
        (one_stops_all, "weight by weight"),
        (step_by_the_last, "against the last gradient"),
        (lambda *given: step()(*given)[:2], "3 values"),
        (step_in_place, "changes its input `g`"),
    ],
    "11.2": [
        (drift(mean=lambda flip: flip * np.log(1.2) - (1 - flip) * np.log(2)), "swapped"),
        (drift(mean=lambda flip: (1 - flip) * np.log(1.2) + flip * np.log(2)), "subtract"),
        (drift(lambda a: cdf(a) * cdf(-a)), "factor 2"),
        (drift(lambda a: cdf(-a)), "one wrong sign"),
        (drift(mean=lambda flip: np.log((1 - flip) * 1.2 + flip * 0.5)), "logarithm of the mean"),
        (drift(mean=lambda flip: (1 - flip) * 1.2 + flip * 0.5), "is the mean factor"),
        (drift(mean=lambda f: (1 - f) * np.log10(1.2) - f * np.log10(2)), "base 10"),
        (drift(mean=lambda f: (1 - f) * np.log2(1.2) - f), "base 2"),
        (drift(mean=lambda flip: flip * np.log(2) - (1 - flip) * np.log(1.2)), "turned round"),
        (
            lambda a: cdf(a) ** 2 * np.log(1.2) - 2 * cdf(a) * cdf(-a) * np.log(2),
            "two wrong signs agree",
        ),
        (drift(mean=lambda flip: np.log(1.2) - flip * np.log(2)), "not 1"),
        (drift(mean=lambda flip: -flip * np.log(2)), "growth is missing"),
    ],
    "11.3": [
        (rprop_balance, "balance of Rprop"),
        (lambda increase, decrease: 0.92, "factors that are given"),
        (balance(turn=lambda a: -a), "positive"),
        (balance(turn=cdf), "right sign"),
        (balance(turn=lambda a: 2 * cdf(a) * cdf(-a)), "share of flips"),
        (balance(logarithms=False), "its logarithm"),
        (other_balance, "by dice"),
        (lambda increase, decrease: np.log(increase) / np.log(increase / decrease), "can afford"),
        (balance(turn=lambda a: a + 0.1), "by dice"),
        (balance(turn=lambda a: a + 0.05), "where"),
    ],
    "11.4": [
        (run(True, True, swapped, on_flip=True), "swapped"),
        (run(True, True, swapped, on_flip=True), "rests"),
        (run(True, True, swapped, on_flip=True), "Delta starts afresh"),
        (run(resize=swapped), "Limits and functions are swapped"),
        (lambda epochs, w: run()(epochs[:1], w), "Only the first epoch"),
        (run(True, True), "Delta starts afresh in each epoch; the last gradient is forgotten"),
        (run(reset_delta=True), "Delta starts afresh in each epoch."),
        (run(reset_previous=True), "The last gradient is forgotten at the end of each epoch."),
        (run(on_flip=True), "On a flip the weight moves"),
        (run(True, True, swapped), "swapped"),
        (run(forget=False), "does not forget"),
        (run(forget=False, on_flip=True), "that is Rprop-"),
        (run(late=True), "old delta"),
        (lambda epochs, w: run()(epochs, w)[::-1], "other way round"),
        (lambda epochs, w: run()(epochs, w)[0], "2 values"),
        (run(resize=lambda delta, s: resized(delta, s, smallest=0, largest=9)), "no limits"),
        (run(product=lambda g, previous: g * previous), "tiny gradients"),
        (run_in_place, "changes its input `w`"),
    ],
}
