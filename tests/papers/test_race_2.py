"""The second part of the race: its grid, the rows that stand beside it, and its judges."""

import math
from functools import partial

import numpy as np
import pytest
import test_race
from timeless import timeless

from lrcourse import schedules
from lrcourse.papers import paper, race, race_2, race_runs, saved
from lrcourse.papers.race_runs import NEWER, NEWER_ELSEWHERE, NEWER_RATES
from lrcourse.papers.trial import FAILS, HOLDS, NO_DIFFERENCE, UNTESTED, judged, select

PAPER = paper("race-2")
TINY = dict(data="fashion-mini", network="196-8-10", batch_size=32, epochs=3, count=256)
RACES = ("DoG", "DoG, averaged")  # without a rate
SPREAD = 0.001


def rows(seeds=range(10, 20), **bottoms):
    r"""Made-up rows: a parabola for each method, at its bottom at its fourth rate."""
    made, rng = [], np.random.default_rng(1)
    lowest = {}
    for setting in PAPER.grid("quick"):
        method, about = setting["method"], (setting["data"], setting["method"])
        lowest.setdefault(about, setting["learning_rate"])
        off = math.log2(setting["learning_rate"] / lowest[about]) - 3 * (method not in RACES)
        for seed in seeds:
            error = bottoms.get(method, 0.15) + 0.01 * off**2 + SPREAD * rng.normal()
            made.append(
                setting
                | {"validation_error": error, "test_error": error + 0.01}
                | {"seed": seed, "step_ms": 0.25}
            )
    return made


verdict = partial(test_race.verdict, paper=PAPER)


def test_every_method_with_a_rate_has_as_many():
    grid = PAPER.grid("quick")
    for data, methods in {"fashion-mini": NEWER_RATES, **NEWER_ELSEWHERE}.items():
        for method in methods:
            rates = [s["learning_rate"] for s in select(grid, data=data, method=method)]
            assert len(rates) == (1 if method in RACES else 8)
            assert np.diff(np.log2(rates)) == pytest.approx(1.0)
    assert len(grid) == 116
    for setting in [*grid, *PAPER.grid("full")]:
        assert PAPER.stack(setting) is (setting["data"] != "fashion-mnist")


def test_the_workloads_are_those_of_the_first_part():
    first, second = (set(map(about, of.grid("quick"))) for of in (race.PAPER, PAPER))
    assert len(second) == 3 and second < first


def about(setting):
    return tuple(setting[name] for name in ("data", "network", "batch_size", "epochs"))


def test_at_full_scale_the_old_methods_run_too():
    grid = select(PAPER.grid("full"), data="fashion-mnist")
    assert {setting["method"] for setting in grid} == {*race.METHODS, *NEWER}


@pytest.mark.parametrize("method", NEWER)
def test_a_stack_is_its_runs_one_by_one_and_the_same_each_time(method):
    low, _ = (NEWER_RATES | {race_runs.MUON: race_runs.MUON_RATES})[method]
    rates = [2.0**low, 2.0 ** (low + 3)]
    stacked = race_runs.train(**TINY, method=method, learning_rate=rates, seed=1)
    again = race_runs.train(**TINY, method=method, learning_rate=rates, seed=1)
    assert timeless(stacked) == timeless(again)
    for rate, run in zip(rates, stacked, strict=True):
        alone = race_runs.train(**TINY, method=method, learning_rate=rate, seed=1)
        assert timeless(alone) == pytest.approx(timeless(run), abs=0.02)


def test_a_warm_up_takes_a_twentieth_and_the_last_step_is_almost_none():
    constant = race_runs.warm(1.0, 100)
    assert constant(np.arange(100)) == pytest.approx(np.minimum(np.arange(100) / 5, 1))
    fall = race_runs.warm(1.0, 1000, race_runs.stable_decay)
    assert fall([0, 25, 50, 715]) == pytest.approx([0, 0.5, 1, 1])
    assert fall(716) < 1 and fall(999) == pytest.approx(1 / 285)
    for shape in (fall, race_runs.warm(1.0, 1000, schedules.Cosine)):
        assert fall(1000) == shape(1000) == 0


