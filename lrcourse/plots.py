r"""The figures of the chapters, each drawn by one line of code.

Every figure takes `alt`, a description for readers who cannot see it, and is shown once. JupyterLab
gives a matplotlib figure an empty alt text, so figures are shown as HTML images with their own.
Outside a notebook nothing is shown. matplotlib is imported by the first figure.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import cycle, product
from typing import TYPE_CHECKING, Any

import numpy as np

from lrcourse.palette import BLUE, GREY, INK, PALE, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from lrcourse.training import History

LOOKS = [(colour, dash) for dash, colour in product(("-", "--", ":"), (BLUE, VERMILLION, INK))]
DENSITY = 2  # pixels of the image per pixel on the page, for sharp screens


def _figure(alt: str, width: float, height: float, **subplots: Any) -> tuple[Figure, Any]:
    r"""An opaque white figure and its axes; sizes in inches of 96 pixels on the page."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if not (isinstance(alt, str) and alt.strip()):
        raise ValueError('A figure needs alt="what it shows, in words".')
    with rc_context({"font.size": 9, "axes.edgecolor": GREY, "axes.grid": False}):
        figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
        return figure, figure.subplots(**subplots)


def _styled(lines: Mapping[str, Any]) -> Iterator[tuple[str, Any, dict]]:
    r"""Each line with its name and its look, as matplotlib names its parts."""
    for (name, line), (colour, dash) in zip(lines.items(), cycle(LOOKS), strict=False):
        yield name, line, {"color": colour, "linestyle": dash, "marker": "o", "markersize": 3}


def _label(
    axes: Axes, x_label: str, y_label: str, *, log_x: bool = False, log_y: bool = False
) -> None:
    r"""Labels, scales, a pale grid, and a legend where lines have names."""
    axes.set(xlabel=x_label, ylabel=y_label)
    if log_x:
        axes.set_xscale("log")
        _log_ticks(axes.xaxis)
    if log_y:
        axes.set_yscale("log")
        _log_ticks(axes.yaxis)
    if x_label == "epoch":
        from matplotlib.ticker import MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)
    names = axes.get_legend_handles_labels()[1]
    if len(names) > 3:  # a legend that large would cover lines
        axes.figure.set_figwidth(axes.figure.get_figwidth() + 1.4)
        axes.figure.legend(loc="outside right upper", frameon=False)
    elif names:
        axes.legend(frameon=True, framealpha=0.9, edgecolor="none")


def _log_ticks(axis: Axis) -> None:
    r"""Plain numbers at 1, 2 and 5 on a short axis, where matplotlib's own labels overlap."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    low, high = axis.get_view_interval()
    short = low > 0 and high / low < 100
    axis.set_minor_formatter(StrMethodFormatter("{x:g}") if short else NullFormatter())
    if short:
        axis.set_minor_locator(LogLocator(subs=(2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))


def show(figure: Figure, alt: str) -> None:
    r"""Show a figure in the notebook once, as a PNG image with its alt text."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        return
    if get_ipython() is None:
        return
    content = base64.b64encode(png(figure)).decode()
    width = round(figure.get_figwidth() * 96)
    image = f'<img alt="{escape(alt)}" width="{width}" src="data:image/png;base64,{content}">'
    display({"text/html": image, "image/png": content, "text/plain": f"Figure: {alt}"}, raw=True)


def png(figure: Figure) -> bytes:
    r"""Return a figure as a PNG image."""
    from PIL import Image  # a dependency of matplotlib

    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=96 * DENSITY)
    if not any(axes.images for axes in figure.axes):  # lines need few colours: a third of the bytes
        picture = Image.open(file).convert("RGB").quantize(128)
        file = io.BytesIO()
        picture.save(file, format="png", optimize=True)
    return file.getvalue()


def curves(
    lines: Mapping[str, ArrayLike | tuple[ArrayLike, ArrayLike]] | ArrayLike,
    x_label: str,
    y_label: str,
    *,
    alt: str,
    log_x: bool = False,
    log_y: bool = False,
) -> None:
    r"""Lines on linear or logarithmic axes.

    lines: name -> y values or (x values, y values), or one unnamed line; without x values they
    are counted 0, 1, 2 ... Values that are not finite leave a gap.
    ValueError if x and y of a line differ in length.
    """
    if not isinstance(lines, Mapping):
        lines = {"": lines}
    figure, axes = _figure(alt, 6.2, 2.9)
    for name, line, look in _styled(lines):
        x, y = line if isinstance(line, tuple) else (np.arange(len(line)), line)
        if len(x) != len(y):
            raise ValueError(f"The line {name!r} has {len(x)} x values and {len(y)} y values.")
        look["marker"] = "o" if len(y) <= 30 else None
        axes.plot(x, y, **look, label=name or None)
    _label(axes, x_label, y_label, log_x=log_x, log_y=log_y)
    show(figure, alt)


