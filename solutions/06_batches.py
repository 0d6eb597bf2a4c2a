# %% [markdown]
# # Batches
#
# **How many examples should one step look at, and what does that do to the learning rate?**
#
# - **You will** measure the noise of batch gradients, see how far a larger batch may take a larger
#   rate, choose both under a budget, and grow the batch instead of lowering the rate.
# - **Time**: about 80 minutes.
# - **You need**: [One knob](01_one_knob.ipynb), [Backprop](02_backprop.ipynb), and what a variance
#   is.

# %% [markdown]
# ## A fan of gradients
#
# The loss is a mean over all images, and so is its gradient $\nabla L$, the *whole* gradient. A
# step usually looks at a batch of B images, and its gradient $g_B$ is only an estimate.
#
# Here are clothes, halved to 14 by 14 pixels, and a small network that has trained for one epoch.
# There we compute one gradient for *each* of 2,000 images.

# %%
import numpy as np
from lrcourse import check, fit, guess, load, nn, outcome, plots, tally, yours
from lrcourse.browser import IN_BROWSER
from lrcourse.data import halved
from lrcourse.measure import with_spread
from lrcourse.optim import SGD


def trained(seed, images, rate, batch_size=32, epochs=6, callbacks=(), **options):
    rng = np.random.default_rng(seed)
    network = nn.Network([nn.Linear(196, 32), nn.ReLU(), nn.Linear(32, 10)], rng, **options)
    settings = {"learning_rate": rate, "batch_size": batch_size, "epochs": epochs}
    history = fit(network, images, SGD(), rng=rng, callbacks=callbacks, progress=False, **settings)
    return network, rng, history.epochs


# %%
data = halved(load("fashion-mini"))
network, rng, _ = trained(0, data, 0.1, epochs=1)
x, labels = data.train.x[:2000], data.train.y[:2000]


def gradient(batch):
    network.loss_and_gradient(x[batch], labels[batch])
    return network.g.copy()


singles = np.array([gradient([i]) for i in range(2000)])
whole = singles.mean(axis=0)

# %% [markdown]
# Of a gradient's 6,634 numbers we draw two: its *reach* along $\nabla L$, and how far it points
# across, where single images differ most. The unit of both is the length of $\nabla L$.
#
# **Predict**: draw 40 batches of 8 images and 40 of 128. By what factor is the first fan wider, and
# which one reaches farther *on average*?

# %%
guess("06.a", "The fan of 8 is how many times as wide as that of 128?", within=1.5)

# %%
length = np.linalg.norm(whole)
along = whole / length
rest = singles[:400] - np.outer(singles[:400] @ along, along)
across = np.linalg.svd(rest - rest.mean(axis=0), full_matrices=False)[2][0]


def drawn(batch_size, count):
    return np.array([gradient(rng.integers(2000, size=batch_size)) for _ in range(count)])


both = np.stack([along, across], axis=1) / length
rays = {f"batch {size}": drawn(size, 40) @ both for size in (8, 128)}
alt = "Two fans of rays from the origin: 40 gradients of 8 images each, and 40 of 128."
plots.fans(rays, "along the whole gradient", "across it", alt=alt)
outcome("06.a", rays["batch 8"][:, 1].std() / rays["batch 128"][:, 1].std())

# %% [markdown]
# <details><summary>What to see</summary>
#
# Each ray is the gradient of one batch. Those of 8 images point all over the right half, and a few
# backward. Those of 128 are a bundle around (1, 0), over three times narrower. And yet the *middle*
# of both fans seems to be the same.
#
# </details>
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
# On the right, the variance of a mean of B independent numbers is B times smaller, for all weights
# at once.

# %% [markdown]
# ### Exercise 06.1
# **Signal and noise**
#
# For batches of two sizes we can measure the
# mean of $\lVert g_B \rVert^2$. Write `signal_and_noise`, which finds $\lVert \nabla L \rVert^2$,
# the signal, and $\operatorname{tr}\Sigma$, the noise, from these two means. `squared_lengths` are
# the means and `sizes` the two batch sizes, which differ, in any order. Return two numbers, the
# signal first. For `squared_lengths=(7, 2.5)` and `sizes=(2, 8)` expect 1 and 12.


