# %% [markdown]
# # One knob
#
# **You have one knob, the learning rate. Where exactly is the edge beyond which training falls
# apart, and what is the best setting below it?**
#
# - **You will** derive the edge for one weight, find it again with two weights and in a bowl that
#   is not quadratic, and see what small batches do below it.
# - **Time**: about 50 minutes.
# - **You need**: [Start here](00_start_here.ipynb), matrices times vectors, and what an eigenvalue
#   is.

# %% [markdown]
# ## One weight
#
# Near its lowest point almost any smooth loss looks like a parabola. So take a parabola:
#
# $$L(w) = \tfrac12 \lambda w^2 \qquad\qquad L'(w) = \lambda w \qquad\qquad L''(w) = \lambda$$
#
# The second derivative $\lambda$ is the *curvature*: large in a narrow bowl, small in a wide one.
# One step of gradient descent with learning rate $\eta$ is
#
# $$w_{t+1} = w_t - \eta \lambda w_t = (1 - \eta\lambda)\, w_t$$
#
# so every step multiplies $w$ by the same factor, and $w_t = (1 - \eta\lambda)^t\, w_0$. All that
# can happen is in that factor.
#
# **Predict**: with curvature 4, which of the five rates below ends nearest to 0? Which one ends
# farther away than it began?

# %%
import numpy as np
from lrcourse import plots

curvature, runs = 4.0, {}
for learning_rate in (0.05, 0.25, 0.4, 0.5, 0.53):
    w = [1.0]
    for _ in range(10):
        w.append(w[-1] - learning_rate * curvature * w[-1])
    runs[f"rate {learning_rate}"] = w
    factor = 1 - learning_rate * curvature
    print(f"rate {learning_rate}: factor {factor:.2f}, w {w[-1]:.3f}, formula {factor**10:.3f}")
plots.curves(
    runs,
    "step",
    "w",
    alt="The weight against the step for five rates: one falls slowly to 0, one arrives in one "
    "step, one swings with shrinking jumps, one swings for ever, one swings wider and wider.",
)

# %% [markdown]
# **What to see.** The loop and the formula agree. Only the product $\eta\lambda$ matters, and it
# has four regions:
#
# | $\eta\lambda$ | factor | what happens |
# |---|---|---|
# | 0 to 1 | 1 to 0 | *converges* from one side; near 0 it *crawls* |
# | exactly 1 | 0 | arrives in one step |
# | 1 to 2 | 0 to -1 | *rings*: each jump crosses the minimum and is shorter than the last |
# | above 2 | below -1 | *diverges*: each jump is longer than the last |
#
# The edge is at $\eta = 2/\lambda$, and it is sharp: a hair below it a run still arrives in the
# end, a hair above it never does.
#
# Now a bowl of curvature 10. **Predict** before you move the slider: at which rate does the run
# arrive in one step, and where is the edge? Then reach the goal at the smallest and at the largest
# rate that you can find. The button reveals the edge.

# %%
from lrcourse import labs

labs.one_knob(curvature=10)

# %% [markdown]
# **What to see.** The right panel has a logarithmic axis: multiplying by the same factor at every
# step is a straight line there. Its slope falls, rises again, and points up beyond the edge.
#
# ## More weights
#
# With $D$ weights the parabola becomes a bowl with its lowest point at a centre $c$:
#
# $$L(w) = \tfrac12 (w - c)^\top H\, (w - c) \qquad\qquad \nabla L(w) = H\,(w - c)$$
#
# $H$ is the *Hessian*, the symmetric $D \times D$ matrix of second derivatives. It takes the place
# of $\lambda$.

# %% [markdown]
# ### Exercise 01.1
# **The gradient of a bowl**
#
# Write `bowl_gradient`. The arrays `w` and `centre` have shape `(D,)`, `hessian` has shape
# `(D, D)` and is symmetric; return an array of shape `(D,)` and leave the inputs as they are. For
# `w = [3, 2]`, `centre = [1, -1]` and `hessian = [[2, 1], [1, 3]]` expect `[7, 11]`.


# %% exercise="01.1"
def bowl_gradient(w, hessian, centre):
    r"""Return the gradient H (w - c) of the loss 1/2 (w - c)^T H (w - c), shape (D,)."""
    ### BEGIN SOLUTION
    return hessian @ (w - centre)
    ### END SOLUTION


# %%
from lrcourse import check

check("01.1")

# %% [markdown]
# Nobody differentiates large networks by hand. PyTorch records what is done to `w` and works the
# gradient out from that. On our bowl it has to agree with the formula.

