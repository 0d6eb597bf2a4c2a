import json
import warnings

import numpy as np
import pytest
import torch

from lrcourse import data as data_module
from lrcourse.nn import BatchNorm, Linear, Network, ReLU, Sigmoid
from lrcourse.optim import SGD
from lrcourse.training import EVENTS, History, fit


def toy(n=50, features=4, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, features)).astype(np.float32)
    return x, (x[:, :classes] + 0.1 * rng.standard_normal((n, classes))).argmax(axis=1)


def network(runs=None, seed=1, dtype=np.float32):
    layers = [Linear(4, 8), ReLU(), Linear(8, 3)]
    return Network(layers, np.random.default_rng(seed), runs=runs, dtype=dtype)


def train(net=None, rule=None, data=None, **changes):
    setting = {"learning_rate": 0.1, "batch_size": 8, "epochs": 3, "progress": False}
    setting |= {"rng": np.random.default_rng(2)} | changes
    net = net or network()
    return net, fit(net, data or toy(), rule or SGD(), **setting)


def test_training_agrees_with_torch_step_by_step():
    x, labels = toy()
    net = network(dtype=np.float64)
    twin = torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)
    ).double()
    for ours, theirs in zip(net.layers[::2], list(twin)[::2], strict=True):
        theirs.weight.data, theirs.bias.data = torch.tensor(ours.W.T), torch.tensor(ours.b[0])
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1)
    _, history = train(net)
    rng, losses = np.random.default_rng(2), []
    for _ in range(3):
        order = rng.permutation(50)
        for start in range(0, 50, 8):
            pick = order[start : start + 8]
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(
                twin(torch.tensor(x[pick]).double()), torch.tensor(labels[pick])
            )
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    np.testing.assert_allclose(history.loss, losses, rtol=1e-12)


def test_same_seed_same_bits():
    (first, a), (second, b) = train(), train()
    assert (first.w == second.w).all() and a == b
    third, _ = train(rng=np.random.default_rng(3))
    assert (first.w != third.w).any()


def test_record_of_a_run(tmp_path):
    _, history = train(batch_size=20, epochs=2)
    assert len(history.loss) == len(history.learning_rate) == 6
    assert [epoch["steps"] for epoch in history.epochs] == [3, 6]
    assert history.epochs[1]["loss"] == pytest.approx(np.mean(history.loss[3:]))
    assert history.setting == {"rule": "SGD", "batch_size": 20, "epochs": 2, "parameters": 67}
    history.save(tmp_path / "run.json")
    assert History.load(tmp_path / "run.json") == history
    assert json.loads((tmp_path / "run.json").read_text())["stopped"] == ""


def test_validation_is_measured_after_each_epoch():
    digits = data_module.load("digits")
    net = Network([Linear(64, 16), Sigmoid(), Linear(16, 10)], np.random.default_rng(0))
    history = fit(
        net, digits, SGD(), learning_rate=1.0, batch_size=16, epochs=3,
        rng=np.random.default_rng(0), progress=False,
    )  # fmt: skip
    last = history.epochs[-1]
    assert last["validation_loss"] == pytest.approx(net.loss(*digits.validation), rel=1e-6)
    assert last["validation_accuracy"] == net.accuracy(*digits.validation) > 0.8


def test_batch_norm_is_validated_with_running_statistics():
    digits = data_module.load("digits")
    layers = [Linear(64, 16), BatchNorm(16), ReLU(), Linear(16, 10)]
    net = Network(layers, np.random.default_rng(0))
    history = fit(
        net, digits, SGD(), learning_rate=0.1, batch_size=16, epochs=2,
        rng=np.random.default_rng(0), progress=False,
    )  # fmt: skip
    assert not net.layers[1].training
    one_by_one = [net.predict(image[None])[0] for image in digits.validation.x]
    assert history.epochs[-1]["validation_accuracy"] == np.mean(one_by_one == digits.validation.y)


def test_a_last_batch_of_one_is_refused_for_batch_norm():
    net = Network([Linear(4, 3), BatchNorm(3)], np.random.default_rng(0))
    for batch_size in (1, 7):
        with pytest.raises(ValueError, match="at least 2"):
            train(net, batch_size=batch_size)


