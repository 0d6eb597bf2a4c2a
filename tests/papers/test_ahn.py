"""Ahn's DA-SGD: the grid, one run at each scale, and every rule of judgement."""

import math

import numpy as np
import pytest
from timeless import timeless

from lrcourse.papers import ahn
from lrcourse.papers.trial import FAILS, HOLDS, NO_DIFFERENCE, UNDECIDED, UNTESTED, judged

GRID = ahn.grid("quick")
TINY = dict(
    data="fashion-mini",
    network="196-8-8-10",
    count=160,
    validation=0.2,
    epochs=2,
    times=100.0,
    batch_size=16,
)


# The grid -----------------------------------------------------------------------------------------


def test_the_pairs_are_as_printed():
    printed = "(1, 0.001), (2, 0.001), (4, 0.001), (8, 0.002), (16, 0.003), (32, 0.004), "
    printed += "(64, 0.005), (128, 0.006), (256, 0.007)"
    assert ", ".join(f"({size}, {rate})" for size, rate in ahn.PAIRS.items()) == printed


def test_the_factor_is_the_reach_of_the_rule_in_noise():
    assert pytest.approx(1.5 + 1 / math.pi, abs=0.002) == ahn.REACH


def test_the_quick_grid_keeps_rate_times_updates():
    grid = ahn.grid("quick")
    assert len(grid) == 3 * 4 + 13 + 2 * 3 * 8
    assert {row["data"] for row in grid} == {"fashion-mini"}
    at_8 = {row["learning_rate"] for row in grid if row["batch_size"] == 8}
    assert at_8 >= set(ahn.FIGURE_3)
    for row in grid:
        assert row["times"] * row["epochs"] * row["count"] == pytest.approx(200 * 60_000)
    assert {row["batch_size"] for row in grid} == {8, 16, 32, 64, 128, 256}


def test_the_full_grid_has_all_pairs_on_the_papers_own_data():
    grid = ahn.grid("full")
    assert {row["data"] for row in grid} == {"fashion-mnist", "kmnist", "quickdraw-10"}
    assert {(row["network"], row["epochs"], row["times"]) for row in grid} == {
        ("784-128-128-10", 200, 1.0)
    }
    for size, rate in ahn.PAIRS.items():
        for data in ("fashion-mnist", "kmnist", "quickdraw-10"):
            about = dict(data=data, batch_size=size, learning_rate=rate)
            found = [row["method"] for row in grid if row.items() >= about.items()]
            assert sorted(found) == ["da-sgd", "momentum", "sgd"]


def test_rules_that_choose_a_rate_have_the_same_to_choose_from():
    for size in ahn.RACE:
        rates = [
            sorted(s["learning_rate"] for s in GRID if (s["batch_size"], s["method"]) == (size, m))
            for m in ahn.RULES
        ]
        assert rates[0] == rates[1] == rates[2] and len(rates[0]) == 8


# Runs ---------------------------------------------------------------------------------------------


def test_a_run_is_the_same_again_and_in_a_stack():
    run = TINY | dict(method="da-sgd", learning_rate=0.003)
    alone = ahn.train(**run, seed=0)
    assert timeless(alone) == timeless(ahn.train(**run, seed=0))
    assert timeless(alone) != timeless(ahn.train(**run, seed=1))
    assert alone["step_ms"] > 0 and 0 < alone["validation_error"] < 1
    assert 0 < alone["test_error"] < 1 and 0 < alone["loss"] < 3
    stacked = ahn.train(**run | {"learning_rate": [0.001, 0.003]}, seed=0)
    assert stacked[1]["loss"] == pytest.approx(alone["loss"], abs=1e-4)
    assert stacked[0]["loss"] > stacked[1]["loss"]


def test_each_rule_is_its_own():
    losses = [
        ahn.train(**TINY, method=method, learning_rate=0.003, seed=0)["loss"]
        for method in ahn.RULES
    ]
    assert len(set(losses)) == 3


@pytest.mark.parametrize("rate", [3e36, [3e36, 3e36]])
def test_a_run_that_diverges_gives_no_number(rate):
    result = ahn.train(**TINY, method="sgd", learning_rate=rate, seed=0)
    for each in result if isinstance(result, list) else [result]:
        assert math.isnan(each["test_error"]) and math.isnan(each["loss"])


def test_a_run_at_full_scale():
    setting = next(row for row in ahn.grid("full") if row["method"] == "momentum")
    setting |= dict(data="fashion-mini", count=20, epochs=1)
    result = ahn.train(**setting, seed=0)
    assert 0 < result["test_error"] < 1 and not ahn.stack(setting | {"batch_size": 8})


