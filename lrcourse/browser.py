r"""What changes in the browser, where Python is Pyodide's: PyTorch has no build for it.

In most chapters torch only judges what was written with NumPy. So of each cell the statements that
need torch are left out, a sentence says so, and all the others run as they stand.
"""

import ast
import symtable
import sys

TORCH = ("torch", "lrcourse.torch_optim")
SAID = "PyTorch is not in the browser: what needs it here, to judge or to compare, is left out."
_GROW = {"add", "append", "extend", "update"}


def leave_out_torch() -> None:
    r"""Leave out of the cells to come what needs torch; once, and only in IPython."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell and not any(isinstance(each, WithoutTorch) for each in shell.ast_transformers):
        shell.ast_transformers.append(WithoutTorch())


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
    return any(f"{name}.".startswith(f"{torch}.") for name in found for torch in TORCH)


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
