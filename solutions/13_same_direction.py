# %% [markdown]
# # Same direction, go faster
#
# **If two gradients in a row point the same way, may we step farther? A paper says yes, and calls
# it a better optimizer. Is it one?**
#
# - **You will** build the rule, compute what it does to a step, catch it in disguise, and give it a
#   fair race against plain steps and momentum.
# - **Time**: about 50 minutes.
# - **You need**: [Batches](06_batches.ipynb), [Momentum](09_momentum.ipynb), and the bell curve.

# %% [markdown]
# ## The rule
#
# You walk in fog. The ground slopes to the left, as it did a step ago. So you trust it, and take a
# longer step. Where the slope has just turned, you take a normal one.
#
# *Direction Accelerated SGD* [1], or DA-SGD, does that for each weight:
#
# $$\rho_t = \begin{cases} \frac12 (g_t + g_{t-1}) & \text{where } g_t \text{ and } g_{t-1}
# \text{ have the same sign} \\ 0 & \text{elsewhere} \end{cases} \qquad
# w \leftarrow w - \eta\,(g_t + \rho_t)$$
#
# The next step remembers $g_t$ itself, without the boost $\rho_t$. Before the first step there is
# no gradient: $g_0 = 0$, which agrees with nothing.

# %%
import numpy as np
from lrcourse import check, fit, load, nn, plots
from lrcourse.optim import SGD, DirectionAccelerated, Momentum

# %% [markdown]
# ### Exercise 13.1
# **One boosted step**
#
# Write `accelerated_step`. The arrays `w`, `g` and `previous` have one shape. Return the tuple
# `(w, previous)`: the new weights, and what the *next* step needs as `previous`. Make new arrays
# and leave the inputs as they are. A weight with `g = 0` stays where it is. For `w = [1, 1]`,
# `g = [2, -1]`, `previous = [4, 3]` and rate 0.1 expect `[0.5, 1.1]` and `[2, -1]`.


# %% exercise="13.1"
def accelerated_step(w, g, previous, learning_rate):
    r"""Return (w - learning_rate (g + boost), what the next step needs as previous)."""
    ### BEGIN SOLUTION
    agree = np.sign(g) == np.sign(previous)
    boost = np.where(agree, (g + previous) / 2, 0)
    return w - learning_rate * (g + boost), g.copy()
    ### END SOLUTION


# %%
check("13.1")

# %% [markdown]
# No library has this rule to judge ours. So we ask what must be so. **Predict**:
# on a slope that is always 1, how long are 10 steps of DA-SGD at rate 1, added up? And if the sign
# turns at every step?


# %%
def length(rule, gradients):
    w, total = np.zeros(1), 0.0
    for g in gradients:
        before = w[0]
        rule.step(w, np.array([g]), 1.0)
        total += abs(w[0] - before)
    return total


for name, gradients in {"steady": [1.0] * 10, "turning": [1.0, -1.0] * 5}.items():
    plain, accelerated = length(SGD(), gradients), length(DirectionAccelerated(), gradients)
    print(f"{name}: plain {plain:.0f}, DA-SGD {accelerated:.0f}")

# %% [markdown] claims=["19", "10"]
# **What to see.** On the steady slope the first step is 1 and each later one 2: 19 instead of 10.
# That is plain descent at *twice the rate*. With turning signs it is plain descent at the *same*
# rate. A batch gradient lies in between: a slope, and noise on top of it.
#
# ## How much farther on a noisy slope?
#
# Take one weight, with a slope $\mu > 0$ that stays. Each batch gives $g = \mu + \sigma z$, with z
# from the bell curve. All that matters is $a = \mu / \sigma$, the signal over the noise.
# **Predict**: with hardly any signal, $a$ near 0, signs agree in half of all steps, by pure chance.
# How many times farther than plain steps do we go, in the mean? Once? One and a half times?
#
# Let $\varphi$ be the bell curve and $\Phi(a)$ the area to its left of $a$: a gradient has the
# right sign with probability $\Phi(a)$. Two facts will do:
#
# $$E[\,g \text{ where } g > 0\,] = \mu\,\Phi(a) + \sigma \varphi(a) \qquad
# E[\,g \text{ where } g < 0\,] = \mu\,\Phi(-a) - \sigma \varphi(a)$$
#
# $g_t$ and $g_{t-1}$ are alike, so the boost $\frac12(g_t + g_{t-1})$ has the mean of $g_t$ where
# the signs agree. They agree if both are positive or both are negative:
#
# $$E\,\rho = \bigl(\mu \Phi(a) + \sigma \varphi(a)\bigr)\, \Phi(a)
# + \bigl(\mu \Phi(-a) - \sigma \varphi(a)\bigr)\, \Phi(-a)$$
#
# Add the plain step $\mu$ and divide by it. DA-SGD goes K times as far as SGD:
#
# $$K(a) = 1 + \Phi(a)^2 + \Phi(-a)^2 + \frac{\varphi(a)}{a}\,\bigl(\Phi(a) - \Phi(-a)\bigr)$$

