r"""Wrong answers to the exercises of chapter 19, each with a part of the sentence expected."""

import numpy as np


def mean(share=lambda t, d: 1 / t if d == 1 else (1 - d) / (1 - d**t), old=lambda s: 1 - s):
    r"""A mean with another share of the newest, or another share of the old mean."""
    return lambda mean, w, t, decay: old(share(t, decay)) * mean + share(t, decay) * w


def mean_in_place(mean, w, t, decay):
    mean += (1 / t if decay == 1 else (1 - decay) / (1 - decay**t)) * (w - mean)
    return mean


def mean_by_loop(mean, w, t, decay):
    total = sum(decay**age for age in range(t))
    return [float(m + (v - m) / total) for m, v in zip(mean, w, strict=True)]


def corrected_twice(mean, w, t, decay):
    if decay == 1:
        return mean + (w - mean) / t
    return (decay * mean + (1 - decay) * w) / (1 - decay**t)


def total_of(t, decay):
    return t if decay == 1 else (1 - decay**t) / (1 - decay)


def free(
    z_of=lambda z, x, g, rate, beta: z - rate * g,
    total_of=lambda total, rate: total + rate**2,
    share=lambda total, new, rate: rate**2 / (new + (new == 0)),
    takes=lambda old, new: new,
    y_of=lambda x, z, beta, old_x: beta * x + (1 - beta) * z,
):
    r"""A schedule-free step with another z, total, share or y."""

    def schedule_free_step(z, x, total, g, learning_rate, beta=0.9):
        new = z_of(z, x, g, learning_rate, beta)
        after = total_of(total, learning_rate)
        x_new = x + share(total, after, learning_rate) * (takes(z, new) - x)
        return new, x_new, after, y_of(x_new, new, beta, x)

    return schedule_free_step


def free_in_place(z, x, total, g, learning_rate, beta=0.9):
    z -= learning_rate * g
    return free()(z + learning_rate * g, x, total, g, learning_rate, beta)


def free_divides(z, x, total, g, learning_rate, beta=0.9):
    new = np.float64(total + learning_rate**2)
    z = z - learning_rate * g
    x = x + learning_rate**2 / new * (z - x)
    return z, x, new, beta * x + (1 - beta) * z


def free_if(z, x, total, g, learning_rate, beta=0.9):
    z = z - learning_rate * g
    total = total + learning_rate * learning_rate
    share = np.where(total > 0, learning_rate**2 / np.where(total > 0, total, 1), 0)
    x = (1 - share) * x + share * z
    return [z, x, total, x + (1 - beta) * (z - x)]


def free_of_one_run(z, x, total, g, learning_rate, beta=0.9):
    if learning_rate == 0:
        return z, x, total, beta * x + (1 - beta) * z
    return free()(z, x, total, g, learning_rate, beta)


def free_from_y(z, x, total, g, learning_rate, beta=0.9):
    return free(z_of=lambda z, x, g, rate, beta: beta * x + (1 - beta) * z - rate * g)(
        z, x, total, g, learning_rate, beta
    )


def free_late(z, x, total, g, learning_rate, beta=0.9):
    return *free()(z, x, total, g, learning_rate, beta)[:3], beta * x + (1 - beta) * z


def free_in_another_order(*given):
    z, x, total, y = free()(*given)
    return x, z, total, y


def free_nan_of_one(z, x, total, g, learning_rate, beta=0.9):
    after = total + learning_rate**2
    return free(share=lambda old, new, rate: rate**2 / (new if np.any(after) else 1))(
        z, x, total, g, learning_rate, beta
    )


def training(
    y_of=lambda x, z, beta: beta * x + (1 - beta) * z,
    judged="x",
    measured="x",
    kept=np.copy,
    statistics_kept=True,
    better=lambda found, lowest: found < lowest,
    share=lambda rate, total, t: rate**2 / total,
    in_place=False,
):
    r"""A training without a schedule that keeps other things, or steps in another way."""

    def free_training(gradient, statistics, error, w, rates, every, beta=0.9):
        z, x, total, lowest = w.copy(), w.copy(), 0.0, np.inf
        if in_place:
            z = w
        for t, rate in enumerate(rates, start=1):
            y = y_of(x, z, beta)
            z -= rate * gradient(y)
            total += rate**2
            x += share(rate, total, t) * (z - x)
            if t % every == 0:
                place = {"x": x, "y": y, "z": z}
                found_there = statistics(place[measured])
                found = error(place[judged], found_there)
                if better(found, lowest):
                    lowest, best, stats = found, kept(place[judged]), found_there
                last = statistics(x)
        return best, stats if statistics_kept else last

    return free_training


