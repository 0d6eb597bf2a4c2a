# %% [markdown]
# # Starting well
#
# **Before the first step, every weight needs some value. Does it matter which?**
#
# - **You will** send images through ten layers from four starts, watch what arrives, derive the
#   one start that keeps the signal alive, and measure how gradients vanish on the way back.
# - **Time**: about 75 minutes.
# - **You need**: [Backprop](02_backprop.ipynb), and the variance of a sum of random numbers.

# %% [markdown]
# ## Ten layers
#
# Our network reads digits of 8 by 8 pixels and has ten linear layers, with 64 units in each hidden
# one. `layer_statistics` sends a batch forward and its gradient back, and notes for each layer how
# widely its outputs spread: their standard deviation.
#
# The old habit was to draw all weights from a normal distribution with deviation 0.01, whatever
# the layer. **Predict**: how wide is the spread after one layer? And after ten?

# %%
from itertools import pairwise

import numpy as np
from lrcourse import check, load, measure, nn, plots

digits = load("digits")


def deep_network(start, activation=nn.ReLU, depth=10, runs=None, seed=0):
    layers = []
    for fan_in, fan_out in pairwise([64] * depth + [10]):
        layers += [nn.Linear(fan_in, fan_out, start), activation()]
    return nn.Network(layers[:-1], np.random.default_rng(seed), runs)


def by_layer(network, what):
    rows = measure.layer_statistics(network, *digits.train)
    return [row[what] for row in rows if row["layer"] == "Linear"]


# %%
layers, spreads = range(1, 11), {}
for start in ("zero", "normal", "xavier", "kaiming"):
    spread = by_layer(deep_network(start), "deviation")
    print(f"{start:8} spread after layer 1 {spread[0]:.2g}, after layer 10 {spread[-1]:.2g}")
    if start != "zero":
        spreads[start] = layers, spread
alt = "Spread of the outputs against the layer, on a log axis: the plain normal start falls by "
alt += "twelve powers of ten, Xavier's falls gently, Kaiming's stays level."
plots.curves(spreads, "layer", "spread of the outputs", log_y=True, alt=alt)

# %% [markdown] claims=["1.5e-13 1e-14", "0.44 0.02", "0.018 0.002"]
# **What to see.** The plain start divides the signal by about 18 at every layer, and 1.5e-13 is
# left. All images look the same from up there. Xavier's start loses much less and ends at 0.018.
# Kaiming's is level: 0.44 after ten layers. The three differ in nothing but one factor.
#
# ## Why not zero?
#
# With zeros nothing gets through at all. But zero itself is not the fault. **Predict**: let all
# weights of each layer have the *same* value, 0.05, and train. How many different hidden units
# does the first layer have afterwards?

# %%
from lrcourse import fit
from lrcourse.optim import SGD

for value in (0.0, 0.05):
    network, rng = deep_network("zero", depth=3), np.random.default_rng(1)
    for layer in network.layers[::2]:
        layer.W[...] = value
    fit(network, digits, SGD(), learning_rate=0.1, batch_size=32, epochs=5, rng=rng)
    W, error = network.layers[0].W, 1 - network.accuracy(*digits.validation)
    moved, different = np.count_nonzero(W - np.float32(value)), len(np.unique(W, axis=1).T)
    print(f"all {value}: {moved} of 4096 weights of layer 1 moved", end="; ")
    print(f"different units: {different} of 64; validation error {error:.0%}")

# %% [markdown] claims=["1 0", "90 0"]
# **What to see.** From zeros no weight of layer 1 ever moves: no gradient reaches it. From 0.05
# most move, but all 64 units compute the same, so they get the same gradient and stay the same for
# ever: 1 unit, 64 times. Random numbers are there to break this symmetry.
#
# ## How wide?
#
# Look at one output of one layer, and let its weights be random with mean 0 and variance v:
#
# $$y = \sum_{k=1}^{\text{fan\_in}} x_k W_k \qquad\qquad
# \overline{y^2} = \text{fan\_in} \cdot v \cdot \overline{x^2}$$
#
# Squares add up and cross terms cancel on average. Then comes ReLU. y is as often negative as
# positive, so it wipes out half of the squares. A layer and its ReLU multiply the mean square by
#
# $$\tfrac12 \, \text{fan\_in} \cdot v$$
#
# To keep it, take $v = 2/\text{fan\_in}$. That is Kaiming's start. Note that the mean *square* of x
# counts, not its variance: after a ReLU, the mean is not 0.
#
# **Predict**: what will the two columns below print for each size?

