r"""Callbacks for ``fit`` that set the learning rate or the batch size of the steps to come.

``LearningRateScheduler`` follows a schedule of ``lrcourse.schedules``, and ``GrowBatch`` turns one
into batch sizes. A strategy has a list of rates instead, and decides after each epoch whether to
take the next one. ``fit`` says when it calls a callback.
"""

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import dropwhile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrcourse.messages import unknown
from lrcourse.schedules import Count, NonNegative, RateFunction, Warmup, check
from lrcourse.training import Run


class LearningRateScheduler:
    r"""Set the learning rate from a schedule; ``fit`` then ignores its own ``learning_rate``.

    Args:
        schedule: a schedule, or any function from a number to a rate.
        per: "step" (called before each step with the number of steps done) or "epoch" (before each
            epoch with the number of epochs done).

    Raises:
        ValueError: ``schedule`` is no function, ``per`` is neither of the two, or, when training
            begins, a ``Warmup`` would last as long as the run or longer.

    Keras's callback of this name works per epoch only.
    """

    def __init__(self, schedule: RateFunction, *, per: str) -> None:
        check(self, "schedule", schedule, RateFunction)
        if per not in ("step", "epoch"):
            raise ValueError(unknown("per", per, ("step", "epoch")))
        self.schedule, self.per = schedule, per

    def on_train_begin(self, run: Run) -> None:
        r"""Refuse a warm-up that would not end during this run."""
        steps = math.ceil(run.examples / run.batch_size) if self.per == "step" else 1
        length = run.epochs * steps
        if isinstance(self.schedule, Warmup) and self.schedule.steps >= length:
            raise ValueError(
                f"The warm-up lasts {self.schedule.steps} {self.per}s, but the whole run only "
                f"{length}: shorten the warm-up or train longer."
            )

    def on_epoch_begin(self, run: Run) -> None:
        r"""Set the rate of the epoch."""
        if self.per == "epoch":
            run.learning_rate = self.schedule(run.epoch)

    def on_batch_begin(self, run: Run) -> None:
        r"""Set the rate of the step."""
        if self.per == "step":
            run.learning_rate = self.schedule(run.step)


@dataclass(frozen=True)
class GrowBatch:
    r"""Grow the batch where a schedule of epochs would lower the learning rate.

    .. math:: B(e) = \min(\mathrm{round}(B_0 \, \eta(0) / \eta(e)),\, B_{max})

    Args:
        schedule: the learning-rate schedule to replace, in epochs; its first rate is above 0.
        batch_size: :math:`B_0`, examples a step in the first epoch.
        maximum: :math:`B_{max}`, examples a step; at least ``batch_size``, and at most the number
            of training examples.

    Raises:
        ValueError: an invalid argument or, when training begins, a batch size that ``fit`` refuses,
            such as one that would leave BatchNorm a batch of 1.

    Also a function: call it with an epoch, or with an array of them, to get the batch size. The
    noise scale of SGD is proportional to :math:`\eta / B`, so it falls as under the schedule.
    Source: Smith, Kindermans, Ying & Le 2018.
    """

    schedule: RateFunction
    batch_size: Count
    maximum: Count

    def __post_init__(self) -> None:
        check(self, "schedule", self.schedule, RateFunction)
        check(self, "batch_size", self.batch_size, Count)
        check(self, "maximum", self.maximum, Count)
        if self.maximum < self.batch_size:
            raise ValueError(f"{self}: maximum must be at least batch_size.")
        if not self.schedule(0) > 0:
            raise ValueError(f"{self}: the first rate of the schedule must be above 0.")

    def __call__(self, epoch: ArrayLike) -> int | NDArray[np.integer]:
        r"""Return the batch size of epoch 0, 1, 2 ...: a number, or an array for an array."""
        with np.errstate(divide="ignore"):
            size = self.batch_size * np.divide(self.schedule(0), self.schedule(epoch))
        size = np.clip(np.rint(size), 1, self.maximum).astype(int)
        return size if size.ndim else int(size)

    def on_train_begin(self, run: Run) -> None:
        r"""Refuse a batch size that would stop the run in a later epoch."""
        for epoch in range(run.epochs):
            try:
                run.check_batch_size(self(epoch))
            except ValueError as error:
                raise ValueError(f"GrowBatch, in epoch {epoch + 1}: {error}") from None

    def on_epoch_begin(self, run: Run) -> None:
        r"""Set the batch size of the epoch."""
        run.batch_size = int(self(run.epoch))


