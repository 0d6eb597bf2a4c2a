r"""Many runs: a grid of settings times seeds becomes a table, one line of JSON a finished run.

A run is one call of a function. Its row is written when it is finished, under a key made of its
setting, its seed, its data and the code behind it; so a sweep that was killed goes on where it was.
"""

import ast
import csv
import functools
import hashlib
import importlib
import inspect
import json
import logging
import os
import signal
import sys
import textwrap
import threading
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType, FunctionType, ModuleType
from typing import BinaryIO, NamedTuple

import numpy as np
from tqdm import tqdm

from lrcourse.data import Data

RESERVED = ("key", "seed", "status", "seconds", "code")
COLUMNS, BEGINNING = frozenset(RESERVED), b'{"key": "'  # of every row
ATTEMPTS = 3  # of a run whose worker is killed
AHEAD = 500  # runs handed to an executor that was given, enough to keep a large cluster busy
HOPELESS = 3  # failures, and no success yet: going on would only repeat them
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


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
            several jobs; makes its random numbers from ``numpy.random.default_rng(seed)`` only and
            returns a dict of numbers, text or lists of them, the columns of its row.
        grid: a dict of lists, of which every combination is a setting, or a list of settings. The
            values are what JSON can hold. A setting that comes up twice is run once.
        seeds: whole numbers; one that comes up twice counts once.
        path: the results, a file of JSON lines, made or gone on with. A row has the setting, the
            seed, what the function returned (null for a number that is not finite), and ``key``,
            ``seconds``, ``code`` (from ``code_version``) and ``status``: "done", or "diverged"
            where a number is not finite or the function raised an ``ArithmeticError``.
        data: what the runs learn from: a name, a data set (its arrays are hashed) or arrays.
        stack: a function of the setting that says whether ``function`` takes a list of learning
            rates in place of ``learning_rate``, those of all runs that differ in nothing else, and
            returns a list of dicts, as ``Network(runs=K)`` makes possible. ``stacking_is_faster``
            says where it pays.

    Raises:
        ValueError: a grid, a seed or a function that cannot be swept.
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
        self.function, self.path, self.code = function, Path(path), code_version(function)
        settings, seeds = _settings(grid), list(dict.fromkeys(map(int, seeds)))
        if not seeds:
            raise ValueError("A sweep needs at least one seed.")
        about = json.dumps([data_version(data), self.code])
        signature = inspect.signature(function)
        tasks: dict[tuple, Task] = {}
        self.keys = []  # in the order of the grid
        for text, setting in settings.items():
            _check_call(signature, setting)
            stacked = stack is not None and bool(stack(setting))
            rest = {name: v for name, v in setting.items() if name != "learning_rate"}
            rest = json.dumps(rest, sort_keys=True) if stacked else text
            for seed in seeds:
                self.keys.append(_hash(f"{text} {seed} {about}"))
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
        self, jobs: int = 1, executor: Executor | str | None = None, progress: bool = True
    ) -> list[dict]:
        r"""Run what is missing, and return the rows in the order of the grid.

        The numbers are the same whatever the executor: each run has its seed and one BLAS thread.

        Args:
            jobs: 1 runs in this process, more in that many processes of loky. A run whose process
                is killed is tried again, alone, up to three times in all.
            executor: anything with the interface of ``concurrent.futures`` to use instead, or the
                address of a Dask scheduler, such as "tcp://127.0.0.1:8786".
            progress: show a progress bar with the time left.

        Raises:
            ValueError: a number of jobs that cannot be.
            SweepError: runs failed, workers were lost or the file could not be written; the
                sentence says which. The same call goes on from there.
            KeyboardInterrupt: on Ctrl-C, having said how to go on.
        """
        if not isinstance(jobs, int) or jobs < 1:
            raise ValueError(f"jobs must be a whole number of at least 1, not {jobs!r}.")
        with _open(self.path) as (file, done), _connected(executor) as given:
            tasks = [task.without(done) for task in self.tasks]
            tasks = [task for task in tasks if task.keys]
            missing = absent = sum(len(task.keys) for task in tasks)
            bar = tqdm(
                total=len(self.keys),
                initial=len(self.keys) - missing,
                unit="run",
                smoothing=0,
                file=sys.stdout,
                disable=not (progress and tasks),
            )
            failed: list[tuple[Task, Exception]] = []
            with (
                bar,
                closing(_outcomes(self.function, tasks, jobs, given, bar.refresh)) as outcomes,
            ):
                try:
                    for task, outcome in outcomes:
                        if isinstance(outcome, Exception):
                            failed.append((task, outcome))
                            bar.set_postfix(failed=len(failed))
                            if len(failed) == HOPELESS and missing == absent:
                                break
                        else:
                            rows = [self._row(task, *run) for run in enumerate(outcome)]
                            _append(file, rows)
                            done |= {row["key"]: row for row in rows}
                            missing -= len(task.keys)
                            bar.update(len(task.keys))
                except OSError as error:
                    raise SweepError(
                        f"{self.path} could not be written ({error.strerror or error}): make room; "
                        + self._go_on(missing)
                    ) from error
                except (BrokenExecutor, CancelledError) as error:  # Dask cancels
                    reason = str(error) or "its scheduler does not answer any more"
                    raise SweepError(
                        f"The executor lost its workers ({reason}): {self._go_on(missing)}"
                    ) from error
                except KeyboardInterrupt:
                    bar.close()
                    print(f"\nInterrupted: {self._go_on(missing)}", file=sys.stderr)
                    raise
        if failed:
            task, error = failed[0]
            reason = (
                str(error) if isinstance(error, SweepError) else f"{type(error).__name__}: {error}"
            )
            raise SweepError(
                f"{len(failed)} runs failed, the first with {task.settings[0]} and seed "
                f"{task.seed} ({reason}): {self._go_on(missing)}"
            ) from error
        return [done[key] for key in self.keys]

    def _row(self, task: Task, i: int, run: tuple[dict, str, float]) -> dict:
        result, status, seconds = run
        about = {"seed": task.seed, "status": status, "seconds": seconds, "code": self.code}
        return {"key": task.keys[i], **task.settings[i], **about, **result}

    def _go_on(self, missing: int) -> str:
        return (
            f"{len(self.keys) - missing} of {len(self.keys)} rows are in {self.path}, and the same "
            "call runs the others."
        )


