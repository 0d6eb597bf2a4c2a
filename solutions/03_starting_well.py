# %% [markdown]
# # Starting well
#
# **Before the first step, every weight needs some value. Does it matter which?**
#
# - **You will** send images through ten layers from three initializations, derive the one that
#   keeps the signal alive, measure how gradients vanish on the way back, and tune an initialization
#   for ten layers of sigmoids.
# - **Time**: about 90 minutes.
# - **You need**: [Backprop](02_backprop.ipynb), and the variance of a sum of random numbers.

# %% [markdown]
# ## Ten layers
#
# The values of the weights before the first step are the network's *initialization*, or its *start*
# for short. Our network reads digits of 8 by 8 pixels. It has ten linear layers, with 64 units in
# each hidden one and a ReLU after it. All biases begin at 0.
#
# `layer_statistics` sends a batch forward and its gradient back, and keeps for each layer the
# outputs `y` and the gradient there, `d_y`. The *spread* is their standard deviation over all
# images and units. We print mean ± standard deviation of five draws of the weights.
#
# The *plain start*, "normal" below, draws all weights from a normal distribution with standard
# deviation 0.01, as AlexNet, a famous network for photographs, did in 2012. Beside it come two that
# this chapter explains: Xavier Glorot's and Kaiming He's.
#
# **Predict**, for the plain start: by how much does one layer multiply the spread of the layer
# before? Each output is a sum over 64 inputs, each times a random number.

# %%
from itertools import pairwise

import numpy as np
from lrcourse import check, guess, load, measure, nn, outcome, plots, tally, whose, yours
from lrcourse.browser import IN_BROWSER

digits = load("digits")
starts = {"normal": nn.normal, "Xavier": nn.xavier, "Kaiming": nn.kaiming}


def deep_network(start, activation=nn.ReLU, depth=10, runs=None, seed=0, width=64):
    layers, rng = [], np.random.default_rng(seed)
    for sizes in pairwise([64] + [width] * (depth - 1) + [10]):
        layers += [nn.Linear(*sizes), activation()]
    network = nn.Network(layers[:-1], rng, runs, np.float64 if runs is None else np.float32)
    for layer in network.layers[::2]:
        layer.W[...] = start(rng, layer.fan_in, layer.fan_out)
    return network


# %%
def by_layer(network, what="y"):
    rows = measure.layer_statistics(network, *digits.train)
    return [row[what] for row in rows if row["layer"] == "Linear"]


def five_draws(start, activation=nn.ReLU, what="y", spread=np.std, width=64):
    networks = [deep_network(start, activation, seed=seed, width=width) for seed in range(5)]
    return np.array([[spread(v) for v in by_layer(each, what)] for each in networks]).T


def text(values):
    return f"{np.mean(values):.2g} ± {np.std(values, ddof=1):.1g}"


# %%
guess("03.a", "Standard deviation 0.01: a layer multiplies the spread by about", within=1.5)

# %%
lines = {}
for name, start in starts.items():
    spread = five_draws(start)
    lines[name], factor = (range(1, 11), spread), (spread[9] / spread[0]) ** (1 / 9)
    print(f"{name}: spread in layer 1 {text(spread[0])}; in layer 10 {text(spread[9])}", end="")
    print(f"; each layer times {text(factor)}")
alt = "Spread of the outputs against the layer for three initializations, on a log axis."
plots.response(lines, "layer", "spread of the outputs", log_x=False, log_y=True, alt=alt)
shown = 1, 4, 7, 10
outputs = {name: by_layer(deep_network(start)) for name, start in starts.items()}
alt = "Histograms of the outputs of four layers, in a row for each of three initializations."
plots.histograms(outputs, shown, alt=alt)
outcome("03.a", np.mean(lines["normal"][1][9] / lines["normal"][1][0]) ** (1 / 9))