def response(
    lines: Mapping[str, tuple[Sequence[float], Sequence[Sequence[float]]]],
    x_label: str,
    y_label: str,
    *,
    alt: str,
    log_x: bool = True,
    log_y: bool = False,
) -> None:
    r"""Response curves, such as error against learning rate: the mean of several seeds and a band.

    lines: name -> (x values, the values at each x, one for each seed). The band is one standard
    deviation on each side of the mean. A mean that is not finite leaves a gap.
    """
    show(response_figure(lines, x_label, y_label, alt=alt, log_x=log_x, log_y=log_y), alt)


def response_figure(
    lines: Mapping[str, tuple[Sequence[float], Sequence[Sequence[float]]]],
    x_label: str,
    y_label: str,
    *,
    alt: str,
    log_x: bool = True,
    log_y: bool = False,
) -> Figure:
    r"""Return the figure of ``response``, to save it."""
    figure, axes = _figure(alt, 6.2, 3.1)
    for name, (x, values), look in _styled(lines):
        finite = [
            np.asarray(v, float) if np.isfinite(v).all() else np.full(1, np.nan) for v in values
        ]
        mean = np.array([v.mean() for v in finite])
        spread = np.array([v.std(ddof=1) if len(v) > 1 else 0.0 for v in finite])
        axes.plot(x, mean, **look, label=name or None)
        band = {"color": look["color"], "alpha": 0.15, "linewidth": 0}
        axes.fill_between(x, mean - spread, mean + spread, **band)
    _label(axes, x_label, y_label, log_x=log_x, log_y=log_y)
    return figure


def heatmap(
    x: ArrayLike,
    y: ArrayLike,
    values: ArrayLike,
    labels: Sequence[str],
    *,
    alt: str,
    levels: Sequence[float] = (),
    lines: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
) -> None:
    r"""Numbers over a plane as shades, the smaller the darker, with some of them as contours.

    x, y: the C and R places; values: shape (R, C). labels: of x, of y and of the
    values. levels: drawn as contours with their numbers. lines: name -> (x values, y values).
    """
    figure, axes = _figure(alt, 6.2, 3.4)
    shades = axes.pcolormesh(x, y, values, cmap="Blues_r", shading="nearest")
    figure.colorbar(shades, label=labels[2])
    if len(levels):
        axes.clabel(axes.contour(x, y, values, levels, colors=INK, linewidths=0.8), fmt="%g")
    for name, (across, up), look in _styled(lines or {}):
        axes.plot(across, up, **look | {"marker": None, "color": VERMILLION}, label=name)
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    _label(axes, labels[0], labels[1])
    axes.grid(visible=False)
    show(figure, alt)


def complex_plane(values: Mapping[str, ArrayLike], *, alt: str) -> None:
    r"""Complex numbers, such as eigenvalues, beside the unit circle; name -> numbers in order."""
    figure, axes = _figure(alt, 4.2, 3.6)
    turn = np.exp(2j * np.pi * np.linspace(0, 1, 200))
    axes.plot(turn.real, turn.imag, color=GREY, linewidth=1)
    for name, line, look in _styled(values):
        axes.plot(np.real(line), np.imag(line), **look | {"linestyle": "none"}, label=name or None)
    axes.set_aspect("equal")
    _label(axes, "real part", "imaginary part")
    show(figure, alt)


def fans(rays: Mapping[str, ArrayLike], x_label: str, y_label: str, *, alt: str) -> None:
    r"""Vectors in the plane, each a ray from the origin; name -> their ends, shape (n, 2)."""
    lines = {}
    for name, ends in rays.items():
        line = np.full((len(ends), 3, 2), np.nan)  # from the origin to the end, then a gap
        line[:, 0], line[:, 1] = 0, ends
        lines[name] = tuple(line.reshape(-1, 2).T)
    curves(lines, x_label, y_label, alt=alt)


