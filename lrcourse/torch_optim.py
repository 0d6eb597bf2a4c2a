r"""The rules of ``lrcourse.optim`` as real PyTorch optimizers, and schedules as schedulers."""

from collections.abc import Callable, Iterable
from copy import deepcopy

import torch
from torch.optim.lr_scheduler import LambdaLR

from lrcourse.optim import LayerwiseRate, Rule, multiplier


class Optimizer(torch.optim.Optimizer):
    r"""Any rule of ``lrcourse.optim`` as a ``torch.optim.Optimizer``.

    Args:
        params: parameters or parameter groups, as for any torch optimizer, or a module, which
            makes one group of each submodule that has parameters of its own.
        rule: the rule, such as ``Momentum(0.9)``. Under ``LayerwiseRate`` each parameter group is
            a layer, so pass the module itself.
        lr: the learning rate; torch's schedulers change it in ``param_groups``.

    The rule's hyperparameters stand in the groups under their own names, where they can be
    changed; the state of a parameter stands in ``state[parameter]`` under the names that the rule
    gives it, and travels in ``state_dict``. Parameters without a gradient are passed over, as in
    torch; sparse and complex ones are refused.
    """

    def __init__(
        self,
        params: torch.nn.Module | Iterable,
        rule: Rule,
        lr: float = 1.0,
    ) -> None:
        if not lr >= 0:
            raise ValueError(f"The learning rate must be 0 or more, not {lr}.")
        self.layerwise = isinstance(rule, LayerwiseRate)
        self.rule = deepcopy(rule.rule if self.layerwise else rule)
        if isinstance(params, torch.nn.Module):
            own = [list(module.parameters(recurse=False)) for module in params.modules()]
            params = [{"params": parameters} for parameters in own if parameters]
        hyperparameters = dict(vars(self.rule))
        if "beta1" in hyperparameters:  # torch's schedulers that cycle a momentum know it as betas
            hyperparameters["betas"] = (hyperparameters.pop("beta1"), hyperparameters.pop("beta2"))
        super().__init__(params, {"lr": lr, **hyperparameters})

    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> torch.Tensor | None:
        r"""Take one step of every parameter that has a gradient.

        Args:
            closure: computes the loss and its gradients again and returns the loss.

        Returns:
            The closure's loss, or None.

        Raises:
            RuntimeError: a gradient is sparse or complex.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                self._step_group(group)
        return loss

    def _step_group(self, group: dict) -> None:
        params = [p for p in group["params"] if p.grad is not None]
        for p in params:
            if p.grad.is_sparse or p.is_complex():
                raise RuntimeError(
                    f"{type(self.rule).__name__} takes dense, real gradients; one of shape "
                    f"{tuple(p.shape)} is {'sparse' if p.grad.is_sparse else 'complex'}."
                )
        lr = group["lr"]
        if self.layerwise and params:
            norms = torch.stack([torch.linalg.vector_norm(p.grad) for p in params])
            lr = lr * multiplier(torch.linalg.vector_norm(norms))
        hyperparameters = {name: group.get(name) for name in vars(self.rule)}
        if "betas" in group:
            hyperparameters["beta1"], hyperparameters["beta2"] = group["betas"]
        for p in params:
            part, state = object.__new__(type(self.rule)), self.state[p]
            vars(part).update(hyperparameters, **state)
            part.step(p, p.grad, lr)
            state.update((k, v) for k, v in vars(part).items() if k not in hyperparameters)


def scheduler(optimizer: torch.optim.Optimizer, schedule: Callable[[int], float]) -> LambdaLR:
    r"""Return a schedule of ``lrcourse.schedules`` as a torch scheduler.

    Args:
        optimizer: any torch optimizer; its ``lr`` is replaced by the schedule's.
        schedule: from the number of ``scheduler.step()`` calls so far to a learning rate. Whether
            that counts updates or epochs depends on where you call ``step``.

    Returns:
        A ``LambdaLR`` that sets the learning rate of every group to ``schedule(n)``.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] = 1.0
    return LambdaLR(optimizer, schedule)
