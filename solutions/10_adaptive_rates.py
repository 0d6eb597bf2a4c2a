# %% [markdown]
# # Adaptive rates
#
# **A network has thousands of weights, some on steep ground and some on flat. Can each find its own
# rate, from nothing but the gradients it has seen?**
#
# - **You will** build AdaGrad, AdaDelta and Adam, each the repair of a failure that you see first;
#   find out what $\epsilon$ and the bias correction do; and put an article's claim to a fair test.
# - **Time**: about 75 minutes.
# - **You need**: [Momentum](09_momentum.ipynb) and the valley of [One knob](01_one_knob.ipynb).

# %% [markdown]
# ## A rate for each weight
#
# In a valley the steep weight sets the edge, and the flat one has to live with it. If only each
# weight had its own rate, small where it is steep. We do not know the curvatures. But a steep
# weight gives itself away: its gradients are large. So divide each gradient by the size of those
# seen so far. *AdaGrad* adds up their squares:
#
# $$S \leftarrow S + g^2 \qquad\qquad w \leftarrow w - \eta\, \frac{g}{\sqrt{S} + \epsilon}
# \qquad\qquad S_0 = 0$$
#
# All of it weight by weight. The tiny $\epsilon$ only keeps us from dividing 0 by 0.

# %% [markdown]
# ### Exercise 10.1
# **AdaGrad**
#
# Write `adagrad_step`. The arrays `w`, `S` and `g` have one shape; return the tuple `(w, S)` of new
# arrays and leave the inputs as they are. S takes in the new gradient *before* it is used, and
# $\epsilon$ stands *outside* of the root. For `w = [1, 1]`, `S = [0, 9]`, `g = [2, -4]`, rate 0.1
# and $\epsilon$ 1e-8 expect `w = [0.9, 1.08]`, `S = [4, 25]`.

# %%
import numpy as np
from lrcourse import check, plots


# %% exercise="10.1"
def adagrad_step(w, S, g, learning_rate, epsilon):
    r"""Return (w, S) after S <- S + g^2, w <- w - learning_rate g / (sqrt(S) + epsilon)."""
    ### BEGIN SOLUTION
    S = S + g**2
    return w - learning_rate * g / (np.sqrt(S) + epsilon), S
    ### END SOLUTION


# %%
check("10.1")

# %% [markdown]
# From here on we use the package's rules. Before that, the judge: AdaGrad, and the three rules
# still to come, against torch. Each takes 60 steps, with the settings of an article that we come
# to at the end.

# %%
import torch
from lrcourse.optim import SGD, AdaDelta, AdaGrad, Adam, Momentum, RMSprop

judges = {
    AdaGrad: (0.01, torch.optim.Adagrad, {"eps": 1e-8}),
    RMSprop: (0.001, torch.optim.RMSprop, {"alpha": 0.9}),
    AdaDelta: (1.0, torch.optim.Adadelta, {"rho": 0.95, "eps": 1e-8}),
    Adam: (0.001, torch.optim.Adam, {}),
}
for kind, (rate, judge, options) in judges.items():
    rule, w, judged = kind(), np.zeros(5), torch.zeros(5, dtype=torch.float64)
    optimizer = judge([judged], lr=rate, **options)
    for g in np.random.default_rng(0).normal(size=(60, 5)):
        rule.step(w, g, rate)
        judged.grad = torch.tensor(g)
        optimizer.step()
    print(f"{kind.__name__}: at most {abs(w - judged.numpy()).max():.0e} from torch")

# %% [markdown]
# Same rules, but for rounding. Now a long valley with curvatures 1 and 100, starting at (1, 1).
# Plain descent gets the best rate of chapter 01, 2/101; AdaGrad gets 0.3.
#
# **Predict**: which weight arrives first with AdaGrad, the flat or the steep one?

# %%
curvatures = np.array([1.0, 100.0])