# %% [markdown] claims=["normal: spread in layer 1[6]: 0.057 0.0005", "normal: spread in layer 1[4]: 2.4e-13 5e-15", "Xavier: spread in layer 1[6]: 0.73 0.005", "Xavier: spread in layer 1[6] < Kaiming: spread in layer 1[6] by 0.1"]
# <details><summary>What to see</summary>
#
# With the plain start a layer leaves 0.057 of the spread, and 2.4e-13 is what comes out of the
# tenth. Xavier's leaves 0.73, Kaiming's all of it, to within the luck of the draw. In the
# histograms, each row on one scale, the first row shrinks to a needle and the second narrows.
#
# </details>
#
# ## Why not zero?
#
# If small weights are bad, zeros are worse. But is it the size? Let all weights be 0, then 0.05,
# then 0.05 with random numbers added, and train. In which of the three do the hidden units of a
# layer end up different from each other?

# %%
from lrcourse import fit
from lrcourse.optim import SGD

setting = {"learning_rate": 0.1, "batch_size": 32, "progress": False}
for value, noise in ((0, 0), (0.05, 0), (0.05, 0.05)):
    network, rng = deep_network(nn.zero, depth=3), np.random.default_rng(1)
    for layer in network.layers[::2]:
        layer.W[...] = value + noise * rng.standard_normal(layer.W.shape)
    before = network.layers[0].W.copy()
    fit(network, digits, SGD(), epochs=5, rng=rng, **setting)
    W, error = network.layers[0].W, 1 - network.accuracy(*digits.validation)
    moved, apart = abs(W - before).max(), np.ptp(W, axis=1).max()
    print(f"{value} and {noise} random: layer 1 moved by up to {moved:.2g}", end="; ")
    print(f"its units differ by up to {apart:.1g}; validation error {error:.0%}")

# %% [markdown] claims=["0.05 and 0.05 random[4] < 0.05 and 0 random[4] by 20"]
# <details><summary>What to see</summary>
#
# From zeros no weight of layer 1 ever moves: no gradient reaches it. From 0.05 they move, but all
# 64 units compute the same, so they get the same gradient and stay the same, to the rounding: one
# unit, 64 times. With random numbers on top the units differ, and the error falls much lower. They
# *break the symmetry*.
#
# </details>
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
# To keep it, take $v = 2/\text{fan\_in}$. That is Kaiming He's initialization. Note that the mean
# *square* of x counts, not its variance: after a ReLU, the mean is not 0.
#
# How exact must the 2 be? Let $v = c/\text{fan\_in}$. From layer 1 to layer 50 the mean square is
# multiplied by $(c/2)^{49}$. **Predict**: what does c = 1.6 leave? And how far does a single draw
# differ from that?

# %%
guess("03.b", "c = 1.6: 49 layers multiply the mean square by", within=10)


# %%
def squares_by_layer(c, f, seed, depth=50):
    rng, h, squares = np.random.default_rng(seed), digits.train.x[:200], []
    for fan_in, fan_out in pairwise([64] + [256] * depth):
        y = h @ rng.normal(0, np.sqrt(c / fan_in), (fan_in, fan_out))
        squares.append(np.mean(y**2))
        h = f(y)
    return squares / squares[0]


def relu(y):
    return np.maximum(y, 0)


lines = {}
for c in (1.6, 2.0, 2.4):
    squares = np.array([squares_by_layer(c, relu, seed) for seed in range(10)]).T
    lines[f"c = {c}"] = range(1, 51), squares
    low, middle, high = np.quantile(squares[-1], (0, 0.5, 1))
    print(f"c = {c}: 49 layers multiply by {middle:.2g}, from {low:.1g} to {high:.1g}", end="")
    print(f"; formula {(c / 2) ** 49:.2g}")
alt = "Mean square against the layer on a log axis, for three values of c, with bands."
plots.response(lines, "layer", "mean square over layer 1", log_x=False, log_y=True, alt=alt)
outcome("03.b", np.median(lines["c = 1.6"][1][-1]))

# %% [markdown] claims=["c = 2.0: 49 layers multiply by[2]: 0.1 0.05", "c = 1.6: 49 layers multiply by < c = 2.0: 49 layers multiply by by 0.5"]
# <details><summary>What to see</summary>
#
# On a log axis each c is nearly a straight line: every layer multiplies by the same factor. A fifth
# more or less changes the result by about four or five powers of ten. The formula holds on average
# over draws. A single draw of fifty layers may be far below it, for c = 2 at 0.1 in place of 1, as
# the chance of each layer is multiplied, too.
#
# </details>