# %% exercise="06.1"
def signal_and_noise(squared_lengths, sizes):
    r"""Return (|mean gradient|^2, trace of the covariance) from E|g_B|^2 at two batch sizes."""
    ### BEGIN SOLUTION
    (first, second), (one, other) = squared_lengths, sizes
    noise = (first - second) / (1 / one - 1 / other)
    return first - noise / one, noise
    ### END SOLUTION


# %%
check("06.1")

# %% [markdown]
# A paper that we meet again in chapter 13 says: "bigger batch sizes decrease the average value of
# the gradient, resulting in a slower training speed" [1]. Which shrinks as B grows, the mean reach
# or the length?

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
# <details><summary>What to see</summary>
#
# The reach is 1 at every batch size, to within twice the error of our means: the *mean* gradient
# does not shrink. The length does, with the noise in it. What shrinks, too, is the number of steps
# in an epoch.
#
# </details>
#
# From which batch size on is the signal stronger than the noise? The two terms are equal at
# $B = \operatorname{tr}\Sigma / \lVert\nabla L\rVert^2$, the *noise scale* [2]. We measure it by
# exercise 06.1, from batches of 8 and of 512, after one epoch at rate 0.1 and after one at 0.025,
# with six seeds each.
#
# At which of the two rates is it larger?

