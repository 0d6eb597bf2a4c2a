r"""The networks of Singh et al. 2015 in torch, and one training of them."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrcourse.optim import SGD, AdaGrad, LayerwiseRate, Momentum, Nesterov, multiplier
from lrcourse.papers.convolutional import Part, measure, tensors
from lrcourse.papers.dense import Clock
from lrcourse.papers.images import images
from lrcourse.schedules import Inverse
from lrcourse.torch_optim import Optimizer

RULES = {"SGD": SGD, "momentum": Momentum, "NAG": Nesterov, "AdaGrad": AdaGrad}


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


class Arm(NamedTuple):
    """One of the three trainings of a run."""

    error: float  # percent of the test images, at the end
    early: float  # the same after some steps
    validation: float  # percent of the validation images, at the end; NaN without any
    loss: float  # on the test images, at the end
    first_loss: float  # mean training loss of the first epoch, or of all steps if they are fewer
    multipliers: Tensor  # the mean over steps, by layer
    step_ms: float  # CPU milliseconds a step


def train_arm(
    found: tuple[Part, Part | None, Part],
    *,
    network: str,
    widths: Sequence[int],
    rule: str,
    layerwise: bool,
    learning_rate: float,
    batch_size: int,
    iterations: int,
    early: int,
    seed: int,
    gamma: float = 0.0,
    drops: Sequence[int] = (),
    weight_decay: float = 0.0,
    last_decay: float | None = None,
) -> Arm:
    r"""Train once.

    Args:
        found: images to train, to choose by (or None) and to test, as from ``parts``.
        network: one of ``NETWORKS``.
        widths: of its layers.
        rule: one of ``RULES``.
        layerwise: with a rate for each layer.
        learning_rate: the base rate.
        batch_size: examples a step.
        iterations: steps.
        early: the step after which the error is measured too.
        seed: of weights and batches.
        gamma: of the rate's decay, ``schedules.Inverse``; 0: none.
        drops: steps at which the rate falls to a tenth.
        weight_decay: times the weights, added to the gradient before its norm is taken.
        last_decay: the same for the weights of the last layer, where it is another.
    """
    train_part, validation_part, test_part = found
    device, rng = train_part[0].device, torch.Generator().manual_seed(seed)
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
    losses, milliseconds = [], 0.0
    for step, (x, labels) in enumerate(_batches(train_part, batch_size, iterations, rng)):
        clock = Clock()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            nan = math.nan
            return Arm(nan, early_error, nan, nan, nan, total / step, nan)
        loss.backward()
        if weight_decay:
            for p, decay in decays:
                p.grad.add_(p.detach(), alpha=decay)
        for group in optimizer.param_groups:
            group["lr"] = rate(step) * 0.1 ** sum(step >= drop for drop in drops)
        optimizer.step()
        milliseconds += clock.milliseconds(1)
        total += _multipliers(optimizer)
        if step + 1 == early:
            early_error = measure(model, test_part)[1]
    test_loss, error = measure(model, test_part)
    validation = measure(model, validation_part)[1] if validation_part else math.nan
    epoch = max(len(train_part[1]) // batch_size, 1)
    first_loss = sum(losses[:epoch]) / len(losses[:epoch])
    step_ms = round(milliseconds / iterations, 4)
    return Arm(error, early_error, validation, test_loss, first_loss, total / iterations, step_ms)


def parts(
    name: str, validation: float, seed: int, raw: bool, limit: int | None = None
) -> tuple[Part, Part | None, Part]:
    r"""Return images to train, to choose rates by, and to test.

    Args:
        name: of the data set.
        validation: the share of the training images to set aside; without any the second is None.
        seed: which to set aside.
        raw: pixels from 0 to 255 less the mean training image; else from 0 to 1.
        limit: images to use; None: all.
    """
    data = images(name, validation, seed)
    splits = [data.train, data.validation, data.test]
    found = [tensors(part, data.image_shape, limit) if len(part.y) else None for part in splits]
    if raw:
        mean = found[0][0].mean(dim=0)
        found = [part and (255 * (part[0] - mean), part[1]) for part in found]
    return tuple(found)


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
