# %% [markdown]
# # A rate for each layer
#
# **In a deep network the lower layers may get far smaller gradients than the upper ones. Should
# each layer have a rate of its own, the larger the smaller its gradient?**
#
# - **You will** measure gradients and updates layer by layer, correct a published rule, take it
#   apart with three controls, and beat it with five numbers of your own.
# - **Time**: about 80 minutes.
# - **You need**: [Starting well](03_starting_well.ipynb) for gradients that vanish,
#   [Momentum](09_momentum.ipynb) and [Adaptive rates](10_adaptive_rates.ipynb).

# %% [markdown]
# ## Layer by layer
#
# Chapter 03 prevented vanishing gradients, with a good start and ReLU. The paper of this chapter
# [1] leaves the network as it is and gives the layers with small gradients a larger rate.
#
# Our example is a sigmoid network with four hidden layers, on the clothes averaged down to 14 by 14
# pixels. By *layer* we mean its weights and biases together, by *gradient* the length of that
# vector for one batch. **Predict**: how many times larger is the gradient of the top layer than
# that of the bottom layer?

# %%
from lrcourse import guess, outcome, tally

guess("12.a", "Gradient of the top layer over that of the bottom layer", within=2)

# %%
from collections import namedtuple
from itertools import pairwise

import numpy as np
from lrcourse import check, fit, load, nn, plots, whose, yours
from lrcourse.browser import IN_BROWSER
from lrcourse.data import halved
from lrcourse.optim import SGD, AdaGrad, LayerwiseRate, Momentum, multiplier

data = halved(load("fashion-mini"))


# %%
def build(kind, seed, runs=None):
    depth, start = (4, "xavier") if kind is nn.Sigmoid else (2, "kaiming")
    layers = []
    for fan_in, fan_out in pairwise([196, *[32] * depth, 10]):
        layers += [nn.Linear(fan_in, fan_out, start), kind()]
    return nn.Network(layers[:-1], np.random.default_rng(seed), runs)


def slices(network):
    return [layer.slice for layer in network.layers if hasattr(layer, "W")]


network = build(nn.Sigmoid, 0)
network.loss_and_gradient(data.train.x[:64], data.train.y[:64])
norms = np.array([np.linalg.norm(network.g[part]) for part in slices(network)])
weights = np.array([np.linalg.norm(network.w[part]) for part in slices(network)])
for number, (norm, weight) in enumerate(zip(norms, weights, strict=True), start=1):
    print(f"layer {number}: length of the gradient {norm:.4f}, of the weights {weight:.1f}")
print(f"top gradient over bottom gradient: {norms[-1] / norms[0]:.0f}")
outcome("12.a", norms[-1] / norms[0])

# %% [markdown] claims=["layer 1: length of the gradient: 0.0103 0.00005", "layer 5: length of the gradient: 0.932 0.0005", "top gradient over bottom gradient: 91 0.5"]
# <details><summary>What to see</summary>
#
# From 0.932 in the top layer down to 0.0103 in the bottom one, a factor of 91.
#
# </details>
#
# Is 0.01 small? That depends on the weights that it moves. So one looks at the **update ratio**:
# the length of a layer's step over the length of its weights. A rule of thumb [2] wants it near
# 0.001.
#
# ## The rule
#
# The paper multiplies the rate of layer $l$ by a number $m_l$, which it computes from the length
# $\lVert g_l \rVert$ of the layer's gradient alone. Here it is:

# %%
n = np.geomspace(0.001, 1000, 61)
alt = "Log axis of lengths: the multiplier falls in a straight line, bends near 1, then is level."
plots.curves({"": (n, multiplier(n))}, "length of the gradient", "multiplier", log_x=True, alt=alt)
for length in (0.001, 0.1, 1.0, 5.0):
    print(f"length {length}: multiplier {multiplier(length):.4f}")

