import math
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, fields, is_dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler as torch_schedulers

from lrcourse import schedules
from lrcourse.schedules import (
    Constant,
    Cosine,
    Count,
    Cyclical,
    Decay,
    Exponential,
    Geometric,
    Harmonic,
    Inverse,
    InverseRoot,
    OneCycle,
    PerEpoch,
    Polynomial,
    SawTooth,
    Schedule,
    StableDecay,
    Step,
    TimeBased,
    Warmup,
)

STEPS = 500


def torch_rates(make, learning_rate, steps=STEPS):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=learning_rate)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def lambda_lr(factor):
    return lambda optimizer: torch_schedulers.LambdaLR(optimizer, factor)


def q(n):
    return (1 - ((n - 1) % 10) / 10) / ((n - 1) // 10 + 1)


def cyclical(mode, gamma=1.0):
    return lambda optimizer: torch_schedulers.CyclicLR(
        optimizer, 0.01, 0.3, step_size_up=37, mode=mode, gamma=gamma, cycle_momentum=False
    )


def warm_cosine(optimizer):
    first = torch_schedulers.LinearLR(optimizer, 0.01, 1.0, total_iters=50)
    then = torch_schedulers.CosineAnnealingLR(optimizer, 450)
    return torch_schedulers.SequentialLR(optimizer, [first, then], [50])


ORACLES = [
    (Constant(0.3), lambda_lr(lambda t: 1)),
    (TimeBased(0.3, 0.002), lambda_lr(lambda t: 1 / (1 + 0.002 * t))),
    (Step(0.3, 0.5, 10), lambda o: torch_schedulers.StepLR(o, 10, 0.5)),
    (Exponential(0.3, 0.1), lambda o: torch_schedulers.ExponentialLR(o, math.exp(-0.1))),
    (Inverse(0.3, 1e-2, 0.75), lambda_lr(lambda k: (1 + 1e-2 * k) ** -0.75)),
    (Harmonic(0.3), lambda_lr(lambda t: 1 / (t + 1))),
    (InverseRoot(0.3), lambda_lr(lambda t: 1 / math.sqrt(t + 1))),
    (Geometric(0.3), lambda o: torch_schedulers.ExponentialLR(o, 0.9)),
    (SawTooth(0.3), lambda_lr(lambda t: q(t + 1))),
    (Cosine(0.3, STEPS, 0.01), lambda o: torch_schedulers.CosineAnnealingLR(o, STEPS, 0.01)),
    (Polynomial(0.3, 400, 2), lambda o: torch_schedulers.PolynomialLR(o, 400, 2)),
    (
        StableDecay(0.3, 400, 100),
        lambda o: torch_schedulers.SequentialLR(
            o,
            [torch_schedulers.ConstantLR(o, 1), torch_schedulers.LinearLR(o, 1, 0, 100)],
            [300],
        ),
    ),
    (Polynomial(0.3, 400), lambda o: torch_schedulers.LinearLR(o, 1, 0, 400)),
    (Cyclical(0.01, 0.3, 37), cyclical("triangular")),
    (Cyclical(0.01, 0.3, 37, "triangular2"), cyclical("triangular2")),
    (Cyclical(0.01, 0.3, 37, "exp_range", 0.99), cyclical("exp_range", 0.99)),
    (
        OneCycle(0.3, STEPS),
        lambda o: torch_schedulers.OneCycleLR(o, 0.3, STEPS, cycle_momentum=False),
    ),
    (
        OneCycle(0.3, 600, 0.4, 10, 100),
        lambda o: torch_schedulers.OneCycleLR(
            o, 0.3, 600, None, None, 0.4, "cos", False, div_factor=10, final_div_factor=100
        ),
    ),
    (Warmup(Cosine(0.3, 450), 50, start=0.003), warm_cosine),
    (PerEpoch(Step(0.3, 0.5, 10), 7), lambda o: torch_schedulers.StepLR(o, 70, 0.5)),
]
SCHEDULES = [schedule for schedule, _ in ORACLES]


# OneCycleLR refuses to be stepped past its end, which is one step after its last rate.
@pytest.mark.parametrize(("schedule", "make"), ORACLES, ids=[str(s) for s in SCHEDULES])
def test_rates_agree_with_torch(schedule, make):
    expected = torch_rates(make, 0.3, STEPS - 1)
    np.testing.assert_allclose(schedule(np.arange(STEPS - 1)), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_a_schedule_takes_numbers_and_arrays_and_is_a_value(schedule):
    rates = schedule(np.arange(60).reshape(4, 15))
    assert rates.shape == (4, 15)
    assert (rates >= 0).all()
    single = [schedule(t) for t in range(60)]
    assert all(type(rate) is float for rate in single)
    np.testing.assert_allclose(rates.ravel(), single, rtol=1e-15)
    names = {type(s).__name__: type(s) for s in SCHEDULES}
    assert eval(str(schedule), names) == schedule == pickle.loads(pickle.dumps(schedule))
    assert len({schedule, pickle.loads(pickle.dumps(schedule))}) == 1


def test_every_schedule_is_a_frozen_dataclass():
    kinds = {type(schedule) for schedule in SCHEDULES}
    public = [kind for kind in vars(schedules).values() if isinstance(kind, type)]
    found = {kind for kind in public if issubclass(kind, Schedule)} - {Schedule, Decay}
    assert kinds == found
    for schedule in SCHEDULES:
        assert is_dataclass(schedule)
        with pytest.raises(FrozenInstanceError):
            schedule.note = 0
        with pytest.raises(FrozenInstanceError):
            setattr(schedule, fields(schedule)[0].name, 0.5)


@pytest.mark.parametrize("make", [Schedule, lambda: Decay(0.1)], ids=["Schedule", "Decay"])
def test_what_schedules_share_is_no_schedule(make):
    with pytest.raises(TypeError, match=r"Can't instantiate abstract class .*'?_rate'?"):
        make()


@dataclass(frozen=True)
class Mine(Schedule):
    """A learner's own: half the rate after each span of steps, which may be a fraction."""

    first: float
    steps: float
    every: Count = 1

    def _rate(self, t):
        return self.first * 0.5 ** (t / self.steps)


def test_a_schedule_of_ones_own_names_its_fields_as_it_likes():
    mine = Mine(0.4, steps=2.5)
    assert mine(5) == pytest.approx(0.1)
    assert Warmup(mine, 10)(15) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="Mine: every must be a whole number, 1 or more, not 0"):
        Mine(0.4, 2.5, every=0)


def test_numpys_numbers_are_numbers():
    assert Cosine(np.float32(0.5), np.int64(10))(10) == 0
    assert Step(np.float64(0.1), np.float32(0.5), np.int32(2))(2) == pytest.approx(0.05)


def test_sequences_by_hand():
    t = np.arange(12)
    np.testing.assert_allclose(Harmonic(6)(t[:4]), [6, 3, 2, 1.5])
    np.testing.assert_allclose(InverseRoot(6)([0, 3, 8]), [6, 3, 2])
    np.testing.assert_allclose(Geometric(1)(t[:4]), [1, 0.9, 0.81, 0.729])
    tooth = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
    np.testing.assert_allclose(SawTooth(1)(t), [*tooth, 0.1, 0.5, 0.45])
    np.testing.assert_allclose(SawTooth(1, printed=True)(t), [*tooth, 0.05, 0.5, 0.45])
    assert SawTooth(0.01)(50) == pytest.approx(0.01 / 6)


def test_time_based_decay_is_a_closed_form_not_a_recursion():
    compounded = 1.0
    for t in range(500):
        compounded *= 1 / (1 + 0.002 * t)
    assert TimeBased(1.0, 0.002)(499) == pytest.approx(1 / 1.998)
    assert compounded < 1e-80


def test_step_drops_at_epoch_ten_where_common_keras_code_drops_at_nine():
    epochs = np.arange(12)
    common = 0.1 * 0.5 ** np.floor((1 + epochs) / 10)
    differ = np.flatnonzero(Step(0.1, 0.5, 10)(epochs) != common)
    assert differ.tolist() == [9]


def test_schedules_hold_their_last_rate():
    assert Cosine(0.1, 10, 0.01)(25) == pytest.approx(0.01)
    assert Polynomial(0.1, 10, 2)(25) == 0
    assert OneCycle(0.1, 10)(25) == OneCycle(0.1, 10)(9) == pytest.approx(0.1 / 25e4)


def test_warmup_reaches_the_schedule_behind_it():
    warm = Warmup(PerEpoch(Step(0.8, 0.5, 2), 3), 4, start=0.2)
    expected = [0.2, 0.35, 0.5, 0.65, *[0.8] * 6, *[0.4] * 6]
    np.testing.assert_allclose(warm(np.arange(16)), expected)
    assert Warmup(lambda t: 0.8, 4)(2) == pytest.approx(0.4)


@given(st.floats(0, 10), st.integers(1, 300), st.integers(0, 1000))
def test_composition_shifts_and_stretches(learning_rate, steps, t):
    schedule = Cosine(learning_rate, 100)
    assert Warmup(schedule, steps)(t + steps) == schedule(t)
    assert PerEpoch(schedule, steps)(t) == schedule(t // steps)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 50), st.integers(0, 10))
def test_cyclical_stays_between_its_ends_and_meets_both(a, b, steps, cycle):
    low, high = sorted((a, b))
    for mode in ("triangular", "triangular2", "exp_range"):
        schedule = Cyclical(low, high, steps, mode, base=0.999)
        rates = schedule(np.arange(6 * steps))
        assert (rates >= low).all() and (rates <= high * (1 + 1e-12)).all()
        assert schedule(2 * steps * cycle) == pytest.approx(low)
    peak = low + (high - low) / 2**cycle
    assert Cyclical(low, high, steps, "triangular2")((2 * cycle + 1) * steps) == pytest.approx(peak)


def test_robbins_and_monro():
    t = np.arange(100_000)
    sums = {s: s(np.arange(1000)).sum() / s(t).sum() for s in (Harmonic(1), InverseRoot(1))}
    assert max(sums.values()) < 0.65  # still growing, after a hundred times as many
    assert Geometric(1)(t).sum() == pytest.approx(10)
    np.testing.assert_allclose((Harmonic(1)(t) ** 2).sum(), math.pi**2 / 6, rtol=1e-5)


BAD = [
    (lambda: Constant(-0.1), "Constant: learning_rate must be a finite number, 0 or more, not -0"),
    (lambda: Cosine(math.nan, 10), "learning_rate must be .*, not nan"),
    (lambda: Cosine(math.inf, 10), "learning_rate must be .*, not inf"),
    (lambda: Constant("0.1"), "learning_rate must be .*, not '0.1'"),
    (lambda: Cosine(0.1, 0), "Cosine: steps must be a whole number, 1 or more, not 0"),
    (lambda: Cosine(0.1, 10.5), "steps must be a whole number"),
    (lambda: TimeBased(0.1, -1), "decay must be"),
    (lambda: Step(0.1, 1.5), "drop must be a number above 0 and at most 1, not 1.5"),
    (lambda: SawTooth(0.1, 0), "period must be"),
    (lambda: Cyclical(0.1, 0.2, 5, "triangle"), "Did you mean 'triangular'"),
    (lambda: Cyclical(0.3, 0.2, 5), r"low \(0.3\) must not be above high \(0.2\)"),
    (lambda: OneCycle(0.1, 3), r"steps=3, .*: warm \* steps must be above 1 and below steps"),
    (lambda: OneCycle(0.1, 10, divide=0.5), "divide must be a finite number, 1 or more, not 0.5"),
    (lambda: Warmup(0.1, 5), "Warmup: schedule must be a schedule or a function, not 0.1"),
    (lambda: Warmup(Cosine, 5), "schedule must be a schedule or a function, not <class .*Cosine"),
    (lambda: Warmup(Constant(0.1), 0), "Warmup: steps must be"),
    (lambda: Constant(0.1)(-1), "steps count from 0, got -1"),
    (lambda: Constant(0.1)([0, math.nan]), "steps count from 0"),
]


@pytest.mark.parametrize(("call", "sentence"), BAD, ids=[sentence for _, sentence in BAD])
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_import_is_light():
    code = (
        "import sys, lrcourse.schedules, lrcourse.whitening;"
        "print(*({'torch', 'matplotlib', 'pooch'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (loaded.stdout.strip(), loaded.stderr) == ("", "")
