r"""Checks of chapter 07, Schedules."""

import math
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from lrcourse.exercises import RETURNED_NONE, Check, Exercise, Wrong, compare
from lrcourse.nn import Linear, Network
from lrcourse.optim import SGD
from lrcourse.training import Run, fit


def step_decay(epoch: int, learning_rate: float, drop: float, every: int) -> float:
    r"""Return the rate of an epoch; epochs count from 0."""
    return learning_rate * drop ** (epoch // every)


def matching_decay(drop: float, every: int) -> float:
    r"""Return the k of the exponential that meets the stairs at t = 0, every, 2 every ..."""
    return -math.log(drop) / every


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
        "step_decay rounds up; it should round down, `epoch // every`.": rates(
            lambda e: math.ceil(e / every)
        ),
        "step_decay takes a share of drop in each epoch: the *power* is epoch // every.": [
            rate * (drop / every) ** e for e in epochs
        ],
        "step_decay divides by drop's power; a rate that falls is multiplied by it.": [
            rate / drop ** (e // every) for e in epochs
        ],
        "step_decay rounds to the nearest whole number; it should round down, `epoch // every`.": (
            rates(lambda e: round(e / every))
        ),
        "step_decay multiplies by drop * floor(...): the floor is a power, `drop ** (...)`.": [
            rate * drop * (e // every) for e in epochs
        ],
        "step_decay subtracts at each stair; it should multiply by drop.": [
            rate - drop * (e // every) for e in epochs
        ],
        "step_decay multiplies by 1 - drop: drop is what is left, not what is lost.": [
            rate * (1 - drop) ** (e // every) for e in epochs
        ],
        "step_decay begins one stair down: epoch 0 has learning_rate itself.": rates(
            lambda e: e // every + 1
        ),
        "step_decay drops only once: it drops again every `every` epochs.": rates(
            lambda e: min(e // every, 1)
        ),
        "step_decay drops one epoch late: epoch `every` has the first drop.": rates(
            lambda e: max(e - 1, 0) // every
        ),
        "The numbers of the picture are built into step_decay; use those that are given.": [
            0.8 * 0.4 ** (e // 5) for e in epochs
        ],
        "step_decay forgets the first rate: multiply by learning_rate.": [
            drop ** (e // every) for e in epochs
        ],
    }
    _rates(got, rates(lambda e: e // every), mistakes, "step_decay")


def _compare_matching(got: object, drop: float, every: int) -> None:
    k = -math.log(drop) / every
    mistakes = {
        "matching_decay has the wrong sign: drop is below 1, so its logarithm is negative.": -k,
        "matching_decay falls by drop in *every* epoch; the stairs take `every` epochs for it.": (
            k * every
        ),
        "matching_decay multiplies by every: over `every` epochs the exponent is -k * every.": (
            k * every * every
        ),
        "matching_decay takes np.log10; the inverse of e^x is np.log.": k / math.log(10),
        "matching_decay takes np.log2; the inverse of e^x is np.log.": k / math.log(2),
        "matching_decay returns the factor of one epoch; k is minus its logarithm.": (
            drop ** (1 / every)
        ),
        "matching_decay is the fall in one epoch, 1 - e^(-k); k itself is asked for.": (
            1 - drop ** (1 / every)
        ),
        "matching_decay shares the fall out evenly; an exponential loses the same *factor* in each "
        "epoch.": (1 - drop) / every,
        "matching_decay takes `every` - 1 epochs; from meeting to meeting there are `every`.": (
            k * every / (every - 1)
        ),
        "matching_decay divides inside the logarithm: divide after it.": -math.log(drop / every),
        "matching_decay takes the logarithm of 1 - drop; what is left is drop.": (
            -math.log(1 - drop) / every
        ),
        "matching_decay is drop to the power `every`; solve e^(-k * every) = drop for k.": (
            drop**every
        ),
        "matching_decay has the wrong sign, and multiplies by every.": -k * every * every,
        "matching_decay is drop / every; solve e^(-k * every) = drop for k.": drop / every,
    }
    compare(got, k, mistakes=mistakes, what="matching_decay")


def _rates(got: list, expected: list, mistakes: dict, what: str) -> None:
    r"""Compare rate by rate what a function returned for several counts."""
    for one in got:
        if one is None:
            raise Wrong(f"{what}: {RETURNED_NONE}")
        if np.shape(one) != ():
            raise Wrong(f"{what} should return one number, not {type(one).__name__}.")
    compare(np.array(got), np.array(expected), mistakes=mistakes, what=what)


def stairs_by_numbers(answers: object, rng: Generator) -> None:
    r"""Ten epochs at 0.4, then 0.2."""
    epochs = [0, 1, 6, 9, 10, 11, 20]
    got = [answers.step_decay(e, 0.4, 0.5, 10) for e in epochs]
    _compare_step(got, epochs, 0.4, 0.5, 10)


def stairs_of_other_settings(answers: object, rng: Generator) -> None:
    r"""Nothing of the example is built in."""
    every = int(rng.integers(3, 6))
    rate, drop = rng.uniform(0.1, 0.9, size=2)
    epochs = list(range(2 * every + 2))
    _compare_step(
        [answers.step_decay(e, rate, drop, every) for e in epochs], epochs, rate, drop, every
    )


def matching_through_the_stairs(answers: object, rng: Generator) -> None:
    r"""The number of the exercise, and other stairs."""
    for drop, every in ((0.3, 4), (0.5, 10), (float(rng.uniform(0.6, 0.9)), 7)):
        _compare_matching(answers.matching_decay(drop, every), drop, every)


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


def _compare_record(
    record: object, history: object, rates: list, following: list, trainings: int = 1
) -> None:
    losses = [epoch["loss"] for epoch in record.epochs]
    steps, epochs = len(record.loss) // len(losses), len(losses)
    kept = {"losses": list(history.losses), "rates": list(history.rates)}
    if kept["losses"] == kept["rates"] and len(kept["losses"]) >= 2 * epochs:
        raise Wrong("`losses` and `rates` are the same list: make two, `[], []`.")
    for name, got in kept.items():
        if len(got) == len(record.loss):
            raise Wrong(f"`{name}` has one number a step; it should have one an epoch.")
        if len(got) > epochs and trainings > 1:
            raise Wrong(
                f"`{name}` has {len(got)} numbers after {epochs} epochs: the second training "
                "should begin with empty lists, made in on_train_begin."
            )
        if len(got) > epochs:
            raise Wrong(
                f"A new object begins with `{name}` of an older one: all LossHistory objects share "
                "the list. Make it in on_train_begin, with `self.`."
                if len(got) != 2 * epochs or got[::2] != got[1::2]
                else f"`{name}` has {len(got)} numbers after {epochs} epochs; append one at the "
                "end of every epoch."
            )
        if len(got) < epochs:
            raise Wrong(
                f"`{name}` has {len(got)} numbers after {epochs} epochs; append one at the "
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
        "That is always the first epoch's loss: epochs[-1] is the latest.": losses[:1] * epochs,
        "run.history.loss has one number a step: yours picks one of the first few.": (
            record.loss[:epochs]
        ),
    }
    compare(history.losses, losses, mistakes=mistakes, what="losses")
    mistakes = {
        "Each rate is that of the *next* epoch: after append, the length of the list is already "
        "the next epoch's number. Look up the rate that was used.": following,
        "That is the rate of the epoch's first step; the last one is asked for.": (
            record.learning_rate[::steps]
        ),
        "run.history.learning_rate has one number a step: yours picks one of the first few.": (
            record.learning_rate[:epochs]
        ),
        "That is the mean rate over the epoch's steps; the last one is asked for.": [
            np.mean(record.learning_rate[e * steps : (e + 1) * steps]) for e in range(epochs)
        ],
        "That is the rate before the epoch's first step; the one of its last step is asked for.": [
            0.5,
            *record.learning_rate[steps - 1 : -1 : steps],
        ],
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
    if len(got.rates) == 4 and np.allclose(got.rates, [*rates[1:], rates[-1]]):
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
    _compare_record(record, got, [0.4, 0.2], [0.2, 0.1], trainings=2)


class LossHistory:
    r"""A callback: ``losses`` and ``rates``, the mean loss and the rate used, by epoch."""

    def on_train_begin(self, run: Run) -> None:
        r"""Begin with empty lists."""
        self.losses: list[float] = []
        self.rates: list[float] = []

    def on_epoch_end(self, run: Run) -> None:
        r"""Look up both numbers of the epoch."""
        self.losses.append(run.history.epochs[-1]["loss"])
        self.rates.append(run.history.epochs[-1]["learning_rate"])


def warm_cosine(step: int, steps: int, warm: int, top: float) -> float:
    r"""Return the rate: a line from 0 to top at step warm, half a cosine to 0 at step steps."""
    if step < warm:
        return top * step / warm
    return top / 2 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def triangle(step: int, low: float, high: float, half: int) -> float:
    r"""Return the rate: low at steps 0, 2 half, 4 half ..., high at half, 3 half, 5 half ..."""
    part = step % (2 * half) / half
    return low + (high - low) * (1 - abs(part - 1))


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
        "warm_cosine arrives one step early: from step `warm` to step `steps` there are "
        "steps - warm steps.": rates(length=steps - warm - 1),
        "warm_cosine rises after the warm-up: 1 - cos goes up, 1 + cos goes down.": np.where(
            counts < warm, top * counts / warm, top - rates()
        ),
        "warm_cosine falls along a line; the picture has half a cosine.": np.where(
            counts < warm, top * counts / warm, top * (steps - counts) / (steps - warm)
        ),
        "warm_cosine is a quarter of a wave: from its top to its bottom a cosine takes np.pi.": (
            np.where(
                counts < warm,
                top * counts / warm,
                top * np.cos(np.pi / 2 * (counts - warm) / (steps - warm)),
            )
        ),
        "warm_cosine goes through a whole wave, down and up again; half a wave is np.pi.": rates(
            angle=2 * np.pi
        ),
        "warm_cosine falls below 0: a cosine goes from 1 to -1, so raise it by 1 and halve it.": (
            np.where(
                counts < warm,
                top * counts / warm,
                top * np.cos(np.pi * (counts - warm) / (steps - warm)),
            )
        ),
        "warm_cosine forgets `top`: both parts are multiplied by it.": rates() / top,
        "warm_cosine takes a sine; half a cosine begins at its top.": np.where(
            counts < warm,
            top * counts / warm,
            top / 2 * (1 + np.sin(np.pi * (counts - warm) / (steps - warm))),
        ),
        "warm_cosine is at `top` during the warm-up; it should rise to it along a line.": np.where(
            counts < warm, top, rates()
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
        "triangle has no slopes: divide by half with `/`; `//` rounds down.": low
        + (high - low) * (1 - abs(counts % (2 * half) // half - 1)),
        "triangle starts at 0: the rate lies between low and high.": high * up,
        "triangle is a sine wave; the picture has straight lines.": (low + high) / 2
        + (high - low) / 2 * np.sin(np.pi * counts / half),
        "triangle is a cosine wave; the picture has straight lines.": (low + high) / 2
        - (high - low) / 2 * np.cos(np.pi * counts / half),
        "triangle keeps rising after high: it should fall for `half` steps.": low
        + (high - low) * part,
        "triangle goes beyond high: low + (high - low) * part, not low + high * part.": low
        + high * up,
    }
    got = [answers.triangle(int(step), low, high, half) for step in counts]
    _rates(got, low + (high - low) * up, mistakes, "triangle")


def cosines(answers: object, rng: Generator) -> None:
    r"""The numbers of the exercise, other lengths and heights, no warm-up."""
    _compare_warm(answers, 12, 2, 0.4)
    _compare_warm(answers, int(rng.integers(15, 30)), int(rng.integers(3, 9)), rng.uniform(0.5, 2))
    got = [answers.warm_cosine(step, 8, 0, 0.4) for step in range(9)]
    _rates(got, [warm_cosine(step, 8, 0, 0.4) for step in range(9)], {}, "warm_cosine")


def triangles(answers: object, rng: Generator) -> None:
    r"""The numbers of the exercise, other lengths and heights."""
    _compare_triangle(answers, 0.03, rng.uniform(0.2, 0.9), int(rng.integers(3, 8)))
    _compare_triangle(answers, 0.1, 0.5, 2)


CURVATURES, START = np.array([1.0, 0.1]), 3.0


def _expected(rates: ArrayLike) -> tuple[NDArray, NDArray]:
    # Expected loss of the exercise's bowl, from the distance left and from noise; rates (steps, K).
    rates = np.asarray(rates, dtype=float)
    mean, variance = np.full((2, *rates.shape[1:]), START), np.zeros((2, *rates.shape[1:]))
    curvatures = CURVATURES.reshape(2, *[1] * (rates.ndim - 1))
    for rate in rates:
        mean = (1 - rate * curvatures) * mean
        variance = (1 - rate * curvatures) ** 2 * variance + rate**2
    return np.sum(curvatures * mean**2, axis=0) / 2, np.sum(curvatures * variance, axis=0) / 2


def _best_constant(steps: int) -> float:
    return float(sum(_expected(np.full((steps, 121), np.geomspace(0.005, 1.9, 121)))).min())


def my_rates(steps: int) -> NDArray:
    r"""Return rates for a budget of so many steps: a line to 0 from a power of the budget."""
    return 11 / steps**0.75 * (1 - np.arange(steps) / steps)


def _compare_design(answer: Callable, steps: int) -> None:
    got = answer(steps)
    if got is None:
        raise Wrong(RETURNED_NONE)
    shape, broken = np.shape(got), f"For {steps} steps some rates are negative or not finite."
    compare(got, np.zeros(shape), mistakes={broken: np.full(shape, np.nan)}, tolerance=np.inf)
    rates = np.asarray(got, dtype=float)
    if rates.shape != (steps,):
        raise Wrong(
            f"For {steps} steps it returned rates of shape {rates.shape}; an array of shape "
            f"({steps},) is asked for, one rate for each step."
        )
    if not (np.isfinite(rates).all() and (rates >= 0).all()):
        raise Wrong(broken)
    far, noise = map(float, _expected(rates))
    goal = 0.8 * _best_constant(steps)
    if far + noise <= goal:
        return
    if not far + noise < 100:
        raise Wrong(f"For {steps} steps it diverges: the steepest curvature is 1, its edge 2.")
    if np.ptp(rates) == 0:
        raise Wrong("The rate never changes: no constant rate can reach 0.8 of the best one.")
    why = (
        f"{noise / (far + noise):.0%} of it is noise, so the rates are too large, above all at the "
        "end"
        if noise > far
        else f"{far / (far + noise):.0%} of it is distance that is left, so the rates are too "
        "small to arrive, or fall too early"
    )
    raise Wrong(
        f"With {steps} steps the expected loss is {far + noise:.4f}, where {goal:.4f} is the goal. "
        f"{why[0].upper()}{why[1:]}."
    )


def design_for_three_budgets(answer: Callable, rng: Generator) -> None:
    r"""The budgets of the chapter."""
    for steps in (50, 200, 1000):
        _compare_design(answer, steps)


def design_for_other_budgets(answer: Callable, rng: Generator) -> None:
    r"""Budgets between them: nothing is made for three numbers only."""
    for steps in (77, 120, 333, int(rng.integers(400, 800))):
        _compare_design(answer, steps)


EXERCISES = [
    Exercise(
        id="07.1",
        title="Stairs, and a curve through them",
        answers=("step_decay", "matching_decay"),
        checks=[
            Check("stairs of ten epochs", stairs_by_numbers),
            Check("other stairs", stairs_of_other_settings),
            Check("a curve through the stairs", matching_through_the_stairs),
        ],
        hints=[
            "In the picture, how often has the rate dropped by epoch 4, by 5, by 10? And in which "
            "epochs does the curve meet the stairs?",
            "In Python `//` divides and rounds down, and `**` is a power.",
            "At t = `every` the curve has fallen to `drop`: e^(-k every) = drop. Take the "
            "logarithm of both sides.",
        ],
        package=lambda: SimpleNamespace(step_decay=step_decay, matching_decay=matching_decay),
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
            "Why compute the rate at all? Something has written down which one was used, for any "
            "scheduler.",
            "Print `run.history.epochs[-1]` in on_epoch_end: both numbers are in it. And where "
            "must the two lists be made, so that the next training begins with empty ones?",
        ],
        package=lambda: LossHistory,
    ),
    Exercise(
        id="07.3",
        title="From the picture",
        answers=("warm_cosine", "triangle"),
        checks=[
            Check("a warm-up and half a cosine", cosines),
            Check("triangles", triangles),
        ],
        hints=[
            "warm_cosine: where does the cosine begin, and how many steps has it? triangle: after "
            "how many steps does everything begin again?",
            "Let p be the share of the cosine's own steps that are over, from 0 to 1. In the "
            "section's formula it stands as t / T.",
            "Let q be the place within one triangle, counted in halves, from 0 to 2. How far is q "
            "from the peak at 1? One minus that goes from 0 to 1 and back; stretch it.",
        ],
        package=lambda: SimpleNamespace(warm_cosine=warm_cosine, triangle=triangle),
    ),
    Exercise(
        id="07.4",
        title="Design a schedule",
        answers=("my_rates",),
        checks=[
            Check("50, 200 and 1,000 steps", design_for_three_budgets),
            Check("budgets between them", design_for_other_budgets),
        ],
        hints=[
            "Take a shape that falls, from 1 to almost 0, and multiply it by a first rate. For one "
            "budget, which first rate does `expected_loss` like best?",
            "Do the same for 50, 200 and 1,000 steps, on a grid of first rates that is wide "
            "enough. How does the best one change with the budget?",
            "By what power of the budget does it fall? Two budgets give the power, one of them the "
            "factor in front. The goal leaves room: it need not be the best.",
        ],
        package=lambda: my_rates,
        adapt=lambda answer: lambda steps: np.asarray(answer(steps), dtype=float),
    ),
]
