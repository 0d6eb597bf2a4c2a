from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcourse.measure import (
    central_differences,
    curvature,
    hessian_vector,
    layer_statistics,
    sharpness,
    with_spread,
)
from lrcourse.nn import (
    BatchNorm,
    Linear,
    Network,
    ReLU,
    Sigmoid,
    Tanh,
    kaiming,
    normal,
    softmax_cross_entropy,
    squared_error,
    xavier,
    zero,
)

ACTIVATIONS = {ReLU: torch.nn.ReLU, Sigmoid: torch.nn.Sigmoid}


def made(activation=Sigmoid, dtype=np.float64, runs=None, sizes=(5, 4, 3, 3), seed=0):
    layers = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [Linear(fan_in, fan_out), activation()]
    network = Network(layers[:-1], np.random.default_rng(seed), runs=runs, dtype=dtype)
    # Odd numbers everywhere, the biases too, so that no wrong gradient hides behind a zero.
    network.w += np.random.default_rng(seed + 1).normal(0, 0.3, network.w.shape)
    return network


def batch(network, size=7, seed=2):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((size, network.fan_in)).astype(network.w.dtype)
    return x, rng.integers(0, network.fan_out, size)


def as_torch(network):
    layers = []
    for layer in network.layers:
        if isinstance(layer, Linear):
            twin = torch.nn.Linear(layer.fan_in, layer.fan_out, dtype=torch.float64)
            twin.weight.data = torch.tensor(layer.W.T.astype(np.float64))
            twin.bias.data = torch.tensor(layer.b[0].astype(np.float64))
        else:
            twin = ACTIVATIONS[type(layer)]()
        layers.append(twin)
    return torch.nn.Sequential(*layers)


def torch_gradient(network, x, labels):
    twin = as_torch(network)
    loss = torch.nn.functional.cross_entropy(
        twin(torch.tensor(x, dtype=torch.float64)), torch.tensor(labels)
    )
    loss.backward()
    parts = [p.grad.T if p.ndim == 2 else p.grad for p in twin.parameters()]
    return loss.item(), np.concatenate([part.reshape(-1).numpy() for part in parts])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_agrees_with_central_differences(activation):
    network = made(activation)
    x, labels = batch(network)
    network.loss_and_gradient(x, labels)
    g = network.g.copy()
    measured = central_differences(lambda: network.loss(x, labels), network.w)
    assert np.abs(g - measured).max() <= 1e-7
    assert np.abs(g).min() > 0 or activation is ReLU


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-14), (np.float32, 1e-6)])
def test_gradient_agrees_with_torch(activation, dtype, tolerance):
    network = made(activation, dtype, sizes=(20, 16, 12, 10))
    x, labels = batch(network, 32)
    loss = network.loss_and_gradient(x, labels)
    expected_loss, expected = torch_gradient(network, x, labels)
    assert loss == pytest.approx(expected_loss, rel=tolerance)
    assert np.linalg.norm(network.g - expected) <= tolerance * np.linalg.norm(expected)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_stacked_runs_agree_with_single_ones(size):
    stacked = made(runs=3, dtype=np.float32)
    x, labels = batch(stacked, size)
    loss = stacked.loss_and_gradient(x, labels)
    assert loss.shape == (3,)
    for k in range(3):
        one = made(dtype=np.float32)
        one.w[:] = stacked.w[k]
        assert one.loss_and_gradient(x, labels) == pytest.approx(loss[k], rel=1e-6)
        np.testing.assert_allclose(stacked.g[k], one.g, rtol=1e-5, atol=1e-7)
        assert (stacked.predict(x)[k] == one.predict(x)).all()
        assert stacked.accuracy(x, labels)[k] == one.accuracy(x, labels)


def test_stacked_runs_begin_alike_but_are_separate():
    network = Network([Linear(3, 2)], np.random.default_rng(0), runs=2)
    assert (network.w[0] == network.w[1]).all()
    network.layers[0].W[0] += 1
    assert (network.w[0, :6] != network.w[1, :6]).all()


def test_layers_are_views_into_the_vectors():
    network = made()
    first, second = network.layers[0], network.layers[2]
    assert (first.slice, second.slice) == (slice(0, 24), slice(24, 39))
    network.w[first.slice] = 5
    assert (first.W == 5).all() and (first.b == 5).all() and not (second.W == 5).any()
    network.loss_and_gradient(*batch(network))
    np.testing.assert_array_equal(
        network.g[second.slice], np.concatenate([second.dW.ravel(), second.db.ravel()])
    )


