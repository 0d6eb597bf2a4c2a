# %% [markdown]
# # A rate for each layer
#
# **In a deep network the lower layers get gradients a hundred times smaller than the upper ones.
# Should each layer have a rate of its own, the larger the smaller its gradient?**
#
# - **You will** measure gradients layer by layer, build a published rule on top of SGD, Nesterov
#   and AdaGrad, and find out with one simple control what it really does.
# - **Time**: about 55 minutes.
# - **You need**: [Starting well](03_starting_well.ipynb) for gradients that vanish,
#   [Momentum](09_momentum.ipynb) and [Adaptive rates](10_adaptive_rates.ipynb).

# %% [markdown]
# ## Layer by layer
#
# Chapter 03 cured vanishing gradients at the root, with a good start and ReLU. The paper of this
# chapter [1] treats the symptom: it leaves the network alone and gives the starved layers a larger
# rate.
#
# Let us look at the patient. A deep sigmoid network of five layers on the clothes, shrunk to 14 by
# 14 pixels. **Predict**: how many times larger is the gradient of the top layer than that of the
# bottom layer? (By *layer* we mean weights and bias together, by *gradient* the length of that
# vector, for one batch.)

# %%
from dataclasses import replace
from itertools import pairwise
import numpy as np
from lrcourse import check, fit, load, measure, nn, plots
from lrcourse.optim import SGD, AdaGrad, LayerwiseRate, Nesterov, multiplier


def shrink(split):
    x = split.x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return split._replace(x=x.reshape(-1, 196))


data = load("fashion-mini")
parts = {name: shrink(getattr(data, name)) for name in ("train", "validation", "test")}
data = replace(data, image_shape=(14, 14), **parts)


# %%
def build(kind, seed, runs=None):
    depth, start = (4, "xavier") if kind is nn.Sigmoid else (2, "kaiming")
    layers = []
    for fan_in, fan_out in pairwise([196, *[32] * depth, 10]):
        layers += [nn.Linear(fan_in, fan_out, start), kind()]
    return nn.Network(layers[:-1], np.random.default_rng(seed), runs)


rows = measure.layer_statistics(build(nn.Sigmoid, 0), data.train.x[:64], data.train.y[:64])
norms = np.array([row["gradient_norm"] for row in rows if "gradient_norm" in row])
for number, norm in enumerate(norms, start=1):
    print(f"layer {number}: length of the gradient {norm:.4f}")
print(f"largest over smallest: {norms.max() / norms.min():.0f}")

# %% [markdown] claims=["0.01 0.001", "0.93 0.01", "91 1"]
# **What to see.** From 0.93 in the top layer down to 0.01 in the bottom one, a factor of 91. With
# one rate for all, the bottom layer takes steps about a hundredth as long.
#
# ## The rule
#
# The paper multiplies the rate of layer $l$ by
#
# $$m_l = 1 + \ln\left(1 + \frac{1}{\lVert g_l \rVert}\right)$$
#
# A large gradient gives $m \approx 1$, a small one gives more. **Predict**: the five norms above
# are spread a hundredfold. How far will the five multipliers be spread?
#
# One point needs care. For $\lVert g_l \rVert = 0$ the formula divides by zero. And yet the *step*
# $m_l g_l$ is harmless, for $x \ln(1/x)$ goes to 0 with x. So any finite $m$ will do there.

# %% [markdown]
# ### Exercise 12.1
# **The multiplier**
#
# Write `layer_multiplier` for an array `g`, the gradient of one layer, of any shape. The norm is
# the root of the sum of *all* its squares, and $\ln$ is the natural logarithm. Return one number;
# where all of `g` is 0, return 1. For `g = [3, 4]` expect 1.1823, and for `[0.06, 0.08]` expect
# 3.3979.


# %% exercise="12.1"
def layer_multiplier(g):
    r"""Return m = 1 + ln(1 + 1/norm), a number; 1 where the norm is 0."""
    ### BEGIN SOLUTION
    norm = np.sqrt((g**2).sum())
    return 1 + np.log1p(1 / norm) if norm > 0 else 1.0
    ### END SOLUTION


