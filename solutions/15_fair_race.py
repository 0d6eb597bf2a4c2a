# %% [markdown]
# # A fair race
#
# **Eighteen methods and one network: which is best, and how would you know?**
#
# - **You will** watch a made-up method win, race every method of the course, build the rule that
#   says when a difference is one, decide with a budget of runs, and train a network of your own.
# - **Time**: about 90 minutes.
# - **You need**: [Batches](06_batches.ipynb), [Momentum](09_momentum.ipynb), and at least one of
#   the chapters 08 and 10 to 13.

# %% [markdown]
# ## A winner by design
#
# The steps of *pulsing descent*, made up for this page, are one to five times as long as plain
# ones, in a slow wave. We test it as many a method was tested: on real images, with three seeds, at
# one rate for both, 0.01. Then we look at SGD at 0.03. **Predict** what that gives.

# %%
from lrcourse import guess, outcome, tally

guess("15.a", "Test error of SGD at the rate 0.03", unit="%")

# %%
import numpy as np
from lrcourse import check, fit, load, nn, papers, plots, yours
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


# %%
for name, rule, rate in (("SGD", SGD, 0.01), ("Pulse", Pulse, 0.01), ("SGD", SGD, 0.03)):
    three = np.array([errors(rule(), [rate], seed) for seed in range(3)])
    print(f"{name} at {rate}: test error {three.mean():.1f} ± {three.std(ddof=1):.1f} %")
outcome("15.a", three.mean())

# %% [markdown] claims=["SGD at 0.01: test error: 55.1 0.05", "Pulse at 0.01: test error: 19.7 0.05", "SGD at 0.03: test error: 20.4 0.05"]
# <details><summary>What to see</summary>
#
# At 0.01 the new method wins by far: 19.7 % of errors instead of 55.1 %. Then the
# control. The mean of the wave is 3, and plain SGD at three times the rate has 20.4 %. **A bigger
# step was sold as a better method.**
#
# </details>
#
# So look at the error over all rates, the **response curve**.

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
    print(f"{name} at best: {curve[best].mean():.1f} ± {curve[best].std(ddof=1):.1f} %", end=" ")
    print(f"at rate {grid[best]:.3g}")

# %% [markdown] claims=["SGD at best: 5.1 0.05", "Pulse at best: 4.6 0.05"]
# <details><summary>What to see</summary>
#
# One valley, drawn twice. Pulse is far ahead on the left and diverges first. At
# their best rates the two have 5.1 and 4.6 %: is that a difference? In this chapter you build the
# rule that answers.
#
# </details>
#
# ## The race
#
# Now all methods of the course: a dense network, 196-64-32-10, on clothes of 14 by 14 pixels;
# batches of 64, ten epochs, twenty seeds. A seed draws the start, the batches, and which images are
# set aside for validation. Each method has rates of its own, a factor of 2 apart. The runs came
# with the package; `lrcourse reproduce race --seeds 20` does them again.
#
# Plain steps first, and those with a memory: the mean over seeds, and a band of one spread. The
# *best rate* has the lowest error on validation images, which no method learns from. Which method
# leads at the rate 1/128, and which at the lowest point?

# %%
from lrcourse.papers import race, trial
from lrcourse.papers.trial import FAILS, HOLDS, NO_DIFFERENCE, UNDECIDED, student

rows = papers.saved("race")
seeds = sorted({row["seed"] for row in rows})
print(len(rows), "runs with seeds", seeds[0], "to", seeds[-1])
print({name: rows[0][name] for name in ("method", "learning_rate", "seed", "test_error")})


def show(methods, alt):
    plots.response(race.lines(rows, methods), "learning rate", "test error, %", alt=alt, log_y=True)
    for method in methods:
        rate, test = race.best(rows, method)
        print(f"best of {method}: {test.show(1, 100)} % at rate {rate:.2g}")


