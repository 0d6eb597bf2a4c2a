"""Muon on trial: its arms, its control, its grid, and every rule of judgement."""

import math
from itertools import pairwise

import numpy as np
import pytest
from timeless import timeless

from lrcourse.nn import Linear, Network, ReLU
from lrcourse.optim import Adam, Muon, newton_schulz
from lrcourse.papers import jordan_2024, saved
from lrcourse.papers.jordan_2024 import (
    ADAM,
    HIDDEN,
    LONG,
    MOMENTUM,
    MUON,
    PAPER,
    RATES,
    SAME_LENGTH,
    SameLength,
    hidden_only,
)
from lrcourse.papers.trial import (
    FAILS,
    HOLDS,
    NEVER_RUN,
    NO_DIFFERENCE,
    UNDECIDED,
    UNTESTED,
    judged,
)

TINY = dict(data="fashion-mini", network="196-8-6-10", batch_size=32, epochs=2, count=160)


# Arms ---------------------------------------------------------------------------------------------


def network(runs=None):
    rng = np.random.default_rng(0)
    return Network([Linear(7, 5), ReLU(), Linear(5, 6), ReLU(), Linear(6, 3)], rng, runs=runs)


def step(rule, runs=None):
    r"""Return a gradient, and by how much the weights of each part move along it."""
    net = network(runs)
    net.g[:] = np.random.default_rng(1).normal(size=net.g.shape)
    before = net.w.copy()
    if isinstance(rule, Muon):
        rule.parts = rule.parts or net.parts
    rule.begin(net.w)
    rule.update(net.w, net.g, 0.1)
    moved = before - net.w
    return {p.name: (net.g[..., p.slice], moved[..., p.slice], p.shape) for p in net.parts}


@pytest.mark.parametrize("runs", [None, 2])
def test_the_control_steps_as_far_as_muon_and_along_the_momentum(runs):
    ours, muon = step(SameLength(Adam()), runs), step(Muon(Adam()), runs)
    for name, (g, moved, shape) in ours.items():
        if shape[0] == 1:  # a bias steps by Adam in both
            np.testing.assert_array_equal(moved, muon[name][1])
            continue
        length = np.linalg.norm(muon[name][1], axis=-1)
        np.testing.assert_allclose(np.linalg.norm(moved, axis=-1), length, rtol=1e-4)
        along = moved / np.linalg.norm(moved, axis=-1, keepdims=True)
        np.testing.assert_allclose(along, g / np.linalg.norm(g, axis=-1, keepdims=True), rtol=1e-3)
        assert not np.allclose(moved, muon[name][1], rtol=0.1)


def test_the_control_of_a_momentum_of_0_stays():
    assert not SameLength().orthogonalized(np.zeros((2, 3))).any()
    u = np.random.default_rng(0).normal(size=(2, 4, 3))
    found = SameLength().orthogonalized(u)
    expected = np.linalg.norm(newton_schulz(u), axis=(1, 2))
    np.testing.assert_allclose(np.linalg.norm(found, axis=(1, 2)), expected)


def test_as_recommended_the_ends_step_by_adam():
    net = network()
    ours, muon, adam = step(hidden_only(net.parts)), step(Muon(Adam())), step(Adam())
    for name, (_, moved, _) in ours.items():
        alone = muon if name == "2.W" else adam
        np.testing.assert_allclose(moved, alone[name][1], rtol=1e-6)


# The grid and the runs ----------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_every_arm_has_seven_rates_a_factor_of_2_apart(scale):
    grid = jordan_2024.grid(scale)
    assert len(grid) == 42 and set(RATES) == set(jordan_2024.ARMS)
    for method in RATES:
        rates = [s["learning_rate"] for s in grid if s["method"] == method]
        assert len(rates) == 7 and {b / a for a, b in pairwise(rates)} == {2}
    epochs = {s["method"]: s["epochs"] for s in grid}
    longer = round(jordan_2024.TIMES[scale] * epochs[ADAM])
    assert epochs.pop(LONG) == longer and len(set(epochs.values())) == 1
    assert {s["data"] for s in grid} == {"fashion-mini" if scale == "quick" else "fashion-mnist"}


def test_what_the_texts_say_of_the_epochs_is_what_the_grid_has():
    for scale in ("quick", "full"):
        longest = max(s["epochs"] for s in jordan_2024.grid(scale))
        assert f"Adam also for {longest}" in PAPER.setting[scale]
    times = f"{jordan_2024.TIMES['quick']} times"
    (claim,) = [c for c in PAPER.claims if "as much CPU time" in c.says]
    assert claim.says.count(times) == 2 and any(times in sentence for sentence in PAPER.open)