# %% [markdown] claims=["length 0.001: multiplier: 7.9088 0", "length 0.1: multiplier: 3.3979 0", "length 1.0: multiplier: 1.6931 0", "length 5.0: multiplier: 1.1823 0"]
# ### Exercise 12.1
# **The rule from its picture**
#
# Find the formula. It is made of ones, the length, and one natural logarithm, and it meets all four
# numbers: 7.9088 at the length 0.001, 3.3979 at 0.1, 1.6931 at 1 and 1.1823 at 5. How steep is the
# straight part, and where does the curve end on the right?
#
# Then write `layer_multiplier` for an array `g`, the gradient of one layer, of any shape, without
# `multiplier`. The length is the root of the sum of all squares. Return one number. Where *all* of
# `g` is 0 the formula has no value; no step depends on it there, so return 1.


# %% exercise="12.1"
def layer_multiplier(g):
    r"""Return the multiplier of a layer with the gradient g, a number; 1 where all of g is 0."""
    ### BEGIN SOLUTION
    norm = np.sqrt((g**2).sum())
    return 1 + np.log1p(1 / norm) if norm > 0 else 1.0
    ### END SOLUTION


# %%
check("12.1")

# %% [markdown]
# <details><summary>The formula</summary>
#
# $$m_l = 1 + \ln\left(1 + \frac{1}{\lVert g_l \rVert}\right)$$
#
# The package computes $1 + \ln(1+n) - \ln n$, the same for the length n, so that a tiny one cannot
# overflow.
#
# </details>
#
# The rest of the chapter trains with your multiplier, once it passes. Now the update ratios at rate
# 0.3, without the rule and with it. **Predict**: the largest of the five gradients is 91 times the
# smallest. And the largest multiplier over the smallest?

# %%
guess("12.b", "Largest of the five multipliers over the smallest", within=1.5)

# %%
Layerwise = yours("12.1")
multipliers = multiplier(norms)
layer, ratio = ["1", "2", "3", "4", "5"], 0.3 * norms / weights
lines = {"one rate": (layer, ratio), "a rate for each layer": (layer, multipliers * ratio)}
alt = "Log axis, layers 1 to 5: the update ratio with one rate, and with a rate for each layer."
plots.curves(lines, "layer, bottom to top", "update ratio", log_y=True, alt=alt)
print("multipliers, bottom to top:", *(f"{m:.2f}" for m in multipliers))
print(f"largest over smallest multiplier: {multipliers.max() / multipliers.min():.2f}")
for name, (_, line) in lines.items():
    print(f"top over bottom ratio, {name}: {line[-1] / line[0]:.0f}")
outcome("12.b", multipliers.max() / multipliers.min())

# %% [markdown] claims=["multipliers, bottom to top: 5.59 0.005", "multipliers, bottom to top[5]: 1.73 0.005", "top over bottom ratio, one rate: 177 0.5", "top over bottom ratio, a rate for each layer: 55 0.5"]
# <details><summary>What to see</summary>
#
# The logarithm makes a threefold spread of the hundredfold one: multipliers from
# 5.59 to 1.73. With one rate the update ratio of the top layer is 177 times that of the bottom
# layer, with the rule still 55 times.
#
# </details>
#
# But look at the multipliers again. **Every one of them is above 1**, even that of the top layer,
# whose ratio is the largest already.
#
# ## On top of any rule
#
# Where does $m_l$ belong? In the *rate* of the layer, and nowhere else:
#
# | rule | step of layer $l$ |
# |---|---|
# | SGD | $w \leftarrow w - \eta m_l\, g$ |
# | momentum, Nesterov | $v \leftarrow \mu v - \eta m_l\, g$, then as in chapter 09 |
# | AdaGrad | $S \leftarrow S + g^2$ and $w \leftarrow w - \eta m_l\, g / (\sqrt S + \epsilon)$ |
#
# Here is a layer-wise AdaGrad, written in a hurry. Its first step moves `w` to the very place where
# the table does.


# %%
def hasty_step(w, S, g, learning_rate, layers, epsilon=1e-8):
    w, S = w.copy(), S.copy()
    for layer in layers:
        m = multiplier(float(np.linalg.norm(g[layer])))
        rate, scaled = learning_rate * m, m * g[layer]
        S[layer] += scaled**2
        w[layer] -= rate * scaled / (np.sqrt(S[layer]) + epsilon)
    return w, S


