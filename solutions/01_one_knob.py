# %% [markdown]
# # One knob
#
# **You have one knob, the learning rate. Where exactly is the edge beyond which training falls
# apart, and what is the best setting below it?**
#
# - **You will** derive the edge for one weight, measure it in bowls that you cannot see, take two
#   rates in turn, and see what small batches do below the edge.
# - **Time**: about 80 minutes.
# - **You need**: [Start here](00_start_here.ipynb), matrices times vectors, and what an eigenvalue
#   is.

# %% [markdown]
# ## One weight
#
# Near its lowest point almost any smooth loss looks like a parabola. So take one:
#
# $$L(w) = \tfrac12 \lambda w^2 \qquad\qquad L'(w) = \lambda w \qquad\qquad L''(w) = \lambda$$
#
# The second derivative $\lambda$ is the *curvature*: large in a narrow bowl, small in a wide one.
# One step of gradient descent with learning rate $\eta$ is
#
# $$w_{t+1} = w_t - \eta \lambda w_t = (1 - \eta\lambda)\, w_t$$
#
# So every step multiplies $w$ by the same factor, and $w_t = (1 - \eta\lambda)^t\, w_0$.
#
# **Predict**: the curvature is 4. Which of five rates ends farther away than it began, after ten
# steps? And which ends nearest to 0?

# %%
from lrcourse import guess, outcome, tally

guess("01.a", "Which rate ends farther away than it began?", [0.05, 0.25, 0.4, 0.5, 0.53])

# %%
import numpy as np
from lrcourse import plots

curvature, runs = 4.0, {}
for learning_rate in (0.05, 0.25, 0.4, 0.5, 0.53):
    w = [1.0]
    for _ in range(10):
        w.append(w[-1] - learning_rate * curvature * w[-1])
    runs[learning_rate] = w
    factor = 1 - learning_rate * curvature
    print(f"rate {learning_rate}: factor {factor:.2f}, w {w[-1]:.3f}, formula {factor**10:.3f}")
lines = {f"rate {rate}": w for rate, w in runs.items()}
plots.curves(lines, "step", "w", alt="The weight against the step, one line for each of the rates.")
outcome("01.a", max(runs, key=lambda rate: runs[rate][-1]))

# %% [markdown] claims=["rate 0.05: factor: 0.80 0.005", "rate 0.53: factor[2]: 3.106 0.0005"]
# <details><summary>What to see</summary>
#
# At 0.05 the factor is 0.80: $w$ falls slowly to 0. At 0.25 it arrives in one step. At 0.53 it ends
# at 3.106.
#
# </details>
#
# Only the product $\eta\lambda$ counts:
#
# | $\eta\lambda$ | factor | what happens |
# |---|---|---|
# | 0 to 1 | 1 to 0 | *converges* from one side, slowly if near 0 |
# | exactly 1 | 0 | arrives in one step |
# | 1 to 2 | 0 to −1 | *rings*: each jump crosses the minimum, and is shorter than the last |
# | exactly 2 | −1 | jumps from side to side |
# | above 2 | below −1 | *diverges*: each jump is longer than the last |
#
# The edge is at $\eta = 2/\lambda$, and it is sharp: below it every run arrives in the end, above
# it none does.
#
# Now a bowl of curvature 10. Compute the edge, put the slider there, and press *Reveal the edge*.
# Then find the smallest and the largest rate that reach the goal.

# %%
from lrcourse import labs

labs.one_knob(curvature=10)

# %% [markdown]
# <details><summary>What to see</summary>
#
# At $1/10$ one step arrives, and the edge is at $2/10$. The smallest and the largest rate that
# reach the goal lie about equally far from $1/10$. The right panel has a logarithmic axis, so
# multiplying by the same factor at every step gives a straight line.
#
# </details>
#
# ## More weights
#
# With $D$ weights the parabola becomes a bowl with its lowest point at a centre $c$:
#
# $$L(w) = \tfrac12 (w - c)^\top H\, (w - c)$$
#
# $H$ is the *Hessian*, the symmetric $D \times D$ matrix of second derivatives, in the place of
# $\lambda$. And what is the gradient?