# %% [markdown]
# ### Exercise 03.1
# **Two initializations**
#
# Write `kaiming` and `xavier`. Both return one draw of normal weights with mean 0, of shape
# `(fan_in, fan_out)`, from the generator `rng` that they are given. Kaiming He's variance is the
# one derived above. Xavier Glorot's is one over the *mean* of fan_in and fan_out; why will become
# clear on the way back.
#
# For fan_in 8 and fan_out 2 expect *standard deviations* of 0.5 and 0.447.


# %% exercise="03.1"
def kaiming(rng, fan_in, fan_out):
    r"""Return normal weights (fan_in, fan_out) that keep the mean square through a ReLU layer."""
    ### BEGIN SOLUTION
    return rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in)
    ### END SOLUTION


def xavier(rng, fan_in, fan_out):
    r"""Return normal weights (fan_in, fan_out), variance 1 over the mean of the two sizes."""
    ### BEGIN SOLUTION
    return rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / (fan_in + fan_out))
    ### END SOLUTION


# %%
check("03.1")

# %% [markdown]
# ## Two layouts
#
# We write $y = xW + b$ with W of shape (fan_in, fan_out). torch computes $y = xW^\top + b$ and
# keeps W as (fan_out, fan_in): the number of inputs is its *second* size. Its `kaiming_normal_`
# knows that. And how wide are the weights of `torch.nn.Linear` if you ask for nothing?

# %%
import torch

ours = nn.kaiming(np.random.default_rng(0), 784, 200)
_, layer = torch.manual_seed(0), torch.nn.Linear(784, 200)
print("shapes: ours", ours.shape, " torch", tuple(layer.weight.shape))
default = layer.weight.std().item()
torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
share = default / layer.weight.std().item()
print(f"standard deviation: ours {ours.std():.4f}, torch {layer.weight.std():.4f}")
print(f"torch's default is {share:.2f} times as wide; ten layers make that {share**10:.1g}")

# %% [markdown] claims=["standard deviation: ours[2]: 0.0505 0.00005", "torch's default is: 0.41 0.005"]
# <details><summary>What to see</summary>
#
# Both draw with standard deviation 0.0505, to within a hundredth of it. But by default torch draws
# 0.41 times as wide, and ten such ReLU layers leave about a ten-thousandth of the signal.
#
# </details>
#
# ## Other activations
#
# ReLU keeps half of the mean square. Another function f keeps another share, and its *gain* makes
# up for that. Let z be standard normal:
#
# $$\text{gain} = \frac{1}{\sqrt{\overline{f(z)^2}}} \qquad\qquad
# v = \frac{\text{gain}^2}{\text{fan\_in}}$$

# %% [markdown]
# ### Exercise 03.2
# **Measure a gain**
#
# Write `gain`. It gets a function `f`, which takes an array and returns one of the same shape, and
# returns one number that is right to within 1 %. How you find it is up to you. For ReLU expect
# about $\sqrt2$, and for $f(z) = 4z - 1.5$ about 0.234.


# %% exercise="03.2"
def gain(f):
    r"""Return 1 / sqrt(mean of f(z)^2) for standard normal z, to within 1 %."""
    ### BEGIN SOLUTION
    z = np.random.default_rng(0).standard_normal(200_000)
    return 1 / np.sqrt(np.mean(f(z) ** 2))
    ### END SOLUTION


# %%
check("03.2")

# %% [markdown]
# torch has a table of gains. With an exact one a layer multiplies the mean square by 1. Which of
# the two below is only a rule of thumb? And what does it do to 50 layers?

# %%
measured = yours("03.2")
for name, f in (("relu", relu), ("tanh", np.tanh)):
    table = torch.nn.init.calculate_gain(name)
    factor = (table / measured(f)) ** 2
    print(f"{name}: torch's gain {table:.3f}; one layer multiplies by {factor:.3f}", end="; ")
    last = [squares_by_layer(table**2, f, seed)[-1] for seed in range(10)]
    print(f"layer 50 has {text(last)} times the mean square of layer 1")

