r"""What people do with the package that its author did not: copy, keep the best, bring a rule."""

import copy
import dataclasses
import json
import pickle

import numpy as np
import pytest
import torch

from lrcourse import fit
from lrcourse.callbacks import ByOscillation, GrowBatch, LearningRateScheduler
from lrcourse.nn import BatchNorm, Linear, Network, ReLU, Tanh, squared_error
from lrcourse.optim import SGD, Adam, LayerwiseRate, Momentum, Nesterov, Rule, zeros_like
from lrcourse.schedules import Constant, Cosine, PerEpoch, Step, Warmup
from lrcourse.sweep import Sweep
from lrcourse.torch_optim import Optimizer, scheduler
from lrcourse.training import History, Stop


def rng(seed=0):
    return np.random.default_rng(seed)


def blobs(n=100, seed=0):
    r"""Two clouds in six dimensions, and their labels."""
    y = rng(seed).integers(0, 2, n)
    return rng(seed).normal(size=(n, 6)) + y[:, None], y


def network(runs=None, norm=False, width=8, seed=1):
    norms = [BatchNorm(width)] if norm else []
    return Network([Linear(6, width), *norms, ReLU(), Linear(width, 2)], rng(seed), runs)


def train(student, rule=None, data=None, rate=0.5, epochs=5, **more):
    rule, data = rule or SGD(), data or blobs()
    if student.w.ndim > 1:
        rate = np.full((len(student.w), 1), rate)
    settings = {"batch_size": 30, "rng": rng(), "progress": False} | more
    return fit(student, data, rule, learning_rate=rate, epochs=epochs, **settings)


COPIES = {
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
}


class OwnMomentum(Rule):
    state = ("v",)

    def __init__(self, momentum=0.9):
        self.momentum = momentum

    def begin(self, w):
        self.v = zeros_like(w)

    def update(self, w, g, learning_rate):
        self.v = self.momentum * self.v - learning_rate * g  # a new array each time is right, too
        w += self.v


class OwnWarmup(Rule):
    r"""Counts its steps."""

    state = ("t",)

    def begin(self, w):
        self.t = 0

    def update(self, w, g, learning_rate):
        self.t += 1
        w -= learning_rate * min(1, self.t / 10) * g


class TestANetworkIsAValue:
    @pytest.mark.parametrize("how", COPIES)
    @pytest.mark.parametrize("runs", [None, 3])
    @pytest.mark.parametrize("norm", [False, True])
    def test_a_copy_trains_like_the_original_and_leaves_it_alone(self, how, runs, norm):
        first = network(runs, norm)
        train(first)
        second, kept = COPIES[how](first), first.w.copy()
        train(second)
        np.testing.assert_array_equal(first.w, kept)
        train(first)
        np.testing.assert_array_equal(first.w, second.w)
        np.testing.assert_array_equal(first.g, second.g)
        assert np.abs(first.w - kept).max() > 0.01
        np.testing.assert_array_equal(first.predict(blobs()[0]), second.predict(blobs()[0]))

    def test_a_worker_gets_a_network_that_trains(self):
        from loky import get_reusable_executor

        here = network()
        there = get_reusable_executor(max_workers=1).submit(trained, here).result()
        np.testing.assert_array_equal(trained(here), there)

    def test_keep_the_best_and_put_its_weights_back(self):
        student = network()
        best = student.w.copy()
        loss = student.loss(*blobs())
        train(student)
        student.w = best
        assert student.loss(*blobs()) == loss
        train(student)
        assert student.loss(*blobs()) < loss
        student.g = 0 * student.g
        assert not student.layers[0].dW.any()

    def test_weights_of_another_shape_are_refused(self):
        with pytest.raises(ValueError, match=r"network\.w is of shape \(74,\), not \(73,\)"):
            network().w = np.zeros(73)

    def test_two_networks_do_not_share_layers(self):
        layers = [Linear(6, 8), ReLU(), Linear(8, 2)]
        Network(layers, rng())
        with pytest.raises(ValueError, match="one network, once"):
            Network(layers, rng())

    @pytest.mark.parametrize("twice", [Linear(8, 8), ReLU()])
    def test_a_layer_is_not_used_twice(self, twice):
        with pytest.raises(ValueError, match="one network, once"):
            Network([Linear(6, 8), twice, Linear(8, 8), twice, Linear(8, 2)], rng())

    def test_it_says_what_it_is_made_of(self):
        student = network(norm=True)
        names = [part.name for part in student.parts]
        assert names == ["0.W", "0.b", "1.gamma", "1.beta", "3.W", "3.b"]
        for part in student.parts:
            layer, name = part.name.split(".")
            view = getattr(student.layers[int(layer)], name)
            np.testing.assert_array_equal(view.ravel(), student.w[part.slice])
            assert view.shape == part.shape

    def test_stacked_runs_have_data_and_labels_of_their_own(self):
        student, alone = network(runs=2), [network(), network()]
        x, y = zip(blobs(seed=0), blobs(seed=1), strict=True)
        losses = student.loss_and_gradient(np.stack(x), np.stack(y))
        for k in range(2):
            assert losses[k] == pytest.approx(alone[k].loss_and_gradient(x[k], y[k]))
            np.testing.assert_allclose(student.g[k], alone[k].g, atol=1e-6)
        assert student.accuracy(np.stack(x), np.stack(y)).shape == (2,)

    def test_tanh_and_squared_error_as_torch_has_them(self):
        x, y = blobs()
        targets = rng(5).normal(size=(len(x), 2))
        layers = [Linear(6, 8), Tanh(), Linear(8, 2)]
        student = Network(layers, rng(), dtype=np.float64, loss=squared_error)
        theirs = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
        theirs.double()
        for ours, layer in zip(layers[::2], theirs[::2], strict=True):
            layer.weight.data, layer.bias.data = map(torch.tensor, (ours.W.T.copy(), ours.b[0]))
        loss = torch.nn.MSELoss()(theirs(torch.tensor(x)), torch.tensor(targets))
        loss.backward()
        assert student.loss_and_gradient(x, targets) == pytest.approx(float(loss.detach()))
        np.testing.assert_allclose(layers[0].dW, theirs[0].weight.grad.T, atol=1e-12)
        assert student.loss(x, y) == pytest.approx(student.loss(x, np.eye(2)[y]))