def path(
    loss_function: Callable[[Any], float],
    w_history: Mapping[str, ArrayLike] | ArrayLike,
    *,
    alt: str,
    box: Sequence[tuple[float, float]] | None = None,
    equal_scales: bool = False,
) -> None:
    r"""The steps of a run: over contours of the loss for two weights, on the loss curve for one.

    loss_function: takes w (an array of shape (2,), or one number) and returns the loss.
    w_history: w before the first step and after each, shape (steps + 1, 2) or (steps + 1,); or
    name -> such an array. box: (low, high) of each weight to draw (default: all steps and the
    origin, but at most about twice the distance of the start: a diverging run leaves the picture).
    equal_scales: draw both weights to the same scale, so that right angles are right angles.
    """
    if not isinstance(w_history, Mapping):
        w_history = {"": w_history}
    runs = {name: np.asarray(w, dtype=float) for name, w in w_history.items()}
    shapes = [w.shape for w in runs.values()]
    flat = shapes[0][1:] == ()
    if any(shape[1:] != (() if flat else (2,)) for shape in shapes):
        raise ValueError(f"w_history has shape (steps + 1, 2) or (steps + 1,); got {shapes}.")
    points = np.concatenate([w[:, None] if flat else w for w in runs.values()])
    if box is None:
        start = np.abs([np.atleast_1d(w[0]) for w in runs.values()]).max(axis=0)
        far = np.maximum(2 * start, start.max() or 1.0)
        inside = np.nan_to_num(points).clip(-far, far)
        low, high = np.minimum(inside.min(axis=0), 0), np.maximum(inside.max(axis=0), 0)
        pad = 0.15 * (high - low).max()
        box = list(zip(low - pad, high + pad, strict=True))
    figure, axes = _figure(alt, 5.2, 3.2)
    if flat:
        grid = np.linspace(*box[0], 121)
        values = np.array([float(loss_function(w)) for w in grid])
        axes.plot(grid, values, color=GREY, linewidth=1)
        axes.set_ylim(values.min() - 0.05 * np.ptp(values), values.max())
    else:
        x, y = (np.linspace(*ends, 81) for ends in box)
        values = np.array([[float(loss_function(np.array([a, b]))) for a in x] for b in y])
        above = values - values.min()
        levels = values.min() + above.max() * np.geomspace(1e-3, 1, 12)[:-1]
        axes.contour(x, y, values, levels, colors=GREY, linewidths=0.7)
        axes.set_ylim(*box[1])
        if equal_scales:
            axes.set_aspect("equal")
    axes.set_xlim(*box[0])
    for name, w, look in _styled(runs):
        across, up = (w, [float(loss_function(v)) for v in w]) if flat else w.T
        axes.plot(across, up, **look, linewidth=1.3, label=name or None)
        axes.plot(across[0], up[0], **look | {"markersize": 8, "markerfacecolor": "white"})
    _label(axes, "w" if flat else "w₁", "loss" if flat else "w₂")
    show(figure, alt)