layers, g = [slice(0, 2), slice(2, 3)], np.array([3.0, 4.0, 0.1])
w, S = hasty_step(np.zeros(3), np.zeros(3), g, 0.1, layers)
print("first step: w", w.round(4))
print("then one with three times the gradient: w", hasty_step(w, S, 3 * g, 0.1, layers)[0].round(4))

# %% [markdown]
# ### Exercise 12.2
# **Right once, then wrong**
#
# Find what is wrong with `hasty_step`, and write `adagrad_step` as the table has it. `w`, `S` and
# `g` are arrays of shape (P,); `layers` is a list of slices that cover them. $\epsilon$ stands
# outside the root, and no layer has a gradient of 0. Return new arrays `(w, S)`, and leave the
# inputs as they are. For the two steps above expect `w` = −0.1182, −0.1182, −0.3398, then −0.2190,
# −0.2190, −0.4797.


# %% exercise="12.2"
def adagrad_step(w, S, g, learning_rate, layers, epsilon=1e-8):
    r"""Return (w, S) after one step of AdaGrad with a rate for each layer."""
    ### BEGIN SOLUTION
    w, S = w.copy(), S + g**2
    for layer in layers:
        rate = learning_rate * multiplier(float(np.linalg.norm(g[layer])))
        w[layer] -= rate * g[layer] / (np.sqrt(S[layer]) + epsilon)
    return w, S
    ### END SOLUTION


# %%
check("12.2")

# %% [markdown]
# <details><summary>What was wrong</summary>
#
# There were two bugs, and in the first step they cancel: $m$ drops out of $g / \sqrt S$ where both
# have it, and the second $m$ puts it back. Later steps remember every old multiplier. The double
# $m$ is printed in the paper: its equation 10 takes the layer's rate, which already contains $m_l$,
# times $m_l$ once more.
#
# </details>
#
# The package's `LayerwiseRate` wraps any rule. Torch has no such thing, but it has a learning rate
# for each parameter *group*: one group for each layer, its `lr` set before every step. **Predict**:
# for which of SGD, AdaGrad and momentum is that the same as the table?

# %%
guess("12.c", "For which is it the same?", ["all three", "SGD and AdaGrad", "SGD", "none"])

# %%
import torch

layers = [slice(0, 4), slice(4, 5)]
parts = [nn.Part("0.W", layers[0], (4, 1)), nn.Part("1.W", layers[1], (1, 1))]
twins = {SGD: (torch.optim.SGD, {}), AdaGrad: (torch.optim.Adagrad, {"eps": 1e-8})}
twins[Momentum] = (torch.optim.SGD, {"momentum": 0.9})
gaps = {}
for rule, (twin, setting) in twins.items():
    rng, w, ours = np.random.default_rng(0), np.zeros(5), LayerwiseRate(rule(), parts)
    theirs = [torch.zeros(size, dtype=torch.float64) for size in (4, 1)]
    optimizer = twin([{"params": [p]} for p in theirs], **setting)
    for _ in range(60):
        g = rng.normal(size=5) * rng.choice([0.01, 1.0])
        ours.step(w, g, 0.1)
        for p, part, group in zip(theirs, layers, optimizer.param_groups, strict=True):
            p.grad, group["lr"] = torch.tensor(g[part]), 0.1 * multiplier(np.linalg.norm(g[part]))
        optimizer.step()
    gaps[rule.__name__] = gap = abs(w - torch.cat(theirs).numpy()).max()
    print(f"{rule.__name__}: weights up to {abs(w).max():.1f}, at most {gap:.0e} apart")
same = [name for name, gap in gaps.items() if gap < 1e-9]
outcome("12.c", {3: "all three", 1: same[0], 0: "none"}.get(len(same), " and ".join(same)))

# %% [markdown] claims=["SGD: weights up to[2] < Momentum: weights up to[2] by 1", "AdaGrad: weights up to[2] < Momentum: weights up to[2] by 1"]
# <details><summary>What to see</summary>
#
# For SGD and AdaGrad the two differ by rounding. For momentum they are different
# rules, with very different weights after 60 steps: torch keeps the rate *outside* the velocity, so
# a new multiplier also rescales all old steps in it. There one has to multiply the gradient.
# [Chapter 14](14_your_rules_in_pytorch.ipynb) looks at this closely.
#
# </details>
#
# ## The claim
#
# The paper sets the rule on momentum (which it calls SGD, as Caffe does), Nesterov and AdaGrad, at
# the *same* rate as the plain rule, and reports a gain on all three. Let us see, first on plain
# SGD: a ReLU network with two hidden layers, two epochs, five rates side by side, five seeds.
# `Norms` is a callback that writes down the length of each layer's gradient at each step.