def descend(rule, rate, steps=50, start=(1.0, 1.0), hessian=((1.0, 0.0), (0.0, 100.0))):
    w, hessian = np.array(start), np.array(hessian)
    path = [w.copy()]
    for _ in range(steps):
        rule.step(w, hessian @ w, rate)
        path.append(w.copy())
    return np.array(path)


adagrad = AdaGrad()
paths = {"plain": descend(SGD(), 2 / 101), "AdaGrad": descend(adagrad, 0.3)}
alt = "Plain steps jump from wall to wall of a long valley; AdaGrad's path is a straight diagonal."
plots.path(lambda w: 0.5 * curvatures @ w**2, paths, alt=alt, box=[(-0.2, 1.1), (-1.1, 1.1)])
for step in (1, 5, 20):
    print(f"AdaGrad after {step:2} steps: flat {paths['AdaGrad'][step, 0]:.6f}", end="  ")
    print(f"steep {paths['AdaGrad'][step, 1]:.6f}")
effective = 0.3 / (np.sqrt(adagrad.S) + 1e-8)
print(f"effective rates at the end: flat {effective[0]:.4f}, steep {effective[1]:.6f}")

# %% [markdown] claims=["0.253327 0.000001", "0.2017 0.0001", "0.002017 0.000001"]
# **What to see.** Both arrive together, digit by digit. Along each axis $g = \lambda w$, and
# $\sqrt{S}$ has the same $\lambda$: it cancels. At the end the effective rates are 0.2017 and
# 0.002017: the steep weight's is 100 times smaller, just as it needs. The valley has become round.
#
# ## First failure: it never forgets
#
# $S$ only grows. On a steady slope it is $t g^2$ after $t$ steps, and the step shrinks like
# $\eta/\sqrt{t}$, whether or not we have arrived. A rough start makes it worse. The repair lets the
# past fade, by a decaying mean in place of the sum. That is *RMSprop*:
#
# $$S \leftarrow \rho S + (1 - \rho)\, g^2 \qquad\qquad w \leftarrow w - \eta\, \frac{g}{\sqrt{S} +
# \epsilon}$$
#
# With $\rho = 0.9$ it remembers some 10 steps. **Predict**: the gradient is 10 for 20 steps, and 1
# from then on. How long are the steps of each after 200 steps, at rate 1?

# %%
slopes = np.where(np.arange(200) < 20, 10.0, 1.0)


def lengths(rule, slopes=slopes):
    w, path = np.zeros(1), [0.0]
    for slope in slopes:
        rule.step(w, np.full(1, slope), 1.0)
        path.append(w[0])
    return -np.diff(path)


lines = {rule.__name__: lengths(rule()) for rule in (AdaGrad, RMSprop)}
alt = "Step length: AdaGrad's falls and stays near 0, RMSprop's drops at step 20 and returns to 1."
plots.curves(lines, "step", "length of a step, in rates", alt=alt)
for name, length in lines.items():
    print(f"{name}: step 1 is {length[0]:.2f} long, step 21 {length[20]:.3f}", end=", ")
    print(f"step 200 {length[-1]:.3f}")

# %% [markdown] claims=["0.021 0.001", "1.000 0.001", "3.16 0.01"]
# **What to see.** AdaGrad never gets over its rough youth: at step 200 it still creeps, at 0.021 of
# its rate. RMSprop is cautious for a while and then back at 1. It has one oddity: its very first
# step is 3.16 rates long. Keep that in mind.
#
# ## Second failure: it never lands
#
# A step of 1 rate on *every* slope: far out, that is a virtue. **Predict**: where is RMSprop after
# 500 steps in a bowl?

# %%
for rate in (0.1, 0.01):
    path = descend(RMSprop(), rate, 500)[-4:, 0]
    print(f"rate {rate}: the last four places are", path.round(4))

