r"""Checks of chapter 08, Sequences and strategies."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import RETURNED_NONE, Check, Exercise, Wrong, compare


def _mistaken_teeth(n: NDArray, period: int) -> dict:
    place, tooth = (n - 1) % period / period, (n - 1) // period + 1
    return {
        "The last rate of each tooth has the next tooth's size: floor(n / period) is the printed "
        "formula. Count the teeth from n - 1.": (1 - place) / (n // period + 1),
        "Each tooth begins one late, and at n = period the rate is 1 again: the place within a "
        "tooth is (n - 1) % period.": (1 - n % period / period) / tooth,
        "All teeth are equally high: divide by the number of the tooth.": 1 - place,
        "There are no teeth: this is the height of each tooth alone.": 1 / tooth,
        "Each tooth goes up instead of down: 1 - place / period.": (place + 1 / period) / tooth,
        "Each tooth is half as high as the one before; the heights are 1, 1/2, 1/3 ...": (
            (1 - place) / 2.0 ** (tooth - 1)
        ),
        "The last rate of each tooth is 0: the steps are 1 / period, not 1 / (period - 1).": (
            (1 - (n - 1) % period / (period - 1)) / tooth
        ),
        "It counts n from 0; here the first rate is number 1.": (1 - n % period / period)
        / (n // period + 1),
    }


def _ten(n: NDArray, period: int) -> NDArray:
    return (1 - (n - 1) % 10 / 10) / ((n - 1) // 10 + 1)


def _compare_teeth(got: object, n: NDArray, period: int) -> None:
    expected = (1 - (n - 1) % period / period) / ((n - 1) // period + 1)
    mistakes = _mistaken_teeth(n, period)
    if period != 10:
        mistakes["The period 10 is built in; use `period`."] = _ten(n, period)
    compare(got, expected, mistakes=mistakes)


def teeth_by_numbers(saw_tooth: Callable, rng: Generator) -> None:
    r"""Three teeth of ten rates, number by number."""
    n = np.arange(1, 31)
    got = [saw_tooth(int(one), 10) for one in n]
    if any(one is None for one in got):
        raise Wrong(RETURNED_NONE)
    if any(np.shape(one) != () for one in got):
        raise Wrong("For one number n it should return one number.")
    _compare_teeth(np.array(got), n, 10)


def teeth_of_another_period(saw_tooth: Callable, rng: Generator) -> None:
    r"""Shorter teeth."""
    for period in (4, int(rng.integers(5, 9))):
        n = np.arange(1, 4 * period + 1)
        _compare_teeth(np.array([saw_tooth(int(one), period) for one in n]), n, period)


def teeth_of_an_array(saw_tooth: Callable, rng: Generator) -> None:
    r"""All at once, in any order."""
    n = rng.permutation(np.arange(1, 25)).reshape(4, 6)
    _compare_teeth(saw_tooth(n.copy(), 5), n, 5)


def _cutoff(
    losses: Sequence[float],
    sequence: Sequence[float],
    rate: float,
    *,
    first: float | None = None,
    shrink: float = 0.2,
    share: float = 0.01,
    always: bool = False,
    signed: bool = False,
    above: bool = False,
    best: bool = False,
    relative: bool = False,
) -> list[float]:
    rates, coming, before = [rate], list(sequence), first
    cutoff = share if relative else share * losses[0]
    for loss in losses:
        if before is not None:
            moved = loss - before if signed else abs(loss - before)
            due = moved > cutoff if above else moved < cutoff
            if due and coming:
                rate = coming.pop(0)
            if due or always:
                cutoff *= shrink
        before = loss if not best or before is None else min(before, loss)
        rates.append(rate)
    return rates


def _mistaken_cutoffs(losses: list, sequence: list, rate: float) -> dict:
    def rates(**options: object) -> list[float]:
        return _cutoff(losses, sequence, rate, **options)

    right = rates()
    return {
        "The cutoff stays as it was: multiply it by 0.2 after each rate taken.": rates(shrink=1.0),
        "The cutoff shrinks after every epoch; it should only after a rate taken.": rates(
            always=True
        ),
        "The cutoff shrinks by 0.2 of itself; it should be multiplied by 0.2.": rates(shrink=0.8),
        "The cutoff grows: multiply by 0.2, do not divide.": rates(shrink=5.0),
        "Every fall of the loss counts as small: take the absolute value of the difference.": (
            rates(signed=True)
        ),
        "It takes a rate when the loss moves *more* than the cutoff; it should when it moves "
        "less.": rates(above=True),
        "The first cutoff is 0.01 itself; it should be 0.01 times the first loss.": rates(
            relative=True
        ),
        "The first cutoff is the whole first loss; it should be 0.01 of it.": rates(share=1.0),
        "It compares with the best loss so far; it should with the one before.": rates(best=True),
        "The first rate is missing: T losses give T + 1 rates, that of epoch 1 first.": right[1:],
        "The last rate is missing: after the last loss there is one more epoch.": right[:-1],
        "It takes a rate after every epoch: that is the strategy by epoch.": [
            rate,
            *[[rate, *sequence][min(t, len(sequence))] for t in range(1, len(losses) + 1)],
        ],
        "This is the strategy by oscillation.": _oscillation(losses, sequence, rate),
        "It never takes a rate from the sequence.": [rate] * len(right),
    }


def _oscillation(
    losses: Sequence[float],
    sequence: Sequence[float],
    rate: float,
    *,
    first: float = np.inf,
    skip: bool = True,
    best: bool = False,
    falls: bool = False,
) -> list[float]:
    rates, coming, before = [rate], list(sequence), first
    while skip and coming and coming[0] == rate:
        coming.pop(0)
    for loss in losses:
        due = loss < before and before < np.inf if falls else loss > before
        if due and coming:
            rate = coming.pop(0)
        before = min(before, loss) if best else loss
        rates.append(rate)
    return rates


def _mistaken_oscillations(losses: list, sequence: list, rate: float) -> dict:
    def rates(**options: object) -> list[float]:
        return _oscillation(losses, sequence, rate, **options)

    right = rates()
    every = [s for k, s in enumerate(sequence) if s != rate or k == len(sequence)]
    return {
        "The loss before the first epoch is still 0, so that the very first loss looks like a "
        "rise.": rates(first=0.0),
        "The first rate taken is the first rate again: leave out what equals learning_rate at the "
        "beginning of the sequence.": rates(skip=False),
        "It still starts from a loss of 0, and the first rate taken is no change: these two hide "
        "each other in some sequences.": rates(first=0.0, skip=False),
        "It compares with the best loss so far, as ReduceLROnPlateau does; it should with the one "
        "before.": rates(best=True),
        "It takes a rate when the loss falls; it should when it rises.": rates(falls=True),
        "The first element is always left out; leave it out only where it equals learning_rate.": (
            _oscillation(losses, sequence[1:], rate)
        ),
        "It leaves out rates that equal learning_rate anywhere; only those at the beginning.": (
            _oscillation(losses, every, rate)
        ),
        "The first rate is missing: T losses give T + 1 rates, that of epoch 1 first.": right[1:],
        "The last rate is missing: after the last loss there is one more epoch.": right[:-1],
        "It never takes a rate from the sequence.": [rate] * len(right),
    }


def _compare_rates(answer: Callable, reference: Callable, mistaken: Callable, given: tuple) -> None:
    losses, sequence, rate = given
    own = list(sequence)
    try:
        got = answer(list(losses), own, rate)
    except IndexError as error:
        if "pop" not in str(error):
            raise
        raise Wrong(
            "It takes a rate from an empty list: when no rate is left, the last one stays."
        ) from error
    if got is None:
        raise Wrong(RETURNED_NONE)
    compare(got, reference(*given), mistakes=mistaken(*given))
    if own != list(sequence):
        raise Wrong("It takes the rates out of the caller's `sequence`: work on a copy of it.")


def _compare_cutoffs(answer: Callable, *given: object) -> None:
    _compare_rates(answer, _cutoff, _mistaken_cutoffs, given)


def _compare_oscillations(answer: Callable, *given: object) -> None:
    _compare_rates(answer, _oscillation, _mistaken_oscillations, given)


def cutoff_of_a_script(cutoff_rates: Callable, rng: Generator) -> None:
    r"""Twelve losses on which every mistake gives other rates, and none is at a limit."""
    losses = [2.0, 0.80026, 0.7964, 0.79179, 0.78932, 0.815]
    losses += [0.80614, 0.81448, 0.80093, 0.80021, 0.80145, 0.7999]
    _compare_cutoffs(cutoff_rates, losses, [0.3, 0.2, 0.1, 0.05, 0.02], 0.5)


def cutoff_by_numbers(cutoff_rates: Callable, rng: Generator) -> None:
    r"""The numbers of the exercise, and losses on another scale."""
    for scale in (1.0, 3.0):
        losses = [scale * v for v in (1.0, 0.5, 0.495, 0.494, 0.4935)]
        _compare_cutoffs(cutoff_rates, losses, [0.2, 0.1], 0.4)


def cutoff_of_a_longer_run(cutoff_rates: Callable, rng: Generator) -> None:
    r"""Small moves up and down, and the same loss twice."""
    losses = [2.0, 1.2, 1.19, 1.185, 0.9, 0.903, 0.902, 0.9021, 0.9021, 0.7]
    _compare_cutoffs(cutoff_rates, losses, [0.3, 0.2, 0.1, 0.05, 0.02], 0.5)
    noisy = [2.0, *(0.8 + 0.02 * rng.random(12))]
    _compare_cutoffs(cutoff_rates, noisy, [0.4 / n for n in range(2, 20)], 0.4)


def cutoff_at_the_ends(cutoff_rates: Callable, rng: Generator) -> None:
    r"""One loss only; more small moves than rates; no rates at all."""
    for losses, sequence in (
        ([0.7], [0.2]),
        ([1.0, 1.0, 1.0, 1.0, 1.0], [0.2]),
        ([1.0, 1.0], []),
    ):
        _compare_cutoffs(cutoff_rates, losses, sequence, 0.4)


def oscillation_by_numbers(oscillation_rates: Callable, rng: Generator) -> None:
    r"""Both calls of the exercise."""
    for sequence in ([0.2, 0.1], [0.4, 0.2, 0.1]):
        _compare_oscillations(oscillation_rates, [1.0, 0.8, 0.9, 0.7], sequence, 0.4)


def oscillation_of_a_longer_run(oscillation_rates: Callable, rng: Generator) -> None:
    r"""The loss goes down, up, and stays above its best."""
    losses = [1.0, 0.8, 0.9, 0.85, 0.82, 0.81, 0.79, 0.8, 0.8, 0.81, 0.75]
    for sequence in ([0.3, 0.2, 0.4, 0.1], [0.4, 0.4, 0.3, 0.4, 0.1]):
        _compare_oscillations(oscillation_rates, losses, sequence, 0.4)


def oscillation_at_the_ends(oscillation_rates: Callable, rng: Generator) -> None:
    r"""One loss only; more rises than rates; no rates at all."""
    rising = [0.1 * k for k in range(1, 7)]
    for losses, sequence in (([0.7], [0.2]), (rising, [0.2, 0.1]), (rising, [0.4]), (rising, [])):
        _compare_oscillations(oscillation_rates, losses, sequence, 0.4)


EXERCISES = [
    Exercise(
        id="08.1",
        title="Repair the saw-tooth",
        answers=("saw_tooth",),
        checks=[
            Check("three teeth of ten rates", teeth_by_numbers),
            Check("shorter teeth", teeth_of_another_period),
            Check("an array of numbers", teeth_of_an_array),
        ],
        hints=[
            "Which tooth does n = 10 belong to, and which does floor(n / 10) say it belongs to?",
            "n counts from 1, `//` and `%` like to count from 0: take both of n - 1.",
            "With `place = (n - 1) % period` and `tooth = (n - 1) // period`, from 0, the rate is "
            "`(1 - place / period) / (tooth + 1)`.",
        ],
    ),
    Exercise(
        id="08.2",
        title="By cutoff",
        answers=("cutoff_rates",),
        checks=[
            Check("twelve losses", cutoff_of_a_script),
            Check("the numbers of the exercise", cutoff_by_numbers),
            Check("longer runs", cutoff_of_a_longer_run),
            Check("one loss, too few rates, none", cutoff_at_the_ends),
        ],
        hints=[
            "The first loss sets the cutoff and is compared with nothing, so the first two rates "
            "are always the same.",
            "Loop over t from 1, with losses[t] and losses[t - 1]. Copy the sequence with "
            "list(...), and take its first element with .pop(0).",
            "In the loop: `if coming and abs(losses[t] - losses[t - 1]) < cutoff:` take the next "
            "rate and set `cutoff *= 0.2`. After the if, in every round, append the rate.",
        ],
    ),
    Exercise(
        id="08.3",
        title="Find three bugs",
        answers=("oscillation_rates",),
        checks=[
            Check("both calls of the exercise", oscillation_by_numbers),
            Check("longer runs", oscillation_of_a_longer_run),
            Check("one loss, too few rates, none", oscillation_at_the_ends),
        ],
        hints=[
            "Follow `before` by hand. What is it when the first loss arrives, and is that loss "
            "larger?",
            "No loss is larger than infinity, `np.inf`. The second bug is in the list itself: what "
            "is the first rate of r0 / n? And what does `[].pop(0)` do?",
            "Begin with `before = np.inf`; then `while coming and coming[0] == learning_rate: "
            "coming.pop(0)`; and in the loop `if coming and loss > before:`.",
        ],
    ),
]
