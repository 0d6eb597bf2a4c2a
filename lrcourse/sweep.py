r"""Many runs: a grid of settings times seeds becomes a table, one JSON line for each finished run.

A run is one call of a function. Its row is appended as soon as it is finished, under a key made of
its setting, its seed, its data and the code it runs. So a sweep that was stopped resumes where it
was, and no run is done twice.
"""

import ast
import csv
import functools
import hashlib
import inspect
import io
import json
import os
import signal
import sys
import threading
import time
import types
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import BinaryIO, NamedTuple

import numpy as np
from tqdm import tqdm

import lrcourse
from lrcourse.data import Data
from lrcourse.files import append_whole, lock, write_whole

RESERVED = ("key", "seed", "status", "seconds", "code")
COLUMNS, BEGINNING = frozenset(RESERVED), b'{"key": "'  # of every row
ATTEMPTS = 3  # at a run whose worker is killed
AHEAD = 500  # runs queued on a given executor: enough to keep a large cluster busy
HOPELESS = 3  # failures without a single success: the others would fail, too
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
ONE_THREAD["VECLIB_MAXIMUM_THREADS"] = "1"  # macOS

# What a fingerprint writes as it is, what it takes apart, and into what.
ATOMS = (type(None), bool, int, float, complex, str, bytes)
WRAPPERS = (types.MethodType, staticmethod, classmethod, property, functools.cached_property)
WRAPPERS += (type(functools.cache(abs)), types.CellType, types.CodeType)
PARTS = ("__func__", "__self__", "__wrapped__", "fget", "fset", "fdel", "func", "cell_contents")
PARTS += ("co_code", "co_exceptiontable", "co_flags", "co_names", "co_varnames", "co_consts")
RANDOM = ("random.Random", "numpy.Generator", "numpy.RandomState", "torch.Generator")
HERE, STANDARD = (f"{Path(module.__file__).parent}{os.sep}" for module in (lrcourse, os))
INSTALLED = ("site-packages", "dist-packages", STANDARD, "origin='built-in'", "origin='frozen'")


class SweepError(RuntimeError):
    """A sweep could not be finished; the rows of its finished runs are in its file."""


class Task(NamedTuple):
    """What one call of the function computes: one run, or a stack of them."""

    settings: list[dict]
    seed: int
    keys: list[str]
    stacked: bool

    def without(self, done: Mapping[str, dict]) -> "Task":
        """Return the part of the task that has no row yet."""
        left = [i for i, key in enumerate(self.keys) if key not in done]
        return self._replace(
            settings=[self.settings[i] for i in left], keys=[self.keys[i] for i in left]
        )


