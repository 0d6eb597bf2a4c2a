r"""Schedules: the learning rate as a function of the step, or of the epoch.

A schedule is called with t, the number of steps (or epochs) already done, so t = 0 gives the first
rate; t is a number or an array. Every schedule is a frozen dataclass: it prints what it is, equals
another with the same fields, and can be pickled. A field with an invalid value raises a ValueError.
``lrcourse.callbacks`` has the callback that hands a schedule to ``fit``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike

from lrcourse.messages import unknown
from lrcourse.nn import Array

# The types of the fields: what each may hold, in words and as a test.
NonNegative = Annotated[float, "a finite number, 0 or more", lambda v: 0 <= v < np.inf]
AtLeastOne = Annotated[float, "a finite number, 1 or more", lambda v: 1 <= v < np.inf]
Fraction = Annotated[float, "a number above 0 and at most 1", lambda v: 0 < v <= 1]
Count = Annotated[int, "a whole number, 1 or more", lambda v: v >= 1]
RateFunction = Annotated[Callable[[ArrayLike], float | Array], "a schedule or a function", callable]
_NUMBERS = {float: Real, int: Integral}  # NumPy's numbers included


def check(owner: object, name: str, value: object, kind: Any) -> None:
    r"""Raise a ValueError if a value does not fit its type.

    Args:
        owner: the object that was given the value; the sentence names its class.
        name: what it calls the value.
        value: what was given.
        kind: ``NonNegative`` or another of the types above.
    """
    allowed, test = kind.__metadata__
    number = _NUMBERS.get(kind.__origin__, object)
    if isinstance(value, type) or not (isinstance(value, number) and test(value)):
        raise ValueError(f"{type(owner).__name__}: {name} must be {allowed}, not {value!r}.")


class Schedule(ABC):
    r"""What all schedules share: call one with t to get the learning rate.

    Your own is a frozen dataclass with a method ``_rate(t)``, the formula for an array t. Fields of
    type NonNegative, AtLeastOne, Fraction, Count or RateFunction are checked, others are not.
    torch's schedulers count for themselves and change an optimizer; these are plain functions.
    """

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.type in (NonNegative, AtLeastOne, Fraction, Count, RateFunction):
                check(self, field.name, getattr(self, field.name), field.type)

    def __call__(self, t: ArrayLike) -> float | Array:
        r"""Return the learning rate at t = 0, 1, 2 ...: a number, or an array for an array."""
        t = np.asarray(t, dtype=float)
        if not (t >= 0).all():
            raise ValueError(f"{type(self).__name__}: steps count from 0, got {t.min()}.")
        return self._rate(t) if t.ndim else float(self._rate(t))

    @abstractmethod
    def _rate(self, t: Array) -> Array:
        r"""Return the learning rate at each t of an array."""


@dataclass(frozen=True)
class Decay(Schedule):
    r"""What the schedules from a first rate share: :math:`\eta_0` = ``learning_rate``."""

    learning_rate: NonNegative


@dataclass(frozen=True)
class Constant(Decay):
    r"""The same rate at every step: :math:`\eta_t = \eta_0`."""

    def _rate(self, t: Array) -> Array:
        return np.full_like(t, self.learning_rate)


@dataclass(frozen=True)
class TimeBased(Decay):
    r"""Time-based decay: :math:`\eta_t = \eta_0 / (1 + k t)`, k = ``decay``, t in *steps*.

    Source: Keras's old ``SGD(decay=k)``. Its line ``lr *= 1 / (1 + decay * iterations)`` changes a
    local copy, so the formula is closed, not a recursion, and counts steps, not epochs.
    """

    decay: NonNegative

    def _rate(self, t: Array) -> Array:
        return self.learning_rate / (1 + self.decay * t)


@dataclass(frozen=True)
class Step(Decay):
    r"""Step decay: :math:`\eta_t = \eta_0 \, d^{\lfloor t/E \rfloor}`, d = ``drop``, E = ``every``.

    t is usually in epochs. The same as torch's ``StepLR(every, drop)``, whose drop is 0.1 by
    default. Code for Keras often has :math:`\lfloor (1+t)/E \rfloor`: it drops an epoch earlier.
    """

    drop: Fraction = 0.5
    every: Count = 10

    def _rate(self, t: Array) -> Array:
        return self.learning_rate * self.drop ** (t // self.every)


@dataclass(frozen=True)
class Exponential(Decay):
    r"""Exponential decay: :math:`\eta_t = \eta_0 e^{-k t}`, k = ``decay``.

    t is usually in epochs. The same as torch's ``ExponentialLR(gamma=exp(-decay))``.
    """

    decay: NonNegative = 0.1

    def _rate(self, t: Array) -> Array:
        return self.learning_rate * np.exp(-self.decay * t)


@dataclass(frozen=True)
class Inverse(Decay):
    r"""Caffe's policy "inv": :math:`\eta_t = \eta_0 / (1 + \gamma t)^p`, t in steps.

    :math:`\gamma` = ``decay`` and p = ``power``; the defaults are those of Caffe's MNIST example.
    Source: Singh et al. 2015, equation 4.
    """

    decay: NonNegative = 1e-4
    power: NonNegative = 0.75

    def _rate(self, t: Array) -> Array:
        return self.learning_rate / (1 + self.decay * t) ** self.power


@dataclass(frozen=True)
class Harmonic(Decay):
    r"""Sequence 1: :math:`\eta_t = \eta_0 / n` with n = t + 1.

    Meets both conditions of Robbins & Monro 1951: the sum of the rates diverges, the sum of their
    squares converges.
    """

    def _rate(self, t: Array) -> Array:
        return self.learning_rate / (t + 1)


@dataclass(frozen=True)
class InverseRoot(Decay):
    r"""Sequence 2: :math:`\eta_t = \eta_0 / \sqrt{n}` with n = t + 1.

    Meets only the first condition of Robbins & Monro 1951: the sum of the squares diverges too.
    """

    def _rate(self, t: Array) -> Array:
        return self.learning_rate / np.sqrt(t + 1)


@dataclass(frozen=True)
class Geometric(Decay):
    r"""Sequence 3: :math:`\eta_t = 0.9^n \eta_0` with n = t and 0.9 = ``base``.

    The sum of all rates is only 10 times the first: SGD may stop short of the minimum. The same as
    torch's ``ExponentialLR(gamma=base)``.
    """

    base: Fraction = 0.9

    def _rate(self, t: Array) -> Array:
        return self.learning_rate * self.base**t


@dataclass(frozen=True)
class SawTooth(Decay):
    r"""Sequence 4, a saw-tooth: :math:`\eta_t = q_n \eta_0` with n = t + 1 and P = ``period``.

    .. math:: q_n = \left(1 - \frac{(n-1) \bmod P}{P}\right) \frac{1}{\lfloor (n-1)/P \rfloor + 1}

    With ``printed=True`` the last factor has :math:`\lfloor n/P \rfloor`, as printed in the source,
    and the last rate of each tooth already has the size of the next tooth: q of 10 is 0.05, not
    0.1. The learning rates in the authors' own checkpoints fit only the formula above.
    """

    period: Count = 10
    printed: bool = False

    def _rate(self, t: Array) -> Array:
        tooth = (t + 1 if self.printed else t) // self.period
        return self.learning_rate * (1 - t % self.period / self.period) / (tooth + 1)


@dataclass(frozen=True)
class Cosine(Decay):
    r"""Half a cosine: :math:`\eta_t = \eta_T + \frac12 (\eta_0 - \eta_T)(1 + \cos(\pi t / T))`.

    T = ``steps``. After T the rate stays at :math:`\eta_T` = ``low``, where torch's
    ``CosineAnnealingLR`` rises again. Source: Loshchilov & Hutter 2017, equation 5, one cycle.
    """

    steps: Count
    low: NonNegative = 0.0

    def _rate(self, t: Array) -> Array:
        return _half_cosine(self.learning_rate, self.low, t / self.steps)


@dataclass(frozen=True)
class Polynomial(Decay):
    r"""Polynomial decay: :math:`\eta_t = \eta_0 (1 - t/T)^p`, T = ``steps``, p = ``power``.

    Power 1, the default, is a straight line. The rate is 0 at T, and stays 0. The same as torch's
    ``PolynomialLR(total_iters=steps, power=power)``.
    """

    steps: Count
    power: NonNegative = 1.0

    def _rate(self, t: Array) -> Array:
        return self.learning_rate * (1 - np.minimum(t / self.steps, 1)) ** self.power


@dataclass(frozen=True)
class StableDecay(Decay):
    r"""A constant rate, and in the last part a straight line to 0: :math:`\eta_0 \min(1, (T-t)/D)`.

    T = ``steps``, D = ``decay`` of them; the rate stays 0 after T. Behind a ``Warmup`` it is what
    is called WSD, warm-up, stable, decay. Source: Hu et al. 2024; Hägele et al. 2024. torch:
    ConstantLR and LinearLR in a SequentialLR.
    """

    steps: Count
    decay: Count

    def _rate(self, t: Array) -> Array:
        return self.learning_rate * np.clip((self.steps - t) / self.decay, 0, 1)


@dataclass(frozen=True)
class Warmup(Schedule):
    r"""A straight line from ``start`` up to the first rate of another schedule, which then begins.

    .. math::

        \eta_t = \eta_s + (f(0) - \eta_s) \, t/T \;\text{ for } t < T, \qquad
        \eta_t = f(t - T) \;\text{ from } T \text{ on}

    f = ``schedule``, T = ``steps``, :math:`\eta_s` = ``start``, a rate. With its default, 0, the
    first step changes nothing; Goyal et al. 2017, section 2.2, start at the rate of one worker.
    torch: LinearLR, whose ``start_factor`` is a fraction, and then f, in a SequentialLR.
    """

    schedule: RateFunction
    steps: Count
    start: NonNegative = 0.0

    def _rate(self, t: Array) -> Array:
        rising = self.start + (self.schedule(0) - self.start) * t / self.steps
        return np.where(t < self.steps, rising, self.schedule(np.maximum(t - self.steps, 0)))


@dataclass(frozen=True)
class PerEpoch(Schedule):
    r"""A schedule of epochs, called with steps: :math:`\eta_t = f(\lfloor t/S \rfloor)`.

    f = ``schedule``, S = ``steps`` in an epoch. It can then follow a warm-up that counts steps.
    """

    schedule: RateFunction
    steps: Count

    def _rate(self, t: Array) -> Array:
        return np.asarray(self.schedule(t // self.steps))


MODES = ("triangular", "triangular2", "exp_range")


@dataclass(frozen=True)
class Cyclical(Schedule):
    r"""Triangles between ``low`` and ``high``: s = ``steps`` up, and as many down.

    .. math::

        c = \lfloor 1 + t/2s \rfloor \quad x = |t/s - 2c + 1| \quad
        \eta_t = \eta_{low} + (\eta_{high} - \eta_{low}) \max(0, 1 - x) \cdot
        \{1,\; 2^{1-c},\; b^t\}

    The last factor depends on ``mode``: "triangular" (1), "triangular2" (each triangle is half as
    high as the one before) or "exp_range" (b = ``base``). Source: Smith 2017, section 3.1. The same
    as torch's ``CyclicLR(..., cycle_momentum=False)``; by default torch cycles the momentum too.
    """

    low: NonNegative
    high: NonNegative
    steps: Count
    mode: str = "triangular"
    base: Fraction = 1.0

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
    r"""One cycle: half a cosine up to ``learning_rate``, and half a cosine down to almost 0.

    It starts at ``learning_rate / divide``, rises for the fraction ``warm`` of its ``steps``, falls
    to the start divided by ``divide_last``, and stays there. Source: Smith & Topin 2018, with
    straight lines; the cosines and the defaults come from fast.ai. The same as torch's
    ``OneCycleLR(..., cycle_momentum=False)``.
    """

    learning_rate: NonNegative
    steps: Count
    warm: Fraction = 0.3
    divide: AtLeastOne = 25.0
    divide_last: AtLeastOne = 1e4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 < self.warm * self.steps < self.steps:
            raise ValueError(f"{self}: warm * steps must be above 1 and below steps.")

    def _rate(self, t: Array) -> Array:
        start, top = self.learning_rate / self.divide, self.warm * self.steps - 1
        up = _half_cosine(start, self.learning_rate, t / top)
        part = (t - top) / (self.steps - 1 - top)
        down = _half_cosine(self.learning_rate, start / self.divide_last, part)
        return np.where(t <= top, up, down)


def _half_cosine(first: float, last: float, part: Array) -> Array:
    return last + (first - last) * (1 + np.cos(np.pi * np.clip(part, 0, 1))) / 2