# %%
from lrcourse.exercises.chapter_12 import Norms

Run = namedtuple("Run", "validation test loss norms")  # a column for each rate


def train(kind, rule, rates, seed, epochs):
    network, record, rng = build(kind, seed, len(rates)), Norms(), np.random.default_rng(seed)
    settings = dict(batch_size=64, epochs=epochs, progress=False, callbacks=[record])
    history = fit(network, data.train, rule, learning_rate=rates[:, None], rng=rng, **settings)
    errors = [100 - 100 * network.accuracy(*split) for split in (data.validation, data.test)]
    return Run(*errors, np.array(history.loss), np.array(record.norms))


# %%
from lrcourse.papers import trial


def against(about, a, b):
    pair = [trial.Sample(tuple(map(float, values))) for values in (a, b)]
    print(trial.Comparison(*pair, about=about).show())


def response(runs, rates, alt):
    shown = {"layer by layer": f"layer by layer, {whose('12.1')}"}
    errors = {name: np.transpose([run.test for run in r]) for name, r in runs.items()}
    lines = {shown.get(name, name): (rates, error) for name, error in errors.items()}
    plots.response(lines, "learning rate", "test error, %", alt=alt)


# %% [markdown]
# `against` compares two rules seed by seed, since runs of one seed share start and batches. It
# prints the mean difference and, in brackets, its 95 % confidence interval. If 0 lies inside, the
# seeds do not decide. [Chapter 15](15_fair_race.ipynb) builds it.
#
# **Predict** from the multipliers above: at which rates has the rule the lower mean error?

# %%
guess(
    "12.d", "Where is the rule ahead of plain SGD?", ["at all rates", "at small rates", "nowhere"]
)

# %%
rates = np.array([0.01, 0.03, 0.1, 0.3, 1.0])
runs = {"plain": [train(nn.ReLU, SGD(), rates, seed, 2) for seed in range(5)]}
runs["layer by layer"] = [train(nn.ReLU, Layerwise(SGD()), rates, seed, 2) for seed in range(5)]
gains = []
for k, rate in enumerate(rates):
    rule, plain = ([run.test[k] for run in runs[name]] for name in ("layer by layer", "plain"))
    against(f"the rule against plain at {rate}", rule, plain)
    gains.append(np.mean(plain) - np.mean(rule))
used = multiplier(np.array([run.norms for run in runs["layer by layer"]]))[..., 1]
print("mean multiplier of each layer at 0.03:", used.mean(axis=(0, 1)).round(2))
small = "at small rates" if gains[0] > 0 else "nowhere"
outcome("12.d", "at all rates" if min(gains) > 0 else small)

# %% [markdown] claims=["the rule against plain at 0.01: 35.0 1.6 spread", "the rule against plain at 0.01[4]: 44.1 0.05", "the rule against plain at 0.03: 28.1 2.9 spread", "the rule against plain at 0.03[4]: 31.6 0.05", "the rule against plain at 0.3[4]: 24.5 0.05", "the rule against plain at 0.3: 26.5 2.4 spread", "the rule against plain at 0.3[4] < the rule against plain at 0.3 by 0.5"]
# <details><summary>What to see</summary>
#
# At 0.01 and 0.03 the rule is ahead: an error of 35.0 % instead of 44.1, and 28.1 instead of 31.6;
# 0 lies outside both intervals. At 0.1 the seeds do not decide. At 0.3, its best rate, plain SGD is
# ahead: 24.5 % against 26.5. So the claim holds at rates that are too small.
#
# </details>
#
# Now look at the last line: all three layers got about twice the rate. Could *this* be the whole
# effect?
#
# ## Three controls
#
# A **control** keeps everything but the thing in question. The rule tells *layers* apart, it
# changes from *step* to step, and it steps farther, which a single rate can do as well. So we hand
# SGD the multipliers that the rule has used, but averaged:
#
# - **constant**: one number for the whole run. It only steps farther.
# - **by layer**: a number for each layer, the same at all steps.
# - **by step**: a number for each step, the same for all layers.

