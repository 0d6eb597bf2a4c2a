r"""Checks of chapter 02, Backprop."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse import nn
from lrcourse.data import load
from lrcourse.exercises import Check, Exercise, Wrong, call_unchanged, compare, several


def _linear(answers: SimpleNamespace, x: NDArray, W: NDArray, d_y: NDArray) -> list:
    got = call_unchanged(answers.linear_backward, x=x, W=W, d_y=d_y)
    return list(several(got, ("dW", "db", "d_x")).values())


def linear_weights(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Square matrices: every wrong transpose still has a value."""
    x, W, d_y = rng.normal(size=(3, 3, 3))
    mistakes = {
        "dW is not averaged: the loss is a mean already, its 1/B sits inside d_y.": x.T @ d_y / 3,
        "dW has the wrong sign: backward multiplies slopes; the minus belongs to the step.": (
            -x.T @ d_y
        ),
        "dW is transposed: W is (fan_in, fan_out), so dW is x.T @ d_y.": d_y.T @ x,
        "In dW, x is not transposed: x.T @ d_y adds over the batch.": x @ d_y,
        "In dW, d_y is transposed as well: only x is.": x.T @ d_y.T,
        "In dW, d_y is transposed instead of x: x.T @ d_y adds over the batch.": x @ d_y.T,
        "`*` multiplies element by element; the matrix product is `@`.": x.T * d_y,
        "dW uses W where x belongs: how far W moves y depends on x.": W.T @ d_y,
        "The order is (dW, db, d_x): d_x came first.": d_y @ W.T,
    }
    got = _linear(answers, x, W, d_y)[0]
    compare(got, x.T @ d_y, mistakes=mistakes, what="the gradient dW")


def linear_bias(answers: SimpleNamespace, rng: Generator) -> None:
    r"""The sum over the batch, as a row."""
    x, W, d_y = rng.normal(size=(3, 3, 3))
    total = d_y.sum(axis=0, keepdims=True)
    mistakes = {
        "db is a mean over the batch; it is the sum: the 1/B sits inside d_y.": total / 3,
        "db has the wrong sign.": -total,
        "db has lost a dimension: b is (1, fan_out), so sum with `keepdims=True`.": total[0],
        "db is not summed over the batch: b is used by every example.": d_y,
        "db adds up everything: sum over the batch alone, `axis=0`.": d_y.sum(),
        "db adds up everything: sum over the batch alone, with `axis=0`.": [[d_y.sum()]],
        "db sums over the outputs: the batch is `axis=0`.": d_y.sum(axis=1),
        "db sums over the outputs; the batch is `axis=0`.": d_y.sum(axis=1, keepdims=True),
        "db is 1: that is the slope of y by b. Multiply it by d_y and add over the batch.": (
            np.ones((1, 3))
        ),
        "The order is (dW, db, d_x): d_x came second.": d_y @ W.T,
        "The order is (dW, db, d_x): dW came second.": x.T @ d_y,
    }
    got = _linear(answers, x, W, d_y)[1]
    compare(got, total, mistakes=mistakes, what="the gradient db")


