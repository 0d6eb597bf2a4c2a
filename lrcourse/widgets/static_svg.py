r"""A lab as a static picture (SVG text), for saved notebooks, print and pages without a browser.

The functions below mirror those of `view.js`, name by name.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.palette import BLUE, DUSK, GREY, INK, NIGHT, PALE, SKY, VERMILLION

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

SERIES = ((BLUE, ""), (VERMILLION, "7 4"), (INK, "2 3"), (GREY, "9 3 2 3"))
CIVIDIS = np.array([[0, 34, 78], [65, 77, 107], [125, 124, 120], [188, 175, 111], [254, 232, 56]])
CLASSES = np.array([[128, 184, 217], [255, 255, 255], [234, 175, 128]])
WIDTH, HEIGHT, TOP = 380, 280, 40
HALO = 'paint-order="stroke" stroke="white" stroke-width="3"'
FONT = 'font-family="system-ui, sans-serif" font-size="12"'
# Attributes draw it on white, for viewers that read no styles. Where styles are read, the colours
# follow the theme: of the page around it or, for a picture on its own, of whatever shows it.
DARK = {"white": NIGHT, INK: PALE, PALE: DUSK, BLUE: SKY}
STYLE = ".lrcourse-still:root{color-scheme:light dark}" + "".join(
    f':is(.lrcourse-still,.lrcourse-still *)[{what}="{light}"]{{{what}:light-dark({light},{dark})}}'
    for what in ("fill", "stroke")
    for light, dark in DARK.items()
)


class Frame:
    r"""The plotting rectangle of one panel: maps data to pixels and draws the axes."""

    def __init__(self, panel: dict, offset: float) -> None:
        self.panel = panel
        self.offset = offset
        self.left = offset + panel.get("left", 58)
        self.right = offset + WIDTH - 16 - 52 * ("bar" in panel)
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
    r"""Names if any, decades on a logarithmic axis (every other one if many), else even steps."""
    low, high = axis["low"], axis["high"]
    if names := axis.get("names"):
        return [k for k, name in enumerate(names) if name]
    if axis["log"]:
        decades = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        return [10.0**k for k in decades if len(decades) < 6 or k % 2 == 0]
    power = 10 ** math.floor(math.log10((high - low) / 4))
    step = next(m * power for m in (1, 2, 5, 10) if (high - low) / (m * power) <= 7.5)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def tick_text(axis: dict, value: float) -> str:
    r"""A tick's label."""
    if axis.get("names"):
        return axis["names"][value]
    if not axis["log"] or abs(power := round(math.log10(value))) < 4:
        return f"{value:g}"
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def text(x: float, y: float, content: str, extra: str = "") -> str:
    r"""A line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(content)}</text>'


def axes(frame: Frame) -> list[str]:
    r"""White ground, grid, tick labels and axis labels."""
    left, right, top, bottom = frame.left, frame.right, frame.top, frame.bottom
    parts = []
    if "x" not in frame.panel:
        return parts
    if "bar" in frame.panel:
        parts += colour_bar(frame)
    for value in ticks(frame.panel["x"]):
        x = float(frame.x(value))
        parts.append(f'<path d="M{x:.1f} {top}V{bottom}" stroke="{PALE}"/>')
        label = tick_text(frame.panel["x"], value)
        parts.append(text(x, bottom + 15, label, 'text-anchor="middle"'))
    for value in ticks(frame.panel["y"]):
        y = float(frame.y(value))
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="{PALE}"/>')
        label = tick_text(frame.panel["y"], value)
        parts.append(text(left - 6, y + 4, label, 'text-anchor="end"'))
    x, y = frame.left - 44, (top + bottom) / 2
    turned = f'text-anchor="middle" transform="rotate(-90 {x:.1f} {y:.1f})"'
    parts.append(
        text((left + right) / 2, bottom + 34, frame.panel["x"]["label"], 'text-anchor="middle"')
    )
    parts.append(text(x, y, frame.panel["y"]["label"], turned))
    return parts


def raster(cells: np.ndarray, box: Sequence[float], *, smooth: bool = False) -> str:
    r"""Cells of colours, uint8 (rows, columns, 3), as a picture (PNG) stretched over a box."""
    rows, columns, _ = cells.shape
    lines = b"".join(b"\0" + line.astype(np.uint8).tobytes() for line in cells)
    png = b"\x89PNG\r\n\x1a\n"
    for kind, body in [
        (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    ]:
        png += struct.pack(">I", len(body)) + kind + body
        png += struct.pack(">I", zlib.crc32(kind + body))
    x, y, width, height = box
    return (
        f'<image x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'preserveAspectRatio="none" image-rendering="{"auto" if smooth else "pixelated"}" '
        f'href="data:image/png;base64,{base64.b64encode(png).decode()}"/>'
    )


def between(anchors: np.ndarray, byte: np.ndarray) -> np.ndarray:
    r"""Bytes, 0 to 255, as colours on a line through the anchors."""
    place = np.asarray(byte) / 255 * (len(anchors) - 1)
    k = np.minimum(place.astype(int), len(anchors) - 2)
    share = (place - k)[..., None]
    return anchors[k] + share * (anchors[k + 1] - anchors[k])


def colour_bar(frame: Frame) -> list[str]:
    r"""The colour scale of a map: a strip beside it, lowest value at the bottom."""
    right, top, bottom, bar = frame.right, frame.top, frame.bottom, frame.panel["bar"]
    strip = between(CIVIDIS, np.arange(255, 0, -4))[:, None]
    x, y = right + 38, (top + bottom) / 2
    turned = f'text-anchor="middle" transform="rotate(-90 {x:.1f} {y:.1f})"'
    return [
        raster(strip, (right + 8, top, 10, bottom - top), smooth=True),
        text(right + 22, top + 9, bar["high"]),
        text(right + 22, bottom, bar["low"]),
        text(x, y, bar["label"], turned),
    ]


def polyline(x: np.ndarray, y: np.ndarray, stroke: str, width: float, dash: str = "") -> str:
    r"""A line through the points; NaN lifts the pen."""
    commands, down = [], False
    for a, b in zip(x.clip(-9999, 9999), y.clip(-9999, 9999), strict=True):
        if np.isnan(a + b):
            down = False
        else:
            commands.append(f"{'L' if down else 'M'}{a:.1f} {b:.1f}")
            down = True
    return (
        f'<path d="{"".join(commands)}" fill="none" stroke="{stroke}" stroke-width="{width}" '
        f'stroke-dasharray="{dash}"/>'
    )


def marks(x: np.ndarray, y: np.ndarray, colour: str, cross: bool) -> list[str]:
    r"""Small dots, or a cross for each point."""
    points = [(float(a), float(b)) for a, b in zip(x, y, strict=True) if np.isfinite(a + b)]
    if cross:
        return [
            f'<path d="M{a - 5:.1f} {b - 5:.1f}l10 10m0 -10l-10 10" stroke="{INK}" '
            'stroke-width="2"/>'
            for a, b in points
        ]
    dots = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in points)
    look = f'stroke="{colour}" stroke-width="5" stroke-linecap="round" opacity="0.5"'
    return [f'<path d="{dots}" {look}/>']


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


def draw_lines(lab: Lab, frame: Frame, panel: dict, colour: str) -> list[str]:
    r"""The lines of a panel, then their names at the top right."""
    parts, place = [], 0
    for line in panel.get("lines", ()):
        if "xy" in line:
            x, y = lab.row(line["xy"]).reshape(-1, 2).T
        else:
            y = lab.row(line["y"]).ravel()
            x = lab.row(line["x"]).ravel() if "x" in line else np.arange(y.size)
        x, y = frame.x(x), frame.y(y)
        ink, dash = (GREY, "") if line.get("grey") else (colour, "")
        if "series" in line:
            ink, dash = SERIES[line["series"]]
        small = line.get("scatter") or line.get("cross")
        if small:
            parts += marks(x, y, ink, line.get("cross"))
        elif line.get("dots"):
            parts += run(frame, x, y, ink)
        else:
            parts.append(polyline(x, y, ink, 2 if "series" in line else 1.5, dash))
        if label := line.get("label"):
            x, y = frame.right - 8, frame.top + 16 + 16 * place
            place += 1
            parts.append(text(x - 30, y, label, f'text-anchor="end" {HALO}'))
            if small:
                parts += marks(np.array([x - 12]), np.array([y - 4]), ink, line.get("cross"))
            else:
                parts.append(polyline(np.array([x - 24, x]), np.array([y - 4] * 2), ink, 2, dash))
    return parts


def draw_levels(lab: Lab, frame: Frame, panel: dict) -> list[str]:
    r"""A dashed level across the panel, and dashed limits from its bottom to its top."""
    parts = []
    if level := panel.get("level"):
        y = float(frame.y(level["value"]))
        parts.append(
            f'<path d="M{frame.left} {y:.1f}H{frame.right}" stroke="{INK}" stroke-dasharray="6 4"/>'
        )
        parts.append(text(frame.left + 5, y + 14, level["label"], HALO))
    for k, limit in enumerate(panel.get("limits", ())):
        x = float(frame.x(lab.row(limit["table"])))
        far = x > (frame.left + frame.right) / 2
        parts.append(
            f'<path d="M{x:.1f} {frame.top}V{frame.bottom}" stroke="{INK}" stroke-dasharray="6 4"/>'
        )
        side = f'text-anchor="{"end" if far else "start"}" {HALO}'
        parts.append(text(x + (-5 if far else 5), frame.top + 14 + 16 * k, limit["label"], side))
    return parts


def path(lab: Lab, frame: Frame, panel: dict, colour: str) -> list[str]:
    r"""Runs over the contours of the loss; a cross marks the minimum."""
    contours = lab.row(panel["contours"])
    return [
        polyline(frame.x(contours[:, 0]), frame.y(contours[:, 1]), GREY, 0.8),
        *marks(frame.x([0]), frame.y([0]), INK, cross=True),
        *draw_lines(lab, frame, panel, colour),
    ]


def curves(lab: Lab, frame: Frame, panel: dict, colour: str) -> list[str]:
    r"""Lines and clouds of points on linear or logarithmic axes."""
    return draw_levels(lab, frame, panel) + draw_lines(lab, frame, panel, colour)


def bars(lab: Lab, frame: Frame, panel: dict, colour: str) -> list[str]:
    r"""Named groups of bars, or a histogram, whose bars touch and divide the x axis evenly."""
    parts, groups = [], len(panel["bars"])
    for j, bar in enumerate(panel["bars"]):
        heights = lab.row(bar["table"])
        pitch = (frame.right - frame.left) / len(heights)
        gap = 0.5 if panel.get("touching") else pitch * 0.15
        wide = (pitch - 2 * gap) / groups
        ink = SERIES[j][0] if groups > 1 else colour
        for k, y in enumerate(frame.y(heights)):
            x, y = frame.left + k * pitch + gap + j * wide, min(y, frame.bottom)
            if np.isfinite(y):
                size = f'width="{wide:.1f}" height="{frame.bottom - y:.1f}"'
                parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{ink}"/>')
        if label := bar.get("label"):
            y = frame.top + 16 + 16 * j
            parts.append(text(frame.right - 24, y, label, f'text-anchor="end" {HALO}'))
            size = 'width="10" height="10"'
            parts.append(f'<rect x="{frame.right - 18}" y="{y - 9}" {size} fill="{ink}"/>')
    return parts + draw_levels(lab, frame, panel)


def box(frame: Frame) -> tuple[float, float, float, float]:
    r"""The rectangle that a panel draws in: x, y, width, height."""
    return frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top


def cell_map(lab: Lab, frame: Frame, panel: dict, colour: str) -> list[str]:
    r"""Cells in colours, lowest row at the bottom; a ring marks the present one."""
    cells = between(CIVIDIS, lab.row(panel["cells"]).reshape(-1, len(panel["x"]["names"])))
    x, y = (np.array([float(lab.row(name))]) for name in panel["here"])
    return [raster(cells, box(frame)), *run(frame, frame.x(x), frame.y(y), INK)]


def region(lab: Lab, frame: Frame, panel: dict, colour: str) -> list[str]:
    r"""The decision region of a classifier, under the points that it was trained on."""
    cells = lab.row(panel["cells"])
    side = math.isqrt(cells.size)
    parts = [raster(between(CLASSES, cells.reshape(side, side)), box(frame), smooth=True)]
    points, labels = lab.row(panel["points"]).reshape(-1, 2), lab.row(panel["labels"])
    for x, y, label in zip(frame.x(points[:, 0]), frame.y(points[:, 1]), labels, strict=True):
        if label:
            shape = f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6"'
        else:
            shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2"'
        parts.append(f'{shape} fill="{VERMILLION if label else BLUE}" stroke="white"/>')
    return parts


def images(lab: Lab, frame: Frame, panel: dict, colour: str) -> list[str]:
    r"""Rows of small images, each with its name above."""
    parts, pitch = [], (HEIGHT - 8) / len(panel["rows"])
    for j, row in enumerate(panel["rows"]):
        pictures = lab.row(row["table"]).reshape(-1, *panel["shape"])
        size = min(pitch - 24, (WIDTH - 20) / len(pictures) - 4)
        top = TOP + j * pitch
        parts.append(text(frame.offset + 10, top + 18, row["label"]))
        for k, picture in enumerate(pictures):
            place = (frame.offset + 10 + k * (size + 4), top + 24, size, size)
            parts.append(raster(np.broadcast_to(picture, (*picture.shape[:2], 3)), place))
    return parts


KINDS = {
    "path": path,
    "curves": curves,
    "bars": bars,
    "map": cell_map,
    "region": region,
    "images": images,
}


def svg(lab: Lab) -> str:
    r"""The lab's pictures at its current setting as one SVG, with their alternative text."""
    panels = lab.spec["panels"]
    colour = VERMILLION if lab.row("diverged") else BLUE
    alt = escape(f"{lab.spec['title']}. {lab.spec['alt']} {lab.sentence}", quote=True)
    width, height = WIDTH * len(panels), HEIGHT + TOP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{alt}" {FONT} fill="{INK}" '
        'class="lrcourse-still">',
        f"<title>{alt}</title><style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        text(12, 17, lab.settings),
        text(12, 35, lab.verdict, 'font-weight="600"'),
    ]
    for k, panel in enumerate(panels):
        frame = Frame(panel, k * WIDTH)
        parts += axes(frame)
        if panel["kind"] == "images":
            parts += images(lab, frame, panel, colour)
            continue
        x, y, wide, high = box(frame)
        place = f'x="{x}" y="{y}" width="{wide}" height="{high}"'
        # An inner svg clips at its own edge, and needs no id that could clash with another lab's.
        parts.append(f'<svg {place} viewBox="{x} {y} {wide} {high}">')
        if (secret := panel.get("secret")) and lab.guess is None:
            centre = (x + wide / 2, y + high / 2)
            parts.append(text(*centre, secret, 'text-anchor="middle" font-weight="600"'))
        else:
            parts += KINDS[panel["kind"]](lab, frame, panel, colour)
            if (step := int(lab.row("diverged"))) and panel["kind"] != "map":
                look = f'text-anchor="end" font-weight="600" style="fill:{VERMILLION}" {HALO}'
                label = f"diverged at {lab.spec['unit']} {step}"
                parts.append(text(frame.right - 8, frame.bottom - 10, label, look))
        parts.append(f'</svg><rect {place} fill="none" stroke="{GREY}"/>')
    return "".join(parts) + "</svg>"