def suspicious_training(gradient, statistics, error, w, rates, every, beta=0.9):
    swapped = dict(y_of=lambda x, z, beta: (1 - beta) * x + beta * z)
    return training(**swapped, measured="y", kept=lambda x: x)(
        gradient, statistics, error, w, rates, every, beta
    )


def training_of_one_point(gradient, statistics, error, w, rates, every, beta=0.9):
    gradient(w)
    return training()(gradient, statistics, error, w, rates, every, beta)


def decades(points=49, halvings=8, of=lambda found, low, high: found, slack_of=lambda s, low: s):
    r"""Decades by a grid and by halving its gaps, with another end."""

    def forgiven(run, low, high, slack):
        places = np.linspace(np.log10(low), np.log10(high), points)
        errors = np.array([run(10**place) for place in places])
        enough = errors.min() + slack_of(slack, errors.min())
        good, ends = np.flatnonzero(errors <= enough), []
        for inside, outside in ((good[0], good[0] - 1), (good[-1], good[-1] + 1)):
            inner, outer = places[inside], places[np.clip(outside, 0, points - 1)]
            for _ in range(halvings):
                middle = (inner + outer) / 2
                inner, outer = (middle, outer) if run(10**middle) <= enough else (inner, middle)
            ends.append(inner)
        return of(ends[1] - ends[0], low, high)

    return forgiven


def decades_by_counting(run, low, high, slack):
    places = np.linspace(np.log10(low), np.log10(high), 80)
    errors = [run(float(10**place)) for place in places]
    good = [k for k, error in enumerate(errors) if error <= min(errors) + slack]
    return np.float32((len(good) - 0.5) * (places[1] - places[0]))


def linear_grid(run, low, high, slack):
    guesses = np.linspace(low, high, 70)
    errors = np.array([run(guess) for guess in guesses])
    good = guesses[errors <= errors.min() + slack]
    return np.log10(good[-1] / good[0])


