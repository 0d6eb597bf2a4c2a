# %% [markdown]
# # What a batch buys
#
# **Twice the batch, half the steps? Until when?**
#
# - **You will** count the steps to a goal at seven batch sizes, find two numbers that describe the
#   whole table, see what momentum is for, and choose a batch size by its price.
# - **Time**: about 75 minutes.
# - **You need**: the noise scale of [Batches](06_batches.ipynb), and [Momentum](09_momentum.ipynb).

# %% [markdown]
# ## Two ways to be slow
#
# You ask for the way down in fog. If you ask only one person at each corner, you are often sent
# astray. If you ask a thousand, their mean is right, but it hardly differs from that of five
# hundred.
#
# The images are the clothes of chapter 06, 14 by 14 pixels. A run draws its batches at random, and
# ends when it is below the goal, a *training* loss of 0.55. That is measured on 2,000 training
# images every time the steps have grown by 4 %. Runs that differ only in their rate train side by
# side, until `arrivals` of them are safely below the goal.

# %%
import numpy as np
from lrcourse import check, guess, load, nn, outcome, plots, tally, yours
from lrcourse.browser import IN_BROWSER
from lrcourse.data import halved
from lrcourse.measure import with_spread
from lrcourse.optim import SGD, Momentum


data, goal = halved(load("fashion-mini")), 0.55
(x, y), test = data.train, data.test


def layers():
    return [nn.Linear(196, 32), nn.ReLU(), nn.Linear(32, 10)]


# %%
def run(batch_size, rates, rule, seed, arrivals=1, images=1000 if IN_BROWSER else 2000):
    rng = np.random.default_rng(seed)
    network = nn.Network(layers(), rng, runs=len(rates))
    rates, steps, losses, weights = np.array(rates, "float32")[:, None], [], [], []
    with np.errstate(all="ignore"):  # rates that are too large diverge
        for step in range(1, 5000):
            batch = rng.integers(len(y), size=batch_size)
            network.loss_and_gradient(x[batch], y[batch])
            rule.step(network.w, network.g, rates)
            if step >= (1.04 * steps[-1] if steps else 4):
                steps.append(step)
                losses.append(network.loss(x[:images], y[:images]))
                weights.append(network.w.copy())
                below = np.mean(losses[-9:], axis=0) < goal - 0.02
                if len(losses) >= 9 and below.sum() >= arrivals:
                    break
    return np.array(steps), np.array(losses), weights


# %%
lines = {}
for rate in (1 / 16, 1 / 4):
    steps, losses, _ = run(8, [rate], SGD(), seed=1)
    lines[f"rate {rate}"] = steps, losses[:, 0].clip(0, 2.5)
lines["goal"] = steps, np.full(len(steps), goal)
alt = "Training loss against step on a log axis, two runs with batches of 8, beside the goal."
plots.curves(lines, "step", "training loss", log_x=True, alt=alt)

# %% [markdown]
# <details><summary>What to see</summary>
#
# The lines are jagged: a measurement may stand below the goal by luck while its neighbours do not.
# When has such a run arrived?
#
# </details>

# %% [markdown]
# ### Exercise 17.1
# **When has a run arrived?**
#
# Write `steps_to_target`. `steps` are the steps at which a run was measured, each about 4 % after
# the one before, and `losses` what was measured: two arrays of one shape (T,). The losses are those
# of a falling curve with noise on top. Return the step at which the *curve* passes the target, a
# number that need not be whole, and `np.inf` for a run that never gets there. A run that diverges
# has losses that are `inf` or `nan` from some step on. You pass if your steps are right to 2.5 % in
# the mean of 200 runs, and scatter by less than 6 %. Without noise, 1 % is asked for.


# %% exercise="17.1"
def steps_to_target(steps, losses, target):
    r"""Return the step at which the curve behind the losses passes the target, or inf."""
    ### BEGIN SOLUTION
    if len(steps) < 9:
        return np.inf
    mean, place = (np.convolve(each, np.ones(9) / 9, "valid") for each in (losses, steps))
    below = np.flatnonzero(mean <= target)
    if len(below) == 0:
        return np.inf
    k = max(below[0], 1)
    return np.interp(-target, -mean[k - 1 : k + 1], place[k - 1 : k + 1])
    ### END SOLUTION


