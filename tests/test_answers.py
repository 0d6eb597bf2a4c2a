r"""What a chapter uses: the learner's answer once it passes, the package's until then."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import lrcourse
from lrcourse.exercises import Check, Exercise, answers, chapters, compare, exercises
from lrcourse.optim import SGD, Adam, Momentum
from lrcourse.torch_optim import Optimizer

ROOT = Path(__file__).parents[1]


def double(x):
    return 2 * x


def is_double(answer, rng):
    compare(answer(3.0), 6.0)


@pytest.fixture
def exercise(monkeypatch):
    r"""Make ``yours`` know one exercise, "01.1", with what is given."""
    monkeypatch.setattr(answers, "_whose", {})

    def made(names=("twice",), package=lambda: double, **more):
        one = Exercise("01.1", "", names, [Check("it doubles", is_double)], (), package, **more)
        monkeypatch.setattr(answers, "find", lambda id: one if id == "01.1" else None)

    return made


def chosen(capsys, **namespace):
    r"""What ``yours`` returns in a notebook with these globals, and what it prints."""
    return eval('yours("01.1")', {"yours": lrcourse.yours, **namespace}), capsys.readouterr().out


def to_do(x):
    raise NotImplementedError("Exercise 01.1: write me")


@pytest.mark.parametrize(
    ("namespace", "said"),
    [
        ({}, "still to do"),
        ({"twice": to_do}, "still to do"),
        ({"twice": lambda x: 3 * x}, "not right yet"),
        ({"twice": lambda x: x / 0}, "not right yet"),
    ],
    ids=["absent", "stub", "wrong", "raises"],
)
def test_until_it_passes_the_packages_goes_on(exercise, capsys, namespace, said):
    exercise()
    found, printed = chosen(capsys, **namespace)
    assert found is double
    assert printed == f"Exercise 01.1: {said}, so the package's version is used.\n"
    assert lrcourse.whose("01.1") == "the package's"


def test_then_the_learners_goes_on(exercise, capsys):
    exercise()
    found, printed = chosen(capsys, twice=lambda x: x + x)
    assert found(4) == 8
    assert found is not double
    assert printed == "Exercise 01.1: your `twice` is used.\n"
    assert lrcourse.whose("01.1") == "yours"


def test_a_broken_answer_takes_its_place_back(exercise, capsys):
    exercise()
    chosen(capsys, twice=lambda x: x + x)
    assert chosen(capsys, twice=lambda x: x)[0] is double
    assert lrcourse.whose("01.1") == "the package's"


def test_it_is_adapted_to_what_the_chapter_needs(exercise, capsys):
    exercise(adapt=lambda twice: ("a layer of", twice))
    assert chosen(capsys, twice=double) == (
        ("a layer of", double),
        "Exercise 01.1: your `twice` is used.\n",
    )


def test_what_breaks_in_use_does_not_go_on(exercise, capsys):
    exercise(use=lambda one: one(np.zeros(2))[0])
    found, printed = chosen(capsys, twice=lambda x: float(x) * 2)
    assert found is double
    assert printed.startswith("Exercise 01.1: right, but used here it raised TypeError: ")


def test_a_slow_answer_is_told_so(exercise, capsys, monkeypatch):
    clock = [0.0]

    def slow(x):
        clock[0] += 50
        return 2 * x

    def package(x):
        clock[0] += 1
        return 2 * x

    monkeypatch.setattr(answers.time, "perf_counter", lambda: clock[0])
    exercise(package=lambda: package, use=lambda one: one(1))
    found, printed = chosen(capsys, twice=slow)
    assert found is package
    assert "right, but it takes 50 times as long as the package's, which is used" in printed


def test_what_cannot_be_chosen_says_so(exercise):
    exercise(package=None)
    with pytest.raises(ValueError, match="the chapter does not use its answer"):
        lrcourse.yours("01.1")
    with pytest.raises(ValueError, match=r"no such exercise; did you mean"):
        lrcourse.yours("1.17")


def test_the_grader_judges_an_exercise_by_itself(exercise, capsys, monkeypatch):
    monkeypatch.setattr(answers, "_package_only", [])
    answers.always_the_packages()
    exercise()
    assert chosen(capsys, twice=lambda x: x + x) == (double, "")


def momentum_step(w, v, g, learning_rate, momentum):
    v = momentum * v - learning_rate * g
    return w + v, v


def adam_step(w, m, v, g, learning_rate, t, beta1=0.9, beta2=0.999):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return w - learning_rate * m / (1 - beta1**t) / ((v / (1 - beta2**t)) ** 0.5 + 1e-8), m, v


RULES = {
    "a state": (answers.rule(momentum_step, ("v",), momentum=0.9), Momentum),
    "no state": (answers.rule(lambda w, g, learning_rate: w - learning_rate * g, ()), SGD),
    "a count": (answers.rule(adam_step, ("m", "v"), counts=True), Adam),
}


@pytest.mark.parametrize(("made", "right"), RULES.values(), ids=RULES)
def test_a_function_becomes_a_rule_that_steps_as_the_packages(made, right):
    gradients = np.random.default_rng(0).normal(size=(5, 3, 4))
    a, b = np.ones((2, 3, 4))
    mine, theirs = made(), right()
    for g in gradients:
        mine.step(a, g, 0.1), theirs.step(b, g, 0.1)
    assert a == pytest.approx(b, rel=1e-12)
    again = mine.fresh()
    assert again.hyperparameters == mine.hyperparameters
    again.step(np.ones(2), np.ones(2), 0.1)


@pytest.mark.parametrize(("made", "right"), RULES.values(), ids=RULES)
def test_it_steps_tensors_too(made, right):
    w = torch.nn.Parameter(torch.ones(3))
    optimizer = Optimizer([w], made(), lr=0.1)
    (w**2).sum().backward()
    optimizer.step()
    assert (w < 1).all()


def test_its_hyperparameters_are_its_own():
    made = answers.rule(momentum_step, ("v",), momentum=0.9)
    assert made(momentum=0.5).momentum == 0.5
    with pytest.raises(TypeError, match="Yours has no beta; it has"):
        made(beta=1)


@pytest.mark.parametrize("chapter", chapters())
def test_an_answer_keeps_its_name(chapter):
    r"""Else the check would find the package's under it."""
    names = {name for exercise in exercises(chapter) for name in exercise.answers}
    (path,) = (ROOT / "solutions").glob(f"{chapter}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells)
    assert not names & set(re.findall(r"(\w+) = yours\(", code))
