"""Ndauka & Zheng's iRprop-: the grid, one run at each scale, and every rule of judgement."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from timeless import timeless

from lrcourse.data import Split, load
from lrcourse.papers import images, ndauka_zheng
from lrcourse.papers.trial import FAILS, HOLDS, NO_DIFFERENCE, UNDECIDED, UNTESTED, judged

TINY = dict(data="fashion-mini", network="196-16-8-8-10", count=200, most_epochs=2, batch_size=50)


# The grid -----------------------------------------------------------------------------------------


def test_the_quick_grid_keeps_images_and_batch_sizes_of_the_paper():
    grid = ndauka_zheng.grid("quick")
    assert len(grid) == 4 * (5 + 1 + 5 + 5) + 1
    assert {row["batch_size"] for row in grid} == {250, 500, 1000, 2000}
    assert {(row["data"], row["count"]) for row in grid} == {("fashion-mini", 10_000)}


def test_the_full_grid_has_the_network_of_the_paper_and_its_data():
    grid = ndauka_zheng.grid("full")
    assert len(grid) == 4 * (5 + 1 + 5 + 5) + 1
    networks = {(row["data"], row["network"], row["count"]) for row in grid}
    assert networks == {("cifar-10", "3072-2048-1024-512-10", 10_000)}


def test_the_rules_are_as_printed():
    rule = ndauka_zheng.RULES["irprop-paper"]()
    printed = (rule.increase, rule.decrease, rule.minimum, rule.maximum)
    assert printed == (1.2, 0.5, 0.001, 0.006) and rule.variant == "paper"
    assert ndauka_zheng.RULES["irprop"]().variant == "published"
    assert ndauka_zheng.GOAL == 0.01


def steps(rule, learning_rate, gradients):
    w = np.zeros(gradients.shape[1])
    for g in gradients:
        rule.step(w, g, learning_rate)
    return w


GRADIENTS = np.random.default_rng(0).normal(size=(40, 6))


def test_the_wide_limits_are_those_of_torch():
    w = torch.zeros(6, dtype=torch.float64)
    judge = torch.optim.Rprop([w])
    for g in GRADIENTS:
        w.grad = torch.tensor(g)
        judge.step()
    np.testing.assert_array_equal(
        steps(ndauka_zheng.RULES["irprop-wide"](), 1.0, GRADIENTS), w.numpy()
    )


def test_signsgd_steps_by_its_rate_whatever_the_gradient():
    walked = steps(ndauka_zheng.RULES["signsgd"](), 0.002, GRADIENTS)
    np.testing.assert_allclose(walked, -0.002 * np.sign(GRADIENTS).sum(axis=0))


# Runs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["irprop", "sgd"])
def test_a_run_is_the_same_again(method):
    first, again, other = (
        timeless(ndauka_zheng.train(**TINY, method=method, learning_rate=1.0, seed=seed))
        for seed in (0, 0, 1)
    )
    assert first == again and first != other
    assert ("at_minimum" in first) == (method == "irprop")
    assert first["epochs"] is None and 0 < first["test_error"] < 1


def test_a_run_ends_after_the_first_epoch_below_the_goal():
    run = TINY | dict(count=40, batch_size=20, method="sgd", learning_rate=0.5, seed=0)
    epochs = ndauka_zheng.train(**run | {"most_epochs": 200})["epochs"]
    assert 1 < epochs < 200
    assert ndauka_zheng.train(**run | {"most_epochs": epochs})["epochs"] == epochs
    assert ndauka_zheng.train(**run | {"most_epochs": epochs - 1})["epochs"] is None


def test_a_run_that_diverges_gives_no_number():
    result = ndauka_zheng.train(**TINY, method="sgd", learning_rate=1e38, seed=0)
    assert result["epochs"] is None and math.isnan(result["test_error"])


def test_a_run_at_full_scale(monkeypatch):
    class Centred:  # whitening 3,072 features takes seconds, and has its own tests
        def __init__(self, epsilon):
            self.epsilon = epsilon

        def fit(self, x):
            self.mean = x.mean(axis=0)
            return self

        def transform(self, x):
            return x[:100] - self.mean

    def first_hundred(data, inputs, count, whitened=ndauka_zheng.whitened.__wrapped__):
        training, (x, y) = whitened(data, inputs, count)
        return training, (x, y[:100])

    def coloured(name):  # in the shape of CIFAR-10
        data = load("fashion-mini", validation=0)
        split = Split(np.tile(data.train.x[:, :768], 4), data.train.y)
        return replace(data, train=split, test=split)

    monkeypatch.setattr(images, "whole", coloured)
    monkeypatch.setattr(ndauka_zheng, "ZCA", Centred)
    monkeypatch.setattr(ndauka_zheng, "whitened", first_hundred)
    setting = next(row for row in ndauka_zheng.grid("full") if row["method"] == "irprop-paper")
    tiny = dict(count=20, batch_size=10, most_epochs=1)
    result = ndauka_zheng.train(**setting | tiny, seed=0)
    assert result["epochs"] is None and 0 < result["test_error"] <= 1
    assert 0.001 <= result["mean_step"] <= 0.0012


# Claims -------------------------------------------------------------------------------------------


def rows(irprop_epochs=14, sgd=None, spread=0.1, grid=None, **others):
    """Rows as the paper would have them, but for what is given; epochs by (batch size, rate)."""
    epochs = {
        "irprop": lambda size, rate: irprop_epochs,
        "irprop-paper": lambda size, rate: irprop_epochs + 1,
        "irprop-wide": lambda size, rate: None,
        "sgd": sgd or (lambda size, rate: 10 * size / 250 / min(rate, 1)),
        "signsgd": lambda size, rate: 20,
    } | {name.replace("_", "-"): value for name, value in others.items() if callable(value)}
    found, rng = [], np.random.default_rng(1)
    for setting in grid or ndauka_zheng.grid("quick"):
        mean = epochs[setting["method"]](setting["batch_size"], setting["learning_rate"])
        ours = setting["method"] == "irprop"
        error = others.get("ours" if ours else "theirs", 0.17 if ours else 0.15)
        for seed in range(10, 15):
            if ours and setting["learning_rate"] != 1:  # other limits are worse
                mean = irprop_epochs and irprop_epochs + 3
            row = setting | {"seed": seed, "epochs": mean and mean + spread * rng.normal()}
            row["test_error"] = error + 0.01 * spread * rng.normal()
            if ours:
                row["at_minimum"] = others.get("share", 0.7) + 0.01 * spread * rng.normal()
            found.append(row)
    return found


def always(value):
    return lambda size, rate: value


CASES = [
    (0, {}, HOLDS),
    (0, {"irprop_epochs": 200}, FAILS),
    (0, {"irprop_epochs": 39.5}, NO_DIFFERENCE),
    (1, {}, HOLDS),
    (1, {"irprop_epochs": 5}, FAILS),
    (1, {"spread": 8}, UNDECIDED),
    (2, {}, HOLDS),
    (2, {"ours": 0.12}, FAILS),
    (2, {"ours": 0.153}, NO_DIFFERENCE),
    (3, {}, HOLDS),
    (3, {"sgd": always(10)}, FAILS),
    (3, {"sgd": always(14.5)}, NO_DIFFERENCE),
    (4, {"ours": 0.15}, HOLDS),
    (4, {"ours": 0.17}, FAILS),
    (4, {"ours": 0.17, "spread": 10}, UNDECIDED),
    (5, {}, HOLDS),
    (5, {"sgd": always(10)}, FAILS),
    (5, {"sgd": always(None), "irprop_epochs": None, "irprop_paper": always(None)}, UNDECIDED),
    (6, {}, HOLDS),
    (6, {"signsgd": always(10)}, FAILS),
    (6, {"signsgd": always(14)}, NO_DIFFERENCE),
    (7, {"signsgd": lambda size, rate: None if rate < 0.004 else 16}, HOLDS),
    (7, {"signsgd": lambda size, rate: 30 if rate < 0.004 else 12}, FAILS),
    (7, {"signsgd": always(14)}, NO_DIFFERENCE),
    (8, {}, HOLDS),
    (8, {"share": 0.3}, FAILS),
    (8, {"share": 0.5}, UNDECIDED),
    (9, {}, HOLDS),
    (9, {"irprop_wide": always(10)}, FAILS),
    (9, {"irprop_wide": always(14)}, NO_DIFFERENCE),
    (10, {}, HOLDS),
    (10, {"irprop_paper": always(30)}, FAILS),
    (10, {"irprop_paper": always(20), "spread": 10}, UNDECIDED),
]


@pytest.mark.parametrize(("number", "changes", "verdict"), CASES)
def test_each_claim_is_judged_by_its_rule(number, changes, verdict):
    judgement = ndauka_zheng.CLAIMS[number].judge(rows(**changes))
    assert judgement.verdict() == verdict, judgement.measured
    assert judgement.measured


def test_a_rule_that_never_arrives_has_no_best_rate():
    judgement = ndauka_zheng.CLAIMS[7].judge(rows(signsgd=always(None)))
    assert judgement.verdict() == HOLDS
    assert "against rate any: 13.9 ± 0.1 (5) against never in 5" in judgement.measured


def test_every_claim_is_judged_in_these_tests():
    assert {number for number, _, _ in CASES} == set(range(len(ndauka_zheng.CLAIMS)))


def test_without_runs_nothing_is_tested():
    assert {line[-1] for line in judged(ndauka_zheng.PAPER, [], "full").body} == {UNTESTED}


def test_the_pictures_show_a_curve_for_each_method_and_batch_size():
    by_size, by_rate = ndauka_zheng.pictures(rows())
    assert list(by_size.lines) == ["iRprop-", "SGD at 1", "SGD, tuned", "signSGD, tuned"]
    assert [len(x) for x, _ in by_size.lines.values()] == [4, 4, 4, 4]
    assert [len(x) for x, _ in by_rate.lines.values()] == [5, 5, 5, 5]
    assert "iRprop- from 14." in by_size.alt and "the fewest at batch size 250 are" in by_rate.alt
