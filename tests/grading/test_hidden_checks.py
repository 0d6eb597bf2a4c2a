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
    "two rows, one column, large constants": ("(len(x) - 1)", "max(len(x) - 1, 2)"),
    "singular matrices, and a single pixel": (
        "U / np.sqrt(eigenvalues + epsilon)",
        "U / (eigenvalues + epsilon)",
    ),
    "any order and size of the eigenvalues": (
        "np.min(eigenvalues), np.max(eigenvalues)",
        "eigenvalues[0], eigenvalues[-1]",
    ),
    "a single test image": ("(test - mean)", "(test - test.mean(axis=0))"),
    "from every batch of one and of two": ("first - noise / one", "first - noise / max(one, 2)"),
    "every step, also for smaller batches": ("target - base_rate", "abs(target - base_rate)"),
    "tables without any order": ("updates * size <= budget", "updates * size < budget"),
    "pieces of one, and larger than the batch": ("/ len(x)", "/ max(len(x), size)"),
    "stairs of one epoch, and far along": ("epoch // every", "min(epoch // every, 9)"),
    "budgets of 60 to 900 steps": ("steps**0.75", "steps**0.1"),
    "no warm-up, and hundreds of steps": ("step % (2 * half)", "step % 901 % (2 * half)"),
    "teeth of one rate, and far along": ("(tooth + 1)", "min(tooth + 1, 99)"),
    "thirty random runs": ("0.2", "0.3"),
    "thirty random runs, by rises": ("loss > before", "loss > before + 1e-5"),
    "other numbers of settings": ("settings + 1", "settings + 2"),
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
    "nine weights, vectors of several lengths": ("* length /", "* min(length, 1) /"),
    "more matrices": ("min(largest_in_magnitude(product, v), 0)", "0"),
    "two more networks": ("2.7 * 2", "1.2 * 2"),
    "two more orders": ("1 + 2 * momentum", "1 + momentum"),
    "noisy gradients, warm-ups of several lengths": ("t / warmup", "(t - 1) / warmup"),
    "any number of axes, any length": ("(g**2).sum()", "(g**2).mean()"),
    "five steps, layer by layer": ("(np.linalg.norm(g[layer]))", "(np.linalg.norm(g))"),
    "each run by itself": ("m.mean(axis=1, keepdims", "m.mean(axis=(1, 2), keepdims"),
    "four seeds more, and some room": ("25.0, 9.4, 3.5, 1.3, 0.5", "5.0, 2.4, 1.5, 0.9, 0.5"),
    "every pair of signs": ("np.sign(g) == np.sign(previous)", "g > 0"),
    "short lists of gradients": ("below * (1 - right)", "below * right"),
    "other noise": ("near = 0.1", "near = 2"),
    "forty noisy steps": ("previous = g.copy()", "previous = g"),
    "eight steps with all at once": ('group["momentum"]', "0.9"),
    "twelve steps": (".copy()", ""),
    "other places to stop": ('generator.set_state(saved["generator"])', "pass"),
    "four seeds more": ("optimizer, 0.025", "optimizer, 0.001"),
    "two hundred samples": ("student(0.95, n - 1)", "student(0.95, n)"),
    "tables of many sizes": ("np.nanargmin(validation", "np.argmin(validation"),
    "both methods in tables of many sizes": ("ddof=1", "ddof=0"),
    "another number of rates and seeds, another budget": ("range(rates)", "range(6)"),
    "three runs more": ("0.01 * (1 - t / steps)", "0.001"),
    "fifty weights": ("(1 - decay**t)", "(1 - decay ** min(t, 5))"),
    "ten steps with rising rates": ("learning_rate**2 / (", "learning_rate / ("),
    "the best comes first": ("if found < lowest", "if found > 0"),
    "five more seeds": ('"schedule-free", 0.35', '"schedule-free", 0.001'),
    "walls that curve": ("ends[1] - ends[0]", "(ends[1] - ends[0]) / 2"),
    "curves of another kind": ("return np.interp(", "return 1.2 * np.interp("),
    "two sizes in any order": ("product / least", "product / (least + 1)"),
    "a thousand other batches": ("max(size, 1)", "max(size, 2)"),
    "random tables of runs": ("min(means[0], means[-1])", "means[-1]"),
    "runs that do not differ": ("product / wanted", "product / most"),
    "any shape and any rank": ("U[:, large] @ V[large]", "U @ V"),
    "singular values known beforehand": ("c * A @ A", "c * A"),
    "matrices of three shapes": ("range(3)", "range(1)"),
    "thirty steps, three shapes": ("u = momentum * m + (1 - momentum) * g", "u = m"),
    "a stack of stacks": ("axis=(-2, -1)", "axis=None"),
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
