r"""One-edit mutants of a worked solution: what a slip of the hand would make of it.

An edit changes one thing within the solution region: an operator, comparison, constant, axis,
function, condition, name, the order of operands, arguments or returned values, the end of a range;
or it drops a statement, an operand, a keyword or a root, changes an array in place, or takes a
statement into a loop or out of it. A check worth its name rejects them all.
"""

import ast
import copy
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from lrcourse.course.release import BEGIN, END
from lrcourse.grading.memory import limited_memory

OPERATORS = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.FloorDiv: [ast.Div],
    ast.Mod: [ast.FloorDiv],
    ast.Pow: [ast.Mult],
    ast.MatMult: [ast.Mult],
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
}
FUNCTIONS = {
    "max": "min",
    "maximum": "minimum",
    "argmax": "argmin",
    "mean": "sum",
    "ones": "zeros",
    "ones_like": "zeros_like",
    "sin": "cos",
    "floor": "ceil",
    "all": "any",
}
FUNCTIONS |= {other: name for name, other in FUNCTIONS.items()}
SYMMETRIC = {"max", "min", "maximum", "minimum"}
NEEDED = {"sqrt", "abs", "exp", "log", "sign", "copy", "list"}  # a slip is to leave it out


@dataclass(frozen=True)
class Mutant:
    r"""A mutant by its changed line, as "old -> new", and its code."""

    name: str
    code: object


class Endless(BaseException):
    r"""A mutant has executed more lines than it may."""


def mutants(source: str, filename: str) -> list[Mutant]:
    r"""Return the mutants of an answer cell."""
    tree, found = ast.parse(source), {}
    names = {}  # in the scope of each node
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            own = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and _stored(n)]
            scope = dict.fromkeys([argument.arg for argument in function.args.args] + own)
            names |= {id(node): list(scope) for node in ast.walk(function)}
    following = {}  # the statement after each
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            following |= {id(one): after for one, after in pairwise(body)}
    region, lines = _region(source), ast.unparse(tree).split("\n")
    for statement in ast.walk(tree):
        if isinstance(statement, ast.stmt) and statement.lineno in region:
            for node, new in _edits(statement, names[id(statement)], following.get(id(statement))):
                mutant = copy.deepcopy(tree, {id(node): new})
                changed = ast.unparse(mutant).split("\n")
                pairs = zip_longest(lines, changed, fillvalue="")
                old, other = next((pair for pair in pairs if pair[0] != pair[1]), ("", ""))
                moved = {old.strip(): "(in the loop)", "else:": "(after the loop)"}
                name = f"{old.strip()} -> {moved.get(other.strip(), other.strip())}"
                if old != other:
                    found.setdefault((statement.lineno, name), ast.fix_missing_locations(mutant))
    return [Mutant(key[1], compile(found[key], filename, "exec")) for key in sorted(found)]


def limited(run: Callable[[], object], filename: str, most: int) -> tuple[object, int]:
    r"""Call ``run``; return what it returns, and how many lines of a file it executed.

    It may take 1 GiB of memory more than there is; then it gets a MemoryError.

    Raises:
        Endless: it executed more than ``most``.
    """
    count = 0

    def line(frame: object, event: str, argument: object) -> Callable:
        nonlocal count
        count += event == "line"
        if count > most:
            raise Endless
        return line

    def call(frame: object, event: str, argument: object) -> Callable | None:
        return line if frame.f_code.co_filename == filename else None

    before = sys.gettrace()
    with limited_memory(2**30):
        sys.settrace(call)
        try:
            return run(), count
        finally:
            sys.settrace(before)


def _region(source: str) -> set[int]:
    inside, lines = False, set()
    for number, line in enumerate(source.split("\n"), start=1):
        inside = line.strip() == BEGIN or (inside and line.strip() != END)
        lines |= {number} if inside else set()
    return lines


def _stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store) and name.id != "_"


