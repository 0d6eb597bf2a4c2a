r"""Answers to the exercises of chapter 01: wrong ones, each with a part of the sentence expected.

RIGHT holds right ones in other styles than the worked solution's.
"""

import numpy as np


def path(gradient=lambda hessian, w, c, start: hessian @ (w - c), rows=slice(None), sign=1):
    r"""A path of steps along some gradient, of which some rows are returned."""

    def bowl_path(hessian, centre, start, learning_rate, steps):
        path = [start]
        for _ in range(steps):
            w = path[-1]
            path.append(w - sign * learning_rate * gradient(hessian, w, centre, start))
        return np.array(path)[rows]

    return bowl_path


def path_of_one_array(hessian, centre, start, learning_rate, steps):
    w = start.copy()
    path = [w]
    for _ in range(steps):
        w -= learning_rate * hessian @ (w - centre)
        path.append(w)
    return np.array(path)


def path_in_place(hessian, centre, start, learning_rate, steps):
    path = [start.copy()]
    for _ in range(steps):
        start -= learning_rate * hessian @ (start - centre)
        path.append(start.copy())
    return np.array(path)


def path_that_moves_the_centre(hessian, centre, start, learning_rate, steps):
    start = start - centre
    centre -= centre
    return path()(hessian, centre, start, learning_rate, steps)


def path_of_one_weight_after_another(hessian, centre, start, learning_rate, steps):
    w, path = start.copy(), [start.copy()]
    for _ in range(steps):
        for k in range(len(w)):
            w[k] -= learning_rate * hessian[k] @ (w - centre)
        path.append(w.copy())
    return np.array(path)


def path_filled_in(hessian, centre, start, learning_rate, steps):
    rows = np.empty((steps + 1, len(start)))
    rows[0] = start
    for t in range(steps):
        rows[t + 1] = rows[t] - learning_rate * np.einsum("ij,j", hessian, rows[t] - centre)
    return rows


def path_by_loops(hessian, centre, start, learning_rate, steps):
    rows = [list(map(float, start))]
    for _ in range(steps):
        d = [w - c for w, c in zip(rows[-1], centre, strict=True)]
        g = [sum(h * e for h, e in zip(row, d, strict=True)) for row in hessian]
        rows.append([w - learning_rate * k for w, k in zip(rows[-1], g, strict=True)])
    return rows


def edge(of=lambda high: 2 / high, start=lambda size: np.arange(1.0, size + 1) ** 0.5, steps=300):
    r"""What becomes of the largest curvature, as power iteration finds it."""

    def measure_edge(gradient, size):
        w = start(size) / np.linalg.norm(start(size))
        for _ in range(steps):
            w = gradient(w) / np.linalg.norm(gradient(w))
        return of(float(w @ gradient(w)))

    return measure_edge


def edge_of_all(of):
    r"""What becomes of all curvatures, from the Hessian that the gradients of unit vectors are."""

    def measure_edge(gradient, size):
        return of(np.linalg.eigvalsh([gradient(row) for row in np.eye(size)]))

    return measure_edge


def edge_by_runs(gradient, size):
    low, high = 1e-6, 1e6
    while high / low > 1.005:
        rate = (low * high) ** 0.5
        w = np.random.default_rng(1).normal(size=size)
        for _ in range(400):
            w = w - rate * gradient(w)
            if not abs(w).max() < 1e3:
                break
        low, high = (low, rate) if not abs(w).max() < 10 else (rate, high)
    return low


def edge_without_a_length(gradient, size):
    w = np.random.default_rng(0).normal(size=size)
    for _ in range(100):
        w = gradient(w)
    return 2 / (w @ gradient(w))


def edge_by_runs_that_ignores_nan(gradient, size):
    low, high = 0.0, 3000.0
    for _ in range(20):
        rate = (low + high) / 2
        w = np.ones(size)
        for _ in range(400):
            w = w - rate * gradient(w)
        if np.linalg.norm(w) > 10 * size:  # False for nan
            high = rate
        else:
            low = rate
    return low


