r"""Wrong answers to the exercises of chapter 17, each with a part of the sentence expected.

RIGHT holds right ones in other styles than the worked solution's.
"""

import math

import numpy as np

# ---- 17.1


def means(losses, steps, count):
    return (np.convolve(each, np.ones(count) / count, "valid") for each in (losses, steps))


def crossing(steps, losses, target):
    r"""The first measurement at or below the target, and the line to it."""
    below = np.flatnonzero(losses <= target)
    if not len(below):
        return np.inf
    k = max(below[0], 1)
    return np.interp(-target, -losses[k - 1 : k + 1], steps[k - 1 : k + 1])


def first_below(steps, losses, target):
    below = np.flatnonzero(losses <= target)
    return steps[below[0]] if len(below) else np.inf


def last_above(steps, losses, target):
    above = np.flatnonzero(~(losses <= target))
    k = above[-1]
    if k + 1 == len(steps):
        return np.inf
    return np.interp(-target, -losses[k : k + 2], steps[k : k + 2])


def at_the_end_of_the_window(steps, losses, target):
    mean = np.convolve(losses, np.ones(9) / 9, "valid")
    return crossing(steps[8:], mean, target)


def number_of_the_measurement(steps, losses, target):
    mean, _ = means(losses, steps, 5)
    return crossing(np.arange(len(mean)) + 2, mean, target)


def last_step_if_never(steps, losses, target):
    found = smoothed(steps, losses, target)
    return found if np.isfinite(found) else steps[-1]


def nearest(steps, losses, target):
    k = abs(losses - target).argmin()
    return steps[k] if k + 3 < len(steps) else np.inf


def smoothed(steps, losses, target, count=7):
    mean, place = means(losses, steps, count)
    return crossing(place, mean, target)


def by_a_parabola(steps, losses, target):
    if not np.isfinite(losses).all():
        return np.inf
    log_steps = np.log(steps)
    curve = np.poly1d(np.polyfit(log_steps, losses, 4))
    fine = np.linspace(log_steps[0], log_steps[-1], 4000)
    below = np.flatnonzero(curve(fine) <= target)
    return float(np.exp(fine[below[0]])) if len(below) else math.inf


def with_loops(steps, losses, target):
    before = None
    for k in range(4, len(steps) - 4):
        mean = sum(float(loss) for loss in losses[k - 4 : k + 5]) / 9
        place = sum(float(step) for step in steps[k - 4 : k + 5]) / 9
        if mean <= target:
            if before is None:
                return place
            share = (before[0] - target) / (before[0] - mean)
            return before[1] + share * (place - before[1])
        before = mean, place
    return float("inf")


def wide_window(steps, losses, target):
    r"""So many neighbours that the bend of the curve counts."""
    losses, half = np.nan_to_num(losses, nan=9.0, posinf=9.0), np.arange(len(steps))
    half = np.minimum(np.minimum(half, half[::-1]), 30)
    mean = np.array([losses[k - h : k + h + 1].mean() for k, h in enumerate(half)])
    return np.exp(crossing(np.log(steps), mean, target))


def one_line_for_all(steps, losses, target):
    if not np.isfinite(losses).all():
        return np.inf
    slope, level = np.polyfit(np.log(steps), losses, 1)
    found = np.exp((target - level) / slope)
    return found if found < steps[-1] else np.inf


def falling(steps, losses, target):
    r"""The falling steps that are nearest to the losses: neighbours that rise are pooled."""
    pools = []
    for step, loss in zip(np.log(steps), losses, strict=True):
        if not np.isfinite(loss):
            return np.inf
        pools.append((loss, step, 1))
        while len(pools) > 1 and pools[-2][0] <= pools[-1][0]:
            (a, s, m), (b, t, n) = pools.pop(), pools.pop()
            pools.append(((a * m + b * n) / (m + n), (s * m + t * n) / (m + n), m + n))
    level, place, _ = (np.array(each) for each in zip(*pools, strict=True))
    return float(np.exp(crossing(place, level, target)))


# ---- 17.2


def least_squares(sizes, steps):
    product, least = np.polyfit(1 / sizes, steps, 1)
    return least, product / least


def from_the_ends(sizes, steps):
    product = (steps[0] - steps[-1]) / (1 / sizes[0] - 1 / sizes[-1])
    least = steps[-1] - product / sizes[-1]
    return least, product / least


def of_the_examples(sizes, steps):
    r"""Least squares of the examples, which trusts the largest batches most."""
    least, product = np.polyfit(sizes, steps * sizes, 1)
    return least, product / least