def test_old_rows_stand_beside_new_ones_of_the_same_seeds_and_images():
    new = rows(range(12, 15))
    found = race_2.joined(new)
    assert found[: len(new)] == new
    assert {row["seed"] for row in found} == {12, 13, 14}
    old = select(found, method="SGD", data="digits")
    assert old and all(row in saved("race") for row in old)
    muon = race.part(found, race_runs.MUON)
    twins = select(saved("muon"), method="Muon")
    assert [row["test_error"] for row in muon] == [
        row["test_error"] for row in twins if row["seed"] in (12, 13, 14)
    ]
    full = [row | {"data": "fashion-mnist"} for row in select(new, data="fashion-mini")]
    assert race_2.joined(full) == full


def test_a_new_method_is_compared_with_an_old_one_seed_by_seed():
    found = rows(Muon=0.1)
    lines = {line[0]: line for line in judged(PAPER, found, "quick").body}
    *_, measured, decided = lines["Muon is better than Adam, cosine"]
    old = race.best(saved("race"), "Adam, cosine")[1].by_seed
    new = race.best(found, "Muon")[1].by_seed
    differences = [100 * (new[seed] - old[seed]) for seed in range(10, 20)]
    assert f"difference {np.mean(differences):.2f}" in measured and decided == HOLDS
    assert verdict(rows(Muon=0.3), "Muon is better than Adam, cosine") == FAILS
    assert verdict(rows(), "Lion is better") == HOLDS  # 16 %, where Adam had 17


def test_a_method_without_a_rate_is_compared_with_one_trial_and_with_a_default():
    best = race.best(saved("race"), "SGD")[1].mean
    assert verdict(rows(DoG=best - 0.01), "DoG is as good as SGD") != FAILS
    assert verdict(rows(DoG=0.1), "DoG is as good as SGD") == FAILS
    assert verdict(rows(DoG=0.25), "With 1 trial of a rate SGD is worse") == HOLDS
    default = "Adam at 0.00098, next to its default of 0.001, is better than DoG"
    assert verdict(rows(DoG=0.25), default) == HOLDS
    assert verdict(rows(DoG=0.1), default) == FAILS
    assert verdict(rows(DoG=0.1), f"{default}, averaged") == FAILS


def test_one_of_both_parts_is_ahead():
    says = "One method, of both parts, is ahead"
    assert verdict(rows(Lion=0.08), says) == HOLDS
    assert verdict(rows(**dict.fromkeys(NEWER, 0.08)), says) == NO_DIFFERENCE


def test_what_did_not_run_is_not_tested():
    found = select(rows(), method="Lion")
    untested = [line[-1] == UNTESTED for line in judged(PAPER, found, "quick").body]
    assert len(untested) - sum(untested) == 2


def test_standings_and_pictures_have_old_methods_and_new_ones():
    found = rows()
    main, *elsewhere = race_2.tables(found)
    assert {line[0] for line in main.body} == {*race.METHODS, *NEWER}
    assert [len(table.body) for table in elsewhere] == [10, 10]
    drawn = race_2.pictures(found)
    assert set(NEWER) <= {method for picture in drawn for method in picture.lines}
    for picture in drawn:
        assert all(method in picture.alt for method in picture.lines)


def test_nobody_is_best_at_an_end_of_its_grid():
    found = race_2.joined(saved("race-2"))
    for workload, methods in {race.MAIN: NEWER_RATES, **NEWER_ELSEWHERE}.items():
        for method in methods:
            assert "grid" not in race.best_text(found, method, workload)


def test_the_first_part_still_gives_what_was_saved():
    r"""New runs are paired with old ones, so an old one must still come out as it did."""
    own = select(race.part(saved("race"), "Momentum, cosine", "digits"), seed=10)
    rates = [row["learning_rate"] for row in own]
    digits = race.WORKLOADS["quick"]["digits"]
    again = race_runs.train(**digits, method="Momentum, cosine", learning_rate=rates, seed=10)
    old = [row["test_error"] for row in own]
    assert [row["test_error"] for row in again] == pytest.approx(old, abs=0.012)
