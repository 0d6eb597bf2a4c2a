r"""Make the notebooks of ``solutions/`` and ``chapters/`` from ``solutions/NN_name.py``.

The source (jupytext, ``py:percent``) holds prose, code and worked exercises. The solution notebook
shows all of it; in the chapter each solution region becomes a stub that raises, and cells tagged
``solution`` are left out. Cell ids are hashes of the unstripped source, so both notebooks agree.
"""

import ast
import copy
import difflib
import hashlib
import json
import os
import re
from collections import Counter
from itertools import zip_longest
from pathlib import Path

from lrcourse.files import write_whole

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
MARKER = re.compile(r"(BEGIN|END)\s+SOLUTION")
HEADING = re.compile(r"#+\s*Exercise\b.*")
CHECK = re.compile(r"""^[^#\n]*\bcheck\(\s*["']([^"'\n]*)["']""", re.MULTILINE)
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
PAIRING = {  # JupyterLab with jupytext then saves the source too, and adds nothing to it
    "cell_metadata_filter": "claims,exercise,question,tags,-all",
    "formats": "ipynb,py:percent",
    "notebook_metadata_filter": "-all",
}


class ReleaseError(ValueError):
    r"""A source breaks the exercise contract; the message names file and cell, one line each."""


def find_root(start: Path) -> Path:
    r"""Return the repository: ``start``, a folder above it, or where the editable install lies."""
    for folder in [start.resolve(), *start.resolve().parents, Path(__file__).resolve().parents[2]]:
        project = folder / "pyproject.toml"
        if project.is_file() and '\nname = "lrcourse"\n' in project.read_text("utf-8", "replace"):
            return folder
    raise ReleaseError(f"{start} is not inside a clone of lrcourse's repository: change to one.")


def stub(source: str, exercise: str) -> str:
    r"""Return an answer cell whose solution regions raise instead, signature and docstring kept."""
    definitions = dict(_definitions(ast.parse(source)))
    kept, owners, inside = [], [], False
    for number, line in enumerate(source.split("\n"), start=1):
        if line.strip() not in (BEGIN, END):
            if MARKER.search(line):
                raise ReleaseError(f"line {number} must be exactly '{BEGIN}' or '{END}'.")
            if not inside:
                kept.append(line)
            continue
        if inside == (line.strip() == BEGIN):
            raise ReleaseError(f"unbalanced solution markers: '{line.strip()}' at line {number}.")
        inside = not inside
        if inside:
            around = [n for n, d in definitions.items() if d.lineno < number <= d.end_lineno]
            if not around or isinstance(definitions[around[-1]], ast.ClassDef):
                raise ReleaseError(
                    f"the solution region at line {number} must stand inside a function or method, "
                    "else the unfilled chapter would stop at this cell."
                )
            owners.append(around[-1])
            indent = line[: len(line) - len(line.lstrip())]
            message = f"Exercise {exercise}: write {owners[-1]} here."
            kept.append(f'{indent}raise NotImplementedError("{message}")')
    if inside:
        raise ReleaseError(f"unbalanced solution markers: no '{END}'.")
    if not owners:
        raise ReleaseError(f"exercise {exercise} has no solution region.")
    stubs = dict(_definitions(ast.parse("\n".join(kept))))
    for name, node in definitions.items():
        if any(name.startswith(f"{owner}.") for owner in owners):
            continue  # a helper within the solution
        if name not in stubs or _signature(stubs[name]) != _signature(node):
            raise ReleaseError(
                f"the stub loses the signature of {name}: keep it out of the region."
            )
    for name in owners:
        if not any(ast.get_docstring(stubs[n]) for n in (name, name.rpartition(".")[0]) if n):
            raise ReleaseError(f"the stub has no docstring for {name}: put it before the region.")
    return "\n".join(kept)


def _definitions(tree, prefix=""):
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield prefix + node.name, node
            yield from _definitions(node, f"{prefix}{node.name}.")


def _signature(node):
    return ast.dump(node.args) if hasattr(node, "args") else node.name


