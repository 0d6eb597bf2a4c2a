r"""Checks accept the worked solutions, reject wrong answers with the likely cause, never raise."""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from lrcourse import exercises
from lrcourse.exercises import Wrong, call_unchanged, compare, compare_call, hint, several

ROOT = Path(__file__).parents[1]
EXERCISES = [e for chapter in exercises.chapters() for e in exercises.exercises(chapter)]
IDS = [exercise.id for exercise in EXERCISES]
FILES = [runpy.run_path(str(p)) for p in sorted((ROOT / "tests/wrong_answers").glob("*.py"))]
WRONG = {id: answers for file in FILES for id, answers in file["WRONG"].items()}
RIGHT = {id: answers for file in FILES for id, answers in file.get("RIGHT", {}).items()}


def cells(folder, chapter):
    r"""The cells of a chapter's notebook, with their sources joined."""
    (path,) = (ROOT / folder).glob(f"{chapter}_*.ipynb")
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in found]


def answers(folder, exercise):
    r"""What a notebook's answer cell defines, with the imports of the cells above it."""
    namespace = {}
    for cell in cells(folder, exercise.id[:2]):
        if cell["cell_type"] == "code":
            exec("\n".join(re.findall(r"^(?:import|from) .*", cell["source"], re.M)), namespace)
        if cell["metadata"].get("exercise") == exercise.id:
            exec(compile(cell["source"], f"cell of {exercise.id}", "exec"), namespace)
            break
    return {name: namespace[name] for name in exercise.answers}


def of(cell, exercise):
    r"""Whether a cell is the answer cell of an exercise."""
    return cell["metadata"].get("exercise") == exercise.id


def check(id, **namespace):
    r"""Call check as a notebook does whose globals are the namespace."""
    return eval("check(id)", {"check": exercises.check, "id": id, **namespace})


def named(exercise, answer):
    r"""A wrong answer by the names that the check looks up."""
    return answer if isinstance(answer, dict) else {exercise.answers[0]: answer}


@pytest.mark.parametrize("exercise", EXERCISES, ids=IDS)
def test_the_worked_solution_passes(exercise):
    result = check(exercise.id, **answers("solutions", exercise))
    assert result.status == "passed", result


@pytest.mark.parametrize("exercise", EXERCISES, ids=IDS)
def test_the_stub_is_to_do(exercise):
    result = check(exercise.id, **answers("chapters", exercise))
    assert result.status == "to do", result
    (stub,) = (c["source"] for c in cells("chapters", exercise.id[:2]) if of(c, exercise))
    written = re.findall(r"write ([\w.]+) here", stub)
    assert any(f"`{name}`" in repr(result) for name in written)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("exercise", EXERCISES, ids=IDS)
def test_the_worked_solution_passes_with_any_generator(exercise, seed):
    given = answers("solutions", exercise)
    for one in exercise.checks:
        assert exercises._failure(one, given, np.random.default_rng(seed)) is None, one.name


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        pytest.param(exercise, answer, id=f"{exercise.id} {number}")
        for exercise in EXERCISES
        for number, answer in enumerate(RIGHT.get(exercise.id, []))
    ],
)
def test_a_right_answer_in_another_style_passes(exercise, answer):
    result = check(exercise.id, **named(exercise, answer))
    assert result.status == "passed", result


@pytest.mark.filterwarnings("ignore:Degrees of freedom")  # NumPy too finds one of them wrong
@pytest.mark.parametrize(
    ("exercise", "answer", "part"),
    [
        pytest.param(exercise, answer, part, id=f"{exercise.id} {part}")
        for exercise in EXERCISES
        for answer, part in WRONG.get(exercise.id, [])
    ],
)
def test_a_wrong_answer_is_rejected_with_its_sentence(exercise, answer, part):
    result = check(exercise.id, **named(exercise, answer))
    assert result.status == "failed", result
    assert part in result.sentence, result
    assert not all(result.outcomes.values())


@pytest.mark.parametrize("exercise", EXERCISES, ids=IDS)
def test_there_are_three_wrong_answers_and_three_hints(exercise):
    assert len(WRONG[exercise.id]) >= 3
    assert len(exercise.hints) >= 3
    assert all(text.strip() for text in exercise.hints)
    assert exercise.checks
    assert all(one.points > 0 for one in exercise.checks)
    assert len({one.name for one in exercise.checks}) == len(exercise.checks)


