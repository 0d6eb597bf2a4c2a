# %% [markdown]
# # Same direction, go faster
#
# **If two gradients in a row point the same way, may we step farther? A paper says yes, and calls
# it a better optimizer. Is it one?**
#
# - **You will** build the rule, derive what it does to a step, measure the noise of real gradients,
#   catch the rule in disguise, and give it a fair race against plain steps and momentum.
# - **Time**: about 75 minutes.
# - **You need**: [Batches](06_batches.ipynb), [Momentum](09_momentum.ipynb), and
#   the normal distribution (the bell curve).

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
from lrcourse import check, fit, guess, load, nn, outcome, plots, tally, whose, yours
from lrcourse.optim import SGD, Momentum

# %% [markdown]
# ### Exercise 13.1
# **One boosted step**
#
# Write `accelerated_step`. The arrays `w`, `g` and `previous` have one shape. Return the tuple
# `(w, previous)`: the new weights, and what the *next* step needs as `previous`. Make new arrays
# and leave the inputs as they are. A weight with `g = 0` stays where it is. Compare signs and not
# products: in float32 the product of two tiny gradients rounds to 0. For `w = [1, 1]`,
# `g = [2, -1]`, `previous = [4, 5]` and rate 0.1 expect `[0.5, 1.1]` and `[2, -1]`.


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
# No library has this rule to compare with. So we ask what must be so. **Predict**: on a slope that
# is always 1, how long are 10 steps of DA-SGD at rate 1, added up?

# %%
guess("13.a", "Ten steps on a slope that is always 1, added up", within=1.03)

# %%
Accelerated = yours("13.1")


def length(rule, gradients):
    w, total = np.zeros(1), 0.0
    for g in gradients:
        before = w[0]
        rule.step(w, np.array([g]), 1.0)
        total += abs(w[0] - before)
    return total


for name, gradients in {"steady": [1.0] * 10, "turning": [1.0, -1.0] * 5}.items():
    plain, accelerated = length(SGD(), gradients), length(Accelerated(), gradients)
    print(f"{name}: plain {plain:.0f}, DA-SGD {accelerated:.0f}")
outcome("13.a", length(Accelerated(), [1.0] * 10))

# %% [markdown] claims=["steady: plain[2]: 19 0", "turning: plain[2]: 10 0"]
# <details><summary>What to see</summary>
#
# On the steady slope the first step is 1 and each later one 2: 19 instead of 10.
# That is plain descent at *twice the rate*. With turning signs it is plain descent at the *same*
# rate. A batch gradient lies in between: a slope, and noise on top of it.
#
# </details>
#
# ## How much farther on a noisy slope?
#
# Take one weight, with a slope $\mu > 0$ that stays. The batches give gradients $g$, one
# independent of the other, that scatter around $\mu$ in any way. Three numbers are all we need:
#
# - the chance $P$ that $g > 0$;
# - $A = E[\,g \text{ if } g > 0, \text{ else } 0\,]$: positive gradients keep their value, all
#   others count as 0, and the mean is over *all* steps;
# - $B = E[\,g \text{ if } g < 0, \text{ else } 0\,]$, the same for the negative ones. So $B \le 0$.
#
# DA-SGD goes K times as far as SGD in the mean. What is K? Two questions lead there. What is the
# mean of $g$ itself, from $A$ and $B$? And what is the mean of the boost $\frac12(g_t + g_{t-1})$,
# which is added where both are positive or both negative? Both gradients have the same
# distribution.

# %% [markdown]
# ### Exercise 13.2
# **How much farther**
#
# Derive K on paper, then write `reach(right, above, below)` for $P$, $A$ and $B$. No gradient is
# exactly 0. For gradients that are 3 in two of three steps and −1 in the third expect 1.7333; for
# 1, 1, 1, −2 expect 2.75.


# %% exercise="13.2"
def reach(right, above, below):
    r"""Return K, the mean step of DA-SGD over that of SGD."""
    ### BEGIN SOLUTION
    boost = above * right + below * (1 - right)
    return 1 + boost / (above + below)
    ### END SOLUTION


# %%
check("13.2")

