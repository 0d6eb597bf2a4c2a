r"""Write the site: a page for each chapter, each solution and each text of the documentation."""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten

from jinja2 import Environment, FileSystemLoader
from nbformat import NotebookNode

from lrcourse.course.workspace import course_folder, learners_copy, without_marks
from lrcourse.files import write_whole
from lrcourse.messages import unknown
from lrcourse.site import SiteError
from lrcourse.site.chapter_map import chapter_map
from lrcourse.site.execute import execute
from lrcourse.site.font import math_font
from lrcourse.site.github import GitHub
from lrcourse.site.render import Writer
from lrcourse.site.trials import trials
from lrcourse.widgets import labs
from lrcourse.widgets.standalone_html import fragment, script, style

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
FIRST = ("learning", "trials", "faq", "changes", "conventions")  # the others are for authors
LITE = "lite"  # the folder of JupyterLite in the site
MARKER = ".lrcourse-site.json"  # lists the files of a site, and marks it as ours
PREVIEW = "static/preview.png"
SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{}
</urlset>
"""
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
        about: ``question``, ``minutes`` and ``exercises`` of a chapter, and the numbers it needs.
        words: what a search engine, or a link to the page, shows of it.
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
    needs: list[str] = field(default_factory=list)
    words: str = ""

    @property
    def name(self) -> str:
        r"""The title as menus show it."""
        return f"{self.number} {self.title}".strip()


def build(
    out: Path,
    chapters: Sequence[str],
    cache: Path,
    jobs: int,
    github: str = "",
    browser: Mapping[str, bytes] | None = None,
) -> Iterator[str]:
    r"""Write the site to a folder; yield a line for each thing done.

    Args:
        out: the folder; it must be new, empty or a site that this function made.
        chapters: their numbers, such as "02"; none means all.
        cache: the folder that keeps the outputs of executed notebooks.
        jobs: notebooks at a time.
        github: "OWNER/NAME", the repository whose Pages will hold the site; "" for none. All
            links to a place on the web are made from it, and left out without it.
        browser: the files of JupyterLite (`lite`), in which every page then opens its chapter.

    Raises:
        SiteError: the folder is not ours, a chapter does not exist or fails.
    """
    repository = GitHub.named(github) if github else None
    paths = _notebooks(chapters)
    old = _claim(out)
    executed = execute(paths, cache, jobs)
    pages = [_notebook_page(path, notebook) for path, notebook in executed.items()]
    docs = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
    pictures = {path.name: path.read_bytes() for path in DOCS.glob("*.webp")}
    if not chapters:
        docs["trials"], of_trials = trials()
        pictures |= of_trials
    rank = {name: number for number, name in enumerate(FIRST)}
    in_order = sorted(docs, key=lambda name: rank.get(name, len(FIRST)))
    pages += [_docs_page(name, docs[name]) for name in in_order]
    files, dropped = _render(pages, repository, LITE if browser else None)
    files |= {f"{LITE}/{name}": content for name, content in (browser or {}).items()}
    files |= {f"docs/{name}": content for name, content in pictures.items()}
    for page in pages[: len(paths)]:
        files[page.source] = learners_copy(course_folder() / page.source)
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
    for cell in cells:
        cell.source = without_marks(cell.source)
    question = " ".join(re.search(r"\*\*(.+?)\*\*", first, re.DOTALL)[1].split())
    needed = first.partition("**You need**")[2]
    solved = "Worked solution. " if part == "solutions" else ""
    return Page(
        source=f"{part}/{path.name}",
        path=f"{part}/{path.stem}.html",
        part=part,
        title=re.search(r"^# (.+)", first, re.MULTILINE)[1],
        content=notebook,
        number=path.name[:2],
        question=question,
        minutes=re.search(r"about (\d+) minutes", first)[1],
        exercises=len(cells),
        needs=sorted(set(re.findall(r"\((\d\d)_\w+\.ipynb", needed))),
        words=f"{solved}{question}",
    )


def _docs_page(name, text):
    title = re.search(r"^# (.+)", text, re.MULTILINE)[1]
    source, path = f"lrcourse/docs/{name}.md", f"docs/{name}.html"
    words = next(part for part in text.split("\n\n")[1:] if re.match(r"\w", part))
    shown = shorten(re.sub(r"\[(.+?)\]\(.+?\)|[*`$]", r"\1", words), 200, placeholder=" …")
    return Page(source, path, "docs", title, text, words=shown)


def _render(pages, repository, lite):
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

    def fill(template, path, root="", **values):
        def relative(other):
            return root + other if root else _relative(other, path)

        files[path] = ENVIRONMENT.get_template(template).render(
            menu=menu,
            path=path,
            root=root or _relative(".", path) + "/",
            relative=relative,
            github=repository,
            lite=lite,
            **values,
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
    row = menu["chapters"]
    needs = chapter_map({p.number: p.name for p in row}, {p.number: p.needs for p in row})
    fill("home.html", "index.html", page=None, lab=fragment(labs.one_knob()), needs=needs)
    if repository:
        fill("404.html", "404.html", root=repository.root, page=None)
        addresses = [f"{repository.address}{name}" for name in sorted(files) if name != "404.html"]
        files["sitemap.xml"] = SITEMAP.format(
            "\n".join(f"<url><loc>{a}</loc></url>" for a in addresses)
        )
    files["static/search.js"] = f"window.lrcourseSearch = {json.dumps(index, ensure_ascii=False)};"
    files["static/labs.js"] = f"(() => {{\n{script()}}})();\n"
    files["static/labs.css"] = style()
    for name in ("site.css", "site.js"):
        files[f"static/{name}"] = (HERE / name).read_text(encoding="utf-8")
    written = {name: text.encode() for name, text in files.items()}
    written["static/math.woff"] = math_font(files.values())
    if repository:
        written[PREVIEW] = (HERE / "preview.png").read_bytes()
    return written, dropped


def _relative(target, page):
    r"""The address of a page of the site, seen from another."""
    return posixpath.relpath(target, posixpath.dirname(page) or ".")
