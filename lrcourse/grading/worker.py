r"""The process inside the sandbox: runs answers and calls them when the grader asks.

It knows no checks, no solutions, no other submission. For each exercise it forks a child, so an
answer that corrupts NumPy, crashes or hangs cannot affect the others. Whatever
a student does to this process, the grader only ever sees plain data come out of it.
"""

import ast
import builtins
import importlib
import os
import resource
import signal
import sys
import types
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from lrcourse.exercises import answers, does_nothing
from lrcourse.grading import protocol
from lrcourse.grading.cells import futures, index, needed, parse
from lrcourse.grading.package_use import package_use

ERROR_TEXT = 300  # characters of an error's text that travel


class Pipe:
    r"""The pipes from and to the grader, as this process sees them."""

    def __init__(self, source: int, sink: int) -> None:
        self.source, self.sink, self.owner = source, sink, os.getpid()

    def receive(self) -> list:
        r"""Wait for the next message; the process ends if there is none."""
        return protocol.unpack(self._read(protocol.length(self._read(protocol.HEADER.size))))

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            part = os.read(self.source, min(size, 2**20))
            if not part:
                os._exit(0)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def send(self, *message: object) -> None:
        r"""Send a message; ProtocolError if it cannot be encoded."""
        if os.getpid() != self.owner:
            os._exit(0)  # an answer forked, and its child came back here
        data = memoryview(protocol.pack(list(message)))
        while data:
            data = data[os.write(self.sink, data) :]


class Answers:
    r"""One exercise's answers in this process, and how they are called."""

    def __init__(self, pipe: Pipe, cells: list[str], answer: int, names: list[str]) -> None:
        self.pipe, self.id, self.source = pipe, b"", cells[answer]
        self.handles: list[object] = []
        self.failure = None  # the first error of the cell itself
        space = types.ModuleType("__main__")
        space.get_ipython = lambda: _Silent()
        space.display = lambda *things, **options: None
        sys.modules["__main__"] = space
        self.space = vars(space)
        try:
            own = parse(self.source, "<answer>")
            before = needed(cells, answer, names)
        except BaseException as error:
            self.failure, own, before = self._raised(error), [], []
        everywhere = index(tuple(cells))[0].values() if own else []
        self.flags = futures([statement for cell in [own, *everywhere] for statement in cell])
        for statement in before:
            self._run(statement, "<other cell>")
        for statement in own:
            error = self._run(statement, "<answer>")
            if error is not None:
                self.failure = error
                break
        self.names = names

    def _run(self, statement: ast.stmt, filename: str) -> list | None:
        try:
            module = ast.Module([statement], [])
            exec(compile(module, filename, "exec", self.flags, dont_inherit=True), self.space)
        except BaseException as error:
            return self._raised(error)
        return None

    def _raised(self, error: BaseException) -> list:
        # The kind of an error, its text, and where in the answer's cell it came from.
        line = error.lineno if isinstance(error, SyntaxError) else None
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == "<answer>":
                line = trace.tb_lineno
            trace = trace.tb_next
        kind = next(k.__name__ for k in type(error).__mro__ if k.__module__ == "builtins")
        try:
            text = str(error.msg if isinstance(error, SyntaxError) else error)[:ERROR_TEXT]
            text = text.encode(errors="replace").decode()  # half a character cannot travel
        except BaseException:
            text = ""
        lines = self.source.split("\n")
        known = isinstance(line, int) and 0 < line <= len(lines)
        return [kind, text, line if known else 0, lines[line - 1].strip()[:200] if known else ""]

    def opened(self) -> list:
        r"""Return the state of each name: missing, idle, or given, with its value or handle."""
        states = []
        for name in self.names:
            value = self.space.get(name)
            idle = value is None or value is ... or does_nothing(value)
            state = "missing" if name not in self.space else "idle" if idle else "given"
            states.append([state, self.encode(value) if state == "given" else None])
        return states

    def encode(self, value: object) -> object:
        r"""Encode a value; what is not plain data stays here and is sent as a handle."""
        return protocol.encode(value, self._handle)

    def _handle(self, value: object) -> object:
        if type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach"):
            return protocol.encode(value.detach().cpu().numpy(), self._handle)
        for plain in (bool, int, float, str, tuple, list, dict):
            if isinstance(value, plain) and type(value) is not plain:
                return protocol.encode(plain(value), self._handle)
        self.handles.append(value)
        return ["handle", len(self.handles) - 1, type(value).__name__[:40]]

    def decode(self, tree: object) -> object:
        r"""Decode what the grader sent; its functions become calls back to it."""
        return protocol.decode(tree, self._received)

    def _received(self, tree: list) -> object:
        match tree:
            case ["handle", int(number)]:
                return self.handles[number]
            case ["function", int(number)]:
                return lambda *args, **options: self._ask(number, args, options)
            case ["object", list(pairs)]:
                return types.SimpleNamespace(**{name: self.decode(v) for name, v in pairs})
        raise protocol.ProtocolError("a value is malformed")

    def _ask(self, number: int, args: tuple, options: dict) -> object:
        self.pipe.send("ask", self.id, number, self.encode(args), self.encode(options))
        kind, _, value = self.pipe.receive()
        if kind == "failed":
            raise ValueError(value)
        return self.decode(value)

    def respond(self, message: list) -> None:
        r"""Answer one message of the grader."""
        kind, self.id, number, *rest = message
        try:
            if kind == "get":
                reply = [self.encode(getattr(self.handles[number], rest[0])), None]
            elif kind == "dir":
                names = dir(self.handles[number])
                reply = [self.encode([n for n in names if not n.startswith("_")][:200]), None]
            else:
                args, options = self.decode(rest[0]), self.decode(rest[1])
                with np.errstate(all="ignore"):
                    value = self.handles[number](*args, **options)
                after = [self._arguments_after(args), self._arguments_after(options)]
                reply = [self.encode(value), None if after == rest else after]
            self.pipe.send("value", self.id, *reply)
        except BaseException as error:
            self.pipe.send("raised", self.id, *self._raised(error))

    def _arguments_after(self, given: object) -> object:
        # The call may have written into its arguments.
        def mark(value: object) -> list:
            return ["other"]

        return protocol.encode(given, mark)