@pytest.mark.parametrize("chapter", exercises.chapters())
@pytest.mark.parametrize("folder", ["chapters", "solutions"])
def test_the_notebook_and_the_checks_have_the_same_exercises(chapter, folder):
    found = cells(folder, chapter)
    expected = [exercise.id for exercise in exercises.exercises(chapter)]
    text = [cell["source"] for cell in found if cell["cell_type"] == "markdown"]
    code = [cell["source"] for cell in found if cell["cell_type"] == "code"]
    headings = [m[1] for t in text if (m := re.match(r"### Exercise (\d\d\.\d)\n\*\*.+\*\*\n", t))]
    assert headings == expected
    assert [i for t in code for i in re.findall(r'^check\("(.+)"\)$', t, re.M)] == expected
    assert [c["metadata"]["exercise"] for c in found if "exercise" in c["metadata"]] == expected
    titles = re.findall(r"^### Exercise .*\n\*\*(.+)\*\*$", "\n".join(text), re.M)
    assert titles == [exercise.title for exercise in exercises.exercises(chapter)]
    assert len(set(IDS)) == len(IDS)


def raising(error):
    def answer(*given):
        raise error

    return answer


STRANGE = [
    None,
    ...,
    3,
    "text",
    int,
    lambda: 1.0,
    lambda *given: print("looking at", given),
    lambda *given: "text",
    lambda *given: [[1], [1, 2]],
    lambda *given: {"w": 1},
    lambda *given: iter(()),
    lambda *given: np.nan,
    lambda *given: (np.nan, np.inf),
    lambda *given: np.zeros((7, 1, 3)),
    lambda *given: np.array(["a", None], dtype=object),
    lambda *given: torch.zeros(3, requires_grad=True),
    lambda *given: given,
    raising(ValueError("no")),
    raising(SystemExit(1)),
    raising(RecursionError()),
    raising(NotImplementedError("torch cannot do this")),
    raising(AssertionError),
]