def linear_inputs(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Back through the transposed weights."""
    x, W, d_y = rng.normal(size=(3, 3, 3))
    mistakes = {
        "In d_x, W must be transposed: d_y @ W.T.": d_y @ W,
        "d_x is transposed: its rows are the examples, as in x.": W @ d_y.T,
        "In d_x, the factors are in the wrong order: d_y @ W.T.": W.T @ d_y,
        "d_x has W @ d_y; shapes and entries say d_y @ W.T.": W @ d_y,
        "d_x has the wrong sign.": -d_y @ W.T,
        "d_x is not averaged: the loss is a mean already, its 1/B sits inside d_y.": d_y @ W.T / 3,
        "d_x is d_y, not yet sent back through W: d_y @ W.T.": d_y,
        "d_x uses x where W belongs: how far x moves y depends on W.": d_y @ x.T,
        "d_x lacks d_y: multiply the slopes W by it.": np.ones_like(d_y) @ W.T,
    }
    got = _linear(answers, x, W, d_y)[2]
    compare(got, d_y @ W.T, mistakes=mistakes, what="the gradient d_x")


def linear_example(answers: SimpleNamespace, rng: Generator) -> None:
    r"""The numbers that the exercise gives: 2 examples, 1 input, 2 outputs."""
    x, W, d_y = (
        np.array([[2.0], [3.0]]),
        np.array([[1.0, -1.0]]),
        np.array([[1.0, 0.0], [2.0, 5.0]]),
    )
    dW, db, d_x = _linear(answers, x, W, d_y)
    compare(dW, [[8.0, 15.0]], what="the gradient dW")
    compare(db, [[3.0, 5.0]], what="the gradient db")
    compare(d_x, [[1.0], [-3.0]], what="the gradient d_x")


def linear_one_example(answers: SimpleNamespace, rng: Generator) -> None:
    r"""A batch of one keeps its two dimensions."""
    x, W, d_y = rng.normal(size=(1, 4)), rng.normal(size=(4, 2)), rng.normal(size=(1, 2))
    dW, db, d_x = _linear(answers, x, W, d_y)
    compare(dW, x.T * d_y, what="the gradient dW")
    compare(db, d_y, what="the gradient db")
    compare(d_x, d_y @ W.T, what="the gradient d_x")


def relu_slope(answers: SimpleNamespace, rng: Generator) -> None:
    r"""d_y where y > 0, else 0."""
    d_y = rng.normal(size=(4, 3))
    y = np.maximum(rng.normal(size=(4, 3)), 0)
    y[1], d_y[1] = (0, 0.7, 1.4), (0.8, 1.6, -1.2)
    mistakes = {
        "relu_backward lets everything through: y is never below 0, so test y > 0. At 0 the slope "
        "is 0.": d_y,
        "relu_backward forgets d_y: multiply it by the slope, 0 or 1.": 1.0 * (y > 0),
        "relu_backward looks at the sign of d_y; what counts is whether y > 0.": np.maximum(d_y, 0),
        "relu_backward looks at the sign of d_y as well; only y > 0 counts.": (
            np.maximum(d_y, 0) * (y > 0)
        ),
        "relu_backward multiplies by y; the slope is 1 where y > 0, whatever its size.": d_y * y,
        "relu_backward lets through what it should block, and blocks the rest.": d_y * (y <= 0),
        "relu_backward has the wrong sign.": -d_y * (y > 0),
        "relu_backward has the slope 1/2 at y = 0; here it is 0, as in torch.": (
            d_y * np.where(y > 0, 1, 0.5)
        ),
        "relu_backward returned y.": y,
        "relu_backward returned y where d_y is above 0; it is d_y where y is above 0.": (
            y * (d_y > 0)
        ),
        "relu_backward uses the slope of the sigmoid; that of ReLU is 0 or 1.": d_y * y * (1 - y),
    }
    got = call_unchanged(answers.relu_backward, d_y=d_y, y=y)
    compare(got, d_y * (y > 0), mistakes=mistakes, what="what relu_backward returned")


def relu_example(answers: SimpleNamespace, rng: Generator) -> None:
    r"""The numbers that the exercise gives."""
    got = answers.relu_backward(np.array([2.0, 2.0, -5.0]), np.array([0.0, 3.0, 0.1]))
    compare(got, [0.0, 2.0, -5.0], what="what relu_backward returned")


def _layers(answers: SimpleNamespace) -> SimpleNamespace:
    r"""Layers whose backward is the learner's."""

    class Linear(nn.Linear):
        def backward(self, d_y: NDArray) -> NDArray:
            self.dW[...], self.db[...], d_x = answers.linear_backward(self.x, self.W, d_y)
            return d_x

    class ReLU(nn.ReLU):
        def backward(self, d_y: NDArray) -> NDArray:
            return answers.relu_backward(d_y, self.y)

    return SimpleNamespace(Linear=Linear, ReLU=ReLU)


def _use_layers(layers: SimpleNamespace) -> None:
    network = nn.Network(
        [layers.Linear(100, 32), layers.ReLU(), layers.Linear(32, 10)], np.random.default_rng(0)
    )
    network.loss_and_gradient(np.ones((32, 100)), np.zeros(32, int))


def _softmax(logits: NDArray, axis: int | None = -1) -> NDArray:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum(axis=axis, keepdims=True)


def _cross_entropy(answer: Callable, logits: NDArray, labels: NDArray) -> list:
    got = call_unchanged(answer, logits=logits, labels=labels)
    loss, d_logits = several(got, ("loss", "d_logits")).values()
    if np.shape(loss) == logits.shape and np.shape(d_logits) == ():
        raise Wrong("The order is (loss, d_logits): the gradient came first.")
    return [loss, d_logits]


def cross_entropy_loss(softmax_cross_entropy: Callable, rng: Generator) -> None:
    r"""Four examples, five classes."""
    logits, labels = 2 * rng.normal(size=(4, 5)), np.array([2, 0, 4, 2])
    rows = np.arange(4)
    losses = -np.log(_softmax(logits)[rows, labels])
    right = _softmax(logits)[rows, labels]
    every = np.log(_softmax(logits))
    mistakes = {
        "The loss is the sum over the batch: divide by the number of examples.": losses.sum(),
        "The loss has the wrong sign: it is minus the logarithm.": -losses.mean(),
        "The loss is not averaged: return one number for the batch.": losses,
        "The softmax runs over the wrong axis: each row adds up to 1, `axis=1`.": (
            -np.log(_softmax(logits, 0)[rows, labels]).mean()
        ),
        "The softmax runs over the whole array: each row adds up to 1, `axis=1`.": (
            -np.log(_softmax(logits, None)[rows, labels]).mean()
        ),
        "The loss is divided by batch and classes: only the right class of each example counts, "
        "so divide by the batch alone.": losses.mean() / 5,
        "The loss averages over all classes: take log p of the right class only.": -every.mean(),
        "The loss adds up all classes: take log p of the right class only.": -every.sum() / 4,
        "`p[:, labels]` takes a whole column for each label; `p[np.arange(B), labels]` takes one "
        "number for each example.": -every[:, labels].mean(),
        "The loss lacks the logarithm.": -right.mean(),
        "The loss lacks the logarithm; 1 - p is another loss.": 1 - right.mean(),
        "The mean stands inside the logarithm: average the logarithms.": -np.log(right.mean()),
        "The logarithm has base 2; `np.log` is the natural one.": losses.mean() / np.log(2),
        "The logarithm has base 10; `np.log` is the natural one.": losses.mean() / np.log(10),
        "The loss takes the log of the logits: softmax first.": -logits[rows, labels].mean(),
    }
    got = _cross_entropy(softmax_cross_entropy, logits, labels)[0]
    compare(got, losses.mean(), mistakes=mistakes, what="the loss")


def cross_entropy_gradient(softmax_cross_entropy: Callable, rng: Generator) -> None:
    r"""(p - onehot) / B."""
    logits, labels = 2 * rng.normal(size=(4, 5)), np.array([1, 1, 0, 4])
    p, onehot = _softmax(logits), np.eye(5)[labels]
    expected = (p - onehot) / 4
    mistakes = {
        "d_logits lacks the division by the batch: the loss is a mean.": p - onehot,
        "d_logits is divided by the batch twice.": expected / 4,
        "d_logits is divided by the number of values; divide by the number of examples.": (
            (p - onehot) / p.size
        ),
        "d_logits has the wrong sign: it is p - onehot.": -expected,
        "d_logits is p / B: take 1 away at the right class.": p / 4,
        "d_logits is p: take 1 away at the right class, then divide by B.": p,
        "d_logits divides p by B before it takes the 1 away: (p - onehot) / B.": p / 4 - onehot,
        "d_logits moves only the right class; the other scores change p as well.": (
            expected * onehot
        ),
        "d_logits is the gradient by log p; go back through the softmax too: (p - onehot) / B.": (
            -onehot / 4
        ),
        "d_logits is the gradient by p; go back through the softmax too: (p - onehot) / B.": (
            -onehot / p / 4
        ),
        "The softmax runs over the wrong axis: each row adds up to 1, `axis=1`.": (
            (_softmax(logits, 0) - onehot) / 4
        ),
        "d_logits uses the logits where p belongs.": (logits - onehot) / 4,
        "d_logits is transposed: its rows are the examples.": expected.T,
    }
    got = _cross_entropy(softmax_cross_entropy, logits, labels)[1]
    compare(got, expected, mistakes=mistakes, what="the gradient d_logits")


def cross_entropy_example(softmax_cross_entropy: Callable, rng: Generator) -> None:
    r"""No preference among ten classes: the loss is log 10."""
    loss, d_logits = _cross_entropy(softmax_cross_entropy, np.zeros((2, 10)), np.array([3, 7]))
    compare(loss, np.log(10), what="the loss")
    compare(d_logits, (0.1 - np.eye(10)[[3, 7]]) / 2, what="the gradient d_logits")


def cross_entropy_large_scores(softmax_cross_entropy: Callable, rng: Generator) -> None:
    r"""Scores of 1000, probabilities of 0, and rows of very different size."""
    logits = np.array([[1000.0, 998.0]])
    loss, d_logits = _cross_entropy(softmax_cross_entropy, logits, np.array([0]))
    if not (np.isfinite(loss) and np.isfinite(d_logits).all()):
        raise Wrong(
            "With logits of 1000 the result is not finite: exp(1000) overflows. Take the largest "
            "score of each row away first; p does not change."
        )
    compare(loss, np.log1p(np.exp(-2.0)), what="the loss with logits of 1000")
    logits = np.array([[1000.0, 0.0], [-1000.0, -1001.0]])
    loss, d_logits = _cross_entropy(softmax_cross_entropy, logits[1:], np.array([0]))
    compare(loss, np.log1p(np.exp(-1.0)), what="the loss with logits of -1000")
    loss, d_logits = _cross_entropy(softmax_cross_entropy, logits[:1], np.array([1]))
    if np.isclose(loss, 0):
        raise Wrong(
            "With logits [1000, 0] and label 1 the loss is 1000; it returned 0: the right class is "
            "the label, not the largest score."
        )
    if not np.isclose(loss, 1000):
        raise Wrong(
            f"With logits [1000, 0] and label 1 the loss is 1000; it returned {float(loss):.4g}. "
            "There p is rounded to 0 before the logarithm: compute log p itself, "
            "z - log(sum(exp(z))), after the largest score is taken away."
        )
    loss, d_logits = _cross_entropy(softmax_cross_entropy, logits, np.array([0, 0]))
    if not np.isclose(loss, np.log1p(np.exp(-1.0)) / 2):
        raise Wrong(
            "It takes the largest score of the whole array away: each row needs its own, "
            "`logits.max(axis=1, keepdims=True)`."
        )


NAMES = ("loss", "dW1", "db1", "dW2", "db2")


def _batch(rng: Generator, batch: int = 4) -> tuple[NDArray, ...]:
    x, labels = rng.normal(size=(batch, 5)), rng.integers(0, 3, batch)
    W1, b1 = rng.normal(size=(5, 6)), rng.normal(size=(1, 6))
    return x, labels, W1, b1, rng.normal(size=(6, 3)), rng.normal(size=(1, 3))


def _two_layers(batch: tuple[NDArray, ...]) -> dict[str, NDArray]:
    r"""Everything on the way of a sigmoid network with one hidden layer."""
    x, labels, W1, b1, W2, b2 = batch
    z = x @ W1 + b1
    h = 1 / (1 + np.exp(-z))
    p = _softmax(h @ W2 + b2)
    rows = np.arange(len(x))
    d_logits = (p - np.eye(3)[labels]) / len(x)
    d_h = d_logits @ W2.T
    d_z = d_h * h * (1 - h)
    return {
        "loss": -np.log(p[rows, labels]).mean(),
        "dW1": x.T @ d_z,
        "db1": d_z.sum(axis=0, keepdims=True),
        "dW2": h.T @ d_logits,
        "db2": d_logits.sum(axis=0, keepdims=True),
        "z": z,
        "h": h,
        "d_logits": d_logits,
        "d_h": d_h,
        "d_z": d_z,
    }


def _two_layer_values(answer: Callable, batch: tuple[NDArray, ...]) -> dict[str, object]:
    given = dict(zip(("x", "labels", "W1", "b1", "W2", "b2"), batch, strict=True))
    return several(call_unchanged(answer, **given), NAMES)


def two_layer_gradient(
    x: NDArray, labels: NDArray, W1: NDArray, b1: NDArray, W2: NDArray, b2: NDArray
) -> tuple:
    r"""What ``yours`` gives until the learner's own passes."""
    h = 1 / (1 + np.exp(-(x @ W1 + b1)))
    loss, d_logits = nn.softmax_cross_entropy(h @ W2 + b2, labels)
    d_z = d_logits @ W2.T * h * (1 - h)
    db1, db2 = (d.sum(axis=0, keepdims=True) for d in (d_z, d_logits))
    return loss, x.T @ d_z, db1, h.T @ d_logits, db2


def two_layers_top(two_layer_gradient: Callable, rng: Generator) -> None:
    r"""Loss, dW2 and db2."""
    batch = _batch(rng)
    right = _two_layers(batch)
    got = _two_layer_values(two_layer_gradient, batch)
    compare(got["loss"], right["loss"], what="the loss")
    mistakes = {
        "dW2 is divided by the batch once more: its 1/B sits inside d_logits.": right["dW2"] / 4,
        "dW2 uses z where h belongs: the layer's input is h.": right["z"].T @ right["d_logits"],
    }
    compare(got["dW2"], right["dW2"], mistakes=mistakes, what="the gradient dW2")
    mistakes = {
        "db2 is a mean: the 1/B sits inside d_logits already, so add over the batch.": (
            right["db2"] / 4
        ),
        "db2 has lost a dimension: b2 is (1, classes), so keep `keepdims=True`.": right["db2"][0],
    }
    compare(got["db2"], right["db2"], mistakes=mistakes, what="the gradient db2")


def two_layers_hidden(two_layer_gradient: Callable, rng: Generator) -> None:
    r"""db1 first: its only part is d_z."""
    batch = _batch(rng)
    right = _two_layers(batch)
    x, z, h, d_h = batch[0], right["z"], right["h"], right["d_h"]
    got = _two_layer_values(two_layer_gradient, batch)
    slopes = {
        "takes the sigmoid's slope at z: z (1 - z). It is h (1 - h).": d_h * z * (1 - z),
        "lacks the sigmoid's slope h (1 - h).": d_h,
        "uses the slope of tanh, 1 - h²; the sigmoid's is h (1 - h).": d_h * (1 - h**2),
        "uses h, not its slope h (1 - h).": d_h * h,
        "lacks the factor h: the slope is h (1 - h).": d_h * (1 - h),
        "uses the slope of ReLU; this network has a sigmoid.": d_h * (z > 0),
        "has the wrong sign at the sigmoid: its slope is h (1 - h).": -right["d_z"],
    }
    mistakes = {f"db1 {why}": d.sum(axis=0, keepdims=True) for why, d in slopes.items()}
    mean = "db1 is a mean: the 1/B sits inside d_logits already, so add over the batch."
    mistakes[mean] = right["db1"] / 4
    compare(got["db1"], right["db1"], mistakes=mistakes, what="the gradient db1")
    mistakes = {
        "dW1 is still divided by the batch: the 1/B sits inside d_logits already.": (
            right["dW1"] / 4
        ),
        "dW1 is multiplied by the batch: the loss is a mean.": right["dW1"] * 4,
    }
    mistakes |= {f"dW1 {why}": x.T @ d for why, d in slopes.items()}
    compare(got["dW1"], right["dW1"], mistakes=mistakes, what="the gradient dW1")


def two_layers_again(two_layer_gradient: Callable, rng: Generator) -> None:
    r"""One batch, another, and that one again: the same result both times."""
    first, second = _batch(rng), _batch(rng)
    for batch in (first, second):
        before = _two_layer_values(two_layer_gradient, batch)
    after = _two_layer_values(two_layer_gradient, second)
    if not all(np.array_equal(before[name], after[name]) for name in NAMES):
        raise Wrong(
            "The same batch gives another result the second time: it uses values kept from an "
            "earlier call. Compute z and h anew at every call."
        )


def two_layers_other_sizes(two_layer_gradient: Callable, rng: Generator) -> None:
    r"""A batch of seven and a batch of one."""
    for size in (7, 1):
        batch = _batch(rng, size)
        got, right = _two_layer_values(two_layer_gradient, batch), _two_layers(batch)
        for name in NAMES:
            compare(got[name], right[name], what=f"the value {name} with {size} in the batch")


def sgd_epoch(
    w: NDArray,
    gradient: Callable,
    count: int,
    learning_rate: float,
    batch_size: int,
    rng: Generator,
) -> NDArray:
    r"""What ``yours`` gives until the learner's own passes."""
    order = rng.permutation(count)
    for first in range(0, count, batch_size):
        w = w - learning_rate * gradient(w, order[first : first + batch_size])
    return w


def _epoch(
    sgd_epoch: Callable, count: int, batch_size: int, rng: Generator
) -> tuple[NDArray, list[NDArray], list[NDArray], object]:
    r"""Run the learner's epoch: the start, each batch, w at each batch, and what it returned.

    Example i pulls w towards targets[i]; the gradient is the mean of w - targets.
    """
    start, targets = np.array([3.0, -2.0]), np.stack([np.arange(count), np.arange(count) ** 2], 1)
    batches, places = [], []

    def gradient(w: NDArray, batch: NDArray) -> NDArray:
        batch = np.asarray(batch)
        if batch.dtype.kind not in "iu" or batch.ndim != 1 or batch.size == 0:
            raise Wrong("`gradient` takes an array of image numbers, at least one.")
        if batch.max() >= count or batch.min() < 0:
            raise Wrong(f"There is no image {batch.max()}: the numbers go from 0 to `count` - 1.")
        if len(batches) > 10 * count:
            raise Wrong("It asks for more gradients than an epoch has images.")
        batches.append(batch)
        places.append(np.array(w, dtype=float))
        return w - targets[batch].mean(axis=0)

    got = call_unchanged(
        lambda w: sgd_epoch(w, gradient, count, 0.1, batch_size, rng),
        w=start,
    )
    if not batches:
        raise Wrong("It never asks for a gradient.")
    return start, batches, places, got


def epoch_sees_each_image_once(sgd_epoch: Callable, rng: Generator) -> None:
    r"""Ten images in batches of four: 4, 4 and 2."""
    for count, size in ((12, 4), (10, 4), (3, 8)):
        _, batches, _, _ = _epoch(sgd_epoch, count, size, rng)
        seen = np.concatenate(batches)
        here = f"With {count} images in batches of {size}"
        if len(batches) == 1 and len(seen) < count:
            raise Wrong(f"{here} it takes one batch only: an epoch takes all images.")
        if len(seen) < count and len(seen) == count - count % size == len(np.unique(seen)):
            raise Wrong(f"{here} the last, smaller batch is missing: take what is left over, too.")
        if len(seen) == count and len(np.unique(seen)) < count:
            raise Wrong(
                f"{here} some images come twice and others never: draw without replacement, such "
                "as from `rng.permutation(count)`."
            )
        if not np.array_equal(np.sort(seen), np.arange(count)):
            raise Wrong(f"{here} it takes {len(seen)} images: an epoch takes each one once.")
        if max(map(len, batches)) != min(size, count):
            raise Wrong(f"{here} a batch has {max(map(len, batches))} images.")
        if [len(batch) for batch in batches[:-1]] != [size] * (len(batches) - 1):
            raise Wrong(f"{here} a batch other than the last is smaller.")


def epoch_shuffles(sgd_epoch: Callable, rng: Generator) -> None:
    r"""Another order in each epoch, and the same again from the same generator."""
    seed = int(rng.integers(2**32))

    def orders() -> list[NDArray]:
        own = np.random.default_rng(seed)
        return [np.concatenate(_epoch(sgd_epoch, 20, 5, own)[1]) for _ in range(2)]

    (one, two), (again, _) = orders(), orders()
    if np.array_equal(one, np.arange(20)):
        raise Wrong("It takes the images in their order: shuffle them, with `rng`.")
    if [sorted(batch) for batch in one.reshape(4, 5).tolist()] == np.arange(20).reshape(
        4, 5
    ).tolist():
        raise Wrong("It shuffles inside the batches only: shuffle all images, then cut batches.")
    if np.array_equal(one, two):
        raise Wrong("Two epochs have the same order: use the `rng` given, not one of your own.")
    if not np.array_equal(one, again):
        raise Wrong("The same `rng` gives another order the second time: shuffle with `rng`.")


def epoch_steps(sgd_epoch: Callable, rng: Generator) -> None:
    r"""Each gradient is taken where the step before has led."""
    count, size, rate = 12, 4, 0.1
    targets = np.stack([np.arange(count), np.arange(count) ** 2], 1)
    start, batches, places, got = _epoch(sgd_epoch, count, size, rng)
    pulls = [targets[batch].mean(axis=0) for batch in batches]

    def end(factor: float = rate, stale: bool = False, steps: int = 3) -> NDArray:
        w = start
        for pull in pulls[:steps]:
            w = w - factor * ((start if stale else w) - pull)
        return w

    mistakes = {
        "The steps go uphill: subtract the gradient.": end(-rate),
        "The learning rate is missing: multiply the gradient by it.": end(1.0),
        "It divides by the batch size, but the gradient is a mean already.": end(rate / size),
        "It multiplies by the batch size; the gradient is a mean.": end(rate * size),
        "It takes the gradient of the start for every batch: use the w of that moment.": end(
            stale=True
        ),
        "It returned w as it was: return w after the last step.": start,
        "It returns after the first step: return after the loop, not inside it.": end(steps=1),
        "It leaves out the last step.": end(steps=2),
    }
    compare(got, end(), mistakes=mistakes, what="w after an epoch")
    if not np.allclose(places[-1], end(steps=2)):
        raise Wrong("The gradients are not taken at the w of that moment.")
    _, batches, places, got = _epoch(sgd_epoch, 10, size, rng)
    if len(batches) == 3:
        last = places[-1] - targets[batches[-1]].mean(axis=0)
        mistakes = {
            "It makes the step of the last, smaller batch shorter: the gradient is a mean of that "
            "batch already.": places[-1] - rate * len(batches[-1]) / size * last,
            "It makes the step of the last, smaller batch longer: the gradient is a mean of that "
            "batch already.": places[-1] - rate * size / len(batches[-1]) * last,
        }
        compare(got, places[-1] - rate * last, mistakes=mistakes, what="w after a smaller batch")


DIM, EPOCHS, STARTS, ASKED = np.float32(0.07), 5, 5, 0.84  # brightness, and accuracy in the mean


def _pairs(plan: Callable) -> list[tuple[float, int]]:
    got = plan()
    if got is None:
        compare(got, 0.0)
    if isinstance(got, np.ndarray) and got.ndim == 2:
        got = got.tolist()
    pairs = f"It should return a list of {EPOCHS} pairs (learning rate, batch size)"
    if not isinstance(got, list | tuple) or len(got) != EPOCHS:
        raise Wrong(f"{pairs}, one for each epoch.")
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in got):
        raise Wrong(f"{pairs}; it has something else in it.")
    for rate, size in got:
        numbers = isinstance(rate, int | float | np.number) and isinstance(
            size, int | float | np.number
        )
        if not (numbers and np.isfinite(rate) and rate > 0):
            raise Wrong(f"{pairs}: a rate is a number above 0, not {rate!r}.")
        if not (size >= 1 and size == int(size)):
            raise Wrong(f"{pairs}: a batch size is a whole number from 1 on, not {size}.")
    return [(float(rate), int(size)) for rate, size in got]


