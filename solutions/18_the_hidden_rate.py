# %% [markdown]
# # The hidden rate
#
# **Behind BatchNorm, weights of twice the size do the same. So what does weight decay do there,
# whose only business is to make weights smaller?**
#
# - **You will** measure by which angle a step turns the weights, derive the angle at which decay
#   and steps balance, hold it against runs, ask whether decay helps, and repair an AdamW.
# - **Time**: about 75 minutes.
# - **You need**: [BatchNorm](05_batchnorm.ipynb), [Adaptive rates](10_adaptive_rates.ipynb), and
#   the verdicts of [A fair race](15_fair_race.ipynb).

# %% [markdown]
# ## A size that does not matter
#
# The network has one hidden layer with BatchNorm, 196-32-10, and learns clothes of 14 by 14
# pixels, in batches of 64. Let $w$ be its first matrix, all 6,272 weights as one vector.
#
# **Predict**: $w$ is multiplied by 10. What happens to the output? And how long is the gradient?

# %%
from lrcourse import guess

guess("18.a", "The gradient's length, as a multiple of what it was", within=1.5)

# %%
import numpy as np
from lrcourse import check, load, nn, outcome, plots, tally, yours
from lrcourse.data import halved
from lrcourse.optim import SGD, Adam, AdamW, Momentum

data = halved(load("fashion-mini"))
images, validation, test = data.train, data.validation, data.test
N, EPOCH = 196 * 32, len(images[0]) // 64  # weights in w; steps in an epoch


def layers(**options):
    return [nn.Linear(196, 32), nn.BatchNorm(32, **options), nn.ReLU(), nn.Linear(32, 10)]


# %%
network, x, y = nn.Network(layers(), np.random.default_rng(0)), images[0][:64], images[1][:64]
w, lengths = network.w[:N], []
for size in (1, 10):
    w *= size
    network.loss_and_gradient(x, y)
    g = network.g[:N]
    lengths.append(np.linalg.norm(g))
    cosine = g @ w / (np.linalg.norm(w) * lengths[-1])
    print(f"w times {size}: first logit {network.forward(x)[0, 0]:.4f}", end=", ")
    print(f"length of the gradient {lengths[-1]:.4f}, its cosine with w {abs(cosine):.0e}")
outcome("18.a", lengths[1] / lengths[0])

# %% [markdown]
# <details><summary>What to see</summary>
#
# The output is the same, but for a last digit that BatchNorm's $\epsilon$ moves. The gradient is
# ten times shorter: the same turn of $w$ takes a move ten times as long. And it is at right angles
# to $w$, since along $w$ the loss does not change.
#
# </details>
#
# Such weights are *scale-invariant*: only their direction counts. A step of gradient descent at
# right angles to $w$ turns it by about
#
# $$\theta \approx \frac{\eta \lVert g \rVert}{\lVert w \rVert} = \frac{\eta}{\lVert w \rVert^2}\, G
# \qquad \text{with } \lVert g \rVert = \frac{G}{\lVert w \rVert}$$
#
# $G$ is the gradient's length where $w$ has length 1. So what acts is not the rate that you type
# in, but the *effective rate* $\eta / \lVert w \rVert^2$. It is hidden: it changes whenever
# $\lVert w \rVert$ does. We measure what it leads to, the angle.

# %% [markdown]
# ### Exercise 18.1
# **The angle of a step**
#
# Write `turn`. `before` and `after` are arrays of one shape, the weights before and after a step.
# Return the angle between them in radians, as one number, with all entries taken as one vector.
# The arrays may be float32, and angles down to 0.001 have to come out to 1 %. Leave the inputs as
# they are. For `[0.4, 0]` and `[0.3, 0.4]` expect 0.9273.


# %% exercise="18.1"
def turn(before, after):
    r"""Return the angle between two arrays of weights, taken as vectors, in radians."""
    ### BEGIN SOLUTION
    u, v = (np.ravel(each).astype(float) for each in (before, after))
    cosine = u @ v / (np.linalg.norm(u) * np.linalg.norm(v))
    return np.arccos(np.clip(cosine, -1, 1))
    ### END SOLUTION


# %%
check("18.1")

