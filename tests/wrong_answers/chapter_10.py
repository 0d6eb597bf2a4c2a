r"""Wrong answers to the exercises of chapter 10, each with a part of the sentence expected."""

import numpy as np


def adagrad(
    collect=lambda S, g: S + g**2,
    move=lambda w, old, S, g, rate, epsilon: w - rate * g / (np.sqrt(S) + epsilon),
):
    r"""An AdaGrad with another sum or another step."""

    def adagrad_step(w, S, g, learning_rate, epsilon):
        new = collect(S, g)
        return move(w, S, new, g, learning_rate, epsilon), new

    return adagrad_step


def adagrad_in_place(w, S, g, learning_rate, epsilon):
    S += g**2
    w -= learning_rate * g / (np.sqrt(S) + epsilon)
    return w, S


def adagrad_with_the_old_sum(w, S, g, learning_rate, epsilon):
    return adagrad()(w, S, g, learning_rate, epsilon)[0], S


def steps_of(epsilon, start, most):
    w, S, D = float(start), 0.0, 0.0
    for step in range(1, most + 1):
        S = 0.95 * S + 0.05 * w * w
        u = w * ((D + epsilon) / (S + epsilon)) ** 0.5
        D = 0.95 * D + 0.05 * u * u
        w -= u
        if w <= start / 2:
            return step
    return most + 1


def epsilon_for(turn=lambda epsilon: epsilon, power=2, wanted=lambda steps: steps):
    r"""A search by runs, with another result."""

    def epsilon_for(steps, start):
        low, high = -16.0, 2.0
        while high - low > 0.01:
            middle = (low + high) / 2
            soon = steps_of(10**middle, 1.0, wanted(steps)) < wanted(steps)
            low, high = (low, middle) if soon else (middle, high)
        return turn(start**power * 10**low)

    return epsilon_for


def adam(change="", early=0, correct_m=True, correct_v=True, hats=False, sign=1, betas=None):
    r"""An Adam with a mistake."""

    def adam_step(w, m, v, g, learning_rate, t, beta1=0.9, beta2=0.999, epsilon=1e-8):
        beta1, beta2 = betas or (beta1, beta2)
        m, v, t = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2, t + early
        m_hat = m / (1 - np.float64(beta1) ** t) if correct_m else m
        spread = 1 - np.float64(beta2) ** t if correct_v else 1
        below = np.sqrt(v / spread) + epsilon
        if change == "inside":
            below = np.sqrt(v / spread + epsilon)
        if change == "late root":
            below = np.sqrt(v) / spread + epsilon
        if change == "rootless":
            below = v / spread + epsilon
        if change == "keras":
            below = (np.sqrt(v) + epsilon) / np.sqrt(spread)
        step = (g if change == "g" else m_hat) / below
        if change == "after":
            step = m_hat / np.sqrt(v / spread) + epsilon
        return w - sign * learning_rate * step, *((m_hat, v / spread) if hats else (m, v))

    return adam_step


def adam_in_place(w, m, v, g, learning_rate, t, beta1=0.9, beta2=0.999, epsilon=1e-8):
    w[...], m[...], v[...] = adam()(w, m, v, g, learning_rate, t, beta1, beta2, epsilon)
    return w, m, v