# %% [markdown] claims=["0.05 0.005", "0.005 0.0005"]
# **What to see.** It hops over the minimum for ever, half a rate to either side. As the slope
# shrinks so does $\sqrt{S}$, and their ratio stays 1. So the rate is a *length*, the length of a
# step in units of w, and nobody told us how long a step should be. If w is measured in
# millimetres instead of metres, the rate must be 1,000 times as large.
#
# *AdaDelta* lets the weights say it. The mean size of the last *steps* takes the place of the rate:
#
# $$S \leftarrow \rho S + (1 - \rho)\, g^2 \qquad u = g\, \sqrt{\frac{D + \epsilon}{S + \epsilon}}
# \qquad D \leftarrow \rho D + (1 - \rho)\, u^2 \qquad w \leftarrow w - u$$

# %% [markdown]
# ### Exercise 10.2
# **AdaDelta**
#
# Write `adadelta_step`. Return the tuple `(w, S, D)` of new arrays, all of one shape, and leave the
# inputs as they are. S takes in the gradient *before* it is used; D takes in $u$ only *after* D was
# used. Here $\epsilon$ stands *inside* of both roots. For `w = 1`, `S = D = 0`, `g = 2`,
# `rho = 0.5` and `epsilon = 0.1` expect `w = 0.56356`, `S = 2`, `D = 0.09524`.


# %% exercise="10.2"
def adadelta_step(w, S, D, g, rho, epsilon):
    r"""Return (w, S, D) after one step of AdaDelta; it has no learning rate."""
    ### BEGIN SOLUTION
    S = rho * S + (1 - rho) * g**2
    u = g * np.sqrt((D + epsilon) / (S + epsilon))
    D = rho * D + (1 - rho) * u**2
    return w - u, S, D
    ### END SOLUTION


# %%
check("10.2")

# %% [markdown]
# ## What epsilon does when nobody looks
#
# No learning rate: it sounds like the end of the story. But how does it begin? At first $D = 0$. A
# rule whose steps are as long as the last ones would never move. Only $\epsilon$ gets it off the
# ground, with a first step of about $\sqrt{\epsilon / (1 - \rho)}$.
#
# **Predict**: in a bowl of curvature 1, from $w = 1$, how many steps does AdaDelta take to get half
# way with $\epsilon$ = 1e-8, as in the article? With 1e-6, the default in torch?

# %%
lines = {}
for epsilon in (1e-10, 1e-8, 1e-6, 1e-4):
    path = descend(AdaDelta(epsilon=epsilon), 1.0, 20000)[:, 0]
    lines[f"epsilon {epsilon:g}"] = path[:3000]
    formula, half = np.sqrt(epsilon / 0.05), np.argmax(path < 0.5)
    print(f"epsilon {epsilon:g}: first step {1 - path[1]:.1e}, formula {formula:.1e}", end=", ")
    print(f"half way after {half} steps")
alt = "The weight against the step: each hundredfold epsilon arrives about seven times as early."
plots.curves(lines, "step", "w", alt=alt)

# %% [markdown] claims=["930 2", "131 1"]
# **What to see.** 930 steps or 131, for a constant that seems to be there to avoid a division by
# zero. The steps grow from $\sqrt\epsilon$ upwards: a *warm-up*, and $\epsilon$ sets its speed. The
# learning rate has not gone, it has only hidden. (Two weights of curvature 1 and 100 would draw the
# same line twice.)
#
# ## Third failure: the start
#
# *Adam* takes the rate back, openly, and mends two more things. A single mini-batch's gradient is
# noise, so it follows a decaying mean $m$, a momentum. And it corrects the start:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g \qquad\qquad
# v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2$$
#
# $$w \leftarrow w - \eta\, \frac{\hat m}{\sqrt{\hat v} + \epsilon} \qquad\qquad
# \hat m = \frac{m}{1 - \beta_1^t} \qquad \hat v = \frac{v}{1 - \beta_2^t} \qquad t = 1, 2, \dots$$
#
# Why divide? A decaying mean that starts at 0 is too small at first: on a steady slope $m$ is
# $(1 - \beta_1^t)\, g$. Remember the 3.16 rates of RMSprop: there $S$ was too small. The usual
# values are $\beta_1 = 0.9$ and $\beta_2 = 0.999$.
#
# **Predict**: without the correction, is Adam's first step on a steady slope too long or too short?
# And which step is the farthest off?

