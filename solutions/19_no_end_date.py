# %% [markdown]
# # No end date
#
# **A schedule must know when the run will end. Can a mean of the weights do without? And must
# anybody choose a rate at all?**
#
# - **You will** average weights step by step, build the schedule-free rule and put it to a fair
#   test, plan a run that may be stopped at any time, and measure how much a rule forgives that sets
#   its own rate.
# - **Time**: about 75 minutes.
# - **You need**: [Schedules](07_schedules.ipynb), [Momentum](09_momentum.ipynb), the bias
#   correction of [Adaptive rates](10_adaptive_rates.ipynb), and the verdicts of [A fair
#   race](15_fair_race.ipynb).

# %% [markdown]
# ## An appointment
#
# Half a cosine falls to 0 at a step that you name before you start. What if the run is stopped
# earlier?
#
# The network and the clothes are those of chapter 10: 196-32-10, batches of 64, rates chosen on
# 1,000 validation images, errors of 2,000 test images. `five` trains with seeds 0 to 4, all rates
# side by side. A browser is slower and takes two of the seeds; what we say below is about all five.
# `Watch` measures both errors after each epoch, at the weights that a rule is judged by. A run has
# a warm-up of 35 steps, unless it says otherwise.

# %%
import numpy as np
from lrcourse import check, fit, guess, load, nn, outcome, plots, schedules, tally, yours
from lrcourse.browser import IN_BROWSER
from lrcourse.callbacks import LearningRateScheduler
from lrcourse.data import halved
from lrcourse.optim import EMA, SGD, Adam, DoG, Momentum, Nesterov, ScheduleFree

data = halved(load("fashion-mini"))
images, validation, test = data.train, data.validation, data.test
EPOCH, WARM = 141, 35  # in steps
STEPS = 5 * EPOCH

# %%
from lrcourse.exercises.chapter_19 import Watch


def five(rule, rates, shape, epochs=5, watching=Watch):
    found, rates = [], np.reshape(rates, (-1, 1))
    for seed in range(2 if IN_BROWSER else 5):
        rng, watch = np.random.default_rng(seed), watching(validation, test)
        layers = [nn.Linear(196, 32), nn.ReLU(), nn.Linear(32, 10)]
        network = nn.Network(layers, rng, runs=len(rates))
        follow = LearningRateScheduler(lambda t: shape(t) * rates, per="step")
        setting = dict(batch_size=64, epochs=epochs, rng=rng, progress=False)
        fit(network, images, rule(), learning_rate=rates, callbacks=[follow, watch], **setting)
        found.append(watch.errors)
    return np.moveaxis(found, 2, 0)  # validation and test; each (seeds, epochs, rates)


def warm(schedule):
    return schedules.Warmup(schedule, WARM)


def momentum():
    return Momentum(0.9)


flat = warm(schedules.Constant(1.0))  # a constant rate

# %% [markdown]
# Eight cosines start together at the rate 1/8, the first planned to end after epoch 1, the last
# after epoch 8. **Predict**: the last is stopped after 3 epochs. How many points is it behind the
# one that was planned for 3?

# %%
guess("19.a", "Points lost by stopping after 3 epochs of 8", within=1.5)

# %%
ends = np.arange(1, 9)
plans = [warm(schedules.Cosine(1.0, EPOCH * end - WARM)) for end in ends]
_, planned = five(momentum, [1 / 8] * 8, lambda t: np.array([[plan(t)] for plan in plans]), 8)
kept = planned[:, ends - 1, ends - 1]  # each at the end that it was planned for
lines = {"planned for 8 epochs": (ends, planned[:, :, 7].T), "planned for this end": (ends, kept.T)}
alt = "Test error against epoch for a cosine planned for 8 epochs, and for cosines that end there."
plots.response(lines, "epoch", "test error, %", log_x=False, alt=alt)
for end in (3, 8):
    early, meant = planned[:, end - 1, 7], kept[:, end - 1]
    print(f"stopped after {end}: {early.mean():.1f} ± {early.std(ddof=1):.1f} %,", end=" ")
    print(f"planned so {meant.mean():.1f} ± {meant.std(ddof=1):.1f} %")
outcome("19.a", planned[:, 2, 7].mean() - kept[:, 2].mean())