def trained(student):
    train(student)
    return student.w


class TestARuleOfOnesOwn:
    @pytest.mark.parametrize("own, ours", [(OwnMomentum, Momentum), (OwnWarmup, None)])
    def test_it_works_in_fit_stacked_and_in_torch(self, own, ours):
        alone = network()
        train(alone, own(), rate=0.1)
        stacked = network(runs=2)
        train(stacked, own(), rate=0.1)
        np.testing.assert_allclose(stacked.w[1], alone.w, atol=1e-5)
        if ours:
            same = network()
            train(same, ours(), rate=0.1)
            np.testing.assert_allclose(same.w, alone.w, atol=1e-6)
        gradients = rng().normal(size=(5, 3))
        w, p = np.zeros(3), torch.zeros(3, dtype=torch.float64, requires_grad=True)
        rule, optimizer = own(), Optimizer([p], own(), lr=0.1)
        for g in gradients:
            rule.step(w, g, 0.1)
            p.grad = torch.tensor(g)
            optimizer.step()
        np.testing.assert_allclose(p.detach(), w, atol=1e-15)
        assert set(optimizer.state[p]) == set(own.state)

    def test_it_works_in_a_sweep(self, tmp_path):
        def run(momentum, seed):
            student = network(seed=seed)
            train(student, OwnMomentum(momentum), rate=0.1)
            return {"loss": student.loss(*blobs())}

        rows = Sweep(run, {"momentum": [0.0, 0.9]}, [0], tmp_path / "r.jsonl").run(progress=False)
        assert rows[0]["loss"] != rows[1]["loss"]

    def test_state_that_is_not_declared_is_named(self):
        class Forgetful(Rule):
            def __init__(self):
                self.v = None

            def update(self, w, g, learning_rate):
                self.v = -learning_rate * g if self.v is None else 0.9 * self.v - learning_rate * g
                w += self.v

        with pytest.raises(TypeError, match=r"changes \['v'\] .*state = \('v',\)"):
            train(network(), Forgetful())
        p = torch.zeros(1, requires_grad=True)
        p.grad = torch.ones(1)
        with pytest.raises(TypeError, match=r"state = \('v',\)"):
            Optimizer([p], Forgetful(), lr=0.1).step()

    def test_an_object_with_a_step_is_told_what_a_rule_looks_like(self):
        class Bare:
            def step(self, w, g, learning_rate):
                w -= learning_rate * g

        class Overridden(Rule):
            step = Bare.step

        for wrong in (Bare(), Overridden(), "SGD"):
            with pytest.raises(TypeError, match=r"class Mine\(Rule\)"):
                train(network(), wrong)
        with pytest.raises(TypeError, match=r"SGD\(\), not SGD"):
            train(network(), SGD)

    def test_new_weights_in_place_of_changed_ones_are_told(self):
        class Returns(Rule):
            def update(self, w, g, learning_rate):
                return w - learning_rate * g

        class Rebinds(Rule):
            def update(self, w, g, learning_rate):
                w = w - learning_rate * g

        with pytest.raises(TypeError, match="in place and return nothing"):
            train(network(), Returns())
        with pytest.warns(RuntimeWarning, match="left w as it was"):
            train(network(), Rebinds())

    def test_begin_makes_what_state_names(self):
        class Empty(Rule):
            state = ("v",)

            def update(self, w, g, learning_rate):
                w -= learning_rate * g

        with pytest.raises(TypeError, match="begin must make v"):
            train(network(), Empty())


