r"""Wrong answers to the exercises of chapter 16, each with a part of the sentence expected."""

import numpy as np


def hessian(step=1e-4, unit=True, by=2, times=lambda product, v, length: product * length):
    r"""A product from two gradients, with another step, divisor or length."""

    def hessian_vector(gradient, w, v):
        length = np.linalg.norm(v) if unit else 1.0
        if length == 0:
            return np.zeros_like(w)
        h = step * v / length
        return times((gradient(w + h) - gradient(w - h)) / (by * step), v, length)

    return hessian_vector


def one_sided(gradient, w, v):
    length = np.linalg.norm(v) or 1.0
    return (gradient(w + 1e-4 * v / length) - gradient(w)) / 1e-4 * length


def divides_by_zero(gradient, w, v):
    length = np.linalg.norm(v)
    h = 1e-4 * v / length
    return (gradient(w + h) - gradient(w - h)) / 2e-4 * length


def each_by_itself(gradient, w, v):
    r"""The diagonal of the Hessian only."""
    steps = 1e-4 * np.eye(len(w))
    return [(gradient(w + h) - gradient(w - h))[k] / 2e-4 * v[k] for k, h in enumerate(steps)]


def product_in_place(gradient, w, v):
    length = np.linalg.norm(v) or 1.0
    w += 1e-4 * v / length
    ahead = gradient(w)
    w -= 2e-4 * v / length
    return (ahead - gradient(w)) / 2e-4 * length


def power(product, v, steps=400):
    r"""The eigenvalue that is largest in magnitude."""
    for _ in range(steps):
        v = v / np.linalg.norm(v)
        image = product(v)
        value, v = v @ image, image
    return value


def shifted(finish):
    r"""Both power iterations, put together in another way."""

    def largest_eigenvalue(product, v):
        far = power(product, v)
        if far >= 0:
            return far
        return finish(far, power(lambda v: product(v) - far * v, v))

    return largest_eigenvalue


def never_divided(product, v):
    for _ in range(400):
        v, last = product(v), v
    return (last @ v) / (last @ last)


def too_often(product, v):
    return shifted(lambda far, near: far + near)(
        lambda u: (product(u), product(u), product(u))[0], v
    )


def in_place(product, v):
    v /= np.linalg.norm(v)
    return shifted(lambda far, near: far + near)(product, v)


def curvature(gradient, w):
    r"""The sharpness at w, by a shifted power iteration of its own."""
    start = np.random.default_rng(0).normal(size=w.shape)
    return shifted(lambda far, near: far + near)(lambda v: hessian()(gradient, w, v), start)


def leap(multiple):
    r"""A rate at a multiple of the first edge."""
    return lambda gradient, w: multiple * 2 / curvature(gradient, w)


def edge(momentum):
    return 2 * (1 + momentum) / (1 + 2 * momentum)


def train(late=False, spared=lambda t, warmup: False, size=np.linalg.norm, rows=slice(None)):
    r"""A loop with some of the bugs."""

    def train(gradient, w, rate, warmup, longest, steps):
        path = [w]
        for t in range(1, steps + 1):
            g = gradient(w, t)
            length = size(g)
            if length > longest and not spared(t, warmup):
                g = g * longest / length
            w = w - rate * min(1, (t - 1 if late else t) / warmup) * g
            path.append(w)
        return np.array(path)[rows]

    return train


def square(g):
    return g @ g


def until(t, warmup):
    return t <= warmup


def always_scales(gradient, w, rate, warmup, longest, steps):
    path = [w]
    for t in range(1, steps + 1):
        g = gradient(w, t)
        length = np.linalg.norm(g)
        w = w - rate * min(1, t / warmup) * min(length, longest) * g / length
        path.append(w)
    return np.array(path)


def clips_in_place(gradient, w, rate, warmup, longest, steps):
    path = [w]
    for t in range(1, steps + 1):
        g = gradient(w, t)
        if np.linalg.norm(g) > longest:
            g *= longest / np.linalg.norm(g)
        w = w - rate * min(1, t / warmup) * g
        path.append(w)
    return np.array(path)


def one_array(gradient, w, rate, warmup, longest, steps):
    w = w.copy()
    path = [w]
    for t in range(1, steps + 1):
        g = gradient(w, t)
        w -= rate * min(1, t / warmup) * g * min(1, longest / max(np.linalg.norm(g), 1e-12))
        path.append(w)
    return np.array(path)


def entries(gradient, w, rate, warmup, longest, steps):
    return train()(
        lambda w, t: np.clip(gradient(w, t), -longest, longest), w, rate, warmup, np.inf, steps
    )


def cuts_the_step(gradient, w, rate, warmup, longest, steps):
    path = [w]
    for t in range(1, steps + 1):
        step = rate * min(1, t / warmup) * gradient(w, t)
        w = w - step * min(1, longest / max(np.linalg.norm(step), 1e-12))
        path.append(w)
    return path