def test_stacked_runs_follow_single_ones():
    rates = np.array([[0.01], [0.1], [0.5]])
    _, stacked = train(network(runs=3), learning_rate=rates)
    for k, rate in enumerate(rates[:, 0]):
        _, one = train(network(), learning_rate=rate)
        np.testing.assert_allclose(np.array(stacked.loss)[:, k], one.loss, rtol=1e-4, atol=1e-6)
    assert stacked.learning_rate[0] == pytest.approx([0.01, 0.1, 0.5])


def test_events_come_in_keras_order():
    class Diary:
        def __init__(self):
            self.lines = []

        def __getattr__(self, name):
            raise AttributeError(name)

    for event in EVENTS:
        setattr(Diary, event, lambda self, run, event=event: self.lines.append(event))
    diary = Diary()
    train(batch_size=25, epochs=2, callbacks=[diary])
    batch = ["on_batch_begin", "on_batch_end"]
    epoch = ["on_epoch_begin", *batch * 2, "on_epoch_end"]
    assert diary.lines == ["on_train_begin", *epoch * 2, "on_train_end"]


def test_a_callback_changes_rate_and_batch_size_and_stops():
    class Change:
        def on_epoch_begin(self, run):
            run.learning_rate = 0.1 / (run.epoch + 1)
            run.batch_size = 10 * (run.epoch + 1)

        def on_batch_end(self, run):
            if run.step == 8:
                run.stop("enough")

    with pytest.warns(RuntimeWarning, match="enough"):
        _, history = train(epochs=9, callbacks=[Change()])
    assert history.learning_rate == [0.1] * 5 + [0.05] * 3
    assert history.stopped == "enough" and len(history.epochs) == 2


def test_divergence_stops_with_the_step_and_a_smaller_rate():
    with pytest.warns(RuntimeWarning, match="became (inf|nan) in epoch .* try 1e\\+29"):
        _, history = train(learning_rate=1e30)
    assert "too large" in history.stopped and not np.isfinite(history.loss[-1])
    assert len(history.loss) == len(history.learning_rate)


def test_one_diverged_run_does_not_stop_the_others():
    rates = np.array([[0.1], [1e30]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, history = train(network(runs=2), learning_rate=rates)
    losses = np.array(history.loss)
    assert np.isfinite(losses[:, 0]).all() and not np.isfinite(losses[-1, 1])
    assert history.stopped == "" and losses[-1, 0] < losses[0, 0]


def test_ctrl_c_keeps_the_history():
    class Interrupt:
        ended = False

        def on_batch_end(self, run):
            if run.step == 10:
                raise KeyboardInterrupt

        def on_train_end(self, run):
            self.ended = True

    callback = Interrupt()
    with pytest.warns(RuntimeWarning, match="interrupted in epoch 2, after 10 steps"):
        _, history = train(callbacks=[callback])
    assert len(history.loss) == 10 and callback.ended


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"learning_rate": -0.1}, "0 or more, not -0.1"),
        ({"learning_rate": float("nan")}, "finite"),
        ({"learning_rate": float("inf")}, "finite"),
        ({"learning_rate": np.ones((2, 1))}, r"\(2, 1\) do not fit"),
        ({"batch_size": 0}, "1 to 50"),
        ({"batch_size": 51}, "1 to 50"),
        ({"batch_size": 2.5}, "whole number"),
        ({"epochs": 0}, "at least 1"),
        ({"data": (np.zeros((5, 4)), np.zeros(4, int))}, r"labels must be \(5,\), not \(4,\)"),
        ({"data": (np.zeros((9, 3)), np.zeros(9, int))}, r"\(examples, 4\)"),
        ({"data": (np.zeros((9, 4)), np.full(9, 3))}, "not 3"),
        ({"callbacks": [object()]}, "no callback"),
    ],
)
def test_bad_input_is_named(changes, words):
    with pytest.raises(ValueError, match=words):
        train(**changes)


def test_a_misspelt_event_is_named():
    class Misspelt:
        def on_epoch_ends(self, run):
            pass

    with pytest.raises(ValueError, match="Did you mean on_epoch_end"):
        train(callbacks=[Misspelt()])


def test_k_rates_for_l_runs():
    with pytest.raises(ValueError, match=r"array of shape \(3, 1\)"):
        train(network(runs=3), learning_rate=np.ones((2, 1)))