# %% [markdown]
# ## Without decay
#
# `train` trains several runs side by side, each with its rate $\eta$ and its decay $\lambda$ for
# $w$, and returns the network, and for each step and run the angle and the length of $w$. With
# decay, $w$ first shrinks by the factor $1 - \eta\lambda$, as in torch. All else has the rate 0.1
# and no decay. `times` makes $w$ longer at the start; the other options come later.

# %%
angle = yours("18.1")


def train(rates, decays=0, times=1, seed=0, epochs=10, rule=SGD, shape=None, inside=0, net=layers):
    rates, decays, times = np.float32(np.broadcast_arrays(rates, decays, times))[:, :, None]
    rng, rule = np.random.default_rng(seed), rule()
    network = nn.Network(net(), rng, runs=len(rates))
    w, rest, angles, norms = network.w[:, :N], network.w[:, N:], [], []
    w *= times
    for t in range(epochs * EPOCH):
        if t % EPOCH == 0:
            order = rng.permutation(len(images[1]))
        batch, part = order[t % EPOCH * 64 :][:64], shape(t) if shape else 1.0
        network.loss_and_gradient(images[0][batch], images[1][batch])
        before, g = w.copy(), network.g[:, :N] + inside * decays * w
        w *= 1 - (1 - inside) * part * rates * decays
        rule.step(w, g, part * rates)
        rest -= 0.1 * part * network.g[:, N:]
        angles.append([angle(*pair) for pair in zip(before, w, strict=True)])
        norms.append(np.linalg.norm(w, axis=1))
    return network, np.array(angles), np.array(norms)


# %% [markdown]
# Angles are averaged over an epoch as a root mean square; you will see why squares.
#
# **Predict**: three runs without decay, at constant rates of 0.1, 0.4 and 1.6. After ten epochs,
# how many times as far does a step turn $w$ at the largest rate as at the smallest?

# %%
guess("18.b", "The angle at rate 1.6 over that at 0.1, in epoch 10", within=1.5)


# %%
def by_epoch(angles):
    return np.sqrt((angles.reshape(-1, EPOCH, angles.shape[-1]) ** 2).mean(axis=1))


typed = [0.1, 0.4, 1.6]
free = [train(typed, seed=seed)[1:] for seed in range(3)]
found = np.array([by_epoch(angles) for angles, _ in free])
lengths = np.array([norms[EPOCH - 1 :: EPOCH] for _, norms in free])
for k, rate in enumerate(typed):
    print(f"rate {rate}: angle in epoch 1 {found[:, 0, k].mean():.4f}", end=", ")
    print(f"10 {found[:, 9, k].mean():.4f}; length of w", end=" ")
    print(f"{lengths[:, 0, k].mean():.1f}, then {lengths[:, 9, k].mean():.1f}")
lines = {f"rate {rate}": (range(1, 11), found[:, :, k].T) for k, rate in enumerate(typed)}
alt = "Angle of a step against epoch, for three constant rates without decay."
plots.response(lines, "epoch", "angle", log_x=False, log_y=True, alt=alt)
outcome("18.b", found[:, 9, 2].mean() / found[:, 9, 0].mean())

# %% [markdown] claims=["rate 0.1: angle in epoch 1: 0.0105 0.00005", "rate 0.1: angle in epoch 1[3]: 0.0113 0.00005", "rate 1.6: angle in epoch 1: 0.0679 0.00005", "rate 1.6: angle in epoch 1[3]: 0.0236 0.00005", "rate 0.1: angle in epoch 1[4]: 8.1 0.05", "rate 0.1: angle in epoch 1[5]: 8.7 0.05", "rate 1.6: angle in epoch 1[5]: 20.8 0.05"]
# <details><summary>What to see</summary>
#
# Sixteen times the rate, and in the end only about twice the angle: 0.0236 against 0.0113. A step
# at right angles to $w$ makes it longer (Pythagoras). At the rate 1.6 its length rises to 20.8, and
# the angle falls from 0.0679 to 0.0236. At 0.1 the steps are so short that the length only goes
# from 8.1 to 8.7. There the angle even rises, from 0.0105: $G$ has grown by more.
#
# Nobody lowered the rate. Behind BatchNorm and without decay, the effective rate falls by itself,
# the faster the larger it is.
#
# </details>
#
# ## Decay against steps
#
# Each step makes $w$ longer, each decay shorter. The longer $w$, the shorter its steps. So there is
# a length at which both are in balance.
#
#                     ηg
#             ┌─────────────────╱
#             │              ╱
#     (1-ηλ)w │           ╱   new w
#             │        ╱
#             │  θ  ╱
#             │  ╱
#             0
#
# **Predict**: the rates are 0.1, 0.4 and 1.6 again, each with a decay such that rate times decay is
# 0.002. In epoch 10, which run turns $w$ most?

