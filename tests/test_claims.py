import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import claims
import nbformat
import needs
import pytest
from claims import ClaimError, fault, numbers, parse
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[1]
OLD_FORM, UNCLAIMED = 0, 5  # how many are left in solutions/; they may only get fewer
OUTPUT = """\
constant: error 17.4 ± 0.5 %, loss 0.853, steps 12,345
momentum 0.9: loss 3.0e-05, drift -2.5
momentum 0.99: loss 0.2
twice a 1, a 2
Figure: A curve that ends at 0.41."""
PROSE = "An error of 17.4 %, a loss of 0.85 in 12,345 steps; 3e-5, −2.5, 0.41, 0.2, 1.0 and 7."


def texts(path):
    r"""Number, source, claims and type of the cell before, of each text cell of a notebook."""
    before = None
    for number, cell in enumerate(json.loads(path.read_text("utf-8"))["cells"], start=1):
        if cell["cell_type"] == "markdown":
            yield number, "".join(cell["source"]), cell["metadata"].get("claims", []), before
        before = cell["cell_type"]


def test_numbers_are_found_in_prints():
    text = "loss 0.5, 12,345 steps; 3e-05 or −2.5 (97.1%) w1 x_2 .5 1.2.3"
    assert numbers(text)[:6] == [0.5, 12345, 3e-5, -2.5, 97.1, 0.5]
    assert 1 not in numbers("w1 x_1")


@pytest.mark.parametrize(
    "claim",
    [
        "constant: 17.4 0.05",
        "constant: 17.4 0.5 spread",
        "loss 0.853, steps: 12,345 0",
        "constant[3]: 0.85 0.005",
        "momentum 0.9: 3e-5 5e-6",
        "momentum 0.9[2]: -2.5 0.05",
        "Figure: 0.41 0.005",
        "momentum 0.9 < momentum 0.99",
        "momentum 0.9 < momentum 0.99 by 0.1",
        "constant[2] < constant by 16.9",
    ],
)
def test_a_claim_stands(claim):
    assert fault(claim, PROSE, OUTPUT) is None


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ("constant: 0.85 0.005", "the output has 17.4."),
        ("momentum 0.99: 0.41 0.005", "the output has 0.2."),
        ("constant: 17.4 0.2", "at most 0.05, half of the last digit of 17.4"),
        (
            "constant: 17.4 0.6 spread",
            'at most the spread that the line prints, as in "17.4 ± 0.6"',
        ),
        ("momentum 0.99: 0.2 0.1 spread", "at most the spread"),
        ("constant[3]: 0.853 0.0005", "the text does not quote 0.853."),
        ("constant[9]: 7 0", "come 4 numbers in its line, not 9"),
        ("loss: 0.85 0.005", '"loss" is printed 3 times above'),
        ("a: 1.0 0", '"a" is printed 2 times above'),
        ("momentum: 1.0 0", '"momentum" is printed 2 times above'),
        ("moment: 7 0", '"moment" is printed nowhere above'),
        ("momentum 0.99 < momentum 0.9", "the output has 0.2 and 3.0e-05."),
        ("momentum 0.9 < momentum 0.99 by 0.3", "the output has 3.0e-05 and 0.2."),
        ("momentum 0.9 < momentum 0.9", "the output has"),
    ],
)
def test_a_claim_falls_with_a_sentence(claim, why):
    assert why in fault(claim, PROSE, OUTPUT)


@pytest.mark.parametrize(
    "claim",
    [
        "",
        "loss",
        "loss 0.85",
        "loss: 0.85",
        "loss: 0.85 0.005 or so",
        "a <= b",
        "a > b",
        "a < b < c",
    ],
)
def test_a_malformed_claim_says_what_is_allowed(claim):
    sentence = fault(claim, PROSE, OUTPUT)
    assert "malformed" in sentence
    assert claims.ALLOWED in sentence


def test_an_order_by_nothing_is_refused():
    assert 'what follows "by" must be more than 0' in fault("a < b by 0", PROSE, OUTPUT)


def test_a_claim_that_cannot_notice_another_number_is_refused(monkeypatch):
    claim = "momentum 0.99: 0.2 0.05"
    assert fault(claim, PROSE, OUTPUT) is None
    monkeypatch.setattr(claims.Quoted, "spoil", lambda self, output: output)
    assert "with another number just as well" in fault(claim, PROSE, OUTPUT)


@pytest.mark.parametrize(
    ("claim", "line"),
    [
        ("constant: 17.4 0.05", "constant: error 17.5"),
        ("constant: 17.4 0.5 spread", "constant: error 18.4 ± 0.5"),
        ("momentum 0.9[2]: -2.5 0.05", "drift -2.4"),
        ("momentum 0.9 < momentum 0.99", "momentum 0.99: loss 3.0e-05"),
    ],
)
def test_a_claim_is_tried_on_another_number(claim, line):
    assert line in parse(claim, PROSE).spoil(OUTPUT)


