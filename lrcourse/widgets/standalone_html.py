r"""Labs on a web page that needs no kernel, no network and no other file: the sliders keep moving.

The page holds the tables and `view.js` itself; a few lines stand in for the widget's model.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from lrcourse.widgets.static_svg import svg

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

HERE = Path(__file__).parent
MODEL = """
class Model {
  constructor(values) { this.values = values; this.listeners = []; }
  get(name) { return this.values[name]; }
  set(name, value) {
    this.values[name] = value;
    for (const [event, call] of [...this.listeners]) if (event === `change:${name}`) call();
  }
  on(event, call) { this.listeners.push([event, call]); }
  off(event, call) {
    this.listeners = this.listeners.filter((l) => l[0] !== event || l[1] !== call);
  }
  save_changes() {}
}
for (const script of document.querySelectorAll("script.lrcourse-lab-state")) {
  const { tables, ...values } = JSON.parse(script.textContent), holder = script.parentElement;
  for (const table of Object.values(tables)) {
    table.data = Uint8Array.from(atob(table.data), (letter) => letter.charCodeAt(0));
  }
  holder.replaceChildren();
  render({ model: new Model({ ...values, tables }), el: holder });
}
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 16px; }}
{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{labs}
</main>
<script type="module">
{script}</script>
</body>
</html>
"""


def piece(state: dict, picture: str) -> str:
    r"""A lab as HTML: its picture, which `script` then replaces by the live lab.

    state: the widget's traits; its tables' data in base64.
    """
    data = json.dumps(state, allow_nan=False).replace("<", "\\u003c")
    script = f'<script type="application/json" class="lrcourse-lab-state">{data}</script>'
    return f"<div>{picture}{script}</div>"


def script() -> str:
    r"""The script of a page with live labs: `view.js` and a stand-in for the widget's model."""
    view = (HERE / "view.js").read_text(encoding="utf-8")
    return view.replace("export default { render };", "") + MODEL


def style() -> str:
    r"""The style of live labs."""
    return (HERE / "view.css").read_text(encoding="utf-8")


def fragment(lab: Lab) -> str:
    r"""The HTML of a lab at its current setting."""
    names = [control["name"] for control in lab.spec["controls"]]
    state = {"spec": lab.spec, "guess": lab.guess, "start_at": lab.start_at}
    state |= {name: getattr(lab, name) for name in names}
    state["tables"] = {
        name: table | {"data": base64.b64encode(table["data"]).decode()}
        for name, table in lab.tables.items()
    }
    return piece(state, svg(lab))


def page(labs: Sequence[Lab], title: str) -> str:
    r"""A whole page of labs."""
    pieces = "\n".join(fragment(lab) for lab in labs)
    return PAGE.format(title=escape(title), labs=pieces, style=style(), script=script())
