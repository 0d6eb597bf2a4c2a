"""The papers' own scale: which runs, how they resume, and how claims read their rows."""

import json
import os
from collections import Counter

import pytest

from lrcourse import papers
from lrcourse.papers import lock, own_scale, paper, run_own_scale
from lrcourse.papers.own_scale import ARMS, CONTROL, PLAIN, RULE
from lrcourse.papers.trial import HOLDS, UNTESTED, judged, judgements


def first_epoch(name, row, multiplier=None):
    r"""Return the mean loss of a saved run's first epoch, trained anew."""
    runs = own_scale.RUNS[name]()
    (setting,) = [s for s in runs if all(row[k] == v for k, v in s.items())]
    short = setting | own_scale.one_epoch(name, setting)
    return own_scale.run(name, short, multiplier)["first_loss"]


def test_the_runs_are_those_of_the_papers():
    lenet = own_scale.layer_rates()
    assert len(lenet) == 90
    assert {(s["data"], tuple(s["widths"]), s["iterations"]) for s in lenet} == {
        ("mnist", (20, 50, 500), 2000)
    }
    assert {s["rule"] for s in lenet} == {"momentum", "NAG", "AdaGrad"}
    dense = own_scale.da_sgd()
    assert {(s["data"], s["epochs"], s["times"], s["validation"]) for s in dense} == {
        ("fashion-mnist", 200, 1.0, 0)
    }
    first = dense[: 28 * len(ARMS)]
    runs = Counter(s["batch_size"] for s in first)
    assert runs == {256: 40, 128: 40, 64: 16, 32: 16} and len(first) == 112
    rates = {s["batch_size"]: s["learning_rate"] for s in dense if s["arm"] == "sgd"}
    assert (rates[256], rates[32], rates[8]) == (0.007, 0.004, 0.002)
    assert {s["learning_rate"] for s in dense if s["batch_size"] == 256} == {0.007, 0.01274}
    for runs in (lenet, dense):
        assert len({own_scale.key(setting) for setting in runs}) == len(runs)


def small_lenet():
    about = {"data": "fashion-mini", "widths": [3, 4, 8], "iterations": 3, "early": 2}
    return [s | about for s in own_scale.layer_rates() if s["seed"] == 10 and s["rule"] == "NAG"]


def small_dense():
    about = {"data": "fashion-mini", "network": "784-4-4-10", "count": 300, "epochs": 1}
    return [s | about for s in own_scale.da_sgd()[: len(ARMS)]]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setitem(own_scale.RUNS, "layer-rates", small_lenet)
    monkeypatch.setitem(own_scale.RUNS, "da-sgd", small_dense)


@pytest.mark.parametrize("name", own_scale.RUNS)
def test_a_killed_command_goes_on_and_repeats_nothing(tmp_path, small, name):
    file = tmp_path / "rows.jsonl"
    total = len(own_scale.RUNS[name]())
    first, *lines = run_own_scale.train_missing(name, "abc", file, most=2)
    assert first == f"{name}: 0 of {total} runs are in {file}." and len(lines) == 2
    before = file.read_bytes()
    first, *lines = run_own_scale.train_missing(name, "abc", file)
    assert first.startswith(f"{name}: 2 of {total}") and len(lines) == total - 2
    assert file.read_bytes().startswith(before)
    assert len(list(run_own_scale.train_missing(name, "abc", file))) == 1
    for row in own_scale.saved(name, "abc", file):
        assert row["first_loss"] > 0 and row["cpu_seconds"] > 0 and row["step_ms"] > 0
        assert row["lock"] == "abc" and row["commit"] and 0 < row["test_error"] < 100
    assert own_scale.saved(name, "another lock", file) == []


def test_rows_are_appended_and_a_torn_line_is_no_row(tmp_path, small):
    file = tmp_path / "rows.jsonl"
    list(run_own_scale.train_missing("da-sgd", "abc", file, most=2))
    whole, kept = file.read_bytes(), file.stat().st_ino
    file.write_bytes(whole + whole[:100])  # killed amid the third row
    assert len(own_scale.saved("da-sgd", "abc", file)) == 2
    first, *lines = run_own_scale.train_missing("da-sgd", "abc", file, most=1)
    assert first.startswith("da-sgd: 2 of 4 runs") and len(lines) == 1
    assert file.read_bytes().startswith(whole) and file.stat().st_ino == kept
    assert [json.loads(line)["arm"] for line in file.read_text().splitlines()] == list(ARMS)[:3]


def test_the_control_has_the_mean_multiplier_of_its_seed(tmp_path, small):
    file = tmp_path / "rows.jsonl"
    list(run_own_scale.train_missing("layer-rates", "abc", file))
    plain, rule, control = own_scale.saved("layer-rates", "abc", file)
    assert [row["arm"] for row in (plain, rule, control)] == [PLAIN, RULE, CONTROL]
    assert plain["first_loss"] != rule["first_loss"] != control["first_loss"]
    found = first_epoch("layer-rates", control, rule["multiplier"])
    assert found == pytest.approx(control["first_loss"], rel=0.02)
    (row,) = own_scale.rows("layer-rates", "abc", file)
    assert row["plain"] == plain["test_error"] and row["control"] == control["test_error"]
    assert row["multiplier"] == rule["multiplier"]