class Strategy(ABC):
    r"""What the three strategies share: a list of rates, taken one by one when ``_due`` says so.

    Args:
        sequence: the rates to come, such as ``Harmonic(0.1)(np.arange(60))``. Rates at its
            beginning that equal ``learning_rate`` are dropped, so that the first one taken is a
            change. Once the list is empty, the last rate stays.
        learning_rate: the rate of the first epoch.

    Raises:
        ValueError: ``sequence`` is not a list, or a rate is negative or not finite.

    As a callback for ``fit`` it sets the rate when training begins and after each epoch. It
    remembers what it has taken: make a new one for each run.
    """

    def __init__(self, sequence: Iterable[float], learning_rate: float) -> None:
        if callable(sequence) or not isinstance(sequence, Iterable):
            raise ValueError(
                f"{type(self).__name__}: sequence must be a list of rates, such as "
                f"schedule(np.arange(60)), not {sequence!r}."
            )
        check(self, "learning_rate", learning_rate, NonNegative)
        rates = list(sequence)
        for rate in rates:
            check(self, "each rate of sequence", rate, NonNegative)
        self.sequence = deque(dropwhile(lambda rate: rate == learning_rate, map(float, rates)))
        self.learning_rate = learning_rate
        self.previous: float | None = None

    @abstractmethod
    def _due(self, loss: float) -> bool:
        r"""Say whether to take the next rate after an epoch with this validation loss."""

    def update(self, validation_loss: float) -> float:
        r"""Record the validation loss of an epoch, and return the rate of the next epoch.

        Args:
            validation_loss: V, a finite number, 0 or more.

        Returns:
            The learning rate of the next epoch.

        Raises:
            ValueError: a loss that is negative or not finite.
        """
        check(self, "validation_loss", validation_loss, NonNegative)
        if self._due(validation_loss) and self.sequence:
            self.learning_rate = self.sequence.popleft()
        self.previous = validation_loss
        return self.learning_rate

    def on_train_begin(self, run: Run) -> None:
        r"""Set the rate of the first epoch."""
        run.learning_rate = self.learning_rate

    def on_epoch_end(self, run: Run) -> None:
        r"""Set the rate of the next epoch by the validation loss of this one."""
        epoch = run.history.epochs[-1]
        if "validation_loss" not in epoch:
            raise ValueError(f"{type(self).__name__} needs data with a validation part.")
        run.learning_rate = self.update(epoch["validation_loss"])


class ByEpoch(Strategy):
    r"""Take the next rate after every epoch."""

    def _due(self, loss: float) -> bool:
        return True


class ByCutoff(Strategy):
    r"""Take the next rate when the validation loss has hardly moved, :math:`|V_t - V_{t-1}| < c`.

    .. math:: c_0 = 0.01 \, V_1, \qquad c \leftarrow 0.2 \, c \;\text{ after each change}

    The first comparison is that of the second epoch. Source: the report of Yang & Huang 2019; their
    slides do not give the first cutoff.
    """

    def _due(self, loss: float) -> bool:
        if self.previous is None:
            self.cutoff = 0.01 * loss
            return False
        due = abs(loss - self.previous) < self.cutoff
        if due:
            self.cutoff *= 0.2
        return due


class ByOscillation(Strategy):
    r"""Take the next rate when the validation loss has risen, :math:`V_t > V_{t-1}`.

    The first comparison is that of the second epoch; the code of Yang & Huang 2019 compares the
    first loss with 0, so it always takes a rate after the first epoch. torch's
    ``ReduceLROnPlateau(patience=0)`` is another rule: it compares with the *best* loss so far.
    """

    def _due(self, loss: float) -> bool:
        return self.previous is not None and loss > self.previous