# %%
guess("18.c", "The largest angle in epoch 10", ["at 0.1", "at 0.4", "at 1.6", "alike, to 5 %"])

# %% [markdown]
# ### Exercise 18.2
# **The balance**
#
# A step is $w \leftarrow (1 - \eta\lambda)\, w - \eta g$. The gradient is at right angles to $w$,
# and its length is `pull` over the length of $w$. Write `balance`, which returns `(norm, angle)`:
# the length of $w$ that a step does not change, and the angle, in radians, by which the step turns
# it. Give both exactly, for any $\eta\lambda$ between 0 and 1. For rate 0.5, decay 0.4 and pull 1.2
# expect a norm of 1 and an angle of 0.6435.


# %% exercise="18.2"
def balance(rate, decay, pull):
    r"""Return (norm, angle) of scale-invariant weights whose length a step does not change."""
    ### BEGIN SOLUTION
    kept = 1 - rate * decay
    norm = (rate**2 * pull**2 / (1 - kept**2)) ** 0.25
    return norm, np.arccos(kept)
    ### END SOLUTION


# %%
check("18.2")

# %% [markdown]
# Look at what is *not* in this *law* of the angle: no gradient, no loss, no data, no start. Seven
# kinds of runs, three seeds each: the three rates with the product 0.002, starts a quarter and four
# times as long, and products four times and a quarter as large. Each line has the law's angle, and
# which share of it was measured.

# %%
settled = yours("18.2")
rates = np.array([0.1, 0.4, 1.6, 0.4, 0.4, 0.4, 0.4])
decays = np.array([0.02, 0.005, 0.00125, 0.005, 0.005, 0.02, 0.00125])
starts = np.array([1, 1, 1, 1 / 4, 4, 1, 1])
runs = [train(rates, decays, starts, seed)[1:] for seed in range(3)]
held, lines = np.array([by_epoch(angles) for angles, _ in runs]), {}
lengths = np.array([norms[-1] for _, norms in runs]).mean(axis=0)
for k, (rate, decay, start) in enumerate(zip(rates, decays, starts, strict=True)):
    law, name = settled(rate, decay, 1.0)[1], f"{rate} x {decay}, start x {start:g}"
    share = held[:, :, k] / law
    print(f"{name}: law {law:.4f}, of it in epoch 1 {share[:, 0].mean():.2f}", end=", ")
    print(f"10 {share[:, 9].mean():.3f} ± {share[:, 9].std(ddof=1):.3f}, length {lengths[k]:.1f}")
    lines[name] = range(1, 11), share.T
alt = "Angle as a share of the law against epoch: seven kinds of runs, which draw near to 1."
plots.response(lines, "epoch", "angle / law", log_x=False, log_y=True, alt=alt)
even = held[:, 9, :3].mean(axis=0)
alike = even.max() < 1.05 * even.min()
outcome("18.c", "alike, to 5 %" if alike else f"at {rates[even.argmax()]}")

# %%
angles, norms = np.moveaxis([[each[:, 6] for each in run] for run in runs], 1, 0)
kept = 1 - 0.4 * 0.00125
G = np.tan(angles[:, 1:]) * kept * norms[:, :-1] ** 2 / 0.4
for name, pulls in (("the G of each step", G), ("a constant G", 0 * G + G[:, -EPOCH:].mean())):
    n, turned = norms[:, 0], []
    for pull in pulls.T:
        turned.append(np.arctan(0.4 * pull / n**2 / kept))
        n = np.hypot(kept * n, 0.4 * pull / n)
    share = np.sqrt(np.square(turned[-EPOCH:]).mean()) / law
    print(f"product / 4 by arithmetic, with {name}: {share:.3f}")