def test_each_call_overwrites_the_gradient():
    network = made()
    x, labels = batch(network)
    network.loss_and_gradient(x, labels)
    once = network.g.copy()
    network.loss_and_gradient(x, labels)
    np.testing.assert_array_equal(once, network.g)


def test_inputs_are_not_changed():
    network = made()
    x, labels = batch(network)
    kept_x, kept_labels = x.copy(), labels.copy()
    network.loss_and_gradient(x, labels)
    np.testing.assert_array_equal(x, kept_x)
    np.testing.assert_array_equal(labels, kept_labels)


def test_one_linear_layer_by_hand():
    layer = Network([Linear(2, 2)], np.random.default_rng(0), dtype=np.float64).layers[0]
    layer.W[...] = [[1, 2], [3, 4]]
    layer.b[...] = [[10, 20]]
    layer.needs_input_gradient = True
    np.testing.assert_array_equal(layer.forward(np.array([[1.0, 2.0]])), [[17, 30]])
    np.testing.assert_array_equal(layer.backward(np.array([[1.0, -1.0]])), [[-1, -1]])
    np.testing.assert_array_equal(layer.dW, [[1, -1], [2, -2]])
    np.testing.assert_array_equal(layer.db, [[1, -1]])


def batch_norm(features=4, runs=None, dtype=np.float64):
    layers = [Linear(5, features), BatchNorm(features), Sigmoid(), Linear(features, 3)]
    network = Network(layers, np.random.default_rng(0), runs=runs, dtype=dtype)
    network.w += np.random.default_rng(1).normal(0, 0.3, network.w.shape)
    return network


def torch_batch_norm(layer):
    twin = torch.nn.BatchNorm1d(layer.fan_in, dtype=torch.float64)
    twin.weight.data, twin.bias.data = torch.tensor(layer.gamma[0]), torch.tensor(layer.beta[0])
    return twin


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_agrees_with_torch(training):
    network = batch_norm()
    layer = network.layers[1]
    twin = torch_batch_norm(layer)
    rng = np.random.default_rng(3)
    for _ in range(3):
        x, d_y = rng.normal(1, 3, (2, 6, 4))
        layer.training = True
        layer.forward(x)
        twin.train()
        twin(torch.tensor(x))
    np.testing.assert_allclose(layer.running_mean[0], twin.running_mean, rtol=0, atol=1e-14)
    np.testing.assert_allclose(layer.running_variance[0], twin.running_var, rtol=0, atol=1e-14)
    layer.training = training
    twin.train(training)
    t = torch.tensor(x, requires_grad=True)
    y = twin(t)
    y.backward(torch.tensor(d_y))
    np.testing.assert_allclose(layer.forward(x), y.detach(), rtol=0, atol=1e-13)
    np.testing.assert_allclose(layer.backward(d_y), t.grad, rtol=0, atol=1e-13)
    np.testing.assert_allclose(layer.dgamma[0], twin.weight.grad, rtol=0, atol=1e-13)
    np.testing.assert_allclose(layer.dbeta[0], twin.bias.grad, rtol=0, atol=1e-13)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_gradient_agrees_with_central_differences(training):
    network = batch_norm()
    x, labels = batch(network)
    network.loss(x, labels)
    network.train(training)
    network.loss_and_gradient(x, labels)
    g = network.g.copy()
    measured = central_differences(lambda: network.loss(x, labels), network.w)
    assert np.abs(g - measured).max() <= 1e-7


def test_batch_norm_input_gradient_sums_to_zero():
    network = batch_norm()
    layer = network.layers[1]
    x, d_y = np.random.default_rng(0).normal(2, 3, (2, 7, 4))
    layer.forward(x)
    np.testing.assert_allclose(layer.backward(d_y).sum(axis=0), 0, atol=1e-13)


def test_batch_norm_in_stacked_runs():
    stacked = batch_norm(runs=2)
    x, labels = batch(stacked)
    loss = stacked.loss_and_gradient(x, labels)
    for k in range(2):
        one = batch_norm()
        one.w[:] = stacked.w[k]
        assert one.loss_and_gradient(x, labels) == pytest.approx(loss[k], rel=1e-12)
        np.testing.assert_allclose(one.g, stacked.g[k], rtol=0, atol=1e-13)
        np.testing.assert_allclose(one.layers[1].running_mean, stacked.layers[1].running_mean[k])