def problems(notebook: dict, name: str) -> list[str]:
    r"""List where a solution notebook breaks the exercise contract; ``name`` is ``NN_name``."""
    found, answers, headings, checks = [], {}, {}, {}
    asked = {"guess": {}, "outcome": {}}

    def report(number, sentence):
        found.append(f"solutions/{name}.py, cell {number}: {sentence}")

    for number, cell in enumerate(notebook["cells"], start=1):
        code = cell["cell_type"] == "code"
        if "exercise" in cell["metadata"]:
            exercise = cell["metadata"]["exercise"]
            if not re.fullmatch(rf"{name[:2]}\.[1-9]\d*", str(exercise)):
                report(
                    number, f"the exercise's id is {exercise!r}, it must be like '{name[:2]}.1'."
                )
            elif exercise in answers:
                report(number, f"exercise {exercise} is already in cell {answers[exercise]}.")
            elif not code or "solution" in cell["metadata"].get("tags", []):
                report(number, "an answer must be a code cell without the tag 'solution'.")
            else:
                answers[exercise] = number
                try:
                    stub(cell["source"], exercise)
                except SyntaxError as error:
                    report(number, f"line {error.lineno} does not parse, or its stub: {error.msg}.")
                except ReleaseError as error:
                    report(number, error)
        elif MARKER.search(cell["source"]):
            report(number, 'a solution region outside an exercise cell (# %% exercise="NN.M").')
        elif code:
            checks |= {exercise: number for exercise in CHECK.findall(cell["source"])}
            for kind, id, last in _guesses(cell["source"]):
                if not re.fullmatch(rf"{name[:2]}\.[a-z]", id):
                    report(number, f"the id of a guess is {id!r}, it must be like '{name[:2]}.a'.")
                elif id in asked[kind]:
                    report(number, f'{kind}("{id}") is already in cell {asked[kind][id]}.')
                elif not last:
                    report(number, f'{kind}("{id}") must end its cell, else nobody sees it.')
                asked[kind].setdefault(id, number)
        elif HEADING.match(cell["source"]):
            heading = cell["source"].split("\n")[0]
            exercise = heading.removeprefix("### Exercise ")
            if not re.fullmatch(r"### Exercise \d\d\.\d+", heading):
                report(number, f"the heading {heading!r} must be exactly '### Exercise NN.M'.")
            elif exercise in headings:
                report(number, f"exercise {exercise} has its heading in cell {headings[exercise]}.")
            headings.setdefault(exercise, number)
    for exercise, number in answers.items():
        if headings.get(exercise, number) >= number:
            report(number, f"no cell above it starts with the heading '### Exercise {exercise}'.")
        if checks.get(exercise, number) <= number:
            report(number, f'no cell below it calls check("{exercise}").')
    for exercise, number in [*headings.items(), *checks.items()]:
        if exercise not in answers:
            report(number, f'there is no answer cell with exercise="{exercise}".')
    for id, number in asked["guess"].items():
        if asked["outcome"].get(id, 0) <= number:
            report(number, f'no cell below it calls outcome("{id}").')
    for id, number in asked["outcome"].items():
        if id not in asked["guess"]:
            report(number, f'there is no guess("{id}").')
    return found