def adam_run(
    one_list=False, every_array=False, in_place=False, new_list=True, uncounted=False, sign=1
):
    r"""A run of Adam over several arrays with some of the bugs."""

    def adam_run(arrays, steps, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
        arrays = list(arrays) if new_list else arrays
        m = [np.zeros_like(w) for w in arrays]
        v = m if one_list else [np.zeros_like(w) for w in arrays]
        t = 0
        for step, gradients in enumerate(steps, start=1):
            for k, g in enumerate(gradients):
                t = 1 if uncounted else t + 1 if every_array else step
                m[k] = beta1 * m[k] + (1 - beta1) * g
                v[k] = beta2 * v[k] + (1 - beta2) * g**2
                m_hat, v_hat = m[k] / (1 - beta1**t), v[k] / (1 - beta2**t)
                move = learning_rate * m_hat / (np.sqrt(v_hat) + sign * epsilon)
                if in_place:
                    arrays[k] -= move
                else:
                    arrays[k] = arrays[k] - move
        return arrays

    return adam_run


def corrected(correction, other=None):
    r"""Adam with another bias correction."""

    def adam_step(w, m, v, g, rate, t, beta1=0.9, beta2=0.999, epsilon=1e-8):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / correction(beta1, t), v / (other or correction)(beta2, t)
        return w - rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v

    return adam_step


def counted(first=1, anew=False, taken=slice(None)):
    r"""A run of Adam that counts from another number, forgets, or leaves steps out."""

    def adam_run(arrays, steps, rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
        step, arrays = corrected(lambda beta, t: 1 - beta**t), list(arrays)
        m, v = ([np.zeros_like(w) for w in arrays] for _ in range(2))
        for t, gradients in enumerate(steps[taken], start=first):
            if anew:
                m, v = ([np.zeros_like(w) for w in arrays] for _ in range(2))
            for k, g in enumerate(gradients):
                arrays[k], m[k], v[k] = step(
                    arrays[k], m[k], v[k], g, rate, t, beta1, beta2, epsilon
                )
        return arrays

    return adam_run


WRONG = {
    "10.1": [
        (lambda *given: adagrad()(*given)[::-1], "other way round"),
        (adagrad(lambda S, g: S + g), "adds up gradients"),
        (adagrad(lambda S, g: S + abs(g)), "adds up sizes"),
        (adagrad(lambda S, g: g**2), "forgets the past"),
        (adagrad_with_the_old_sum, "still the old one"),
        (adagrad(lambda S, g: 0.9 * S + 0.1 * g**2), "decaying mean"),
        (adagrad(move=lambda w, old, S, g, rate, e: w + rate * g / (S**0.5 + e)), "uphill"),
        (adagrad(move=lambda w, old, S, g, rate, e: w - rate * g / (S + e)), "root is missing"),
        (adagrad(move=lambda w, old, S, g, rate, e: w - rate * g / (old**0.5 + e)), "the old S"),
        (adagrad(move=lambda w, old, S, g, rate, e: w - rate * g / (S + e) ** 0.5), "inside"),
        (adagrad(move=lambda w, old, S, g, rate, e: w - rate * g / S**0.5), "epsilon is missing"),
        (adagrad(move=lambda w, old, S, g, rate, e: w - rate * g), "plain descent"),
        (lambda *given: adagrad()(*given)[0], "2 values"),
        (adagrad_in_place, "changes its input `w`"),
        (lambda w, S, g, r, e: (w - r * g**2 / (np.sqrt(S + g**2) + e), S + g**2), "squared in"),
        (lambda w, S, g, r, e: (w - r / (np.sqrt(S + g**2) + e), S + g**2), "g is missing above"),
        (
            lambda w, S, g, r, e: (w - r * g / (np.sqrt((S + g**2).sum()) + e), S + g**2),
            "One sum for all",
        ),
        (lambda w, S, g, r, e: (w - r * np.sign(g), S + g**2), "by the sign"),
    ],
    "10.2": [
        (lambda steps, start: 1e-6, "AdaDelta arrives after 131 steps, not 300"),
        (lambda steps, start: 1.3e-7, "AdaDelta arrives"),
        (epsilon_for(turn=lambda epsilon: epsilon**0.5), "root of epsilon"),
        (epsilon_for(power=0), "right for a start of 1"),
        (epsilon_for(power=1), "off by the start"),
        (epsilon_for(wanted=lambda steps: 2 * steps), "larger epsilon arrives sooner"),
        (epsilon_for(turn=lambda epsilon: -epsilon), "above 0"),
        (lambda steps, start: 1 / steps, "later"),
        (lambda steps, start: (1e-6, 1e-8), "one number"),
    ],
    "10.3": [
        (adam(correct_v=False), "v is not corrected"),
        (adam(correct_m=False), "m is not corrected"),
        (adam(correct_m=False, correct_v=False), "Nothing is corrected"),
        (adam(early=-1), "one step too few"),
        (adam(early=1), "counted up once more"),
        (adam("inside"), "epsilon is inside of the root"),
        (adam("keras"), "before the correction (as"),
        (adam("after"), "whole fraction"),
        (adam("rootless"), "root is missing"),
        (adam("late root"), "taken before the correction"),
        (adam("g"), "uses g itself"),
        (adam(hats=True), "corrected m"),
        (adam(sign=-1), "uphill"),
        (adam(betas=(0.9, 0.999)), "always 0.9 and 0.999"),
        (lambda *given, **options: adam()(*given, **options)[0], "3 values"),
        (adam_in_place, "changes its input `w`"),
        (corrected(lambda beta, t: (1 - beta) ** t), "not (1 - beta)^t"),
        (corrected(lambda beta, t: 1 / (1 - beta**t)), "multiplies by the correction"),
        (corrected(lambda beta, t: 1 - beta), "does not depend on t"),
        (corrected(lambda beta, t: beta**t), "divides by beta^t"),
        (
            corrected(lambda beta, t: 1 - beta**t, lambda beta, t: 1 - 0.9**t),
            "corrected with beta1",
        ),
    ],
    "10.4": [
        (adam_run(True, True, True, False), "one and the same list"),
        (adam_run(True, True, True, False), "t counts arrays"),
        (adam_run(one_list=True), "M and v are one and the same list"),
        (adam_run(every_array=True), "T counts arrays"),
        (adam_run(in_place=True), "works in place"),
        (adam_run(new_list=False), "into the list that it was given"),
        (adam_run(uncounted=True), "t stays 1"),
        (adam_run(sign=0), "psilon is missing"),
        (adam_run(sign=-1), "psilon is subtracted"),
        (lambda *given, epsilon=0: adam_run()(*given), "or always 1e-8"),
        (lambda *given: adam_run()(*given)[0], "list of 3 arrays"),
        (counted(first=2), "has t = 2"),
        (counted(first=0), "has t = 0"),
        (counted(anew=True), "begin anew"),
        (counted(taken=slice(1)), "Only the first step"),
        (counted(taken=slice(-1)), "last step is missing"),
    ],
}
