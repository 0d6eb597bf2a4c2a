r"""AlexNet on a few made images: two processes equal one, killed and resumed equals unbroken."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from lrcourse.papers.imagenet import alexnet as imagenet

SMALL = ["--width", "0.0625", "--batch-size", "8", "--workers", "0", "--learning-rate", "0.01"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    r"""Two classes, 12 and 4 images each: horizontal and vertical bars, as JPEG and PNG."""
    root, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for part, images in (("train", 12), ("val", 4)):
        for name, bars in (("horizontal", np.s_[::4]), ("vertical", np.s_[:, ::4])):
            (root / part / name).mkdir(parents=True)
            for number in range(images):
                pixels = rng.integers(0, 60, (40, 48, 3), dtype=np.uint8)
                pixels[bars] += 150
                ending = "png" if number % 2 else "JPG"
                Image.fromarray(pixels).save(root / part / name / f"{number}.{ending}")
    return root


def run(folder, out, *options):
    return CliRunner().invoke(imagenet.main, [str(folder), "--out", str(out), *SMALL, *options])


def checkpoint(out):
    return torch.load(out / "checkpoint.pt")


def difference(a, b):
    pairs = zip(a["model"].values(), b["model"].values(), strict=True)
    return max((x - y).abs().max().item() for x, y in pairs)


def test_loss_falls_and_a_run_in_two_parts_is_that_in_one(folder, tmp_path):
    r"""To the last bit, dropout and momentum included, and the caller's random numbers stay."""
    before = torch.get_rng_state()
    options = ["--save-every", "6", "--step-down", "10", "--dropout", "0.1"]
    whole = run(folder, tmp_path / "whole", "--iterations", "12", *options)
    assert whole.exit_code == 0, whole.output
    assert torch.equal(torch.get_rng_state(), before)
    for iterations in ("4", "12"):
        assert run(folder, tmp_path / "parts", "--iterations", iterations, *options).exit_code == 0
    a, b = checkpoint(tmp_path / "whole"), checkpoint(tmp_path / "parts")
    assert difference(a, b) == 0
    assert [row["step"] for row in b["history"]] == [4, 6, 12]
    first, last = a["history"]
    assert last["loss"] < 0.7 * first["loss"]
    assert last["accuracy"] == 100
    assert [first["learning_rate"], last["learning_rate"]] == [0.01, pytest.approx(0.001)]


def test_two_processes_killed_and_resumed_are_one_unbroken(folder, tmp_path, monkeypatch):
    r"""Layer-specific rates see the mean gradient of both, as if one had the whole batch."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    both = ["--dropout", "0", "--processes", "2", "--save-every", "2", "--iterations"]
    command = [sys.executable, "-m", "lrcourse.papers.imagenet.alexnet", str(folder), "--out"]
    command += [str(tmp_path / "two"), *SMALL, *both, "100000"]
    killed = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not (tmp_path / "two" / "checkpoint.pt").exists() and time.monotonic() < deadline:
        assert killed.poll() is None
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    done = checkpoint(tmp_path / "two")["step"]
    iterations = str(done + 2)
    resumed = run(folder, tmp_path / "two", *both, iterations)
    assert resumed.exit_code == 0, resumed.output
    options = ["--dropout", "0", "--iterations", iterations, "--save-every", iterations]
    assert run(folder, tmp_path / "one", *options).exit_code == 0
    two, one = checkpoint(tmp_path / "two"), checkpoint(tmp_path / "one")
    assert two["step"] == one["step"] == done + 2
    assert difference(two, one) < 1e-5
    start = imagenet.alexnet(2, 0.0625, 0.0, torch.Generator().manual_seed(0))
    assert difference(two, {"model": start.state_dict()}) > 1e-3


def test_alexnet_is_as_large_as_caffes():
    with torch.device("meta"):  # shapes, without numbers
        model = imagenet.alexnet(1000, 1.0, 0.5, None)
        assert model(torch.zeros(1, 3, 227, 227)).shape == (1, 1000)
    assert sum(p.numel() for p in model.parameters()) == 60_965_224


def test_batches_are_the_same_however_many_share_them():
    def of(processes, rank):
        fields = dict.fromkeys(imagenet.Setting.__dataclass_fields__, 0)
        fields |= {"processes": processes, "iterations": 5, "batch_size": 4}
        return list(imagenet._batches(10, imagenet.Setting(**fields), 0, rank))

    whole, shares = of(1, 0), [of(2, 0), of(2, 1)]
    assert [sorted(a + b) for a, b in zip(*shares, strict=True)] == [sorted(b) for b in whole]
    assert len(set(whole[0] + whole[1])) == 8  # an epoch repeats no image
    assert whole[0] != whole[2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "train").rename(root / "training"), "There is no folder"),
        (lambda root: [p.rename(root / p.name) for p in (root / "val").iterdir()], "no class fold"),
        (lambda root: (root / "val" / "vertical").rename(root / "val" / "up"), "up, vertical (2"),
        (lambda root: (root / "train" / "horizontal" / "0.JPG").write_text("no"), "0.JPG cannot"),
        (lambda root: (root / "val" / "empty").mkdir(), "empty holds no images"),
    ],
)
def test_what_is_wrong_with_the_images_is_said(folder, tmp_path, change, said):
    root = tmp_path / "images"
    for path in folder.rglob("*.*"):
        copy = root / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    change(root)
    result = run(root, tmp_path / "out", "--iterations", "3")
    assert result.exit_code == 1
    assert said in result.output and "Traceback" not in result.output


def test_other_bad_input_is_said(folder, tmp_path):
    assert "does not exist" in run(tmp_path / "nowhere", tmp_path).output
    assert "multiple of" in run(folder, tmp_path, "--batch-size", "7", "--processes", "2").output
    assert "at most the 24" in run(folder, tmp_path, "--batch-size", "32").output
    assert run(folder, tmp_path, "--iterations", "1").exit_code == 0
    other = run(folder, tmp_path, "--iterations", "2", "--plain")
    assert "other layer rates" in other.output and other.exit_code == 1
    too_fast = run(folder, tmp_path / "fast", "--iterations", "4", "--learning-rate", "1e9")
    assert "smaller --learning-rate" in too_fast.output and too_fast.exit_code == 1