class _Silent:
    # A stand-in for IPython's shell that does nothing.
    def __getattr__(self, name: str) -> Callable:
        return lambda *args, **options: None


def main() -> None:
    r"""Serve one grader until it closes the pipe.

    The command line gives CPU seconds for an exercise, MiB of memory, of a file, and of processes,
    and "alone" if every process in sight belongs to this sandbox.
    """
    cpu, memory, file_size, processes = map(int, sys.argv[1:5])
    alone = sys.argv[5:] == ["alone"]
    pipe = Pipe(os.dup(0), os.dup(1))
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for kind, limit in (
        (resource.RLIMIT_AS, memory * 2**20),
        (resource.RLIMIT_DATA, memory * 2**20),  # the grader's own is lower
        (resource.RLIMIT_FSIZE, file_size * 2**20),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hardest = resource.getrlimit(kind)
        limit = limit if hardest == resource.RLIM_INFINITY else min(limit, hardest)
        try:
            resource.setrlimit(kind, (limit, limit))
        except (ValueError, OSError):  # macOS lacks some of them
            continue
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    sys.argv = ["notebook"]
    builtins.input = _no_input
    answers.always_the_packages()
    while True:
        kind, id, *rest = pipe.receive()
        if kind == "prepare":
            if rest == ["torch"]:
                import_torch()
            pipe.send("prepared", id)
        elif kind == "uses":
            cells, wanted = rest
            pipe.send("used", id, [package_use(cells, *answer) for answer in wanted])
        elif kind == "open":
            with suppress(Exception):
                index(tuple(rest[0]))  # once for all children; it parses, and runs nothing
            child = os.fork()
            if not child:
                resource.setrlimit(resource.RLIMIT_CPU, (cpu + 5, cpu + 5))
                serve(Pipe(pipe.source, pipe.sink), id, *rest)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            if alone:
                with suppress(ProcessLookupError):  # it left nothing behind
                    os.kill(-1, signal.SIGKILL)
            pipe.send("closed", id, os.waitstatus_to_exitcode(status))


def import_torch() -> None:
    r"""Import torch without its compiler, which every optimizer loads only to opt out of it.

    Loading it takes as long as torch itself. Any other use of the stub loads the real one.
    """
    import torch

    def load(attribute: str) -> object:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        del sys.modules[stub.__name__], torch._dynamo
        return getattr(importlib.import_module(stub.__name__), attribute)

    stub = types.ModuleType("torch._dynamo")
    stub.disable, stub.__getattr__ = lambda function, *args, **options: function, load
    stub.graph_break = lambda *args, **options: None
    sys.modules[stub.__name__] = torch._dynamo = stub


def serve(pipe: Pipe, id: bytes, cells: list[str], answer: int, names: list[str]) -> None:
    r"""Run one exercise's cell and answer for it until "close"."""
    opened = Answers(pipe, cells, answer, names)
    opened.id = id
    try:
        pipe.send("opened", id, opened.opened(), opened.failure)
    except protocol.ProtocolError as error:
        pipe.send("opened", id, [["missing", None]] * len(names), ["ValueError", str(error), 0, ""])
    while True:
        message = pipe.receive()
        if message[0] == "close":
            return
        opened.respond(message)


def _no_input(prompt: object = "") -> str:
    raise EOFError("nobody is there to type")


if __name__ == "__main__":
    main()
