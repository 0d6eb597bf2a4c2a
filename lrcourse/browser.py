r"""What changes in the browser, where Python is Pyodide's: PyTorch has no build for it.

In most chapters torch only judges what was written with NumPy. So of each cell the statements that
need torch are left out, a sentence says so, and all the others run as they stand. NumPy has no BLAS
there, so large matrices are multiplied in another way, and the longest runs have fewer seeds.
"""

import ast
import symtable
import sys

import numpy as np

IN_BROWSER = sys.platform == "emscripten"
LARGE = 20_000  # numbers in a matrix; with fewer, NumPy's own loop is as fast
MOST = 2**30  # products in one einsum: it counts them with 32 bits there
SAID = "PyTorch is not in the browser: what needs it here, to judge or to compare, is left out."
_GROW = {"add", "append", "extend", "update"}


def adapt_cells() -> None:
    r"""Let the cells to come do without torch and without BLAS; once, and only in IPython."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell and not any(isinstance(each, WithoutTorch) for each in shell.ast_transformers):
        shell.ast_transformers += [WithoutTorch(), WithoutBlas()]


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    r"""Return a @ b, in the browser with einsum if b is a large matrix.

    Without BLAS, @ walks down a column of b for each number of the result, which misses the cache:
    for 768 columns einsum takes a quarter to a fourteenth of the time.
    """
    matrices = isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.ndim == b.ndim == 2
    if IN_BROWSER and matrices and b.size >= LARGE and a.shape[1] == len(b):
        rows = max(1, MOST // b.size)
        blocks = [a[first : first + rows] for first in range(0, max(1, len(a)), rows)]
        return np.concatenate([np.einsum("ij,jk->ik", block, b) for block in blocks])
    return a @ b


class WithoutBlas(ast.NodeTransformer):
    r"""Makes each a @ b of a cell a call of `product`."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        r"""Return the call, whose name no cell can hide, or another operation as it is."""
        self.generic_visit(node)
        if not isinstance(node.op, ast.MatMult):
            return node
        name = "__import__('lrcourse.browser').browser.product"
        call = ast.Call(ast.parse(name, mode="eval").body, [node.left, node.right], [])
        for part in ast.walk(call.func):
            ast.copy_location(part, node)  # where an error is shown
        return ast.copy_location(call, node)


class WithoutTorch(ast.NodeTransformer):
    r"""Leaves out of each cell the statements that need torch, or a name that such a one makes.

    Attributes:
        lost: the names that are not made, or not as they should be, since a statement was left out.
    """

    def __init__(self) -> None:
        self.lost = set()

    def visit_Module(self, cell: ast.Module) -> ast.Module:
        r"""Return the cell without these statements, and with the sentence in their place."""
        kept = []
        for statement in cell.body:
            used, made = _names(statement)
            if used & self.lost or _imports_torch(statement):
                self.lost |= made
            else:
                self.lost -= made
                kept.append(statement)
        if len(kept) < len(cell.body):
            kept = [*ast.parse(f"print({SAID!r})").body, *kept]
        cell.body = kept
        return cell


def _imports_torch(statement):
    found = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return any(p.partition("_")[0] == "torch" for name in found for p in name.split("."))


def _names(statement):
    r"""The global names that a statement uses as they were before it, and those that it makes."""
    used, made = set(), set()
    for part in _in_order(statement):
        before, after = _names_of_one(part)
        used |= before - made
        made |= after
    return used, made


def _in_order(statement):
    r"""What a statement does, as statements without a body: a loop first sets its variable."""
    if isinstance(statement, ast.For):
        yield ast.Assign([statement.target], statement.iter, lineno=0)
    elif isinstance(statement, ast.If | ast.While):
        yield ast.Expr(statement.test)
    elif isinstance(statement, ast.With):
        for item in statement.items:
            yield ast.Assign([item.optional_vars or ast.Name("_")], item.context_expr, lineno=0)
    else:
        yield statement
        return
    for inner in [*statement.body, *getattr(statement, "orelse", ())]:
        yield from _in_order(inner)


def _names_of_one(statement):
    used, made = set(), set()
    tables = [symtable.symtable(ast.unparse(statement), "<cell>", "exec")]
    top = tables[0]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if table is top or symbol.is_global():
                if symbol.is_referenced():
                    used.add(symbol.get_name())
                if symbol.is_assigned() or symbol.is_imported():
                    made.add(symbol.get_name())
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        used.discard(statement.name)  # it may call itself
    elif isinstance(statement, ast.AugAssign):
        used.add(_owner(statement.target))
    for node in ast.walk(statement):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            made.add(_owner(node))
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _GROW:
            made.add(_owner(node.func))
    return used, made


def _owner(node):
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