for method in ("SGD", "DA-SGD", "layer rates", "Momentum"):
    at = trial.sample(race.part(rows, method), "test_error", learning_rate=1 / 128)
    print(f"at 1/128 {method}: {at.show(1, 100)} %")
alt = "Test error against rate: three like valleys, and two of the same shape to their left."
show(["SGD", "DA-SGD", "layer rates", "Momentum", "Nesterov"], alt)

# %% [markdown] claims=["at 1/128 SGD:: 27.3 0.05", "at 1/128 DA-SGD:: 23.6 0.05", "at 1/128 layer rates:: 23.5 0.05", "best of SGD:: 18.7 0.05", "best of DA-SGD:: 18.8 0.05", "best of layer rates:: 18.7 0.05", "best of Nesterov:: 17.3 0.05", "at 1/128 Momentum: < at 1/128 DA-SGD:"]
# <details><summary>What to see</summary>
#
# At 1/128, SGD has 27.3 % of errors, DA-SGD 23.6 and the layer-wise rates 23.5; momentum is ahead
# of them. At their own best rates the three have 18.7, 18.8 and 18.7, and Nesterov's 17.3 is the
# lowest of the five.
#
# </details>
#
# Next, a rate for each weight, and signs only. For Rprop and iRprop- the rate is a factor on their
# own steps.

# %%
alt = "Test error against rate: five wide valleys; AdaDelta's lies hundreds of times to the right."
show(["AdaGrad", "AdaDelta", "RMSprop", "Adam", "AdamW"], alt)
alt = "Test error against rate: three narrow valleys, one of them far above the others."
show(["Rprop", "iRprop-", "signSGD"], alt)

# %% [markdown] claims=["best of Adam:: 17.1 0.05", "best of AdaGrad:: 17.7 0.05", "best of AdaDelta:[4]: 8 0", "best of AdamW:[4]: 0.002 0", "best of Rprop:: 27.5 0.05"]
# <details><summary>What to see</summary>
#
# The five best rates lie between 0.002 and 8, the errors there only between 17.1 and 17.7 %. Rprop,
# whose steps collapse on mini-batches (chapter 11), has 27.5 % at best.
#
# </details>
#
# Last, schedules: half a cosine, for SGD, momentum and Adam. **Predict**: which way does it move
# their best rates?

# %%
guess("15.b", "With a cosine the best rate of all three is", ["lower", "the same", "higher"])

# %%
alt = "Test error against rate for three rules, and as dashed lines for the same with a cosine."
show(["SGD", "Momentum", "Adam", "SGD, cosine", "Momentum, cosine", "Adam, cosine"], alt)
ratios = [race.best(rows, f"{m}, cosine")[0] / race.best(rows, m)[0] for m in race.BUDGETED[:3]]
print("best rate with a cosine over that without:", *ratios)
outcome("15.b", "higher" if min(ratios) > 1 else "lower" if max(ratios) < 1 else "the same")

# %% [markdown] claims=["best of SGD:: 18.7 0.05", "best of SGD, cosine:: 17.5 0.05", "best of Momentum:: 18.0 0.05", "best of Momentum, cosine:: 16.8 0.05", "best of Adam:: 17.1 0.05", "best of Adam, cosine:: 16.2 0.05", "over that without:: 2 0", "over that without:[2]: 2 0", "over that without:[3]: 2 0"]
# <details><summary>What to see</summary>
#
# SGD goes from 18.7 to 17.5 %, momentum from 18.0 to 16.8, Adam from 17.1 to 16.2.
# For all three the best rate is higher by a factor of 2. On the left the cosines are *worse*: their
# mean rate is half of the one typed in.
#
# </details>
#
# The lab holds the whole race. Find a rate at which plain SGD beats Adam. Then choose two methods
# of your own, and make the worse one win.

# %%
from lrcourse import labs

labs.winner()

