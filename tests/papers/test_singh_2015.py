r"""Layer-specific rates on trial: the grid, a run of three arms, Caffe's networks, the judges."""

import numpy as np
import pytest
import torch
from timeless import timeless
from torch.nn import functional as F

from lrcourse.data import load
from lrcourse.optim import multiplier
from lrcourse.papers import singh_2015, singh_networks
from lrcourse.papers.trial import (
    FAILS,
    HOLDS,
    NEVER_RUN,
    NO_DIFFERENCE,
    SHOWN,
    UNDECIDED,
    UNTESTED,
    Sample,
    compared,
    judged,
    points,
)

TINY = {
    "data": "fashion-mini",
    "validation": 0.2,
    "network": "lenet",
    "widths": [3, 4, 8],
    "rule": "SGD",
    "learning_rate": 0.05,
    "batch_size": 16,
    "iterations": 4,
    "early": 2,
    "limit": 64,
}


@pytest.fixture
def full():
    return singh_2015.grid("full")


def test_the_grids(full):
    quick = singh_2015.grid("quick")
    assert len(quick) == 3 * 6 + 5
    assert {setting["data"] for setting in quick} == {"fashion-mini"}
    assert len(full) == 3 * 6 + 5 + 3 * 3 + 1
    assert {setting["data"] for setting in full} == {"mnist", "fashion-mnist", "cifar-10"}
    lenet, *_, short = full
    assert (lenet["widths"], lenet["iterations"], lenet["batch_size"]) == ([20, 50, 500], 2000, 64)
    cifar = [setting for setting in full if setting["network"] == "cifar-full"]
    assert {setting["iterations"] for setting in cifar} == {60_000, 70_000}
    assert cifar[0]["drops"] == [60_000, 65_000]  # "dropped by a factor of 10 at ..."
    assert short["drops"][0] == 50_000


def test_the_paper_s_own_rate_is_in_the_grids(full):
    rates = {(s["network"], s["learning_rate"]) for s in [*singh_2015.grid("quick"), *full]}
    assert {("lenet", 0.01), ("cifar-full", 0.001), ("deep-sigmoid", 0.3)} <= rates


def test_a_run_is_the_same_again_and_another_with_another_seed():
    first, again, other = (timeless(singh_2015.train(**TINY, seed=seed)) for seed in (1, 1, 2))
    assert first == again and first != other


def test_the_three_arms_by_hand():
    r"""One layer, one step: the multiplier is that of its gradient, the control the same step."""
    setting = TINY | {"network": "deep-sigmoid", "widths": [], "iterations": 1, "early": 1}
    setting["validation"] = 0
    row = singh_2015.train(**setting, seed=3)
    rng = torch.Generator().manual_seed(3)
    model = singh_networks.deep_sigmoid([], 28, 1)
    singh_networks._start(model, None, rng)
    data = load("fashion-mini", validation=0)
    batch = torch.randperm(64, generator=rng)[:16]
    x = torch.from_numpy(data.train.x[:64][batch]).reshape(-1, 1, 28, 28)
    F.cross_entropy(model(x), torch.from_numpy(data.train.y[:64][batch])).backward()
    norm = np.sqrt(sum(float((p.grad**2).sum()) for p in model.parameters()))
    assert row["multiplier"] == pytest.approx(multiplier(norm), abs=1e-4)
    assert row["layerwise"] == row["control"] == row["control_early"]
    assert row["spread"] == 1
    assert row["gain"] == pytest.approx(row["plain"] - row["layerwise"], abs=0.01)


def test_a_run_that_diverges_is_a_row():
    row = singh_2015.train(**TINY | {"learning_rate": 1e30, "iterations": 8}, seed=0)
    assert np.isnan(row["plain"]) and np.isnan(row["layerwise"]) and np.isnan(row["control"])


@pytest.mark.parametrize("number", [0, 17, 18, 23, -1])
def test_full_settings_run(full, number):
    r"""Caffe's networks, a few steps on the bundled stand-ins."""
    few = {"iterations": 2, "early": 1, "limit": 40, "batch_size": 20, "drops": [1]}
    few["data"] = "patches" if full[number]["data"] == "cifar-10" else "fashion-mini"
    row = singh_2015.train(**full[number] | few, seed=0)
    assert row["multiplier"] > 1 and row["spread"] >= 1
    assert 0 <= row["control"] <= 100


@pytest.mark.parametrize(
    ("network", "side", "channels", "parameters"),
    [("lenet", 28, 1, 431_080), ("cifar-full", 32, 3, 89_578)],
)
def test_the_networks_are_as_large_as_caffes(network, side, channels, parameters):
    widths = {"lenet": [20, 50, 500], "cifar-full": [32, 32, 64]}[network]
    model = singh_networks.NETWORKS[network](widths, side, channels)
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert model(torch.rand(2, channels, side, side)).shape == (2, 10)


def test_response_normalisation_within_a_channel():
    x = torch.rand(2, 3, 5, 5) * 100
    inner = x[:, :, 1:4, 1:4].square().mean(dim=(2, 3))
    y = singh_networks.WithinChannel()(x)
    expected = x[:, :, 2, 2] / (1 + 5e-5 * inner) ** 0.75
    torch.testing.assert_close(y[:, :, 2, 2], expected)


def rows(plain, layerwise, control, **setting):
    r"""Made-up rows, an error a seed for each arm, the same early in the run."""
    arms = {"plain": plain, "layerwise": layerwise, "control": control}
    about = {"data": "fashion-mini", "iterations": 300, "multiplier": 2.0, "gain": 0.0} | setting
    return [
        about
        | {"seed": seed}
        | {arm: errors[seed] for arm, errors in arms.items()}
        | {
            f"{arm}_{what}": errors[seed]
            for arm, errors in arms.items()
            for what in ("early", "validation", "loss", "ms")
        }
        for seed in range(3)
    ]


