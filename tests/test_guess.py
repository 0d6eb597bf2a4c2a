r"""Guesses: what may be asked and answered, and what they say where there is no browser."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from lrcourse.widgets import guess as module
from lrcourse.widgets.guess import guess, outcome, tally

QUESTION = "Which is ahead after 60 steps?"


@pytest.fixture(autouse=True)
def _no_rows(monkeypatch):
    monkeypatch.setattr(module, "_rows", {})
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


def data(shown):
    r"""What an output gives to the browser."""
    found = re.search(r'data-lrcourse="([^"]*)"', shown._repr_mimebundle_()["text/html"])[1]
    return json.loads(found.replace("&quot;", '"').replace("&#x27;", "'").replace("&amp;", "&"))


def test_the_package_offers_the_three_names_and_loads_little():
    code = "import sys; from lrcourse import guess, outcome, tally; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"ipywidgets", "anywidget", "numpy", "IPython"} & set(run.stdout.split())


def test_as_text_they_are_short_sentences():
    asked = guess("09.a", QUESTION, ["plain", "momentum"])
    assert repr(asked) == f"Guess 09.a: {QUESTION} (plain, momentum)"
    assert repr(outcome("09.a", "momentum")) == f"{QUESTION} The run: momentum."
    guess("09.b", "How many steps does plain descent take?", unit="steps")
    assert repr(tally()) == "Guesses asked: 2. The runs: 09.a momentum; 09.b not run."


def test_a_guess_in_code_is_compared_without_a_browser():
    guess("09.a", QUESTION, ["plain", "momentum"], mine="plain")
    assert repr(outcome("09.a", "momentum")).endswith("Your guess: plain, not this time.")
    guess("09.b", "How many?", unit="steps", mine=50)
    assert repr(outcome("09.b", 60)).endswith("50, right: too low by a factor of 1.2.")
    assert repr(tally()).startswith("Guesses asked: 2. You made 2, and 1 were right.")


@pytest.mark.parametrize(
    ("mine", "value", "said"),
    [
        (100, 100.0, "right"),
        (125, 100, "right: too high by a factor of 1.25"),
        (126, 100, "not this time: too high by a factor of 1.26"),
        (0.08, 0.1, "right: too low by a factor of 1.25"),
        (-3, -2, "not this time: too low by a factor of 1.5"),
        (0, 0.0, "right"),
        (1, 0, "not this time: too high by 1 steps"),
        (-1, 2.5, "not this time: too low by 3.5 steps"),
    ],
)
def test_how_far_off_a_number_is(mine, value, said):
    guess("01.a", "How many?", unit="steps", mine=mine)
    assert repr(outcome("01.a", value)).endswith(f"Your guess: {mine}, {said}.")


def test_within_says_how_near_counts():
    guess("01.a", "How many?", within=2, mine=50)
    assert "right" in repr(outcome("01.a", 99)) and "not" in repr(outcome("01.a", 101))


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.array(0.5)])
def test_values_are_numbers_of_any_library(number):
    guess("01.a", "Which rate?", [0.1, 0.5])
    guess("01.b", "How large?")
    assert repr(outcome("01.a", number)) == "Which rate? The run: 0.5."
    assert repr(outcome("01.b", number)) == "How large? The run: 0.5."
    assert data(outcome("01.b", np.int64(1_234_567)))["rows"][0]["answered"] == "1234567"


def test_a_value_that_cannot_be_is_refused_at_once():
    guess("09.a", QUESTION, ["plain", "momentum"])
    guess("09.b", "How many?")
    with pytest.raises(ValueError, match=r"Unknown answer to guess 09\.a 'mom'.*'momentum'\?"):
        outcome("09.a", "mom")
    for value in ("many", np.nan, np.inf, True, np.ones(2), None):
        with pytest.raises(ValueError, match=r"09\.b asks for a number"):
            outcome("09.b", value)


@pytest.mark.parametrize(
    "arguments",
    [("9.a", "q"), ("09.1", "q"), ("09.a", "q", "plain"), ("09.a", "q", ["one"]),
     ("09.a", "q", ["one", "one"])],
)  # fmt: skip
def test_a_question_that_cannot_be_is_refused(arguments):
    with pytest.raises(ValueError, match=r"guess|Guess"):
        guess(*arguments)
    with pytest.raises(ValueError, match="within"):
        guess("09.a", "q", within=1)


def test_the_order_of_cells_does_not_matter():
    assert repr(outcome("09.a", "momentum")) == "The run: momentum."
    assert repr(tally()) == "No guesses were asked."
    guess("09.a", QUESTION, ["plain", "momentum"])  # the run's answer stays known
    assert "09.a momentum" in repr(tally())
    asked = guess("09.a", QUESTION, ["first", "second"])  # no longer an answer to this
    assert "09.a not run" in repr(tally())
    assert data(asked)["rows"][0]["value"] is None


def test_a_question_does_not_carry_its_answer():
    guess("09.a", QUESTION, ["plain", "momentum"])
    outcome("09.a", "momentum")
    assert data(guess("09.a", QUESTION, ["plain", "momentum"]))["rows"][0]["value"] is None


def test_the_output_knows_the_notebook_but_not_its_folders(monkeypatch):
    assert data(tally())["notebook"] == ""
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ada/lrcourse-work/chapters/09_momentum.ipynb")
    first = data(tally())["notebook"]
    assert re.fullmatch("[0-9a-f]{12}", first) and "ada" not in tally()._repr_mimebundle_()
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ada/lrcourse-work/solutions/09_momentum.ipynb")
    assert data(tally())["notebook"] != first


def test_no_question_can_break_the_page():
    html = guess("09.a", 'Is "a < b" & </script><b>?')._repr_mimebundle_()["text/html"]
    assert html.count("</script>") == 1 and "<b>" not in html