# %%
check("12.1")

# %% [markdown]
# In the package `multiplier` takes the norm itself. It computes $1 + \ln(1+n) - \ln n$, the same
# without a division, so that a tiny norm cannot overflow. Now both lines in one figure.

# %%
layer, multipliers = np.arange(1, 6), multiplier(norms)
lines = {"length of the gradient": (layer, norms), "multiplier": (layer, multipliers)}
alt = "Log axis: the gradient climbs from 0.01 to 0.9 over five layers, the multiplier falls a bit."
plots.curves(lines, "layer", "gradient, multiplier", log_y=True, alt=alt)
print("multipliers", multipliers.round(2))
print(f"largest over smallest: {multipliers.max() / multipliers.min():.1f}")
steps = norms * multipliers
print(f"steps, largest over smallest: {steps.max() / steps.min():.0f}")

# %% [markdown] claims=["3.2 0.1", "5.59 0.05", "1.73 0.02", "28 1"]
# **What to see.** A hundredfold spread of norms becomes a threefold spread of multipliers, from
# 5.59 to 1.73. It is the logarithm that does it. The steps of top and bottom layer still differ by
# a factor of 28. So the rule does not even out the layers; it nudges them.
#
# But look at the numbers again. **Every one of them is above 1.** Even the top layer gets 1.7 times
# the rate. Keep that in mind.
#
# ## On top of any rule
#
# Where must $m_l$ go? Into the *rate* of the layer, and nowhere else:
#
# | rule | step of layer $l$ |
# |---|---|
# | SGD | $w \leftarrow w - \eta m_l\, g$ |
# | momentum, Nesterov | $v \leftarrow \mu v - \eta m_l\, g$, then as ever |
# | AdaGrad | $S \leftarrow S + g^2$ and $w \leftarrow w - \eta m_l\, g / (\sqrt S + \epsilon)$ |
#
# For the first two, with the rate inside the velocity, you may as well scale the gradient. For
# AdaGrad you may not. **Predict**: what happens if the *scaled* gradient goes into $S$?
#
# Here is a layer-wise AdaGrad, written in a hurry. It has two bugs. The second one comes straight
# from the paper: its equation 10 takes the layer's rate, which already contains $m_l$, and
# multiplies it by $m_l$ once more.


# %%
def hasty_step(w, S, g, learning_rate, layers, epsilon=1e-8):
    w, S = w.copy(), S.copy()
    for layer in layers:
        m = multiplier(float(np.linalg.norm(g[layer])))
        rate, scaled = learning_rate * m, m * g[layer]
        S[layer] += scaled**2
        w[layer] -= rate * scaled / (np.sqrt(S[layer]) + epsilon)
    return w, S


layers = [slice(0, 2), slice(2, 3)]
print(*hasty_step(np.zeros(3), np.zeros(3), np.array([3.0, 4.0, 0.1]), 0.1, layers))

# %% [markdown]
# ### Exercise 12.2
# **Find two bugs**
#
# Write `adagrad_step` without them. `w`, `S` and `g` have the shape (P,); `layers` is a list of
# slices that cover it. $\epsilon$ stands outside the root. Return new arrays `(w, S)`, leave the
# inputs as they are, and use a norm that is never 0. For the call above expect
# `w` = −0.1182, −0.1182, −0.3398 and `S` = 9, 16, 0.01.


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
# In the hasty first step $m$ cancelled between $g$ and $\sqrt S$, and the second bug put it back:
# the first `w` came out right, only `S` was wrong. Later steps remember every old multiplier.
#
# The package's `LayerwiseRate` wraps any rule. torch has no such thing, but it has a learning rate
# for each parameter *group*. One group for each layer, its `lr` set before every step: is that the
# same?

# %%
import torch