# %%
check("17.1")

# %% [markdown]
# ## One rate for all
#
# The best rate for a batch of 8 is about 1/16, as you will see. **Predict**: batches of 128 instead
# of 8, at the same rate. How many steps?

# %%
guess("17.a", "Of the steps of 8, batches of 128 need", ["a sixteenth", "about half", "nearly all"])

# %%
arrival = yours("17.1")


def arrivals_of(batch_size, rates, rule, seed, *options):
    steps, losses, weights = run(batch_size, rates, rule, seed, *options)
    return [arrival(steps, each, goal) for each in losses.T], steps, weights


few = {}
for size in (8, 32, 128):
    few[size] = [arrivals_of(size, [1 / 16], SGD(), k)[0] for k in range(2 if IN_BROWSER else 5)]
    print(f"rate 1/16, batch {size}: {with_spread(few[size], 0)} steps")
share = np.mean(few[128]) / np.mean(few[8])
outcome("17.a", "a sixteenth" if share < 0.1 else "about half" if share < 0.7 else "nearly all")

# %% [markdown] claims=["rate 1/16, batch 8: 1645 120 spread", "rate 1/16, batch 32: 859 60 spread", "rate 1/16, batch 128: 693 30 spread", "rate 1/16, batch 128 < rate 1/16, batch 32 by 80", "rate 1/16, batch 32 < rate 1/16, batch 8 by 400"]
# <details><summary>What to see</summary>
#
# With sixteen times the batch a run still takes 693 of 1645 steps, and from 32 to 128 it saves
# about a fifth: 693 in place of 859. But a gradient with less noise would bear a longer step.
#
# </details>
#
# ## Its own rate for each
#
# So each batch size gets its own best rate, that with the fewest steps in the mean of three runs.
# Then five other seeds count the steps at that rate: one that was only lucky gains nothing by it.
# `sweep` does that for batches of 8 to 512, and keeps the test errors on arrival for later. A
# browser is slower: there one run chooses, two seeds count, and fewer images give the loss. What we
# say below is about all of them.
#
# **Predict**: from 8 to 16 twice the batch may save half of the steps. How many percent does it
# save from 256 to 512?

# %%
guess("17.b", "From 256 to 512 the steps fall by", within=2, unit="%")

# %%
sizes, judge = 2 ** np.arange(3, 10), nn.Network(layers(), np.random.default_rng(0), runs=5)


# To choose a rate: the seeds, the rates that must arrive in each, the images that give its loss.
tries, *options = (1, 1, 500) if IN_BROWSER else (3, 3, 1000)


def sweep(name, rates, rule, seeds=2 if IN_BROWSER else 5):
    chosen, (steps, wrong) = [], np.zeros((2, len(sizes), seeds))
    for row, size in enumerate(sizes):
        tried = [arrivals_of(size, rates, rule(), 100 + k, *options)[0] for k in range(tries)]
        best = np.mean(tried, axis=0).argmin()
        chosen.append(rates[best])
        for seed in range(seeds):
            (found,), at, weights = arrivals_of(size, [rates[best]], rule(), seed)
            k = np.clip(np.searchsorted(at, found), 2, len(at) - 3)
            judge.w = np.concatenate(weights[k - 2 : k + 3])
            steps[row, seed] = found
            wrong[row, seed] = 100 - 100 * judge.accuracy(*test).mean()
        print(f"{name}, batch {size}: {with_spread(steps[row], 0)} steps", end=", ")
        print(f"at rate {rates[best]:.3g}, number {best + 1} of {len(rates)}")
    return steps, wrong, chosen


plain, plain_wrong, plain_rates = sweep("SGD", 2.0 ** np.arange(-5, 1), SGD)
outcome("17.b", 100 - 100 * plain[-1].mean() / plain[-2].mean())

# %%
half = plain[0].mean() * sizes[0] / sizes
lines = {"measured": (sizes, plain), "half for twice": (sizes, half[:, None])}
alt = "Steps to the goal against batch size on log axes, and a line that halves at each doubling."
plots.response(lines, "batch size", "steps to the goal", log_y=True, alt=alt)

