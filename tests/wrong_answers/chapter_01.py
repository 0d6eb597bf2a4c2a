r"""Wrong answers to the exercises of chapter 01, each with a part of the sentence expected."""

import numpy as np


def gradient_in_place(w, hessian, centre):
    w -= centre
    return hessian @ w


def gradient_of_the_loss_alone(w, hessian, centre):
    return 0.5 * (w - centre) @ hessian @ (w - centre)


def path(gradient=lambda hessian, w, start: hessian @ w, rows=slice(None), sign=1):
    r"""A path of steps along some gradient, of which some rows are returned."""

    def bowl_path(hessian, start, learning_rate, steps):
        path = [start]
        for _ in range(steps):
            w = path[-1]
            path.append(w - sign * learning_rate * gradient(hessian, w, start))
        return np.array(path)[rows]

    return bowl_path


def path_of_one_array(hessian, start, learning_rate, steps):
    w = start.copy()
    path = [w]
    for _ in range(steps):
        w -= learning_rate * hessian @ w
        path.append(w)
    return np.array(path)


def path_in_place(hessian, start, learning_rate, steps):
    path = [start.copy()]
    for _ in range(steps):
        start -= learning_rate * hessian @ start
        path.append(start.copy())
    return np.array(path)


def path_squeezed(hessian, start, learning_rate, steps):
    return np.squeeze(path()(hessian, start, learning_rate, steps))


def rates(edge=lambda low, high: 2 / high, best=lambda low, high: 2 / (low + high)):
    r"""Two rates from the smallest and largest eigenvalue."""

    def stable_rates(hessian):
        low, *_, high = np.linalg.eigvalsh(hessian)
        return edge(low, high), best(low, high)

    return stable_rates


def rates_swapped(hessian):
    return rates()(hessian)[::-1]


def rates_of_the_diagonal(hessian):
    return rates()(np.diag(np.diag(hessian)))


def rates_of_the_trace(hessian):
    return rates()(hessian)[0], 2 / np.trace(hessian)


def batch_step(reduce=np.mean, stale=True, sign=1, size=1):
    r"""A step on a line, with the mean or another reduction, with the old or the new slope."""

    def batch_step(slope, intercept, x, y, learning_rate):
        error = slope * x + intercept - y
        slope = slope - sign * size * learning_rate * reduce(error * x)
        if not stale:
            error = slope * x + intercept - y
        return slope, intercept - sign * size * learning_rate * reduce(error)

    return batch_step


WRONG = {
    "01.1": [
        (lambda w, hessian, centre: hessian @ (centre - w), "uphill"),
        (lambda w, hessian, centre: hessian @ w, "centre is missing"),
        (lambda w, hessian, centre: hessian @ (w - centre) / 2, "half of the gradient"),
        (lambda w, hessian, centre: 2 * hessian @ (w - centre), "twice the gradient"),
        (lambda w, hessian, centre: hessian * (w - centre), "element by element"),
        (lambda w, hessian, centre: np.diag(hessian) * (w - centre), "diagonal"),
        (lambda w, hessian, centre: w - centre, "Hessian is missing"),
        (gradient_of_the_loss_alone, "This is the loss"),
        (gradient_in_place, "changes its input `w`"),
    ],
    "01.2": [
        (path(rows=slice(1, None)), "The start is missing"),
        (path(rows=slice(0, -1)), "last step is missing"),
        (path(rows=-1), "only the last w"),
        (path(sign=-1), "uphill"),
        (path(lambda hessian, w, start: hessian @ start), "gradient of the start"),
        (path(lambda hessian, w, start: np.diag(hessian) * w), "diagonal"),
        (lambda *given: path()(*given).T, "transposed"),
        (path_of_one_array, "All rows are the same w"),
        (path_in_place, "changes its input `start`"),
        (path_squeezed, "table of one row"),
    ],
    "01.3": [
        (rates_swapped, "wrong order"),
        (rates(edge=lambda low, high: 1 / high), "half of the right one"),
        (rates(edge=lambda low, high: 2 / low), "steepest direction"),
        (rates_of_the_diagonal, "not its diagonal"),
        (rates(best=lambda low, high: 1 / (low + high)), "not 1 / (...)"),
        (rates(best=lambda low, high: 1 / high), "not 1 / largest"),
        (rates_of_the_trace, "not all of them"),
        (lambda hessian: rates()(hessian)[0], "2 values"),
    ],
    "01.4": [
        (batch_step(np.sum, stale=False), "Both bugs"),
        (batch_step(np.sum), "still sums"),
        (batch_step(stale=False), "the new slope"),
        (batch_step(sign=-1), "uphill"),
        (batch_step(size=2), "twice the gradient"),
        (lambda *given: batch_step()(*given)[::-1], "wrong order"),
    ],
}
