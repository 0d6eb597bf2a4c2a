r"""One training loop: shuffled mini-batches, Keras's callback events, and a plain record."""

import json
import math
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from tqdm import tqdm

from lrcourse.browser import IN_BROWSER
from lrcourse.data import Data
from lrcourse.messages import nearest
from lrcourse.nn import Array, BatchNorm, Network
from lrcourse.optim.rule import Rule, checked_rule

if IN_BROWSER:
    tqdm.monitor_interval = 0  # the monitor is a thread: there are none, and tqdm would warn
EVENTS = (
    "on_train_begin",
    "on_epoch_begin",
    "on_batch_begin",
    "on_batch_end",
    "on_epoch_end",
    "on_train_end",
)


class Stop(StrEnum):
    r"""Why a run ended."""

    COMPLETED = "completed"
    DIVERGED = "diverged"  # a loss that is not finite
    INTERRUPTED = "interrupted"  # Ctrl-C
    CALLBACK = "callback"  # one that called ``run.stop``
    ERROR = "error"  # an exception, which has the record as its ``history``


@dataclass
class History:
    r"""What happened in a training run.

    Attributes:
        setting: rule, batch size and epochs asked for, number of parameters.
        loss: training loss of each mini-batch, before its step; for K runs a list of K.
        learning_rate: the rate of each step.
        epochs: one dict an epoch: loss (mean over its steps), learning_rate, steps, and where the
            data has a validation set, validation_loss and validation_accuracy.
        reason: why the run ended, a ``Stop``.
        stopped: the same as a sentence, or "" if the run was completed.
    """

    setting: dict = field(default_factory=dict)
    loss: list = field(default_factory=list)
    learning_rate: list = field(default_factory=list)
    epochs: list[dict] = field(default_factory=list)
    reason: Stop = Stop.COMPLETED
    stopped: str = ""

    def save(self, path: str | Path) -> None:
        r"""Write the record as strict JSON, in which a number that is not finite is null.

        Args:
            path: the file to write.
        """
        record = json.dumps(asdict(self), default=lambda number: number.tolist())
        strict = json.loads(record, parse_constant=lambda name: None)
        Path(path).expanduser().write_text(json.dumps(strict), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "History":
        r"""Read a record that ``save`` wrote.

        Args:
            path: the file to read.

        Returns:
            The record, equal to the one saved, but that a number that is not finite is nan.
        """
        record = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
        for name in ("loss", "learning_rate", "epochs"):
            record[name] = _with_nan(record[name])
        return cls(**record | {"reason": Stop(record["reason"])})


class Run:
    r"""What a callback sees and may change while ``fit`` works.

    Attributes:
        network: the network in training.
        rule: the optimizer.
        learning_rate: the rate of the next step; set it to change it.
        batch_size: examples a step; set it in on_epoch_begin to change it.
        epochs: epochs asked for.
        epoch: number of the epoch, from 0.
        step: number of updates done.
        loss: loss of the last mini-batch, a number or (K,).
        examples: number of training examples.
        history: the record so far.
    """

    loss: float | Array

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

    def stop(self, why: str = "a callback asked to stop", reason: Stop = Stop.CALLBACK) -> None:
        r"""End the training after this step.

        Args:
            why: a sentence, kept in ``history.stopped``.
            reason: kept in ``history.reason``.
        """
        self.history.stopped, self.history.reason = why, reason

    def check_batch_size(self, batch_size: int) -> int:
        r"""Return the batch size, if all batches of an epoch can be trained on.

        Args:
            batch_size: examples a step.

        Raises:
            ValueError: not a whole number from 1 to the number of examples, or one that leaves
                BatchNorm a batch of 1.
        """
        n = self.examples
        if not isinstance(batch_size, int | np.integer) or not 1 <= batch_size <= n:
            raise ValueError(
                f"batch_size must be a whole number from 1 to {n} (the number of examples), "
                f"not {batch_size!r}."
            )
        if n % batch_size == 1 % batch_size and any(
            isinstance(layer, BatchNorm) for layer in self.network.layers
        ):
            raise ValueError(
                f"With batch_size {batch_size} one batch of {n} examples has only 1, and BatchNorm "
                "needs at least 2: choose another batch size."
            )
        return batch_size


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
        network: changed in place. K stacked runs all see the same batches. BatchNorm
            layers are left ready to evaluate, however the run ends: ``network.train(False)``.
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
        Ctrl-C, training stops, the record up to there is returned, and ``reason`` and ``stopped``
        say why.

    Raises:
        TypeError: an argument of the wrong kind.
        ValueError: an invalid learning rate, batch size or number of epochs, a callback without
            events, or data that cannot be trained on, all before the first step.
        Exception: whatever a callback raises, with the record so far as its ``history``.
    """
    rule, calls = checked_rule(rule), _calls(callbacks)
    if not isinstance(rng, Generator):
        raise TypeError(f"rng must be a numpy Generator, such as default_rng(0), not {rng!r}.")
    if not isinstance(epochs, int | np.integer) or epochs < 1:
        raise ValueError(f"epochs must be a whole number of at least 1, not {epochs!r}.")
    x, labels = _checked_data(network, data)
    run = Run(network, rule, learning_rate, batch_size, epochs, len(x))
    history = run.history
    history.setting = {
        "rule": type(rule).__name__,
        "batch_size": run.check_batch_size(batch_size),
        "epochs": epochs,
        "parameters": network.w.shape[-1],
    }
    validation = data.validation if isinstance(data, Data) and len(data.validation.y) else None
    _give(rule, network)
    network.train()
    bar = tqdm(
        total=epochs * -(-len(x) // batch_size),
        unit="step",
        delay=2,
        disable=not progress,
        file=sys.stdout,
        leave=False,
    )
    # Losses that are not finite are found below; NumPy's warnings would only say it less clearly.
    with bar, np.errstate(over="ignore", invalid="ignore"):
        try:
            _call(calls["on_train_begin"], run)
            for run.epoch in range(epochs):
                _call(calls["on_epoch_begin"], run)
                first = run.step
                for batch in _batches(run, rng):
                    if history.stopped:
                        break
                    _call(calls["on_batch_begin"], run)
                    run.loss = network.loss_and_gradient(
                        x.take(batch, axis=0), labels.take(batch, axis=0)
                    )
                    history.loss.append(run.loss.tolist())
                    history.learning_rate.append(_plain(run.learning_rate))
                    if not _any_finite(history.loss[-1]):
                        run.stop(_not_finite(run, "loss", history.loss[-1]), Stop.DIVERGED)
                        break
                    rule.step(network.w, network.g, run.learning_rate)
                    run.step += 1
                    bar.update()
                    _call(calls["on_batch_end"], run)
                else:
                    epoch = _summary(run, first, validation)
                    history.epochs.append(epoch)
                    loss = epoch.get("validation_loss", 0.0)
                    if not _any_finite(loss):
                        run.stop(_not_finite(run, "validation loss", loss), Stop.DIVERGED)
                        break
                    _call(calls["on_epoch_end"], run)
                if history.stopped:
                    break
        except KeyboardInterrupt:
            run.stop(
                f"interrupted in epoch {run.epoch + 1}, after {run.step} steps", Stop.INTERRUPTED
            )
        except Exception as error:
            run.stop(f"{type(error).__name__}: {error}", Stop.ERROR)
            error.history = history  # type: ignore[attr-defined]
            error.add_note("The record up to here is the `history` of this error.")
            raise
        finally:
            network.train(False)
        if run.step:
            network.w = rule.evaluation_weights(network.w)
        _call(calls["on_train_end"], run)
    if history.stopped:
        warnings.warn(f"Training stopped: {history.stopped}.", RuntimeWarning, stacklevel=2)
    return history


def _checked_data(network: Network, data: Data | tuple[Array, Array]) -> tuple[Array, NDArray]:
    x, labels = data.train if isinstance(data, Data) else data
    x, labels = np.asarray(x, network.w.dtype), np.asarray(labels)
    if x.ndim != 2 or x.shape[1] != network.fan_in:
        raise ValueError(f"x must be (examples, {network.fan_in}) for this network, not {x.shape}.")
    network.loss_function(np.zeros((len(x), network.fan_out), x.dtype), labels)  # looks at labels
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(
            f"x is {x[row, column]} in row {row}, column {column}: remove or replace what is not a "
            "finite number before training."
        )
    return x, labels


def _give(rule: Rule, network: Network) -> None:
    # What a rule remembers belongs to one network; a copy of the rule is nobody's yet.
    given = getattr(rule, "_network", lambda: network)
    if given() is not network and (rule.state or hasattr(rule, "parts")):
        raise ValueError(
            f"This {type(rule).__name__} has trained another network and remembers it: make a new "
            "one for each network, or pass copy.deepcopy(rule) to carry its state over."
        )
    vars(rule)["_network"] = weakref.ref(network)
    if getattr(rule, "parts", ()) is None:
        vars(rule)["parts"] = network.parts


def _batches(run: Run, rng: Generator) -> Iterator[NDArray[np.integer]]:
    order, size = rng.permutation(run.examples), run.check_batch_size(run.batch_size)
    for start in range(0, run.examples, size):
        yield order[start : start + size]


def _summary(run: Run, first: int, validation: tuple[Array, Array] | None) -> dict:
    history, network = run.history, run.network
    epoch = {
        "loss": np.mean(history.loss[first:], axis=0).tolist(),
        "learning_rate": history.learning_rate[-1],
        "steps": run.step,
    }
    if validation is not None:
        stepped = network.w.copy()
        network.w = run.rule.evaluation_weights(network.w)
        network.train(False)
        logits = network.forward(validation[0])
        right = logits.argmax(axis=-1) == validation[1]
        epoch["validation_loss"] = network.loss_function(logits, validation[1])[0].tolist()
        epoch["validation_accuracy"] = right.mean(axis=-1).tolist()
        network.train()
        network.w = stepped
    return epoch


def _not_finite(run: Run, what: str, value: float | list[float]) -> str:
    value = np.ravel(value)[0]
    if run.step == 0:
        return (
            f"the {what} of the first batch is {value}, before any step: the initial weights or "
            "the values of x are too large"
        )
    rate = np.max(run.learning_rate)
    where = f"epoch {run.epoch + 1}, at step {run.step + 1}"
    return (
        f"the {what} became {value} in {where}; the learning rate {rate:g} is probably too large "
        f"here, try {rate / 10:g}"
    )


def _any_finite(loss: float | list[float]) -> bool:
    return any(map(math.isfinite, loss)) if isinstance(loss, list) else math.isfinite(loss)


def _plain(value: float | Array) -> float | list:
    return value if isinstance(value, float) else np.ravel(value).tolist()


def _checked_learning_rate(value: float | Array, network: Network) -> float | Array:
    rates = np.asarray(value, dtype=float)
    with np.errstate(over="ignore"):
        as_w = rates.astype(network.w.dtype)
    if not (np.isfinite(as_w).all() and (as_w >= 0).all()):
        raise ValueError(f"The learning rate must be a finite number, 0 or more, not {value}.")
    if rates.ndim == 0:
        return float(rates)
    runs = network.w.shape[:-1]
    if rates.shape != (*runs, 1):
        raise ValueError(
            f"Learning rates of shape {rates.shape} do not fit this network: give one number"
            + (f", or {runs[0]} of them in an array of shape ({runs[0]}, 1)." if runs else ".")
        )
    return as_w


def _calls(callbacks: Sequence[object]) -> dict[str, list[Callable[[Run], None]]]:
    if not isinstance(callbacks, list | tuple):
        raise TypeError(f"callbacks must be a list: [{type(callbacks).__name__}(...)].")
    for callback in callbacks:
        name = type(callback).__name__
        if isinstance(callback, type):
            raise TypeError(f"A callback must be an instance, not the class {callback.__name__}.")
        events = [each for each in dir(callback) if each.startswith("on_")]
        for event in events:
            if event not in EVENTS:
                raise ValueError(
                    f"{name}.{event} would never be called: the events are {', '.join(EVENTS)}. "
                    f"Did you mean {nearest(event, EVENTS, cutoff=0)}?"
                )
        if not events:
            raise ValueError(f"{callback!r} is no callback: it has none of {', '.join(EVENTS)}.")
    return {e: [getattr(c, e) for c in callbacks if hasattr(c, e)] for e in EVENTS}


def _call(calls: list[Callable[[Run], None]], run: Run) -> None:
    for call in calls:
        call(run)


def _with_nan(value: object) -> object:
    if isinstance(value, dict):
        return {name: _with_nan(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_nan(each) for each in value]
    return math.nan if value is None else value