def edge_by_runs_without_end(gradient, size):
    w = np.ones(size)
    while True:
        w = w - gradient(w)


def pair(by):
    r"""The rates that land where the curvature is the middle, give or take a share of the width."""

    def two_rates(low, high):
        middle, half = (low + high) / 2, (high - low) / 2
        return 1 / (middle - by * half), 1 / (middle + by * half)

    return two_rates


def pair_by_search(low, high):
    curvatures = np.linspace(low, high, 200)
    one, other = (np.geomspace(0.5 / high, 2 / low, 300) for _ in range(2))
    best, found = np.inf, None
    for rate in one:
        worst = abs((1 - rate * curvatures) * (1 - other[:, None] * curvatures)).max(axis=1)
        if worst.min() < best:
            best, found = worst.min(), np.array([rate, other[worst.argmin()]])
    return found


def batch_step(reduce=np.mean, stale=True, sign=1, size=1, reduce_intercept=None):
    r"""A step on a line, with the mean or another reduction, with the old or the new slope."""

    def batch_step(slope, intercept, x, y, learning_rate):
        error = slope * x + intercept - y
        slope = slope - sign * size * learning_rate * reduce(error * x)
        if not stale:
            error = slope * x + intercept - y
        again = (reduce_intercept or reduce)(error)
        return slope, intercept - sign * size * learning_rate * again

    return batch_step


def batch_step_in_place(slope, intercept, x, y, learning_rate):
    y -= slope * x + intercept
    return slope + learning_rate * np.mean(y * x), intercept + learning_rate * np.mean(y)


def batch_step_of_the_size(slope, intercept, x, y, learning_rate):
    error = abs(slope * x + intercept - y)
    return slope - learning_rate * np.mean(error * x), intercept - learning_rate * np.mean(error)


def batch_step_of_means(slope, intercept, x, y, learning_rate):
    error = np.mean(slope * x + intercept - y)
    return slope - learning_rate * error * np.mean(x), intercept - learning_rate * error


def batch_step_intercept_first(slope, intercept, x, y, learning_rate):
    intercept = intercept - learning_rate * np.mean(slope * x + intercept - y)
    return slope - learning_rate * np.mean((slope * x + intercept - y) * x), intercept


def batch_step_as_matrix(slope, intercept, x, y, learning_rate):
    design = np.stack([x, np.ones_like(x)], axis=1)
    line = np.array([slope, intercept])
    return line - learning_rate * design.T @ (design @ line - y) / len(x)


