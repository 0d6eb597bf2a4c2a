# %% [markdown]
# # A fair race
#
# **Eighteen methods and one network: which is best, and how would you know?**
#
# - **You will** watch a made-up method win, race every method of the course, make a winner of your
#   own, build the rule that says when a difference is one, and put five papers on trial.
# - **Time**: about 60 minutes.
# - **You need**: [Batches](06_batches.ipynb), [Momentum](09_momentum.ipynb), and at least one of
#   the chapters 08 and 10 to 13.

# %% [markdown]
# ## A winner by design
#
# *Pulsing descent* breathes: in a slow wave its steps are one to five times as long as plain ones.
# It is nonsense, made up for this page. We test it as many a method was tested: on real images,
# with three seeds, at one rate for both.

# %%
import numpy as np
from lrcourse import check, fit, load, nn, papers, plots
from lrcourse.optim import SGD, Rule

digits = load("digits")


class Pulse(Rule):
    state = ("t",)

    def begin(self, w):
        self.t = 0

    def update(self, w, g, learning_rate):
        self.t += 1
        w -= learning_rate * (3 + 2 * np.cos(self.t)) * g


def errors(rule, rates, seed):
    layers = [nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)]
    network = nn.Network(layers, np.random.default_rng(seed), runs=len(rates))
    rates, rng = np.reshape(rates, (-1, 1)), np.random.default_rng(seed)
    setting = dict(batch_size=32, epochs=5, rng=rng, progress=False)
    fit(network, digits.train, rule, learning_rate=rates, **setting)
    return 100 - 100 * network.accuracy(*digits.test)


# %% [markdown]
# **Predict**: who wins at the rate 0.01? By how much? And what does SGD do at 0.03?

# %%
for name, rule, rate in (("SGD", SGD, 0.01), ("Pulse", Pulse, 0.01), ("SGD", SGD, 0.03)):
    three = np.array([errors(rule(), [rate], seed) for seed in range(3)])
    print(f"{name:5} at {rate}: test error {three.mean():.1f} ± {three.std(ddof=1):.1f} %")

# %% [markdown] claims=["55.1 4", "19.7 2", "20.4 2"]
# **What to see.** A triumph: 19.7 % of errors instead of 55.1 %. Then the control. The mean of the
# wave is 3, and plain SGD at three times the rate has 20.4 %. Breathing did nothing. **A bigger
# step was sold as a better method.**
#
# At a rate too small for the old method, any rule that steps farther wins. So show the error over
# all rates, the **response curve**.

# %%
grid = 2.0 ** np.arange(-7, 2)
curves = {
    name: np.array([errors(rule(), grid, seed) for seed in range(3)]).T
    for name, rule in {"SGD": SGD, "Pulse": Pulse}.items()
}
lines = {name: (grid, curve) for name, curve in curves.items()}
alt = "Test error against rate: two valleys of one shape, that of Pulse lies to the left."
plots.response(lines, "learning rate", "test error, %", log_y=True, alt=alt)
for name, curve in curves.items():
    best = curve.mean(axis=1).argmin()
    print(f"{name:5} best: {curve[best].mean():.1f} ± {curve[best].std(ddof=1):.1f} %", end=" ")
    print(f"at rate {grid[best]:.3g}")

# %% [markdown] claims=["5.1 0.6", "4.6 0.6"]
# **What to see.** One valley, drawn twice. Pulse is far ahead on the left and hits the wall first.
# At their best rates the two have 5.1 and 4.6 %, less apart than the seeds are.
#
# ## The race
#
# Now all methods of the course: a dense network, 196-64-32-10, on clothes of 14 by 14 pixels;
# batches of 64, ten epochs, five seeds, the same starts and batches for all. Each method has its
# own rates, a factor of 2 apart, past its best on both sides. That took minutes, so it was run
# beforehand; `lrcourse reproduce race --seeds 5` does it again.
#
# Plain steps first, and those with a memory: mean of five seeds, and a band of one spread. The
# *best rate* has the lowest error on validation images, which no method learns from. **Predict**:
# who leads at the rate 1/128? Who at the lowest point?

# %%
from lrcourse.papers import race, trial