# %% [markdown] claims=["SGD, batch 8: 1645 120 spread", "SGD, batch 16: 862 110 spread", "SGD, batch 32: 477 29 spread", "SGD, batch 128: 240 38 spread", "SGD, batch 256: 209 22 spread", "SGD, batch 512: 185 18 spread", "SGD, batch 16 < SGD, batch 8 by 400", "SGD, batch 32 < SGD, batch 16 by 200"]
# <details><summary>What to see</summary>
#
# Every best rate is inside its grid. At first twice the batch takes about half the steps: 1645,
# 862, 477 for batches of 8, 16 and 32. Then the curve flattens. From 256 to 512 the steps go from
# 209 to 185, which is about the spread of single runs. At its own rate a batch of 128 takes 240
# steps; at the rate of batch 8 it took 693.
#
# </details>
#
# ## Why it ends
#
# In a bowl with the same curvature $\lambda$ in all directions, the mean loss after one step with
# the batch gradient of chapter 06 is
#
# $$L - \eta\,\lVert\nabla L\rVert^2 + \frac{\eta^2\lambda}{2}\left(\lVert\nabla L\rVert^2
# + \frac{\operatorname{tr}\Sigma}{B}\right)$$
#
# The best rate and what the step then gains are
#
# $$\eta = \frac{1/\lambda}{1 + B_c/B} \qquad\qquad
# \text{gain} = \frac{\lVert\nabla L\rVert^2}{2\lambda} \cdot \frac{1}{1 + B_c/B} \qquad\qquad
# B_c = \frac{\operatorname{tr}\Sigma}{\lVert\nabla L\rVert^2}$$
#
# If $B_c$ stays about the same on the way, a run with batches of B needs $1 + B_c/B$ times the
# steps of a run without noise [1]:
#
# $$S = S_{\min}\left(1 + \frac{B_c}{B}\right) \qquad\qquad
# E = S B = E_{\min}\left(1 + \frac{B}{B_c}\right) \qquad\qquad E_{\min} = S_{\min} B_c$$
#
# No run has fewer than $S_{\min}$ steps or $E_{\min}$ examples. At $B = B_c$, the *critical batch
# size*, you pay twice the least of both. And a step may be longer with a larger batch, up to
# $1/\lambda$.

# %% [markdown]
# ### Exercise 17.2
# **Two numbers from seven**
#
# Write `fit_batches`, which finds $S_{\min}$ and $B_c$ from a table: `sizes` and `steps` are arrays
# of one shape. What was measured scatters by some *percent* at every size, so large numbers of
# steps are off by more steps than small ones. Return the pair, $S_{\min}$ first. The check gives
# you steps without error, and wants both numbers to 0.2 %, and then 300 noisy tables, where yours
# may be off by a fifth more than those of a good fit.


# %% exercise="17.2"
def fit_batches(sizes, steps):
    r"""Return (S_min, B_c), for which S_min (1 + B_c / sizes) is near the steps."""
    ### BEGIN SOLUTION
    columns = np.stack([1 / steps, 1 / (sizes * steps)], axis=1)
    least, product = np.linalg.lstsq(columns, np.ones(len(steps)), rcond=None)[0]
    return least, product / least
    ### END SOLUTION


# %%
check("17.2")

# %%
fit = yours("17.2")


def report(name, steps):
    least, critical = fit(sizes, steps.mean(axis=1))
    fitted = least * (1 + critical / sizes)
    off = 100 * (fitted / steps.mean(axis=1) - 1)
    singles = np.array([fit(sizes, each) for each in steps.T])
    print(f"{name}: fit of the means S_min {least:.0f}, B_c {critical:.0f},", end=" ")
    print(f"off by {off.min():.1f} to {off.max():+.1f} %, at most {abs(off).max():.1f} %")
    print(f"{name}, each seed by itself: S_min {with_spread(singles[:, 0], 0)}", end=", ")
    print(f"B_c {with_spread(singles[:, 1], 0)}, E_min {with_spread(singles.prod(axis=1), 0)}")
    return singles, fitted


plain_fits, fitted = report("SGD", plain)
lines = {"measured": (sizes, plain), "fit": (sizes, fitted[:, None])}
alt = "Steps to the goal against batch size on log axes: measured with their band, and the fit."
plots.response(lines, "batch size", "steps to the goal", log_y=True, alt=alt)

