"""Schedules against adaptive methods: the training, and the judges of the claims."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from timeless import timeless
from torch.nn import functional as F

from lrcourse.papers import convolutional, lau_2017, paper
from lrcourse.papers.images import images
from lrcourse.papers.trial import (
    FAILS,
    HOLDS,
    NEVER_RUN,
    NO_DIFFERENCE,
    SHOWN,
    UNDECIDED,
    UNTESTED,
    compared,
    judged,
)
from lrcourse.sweep import Sweep

PAPER = paper("schedules")
TINY = dict(data="fashion-mini", network="dense", validation=0.5, batch_size=32, epochs=3)
METHODS = [*lau_2017.SCHEDULES, lau_2017.BY_EPOCH, *lau_2017.ADAPTIVE]


def rows(spread=0.1, seeds=5, momentum=0.0, off_rate=2.0, **errors):
    r"""Made-up rows with a lowest error at the article's rate; `errors` by method, else 10.

    spread: from seed to seed. momentum: what momentum adds to the error. off_rate: what a rate adds
    that is off by a factor of e.
    """
    made, rng = [], np.random.default_rng(1)
    for setting in lau_2017.grid("quick"):
        written = lau_2017.DEFAULTS.get(setting["method"], 0.1)
        error = errors.get(setting["method"].replace("-", "_"), 10.0)
        error += off_rate * abs(math.log(setting["learning_rate"] / written))
        error += momentum * bool(setting["momentum"])
        for seed in range(seeds):
            value = error + spread * rng.normal()
            measured = dict(validation_error=value, test_error=value, test_accuracy=1 - value / 100)
            made.append(setting | measured | {"seed": seed})
    return made


def verdict(found, start):
    claims = tuple(claim for claim in PAPER.claims if claim.says.startswith(start))
    ((*_, answer),) = judged(replace(PAPER, claims=claims), found, "quick").body
    return answer


def test_the_grid_has_every_schedule_with_and_without_momentum():
    quick, full = PAPER.grid("quick"), PAPER.grid("full")
    assert len(quick) == len(full) == 5 * 2 * 6 + 4 * 6
    for part in (quick, full):
        kinds = {(s["method"], s["momentum"]) for s in part}
        assert kinds == {
            *((name, m) for name in METHODS[:5] for m in (0.0, 0.8)),
            *((name, 0.0) for name in METHODS[5:]),
        }
        for written in (*lau_2017.WRITTEN_SCHEDULES, *lau_2017.WRITTEN_ADAPTIVE):
            assert len([s for s in part if written.items() <= s.items()]) == 1
    assert all(map(PAPER.stack, quick)) and not any(map(PAPER.stack, full))
    assert {s["data"] for s in full} == {"cifar-10"}  # no stand-in for cats and dogs


def test_what_the_article_prints_is_there_and_it_prints_no_numbers():
    assert len([f for f in PAPER.printed if f.where.startswith("Figure")]) == 7
    numbers = [f for f in PAPER.printed if isinstance(f.value, float)]
    assert {f.where for f in numbers} == {"the author's notebook"}
    assert {f.what: f.value for f in numbers}["accuracy, RMSprop"] == 0.7425
    table = compared(PAPER, rows())
    assert {line[-1] for line in table.body} == {NEVER_RUN, SHOWN}  # it is not the article's data
    (adam,) = [line for line in table.body if line[1] == "accuracy, Adam"]
    assert adam[2] == "fashion-mini, in place of cifar-10" and adam[4].startswith("0.9004 ± ")


@pytest.mark.parametrize("method", METHODS)
def test_a_stack_is_its_runs_one_by_one_and_the_same_each_time(method):
    rates = list(lau_2017.RATES[method][2:4])
    about = TINY | dict(method=method, momentum=0.0, limit=300)
    stacked = lau_2017.train(**about, learning_rate=rates, seed=1)
    again, other = (lau_2017.train(**about, learning_rate=rates, seed=seed) for seed in (1, 2))
    assert timeless(stacked) == timeless(again) and timeless(stacked) != timeless(other)
    for rate, run in zip(rates, stacked, strict=True):
        alone = lau_2017.train(**about, learning_rate=rate, seed=1)
        assert timeless(alone) == pytest.approx(timeless(run), abs=1.0)


def test_time_based_decay_counts_updates_and_the_others_epochs():
    rates = {}
    for method in METHODS:
        shape, per = lau_2017.schedule_named(method, 0.1, 100)
        rates[method] = shape(20 * (157 if per == "step" else 1))  # after 20 epochs of 157 steps
    assert rates["constant"] == rates["Adam"] == 0.1
    assert rates["time-based"] == pytest.approx(0.1 / (1 + 0.001 * 20 * 157))
    assert rates[lau_2017.BY_EPOCH] == pytest.approx(0.1 / 1.02)
    assert rates["step"] == 0.025
    assert rates["exponential"] == pytest.approx(0.1 * math.exp(-2))


def test_a_run_that_diverges_is_a_row(tmp_path):
    about = TINY | dict(method="constant", momentum=0.8, limit=100)
    settings = [about | {"learning_rate": rate} for rate in (0.1, 1e30)]
    found = Sweep(lau_2017.train, settings, [0], tmp_path / "r.jsonl", stack=PAPER.stack).run()
    assert [row["status"] for row in found] == ["done", "diverged"]
    assert found[0]["test_error"] < 90 and found[1]["test_error"] is None
    assert math.isnan(lau_2017.train(**about, learning_rate=1e30, seed=0)["test_error"])
    coloured = about | dict(network="cats and dogs", data="patches", learning_rate=1e30)
    (row,) = Sweep(lau_2017.train, [coloured], [0], tmp_path / "c.jsonl").run()
    assert row["status"] == "diverged"


def test_full_scale_trains_as_torchs_own_sgd_and_lambda_lr_do():
    about = dict(network="cats and dogs", data="patches", validation=0.1, batch_size=16, epochs=2)
    setting = about | dict(method="time-based", momentum=0.0, learning_rate=0.2, limit=64)
    before = torch.random.get_rng_state()
    ours = lau_2017.train(**setting, seed=3)
    assert torch.equal(before, torch.random.get_rng_state())
    assert timeless(ours) == timeless(lau_2017.train(**setting, seed=3))

    def two_classes(part):
        kept = np.isin(part.y, (3, 5))
        x = torch.tensor(part.x[kept][:64]).view(-1, 32, 32, 3).permute(0, 3, 1, 2)
        return x.contiguous(), torch.tensor(part.y[kept][:64] == 5).long()

    parts = images("patches", 0.1, seed=3)
    (x, y), (x_test, y_test) = two_classes(parts.train), two_classes(parts.test)
    theirs = []
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = convolutional.article_network(32, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.2)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + 0.1 * t))
        for _ in range(2):
            for batch in torch.randperm(64).split(16):
                optimizer.zero_grad()
                F.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
                scheduler.step()
            model.eval()
            wrong = (model(x_test).argmax(dim=1) != y_test).double().mean().item()
            theirs.append(100 * wrong)
            model.train()
    assert ours["test_error"] == pytest.approx(np.mean(theirs), abs=100 / 64 + 1e-4)


def test_the_network_is_the_articles_with_kerass_start():
    model = convolutional.article_network(32, 3)
    size = sum(p.numel() for p in model.parameters())
    assert size == (3 * 4 * 9 + 4) + (4 * 8 * 9 + 8) + (8 * 14 * 14 * 16 + 16) + (16 * 2 + 2)
    weight = model[0].weight
    assert weight.abs().max() <= math.sqrt(6 / (9 * 3 + 9 * 4)) and not model[0].bias.any()


@pytest.mark.parametrize(
    ("start", "held", "failed"),
    [
        (
            "Adaptive methods do better",
            {"Adam": 5.0, "RMSprop": 5.0},
            {"step": 5.0, "exponential": 5.0},
        ),
        ("Control: adaptive methods do", {"Adam": 5.0, "RMSprop": 5.0}, {"momentum": -3.0}),
        ("The best adaptive method does better", {"Adam": 5.0}, {"step": 5.0}),
        (
            "Control: the best adaptive method beats the best schedule, all",
            {"Adam": 5.0},
            {"momentum": -3.0},
        ),
        (
            "Control: the best adaptive method beats the best schedule, each",
            {"Adam": 5.0},
            {"step": 5.0},
        ),
        ("Control: the best adaptive method beats SGD", {"Adam": 5.0}, {"constant": 5.0}),
        ("Adadelta is", {"Adadelta": 5.0}, {"Adam": 5.0}),
        ("Adagrad stops learning too early", {"Adagrad": 15.0}, {"Adagrad": 5.0}),
        ("Control: Adadelta at its best rate", {"Adadelta": 5.0}, {"Adam": 5.0}),
        ("It is useful", {"step": 5.0}, {"constant": 5.0}),
        ("Control: the best of three schedules", {"step": 5.0}, {"constant": 5.0}),
        ("Control: the best schedule beats a constant", {"step": 5.0}, {"constant": 5.0}),
        ("Control: time-based decay", {"time_based": 5.0}, {"time_based": 15.0}),
    ],
)
def test_a_claim_holds_fails_or_stays_open(start, held, failed):
    assert verdict(rows(**held), start) == HOLDS
    assert verdict(rows(**failed), start) == FAILS
    assert verdict(rows(spread=30.0, **held), start) == UNDECIDED
    assert verdict([], start) == UNTESTED


def test_a_difference_too_small_to_matter():
    found = rows(spread=0.05, seeds=10, off_rate=20.0, Adam=9.8, RMSprop=9.8)
    assert verdict(found, "The best adaptive method does better") == NO_DIFFERENCE


@pytest.mark.parametrize("start", ["A constant 0.1", "Adaptive methods need no tuning"])
def test_a_default_is_good_if_no_rate_is_a_point_better(start):
    assert verdict(rows(), start) == HOLDS
    found = rows()
    for row in found:
        if row["learning_rate"] in (0.03, 0.0003) and not row["momentum"]:
            row["test_error"] = row["validation_error"] = 5.0 + 0.1 * row["seed"]
    assert verdict(found, start) == FAILS


def test_the_pictures_go_over_the_rates():
    plain, with_momentum, adaptive = PAPER.pictures(rows(step=8.0, Adam=8.0))
    assert list(plain.lines) == list(with_momentum.lines) == list(lau_2017.SCHEDULES)
    assert list(adaptive.lines) == list(lau_2017.ADAPTIVE)
    assert all(1.0 in x for x, _ in adaptive.lines.values())  # the defaults, in defaults
    assert "step has the lowest point" in plain.alt and "Adam" in adaptive.alt