rows = papers.saved("race")
seeds = sorted({row["seed"] for row in rows})
print(len(rows), "runs of", len(race.METHODS), "methods with seeds", *seeds)
print({name: rows[0][name] for name in ("method", "learning_rate", "seed")})
print({name: rows[0][name] for name in ("validation_error", "test_error", "loss")})


def show(methods, alt):
    plots.response(race.lines(rows, methods), "learning rate", "test error, %", alt=alt, log_y=True)
    for method in methods:
        rate, test = race.best(rows, method)
        print(f"{method:16} {test.show(1, 100)} % at its best rate, {rate:.2g}")


alt = "Test error against rate: three like valleys, and two to their left that are a little deeper."
show(["SGD", "DA-SGD", "layer rates", "Momentum", "Nesterov"], alt)
for method in ("SGD", "DA-SGD", "layer rates", "Momentum"):
    at = trial.sample(rows, "test_error", method=method, learning_rate=1 / 128)
    print(f"{method:16} {at.show(1, 100)} % at 1/128")

# %% [markdown] claims=["27.4", "23.8", "23.6", "19.3", "20.3", "18.9"]
# **What to see.** At 1/128, SGD has 27.4 % of errors, DA-SGD 23.8 and the layer-wise rates 23.6:
# two discoveries. At their own best rates the three have 19.3, 20.3 and 18.9, within each other's
# bands. Momentum is ahead everywhere on the left, and a little at the bottom. Beyond the wall all
# of them guess, with 90 %: steps too long have switched nearly all their ReLUs off.
#
# Next, a rate for each weight, and signs only. For Rprop and iRprop- the rate is a factor on the
# steps that they own. **Predict** which curve never gets down.

# %%
alt = "Test error against rate: five wide valleys; AdaDelta's lies hundreds of times to the right."
show(["AdaGrad", "AdaDelta", "RMSprop", "Adam", "AdamW"], alt)
alt = "Test error against rate: Rprop is flat and high; iRprop- and signSGD are narrow valleys."
show(["Rprop", "iRprop-", "signSGD"], alt)

# %% [markdown] claims=["17.3", "18.8", "27.9", "1"]
# **What to see.** The five rates at the bottoms are thousands of times apart, the errors there only
# 17.3 to 18.8 %. To their right is a long slope, no wall. Rprop never gets below 27.9 %, by any
# factor: on mini-batches its steps collapse, as chapter 11 found. For iRprop- the best factor is 1,
# so the limits in its paper were well chosen.
#
# Last, schedules. **Predict**: does half a cosine help SGD, momentum and Adam? And which way does
# it move their curves?

# %%
alt = "Test error against rate: dashed lines, with a cosine, lie to the right and end lower."
show(["SGD", "Momentum", "Adam", "SGD, cosine", "Momentum, cosine", "Adam, cosine"], alt)

# %% [markdown] claims=["19.3", "17.7", "18.1", "16.7", "17.5", "16.0"]
# **What to see.** SGD goes from 19.3 to 17.7 %, momentum from 18.1 to 16.7, Adam from 17.5 to 16.0.
# And on the left the cosines are *worse*: their mean rate is half of the one typed in. It is the
# trick of the first page, upside down. At a small rate it would have made schedules look harmful.
#
# Now *you* sell a method. The lab holds the whole race. **Predict**: is there one rate at which
# plain SGD beats Adam? Find it. Then choose two methods of your own, and make the worse one win.

# %%
from lrcourse import labs

labs.winner()

# %% [markdown]
# **What to see.** The blue and the orange dots are five seeds each. At 1/128 Adam is far ahead. At
# 1/16 SGD beats it: SGD is near its best there, and Adam far beyond its own. The crosses do not
# move: they are the fair comparison, and there Adam is ahead. On the way to the right the line
# under the picture names a new winner again and again. The caption counts them, and the pairs in
# which some rate makes the worse method win. (Whoever tries many rates finds a few by chance, too.)
#
# Do you believe the file? Then run a part of it again.