class Sweep:
    r"""A function to run for every setting of a grid and every seed.

    Args:
        function: called as ``function(**setting, seed=seed)``, in another process if there are
            several jobs. It draws its random numbers from ``numpy.random.default_rng(seed)`` only
            and returns a dict of numbers, text or lists of them: the columns of its row.
        grid: a dict of lists, each combination of which is a setting, or a list of settings. The
            values are anything that JSON can hold. A repeated setting is run once.
        seeds: a list of whole numbers; a repeated one is run once.
        path: the file of results (JSON lines), created if it does not exist; ``~`` is your home.
            A row has the setting, the seed, what the function returned (null for a number that is
            not finite), ``key``, ``seconds``, ``code`` (from ``fingerprint``) and ``status``:
            "done", or "diverged" if a number is not finite or the function raised an
            ``ArithmeticError``.
        data: what the runs learn from: a name, or a data set or arrays, whose values are hashed.
        stack: takes a setting and says whether ``function`` accepts a list of learning rates as
            ``learning_rate``, one for each run that differs in nothing else, and returns a list of
            dicts (``Network(runs=K)`` trains such a stack). ``stacking_is_faster`` says when it
            pays. By default nothing is stacked.

    Raises:
        ValueError: the grid, the seeds or the function cannot be swept.
    """

    def __init__(
        self,
        function: Callable[..., dict | list[dict]],
        grid: Mapping[str, Sequence] | Sequence[Mapping],
        seeds: Sequence[int],
        path: str | os.PathLike,
        data: str | Data | Sequence[np.ndarray] = "",
        stack: Callable[[dict], bool] | None = None,
    ) -> None:
        settings, seeds = _settings(grid), _seeds(seeds)
        signature = inspect.signature(function)
        for setting in settings.values():
            _check_call(signature, setting)
        self.function, self.path = function, Path(path).expanduser()
        self.code = fingerprint(function)
        about = json.dumps([data_version(data), self.code])
        tasks: dict[tuple, Task] = {}
        self.keys = []  # in the order of the grid
        for text, setting in settings.items():
            stacked = stack is not None and bool(stack(setting))
            rest = {name: v for name, v in setting.items() if name != "learning_rate"}
            rest = json.dumps(rest, sort_keys=True) if stacked else text
            for seed in seeds:
                self.keys.append(_hash(f"{text} {seed} {about}".encode()))
                task = tasks.setdefault((rest, seed), Task([], seed, [], stacked))
                task.settings.append(setting)
                task.keys.append(self.keys[-1])
        self.tasks = list(tasks.values())

    def rows(self) -> list[dict]:
        r"""Return the finished rows of this sweep, in the order of its grid.

        Its file may hold others too: of other grids, or of an older version of the code.
        """
        found = {row["key"]: row for row in table(self.path)} if self.path.exists() else {}
        return [found[key] for key in self.keys if key in found]

    def run(
        self, jobs: int = 1, executor: Executor | None = None, progress: bool = True
    ) -> list[dict]:
        r"""Run what is missing, and return the rows in the order of the grid.

        The numbers do not depend on the executor: each run has its seed and one BLAS thread.

        Args:
            jobs: 1 runs in this process, more in that many processes of loky. A run whose process
                is killed is tried again, alone, up to three times in all.
            executor: used instead, if given: anything with the interface of
                ``concurrent.futures``, such as a Dask ``client.get_executor(pure=False)``.
            progress: show a progress bar with the time left.

        Raises:
            ValueError: an invalid number of jobs or an invalid executor.
            SweepError: runs failed, workers were lost or the file could not be written; the
                message says which, and the same call resumes from there. Or something that the
                function uses has changed since the sweep was made.
            KeyboardInterrupt: on Ctrl-C, after a message that says how to resume.
        """
        if not isinstance(jobs, int) or jobs < 1:
            raise ValueError(f"jobs must be a whole number of at least 1, not {jobs!r}.")
        if not (executor is None or hasattr(executor, "submit")):
            raise ValueError(
                f"{executor!r} is no executor: for Dask, give Client(...).get_executor(pure=False)."
            )
        if fingerprint(self.function) != self.code:
            raise SweepError("What the function uses has changed: make the sweep anew.")
        with _open(self.path) as (file, done):
            tasks = [left for task in self.tasks if (left := task.without(done)).keys]
            count = first = sum(key in done for key in self.keys)
            looks = {"unit": "run", "smoothing": 0, "disable": not (progress and tasks)}
            bar = tqdm(total=len(self.keys), initial=first, file=sys.stdout, **looks)
            failed: list[tuple[Task, Exception]] = []
            outcomes = _outcomes(self.function, tasks, jobs, executor, bar)
            with bar, closing(outcomes):
                try:
                    for task, outcome in outcomes:
                        if isinstance(outcome, Exception):
                            failed.append((task, outcome))
                            bar.set_postfix(failed=len(failed))
                            if len(failed) == HOPELESS and count == first:
                                break
                        else:
                            pairs = zip(task.keys, outcome, strict=True)
                            rows = [{"key": key, "code": self.code} | row for key, row in pairs]
                            lines = "".join(json.dumps(row) + "\n" for row in rows)
                            append_whole(file, lines.encode())
                            done |= {row["key"]: row for row in rows}
                            count += len(task.keys)
                            bar.update(len(task.keys))
                except OSError as error:
                    said = f"{self.path} could not be written ({error.strerror or error})"
                    raise SweepError(f"{said}: make room; {self._so_far(count)}") from error
                except (BrokenExecutor, CancelledError) as error:  # Dask cancels
                    reason = str(error) or "its scheduler no longer answers"
                    said = f"The executor lost its workers ({reason}): {self._so_far(count)}"
                    raise SweepError(said) from error
                except KeyboardInterrupt:
                    bar.close()
                    print(f"\nInterrupted: {self._so_far(count)}", file=sys.stderr)
                    raise
        if failed:
            task, error = failed[0]
            kind = "" if isinstance(error, SweepError) else f"{type(error).__name__}: "
            raise SweepError(
                f"{len(failed)} runs failed, the first with {task.settings[0]} and seed "
                f"{task.seed} ({kind}{error}): {self._so_far(count)}"
            ) from error
        return [done[key] for key in self.keys]

    def _so_far(self, count: int) -> str:
        rows = f"{count} of {len(self.keys)} rows are in {self.path}"
        return f"{rows}, and the same call runs the others."


