r"""Wrong answers to the exercises of chapter 08, each with a part of the sentence expected.

RIGHT holds right ones in other styles than the worked solution's.
"""

from itertools import pairwise

import numpy as np


def teeth(
    place=lambda n, period: (n - 1) % period / period,
    tooth=lambda n, period: (n - 1) // period + 1,
    shape=lambda place, tooth, period: (1 - place) / tooth,
):
    r"""A saw-tooth with another place, another number of the tooth or another shape."""

    def saw_tooth(n, period):
        return shape(place(n, period), tooth(n, period), period)

    return saw_tooth


def teeth_in_place(n, period):
    n -= 1
    return teeth()(n + 1, period)


def front(coming, learning_rate, skip):
    r"""Leave out rates at the beginning, in one of several ways."""
    while coming and (
        coming[0] == learning_rate or (skip == "above" and coming[0] > learning_rate)
    ):
        if skip == "none":
            break
        coming.pop(0)
        if skip == "one":
            break


def walk(
    due=lambda loss, before, cutoff: abs(loss - before) < cutoff,
    share=lambda losses: 0.01 * losses[0],
    shrink=0.2,
    always=False,
    copy=True,
    rows=slice(None),
    best=False,
    safe=True,
    skip="equal",
):
    r"""The strategy by cutoff, or one near it."""

    def cutoff_rates(losses, sequence, learning_rate):
        rates, coming = [learning_rate] * 2, list(sequence) if copy else sequence
        front(coming, learning_rate, skip)
        cutoff, before = share(losses), losses[0]
        for loss in losses[1:]:
            now = due(loss, before, cutoff)
            if now and (coming or not safe):
                learning_rate = coming.pop(0)
            if now or always:
                cutoff *= shrink
            before = min(before, loss) if best else loss
            rates.append(learning_rate)
        return rates[rows]

    return cutoff_rates


def walk_unguarded(losses, sequence, learning_rate):
    coming = list(sequence)
    while sequence and coming[0] == learning_rate:
        coming.pop(0)
    return walk()(losses, coming, learning_rate)


def walk_popping(losses, sequence, learning_rate):
    right = walk()(losses, sequence, learning_rate)
    losses.pop()
    return right


def walk_that_wraps(losses, sequence, learning_rate):
    rates, coming, cutoff = [learning_rate], list(sequence), 0.01 * losses[0]
    front(coming, learning_rate, "equal")
    for t in range(len(losses)):
        if coming and abs(losses[t] - losses[t - 1]) < cutoff:
            learning_rate, cutoff = coming.pop(0), 0.2 * cutoff
        rates.append(learning_rate)
    return rates


def share_of_the_one_before(loss, before, cutoff):
    return abs(loss - before) / before < cutoff


def share_of_the_newest(loss, before, cutoff):
    return abs(loss - before) / loss < cutoff


def walk_by_index(losses, sequence, learning_rate):
    first = next((k for k, rate in enumerate(sequence) if rate != learning_rate), len(sequence))
    coming, taken = (learning_rate, *sequence[first:]), 0
    rates = [learning_rate, learning_rate]
    for before, loss in pairwise(losses):
        if taken + 1 < len(coming) and abs(loss - before) < 0.01 * losses[0] * 0.2**taken:
            taken += 1
        rates.append(coming[taken])
    return np.array(rates)


def by_epoch(losses, sequence, learning_rate):
    coming = list(sequence)
    rates = [learning_rate]
    for _ in losses:
        learning_rate = coming.pop(0) if coming else learning_rate
        rates.append(learning_rate)
    return rates


def wave(
    start=float("inf"),
    skip="equal",
    safe=True,
    copy=True,
    best=False,
    due=lambda loss, before: loss > before,
    rows=slice(None),
):
    r"""The strategy by oscillation, or one near it."""

    def oscillation_rates(losses, sequence, learning_rate):
        rates, before = [learning_rate], start
        coming = list(sequence) if copy else sequence
        front(coming, learning_rate, skip)
        for loss in losses:
            if due(loss, before) and (coming or not safe):
                learning_rate = coming.pop(0)
            before = min(before, loss) if best else loss
            rates.append(learning_rate)
        return rates[rows]

    return oscillation_rates


def wave_without_the_first(losses, sequence, learning_rate):
    return wave(skip="none")(losses, sequence[1:], learning_rate)