# %% [markdown]
# <details><summary>What to see</summary>
#
# At 1/16 SGD beats Adam: SGD is near its best there, and Adam far beyond its own. The crosses do
# not move: they are the fair comparison, and there Adam is ahead.
#
# </details>
#
# ## When is a difference one?
#
# Two methods that share start, batches and split share some of their luck, so we **pair** them:
# each seed gives one difference. With n differences $d_i$, their mean d has the error
#
# $$s = \frac{1}{\sqrt n} \sqrt{\frac{1}{n - 1} \sum_{i=1}^{n} (d_i - d)^2}$$
#
# and its 95 % interval is d ± t s. *Student's* t allows for a spread guessed from few seeds: with
# three it is 4.30, with ten 2.26, with many 1.96. If 0 is outside, chance alone hardly made d.
#
# But a sure difference may be too small to matter. So we name a **resolution** r before we look;
# here it is half a point. And "we saw no difference" is not "there is none". That gives four
# verdicts on the claim that the first method is lower:
#
# | verdict | if |
# |---|---|
# | holds | \|d\| is over r *and* over t s with t of 0.975, and d is below 0 |
# | does not hold | the same, and d is above 0 |
# | no difference that counts | \|d\| + t s is at most r, with t of 0.95 |
# | undecided | none of these |
#
# The third row is two tests in one, each at 5 %: d is below r, and above -r.

# %% [markdown]
# ### Exercise 15.1
# **The verdict**
#
# Write `my_verdict` for arrays `a` and `b` of shape (n,), errors of two methods with the same n
# seeds, and a number `resolution`. Return one of the four texts `HOLDS`, `FAILS`, `NO_DIFFERENCE`
# and `UNDECIDED`. `student(p, n - 1)` is Student's t of p for n seeds. Leave the inputs as they
# are. For a = 17, 19, 18 and b = 18.1, 20, 19.2 expect
# `HOLDS` at the resolution 0.5 and `NO_DIFFERENCE` at 2; with b turned around, `UNDECIDED` at 0.5.


# %% exercise="15.1"
def my_verdict(a, b, resolution):
    r"""Return HOLDS, FAILS, NO_DIFFERENCE or UNDECIDED on the claim that a is lower."""
    ### BEGIN SOLUTION
    n, d = len(a), (a - b).mean()
    s = (a - b).std(ddof=1) / np.sqrt(n)
    if abs(d) > max(resolution, student(0.975, n - 1) * s):
        return HOLDS if d < 0 else FAILS
    return NO_DIFFERENCE if abs(d) + student(0.95, n - 1) * s <= resolution else UNDECIDED
    ### END SOLUTION


# %%
check("15.1")

# %% [markdown]
# Try the rule where the truth is known: differences with a spread of 1 point over seeds, and a true
# mean of 0, of -0.3 (real, but below r) and of -1. **Predict**, for equal methods and three seeds:
# how often are the means over half a point apart?

# %%
guess("15.c", "Equal methods, three seeds: over half a point apart in", unit="%")

# %%
from collections import Counter

verdict, four = yours("15.1"), (HOLDS, FAILS, NO_DIFFERENCE, UNDECIDED)
rng, parted = np.random.default_rng(0), {}
print(*(f"t for {n} seeds: {student(0.975, n - 1):.2f}" for n in (3, 10, 1000)), sep="; ")
for true in (0, -0.3, -1):
    for n in (3, 5, 10, 20, 40):
        differences = rng.normal(true, 1, size=(2000, n))
        says = Counter(verdict(d, np.zeros(n), 0.5) for d in differences)
        parted[true, n] = 100 * np.mean(abs(differences.mean(axis=1)) > 0.5)
        shares = ", ".join(f"{name} {says[name] / 20:.1f} %" for name in four)
        print(f"true {true}, {n} seeds: half a point apart {parted[true, n]:.1f} %; {shares}")
print(f"a false verdict or more in 20 comparisons of equals: {100 - 100 * 0.95**20:.0f} %")
outcome("15.c", parted[0, 3])