def test_small_steps_are_stacked():
    sizes = [row["batch_size"] for row in ahn.grid("quick") if ahn.stack(row)]
    assert set(sizes) == {8, 16, 32, 64}


# Claims -------------------------------------------------------------------------------------------

SIZES = sorted({row["batch_size"] for row in GRID})


def effective(size, rate):
    """The error as it follows from a step that is a rate's: lowest at power 4 of 1.82."""
    power = math.log(rate / ahn.PAIRS[size]) / math.log(ahn.REACH)
    return 0.15 + 0.01 * (power - 4) ** 2 * (size / 256)


def rows(spread=0.0005, data="fashion-mini", others_ms=1.0, **others):
    """Rows in which a rule is SGD at 1.82 times the rate, but for what is given: by size, rate."""
    errors = {
        "sgd": effective,
        "da-sgd": lambda size, rate: effective(size, ahn.REACH * rate),
        "momentum": lambda size, rate: effective(size, ahn.REACH * rate),
    } | {name.replace("_", "-"): value for name, value in others.items()}
    found, rng = [], np.random.default_rng(1)
    for setting in GRID:
        mean = errors[setting["method"]](setting["batch_size"], setting["learning_rate"])
        for seed in range(10, 15):
            error = mean + spread * rng.normal()
            row = {"seed": seed, "data": data, "test_error": error, "loss": 2 * error}
            row |= {"validation_error": mean, "early_error": 2 * error, "step_ms": 1.0}
            if setting["method"] == "da-sgd":
                row["step_ms"] = others_ms + 0.01 * rng.normal()
            found.append(setting | row)
    return found


def plus(extra):
    """DA-SGD with an error that is higher by this."""
    return lambda size, rate: effective(size, ahn.REACH * rate) + extra


def beyond(extra):
    """DA-SGD with an error that beyond its best rate is higher by this."""

    def error(size, rate):
        far = rate > ahn.rate(size, 4)
        return effective(size, ahn.REACH * rate) + (extra if far else 0)

    return error


def flat(size, rate):
    return 0.15