# %% [markdown]
# ### Exercise 01.1
# **Down a bowl**
#
# Write `bowl_path`: gradient descent on that bowl. `hessian` has shape `(D, D)`, `centre` and
# `start` have shape `(D,)`. Return every $w$ on the way as one array of shape `(steps + 1, D)`: row
# $t$ is $w$ after $t$ steps, and row 0 the start. Leave the inputs as they are.
#
# For `hessian = [[2, 1], [1, 3]]`, `centre = [1, -1]`, `start = [3, 2]`, rate 0.1 and two steps
# expect `[[3, 2], [2.3, 0.9], [1.85, 0.2]]`.


# %% exercise="01.1"
def bowl_path(hessian, centre, start, learning_rate, steps):
    r"""Return the path of gradient descent on a bowl, shape (steps + 1, D)."""
    ### BEGIN SOLUTION
    path = [start]
    for _ in range(steps):
        w = path[-1]
        path.append(w - learning_rate * hessian @ (w - centre))
    return np.array(path)
    ### END SOLUTION


# %%
from lrcourse import check

check("01.1")

# %% [markdown]
# From here on the chapter descends with your function, once it passes. The gradient is $\nabla L =
# H\,(w - c)$.
#
# PyTorch works out gradients by itself, from what is done to `w`: *autograd*. It has to agree with
# the first step of the path.

# %%
import torch
from lrcourse import yours

descend = yours("01.1")
hessian, centre, start = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, -1.0]), [3.0, 2.0]
w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
d = w - torch.tensor(centre)
loss = 0.5 * d @ torch.tensor(hessian) @ d
loss.backward()
first = descend(hessian, centre, np.array(start), 0.1, 1)
print("torch", w.grad.numpy(), " from the path", (first[0] - first[1]) / 0.1)

# %% [markdown]
# ## A narrow valley
#
# Take two weights with curvatures 1 and 10, and the minimum at 0. The Hessian is diagonal, so each
# step multiplies the flat one by $1 - \eta$, the steep one by $1 - 10\eta$. But one rate serves
# both.
#
# **Predict**: rate 0.02 or 0.18, which ends nearer to the minimum? And with which does a weight
# ring?

# %%
guess("01.b", "Which rate ends nearer to the minimum after 20 steps?", [0.02, 0.18])

# %%
valley, paths = np.diag([1.0, 10.0]), {}
for rate in (0.02, 0.18):
    path = descend(valley, np.zeros(2), np.array([-2.5, 1.2]), rate, 20)
    paths[rate] = path
    print(f"rate {rate}: ends at {path[-1].round(3)}, {np.linalg.norm(path[-1]):.3f} from 0")
alt = "Two paths over the contours of a long valley, one for each rate."
lines = {f"rate {rate}": path for rate, path in paths.items()}
plots.path(lambda w: 0.5 * w @ valley @ w, lines, alt=alt, equal_scales=True)
rates = np.linspace(0.005, 0.215, 43)
sizes = {"flat": (rates, abs(1 - rates)), "steep": (rates, abs(1 - 10 * rates))}
alt = "Size of the factor against the learning rate, for the flat and for the steep direction."
plots.curves(sizes, "learning rate", "size of the factor", alt=alt)
outcome("01.b", min(paths, key=lambda rate: np.linalg.norm(paths[rate][-1])))

# %% [markdown] claims=["rate 0.02: ends at: -1.669 0.0005", "rate 0.18: ends at[3] < rate 0.02: ends at[3] by 1"]
# <details><summary>What to see</summary>
#
# At the small rate the flat weight is still at −1.669. At the large rate the steep one rings from
# wall to wall, and yet the run ends much nearer.
#
# </details>
#
# The steep direction sets the edge, $2/\lambda_\text{max} = 0.2$, for both. Which rate is best? The
# slower direction decides: in the lower figure, the higher of the two lines. That is lowest where
# they cross, where $1 - \eta\lambda_\text{min} = \eta\lambda_\text{max} - 1$:
#
# $$\eta_\text{best} = \frac{2}{\lambda_\text{min} + \lambda_\text{max}} \qquad\qquad
# \text{factor} = \frac{\kappa - 1}{\kappa + 1} \qquad\qquad
# \kappa = \frac{\lambda_\text{max}}{\lambda_\text{min}}$$
#
# $\kappa$ is the *condition number*.
#
# **Predict**: at ten times the condition number, how many times as many steps does the *best* rate
# need?