# %%
import torch

hessian = torch.tensor([[2.0, 1.0], [1.0, 3.0]])
w = torch.tensor([3.0, 2.0], requires_grad=True)
d = w - torch.tensor([1.0, -1.0])
loss = 0.5 * d @ hessian @ d
loss.backward()
print("torch", w.grad.tolist(), " formula", (hessian @ d).tolist())

# %% [markdown]
# ### Exercise 01.2
# **The whole path**
#
# Write `bowl_path`: gradient descent on a bowl centred at 0, whose gradient is `hessian @ w`.
# `start` has shape `(D,)`. Return every $w$ on the way as one array of shape `(steps + 1, D)`: row
# 0 is the start, row $t$ is $w$ after $t$ steps. Leave `start` as it is. With curvatures 1 and 15,
# start `[2, 8]`, rate 0.1 and 3 steps expect `[[2, 8], [1.8, -4], [1.62, 2], [1.458, -1]]`.


# %% exercise="01.2"
def bowl_path(hessian, start, learning_rate, steps):
    r"""Return the path of gradient descent on 1/2 w^T H w, shape (steps + 1, D)."""
    ### BEGIN SOLUTION
    path = [start]
    for _ in range(steps):
        w = path[-1]
        path.append(w - learning_rate * hessian @ w)
    return np.array(path)
    ### END SOLUTION


# %%
check("01.2")

# %% [markdown]
# ## A narrow valley
#
# From here on we use the package's rule `SGD`, and a loop, `descend`, that takes any gradient
# function. `SGD` changes `w` in place, so the path keeps copies.
#
# Take two weights with curvatures 1 and 10. The Hessian is diagonal, so each weight minds its own
# business: the flat one is multiplied by $1 - \eta$, the steep one by $1 - 10\eta$. But there is
# one knob for both.
#
# **Predict**: at rate 0.02, which direction is done first? At 0.18, which one rings?

# %%
from lrcourse.optim import SGD


def descend(gradient, start, learning_rate, steps):
    w = np.array(start, dtype=float)
    path = [w.copy()]
    for _ in range(steps):
        SGD().step(w, gradient(w), learning_rate)
        path.append(w.copy())
    return np.array(path)


curvatures, paths = np.array([1.0, 10.0]), {}
for rate in (0.02, 0.18):
    paths[f"rate {rate}"] = descend(lambda w: curvatures * w, [-2.5, 1.2], rate, 20)
alt = "Two paths in a long valley: the slow one stops half way along it, the fast one jumps about."
plots.path(lambda w: 0.5 * curvatures @ w**2, paths, alt=alt)
for name, path in paths.items():
    print(name, "ends at", path[-1].round(3))

# %% [markdown]
# **What to see.** At the small rate the path falls into the valley and then crawls along its floor.
# At the large rate it jumps from wall to wall, and yet comes out nearer. The steep direction sets
# the edge, $2/\lambda_\text{max} = 0.2$. The flat direction has to live with that.
#
# So which rate is best? The slowest direction decides: the one whose factor has the larger size.

# %%
rates = np.linspace(0.005, 0.215, 43)
plots.curves(
    {"flat": (rates, abs(1 - rates)), "steep": (rates, abs(1 - 10 * rates))},
    "learning rate",
    "size of the factor",
    alt="Size of the factor against the learning rate. The flat direction falls slowly from 1. The "
    "steep one falls to 0 at 0.1, rises again, and crosses the flat one at about 0.18.",
)

# %% [markdown]
# **What to see.** The higher of the two lines counts. It is lowest where they cross, where
# $1 - \eta\lambda_\text{min} = \eta\lambda_\text{max} - 1$:
#
# $$\eta_\text{best} = \frac{2}{\lambda_\text{min} + \lambda_\text{max}} \qquad\qquad
# \text{factor} = \frac{\kappa - 1}{\kappa + 1} \qquad\qquad
# \kappa = \frac{\lambda_\text{max}}{\lambda_\text{min}}$$
#
# $\kappa$ is the *condition number*, how long the valley is for its width. **Predict**: if $\kappa$
# is ten times as large, how many more steps does the *best* rate need?

# %%
for condition in (10, 100, 1000):
    curvatures = np.array([1, condition])
    path = descend(lambda w, h=curvatures: h * w, [1, 1], 2 / (1 + condition), 5000)
    distance = np.linalg.norm(path, axis=1)
    formula = (condition - 1) / (condition + 1)
    needed = np.argmax(distance < distance[0] / 1000)
    print(f"condition {condition:4}  factor measured {distance[1] / distance[0]:.4f}", end="  ")
    print(f"formula {formula:.4f}  steps to come 1000 times closer {needed}")

