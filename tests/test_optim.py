import numpy as np
import torch

from lrcourse.optim import SGD


def test_sgd_agrees_with_torch():
    rng = np.random.default_rng(0)
    w = rng.standard_normal(50)
    twin = torch.tensor(w, requires_grad=True)
    optimizer = torch.optim.SGD([twin], lr=0.1)
    rule = SGD()
    for _ in range(60):
        g = rng.standard_normal(50) * (rng.random(50) > 0.1)
        rule.step(w, g, 0.1)
        twin.grad = torch.tensor(g)
        optimizer.step()
    np.testing.assert_allclose(w, twin.detach().numpy(), rtol=0, atol=1e-12)


def test_k_runs_take_k_rates():
    rng = np.random.default_rng(0)
    w, g = rng.standard_normal((2, 3, 5))
    rates = np.array([[0.0], [0.1], [2.0]])
    expected = w - rates * g
    SGD().step(w, g, rates)
    np.testing.assert_array_equal(w, expected)