def a_power_law(sizes, steps):
    slope, level = np.polyfit(np.log(sizes), np.log(steps), 1)
    return np.exp(level), -slope


def relative(sizes, steps):
    product, least = np.polyfit(1 / sizes, steps, 1, w=1 / steps)
    return least, product / least


def by_logs(sizes, steps):
    critical = np.geomspace(2, 2000, 4000)[:, None]
    off = np.log(steps) - np.log1p(critical / sizes)
    k = off.var(axis=1).argmin()
    fine = np.linspace(critical[max(k - 1, 0), 0], critical[min(k + 1, 3999), 0], 400)[:, None]
    off = np.log(steps) - np.log1p(fine / sizes)
    k = off.var(axis=1).argmin()
    return [np.exp(off[k].mean()), fine[k, 0]]


# ---- 17.3


def priced(size, price=None):
    def answer(least, critical, step, example, most):
        B = size(critical, step, example, most)
        if price:
            return B, price(least, critical, B, step, example)
        return B, least * (1 + critical / B) * (step + example * B)

    return answer


def best(critical, step, example, most):
    return min(max(math.sqrt(critical * step / example), 1), most)


def by_a_grid(least, critical, step, example, most):
    sizes = np.geomspace(1, most, 20001)
    prices = least * (1 + critical / sizes) * (step + example * sizes)
    k = prices.argmin()
    return np.float32(sizes[k]), np.float32(prices[k])


# ---- 17.4


def suspect(run, sizes, rates, seeds):
    table = np.array([[[run(s, r, seed) for seed in seeds] for r in rates] for s in sizes])
    finite = np.isfinite(table)
    mean = np.where(finite, table, 0).sum(axis=2) / np.maximum(finite.sum(axis=2), 1)
    chosen = np.where(finite.any(axis=2), mean, np.inf)[0].argmin()
    return table[:, chosen].min(axis=1)


def sweep(
    choose=lambda table: table.mean(axis=2),
    tell=lambda table: table.mean(axis=2),
    ends=True,
    first=False,
    lost=np.nan,
):
    r"""A sweep that chooses by one score and tells another."""

    def answer(run, sizes, rates, seeds):
        table = np.array([[[run(s, r, seed) for seed in seeds] for r in rates] for s in sizes])
        score, values, found = choose(table), tell(table), []
        for row in range(len(sizes)):
            k = int(score[0 if first else row].argmin())
            inside = 0 < k < len(rates) - 1 or not ends
            value = values[row, k]
            found.append(lost if not np.isfinite(value) else value if inside else np.nan)
        return np.array(found)

    return answer


def of_those_that_arrive(table):
    finite = np.isfinite(table)
    mean = np.where(finite, table, 0).sum(axis=2) / np.maximum(finite.sum(axis=2), 1)
    return np.where(finite.any(axis=2), mean, np.inf)


def luckiest(table):
    return table.min(axis=2)


def in_a_list(run, sizes, rates, seeds):
    found = []
    for size in sizes:
        steps = {rate: sum(run(size, rate, seed) for seed in seeds) / len(seeds) for rate in rates}
        rate = min(steps, key=steps.get)
        judged = rate not in (rates[0], rates[-1]) and steps[rate] < math.inf
        found.append(steps[rate] if judged else math.nan)
    return found


# ---- 17.5


def planned(fit, sizes=(1, 1 / 4, 1 / 16), rounds=8, times=1.0):
    r"""A forecast from some rounds of runs at shares of the largest size."""

    def answer(measure, budget, most, wanted):
        tried = np.array([int(most * share) for share in sizes])
        found, spent, dearest = [[] for _ in tried], 0, 0
        for _ in range(rounds):
            for record, size in zip(found, tried, strict=True):
                if spent + 1.3 * dearest <= budget:
                    steps = measure(int(size))
                    record.append(steps)
                    spent, dearest = spent + size * steps, max(dearest, size * steps)
        kept = [k for k, record in enumerate(found) if record]
        steps = fit(tried[kept], np.array([np.mean(found[k]) for k in kept]), most, wanted)
        return steps, times * steps * wanted

    return answer


def formula(sizes, steps, most, wanted):
    least, critical = relative(sizes, steps)
    return least * (1 + critical / wanted)


def blind(measure, budget, most, wanted):
    return 100.0, 100.0 * wanted


def beyond(measure, budget, most, wanted):
    steps = measure(wanted)
    return steps, steps * wanted