# %% [markdown]
# Ten times the condition number costs ten times the steps, even with the best rate. That is why
# later chapters whiten the data, normalise layers, and give each layer its own rate: they all make
# the valley rounder.
#
# In the lab, reach the goal for curvatures 1 : 3, then 1 : 10, then 1 : 30. **Predict** the rate
# each time, with the formula for $\eta_\text{best}$. How much room is left at 1 : 30?

# %%
labs.bowl(controls=("learning_rate", "conditioning"))

# %% [markdown]
# ### Exercise 01.3
# **Two rates from a Hessian**
#
# In the round bowl of the lab many rates will do. In the long one only a few just below the edge
# are fast enough for the flat direction.
#
# A bowl may also lie askew, and then its Hessian is not diagonal. Its curvatures are the
# *eigenvalues* of the Hessian. Write `stable_rates`, which takes a symmetric `hessian` of shape
# `(D, D)` with positive eigenvalues and returns two numbers in this order: the edge and the best
# rate. For curvatures 1 and 9 expect 2/9 and 0.2.


# %% exercise="01.3"
def stable_rates(hessian):
    r"""Return (2 / largest eigenvalue, 2 / (smallest + largest eigenvalue)) of the Hessian."""
    ### BEGIN SOLUTION
    curvatures = np.linalg.eigvalsh(hessian)
    return 2 / curvatures[-1], 2 / (curvatures[0] + curvatures[-1])
    ### END SOLUTION


# %%
check("01.3")

# %% [markdown]
# ## When the bowl is not quadratic
#
# In a network the curvature changes from place to place. Then where is the edge? Take
#
# $$L(w) = \tfrac12 w^2 + \tfrac14 w^4 \qquad\qquad L'(w) = w + w^3 \qquad\qquad L''(w) = 1 + 3w^2$$
#
# The curvature is 1 at the minimum and grows outwards. **Predict**: at rate 0.3, does a run from 1
# arrive? And one from 2.5? The cell draws both, and then tries all rates for four starts.

# %%
paths = {f"from {w}": descend(lambda w: w + w**3, w, 0.3, 3) for w in (2.5, 1.0)}
plots.path(
    lambda w: w**2 / 2 + w**4 / 4,
    paths,
    box=[(-4, 4)],
    alt="Two runs on a curve with steep walls: from 1 the steps go down to the minimum, from 2.5 "
    "each jump lands higher on the other wall.",
)
rates = np.arange(0.01, 2.5, 0.01)
for start in (0.1, 1.0, 2.0, 2.5):
    w = np.full_like(rates, start)
    for _ in range(1000):
        w = np.clip(w - rates * (w + w**3), -10, 10)
    print(f"from {start}: largest rate that arrives {rates[abs(w) < start].max():.2f}", end="  ")
    print(f"2/(1 + 3w²) {2 / (1 + 3 * start**2):.2f}  2/(1 + w²) {2 / (1 + start**2):.2f}")

# %% [markdown]
# **What to see.** Same loss, same rate: the run from 1 arrives, the one from 2.5 is thrown out. The
# edge depends on where you stand.
#
# Near the minimum it is almost 2, as the curvature of 1 says. From farther out it is lower, but not
# as low as the curvature at the start, $1 + 3w^2$, would have it. A jump sees the curvature
# *averaged* between the start and the minimum, which here is $1 + w^2$. That last column is right
# to within the spacing of our rates, 0.01.
#
# So a rate that is fine late in training may be too large early on. Chapter 07 changes the rate on
# the way.
#
# ## Small batches
#
# Real losses are a mean over many examples, and a step looks at a *mini-batch* of them. Let each
# example $i$ have its own bowl $\tfrac12 (w - c_i)^2$, with centres of mean 0 and spread 1. The
# whole loss has its minimum at 0, yet each batch of $B$ fresh examples pulls towards the mean of
# its own centres.
#
# Each step multiplies $w$ by $1 - \eta$ and adds noise of variance $\eta^2/B$. Once the two
# balance, the variance $v$ of $w$ stays the same, and the mean loss is half of it:
#
# $$v = (1 - \eta)^2\, v + \frac{\eta^2}{B} \qquad\qquad
# \tfrac12 v = \frac{\eta}{2B\,(2 - \eta)} \approx \frac{\eta}{4B}$$
#
# To see a mean, 1,000 runs go side by side from $w = 3$. **Predict**: which of the four below ends
# lowest? What does half the rate do to the level where a run settles?


