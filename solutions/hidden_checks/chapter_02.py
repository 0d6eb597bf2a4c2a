r"""Hidden checks of chapter 02, Backprop; what is right comes from differences of the loss."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Wrong, compare
from lrcourse.grading.hidden import HiddenCheck


def _differences(loss: Callable, at: NDArray) -> NDArray:
    gradient = np.empty_like(at)
    for index in np.ndindex(at.shape):
        h = np.zeros_like(at)
        h[index] = 1e-5
        gradient[index] = (loss(at + h) - loss(at - h)) / 2e-5
    return gradient


def _loss(logits: NDArray, labels: NDArray) -> float:
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(labels)), labels].mean()


def _values(got: object, count: int) -> list:
    if not isinstance(got, tuple | list) or len(got) != count:
        raise Wrong("It does not return as many values as the exercise asks for.")
    return list(got)


def linear_of_any_shape(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Shapes in which no wrong transpose fits."""
    for batch, fan_in, fan_out in ((5, 2, 3), (2, 6, 1)):
        x, W = rng.normal(size=(batch, fan_in)), rng.normal(size=(fan_in, fan_out))
        b, d_y = rng.normal(size=(1, fan_out)), rng.normal(size=(batch, fan_out))

        def loss(x=x, W=W, b=b, d_y=d_y):
            return np.sum(d_y * (x @ W + b))

        dW, db, d_x = _values(answers.linear_backward(x.copy(), W.copy(), d_y.copy()), 3)
        compare(dW, _differences(lambda W: loss(W=W), W))
        compare(db, _differences(lambda b: loss(b=b), b))
        compare(d_x, _differences(lambda x: loss(x=x), x))


def relu_of_any_shape(answers: SimpleNamespace, rng: Generator) -> None:
    r"""A vector and a batch of maps."""
    for shape in ((7,), (2, 3, 4)):
        d_y, y = rng.normal(size=shape), np.maximum(rng.normal(size=shape), 0)
        compare(answers.relu_backward(d_y.copy(), y.copy()), np.where(y > 0, d_y, 0.0))


def cross_entropy_of_any_batch(softmax_cross_entropy: Callable, rng: Generator) -> None:
    r"""One example, many classes."""
    for batch, classes in ((1, 2), (6, 12)):
        logits = rng.normal(size=(batch, classes))
        labels = rng.integers(0, classes, batch)
        loss, d_logits = _values(softmax_cross_entropy(logits.copy(), labels.copy()), 2)
        compare(loss, _loss(logits, labels))
        expected = _differences(lambda z: _loss(z, labels), logits)  # noqa: B023
        compare(d_logits, expected, tolerance=1e-5)


def cross_entropy_shifted(softmax_cross_entropy: Callable, rng: Generator) -> None:
    r"""A number added to all scores of a row changes nothing."""
    logits, labels = rng.normal(size=(3, 4)), np.array([0, 3, 1])
    shift = np.array([[900.0], [-900.0], [0.0]])
    loss, d_logits = _values(softmax_cross_entropy(logits + shift, labels), 2)
    compare(loss, _loss(logits, labels), tolerance=1e-9)
    compare(d_logits, _differences(lambda z: _loss(z, labels), logits))


def two_layers_by_differences(two_layer_gradient: Callable, rng: Generator) -> None:
    r"""All four gradients."""
    x, labels = rng.normal(size=(3, 4)), rng.integers(0, 2, 3)
    weights = [rng.normal(size=shape) for shape in ((4, 5), (1, 5), (5, 2), (1, 2))]

    def loss(W1, b1, W2, b2):
        return _loss(1 / (1 + np.exp(-(x @ W1 + b1))) @ W2 + b2, labels)

    given = [array.copy() for array in weights]
    got = _values(two_layer_gradient(x.copy(), labels.copy(), *given), 5)
    compare(got[0], loss(*weights))
    for number, found in enumerate(got[1:]):

        def moved(w, number=number):
            return loss(*weights[:number], w, *weights[number + 1 :])

        compare(found, _differences(moved, weights[number]), tolerance=1e-5)


def epoch_of_any_size(sgd_epoch: Callable, rng: Generator) -> None:
    r"""With a constant gradient only the number of steps counts; each image comes once."""
    for count, size in ((1, 1), (5, 1), (7, 20), (33, 8)):
        seen: list[int] = []

        def gradient(w: NDArray, batch: NDArray, seen: list[int] = seen) -> NDArray:
            seen.extend(np.asarray(batch).tolist())
            return np.array([1.0, -2.0])

        w, rate = rng.normal(size=2), rng.uniform(0.01, 1)
        got = sgd_epoch(w.copy(), gradient, count, rate, size, np.random.default_rng(0))
        compare(got, w - rate * -(-count // size) * np.array([1.0, -2.0]))
        compare(np.sort(seen), np.arange(count))


CHECKS = {
    "02.1": [
        HiddenCheck(
            "other shapes, against differences of the loss",
            linear_of_any_shape,
            points=2,
            hint="Try x of shape (5, 2) and W of shape (2, 3): do all gradients fit?",
        ),
        HiddenCheck(
            "arrays of any shape, through ReLU",
            relu_of_any_shape,
            hint="ReLU works entry by entry, so the number of dimensions must not matter.",
        ),
    ],
    "02.2": [
        HiddenCheck(
            "one example, twelve classes",
            cross_entropy_of_any_batch,
            points=2,
            hint="Try a batch of one, and check the gradient by differences of your own loss.",
        ),
        HiddenCheck(
            "scores moved up and down",
            cross_entropy_shifted,
            hint="A number added to every score of a row must not change loss or gradient.",
        ),
    ],
    "02.3": [
        HiddenCheck(
            "all gradients, against differences of the loss",
            two_layers_by_differences,
            points=3,
            hint="Check all four gradients by differences of the loss, as the chapter does.",
        ),
    ],
    "02.4": [
        HiddenCheck(
            "other numbers of images and batch sizes",
            epoch_of_any_size,
            points=2,
            hint="Try one image, a batch size of 1, and one that is larger than the data.",
        ),
    ],
}
