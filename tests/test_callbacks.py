import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as torch_schedulers

import lrcourse
from lrcourse.callbacks import (
    ByCutoff,
    ByEpoch,
    ByOscillation,
    GrowBatch,
    LearningRateScheduler,
    Strategy,
)
from lrcourse.nn import BatchNorm, Linear, Network
from lrcourse.optim import SGD
from lrcourse.schedules import (
    Constant,
    Cosine,
    Geometric,
    Harmonic,
    InverseRoot,
    Polynomial,
    SawTooth,
    Step,
    Warmup,
)
from lrcourse.training import fit

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


def trained(callbacks, layers=(), examples=20, **changes):
    rng = np.random.default_rng(0)
    network = Network([*layers, Linear(4, 3)], rng)
    data = rng.random((examples, 4), dtype=np.float32), rng.integers(0, 3, examples)
    setting = {"learning_rate": 0.0, "batch_size": 5, "epochs": 3, "rng": rng, **changes}
    return fit(network, data, SGD(), callbacks=callbacks, progress=False, **setting)


class Watch:
    """Counts the steps of a run."""

    steps = 0

    def on_batch_begin(self, run):
        self.steps += 1


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


def test_grow_batch_takes_a_function_of_a_number():
    assert GrowBatch(lambda epoch: 0.1 if epoch < 2 else 0.05, 5, 20)(2) == 10


@pytest.mark.parametrize(
    ("schedule", "per", "changes", "sentence"),
    [
        (Warmup(Constant(0.1), 12), "step", {}, "12 steps, but the whole run only 12"),
        # 20 examples in batches of 6 are 4 steps, the last one smaller.
        (Warmup(Constant(0.1), 12), "step", {"batch_size": 6}, "12 steps, .* only 12"),
        (Warmup(Constant(0.1), 4), "step", {"batch_size": 20}, "4 steps, .* only 3"),
        (Warmup(Constant(0.1), 5), "epoch", {}, "5 epochs, but the whole run only 3"),
    ],
)
def test_an_endless_warmup_is_refused_before_the_first_step(schedule, per, changes, sentence):
    watch = Watch()
    with pytest.raises(ValueError, match=f"The warm-up lasts {sentence}"):
        trained([LearningRateScheduler(schedule, per=per), watch], **changes)
    assert watch.steps == 0


def test_a_warmup_that_fits_is_not_refused():
    history = trained([LearningRateScheduler(Warmup(Constant(0.1), 11), per="step")])
    assert history.learning_rate[-1] == 0.1
    trained([LearningRateScheduler(Warmup(Constant(0.1), 11), per="step")], batch_size=6)
    trained([LearningRateScheduler(Warmup(Constant(0.1), 2), per="epoch")])


def test_a_batch_size_that_would_stop_a_later_epoch_is_refused_before_the_first_step():
    # 101 examples in batches of 40 leave 21 for the last one, in batches of 50 only 1.
    grow, watch = GrowBatch(Step(0.1, 0.8, 1), 40, 101), Watch()
    with pytest.raises(ValueError, match=r"GrowBatch, in epoch 2: .* batch_size 50 .* BatchNorm"):
        trained([grow, watch], [BatchNorm(4)], 101, batch_size=40)
    with pytest.raises(ValueError, match=r"GrowBatch, in epoch 3: batch_size must be .* 1 to 50"):
        trained([grow, watch], [], 50, batch_size=40)
    assert watch.steps == 0
    trained([grow], [BatchNorm(4)], 101, batch_size=40, epochs=1)
    trained([grow], [], 101, batch_size=40)


def test_a_strategy_needs_a_rule():
    with pytest.raises(TypeError, match=r"Can't instantiate abstract class Strategy .*'?_due'?"):
        Strategy(QUARTERS, 1.0)


def test_the_package_names_its_callbacks():
    assert lrcourse.callbacks.GrowBatch is GrowBatch


BAD = [
    (lambda: LearningRateScheduler(0.1, per="step"), "LearningRateScheduler: schedule must be"),
    (lambda: LearningRateScheduler(Cosine, per="step"), "schedule must be .*, not <class .*Cosine"),
    (lambda: LearningRateScheduler(Constant(1), per="steps"), "Did you mean 'step'"),
    (
        lambda: GrowBatch(0.1, 8, 64),
        "GrowBatch: schedule must be a schedule or a function, not 0.1",
    ),
    (lambda: GrowBatch(Constant(0.1), 0, 64), "batch_size must be a whole number, 1 or more"),
    (lambda: GrowBatch(Constant(0.1), 8, 4), "batch_size=8, maximum=4.: maximum must be at least"),
    (lambda: GrowBatch(Constant(0), 8, 64), "the first rate of the schedule must be above 0"),
    (lambda: ByEpoch(Harmonic(0.1), 0.1), "sequence must be a list of rates, such as"),
    (lambda: ByEpoch(0.05, 0.1), "ByEpoch: sequence must be a list of rates, .* not 0.05"),
    (lambda: ByEpoch([0.1, -0.1], 0.1), "ByEpoch: each rate of sequence must be .*, not -0.1"),
    (lambda: ByEpoch(["0.1"], 0.1), "ByEpoch: each rate of sequence must be .*, not '0.1'"),
    (lambda: ByEpoch([0.1], np.nan), "learning_rate must be"),
    (lambda: ByCutoff([0.1], 0.2).update(np.nan), "ByCutoff: validation_loss must be a finite"),
    (lambda: ByCutoff([0.1], 0.2).update([1.0, 2.0]), "validation_loss must be a finite number"),
]


@pytest.mark.parametrize(("call", "sentence"), BAD, ids=[sentence for _, sentence in BAD])
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