# %% [markdown]
# Now let the noise be a bell curve, $g = \mu + \sigma z$. All that matters is $a = \mu / \sigma$,
# the signal over the noise. With $\varphi$ the bell curve and $\Phi(a)$ the area to its left of
# $a$,
#
# $$P = \Phi(a) \qquad A = \mu\,\Phi(a) + \sigma \varphi(a) \qquad
# B = \mu\,\Phi(-a) - \sigma \varphi(a)$$
#
# **Predict**: with hardly any signal, $a$ near 0, signs agree in half of all steps, by pure chance.
# How many times farther than plain steps do we go, in the mean? And if agreement tells signal from
# noise, the *spread* of where a walk ends should grow by less than K. Does it?

# %%
guess("13.b", "K with hardly any signal", within=1.05)

# %%
from statistics import NormalDist

bell, farther = NormalDist(), yours("13.2")


def K(a):
    P, height = bell.cdf(a), bell.pdf(a)
    return farther(P, a * P + height, a * (1 - P) - height)


rng = np.random.default_rng(0)
for a in (0.25, 0.5, 1, 2, 4):
    w, plain, rule = np.zeros(8000), np.zeros(8000), Accelerated()
    for _ in range(500):
        g = a + rng.normal(size=8000)
        plain -= g
        rule.step(w, g, 1.0)
    print(f"a {a}: formula {K(a):.3f}, dice {w.mean() / plain.mean():.3f}", end="")
    print(f", spread times {w.std() / plain.std():.2f}")
print(f"formula at a = 0.001: {K(0.001):.4f}")

a = np.geomspace(0.02, 10, 60)
alt = "K against signal over noise, from 0.02 to 10, for noise from the bell curve."
plots.curves({"": (a, [K(x) for x in a])}, "signal over noise", "K", log_x=True, alt=alt)
outcome("13.b", K(0.001))

# %% [markdown] claims=["formula at a = 0.001: 1.82 0.005"]
# <details><summary>What to see</summary>
#
# Formula and dice agree for 8,000 walks of 500 steps. With noise from the bell
# curve K runs only from $1.5 + 1/\pi \approx 1.82$ to 2: the rule does nearly the same thing all
# the time, **it multiplies the rate by 1.8 to 2**. And the spread grows by about the same factor.
# It trusts noise as much as signal.
#
# </details>
#
# ## What noise do networks have?
#
# The bell curve was an assumption. For any noise that is as often above as below, with a density f,
# a small signal gives
#
# $$K \to 1.5 + f(0)\, E|z|$$
#
# with $f(0)$ the density of the noise z at 0. (A small slope moves $P$ from a half by $f(0)\,\mu$;
# put that into your formula.) For the bell curve the last term is $1/\pi$, whatever its width.
# Flatter noise gives less, a peak at 0 gives more, without a limit. So let us measure it.

# %% [markdown]
# ### Exercise 13.3
# **Measure the noise**
#
# Write `noise_term(z)`, an estimate of $f(0)\,E|z|$ from the noise of many gradients: `z` is an
# array of shape (n,) with mean 0, in any unit (gradients are small). You decide how to estimate a
# density from a sample. The check has three kinds of noise, n = 200,000 each, and wants the term to
# a tenth of its value.


# %% exercise="13.3"
def noise_term(z):
    r"""Return an estimate of f(0) E|z| from a sample of the noise, shape (n,)."""
    ### BEGIN SOLUTION
    near = 0.1 * z.std()
    density = np.mean(np.abs(z) < near) / (2 * near)
    return density * np.mean(np.abs(z))
    ### END SOLUTION


# %%
check("13.3")

# %% [markdown]
# Now a real network: clothes of 14 by 14 pixels, and two hidden layers with sigmoids as in the
# paper, but narrower. After a few epochs we hold its weights fixed, and 600 batches give 600
# gradients of each. **Predict**: will $1.5 + f(0)E|z|$ come out near 1.82, as with the bell curve?


# %%
from lrcourse.data import halved


def sigmoid_network(seed, runs=None):
    layers = []
    for fan_in, fan_out in ((196, 32), (32, 32), (32, 10)):
        layers += [nn.Linear(fan_in, fan_out, "xavier"), nn.Sigmoid()]
    return nn.Network(layers[:-1], np.random.default_rng(seed), runs=runs)