@pytest.mark.parametrize("answer", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize("exercise", EXERCISES, ids=IDS)
def test_nothing_is_raised_whatever_the_answer(exercise, answer):
    result = check(exercise.id, **dict.fromkeys(exercise.answers, answer))
    assert result.status == ("to do" if answer is None or answer is ... else "failed"), result
    assert result.sentence
    assert set(result._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_ctrl_c_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt, match=r"You stopped it in line \d+, `raise error`: is"):
        check("00.1", step=raising(KeyboardInterrupt()))


def test_an_exception_names_type_message_and_line():
    namespace = {}
    exec("def step(w, gradient, learning_rate):\n    x = 1\n    return w - rate\n", namespace)
    sentence = check("00.1", **namespace).sentence
    assert "NameError: name 'rate' is not defined" in sentence
    assert "line 3" in sentence


def test_a_check_sees_through_the_state_that_is_to_do():
    assert check("00.1").status == "to do"
    assert "no `step` yet" in check("00.1").sentence

    def step(w, gradient, learning_rate):
        r"""Not filled in."""

    assert check("00.1", step=step).status == "to do"
    zero = check("00.1", step=lambda w, gradient, learning_rate: 0)
    assert zero.status == "failed"
    forgot = check("00.1", step=lambda w, gradient, learning_rate: print(w))
    assert forgot.sentence == exercises.RETURNED_NONE


def test_which_checks_passed_is_said():
    def step(w, gradient, learning_rate):
        w -= learning_rate * gradient
        return w

    text = repr(check("00.1", step=step))
    assert "passed: a vector of weights" in text
    assert "failed: w and gradient stay as they were" in text
    assert 'hint("00.1")' in text


def asking(*runs):
    r"""An exercise with the answers f and g, whose checks are ``runs``."""
    checks = [exercises.Check(f"number {n}", run) for n, run in enumerate(runs)]
    return exercises.Exercise("99.1", "Test", ("f", "g"), checks, ["Think."])


@pytest.mark.parametrize("named", [lambda *_: compare(2, 1, mistakes={"twice": 2}), None])
def test_a_sentence_that_names_the_mistake_is_shown_first(named):
    def own(answers, rng):
        raise Wrong("twice")

    def differs(answers, rng):
        compare(answers.f(), 1)

    two, shape = (lambda: 2), (lambda: [1, 2])
    for answer, part in ((two, "It returned 2"), (shape, "The shape is (2,)")):
        space = {"f": answer, "g": answer}
        assert part in exercises.judged(asking(differs, differs), space).sentence
        for runs in ((differs, named or own), (named or own, differs)):
            assert exercises.judged(asking(*runs), space).sentence == "twice"


def needs_f(answers, rng):
    compare(answers.f(), 1)


def needs_g(answers, rng):
    compare(answers.g(), 1)


def stub():
    raise NotImplementedError("Exercise 99.1: write g here.")


@pytest.mark.parametrize(
    ("absent", "part"),
    [
        ({}, "There is no `g` yet"),
        ({"g": None}, "Write `g` in"),
        ({"g": lambda: None}, "Write `g` in"),
        ({"g": stub}, "Write `g` in"),
    ],
)
def test_one_function_is_judged_while_the_other_is_to_do(absent, part):
    exercise = asking(needs_f, needs_g)
    right = exercises.judged(exercise, {"f": lambda: 1, **absent})
    assert right.status == "to do"
    assert part in right.sentence
    assert right.outcomes == {"number 0": True}
    wrong = exercises.judged(exercise, {"f": lambda: 2, **absent})
    assert wrong.status == "failed"
    assert wrong.sentence == "It returned 2, where 1 is expected. Still to do: `g`."


def test_both_functions_are_named_while_both_are_to_do():
    result = exercises.judged(asking(needs_f, needs_g), {"f": stub, "g": stub})
    assert result.status == "to do"
    assert "`f` and `g`" in result.sentence


@pytest.mark.parametrize(
    ("cell", "part"),
    [
        ("def step(w, gradient, learning_rate:\n    return w", "`step` did not run: '(' was never"),
        ("def step(w, gradient, learning_rate):\nreturn w", "line 2 of the cell. Mend it"),
        ("a = 1\n\ndef step(w, gradient, learning_rate):\n    return w -- ", "line 4 of the cell."),
    ],
)
def test_a_cell_that_python_could_not_read_is_named_and_not_the_answer_before_it(cell, part):
    shell = InteractiveShell()
    right = "def step(w, gradient, learning_rate):\n    return w - learning_rate * gradient"
    for source in (f"from lrcourse import check\n\n{right}", cell, "result = check('00.1')"):
        shell.run_cell(source, store_history=True)
    assert shell.user_ns["result"].status == exercises.FAILED
    assert part in shell.user_ns["result"].sentence
    for mended in (right, f"%%time\n{right}"):
        for source in (cell, mended, "1 +", "result = check('00.1')"):
            shell.run_cell(source, store_history=True)
        assert shell.user_ns["result"].status == exercises.PASSED


def test_of_two_answers_in_two_cells_each_has_its_last():
    shell = InteractiveShell()
    first, second = "def linear_backward(:", "def relu_backward(d_y, x):\n    return d_y * (x > 0)"
    for source in ("from lrcourse import check", first, second, "result = check('02.1')"):
        shell.run_cell(source, store_history=True)
    assert "The cell with `linear_backward` did not run" in shell.user_ns["result"].sentence


def test_an_unknown_id_names_the_nearest():
    assert 'did you mean "00.1"?' in exercises.check("0.1").sentence
    assert 'did you mean "01.' in exercises.check("01.99").sentence
    assert exercises.check(0.1).status == "unknown"
    assert exercises.check(None).status == "unknown"
    assert hint("nonsense").status == "unknown"


def test_hints_come_one_at_a_time_and_begin_again():
    expected = exercises.find("00.1").hints
    exercises._hints_shown.pop("00.1", None)
    shown = [hint("00.1") for _ in range(len(expected) + 1)]
    for number, (result, text) in enumerate(zip(shown, [*expected, expected[0]], strict=True)):
        assert [other for other in expected if other in repr(result)] == [text]
        assert f"{number % len(expected) + 1} of {len(expected)}." in repr(result)
    assert ["worked solution" in repr(result) for result in shown] == [False, False, True, False]


def test_html_is_escaped_and_hints_are_nested():
    result = check("00.1", step=raising(ValueError("<script>alert(1)</script>")))
    html = result._repr_mimebundle_()["text/html"]
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    first, second, third = (html.index(f"Hint {n} of 3") for n in (1, 2, 3))
    assert first < second < third < html.index("</details></details></details>")
    assert "#D55E00" in html
    assert "failed" in html


def test_the_generator_is_seeded_by_exercise_and_check():
    seen = []

    def step(w, gradient, learning_rate):
        seen.append(np.copy(w))
        return w - learning_rate * gradient

    check("00.1", step=step)
    check("00.1", step=step)
    first, second = seen[: len(seen) // 2], seen[len(seen) // 2 :]
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(seen[1], seen[2])


@pytest.mark.parametrize(
    "got",
    [[1.0, 2.0], (1, 2), np.array([1, 2]), torch.tensor([1.0, 2.0], requires_grad=True)],
    ids=["list", "tuple", "integers", "torch"],
)
def test_compare_takes_lists_tuples_and_tensors(got):
    compare(got, np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    ("got", "expected", "part"),
    [
        (None, 1.0, "return line missing"),
        ("a", 1.0, "returned a str"),
        ([[1], [1, 2]], [1.0, 2.0], "a list of list of int"),
        (2j, 1.0, "complex"),
        (np.ones((2, 3)), np.ones((3, 2)), "(2, 3), it should be (3, 2); it looks transposed"),
        (np.ones(3), np.ones(2), "(3,), it should be (2,)."),
        ([1.0], 1.0, "(1,), it should be ()"),
        ([1, np.nan], [1.0, 2.0], "nan at index 1, where 2 is expected"),
        ([[1, 2], [3, 5]], [[1.0, 2], [3, 4]], "5 at index 1, 1, where 4 is expected (1 of 4"),
        (1.0, (1.0, 2.0), "2 values; it returned one float"),
        ((1.0, 2.0, 3.0), (1.0, 2.0), "2 values; it returned 3 values"),
        ([1.0], (1.0, 2.0), "2 values; it returned 1 value."),
        (np.ones(3), (1.0, 2.0), "2 values; it returned one array of shape (3,)."),
        (torch.ones(2, 3), (1.0, 2.0), "2 values; it returned one array of shape (2, 3)."),
        ((1.0, None), (1.0, 2.0), "Value 2: It returned None"),
        (1 + 1e-5, 1.0, "It returned 1.00001, where 1 is expected"),
        (1 + 2e-6, 1.0, "It returned 1, which is off by 2e-06."),
        ([0.0, 1 + 2e-6], [0.0, 1], "1 at index 1, which is off by 2e-06 (1 of 2 values"),
    ],
)
def test_compare_says_what_is_wrong(got, expected, part):
    with pytest.raises(Wrong, match=re.escape(part)):
        compare(got, expected)


def test_compare_is_relative_to_the_largest_value():
    compare(1e6 + 0.5, 1e6)
    compare([1e6, 0.5], [1e6, 0.0])
    compare(1e-7, 0.0)
    compare((1.0, np.array([np.nan, np.inf])), (1.0, [np.nan, np.inf]))
    with pytest.raises(Wrong):
        compare(1.1e-6, 1e-6)


def test_compare_prefers_the_sentence_of_a_mistake_but_never_rejects_what_is_right():
    with pytest.raises(Wrong, match="wrong sign"):
        compare([-1.0], [1.0], mistakes={"wrong sign": [-1.0]})
    with pytest.raises(Wrong, match="summed"):
        compare((2.0, 1), (1.0, 1), mistakes={"summed": (2.0, 1)})
    compare(0.0, 0.0, mistakes={"wrong sign": -0.0})


def add_in_place(w, g, share=1.0):
    g += share * w
    return g


def test_a_call_that_changes_its_input_names_the_array():
    w, g = np.ones(2), np.ones(2)
    got = call_unchanged(lambda w, g, share: w + share * g, 3.0, w=w, g=g)
    assert np.array_equal(got, [4, 4])
    with pytest.raises(Wrong, match="its input `g`") as caught:
        call_unchanged(add_in_place, w=w, g=g)
    assert "g - " not in str(caught.value)  # it may well add
    assert np.array_equal(g, [1, 1])


def test_a_call_is_compared_with_a_value_or_with_a_function_of_the_same_arguments():
    def mistakes(w, g, share):
        return {"the share is missing": w + g}

    given = np.ones(2), np.ones(2), 3.0
    compare_call(add_in_place, given, [4.0, 4.0], mistakes)
    compare_call(add_in_place, given, lambda w, g, share: g + share * w, mistakes)
    with pytest.raises(Wrong, match="the share is missing"):
        compare_call(lambda w, g, share: w + g, given, [4.0, 4.0], mistakes)
    with pytest.raises(Wrong, match=re.escape("The sum: It returned 2")):
        compare_call(lambda *_: [2.0, 4.0], given, [4.0, 4.0], lambda *_: {}, what="the sum")
    assert np.array_equal(given[1], [1, 1])


@pytest.mark.parametrize(
    ("got", "part"),
    [
        (None, "return line"),
        (3.0, "not one float"),
        ((1, 2, 3), "2 values, (loss, g), not 3 values."),
        (np.ones(2), "not one array of shape (2,)."),
    ],
)
def test_several_values_are_returned_by_name(got, part):
    assert several([1.0, 2.0], ("loss", "g")) == {"loss": 1.0, "g": 2.0}
    with pytest.raises(Wrong, match=re.escape(part)):
        several(got, ("loss", "g"))