# %% [markdown] claims=["stopped after 3: 21.9 1 spread", "stopped after 3[3]: 18.9 0.3 spread", "stopped after 8: 17.4 0.4 spread", "stopped after 3[3] < stopped after 3 by 1.5"]
# <details><summary>What to see</summary>
#
# Stopped after 3 epochs the long cosine has 21.9 %; the one that was planned for 3 has 18.9. A run
# that is stopped early misses the part in which the rate falls. And after 8 epochs it is over, at
# 17.4 %: the rate is 0.
#
# </details>
#
# ## A mean is quieter
#
# The weights hop around, since each batch pulls another way. A falling rate makes the hops smaller.
# Or take their mean. The *plain mean* counts all weights alike, the first ones too. A *fading
# mean*, or EMA (exponential moving average), counts a step `decay` times as much as the next.

# %% [markdown]
# ### Exercise 19.1
# **A mean, step by step**
#
# Write `mean_step`. `mean` is the mean of the weights after steps 1 to `t - 1`, and `w` are those
# after step `t`, arrays of one shape. Return the mean of all `t`, in which each step counts `decay`
# times as much as the next, and all shares sum to 1. `decay` is above 0 and at most 1, and at 1
# this is the plain mean. The weights before step 1 do not count: at `t = 1` the result is `w`.
# Leave the inputs as they are. For `mean = [5, -5]`, `w = [10, 0]`, `t = 2`, `decay = 0.25` expect
# `[9, -1]`.


# %% exercise="19.1"
def mean_step(mean, w, t, decay):
    r"""Return the mean of the weights after t steps, from the mean after t - 1 and the last."""
    ### BEGIN SOLUTION
    share = 1 / t if decay == 1 else (1 - decay) / (1 - decay**t)
    return mean + share * (w - mean)
    ### END SOLUTION


# %%
check("19.1")

# %% [markdown]
# The package's `EMA` wraps a rule. It keeps $a \leftarrow \beta a + (1 - \beta) w$ from $a = 0$ and
# divides it by $1 - \beta^t$, as Adam does. Its $a$ alone, without the correction, stands beside.

# %%
averaged, rng = yours("19.1"), np.random.default_rng(0)
rule, w, mean = EMA(SGD(), decay=0.99), np.full(3, 5.0), np.zeros(3)
for t in range(1, 101):
    rule.step(w, rng.normal(size=3), 0.1)
    mean = averaged(mean, w, t, 0.99)
    if t in (1, 10, 100):
        apart = abs(mean - rule.evaluation_weights(w)).max()
        print(f"step {t}: at most {apart:.0e} apart; w {w.mean():.2f}", end=", ")
        print(f"mean {mean.mean():.2f}, without the correction {rule.a.mean():.2f}")

# %% [markdown] claims=["step 1: at most[3]: 4.98 0.005", "step 1: at most[4]: 0.05 0.005"]
# <details><summary>What to see</summary>
#
# The same, but for rounding. Without the correction the mean begins at 0.05, where w is at 4.98: it
# is mostly made of the 0 that it started from.
#
# </details>
#
# Now the noise. In a bowl with curvature $\lambda = 1$ a step is $w \leftarrow w - \eta\,(\lambda w
# + \xi)$, with noise $\xi$ of deviation 1. We start at 1, take 2,000 steps, and do that 400 times.
#
# **Predict**: with four times the rate the last $w$ hops about twice as far. And the plain mean of
# all $w$: how does its distance from the minimum change?

# %%
guess("19.b", "The mean's distance at four times the rate, as a multiple", within=1.5)

# %%
distances = {}
for rate in (0.1, 0.4):
    rng, w, path = np.random.default_rng(0), np.ones(400), []
    means = {decay: np.zeros(400) for decay in (1, 0.99)}
    for t in range(1, 2001):
        w = w - rate * (w + rng.normal(size=400))
        means = {decay: averaged(mean, w, t, decay) for decay, mean in means.items()}
        path.append([w[0], means[1][0], means[0.99][0]])
    distances[rate] = [np.sqrt(np.mean(each**2)) for each in (w, means[1], means[0.99])]
    print(f"rate {rate}: last w {distances[rate][0]:.3f}", end=", ")
    print(f"mean of all {distances[rate][1]:.3f}, fading mean {distances[rate][2]:.3f}")