WRONG = {
    "01.1": [
        (path(rows=slice(1, None)), "The start is missing"),
        (path(rows=slice(0, -1)), "last step is missing"),
        (path(rows=-1), "only the last w"),
        (path(sign=-1), "uphill"),
        (path(lambda hessian, w, c, start: hessian @ (start - c)), "gradient of the start"),
        (path(lambda hessian, w, c, start: hessian @ w), "centre is missing"),
        (path(lambda hessian, w, c, start: hessian @ w - c), "too late"),
        (path(lambda hessian, w, c, start: hessian @ (w + c)), "centre has the wrong sign"),
        (path(lambda hessian, w, c, start: hessian @ (w - c) / 2), "half of the gradient"),
        (path(lambda hessian, w, c, start: 2 * hessian @ (w - c)), "twice the gradient"),
        (path(lambda hessian, w, c, start: np.diag(hessian) * (w - c)), "only the diagonal"),
        (path(lambda hessian, w, c, start: hessian * (w - c)), "element by element"),
        (path(lambda hessian, w, c, start: w - c), "Hessian is missing"),
        (lambda h, c, *given: path()(h, c, *given) - c, "distance from the centre"),
        (lambda h, c, s, rate, steps: path()(h, c, s, 1, steps), "learning rate is missing"),
        (lambda h, c, s, rate, steps: path()(h, c, s, rate, steps + 1), "more than `steps`"),
        (path_of_one_weight_after_another, "moves one weight before"),
        (lambda *given: path()(*given).T, "transposed"),
        (path_of_one_array, "All rows are the same w"),
        (path_in_place, "changes its input `start`"),
        (path_that_moves_the_centre, "distance from the centre"),
        (lambda *given: np.squeeze(path()(*given)), "table of one row"),
    ],
    "01.2": [
        (edge(lambda high: high), "returned the largest curvature"),
        (edge(lambda high: 1 / high), "half of the edge"),
        (edge_of_all(lambda curvatures: 2 / curvatures[0]), "not from the flattest"),
        (edge_of_all(lambda curvatures: 2 / (curvatures[0] + curvatures[-1])), "best rate"),
        (edge_of_all(lambda curvatures: 2 / curvatures.mean()), "averages the curvatures"),
        (edge_of_all(lambda curvatures: 2 / curvatures.sum()), "adds up the curvatures"),
        (edge(start=lambda size: np.eye(size)[0]), "along the first axis only"),
        (edge(start=np.ones, steps=20), "equal weights"),
        (edge(start=np.ones, steps=1000), "equal weights"),
        (edge(steps=1), "is expected"),
        (lambda g, size: 2 / max(g(e) @ e for e in np.eye(size)), "single weights only"),
        (edge(start=lambda size: np.random.default_rng(0).normal(size=size), steps=8), "too high"),
        (edge(lambda high: 2 * high), "is expected"),
        (edge(lambda high: 2 / high**0.5), "is expected"),
        (edge_of_all(lambda curvatures: 2 / np.linalg.norm(curvatures)), "is expected"),
        (edge(steps=6000), "have to be enough"),
        (edge_by_runs_without_end, "does it end"),
        (edge_without_a_length, "divide by the length each time"),
        (edge_by_runs_that_ignores_nan, "count it as diverged"),
        (lambda gradient, size: 0.2, "never asks"),
        (lambda gradient, size: gradient(np.ones(size)), "one number"),
        (lambda gradient, size: gradient(1.0), "takes w of shape"),
    ],
    "01.3": [
        (pair(0), "best single rate"),
        (pair(1), "taken twice"),
        (pair(0.5), "can be reached"),
        (pair(0.9), "taken twice"),
        (lambda low, high: 2 / (low + high), "2 values"),
        (lambda low, high: (-0.1, 0.1), "rates are above 0"),
        (lambda low, high: (1 / high, 1 / high), "taken twice"),
        (lambda low, high: (0.43, 0.115), "curvatures from 1 to 3"),
    ],
    "01.4": [
        (batch_step(np.sum, stale=False), "Both bugs"),
        (batch_step(np.sum), "still sums"),
        (batch_step(stale=False), "the new slope"),
        (batch_step(sign=-1), "uphill"),
        (batch_step(size=2), "twice the gradient"),
        (batch_step(size=0.5), "half of the gradient"),
        (lambda *given: batch_step()(*given)[::-1], "wrong order"),
        (batch_step(reduce_intercept=np.sum), "intercept's gradient still sums"),
        (batch_step(np.sum, reduce_intercept=np.mean), "slope's gradient still sums"),
        (batch_step(reduce_intercept=np.sum, stale=False), "and uses the new slope"),
        (batch_step_intercept_first, "uses the new intercept"),
        (batch_step_in_place, "changes its input `y`"),
        (batch_step_of_the_size, "size of the error"),
        (lambda a, b, x, y, rate: (batch_step()(a, b, x, y, rate)[0], b), "intercept does not"),
        (lambda a, b, x, y, rate: (a, batch_step()(a, b, x, y, rate)[1]), "slope does not move"),
        (lambda a, b, x, y, rate: batch_step()(a, b, x, y, 1), "rate is missing"),
        (batch_step_of_means, "product of the means"),
    ],
}

RIGHT = {
    "01.1": [path_filled_in, path_by_loops, lambda *given: path()(*map(np.asarray, given))],
    "01.2": [edge(), edge_by_runs, edge_of_all(lambda curvatures: 2 / curvatures[-1])],
    "01.3": [pair(2**-0.5), pair(-(2**-0.5)), pair_by_search],
    "01.4": [batch_step_as_matrix, lambda *given: list(map(np.float32, batch_step()(*given)))],
}