def stacking_is_faster(parameters: int, batch_size: int) -> bool:
    r"""Say whether a network trains faster as one stack of learning rates than one by one.

    A step of a small network is mostly Python, which a stack pays for once. A step of a large
    network is mostly matrix products, and those of a stack no longer fit the processor's cache.

    Args:
        parameters: weights of one network.
        batch_size: examples in a step.

    Returns:
        True if a step has fewer than half a million multiplications: measured with 8 rates, a
        stack was 3 to 4.5 times as fast up to 80,000 of them and no faster from 600,000 on.
    """
    return parameters * batch_size < 500_000


def fingerprint(value: object, name: str = "") -> str:
    r"""Return a hash of a value and of everything it reaches.

    Values count as they are now, files as they are on disk:

    - A function counts with its code, its default arguments, what it closes over, and the values
      of the global names in its code, also of those it reaches through your modules
      (``settings.RATE``).
    - A class counts with its attributes and base classes, wherever they were set; any other object
      with its class and its state, as ``copy`` and ``pickle`` see them.
    - The file of each counts without comments and docstrings, and so do the files of yours and of
      lrcourse that it imports anywhere.
    - Functions and classes of lrcourse count with their names and files only: restart Python
      after an edit of lrcourse. Those of Python and of installed packages count with their names
      only: give a sweep a new file of results after an upgrade.

    A change of these may repeat runs that it does not affect. A value that the runs themselves
    change, such as a global dict that serves as a cache, repeats them all: use ``functools.cache``.
    Not seen are what is looked up by a computed name, such as ``globals()[name]``, attributes of
    functions, compiled modules and data files. The hash differs between versions of Python.

    Args:
        value: a function, a ``functools.partial`` of one, or any other value.
        name: what an error calls the value; by default the function's own name.

    Returns:
        20 hexadecimal digits.

    Raises:
        ValueError: it reaches something that cannot be hashed, such as a lock, an open file or a
            random number generator; the message names it.
    """
    return _hash("\n".join(_Walk().lines(value, name or _name(value) or "the value")).encode())


def data_version(data: str | Data | Sequence[np.ndarray]) -> str:
    r"""Return what stands for the data in a key: a name as it is, arrays as a hash of their values.

    Args:
        data: a name, a data set from ``lrcourse.data.load``, or arrays.

    Raises:
        ValueError: the data cannot be hashed.
    """
    if isinstance(data, str):
        return data
    if isinstance(data, Data):
        data = [*data.train, *data.validation, *data.test]
    return fingerprint(data, "data")


def table(path: str | os.PathLike) -> list[dict]:
    r"""Return all rows of a file of results, in the order in which they were finished.

    Args:
        path: the file. A last line that is incomplete is left out.

    Raises:
        SweepError: the file was not written by a sweep.
    """
    path = Path(path).expanduser()
    return _parse(path.read_bytes(), path)[0]


