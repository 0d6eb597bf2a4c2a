r"""Singh et al. 2015: a rate for each layer, beside plain rules at the same and at the mean rate.

A run trains three times from the same weights on the same batches: plain, with layer-specific
rates, and as the control, plain at the rate times the mean multiplier of the second.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrcourse.optim import SGD, AdaGrad, LayerwiseRate, Momentum, Nesterov, multiplier
from lrcourse.papers.convolutional import Part, measure, tensors
from lrcourse.papers.images import first_available, images
from lrcourse.papers.trial import (
    Claim,
    NotTestedError,
    Paper,
    Picture,
    Printed,
    Sample,
    lower,
    response,
    same,
    sample,
    select,
    tuned,
)
from lrcourse.schedules import Inverse
from lrcourse.torch_optim import Optimizer

RULES = {"SGD": SGD, "momentum": Momentum, "NAG": Nesterov, "AdaGrad": AdaGrad}
POINT = 1.0  # a difference of errors, in percent, that counts for nothing


class WithinChannel(nn.Module):
    r"""Caffe's local response normalisation over 3x3 neighbours of the same channel."""

    def forward(self, x: Tensor) -> Tensor:
        r"""Return x / (1 + 5e-5 * mean of squares)^0.75, shape (n, channels, height, width)."""
        return x / (1 + 5e-5 * F.avg_pool2d(x * x, 3, stride=1, padding=1)) ** 0.75