# %%
guess("01.c", "How many times as many steps?")

# %%
needed = []
for condition in (10, 100, 1000):
    bowl = np.diag([1.0, condition])
    path = descend(bowl, np.zeros(2), np.ones(2), 2 / (1 + condition), 5000)
    distance = np.linalg.norm(path, axis=1)
    needed.append(np.argmax(distance < distance[0] / 1000))
    print(f"condition number {condition}: factor measured {distance[1] / distance[0]:.4f}", end=" ")
    print(f"formula {(condition - 1) / (condition + 1):.4f}  steps to a thousandth {needed[-1]}")
outcome("01.c", needed[1] / needed[0])

# %% [markdown] claims=["condition number 10: factor measured[3]: 35 0.5", "condition number 100: factor measured[3]: 346 0.5", "condition number 1000: factor measured[3]: 3,454 0.5"]
# <details><summary>What to see</summary>
#
# To come a thousand times closer takes 35, 346 and 3,454 steps: about ten times as many for ten
# times the condition number, even with the best rate.
#
# </details>
#
# Later chapters therefore make the bowl rounder.
#
# In the lab, reach the goal for curvatures 1 : 3, then 1 : 10, then 1 : 30. Compute
# $\eta_\text{best}$ first. Over which range of rates can it be reached at 1 : 30?

# %%
labs.bowl(controls=("learning_rate", "conditioning"))

# %%
rates = np.geomspace(0.01, 1, 201)
for steep in (3, 10, 30):
    reached = labs.bowl_outcomes(rates, curvatures=[[1.0, steep]])["reached"].ravel()
    low, high = rates[reached][[0, -1]]
    print(f"1 : {steep}: the goal is reached from {low:.3f} to {high:.3f}", end=", ")
    print(f"best {2 / (1 + steep):.3f}, edge {2 / steep:.3f}")

# %% [markdown] claims=["1 : 3: the goal is reached from: 0.047 0.0005", "1 : 3: the goal is reached from[2]: 0.646 0.0005", "1 : 30: the goal is reached from: 0.047 0.0005", "1 : 30: the goal is reached from[2]: 0.065 0.0005"]
# <details><summary>What to see</summary>
#
# At 1 : 3 any rate from 0.047 to 0.646 will do. At 1 : 30 only those from 0.047 to 0.065, just
# below the edge: the flat direction asks for the same as before, but the edge has come down.
#
# </details>
#
# ## A bowl that is turned
#
# In a network the Hessian is hardly ever diagonal. Turn the valley by 30 degrees: its curvatures
# are still 1 and 10, but now they are the *eigenvalues* of $H$. Write the distance from the minimum
# as a sum of parts, one along each *eigenvector*. As $H$ times an eigenvector is $\lambda$ times
# it, each step multiplies each part by its own $1 - \eta\lambda$.
#
# At rate 0.15, by which factor does the flat part shrink in each step? And does each weight shrink
# steadily, too?

# %%
angle = np.radians(30)
turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
askew = turn @ valley @ turn.T
path = descend(askew, np.zeros(2), np.array([-2.0, 1.0]), 0.15, 15)
alt = "A path over the contours of a valley that is turned by 30 degrees."
box = [(-3, 1.2), (-1.6, 1.3)]
plots.path(lambda w: 0.5 * w @ askew @ w, path, alt=alt, box=box, equal_scales=True)
curvatures, axes = np.linalg.eigh(askew)
parts = abs(path @ axes)
lines = {"w₁": abs(path[:, 0]), "w₂": abs(path[:, 1])}
lines |= {f"along curvature {c:.0f}": part for c, part in zip(curvatures, parts.T, strict=True)}
alt = "Distance from the minimum against the step, for each weight and along each eigenvector."
plots.curves(lines, "step", "distance", log_y=True, alt=alt)
factors = (parts[1:] / parts[:-1]).mean(axis=0)
print(f"factor along curvature 1: {factors[0]:.2f}, along curvature 10: {factors[1]:.2f}")

