import numpy as np
import pytest

from lrcourse import plots
from lrcourse.data import load
from lrcourse.nn import BatchNorm, Linear, Network, ReLU
from lrcourse.optim import SGD, Momentum
from lrcourse.range_test import RangeTest, range_test
from lrcourse.training import fit


def start(seed=0, runs=None):
    rng = np.random.default_rng(seed)
    return Network([Linear(64, 32), ReLU(), Linear(32, 10)], rng, runs), rng


def probe_nan_weights():
    network, rng = start()
    network.w[7] = np.nan
    return range_test(network, load("digits"), SGD(), batch_size=32, rng=rng)


def probe(data, low=1e-4, high=100.0, steps=100, **start_setting):
    network, rng = start(**start_setting)
    return range_test(network, data, SGD(), low, high, steps, batch_size=32, rng=rng)


def test_the_network_and_the_rule_stay_as_they_were():
    data, rule = load("digits"), Momentum()
    hyperparameters = dict(vars(rule))
    rng = np.random.default_rng(0)
    network = Network([Linear(64, 32), BatchNorm(32), ReLU(), Linear(32, 10)], rng)
    network.loss_and_gradient(data.train.x[:5], data.train.y[:5])
    w, g, cached = network.w.copy(), network.g.copy(), network.layers[0].x
    statistics = [network.layers[1].running_mean.copy(), network.layers[1].running_variance.copy()]
    range_test(network, data, rule, 1e-3, 1, 20, batch_size=32, rng=rng)
    np.testing.assert_array_equal(network.w, w)
    np.testing.assert_array_equal(network.g, g)
    assert network.layers[0].x is cached
    after = [network.layers[1].running_mean, network.layers[1].running_variance]
    np.testing.assert_array_equal(after, statistics)
    assert network.layers[1].training
    assert vars(rule) == hyperparameters  # no velocity yet
    assert np.shares_memory(network.layers[0].W, network.w)


def test_it_is_fit_at_rising_rates():
    data = load("digits")
    network, rng = start()
    result = range_test(network, data.train, SGD(), 1e-3, 0.1, 60, batch_size=32, rng=rng)
    np.testing.assert_allclose(result.rates, np.geomspace(1e-3, 0.1, 60))

    class Rise:
        def on_batch_begin(self, run):
            run.learning_rate = result.rates[min(run.step, 59)]

    twin, rng = start()
    setting = {"learning_rate": 0.0, "batch_size": 32, "epochs": 2, "rng": rng}
    history = fit(twin, data.train, SGD(), callbacks=[Rise()], progress=False, **setting)
    assert result.losses.tolist() == history.loss[:60]
    weights = 0.9 ** np.arange(60)
    expected = [weights[: t + 1] @ result.losses[t::-1] / weights[: t + 1].sum() for t in range(60)]
    np.testing.assert_allclose(result.smoothed, expected)


@pytest.mark.parametrize("seed", range(5))
def test_the_proposed_range_trains_and_just_above_it_does_not(seed):
    data = load("digits")
    low, high = probe(data, steps=200, seed=seed).proposed
    assert 0.003 < low < 0.1 < high < 2

    def validation_loss(rate):
        network, rng = start(seed)
        setting = {"learning_rate": rate, "batch_size": 32, "epochs": 2, "rng": rng}
        history = fit(network, data, SGD(), progress=False, **setting)
        return history.epochs[-1]["validation_loss"]

    assert validation_loss(low) < 2.2
    assert validation_loss(high / 2) < 0.7 < validation_loss(10 * high)


def test_it_ends_when_the_loss_has_blown_up():
    result = probe(load("digits"), high=1e6)
    assert len(result.rates) == len(result.losses) == len(result.smoothed) < 100
    assert np.isfinite(result.losses).all()


def test_a_range_by_hand():
    losses = np.array([2.0] * 10 + [1.9, 1.5, 1.0, 3.0])
    result = RangeTest(2.0 ** np.arange(14), losses, losses)
    assert result.proposed == (2.0**10, 2.0**11)  # 10 % of the fall is 0.1: met at 1.9


def test_it_draws_itself_with_and_without_a_range(monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "show", lambda figure, alt: drawn.append((figure, alt)))
    result = probe(load("digits"), steps=200)
    result.plot()
    flat = np.ones(20)
    RangeTest(np.geomspace(1, 2, 20), flat, flat).plot()
    (first, alt), (second, alt_flat) = drawn
    low, high = result.proposed
    assert len(first.axes[0].lines) == 4
    assert f"proposed range {low:.3g} to {high:.3g}." in alt
    assert len(second.axes[0].lines) == 2
    assert "no range to propose" in alt_flat


BAD = [
    (lambda: probe(load("digits"), low=0.0), "The rates must be 0 < low < high, not low = 0.0"),
    (lambda: probe(load("digits"), low=2.0, high=1.0), "not low = 2.0, high = 1.0"),
    (lambda: probe(load("digits"), high=np.nan), "high = nan"),
    (
        lambda: probe(load("digits"), steps=19),
        "steps must be a whole number of at least 20, not 19",
    ),
    (lambda: probe(load("digits"), steps=100.0), "whole number of at least 20, not 100.0"),
    (lambda: probe(load("digits"), runs=3), "one network, not 3 stacked runs"),
    (lambda: probe((np.full((40, 64), np.nan), np.zeros(40, int))), "(?i)nan"),
    (probe_nan_weights, "The loss is not finite before the first step: .* weights hold NaN"),
    (lambda: probe(load("digits"), low=50.0).proposed, "hardly falls anywhere from rate 50 to"),
]


@pytest.mark.parametrize(("call", "sentence"), BAD, ids=[sentence for _, sentence in BAD])
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
