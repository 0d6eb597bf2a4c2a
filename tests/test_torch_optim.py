import copy
import io

import dog
import numpy as np
import pytest
import schedulefree
import torch
from torch.optim import lr_scheduler

from lrcourse.optim import (
    EMA,
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    DirectionAccelerated,
    DoG,
    IRpropMinus,
    LayerwiseRate,
    Lion,
    Momentum,
    Muon,
    Nesterov,
    RMSprop,
    Rprop,
    ScheduleFree,
    ScheduleFreeAdamW,
)
from lrcourse.torch_optim import Optimizer, scheduler

RULES = [SGD(), Momentum(), Nesterov(), AdaGrad(), AdaDelta(), RMSprop(), Adam(), AdamW(), Rprop(),
         IRpropMinus(), DirectionAccelerated(), LayerwiseRate(Momentum()), Lion(), DoG(),
         ScheduleFree(), ScheduleFreeAdamW()]  # fmt: skip
SCHEDULERS = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 5),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.001, 0.01, step_size_up=3),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.01, total_steps=10),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0),
}


def case(rule):
    return type(rule).__name__


def model(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))


def train(net, optimizer, steps=10, start=0, schedule=None):
    for step in range(start, start + steps):
        generator = torch.Generator().manual_seed(step)
        x = torch.randn(8, 6, generator=generator)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), x[:, :3].argmax(dim=1))
        loss.backward()
        optimizer.step()
        if schedule is not None:
            reduces = isinstance(schedule, lr_scheduler.ReduceLROnPlateau)
            schedule.step(loss.item()) if reduces else schedule.step()
    return torch.nn.utils.parameters_to_vector(net.parameters()).detach()


@pytest.mark.parametrize("rule", RULES, ids=case)
def test_resume_is_bit_identical(rule):
    net = model()
    whole = train(net, Optimizer(net.parameters(), rule, lr=0.01), 10)
    net = model()
    optimizer = Optimizer(net.parameters(), rule, lr=0.01)
    train(net, optimizer, 5)
    file = io.BytesIO()
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file)
    net, other = model(1), copy.deepcopy(rule)
    net.load_state_dict(saved["net"])
    optimizer = Optimizer(net.parameters(), other, lr=0.5)
    optimizer.load_state_dict(saved["optimizer"])
    assert torch.equal(train(net, optimizer, 5, start=5), whole)


@pytest.mark.parametrize(
    "rule, make",
    [
        (Momentum(0.9, convention="torch"), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)),
        (Adam(), lambda p: torch.optim.Adam(p, lr=0.01)),
        (IRpropMinus(), lambda p: torch.optim.Rprop(p, 0.001, (0.5, 1.2), (0.001, 0.006))),
    ],
    ids=["Momentum", "Adam", "IRpropMinus"],
)
def test_trains_like_torch(rule, make):
    net = model()
    lr = 1.0 if isinstance(rule, IRpropMinus) else 0.01
    ours = train(net, Optimizer(net.parameters(), rule, lr=lr), 30)
    net = model()
    torch.testing.assert_close(ours, train(net, make(net.parameters()), 30), rtol=0, atol=1e-5)


@pytest.mark.parametrize("make", SCHEDULERS.values(), ids=SCHEDULERS)
@pytest.mark.parametrize(
    "rule, twin",
    [
        (Momentum(0.9, convention="torch"), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)),
        (Adam(), lambda p: torch.optim.Adam(p, lr=0.01)),
    ],
    ids=["Momentum", "Adam"],
)
def test_every_scheduler_drives_it_as_it_drives_torch(rule, twin, make):
    net = model()
    optimizer = Optimizer(net.parameters(), rule, lr=0.01)
    ours = train(net, optimizer, 9, schedule=make(optimizer))
    net = model()
    other = twin(net.parameters())
    theirs = train(net, other, 9, schedule=make(other))
    assert optimizer.param_groups[0]["lr"] == other.param_groups[0]["lr"]
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_our_schedule_as_a_scheduler():
    net = model()
    optimizer = Optimizer(net.parameters(), SGD(), lr=1.0)
    schedule = scheduler(optimizer, lambda n: 0.1 / (1 + n))
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0.1, 0.05, 0.1 / 3, 0.025])


def test_layerwise_rate_takes_a_module_as_layers():
    net = model()
    optimizer = Optimizer(net, LayerwiseRate(SGD()), lr=0.1)
    assert [len(group["params"]) for group in optimizer.param_groups] == [2, 2]
    before = [p.detach().clone() for p in net.parameters()]
    for p in net.parameters():
        p.grad = torch.full_like(p, 0.01)
    optimizer.step()
    for group, weight, bias in [(0, 0, 1), (1, 2, 3)]:
        count = sum(p.numel() for p in optimizer.param_groups[group]["params"])
        m = 1 + np.log(1 + 1 / (0.01 * np.sqrt(count)))
        for i in (weight, bias):
            moved = before[i] - list(net.parameters())[i].detach()
            torch.testing.assert_close(moved, torch.full_like(moved, 0.1 * 0.01 * m))


