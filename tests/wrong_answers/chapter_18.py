r"""Wrong answers to the exercises of chapter 18, each with a part of the sentence expected."""

import numpy as np

# ---- the angle of a step


def angle(
    cast=lambda a: np.ravel(a).astype(float),
    length=np.linalg.norm,
    clip=lambda c: np.clip(c, -1, 1),
    of=np.arccos,
):
    r"""An angle by the cosine, with another length, another clip or another last step."""

    def turn(before, after):
        u, v = cast(before), cast(after)
        with np.errstate(all="ignore"):
            return of(clip(u @ v / (length(u) * length(v))))

    return turn


def spectral(before, after):
    u, v = np.ravel(before).astype(float), np.ravel(after).astype(float)
    lengths = (np.linalg.norm(a, 2) for a in (np.asarray(before, float), np.asarray(after, float)))
    return np.arccos(np.clip(u @ v / np.prod(list(lengths)), -1, 1))


def by_rows(before, after):
    pairs = zip(np.atleast_2d(before), np.atleast_2d(after), strict=True)
    return np.mean([angle()(u, v) for u, v in pairs])


def one_length(which):
    def turn(before, after):
        u, v = np.ravel(before).astype(float), np.ravel(after).astype(float)
        return np.arccos(np.clip(u @ v / np.linalg.norm((u, v)[which]), -1, 1))

    return turn


def step_length(relative):
    def turn(before, after):
        step = np.linalg.norm(np.subtract(after, before))
        return step / np.linalg.norm(before) if relative else step

    return turn


def turn_in_place(before, after):
    before /= np.linalg.norm(before)
    return angle()(before, after)


def by_tangent(before, after):
    u, v = (np.ravel(each).astype(float) for each in (before, after))
    u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
    return 2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))


def by_loop(before, after):
    dot = uu = vv = 0.0
    for a, b in zip(np.ravel(before), np.ravel(after), strict=True):
        a, b = float(a), float(b)
        dot, uu, vv = dot + a * b, uu + a * a, vv + b * b
    return float(np.arccos(max(-1.0, min(1.0, dot / (uu * vv) ** 0.5))))


# ---- the balance


def balanced(
    norm=lambda rate, decay, pull, kept: (rate**2 * pull**2 / (1 - kept**2)) ** 0.25,
    turned=lambda rate, decay, pull, kept: np.arccos(kept),
):
    r"""Norm and angle with another formula for one of them."""

    def balance(rate, decay, pull):
        given = rate, decay, pull, 1 - rate * decay
        return norm(*given), turned(*given)

    return balance


def root(rate, decay):
    return np.sqrt(1 - (1 - rate * decay) ** 2)


def balance_by_steps(rate, decay, pull):
    n = 1.0
    for _ in range(20_000):
        n = np.hypot((1 - rate * decay) * n, rate * pull / n)
    return n, np.arctan2(rate * pull / n, (1 - rate * decay) * n)


# ---- halve the rate


def factor(
    times=25,
    skip=lambda steps: steps // 5,
    pair=lambda rate, decay: (rate / 2, 2 * decay),
    of=lambda before, after: after / before,
    mean=np.mean,
):
    r"""A factor from two runs, with other lengths, other pairs or another mean."""

    def halving_factor(run, rate, decay):
        steps = int(times / (rate * decay))
        before, after = run(rate, decay, steps), run(*pair(rate, decay), steps)
        return of(mean(before[skip(steps) :]), mean(after[skip(steps) :]))

    return halving_factor


