r"""Two papers at their own scale, on their own data: the runs that judge their primary claims.

    OMP_NUM_THREADS=1 python -m lrcourse.papers.own_scale layer-rates da-sgd

trains what is missing, one run after the other, and writes a line of JSON after each; a command
that was killed goes on where it was. Nothing is chosen by these runs, so all training images are
trained on. Each row carries the lock of the claims that it judges (``lrcourse.papers.lock``) and
the commit of the code; the tables use the rows of the present lock only.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from lrcourse.files import lock as lock_file
from lrcourse.files import write_whole
from lrcourse.papers.images import missing

RESULTS = Path(__file__).parent / "results"
PLAIN, RULE, CONTROL = "plain", "layerwise", "control"  # the arms of layer-rates, in this order
ARMS = {"sgd": 0, "da-sgd": 0, "momentum": 0, "sgd at 1.82 times the rate": 1}  # and their power
# Batch sizes and seeds of da-sgd in the order in which they run: first those that must be there.
STAGES = (
    ((256, 128), range(10, 20)),
    ((64, 32), range(10, 14)),
    ((16, 8), range(10, 14)),
    ((64, 32), range(14, 20)),
)


def layer_rates() -> list[dict]:
    r"""Return the runs of Table I: three rules at 0.01, three arms, the paper's ten seeds."""
    from lrcourse.papers import singh_2015

    about = {"validation": 0, "network": "lenet", "learning_rate": 0.01}
    return [
        {**setting, **about, "arm": arm, "seed": seed}
        for seed in range(10, 20)
        for setting in singh_2015.grid("full")
        if singh_2015.LENET.items() <= setting.items()
        for arm in (PLAIN, RULE, CONTROL)
    ]


def da_sgd() -> list[dict]:
    r"""Return the runs at the paper's pairs: SGD, DA-SGD, momentum, and SGD at 1.82 times."""
    from lrcourse.papers import ahn

    about = {"data": "fashion-mnist", "network": "784-128-128-10", "count": None, "validation": 0}
    about |= {"epochs": 200, "times": 1.0}
    return [
        {
            **about,
            "batch_size": size,
            "method": arm.partition(" ")[0],
            "learning_rate": ahn.rate(size, power),
            "arm": arm,
            "seed": seed,
        }
        for sizes, seeds in STAGES
        for size in sizes
        for seed in seeds
        for arm, power in ARMS.items()
    ]


RUNS = {"layer-rates": layer_rates, "da-sgd": da_sgd}


def path(name: str) -> Path:
    r"""Return the file of a paper's rows.

    Args:
        name: one of ``RUNS``.
    """
    return RESULTS / f"{name}-own.jsonl"


def saved(name: str, lock: str, file: Path | None = None) -> list[dict]:
    r"""Return the rows of one lock, as they were written.

    Args:
        name: one of ``RUNS``.
        lock: hash of the claims.
        file: where they are; without it those that came with the package.
    """
    return [row for row in _read(file or path(name)) if row["lock"] == lock]


def rows(name: str, lock: str, file: Path | None = None) -> list[dict]:
    r"""Return the rows of one lock as the claims of the paper read them.

    Args:
        name: one of ``RUNS``.
        lock: hash of the claims.
        file: where they are; without it those that came with the package.

    Returns:
        For layer-rates one row for the three arms of a rule and seed, for da-sgd one a run; a
        group of which an arm is missing is left out.
    """
    arms = (PLAIN, RULE, CONTROL) if name == "layer-rates" else tuple(ARMS)
    groups: dict[tuple, dict[str, dict]] = {}
    for row in saved(name, lock, file):
        group = (row.get("rule"), row["batch_size"], row["seed"])
        groups.setdefault(group, {})[row["arm"]] = row
    whole = [group for group in groups.values() if set(group) == set(arms)]
    if name == "da-sgd":
        return [row for group in whole for row in group.values()]
    return [_of_three_arms(group) for group in whole]


def _of_three_arms(group: dict[str, dict]) -> dict:
    row = {name: value for name, value in group[PLAIN].items() if name != "arm"}
    for arm, found in group.items():
        row |= {arm: found["test_error"], f"{arm}_early": found["early_error"]}
        row |= {f"{arm}_loss": found["loss"], f"{arm}_ms": found["step_ms"]}
    return row | {"multiplier": group[RULE]["multiplier"]}


def run(name: str, setting: dict, multiplier: float | None = None) -> dict:
    r"""Train one run.

    Args:
        name: one of ``RUNS``.
        setting: one of its runs.
        multiplier: the mean of the run with layer-specific rates of that seed, for the control.

    Returns:
        test_error, early_error, loss, first_loss, step_ms, cpu_seconds, and for layer-rates the
        mean multiplier.
    """
    start = time.process_time()
    about = {name: value for name, value in setting.items() if name != "arm"}
    result = _layer_rates(setting["arm"], multiplier, about) if name == "layer-rates" else None
    if result is None:
        from lrcourse.papers import ahn

        result = ahn.train(**about)
    return result | {"cpu_seconds": round(time.process_time() - start, 3)}


def _layer_rates(arm: str, multiplier: float | None, about: dict) -> dict:
    from lrcourse.papers import singh_2015

    seed, network = about["seed"], about["network"]
    parts = singh_2015.parts(
        about.pop("data"), about.pop("validation"), seed, network in singh_2015.RAW
    )
    if arm == CONTROL:
        about["learning_rate"] *= multiplier
    found = singh_2015.train_arm(parts, layerwise=arm == RULE, **about)
    return {
        "test_error": found.error,
        "early_error": found.early,
        "loss": round(found.loss, 6),
        "first_loss": round(found.first_loss, 6),
        "multiplier": round(found.multipliers.mean().item(), 6),
        "step_ms": found.step_ms,
    }