# %% [markdown] claims=["SGD, each seed by itself: S_min: 160 18 spread", "SGD, each seed by itself: S_min[3]: 70 9 spread", "SGD, each seed by itself: S_min[5]: 11117 760 spread"]
# <details><summary>What to see</summary>
#
# Two numbers give the steps at seven sizes to some percent. Fitted to each seed, $S_{\min}$ is 160
# and $B_c$ is 70 in the mean, with a spread of over a tenth. By the formula no batch needs fewer
# examples than $E_{\min}$, 11117 in the mean. With batches of 70 the run needs about twice that. A
# batch half as large saves a quarter of the examples, and takes half as many steps again. One twice
# as large saves a quarter of the steps, and takes half as many examples again.
#
# </details>
#
# ## The other route
#
# The derivation names $B_c$: it is the noise over the signal, the *noise scale* of chapter 06. That
# can be measured along one single run.
#
# We take runs with batches of 64. At every sixth measurement a thousand copies of the network each
# get one image, so `g` holds a thousand single gradients. The square of their mean is too large by
# the noise over 1,000, which we take off. Noise and signal jump about, so we add up each over the
# steps of a run, and divide once at the end.
#
# **Predict**: how many times as large as the critical batch size is the noise scale?

# %%
guess("17.c", "Noise scale over critical batch size", within=1.5)

# %%
many = nn.Network(layers(), np.random.default_rng(0), runs=1000)


def signal_and_noise(w):
    many.w = np.broadcast_to(w, many.w.shape)
    many.loss_and_gradient(x[2000:3000, None], y[2000:3000, None])
    mean = many.g.mean(axis=0)
    noise = np.sum((many.g - mean) ** 2) / 999
    return mean @ mean - noise / 1000, noise


def noise_scales(name, rate, rule):
    scales, single = [], []
    for seed in range(5):
        _, steps, weights = arrivals_of(64, [rate], rule(), seed)
        pairs = np.array([signal_and_noise(w[0]) for w in weights[::6]])
        signal, noise = np.diff(steps[::6], prepend=0) @ pairs
        scales.append(noise / signal)
        single.extend(pairs[:, 1] / pairs[:, 0])
    print(f"{name}: noise scale of a run {with_spread(scales, 0)},", end=" ")
    print(f"at single moments from {min(single):.0f} to {max(single):.0f}")
    return np.mean(scales)


scale = noise_scales("SGD", plain_rates[3], SGD)
outcome("17.c", scale / fit(sizes, plain.mean(axis=1))[1])

# %% [markdown] claims=["SGD: noise scale of a run: 61 8 spread", "SGD: noise scale of a run[3] < SGD: noise scale of a run by 30", "SGD: noise scale of a run < SGD: noise scale of a run[4] by 150"]
# <details><summary>What to see</summary>
#
# The noise scale of a run is 61, and the critical batch size was 70: they differ by about the
# spread of either. That is closer than we may expect. At single moments the noise scale was lower
# by more than 30, and higher by more than 150. The derivation took one curvature for all directions
# and the best rate at each step. And chapter 06 found that the noise scale depends on the rate of
# the run.
#
# </details>
#
# ## What momentum is for
#
# Chapter 09 asked whether momentum is only a larger step in disguise. There the gradients had no
# noise. Now each batch size gets momentum 0.9, and again its own best rate.
#
# **Predict**: how many of the steps does momentum save with batches of 8? And of 512?

# %%
shares = ["under a quarter", "about half", "two thirds or more"]
guess("17.d", "Steps that momentum saves at 8", shares)

# %%
ball, ball_wrong, ball_rates = sweep("momentum", 2.0 ** np.arange(-8, 0), lambda: Momentum(0.9))
share = 1 - ball[0].mean() / plain[0].mean()
outcome("17.d", shares[int(share > 0.25) + int(share > 0.6)])

# %%
ball_fits, ball_fitted = report("momentum", ball)
ratios = plain_fits / ball_fits
print(f"S_min of SGD over that of momentum {with_spread(ratios[:, 0], 1)}")
print(f"B_c of momentum over that of SGD {with_spread(1 / ratios[:, 1], 1)}")
noise_scales("momentum", ball_rates[3], lambda: Momentum(0.9))
lines = {"SGD": (fitted * sizes, fitted), "momentum": (ball_fitted * sizes, ball_fitted)}
alt = "Fitted steps against fitted examples on log axes, a curve for SGD and one for momentum."
plots.curves(lines, "examples", "steps", log_x=True, log_y=True, alt=alt)

