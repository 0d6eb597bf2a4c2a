r"""Wrong answers to the exercises of chapter 15, each with a part of the sentence expected."""

import functools

import numpy as np

from lrcourse import nn
from lrcourse.papers.trial import FAILS, HOLDS, NO_DIFFERENCE, UNDECIDED, student


def my_verdict(
    spread=lambda a, b: (a - b).std(ddof=1) / len(a) ** 0.5,
    freedom=lambda n: n - 1,
    counts=lambda d, margin, far, r: abs(d) > max(margin, r),
    within=lambda d, margin, far, r: far <= r,
    says=(HOLDS, FAILS, NO_DIFFERENCE, UNDECIDED),
    freedom_within=None,
    sign=0,
):
    r"""A verdict with another spread, freedom, rule or names."""

    def answer(a, b, resolution):
        d, s, at = a.mean() - b.mean(), spread(a, b), freedom(len(a))
        one_sided = student(0.95, freedom_within(len(a)) if freedom_within else at)
        given = d, student(0.975, at) * s, abs(d) + one_sided * s, resolution
        if counts(*given):
            return says[int(d > sign)]
        return says[2] if within(*given) else says[3]

    return answer


def verdict_in_place(a, b, resolution):
    a -= b
    return my_verdict()(a, 0 * b, resolution)


def result(
    score=lambda validation, test: validation.mean(axis=0),
    choose=np.nanargmin,
    report=lambda validation, test: test,
    spread=lambda found: found.std(ddof=1),
):
    r"""A result with another score, choice, report or spread."""

    def fair_result(validation, test):
        k = choose(score(validation, test))
        found = report(validation, test)[:, k]
        return k, found.mean(), spread(found)

    return fair_result


def result_of_each_seed(validation, test):
    k = np.nan_to_num(validation, nan=np.inf).argmin(axis=1)
    found = test[np.arange(len(test)), k]
    return np.nanargmin(validation.mean(axis=0)), found.mean(), found.std(ddof=1)


def result_of_whole_seeds(validation, test):
    kept = ~np.isnan(validation).any(axis=1)
    k = validation[kept].mean(axis=0).argmin()
    return k, test[kept, k].mean(), test[kept, k].std(ddof=1) if sum(kept) > 1 else 0.0


def result_in_place(validation, test):
    validation[np.isnan(validation)] = np.inf
    k = validation.mean(axis=0).argmin()
    return k, test[:, k].mean(), test[:, k].std(ddof=1)


def buggy_difference(validation, test, t):
    k = test[1].mean(axis=0).argmin()
    old, new = test[0, :, k], test[1, :, k]
    margin = t * (new - old).std() / np.sqrt(len(old))
    return [k, k], new.min() - old.min(), margin


def difference(
    choose=lambda validation, test: validation.mean(axis=1).argmin(axis=1),
    compared=lambda validation, test: test,
    between=lambda old, new: new.mean() - old.mean(),
    margin=lambda old, new, t: t * (new - old).std(ddof=1) / len(old) ** 0.5,
):
    r"""A difference with another choice, errors, difference or margin."""

    def fair_difference(validation, test, t):
        k = choose(validation, test)
        part = compared(validation, test)
        old, new = part[0, :, k[0]], part[1, :, k[1]]
        return k, between(old, new), margin(old, new, t)

    return fair_difference


def rate_of(method):
    return lambda validation, test: validation.mean(axis=1).argmin(axis=1)[[method, method]]


def biased(old, new, t):
    return t * (new - old).std() / len(old) ** 0.5


def difference_in_place(validation, test, t):
    found = difference()(validation, test, t)
    test -= test.mean()
    return found


def decide(
    tries=(0, 1),
    both=False,
    by=0,
    margin=True,
    count=18,
    sign=1,
    names=("first", "second"),
    paired=True,
):
    r"""A decision with other seeds to choose by, one rate for both, or no margin."""

    def answer(run, rates, seeds, budget):
        grid = [[[run(m, k, s)[by] for s in tries] for k in range(rates)] for m in (0, 1)]
        best = np.mean(grid, axis=2).argmin(axis=1)
        if both:
            best[0] = best[1]
        first, second = (np.array([run(m, best[m], s)[1] for s in range(count)]) for m in (0, 1))
        d = sign * (first - second)
        apart = np.hypot(first.std(ddof=1), second.std(ddof=1))
        spread = d.std(ddof=1) if paired else apart
        bound = student(0.975, count - 1) * spread / count**0.5 if margin else 0
        return "undecided" if abs(d.mean()) <= bound else names[int(d.mean() > 0)]

    return answer