# %% [markdown] claims=["tanh: torch's gain[2]: 1.1 0.05", "tanh: torch's gain[4]: 1.8 0.05"]
# <details><summary>What to see</summary>
#
# For ReLU the factor is 1 to within the measurement. With torch's gain for tanh it is 1.1. The 49
# of them from layer 1 to layer 50 would make more than fifty, but layer 50 has only 1.8 times the
# mean square of layer 1: tanh holds back what is large.
#
# </details>
#
# ## Spread over what?
#
# Sigmoids next, with Kaiming's start. What is left of the spread in layer 10?

# %%
spread = five_draws(nn.kaiming, nn.Sigmoid)
print(f"sigmoids: spread in layer 1 {text(spread[0])}; in layer 10 {text(spread[9])}")

# %% [markdown]
# <details><summary>What to see</summary>
#
# All of it. But this spread was taken over all images *and* units. If each unit had an output of
# its own and kept it whatever the image, the spread would be large, and yet no image could be told
# from another. To see which it is, we need the spread over the images alone.
#
# </details>

# %% [markdown]
# ### Exercise 03.3
# **The spread between images**
#
# Write `spread_between_images`. `y` has shape (images, units). Return one number that says how much
# the outputs differ from one image to the next:
#
# - it is 0 if all images give the same outputs, however different the units are;
# - it stays as it is when each unit gets a constant of its own added;
# - for a single unit it is the standard deviation over the images;
# - for several units it is the root of the *mean of their variances*.
#
# For `y = [[1, 12], [4, 10], [7, 11]]` expect 1.826.


# %% exercise="03.3"
def spread_between_images(y):
    r"""Return the standard deviation over images, as a root mean square over units."""
    ### BEGIN SOLUTION
    return np.sqrt(np.mean(np.var(y, axis=0)))
    ### END SOLUTION


# %%
check("03.3")

# %% [markdown]
# **Predict**: in which of these three networks are the differences between images the smallest
# share of the spread in layer 10?

# %%
networks = {
    "ReLU, normal": (nn.normal, nn.ReLU),
    "ReLU, Kaiming": (nn.kaiming, nn.ReLU),
    "sigmoid, Kaiming": (nn.kaiming, nn.Sigmoid),
}
guess("03.c", "In which do images differ least, as a share of the spread in layer 10?", networks)

# %%
between, lines, shares = yours("03.3"), {}, {}
for name, network in networks.items():
    apart = five_draws(*network, spread=between)
    lines[name], share = (range(1, 11), apart), apart / five_draws(*network)
    shares[name] = share[9].mean()
    print(f"{name}: between images in layer 1 {text(apart[0])}; in layer 10 {text(apart[9])}")
    print(f"{name}: share of the spread in layer 1 {text(share[0])}; in layer 10 {text(share[9])}")
alt = "Spread between images against the layer, on a log axis, for three networks."
plots.response(lines, "layer", "between images", log_x=False, log_y=True, alt=alt)
outputs = by_layer(deep_network(nn.kaiming, nn.Sigmoid))
rows = {"outputs": outputs, "centred": [y - y.mean(axis=0) for y in outputs]}
alt = "Histograms of four layers of sigmoids: the outputs, and below them less the unit's mean."
plots.histograms(rows, shown, alt=alt)
outcome("03.c", min(shares, key=shares.get))

# %% [markdown] claims=["ReLU, Kaiming: share of the spread in layer 1: 0.57 0.005", "ReLU, Kaiming: share of the spread in layer 1[4]: 0.37 0.005", "ReLU, normal: share of the spread in layer 1[4]: 0.37 0.005", "sigmoid, Kaiming: share of the spread in layer 1[4]: 1.8e-05 5e-07"]
# <details><summary>What to see</summary>
#
# With ReLU the share goes from 0.57 to 0.37, the same at both starts: the plain one loses the
# *size* of the signal, not the differences between images. With sigmoids the spread stays, and a
# share of 1.8e-05 is left between images: the lower row of histograms, each unit less its mean over
# the images, is a needle from layer 4 on. The outputs of a sigmoid lie around 0.5, so each unit of
# the next layer sums a constant, much larger than what the image adds. *A healthy spread over
# everything can hide a dead signal.*
#
# </details>
#
# ## The way back
#
# A gradient goes back through the same weights: $d_x = d_y W^\top$. Now each entry is a sum over
# *fan_out* terms, and the activation multiplies by its slope. One layer multiplies the spread of
# the gradient by
#
# $$\sqrt{\text{fan\_out} \cdot v \cdot \overline{\text{slope}^2}}$$
#
# ReLU's slope is 1 for half of the entries. A sigmoid's is 1/4 at most. Kaiming's start looks at
# the way forward, $2/\text{fan\_in}$; the way back would like $2/\text{fan\_out}$. Without ReLU's
# 2, that is $1/\text{fan\_in}$ and $1/\text{fan\_out}$, and Xavier's start lies in between: one
# over the mean of the two.
#
# **Predict**: with Xavier's start, from layer 9 down to layer 1 a gradient passes eight sigmoids.
# What is left of it? And which factor does a layer leave between images, on the way forward?