# %% [markdown] claims=["momentum, batch 8: 1446 320 spread", "momentum, batch 512: 52 5 spread", "momentum, each seed by itself: S_min: 28 5 spread", "momentum, each seed by itself: S_min[3]: 401 170 spread", "S_min of SGD over that of momentum: 5.9 1.9 spread", "momentum, each seed by itself: S_min[5]: 10650 1900 spread", "momentum: noise scale of a run: 54 8 spread"]
# <details><summary>What to see</summary>
#
# With batches of 8 momentum takes 1446 steps in place of 1645, and the spread is so wide that five
# seeds show no saving. With 512 it takes 52 in place of 185. Its $S_{\min}$ is 28 and its $B_c$
# 401. Compared with SGD both have changed by a factor near 5.9, with a spread of 2 or 3: say
# "several times". (And 28 is an extrapolation: no run had fewer than about 50 steps.)
#
# In the product we see no change: $E_{\min}$ is 10650 with momentum and 11117 without, within the
# spread. In the figure both curves come down beside nearly the same wall of examples, to another
# floor of steps. So momentum did not visibly get more out of an example. It got along in fewer
# steps, once there was little noise. That is what it is for here.
#
# The noise scale, 54, is about what it was for SGD. It knows the gradients and not the rule: for
# momentum it is several times below the critical batch size.
#
# </details>
#
# ## What does it cost?
#
# On one processor an example costs time, and a step hardly anything besides. On a thousand of them
# a step costs waiting and talking. Let a step cost $c_s$, and each of its examples $c_e$. Then a
# run costs $S\,(c_s + c_e B)$, and S falls with B as above.

# %% [markdown]
# ### Exercise 17.3
# **The cheapest batch**
#
# Derive for which B a run is cheapest, and write `cheapest(least, critical, step_price,
# example_price, most)`, for $S_{\min}$, $B_c$, $c_s$ and $c_e$. A batch holds 1 to `most` examples,
# and need not be whole. Return the tuple (batch size, price of the whole run): the price to 0.1 %,
# and the size to 1 %. For 100, 50, 200, 1 and `most` 1,000 expect 45,000 as the price.


# %% exercise="17.3"
def cheapest(least, critical, step_price, example_price, most):
    r"""Return (batch size, price) of the cheapest run to the goal."""
    ### BEGIN SOLUTION
    size = np.sqrt(critical * step_price / example_price)
    size = min(max(size, 1), most)
    return size, least * (1 + critical / size) * (step_price + example_price * size)
    ### END SOLUTION


# %%
check("17.3")

# %% [markdown]
# **Predict**: steps become a hundred times as dear. How many times as large is the cheapest batch?

# %%
guess("17.e", "The cheapest batch grows", within=1.2, unit="times")

# %%
best, both = yours("17.3"), {"SGD": plain, "momentum": ball}
for name, steps in both.items():
    for price in (1, 100, 10000):
        size, cost = best(*fit(sizes, steps.mean(axis=1)), price, 1, 4096)
        print(f"{name}, a step costs {price}: batch {size:.0f}, price {cost:,.0f}")
least, critical = fit(sizes, plain.mean(axis=1))
one, other = (best(least, critical, price, 1, 1e9)[0] for price in (10, 1000))
outcome("17.e", other / one)

# %% [markdown] claims=["SGD, a step costs 1: batch < SGD, a step costs 100: batch by 50", "SGD, a step costs 100: batch < SGD, a step costs 10000: batch by 500", "momentum, a step costs 10000: batch[2] < SGD, a step costs 10000: batch[2] by 1000000"]
# <details><summary>What to see</summary>
#
# The price is $S_{\min} (c_s + c_e B_c + c_e B + c_s B_c / B)$, lowest where the last two terms are
# equal: at $B = \sqrt{B_c\, c_s / c_e}$. A hundred times the price of a step makes the batch ten
# times as large. $B_c$ is the cheapest batch only if a step costs as much as $B_c$ examples.
#
# Where a step costs 10,000 examples, momentum is cheaper by more than 1,000,000 examples. (That is
# by the fits. No run had so large a batch.)
#
# </details>
#
# In the lab the grey curve joins all runs that cost as much as yours: what lies below is cheaper.

