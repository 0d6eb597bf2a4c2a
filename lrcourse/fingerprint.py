r"""A hash of a function and of everything it depends on, so that no change of it goes unseen."""

import dis
import functools
import hashlib
import importlib.util
import os
import pickle
import random
import sys
import types
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import numpy as np

PLAIN = (type(None), bool, int, float, complex, str, bytes, tuple)
PARTS = {  # of what pickle refuses to write
    CodeType: (
        *("co_code", "co_exceptiontable", "co_flags", "co_argcount", "co_posonlyargcount"),
        *("co_kwonlyargcount", "co_names", "co_varnames", "co_freevars", "co_cellvars"),
        "co_consts",
    ),
    property: ("fget", "fset", "fdel"),
    functools.cached_property: ("func",),
    **dict.fromkeys((staticmethod, classmethod, type(functools.cache(abs))), ("__wrapped__",)),
}
RANDOM = (np.random.Generator, np.random.RandomState, random.Random)
LIBRARIES = ("site-packages", "dist-packages", f"{Path(os.__file__).parent}{os.sep}")
SYSTEM = {"__file__", "__builtins__", "__cached__", "__path__"}  # names in every module
SYSTEM |= {*dir(ModuleType), *dir(ModuleType(""))}


def fingerprint(value: object, name: str = "") -> str:
    r"""Return a hash of a value and of everything it reaches.

    - A function counts with its bytecode, its default arguments, what it closes over, and the
      present values of the global names in its code, also of those it reaches through modules
      (``settings.RATE``).
    - A class counts with its attributes and base classes, wherever they were set; an object with
      its class and its state, as ``pickle`` sees them.
    - A module counts with its file, without comments, and with the modules that its names come
      from: a change there may alter the hash though it alters nothing that is used.
    - What belongs to Python or to an installed package other than lrcourse and the function's own
      counts with its name and the package's version only; what a function itself imports of it,
      with its name only.

    So the hash differs between versions of Python, too. It does not see what is looked up by a
    computed name, such as ``globals()[name]``, nor the contents of files that are read.

    Args:
        value: a function, a ``functools.partial`` of one, or any other value.
        name: what an error calls the value; by default the function's own name.

    Returns:
        20 hexadecimal digits.

    Raises:
        ValueError: it reaches something that cannot be hashed, such as a lock, an open file or a
            random number generator; the message names it.
    """
    inner = value
    while isinstance(inner, functools.partial):
        inner = inner.func
    package = str(getattr(inner, "__module__", "")).partition(".")[0]
    return _Walk(value, name or getattr(inner, "__name__", type(inner).__name__), package).digest