lines = dict(zip(("w", "mean of all", "fading mean"), np.transpose(path)[:, :400], strict=True))
alt = "One weight against the step at rate 0.4, the mean of all its values, and a fading mean."
plots.curves(lines, "step", "w", alt=alt)
outcome("19.b", distances[0.4][1] / distances[0.1][1])

# %% [markdown] claims=["rate 0.1: last w: 0.223 0.0005", "rate 0.4: last w: 0.458 0.0005", "rate 0.1: last w[2]: 0.022 0.0005", "rate 0.4: last w[2]: 0.022 0.0005", "rate 0.1: last w[3]: 0.069 0.0005", "rate 0.4: last w[3]: 0.073 0.0005"]
# <details><summary>What to see</summary>
#
# The last w is 0.223 away from the minimum at rate 0.1, and 0.458 at 0.4. The mean of all is 0.022
# away at both. The fading mean is in between, at 0.069 and 0.073: it looks back some 100 steps, not
# 2,000. In the figure it follows w with a delay.
#
# </details>
#
# Why? All steps together have led from $w_0$ to $w_n$, so the mean of all gradients is
# $(w_0 - w_n)/(\eta n)$. It is also $\lambda \bar w + \bar\xi$, with the means of both. Hence
#
# $$\bar w = -\frac{\bar \xi}{\lambda} + \frac{w_0 - w_n}{\eta \lambda n}$$
#
# The rate is not in the first part, the noise. The second is what the start left behind; here a
# *larger* rate makes it smaller. So a mean lets us take large steps.
#
# ## Mean or schedule?
#
# Four shapes with momentum 0.9: constant, half a cosine, a straight line to 0, and *stable, then
# down*, constant with a line to 0 in the last 30 %, known as WSD (warm-up, stable, decay). Then the
# constant rate twice more, judged by the mean of all its weights and by their fading mean with a
# decay of 0.99. Each has five rates, a factor of 2 apart.
#
# **Predict** the verdict of chapter 15, at half a point: has the *fading* mean a lower error than
# the cosine?

# %%
from lrcourse.papers.trial import FAILS, HOLDS, NO_DIFFERENCE, UNDECIDED, Sample, edge_text, lower

guess("19.c", "The fading mean is lower than the cosine", [HOLDS, FAILS, NO_DIFFERENCE, UNDECIDED])

