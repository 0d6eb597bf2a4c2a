r"""The runs that come with the package: whole, small, and what a run of today gives."""

import json
from importlib.resources import files

import pytest
from click.testing import CliRunner

from lrcourse.cli import main
from lrcourse.papers import NAMES, paper, saved
from lrcourse.papers.trial import SEEDS
from lrcourse.sweep import RESERVED


def judging(name):
    r"""Return the saved rows of a paper, if they are of seeds that judge its claims."""
    rows = saved(name)
    if min(row["seed"] for row in rows) < SEEDS[0]:
        pytest.skip("rows from before the claims were locked: those of the locked seeds will come")
    return rows


def test_they_are_small():
    results = (files("lrcourse.papers") / "results").iterdir()
    assert sum(len(result.read_bytes()) for result in results) < 6_000_000


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_was_run_with_the_same_seeds_and_nothing_else(name):
    grid, rows = paper(name).grid("quick"), judging(name)
    seeds = {row["seed"] for row in rows}
    settings = {json.dumps(setting, sort_keys=True) for setting in grid}
    run = [(json.dumps({k: row[k] for k in grid_of(row, grid)}, sort_keys=True), row["seed"])
           for row in rows]  # fmt: skip
    assert seeds == set(paper(name).seeds)
    assert sorted(run) == sorted((setting, seed) for setting in settings for seed in seeds)
    assert len({row["code"] for row in rows}) == 1


def grid_of(row, grid):
    r"""Return the columns of a row that are its setting."""
    return next(list(s) for s in grid if s.items() <= row.items())


@pytest.mark.parametrize("name", NAMES)
def test_a_run_of_today_gives_what_was_saved(name):
    trial, rows = paper(name), [row for row in judging(name) if row["status"] == "done"]
    row = min(rows, key=lambda row: row["seconds"])
    setting = {k: row[k] for k in grid_of(row, trial.grid("quick"))}
    found = trial.train(**setting, seed=row["seed"])
    measured = {k: v for k, v in row.items() if k not in (*RESERVED, *setting)}
    assert found.keys() == measured.keys()
    for column, value in measured.items():
        if isinstance(value, float) and not column.endswith(
            "_ms"
        ):  # on another machine a few images may fall the other way
            assert found[column] == pytest.approx(value, rel=0.15), column


def test_the_package_reports_its_own_runs(tmp_path):
    result = CliRunner().invoke(
        main, ["reproduce", "layer-rates", "--saved", "--out", str(tmp_path / "new" / "folder")]
    )
    assert result.exit_code == 0, result.output
    assert "Missing" not in result.output
    page = tmp_path / "new" / "folder" / "layer-rates-saved.html"
    code = saved("layer-rates")[0]["code"]
    assert f"code version <code>{code}</code>" in page.read_text(encoding="utf-8")
    result = CliRunner().invoke(main, ["reproduce", "irprop", "--saved", "--scale", "full"])
    assert result.exit_code == 1 and "no saved rows of scale 'full'" in result.output