def export(path: str | os.PathLike, to: str | os.PathLike) -> None:
    r"""Write all rows of a file of results as CSV or Parquet.

    Args:
        path: the file of results.
        to: the file to write, in .csv (lists as JSON) or .parquet (needs pandas and pyarrow).

    Raises:
        ValueError: another ending.
        SweepError: pandas or pyarrow is missing.
    """
    rows, to = table(path), Path(to).expanduser()
    if to.suffix == ".csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        for row in rows:
            nested = {k: json.dumps(v) for k, v in row.items() if isinstance(v, list | dict)}
            writer.writerow(row | nested)
        write_whole(to, text.getvalue())
    elif to.suffix == ".parquet":
        try:
            import pandas

            write_whole(to, pandas.DataFrame(rows).to_parquet(index=False))
        except ImportError:
            raise SweepError(
                "Parquet needs pandas and pyarrow: pip install pandas pyarrow, or export to .csv."
            ) from None
    else:
        raise ValueError(f"A table is exported to .csv or .parquet, not to {to.name!r}.")


class _Walk:
    """Describes a value: in a line for each value that it reaches, then in one for each file."""

    def __init__(self) -> None:
        self.numbers: dict[int, str] = {}
        self.todo: list[tuple[str, object]] = []  # keeps the values, so that ids stay unique
        self.files = [os.path.realpath(str(lrcourse.__file__))]

    def lines(self, value: object, where: str) -> Iterator[str]:
        yield self.word(value, where)
        for where, each in self.todo:  # which grows
            try:
                parts = self.uses(each) if isinstance(each, types.FunctionType) else _parts(each)
                yield " ".join([self.word(part, where + label) for label, part in parts])
            except Exception as error:
                raise ValueError(
                    f"{where.rpartition(' > ')[2]} cannot be hashed, so a change of it would go "
                    f"unseen ({where}: {error}). Pass what it holds in the grid, or make it inside "
                    "the function."
                ) from None
        codes = []
        for path in self.files:  # which grow
            code, imports = _parsed(Path(path).read_bytes())
            codes.append(code)
            for name, level in imports:
                self.note([Path(path).parents[level - 1]] if level else sys.path, name)
        yield from sorted(codes)  # in whatever order they were reached

    def word(self, value: object, where: str) -> str:
        # What stands for a value: its text, its name, or the number of its line.
        kind = type(value)
        if kind in ATOMS:
            return _hash(value) if kind is bytes else repr(value)  # bytes may be a large array's
        if kind in (tuple, set, frozenset):
            items = value if kind is tuple else sorted(value, key=lambda v: _name(v) or repr(v))
            return f"{kind.__name__}({', '.join(self.word(item, where) for item in items)})"
        home = sys.modules.get(getattr(value, "__module__", None) or kind.__module__)
        home, name = value if isinstance(value, types.ModuleType) else home, _name(value)
        found = functools.reduce(lambda v, part: getattr(v, part, None), name.split("."), home)
        if value is home or (value is found and _is_foreign(home)):
            self.note([_place(home)])
            return f"{home.__name__}.{name}"
        if id(value) not in self.numbers:
            self.numbers[id(value)] = f"#{len(self.todo)}"
            self.todo.append((where, value))
        return self.numbers[id(value)]

    def uses(self, function: types.FunctionType) -> Iterator[tuple[str, object]]:
        code, space = function.__code__, types.SimpleNamespace(**function.__globals__)
        consts = tuple(None if c is function.__doc__ else c for c in code.co_consts)
        yield "", (code.replace(co_consts=consts), function.__defaults__, function.__kwdefaults__)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            yield f" > {name}", cell
        self.note([_place(space)])
        names = [name for name in sorted(_names(code)) if name[:2] != "__"]
        # A wrapper that a foreign decorator made counts with its code and closure.
        spaces: list[object] = [] if _is_foreign(space) else [space]
        spaces += [lrcourse] if "lrcourse" in names else []
        for holder, name in ((each, name) for each in spaces for name in names):  # which grow
            value = getattr(holder, name, None)
            yield f" > {name}", (name, value)
            if isinstance(value, types.ModuleType) and value not in spaces:
                spaces += [value] if value is lrcourse or not _is_foreign(value) else []
            if not hasattr(holder, "__file__"):  # in a notebook, the name may be an import
                self.note(sys.path, name)

    def note(self, folders: Iterable[str | Path], name: str = "") -> None:
        # Add the file of a module in one of the folders, or a file itself, unless it is installed.
        stems = [Path(folder, *name.split(".")) for folder in folders]
        paths = (f"{stem}{end}" for stem in stems for end in ("/__init__.py", ".py", ""))
        path = next(filter(os.path.isfile, paths), "")
        if path.endswith(".py") and (HERE in path or not any(part in path for part in INSTALLED)):
            self.files += {os.path.realpath(path)}.difference(self.files)


