r"""Markdown and executed notebooks as HTML: MathML for formulas, labs that need no kernel."""

import html
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from lrcourse.course.saved_labs import STATE, VIEW
from lrcourse.widgets.guess import SCRIPT
from lrcourse.widgets.standalone_html import piece

TERMINAL = re.compile(r"\x1b\[[0-9;]*m")  # colours in a traceback
# Corrections to the output of latex2mathml, in this order.
CORRECTED = {
    r"\\_": "_",  # an underscore inside \text
    # A minus after one of = < > ( , or an arrow is a sign: no room between it and its number.
    r"(&#x0(?:003D|003C|003E|0028|002C|2190);</mo>)<mo>(?=&#x02212;)": r'\1<mo form="prefix">',
    # The thin space between ln and n, which TeX leaves too.
    r"<mi>(ln|log|exp)</mi>(?=<m[infs])": r'<mi>\1</mi><mspace width="0.17em" />',
    r"<mo>&#x02016;</mo>": '<mo stretchy="false">&#x02016;</mo>',  # the bars of a norm
    r'<mo accent="true">&#x02015;</mo>': '<mo class="bar">&#x000AF;</mo>',  # drawn in site.css
}
FORMATTER = HtmlFormatter(nowrap=True)
HEADING = re.compile(r'<h([23]) id="(.+?)">.+?</h\1>')
BETWEEN = {"mfrac": "/", "msup": "^", "msub": "_", "msubsup": "_"}  # parts of a formula in words


@dataclass
class Section:
    r"""A heading: its title, its id for links, its level, and the words up to the next heading."""

    title: str
    id: str
    level: int
    words: list[str] = field(default_factory=list)


class Writer:
    r"""Makes one page: collects its `sections`, and returns HTML for each piece given to it.

    Args:
        link: returns the new address of a link, or None if there is nothing to link to.
    """

    def __init__(self, link: Callable[[str], str | None]) -> None:
        self.sections: list[Section] = []
        self._link, self._ids = link, Counter()
        self._markdown = MarkdownIt("commonmark", {"highlight": _fence}).enable("table")
        self._markdown.use(dollarmath_plugin, renderer=_formula, double_inline=True)

    def markdown(self, source: str) -> str:
        r"""HTML of a text, its headings kept as sections."""
        tokens = self._markdown.parse(source)
        heading = None
        for token in tokens:
            if token.type == "heading_open":
                heading = token
            for child in token.children or []:
                if child.type == "link_open":
                    self._relink(child)
            if token.type == "inline":
                words = _words(token)
                if heading:
                    heading.attrs["id"] = self._id(words)
                    level = int(heading.tag[1])
                    self.sections.append(Section(words, heading.attrs["id"], level))
                    heading = None
                elif self.sections:
                    self.sections[-1].words.append(words)
        written = self._markdown.renderer.render(tokens, self._markdown.options, {})
        written = HEADING.sub(self._with_anchor, written)
        written = written.replace("<table>", '<div class="wide"><table>')
        written = written.replace("</table>", "</table></div>")
        return re.sub(r"</math></span>(?=[.,:;?)])", "</math></span>&NoBreak;", written)

    def _id(self, title):
        r"""The id that GitHub and others give to a heading, so links work on both."""
        plain = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        self._ids[plain] += 1
        return plain if self._ids[plain] == 1 else f"{plain}-{self._ids[plain] - 1}"

    def _with_anchor(self, heading):
        r"""A heading, and beside it the link that one copies to lead there."""
        title = next(section.title for section in self.sections if section.id == heading[2])
        label = html.escape(f"Link to: {title}")
        link = f'<a class="anchor" href="#{heading[2]}" aria-label="{label}"></a>'
        return f'<div class="heading">{heading[0]}{link}</div>'

    def _relink(self, token):
        address = self._link(token.attrs["href"])
        if address is None:  # its words stay
            token.tag, token.attrs = "span", {}
        else:
            token.attrs["href"] = address

    def notebook(self, notebook: NotebookNode) -> str:
        r"""HTML of an executed notebook; each cell can be linked to as ``#cell-id=...``."""
        states = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
        parts = []
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                inside = self.markdown(cell.source)
            else:
                inside = _fence(cell.source, "python")
                inside += "".join(_output(output, states) for output in cell.outputs)
            parts.append(f'<div class="{cell.cell_type}" id="cell-id={cell.id}">{inside}</div>\n')
        body = "".join(parts)
        # Each guess brings its script; on a page of many one is enough.
        return body.replace(SCRIPT, "") + SCRIPT if SCRIPT in body else body


def _words(token):
    kinds = {"softbreak": " ", "hardbreak": " ", "html_inline": ""}
    return "".join(
        plain(child.content)
        if child.type.startswith("math")
        else kinds.get(child.type, child.content)
        for child in token.children or []
    )


def plain(tex: str) -> str:
    r"""A formula in letters, for menus and search: ``\frac{\eta}{2}`` as "η/2"."""

    def text(part):
        inside = [text(child) for child in part]
        between = BETWEEN.get(part.tag.rpartition("}")[2], "")
        return " ".join((part.text or "").split()) + between.join(inside)

    return text(ElementTree.fromstring(_formula(tex, {"display_mode": False})))


def _formula(tex, options):
    written = convert(tex, display="block" if options["display_mode"] else "inline")
    for pattern, instead in CORRECTED.items():
        written = re.sub(pattern, instead, written)
    return written


def _fence(code, language, _=None):
    return f'<pre class="code"><code>{_highlighted(code, language)}</code></pre>'


def _highlighted(code, language):
    try:
        return highlight(code, get_lexer_by_name(language), FORMATTER).rstrip("\n")
    except ClassNotFound:
        return html.escape(code.rstrip("\n"))


def _output(output, states):
    if output.output_type == "stream":
        return _text(output.text, output.name)
    if output.output_type == "error":
        return _text("\n".join(output.traceback), "stderr")
    data = output.data
    if VIEW in data and (lab := _lab(states.get(data[VIEW]["model_id"]), data)):
        return f'<div class="output lab">{lab}</div>'
    for kind in ("text/html", "image/svg+xml"):
        if kind in data:
            return f'<div class="output wide">{data[kind]}</div>'
    return _text(data.get("text/plain", ""), "stdout")


def _text(text, kind):
    lines = (line.rpartition("\r")[2] for line in TERMINAL.sub("", text).rstrip().split("\n"))
    return f'<pre class="output {kind}">{html.escape(chr(10).join(lines))}</pre>'


def _lab(model, data):
    r"""The live lab described by a widget's saved state; None for any other widget."""
    if model is None or "spec" not in model["state"] or model["state"]["spec"]["live"]:
        return None
    state = model["state"]
    names = ["guess", "start_at", *(control["name"] for control in state["spec"]["controls"])]
    tables = {name: dict(table) for name, table in state["tables"].items()}
    for buffer in model["buffers"]:
        tables[buffer["path"][1]]["data"] = buffer["data"]
    kept = {"spec": state["spec"], "tables": tables} | {name: state[name] for name in names}
    return piece(kept, data["image/svg+xml"])