# %%
from statistics import NormalDist

bell = NormalDist()
print(f"Phi(1) = {bell.cdf(1):.4f}, phi(1) = {bell.pdf(1):.4f}")

# %% [markdown]
# ### Exercise 13.2
# **How much farther**
#
# Write `reach`, the number $K(a)$ for a number $a > 0$. Python's `NormalDist()`, shown above, has
# $\Phi$ as `.cdf(a)` and $\varphi$ as `.pdf(a)`. For `a = 1` expect 1.89822, for `a = 3` expect
# 1.99878, and for `a = 0.001` about 1.818.


# %% exercise="13.2"
def reach(a):
    r"""Return K(a), the mean step of DA-SGD over that of SGD, at signal over noise a > 0."""
    ### BEGIN SOLUTION
    bell = NormalDist()
    right, wrong = bell.cdf(a), bell.cdf(-a)
    return 1 + right**2 + wrong**2 + bell.pdf(a) / a * (right - wrong)
    ### END SOLUTION


# %%
check("13.2")

# %% [markdown]
# A derivation may have a slip, so we ask the dice as well: 8,000 walks of 500 steps with the
# package's rule. **Predict** the last column: by what does DA-SGD multiply the *spread* of where a
# walk ends? Less than K, if agreement is a sign of truth.


# %%
def K(a):
    right, wrong = bell.cdf(a), bell.cdf(-a)
    return 1 + right**2 + wrong**2 + bell.pdf(a) / a * (right - wrong)


rng = np.random.default_rng(0)
for a in (0.25, 0.5, 1, 2, 4):
    w, plain, rule = np.zeros(8000), np.zeros(8000), DirectionAccelerated()
    for _ in range(500):
        g = a + rng.normal(size=8000)
        plain -= g
        rule.step(w, g, 1.0)
    print(f"a {a:4}: formula {K(a):.3f}, dice {w.mean() / plain.mean():.3f}", end="")
    print(f", spread times {w.std() / plain.std():.2f}")

a = np.geomspace(0.02, 10, 60)
alt = "K against signal over noise: level near 1.82, rising between 0.3 and 3, level at 2."
plots.curves({"": (a, [K(x) for x in a])}, "signal over noise", "K", log_x=True, alt=alt)

# %% [markdown] claims=["1.82 0.012"]
# **What to see.** Formula and dice agree. From noise to no noise, K runs only from $1.5 + 1/\pi
# \approx 1.82$ to 2. On a slope that stays, the rule does nearly the same thing all the time:
# **it multiplies the rate by 1.8 to 2**. And the spread grows by about the same factor. It trusts
# noise as much as signal.
#
# ## The same curve twice
#
# Then in a network the loss of DA-SGD must lie on that of SGD at c times the rate, with c between
# 1.8 and 2. We take clothes of 14 by 14 pixels, and two hidden layers with sigmoids as in the
# paper, but narrower.


# %%
def shrink(split):
    x = split.x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return x.reshape(-1, 196)


def sigmoid_network(seed, runs):
    layers = []
    for fan_in, fan_out in ((196, 32), (32, 32), (32, 10)):
        layers += [nn.Linear(fan_in, fan_out, "xavier"), nn.Sigmoid()]
    return nn.Network(layers[:-1], np.random.default_rng(seed), runs=runs)


data = load("fashion-mini")
few, test = (shrink(data.train)[:4096], data.train.y[:4096]), (shrink(data.test), data.test.y)


def train(rule, rates, batch_size, epochs, seed=0):
    network, rates = sigmoid_network(seed, len(rates)), np.array(rates)[:, None]
    setting = dict(batch_size=batch_size, epochs=epochs, progress=False)
    rng = np.random.default_rng(seed)
    history = fit(network, few, rule, learning_rate=rates, rng=rng, **setting)
    return np.array(history.loss), 1 - network.accuracy(*test)


# %% [markdown]
# All runs have one start and see the same batches. **Predict**: between which two multiples does
# DA-SGD fall?

# %%
multiples = [1, 1.5, 1.8, 2, 2.7]
accelerated = train(DirectionAccelerated(), [0.2], 32, 6)[0].reshape(-1, 32).mean(axis=1)
plain = train(SGD(), [0.2 * c for c in multiples], 32, 6)[0].reshape(-1, 32, 5).mean(axis=1)
steps = 32 * np.arange(1, len(plain) + 1)
lines = {f"SGD, {c} times the rate": (steps, plain[:, k]) for k, c in enumerate(multiples)}
for name, (_, line) in lines.items():
    print(f"{name}: {100 * np.log(line / accelerated).mean():+5.1f} % from DA-SGD")