# %%
guess("03.d", "Sigmoids, Xavier's start: eight layers multiply the gradient by", within=10)

# %%
lines = {}
for activation, slope in ((nn.ReLU, 0.5**0.5), (nn.Sigmoid, 0.25)):
    for name, v in (("normal", 0.01**2), ("Xavier", 1 / 64), ("Kaiming", 2 / 64)):
        label, kind = f"{activation.__name__}, {name}", (starts[name], activation)
        d, apart = five_draws(*kind, "d_y"), five_draws(*kind, spread=between)
        lines[label], eight = (range(1, 11), d), d[0] / d[8]
        back, forward = eight.mean() ** (1 / 8), (apart[8] / apart[0]) ** (1 / 8)
        print(f"{label}: eight layers back {text(eight)}; each {back:.3f}", end="")
        print(f", formula {slope * (64 * v) ** 0.5:.3f}; each forward {forward.mean():.3f}")
alt = "Spread of the gradient at each layer's outputs, log axis, two activations, three starts."
plots.response(lines, "layer", "spread of the gradient", log_x=False, log_y=True, alt=alt)
outcome("03.d", np.mean(lines["Sigmoid, Xavier"][1][0] / lines["Sigmoid, Xavier"][1][8]))

# %% [markdown] claims=["Sigmoid, Xavier: eight layers back: 9.9e-06 5e-08", "Sigmoid, Kaiming: eight layers back[3]: 0.318 0.0005", "Sigmoid, Kaiming: eight layers back[5]: 0.318 0.0005", "Sigmoid, Kaiming: eight layers back[3] < ReLU, Kaiming: eight layers back[3] by 0.5"]
# <details><summary>What to see</summary>
#
# This is the *vanishing gradient*. With sigmoids and Xavier's start each layer takes away three
# quarters, and 9.9e-06 is left after eight of them. One learning rate has to serve all layers: what
# moves layer 9 moves layer 1 a hundred thousand times less.
#
# The factor forward is nearly the factor back: small differences between images and gradients pass
# through the same weights and slopes, so they vanish together. For sigmoids with Kaiming's start
# both are 0.318, below the formula, which takes the largest slope, 1/4, for all.
#
# </details>

# %% [markdown]
# ### Exercise 03.4
# **Wake ten sigmoids**
#
# Find an initialization for ten *sigmoid* layers. Write `sigmoid_variance`, which takes fan_in and
# returns the variance $v$ of the weights. At the start, on average over several draws, the spread
# of the gradient at layer 1 must be between a quarter and four times that at layer 9, with 32 and
# with 256 units in each hidden layer. You know only the largest slope, so the formula does not
# tell. Measure: `five_draws` takes any `start(rng, fan_in, fan_out)`, and a `width`.


# %% exercise="03.4"
def sigmoid_variance(fan_in):
    r"""Return the variance of the weights of a sigmoid layer with fan_in inputs."""
    ### BEGIN SOLUTION
    return 80 / fan_in
    ### END SOLUTION


# %%
check("03.4")

# %% [markdown]
# ## Does it matter for training?
#
# Never judge at one rate. Here are seven, side by side, for ten epochs, over five seeds, and at two
# depths. For each start the rate is chosen on the validation images, and its error is measured on
# the test images. A browser is slower and takes two of the seeds and five of the rates; what we
# say below is about all.
#
# **Predict**: which of the starts normal, Xavier and Kaiming learn anything at depth 10?