data = halved(load("fashion-mini"))
images, validation, test = data.train, data.validation, data.test
train_x, train_y = (part[:4096] for part in images)

# %%
guess("13.c", "1.5 + f(0) E|z| of a real network, mean over weights", within=1.05)

# %%
network, rng, term = sigmoid_network(0), np.random.default_rng(0), yours("13.3")
settings = dict(learning_rate=0.2, batch_size=32, epochs=4, rng=rng, progress=False)
fit(network, (train_x, train_y), SGD(), **settings)
gradients = []
for batch in rng.integers(len(train_y), size=(600, 32)):
    network.loss_and_gradient(train_x[batch], train_y[batch])
    gradients.append(network.g.copy())
gradients = np.array(gradients, dtype=float)
chosen = rng.choice(np.flatnonzero(gradients.std(axis=0) > 0), size=1000, replace=False)
sample = gradients[:, chosen]
noise = sample - sample.mean(axis=0)
terms = np.array([1.5 + term(z) for z in noise.T])
signal = np.median(np.abs(sample.mean(axis=0)) / sample.std(axis=0))
print(f"1.5 + f(0) E|z|: mean {terms.mean():.3f}, from weight to weight ± {terms.std(ddof=1):.3f}")
print(f"median of signal over noise {signal:.2f}, whose K for the bell curve is {K(signal):.3f}")
outcome("13.c", terms.mean())

# %% [markdown] claims=["1.5 + f(0) E|z|: mean: 1.85 0.005"]
# <details><summary>What to see</summary>
#
# In the mean over weights 1.85, a little more than with the bell curve: some
# weights have peaked noise, for they matter to few images. So we expect DA-SGD to step about 1.8 to
# 1.9 times as far as SGD, if slopes stay and gradients are independent. Neither is quite so in
# training.
#
# </details>
#
# ## The same curve twice
#
# If that is all it does, the loss of DA-SGD is that of SGD at c times the rate, with c near that
# range. All runs of a seed have one start and see the same batches. **Predict**: between which two
# multiples does DA-SGD fall?


# %%
def train(rule, rates, batch_size, epochs, seed):
    network, rates = sigmoid_network(seed, len(rates)), np.array(rates)[:, None]
    setting = dict(batch_size=batch_size, epochs=epochs, progress=False)
    rng = np.random.default_rng(seed)
    history = fit(network, (train_x, train_y), rule, learning_rate=rates, rng=rng, **setting)
    errors = [100 - 100 * network.accuracy(*split) for split in (validation, test)]
    return np.array(history.loss), *errors


# %%
guess("13.d", "DA-SGD falls between", ["1 and 1.5", "1.5 and 1.8", "1.8 and 2", "2 and 2.7"])

# %%
multiples, losses = [1, 1.5, 1.8, 2, 2.7], {}
for seed in range(4):
    runs = train(SGD(), [0.2 * c for c in multiples], 32, 6, seed)[0]
    fast = train(Accelerated(), [0.2], 32, 6, seed)[0]
    losses[seed] = np.concatenate([runs, fast], axis=1).reshape(-1, 32, 6).mean(axis=1)
apart = np.array([100 * np.log(each[:, :5] / each[:, 5:]).mean(axis=0) for each in losses.values()])
for c, column in zip(multiples, apart.T, strict=True):
    above = f"{column.mean():+.1f} ± {column.std(ddof=1):.1f} %"
    print(f"SGD at {c} times the rate: {above} from DA-SGD")
steps, columns = 32 * np.arange(1, len(losses[0]) + 1), {"1": 0, "1.8": 2, "2.7": 4}
shown = {f"DA-SGD, {whose('13.1')}": (steps, losses[0][:, 5])}
shown |= {f"SGD, {c} times the rate": (steps, losses[0][:, k]) for c, k in columns.items()}
alt = "Training loss of seed 0 against step: DA-SGD, and SGD at 1, 1.8 and 2.7 times its rate."
plots.curves(shown, "step", "loss of the mini-batches", alt=alt)
k = int((apart.mean(axis=0) > 0).sum())
outcome("13.d", f"{multiples[k - 1]} and {multiples[k]}")