def test_elsewhere_only_orders_with_a_margin_are_held():
    for claim in ("constant: 17.4 0.05", "momentum 0.99 < momentum 0.9", "99"):
        assert fault(claim, PROSE, "another output", exact=False) is None
    assert fault("momentum 0.99 < momentum 0.9 by 0.1", PROSE, OUTPUT, exact=False)


def test_the_pinned_environment_is_known(monkeypatch, tmp_path):
    pins = {"numpy": "1.0", "torch": "2.0"}
    monkeypatch.setattr(claims, "CONSTRAINTS", tmp_path / "constraints.txt")
    later = 'numpy==3.0 ; python_version >= "3.15"\n'
    claims.CONSTRAINTS.write_text("".join(f"{k}=={v}\n" for k, v in pins.items()) + later)
    monkeypatch.setattr(claims.importlib.metadata, "version", {**pins, "torch": "2.0+cpu"}.get)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setattr(claims, "_features", lambda: {"AVX512_SKX": True})
    assert claims.not_pinned() == ""
    monkeypatch.setattr(claims, "_features", dict)
    assert claims.not_pinned() == "the processor takes other loops"
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert claims.not_pinned() == "OMP_NUM_THREADS is not 1"
    claims.CONSTRAINTS.write_text("numpy==1.1\ntorch==2.0\n")
    assert claims.not_pinned() == "numpy 1.0 is installed, 1.1 is pinned"


def test_the_old_form_stands_within_its_tolerance():
    text = "accuracy 0.836 after 120 steps"
    assert [fault(claim, "", text) for claim in ("0.85 0.02", "120")] == [None, None]
    assert all("not printed" in fault(claim, "", text) for claim in ("0.85 0.01", "12"))


def test_a_false_claim_fails_the_notebook(tmp_path):
    needs.package("nbval")
    cells = [new_code_cell("sum = 3 + 4\nprint('first:', sum)"), new_code_cell("print('then: 9')")]
    tests, binder = tmp_path / "tests", tmp_path / "binder"
    tests.mkdir()
    binder.mkdir()
    for name, claim in (
        ("right", "first: 7 0"),
        ("wrong", "then: 7 0"),
        ("order", "then < first by 1"),
        ("old", "8"),
    ):
        prose = new_markdown_cell("It is 7.", metadata={"claims": [claim]})
        nbformat.write(new_notebook(cells=[*cells, prose]), tests / f"{name}.ipynb")
    (tests / "pytest.ini").write_text("[pytest]")
    for name in ("conftest.py", "claims.py", "needs.py", "waiting.py"):
        shutil.copy(Path(__file__).with_name(name), tests)
    versions = (f"{name}=={claims.importlib.metadata.version(name)}" for name in ("numpy", "torch"))
    (binder / "constraints.txt").write_text(re.sub(r"\+\w+", "", "\n".join(versions)))
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--nbval-lax", "."],
        cwd=tests,
        env={**claims.os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 failed, 5 passed" in result.stdout
    assert 'the claim "then: 7 0" fails: the output has 9.' in result.stdout
    assert 'the claim "then < first by 1" fails: the output has 9 and 7.' in result.stdout
    assert 'the claim "8" fails: it is not printed' in result.stdout


@pytest.mark.parametrize("folder", ["chapters", "solutions"])
def test_claims_are_well_formed_and_stand_below_code(folder):
    wrong = []
    for path in sorted((ROOT / folder).glob("*.ipynb")):
        for number, source, found, before in texts(path):
            for claim in found:
                try:
                    parse(claim, source)
                    assert before == "code", "no code cell stands above its text."
                except (ClaimError, AssertionError) as error:
                    wrong.append(f'{path.name}, cell {number}: "{claim}": {error}')
    assert not wrong, "\n".join(wrong)


def test_no_more_claims_have_the_old_form():
    found = [
        f'{path.name}, cell {number}: "{claim}"'
        for path in sorted((ROOT / "solutions").glob("*.ipynb"))
        for number, _, all_claims, _ in texts(path)
        for claim in all_claims
        if claims.old(claim)
    ]
    assert len(found) <= OLD_FORM, "\n".join([f"{len(found)} have the old form:", *found])


def test_no_more_texts_quote_decimals_without_claims():
    found = [
        f"{path.name}, cell {number}: {source[:60]!r}"
        for path in sorted((ROOT / "solutions").glob("*.ipynb"))
        for number, source, all_claims, _ in texts(path)
        if re.match(r"(<details><summary>|\*\*)What to see", source) and not all_claims
        if re.search(r"\d\.\d", re.sub(r"`[^`]*`", "", re.split(r"\n## |</details>", source)[0]))
    ]
    assert len(found) <= UNCLAIMED, "\n".join([f"{len(found)} quote without a claim:", *found])