def images(
    x: ArrayLike,
    titles: Sequence[object] | None = None,
    *,
    alt: str,
    image_shape: Sequence[int] | None = None,
    columns: int = 10,
) -> None:
    r"""A grid of images.

    x: shape (n, height, width), (n, height, width, 3), or (n, features) with `image_shape`, which
    may be left out for square grey images. Grey images share one scale, from the smallest value
    to the largest; colours are clipped to [0, 1]. titles: one for each image.
    ValueError if the features do not make a square, or there are more or fewer titles than images.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim == 2:
        side = round(x.shape[1] ** 0.5)
        if image_shape is None and side * side != x.shape[1]:
            raise ValueError(f"{x.shape[1]} features make no square image; give image_shape.")
        x = x.reshape(len(x), *(image_shape or (side, side)))
    if len(x) == 0 or (titles is not None and len(titles) != len(x)):
        raise ValueError(f"Got {len(x)} images and {len(titles or [])} titles.")
    columns = min(columns, len(x))
    rows = -(-len(x) // columns)
    side = min(1.0, 7.2 / columns)
    height = rows * (side + (0.19 if titles is not None else 0.03))
    figure, grid = _figure(alt, columns * side, height, nrows=rows, ncols=columns, squeeze=False)
    low, high = x.min(), x.max()
    for k, axes in enumerate(grid.flat):
        axes.axis("off")
        if k < len(x):
            colour = x.ndim == 4
            axes.imshow(x[k].clip(0, 1) if colour else x[k], cmap="gray", vmin=low, vmax=high)
            if titles is not None:
                axes.set_title(str(titles[k]), fontsize=8, pad=2)
    show(figure, alt)


def histograms(rows: Mapping[str, Sequence[ArrayLike]], shown: Sequence[int], *, alt: str) -> None:
    r"""A grid of histograms: some layers of one network, or of several, in a row each.

    rows: name -> an array for each layer. shown: the layers to draw, counted from 1. Each row has
    one scale, from the smallest number that it shows to the largest.
    """
    figure, grid = _figure(
        alt, 7.2, 0.3 + 0.9 * len(rows), nrows=len(rows), ncols=len(shown), squeeze=False
    )
    for (name, layers), line in zip(rows.items(), grid, strict=True):
        arrays = [np.ravel(layers[number - 1]) for number in shown]
        ends = min(map(np.min, arrays)), max(map(np.max, arrays))
        for axes, array, number in zip(line, arrays, shown, strict=True):
            axes.hist(array, 40, range=ends, color=BLUE)
            axes.set(yticks=[])
            axes.tick_params(labelsize=7)
            if axes in grid[0]:
                axes.set_title(f"layer {number}", fontsize=9)
        line[0].set_ylabel(name)
    show(figure, alt)


def graph(
    nodes: Mapping[str, tuple[float, float, float, float]],
    arrows: Sequence[tuple[str, str]],
    *,
    alt: str,
) -> None:
    r"""A computational graph, with what flows through it forward and backward.

    nodes: name -> (x, y, value, gradient): its place, the value that it hands on forward (written
    above it), and the gradient of the loss at that value (written below).
    arrows: pairs of names, from, to.
    """
    figure, axes = _figure(alt, 7.2, 2.9)
    axes.axis("off")
    middle = {"ha": "center", "va": "center"}
    for name, (x, y, value, gradient) in nodes.items():
        box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": INK}
        axes.text(x, y, name, bbox=box, zorder=2, **middle)
        axes.text(x, y + 0.4, f"{value:.4g}", color=BLUE, **middle)
        axes.text(x, y - 0.4, f"{gradient:.4g}", color=VERMILLION, **middle)
    for start, end in arrows:
        line = {"arrowstyle": "->", "color": GREY}
        ends = {"shrinkA": 11 + 3 * len(start), "shrinkB": 11 + 3 * len(end)}
        axes.annotate("", nodes[end][:2], nodes[start][:2], arrowprops=line | ends)
    xs, ys, *_ = zip(*nodes.values(), strict=True)
    axes.set(xlim=(min(xs) - 0.5, max(xs) + 0.5), ylim=(min(ys) - 0.6, max(ys) + 0.6))
    axes.text(max(xs) + 0.4, max(ys) + 0.4, "value, forward", color=BLUE, ha="right")
    axes.text(max(xs) + 0.4, max(ys), "gradient, backward", color=VERMILLION, ha="right")
    show(figure, alt)


def bars(values: Mapping[str, float], y_label: str, *, alt: str, log_y: bool = False) -> None:
    r"""One bar for each name, with its value above it."""
    figure, axes = _figure(alt, 6.2, 2.9)
    drawn = axes.bar(list(values), list(values.values()), color=BLUE, width=0.6)
    axes.bar_label(drawn, fmt="%.3g", padding=2)
    axes.margins(y=0.15)
    _label(axes, "", y_label, log_y=log_y)
    show(figure, alt)


def history(histories: History | Mapping[str, History], *, alt: str) -> None:
    r"""Loss and validation accuracy by epoch, of one run or of several by name.

    Each run's training loss is a thick pale line, its validation loss the line with dots.
    """
    if not isinstance(histories, Mapping):
        histories = {"": histories}
    figure, (left, right) = _figure(alt, 7.4, 2.9, ncols=2)
    for name, run, look in _styled(histories):
        epoch = np.arange(1, len(run.epochs) + 1)
        record = {
            key: [e.get(key, np.nan) for e in run.epochs]
            for key in ("loss", "validation_loss", "validation_accuracy")
        }
        pale = {"color": look["color"], "linewidth": 4, "alpha": 0.3}
        left.plot(epoch, record["loss"], **pale, label=f"{name} training".strip())
        left.plot(epoch, record["validation_loss"], **look, label=f"{name} validation".strip())
        right.plot(epoch, record["validation_accuracy"], **look, label=name or None)
    _label(left, "epoch", "loss")
    _label(right, "epoch", "validation accuracy")
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    show(figure, alt)
