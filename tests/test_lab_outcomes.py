"""The labs on rules, schedules and networks: their tables against runs made one by one."""

import asyncio
import json
import os
import re
import signal
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import torch
from waiting import LIMIT

from lrcourse import labs, load
from lrcourse.exercises.chapter_19 import WAYS
from lrcourse.measure import layer_statistics
from lrcourse.nn import Linear, Network, ReLU
from lrcourse.optim import (
    DirectionAccelerated,
    IRpropMinus,
    Momentum,
    ScheduleFree,
    multiplier,
    newton_schulz,
)
from lrcourse.optim.matrix import EXACT, FAST
from lrcourse.papers import race, saved, trial
from lrcourse.papers.race import METHODS
from lrcourse.schedules import Constant, Cosine, Warmup
from lrcourse.whitening import ZCA
from lrcourse.widgets.lab import number
from lrcourse.widgets.labs import (
    decay_lab,
    edge_lab,
    matrix_lab,
    momentum_lab,
    moons,
    networks_lab,
    price_lab,
    race_lab,
    rules_lab,
    scale_lab,
    training_lab,
)
from lrcourse.widgets.labs.adaptation_lab import RULES
from lrcourse.widgets.labs.grids import rate_grid, shuffled_batches, whole

TABLE_LABS = [
    labs.valley, labs.schedules, labs.classifier, labs.digits, labs.layers, labs.irprop,
    labs.whitening, labs.batchnorm, labs.acceleration, labs.winner,
    labs.adaptive, labs.edge, labs.price, labs.turning, labs.stop_now, labs.singular_values,
]  # fmt: skip


@pytest.fixture(scope="module", params=TABLE_LABS, ids=lambda make: make.__name__)
def lab(request):
    return request.param()


def test_every_lab_is_small(lab):
    sent = sum(len(table["data"]) for table in lab.tables.values()) + len(json.dumps(lab.spec))
    assert sent < 1_500_000


def test_every_lab_opens_short_of_a_goal_that_can_be_reached(lab):
    assert not lab.goal_reached
    axes, reached = lab._arrays["reached"]
    where = np.argwhere(reached)[0]
    for name, k in zip(axes, where, strict=True):
        setattr(lab, name, lab._controls[name].values[k])
    assert lab.goal_reached and "Goal reached." in lab.sentence
    for control in lab._controls.values():
        setattr(lab, control.name, control.default)


def test_every_lab_has_a_picture_in_words_and_in_svg(lab):
    svg = lab._repr_mimebundle_()[0]["image/svg+xml"]
    picture = ET.fromstring(svg)
    assert lab.sentence in picture.get("aria-label")
    assert "nan" not in svg.lower() and len(svg) < 60_000


def test_every_verdict_can_be_filled_in(lab):
    for k in np.unique(lab._arrays["verdict"][1]):
        where = np.argwhere(lab._arrays["verdict"][1] == k)[0]
        for name, position in zip(lab._arrays["verdict"][0], where, strict=True):
            setattr(lab, name, lab._controls[name].values[position])
        assert "{" not in lab.verdict and len(lab.verdict) < 160


def test_a_lab_saves_itself_as_a_page(lab, tmp_path):
    lab.save_html(tmp_path / "lab.html")
    page = (tmp_path / "lab.html").read_text(encoding="utf-8")
    assert lab.spec["title"].split("'")[0] in page and "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page


# ---- momentum


@pytest.mark.parametrize("rule", ["momentum", "Nesterov"])
def test_the_valleys_edge_is_where_an_eigenvalue_leaves_the_unit_circle(rule):
    for mu in (0.3, 0.9, 0.99):
        rate = momentum_lab.edge(rule, mu, 100.0)
        for factor, grows in [(0.999, False), (1.001, True)]:
            h = factor * rate * 100
            step = np.array([[1 - h, mu], [-h, mu]])  # of (w, v), heavy ball
            if rule == "Nesterov":
                step = np.array([[1 - h * (1 + mu), mu**2], [-h, mu]])
            assert (np.abs(np.linalg.eigvals(step)).max() > 1) == grows


