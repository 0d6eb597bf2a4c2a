r"""Wrong answers to the exercises of chapter 14, each with a part of the sentence expected."""

from copy import deepcopy

import numpy as np
import torch

from lrcourse.exercises.chapter_14 import interrupted_run, replay, trained_weights


def momentum(update, skip=lambda p: p.grad is None):
    r"""A path of an optimizer whose update takes p, its gradient, its state and its group."""

    class Momentum(torch.optim.Optimizer):
        def __init__(self, params, lr, momentum=0.9):
            super().__init__(params, {"lr": lr, "momentum": momentum})

        @torch.no_grad()
        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    if not skip(p):
                        update(self, p, p.grad, self.state[p], group)

    return lambda *given, **more: replay(Momentum, *given, **more)


def velocity(state, p):
    return state.setdefault("v", torch.zeros_like(p))


def right(self, p, g, state, group):
    p.add_(velocity(state, p).mul_(group["momentum"]).sub_(group["lr"] * g))


def rate_outside(self, p, g, state, group):
    p.sub_(group["lr"] * velocity(state, p).mul_(group["momentum"]).add_(g))


def not_kept(self, p, g, state, group):
    v = torch.zeros_like(p)
    p.add_(group["momentum"] * v - group["lr"] * g)


def uphill(self, p, g, state, group):
    p.sub_(velocity(state, p).mul_(group["momentum"]).sub_(group["lr"] * g))


def mean(self, p, g, state, group):
    mu = group["momentum"]
    p.add_(velocity(state, p).mul_(mu).sub_((1 - mu) * group["lr"] * g))


def nesterov(self, p, g, state, group):
    v, mu = velocity(state, p), group["momentum"]
    v.mul_(mu).sub_(group["lr"] * g)
    p.add_(mu * v - group["lr"] * g)


def late(self, p, g, state, group):
    v = velocity(state, p)
    p.add_(v)
    v.mul_(group["momentum"]).sub_(group["lr"] * g)


def default_rate(self, p, g, state, group):
    right(self, p, g, state, group | {"lr": self.defaults["lr"]})


def default_momentum(self, p, g, state, group):
    right(self, p, g, state, group | {"momentum": self.defaults["momentum"]})


def one_velocity(self, p, g, state, group):
    shapes = self.__dict__.setdefault("shared", {})
    right(self, p, g, shapes.setdefault(p.shape, {}), group)


def state_of_its_own(self, p, g, state, group):
    right(self, p, g, self.__dict__.setdefault("mine", {}).setdefault(p, {}), group)


def state_by_id(self, p, g, state, group):
    right(self, p, g, self.state.setdefault(str(id(p)), {}), group)


def coasts(self, p, g, state, group):
    right(self, p, torch.zeros_like(p) if g is None else g, state, group)


def in_place(self, p, g, state, group):
    right(self, p, g, state, group)
    g.mul_(group["lr"])


def rebinds(self, p, g, state, group):
    p = p + velocity(state, p).mul_(group["momentum"]).sub_(group["lr"] * g)


def removes(self, p, g, state, group):
    right(self, p, g, state, group)
    p.grad = None


def in_single_precision(self, p, g, state, group):
    v = state.setdefault("v", torch.zeros_like(p, dtype=torch.float32))
    p.add_(v.mul_(group["momentum"]).sub_(group["lr"] * g))


def one_group_or_until_none(groups=None, end_at_none=False):
    r"""Momentum that leaves its loops too early."""

    class Momentum(torch.optim.Optimizer):
        def __init__(self, params, lr, momentum=0.9):
            super().__init__(params, {"lr": lr, "momentum": momentum})

        @torch.no_grad()
        def step(self):
            for group in self.param_groups[:groups]:
                for p in group["params"]:
                    if p.grad is None and end_at_none:
                        return
                    if p.grad is not None:
                        right(self, p, p.grad, self.state[p], group)

    return lambda *given, **more: replay(Momentum, *given, **more)


def recipe(make, schedule=lambda optimizer, updates: None):
    r"""A race of an optimizer and a schedule."""

    def made(parameters, updates):
        optimizer = make(parameters)
        return optimizer, schedule(optimizer, updates)

    return lambda seed: trained_weights(made, seed)


def one_cycle(optimizer, updates):
    rate = optimizer.param_groups[0]["lr"]
    cycle = torch.optim.lr_scheduler.OneCycleLR
    return cycle(optimizer, rate, total_steps=updates + 1, cycle_momentum=False)


