r"""Make ``api.md``, the reference of the package, from its docstrings.

    python tests/tools/make_api.py

The source is read, not imported, so that every Python version makes the same page.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from griffe import Class, Docstring, Function, Module, load

PACKAGE = Path(__file__).parents[2] / "lrcourse"
PAGE = PACKAGE / "docs" / "api.md"
MODULES = [
    *("nn", "optim", "training", "measure", "data", "schedules", "callbacks", "whitening", "plots"),
    *("range_test", "sweep", "torch_optim", "exercises", "widgets.guess"),
]
HEAD = """# Reference

Made from the docstrings by `python tests/tools/make_api.py`; a test compares. In a notebook,
`fit?` shows the same. Shapes are in parentheses: P parameters, K runs side by side. The labs are
functions without arguments, such as `labs.bowl()`; `dir(lrcourse.labs)` lists them.

"""


def text() -> str:
    r"""Return the page."""
    package = load("lrcourse", search_paths=[PACKAGE.parent], docstring_parser="google")
    index = "\n".join(
        f"- [`lrcourse.{name}`](#lrcourse{name.replace('.', '')})" for name in MODULES
    )
    parts = [part for name in MODULES for part in _module(package[name])]
    return f"{HEAD}{index}\n\n" + "\n\n".join(parts) + "\n"


def _module(module: Module) -> Iterator[str]:
    yield f"## {module.path}"
    yield from _sections(module.docstring)
    for name, member in module.members.items():
        if member.is_alias and member.target_path.startswith(f"{module.path}."):
            member = member.final_target  # a class of a folder, such as optim
        if not name.startswith("_") and not member.is_alias and member.docstring:
            if member.is_function:
                yield f"### {name}"
                yield _code(member)
                yield from _sections(member.docstring)
            elif member.is_class:
                yield from _class(member)


def _class(found: Class) -> Iterator[str]:
    yield f"### {found.name}"
    yield _code(found)
    yield from _sections(found.docstring)
    methods = [
        f"- `{_signature(member)}`: {_line(member.docstring.value.splitlines()[0])}"
        for name, member in found.members.items()
        if member.is_function and not name.startswith("_") and member.docstring
    ]
    if methods:
        yield "\n".join(methods)


def _code(found: Class | Function) -> str:
    return f"```text\n{_signature(found)}\n```"


def _signature(found: Class | Function) -> str:
    parameters = [p for p in found.parameters if p.name not in ("self", "cls")]
    keywords = any(p.kind and p.kind.value == "keyword-only" for p in parameters)
    shown, star = [], False
    for p in parameters:
        kind = p.kind.value if p.kind else ""
        if keywords and not star and kind == "keyword-only":
            shown.append("*")
            star = True
        mark = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        star |= mark == "*"
        default = f"={p.default}" if p.default is not None and not mark else ""
        shown.append(f"{mark}{p.name}{default}")
    returns = f" -> {found.returns}" if found.is_function and found.returns else ""
    return f"{found.name}({', '.join(shown)}){returns}".replace("'", '"')


def _sections(docstring: Docstring) -> Iterator[str]:
    for section in docstring.parse("google", warn_missing_types=False, warnings=False):
        kind = section.kind.value
        if kind == "text":
            yield _markdown(section.value)
        elif kind in ("parameters", "attributes"):
            title = "Arguments" if kind == "parameters" else "Attributes"
            rows = (f"- `{one.name}`: {_line(one.description)}" for one in section.value)
            yield f"{title}:\n\n" + "\n".join(rows)
        elif kind == "returns":
            yield "Returns: " + " ".join(_line(one.description) for one in section.value)
        elif kind == "raises":
            rows = (f"- `{one.annotation}`: {_line(one.description)}" for one in section.value)
            yield "Raises:\n\n" + "\n".join(rows)
        else:
            raise ValueError(f"{docstring.parent.path}: write a section {kind!r} in another way.")


def _line(value: str) -> str:
    return " ".join(_markdown(value).split())


def _markdown(value: str) -> str:
    value = re.sub(r"\.\. math::(.*\n(?:[ \t]+.*\n|\n)*)", _display, value + "\n").strip()
    return re.sub(r":math:`([^`]+)`", r"$\1$", value).replace("``", "`").replace("$\\ ", "$ ")


def _display(found: re.Match) -> str:
    return f"$${' '.join(found[1].split())}$$\n\n"


def main() -> None:
    r"""Write the page."""
    PAGE.write_text(text(), encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