# %% [markdown] claims=["0.1 x 0.02, start x 1[5]: 0.993 0.0005", "0.4 x 0.005, start x 1[5]: 1.012 0.0005", "1.6 x 0.00125, start x 1[5]: 1.003 0.0005", "0.1 x 0.02, start x 1[7]: 2.8 0.05", "0.4 x 0.005, start x 1[7]: 5.5 0.05", "1.6 x 0.00125, start x 1[7]: 11.0 0.05", "start x 0.25[3]: 1.79 0.005", "start x 0.25[5]: 1.006 0.0005", "start x 4[3]: 0.06 0.005", "start x 4[5]: 0.962 0.0005", "0.4 x 0.02, start x 1[5]: 0.994 0.0005", "0.4 x 0.00125, start x 1[5]: 1.067 0.0005", "with the G of each step: 1.067 0.0005", "with a constant G: 1.010 0.0005"]
# <details><summary>What to see</summary>
#
# The rates are 16 times apart, and the angles in epoch 10 are 0.993, 1.012 and 1.003 of the law.
# The lengths are not alike: 2.8, 5.5 and 11.0. Each run has found the length at which its rate
# turns $w$ by the same angle. The start is forgotten, too: the short one begins at 1.79 of the law
# and ends at 1.006, the long one goes from 0.06 to 0.962, and is still on its way. With four times
# the product the law asks for twice the angle, and gets 0.994 of it.
#
# With a quarter it gets 1.067. Is that the start, or $G$, which grows as the network learns? The
# second cell is the control: Pythagoras alone, from the same start. With the $G$ measured at each
# step it gives 1.067 again, with that of epoch 10 all along only 1.010. So it is the growth: the
# balance moves, and with so small a product the length follows slowly.
#
# And why squares? Pythagoras adds squared lengths: the mean *squared* step balances the decay.
#
# </details>
#
# How long does it take? Put $s = \lVert w \rVert^4$. For small $\eta\lambda$, a step changes it by
# $-4\eta\lambda s + 2\eta^2 G^2$. So the gap to the balance shrinks by a factor $e$ in $1 /
# (4\eta\lambda)$ steps. A start that is $k$ times too *long* first has to shrink by decay alone,
# and that takes $\ln k / (\eta\lambda)$ steps more.
#
# The lab does this arithmetic with $G = 1$ and no network. **Predict** before you move: which way
# must you go on the map to keep the angle? And what changes on the way?

# %%
from lrcourse import labs

labs.turning()

# %% [markdown]
# <details><summary>What to see</summary>
#
# Along the falling diagonals rate times decay is the same, and so is the angle. Only the length in
# balance changes, and with it the time to get there. Where the edges stand upright, on the left,
# the balance is not reached in 1,000 steps.
#
# The goal takes the product 1/512 and, for instance, a ratio whose balance is at the start: the
# rate 1 from a length of 4, the rate 16 from 16, the rate 1/16 from 1.
#
# </details>
#
# ## Halve the rate
#
# You halve the rate and double the decay. The angle in balance stays. The length does not: by
# exercise 18.2 it goes, for small $\eta\lambda$, with $\sqrt{G}\,(\eta / \lambda)^{1/4}$. But Adam
# divides its steps by the size of the gradient. Does the same factor hold there?

# %% [markdown]
# ### Exercise 18.3
# **Halve the rate, keep the product**
#
# Write `halving_factor`. `run(rate, decay, steps)` trains with a rule that you do not know, from a
# start that need not fit, and returns the length of $w$ after each step, an array. Return the
# factor by which the length *in balance* changes if the rate is halved and rate times decay is
# kept, to 3 %. Lengths are noisy. In all you may ask for 80 / (rate × decay) steps.