# %%
rng = np.random.default_rng(0)
for fan_in in (10, 100, 1000):
    x = np.maximum(rng.normal(1, 2, (500, fan_in)), 0)
    y = x @ rng.standard_normal((fan_in, 500))
    kept = np.mean(np.maximum(y, 0) ** 2) / np.mean(y**2)
    print(f"fan_in {fan_in:4}: with v = 1 grows {np.mean(y**2) / np.mean(x**2):.4g} times", end="")
    print(f"; ReLU keeps {kept:.3f}")

# %% [markdown] claims=["0.50 0.02"]
# **What to see.** The first number is about fan_in, the second about 0.50. The experiment agrees
# with the derivation, to the noise of a random draw.
#
# How exact must the 2 be? Let $v = c/\text{fan\_in}$. Fifty layers multiply the mean square by
# $(c/2)^{50}$. **Predict**: does c = 1.6 still do?

# %%
lines = {}
for c in (1.6, 2.0, 2.4):
    rng, h, squares = np.random.default_rng(0), digits.train.x[:200], []
    for fan_in, fan_out in pairwise([64] + [256] * 50):
        y = h @ rng.normal(0, np.sqrt(c / fan_in), (fan_in, fan_out))
        squares.append(np.mean(y**2))
        h = np.maximum(y, 0)
    lines[f"c = {c}"] = range(1, 51), squares
    print(f"c = {c}: 49 more layers multiply by {squares[-1] / squares[0]:.1e}", end="")
    print(f", formula {(c / 2) ** 49:.1e}")
alt = "Mean square by layer, log axis: c = 1.6 falls and c = 2.4 rises steadily, c = 2 stays level."
plots.curves(lines, "layer", "mean square", log_y=True, alt=alt)

# %% [markdown]
# **What to see.** On a log axis each c is a straight line with some wobble: every layer multiplies
# by the same factor. A fifth more or less costs four or five powers of ten. The luck of the draw
# multiplies up as well: here all three end about six times below the formula, which holds on
# average. Wider layers wobble less.

# %% [markdown]
# ### Exercise 03.1
# **Two starts**
#
# Write `kaiming_start` and `xavier_start`. Both draw normal weights with mean 0 in NumPy's layout
# `(fan_in, fan_out)`, from the generator `rng` they are given, as *one* draw of that shape.
#
# $$v_\text{Kaiming} = \frac{2}{\text{fan\_in}} \qquad\qquad
# v_\text{Xavier} = \frac{2}{\text{fan\_in} + \text{fan\_out}}$$
#
# These are variances. For fan_in 8 and fan_out 2 expect *deviations* of 0.5 and 0.447.


# %% exercise="03.1"
def kaiming_start(rng, fan_in, fan_out):
    r"""Return weights (fan_in, fan_out) from a normal distribution, variance 2 / fan_in."""
    ### BEGIN SOLUTION
    return rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in)
    ### END SOLUTION


def xavier_start(rng, fan_in, fan_out):
    r"""Return weights (fan_in, fan_out), normal with variance 2 / (fan_in + fan_out)."""
    ### BEGIN SOLUTION
    return rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / (fan_in + fan_out))
    ### END SOLUTION


# %%
check("03.1")

# %% [markdown]
# ## Two layouts
#
# We write $y = xW + b$ with W of shape (fan_in, fan_out). torch computes $y = xW^\top + b$ and
# keeps W as (fan_out, fan_in): the number of inputs is its *second* size. **Predict**: do the
# package and torch agree? And what does `torch.nn.Linear` do if you ask for nothing?