# %% [markdown] claims=["true 0, 3 seeds: 38.9 0.05", "true 0, 3 seeds[2]: 2.2 0.05", "true 0, 3 seeds[3]: 2.0 0.05", "true 0, 40 seeds[4]: 85.9 0.05", "true 0, 3 seeds[4]: 1.4 0.05", "true -1, 3 seeds[2]: 16.4 0.05", "true -1, 5 seeds[2]: 38.6 0.05", "true -1, 10 seeds[2]: 80.6 0.05", "true -0.3, 40 seeds[5]: 56.9 0.05", "20 comparisons of equals:: 64 0.5"]
# <details><summary>What to see</summary>
#
# With three seeds, equal methods are half a point apart in 38.9 % of comparisons.
# The rule names a winner in 2.2 and 2.0 %, so it keeps to its 5 %. The price: it finds a true point
# in 16.4 %, with five seeds in 38.6, with ten in 80.6. That share is the **power**. And "no
# difference" takes seeds as well: 1.4 % with three, 85.9 with 40. A difference of 0.3, real but
# too small to matter, stays undecided with 40 seeds in 56.9 %.
#
# The last line is why one claim is not like twenty: of 20 comparisons of equals, one or more comes
# out wrong in 64 % of cases. So one names a few **primary** claims before the runs, and they
# share one 5 %: by *Holm's procedure* the clearest of m is tested at 5 % / m, the next at
# 5 % / (m - 1), until one stays undecided. The race has three, and 34 *secondary* claims at 5 %
# each: one or two of these may be wrong, and we cannot know which.
#
# </details>
#
# ## Choose here, report there
#
# A rate is chosen for its low error, and part of that is luck. So choose on **validation** images,
# and report on **test** images. (For Pulse we did not.)

# %% [markdown]
# ### Exercise 15.2
# **Choose and report**
#
# Write `fair_result`. `validation` and `test` are errors of one method, arrays of shape (seeds,
# rates), NaN in both where a run diverged. Choose the rate, number k, with the lowest *mean*
# validation error over seeds; a rate at which any seed diverged is no choice. Return the tuple `(k,
# mean, sd)`: mean and standard deviation (n - 1) of the test errors at that rate.
#
# For validation errors 20, 18, NaN of one seed and 22, 19, 10 of the other, and test errors 21, 18,
# NaN and 23, 21, 12, expect k = 1, mean 19.5 and sd 2.1213.


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
# The package does the same for the whole race. *Room* is the factor between the lowest and the
# highest rate within 1 point of the best validation error. Beside it stand what a step costs and
# the **probability to beat** the next method: the share of seeds in which it did.

# %%
from IPython.display import display


def percent(method, part):
    curve = trial.response(race.part(rows, method), f"{part}_error")
    return 100 * np.array([at.values for at in curve.values()]).T  # (seeds, rates)


k, mean, sd = yours("15.2")(percent("Adam", "validation"), percent("Adam", "test"))
print(f"Adam at its rate number {k}: {mean:.1f} ± {sd:.1f} %")
display(race.standings(rows))
order = race.ranked(rows, race.METHODS)
print("in front:", "; ".join(f"{m} {race.best(rows, m)[1].show(1, 100)} %" for m in order[:3]))

# %% [markdown] claims=["Adam at its rate number 5:: 17.1 0.05", "Adam at its rate number 5:[2]: 1.0 0.05", "in front: Adam, cosine: 16.2 0.05", "; Momentum, one cycle: 16.6 0.05", "; Momentum, cosine: 16.8 0.05"]
# <details><summary>What to see</summary>
#
# Your numbers for Adam, 17.1 ± 1.0 %, are those of the table. Three schedules
# lead: Adam with a cosine at 16.2 %, momentum with one cycle at 16.6 and with a cosine at 16.8.
# Neighbours in the table mostly beat each other in half of the seeds or a little more. And a step
# of Adam costs more than one of momentum, which a race over epochs does not show.
#
# </details>
#
# Now the verdicts.