class TestHyperparameters:
    @pytest.mark.parametrize("width", [8, 1_000, 10_000])
    @pytest.mark.parametrize("wrapped", [False, True])
    def test_one_changed_in_a_callback_counts_at_any_size(self, width, wrapped):
        class NoMomentum:
            def on_epoch_begin(self, run):
                getattr(run.rule, "rule", run.rule).momentum = 0.0

        with_none, changed, kept = (network(width=width) for _ in range(3))
        rules = [Momentum(0.0), Momentum(0.9), Momentum(0.9)]
        if wrapped:
            rules = [LayerwiseRate(rule) for rule in rules]
        train(with_none, rules[0], rate=0.01)
        train(changed, rules[1], rate=0.01, callbacks=[NoMomentum()])
        train(kept, rules[2], rate=0.01)
        np.testing.assert_array_equal(changed.w, with_none.w)
        assert np.abs(kept.w - with_none.w).max() > 1e-4

    def test_adams_betas_count_under_both_names(self):
        def after(**group):
            p = torch.zeros(1, requires_grad=True)
            optimizer = Optimizer([{"params": [p]}], Adam(), lr=0.1)
            for g in (1.0, -1.0):
                optimizer.param_groups[0].update(group)
                p.grad = torch.tensor([g])
                optimizer.step()
            return float(p.detach())

        def theirs(beta1):
            p = torch.zeros(1, requires_grad=True)
            optimizer = torch.optim.Adam([p], 0.1, (beta1, 0.999))
            for g in (1.0, -1.0):
                p.grad = torch.tensor([g])
                optimizer.step()
            return float(p.detach())

        assert after() == pytest.approx(theirs(0.9))
        assert after(beta1=0.0) == pytest.approx(theirs(0.0), abs=1e-7)
        assert after(betas=(0.0, 0.999)) == pytest.approx(theirs(0.0), abs=1e-7)

    @pytest.mark.parametrize("width", [8, 10_000])
    def test_a_rule_used_on_another_network_says_so(self, width):
        rule, first = Momentum(), network(width=width)
        train(first, rule, rate=0.01)
        train(first, rule, rate=0.01)  # going on with the same one is fine
        for other in (network(width=width), network(width=width + 1), copy.deepcopy(first)):
            with pytest.raises(ValueError, match="has trained another network"):
                train(other, rule)
        train(copy.deepcopy(first), copy.deepcopy(rule), rate=0.01)

    def test_network_and_rule_copied_in_mid_training_go_on_alike(self):
        first, rule = network(), Nesterov()
        train(first, rule, rate=0.01)
        for how in COPIES.values():
            second, its_rule = (
                how(first),
                how(rule) if how is not copy.copy else pickle.loads(pickle.dumps(rule)),
            )
            train(second, its_rule, rate=0.01)
            again, its_rule = copy.deepcopy((first, rule))
            train(again, its_rule, rate=0.01)
            np.testing.assert_array_equal(second.w, again.w)