rng, layers = np.random.default_rng(0), [slice(0, 4), slice(4, 5)]
parts = [nn.Part("0.W", layers[0], (4, 1)), nn.Part("1.W", layers[1], (1, 1))]
for rule, theirs in ((SGD(), torch.optim.SGD), (AdaGrad(), torch.optim.Adagrad)):
    w, judged = np.zeros(5), [torch.zeros(size, dtype=torch.float64) for size in (4, 1)]
    optimizer, ours = theirs([{"params": [p]} for p in judged]), LayerwiseRate(rule, parts)
    for _ in range(60):
        g = rng.normal(size=5) * rng.choice([0.01, 1.0])
        ours.step(w, g, 0.1)
        for p, layer, group in zip(judged, layers, optimizer.param_groups, strict=True):
            p.grad = torch.tensor(g[layer])
            group["lr"] = 0.1 * multiplier(float(np.linalg.norm(g[layer])))
            group["eps"] = 1e-8
        optimizer.step()
    print(type(rule).__name__, f"at most {abs(w - torch.cat(judged).numpy()).max():.0e} apart")

# %% [markdown]
# The same but for the last rounding.
#
# ## The claim
#
# The paper sets the rule on SGD, Nesterov and AdaGrad, at the *same* rate as the plain rule, and is
# ahead of all three. Let us see. A ReLU network of three layers, two epochs, four rates side by
# side, three seeds. A callback writes down the norms.


# %%
class Norms:
    def on_train_begin(self, run):
        self.norms = []

    def on_batch_end(self, run):
        layers = [layer for layer in run.network.layers if hasattr(layer, "W")]
        self.norms.append(
            [np.linalg.norm(run.network.g[:, layer.slice], axis=1) for layer in layers]
        )


def train(kind, rule, rates, seed, epochs):
    network, record = build(kind, seed, len(rates)), Norms()
    settings = dict(batch_size=64, epochs=epochs, progress=False, callbacks=[record])
    rng = np.random.default_rng(seed)
    history = fit(network, data, rule, learning_rate=rates[:, None], rng=rng, **settings)
    error = 100 - 100 * network.accuracy(*data.validation)
    return error, np.array(history.loss), np.array(record.norms)


def report(name, runs):
    errors = np.array([error for error, _, _ in runs])
    spread = zip(errors.mean(axis=0), errors.std(axis=0, ddof=1), strict=True)
    print(f"{name:15}", "  ".join(f"{mean:4.1f} ± {sd:4.1f}" for mean, sd in spread))
    return errors.mean(axis=0)


# %% [markdown]
# **Predict** from the multipliers above: by how much is the rule ahead at a small rate? And at a
# rate that is already too large?

# %%
rates = np.array([0.01, 0.03, 0.1, 0.3])
plain = [train(nn.ReLU, SGD(), rates, seed, 2) for seed in range(3)]
layerwise = [train(nn.ReLU, LayerwiseRate(SGD()), rates, seed, 2) for seed in range(3)]
print("validation error, %, at", rates)
lines = {"plain": (rates, report("plain", plain))}
lines["layer by layer"] = rates, report("layer by layer", layerwise)
mean = multiplier(layerwise[0][2]).mean(axis=0)
print("mean multiplier of each layer at 0.03:", mean[:, 1].round(2))

# %% [markdown] claims=["41.3 2", "34.0 2"]
# **What to see.** At small rates the rule is clearly ahead: an error of 34.0 instead of 41.3 at
# 0.01. At 0.1 and 0.3 the seeds spread by more than the two differ. So the claim holds, at rates
# that are too small.
#
# Now the last line. All three layers were given about twice the rate. Could *this* be the whole
# effect?
#
# ## The control
#
# A **control** keeps everything but the thing in question: rates that differ from layer to layer
# and from step to step. So we take plain SGD and give it the same rate *on average*: one constant
# rate, $\eta \bar m$, with $\bar m$ the mean of all multipliers that the rule has used. **Predict**
# where its curve will lie.