# %%
from lrcourse import labs

labs.price()

# %% [markdown]
# ## Does the test error mind?
#
# All runs arrived at one *training* loss. Is a network that got there with large batches worse on
# new images? We compare the smallest batch with three larger ones by the verdict of
# [chapter 15](15_fair_race.ipynb), at half a point.
#
# **Predict**: what will the verdicts be?

# %%
guess("17.f", "Of three larger batches, how many are worse?", [0, 1, 2, 3])

# %%
from lrcourse.papers import trial

worse = 0
for row in (2, 4, 6):
    a, b = (trial.Sample(tuple(plain_wrong[k].tolist())) for k in (0, row))
    compared = trial.Comparison(a, b, resolution=0.5, about=f"test error at 8 and {sizes[row]}")
    print(f"{compared.show()}: {compared.verdict()}")
    worse += compared.verdict() == trial.HOLDS
outcome("17.f", int(worse))

# %% [markdown] claims=["test error at 8 and 128[8] < test error at 8 and 128[7] by 0.7", "test error at 8 and 128[7] < test error at 8 and 128[9] by 0.7"]
# <details><summary>What to see</summary>
#
# None is found worse, and none is shown to be equal. With five seeds every interval holds 0 and
# reaches beyond half a point at one end at least: *undecided*, three times. Shallue and others [2]
# tuned many workloads, and found no evidence of a harm from large batches either.
#
# </details>
#
# ## A sweep that is too good
#
# `run(size, rate, seed)` trains once and returns the steps to the goal, `inf` if the run never gets
# there. The function below returns the steps of each size. `made_up_run` stands for the training:
# at batches of 8, 64 and 512 its best rates need 900, 200 and 112 steps, but for chance.


# %%
from lrcourse.exercises.chapter_17 import made_up_run


def suspect_sweep(run, sizes, rates, seeds):
    table = np.array([[[run(s, r, seed) for seed in seeds] for r in rates] for s in sizes])
    finite = np.isfinite(table)
    means = np.where(finite, table, 0).sum(axis=2) / np.maximum(finite.sum(axis=2), 1)
    chosen = np.where(finite.any(axis=2), means, np.inf)[0].argmin()
    return table[:, chosen].min(axis=1)


grid = [0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6]
print("suspect:", suspect_sweep(made_up_run, [8, 64, 512], grid, range(5)).round())
print("with three rates:", suspect_sweep(made_up_run, [8, 64, 512], grid[2:5], range(5)).round())

# %% [markdown]
# ### Exercise 17.4
# **Find the bugs**
#
# Write `fair_sweep`, which returns for each size the mean steps over the seeds at the size's own
# best rate: an array (sizes,), and `nan` for a size that these runs cannot judge. `sizes`, `rates`
# and `seeds` are lists; rates come in increasing order, and there are at least three. A size has
# one rate, the same for all its seeds. In the second line above the grid is 0.1, 0.2 and 0.4: what
# should it say?


# %% exercise="17.4"
def fair_sweep(run, sizes, rates, seeds):
    r"""Return the mean steps of each size at its own best rate, nan where that is not known."""
    ### BEGIN SOLUTION
    found = []
    for size in sizes:
        means = [np.mean([run(size, rate, seed) for seed in seeds]) for rate in rates]
        least = min(means)
        found.append(least if least < min(means[0], means[-1]) else np.nan)
    return np.array(found)
    ### END SOLUTION


# %%
check("17.4")

# %% [markdown]
# ## Four times the machines
#
# Your machine holds batches of 128. Tomorrow there will be four of them. How many steps will the
# run take? Today you can only try what fits.

# %% [markdown]
# ### Exercise 17.5
# **Four times the machines**
#
# Write `forecast(measure, budget, most, wanted)`. `measure(batch_size)` trains once with that whole
# number of examples, 1 to `most`, at its best rate, and returns the steps to the goal. Two such
# runs differ by some 8 %. All your runs together may look at `budget` examples, where one of s
# steps with batches of B looks at s B. Return the tuple (steps, examples) that you expect with
# batches of `wanted`, which is more than `most`.
#
# The check has 40 workloads with $S_{\min}$ from 30 to 400 and $B_c$ from 20 to 200, `most` 128 and
# `wanted` 512. The budget is that of sixteen runs with the largest batch. You pass if your steps
# are right to 7 %, as the root of the mean square.


