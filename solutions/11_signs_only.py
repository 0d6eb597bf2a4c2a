# %% [markdown]
# # Signs only
#
# **Throw away how large a gradient is, and keep only its sign. How far should a weight then step,
# and does that still work when the gradients are noisy?**
#
# - **You will** build Rprop and its heir iRprop-, find out why small batches make their steps
#   collapse, and test a paper that says they beat ordinary steps at large batches.
# - **Time**: about 60 minutes.
# - **You need**: [ZCA](04_zca_whitening.ipynb), [BatchNorm](05_batchnorm.ipynb),
#   [Batches](06_batches.ipynb), and the bell curve.

# %% [markdown]
# ## Sizes mislead
#
# A gradient is steep or shallow for reasons that have little to do with how far it is to the
# minimum. In a valley with curvatures 1 and 100 the steep weight has the larger gradient and should
# take the *smaller* step. And in a deep network, layers differ by decades.
#
# *Rprop* [1] therefore looks at signs. Each weight has its own step size $\Delta$. If the gradient
# g keeps the sign of the last one, G, the step grows by 1.2. If it flips, we have jumped over a
# minimum: the step is halved. Two limits keep it sane:
#
# $$\Delta \leftarrow \begin{cases} \min(1.2\, \Delta,\; \Delta_\text{max}) & g\,G > 0 \\
# \max(0.5\, \Delta,\; \Delta_\text{min}) & g\,G < 0 \\ \Delta & g\,G = 0 \end{cases}
# \qquad w \leftarrow w - \operatorname{sign}(g)\, \Delta \qquad G \leftarrow g$$
#
# **Predict**: in the valley, whose first steps go straight towards the middle, and whose bounce?

# %%
import numpy as np
import torch
from lrcourse import check, fit, load, nn, plots
from lrcourse.optim import SGD, IRpropMinus, Rprop

curvatures = np.array([1.0, 100.0])


def descend(rule, learning_rate, steps=30):
    w = np.array([-2.5, 1.0])
    path = [w.copy()]
    for _ in range(steps):
        rule.step(w, curvatures * w, learning_rate)
        path.append(w.copy())
    return np.array(path)


paths = {"SGD, rate 0.019": descend(SGD(), 0.019), "Rprop": descend(Rprop(initial=0.1), 1.0)}
alt = "A long valley: SGD bounces across it and creeps along; Rprop walks, overshoots, comes back."
plots.path(lambda w: 0.5 * curvatures @ w**2, paths, alt=alt)
for name, path in paths.items():
    print(f"{name}: distance to the middle after 30 steps {np.linalg.norm(path[-1]):.2f}")

# %% [markdown]
# **What to see.** The rate of SGD is set by the steep weight, and the shallow one has to creep.
# Rprop does not know which weight is steep. Both get the same first step, and each then finds a
# size of its own.
#
# ## Forget a flip
#
# After a flip the step is small, and one good gradient later it grows again. But if the next sign
# differs once more, only because we are now back on the first side, it is halved *twice* for one
# overshoot. *iRprop-* [2] forgets: where the sign flips it takes 0 as the gradient. So the weight
# stays where it is for this step, and G = 0 lets $\Delta$ rest in the next:
#
# $$\tilde g = \begin{cases} 0 & g\,G < 0 \\ g & \text{else} \end{cases} \qquad
# w \leftarrow w - \operatorname{sign}(\tilde g)\, \Delta \qquad G \leftarrow \tilde g$$

# %% [markdown]
# ### Exercise 11.1
# **One step of iRprop-**
#
# Write `irprop_step`. All four arrays have one shape; `previous` is G. Factors are 1.2 and 0.5,
# limits 0.001 and 0.006. Compare *signs*: the product of two tiny gradients rounds to 0. Return the
# tuple `(w, delta, previous)` of new arrays and leave the inputs as they are. For `w = [1, 1, 1]`,
# `delta = [0.003, 0.003, 0.003]`, `g = [2, -2, 5]`, `previous = [1, 1, 0]` expect
# `[0.9964, 1, 0.997]`, `[0.0036, 0.0015, 0.003]` and `[2, 0, 5]`.