class _Walk(pickle.Pickler):
    """Hashes what ``pickle`` writes, and what stands behind the names that it writes."""

    def __init__(self, value: object, where: str, package: str) -> None:
        sha = hashlib.sha256()
        super().__init__(types.SimpleNamespace(write=sha.update), protocol=4)
        self.fast = True  # equal strings are the same, whether or not they are one object
        self.own = {"lrcourse", "__main__", package}
        self.seen: dict[int, tuple[int, object]] = {}  # holds the objects, so that ids stay unique
        self.todo = [(where, value)]
        for where, item in self.todo:  # which grows
            self.where = where
            try:
                self.dump(item)
            except Exception as error:
                raise ValueError(
                    f"{where.rpartition(' > ')[2]} cannot be hashed, so a change of it would go "
                    f"unseen ({where}: {error}). Pass what it holds in the grid, or make it inside "
                    "the function."
                ) from None
        self.digest = sha.hexdigest()[:20]

    def persistent_id(self, value: object) -> object:
        """Return what to write in place of a value, or None to write it as pickle does."""
        kind = type(value)
        if kind in PLAIN:
            return None
        if kind in (set, frozenset):
            return kind.__name__, *sorted(value, key=repr)
        if id(value) in self.seen:
            return self.seen[id(value)][0]
        number = len(self.seen)
        self.seen[id(value)] = number, value
        if kind in PARTS:
            return [getattr(value, name) for name in PARTS[kind]]
        if kind is types.MappingProxyType:
            return dict(value)
        if isinstance(value, RANDOM):
            raise TypeError("its numbers depend on the runs before")
        if not isinstance(value, FunctionType | type | ModuleType):
            return None
        module = value if isinstance(value, ModuleType) else sys.modules.get(value.__module__)
        home, name = getattr(module, "__name__", ""), getattr(value, "__qualname__", "")
        if self.installed(home) and (home == "builtins" or _attribute(module, name) is value):
            version = getattr(sys.modules[home.partition(".")[0]], "__version__", "")
            return f"{home}.{name} {version}"
        if value is module:
            parts = _file(module)
        else:
            parts = _class(value) if isinstance(value, type) else self.function(value)
            parts.append(("'s module", module))
        self.todo += [(self.where + label, (label, part)) for label, part in parts]
        return number

    def function(self, function: FunctionType) -> list[tuple[str, object]]:
        """Return the code of a function, what is bound to it, and the values of its names."""
        code, closure = function.__code__, function.__closure__ or ()
        parts = [("'s code", code), ("'s attributes", vars(function))]
        parts += [("'s defaults", (function.__defaults__, function.__kwdefaults__))]
        for name, cell in zip(code.co_freevars, closure, strict=True):
            with suppress(ValueError):  # it has no value yet
                parts.append((f" > {name}", cell.cell_contents))
        if self.installed(function.__globals__.get("__name__", "")):  # a wrapper, or made by one
            return parts
        names: list[str] = []
        spaces: list[object] = [types.SimpleNamespace(**function.__globals__)]
        for each in _nested(code):
            names += [name for name in each.co_names if name not in SYSTEM]
            for name in _imports(each, function.__globals__.get("__package__")):
                with suppress(ImportError):
                    spaces += [] if self.installed(name) else [importlib.import_module(name)]
        for space in spaces:  # which grow by the modules among the names
            prefix = f"{space.__name__}." if isinstance(space, ModuleType) else ""
            for name in names:
                value = getattr(space, name, None)
                if isinstance(value, ModuleType) and value not in spaces:
                    spaces += [] if self.installed(value.__name__) else [value]
                if value is not None:
                    parts.append((f" > {prefix}{name}", value))
        return [*parts, ("'s modules", spaces[1:])]

    def installed(self, module: str) -> bool:
        """Say whether a module belongs to Python or to an installed package."""
        package = module.partition(".")[0]
        if not package or package in self.own:
            return False
        found = sys.modules.get(package) or importlib.util.find_spec(package)
        path = str(getattr(found, "__file__", None) or getattr(found, "origin", None))
        return package in sys.builtin_module_names or any(folder in path for folder in LIBRARIES)


def _class(kind: type) -> list[tuple[str, object]]:
    members = [
        (f".{name}", member)
        for name, member in vars(kind).items()
        if name[:2] != "__" or callable(member) or isinstance(member, classmethod)
    ]
    members = [member for member in members if member[0] != "._abc_impl"]  # a cache
    return [("'s bases", (kind.__bases__, type(kind))), *members]


def _file(module: ModuleType) -> list[tuple[str, object]]:
    path = getattr(module, "__file__", None)
    if not path:  # of a notebook, only the names that are used count
        return []
    values = list(vars(module).values())
    homes = [sys.modules.get(getattr(value, "__module__", None)) for value in values]
    homes += [value for value in values if isinstance(value, ModuleType)]
    inside = f"{module.__name__}."  # those of its modules that happen to be loaded
    homes = [home for home in homes if home and not home.__name__.startswith(inside)]
    return [("'s file", _file_version(_read(path), path.endswith(".py"))), ("'s imports", homes)]


@functools.cache
def _file_version(content: bytes, python: bool) -> str:
    code = compile(content, "", "exec", dont_inherit=True) if python else content
    return _Walk(code, "", "").digest


def _read(path: str) -> bytes:
    return Path(path).read_bytes()


def _attribute(value: object, name: str) -> object:
    for part in name.split(".") if name else ():
        value = getattr(value, part, None)
    return value


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _nested(const)


def _imports(code: CodeType, package: str | None) -> Iterator[str]:
    # What a function imports when it runs: modules, and names that may be modules.
    steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
    for i, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":
            level, names = steps[i - 2].argval, steps[i - 1].argval or ()
            name = "." * level + step.argval
            name = importlib.util.resolve_name(name, package) if level else name
            yield from (name, *(f"{name}.{each}" for each in names))