def _parts(value: object) -> list[tuple[str, object]]:
    kind = type(value)
    if f"{kind.__module__.partition('.')[0]}.{kind.__name__}" in RANDOM:
        raise TypeError("its numbers depend on the runs before")
    if hasattr(value, "untyped_storage"):  # a tensor of torch, which is pickled with its address
        value = value.detach().cpu().numpy()
    if isinstance(value, type):
        members = [(n, m) for n, m in vars(value).items() if n[:2] != "__" or callable(m)]
        parts = [kind, value.__bases__, *(m for m in members if m[0] != "_abc_impl")]
    elif isinstance(value, WRAPPERS):
        parts = [getattr(value, name, None) for name in PARTS]
    else:
        state = value.__reduce_ex__(4)  # as pickle and copy see it, parts or a name
        parts = [tuple(part) if isinstance(part, Iterator) else part for part in state]
    return [("", part) for part in (kind.__name__, *parts)]


def _name(value: object) -> str:
    return str(getattr(value, "__qualname__", getattr(value, "__name__", "")))


def _names(code: types.CodeType) -> set[str]:
    nested = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return {*code.co_names}.union(*map(_names, nested))


def _place(module: object) -> str:
    return str(getattr(module, "__file__", None) or getattr(module, "__spec__", None))


def _is_foreign(module: object) -> bool:
    # Whether names tell enough of what the module defines: if it is lrcourse's or installed.
    return any(part in _place(module) for part in (*INSTALLED, HERE))


@functools.cache
def _parsed(content: bytes) -> tuple[str, list[tuple[str, int]]]:
    # A hash of a file's code without docstrings, and the names and levels of its imports.
    tree, imports = ast.parse(content), []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                imports += [(alias.name, 0) for alias in names]
            case ast.ImportFrom(module, names, level):
                ends = ["", *(f".{alias.name}" for alias in names)]
                imports += [(f"{module or ''}{end}", level) for end in ends]
            case ast.AST(body=[ast.Expr(ast.Constant()), *rest]):
                node.body = rest
    return _hash(ast.dump(tree).encode()), imports


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:20]


def _seeds(seeds: Sequence[int]) -> list[int]:
    listed = list(seeds) if hasattr(seeds, "__iter__") else []
    whole = [isinstance(s, int | np.integer) and not isinstance(s, bool) for s in listed]
    if not (listed and all(whole)):
        raise ValueError(
            f"seeds must be a list of whole numbers, such as range(3) for 0, 1 and 2; not {seeds}."
        )
    return list(dict.fromkeys(map(int, listed)))


