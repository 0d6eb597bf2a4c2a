r"""Wrong answers to the exercises of chapter 07, each with a part of the sentence expected.

RIGHT holds right ones in other styles than the worked solution's.
"""

import numpy as np


def step_decay(epoch, learning_rate, drop, every):
    return learning_rate * drop ** (epoch // every)


def matching_decay(drop, every):
    return -np.log(drop) / every


def undefined_t(drop, every):
    return -np.log(drop) / t  # noqa: F821


def step(power):
    r"""Both answers, with the step's power another function of epoch and every."""
    return {
        "step_decay": lambda epoch, rate, drop, every: rate * drop ** power(epoch, every),
        "matching_decay": matching_decay,
    }


def steps(function):
    r"""Both answers, with another step_decay."""
    return {"step_decay": function, "matching_decay": matching_decay}


def matching(function):
    r"""Both answers, with another matching_decay."""
    return {"step_decay": step_decay, "matching_decay": function}


class Right:
    r"""The right history, to be spoilt."""

    def on_train_begin(self, run):
        self.losses, self.rates = [], []

    def on_epoch_end(self, run):
        self.losses.append(self.loss(run))
        self.rates.append(self.rate(run))

    def loss(self, run):
        return run.history.epochs[-1]["loss"]

    def rate(self, run):
        return run.history.epochs[-1]["learning_rate"]


class NextEpoch(Right):
    def rate(self, run):
        return 0.4 * 0.5 ** (len(self.losses) // 2)


class RateOfTheRun(Right):
    def rate(self, run):
        return run.learning_rate


class FirstStep(Right):
    def rate(self, run):
        return run.history.learning_rate[-4]


class LastBatch(Right):
    def loss(self, run):
        return float(run.loss)


class MeanOfAll(Right):
    def loss(self, run):
        return np.mean(run.history.loss)


class Sum(Right):
    def loss(self, run):
        return 4 * super().loss(run)


class FirstRate(Right):
    def rate(self, run):
        return 0.5


class AlwaysTheFirst(Right):
    def loss(self, run):
        return run.history.epochs[0]["loss"]


class LossOfAStep(Right):
    def loss(self, run):
        return run.history.loss[run.epoch]


class RateOfAStep(Right):
    def rate(self, run):
        return run.history.learning_rate[len(self.rates)]


class MeanRate(Right):
    def rate(self, run):
        return np.mean(run.history.learning_rate[-4:])


class RateBefore(Right):
    def on_epoch_begin(self, run):
        self.rates.append(run.learning_rate)

    def on_epoch_end(self, run):
        self.losses.append(self.loss(run))


class NeverEmptied(Right):
    def __init__(self):
        self.losses, self.rates = [], []

    def on_train_begin(self, run):
        pass


class OneListForAll(Right):
    losses = []  # noqa: RUF012
    rates = []  # noqa: RUF012

    def on_train_begin(self, run):
        pass


class OneListForBoth(Right):
    def on_train_begin(self, run):
        self.losses = self.rates = []


class Twice(Right):
    def on_epoch_end(self, run):
        super().on_epoch_end(run)
        super().on_epoch_end(run)


class ByStep(Right):
    def on_batch_end(self, run):
        self.losses.append(float(run.loss))
        self.rates.append(run.learning_rate)

    def on_epoch_end(self, run):
        pass


class NoRates(Right):
    def on_train_begin(self, run):
        self.losses = []

    def on_epoch_end(self, run):
        self.losses.append(self.loss(run))


class Nothing(Right):
    def on_epoch_end(self, run):
        self.done = True


def warm_cosine(step, steps, warm, top):
    if step < warm:
        return top * step / warm
    return top / 2 * (1 + np.cos(np.pi * (step - warm) / (steps - warm)))


def triangle(step, low, high, half):
    part = step % (2 * half) / half
    return low + (high - low) * (1 - abs(part - 1))


def warm(cosine, line=lambda step, warm, top: top * step / warm):
    r"""Both answers, with another cosine or line; cosine(step, steps, warm) is a share of top."""

    def answer(step, steps, warm, top):
        return line(step, warm, top) if step < warm else top * cosine(step, steps, warm)

    return {"warm_cosine": answer, "triangle": triangle}


def half(angle):
    return (1 + np.cos(angle)) / 2


def cyclic(part, low_factor=1, spread=lambda low, high: high - low):
    r"""Both answers, with another way up and down."""

    def answer(step, low, high, half):
        return low_factor * low + spread(low, high) * part(step, half)

    return {"warm_cosine": warm_cosine, "triangle": answer}


def up(step, half):
    return 1 - abs(step % (2 * half) / half - 1)


def designed(first, shape=lambda part: 1 - part, length=lambda steps: steps):
    r"""Rates of a shape from a first rate that depends on the budget."""

    def my_rates(steps):
        count = length(steps)
        return first(steps) * shape(np.arange(count) / count)

    return my_rates


def power(steps):
    return 11 / steps**0.75


def made_for_three(steps):
    return {50: 0.6, 200: 0.25, 1000: 0.06}.get(steps, 0.6) * (1 - np.arange(steps) / steps)


WRONG = {
    "07.1": [
        (step(lambda epoch, every: (1 + epoch) // every), "one epoch early"),
        (step(lambda epoch, every: epoch / every), "no stairs"),
        (step(lambda epoch, every: epoch), "in every epoch"),
        (step(lambda epoch, every: epoch % every), "the remainder"),
        (step(lambda epoch, every: round(epoch / every)), "nearest"),
        (step(lambda epoch, every: -(-epoch // every)), "rounds up"),
        (step(lambda epoch, every: -(epoch // every)), "divides by drop's power"),
        (steps(lambda epoch, rate, drop, every: rate * (drop / every) ** epoch), "*power*"),
        (steps(lambda epoch, rate, drop, every: drop ** (epoch // every)), "first rate"),
        (steps(lambda epoch, rate, drop, every: [rate]), "one number"),
        (steps(lambda epoch, rate, drop, every: print(end="")), "returned None"),
        (matching(undefined_t), "NameError"),
        (matching(lambda drop, every: np.log(drop) / every), "wrong sign"),
        (matching(lambda drop, every: -np.log(drop)), "in *every* epoch"),
        (matching(lambda drop, every: -np.log(drop) * every), "multiplies by every"),
        (matching(lambda drop, every: -np.log10(drop) / every), "log10"),
        (matching(lambda drop, every: -np.log2(drop) / every), "log2"),
        (matching(lambda drop, every: drop ** (1 / every)), "factor of one epoch"),
        (matching(lambda drop, every: 1 - drop ** (1 / every)), "fall in one epoch"),
        (matching(lambda drop, every: (1 - drop) / every), "evenly"),
        (matching(lambda drop, every: drop / every), "solve"),
        (steps(lambda epoch, rate, drop, every: rate - drop * (epoch // every)), "subtracts"),
        (
            steps(lambda epoch, rate, drop, every: rate * (1 - drop) ** (epoch // every)),
            "multiplies by 1 - drop",
        ),
        (step(lambda epoch, every: epoch // every + 1), "one stair down"),
        (step(lambda epoch, every: min(1, epoch // every)), "only once"),
        (step(lambda epoch, every: max(epoch - 1, 0) // every), "one epoch late"),
        (steps(lambda epoch, *given: 0.8 * 0.4 ** (epoch // 5)), "numbers of the picture"),
        (matching(lambda drop, every: -np.log(drop) / (every - 1)), "`every` - 1 epochs"),
        (matching(lambda drop, every: -np.log(drop / every)), "inside the logarithm"),
        (matching(lambda drop, every: -np.log(1 - drop) / every), "logarithm of 1 - drop"),
        (matching(lambda drop, every: drop**every), "to the power `every`"),
        (matching(lambda drop, every: np.log(drop) * every), "and multiplies by every"),
    ],
    "07.2": [
        (NextEpoch, "*next* epoch"),
        (RateOfTheRun, "run.learning_rate is already the next one"),
        (FirstStep, "first step"),
        (LastBatch, "last batch"),
        (MeanOfAll, "all steps so far"),
        (Sum, "the sum"),
        (FirstRate, "fit was given"),
        (NeverEmptied, "second training"),
        (OneListForAll, "share the list"),
        (OneListForBoth, "are the same list"),
        (Twice, "append one"),
        (ByStep, "one number a step"),
        (NoRates, "no list `rates`"),
        (Nothing, "0 numbers"),
        (AlwaysTheFirst, "always the first epoch's"),
        (LossOfAStep, "history.loss has one number a step"),
        (RateOfAStep, "learning_rate has one number a step"),
        (MeanRate, "mean rate"),
        (RateBefore, "before the epoch's first step"),
    ],
    "07.3": [
        (warm(lambda s, steps, w: half(np.pi * s / steps)), "under the warm-up"),
        (warm(lambda s, steps, w: half(np.pi * (s - w) / steps)), "only steps - warm"),
        (warm(lambda s, steps, w: half(np.pi * s / (steps - w))), "begins at step 0"),
        (warm(lambda s, steps, w: 2 * half(np.pi * (s - w) / (steps - w))), "half of `top`"),
        (warm(lambda s, steps, w: half(180 * (s - w) / (steps - w))), "radians"),
        (warm(lambda s, steps, w: half(2 * np.pi * (s - w) / (steps - w))), "whole wave"),
        (
            warm(
                lambda s, steps, w: half(np.pi * (s - w) / (steps - w)),
                lambda s, w, top: top * (s + 1) / w,
            ),
            "one step early",
        ),
        (
            warm(
                lambda s, steps, w: half(np.pi * (s - w) / (steps - w)),
                lambda s, w, top: top * half(np.pi * (s - w) / (12 - w)),
            ),
            "no warm-up",
        ),
        (warm(lambda s, steps, w: half(np.pi * (s - w) / (steps - w - 1))), "one step early"),
        (warm(lambda s, steps, w: 1 - half(np.pi * (s - w) / (steps - w))), "1 - cos goes up"),
        (warm(lambda s, steps, w: (steps - s) / (steps - w)), "along a line"),
        (warm(lambda s, steps, w: np.cos(np.pi / 2 * (s - w) / (steps - w))), "a quarter"),
        (cyclic(lambda s, h: 1 - abs(s % (2 * h) // h - 1)), "no slopes"),
        (cyclic(lambda s, h: 1 - up(s, h)), "upside down"),
        (cyclic(lambda s, h: max(0, 1 - abs(s / h - 1))), "only once"),
        (cyclic(lambda s, h: up(s + 1, h)), "one step ahead"),
        (cyclic(lambda s, h: up(s, h / 2)), "twice as fast"),
        (cyclic(lambda s, h: s % h / h), "a saw"),
        (cyclic(up, 0, lambda low, high: high), "starts at 0"),
        (cyclic(up, 1, lambda low, high: high), "beyond high"),
        (warm(lambda s, steps, w: np.cos(np.pi * (s - w) / (steps - w))), "falls below 0"),
        (
            warm(lambda s, steps, w: (1 + np.sin(np.pi * (s - w) / (steps - w))) / 2),
            "takes a sine",
        ),
        (
            warm(lambda s, steps, w: half(np.pi * (s - w) / (steps - w)), lambda s, w, top: top),
            "at `top` during the warm-up",
        ),
        (cyclic(lambda s, h: (1 + np.sin(np.pi * s / h)) / 2), "sine wave"),
        (cyclic(lambda s, h: half(np.pi * (1 - s / h))), "cosine wave"),
        (cyclic(lambda s, h: s % (2 * h) / h), "keeps rising"),
    ],
    "07.4": [
        (lambda steps: np.full(steps, np.nan), "negative or not finite"),
        (designed(lambda steps: 0.1, np.ones_like), "never changes"),
        (designed(lambda steps: 0.3), "is distance"),
        (designed(lambda steps: 0.01), "too small to arrive"),
        (designed(lambda steps: 1.0, lambda part: np.exp(-20 * part)), "fall too early"),
        (designed(lambda steps: 4.0, lambda part: 1 - part / 2), "diverges"),
        (designed(power, length=lambda steps: steps + 1), "of shape (51,)"),
        (designed(power, lambda part: part - 1), "negative"),
        (made_for_three, "is noise"),
        (lambda steps: power(steps), "shape ()"),
        (lambda steps: print(end=""), "returned None"),
    ],
}


def stairs_by_loop(epoch, learning_rate, drop, every):
    for _ in range(every, epoch + 1, every):
        learning_rate *= drop
    return np.float32(learning_rate)


class FromTheSteps:
    r"""Averages the losses of the epoch's own steps, and looks up the last step's rate."""

    def on_train_begin(self, run):
        self.losses, self.rates, self.first = [], [], 0

    def on_epoch_end(self, run):
        self.losses += [float(np.mean(run.history.loss[self.first :]))]
        self.rates += [run.history.learning_rate[-1]]
        self.first = len(run.history.loss)


def squared_cosine(step, steps, warm, top):
    share = max(0, step - warm) / (steps - warm)
    return top * min(step / warm if warm else 1, np.cos(np.pi / 2 * share) ** 2)


def folded(step, low, high, half):
    return np.interp(step % (2 * half), [0, half, 2 * half], [low, high, low])


RIGHT = {
    "07.1": [
        {"step_decay": stairs_by_loop, "matching_decay": matching_decay},
        {"step_decay": step_decay, "matching_decay": lambda d, e: np.log(1 / d) / e},
    ],
    "07.2": [FromTheSteps],
    "07.3": [{"warm_cosine": squared_cosine, "triangle": folded}],
    "07.4": [
        designed(power, lambda part: (1 + np.cos(np.pi * part)) / 2),
        lambda steps: list(designed(power)(steps)),
        lambda steps: np.float32(designed(lambda n: 9 / n**0.7)(steps)),
    ],
}
