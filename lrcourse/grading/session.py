r"""The grader's side of an answer: it looks like the learner's function, and runs in a sandbox."""

import builtins
import types
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.grading import protocol
from lrcourse.grading.sandbox import GONE, MEDDLED, Died, Lost, Sandbox

LONGEST_NAME = 40  # characters of what a class in the sandbox is called
MOST_ASKED = 100_000  # calls back from one exercise
MOST_GIVEN = 2**20  # numbers in a call back's arguments; a check's own arrays may multiply them
ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, FloatingPointError, ImportError),
    *(IndexError, KeyError, LookupError, MemoryError, ModuleNotFoundError, NameError),
    *(NotImplementedError, OSError, OverflowError, RecursionError, RuntimeError, SyntaxError),
    *(TypeError, UnboundLocalError, ValueError, ZeroDivisionError),
)


MISSING, IDLE = object(), object()  # an answer that is not there, or does nothing yet


class StudentError(Exception):
    r"""An answer raised; each instance is also of the builtin class that was raised there.

    Attributes:
        kind: name of the exception.
        text: what it said.
        line: of the answer's cell, 0 if unknown.
        source: that line.
    """

    def __init__(self, kind: str, text: str, line: int, source: str) -> None:
        super().__init__(text)
        self.kind, self.text, self.line, self.source = kind, text, line, source

    def explained(self) -> str:
        r"""Return the sentence for the student."""
        where = f" (line {self.line}, `{self.source}`)" if self.line else ""
        said = f"{self.kind}: {self.text}" if self.text else self.kind
        return f"Your code raised {said}{where}."


def raised(content: list) -> StudentError:
    r"""Make the exception that a worker reports as [kind, text, line, source]."""
    match content:
        case [str(kind), str(text), int(line), str(source)] if kind.isidentifier():
            kind, base = kind[:LONGEST_NAME], getattr(builtins, kind, None)
            bases = (StudentError, base) if base in ERRORS else (StudentError,)
            return type(kind, bases, {})(kind, text[:300], line, source[:200])
    raise Lost(MEDDLED)


class Handle:
    r"""An object in the sandbox that is not plain data: it can be called and its attributes read.

    It refuses comparison, truth and arithmetic, so no check can mistake it for a number.
    """

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._session.ask("get", self._number, name)

    def __call__(self, *args: object, **options: object) -> object:
        r"""Call it in the sandbox; what it raises there is raised here."""
        return self._session.call(self._number, args, options)

    def __dir__(self) -> list[str]:
        # fit asks a callback which events it handles.
        names = self._session.ask("dir", self._number)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Lost(MEDDLED)
        return names

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def _refuse(self, *others: object) -> None:
        raise TypeError(f"a {type(self).__name__} is not a number, list or array")

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __len__ = __iter__ = __getitem__ = __contains__ = __float__ = __int__ = __index__ = _refuse
    __hash__ = None


