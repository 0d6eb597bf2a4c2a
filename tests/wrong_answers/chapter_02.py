r"""Wrong answers to the exercises of chapter 02, each with a part of the sentence expected."""

import numpy as np


def softmax(z, axis=1):
    powers = np.exp(z - z.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def linear(dW=None, db=None, d_x=None):
    r"""A right linear_backward, but for the parts that are given."""

    def linear_backward(x, W, d_y):
        return (
            dW(x, W, d_y) if dW else x.T @ d_y,
            db(x, W, d_y) if db else d_y.sum(axis=0, keepdims=True),
            d_x(x, W, d_y) if d_x else d_y @ W.T,
        )

    return linear_backward


def linear_in_place(x, W, d_y):
    d_y /= len(x)
    return x.T @ d_y, d_y.sum(axis=0, keepdims=True), d_y @ W.T


def slopes(sigmoid=None, relu=None):
    return {
        "sigmoid_backward": sigmoid or (lambda d_y, y: d_y * y * (1 - y)),
        "relu_backward": relu or (lambda d_y, y: d_y * (y > 0)),
    }


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


WRONG = {
    "02.1": [
        (returns_nothing, "returned None"),
        (lambda x, W, d_y: x.T @ d_y, "should return 3 values"),
        (lambda x, W, d_y: (x.T @ d_y, d_y @ W.T), "should return 3 values"),
        (lambda x, W, d_y: linear()(x, W, d_y)[::-1], "order is (dW, db, d_x)"),
        (lambda x, W, d_y: (x.T @ d_y, d_y @ W.T, d_y.sum(0, keepdims=True)), "d_x came second"),
        (
            lambda x, W, d_y: (d_y.sum(0, keepdims=True), x.T @ d_y, d_y @ W.T),
            "dW came second",
        ),
        (linear_in_place, "changes its input `d_y`"),
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
    ],
    "02.2": [
        (slopes(sigmoid=returns_nothing), "returned None"),
        (slopes(relu=returns_nothing), "returned None"),
        (slopes(sigmoid=lambda d_y, y: y * (1 - y)), "forgets d_y"),
        (slopes(sigmoid=lambda d_y, y: -d_y * y * (1 - y)), "wrong sign"),
        (slopes(sigmoid=lambda d_y, y: d_y * y * (1 + y)), "1 + y"),
        (slopes(sigmoid=lambda d_y, y: d_y * (1 - y)), "lacks the factor y"),
        (slopes(sigmoid=lambda d_y, y: d_y + y * (1 - y)), "multiplied"),
        (
            slopes(sigmoid=lambda d_y, y: d_y / (1 + np.exp(-y)) / (1 + np.exp(y))),
            "slope at y as if y were x",
        ),
        (slopes(sigmoid=lambda d_y, y: d_y * (1 - y * y)), "tanh"),
        (slopes(relu=lambda d_y, y: d_y * (y >= 0)), "lets everything through"),
        (slopes(relu=lambda d_y, y: y > 0), "forgets d_y"),
        (slopes(relu=lambda d_y, y: np.maximum(d_y, 0)), "sign of d_y"),
        (slopes(relu=lambda d_y, y: d_y * y), "multiplies by y"),
        (slopes(relu=lambda d_y, y: d_y * np.heaviside(y, 0.5)), "slope 1/2 at y = 0"),
        (slopes(relu=relu_in_place), "changes its input `d_y`"),
    ],
    "02.3": [
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
    "02.4": [
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
}