# %% [markdown] claims=["factor along curvature 1: 0.85 0.005", "along curvature 10: 0.50 0.005"]
# <details><summary>What to see</summary>
#
# The weights do not shrink steadily. The parts along the eigenvectors do: each step multiplies the
# flat part by 0.85, and the size of the steep part by 0.50. So a bowl of any number of weights is a
# sum of parabolas, and the steepest sets the edge.
#
# </details>
#
# But a network with a million weights has a Hessian of a million rows, which nobody writes down.
# What one has is gradients.

# %% [markdown]
# ### Exercise 01.2
# **The edge of a bowl that you cannot see**
#
# Write `measure_edge`. It gets `gradient`, a function that takes $w$ of shape `(size,)` and returns
# the gradient there. The loss is a bowl around 0, with curvatures somewhere between 0.001 and 1000.
# Return its edge. 2 % off is near enough. Ask for at most 10,000 gradients. How you find it is up
# to you.
#
# Expect about 0.2 for `measure_edge(lambda w: 10 * w, 3)`.


# %% exercise="01.2"
def measure_edge(gradient, size):
    r"""Return the largest stable learning rate of a bowl around 0, from its gradients alone."""
    ### BEGIN SOLUTION
    w = np.random.default_rng(0).normal(size=size)
    for _ in range(300):  # the steepest direction grows most, until w points along it
        g = gradient(w)
        w = g / np.linalg.norm(g)
    return 2 / (w @ gradient(w))
    ### END SOLUTION


# %%
check("01.2")

# %% [markdown]
# <details><summary>Two ways</summary>
#
# One can try rates, and close in on the edge. The worked solution multiplies by $H$ until the
# steepest direction has outgrown all others: *power iteration*.
#
# </details>
#
# ## Two rates in turn
#
# One rate is a compromise. Take two, $a$ and $b$, in turn: two steps multiply the distance along
# curvature $\lambda$ by $(1 - a\lambda)(1 - b\lambda)$. You know only that the curvatures lie
# between `low` and `high`, and the worst of them decides. With the best single rate, taken twice,
# its factor is $\left(\frac{\kappa - 1}{\kappa + 1}\right)^2$.
#
# **Predict**: can two different rates do better? May one of them lie beyond the edge?

# %%
guess("01.d", "May the larger of the two best rates lie beyond the edge?", ["yes", "no"])

# %% [markdown]
# ### Exercise 01.3
# **Two rates in turn**
#
# Write `two_rates`. It returns two learning rates, in any order, with which the largest size of
# $(1 - a\lambda)(1 - b\lambda)$, over all $\lambda$ from `low` to `high`, is as small as it can be;
# 2 % more will pass. Derive them, or let the computer search: the check looks only at what they do.


# %% exercise="01.3"
def two_rates(low, high):
    r"""Return two rates to be taken in turn, the best for curvatures from low to high."""
    ### BEGIN SOLUTION
    # The product is a parabola in the curvature. At its best it is as high at both ends as it is
    # deep in the middle, so it crosses 0 at 1/sqrt(2) of the way from the middle to the ends.
    middle, half = (low + high) / 2, (high - low) / 2
    return 1 / (middle + half / np.sqrt(2)), 1 / (middle - half / np.sqrt(2))
    ### END SOLUTION


# %%
check("01.3")

# %%
from lrcourse import whose

pair = yours("01.3")(1.0, 10.0)
curvatures, lines = np.linspace(1, 10, 181), {}
for name, (a, b) in {"one rate": (2 / 11, 2 / 11), "two rates": pair}.items():
    lines[name] = curvatures, abs((1 - a * curvatures) * (1 - b * curvatures))
    w, steps = np.ones(181), 0
    while abs(w).max() > 0.001:
        w = w * (1 - (a, b)[steps % 2] * curvatures)
        steps += 1
    print(f"{name}: {steps} steps to a thousandth, with {a:.3f} and {b:.3f} in turn")
alt = "Size of the factor of two steps against the curvature, for a single rate and for a pair."
lines[f"two rates, {whose('01.3')}"] = lines.pop("two rates")
plots.curves(lines, "curvature", "size of the factor of two steps", alt=alt)
outcome("01.d", "yes" if max(pair) > 2 / 10 else "no")