# %%
t = np.arange(1, 3001)
without = (1 - 0.9**t) / np.sqrt(1 - 0.999**t)
lines = {"without": (t, without), "Adam": (t, lengths(Adam(), np.ones(3000)))}
alt = "Length of a step: without correction from 3 up to almost 7 and slowly to 1; Adam's is 1."
plots.curves(lines, "step", "length of a step, in rates", log_x=True, alt=alt)
print(f"without: first {without[0]:.2f}, longest {without.max():.2f}", end=" ")
print(f"at step {without.argmax() + 1}, step 1000 still {without[999]:.2f}")

# %% [markdown] claims=["3.16 0.01", "6.57 0.01", "12 0", "1.26 0.01"]
# **What to see.** Too long, and for long: 6.57 rates at step 12, and 1.26 even at step 1,000. Just
# at the start, where the ground is least known, the steps would be longest.
#
# Here is an Adam with three bugs, all of which are found in real code. Nothing complains.


# %%
def buggy_adam_step(w, m, v, t, g, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1 ** max(t, 1))
    w = w - learning_rate * m_hat / np.sqrt(v + epsilon)
    return w, m, v, t + 1


zeros, g = np.zeros(2), np.array([2.0, 1e-8])
state = (np.ones(2), zeros, zeros, 0)
for _ in range(2):
    state = buggy_adam_step(*state, g, 0.1)
    print("w", state[0].round(4))

# %% [markdown]
# ### Exercise 10.3
# **Find three bugs**
#
# What to see above: one weight leaps from 1 to -2.16 at a rate of 0.1, the other does not stir.
#
# Write `adam_step` without them. `t` is the number of steps taken *before* this one; return the
# tuple `(w, m, v, t)` with new arrays and `t` one larger, and leave the inputs as they are. Here
# $\epsilon$ stands outside of the root, beside the *corrected* $\sqrt{\hat v}$. For the two steps
# above expect `w = [0.9, 0.95]`, then `[0.8, 0.9]`.