# %%
import torch

ours = nn.kaiming(np.random.default_rng(0), 784, 200)
layer = torch.nn.Linear(784, 200)
print("layouts: ours", ours.shape, " torch", tuple(layer.weight.shape))
default = layer.weight.std().item()
torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
deviation = layer.weight.std().item()
print(
    f"deviations: ours {ours.std():.4f}, torch {deviation:.4f}, sqrt(2/784) {(2 / 784) ** 0.5:.4f}"
)
print(f"torch's default is {default / deviation:.2f} times as wide")

# %% [markdown] claims=["0.0505 0.0005", "0.41 0.01"]
# **What to see.** Both draw with deviation 0.0505. But by default torch draws 0.41 times as wide.
# In a deep ReLU network that is worth a line of code.
#
# ## Other activations
#
# ReLU keeps half of the mean square. Another function f keeps another share. Let z be standard
# normal; the factor that makes up for f is called its *gain*:
#
# $$\text{gain} = \frac{1}{\sqrt{\overline{f(z)^2}}} \qquad\qquad
# v = \frac{\text{gain}^2}{\text{fan\_in}}$$

# %% [markdown]
# ### Exercise 03.2
# **Measure a gain**
#
# Write `gain`. `f` is a function of an array, `z` an array with many standard normal draws. Return
# one number. For f = ReLU expect about $\sqrt2$. For f(z) = 2z and `z = [1, -1, 3, 1]` expect
# 0.2887, which is $1/\sqrt{12}$.


# %% exercise="03.2"
def gain(f, z):
    r"""Return 1 / sqrt(mean of f(z)^2) over all entries of z."""
    ### BEGIN SOLUTION
    return 1 / np.sqrt(np.mean(f(z) ** 2))
    ### END SOLUTION


# %%
check("03.2")

# %% [markdown]
# torch has a table of gains. If its numbers are exact, gain² times the mean square of f(z) is 1.
# **Predict**: which of the three is only a rule of thumb?

# %%
z = np.random.default_rng(0).standard_normal(10**6)
functions = {
    ("relu",): np.maximum(z, 0),
    ("leaky_relu", 0.2): np.where(z > 0, z, 0.2 * z),
    ("tanh",): np.tanh(z),
}
for name, values in functions.items():
    torch_gain = torch.nn.init.calculate_gain(*name)
    kept = torch_gain**2 * np.mean(values**2)
    print(f"{name[0]:10} torch's gain {torch_gain:.3f}, one layer multiplies by {kept:.3f}")

# %% [markdown] claims=["1.003 0.005", "1.096 0.01"]
# **What to see.** For both rectifiers it is 1.003, and with ever more draws it would be 1. With
# torch's gain for tanh a layer multiplies by 1.096: harmless, since tanh holds back what is large.
#
# ## The way back
#
# A gradient goes back through the same weights: $d_x = d_y W^\top$. Now each entry is a sum over
# *fan_out* terms, and the activation multiplies by its slope. One layer multiplies the spread of
# the gradient by
#
# $$\sqrt{\text{fan\_out} \cdot v \cdot \overline{\text{slope}^2}}$$
#
# ReLU's slope is 1 for half of the entries. The sigmoid's is at most 1/4. Kaiming's start looks at
# the way forward, $2/\text{fan\_in}$; the way back would like $2/\text{fan\_out}$. Xavier takes
# the mean of both, without ReLU's 2. With equal widths all this is the same.
#
# **Predict**: from layer 9 down to layer 1 a gradient passes eight sigmoids. What is left of it?

# %%
norms = {}
for activation, slope in ((nn.ReLU, 0.5**0.5), (nn.Sigmoid, 0.25)):
    for start, v in (("normal", 0.01**2), ("xavier", 1 / 64), ("kaiming", 2 / 64)):
        network = deep_network(start, activation)
        d = by_layer(network, "d_deviation")
        print(f"{activation.__name__:7} {start:7} per layer {(d[0] / d[8]) ** (1 / 8):.3f}", end="")
        print(f", formula {slope * (64 * v) ** 0.5:.3f}; layer 1 over layer 9 {d[0] / d[8]:.0e}")
        if start != "normal":
            norm = by_layer(network, "gradient_norm")
            norms[f"{activation.__name__}, {start}"] = layers, norm