def line(zero=True, late=True, copy=True, total=False, gain=0.5, decays=True):
    r"""The loop of the exercise with some of its bugs."""

    def line_path(inputs, targets, rate, steps):
        inputs, targets = torch.tensor(inputs), torch.tensor(targets)
        w = torch.zeros(inputs.shape[1], dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=rate)
        schedule, path = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5), []
        optimizer.step()  # keeps torch from warning when the schedule comes first
        for _ in range(steps):
            squares = (inputs @ w - targets) ** 2
            if zero:
                optimizer.zero_grad()
            (gain * (squares.sum() if total else squares.mean())).backward()
            if decays and not late:
                schedule.step()
            optimizer.step()
            if decays and late:
                schedule.step()
            path.append(w.detach().numpy().copy() if copy else w.detach().numpy())
        return np.array(path)

    return line_path


def run(*kept, save=None):
    r"""A run that keeps only some of its four parts."""
    names = ("network", "optimizer", "schedule", "generator")

    def snapshot(*parts):
        states = [part.state_dict() for part in parts[:3]] + [parts[3].get_state()]
        return dict(zip(names, states, strict=True))

    def restore(saved, *parts):
        for name, part in zip(names, parts, strict=True):
            if name in kept:
                load = part.set_state if name == "generator" else part.load_state_dict
                load(saved[name])

    return lambda steps, stop: interrupted_run(save or snapshot, restore, steps, stop)


def whole_objects(*parts):
    return dict.fromkeys(("network", "optimizer", "schedule", "generator"), deepcopy(parts[0]))


WRONG = {
    "14.1": [
        (momentum(rate_outside), "outside the velocity"),
        (momentum(not_kept), "does not last"),
        (momentum(uphill), "uphill"),
        (momentum(mean), "is a mean"),
        (momentum(nesterov), "Nesterov's step"),
        (momentum(late), "old velocity"),
        (momentum(default_rate), "does not see that the rate changed"),
        (momentum(default_momentum), "one momentum"),
        (momentum(one_velocity), "share one velocity"),
        (momentum(state_of_its_own), "does not travel"),
        (momentum(state_by_id), "does not travel"),
        (momentum(coasts, skip=lambda p: False), "coasts on"),
        (momentum(right, skip=lambda p: False), "pass it over"),
        (momentum(in_place), "changes or removes `p.grad`"),
        (momentum(removes), "changes or removes `p.grad`"),
        (momentum(rebinds), "never move"),
        (momentum(in_single_precision), "seven digits"),
        (one_group_or_until_none(groups=1), "Only the first group"),
        (one_group_or_until_none(end_at_none=True), "the others rest too"),
    ],
    "14.2": [
        (line(zero=False, late=False, copy=False), "All three bugs"),
        (line(zero=False, late=False), "rows are right now"),
        (line(zero=False, copy=False), "schedule is right now"),
        (line(late=False, copy=False), "gradients are right now"),
        (line(zero=False), "Gradients still add up"),
        (line(late=False), "first rate is still skipped"),
        (line(copy=False), "All rows are still the same"),
        (line(decays=False), "does not fall any more"),
        (line(total=True), "is a sum now"),
        (line(gain=1.0), "½ of the loss"),
        (lambda *given: np.vstack([0 * given[0][:1], line()(*given)[:-1]]), "one step late"),
    ],
    "14.3": [
        (run("optimizer", "schedule", "generator"), "weights are not restored"),
        (run("network", "schedule", "generator"), "without its velocity"),
        (run("network", "optimizer", "generator"), "schedule is not restored"),
        (run("network", "optimizer", "schedule"), "generator is not restored"),
        (run("network", "optimizer"), "Schedule and generator"),
        (run("network"), "Only the network"),
        (run(), "Nothing is restored"),
        (run("network", save=whole_objects), "weights_only"),
    ],
    "14.4": [
        (recipe(lambda p: torch.optim.SGD(p, 0.0)), "only guesses"),
        (recipe(lambda p: torch.optim.SGD(p, 0.1)), "far off"),
        (recipe(lambda p: torch.optim.Adam(p, 0.01)), "is near"),
        (lambda seed: trained_weights(lambda p, n: torch.optim.Adam(p, 0.01), seed), "two things"),
        (lambda seed: 0.3, "Leave `my_race`"),
    ],
}

RIGHT = {
    "14.4": [recipe(lambda p: torch.optim.Adam(p, 0.025), one_cycle)],
}