# %%
says = {}
for pair in race.BETTER:
    a, b = (race.best(rows, method)[1] for method in pair)
    says[pair] = verdict(np.array(a.values), np.array(b.values), 0.005)
    odds, part = trial.beats(a, b).show(), trial.Comparison(a, b)
    shown = f"{100 * part.difference.mean:.2f} ± {100 * part.margin():.2f} points"
    print(f"{' against '.join(pair)}: {shown}, {says[pair]}; beats it in {odds}")

# %% [markdown] claims=["Adam against SGD:: -1.62 0.005", "Adam against Momentum:: -0.91 0.005", "Momentum against SGD:: -0.70 0.005", "Momentum against SGD:[2]: 0.71 0.005", "Adam against SGD:[3]: 85 0.5", "Adam against SGD, cosine:: -0.37 0.005", "SGD, cosine against SGD:: -1.25 0.005", "Adam, cosine against Adam:: -0.89 0.005"]
# <details><summary>What to see</summary>
#
# Adam beats SGD (-1.62 points) and momentum (-0.91), and a cosine helps all three
# rules (-0.89 to -1.25): these *hold*. Yet Adam is ahead of SGD in 85 % of seeds only. *Undecided*,
# which is not equal: whether momentum beats SGD (-0.70 ± 0.71), or Adam SGD with a cosine (-0.37).
#
# </details>
#
# All claims of the race, as they were locked, with what would decide the undecided ones:

# %%
table = papers.verdicts("race")
counted = Counter(found for *_, found in table.body)
said = ", ".join(f"{name} {count}" for name, count in counted.most_common())
print(f"All {len(table.body)} claims: {said}")
table

# %% [markdown] claims=["All 37 claims: holds: 20 0", "All 37 claims: holds[2]: 14 0", "Adam, cosine at 0.00781 and Momentum, one cycle at 0.0625:[7]: -0.44 0.005", "Adam, cosine at 0.00781 and Momentum, one cycle at 0.0625:[8]: -0.69 0.005", "Adam, cosine at 0.00781 and Momentum, one cycle at 0.0625:[9]: -0.18 0.005", "Nesterov at 0.0312 and Momentum at 0.0312:[7]: -0.72 0.005", "Momentum, tuned at 0.125 as Momentum 0.5 and Momentum at 0.0312: 18.3 0.05", "Momentum, tuned at 0.125 as Momentum 0.5 and Momentum at 0.0312:[4]: 18.0 0.05"]
# <details><summary>What to see</summary>
#
# Of 37 claims 20 hold and 14 are undecided. Who wins the race? Adam with a cosine
# is ahead of momentum with one cycle (-0.44 points). The interval, -0.69 to -0.18, leaves out 0, so
# the lead is sure; yet it is not surely over half a point, nor surely below: *undecided*. Nesterov
# is *not* as good as momentum, it is better (-0.72).
#
# *Momentum, tuned* has its momentum chosen with its rate, 0.9 among the choices: on the validation
# images it cannot lose to momentum 0.9. On the test images it has 18.3 % against 18.0, undecided:
# more trials find more luck. Whoever tunes more must show the gain on images that did not choose.
#
# Newer rules raced in a second part: [A step for a matrix](20_matrix_steps.ipynb) has the outcome.
#
# </details>
#
# ## It depends on the budget
#
# What if you can try only one rate, or two? Draw them at random from a method's grid, keep the one
# with the lowest validation error, and average over all draws: that is the test error to *expect*
# after so many trials. And another workload may have another winner: seven methods raced again with
# three epochs instead of ten, on handwritten digits, and on patches of photographs.

# %%
alt = "Test error to expect against the number of rates tried, 1 to 8, for seven methods."
budgets = race.by_trials(rows)
plots.response(budgets, "rates tried", "test error, %", alt=alt, log_y=True)
for place, count in enumerate(race.TRIALS):
    expected = {method: np.mean(found[place]) for method, (_, found) in budgets.items()}
    order = sorted(expected, key=expected.get)
    print(f"{count} tried:", "; ".join(f"{method} {expected[method]:.1f} %" for method in order))
