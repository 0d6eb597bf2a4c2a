"""Sweeps: each run once, whatever is killed; the same bits, whatever runs them; clear refusals."""

import contextlib
import errno
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from waiting import LIMIT, until

from lrcourse import sweep
from lrcourse.data import load
from lrcourse.nn import Linear, Network, ReLU
from lrcourse.optim import SGD
from lrcourse.schedules import Cosine
from lrcourse.sweep import Sweep, SweepError, export, table
from lrcourse.training import fit

HERE = Path(__file__).parents[1]
GRID = {"a": [1, 2, 3], "b": ["x", "y"]}


def toy(a, b, seed):
    return {"value": a * np.random.default_rng(seed).random(), "text": b * 2}


def train(learning_rate, seed, batch_size=32):
    data = load("digits")
    rates = learning_rate if isinstance(learning_rate, list) else None
    rng = np.random.default_rng(seed)
    network = Network([Linear(64, 16), ReLU(), Linear(16, 10)], rng, runs=rates and len(rates))
    rate = np.array(rates)[:, None] if rates else learning_rate
    setting = {"learning_rate": rate, "batch_size": batch_size, "epochs": 1, "rng": rng}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        history = fit(network, data, SGD(), progress=False, **setting)
    loss = np.atleast_2d(np.array(history.loss).T)
    results = [
        {"loss": each[-1], "weights": float(w.astype(float).sum())}
        for each, w in zip(loss, np.atleast_2d(network.w), strict=True)
    ]
    return results if rates else results[0]


def timeless(rows):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def lines(path):
    return path.read_bytes().splitlines() if path.exists() else []


# The table ----------------------------------------------------------------------------------------


def test_every_setting_and_seed_has_its_row_in_the_order_of_the_grid(tmp_path):
    path = tmp_path / "new" / "rows.jsonl"
    rows = Sweep(toy, GRID, range(2), path).run(progress=False)
    assert [(r["a"], r["b"], r["seed"]) for r in rows] == [
        (a, b, seed) for a in (1, 2, 3) for b in "xy" for seed in (0, 1)
    ]
    assert rows == table(path)
    for row in rows:
        value = row["a"] * np.random.default_rng(row["seed"]).random()
        assert row["value"] == value and row["text"] == 2 * row["b"]
        assert row["status"] == "done" and row["seconds"] >= 0


def test_a_finished_run_is_not_done_again_and_a_larger_grid_goes_on(tmp_path):
    path = tmp_path / "rows.jsonl"
    Sweep(toy, GRID, [0], path).run(progress=False)
    before = path.read_bytes()
    assert len(Sweep(toy, GRID, [0], path).run(progress=False)) == 6
    assert path.read_bytes() == before
    more = Sweep(toy, GRID | {"a": [3, 4]}, [0], path)
    assert len(more.rows()) == 2 and len(more.run(progress=False)) == 4
    assert path.read_bytes().startswith(before) and len(lines(path)) == 8
    settings = [{"a": 1, "b": "x"}, {"a": 5, "b": "x"}, {"b": "x", "a": 1}]  # two are the same
    assert [r["a"] for r in Sweep(toy, settings, [0], path).run(progress=False)] == [1, 5]
    assert len(lines(path)) == 9


def test_the_data_is_part_of_the_key(tmp_path):
    digits, path = load("digits"), tmp_path / "rows.jsonl"
    other = load("digits", rng=np.random.default_rng(0))
    for data in ("digits", "patches", digits, other, [np.zeros(3)], [np.zeros(4)]):
        Sweep(toy, {"a": [1], "b": ["x"]}, [0], path, data=data).run(progress=False)
    assert len({row["key"] for row in table(path)}) == 6
    assert sweep.data_version(digits) == sweep.data_version(load("digits"))


