r"""One training loop: shuffled mini-batches, Keras's callback moments, and a plain record."""

import json
import math
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from tqdm import tqdm

from lrcourse.data import Data
from lrcourse.nn import Array, BatchNorm, Network, softmax_cross_entropy
from lrcourse.optim import Rule, in_blocks

MOMENTS = (
    "on_train_begin",
    "on_epoch_begin",
    "on_batch_begin",
    "on_batch_end",
    "on_epoch_end",
    "on_train_end",
)


@dataclass
class History:
    r"""What happened in a training run.

    Attributes:
        setting: rule, batch size and epochs asked for, number of parameters.
        loss: training loss of each mini-batch, before its step; for K runs a list of K.
        learning_rate: the rate of each step.
        epochs: one dict an epoch: loss (mean over its steps), learning_rate, steps, and where the
            data has a validation set, validation_loss and validation_accuracy.
        stopped: why the run ended early, or "".
    """

    setting: dict = field(default_factory=dict)
    loss: list = field(default_factory=list)
    learning_rate: list = field(default_factory=list)
    epochs: list[dict] = field(default_factory=list)
    stopped: str = ""

    def save(self, path: str | Path) -> None:
        r"""Write the record as JSON.

        Args:
            path: the file to write.
        """
        Path(path).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "History":
        r"""Read a record that ``save`` wrote.

        Args:
            path: the file to read.

        Returns:
            The record, equal to the one saved.
        """
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))


