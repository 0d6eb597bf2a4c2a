r"""Checks of chapter 06, Batches."""

from collections.abc import Callable
from functools import cache
from itertools import product

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Check, Exercise, Wrong, call_unchanged, compare, several


def _pair(got: object, names: tuple[str, str]) -> dict[str, object]:
    return several(list(got) if np.ndim(got) == 1 else got, names)


def signal_and_noise(squared_lengths: tuple, sizes: tuple) -> tuple[float, float]:
    r"""Return (|mean gradient|^2, trace of the covariance) from E|g_B|^2 at two batch sizes."""
    (first, second), (one, other) = squared_lengths, sizes
    noise = (first - second) / (1 / one - 1 / other)
    return first - noise / one, noise


def _compare_split(answer: Callable, lengths: tuple, sizes: tuple) -> None:
    signal, noise = signal_and_noise(lengths, sizes)
    (first, second), (one, other) = lengths, sizes
    small, large = min(sizes), max(sizes)
    short = first if one > other else second
    mistakes = {
        "The two are swapped: the signal comes first.": (noise, signal),
        "The longer one is taken as if the large batch had no noise: its squared length is "
        "signal + noise / size as well. Solve the two equations together.": (
            (short, (max(lengths) - short) * small)
        ),
        "It expects the smaller size first; they may come in any order.": (
            first + (first - second) / (1 / small - 1 / large) / -one,
            (first - second) / (1 / small - 1 / large),
        ),
        "The noise is not divided by the batch size where the signal is taken out: it is "
        "squared length - noise / size.": (first - noise, noise),
        "The signal has a wrong sign in it: squared length - noise / size.": (
            (first + noise / one, noise)
        ),
        "It divides by the difference of the sizes; the equations have 1 / size.": (
            first - (first - second) / (other - one) / one,
            (first - second) / (other - one),
        ),
        "The noise is the difference of the two lengths, not yet divided by 1 / size - 1 / size.": (
            first - (first - second) / one,
            first - second,
        ),
        "The noise is multiplied by the size: it is divided by it, so a larger batch has less.": (
            first - (first - second) / (one - other) * one,
            (first - second) / (one - other),
        ),
        "It multiplies by the difference of 1 / size; divide by it.": (
            first - (first - second) * (1 / one - 1 / other) / one,
            (first - second) * (1 / one - 1 / other),
        ),
        "The noise is still divided by the batch size: tr Σ is that of single examples.": (
            (signal, noise / one)
        ),
        "The lengths are squared already; do not square them again, and take no root.": (
            signal_and_noise((first**2, second**2), sizes)
        ),
        "The signal is a root: the squared length is asked for.": (np.sqrt(signal), noise),
        "Both are roots: the squared length and the trace are asked for.": (
            (np.sqrt(signal), np.sqrt(noise))
        ),
        "The noise has the wrong sign: it is what lengthens the batch gradients.": (signal, -noise),
        "The signal is the mean of both squared lengths; each of them has noise in it.": (
            ((first + second) / 2, noise)
        ),
        "The signal takes one batch's squared length and the other's size.": (
            (second - noise / one, noise)
        ),
        "The noise is multiplied by the difference of the sizes; divide by that of 1 / size.": (
            (signal, (first - second) * (one - other))
        ),
    }
    got = _pair(answer(tuple(lengths), tuple(sizes)), ("signal", "noise"))
    compare(tuple(got.values()), (signal, noise), mistakes=mistakes)


def split_by_numbers(answer: Callable, rng: Generator) -> None:
    r"""7 = 1 + 12 / 2 and 2.5 = 1 + 12 / 8."""
    _compare_split(answer, (7.0, 2.5), (2, 8))


def split_of_all_batches(answer: Callable, rng: Generator) -> None:
    r"""From each of the 4 ** 2 batches of two of four examples, and the 4 ** 5 of five."""
    gradients = rng.normal([1.0, 0.0, -2.0], size=(4, 3))

    def squared_length(size: int) -> float:
        batches = np.array(list(product(range(4), repeat=size)))
        return float(np.mean(np.sum(gradients[batches].mean(axis=1) ** 2, axis=1)))

    _compare_split(answer, (squared_length(2), squared_length(5)), (2, 5))