def test_numpy_values_are_written_as_plain_ones(tmp_path):
    def function(rate, seed):
        return {"curve": np.arange(3.0) * rate, "right": np.bool_(True), "n": np.int64(seed)}

    rows = Sweep(function, {"rate": np.array([0.5, 2.0])}, [7], tmp_path / "r").run(progress=False)
    assert rows[0]["curve"] == [0.0, 0.5, 1.0] and rows[0]["right"] is True and rows[0]["n"] == 7


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_bar_shows_what_was_done_and_the_time_left(tmp_path, capsys, jobs):
    path = tmp_path / "rows.jsonl"
    Sweep(toy, {"a": [1], "b": ["x", "y"]}, [0], path).run(progress=False)
    assert capsys.readouterr().out == ""
    Sweep(toy, {"a": [1], "b": ["x", "y", "z", "w"]}, [0], path).run(jobs=jobs)
    shown = capsys.readouterr().out
    assert "2/4" in shown and "4/4" in shown and "<" in shown  # elapsed<left


# The same bits ------------------------------------------------------------------------------------


def test_the_same_bits_whatever_the_executor_and_the_number_of_jobs(tmp_path):
    grid, whole = {"learning_rate": [0.01, 0.1, 0.3], "batch_size": [16, 32]}, []
    with ThreadPoolExecutor(1) as threads:
        for i, how in enumerate([{}, {"jobs": 2}, {"jobs": 3}, {"executor": threads}]):
            rows = Sweep(train, grid, [0, 1], tmp_path / str(i)).run(progress=False, **how)
            whole.append(timeless(rows))
        stacked = Sweep(train, grid, [0, 1], tmp_path / "stacked", stack=lambda setting: True)
        whole.append(timeless(stacked.run(progress=False)))
    assert len(whole[0]) == 12 and len({row["weights"] for row in whole[0]}) == 12
    assert all(rows == whole[0] for rows in whole[1:])


def test_runs_that_differ_only_in_learning_rate_are_stacked_where_asked(tmp_path):
    calls, path = [], tmp_path / "rows.jsonl"

    def function(learning_rate, n, seed):
        calls.append((learning_rate, n, seed))
        several = isinstance(learning_rate, list)
        results = [{"twice": 2 * rate} for rate in (learning_rate if several else [learning_rate])]
        return results if several else results[0]

    def small(setting):
        return setting["n"] < 10

    grid = {"learning_rate": [0.1, 0.2, 0.3], "n": [5, 50]}
    rows = Sweep(function, grid, [0], path, stack=small).run(progress=False)
    assert calls == [([0.1, 0.2, 0.3], 5, 0), (0.1, 50, 0), (0.2, 50, 0), (0.3, 50, 0)]
    assert [row["twice"] for row in rows] == [0.2, 0.2, 0.4, 0.4, 0.6, 0.6]
    assert [row["learning_rate"] for row in rows] == [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))  # lose the first
    calls.clear()
    again = Sweep(function, grid, [0], path, stack=small).run(progress=False)
    assert calls == [([0.1], 5, 0)] and timeless(again) == timeless(rows)


def test_stacking_pays_for_small_networks_only():
    assert sweep.stacking_is_faster(2_410, 32) and not sweep.stacking_is_faster(118_282, 32)


# What cannot be finished --------------------------------------------------------------------------


