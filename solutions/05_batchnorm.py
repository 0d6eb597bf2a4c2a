# %% [markdown]
# # BatchNorm
#
# **A good start sets the size of every signal once. What if each layer set it anew at every step?**
#
# - **You will** build BatchNorm forward, take it backward the long way and in one line, measure how
#   much wider the range of usable rates becomes, and see where it breaks.
# - **Time**: about 90 minutes.
# - **You need**: [Backprop](02_backprop.ipynb) and [Starting well](03_starting_well.ipynb).

# %% [markdown]
# ## A start does not last
#
# Kaiming's start keeps the spread of the signals level from layer to layer. But then training
# moves the weights. **Predict**: in a network of ten layers, trained for ten epochs, will the
# spread still be level?

# %%
from itertools import pairwise

import numpy as np
from lrcourse import check, fit, load, measure, nn, plots
from lrcourse.optim import SGD

digits = load("digits")


def network(norm, start="kaiming", depth=5, width=32, runs=None, seed=0):
    layers = []
    for fan_in, fan_out in pairwise([64] + [width] * (depth - 1)):
        norms = [nn.BatchNorm(fan_out)] if norm else []
        layers += [nn.Linear(fan_in, fan_out, start), *norms, nn.ReLU()]
    return nn.Network([*layers, nn.Linear(width, 10)], np.random.default_rng(seed), runs)


# %%
lines, plain = {}, network(norm=False, depth=10, width=64)
for when in ("at the start", "after training"):
    rows = measure.layer_statistics(plain, *digits.train)
    spread = [row["deviation"] for row in rows if row["layer"] == "Linear"]
    lines[when] = range(1, 11), spread
    print(f"{when:14} widest {max(spread):.2f}, narrowest {min(spread):.2f}")
    rng = np.random.default_rng(0)
    fit(plain, digits, SGD(), learning_rate=0.1, batch_size=32, epochs=10, rng=rng)
alt = "Spread of each layer's outputs: nearly level at the start, climbing after training."
plots.curves(lines, "layer", "spread of the outputs", log_y=True, alt=alt)

# %% [markdown]
# **What to see.** The level line of the start has become a climb. Whoever learns in layer 10 has
# had to follow what nine layers below did to its inputs.
#
# ## Forward
#
# BatchNorm sits between a linear layer and its ReLU. It looks at one feature at a time, over the
# B examples of the batch, and gives it mean 0 and variance 1. Then it lets the network choose
# another mean and width, with two weights for each feature, $\gamma$ and $\beta$:
#
# $$\mu = \frac1B \sum_i x_i \qquad \sigma^2 = \frac1B \sum_i (x_i - \mu)^2 \qquad
# \hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}} \qquad y_i = \gamma \hat x_i + \beta$$
#
# $\gamma$ begins at 1 and $\beta$ at 0. $\epsilon$ is small, $10^{-5}$, for features that do not
# vary.

# %% [markdown]
# ### Exercise 05.1
# **Forward**
#
# Write `batchnorm_forward`. `x` has shape `(B, features)`, `gamma` and `beta` have shape
# `(1, features)`. The variance is the *biased* one, divided by B, and epsilon stands under the
# root. Return `(y, x_hat, scale)` with $\text{scale} = 1/\sqrt{\sigma^2 + \epsilon}$ of shape
# `(1, features)`. For `x = [[1], [3]]`, gamma 2, beta 5 and epsilon 0 expect `y = [[3], [7]]`,
# `x_hat = [[-1], [1]]` and `scale = [[1]]`.


# %% exercise="05.1"
def batchnorm_forward(x, gamma, beta, epsilon=1e-5):
    r"""Return (y, x_hat, scale) of BatchNorm over the batch, the first axis of x (B, features)."""
    ### BEGIN SOLUTION
    mean, variance = x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)
    scale = 1 / np.sqrt(variance + epsilon)
    x_hat = (x - mean) * scale
    return gamma * x_hat + beta, x_hat, scale
    ### END SOLUTION


# %%
check("05.1")

# %% [markdown]
# From here on we use the package's layer, and let torch judge it. A picture first: three features
# of a batch, raw and normalised. **Predict**: what will be left of their differences?

# %%
import torch

layer = nn.BatchNorm(3)
three = nn.Network([layer], np.random.default_rng(0), dtype=np.float64)
x = np.random.default_rng(1).normal([-4, 3, 6], [1.5, 0.4, 0.8], (500, 3))
y, edges = three.forward(x), np.linspace(-8, 8, 49)
lines = {}
for name, values in (("raw", x), ("normalised", y)):
    for k, feature in enumerate("abc"):
        lines[f"{feature} {name}"] = edges[1:], np.histogram(values[:, k], edges)[0]
