r"""Which code of a notebook an answer needs: its own cell, and the definitions that it uses.

A chapter trains networks and draws plots; to grade an answer none of that has to run. So the
names that the answer uses are looked up in the other cells, and only the statements that define
them run, in the notebook's order. This module runs inside the sandbox: it parses student code.
"""

import __future__

import ast
import builtins
import dis
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType

Place = tuple[int, int]  # cell, statement
RUN_THE_BODY = ("time", "timeit", "capture", "prun", "memit", "python", "python3")
LONGEST_CELL = 200_000  # characters of a cell that is looked at for definitions
CHANGES = {"append", "extend", "insert", "add", "update", "setdefault", "fill", "sort", "reverse"}


def parse(source: str, filename: str = "<cell>") -> list[ast.stmt]:
    r"""Return a cell's statements; IPython's own syntax (``%``, ``!``, ``?``) is understood.

    Raises:
        SyntaxError: it is not Python, or begins with a magic that does not run its body as it is.
    """
    first, _, body = source.lstrip().partition("\n")
    if first.startswith("%%"):
        magic = first[2:].split()[:1]
        if magic and magic[0] not in RUN_THE_BODY:
            raise SyntaxError(
                f"the grader does not run a cell of %%{magic[0]}: leave that line out"
            )
        above = source[: len(source) - len(source.lstrip())].count("\n") + 1
        source = "\n" * above + body  # lines keep their numbers
    try:
        return ast.parse(source, filename).body
    except SyntaxError as error:
        if not any(line.lstrip()[:1] in "%!?" or line.endswith("?") for line in _lines(source)):
            raise
        from IPython.core.inputtransformer2 import TransformerManager

        try:
            return ast.parse(TransformerManager().transform_cell(source), filename).body
        except SyntaxError:
            raise error from None


def _lines(source: str) -> list[str]:
    return [line.rstrip() for line in source.split("\n") if line.strip()]


@lru_cache(maxsize=1)
def index(cells: tuple[str, ...]) -> tuple[dict, dict, dict, list[Place]]:
    r"""Return each cell's statements, where each name is bound or changed, and the star imports."""
    parsed, homes, changes, stars = {}, {}, {}, []
    for number, source in enumerate(cells):
        if len(source) > LONGEST_CELL:
            continue
        try:
            parsed[number] = parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue  # a broken cell affects no other
        for place, statement in enumerate(parsed[number]):
            for name in _bound(statement):
                homes.setdefault(name, []).append((number, place))
                if name == "*":
                    stars.append((number, place))
            for name in _changed(statement):
                changes.setdefault(name, []).append((number, place))
    return parsed, homes, changes, stars


def needed(cells: list[str], answer: int, names: list[str]) -> list[ast.stmt]:
    r"""Return the statements outside the answer's cell that it needs, in order.

    Args:
        cells: source of every code cell.
        answer: which of them is the answer.
        names: what the answer should define; if another cell defines it, that is needed.
    """
    parsed, homes, changes, stars = index(tuple(cells))
    if answer not in parsed:  # it is too long to be looked at with the others
        parsed = parsed | {answer: parse(cells[answer])}
    found: set[Place] = set()
    own = {name for statement in parsed[answer] for name in _bound(statement)}
    wanted = [(name, (answer, 0)) for s in parsed[answer] for name in _used(s) if name not in own]
    answers = {}  # an import does not count as an answer
    for name in set(names) - own:
        places = homes.get(name, [])
        answers[name] = [(n, p) for n, p in places if not isinstance(parsed[n][p], IMPORTS)]
        wanted += [(name, (answer, 0))] if answers[name] else []
    homes = homes | answers
    while wanted:
        name, at = wanted.pop()
        places = [place for place in homes.get(name, []) if place[0] != answer]
        if not places:
            new = [] if hasattr(builtins, name) else stars
        else:  # the last definition above, else the first one below
            home = max((p for p in places if p < at), default=min(places))
            new = [home, *(p for p in changes.get(name, []) if p > home and p[0] != answer)]
        for place in set(new) - found:
            found.add(place)
            wanted += [(used, place) for used in _used(parsed[place[0]][place[1]])]
    return [parsed[number][place] for number, place in sorted(found)]


def _bound(statement: ast.stmt) -> Iterator[str]:
    nodes = [statement]
    while nodes:
        node = nodes.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
                continue  # what is bound inside stays inside
            case ast.Lambda():
                continue
            case ast.Import() | ast.ImportFrom():
                yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
            case ast.Name(ctx=ast.Store()):
                yield node.id
        nodes += ast.iter_child_nodes(node)


def _changed(statement: ast.stmt) -> Iterator[str]:
    # Names of lists, dicts and arrays that a statement fills.
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    for node in ast.walk(statement):
        match node:
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=way)) if way in CHANGES:
                yield name


def futures(statements: list[ast.stmt]) -> int:
    r"""Return the compiler's flags for what they import from ``__future__``."""
    imports = [s for s in statements if isinstance(s, ast.ImportFrom) and s.module == "__future__"]
    named = [alias.name for one in imports for alias in one.names]
    known = [getattr(__future__, name) for name in named if name in __future__.all_feature_names]
    return sum({feature.compiler_flag for feature in known})


def _used(statement: ast.stmt) -> set[str]:
    codes, names = (
        [compile(ast.Module([statement], []), "<cell>", "exec", dont_inherit=True)],
        set(),
    )
    while codes:
        code = codes.pop()
        names |= {i.argval for i in dis.get_instructions(code) if i.opname in LOADS}
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return names


IMPORTS = (ast.Import, ast.ImportFrom)
LOADS = frozenset({"LOAD_NAME", "LOAD_GLOBAL", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_GLOBALS"})