alt = "Length of each layer's gradient, log axis. With ReLU both starts are nearly level; with "
alt += "sigmoid both climb by over four powers of ten from layer 1 to layer 10."
plots.curves(norms, "layer", "length of the gradient", log_y=True, alt=alt)

# %% [markdown] claims=["9e-6 1e-6", "0.993 0.01"]
# **What to see.** This is the *vanishing gradient*. With sigmoids and Xavier's start each layer
# takes away three quarters, and 9e-6 is left after eight of them. One learning rate has to serve
# all: what layer 10 can just bear leaves layer 1 where it is. For that reason Singh and others give
# each layer a rate of its own, in chapter 12. With ReLU and Kaiming's start the factor is 0.993,
# nearly the 1 of the formula.
#
# And a signal that is healthy on the way forward proves nothing about the way back:

# %%
network = deep_network("kaiming", nn.Sigmoid)
spread, norm = by_layer(network, "deviation"), by_layer(network, "gradient_norm")
print(f"spread of the outputs: layer 1 {spread[0]:.2f}, layer 10 {spread[9]:.2f}")
print(f"length of the gradient: layer 1 {norm[0]:.0e}, layer 10 {norm[9]:.0e}")

# %% [markdown]
# ## Does it matter for training?
#
# Never judge at one rate. Here are six, side by side, for ten epochs, over three seeds, and at
# two depths. We compare each run's best epoch on validation images.
#
# **Predict**: which starts learn at depth 10? Does a bad start hurt as much at depth 3?

# %%
rates, errors = np.array([0.003, 0.01, 0.03, 0.1, 0.3, 1.0]), {}


def error_by_rate(start, depth, seed):
    runs, rng = deep_network(start, depth=depth, runs=6, seed=seed), np.random.default_rng(seed)
    record = fit(
        runs, digits, SGD(), learning_rate=rates[:, None], batch_size=32, epochs=10, rng=rng
    )
    return 1 - np.max([epoch["validation_accuracy"] for epoch in record.epochs], axis=0)


# %%
for depth in (3, 10):
    for start in ("normal", "xavier", "kaiming"):
        error = np.array([error_by_rate(start, depth, seed) for seed in range(3)])
        errors[f"{start}, {depth} layers"] = rates, error.mean(axis=0)
        good = np.sum(error.mean(axis=0) < 0.15)
        best = error.mean(axis=0).argmin()
        print(f"depth {depth:2}, {start:7}: best {error[:, best].mean():.1%}", end="")
        print(f" ± {error[:, best].std(ddof=1):.1%} at {rates[best]}; {good} rates under 15 %")
alt = "Validation error against learning rate. At depth 10 the normal start never learns, Xavier "
alt += "a little at 0.1, Kaiming from 0.01 to 0.1. At depth 3 Xavier and Kaiming are much alike."
plots.curves(errors, "learning rate", "validation error", log_x=True, alt=alt)

# %% [markdown]
# **What to see.** With three layers Xavier's and Kaiming's valleys almost coincide, and even the
# plain start begins to learn at a high rate. With ten layers the plain start learns at no rate at
# all. Xavier's is half way after ten epochs, best right at the cliff, and the seeds differ widely.
# Kaiming's learns at three of the six rates. A good start *widens the range of rates that work*,
# and the deeper the network, the more that counts.
#
# Now watch one learn. The network of the lab has three layers and tells two half moons apart. It
# opens with the plain start; leave the rule at SGD, for the others come in chapters 09 and 10.
# Reach the goal. **Predict** first: which of the four starts get there, at some rate? And does a
# smaller batch, which means more steps, save the plain start?

# %%
from lrcourse import labs

labs.classifier(learning_rate=0.1, init="normal")

