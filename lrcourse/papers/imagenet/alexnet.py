r"""AlexNet on a folder of images, plain or with layer-specific rates, as Singh et al. 2015 ran it.

``python -m lrcourse.papers.imagenet.alexnet FOLDER --out OUT`` learns from
FOLDER/train/CLASS/*.jpg and is measured on FOLDER/val/CLASS/*.jpg. Rates, step-downs and no data
augmentation are the paper's; network, initialization, momentum, weight decay and batch size are
Caffe's, without its doubled rate for biases.
"""

import json
import math
import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from lrcourse.files import write_whole
from lrcourse.optim import LayerwiseRate, Momentum
from lrcourse.schedules import Step
from lrcourse.torch_optim import Optimizer

SIDE, CROP = 256, 227  # pixels: images are scaled to the first, their centre is used
MEAN = torch.tensor([123.0, 117.0, 104.0]).reshape(3, 1, 1)  # of ImageNet's red, green and blue
ENDINGS = (".jpg", ".jpeg", ".png")
DECAY = 5e-4  # of the weights, added to the mean gradient before its norm is taken, as in Caffe


class ImagesError(click.ClickException):
    """The images or the checkpoint cannot be used; the sentence says why."""


@dataclass(frozen=True)
class Setting:
    """A run: where and how far, which may change when it goes on, and what decides its weights."""

    folder: Path
    out: Path
    processes: int
    iterations: int
    save_every: int
    workers: int

    layer_rates: bool
    learning_rate: float
    step_down: int
    batch_size: int
    width: float
    dropout: float
    seed: int


MAY_CHANGE = ("folder", "out", "processes", "iterations", "save_every", "workers")