# %% exercise="10.3"
def adam_step(w, m, v, t, g, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    r"""Return (w, m, v, t) after one step of Adam (Kingma and Ba, algorithm 1)."""
    ### BEGIN SOLUTION
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v, t
    ### END SOLUTION


# %%
check("10.3")

# %% [markdown]
# ## One rate for four bowls
#
# The lab has all of them in four bowls: curvature 1 along one axis and 1, 10, 100 or 1,000 along
# the other. On its right stand the *effective rates*: how far each weight moved, divided by its
# gradient. The grey lines are the edges, 2 / curvature.
#
# Find a rule, and one rate for it, that arrives in all four bowls. **Predict** first: which of the
# rules have such a rate? What becomes of AdaGrad's path when the wall gets 1,000 times as steep?
# And can $\epsilon$ save AdaDelta?

# %%
from lrcourse import labs

labs.adaptive()

# %% [markdown]
# **What to see.** SGD's two lines are one, and no rate of it fits all four bowls: held below the
# steep weight's edge, the flat weight crawls. AdaGrad arrives everywhere at rates from 0.32 up,
# RMSprop from 0.063 to 0.16. Their path does not change from bowl to bowl. Only the steep weight's
# line sinks, to a tenth for each tenfold curvature.
#
# Adam's path does not change either, and yet it has no such rate. It still swings when the 60 steps
# are over, and the same swing on a wall 1,000 times as steep costs 1,000 times the loss. AdaDelta
# crawls at every rate with $\epsilon$ = 1e-8. With 1e-4 it arrives from 2.5 up, with 1e-2 from 0.25
# to 2. The other rules hardly notice which $\epsilon$ they get.
#
# ## The small print: axes
#
# All these rules look at each weight alone. They made our valley round because it lay along the
# axes. Turn it by 45 degrees: now both weights see the same steep wall.
#
# Each rule tries 40 rates and keeps its best: the lowest loss after 100 steps, or rather the
# largest of the last ten, lest a lucky swing through the middle wins. **Predict**: whom does the
# turn hurt, and who does not notice?

# %%
turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
bowls = {"along the axes": np.eye(2), "turned": turn}
rules = {"plain": SGD, "momentum": Momentum} | {rule.__name__: rule for rule in judges}
for name, rule in rules.items():
    print(f"{name:8}", end="  ")
    for where, axes in bowls.items():
        hessian, start, losses = axes @ np.diag(curvatures) @ axes.T, axes @ np.ones(2), []
        for rate in np.geomspace(1e-3, 1e3, 40):
            with np.errstate(over="ignore", invalid="ignore"):
                w = descend(rule(), rate, 100, start, hessian)[-10:]
                losses.append(np.max(np.sum(w @ hessian * w, axis=1) / 2))
        print(f"{where}: {np.nanmin(losses):.0e}", end="  ")
    print()

# %% [markdown]
# **What to see.** Along the axes three of them win by dozens of powers of ten, for the problem is
# made for them. Turned, AdaGrad, RMSprop and AdaDelta are no better than plain descent. Plain
# descent and momentum do not notice the turn. Adam pays a little, and ends where momentum does:
# what is left to it *is* its momentum. How is a network turned? Nobody knows beforehand. So let us
# look.
#
# ## An article's claim, tested
#
# One of the articles behind this course trains a network on photographs with the rates in the code
# below; how many runs stand behind each, it does not say. It finds that adaptive methods beat
# schedules, and that AdaDelta is the best of them. We have smaller photographs (clothes, halved to
# 14 by 14 pixels), a smaller network and four epochs, but also three seeds and, for each method,
# seven rates: the article's times 0.1 up to 100. One rival is ours: the article's momentum with a
# rate that falls to 0 in a straight line.
#
# **Predict**: who is best at the article's rates? Who is best when each may choose?

# %%
from lrcourse import fit, load, nn, schedules
from lrcourse.callbacks import LearningRateScheduler

data = load("fashion-mini")
train, validation = (
    (part.x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196), part.y)
    for part in (data.train, data.validation)
)
multiples, steps = 10 ** (np.arange(-2, 5) / 2), 4 * 141
flat, line = schedules.Constant(1.0), schedules.Polynomial(1.0, steps)
time_based = schedules.TimeBased(1.0, decay=0.1 / 4)
rivals = {
    "plain, constant": (SGD, 0.1, flat),
    "momentum, time-based": (lambda: Momentum(0.8), 0.1, time_based),
    "momentum, line": (lambda: Momentum(0.8), 0.1, line),
    "AdaGrad": (AdaGrad, 0.01, flat),
    "RMSprop": (RMSprop, 0.001, flat),
    "AdaDelta": (AdaDelta, 1.0, flat),
    "Adam": (Adam, 0.001, flat),
}


# %%
def errors(rule, rates, shape, seed):
    rng = np.random.default_rng(seed)
    layers = [nn.Linear(196, 32), nn.ReLU(), nn.Linear(32, 10)]
    network = nn.Network(layers, rng, runs=len(rates))
    scheduler = LearningRateScheduler(lambda t: shape(t) * rates[:, None], per="step")
    setting = dict(batch_size=64, epochs=4, rng=rng, callbacks=[scheduler], progress=False)
    fit(network, train, rule, learning_rate=rates[:, None], **setting)
    return 1 - network.accuracy(*validation)