torch_layer = torch.nn.BatchNorm1d(3, dtype=torch.float64)
difference = abs(y - torch_layer(torch.tensor(x)).detach().numpy()).max()
print(f"largest difference to torch {difference:.0e}")
alt = "Histograms of three features: raw they differ in place and width, normalised all coincide."
plots.curves(lines, "value", "examples", alt=alt)

# %% [markdown]
# **What to see.** Three raw humps with their own place and width, and three normalised ones on top
# of each other.
#
# ## Backward, the long way
#
# The trap of BatchNorm lies in its gradient. Each $x_i$ acts on $y_i$ directly, but also on $\mu$
# and $\sigma^2$, and through these on *every other* example. Draw each step as a box:
#
#     x ──┬──────────────► centred ──┬─────────────────► x̂ ──► y
#         └──► mean ───────────┘     └──► variance ──► scale ──┘
#
# Walk through it from right to left. Each line below is the local slope of one box. Where a value
# was used twice, two gradients add up; where a mean over the batch was taken, its gradient is
# shared out, 1/B to each.


# %%
def long_way(d_y, x, gamma, epsilon=1e-5):
    B, centred = len(x), x - x.mean(axis=0)
    scale = 1 / np.sqrt((centred**2).mean(axis=0) + epsilon)
    d_x_hat = d_y * gamma
    d_scale = (d_x_hat * centred).sum(axis=0)
    d_variance = d_scale * -(scale**3) / 2
    d_centred = d_x_hat * scale + d_variance * 2 * centred / B
    d_mean = -d_centred.sum(axis=0)
    return d_centred + d_mean / B


# %% [markdown]
# ## In one line
#
# Put the lines into each other. `d_centred` has two parts; summed over the batch, the second
# vanishes, since the centred values sum to 0. With $\text{centred} = \hat x / \text{scale}$ all
# falls into place:
#
# $$d_x = \gamma \cdot \text{scale} \cdot \left( d_y - \overline{d_y}
# - \hat x \, \overline{d_y\, \hat x} \right) \qquad
# d\gamma = \sum_i d_{y,i}\, \hat x_i \qquad d\beta = \sum_i d_{y,i}$$
#
# The bars are means over the batch. Read it so: x cannot move y by moving all examples together,
# nor by stretching them, since BatchNorm undoes both. So these two parts of `d_y` are taken out.

# %% [markdown]
# ### Exercise 05.2
# **Backward in one line**
#
# Write `batchnorm_backward`. `d_y` and `x_hat` have shape `(B, features)`, `scale` and `gamma` have
# shape `(1, features)`, as in exercise 05.1. Return `(d_x, d_gamma, d_beta)`, each shaped like what
# it belongs to, and leave the inputs as they are. For `d_y = [[1], [4], [4]]`,
# `x_hat = [[-1], [0], [1]]`, scale 1 and gamma 2 expect `d_x = [[-2], [2], [0]]`,
# `d_gamma = [[3]]` and `d_beta = [[9]]`.


# %% exercise="05.2"
def batchnorm_backward(d_y, x_hat, scale, gamma):
    r"""Return (d_x, d_gamma, d_beta) of BatchNorm in training; the batch is the first axis."""
    ### BEGIN SOLUTION
    d_gamma = (d_y * x_hat).sum(axis=0, keepdims=True)
    d_beta = d_y.sum(axis=0, keepdims=True)
    B = len(d_y)
    return gamma * scale * (d_y - d_beta / B - x_hat * d_gamma / B), d_gamma, d_beta
    ### END SOLUTION


# %%
check("05.2")

# %% [markdown]
# The proof: the long way, the package's one line, and torch, on the same numbers. Beside them the
# *shortcut*, $\gamma \cdot \text{scale} \cdot d_y$, which takes $\mu$ and $\sigma^2$ for constants.
# Whoever computes them under `torch.no_grad()` gets exactly this. **Predict**: what does each
# column of the right `d_x` sum to? And the shortcut's?

# %%
d_y = np.random.default_rng(2).normal(size=x.shape)
leaf = torch.tensor(x, requires_grad=True)
torch_layer(leaf).backward(torch.tensor(d_y))
right, shortcut = layer.backward(d_y), layer.gamma * layer.scale * d_y
for name, d_x in (("long way", long_way(d_y, x, layer.gamma)), ("one line", right)):
    print(f"{name}: largest difference to torch {abs(d_x - leaf.grad.numpy()).max():.0e}", end="")
    print(f", column sums {abs(d_x.sum(axis=0)).max():.0e}")