WRONG = {
    "17.1": [
        (wide_window, "without any noise"),
        (one_line_for_all, "without"),
        (first_below, "between two measurements"),
        (crossing, "one lucky measurement"),
        (last_above, "one unlucky measurement"),
        (at_the_end_of_the_window, "the middle of their steps"),
        (number_of_the_measurement, "number of a measurement"),
        (last_step_if_never, "it never arrives, which is inf"),
        (nearest, "single ones scatter"),
        (lambda steps, losses, target: print(end=""), "It returned None"),
        (lambda steps, losses, target: "soon", "should be a number, not a str"),
        (lambda steps, losses, target: np.inf, "that arrives at step"),
    ],
    "17.2": [
        (least_squares, "Which sizes does your fit trust most"),
        (of_the_examples, "Which sizes does your fit trust most"),
        (from_the_ends, "does not look at 5 of the 7 sizes"),
        (a_power_law, "where"),
        (lambda B, S: relative(B, S)[::-1], "S_min comes first"),
        (lambda B, S: (relative(B, S)[0], np.prod(relative(B, S))), "divide by S_min"),
        (lambda B, S: (relative(B, S)[0], 1 / relative(B, S)[1]), "its reciprocal"),
        (lambda B, S: relative(B, S)[0], "should return 2 values"),
        (lambda B, S: print(end=""), "It returned None"),
    ],
    "17.3": [
        (priced(lambda c, s, e, most: c), "prices move it"),
        (priced(lambda c, s, e, most: round(best(c, s, e, most))), "need not be whole"),
        (priced(lambda c, s, e, most: min(c * s / e, most)), "The root is missing"),
        (priced(lambda c, s, e, most: min((c * e / s) ** 0.5, most)), "prices are swapped"),
        (priced(lambda c, s, e, most: min((s / e) ** 0.5, most)), "B_c is missing"),
        (priced(lambda c, s, e, most: min((s / e / c) ** 0.5, most)), "divides by B_c"),
        (priced(lambda c, s, e, most: max((c * s / e) ** 0.5, 1)), "larger than `most`"),
        (priced(lambda c, s, e, most: min((c * s / e) ** 0.5, most)), "smaller than 1"),
        (priced(best, lambda m, c, B, s, e: m * (1 + c / B) * s), "leaves the examples out"),
        (priced(best, lambda m, c, B, s, e: m * (1 + c / B) * B * e), "leaves the steps' own"),
        (priced(best, lambda m, c, B, s, e: s + e * B), "that of one step"),
        (lambda *given: priced(best)(*given)[::-1], "the batch size comes first"),
        (lambda *given: print(end=""), "It returned None"),
    ],
    "17.4": [
        (suspect, "what the suspect returns"),
        (sweep(first=True), "best for the first size"),
        (sweep(tell=luckiest), "the luckiest"),
        (sweep(choose=luckiest), "by its luckiest run"),
        (sweep(choose=of_those_that_arrive, tell=of_those_that_arrive), "left out of the mean"),
        (sweep(ends=False), "at an end of the grid is taken"),
        (sweep(lost=np.inf), "inf stands where"),
        (
            sweep(
                choose=lambda table: np.median(table, axis=2),
                tell=lambda table: np.median(table, axis=2),
            ),
            "median over seeds",
        ),
        (lambda *given: print(end=""), "It returned None"),
    ],
    "17.5": [
        (planned(lambda B, S, most, wanted: S[0] / 4), "a quarter of the steps for granted"),
        (planned(lambda B, S, most, wanted: S[0]), "as many steps as with the largest"),
        (planned(lambda B, S, most, wanted: relative(B, S)[0]), "in the mean too few"),
        (planned(formula, sizes=(1 / 4, 1 / 16), rounds=6), "7 % is asked for"),
        (planned(formula, rounds=1), "7 % is asked for"),
        (planned(formula, times=1 / 4), "examples each are"),
        (lambda *given: planned(formula)(*given)[::-1], "the number of steps comes first"),
        (blind, "It never calls"),
        (beyond, "whole numbers up to 128"),
        (lambda *given: print(end=""), "It returned None"),
    ],
}

RIGHT = {
    "17.1": [smoothed, by_a_parabola, with_loops, falling],
    "17.2": [relative, by_logs],
    "17.3": [priced(best), by_a_grid],
    "17.4": [sweep(), in_a_list],
    "17.5": [planned(formula), planned(formula, sizes=(1, 1 / 8), rounds=20)],
}