# %% exercise="11.1"
def irprop_step(w, delta, g, previous):
    r"""Return (w, delta, previous) after one step of iRprop-, limits 0.001 and 0.006."""
    ### BEGIN SOLUTION
    s = np.sign(g) * np.sign(previous)
    delta = np.where(s > 0, np.minimum(1.2 * delta, 0.006), delta)
    delta = np.where(s < 0, np.maximum(0.5 * delta, 0.001), delta)
    g = np.where(s < 0, 0, g)
    return w - np.sign(g) * delta, delta, g
    ### END SOLUTION


# %%
check("11.1")

# %% [markdown]
# Torch calls this rule `Rprop`, and can judge the package's. The paper behind this chapter [3]
# prints yet another order: on a flip it *does* step, with the halved $\Delta$, and forgets only
# then. **Predict** the positions of both variants for the signs +, +, -, -, -.

# %%
gradients = np.random.default_rng(0).normal(size=(60, 5))
w, judged = np.zeros(5), torch.zeros(5, dtype=torch.float64)
limits = dict(lr=0.001, etas=(0.5, 1.2), step_sizes=(0.001, 0.006))
ours, judge = IRpropMinus(), torch.optim.Rprop([judged], **limits)
for g in gradients:
    ours.step(w, g)
    judged.grad = torch.tensor(g)
    judge.step()
print(f"after 60 steps at most {abs(w - judged.numpy()).max():.0e} from torch")

for variant in ("published", "paper"):
    w, rule, places = np.zeros(1), IRpropMinus(initial=0.004, variant=variant), []
    for g in (1.0, 1.0, -1.0, -1.0, -1.0):
        rule.step(w, np.array([g]))
        places.append(f"{1000 * w[0]:.1f}")
    print(f"{variant:9} in thousandths:", ", ".join(places))

# %% [markdown] claims=["-8.8 0.01", "-6.4 0.01"]
# **What to see.** At the third gradient, the flip, the published rule stays at -8.8. The paper's
# turns round at once, to -6.4. Respected libraries have the one or the other. Which is better is a
# question for a run.
#
# ## Noise flips signs too
#
# On the whole data set a flip means: jumped over. On a mini-batch it may mean nothing at all. Let a
# weight's gradient be $g = \mu + \sigma z$, z from the bell curve, and $a = \mu/\sigma$ its signal
# over noise. A sign is right with probability $\Phi(a)$, so two in a row differ with
#
# $$P(\text{flip}) = 2\, \Phi(a)\, \Phi(-a)$$
#
# At a flip $\ln \Delta$ falls by $\ln 2$, else it rises by $\ln 1.2$. That is a bad bargain: one
# flip undoes almost four agreements. **Predict**: which share of flips can Rprop afford before its
# steps shrink? And how much signal over noise does that take?

# %% [markdown]
# ### Exercise 11.2
# **Grow or shrink**
#
# Write `drift`: by how much $\ln \Delta$ changes in one step of Rprop, in the mean, without limits,
# for a number a. `NormalDist().cdf(a)` is $\Phi(a)$. For `a = 0` expect -0.25541, for `a = 2`
# expect 0.14339.

# %%
from statistics import NormalDist


# %% exercise="11.2"
def drift(a):
    r"""Return the mean change of ln(delta) in a step of Rprop at signal over noise a."""
    ### BEGIN SOLUTION
    flip = 2 * NormalDist().cdf(a) * NormalDist().cdf(-a)
    return (1 - flip) * np.log(1.2) - flip * np.log(2)
    ### END SOLUTION


# %%
check("11.2")

# %% [markdown]
# The dice: 20,000 weights with wide limits, 50 steps. And iRprop-, which forgets each flip: does
# that move the point of balance?

# %%
edge = np.log(1.2) / (np.log(1.2) + np.log(2))
print(f"Rprop can afford {edge:.1%} flips")
rng = np.random.default_rng(0)
for a in (0, 0.5, 0.92, 1.18, 2):
    flip = 2 * NormalDist().cdf(a) * NormalDist().cdf(-a)
    print(f"a {a:4}: flips {flip:5.1%}, change of ln(delta) in a step", end="")
    for rule in (Rprop(minimum=1e-30, maximum=1e30), IRpropMinus(minimum=1e-30, maximum=1e30)):
        sizes = []
        for _ in range(50):
            rule.step(np.zeros(20000), a + rng.normal(size=20000))
            sizes.append(np.log(rule.delta).mean())
        change = (sizes[-1] - sizes[9]) / 40
        print(f"  {type(rule).__name__} {change:+.3f}", end="")
    print()