# %% exercise="17.5"
def forecast(measure, budget, most, wanted):
    r"""Return (steps, examples) to expect with batches of wanted."""
    ### BEGIN SOLUTION
    sizes, found, spent, dearest = [most, most // 16], {}, 0, 0
    while len(found) < 2 or spent + 1.3 * dearest <= budget:
        size = sizes[len(found)] if len(found) < 2 else min(sizes, key=lambda s: len(found[s]))
        steps = measure(size)
        found.setdefault(size, []).append(steps)
        spent, dearest = spent + steps * size, max(dearest, steps * size)
    tried = np.array(list(found))
    means = np.array([np.mean(found[size]) for size in tried])
    columns = np.stack([1 / means, 1 / (tried * means)], axis=1)
    least, product = np.linalg.lstsq(columns, np.ones(len(tried)), rcond=None)[0]
    steps = least + product / wanted
    return steps, steps * wanted
    ### END SOLUTION


# %%
check("17.5")

# %% [markdown]
# And on the network? The rate between two sizes is taken on a line. **Predict**: the forecast for
# batches of 512, from batches up to 128, is off by how much?

# %%
words = ["over 25 % too low", "right to 25 %", "over 25 % too high"]
guess("17.g", "The forecast for 512 is", words)

# %%
ahead, seeds = yours("17.5"), iter(range(200, 10000))


def measure(batch_size):
    rate = np.interp(batch_size, sizes, plain_rates)
    return arrivals_of(int(batch_size), [rate], SGD(), next(seeds))[0][0]


steps, examples = ahead(measure, 300_000, 128, 512)
off = steps / plain[-1].mean() - 1
print(
    f"512 expected: {steps:.0f} steps, measured {with_spread(plain[-1], 0)}, so {100 * off:+.0f} %"
)
print(f"512 beside 128: steps times {steps / plain[4].mean():.2f}", end=", ")
print(f"examples times {4 * steps / plain[4].mean():.2f}")
outcome("17.g", words[int(off > -0.25) + int(off > 0.25)])

# %% [markdown] claims=["512 expected[2]: 185 18 spread", "512 beside 128: steps times < 512 beside 128: steps times[2] by 1.2"]
# <details><summary>What to see</summary>
#
# The forecast is right to a quarter, where 185 steps were measured. It says what matters: four
# times the machines leave well over a quarter of the steps, and want far more examples.
#
# </details>

# %%
tally()

# %% [markdown]
# ## What we learnt
#
# - With small batches a run needs about $E_{\min}$ examples, with large ones about $S_{\min}$
#   steps. One formula with two numbers, $S = S_{\min}(1 + B_c / B)$, gave the steps at seven sizes
#   to some percent, each with a best rate of its own.
# - The noise scale was near the critical batch size of SGD, and several times below that of
#   momentum.
# - With large batches momentum took several times fewer steps than SGD. With small ones, five seeds
#   showed no saving.
# - The cheapest batch is $\sqrt{B_c c_s / c_e}$. It depends on prices.
# - All that is for one goal on one small network. In language models $B_c$ was found to grow with
#   the data [5].
#
# **Next**: [The hidden rate](18_the_hidden_rate.ipynb). What does weight decay do to a rate?
#
# ## Further reading
#
# 1. S. McCandlish and others, *An Empirical Model of Large-Batch Training*, 2018, arXiv:1812.06162:
#    the formula, its derivation and the noise scale.
# 2. C. Shallue and others, *Measuring the Effects of Data Parallelism on Neural Network Training*,
#    JMLR 20(112), 2019, arXiv:1811.03600: steps to a goal on 35 workloads.
# 3. S. Ma, R. Bassily, M. Belkin, *The Power of Interpolation*, ICML 2018, arXiv:1712.06559: a
#    critical batch size that can be proved.
# 4. G. Zhang and others, *Which Algorithmic Choices Matter at Which Batch Sizes?*, NeurIPS 2019,
#    arXiv:1907.04164: momentum against the critical batch size.
# 5. H. Zhang and others, *How Does Critical Batch Size Scale in Pre-training?*, ICLR 2025,
#    arXiv:2410.21676: it grows with the data, and hardly with the model.