def test_the_valleys_paths_are_powers_of_one_matrix():
    rates = [0.005, 0.02]
    outcomes = labs.valley_outcomes(rates, [0.7], [30])
    for j, rate in enumerate(rates):
        for d, curvature in enumerate((1.0, 30.0)):
            h, mu = rate * curvature, 0.7
            heavy = np.array([[1 - h, mu], [-h, mu]])
            nesterov = np.array([[1 - h * (1 + mu), mu**2], [-h, mu]])
            for k, step in enumerate((heavy, nesterov)):
                state, w = np.array([momentum_lab.START[d], 0.0]), []
                for _ in range(61):
                    w.append(state[0])
                    state = step @ state
                np.testing.assert_allclose(outcomes["path"][j, 0, 0, k, :, d], w, atol=1e-9)


def test_plain_descent_cannot_reach_the_goal_of_the_steepest_valley():
    outcomes = labs.valley_outcomes(rate_grid(0.001, 0.5))
    assert np.nanmin(outcomes["plain_final"][:, 2]) > 0.01
    assert outcomes["reached"][:, :, 2].any()


# ---- adaptive rates


@pytest.mark.parametrize("rule", ["SGD", "AdaGrad", "RMSprop", "AdaDelta", "Adam"])
def test_the_adaptive_paths_are_those_of_torch(rule):
    rates, epsilons = [0.0016, 0.1], [1e-8, 1e-2]
    outcomes = labs.adaptive_outcomes(rates, [1, 1000], epsilons, steps=40)
    curvatures, k = torch.tensor([1.0, 1000.0], dtype=torch.float64), list(RULES).index(rule)
    for e, epsilon in enumerate(epsilons):
        w = torch.tensor(momentum_lab.START, dtype=torch.float64)
        optimizer = {
            "SGD": lambda w: torch.optim.SGD(w, rates[0]),
            "AdaGrad": lambda w, eps=epsilon: torch.optim.Adagrad(w, rates[0], eps=eps),
            "RMSprop": lambda w, eps=epsilon: torch.optim.RMSprop(w, rates[0], 0.9, eps),
            "AdaDelta": lambda w, eps=epsilon: torch.optim.Adadelta(w, rates[0], 0.95, eps),
            "Adam": lambda w, eps=epsilon: torch.optim.Adam(w, rates[0], eps=eps),
        }[rule]([w])
        path, effective = [w.numpy().copy()], []
        for _ in range(40):
            before, w.grad = w.clone(), curvatures * w
            optimizer.step()
            path.append(w.numpy().copy())
            effective.append(((w - before) / w.grad).abs().numpy())
        np.testing.assert_allclose(outcomes["path"][0, 1, k, e], path, atol=1e-9)
        np.testing.assert_allclose(outcomes["effective"][0, 1, k, e].T, effective, rtol=1e-6)


def test_only_sgd_diverges_and_only_above_its_edge():
    rates = [0.00199, 0.00201, 0.0199, 0.0201, 0.199, 0.201, 1.99, 2.01]
    outcomes = labs.adaptive_outcomes(rates, epsilons=[1e-8], steps=2000)
    above = np.array(rates)[:, None] * np.array([1, 10, 100, 1000]) > 2
    np.testing.assert_array_equal(outcomes["diverged"][:, :, 0, 0] > 0, above)
    assert (outcomes["diverged"][:, :, 1:] == 0).all()
    assert (labs.adaptive()._arrays["diverged"][1][:, :, 1:] == 0).all()


def test_sgd_has_one_rate_and_the_adaptive_steps_are_bounded():
    rates = np.array([0.001, 0.01, 0.1, 1.0])
    outcomes = labs.adaptive_outcomes(rates)
    effective = outcomes["effective"][:, :, 0]
    expected = np.broadcast_to(rates[:, None, None, None, None], effective.shape)
    known = np.isfinite(effective) & (np.abs(expected) < 1)  # at rate 1 a weight is at 0 at once
    np.testing.assert_allclose(effective[known], expected[known], rtol=1e-6)
    length = np.abs(np.diff(outcomes["path"], axis=-2)).max(axis=(1, 3, 4, 5)) / rates[:, None]
    # AdaGrad, RMSprop and Adam: 1, 1 / sqrt(1 - rho) and (1 - beta1) / sqrt(1 - beta2) rates.
    assert (length[:, [1, 2, 4]] <= np.array([1, 0.1**-0.5, 0.1 / 0.001**0.5]) + 1e-9).all()


def test_three_rules_take_the_same_path_in_every_bowl():
    path = labs.adaptive_outcomes([0.01, 0.1, 1.0], epsilons=[1e-8])["path"]
    for rule in ("AdaGrad", "RMSprop", "Adam"):
        bowls = path[:, :, list(RULES).index(rule), 0]
        np.testing.assert_allclose(bowls[:, 1:], np.repeat(bowls[:, :1], 3, 1), atol=1e-6)