def _settings(grid: Mapping[str, Sequence] | Sequence[Mapping]) -> dict[str, dict]:
    # Settings of plain values, by their JSON text.
    if isinstance(grid, Mapping):
        for name, values in grid.items():
            if isinstance(values, str | Mapping) or not hasattr(values, "__iter__"):
                raise ValueError(f"grid[{name!r}] must be a list of values, not {values!r}.")
        combinations = product(*(list(values) for values in grid.values()))
        grid = [dict(zip(grid, values, strict=True)) for values in combinations]
    settings = {}
    for setting in grid:
        try:
            text = json.dumps(setting, default=_plain, allow_nan=False, sort_keys=True)
            plain = json.loads(json.dumps(setting, default=_plain))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"The setting {setting!r} cannot be written to a table ({error}): use finite "
                "numbers, text, true or false, None and lists of them."
            ) from None
        settings.setdefault(text, plain)
    if not settings:
        raise ValueError("The grid is empty: it needs at least one setting.")
    return settings


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} is not a plain value")


def _check_call(signature: inspect.Signature, setting: dict) -> None:
    if taken := [name for name in RESERVED if name in setting]:
        raise ValueError(f"Every row has a column {taken[0]!r}: give the setting another name.")
    try:
        signature.bind(**setting, seed=0)
    except TypeError as error:
        raise ValueError(
            f"The function cannot be called with {setting} and a seed: {error}."
        ) from None


def _call(function: Callable, task: Task) -> list[dict]:
    # Runs in the worker and returns the rows of a task, without key and code.
    from threadpoolctl import threadpool_limits

    setting, runs = task.settings[0], len(task.keys)
    if task.stacked:
        setting = setting | {"learning_rate": [each["learning_rate"] for each in task.settings]}
    start, error = time.perf_counter(), {}
    with threadpool_limits(1):
        try:
            results = function(**setting, seed=task.seed)
        except ArithmeticError as divergence:
            if runs > 1:  # run each alone to see which of them diverges
                alone = [task.without(set(task.keys) - {key}) for key in task.keys]
                return [run for single in alone for run in _call(function, single)]
            error = {"error": f"{type(divergence).__name__}: {divergence}"}
            results = [error] if task.stacked else error
    seconds = round((time.perf_counter() - start) / runs, 6)
    results = results if task.stacked else [results]
    if not isinstance(results, list | tuple) or len(results) != runs:
        raise ValueError(f"a stack of {runs} learning rates must return a list of {runs} dicts")
    rows = []
    for setting, result in zip(task.settings, results, strict=True):
        if not isinstance(result, Mapping):
            raise ValueError(f"a run must return a dict of results, not {result!r}")
        if taken := [name for name in result if name in RESERVED or name in setting]:
            raise ValueError(f"the result {taken[0]!r} has the name of another column of its row")
        odd = []  # append returns None, so NaN and the infinities become null
        plain = json.loads(json.dumps(dict(result), default=_plain), parse_constant=odd.append)
        status = "diverged" if odd or error else "done"
        rows.append(setting | {"seed": task.seed, "status": status, "seconds": seconds} | plain)
    return rows


def _outcomes(
    function: Callable, tasks: list[Task], jobs: int, given: Executor | None, bar: tqdm
) -> Iterator[tuple[Task, list | Exception]]:
    # Each task with what it returned or the error it raised, in the order in which they finish.
    queue, running, finished = deque(tasks), {}, SimpleQueue()
    killed, broken = Counter(), False
    width = AHEAD if given else 2 * jobs if jobs > 1 else 1
    executor = given or _start(jobs)
    try:
        while queue or running:
            if broken and not running:
                executor.shutdown()
                executor, broken = _start(jobs), False
            while queue and not broken and len(running) < width:
                suspects = killed.keys() & {t.keys[0] for t in (queue[0], *running.values())}
                if suspects and running:
                    break  # a suspect runs alone, so that it cannot take others down with it
                try:
                    future = executor.submit(_call, function, queue[0])
                except BrokenExecutor as error:
                    future = Future()
                    future.set_exception(error)
                running[future] = queue.popleft()
                future.add_done_callback(finished.put)
            try:
                future = finished.get(timeout=1)
            except Empty:
                bar.refresh()
                continue
            task = running.pop(future)
            try:
                outcome = future.result()
            except (BrokenExecutor, CancelledError):
                if given:
                    raise
                broken = True
                killed[task.keys[0]] += 1
                if killed[task.keys[0]] < ATTEMPTS:
                    queue.appendleft(task)
                    continue
                outcome = SweepError(
                    f"its worker process died {ATTEMPTS} times; it may have run out of memory"
                )
            except Exception as error:
                outcome = error
            killed.pop(task.keys[0], None)
            yield task, outcome
    finally:
        for future in running:
            future.cancel()
        if not given:
            executor.shutdown(**({"kill_workers": True} if queue or running else {}))


