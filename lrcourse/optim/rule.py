r"""What all rules share: the contract, and the one place where a step is checked.

A rule is written once for NumPy and torch: it uses only what arrays and tensors share, on one
vector of shape (P,) with a number as learning rate, or on K of them, (K, P), with rates (K, 1).
"""

import math
import warnings
from copy import copy
from typing import Any, ClassVar

from array_api_compat import array_namespace

from lrcourse.messages import unknown
from lrcourse.nn import Array

CONTRACT = """
A rule looks like this; one that remembers nothing needs neither state nor begin:
    class Mine(Rule):
        state = ("v",)
        def begin(self, w):
            self.v = 0 * w
        def update(self, w, g, learning_rate):
            self.v = 0.9 * self.v - learning_rate * g
            w += self.v  # in place"""
_FOLLOWED: set[type] = set()  # rules whose first step was seen to follow the contract


class Rule:
    r"""An optimizer: a rule that turns the gradient g into a step of w.

    A subclass keeps its hyperparameters as attributes, declares the names of what it remembers in
    ``state``, makes these in ``begin``, and writes its formula in ``update``. All other attributes
    are hyperparameters: change one at any time, and the next step uses it.
    """

    state: ClassVar[tuple[str, ...]] = ()
    default_rate: ClassVar[float | None] = None  # of rules that own their step sizes
    elementwise: ClassVar[bool] = True  # no weight's step depends on the other weights
    _shape: tuple[int, ...] | None = None  # of the w that this rule's state is for

    def begin(self, w: Array) -> None:
        r"""Make the state for parameters like w."""

    def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        r"""Change w in place.

        Args:
            w: parameters, (P,) or (K, P).
            g: gradient of the mini-batch, of the same shape; it must not be changed.
            learning_rate: a number, or an array that broadcasts with w.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update. {CONTRACT}")

    def step(self, w: Array, g: Array, learning_rate: float | Array | None = None) -> None:
        r"""Check the arguments, make the state if this is the first step, and update w.

        Args:
            w: parameters, (P,) or (K, P), changed in place.
            g: gradient, of the same shape; it is not changed.
            learning_rate: a number, or (K, 1) for K runs. None: the rule's ``default_rate``.

        Raises:
            TypeError: the rule breaks the contract; the sentence says how to keep it.
            ValueError: shapes that do not fit, an invalid rate, or a rule whose state is for
                parameters of another shape.
        """
        learning_rate = self.default_rate if learning_rate is None else learning_rate
        _check(self, w, g, learning_rate)
        if type(self) not in _FOLLOWED:
            self._first_step(w, g, learning_rate)
            return
        if self._shape is None:
            self._begin(w)
        self.update(w, g, learning_rate)

    def evaluation_weights(self, w: Array) -> Array:
        r"""Return the weights to evaluate and to keep: w, unless the rule averages.

        Args:
            w: the parameters that the rule steps, at which gradients are taken.
        """
        return w

    @property
    def hyperparameters(self) -> dict[str, Any]:
        r"""All attributes but the state, by name."""
        own = vars(self).items()
        return {name: v for name, v in own if name not in self.state and name[0] != "_"}

    def fresh(self) -> "Rule":
        r"""Return a rule with the same hyperparameters that has taken no step yet."""
        twin = copy(self)
        for name in (*self.state, "_shape"):
            vars(twin).pop(name, None)
        inner = {n: v.fresh() for n, v in self.hyperparameters.items() if isinstance(v, Rule)}
        vars(twin).update(inner)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return {name: v for name, v in vars(self).items() if name != "_network"}  # a weak reference

    def _begin(self, w: Array) -> None:
        if "float" not in str(w.dtype):
            raise ValueError(f"w must hold floating-point numbers, not {w.dtype}.")
        self.begin(w)
        self._shape = tuple(w.shape)

    def _first_step(self, w: Array, g: Array, learning_rate: float | Array) -> None:
        # The first of all steps of this class: what it does wrong, it does wrong in each.
        name, before, old_w = type(self).__name__, dict(vars(self)), 1 * w
        if self._shape is None:
            self._begin(w)
        if missing := [each for each in self.state if not hasattr(self, each)]:
            raise TypeError(f"{name}.begin must make {', '.join(missing)}. {CONTRACT}")
        if self.update(w, g, learning_rate) is not None:
            raise TypeError(f"{name}.update must change w in place and return nothing. {CONTRACT}")
        changed = {n for n, value in vars(self).items() if before.get(n, _FOLLOWED) is not value}
        if undeclared := sorted(changed - {*self.state, "_shape"}):
            state = (*self.state, *undeclared)
            raise TypeError(f"{name} changes {undeclared} as it steps: state = {state}. {CONTRACT}")
        if (old_w == w).all() and (abs(learning_rate * g) > abs(w) * 1e-3).any():
            text = f"{name}.update left w as it was: write `w -= ...` and not `w = w - ...`."
            warnings.warn(text, RuntimeWarning, stacklevel=3)
        _FOLLOWED.add(type(self))


def checked_rule(rule: object) -> Rule:
    r"""Return the rule, if it is one.

    Args:
        rule: what was given as rule.

    Raises:
        TypeError: something else; the sentence shows what a rule looks like.
    """
    if isinstance(rule, type):
        raise TypeError(f"The rule must be an instance: {rule.__name__}(), not {rule.__name__}.")
    if not isinstance(rule, Rule) or type(rule).step is not Rule.step:
        raise TypeError(f"{type(rule).__name__} is not a rule of this course. {CONTRACT}")
    return rule


def _check(rule: Rule, w: Array, g: Array, rate: Any) -> None:
    name, shape, rates = type(rule).__name__, tuple(w.shape), (*w.shape[:-1], 1)
    if g.shape != w.shape or g.dtype != w.dtype:
        raise ValueError(f"w is {shape} of {w.dtype}, but g is {tuple(g.shape)} of {g.dtype}.")
    if rule._shape is not None and rule._shape != shape:
        raise ValueError(
            f"This {name} steps {rule._shape}, not {shape}: make a new one for each w."
        )
    if isinstance(rate, float | int):
        valid = 0 <= rate < math.inf
    elif valid := hasattr(rate, "shape"):
        if rate.ndim and tuple(rate.shape) != rates:
            raise ValueError(
                f"The rate must be one number, or {rates} for K runs, not {rate.shape}."
            )
        valid = bool(((rate >= 0) & (rate < math.inf)).all())
    if not valid:
        raise ValueError(f"{name} needs a finite learning rate, 0 or more, not {rate!r}.")


def zeros_like(w: Array) -> Array:
    r"""Return zeros with the shape, type and device of w.

    Args:
        w: an array or a tensor.
    """
    return array_namespace(w).zeros_like(w)


def at_least_0(name: str, value: float, below: float = math.inf) -> float:
    r"""Return a hyperparameter, if it is in its range.

    Args:
        name: what it is called, for the error.
        value: what was given.
        below: an upper limit that it must not reach.
    """
    if not 0 <= value < below:
        limit = "finite" if below == math.inf else f"below {below}"
        raise ValueError(f"{name} must be at least 0 and {limit}, not {value}.")
    return value


def choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    r"""Return a hyperparameter that must be one of a few words.

    Args:
        name: what it is called, for the error.
        value: what was given.
        allowed: the words.
    """
    if value not in allowed:
        raise ValueError(unknown(name, value, allowed))
    return value