# %%
about = {name: rows[0][name] for name in ("data", "network", "batch_size", "epochs")}
rates = [2.0**-5, 2.0**-3, 2.0**-1]
live = race.train(**about, method="Momentum, cosine", learning_rate=rates, seed=0)
for rate, run in zip(rates, live, strict=True):
    saved = trial.sample(rows, "test_error", method="Momentum, cosine", learning_rate=rate)
    print(f"rate {rate:<7}: test error now {run['test_error']:.2%}, saved {saved.values[0]:.2%}")

# %% [markdown]
# The same seed gives the same bits on one machine; on another a few images may differ.
#
# ## When is a difference one?
#
# Other starts and batches, another error. The mean of n seeds has the variance of a run, divided
# by n. For the difference of two means, the variances add:
#
# $$\text{margin} = t \sqrt{\frac{s_a^2}{n_a} + \frac{s_b^2}{n_b}} \qquad
# s^2 = \frac{1}{n - 1} \sum_{i=1}^{n} (x_i - \bar x)^2$$
#
# The factor t, from *Student's* table, is there since a spread guessed from few runs may be too
# small: 4.30 for two samples of two seeds, 2.78 for three, 2.31 for five. A difference within the
# margin may well be chance.

# %% [markdown]
# ### Exercise 15.1
# **The margin**
#
# Write `margin` for arrays `a` of shape (n,) and `b` of shape (m,), with 2 values or more each,
# and a number `t`. Return a number. Leave the inputs as they are. For a = 1, 2, 3, b = 2, 2, 5 and
# t = 2.78 expect 3.2100.


# %% exercise="15.1"
def margin(a, b, t):
    r"""Return t times the standard error of the difference of the means of a and b."""
    ### BEGIN SOLUTION
    return t * np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    ### END SOLUTION


# %%
check("15.1")

# %% [markdown]
# Take two *equal* methods, with a spread of 1 point over seeds, and compare them 20,000 times.
# **Predict** how often one of them "wins" if we ask: are the means more than half a point apart? Do
# the bars, mean ± s, not overlap? Is the difference over the margin? And how often does the margin
# find a true difference of 1 point?

# %%
rng = np.random.default_rng(0)
print("seeds   half a point   bars apart   over the margin   true point found   margin")
for n, t in {2: 4.30, 3: 2.78, 5: 2.31, 10: 2.10, 20: 2.02, 40: 1.99}.items():
    a, b = rng.normal(size=(2, 20_000, n))
    difference = a.mean(axis=1) - b.mean(axis=1)
    spread = a.std(axis=1, ddof=1), b.std(axis=1, ddof=1)
    bound = t * np.sqrt((spread[0] ** 2 + spread[1] ** 2) / n)
    shares = [abs(difference) > 0.5, abs(difference) > sum(spread), abs(difference) > bound]
    shares = [share.mean() for share in [*shares, difference + 1 > bound]]
    print(f"{n:5}", *(f"{share:14.1%}" for share in shares), f"{bound.mean():13.2f}")

# %% [markdown] claims=["54.2", "21.3", "8.3", "5.0", "15.3", "87.3", "2.14", "0.44"]
# **What to see.** With three seeds, one of two equal methods is half a point ahead in 54.2 % of all
# comparisons. Bars stay apart in 21.3 % with two seeds, in 8.3 % with three. The margin keeps to
# 5 %. The price: with three seeds it is 2.14 points, and finds a true point in 15.3 % of
# comparisons; with 20 seeds in 87.3 %. To tell *half* a point takes about 40 seeds: there the
# margin is 0.44. All this scales with the spread: at 0.3 instead of 1, five seeds do.
#
# ## Choose here, report there
#
# Whoever chooses a rate looks for low errors, lucky ones among them. So choose on **validation**
# images, and report on **test** images that had no part in it. (For Pulse we did not.) **Predict**:
# how many points better does a method look if its rate is chosen on the test images?

# %%
for few in (1, len(seeds)):
    lucky, fair = [], []
    for method in race.METHODS:
        for start in range(0, len(seeds) + 1 - few):
            part = [row for row in rows if start <= row["seed"] < start + few]
            lucky.append(trial.tuned(part, "test_error", method=method)[1].mean)
            fair.append(race.best(part, method)[1].mean)
    gain = 100 * (np.mean(fair) - np.mean(lucky))
    print(f"chosen by {few} seeds: on test images {gain:.2f} points lower than on validation")

