import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler as torch_schedulers

from lrcourse import plots
from lrcourse.nn import Linear, Network
from lrcourse.optim import SGD
from lrcourse.schedules import (
    ByCutoff,
    ByEpoch,
    ByOscillation,
    Constant,
    Cosine,
    Cyclical,
    Exponential,
    Geometric,
    GrowBatch,
    Harmonic,
    Inverse,
    InverseRoot,
    LearningRateScheduler,
    OneCycle,
    PerEpoch,
    Polynomial,
    SawTooth,
    Step,
    TimeBased,
    Warmup,
)
from lrcourse.training import fit

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


LOSSES = [1, 0.8, 0.9, 0.85, 0.82, 0.81, 0.79, 0.8]
QUARTERS = [0.5, 0.25, 0.125]


def rates_of(strategy, losses):
    return [strategy.learning_rate, *(strategy.update(loss) for loss in losses)]


def test_by_epoch_takes_a_rate_each_time_and_keeps_the_last():
    assert rates_of(ByEpoch(QUARTERS, 1.0), LOSSES[:5]) == [1, 0.5, 0.25, 0.125, 0.125, 0.125]


def test_by_oscillation_compares_with_the_loss_before():
    rates = rates_of(ByOscillation(QUARTERS, 1.0), LOSSES)
    #      epoch 1, 2, 3, 4: 0.9 > 0.8 ...                   0.8 > 0.79
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25]
    assert rates_of(ByOscillation(QUARTERS, 1.0), [1, 1, 1]) == [1, 1, 1, 1]  # no rise, no change


def test_by_oscillation_is_not_reduce_on_plateau():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    plateau = torch_schedulers.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    strategy, drops = ByOscillation(0.5 ** np.arange(1, 20), 1.0), []
    for loss in LOSSES[:7]:
        plateau.step(loss)
        drops.append((optimizer.param_groups[0]["lr"], strategy.update(loss)))
    # The best so far stays 0.8 from the second loss to the sixth: four drops there, one here.
    last = (1 / 16, 1 / 2)
    assert drops == [(1, 1), (1, 1), (1 / 2, 1 / 2), (1 / 4, 1 / 2), (1 / 8, 1 / 2), last, last]


def test_by_cutoff_begins_at_a_hundredth_and_shrinks_only_when_it_fires():
    strategy = ByCutoff(QUARTERS, 1.0)
    #         c = 0.02     |-0.03|  0.015 < c: 0.004  0.006   0.003 < c: 0.0008  0.001
    losses = [2.0, 1.97, 1.955, 1.949, 1.946, 1.945, 1.9444]
    assert rates_of(strategy, losses) == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]
    assert strategy.cutoff == pytest.approx(0.01 * 2.0 * 0.2**3)
    # Equal losses are closer than any cutoff; the list is empty, the last rate stays.
    assert strategy.update(1.9444) == 0.125


@pytest.mark.parametrize("kind", [ByOscillation, ByCutoff])
def test_no_comparison_before_the_second_epoch(kind):
    assert kind(QUARTERS, 1.0).update(0.0) == 1.0


@pytest.mark.parametrize("schedule", [Harmonic(0.1), InverseRoot(0.1), Geometric(0.1)])
def test_the_first_rate_taken_is_the_first_that_differs(schedule):
    assert ByEpoch(schedule(np.arange(60)), 0.1).update(1.0) == schedule(1) < 0.1


def test_saw_tooth_starts_at_its_second_rate_and_keeps_later_equals():
    assert ByEpoch(SawTooth(0.1)(np.arange(60)), 0.1).update(1.0) == pytest.approx(0.09)
    assert rates_of(ByEpoch([1.0, 1.0, 0.5, 1.0, 0.5], 1.0), LOSSES[:4]) == [1, 0.5, 1, 0.5, 0.5]


def trained(callbacks, data=None, **changes):
    rng = np.random.default_rng(0)
    network = Network([Linear(4, 3)], rng)
    x, labels = rng.random((20, 4), dtype=np.float32), rng.integers(0, 3, 20)
    setting = {"learning_rate": 0.0, "batch_size": 5, "epochs": 3, "rng": rng, **changes}
    return fit(network, data or (x, labels), SGD(), callbacks=callbacks, progress=False, **setting)


def test_fit_follows_a_schedule_by_step_or_by_epoch():
    schedule = Cosine(0.1, 12)
    by_step = trained([LearningRateScheduler(schedule, per="step")])
    assert by_step.learning_rate == schedule(np.arange(12)).tolist()
    by_epoch = trained([LearningRateScheduler(Harmonic(0.1), per="epoch")])
    assert by_epoch.learning_rate == np.repeat(Harmonic(0.1)(np.arange(3)), 4).tolist()


def test_fit_follows_a_strategy():
    from lrcourse.data import load

    strategy = ByOscillation(Harmonic(1.0)(np.arange(20)), 2.0)
    data = load("digits")
    rng = np.random.default_rng(0)
    network = Network([Linear(64, 10)], rng)
    setting = {"learning_rate": 0.0, "batch_size": 64, "epochs": 8, "rng": rng}
    history = fit(network, data, SGD(), callbacks=[strategy], progress=False, **setting)
    losses = [epoch["validation_loss"] for epoch in history.epochs]
    rates = [epoch["learning_rate"] for epoch in history.epochs]
    assert rates == rates_of(ByOscillation(Harmonic(1.0)(np.arange(20)), 2.0), losses)[:8]
    assert rates[0] == 2.0 > rates[-1]
    with pytest.raises(ValueError, match="ByOscillation needs data with a validation part"):
        trained([strategy])