# %% [markdown]
# ### Exercise 12.3
# **Three controls**
#
# Write `controls`. `m` has the shape (steps, layers, K): the multipliers of K runs side by side,
# which have nothing to do with each other. Return the tuple `(constant, by_layer, by_step)`, each
# of the shape of `m`, each with the same mean as `m` in every run. For K = 1, two steps and two
# layers, `m` = 4, 2 in the first step and 3, 1 in the second, expect 2.5 everywhere; then 3.5, 1.5
# in both steps; then 3, 3 and 2, 2.


# %% exercise="12.3"
def controls(m):
    r"""Return (constant, by_layer, by_step), each (steps, layers, K): m, averaged in three ways."""
    ### BEGIN SOLUTION
    constant = m.mean(axis=(0, 1), keepdims=True)
    by_layer = m.mean(axis=0, keepdims=True)
    by_step = m.mean(axis=1, keepdims=True)
    return tuple(np.broadcast_to(each, m.shape) for each in (constant, by_layer, by_step))
    ### END SOLUTION


# %%
check("12.3")

# %% [markdown]
# `Scaled(m, sizes)` is SGD with the multipliers of such an array, for layers of these sizes. The
# ReLU network first. **Predict** where the curve of the constant will be.

# %%
where = ["on that of the rule", "between the rule and plain", "on that of plain"]
guess("12.e", "At rate 0.01 the constant is", where)

# %%
from lrcourse.exercises.chapter_12 import Scaled, leaves

three_controls = yours("12.3")


def add_controls(runs, kind, rates, epochs, names=("constant", "by layer", "by step")):
    sizes = [part.stop - part.start for part in slices(build(kind, 0))]
    used = [three_controls(multiplier(run.norms)) for run in runs["layer by layer"]]
    for k, name in enumerate(names):
        rules = [Scaled(three[k], sizes) for three in used]
        runs[name] = [train(kind, rule, rates, seed, epochs) for seed, rule in enumerate(rules)]


add_controls(runs, nn.ReLU, rates, 2, ["constant"])
for k, rate in enumerate(rates):
    pair = [[run.test[k] for run in runs[name]] for name in ("layer by layer", "constant")]
    against(f"the rule against the constant at {rate}", *pair)
alt = "Test error against rate: plain, layer by layer, and the constant control, each with a band."
response(runs, rates, alt)
plain, rule, constant = (np.mean([run.test[0] for run in runs[name]]) for name in runs)
share = (plain - constant) / (plain - rule)  # of the gain at 0.01
outcome("12.e", where[0] if share > 0.8 else where[1] if share > 0.2 else where[2])

# %% [markdown] claims=["the rule against the constant at 0.01: 35.0 1.6 spread", "the rule against the constant at 0.01[4]: 35.1 1.6 spread", "the rule against the constant at 0.3: 26.5 2.4 spread", "the rule against the constant at 0.3[4]: 28.9 1.2 spread", "the rule against the constant at 0.3 < the rule against the constant at 0.3[4] by 0.5"]
# <details><summary>What to see</summary>
#
# At 0.01, where the rule gains nine points over plain, it and its constant are at 35.0 and 35.1 %,
# and the interval leaves room for half a point. Twice the rate for everybody does what the rates
# for each layer did. At 0.3, where steps become too long, the rule is ahead of its constant: 26.5 %
# against 28.9. (A growing gradient brings $m$ down, and a constant cannot follow. That may be why;
# we have not tested it.)
#
# </details>
#
# And AdaGrad, with your step of exercise 12.2? A constant multiplier is just another rate, so any
# rule has this control.