# %%
separate, scales = yours("06.1"), []
for rate in (0.1, 0.025):
    found = []
    for seed in range(6):
        network, rng, _ = trained(seed, data, rate, epochs=1)
        pair = [np.mean(np.sum(drawn(size, 3200 // size) ** 2, axis=1)) for size in (8, 512)]
        found.append(separate(pair, (8, 512)))
    signal, noise = np.transpose(found)
    scales.append(noise / signal)
    print(f"rate {rate}: noise {with_spread(noise, 0)}, signal {with_spread(signal, 2)}")
factors = scales[1] / scales[0]
print(f"seed by seed, larger by a factor of {factors.min():.1f} to {factors.max():.0f}")

# %% [markdown] claims=["by a factor of: 2 0.5", "rate 0.025: noise[3] < rate 0.1: noise[3] by 1"]
# <details><summary>What to see</summary>
#
# At 0.025, at least 2 times as large in all six seeds. The noises differ little; it is the signal
# that is smaller. A likely reason: large noisy steps keep a run up on the walls of the bowl, where
# the gradient is long. So the noise scale belongs to the *run*, not to the data alone.
#
# </details>
#
# ## Rate against batch size
#
# Now train, with 4,096 images for six epochs: five batch sizes, eight seeds, and nine rates side by
# side. A browser is slower and takes two of the seeds; what we say below is about all eight.
#
# **Predict**: from 8 to 2048 the batch grows 256-fold. How much does its best rate grow?

# %%
guess("06.b", "Best rate at 2048 divided by best rate at 8", within=2.01)

# %%
rates = 0.0125 * 2.0 ** np.arange(9)
few = data.train.x[:4096], data.train.y[:4096]
losses, tests, seeds = {}, {}, 2 if IN_BROWSER else 8
for batch_size in (8, 32, 128, 512, 2048):
    rows = []
    for seed in range(seeds):
        nine, *_ = trained(seed, few, rates[:, None], batch_size, runs=9)
        rows.append([nine.loss(*few), nine.accuracy(*data.test)])
    losses[batch_size], tests[batch_size] = np.array(rows).transpose(1, 2, 0)
lines = {f"batch {size}": (rates, loss) for size, loss in losses.items()}
alt = "Training loss against rate, one curve with its band for each of five batch sizes."
plots.response(lines, "learning rate", "training loss", alt=alt)

# %%
best = {size: loss.mean(axis=1).argmin() for size, loss in losses.items()}
for size, k in best.items():
    print(f"batch {size}: best rate {rates[k]:.3g}, loss {with_spread(losses[size][k], 2)}")
lines = {f"batch {size}": (rates / size, loss) for size, loss in losses.items()}
alt = "The same losses against rate / batch size, one curve for each batch size."
plots.response(lines, "learning rate / batch size", "training loss", alt=alt)
outcome("06.b", rates[best[2048]] / rates[best[8]])

# %% [markdown] claims=["batch 8: best rate: 0.1 0.05", "batch 32: best rate: 0.4 0.05"]
# <details><summary>What to see</summary>
#
# In the first figure the valleys end at nearly the same wall, between rate 0.8 and 1.6; only for
# batch 8 it stands before 0.8. From batch 8 to 32
# the best rate grows from 0.1 to 0.4, though at 8 the rates 0.1 and 0.2 are almost level; then it
# stays.
#
# In the second figure the left arms are *one* line. There only rate over batch size counts: four
# times the batch makes a quarter of the steps, four times the rate makes each four times as long. A
# batch leaves the line where its rate comes near the wall.
#
# </details>
#
# ## Are large batches worse teachers?
#
# Keskar and others found that large batches lead to networks that do worse on new images [3]. Do
# two runs with the *same* training loss differ in test accuracy here?

# %%
for size, k in ((8, 0), (32, 2), (128, 4), (32, 0), (128, 2), (512, 4)):
    print(f"batch {size} at rate {rates[k]}: loss {with_spread(losses[size][k], 2)}", end=", ")
    print(f"test accuracy {with_spread(100 * tests[size][k])} %")
lines = {}
for size, k in best.items():
    lines[f"batch {size}"] = losses[size][: k + 1].mean(axis=1), 1 - tests[size][: k + 1]
alt = "Test error against training loss, one line with its band for each batch size."
plots.response(lines, "training loss", "test error", alt=alt, log_x=False)

# %% [markdown] claims=["batch 8 at rate 0.0125: loss[3]: 76.8 0.05", "batch 32 at rate 0.05: loss[3]: 76.6 0.05", "batch 32 at rate 0.0125: loss[3]: 70.2 0.05", "batch 128 at rate 0.05: loss[3]: 70.1 0.05"]
# <details><summary>What to see</summary>
#
# Not on the left arms. At a training loss of 0.60 batches of 8 and of 32 name 76.8 and 76.6 % of
# the test images, and at 0.88 batches of 32 and of 128 name 70.2 and 70.1 %, well within their
# spread. Only the last points of the large batches lie above the others, with wide bands; near the
# wall rate and batch size cannot be told apart.
#
# </details>
#
# That is six epochs of a small network. Hoffer and others [4] closed the gap by giving large
# batches more updates. Shallue and others [5] tuned each batch size by itself on many tasks and saw
# no harm from large ones.
#
# ## What is the wall?
#
# On the bowl of chapter 01 the edge was $2/\lambda$. A network has a $\lambda$ as well: its
# curvature in the steepest direction. The package measures it from differences of gradients, and
# [chapter 16](16_the_edge.ipynb) builds that.
#
# We take four seeds. A browser takes two of them; what we say below is about all four.
#
# **Predict**: measured before the first step, where is $2/\lambda$?

# %%
guess("06.c", "Where is 2/λ before training?", ["below the wall", "at the wall", "above it"])

# %%
from lrcourse.measure import curvature

steps, before, after = rates[:7, None], [], []
for seed in range(2 if IN_BROWSER else 4):
    for rate, found in ((0 * steps, before), (steps, after)):  # at rate 0 nothing moves
        seven, rng, _ = trained(seed, few, rate, 512, runs=7, dtype=np.float64)
        found.append(2 / curvature(seven, few[0][:1024], few[1][:1024], rng))
print(f"before training: 2/λ {with_spread([edges[0] for edges in before], 2)}")
for rate, found in zip(rates, np.transpose(after), strict=False):
    print(f"after training at rate {rate}: 2/λ {with_spread(found, 2)}")
edges = {"after training": after, "before training": before, "2/λ = rate": steps.T}
lines = {name: (rates[:7], np.transpose(found)) for name, found in edges.items()}
alt = "2/λ against rate, before and after training, beside the line where it equals the rate."
plots.response(lines, "learning rate", "2 / λ", alt=alt, log_y=True)
outcome("06.c", "below the wall" if np.max(before) < 0.8 else "at the wall")

# %% [markdown] claims=["before training: 2/λ: 0.29 0.005", "after training at rate 0.4: 2/λ: 0.31 0.005", "after training at rate 0.8: 2/λ: 0.56 0.005", "after training at rate 0.1: 2/λ < before training: 2/λ by 0.05"]
# <details><summary>What to see</summary>
#
# Below it: 0.29, nearly the same for each seed, and yet rates of 0.4 and 0.8 train, for the
# curvature does not stay. After six epochs with batches of 512 $2/\lambda$ is 0.31 at rate 0.4, and
# 0.56 at 0.8: the network has moved to where the bowl is flatter. At 0.1 $2/\lambda$ falls instead.
#
# </details>
#
# So the wall is not $2/\lambda$ of the start, and only runs tell where it is. Where $2/\lambda$
# hovers at the rate, Cohen and others speak of the *edge of stability* [6].

# %% [markdown]
# The lab has such runs for the digits: on the right a map of the final loss, in the middle a fan,
# its rays drawn as dots. Find the smallest rate that reaches the goal at batch size 8. What do you
# expect for 16 and 32? And for 64?

# %%
from lrcourse import labs

labs.digits()

# %% [markdown]
# <details><summary>What to see</summary>
#
# The smallest rate is 0.1 for 8, 0.14 for 16 and 0.4 for 32: four times the batch, four times the
# rate. At 64 no rate reaches the goal in ten epochs: the valley of the map runs along a diagonal
# and bends upright at the wall.
#
# </details>

# %% [markdown]
# ### Question 06.q1
# **Is it the batch?**
#
# A friend trains one network twice, for six epochs at rate 0.1: with batches of 32 and of 512. The
# second run ends with the higher loss. "Large batches learn badly", says the friend. What else
# differs? Which experiment would be fair, and what do you expect from it? Write three or four
# sentences in the cell below. In a class a person reads them; alone, compare them with those of the
# worked solution.

# %% [markdown] question="06.q1"
# *Your answer stands here.*

# %% [markdown] tags=["solution"]
# **A good answer.** The second run makes a sixteenth of the steps, each of the same mean reach, so
# it stands far up the left arm of its valley: the rate was chosen for 32 only. A fair experiment
# gives each batch size its own best rate, from a grid and with some seeds. In our table the losses
# are about 0.55 and 1.15 at rate 0.1, and about 0.5 and 0.8 at the best rates: about half of the
# gap closes. Not all of it, as the rate that 512 needs is beyond the wall.

# %% [markdown]
# ## Linear scaling
#
# On the left arms one step with kB images at rate $k\eta$ does what k steps with B images at
# $\eta$ do:
#
# $$w - \eta\,(g_1 + \dots + g_k) = w - k\eta \cdot \frac{g_1 + \dots + g_k}{k}$$
#
# The fraction on the right is the gradient of the large batch, *if* the gradient hardly changes
# within the k steps. Hence *linear scaling* [7]: k times the batch, k times the rate. It must end
# at the wall. It is most in danger at the start, where gradients change fastest. Therefore
# *warm-up*: begin at the rate of the small batch, and move to the new one.
#
# Below are three such runs, for a network whose best rate at batch size 32 is 0.1.

# %%
from lrcourse.schedules import Constant, Step, Warmup

targets = {size: Constant(0.1 * size / 32) for size in (16, 64, 128)}
lines = {f"batch {n}": Warmup(f, 10, start=0.1)(np.arange(16)) for n, f in targets.items()}
alt = "Rates of the first 16 steps: from 0.1 a line down to 0.05, one up to 0.2 and one up to 0.4."
plots.curves(lines, "step", "learning rate", alt=alt)

# %% [markdown]
# ### Exercise 06.2
# **Scale and warm up**
#
# Write `scaled_rate` from the picture: the rate of step 0, 1, 2 ... for any `batch_size`, where
# `base_rate` suits `base_batch`. In the picture `warm` is 10; with `warm=0` there is no warm-up.
# For `batch_size=128` expect 0.25 at step 5.


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
# Now four rules race on our network, again from 0.1 at batch size 32, a quarter of its best rate
# there: the same rate, a rate that grows as $\sqrt{B}$, your linear scaling, and the same with one
# epoch of warm-up. `LearningRateScheduler` sets the rate before each step.
#
# **Predict**: which rule does best at the largest batch?

# %%
guess("06.d", "Which rule is best at 512?", ["fixed", "root", "linear", "with warm-up"])

# %%
from lrcourse.callbacks import GrowBatch, LearningRateScheduler

scaled, names = yours("06.2"), ["fixed", "root", "linear", "with warm-up"]


def four_rates(step, size):
    rates = [0.1, 0.1 * (size / 32) ** 0.5]
    rates += [scaled(step, size, 0.1, 32, warm) for warm in (0, 4096 // size)]
    return np.array(rates)[:, None]


for batch_size in (128, 256, 512):
    losses = []
    steps = LearningRateScheduler(lambda t, size=batch_size: four_rates(t, size), per="step")
    for seed in range(6):
        four, *_ = trained(seed, few, 0.1, batch_size, callbacks=[steps], runs=4)
        losses.append(four.loss(*few))
    for name, found in zip(names, np.transpose(losses), strict=True):
        print(f"batch {batch_size}, {name}: loss {with_spread(found, 2)}")
outcome("06.d", names[np.mean(losses, axis=0).argmin()])

# %% [markdown] claims=["batch 512, root: loss: 0.82 0.005", "batch 512, root: loss < batch 512, linear: loss by 0.5"]
# <details><summary>What to see</summary>
#
# At 128 and 256 the unchanged rate is worst; six seeds do not tell linear scaling from the root. At
# 512 linear scaling asks for rate 1.6, past the wall, and breaks, where the root still gives
# 0.82. Warm-up made no difference that six seeds can show. In the deep networks that it was made
# for it helped over a steep start [7].
#
# </details>
#
# ## Updates or examples?
#
# A larger batch can save updates. What does that cost in examples? Take a bowl with twelve
# curvatures from 0.02 to 1, where the noise of a batch is 0.5 / B for each weight. There the
# *expected* loss can be computed as in chapter 01: the mean of each weight shrinks; its variance
# shrinks and gets new noise.


# %%
def updates_to_goal(batch_size, rate, goal=0.05, most=2000):
    curvatures = np.geomspace(0.02, 1, 12)
    mean, variance = np.ones(12), np.zeros(12)
    for update in range(1, most + 1):
        mean = (1 - rate * curvatures) * mean
        variance = (1 - rate * curvatures) ** 2 * variance + rate**2 * 0.5 / batch_size
        if curvatures @ (mean**2 + variance) / 2 <= goal:
            return update
    return np.inf


# %% [markdown]
# ### Exercise 06.3
# **Choose under a budget**
#
# You may look at `budget` examples, not more. Write `fewest_updates`, which finds the batch size
# and the rate that reach the goal in the fewest updates. `updates_to_goal(batch_size, rate)` trains
# once and returns the number of updates u, `inf` if the goal is never reached; the run looks at
# u · B examples. Choose from the lists `sizes` and `rates`, and return the pair. At least one fits,
# and if two are equally good, either will do.


# %% exercise="06.3"
def fewest_updates(updates_to_goal, budget, sizes, rates):
    r"""Return (batch size, rate): within the budget of examples, the goal in fewest updates."""
    ### BEGIN SOLUTION
    best, fewest = None, np.inf
    for size in sizes:
        for rate in rates:
            updates = updates_to_goal(size, rate)
            if updates * size <= budget and updates < fewest:
                best, fewest = (size, rate), updates
    return best
    ### END SOLUTION


# %%
check("06.3")

# %% [markdown]
# With 1,000 examples the goal takes 30 updates. How many does it take with 16,000?

# %%
choose, sizes, some = yours("06.3"), [2**k for k in range(12)], [2.0**k for k in range(-7, 2)]
table = {(size, rate): updates_to_goal(size, rate) for size in sizes for rate in some}
for budget in (1000, 2000, 4000, 8000, 16000):
    found = choose(lambda *pair: table[pair], budget, sizes, some)
    print(f"budget {budget}: {table[found]} updates, batch {found[0]}, rate {found[1]}")
best = np.array([min(table[size, rate] for rate in some) for size in sizes])
alt = "Updates to the goal against examples looked at, both axes logarithmic."
plots.curves({"": (best * sizes, best)}, "examples", "updates", log_x=True, log_y=True, alt=alt)

# %% [markdown] claims=["budget 1000: 30 0", "budget 2000: 12 0", "budget 16000: 10 0"]
# <details><summary>What to see</summary>
#
# On the left the curve falls straight down: larger batches, with larger rates, take fewer updates
# for the *same* examples. Then it bends. From 1,000 to 2,000 examples still save more than half of
# the updates, 12 in place of 30. Eight times as many after that bring 10: hardly any noise is left
# to remove.
#
# </details>
#
# So there are two floors: a least number of examples, and of updates. On networks the curve has
# this shape too [2, 5], with its corner at batches about as large as the noise scale [2].
#
# ## Grow the batch instead
#
# The noise floor of chapter 01 was about $\eta/4B$: again only rate over batch size counts. To
# reach a lower floor we can lower the rate, or *raise the batch* by the same factor [8].
#
# Rate 0.4, batch 32, nine epochs of 9,000 images: 2,538 updates. After epochs 3 and 6, either a
# quarter of the rate or four times the batch.
#
# How many updates does the run have if the batch grows?

# %%
quarter = Step(0.4, drop=0.25, every=3)
ways = {
    "neither": [],
    "lower the rate": [LearningRateScheduler(quarter, per="epoch")],
    "grow the batch": [GrowBatch(quarter, batch_size=32, maximum=4096)],
}
lines = {}
for way, callbacks in ways.items():
    losses, right = [], []
    for seed in range(3):
        network, _, epochs = trained(seed, data, 0.4, epochs=9, callbacks=callbacks)
        losses.append([epoch["loss"] for epoch in epochs])
        right.append(100 * network.accuracy(*data.test))
    updates = [epoch["steps"] for epoch in epochs]
    lines[way] = updates, np.mean(losses, axis=0)
    print(f"{way}: test accuracy {with_spread(right)} %, in {updates[-1]} updates")
alt = "Training loss by update of the three ways, one dot an epoch."
plots.curves(lines, "update", "training loss", alt=alt)

# %% [markdown] claims=["lower the rate: test accuracy: 82 0.4 spread", "grow the batch: test accuracy: 82 0.4 spread", "neither: test accuracy: 79 0.9 spread", "grow the batch: test accuracy[3]: 1113 0", "lower the rate: test accuracy[3]: 2538 0"]
# <details><summary>What to see</summary>
#
# Each dot is an epoch. Epoch by epoch the two losses are nearly equal, but one needs 1113 updates
# instead of 2538. Both name 82 % of the test images. With neither it is about 79 %, and the seeds
# differ much more.
#
# </details>
#
# ## A batch that does not fit
#
# If a batch is too large for the memory, take it in pieces and put their gradients together:
# *gradient accumulation*. For a model that is linear in its weights, with errors $e_i$ and loss
# $\frac{1}{n} \sum_i \frac12 e_i^2$, the gradient is $\frac{1}{n} \sum_i e_i x_i$. As is usual,
# `piece_gradient` gives the *mean* over its piece.
#
# The function below passed its test: 64 examples in pieces of 16.


# %%
def piece_gradient(x, error):
    return x.T @ error / len(x)


def suspect_pieces(x, error, size, piece_gradient):
    total, pieces = np.zeros(x.shape[1]), len(x) // size
    for k in range(pieces):
        piece = slice(k * size, (k + 1) * size)
        total += piece_gradient(x[piece], error[piece])
    return total / pieces


inputs, error = rng.normal(size=(64, 2)), rng.normal(size=64)
apart = suspect_pieces(inputs, error, 16, piece_gradient) - piece_gradient(inputs, error)
print(f"largest difference from all at once: {abs(apart).max():.0e}")

# %% [markdown]
# ### Exercise 06.4
# **Find the bugs**
#
# The suspect is not always right. Try it on other numbers, read it, and write
# `gradient_in_pieces`, which is. `x` has shape `(n, D)`, `error` shape `(n,)`; `size` is 1 or more.
# Hand at most `size` examples at once to `piece_gradient`; it does the computing. Return the
# gradient of the *whole* batch, shape `(D,)`. For `x = [[1], [2], [3]]`, `error = [1, 1, -3]` and
# `size=2` expect `[-2]`.


# %% exercise="06.4"
def gradient_in_pieces(x, error, size, piece_gradient):
    r"""Return the mean of error_i x_i over all n examples, shape (D,), taken in pieces."""
    ### BEGIN SOLUTION
    total = np.zeros(x.shape[1])
    for first in range(0, len(x), size):
        piece = slice(first, first + size)
        total += len(x[piece]) * piece_gradient(x[piece], error[piece])
    return total / len(x)
    ### END SOLUTION


# %%
check("06.4")

# %% [markdown]
# Where pieces differ in size, add up sums and divide once, by n. Libraries that train language
# models averaged means of pieces with different numbers of words; it was reported in 2021, and
# fixed in 2024 [9].

# %%
tally()

# %% [markdown]
# ## What we learnt
#
# - The mean of a batch gradient is the whole gradient at every batch size. Its variance falls as
#   1/B.
# - Where steps are small, only rate over batch size counts: k times the batch, k times the rate. It
#   ends at a wall, which from batch 32 on hardly moved, and which is not $2/\lambda$ of the start.
# - At the same training loss, away from the wall, large batches and small ones did equally well on
#   test images. Give each batch size its own best rate before you compare.
# - Larger batches buy fewer updates, at first for no more examples, later for many.
# - To calm a run, lower the rate or grow the batch.
#
# **Next**: [Schedules](07_schedules.ipynb), for the rate can change in many other ways.
#
# ## Further reading
#
# 1. Sungjae Ahn, *A Directional Gradient Acceleration Method in Mini-Batch Gradient Descent*,
#    International Journal of Engineering and Information Systems 6(11), 2022.
# 2. Sam McCandlish and others, *An Empirical Model of Large-Batch Training*, 2018,
#    arXiv:1812.06162.
# 3. Nitish Shirish Keskar and others, *On Large-Batch Training for Deep Learning: Generalization
#    Gap and Sharp Minima*, ICLR 2017, arXiv:1609.04836.
# 4. Elad Hoffer, Itay Hubara and Daniel Soudry, *Train Longer, Generalize Better*, NIPS 2017,
#    arXiv:1705.08741.
# 5. Christopher Shallue and others, *Measuring the Effects of Data Parallelism on Neural Network
#    Training*, JMLR 20, 2019, arXiv:1811.03600.
# 6. Jeremy Cohen and others, *Gradient Descent on Neural Networks Typically Occurs at the Edge of
#    Stability*, ICLR 2021, arXiv:2103.00065.
# 7. Priya Goyal and others, *Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour*, 2017,
#    arXiv:1706.02677.
# 8. Samuel L. Smith, Pieter-Jan Kindermans, Chris Ying and Quoc V. Le, *Don't Decay the Learning
#    Rate, Increase the Batch Size*, ICLR 2018, arXiv:1711.00489.
# 9. Daniel Han and Michael Han, *Bugs in LLM Training: Gradient Accumulation Fix*, Unsloth's blog,
#    October 2024.