def test_an_unfinished_group_is_left_out(tmp_path, small):
    file = tmp_path / "rows.jsonl"
    list(run_own_scale.train_missing("da-sgd", "abc", file, most=3))
    assert len(own_scale.saved("da-sgd", "abc", file)) == 3
    assert own_scale.rows("da-sgd", "abc", file) == []
    list(run_own_scale.train_missing("da-sgd", "abc", file))
    assert len(own_scale.rows("da-sgd", "abc", file)) == 4


def test_the_primary_claims_are_judged_by_these_rows(tmp_path):
    file = tmp_path / "da-sgd.jsonl"
    rows = [
        {**s, "lock": "abc", "test_error": error + 0.0001 * s["seed"], "early_error": 0.3}
        | {"loss": 0.5, "step_ms": 1.0}
        for s in own_scale.da_sgd()
        for error in [0.16 if s["method"] == "sgd" and s["arm"] == "sgd" else 0.14]
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = judgements(paper("da-sgd"), own_scale.rows("da-sgd", "abc", file))
    verdicts = {claim.says: verdict for claim, _, verdict, _ in found}
    assert verdicts["From batch size 32 on DA-SGD has a lower test error (%) than SGD at the same "
                    "rate."] == HOLDS  # fmt: skip
    tuned = [verdict for says, verdict in verdicts.items() if "at its best rate" in says]
    assert set(tuned) == {UNTESTED}


def test_a_claim_about_several_batch_sizes_needs_the_runs_of_all(tmp_path):
    file = tmp_path / "da-sgd.jsonl"
    rows = [
        {**s, "lock": "abc", "test_error": 0.14 + 0.0001 * s["seed"], "early_error": 0.3}
        | {"loss": 0.5, "step_ms": 1.0}
        for s in own_scale.da_sgd()
        if s["batch_size"] in (256, 64, 16)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = own_scale.rows("da-sgd", "abc", file)
    tables = {row[0]: row for row in judged(paper("da-sgd"), found, "own").body}
    assert {row[-1] for row in tables.values()} == {UNTESTED}
    said = {says.partition(":")[0]: row[4] for says, row in tables.items()}
    assert said["From batch size 32 on DA-SGD has a lower test error (%) than SGD at the same "
                "rate."] == "Runs are missing at batch size 32, 128."  # fmt: skip
    assert said["At every batch size below 32 SGD has a lower test error (%) than DA-SGD."] == (
        "Runs are missing at batch size 8."
    )
    same = "Control: SGD at 1.82 times the rate has the same test error (%) as DA-SGD."
    assert tables[same][4] == "Runs are missing at batch size 8, 32, 128."
    assert tables[same][2] == "fashion-mnist, kmnist, quickdraw-10"  # what the paper has


def test_papers_saves_and_judges_them_by_name(monkeypatch, tmp_path):
    monkeypatch.setattr(own_scale, "RESULTS", tmp_path)
    own = lock.own_hash(paper("layer-rates"))
    rows = [
        {**s, "lock": own, "test_error": error + 0.01 * (s["seed"] % 3), "early_error": error}
        | {"loss": 0.05, "step_ms": 1.0, "multiplier": 2.0}
        for s in own_scale.layer_rates()
        for error in [1.5 if s["arm"] == PLAIN else 1.2]
    ]
    text = "".join(json.dumps(row) + "\n" for row in [*rows, rows[0] | {"lock": "older"}])
    own_scale.path("layer-rates").write_text(text)
    found = papers.saved("layer-rates", "own")
    assert len(found) == 30 and {row["data"] for row in found} == {"mnist"}
    table = papers.verdicts("layer-rates", scale="own")
    assert "Scale own: Caffe's LeNet (20, 50, 500) on all 60,000" in table.title
    first = table.body[0]
    assert first[1:3] == ("primary", "mnist") and first[-1] == HOLDS
    assert "difference -0.300" in first[4]
    assert "the same" in table.body[6][0] and table.body[6][-1] == HOLDS
    with pytest.raises(ValueError, match="irprop has no saved rows of scale 'own'"):
        papers.saved("irprop", "own")


def test_more_than_one_thread_is_refused(monkeypatch, capsys):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with pytest.raises(SystemExit):
        run_own_scale.main(["da-sgd", "--smoke"])
    assert "set OMP_NUM_THREADS=1" in capsys.readouterr().err


@pytest.mark.skipif(not os.environ.get("LRCOURSE_DATA"), reason="needs the papers' own data")
@pytest.mark.parametrize("name", own_scale.RUNS)
def test_one_saved_row_of_each_arm_is_what_a_run_of_today_gives(name):
    rows = own_scale.read(own_scale.path(name))
    if not rows:
        pytest.skip("these runs are not there yet")
    seen = {}
    for row in rows:
        seen.setdefault(row["arm"], row)
    for arm, row in seen.items():
        rule = [r for r in rows if own_scale.key(r) == own_scale.key(row | {"arm": RULE})]
        multiplier = rule[0]["multiplier"] if arm == CONTROL else None
        found = first_epoch(name, row, multiplier)
        assert found == pytest.approx(row["first_loss"], rel=0.01), arm
