r"""Each check rejects every slip of the hand in its worked solution, but those that change nothing.

``survivors.toml`` lists what no check rejects, by exercise and changed line, with the reason why it
is the same.
"""

import ast
import functools
import json
import re
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from mutants import Endless, limited, mutants

from lrcourse import exercises

ROOT = Path(__file__).parents[1]
SURVIVORS = tomllib.loads(Path(__file__).with_name("survivors.toml").read_text("utf-8"))
BY_OUTCOME = SURVIVORS.pop("by outcome")  # id: what is measured or decided; any way there is right
EXERCISES = {e.id: e for chapter in exercises.chapters() for e in exercises.exercises(chapter)}
JUDGED = [id for id in EXERCISES if id not in BY_OUTCOME]


def worked(id):
    r"""An exercise's worked cell, and what the imports above it define."""
    (path,) = (ROOT / "solutions").glob(f"{id[:2]}_*.ipynb")
    namespace = {}
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            exec("\n".join(re.findall(r"^(?:import|from) .*", source, re.MULTILINE)), namespace)
        if cell["metadata"].get("exercise") == id:
            return source, namespace
    raise LookupError(id)


@functools.cache
def outcome(id):
    r"""All mutants of an exercise by name, those that pass its checks, and the seconds it took."""
    start, (source, namespace) = time.process_time(), worked(id)
    filename = f"<solution of {id}>"
    checks = [replace(EXERCISES[id], checks=[one]) for one in EXERCISES[id].checks]

    def lines(code, most):
        # How many lines each check executes; None once it rejects the answer.
        space, counts = dict(namespace), []
        exec(code, space)
        for check, limit in zip(checks, most, strict=True):
            judge = functools.partial(exercises.judged, check, space)
            result, count = limited(judge, filename, limit)
            if result.status != exercises.PASSED:
                return None
            counts.append(count)
        return counts

    def survives(mutant):
        try:
            return lines(mutant.code, [3 * count + 1000 for count in right]) is not None
        except Endless:
            return False

    right = lines(compile(source, filename, "exec"), [10**6] * len(checks))
    assert right, "the worked solution does not pass"
    found = mutants(source, filename)
    alive = [mutant.name for mutant in found if survives(mutant)]
    return [mutant.name for mutant in found], alive, time.process_time() - start


@pytest.mark.filterwarnings("ignore")  # a mutant may well divide by zero
@pytest.mark.parametrize("id", JUDGED)
def test_a_slip_is_rejected(id):
    _, alive, _ = outcome(id)
    new = [name for name in alive if name not in SURVIVORS.get(id, {})]
    assert not new, "\n".join([f"the checks of {id} accept", *new])


@pytest.mark.filterwarnings("ignore")
def test_no_survivor_is_listed_in_vain(capsys):
    vain, found = [], {id: outcome(id) for id in JUDGED}
    for id, listed in SURVIVORS.items():
        alive = found[id][1] if id in found else []
        vain += [f"{id}: {name}" for name in listed if name not in alive]
    assert not vain, "\n".join(["rejected by now, so take it out of survivors.toml:", *vain])
    seconds = sorted(((s, id) for id, (_, _, s) in found.items()), reverse=True)
    with capsys.disabled():
        total = sum(len(names) for names, _, _ in found.values())
        slowest = ", ".join(f"{id} {s:.1f} s" for s, id in seconds[:3])
        print(f"\n{total} mutants, {sum(s for s, _ in seconds):.0f} s of one core; {slowest}")


@pytest.mark.filterwarnings("ignore")
def test_few_mutants_are_equivalent():
    total = sum(len(outcome(id)[0]) for id in JUDGED)
    reasons = [reason for listed in SURVIVORS.values() for reason in listed.values()]
    assert len(reasons) <= 0.02 * total
    assert all(len(reason.split()) > 2 for reason in reasons)
    assert set(BY_OUTCOME) <= set(EXERCISES)


SOURCE = """
def answer(w, g, rates, steps):
    path = [w]
    ### BEGIN SOLUTION
    for k in range(steps):
        if k > 2 and not steps:
            w = w - rates[-1] * g.mean(axis=0)
        path.append(w)
    return w, np.sqrt(path)
    ### END SOLUTION
"""


@pytest.mark.parametrize(
    "name",
    [
        "for k in range(steps): -> for k in range(steps + 1):",
        "for k in range(steps): -> for k in range(w):",
        "for k in range(steps): -> pass",
        "if k > 2 and (not steps): -> if k >= 2 and (not steps):",
        "if k > 2 and (not steps): -> if k > 3 and (not steps):",
        "if k > 2 and (not steps): -> if k > 2 or not steps:",
        "if k > 2 and (not steps): -> if k > 2 and steps:",
        "if k > 2 and (not steps): -> if not (k > 2 and (not steps)):",
        "w = w - rates[-1] * g.mean(axis=0) -> w = w + rates[-1] * g.mean(axis=0)",
        "w = w - rates[-1] * g.mean(axis=0) -> w = rates[-1] * g.mean(axis=0) - w",
        "w = w - rates[-1] * g.mean(axis=0) -> w = w - rates[+1] * g.mean(axis=0)",
        "w = w - rates[-1] * g.mean(axis=0) -> w = w - rates[-1] * g.mean()",
        "w = w - rates[-1] * g.mean(axis=0) -> w = w - rates[-1] * g.sum(axis=0)",
        "w = w - rates[-1] * g.mean(axis=0) -> w = w - rates[-1] * g.mean(axis=1)",
        "w = w - rates[-1] * g.mean(axis=0) -> w = w - rates[-1]",
        "w = w - rates[-1] * g.mean(axis=0) -> w -= rates[-1] * g.mean(axis=0)",
        "path.append(w) -> (after the loop)",
        "return (w, np.sqrt(path)) -> (in the loop)",
        "path.append(w) -> pass",
        "return (w, np.sqrt(path)) -> return (np.sqrt(path), w)",
        "return (w, np.sqrt(path)) -> return (w, path)",
    ],
)
def test_a_slip_is_made(name):
    assert name in [mutant.name for mutant in mutants(SOURCE, "answer")]


def test_only_the_region_is_changed_by_one_edit():
    tree = ast.parse(SOURCE)
    found = mutants(SOURCE, "answer")
    assert len(found) == len({mutant.name for mutant in found}) > 40
    assert not any(mutant.name.startswith(("path = [w]", "def")) for mutant in found)
    assert ast.dump(tree) == ast.dump(ast.parse(SOURCE))
    assert [mutant.name for mutant in found] == [m.name for m in mutants(SOURCE, "answer")]


def test_an_endless_answer_is_stopped_by_the_number_of_its_lines():
    namespace = {}
    lines = ["def endless(n):", " while n:", "  try: n += 1", "  except Exception: pass"]
    exec(compile("\n".join(lines), "endless", "exec"), namespace)
    assert limited(lambda: namespace["endless"](0), "endless", 100) == (None, 1)
    assert limited(lambda: sum(range(1000)), "endless", 100)[1] == 0
    with pytest.raises(Endless):
        limited(lambda: namespace["endless"](1), "endless", 100)
