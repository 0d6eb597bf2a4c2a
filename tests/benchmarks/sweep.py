r"""What sweeping costs: speed-up of 2 workers, overhead a task, loading, hashing; and joblib.

    python -m tests.benchmarks.sweep [--tasks N] [--seconds S] [--rounds R]

The speed-up is of wall-clock time: the same tasks, about S seconds of one thread each, in one
process and by two workers, their start left out, in turns. The best of R rounds counts, for other
work only adds; still worth reading on idle cores only, so the load is printed beside it.
Overhead is what a task that does nothing costs, the start of workers left out.
"""

import argparse
import itertools
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from lrcourse import sweep
from lrcourse.nn import Linear, Network, ReLU
from lrcourse.optim import SGD
from lrcourse.sweep import Sweep
from lrcourse.training import fit

from .table import Row, in_turns, lines, ratios


def nothing(a, seed):
    return {"loss": 0.5}


def work(a, steps, seed):
    x = np.random.default_rng(seed).random((128, 128), dtype=np.float32) + a
    for _ in range(steps):
        x = np.tanh(x @ x.T / 128)
    return {"trace": float(x.trace())}


def train(learning_rate, seed):
    rng, rates = np.random.default_rng(seed), learning_rate
    x, y = rng.random((2_000, 64), dtype=np.float32), rng.integers(0, 10, 2_000)
    runs = len(rates) if isinstance(rates, list) else None
    network = Network([Linear(64, 32), ReLU(), Linear(32, 10)], rng, runs=runs)
    rate = np.array(rates)[:, None] if runs else rates
    setting = {"batch_size": 32, "epochs": 3, "rng": rng, "progress": False}
    history = fit(network, (x, y), SGD(), learning_rate=rate, **setting)
    last = np.atleast_1d(history.loss[-1]).tolist()
    return [{"loss": loss} for loss in last] if runs else {"loss": last[0]}


def timed(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


class Sweeps:
    r"""Sweeps of made-up tasks, each with a results file of its own in a folder."""

    def __init__(self, folder: str) -> None:
        self.paths = (Path(folder) / f"{i}.jsonl" for i in itertools.count())

    def __call__(self, function, grid, *, stack=None, **how):
        asked = Sweep(function, grid, [0], next(self.paths), stack=stack)
        return lambda: asked.run(progress=False, **how)


def many(count):
    return {"a": range(count)}


def stacked(sweeps: Sweeps, rounds: int) -> Row:
    r"""16 rates of 64-32-10, side by side and one by one."""
    rates = {"learning_rate": list(np.logspace(-3, -0.5, 16))}
    runs = {
        "ours": lambda: sweeps(
            train, rates, stack=lambda setting: sweep.stacking_is_faster(2_410, 32)
        )(),
        "one by one": lambda: sweeps(train, rates)(),
    }
    return ratios("16 rates of 64-32-10, stacked", in_turns(runs, rounds))


def overhead(sweeps: Sweeps, rounds: int) -> Row:
    r"""What a task that does nothing costs with two workers, their start left out."""
    import joblib

    pool, tasks = sweep._start(2), 500
    workers = joblib.Parallel(n_jobs=2, batch_size=1)  # a sweep keeps each result as it comes
    runs = {
        "ours": lambda: sweeps(nothing, many(tasks), executor=pool)(),
        "joblib": lambda: workers(joblib.delayed(nothing)(a, seed=0) for a in range(tasks)),
    }
    times = in_turns(runs, rounds, clock=time.perf_counter)
    pool.shutdown()
    per_task = {name: spent / tasks for name, spent in times.items()}
    return ratios("sweep of tasks that do nothing, a task", per_task)


def measure(quick: bool) -> list[Row]:
    r"""Stacked rates against a loop, and the overhead of a task against joblib."""
    with tempfile.TemporaryDirectory() as folder:
        sweeps, rounds = Sweeps(folder), 3 if quick else 9
        return [stacked(sweeps, rounds), overhead(sweeps, rounds)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = tempfile.TemporaryDirectory()
    swept = Sweeps(folder.name)
    inline = [timed(swept(nothing, many(500))) / 500 for _ in range(5)]
    print(f"overhead inline         {1e3 * min(inline):8.2f} ms a task")
    print(f"start of 2 workers      {timed(swept(nothing, many(1), jobs=2)):8.2f} s")

    steps = 500
    steps = round(steps * options.seconds / timed(lambda: work(0, steps, 0)))
    grid = {"a": range(options.tasks), "steps": [steps]}

    def with_joblib():
        import joblib

        calls = (joblib.delayed(work)(a, steps, seed=0) for a in grid["a"])
        joblib.Parallel(n_jobs=2)(calls)

    times = {"1 worker": [], "2 workers": [], "joblib, 2 workers": []}
    pool = sweep._start(2)
    swept(nothing, many(8), executor=pool)()
    for _ in range(options.rounds):
        times["1 worker"].append(timed(swept(work, grid)))
        times["2 workers"].append(timed(swept(work, grid, executor=pool)))
        try:
            times["joblib, 2 workers"].append(timed(with_joblib))
        except ImportError:
            continue
    pool.shutdown()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, spent in times.items():
        if spent:
            ratio = min(times["1 worker"]) / min(spent)
            print(f"{name:20}{min(spent):8.2f} s, speed-up {ratio:.2f}")

    print(*lines([stacked(swept, options.rounds), overhead(swept, options.rounds)]), sep="\n")
    asked = Sweep(nothing, many(10_000), [0], next(swept.paths))
    asked.run(progress=False)
    print(f"loading 10,000 keys     {min(timed(asked.run) for _ in range(5)):8.3f} s")
    print(f"making 10,000 keys      {timed(lambda: Sweep(nothing, many(10_000), [0], 'x')):8.3f} s")
    print(f"hashing the code        {timed(lambda: sweep.fingerprint(train)):8.3f} s")


if __name__ == "__main__":
    main()