# %%
def noisy_losses(rate, batch, rng, steps=100, runs=1000):
    w, losses = np.full(runs, 3.0), []
    for _ in range(steps):
        losses.append(np.mean(w**2 / 2))
        w -= rate * (w - rng.normal(size=(runs, batch)).mean(axis=1))
    return losses


rng, losses = np.random.default_rng(0), {}
for rate, batch in ((0.4, 1), (0.2, 1), (0.1, 1), (0.4, 16)):
    loss = losses[f"rate {rate}, batch {batch}"] = noisy_losses(rate, batch, rng)
    formula = rate / (2 * batch * (2 - rate))
    print(f"rate {rate}, batch {batch:2}: settles at {np.mean(loss[60:]):.4f}, {formula = :.4f}")
plots.curves(
    losses,
    "step",
    "mean loss",
    log_y=True,
    alt="Mean loss of 1,000 runs at batch size 1: the larger the rate, the faster it falls and the "
    "higher it stops. At batch size 16 the largest rate falls as fast and stops lowest.",
)

# %% [markdown]
# **What to see.** Every run falls as before, and then stops falling: the noise throws $w$ about as
# fast as the slope pulls it back. The level is the *noise floor*. Half the rate gives a little less
# than half the floor, later. Sixteen times the batch gives a sixteenth of it, at the same speed,
# but each step looks at sixteen times as many examples.
#
# In the lab, find the smallest batch size that reaches the goal at some rate. **Predict** before
# you move: does a smaller batch want a smaller rate or a larger one? And why not a tiny rate?

# %%
labs.bowl(controls=("learning_rate", "batch_size"))

# %% [markdown]
# ### Question 01.q1
# **Two ways to calm a run**
#
# In the lab, small batches let the end of the path dance around the cross, and the loss jitters
# above the goal. A smaller rate calms it, until it is too slow for 60 steps.
#
# A run with small batches has stopped falling, above the loss that you want. One friend says "halve
# the rate", another "double the batch". What does each do to the noise floor, and what does it
# cost? Which would you try when the rate is just below the edge, and why? Write three or four
# sentences in the cell below; a person reads them.

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
# $\frac{1}{B}\sum_i \frac12 (\text{slope}\, x_i + \text{intercept} - y_i)^2$. The code below looks
# right, and at batch size 4 it works. **Predict** what it does at 64.


# %%
def buggy_batch_step(slope, intercept, x, y, learning_rate):
    slope = slope - learning_rate * np.sum((slope * x + intercept - y) * x)
    intercept = intercept - learning_rate * np.sum(slope * x + intercept - y)
    return slope, intercept


for batch_size in (4, 64):
    line = (0.0, 0.0)
    for _ in range(20):
        x = rng.normal(size=batch_size)
        line = buggy_batch_step(*line, x, y=2 * x + 1, learning_rate=0.1)
    print(f"batch {batch_size:2}: slope {line[0]:.3g}, intercept {line[1]:.3g}; right are 2 and 1")

# %% [markdown]
# ### Exercise 01.4
# **Find two bugs**
#
# Write `batch_step` without them: one step of gradient descent on the loss above. `slope` and
# `intercept` are numbers, `x` and `y` have shape `(B,)`. Both gradients belong to the *same* point,
# the slope and intercept before the step. Return the new slope and intercept, in this order. For
# `batch_step(0.5, -1, x, y, 0.3)` with `x = [0, 1, 2]` and `y = [0, 1.5, 4]` expect 1.5 and -0.3.


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
# With a sum, the gradient grows with the batch, and a rate that is right for 4 examples is beyond
# the edge for 64. With a mean, the curvature does not depend on the batch size. In this course a
# loss is always a mean.
#
# ## What we learnt
#
# - Along each direction of a bowl a step multiplies the distance by $1 - \eta\lambda$. The edge is
#   $\eta = 2/\lambda_\text{max}$.
# - The best single rate is $2/(\lambda_\text{min} + \lambda_\text{max})$, and even then the number
#   of steps grows with the condition number.
# - Where the curvature changes, so does the edge.
# - Small batches leave a noise floor, nearly proportional to the rate over the batch size.
#
# **Next**: [Backprop](02_backprop.ipynb). A network has thousands of weights. Before we can choose
# its steps we need its gradient.
