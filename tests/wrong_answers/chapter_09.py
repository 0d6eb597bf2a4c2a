r"""Wrong answers to the exercises of chapter 09, each with a part of the sentence expected."""

import numpy as np


def step(
    velocity=lambda v, g, rate, momentum: momentum * v - rate * g,
    move=lambda w, old, new, g, rate, momentum: w + new,
):
    r"""A momentum step with another velocity or another move."""

    def momentum_step(w, v, g, learning_rate, momentum):
        new = velocity(v, g, learning_rate, momentum)
        return move(w, v, new, g, learning_rate, momentum), new

    return momentum_step


def step_in_place(w, v, g, learning_rate, momentum):
    v *= momentum
    v -= learning_rate * g
    w += v
    return w, v


def factor_of(choose, a=lambda curvature, rate: curvature * rate, sign=-1):
    r"""A number chosen from the eigenvalues of the matrix of a step, or of another matrix."""

    def factor(curvature, learning_rate, momentum):
        product = a(curvature, learning_rate)
        matrix = [[1 - product, momentum], [sign * product, momentum]]
        return choose(np.linalg.eigvals(matrix))

    return factor


def largest(values):
    return abs(values).max()


def largest_singular_value(curvature, learning_rate, momentum):
    a = curvature * learning_rate
    return np.linalg.norm([[1 - a, momentum], [-a, momentum]], ord=2)


def whichever_is_larger(curvature, learning_rate, momentum):
    return max(abs(1 - learning_rate * curvature), momentum**0.5)


def matrix(rows):
    r"""The spectral radius of another matrix."""

    def factor(curvature, learning_rate, momentum):
        return largest(np.linalg.eigvals(rows(curvature * learning_rate, momentum)))

    return factor


RATES, MOMENTA = np.geomspace(0.003, 10, 40), np.linspace(0, 0.96, 14)


def tune(
    rates=RATES,
    momenta=MOMENTA,
    choose=lambda losses: np.unravel_index(np.nanargmin(losses), losses.shape),
    give=lambda rate, momentum: (rate, momentum),
):
    r"""A grid search over other places, or with another choice."""

    def tune(run):
        losses = np.array([[run(r, m) for m in momenta] for r in rates])
        row, column = choose(losses)
        return give(rates[row], momenta[column])

    return tune


def first_nan(losses):
    return np.unravel_index(np.argmin(losses), losses.shape)


def tune_too_often(run):
    for _ in range(601):
        run(0.1, 0.5)
    return 0.1, 0.5


def roll(inside=False, mean=False, one_array=False, ahead=False, rows=slice(None)):
    r"""Torch's momentum with some of the bugs, or a rule near it."""

    def roll(gradient, w, rates, momentum):
        w = w.copy()
        v, path = 0 * w, [w]
        for rate in rates:
            push = gradient(w) * (rate if inside else 1) * (1 - momentum if mean else 1)
            v = momentum * v + push
            step = push + momentum * v if ahead else v
            step = step if inside else rate * step
            if one_array:
                w -= step
            else:
                w = w - step
            path.append(w)
        return np.array(path)[rows]

    return roll


def roll_in_place(gradient, w, rates, momentum):
    v, path = 0 * w, [w.copy()]
    for rate in rates:
        v = momentum * v + gradient(w)
        w -= rate * v
        path.append(w.copy())
    return np.array(path)


def radius(matrix):
    return abs(np.linalg.eigvals(matrix)).max()


def rolled(gradient, w, rates, momentum):
    velocity, path = np.zeros_like(w), [w]
    for rate in rates:
        velocity = momentum * velocity + gradient(w)
        w = w - rate * velocity
        path.append(w)
    return np.array(path)


