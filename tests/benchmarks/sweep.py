r"""What sweeping costs: speed-up of 2 workers over 1, overhead a task, loading, beside joblib.

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
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from lrcourse import sweep
from lrcourse.nn import Linear, Network, ReLU
from lrcourse.optim import SGD
from lrcourse.sweep import Sweep
from lrcourse.training import fit


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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = tempfile.TemporaryDirectory()
    paths = (Path(folder.name) / f"{i}.jsonl" for i in itertools.count())

    def swept(function, grid, **how):
        stack = how.pop("stack", None)
        asked = Sweep(function, grid, [0], next(paths), stack=stack)
        return lambda: asked.run(progress=False, **how)

    def many(count):
        return {"a": range(count)}

    inline = [timed(swept(nothing, many(500))) / 500 for _ in range(5)]
    print(f"overhead inline         {1e3 * min(inline):8.2f} ms a task")
    print(f"start of 2 workers      {timed(swept(nothing, many(1), jobs=2)):8.2f} s")
    gains = []
    for _ in range(options.rounds):
        few, lots = (timed(swept(nothing, many(n), jobs=2)) for n in (2, 502))
        gains.append((lots - few) / 500)
    print(f"overhead, 2 workers     {1e3 * min(gains):8.2f} ms a task")

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

    rates = {"learning_rate": list(np.logspace(-3, -0.5, 16))}
    alone, stacked = (
        median(timed(swept(train, rates, stack=stack)) for _ in range(options.rounds))
        for stack in (None, lambda setting: sweep.stacking_is_faster(2_410, 32))
    )
    print(f"16 rates of 64-32-10, one by one {alone:.2f} s, stacked {stacked:.2f} s")

    asked = Sweep(nothing, many(10_000), [0], next(paths))
    asked.run(progress=False)
    print(f"loading 10,000 keys     {min(timed(asked.run) for _ in range(5)):8.3f} s")
    print(f"making 10,000 keys      {timed(lambda: Sweep(nothing, many(10_000), [0], 'x')):8.3f} s")


if __name__ == "__main__":
    main()