alt = "Training loss: DA-SGD lies on SGD at 1.8 times the rate, below 1 times, above 2.7 times."
shown = {"DA-SGD": (steps, accelerated)} | {k: lines[k] for k in list(lines)[::2]}
plots.curves(shown, "step", "loss of the mini-batches", alt=alt)

# %% [markdown] claims=["24.7 4", "0.6 1.5", "-13.8 4"]
# **What to see.** DA-SGD and SGD at 1.8 times the rate are one line; they are less than 1 % apart,
# 1 and 2.7 times are far off. The rule was a larger rate in disguise.
#
# In the lab it is the digits, with ReLU. Find the multiple that makes the two curves one.
# **Predict**: does it rise or fall with the batch size?

# %%
from lrcourse import labs

labs.acceleration()

# %% [markdown]
# **What to see.** At batch sizes 16 and 64 about 1.8 to 1.9. At 4 less: there ReLUs leave many
# gradients exactly 0, and 0 agrees with nothing.
#
# ## The paper's claim on its own terms
#
# The paper [1] trains for 200 epochs on 60,000 images, at nine pairs of batch size and rate, from
# (1, 0.001) to (256, 0.007). It finds DA-SGD better from batch size 32 on, and plain SGD mostly
# better below. Its reason: "bigger batch sizes decrease the average value of the gradient". The
# mean does not shrink, as [chapter 06](06_batches.ipynb) measured. But while the batch grows 256
# times, the rate grows 7 times, so large batches are left the farthest behind.
#
# We take three of the pairs. Our eight epochs have 366 times fewer updates, so we multiply all
# rates by 75. **Predict** the winner at 16 and at 256, and how SGD at 1.82 times the rate does.

# %%
pairs = {16: 0.003, 64: 0.005, 256: 0.007}
for batch_size, rate in pairs.items():
    rate *= 75
    plain, fast, ball = [], [], []
    for seed in range(3):
        plain.append(train(SGD(), [rate, 1.82 * rate], batch_size, 8, seed)[1])
        fast.append(train(DirectionAccelerated(), [rate], batch_size, 8, seed)[1])
        ball.append(train(Momentum(0.5), [rate], batch_size, 8, seed)[1])
    columns = np.concatenate([plain, fast, ball], axis=1)
    row = zip(("SGD", "1.82 SGD", "DA-SGD", "momentum 0.5"), columns.T, strict=True)
    print(f"batch {batch_size:3}, rate {rate:.2f}:", end=" ")
    print(", ".join(f"{name} {e.mean():.1%}±{e.std(ddof=1):.1%}" for name, e in row))

# %% [markdown] claims=["45 5", "38 5"]
# **What to see.** At the same rate DA-SGD wins, little at 16, some points at 64 and more at 256:
# there about 38 % errors instead of 45 %. The claim *reproduces*. (Plain SGD is not better at small
# batches here; our runs end far earlier than the paper's.)
#
# Now the control. SGD at 1.82 times the rate is as good at all three batch sizes, within the spread
# of three seeds. Large batches gain most because their rates were the farthest too small. And
# momentum 0.5, a comparison that the paper leaves open, is as good or better: it too doubles the
# step in the long run.
#
# ## Where the sign turns for a reason
#
# We assumed a slope that *stays*. Near the edge of chapter 01 it does not: across a valley each
# step overshoots, and the sign turns every time. **Predict** what DA-SGD does across the valley,
# and along it.

# %%
curvatures = np.array([1.0, 25.0])


def valley(rule, learning_rate, steps=60):
    w = np.array([-2.5, 1.0])
    path = [w.copy()]
    for _ in range(steps):
        rule.step(w, curvatures * w, learning_rate)
        path.append(w.copy())
    return np.array(path)


rules = {"SGD": SGD, "DA-SGD": DirectionAccelerated, "momentum 0.5": lambda: Momentum(0.5)}
paths = {name: valley(rule(), 0.07, 12) for name, rule in rules.items()}
alt = "A long valley: SGD and DA-SGD swing across it alike, but DA-SGD and momentum go farther."
plots.path(lambda w: 0.5 * curvatures @ w**2, paths, alt=alt)
for name, rule in rules.items():
    stable = [p for p in np.arange(0.1, 4, 0.1) if abs(valley(rule(), p / 25, 600)[-1, 1]) < 1]
    print(f"{name:12} along the valley after 12 steps {paths[name][-1, 0]:.2f}", end="")
    print(f", stable up to rate times curvature {max(stable):.1f}")

