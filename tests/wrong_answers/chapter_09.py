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


def path(ahead=lambda momentum: momentum, late=False, points=False, rows=slice(None)):
    r"""A path of Nesterov's rule, or of a rule near it."""

    def nesterov_path(gradient, x, learning_rate, momentum, steps):
        v, path = np.zeros_like(x), [x]
        for _ in range(steps):
            old = v
            v = momentum * v - learning_rate * gradient(x + ahead(momentum) * v)
            x = x + (old if late else v)
            path.append(x + momentum * v if points else x)
        return np.array(path)[rows]

    return nesterov_path


def path_with_both_bugs(gradient, x, learning_rate, momentum, steps):
    v, path = np.zeros_like(x), [x]
    for _ in range(steps):
        x = x + v
        v = momentum * v - learning_rate * gradient(x)
        path.append(x)
    return np.array(path)


def path_of_one_array(gradient, x, learning_rate, momentum, steps):
    x = x.copy()
    v, path = np.zeros_like(x), [x]
    for _ in range(steps):
        v = momentum * v - learning_rate * gradient(x + momentum * v)
        x += v
        path.append(x)
    return np.array(path)


def path_in_place(gradient, x, learning_rate, momentum, steps):
    v, path = np.zeros_like(x), [x.copy()]
    for _ in range(steps):
        v = momentum * v - learning_rate * gradient(x + momentum * v)
        x += v
        path.append(x.copy())
    return np.array(path)


def path_that_asks_twice(gradient, x, learning_rate, momentum, steps):
    gradient(x)
    return path()(gradient, x, learning_rate, momentum, steps)


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
        (step(lambda v, g, rate, momentum: v - rate * momentum * g), "instead of the old"),
        (step(lambda v, g, rate, momentum: -rate * g), "plain step"),
        (step(move=lambda w, old, new, g, rate, mu: w + mu * new - rate * g), "look-ahead"),
        (lambda *given: step()(*given)[0], "2 values"),
        (step_in_place, "changes its input `w`"),
    ],
    "09.2": [
        (factor_of(lambda values: abs(values).min()), "the smaller"),
        (factor_of(lambda values: abs(values.real).max()), "real part"),
        (factor_of(lambda values: abs(values).sum()), "adds both"),
        (factor_of(lambda values: abs(values.prod())), "determinant"),
        (factor_of(largest, lambda curvature, rate: rate), "curvature is missing"),
        (factor_of(largest, lambda curvature, rate: curvature), "rate is missing"),
        (factor_of(largest, sign=1), "lower row"),
        (largest_singular_value, "singular values"),
        (lambda curvature, rate, momentum: abs(1 - rate * curvature), "without momentum"),
        (lambda curvature, rate, momentum: momentum**0.5, "root of the momentum"),
    ],
    "09.3": [
        (path_with_both_bugs, "old velocity"),
        (path(lambda momentum: 0), "plain momentum"),
        (path(lambda momentum: 1), "taken at x + v"),
        (path(lambda momentum: -momentum), "backward"),
        (path(late=True), "old velocity"),
        (path(points=True), "look-ahead points"),
        (path(rows=slice(1, None)), "start is missing"),
        (path(rows=slice(0, -1)), "last step is missing"),
        (path(rows=-1), "only the last x"),
        (path_of_one_array, "All rows are the same x"),
        (path_in_place, "changes its input `x`"),
        (path_that_asks_twice, "5 gradients"),
    ],
}
