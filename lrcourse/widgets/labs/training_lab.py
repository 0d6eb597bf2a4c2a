r"""Live training: a small network learns in the kernel while the lab draws it.

Training is a task on the kernel's own event loop: it takes steps for a few milliseconds, then lets
the kernel handle what the learner did, so the latest setting always wins. While a slow or
hidden page still has frames to draw, no more are sent, so they never queue up.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from os import PathLike

import numpy as np
import traitlets

from lrcourse.nn import softmax_cross_entropy
from lrcourse.widgets.lab import Control, Lab, axis
from lrcourse.widgets.labs import moons
from lrcourse.widgets.labs.grids import rate_grid

CHUNK = 0.01  # seconds of training before the kernel handles other messages
PACE = 0.03  # seconds between two frames
AHEAD = 6  # frames sent that the page may still have to draw
POINT, LENGTH = 10, 200  # steps averaged into a point of the loss curve, points shown
GOAL = 0.01
VERDICTS = (
    "Step {step}: loss {loss}, accuracy {accuracy}.",
    "Step {step}: the loss is not a finite number any more. Reset, and choose a smaller rate.",
)


class Live(Lab):
    r"""A lab that trains while it is shown: `running` starts and pauses it.

    In a script, where nothing is shown, `train(steps)` trains at once.
    """

    running = traitlets.Bool(False).tag(sync=True)
    restarts = traitlets.Int(0).tag(sync=True)
    drawn = traitlets.Int(0).tag(sync=True, echo_update=False)

    def __init__(self, learning_rate: float, batch_size: int, rule: str, init: str) -> None:
        r"""Draw the points; see `live`."""
        self._rng = np.random.default_rng(0)
        self._x, self._y = moons.half_moons(self._rng)
        self._everywhere = np.concatenate([moons.plane(), self._x])
        self._frame, self._task = 0, None
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        batches = (1, 2, 4, 8, 16, 32, 64, moons.POINTS)
        self._begin(rule, init)
        super().__init__(
            title="A network learns while you watch",
            controls=[
                Control("learning_rate", "learning rate", rate_grid(0.0001, 10), learning_rate),
                Control("batch_size", "batch size", batches, batch_size),
                Control("rule", "rule", list(moons.RULES), rule, "select"),
                Control("init", "initialization", moons.INITIALIZATIONS, init, "select"),
            ],
            tables=self._tables(),
            panels=[
                moons.region_panel(),
                {
                    "kind": "curves",
                    "x": axis("steps from now", -POINT * LENGTH, 0),
                    "y": axis("training loss", 0.0001, 10, log=True),
                    "lines": [{"x": "past", "y": "curve"}],
                    "level": {"value": GOAL, "label": "goal"},
                },
            ],
            verdicts=VERDICTS,
            live=True,
            alt="Left: the two classes of points over the region that the network gives to each. "
            "Right: training loss over the last steps on a log axis.",
            goal=f"training loss under {GOAL}.",
            caption="A 2-16-16-2 network trains in the kernel while you move its rate and batch "
            "size. Left: its prediction everywhere. Right: its loss, each point the mean of "
            f"{POINT} steps. Reset starts again.",
        )
        self.observe(self._switch, "running")
        self.observe(self._reset, ["restarts", "init"])
        self.observe(self._change_rule, "rule")

    # ---- training

    def _begin(self, rule: str, init: str) -> None:
        self._network, self._rule = moons.network(init, self._rng), moons.RULES[rule]()
        self._step, self._losses, self._curve = 0, [], []

    def _take_step(self) -> None:
        batch = self._rng.choice(moons.POINTS, self.batch_size, replace=False)
        with np.errstate(over="ignore", invalid="ignore"):
            loss = self._network.loss_and_gradient(self._x[batch], self._y[batch])
            self._rule.step(self._network.w, self._network.g, self.learning_rate)
        self._step += 1
        self._losses.append(float(loss))
        if len(self._losses) == POINT:
            self._curve = [*self._curve[1 - LENGTH :], np.mean(self._losses)]
            self._losses.clear()

    def train(self, steps: int) -> None:
        r"""Take this many steps at once with the current settings, and show the result."""
        for _ in range(steps):
            self._take_step()
        self._show()

    async def _run(self) -> None:
        interrupted = threading.Event()  # only noted: the signal may come amid a message

        before, sent = signal.getsignal(signal.SIGINT), 0.0
        try:
            while self.running and not interrupted.is_set():
                # The kernel ignores an interrupt while no cell runs; here it pauses. Running a
                # cell puts back the kernel's own handler, hence once for every chunk.
                signal.signal(signal.SIGINT, lambda *_: interrupted.set())
                began = time.perf_counter()
                while time.perf_counter() - began < CHUNK:
                    self._take_step()
                if self._frame - self.drawn < AHEAD and time.perf_counter() - sent > PACE:
                    sent = time.perf_counter()
                    self._show()
                if not np.isfinite(self._network.w).all():
                    break
                await asyncio.sleep(0.001)
        finally:
            signal.signal(signal.SIGINT, before)
            self.running = False
            self._show()

    # ---- what the learner does

    def _on_main_thread(self, call: Callable[[], object]) -> None:
        # JupyterLab may deliver what the page does to a second thread of the kernel (a subshell);
        # there no interrupt arrives, and a step could be half done.
        if self._loop is None or threading.current_thread() is threading.main_thread():
            call()
        else:
            self._loop.call_soon_threadsafe(call)

    def _switch(self, change: dict) -> None:
        if not change.new:
            return
        if self._loop is None:
            self.running = False
            raise RuntimeError("Live training needs a notebook; in a script, call train(steps).")
        self._on_main_thread(self._ensure_task)

    def _ensure_task(self) -> None:
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._run())

    def _reset(self, change: dict) -> None:
        def reset() -> None:
            self._begin(self.rule, self.init)
            self._show()

        self._on_main_thread(reset)

    def _change_rule(self, change: dict) -> None:
        def change_rule() -> None:
            self._rule = moons.RULES[self.rule]()

        self._on_main_thread(change_rule)

    # ---- what is shown

    def _show(self) -> None:
        self._frame += 1
        self.tables = self.pack(self._tables())

    def _tables(self) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        with np.errstate(over="ignore", invalid="ignore"):
            logits = np.nan_to_num(self._network.forward(self._everywhere))
            probability = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
            loss = float(softmax_cross_entropy(logits[-moons.POINTS :], self._y)[0])
        finite = bool(np.isfinite(self._network.w).all())
        right = (probability[-moons.POINTS :] > 0.5) == self._y
        curve = np.array(self._curve or [loss])
        tables = {
            "region": np.rint(255 * probability[: -moons.POINTS]).astype(np.uint8),
            "points": self._x,
            "labels": self._y.astype(np.uint8),
            "curve": np.nan_to_num(curve, nan=1e4),
            "past": POINT * (np.arange(len(curve)) - len(curve) + 1).astype(np.float32),
            "step": np.int32(self._step),
            "loss": np.float32(loss),
            "accuracy": np.float32(right.mean()),
            "frame": np.int32(self._frame),
            "diverged": np.int32(0 if finite else self._step),
            "reached": np.uint8(finite and loss < GOAL),
            "verdict": np.uint8(not finite),
        }
        return {name: ((), array) for name, array in tables.items()}

    def save_html(self, path: str | PathLike) -> None:
        r"""Refuse: training needs a kernel."""
        raise ValueError("Live training needs a kernel: on a saved page it would stand still.")
