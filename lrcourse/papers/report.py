r"""The report of a trial: Markdown, and the same as one page of HTML that needs nothing else."""

import base64
import json
import math
import os
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from string import Template

from markdown_it import MarkdownIt

from lrcourse.files import write_whole
from lrcourse.papers import forest
from lrcourse.papers.lock import state
from lrcourse.papers.trial import (
    RULE,
    VERDICTS,
    NotTestedError,
    Paper,
    Picture,
    Verdicts,
    compared,
    judged,
    judgements,
    markdown,
    of_column,
)
from lrcourse.plots import png, response_figure
from lrcourse.sweep import RESERVED, Sweep

PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #c8c8c8; --note: #fff3d6 }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #181a1b; --line: #4a4d50; --note: #453812 } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--ink); background: var(--paper) }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.5rem; break-after: avoid }
blockquote { margin: 0; padding: .1rem 1rem; background: var(--note) }
.wide { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top }
th { border-bottom-width: 2px } td + td { min-width: 4rem }
img { display: block; max-width: min(100%, 46rem); background: #fff }
img[alt^="The claims by number"] { max-width: 100% }
code { overflow-wrap: anywhere }
@media print { body { max-width: none; margin: 0; font-size: .8rem } .wide { overflow: visible }
  table { font-size: .65rem } thead { display: table-header-group }
  tr, img { break-inside: avoid } td + td { min-width: 0 } }
</style></head><body><main>
$body</main></body></html>
""")


def write(paper: Paper, sweep: Sweep, rows: Sequence[dict], scale: str) -> Path:
    r"""Write the report beside the results, as .md with its figures in a folder, and as .html.

    Args:
        paper: the paper.
        sweep: of its grid; the results lie in its file.
        rows: its finished runs, at least one.
        scale: "quick" or "full".

    Returns:
        The path of the page.

    Raises:
        OSError: it could not be written.
    """
    folder = sweep.path.with_suffix("")
    try:
        pictures = [picture for picture in paper.pictures(rows) if _has_points(picture)]
    except NotTestedError:
        pictures = []
    images = []
    folder.mkdir(exist_ok=True)
    for number, picture in enumerate(pictures, 1):
        images.append(folder / f"{number}.png")
        write_whole(images[-1], _drawn(picture))
    for part, (part_rows, _) in _scales(paper, rows, scale).items():
        found = judgements(paper, part_rows)
        if forest.drawn(found):
            write_whole(folder / f"claims-{part}.png", png(forest.figure(found)))
    text = "\n\n".join(_parts(paper, sweep, rows, scale, list(zip(pictures, images, strict=True))))
    html = page(text, f"{paper.name} on trial", folder.parent)
    write_whole(folder.with_name(f"{folder.name}.md"), f"{text}\n")
    write_whole(folder.with_name(f"{folder.name}.html"), html)
    return folder.with_name(f"{folder.name}.html")


def page(text: str, title: str, folder: Path) -> str:
    r"""Return Markdown as a page of HTML, its images inside.

    Args:
        text: the Markdown.
        title: of the page.
        folder: where its images are.
    """
    markdown_it = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown_it.parse(text)
    for token in (inline for block in tokens for inline in block.children or []):
        if token.type == "image":
            content = base64.b64encode((folder / token.attrs["src"]).read_bytes()).decode()
            token.attrs["src"] = f"data:image/png;base64,{content}"
    body = markdown_it.renderer.render(tokens, markdown_it.options, {})
    wide = '<div class="wide" tabindex="0"><table>'  # it scrolls, with the keyboard too
    body = body.replace("<table>", wide).replace("</table>", "</table></div>")
    return PAGE.substitute(title=escape(title), body=body)


def _parts(
    paper: Paper,
    sweep: Sweep,
    rows: Sequence[dict],
    scale: str,
    pictures: Sequence[tuple[Picture, Path]],
) -> Iterator[str]:
    if notes := list(_notes(paper, rows, scale, len(sweep.keys))):
        yield f"> {' '.join(notes)}"
    yield f"# On trial: {paper.name}"
    yield markdown(paper.citation)
    yield f"**Claim.** {markdown(paper.claim)}"
    yield f"**Fair control.** {markdown(paper.control)}"
    for part, (part_rows, heading) in _scales(paper, rows, scale).items():
        yield heading
        yield from _picture(paper, part_rows, f"{sweep.path.stem}/claims-{part}.png")
        verdicts = judged(paper, part_rows, part, state(paper))
        yield markdown(verdicts.title)
        yield _table(
            ("no.", *verdicts.head), [(str(n), *line) for n, line in enumerate(verdicts.body, 1)]
        )
    yield f"**The rule.** {markdown(RULE)} What each claim must show:"
    yield "\n".join(
        f"{n}. {markdown(claim.rule.removesuffix('.'))}."
        + (f" In the paper: “{markdown(claim.words)}”" * bool(claim.words))
        for n, claim in enumerate(paper.claims, 1)
    )
    for table in _tables(paper, rows):
        name, _, about = table.title.partition(". ")
        yield f"## {markdown(name)}"
        yield markdown(about)
        yield _table(table.head, table.body)
    if pictures:
        yield "## Figures"
        yield "Lines are means over the seeds, bands a standard deviation to each side."
    for picture, path in pictures:
        alt = markdown(picture.alt)
        yield f"![{alt}]({path.relative_to(sweep.path.parent).as_posix()})"
        yield f"*{alt}*"
    if paper.printed:
        yield "## Every printed figure"
        figures = compared(paper, rows)
        yield _table(figures.head, figures.body)
    yield "## Setting"
    yield markdown(paper.setting[scale])
    if paper.open:
        yield "## Deviations, and what the paper leaves open"
        yield "\n".join(f"- {markdown(sentence)}" for sentence in paper.open)
    if paper.effort:
        yield "## What was easy, what was hard"
        yield "\n".join(f"- {markdown(sentence)}" for sentence in paper.effort)
    yield "## All settings"
    names = list(dict.fromkeys(name for task in sweep.tasks for s in task.settings for name in s))
    yield from _settings(rows, names)
    yield "## How it was made"
    yield "\n".join(f"- {line}" for line in _made(sweep, rows))


def _tables(paper: Paper, rows: Sequence[dict]) -> list[Verdicts]:
    try:
        return paper.tables(rows)
    except NotTestedError:  # the runs are not finished
        return []


def _scales(
    paper: Paper, rows: Sequence[dict], scale: str
) -> dict[str, tuple[Sequence[dict], str]]:
    # The rows of this report, and before them those of the paper's own scale that came with us.
    from lrcourse.papers import saved

    own = saved(paper.name, "own") if "own" in paper.setting else []
    found = {"own": (own, "## At the paper's own scale")} if own else {}
    return found | {scale: (rows, "## Verdicts")}


def _picture(paper: Paper, rows: Sequence[dict], path: str) -> Iterator[str]:
    found = judgements(paper, rows)
    if forest.drawn(found):
        yield f"![{markdown(forest.words(found))}]({path})"
        yield (
            "*Each line is a claim, each mark a difference. The grey band is what is too small to "
            "matter; green holds, red does not hold, blue is no difference that counts, and orange "
            "is undecided.*"
        )


def overview(papers: Sequence[tuple[Paper, Sequence[dict], Path]], scale: str, out: Path) -> Path:
    r"""Write one page of all papers: the picture of each, its verdicts counted, and its page.

    Args:
        papers: each with its rows and the path of its page.
        scale: "quick" or "full".
        out: the folder.

    Returns:
        The path of the page.
    """
    text = ["# All papers on trial"]
    for paper, rows, path in papers:
        counted = Counter(verdict for *_, verdict, _ in judgements(paper, rows))
        counts = ", ".join(f"{counted[name]} {name}" for name in VERDICTS if counted[name])
        text += [
            f"## {paper.name}",
            markdown(paper.citation),
            f"**Claim.** {markdown(paper.claim)}",
        ]
        text += [f"{len(paper.claims)} claims: {counts}. [The report]({path.name})."]
        text += _picture(paper, rows, f"{path.stem}/claims-{scale}.png")
    page_path = out / f"all-{scale}.html"
    write_whole(page_path, page("\n\n".join(text), "All papers on trial", out))
    return page_path


def _notes(paper: Paper, rows: Sequence[dict], scale: str, asked: int) -> Iterator[str]:
    used = dict.fromkeys(str(row.get("data")) for row in rows)
    others = [name for name in used if name not in paper.papers_data]
    if paper.papers_data and others:
        yield (
            f"**Stand-in data:** {', '.join(others)} in place of the paper's "
            f"{', '.join(paper.papers_data)}; on other data a printed figure is shown, not judged."
        )
    if scale != "full":
        yield f"**Scale {scale}:** smaller networks, fewer images or fewer epochs than at full."
    if len(rows) < asked:
        yield f"**Unfinished:** {asked - len(rows)} of {asked} runs are missing here."


def _made(sweep: Sweep, rows: Sequence[dict]) -> Iterator[str]:
    seconds = sum(row["seconds"] for row in rows)
    seeds = len({row["seed"] for row in rows})
    name = sweep.path.stem
    yield f"{len(rows)} runs with {seeds} seeds, {duration(seconds)} of one thread in all."
    yield (
        f"The runs are in `{sweep.path.name}`, and as a table in `{name}.csv`; those of this "
        f"report have the code version `{rows[0]['code']}`."
    )
    versions = ", ".join(f"{part} {version(part)}" for part in ("lrcourse", "numpy", "torch"))
    yield f"Report made with {versions} and Python {platform.python_version()}."
    yield f"On {platform.platform()} with {os.cpu_count()} cores."
    yield f"On {datetime.now(UTC):%Y-%m-%d at %H:%M} UTC."


def duration(seconds: float) -> str:
    r"""Return a time in words.

    Args:
        seconds: the time.
    """
    return f"{seconds:.1f} seconds" if seconds < 100 else f"{seconds / 60:.1f} minutes"


def _settings(rows: Sequence[dict], names: Sequence[str]) -> Iterator[str]:
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(json.dumps([row.get(name) for name in names]), []).append(row)
    shown = {name: list(dict.fromkeys(_shown(row.get(name)) for row in rows)) for name in names}
    if same := [f"{name} {values[0]}" for name, values in shown.items() if len(values) == 1]:
        yield f"The same in all: {markdown(', '.join(same))}."
    varied = [name for name in names if len(shown[name]) > 1]
    apart = {*names, *RESERVED}
    measured = {
        column: _digits(row.get(column) for row in rows)
        for column in dict.fromkeys(column for row in rows for column in row)
        if column not in apart and any(_is_number(row.get(column)) for row in rows)
    }
    body = [
        [_shown(group[0].get(name)) for name in varied]
        + [of_column(group, column).show(digits) for column, digits in measured.items()]
        for group in groups.values()
    ]
    yield _table([*varied, *measured], body)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _digits(values: Iterable[object]) -> int:
    # After the point: one for whole numbers, else for four digits of the largest in a column.
    finite = [abs(float(v)) for v in values if _is_number(v) and math.isfinite(v)]
    if all(map(float.is_integer, finite)):
        return 1
    return min(max(3 - math.floor(math.log10(max(finite))), 0), 8)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | dict):
        return json.dumps(value)
    return "none" if value is None else str(value)


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    return Verdicts("", tuple(head), [tuple(line) for line in body])._repr_markdown_().strip()


def _has_points(picture: Picture) -> bool:
    # A point is drawn where all of its seeds are finite.
    return any(all(map(math.isfinite, at)) for _, line in picture.lines.values() for at in line)


def _drawn(picture: Picture) -> bytes:
    labels = {"x_label": picture.x_label, "y_label": picture.y_label, "alt": picture.alt}
    axes = {"log_x": picture.log_x, "log_y": picture.log_y}
    return png(response_figure(picture.lines, **labels, **axes))