def wave_without_any_equal(losses, sequence, learning_rate):
    return wave()(losses, [r for r in sequence if r != learning_rate], learning_rate)


def wave_one_late(losses, sequence, learning_rate):
    return [learning_rate, *wave()(losses, sequence, learning_rate)[:-1]]


def wave_that_stops(losses, sequence, learning_rate):
    right = wave()(losses, sequence, learning_rate)
    taken = [rate for k, rate in enumerate(sequence) if set(sequence[: k + 1]) != {learning_rate}]
    changes = [t for t in range(1, len(right)) if losses[t - 1] > losses[max(t - 2, 0)]]
    return right if len(changes) < max(len(taken), 1) else right[: [0, *changes][len(taken)] + 1]


def wave_with_state(losses, sequence, learning_rate):
    coming = [rate for k, rate in enumerate(sequence) if set(sequence[: k + 1]) != {learning_rate}]
    taken = np.cumsum(np.diff(losses, prepend=losses[0]) > 0)
    every = np.array([learning_rate, *coming], dtype=float)
    return every[np.minimum(np.append(0, taken), len(coming))]


def luck(give, draws=4000, more=1):
    r"""The best of equals from counts, (draws, settings + more), of which the last is the rival."""

    def best_by_luck(accuracy, images, settings, rng):
        right = rng.binomial(images, accuracy, size=(draws, settings + more))
        return give(right, accuracy, images)

    return best_by_luck


def lead(right, *given):
    return np.mean(right[:, :-1].max(axis=1) - right[:, -1])


def by_images(accuracy, images, settings, rng):
    leads = []
    for _ in range(3000):
        right = rng.random((images, settings + 1)) < accuracy if images < 200 else None
        if right is None:
            right = rng.binomial(images, accuracy, settings + 1)[None]
        counts = right.sum(axis=0)
        leads.append(counts[:-1].max() - counts[-1])
    return sum(leads) / len(leads)


def by_normal_counts(accuracy, images, settings, rng):
    spread = (images * accuracy * (1 - accuracy)) ** 0.5
    right = rng.normal(images * accuracy, spread, size=(20_000, settings + 1))
    return np.float32(lead(right))