# %% [markdown]
# ### Exercise 12.3
# **The rates of the control**
#
# Write `control_rates`. `norms` has the shape (steps, layers, K), all positive, for K runs side by
# side; `rates` has the shape (K,). Return, of shape (K,), the rate of each run times the mean of
# *its* multipliers over steps and layers. For one run at rate 0.1 with one layer and two steps,
# norms 0.01 and 1, expect 0.3654.


# %% exercise="12.3"
def control_rates(norms, rates):
    r"""Return rates * (mean over steps and layers of 1 + ln(1 + 1/norm)), shape (K,)."""
    ### BEGIN SOLUTION
    return rates * (1 + np.log1p(1 / norms)).mean(axis=(0, 1))
    ### END SOLUTION


# %%
check("12.3")


# %%
def controlled(kind, rule, rates, epochs, layerwise):
    fair = [rates * multiplier(norms).mean(axis=(0, 1)) for _, _, norms in layerwise]
    return [train(kind, rule(), fair[seed], seed, epochs) for seed in range(3)]


control = controlled(nn.ReLU, SGD, rates, 2, layerwise)
lines["control"] = rates, report("control", control)
alt = "Error against rate: the control lies on the layer-wise rule, until it climbs at the end."
plots.curves(lines, "learning rate", "validation error, %", log_x=True, alt=alt)

# %% [markdown] claims=["34.0 2"]
# **What to see.** The control lies on top of the layer-wise curve: 34.0 at 0.01 for both, and the
# same within the spread at 0.03 and 0.1. Twice the rate for everybody does what the rates for each
# layer did. At the right end, where the steps become too long, the control seems to suffer a
# little more: gradients that grow bring $m$ down, and a constant cannot do that.
#
# Nesterov and AdaGrad, then. **Predict**: the same picture?

# %%
rates = np.array([0.001, 0.003, 0.01, 0.03])
for rule in (Nesterov, AdaGrad):
    print(rule.__name__, "at", rates)
    report("plain", [train(nn.ReLU, rule(), rates, seed, 2) for seed in range(3)])
    layerwise = [train(nn.ReLU, LayerwiseRate(rule()), rates, seed, 2) for seed in range(3)]
    report("layer by layer", layerwise)
    report("control", controlled(nn.ReLU, rule, rates, 2, layerwise))

# %% [markdown] claims=["35.2 1.5", "34.7 1.5", "36.8 2", "36.5 2"]
# **What to see.** The same, twice. At the smallest rate Nesterov's 35.2 meets the control's 34.7,
# AdaGrad's 36.8 meets 36.5, and plain is far behind. At 0.03 all three are alike.
#
# The paper's authors knew one half of it. They write that their rule always raises the rate, and
# for the largest network they begin with a smaller one for that reason. But no plain rule gets the
# larger one.
#
# ## Where it does help
#
# Our ReLU network was healthy: its gradients differed little from layer to layer. Back to the
# patient, the deep sigmoid network. It begins on a plateau: for hundreds of steps its loss stays at
# 2.3, that of a guess. **Predict** whether the control will keep up this time.

# %%
rates = np.array([0.1, 0.3, 1.0, 3.0])
rules = {"plain": SGD, "layer by layer": lambda: LayerwiseRate(SGD())}
runs = {
    name: [train(nn.Sigmoid, rule(), rates, seed, 8) for seed in range(3)]
    for name, rule in rules.items()
}
runs["control"] = controlled(nn.Sigmoid, SGD, rates, 8, runs["layer by layer"])
print("validation error, %, at", rates)
lines = {name: (rates, report(name, three)) for name, three in runs.items()}
alt = "Error against rate: the layer-wise rule has the lowest point and lies left of the others."
plots.curves(lines, "learning rate", "validation error, %", log_x=True, alt=alt)

# %% [markdown] claims=["28.7 3", "38.0 6", "37.4 6"]
# **What to see.** This time they part. At its best rate the rule comes to an error of 28.7, the
# control to 38.0 and plain to 37.4, and those two also depend far more on the seed. How does it do
# that? Look at the loss, and at the multipliers, over time.