# %% [markdown] claims=["SGD at 1 times the rate: 24.5 1.7 spread", "SGD at 1.8 times the rate: 0.6 0.2 spread", "SGD at 2.7 times the rate < SGD at 1.8 times the rate by 10"]
# <details><summary>What to see</summary>
#
# DA-SGD and SGD at 1.8 times the rate lie on one line: in the mean of four seeds SGD is 0.6 %
# above. At the same rate it is 24.5 % above, at 2.7 times 14 % below. Here the rule was a larger
# rate in disguise.
#
# </details>
#
# The lab has digits and ReLUs. Find the multiple that makes the two curves one: does it rise or
# fall with the batch size?

# %%
from lrcourse import labs

labs.acceleration()

# %% [markdown]
# <details><summary>What to see</summary>
#
# It rises: at batch sizes 16 and 64 it is near the K of bell-shaped noise, at 4 it
# is less. There ReLUs leave many gradients exactly 0, and 0 agrees with nothing.
#
# </details>
#
# ## The paper's claim on its own terms
#
# The paper [1] trains for 200 epochs on 60,000 images, at nine pairs of batch size and rate, from
# (1, 0.001) to (256, 0.007). It finds DA-SGD better from batch size 32 on, and plain SGD mostly
# better below. Its reason: "bigger batch sizes decrease the average value of the gradient". The
# mean does not shrink, as [chapter 06](06_batches.ipynb) measured. But while the batch grows 256
# times, the rate grows 7 times: in rate times number of steps, large batches are left the farthest
# behind.
#
# We take three of the pairs. Our eight epochs have 366 times fewer updates. Rates 366 times as
# large would make up for it, but training would break down at 256. So we multiply by 75, and stay
# on the side where the paper is: rates that could be larger. **Predict**: at 256, by how much does
# DA-SGD beat SGD at 1.82 times the rate?

# %%
from lrcourse.papers import trial


def against(about, a, b):
    pair = [trial.Sample(tuple(map(float, values))) for values in (a, b)]
    print(trial.Comparison(*pair, about=about).show())


# %%
guess(
    "13.e",
    "At batch size 256: points by which DA-SGD beats SGD at 1.82 times the rate, about",
    ["-5", "0", "5"],
)

# %%
pairs = {16: 0.003, 64: 0.005, 256: 0.007}
for batch_size, rate in pairs.items():
    rate *= 75
    plain = np.array([train(SGD(), [rate, 1.82 * rate], batch_size, 8, s)[2] for s in range(5)])
    fast = np.array([train(Accelerated(), [rate], batch_size, 8, s)[2][0] for s in range(5)])
    ball = np.array([train(Momentum(0.5), [rate], batch_size, 8, s)[2][0] for s in range(5)])
    print(f"batch size {batch_size}, rate {rate:.3f}, test error in percent")
    against(f"{batch_size}: DA-SGD against SGD", fast, plain[:, 0])
    against(f"{batch_size}: DA-SGD against SGD at 1.82 times", fast, plain[:, 1])
    against(f"{batch_size}: DA-SGD against momentum 0.5", fast, ball)
ahead = (plain[:, 1] - fast).mean()
outcome("13.e", "0" if abs(ahead) < 2.5 else "5" if ahead > 0 else "-5")

# %% [markdown] claims=["16: DA-SGD against SGD:: 23.2 1.8 spread", "16: DA-SGD against SGD:[4]: 24.9 2.0 spread", "64: DA-SGD against SGD:: 26.4 1.3 spread", "64: DA-SGD against SGD:[4]: 31.6 2.2 spread", "256: DA-SGD against SGD:: 40.0 3.3 spread", "256: DA-SGD against SGD:[4]: 48.4 6.3 spread", "256: DA-SGD against SGD: < 256: DA-SGD against SGD:[4] by 3"]
# <details><summary>What to see</summary>
#
# Each line has two means, their difference, and its 95 % confidence interval,
# seed by seed ([chapter 15](15_fair_race.ipynb) builds it). At the same rate DA-SGD wins: 23.2 %
# against 24.9 at 16, 26.4 against 31.6 at 64, 40.0 against 48.4 at 256. The claim *reproduces*.
# (Plain SGD is not better at small batches here; our runs end far earlier than the paper's.)
#
# Now the control. Against SGD at 1.82 times the rate 0 lies inside all three intervals, and they
# leave room for 1.5 points at most. Momentum 0.5, a comparison that the paper leaves open, doubles
# the step in the long run too; here the seeds do not decide between the two.
#
# </details>
#
# ## Where the sign turns for a reason
#
# We assumed a slope that *stays*. Near the edge of chapter 01 it does not: across a valley each
# step overshoots, and the sign turns every time. **Predict** where the edge of DA-SGD is; that of
# SGD is at rate times curvature 2.

