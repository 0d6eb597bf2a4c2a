# %% [markdown]
# # Schedules
#
# **A large rate travels fast and a small one arrives. How should the rate change on the way?**
#
# - **You will** write the common schedules, hang them on a training loop with callbacks of your
#   own, find the mistakes in a well-known recipe, and compare six schedules fairly.
# - **Time**: about 60 minutes.
# - **You need**: [One knob](01_one_knob.ipynb) for the noise floor, and the networks and `fit` of
#   [Backprop](02_backprop.ipynb).

# %% [markdown]
# ## Fast, then fine
#
# Chapter 01 left us with a bargain. With small batches a run falls at a speed that grows with the
# rate, and then stops at a noise floor that *also* grows with the rate.
#
# So why not take both, one after the other? The clothes will do for a test, shrunk to 14 by 14
# pixels so that many networks train quickly.

# %%
from dataclasses import replace
import numpy as np
from lrcourse import check, fit, load, nn, plots
from lrcourse.optim import SGD


def shrink(split):
    x = split.x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return split._replace(x=x.reshape(-1, 196))


data = load("fashion-mini")
parts = {name: shrink(getattr(data, name)) for name in ("train", "validation", "test")}
data = replace(data, image_shape=(14, 14), **parts)
per_epoch = -(-len(data.train.y) // 32)
print(data, f"{per_epoch} steps an epoch at batch size 32", sep="\n")

# %% [markdown]
# To change the rate, something must step into the loop. `fit` offers six moments, as Keras does. A
# *callback* is any object with methods of these names:
#
#     on_train_begin
#         on_epoch_begin
#             on_batch_begin, one step, on_batch_end
#         on_epoch_end
#     on_train_end
#
# Each is handed `run`, which knows the `epoch`, the `step`, the `history` so far, and a
# `learning_rate` that we may set. A scheduler needs one moment and one line.
#
# Three networks train side by side, as in chapter 02: one at 0.4, one at 0.04, and one that goes
# from 0.4 to 0.04 after four of six epochs. **Predict** the three curves of validation accuracy.


# %%
class Scheduler:
    def __init__(self, rate):
        self.rate = rate

    def on_batch_begin(self, run):
        run.learning_rate = self.rate(run.step)


def train(rate, runs, seed, epochs=6, callbacks=()):
    rng = np.random.default_rng(seed)
    layers = [nn.Linear(196, 32), nn.ReLU(), nn.Linear(32, 10)]
    network = nn.Network(layers, rng, runs=runs)
    scheduler, rule = Scheduler(rate), SGD()
    settings = {"learning_rate": 0, "batch_size": 32, "epochs": epochs, "progress": False}
    history = fit(network, data, rule, rng=rng, callbacks=[scheduler, *callbacks], **settings)
    return network, history


# %%
def three_rates(step):
    return np.array([[0.4], [0.04], [0.4 if step < 4 * per_epoch else 0.04]])


histories = [train(three_rates, 3, seed)[1] for seed in range(3)]
accuracies = [[epoch["validation_accuracy"] for epoch in h.epochs] for h in histories]
lines = {}
for name, mean in zip(("0.4", "0.04", "0.4, 0.04"), np.mean(accuracies, axis=0).T, strict=True):
    lines[name] = range(1, 7), mean
    print(f"{name:9} mean accuracy of 3 seeds: epoch 4 {mean[3]:.1%}, epoch 6 {mean[5]:.1%}")
alt = "Accuracy by epoch: jagged at 0.4, steady at 0.04; with the change it leaps after epoch 4."
plots.curves(lines, "epoch", "validation accuracy", alt=alt)

# %% [markdown] claims=["80 2", "74 4", "85 1"]
# **What to see.** The small rate climbs slowly, to about 80 %. The large one is thrown about. But
# the run that changes leaps at the drop, from about 74 % after epoch 4 to 85 %. The large steps
# *had* come farther; the noise only hid it, and small steps let it show.
#
# ## Four formulas
#
# A *schedule* is a function from a count t to a rate. These four are in the article that this
# chapter follows [1]:
#
# | | rate | t counts |
# |---|---|---|
# | constant | $\eta_0$ | |
# | time-based | $\eta_0 / (1 + k\,t)$ | updates |
# | step | $\eta_0\, d^{\lfloor t/E \rfloor}$ | epochs |
# | exponential | $\eta_0\, e^{-kt}$ | epochs |
#
# $\lfloor\cdot\rfloor$ rounds down. **Predict**: with $d = 0.5$ and $E = 10$, which epoch is the
# first at half the rate, if the first of all is epoch 0?

# %% [markdown]
# ### Exercise 07.1
# **Two schedules**
#
# Write `step_decay` and `exponential_decay` by the table. `epoch` is a whole number that counts
# from 0: both return `learning_rate` for epoch 0. With `learning_rate=0.4`, `drop=0.5` and
# `every=10` expect 0.4 in epoch 9 and 0.2 in epoch 10. With 0.4 and `decay=0.1` expect 0.147152
# in epoch 10.


# %% exercise="07.1"
def step_decay(epoch, learning_rate, drop, every):
    r"""Return learning_rate * drop^floor(epoch / every), a number; epochs count from 0."""
    ### BEGIN SOLUTION
    return learning_rate * drop ** (epoch // every)
    ### END SOLUTION


def exponential_decay(epoch, learning_rate, decay):
    r"""Return learning_rate * e^(-decay * epoch), a number; epochs count from 0."""
    ### BEGIN SOLUTION
    return learning_rate * np.exp(-decay * epoch)
    ### END SOLUTION


# %%
check("07.1")

# %% [markdown]
# So epoch 10, the eleventh, is the first at half the rate. Much code around such articles has
# $\lfloor (1 + t)/E \rfloor$ instead and drops one epoch early. Nothing breaks; formula and run
# just disagree.
#
# From here on we use the package's `schedules`, which are functions of t like yours. Further down
# torch will judge them.
#
# ## One line, three readings
#
# In the article time-based decay is this line of an old Keras, and the sentence that the rate
# falls "in each epoch":
#
#     lr *= 1 / (1 + decay * iterations)
#
# The article sets `decay` to the first rate divided by the number of epochs. Take a first rate of
# 0.1 and 50 epochs: decay is 0.002. How would you read the line?
#
# - **A**: `lr` is a local copy of the first rate, and `iterations` counts updates. So
#   $\eta_t = \eta_0/(1 + k\,t)$.
# - **B**: `*=` compounds. The rate of the last update is divided again, and again.
# - **C**: the same as A, but t counts epochs.
#
# **Predict**: what is left of 0.1 after 500 updates in each case?

# %%
k, t = 0.1 / 50, np.arange(50 * per_epoch)
print(f"50 epochs of {per_epoch} updates")
readings = {
    "A: each update": 0.1 / (1 + k * t),
    "B: compounding": 0.1 * np.cumprod(1 / (1 + k * t)),
    "C: each epoch": 0.1 / (1 + k * (t // per_epoch)),
}
for name, rates in readings.items():
    print(f"{name:15} after 500 updates {rates[500]:.2g}, at the end {rates[-1]:.2g}")
print("B is below 1e-6 from update", np.argmax(readings["B: compounding"] < 1e-6))
lines = {name: (t + 1, np.where(rates > 1e-6, rates, np.nan)) for name, rates in readings.items()}
alt = "Both axes logarithmic: A bends down to a thirtieth, B drops out of the picture, C is level."
plots.curves(lines, "update, from 1", "learning rate", log_x=True, log_y=True, alt=alt)

# %% [markdown] claims=["0.05 0.001", "0.0034 0.0001", "0.091 0.001", "282 0"]
# **What to see.** Keras does A: the rate is halved, 0.05, after 500 updates, and 0.0034 at the
# end. B is below one millionth before the first epoch of 282 updates is half over, and training
# stands still. C ends at 0.091: hardly a schedule at all. Three readings of one line, many powers
# of ten apart, and no error message tells. *Draw the rate that was used.*
#
# ## Write down what happened
#
# For that the article has a callback too. Here it is for our loop, along with a scheduler that
# halves the rate after every second epoch. **Predict** the six rates that it writes down.

# %%
from lrcourse import schedules

halving = schedules.Step(0.4, 0.5, every=2)


class SuspectHistory:
    def on_train_begin(self, run):
        self.losses, self.rates = [], []

    def on_epoch_end(self, run):
        self.losses.append(run.history.epochs[-1]["loss"])
        self.rates.append(halving(len(self.losses)))


suspect = SuspectHistory()
_, history = train(lambda step: halving(step // per_epoch), None, 0, callbacks=[suspect])
print("written down", suspect.rates)
print("used        ", [epoch["learning_rate"] for epoch in history.epochs])

# %% [markdown]
# ### Exercise 07.2
# **Find the bug**
#
# What to see above: the two lists differ. Anyone who draws the first one sees each drop in the
# loss an epoch *after* the drop in the rate.
#
# Write `LossHistory`, which gets it right for *any* scheduler. After training it holds two lists
# with one number an epoch: `losses`, the mean loss over the epoch's steps, and `rates`, the rate
# of its *last step*, even if another callback has set the next rate by then. A second training
# begins with empty lists. `run.history` has `loss` and `learning_rate` of all steps so far, and
# at the end of an epoch its mean loss, rate and so on are in `run.history.epochs[-1]`, a dict.
# For the run above expect the rates 0.4, 0.4, 0.2, 0.2, 0.1, 0.1.


# %% exercise="07.2"
class LossHistory:
    r"""A callback: ``losses`` and ``rates``, the mean loss and the rate used, by epoch."""

    def on_train_begin(self, run):
        ### BEGIN SOLUTION
        self.losses, self.rates = [], []
        ### END SOLUTION

    def on_epoch_end(self, run):
        ### BEGIN SOLUTION
        self.losses.append(run.history.epochs[-1]["loss"])
        self.rates.append(run.history.epochs[-1]["learning_rate"])
        ### END SOLUTION


# %%
check("07.2")

# %% [markdown]
# A record should *look*, not recompute. After `append`, `len(self.losses)` is already the number
# of the next epoch; and a second copy of the schedule is one more thing that can be wrong. `fit`
# keeps such a record by itself, in `history.epochs`.
#
# ## Down smoothly, up gently, round and round
#
# Three shapes that came later than the article's four:
#
# - *Cosine*: half a wave from the top to 0, with no drops to place:
#   $\tfrac12 \eta_0 (1 + \cos(\pi t / T))$.
# - *Warm-up*: a line from 0 to the top at the start, when the weights are raw and the loss is
#   steep in places. Then any other schedule.
# - *Cyclical*: up and down in triangles. Large rates travel, small ones settle, and then again.

# %%
shapes = {
    "warm-up, cosine": schedules.Warmup(schedules.Cosine(0.4, 90), 10),
    "cyclical": schedules.Cyclical(0.02, 0.4, 20),
    "step": schedules.Step(0.4, 0.5, 25),
}
alt = "A short line up and half a wave down; triangles between 0.02 and 0.4; a staircase."
plots.curves(
    {name: f(np.arange(100)) for name, f in shapes.items()}, "step", "learning rate", alt=alt
)

# %% [markdown]
# ### Exercise 07.3
# **Two shapes**
#
# Write `warm_cosine` and `triangle`; all counts are steps, from 0. `warm_cosine` rises as
# `top * step / warm` while step < `warm`. From there on it is half a cosine from `top`, reached at
# step `warm`, down to 0 at step `steps`. `triangle` is `low` at step 0, `high` at step `half`,
# `low` at `2 * half`, and so on for ever.
#
# With `steps=12`, `warm=2` and `top=0.4` expect 0, 0.2, 0.4 at steps 0, 1, 2, and 0.2 at step 7.
# With `low=0.1`, `high=0.5` and `half=2` expect 0.1, 0.3, 0.5, 0.3, 0.1, 0.3.


# %% exercise="07.3"
def warm_cosine(step, steps, warm, top):
    r"""Return the rate: a line from 0 to top at step warm, half a cosine to 0 at step steps."""
    ### BEGIN SOLUTION
    if step < warm:
        return top * step / warm
    return top / 2 * (1 + np.cos(np.pi * (step - warm) / (steps - warm)))
    ### END SOLUTION


def triangle(step, low, high, half):
    r"""Return the rate: low at steps 0, 2 half, 4 half ..., high at half, 3 half, 5 half ..."""
    ### BEGIN SOLUTION
    part = step % (2 * half) / half
    return low + (high - low) * (1 - abs(part - 1))
    ### END SOLUTION


# %%
check("07.3")

# %% [markdown]
# Now the judge. torch's *schedulers* sit on an optimizer and count by themselves. Its cyclical one
# would even change the momentum, unless told not to. Do they give the rates of our functions?

# %%
import torch
from torch.optim import lr_scheduler as theirs


def torch_rates(make, steps=90):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    scheduler, rates = make(optimizer), []
    for _ in range(steps):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return np.array(rates)


# %%
for ours, make in (
    (schedules.Step(0.4, 0.5, 10), lambda o: theirs.StepLR(o, 10, 0.5)),
    (schedules.Exponential(0.4, 0.1), lambda o: theirs.ExponentialLR(o, np.exp(-0.1))),
    (schedules.TimeBased(0.4, 0.1), lambda o: theirs.LambdaLR(o, lambda t: 1 / (1 + 0.1 * t))),
    (schedules.Cosine(0.4, 90), lambda o: theirs.CosineAnnealingLR(o, 90)),
    (shapes["cyclical"], lambda o: theirs.CyclicLR(o, 0.02, 0.4, 20, cycle_momentum=False)),
):
    difference = abs(ours(np.arange(90)) - torch_rates(make)).max()
    print(f"{type(ours).__name__}: largest difference {difference:.0e}")

# %% [markdown]
# **What to see.** Equal, but for the rounding of the last digit.
#
# The lab sets them on a noisy bowl as in chapter 01. At batch size 4 no constant rate reaches the
# goal. **Predict**: will a schedule that falls early do it, such as 1 / n, or one that stays high
# for long, such as the cosine? Then find three that do.

# %%
from lrcourse import labs

labs.schedules()

# %% [markdown]
# **What to see.** 1 / n falls so early that it stops on the way, whatever its first rate. The
# cosine reaches the goal from many first rates: it travels first, and ends with hardly any noise.
#
# ## How high may it go?
#
# All these want a highest rate. The *range test* [2] asks the network: raise the rate from step to
# step, by the same factor each time, and watch the loss. At first nothing moves, then the loss
# falls, and in the end it shoots up. It costs part of an epoch.
#
# **Predict**, from the first figure of this chapter: where will the loss turn?

# %%
from lrcourse.range_test import range_test

rng = np.random.default_rng(0)
network = nn.Network([nn.Linear(196, 32), nn.ReLU(), nn.Linear(32, 10)], rng)
test = range_test(network, data, SGD(), low=1e-3, high=10, steps=200, batch_size=32, rng=rng)
low, high = test.proposed
print(f"proposed: from {low:.2g} to {high:.2g}")
test.plot()

# %% [markdown]
# **What to see.** A plateau, a slope, a cliff. The highest proposed rate keeps its distance from
# the cliff, for the smoothed line notices late. Take it as an order of magnitude, from one seed.
#
# ## A fair comparison
#
# The article starts its schedules at the *same* first rate, 0.1, and gives momentum to only one of
# them. But a schedule that falls spends most steps at smaller rates, so it may want a larger first
# one. Here nobody has momentum, and each schedule gets five first rates and three seeds. We choose
# its rate on the validation images, and only then look at the test images.
#
# All 30 combinations train side by side from the same start on the same batches. A schedule
# with first rate 1 is a pure shape, and the rate of a run is shape times first rate.
#
# **Predict**: which schedule wins? By how much does the constant rate lose, when it is tuned as
# carefully as the others? Which wants the smallest first rate?

# %%
steps = 6 * per_epoch
shapes = {
    "constant": schedules.Constant(1.0),
    "time-based": schedules.TimeBased(1.0, decay=10 / steps),
    "step": schedules.PerEpoch(schedules.Step(1.0, 0.3, every=2), per_epoch),
    "exponential": schedules.PerEpoch(schedules.Exponential(1.0, 0.5), per_epoch),
    "warm-up, cosine": schedules.Warmup(schedules.Cosine(1.0, steps - per_epoch), per_epoch),
    "cyclical": schedules.Cyclical(0.05, 1.0, per_epoch),
}
first_rates = np.array([0.025, 0.075, 0.2, 0.4, 0.8])


def all_rates(step):
    return np.concatenate([shape(step) * first_rates for shape in shapes.values()])[:, None]


networks = [train(all_rates, 30, seed)[0] for seed in range(3)]
validation, test = (
    np.array([n.accuracy(*part).reshape(len(shapes), -1) for n in networks])
    for part in (data.validation, data.test)
)

# %%
lines = {}
for i, name in enumerate(shapes):
    mean = validation[:, i].mean(axis=0)
    best, seeds = mean.argmax(), test[:, i, mean.argmax()]
    lines[name] = first_rates, 1 - mean
    print(f"{name:15} best first rate {first_rates[best]}", end="  ")
    print(f"test accuracy {seeds.mean():.1%}, spread over seeds {seeds.std(ddof=1):.1%}")
alt = "Validation error against first rate: constant is best at small rates, the others at 0.4."
plots.curves(lines, "first (highest) rate", "validation error", log_x=True, alt=alt)

# %% [markdown] claims=["79 2", "81 1", "82 1", "0.4 0"]
# **What to see.** Tuned, the constant rate names about 79 % of the test images, time-based decay
# about 81 %, and the other four about 82 %. Between these four there is nothing to choose: their
# seeds differ by as much. *That* the rate falls matters here, *how* it falls hardly does.
#
# All that fall want 0.4 at first, the constant rate far less. So a single first rate decides the
# contest in advance: at 0.4 the constant one looks hopeless, at 0.025 it wins. And at 0.8, where
# the steps and the exponential suffer, warm-up and triangles forgive: they give the network time
# before the rate is at its highest.
#
# One thing was left out: we judge the *last* epoch. A constant rate, stopped at its luckiest epoch
# on the validation images, would do better than here.
#
# ## What we learnt
#
# - A large rate travels, a small one settles. Every falling schedule is a way to have both.
# - Know what a schedule counts: updates or epochs, from 0 or from 1. One line can be read in three
#   ways that differ by many powers of ten.
# - A callback steps into the loop at fixed moments. Record the rate that was used, do not
#   recompute it.
# - A range test says how high the rate may go. Compare schedules over a range of first rates and
#   over several seeds.
#
# **Next**: [Sequences and strategies](08_sequences.ipynb). All our schedules were
# fixed beforehand. What if the validation loss decides when to lower the rate?
#
# ## Further reading
#
# 1. Suki Lau, *Learning Rate Schedules and Adaptive Learning Rate Methods for Deep Learning*,
#    Towards Data Science, 2017: the article with the four formulas and both slips.
# 2. Leslie N. Smith, *Cyclical Learning Rates for Training Neural Networks*, WACV 2017,
#    arXiv:1506.01186: triangles and the range test.
# 3. Ilya Loshchilov and Frank Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, ICLR
#    2017, arXiv:1608.03983: the cosine.
# 4. Priya Goyal and others, *Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour*, 2017,
#    arXiv:1706.02677: warm-up.