for workload in ("clothes", *race.ELSEWHERE):
    print(f"{workload}, by validation error:")
    for method in race.ranked(rows, race.BUDGETED, workload):
        test = race.best(rows, method, workload)[1]
        print(f"  {workload} {method}: test error {test.show(1, 100)} %")

# %% [markdown] claims=["1 tried: Adam: 19.8 0.05", "1 tried: Adam[2]: 22.3 0.05", "1 tried: Adam[6]: 32.5 0.05", "2 tried: Adam, cosine: 17.8 0.05", "8 tried: Adam, cosine: 16.4 0.05", "8 tried: Adam, cosine[2]: 16.6 0.05", "patches Momentum, one cycle: test error: 28.7 0.05", "patches Adam: test error: 36.2 0.05", "patches Momentum: test error: 32.0 0.05"]
# <details><summary>What to see</summary>
#
# With one trial Adam leads, at 19.8 %, before its cosine, at 22.3: in a wide
# valley a blind choice costs less. From two trials on the cosine is ahead, at 17.8 %. Momentum with
# one cycle goes from nearly the last place, 32.5 %, to the second, 16.6 behind 16.4.
#
# On patches the order turns around: momentum with one cycle leads at 28.7 %, and Adam has 36.2, far
# behind momentum's 32.0. On all four workloads a method with a schedule has the lowest error, not
# always the same one.
#
# </details>
#
# ## A comparison with a winner
#
# Here is a comparison as one may find it. Errors have the shape (2 methods, seeds, rates), the old
# method first; below 0 by more than the margin, the new one is better. Our made-up errors are those
# of *one* method: the new one has twice the step, so its curve is shifted by one rate. **Predict**
# how often it wins.

# %%
guess("15.d", "The new method is better in", unit="% of comparisons")

# %%
from lrcourse.exercises.chapter_15 import equal_methods


def found_difference(validation, test, t):
    k = test[1].mean(axis=0).argmin()
    old, new = test[:, :, k]
    margin = t * (new - old).std() / np.sqrt(len(old))
    return (k, k), new.min() - old.min(), margin


won = [d < -m for _, d, m in (found_difference(*equal_methods(rng), 4.3) for _ in range(2000))]
print(f"found: the new method is better in {100 * np.mean(won):.1f} % of comparisons")
outcome("15.d", 100 * np.mean(won))

# %% [markdown]
# ### Exercise 15.3
# **Find four bugs**
#
# Write `fair_difference` without them. Return the tuple `(k, difference, margin)`: the numbers of
# the two rates, old and new; new minus old mean test error; and t times its error, seed by seed. No
# run diverges here. Leave the inputs as they are. For 2 seeds, 2 rates, validation errors `[[[20,
# 16], [22, 17]], [[16, 19], [17, 22]]]`, test errors `[[[22, 17], [22, 18]], [[17, 20], [16, 23]]]`
# and t = 4.3 expect k = 1, 0, the difference -1 and the margin 4.3.


# %% exercise="15.3"
def fair_difference(validation, test, t):
    r"""Return ((k_old, k_new), new minus old mean test error, margin)."""
    ### BEGIN SOLUTION
    k = validation.mean(axis=1).argmin(axis=1)
    old, new = test[0, :, k[0]], test[1, :, k[1]]
    margin = t * (new - old).std(ddof=1) / np.sqrt(len(old))
    return k, new.mean() - old.mean(), margin
    ### END SOLUTION


# %%
check("15.3")

# %%
corrected, before = yours("15.3"), 100 * np.mean(won)
won = [d < -m for _, d, m in (corrected(*equal_methods(rng), 4.3) for _ in range(2000))]
print(f"without the bugs: {100 * np.mean(won):.1f} %, before {before:.1f} %; chance allows 2.5 %")