# %%
guess("13.f", "Largest stable rate times curvature of DA-SGD", ["1", "2", "3", "4"])

# %%
curvatures = np.array([1.0, 25.0])


def valley(rule, learning_rate, steps=60):
    w = np.array([-2.5, 1.0])
    path = [w.copy()]
    for _ in range(steps):
        rule.step(w, curvatures * w, learning_rate)
        path.append(w.copy())
    return np.array(path)


rules = {"SGD": SGD, "DA-SGD": Accelerated, "momentum 0.5": lambda: Momentum(0.5)}
paths = {name: valley(rule(), 0.07, 12) for name, rule in rules.items()}
alt = "A long valley and three paths of twelve steps: SGD, DA-SGD and momentum 0.5."
plots.path(lambda w: 0.5 * curvatures @ w**2, paths, alt=alt)
edges = {}
for name, rule in rules.items():
    products = np.arange(1.8, 3.21, 0.02)
    edges[name] = max(p for p in products if abs(valley(rule(), p / 25, 300)[-1, 1]) < 1)
    print(f"{name}: along the valley after 12 steps {paths[name][-1, 0]:.2f}", end="")
    print(f", stable up to rate times curvature {edges[name]:.2f}")
outcome("13.f", f"{edges['DA-SGD']:.0f}")

# %% [markdown] claims=["DA-SGD: along the valley after 12 steps[2]: 1.98 0.005", "DA-SGD: along the valley after 12 steps[2] < momentum 0.5: along the valley after 12 steps[2] by 0.9"]
# <details><summary>What to see</summary>
#
# Across the valley no signs agree, so there is no boost, and the edge is that of
# SGD: of the products tried, 0.02 apart, 1.98 is the last one below 2. Along the valley the slope
# stays, and DA-SGD goes twice as fast. SGD at *twice* the rate would fall off the edge here. That
# much is a true gain, of at most a factor of 2.
#
# Momentum 0.5 does the same, for it adds up what agrees and cancels what turns. Its edge is even
# farther, at the product 3, as chapter 09 found.
#
# </details>
#
# ## A fair race
#
# So compare over rates: eight of them at batch size 128, five seeds, the best rate chosen on
# validation images. **Predict**: in the second figure, where the rate of DA-SGD and of momentum
# counts twice, which part of the curves merges?

# %%
guess(
    "13.g",
    "In the second figure the curves merge",
    ["left of the bottom", "right of it", "all along"],
)

# %%
grid = 0.1 * 2.0 ** np.arange(8)
typed, same, errors = {}, {}, {}
for name, rule in rules.items():
    runs = [train(rule(), grid, 128, 10, seed) for seed in range(5)]
    curve = np.array([run[2] for run in runs])
    k = np.mean([run[1] for run in runs], axis=0).argmin()
    typed[name], same[name] = (grid, curve.T), (grid if name == "SGD" else 2 * grid, curve.T)
    errors[name] = curve[:, k]
    mean, spread = curve[:, k].mean(), curve[:, k].std(ddof=1)
    print(f"best of {name}: rate {grid[k]}, test error {mean:.1f} ± {spread:.1f} %")
for first, second in (("DA-SGD", "SGD"), ("DA-SGD", "momentum 0.5")):
    against(f"each at its best, {first} against {second}", errors[first], errors[second])
