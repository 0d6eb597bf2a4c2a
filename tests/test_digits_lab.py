r"""The lab on digits: its table against training runs made one by one."""

import numpy as np
import pytest

from lrcourse import labs, load
from lrcourse.nn import Linear, Network, ReLU
from lrcourse.optim import SGD
from lrcourse.training import fit
from lrcourse.widgets.labs.grids import rate_grid


def test_the_table_holds_what_single_runs_give():
    rates, sizes = [0.01, 0.1], [32, 128]
    outcomes = labs.digits_outcomes(rates, sizes, epochs=2, rng=np.random.default_rng(5))
    data = load("digits")
    for j, rate in enumerate(rates):
        rng = np.random.default_rng(5)
        network = Network([Linear(64, 32), ReLU(), Linear(32, 10)], rng)
        start = network.w.copy()
        for k, size in enumerate(sizes):
            network.w[...] = start
            first = network.loss(*data.train), 1 - network.accuracy(*data.validation)
            assert (outcomes["loss"][j, k, 0], outcomes["error"][j, k, 0]) == pytest.approx(first)
            options = {"batch_size": size, "epochs": 2, "rng": rng, "progress": False}
            record = fit(network, data, SGD(), learning_rate=rate, **options)
            expected = [epoch["loss"] for epoch in record.epochs]
            np.testing.assert_allclose(outcomes["loss"][j, k, 1:], expected, rtol=1e-3)
            error = 1 - network.accuracy(*data.validation)
            assert outcomes["final_error"][j, k] == pytest.approx(error, abs=0.01)


def test_a_larger_batch_needs_a_larger_rate_for_the_goal():
    rates, sizes = rate_grid(0.0032, 3.2)[::3], [8, 32, 128]
    reached = labs.digits_outcomes(rates, sizes)["reached"]
    found = zip(sizes, reached.T, strict=True)
    lowest = {size: min(np.array(rates)[column], default=np.inf) for size, column in found}
    assert 2 * lowest[8] < lowest[32] < np.inf
    assert lowest[128] > lowest[32]


def test_every_verdict_fits_its_curve():
    outcomes = labs.digits_outcomes([0.003, 0.3, 3.0], [32])
    assert outcomes["verdict"][:, 0].tolist() == [0, 2, 3]
    assert outcomes["reached"][:, 0].tolist() == [False, True, False]
    assert not outcomes["diverged"].any()


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match="batch_size must be a whole number from 1 to 1293"):
        labs.digits_outcomes([0.1], [2000])


def test_the_lab_recognises_its_goal():
    lab = labs.digits()
    assert not lab.goal_reached
    lab.learning_rate, lab.batch_size = 0.2, 8
    assert lab.goal_reached
    assert "It learns" in repr(lab)