def split_in_any_order(answer: Callable, rng: Generator) -> None:
    r"""The larger batch first; one example."""
    signal, noise = rng.uniform(0.5, 2), rng.uniform(20, 60)
    for sizes in ((512, 8), (3, 1)):
        _compare_split(answer, tuple(float(signal + noise / size) for size in sizes), sizes)


def scaled_rate(step: int, batch_size: int, base_rate: float, base_batch: int, warm: int) -> float:
    r"""Return the rate of a step, by linear scaling with a warm-up from base_rate."""
    target = base_rate * batch_size / base_batch
    return base_rate + (target - base_rate) * step / warm if step < warm else target


def _compare_scaled(answer: Callable, batch_size: int, rate: float, base: int, warm: int) -> None:
    steps = np.arange(warm + 3)
    part = np.minimum(steps / max(warm, 1), 1) if warm else np.ones(3)

    def rates(target: float, start: float = rate, part: NDArray = part) -> NDArray:
        return start + (target - start) * part

    target = rate * batch_size / base
    same = np.full(len(steps), rate)
    scaling = {
        "It scales with the root of the batch size; linear scaling is batch_size / base_batch.": (
            rates(rate * (batch_size / base) ** 0.5)
        ),
        "It scales the wrong way round: a larger batch takes a larger rate.": rates(
            rate * base / batch_size
        ),
        "It forgets base_batch: the factor is batch_size / base_batch.": rates(rate * batch_size),
        "The factor is rounded to a whole number: divide with `/`, not `//`.": rates(
            rate * (batch_size // base)
        ),
    }
    without = "With `warm=0` there is no warm-up: step 0 has the target already."
    late = without.replace("step 0 has", "all steps have")
    if warm not in (0, 10):
        ten = "The warm-up always takes the 10 steps of the picture; it should take `warm`."
        scaling[ten] = rates(target, part=np.minimum(steps / 10, 1))
    mistakes = scaling | {without: np.where(steps > 0, target, rate), late: same}
    mistakes = (
        mistakes
        if not warm
        else scaling
        | {
            "There is no warm-up: while step < warm the rate rises along a line.": rates(
                target, part=np.ones(len(steps))
            ),
            "The warm-up starts at 0; here it starts at base_rate.": rates(target, start=0.0),
            "The warm-up is one step ahead: step 0 has base_rate.": rates(
                target, part=np.minimum((steps + 1) / warm, 1)
            ),
            "The target is reached at step warm - 1; it should be at step warm.": rates(
                target, part=np.minimum(steps / max(warm - 1, 1), 1)
            ),
            "The target is reached at step warm + 1; it should be at step warm.": rates(
                target, part=np.minimum(steps / (warm + 1), 1)
            ),
            "The warm-up runs the wrong way: from base_rate to the target.": np.where(
                steps < warm, rates(rate, start=target), target
            ),
            "The warm-up starts at 0 and one step ahead: step 0 has base_rate.": rates(
                target, start=0.0, part=np.minimum((steps + 1) / warm, 1)
            ),
            "It rises by the same factor at each step: on a line it rises by the same amount.": (
                rate * (target / rate) ** part
            ),
            "After the warm-up it is back at base_rate; from step warm on it is the target.": (
                np.where(steps < warm, rates(target), rate)
            ),
            "The rate keeps rising after the warm-up; from step warm on it is the target.": rates(
                target, part=steps / warm
            ),
            "During the warm-up the target is added in full to base_rate; rise by "
            "(target - base_rate) * step / warm.": np.where(
                steps < warm, rate + target * part, target
            ),
            "It stays at base_rate until the warm-up is over; the rate should rise along a line.": (
                np.where(steps < warm, rate, target)
            ),
            "A batch smaller than base_batch has a target below base_rate: let the rate fall to it."
            if batch_size < base
            else "The batch size is not used after all: every rate is base_rate.": same,
        }
    )
    got = [answer(int(step), batch_size, rate, base, warm) for step in steps]
    for one in got:
        compare(one, 0.0, tolerance=np.inf)
    compare(np.array(got), rates(target), mistakes=mistakes, what="the rates from step 0 on")


def scaled_by_numbers(answer: Callable, rng: Generator) -> None:
    r"""From 0.1 to 0.4 in ten steps."""
    _compare_scaled(answer, 128, 0.1, 32, 10)


def scaled_for_other_batches(answer: Callable, rng: Generator) -> None:
    r"""Any rate and length; down as well, for a smaller batch."""
    rate, warm = rng.uniform(0.02, 0.3), int(rng.integers(4, 9))
    _compare_scaled(answer, 640, rate, 64, warm)
    _compare_scaled(answer, 16, rate, 64, warm)


def scaled_without_warm_up(answer: Callable, rng: Generator) -> None:
    r"""With no warm-up the target from the start."""
    _compare_scaled(answer, 256, 0.05, 32, 0)


def fewest_updates(updates_to_goal: Callable, budget: float, sizes: list, rates: list) -> tuple:
    r"""Return the (batch size, rate) that reaches the goal within the budget in fewest updates."""
    runs = ((updates_to_goal(size, rate), size, rate) for size in sizes for rate in rates)
    return min(run for run in runs if run[0] * run[1] <= budget)[1:]


def _compare_choice(
    answer: Callable, updates_to_goal: Callable, budget: int, sizes: list, rates: list
) -> None:
    got = _pair(answer(updates_to_goal, budget, list(sizes), list(rates)), ("batch size", "rate"))
    for kind, (name, one) in zip((sizes, rates), got.items(), strict=True):
        compare(one, 0.0, tolerance=np.inf, what=f"the {name}")
        if not np.isclose(one, kind, rtol=1e-9).any():
            raise Wrong(f"It returned the {name} {one}, which is none of {kind}. Is it an index?")
    size, rate = (
        min(kind, key=lambda each, one=one: abs(each - one))
        for kind, one in zip((sizes, rates), got.values(), strict=True)
    )
    table = {pair: updates_to_goal(*pair) for pair in product(sizes, rates)}
    examples = {pair: updates * pair[0] for pair, updates in table.items()}
    fitting = {pair: table[pair] for pair in table if examples[pair] <= budget}
    chosen, fewest = table[size, rate], min(fitting.values())
    where = f"Batch size {size} at rate {rate:g}"
    if not np.isfinite(chosen):
        raise Wrong(f"{where} never reaches the goal: `updates_to_goal` gives inf.")
    if (size, rate) not in fitting:
        heedless = chosen == min(table.values())
        raise Wrong(
            f"{where} looks at {examples[size, rate]:g} examples, and the budget is {budget}"
            + ("; it has the fewest updates of all, whatever they cost." if heedless else ".")
        )
    if chosen == fewest:
        return
    why = ""
    below = [updates for pair, updates in fitting.items() if examples[pair] < budget]
    best_of_its_size = chosen == min(table[size, each] for each in rates)
    if below and fewest < chosen == min(below):
        why = " It looks at exactly as many examples as the budget has, which is allowed."
    elif chosen == max(fitting.values()) and fewest < sorted(set(fitting.values()))[-2]:
        why = " Yours takes the most updates of all that fit."
    elif examples[size, rate] == min(examples.values()):
        why = " Yours has the fewest *examples*."
    elif best_of_its_size and size == max(pair[0] for pair in fitting):
        why = " The largest batch that fits is not always the best."
    elif best_of_its_size:
        why = " Yours is the best rate of its batch size; go through all batch sizes."
    raise Wrong(
        f"{where} fits, but takes {chosen:g} updates; another pair within the budget takes "
        f"{fewest:g}.{why}"
    )


def _listed(answer: Callable) -> Callable:
    # The pair as it stands in the lists: an answer may return it as a list, or rounded.
    def chosen(updates_to_goal: Callable, budget: float, sizes: list, rates: list) -> tuple:
        size, rate = answer(updates_to_goal, budget, sizes, rates)
        return min(sizes, key=lambda s: abs(s - size)), min(rates, key=lambda r: abs(r - rate))

    return chosen


def choice_from_a_table(answer: Callable, rng: Generator) -> None:
    r"""Twelve runs, whose numbers are of no bowl: the largest batch is never the best."""
    sizes, rates = [4, 16, 64, 256], [0.1, 0.2, 0.4]
    updates = (100, 60, np.inf, 50, 30, 40, 25, 14, 45, 22, 18, np.inf)
    table = dict(zip(product(sizes, rates), updates, strict=True))
    for budget in (250, 700, 5000, 480, 895, 896):
        _compare_choice(answer, lambda *pair: table[pair], budget, sizes, rates)


def choice_on_a_bowl(answer: Callable, rng: Generator) -> None:
    r"""Another bowl than the chapter's, at budgets from just enough to plenty."""
    curvatures, noise = np.geomspace(0.05, 1.5, 6), rng.uniform(0.5, 2)

    @cache
    def updates_to_goal(size: int, rate: float) -> float:
        return bowl_updates(size, rate, curvatures, noise, most=400)

    sizes, rates = [2**k for k in range(9)], [2.0**k for k in range(-5, 1)]
    least = min(updates_to_goal(*pair) * pair[0] for pair in product(sizes, rates))
    for factor in (1, 1.3, 3, 20):
        _compare_choice(answer, updates_to_goal, int(least * factor), sizes, rates)


def bowl_updates(
    size: int, rate: float, curvatures: NDArray, noise: float, goal: float = 0.05, most: int = 2000
) -> float:
    r"""Return the updates until the expected loss of a noisy bowl reaches the goal, or inf.

    Args:
        size: of the batch.
        rate: learning rate.
        curvatures: of the bowl, one for each weight; all weights start at 1.
        noise: variance of a single example's gradient, for each weight.
        goal: of the expected loss.
        most: updates to try.
    """
    mean, variance = np.ones(len(curvatures)), np.zeros(len(curvatures))
    for step in range(1, most + 1):
        mean = (1 - rate * curvatures) * mean
        variance = (1 - rate * curvatures) ** 2 * variance + rate**2 * noise / size
        if curvatures @ (mean**2 + variance) / 2 <= goal:
            return step
    return np.inf


def gradient_in_pieces(x: NDArray, error: NDArray, size: int, piece_gradient: Callable) -> NDArray:
    r"""Return the mean of error_i x_i over all n examples, shape (D,), taken in pieces."""
    total = np.zeros(x.shape[1])
    for first in range(0, len(x), size):
        piece = slice(first, first + size)
        total += len(x[piece]) * piece_gradient(x[piece], error[piece])
    return total / len(x)


def _mistaken_pieces(x: NDArray, error: NDArray, size: int) -> dict[str, NDArray]:
    n = len(x)
    pieces = [slice(first, first + size) for first in range(0, n, size)]
    sums = [x[piece].T @ error[piece] for piece in pieces]
    means = [total / len(error[piece]) for total, piece in zip(sums, pieces, strict=True)]
    mistakes = {
        "It returned the sum over the examples; divide by n.": np.sum(sums, axis=0),
        "It is the negative gradient: the gradient is error_i times x_i, without a minus.": (
            -np.sum(sums, axis=0) / n
        ),
        "The means of the pieces are added up; they still have to be averaged.": (
            np.sum(means, axis=0)
        ),
        "Means are divided by n: a mean counts for as many examples as its piece has, so multiply "
        "it by them first.": np.sum(means, axis=0) / n,
    }
    if n % size:
        full = n // size
        mistakes |= {
            "The last, shorter piece counts as much as a full one: a mean of means is right only "
            "for equal pieces.": np.mean(means, axis=0),
            "Each mean is taken for `size` examples, also that of the last, shorter piece.": (
                np.sum(means, axis=0) * size / n
            ),
            "The sum is right, but what it is divided by is rounded down to full pieces.": (
                np.sum(sums, axis=0) / size / max(full, 1)
            ),
            "The number of pieces is rounded down.": np.sum(means, axis=0) / max(full, 1),
        }
        if full:
            some = np.sum(means[:full], axis=0)
            left_out = "The examples after the last full piece are left out"
            mistakes |= {
                f"{left_out}: the loop must continue to n.": some / full,
                f"{left_out}, and it divides by n.": some * size / n,
            }
    return mistakes


def _compare_pieces(answer: Callable, x: NDArray, error: NDArray, size: int) -> None:
    rows: list[int] = []

    def piece_gradient(some: NDArray, errors: NDArray) -> NDArray:
        rows.append(len(some))
        if len(some) != len(errors):
            raise Wrong(f"piece_gradient was given {len(some)} rows and {len(errors)} errors.")
        return errors @ some / max(len(some), 1)

    what = f"{len(x)} examples in pieces of {size}"
    got = answer(x.copy(), error.copy(), size, piece_gradient)
    if not rows:
        compare(got, error @ x / len(x), mistakes=_mistaken_pieces(x, error, size), what=what)
        raise Wrong("It never calls `piece_gradient`: hand each piece to it.")
    if max(rows) > size:
        raise Wrong(f"It takes {max(rows)} examples at once, where size is {size}.")
    if min(rows) == 0:
        raise Wrong("It takes an empty piece: stop where the examples end.")
    compare(got, error @ x / len(x), mistakes=_mistaken_pieces(x, error, size), what=what)


def pieces_by_numbers(answer: Callable, rng: Generator) -> None:
    r"""1 + 2 - 9 = -6, over 3."""
    x, error = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 1.0, -3.0])
    _compare_pieces(answer, x, error, 2)