# %% [markdown] claims=["20.8 0.05", "0.0 0.01"]
# **What to see.** Rprop balances at 20.8 % flips, and that takes a signal of 1.18 times the noise.
# Forgetting helps, since a second flip right after the first costs nothing: iRprop- balances at
# about 0.92. Below that, steps shrink until they lie at $\Delta_\text{min}$, whatever the slope.
#
# How much signal has a real weight? The network is that of the paper, made small: images whitened
# by ZCA, Kaiming's start, BatchNorm before each ReLU. The images are 1,280 digits.

# %%
from lrcourse.whitening import ZCA

data = load("digits")
zca = ZCA(epsilon=1e-2).fit(data.train.x)
train = zca.transform(data.train.x)[:1280], data.train.y[:1280]
test = zca.transform(data.test.x), data.test.y


def network(seed, runs=None):
    layers = []
    for fan_in, fan_out in ((64, 64), (64, 32)):
        layers += [nn.Linear(fan_in, fan_out), nn.BatchNorm(fan_out), nn.ReLU()]
    return nn.Network([*layers, nn.Linear(32, 10)], np.random.default_rng(seed), runs=runs)


# %%
student = network(0)
rng = np.random.default_rng(0)
setting = dict(learning_rate=1.0, rng=rng, progress=False)
fit(student, train, IRpropMinus(), batch_size=64, epochs=3, **setting)
student.train()
for batch_size in (32, 256, 1024):
    batches = []
    for _ in range(200):
        batch = rng.integers(len(train[1]), size=batch_size)
        student.loss_and_gradient(train[0][batch], train[1][batch])
        batches.append(student.g.copy())
    ratio = abs(np.mean(batches, axis=0)) / (np.std(batches, axis=0) + 1e-12)
    print(
        f"batch {batch_size:4}: median a {np.median(ratio):.2f}, {(ratio > 0.92).mean():.0%} > 0.92"
    )

# %% [markdown] claims=["14 6", "45 10"]
# **What to see.** With batches of 32 hardly a weight is above the balance; with 256 about one in
# seven, with 1024 not quite half. Noise falls as $1/\sqrt{B}$, so a grows as $\sqrt{B}$.
#
# ## Where the steps pile up
#
# The paper sets $\Delta_\text{min} = 0.001$ and $\Delta_\text{max} = 0.006$. **Predict** the
# histogram of all steps after 8 epochs with batches of 32: at the lower limit, at the upper one, or
# between?

# %%
for batch_size in (32, 256):
    student, rule = network(0), IRpropMinus()
    fit(student, train, rule, batch_size=batch_size, epochs=8, **setting)
    edges = np.array([0, 1.001, 1.5, 2, 3, 4, 5, 5.999, 7])
    shares = np.histogram(1000 * rule.delta, edges)[0] / rule.delta.size
    names = ["min", "to 1.5", "to 2", "to 3", "to 4", "to 5", "to 6", "max"]
    alt = f"Batch size {batch_size}: half of the steps or more at the minimum, few above 2."
    plots.bars(dict(zip(names, shares, strict=True)), "share of the weights", alt=alt)
    print(f"batch {batch_size}: at the minimum {shares[0]:.0%}, mean step {rule.delta.mean():.4f}")

# %% [markdown] claims=["60 8", "0.0012 0.0003"]
# **What to see.** Half of all weights or more take exactly the smallest step, hardly any the
# largest, and the mean is not far above 0.001. A rule whose steps are all 0.001 needs no $\Delta$:
# it is *signSGD* [4] at the rate 0.001. In the main that is what iRprop- has become, though
# the others do go farther.
#
# So the lower limit carries it. **Predict** what happens with torch's default limits, from 0.000001
# to 50.

# %%
lines = {}
for name, limits in {"narrow": {}, "torch's": dict(minimum=1e-6, maximum=50.0)}.items():
    for batch_size in (32, 256):
        student, rule = network(0), IRpropMinus(**limits)
        history = fit(student, train, rule, batch_size=batch_size, epochs=12, **setting)
        lines[f"{name}, {batch_size}"] = losses = [e["loss"] for e in history.epochs]
        print(f"{name}, batch {batch_size}: loss {losses[-1]:.2f}", end=", ")
        print(f"median step {np.median(rule.delta):.0e}")
