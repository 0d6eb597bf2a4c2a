"""Ahn's DA-SGD: the grid, one run at each scale, and every rule of judgement."""

import math

import pytest

from lrcourse.papers import ahn
from lrcourse.papers.trial import FAILS, HOLDS, UNDECIDED, UNTESTED, judged

TINY = dict(
    data="fashion-mini", network="196-8-8-10", count=160, epochs=2, times=100.0, batch_size=16
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
    assert len(grid) == 3 * 4 + 5 + 2 * 3 * 8 and {row["data"] for row in grid} == {"fashion-mini"}
    for row in grid:
        assert row["times"] * row["epochs"] * row["count"] == pytest.approx(200 * 60_000)
    assert {row["batch_size"] for row in grid} == {8, 16, 32, 64, 128, 256}


def test_the_full_grid_has_all_pairs_on_all_data_that_can_be_had(monkeypatch):
    monkeypatch.setattr(ahn, "first_available", lambda *names: names[0])
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


def test_data_that_cannot_be_had_are_not_run_twice(monkeypatch):
    monkeypatch.setattr(ahn, "first_available", lambda *names: names[-1])
    assert {row["data"] for row in ahn.grid("full")} == {"fashion-mini"}
    assert len(ahn.grid("full")) == 7 * 4 + 1 + 2 * 3 * 11


# Runs ---------------------------------------------------------------------------------------------


def test_a_run_is_the_same_again_and_in_a_stack():
    run = TINY | dict(method="da-sgd", learning_rate=0.003)
    alone = ahn.train(**run, seed=0)
    assert alone == ahn.train(**run, seed=0)
    assert alone != ahn.train(**run, seed=1)
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


def test_a_run_at_full_scale(monkeypatch):
    monkeypatch.setattr(ahn, "first_available", lambda *names: names[-1])
    setting = next(row for row in ahn.grid("full") if row["method"] == "momentum")
    result = ahn.train(**setting | dict(count=20, epochs=1), seed=0)
    assert 0 < result["test_error"] < 1 and not ahn.stack(setting | {"batch_size": 8})


def test_small_steps_are_stacked():
    sizes = [row["batch_size"] for row in ahn.grid("quick") if ahn.stack(row)]
    assert set(sizes) == {8, 16, 32, 64}


# Claims -------------------------------------------------------------------------------------------

GRID = ahn.grid("quick")
SIZES = sorted({row["batch_size"] for row in GRID})


def effective(size, rate):
    """The error as it follows from a step that is a rate's: lowest at power 4 of 1.82."""
    power = math.log(rate / ahn.PAIRS[size]) / math.log(ahn.REACH)
    return 0.15 + 0.01 * (power - 4) ** 2 * (size / 256)


def rows(spread=0.0005, data="fashion-mini", **others):
    """Rows in which a rule is SGD at 1.82 times the rate, but for what is given: by size, rate."""
    errors = {
        "sgd": effective,
        "da-sgd": lambda size, rate: effective(size, ahn.REACH * rate),
        "momentum": lambda size, rate: effective(size, ahn.REACH * rate),
    } | {name.replace("_", "-"): value for name, value in others.items()}
    found = []
    for setting in GRID:
        mean = errors[setting["method"]](setting["batch_size"], setting["learning_rate"])
        for seed in range(3):
            error = mean + spread * (seed - 1)
            row = {"seed": seed, "data": data, "test_error": error, "loss": 2 * error}
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
CASES = [
    (0, {}, HOLDS),
    (0, {"da_sgd": plus(0.1)}, FAILS),
    (0, NOISE, UNDECIDED),
    (1, {}, HOLDS),
    (1, {"da_sgd": plus(0.1)}, FAILS),
    (1, {"da_sgd": effective}, UNDECIDED),
    (2, {"da_sgd": plus(0.02)}, HOLDS),
    (2, {"da_sgd": plus(-0.1)}, FAILS),
    (2, {}, UNDECIDED),
    (3, {"da_sgd": lambda size, rate: effective(size, rate) - size / 5000}, HOLDS),
    (3, {"da_sgd": lambda size, rate: effective(size, rate) - 1 / size}, FAILS),
    (3, {"da_sgd": effective}, UNDECIDED),
    (4, {"sgd": lambda size, rate: 0.5 - 10 * rate}, HOLDS),
    (4, {"sgd": lambda size, rate: 0.5 + 10 * rate}, FAILS),
    (4, {"sgd": flat}, UNDECIDED),
    (5, {}, HOLDS),
    (5, {"da_sgd": plus(0.03)}, FAILS),
    (5, {"da_sgd": plus(0.03), **NOISE}, UNDECIDED),
    (6, {}, HOLDS),
    (6, {"da_sgd": plus(0.03)}, FAILS),
    (6, {"da_sgd": plus(0.03), "spread": 0.1}, UNDECIDED),
    (7, {}, HOLDS),
    (7, {"da_sgd": plus(0.03)}, FAILS),
    (7, {"da_sgd": plus(0.03), "spread": 0.1}, UNDECIDED),
    (8, {"da_sgd": plus(0.02)}, HOLDS),
    (8, {"da_sgd": plus(-0.12)}, FAILS),
    (8, NOISE, UNDECIDED),
    (9, {"da_sgd": plus(-0.02)}, HOLDS),
    (9, {"da_sgd": plus(0.02)}, FAILS),
    (9, {}, UNDECIDED),
    (10, {}, HOLDS),
    (10, {"da_sgd": plus(0.03)}, FAILS),
    (10, {"da_sgd": plus(0.03), **NOISE}, UNDECIDED),
    (11, {"da_sgd": plus(-0.02)}, HOLDS),
    (11, {"da_sgd": plus(0.02)}, FAILS),
    (11, {}, UNDECIDED),
    (12, {"da_sgd": beyond(-0.02)}, HOLDS),
    (12, {"da_sgd": beyond(0.02)}, FAILS),
    (12, {}, UNDECIDED),
    (13, {"da_sgd": beyond(-0.02)}, HOLDS),
    (13, {"da_sgd": beyond(0.02)}, FAILS),
    (13, {}, UNDECIDED),
]


@pytest.mark.parametrize(("number", "changes", "verdict"), CASES)
def test_each_claim_is_judged_by_its_rule(number, changes, verdict):
    measured, found = ahn.CLAIMS[number].judge(rows(**changes))
    assert found == verdict, measured
    assert measured[0].isdigit()


def test_every_claim_is_judged_in_these_tests():
    assert {number for number, _, _ in CASES} == set(range(len(ahn.CLAIMS)))


def test_a_claim_must_hold_on_every_data_set():
    both = rows() + rows(data="kmnist", da_sgd=plus(0.1))
    measured, verdict = ahn.CLAIMS[0].judge(both)
    assert verdict == FAILS
    assert "fashion-mini: 64: " in measured and "; kmnist: 64: " in measured


def test_a_run_that_diverged_counts_as_worse():
    lost = [row | ({"test_error": None} if row["method"] == "da-sgd" else {}) for row in rows()]
    assert ahn.CLAIMS[0].judge(lost)[1] == FAILS


def test_without_runs_nothing_is_tested():
    assert {line[-1] for line in judged(ahn.PAPER, [], "full").body} == {UNTESTED}


def test_the_pictures_show_error_over_batch_size_and_over_rate():
    by_size, *by_rate = ahn.pictures(rows())
    assert set(by_size.lines) == {"SGD", "DA-SGD", "momentum 0.5", "SGD at 1.82 times the rate"}
    assert all(x == SIZES for x, _ in by_size.lines.values())
    assert len(by_rate) == 2
    assert all(len(x) == 8 for picture in by_rate for x, _ in picture.lines.values())