def _edits(
    statement: ast.stmt, names: list[str], following: ast.stmt | None
) -> Iterator[tuple[ast.AST, ast.AST]]:
    # Each edit of a statement's own line as a node and what stands in its place.
    if not isinstance(statement, ast.Pass | ast.FunctionDef | ast.ClassDef):
        yield statement, ast.copy_location(ast.Pass(), statement)
    yield from ((statement, new) for new in _restated(statement, following))
    nodes = [statement]
    for node in nodes:  # those found here, too
        nodes += [n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.stmt)]
    axes = [n.value for n in nodes if isinstance(n, ast.keyword) and n.arg == "axis"]
    for node in nodes:
        if node in axes:
            number = ast.unparse(node)
            others = ["0", "1", "None"] if number != "-1" else ["0", "None"]
            yield from ((node, _parsed(other)) for other in others if other != number)
            continue
        for field, value in _changes(node):
            new = copy.copy(node)
            setattr(new, field, value)
            yield node, new
        yield from ((node, new) for new in _shortened(node))
        if isinstance(node, ast.Name) and node.id in names and not _stored(node):
            yield from ((node, ast.Name(name, ast.Load())) for name in names if name != node.id)


def _restated(statement: ast.stmt, following: ast.stmt | None) -> Iterator[ast.stmt]:
    # In place; a loop with the statement after it inside, or its last statement after it.
    match statement:
        case ast.Assign(
            targets=[ast.Name(id=name) as target],
            value=ast.BinOp(left=ast.Name(id=left), op=operator, right=right),
        ) if name == left:
            yield ast.copy_location(ast.AugAssign(target, operator, right), statement)
        case ast.For(target=target, iter=iterated, body=[*body, last]):
            if following is not None:
                more = [*body, last, following]
                yield ast.copy_location(ast.For(target, iterated, more, []), statement)
            if body:
                yield ast.copy_location(ast.For(target, iterated, body, [last]), statement)


def _changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    # Each edit that changes one field of a node.
    match node:
        case ast.BinOp() | ast.AugAssign():
            for operator in OPERATORS.get(type(node.op), []):
                yield "op", operator()
        case ast.BoolOp():
            yield "op", OPERATORS[type(node.op)][0]()
        case ast.Compare():
            for operator in OPERATORS[type(node.ops[0])]:
                yield "ops", [operator(), *node.ops[1:]]
        case ast.UnaryOp(op=ast.USub()):
            yield "op", ast.UAdd()
        case ast.Constant(value=bool()):
            yield "value", not node.value
        case ast.Constant(value=int()):
            yield from (("value", node.value + 1), ("value", node.value - 1))
        case ast.Constant(value=float()):
            yield from (("value", node.value * 2), ("value", node.value / 2))
        case ast.If() | ast.While() | ast.IfExp():
            yield "test", ast.UnaryOp(ast.Not(), node.test)
        case ast.comprehension(ifs=[test]):
            yield "ifs", [ast.UnaryOp(ast.Not(), test)]
        case ast.Tuple(ctx=ast.Load()) | ast.List():
            yield from (("elts", swapped) for swapped in _swapped(node.elts))
        case ast.Attribute() if node.attr in FUNCTIONS:
            yield "attr", FUNCTIONS[node.attr]
        case ast.Call():
            name = _name(node)
            if isinstance(node.func, ast.Name) and name in FUNCTIONS:
                yield "func", ast.Name(FUNCTIONS[name], ast.Load())
            if name not in SYMMETRIC:
                yield from (("args", swapped) for swapped in _swapped(node.args))
            if name == "range":
                for operator in (ast.Add, ast.Sub):
                    more = ast.BinOp(node.args[-1], operator(), ast.Constant(1))
                    yield "args", [*node.args[:-1], more]
            for keyword in node.keywords:
                if not isinstance(keyword.value, ast.Constant) or keyword.value.value is not True:
                    yield "keywords", [other for other in node.keywords if other is not keyword]


def _shortened(node: ast.AST) -> Iterator[ast.expr]:
    # Each edit that puts a part of a node, or its parts swapped, in its place.
    match node:
        case ast.BinOp():
            yield from (node.left, node.right)
            if not isinstance(node.op, ast.Add | ast.Mult):
                yield ast.BinOp(node.right, node.op, node.left)
        case ast.BoolOp():
            yield from node.values
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.Call(args=[argument]) if _name(node) in NEEDED:
            yield argument
        case ast.Call(func=ast.Attribute(value=value), args=[]) if _name(node) in NEEDED:
            yield value


def _name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _swapped(nodes: list[ast.expr]) -> Iterator[list[ast.expr]]:
    for k in range(len(nodes) - 1):
        yield [*nodes[:k], nodes[k + 1], nodes[k], *nodes[k + 2 :]]
