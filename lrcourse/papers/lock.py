r"""The lock of the claims: what is judged, by which rule, on which grids and seeds.

``write_lock`` writes ``claims.lock.json`` from the code, before the runs that the claims judge.
Each paper has a hash there, over its claims with their words and rules, its grids and its seeds; a
change of the code shows as another hash, and the next writing lists what changed, when, and why.
Tables say whether their claims are those of the lock.
"""

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from lrcourse.papers import own_scale
from lrcourse.papers.trial import LEVEL, RULE, SCALES, UNDECIDED, Claim, Paper

PATH = Path(__file__).parent / "claims.lock.json"
BEFORE = (
    "The trials were built on seeds 0 to 4, whose rows had been seen when these claims were "
    "written; none of these seeds judges.",
    "Two splits of da-sgd's claims by batch size, and the claim that it equals momentum, were made "
    "after the first results. They are marked post hoc, and the wordings before them are back.",
    "Claims about errors that named no resolution got one: half a point, on MNIST a tenth of one.",
    "Rates were chosen on the test images in three of the trials; they are chosen on validation "
    "images now, for numbers of epochs on the other seeds, from as many settings for each side.",
)


def digest(content: object) -> str:
    r"""Return a short hash of plain data.

    Args:
        content: what JSON can hold.
    """
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def claim_entry(claim: Claim, of: Paper) -> dict:
    r"""Return a claim as the lock has it.

    Args:
        claim: the claim.
        of: its paper.
    """
    entry = {"claim": claim.says, "kind": claim.kind, "must": claim.rule, "printed": claim.printed}
    entry["data"] = list(of.papers_data if claim.data is None else claim.data)
    if claim.words:
        entry["words"] = claim.words
    if claim.before:
        entry["before"] = claim.before
    return entry


def entry(of: Paper) -> dict:
    r"""Return all that a paper's hash is made of.

    Args:
        of: the paper.
    """
    found = {
        "claims": [claim_entry(claim, of) for claim in of.claims],
        "dropped": [
            {"claim": says, "verdict": UNDECIDED, "reason": why} for says, why in of.dropped
        ],
        "grids": {scale: digest(of.grid(scale)) for scale in SCALES},
        "seeds": list(of.seeds),
    }
    if of.name in own_scale.RUNS:
        found["own scale"] = _own(of)
    return found


def _own(of: Paper) -> dict:
    runs = own_scale.RUNS[of.name]()
    return {
        "runs": len(runs),
        "grid": digest(runs),
        "seeds": sorted({setting["seed"] for setting in runs}),
        "hash": own_hash(of),
    }


def own_hash(of: Paper) -> str:
    r"""Return the hash that the rows of a paper's own scale carry.

    It is over the rule, the primary claims and the runs, so that a change of what only smaller
    networks test leaves these rows what they are.

    Args:
        of: one of ``own_scale.RUNS``.
    """
    primary = [claim_entry(claim, of) for claim in of.claims if claim.primary]
    return digest([RULE, primary, own_scale.RUNS[of.name]()])


@functools.cache
def locked() -> dict:
    r"""Return the lock as it was written."""
    return json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}


def state(of: Paper) -> str:
    r"""Return in a sentence whether a paper's claims are those of the lock.

    Args:
        of: the paper.
    """
    found = locked().get("papers", {}).get(of.name)
    if found is None:
        return "Claims not locked."
    if found["hash"] != digest([RULE, entry(of)]):
        return f"Claims changed since they were locked on {found['date']}."
    return f"Claims locked on {found['date']}, {found['hash'][:8]}."


def written(old: dict, because: str, today: str, every: Iterable[Paper]) -> dict:
    r"""Return the lock as the code has it, and list what has changed.

    Args:
        old: the lock before, or an empty dict.
        because: why it changes.
        today: the date.
        every: the papers.
    """
    papers, changes = {}, list(old.get("changes", []))
    for of in every:
        found, before = entry(of), old.get("papers", {}).get(of.name)
        found = {"hash": digest([RULE, found]), "date": today, **found}
        if before and before["hash"] == found["hash"]:
            found["date"] = before["date"]
        elif before:
            what = list(_differences(before, found)) or ["the rule of all verdicts"]
            about = {"date": today, "paper": of.name, "what": what, "because": because}
            changes.append(about | {"hash before": before["hash"]})
        papers[of.name] = found
    about = {"rule": RULE, "level": LEVEL, "before the lock": list(BEFORE)}
    return about | {"papers": papers, "changes": changes}


def _differences(before: dict, now: dict) -> Iterator[str]:
    old, new = ({each["claim"]: each for each in lock["claims"]} for lock in (before, now))
    yield from (f"added: {says}" for says in new if says not in old)
    yield from (f"left out: {says}" for says in old if says not in new)
    for says in old:
        if says in new and old[says] != new[says]:
            names = [name for name in new[says] if new[says][name] != old[says].get(name)]
            yield f"changed ({', '.join(names)}): {says}"
    for part in ("dropped", "grids", "seeds", "own scale"):
        if before.get(part) != now.get(part):
            yield part
