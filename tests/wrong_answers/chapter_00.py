r"""Answers to the exercises of chapter 00: wrong ones, each with a part of the sentence expected.

RIGHT holds right ones in other styles than the worked solution's.
"""

import numpy as np


def step_in_place(w, gradient, learning_rate):
    w -= learning_rate * gradient
    return w


def descend(gradient_of, extra=0, sign=1):
    r"""A loop whose gradient is 4 * gradient_of(start, w), with some steps more or less."""

    def descend(w, learning_rate, steps):
        start = w
        for _ in range(max(steps + extra, 0)):
            w = w - sign * learning_rate * 4 * gradient_of(start, w)
        return w

    return descend


def descend_once(w, learning_rate, steps):
    for _ in range(steps):
        return w - learning_rate * 4 * w
    return w


def descend_late(w, learning_rate, steps):
    gradient = 4 * w
    for _ in range(steps):
        w, gradient = w - learning_rate * gradient, 4 * w
    return w


def count_from_one_gradient(w, learning_rate, threshold, limit):
    gradient = 4 * w
    for number in range(limit):
        if 2 * w**2 < threshold:
            return number
        w = w - learning_rate * gradient
    return limit


def count(below, first=0, last=0, moves=True):
    r"""A count that stops where below(w, threshold), with the first and last count changed."""

    def steps_needed(w, learning_rate, threshold, limit):
        for number in range(limit):
            if below(w, threshold):
                return number + first
            if moves:
                w = w - learning_rate * 4 * w
        return limit + last

    return steps_needed


def count_after_the_step(w, learning_rate, threshold, limit):
    for number in range(1, limit + 1):
        w = w - learning_rate * 4 * w
        if 2 * w**2 < threshold:
            return number
    return limit


def count_without_a_limit(w, learning_rate, threshold, limit):
    number = 0
    while 2 * w * w >= threshold:
        w, number = w - learning_rate * 4 * w, number + 1
    return number


def descend_along(move):
    r"""A loop that lets move(w, learning_rate) take each step."""

    def descend(w, learning_rate, steps):
        for _ in range(steps):
            w = move(w, learning_rate)
        return w

    return descend


def right(w, threshold):
    return 2 * w**2 < threshold