# %% [markdown] claims=["one rate: 35 0.5", "two rates: 21 0.5", "two rates[3]: 0.431 0.0005"]
# <details><summary>What to see</summary>
#
# The best two rates in turn need 21 steps, where the best single rate needs 35. The larger of them,
# 0.431, is more than twice the edge of 0.2. Along curvature 10 it multiplies the distance by more
# than 3, but the small rate by less than 0.2, so the two together shrink it. The flat direction
# gains from the long step.
#
# </details>
#
# So the edge $2/\lambda_\text{max}$ holds for *one* rate at all steps. For any number of rates the
# best ones are known (Young, Journal of Mathematics and Physics 1953).
#
# ## When the bowl is not quadratic
#
# In a network the curvature changes from place to place. Then where is the edge? Take
#
# $$L(w) = \tfrac12 w^2 + \tfrac14 w^4 \qquad\qquad L'(w) = w + w^3 \qquad\qquad L''(w) = 1 + 3w^2$$
#
# The curvature is 1 at the minimum and grows outwards. The cell draws two runs at one rate, and
# then tries all rates for four starts.
#
# **Predict**: at rate 0.28, does a run from 1 arrive? And one from 2.5?

# %%
guess("01.e", "From where does it arrive at rate 0.28?", ["both", "only 1", "only 2.5", "neither"])

# %%
paths = {}
for start in (2.5, 1.0):
    w = [start]
    for _ in range(3):
        w.append(w[-1] - 0.28 * (w[-1] + w[-1] ** 3))
    paths[f"from {start}"] = w
alt = "Two runs of three steps on a curve with steep walls; straight lines join the steps."
plots.path(lambda w: w**2 / 2 + w**4 / 4, paths, box=[(-4, 4)], alt=alt)
rates = np.arange(0.01, 2.5, 0.01)
for start in (0.1, 1.0, 2.0, 2.5):
    w = np.full_like(rates, start)
    for _ in range(1000):
        w = np.clip(w - rates * (w + w**3), -10, 10)
    print(f"start {start}: largest rate that arrives {rates[abs(w) < start].max():.2f}", end="  ")
    print(f"2/(1 + 3w²) {2 / (1 + 3 * start**2):.2f}  2/(1 + w²) {2 / (1 + start**2):.2f}")
near, far = (abs(w[-1]) < abs(w[0]) for w in (paths["from 1.0"], paths["from 2.5"]))
outcome("01.e", "both" if near and far else "only 1" if near else "only 2.5" if far else "neither")

# %% [markdown] claims=["start 0.1: largest rate that arrives: 1.98 0.005", "start 2.5: largest rate that arrives: 0.27 0.005"]
# <details><summary>What to see</summary>
#
# Same loss, same rate: the run from 1 arrives, the one from 2.5 jumps farther each time. From 0.1 a
# rate of 1.98 still arrives, from 2.5 only 0.27.
#
# So from far out the edge is lower, but not as low as $2/(1 + 3w^2)$, which takes the curvature at
# the start. A jump to the minimum sees the curvature *averaged* on its way, which here is $1 +
# w^2$. The last column is right to within the spacing of our rates, 0.01.
#
# </details>
#
# So a rate that is fine late in training may be too large early on.
#
# ## Small batches
#
# A loss is a mean over many examples, and a step looks at a *mini-batch* of $B$ of them. Let each
# example $i$ have its own bowl $\tfrac12 (w - c_i)^2$, with centres of mean 0 and variance 1. The
# whole loss has its minimum at 0, yet each batch pulls towards the mean of its own centres.
#
# Each step multiplies $w$ by $1 - \eta$ and adds noise of variance $\eta^2/B$. Once the two
# balance, the variance $v$ of $w$ stays the same:
#
# $$v = (1 - \eta)^2\, v + \frac{\eta^2}{B} \qquad\text{so}\qquad
# v = \frac{\eta}{B\,(2 - \eta)}$$
#
# The loss is then above its minimum by $\tfrac12 v$ on average: that is what we plot, as the mean
# of 1,000 runs from $w = 3$.
#
# **Predict**: half the rate, how many times as high is the level where a run settles? Which of the
# four below ends lowest?