# %%
lines = {}
for name, (rule, rate, shape) in rivals.items():
    table = np.array([errors(rule(), rate * multiples, shape, seed) for seed in range(3)])
    mean, spread = table.mean(axis=0), table.std(axis=0, ddof=1)
    lines[name], best = (multiples, mean), mean.argmin()
    print(f"{name:20} article's rate: {mean[2]:.1%} ± {spread[2]:.1%}", end="   ")
    print(f"best, {rate * multiples[best]:.2g}: {mean[best]:.1%} ± {spread[best]:.1%}", end="   ")
    print(f"3.2 times that: {mean[best + 1]:.1%}")
alt = "Error against multiples of the article's rate: each falls into a valley; to the right of it "
axis = "rate, in multiples of the article's"
for names, end in ((list(lines)[:3], "stands a cliff up to 0.9."), (list(lines)[3:], "it rises.")):
    plots.curves({n: lines[n] for n in names}, axis, "error", log_x=True, alt=alt + end)

# %% [markdown] claims=["24.6 2", "20.2 2", "16.1 2", "16.3 2", "16.7 2"]
# **What to see.** At the article's rates AdaDelta is the *last* of the seven, at about 25 %: its
# $\epsilon$ of 1e-8 makes it start too slowly for four epochs. Plain descent is as good as any of
# the adaptive ones.
#
# When each may choose, the picture changes. Adam, AdaDelta and momentum with a line are all near
# 16 or 17 %, within their spread of each other. AdaDelta gets there at a rate of 32, although it is
# said to need none. So neither claim comes out here. Ours is another network and other data, and
# does not refute the article on its own ground. But it shows what such a table rests on: one rate
# each.
#
# The last column tells what the adaptive methods do have. At a rate 3.2 times too large they lose
# between 1 and 4 points, where plain descent, and momentum with a line, lose 15 or more. The
# figures show the same: a slope on their right, and no cliff. A step that is measured in its own
# gradients cannot blow up so easily. When each run costs a day, that is worth much.
#
# ## The whole trial
#
# The package has a larger trial of the article, its schedules included, and the saved results. The
# table sets each claim beside what was measured, the fair controls too. A verdict is given only
# where the difference is larger than chance; [chapter 15](15_fair_race.ipynb) builds the rule.
# `lrcourse reproduce schedules` runs it again.

# %%
from lrcourse import papers

papers.verdicts("schedules")

# %% [markdown]
# ## What we learnt
#
# - Divided by the size of its own gradients, each weight gets its own rate. Along the axes a valley
#   becomes round; a turned one does not.
# - AdaGrad never forgets. RMSprop forgets, but its rate is a step length and it never lands.
#   AdaDelta measures that length, and starts by the grace of $\epsilon$. Adam adds momentum and
#   corrects the start.
# - Constants that look harmless, $\epsilon$ and the start at 0, act as learning rates.
# - Each method has its own best rate. Compare there, over seeds.
#
# **Next**: [Signs only](11_signs_only.ipynb). All four divide a gradient by its own size. What is
# left then is little more than a sign. So why not use the sign alone?
#
# ## Further reading
#
# - J. Duchi, E. Hazan, Y. Singer, *Adaptive subgradient methods for online learning and stochastic
#   optimization*, JMLR 12, 2011: AdaGrad.
# - M. Zeiler, *ADADELTA: an adaptive learning rate method*, arXiv:1212.5701, 2012: sections 3.1 and
#   3.2 are the two ideas, forgetting and units.
# - G. Hinton, N. Srivastava, K. Swersky, *Neural networks for machine learning*, lecture 6e,
#   Coursera, 2012: RMSprop.
# - D. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015, arXiv:1412.6980.
# - S. Lau, *Learning rate schedules and adaptive learning rate methods for deep learning*, Towards
#   Data Science, 2017: the article.
# - A. Wilson et al., *The marginal value of adaptive gradient methods in machine learning*, NeurIPS
#   2017, arXiv:1705.08292: another fair race.