LOW, HIGH, WIDE = (10.0, 10.1, 10.2), (20.0, 20.2, 20.1), (5.0, 15.0, 25.0)
LENET = {"network": "lenet", "learning_rate": 0.01}


def verdict(made, *words):
    found = [
        line
        for line in judged(singh_2015.PAPER, made, "quick").body
        if all(w in line[0] for w in words)
    ]
    assert len(found) == 1, found
    return found[0][-1]


@pytest.mark.parametrize(
    ("arms", "beats", "as_control", "best"),
    [
        ((HIGH, LOW, HIGH), HOLDS, FAILS, HOLDS),
        ((HIGH, LOW, LOW), HOLDS, HOLDS, HOLDS),
        ((LOW, HIGH, LOW), FAILS, FAILS, FAILS),
        ((HIGH, HIGH, LOW), NO_DIFFERENCE, FAILS, NO_DIFFERENCE),
        ((HIGH, WIDE, LOW), UNDECIDED, UNDECIDED, UNDECIDED),
    ],
)
def test_the_judges_of_lenet(arms, beats, as_control, best):
    made = [row for rule in singh_2015.ON_TOP_OF for row in rows(*arms, rule=rule, **LENET)]
    for rule in singh_2015.ON_TOP_OF:
        assert verdict(made, f"LeNet, {rule} alone") == beats
        assert verdict(made, f"LeNet, {rule}", "as large as the mean") == as_control
        assert verdict(made, f"LeNet, {rule}", "own best") == best
    assert verdict(made, "three rules end") == verdict(made, "rules learn faster") == beats
    if arms[1] is LOW:  # the made-up times are the errors
        assert verdict(made, "a step costs") == HOLDS


def test_the_rules_of_a_seed_count_as_one():
    r"""Nine differences of which the mean is clear, three of each seed alike: three, not nine."""
    by_seed = (-4.0, 0.5, -1.0)
    made = []
    for k, rule in enumerate(singh_2015.ON_TOP_OF):
        less = tuple(20 + change + 0.1 * k for change in by_seed)
        made += rows((20.0,) * 3, less, less, rule=rule, **LENET)
    assert verdict(made, "three rules end") == UNDECIDED
    (line,) = [x for x in judged(singh_2015.PAPER, made, "quick").body if "rules end" in x[0]]
    assert "(3) against 20.00 ± 0.00 (3)" in line[4]


def test_on_cifar_the_gain_must_be_there_on_top_of_each_rule():
    made = [
        row
        for rule in singh_2015.ON_TOP_OF
        for row in rows(HIGH, LOW if rule != "NAG" else HIGH, LOW, rule=rule, **singh_2015.LONG)
    ]
    assert verdict(made, "error is lower on top of SGD, NAG") == NO_DIFFERENCE
    assert verdict(made, "CIFAR-10, AdaGrad: a lower") == HOLDS


def test_a_tenth_of_a_point_matters_on_mnist():
    assert points(Sample((1.0,), data=("mnist",))) == 0.1
    assert points(Sample((1.0,), data=("fashion-mini",))) == 0.5


def test_the_judges_of_the_other_networks():
    deep = rows(HIGH, LOW, HIGH, network="deep-sigmoid", rule="SGD", learning_rate=0.3)
    assert verdict(deep, "vanish") == verdict(deep, "early on than") == HOLDS
    assert verdict(deep, "deep sigmoid network: each at its own") == HOLDS
    cifar = {"network": "cifar-full", "learning_rate": 0.001, "rule": "momentum"}
    made = rows(HIGH, HIGH, HIGH, **cifar | {"iterations": 70_000})
    assert verdict(made, "step-down at 50,000") == UNTESTED
    made += rows(HIGH, LOW, HIGH, **cifar | {"iterations": 60_000})
    assert verdict(made, "step-down at 50,000") == HOLDS
    assert verdict(made, "CIFAR-10, momentum: a lower") == NO_DIFFERENCE
    assert verdict(made, "CIFAR-10, momentum: a plain") == HOLDS
    assert verdict(made, "ImageNet") == NEVER_RUN
    assert len(singh_2015.PAPER.pictures(made + deep)) == 2


def test_printed_figures_are_those_of_the_text():
    printed = {figure.what: figure.value for figure in singh_2015.PAPER.printed}
    numbers = [value for value in printed.values() if isinstance(value, float)]
    assert numbers == [99.2] * 3 + [0.32, 1.3, 17.92, 0.006, 57.5]
    assert [value for value in printed.values() if str(value)[:1].isdigit()][len(numbers) :] == [
        "295,000",
        "345,000",
        "15",
    ]
    own = rows(HIGH, LOW, LOW, **singh_2015.SHORT, rule="momentum", data="cifar-10")
    (line,) = [x for x in compared(singh_2015.PAPER, own).body if "82.08" in x[1]]
    assert line[2:] == ("cifar-10", "17.92", "10.10 ± 0.10 (3)", FAILS)
    made = rows(HIGH, LOW, LOW, **singh_2015.LONG, rule="momentum", data="cifar-10", gain=0.31)
    lines = {line[1]: line for line in compared(singh_2015.PAPER, made).body}
    assert lines["gain in accuracy, points, SGD"][4:] == ("0.31 ± 0.00 (3)", SHOWN)
    assert lines["gain in accuracy, points, AdaGrad"][-1] == UNTESTED
    assert lines["highest accuracy, %, NAG, plain and layer-specific"][-1] == NEVER_RUN
