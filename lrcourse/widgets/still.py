r"""A lab as a static picture (SVG text), for saved notebooks, print and pages without a browser.

The functions below mirror those of `view.js`, name by name.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lrcourse.widgets.view import Lab

BLUE, VERMILLION, INK, GREY, PALE = "#0072B2", "#D55E00", "#222", "#808080", "#e4e4e4"
WIDTH, HEIGHT, TOP = 380, 280, 40
FONT = 'font-family="system-ui, sans-serif" font-size="12"'


class Frame:
    r"""The plotting rectangle of one panel: maps data to pixels and draws the axes."""

    def __init__(self, panel: dict, offset: float) -> None:
        self.panel = panel
        self.left, self.right = offset + 58, offset + WIDTH - 10
        self.top, self.bottom = TOP + 8, TOP + HEIGHT - 42

    def scale(self, axis: dict, values: np.ndarray, start: float, end: float) -> np.ndarray:
        r"""Pixels of the values on an axis that runs from pixel `start` to pixel `end`."""
        low, high, values = axis["low"], axis["high"], np.asarray(values, dtype=float)
        if axis["log"]:
            low, high = math.log10(low), math.log10(high)
            values = np.log10(values.clip(10 ** (low - 1)))
        return start + (values - low) / (high - low) * (end - start)

    def x(self, values: np.ndarray) -> np.ndarray:
        r"""Pixels along x."""
        return self.scale(self.panel["x"], values, self.left, self.right)

    def y(self, values: np.ndarray) -> np.ndarray:
        r"""Pixels along y."""
        return self.scale(self.panel["y"], values, self.bottom, self.top)


def ticks(axis: dict) -> list[float]:
    r"""Decades on a logarithmic axis (every other one if many), else steps of 1, 2 or 5."""
    low, high = axis["low"], axis["high"]
    if axis["log"]:
        decades = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        return [10.0**k for k in decades if len(decades) < 6 or k % 2 == 0]
    power = 10 ** math.floor(math.log10((high - low) / 4))
    step = next(m * power for m in (1, 2, 5, 10) if (high - low) / (m * power) <= 7.5)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def text(x: float, y: float, content: str, extra: str = "") -> str:
    r"""A line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(content)}</text>'


def axes(frame: Frame) -> list[str]:
    r"""White ground, grid, tick labels and axis labels."""
    left, right, top, bottom = frame.left, frame.right, frame.top, frame.bottom
    parts = []
    for value in ticks(frame.panel["x"]):
        x = float(frame.x(value))
        parts.append(f'<path d="M{x:.1f} {top}V{bottom}" stroke="{PALE}"/>')
        parts.append(text(x, bottom + 15, f"{value:g}", 'text-anchor="middle"'))
    for value in ticks(frame.panel["y"]):
        y = float(frame.y(value))
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="{PALE}"/>')
        parts.append(text(left - 6, y + 4, f"{value:g}", 'text-anchor="end"'))
    x, y = frame.left - 44, (top + bottom) / 2
    turned = f'text-anchor="middle" transform="rotate(-90 {x:.1f} {y:.1f})"'
    parts.append(
        text((left + right) / 2, bottom + 34, frame.panel["x"]["label"], 'text-anchor="middle"')
    )
    parts.append(text(x, y, frame.panel["y"]["label"], turned))
    return parts


def polyline(x: np.ndarray, y: np.ndarray, stroke: str, width: float) -> str:
    r"""A line through the points; NaN lifts the pen."""
    commands, down = [], False
    for a, b in zip(x.clip(-9999, 9999), y.clip(-9999, 9999), strict=True):
        if np.isnan(a + b):
            down = False
        else:
            commands.append(f"{'L' if down else 'M'}{a:.1f} {b:.1f}")
            down = True
    return f'<path d="{"".join(commands)}" fill="none" stroke="{stroke}" stroke-width="{width}"/>'


