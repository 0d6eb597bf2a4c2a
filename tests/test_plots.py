"""Figures: each call shows one picture with its alt text, and draws the numbers it was given."""

import base64
import io
import subprocess
import sys

import numpy as np
import pytest

from lrcourse import plots
from lrcourse.training import History

ALT = 'A "falling" <line>'
CURVATURE = np.array([1.0, 10.0])


def loss(w):
    return 0.5 * (CURVATURE * w**2).sum()


def run(learning_rate, steps=20):
    return np.array([(1 - learning_rate * CURVATURE) ** t * [-2.5, 1.2] for t in range(steps + 1)])


HISTORY = History(
    epochs=[
        {"loss": 1 / k, "validation_loss": 1.1 / k, "validation_accuracy": 1 - 0.5 / k}
        for k in (1, 2, 3)
    ]
)
CALLS = {
    "one curve": lambda: plots.curves([3, 2, np.inf], "step", "loss", alt=ALT),
    "curves": lambda: plots.curves(
        {"a": ([1, 2], [3, 4]), "b": [1, np.nan]}, "rate", "loss", log_x=True, log_y=True, alt=ALT
    ),
    "histograms": lambda: plots.histograms(
        {"a": [np.arange(5.0), np.zeros((2, 3))], "b": [[1, 2], [1, 3]]}, (1, 2), alt=ALT
    ),
    "heatmap": lambda: plots.heatmap(
        [0, 1, 2],
        [0, 1],
        [[1, 2, 3], [2, 3, 4]],
        ["x", "y", "z"],
        levels=[2.5],
        alt=ALT,
        lines={"edge": ([0, 2], [0, 1])},
    ),
    "complex plane": lambda: plots.complex_plane({"a": [1j, 0.5 - 0.5j]}, alt=ALT),
    "fans": lambda: plots.fans({"a": [[1, 2], [3, -1]]}, "along", "across", alt=ALT),
    "path": lambda: plots.path(loss, run(0.05), alt=ALT),
    "diverging paths": lambda: plots.path(loss, {"0.1": run(0.1), "0.5": run(0.5, 400)}, alt=ALT),
    "path of one weight": lambda: plots.path(lambda w: 2 * w * w, [-2, 1, 0.5], alt=ALT),
    "path to one scale": lambda: plots.path(loss, run(0.05), alt=ALT, equal_scales=True),
    "graph": lambda: plots.graph(
        {"w": (0, 0, 2.0, -6.0), "w²": (1, 0, 4.0, -1.5)}, [("w", "w²")], alt=ALT
    ),
    "grey images": lambda: plots.images(np.eye(4).reshape(1, 16), ["eye"], alt=ALT),
    "colour images": lambda: plots.images(np.ones((12, 4, 4, 3)), alt=ALT),
    "bars": lambda: plots.bars({"first": 0.1, "second": 0.2}, "norm", alt=ALT),
    "history": lambda: plots.history({"0.1": HISTORY, "0.2": HISTORY}, alt=ALT),
    "one history": lambda: plots.history(HISTORY, alt=ALT),
}


@pytest.fixture
def figures(monkeypatch):
    """The figures that a test shows, instead of their pictures."""
    shown = []
    monkeypatch.setattr(plots, "show", lambda figure, alt: shown.append(figure))
    return shown


@pytest.mark.parametrize("name", CALLS)
def test_each_call_shows_one_opaque_picture_with_its_alt_text(name, monkeypatch):
    from matplotlib.image import imread

    bundles = []
    monkeypatch.setattr("IPython.get_ipython", object)
    monkeypatch.setattr("IPython.display.display", lambda data, raw: bundles.append(data))
    assert CALLS[name]() is None
    (bundle,) = bundles
    assert 'alt="A &quot;falling&quot; &lt;line&gt;"' in bundle["text/html"]
    assert bundle["text/plain"] == f"Figure: {ALT}"
    picture = imread(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert picture.shape[2] == 3 or picture[..., 3].min() == 1
    assert picture[0, 0, :3].min() == 1
    assert len(bundle["image/png"]) < 60_000


def test_curves_draw_the_numbers_with_names_colours_and_dashes(figures):
    plots.curves({str(k): [k, k + 1] for k in range(4)}, "step", "loss", alt=ALT, log_y=True)
    (axes,) = figures[0].axes
    lines = axes.get_lines()
    np.testing.assert_array_equal(lines[2].get_xydata(), [[0, 2], [1, 3]])
    looks = [(line.get_color(), line.get_linestyle()) for line in lines]
    assert looks[:2] == [(plots.BLUE, "-"), (plots.VERMILLION, "-")]
    assert len(set(looks)) == 4
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()] == list("0123")
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("step", "loss", "log")


def test_path_keeps_the_start_and_the_minimum_in_the_picture_when_it_diverges(figures):
    plots.path(loss, run(0.5), alt=ALT)
    (axes,) = figures[0].axes
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert left < -2.5 and right > 0 and bottom < 0 and 1.2 < top < 10
    np.testing.assert_array_equal(axes.get_lines()[0].get_xydata(), run(0.5))


def test_histograms_of_a_row_share_one_scale_and_name_their_layers(figures):
    layers = [np.array([0.0, 4.0]), np.array([9.0]), np.array([-1.0, 1.0, 1.0])]
    plots.histograms({"a": layers, "b": [layer / 2 for layer in layers]}, (1, 3), alt=ALT)
    (figure,) = figures
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["layer 1", "layer 3", "", ""]
    first, second, *_ = figure.axes
    assert [sum(bar.get_height() for bar in axes.patches) for axes in (first, second)] == [2, 3]
    assert first.patches[0].get_x() == second.patches[0].get_x() == -1


def test_images_share_one_scale_and_keep_their_order(figures):
    x = np.arange(3 * 16.0).reshape(3, 16)
    plots.images(x, "abc", alt=ALT, columns=2)
    grid = figures[0].axes
    assert [axes.get_title() for axes in grid] == ["a", "b", "c", ""]
    np.testing.assert_array_equal(grid[2].images[0].get_array(), x[2].reshape(4, 4))
    assert grid[0].images[0].get_clim() == (0, 47)


def test_history_draws_validation_by_epoch(figures):
    plots.history(HISTORY, alt=ALT)
    left, right = figures[0].axes
    np.testing.assert_allclose(
        left.get_lines()[1].get_xydata(), [[1, 1.1], [2, 0.55], [3, 1.1 / 3]]
    )
    np.testing.assert_allclose(right.get_lines()[0].get_ydata(), [0.5, 0.75, 1 - 0.5 / 3])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: plots.curves([1], "x", "y", alt=""), "A figure needs alt="),
        (lambda: plots.curves({"a": ([1, 2], [1])}, "x", "y", alt=ALT), "2 x values and 1 y"),
        (lambda: plots.path(loss, np.ones((3, 4)), alt=ALT), "w_history has shape"),
        (lambda: plots.images(np.ones((2, 10)), alt=ALT), "10 features make no square image"),
        (lambda: plots.images(np.ones((2, 9)), ["a"], alt=ALT), "Got 2 images and 1 titles"),
    ],
)
def test_bad_input_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_a_script_shows_nothing_and_matplotlib_loads_late():
    code = (
        "import sys; from lrcourse import plots; print('matplotlib' in sys.modules);"
        "plots.curves([1, 2], 'x', 'y', alt='a'); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
