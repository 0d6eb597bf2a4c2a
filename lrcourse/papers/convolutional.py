r"""Small convolutional networks in torch, of two of the papers, and the loop that trains them."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrcourse.data import Split
from lrcourse.optim import Rule
from lrcourse.torch_optim import Optimizer

Part = tuple[Tensor, Tensor]  # images (n, colours, height, width), labels (n,)


def tensors(split: Split, image_shape: tuple[int, ...], limit: int | None) -> Part:
    r"""Return a part of a data set as tensors, on the GPU if there is one.

    Args:
        split: images as rows of pixels, and labels.
        image_shape: (height, width) or (height, width, colour).
        limit: how many images to use; None for all.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    height, width, colours = (*image_shape, 1)[:3]
    x = torch.from_numpy(split.x[:limit]).reshape(-1, height, width, colours)
    x = x.permute(0, 3, 1, 2).contiguous()
    return x.to(device), torch.from_numpy(split.y[:limit]).to(device)


@contextmanager
def begun(
    build: Callable[[int, int], nn.Module], part: Part, rule: Rule, learning_rate: float, seed: int
) -> Iterator[tuple[nn.Module, Optimizer]]:
    r"""Make a model and its optimizer; torch draws from the seed as long as the context lasts.

    Args:
        build: from the side of an image and its channels to the model.
        part: images and labels, of which the first tells both, and the device.
        rule: of all parameters.
        learning_rate: to begin with.
        seed: of the start, the batches and dropout.
    """
    with torch.random.fork_rng():  # leaves the global generator as it was
        torch.manual_seed(seed)
        colours, side = part[0].shape[1:3]
        model = build(side, colours).to(part[0].device)
        yield model, Optimizer(model.parameters(), rule, learning_rate)


def train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    part: Part,
    batch_size: int,
    before_step: Callable[[], None] = lambda: None,
) -> None:
    r"""Train for one epoch on shuffled mini-batches.

    Args:
        model: changed in place; in the mode, training or evaluation, in which it comes.
        optimizer: of the model's parameters.
        part: images and labels.
        batch_size: images a step; the last batch may be smaller.
        before_step: called before each step, to set its learning rate.

    Raises:
        FloatingPointError: the loss is not finite any more.
    """
    x, labels = part
    order = torch.randperm(len(x)).to(x.device)
    for batch in order.split(batch_size):
        before_step()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[batch]), labels[batch])
        if not math.isfinite(loss.item()):
            raise FloatingPointError(f"the loss became {loss.item()}")
        loss.backward()
        optimizer.step()


@torch.no_grad()
def measure(model: nn.Module, part: Part) -> tuple[float, float]:
    r"""Return loss, and error in percent, of a model on images.

    Args:
        model: left in evaluation mode.
        part: images and labels.
    """
    model.eval()
    logits = torch.cat([model(x) for x in part[0].split(1000)])
    wrong = (logits.argmax(dim=1) != part[1]).sum().item()
    return F.cross_entropy(logits, part[1]).item(), 100 * wrong / len(part[1])


def article_network(side: int, colours: int) -> nn.Sequential:
    r"""Return the network of Lau 2017, with Keras's start.

    Args:
        side: height and width of an image.
        colours: channels of an image.
    """
    hidden = nn.Linear(8 * ((side - 4) // 2) ** 2, 16)
    model = nn.Sequential(
        *(nn.Conv2d(colours, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Dropout(0.25), nn.Flatten(), hidden, nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2)),
    )
    for layer in model:
        if hasattr(layer, "weight"):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return model


def mnist_network(side: int, colours: int) -> nn.Sequential:
    r"""Return the network of Yang & Huang 2019 for MNIST.

    Args:
        side: height and width of an image.
        colours: channels of an image.
    """
    return nn.Sequential(
        *(nn.Conv2d(colours, 20, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(20 * ((side - 2) // 2) ** 2, 128), nn.ReLU(), nn.Linear(128, 10)),
        nn.Softmax(dim=1),  # as in the authors' code, whose loss takes the softmax once more
    )


def cifar_network(side: int, colours: int) -> nn.Sequential:
    r"""Return that for CIFAR-10.

    Args:
        side: height and width of an image.
        colours: channels of an image.
    """
    layers = []
    for fan_in, fan_out in ((colours, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(fan_in, fan_out, 3, padding=1), nn.ELU(), nn.MaxPool2d(2)]
    hidden = nn.Linear(64 * (side // 8) ** 2, 500)
    return nn.Sequential(
        *(*layers, nn.Flatten(), nn.Dropout(0.25), hidden, nn.ELU()),
        *(nn.Dropout(0.25), nn.Linear(500, 10)),
    )


NETWORKS = {"mnist": mnist_network, "cifar": cifar_network}