alt = "Test error against the rate as typed in, with bands: SGD, DA-SGD and momentum 0.5."
plots.response(typed, "learning rate", "test error, %", alt=alt)
alt = "The same curves, those of DA-SGD and momentum moved right by a factor of 2."
plots.response(same, "rate, twice for DA-SGD and momentum", "test error, %", alt=alt)
left = [abs(np.log(same["SGD"][1][k + 1] / same["DA-SGD"][1][k]).mean()) for k in range(6)]
outcome("13.g", "left of the bottom" if max(left[:3]) < 0.1 < max(left[3:]) else "all along")

# %% [markdown] claims=["best of SGD[2]: 27.1 2.4 spread", "best of DA-SGD[2]: 25.6 1.7 spread", "best of momentum 0.5[2]: 23.4 1.8 spread"]
# <details><summary>What to see</summary>
#
# Against the rate as typed in, DA-SGD and momentum look better wherever SGD learns
# too slowly. Against the effective rate the left arms are one line; toward the wall they part, for
# there signs turn for a reason. At the best rates, all inside the grid: SGD 27.1 %, DA-SGD 25.6,
# momentum 0.5 23.4. The seeds do not decide between DA-SGD and SGD, and momentum 0.5 is ahead of
# DA-SGD.
#
# </details>
#
# ## Too good
#
# Here is DA-SGD as a loop. It runs, the loss falls, and faster than ever.


# %%
def suspect_run(gradient, w, learning_rate, steps):
    previous = gradient(w)
    for _ in range(steps):
        g = gradient(w)
        agree = np.sign(g) == np.sign(previous)
        g += agree * (g + previous) / 2
        w -= learning_rate * g
        previous = g
    return w


print("suspect:", suspect_run(lambda w: np.ones(1), np.zeros(1), 1.0, 10), "should be -19")

# %% [markdown]
# ### Exercise 13.4
# **Find the bugs**
#
# Write `accelerated_run` without them. `gradient(w)` returns an array of shape `(D,)`. It may
# return the *same* array at every call, filled anew, as networks do to save memory. Call it once
# for each step. Return the last w, a new array; leave the start as it is. For the slope of 1 expect
# -19; for gradients 1, -1, 1, -1 from a start at 0 expect 0.


# %% exercise="13.4"
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
check("13.4")

# %% [markdown]
# <details><summary>The worst of them</summary>
#
# Without a copy, `previous` *is* the new gradient as soon as `gradient` fills it anew. It agrees
# with itself in every weight, and the rule has become SGD at exactly twice the rate. The loss falls
# faster, so nobody looks for a bug.
#
# </details>
#
# ## The whole trial
#
# The package has a larger trial of the paper, with momentum and tuned SGD as rivals. The table sets
# each claim and each control beside what was measured. What the seeds do not settle is *undecided*;
# [chapter 15](15_fair_race.ipynb) builds the rule. `lrcourse reproduce da-sgd` runs it again.

# %%
from lrcourse import papers

papers.verdicts("da-sgd")

# %% [markdown] claims=["measured: mean of sizes below 32: 17.6 0.7 spread", "measured: mean of sizes below 32[4]: 17.3 0.05"]
# <details><summary>What to see</summary>
#
# At 33 times the paper's rates, for 33 times fewer updates, DA-SGD is ahead of SGD at 64, 128 and
# 256. At 32 ten seeds do not decide it, and so the paper's own claim, from 32 on, is undecided
# too. Below 32 the two have 17.6 and 17.3 %: undecided.
#
# The control decides more. SGD at 1.82 times the rate has the test error of DA-SGD at all six batch
# sizes, to within one point, and from 32 on the same training loss; at 8 and 16 its loss is lower.
# Tuned, SGD at 256 gains more than DA-SGD does. Momentum 0.5 at the same rate is not beaten. And a
# step of DA-SGD costs more than a tenth more, at every size.
#
# </details>
#
# ## At the paper's own scale
#
# Those were small images. These 112 runs, also saved, have the paper's scale: all 60,000 images of
# Fashion-MNIST, its network, 200 epochs, its pairs of batch size and rate from 32 on, with four
# seeds at 32 and 64 and ten above. Each has the control at 1.82 times the rate beside it, and
# momentum 0.5. The table has the claims that they can test.

