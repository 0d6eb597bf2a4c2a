r"""Checks of chapter 14, Your rules in PyTorch.

``replay``, ``interrupted_run`` and ``trained_weights`` put a learner's optimizer or functions to
work and return plain arrays, so that the checks themselves never touch a tensor of the learner's.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.data import load
from lrcourse.exercises import Check, Exercise, Wrong, compare, compare_call

UPDATES, GOAL = 120, 0.32  # of exercise 14.4: how many, and the mean test error of three seeds
Groups = Sequence[tuple[Sequence[int], dict[str, float]]]


def replay(
    optimizer: type,
    weights: Sequence[NDArray],
    gradients: Sequence[Sequence[NDArray | None]],
    rates: Sequence[Sequence[float]],
    groups: Groups,
    save_after: int | None = None,
) -> tuple[NDArray, bool]:
    r"""Let an optimizer class take steps along given gradients.

    Args:
        optimizer: the class, made as ``optimizer(param_groups, lr=...)``.
        weights: where each parameter begins.
        gradients: for each step one gradient for each parameter, or None.
        rates: for each step one learning rate for each group, set in ``param_groups``.
        groups: for each group the numbers of its parameters and its other settings.
        save_after: after so many steps its ``state_dict`` goes into a new one, which goes on.

    Returns:
        All weights after each step, one row a step, and whether a gradient was changed or removed.
    """
    import torch

    parameters = [torch.nn.Parameter(torch.tensor(w)) for w in weights]

    def build() -> torch.optim.Optimizer:
        made = [{"params": [parameters[k] for k in ks], **setting} for ks, setting in groups]
        return optimizer(made, lr=rates[0][0])

    running, path, changed = build(), [], False
    for number, (row, step_rates) in enumerate(zip(gradients, rates, strict=True), start=1):
        for p, g in zip(parameters, row, strict=True):
            p.grad = None if g is None else torch.tensor(g)
        for group, rate in zip(running.param_groups, step_rates, strict=True):
            group["lr"] = rate
        running.step()
        given = [(p.grad, g) for p, g in zip(parameters, row, strict=True) if g is not None]
        changed |= any(p is None or not np.array_equal(p.numpy(), g) for p, g in given)
        path.append(np.concatenate([p.detach().numpy().copy().ravel() for p in parameters]))
        if number == save_after:
            state = _through_a_file(running.state_dict())
            parameters = [torch.nn.Parameter(p.detach().clone()) for p in parameters]
            running = build()
            running.load_state_dict(state)
    return np.array(path), changed


def interrupted_run(
    snapshot: Callable, restore: Callable, steps: int, stop: int
) -> tuple[NDArray, list[float]]:
    r"""Train a small network, save it on the way to a file, and go on with what was restored.

    Args:
        snapshot: makes a dict of network, optimizer, schedule and generator.
        restore: puts such a dict into new ones.
        steps: updates in all.
        stop: updates before the interruption; 0 for none.

    Returns:
        The weights at the end and the learning rate of each update.
    """
    parts, rates = _parts(), []
    for step in range(steps):
        if stop and step == stop:
            saved = _through_a_file(snapshot(*parts))
            parts = _parts()
            restore(saved, *parts)
        rates.append(_update(*parts))
    weights = [p.detach().numpy().ravel() for p in parts[0].parameters()]
    return np.concatenate(weights), rates


def trained_weights(recipe: Callable, seed: int) -> NDArray:
    r"""Train the small LeNet of chapter 14 on 14x14 clothes, 120 updates on batches of 32.

    Args:
        recipe: ``recipe(parameters, updates)`` returns an optimizer, and a schedule or None.
        seed: of the first weights and of the batches.

    Returns:
        All weights at the end, one vector.
    """
    import torch
    from torch.nn.functional import cross_entropy

    network, generator = _lenet(seed), torch.Generator().manual_seed(seed)
    x, labels = _clothes("train")
    made = recipe(list(network.parameters()), UPDATES)
    if not isinstance(made, tuple | list) or len(made) != 2:
        raise ValueError("A recipe returns two things: an optimizer, and a schedule or None")
    optimizer, schedule = made
    for _ in range(UPDATES):
        batch = torch.randint(len(x), (32,), generator=generator)
        optimizer.zero_grad()
        cross_entropy(network(x[batch]), labels[batch]).backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
    return torch.nn.utils.parameters_to_vector(network.parameters()).detach().numpy()


def _lenet(seed: int) -> Callable:
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        first = [nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2)]
        second = [nn.Conv2d(6, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
        return nn.Sequential(*first, *second, nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


@cache
def _clothes(part: str) -> tuple:
    import torch

    split = getattr(load("fashion-mini"), part)
    x = torch.nn.functional.avg_pool2d(torch.tensor(split.x).view(-1, 1, 28, 28), 2)
    return x, torch.tensor(split.y)


def _test_error(weights: NDArray) -> float:
    import torch

    network, (x, labels) = _lenet(0), _clothes("test")
    vector = torch.tensor(np.asarray(weights, dtype=np.float32))
    torch.nn.utils.vector_to_parameters(vector, network.parameters())
    with torch.no_grad():
        return (network(x).argmax(dim=1) != labels).double().mean().item()


def _parts() -> tuple:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5, momentum=0.9)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 0.8**n)
    return network, optimizer, schedule, torch.Generator().manual_seed(2)


def _update(network: object, optimizer: object, schedule: object, generator: object) -> float:
    import torch

    rate = float(optimizer.param_groups[0]["lr"])
    x = torch.randn(8, 3, generator=generator)
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(network(x), (x[:, 0] > 0).long()).backward()
    optimizer.step()
    schedule.step()
    return rate


def _through_a_file(state: dict) -> dict:
    import torch

    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def _sizes(rng: Generator, steps: int) -> tuple[list[NDArray], list[list[NDArray]]]:
    r"""Three parameters, two of them of one shape, and a gradient of each for every step."""
    shapes = [(2, 3), (4,), (4,)]
    gradients = [[rng.normal(size=shape) for shape in shapes] for _ in range(steps)]
    return [rng.normal(size=shape) for shape in shapes], gradients


def _momentum_path(
    weights: Sequence[NDArray],
    gradients: Sequence[Sequence[NDArray | None]],
    rates: Sequence[Sequence[float]],
    groups: Groups,
    *,
    kind: str = "paper",
    forget: int = 0,
    shared: bool = False,
    own_rate: bool = True,
    own_momentum: bool = True,
    stops: bool = False,
) -> NDArray:
    r"""The path that some reading of the rule, right or wrong, takes."""
    weights = [w.copy() for w in weights]
    keys = [w.shape if shared else k for k, w in enumerate(weights)]
    v, path = {key: 0.0 for key in keys}, []
    for number, (row, step_rates) in enumerate(zip(gradients, rates, strict=True)):
        if forget and number == forget:
            v = {key: 0.0 for key in keys}
        for (members, setting), group_rate in zip(groups, step_rates, strict=True):
            rate = group_rate if own_rate else rates[0][0]
            mu = setting.get("momentum", 0.9) if own_momentum else 0.9
            for k in members:
                g, key = row[k], keys[k]
                if g is None:
                    if stops:
                        break
                    continue
                gain = {"average": (1 - mu) * rate, "torch": 1.0}.get(kind, rate)
                old, v[key] = v[key], mu * v[key] - gain * g
                step = {
                    "plain": -rate * g,
                    "torch": rate * v[key],
                    "up": -v[key],
                    "nesterov": mu * v[key] - rate * g,
                    "late": old,
                    "still": 0.0,
                }.get(kind, v[key])
                weights[k] = weights[k] + step
        path.append(np.concatenate([w.ravel() for w in weights]))
    return np.array(path)


def _mistaken_paths(*given: object) -> dict[str, NDArray]:
    kinds = {
        "The rate stands outside the velocity, as in torch: v = μ v - lr g, then w = w + v. The "
        "difference shows as soon as the rate changes.": "torch",
        "The velocity does not last: it is a plain step of SGD. Keep v in `self.state[p]`.": (
            "plain"
        ),
        "The steps go uphill: v = μ v - lr g, then w = w + v.": "up",
        "The velocity is a mean, with 1 - μ before the gradient; here it is a sum.": "average",
        "This is Nesterov's step; here w moves by v alone.": "nesterov",
        "It steps with the old velocity: first bring v up to date, then move w.": "late",
        "The weights never move: `p = p + v` makes a new tensor and leaves the parameter as it "
        "was. Change p in place; in torch such operations end with `_`.": "still",
    }
    return {sentence: _momentum_path(*given, kind=kind) for sentence, kind in kinds.items()}


def _replayed(momentum_path: Callable, *given: object, **more: object) -> NDArray:
    result = momentum_path(*given, **more)
    if result is None:
        raise Wrong("`momentum_path` returned None; leave that function as the exercise gives it.")
    return result[0]


ONE_GROUP = [([0], {})]


def momentum_by_numbers(momentum_path: Callable, rng: Generator) -> None:
    r"""Velocities -0.1, -0.19, -0.271."""
    given = [np.array([1.0])], [[np.array([1.0])]] * 3, [[0.1]] * 3, ONE_GROUP
    got = _replayed(momentum_path, *given)
    compare(got, [[0.9], [0.71], [0.439]], mistakes=_mistaken_paths(*given), what="the weight")


def momentum_under_a_schedule(momentum_path: Callable, rng: Generator) -> None:
    r"""The rate falls on the way."""
    weights, gradients = _sizes(rng, 5)
    given = weights, gradients, [[0.5], [0.5], [0.05], [0.05], [0.2]], [([0, 1, 2], {})]
    mistakes = _mistaken_paths(*given) | {
        "It does not see that the rate changed: read `group['lr']` in every step.": (
            _momentum_path(*given, own_rate=False)
        ),
        "Two parameters share one velocity: each has its own, `self.state[p]`.": _momentum_path(
            *given, shared=True
        ),
    }
    got, right = _replayed(momentum_path, *given), _momentum_path(*given)
    compare(got, right, mistakes=mistakes)
    if not np.allclose(got, right, rtol=0, atol=1e-12):
        raise Wrong(
            "It is right to seven digits only: the velocity has fewer than the parameter. Make it "
            "of the parameter's own type, as `torch.zeros_like` does."
        )


def momentum_of_two_groups(momentum_path: Callable, rng: Generator) -> None:
    r"""Each group has its own rate and its own momentum."""
    weights, gradients = _sizes(rng, 4)
    given = weights, gradients, [[0.1, 0.4]] * 4, [([0], {}), ([1, 2], {"momentum": 0.5})]
    first_rates = weights, gradients, [[0.1, 0.1]] * 4, given[3]
    mistakes = {
        "Both groups use one momentum: read `group['momentum']`, not a default.": _momentum_path(
            *given, own_momentum=False
        ),
        "Both groups use one rate: read `group['lr']`, not a default.": _momentum_path(
            *first_rates
        ),
        "Only the first group moves: loop over all of `self.param_groups`.": _momentum_path(
            weights, gradients, [[0.1]] * 4, [([0], {})]
        ),
        "Rate and momentum of the second group are ignored: read both from `group`.": (
            _momentum_path(*first_rates, own_momentum=False)
        ),
    }
    compare(_replayed(momentum_path, *given), _momentum_path(*given), mistakes=mistakes)


def momentum_without_a_gradient(momentum_path: Callable, rng: Generator) -> None:
    r"""A parameter whose grad is None rests, the others move, and it goes on later."""
    weights, gradients = _sizes(rng, 4)
    gradients[0][0] = gradients[2][1] = None
    given = weights, gradients, [[0.1]] * 4, [([0, 1, 2], {})]
    zeros = [
        [0 * w if g is None else g for w, g in zip(weights, r, strict=True)] for r in gradients
    ]
    mistakes = {
        "A parameter whose `grad` is None coasts on; torch's rule is to pass it over.": (
            _momentum_path(weights, zeros, *given[2:])
        ),
        "After the first parameter whose `grad` is None the others rest too: `return` and `break` "
        "end the loop, `continue` goes on with the next.": _momentum_path(*given, stops=True),
    }
    try:
        got = _replayed(momentum_path, *given)
    except (TypeError, AttributeError) as error:
        raise Wrong(
            f"With a parameter whose `grad` is None it fails ({error}): pass it over, "
            "`if p.grad is None: continue`."
        ) from error
    compare(got, _momentum_path(*given), mistakes=mistakes, what="with a grad of None")


def momentum_saved_and_loaded(momentum_path: Callable, rng: Generator) -> None:
    r"""The state travels in state_dict."""
    weights, gradients = _sizes(rng, 6)
    given = weights, gradients, [[0.1]] * 6, [([0, 1, 2], {})]
    mistakes = {
        "After loading its state it starts with no velocity: what is not in `self.state[p]` does "
        "not travel in `state_dict()`.": _momentum_path(*given, forget=3),
    }
    got = _replayed(momentum_path, *given, save_after=3)
    compare(got, _momentum_path(*given), mistakes=mistakes, what="saved and loaded on the way")


def momentum_leaves_gradients(momentum_path: Callable, rng: Generator) -> None:
    r"""Nobody but backward writes into grad."""
    weights, gradients = _sizes(rng, 3)
    result = momentum_path(weights, gradients, [[0.1]] * 3, [([0, 1, 2], {})])
    if result[1]:
        raise Wrong(
            "It changes or removes `p.grad`: an operation with `_` at its end works in place, and "
            "`state['v'] = p.grad` makes one tensor of two names. Begin with zeros."
        )


def _line_path(
    inputs: NDArray,
    targets: NDArray,
    rate: float,
    steps: int,
    *,
    adds_up: bool = False,
    early: bool = False,
    alias: bool = False,
    sign: int = 1,
    gain: float = 1.0,
    decays: bool = True,
) -> NDArray:
    w, total, path = np.zeros(inputs.shape[1]), 0.0, []
    for step in range(steps):
        g = gain * inputs.T @ (inputs @ w - targets) / len(inputs)
        total = total + g if adds_up else g
        w = w - sign * rate * 0.5 ** ((step + early) * decays) * total
        path.append(w)
    return np.array([w] * steps if alias else path)


def _mistaken_lines(*given: object) -> dict[str, NDArray]:
    sums, early = {"adds_up": True}, {"early": True}
    alias, size = {"alias": True}, len(given[0])
    bugs = {
        "All three bugs are still there.": sums | early | alias,
        "The rows are right now, but gradients still add up, and the first rate is still "
        "skipped.": sums | early,
        "The schedule is right now, but gradients still add up, and all rows are still one "
        "tensor.": sums | alias,
        "The gradients are right now, but the first rate is still skipped, and all rows are still "
        "one tensor.": early | alias,
        "Gradients still add up: `optimizer.zero_grad()` before each `backward()`.": sums,
        "The first rate is still skipped: `schedule.step()` comes after `optimizer.step()`.": early,
        "All rows are still the same: `w.detach().numpy()` is no copy, it shares memory.": alias,
        "The rate does not fall any more: the schedule's `step()` is missing.": {"decays": False},
        "The loss is a sum now; it is half the mean of the squares.": {"gain": size},
        "The ½ of the loss is missing.": {"gain": 2.0},
    }
    paths = {sentence: _line_path(*given, **kind) for sentence, kind in bugs.items()}
    late = np.vstack([np.zeros(given[0].shape[1]), _line_path(*given)[:-1]])
    return paths | {"The rows are one step late: keep w after each step, not before.": late}


def line_by_numbers(line_path: Callable, rng: Generator) -> None:
    r"""Gradients -2 and -1: w is 1, then 1.25."""
    given = np.array([[1.0]]), np.array([2.0]), 0.5, 2
    compare_call(line_path, given, [[1.0], [1.25]], _mistaken_lines)


def line_of_two_weights(line_path: Callable, rng: Generator) -> None:
    r"""Five steps on seven examples."""
    given = rng.normal(size=(7, 2)), rng.normal(size=7), 0.3, 5
    compare_call(line_path, given, _line_path, _mistaken_lines)


def line_of_one_step(line_path: Callable, rng: Generator) -> None:
    r"""One step at the full rate."""
    given = rng.normal(size=(4, 3)), rng.normal(size=4), 0.2, 1
    compare_call(line_path, given, _line_path, _mistaken_lines)


PARTS = {
    "network": "The weights are not restored: the second run begins with those of a new network.",
    "optimizer": "The optimizer's state is not restored: it goes on without its velocity.",
    "schedule": "The schedule is not restored: it starts to count at 0 again.",
    "generator": "The generator is not restored: the second run sees the first batches again.",
}


def _own_restore(left_out: Sequence[str]) -> tuple[Callable, Callable]:
    def snapshot(*parts: object) -> dict:
        *three, generator = parts
        state = [part.state_dict() for part in three]
        return dict(zip(PARTS, [*state, generator.get_state()], strict=True))

    def restore(saved: dict, *parts: object) -> None:
        for name, part in zip(PARTS, parts, strict=True):
            if name not in left_out:
                load = part.set_state if name == "generator" else part.load_state_dict
                load(saved[name])

    return snapshot, restore


def _left_out() -> Iterator[tuple[str, list[str]]]:
    for name, sentence in PARTS.items():
        yield sentence, [name]
    yield "Schedule and generator are not restored: both start anew.", ["schedule", "generator"]
    yield (
        "Only the network is restored: the optimizer, the schedule and the generator have a state "
        "too.",
        ["optimizer", "schedule", "generator"],
    )
    yield "Nothing is restored: `restore` has to load each part.", list(PARTS)


@cache  # no random inputs: a grader asks for the same runs again and again
def _own_run(left_out: Sequence[str], steps: int, stop: int) -> tuple[NDArray, list[float]]:
    return interrupted_run(*_own_restore(left_out), steps, stop)


def _compared_run(my_run: Callable, steps: int, stop: int) -> None:
    straight, rates = _own_run((), steps, 0)
    runs = {sentence: _own_run(tuple(names), steps, stop) for sentence, names in _left_out()}
    result = my_run(steps, stop)
    if result is None:
        raise Wrong("`my_run` returned None; leave that function as the exercise gives it.")
    got, got_rates = result
    mistakes = {sentence: weights for sentence, (weights, _) in runs.items()}
    compare(got, straight, mistakes=mistakes, what="the weights at the end")
    compare(got_rates, rates, tolerance=1e-12, what="the learning rates")
    if not np.array_equal(got, straight):
        raise Wrong("The weights agree only roughly; a restored run is the same bit for bit.")


def run_interrupted_half_way(my_run: Callable, rng: Generator) -> None:
    r"""Ten updates, saved after five."""
    _compared_run(my_run, 10, 5)


def run_interrupted_early(my_run: Callable, rng: Generator) -> None:
    r"""Saved after the first update, and before the last."""
    for stop in (1, 7):
        _compared_run(my_run, 8, stop)


def recipe_reaches_the_goal(my_race: Callable, rng: Generator) -> None:
    r"""Three seeds that the learner has not seen."""
    expected, found = sum(p.numel() for p in _lenet(0).parameters()), []
    for seed in (50, 51, 52):
        weights = np.asarray(my_race(seed))
        if weights.shape != (expected,):
            raise Wrong("Leave `my_race` as the exercise gives it: it returns the weights.")
        found.append(_test_error(weights))
    error = float(np.mean(found))
    if error < GOAL:
        return
    if error > 0.85:
        cause = "It only guesses: does the optimizer step at all, or is the rate far too large?"
    elif error > 0.4:
        cause = "That is far off. Which rule was ahead after so few updates, and at which rate?"
    else:
        cause = "That is near. What should the rate do from the first update to the last?"
    raise Wrong(
        f"With three seeds of the check the mean test error is {error:.1%}; the goal is below "
        f"{GOAL:.0%}. {cause}"
    )


def _class_of(momentum_path: Callable) -> type:
    return momentum_path.__globals__["MyMomentum"]  # the function of the exercise only drives it


def _own_momentum() -> Callable:
    from lrcourse.optim import Momentum
    from lrcourse.torch_optim import Optimizer

    def make(params: object, lr: float, momentum: float = 0.9) -> Optimizer:
        return Optimizer(params, Momentum(momentum), lr=lr)

    return make


EXERCISES = [
    Exercise(
        id="14.1",
        title="Momentum as a torch optimizer",
        answers=("momentum_path",),
        checks=[
            Check("three steps, by numbers", momentum_by_numbers),
            Check("a rate that changes on the way", momentum_under_a_schedule),
            Check("two groups with their own settings", momentum_of_two_groups),
            Check("a parameter without a gradient", momentum_without_a_gradient),
            Check("saved and loaded on the way", momentum_saved_and_loaded),
            Check("the gradients stay as they were", momentum_leaves_gradients),
        ],
        hints=[
            "How many loops does it take to meet every parameter of every group?",
            "`self.state[p]` is a dict of p's own, empty at first: put a velocity of zeros there "
            "when there is none. Read rate and momentum from the group, at every step.",
            "Operations with `_` at the end, such as `mul_`, `sub_` and `add_`, work in place: on "
            "the velocity and on p, never on `p.grad`.",
        ],
        package=_own_momentum,
        adapt=_class_of,
    ),
    Exercise(
        id="14.2",
        title="Find the bugs",
        answers=("line_path",),
        checks=[
            Check("one weight, by numbers", line_by_numbers),
            Check("two weights, five steps", line_of_two_weights),
            Check("a single step", line_of_one_step),
        ],
        hints=[
            "Print `w`, `w.grad` and the rate after each line of the loop, for two steps.",
            "Compare the order of the lines with that of `train` above. Is a line missing?",
            "What is in `path` after the first step, and what after the second? Does `numpy()` "
            "copy anything?",
        ],
    ),
    Exercise(
        id="14.3",
        title="Save and continue",
        answers=("my_run",),
        checks=[
            Check("saved half way", run_interrupted_half_way),
            Check("saved after one update, and before the last", run_interrupted_early),
        ],
        hints=[
            "Four things change while a network trains. Each of the four arguments is one.",
            "The network, the optimizer and the schedule have `state_dict()` and "
            "`load_state_dict(...)`; the generator has `get_state()` and `set_state(...)`.",
            "Try which of the four you have forgotten: change nothing but one of them, and see "
            "whether the sentence of the check changes.",
        ],
    ),
    Exercise(
        id="14.4",
        title="A recipe",
        answers=("my_race",),
        checks=[Check("below the goal with other seeds", recipe_reaches_the_goal)],
        hints=[
            "Begin with the rule that was ahead in the race, and look at several seeds: one "
            "proves little.",
            "A rate that is good at the start is too large at the end. Which schedules of chapter "
            "07 know how many updates there will be?",
            "With a schedule that falls, the best rate to begin with is another one than without: "
            "try some, a factor of 1.5 to 2 apart.",
        ],
    ),
]