NOISE = {"spread": 0.2}
CLAIMS = {  # how it begins, or its rule: cases of it
    "From batch size 32 on DA-SGD has": [
        ({}, HOLDS),
        ({"da_sgd": plus(0.1)}, FAILS),
        ({"da_sgd": effective}, NO_DIFFERENCE),
        (NOISE, UNDECIDED),
    ],
    "Below batch size 32 SGD generally": [
        ({"da_sgd": plus(0.02)}, HOLDS),
        ({"da_sgd": plus(-0.1)}, FAILS),
        ({"da_sgd": effective}, NO_DIFFERENCE),
        (NOISE, UNDECIDED),
    ],
    "The gain of DA-SGD": [
        ({"da_sgd": lambda size, rate: effective(size, rate) - size / 5000}, HOLDS),
        ({"da_sgd": lambda size, rate: effective(size, rate) - 1 / size}, FAILS),
        ({"da_sgd": effective}, NO_DIFFERENCE),
        (NOISE, UNDECIDED),
    ],
    "At batch sizes 64, 128 and 256": [
        ({}, HOLDS),
        ({"da_sgd": plus(0.1)}, FAILS),
        (NOISE, UNDECIDED),
    ],
    "At batch size 32, too": [
        ({}, HOLDS),
        ({"da_sgd": plus(0.1)}, FAILS),
        ({"da_sgd": effective}, NO_DIFFERENCE),
    ],
    "At every batch size below 32": [
        ({"da_sgd": plus(0.02)}, HOLDS),
        ({"da_sgd": plus(-0.1)}, FAILS),
        (NOISE, UNDECIDED),
    ],
    "At batch size 8 SGD ends": [
        ({"sgd": lambda size, rate: 0.5 - 10 * rate}, HOLDS),
        ({"sgd": lambda size, rate: 0.5 + 10 * rate}, FAILS),
        ({"sgd": flat}, NO_DIFFERENCE),
    ],
    "From batch size 32 on DA-SGD learns faster": [
        ({}, HOLDS),
        ({"da_sgd": plus(0.1)}, FAILS),
        (NOISE, UNDECIDED),
    ],
    "On QuickDraw-10": [],
    "Control: a step of DA-SGD": [
        ({}, HOLDS),
        ({"others_ms": 1.3}, FAILS),
    ],
    "Control: SGD at 1.82 times the rate has the same test error": [
        ({}, HOLDS),
        ({"da_sgd": plus(0.03)}, FAILS),
        (NOISE, UNDECIDED),
    ],
    "Control: it has the same training loss": [
        ({}, HOLDS),
        ({"da_sgd": plus(0.03)}, FAILS),
        (NOISE, UNDECIDED),
    ],
    "Control: from batch size 32 on it has": [
        ({}, HOLDS),
        ({"da_sgd": plus(0.03)}, FAILS),
        (NOISE, UNDECIDED),
    ],
    "Control: the same training loss below": [
        ({}, HOLDS),
        ({"da_sgd": plus(0.03)}, FAILS),
        (NOISE, UNDECIDED),
    ],
    "Control: tuning the rate of SGD gains more": [
        ({"da_sgd": plus(0.12)}, HOLDS),
        ({"da_sgd": plus(-0.12)}, FAILS),
        (NOISE, UNDECIDED),
    ],
    "Control: at batch size 256 tuning": [
        ({"da_sgd": plus(0.02)}, HOLDS),
        ({"da_sgd": plus(-0.12)}, FAILS),
        ({"spread": 0.4}, UNDECIDED),
    ],
    "Control: at its best rate DA-SGD": [
        ({"da_sgd": plus(-0.02)}, HOLDS),
        ({"da_sgd": plus(0.02)}, FAILS),
        ({}, NO_DIFFERENCE),
    ],
    "DA-SGD has a lower test error (%) than momentum": [
        ({"da_sgd": plus(-0.02)}, HOLDS),
        ({"da_sgd": plus(0.02)}, FAILS),
        ({}, NO_DIFFERENCE),
    ],
    "DA-SGD has the same test error (%) as momentum": [
        ({}, HOLDS),
        ({"da_sgd": plus(0.03)}, FAILS),
        (NOISE, UNDECIDED),
    ],
    "At its best rate DA-SGD has": [
        ({"da_sgd": plus(-0.02)}, HOLDS),
        ({"da_sgd": plus(0.02)}, FAILS),
        ({}, NO_DIFFERENCE),
    ],
    "Control: the edge of DA-SGD": [
        ({"da_sgd": beyond(-0.05)}, HOLDS),
        ({"da_sgd": beyond(0.05)}, FAILS),
        (NOISE, UNDECIDED),
    ],
    "Control: at batch size 256 the edge": [
        ({"da_sgd": beyond(-0.05)}, HOLDS),
        ({"da_sgd": beyond(0.05)}, FAILS),
        (NOISE, UNDECIDED),
    ],
    "Control: that is so at batch size 32": [
        ({"da_sgd": beyond(-0.05)}, HOLDS),
        ({"da_sgd": beyond(0.05)}, FAILS),
        (NOISE, UNDECIDED),
    ],
}
CASES = [(start, *case) for start, cases in CLAIMS.items() for case in cases]


def claim(start):
    (found,) = [claim for claim in ahn.CLAIMS if claim.says.startswith(start)]
    return found


@pytest.mark.parametrize(("start", "changes", "verdict"), CASES)
def test_each_claim_is_judged_by_its_rule(start, changes, verdict):
    judgement = claim(start).judge(rows(**changes))
    assert judgement.verdict() == verdict, judgement.measured


def test_every_claim_is_judged_in_these_tests():
    assert len({claim(start).says for start in CLAIMS}) == len(ahn.CLAIMS)


def test_a_claim_must_hold_on_every_data_set():
    assert claim("On QuickDraw-10").data == ("quickdraw-10",)
    both = rows() + rows(data="kmnist", da_sgd=plus(0.1))
    judgement = claim("From batch size 32 on DA-SGD has").judge(both)
    assert judgement.verdict() == FAILS
    assert "fashion-mini, 64: " in judgement.measured or "kmnist, 64: " in judgement.measured
    assert judgement.data_used == ("fashion-mini", "kmnist")


def test_a_run_that_diverged_counts_as_worse():
    lost = [row | ({"test_error": None} if row["method"] == "da-sgd" else {}) for row in rows()]
    assert claim("From batch size 32 on DA-SGD has").judge(lost).verdict() == FAILS


def test_without_runs_nothing_is_tested():
    assert {line[-1] for line in judged(ahn.PAPER, [], "full").body} == {UNTESTED}


def test_the_pictures_show_error_over_batch_size_and_over_rate():
    by_size, *by_rate = ahn.pictures(rows())
    assert set(by_size.lines) == {"SGD", "DA-SGD", "momentum 0.5", "SGD at 1.82 times the rate"}
    assert all(x == SIZES for x, _ in by_size.lines.values())
    assert len(by_rate) == 2
    assert all(len(x) == 8 for picture in by_rate for x, _ in picture.lines.values())
