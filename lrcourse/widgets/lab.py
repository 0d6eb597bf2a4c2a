r"""The one view of all labs: a widget that holds a table of outcomes and shows a row of it.

A lab is data. Its `tables` are arrays whose leading axes are the settings of the controls, so
moving a slider only looks up a row in the browser, without the kernel. Its `panels` say what to
draw from that row, in a format that `view.js` (live) and `static_svg.py` (static) both read:

    {"kind": "path", "x": axis(...), "y": axis(...), "contours": table, "lines": [line, ...]}
    {"kind": "curves", "x": axis(...), "y": axis(...), "lines": [line, ...],
     "level": {"value": 0.01, "label": "goal"}, "limits": [{"table": one x, "label": "here"}]}
    {"kind": "bars", "x": axis(...), "y": axis(...), "bars": [{"table": heights, "label": "norm"}],
     "touching": True for a histogram}
    {"kind": "map", "x": axis(...), "y": axis(...), "cells": bytes, "here": [column, line],
     "bar": {"low": "0", "high": "2", "label": "loss"}}
    {"kind": "region", "x": axis(...), "y": axis(...), "cells": bytes, "points": table,
     "labels": table}
    {"kind": "images", "shape": [16, 16, 3], "rows": [{"table": bytes, "label": "raw"}, ...]}

A line is {"xy": table of points} or {"y": table, "x": table (default: 0, 1, 2 ...)}, with "dots",
"scatter", "cross" or "grey" for its look, "series" for the colour and dash of a line among several
(else it is blue, or vermillion where the run diverged) and "label". An axis may have "names" for
its ticks; a panel's "left" gives long ones room, in pixels. A line with a "band" is the border of
an area. A panel with a "secret" shows that sentence until the learner has guessed. One with
"steps" lets its line with dots be played step by step, and that of the other panels with it.

Every lab has the tables `verdict` (index into its verdicts), `diverged` (0, or the step) and
`reached` (the goal); texts may name further one-number tables in braces, as in "loss {final}".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from os import PathLike
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from lrcourse.files import write_whole
from lrcourse.messages import unknown
from lrcourse.widgets.static_svg import svg


@dataclass(frozen=True)
class Control:
    r"""One control: the trait's name, its label, its values, the value that the lab opens with.

    kind: "slider" or "select". texts: how each value reads (default: its number).
    ValueError for an empty grid, or numbers out of order or not positive.
    """

    name: str
    label: str
    values: Sequence
    default: object
    kind: str = "slider"
    texts: Sequence[str] | None = None

    def __post_init__(self) -> None:
        values = [v.item() if isinstance(v, np.generic) else v for v in self.values]
        if not values:
            raise ValueError(f"The control {self.label!r} has an empty grid.")
        if not isinstance(values[0], str):
            in_order = all(a < b for a, b in pairwise(values))
            if not (in_order and values[0] > 0 and math.isfinite(values[-1])):
                raise ValueError(
                    f"The values of {self.label!r} must be positive and increasing; got {values}."
                )
        texts = [v if isinstance(v, str) else f"{v:g}" for v in values]
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "texts", list(self.texts or texts))
        object.__setattr__(self, "default", self.nearest(self.default))

    def nearest(self, value: object) -> object:
        r"""The grid's value nearest to a positive number (by ratio), or the name itself."""
        if isinstance(self.values[0], str):
            if value not in self.values:
                raise ValueError(unknown(self.label, value, self.values))
            return value
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not (math.isfinite(number) and number > 0):
            raise ValueError(f"{self.label} must be a positive number, not {value!r}.")
        return min(self.values, key=lambda v: abs(math.log(v / number)))


class Setting(traitlets.TraitType):
    r"""The value of one control, snapped to the nearest value of its grid."""

    def __init__(self, control: Control) -> None:
        super().__init__(control.default)
        self.control = control

    def validate(self, lab: Lab, value: object) -> object:
        r"""Return the nearest grid value; ValueError for an unknown name or a number <= 0."""
        return self.control.nearest(value)


def axis(label: str, low: float, high: float, *, log: bool = False) -> dict:
    r"""An axis of a panel: its label, its ends, and whether it is logarithmic."""
    return {"label": label, "low": float(low), "high": float(high), "log": log}


def number(value: float) -> str:
    r"""A number as learners read it: three significant digits, no exponent (as in `view.js`).

    Whole numbers, such as steps, keep all their digits.
    """
    if np.issubdtype(np.asarray(value).dtype, np.integer):
        return str(int(value))
    value = float(value)
    if value != 0 and abs(value) < 1e-4:
        return "under 0.0001"
    if not abs(value) < 1e4:
        return "over 10000"
    return f"{float(f'{value:.3g}'):.10g}"


def quantise(name: str, array: np.ndarray) -> np.ndarray:
    r"""The array as sent to the browser: bool as uint8, float64 as float16, others unchanged.

    ValueError if it is empty or holds only NaN.
    """
    array = np.asarray(array)
    if array.size == 0:
        raise ValueError(f"The lab's table {name!r} is empty.")
    if array.dtype.kind == "f" and np.isnan(array).all():
        raise ValueError(f"The lab's table {name!r} holds only NaN.")
    if array.dtype == bool:
        return array.astype(np.uint8)
    if array.dtype == np.float64:
        return array.clip(-6e4, 6e4).astype(np.float16)
    return array