def test_a_setting_that_diverges_is_a_row_with_its_status(tmp_path):
    path = tmp_path / "rows.jsonl"
    rates = {"learning_rate": [0.1, 1e30]}
    for stack in (None, lambda setting: True):
        rows = Sweep(train, rates, [0], path, stack=stack).run(progress=False)
        assert [row["status"] for row in rows] == ["done", "diverged"]
        assert rows[1]["loss"] is None and rows[0]["loss"] > 0
        for line in lines(path):
            json.loads(line, parse_constant=pytest.fail)  # strict JSON, without NaN
        path.unlink()

    def function(learning_rate, seed):
        rates = learning_rate if isinstance(learning_rate, list) else [learning_rate]
        results = [{"loss": float(np.exp(-rate)) + 1 / (rate < 1)} for rate in rates]
        return results if isinstance(learning_rate, list) else results[0]

    for stack in (None, lambda setting: True):
        rows = Sweep(function, rates, [0], path, stack=stack).run(progress=False)
        assert [row["status"] for row in rows] == ["done", "diverged"]
        assert rows[1]["error"] == "ZeroDivisionError: division by zero"
        path.unlink()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_fails_is_named_and_the_others_are_kept(tmp_path, jobs):
    path, broken = tmp_path / "rows.jsonl", tmp_path / "broken"
    broken.touch()

    def function(a, seed, broken=str(broken)):
        if a == 3 and os.path.exists(broken):
            raise KeyError("no such layer")
        return {"square": a * a}

    asked = Sweep(function, {"a": range(10)}, [0], path)
    with pytest.raises(SweepError) as caught:
        asked.run(jobs=jobs, progress=False)
    message = str(caught.value)
    assert message.startswith("1 runs failed, the first with {'a': 3} and seed 0 (KeyError: 'no su")
    assert f"9 of 10 rows are in {path}, and the same call runs the others." in message
    broken.unlink()
    assert [row["square"] for row in asked.run(jobs=jobs, progress=False)] == [
        a * a for a in range(10)
    ]
    assert len(lines(path)) == 10


def test_where_nothing_works_the_sweep_ends_soon(tmp_path):
    calls = []

    def function(a, seed):
        calls.append(a)
        return a

    with pytest.raises(SweepError, match=r"3 runs failed.*must return a dict of results, not 0"):
        Sweep(function, {"a": range(100)}, [0], tmp_path / "rows").run(progress=False)
    assert calls == [0, 1, 2]


def killer(a, seed, marker, always=False):
    if a == 3:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)
        except FileExistsError:
            if always:
                os.kill(os.getpid(), signal.SIGKILL)
    return {"square": a * a}


def test_a_killed_worker_has_its_run_done_again(tmp_path):
    path = tmp_path / "rows.jsonl"
    grid = {"a": range(12), "marker": [str(tmp_path / "marker")]}
    rows = Sweep(killer, grid, [0], path).run(jobs=2, progress=False)
    assert (tmp_path / "marker").exists()
    assert [row["square"] for row in rows] == [a * a for a in range(12)] and len(lines(path)) == 12


def test_a_run_that_always_kills_its_worker_is_given_up_and_blamed_alone(tmp_path):
    path = tmp_path / "rows.jsonl"
    grid = {"a": range(12), "marker": [str(tmp_path / "marker")], "always": [True]}
    with pytest.raises(SweepError) as caught:
        Sweep(killer, grid, [0], path).run(jobs=2, progress=False)
    assert str(caught.value).startswith("1 runs failed, the first with {'a': 3, ")
    assert "worker process died 3 times; it may have run out" in str(
        caught.value
    ) and "11 of 12 rows" in str(caught.value)
    assert sorted(row["a"] for row in table(path)) == [a for a in range(12) if a != 3]


# Killed sweeps ------------------------------------------------------------------------------------

SCRIPT = """
import sys, time, numpy as np
from lrcourse.sweep import Sweep

def small(a, b, seed):
    x = np.random.default_rng(seed).random((60, 60)) + a
    for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 100):
        x = np.tanh(x @ x.T / 60 + b)
    return {"trace": x.trace()}

if __name__ == "__main__":
    grid = {"a": list(range(10)), "b": [0.1, 0.2, 0.3, 0.4]}
    Sweep(small, grid, range(5), sys.argv[1]).run(jobs=int(sys.argv[2]), progress=False)
"""


def start(tmp_path, name, jobs, *more, **options):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, script, tmp_path / name, str(jobs), *map(str, more)]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONWARNINGS": "default"}
    options = {"stderr": subprocess.PIPE, "text": True, "env": environment} | options
    return subprocess.Popen(command, **options)