# %% [markdown] claims=["0.23 0.02", "0.10 0.02"]
# **What to see.** With one seed 0.23 points, with five 0.10. That is little: each method tried some
# ten rates, most of them plainly bad. Luck grows with the settings that are nearly as good as the
# best, and it goes to whoever tries more.

# %% [markdown]
# ### Exercise 15.2
# **Choose and report**
#
# Write `fair_result`. `validation` and `test` are errors of one method, arrays of shape (seeds,
# rates), NaN in both where a run diverged. Choose the rate, number k, with the lowest *mean*
# validation error over seeds; a rate at which any seed diverged is no choice. Return the tuple
# `(k, mean, sd)`: mean and standard deviation (n - 1) of the test errors at that rate.
#
# For validation errors 20, 18, NaN of one seed and 22, 19, 10 of the other, and test errors 21, 19,
# NaN and 23, 20, 12, expect k = 1, mean 19.5 and sd 0.7071.


# %% exercise="15.2"
def fair_result(validation, test):
    r"""Return (k, mean, sd): the rate chosen by validation, and its test errors."""
    ### BEGIN SOLUTION
    k = np.nanargmin(validation.mean(axis=0))
    return k, test[:, k].mean(), test[:, k].std(ddof=1)
    ### END SOLUTION


# %%
check("15.2")

# %% [markdown]
# The package's version is `race.best`. *Room* is the factor between the lowest and the highest rate
# within 1 point of the best validation error: how wrong may a rate be? Then come verdicts: a
# difference counts if it is over the margin and over half a point.
# **Predict** the order from best to worst, and how many of 22 claims two, three and five seeds can
# decide.

# %%
from collections import Counter

order = sorted(race.METHODS, key=lambda method: race.best(rows, method)[1].mean)
print("method                best rate    test error, %   room")
for method in order:
    rate, test = race.best(rows, method)
    print(f"{method:20} {rate:10.2g}   {test.show(1, 100):>14}   {race.width(rows, method):4.0f}")

for count in (2, 3, 5):
    part = [row for row in rows if row["seed"] < count]
    verdicts = Counter(line[-1] for line in papers.verdicts("race", part).body)
    print(count, "seeds:", dict(verdicts))
papers.verdicts("race")

# %% [markdown] claims=["16.0", "16.4", "16.7", "17.7", "17.5", "17.3"]
# **What to see.** Three schedules lead, with 16.0, 16.4 and 16.7 %, on three different curves. SGD
# with a cosine, at 17.7, is level with Adam without one, at 17.5.
#
# Decided are: that Adam beats SGD, that a cosine helps momentum and Adam, that at four times its
# best rate Adam has 17.3 % where SGD guesses. *Undecided*, which is not equal: who wins the race,
# and whether momentum beats SGD or Adam beats momentum. All this on one network, and one set of
# 2,000 test images.
#
# ## A comparison with a winner
#
# Here is a comparison as one may find it. Errors have the shape (2 methods, seeds, rates), the old
# method first. Below 0 by more than the margin, the new one is better. Our made-up errors are those
# of *one* method: the new one has twice the step, so its curve is shifted by one rate. **Predict**
# how often it wins.

# %%
from lrcourse.exercises.chapter_15 import equal_methods


def buggy_difference(validation, test, t):
    k = test[1].mean(axis=0).argmin()
    old, new = test[:, :, k]
    margin = t * np.sqrt((old.var() + new.var()) / len(old))
    return (k, k), new.min() - old.min(), margin


won = [d < -m for _, d, m in (buggy_difference(*equal_methods(rng), 2.78) for _ in range(2000))]
print(f"the new method is better in {np.mean(won):.1%} of 2,000 comparisons")

# %% [markdown]
# ### Exercise 15.3
# **Find four bugs**
#
# Write `fair_difference` without them. Return the tuple `(k, difference, margin)`: the two rates'
# numbers, each chosen for its own method, old and new; new minus old mean test error; and the
# margin of exercise 15.1. No run diverges here. For 2 seeds, 2 rates, validation errors
# `[[[20, 16], [22, 17]], [[16, 19], [17, 22]]]`, test errors
# `[[[22, 17], [22, 18]], [[17, 20], [16, 23]]]` and t = 4.3 expect k = 1, 0, the difference -1 and
# the margin 3.0406.