# %%
guess("01.f", "Half the rate: how many times as high is the level?")


# %%
def noisy_losses(rate, batch, rng, steps=100, runs=1000):
    w, losses = np.full(runs, 3.0), []
    for _ in range(steps):
        losses.append(np.mean(w**2 / 2))
        w -= rate * (w - rng.normal(size=(runs, batch)).mean(axis=1))
    return losses


rng, losses, level = np.random.default_rng(0), {}, {}
for rate, batch in ((0.4, 1), (0.2, 1), (0.1, 1), (0.4, 16)):
    name = f"rate {rate}, batch {batch}"
    losses[name] = noisy_losses(rate, batch, rng)
    level[name] = np.mean(losses[name][60:])
    formula = rate / (2 * batch * (2 - rate))
    print(f"{name}: settles at {level[name]:.4f}, formula {formula:.4f}")
alt = "Mean loss above its minimum against the step, for four pairs of rate and batch size."
plots.curves(losses, "step", "mean loss above its minimum", log_y=True, alt=alt)
outcome("01.f", level["rate 0.2, batch 1"] / level["rate 0.4, batch 1"])

# %% [markdown] claims=["rate 0.4, batch 1: settles at: 0.126 0.0005", "rate 0.2, batch 1: settles at: 0.056 0.0005", "rate 0.4, batch 16: settles at: 0.008 0.0005"]
# <details><summary>What to see</summary>
#
# The loss falls, and then stops falling: the noise pushes $w$ away as fast as the slope pulls it
# back. That level is the *noise floor*, and the formula gives it. Half the rate settles later, at
# 0.056 in place of 0.126, a little less than half. Sixteen times the batch settles at 0.008, a
# sixteenth, with sixteen times the work in each step.
#
# </details>
#
# In the lab, 64 examples make a valley of 1 : 10. Reach the goal with all of them, then lower the
# batch size. One run ends high or low partly by luck, so the cell below the lab finds the best rate
# over 40 draws.
#
# **Predict** before you move a slider: does a smaller batch want a smaller rate or a larger one?
# And why not a tiny rate?

# %%
choices = ["a smaller rate", "a larger rate"]
guess("01.g", "For the lowest loss after 60 steps, a smaller batch wants ...", choices)

# %%
labs.bowl(controls=("learning_rate", "batch_size"))

# %%
rates = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.19]
draws = [labs.bowl_outcomes(rates, (1, 4, 16, 64), rng=np.random.default_rng(s)) for s in range(40)]
last = np.array([draw["loss"][:, :, 0, -1] for draw in draws])
best = last.mean(axis=0).argmin(axis=0)
for k, batch in enumerate((1, 4, 16, 64)):
    ends = last[:, best[k], k]
    print(f"batch {batch}: best rate {rates[best[k]]}, loss {ends.mean():.5f}", end=" ")
    print(f"± {ends.std(ddof=1) / 40**0.5:.5f} (at rate 0.01 {last[:, 0, k].mean():.3f})")
outcome("01.g", "a smaller rate" if rates[best[0]] < rates[best[3]] else "a larger rate")

# %% [markdown] claims=["batch 1: best rate: 0.03 0.005", "batch 16: best rate: 0.05 0.005", "batch 64: best rate: 0.18 0.005", "batch 16: best rate < batch 64: best rate by 0.1", "batch 1: best rate[2] < batch 1: best rate[5] by 0.5", "batch 16: best rate[2] < batch 16: best rate[5] by 0.5"]
# <details><summary>What to see</summary>
#
# A small batch wants a smaller rate: 0.03 to 0.05 for batches of 1 to 16, and 0.18 with all
# examples. That lowers the noise floor. But in 60 steps a tiny rate does not arrive: at 0.01 every
# batch size ends far above its best (± is the standard error).
#
# </details>

# %% [markdown]
# ### Question 01.q1
# **Two ways to calm a run**
#
# A run with small batches has stopped falling, above the loss that you want. One friend says "halve
# the rate", another "double the batch". What does each do to the noise floor, and what does it
# cost? Which would you try when the rate is just below the edge, and why? Double-click the cell
# below and write three or four sentences. In a class a person reads them; alone, compare them with
# those of the worked solution.