class TestTorchOptimizer:
    @pytest.mark.parametrize("how", ["copy.deepcopy", "pickle"])
    def test_copied_with_its_model_it_steps_alike(self, how):
        model = torch.nn.Linear(3, 2)
        pair = model, Optimizer(model.parameters(), Momentum(0.9), lr=0.1)
        few_steps(*pair)
        twin = COPIES[how](pair)
        few_steps(*pair)
        few_steps(*twin)
        assert torch.equal(model.weight, twin[0].weight)

    def test_saved_whole(self, tmp_path):
        model = torch.nn.Linear(3, 2)
        optimizer = Optimizer(model, LayerwiseRate(Adam()), lr=0.1)
        few_steps(model, optimizer)
        torch.save((model, optimizer), tmp_path / "whole.pt")
        twin = torch.load(tmp_path / "whole.pt", weights_only=False)
        few_steps(model, optimizer)
        few_steps(*twin)
        assert torch.equal(model.weight, twin[0].weight)

    def test_a_rule_that_has_stepped_shares_nothing(self):
        rule = Adam()
        rule.step(torch.zeros(2), torch.ones(2), 0.1)
        p, q = torch.zeros(3, requires_grad=True), torch.zeros(1, requires_grad=True)
        p.grad, q.grad = torch.ones(3), -torch.ones(1)
        Optimizer([p, q], rule, lr=0.1).step()
        assert p.detach() == pytest.approx(-0.1) and float(q.detach()) == pytest.approx(0.1)
        assert rule.t == 1

    def test_the_rate_of_the_call_wins(self):
        class Mine(Rule):
            def __init__(self, lr=0.5):
                self.lr = lr

            def update(self, w, g, learning_rate):
                w -= learning_rate * g

        p = torch.zeros(1, requires_grad=True)
        p.grad = torch.ones(1)
        Optimizer([p], Mine(), lr=0.25).step()
        assert float(p.detach()) == -0.25
        with pytest.raises(ValueError, match="SGD needs lr"):
            Optimizer([p], SGD())

    def test_tied_weights(self):
        model = torch.nn.Sequential(torch.nn.Embedding(4, 3), torch.nn.Linear(3, 4, bias=False))
        model[1].weight = model[0].weight
        for rule in (SGD(), LayerwiseRate(SGD())):
            few_steps(model, Optimizer(model, rule, lr=0.1), torch.tensor([0, 1]))

    def test_a_sparse_gradient_is_refused_before_anything_moves(self):
        dense, sparse = torch.nn.Linear(3, 1), torch.nn.Embedding(4, 3, sparse=True)
        optimizer = Optimizer([*dense.parameters(), *sparse.parameters()], SGD(), lr=0.1)
        dense(sparse(torch.tensor([1]))).sum().backward()
        kept = dense.weight.detach().clone()
        with pytest.raises(RuntimeError, match="sparse"):
            optimizer.step()
        assert torch.equal(dense.weight, kept)

    @pytest.mark.parametrize(
        "schedule",
        [Constant(0.1), Cosine(0.1, 20), PerEpoch(Step(0.1), 3), Warmup(Cosine(0.1, 20), 5)],
        ids=lambda schedule: type(schedule).__name__,
    )
    def test_a_scheduler_saved_and_loaded(self, schedule, tmp_path):
        def made(schedule):
            model = torch.nn.Linear(3, 2)
            optimizer = Optimizer(model, SGD(), lr=0.1)
            return optimizer, scheduler(optimizer, schedule)

        optimizer, first = made(schedule)
        rates = []
        for step in range(8):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            first.step()
            if step == 3:
                torch.save(first.state_dict(), tmp_path / "schedule.pt")
        state = torch.load(tmp_path / "schedule.pt")
        again, second = made(schedule)
        second.load_state_dict(state)
        for rate in rates[4:]:
            assert second.get_last_lr()[0] == pytest.approx(rate)
            again.step()
            second.step()
        assert rates == [pytest.approx(schedule(t)) for t in range(8)]
        other = dataclasses.replace(Cosine(0.5, 200))
        _, third = made(other)
        third.load_state_dict(state)
        assert other == Cosine(0.5, 200)


def few_steps(model, optimizer, x=None):
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.ones(2, 3) if x is None else x).square().sum().backward()
        optimizer.step()


