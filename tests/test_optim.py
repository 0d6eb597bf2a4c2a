import copy
import math

import dog
import lion_pytorch
import numpy as np
import pytest
import schedulefree
import torch

from lrcourse.nn import BatchNorm, Linear, Network, Part, ReLU, Sigmoid
from lrcourse.optim import (
    EMA,
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    DirectionAccelerated,
    DoG,
    IRpropMinus,
    LayerwiseRate,
    Lion,
    Momentum,
    Muon,
    Nesterov,
    RMSprop,
    Rprop,
    ScheduleFree,
    ScheduleFreeAdamW,
    SignSGD,
    multiplier,
    newton_schulz,
)
from lrcourse.optim.matrix import EXACT

STEPS, SIZE = 60, 40
LAYERS = [slice(0, 7), slice(7, 30), slice(30, 40)]
PARTS = [Part(f"{i}.W", layer, (1, layer.stop - layer.start)) for i, layer in enumerate(LAYERS)]
MATRICES = [
    Part("0.W", slice(0, 12), (3, 4)),
    Part("0.b", slice(12, 16), (4,)),
    Part("1.W", slice(16, 40), (6, 4)),
]
TORCH = {
    "SGD": (SGD(), 0.1, lambda p: torch.optim.SGD(p, lr=0.1)),
    "Momentum": (Momentum(0.9), 0.1, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "Momentum, torch": (
        Momentum(0.9, convention="torch"), 0.1,
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    ),
    "Nesterov": (
        Nesterov(0.9), 0.1, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)
    ),
    "Nesterov, torch": (
        Nesterov(0.9, convention="torch"), 0.1,
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    ),
    "AdaGrad": (AdaGrad(), 0.01, lambda p: torch.optim.Adagrad(p, lr=0.01, eps=1e-8)),
    "AdaDelta": (AdaDelta(), 1.0, lambda p: torch.optim.Adadelta(p, lr=1, rho=0.95, eps=1e-8)),
    "RMSprop": (RMSprop(), 0.001, lambda p: torch.optim.RMSprop(p, lr=0.001, alpha=0.9, eps=1e-8)),
    "Adam": (Adam(), 0.001, lambda p: torch.optim.Adam(p, lr=0.001, eps=1e-8)),
    "AdamW": (
        AdamW(), 0.001, lambda p: torch.optim.AdamW(p, lr=0.001, eps=1e-8, weight_decay=0.01)
    ),
    "IRpropMinus": (
        IRpropMinus(), 1.0,
        lambda p: torch.optim.Rprop(p, lr=0.001, etas=(0.5, 1.2), step_sizes=(0.001, 0.006)),
    ),
}  # fmt: skip
RULES = [
    *(rule for rule, _, _ in TORCH.values()),
    Rprop(),
    IRpropMinus(variant="paper"),
    DirectionAccelerated(),
    SignSGD(),
    LayerwiseRate(Adam(), PARTS),
    LayerwiseRate(SGD(), PARTS),
    Lion(weight_decay=0.1),
    EMA(Momentum()),
    ScheduleFree(weight_decay=0.1),
    ScheduleFreeAdamW(weight_decay=0.1),
    DoG(0.01),
    Muon(Adam(), MATRICES),
]


def name(rule):
    words = [type(rule).__name__, *(v for v in vars(rule).values() if isinstance(v, str))]
    return "-".join([*words, name(rule.rule)] if isinstance(rule, LayerwiseRate) else words)


def stream(shape=(SIZE,), steps=STEPS, seed=0):
    # Random gradients with planted zeros, and runs of equal and of flipping signs.
    rng = np.random.default_rng(seed)
    drift = rng.normal(0, 2, shape)
    for _ in range(steps):
        yield (drift + rng.standard_normal(shape)) * (rng.random(shape) > 0.1)


def run(rule, learning_rate, gradients=None, w=None):
    w = np.random.default_rng(1).standard_normal(SIZE) if w is None else w
    for g in stream() if gradients is None else gradients:
        rule.step(w, g, learning_rate)
    return w