# %% exercise="15.3"
def fair_difference(validation, test, t):
    r"""Return ((k_old, k_new), new minus old mean test error, margin)."""
    ### BEGIN SOLUTION
    k = validation.mean(axis=1).argmin(axis=1)
    old, new = test[0, :, k[0]], test[1, :, k[1]]
    margin = t * np.sqrt((old.var(ddof=1) + new.var(ddof=1)) / len(old))
    return k, new.mean() - old.mean(), margin
    ### END SOLUTION


# %%
check("15.3")

# %%
won = Counter()
for _ in range(500):
    validation, test = equal_methods(rng)
    k = validation.mean(axis=1).argmin(axis=1)
    old, new = (trial.Sample(tuple(test[m, :, k[m]])) for m in (0, 1))
    won[trial.lower(new, old)] += 1
print("The new method is better:", dict(won))

# %% [markdown]
# Without the bugs chance is left: a few false alarms of either kind in 500. Each bug favours the
# new method a little; together they let it beat a copy of itself almost every second time.
#
# ## Reading a paper
#
# Each of these questions has caught something in the five papers behind this course.
#
# 1. **Was the old method tuned as hard?** *Mini-batch iRprop-* (chapter 11) prints all limits of
#    its steps, and of the rate of ordinary steps not a word.
# 2. **Is the mean step the same?** *Layer-specific rates* (12) and *DA-SGD* (13) give old and new
#    method one rate. Yet their own steps are about twice as long.
# 3. **What is the benchmark?** *Sequences* (08) begins at 0.01, and compares with SGD at 0.001.
# 4. **How many runs?** *Layer-specific rates* has 10 and 5, with their spread; *Sequences* has one.
# 5. **Which images decided?** In *Sequences* the same ones steer the rate and give the accuracy.
# 6. **What else differs?** In *Schedules and adaptive methods* (07, 10) one schedule alone gets
#    momentum.
# 7. **Is the reason measured?** DA-SGD mends that larger batches "decrease the average value of the
#    gradient". They do not, as [chapter 06](06_batches.ipynb) measured.
# 8. **Is the nearest rival there?** DA-SGD leaves momentum to further research.
#
# A paper may fail on all of them and be right. The answer is to run it again. **Predict**, for each
# paper: which claims come out on its own terms, and which are left once the control has run?

# %%
from IPython.display import display

for name in papers.NAMES[:-1]:
    table = papers.verdicts(name)
    display(table)
    print(name, dict(Counter(verdict for *_, verdict in table.body)))

# %% [markdown]
# **What to see.** Look for pairs: a claim on the paper's own terms, and further down the same claim
# against its control. The rows and the rule of exercise 15.1 give the verdicts. What is *not tested
# at this scale* needs a larger machine: `lrcourse reproduce NAME --scale full`. And where a paper
# leaves something open, `papers.paper(NAME).open` says what we took.
#
# ## What we learnt
#
# - At one rate, the longer step wins. Compare response curves, and each method at its own best
#   rate.
# - Choose on validation images, report on test images, with mean, spread and number of seeds.
# - A difference counts if it is over the margin. With few seeds say *undecided*, and mean it.
# - Keep a control beside every claim: the old method with the same mean step.
# - In our race a schedule did as much as the rule.
#
# How big a step should a network take? As big as it can bear at first, and smaller at the end.
#
# **Next**: a paper of your own choice. Write down its claim, the control and the rule of your
# verdict, and only then run it.
#
# ## Further reading
#
# - D. Choi and others, *On Empirical Comparisons of Optimizers for Deep Learning*, 2019,
#   arXiv:1910.05446: what is tuned decides who wins.
# - R. Schmidt, F. Schneider, P. Hennig, *Descending through a Crowded Valley*, ICML 2021,
#   arXiv:2007.01547: fifteen optimizers, tuned and not.
# - X. Bouthillier and others, *Accounting for Variance in Machine Learning Benchmarks*, MLSys 2021,
#   arXiv:2103.03098: how many seeds, and what else should vary.
