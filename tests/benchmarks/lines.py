r"""How long the package is, part by part: lines of code, and lines on the page.

    python -m tests.benchmarks.lines

A line of code is one that is not blank and holds more than a comment or a docstring.
"""

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "lrcourse"
GROUND = ("nn", "whitening", "optim", "schedules", "data")  # what a learner reads
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
IDLE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.ENCODING, tokenize.ENDMARKER),
}


def count(source: str) -> tuple[int, int]:
    r"""Return a source's lines of code, and on the page."""
    code = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in IDLE:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            code.difference_update(range(text.lineno, text.end_lineno + 1))
    return len(code), len(source.splitlines())


def total(files: Iterable[Path]) -> tuple[int, int]:
    r"""Return the sums over files."""
    counts = [count(path.read_text(encoding="utf-8")) for path in files]
    return sum(code for code, _ in counts), sum(page for _, page in counts)


def part(name: str) -> list[Path]:
    r"""Return the files of a module or of a folder of the package."""
    alone = PACKAGE / f"{name}.py"
    return [alone] if alone.is_file() else sorted((PACKAGE / name).rglob("*.py"))


def table() -> Iterator[tuple[str, int, int]]:
    r"""Yield each part's name, lines of code, and lines on the page; sums after their parts."""
    for name in GROUND:
        yield f"  {name}", *total(part(name))
    yield "ground", *total(path for name in GROUND for path in part(name))
    entries = {path.stem for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"}
    for name in sorted(entries - {*GROUND, "__pycache__"}):
        if found := part(name):
            yield name, *total(found)
    yield "the package", *total(PACKAGE.rglob("*.py"))


def main() -> None:
    r"""Print the table."""
    print(f"{'':16}{'code':>8}{'page':>8}")
    for name, code, page in table():
        print(f"{name:16}{code:8,}{page:8,}")


if __name__ == "__main__":
    main()
