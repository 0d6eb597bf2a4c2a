# %% [markdown]
# # Batches
#
# **How many examples should one step look at, and what does that do to the learning rate?**
#
# - **You will** measure the noise of mini-batch gradients, see where a larger batch may take a
#   larger rate and where that ends, and grow the batch instead of lowering the rate.
# - **Time**: about 60 minutes.
# - **You need**: the noise floor of [One knob](01_one_knob.ipynb), the network of
#   [Backprop](02_backprop.ipynb), and what a variance is.

# %% [markdown]
# ## A fan of gradients
#
# The loss is a mean over all images, and so is its gradient $\nabla L$, the *whole* gradient. A
# step usually looks at a batch of B images, and its gradient $g_B$ is only an estimate.
#
# Here are clothes, shrunk to 14 by 14 pixels, and a small network that has trained for one epoch.
# There we stop and compute one gradient for *each* of 2,000 images.

# %%
from dataclasses import replace
import numpy as np
from lrcourse import check, fit, load, nn, plots
from lrcourse.optim import SGD


def shrink(split):
    x = split.x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return split._replace(x=x.reshape(-1, 196))


def small_network(seed, runs=None):
    rng = np.random.default_rng(seed)
    layers = [nn.Linear(196, 32), nn.ReLU(), nn.Linear(32, 10)]
    return nn.Network(layers, rng, runs=runs), rng


data = load("fashion-mini")
parts = {name: shrink(getattr(data, name)) for name in ("train", "validation", "test")}
data = replace(data, image_shape=(14, 14), **parts)

# %%
network, rng = small_network(0)
fit(network, data, SGD(), learning_rate=0.1, batch_size=32, epochs=1, rng=rng)
x, labels = data.train.x[:2000], data.train.y[:2000]


def gradient(batch):
    network.loss_and_gradient(x[batch], labels[batch])
    return network.g.copy()


singles = np.array([gradient([i]) for i in range(2000)])
whole = gradient(np.arange(2000))
difference = abs(singles.mean(axis=0) - whole).max()
print(f"single gradients {singles.shape}; their mean is the whole one to {difference:.0e}")

# %% [markdown]
# Such a gradient has 6,634 numbers. To draw it we keep two: how far it reaches along $\nabla L$,
# and across, in the direction in which single images differ most. The length of $\nabla L$ is 1.
#
# **Predict**: draw 40 batches of 8 images and 40 of 128. Which fan is wider, and by what factor?
# Which reaches farther *on average* along $\nabla L$?

# %%
length = np.linalg.norm(whole)
along = whole / length
rest = singles[:400] - np.outer(singles[:400] @ along, along)
across = np.linalg.svd(rest - rest.mean(axis=0), full_matrices=False)[2][0]


def drawn(batch_size, count):
    return np.array([gradient(rng.integers(2000, size=batch_size)) for _ in range(count)])


fans = {}
for batch_size in (8, 128):
    rays = np.full((40, 3, 2), np.nan)
    rays[:, 0] = 0
    rays[:, 1] = drawn(batch_size, 40) @ np.stack([along, across], axis=1) / length
    fans[f"batch {batch_size}"] = tuple(rays.reshape(-1, 2).T)
alt = "Rays from the origin: 40 gradients of 8 images spread wide, 40 of 128 lie close together."
plots.curves(fans, "along the whole gradient", "across it", alt=alt)

# %% [markdown]
# **What to see.** Each ray is the gradient of one batch. Those of 8 images point all over the
# right half, a few backward; those of 128 are a narrow bundle around (1, 0). And yet the *middle*
# of both fans seems to be the same. How long the rays are, and where their mean lies, can be
# computed.
#
# ## The length of a batch gradient
#
# Let $g_i$ be the gradient of image i. Their mean is $\nabla L$, and their spread around it is
#
# $$\operatorname{tr}\Sigma = \frac1n \sum_i \lVert g_i - \nabla L \rVert^2$$
#
# the trace of their covariance $\Sigma$: the variances of all weights, added up. Draw B images
# independently. The mean over all possible batches, written E, is
#
# $$E\, g_B = \nabla L \qquad\qquad
# E \lVert g_B \rVert^2 = \lVert \nabla L \rVert^2 + \frac{\operatorname{tr}\Sigma}{B}$$
#
# The left one holds for every B, as the mean of a mean. The right one is the rule that the variance
# of a mean of B independent numbers is B times smaller, for all weights at once.