class Folder(Dataset):
    r"""The images of a folder of class folders, in the order of their names.

    Args:
        folder: holds a folder for each class, which hold JPEG or PNG files.

    Raises:
        ImagesError: there is no such folder, or no class, or a class without images.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ImagesError(f"There is no folder {folder}: images must be in train/ and val/.")
        self.classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
        if not self.classes:
            raise ImagesError(f"{folder} holds no class folders: put each class in one of its own.")
        self.images: list[tuple[Path, int]] = []
        for label, name in enumerate(self.classes):
            paths = sorted(p for p in (folder / name).iterdir() if p.suffix.lower() in ENDINGS)
            if not paths:
                raise ImagesError(f"{folder / name} holds no images: {', '.join(ENDINGS)}.")
            self.images += [(path, label) for path in paths]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        path, label = self.images[i]
        try:
            with Image.open(path) as image:
                pixels = np.array(image.convert("RGB").resize((SIDE, SIDE), Image.BILINEAR))
        except (OSError, SyntaxError, ValueError):
            raise ImagesError(f"{path} cannot be read as an image: remove or replace it.") from None
        edge = (SIDE - CROP) // 2
        x = torch.from_numpy(pixels[edge : edge + CROP, edge : edge + CROP]).permute(2, 0, 1)
        return x - MEAN, label


def read(folder: Path) -> tuple[Folder, Folder]:
    r"""Return the training and the validation images.

    Args:
        folder: holds train/ and val/.

    Raises:
        ImagesError: they cannot be used, or their classes are not the same.
    """
    train, val = Folder(folder / "train"), Folder(folder / "val")
    if odd := sorted(set(train.classes) ^ set(val.classes)):
        raise ImagesError(
            f"train/ and val/ must have the same classes, but {', '.join(odd[:5])} "
            f"({len(odd)} in all) are in only one of them."
        )
    return train, val


def alexnet(classes: int, width: float, dropout: float, rng: torch.Generator) -> nn.Sequential:
    r"""Return Caffe's AlexNet with its starting weights.

    Args:
        classes: outputs.
        width: share of feature maps and hidden units, 1 for AlexNet. With fewer of them the
            starting weights are larger, so that signals stay as large.
        dropout: share of hidden units that are left out.
        rng: for the starting weights.
    """
    a, b, c, d, e = (max(2, round(width * maps) // 2 * 2) for maps in (96, 256, 384, 384, 256))
    hidden = max(1, round(width * 4096))
    model = nn.Sequential(
        *(nn.Conv2d(3, a, 11, stride=4), nn.ReLU(), _norm(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(a, b, 5, padding=2, groups=2), nn.ReLU(), _norm(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(b, c, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(c, d, 3, padding=1, groups=2), nn.ReLU()),
        *(nn.Conv2d(d, e, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten()),
        *(nn.Linear(36 * e, hidden), nn.ReLU(), nn.Dropout(dropout)),
        *(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, classes)),
    )
    layers = [layer for layer in model if hasattr(layer, "weight")]
    wider = [1.0] + [width**-0.5] * 7
    deviations, biases = [0.01] * 5 + [0.005] * 2 + [0.01], [0, 0.1, 0, 0.1, 0.1, 0.1, 0.1, 0]
    for layer, deviation, factor, bias in zip(layers, deviations, wider, biases, strict=True):
        nn.init.normal_(layer.weight, 0, deviation * factor, generator=rng)
        nn.init.constant_(layer.bias, bias)
    return model


def _norm() -> nn.Module:
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75)


def _batches(images: int, setting: Setting, first: int, rank: int) -> Iterator[list[int]]:
    # This process's share of each step's batch, which is the same whatever the processes.
    per_epoch, shuffled = images // setting.batch_size, None
    for step in range(first, setting.iterations):
        epoch, place = divmod(step, per_epoch)
        if epoch != shuffled:
            order = np.random.default_rng([setting.seed, epoch]).permutation(images)
            shuffled = epoch
        batch = order[place * setting.batch_size :][: setting.batch_size]
        yield batch[rank :: setting.processes].tolist()


class Training:
    r"""One process of a run, from its last checkpoint on.

    Args:
        setting: of the run.
        device: of this process.
    """

    def __init__(self, setting: Setting, device: torch.device) -> None:
        self.setting, self.device, self.rank = setting, device, dist.get_rank()
        self.checkpoint = setting.out / "checkpoint.pt"
        self.images, self.validation = read(setting.folder)
        self.about = {name: v for name, v in vars(setting).items() if name not in MAY_CHANGE}
        self.about |= {"classes": self.images.classes, "images": len(self.images)}
        weights = torch.Generator().manual_seed(setting.seed)
        model = alexnet(len(self.images.classes), setting.width, setting.dropout, weights)
        self.model, rule = model.to(device), Momentum(0.9)
        rule = LayerwiseRate(rule) if setting.layer_rates else rule
        self.optimizer = Optimizer(model, rule, lr=1.0)
        torch.manual_seed(setting.seed + self.rank)  # of dropout; ``train`` gives the old one back
        self.step, self.history = 0, []
        if self.checkpoint.exists():
            self._load()

    def run(self) -> None:
        r"""Train to the end, with a checkpoint every so often."""
        setting = self.setting
        parallel = DistributedDataParallel(self.model)
        rate = Step(setting.learning_rate, drop=0.1, every=setting.step_down)
        shares = _batches(len(self.images), setting, self.step, self.rank)
        loader = self._loader(self.images, batch_sampler=shares)
        bar = tqdm(loader, total=setting.iterations, initial=self.step, disable=self.rank > 0)
        losses, saved = torch.zeros((), device=self.device), self.step
        for x, labels in bar:
            self.optimizer.zero_grad()
            loss = F.cross_entropy(parallel(x.to(self.device)), labels.to(self.device))
            loss.backward()  # leaves in p.grad the mean over all processes
            for p in self.model.parameters():
                p.grad.add_(p.detach(), alpha=DECAY)
            for group in self.optimizer.param_groups:
                group["lr"] = rate(self.step)
            self.optimizer.step()
            losses += loss.detach()
            self.step += 1
            if self.step % setting.save_every == 0 or self.step == setting.iterations:
                dist.all_reduce(losses)
                mean = losses.item() / setting.processes / (self.step - saved)
                if not math.isfinite(mean):
                    raise ImagesError(
                        f"The loss is {mean} at step {self.step}: try a smaller --learning-rate."
                    )
                row = {"step": self.step, "learning_rate": group["lr"], "loss": mean}
                self.history.append(row | {"accuracy": self.accuracy()})
                bar.set_postfix(self.history[-1])
                self._save()
                losses, saved = torch.zeros_like(losses), self.step

    @torch.no_grad()
    def accuracy(self) -> float:
        r"""Return the top-1 accuracy on the validation images, in percent."""
        share = Subset(
            self.validation, range(self.rank, len(self.validation), self.setting.processes)
        )
        right = torch.zeros((), device=self.device)
        self.model.eval()
        for x, labels in self._loader(share, batch_size=100):
            right += (self.model(x.to(self.device)).argmax(1) == labels.to(self.device)).sum()
        self.model.train()
        dist.all_reduce(right)
        return 100 * right.item() / len(self.validation)

    def _loader(self, images: Dataset, **options: object) -> DataLoader:
        # With a generator of its own, else each loader takes a number from that of dropout.
        return DataLoader(
            images, num_workers=self.setting.workers, generator=torch.Generator(), **options
        )

    def _save(self) -> None:
        # A checkpoint takes the place of the last one whole or not at all.
        cuda = self.device.type == "cuda"
        state = torch.cuda.get_rng_state(self.device) if cuda else torch.get_rng_state()
        states: list = [None] * self.setting.processes
        dist.all_gather_object(states, state)
        if self.rank > 0:
            return
        parts = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        parts |= {"about": self.about, "step": self.step, "history": self.history, "rng": states}
        with self.checkpoint.with_suffix(".part").open("wb") as file:
            torch.save(parts, file)
            file.flush()
            os.fsync(file.fileno())
        self.checkpoint.with_suffix(".part").replace(self.checkpoint)
        write_whole(self.checkpoint.with_name("history.json"), json.dumps(self.history, indent=1))

    def _load(self) -> None:
        parts = torch.load(self.checkpoint, map_location="cpu")
        if odd := [name for name, value in self.about.items() if parts["about"][name] != value]:
            raise ImagesError(
                f"{self.checkpoint} is of a run with other {odd[0].replace('_', ' ')}: go on with "
                "the same folder and options, or give this run another --out."
            )
        self.model.load_state_dict(parts["model"])
        self.optimizer.load_state_dict(parts["optimizer"])
        self.step, self.history = parts["step"], parts["history"]
        if len(parts["rng"]) == self.setting.processes:
            cuda = self.device.type == "cuda"
            (torch.cuda if cuda else torch).set_rng_state(parts["rng"][self.rank])


def train(rank: int, meeting: str | None, setting: Setting) -> None:
    r"""Train in one process of several.

    Args:
        rank: of this process, from 0.
        meeting: the address at which they meet; None: as torchrun says.
        setting: of the run.

    Raises:
        ImagesError: images, checkpoint or loss cannot be used.
    """
    local = int(os.environ.get("LOCAL_RANK", rank))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    cuda = [device] if device.type == "cuda" else []
    if cuda:
        torch.cuda.set_device(device)
    given = {"rank": rank, "world_size": setting.processes} if meeting else {}
    dist.init_process_group("nccl" if cuda else "gloo", init_method=meeting, **given)
    try:
        with torch.random.fork_rng(cuda):
            Training(setting, device).run()
    finally:
        dist.destroy_process_group()


def _spawn(meeting: str, setting: Setting) -> None:
    context = mp.spawn(_train_quietly, (meeting, setting), setting.processes, join=False)
    try:
        while not context.join():
            pass
    finally:
        for process in context.processes:
            process.terminate()


def _train_quietly(rank: int, meeting: str, setting: Setting) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is for the first process to answer
    train(rank, meeting, setting)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the results.",
)
@click.option("--processes", type=click.IntRange(1), help="One a GPU.  [default: all GPUs, or 1]")
@click.option("--layer-rates/--plain", default=True, help="Layer-specific rates, or plain SGD.")
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    help="To begin with.  [default: 0.006 with layer-specific rates, 0.01 plain]",
)
@click.option("--step-down", type=click.IntRange(1), default=100_000, help="Iterations at a rate.")
@click.option("--iterations", type=click.IntRange(1), default=350_000, help="In all.")
@click.option("--batch-size", type=click.IntRange(1), default=256, help="Of all processes.")
@click.option("--width", type=click.FloatRange(0, 1, min_open=True), default=1.0, help="Of layers.")
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), default=0.5, help="Share.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of weights, batches and dropout.")
@click.option("--save-every", type=click.IntRange(1), default=1000, help="Iterations.")
@click.option("--workers", type=click.IntRange(0), default=4, help="Readers of each process.")
def main(
    folder: Path,
    out: Path,
    processes: int | None,
    learning_rate: float | None,
    **options: float,
) -> None:
    r"""Train AlexNet on the images of FOLDER/train and measure it on those of FOLDER/val.

    Both hold a folder for each class. OUT gets checkpoint.pt, from which the same command goes on,
    and history.json. On several machines, start it with torchrun instead of --processes.
    """
    torchrun = "RANK" in os.environ
    gpus = torch.cuda.device_count()
    processes = int(os.environ["WORLD_SIZE"]) if torchrun else processes or gpus or 1
    if gpus and not torchrun and processes > gpus:
        raise ImagesError(f"--processes is {processes}, but there are {gpus} GPUs, one for each.")
    images, _ = read(folder)
    batch_size = options["batch_size"]
    if batch_size % processes or batch_size > len(images):
        raise ImagesError(
            f"--batch-size is {batch_size}: it must be a multiple of the processes ({processes}) "
            f"and at most the {len(images)} images of train/."
        )
    out.mkdir(parents=True, exist_ok=True)
    rate = learning_rate or (0.006 if options["layer_rates"] else 0.01)
    setting = Setting(folder, out, processes, learning_rate=rate, **options)
    try:
        with tempfile.TemporaryDirectory() as place:
            meeting = f"file://{place}/meeting"
            if torchrun:
                train(int(os.environ["RANK"]), None, setting)
            elif processes == 1:
                train(0, meeting, setting)
            else:
                _spawn(meeting, setting)
    except (ImagesError, mp.ProcessRaisedException) as error:
        # Through the processes that read and train, only the text of an error comes back.
        _, ours, sentence = str(error).rstrip().rpartition("ImagesError: ")
        if not ours and isinstance(error, mp.ProcessRaisedException):
            raise
        raise ImagesError(sentence) from None
    except KeyboardInterrupt:
        raise click.ClickException(
            "Stopped: the same command goes on from its checkpoint."
        ) from None
    if not torchrun or os.environ["RANK"] == "0":
        click.echo((out / "history.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