# %%
LayerwiseAdaGrad = yours("12.2")
small_rates = np.array([0.001, 0.03])
rule = [train(nn.ReLU, LayerwiseAdaGrad(), small_rates, seed, 2) for seed in range(5)]
mean = [multiplier(run.norms).mean(axis=(0, 1)) for run in rule]
same = [train(nn.ReLU, AdaGrad(), small_rates * m, seed, 2) for seed, m in enumerate(mean)]
alone = [train(nn.ReLU, AdaGrad(), small_rates, seed, 2) for seed in range(5)]
for k, rate in enumerate(small_rates):
    one, two, three = ([run.test[k] for run in each] for each in (rule, alone, same))
    against(f"AdaGrad at {rate}: the rule against plain", one, two)
    against(f"AdaGrad at {rate}: the rule against the constant", one, three)

# %% [markdown] claims=["AdaGrad at 0.001: the rule against the constant: 37.3 2.9 spread", "AdaGrad at 0.001: the rule against the constant[4]: 36.7 2.6 spread", "AdaGrad at 0.001: the rule against plain[4]: 50.3 3.1 spread"]
# <details><summary>What to see</summary>
#
# At 0.001 rule and constant are at 37.3 and 36.7 %, far below the 50.3 of plain
# AdaGrad. At 0.03 no interval leaves 0 out.
#
# The paper's authors write that their rule always raises the rate, and begin with a smaller one for
# the largest network. But they give no plain rule the larger one.
#
# </details>
#
# ## Where it does help
#
# Back to the deep sigmoid network. It begins on a plateau: for hundreds of steps its loss stays at
# 2.3, that of a guess. We count the steps until the mean loss of 30 batches falls below 1.8, with
# ten seeds. A browser is slower and takes two of them; what we say below is about all ten.
# **Predict**: at rate 0.3, which of the three controls leaves the plateau first?

# %%
names = ("constant", "by layer", "by step")
guess("12.f", "First of the controls to leave the plateau at rate 0.3", names)

# %%
rates, seeds = np.array([0.3, 0.55, 1.0, 1.8, 3.0, 5.5]), range(2 if IN_BROWSER else 10)
deep = {"plain": [train(nn.Sigmoid, SGD(), rates, s, 8) for s in seeds]}
deep["layer by layer"] = [train(nn.Sigmoid, Layerwise(SGD()), rates, s, 8) for s in seeds]

# %%
add_controls(deep, nn.Sigmoid, rates, 8)
steps = {name: [leaves(run.loss[:, 0]) for run in ten] for name, ten in deep.items()}
for name, ten in steps.items():
    print(f"{name} leaves the plateau at step: {trial.Sample(tuple(ten)).show(0)}")
for name in names:
    against(f"steps, the rule against {name}", steps["layer by layer"], steps[name])
for name in names[1:]:
    against(f"steps, {name} against constant", steps[name], steps["constant"])
m = multiplier(np.mean([run.norms for run in deep["layer by layer"]], axis=0))[:, :, 0]
for what, part in (("first", m[:50]), ("last", m[-50:])):
    print(f"multipliers, bottom to top, {what} 50 steps:", part.mean(axis=0).round(1))
outcome("12.f", min(names, key=lambda name: np.mean(steps[name])))

# %% [markdown] claims=["layer by layer leaves the plateau at step:: 280 40 spread", "steps, the rule against constant < steps, the rule against constant[4] by 100", "steps, the rule against by layer < steps, the rule against by layer[4] by 60", "steps, the rule against by step < steps, the rule against by step[4] by 100", "steps, by layer against constant < steps, by layer against constant[4] by 20", "multipliers, bottom to top, first 50 steps: 6.5 0.05", "multipliers, bottom to top, first 50 steps[5]: 2.3 0.05", "multipliers, bottom to top, last 50 steps: 2.4 0.05", "multipliers, bottom to top, last 50 steps[3]: 2.7 0.05"]
# <details><summary>What to see</summary>
#
# With plain SGD some seeds never get off the plateau in these eight epochs. The
# rule does at about step 280, and its constant needs over 100 steps more. So this time it is more
# than a longer step. *By layer* leaves sooner than the constant, *by step* does not, and neither
# keeps up with both together. On the plateau the multipliers go from 6.5 at the bottom to 2.3 at
# the top; at the end all lie between 2.4 and 2.7.
#
# </details>
#
# That was one base rate for all five. And each at its own best? The rate is chosen on the
# validation images, the error is that of the test images.