# %%
windows = np.arange(1110, step=30)
losses = {n: np.mean([loss[:1110, 1] for _, loss, _ in three], axis=0) for n, three in runs.items()}
means = {name: (windows + 15, loss.reshape(-1, 30).mean(axis=1)) for name, loss in losses.items()}
alt = "Loss against step at rate 0.3: layer by layer leaves the plateau first, plain stays longest."
plots.curves(means, "step", "loss at rate 0.3", alt=alt)
for name, (steps, loss) in means.items():
    print(f"{name:15} below 1.8 from step", *steps[loss < 1.8][:1] if loss.min() < 1.8 else ["-"])
m = multiplier(np.mean([norms for _, _, norms in runs["layer by layer"]], axis=0))[:, :, 1]
for what, part in (("first", m[:50]), ("last", m[-50:])):
    print(f"multipliers, bottom to top, {what} 50 steps:", part.mean(axis=0).round(1))

# %% [markdown] claims=["285 90", "495 150", "6.6 0.5", "2.3 0.4", "2.3 0.3"]
# **What to see.** At rate 0.3 plain never gets below 1.8 in these eight epochs. The control does at
# about step 495, the rule at about 285. On the plateau the gradients are tiny, above all at the
# bottom: multipliers from 6.6 at the bottom to 2.3 at the top. Later all layers are near 2.5, and
# hardly anything differs from layer to layer.
#
# So the rule has two good properties that one constant rate cannot have. It pushes where a network
# is stuck, and the starved layers most; and it lets go afterwards. It does so near *any* point with
# a small gradient, a minimum too. It knows nothing of curvature, though the paper speaks of it: it
# sees the length of the gradient and no more.
#
# The lab has a network of four layers on small digits, with plain SGD and the control beside the
# rule. First reach the goal. Then **predict** for which activation and initialization the solid
# line and the dotted one, the control, will part, and look for it.

# %%
from lrcourse import labs

labs.layers()

# %% [markdown]
# **What to see.** With ReLU and a good start the bars of the rates are nearly level, and the two
# lines are one until the rate is too large for both. With sigmoids the bars climb toward the bottom
# layer. At most rates all three lines then sit on the plateau for all 150 steps; at the largest
# ones the solid line breaks away first.
#
# And with ReLU and Kaiming's start there is no plateau to begin with. A cure at the root beats the
# treatment of a symptom.
#
# ## The whole trial
#
# The package has a larger trial of the paper, with all three rules over more rates, and the saved
# results. The table sets each claim beside what was measured, the control too. A verdict is given
# only where the difference is larger than chance; [chapter 15](15_fair_race.ipynb) builds the rule.
# `lrcourse reproduce layer-rates` runs it again.

# %%
from lrcourse import papers

papers.verdicts("layer-rates")

# %% [markdown]
# ## What we learnt
#
# - Gradients can differ a hundredfold from layer to layer. A logarithm makes a threefold difference
#   of that, and all multipliers are above 1.
# - On a healthy network the rule is a rate about twice as large, for SGD, Nesterov and AdaGrad
#   alike. The control shows it: plain, at the mean rate that the rule has used.
# - On a deep sigmoid network it shortens the plateau at the start, and there it is more than that.
# - A multiplier belongs in the rate, once. It must stay out of AdaGrad's memory.
#
# **Next**: [Same direction, go faster](13_same_direction.ipynb). Another rule that makes
# steps longer, and the same question: longer than what?
#
# ## Further reading
#
# 1. B. Singh, S. De, Y. Zhang, T. Goldstein, G. Taylor, *Layer-Specific Adaptive Learning Rates for
#    Deep Networks*, ICMLA 2015, arXiv:1510.04609: equation 9 is the rule.
# 2. X. Glorot, Y. Bengio, *Understanding the difficulty of training deep feedforward neural
#    networks*, AISTATS 2010: sigmoid networks and their plateau.
# 3. Y. You, I. Gitman, B. Ginsburg, *Large Batch Training of Convolutional Networks*, 2017,
#    arXiv:1708.03888: LARS, a rate for each layer that also looks at the size of the weights.