def test_grow_batch_keeps_the_noise_scale_up_to_its_cap():
    grow = GrowBatch(Step(0.1, 0.2, 2), 4, maximum=50)
    assert grow(np.arange(8)).tolist() == [4, 4, 20, 20, 50, 50, 50, 50]
    assert GrowBatch(Step(0.1, 0.5, 1), 3, 9)(1) == 6
    assert GrowBatch(Polynomial(0.1, 2), 4, 50)(2) == 50  # the rate is 0 there
    history = trained([GrowBatch(Step(0.1, 0.5, 1), 5, maximum=20)])
    assert [epoch["steps"] for epoch in history.epochs] == [4, 6, 7]


def test_a_schedule_draws_itself(monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "show", lambda figure, alt: drawn.append((figure, alt)))
    Cosine(0.1, 100).draw(101, "epoch")
    figure, alt = drawn[0]
    np.testing.assert_array_equal(
        figure.axes[0].lines[0].get_ydata(), Cosine(0.1, 100)(np.arange(101))
    )
    assert alt == (
        "Learning rate of Cosine(learning_rate=0.1, steps=100, low=0.0) over 101 epochs: it "
        "begins at 0.1, lies between 0 and 0.1, and ends at 0."
    )


BAD = [
    (lambda: Constant(-0.1), "Constant: learning_rate must be a finite number, 0 or more, not -0"),
    (lambda: Cosine(math.nan, 10), "learning_rate must be .*, not nan"),
    (lambda: Cosine(math.inf, 10), "learning_rate must be .*, not inf"),
    (lambda: Constant("0.1"), "learning_rate must be .*, not '0.1'"),
    (lambda: Cosine(0.1, 0), "Cosine: steps must be a whole number of at least 1, not 0"),
    (lambda: Cosine(0.1, 10.5), "steps must be a whole number"),
    (lambda: TimeBased(0.1, -1), "decay must be"),
    (lambda: Step(0.1, 1.5), "drop must be a number above 0 and at most 1, not 1.5"),
    (lambda: SawTooth(0.1, 0), "period must be"),
    (lambda: Cyclical(0.1, 0.2, 5, "triangle"), "Did you mean 'triangular'"),
    (lambda: Cyclical(0.3, 0.2, 5), r"low \(0.3\) must not be above high \(0.2\)"),
    (lambda: OneCycle(0.1, 3), r"must be above 1 and below steps \(3\), not 0.9"),
    (lambda: OneCycle(0.1, 10, divide=0.5), "divide must be a finite number of at least 1"),
    (lambda: Warmup(0.1, 5), "schedule must be a schedule or another function .*, not 0.1"),
    (lambda: Warmup(Constant(0.1), 0), "Warmup: steps must be"),
    (lambda: Constant(0.1)(-1), "steps count from 0, got -1"),
    (lambda: Constant(0.1)([0, math.nan]), "steps count from 0"),
    (lambda: Constant(0.1).draw(0), "steps must be a whole number of at least 1, not 0"),
    (lambda: LearningRateScheduler(0.1, per="step"), "LearningRateScheduler: schedule must be"),
    (lambda: LearningRateScheduler(Constant(1), per="steps"), "Did you mean 'step'"),
    (lambda: GrowBatch(Constant(0.1), 8, 4), r"maximum \(4\) must be at least batch_size \(8\)"),
    (lambda: GrowBatch(Constant(0), 8, 64), r"the first rate \(0.0\) above 0"),
    (lambda: ByEpoch(Harmonic(0.1), 0.1), "sequence must be a list of rates, such as"),
    (lambda: ByEpoch([0.1, -0.1], 0.1), "ByEpoch: learning_rate must be .*, not -0.1"),
    (lambda: ByEpoch([0.1], math.nan), "learning_rate must be"),
    (lambda: ByCutoff([0.1], 0.2).update(math.nan), "ByCutoff: loss must be a finite number"),
    (lambda: ByCutoff([0.1], 0.2).update([1.0, 2.0]), "loss must be a finite number"),
    (
        lambda: trained([LearningRateScheduler(Warmup(Constant(0.1), 12), per="step")]),
        "The warm-up lasts 12 steps, but the whole run only 12",
    ),
    (
        lambda: trained([LearningRateScheduler(Warmup(Constant(0.1), 5), per="epoch")]),
        "The warm-up lasts 5 epochs, but the whole run only 3",
    ),
]


@pytest.mark.parametrize(("call", "sentence"), BAD, ids=[sentence for _, sentence in BAD])
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_a_warmup_that_fits_is_not_refused():
    trained([LearningRateScheduler(Warmup(Constant(0.1), 11), per="step")])


def test_import_is_light():
    code = (
        "import sys, lrcourse.schedules, lrcourse.whitening;"
        "print(*({'torch', 'matplotlib', 'pooch'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (loaded.stdout.strip(), loaded.stderr) == ("", "")
