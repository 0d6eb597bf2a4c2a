"""Labs without a browser: the outcomes against closed forms, and the widget's Python half."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcourse.widgets import labs
from lrcourse.widgets.labs import descent_lab
from lrcourse.widgets.labs.grids import rate_grid

START = np.array([-2.5, 1.2])
RATES = rate_grid(0.0032, 3.2)
CURVATURES = [[1.0, ratio] for ratio in descent_lab.CONDITIONINGS]


# ---- outcomes


@settings(deadline=None, max_examples=50)
@given(st.floats(1e-3, 0.5), st.floats(0.1, 2.0), st.floats(0.1, 2.0))
def test_full_batch_path_is_the_closed_form(learning_rate, first, second):
    outcomes = labs.bowl_outcomes([learning_rate], curvatures=[[first, second]])
    curvature = np.array([first, second])
    factors = (1 - learning_rate * curvature) ** np.arange(61)[:, None]
    w = factors * START
    np.testing.assert_allclose(outcomes["path"][0, 0, 0], w, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        outcomes["loss"][0, 0, 0], (0.5 * curvature * w**2).sum(axis=1), rtol=1e-9, atol=1e-12
    )


def test_full_batch_diverges_exactly_beyond_two_over_the_largest_curvature():
    outcomes = labs.bowl_outcomes(RATES, curvatures=CURVATURES)
    edge = 2 / np.array(descent_lab.CONDITIONINGS)
    beyond = np.array(RATES)[:, None] > edge + 1e-12
    np.testing.assert_array_equal(outcomes["diverged"][:, 0] > 0, beyond)
    assert beyond.any(axis=0).all() and (~beyond).any(axis=0).all()


def test_at_the_edge_it_rings_for_ever():
    outcomes = labs.bowl_outcomes([0.2])
    np.testing.assert_allclose(np.abs(outcomes["path"][0, 0, 0, :, 1]), 1.2, rtol=1e-9)
    assert outcomes["verdict"][0, 0, 0] == descent_lab.RINGS


def test_mini_batch_noise_shrinks_with_the_square_root_of_the_batch_size():
    rng = np.random.default_rng(1)
    samples = rng.normal(size=(64, 1))
    samples = (samples - samples.mean()) / samples.std()
    means = descent_lab.batch_means(samples, descent_lab.BATCH_SIZES, 4096, rng)[:, :, 0]
    sizes = np.array(descent_lab.BATCH_SIZES)
    # Sampling without replacement: the variance of a mean of B out of n is (n - B) / (n - 1) / B.
    expected = np.sqrt((64 - sizes) / 63 / sizes)
    np.testing.assert_allclose(means.std(axis=1), expected, rtol=0.1, atol=1e-12)


def test_every_sample_is_drawn_once_an_epoch():
    samples = np.arange(8.0)[:, None]
    means = descent_lab.batch_means(samples, [1, 4], 16, np.random.default_rng(0))[:, :, 0]
    assert sorted(means[0, :8]) == sorted(means[0, 8:]) == list(range(8))
    np.testing.assert_allclose(means[1, :4], means[0].reshape(4, 4).mean(axis=1))


def test_all_learning_rates_meet_the_same_noise():
    outcomes = labs.bowl_outcomes(RATES, [1], noise=0.5)
    w = outcomes["path"][:, 0, 0]
    rates, curvature = np.array(RATES)[:, None, None], np.array([1.0, 10.0])
    # w' = w - eta lambda (w - c), solved for the batch's centre c.
    centre = (w[:, 1:] - w[:, :-1]) / (rates * curvature) + w[:, :-1]
    stable = np.array(RATES) < 0.15
    np.testing.assert_allclose(centre[stable], centre[:1].repeat(stable.sum(), 0), atol=1e-8)


def test_same_seed_same_bits():
    first, second = (labs.bowl_outcomes(RATES, [4], rng=np.random.default_rng(3)) for _ in "ab")
    assert all(np.array_equal(first[key], second[key]) for key in first)


def test_goal_and_verdicts():
    outcomes = labs.bowl_outcomes([0.01, 0.05, 0.16, 0.2, 0.22], [2, 64])
    full, small = outcomes["verdict"][:, 1, 0], outcomes["verdict"][:, 0, 0]
    assert list(full) == [
        descent_lab.CRAWLS,
        descent_lab.CONVERGES,
        descent_lab.SETTLES,
        descent_lab.RINGS,
        descent_lab.DIVERGES,
    ]
    assert small[1] == descent_lab.JITTERS
    assert list(outcomes["reached"][:, 1, 0]) == [False, True, True, False, False]
    # 0.5 (0.95^60 2.5)^2, by hand: the steep axis is long flat.
    assert outcomes["final"][1, 1, 0] == pytest.approx(0.5 * (0.95**60 * 2.5) ** 2, rel=1e-5)


# ---- the widget's Python half


def test_a_lab_is_small():
    lab = labs.bowl()
    sent = sum(len(table["data"]) for table in lab.tables.values())
    assert sent + len(json.dumps(lab.spec)) < 1_500_000


def test_table_as_sent_draws_the_same_picture():
    lab = labs.bowl(0.05, batch_size=8)
    exact = labs.bowl_outcomes([0.05], descent_lab.BATCH_SIZES)
    k = descent_lab.BATCH_SIZES.index(8)
    pixel = 6 / 350  # the picture's six units are at most 350 pixels wide
    assert np.abs(lab.row("path") - exact["path"][0, k, 0]).max() < pixel / 4
    loss = exact["loss"][0, k, 0]
    np.testing.assert_allclose(lab.row("loss"), loss, rtol=1e-3)


def test_settings_are_traits_that_can_be_read_set_and_observed():
    lab = labs.bowl()
    assert (lab.learning_rate, lab.batch_size, lab.conditioning) == (0.01, 64, 10)
    seen = []
    lab.observe(lambda change: seen.append(change.new), "learning_rate")
    lab.learning_rate = 0.0503  # the grid's nearest value
    assert seen == [0.05] and lab.learning_rate == 0.05
    assert lab.goal_reached
    lab.learning_rate = 3.2
    assert not lab.goal_reached and "It diverges" in lab.sentence


def test_a_lab_links_to_any_slider():
    import ipywidgets

    lab, slider = labs.one_knob(), ipywidgets.FloatLogSlider(value=0.1, min=-3, max=0)
    ipywidgets.link((slider, "value"), (lab, "learning_rate"))
    slider.value = 0.2
    assert lab.learning_rate == 0.2


def test_chapters_choose_controls_and_the_opening_setting():
    lab = labs.bowl(0.0345, conditioning=20, controls=["learning_rate"])
    grids = {c["name"]: c["values"] for c in lab.spec["controls"]}
    assert lab.learning_rate == 0.0345 and 0.0345 in grids["learning_rate"]
    assert grids["batch_size"] == [64] and grids["conditioning"] == [20]
    assert lab.row("edge") == pytest.approx(0.1)


def test_the_edge_follows_the_curvature():
    lab = labs.bowl()
    for ratio in descent_lab.CONDITIONINGS:
        lab.conditioning = ratio
        assert lab.row("edge") == pytest.approx(2 / ratio)
    assert labs.one_knob(curvature=8).row("edge") == pytest.approx(0.25)


@pytest.mark.parametrize("make", [labs.bowl, labs.one_knob])
def test_there_is_always_a_picture_and_a_sentence(make):
    lab = make()
    data, _ = lab._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    picture = ET.fromstring(data["image/svg+xml"])
    assert picture.get("role") == "img"
    assert lab.sentence in picture.get("aria-label")
    assert picture.find("{*}title").text == picture.get("aria-label")
    assert len(data["image/svg+xml"]) < 40_000
    assert data["text/plain"] == repr(lab)
    assert repr(lab).count("\n") == 0 and "It crawls" in repr(lab)


def test_the_picture_of_a_diverged_run_says_so():
    lab = labs.bowl(0.3)
    picture = lab._repr_mimebundle_()[0]["image/svg+xml"]
    assert picture.count(f">diverged at step {lab.row('diverged')}<") == 2
    assert "nan" not in picture.lower()


def test_nothing_heavy_is_imported():
    code = (
        "import sys; from lrcourse import labs;"
        "print({'anywidget', 'ipywidgets', 'matplotlib', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    code = "import lrcourse, sys; print('lrcourse.widgets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ---- bad input


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: labs.bowl(learning_rates=[0.1, 0.05]), "learning rates must be in increasing"),
        (lambda: labs.bowl(learning_rates=[-0.1, 0.05]), "learning rates must be positive"),
        (lambda: labs.bowl(learning_rates=[np.nan]), "learning rates must be positive"),
        (lambda: labs.bowl(learning_rates=[]), "learning rates needs at least one value"),
        (lambda: labs.bowl(learning_rate=0), "learning rate must be positive"),
        (lambda: labs.bowl(batch_size=100), "A batch of 100 is larger than the data, 64 samples"),
        (lambda: labs.bowl(batch_sizes=[1, 2.5]), "whole numbers"),
        (lambda: labs.bowl(conditionings=[]), "conditionings needs at least one value"),
        (
            lambda: labs.bowl(controls=["momentum"]),
            "Unknown control 'momentum': choose from 'learning_rate', ",
        ),
        (lambda: labs.one_knob(curvature=-1), "curvature must be positive"),
        (lambda: setattr(labs.one_knob(), "learning_rate", -1), "must be a positive number"),
        (lambda: setattr(labs.one_knob(), "start_at", (1, 2)), "must be a finite number for each"),
        (lambda: setattr(labs.valley(), "start_at", (1, 2)), "must be None in this lab"),
        (lambda: setattr(labs.one_knob(), "learning_rate", "fast"), "must be a positive number"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        call()
    assert "\n" not in str(error.value)


def test_view_refuses_tables_that_cannot_be_shown():
    from lrcourse.widgets.lab import Control, quantise

    with pytest.raises(ValueError, match="'loss' holds only NaN"):
        quantise("loss", np.full(3, np.nan))
    with pytest.raises(ValueError, match="'loss' is empty"):
        quantise("loss", np.empty((0, 3)))
    with pytest.raises(ValueError, match="empty grid"):
        Control("rule", "rule", [], None)
    rule = Control("rule", "rule", ["momentum", "Adam"], "Adam", kind="select")
    with pytest.raises(ValueError, match="Did you mean 'momentum'"):
        rule.nearest("momentun")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (14.0, "14"), (0.0503, "0.0503"), (1234.5, "1230"), (1e-6, "under 0.0001"),
     (2e9, "over 10000"), (np.float32(2 / 30), "0.0667"), (np.int32(12345), "12345")],
)  # fmt: skip
def test_numbers_read_well(value, text):
    from lrcourse.widgets.lab import number

    assert number(value) == text
