r"""Answers to the exercises of chapter 02: wrong ones, each with a part of the sentence expected.

RIGHT holds right ones in other styles than the worked solution's.
"""

import numpy as np


def softmax(z, axis=1):
    powers = np.exp(z - z.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def relu(d_y, y):
    return d_y * (y > 0)


def both(linear_backward=None, relu_backward=relu):
    return {
        "linear_backward": linear_backward or in_order(0, 1, 2),
        "relu_backward": relu_backward,
    }


def linear(dW=None, db=None, d_x=None):
    r"""Right answers, but for the parts of linear_backward that are given."""

    def linear_backward(x, W, d_y):
        return (
            dW(x, W, d_y) if dW else x.T @ d_y,
            db(x, W, d_y) if db else d_y.sum(axis=0, keepdims=True),
            d_x(x, W, d_y) if d_x else d_y @ W.T,
        )

    return both(linear_backward)


def in_order(*places):
    r"""The right three values of linear_backward, in another order."""

    def linear_backward(x, W, d_y):
        right = x.T @ d_y, d_y.sum(axis=0, keepdims=True), d_y @ W.T
        return tuple(right[place] for place in places)

    return linear_backward


def linear_in_place(x, W, d_y):
    d_y /= len(x)
    return x.T @ d_y, d_y.sum(axis=0, keepdims=True), d_y @ W.T


def relu_in_place(d_y, y):
    d_y[y <= 0] = 0
    return d_y


def cross_entropy(loss=None, d_logits=None, p_of=softmax):
    r"""A safe softmax_cross_entropy, but for the parts that are given."""

    def softmax_cross_entropy(logits, labels):
        z = logits - logits.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        if p_of is not softmax:
            log_p = np.log(p_of(logits))
        rows, batch = np.arange(len(labels)), len(labels)
        onehot = np.zeros(logits.shape)
        onehot[rows, labels] = 1
        p = np.exp(log_p)
        return (
            loss(log_p, rows, labels) if loss else -log_p[rows, labels].mean(),
            d_logits(p, onehot, batch) if d_logits else (p - onehot) / batch,
        )

    return softmax_cross_entropy


def cross_entropy_of_p(floor):
    def softmax_cross_entropy(logits, labels):
        p, rows = softmax(logits), np.arange(len(labels))
        loss = -np.log(p[rows, labels] + floor).mean()
        p[rows, labels] -= 1
        return loss, p / len(labels)

    return softmax_cross_entropy


def unsafe(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def one_maximum(logits, labels):
    z, rows = logits - logits.max(), np.arange(len(labels))
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -log_p[rows, labels].mean(), (np.exp(log_p) - np.eye(logits.shape[1])[labels]) / len(z)


def returns_nothing(*given):
    str(given)


def two_layers(mean_db2=False, slope=lambda z, h: h * (1 - h), divided=False, mean_db1=False):
    r"""The suspect of the chapter, with the bugs that are asked for."""

    def two_layer_gradient(x, labels, W1, b1, W2, b2):
        z = x @ W1 + b1
        h = 1 / (1 + np.exp(-z))
        loss, d_logits = cross_entropy()(h @ W2 + b2, labels)
        d_z = (d_logits @ W2.T) * slope(z, h)
        db2 = d_logits.mean(axis=0, keepdims=True) if mean_db2 else d_logits.sum(0, keepdims=True)
        db1 = d_z.mean(axis=0, keepdims=True) if mean_db1 else d_z.sum(axis=0, keepdims=True)
        dW1 = x.T @ d_z / len(x) if divided else x.T @ d_z
        return loss, dW1, db1, h.T @ d_logits, db2

    return two_layer_gradient


def stale_two_layers():
    kept = []

    def two_layer_gradient(x, labels, W1, b1, W2, b2):
        kept.append(1 / (1 + np.exp(-(x @ W1 + b1))))
        h = kept[-2] if len(kept) > 1 and kept[-2].shape == kept[-1].shape else kept[-1]
        loss, d_logits = cross_entropy()(kept[-1] @ W2 + b2, labels)
        d_z = (d_logits @ W2.T) * h * (1 - h)
        db1, db2 = d_z.sum(axis=0, keepdims=True), d_logits.sum(axis=0, keepdims=True)
        return loss, x.T @ d_z, db1, h.T @ d_logits, db2

    return two_layer_gradient


def at_z(z, h):
    return z * (1 - z)


def two_layers_by_loops(x, labels, W1, b1, W2, b2):
    loss, sums = 0.0, [0 * W1, 0 * b1, 0 * W2, 0 * b2]
    for row, label in zip(x, labels, strict=True):
        one = two_layers()(row[None], np.array([label]), W1, b1, W2, b2)
        loss += one[0] / len(x)
        sums = [total + part / len(x) for total, part in zip(sums, one[1:], strict=True)]
    return [loss, *sums]


def epoch(
    order=lambda n, size, rng: rng.permutation(n),
    step=lambda w, g, rate, size: w - rate * g,
    batches=lambda order, size: [order[k : k + size] for k in range(0, len(order), size)],
    stale=False,
):
    r"""An epoch, with another order, other batches, or another step."""

    def sgd_epoch(w, gradient, count, learning_rate, batch_size, rng):
        start = w
        for batch in batches(order(count, batch_size, rng), batch_size):
            w = step(w, gradient(start if stale else w, batch), learning_rate, batch_size)
        return w

    return sgd_epoch


def epoch_of_weighed_batches(power):
    r"""An epoch whose steps depend on how many images a batch has."""

    def sgd_epoch(w, gradient, count, learning_rate, batch_size, rng):
        order = rng.permutation(count)
        for first in range(0, count, batch_size):
            batch = order[first : first + batch_size]
            share = (len(batch) / min(batch_size, count)) ** power
            w = w - learning_rate * share * gradient(w, batch)
        return w

    return sgd_epoch


def epoch_of_one_step(w, gradient, count, learning_rate, batch_size, rng):
    for first in range(0, count, batch_size):
        order = rng.permutation(count)
        return w - learning_rate * gradient(w, order[first : first + batch_size])


def epoch_that_shuffles_anew(w, gradient, count, learning_rate, batch_size, rng):
    for first in range(0, count, batch_size):
        batch = rng.permutation(count)[first : first + batch_size]
        w = w - learning_rate * gradient(w, batch)
    return w


def epoch_returning_the_start(w, gradient, *given):
    epoch()(w, gradient, *given)
    return w


def epoch_of_other_w(w, gradient, *given):
    return epoch()(w, lambda at, batch: gradient(at + 1, batch) - 1, *given)


def epoch_in_place(w, gradient, count, learning_rate, batch_size, rng):
    for batch in np.array_split(rng.permutation(count), -(-count // batch_size)):
        w -= learning_rate * gradient(w, batch)
    return w


def epoch_by_shuffle(w, gradient, count, learning_rate, batch_size, rng):
    left = list(range(count))
    rng.shuffle(left)
    while left:
        batch, left = left[:batch_size], left[batch_size:]
        w = w - learning_rate * np.asarray(gradient(w, batch))
    return w


def full_batches(order, size):
    return [order[k : k + size] for k in range(0, len(order) - size + 1, size)] or [order]


def shuffled_inside(order, size):
    rng = np.random.default_rng(0)
    return [rng.permutation(order[k : k + size]) for k in range(0, len(order), size)]


WRONG = {
    "02.1": [
        (both(returns_nothing), "returned None"),
        (both(lambda x, W, d_y: x.T @ d_y), "should return 3 values"),
        (both(lambda x, W, d_y: (x.T @ d_y, d_y @ W.T)), "should return 3 values"),
        (both(in_order(2, 1, 0)), "order is (dW, db, d_x)"),
        (both(in_order(0, 2, 1)), "d_x came second"),
        (both(in_order(1, 0, 2)), "dW came second"),
        (both(linear_in_place), "changes its input `d_y`"),
        (linear(dW=lambda x, W, d_y: x.T @ d_y / len(x)), "dW is not averaged"),
        (linear(dW=lambda x, W, d_y: -x.T @ d_y), "dW has the wrong sign"),
        (linear(dW=lambda x, W, d_y: d_y.T @ x), "dW is transposed"),
        (linear(dW=lambda x, W, d_y: x @ d_y), "x is not transposed"),
        (linear(dW=lambda x, W, d_y: x.T * d_y), "element by element"),
        (linear(dW=lambda x, W, d_y: W.T @ d_y), "dW uses W"),
        (linear(db=lambda x, W, d_y: d_y.mean(axis=0, keepdims=True)), "db is a mean"),
        (linear(db=lambda x, W, d_y: d_y.sum(axis=0)), "lost a dimension"),
        (linear(db=lambda x, W, d_y: d_y), "not summed over the batch"),
        (linear(db=lambda x, W, d_y: d_y.sum()), "db adds up everything"),
        (linear(db=lambda x, W, d_y: d_y.sum(axis=1, keepdims=True)), "sums over the outputs"),
        (linear(db=lambda x, W, d_y: np.ones((1, d_y.shape[1]))), "db is 1"),
        (linear(d_x=lambda x, W, d_y: d_y @ W), "W must be transposed"),
        (linear(d_x=lambda x, W, d_y: W @ d_y.T), "d_x is transposed"),
        (linear(d_x=lambda x, W, d_y: -d_y @ W.T), "d_x has the wrong sign"),
        (linear(d_x=lambda x, W, d_y: d_y), "not yet sent back"),
        (both(relu_backward=returns_nothing), "returned None"),
        (both(relu_backward=lambda d_y, y: d_y * (y >= 0)), "lets everything through"),
        (both(relu_backward=lambda d_y, y: y > 0), "forgets d_y"),
        (both(relu_backward=lambda d_y, y: np.maximum(d_y, 0)), "sign of d_y"),
        (both(relu_backward=lambda d_y, y: d_y * y), "multiplies by y"),
        (both(relu_backward=lambda d_y, y: d_y * np.heaviside(y, 0.5)), "slope 1/2 at y = 0"),
        (both(relu_backward=relu_in_place), "changes its input `d_y`"),
    ],
    "02.2": [
        (returns_nothing, "returned None"),
        (lambda logits, labels: cross_entropy()(logits, labels)[0], "should return 2 values"),
        (lambda logits, labels: cross_entropy()(logits, labels)[::-1], "order is (loss, d_logits)"),
        (cross_entropy(loss=lambda q, rows, y: -q[rows, y].sum()), "sum over the batch"),
        (cross_entropy(loss=lambda q, rows, y: q[rows, y].mean()), "loss has the wrong sign"),
        (cross_entropy(loss=lambda q, rows, y: -q[rows, y]), "loss is not averaged"),
        (cross_entropy(loss=lambda q, rows, y: -q[:, y].mean()), "whole column"),
        (cross_entropy(loss=lambda q, rows, y: -q.mean()), "averages over all classes"),
        (cross_entropy(loss=lambda q, rows, y: -np.exp(q)[rows, y].mean()), "lacks the logarithm"),
        (cross_entropy(loss=lambda q, rows, y: -q[rows, y].mean() / np.log(2)), "base 2"),
        (cross_entropy(p_of=lambda z: softmax(z, 0)), "wrong axis"),
        (cross_entropy(p_of=unsafe), "overflows"),
        (one_maximum, "each row needs its own"),
        (cross_entropy_of_p(0), "rounded to 0"),
        (cross_entropy_of_p(1e-12), "rounded to 0"),
        (cross_entropy(d_logits=lambda p, onehot, n: p - onehot), "lacks the division"),
        (cross_entropy(d_logits=lambda p, onehot, n: (onehot - p) / n), "d_logits has the wrong"),
        (cross_entropy(d_logits=lambda p, onehot, n: p / n), "d_logits is p / B"),
        (cross_entropy(d_logits=lambda p, onehot, n: p / n - onehot), "before it takes the 1"),
        (cross_entropy(d_logits=lambda p, onehot, n: -onehot / p / n), "gradient by p"),
        (cross_entropy(d_logits=lambda p, onehot, n: (p - onehot) / p.size), "number of values"),
    ],
    "02.3": [
        (returns_nothing, "returned None"),
        (lambda *given: two_layers()(*given)[1:], "should return 5 values"),
        (two_layers(mean_db2=True, slope=at_z, divided=True), "db2 is a mean"),
        (two_layers(slope=at_z, divided=True), "slope at z"),
        (two_layers(slope=at_z), "slope at z"),
        (two_layers(divided=True), "dW1 is still divided by the batch"),
        (two_layers(mean_db1=True), "db1 is a mean"),
        (two_layers(slope=lambda z, h: 1.0), "lacks the sigmoid's slope"),
        (two_layers(slope=lambda z, h: h), "not its slope"),
        (two_layers(slope=lambda z, h: 1 - h**2), "tanh"),
        (two_layers(slope=lambda z, h: -h * (1 - h)), "wrong sign"),
        (stale_two_layers(), "kept from an earlier call"),
    ],
    "02.4": [
        (epoch(step=lambda w, g, rate, size: w + rate * g), "uphill"),
        (epoch(step=lambda w, g, rate, size: w - g), "learning rate is missing"),
        (epoch(step=lambda w, g, rate, size: w - rate * g / size), "divides by the batch size"),
        (epoch(step=lambda w, g, rate, size: w - rate * g * size), "multiplies by the batch size"),
        (epoch(stale=True), "gradient of the start"),
        (epoch_of_weighed_batches(1), "smaller batch shorter"),
        (epoch_of_weighed_batches(-1), "smaller batch longer"),
        (epoch(batches=full_batches), "smaller batch is missing"),
        (epoch(batches=shuffled_inside, order=lambda n, s, rng: np.arange(n)), "inside the batche"),
        (epoch(order=lambda n, size, rng: np.arange(n)), "in their order"),
        (epoch(order=lambda n, size, rng: rng.integers(0, n, n)), "come twice"),
        (epoch(order=lambda n, s, rng: np.random.default_rng(0).permutation(n)), "the same order"),
        (epoch(order=lambda n, s, rng: np.random.default_rng().permutation(n)), "with `rng`"),
        (epoch(batches=lambda order, size: [order]), "a batch has 12"),
        (epoch(batches=lambda order, size: order[:, None]), "a batch has 1 "),
        (epoch(order=lambda n, size, rng: 1 + rng.permutation(n)), "There is no image"),
        (epoch_of_one_step, "one batch only"),
        (epoch_that_shuffles_anew, "come twice"),
        (epoch_returning_the_start, "returned w as it was"),
        (epoch_of_other_w, "not taken at the w"),
        (epoch_in_place, "changes its input `w`"),
        (lambda w, *given: w, "never asks"),
        (lambda *given: str(epoch()(*given)) and None, "returned None"),
    ],
    "02.5": [
        (returns_nothing, "returned None"),
        (lambda: [(0.1, 32)], "one for each epoch"),
        (lambda: [("0.1", 32)] * 5, "not '0.1'"),
        (lambda: [(0.1, 10**6)] * 5, "at most 1293"),
        (lambda: [0.1] * 5, "something else"),
        (lambda: [(-0.1, 32)] * 5, "above 0"),
        (lambda: [(0.1, 0.5)] * 5, "whole number"),
        (lambda: [(0.1, 32)] * 5, "too small, or too few"),
        (lambda: [(1.0, 2)] * 5, "thrown them there"),
        (lambda: [(0.4, 8)] * 5, "84% are asked for"),
        (lambda: [(0.3, 2)] * 5, "thrown them there"),
        (lambda: [(0.1, 8)] * 3 + [(0.01, 8)] * 2, "84% are asked for"),
    ],
}

RIGHT = {
    "02.1": [
        {
            "linear_backward": lambda x, W, d_y: [
                np.einsum("bi,bo->io", x, d_y),
                np.ones((1, len(x))) @ d_y,
                np.einsum("bo,io->bi", d_y, W),
            ],
            "relu_backward": lambda d_y, y: np.where(y > 0, d_y, 0),
        },
    ],
    "02.2": [cross_entropy(), lambda *given: list(map(np.float32, cross_entropy()(*given)))],
    "02.3": [two_layers_by_loops],
    "02.4": [epoch(), epoch_by_shuffle],
    "02.5": [
        lambda: [(0.3, 2)] * 3 + [(0.1, 2), (0.03, 2)],
        lambda: np.array([(0.1, 1)] * 3 + [(0.03, 1), (0.01, 1)]),
        lambda: [(0.1, size) for size in (1, 1, 1, 3, 12)],
    ],
}
