r"""Write the site: a page for each chapter, each solution and each text of the documentation."""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from nbformat import NotebookNode

from lrcourse.course.workspace import course_folder
from lrcourse.files import write_whole
from lrcourse.messages import unknown
from lrcourse.site import SiteError
from lrcourse.site.execute import execute
from lrcourse.site.font import math_font
from lrcourse.site.render import Writer
from lrcourse.widgets import labs
from lrcourse.widgets.standalone_html import fragment, script, style

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
FIRST = ("learning", "faq", "conventions")  # for learners; the others are for teachers and authors
LITE = "lite"  # the folder of JupyterLite in the site
MARKER = ".lrcourse-site.json"  # lists the files of a site, and marks it as ours
ENVIRONMENT = Environment(
    autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=FileSystemLoader(HERE)
)


@dataclass
class Page:
    r"""One page of the site.

    Attributes:
        source: the file in the repository, as links name it.
        path: the file in the site.
        part: "chapters", "solutions" or "docs".
        title: its first heading; ``number``, "02", stands before it in chapters and solutions.
        about: ``question`` and ``minutes`` of a chapter.
    """

    source: str
    path: str
    part: str
    title: str
    content: str | NotebookNode
    number: str = ""
    question: str = ""
    minutes: str = ""
    exercises: int = 0

    @property
    def name(self) -> str:
        r"""The title as menus show it."""
        return f"{self.number} {self.title}".strip()


def build(
    out: Path,
    chapters: Sequence[str],
    cache: Path,
    jobs: int,
    browser: Mapping[str, bytes] | None = None,
) -> Iterator[str]:
    r"""Write the site to a folder; yield a line for each thing done.

    Args:
        out: the folder; it must be new, empty or a site that this function made.
        chapters: their numbers, such as "02"; none means all.
        cache: the folder that keeps the outputs of executed notebooks.
        jobs: notebooks at a time.
        browser: the files of JupyterLite (`lite`), in which every page then opens its chapter.

    Raises:
        SiteError: the folder is not ours, a chapter does not exist or fails.
    """
    paths = _notebooks(chapters)
    old = _claim(out)
    executed = execute(paths, cache, jobs)
    pages = [_notebook_page(path, notebook) for path, notebook in executed.items()]
    texts = sorted(DOCS.glob("*.md"))
    texts.sort(key=lambda path: FIRST.index(path.stem) if path.stem in FIRST else len(FIRST))
    pages += [_docs_page(path) for path in texts]
    files, dropped = _render(pages, LITE if browser else None)
    files |= {f"{LITE}/{name}": content for name, content in (browser or {}).items()}
    names = sorted(files)
    try:
        _mark(out, {*names, *old})
        for name in names:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(files[name])
        for name in old - set(names):
            (out / name).unlink(missing_ok=True)
        _mark(out, names)
    except OSError as error:
        raise SiteError(f"Cannot write {error.filename or out}: {error.strerror}.") from None
    size = sum(map(len, files.values()))
    yield f"wrote {len(pages) + 1} pages, {size / 1e6:.1f} MB, to {out}"
    if dropped and not chapters:
        yield f"Links to what the site does not hold are plain text: {', '.join(sorted(dropped))}"
    yield f"Open {(out / 'index.html').resolve().as_uri()}"


def _notebooks(chapters):
    found = sorted(course_folder().glob("chapters/*.ipynb"))
    numbers = [path.name[:2] for path in found]
    for number in chapters:
        if number not in numbers:
            raise SiteError(unknown("chapter", number, numbers))
    chosen = [path for path in found if path.name[:2] in chapters or not chapters]
    return chosen + [path.parents[1] / "solutions" / path.name for path in chosen]