def test_the_rates_that_chapter_10_names_arrive_in_all_four_bowls():
    lab = labs.adaptive()
    rates, reached = np.array(lab._controls["learning_rate"].values), lab._arrays["reached"][1]
    expected = {
        ("AdaGrad", 0): (0.32, 3.2), ("RMSprop", 0): (0.063, 0.16),
        ("AdaGrad", 1): (0.32, 3.2), ("RMSprop", 1): (0.063, 0.16), ("AdaDelta", 1): (2.5, 3.2),
        ("AdaGrad", 2): (0.32, 3.2), ("RMSprop", 2): (0.063, 0.16), ("AdaDelta", 2): (0.25, 2.0),
    }  # fmt: skip
    for k, rule in enumerate(RULES):
        for e in range(3):
            low, high = expected.get((rule, e), (9, 0))
            np.testing.assert_array_equal(reached[:, k, e], (low <= rates) & (rates <= high))


# ---- the edge of stability


@pytest.mark.parametrize("rule", edge_lab.RULES)
@pytest.mark.parametrize("loss", edge_lab.LOSSES)
def test_the_edges_losses_are_those_of_torch(rule, loss):
    rate, steps = 0.1, 40
    outcomes = labs.edge_outcomes([0.05, rate], steps=steps, every=20)
    network = edge_lab._network(loss, 1, np.random.default_rng(0).integers(2**32))
    x, y = edge_lab.clothes(edge_lab.IMAGES)
    inputs, labels = torch.tensor(x), torch.tensor(y.astype(int))
    w = torch.tensor(network.w[0], requires_grad=True)
    optimizer = {
        "SGD": lambda: torch.optim.SGD([w], rate),
        "momentum 0.9": lambda: torch.optim.SGD([w], rate, momentum=0.9),
        "Adam": lambda: torch.optim.Adam([w], rate / 100, betas=(0.9, 0.99)),
    }[rule]()

    def value(w):
        parts, z = [w[part.slice].reshape(part.shape) for part in network.parts], inputs
        for k in range(0, len(parts), 2):
            z = (torch.tanh(z) if k else z) @ parts[k] + parts[k + 1]
        if loss == "cross-entropy":
            return torch.nn.functional.cross_entropy(z, labels)
        return ((z - torch.nn.functional.one_hot(labels, 10)) ** 2).sum() / (2 * len(z))

    losses = []
    for _ in range(steps + 1):
        optimizer.zero_grad()
        losses.append(value(w))
        losses[-1].backward()
        optimizer.step()
    at = list(edge_lab.RULES).index(rule), list(edge_lab.LOSSES).index(loss)
    np.testing.assert_allclose(outcomes["loss"][(1, *at)], [v.item() for v in losses], rtol=1e-6)


def test_once_at_the_edge_a_squared_error_stays_there():
    outcomes = labs.edge_outcomes([0.05, 0.25, 0.5])
    share = outcomes["final"] / outcomes["edge"][..., None]
    assert (share[0, :2, 0] < 0.9).all()
    assert ((share[1:, 0, 0] > 0.9) & (share[1:, 0, 0] < 1.2)).all()
    assert (outcomes["verdict"][1:, 0, 0] == 1).all()
    assert (share[2, 0, 1] < 0.5) and outcomes["verdict"][2, 0, 1] == 2


def test_the_rates_that_chapter_16_names_end_at_7():
    lab = labs.edge()
    rates, reached = lab._controls["learning_rate"].values, lab._arrays["reached"][1]
    assert reached[rates.index(0.28), 0, 0] and reached[rates.index(0.56), 2, 0]
    assert not reached[:, :, 1].any()
    assert lab._arrays["verdict"][1][rates.index(0.56), 1, 0] == 2


# ---- schedules


def test_without_noise_a_schedule_gives_the_product_of_its_steps():
    outcomes = labs.schedule_outcomes([0.05], [64], ["cosine"], repeats=1)
    rate = Cosine(0.05, 200)(np.arange(200))
    np.testing.assert_array_equal(outcomes["rate"][0, 0], rate)
    w = np.array([-2.5, 1.2]) * np.prod(1 - rate[:, None] * decay_lab.CURVATURES, axis=0)
    expected = 0.5 * (decay_lab.CURVATURES * w**2).sum()
    np.testing.assert_allclose(outcomes["loss"][0, 0, 0, -1], expected, rtol=1e-9)