# %%
cosine = warm(schedules.Cosine(1.0, STEPS - WARM))
fall = warm(schedules.StableDecay(1.0, STEPS - WARM, 3 * STEPS // 10))
results, curves, powers = {}, {}, 2.0 ** np.arange(-6, -1)


def race(name, rule, shape, rates=powers, against="cosine"):
    chosen, error = five(rule, rates, shape)[:, :, -1]
    best = chosen.mean(axis=0).argmin()
    results[name], curves[name] = Sample(tuple(error[:, best])), (rates, error.T)
    verdict = lower(results[name], results[against], 0.5)
    said = f"; lower than {against}: {verdict}" * (name != against)
    print(f"{name} at {edge_text(rates[best], rates)}: {results[name].show()} %{said}")
    return verdict


race("cosine", momentum, cosine)
race("line", momentum, warm(schedules.Polynomial(1.0, STEPS - WARM)))
race("stable, then down", momentum, fall)
race("constant", momentum, flat)
race("mean of all", lambda: EMA(momentum(), decay=1 - 1e-9), flat)  # near enough to 1
outcome("19.c", race("fading mean", lambda: EMA(momentum()), flat))

# %% [markdown] claims=["cosine at[2]: 18.0 0.4 spread", "line at[2]: 18.1 0.2 spread", "stable, then down at[2]: 18.3 0.4 spread", "fading mean at[2]: 17.9 0.4 spread", "mean of all at[2]: 19.0 0.2 spread", "constant at[2]: 20.7 1.5 spread", "cosine at[2] < constant at[2] by 1", "cosine at[2] < mean of all at[2] by 0.5"]
# <details><summary>What to see</summary>
#
# Cosine, line, stable-then-down and the fading mean have 18.0, 18.1, 18.3 and 17.9 %. Five seeds
# cannot tell them apart: *undecided*, three times. That they are equal is not shown. The constant
# rate has 20.7 % by its last weights and 19.0 by the mean of all, which keeps the random first
# ones: *does not hold*, twice.
#
# Elsewhere, theory for the worst case puts the straight line first [3], and for language models a
# constant rate with a short fall was about level with the cosine [4].
#
# </details>
#
# ## Without a schedule
#
# The fading mean has a decay to choose. The plain mean has none, but the weights that it averages
# do not know of it. *Schedule-free* steps [2] have three points:
#
# - **z** takes plain steps, $z \leftarrow z - \eta g$, and may hop as it likes;
# - **x** is the mean of all z so far. It is what counts in the end;
# - **y** $= \beta x + (1 - \beta) z$ is between them, at $\beta = 0.9$ near to x. There the
#   gradient is taken.
#
# All begin at the first weights, and those do not count in the mean. Each z counts by the square of
# its rate, so a warm-up counts for little.

# %% [markdown]
# ### Exercise 19.2
# **A step without a schedule**
#
# Write `schedule_free_step`. `g` is the gradient at y, and `total` is the sum of the squares of all
# rates before this step. Return the tuple `(z, x, total, y)` after it, new arrays, and leave the
# inputs as they are. y is made of the new z and x. If the first rates are 0, z and x stay, and
# nothing may become `nan`. The rate and `total` are numbers, or arrays of shape (K, 1) for K runs
# side by side, where z, x and g have the shape (K, P); some of the K may be 0. For `z = 1`, `x =
# 2`, `total = 0.75`, `g = 4`, rate 0.5 and $\beta$ = 0.9 expect `z = -1`, `x = 1.25`, `total = 1`,
# `y = 1.025`.


# %% exercise="19.2"
def schedule_free_step(z, x, total, g, learning_rate, beta=0.9):
    r"""Return (z, x, total, y): a plain step, the mean of all z by squared rates, and y."""
    ### BEGIN SOLUTION
    z = z - learning_rate * g
    total = total + learning_rate**2
    x = x + learning_rate**2 / (total + (total == 0)) * (z - x)
    return z, x, total, beta * x + (1 - beta) * z
    ### END SOLUTION


# %%
check("19.2")

# %% [markdown]
# `yours` turns your step into a rule, `Free`. It is compared with the package's (and that, in the
# package's tests, with the authors' `schedulefree`). Then we look for the largest rate. With
# $\beta = 0$ the gradient is taken at z: plain descent and its mean.
#
# **Predict**: in a bowl of curvature 1 plain descent diverges from a rate of 2 on. Where is the
# edge of schedule-free steps with $\beta = 0.9$?

# %%
guess("19.d", "Edge with beta 0.9", within=1.5)

# %%
Free, rng = yours("19.2"), np.random.default_rng(0)
ours, theirs, mine, w = Free(), ScheduleFree(), np.ones(5), np.ones(5)
for t in range(60):
    g, rate = rng.normal(size=5), 0.1 * min(t, 20)
    ours.step(mine, g, rate)
    theirs.step(w, g, rate)
print(f"y at most {abs(mine - w).max():.0e} apart, x {abs(ours.x - theirs.x).max():.0e}")

# %%
for beta in (0, 0.5, 0.9):
    rates = np.geomspace(0.5, 50, 400)[:, None]
    rule, w = Free(beta=beta), np.ones((400, 1))
    with np.errstate(all="ignore"):
        for _ in range(3000):
            rule.step(w, w.copy(), rates)
    edge = rates[abs(rule.x) < 1].max()
    print(f"beta {beta}: the largest rate that arrives is {edge:.2f}")
outcome("19.d", edge)

# %% [markdown] claims=["beta 0: the largest rate that arrives is: 2.00 0.005", "beta 0.5: the largest rate that arrives is: 3.99 0.005", "beta 0.9: the largest rate that arrives is: 19.63 0.005"]
# <details><summary>What to see</summary>
#
# 2.00, 3.99 and 19.63 on our grid. After many steps one more z hardly moves x, so when z moves, y
# moves by $1 - \beta$ of that. The gradient answers as if the rate were $(1 - \beta)\,\eta$, and
# the edge is at $2/(1 - \beta)$: 20.
#
# </details>
#
# So schedule-free steps can have much larger rates: our seven go from 1/8 to 8. A *cold start*,
# without the warm-up, is the control. Two more rivals have a cosine and five rates: Nesterov's
# momentum, which also takes its gradient elsewhere, and Adam, which led the race of chapter 15.
#
# **Predict**: has schedule-free a lower error than the cosine with plain momentum? And after a cold
# start?

# %%
guess("19.e", "Schedule-free is lower than the cosine", [HOLDS, FAILS, NO_DIFFERENCE, UNDECIDED])

# %%
large = 2.0 ** np.arange(-3, 4)
verdict = race("schedule-free", Free, flat, large)
race("cold start", Free, schedules.Constant(1.0), large)
race("cold start, cosine", momentum, schedules.Cosine(1.0, STEPS))
race("Nesterov, cosine", lambda: Nesterov(0.9), cosine, against="schedule-free")
race("Adam, cosine", Adam, cosine, 2.0 ** np.arange(-8, -3), against="schedule-free")
for k in (0, 4):
    warmed, cold = (curves[name][1][k].mean() for name in ("schedule-free", "cold start"))
    print(f"rate {large[k]:g}: with a warm-up {warmed:.1f} %, cold {cold:.1f} %")
outcome("19.e", verdict)

# %% [markdown] claims=["schedule-free at: 2 0", "schedule-free at[2]: 16.6 0.4 spread", "cold start at[2]: 18.0 0.6 spread", "cold start, cosine at[2]: 17.8 0.4 spread", "rate 0.125: with a warm-up: 21.9 0.05", "rate 0.125: with a warm-up[2]: 21.9 0.05", "rate 2: with a warm-up: 16.6 0.05", "rate 2: with a warm-up[2]: 19.5 0.05", "rate 2: with a warm-up < rate 2: with a warm-up[2] by 1", "Nesterov, cosine at[2]: 17.6 0.3 spread", "Adam, cosine at[2]: 17.6 0.5 spread", "schedule-free at[2] < Nesterov, cosine at[2] by 0.5"]
# <details><summary>What to see</summary>
#
# Schedule-free has 16.6 % at the rate 2, which is 16 times the best rate of the cosine. It is lower
# than the cosine: *holds*.
#
# Look at the control. After a cold start schedule-free has 18.0 %, and whether it is lower than the
# cosine is undecided. For the cosine itself the warm-up decides nothing: it has 17.8 % without. At
# the rate 1/8 a cold start costs schedule-free nothing, 21.9 and 21.9 %; at the rate 2 the error is
# 19.5 in place of 16.6. So the 35 steps are needed for the larger rates.
#
# Nesterov with a cosine has 17.6 %: that it is lower than schedule-free *does not hold*. Adam has
# 17.6 % as well, but its seeds differ more: *undecided*.
#
# </details>
#
# ## Stop now
#
# Now *one* run of schedule-free steps at its best rate, and one of momentum with a fading mean at
# its own, measured after each epoch, beside the eight cosines that ended there.
#
# **Predict**: after how many of the 8 epochs does the verdict say that the one schedule-free run
# has a lower error than the cosine that was planned to end there?

# %%
guess("19.f", "Epochs at which the one run is lower, of 8")

# %%
_, free = five(Free, [2.0], flat, 8)
_, fading = five(lambda: EMA(momentum()), [1 / 16], flat, 8)
lines = {"planned for 8 epochs": (ends, planned[:, :, 7].T), "planned for this end": (ends, kept.T)}
lines |= {"fading mean": (ends, fading[:, :, 0].T), "schedule-free": (ends, free[:, :, 0].T)}
alt = "Test error against epoch: a cosine for 8 epochs, cosines that end there, and two means."
plots.response(lines, "epoch", "test error, %", log_x=False, alt=alt)
ahead = []
for end in ends:
    own, rival = Sample(tuple(free[:, end - 1, 0])), Sample(tuple(kept[:, end - 1]))
    ahead.append(lower(own, rival, 0.5))
    print(f"after {end}: schedule-free {own.show()} %, planned {rival.show()} %", end="; ")
    print(f"lower: {ahead[-1]}")
print("fading mean, by epoch:", ", ".join(f"{error:.1f}" for error in fading.mean(axis=0)[:, 0]))
outcome("19.f", ahead.count(HOLDS))

# %% [markdown] claims=["after 1: schedule-free: 20.0 0.4 spread", "after 1: schedule-free[4]: 22.2 0.6 spread", "after 8: schedule-free: 16.2 0.4 spread", "after 8: schedule-free[4]: 17.4 0.4 spread", "fading mean, by epoch:[8]: 17.2 0.05", "fading mean, by epoch:[5]: 17.9 0.05", "after 5: schedule-free[4]: 18.0 0.3 spread", "after 1: schedule-free < after 1: schedule-free[4] by 0.5", "after 2: schedule-free < after 2: schedule-free[4] by 0.5", "after 3: schedule-free < after 3: schedule-free[4] by 0.5", "after 4: schedule-free < after 4: schedule-free[4] by 0.5", "after 5: schedule-free < after 5: schedule-free[4] by 0.5", "after 6: schedule-free < after 6: schedule-free[4] by 0.5", "after 7: schedule-free < after 7: schedule-free[4] by 0.5", "after 8: schedule-free < after 8: schedule-free[4] by 0.5"]
# <details><summary>What to see</summary>
#
# At all eight, from 20.0 against 22.2 % after one epoch to 16.2 against 17.4 after eight. The
# fading mean of momentum is near the cosines later on: 17.9 against 18.0 after five, 17.2 against
# 17.4 after eight. One caution: all rates were chosen at five epochs, and 1/8 may not suit a cosine
# of one, or of eight.
#
# </details>
#
# In the lab, on the digits, find a method and a rate that come near the lowest error at *every*
# stop. **Predict**: which methods have one?

# %%
from lrcourse import labs

labs.stop_now()

# %% [markdown]
# <details><summary>What to see</summary>
#
# On these sliders only schedule-free gets there, at the rates 2 and 4. EMA comes close, with six of
# the seven stops, and the schedules with five. In the right panel the best rate of the cosine moves
# with the stop, from 1/16 at epoch 2 to 1/4 at epoch 8.
#
# </details>
#
# ## Save the right weights
#
# BatchNorm keeps running means of what it sees in training: the activations at y, where the
# gradient is taken. One more pass over the training images, forward only, gives those of x.

# %% [markdown]
# ### Exercise 19.3
# **Find three bugs**
#
# `suspicious_training` trains with schedule-free steps. After every `every` steps it measures, and
# in the end it returns the weights with the lowest error found, with the statistics for their
# BatchNorm. It is given three functions: `gradient(w)`, `statistics(w)`, which returns a new array,
# and `error(w, statistics)`; `w` is the start, an array, and `rates` has one rate above 0 for each
# step. Write `free_training`, with the same arguments, so that it does what it says. Leave `w` as
# it is.


# %%
def suspicious_training(gradient, statistics, error, w, rates, every, beta=0.9):
    z, x, total, lowest = w.copy(), w.copy(), 0.0, np.inf
    for t, rate in enumerate(rates, start=1):
        y = (1 - beta) * x + beta * z
        z -= rate * gradient(y)
        total += rate**2
        x += rate**2 / total * (z - x)
        if t % every == 0:
            measured = statistics(y)
            found = error(x, measured)
            if found < lowest:
                lowest, best, kept = found, x, measured
    return best, kept


# %% exercise="19.3"
def free_training(gradient, statistics, error, w, rates, every, beta=0.9):
    r"""Return (weights, statistics) with the lowest error, measured every so many steps."""
    ### BEGIN SOLUTION
    z, x, total, lowest = w.copy(), w.copy(), 0.0, np.inf
    for t, rate in enumerate(rates, start=1):
        y = beta * x + (1 - beta) * z
        z = z - rate * gradient(y)
        total += rate**2
        x = x + rate**2 / total * (z - x)
        if t % every == 0:
            measured = statistics(x)
            found = error(x, measured)
            if found < lowest:
                lowest, best, kept = found, x, measured
    return best, kept
    ### END SOLUTION


# %%
check("19.3")

# %% [markdown]
# ### Exercise 19.4
# **Stop at any time**
#
# Your machine is lent, and its owner will take it back after epoch 2, 3, 4, 5 or 6. The network has
# five hidden layers of 24, and batches have 32 images. `stopped(way, rate, seed)` trains it and
# returns the five errors on 1,000 images for practice, in percent. Write `any_time`, which returns
# the tuple `(way, rate)`. You pass if the mean error over the five stops, on other images and with
# five other seeds, is at most 18.2 %. Those images are harder: expect about one point more.

# %%
from lrcourse.exercises.chapter_19 import WAYS, stopped

print(WAYS)
print("cosine at 1/8:", [round(error, 1) for error in stopped("cosine", 1 / 8, seed=0)])


# %% exercise="19.4"
def any_time():
    r"""Return (way, rate): one of WAYS, and its rate, good whenever the run is stopped."""
    ### BEGIN SOLUTION
    # for way in ("EMA", "schedule-free"):
    #     for rate in 2.0 ** np.arange(-8, 2):
    #         print(way, rate, np.mean([stopped(way, rate, seed) for seed in range(3)]))
    return "schedule-free", 0.35
    ### END SOLUTION


# %%
check("19.4")

# %% [markdown]
# ## Must anybody choose a rate?
#
# What would a rate have to know? For convex losses theory says: the distance D from the start to
# the goal, over the root of the summed squares of all gradients. D is not known. *DoG*, distance
# over gradients [5], takes how far the weights have come:
#
# $$\eta_t = \frac{r_t}{\sqrt{\sum_{i \le t} \lVert g_i \rVert^2}} \qquad
# r_t = \max_{i \le t} \lVert w_i - w_0 \rVert \qquad w \leftarrow w - \eta_t\, g$$
#
# At first nothing has moved, so $r$ begins at a guess: `first` times $1 + \lVert w_0 \rVert$. If
# the guess is far too small, $r$ still grows with each step.
#
# Now eight guesses, a decade apart: for the rate of plain steps, the first guess of DoG, and the
# rate of Adam, whose default is 0.001. Five epochs, no warm-up. Each is judged by its last weights
# and by its fading mean. **Predict**: over how many of the seven decades is DoG's fading mean
# within 3 points of its best?

# %%
guess("19.g", "Decades of guesses within 3 points of DoG's best", within=1.5)


# %%
class Guesses(DoG):
    def __init__(self):
        self.first = 10.0 ** np.arange(-8, 0)[:, None]


class Both(Watch):  # the test errors of the last weights and of their mean
    def on_epoch_end(self, run):
        last = 100 - 100 * run.network.accuracy(*test)
        super().on_epoch_end(run)
        self.errors[-1][0] = last


decades = {"plain": (SGD, 10.0 ** np.arange(-6, 2)), "DoG": (Guesses, 10.0 ** np.arange(-8, 0))}
decades["Adam"] = (Adam, 10.0 ** np.arange(-7, 1))
constant, lines, at = schedules.Constant(1.0), {}, {}
for name, (rule, guesses) in decades.items():
    rates = np.ones(8) if name == "DoG" else guesses
    both = five(lambda rule=rule: EMA(rule()), rates, constant, watching=Both)[:, :, -1]
    for judged, error in zip(("last", "mean"), both, strict=True):
        at[name, judged], lines[name] = error, (guesses, error.T)
        print(f"{name}, {judged}:", *error.mean(axis=0).round(1), "%")
alt = "Test error of the mean against a guess over eight decades, for plain steps, DoG and Adam."
plots.response(lines, "rate, or DoG's first guess", "test error, %", log_y=True, alt=alt)

# %% [markdown]
# ### Exercise 19.5
# **How far off may a guess be?**
#
# Write `forgiven`. `run(guess)` trains with a guess, a number from `low` to `high`, and returns the
# error. The guesses whose error is at most `slack` above the lowest form one range. Return its
# width in decades (a decade is a factor of ten), right to 0.15 decades, with at most 80 runs. Near
# the lowest error the range may be narrow, or reach beyond `low` or `high`; then it ends there.


# %% exercise="19.5"
def forgiven(run, low, high, slack):
    r"""Return the decades from the smallest to the largest guess that is near enough."""
    ### BEGIN SOLUTION
    places = np.linspace(np.log10(low), np.log10(high), 49)
    errors = np.array([run(10**place) for place in places])
    enough = errors.min() + slack
    good, ends = np.flatnonzero(errors <= enough), []
    for inside, outside in ((good[0], good[0] - 1), (good[-1], good[-1] + 1)):
        inner, outer = places[inside], places[np.clip(outside, 0, 48)]
        for _ in range(8):
            middle = (inner + outer) / 2
            inner, outer = (middle, outer) if run(10**middle) <= enough else (inner, middle)
        ends.append(inner)
    return ends[1] - ends[0]
    ### END SOLUTION


# %%
check("19.5")

# %%
wide, found = yours("19.5"), {}
for name, (guesses, error) in lines.items():
    mean = np.mean(error, axis=1)

    def between(guess, guesses=guesses, mean=mean):
        return np.interp(np.log10(guess), np.log10(guesses), mean)

    found[name] = wide(between, guesses[0], guesses[-1], 3.0)
    print(f"guess of {name}: {found[name]:.1f} decades within 3 points of", end=" ")
    print(f"{mean.min():.1f} %, the worst guess has {mean.max():.1f} %")
for judged in ("last", "mean"):
    adam, dog = (Sample(tuple(at[name, judged][:, k])) for name, k in (("Adam", 4), ("DoG", 2)))
    print(f"{judged}: Adam at 0.001 {adam.show()} %, DoG at 1e-6 {dog.show()} %", end="; ")
    print(f"Adam lower: {lower(adam, dog, 0.5)}")
outcome("19.g", found["DoG"])

# %% [markdown] claims=["guess of DoG: 7.0 0.05", "guess of DoG[4]: 20.6 0.05", "last: Adam at 0.001: 20.9 0.4 spread", "last: Adam at 0.001[5]: 23.3 1.5 spread", "mean: Adam at 0.001: 21.0 0.5 spread", "mean: Adam at 0.001[5]: 19.4 0.4 spread", "guess of Adam[3]: 17.5 0.05", "guess of DoG[3]: 18.6 0.05", "guess of Adam < guess of DoG by 4", "guess of plain < guess of DoG by 4", "mean: Adam at 0.001[5] < mean: Adam at 0.001 by 0.5"]
# <details><summary>What to see</summary>
#
# DoG's fading mean stays within 3 points over all 7.0 decades; the worst has 20.6 %. For plain
# steps it is about half a decade and for Adam about one, read from straight lines between guesses.
#
# It is not the lowest error. Adam at 0.01 has 17.5 % in the mean, and DoG at its best guess 18.6.
# And if nobody tunes anything? By the last weights Adam's default has 20.9 %, and DoG at its
# authors' guess of 1e-6 has 23.3: Adam is lower. By the mean it is 21.0 against 19.4, and it does
# not hold that Adam is lower. So it depends on whether the weights are averaged.
#
# </details>
#
# ## What larger trials say
#
# *AlgoPerf* lets methods race for time to a goal over many tasks. In its first competition the
# prize for methods that need no tuning went to schedule-free AdamW, about 8 % faster than the
# baseline [6]. There, methods that set their own rate did poorly at their defaults, and with
# settings sought for all tasks at once still a little worse than a rule of Adam's family [7].
#
# ## What we learnt
#
# - Stopped early, a cosine is well behind one that was planned so.
# - In a bowl the plain mean comes as near at four times the rate.
# - Cosine, line, stable-then-down and the fading mean of a constant rate could not be told apart.
# - With a warm-up and a rate 16 times that of momentum, schedule-free steps were lower than the
#   cosine. Against Adam with a cosine it is undecided. Evaluate and save x, with its own BatchNorm
#   statistics.
# - DoG's fading mean forgave a first guess over seven decades. It did not have the lowest error.
#
# **Next**: [A step for a matrix](20_matrix_steps.ipynb).
#
# ## Further reading
#
# 1. B. Polyak, A. Juditsky, *Acceleration of stochastic approximation by averaging*, SIAM Journal
#    on Control and Optimization 30, 1992: the mean of all steps.
# 2. A. Defazio and others, *The road less scheduled*, NeurIPS 2024, arXiv:2405.15682.
# 3. A. Defazio and others, *Optimal linear decay learning rate schedules and further refinements*,
#    2023, arXiv:2310.07831.
# 4. A. Hägele and others, *Scaling laws and compute-optimal training beyond fixed training
#    durations*, NeurIPS 2024, arXiv:2405.18392.
# 5. M. Ivgi, O. Hinder, Y. Carmon, *DoG is SGD's best friend: a parameter-free dynamic step size
#    schedule*, ICML 2023, arXiv:2302.12022.
# 6. P. Kasimbeg and others, *Accelerating neural network training: an analysis of the AlgoPerf
#    competition*, ICLR 2025, arXiv:2502.15015.
# 7. P. Kasimbeg and others, *How far away are truly hyperparameter-free learning algorithms?*,
#    2025, arXiv:2505.24005.

# %%
tally()