alt = "Loss by epoch: with narrow limits it falls; with torch's limits it freezes at batch size 32."
plots.curves(lines, "epoch", "training loss", log_y=True, alt=alt)

# %% [markdown]
# **What to see.** With torch's limits most steps collapse to a millionth. At batch size 32 the
# weights freeze at a high loss. At 256 the first epochs were enough to get far.
# The rule is sound; it was made for whole gradients.
#
# In the lab, batches are 4 to 256 and there is no BatchNorm. Reach the goal at batch size 64, with
# limits 6 times apart. **Predict** the smallest step that will do. Then look for one at 4.

# %%
from lrcourse import labs

labs.irprop()

# %% [markdown]
# **What to see.** At 64 the smallest step must be about 0.006 to 0.018. At 4 no setting arrives.
#
# ## The paper's claim, and a fair control
#
# The paper [3] counts epochs until the loss is below 0.01, with 40 to 5 updates in each. It finds
# iRprop- faster than ordinary steps at large batches, and slower at small ones. The rate of the
# ordinary steps it does not say. Our batches of 32 to 256 give 40 to 5 updates; the goal is 0.02.
#
# We run both variants as printed; SGD at *one* rate, 0.4; SGD at the best of four rates for each
# batch size; and signSGD at 0.001, the smallest step, and at the best of three rates. Each number
# is the median of three seeds. **Predict** the order at 32 and at 256.


# %%
def epochs_needed(rule, rates, batch_size, goal=0.02, most=20):
    needed, errors = [], []
    for seed in range(3):
        student, rng = network(seed, len(rates)), np.random.default_rng(seed)
        setting = dict(batch_size=batch_size, epochs=most, rng=rng, progress=False)
        history = fit(student, train, rule(), learning_rate=np.reshape(rates, (-1, 1)), **setting)
        low = np.array([epoch["loss"] for epoch in history.epochs]) < goal
        needed.append(np.where(low.any(axis=0), 1 + low.argmax(axis=0), np.inf))
        errors.append(1 - student.accuracy(*test))
    return np.median(needed, axis=0), 100 * np.array(errors)


def sign_sgd():
    return IRpropMinus(minimum=1.0, maximum=1.0, initial=1.0, variant="paper")


# %%
sgd, signs, sizes = [0.4, 0.8, 1.6, 3.2], [0.001, 0.004, 0.008], (32, 64, 128, 256)
table = {name: [] for name in ("iRprop-", "paper's", "SGD 0.4", "SGD", "sign 0.001", "signSGD")}
errors = {name: [] for name in ("iRprop-", "SGD", "signSGD")}
for batch_size in sizes:
    published, error = epochs_needed(IRpropMinus, [1.0], batch_size)
    paper, _ = epochs_needed(lambda: IRpropMinus(variant="paper"), [1.0], batch_size)
    plain, plain_error = epochs_needed(SGD, sgd, batch_size)
    sign, sign_error = epochs_needed(sign_sgd, signs, batch_size)
    row = (published[0], paper[0], plain[0], plain.min(), sign[0], sign.min())
    for name, epochs in zip(table, row, strict=True):
        table[name].append(epochs)
    for name, best in zip(errors, (error, plain_error, sign_error), strict=True):
        best = best[:, {"SGD": plain, "signSGD": sign}.get(name, published).argmin()]
        errors[name].append(f"{best.mean():.1f}±{best.std(ddof=1):.1f}")

# %%
print("batch size".ljust(22), *(f"{size:7}" for size in sizes))
for name, epochs in table.items():
    print(f"epochs, {name:14}", *(f"{e:7.0f}" if e < np.inf else "  never" for e in epochs))
for name, row in errors.items():
    print(f"test error %, {name:8}", *row)
lines = {name: (sizes, table[name]) for name in ("iRprop-", "SGD 0.4", "SGD")}
alt = "Epochs against batch size: iRprop- level, SGD at 0.4 rises and ends, tuned SGD is lowest."
plots.curves(lines, "batch size", "epochs to a loss of 0.02", log_x=True, alt=alt)