def test_groups_have_their_own_rate_and_momentum():
    a, b = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(2))
    groups = [{"params": [a], "lr": 1.0}, {"params": [b], "momentum": 0.5}]
    optimizer = Optimizer(groups, Momentum(0.9), lr=0.1)
    for _ in range(2):
        a.grad, b.grad = torch.ones(2), torch.ones(2)
        optimizer.step()
    assert a.tolist() == pytest.approx([-2.9, -2.9]) and b.tolist() == pytest.approx([-0.25] * 2)


def test_closure_and_zero_grad():
    p = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = Optimizer([p], SGD(), lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9 and p.item() == 1.5
    optimizer.zero_grad()
    assert p.grad is None


def test_a_missing_gradient_is_passed_over_and_a_sparse_one_refused():
    a, b = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    optimizer = Optimizer([a, b], Adam(), lr=0.1)
    a.grad = torch.ones(2)
    optimizer.step()
    assert b.tolist() == [1, 1] and b not in optimizer.state
    b.grad = torch.ones(2).to_sparse()
    with pytest.raises(RuntimeError, match="sparse"):
        optimizer.step()


def test_a_negative_rate_is_refused():
    with pytest.raises(ValueError, match="0 or more, not -1"):
        Optimizer([torch.nn.Parameter(torch.ones(1))], SGD(), lr=-1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("rule", RULES, ids=case)
def test_gpu_follows_cpu(rule):
    ends = []
    for device in ("cpu", "cuda"):
        net = model().to(device)
        optimizer = Optimizer(net, rule, lr=0.01)
        for step in range(5):
            x = torch.randn(8, 6, generator=torch.Generator().manual_seed(step)).to(device)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x), x[:, :3].argmax(dim=1)).backward()
            optimizer.step()
        ends.append(torch.nn.utils.parameters_to_vector(net.parameters()).detach().cpu())
    torch.testing.assert_close(*ends, rtol=0, atol=1e-4)


def test_dog_takes_each_parameter_by_itself():
    a, b = model(), model()
    train(a, Optimizer(a.parameters(), DoG()), 20)
    train(b, dog.LDoG(b.parameters(), reps_rel=1e-6), 20)
    for ours, theirs in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("rule", "make"),
    [
        (ScheduleFree(), schedulefree.SGDScheduleFree),
        (ScheduleFreeAdamW(), schedulefree.AdamWScheduleFree),
    ],
    ids=["SGD", "AdamW"],
)
def test_an_averaging_rule_is_evaluated_elsewhere_and_goes_on(rule, make):
    a, b = model(), model()
    ours, theirs = Optimizer(a.parameters(), rule, lr=0.05), make(b.parameters(), lr=0.05)
    x = torch.randn(4, 6)
    with ours.evaluation():  # before the first step there is no other place
        assert torch.equal(a(x), b(x))
    for steps in (5, 9):
        theirs.train()
        stepped = train(a, ours, steps)
        torch.testing.assert_close(stepped, train(b, theirs, steps), rtol=1e-4, atol=1e-6)
        theirs.eval()
        with ours.evaluation():
            torch.testing.assert_close(a(x), b(x), rtol=1e-4, atol=1e-6)
        now = torch.nn.utils.parameters_to_vector(a.parameters())
        assert torch.equal(now, stepped)


def test_a_rule_that_holds_another_is_refused():
    for rule in (EMA(SGD()), Muon(Adam())):
        with pytest.raises(TypeError, match="AveragedModel averages; and Muon"):
            Optimizer(model().parameters(), rule, lr=0.1)
    net = model()
    with pytest.raises(ValueError, match="give these to another optimizer"):
        train(net, Optimizer(net.parameters(), Muon(), lr=0.1), 1)


def test_muon_takes_a_convolution_as_a_matrix():
    torch.manual_seed(0)
    kernel = torch.nn.Parameter(torch.randn(5, 3, 2, 2))
    flat = torch.nn.Parameter(kernel.detach().reshape(5, 12).clone())
    optimizers = [Optimizer([p], Muon(), lr=0.1) for p in (kernel, flat)]
    kernel.grad = torch.randn(5, 3, 2, 2)
    flat.grad = kernel.grad.reshape(5, 12).clone()
    for optimizer in optimizers:
        optimizer.step()
    torch.testing.assert_close(kernel.reshape(5, 12), flat)