@pytest.mark.parametrize("method", RATES)
def test_a_run_is_the_same_again_and_in_a_stack(method):
    rates = [2.0 ** RATES[method][0], 2.0 ** (RATES[method][0] + 1)]
    stacked = jordan_2024.train(**TINY, method=method, learning_rate=rates, seed=1)
    again = jordan_2024.train(**TINY, method=method, learning_rate=rates, seed=1)
    assert timeless(stacked) == timeless(again)
    alone = jordan_2024.train(**TINY, method=method, learning_rate=rates[1], seed=1)
    assert alone["loss"] == pytest.approx(stacked[1]["loss"], rel=1e-3)
    assert stacked[0]["loss"] != stacked[1]["loss"]


def test_each_arm_is_its_own():
    losses = {
        method: jordan_2024.train(**TINY, method=method, learning_rate=2.0**-6, seed=0)["loss"]
        for method in RATES
    }
    assert losses.pop(LONG) == losses[ADAM]  # the epochs are the same here
    assert len(set(losses.values())) == 5


# Claims -------------------------------------------------------------------------------------------


def rows(spread=0.0005, **lowest):
    r"""Rows of five seeds: each arm has a valley amid its rates, as low as is given."""
    found, rng = [], np.random.default_rng(0)
    depth = {method: 0.16 for method in RATES} | {
        {"muon": MUON, "same": SAME_LENGTH, "hidden": HIDDEN, "long": LONG, "adam": ADAM}[name]: at
        for name, at in lowest.items()
    }
    for setting in jordan_2024.grid("quick"):
        method, power = setting["method"], math.log2(setting["learning_rate"])
        mean = depth[method] + 0.01 * (power - RATES[method][0] - 3) ** 2
        for seed in range(10, 15):
            row = {"seed": seed, "validation_error": mean, "loss": 1.0}
            row["step_ms"] = 0.07 if method == MOMENTUM else 0.3
            found.append(setting | row | {"test_error": mean + spread * rng.normal()})
    return found


CASES = [
    (0, {"muon": 0.14}, HOLDS),
    (0, {"muon": 0.18}, FAILS),
    (0, {}, NO_DIFFERENCE),
    (0, {"spread": 0.1}, UNDECIDED),
    (1, {"muon": 0.14}, HOLDS),
    (1, {"muon": 0.14, "same": 0.14}, NO_DIFFERENCE),
    (1, {"same": 0.13}, FAILS),
    (2, {"muon": 0.14}, HOLDS),
    (2, {"muon": 0.19}, FAILS),
    (3, {"same": 0.14}, HOLDS),
    (3, {"same": 0.19}, FAILS),
    (4, {"same": 0.14}, HOLDS),
    (4, {"adam": 0.14}, FAILS),
    (5, {"muon": 0.14}, HOLDS),
    (5, {"muon": 0.14, "long": 0.13}, FAILS),
    (6, {"hidden": 0.14}, HOLDS),
    (6, {"hidden": 0.18}, FAILS),
    (7, {"hidden": 0.14}, HOLDS),
    (7, {"muon": 0.14}, FAILS),
    (8, {}, FAILS),
    (9, {}, NEVER_RUN),
    (10, {}, NEVER_RUN),
    (11, {}, NEVER_RUN),
]


@pytest.mark.parametrize(("number", "changes", "verdict"), CASES)
def test_each_claim_is_judged_by_its_rule(number, changes, verdict):
    judgement = PAPER.claims[number].judge(rows(**changes))
    assert judgement.verdict() == verdict, judgement.measured


def test_every_claim_is_judged_in_these_tests():
    assert {number for number, *_ in CASES} == set(range(len(PAPER.claims)))


def test_the_rate_is_chosen_on_validation():
    found = rows()
    for row in found:  # the test images would choose another rate
        if row["method"] == MUON and row["learning_rate"] == 2.0 ** RATES[MUON][0]:
            row["test_error"] = 0.01
    rate, errors = jordan_2024.best(found, MUON)
    assert rate == f"{2.0 ** (RATES[MUON][0] + 3):.3g}" and errors.mean == pytest.approx(0.16, 0.01)


def test_a_cheap_step_is_told_from_a_dear_one():
    cheap = [row | {"step_ms": 0.07} for row in rows()]
    assert PAPER.claims[8].judge(cheap).verdict() == HOLDS


def test_without_runs_nothing_is_tested():
    assert {line[-1] for line in judged(PAPER, [], "full").body} == {UNTESTED, NEVER_RUN}


def test_the_picture_and_the_table_have_every_arm():
    (picture,), (table,) = PAPER.pictures(rows()), PAPER.tables(rows())
    assert list(picture.lines) == [line[0] for line in table.body] == list(RATES)
    assert all(method in picture.alt for method in RATES)
    assert {line[0]: line[1] for line in table.body}[LONG] == "43"


def test_in_the_saved_rows_no_best_rate_is_an_end_of_its_grid():
    found = saved("muon")
    assert len(found) == 42 * len(PAPER.seeds)
    for method in RATES:
        assert "grid" not in jordan_2024.best(found, method)[0], method
