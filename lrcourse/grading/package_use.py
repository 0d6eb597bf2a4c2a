r"""What of the package an answer uses: a remark for the instructor, never a deduction.

Like ``cells``, this parses student code, so it runs inside the sandbox.
"""

import ast
from collections.abc import Iterable

from lrcourse.grading.cells import needed, parse

PACKAGE = "lrcourse"
# Around an answer, not in place of one.
ASIDE = {"check", "hint", "guess", "outcome", "tally", "whose", "labs", "plots", "palette"}
MOST, LONGEST = 20, 100  # names of an answer, and characters of a name
DEEPEST = 10  # aliases of aliases


def package_use(cells: list[str], answer: int, names: list[str]) -> list[str]:
    r"""Return the dotted names of the package that an answer imports or uses, sorted.

    Looked at are the answer's cell and what it needs of other cells. Followed are aliases, by
    import or by assignment, ``getattr`` with a constant name, ``import_module`` and
    ``sys.modules``; nothing runs, so a name that is put together is not seen.

    Args:
        cells: source of every code cell.
        answer: which of them is the answer.
        names: what the answer should define.
    """
    try:
        own = parse(cells[answer])
        statements = [*needed(cells, answer, names), *own]
        aliases, imported = _imports(statements)
        found = _imports(own)[1] | {name for name in imported if name.endswith("*")}
        for statement in own:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                aliases.pop(statement.name, None)  # the answer's own
        for _ in range(DEEPEST):  # an alias may be an alias of one below it
            before = len(aliases)
            _follow(statements, aliases)
            if len(aliases) == before:
                break
        found |= _uses(statements, aliases)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    aside = {PACKAGE, *(f"{PACKAGE}.{name}" for name in ASIDE)}
    found = {path for path in found if ".".join(path.split(".")[:2]) not in aside}
    found = {p for p in found if not any(other.startswith(f"{p}.") for other in found)}
    return sorted(path for path in found if path.isprintable() and len(path) < LONGEST)[:MOST]


def beyond(theirs: Iterable[str], ours: Iterable[str]) -> list[str]:
    r"""Return what an answer uses and the worked solution does not, wherever it comes from."""
    usual = {path.rpartition(".")[2] for path in ours}
    return [path for path in theirs if path.rpartition(".")[2] not in usual]


def _imports(statements: list[ast.stmt]) -> tuple[dict[str, str], set[str]]:
    # What each name stands for, and all that is imported.
    aliases, found = {}, set()
    for node in (node for statement in statements for node in ast.walk(statement)):
        match node:
            case ast.Import():
                for one in node.names:
                    if _ours(one.name):
                        aliases[one.asname or PACKAGE] = one.name if one.asname else PACKAGE
                        found.add(one.name)
            case ast.ImportFrom(module=str(module), level=0) if _ours(module):
                for one in node.names:
                    aliases[one.asname or one.name] = f"{module}.{one.name}"
                    found.add(f"{module}.{one.name}")
    return aliases, found


def _follow(statements: list[ast.stmt], aliases: dict[str, str]) -> None:
    for node in (node for statement in statements for node in ast.walk(statement)):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if path := _path(value, aliases):
                aliases.setdefault(name, path)


def _uses(statements: list[ast.stmt], aliases: dict[str, str]) -> set[str]:
    found, nodes = set(), list(statements)
    while nodes:
        node = nodes.pop()
        if path := _path(node, aliases):
            found.add(path)
        else:
            nodes += ast.iter_child_nodes(node)
    return found


def _path(node: ast.AST, aliases: dict[str, str]) -> str | None:
    # The dotted name in the package that an expression stands for.
    match node:
        case ast.Name(id=name):
            return aliases.get(name)
        case ast.Attribute(value=value, attr=name):
            home = _path(value, aliases)
        case ast.Call(func=ast.Name(id="getattr"), args=[value, ast.Constant(value=str(name)), *_]):
            home = _path(value, aliases)
        case (
            ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            )
            | ast.Subscript(
                value=ast.Attribute(attr="modules"), slice=ast.Constant(value=str(name))
            )
        ) if _ours(name):
            return name
        case ast.Call(func=ast.Name(id="__import__"), args=[ast.Constant(value=str(name)), *_]) if (
            _ours(name)
        ):
            return PACKAGE
        case _:
            return None
    return home and f"{home}.{name}"


def _ours(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE
