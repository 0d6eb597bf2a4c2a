r"""Labs on bowls: gradient descent, with and without the noise of mini-batches.

All bowls here are quadratic, with the minimum at the origin:

    loss(w) = ½ Σ_d λ_d w_d²          gradient descent: w ← w − η λ w

λ_d is the curvature along axis d and η the learning rate. A step multiplies w_d by 1 − η λ_d,
so gradient descent converges exactly when η < 2 / λ for the largest λ: the edge of stability.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.messages import unknown
from lrcourse.widgets.labs.grids import after_divergence, first_divergence, increasing, rate_grid

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

SAMPLES = 64
NOISE = 0.5  # standard deviation of the samples around the minimum, along each axis
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)
CONDITIONINGS = (1, 3, 10, 30)
CONTOURS = (0.01, *(0.1 * 3.0**k for k in range(7)))
VERDICTS = (
    "It crawls: the steps are small, and the loss is still {final} at the last one.",
    "It converges: loss {final} at the last step.",
    "It rings but settles: each jump across the minimum is shorter; loss {final} at the last step.",
    "It rings: each step jumps across the minimum, and the loss is still {final} at the last one.",
    "It jitters: the noise of the mini-batches keeps the loss up, {final} at the last step.",
    "It diverges: at step {diverged} the loss is over 100 times its initial value.",
)
CRAWLS, CONVERGES, SETTLES, RINGS, JITTERS, DIVERGES = range(len(VERDICTS))


def batch_means(
    samples: np.ndarray, batch_sizes: Sequence[int], steps: int, rng: np.random.Generator
) -> np.ndarray:
    r"""Means of the mini-batches that training draws, one for each step.

    As in training, the samples are shuffled, cut into batches, and shuffled again when used up.
    Every batch size cuts the same shuffled sequence.

    samples: shape (n, D). batch_sizes: B whole numbers from 1 to n.
    Returns shape (B, steps, D). ValueError for a batch larger than the data.
    """
    if max(batch_sizes) > len(samples):
        raise ValueError(
            f"A batch of {max(batch_sizes):g} is larger than the data, {len(samples)} samples."
        )
    if any(size != int(size) for size in batch_sizes):
        raise ValueError(f"Batch sizes are whole numbers; got {list(batch_sizes)}.")
    order = np.concatenate([rng.permutation(len(samples)) for _ in range(steps)])
    return np.stack(
        [
            samples[order[: steps * int(size)]].reshape(steps, int(size), -1).mean(axis=1)
            for size in batch_sizes
        ]
    )


def descend(
    learning_rates: np.ndarray, centres: np.ndarray, curvatures: np.ndarray, start: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    r"""Gradient descent for all learning rates, batch sizes and bowls side by side.

    One step of a run: w ← w − η λ (w − c_t), where c_t is the mean of the mini-batch: each sample
    is the minimum of its own bowl, and the bowl of a batch has its minimum at their mean.

    learning_rates: η, shape (L,). centres: c, shape (B, steps, D). curvatures: λ, shape (C, D).
    start: w_0, shape (D,).
    Returns the paths, shape (L, B, C, steps + 1, D), and the losses above the minimum of the full
    bowl, ½ Σ_d λ_d w_d², shape (L, B, C, steps + 1).
    """
    batches, steps, dimensions = centres.shape
    shape = (len(learning_rates), batches, len(curvatures), steps + 1, dimensions)
    path = np.empty(shape)
    path[..., 0, :] = start
    eta = learning_rates[:, None, None, None]
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            w = path[..., t, :]
            path[..., t + 1, :] = w - eta * curvatures * (w - centres[:, t, None, :])
        loss = 0.5 * (curvatures[:, None, :] * path**2).sum(axis=-1)
    return path, loss


def bowl_outcomes(
    learning_rates: Sequence[float],
    batch_sizes: Sequence[int] = (SAMPLES,),
    curvatures: Sequence[Sequence[float]] = ((1.0, 10.0),),
    *,
    start: Sequence[float] = (-2.5, 1.2),
    steps: int = 60,
    goal: float = 0.01,
    samples: int = SAMPLES,
    noise: float = NOISE,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    r"""Every outcome of gradient descent on bowls, for all settings at once.

        loss(w) = mean over samples i of ½ (w − c_i)ᵀ H (w − c_i),   H = diag(λ)

    The samples c_i have mean 0 and standard deviation `noise` along each axis, so a mini-batch
    gradient has a noise that shrinks as 1 / sqrt(batch size) and is 0 for the full batch. All
    learning rates meet the same noise. Losses are counted above the minimum of the full bowl.

    learning_rates: L positive numbers in increasing order. batch_sizes: B whole numbers in
    increasing order, at most `samples`. curvatures: λ, shape (C, D), positive. start: w_0, shape
    (D,). goal: an upper bound on the last loss; a run that diverged misses it.
    rng: draws the samples and the batches (default: `numpy.random.default_rng(0)`).

    Returns arrays over the settings (L, B, C): `path` (..., steps + 1, D), `loss`
    (..., steps + 1), `final` (the last loss), `diverged` (first step with a loss over 100 times
    the start, 0 for none), `reached` (the goal, bool), `verdict` (index into VERDICTS); and
    `samples`, shape (samples, D), with the means of their batches, `centres`, (B, steps, D).
    """
    rates = increasing("learning rates", learning_rates)
    sizes = increasing("batch sizes", batch_sizes)
    curvatures = np.atleast_2d(np.asarray(curvatures, dtype=float))
    if curvatures.size == 0 or not (np.isfinite(curvatures).all() and (curvatures > 0).all()):
        raise ValueError(f"The curvatures must be positive and finite; got {curvatures.tolist()}.")
    rng = np.random.default_rng(0) if rng is None else rng
    c = rng.normal(size=(samples, len(start)))
    c = noise * (c - c.mean(axis=0)) / c.std(axis=0)

    # The last row has no noise; any loss above it comes from the mini-batches.
    centres = batch_means(c, sizes, steps, rng)
    centres = np.concatenate([centres, np.zeros_like(centres[:1])])
    path, loss = descend(rates, centres, curvatures, start)
    late = np.log(loss[..., -10:].clip(1e-30, 1e300)).mean(axis=-1)
    noisy = late[:, :-1] > late[:, -1:] + np.log(2)
    path, loss = path[:, :-1], loss[:, :-1]

    diverged = first_divergence(loss)
    reached = (loss[..., -1] < goal) & (diverged == 0)
    overshoots = rates[:, None, None] * curvatures.max(axis=-1) > 1
    verdict = np.select(
        [diverged > 0, reached & overshoots & ~noisy, reached, noisy, overshoots],
        [DIVERGES, SETTLES, CONVERGES, JITTERS, RINGS],
        CRAWLS,
    )
    return {
        "path": path,
        "loss": loss,
        "final": loss[..., -1].clip(max=1e30).astype(np.float32),
        "diverged": diverged,
        "reached": reached,
        "verdict": verdict.astype(np.uint8),
        "samples": c,
        "centres": centres[:-1],
    }


def ellipses(curvatures: np.ndarray, levels: Sequence[float], points: int = 73) -> np.ndarray:
    r"""Contours ½ (λ_1 w_1² + λ_2 w_2²) = level, as polylines with NaN where the pen lifts.

    curvatures: shape (C, 2). Returns shape (C, levels * (points + 1), 2).
    """
    angle = np.append(np.linspace(0, 2 * np.pi, points), np.nan)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    radii = np.sqrt(2 * np.asarray(levels)[:, None] / curvatures[:, None, :])
    return (radii[:, :, None, :] * circle).reshape(len(curvatures), -1, 2)


def path_panel(lines: list[dict]) -> dict:
    r"""The panel of runs over the contours of a bowl with two weights."""
    from lrcourse.widgets.lab import axis

    return {
        "kind": "path",
        "x": axis("w₁ (curvature 1)", -3, 3),
        "y": axis("w₂ (the steep axis)", -2, 2),
        "contours": "contours",
        "steps": True,
        "lines": lines,
    }


def loss_panel(steps: int, lines: list[dict]) -> dict:
    r"""The panel of loss against step on a bowl."""
    from lrcourse.widgets.lab import axis

    return {
        "kind": "curves",
        "x": axis("step", -0.025 * steps, 1.025 * steps),
        "y": axis("loss", 1e-4, 1e4, log=True),
        "lines": lines,
        "level": {"value": 0.01, "label": "goal"},
    }


def bowl(
    learning_rate: float = 0.01,
    batch_size: int = SAMPLES,
    conditioning: float = 10,
    *,
    controls: Sequence[str] = ("learning_rate", "batch_size", "conditioning"),
    learning_rates: Sequence[float] | None = None,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    conditionings: Sequence[float] = CONDITIONINGS,
    seed: int = 0,
) -> Lab:
    r"""Lab: gradient descent on a bowl of two dimensions, with curvatures 1 and `conditioning`.

    learning_rate, batch_size, conditioning: the setting that the lab opens with, always part of
    its grid. controls: which of the three the learner gets; the others stay at that setting.
    learning_rates, batch_sizes, conditionings: the values to choose from, in increasing order
    (rates default to 61 from 0.0032 to 3.2). seed: of the samples and their order.
    """
    from lrcourse.widgets.lab import Control

    allowed = ("learning_rate", "batch_size", "conditioning")
    for name in controls:
        if name not in allowed:
            raise ValueError(unknown("control", name, allowed))
    grids = {
        "learning_rate": rate_grid(0.0032, 3.2) if learning_rates is None else learning_rates,
        "batch_size": batch_sizes,
        "conditioning": conditionings,
    }
    opening = {
        "learning_rate": float(learning_rate),
        "batch_size": batch_size,
        "conditioning": conditioning,
    }
    for name in allowed:
        increasing(f"{name.replace('_', ' ')}s", grids[name])
        increasing(name.replace("_", " "), [opening[name]])
        grids[name] = sorted({*grids[name], opening[name]}) if name in controls else [opening[name]]

    curvatures = np.array([[1.0, ratio] for ratio in grids["conditioning"]])
    batches = [f"{n} (all)" if n == SAMPLES else str(n) for n in grids["batch_size"]]
    ratios = [f"1 : {ratio:g}" for ratio in grids["conditioning"]]
    return _descent_lab(
        title="Gradient descent on a bowl",
        controls=[
            Control("learning_rate", "learning rate", grids["learning_rate"], learning_rate),
            Control("batch_size", "batch size", grids["batch_size"], batch_size, texts=batches),
            Control(
                "conditioning", "curvatures", grids["conditioning"], conditioning, "select", ratios
            ),
        ],
        outcomes=lambda start: bowl_outcomes(
            grids["learning_rate"],
            grids["batch_size"],
            curvatures,
            start=start,
            rng=np.random.default_rng(seed),
        ),
        start=(-2.5, 1.2),
        curvatures=curvatures,
        extra={"contours": (("conditioning",), ellipses(curvatures, CONTOURS))},
        picture=path_panel([{"xy": "path", "dots": True}]),
        alt="Left: the path of gradient descent over contours of the loss. Right: loss against "
        "step on a log axis.",
        goal="loss under 0.01 after 60 steps, without divergence.",
        caption="Left: each dot is one step from the ring (start) towards the cross (minimum); the "
        "innermost contour is loss 0.01. Right: the same run, loss against step. The ring can be "
        "dragged, or moved with the arrow keys.",
    )


def one_knob(learning_rate: float = 0.01, *, curvature: float = 4.0) -> Lab:
    r"""Lab: gradient descent on a parabola, ½ · curvature · w²; the learning rate is the only knob.

    learning_rate: the setting that the lab opens with. curvature: second derivative of the loss.
    """
    from lrcourse.widgets.lab import Control, axis

    (curvature,) = increasing("curvature", [curvature])
    (learning_rate,) = increasing("learning rate", [learning_rate])
    rates = sorted({*rate_grid(0.004 / curvature, 4 / curvature), float(learning_rate)})
    steps, start = 20, -2.0
    w = np.linspace(-3.5, 3.5, 71)
    top = 0.5 * curvature * start**2
    return _descent_lab(
        title="Gradient descent on a parabola",
        controls=[Control("learning_rate", "learning rate", rates, learning_rate)],
        outcomes=lambda start: bowl_outcomes(
            rates, curvatures=[[curvature]], start=start, steps=steps, noise=0.0
        ),
        start=(start,),
        curvatures=np.array([[curvature]]),
        extra={"w": ((), w), "parabola": ((), 0.5 * curvature * w**2)},
        picture={
            "kind": "curves",
            "x": axis("w", -3.5, 3.5),
            "y": axis("loss", -0.1 * top, 3 * top),
            "steps": True,
            "lines": [
                {"x": "w", "y": "parabola", "grey": True},
                {"x": "path", "y": "loss", "dots": True},
            ],
        },
        alt="Left: the steps of gradient descent on a parabola. Right: loss against step on a log "
        "axis.",
        goal=f"loss under 0.01 after {steps} steps, without divergence.",
        caption="Left: each dot is one step down the parabola, from the ring (start). Right: the "
        "same run, loss against step. The ring can be dragged, or moved with the arrow keys.",
    )


def _descent_lab(
    *,
    controls: list,
    outcomes: Callable[[Sequence[float]], dict[str, np.ndarray]],
    start: tuple[float, ...],
    curvatures: np.ndarray,
    extra: dict[str, tuple[tuple[str, ...], np.ndarray]],
    picture: dict,
    **texts: str,
) -> Lab:
    r"""The part that labs on descent share: a loss curve, a goal and the edge 2 / curvature."""
    from lrcourse.widgets.lab import Lab

    settings = tuple(control.name for control in controls)
    bowls = settings[2:]
    sharpest = curvatures.max(axis=-1).astype(np.float32).reshape([-1] if bowls else [])

    def tables(start: Sequence[float]) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        run, found = outcomes(start), dict(extra)
        stopped = after_divergence(run["diverged"], run["loss"].shape[-1] - 1)
        run["path"] = np.where(stopped[..., None], np.nan, run["path"])
        run["loss"] = np.where(stopped, np.nan, run["loss"])
        for name in ("path", "loss", "final", "diverged", "reached", "verdict"):
            # Settings that have no control hold one value: drop their axis.
            kept = run[name].shape[: len(settings)] + run[name].shape[3:]
            found[name] = (settings, run[name].reshape(kept))
        found["curvature"] = (bowls, sharpest)
        found["edge"] = (bowls, 2 / sharpest)
        # For runs from another start, which view.js computes.
        shape = run["centres"].shape[0 if settings[1:2] else 1 :]
        found["centres"] = (settings[1:2], run["centres"].astype(np.float32).reshape(shape))
        shape = curvatures.shape[0 if bowls else 1 :]
        found["curvatures"] = (bowls, curvatures.astype(np.float32).reshape(shape))
        return found

    own = tables(start)
    steps = own["loss"][1].shape[-1] - 1
    steepest = "curvature" if curvatures.shape[1] == 1 else "largest curvature"
    return Lab(
        controls=controls,
        tables=own,
        start=start,
        tables_from=tables,
        panels=[picture, loss_panel(steps, [{"y": "loss", "dots": True}])],
        verdicts=VERDICTS,
        **texts,
        reveal={
            "control": "learning_rate",
            "table": "edge",
            "question": "Guess first: above which learning rate does it diverge?",
            "answer": f"The edge is 2 / {steepest} = 2 / {{curvature}} = {{edge}}.",
        },
    )
