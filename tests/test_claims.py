import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import needs
from claims import missing, numbers
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


def test_numbers_are_found_in_prints():
    text = "loss 0.5, 12,345 steps; 3e-05 or −2.5 (97.1%) w1 x_2 .5 1.2.3"
    assert numbers(text)[:6] == [0.5, 12345, 3e-5, -2.5, 97.1, 0.5]
    assert 1 not in numbers("w1 x_1")


def test_a_claim_stands_within_its_tolerance():
    assert missing(["0.85 0.02", "120"], "accuracy 0.836 after 120 steps") == []
    assert missing(["0.85 0.01", "12"], "accuracy 0.836 after 120 steps") == ["0.85 0.01", "12"]


def test_a_false_claim_fails_the_notebook(tmp_path):
    needs.package("nbval")
    for name, claim in (("right", "7"), ("wrong", "8")):
        prose = new_markdown_cell("It is.", metadata={"claims": [claim]})
        notebook = new_notebook(cells=[new_code_cell("print(3 + 4)"), prose])
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    (tmp_path / "pytest.ini").write_text("[pytest]")
    for name in ("conftest.py", "claims.py", "needs.py", "waiting.py"):
        shutil.copy(Path(__file__).with_name(name), tmp_path)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--nbval-lax", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 1 passed" in result.stdout
    assert "not printed by the cell before: ['8']" in result.stdout