def _guesses(source):
    r"""Each call of guess and outcome in a cell: which, its id, and whether it ends the cell."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # IPython's own, such as %time
        return
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Name("guess" | "outcome" as kind), args=[ast.Constant(str(id)), *_]
            ):
                last = tree.body[-1]
                yield kind, id, isinstance(last, ast.Expr) and last.value is node


def student_version(notebook: dict, name: str) -> dict:
    r"""Return the chapter of a solution notebook: stubs, links to the worked solutions."""
    chapter = copy.deepcopy(notebook)
    del chapter["metadata"]["jupytext"]
    chapter["cells"] = [
        cell for cell in chapter["cells"] if "solution" not in cell["metadata"].get("tags", [])
    ]
    for cell in chapter["cells"]:
        if "exercise" in cell["metadata"]:
            cell["source"] = stub(cell["source"], cell["metadata"]["exercise"])
        elif cell["cell_type"] == "markdown" and HEADING.match(cell["source"]):
            # JupyterLab scrolls to a cell by its id; to a heading only once it has drawn it.
            link = f"../solutions/{name}.ipynb#cell-id={cell['id']}"
            cell["source"] += f"\n\n[Worked solution]({link})"
    return chapter


def build(root: Path) -> dict[Path, str]:
    r"""Return the text of every notebook by path; ReleaseError lists everything that is wrong."""
    try:
        import jupytext
        import nbformat
    except ModuleNotFoundError as error:
        raise ReleaseError(
            f"{error.name} is missing: run  pip install -e '.[release]'  in {root}."
        ) from None
    texts, wrong, numbers = {}, [], {}
    for source in sorted((root / "solutions").glob("*.py")):
        name = source.stem
        if not re.fullmatch(r"\d\d_\w+", name):
            wrong.append(f"solutions/{source.name}: its name must be like 02_backprop.py.")
            continue
        if numbers.setdefault(name[:2], name) != name:
            wrong.append(f"solutions/{source.name}: {numbers[name[:2]]}.py is chapter {name[:2]}.")
        try:
            notebook = jupytext.read(source, fmt="py:percent")
        except Exception as error:  # its own, of YAML, and of what is no text
            wrong.append(f"solutions/{source.name} cannot be read: {error}.")
            continue
        notebook.update(nbformat=4, nbformat_minor=5, metadata=METADATA | {"jupytext": PAIRING})
        seen = Counter()
        for cell in notebook["cells"]:
            digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
            seen[digest] += 1
            cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
            cell["metadata"].pop("lines_to_next_cell", None)  # how the source is spaced
        found = problems(notebook, name)
        wrong += found
        if not found:
            texts[root / "solutions" / f"{name}.ipynb"] = nbformat.writes(notebook) + "\n"
            chapter = student_version(notebook, name)
            texts[root / "chapters" / f"{name}.ipynb"] = nbformat.writes(chapter) + "\n"
    if wrong:
        raise ReleaseError("\n".join(wrong))
    return texts


def release(root: Path) -> list[Path]:
    r"""Write the notebooks that differ from their sources; return their paths."""
    texts = build(root)
    changed = [p for p, text in texts.items() if not p.is_file() or p.read_bytes() != text.encode()]
    for path in changed:
        path.parent.mkdir(exist_ok=True)
        write_whole(path, texts[path])
        # jupytext refuses to open a notebook that is newer than its source.
        source = (root / "solutions" / path.name).with_suffix(".py").stat()
        os.utime(path, ns=(source.st_atime_ns, source.st_mtime_ns))
    return changed


def differences(root: Path) -> list[str]:
    r"""List each difference in content between the notebooks on disk and their sources."""
    texts = build(root)
    found = []
    for path, text in texts.items():
        name = f"{path.parent.name}/{path.name}"
        try:
            found += [
                f"{name}{d}" for d in _compare(json.loads(path.read_bytes()), json.loads(text))
            ]
        except FileNotFoundError:
            found.append(f"{name} is missing.")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            found.append(f"{name} is not a notebook: {error!r}.")
    stray = {p for folder in ("chapters", "solutions") for p in (root / folder).glob("*.ipynb")}
    for path in sorted(stray - texts.keys()):
        found.append(f"{path.parent.name}/{path.name} has no source solutions/{path.stem}.py.")
    return found


def _compare(got, expected):
    old, new = ([json.dumps(c, sort_keys=True) for c in n["cells"]] for n in (got, expected))
    for kind, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for number, (a, b) in enumerate(
            zip_longest(got["cells"][i:j], expected["cells"][k:m]), start=i + 1
        ):
            if a is None:
                yield f", cell {number}: a cell is missing: {_lines(b)[0]!r}."
            elif b is None:
                yield f", cell {number}: this cell is not in the source: {_lines(a)[0]!r}."
            elif _lines(a) != _lines(b):
                yield f", cell {number}, {_first_difference(_lines(a), _lines(b))}."
            else:
                keys = sorted(key for key in a.keys() | b.keys() if a.get(key) != b.get(key))
                yield f", cell {number}: its {' and '.join(keys)} should be as in the source."
    for key in sorted(got.keys() | expected.keys()):
        if key != "cells" and got.get(key) != expected.get(key):
            yield f": the notebook's {key} should be {expected.get(key)!r}."


def _first_difference(a, b):
    line, (x, y) = next(
        p for p in enumerate(zip_longest(a, b, fillvalue=""), 1) if len({*p[1]}) > 1
    )
    at = next(
        (i for i, (p, q) in enumerate(zip(x, y, strict=False)) if p != q), min(len(x), len(y))
    )
    cut = slice(max(0, at - 20), at + 40)  # a line of prose may be long
    return f"line {line}: {x[cut]!r} should be {y[cut]!r}"


def _lines(cell):
    return "".join(cell["source"]).split("\n")
