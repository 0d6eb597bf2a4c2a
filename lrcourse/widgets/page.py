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

from lrcourse.widgets.still import still

if TYPE_CHECKING:
    from lrcourse.widgets.view import Lab

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
const script = document.getElementById(ID), { tables, ...values } = JSON.parse(script.textContent);
for (const table of Object.values(tables)) {
  table.data = Uint8Array.from(atob(table.data), (letter) => letter.charCodeAt(0));
}
const holder = script.previousElementSibling;
holder.replaceChildren();
render({ model: new Model({ ...values, tables }), el: holder });
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>:root {{ color-scheme: light dark; }} body {{ margin: 16px; }}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{labs}
</main>
</body>
</html>
"""


def fragment(lab: Lab, name: str = "lab") -> str:
    r"""A lab as a piece of HTML: a picture until its script has run, then the live view.

    name: an id that no other element of the page has.
    """
    names = [control["name"] for control in lab.spec["controls"]]
    state = {"spec": lab.spec, "guess": lab.guess} | {name: getattr(lab, name) for name in names}
    state["tables"] = {
        name: table | {"data": base64.b64encode(table["data"]).decode()}
        for name, table in lab.tables.items()
    }
    data = json.dumps(state, allow_nan=False).replace("<", "\\u003c")
    view = (HERE / "view.js").read_text(encoding="utf-8").replace("export default { render };", "")
    style = (HERE / "view.css").read_text(encoding="utf-8")
    return (
        f"<style>{style}</style>\n<div>{still(lab)}</div>"
        f'<script type="application/json" id="{escape(name)}">{data}</script>\n'
        f'<script type="module">\nconst ID = "{escape(name)}";\n{view}\n{MODEL}</script>\n'
    )


def page(labs: Sequence[Lab], title: str) -> str:
    r"""A whole page of labs."""
    parts = [fragment(lab, f"lab-{k}") for k, lab in enumerate(labs, start=1)]
    return PAGE.format(title=escape(title), labs="\n".join(parts))