WRONG = {
    "19.1": [
        (mean(lambda t, d: 1 - d if d < 1 else 1 / t), "not made to sum to 1"),
        (mean(lambda t, d: 1 / t), "whatever the decay"),
        (mean(lambda t, d: 1 / total_of(t, d) if d < 1 else 1), "it returns w alone"),
        (mean(lambda t, d: 1 / total_of(t + 1, d)), "one step too many"),
        (mean(lambda t, d: 1 - 1 / total_of(t, d)), "exchanged"),
        (lambda mean, w, t, d: (d * mean + w) / total_of(t, d), "a mean already"),
        (mean(old=lambda share: 1), "not multiplied by what is left"),
        (lambda mean, w, t, d: d * mean + w, "is a sum"),
        (corrected_twice, "corrected already"),
        (mean(lambda t, d: (1 - d) / (1 - d**t) if d < 1 else np.nan), "0 / 0 there"),
        (mean_in_place, "its input `mean`"),
    ],
    "19.2": [
        (free(z_of=lambda z, x, g, rate, beta: z + rate * g), "uphill"),
        (free(z_of=lambda z, x, g, rate, beta: z - g), "rate is missing"),
        (free(z_of=lambda z, x, g, rate, beta: x - rate * g), "starts at x"),
        (free(z_of=lambda z, x, g, rate, beta: z - (1 - beta) * rate * g), "(1 - beta) of"),
        (free(total_of=lambda total, rate: total), "still the old one"),
        (free(total_of=lambda total, rate: total + rate), "adds up rates"),
        (free(total_of=lambda total, rate: total + 1), "counts steps"),
        (free(total_of=lambda total, rate: rate**2), "only this rate's"),
        (free(takes=lambda old, new: old), "old z"),
        (free(share=lambda total, new, rate: rate / (total + rate)), "with their squares"),
        (free(share=lambda total, new, rate: rate**2 / (total or 1)), "old total"),
        (free(share=lambda total, new, rate: 1), "x is z"),
        (free(share=lambda total, new, rate: 0), "x is still"),
        (free(share=lambda total, new, rate: 0.1), "mean with beta"),
        (free(y_of=lambda x, z, beta, old: (1 - beta) * x + beta * z), "exchanged"),
        (free(y_of=lambda x, z, beta, old: beta * old + (1 - beta) * z), "old x"),
        (free(y_of=lambda x, z, beta, old: x), "y is x"),
        (free(y_of=lambda x, z, beta, old: z), "y is z"),
        (free_divides, "gives nan"),
        (free_in_place, "changes its input `z`"),
        (free_of_one_run, "row by row"),
        (free_nan_of_one, "whose first rate is 0"),
        (free_from_y, "only the gradient is taken there"),
        (free_late, "step first, then make y"),
        (free_in_another_order, "exchanged in the tuple"),
        (lambda *given: free()(*given)[1:], "4 values"),
    ],
    "19.3": [
        (suspicious_training, "near z"),
        (suspicious_training, "still change"),
        (training(y_of=lambda x, z, beta: (1 - beta) * x + beta * z), "near z"),
        (training(measured="y"), "statistics are those of y"),
        (training(measured="z"), "statistics are those of z"),
        (training(kept=lambda x: x), "is the array `x` itself"),
        (training(judged="y", measured="y"), "returns y"),
        (training(judged="z", measured="z"), "returns z"),
        (training(better=lambda found, lowest: True), "not the best"),
        (training(share=lambda rate, total, t: 1 / t), "plain mean"),
        (training(statistics_kept=False), "of the last x"),
        (training_of_one_point, "as many gradients"),
        (training(in_place=True), "changes its input `w`"),
    ],
    "19.4": [
        (lambda: ("schedule-free", 2.0), "too large for this network"),
        (lambda: ("cosine", 1 / 64), "plans its end"),
        (lambda: ("line", 1 / 64), "plans its end"),
        (lambda: ("constant", 1 / 64), "more than one seed"),
        (lambda: ("EMA", 1 / 8), "too large for this network"),
        (lambda: ("schedule-free", 1 / 16), "a factor of 2 apart"),
        (lambda: ("Adam", 0.001), "should be one of"),
        (lambda: ("EMA", 0), "a rate above 0"),
        (lambda: "EMA", "2 values"),
    ],
    "19.5": [
        (decades(halvings=0, points=9), "where"),
        (decades(of=lambda found, low, high: found * np.log(10)), "powers of e"),
        (decades(of=lambda found, low, high: 10**found), "factor itself"),
        (decades(of=lambda found, low, high: np.log10(high / low) - found), "not near enough"),
        (decades(points=100), "more than 80"),
        (decades(slack_of=lambda slack, low: 0), "where"),
        (linear_grid, "in their logarithm"),
        (lambda run, low, high, slack: 7.0, "in their logarithm"),
        (lambda *given: decades_by_counting(*given) * np.log(10), "powers of e"),
        (lambda *given: decades_by_counting(*given) * 10, "not guesses"),
        (lambda run, low, high, slack: np.log10(high / low), "the whole range"),
        (decades(halvings=0, points=20), "narrow both ends"),
        (lambda run, low, high, slack: run(low) > 1e9 or None, "None"),
    ],
}

RIGHT = {
    "19.1": [
        mean(),
        mean_by_loop,
        lambda mean, w, t, d: np.float32((mean * (total_of(t, d) - 1) + w) / total_of(t, d)),
    ],
    "19.2": [free(), free_if],
    "19.3": [training(), training(kept=lambda x: list(map(float, x)))],
    "19.4": [
        lambda: ("schedule-free", 0.25),
        lambda: ["EMA", np.float64(1 / 64)],
        lambda: ("schedule-free", 0.5),
    ],
    "19.5": [decades(), decades_by_counting],
}