class _Inline(Executor):
    """Runs each task in this process, when it is submitted."""

    def submit(self, function: Callable, /, *args: object, **options: object) -> Future:
        future, interrupts = Future(), []
        before = signal.getsignal(signal.SIGINT)

        def note(number: int, frame: types.FrameType | None) -> None:
            interrupts.append(number)
            before(number, frame)

        here = threading.current_thread() is threading.main_thread() and callable(before)
        try:
            if here:
                signal.signal(signal.SIGINT, note)
            future.set_result(function(*args, **options))
        except Exception as error:
            future.set_exception(error)
        finally:
            if here:
                signal.signal(signal.SIGINT, before)
        if interrupts:  # which the function handled, as ``fit`` does: it returned half a result
            raise KeyboardInterrupt
        return future

    def shutdown(self, wait: bool = True, **options: bool) -> None:
        pass


def _start(jobs: int) -> Executor:
    if jobs == 1:
        return _Inline()
    import loky

    executor = loky.ProcessPoolExecutor(
        jobs, initializer=_begin_worker, initargs=(os.getpid(),), env=ONE_THREAD
    )
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        from multiprocessing import resource_tracker

        # Workers inherit the signal mask of this thread: Ctrl-C does not break their imports.
        resource_tracker.ensure_running()  # its start would lift the mask
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            executor.submit(int)  # the first task starts them
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return executor


def _begin_worker(driver: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver to answer
    tqdm.set_lock(threading.RLock())  # its own is shared by processes: a killed one leaks it

    def end_with_driver() -> None:  # a driver that is killed cannot end its workers
        while os.getppid() == driver:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=end_with_driver, daemon=True).start()


@contextmanager
def _open(path: Path) -> Iterator[tuple[BinaryIO, dict[str, dict]]]:
    # The locked file of results, without a torn last line, and its rows by key.
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        try:
            locked = lock(file)
        except BlockingIOError:
            raise SweepError(
                f"Another sweep is writing to {path}: wait for it, or give this one its own file."
            ) from None
        if not locked:
            said = f"This system cannot lock {path}: see that no second sweep writes to it."
            warnings.warn(said, RuntimeWarning, stacklevel=4)
        file.seek(0)
        content = file.read()
        rows, torn = _parse(content, path)
        if torn:
            file.truncate(len(content) - len(torn))
            said = f"{path} ended in a torn line of {len(torn)} bytes, left by a killed sweep: "
            said += f"its run is repeated, the {len(rows)} rows before it are kept."
            warnings.warn(said, stacklevel=4)
        yield file, {row["key"]: row for row in rows}


def _parse(content: bytes, path: str | os.PathLike) -> tuple[list[dict], bytes]:
    # The rows, and the torn row after the last end of a line. If there is no end of a line, the
    # file is a torn row only if it begins like one; else it is another file.
    *lines, torn = content.split(b"\n")
    if not lines and not BEGINNING.startswith(torn[: len(BEGINNING)]):
        lines, torn = [torn], b""
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(json.loads(line))
            if not (rows[-1].keys() >= COLUMNS and isinstance(rows[-1]["key"], str)):
                raise ValueError("a column is missing")
        except (ValueError, AttributeError, RecursionError):
            raise SweepError(
                f"Line {number} of {path} is no row of a sweep: {line[:60]!r}; remove that line, "
                "or give the sweep another file."
            ) from None
    return rows, torn