# %%
choices = ["Kaiming", "Kaiming and Xavier", "all three"]
guess("03.e", "At depth 10, which get under 50 % validation error at some rate?", choices)

# %%
rates = np.array([0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0])[2 if IN_BROWSER else 0 :]


def compare_starts(starts, depth, activation=nn.ReLU):
    for name, start in starts.items():
        errors, label = [], f"{name}, {depth} layers"
        for seed in range(2 if IN_BROWSER else 5):
            runs = deep_network(start, activation, depth, len(rates), seed)
            eta, rng = {"learning_rate": rates[:, None]}, np.random.default_rng(seed)
            fit(runs, digits, SGD(), epochs=10, rng=rng, **setting | eta)
            errors.append([1 - runs.accuracy(*part) for part in (digits.validation, digits.test)])
        validation, test = np.moveaxis(errors, 0, -1)
        best, good = validation.mean(axis=1).argmin(), np.sum(validation.mean(axis=1) < 0.15)
        print(f"{label}: test error {test[best].mean():.1%} ± {test[best].std(ddof=1):.1%}", end="")
        print(f" at rate {rates[best]:g}; rates under 15 % in validation: {good}")
        yield label, (rates, validation)


# %%
mine = yours("03.1")
three = {"normal": nn.normal, "Xavier": mine.xavier, "Kaiming": mine.kaiming}
lines = dict(compare_starts(three, 3)) | dict(compare_starts(three, 10))
alt = "Validation error against learning rate for three initializations at two depths, with bands."
plots.response(lines, "learning rate", "validation error", alt=alt)
good = [np.any(lines[f"{name}, 10 layers"][1].mean(axis=1) < 0.5) for name in three]
outcome("03.e", choices[sum(good) - 1])

# %% [markdown] claims=["Kaiming, 10 layers: test error < Xavier, 10 layers: test error by 3", "Kaiming, 10 layers: test error[5]: 2 0", "Kaiming, 3 layers: test error[5]: 4 0", "Kaiming, 10 layers: test error < normal, 10 layers: test error by 50"]
# <details><summary>What to see</summary>
#
# With three layers five seeds do not tell Xavier's start from Kaiming's, and the plain one gets
# about half of the digits wrong. With ten layers the plain start learns at no rate. Kaiming's is
# ahead of Xavier's on average, but Xavier's varies much from draw to draw. And fewer rates work:
# for Kaiming's 2 stay under 15 % in place of 4.
#
# </details>
#
# Now ten layers of sigmoids. Does the network learn from Kaiming's start, at any of the rates? And
# from the variance of exercise 03.4?

# %%
variance = yours("03.4")


def awake(rng, fan_in, fan_out):
    return rng.normal(0, np.sqrt(variance(fan_in)), (fan_in, fan_out))


two = {"Kaiming": nn.kaiming, f"{whose('03.4')} of 03.4": awake}
lines = dict(compare_starts(two, 10, nn.Sigmoid))
alt = "Validation error against learning rate for ten sigmoid layers from two initializations."
plots.response(lines, "learning rate", "validation error", alt=alt)

# %% [markdown] claims=["of 03.4, 10 layers: test error < Kaiming, 10 layers: test error by 40"]
# <details><summary>What to see</summary>
#
# From Kaiming's start ten sigmoids learn nothing at any rate. With weights wide enough to let the
# gradient through they do; in our run the test error is 21.0 ± 6.2 %. With ReLU and Kaiming's start
# it was lower on average: what is right for the gradient at the start is not all that training
# needs.
#
# </details>
#
# Now watch one learn. The network of the lab has three layers and tells two half moons apart. Leave
# the rule at SGD, for the others come in chapters 09 and 10. Which of the four starts reach the
# goal, at some rate? And does a smaller batch, which means more steps, save the plain start?

# %%
from lrcourse import labs

labs.classifier(learning_rate=0.1, init="normal")

# %% [markdown]
# <details><summary>What to see</summary>
#
# From zero and from the plain start no setting of this lab reaches the goal. At batch size 32 both
# stay at the loss of tossing a coin, at every rate. Batch size 8 makes four times as many steps.
# Then, at the larger rates, the plain start leaves its plateau after ten epochs or more, too late.
# Zero never does. Kaiming's and Xavier's starts have no plateau.
#
# </details>
#
# ## An initialization with three bugs
#
# This code initializes a ReLU network in torch's layout, $y = xW^\top$. `show_spreads` sends the
# digits through it, once with equal widths, once with widths that go up and down. Read the code
# first: what do you expect?