# %% exercise="18.3"
def halving_factor(run, rate, decay):
    r"""Return the length in balance at half the rate and the same product, over that before."""
    ### BEGIN SOLUTION
    steps = int(25 / (rate * decay))
    before, after = run(rate, decay, steps), run(rate / 2, 2 * decay, steps)
    return after[steps // 5 :].mean() / before[steps // 5 :].mean()
    ### END SOLUTION


# %%
check("18.3")

# %% [markdown]
# **Predict**: now for the network. By which factor does the length change for Adam?

# %%
guess("18.d", "Adam: the length at half the rate, over that before", within=1.2)

# %%
factor, factors = yours("18.3"), {}
for name, rule, pair in (("plain steps", SGD, (0.4, 0.025)), ("Adam", Adam, (0.005, 2.0))):

    def run(rate, decay, steps, rule=rule):
        return train([rate], [decay], rule=rule, epochs=-(-steps // EPOCH))[2][:steps, 0]

    factors[name] = factor(run, *pair)
    print(f"{name}: half the rate, the same product: length times {factors[name]:.2f}")
outcome("18.d", factors["Adam"])

# %% [markdown] claims=["plain steps: half the rate, the same product: length times: 0.71 0.005", "Adam: half the rate, the same product: length times: 0.51 0.005"]
# <details><summary>What to see</summary>
#
# For plain steps it is 0.71: $\eta / \lambda$ falls to a quarter, and $(1/4)^{1/4}$ is $0.71$. For
# Adam it is 0.51. A step of Adam moves each weight by about $\eta$, however long $w$ is. In balance
# the step's squared length is $2\eta\lambda \lVert w \rVert^2$, so $\lVert w \rVert$ goes with
# $(\eta / \lambda)^{1/2}$: about a half.
#
# </details>

# %% [markdown]
# ### Exercise 18.4
# **An angle by appointment**
#
# The first matrix of a network for the digits starts three times too long. You want each step to
# turn it by 0.1, soon and for good. `turned(rate, decay, seed)` trains 300 steps and returns the
# angle of each. Write `rate_and_decay`, which returns the tuple `(rate, decay)`. You pass if,
# with three other seeds, the angle (root mean square over 50 steps) is between 0.085 and 0.115 in
# each of the five blocks from step 51 to 300.

# %%
from lrcourse.exercises.chapter_18 import turned

blocks = turned(0.4, 0.005, seed=0).reshape(6, 50)
print("rate 0.4, decay 0.005:", np.sqrt((blocks**2).mean(axis=1)).round(4))


# %% exercise="18.4"
def rate_and_decay():
    r"""Return (rate, decay), with which steps 51 to 300 turn the matrix by 0.1."""
    ### BEGIN SOLUTION
    # for rate in 2.0 ** np.arange(-2, 8):
    #     blocks = turned(rate, 0.005 / rate).reshape(6, 50)
    #     print(rate, np.sqrt((blocks**2).mean(axis=1)).round(3))
    return 32.0, 0.005 / 32
    ### END SOLUTION


# %%
check("18.4")

# %% [markdown]
# ## Decay is a rate that grows
#
# Let $\alpha = 1 - \eta\lambda$, and look at $v_t = w_t / \alpha^t$: the same direction, never
# shrunk. Divide the step by $\alpha^{t+1}$, and use $g(w_t) = g(v_t) / \alpha^t$:
#
# $$v_{t+1} = v_t - \frac{\eta}{\alpha^{2t+1}}\, g(v_t)$$
#
# This *twin* is plain descent at a rate that grows with every step. It goes through the very same
# functions. **Predict**: rate 0.4, decay 0.005, three epochs of 140 steps. How many times as large
# as at the first step is the twin's rate at the last?

# %%
guess("18.e", "The twin's last rate over its first", within=1.5)

# %%
twins, alpha = {}, 1 - 0.4 * 0.005
for name, decay in (("decay", 0.005), ("growing rate", 0.0)):
    twin = nn.Network(layers(epsilon=0), np.random.default_rng(0), dtype=float)
    w, rest, order = twin.w[:N], twin.w[N:], np.random.default_rng(1)
    for t in range(3 * EPOCH):
        batch = order.integers(len(images[1]), size=64)
        twin.loss_and_gradient(images[0][batch], images[1][batch])
        rate = 0.4 if decay else 0.4 / alpha ** (2 * t + 1)
        w *= 1 - rate * decay
        w -= rate * twin.g[:N]
        rest -= 0.1 * twin.g[N:]
    twins[name] = twin.forward(test[0])  # with the statistics of these images
    print(f"{name}: last rate {rate:.2f}, length of w {np.linalg.norm(w):.1f}")
apart, growth = abs(twins["decay"] - twins["growing rate"]).max(), rate / 0.4 * alpha
print(f"logits at most {apart:.0e} apart; last rate over first {growth:.1f}")
outcome("18.e", growth)

# %% [markdown] claims=["decay: last rate[2]: 5.6 0.05", "growing rate: last rate: 2.15 0.005", "growing rate: last rate[2]: 13.1 0.05", "last rate over first: 5.4 0.05"]
# <details><summary>What to see</summary>
#
# One run keeps its rate at 0.4 and $w$ at a length of 5.6. The twin's rate grows by a factor of
# 5.4, to 2.15, and its $w$ to 13.1. The logits are the same to rounding. What decay does behind
# BatchNorm, all of it, a rate could have done.
#
# For this, $\epsilon$ in BatchNorm is 0, and the test images are seen with their own statistics:
# BatchNorm's running means would lag behind a $w$ that grows.
#
# </details>
#
# ## Does it help?
#
# Decay is often said to keep a network simple. Here it cannot: the size of $w$ changes nothing.
# What it can do is lengthen the steps. Would a larger rate, typed in, do the same?
#
# Five seeds, eight epochs, half a cosine on all rates, five rates a factor of 4 apart, and for each
# a decay such that rate times decay is 0.002. Rates are chosen on validation images, errors are
# those of test images, and half a point counts. **Predict**: at how many of the five rates does
# "decay is lower" hold? And at the best rate of each?

# %%
from lrcourse.papers.trial import FAILS, HOLDS, NO_DIFFERENCE, UNDECIDED, Sample, lower
from lrcourse.schedules import Cosine

guess("18.f", "Lower with decay, each at its best rate", [HOLDS, FAILS, NO_DIFFERENCE, UNDECIDED])

# %%
powers = 0.025 * 4.0 ** np.arange(5)
cosine = Cosine(1.0, 8 * EPOCH)
error = np.zeros((2, 2, 5, 5))  # validation and test; without and with; seeds; rates
for seed in range(5):
    pairs = dict(rates=[*powers, *powers], decays=[*np.zeros(5), *0.002 / powers])
    network = train(**pairs, seed=seed, epochs=8, shape=cosine)[0]
    network.train(False)
    for part, held_out in enumerate((validation, test)):
        error[part, :, seed] = 100 - 100 * network.accuracy(*held_out).reshape(2, 5)
without, decayed = ([Sample(tuple(error[1, k, :, j])) for j in range(5)] for k in range(2))
for rate, a, b in zip(powers, without, decayed, strict=True):
    print(f"rate {rate:g}: {a.mean:.1f} ± {a.sd:.1f} %", end=", with decay ")
    print(f"{b.mean:.1f} ± {b.sd:.1f} %; lower: {lower(b, a, 0.5)}")
best = error[0].mean(axis=1).argmin(axis=1)
a, b = without[best[0]], decayed[best[1]]
print(f"best: {a.mean:.1f} ± {a.sd:.1f} % at {powers[best[0]]:g}", end=", with decay ")
print(f"{b.mean:.1f} ± {b.sd:.1f} % at {powers[best[1]]:g}; lower: {lower(b, a, 0.5)}")
lines = {name: (powers, error[1, k].T) for k, name in enumerate(["no decay", "decay"])}
plots.response(lines, "rate", "test error, %", alt="Test error against rate, with and without.")
outcome("18.f", lower(b, a, 0.5))

# %% [markdown] claims=["rate 0.025:: 20.8 0.05", "rate 0.025:[3]: 18.2 0.05", "rate 0.1:: 18.3 0.05", "rate 0.1:[3]: 17.5 0.05", "best:: 17.3 0.05", "best:[3]: 1.6 0", "best:[4]: 17.2 0.05", "best:[6]: 0.4 0"]
# <details><summary>What to see</summary>
#
# At two of the five, the smallest: 18.2 % against 20.8 at the rate 0.025, and 17.5 against 18.3 at
# 0.1. There the steps were too short. At 0.4 it is undecided, and at the two largest rates there is
# no difference that counts. Nor is there one if both have their best rate, 1.6 without decay and
# 0.4 with it: 17.3 and 17.2 %.
#
# So decay was *a bigger step in disguise*, like Pulse in chapter 15. Had it done more, that should
# have shown at the best rate. It did not, on one small network, with one product.
#
# </details>
#
# ## Adam: inside or beside?
#
# For plain steps it is the same whether the decay is added to the gradient, $g + \lambda w$ (L2
# regularization), or applied beside the step. For Adam it is not:
#
# $$\text{inside:}\quad w \leftarrow w - \eta\, \frac{\text{mean of } (g + \lambda w)}
# {\sqrt{\text{mean of } (g + \lambda w)^2}} \qquad
# \text{beside:}\quad w \leftarrow (1 - \eta\lambda)\, w - \eta\,
# \frac{\text{mean of } g}{\sqrt{\text{mean of } g^2}}$$
#
# Nine weights start at 1. Their gradients are pure noise, with deviations from 0.01 to 100; rate
# 0.001, decay 0.5, 1,000 steps, 200 repetitions. **Predict**: inside, which is pulled to 0 most?

# %%
choices = ["with the smallest gradients", "with the largest gradients", "all alike"]
guess("18.g", "Inside Adam, decay pulls most at weights", choices)

# %%
sizes, ends = 10.0 ** np.arange(-2, 2.5, 0.5), {}
for name, rule, decay in (("inside", Adam(), 0.5), ("beside", AdamW(weight_decay=0.5), 0.0)):
    rng, w = np.random.default_rng(0), np.ones((200, 9))
    for _ in range(1000):
        rule.step(w, sizes * rng.normal(size=w.shape) + decay * w, 0.001)
    ends[name] = w.mean(axis=0)
    print(f"{name}: what is left of 1 at gradients of 0.01: {w[:, 0].mean():.3f}", end=", ")
    print(f"of 1: {w[:, 4].mean():.3f}, of 100: {w[:, 8].mean():.3f}")
lines = {name: (sizes, end) for name, end in ends.items()}
alt = "What is left of a weight of 1 against the size of its gradients, decay inside and beside."
plots.curves(lines, "deviation of the gradient", "mean weight at the end", log_x=True, alt=alt)
apart = ends["inside"][8] - ends["inside"][0]
outcome("18.g", choices[0] if apart > 0.1 else choices[1] if apart < -0.1 else choices[2])

# %% [markdown] claims=["inside: what is left of 1 at gradients of 0.01:: 0.258 0.0005", "inside: what is left of 1 at gradients of 0.01:[3]: 0.632 0.0005", "inside: what is left of 1 at gradients of 0.01:[5]: 0.997 0.0005", "beside: what is left of 1 at gradients of 0.01:: 0.604 0.0005", "beside: what is left of 1 at gradients of 0.01:[5]: 0.608 0.0005"]
# <details><summary>What to see</summary>
#
# Inside, a weight with gradients of 0.01 is pulled down to 0.258, one with gradients of 1 to 0.632,
# and one with gradients of 100 stays at 0.997: the pull is $\lambda w$ over the size of
# $g + \lambda w$. Beside the step all nine are alike, from 0.604 to 0.608.
#
# </details>
#
# The decay beside the step is AdamW. Two conventions are in use. In torch and here, the decay is
# multiplied by the rate of the step. In the paper [2] it is multiplied by the schedule's factor
# only: a decay of 0.01 then shrinks by 1 % a step, in torch at rate 0.001 by 0.001 %. See which one
# a recipe means before you copy its numbers.

# %% [markdown]
# ### Exercise 18.5
# **Find three bugs**
#
# `suspicious_adamw` trains with AdamW by torch's convention, with the betas 0.9 and 0.999. `w` has
# P weights, and `names` a name for each, such as "0.W" for those of a matrix, "0.b" for a bias,
# "1.gamma" and "1.beta" for BatchNorm. Only weights of matrices shall decay. `gradient(w)` returns
# the gradient, and `rates` has one rate above 0 for each step. Write `adamw`, with the same
# arguments, so that it does what it says: first the weights shrink, then Adam's step is taken, with
# the gradient from before. Leave `w` as it is.


# %%
def suspicious_adamw(w, names, gradient, rates, decay):
    w, m, v, peak = w.copy(), np.zeros(len(w)), np.zeros(len(w)), max(rates)
    decays = decay * np.array([not name.endswith("b") for name in names])
    for t, rate in enumerate(rates, start=1):
        g = gradient(w)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        step, pull = rate * m / (1 - 0.9**t), peak * decays * w
        w = w - (step + pull) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w


# %% exercise="18.5"
def adamw(w, names, gradient, rates, decay):
    r"""Return the weights after a step of AdamW for each rate."""
    ### BEGIN SOLUTION
    m, v = np.zeros(len(w)), np.zeros(len(w))
    decays = decay * np.array([name.endswith("W") for name in names])
    for t, rate in enumerate(rates, start=1):
        g = gradient(w)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        step = rate * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        w = (1 - rate * decays) * w - step
    return w
    ### END SOLUTION


# %%
check("18.5")

# %% [markdown]
# ## Where the law ends
#
# It needs scale-invariant weights and plain steps. With momentum $\mu$ and the decay in the
# gradient, as in torch's SGD, each gradient acts over several steps. If gradients do not depend on
# each other, the angle in balance is $\sqrt{2\eta\lambda / (1 + \mu)}$ [4]. Without BatchNorm the
# length of $w$ is something that the network needs.


# %%
def bare():
    return [nn.Linear(196, 32), nn.ReLU(), nn.Linear(32, 10)]


for name, law, options in (
    ("momentum 0.9", np.sqrt(0.004 / 1.9), dict(rule=lambda: Momentum(0.9), inside=1)),
    ("no BatchNorm", np.sqrt(0.004), dict(net=bare)),
):
    last = [by_epoch(train([0.04], [0.05], seed=k, **options)[1])[9, 0] for k in range(3)]
    print(f"{name}: angle in epoch 10 {np.mean(last):.4f}, over its law", end=" ")
    print(f"{np.mean(last) / law:.2f} ± {np.std(last, ddof=1) / law:.2f}")

# %% [markdown] claims=["momentum 0.9: angle in epoch 10: 0.0459 0.00005", "momentum 0.9: angle in epoch 10[2]: 1.00 0.005", "no BatchNorm: angle in epoch 10[2]: 0.37 0.005"]
# <details><summary>What to see</summary>
#
# With momentum the angle is 0.0459, and that is 1.00 of its own law. Without BatchNorm it is 0.37
# of what the law would say. Nor does it say anything about $\gamma$, $\beta$ or the last layer,
# whose size matters.
#
# </details>
#
# ## What we learnt
#
# - Behind BatchNorm only the direction of the weights counts. What acts is the rate over their
#   squared length. Without decay the weights grow, so it falls by itself.
# - With decay the length comes to a balance, in which the cosine of the angle is $1 - \eta\lambda$:
#   an angle of about $\sqrt{2\eta\lambda}$, whatever the start and the data. The length depends on
#   the ratio of rate and decay.
# - A run with decay is a run without, whose rate grows. Decay gave fewer errors where the rate was
#   too small, and at the best rates no difference that counts.
# - Inside Adam decay spares weights with large gradients. Beside the step, in AdamW, it treats all
#   alike. Torch multiplies it by the rate.
#
# **Next**: [No end date](19_no_end_date.ipynb). Does a rate have to fall at all?

# %%
tally()

# %% [markdown]
# ## Further reading
#
# 1. T. van Laarhoven, *L2 regularization versus batch and weight normalization*, 2017,
#    arXiv:1706.05350: the effective rate.
# 2. I. Loshchilov, F. Hutter, *Decoupled weight decay regularization*, ICLR 2019, arXiv:1711.05101:
#    AdamW.
# 3. Z. Li, S. Arora, *An exponential learning rate schedule for deep learning*, ICLR 2020,
#    arXiv:1910.07454: decay as a rate that grows, with momentum too.
# 4. A. Kosson, B. Messmer, M. Jaggi, *Rotational equilibrium: how weight decay balances learning
#    across neural networks*, ICML 2024, arXiv:2305.17212: the angle, for SGD, Adam and Lion.
# 5. X. Wang, L. Aitchison, *How to set AdamW's weight decay as you scale model and dataset size*,
#    ICML 2025, arXiv:2405.13698: one over rate times decay as the time that weights remember.