WRONG = {
    "16.1": [
        (each_by_itself, "moves each weight by itself"),
        (hessian(by=1), "two steps apart"),
        (hessian(by=4), "half of H v"),
        (hessian(by=-2), "wrong sign"),
        (hessian(times=lambda product, v, length: product), "multiply by the length"),
        (hessian(times=lambda product, v, length: product * length**2), "counts twice"),
        (hessian(times=lambda product, v, length: v @ product * length), "the number v H v"),
        (hessian(unit=False), "too long, and the Hessian"),
        (hessian(step=1e-12), "too short, and rounding"),
        (hessian(step=0.1), "too long, and the Hessian"),
        (one_sided, "to one side only"),
        (divides_by_zero, "do not divide by it"),
        (product_in_place, "its input `w`"),
    ],
    "16.2": [
        (power, "largest in magnitude. It is negative"),
        (lambda product, v: abs(power(product, v)), "without its sign"),
        (shifted(lambda far, near: near), "still in it"),
        (shifted(lambda far, near: near - far), "wrong direction"),
        (never_divided, "divide the vector by its length"),
        (
            lambda product, v: max(0, shifted(lambda far, near: far + near)(product, v)),
            "0 is not one",
        ),
        (too_often, "are allowed"),
        (in_place, "its input `v`"),
        (
            lambda product, v: -shifted(lambda far, near: far + near)(lambda u: -product(u), v),
            "lowest",
        ),
    ],
    "16.3": [
        (lambda gradient, w: 0.1, "one rate for every network"),
        (leap(0.9), "a larger rate leads"),
        (leap(1.3), "1.3 times the first edge"),
        (leap(9), "did not come back"),
        (lambda gradient, w: -0.1, "a number above 0"),
        (lambda gradient, w: w, "a number above 0"),
    ],
    "16.4": [
        (lambda target, momentum: 2 * (1 + momentum) / target, "plain momentum"),
        (lambda target, momentum: 2 / target, "without momentum"),
        (
            lambda target, momentum: edge(momentum) * (1 - momentum) / target,
            "outside of the velocity",
        ),
        (lambda target, momentum: edge(momentum) / (1 - momentum) / target, "effective rate"),
        (lambda target, momentum: 2 / (1 + momentum) / target, "the velocity counts, too"),
        (
            lambda target, momentum: 2 * (1 + momentum) / (1 + momentum + momentum**2) / target,
            "already grows at this rate",
        ),
        (lambda target, momentum: target / edge(momentum), "upside down"),
        (lambda target, momentum: edge(momentum), "divide it by the target"),
        (lambda target, momentum: 0.7 * edge(momentum) / target, "was ordered"),
        (lambda target, momentum: 30.0, "diverges"),
        (lambda target, momentum: np.nan, "a number above 0"),
    ],
    "16.5": [
        (train(late=True, spared=until, size=square), "The warm-up counts from 0"),
        (train(late=True), "The warm-up counts from 0"),
        (train(spared=until), "Gradients are not clipped until"),
        (train(spared=lambda t, warmup: t <= warmup + 1), "Gradients are not clipped until"),
        (train(spared=lambda t, warmup: t == warmup), "at the step where the warm-up ends"),
        (train(size=square), "The squared length"),
        (train(late=True, size=square), "; the squared length"),
        (train(spared=until, size=square), "; the squared length"),
        (train(rows=slice(1, None)), "start is missing"),
        (train(rows=slice(0, -1)), "last step is missing"),
        (train(rows=-1), "only the last w"),
        (one_array, "Every row is the last w"),
        (entries, "each entry on its own"),
        (cuts_the_step, "with the rate in it"),
        (always_scales, "do not divide by it"),
        (clips_in_place, "its input `g`"),
    ],
}


def by_loop(gradient, w, v):
    r"""In lists and numbers, as a beginner may write it."""
    length = sum(float(a) ** 2 for a in v) ** 0.5
    if not length:
        return [0.0 for _ in w]
    ahead = gradient(np.array([a + 1e-4 * b / length for a, b in zip(w, v, strict=True)]))
    back = gradient(np.array([a - 1e-4 * b / length for a, b in zip(w, v, strict=True)]))
    return [(a - b) / 2e-4 * length for a, b in zip(ahead, back, strict=True)]


def in_a_bowl(target, momentum):
    r"""Measured: the largest rate at which a bowl with the target's curvature does not grow."""

    def grows(rate):
        w, v = 1.0, 0.0
        for _ in range(2000):
            v = momentum * v + target * w
            w = w - rate * (target * w + momentum * v)
            if abs(w) > 1e6:
                return True
        return False

    low, high = 0.0, 10 / target
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if grows(middle) else (middle, high)
    return low


def shifted_by_its_size(product, v):
    r"""The shift is the size of the largest in magnitude, whatever its sign."""
    size = abs(power(product, v))
    return power(lambda v: product(v) + size * v, v, 600) - size


RIGHT = {
    "16.1": [by_loop, hessian(step=1e-5), hessian(step=1e-6)],
    "16.2": [shifted_by_its_size],
    "16.3": [leap(2.5), lambda gradient, w: np.float32(leap(3.0)(gradient, w))],
    "16.4": [lambda target, momentum: 1.1 * edge(momentum) / target, in_a_bowl],
    "16.5": [train(size=lambda g: (g @ g) ** 0.5)],
}