# %%
best, errors = {}, {}
for name, ten in deep.items():
    best[name] = np.mean([run.validation for run in ten], axis=0).argmin()
    errors[name] = [run.test[best[name]] for run in ten]
for name in ("plain", *names):
    against(f"each at its best, the rule against {name}", errors["layer by layer"], errors[name])
against("each at its best, by layer against constant", errors["by layer"], errors["constant"])
response(deep, rates, "Test error against rate: plain, the rule, its three controls, with bands.")

# %% [markdown] claims=["each at its best, the rule against plain: 32 1.4 spread", "each at its best, the rule against plain[4]: 41 5 spread", "each at its best, the rule against constant[4]: 41 5.4 spread", "each at its best, the rule against by layer[4]: 34.9 2.4 spread", "each at its best, the rule against by step[4]: 42 6.0 spread", "each at its best, the rule against by layer < each at its best, the rule against by layer[4] by 0.5", "each at its best, by layer against constant < each at its best, by layer against constant[4] by 2"]
# <details><summary>What to see</summary>
#
# At its best rate the rule has an error of about 32 %, *by layer* of 34.9, and plain SGD, the
# constant and *by step* of 41 to 42. All intervals leave 0 out, and each best rate has worse ones
# on both sides. Telling the layers apart is most of the gain over the constant; doing so anew each
# step is the rest.
#
# The paper speaks of curvature. The rule sees only how long a gradient is, and lengthens steps
# wherever it is small, near a minimum too.
#
# </details>
#
# ## Beat the rule
#
# What would even the layers out more? You have the update ratio, and `plateau_ends(rates, seed)`,
# which trains this network with five constant rates, bottom to top, or with several rows of five at
# once. It returns the step at which the plateau ends (`inf`: not within 600 steps). Compare with
# the rule at rate 0.55, where it leaves soonest.

# %%
from lrcourse.exercises.chapter_12 import plateau_ends

at_best = [leaves(run.loss[:, 1]) for run in deep["layer by layer"]]
print(f"the rule at rate 0.55, mean of {len(at_best)} seeds: step {np.mean(at_best):.0f}")

# %% [markdown]
# ### Exercise 12.4
# **Beat the rule with five numbers**
#
# Find five rates, bottom to top, with which the network leaves the plateau before step 130 in the
# mean of three seeds that you have not seen. Let `five_rates` return them. Experiment in a cell of
# your own.


# %% exercise="12.4"
def five_rates():
    r"""Return five constant rates, bottom to top."""
    ### BEGIN SOLUTION
    return [25.0, 9.4, 3.5, 1.3, 0.5]
    ### END SOLUTION


# %%
check("12.4")

# %%
found = yours("12.4")()
print("update ratios:", (np.array(found) * norms / weights).round(3))
ends = [float(plateau_ends(found, seed)) for seed in seeds]
against("steps, five rates against the rule at 0.55", ends, at_best)

# %% [markdown] claims=["steps, five rates against the rule at 0.55 < steps, five rates against the rule at 0.55[4] by 60"]
# <details><summary>What to see</summary>
#
# Five rates that even the layers out leave the plateau much sooner than the rule does: the paper's
# idea works here, and its logarithm is too weak for this network. (Whether it also ends lower is
# another question, and the five numbers fit one network and one batch size. References 4 and 5 make
# rules of it.)
#
# </details>
#
# The lab has a network of four layers on digits, with plain SGD and the control beside the rule.
# Reach the goal. Then find an activation and an initialization for which the solid line and the
# dotted one, the control, part.

# %%
from lrcourse import labs

labs.layers()

# %% [markdown]
# <details><summary>What to see</summary>
#
# With ReLU and Kaiming's start there is no plateau, the bars of the rates are nearly level, and the
# two lines are one until the rate is too large for both. With sigmoids the bars climb toward the
# bottom layer. At most rates all three lines then sit on the plateau for all 150 steps; at the
# largest ones the solid line breaks away first.
#
# </details>
#
# ## The whole trial
#
# The package has a larger trial of the paper, with all three rules over more rates. The table sets
# claims and controls beside what was measured. What the seeds do not settle is *undecided*;
# [chapter 15](15_fair_race.ipynb) builds the rule. `lrcourse reproduce layer-rates` runs it again.
#
# The second table is at the paper's own scale: Caffe's LeNet on all of MNIST, 2,000 iterations, ten
# runs of each of three rules, and of the control, plain at the mean rate of the rule.

