r"""What the trials of dense networks share: a quiet training that is whole, or is no result."""

import warnings

import numpy as np
import pytest

from lrcourse.nn import Sigmoid
from lrcourse.optim import SGD
from lrcourse.papers.dense import dense, quiet_fit

X = np.eye(8, 5, dtype=np.float32)
LABELS = np.arange(8) % 3


def trained(rate, rule, *callbacks):
    rng = np.random.default_rng(0)
    network = dense((5, 4, 3), rng)
    history, step_ms = quiet_fit(network, (X, LABELS), rule, rate, 4, 2, rng, *callbacks)
    assert step_ms > 0
    return history


def test_the_layers_are_those_asked_for():
    network = dense((5, 4, 3), np.random.default_rng(0), 2, activation=Sigmoid, init="xavier")
    assert [type(layer).__name__ for layer in network.layers] == ["Linear", "Sigmoid", "Linear"]
    assert network.w.shape == (2, 5 * 4 + 4 + 4 * 3 + 3)
    assert {layer.init for layer in network.layers if hasattr(layer, "init")} == {"xavier"}


def test_a_loss_that_is_not_finite_is_no_warning_and_any_other_warning_is_heard():
    class Warns:
        def on_epoch_end(self, run):
            warnings.warn("about the trial", RuntimeWarning, stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trained(0.1, SGD()).stopped == ""
        assert "the loss became" in trained(1e30, SGD()).stopped
    with pytest.warns(RuntimeWarning, match="about the trial"):
        trained(0.1, SGD(), Warns())


def test_ctrl_c_is_no_result():
    class Interrupts:
        def on_epoch_end(self, run):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(0.1, SGD(), Interrupts())
