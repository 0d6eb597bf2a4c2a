"""Fingerprints: whatever a run depends on changes them, and nothing that stays the same does."""

import functools
import importlib
import itertools
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from lrcourse import fingerprint as module
from lrcourse import nn, optim, training
from lrcourse.fingerprint import fingerprint
from lrcourse.optim import SGD
from lrcourse.papers import NAMES, paper
from lrcourse.schedules import Cosine
from lrcourse.training import fit

HERE = Path(__file__).parents[1]


def notebook(*cells):
    """Run cells as a notebook does, without a file, and return their names."""
    names = {"__name__": "__main__"}
    for cell in cells:
        exec(compile(cell, "<cell>", "exec", dont_inherit=True), names)
    return names


TRAIN = "def train(seed):\n    return {'y': USED(seed)}"

# In each pair, only what stands behind the names of `train` differs.
CHANGES = {
    "a number": ("USED = 1", "USED = 2"),
    "a number's type": ("USED = 1", "USED = True"),
    "a list": ("USED = [1, [2]]", "USED = [1, [3]]"),
    "a dict": ("USED = {'a': 1}", "USED = {'a': 2}"),
    "a set": ("USED = {1, 2}", "USED = {1, 3}"),
    "an array": (
        "import numpy as np; USED = np.zeros(3)",
        "import numpy as np; USED = np.zeros(3, 'f4')",
    ),
    "a global schedule": (
        "from lrcourse.schedules import Cosine; USED = Cosine(0.1, 10)",
        "from lrcourse.schedules import Cosine; USED = Cosine(0.5, 10)",
    ),
    "a data class's value": tuple(
        f"""
from dataclasses import dataclass
@dataclass
class Setting:
    rate: float
USED = Setting({rate})"""
        for rate in (0.1, 0.2)
    ),
    "a data class's method": tuple(
        f"""
from dataclasses import dataclass
@dataclass
class Setting:
    rate: float
    def __call__(self, seed):
        return {factor} * self.rate
USED = Setting(0.1)"""
        for factor in (1, 2)
    ),
    "a default of a field": tuple(
        f"""
from dataclasses import dataclass
@dataclass
class USED:
    seed: int
    rate: float = {rate}"""
        for rate in (0.1, 0.2)
    ),
    "a slot": tuple(
        f"""
class Setting:
    __slots__ = ("rate",)
USED = Setting()
USED.rate = {rate}"""
        for rate in (0.1, 0.2)
    ),
    "a class attribute": ("class USED:\n    rate = 1", "class USED:\n    rate = 2"),
    "a class attribute set outside": tuple(
        f"class USED:\n    rate = 1\nUSED.rate = {rate}" for rate in (1, 2)
    ),
    "a method set outside": tuple(
        f"class USED:\n    pass\nUSED.step = lambda self: {rate}" for rate in (1, 2)
    ),
    "a property": tuple(
        f"class USED:\n    @property\n    def rate(self):\n        return {rate}" for rate in (1, 2)
    ),
    "a static method": tuple(
        f"class USED:\n    @staticmethod\n    def rate():\n        return {rate}" for rate in (1, 2)
    ),
    "a base class": tuple(
        f"class Base:\n    rate = {rate}\nclass USED(Base):\n    pass" for rate in (1, 2)
    ),
    "a named tuple": tuple(
        "from typing import NamedTuple\nclass Pair(NamedTuple):\n    a: int\n    b: int\n"
        f"USED = Pair(1, {b})"
        for b in (1, 2)
    ),
    "an enum": tuple(
        f"import enum\nclass Kind(enum.Enum):\n    A = {a}\nUSED = Kind.A" for a in (1, 2)
    ),
    "what a factory makes": tuple(
        f"""
def scaled(by):
    def scale(x):
        return by * x
    return scale
USED = scaled({by})"""
        for by in (2, 3)
    ),
    "an object that a factory makes": tuple(
        f"""
def made(rate):
    class Local:
        def __call__(self, seed):
            return rate
    return Local()
USED = made({rate})"""
        for rate in (2, 3)
    ),
    "a helper": tuple(f"def USED(x):\n    return x + {a}" for a in (1, 2)),
    "a helper of a helper": tuple(
        f"def inner(x):\n    return x + {a}\ndef USED(x):\n    return inner(x)" for a in (1, 2)
    ),
    "a nested function": tuple(
        f"def USED(x):\n    def inner():\n        return {a}\n    return inner()" for a in (1, 2)
    ),
    "a helper with a cache": tuple(
        f"import functools\n@functools.cache\ndef USED(x):\n    return {a}" for a in (1, 2)
    ),
    "a decorated helper": tuple(
        f"""
import functools
def twice(f):
    @functools.wraps(f)
    def wrapper(x):
        return {by} * f(x)
    return wrapper
@twice
def USED(x):
    return x"""
        for by in (2, 3)
    ),
    "a default argument": tuple(f"def USED(x, rate={rate}):\n    return rate" for rate in (1, 2)),
    "a keyword default": tuple(f"def USED(x, *, rate={rate}):\n    return rate" for rate in (1, 2)),
    "an attribute of a function": tuple(
        f"def USED(x):\n    return USED.rate\nUSED.rate = {rate}" for rate in (1, 2)
    ),
    "a partial": tuple(
        f"import functools\ndef f(x, a):\n    return a\nUSED = functools.partial(f, a={a})"
        for a in (1, 2)
    ),
    "a bound method": tuple(
        f"""
class Scale:
    def __init__(self, by):
        self.by = by
    def apply(self, x):
        return self.by * x
USED = Scale({by}).apply"""
        for by in (1, 2)
    ),
    "which of two functions": ("import numpy; USED = numpy.sin", "import numpy; USED = numpy.cos"),
    "which of two built-ins": ("USED = abs", "USED = float"),
    "which of two optimizers": (
        "from lrcourse.optim import SGD as USED",
        "from lrcourse.optim import Adam as USED",
    ),
    "who is who in a table": tuple(
        f"from lrcourse.optim import SGD, Adam\nUSED = dict(zip({names}, (SGD, Adam)))"
        for names in ("'ab'", "'ba'")
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_what_a_notebook_function_uses_is_seen(name):
    before, after = CHANGES[name]
    first = fingerprint(notebook(before, TRAIN)["train"])
    assert fingerprint(notebook("UNUSED = open", before, TRAIN)["train"]) == first
    assert fingerprint(notebook(after, TRAIN)["train"]) != first


def test_a_change_of_the_function_is_seen_and_one_of_comments_is_not():
    first = fingerprint(notebook("def f(a, seed):\n    return a * 2")["f"])
    same = notebook("# Doubles.\n\n\ndef f(a, seed):\n    # twice\n    return (a * 2)")["f"]
    assert fingerprint(same) == first
    for other in ("a * 3", "a + 2", "seed * 2", "-a * 2", "a.real * 2", "[2 for a in 'a']"):
        assert fingerprint(notebook(f"def f(a, seed):\n    return {other}")["f"]) != first
    assert fingerprint(notebook("def f(seed, a):\n    return a * 2")["f"]) != first


def test_a_partial_and_a_callable_object_count_with_what_they_hold():
    partials = [functools.partial(fit, rule=rule) for rule in (SGD, optim.Adam)]
    partials += [functools.partial(fit, callbacks=[Cosine(rate, 10)]) for rate in (0.1, 0.5)]
    partials.append(functools.partial(partials[0], epochs=3))
    objects = [notebook(CHANGES["a data class's method"][i])["USED"] for i in (0, 1)]
    assert len({fingerprint(each) for each in [*partials, *objects]}) == 7
    assert fingerprint(partials[2]) == fingerprint(
        functools.partial(fit, callbacks=[Cosine(0.1, 10)])
    )


def test_running_changes_nothing():
    cell = "def train(seed):\n    return [abs(i) + len(str(i)) for i in range(seed)]"
    train = notebook(cell)["train"]
    first = fingerprint(train)
    for _ in range(100):
        train(100)  # Python specializes the bytecode of a function that is used much
    assert fingerprint(train) == first


@pytest.mark.parametrize("name", NAMES)
def test_every_paper_can_be_hashed(name):
    assert fingerprint(paper(name).train) == fingerprint(paper(name).train)


def test_another_process_finds_the_same(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from lrcourse.fingerprint import fingerprint\n"
        "from lrcourse.papers import paper\n"
        "WORDS = {'a', 'b', 'c', 'd', 'e'}\n"
        "def train(seed):\n    return {} if seed in {'x', 'y', 'z'} else WORDS\n"
        "print(fingerprint(train), fingerprint(paper('irprop').train))\n"
    )
    found = {
        subprocess.run(
            [sys.executable, script],
            env={"PYTHONPATH": str(HERE), "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2, 3)
    }
    assert len(found) == 1 and found.pop().split()[1] == fingerprint(paper("irprop").train)


# Files --------------------------------------------------------------------------------------------

STUDY = """
import my_settings
from my_helpers import times
from lrcourse import optim

FACTOR = 2

def table(name):
    return getattr(optim, name)

def function(a, seed):
    '''One sentence.'''
    from my_late import late
    # a comment
    return {"value": times(a) * my_settings.RATE + late()}
"""
FILES = {
    "my_study.py": STUDY,
    "my_settings.py": "RATE = 1\n",
    "my_helpers.py": "BY = 3\n\ndef times(a):\n    return a * BY\n",
    "my_late.py": "def late():\n    return 0\n",
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Return a function that writes a study of several files, with changes, and imports it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def imported(**changes):
        for name, text in FILES.items():
            old, new = changes.get(name.removesuffix(".py"), ("", ""))
            assert old in text
            (tmp_path / name).write_text(text.replace(old, new) if old else text)
            monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
        importlib.invalidate_caches()
        return importlib.import_module("my_study")

    yield imported
    for name in FILES:
        sys.modules.pop(name.removesuffix(".py"), None)


def test_a_change_in_any_file_of_the_user_is_seen(study):
    first = fingerprint(study().function)
    assert fingerprint(study().function) == first
    assert fingerprint(study(my_study=("# a comment", "# another")).function) == first
    changes = [
        {"my_study": ("FACTOR = 2", "FACTOR = 3")},  # not used: a run too many
        {"my_study": ("* my_settings", "+ my_settings")},
        {"my_settings": ("RATE = 1", "RATE = 2")},
        {"my_helpers": ("BY = 3", "BY = 4")},
        {"my_helpers": ("a * BY", "a + BY")},
        {"my_late": ("return 0", "return 1")},
    ]
    assert len({first, *(fingerprint(study(**change).function) for change in changes)}) == 7


def test_a_change_from_outside_of_a_file_is_seen(study):
    found = study()
    first = fingerprint(found.function)
    for name, attribute in (("my_settings", "RATE"), ("my_helpers", "BY"), ("my_late", "late")):
        home = sys.modules[name]
        before = getattr(home, attribute)
        setattr(home, attribute, 7)
        assert fingerprint(found.function) != first
        setattr(home, attribute, before)
        assert fingerprint(found.function) == first


def test_code_that_was_edited_but_not_loaded_again_is_another_version(study, tmp_path):
    old = study().function
    (tmp_path / "my_study.py").write_text(STUDY.replace("* my_settings", "+ my_settings"))
    stale = fingerprint(old)
    new = fingerprint(study(my_study=("* my_settings", "+ my_settings")).function)
    assert stale not in (new, fingerprint(study().function))


def test_relative_imports_are_followed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "my_package" / "inner").mkdir(parents=True)
    (tmp_path / "my_package" / "__init__.py").touch()
    (tmp_path / "my_package" / "inner" / "__init__.py").touch()
    (tmp_path / "my_package" / "inner" / "study.py").write_text(
        "def f(s):\n    from ..late import g\n    from .. import later\n    return later.h(g())\n"
    )
    found = []
    for a, b in itertools.product((1, 2), (1, 2)):
        (tmp_path / "my_package" / "late.py").write_text(f"def g():\n    return {a}\n")
        (tmp_path / "my_package" / "later.py").write_text(f"def h(x):\n    return x * {b}\n")
        for name in [name for name in sys.modules if name.startswith("my_package")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        found.append(fingerprint(importlib.import_module("my_package.inner.study").f))
    assert len(set(found)) == 4


def test_a_change_in_a_file_of_lrcourse_is_seen(monkeypatch):
    def train(seed):
        return fit(seed)

    first, real = fingerprint(train), module._read

    def edited(path):
        return real(path) + b"\nEDITED = 1\n" * path.endswith(("nn.py", "training.py"))

    monkeypatch.setattr(module, "_read", edited)
    assert fingerprint(train) != first


def test_a_change_of_lrcourse_from_outside_is_seen(monkeypatch):
    def train(seed):
        return fit(nn.Network([]), SGD())

    versions = [fingerprint(train)]
    monkeypatch.setattr(training, "_batches", lambda *arguments: [])
    versions.append(fingerprint(train))
    monkeypatch.setattr(SGD, "step", lambda *arguments: None)
    versions.append(fingerprint(train))
    monkeypatch.setattr(nn.Network, "mine", 1, raising=False)
    versions.append(fingerprint(train))
    assert len(set(versions)) == 4


# Packages -----------------------------------------------------------------------------------------


def test_an_installed_package_counts_with_its_name_and_version(monkeypatch):
    cells = "import numpy as np", "def train(seed):\n    return np.tanh(seed), np.linalg.norm"
    first = fingerprint(notebook(*cells)["train"])
    monkeypatch.setattr(np.linalg, "norm", None)  # what it holds is not looked at
    assert fingerprint(notebook(*cells)["train"]) == first
    monkeypatch.setattr(np, "__version__", "0")
    assert fingerprint(notebook(*cells)["train"]) != first


# Refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        threading.Lock(),
        (i for i in range(3)),
        np.random.default_rng(0),
        [threading.Lock()],
        np.frompyfunc(lambda x: x + 1, 1, 1),
    ],
    ids=["lock", "iterator", "generator of random numbers", "lock in a list", "made ufunc"],
)
def test_what_cannot_be_hashed_is_named(value):
    train = notebook("def helper(x):\n    return USED", "def train(seed):\n    return helper(1)")
    train["USED"] = value
    with pytest.raises(ValueError, match=r"^USED cannot be hashed.*\(train > helper > USED: "):
        fingerprint(train["train"])
    train["train"].__defaults__ = (value,)
    with pytest.raises(ValueError, match=r"in the grid, or make it inside the function"):
        fingerprint(train["train"])


def test_a_closure_that_cannot_be_hashed_is_named(tmp_path):
    with open(tmp_path / "log", "w") as log:

        def train(seed):
            log.write("x")

        with pytest.raises(ValueError, match=r"^log cannot be hashed.*train > log: cannot pickle"):
            fingerprint(train)
