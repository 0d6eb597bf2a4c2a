r"""Wrong answers to the exercises of chapter 15, each with a part of the sentence expected."""

import numpy as np


def margin(
    ddof=1,
    of_a=lambda var, n: var / n,
    of_b=lambda var, n: var / n,
    sum_up=lambda a, b, t: t * np.sqrt(a + b),
):
    r"""A margin with another variance, another share of each sample, or another sum."""

    def answer(a, b, t):
        return sum_up(of_a(a.var(ddof=ddof), len(a)), of_b(b.var(ddof=ddof), len(b)), t)

    return answer


def margin_of_all(a, b, t):
    both = np.concatenate([a, b])
    return t * both.std(ddof=1) / np.sqrt(len(both))


def margin_by_first(a, b, t):
    return t * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))


def margin_by_all(a, b, t):
    return t * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / (len(a) + len(b)))


def margin_in_place(a, b, t):
    a -= a.mean()
    b -= b.mean()
    n, m = len(a), len(b)
    return t * np.sqrt((a**2).sum() / (n - 1) / n + (b**2).sum() / (m - 1) / m)


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


def result_in_place(validation, test):
    validation[np.isnan(validation)] = np.inf
    k = validation.mean(axis=0).argmin()
    return k, test[:, k].mean(), test[:, k].std(ddof=1)


def buggy_difference(validation, test, t):
    k = test[1].mean(axis=0).argmin()
    old, new = test[0, :, k], test[1, :, k]
    margin = t * np.sqrt((old.var() + new.var()) / len(old))
    return [k, k], new.min() - old.min(), margin


def difference(
    choose=lambda validation, test: validation.mean(axis=1).argmin(axis=1),
    compared=lambda validation, test: test,
    between=lambda old, new: new.mean() - old.mean(),
    margin=lambda old, new, t: t * np.sqrt((old.var(ddof=1) + new.var(ddof=1)) / len(old)),
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


WRONG = {
    "15.1": [
        (margin(ddof=0), "n in place of n - 1"),
        (margin(of_a=lambda var, n: var, of_b=lambda var, n: var), "not divided"),
        (margin(sum_up=lambda a, b, t: t * (np.sqrt(a) + np.sqrt(b))), "errors are added"),
        (margin(sum_up=lambda a, b, t: np.sqrt(a + b)), "t is missing"),
        (margin(sum_up=lambda a, b, t: t * (a + b)), "root is missing"),
        (margin(sum_up=lambda a, b, t: np.sqrt(t * (a + b))), "outside of the root"),
        (margin(of_b=lambda var, n: 0), "first sample"),
        (margin(of_a=lambda v, n: v / n**2, of_b=lambda v, n: v / n**2), "square of its n"),
        (margin_by_first, "number of the first"),
        (margin_by_all, "number of all runs"),
        (margin_of_all, "thrown together"),
        (margin(of_a=lambda v, n: v**0.5 / n, of_b=lambda v, n: v**0.5 / n), "square them"),
        (margin_in_place, "changes its input `a`"),
    ],
    "15.2": [
        (result(lambda validation, test: test.mean(axis=0)), "on the test errors"),
        (result(lambda validation, test: np.nanmin(validation, axis=0)), "single run"),
        (result(lambda validation, test: np.nanmean(validation, axis=0)), "and `nanmean`"),
        (result(report=lambda validation, test: validation), "reports the validation"),
        (result(spread=lambda found: found.std()), "ddof=1"),
        (result(spread=lambda found: found.std(ddof=1) / len(found) ** 0.5), "standard error"),
        (result(choose=np.nanargmax), "lower is better"),
        (result(choose=np.argmin), "stops at a NaN"),
        (lambda *given: (*result()(*given)[1:], result()(*given)[0]), "order is (k, mean, sd)"),
        (result_of_each_seed, "rate of its own"),
        (result(lambda validation, test: validation[0]), "first seed only"),
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
        (
            difference(margin=lambda old, new, t: t * np.sqrt((old.var() + new.var()) / len(old))),
            "n in place of n - 1",
        ),
        (
            difference(
                between=lambda old, new: new.min() - old.min(),
                margin=lambda old, new, t: t * np.sqrt((old.var() + new.var()) / len(old)),
            ),
            "belongs; the variance",
        ),
        (difference(between=lambda old, new: old.mean() - new.mean()), "new minus old"),
        (
            difference(margin=lambda old, new, t: t * np.sqrt(old.var(ddof=1) + new.var(ddof=1))),
            "single runs",
        ),
        (
            difference(
                margin=lambda old, new, t: np.sqrt((old.var(ddof=1) + new.var(ddof=1)) / len(old))
            ),
            "t is missing",
        ),
        (difference(choose=rate_of(0)), "each has its own"),
        (difference(choose=lambda v, test: v.min(axis=1).argmin(axis=1)), "lowest single run"),
        (difference(compared=lambda validation, test: validation), "compares validation"),
    ],
}