# %% [markdown]
# ### Exercise 06.1
# **Signal and noise**
#
# Write `expected_squared_length`, the right side of the second formula. `gradients` has shape
# `(n, P)`, one example's gradient in each row; $\nabla L$ is their mean, and the sum over examples
# is divided by n, as above. Return one number. For `[[1, 0], [3, 0], [2, 3]]` the noise is 8/3:
# with `batch_size=1` expect 7.66667, with 4 expect 5.66667.


# %% exercise="06.1"
def expected_squared_length(gradients, batch_size):
    r"""Return |mean gradient|^2 + (mean of |gradient - mean gradient|^2) / batch_size."""
    ### BEGIN SOLUTION
    whole = gradients.mean(axis=0)
    noise = np.sum((gradients - whole) ** 2) / len(gradients)
    return whole @ whole + noise / batch_size
    ### END SOLUTION


# %%
check("06.1")

# %% [markdown]
# A paper that we meet again in chapter 13 says: "bigger batch sizes decrease the average value of
# the gradient, resulting in a slower training speed" [1]. That is a claim about numbers.
#
# **Predict** two columns: the mean reach along $\nabla L$, and the length, as B grows. Both are in
# units of the length of $\nabla L$.

# %%
signal = float(whole @ whole)
noise = float(np.mean(np.sum((singles - whole) ** 2, axis=1)))
for batch_size in (1, 8, 32, 128, 512):
    batches = drawn(batch_size, 200 + 4000 // batch_size)
    measured = np.sqrt(np.mean(np.sum(batches**2, axis=1)) / signal)
    formula = np.sqrt((signal + noise / batch_size) / signal)
    reach = batches @ along / length
    error = reach.std() / len(reach) ** 0.5
    print(f"batch {batch_size:3}: reach {reach.mean():.2f} ± {error:.2f}", end="  ")
    print(f"length measured {measured:.2f}, formula {formula:.2f}")

# %% [markdown]
# **What to see.** The reach is about 1 at every batch size, as exactly as we measured it. The
# *mean* gradient does not shrink. What shrinks is the length, because the noise in it does, and
# noise takes us nowhere. So why do large batches train slowly? An epoch has fewer steps of the
# same reach.
#
# How large must a batch be before noise no longer rules? The two terms are equal at
# $B = \operatorname{tr}\Sigma / \lVert\nabla L\rVert^2$, the *noise scale* [2]. **Predict**: does
# it grow or shrink in training?

# %%
network, rng = small_network(0)
for epoch in range(7):
    singles = np.array([gradient([i]) for i in range(2000)])
    whole = singles.mean(axis=0)
    noise = np.sum((singles - whole) ** 2) / 2000
    if epoch in (0, 1, 6):
        print(f"after {epoch} epochs: signal {whole @ whole:.3f}, noise {noise:.1f}", end="  ")
        print(f"equal at batch size {noise / (whole @ whole):.0f}")
    fit(network, data, SGD(), learning_rate=0.1, batch_size=32, epochs=1, rng=rng)

# %% [markdown] claims=["25 8", "140 60"]
# **What to see.** Early on, a batch of about 25 images has as much noise as signal. After six
# epochs it takes about 140: the signal has shrunk with the loss, the noise hardly has. Late in
# training a small batch is nearly all noise.
#
# ## Rate against batch size
#
# Now train, with 4,096 images for six epochs: five batch sizes, nine rates, three seeds. The nine
# rates train side by side.
#
# **Predict**: with four times the batch, where does the valley of the loss go?

# %%
rates = 0.0125 * 2.0 ** np.arange(9)
few = data.train.x[:4096], data.train.y[:4096]
valleys = {}
for batch_size in (8, 32, 128, 512, 2048):
    losses = []
    for seed in range(3):
        nine, rng = small_network(seed, runs=9)
        settings = {"learning_rate": rates[:, None], "batch_size": batch_size, "epochs": 6}
        fit(nine, few, SGD(), rng=rng, progress=False, **settings)
        losses.append(nine.loss(*few))
    valleys[f"batch {batch_size}"] = mean = np.mean(losses, axis=0)
    print(f"batch {batch_size:4}: best rate {rates[mean.argmin()]:5}, loss {mean.min():.2f}")
lines = {name: (rates, mean) for name, mean in valleys.items()}
alt = "Loss against rate for five batch sizes: valleys that move right, rise, and end at one wall."
plots.curves(lines, "learning rate", "training loss", log_x=True, alt=alt)

# %%
lines = {name: (rates / int(name[6:]), mean) for name, mean in valleys.items()}
alt = "The same losses against rate / batch size: the left arms of all five lie on one line."
plots.curves(lines, "learning rate / batch size", "training loss", log_x=True, alt=alt)

# %% [markdown]
# **What to see.** In the first figure all valleys end at nearly the same wall, not far from rate 1.
# (For batch 8 it is a little nearer: noise throws a run over the edge sooner.) From batch 8 to 32
# the best rate grows fourfold too. Then it meets the wall and stays, and each larger batch ends
# higher.
#
# In the second figure the left arms are *one* line. There only the rate over the batch size counts:
# four times the batch makes a quarter of the steps, four times the rate makes each four times as
# long. A batch leaves the line where its rate comes near the wall. Large batches are not worse
# teachers; at the rate of a small batch they stand too far up the left arm, and at the rate that
# they would need they fall over the edge.

# %% [markdown]
# The lab has the whole table for the digits: the map on its right is the final loss, the panel in
# the middle a fan, its rays drawn as dots. Find the smallest rate that reaches the goal at batch
# size 8. **Predict** it for 16 and 32 before you move. Then look for one at 64.

# %%
from lrcourse import labs

labs.digits()

# %% [markdown]
# **What to see.** The valley runs along a diagonal and bends upright at the wall. At 64 no rate
# arrives in ten epochs.

# %% [markdown]
# ### Question 06.q1
# **Is it the batch?**
#
# A friend trains one network twice, for six epochs at rate 0.1: with batches of 32 and of 512. The
# second run ends with the higher loss. "Large batches learn badly", says the friend. What else
# differs between the two runs? Which experiment would be fair, and what do you expect from it?
# Write three or four sentences in the cell below; a person reads them.

# %% [markdown] question="06.q1"
# *Your answer stands here.*

# %% [markdown] tags=["solution"]
# **A good answer.** The second run makes a sixteenth of the steps, each of the same mean reach, so
# it stands far up the left arm of its valley: the rate was chosen for 32 only. A fair experiment
# gives each batch size its own best rate, from a grid and with some seeds. I expect most of the gap
# to close, but not all of it: the rate that 512 needs is beyond the wall.

# %% [markdown]
# ## Linear scaling
#
# On the left arms one step with kB images at rate $k\eta$ does what k steps with B images at
# $\eta$ do:
#
# $$w - \eta\,(g_1 + \dots + g_k) = w - k\eta \cdot \frac{g_1 + \dots + g_k}{k}$$
#
# The bracket on the right is the gradient of the large batch, *if* the gradient hardly changes
# within the k steps. Hence the rule of *linear scaling* [3]: k times the batch, k times the rate.
#
# It must end where $k\eta$ reaches the edge $2/\lambda$ of chapter 01, which no batch size moves.
# And it is most in danger at the start, where gradients change fastest. Therefore *warm-up*: begin
# at the rate of the small batch and rise along a line.

# %% [markdown]
# ### Exercise 06.2
# **Scale and warm up**
#
# Write `scaled_rate`. The target is `base_rate` times `batch_size / base_batch`. `step` counts from
# 0. While step < `warm` the rate rises along a line from `base_rate` at step 0 to the target, which
# is reached at step `warm`; from there it stays. With `warm=0` it is the target from the start. For
# `base_rate=0.1`, `base_batch=32`, `batch_size=128` and `warm=10` expect 0.1 at step 0, 0.25 at
# step 5, and 0.4 at steps 10 and 99.


# %% exercise="06.2"
def scaled_rate(step, batch_size, base_rate, base_batch, warm):
    r"""Return the rate of a step, by linear scaling with a warm-up from base_rate."""
    ### BEGIN SOLUTION
    target = base_rate * batch_size / base_batch
    if step < warm:
        return base_rate + (target - base_rate) * step / warm
    return target
    ### END SOLUTION


# %%
check("06.2")

# %% [markdown]
# The package spells it `Warmup(Constant(target), warm, start=base_rate)`. We take 0.1 at batch
# size 32 as the base and compare four rules: the same rate, a rate that grows as $\sqrt{B}$, linear
# scaling, and linear scaling with one epoch of warm-up. The `Scheduler` below steps into `fit`
# before each batch; chapter 07 builds such callbacks.
#
# **Predict**: which rule holds up longest?

# %%
from lrcourse.schedules import Constant, Warmup


class Scheduler:
    def __init__(self, schedules):
        self.schedules = schedules

    def on_batch_begin(self, run):
        run.learning_rate = np.array([[schedule(run.step)] for schedule in self.schedules])


for batch_size in (32, 128, 256, 512):
    k, losses = batch_size / 32, []
    fixed, root, linear = (Constant(rate) for rate in (0.1, 0.1 * k**0.5, 0.1 * k))
    rules = [fixed, root, linear, Warmup(linear, 4096 // batch_size, start=0.1)]
    settings = {"learning_rate": 0.1, "batch_size": batch_size, "epochs": 6, "progress": False}
    for seed in range(3):
        four, rng = small_network(seed, runs=4)
        fit(four, few, SGD(), rng=rng, callbacks=[Scheduler(rules)], **settings)
        losses.append(four.loss(*few))
    mean, spread = np.mean(losses, axis=0), np.std(losses, axis=0, ddof=1)
    words = ("fixed", "root", "linear", "with warm-up")
    row = [f"{w} {m:.2f}±{s:.2f}" for w, m, s in zip(words, mean, spread, strict=True)]
    print(f"batch {batch_size:3}:", ", ".join(row))

# %% [markdown] claims=["0.58 0.1", "0.73 0.1", "0.83 0.2", "1.92 0.6"]
# **What to see.** At 128 linear scaling is best: a loss of about 0.58, where the unchanged rate
# gives 0.73. At 256 linear and root are level. At 512 linear scaling asks for rate 1.6, beyond the
# wall, and breaks: about 1.92, where the root still gives 0.83.
#
# Warm-up made no difference here. It can help over a steep start, as in the deep networks it was
# made for [3]. It cannot move an edge that stays.
#
# ## Grow the batch instead
#
# The noise floor of chapter 01 was about $\eta/4B$: again only rate over batch size counts.
# To come down to a lower floor we can lower the rate. Or we can *raise the batch* by the same
# factor [4]. Both see each image once an epoch; the second takes fewer steps, and each of them
# can use more of a parallel machine.
#
# Rate 0.4, batch 32, nine epochs. After epochs 3 and 6, either a quarter of the rate or four times
# the batch. **Predict**: test accuracy and updates of the three ways.

# %%
from lrcourse.callbacks import GrowBatch, LearningRateScheduler
from lrcourse.schedules import Step

quarter = Step(0.4, drop=0.25, every=3)
ways = {
    "neither": [],
    "lower the rate": [LearningRateScheduler(quarter, per="epoch")],
    "grow the batch": [GrowBatch(quarter, batch_size=32, maximum=4096)],
}
results = {way: [] for way in ways}
for way, callbacks in ways.items():
    for seed in range(3):
        network, rng = small_network(seed)
        settings = {"learning_rate": 0.4, "batch_size": 32, "epochs": 9, "progress": False}
        history = fit(network, data, SGD(), rng=rng, callbacks=callbacks, **settings)
        results[way].append((history.epochs, network.accuracy(*data.test)))

# %%
by_epoch, by_update = {}, {}
for way, runs in results.items():
    loss = np.mean([[epoch["loss"] for epoch in epochs] for epochs, _ in runs], axis=0)
    updates = [epoch["steps"] for epoch in runs[0][0]]
    by_epoch[way], by_update[way] = (range(1, 10), loss), (updates, loss)
    right = [accuracy for _, accuracy in runs]
    print(
        f"{way:14} test accuracy {np.mean(right):.1%}, spread {np.std(right, ddof=1):.1%}", end=""
    )
    print(f", {updates[-1]} updates")
alt = "Loss by epoch: lowering the rate and growing the batch fall together, below neither."
plots.curves(by_epoch, "epoch", "training loss", alt=alt)
alt = "Loss by update: growing the batch arrives after less than half the updates."
plots.curves(by_update, "update", "training loss", alt=alt)

# %% [markdown] claims=["82 1", "79 4", "1113 0", "2538 0"]
# **What to see.** Against epochs the two curves fall almost together. Against updates they part:
# 1113 instead of 2538. Both name about 82 % of the test images, and differ by about their
# spread. Neither of the two: about 79 %, with a wide spread, for each run ends wherever the noise
# has just thrown it.
#
# Count such a plan in epochs. Counted in updates, its second stage would come far too late once
# the batch has grown.
#
# ## A batch that does not fit
#
# What if a batch is too large for the memory? Take it in pieces, and put the gradients together.
# For a model that is linear in its weights, with loss $\frac{1}{n} \sum_i \frac12 e_i^2$, the
# gradient is $\frac{1}{n} \sum_i e_i x_i$. The function below was tested with 64 examples in pieces
# of 16. **Predict**: when does it go wrong?


# %%
def suspect_pieces(x, error, size):
    total, pieces = np.zeros(x.shape[1]), len(x) // size
    for k in range(pieces):
        piece = slice(k * size, (k + 1) * size)
        total += x[piece].T @ error[piece] / size
    return total / pieces


inputs, error = rng.normal(size=(10, 2)), rng.normal(size=10)
print("all at once   ", inputs.T @ error / 10)
for size in (5, 4):
    print(f"in pieces of {size}", suspect_pieces(inputs, error, size))

# %% [markdown]
# ### Exercise 06.3
# **Find two bugs**
#
# One bug can be seen above. Mend it in the obvious way and a second one appears. Write
# `gradient_in_pieces` without either. `x` has shape `(n, D)`, `error` shape `(n,)`; take at most
# `size` examples at a time, the last piece may be shorter. Return the gradient of the *whole*
# batch, shape `(D,)`. For `x = [[1], [2], [3]]`, `error = [1, 1, -3]` and `size=2` expect `[-2]`.


# %% exercise="06.3"
def gradient_in_pieces(x, error, size):
    r"""Return the mean of error_i x_i over all n examples, shape (D,), taken in pieces."""
    ### BEGIN SOLUTION
    total = np.zeros(x.shape[1])
    for first in range(0, len(x), size):
        piece = slice(first, first + size)
        total += x[piece].T @ error[piece]
    return total / len(x)
    ### END SOLUTION


# %%
check("06.3")

# %% [markdown]
# Means of pieces may be averaged only if the pieces are equally large. Otherwise add up sums, and
# divide once, by n.
#
# ## What we learnt
#
# - The mean of a batch gradient is the whole gradient at every batch size. Its noise falls as 1/B.
# - Where steps are small, only rate over batch size counts: k times the batch, k times the rate.
#   It ends at the edge, which the batch does not move.
# - To calm a run, lower the rate or grow the batch. The second takes fewer updates.
# - Give each batch size its own best rate before you compare.
#
# **Next**: [Schedules](07_schedules.ipynb), for the rate can change in many other ways.
#
# ## Further reading
#
# 1. Sungjae Ahn, *A Directional Gradient Acceleration Method in Mini-Batch Gradient Descent*: the
#    source of the sentence above; chapter 13 tests its method.
# 2. Sam McCandlish and others, *An Empirical Model of Large-Batch Training*, 2018,
#    arXiv:1812.06162: the noise scale.
# 3. Priya Goyal and others, *Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour*, 2017,
#    arXiv:1706.02677: linear scaling and warm-up.
# 4. Samuel L. Smith, Pieter-Jan Kindermans, Chris Ying and Quoc V. Le, *Don't Decay the Learning
#    Rate, Increase the Batch Size*, ICLR 2018, arXiv:1711.00489.