WRONG = {
    "08.1": [
        (teeth(tooth=lambda n, period: n // period + 1), "printed formula"),
        (teeth(place=lambda n, period: n % period / period), "begins one late"),
        (teeth(shape=lambda place, tooth, period: 1 - place), "equally high"),
        (teeth(shape=lambda place, tooth, period: 1 / tooth), "no teeth"),
        (teeth(shape=lambda place, tooth, period: (place + 1 / period) / tooth), "goes up"),
        (teeth(shape=lambda place, tooth, period: (1 - place) / 2 ** (tooth - 1)), "half as high"),
        (teeth(place=lambda n, period: (n - 1) % period / (period - 1)), "is 0"),
        (lambda n, period: teeth()(n + 1, period), "counts n from 0"),
        (lambda n, period: teeth()(n, 10), "built in"),
        (teeth_in_place, "changes its input `n`"),
        (teeth(tooth=lambda n, period: (n - 1) / period + 1), "number is not whole"),
        (teeth(place=lambda n, period: (n - 1) / period), "never begins again"),
    ],
    "08.2": [
        (walk_unguarded, "ask whether there is one before"),
        (walk(shrink=1.0), "stays as it was"),
        (walk(always=True), "after every epoch"),
        (walk(shrink=0.8), "0.2 of itself"),
        (walk(shrink=0.02), "multiplied by 0.02"),
        (walk(shrink=5.0), "grows"),
        (walk(lambda loss, before, cutoff: loss - before < cutoff), "absolute value"),
        (walk(lambda loss, before, cutoff: abs(loss - before) > cutoff), "*more*"),
        (walk(lambda loss, before, cutoff: abs(loss - before) <= cutoff), "exactly the cutoff"),
        (walk(lambda loss, before, cutoff: loss > before), "by oscillation"),
        (walk(share=lambda losses: 0.01), "0.01 itself"),
        (walk(share=lambda losses: losses[0]), "whole first loss"),
        (walk(share=lambda losses: 0.1 * losses[0]), "0.1 of the first"),
        (walk(share=lambda losses: 0.01 * sum(losses) / len(losses)), "of the mean loss"),
        (walk(share_of_the_one_before, lambda losses: 0.01), "share of a later loss"),
        (walk(share_of_the_newest, lambda losses: 0.01), "share of a later loss"),
        (walk(best=True), "best loss so far"),
        (walk(share_of_the_one_before, lambda losses: 0.01, shrink=1.0), "not of the loss before"),
        (walk(lambda loss, before, cutoff: before - loss < cutoff), "Every rise"),
        (walk(shrink=0.0), "one rate only"),
        (walk_that_wraps, "after the first loss"),
        (walk(skip="none"), "the first rate again"),
        (walk(skip="one"), "Only one rate"),
        (walk(skip="above"), "above learning_rate"),
        (walk(rows=slice(1, None)), "first rate is missing"),
        (walk(rows=slice(0, -1)), "last rate is missing"),
        (walk(safe=False), "empty list"),
        (walk(copy=False), "caller's `sequence`"),
        (walk_popping, "caller's `losses`"),
        (by_epoch, "by epoch"),
        (lambda losses, sequence, rate: [rate] * (len(losses) + 1), "never takes"),
        (walk(share=lambda losses: 0.001 * losses[0]), "0.001 of the first"),
    ],
    "08.3": [
        (wave(start=0.0, skip="none", safe=False), "0, so that the very first"),
        (wave(start=0.0), "0, so that the very first"),
        (wave(skip="none"), "the first rate again"),
        (wave(skip="one"), "Only one rate"),
        (wave(skip="above"), "above learning_rate"),
        (wave(safe=False), "empty list"),
        (wave(best=True), "ReduceLROnPlateau"),
        (wave(due=lambda loss, before: loss < before < float("inf")), "when the loss falls"),
        (wave(due=lambda loss, before: loss < before), "smaller than the one before"),
        (wave_one_late, "one epoch late"),
        (wave_that_stops, "It stops when no rate is left"),
        (wave(due=lambda loss, before: loss >= before), "An equal loss"),
        (wave(due=lambda loss, before: loss > before + 1e-3), "Only a large rise"),
        (wave_without_the_first, "always left out"),
        (wave_without_any_equal, "only those at the beginning"),
        (wave(rows=slice(1, None)), "first rate is missing"),
        (wave(rows=slice(0, -1)), "last rate is missing"),
        (wave(copy=False), "caller's `sequence`"),
    ],
    "08.4": [
        (lambda a, n, k, rng: (n * a * (1 - a)) ** 0.5, "of one count"),
        (lambda a, n, k, rng: (2 * n * a * (1 - a)) ** 0.5, "of *two* runs"),
        (luck(lambda right, a, n: lead(right) / n), "in images it is"),
        (luck(lambda right, a, n: np.mean(right[:, :-1].max(axis=1))), "not its lead"),
        (
            luck(lambda right, a, n: np.mean(np.ptp(right[:, :-1], axis=1))),
            "to the worst",
        ),
        (luck(lambda right, a, n: np.mean(right.max(axis=1) - right[:, -1])), "among those"),
        (luck(lambda right, a, n: np.mean(right[:, 0] - right[:, -1])), "lead of *any* setting"),
        (luck(lambda right, a, n: right[0, :-1].max() - right[0, -1]), "one draw"),
        (luck(lambda right, a, n: np.mean(abs(right[:, :-1].max(1) - right[:, -1]))), "the sign"),
        (luck(lead, more=0), "one setting fewer"),
        (luck(lambda right, a, n: np.mean(np.diff(np.sort(right[:, :-1]))[:, -1])), "second best"),
        (lambda a, n, k, rng: 18.4, "is expected"),
        (lambda *given: print(end=""), "returned None"),
        (luck(lambda right, a, n: lead(right) / n * 100), "in percent"),
        (luck(lambda right, a, n: np.std(right[:, :-1].max(axis=1) - right[:, -1])), "varies"),
    ],
}
RIGHT = {
    "08.1": [
        lambda n, period: (1 - np.mod(n - 1, period) / period) / np.ceil(n / period),
        lambda n, period: (period - (n - 1) % period) / period / (1 + (n - 1) // period),
    ],
    "08.2": [walk_by_index],
    "08.3": [wave_with_state],
    "08.4": [luck(lead), by_images, by_normal_counts],
}