def run_torch(make, gradients=None):
    p = torch.tensor(np.random.default_rng(1).standard_normal(SIZE), requires_grad=True)
    optimizer = make([p])
    if hasattr(optimizer, "train"):
        optimizer.train()
    for g in stream() if gradients is None else gradients:
        p.grad = torch.tensor(g)
        optimizer.step()
    return p.detach().numpy()


@pytest.mark.parametrize("case", TORCH)
def test_agrees_with_torch(case):
    rule, learning_rate, make = TORCH[case]
    difference = np.abs(run(copy.copy(rule), learning_rate) - run_torch(make)).max()
    assert difference <= (0 if case == "IRpropMinus" else 1e-12)


REFERENCE = {
    "Lion": (
        Lion(0.95, 0.98, weight_decay=0.1), 0.01,
        lambda p: lion_pytorch.Lion(p, lr=0.01, betas=(0.95, 0.98), weight_decay=0.1),
    ),
    "ScheduleFree": (
        ScheduleFree(weight_decay=0.1), 0.1,
        lambda p: schedulefree.SGDScheduleFree(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    ),
    "ScheduleFreeAdamW": (
        ScheduleFreeAdamW(weight_decay=0.1), 0.01,
        lambda p: schedulefree.AdamWScheduleFree(p, lr=0.01, weight_decay=0.1),
    ),
    "DoG": (DoG(), 1.0, lambda p: dog.DoG(p, reps_rel=1e-6)),
}  # fmt: skip


@pytest.mark.parametrize("case", REFERENCE)
def test_agrees_with_its_authors_package(case):
    rule, learning_rate, make = REFERENCE[case]
    assert np.abs(run(copy.copy(rule), learning_rate) - run_torch(make)).max() <= 1e-12


@pytest.mark.parametrize(
    ("rule", "make"),
    [
        (ScheduleFree(), schedulefree.SGDScheduleFree),
        (ScheduleFreeAdamW(), schedulefree.AdamWScheduleFree),
    ],
    ids=["SGD", "AdamW"],
)
def test_schedule_free_with_a_warm_up_and_where_it_is_evaluated(rule, make):
    start = np.random.default_rng(1).standard_normal(SIZE)
    w, p = start.copy(), torch.tensor(start.copy(), requires_grad=True)
    optimizer = make([p], lr=0.1, warmup_steps=10)
    optimizer.train()
    assert rule.evaluation_weights(w) is w
    for t, g in enumerate(stream(), 1):
        rule.step(w, g, 0.1 * min(1, t / 10))
        p.grad = torch.tensor(g)
        optimizer.step()
    np.testing.assert_allclose(w, p.detach().numpy(), rtol=0, atol=1e-12)
    optimizer.eval()
    np.testing.assert_allclose(rule.evaluation_weights(w), p.detach().numpy(), rtol=0, atol=1e-12)
    assert np.abs(rule.evaluation_weights(w) - w).max() > 1e-4


def test_schedule_free_stays_while_the_rate_is_0():
    rule, w = ScheduleFree(), np.ones(3)
    rule.step(w, np.ones(3), 0.0)
    np.testing.assert_array_equal(w, np.ones(3))
    rule.step(w, np.ones(3), 0.5)
    np.testing.assert_allclose(w, np.full(3, 0.5))  # the first step that counts: x is z


def test_ema_is_the_weighted_mean_of_all_weights():
    rule, w, seen = EMA(SGD(), 0.8), np.array([1.0, -2.0]), []
    for g in stream((2,), 9):
        rule.step(w, g, 0.1)
        seen.append(w.copy())
    weights = 0.8 ** np.arange(9)[::-1]
    np.testing.assert_allclose(rule.evaluation_weights(w), weights @ seen / weights.sum())


def step_of_muon(g, scale, steps):
    w, m = np.zeros(12), Muon(parts=[Part("0.W", slice(0, 12), (3, 4))], steps=steps)
    m.step(w, g.ravel() * scale, 1.0)
    return -w.reshape(3, 4)


def test_a_step_of_muon_has_singular_values_near_1_whatever_the_gradient():
    g = np.random.default_rng(0).normal(size=(3, 4))
    step = step_of_muon(g, 1.0, 5) / (4 / 3) ** 0.5
    U, _, V = np.linalg.svd(g, full_matrices=False)
    values = np.diag(U.T @ step @ V.T)
    assert 0.65 < values.min() <= values.max() < 1.25
    np.testing.assert_allclose(step, U * values @ V, atol=1e-12)
    np.testing.assert_allclose(step_of_muon(g, 1e-4, 5), step_of_muon(g, 1.0, 5), atol=1e-9)


def test_muon_leaves_biases_and_scales_of_a_network_to_the_other_rule():
    layers = [Linear(4, 3), BatchNorm(3), ReLU(), Linear(3, 2)]
    network = Network(layers, np.random.default_rng(0))
    before, g = network.w.copy(), np.random.default_rng(1).normal(size=network.w.shape)
    g = g.astype(network.w.dtype)
    Muon(SGD(), network.parts).step(network.w, g, 0.1)
    by_sgd = np.isclose(network.w, before - np.float32(0.1) * g)
    for part in network.parts:
        assert by_sgd[part.slice].all() == (part.name[2:] != "W")


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (2, 4, 6)])
def test_newton_schulz_converges_to_the_svd(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    U, _, V = np.linalg.svd(matrix, full_matrices=False)
    np.testing.assert_allclose(newton_schulz(matrix, 60, EXACT), U @ V, atol=1e-10)


@pytest.mark.parametrize("shape", [(6, 9), (9, 6)], ids=["wide", "tall"])
def test_muon_agrees_with_torch_within_its_bfloat16(shape):
    from lrcourse.torch_optim import Optimizer

    torch.manual_seed(0)
    start = torch.randn(shape)
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    mine = Optimizer([ours], Muon(), lr=0.02)
    judge = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.0)
    for _ in range(50):
        g = torch.randn(shape)
        for p, optimizer in ((ours, mine), (theirs, judge)):
            p.grad = g.clone()
            optimizer.step()
    moved = (theirs - start).norm()
    assert moved > 0.5
    assert (ours - theirs).norm() < 0.02 * moved


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_numpy_torch_and_stacked_runs_agree(rule):
    rate = 0.01
    alone = run(copy.deepcopy(rule), rate)
    w = torch.tensor(np.random.default_rng(1).standard_normal(SIZE))
    run(copy.deepcopy(rule), rate, map(torch.tensor, stream()), w)
    np.testing.assert_allclose(w.numpy(), alone, rtol=0, atol=1e-14)
    rates = np.array([[rate], [0.5 * rate], [rate]])
    stacked = np.tile(np.random.default_rng(1).standard_normal(SIZE), (3, 1))
    run(copy.deepcopy(rule), rates, (np.tile(g, (3, 1)) for g in stream()), stacked)
    np.testing.assert_allclose(stacked[0], alone, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(stacked[0], stacked[2])
    assert np.abs(stacked[1] - stacked[0]).max() > 1e-4
    np.testing.assert_allclose(stacked[1], run(copy.deepcopy(rule), 0.5 * rate), rtol=0, atol=1e-14)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("rule", RULES, ids=name)
def test_gpu_agrees(rule):
    w = torch.tensor(np.random.default_rng(1).standard_normal(SIZE), device="cuda")
    run(copy.deepcopy(rule), 0.01, (torch.tensor(g, device="cuda") for g in stream()), w)
    np.testing.assert_allclose(w.cpu().numpy(), run(copy.deepcopy(rule), 0.01), rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_gradient_is_not_changed_and_not_kept(rule):
    rule, w = copy.deepcopy(rule), np.ones(SIZE)
    for g in stream(steps=3):
        kept = g.copy()
        rule.step(w, g, 0.01)
        np.testing.assert_array_equal(g, kept)
        inner = getattr(rule, "rule", rule)
        state = [getattr(inner, name) for name in inner.state]
        assert not any(np.shares_memory(g, v) for v in state if np.ndim(v))


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_float32_stays_float32(rule):
    rule, w = copy.deepcopy(rule), np.ones(SIZE, np.float32)
    for g in stream(steps=3):
        rule.step(w, g.astype(np.float32), 0.01)
    inner = getattr(rule, "rule", rule)
    arrays = [getattr(inner, name) for name in inner.state]
    assert {v.dtype for v in arrays if hasattr(v, "dtype")} <= {
        np.dtype(np.float32),
        np.dtype(np.int8),
    }
    assert np.isfinite(w).all()


def test_hand_computed_adam():
    w = run(Adam(0.5, 0.75, 1e-8), 1.0, [np.array([2.0]), np.array([-1.0])], np.array([0.0]))
    first = 1 / 1 * 2 / 2  # m = 1, v = 1: corrected 2 and 4
    m, v = 0.5 * 1 - 0.5, 0.75 * 1 + 0.25
    assert w == pytest.approx(-first - (m / 0.75) / (math.sqrt(v / 0.4375) + 1e-8), abs=1e-7)


def scalar_rprop(gradients, w, variant):
    # Transcribed from the tables of the papers, one weight at a time.
    delta, old = [0.001] * len(w), [0.0] * len(w)
    w = list(w)
    for g in gradients:
        for i, gradient in enumerate(g):
            kept = gradient
            if gradient * old[i] > 0:
                delta[i] = min(delta[i] * 1.2, 0.006)
            elif gradient * old[i] < 0:
                delta[i] = max(delta[i] * 0.5, 0.001)
                if variant != "Rprop":
                    kept = 0.0
            used = kept if variant == "published" else gradient
            w[i] -= delta[i] * (used > 0) - delta[i] * (used < 0)
            old[i] = kept
    return np.array(w)


@pytest.mark.parametrize("variant", ["published", "paper", "Rprop"])
def test_rprop_variants_agree_with_scalar_transcription(variant):
    limits = {"minimum": 0.001, "maximum": 0.006, "initial": 0.001}
    rule = Rprop(**limits) if variant == "Rprop" else IRpropMinus(**limits, variant=variant)
    expected = scalar_rprop(stream(), np.random.default_rng(1).standard_normal(SIZE), variant)
    np.testing.assert_allclose(run(rule, 1.0), expected, rtol=0, atol=1e-15)


def test_irprop_variants_differ_only_where_signs_flip():
    one_sign = [np.abs(g) for g in stream()]
    published, paper = IRpropMinus(), IRpropMinus(variant="paper")
    np.testing.assert_array_equal(run(published, 1.0, one_sign), run(paper, 1.0, one_sign))
    assert np.abs(run(IRpropMinus(), 1.0) - run(IRpropMinus(variant="paper"), 1.0)).max() > 1e-3


def test_irprop_with_one_step_size_is_sign_sgd():
    rule = IRpropMinus(minimum=0.002, maximum=0.002, initial=0.002, variant="paper")
    w = np.random.default_rng(1).standard_normal(SIZE)
    expected = w - sum(0.002 * np.sign(g) for g in stream())
    np.testing.assert_allclose(run(rule, 1.0, w=w), expected, rtol=0, atol=1e-13)


def test_tiny_gradients_keep_their_sign():
    w, rule = np.zeros(1, np.float32), IRpropMinus()
    for _ in range(3):
        rule.step(w, np.full(1, 1e-30, np.float32), 1.0)
    assert rule.delta[0] == pytest.approx(0.001 * 1.2**2)


def test_direction_accelerated_identities():
    g = np.array([3.0, -0.2])
    w = run(DirectionAccelerated(), 0.1, [g] * 5, np.zeros(2))
    np.testing.assert_allclose(w, -0.1 * g * (2 * 5 - 1), rtol=1e-14)
    flips = [g * (-1) ** t for t in range(5)]
    np.testing.assert_array_equal(
        run(DirectionAccelerated(), 0.1, flips, np.zeros(2)), run(SGD(), 0.1, flips, np.zeros(2))
    )
    rule, w = DirectionAccelerated(), np.zeros(1)
    for gradient in (1.0, 3.0):
        rule.step(w, np.array([gradient]), 1.0)
    assert w[0] == -(1 + 3 + (1 + 3) / 2)


def test_direction_accelerated_equals_sgd_at_1_82_times_the_rate_on_noise():
    rng = np.random.default_rng(0)
    for ratio, expected in [(0.1, 1.810), (1.0, 1.900), (4.0, 2.0)]:
        gradients = ratio + rng.standard_normal((400, 5000))
        w = run(DirectionAccelerated(), 1.0, gradients, np.zeros(5000))
        sgd = run(SGD(), 1.0, gradients, np.zeros(5000))
        assert w.mean() / sgd.mean() == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(
    "rule, make, scaled",
    [
        (SGD(), lambda p: torch.optim.SGD(p, lr=0.1), "rate"),
        (Momentum(0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), "gradient"),
        (
            Nesterov(0.9),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
            "gradient",
        ),
        (AdaGrad(), lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1e-8), "rate"),
    ],
)
def test_layerwise_rate_agrees_with_torch(rule, make, scaled):
    w = np.random.default_rng(1).standard_normal(SIZE)
    parts = [torch.tensor(w[layer], requires_grad=True) for layer in LAYERS]
    optimizer = make([{"params": [part]} for part in parts])
    for g in stream():
        g = 0.1 * g
        for part, layer, group in zip(parts, LAYERS, optimizer.param_groups, strict=True):
            m = 1 + np.log(1 + 1 / np.sqrt(np.sum(g[layer] ** 2)))
            part.grad = torch.tensor(g[layer] * (m if scaled == "gradient" else 1))
            group["lr"] = 0.1 * (m if scaled == "rate" else 1)
        optimizer.step()
    ours = run(LayerwiseRate(rule, PARTS), 0.1, (0.1 * g for g in stream()), w)
    theirs = np.concatenate([part.detach().numpy() for part in parts])
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_multiplier_values():
    printed = {100.0: 1.01, 10.0: 1.10, 1.0: 1.69, 0.1: 3.40, 0.01: 5.62, 1e-3: 7.9, 1e-6: 14.8}
    for norm, value in printed.items():
        assert multiplier(norm) == pytest.approx(value, abs=0.05 if value > 7 else 0.005)
    np.testing.assert_allclose(multiplier(np.array([0.1, 0.0])), [3.398, 1 + np.log(2)], atol=1e-3)
    assert np.isfinite(multiplier(np.float32(1e-38) * np.ones(1, np.float32))).all()


@pytest.mark.parametrize("rule", [SGD(), Momentum(), AdaGrad(), Adam(), IRpropMinus()], ids=name)
def test_a_layer_without_gradient_does_not_move(rule):
    w = np.ones(SIZE)
    g = np.ones(SIZE)
    g[LAYERS[1]] = 0
    with np.errstate(all="raise"):
        LayerwiseRate(rule, PARTS).step(w, g, 0.1)
    assert (w[LAYERS[1]] == 1).all() and (w[LAYERS[0]] < 1).all()


def test_a_diverged_run_does_not_stop_the_others():
    w, g = np.ones((3, SIZE)), np.ones((3, SIZE))
    g[0], g[1] = np.nan, np.inf
    LayerwiseRate(SGD(), PARTS).step(w, g, np.full((3, 1), 0.1))
    alone = np.ones(SIZE)
    LayerwiseRate(SGD(), PARTS).step(alone, np.ones(SIZE), 0.1)
    np.testing.assert_allclose(w[2], alone, rtol=1e-15)


def test_layers_of_a_network():
    layers = [Linear(3, 4), Sigmoid(), Linear(4, 2)]
    network = Network(layers, np.random.default_rng(0))
    rule = LayerwiseRate(SGD(), network.parts)
    network.g[:] = 0.1
    rule.step(network.w, network.g, 0.1)
    assert rule.layers == [slice(0, 16), slice(16, 26)]


@pytest.mark.parametrize(
    "ours, scaled_too",
    [(SGD, False), (AdaGrad, True), (Adam, True), (IRpropMinus, True), (Rprop, True)],
)
def test_which_rules_do_not_see_the_scale_of_the_loss(ours, scaled_too):
    kwargs = {"epsilon": 0.0} if ours in (AdaGrad, Adam) else {}
    gradients = [g + 1e-3 for g in stream()]
    w = run(ours(**kwargs), 0.01, gradients)
    tenfold = run(ours(**kwargs), 0.01, [10 * g for g in gradients])
    assert np.allclose(w, tenfold, rtol=0, atol=1e-12) == scaled_too


def test_conventions_of_momentum_differ_when_the_rate_changes():
    ends = []
    for convention in ("paper", "torch"):
        rule, w = Momentum(0.9, convention), np.zeros(1)
        for rate in (1.0, 0.1):
            rule.step(w, np.ones(1), rate)
        ends.append(w[0])
    assert ends == pytest.approx([-1 - (0.9 + 0.1), -1 - 0.1 * 1.9])


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: Momentum(1.0), "momentum must be at least 0 and below 1, not 1.0"),
        (lambda: Adam(beta2=-0.1), "beta2"),
        (lambda: RMSprop(rho=float("nan")), "rho"),
        (lambda: Adam(epsilon=-1), "epsilon"),
        (lambda: AdamW(weight_decay=-1), "weight_decay"),
        (lambda: Nesterov(convention="toch"), "Did you mean 'torch'"),
        (lambda: IRpropMinus(variant="publishd"), "Did you mean 'published'"),
        (lambda: Rprop(minimum=2, maximum=1, initial=1.5), "minimum <= initial <= maximum"),
        (lambda: IRpropMinus(initial=0.1), "minimum <= initial <= maximum"),
        (lambda: Rprop(increase=0.9), "increase"),
        (lambda: SGD().step(np.ones(2), np.ones(3), 0.1), r"\(2,\).*\(3,\)"),
        (lambda: SGD().step(np.ones(2), np.ones(2, np.float32), 0.1), "float32"),
        (lambda: SGD().step(np.ones(2), np.ones(2), -0.1), "0 or more, not -0.1"),
        (lambda: SGD().step(np.ones(2), np.ones(2), float("nan")), "not nan"),
        (lambda: SGD().step(np.ones((2, 3)), np.ones((2, 3)), -np.ones((2, 1))), "0 or more"),
        (lambda: SGD().step(np.ones((2, 3)), np.ones((2, 3)), np.ones((3, 1))), r"\(2, 1\)"),
        (lambda: SGD().step(np.ones(3), np.ones(3), np.ones((3, 1))), "one number"),
        (lambda: run(LayerwiseRate(SGD(), PARTS[:1]), 0.1), "from 0 to 40"),
        (lambda: run(LayerwiseRate(SGD(), PARTS[::-1]), 0.1), "in order"),
        (lambda: run(Muon(), 0.1), "network.parts, which cover w"),
        (lambda: run(Muon(parts=MATRICES), 0.1), r"Muon\(Adam\(\)\)"),
        (lambda: DoG(0), "over 0 and below 1"),
        (lambda: EMA(SGD(), 1.0), "decay must be at least 0 and below 1"),
        (lambda: ScheduleFree(beta=1), "beta"),
        (lambda: Lion(beta2=-1), "beta2"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_rule_belongs_to_one_vector():
    rule = Momentum()
    rule.step(np.ones(3), np.ones(3), 0.1)
    with pytest.raises(ValueError, match="make a new one"):
        rule.step(np.ones(4), np.ones(4), 0.1)