def test_every_schedule_begins_or_peaks_at_its_rate_and_constant_is_the_dashed_line():
    outcomes = labs.schedule_outcomes([0.02, 0.05], [4], repeats=4)
    np.testing.assert_allclose(outcomes["rate"].max(axis=-1), np.tile([0.02, 0.05], (11, 1)))
    np.testing.assert_array_equal(outcomes["loss"][0], outcomes["constant"])


# ---- networks


@pytest.mark.parametrize("rule", ["SGD", "momentum", "Adam"])
def test_the_classifiers_table_holds_what_torch_gives(rule):
    outcomes = labs.classifier_outcomes([0.02, 0.1], [32], [rule], ["xavier"], epochs=4)
    rng = np.random.default_rng(0)
    x, y = moons.half_moons(rng)
    start = np.random.default_rng(rng.integers(2**32))
    batches = shuffled_batches(128, 32, 16, rng)
    layers = [Linear(a, b, "xavier") for a, b in ((2, 16), (16, 16), (16, 2))]
    Network([layers[0], ReLU(), layers[1], ReLU(), layers[2]], start)
    model = torch.nn.Sequential()
    for layer in layers:
        twin = torch.nn.Linear(layer.fan_in, layer.fan_out)
        twin.weight.data, twin.bias.data = (
            torch.tensor(layer.W.T.copy()),
            torch.zeros(layer.fan_out),
        )
        model.extend([twin, torch.nn.ReLU()])
    model = model[:-1]
    make = {
        "SGD": lambda w: torch.optim.SGD(w, 0.1),
        "momentum": lambda w: torch.optim.SGD(w, 0.1, momentum=0.9),
        "Adam": lambda w: torch.optim.Adam(w, 0.1),
    }
    optimizer, losses = make[rule](model.parameters()), []
    for batch in batches:
        loss = torch.nn.functional.cross_entropy(
            model(torch.tensor(x[batch])), torch.tensor(y[batch])
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    expected = np.reshape(losses, (4, 4)).mean(axis=1)
    np.testing.assert_allclose(outcomes["loss"][1, 0, 0, 0, 1:], expected, rtol=2e-3)
    with torch.no_grad():
        share = torch.softmax(model(torch.tensor(moons.plane())), 1)[:, 1].numpy()
    assert np.abs(outcomes["region"][1, 0, 0, 0] - 255 * share).max() < 2


def test_from_zero_no_rate_helps():
    outcomes = labs.classifier_outcomes([0.01, 0.1, 1.0], [32], initializations=["zero"], epochs=4)
    assert (outcomes["verdict"] == networks_lab.STUCK).all()


def test_a_good_start_widens_the_range_of_rates_as_chapter_03_says():
    lab = labs.classifier()
    rates, sizes, rules, starts = (c.values for c in lab._controls.values())
    reached, final = (lab._arrays[name][1] for name in ("reached", "final"))
    assert (sizes, rules[0], starts) == (
        [8, 32, 128],
        "SGD",
        ["kaiming", "xavier", "normal", "zero"],
    )
    assert not reached[..., 2:].any()
    at = {rate: final[k, :, 0] for k, rate in enumerate(rates)}
    for rate in (0.63, 1.0):
        assert at[rate][1, 0] < 0.05 < at[rate][1, 1]
    assert (np.abs(final[:, 1, 0, 2:] - np.log(2)) < 0.02).all()
    for rate in (0.16, 0.25, 0.4):
        assert (at[rate][0, :2] < 0.05).all()
    for rate in (0.25, 0.4, 0.63, 1.0):
        assert 0.2 < at[rate][0, 2] < 0.5
    assert (at[0.16][0, 2:] > 0.69).all()


def test_the_gradient_cloud_shrinks_with_the_root_of_the_batch_and_keeps_its_middle():
    sizes = np.array([8, 32, 128])
    found = networks_lab.gradient_cloud(sizes.tolist(), np.random.default_rng(1), count=300)
    n = len(load("digits").train.y)
    expected = np.sqrt((n - sizes) / (n - 1) / sizes)
    ratio = found["spread"] / expected
    np.testing.assert_allclose(ratio / ratio.mean(), 1, atol=0.1)
    error = found["cloud"].std(axis=1) / np.sqrt(300)
    assert (np.abs(found["cloud"].mean(axis=1) - [1, 0]) < 4 * error).all()


# ---- single rules


def test_a_stacked_da_sgd_run_is_a_single_one():
    outcomes = labs.acceleration_outcomes([0.02, 0.1], [16], [1.0, 1.8], steps=50)
    rng = np.random.default_rng(0)
    seed = rng.integers(2**32)
    x, y = load("digits").train
    network = Network([Linear(64, 16), ReLU(), Linear(16, 10)], np.random.default_rng(seed))
    rule, losses = DirectionAccelerated(), []
    for batch in shuffled_batches(len(y), 16, 50, rng):
        losses.append(network.loss_and_gradient(x[batch], y[batch]))
        rule.step(network.w, network.g, 0.1)
    expected = np.reshape(losses, (5, 10)).mean(axis=1)
    np.testing.assert_allclose(outcomes["accelerated"][1, 0], expected, rtol=1e-3)


def test_some_multiple_near_two_turns_sgd_into_da_sgd():
    outcomes = labs.acceleration_outcomes([0.025, 0.063], [16, 64])
    assert outcomes["reached"].any(axis=-1).all()
    assert ((outcomes["best"] >= 1.7) & (outcomes["best"] <= 2.0)).all()
    assert (outcomes["verdict"][..., 0] == 0).all() and (outcomes["verdict"][..., -1] == 2).all()


def test_the_layers_norms_are_those_of_the_first_gradient():
    outcomes = labs.layer_outcomes([0.05])
    rng = np.random.default_rng(0)
    batch = shuffled_batches(len(load("digits").train.y), 32, 150, rng)[0]
    seed = rng.integers(2**32)
    layers = []
    for fan_in, fan_out in zip(rules_lab.WIDTHS, rules_lab.WIDTHS[1:], strict=False):
        layers += [Linear(fan_in, fan_out, "xavier"), ReLU()]
    network = Network(layers[:-1], np.random.default_rng(seed))
    x, y = load("digits").train
    rows = layer_statistics(network, x[batch], y[batch])
    norms = [row["gradient_norm"] for row in rows if "gradient_norm" in row]
    np.testing.assert_allclose(outcomes["norm"][0, 0, 1, 0], norms, rtol=1e-4)
    np.testing.assert_allclose(
        outcomes["rate"][0, 0, 1, 0], 0.05 * multiplier(np.array(norms)), rtol=1e-4
    )


def test_limits_that_scale_with_the_rate_are_the_limits_themselves():
    outcomes = labs.irprop_outcomes([1e-4, 1e-3], [6.0], [64], steps=30)
    rng = np.random.default_rng(0)
    seed = rng.integers(2**32)
    x, y = load("digits").train
    network = Network([Linear(64, 16), ReLU(), Linear(16, 10)], np.random.default_rng(seed))
    rule, losses = IRpropMinus(minimum=1e-3, maximum=6e-3, initial=1e-3), []
    for batch in shuffled_batches(len(y), 64, 30, rng):
        losses.append(network.loss_and_gradient(x[batch], y[batch]))
        rule.step(network.w, network.g)
    expected = np.reshape(losses, (3, 10)).mean(axis=1)
    np.testing.assert_allclose(outcomes["loss"][1, 0, 0], expected, rtol=0.02)
    smallest = 100 * (rule.delta <= 1.0001e-3).mean()
    assert outcomes["smallest"][1, 0, 0] == pytest.approx(smallest, abs=1.5)
    np.testing.assert_allclose(outcomes["shares"].sum(axis=-1), 1)


# ---- scale


def test_the_whitened_patches_are_those_of_zca():
    outcomes = labs.whitening_outcomes([1e-3, 1e-1], count=500)
    x = load("patches").train.x
    x = x[:: len(x) // 500].reshape(-1, 16, 2, 16, 2, 3).mean(axis=(2, 4)).reshape(-1, 768)
    zca = ZCA(1e-1).fit(x)
    white = zca.transform(x[np.linspace(0, len(x) - 1, scale_lab.SHOWN).astype(int)])
    expected = 127.5 * (1 + (white / (3 * white.std())).clip(-1, 1))
    assert np.abs(outcomes["white"][1].reshape(scale_lab.SHOWN, -1) - expected).max() < 1
    variance = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2 / (len(x) - 1)
    expected = variance / (variance + 0.1)
    np.testing.assert_allclose(outcomes["after"][1][:400], expected[:400], rtol=1e-3)


def test_batchnorm_learns_where_the_plain_network_does_not():
    outcomes = labs.batchnorm_outcomes([0.1, 0.4], [64])
    assert outcomes["reached"][:, 0, 1].all()  # from a start that is far too small
    assert outcomes["edge"][0, 1] == 0


# ---- the price of a run


def test_the_cheapest_batch_is_where_scipy_finds_it():
    outcomes = labs.price_outcomes([4, 64, 1024], [1, 300])
    for k, (least, critical) in enumerate(price_lab.FITS.values()):
        for p, step_price in enumerate((1, 300)):

            def price(log_size, step_price=step_price, least=least, critical=critical):
                size = np.exp(log_size)
                return least * (1 + critical / size) * (step_price + size)

            found = scipy.optimize.minimize_scalar(price, bounds=(0, 12), method="bounded")
            assert outcomes["lowest"][p, k] == pytest.approx(found.fun, rel=1e-6)
            assert outcomes["cheapest"][p, k] == pytest.approx(np.exp(found.x), rel=1e-3)
            expected = [price(np.log(size)) for size in (4, 64, 1024)]
            np.testing.assert_allclose(outcomes["price"][:, p, k], expected)


def test_no_run_is_cheaper_than_one_at_the_goal():
    lab = labs.price()
    _, price = lab._arrays["price"]
    reached = lab._arrays["reached"][1].astype(bool)
    assert reached.any(axis=(0, 2)).all() and not reached[:, :, 0].any()
    for p in range(price.shape[1]):
        assert price[:, p][reached[:, p]].max() <= 1.0201 * price[:, p].min()
    with pytest.raises(ValueError, match="must be positive numbers"):
        labs.price_outcomes([8], [1], {"SGD": (100, -3)})


# ---- the race


@pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")  # all seeds guess
def test_a_win_of_the_worse_method_is_one_in_pairs_of_a_seed():
    """SciPy judges, from the rows as they were saved."""
    rows, names = saved("race"), list(METHODS)
    outcomes = labs.winner_outcomes(rows)
    seeds = {}
    for name in names:
        for row in sorted(race.part(rows, name), key=lambda row: row["seed"]):
            seeds.setdefault((name, row["learning_rate"]), []).append(100 * row["test_error"])
    assert outcomes["reached"].any() and not (outcomes["reached"] & ~outcomes["tuned"]).any()
    for k, m, other in np.argwhere(outcomes["reached"]):
        rate = outcomes["rates"][k]
        own, rival = (seeds[names[place], rate] for place in (m, other))
        assert np.mean(rival) - np.mean(own) > 0.5
        assert scipy.stats.ttest_rel(own, rival).pvalue < 0.05
        own, rival = (seeds[names[p], outcomes["best_rate"][p]] for p in (m, other))
        assert np.mean(own) - np.mean(rival) > 0.5
        assert scipy.stats.ttest_rel(own, rival).pvalue < 0.05


def test_the_lab_names_the_winner_and_what_was_not_run():
    rows = saved("race")

    def mean(method, rate):
        own = trial.select(race.part(rows, method), learning_rate=rate)
        return f"{np.mean([100 * row['test_error'] for row in own]):.1f}".removesuffix(".0")

    lab = labs.winner()
    lowest = min(METHODS, key=lambda m: float(mean(m, 1 / 128).replace("nan", "inf")))
    first = f"Lowest here: {lowest} ({mean(lowest, 1 / 128)} %); yours {mean('SGD', 1 / 128)} %"
    assert lab.verdict.startswith(first)
    lab.learning_rate = 1 / 16
    assert lab.goal_reached and lab.settings.startswith("Learning rate 1/16")
    both = f"yours {mean('SGD', 1 / 16)} %, the rival {mean('Adam', 1 / 16)} %"
    assert both in lab.verdict
    lab.learning_rate = 0.5
    assert f"yours {mean('SGD', 0.5)} %, the rival was not run" in lab.verdict
    assert lab.verdict.count(". ") == 0  # one sentence
    lab.method = "RMSprop"
    assert "your two were not run" in lab.verdict
    lab.rival = "SGD"
    assert f"yours was not run, the rival {mean('SGD', 0.5)} %" in lab.verdict


def test_the_band_of_the_others_runs_from_their_lowest_to_their_largest_error():
    rates, error = np.array([0.1, 1.0, 10.0]), np.array([[9, 4, 1, 2], [9, 6, 3, 5], [9, 9, 8, 8]])
    around, band = race_lab.others(rates, error.astype(float))
    assert around.tolist() == [0.1, 1.0, 10.0, 10.0, 1.0, 0.1]
    np.testing.assert_allclose(band[0, 1], [1, 3, 8, 8, 5, 2])
    np.testing.assert_allclose(band[2, 0], [2, 5, 8, 9, 6, 4])
    error = np.where(rates[:, None] == 1, np.nan, error)  # nobody ran there: straight on
    np.testing.assert_allclose(race_lab.others(rates, error)[1][0, 1], [1, 4.5, 8, 8, 5, 2])


# ---- guesses


def test_nothing_tells_the_answer_before_the_guess(lab):
    reveal = lab.spec["reveal"]
    if reveal is None:
        return
    for control in lab._controls.values():
        setattr(lab, control.name, control.default)
    answer = number(lab.row(reveal["table"]))
    said = f"{lab.spec['caption']} {lab.spec['alt']} {lab.spec['goal']} {lab.sentence}"
    said += f" {reveal['question']}"
    assert not re.search(rf"(?<![\d.]){re.escape(answer)}(?![\d.]*\d)", said)


# ---- runs that may be stopped


def test_a_stopped_run_is_one_trained_alone_and_judged_where_its_rule_says():
    outcomes = labs.stop_outcomes([0.25, 2.0], epochs=2, seeds=1)
    data, rng = load("digits"), np.random.default_rng(0)
    start, each = rng.integers(2**32), len(data.train.y) // 32
    batches = shuffled_batches(len(data.train.y), 32, 2 * each, rng)
    for way, rule in (("cosine", Momentum(0.9)), ("schedule-free", ScheduleFree())):
        shape = Cosine(1.0, 2 * each - each // 2) if way == "cosine" else Constant(1.0)
        shape = Warmup(shape, each // 2)
        network = Network([Linear(64, 32), ReLU(), Linear(32, 10)], np.random.default_rng(start))
        for step, batch in enumerate(batches):
            network.loss_and_gradient(data.train.x[batch], data.train.y[batch])
            rule.step(network.w, network.g, 0.25 * shape(step))
        network.w = rule.evaluation_weights(network.w)
        error = 100 - 100 * network.accuracy(*data.test)
        assert abs(outcomes["curve"][WAYS.index(way), 0, 1] - error) < 1


def test_only_schedule_free_may_be_stopped_anywhere():
    outcomes = labs.stop_outcomes(2.0 ** np.arange(-7, 5))
    assert [way for way, ok in zip(WAYS, outcomes["reached"].any(axis=1), strict=True) if ok] == [
        "schedule-free"
    ]
    assert (outcomes["best"] <= outcomes["curve"]).all()


# ---- weights that turn


def test_a_turning_weight_is_a_vector_that_steps_at_right_angles():
    rates, decays, starts = [0.3, 1.0], [0.01, 0.2], [0.5, 6.0]
    outcomes, rng = (
        labs.turning_outcomes(rates, decays, starts, steps=120),
        np.random.default_rng(0),
    )
    for r, rate in enumerate(rates):
        for d, decay in enumerate(decays):
            for s, start in enumerate(starts):
                w = np.array([start, 0.0, 0.0])
                for _ in range(120):
                    g = np.cross(w, rng.normal(size=3))
                    g /= np.linalg.norm(g) * np.linalg.norm(w)
                    before, w = w, (1 - rate * decay) * w - rate * g
                lengths = np.linalg.norm(before), np.linalg.norm(w)
                angle = np.arccos(before @ w / np.prod(lengths))
                assert outcomes["norm"][r, d, s, -1] == pytest.approx(lengths[1])
                assert outcomes["last"][r, d, s] == pytest.approx(angle, rel=1e-6)


def test_the_turning_labs_goal_takes_one_product_and_a_ratio_for_each_start():
    lab = labs.turning()
    rates, decays, starts = (lab._controls[c].values for c in ("learning_rate", "decay", "start"))
    reached = np.argwhere(lab._arrays["reached"][1])
    assert {rates[r] * decays[d] for r, d, _ in reached} == {2**-9}
    assert {starts[s] for _, _, s in reached} == set(starts)


# ---- live training


def test_live_training_learns_and_the_latest_setting_wins():
    lab = labs.live(learning_rate=0.1)
    before = lab.row("loss")
    lab.train(500)
    assert lab.row("loss") < before / 2 and lab.row("step") == 500
    weights = lab._network.w.copy()
    lab.learning_rate = 1e-4
    lab.train(1)
    assert 0 < np.abs(lab._network.w - weights).max() < 1e-2
    lab.rule = "Adam"
    lab.train(1)
    assert isinstance(lab._rule, moons.RULES["Adam"])
    lab.restarts += 1
    assert lab.row("step") == 0


def test_live_training_starts_pauses_and_can_be_interrupted():
    async def session():
        lab = labs.live()
        before = signal.getsignal(signal.SIGINT)
        for pause in (lambda: setattr(lab, "running", False),
                      lambda: os.kill(os.getpid(), signal.SIGINT)):  # fmt: skip
            lab.running = True
            while lab.row("step") < 20:
                lab.drawn = int(lab.row("frame"))  # as a page does; else no more frames are sent
                await asyncio.sleep(0)
            pause()
            await lab._task
            assert not lab.running
            assert signal.getsignal(signal.SIGINT) is before
            lab.restarts += 1

    asyncio.run(asyncio.wait_for(session(), LIMIT))


def test_live_training_stops_when_it_diverges():
    async def session():
        lab = labs.live(learning_rate=10.0, rule="momentum")
        lab._network.w *= 1e18
        lab.running = True
        await lab._task
        assert not lab.running and lab.row("diverged") and "not a finite number" in lab.verdict

    asyncio.run(asyncio.wait_for(session(), LIMIT))


def test_live_training_needs_a_notebook():
    with pytest.raises(RuntimeError, match=r"in a script, call train\(steps\)"):
        labs.live().running = True
    with pytest.raises(ValueError, match="needs a kernel"):
        labs.live().save_html("live.html")
    assert training_lab.VERDICTS


# ---- bad input


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: labs.valley_outcomes([0.1], [1.0]), "A momentum must be below 1"),
        (lambda: labs.adaptive(rule="adam"), "Did you mean 'Adam'"),
        (lambda: labs.adaptive_outcomes([0.1], [10, 1]), "conditionings must be in increasing"),
        (lambda: labs.valley(rule="nesterov"), "Did you mean 'Nesterov'"),
        (lambda: labs.classifier_outcomes([0.1], [200]), "larger than the data, 128 samples"),
        (lambda: labs.classifier_outcomes([0.1], rules=["Adams"]), "Did you mean 'Adam'"),
        (
            lambda: labs.classifier_outcomes([0.1], initializations=["kaimin"]),
            "Did you mean 'kaiming'",
        ),
        (lambda: labs.schedule_outcomes([0.1], names=["cosin"]), "Did you mean 'cosine'"),
        (lambda: labs.schedule_outcomes([0.2, 0.1]), "must be in increasing order"),
        (lambda: labs.acceleration_outcomes([0.1], steps=55), "a multiple of 10"),
        (lambda: labs.irprop_outcomes([0.1], [0.5]), "at least the smallest"),
        (lambda: labs.batchnorm_outcomes([0.1], [1]), "at least 2 examples"),
        (lambda: labs.whitening_outcomes([-1.0]), "epsilons must be positive"),
        (lambda: labs.winner(method="Adams"), "Did you mean 'Adam'"),
        (lambda: labs.stop_outcomes([0.1], epochs=1), "takes 2 epochs"),
        (lambda: labs.stop_now(method="cosin"), "Did you mean 'cosine'"),
        (lambda: labs.turning_outcomes([1], [0.1], [1], steps=20), "takes 100 steps or more"),
        (lambda: labs.turning_outcomes([2], [0.5], [1]), "must be below 1"),
        (lambda: whole("batch sizes", [2.5]), "must be whole numbers"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        call()
    assert "\n" not in str(error.value)


# ---- singular values


@pytest.mark.parametrize(("name", "coefficients"), [("cubic", EXACT), ("fast", FAST)])
def test_the_bars_are_singular_values_of_a_matrix_after_newton_schulz(name, coefficients):
    outcomes, rng = labs.singular_value_outcomes([0.01], 7), np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.normal(size=(20, 12)))[0] for _ in range(2))
    matrix = U * 0.01 ** np.linspace(0, 1, 12) @ V.T
    number = list(matrix_lab.COEFFICIENTS).index(name)
    for steps in (1, 4, 7):
        values = np.linalg.svd(newton_schulz(matrix, steps, coefficients), compute_uv=False)[:12]
        bars = outcomes["bars"][steps - 1, number, 0]
        np.testing.assert_allclose(np.sort(bars), np.sort(values), atol=1e-9)


def test_only_fast_steps_before_cubic_ones_reach_the_goal():
    reached = labs.singular_value_outcomes()["reached"]
    assert np.flatnonzero(reached.any(axis=(0, 2))).tolist() == [3]