class TestFitLooksFirst:
    @pytest.mark.parametrize(
        "labels, words",
        [
            (np.eye(2, dtype=int)[blobs()[1]], r"one-hot, labels.argmax\(axis=-1\)"),
            (blobs()[1][:, None], r"labels.ravel\(\)"),
            (blobs()[1] + 1, "from 0 to 1, not 2"),
            (blobs()[1].astype(float), "whole numbers"),
            (blobs()[1][:-1], r"\(100,\), not \(99,\)"),
        ],
    )
    def test_labels(self, labels, words):
        student = network()
        kept = student.w.copy()
        with pytest.raises(ValueError, match=words):
            train(student, data=(blobs()[0], labels))
        np.testing.assert_array_equal(student.w, kept)
        with pytest.raises(ValueError, match=words):
            student.accuracy(blobs()[0], labels)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_a_value_that_is_no_number_is_named_by_row_and_column(self, value):
        x, y = blobs()
        x[71, 2] = value
        with pytest.raises(ValueError, match=f"x is {value} in row 71, column 2"):
            train(network(), data=(x, y))

    def test_arguments_of_the_wrong_kind(self):
        cases = [
            ({"rng": 0}, "default_rng"),
            ({"callbacks": GrowBatch(Step(0.1), 10, 50)}, r"a list: \[GrowBatch"),
            ({"callbacks": [ByOscillation]}, "an instance, not the class ByOscillation"),
        ]
        for changes, words in cases:
            with pytest.raises(TypeError, match=words):
                train(network(), **changes)

    def test_one_example_alone_is_told_how(self):
        with pytest.raises(ValueError, match=r"x\[None\]"):
            network().predict(blobs()[0][0])

    def test_a_batch_of_one_at_any_size_that_a_growing_batch_takes(self):
        student = network(norm=True)
        kept = student.w.copy()
        grow = GrowBatch(Step(0.1, 0.8, 1), 40, 101)  # 40, then 50: 101 = 2 * 50 + 1
        with pytest.raises(ValueError, match="batch_size 50"):
            train(student, data=blobs(101), batch_size=40, callbacks=[grow])
        np.testing.assert_array_equal(student.w, kept)

    def test_a_warm_up_without_end(self):
        endless = LearningRateScheduler(Warmup(Constant(0.1), 1000), per="step")
        student = network()
        kept = student.w.copy()
        with pytest.raises(ValueError, match="warm-up"):
            train(student, callbacks=[endless])
        np.testing.assert_array_equal(student.w, kept)


class TestTheRecordIsKept:
    def test_divergence_in_the_last_batch_under_a_strategy(self):
        from lrcourse import load

        strategy = ByOscillation([0.1, 0.01], 1e30)
        student = Network([Linear(64, 8), ReLU(), Linear(8, 10)], rng())
        with pytest.warns(RuntimeWarning, match="Training stopped"):
            history = fit(
                student, load("digits"), SGD(), learning_rate=1e30, batch_size=1293, epochs=3,
                rng=rng(), callbacks=[strategy], progress=False,
            )  # fmt: skip
        assert history.reason is Stop.DIVERGED and len(history.loss) == 1
        assert "try 1e+29" in history.stopped

    def test_a_callback_that_raises(self):
        class Broken:
            def on_epoch_end(self, run):
                if run.epoch == 1:
                    raise RuntimeError("disk full")

        student = network(norm=True)
        with pytest.raises(RuntimeError, match="disk full") as caught:
            train(student, callbacks=[Broken()])
        assert len(caught.value.history.epochs) == 2
        assert caught.value.history.reason is Stop.ERROR
        assert not student.layers[1].training

    def test_ctrl_c(self):
        class Impatient:
            def on_batch_end(self, run):
                if run.step == 7:
                    raise KeyboardInterrupt

        student = network(norm=True)
        with pytest.warns(RuntimeWarning, match="interrupted in epoch 2, after 7 steps"):
            history = train(student, callbacks=[Impatient()])
        assert history.reason is Stop.INTERRUPTED and len(history.loss) == 7
        assert not student.layers[1].training

    def test_no_advice_on_the_rate_before_a_step(self):
        student = network()
        student.w = np.full_like(student.w, 1e30)
        with pytest.warns(RuntimeWarning, match="before any step"):
            history = train(student)
        assert "learning rate" not in history.stopped and history.reason is Stop.DIVERGED

    def test_the_file_is_strict_json(self, tmp_path):
        with pytest.warns(RuntimeWarning):
            history = train(network(), rate=1e30, batch_size=np.int64(30))
        history.save(tmp_path / "run.json")
        record = json.loads((tmp_path / "run.json").read_text(), parse_constant=pytest.fail)
        assert record["setting"]["batch_size"] == 30 and record["reason"] == "diverged"
        again = History.load(tmp_path / "run.json")
        assert again.reason is Stop.DIVERGED and again.stopped == history.stopped
        np.testing.assert_array_equal(np.isfinite(again.loss), np.isfinite(history.loss))

    def test_a_home_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        history = train(network())
        history.save("~/run.json")
        assert History.load("~/run.json") == history