def stacking_is_faster(parameters: int, batch_size: int) -> bool:
    r"""Say whether a network trains faster as one stack of learning rates than one by one.

    A step of a small network is mostly Python, which a stack pays once; one of a large network is
    mostly matrix products, and a stack of those only leaves the processor's cache.

    Args:
        parameters: weights of one network.
        batch_size: examples a step.

    Returns:
        True where a step has fewer than half a million multiplications: measured with 8 rates, a
        stack was 3 to 4.5 times as fast at up to 80,000 of them and no faster from 600,000 on.
    """
    return parameters * batch_size < 500_000


def code_version(function: Callable) -> str:
    r"""Return a hash of the source that a function runs, without comments and docstrings.

    That is its own and that of all functions, classes, modules and plain values it names, directly
    or through each other, as far as they are in its own package (or notebook) or in lrcourse. A
    local variable with the name of one of them counts as it: a run too many, never one too few.

    Args:
        function: a function, or a ``functools.partial`` of one.

    Raises:
        ValueError: a function whose source cannot be found, so that no change of it would be seen.
    """
    inner = inspect.unwrap(function.func if isinstance(function, functools.partial) else function)
    packages = {"lrcourse", inner.__module__.partition(".")[0]}
    parts: dict[str, str] = {}  # what each name stands for
    sources: dict[object, str] = {}
    todo: list[tuple[str, object]] = [("", function)]
    while todo:
        name, item = todo.pop()
        item = inspect.unwrap(item) if callable(item) else item
        if isinstance(item, functools.partial):
            todo += [(f"{name}.{i}", part) for i, part in enumerate((item.func, item.args))]
            todo.append((f"{name}.keywords", item.keywords))
        elif isinstance(item, Mapping):
            todo += [(f"{name}[{key!r}]", value) for key, value in item.items()]
        elif isinstance(item, list | tuple | set | frozenset):
            values = item if isinstance(item, list | tuple) else sorted(item, key=repr)
            todo += [(f"{name}[{i}]", value) for i, value in enumerate(values)]
        elif isinstance(item, bool | int | float | str | bytes | None):
            parts[name] = repr(item)
        elif isinstance(item, np.ndarray):
            parts[name] = data_version([item])
        elif isinstance(item, FunctionType | type | ModuleType):
            module = item.__name__ if isinstance(item, ModuleType) else item.__module__
            full = f"{module}.{getattr(item, '__qualname__', '')}"
            if module.partition(".")[0] not in packages:
                continue
            if item not in sources:
                try:
                    if getattr(item, "__code__", None) and item.__code__.co_filename == "<string>":
                        raise OSError  # from 3.13 on inspect takes the text of python -c for it
                    tree = ast.parse(textwrap.dedent(inspect.getsource(item)))
                except (OSError, TypeError, SyntaxError):
                    raise ValueError(
                        f"The source of {full} cannot be found, so a change of it would go unseen: "
                        "define it in a file or in a cell of a notebook."
                    ) from None
                sources[item] = ast.unparse(_without_docstrings(tree))
                todo += _named(name, item, tree, packages)
            parts[name] = sources[item]
    return _hash(json.dumps(sorted(parts.items())))


