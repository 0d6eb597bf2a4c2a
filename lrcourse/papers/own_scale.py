r"""Two papers at their own scale, on their own data: the runs that judge their primary claims.

Nothing is chosen by these runs, so all training images are trained on. Each row carries the lock of
the claims that it judges (``lrcourse.papers.lock``) and the commit of the code; the tables use the
rows of the present lock only. ``run_own_scale`` trains what is missing.
"""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from lrcourse.files import append_whole

RESULTS = Path(__file__).parent / "results"
PLAIN, RULE, CONTROL = "plain", "layerwise", "control"  # the arms of layer-rates, in this order
ARMS = {"sgd": 0, "da-sgd": 0, "momentum": 0, "sgd at 1.82 times the rate": 1}  # and their power


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
        for sizes, seeds in ahn.STAGES
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
    return [row for row in read(file or path(name)) if row["lock"] == lock]


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
    if name == "layer-rates":
        result = _layer_rates(setting["arm"], multiplier, about)
    else:
        from lrcourse.papers import ahn

        result = ahn.train(**about)
    return result | {"cpu_seconds": round(time.process_time() - start, 3)}


def _layer_rates(arm: str, multiplier: float | None, about: dict) -> dict:
    from lrcourse.papers import singh_2015, singh_networks

    seed, network = about["seed"], about["network"]
    parts = singh_networks.parts(
        about.pop("data"), about.pop("validation"), seed, network in singh_2015.RAW
    )
    if arm == CONTROL:
        about["learning_rate"] *= multiplier
    found = singh_networks.train_arm(parts, layerwise=arm == RULE, **about)
    return {
        "test_error": found.error,
        "early_error": found.early,
        "loss": round(found.loss, 6),
        "first_loss": round(found.first_loss, 6),
        "multiplier": round(found.multipliers.mean().item(), 6),
        "step_ms": found.step_ms,
    }


def one_epoch(name: str, setting: dict) -> dict:
    r"""Return the columns that shorten a run to one epoch.

    Args:
        name: one of ``RUNS``.
        setting: one of its runs.
    """
    if name == "da-sgd":
        return {"epochs": 1}
    return {"iterations": min(setting["iterations"], 60_000 // setting["batch_size"])}


def missing_runs(name: str, done: Sequence[dict]) -> Iterator[dict]:
    r"""Yield the runs of a paper that have no row yet.

    Args:
        name: one of ``RUNS``.
        done: the rows of the present lock.
    """
    keys = {key(row) for row in done}
    yield from (setting for setting in RUNS[name]() if key(setting) not in keys)


def key(row: dict) -> tuple:
    r"""Return what tells a run from the others of its paper.

    Args:
        row: a row, or a setting.
    """
    return tuple(row.get(name) for name in ("rule", "batch_size", "arm", "seed"))


def read(file: Path) -> list[dict]:
    r"""Return the rows of a file, none if there is no file.

    Args:
        file: of JSON lines; a last line without an end, left by a killed run, is no row.
    """
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def append(file: Path, row: dict) -> None:
    r"""Add a row to a file, in place of a last line without an end.

    Args:
        file: of JSON lines; made if need be.
        row: plain data.
    """
    with file.open("a+b", buffering=0) as lines:
        lines.seek(0)
        content = lines.read()
        lines.truncate(content.rfind(b"\n") + 1)
        append_whole(lines, json.dumps(row).encode() + b"\n")