# %% [markdown]
# **What to see.** From zero and from the plain start no setting of this lab reaches the goal. At
# batch size 32 both stay at a loss of about 0.69, that of tossing a coin, at every rate: layers of
# tiny weights let hardly any signal through, and hardly any gradient back. Batch size 8 makes four
# times as many steps. Then, at rates from 0.25 to 1, the plain start leaves its plateau after ten
# epochs or more, too late. Zero never does.
#
# Kaiming's and Xavier's starts have no plateau. At batch size 32 the rates 0.63 and 1 are enough
# for Kaiming's and not for Xavier's. With three layers, that is nearly all that divides the two.
#
# ## A start with three bugs
#
# This code starts a ReLU network in torch's layout, $y = xW^\top$. **Predict** from the code what
# happens in a network of equal widths, and in one whose widths go up and down.


# %%
def suspect_start(rng, sizes):
    weights = []
    for fan_in, fan_out in pairwise(sizes):
        rng = np.random.default_rng(0)
        W = rng.standard_normal((fan_out, fan_in))
        weights.append(W * 2 / W.shape[0])
    return weights


# %%
answer = suspect_start
for sizes in ([64] * 10, [64, 256, 16, 256, 16, 256, 16, 256, 16, 256]):
    h, spread = digits.train.x, []
    for W in answer(np.random.default_rng(1), sizes):
        spread.append(f"{np.std(h @ W.T):.1g}")
        h = np.maximum(h @ W.T, 0)
    print("spread by layer:", *spread)

# %% [markdown]
# ### Exercise 03.3
# **Find three bugs**
#
# Write `start_weights`, the suspect without its bugs. `sizes` lists the widths from the input to
# the output. Return a list with one array of shape `(fan_out, fan_in)` for each pair of neighbours,
# in order, each one draw from the given `rng`, with Kaiming's variance $2/\text{fan\_in}$. To
# judge your own, run its cell, begin the cell above with `answer = start_weights`, run that again
# and expect all spreads between 0.2 and 1.
#
# One bug hides where all widths are equal, another where you look at a single layer.


# %% exercise="03.3"
def start_weights(rng, sizes):
    r"""Return a list of Kaiming weights in torch's layout, (fan_out, fan_in) for each layer."""
    ### BEGIN SOLUTION
    return [
        rng.standard_normal((fan_out, fan_in)) * np.sqrt(2 / fan_in)
        for fan_in, fan_out in pairwise(sizes)
    ]
    ### END SOLUTION


# %%
check("03.3")

# %% [markdown]
# ## What we learnt
#
# - Random weights break the symmetry between units; equal ones never part.
# - A layer with ReLU multiplies the mean square by ½ · fan_in · v. Variance 2/fan_in makes that 1,
#   and any other factor acts once for every layer.
# - Gradients have their own factor, with fan_out and the slope. With sigmoids it is a quarter, and
#   the first layers get almost nothing.
# - fan_in is W's first size here and its second in torch.
# - A good start widens the range of learning rates that work; the deeper, the more.
#
# **Next**: [ZCA whitening](04_zca_whitening.ipynb). We chose the weights so that signals keep their
# size. But the data themselves can be long and narrow, like the valley of chapter 01.
#
# ## Further reading
#
# - Glorot & Bengio 2010, *Understanding the difficulty of training deep feedforward neural
#   networks*, AISTATS: equation 12 is Xavier's start.
# - He, Zhang, Ren & Sun 2015, *Delving deep into rectifiers*, ICCV, arXiv:1502.01852: equation 10,
#   and why fan_in alone is enough.
# - Hochreiter 1991, *Untersuchungen zu dynamischen neuronalen Netzen*, diploma thesis, TU München:
#   the vanishing gradient, first seen.
# - Singh, De, Zhang, Goldstein & Taylor 2015, *Layer-specific adaptive learning rates for deep
#   networks*, arXiv:1510.04609.
# - Mishkin & Matas 2016, *All you need is a good init*, ICLR, arXiv:1511.06422: measure the factor
#   and divide by it, as in exercise 03.2.
