r"""Train the runs of ``own_scale`` that are missing.

    OMP_NUM_THREADS=1 python -m lrcourse.papers.run_own_scale layer-rates da-sgd

trains one run after the other and writes a line of JSON after each; started again, it continues
after the last line.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lrcourse.files import lock as lock_file
from lrcourse.papers import own_scale, paper
from lrcourse.papers.images import missing
from lrcourse.papers.lock import own_hash


def _commit() -> str:
    def git(*words: str) -> str:
        folder = Path(__file__).parent
        command = ["git", "-C", str(folder), *words]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        return found.stdout.strip() if found.returncode == 0 else "unknown"

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "*.py")
    return git("rev-parse", "HEAD") + (" and changes" if changed not in ("", "unknown") else "")


def _multiplier(setting: dict, done: Sequence[dict]) -> float | None:
    # The control steps by the mean multiplier of the run with layer-specific rates.
    if setting["arm"] != own_scale.CONTROL:
        return None
    rule = own_scale.key(setting | {"arm": own_scale.RULE})
    return next((row["multiplier"] for row in done if own_scale.key(row) == rule), None)


def train_missing(name: str, lock: str, file: Path, most: int | None = None) -> Iterator[str]:
    r"""Train the runs of a paper that have no row, and yield a line about each.

    Args:
        name: one of ``own_scale.RUNS``.
        lock: hash of the claims.
        file: its rows.
        most: how many runs; None for all.
    """
    commit, done = _commit(), own_scale.saved(name, lock, file)
    total, left = len(own_scale.RUNS[name]()), list(own_scale.missing_runs(name, done))
    yield f"{name}: {total - len(left)} of {total} runs are in {file}."
    for setting in left[:most]:
        result = own_scale.run(name, setting, _multiplier(setting, done))
        row = {"lock": lock, "commit": commit, **setting, **result}
        done.append(row)
        own_scale.append(file, row)
        about = " ".join(str(part) for part in own_scale.key(setting) if part is not None)
        yield (
            f"{name} {about}: test error {row['test_error']}, first loss {row['first_loss']}, "
            f"{row['cpu_seconds']:.0f} CPU seconds ({len(done)} of {total})"
        )


def smoke(name: str) -> Iterator[str]:
    r"""Train each arm of a paper for one epoch and yield a line about each; nothing is saved.

    Args:
        name: one of ``own_scale.RUNS``.
    """
    seen, multiplier = set(), None
    for setting in own_scale.RUNS[name]():
        key = (setting["arm"], setting.get("rule"), setting["batch_size"])
        if key in seen:
            continue
        seen.add(key)
        result = own_scale.run(name, setting | own_scale.one_epoch(name, setting), multiplier)
        if setting["arm"] == own_scale.RULE:
            multiplier = result["multiplier"]
        yield f"{name} {' '.join(str(part) for part in key if part is not None)}: {result}"


def main(arguments: Sequence[str] | None = None) -> None:
    r"""Train what is missing.

    Args:
        arguments: of the command line; without them, those it was called with.
    """
    parser = argparse.ArgumentParser(prog="python -m lrcourse.papers.run_own_scale")
    parser.add_argument(
        "names",
        nargs="+",
        choices=list(own_scale.RUNS),
        metavar="NAME",
        help=", ".join(own_scale.RUNS),
    )
    parser.add_argument("--out", type=Path, default=own_scale.RESULTS, help="folder of the rows")
    parser.add_argument("--most", type=int, help="how many runs of each, at most")
    parser.add_argument("--smoke", action="store_true", help="one epoch of each arm, saved nowhere")
    options = parser.parse_args(arguments)
    if os.environ.get("OMP_NUM_THREADS") != "1":
        parser.error("set OMP_NUM_THREADS=1: rows and their CPU times are of one thread.")
    import torch

    torch.set_num_threads(1)
    if reasons := missing(
        setting["data"] for name in options.names for setting in own_scale.RUNS[name]()
    ):
        parser.error(" ".join(reasons.values()))
    options.out.mkdir(parents=True, exist_ok=True)
    folder = os.open(options.out, os.O_RDONLY)
    try:
        lock_file(folder)
    except BlockingIOError:
        parser.error(f"another process writes to {options.out}: wait for it.")
    for name in options.names:
        file = options.out / own_scale.path(name).name
        lines = (
            smoke(name)
            if options.smoke
            else train_missing(name, own_hash(paper(name)), file, options.most)
        )
        for line in lines:
            print(line, flush=True)
    os.close(folder)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("Stopped. Finished runs are kept: the same command does the rest.", file=sys.stderr)
        raise SystemExit(130) from None
