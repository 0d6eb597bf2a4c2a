r"""Schedules: a learning rate for every step, as functions that can be put together.

A schedule is called with t, the number of updates (or epochs) already done, so t = 0 gives the
first rate; t is a number or an array. All are frozen dataclasses: they print what they are, compare
equal when they are, and can be pickled. A strategy decides by the validation loss instead.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import dropwhile
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from lrcourse.messages import unknown
from lrcourse.nn import Array

if TYPE_CHECKING:
    from lrcourse.training import Run

RateFunction = Callable[[ArrayLike], float | Array]

_NUMBER = "a finite number, 0 or more", lambda v: isinstance(v, Real) and 0 <= v < math.inf
_SHARE = "a number above 0 and at most 1", lambda v: isinstance(v, Real) and 0 < v <= 1
_RATIO = "a finite number of at least 1", lambda v: isinstance(v, Real) and 1 <= v < math.inf
_COUNT = "a whole number of at least 1", lambda v: isinstance(v, Integral) and v >= 1
_FUNCTION = "a schedule or another function of the step number", callable
# What a field may hold follows from its name, which means the same in every class below.
_ALLOWED = {
    **dict.fromkeys(["learning_rate", "low", "high", "start", "decay", "power", "loss"], _NUMBER),
    **dict.fromkeys(["drop", "base", "warm"], _SHARE),
    **dict.fromkeys(["divide", "divide_last"], _RATIO),
    **dict.fromkeys(["steps", "every", "period", "batch_size", "maximum"], _COUNT),
    "schedule": _FUNCTION,
}


def _check(owner: object, **fields: object) -> None:
    for name, value in fields.items():
        allowed, right = _ALLOWED.get(name, ("", lambda _: True))
        if not right(value):
            raise ValueError(f"{type(owner).__name__}: {name} must be {allowed}, not {value!r}.")


@dataclass(frozen=True)
class Schedule:
    r"""What all schedules share: call one with t to get the rate, or draw it.

    torch's schedulers change an optimizer and count by themselves; these are plain functions.
    """

    def __post_init__(self) -> None:
        _check(self, **vars(self))

    def __call__(self, t: ArrayLike) -> float | Array:
        r"""Return the learning rate of step t = 0, 1, 2 ...: a number, or an array for an array."""
        t = np.asarray(t, dtype=float)
        if not (t >= 0).all():
            raise ValueError(f"{type(self).__name__}: steps count from 0, got {t.min()}.")
        rate = self._rate(t)
        return rate if t.ndim else float(rate)

    def draw(self, steps: int, unit: str = "step", *, log: bool = False, alt: str = "") -> None:
        r"""Draw the first learning rates.

        Args:
            steps: how many.
            unit: what is counted, "step" or "epoch".
            log: logarithmic axis for the rate.
            alt: the figure in words; by default what the schedule is, and where it goes.
        """
        from lrcourse import plots

        _check(self, steps=steps)
        rates = self(np.arange(steps))
        alt = alt or (
            f"Learning rate of {self} over {steps} {unit}s: it begins at {rates[0]:.3g}, lies "
            f"between {rates.min():.3g} and {rates.max():.3g}, and ends at {rates[-1]:.3g}."
        )
        plots.curves(rates, unit, "learning rate", log_y=log, alt=alt)


@dataclass(frozen=True)
class Constant(Schedule):
    r"""The same rate always: :math:`\eta_t = \eta_0`."""

    learning_rate: float

    def _rate(self, t: Array) -> Array:
        return np.full_like(t, self.learning_rate)


@dataclass(frozen=True)
class TimeBased(Schedule):
    r"""Time-based decay: :math:`\eta_t = \eta_0 / (1 + k t)`, k = ``decay``, t in *updates*.

    Source: Keras's old ``SGD(decay=k)``. Its line ``lr *= 1 / (1 + decay * iterations)`` works on a
    local copy: a closed form for each batch, no recursion, and not counted in epochs.
    """

    learning_rate: float
    decay: float

    def _rate(self, t: Array) -> Array:
        return self.learning_rate / (1 + self.decay * t)


@dataclass(frozen=True)
class Step(Schedule):
    r"""Step decay: :math:`\eta_t = \eta_0 \, d^{\lfloor t/E \rfloor}`, d = ``drop``, E = ``every``.

    The same as torch's ``StepLR(every, drop)``, mostly in epochs. Code for Keras often has
    :math:`\lfloor (1+t)/E \rfloor`, which drops one epoch earlier.
    """

    learning_rate: float
    drop: float = 0.5
    every: int = 10

    def _rate(self, t: Array) -> Array:
        return self.learning_rate * self.drop ** (t // self.every)


@dataclass(frozen=True)
class Exponential(Schedule):
    r"""Exponential decay: :math:`\eta_t = \eta_0 e^{-k t}`, k = ``decay``, mostly in epochs.

    The same as torch's ``ExponentialLR(gamma=exp(-decay))``.
    """

    learning_rate: float
    decay: float = 0.1

    def _rate(self, t: Array) -> Array:
        return self.learning_rate * np.exp(-self.decay * t)


@dataclass(frozen=True)
class Inverse(Schedule):
    r"""Caffe's policy "inv": :math:`\eta_t = \eta_0 / (1 + \gamma t)^p`, gamma = ``decay``.

    Source: Singh et al. 2015, equation 4; 1e-4 and 0.75 are Caffe's own in its MNIST example.
    """

    learning_rate: float
    decay: float = 1e-4
    power: float = 0.75

    def _rate(self, t: Array) -> Array:
        return self.learning_rate / (1 + self.decay * t) ** self.power


@dataclass(frozen=True)
class Harmonic(Schedule):
    r"""Sequence 1: :math:`\eta_t = \eta_0 / n` with n = t + 1.

    Meets both conditions of Robbins & Monro 1951: its sum diverges, that of its squares does not.
    """

    learning_rate: float

    def _rate(self, t: Array) -> Array:
        return self.learning_rate / (t + 1)


@dataclass(frozen=True)
class InverseRoot(Schedule):
    r"""Sequence 2: :math:`\eta_t = \eta_0 / \sqrt{n}` with n = t + 1.

    Its sum diverges, and so does that of its squares: the noise never dies out entirely.
    """

    learning_rate: float

    def _rate(self, t: Array) -> Array:
        return self.learning_rate / np.sqrt(t + 1)


@dataclass(frozen=True)
class Geometric(Schedule):
    r"""Sequence 3: :math:`\eta_t = 0.9^n \eta_0` with n = t, 0.9 = ``base``; torch: ExponentialLR.

    Its sum is finite, 10 times the first rate: SGD may stop short of the minimum.
    """

    learning_rate: float
    base: float = 0.9

    def _rate(self, t: Array) -> Array:
        return self.learning_rate * self.base**t


@dataclass(frozen=True)
class SawTooth(Schedule):
    r"""Sequence 4, a saw-tooth: :math:`\eta_t = q_n \eta_0` with n = t + 1 and period P = 10.

    .. math:: q_n = \left(1 - \frac{(n-1) \bmod P}{P}\right) \frac{1}{\lfloor (n-1)/P \rfloor + 1}

    With ``printed=True`` the last factor has :math:`\lfloor n/P \rfloor`, as the source prints it:
    the last rate of each tooth then has the next tooth's size (q of 10 is 0.05, not 0.1). The
    learning rates in the authors' own checkpoints fit only the form above.
    """

    learning_rate: float
    period: int = 10
    printed: bool = False

    def _rate(self, t: Array) -> Array:
        tooth = (t + 1 if self.printed else t) // self.period
        return self.learning_rate * (1 - t % self.period / self.period) / (tooth + 1)


@dataclass(frozen=True)
class Cosine(Schedule):
    r"""Half a cosine: :math:`\eta_t = \eta_T + \frac12 (\eta_0 - \eta_T)(1 + \cos(\pi t / T))`.

    T = ``steps`` and :math:`\eta_T` = ``low``, held after T; torch's ``CosineAnnealingLR`` climbs
    again there. Source: Loshchilov & Hutter 2017, equation 5, one cycle.
    """

    learning_rate: float
    steps: int
    low: float = 0.0

    def _rate(self, t: Array) -> Array:
        return _half_cosine(self.learning_rate, self.low, t / self.steps)


@dataclass(frozen=True)
class Polynomial(Schedule):
    r"""Polynomial decay: :math:`\eta_t = \eta_0 (1 - t/T)^p`, T = ``steps``; 0 from T on.

    The same as torch's ``PolynomialLR(total_iters=steps, power=power)``; power 1 is a line.
    """

    learning_rate: float
    steps: int
    power: float = 1.0

    def _rate(self, t: Array) -> Array:
        left = 1 - np.minimum(t / self.steps, 1)
        return np.where(left > 0, self.learning_rate * left**self.power, 0.0)


@dataclass(frozen=True)
class Warmup(Schedule):
    r"""A line from ``start`` up to the first rate of another schedule, which then begins.

    .. math::

        \eta_t = \eta_s + (f(0) - \eta_s) \, t/T \;\text{ for } t < T, \qquad
        \eta_t = f(t - T) \;\text{ from } T \text{ on}

    f = ``schedule``, T = ``steps``. ``start`` is a rate, 0 by default: then the very first step
    does nothing. Goyal et al. 2017, section 2.2, start at the rate of one worker. torch: LinearLR
    (whose ``start_factor`` is a fraction), then f, in a SequentialLR.
    """

    schedule: RateFunction
    steps: int
    start: float = 0.0

    def _rate(self, t: Array) -> Array:
        rising = self.start + (self.schedule(0) - self.start) * t / self.steps
        return np.where(t < self.steps, rising, self.schedule(np.maximum(t - self.steps, 0)))


@dataclass(frozen=True)
class PerEpoch(Schedule):
    r"""A schedule of epochs, counted in steps: :math:`\eta_t = f(\lfloor t/S \rfloor)`.

    f = ``schedule`` and S = ``steps`` in an epoch. So a warm-up by steps can stand before it.
    """

    schedule: RateFunction
    steps: int

    def _rate(self, t: Array) -> Array:
        return self.schedule(t // self.steps)


MODES = ("triangular", "triangular2", "exp_range")


@dataclass(frozen=True)
class Cyclical(Schedule):
    r"""Up and down in triangles between ``low`` and ``high``, s = ``steps`` updates each way.

    .. math::

        c = \lfloor 1 + t/2s \rfloor \quad x = |t/s - 2c + 1| \quad
        \eta_t = \eta_{low} + (\eta_{high} - \eta_{low}) \max(0, 1 - x) \cdot
        \{1,\; 2^{1-c},\; b^t\}

    The factor at the end is that of ``mode`` "triangular", "triangular2" (each triangle half as
    high), "exp_range" (b = ``base``). Source: Smith 2017, section 3.1. The same as torch's
    ``CyclicLR(..., cycle_momentum=False)``, which without that argument also moves the momentum.
    """

    low: float
    high: float
    steps: int
    mode: str = "triangular"
    base: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mode not in MODES:
            raise ValueError(unknown("mode", self.mode, MODES))
        if self.low > self.high:
            raise ValueError(f"Cyclical: low ({self.low}) must not be above high ({self.high}).")

    def _rate(self, t: Array) -> Array:
        cycle = np.floor(1 + t / (2 * self.steps))
        x = np.abs(t / self.steps - 2 * cycle + 1)
        factor = {"triangular": 1.0, "triangular2": 2 ** (1 - cycle), "exp_range": self.base**t}
        return self.low + (self.high - self.low) * np.maximum(0, 1 - x) * factor[self.mode]


@dataclass(frozen=True)
class OneCycle(Schedule):
    r"""One cycle: half a cosine up to ``learning_rate``, and half a cosine down to almost nothing.

    From :math:`\eta/`\ ``divide`` up in ``warm`` of the ``steps``, then down to that start divided
    by ``divide_last``, and held. Source: Smith & Topin 2018, who use lines; cosines and defaults
    are fast.ai's. The same as torch's ``OneCycleLR(..., cycle_momentum=False)``.
    """

    learning_rate: float
    steps: int
    warm: float = 0.3
    divide: float = 25.0
    divide_last: float = 1e4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 < self.warm * self.steps < self.steps:
            raise ValueError(
                f"OneCycle: warm * steps must be above 1 and below steps ({self.steps}), "
                f"not {self.warm * self.steps:g}."
            )

    def _rate(self, t: Array) -> Array:
        start, top = self.learning_rate / self.divide, self.warm * self.steps - 1
        up = _half_cosine(start, self.learning_rate, t / top)
        part = (t - top) / (self.steps - 1 - top)
        down = _half_cosine(self.learning_rate, start / self.divide_last, part)
        return np.where(t <= top, up, down)


def _half_cosine(first: float, last: float, part: Array) -> Array:
    return last + (first - last) * (1 + np.cos(np.pi * np.clip(part, 0, 1))) / 2


class LearningRateScheduler:
    r"""A callback for ``fit`` that sets the learning rate from a schedule.

    Args:
        schedule: a schedule, or any function from a number to a rate.
        per: "step" (asked before each update, with the updates done) or "epoch" (before each
            epoch, with the epochs done).

    Raises:
        ValueError: not a function, another ``per``, or a warm-up that lasts as long as the run
            (found when the first epoch has shown how many steps there are).

    Keras's callback of this name works per epoch only. ``fit`` has no other rate then: its own
    ``learning_rate`` is not used.
    """

    def __init__(self, schedule: RateFunction, *, per: str) -> None:
        _check(self, schedule=schedule)
        if per not in ("step", "epoch"):
            raise ValueError(unknown("per", per, ("step", "epoch")))
        self.schedule, self.per = schedule, per

    def on_epoch_begin(self, run: "Run") -> None:
        r"""Set the rate of the epoch."""
        if self.per == "epoch":
            run.learning_rate = self.schedule(run.epoch)

    def on_batch_begin(self, run: "Run") -> None:
        r"""Set the rate of the step."""
        if self.per == "step":
            run.learning_rate = self.schedule(run.step)

    def on_epoch_end(self, run: "Run") -> None:
        r"""After the first epoch, refuse a warm-up that would never end."""
        length = run.epochs * (run.step if self.per == "step" else 1)
        if run.epoch == 0 and isinstance(self.schedule, Warmup) and self.schedule.steps >= length:
            raise ValueError(
                f"The warm-up lasts {self.schedule.steps} {self.per}s, but the whole run only "
                f"{length}: shorten the warm-up or train longer."
            )


@dataclass(frozen=True)
class GrowBatch:
    r"""Grow the batch where a schedule of epochs would lower the rate.

    .. math:: B(e) = \min(\mathrm{round}(B_0 \, \eta(0) / \eta(e)),\, B_{max})

    Args:
        schedule: the learning-rate schedule to replace, in epochs.
        batch_size: :math:`B_0`, examples a step in the first epoch.
        maximum: :math:`B_{max}`, at most the number of training examples.

    Raises:
        ValueError: an argument that cannot be, or a first rate of 0.

    A callback for ``fit``, and a function of the epoch. The noise scale of SGD goes as
    :math:`\eta / B`, so either way it falls alike. Source: Smith, Kindermans, Ying & Le 2018.
    """

    schedule: RateFunction
    batch_size: int
    maximum: int

    def __post_init__(self) -> None:
        _check(self, **vars(self))
        if self.maximum < self.batch_size or not self.schedule(0) > 0:
            raise ValueError(
                f"GrowBatch: maximum ({self.maximum}) must be at least batch_size "
                f"({self.batch_size}), and the first rate ({self.schedule(0)}) above 0."
            )

    def __call__(self, epoch: ArrayLike) -> int | np.ndarray:
        r"""Return the batch size of epoch 0, 1, 2 ...: a number, or an array for an array."""
        with np.errstate(divide="ignore"):
            size = self.batch_size * np.divide(self.schedule(0), self.schedule(epoch))
        size = np.clip(np.rint(size), 1, self.maximum).astype(int)
        return size if size.ndim else int(size)

    def on_epoch_begin(self, run: "Run") -> None:
        r"""Set the batch size of the epoch."""
        run.batch_size = self(run.epoch)


class Strategy:
    r"""What the three strategies share: a list of rates, taken one by one when ``_due`` says so.

    Args:
        sequence: the rates to come, such as ``Harmonic(0.1)(np.arange(60))``. Rates at its
            beginning that equal ``learning_rate`` are left out, so that the first one taken is a
            change; when the list is empty, the last rate stays.
        learning_rate: the rate of the first epoch.

    Raises:
        ValueError: a rate that is negative or not finite.

    A strategy is also a callback for ``fit``: it sets the rate when training begins and after each
    epoch. It remembers: make a new one for each run.
    """

    def __init__(self, sequence: Iterable[float], learning_rate: float) -> None:
        if callable(sequence):
            raise ValueError(
                f"{type(self).__name__}: sequence must be a list of rates, such as "
                f"schedule(np.arange(60)), not {sequence!r}."
            )
        rates = [float(rate) for rate in sequence]
        for rate in [learning_rate, *rates]:
            _check(self, learning_rate=rate)
        self.sequence = deque(dropwhile(lambda rate: rate == learning_rate, rates))
        self.learning_rate, self.previous = learning_rate, None

    def update(self, validation_loss: float) -> float:
        r"""Take note of an epoch's validation loss, and return the rate of the next epoch.

        Args:
            validation_loss: V, a finite number.

        Returns:
            The learning rate to go on with.

        Raises:
            ValueError: a loss that is not a finite number, 0 or more.
        """
        _check(self, loss=validation_loss)
        if self._due(validation_loss) and self.sequence:
            self.learning_rate = self.sequence.popleft()
        self.previous = validation_loss
        return self.learning_rate

    def on_train_begin(self, run: "Run") -> None:
        r"""Set the rate of the first epoch."""
        run.learning_rate = self.learning_rate

    def on_epoch_end(self, run: "Run") -> None:
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
    r"""Take the next rate when the validation loss V has hardly moved, :math:`|V_t - V_{t-1}| < c`.

    .. math:: c_0 = 0.01 \, V_1, \qquad c \leftarrow 0.2 \, c \;\text{ after each change}

    There is no comparison before the second epoch. Source: the authors' report; their slides leave
    the first cutoff open.
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

    There is no comparison before the second epoch (the authors' code starts from a loss of 0, so
    that it always fires after the first). ``ReduceLROnPlateau(patience=0)`` is another rule: it
    compares with the *best* loss so far, this one with the one before.
    """

    def _due(self, loss: float) -> bool:
        return self.previous is not None and loss > self.previous