def _claim(out):
    r"""The files of the site that is there; SiteError for a folder that we must not touch."""
    try:
        if out.exists() and not out.is_dir():
            raise SiteError(f"{out} is a file: name a folder.")
        out.mkdir(parents=True, exist_ok=True)
        old = set()
        if (out / MARKER).is_file():
            old = set(json.loads((out / MARKER).read_bytes())["files"])
            inside = out.resolve()
            old = {name for name in old if (out / name).resolve().is_relative_to(inside)}
        elif any(out.iterdir()):
            raise SiteError(
                f"{out} holds files, and is not a site of lrcourse: name a new or an empty folder."
            )
        _mark(out, old)
        return old
    except OSError as error:
        raise SiteError(f"Cannot write {error.filename or out}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise SiteError(f"{out / MARKER} is damaged: name another folder.") from None


def _mark(out, names):
    write_whole(out / MARKER, json.dumps({"files": sorted(names)}, indent=1))


def _notebook_page(path, notebook):
    part, first = path.parent.name, notebook.cells[0].source
    cells = [cell for cell in notebook.cells if "exercise" in cell.metadata]
    return Page(
        source=f"{part}/{path.name}",
        path=f"{part}/{path.stem}.html",
        part=part,
        title=re.search(r"^# (.+)", first, re.MULTILINE)[1],
        content=notebook,
        number=path.name[:2],
        question=" ".join(re.search(r"\*\*(.+?)\*\*", first, re.DOTALL)[1].split()),
        minutes=re.search(r"about (\d+) minutes", first)[1],
        exercises=len(cells),
    )


def _docs_page(path):
    text = path.read_text(encoding="utf-8")
    title = re.search(r"^# (.+)", text, re.MULTILINE)[1]
    return Page(f"lrcourse/docs/{path.name}", f"docs/{path.stem}.html", "docs", title, text)


def _render(pages, lite):
    r"""The content of each file of the site by name, and the link targets that it lacks."""
    places = {page.source: page.path for page in pages} | {"README.md": "index.html"}
    menu = {part: [p for p in pages if p.part == part] for part in ("chapters", "docs")}
    files, index, dropped = {}, [], set()

    def link(address, page):
        if re.match(r"[a-z]+:|#", address):
            return address
        path, mark, place = address.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), path))
        if target in places:
            return _relative(places[target], page.path) + mark + place
        dropped.add(target)
        return None

    def fill(template, path, **values):
        root = _relative(".", path) + "/"
        files[path] = ENVIRONMENT.get_template(template).render(
            menu=menu, lite=lite, root=root, relative=lambda p: _relative(p, path), **values
        )

    for page in pages:
        writer = Writer(lambda address, page=page: link(address, page))
        docs = page.part == "docs"
        body = writer.markdown(page.content) if docs else writer.notebook(page.content)
        row = [other for other in pages if other.part == page.part]
        place = row.index(page)
        fill(
            "page.html",
            page.path,
            page=page,
            body=body,
            sections=[s for s in writer.sections if s.level in ((2,) if docs else (2, 3))],
            before=row[place - 1] if place else None,
            after=row[place + 1] if place + 1 < len(row) else None,
            twin=next((p for p in pages if p.number == page.number and p.part != page.part), None),
        )
        if page.part != "solutions":
            index += [
                [f"{page.path}#{s.id}", page.name, s.title, " ".join(" ".join(s.words).split())]
                for s in writer.sections
            ]
    fill("home.html", "index.html", page=None, lab=fragment(labs.one_knob()))
    files["static/search.js"] = f"window.lrcourseSearch = {json.dumps(index, ensure_ascii=False)};"
    files["static/labs.js"] = f"(() => {{\n{script()}}})();\n"
    files["static/labs.css"] = style()
    for name in ("site.css", "site.js"):
        files[f"static/{name}"] = (HERE / name).read_text(encoding="utf-8")
    written = {name: text.encode() for name, text in files.items()}
    return written | {"static/math.woff": math_font(files.values())}, dropped


def _relative(target, page):
    r"""The address of a page of the site, seen from another."""
    return posixpath.relpath(target, posixpath.dirname(page) or ".")
