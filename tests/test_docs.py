r"""What people read: links lead somewhere, words are spelt right, and the pages say what is so."""

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import needs
import numpy as np
import pytest
from markdown_it import MarkdownIt

slugify = needs.package("mdit_py_plugins.anchors.index").slugify

import lrcourse
from lrcourse import __version__
from lrcourse.course import release
from lrcourse.exercises import Wrong

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "lrcourse" / "docs"
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "lrcourse").rglob("*.md")),
    *sorted(ROOT.glob("chapters/*.ipynb")),
    *sorted(ROOT.glob("solutions/*.ipynb")),
]


def tokens(path):
    r"""The Markdown of a page or of a notebook's text cells, block by block and inline."""
    texts = [path.read_text(encoding="utf-8")]
    if path.suffix == ".ipynb":
        cells = json.loads(texts[0])["cells"]
        texts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    for text in texts:
        for block in MarkdownIt().enable("table").parse(text):
            yield block
            yield from block.children or []


def links(path):
    for token in tokens(path):
        if token.type in ("link_open", "image"):
            yield token.attrs["href" if token.type == "link_open" else "src"]
        elif token.type.startswith("html"):
            yield from re.findall(r'(?:href|src)="([^"]*)"', token.content)


def anchors(path):
    r"""What can follow # in a link: headings, as forges or as JupyterLab name them, and cells."""
    if path.suffix == ".ipynb":
        yield from (
            f"cell-id={cell['id']}" for cell in json.loads(path.read_text("utf-8"))["cells"]
        )
    found = list(tokens(path))
    for heading, inline in pairwise(found):
        if heading.type == "heading_open":
            words = "".join(c.content for c in inline.children if c.type in ("text", "code_inline"))
            yield from (slugify(words), words.replace(" ", "-"))


def dead(path, link):
    r"""Why a link of a page leads nowhere, or "". Nothing is asked of the network."""
    parts = urlsplit(link)
    if parts.scheme in ("http", "https"):
        host = parts.hostname or ""
        return "" if "." in host and " " not in link else "is no web address"
    if parts.scheme or parts.netloc:
        return "is neither a web address nor a path"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_relative_to(ROOT) or not target.exists():
        return "leads to no file of the repository"
    if parts.fragment and unquote(parts.fragment) not in set(anchors(target)):
        return "leads to no heading or cell"
    return ""


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(path):
    assert [(link, why) for link in links(path) if (why := dead(path, link))] == []


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("lrcourse/docs/faq.md#installing", ""),
        ("lrcourse/docs/faq.md#uninstalling", "no heading"),
        ("#in-ten-lines", ""),
        ("chapters/00_start_here.ipynb#Many-steps", ""),
        ("solutions/00_start_here.ipynb#cell-id=none", "no heading or cell"),
        ("chapters/99_none.ipynb", "no file"),
        ("../README.md", "no file"),
        ("https://example.org/a#b", ""),
        ("https://example", "no web address"),
        ("htp://example.org", "neither"),
    ],
)
def test_a_dead_link_is_found(link, why):
    found = dead(ROOT / "README.md", link)
    assert why in found and bool(why) == bool(found)


def test_links_in_notebooks_tables_and_html_are_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text('|a|\n|-|\n|[x](1)|\n\n![y](2) <a href="3">z</a>\n\n`[no](4)`')
    assert list(links(page)) == ["1", "2", "3"]
    assert any("#cell-id=" in link for link in links(ROOT / "chapters" / "00_start_here.ipynb"))


def test_codespell_finds_nothing():
    needs.package("codespell_lib")
    places = ["README.md", "pyproject.toml", ".ci", ".github", "binder"]
    places += ["lrcourse", "chapters", "solutions", "tests"]
    command = [sys.executable, "-m", "codespell_lib", *places]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_reference_is_as_the_docstrings_say():
    needs.package("griffe")
    from tools import make_api

    assert make_api.PAGE.read_text(encoding="utf-8") == make_api.text(), (
        "run  python tests/tools/make_api.py"
    )


def test_the_citation_names_this_version():
    assert f"note = {{Version {__version__}}}" in (ROOT / "README.md").read_text("utf-8")


def test_the_changes_begin_with_this_version_and_name_what_is_there():
    text = (DOCS / "changes.md").read_text(encoding="utf-8")
    assert re.search(r"^## (.+)", text, re.MULTILINE)[1] == __version__
    for module, name in re.findall(r"^\| `.+` \| `(\w+)(?:\.(\w+))?` \|", text, re.MULTILINE):
        assert not name or hasattr(getattr(lrcourse, module), name)
    callbacks = {"LearningRateScheduler", "GrowBatch", "ByEpoch", "ByCutoff", "ByOscillation"}
    assert callbacks <= set(dir(lrcourse.callbacks))


def test_the_hours_in_the_guide_are_those_of_the_chapters():
    minutes = {
        path.name[:2]: int(re.search(r"about (\d+) minutes", path.read_text("utf-8"))[1])
        for path in ROOT.glob("solutions/*.py")
    }
    text = (DOCS / "teaching.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| an? \w+ \| ([\d, ]+|\d\d to \d\d) \| (\d+) \|$", text, re.M)
    assert len(rows) == 3
    for chapters, hours in rows:
        first, _, last = chapters.partition(" to ")
        named = [c for c in minutes if first <= c <= last] if last else chapters.split(", ")
        assert round(sum(minutes[chapter] for chapter in named) / 60) == int(hours), chapters


@pytest.fixture
def example():
    r"""The files of the worked example in contributing.md, by path."""
    text = (DOCS / "contributing.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"`([\w/]+\.py)`:\n\n```python\n(.+?\n)```", text, re.S))
    assert len(files) == 3
    return files


def test_the_worked_example_can_be_released(example, tmp_path):
    (tmp_path / "solutions").mkdir()
    path = tmp_path / "solutions" / "90_clipping.py"
    path.write_text(example["solutions/90_clipping.py"], encoding="utf-8")
    assert len(release.release(tmp_path)) == 2
    chapter = (tmp_path / "chapters" / "90_clipping.ipynb").read_text(encoding="utf-8")
    assert "Exercise 90.1: write clip here." in chapter
    assert "length > 0" not in chapter


def test_the_worked_example_checks_as_it_says(example):
    source, checks, wrong = {}, {}, {}
    solution = example["solutions/90_clipping.py"].replace('check("90.1")', "")
    for text, names in zip(
        [solution, *list(example.values())[1:]], (source, checks, wrong), strict=True
    ):
        exec(text, names)
    (exercise,) = checks["EXERCISES"]

    def first_failure(answer):
        for check in exercise.checks:
            try:
                with np.errstate(all="ignore"):
                    check.run(answer, np.random.default_rng(0))
            except Wrong as error:
                return str(error)
        return ""

    assert first_failure(source["clip"]) == ""
    for answer, part in wrong["WRONG"]["90.1"]:
        assert part in first_failure(answer)
