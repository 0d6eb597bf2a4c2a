r"""The rules of ``lrcourse.optim`` as real PyTorch optimizers, and schedules as schedulers."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR

from lrcourse.nn import Part
from lrcourse.optim import LayerwiseRate, Rule, multiplier
from lrcourse.optim.rule import checked_rule


class Optimizer(torch.optim.Optimizer):
    r"""Any rule of ``lrcourse.optim``, or one of your own, as a ``torch.optim.Optimizer``.

    Args:
        params: parameters or parameter groups, as for any torch optimizer, or a module, which
            makes one group of each submodule that has parameters of its own.
        rule: the rule, such as ``Momentum(0.9)``; each parameter gets a fresh one of its own.
            Under ``LayerwiseRate`` each parameter group is a layer, so pass the module itself.
        lr: the learning rate; torch's schedulers change it in ``param_groups``. Rules that own
            their step sizes, such as ``Rprop``, do without: it is then a factor, 1.

    Raises:
        TypeError: a rule that is none, or one that holds another, such as ``EMA``.
        ValueError: no learning rate, or one below 0.

    The rule's hyperparameters stand in the groups under their own names, where they can be
    changed; Adam's ``beta1`` and ``beta2`` as torch's ``betas``, too. The state of a parameter
    stands in ``state[parameter]`` under the names that the rule declares, and travels in
    ``state_dict``. Parameters without a gradient are passed over, as in torch; sparse and complex
    ones are refused.
    """

    def __init__(
        self, params: torch.nn.Module | Iterable, rule: Rule, lr: float | None = None
    ) -> None:
        self.layerwise = isinstance(rule, LayerwiseRate)
        self.rule = checked_rule(rule.rule if self.layerwise else rule).fresh()
        if any(isinstance(value, Rule) for value in self.rule.hyperparameters.values()):
            raise TypeError(
                f"A torch optimizer takes one rule, and {type(rule).__name__} holds another. In "
                "torch, torch.optim.swa_utils.AveragedModel averages; and Muon() gets the matrices "
                "in an optimizer of its own."
            )
        lr = self.rule.default_rate if lr is None else lr
        if lr is None or not lr >= 0:
            raise ValueError(f"{type(rule).__name__} needs lr, a number of 0 or more, not {lr}.")
        if isinstance(params, torch.nn.Module):
            groups, taken = [], set()  # tied weights belong to the first module that has them
            for module in params.modules():
                own = [p for p in module.parameters(recurse=False) if p not in taken]
                taken.update(own)
                groups += [{"params": own}] if own else []
            params = groups
        defaults = self.rule.hyperparameters | {"lr": lr}
        if "beta1" in defaults:  # torch's schedulers that cycle a momentum know it as betas
            defaults["betas"] = defaults["last_betas"] = defaults["beta1"], defaults["beta2"]
        super().__init__(params, defaults)

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"rule": self.rule, "layerwise": self.layerwise}

    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> torch.Tensor | None:
        r"""Take one step of every parameter that has a gradient.

        Args:
            closure: computes the loss and its gradients again and returns the loss.

        Returns:
            The closure's loss, or None.

        Raises:
            RuntimeError: a gradient is sparse or complex; then no parameter has moved.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        groups = [
            (group, [p for p in group["params"] if p.grad is not None])
            for group in self.param_groups
        ]
        for p in (p for _, params in groups for p in params):
            if p.grad.is_sparse or p.is_complex():
                raise RuntimeError(
                    f"{type(self.rule).__name__} takes dense, real gradients; one of shape "
                    f"{tuple(p.shape)} is {'sparse' if p.grad.is_sparse else 'complex'}."
                )
        with torch.no_grad():
            for group, params in groups:
                self._step_group(group, params)
        return loss

    def _step_group(self, group: dict[str, Any], params: list[torch.Tensor]) -> None:
        lr = group["lr"]
        if self.layerwise and params:
            norms = torch.stack([torch.linalg.vector_norm(p.grad) for p in params])
            lr = lr * multiplier(torch.linalg.vector_norm(norms))
        if "betas" in group:  # whichever of the two names was changed since the last step counts
            if group["betas"] != group["last_betas"]:
                group["beta1"], group["beta2"] = group["betas"]
            group["betas"] = group["last_betas"] = group["beta1"], group["beta2"]
        hyperparameters = {name: group[name] for name in self.rule.hyperparameters}
        for p in params:
            rule, state, w, g = copy(self.rule), self.state[p], p, p.grad
            vars(rule).update(hyperparameters, **state)
            if not rule.elementwise:
                w, g = _flat(p), _flat(p.grad)
                if hasattr(rule, "parts"):
                    shape = (p[0].numel(), len(p)) if p.ndim > 1 else tuple(p.shape)
                    vars(rule)["parts"] = [Part("parameter", slice(0, p.numel()), shape)]
            if state:
                rule._shape = tuple(w.shape)
            rule.step(w, g, lr)
            if w is not p:
                p.copy_(w.view(-1, len(p)).T.reshape(p.shape) if p.ndim > 1 else w)
            state.update((name, getattr(rule, name)) for name in rule.state)

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        r"""Give the parameters the values to evaluate and to save, and afterwards their own again.

        They differ for a rule that averages: ``with optimizer.evaluation(): test(model)``.
        """
        kept = {}
        for p in (p for group in self.param_groups for p in group["params"] if self.state.get(p)):
            rule = copy(self.rule)
            vars(rule).update(self.state[p], _shape=tuple(p.shape))
            kept[p] = p.detach().clone()
            with torch.no_grad():
                p.copy_(rule.evaluation_weights(p))
        try:
            yield
        finally:
            with torch.no_grad():
                for p, own in kept.items():
                    p.copy_(own)


def _flat(p: torch.Tensor) -> torch.Tensor:
    # torch's weights are (fan_out, ...), the course's (fan_in, fan_out)
    return p.reshape(len(p), -1).T.reshape(-1) if p.ndim > 1 else p


def scheduler(optimizer: torch.optim.Optimizer, schedule: Callable[[int], float]) -> LambdaLR:
    r"""Return a schedule of ``lrcourse.schedules`` as a torch scheduler.

    Args:
        optimizer: any torch optimizer; its ``lr`` is replaced by the schedule's.
        schedule: from the number of ``scheduler.step()`` calls so far to a learning rate. Whether
            that counts updates or epochs depends on where you call ``step``.

    Returns:
        A ``LambdaLR`` that sets the learning rate of every group to ``schedule(n)``. Its
        ``state_dict`` holds the count, not the schedule: make it again from the same schedule.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] = 1.0
    # A plain function: of any other callable, LambdaLR saves the attributes and overwrites them.
    return LambdaLR(optimizer, lambda n: schedule(n))