# %% [markdown] claims=["16 3", "5 2"]
# **What to see.** Against SGD at one rate the claim *reproduces*: SGD is ahead at 32 and 64, behind
# at 128, and never arrives at 256, where iRprop- takes about 16 epochs. That is the paper's
# pattern.
#
# Now the control. SGD at its best rate is ahead at *every* batch size, with about 5 epochs at 256.
# SignSGD at 0.001 never arrives in 20 epochs, so those weights that went farther did count. But at
# a rate of its own it too is ahead of iRprop-. The two variants are an epoch or two apart, and the
# test errors lie within a spread or two of each other: nobody generalises better here.
#
# What is left is worth having: with one setting iRprop- took 11 to 17 epochs at all batch sizes.
# Yet somebody had to find 0.001 and 0.006.
#
# ## Two bugs in a loop
#
# This loop runs over several epochs; each is an array of gradients of shape `(steps, D)`. It should
# be the published rule. **Predict** $\Delta$ after the four gradients below.


# %%
def buggy_run(epochs, w):
    for gradients in epochs:
        delta, previous = np.full(w.shape, 0.001), np.zeros(w.shape)
        for g in gradients:
            s = np.sign(g) * np.sign(previous)
            delta = np.where(s > 0, np.maximum(1.2 * delta, 0.006), delta)
            delta = np.where(s < 0, np.minimum(0.5 * delta, 0.001), delta)
            previous = np.where(s < 0, 0, g)
            w = w - np.sign(previous) * delta
    return w, delta


print(buggy_run([np.ones((4, 1))], np.zeros(1)), "instead of -0.005368 and 0.001728")

# %% [markdown]
# ### Exercise 11.3
# **Find two bugs**
#
# One bug can be seen above. The other needs two epochs to show. Write `irprop_run` without either:
# step sizes begin at 0.001 and G at 0, once. Return the tuple `(w, delta)`; leave w as it is. For
# two epochs of two gradients of 1 each, from w = 0, expect the same -0.005368 and 0.001728.


# %% exercise="11.3"
def irprop_run(epochs, w):
    r"""Return (w, delta) after all epochs of iRprop-, limits 0.001 and 0.006."""
    ### BEGIN SOLUTION
    delta, previous = np.full(w.shape, 0.001), np.zeros(w.shape)
    for gradients in epochs:
        for g in gradients:
            s = np.sign(g) * np.sign(previous)
            delta = np.where(s > 0, np.minimum(1.2 * delta, 0.006), delta)
            delta = np.where(s < 0, np.maximum(0.5 * delta, 0.001), delta)
            previous = np.where(s < 0, 0, g)
            w = w - np.sign(previous) * delta
    return w, delta
    ### END SOLUTION


# %%
check("11.3")

# %% [markdown]
# The *limit* called maximum is held by the *function* called minimum. It is the commonest slip with
# this rule, and it still trains, for large steps with signs do.
#
# ## The whole trial
#
# The package has a larger trial of the paper, at its own batch sizes and with its goal of 0.01, and
# the saved results. The table sets each claim beside what was measured, the fair controls too. A
# verdict is given only where the difference is larger than chance;
# [chapter 15](15_fair_race.ipynb) builds the rule. `lrcourse reproduce irprop` runs it again.

# %%
from lrcourse import papers

papers.verdicts("irprop")

# %% [markdown]
# ## What we learnt
#
# - Rprop keeps signs and lets each weight find its own step. On whole gradients it needs no rate.
# - One flip undoes almost four agreements. Below a signal of about the noise, steps shrink to
#   the lower limit.
# - On mini-batches $\Delta_\text{min}$ is the learning rate, and iRprop- is mostly signSGD.
# - A claim against SGD at one rate says as much about that rate as about the method.
#
# **Next**: [A rate for each layer](12_layer_rates.ipynb) asks for less than a rate for each
# weight.
#
# ## Further reading
#
# 1. Martin Riedmiller and Heinrich Braun, *A Direct Adaptive Method for Faster Backpropagation
#    Learning: The RPROP Algorithm*, IEEE International Conference on Neural Networks, 1993.
# 2. Christian Igel and Michael Hüsken, *Improving the Rprop Learning Algorithm*, 2000.
# 3. Joyce K. Ndauka and Zheng Xiao Yan, *Effect of Local Dynamic Learning Rate Adaptation on
#    Mini-Batch Gradient Descent for Training Deep Learning Models with Back Propagation Algorithm*.
# 4. Jeremy Bernstein and others, *signSGD: Compressed Optimisation for Non-Convex Problems*, ICML
#    2018, arXiv:1802.04434.