def await_rows(process, path, count):
    until(lambda: len(lines(path)) >= count or process.poll() is not None)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_sweep_killed_three_times_ends_like_an_unbroken_one(tmp_path, jobs):
    unbroken = start(tmp_path, "unbroken", 1)
    path, kept, counts = tmp_path / "killed", b"", []
    for count in (20, 80, 140):
        process = start(tmp_path, "killed", jobs)
        await_rows(process, path, count)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        content = path.read_bytes()
        assert content.startswith(kept)  # nothing lost
        kept = content[: content.rindex(b"\n") + 1]
        counts.append(kept.count(b"\n"))
    assert 20 <= counts[0] < 200 and counts[1] >= 80 and 140 <= counts[2] < 200
    final = start(tmp_path, "killed", jobs)
    assert (final.wait(LIMIT), unbroken.wait(LIMIT)) == (0, 0)
    final.communicate(), unbroken.communicate()
    keys = [row["key"] for row in table(path)]
    assert len(keys) == len(set(keys)) == 200

    def by_key(name):
        return sorted(timeless(table(tmp_path / name)), key=lambda row: row["key"])

    assert by_key("killed") == by_key("unbroken")


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_the_rows_and_says_how_to_go_on(tmp_path, jobs):
    path = tmp_path / "rows"
    # A test run in the background of a shell ignores Ctrl-C, and its children would too.
    process = start(
        tmp_path, "rows", jobs, 400, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    )
    await_rows(process, path, 5)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=LIMIT)[1]
    assert process.returncode in (1, -signal.SIGINT)  # Python ends on its uncaught Ctrl-C
    count = len(table(path))
    assert 5 <= count < 200
    assert f"Interrupted: {count} of 200 rows are in {path}, and the same call runs" in said


def test_a_run_that_answers_ctrl_c_itself_leaves_no_row(tmp_path):
    def handled(a, seed):
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return {"loss": 0.0}  # of half a training, as ``fit`` returns it

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            Sweep(handled, {"a": [1]}, [0], tmp_path / "rows").run(progress=False)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert table(tmp_path / "rows") == []


def test_a_training_that_ctrl_c_stops_leaves_no_row(tmp_path):
    class Interrupt:
        def on_batch_end(self, run):
            signal.raise_signal(signal.SIGINT)

    def function(a, seed):
        rng = np.random.default_rng(seed)
        network = Network([Linear(64, 10)], rng)
        setting = {"learning_rate": 0.1, "batch_size": 32, "epochs": 1, "rng": rng}
        stop = {"callbacks": [Interrupt()]} if a == 2 else {}
        history = fit(network, load("digits"), SGD(), progress=False, **setting, **stop)
        return {"loss": history.loss[-1]}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(KeyboardInterrupt):
            Sweep(function, {"a": [1, 2, 3]}, [0], tmp_path / "rows").run(progress=False)
    assert [row["a"] for row in table(tmp_path / "rows")] == [1]


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(tmp_path):
    import resource

    def limit():  # the kernel then writes part of a row and refuses the rest, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))

    path = tmp_path / "rows"
    said = start(tmp_path, "rows", 1, preexec_fn=limit).communicate(timeout=LIMIT)[1]
    count = len(table(path))
    assert count > 10 and path.read_bytes().endswith(b"\n") and path.stat().st_size <= 5_000
    sentence = f"{path} could not be written (File too large): make room; {count} of 200 rows are"
    assert sentence in said.splitlines()[-1]
    assert start(tmp_path, "rows", 1).wait(LIMIT) == 0 and len(table(path)) == 200


def test_two_sweeps_do_not_write_to_one_file(tmp_path):
    with (
        sweep._open(tmp_path / "rows"),
        pytest.raises(SweepError, match="Another sweep is writing to"),
    ):
        Sweep(toy, GRID, [0], tmp_path / "rows").run(progress=False)


def test_without_file_locks_a_sweep_warns_and_runs(tmp_path, monkeypatch):
    def refuse(file, operation):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.warns(RuntimeWarning, match=r"cannot lock .*rows: see that no second") as caught:
        rows = Sweep(toy, GRID, [0], tmp_path / "rows").run(progress=False)
    assert len(rows) == 6 and len(caught) == 1


# Damaged files ------------------------------------------------------------------------------------