class Run:
    r"""What a callback sees and may change while ``fit`` works.

    Attributes:
        network: the network in training.
        rule: the optimizer.
        learning_rate: the rate of the next step; set it to change it.
        batch_size: examples a step; set it in on_epoch_begin to change it.
        epochs: epochs asked for.
        examples: number of training examples.
        epoch: number of the epoch, from 0.
        step: number of updates done.
        loss: loss of the last mini-batch, a number or (K,).
        history: the record so far.
    """

    def __init__(
        self,
        network: Network,
        rule: Rule,
        learning_rate: float | Array,
        batch_size: int,
        epochs: int,
        examples: int,
    ) -> None:
        self.network, self.rule, self.examples = network, rule, examples
        self.learning_rate, self.batch_size, self.epochs = learning_rate, batch_size, epochs
        self.epoch, self.step, self.loss, self.history = 0, 0, math.nan, History()

    @property
    def learning_rate(self) -> float | Array:
        r"""The rate of the next step: a number, or (K, 1)."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float | Array) -> None:
        self._learning_rate = _checked_learning_rate(value, self.network)

    def check_batch_size(self, size: int) -> None:
        r"""Raise a ValueError if a batch size is invalid, or leaves BatchNorm a batch of 1.

        Args:
            size: examples a step.
        """
        normed = any(isinstance(layer, BatchNorm) for layer in self.network.layers)
        if self.examples % _checked_batch_size(size, self.examples) == 1 % size and normed:
            raise ValueError(
                f"With batch_size {size} a batch of 1 example comes up among {self.examples}, and "
                "BatchNorm needs at least 2: choose another batch size."
            )

    def stop(self, why: str = "a callback asked to stop") -> None:
        r"""Let the training end after this step.

        Args:
            why: kept in ``history.stopped``.
        """
        self.history.stopped = why


def fit(
    network: Network,
    data: Data | tuple[Array, Array],
    rule: Rule,
    *,
    learning_rate: float | Array,
    batch_size: int,
    epochs: int,
    rng: Generator,
    callbacks: Sequence[object] = (),
    progress: bool = True,
) -> History:
    r"""Train a network on shuffled mini-batches.

    Args:
        network: changed in place. With K stacked runs all of them see the same batches. BatchNorm
            layers are left as they are to evaluate: ``network.train(False)``.
        data: a data set from ``lrcourse.data.load`` (its training part is used, and its validation
            part measured after each epoch), or a pair x (n, features), labels (n,).
        rule: the optimizer, such as ``SGD()``.
        learning_rate: a number, or (K, 1) for K stacked runs; 0 or more.
        batch_size: examples a step, 1 to n; the last batch of an epoch may be smaller.
        epochs: passes over the training data, 1 or more.
        rng: numpy Generator that shuffles the data: the same seed gives the same bits.
        callbacks: objects with any of on_train_begin, on_epoch_begin, on_batch_begin,
            on_batch_end, on_epoch_end, on_train_end; each is called with one argument, a ``Run``.
        progress: show a progress bar if the training lasts over two seconds.

    Returns:
        The record of the run. If the loss of a run (of all K runs) is not finite any more, or on
        Ctrl-C, training stops, the record up to there comes back and ``stopped`` says why.

    Raises:
        ValueError: a learning rate, batch size, number of epochs, data or callback that cannot be.
    """
    x, labels = data.train if isinstance(data, Data) else data
    x, labels = np.asarray(x, network.w.dtype), np.asarray(labels)
    if len(x) != len(labels):
        raise ValueError(f"Each example needs one label: x is {x.shape}, labels {labels.shape}.")
    if not isinstance(epochs, int | np.integer) or epochs < 1:
        raise ValueError(f"epochs must be a whole number of at least 1, not {epochs!r}.")
    calls = {moment: _calls(moment, callbacks) for moment in MOMENTS}
    run = Run(network, rule, learning_rate, batch_size, epochs, len(x))
    run.check_batch_size(batch_size)
    history = run.history
    history.setting = {
        "rule": type(rule).__name__,
        "batch_size": batch_size,
        "epochs": epochs,
        "parameters": network.w.shape[-1],
    }
    validation = data.validation if isinstance(data, Data) and len(data.validation.y) else None
    take_step = in_blocks(rule, network.w, network.g)
    steps = -(-len(x) // batch_size)
    network.train()
    bar = tqdm(
        total=epochs * steps,
        unit="step",
        delay=2,
        disable=not progress,
        file=sys.stdout,
        leave=False,
    )
    # Not finite is what we look for ourselves: NumPy's warnings would only say it less clearly.
    with bar, np.errstate(over="ignore", invalid="ignore"):
        try:
            _call(calls["on_train_begin"], run)
            for run.epoch in range(epochs):
                _call(calls["on_epoch_begin"], run)
                first = run.step
                for batch in _batches(len(x), run.batch_size, rng):
                    if history.stopped:
                        break
                    _call(calls["on_batch_begin"], run)
                    run.loss = network.loss_and_gradient(x.take(batch, axis=0), labels.take(batch))
                    history.loss.append(run.loss.tolist())
                    history.learning_rate.append(_plain(run.learning_rate))
                    if not _any_finite(history.loss[-1]):
                        run.stop(_not_finite(run))
                        break
                    take_step(run.learning_rate)
                    run.step += 1
                    bar.update()
                    _call(calls["on_batch_end"], run)
                else:
                    history.epochs.append(_summary(run, first, validation))
                    _call(calls["on_epoch_end"], run)
                if history.stopped:
                    break
        except KeyboardInterrupt:
            run.stop(f"interrupted in epoch {run.epoch + 1}, after {run.step} steps")
        network.train(False)
        _call(calls["on_train_end"], run)
    if history.stopped:
        warnings.warn(f"Training stopped: {history.stopped}.", RuntimeWarning, stacklevel=2)
    return history


def _batches(n: int, batch_size: int, rng: Generator) -> Iterator[NDArray[np.integer]]:
    order = rng.permutation(n)
    for start in range(0, n, _checked_batch_size(batch_size, n)):
        yield order[start : start + batch_size]


def _summary(run: Run, first: int, validation: tuple[Array, Array] | None) -> dict:
    history = run.history
    network = run.network
    epoch = {
        "loss": np.mean(history.loss[first:], axis=0).tolist(),
        "learning_rate": history.learning_rate[-1],
        "steps": run.step,
    }
    if validation is not None:
        network.train(False)
        logits = network.forward(validation[0])
        network.train()
        loss, _ = softmax_cross_entropy(logits, validation[1])
        right = logits.argmax(axis=-1) == validation[1]
        epoch["validation_loss"] = loss.tolist()
        epoch["validation_accuracy"] = right.mean(axis=-1).tolist()
    return epoch


def _not_finite(run: Run) -> str:
    rate = np.max(run.learning_rate)
    return (
        f"the loss became {run.loss.ravel()[0]} in epoch {run.epoch + 1}, at step {run.step + 1}; "
        f"the learning rate {rate:g} is probably too large here, try {rate / 10:g}"
    )


def _any_finite(loss: float | list[float]) -> bool:
    return any(map(math.isfinite, loss)) if isinstance(loss, list) else math.isfinite(loss)


def _plain(value: float | Array) -> float | list:
    return value if isinstance(value, float) else np.ravel(value).tolist()


def _checked_learning_rate(value: float | Array, network: Network) -> float | Array:
    rates = np.asarray(value, dtype=float)
    if not (np.isfinite(rates).all() and (rates >= 0).all()):
        raise ValueError(f"The learning rate must be a finite number, 0 or more, not {value}.")
    if rates.ndim == 0:
        return float(rates)
    runs = network.w.shape[:-1]
    if rates.shape != (*runs, 1):
        raise ValueError(
            f"Learning rates of shape {rates.shape} do not fit this network: give one number"
            + (f", or {runs[0]} of them in an array of shape ({runs[0]}, 1)." if runs else ".")
        )
    return rates.astype(network.w.dtype)


def _checked_batch_size(batch_size: int, n: int) -> int:
    if not isinstance(batch_size, int | np.integer) or not 1 <= batch_size <= n:
        raise ValueError(
            f"batch_size must be a whole number from 1 to {n} (the number of examples), "
            f"not {batch_size!r}."
        )
    return batch_size


def _calls(moment: str, callbacks: Sequence[object]) -> list[Callable[[Run], None]]:
    for callback in callbacks:
        names = [name for name in dir(callback) if name.startswith("on_")]
        for name in names:
            if name not in MOMENTS:
                near = get_close_matches(name, MOMENTS, n=1, cutoff=0)[0]
                raise ValueError(
                    f"{type(callback).__name__}.{name} would never be called: the moments are "
                    f"{', '.join(MOMENTS)}. Did you mean {near}?"
                )
        if not names:
            raise ValueError(f"{callback!r} is no callback: it has none of {', '.join(MOMENTS)}.")
    return [getattr(callback, moment) for callback in callbacks if hasattr(callback, moment)]


def _call(calls: list[Callable[[Run], None]], run: Run) -> None:
    for call in calls:
        call(run)