# %% [markdown] claims=["-1.05 0.01", "-0.41 0.01", "1.9 0.01", "2.9 0.01"]
# **What to see.** Across the valley no signs agree, so there is no boost, and the edge is that of
# SGD: the product 2. Along it the slope stays, and DA-SGD goes twice as fast. SGD at *twice* the
# rate would fall off the edge here. That much is a true gain, of at most a factor of 2.
#
# Momentum 0.5 does the same, for it adds up what agrees and cancels what turns. Its edge is even
# farther: the product 3, as chapter 09 found.
#
# ## A fair race
#
# So compare over rates: eight of them at batch size 128, three seeds. **Predict**: in the second
# figure, where the rate of DA-SGD and of momentum counts twice, which part of the curves merges?
# Which does not?

# %%
grid = 0.1 * 2.0 ** np.arange(8)
typed, same = {}, {}
for name, rule in rules.items():
    errors = np.array([train(rule(), grid, 128, 10, seed)[1] for seed in range(3)])
    mean, spread = errors.mean(axis=0), errors.std(axis=0, ddof=1)
    k, c = mean.argmin(), 1 if name == "SGD" else 2
    typed[name], same[name] = (grid, mean), (c * grid, mean)
    print(f"{name:12} lowest error {mean[k]:.1%} ± {spread[k]:.1%} at rate {grid[k]}")
alt = "Test error against rate: DA-SGD and momentum lie left of SGD, and all end at a wall."
plots.curves(typed, "learning rate", "test error", log_x=True, alt=alt)
alt = "Against the effective rate the left arms are one line; SGD stops falling first."
plots.curves(same, "rate, twice for DA-SGD and momentum", "test error", log_x=True, alt=alt)

# %% [markdown]
# **What to see.** Against the rate as typed in, DA-SGD and momentum look better wherever SGD learns
# too slowly. Against the effective rate the left arms are one line. At the wall DA-SGD holds out to
# the largest steps. The three lowest errors lie within two spreads of each other: three seeds name
# no winner, and nothing here speaks for DA-SGD over momentum 0.5.
#
# ## Two bugs that look like success
#
# Here is DA-SGD as a loop. `gradient(w)` returns the gradient, always in the *same* array, which it
# fills anew: networks do that too, to save memory. **Predict** the ten steps on a slope of 1.


# %%
def buggy_run(gradient, w, learning_rate, steps):
    previous = np.zeros_like(w)
    for _ in range(steps):
        g = gradient(w)
        agree = np.sign(g) == np.sign(previous)
        boosted = g + agree * (g + previous) / 2
        w = w - learning_rate * boosted
        previous = boosted
    return w


print(buggy_run(lambda w: np.ones(1), np.zeros(1), 1.0, 10), "where we had -19 above")

# %% [markdown]
# ### Exercise 13.3
# **Find two bugs**
#
# One bug can be seen above. Mend it in the obvious way, and a second one appears wherever
# `gradient` fills one array again and again. Write `accelerated_run` without either. Return the
# last w, a new array of shape `(D,)`; leave the start as it is; call `gradient` once for each step.
# For the call above expect -19; for gradients 1, -1, 1, -1 from a start at 0 expect 0.


# %% exercise="13.3"
def accelerated_run(gradient, w, learning_rate, steps):
    r"""Return w after steps of DA-SGD; gradient(w) may return the same array every time."""
    ### BEGIN SOLUTION
    previous = np.zeros_like(w)
    for _ in range(steps):
        g = gradient(w)
        agree = np.sign(g) == np.sign(previous)
        w = w - learning_rate * (g + agree * (g + previous) / 2)
        previous = g.copy()
    return w
    ### END SOLUTION


# %%
check("13.3")

# %% [markdown]
# Without the copy, `previous` *is* the new gradient. It agrees with itself in every weight, and the
# rule has become SGD at exactly twice the rate. The loss falls faster, so nobody looks for a bug.
#
# ## The whole trial
#
# The package has a larger trial of the paper, with momentum and tuned SGD as rivals, and the saved
# results. The table sets each claim beside what was measured, the controls too. A verdict is given
# only where the difference is larger than chance; [chapter 15](15_fair_race.ipynb) builds the rule.
# `lrcourse reproduce da-sgd` runs it again.

# %%
from lrcourse import papers

papers.verdicts("da-sgd")

# %% [markdown]
# ## What we learnt
#
# - DA-SGD steps K times as far as SGD, and K runs from 1.82 (noise) to 2 (none).
# - At one rate, a larger step looks like a better rule. The control costs one line: the old rule at
#   c times the rate.
# - What is left is a farther edge, since no boost is given across a valley. Momentum 0.5 has it
#   too.
#
# **Next**: [Your rules in PyTorch](14_your_rules_in_pytorch.ipynb).
#
# ## Further reading
#
# 1. Sungjae Ahn, *A Directional Gradient Acceleration Method in Mini-Batch Gradient Descent*: the
#    source of the rule and of the claims. It names the comparison with momentum as future work.