def data_version(data: str | Data | Sequence[np.ndarray]) -> str:
    r"""Return what stands for the data in a key: a name as it is, arrays as a hash of their values.

    Args:
        data: a name, a data set from ``lrcourse.data.load``, or arrays.
    """
    if isinstance(data, str):
        return data
    if isinstance(data, Data):
        data = [*data.train, *data.validation, *data.test]
    digest = hashlib.sha256()
    for array in map(np.ascontiguousarray, data):
        digest.update(f"{array.dtype.str} {array.shape} ".encode())
        digest.update(array)
    return digest.hexdigest()[:20]


def table(path: str | os.PathLike) -> list[dict]:
    r"""Return all rows of a file of results, in the order in which they were finished.

    Args:
        path: the file. A last line that is torn, or being written just now, is left out.

    Raises:
        SweepError: the file is none of a sweep.
    """
    return _parse(Path(path).read_bytes(), path)[0]


def export(path: str | os.PathLike, to: str | os.PathLike) -> None:
    r"""Write all rows of a file of results as CSV or Parquet.

    Args:
        path: the file of results.
        to: the file to write, in .csv (lists as JSON) or .parquet (needs pandas and pyarrow).

    Raises:
        ValueError: another ending.
        SweepError: pandas or pyarrow is missing.
    """
    rows, to = table(path), Path(to)
    if to.suffix == ".csv":
        with to.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
            writer.writeheader()
            for row in rows:
                nested = {k: json.dumps(v) for k, v in row.items() if isinstance(v, list | dict)}
                writer.writerow(row | nested)
    elif to.suffix == ".parquet":
        try:
            import pandas
            import pyarrow  # noqa: F401
        except ImportError:
            raise SweepError(
                "Parquet needs pandas and pyarrow: pip install pandas pyarrow, or export to .csv."
            ) from None
        pandas.DataFrame(rows).to_parquet(to, index=False)
    else:
        raise ValueError(f"A table is exported to .csv or .parquet, not to {to.name!r}.")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _named(
    name: str, item: object, tree: ast.AST, packages: set[str]
) -> Iterator[tuple[str, object]]:
    # What the names in the source of a function, a class or a module stand for. One that it closes
    # over is its own: a factory gives each of its functions another.
    module = item.__name__ if isinstance(item, ModuleType) else item.__module__
    known, closed = dict(vars(sys.modules[module])), {}
    if isinstance(item, FunctionType):
        closed = inspect.getclosurevars(item).nonlocals
        known |= item.__globals__ | closed
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in packages:
            origin = importlib.import_module(node.module)
            for alias in node.names:
                yield f"{node.module}.{alias.name}", getattr(origin, alias.name, None)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] in packages:
                    yield alias.name, importlib.import_module(alias.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            origin = known.get(node.value.id)
            if isinstance(origin, ModuleType) and origin.__name__.partition(".")[0] in packages:
                yield f"{origin.__name__}.{node.attr}", getattr(origin, node.attr, None)
        elif isinstance(node, ast.Name) and node.id in known and not node.id.startswith("__"):
            yield f"{name if node.id in closed else module}.{node.id}", known[node.id]


def _settings(grid: Mapping[str, Sequence] | Sequence[Mapping]) -> dict[str, dict]:
    # Each setting as plain values, under its JSON.
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
    raise TypeError(f"{value!r} is no plain value")


def _check_call(signature: inspect.Signature, setting: dict) -> None:
    if taken := [name for name in RESERVED if name in setting]:
        raise ValueError(f"Every row has a column {taken[0]!r}: give that setting another name.")
    try:
        signature.bind(**setting, seed=0)
    except TypeError as error:
        raise ValueError(
            f"The function cannot be called with {setting} and a seed: {error}."
        ) from None


def _call(function: Callable, task: Task) -> list[tuple[dict, str, float]]:
    # Runs in the worker. Returns result, status and seconds of each run of the task.
    from threadpoolctl import threadpool_limits

    setting, runs = task.settings[0], len(task.keys)
    if task.stacked:
        setting = setting | {"learning_rate": [each["learning_rate"] for each in task.settings]}
    start, error = time.perf_counter(), {}
    with threadpool_limits(1):
        try:
            results = function(**setting, seed=task.seed)
        except ArithmeticError as divergence:
            if runs > 1:  # which of them it was, only runs of their own can say
                alone = [task.without(set(task.keys) - {key}) for key in task.keys]
                return [run for single in alone for run in _call(function, single)]
            error = {"error": f"{type(divergence).__name__}: {divergence}"}
            results = [error] if task.stacked else error
    seconds = round((time.perf_counter() - start) / runs, 6)
    results = results if task.stacked else [results]
    if not isinstance(results, list | tuple) or len(results) != runs:
        raise ValueError(f"a stack of {runs} learning rates must return a list of {runs} dicts")
    finished = []
    for result in results:
        if not isinstance(result, Mapping):
            raise ValueError(f"a run must return a dict of results, not {result!r}")
        if taken := [name for name in result if name in RESERVED or name in setting]:
            raise ValueError(f"the result {taken[0]!r} has the name of another column of its row")
        odd = []  # append returns None, so that is what becomes of NaN and the infinities
        plain = json.loads(json.dumps(dict(result), default=_plain), parse_constant=odd.append)
        finished.append((plain, "diverged" if odd or error else "done", seconds))
    return finished


def _outcomes(
    function: Callable,
    tasks: list[Task],
    jobs: int,
    given: Executor | None,
    refresh: Callable[[], object],
) -> Iterator[tuple[Task, list | Exception]]:
    # Each task with what it returned or the error it raised, as they finish.
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
                if (
                    killed
                    and running
                    and any(task.keys[0] in killed for task in (queue[0], *running.values()))
                ):
                    break  # a suspect runs alone, so that only the one to blame is killed again
                future = _submit(executor, function, queue[0])
                running[future] = queue.popleft()
                future.add_done_callback(finished.put)
            try:
                future = finished.get(timeout=1)
            except Empty:
                refresh()
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
                    f"its process was killed {ATTEMPTS} times, for want of memory?"
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


def _submit(executor: Executor, function: Callable, task: Task) -> Future:
    try:
        return executor.submit(_call, function, task)
    except BrokenExecutor as error:
        future = Future()
        future.set_exception(error)
        return future


class _Inline(Executor):
    """Runs each task in this process, when it is submitted."""

    def submit(self, function: Callable, /, *args: object, **options: object) -> Future:
        future = Future()
        with _interrupts() as interrupts:
            try:
                future.set_result(function(*args, **options))
            except Exception as error:
                future.set_exception(error)
        if interrupts:  # answered in the function, as by ``fit``: what it returned is no result
            raise KeyboardInterrupt
        return future

    def shutdown(self, wait: bool = True, **options: bool) -> None:
        pass


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    # The Ctrl-Cs from here on, which are handled as before.
    seen: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield seen
        return

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def _start(jobs: int) -> Executor:
    if jobs == 1:
        return _Inline()
    import loky

    executor = loky.ProcessPoolExecutor(
        jobs, initializer=_begin_worker, initargs=(os.getpid(),), env=ONE_THREAD
    )
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        from multiprocessing import resource_tracker

        # Workers begin with the mask of this thread: a Ctrl-C amid their imports is not theirs.
        resource_tracker.ensure_running()  # at its own start it would lift the mask
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            executor.submit(int)  # the first task begins them
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return executor


def _begin_worker(driver: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver to answer
    tqdm.set_lock(threading.RLock())  # its own is one between processes, which a kill would leak

    def end_with_driver() -> None:  # a driver that is killed cannot end its workers
        while os.getppid() == driver:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=end_with_driver, daemon=True).start()


@contextmanager
def _connected(executor: Executor | str | None) -> Iterator[Executor | None]:
    if not isinstance(executor, str):
        yield executor
        return
    try:
        from dask.distributed import Client
        from distributed.comm import get_address_host_port, normalize_address
    except ImportError:
        raise SweepError(
            "A Dask cluster needs dask.distributed: pip install 'lrcourse[scale]'."
        ) from None
    try:
        get_address_host_port(normalize_address(executor), strict=True)  # Client would hang at exit
        client = Client(executor, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SweepError(
            f"No Dask scheduler answers at {executor} ({type(error).__name__}): check the address "
            "that `dask scheduler` printed, or use jobs=2 on this machine."
        ) from None
    for name in ("distributed.client", "tornado.application"):  # what is lost, the sweep says
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with client:
        yield client.get_executor(pure=False)


@contextmanager
def _open(path: Path) -> Iterator[tuple[BinaryIO, dict[str, dict]]]:
    # The file of results, ours alone and with its last line whole, and its rows by their key.
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        _lock(file, path)
        file.seek(0)
        content = file.read()
        rows, torn = _parse(content, path)
        if torn:
            file.truncate(len(content) - len(torn))
            warnings.warn(
                f"{path} ended in a torn line of {len(torn)} bytes, which a sweep left that was "
                f"killed: it is removed, the {len(rows)} rows before it are kept and that run is "
                "done again.",
                stacklevel=4,
            )
        yield file, {row["key"]: row for row in rows}


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: nothing there goes with the process that is killed
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SweepError(
            f"Another sweep is writing to {path}: wait for it, or give this one its own file."
        ) from None


def _parse(content: bytes, path: str | os.PathLike) -> tuple[list[dict], bytes]:
    # The rows, and what stands after the last end of a line: a torn row, as no other file ends in
    # one after whole rows, and a file of one line is torn only if it begins as a row does.
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


def _append(file: BinaryIO, rows: list[dict]) -> None:
    end = file.seek(0, os.SEEK_END)
    left = memoryview("".join(json.dumps(row) + "\n" for row in rows).encode())
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        file.truncate(end)
        raise