def first_epoch(name: str, row: dict, multiplier: float | None = None) -> float:
    r"""Train a saved run anew for one epoch and return its mean loss, to compare with first_loss.

    Args:
        name: one of ``RUNS``.
        row: of its file.
        multiplier: as for ``run``.
    """
    (setting,) = [
        setting for setting in RUNS[name]() if all(row[k] == v for k, v in setting.items())
    ]
    return run(name, setting | _short(name, setting), multiplier)["first_loss"]


def _short(name: str, setting: dict) -> dict:
    if name == "da-sgd":
        return {"epochs": 1}
    return {"iterations": min(setting["iterations"], 60_000 // setting["batch_size"])}


def missing_runs(name: str, done: Sequence[dict]) -> Iterator[dict]:
    r"""Yield the runs of a paper that have no row yet.

    Args:
        name: one of ``RUNS``.
        done: the rows of the present lock.
    """
    keys = {_key(row) for row in done}
    yield from (setting for setting in RUNS[name]() if _key(setting) not in keys)


def _key(row: dict) -> tuple:
    return tuple(row.get(name) for name in ("rule", "batch_size", "arm", "seed"))


def _read(file: Path) -> list[dict]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [json.loads(line) for line in lines]


def _commit() -> str:
    def git(*words: str) -> str:
        folder = Path(__file__).parent
        command = ["git", "-C", str(folder), *words]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        return found.stdout.strip() if found.returncode == 0 else "unknown"

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "*.py")
    return git("rev-parse", "HEAD") + (" and changes" if changed not in ("", "unknown") else "")


def _multiplier(setting: dict, done: Sequence[dict]) -> float | None:
    if setting["arm"] != CONTROL:
        return None
    found = [row for row in done if _key(row) == _key(setting | {"arm": RULE})]
    return found[0]["multiplier"] if found else None


def train_missing(name: str, lock: str, file: Path, most: int | None = None) -> Iterator[str]:
    r"""Train the runs of a paper that have no row, and yield a line about each.

    Args:
        name: one of ``RUNS``.
        lock: hash of the claims.
        file: its rows.
        most: how many runs; None for all.
    """
    commit, done = _commit(), saved(name, lock, file)
    total, left = len(RUNS[name]()), list(missing_runs(name, done))
    yield f"{name}: {total - len(left)} of {total} runs are in {file}."
    for setting in left[:most]:
        result = run(name, setting, _multiplier(setting, done))
        row = {"lock": lock, "commit": commit, **setting, **result}
        done.append(row)
        lines = [json.dumps(each) for each in [*_read(file), row]]
        write_whole(file, "\n".join(lines) + "\n")
        about = " ".join(str(part) for part in _key(setting) if part is not None)
        yield (
            f"{name} {about}: test error {row['test_error']}, first loss {row['first_loss']}, "
            f"{row['cpu_seconds']:.0f} CPU seconds ({len(done)} of {total})"
        )


def smoke(name: str) -> Iterator[str]:
    r"""Train each arm of a paper for one epoch and yield a line about each; nothing is saved.

    Args:
        name: one of ``RUNS``.
    """
    seen, multiplier = set(), None
    for setting in RUNS[name]():
        key = (setting["arm"], setting.get("rule"), setting["batch_size"])
        if key in seen:
            continue
        seen.add(key)
        result = run(name, setting | _short(name, setting), multiplier)
        multiplier = result.get("multiplier", None) if setting["arm"] == RULE else multiplier
        yield f"{name} {' '.join(str(part) for part in key if part is not None)}: {result}"


def main(arguments: Sequence[str] | None = None) -> None:
    r"""Train what is missing.

    Args:
        arguments: of the command line; without them, those it was called with.
    """
    parser = argparse.ArgumentParser(prog="python -m lrcourse.papers.own_scale")
    parser.add_argument(
        "names", nargs="+", choices=list(RUNS), metavar="NAME", help=", ".join(RUNS)
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the rows")
    parser.add_argument("--most", type=int, help="how many runs of each, at most")
    parser.add_argument("--smoke", action="store_true", help="one epoch of each arm, saved nowhere")
    options = parser.parse_args(arguments)
    if os.environ.get("OMP_NUM_THREADS") != "1":
        parser.error("set OMP_NUM_THREADS=1: rows and their CPU times are of one thread.")
    import torch

    from lrcourse.papers.lock import own_hash

    torch.set_num_threads(1)
    if reasons := missing(setting["data"] for name in options.names for setting in RUNS[name]()):
        parser.error(" ".join(reasons.values()))
    options.out.mkdir(parents=True, exist_ok=True)
    folder = os.open(options.out, os.O_RDONLY)
    try:
        lock_file(folder)
    except BlockingIOError:
        parser.error(f"another process writes to {options.out}: wait for it.")
    for name in options.names:
        file = options.out / path(name).name
        lines = (
            smoke(name)
            if options.smoke
            else train_missing(name, own_hash(name), file, options.most)
        )
        for line in lines:
            print(line, flush=True)
    os.close(folder)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("Stopped. Finished runs are kept: the same command goes on.", file=sys.stderr)
        raise SystemExit(130) from None