def lenet(widths: Sequence[int], side: int, channels: int) -> nn.Sequential:
    r"""Return Caffe's LeNet, which has no nonlinearity after its convolutions.

    Args:
        widths: feature maps, feature maps, hidden units: 20, 50, 500 in Caffe.
        side: height and width of an image.
        channels: colours of an image.
    """
    first, second, hidden = widths
    return nn.Sequential(
        *(nn.Conv2d(channels, first, 5), nn.MaxPool2d(2)),
        *(nn.Conv2d(first, second, 5), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(second * ((side - 12) // 4) ** 2, hidden), nn.ReLU()),
        nn.Linear(hidden, 10),
    )


def cifar_full(widths: Sequence[int], side: int, channels: int) -> nn.Sequential:
    r"""Return Caffe's "full" network for CIFAR-10.

    Args:
        widths: feature maps of the three convolutions: 32, 32, 64 in Caffe.
        side: height and width of an image.
        channels: colours of an image.
    """
    first, second, third = widths

    def pool(kind: type[nn.Module]) -> nn.Module:
        return kind(3, stride=2, ceil_mode=True)

    def convolution(fan_in: int, fan_out: int) -> nn.Module:
        return nn.Conv2d(fan_in, fan_out, 5, padding=2)

    return nn.Sequential(
        *(convolution(channels, first), pool(nn.MaxPool2d), nn.ReLU(), WithinChannel()),
        *(convolution(first, second), nn.ReLU(), pool(nn.AvgPool2d), WithinChannel()),
        *(convolution(second, third), nn.ReLU(), pool(nn.AvgPool2d)),
        *(nn.Flatten(), nn.Linear(third * (side // 8) ** 2, 10)),
    )


def deep_sigmoid(widths: Sequence[int], side: int, channels: int) -> nn.Sequential:
    r"""Return a deep sigmoid network on images pooled to half their side.

    Args:
        widths: hidden units of each layer.
        side: height and width of an image.
        channels: colours of an image.
    """
    layers, fan_in = [nn.AvgPool2d(2), nn.Flatten()], channels * (side // 2) ** 2
    for width in widths:
        layers += [nn.Linear(fan_in, width), nn.Sigmoid()]
        fan_in = width
    return nn.Sequential(*layers, nn.Linear(fan_in, 10))


NETWORKS = {"lenet": lenet, "cifar-full": cifar_full, "deep-sigmoid": deep_sigmoid}
GAUSSIAN = {"cifar-full": (1e-4, 0.01, 0.01, 0.01)}  # Caffe's start, by layer; else its "xavier"
RAW = {"cifar-full"}  # learns from pixels of 0 to 255 less the mean image, the others from 0 to 1


def train(
    *,
    data: str,
    network: str,
    widths: Sequence[int],
    rule: str,
    learning_rate: float,
    batch_size: int,
    iterations: int,
    early: int,
    seed: int,
    gamma: float = 0.0,
    drops: Sequence[int] = (),
    weight_decay: float = 0.0,
    last_decay: float | None = None,
    limit: int | None = None,
) -> dict[str, float]:
    r"""Train plain, with layer-specific rates, and plain at the mean of those rates.

    Args:
        data: name of the images.
        network: one of ``NETWORKS``.
        widths: of its layers.
        rule: one of ``RULES``.
        learning_rate: the base rate of all three.
        batch_size: examples a step.
        iterations: steps.
        early: the step after which the error is measured too.
        seed: of weights and batches.
        gamma: of the rate's decay, ``schedules.Inverse``; 0: none.
        drops: steps at which the rate falls to a tenth.
        weight_decay: times the weights, added to the gradient before its norm is taken.
        last_decay: the same for the weights of the last layer, where it is another.
        limit: images to use, for a trial of the code; None: all.

    Returns:
        Test errors in percent (not finite: diverged): "plain", "layerwise" and "control" at the
        end, and with "_early" after that step; "gain", plain less layerwise; "multiplier", the mean
        over layers and steps; "spread", the largest layer's mean multiplier over the smallest's.
    """
    train_part, test_part = _parts(data, network in RAW, limit)
    device = train_part[0].device

    def errors(learning_rate: float, layerwise: bool) -> tuple[float, float, Tensor]:
        rng = torch.Generator().manual_seed(seed)
        channels, side = train_part[0].shape[1:3]
        model = NETWORKS[network](widths, side, channels)
        _start(model, GAUSSIAN.get(network), rng)
        model.to(device)
        inner = RULES[rule]()
        optimizer = Optimizer(model, LayerwiseRate(inner) if layerwise else inner, lr=1.0)
        rate = Inverse(learning_rate, gamma)
        decays = [(p, weight_decay) for p in model.parameters()]
        if last_decay is not None:
            decays[-2:] = [(model[-1].weight, last_decay), (model[-1].bias, 0.0)]
        early_error, total = math.nan, torch.zeros(len(optimizer.param_groups), device=device)
        for step, (x, labels) in enumerate(_batches(train_part, batch_size, iterations, rng)):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), labels)
            if not loss.isfinite():
                return math.nan, early_error, total / step
            loss.backward()
            if weight_decay:
                for p, decay in decays:
                    p.grad.add_(p.detach(), alpha=decay)
            total += _multipliers(optimizer)
            for group in optimizer.param_groups:
                group["lr"] = rate(step) * 0.1 ** sum(step >= drop for drop in drops)
            optimizer.step()
            if step + 1 == early:
                early_error = measure(model, test_part)[1]
        return measure(model, test_part)[1], early_error, total / iterations

    plain, plain_early, _ = errors(learning_rate, False)
    layerwise, layerwise_early, means = errors(learning_rate, True)
    mean = means.mean().item()
    control, control_early, _ = errors(learning_rate * mean, False)
    return {
        "plain": plain,
        "layerwise": layerwise,
        "control": control,
        "plain_early": plain_early,
        "layerwise_early": layerwise_early,
        "control_early": control_early,
        "gain": round(plain - layerwise, 2),
        "multiplier": round(mean, 4),
        "spread": round((means.max() / means.min()).item(), 4),
    }


def _parts(name: str, raw: bool, limit: int | None) -> tuple[Part, Part]:
    # To train and to test.
    data = images(name)
    train, test = (tensors(part, data.image_shape, limit) for part in (data.train, data.test))
    if not raw:
        return train, test
    mean = train[0].mean(dim=0)
    return (255 * (train[0] - mean), train[1]), (255 * (test[0] - mean), test[1])


def _start(model: nn.Module, deviations: Sequence[float] | None, rng: torch.Generator) -> None:
    trained = [layer for layer in model if hasattr(layer, "weight")]
    for number, layer in enumerate(trained):
        bound = math.sqrt(3 / layer.weight[0].numel())
        with torch.no_grad():
            layer.bias.zero_()
            if deviations is None:
                layer.weight.uniform_(-bound, bound, generator=rng)
            else:
                layer.weight.normal_(0, deviations[number], generator=rng)


def _batches(
    part: Part, batch_size: int, iterations: int, rng: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    # Whole batches of shuffled images; the rest of an epoch is left out.
    x, labels = part
    per_epoch = len(x) // batch_size
    for step in range(iterations):
        place = step % per_epoch * batch_size
        if place == 0:
            order = torch.randperm(len(x), generator=rng).to(x.device)
        batch = order[place : place + batch_size]
        yield x[batch], labels[batch]


def _multipliers(optimizer: Optimizer) -> Tensor:
    gradients = [[p.grad.ravel() for p in group["params"]] for group in optimizer.param_groups]
    return multiplier(torch.stack([torch.linalg.vector_norm(torch.cat(g)) for g in gradients]))


def grid(scale: str) -> list[dict]:
    r"""Return the settings: every rule at several rates, the paper's own among them.

    Args:
        scale: "quick" has a narrow LeNet and the deep sigmoid network on bundled images; "full"
            Caffe's LeNet for 2,000 iterations and its CIFAR-10 network for 70,000.
    """
    if scale == "quick":
        clothes = lenet_data = "fashion-mini"
        small = {"widths": [6, 16, 64], "iterations": 300, "early": 100}
    else:
        clothes = first_available("fashion-mnist", "fashion-mini")
        lenet_data = first_available("mnist", "fashion-mnist", "fashion-mini")
        small = {"widths": [20, 50, 500], "iterations": 2000, "early": 500, "weight_decay": 5e-4}
    small |= {"data": lenet_data, "network": "lenet", "batch_size": 64}
    settings = [
        {**small, "rule": rule, "learning_rate": rate, "gamma": 0.0 if rule == "AdaGrad" else 1e-4}
        for rule in ("momentum", "NAG", "AdaGrad")
        for rate in (0.003, 0.01, 0.03, 0.1)
    ]
    deep = {"data": clothes, "network": "deep-sigmoid", "widths": [64] * 4, "batch_size": 64}
    deep |= {"rule": "SGD", "iterations": 1200, "early": 400}
    settings += [{**deep, "learning_rate": rate} for rate in (0.1, 0.3, 1.0, 3.0, 10.0)]
    if scale == "quick":
        return settings
    cifar = {"data": first_available("cifar-10", "patches"), "network": "cifar-full"}
    cifar |= {"widths": [32, 32, 64], "batch_size": 100, "early": 50_000}
    cifar |= {"weight_decay": 0.004, "last_decay": 1.0}
    long = {**cifar, "iterations": 70_000, "drops": [60_000, 65_000]}
    settings += [
        {**long, "rule": rule, "learning_rate": rate}
        for rule in ("momentum", "NAG", "AdaGrad")
        for rate in (0.0003, 0.001, 0.003)
    ]
    short = {**cifar, "iterations": 60_000, "drops": [50_000, 55_000]}
    return [*settings, {**short, "rule": "momentum", "learning_rate": 0.001}]


LENET = {"network": "lenet", "learning_rate": 0.01}  # Caffe's own rate
DEEP = {"network": "deep-sigmoid", "rules": ["SGD"]}
CIFAR = {"network": "cifar-full", "learning_rate": 0.001}
LONG, SHORT = {**CIFAR, "iterations": 70_000}, {**CIFAR, "iterations": 60_000}
ON_TOP_OF = ("momentum", "NAG", "AdaGrad")
NAMES = {"plain": "plain", "layerwise": "layer-specific", "control": "control"}
Judge = Callable[[Sequence[dict]], tuple[str, str]]


def _pair(
    first: str,
    second: str,
    verdict: Callable[..., str],
    *resolution: float,
    rules: Sequence[str],
    ending: str = "",
    **setting: object,
) -> Judge:
    # Two arms. Those of a seed share weights and batches, so their difference is what is judged.
    def judge(rows: Sequence[dict]) -> tuple[str, str]:
        def values(column: str) -> tuple[float, ...]:
            found = [sample(rows, column, rule=rule, **setting).values for rule in rules]
            return sum(found, ())

        a, b = Sample(values(first + ending)), Sample(values(second + ending))
        shown = f"{NAMES[first]} {a.show()}, {NAMES[second]} {b.show()} %"
        if second == "control":
            shown += f" (rate times {Sample(values('multiplier')).mean:.2f})"
        if not all(map(math.isfinite, a.values + b.values)):
            return shown, verdict(a, b, *resolution)
        less = Sample(tuple(x - y for x, y in zip(a.values, b.values, strict=True)))
        zero = Sample((0.0,) * len(less.values))
        return f"{shown}, difference {less.show()}", verdict(less, zero, *resolution)

    return judge


def _tuned(**setting: object) -> Judge:
    # Each at the best of its rates. The control's count as plain ones.
    def judge(rows: Sequence[dict]) -> tuple[str, str]:
        best = {arm: tuned(rows, arm, **setting) for arm in NAMES}
        shown = ", ".join(
            f"{NAMES[a]} {each.show()} at {rate:g}" for a, (rate, each) in best.items()
        )
        plain = min(best["plain"], best["control"], key=lambda found: found[1].mean)
        return f"{shown} %", lower(best["layerwise"][1], plain[1])

    return judge


def _sooner(rows: Sequence[dict]) -> tuple[str, str]:
    layerwise = sample(rows, "layerwise", rule="momentum", **SHORT)
    plain = sample(rows, "plain", rule="momentum", **LONG)
    shown = f"layer-specific {layerwise.show()} % after 60,000, plain {plain.show()} % after 70,000"
    return shown, lower(layerwise, plain)


def _untested(rows: Sequence[dict]) -> tuple[str, str]:
    raise NotTestedError(
        "lrcourse.papers.imagenet.alexnet trains this network; it is no part of the grid."
    )


def _beats_plain(ending: str = "", **setting: object) -> Judge:
    return _pair("layerwise", "plain", lower, ending=ending, **setting)


def _as_control(**setting: object) -> Judge:
    return _pair("layerwise", "control", same, POINT, **setting)


LOWER = "the difference of the runs of a seed is below 0 by more than the seeds explain"
ALIKE = f"the mean difference of the runs of a seed is at most {POINT:g} point"
BEST = (
    "the mean error is lower by more than the seeds explain; plain has the control's rates to "
    "choose from, too"
)
OURS = "not in the paper"
CLAIMS = (
    Claim(
        "LeNet: at the same rate, 0.01, the three rules end with a lower error with layer-specific "
        "rates",
        'better, "consistently" (Table I, whose numbers are missing)',
        LOWER,
        _beats_plain(rules=ON_TOP_OF, **LENET),
    ),
    *(
        Claim(
            f"LeNet, {rule} alone: at the same rate, 0.01, a lower error",
            "better (Table I)",
            LOWER,
            _beats_plain(rules=[rule], **LENET),
        )
        for rule in ON_TOP_OF
    ),
    Claim(
        "LeNet: the three rules learn faster, with a lower error early in the run",
        "in words, and Table I",
        LOWER,
        _beats_plain("_early", rules=ON_TOP_OF, **LENET),
    ),
    *(
        Claim(
            f"Control, LeNet, {rule}: a plain rate as large as the mean one does the same",
            OURS,
            ALIKE,
            _as_control(rules=[rule], **LENET),
        )
        for rule in ON_TOP_OF
    ),
    *(
        Claim(
            f"Control, LeNet, {rule}: each at its own best rate, layer-specific rates are better",
            OURS,
            BEST,
            _tuned(rule=rule, network="lenet"),
        )
        for rule in ON_TOP_OF
    ),
    Claim(
        "Where gradients vanish, layers learn faster: a deep sigmoid network at rate 0.3 has a "
        "lower error early in the run",
        "in words",
        LOWER,
        _beats_plain("_early", learning_rate=0.3, **DEEP),
    ),
    Claim(
        "Control, deep sigmoid network: lower early on than with a plain rate as large as the mean "
        "one, too",
        OURS,
        LOWER,
        _pair("layerwise", "control", lower, ending="_early", learning_rate=0.3, **DEEP),
    ),
    Claim(
        "Control, deep sigmoid network: each at its own best rate, layer-specific rates are better",
        OURS,
        BEST,
        _tuned(network="deep-sigmoid"),
    ),
    Claim(
        "CIFAR-10, momentum: a lower error at the same rate, 0.001",
        "0.32 points more accuracy",
        LOWER,
        _beats_plain(rules=["momentum"], **LONG),
    ),
    Claim(
        "CIFAR-10, AdaGrad: a lower error at the same rate, 0.001",
        "1.3 points more accuracy",
        LOWER,
        _beats_plain(rules=["AdaGrad"], **LONG),
    ),
    Claim(
        "CIFAR-10: with the step-down at 50,000, better after 60,000 iterations than plain after "
        "70,000",
        "accuracy 82.08 %",
        "the mean error is lower by more than the seeds explain",
        _sooner,
    ),
    *(
        Claim(
            f"Control, CIFAR-10, {rule}: a plain rate as large as the mean one does the same",
            OURS,
            ALIKE,
            _as_control(rules=[rule], **LONG),
        )
        for rule in ON_TOP_OF
    ),
    Claim(
        "ImageNet, AlexNet: an accuracy of 57.5 % after 295,000 iterations instead of 345,000",
        "15 % of the training time saved",
        "fewer iterations to that accuracy",
        _untested,
    ),
)


def _printed() -> tuple[Printed, ...]:
    cifar, imagenet = "IV B 2, CIFAR-10", "IV B 3, ImageNet"
    best = "highest accuracy, %, {}, plain and layer-specific"
    momentum, adagrad = {"rule": "momentum"}, {"rule": "AdaGrad"}
    return (
        *(Printed("IV B 1, MNIST", best.format(rule), 99.2, digits=1) for rule in ON_TOP_OF),
        Printed(cifar, "gain in accuracy, points, SGD", 0.32, {**LONG, **momentum}, "gain", 2),
        Printed(cifar, "gain in accuracy, points, AdaGrad", 1.3, {**LONG, **adagrad}, "gain", 1),
        Printed(
            cifar,
            "error, % (accuracy 82.08 %), layer-specific, step-down at 50,000",
            17.92,
            {**SHORT, **momentum},
            "layerwise",
            2,
        ),
        Printed(imagenet, "learning rate to begin with, layer-specific", 0.006, digits=3),
        Printed(imagenet, "accuracy, %, both", 57.5, digits=1),
        Printed(imagenet, "iterations to it, layer-specific", "295,000"),
        Printed(imagenet, "iterations to it, SGD", "345,000"),
        Printed(imagenet, "training time saved, %", "15"),
    )


def pictures(rows: Sequence[dict]) -> list[Picture]:
    r"""Return error against rate, a figure a rule; the control stands over the base rate.

    Args:
        rows: of the grid.
    """
    figures = []
    for network, rule in dict.fromkeys((row["network"], row["rule"]) for row in rows):
        found = select(rows, network=network, rule=rule)
        longest = max(row["iterations"] for row in found)
        lines = {}
        for arm, name in NAMES.items():
            curve = response(found, arm, iterations=longest)
            lines[name] = list(curve), [each.values for each in curve.values()]
        about = f"{network}, {rule}"
        alt = f"Error against base rate, {about}: plain, layer-specific rates, and the control."
        figures.append(Picture(lines, f"base learning rate ({about})", "test error, %", alt))
    return figures


PAPER = Paper(
    name="layer-rates",
    citation="Singh, De, Zhang, Goldstein and Taylor 2015, Layer-Specific Adaptive Learning Rates "
    "for Deep Networks.",
    claim="A rate for each layer that grows as the layer's gradient shrinks, on top of SGD, NAG or "
    "AdaGrad, gives a lower error in fewer iterations.",
    control="The plain rule at the same rate times the mean of all multipliers that the "
    "layer-specific run used, from the same weights on the same batches; and each at "
    "its best rate.",
    open=(
        "The numbers of Tables I to III are missing in the text we have: only figures that stand "
        "in its sentences are compared.",
        "SGD, NAG and AdaGrad get the same base rate with and without the rule; its multiplier is "
        "above 1 for any gradient, so the two never take steps of the same size.",
        "The paper takes Caffe's networks and rates. From Caffe's files we took momentum 0.9, "
        "batches of 64 (LeNet) and 100 (CIFAR-10), starting weights, weight decay, the falling "
        "rate of LeNet, and for CIFAR-10 average pooling after the second and third convolution, "
        "where the paper says max. Its doubled rate for biases is left out, and for AdaGrad, whose "
        "rate is not printed, we took that of SGD, constant on LeNet.",
        "A layer is a module, weight and bias together, as the text says; Caffe's solvers loop "
        "over weights and biases one by one. The gradient is the mean over the batch, and "
        "includes weight decay, as in Caffe.",
        "Equation 10 multiplies a rate that has its multiplier by it once more; we use equation 9.",
        "Errors are those of the test images, as in the paper, also where a best rate is chosen. "
        "The paper ran LeNet ten times and CIFAR-10 five times: --seeds 10 does so here.",
        "The short run on CIFAR-10 drops its rate at 50,000 iterations; a second drop at 55,000 is "
        "our guess.",
        "ImageNet: python -m lrcourse.papers.imagenet.alexnet FOLDER trains AlexNet with the "
        "printed step-downs. It was tested on a few made images, not at this scale.",
    ),
    setting={
        "quick": "A narrow LeNet (6, 16 feature maps, 64 hidden units) on 10,000 bundled clothes, "
        "300 iterations of 64 images; a sigmoid network 196-64-64-64-64-10 on the same images "
        "pooled to 14x14, 1,200 iterations.",
        "full": "Caffe's LeNet (20, 50, 500), 2,000 iterations of 64 images; Caffe's CIFAR-10 "
        "network (32, 32, 64), 70,000 iterations of 100; the deep sigmoid network, 1,200 "
        "iterations of 64.",
    },
    grid=grid,
    train=train,
    claims=CLAIMS,
    pictures=pictures,
    printed=_printed(),
    papers_data=("mnist", "cifar-10"),
)