# %%
def suspect_weights(rng, sizes):
    weights = []
    for fan_in, fan_out in pairwise(sizes):
        rng = np.random.default_rng(0)
        W = rng.standard_normal((fan_out, fan_in))
        weights.append(W * 2 / W.shape[0])
    return weights


def show_spreads(initialize):
    for name, sizes in (("equal", [64] * 10), ("up and down", [64, 256, 16, 256, 16, 256, 16])):
        h, spreads = digits.train.x, []
        for W in initialize(np.random.default_rng(1), sizes):
            y = h @ W.T
            spreads.append(f"{np.std(y):.1g}")
            h = np.maximum(y, 0)
        print(f"{name}: spread by layer", *spreads)


show_spreads(suspect_weights)

# %% [markdown]
# ### Exercise 03.5
# **Find three bugs**
#
# Write `initial_weights`, the suspect without its bugs. `sizes` lists the widths from the input to
# the output. Return a list with one array for each pair of neighbours, in order, each one normal
# draw. The signal must keep its size at all widths, and no layer may resemble another. To judge
# your own, call `show_spreads(initial_weights)` in a new cell below it: all spreads should lie
# between 0.2 and 1.2. That is not enough to pass.


# %% exercise="03.5"
def initial_weights(rng, sizes):
    r"""Return a list of weights in torch's layout, (fan_out, fan_in), for a ReLU network."""
    ### BEGIN SOLUTION
    return [
        rng.standard_normal((fan_out, fan_in)) * np.sqrt(2 / fan_in)
        for fan_in, fan_out in pairwise(sizes)
    ]
    ### END SOLUTION


# %%
check("03.5")

# %%
show_spreads(yours("03.5"))

# %% [markdown]
# ## What we learnt
#
# - Random weights break the symmetry between units; units with equal weights stay equal.
# - A linear layer and its ReLU multiply the mean square by ½ · fan_in · v. Variance 2/fan_in makes
#   that 1 on average, and any other factor acts once for every layer.
# - Look at the spread *between images*. The spread over everything can be large in a network that
#   cannot tell them apart.
# - Differences between images and gradients pass through the same weights and slopes, and vanish
#   together.
# - fan_in is W's first size here and its second in torch.
# - With ten layers the plain start learnt at no rate, and Kaiming's was ahead of Xavier's on
#   average. With three layers our runs did not tell those two apart.
#
# **Next**: [ZCA whitening](04_zca_whitening.ipynb). The data themselves can be long and narrow,
# like the valley of chapter 01.
#
# ## Further reading
#
# - Glorot & Bengio 2010, *Understanding the difficulty of training deep feedforward neural
#   networks*, AISTATS: equation 12 is Xavier's variance.
# - He, Zhang, Ren & Sun 2015, *Delving deep into rectifiers*, ICCV, arXiv:1502.01852: equation 10,
#   and why fan_in alone is enough. Also called *He initialization*; Xavier's, *Glorot
#   initialization*.
# - Hochreiter 1991, *Untersuchungen zu dynamischen neuronalen Netzen*, diploma thesis, TU München:
#   the vanishing gradient, first analysed.
# - Krizhevsky, Sutskever & Hinton 2012, *ImageNet classification with deep convolutional neural
#   networks*, NIPS: section 5, standard deviation 0.01.
# - Schoenholz, Gilmer, Ganguli & Sohl-Dickstein 2017, *Deep information propagation*, ICLR,
#   arXiv:1611.01232: how far differences between inputs travel, and gradients with them.
# - Singh, De, Zhang, Goldstein & Taylor 2015, *Layer-specific adaptive learning rates for deep
#   networks*, ICMLA, arXiv:1510.04609: a rate for each layer, chapter 12.
# - Mishkin & Matas 2016, *All you need is a good init*, ICLR, arXiv:1511.06422: measure the factor
#   and divide by it, as in exercise 03.2.

# %%
tally()
