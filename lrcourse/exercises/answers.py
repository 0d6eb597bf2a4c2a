r"""What you wrote is what trains: ``yours("09.1")`` is your answer once it passes its check.

Until then it is the package's, so a chapter runs to its end however much of it is filled in.
"""

import sys
import time
import types
from collections.abc import Callable, Mapping, Sequence

from lrcourse.exercises import PASSED, TO_DO, Exercise, find, judged, unknown
from lrcourse.optim import Rule
from lrcourse.optim.rule import zeros_like

YOURS, PACKAGES = "yours", "the package's"
SLOW = 20  # times as long as the package's: then the chapter would be no pleasure
_whose: dict[str, str] = {}
_package_only: list[bool] = []


def yours(id: str) -> object:
    r"""Return your answer to an exercise if it passes its check, else the package's.

    It says in a printed sentence which of them is used. Give the result a name of its own, so that
    your answer keeps its name. Where the chapter needs a rule or a layer and the exercise asked for
    a function, it is made of the function.

    Args:
        id: the exercise, such as "09.1".

    Raises:
        ValueError: there is no such exercise, or no chapter uses its answer.
    """
    exercise = find(id)
    if exercise is None:
        raise ValueError(unknown(id).sentence)
    if exercise.package is None:
        raise ValueError(f"Exercise {id}: the chapter does not use its answer.")
    package = exercise.package()
    if _package_only:
        return package
    found, sentence = _chosen(exercise, sys._getframe(1).f_globals, package)
    _whose[exercise.id] = PACKAGES if found is package else YOURS
    print(f"Exercise {exercise.id}: {sentence}")
    return found


def whose(id: str) -> str:
    r"""Return "yours" or "the package's": which of them the last ``yours(id)`` gave, for legends.

    Args:
        id: the exercise, such as "09.1".
    """
    return _whose.get(id, PACKAGES)


def always_the_packages() -> None:
    r"""Let ``yours`` give the package's from now on: an exercise is graded by itself."""
    _package_only.append(True)


def _chosen(exercise: Exercise, space: Mapping, package: object) -> tuple[object, str]:
    status = judged(exercise, space).status
    if status != PASSED:
        why = "still to do" if status == TO_DO else "not right yet"
        return package, f"{why}, so the package's version is used."
    answers = {name: space[name] for name in exercise.answers}
    names = " and ".join(f"`{name}`" for name in answers)
    several = types.SimpleNamespace(**answers)
    try:
        answer = exercise.adapt(several if len(answers) > 1 else next(iter(answers.values())))
        times = _times(exercise.use, package, answer) if exercise.use else 0
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        return package, f"right, but used here it raised {said}. The package's version is used."
    if times > SLOW:
        said = f"right, but it takes {times:.0f} times as long as the package's, which is used."
        return package, said
    return answer, f"your {names} is used." if len(answers) == 1 else f"your {names} are used."


def _times(use: Callable[[object], object], package: object, answer: object) -> float:
    def seconds(one: object) -> float:
        start = time.perf_counter()
        use(one)
        return time.perf_counter() - start

    least = min(seconds(package) for _ in range(5))
    for _ in range(5):  # a busy machine is no fault of the answer
        times = seconds(answer) / least
        if times <= SLOW:
            break
    return times


def rule(
    step: Callable,
    state: Sequence[str],
    *,
    name: str = "Yours",
    counts: bool = False,
    **hyperparameters: float,
) -> Callable[..., Rule]:
    r"""Return a class of rules whose step is a function that an exercise asked for.

    .. math:: (w, s_1, \dots) \leftarrow step(w, s_1, \dots, g, \eta, \text{hyperparameters})

    Args:
        step: called as step(w, *state, g, learning_rate, **hyperparameters); returns the new w
            and the new state, as a tuple in this order (without state w alone), and changes
            nothing.
        state: names of what the rule remembers; all begin at 0.
        name: of the class.
        counts: whether ``step`` is given ``t``, the number of this step, from 1.
        hyperparameters: their defaults; the class takes them by name.
    """
    passed = (*hyperparameters, "t") if counts else tuple(hyperparameters)

    class Made(Rule):
        def __init__(self, **own: float) -> None:
            if strange := own.keys() - hyperparameters.keys():
                raise TypeError(f"{name} has no {min(strange)}; it has {list(hyperparameters)}.")
            vars(self).update(hyperparameters | own)

        def begin(self, w: object) -> None:
            for each in state:
                setattr(self, each, zeros_like(w))
            if counts:
                self.t = 0

        def update(self, w: object, g: object, learning_rate: object) -> None:
            if counts:
                self.t += 1
            remembered = [getattr(self, each) for each in state]
            options = {each: getattr(self, each) for each in passed}
            found = step(w, *remembered, g, learning_rate, **options)
            new, *after = found if state else (found,)
            w[...] = new
            for each, value in zip(state, after, strict=True):
                setattr(self, each, value)

    Made.state = (*state, "t") if counts else tuple(state)
    Made.__name__ = Made.__qualname__ = name
    return Made