def pieces_of_every_size(answer: Callable, rng: Generator) -> None:
    r"""The same gradient for all sizes from 1 to more than n."""
    x, error = rng.normal(size=(11, 3)), rng.normal(size=11)
    for size in (4, 11, 1, 20):
        _compare_pieces(answer, x, error, size)


def pieces_leave_their_input(answer: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    call_unchanged(
        lambda x, error: answer(x, error, 2, lambda some, errors: errors @ some / len(some)),
        x=rng.normal(size=(5, 2)),
        error=rng.normal(size=5),
    )


EXERCISES = [
    Exercise(
        id="06.1",
        title="Signal and noise",
        answers=("signal_and_noise",),
        checks=[
            Check("the numbers of the exercise", split_by_numbers),
            Check("the means over all possible batches", split_of_all_batches),
            Check("other sizes, in any order", split_in_any_order),
        ],
        hints=[
            "Write the formula of the section down twice, once for each batch size. What is "
            "unknown, and what is the same in both lines?",
            "Take one line from the other: the signal drops out, and the noise is left with the "
            "factor 1 / size - 1 / other size.",
            "Once the noise is known, either of the two lines gives the signal: it is the squared "
            "length less the noise's share at that size.",
        ],
        package=lambda: signal_and_noise,
    ),
    Exercise(
        id="06.2",
        title="Scale and warm up",
        answers=("scaled_rate",),
        checks=[
            Check("four times the batch, ten steps", scaled_by_numbers),
            Check("other batches, rates and lengths", scaled_for_other_batches),
            Check("no warm-up", scaled_without_warm_up),
        ],
        hints=[
            "Follow one line of the picture. Where does it begin, at which step does it get level, "
            "and what has that level to do with its batch size?",
            "On a line from a to b, after a share s of the way, the value is a + (b - a) * s. "
            "What is s at step `step`?",
            "There are two cases: before step `warm` the line, with s as the share of the "
            "warm-up that is over; after it, the target alone. Which case has warm = 0?",
        ],
        package=lambda: scaled_rate,
    ),
    Exercise(
        id="06.3",
        title="Choose under a budget",
        answers=("fewest_updates",),
        checks=[
            Check("twelve runs, from a table", choice_from_a_table),
            Check("another bowl, four budgets", choice_on_a_bowl),
        ],
        hints=[
            "How many examples does one run look at? Which runs does the budget rule out?",
            "Two loops try each pair. Remember the best one so far, and replace it only by a pair "
            "that fits and has fewer updates.",
            "A run that never arrives gives inf: times any batch size that is inf as well, so it "
            "never fits the budget. No special case is needed.",
        ],
        package=lambda: fewest_updates,
        adapt=_listed,
    ),
    Exercise(
        id="06.4",
        title="Find the bugs",
        answers=("gradient_in_pieces",),
        checks=[
            Check("three examples in pieces of two", pieces_by_numbers),
            Check("pieces of every size", pieces_of_every_size),
            Check("the inputs stay as they were", pieces_leave_their_input),
        ],
        hints=[
            "Ten examples in pieces of four: which of them does the suspect look at? Print the "
            "pieces.",
            "A slice may run past the end of an array. And once the last piece has two examples: "
            "how much should its mean count beside that of four?",
            "A mean times the number of its examples is a sum. Sums may be added, whatever the "
            "sizes of the pieces; and there is one division at the end.",
        ],
    ),
]