def test_a_torn_last_line_is_removed_with_a_word_and_its_run_done_again(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = Sweep(toy, GRID, [0], path).run(progress=False)
    whole = path.read_bytes()
    last = len(whole.splitlines()[-1])
    for cut in (1, 2, last // 2, last):  # the end of the line alone, ..., all but a byte
        path.write_bytes(whole[:-cut])
        assert len(table(path)) == 5  # reading alone changes nothing
        assert path.read_bytes() == whole[:-cut]
        with pytest.warns(UserWarning, match=r"torn line of \d+ bytes.*the 5 rows before it are k"):
            again = Sweep(toy, GRID, [0], path).run(progress=False)
        assert timeless(again) == timeless(rows) and len(lines(path)) == 6
    path.write_bytes(b"")
    assert timeless(Sweep(toy, GRID, [0], path).run(progress=False)) == timeless(rows)


@pytest.mark.parametrize(
    "line",
    [b"{}", b"[1]", b"7", b'{"key": ', b"\x00\x00", b"a,b,c", b"", b"[" * 100_000, b'{"key": "k"}'],
)
def test_a_file_that_is_none_of_a_sweep_is_refused_and_left_alone(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    Sweep(toy, GRID, [0], path).run(progress=False)
    content = path.read_bytes() + line + b"\n" + b'{"key": "k"}\n'
    path.write_bytes(content)
    for read in (lambda: table(path), Sweep(toy, GRID, [0], path).run):
        with pytest.raises(SweepError, match=r"Line 7 of .* is no row of a sweep"):
            read()
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "content", [b"my notes", b"\x89PNG\r", b'[{"key": "k"}]', b'{"cells": []}']
)
def test_a_file_without_an_end_of_line_is_no_torn_row_and_left_alone(tmp_path, content):
    path = tmp_path / "notes"
    path.write_bytes(content)
    for read in (lambda: table(path), Sweep(toy, GRID, [0], path).run):
        with pytest.raises(SweepError, match=r"Line 1 of .* is no row of a sweep"):
            read()
    assert path.read_bytes() == content


# The version of the code --------------------------------------------------------------------------

MODULE = '''
from lrcourse import optim

SCALE = 2

class Helper:
    """Multiplies."""
    def times(self, a):
        return a * SCALE

def function(a, seed):
    """One sentence."""
    # a comment
    return {"value": Helper().times(a)}
'''


def test_a_change_of_the_code_is_seen_and_one_of_words_is_not(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    file, path = tmp_path / "swept_module.py", tmp_path / "rows.jsonl"

    def run(source):
        file.write_text(source)
        sys.modules.pop("swept_module", None)
        importlib.invalidate_caches()
        function = importlib.import_module("swept_module").function
        rows = Sweep(function, {"a": [1, 5]}, [0], path).run(progress=False)
        return [row["value"] for row in rows], len(lines(path))

    assert run(MODULE) == ([2, 10], 2)
    assert run(MODULE) == ([2, 10], 2)
    assert run(MODULE.replace("a comment", "another")) == ([2, 10], 2)
    assert run(MODULE.replace("SCALE = 2", "SCALE = 3")) == ([3, 15], 4)
    assert run(MODULE.replace("return a * SCALE", "return a ** SCALE")) == ([1, 25], 6)
    assert run(MODULE.replace("times(a)}", "times(a + 1)}")) == ([4, 12], 8)
    assert run(MODULE) == ([2, 10], 8)  # the first rows still stand
    sys.modules.pop("swept_module")


SCHEDULE = Cosine(0.1, 10)


def scheduled(epoch, seed):
    return {"rate": SCHEDULE(epoch)}


def test_a_changed_global_is_run_anew_and_finds_its_old_rows_when_it_is_back(tmp_path, monkeypatch):
    path, grid = tmp_path / "rows.jsonl", {"epoch": [0, 5]}
    first = Sweep(scheduled, grid, [0], path).run(progress=False)
    monkeypatch.setattr(sys.modules[__name__], "SCHEDULE", Cosine(0.5, 10))
    second = Sweep(scheduled, grid, [0], path).run(progress=False)
    assert [row["rate"] for row in first] == [0.1, 0.05]
    assert [row["rate"] for row in second] == [0.5, 0.25] and len(lines(path)) == 4
    monkeypatch.undo()
    assert Sweep(scheduled, grid, [0], path).run(progress=False) == first
    assert len(lines(path)) == 4


def test_a_sweep_made_before_a_change_is_refused_after_it(tmp_path, monkeypatch):
    asked = Sweep(scheduled, {"epoch": [0, 5]}, [0], tmp_path / "rows.jsonl")
    monkeypatch.setattr(sys.modules[__name__], "SCHEDULE", Cosine(0.5, 10))
    with pytest.raises(SweepError, match=r"What the function uses has changed: make the sweep"):
        asked.run(progress=False)


def test_what_cannot_be_hashed_is_named_before_the_sweep_starts(tmp_path):
    lock = threading.Lock()

    def function(seed):
        with lock:
            return {}

    with pytest.raises(ValueError, match=r"^lock cannot be hashed, so a change of it would go un"):
        Sweep(function, [{}], [0], tmp_path / "rows")
    with pytest.raises(ValueError, match=r"^data cannot be hashed"):
        Sweep(toy, GRID, [0], tmp_path / "rows", data=[lock])


# Clusters -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("dask.distributed")
    options = {"n_workers": 3, "threads_per_worker": 1, "processes": True}
    with (
        distributed.LocalCluster(
            dashboard_address=None, host="127.0.0.1", silence_logs=50, **options
        ) as local,
        distributed.Client(local, set_as_default=False) as client,
    ):
        yield client.get_executor(pure=False)


def test_a_dask_cluster_loses_a_worker_and_no_run(cluster, tmp_path):
    path = tmp_path / "rows.jsonl"
    grid = {"a": range(40), "marker": [str(tmp_path / "marker")]}
    rows = Sweep(killer, grid, [0], path).run(executor=cluster, progress=False)
    assert (tmp_path / "marker").exists()
    assert [row["square"] for row in rows] == [a * a for a in range(40)] and len(lines(path)) == 40


def test_a_dask_cluster_gives_the_same_bits(cluster, tmp_path):
    grid = {"learning_rate": [0.01, 0.1, 0.3]}
    here = Sweep(train, grid, [0, 1], tmp_path / "here").run(progress=False)
    there = Sweep(train, grid, [0, 1], tmp_path / "there").run(executor=cluster, progress=False)
    assert timeless(here) == timeless(there)


def test_an_executor_that_breaks_is_one_sentence(tmp_path):
    import concurrent.futures
    import multiprocessing

    spawn = multiprocessing.get_context("spawn")
    grid = {"a": range(12), "marker": [str(tmp_path / "marker")]}
    with (
        concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool,
        pytest.raises(SweepError, match=r"The executor lost its workers .* of 12 rows are in"),
    ):
        Sweep(killer, grid, [0], tmp_path / "rows").run(executor=pool, progress=False)


# Export -------------------------------------------------------------------------------------------


def test_export_gives_the_rows_to_other_programs(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")

    def function(a, seed):
        return {"curve": [a, seed], "half": a / 2}

    path = tmp_path / "rows.jsonl"
    rows = Sweep(function, {"a": [1, 2]}, [0, 1], path).run(progress=False)
    export(path, tmp_path / "rows.parquet")
    read = pandas.read_parquet(tmp_path / "rows.parquet")
    assert list(read["half"]) == [row["half"] for row in rows]
    assert [list(curve) for curve in read["curve"]] == [row["curve"] for row in rows]
    export(path, tmp_path / "rows.csv")
    read = pandas.read_csv(tmp_path / "rows.csv", dtype={"key": str, "code": str})
    assert list(read.columns) == list(rows[0])
    assert list(read["key"]) == [row["key"] for row in rows]
    assert [json.loads(curve) for curve in read["curve"]] == [row["curve"] for row in rows]


def test_export_refuses_clearly(tmp_path, monkeypatch):
    path = tmp_path / "rows.jsonl"
    Sweep(toy, GRID, [0], path).run(progress=False)
    with pytest.raises(ValueError, match=r"to \.csv or \.parquet, not to 'rows\.xlsx'"):
        export(path, tmp_path / "rows.xlsx")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SweepError, match=r"Parquet needs pandas and pyarrow"):
        export(path, tmp_path / "rows.parquet")


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grid", "seeds", "words"),
    [
        ({"a": [1], "b": "xy"}, [0], r"grid\['b'\] must be a list of values, not 'xy'"),
        ({"a": 1, "b": ["x"]}, [0], r"grid\['a'\] must be a list"),
        ({"a": [], "b": ["x"]}, [0], "The grid is empty"),
        ([], [0], "The grid is empty"),
        (GRID, [], r"seeds must be a list of whole numbers.*; not \[\]"),
        ({"a": [1]}, [0], "cannot be called with .* missing a required argument: 'b'"),
        (GRID | {"c": [1]}, [0], "cannot be called with .* unexpected keyword argument 'c'"),
        (GRID | {"status": [1]}, [0], "has a column 'status': give the setting another name"),
        ({"a": [float("nan")], "b": ["x"]}, [0], "cannot be written to a table"),
        ({"a": [SGD()], "b": ["x"]}, [0], "cannot be written to a table"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_it_starts(tmp_path, grid, seeds, words):
    with pytest.raises(ValueError, match=words):
        Sweep(toy, grid, seeds, tmp_path / "rows")


@pytest.mark.parametrize("jobs", [0, -1, 1.5, "2"])
def test_an_impossible_number_of_jobs_is_refused(tmp_path, jobs):
    with pytest.raises(ValueError, match=r"whole number of at least 1, not "):
        Sweep(toy, GRID, [0], tmp_path / "rows").run(jobs=jobs)


def test_an_address_is_no_executor(tmp_path):
    with pytest.raises(ValueError, match=r"'tcp://127.0.0.1:1' is no executor.*get_executor\("):
        Sweep(toy, GRID, [0], tmp_path / "rows").run(executor="tcp://127.0.0.1:1")
    assert not (tmp_path / "rows").exists()


@pytest.mark.parametrize("seeds", [3, 1.5, None, "123", [1.5], [1.0], [True], True, ["1"], [[1]]])
def test_seeds_that_are_no_whole_numbers_are_refused(tmp_path, seeds):
    with pytest.raises(ValueError, match=r"seeds must be a list of whole numbers, such as range"):
        Sweep(toy, GRID, seeds, tmp_path / "rows")


def test_seeds_may_be_of_numpy_and_come_from_anything_that_can_be_listed(tmp_path):
    one = {"a": [1], "b": ["x"]}
    for seeds in (np.arange(3), range(3), (0, 1, 2, 1), iter([0, 1, 2]), np.array([0, 1, 2], "u1")):
        rows = Sweep(toy, one, seeds, tmp_path / "rows").run(progress=False)
        assert [row["seed"] for row in rows] == [0, 1, 2]
    assert len(lines(tmp_path / "rows")) == 3


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    rows = Sweep(toy, GRID, [0], "~/r.jsonl").run(progress=False)
    assert table("~/r.jsonl") == table(tmp_path / "home" / "r.jsonl") == rows
    export("~/r.jsonl", "~/r.csv")
    assert sorted(os.listdir(tmp_path / "home")) == ["r.csv", "r.jsonl"]
    assert os.listdir(tmp_path) == ["home"]


@pytest.mark.parametrize("result", [{"a": 1}, {"key": 1}, [1], None, {"x": object()}])
def test_a_result_that_is_no_row_is_refused(tmp_path, result):
    def function(a, seed):
        return result

    with pytest.raises(SweepError, match=r"runs failed, the first with {'a': 0}"):
        Sweep(function, {"a": range(5)}, [0], tmp_path / "rows").run(progress=False)


def test_importing_the_module_imports_nothing_heavy():
    heavy = {"loky", "dask", "distributed", "pandas", "torch", "matplotlib", "threadpoolctl"}
    code = f"import sys, lrcourse.sweep; print({heavy} & {{*sys.modules}})"
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stdout.strip() == "set()"