# %%
from IPython.display import display
from lrcourse import papers

display(papers.verdicts("layer-rates"))
papers.verdicts("layer-rates", scale="own").tested()

# %% [markdown] claims=["layer-specific at 0.02, against plain at 0.02: 17.77 0.92 spread", "layer-specific at 0.02, against plain at 0.02[4]: 19.10 0.61 spread", "layer-specific at 1, against plain at 3: 36.30 0.5 spread", "layer-specific at 1, against plain at 3[4]: 37.34 0.5 spread", "against plain at 2.40 times the rate: 1.26 0.15 spread", "against plain at 2.40 times the rate[4]: 1.54 0.13 spread", "2.19 ± 0.17 (10) against: 2.47 0.22 spread", "1.27 ± 0.14 (10) against: 1.35 0.12 spread"]
# <details><summary>What to see</summary>
#
# On clothes the paper's two claims that could be tested hold at one rate. The controls of momentum
# and Nesterov then do what the rule does; that of AdaGrad is undecided. Each at its own best rate,
# Nesterov gains by the rule, 17.77 % against 19.10, and the other two are undecided. So is the deep
# sigmoid network, 36.30 against 37.34: the trial does not confirm the gain at the end that we found
# above.
#
# On MNIST the rule is ahead of plain early in the run, 2.19 % against 2.47, and the claim holds. At
# the end the two are too close for ten seeds, 1.27 against 1.35. For momentum the control has the
# error of the rule; for Nesterov ten seeds do not decide. For AdaGrad it does not: 1.54 % against
# 1.26. There the rule does more than a larger rate, which our small experiment did not show.
#
# </details>

# %%
tally()

# %% [markdown]
# ## What we learnt
#
# - Gradients can differ a hundredfold from layer to layer. A logarithm makes a threefold difference
#   of that, and all multipliers are above 1.
# - On our ReLU network the rule is a rate about twice as large, for SGD and AdaGrad alike: at small
#   rates its constant does the same. On MNIST it did so for momentum, and not for AdaGrad.
# - On a deep sigmoid network it shortens the plateau, by more than its constant or either half of
#   it. It ended lower in our run; the larger trial leaves that open. Five constant rates that even
#   out the layers shorten the plateau further.
# - A multiplier belongs in the rate, once. It must stay out of AdaGrad's memory, and with momentum
#   a torch group's `lr` is not the place for it.
#
# **Next**: [Same direction, go faster](13_same_direction.ipynb). Another rule that makes
# steps longer, and the same question: longer than what?
#
# ## Further reading
#
# 1. B. Singh, S. De, Y. Zhang, T. Goldstein, G. Taylor, *Layer-Specific Adaptive Learning Rates for
#    Deep Networks*, ICMLA 2015, arXiv:1510.04609: equation 9 is the rule.
# 2. A. Karpathy and others, *CS231n*, course notes, Stanford, 2015 and later, "Neural Networks Part
#    3": the ratio of updates to weights.
# 3. X. Glorot, Y. Bengio, *Understanding the difficulty of training deep feedforward neural
#    networks*, AISTATS 2010: sigmoid networks and their plateau.
# 4. Y. You, I. Gitman, B. Ginsburg, *Large Batch Training of Convolutional Networks*, 2017,
#    arXiv:1708.03888: LARS, whose rate for a layer keeps the update ratio constant; and its
#    counterpart for Adam, LAMB: Y. You and others, *Large Batch Optimization for Deep Learning:
#    Training BERT in 76 Minutes*, ICLR 2020, arXiv:1904.00962.
# 5. G. Yang, E. Hu and others, *Tensor Programs V: Tuning Large Neural Networks via Zero-Shot
#    Hyperparameter Transfer*, NeurIPS 2021, arXiv:2203.03466: rates of layers that follow from
#    their widths.