WRONG = {
    "09.1": [
        (lambda *given: step()(*given)[::-1], "other way round"),
        (step(move=lambda w, old, new, g, rate, momentum: w + old), "old velocity"),
        (step(lambda v, g, rate, momentum: momentum * v + rate * g), "uphill"),
        (step(move=lambda w, old, new, g, rate, momentum: w - new), "add it to w"),
        (step(lambda v, g, rate, mu: mu * v - (1 - mu) * rate * g), "is a mean"),
        (
            step(
                lambda v, g, rate, momentum: momentum * v + g,
                lambda w, old, new, g, rate, momentum: w - rate * new,
            ),
            "torch's convention",
        ),
        (step(move=lambda w, old, new, g, rate, momentum: w + rate * new), "twice"),
        (step(lambda v, g, rate, momentum: v - rate * g), "not multiplied"),
        (
            step(lambda v, g, rate, momentum: (1 - momentum) * v - rate * g),
            "the share 1 - momentum",
        ),
        (step(lambda v, g, rate, momentum: rate * v - momentum * g), "changed places"),
        (lambda w, v, *given: (step()(w, v, *given)[0], v), "still the old one"),
        (step(lambda v, g, rate, momentum: v - rate * momentum * g), "instead of the old"),
        (step(lambda v, g, rate, momentum: -rate * g), "plain step"),
        (step(move=lambda w, old, new, g, rate, mu: w + mu * new - rate * g), "look-ahead"),
        (lambda *given: step()(*given)[0], "returned one array"),
        (step(lambda v, g, rate, momentum: momentum * (v - rate * g)), "only the old velocity"),
        (step(lambda v, g, rate, momentum: 0.9 * v - rate * g), "always 0.9"),
        (step_in_place, "`w += ...`"),
        (
            lambda w, v, g, rate, momentum: (
                w - momentum * v - rate * g,
                momentum * v + rate * g,
            ),
            "points uphill",
        ),
        (
            lambda w, v, g, rate, momentum: (w + v - rate * g, momentum * v - rate * g),
            "the old velocity whole",
        ),
        (
            lambda w, v, g, rate, momentum: (w + momentum * v - rate * g, momentum * v),
            "lacks the slope",
        ),
    ],
    "09.2": [
        (factor_of(lambda values: abs(values).min()), "the smaller"),
        (factor_of(lambda values: abs(values.real).max()), "real part"),
        (factor_of(lambda values: abs(values).sum()), "adds both sizes"),
        (factor_of(lambda values: 2 * abs(values).max()), "twice the larger"),
        (factor_of(lambda values: abs(values.prod())), "determinant"),
        (factor_of(largest, lambda curvature, rate: rate), "curvature is missing"),
        (factor_of(largest, lambda curvature, rate: curvature), "rate is missing"),
        (factor_of(largest, sign=1), "lower row"),
        (largest_singular_value, "singular values"),
        (lambda curvature, rate, momentum: abs(1 - rate * curvature), "without momentum"),
        (lambda curvature, rate, momentum: momentum**0.5, "root of the momentum"),
        (whichever_is_larger, "whichever is larger"),
        (matrix(lambda a, mu: [[1, 1], [-a, mu]]), "old velocity"),
        (matrix(lambda a, mu: [[1, mu], [-a, mu]]), "lacks the slope"),
        (lambda c, r, m: radius([[1 - c * r, m], [-c, m]]), "missing in the lower row"),
    ],
    "09.3": [
        (tune(give=lambda rate, momentum: (momentum, rate)), "other way round"),
        (tune(give=lambda rate, momentum: rate), "two numbers"),
        (tune(momenta=[0.0]), "The momentum is 0"),
        (tune(momenta=[0.9]), "no rate makes up"),
        (tune(rates=[0.01], momenta=[0.5]), "rate is off"),
        (tune(momenta=[0.5, 1.2], choose=lambda losses: (0, 1)), "below 1"),
        (tune(choose=lambda losses: (39, 5)), "diverges"),
        (tune(rates=np.geomspace(1e-3, 1e8, 40), choose=first_nan), "diverges"),
        (lambda run: (4 / 121, 81 / 121), "no rate makes up"),
        (tune_too_often, "601 times"),
    ],
    "09.4": [
        (lambda momentum: 2 * (1 + momentum), "momentum's edge"),
        (lambda momentum: 2.0, "without momentum"),
        (lambda momentum: 2 * (1 + momentum) / 3, "mu v"),
        (
            lambda momentum: 2 * (1 + momentum) / (1 + 2 * momentum) / (1 - momentum),
            "effective rate",
        ),
        (lambda momentum: 1.0, "one step leads"),
        (lambda momentum: (1 + momentum) ** 2, "At momentum 0.2"),
        (lambda momentum: 1.36 if momentum else 2.0, "above 1.36 shrinks"),
    ],
    "09.5": [
        (roll(True, True, True), "Every row is the last w"),
        (roll(True, True, True), "a mean"),
        (roll(True, True), "the rate is inside"),
        (roll(inside=True, one_array=True), "the rate is inside"),
        (roll(inside=True), "The rate is inside"),
        (roll(mean=True), "The velocity is a mean"),
        (roll(one_array=True), "Every row is the last w"),
        (roll(ahead=True), "Nesterov"),
        (roll(rows=slice(1, None)), "start is missing"),
        (roll(rows=slice(0, -1)), "last step is missing"),
        (roll(rows=-1), "only the last w"),
        (roll_in_place, "changes its input `w`"),
        (lambda g, w, rates, m: rolled(g, w, [rates[0]] * len(rates), m), "have the first rate"),
        (lambda g, w, rates, m: rolled(g, w, rates, 0), "plain descent"),
        (lambda g, w, rates, m: rolled(g, w, [-rate for rate in rates], m), "uphill"),
    ],
}
