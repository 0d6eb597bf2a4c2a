r"""Checks of chapter 07, Schedules."""

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import RETURNED_NONE, Check, Exercise, Wrong, compare
from lrcourse.nn import Linear, Network
from lrcourse.optim import SGD
from lrcourse.training import Run, fit


def _decays(answers: object, epochs: list, rate: float, drop: float, every: int, decay: float):
    step = [answers.step_decay(e, rate, drop, every) for e in epochs]
    exponential = [answers.exponential_decay(e, rate, decay) for e in epochs]
    _compare_step(step, epochs, rate, drop, every)
    _compare_exponential(exponential, epochs, rate, decay)


def _compare_step(got: list, epochs: list, rate: float, drop: float, every: int) -> None:
    def rates(power: Callable) -> list:
        return [rate * drop ** power(e) for e in epochs]

    mistakes = {
        "step_decay drops one epoch early: the power is floor(epoch / every), without the 1 +.": (
            rates(lambda e: (1 + e) // every)
        ),
        "step_decay has no stairs: round epoch / every down, `epoch // every`.": rates(
            lambda e: e / every
        ),
        "step_decay multiplies by drop in every epoch: the power is epoch // every.": rates(
            lambda e: e
        ),
        "step_decay uses epoch % every, the remainder; `//` divides and rounds down.": rates(
            lambda e: e % every
        ),
        "step_decay rounds to the nearest whole number; it should round down, `epoch // every`.": (
            rates(lambda e: round(e / every))
        ),
        "step_decay multiplies by drop * floor(...): the floor is a power, `drop ** (...)`.": [
            rate * drop * (e // every) for e in epochs
        ],
        "step_decay forgets the first rate: multiply by learning_rate.": [
            drop ** (e // every) for e in epochs
        ],
    }
    _rates(got, rates(lambda e: e // every), mistakes, "step_decay")


def _compare_exponential(got: list, epochs: list, rate: float, decay: float) -> None:
    mistakes = {
        "exponential_decay grows: the exponent is negative, -decay * epoch.": [
            rate * math.exp(decay * e) for e in epochs
        ],
        "exponential_decay is decay ** epoch; the formula is e ** (-decay * epoch).": [
            rate * decay**e for e in epochs
        ],
        "exponential_decay is (1 - decay) ** epoch, which only comes near; the formula has "
        "np.exp(-decay * epoch).": [rate * (1 - decay) ** e for e in epochs],
        "exponential_decay counts from 1: epoch 0 still has the first rate.": [
            rate * math.exp(-decay * (e + 1)) for e in epochs
        ],
        "exponential_decay is the time-based formula.": [rate / (1 + decay * e) for e in epochs],
        "exponential_decay forgets the first rate: multiply by learning_rate.": [
            math.exp(-decay * e) for e in epochs
        ],
    }
    expected = [rate * math.exp(-decay * e) for e in epochs]
    _rates(got, expected, mistakes, "exponential_decay")


def _rates(got: list, expected: list, mistakes: dict, what: str) -> None:
    r"""Compare rate by rate what a function returned for several counts."""
    for one in got:
        if one is None:
            raise Wrong(f"{what}: {RETURNED_NONE}")
        if np.shape(one) != ():
            raise Wrong(f"{what} should return one number, not {type(one).__name__}.")
    compare(np.array(got), np.array(expected), mistakes=mistakes, what=what)


def decays_by_numbers(answers: object, rng: Generator) -> None:
    r"""Ten epochs at 0.4, then 0.2."""
    _decays(answers, [0, 1, 6, 9, 10, 11, 20], 0.4, 0.5, 10, 0.1)


def decays_of_other_settings(answers: object, rng: Generator) -> None:
    r"""Nothing of the example is built in."""
    every = int(rng.integers(3, 6))
    rate, drop, decay = rng.uniform(0.1, 0.9, size=3)
    _decays(answers, list(range(2 * every + 2)), rate, drop, every, decay)


class _Rates:
    r"""A callback that sets a rate by epoch: when the epoch begins, or when the last one ends."""

    def __init__(self, rates: list[float], early: bool) -> None:
        self.rates, self.early = rates, early

    def on_epoch_begin(self, run: Run) -> None:
        if not self.early or run.epoch == 0:
            run.learning_rate = self.rates[run.epoch]

    def on_epoch_end(self, run: Run) -> None:
        if self.early and run.epoch + 1 < len(self.rates):
            run.learning_rate = self.rates[run.epoch + 1]


class _Fall:
    r"""A callback that lowers the rate from step to step."""

    def on_batch_begin(self, run: Run) -> None:
        run.learning_rate = 0.1 * 0.9**run.step


def _trained(history: object, before: list, epochs: int, rng: Generator) -> tuple:
    x, labels = rng.normal(size=(7, 3)), rng.integers(0, 2, size=7)
    network = Network([Linear(3, 2)], np.random.default_rng(0))
    record = fit(
        network,
        (x, labels),
        SGD(),
        learning_rate=0.5,
        batch_size=2,
        epochs=epochs,
        rng=rng,
        callbacks=[*before, history],
        progress=False,
    )
    for name in ("losses", "rates"):
        if not isinstance(getattr(history, name, None), list):
            raise Wrong(f"After training there is no list `{name}`: make it in on_train_begin.")
    return record, history


def _compare_record(record: object, history: object, rates: list, following: list) -> None:
    losses = [epoch["loss"] for epoch in record.epochs]
    steps = len(record.loss) // len(losses)
    for name, got in (("losses", history.losses), ("rates", history.rates)):
        if len(got) == len(record.loss):
            raise Wrong(f"`{name}` has one number a step; it should have one an epoch.")
        if len(got) > len(losses):
            raise Wrong(
                f"`{name}` has {len(got)} numbers after {len(losses)} epochs: the second training "
                "should begin with empty lists, made in on_train_begin."
            )
        if len(got) < len(losses):
            raise Wrong(
                f"`{name}` has {len(got)} numbers after {len(losses)} epochs; append one at the "
                "end of every epoch."
            )
    mistakes = {
        "That is the loss of the epoch's last batch; take the mean over the epoch.": (
            record.loss[steps - 1 :: steps]
        ),
        "That is the mean over all steps so far; take the mean over this epoch's steps.": [
            np.mean(record.loss[: (e + 1) * steps]) for e in range(len(losses))
        ],
        "That is the sum over the epoch's steps; take the mean.": [steps * loss for loss in losses],
    }
    compare(history.losses, losses, mistakes=mistakes, what="losses")
    mistakes = {
        "Each rate is that of the *next* epoch: after append, the length of the list is already "
        "the next epoch's number. Look up the rate that was used.": following,
        "That is the rate of the epoch's first step; the last one is asked for.": (
            record.learning_rate[::steps]
        ),
        "That is the rate that fit was given, not the one that the scheduler set.": [0.5]
        * len(rates),
    }
    compare(history.rates, rates, mistakes=mistakes, what="rates")


def history_of_a_staircase(history: Callable, rng: Generator) -> None:
    r"""The rate is halved after every second epoch, when an epoch begins."""
    rates = [0.4, 0.4, 0.2, 0.2, 0.1, 0.1, 0.05]
    record, got = _trained(history(), [_Rates(rates, early=False)], 6, rng)
    _compare_record(record, got, rates[:6], rates[1:])


def history_when_the_next_rate_is_set(history: Callable, rng: Generator) -> None:
    r"""Another callback has set the next rate before the epoch is written down."""
    rates = [0.4, 0.3, 0.25, 0.1]
    record, got = _trained(history(), [_Rates(rates, early=True)], 4, rng)
    if np.allclose(got.rates, [*rates[1:], rates[-1]]):
        raise Wrong(
            "With a callback that sets the next rate at the end of an epoch, run.learning_rate is "
            "already the next one: take the rate from run.history."
        )
    _compare_record(record, got, rates, [*rates[1:], rates[-1]])


def history_of_falling_steps(history: Callable, rng: Generator) -> None:
    r"""The rate falls at every step; the last of an epoch is written down."""
    record, got = _trained(history(), [_Fall()], 3, rng)
    rates = record.learning_rate
    _compare_record(record, got, rates[3::4], [*rates[4::4], 0.1 * 0.9**12])


def history_twice(history: Callable, rng: Generator) -> None:
    r"""The same object serves a second training."""
    one = history()
    for _ in range(2):
        record, got = _trained(one, [_Rates([0.4, 0.2], early=False)], 2, rng)
    _compare_record(record, got, [0.4, 0.2], [0.2, 0.1])


def _compare_warm(answers: object, steps: int, warm: int, top: float) -> None:
    counts = np.arange(steps + 1)

    def rates(start: int = warm, length: int = steps - warm, angle: float = np.pi, half=0.5):
        falling = top * half * (1 + np.cos(angle * (counts - start) / length))
        return np.where(counts < warm, top * counts / warm, falling)

    mistakes = {
        "warm_cosine: the cosine should begin at step `warm`; yours begins at step 0, under the "
        "warm-up. Count from there: step - warm.": rates(start=0, length=steps),
        "warm_cosine: the cosine does not arrive at 0 in step `steps`: it has only steps - warm "
        "steps to fall.": rates(length=steps),
        "warm_cosine: the cosine begins at step 0; count from the end of the warm-up, "
        "step - warm.": rates(start=0),
        "warm_cosine has no warm-up: for step < warm the rate is top * step / warm.": (
            top / 2 * (1 + np.cos(np.pi * (counts - warm) / (steps - warm)))
        ),
        "warm_cosine: 1 + cos goes from 2 to 0, so half of `top` stands before it.": rates(
            half=1.0
        ),
        "warm_cosine: np.cos takes radians, half a wave is np.pi.": rates(angle=180.0),
        "warm_cosine goes through a whole wave, down and up again; half a wave is np.pi.": rates(
            angle=2 * np.pi
        ),
        "warm_cosine warms up one step early: step 0 has rate 0.": np.where(
            counts < warm, top * (counts + 1) / warm, rates()
        ),
    }
    got = [answers.warm_cosine(int(step), steps, warm, top) for step in counts]
    _rates(got, rates(), mistakes, "warm_cosine")


def _compare_triangle(answers: object, low: float, high: float, half: int) -> None:
    counts = np.arange(6 * half + 1)
    part = counts % (2 * half) / half
    up = 1 - abs(part - 1)
    single = np.maximum(0, 1 - abs(counts / half - 1))
    shifted = 1 - abs((counts + 1) % (2 * half) / half - 1)
    whole = 1 - abs(counts % half / (half / 2) - 1)
    mistakes = {
        "triangle is upside down: at step 0 the rate is low.": high - (high - low) * up,
        "triangle goes up and down only once: use the remainder, step % (2 * half).": low
        + (high - low) * single,
        "triangle is one step ahead: at step 0 the rate is low.": low + (high - low) * shifted,
        "triangle is twice as fast as it should be: `half` steps up and `half` steps down.": low
        + (high - low) * whole,
        "triangle is a saw: it falls back to low at once; it should take `half` steps down.": low
        + (high - low) * (counts % half / half),
        "triangle starts at 0: the rate lies between low and high.": high * up,
        "triangle goes beyond high: low + (high - low) * part, not low + high * part.": low
        + high * up,
    }
    got = [answers.triangle(int(step), low, high, half) for step in counts]
    _rates(got, low + (high - low) * up, mistakes, "triangle")


def shapes_by_numbers(answers: object, rng: Generator) -> None:
    r"""The numbers of the exercise."""
    _compare_warm(answers, 12, 2, 0.4)
    _compare_triangle(answers, 0.1, 0.5, 2)


def shapes_of_other_settings(answers: object, rng: Generator) -> None:
    r"""Other lengths and heights."""
    _compare_warm(answers, int(rng.integers(15, 30)), int(rng.integers(3, 9)), rng.uniform(0.5, 2))
    _compare_triangle(answers, 0.03, rng.uniform(0.2, 0.9), int(rng.integers(3, 8)))


EXERCISES = [
    Exercise(
        id="07.1",
        title="Two schedules",
        answers=("step_decay", "exponential_decay"),
        checks=[
            Check("the numbers of the exercise", decays_by_numbers),
            Check("other rates, drops and lengths", decays_of_other_settings),
        ],
        hints=[
            "How often has the rate dropped before epoch 9, before 10, before 20? The first "
            "formula says so in its exponent.",
            "In Python `//` divides and rounds down, and `**` is a power. np.exp(x) is e to the x.",
            "`return learning_rate * drop ** (epoch // every)`, and "
            "`return learning_rate * np.exp(...)` with minus decay times epoch in the brackets.",
        ],
    ),
    Exercise(
        id="07.2",
        title="Find the bug",
        answers=("LossHistory",),
        checks=[
            Check("a scheduler that halves the rate every second epoch", history_of_a_staircase),
            Check("the next rate is already set", history_when_the_next_rate_is_set),
            Check("a rate that falls at every step", history_of_falling_steps),
            Check("two trainings with one object", history_twice),
        ],
        hints=[
            "At the end of the first epoch, how long is the list when the suspect asks for the "
            "rate? Which epoch has that number?",
            "Do not compute the rate at all: run.history has written down which one was used. "
            "Both numbers of the epoch are in run.history.epochs[-1].",
            '`epoch = run.history.epochs[-1]`; append `epoch["loss"]` to one list and '
            '`epoch["learning_rate"]` to the other. on_train_begin makes both lists.',
        ],
    ),
    Exercise(
        id="07.3",
        title="Two shapes",
        answers=("warm_cosine", "triangle"),
        checks=[
            Check("the numbers of the exercise", shapes_by_numbers),
            Check("other lengths and heights", shapes_of_other_settings),
        ],
        hints=[
            "warm_cosine: count the cosine's steps from the end of the warm-up. How many are "
            "there? triangle: the remainder step % (2 * half) makes it periodic.",
            "With p = (step - warm) / (steps - warm), from 0 to 1, the cosine's part is "
            "top / 2 * (1 + np.cos(np.pi * p)).",
            "With q = step % (2 * half) / half, from 0 to 2, `1 - abs(q - 1)` goes from 0 to 1 "
            "and back. Stretch it: low + (high - low) * that.",
        ],
    ),
]
