"""The lock of the claims: it agrees with the code, and has all that was ever judged."""

import json
from pathlib import Path

import pytest

from lrcourse import papers
from lrcourse.papers import NAMES, lock, own_scale, paper
from lrcourse.papers.trial import RULE, SEEDS, UNDECIDED, judged

PAPERS = [name for name in NAMES if not name.startswith("race")]  # a race is nobody's paper
FIRST = json.loads((Path(__file__).parent / "first_claims.json").read_text(encoding="utf-8"))
LOCKED = lock.locked()["papers"]


@pytest.mark.parametrize("name", NAMES)
def test_lock_and_code_agree(name):
    assert lock.state(paper(name)).startswith(f"Claims locked on {LOCKED[name]['date']}")
    code = json.loads(json.dumps(lock.entry(paper(name))))
    assert {part: LOCKED[name][part] for part in code} == code
    assert lock.locked()["rule"] == RULE


@pytest.mark.parametrize("name", NAMES)
def test_every_verdict_that_is_shown_is_of_a_locked_claim(name):
    claims = [(entry["claim"], entry["kind"]) for entry in LOCKED[name]["claims"]]
    shown = papers.verdicts(name)
    assert [line[:2] for line in shown.body] == claims
    assert LOCKED[name]["hash"][:8] in shown.title
    assert len({says for says, _ in claims}) == len(claims)


@pytest.mark.parametrize("name", NAMES)
def test_all_first_claims_are_there(name):
    r"""In their words, as the words before other ones, or left out, undecided and with a reason."""
    now = {entry["claim"] for entry in LOCKED[name]["claims"]}
    now |= {entry.get("before") for entry in LOCKED[name]["claims"]}
    dropped = {entry["claim"]: entry for entry in LOCKED[name]["dropped"]}
    for says in FIRST.get(name, ()):  # a trial that began with the lock has no earlier ones
        assert says in now or (dropped[says]["verdict"] == UNDECIDED and dropped[says]["reason"])
    assert sum(len(claims) for claims in FIRST.values()) == 77 + 22


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_has_at_most_three_primary_claims_in_its_own_words(name):
    primary = [claim for claim in paper(name).claims if claim.primary]
    assert 1 <= len(primary) <= 3
    assert all(claim.words and not claim.post_hoc for claim in primary)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(PAPERS)))
def test_a_race_has_at_most_three_primary_claims(name):
    assert sum(claim.primary for claim in paper(name).claims) == 3


def test_splits_made_after_the_results_are_marked():
    after = [claim.says for claim in paper("da-sgd").claims if claim.post_hoc]
    assert len(after) == 8
    assert any(says.startswith("At batch size 32, too") for says in after)


def test_the_seeds_that_judge_were_not_used_before():
    for name in NAMES:
        assert paper(name).seeds[: len(SEEDS)] == SEEDS and min(paper(name).seeds) == 10


def test_listing_a_grid_loads_no_data(monkeypatch):
    monkeypatch.setattr("lrcourse.papers.images.load", pytest.fail)
    for name in NAMES:
        assert len(paper(name).grid("full")) > 20 and len(paper(name).grid("quick")) > 20
    for runs in own_scale.RUNS.values():
        assert len(runs()) > 80


def test_no_stand_in_has_the_place_of_a_papers_classes():
    for name in PAPERS:
        assert "patches" not in {setting["data"] for setting in paper(name).grid("full")}


def test_a_change_is_listed_with_its_reason(monkeypatch):
    old = lock.locked()
    assert lock.written(old, "", "2030-01-01", map(paper, NAMES)) == old
    tried = paper("irprop")
    claims = (tried.claims[0]._replace(rule="fewer by over 2 epochs"), *tried.claims[2:])
    monkeypatch.setitem(tried.__dict__, "claims", claims)
    assert lock.state(tried).startswith("Claims changed since they were locked")
    now = lock.written(old, "a test", "2030-01-01", map(paper, NAMES))
    (change,) = now["changes"][len(old["changes"]) :]
    assert (change["paper"], change["because"], change["date"]) == (
        "irprop",
        "a test",
        "2030-01-01",
    )
    assert change["what"] == [
        f"left out: {FIRST['irprop'][1]}",
        f"changed (must): {FIRST['irprop'][0]}",
    ]
    assert now["papers"]["irprop"]["date"] == "2030-01-01"
    assert now["papers"]["da-sgd"] == old["papers"]["da-sgd"]


def test_claims_that_are_not_locked_are_said_to_be_so():
    import tiny_paper

    assert (
        "Claims not locked."
        in judged(tiny_paper.PAPER, [], "quick", lock.state(tiny_paper.PAPER)).title
    )
