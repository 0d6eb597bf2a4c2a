r"""The table of benchmarks: what counts as slower, made-up rows only; nothing is timed here."""

import sys

import numpy as np
import pytest
from benchmarks import __main__ as command
from benchmarks.lines import count
from benchmarks.table import Row, in_turns, lines, ratios, read, regressions, write

BEFORE = [
    Row("step", 1e-4, {"torch / ours": 2.0, "ours / floor": 1.5}),
    Row("slider", 0.010),
    Row("gone", 1.0),
]


@pytest.mark.parametrize(
    ("now", "named"),
    [
        (Row("step", 9.0, {"torch / ours": 1.7, "ours / floor": 1.79}), []),
        (Row("step", 1e-4, {"torch / ours": 1.6}), ["step: torch / ours was 2.00, is 1.60"]),
        (Row("step", 1e-4, {"ours / floor": 1.9}), ["step: ours / floor was 1.50, is 1.90"]),
        (Row("step", 1e-4, {"torch / ours": 9.0, "ours / floor": 0.1}), []),
        (Row("step", 2e-4, {"jax / ours": 1.0}), ["step: was 100 us, is 200 us"]),
        (Row("slider", 0.0119), []),
        (Row("slider", 0.013), ["slider: was 10 ms, is 13 ms"]),
        (Row("new", 100.0), []),
    ],
)
def test_what_is_over_20_percent_worse_is_named(now, named):
    assert regressions(BEFORE, [now]) == named


def test_rows_come_back_from_json(tmp_path):
    write(BEFORE, tmp_path / "rows.json")
    assert read(tmp_path / "rows.json") == BEFORE


def test_ratios_are_medians_turn_by_turn():
    times = {"ours": [1.0, 2, 4], "torch": [3.0, 8, 4], "floor": [1.0, 1, 1]}
    row = ratios("step", {name: np.array(spent) for name, spent in times.items()})
    assert row == Row("step", 2.0, {"torch / ours": 3.0, "ours / floor": 2.0})
    assert list(lines([row])) == ["step        2 s   torch / ours 3.00   ours / floor 2.00"]


def test_runs_take_turns_after_one_to_warm_up():
    ticks, calls = iter(range(100)), []
    runs = {name: lambda name=name: calls.append(name) for name in "ab"}
    times = in_turns(runs, rounds=2, clock=lambda: next(ticks))
    assert calls == list("ababab")
    assert {name: spent.tolist() for name, spent in times.items()} == {"a": [1, 1], "b": [1, 1]}


SOURCE = '''r"""A module.

More.
"""

# A comment.
def f(x):
    """One."""
    text = """two

    lines"""  # and a blank one between them: a string that is no docstring
    return g(
        x, text
    )
'''


def test_lines_of_code_are_neither_blank_nor_comments_nor_docstrings():
    assert count(SOURCE) == (7, 14)


@pytest.fixture
def run(monkeypatch, capsys):
    r"""Run the command with made-up parts."""

    def run(*arguments, rows=()):
        monkeypatch.setattr(sys, "argv", ["benchmarks", *map(str, arguments)])
        monkeypatch.setattr(command, "measured", lambda parts, quick: rows)
        code = 0
        try:
            command.main()
        except SystemExit as stopped:
            code = stopped.code
        return code, "".join(capsys.readouterr())

    return run


def test_the_command_keeps_and_compares(run, tmp_path):
    kept = tmp_path / "kept.json"
    assert run("--json", kept, rows=BEFORE)[0] == 0
    code, said = run("--against", kept, rows=BEFORE)
    assert code == 0 and "Nothing is more than 20 % slower" in said
    code, said = run("--against", kept, rows=[Row("slider", 1.0)])
    assert code == 1 and "slider: was 10 ms, is 1 s" in said


def test_the_command_refuses_in_one_sentence(run, tmp_path):
    code, said = run("sliders")
    assert code == 2 and "there is no part 'sliders'; the parts are training_step" in said
    code, said = run("--against", tmp_path / "none.json")
    assert code == 2 and "there is no file" in said


def test_chapter_times_come_from_a_junit_file(tmp_path):
    (tmp_path / "junit.xml").write_text(
        '<testsuites><testsuite name="pytest" time="90.5">'
        '<testcase classname="chapters.01_one_knob.ipynb" name="cell 1" time="1.5"/>'
        '<testcase classname="chapters.01_one_knob.ipynb" name="cell 2" time="2.5"/>'
        '<testcase classname="tests.test_nn" name="test" time="9"/></testsuite></testsuites>'
    )
    expected = [Row("suite", 90.5), Row("chapters/01_one_knob.ipynb", 4.0)]
    assert list(command.suite(tmp_path / "junit.xml")) == expected
