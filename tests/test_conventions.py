"""Each row of lrcourse/docs/conventions.md: both sides of a convention, in numbers."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import lrcourse
from lrcourse import optim
from lrcourse.nn import BatchNorm, Linear, Network, kaiming, softmax_cross_entropy

PAGE = (Path(lrcourse.__file__).parent / "docs" / "conventions.md").read_text(encoding="utf-8")


def path(rule, gradients, rates=1.0):
    w, ends = np.zeros(1), [0.0]
    rates = [rates] * len(gradients) if np.ndim(rates) == 0 else rates
    for g, rate in zip(gradients, rates, strict=True):
        rule.step(w, np.array([float(g)]), rate)
        ends.append(w[0])
    return np.array(ends)


def step(rule, gradients, rates=1.0):
    return -np.diff(path(rule, gradients, rates))[-1]


def shown(**sides):
    print(" ".join(f"{name} {value:.4g}" for name, value in sides.items()))


def test_momentum_form():
    paper = step(optim.Momentum(0.9), [1, 1], [1.0, 0.1])
    torchs = step(optim.Momentum(0.9, convention="torch"), [1, 1], [1.0, 0.1])
    shown(paper=paper, torch=torchs)
    assert (paper, torchs) == pytest.approx((1.0, 0.19))


def test_momentum_as_a_mean():
    v = 0.0
    for _ in range(60):
        v = 0.9 * v + 0.1
    total = step(optim.Momentum(0.9), [1] * 60)
    shown(sum=total, mean=v)
    assert (total, v) == pytest.approx((9.98, 0.998), rel=1e-3)


def test_nesterov_variable():
    rng = np.random.default_rng(0)
    curvature, rate = np.array([1.0, 5.0]), 0.05
    rule, w = optim.Nesterov(0.9), np.ones(2)
    x, v = np.ones(2), np.zeros(2)
    for _ in range(30):
        pull = rng.standard_normal(2)
        v = 0.9 * v - rate * (curvature * (x + 0.9 * v) + pull)
        x = x + v
        rule.step(w, curvature * w + pull, rate)
    shown(apart=np.abs(w - x).max(), after_shift=np.abs(w - (x + 0.9 * v)).max())
    assert np.abs(w - x).max() > 0.01
    np.testing.assert_allclose(w, x + 0.9 * v, rtol=0, atol=1e-13)


def test_epsilon_place():
    g = 1e-6
    outside, inside = step(optim.AdaGrad(1e-8), [g]), g / math.sqrt(g**2 + 1e-8)
    shown(outside=outside, inside=inside)
    assert (outside, inside) == pytest.approx((0.99, 0.01), rel=1e-2)


def test_adam_epsilon():
    g, epsilon = 0.01, 1e-3
    after = step(optim.Adam(epsilon=epsilon), [g])
    m, v = 0.1 * g, 0.001 * g**2
    before = math.sqrt(1 - 0.999) / (1 - 0.9) * m / (math.sqrt(v) + epsilon)
    shown(after=after, before=before)
    assert (after, before) == pytest.approx((0.909, 0.240), rel=1e-2)


def test_bias_correction():
    corrected, plain = step(optim.Adam(), [1]), 0.1 / math.sqrt(0.001)
    shown(corrected=corrected, plain=plain)
    assert (corrected, plain) == pytest.approx((1.0, 3.16), rel=1e-3)


def test_mean_start():
    rule, w = optim.EMA(optim.SGD()), np.zeros(1)
    layer = torch.nn.Linear(1, 1, bias=False, dtype=torch.float64)
    average = torch.optim.swa_utils.get_ema_multi_avg_fn(0.99)
    judge = torch.optim.swa_utils.AveragedModel(layer, multi_avg_fn=average)
    for g in (-1.0, 1.0, *[0.0] * 8):
        rule.step(w, np.array([g]), 1.0)
        layer.weight.data.fill_(w[0])
        judge.update_parameters(layer)
    ours, torchs = rule.evaluation_weights(w)[0], judge.module.weight.item()
    shown(ours=ours, torch=torchs)
    assert (ours, torchs) == pytest.approx((0.096, 0.914), rel=5e-3)


def decayed(kind, steps, **options):
    p = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = kind([p], **options)
    for _ in range(steps):
        p.grad = torch.zeros_like(p)
        optimizer.step()
    return p.item()


def test_decay_times_rate():
    rule, w = optim.AdamW(weight_decay=0.01), np.ones(1)
    for _ in range(1000):
        rule.step(w, np.zeros(1), 0.001)
    assert w[0] == pytest.approx(decayed(torch.optim.AdamW, 1000, lr=0.001, weight_decay=0.01))
    ours, paper = w[0], (1 - 0.01) ** 1000
    shown(ours=ours, paper=paper)
    assert (ours, paper) == pytest.approx((0.990, 4.32e-5), rel=1e-3)


def test_decay_place():
    rule, w = optim.AdamW(weight_decay=0.1), np.ones(1)
    rule.step(w, np.zeros(1), 0.01)
    ours, torchs = w[0], decayed(torch.optim.Adam, 1, lr=0.01, weight_decay=0.1)
    shown(ours=ours, torch=torchs)
    assert (ours, torchs) == pytest.approx((0.999, 0.990), rel=1e-6)


def test_adadelta_defaults():
    p = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    p.grad = torch.ones_like(p)
    torch.optim.Adadelta([p]).step()
    ours = step(optim.AdaDelta(), [1])
    shown(ours=ours, torch=-p.item())
    assert (ours, -p.item()) == pytest.approx((0.00045, 0.0032), rel=2e-2)


def batch_norm_of(x):
    layer = Network([BatchNorm(1)], np.random.default_rng(0), dtype=np.float64).layers[0]
    return layer, layer.forward(np.array(x, dtype=float)[:, None])


def test_batch_norm_variance():
    layer, y = batch_norm_of([0, 200])
    unbiased = (np.array([0, 200]) - 100) / np.std([0, 200], ddof=1)
    shown(biased=y.std(), unbiased=unbiased.std())
    assert (y.std(), unbiased.std()) == pytest.approx((1.0, 0.707), rel=1e-3)
    assert layer.running_variance[0, 0] == pytest.approx(0.9 + 0.1 * np.var([0, 200], ddof=1))


def test_batch_norm_momentum():
    layer, _ = batch_norm_of([0, 2])
    keras = 0.99 * 0 + 0.01 * 1
    shown(ours=layer.running_mean[0, 0], keras=keras)
    assert (layer.running_mean[0, 0], keras) == pytest.approx((0.1, 0.01))


def test_mean_or_sum():
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((64, 5)), rng.integers(0, 5, 64)
    loss, d_logits = softmax_cross_entropy(logits, labels)
    t = torch.tensor(logits, requires_grad=True)
    total = torch.nn.functional.cross_entropy(t, torch.tensor(labels), reduction="sum")
    total.backward()
    shown(mean=loss, sum=total.item())
    assert total.item() == pytest.approx(64 * loss)
    np.testing.assert_allclose(t.grad.numpy(), 64 * d_logits, rtol=1e-12)
    gradients = list(rng.standard_normal(20))
    same = [path(optim.IRpropMinus(), [scale * g for g in gradients]) for scale in (1, 64)]
    np.testing.assert_array_equal(*same)


def test_keras_decay():
    closed = 0.1 / (1 + 0.002 * 500)
    compounded = 0.1
    for t in range(1, 501):
        compounded *= 1 / (1 + 0.002 * t)
    per_epoch = 0.1 / (1 + 0.002 * 10)
    shown(closed=closed, compounded=compounded, per_epoch=per_epoch)
    assert (closed, per_epoch) == pytest.approx((0.05, 0.098), rel=1e-2)
    printed = float(re.search(r"compounding (\S+);", PAGE)[1])
    assert math.log10(compounded) == pytest.approx(math.log10(printed), abs=0.1)


def test_rprop_variants():
    published = path(optim.IRpropMinus(), [1, 1, -1])[-1]
    paper = path(optim.IRpropMinus(variant="paper"), [1, 1, -1])[-1]
    shown(published=published, paper=paper)
    assert (published, paper) == pytest.approx((-0.0022, -0.0012))


def test_layer_of_the_norm():
    both, one, other = map(optim.multiplier, (5.0, 3.0, 4.0))
    shown(together=both, first=one, second=other)
    assert (both, one, other) == pytest.approx((1.18, 1.29, 1.22), abs=0.005)


def test_weight_layout():
    layer = Network([Linear(3, 2)], np.random.default_rng(0)).layers[0]
    twin = torch.nn.Linear(3, 2)
    twin.weight.data, twin.bias.data = torch.tensor(layer.W.T.copy()), torch.tensor(layer.b[0])
    x = np.ones((1, 3), np.float32)
    np.testing.assert_allclose(layer.forward(x), twin(torch.tensor(x)).detach(), atol=1e-6)
    assert layer.W.shape == tuple(twin.weight.shape)[::-1]


def test_linear_start():
    ours = kaiming(np.random.default_rng(0), 400, 300).std()
    theirs = torch.nn.Linear(400, 300).weight.std().item()
    shown(ours=ours, torch=theirs)
    assert theirs / ours == pytest.approx(0.41, abs=0.01)


def test_every_row_has_its_test_and_every_test_its_row():
    rows = set(re.findall(r"\| `(\w+)` \|$", PAGE, re.M))
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert rows == tests - {"every_row_has_its_test_and_every_test_its_row"}