def plan_is_one(plan: Callable, rng: Generator) -> None:
    r"""Five pairs of a rate and a batch size."""
    _pairs(plan)


def _dim_network(rng: Generator, runs: int | None = None) -> nn.Network:
    return nn.Network([nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)], rng, runs)


def plan_learns(plan: Callable, rng: Generator) -> None:
    r"""Five starts, judged on the test images."""
    pairs, digits = _pairs(plan), load("digits")
    x, labels = DIM * digits.train.x, digits.train.y
    if max(size for _, size in pairs) > len(x):
        raise Wrong(f"A batch size is at most {len(x)}, the number of training images.")
    # Side by side the starts learn the same as one by one in `try_plan`, in a third of the time.
    generators = [np.random.default_rng(start) for start in range(STARTS)]
    network = _dim_network(rng, runs=STARTS)
    network.w = np.stack([_dim_network(own).w for own in generators])
    with np.errstate(all="ignore"):
        for rate, size in pairs:
            order = np.array([own.permutation(len(x)) for own in generators])
            for first in range(0, len(x), size):
                batches = order[:, first : first + size]
                network.loss_and_gradient(x[batches], labels[batches])
                network.w -= np.float32(rate) * network.g
            last = network.loss(x, labels).mean()
            if not np.isfinite(last):
                raise Wrong(f"At rate {rate:g} the loss is not a finite number any more.")
    dead = (network.layers[1].y == 0).all(axis=-2)
    mean = network.accuracy(DIM * digits.test.x, digits.test.y).mean()
    if mean >= ASKED:
        return
    said = f"It names {mean:.0%} of the test images right, in the mean of {STARTS} starts; "
    said += f"{ASKED:.0%} are asked for."
    if dead.mean() > 0.3:
        said += f" {dead.mean():.0%} of the hidden units are 0 for every image: steps that were "
        said += "too large have thrown them there."
    elif last > 1.5:
        said += f" The training loss is still {last:.2f}, not far below a guess: the steps were "
        said += "too small, or too few."
    else:
        said += f" The training loss is {last:.2f}: are the last steps too large to settle?"
    raise Wrong(said)