WRONG = {
    "00.1": [
        (lambda w, gradient, learning_rate: w + learning_rate * gradient, "uphill"),
        (lambda w, gradient, learning_rate: w - gradient, "learning rate is missing"),
        (lambda w, gradient, learning_rate: learning_rate * gradient, "how far to go"),
        (lambda w, gradient, learning_rate: -learning_rate * gradient, "the change of w"),
        (lambda w, gradient, learning_rate: w - gradient / learning_rate, "divides"),
        (lambda w, gradient, learning_rate: w, "returned w as it was"),
        (step_in_place, "changes its input `w`"),
        (lambda w, gradient: w - 0.1 * gradient, "Keep the arguments"),
        (lambda w, gradient, learning_rate: (w - gradient) * learning_rate, "multiplies w by"),
        (lambda w, gradient, learning_rate: w - learning_rate * w, "share of w"),
        (lambda w, gradient, learning_rate: w - learning_rate, "gradient is missing"),
        (lambda w, gradient, learning_rate: learning_rate * gradient - w, "takes w from the step"),
        (lambda w, gradient, learning_rate: gradient - learning_rate * w, "each other's place"),
        (lambda w, gradient, learning_rate: (w - learning_rate) * gradient, "brackets"),
        (lambda w, gradient, learning_rate: w - learning_rate * 4 * w, "of its own"),
        (lambda w, gradient, learning_rate: w - 0.1 * gradient, "whatever `learning_rate` is"),
        (lambda w, gradient, learning_rate: w - learning_rate * abs(gradient), "is expected"),
        (lambda w, gradient, learning_rate: w - learning_rate * np.sign(gradient), "is expected"),
    ],
    "00.2": [
        (descend(lambda start, w: start), "gradient of the start"),
        (descend(lambda start, w: w, sign=-1), "uphill"),
        (descend(lambda start, w: w, extra=1), "one step too many"),
        (descend(lambda start, w: w, extra=-1), "one step too few"),
        (lambda w, rate, steps: w * (1 - 4 * rate) ** max(steps - 1, 1), "one step too few"),
        (lambda w, rate, steps: w * (1 - 4 * rate) ** max(steps, 1), "a step all the same"),
        (descend_along(lambda w, rate: max(w - rate * 4 * w, 0)), "do not stop w there"),
        (descend_along(lambda w, rate: abs(w - rate * 4 * w)), "do not take its size"),
        (descend_along(lambda w, rate: w - rate * 2 * w), "The slope is 2 w"),
        (descend_along(lambda w, rate: w - rate * 2 * w**2), "loss in place of its slope"),
        (descend_along(lambda w, rate: w - 4 * w), "learning rate is missing"),
        (descend_once, "return after the loop"),
        (lambda w, rate, steps: w * (1 - 4 * rate) ** 20, "20 steps, whatever"),
        (lambda w, rate, steps: w * 0.6**steps, "rate 0.1 whatever"),
        (lambda w, rate, steps: (1 - 4 * rate) ** steps, "begins at 1"),
        (lambda w, rate, steps: 2 * (w * (1 - 4 * rate) ** steps) ** 2, "returned the loss"),
        (lambda w, rate, steps: 4 * w * (1 - 4 * rate) ** steps, "returned the gradient"),
        (descend_late, "one step before"),
    ],
    "00.3": [
        (count(right, first=1), "One too many"),
        (count(right, first=-1), "One too few"),
        (count(lambda w, threshold: w**2 < threshold), "the 2 in the loss"),
        (count(lambda w, threshold: abs(w) < threshold), "until w is below"),
        (
            count(lambda w, threshold: w > 0 and right(w, threshold), moves=False),
            "at the w of that moment",
        ),
        (count_after_the_step, "before the first step"),
        (count(lambda w, threshold: 2 * w**2 <= threshold), "is not below it"),
        (count(lambda w, threshold: abs(2 * w) < threshold), "a square"),
        (count_without_a_limit, "where `limit` is 30"),
        (count(lambda w, threshold: w < 0 or right(w, threshold)), "compare the loss"),
        (count(right, last=1), "one step too late"),
        (count(right, last=-1), "one step too early"),
        (count(lambda w, threshold: abs(4 * w) < threshold), "not the slope"),
        (count(lambda w, threshold: 2 * w**2 > threshold), "still above"),
        (count(lambda w, threshold: 4 * w**2 < threshold), "squares 2 w"),
        (count_from_one_gradient, "at the w of that moment"),
        (lambda *given: {given[3]: -1}.get(n := count(right)(*given), n), "not -1"),
        (lambda *given: {given[3]: np.inf}.get(n := count(right)(*given), n), "not infinity"),
    ],
}

RIGHT = {
    "00.1": [
        lambda w, gradient, learning_rate: np.subtract(w, np.multiply(gradient, learning_rate)),
        lambda w, gradient, learning_rate: w + learning_rate * -gradient,
    ],
    "00.2": [
        lambda w, rate, steps: w * (1 - 4 * rate) ** steps,
        lambda w, rate, steps: descend(lambda start, w: w)(np.float32(w), np.float32(rate), steps),
        lambda w, rate, steps: descend(lambda start, w: w)(np.array(w), rate, steps),
    ],
    "00.3": [
        lambda *given: np.int64(count(right)(*given)),
        lambda *given: float(count(right)(*given)),
        lambda w, rate, threshold, limit: next(
            (t for t in range(limit) if 2 * (w * (1 - 4 * rate) ** t) ** 2 < threshold), limit
        ),
    ],
}