print("shortcut: column sums", shortcut.sum(axis=0).round(1))

# %% [markdown]
# **What to see.** Long way, one line and torch agree to the rounding, and the columns of `d_x` sum
# to 0. That is a test worth keeping: the shortcut fails it at a glance. It also says that the bias
# of a linear layer *below* a BatchNorm has no gradient. It does nothing there; many leave it out.
#
# How wrong is the shortcut? It depends. **Predict**: better or worse in large batches?


# %%
def relative_error(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


rng, layer = np.random.default_rng(0), nn.BatchNorm(100)
wide = nn.Network([layer], rng, dtype=np.float64)
for B in (8, 32, 314):
    wide.forward(rng.normal(size=(B, 100)))
    d_y = rng.normal(size=(B, 100))
    right, shortcut = layer.backward(d_y), layer.gamma * layer.scale * d_y
    print(f"random d_y, batch {B:3}: error {relative_error(shortcut, right):.1%}", end="")
    print(f", sqrt(2/(B - 2)) {(2 / (B - 2)) ** 0.5:.1%}")

# %%
deep, (x, labels) = network(norm=True), digits.train
_, d_logits = nn.softmax_cross_entropy(deep.forward(x[:314]), labels[:314])
deep.backward(d_logits)
right = deep.g.copy()
deep.train(False)  # for backward, the statistics are constants now
deep.backward(d_logits)
print(f"the gradient of a network, batch 314: error {relative_error(deep.g, right):.0%}")

# %% [markdown]
# **What to see.** If `d_y` is pure noise, the two directions that the shortcut leaves in are two
# among B: at batch 314 an error of about 8 %, which passes for a rough test. A published course had
# this bug, and a check of its layer against torch found an error of that size. But real gradients
# are not noise: in a network of five layers the error is larger than the gradient itself.
#
# ## Training and evaluation
#
# In training, what the network says about one image depends on the other images of its batch. To
# evaluate, we want an answer that does not. So the layer keeps running means,
#
# $$\text{running} \leftarrow 0.9\, \text{running} + 0.1\, \text{new}$$
#
# of $\mu$ and of the *unbiased* variance $\frac{B}{B-1}\sigma^2$, and uses them to evaluate. So
# does torch, with `momentum=0.1` for the weight of the new value; in Keras `momentum=0.99` is the
# weight of the old.
#
# **Predict**: a trained network is left in training mode by mistake. It reads the test images in
# batches of 32, first shuffled, then sorted by class. What happens to the accuracy?

# %%
x, labels = digits.test
for seed in range(3):
    rng = np.random.default_rng(seed)
    net = network(norm=True, depth=3, seed=seed)
    fit(net, digits, SGD(), learning_rate=0.3, batch_size=32, epochs=6, rng=rng)
    print(f"seed {seed}: evaluating {net.accuracy(x, labels):.0%}; training mode", end="")
    net.train()
    for name, order in (("shuffled", rng.permutation(len(x))), ("sorted", labels.argsort())):
        batches = np.array_split(order, len(x) // 32)
        right = np.concatenate([net.predict(x[batch]) == labels[batch] for batch in batches])
        print(f", {name} {right.mean():.0%}", end="")
    net.train(False)
    print(f"; evaluating again {net.accuracy(x, labels):.0%}")

# %% [markdown]
# **What to see.** On shuffled batches the mistake hardly shows. On sorted ones the accuracy falls
# below a third: if all 32 images are a seven, BatchNorm takes away just what makes them sevens. And
# looking was not harmless. The running means moved with every test batch, and the network that
# comes back is not quite the one that was trained.
#
# ## A layer with three bugs
#
# This layer has $\gamma = 1$ and $\beta = 0$. It goes forward and backward at once, and returns the
# running means as they are afterwards. **Predict**: what is wrong in training, what in evaluation?


# %%
def suspect(x, d_y, running_mean, running_variance, training):
    mean, variance = x.mean(axis=0), x.var(axis=0, ddof=1)
    running_mean = 0.9 * running_mean + 0.1 * mean
    running_variance = 0.9 * running_variance + 0.1 * variance
    if not training:
        mean, variance = running_mean, running_variance
    scale = 1 / np.sqrt(variance + 1e-5)
    return (x - mean) * scale, d_y * scale, running_mean, running_variance


# %%
answer = suspect
x, d_y = np.random.default_rng(3).normal(2, 3, (2, 6, 4))
for training in (True, False):
    judge, leaf = torch.nn.BatchNorm1d(4, dtype=torch.float64), torch.tensor(x, requires_grad=True)
    expected = judge.train(training)(leaf)
    expected.backward(torch.tensor(d_y))
    expected = expected.detach(), leaf.grad, judge.running_mean, judge.running_var
    got = answer(x, d_y, np.zeros(4), np.ones(4), training)
    print("training" if training else "evaluation")
    for name, a, b in zip(("y", "d_x", "mean", "variance"), got, expected, strict=True):
        print(f"  {name}: largest difference to torch {abs(a - b.numpy()).max():.0e}")

# %% [markdown]
# ### Exercise 05.3
# **Find three bugs**
#
# Write `batchnorm_layer`, the suspect without its bugs. `x` and `d_y` have shape `(B, features)`,
# the running means shape `(features,)`; `training` is True or False. Return
# `(y, d_x, running_mean, running_variance)`. Epsilon is 1e-5, the new value's weight 0.1, and the
# inputs stay as they are. To judge your own, begin the cell above with `answer = batchnorm_layer`
# and expect eight differences under 1e-12.


# %% exercise="05.3"
def batchnorm_layer(x, d_y, running_mean, running_variance, training):
    r"""Return (y, d_x, running_mean, running_variance) of BatchNorm with gamma 1 and beta 0."""
    ### BEGIN SOLUTION
    if not training:
        scale = 1 / np.sqrt(running_variance + 1e-5)
        return (x - running_mean) * scale, d_y * scale, running_mean, running_variance
    scale = 1 / np.sqrt(x.var(axis=0) + 1e-5)
    y = (x - x.mean(axis=0)) * scale
    d_x = scale * (d_y - d_y.mean(axis=0) - y * (d_y * y).mean(axis=0))
    running_mean = 0.9 * running_mean + 0.1 * x.mean(axis=0)
    running_variance = 0.9 * running_variance + 0.1 * x.var(axis=0, ddof=1)
    return y, d_x, running_mean, running_variance
    ### END SOLUTION


# %%
check("05.3")

# %% [markdown]
# ## A wider range
#
# Now to the point of it all. Five layers, nine rates from 0.001 to 10, six epochs, two starts, with
# and without BatchNorm, three seeds. The start "normal" is the one with deviation 0.01 that
# chapter 03 found hopeless in deep networks.
#
# **Predict**: which of the four learn, and over which range?

# %%
rates, errors, lengths = np.array([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]), {}, {}
for start in ("kaiming", "normal"):
    for norm in (False, True):
        name, best = f"{start}, {'BatchNorm' if norm else 'without'}", []
        for seed in range(3):
            rng, nine = np.random.default_rng(seed), network(norm, start, runs=9, seed=seed)
            eta = rates[:, None]
            run = fit(nine, digits, SGD(), learning_rate=eta, batch_size=32, epochs=6, rng=rng)
            best.append(np.max([epoch["validation_accuracy"] for epoch in run.epochs], axis=0))
        error = 1 - np.mean(best, axis=0)
        errors[name] = rates, error
        lengths[name] = np.linalg.norm(nine.layers[0].W, axis=(1, 2))
        print(f"{name:18}: {np.sum(error < 0.12)} of 9 rates under 12 %", end="")
        spread = np.std(best, axis=0, ddof=1)[error.argmin()]
        print(f"; best {error.min():.1%} ± {spread:.1%} at {rates[error.argmin()]:g}")
alt = "Validation error against learning rate. With BatchNorm both starts have a wide valley, the "
alt += "normal one over three powers of ten. Without it Kaiming's is narrow; the other has none."
plots.curves(errors, "learning rate", "validation error", log_x=True, alt=alt)

# %% [markdown] claims=["1 0", "4 0", "0 0", "7 0"]
# **What to see.** From Kaiming's start 1 rate of the nine stays under 12 % without BatchNorm, and 4
# do with it. From the hopeless start it is 0 against 7. Why do large rates do no harm? Multiply all
# weights below a BatchNorm by ten: $\hat x$ stays the same.
#
# **Predict**: what happens to the gradient of those weights?

# %%
net = network(norm=True)
lower = net.layers[0]
for factor in (1, 10):
    lower.W *= factor
    loss = net.loss_and_gradient(*digits.train)
    print(f"weights {factor:2} times as long: loss {loss:.4f}", end="")
    print(f", length of their gradient {np.linalg.norm(lower.dW):.4f}")
for rate, length in zip(rates[3:], lengths["kaiming, BatchNorm"][3:], strict=True):
    print(f"trained at {rate:4}: length of layer 1's weights {length:.0f}")

# %% [markdown]
# **What to see.** The loss hardly notices, and the gradient is a tenth. So a step that is too
# large makes the weights long, and long weights turn less at the next steps. The layer slows itself
# down, as the lengths show. Only the last layer has no BatchNorm above it, and at rate 10 it gives
# way. This also says why the valley of the start "normal" lies farther left: its weights are short,
# and the same step turns them more.
#
# In the lab, find a rate at which only the network with BatchNorm learns. **Predict**: on which
# side of the valley will it be? Then try the initialization "normal".

# %%
from lrcourse import labs

labs.batchnorm()

# %% [markdown]
# **What to see.** Beyond the cliff of the plain network lies a stretch where only BatchNorm learns.
# From the start "normal" the plain network learns at no rate.
#
# ## Small batches
#
# A mean over a few examples is a poor mean. **Predict**: what will $\hat x$ be in a batch of 2?
# What gradient reaches the layer below? And what does the layer say to a batch of 1?

# %%
pairs = np.array([[1.0, 5.0, -2.0], [2.0, 9.0, -300.0]])
print(three.forward(pairs).round(2))
d_x = three.layers[0].backward(np.array([[0.3, -2.0, 1.0], [1.7, 0.4, 5.0]]))
print(f"largest entry of d_x: {abs(d_x).max():.0e}")
try:
    three.forward(pairs[:1])
except ValueError as error:
    print(error)

# %% [markdown]
# **What to see.** Gaps of 1, 4 and 298 all come out as 2. The larger value is 1 and the smaller
# -1, whatever they are, so nudging them changes nothing: but for epsilon, the gradient below is 0.
# In the one line for `d_x`, two directions are taken out, and with two examples there are no more.
# A single example minus its own mean is always 0, so the layer refuses, as torch's does.
#
# Does that hurt? Three layers, two epochs, five rates from 0.003 to 0.3, three seeds, judged in
# evaluation mode. **Predict**: at which batch sizes does BatchNorm help, and where does it harm?

# %%
some = digits.train.x[:1280], digits.train.y[:1280]
five = np.array([0.003, 0.01, 0.03, 0.1, 0.3])[:, None]
for norm in (False, True):
    for B in (2, 4, 8, 32):
        found = []
        for seed in range(3):
            net, rng = network(norm, depth=3, runs=5, seed=seed), np.random.default_rng(seed)
            fit(net, some, SGD(), learning_rate=five, batch_size=B, epochs=2, rng=rng)
            found.append(1 - net.accuracy(*digits.validation))
        error, spread = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
        best = error.argmin()
        print(f"{'BatchNorm' if norm else 'without':9} batch {B:2}: {error[best]:.1%}", end="")
        print(f" ± {spread[best]:.1%} at its best rate, {five[best, 0]}")

# %% [markdown]
# **What to see.** At 32 and 8 BatchNorm is ahead, at 4 the two are even within the spread, and at 2
# it is far behind at any rate. There the layers below a BatchNorm get next to no gradient, and the
# running statistics describe another function than the one that was trained. Where batches must be
# small, people normalise over something else: the features of one example, or groups of them.
#
# ## What we learnt
#
# - BatchNorm sets mean and width of every feature at every step, and learns which ones to use.
# - Its gradient goes through mean and variance too. Columns of `d_x` that do not sum to 0 betray
#   the shortcut.
# - Biased variance to normalise, unbiased in the running mean; batch statistics to train, running
#   ones to evaluate.
# - It widens the range of rates that work and forgives a bad start. Compare methods over that
#   range, never at one rate.
# - It needs batches of some size, and fails silently at 2.
#
# **Next**: [Batches](06_batches.ipynb). How large should a batch be, and how does the rate follow?
#
# ## Further reading
#
# - Ioffe & Szegedy 2015, *Batch normalization: accelerating deep network training by reducing
#   internal covariate shift*, ICML, arXiv:1502.03167: algorithms 1 and 2.
# - Santurkar, Tsipras, Ilyas & Madry 2018, *How does batch normalization help optimization?*,
#   NeurIPS, arXiv:1805.11604, which doubts the reason given in the title above.
# - Bjorck, Gomes, Selman & Weinberger 2018, *Understanding batch normalization*, NeurIPS,
#   arXiv:1806.02375: larger learning rates.
# - van Laarhoven 2017, *L2 regularization versus batch and weight normalization*,
#   arXiv:1706.05350: long weights, small steps.
# - Wu & He 2018, *Group normalization*, ECCV, arXiv:1803.08494: small batches.
