r"""Wrong answers to the exercises of chapter 08, each with a part of the sentence expected."""


def teeth(
    place=lambda n, period: (n - 1) % period / period,
    tooth=lambda n, period: (n - 1) // period + 1,
    shape=lambda place, tooth, period: (1 - place) / tooth,
):
    r"""A saw-tooth with another place, another number of the tooth or another shape."""

    def saw_tooth(n, period):
        return shape(place(n, period), tooth(n, period), period)

    return saw_tooth


def walk(
    due=lambda loss, before, cutoff: abs(loss - before) < cutoff,
    share=lambda first: 0.01 * first,
    shrink=0.2,
    always=False,
    copy=True,
    rows=slice(None),
    best=False,
    safe=True,
):
    r"""The strategy by cutoff, or one near it."""

    def cutoff_rates(losses, sequence, learning_rate):
        rates, coming = [learning_rate] * 2, list(sequence) if copy else sequence
        cutoff, before = share(losses[0]), losses[0]
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


def by_epoch(losses, sequence, learning_rate):
    coming = list(sequence)
    rates = [learning_rate]
    for _ in losses:
        learning_rate = coming.pop(0) if coming else learning_rate
        rates.append(learning_rate)
    return rates


def wave(
    start=float("inf"),
    skip=True,
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
        while skip and coming and coming[0] == learning_rate:
            coming.pop(0)
        for loss in losses:
            if due(loss, before) and (coming or not safe):
                learning_rate = coming.pop(0)
            before = min(before, loss) if best else loss
            rates.append(learning_rate)
        return rates[rows]

    return oscillation_rates


def wave_without_the_first(losses, sequence, learning_rate):
    return wave(skip=False)(losses, sequence[1:], learning_rate)


def wave_without_any_equal(losses, sequence, learning_rate):
    return wave()(losses, [r for r in sequence if r != learning_rate], learning_rate)


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
    ],
    "08.2": [
        (walk(shrink=1.0), "stays as it was"),
        (walk(always=True), "after every epoch"),
        (walk(shrink=0.8), "0.2 of itself"),
        (walk(shrink=5.0), "grows"),
        (walk(lambda loss, before, cutoff: loss - before < cutoff), "absolute value"),
        (walk(lambda loss, before, cutoff: abs(loss - before) > cutoff), "*more*"),
        (walk(lambda loss, before, cutoff: loss > before), "by oscillation"),
        (walk(share=lambda first: 0.01), "0.01 itself"),
        (walk(share=lambda first: first), "whole first loss"),
        (walk(best=True), "best loss so far"),
        (walk(rows=slice(1, None)), "first rate is missing"),
        (walk(rows=slice(0, -1)), "last rate is missing"),
        (walk(safe=False), "empty list"),
        (walk(copy=False), "caller's `sequence`"),
        (by_epoch, "by epoch"),
        (lambda losses, sequence, rate: [rate] * (len(losses) + 1), "never takes"),
    ],
    "08.3": [
        (wave(start=0.0, skip=False, safe=False), "0, so that the very first"),
        (wave(start=0.0), "0, so that the very first"),
        (wave(skip=False), "the first rate again"),
        (wave(safe=False), "empty list"),
        (wave(best=True), "ReduceLROnPlateau"),
        (wave(due=lambda loss, before: loss < before < float("inf")), "when the loss falls"),
        (wave_without_the_first, "always left out"),
        (wave_without_any_equal, "only those at the beginning"),
        (wave(rows=slice(1, None)), "first rate is missing"),
        (wave(rows=slice(0, -1)), "last rate is missing"),
        (wave(copy=False), "caller's `sequence`"),
    ],
}