class Lab(anywidget.AnyWidget):
    r"""A lab in the notebook. Each control's value is a trait: read it, set it, observe it.

    `guess` is None until the learner asks for the edge, then the value chosen at that moment.
    `start_at` is None until the learner drags the start of the run, then its place; the goal counts
    from the lab's own start only.
    """

    _esm = Path(__file__).parent / "view.js"
    _css = Path(__file__).parent / "view.css"
    spec = traitlets.Dict().tag(sync=True)
    tables = traitlets.Dict().tag(sync=True)
    guess = traitlets.Any(None, allow_none=True).tag(sync=True)
    start_at = traitlets.Any(None, allow_none=True).tag(sync=True)

    def __init__(
        self,
        *,
        title: str,
        controls: Sequence[Control],
        tables: dict[str, tuple[tuple[str, ...], np.ndarray]],
        panels: Sequence[dict],
        verdicts: Sequence[str],
        alt: str,
        goal: str,
        caption: str,
        unit: str = "step",
        live: bool = False,
        reveal: dict | None = None,
        start: Sequence[float] | None = None,
        tables_from: Callable[[Sequence[float]], dict] | None = None,
    ) -> None:
        r"""Check the tables against the controls and pack them.

        tables: name -> (names of the controls along its leading axes, array).
        alt: what the pictures show, for screen readers.
        unit: what the table `diverged` counts. live: whether new tables arrive while it is shown
        (see `labs.live`).
        reveal: {"control", "table" (where its mark stands), "question", "answer"}.
        start: where the run starts, if it is gradient descent on a bowl and its start can be
        dragged; tables_from: the tables from another start, as `view.js` computes them for itself
        from the tables `curvatures` and `centres`.
        ValueError for a table whose shape disagrees with its controls, is empty or all NaN.
        """
        self._controls = {control.name: control for control in controls}
        self._tables_from, self._packed_from = tables_from, None
        packed = self.pack(tables)
        self.add_traits(**{c.name: Setting(c).tag(sync=True) for c in controls})
        super().__init__(
            spec={
                "title": title,
                "controls": [asdict(control) for control in controls],
                "panels": list(panels),
                "verdicts": list(verdicts),
                "alt": alt,
                "goal": goal,
                "caption": caption,
                "unit": unit,
                "live": live,
                "reveal": reveal,
                "start": start and list(start),
            },
            tables=packed,
        )

    def pack(self, tables: dict[str, tuple[tuple[str, ...], np.ndarray]]) -> dict[str, dict]:
        r"""Keep the tables for `row`, and return them as sent to the browser."""
        self._arrays, packed = {}, {}
        for name, (axes, array) in tables.items():
            array = quantise(name, array)
            expected = tuple(len(self._controls[a].values) for a in axes)
            if array.shape[: len(axes)] != expected:
                raise ValueError(
                    f"The lab's table {name!r} has shape {array.shape}; its controls "
                    f"{axes} need it to begin with {expected}."
                )
            self._arrays[name] = (axes, array)
            little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
            packed[name] = {
                "dtype": array.dtype.name,
                "axes": list(axes),
                "shape": list(array.shape[len(axes) :]),
                "data": little.tobytes(),
            }
        return packed

    @traitlets.validate("start_at")
    def _valid_start(self, proposal: dict) -> list[float] | None:
        own, start = self.spec.get("start"), proposal["value"]
        if start is None:
            return None
        place = np.asarray(start, dtype=float)
        if own is None or place.shape != (len(own),) or not np.isfinite(place).all():
            allowed = "a finite number for each axis, or None" if own else "None in this lab"
            raise ValueError(f"The start must be {allowed}; got {start!r}.")
        return place.tolist()

    def row(self, name: str) -> np.ndarray:
        r"""The row of a table for the current setting."""
        if self.start_at != self._packed_from:
            self.pack(self._tables_from(self.start_at or self.spec["start"]))
            self._packed_from = self.start_at
        axes, array = self._arrays[name]
        return array[tuple(self._controls[a].values.index(getattr(self, a)) for a in axes)]

    @property
    def goal_reached(self) -> bool:
        r"""Whether the current setting reaches the goal."""
        return self.start_at is None and bool(self.row("reached"))

    @property
    def settings(self) -> str:
        r"""The current setting in words, such as "Learning rate 0.05, batch size 8."."""
        words = ", ".join(
            f"{c.label} {c.texts[c.values.index(getattr(self, c.name))]}"
            for c in self._controls.values()
        )
        if self.start_at:
            words += f", start ({', '.join(f'{v:.3g}' for v in self.start_at)})"
        return f"{words[0].upper()}{words[1:]}."

    @property
    def verdict(self) -> str:
        r"""The outcome of the current setting in words."""
        text = self.spec["verdicts"][int(self.row("verdict"))]
        return re.sub(r"\{(\w+)\}", lambda m: number(self.row(m[1])), text)

    @property
    def sentence(self) -> str:
        r"""What the pictures show at the current setting, in words."""
        goal = "Goal reached." if self.goal_reached else "Goal not reached."
        if self.start_at:
            goal = "The goal counts from the lab's own start."
        return f"{self.settings} {self.verdict} {goal}"

    def save_html(self, path: str | PathLike) -> None:
        r"""Write the lab as a standalone page that works without a kernel or a network."""
        from lrcourse.widgets.standalone_html import page

        write_whole(Path(path).expanduser(), page([self], self.spec["title"]))

    def __repr__(self) -> str:
        return f"Lab: {self.spec['title']}. {self.sentence} (Its sliders need JupyterLab.)"

    def _repr_mimebundle_(self, **kwargs: object) -> tuple[dict, dict]:
        r"""The live widget, and a picture of the current setting where it cannot run."""
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return data | {"image/svg+xml": svg(self)}, metadata