# %% [markdown] question="01.q1"
# *Your answer stands here.*

# %% [markdown] tags=["solution"]
# **A good answer.** The floor is about $\eta/4B$, so either way it is about half as high. Half the
# rate leaves each step as cheap, but where the run crawls it needs twice as many; double the batch
# keeps the speed and doubles the work of each step. Just below the edge the rate is also what makes
# the run ring, and the batch does not move the edge: there I would lower the rate.

# %% [markdown]
# ## A loop with two bugs
#
# The last exercise fits a line, slope times $x$ plus intercept, to points $(x_i, y_i)$. The loss is
# $\frac{1}{B}\sum_i \frac12 (\text{slope}\, x_i + \text{intercept} - y_i)^2$. What does the code
# below do at batch size 4, and at 64?


# %%
def buggy_batch_step(slope, intercept, x, y, learning_rate):
    slope = slope - learning_rate * np.sum((slope * x + intercept - y) * x)
    intercept = intercept - learning_rate * np.sum(slope * x + intercept - y)
    return slope, intercept


rng = np.random.default_rng(0)
for batch_size in (4, 64):
    line = (0.0, 0.0)
    for _ in range(20):
        x = rng.normal(size=batch_size)
        line = buggy_batch_step(*line, x, y=2 * x + 1, learning_rate=0.1)
    print(f"batch {batch_size}: slope {line[0]:.3g}, intercept {line[1]:.3g}; right are 2 and 1")

# %% [markdown]
# ### Exercise 01.4
# **Find two bugs**
#
# Write `batch_step`: one step of gradient descent on the loss above, without the two bugs of that
# code. `x` and `y` have shape `(B,)`. Return the new slope and intercept, two numbers, in this
# order, and leave `x` and `y` as they are.
#
# For `batch_step(0.5, -1, x, y, 0.3)` with `x = [0, 1, 4]` and `y = [0, 1.5, -1]` expect −0.1 and
# −0.9.


# %% exercise="01.4"
def batch_step(slope, intercept, x, y, learning_rate):
    r"""Return (slope, intercept) after one step on the mean of 1/2 (slope x + intercept - y)^2."""
    ### BEGIN SOLUTION
    error = slope * x + intercept - y
    slope = slope - learning_rate * np.mean(error * x)
    intercept = intercept - learning_rate * np.mean(error)
    return slope, intercept
    ### END SOLUTION


# %%
check("01.4")

# %% [markdown]
# This loss is a bowl, too, in the slope and the intercept. With all $y$ at 0 it lies around 0, as
# `measure_edge` asks, and its curvature is the same. So measure the edge for either version of the
# code, and for either batch size.

# %%
edge_of = yours("01.2")
for batch_size in (4, 64):
    x = np.random.default_rng(1).normal(size=batch_size)
    for name, reduce in (("sum", np.sum), ("mean", np.mean)):

        def bowl(line, x=x, reduce=reduce):
            fit = line[0] * x + line[1]
            return np.array([reduce(fit * x), reduce(fit)])

        print(f"batch {batch_size}, {name}: edge {edge_of(bowl, 2):.3f}")

# %% [markdown] claims=["batch 64, sum: edge < batch 4, sum: edge by 0.1", "batch 64, sum: edge < batch 64, mean: edge by 1"]
# With a sum the gradient grows with the batch, so the edge falls in proportion: a rate of 0.1 is
# below it for 4 examples, and beyond it for 64. With a mean it is about the same for both. In this
# course a loss is always a mean.
#
# ## What we learnt
#
# - Along each eigenvector of the Hessian a step multiplies the distance by $1 - \eta\lambda$. For a
#   single rate the edge is $\eta = 2/\lambda_\text{max}$; gradients alone are enough to find it.
# - The best single rate is $2/(\lambda_\text{min} + \lambda_\text{max})$, and even then the number
#   of steps grows with the condition number. Two rates in turn do better.
# - Small batches leave a noise floor, nearly proportional to the rate over the batch size.
#
# **Next**: [Backprop](02_backprop.ipynb). A network has thousands of weights, and needs its
# gradient first.

# %%
tally()
