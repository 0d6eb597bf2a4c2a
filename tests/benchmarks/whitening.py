r"""Time and memory of fitting ZCA to 10,000 colour images of 32x32 against scikit-learn and SVD.

    python -m tests.benchmarks.whitening [--images N] [--features D] [--rounds N] [--memory]

One thread, CPU time, float32 images whose spectrum falls like that of photographs. "floor" is one
covariance product and one eigh, both as NumPy does them in float32; scikit-learn is its PCA with
whitening, by the covariance too. They take turns; the ratios are medians, turn by turn. With
--memory, the largest private memory that a fit from a memory map of five times as many images
adds, its sums alone and as a whole, is measured instead.
"""

import argparse
import os
import tempfile
import threading

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from lrcourse.whitening import ZCA

from .table import Row, in_turns, lines, ratios


def photographs(n: int, d: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    frequency = np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(round((d / 3) ** 0.5))]))
    noise = rng.standard_normal((n, 3, *frequency.shape), dtype=np.float32)
    images = np.fft.ifft2(np.fft.fft2(noise) / (frequency + 0.02)).real.reshape(n, -1)
    low, high = images.min(), images.max()
    return ((images - low) / (high - low)).astype(np.float32)


def measure(
    quick: bool, images: int | None = None, features: int | None = None, rounds: int = 1
) -> list[Row]:
    r"""One row; quick is 2,000 images of 16x16."""
    from sklearn.decomposition import PCA

    x = photographs(images or (2_000 if quick else 10_000), features or (768 if quick else 3072))
    runs = {
        "ours": lambda: ZCA().fit(x),
        "floor": lambda: np.linalg.eigh(x.T @ x),
        "scikit-learn": lambda: PCA(whiten=True, svd_solver="covariance_eigh").fit(x),
        "SVD": lambda: np.linalg.svd(x - x.mean(axis=0), full_matrices=False),
    }
    name = f"ZCA of {len(x):,} images, {x.shape[1]} features"
    return [ratios(name, in_turns(runs, rounds, warm=quick))]


def private() -> float:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1e3 for line in file if line.startswith("RssAnon"))


def peak(work) -> float:
    before, peaks, done = private(), [], threading.Event()

    def watch():
        while not done.wait(0.005):
            peaks.append(private())

    thread = threading.Thread(target=watch)
    thread.start()
    work()
    done.set()
    thread.join()
    return max(peaks) - before


def memory(n: int, d: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/x.npy"
        x = np.lib.format.open_memmap(path, "w+", np.float32, (n, d))
        for start in range(0, n, 1000):
            x[start : start + 1000] = photographs(1000, d)[: n - start]
        print(f"data      {x.nbytes / 1e6:8.0f} MB")
        del x
        mapped = np.load(path, mmap_mode="r")
        print(f"sums      {peak(lambda: ZCA().partial_fit(mapped)):8.0f} MB")
        print(f"whole fit {peak(lambda: ZCA().fit(mapped)):8.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10_000, help="number (default 10000)")
    parser.add_argument("--features", type=int, default=3072, help="3 s^2 (default 3072)")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each (default 1)")
    parser.add_argument("--memory", action="store_true", help="measure memory, on Linux")
    setting = parser.parse_args()
    if setting.memory:
        memory(5 * setting.images, setting.features)
    else:
        print(*lines(measure(False, setting.images, setting.features, setting.rounds)), sep="\n")


if __name__ == "__main__":
    main()