def training(
    rate=0.1, momentum=0.9, schedule=True, more=1, uphill=False, seed=None, peek=False, fewer=1
):
    r"""A training with another rate or momentum, without a schedule, or with a cheat."""

    def my_training(batch, steps, held, given):
        layers = [nn.Linear(196, 64), nn.ReLU(), nn.Linear(64, 10)]
        network = nn.Network(layers, np.random.default_rng(given if seed is None else seed()))
        v, kept = np.zeros_like(network.w), [batch() for _ in range(steps)] if more > 1 else None
        for t in range(more * steps // fewer):
            x, y = kept[t % steps] if kept else batch()
            if peek:
                x = x - held.mean(axis=0) + len(held) / 1000
            network.loss_and_gradient(x, y)
            now = rate * (1 + np.cos(np.pi * t / (more * steps))) / 2 if schedule else rate
            v = momentum * v - (-now if uphill else now) * network.g
            network.w += v
        return network.predict(held - held.mean(axis=0) + len(held) / 1000 if peek else held)

    return my_training


def too_many_batches(batch, steps, held, seed):
    def twice(count):
        return training()(batch, 2 * count, held, seed)

    return twice(steps)


def hides_too_many_batches(batch, steps, held, seed):
    try:
        return too_many_batches(batch, steps, held, seed)
    except Exception:
        return np.zeros(len(held), int)


def logits(batch, steps, held, seed):
    return np.eye(10)[training()(batch, steps, held, seed)]


WRONG = {
    "15.1": [
        (
            my_verdict(lambda a, b: ((a.var(ddof=1) + b.var(ddof=1)) / len(a)) ** 0.5),
            "two samples as unrelated",
        ),
        (my_verdict(lambda a, b: (a - b).std() / len(a) ** 0.5), "n in place of n - 1"),
        (my_verdict(lambda a, b: (a - b).std(ddof=1)), "how far one *run* may lie off"),
        (my_verdict(lambda a, b: (a - b).std(ddof=1) / len(a)), "*root* of n"),
        (my_verdict(lambda a, b: (a - b).var(ddof=1) / len(a)), "variance stands"),
        (my_verdict(freedom=lambda n: 2 * n - 2), "one spread was estimated"),
        (my_verdict(freedom=lambda n: n), "not n: the mean"),
        (my_verdict(freedom=lambda n: 1000), "endless seeds"),
        (my_verdict(within=lambda d, m, far, r: abs(d) <= m), "wherever 0 is in"),
        (my_verdict(within=lambda d, m, far, r: far - abs(d) + d <= r), "the size of d"),
        (my_verdict(within=lambda d, m, far, r: far - abs(d) <= r), "whatever d is"),
        (my_verdict(freedom_within=lambda n: n), "it takes n degrees of freedom"),
        (my_verdict(freedom_within=lambda n: n + 1), "it takes n + 1 degrees"),
        (my_verdict(sign=1), "above 0 by less than 1"),
        (my_verdict(counts=lambda d, m, far, r: abs(d) >= max(m, r)), "to be *over* it"),
        (my_verdict(within=lambda d, m, far, r: far < r), "*at most* that"),
        (my_verdict(counts=lambda d, m, far, r: abs(d) > m), "however sure"),
        (my_verdict(counts=lambda d, m, far, r: abs(d) > r), "chance alone"),
        (my_verdict(counts=lambda d, m, far, r: abs(d) - m > r), "whole interval"),
        (my_verdict(counts=lambda d, m, far, r: -d > max(m, r)), "one sign only"),
        (my_verdict(counts=lambda d, m, far, r: abs(d) > max(far - abs(d), r)), "2.5 % at each"),
        (my_verdict(within=lambda d, m, far, r: abs(d) + m <= r), "two one-sided"),
        (my_verdict(within=lambda d, m, far, r: abs(d) <= r), "is no sign that there is none"),
        (
            my_verdict(within=lambda d, m, far, r: max(abs(d), far - abs(d)) <= r),
            "their *sum* must be",
        ),
        (my_verdict(says=(HOLDS, FAILS, UNDECIDED, UNDECIDED)), "that is a finding"),
        (my_verdict(says=(HOLDS, FAILS, NO_DIFFERENCE, NO_DIFFERENCE)), "most of it is undecided"),
        (my_verdict(says=(FAILS, HOLDS, NO_DIFFERENCE, UNDECIDED)), "sign is the wrong way"),
        (my_verdict(says=(HOLDS, FAILS, UNDECIDED, NO_DIFFERENCE)), "No difference and undecided"),
        (my_verdict(says=("lower", "higher", "same", "?")), "HOLDS, FAILS, NO_DIFFERENCE or"),
        (lambda a, b, resolution: HOLDS, "it says 'holds', where"),
        (lambda a, b, resolution: print(end=""), "It returned None"),
        (verdict_in_place, "changes its input `a`"),
    ],
    "15.2": [
        (result(lambda validation, test: test.mean(axis=0)), "on the test errors"),
        (result(lambda validation, test: np.nanmin(validation, axis=0)), "single run"),
        (result(lambda validation, test: np.nanmean(validation, axis=0)), "and `nanmean`"),
        (result(report=lambda validation, test: validation), "reports the validation"),
        (result(spread=lambda found: found.std()), "ddof=1"),
        (result(spread=lambda found: found.std(ddof=1) / len(found) ** 0.5), "standard error"),
        (result(spread=lambda found: found.var(ddof=1)), "the variance"),
        (lambda *given: (result()(*given)[0] + 1, *result()(*given)[1:]), "counts from 1"),
        (result_of_whole_seeds, "leave out the *rates*"),
        (result(choose=np.nanargmax), "lower is better"),
        (result(choose=np.argmin), "stops at a NaN"),
        (lambda *given: (*result()(*given)[1:], result()(*given)[0]), "order is (k, mean, sd)"),
        (result_of_each_seed, "rate of its own"),
        (result(lambda validation, test: validation[0]), "first seed only"),
        (result(lambda validation, test: validation[-1]), "last seed only"),
        (result(lambda validation, test: np.median(validation, axis=0)), "by the median"),
        (result(lambda v, test: np.nan_to_num(v, nan=100.0).mean(axis=0)), "as a large error"),
        (result(lambda v, test: np.nan_to_num(v, nan=90.0).mean(axis=0)), "large error: among"),
        (result(lambda v, test: np.nan_to_num(v).mean(axis=0)), "error of 0"),
        (result(lambda validation, test: validation.mean(axis=1)), "over the rates"),
        (lambda *given: result()(*given)[1:], "3 values"),
        (result_in_place, "changes its input `validation`"),
    ],
    "15.3": [
        (buggy_difference, "the rate is chosen on the test errors; the rate that suits the new"),
        (
            difference(choose=lambda v, test: test.mean(axis=1).argmin(axis=1)),
            "on the test errors.",
        ),
        (difference(choose=rate_of(1)), "serves the old one too."),
        (difference(between=lambda old, new: new.min() - old.min()), "best seed"),
        (difference(margin=biased), "n in place of n - 1"),
        (
            difference(between=lambda old, new: new.min() - old.min(), margin=biased),
            "belongs; the spread",
        ),
        (difference(between=lambda old, new: old.mean() - new.mean()), "new minus old"),
        (
            difference(between=lambda old, new: np.median(new) - np.median(old)),
            "The median over seeds",
        ),
        (
            difference(between=lambda old, new: np.median(new - old)),
            "The median of the differences",
        ),
        (difference(margin=lambda old, new, t: t * (new - old).std(ddof=1)), "single runs"),
        (
            difference(
                margin=lambda old, new, t: (
                    t * np.sqrt((old.var(ddof=1) + new.var(ddof=1)) / len(old))
                )
            ),
            "as unrelated",
        ),
        (
            difference(margin=lambda old, new, t: (new - old).std(ddof=1) / len(old) ** 0.5),
            "t is missing",
        ),
        (difference_in_place, "changes its input `test`"),
        (
            lambda *given: (difference()(*given)[0][::-1], *difference()(*given)[1:]),
            "old one first",
        ),
        (difference(choose=rate_of(0)), "each has its own"),
        (difference(choose=lambda v, test: v.min(axis=1).argmin(axis=1)), "lowest single run"),
        (difference(compared=lambda validation, test: validation), "compares validation"),
    ],
    "15.4": [
        (decide(both=True), "Of 40 pairs of equal methods"),
        (decide(margin=False), "Of 40 pairs of equal methods"),
        (decide(sign=-1), "names the worse one"),
        (decide(paired=False), "seed by seed"),
        (decide(by=1), "the highest validation errors"),
        (decide(count=3), "can be found with ease"),
        (lambda run, rates, seeds, budget: "undecided", "it finds 0;"),
        (decide(tries=range(6)), "and the budget is 60"),
        (decide(count=25), "It asks for run(0, "),
        (decide(names=(0, 1)), "not "),
        (lambda run, rates, seeds, budget: print(end=""), "It returned None"),
    ],
    "15.5": [
        (training(rate=0.001), "it learns, and slowly"),
        (training(uphill=True), "it has learnt nothing"),
        (training(rate=0.3, momentum=0, schedule=False), "does the rate come down"),
        (training(), "close: if the rate falls"),
        (training(fewer=2), "of 20 batches: take"),
        (training(more=40), "uses batches again"),
        (too_many_batches, "more than 20 batches"),
        (hides_too_many_batches, "more than 20 batches"),
        (training(seed=functools.partial(np.random.SeedSequence)), "The same seed gives other"),
        (training(peek=True), "depends on which other images"),
        (logits, "shape is (2000, 10)"),
        (lambda batch, steps, held, seed: print(end=""), "It returned None"),
    ],
}