WRONG = {
    "18.1": [
        (angle(of=lambda c: np.degrees(np.arccos(c))), "in degrees"),
        (angle(of=lambda c: c), "the cosine of the angle"),
        (angle(of=lambda c: 1 - c), "1 minus the cosine"),
        (angle(of=lambda c: np.sqrt(1 - c**2)), "the sine"),
        (angle(of=lambda c: 2 * np.arccos(c)), "twice"),
        (angle(of=lambda c: np.arccos(c) / 2), "half"),
        (angle(clip=lambda c: c), "give nan"),
        (angle(clip=lambda c: np.clip(c, 0, 1)), "a cosine below 0"),
        (angle(clip=lambda c: min(c, 1)), "turn around give nan"),
        (angle(cast=np.ravel), "compute in float64"),
        (angle(length=lambda u: 1.0), "The lengths are missing"),
        (angle(length=lambda u: u @ u), "squared lengths"),
        (one_length(0), "Only the length of `before`"),
        (one_length(1), "Only the length of `after`"),
        (spectral, "largest singular value"),
        (by_rows, "mean angle of the rows"),
        (step_length(False), "the length of the step, not"),
        (step_length(True), "no turn"),
        (turn_in_place, "changes its input `before`"),
        (lambda before, after: np.sum(before) > 1e9 or None, "None"),
    ],
    "18.2": [
        (balanced(lambda r, d, p, k: r * p / np.sqrt(1 - k**2)), "pull / n"),
        (balanced(lambda r, d, p, k: np.sqrt(r * p / np.sqrt(1 - k**2)) ** 2), "pull / n"),
        (balanced(lambda r, d, p, k: r**2 * p**2 / (1 - k**2)), "fourth power"),
        (balanced(lambda r, d, p, k: (r * p**2 / (2 * d)) ** 0.25), "the exact one"),
        (balanced(lambda r, d, p, k: (p**2 / (1 - k**2)) ** 0.25), "rate is missing"),
        (balanced(lambda r, d, p, k: (r**2 * p / (1 - k**2)) ** 0.25), "with its square"),
        (balanced(lambda r, d, p, k: (r**2 * p**2 / (1 - k)) ** 0.25), "adds squares"),
        (balanced(lambda r, d, p, k: k * np.sqrt(r * p / root(r, d))), "between decay and step"),
        (balanced(lambda r, d, p, k: np.sqrt(r * p / root(r, d) / k)), "at the shrunken w"),
        (balanced(turned=lambda r, d, p, k: np.degrees(np.arccos(k))), "in degrees"),
        (balanced(turned=lambda r, d, p, k: np.sqrt(2 * r * d)), "small product only"),
        (balanced(turned=lambda r, d, p, k: root(r, d)), "the sine of"),
        (balanced(turned=lambda r, d, p, k: root(r, d) / k), "the tangent"),
        (balanced(turned=lambda r, d, p, k: k), "the cosine"),
        (balanced(turned=lambda r, d, p, k: np.arctan(root(r, d))), "by the old length"),
        (balanced(turned=lambda r, d, p, k: np.arccos(k) ** 2), "the square of the angle"),
        (lambda *given: balanced()(*given)[::-1], "exchanged"),
        (lambda *given: balanced()(*given)[0], "2 values"),
    ],
    "18.3": [
        (factor(times=1, skip=lambda steps: 0), "still on its way"),
        (factor(skip=lambda steps: 0, times=4), "Leave out the steps"),
        (factor(pair=lambda rate, decay: (rate / 2, decay)), "should stay the same"),
        (factor(pair=lambda rate, decay: (2 * rate, decay / 2)), "upside down"),
        (factor(pair=lambda rate, decay: (rate / 4, 4 * decay)), "quarter of the rate"),
        (factor(of=lambda before, after: before / after), "upside down"),
        (factor(of=lambda before, after: (after / before) ** 2), "squared norm"),
        (factor(mean=lambda norms: norms[-1]), "each is noisy"),
        (factor(times=50), "more than"),
        (lambda run, rate, decay: 0.71, "runs nothing"),
        (lambda run, rate, decay: run(rate, decay, 100), "one number"),
        (lambda run, rate, decay: run(rate, decay, 0), "number of steps"),
        (lambda run, rate, decay: rate > 1e9 or None, "None"),
    ],
    "18.4": [
        (lambda: (0.4, 0.005), "to another angle"),
        (lambda: (0.4, 0.0125), "longer than in its balance"),
        (lambda: (8.0, 0.005 / 8), "longer than in its balance"),
        (lambda: (5000.0, 1e-6), "much longer"),
        (lambda: (32.0, 0.1 / 32), "to another angle"),
        (lambda: (32.0, 0.0), "above 0"),
        (lambda: (10.0, 0.2), "1 or more"),
        (lambda: 32.0, "2 values"),
    ],
    "18.5": [],
}