class Session:
    r"""One exercise open in a sandbox.

    Args:
        sandbox: where it runs.
        cells: source of every code cell of the notebook.
        answer: which of them is the answer.
        names: what to look up.

    Attributes:
        values: for each name MISSING, IDLE or its value.
        failure: the StudentError that ended the cell, or None.
    """

    def __init__(self, sandbox: Sandbox, cells: list[str], answer: int, names: list[str]) -> None:
        self.sandbox, self.functions, self.asked = sandbox, [], 0
        sandbox.start_watch(sandbox.limits.cpu)
        reply = sandbox.request("open", cells, answer, names)
        match reply:
            case ["opened", bytes(id), list(states), failure] if len(states) == len(names):
                self.id = id
                self.failure = None if failure is None else raised(failure)
                self.values = [self._state(state) for state in states]
            case _:
                raise Died(GONE) if reply[0] == "closed" else Lost(MEDDLED)

    def _state(self, state: object) -> object:
        match state:
            case ["missing", None]:
                return MISSING
            case ["idle", None]:
                return IDLE
            case ["given", value]:
                return self._decode(value)
        raise Lost(MEDDLED)

    def close(self) -> None:
        r"""Let the child end; ``Lost`` if it did not end as it should."""
        self.sandbox.send("close", self.id)
        if self.sandbox.receive(self.id) != ["closed", self.id, 0]:
            raise Lost(MEDDLED)

    def call(self, number: int, args: tuple, options: dict) -> object:
        r"""Call the function with that number, and copy back what it wrote into its arguments."""
        content = self._encode(args), self._encode(options)
        return self.ask("call", number, *content, given=(args, options))

    def ask(self, kind: str, number: int, *content: object, given: tuple | None = None) -> object:
        r"""Send a request, answer what the function asks back, and return its value."""
        reply = self.sandbox.request(kind, number, *content)
        while True:
            match reply:
                case ["ask", bytes(id), int(which), args, options]:
                    self._answer(id, which, args, options)
                    reply = self.sandbox.receive(id)
                case ["value", _, value, after]:
                    if after is not None and given is not None:
                        self._write_back(given, after)
                    return self._decode(value)
                case ["raised", _, *error]:
                    raise raised(error)
                case ["closed", *_]:
                    raise Died(GONE)
                case _:
                    raise Lost(MEDDLED)

    def _answer(self, id: bytes, number: int, args: object, options: object) -> None:
        self.asked += 1
        if not 0 <= number < len(self.functions) or self.asked > MOST_ASKED:
            raise Lost(MEDDLED)
        args, options = self._decode(args), self._decode(options)
        if type(args) is not tuple or type(options) is not dict:
            raise Lost(MEDDLED)
        try:
            if options and isinstance(self.functions[number], np.ufunc):
                raise TypeError("keywords")  # such as where=, whose shape decides the result's
            if sum(np.size(one) for one in (*args, *options.values())) > MOST_GIVEN:
                raise ValueError("arguments too large")
            with np.errstate(all="ignore"):
                value = self._encode(self.functions[number](*args, **options))
        except MemoryError:
            raise
        except Exception as error:
            self.sandbox.send(
                "failed", id, f"{type(error).__name__} in the function you were given"
            )
        else:
            self.sandbox.send("answer", id, value)

    def _encode(self, value: object) -> object:
        return protocol.encode(value, self._stand_in)

    def _stand_in(self, value: object) -> list:
        if isinstance(value, Handle) and value._session is self:
            return ["handle", value._number]
        if type(value).__module__ == "lrcourse.training" or type(value) is types.SimpleNamespace:
            names = [name for name in (*vars(value), "learning_rate") if not name.startswith("_")]
            pairs = [[name, self._encode(getattr(value, name, None))] for name in names]
            return ["object", pairs]
        if isinstance(value, Callable):
            self.functions.append(value)
            return ["function", len(self.functions) - 1]
        return ["object", []]  # nothing that an answer needs, such as the rule

    def _decode(self, tree: object) -> object:
        try:
            return protocol.decode(tree, self._received)
        except protocol.ProtocolError:
            raise Lost(MEDDLED) from None

    def _received(self, tree: list) -> object:
        match tree:
            case ["handle", int(number), str(kind)] if kind[:LONGEST_NAME].isidentifier():
                handle = type(kind[:LONGEST_NAME], (Handle,), {})()
                handle._session, handle._number = self, number
                return handle
        raise protocol.ProtocolError("a value is malformed")

    def _write_back(self, given: object, after: object) -> None:
        try:
            _copy(given, tuple(protocol.decode(part, lambda tree: None) for part in after))
        except (protocol.ProtocolError, TypeError):
            raise Lost(MEDDLED) from None


def _copy(old: object, new: object) -> None:
    # Make the caller's arguments equal to those in the sandbox.
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        if old.shape == new.shape and old.dtype == new.dtype:
            old[...] = new
    elif isinstance(old, Generator) and isinstance(new, Generator):
        old.bit_generator.state = new.bit_generator.state
    elif isinstance(old, list | tuple | dict) and type(old) is type(new):
        same = len(old) == len(new)
        if isinstance(old, dict):
            for key in (old.keys() & new.keys()) if same else ():
                _copy(old[key], new[key])
        elif same:
            for one, other in zip(old, new, strict=True):
                _copy(one, other)
        if isinstance(old, list) and not (same and _holds_arrays(old)):
            old[:] = new
        elif isinstance(old, dict) and not same:
            old.clear()
            old.update(new)


def _holds_arrays(values: list) -> bool:
    return any(not isinstance(v, bool | int | float | str | None) for v in values)
