"""Four sequences and three strategies: the tables, the training, and the judges of the claims."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from timeless import timeless
from torch.nn import functional as F

from lrcourse.papers import convolutional, paper, yang_huang_2019
from lrcourse.papers.images import images
from lrcourse.papers.trial import (
    FAILS,
    HOLDS,
    NEVER_RUN,
    SHOWN,
    UNDECIDED,
    UNTESTED,
    compared,
    judged,
)
from lrcourse.sweep import Sweep

PAPER = paper("sequences")
TINY = dict(table=1, data="fashion-mini", network="dense", target=60.0, batch_size=32, epochs=6)
SEQ3 = dict(sequence="seq3", strategy="by epoch", rule="momentum")


def rows(spread=0.1, seeds=5, table=1, **errors):
    r"""Made-up rows; `errors` by name, such as seq4_by_cutoff; the others 10, and no decay 12."""
    made, rng = [], np.random.default_rng(1)
    for setting in yang_huang_2019.grid("quick"):
        name = f"{setting['sequence']} {setting['strategy']}".replace(" ", "_")
        name = setting["rule"] if setting["sequence"] == "none" else name
        usual = 12.0 if setting["sequence"] == "none" else 10.0
        off = abs(math.log(setting["learning_rate"] / 0.01))
        for seed in range(seeds):
            error = errors.get(name, usual) + off + spread * rng.normal()
            measured = dict(validation_error=error, test_error=error, test_accuracy=1 - error / 100)
            made.append(
                setting
                | measured
                | {"table": table, "seed": seed, "convergence": error, "epochs_to": error}
            )
    return made


def verdict(found, start):
    claims = tuple(claim for claim in PAPER.claims if claim.says.startswith(start))
    ((*_, answer),) = judged(replace(PAPER, claims=claims), found, "quick").body
    return answer


def test_the_grid_has_all_twelve_and_the_benchmarks_at_the_rates_of_the_paper():
    quick, full = PAPER.grid("quick"), PAPER.grid("full")
    assert len(quick) == 13 * 6 + 5 and len(full) == 2 * len(quick)
    for table, own in ((1, "mnist"), (2, "cifar")):
        part = [setting for setting in full if setting["table"] == table]
        assert {setting["network"] for setting in part} == {own}
        assert [s for s in part if s["rule"] == "Adam" and s["learning_rate"] == 0.001]
        at_papers_rate = {
            (s["sequence"], s["strategy"]) for s in part if s["learning_rate"] == 0.01
        }
        assert at_papers_rate >= {*yang_huang_2019.TWELVE, ("none", "no decay")}
    assert all(map(PAPER.stack, quick)) and not any(map(PAPER.stack, full))
    assert {(s["table"], s["batch_size"], s["epochs"]) for s in full} == {(1, 64, 50), (2, 20, 25)}


def test_the_printed_tables_are_whole():
    numbers = {(f.where, f.what): f.value for f in PAPER.printed if f.setting is not None}
    assert len(numbers) == 2 * 2 * 14
    for where, what, value in (
        ("Table 1", "accuracy, SGD benchmark", 0.98264),
        ("Table 1", "accuracy, seq3 by cutoff", 0.98614),
        ("Table 1", "convergence, seq3 by epoch", 19),
        ("Table 1", "convergence, seq1 by oscillation", 25),
        ("Table 2", "accuracy, Adam benchmark", 0.7309),
        ("Table 2", "accuracy, seq4 by cutoff", 0.5848),
        ("Table 2", "accuracy, seq2 by oscillation", 0.773),
        ("Table 2", "convergence, seq1 by cutoff", 15),
    ):
        assert numbers[where, what] == value
    best = {
        table: max(lines, key=lambda how, lines=lines: lines[how][0])
        for table, lines in yang_huang_2019.TABLES.items()
    }
    assert best == {1: ("seq4", "by cutoff"), 2: ("seq3", "by epoch")}  # in bold type


def test_every_number_of_a_printed_table_has_its_counterpart():
    table = compared(PAPER, rows())
    assert {line[4] == "" for line in table.body if line[0] == "Table 1"} == {False}
    shown = {line[-1] for line in table.body}
    assert shown == {SHOWN, UNTESTED, NEVER_RUN}  # it is not the paper's data


def test_a_stack_is_its_runs_one_by_one_and_the_same_each_time():
    rates = [0.003, 0.1]
    about = TINY | dict(sequence="seq1", strategy="by oscillation", rule="momentum", limit=300)
    stacked = yang_huang_2019.train(**about, learning_rate=rates, seed=1)
    again, other = (
        yang_huang_2019.train(**about, learning_rate=rates, seed=seed) for seed in (1, 2)
    )
    assert timeless(stacked) == timeless(again) and timeless(stacked) != timeless(other)
    for rate, run in zip(rates, stacked, strict=True):
        alone = yang_huang_2019.train(**about, learning_rate=rate, seed=1)
        assert alone["test_error"] == pytest.approx(run["test_error"], abs=1.0)


def test_by_epoch_falls_after_every_epoch_and_no_decay_never():
    falling = yang_huang_2019.train(**TINY, **SEQ3, learning_rate=0.1, seed=0, limit=100)
    assert falling["changes"] == 6 and falling["last_rate"] == pytest.approx(0.1 * 0.9**6)
    for rule in ("momentum", "Adam"):
        still = dict(sequence="none", strategy="no decay", rule=rule)
        kept = yang_huang_2019.train(**TINY, **still, learning_rate=0.1, seed=0, limit=100)
        assert kept["changes"] == 0 and kept["last_rate"] == 0.1


def test_a_run_that_diverges_is_a_row_and_one_that_only_misses_the_target_is_done(tmp_path):
    about = TINY | SEQ3 | dict(target=0.0, limit=100)
    settings = [about | {"learning_rate": rate} for rate in (0.1, 1e30)]
    found = Sweep(
        yang_huang_2019.train, settings, [0], tmp_path / "r.jsonl", stack=PAPER.stack
    ).run()
    assert [row["status"] for row in found] == ["done", "diverged"]
    assert found[0]["epochs_to"] is None and found[0]["test_error"] < 90
    assert found[1]["test_error"] is None
    alone = yang_huang_2019.train(**about, learning_rate=1e30, seed=0)
    assert math.isnan(alone["test_error"]) and alone["epochs_to"] is None


@pytest.mark.parametrize(("network", "data"), [("mnist", "fashion-mini"), ("cifar", "patches")])
def test_full_scale_trains_as_torchs_own_momentum_and_exponential_decay_do(network, data):
    about = TINY | dict(network=network, data=data, epochs=2, table=2, limit=64)
    before = torch.random.get_rng_state()
    ours = yang_huang_2019.train(**about, **SEQ3, learning_rate=0.05, seed=3)
    assert torch.equal(before, torch.random.get_rng_state())
    again = yang_huang_2019.train(**about, **SEQ3, learning_rate=0.05, seed=3)
    assert timeless(ours) == timeless(again)

    parts = images(data, 0.2, seed=3)
    side, colours = parts.image_shape[0], (*parts.image_shape, 1)[2]
    (x, y), (x_test, y_test) = (
        (
            torch.tensor(2 * p.x[:64] - 1)
            .view(-1, side, side, colours)
            .permute(0, 3, 1, 2)
            .contiguous(),
            torch.tensor(p.y[:64]),
        )
        for p in (parts.train, parts.test)
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = convolutional.NETWORKS[network](side, colours)
        optimizer = torch.optim.SGD(model.parameters(), 0.05, 0.9)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        for _ in range(2):
            for batch in torch.randperm(64).split(32):
                optimizer.zero_grad()
                F.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
            scheduler.step()
            model.eval()  # and, as in the authors' code, never train() again
        theirs = 100 * (model(x_test).argmax(dim=1) != y_test).double().mean().item()
    assert ours["test_error"] == pytest.approx(theirs, abs=100 / 64 + 1e-4)


def test_the_networks_are_the_authors():
    sizes = {
        name: sum(p.numel() for p in make(*shape).parameters())
        for (name, make), shape in zip(
            convolutional.NETWORKS.items(), [(28, 1), (32, 3)], strict=True
        )
    }
    mnist = 20 * 9 + 20 + 20 * 13 * 13 * 128 + 128 + 128 * 10 + 10
    cifar = 3 * 16 * 9 + 16 + 16 * 32 * 9 + 32 + 32 * 64 * 9 + 64 + 1024 * 500 + 500 + 5000 + 10
    assert sizes == {"mnist": mnist, "cifar": cifar}


def test_convergence_is_where_four_changes_are_small():
    errors = np.array([50.0, 40, 30, 29.9, 29.7, 29.8, 29.6, 29.6])
    made = yang_huang_2019.summary(errors, errors, np.full(9, 0.01), 8, 4, 29.65)
    assert made["convergence"] == 7  # the changes after epochs 3 to 6 add up to 0.6
    assert made["test_error"] == pytest.approx(29.675) and made["epochs_to"] == 7
    steep = np.linspace(50, 10, 8)
    assert yang_huang_2019.summary(steep, steep, np.full(9, 0.01), 8, 1, 0.0)["convergence"] == 8


@pytest.mark.parametrize(
    ("start", "held", "failed"),
    [
        ("MNIST: the best of the twelve is more accurate than both", {}, {"Adam": 5.0}),
        ("MNIST: the best of the twelve is more accurate than SGD", {}, {"momentum": 5.0}),
        ("MNIST: the best of the twelve is more accurate than Adam", {}, {"Adam": 5.0}),
        ("Control: the best of the twelve is more", {}, {"momentum": 5.0}),
        ("Control: the best of the twelve beats no decay, each", {}, {"momentum": 5.0}),
        ("Control: in the mean of the twelve", {}, {"momentum": 5.0}),
        ("Control: from a first rate far too high", {}, {"momentum": 5.0}),
        ("MNIST: seq4 by cutoff", {"seq4_by_cutoff": 8.0}, {"seq1_by_epoch": 8.0}),
        ("MNIST: seq3 by epoch", {"seq3_by_epoch": 8.0}, {"seq1_by_epoch": 8.0}),
        (
            "Control: seq3 by epoch is also the first",
            {"seq3_by_epoch": 8.0},
            {"seq1_by_epoch": 8.0},
        ),
    ],
)
def test_a_claim_holds_fails_or_stays_open(start, held, failed):
    assert verdict(rows(**held), start) == HOLDS
    assert verdict(rows(**failed), start) == FAILS
    assert verdict(rows(spread=30.0, **held), start) == UNDECIDED
    assert verdict([], start) == UNTESTED


def test_a_ranking_repeats_if_one_setting_wins_in_every_seed():
    same = "Control: the same one of the twelve is the most accurate"
    found = rows(seq1_by_cutoff=8.0)
    assert verdict(found, same) == HOLDS
    assert verdict(rows(seeds=1, seq1_by_cutoff=8.0), same) == UNDECIDED
    for row in found:
        if row["seed"] == 2 and (row["sequence"], row["strategy"]) == ("seq2", "by epoch"):
            row["test_error"] = 1.0
    assert verdict(found, same) == FAILS


def test_table_2_is_judged_only_where_it_was_run():
    assert verdict(rows(), "CIFAR-10: seq3 by epoch") == UNTESTED
    assert verdict(rows(table=2, seq3_by_epoch=8.0), "CIFAR-10: seq3 by epoch") == HOLDS
    more = "A good scheme gains much"
    assert verdict(rows(), more) == UNTESTED
    assert verdict(rows() + rows(table=2, momentum=20.0), more) == HOLDS
    assert verdict(rows(momentum=20.0) + rows(table=2), more) == FAILS


def test_three_images_of_ten_thousand_prove_nothing():
    found = judged(PAPER, rows(), "quick").body
    measured, answer = next(line[4:] for line in found if "authors' own figures" in line[0])
    assert measured.startswith("3 images of 10,000") and answer == UNDECIDED


def test_the_pictures_go_over_the_first_rates():
    by_strategy, by_epoch = PAPER.pictures(rows(momentum=8.0))
    assert list(by_strategy.lines) == ["no decay", *yang_huang_2019.STRATEGIES]
    assert list(by_epoch.lines) == ["no decay", *yang_huang_2019.SEQUENCES]
    assert all(x == list(yang_huang_2019.FIRST_RATES) for x, _ in by_epoch.lines.values())
    assert all(len(values) == 5 for _, ys in by_epoch.lines.values() for values in ys)
    assert "Lowest on the left is no decay" in by_epoch.alt
