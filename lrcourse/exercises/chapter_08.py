r"""Checks of chapter 08, Sequences and strategies."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.callbacks import ByCutoff, ByOscillation
from lrcourse.exercises import RETURNED_NONE, Check, Exercise, Wrong, call_unchanged, compare


def saw_tooth(n: NDArray, period: int) -> NDArray:
    r"""Return q_n, the rate number n = 1, 2, 3 ... as a multiple of the first rate."""
    return (1 - (n - 1) % period / period) / ((n - 1) // period + 1)


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
        "The tooth's number is not whole: round (n - 1) / period down.": (
            (1 - place) / ((n - 1) / period + 1)
        ),
        "The place within a tooth never begins again: take the remainder, (n - 1) % period.": (
            (1 - (n - 1) / period) / tooth
        ),
        "It counts n from 0; here the first rate is number 1.": (1 - n % period / period)
        / (n // period + 1),
    }


def _ten(n: NDArray, period: int) -> NDArray:
    return (1 - (n - 1) % 10 / 10) / ((n - 1) // 10 + 1)


def _compare_teeth(got: object, n: NDArray, period: int) -> None:
    expected = saw_tooth(n, period)
    mistakes = _mistaken_teeth(n, period)
    if period != 10:
        mistakes["The period 10 is built in; use `period`."] = _ten(n, period)
    compare(got, expected, mistakes=mistakes)


def teeth_by_numbers(answer: Callable, rng: Generator) -> None:
    r"""Three teeth of ten rates, number by number."""
    n = np.arange(1, 31)
    got = [answer(int(one), 10) for one in n]
    if any(one is None for one in got):
        raise Wrong(RETURNED_NONE)
    if any(np.shape(one) != () for one in got):
        raise Wrong("For one number n it should return one number.")
    _compare_teeth(np.array(got), n, 10)


def teeth_of_another_period(answer: Callable, rng: Generator) -> None:
    r"""Shorter teeth."""
    for period in (4, int(rng.integers(5, 9))):
        n = np.arange(1, 4 * period + 1)
        _compare_teeth(np.array([answer(int(one), period) for one in n]), n, period)


def teeth_of_an_array(answer: Callable, rng: Generator) -> None:
    r"""All at once, in any order."""
    n = rng.permutation(np.arange(1, 25)).reshape(4, 6)
    _compare_teeth(call_unchanged(answer, 5, n=n), n, 5)


def _left(sequence: Sequence[float], rate: float, skip: str) -> list[float]:
    # What is left of the sequence after the rates in front that are no change.
    coming = list(sequence)
    if skip == "always":
        return coming[1:]
    if skip == "anywhere":
        return [one for one in coming if one != rate]
    if skip == "one":
        return coming[coming[:1] == [rate] :]
    while coming and (coming[0] == rate or (skip == "above" and coming[0] > rate)):
        if skip == "none":
            break
        coming.pop(0)
    return coming


def cutoff_rates(
    losses: Sequence[float],
    sequence: Sequence[float],
    rate: float,
    *,
    first: float | None = None,
    shrink: float = 0.2,
    share: Callable = lambda losses: 0.01 * losses[0],
    always: bool = False,
    due: Callable = lambda loss, before, cutoff: abs(loss - before) < cutoff,
    best: bool = False,
    skip: str = "equal",
) -> list[float]:
    r"""Return the rates by cutoff, or with options those of an answer that is near it."""
    rates, coming, before, cutoff = [rate], _left(sequence, rate, skip), first, share(losses)
    for loss in losses:
        if before is not None:
            now = due(loss, before, cutoff)
            if now and coming:
                rate = coming.pop(0)
            if now or always:
                cutoff *= shrink
        before = loss if not best or before is None else min(before, loss)
        rates.append(rate)
    return rates


def _mistaken_ends(right: list, sequence: list, rate: float) -> dict:
    last = [t for t in range(1, len(right)) if right[t] != right[t - 1]]
    alone = {
        "A rate is taken after the first loss: there is no loss before it to compare with.": (
            [rate, *sequence[:1]]
        )
    }
    return (alone if len(right) == 2 and sequence else {}) | {
        "Each rate comes one epoch late: the one taken after an epoch is that of the next.": (
            [rate, *right[:-1]]
        ),
        "It stops when no rate is left: the last one stays until the end.": (
            right[: last[-1] + 1] if last else right[:1]
        ),
        "The first rate is missing: T losses give T + 1 rates, that of epoch 1 first.": right[1:],
        "The last rate is missing: after the last loss there is one more epoch.": right[:-1],
        "It takes a rate after every epoch: that is the strategy by epoch.": [
            rate,
            *[[rate, *sequence][min(t, len(sequence))] for t in range(1, len(right))],
        ],
        "It never takes a rate from the sequence.": [rate] * len(right),
    }


def _mistaken_skips(rates: Callable) -> dict:
    return {
        "The first rate taken is the first rate again: leave out what equals learning_rate at the "
        "beginning of the sequence.": rates(skip="none"),
        "Only one rate that equals learning_rate is left out; leave out all at the beginning.": (
            rates(skip="one")
        ),
        "The first element is always left out; leave it out only where it equals learning_rate.": (
            rates(skip="always")
        ),
        "It sorts the sequence, or leaves out rates that equal learning_rate anywhere; keep the "
        "order, and leave out only those at the beginning.": rates(skip="anywhere"),
        "It leaves out rates above learning_rate as well; only what *equals* it is no change.": (
            rates(skip="above")
        ),
    }


def _mistaken_cutoffs(losses: list, sequence: list, rate: float) -> dict:
    def rates(**options: object) -> list[float]:
        return cutoff_rates(losses, sequence, rate, **options)

    def moves_of(base: Callable) -> Callable:
        return lambda loss, before, cutoff: abs(loss - before) / base(loss, before) < cutoff

    return {
        "The cutoff is another: it is 0.01 of the *first* loss, not of the loss before; it is "
        "multiplied by 0.2 after each rate taken; a move is the absolute difference, not its "
        "square.": rates(
            share=lambda losses: 0.01, shrink=1.0, due=moves_of(lambda loss, before: before)
        ),
        "Every rise of the loss counts as small: take the absolute value of the difference.": (
            rates(due=lambda loss, before, cutoff: before - loss < cutoff)
        ),
        "It takes one rate only; it should take one after each small move.": rates(shrink=0.0),
        "The cutoff stays as it was: multiply it by 0.2 after each rate taken.": rates(shrink=1.0),
        "The cutoff shrinks after every epoch; it should only after a rate taken.": rates(
            always=True
        ),
        "The cutoff shrinks by 0.2 of itself; it should be multiplied by 0.2.": rates(shrink=0.8),
        "The cutoff is multiplied by 0.02; it should be by 0.2.": rates(shrink=0.02),
        "The cutoff grows: multiply by 0.2, do not divide.": rates(shrink=5.0),
        "Every fall of the loss counts as small: take the absolute value of the difference.": (
            rates(due=lambda loss, before, cutoff: loss - before < cutoff)
        ),
        "It takes a rate when the loss moves *more* than the cutoff; it should when it moves "
        "less.": rates(due=lambda loss, before, cutoff: abs(loss - before) > cutoff),
        "A move that is exactly the cutoff is not below it: `<`, not `<=`.": rates(
            due=lambda loss, before, cutoff: abs(loss - before) <= cutoff
        ),
        "The first cutoff is 0.01 itself; it should be 0.01 times the first loss.": rates(
            share=lambda losses: 0.01
        ),
        "The first cutoff is the whole first loss; it should be 0.01 of it.": rates(
            share=lambda losses: losses[0]
        ),
        "The first cutoff is 0.1 of the first loss; it should be 0.01 of it.": rates(
            share=lambda losses: 0.1 * losses[0]
        ),
        "The first cutoff is 0.001 of the first loss; it should be 0.01 of it.": rates(
            share=lambda losses: 0.001 * losses[0]
        ),
        "The first cutoff is 0.01 of the mean loss; it should be of the first one.": rates(
            share=lambda losses: 0.01 * np.mean(losses)
        ),
        "The cutoff is a share of a later loss; it should be 0.01 of the *first* loss.": rates(
            share=lambda losses: 0.01, due=moves_of(lambda loss, before: before)
        ),
        "It compares with the best loss so far; it should with the one before.": rates(best=True),
        "This is the strategy by oscillation.": oscillation_rates(losses, sequence, rate),
        **_mistaken_skips(rates),
        **_mistaken_ends(rates(), sequence, rate),
    }


def oscillation_rates(
    losses: Sequence[float],
    sequence: Sequence[float],
    rate: float,
    *,
    first: float = np.inf,
    best: bool = False,
    due: Callable = lambda loss, before: loss > before,
    skip: str = "equal",
) -> list[float]:
    r"""Return the rates by oscillation, or with options those of an answer that is near it."""
    rates, coming, before = [rate], _left(sequence, rate, skip), first
    for loss in losses:
        if coming and due(loss, before):
            rate = coming.pop(0)
        before = min(before, loss) if best else loss
        rates.append(rate)
    return rates


def _mistaken_oscillations(losses: list, sequence: list, rate: float) -> dict:
    def rates(**options: object) -> list[float]:
        return oscillation_rates(losses, sequence, rate, **options)

    return {
        "The loss before the first epoch is still 0, so that the very first loss looks like a "
        "rise.": rates(first=0.0),
        "It compares with the best loss so far, as ReduceLROnPlateau does; it should with the one "
        "before.": rates(best=True),
        "It takes a rate when the loss falls; it should when it rises.": rates(
            due=lambda loss, before: loss < before < np.inf
        ),
        "It takes a rate when the loss is smaller than the one before; it should when it is "
        "larger.": rates(due=lambda loss, before: loss < before),
        "An equal loss is no rise: `>`, not `>=`.": rates(due=lambda loss, before: loss >= before),
        "Only a large rise counts; any rise should, however small.": rates(
            due=lambda loss, before: loss > before + 1e-3
        ),
        "A rate is taken after the *second* rise; it should after each.": rates(due=_second_rise()),
        **_mistaken_skips(rates),
        **_mistaken_ends(rates(), sequence, rate),
    }


def _second_rise() -> Callable:
    rises = [0]

    def due(loss: float, before: float) -> bool:
        rises[0] += loss > before
        return loss > before and rises[0] % 2 == 0

    return due


def _compare_rates(answer: Callable, reference: Callable, mistaken: Callable, given: tuple) -> None:
    losses, sequence, rate = given
    own, heard = list(sequence), list(losses)
    try:
        got = answer(heard, own, rate)
    except IndexError as error:
        if "pop" in str(error):
            raise Wrong(
                "It takes a rate from an empty list: when no rate is left, the last one stays."
            ) from error
        if any(one != rate for one in sequence):
            raise
        raise Wrong(
            "Where every rate equals learning_rate none is left: ask whether there is one before "
            "you look at the first."
        ) from error
    if got is None:
        raise Wrong(RETURNED_NONE)
    compare(got, reference(*given), mistakes=mistaken(*given))
    if own != list(sequence):
        raise Wrong("It takes the rates out of the caller's `sequence`: work on a copy of it.")
    if heard != list(losses):
        raise Wrong("It changes the caller's `losses`: work on a copy of it.")


def _compare_cutoffs(answer: Callable, *given: object) -> None:
    _compare_rates(answer, cutoff_rates, _mistaken_cutoffs, given)


def _compare_oscillations(answer: Callable, *given: object) -> None:
    _compare_rates(answer, oscillation_rates, _mistaken_oscillations, given)


def _strategy(answer: Callable) -> Callable:
    # What the chapter trains with: it keeps the losses and asks the answer again after each epoch.
    class Yours:
        def __init__(self, sequence: Sequence[float], learning_rate: float) -> None:
            self.sequence, self.learning_rate, self.losses = list(sequence), learning_rate, []

        def update(self, loss: float) -> float:
            self.losses.append(loss)
            return answer(list(self.losses), list(self.sequence), self.learning_rate)[-1]

    return Yours


SCRIPT = [2.0, 1.05681, 1.10237, 1.11382, 1.11374, 1.11382, 1.07976, 1.07552, 1.07572, 1.05669]
SCRIPT += [1.0566, 1.05652, 1.05729, 1.05983]
FRONT = [0.6, 0.5, 0.3, 0.4, 0.2, 0.1, 0.05]  # nothing in it is left out


def cutoff_of_a_script(answer: Callable, rng: Generator) -> None:
    r"""Losses on which every mistake gives other rates; then a move of exactly the cutoff."""
    _compare_cutoffs(answer, SCRIPT, FRONT, 0.4)
    _compare_cutoffs(answer, [100.0, 99.0, 98.5], [0.2, 0.1], 0.4)


def cutoff_by_numbers(answer: Callable, rng: Generator) -> None:
    r"""The numbers of the exercise, and losses on another scale."""
    for scale in (1.0, 3.0):
        losses = [scale * v for v in (1.0, 0.5, 0.495, 0.494, 0.4935)]
        _compare_cutoffs(answer, losses, [0.2, 0.1], 0.4)


def cutoff_of_a_longer_run(answer: Callable, rng: Generator) -> None:
    r"""Small moves up and down, the same loss twice; rates in front that are no change."""
    losses = [2.0, 1.2, 1.19, 1.185, 0.9, 0.903, 0.902, 0.9021, 0.9021, 0.7]
    _compare_cutoffs(answer, losses, [0.3, 0.2, 0.1, 0.05, 0.02], 0.5)
    noisy = [2.0, *(0.8 + 0.02 * rng.random(12))]
    _compare_cutoffs(answer, noisy, [0.4 / n for n in range(2, 20)], 0.4)
    _compare_cutoffs(answer, losses, [0.5, 0.5, 0.3, 0.5, 0.1], 0.5)


def cutoff_at_the_ends(answer: Callable, rng: Generator) -> None:
    r"""One loss only; more small moves than rates; no rates at all, or none that is a change."""
    for losses, sequence in (
        ([0.7], [0.2]),
        ([1.0, 1.0, 1.0, 1.0, 1.0], [0.2]),
        ([1.0, 1.0], []),
        ([1.0, 1.0], [0.4]),
        ([1.0, 1.0], [0.4, 0.4]),
    ):
        _compare_cutoffs(answer, losses, sequence, 0.4)


def oscillation_of_a_script(answer: Callable, rng: Generator) -> None:
    r"""Down, up, level, a hair up, above the best; nothing in front is left out."""
    losses = [1.0, 0.8, 0.9, 0.85, 0.82, 0.8201, 0.82, 0.79, 0.79, 0.8, 0.81, 0.75, 0.76]
    _compare_oscillations(answer, losses, FRONT, 0.4)


def oscillation_with_equal_rates(answer: Callable, rng: Generator) -> None:
    r"""Rates in front that are no change, and later ones that are."""
    losses = [1.0, 0.8, 0.9, 0.85, 0.82, 0.81, 0.79, 0.8, 0.8, 0.81, 0.75]
    for sequence in ([0.4, 0.3, 0.2, 0.1], [0.4, 0.4, 0.3, 0.4, 0.1]):
        _compare_oscillations(answer, losses, sequence, 0.4)


def oscillation_at_the_ends(answer: Callable, rng: Generator) -> None:
    r"""One loss only; more rises than rates; no rates at all."""
    rising = [0.1 * k for k in range(1, 7)]
    for losses, sequence in (([0.7], [0.2]), (rising, [0.2, 0.1]), (rising, [0.4]), (rising, [])):
        _compare_oscillations(answer, losses, sequence, 0.4)


def best_by_luck(accuracy: float, images: int, settings: int, rng: Generator) -> float:
    r"""Return how many images the best of equal settings is ahead of one more, on average."""
    right = rng.binomial(images, accuracy, size=(4000, settings + 1))
    return float(np.mean(right[:, 1:].max(axis=1) - right[:, 0]))


def _luck(given: tuple) -> tuple[float, dict[str, float]]:
    # The lead, and the value that each mistake leads to.
    accuracy, images, settings = given
    runs = np.random.default_rng(1).binomial(images, accuracy, size=(20_000, settings + 1))
    best, worst, rival = runs[:, 1:].max(axis=1), runs[:, 1:].min(axis=1), runs[:, 0]
    lead, one = np.mean(best - rival), float(np.sqrt(images * accuracy * (1 - accuracy)))
    return lead, {
        "That is the standard deviation of one count; take the best of several, and its lead.": one,
        "That is the standard deviation of the difference of *two* runs; take the best of "
        "`settings`.": one * 2**0.5,
        "That is a lead in accuracy; in images it is `images` times that.": lead / images,
        "That is a lead in percent; in images it is more.": 100 * lead / images,
        "That is how much the lead varies; its mean is asked for.": np.std(best - rival),
        "That is what the best names right, not its lead over one more run.": np.mean(best),
        "That is the distance from the best to the worst; the rival is one more run, which is not "
        "chosen.": np.mean(best - worst),
        "The one more run is among those that the best is chosen from; it should not be.": np.mean(
            np.maximum(best, rival) - rival
        ),
        "It takes the best of one setting more than asked for.": np.mean(runs.max(axis=1))
        - images * accuracy,
        "It takes the best of one setting fewer: draw `settings` runs, and one more.": np.mean(
            runs[:, 2:].max(axis=1) - rival
        ),
        "It leaves out the sign: where the best is behind the one more run, it is negative.": (
            np.mean(np.abs(best - rival))
        ),
        "That is the lead over the second best; the rival is one more run.": np.mean(
            np.diff(np.sort(runs[:, 1:], axis=1)[:, -2:], axis=1)
        ),
        "The mean lead of *any* setting is 0; take the best one in each draw.": 0.0,
    }


def luck_of_twelve(answer: Callable, rng: Generator) -> None:
    r"""Fair coins by the hundred, and other numbers; a mistake shows in all three."""
    cases = [(0.5, 2000, 4), (0.9, 400, 12), (0.8, 1000, 40)]
    got = np.full((3, 2), np.nan)
    for row, given in zip(got, cases, strict=True):
        two = [answer(*given, np.random.default_rng(k)) for k in (2, 3)]
        if any(one is None for one in two):
            raise Wrong(RETURNED_NONE)
        compare(np.array(two), np.zeros(2), tolerance=np.inf)
        row[:] = two
    near, found = got.mean(axis=1), [_luck(given) for given in cases]
    leads = np.array([lead for lead, _ in found])
    if (abs(near - leads) <= 0.05 * leads).all():
        return
    for sentence in found[0][1]:
        values = np.array([mistakes[sentence] for _, mistakes in found])
        if (abs(near - values) <= np.where(values == 0, 0.05 * leads, 0.05 * abs(values))).all():
            raise Wrong(sentence)
    k = int((abs(near / leads - 1)).argmax())
    if abs(got[k, 0] - got[k, 1]) > 0.1 * leads[k]:
        raise Wrong(
            f"It returned {got[k, 0]:.4g} with one generator and {got[k, 1]:.4g} with another: one "
            "draw is luck itself. Take the mean of a few thousand draws."
        )
    accuracy, images, settings = cases[k]
    what = f"for accuracy {accuracy}, {images} images and {settings} settings, the mean"
    compare(near[k], leads[k], tolerance=0.05, what=what)


def luck_of_one(answer: Callable, rng: Generator) -> None:
    r"""One setting is as often ahead as behind."""
    got = answer(0.7, 400, 1, np.random.default_rng(4))
    if got is None:
        raise Wrong(RETURNED_NONE)
    compare(got, 0.0, tolerance=1.5)


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
            "n counts from 1, but `//` and `%` like to count from 0.",
            "From what number, then, should both the tooth and the place in it be taken? The place "
            "goes from 0 to period - 1; what is the rate at each?",
        ],
        package=lambda: saw_tooth,
    ),
    Exercise(
        id="08.2",
        title="By cutoff",
        answers=("cutoff_rates",),
        checks=[
            Check("a script of losses", cutoff_of_a_script),
            Check("the numbers of the exercise", cutoff_by_numbers),
            Check("longer runs", cutoff_of_a_longer_run),
            Check("one loss, too few rates, none", cutoff_at_the_ends),
        ],
        hints=[
            "The first loss sets the cutoff and is compared with nothing, so the first two rates "
            "are always the same.",
            "Work on a copy of the sequence, and clear its front before the first epoch. How many "
            "rates may have to go there?",
            "Go through the losses from the second one on. In each round there are two questions, "
            "whether a rate is due and whether one is left; and in each round one rate is noted.",
        ],
        package=lambda: ByCutoff,
        adapt=_strategy,
    ),
    Exercise(
        id="08.3",
        title="Find three bugs",
        answers=("oscillation_rates",),
        checks=[
            Check("a script of losses", oscillation_of_a_script),
            Check("rates that are no change", oscillation_with_equal_rates),
            Check("one loss, too few rates, none", oscillation_at_the_ends),
        ],
        hints=[
            "Call the suspect with sequences of other kinds: one that does not begin with "
            "learning_rate, one that is short. After which epoch does the rate fall?",
            "Follow `before` by hand. What is it when the first loss arrives, and is that loss "
            "larger?",
            "No loss is larger than infinity. That is one; the second is in the sequence before "
            "the loop begins, the third in what happens when nothing is left of it.",
        ],
        package=lambda: ByOscillation,
        adapt=_strategy,
    ),
    Exercise(
        id="08.4",
        title="The best of equals",
        answers=("best_by_luck",),
        checks=[
            Check("three cases", luck_of_twelve),
            Check("one setting", luck_of_one),
        ],
        hints=[
            "How many images does one run name right, if each is right with the same chance? "
            "`rng.binomial` draws such counts, in any shape.",
            "One draw of the whole story is `settings` counts and one more. Who is the best of the "
            "settings, and how far ahead of the one more?",
            "Draw the story a few thousand times at once, one in each row, and take the mean of "
            "the leads.",
        ],
        package=lambda: best_by_luck,
    ),
]