# %%
own = papers.saved("da-sgd", scale="own")
rivals = {"SGD": "sgd", "SGD at 1.82": "sgd at 1.82 times the rate", "momentum 0.5": "momentum"}
for size in (32, 64, 128, 256):
    fast = trial.sample(own, "test_error", batch_size=size, arm="da-sgd")
    for name, arm in rivals.items():
        other = trial.sample(own, "test_error", batch_size=size, arm=arm)
        about = f"{size}: DA-SGD against {name}"
        print(trial.Comparison(fast, other, about=about, factor=100).show())
papers.verdicts("da-sgd", scale="own").tested()

# %% [markdown] claims=["32: DA-SGD against SGD:: 12.4 0.2 spread", "32: DA-SGD against SGD:[4]: 13.5 0.1 spread", "256: DA-SGD against SGD:: 15.9 0.1 spread", "256: DA-SGD against SGD:[4]: 18.0 0.1 spread", "32: DA-SGD against SGD at 1.82:[4]: 12.3 0.05", "64: DA-SGD against SGD at 1.82:[4]: 13.2 0.05", "128: DA-SGD against SGD at 1.82:[4]: 14.4 0.05", "256: DA-SGD against SGD at 1.82:[4]: 15.9 0.05", "64: DA-SGD against SGD at 1.82:: 13.2 0.05", "128: DA-SGD against SGD at 1.82:: 14.5 0.05", "32: DA-SGD against SGD at 1.82:[9]: 0.52 0.005", "64: DA-SGD against momentum 0.5:[7]: 0.21 0.005", "256: DA-SGD against momentum 0.5:[7]: 0.29 0.005", "32 and 64:[7]: -0.38 0.005", "28.7 ± 0.4 (10) against: 34.8 1.0 spread", "256: DA-SGD against SGD: < 256: DA-SGD against SGD:[4] by 2"]
# <details><summary>What to see</summary>
#
# The paper's first claim *holds*: from 32 on DA-SGD ends lower, from 12.4 % against 13.5 at 32 to
# 15.9 against 18.0 at 256. That it is faster holds, too: after a tenth of the epochs 28.7 against
# 34.8 at 256. Whether the gain is larger from 64 on than at 32 is *undecided*: between 32 and 64
# the difference is −0.38 points, and the claim asks for half a point.
#
# And the control does the same. SGD at 1.82 times the rate ends with 12.3, 13.2, 14.4 and 15.9 %,
# DA-SGD with 12.4, 13.2, 14.5 and 15.9; the widest interval, at 32, leaves room for 0.52 points.
# Momentum 0.5 is ahead at 64, 128 and 256, by 0.21 to 0.29 points. What the paper saw is
# true, and a larger rate does it as well.
#
# </details>
#
# ## What we learnt
#
# - On a slope that stays DA-SGD steps K times as far as SGD. With noise from the bell curve K runs
#   from 1.82 (noise) to 2 (none); in general it begins at $1.5 + f(0)E|z|$, 1.85 in our network.
# - At one rate, a larger step looks like a better rule. The control costs one line. At the paper's
#   own scale its claim holds, and so does the control.
# - What is left: the longer steps keep the edge of SGD, since no boost is given across a valley.
#   Momentum 0.5 has a farther edge, and in our race is ahead.
# - A bug that makes steps longer looks like success.
#
# **Next**: [Your rules in PyTorch](14_your_rules_in_pytorch.ipynb).

# %%
tally()

# %% [markdown]
# ## Further reading
#
# 1. Sungjae Ahn, *A Directional Gradient Acceleration Method In Mini-Batch Gradient Descent*,
#    International Journal of Engineering and Information Systems 6 (11), 2022, pages 22 to 30: the
#    source of the rule and of the claims. It names the comparison with momentum as future work.
# 2. R. Jacobs, *Increased rates of convergence through learning rate adaptation*, Neural Networks
#    1, 1988: delta-bar-delta, which raises a weight's rate as long as its sign stays.
# 3. K. Liang, L. Chen, B. Liu, Q. Liu, *Cautious Optimizers: Improving Training with One Line of
#    Code*, 2024, arXiv:2411.16085: steps only where gradient and momentum agree in sign.
