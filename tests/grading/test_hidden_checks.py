"""Each hidden check accepts the worked solution and rejects a wrong answer."""

import ast
from types import SimpleNamespace

import needs
import numpy as np
import pytest

needs.package("msgpack")

from bad_submissions import ROOT

from lrcourse.exercises import Wrong, chapters, find
from lrcourse.grading import grader, submissions
from lrcourse.grading.cells import needed, parse

SETTING = grader.Setting(b"secret", (str(ROOT / "solutions" / "hidden_checks"),))
CHECKS = [
    pytest.param(find(id), check, id=f"{id} {check.name}")
    for chapter in chapters()
    for id, checks in grader.hidden_checks(SETTING, chapter).items()
    for check in checks
]
# For each check a piece of the worked solution, and what stands in its place.
WRONG = {
    "matrices, and rates from 0 to 10": ("learning_rate * g", "min(learning_rate, 1) * g"),
    "other starts and rates": ("learning_rate * gradient", "min(learning_rate, 0.25) * gradient"),
    "other starts, rates and thresholds": ("2 * w**2", "2 * w"),
    "small limits": ("return limit", "return limit or 1"),
    "bowls of one, two and seven weights": ("hessian @", "hessian.diagonal() *"),
    "wide and narrow bowls of five weights": ("2 / (w @", "1.9 / (w @"),
    "other ranges of curvatures": ("np.sqrt(2)", "1.6"),
    "other lines and batches": ("np.mean(error)", "np.mean(error - error + 1)"),
    "other shapes, against differences of the loss": ("d_y @ W.T", "x * 0 + W.sum(axis=1)"),
    "arrays of any shape, through ReLU": ("d_y * (y > 0)", "(d_y * (y > 0)).ravel()"),
    "one example, twelve classes": ("/ len(labels)", "/ max(len(labels), 2)"),
    "scores moved up and down": ("logits.max(axis=1, keepdims=True)", "0"),
    "all gradients, against differences of the loss": ("h * (1 - h)", "h"),
    "other numbers of images and batch sizes": (
        "range(0, count, batch",
        "range(0, count, 1 + batch",
    ),
    "layers with one input or one output": ("2 / fan_in", "2 / max(fan_in, 2)"),
    "other functions": ("f(z) ** 2", "(f(z) - f(z).mean()) ** 2"),
    "one unit, one image, large constants": ("axis=0", "axis=None"),
    "other draws": ("80 / fan_in", "8 / fan_in"),
    "one layer, equal widths, a funnel": ("2 / fan_in", "2 / fan_out"),
    "one example, two, and many": ("variance + epsilon", "variance + 1e-5"),
    "three examples and twelve": ("B = len(d_y)", "B = 3"),
    "one input, one feature, and many": ("running_variance + 1e-5", "running_variance"),
    "three batches, then one example": ("ddof=1", "ddof=0"),
    "from every batch of one and of two": ("first - noise / one", "first - noise / max(one, 2)"),
    "every step, also for smaller batches": ("target - base_rate", "abs(target - base_rate)"),
    "tables without any order": ("updates * size <= budget", "updates * size < budget"),
    "pieces of one, and larger than the batch": ("/ len(x)", "/ max(len(x), size)"),
    "stairs of one epoch, and far along": ("epoch // every", "min(epoch // every, 9)"),
    "budgets of 60 to 900 steps": ("steps**0.75", "steps**0.1"),
    "no warm-up, and hundreds of steps": ("step % (2 * half)", "step % 901 % (2 * half)"),
    "five steps down a plane": ("return w + v, v", "return w + v, v * 0.5"),
    "other curvatures, rates and momenta": (")).max()", ")).min()"),
    "another valley": ("np.linspace(0, 0.96, 13)", "np.zeros(13)"),
    "other momenta": ("1 + 2 * momentum", "1 + momentum"),
    "a plane, and no rates at all": ("- rate * velocity", "- min(rate, 0.1) * velocity"),
    "six steps of a matrix": ("S = S + g**2", "S = 0.9 * S + g**2"),
    "other steps and starts": ("start**2", "start"),
    "seven steps, other betas and epsilon": ("beta1**t", "0.9**t"),
    "four weights together and apart": ("v[k] / (1 - beta2**t)", "v[k]"),
    "every pair of signs, five step sizes": ("g = np.where(s < 0, 0, g)", "g = g + 0"),
    "both sides of 0, and far out": ("cdf(-a)", "cdf(a)"),
    "other factors": ("(3 - np.log", "(2 - np.log"),
    "eight epochs of different lengths": ("for g in gradients:", "for g in gradients[:4]:"),
    "a turn by a given angle": ("np.clip(cosine, -1, 1)", "np.clip(cosine, 0, 1)"),
    "three thousand steps": ("1 - kept**2", "2 * rate * decay"),
    "another rule": ("return after[", "return 1.1 * after["),
    "five more seeds for the angle": ("return 32.0, 0.005 / 32", "return 300.0, 0.005 / 300"),
    "no gradient at all": ('name.endswith("W")', 'not name.endswith("b")'),
}


def answers(exercise, change=None):
    """What the exercise's names stand for in the worked solution, perhaps changed."""
    (path,) = ROOT.glob(f"solutions/{exercise.id[:2]}_*.ipynb")
    notebook = submissions.read_notebook(path)
    number = notebook.answer(exercise)
    source = notebook.cells[number]
    if change is not None:
        assert source.count(change[0]) >= 1, change
        source = source.replace(*change)
    space = {}
    statements = needed(notebook.cells, number, list(exercise.answers)) + parse(source)
    exec(compile(ast.Module(statements, []), "<solution>", "exec"), space)
    found = {name: space[name] for name in exercise.answers}
    return SimpleNamespace(**found) if len(found) > 1 else space[exercise.answers[0]]


@pytest.mark.parametrize("exercise, check", CHECKS)
def test_the_worked_solution_passes(exercise, check):
    for seed in range(5):
        check.run(answers(exercise), np.random.default_rng(seed))


@pytest.mark.parametrize("exercise, check", CHECKS)
def test_a_wrong_answer_is_rejected(exercise, check):
    with pytest.raises(Wrong), np.errstate(all="ignore"):
        check.run(answers(exercise, WRONG[check.name]), np.random.default_rng(0))


@pytest.mark.parametrize("chapter", chapters())
def test_each_question_has_a_cell_in_its_chapter(chapter):
    for question in grader.questions(SETTING, chapter):
        for folder in ("chapters", "solutions"):
            (path,) = ROOT.glob(f"{folder}/{chapter}_*.ipynb")
            assert question.id in submissions.read_notebook(path).texts