def test_layer_statistics_see_what_torch_sees():
    network = made(ReLU, sizes=(6, 5, 4, 3))
    x, labels = batch(network, 9)
    rows = layer_statistics(network, x, labels)
    twin = as_torch(network)
    y, outputs = torch.tensor(x), []
    for layer in twin:
        y = layer(y)
        y.retain_grad()
        outputs.append(y)
    torch.nn.functional.cross_entropy(y, torch.tensor(labels)).backward()
    assert [row["layer"] for row in rows] == ["Linear", "ReLU"] * 2 + ["Linear"]
    for row, y, layer in zip(rows, outputs, twin, strict=True):
        assert row["mean"] == pytest.approx(y.mean().item())
        assert row["deviation"] == pytest.approx(y.std(correction=0).item())
        assert row["zeros"] == (y == 0).double().mean().item()
        assert row["d_deviation"] == pytest.approx(y.grad.std(correction=0).item())
        if isinstance(layer, torch.nn.Linear):
            norm = torch.cat([p.grad.ravel() for p in layer.parameters()]).norm().item()
            assert row["gradient_norm"] == pytest.approx(norm)


def test_relu_has_slope_0_at_0():
    relu = ReLU()
    relu.forward(np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(relu.backward(np.ones(3)), [0, 0, 1])


def test_sigmoid_does_not_overflow():
    x = np.array([-1e4, -3.0, 0.0, 3.0, 1e4])
    with np.errstate(all="raise"):
        y = Sigmoid().forward(x)
    np.testing.assert_allclose(y, torch.sigmoid(torch.tensor(x)).numpy(), rtol=0, atol=1e-15)


@settings(max_examples=50, deadline=None)
@given(
    logits=st.lists(st.lists(st.floats(-500, 500), min_size=3, max_size=3), min_size=1, max_size=6),
    shift=st.floats(-1000, 1000),
)
def test_softmax_cross_entropy_properties(logits, shift):
    z = np.array(logits)
    labels = np.arange(len(z)) % 3
    loss, d_z = softmax_cross_entropy(z, labels)
    t = torch.tensor(z, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(t, torch.tensor(labels))
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(d_z, t.grad.numpy(), rtol=0, atol=1e-14)
    np.testing.assert_allclose(d_z.sum(axis=1), 0, atol=1e-14)
    assert softmax_cross_entropy(z + shift, labels)[0] == pytest.approx(loss, abs=1e-9)


def test_starts_have_the_stated_spread():
    rng = np.random.default_rng(0)
    assert kaiming(rng, 400, 300).std() == pytest.approx(np.sqrt(2 / 400), rel=0.01)
    assert xavier(rng, 400, 300).std() == pytest.approx(np.sqrt(2 / 700), rel=0.01)
    assert normal(rng, 400, 300).std() == pytest.approx(0.01, rel=0.01)
    assert not zero(rng, 4, 3).any()


def test_same_seed_same_bits():
    assert (made(seed=3).w == made(seed=3).w).all()
    assert (made(seed=3).w != made(seed=4).w).any()


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: Linear(3, 2, init="kaming"), "Did you mean 'kaiming'"),
        (lambda: Linear(0, 2), "at least 1 input"),
        (lambda: Network([], np.random.default_rng(0)), "at least one layer"),
        (lambda: Network([ReLU()], np.random.default_rng(0)), "at least one layer"),
        (
            lambda: Network([Linear(3, 4), ReLU(), Linear(5, 2)], np.random.default_rng(0)),
            "gives 4 outputs, the next takes 5",
        ),
        (lambda: Network([Linear(3, 2)], np.random.default_rng(0), runs=0), "at least 1"),
        (lambda: BatchNorm(0), "at least 1 feature"),
        (lambda: BatchNorm(2, momentum=0), "momentum"),
        (lambda: BatchNorm(2, epsilon=-1), "epsilon"),
        (lambda: batch_norm().forward(np.zeros((1, 5))), "at least 2 examples"),
        (lambda: made().forward(np.zeros((2, 6))), r"\(batch, 5\).*\(2, 6\)"),
        (lambda: softmax_cross_entropy(np.zeros((2, 3)), [0, 3]), "from 0 to 2, not 3"),
        (lambda: softmax_cross_entropy(np.zeros((2, 3)), [0, -1]), "from 0 to 2, not -1"),
        (lambda: softmax_cross_entropy(np.zeros((2, 3)), [0.0, 1.0]), "whole numbers"),
        (lambda: softmax_cross_entropy(np.zeros((2, 3)), [0]), r"\(2, 3\).*\(1,\)"),
        (lambda: central_differences(lambda: 0.0, np.zeros(2, np.float32)), "float64"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_seed_is_not_a_generator():
    with pytest.raises(TypeError, match="Generator"):
        Network([Linear(3, 2)], 0)


@pytest.fixture
def curved():
    r"""A small network, its gradient as a function of w, and its loss in torch."""
    x, labels = np.random.default_rng(1).normal(size=(20, 6)), np.arange(20) % 4
    layers = [Linear(6, 5, "xavier"), Tanh(), Linear(5, 4, "xavier")]
    network = Network(layers, np.random.default_rng(2), dtype=float, loss=squared_error)

    def gradient(w):
        network.w = w
        network.loss_and_gradient(x, labels)
        return network.g.copy()

    def loss(w):
        a, b, c, d = (w[part.slice].reshape(part.shape) for part in network.parts)
        z = torch.tanh(torch.tensor(x) @ a + b) @ c + d
        right = torch.nn.functional.one_hot(torch.tensor(labels), 4)
        return ((z - right) ** 2).sum() / (2 * len(x))

    return network.w.copy(), gradient, loss


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_a_hessian_times_a_vector_is_that_of_torch(curved, size):
    w, gradient, loss = curved
    v = size * np.random.default_rng(3).normal(size=w.shape)
    here, along = (torch.tensor(w),), (torch.tensor(v),)
    exact = torch.func.jvp(torch.func.grad(loss), here, along)[1].numpy()
    assert abs(hessian_vector(gradient, w, v) - exact).max() < 1e-6 * abs(exact).max()


def test_the_sharpness_is_the_largest_eigenvalue_of_torchs_hessian(curved):
    w, gradient, loss = curved
    values = np.linalg.eigvalsh(torch.func.hessian(loss)(torch.tensor(w)).numpy())
    start = np.random.default_rng(4).normal(size=w.shape)
    found = sharpness(lambda v: hessian_vector(gradient, w, v), start)
    assert found == pytest.approx(values[-1], rel=1e-3)
    turned = sharpness(lambda v: -hessian_vector(gradient, w, v), start)
    assert turned == pytest.approx(-values[0], rel=1e-3)  # the largest with its sign


def test_the_curvature_of_a_network_is_that_of_each_run_and_leaves_its_weights():
    rng = np.random.default_rng(5)
    x, labels = rng.normal(size=(40, 6)), np.arange(40) % 3
    network = Network([Linear(6, 5), Tanh(), Linear(5, 3)], rng, runs=2, dtype=float)
    network.w = network.w * [[1.0], [1.5]]
    w = network.w.copy()

    def gradient(at):
        network.w = at
        network.loss_and_gradient(x, labels)
        return network.g.copy()

    expected = sharpness(lambda v: hessian_vector(gradient, w, v), rng.normal(size=w.shape))
    network.w = w
    np.testing.assert_allclose(curvature(network, x, labels, rng), expected, rtol=0.01)
    np.testing.assert_array_equal(network.w, w)


def test_a_spread_is_that_of_a_sample():
    assert with_spread([1.0, 2.0, 3.0]) == "2.0 ± 1.0"
    assert with_spread([1.0, 2.0], 3) == "1.500 ± 0.707"


def test_stacked_products_and_eigenvalues_are_those_of_each_run():
    rng = np.random.default_rng(5)
    roots = rng.normal(size=(3, 8, 8))
    matrices = roots + roots.mT - 3 * np.eye(8)
    w, v = rng.normal(size=(2, 3, 8))

    def gradient(w):
        return (matrices @ w[..., None])[..., 0]

    v[1] = 0
    products = hessian_vector(gradient, w, v)
    np.testing.assert_allclose(products, gradient(v), atol=1e-8)
    found = sharpness(gradient, rng.normal(size=(3, 8)), iterations=50)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(matrices)[:, -1], rtol=1e-9)


def test_a_space_that_is_used_up_adds_no_eigenvalue():
    assert sharpness(lambda v: -2 * v, np.ones(5)) == pytest.approx(-2)
    assert sharpness(lambda v: 0 * v, np.ones(5)) == 0
    assert np.isnan(sharpness(lambda v: v * np.nan, np.ones(5)))


def test_curvature_refuses_what_it_cannot_measure():
    w = np.ones(3)
    with pytest.raises(ValueError, match="needs float64, not float32"):
        hessian_vector(lambda w: w, w.astype(np.float32), w)
    with pytest.raises(ValueError, match=r"w's shape, \(3,\), not \(2,\)"):
        hessian_vector(lambda w: w, w, np.ones(2))
    with pytest.raises(ValueError, match="cannot start from 0"):
        sharpness(lambda v: v, np.zeros(3))
    with pytest.raises(ValueError, match="at least 1 iteration, not 0"):
        sharpness(lambda v: v, w, iterations=0)