EXERCISES = [
    Exercise(
        id="02.1",
        title="Back through two layers",
        answers=("linear_backward", "relu_backward"),
        checks=[
            Check("dW, the gradient of the weights", linear_weights),
            Check("db, the gradient of the biases", linear_bias),
            Check("d_x, what the layer below receives", linear_inputs),
            Check("the example of the linear layer", linear_example),
            Check("a batch of one", linear_one_example),
            Check("the slope of ReLU", relu_slope),
            Check("the example of ReLU", relu_example),
        ],
        hints=[
            "Each gradient has the shape of what it belongs to. Write the five shapes down first.",
            "A sum over k of a_ik b_kj is entry (i, j) of the product of a and b. Which index do "
            "the sums for W and for x add over, and where does it stand in either factor?",
            "To make dW, (fan_in, fan_out), from x, (B, fan_in), and d_y, (B, fan_out), the B must "
            "vanish: it is the inner size of a matrix product. The same for d_x, where fan_out "
            "must vanish. ReLU hands on an entry of d_y or 0; in NumPy a comparison multiplies "
            "like 1 and 0.",
            "`x.T @ d_y`, then `d_y.sum(axis=0, keepdims=True)`, then `d_y @ W.T`. For ReLU "
            "`d_y * (y > 0)`.",
        ],
        package=lambda: SimpleNamespace(Linear=nn.Linear, ReLU=nn.ReLU),
        adapt=_layers,
        use=_use_layers,
    ),
    Exercise(
        id="02.2",
        title="Softmax and cross-entropy",
        answers=("softmax_cross_entropy",),
        checks=[
            Check("the loss", cross_entropy_loss),
            Check("the gradient", cross_entropy_gradient),
            Check("ten equal scores", cross_entropy_example),
            Check("scores of 1000", cross_entropy_large_scores),
        ],
        hints=[
            "Work it out on paper for the row `[2, -1.1, 0.3]`, as the cell above does. What has "
            "to be done for each row by itself, and what once for the batch?",
            "A number added to all scores of a row changes no p. Which number makes the largest "
            "score harmless? And how do you get log p without the logarithm of p?",
            "After z = scores less the largest of their row: log p is z less the logarithm of the "
            "row's sum of exponentials. `a[np.arange(B), labels]` takes one entry of each row.",
            "For the gradient: p is `np.exp(log_p)`; take 1 away at the right class of each row, "
            "and divide by the number of rows.",
        ],
        package=lambda: nn.softmax_cross_entropy,
    ),
    Exercise(
        id="02.3",
        title="Find three bugs",
        answers=("two_layer_gradient",),
        checks=[
            Check("the same batch twice, the same result", two_layers_again),
            Check("loss, dW2 and db2", two_layers_top),
            Check("db1 and dW1", two_layers_hidden),
            Check("batches of seven and of one", two_layers_other_sizes),
        ],
        hints=[
            "Which of the four gradients does the judge find right? So which lines can you trust? "
            "Go down from there, one line at a time.",
            "dW2 is right, so loss and d_logits are right too. What do you know about db2, whose "
            "examples all add up, and where is the 1/B?",
            "Where does the code take the sigmoid's slope, and of which variable? Fix it and "
            "measure again: db1 is right now, and dW1 is wrong by a factor. Which?",
            "`db2 = d_logits.sum(axis=0, keepdims=True)`, `d_z = d_h * h * (1 - h)`, "
            "`dW1 = x.T @ d_z`.",
        ],
        package=lambda: two_layer_gradient,
    ),
    Exercise(
        id="02.4",
        title="One epoch",
        answers=("sgd_epoch",),
        checks=[
            Check("each image once, in batches", epoch_sees_each_image_once),
            Check("another order in each epoch", epoch_shuffles),
            Check("a step for each batch", epoch_steps),
        ],
        hints=[
            "With ten images and batches of four: which numbers could the three batches hold?",
            "Shuffle all image numbers first: `rng.permutation(count)` does. Then cut slices of "
            "`batch_size` from that; a slice that goes over the end is simply shorter.",
            "`for first in range(0, count, batch_size):`, and in the loop one step: w less the "
            "learning rate times the gradient at this w, for the slice that begins at `first`.",
        ],
        package=lambda: sgd_epoch,
        use=lambda epoch: epoch(
            np.zeros(50_000), lambda w, batch: w, 400, 0.1, 32, np.random.default_rng(0)
        ),
    ),
    Exercise(
        id="02.5",
        title="A plan for dim images",
        answers=("plan",),
        checks=[
            Check("five pairs", plan_is_one),
            Check("84 % of the test images, in the mean of five starts", plan_learns),
        ],
        hints=[
            "First keep one pair for all five epochs. Try some rates at one batch size, then at a "
            "smaller and at a larger one. Write the numbers down: which is the best, and is it "
            "inside of what you tried?",
            "We found no single pair that is enough. What did the section before do with the rate "
            "near the end, and what did that change?",
            "Small batches give many steps. Find the largest rate that still learns well with "
            "them, and let the last epochs settle, with smaller rates or with larger batches.",
        ],
    ),
]