# %% [markdown]
# ### Exercise 15.4
# **Decide**
#
# Two methods have 6 rates each, and you can afford 60 runs. Write `decide`: `run(method, k, seed)`
# trains method 0 or 1 at its rate number k and returns the tuple `(validation, test)` of errors, in
# points; the same call gives the same run, which counts once. There are `rates` rates (numbers from
# 0), `seeds` seeds (from 0), and no more than `budget` runs. Return `"first"` or `"second"`,
# whichever is better, or `"undecided"`.
#
# Two seeds differ by about a point whatever the method, and a rate next to the best costs two. Of
# equal methods call few different; of methods a point apart find most.


# %% exercise="15.4"
def decide(run, rates, seeds, budget):
    r"""Return "first", "second" or "undecided" after at most so many runs."""
    ### BEGIN SOLUTION
    chosen = [
        np.argmin([run(method, k, 0)[0] + run(method, k, 1)[0] for k in range(rates)])
        for method in (0, 1)
    ]
    count = min(seeds, (budget - 4 * rates) // 2 + 2)  # seeds 0 and 1 are paid for already
    first, second = (
        np.array([run(method, chosen[method], seed)[1] for seed in range(count)])
        for method in (0, 1)
    )
    d = first - second
    margin = student(0.975, count - 1) * d.std(ddof=1) / np.sqrt(count)
    return "undecided" if abs(d.mean()) <= margin else "first" if d.mean() < 0 else "second"
    ### END SOLUTION


# %%
check("15.4")

# %%
choose = yours("15.4")  # on the race: 9 rates, 20 seeds, and 72 runs instead of all 360
for pair in (("SGD", "Momentum"), ("Momentum", "Adam"), ("Momentum", "Momentum, cosine")):
    both = [[percent(method, part) for method in pair] for part in ("validation", "test")]
    said = choose(lambda m, k, seed, both=both: [part[m][seed, k] for part in both], 9, 20, 72)
    print(" or ".join(pair), "->", said)

# %% [markdown]
# <details><summary>What to see</summary>
#
# The same three answers as from all runs of the race, for a fifth of them.
#
# </details>
#
# ## Reading a paper
#
# Each of these questions has found something in the five papers behind this course.
#
# 1. **Was the old method tuned as hard?** *Mini-batch iRprop-* (chapter 11) does not print the rate
#    of ordinary steps.
# 2. **Is the mean step the same?** *Layer-specific rates* (12) and *DA-SGD* (13) compare at one
#    rate, and step about twice as far.
# 3. **What is the benchmark?** *Sequences* (08) begins at 0.01, and compares with SGD at 0.001.
# 4. **How many runs?** *Layer-specific rates* has 10 and 5, with their spread; *Sequences* has one.
# 5. **Which images decided?** In *Sequences* the same ones steer the rate and give the accuracy.
# 6. **What else differs?** In *Schedules and adaptive methods* (07, 10) one schedule has momentum.
# 7. **Is the reason measured?** Larger batches do not "decrease the average value of the gradient",
#    as DA-SGD says ([chapter 06](06_batches.ipynb)).
# 8. **Is the nearest rival there?** DA-SGD leaves momentum to further research.
#
# A paper may fail on all of them and be right: run it again. Each paper here has up to three
# *primary* claims in its own words.

# %%
primary = Counter()
for name in papers.NAMES[:5]:
    body = papers.verdicts(name).body
    print(name, dict(Counter(found for *_, found in body)))
    for says, kind, *_, found in body:
        if kind.startswith("primary"):
            print(f"  {found}: {says}")
            primary[found] += 1
print("all primary claims:", ", ".join(f"{name} {count}" for name, count in primary.items()))

# %% [markdown] claims=["all primary claims: holds: 6 0", "all primary claims: holds[3]: 3 0", "all primary claims: holds[5]: 3 0"]
# <details><summary>What to see</summary>
#
# Of 15 primary claims 6 hold: three of iRprop-, two of layer-specific rates, one
# of DA-SGD. 3 do not, and 3 are undecided; the others are not tested at this scale. *Undecided* is
# no refutation: the networks are small, the images often not the paper's. (At the paper's own
# scale the first claim of DA-SGD holds: chapter 13.) `papers.verdicts(name)` has all claims of a
# paper: compare one on its own terms with the same against its control.
#
# </details>
#
# ## From an empty cell
#
# The last exercise is the whole course.

# %% [markdown]
# ### Exercise 15.5
# **Your network, your rule, your schedule**
#
# Write `my_training`. `batch()` returns the next 64 images of `fashion-mini` and their classes:
# arrays x (64, 196), pixels from 0 to 1, and y (64,), whole numbers from 0 to 9. There are `steps`
# batches: take one step for each, and use none twice. `held` are 2,000 other images, (2000, 196).
# Return their classes, an array (2000,). All random numbers come from `seed`.
#
# The goal: **83 % of held images right after 600 steps**, in the mean of three runs. In our trials
# plain SGD reached 80 %, Adam at the best of five constant rates 81. Each run has its pixels and
# its classes in an order of its own: weights from elsewhere are of no use, and neighbours are lost,
# so let the first layer be dense. Write all of it yourself, or use the rules of `lrcourse.optim`
# and `nn.Network`, whose `loss_and_gradient(x, y)` fills `network.g`, the gradient at `network.w`.
# For practice, `Batches(np.random.default_rng(0), steps=600)` from `lrcourse.exercises.chapter_15`
# is such a `batch`; its `held` has the other images and their classes.


# %% exercise="15.5"
def my_training(batch, steps, held, seed):
    r"""Take one step a batch, and return the classes of the held images."""
    ### BEGIN SOLUTION
    from lrcourse.optim import Adam

    layers = [nn.Linear(196, 256), nn.ReLU(), nn.Linear(256, 10)]
    network, rule = nn.Network(layers, np.random.default_rng(seed)), Adam()
    for t in range(steps):
        network.loss_and_gradient(*batch())
        rule.step(network.w, network.g, 0.01 * (1 - t / steps))
    return network.predict(held)
    ### END SOLUTION


# %%
check("15.5")

# %%
tally()

# %% [markdown]
# ## What we learnt
#
# - At a rate too small for both, the longer step wins. Compare each method at its own best rate,
#   and keep a control beside every claim: the old method with the same mean step.
# - Choose on validation images, report on test images, with mean, spread and number of seeds.
# - Pair the seeds. A difference counts if it is over its margin *and* over a resolution named
#   before. That there is none must be shown, too; else say *undecided*.
# - Name a few claims before the runs: of many, some hold by chance.
# - Which method wins depends on the trials, the epochs and the images.
#
# How big a step should a network take? As big as it can bear at first, and smaller at the end.
#
# **Next**: [The edge comes to you](16_the_edge.ipynb), back to the edge of chapter 01.
#
# ## Further reading
#
# - D. Choi and others, *On Empirical Comparisons of Optimizers for Deep Learning*, 2019,
#   arXiv:1910.05446: what is tuned decides.
# - P. Sivaprasad and others, *Optimizer Benchmarking Needs to Account for Hyperparameter Tuning*,
#   ICML 2020, arXiv:1910.11758: the error to expect after so many trials.
# - R. Schmidt, F. Schneider, P. Hennig, *Descending through a Crowded Valley*, ICML 2021,
#   arXiv:2007.01547: fifteen optimizers, tuned and not.
# - X. Bouthillier and others, *Accounting for Variance in Machine Learning Benchmarks*, MLSys 2021,
#   arXiv:2103.03098: how many seeds, what else should vary, and how often one method beats another.
# - G. Dahl and others, *Benchmarking Neural Network Training Algorithms*, 2023, arXiv:2306.07179:
#   AlgoPerf, a race to a goal over several workloads.