def adam_with(
    marked=lambda name: name.endswith("W"),
    pull=lambda rate, rates: rate,
    through=False,
    inside=False,
    late=False,
    in_place=False,
    at=lambda w, shrink: w,
    root=False,
    corrected=True,
):
    r"""AdamW with another mark for what decays, another rate before it, or another place."""

    def adamw(w, names, gradient, rates, decay):
        m, v = np.zeros(len(w)), np.zeros(len(w))
        decays = decay * np.array([marked(name) for name in names])
        start, w = w, w.copy()
        for t, rate in enumerate(rates, start=1):
            g = gradient(at(w, rate * decays)) + inside * decays * w
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g**2
            m_hat, v_hat = (m / (1 - 0.9**t), v / (1 - 0.999**t)) if corrected else (m, v)
            size = np.sqrt(v_hat + 1e-8) if root else np.sqrt(v_hat) + 1e-8
            step, gone = rate * m_hat / size, pull(rate, rates) * decays * (not inside)
            after = w - late * step
            w = w - gone * after / (size if through else 1) - step
        if in_place:
            start[:] = w
        return w

    return adamw


def suspicious_adamw(w, names, gradient, rates, decay):
    bugs = dict(pull=lambda rate, rates: max(rates), through=True)
    return adam_with(lambda name: not name.endswith("b"), **bugs)(w, names, gradient, rates, decay)


def asks_twice(w, names, gradient, rates, decay):
    gradient(w)
    return adam_with()(w, names, gradient, rates, decay)


def adamw_by_loop(w, names, gradient, rates, decay):
    w, m, v = [float(each) for each in w], [0.0] * len(w), [0.0] * len(w)
    for t, rate in enumerate(rates, start=1):
        for k, g in enumerate(gradient(np.array(w))):
            m[k], v[k] = 0.9 * m[k] + 0.1 * g, 0.999 * v[k] + 0.001 * g * g
            if ".W" in names[k]:
                w[k] *= 1 - rate * decay
            w[k] -= rate * m[k] / (1 - 0.9**t) / ((v[k] / (1 - 0.999**t)) ** 0.5 + 1e-8)
    return w


WRONG["18.5"] = [
    (suspicious_adamw, "divided by the root"),
    (suspicious_adamw, "gamma and beta decay too"),
    (suspicious_adamw, "largest rate"),
    (adam_with(through=True), "divided by the root"),
    (adam_with(lambda name: not name.endswith("b")), "Gamma and beta decay too"),
    (adam_with(pull=lambda rate, rates: max(rates)), "largest rate"),
    (adam_with(lambda name: True), "Biases decay too"),
    (adam_with(inside=True), "part of the gradient"),
    (adam_with(pull=lambda rate, rates: 1.0), "not multiplied by any rate"),
    (adam_with(lambda name: False), "Nothing decays"),
    (adam_with(late=True), "shrink after the step"),
    (adam_with(at=lambda w, shrink: (1 - shrink) * w), "after the weights have shrunk"),
    (adam_with(corrected=False), "corrected for their start"),
    (adam_with(root=True), "beside the root"),
    (adam_with(in_place=True), "changes its input `w`"),
    (asks_twice, "as many gradients"),
]

RIGHT = {
    "18.1": [angle(), by_tangent, by_loop, lambda u, v: np.float32(by_tangent(u, v))],
    "18.2": [balanced(), balance_by_steps, lambda *given: list(balance_by_steps(*given))],
    "18.3": [
        factor(),
        factor(times=30, skip=lambda steps: steps // 4),
        factor(mean=lambda norms: np.sqrt(np.mean(norms**2))),
    ],
    "18.4": [lambda: (32.0, 0.005 / 32), lambda: [np.float64(40), 0.005 / 40]],
    "18.5": [adam_with(), adamw_by_loop],
}