def run(frame: Frame, x: np.ndarray, y: np.ndarray, colour: str) -> list[str]:
    r"""The line of one run: a dot for each step, a ring at the start, a larger dot at the end."""
    parts = [polyline(x, y, colour, 1.5)]
    for k, (a, b) in enumerate(zip(x, y, strict=True)):
        if frame.left <= a <= frame.right and frame.top <= b <= frame.bottom:
            radius = 5 if k == 0 else 4.5 if k == len(x) - 1 else 2.2
            fill, ring = ("white", 2) if k == 0 else (colour, 0)
            parts.append(
                f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{radius}" fill="{fill}" '
                f'stroke="{colour}" stroke-width="{ring}"/>'
            )
    return parts


def path(lab: Lab, frame: Frame, panel: dict, colour: str) -> list[str]:
    r"""The path of a run over the contours of the loss; a cross marks the minimum."""
    contours, steps = lab.row(panel["contours"]), lab.row(panel["path"])
    x, y = float(frame.x(0)), float(frame.y(0))
    return [
        polyline(frame.x(contours[:, 0]), frame.y(contours[:, 1]), GREY, 0.8),
        f'<path d="M{x - 5} {y - 5}l10 10m0 -10l-10 10" stroke="{INK}" stroke-width="1.5"/>',
        *run(frame, frame.x(steps[:, 0]), frame.y(steps[:, 1]), colour),
    ]


def curves(lab: Lab, frame: Frame, panel: dict, colour: str) -> list[str]:
    r"""Lines on linear or logarithmic axes, with a dashed level."""
    parts = []
    if level := panel.get("level"):
        y = float(frame.y(level["value"]))
        parts.append(
            f'<path d="M{frame.left} {y:.1f}H{frame.right}" stroke="{INK}" stroke-dasharray="6 4"/>'
        )
    for line in panel["lines"]:
        y = lab.row(line["y"]).ravel()
        x = lab.row(line["x"]).ravel() if "x" in line else np.arange(y.size)
        x, y = frame.x(x), frame.y(y)
        if line.get("dots"):
            parts += run(frame, x, y, colour)
        else:
            parts.append(polyline(x, y, GREY if line.get("grey") else colour, 1.5))
    if level:
        height = float(frame.y(level["value"])) - 5
        parts.append(text(frame.right - 4, height, level["label"], 'text-anchor="end"'))
    return parts


KINDS = {"path": path, "curves": curves}


def still(lab: Lab) -> str:
    r"""The lab's pictures at its present setting as one SVG, its alternative text inside."""
    panels = lab.spec["panels"]
    colour = VERMILLION if lab.row("diverged") else BLUE
    alt = escape(f"{lab.spec['title']}. {lab.spec['alt']} {lab.sentence}", quote=True)
    width, height = WIDTH * len(panels), HEIGHT + TOP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{alt}" {FONT} fill="{INK}">',
        f"<title>{alt}</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        text(12, 17, lab.settings),
        text(12, 35, lab.verdict, 'font-weight="600"'),
    ]
    for k, panel in enumerate(panels):
        frame = Frame(panel, k * WIDTH)
        box = (
            f'x="{frame.left}" y="{frame.top}" width="{frame.right - frame.left}" '
            f'height="{frame.bottom - frame.top}"'
        )
        parts += axes(frame)
        # An inner svg clips at its own edge, and needs no id that could clash with another lab's.
        parts.append(
            f'<svg {box} viewBox="{frame.left} {frame.top} '
            f'{frame.right - frame.left} {frame.bottom - frame.top}">'
        )
        parts += KINDS[panel["kind"]](lab, frame, panel, colour)
        if step := int(lab.row("diverged")):
            halo = 'paint-order="stroke" stroke="white" stroke-width="3"'
            look = f'text-anchor="end" font-weight="600" style="fill:{colour}" {halo}'
            parts.append(text(frame.right - 8, frame.bottom - 10, f"diverged at step {step}", look))
        parts.append(f'</svg><rect {box} fill="none" stroke="{GREY}"/>')
    return "".join(parts) + "</svg>"
