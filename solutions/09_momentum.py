# %% [markdown]
# # Momentum
#
# **A ball that rolls down a valley does not stop at every point to look around. Does a step with a
# memory get there sooner, or is it only a larger step in disguise?**
#
# - **You will** build momentum and Nesterov's look-ahead, work out how fast each can be, see two
#   conventions part under a schedule, and race momentum fairly against plain steps.
# - **Time**: about 60 minutes.
# - **You need**: [One knob](01_one_knob.ipynb), [Schedules](07_schedules.ipynb), and eigenvalues of
#   a 2 by 2 matrix.

# %% [markdown]
# ## A ball in the valley
#
# Plain descent forgets. Each step looks at the slope underfoot and at nothing else. In a long
# valley that is a pity: the slopes across it change sign all the time, the slope along it is small
# but always the same. Add the steps up, and the first kind cancels while the second grows.
#
# So give the weights a *velocity* $v$. It keeps the share $\mu$ of itself, the *momentum*, and the
# slope pushes it:
#
# $$v \leftarrow \mu v - \eta g \qquad\qquad w \leftarrow w + v \qquad\qquad v_0 = 0$$

# %% [markdown]
# ### Exercise 09.1
# **A step with a velocity**
#
# Write `momentum_step`. The arrays `w`, `v` and `g` have one shape; return the tuple `(w, v)` of
# new arrays and leave the inputs as they are. The rate stands inside the velocity, and the step is
# taken with the *new* velocity. For `w = 3`, `v = 0.5`, `g = 2`, rate 0.1 and momentum 0.9 expect
# `w = 3.25`, `v = 0.25`.


# %% exercise="09.1"
def momentum_step(w, v, g, learning_rate, momentum):
    r"""Return (w, v) after v <- momentum v - learning_rate g, w <- w + v."""
    ### BEGIN SOLUTION
    v = momentum * v - learning_rate * g
    return w + v, v
    ### END SOLUTION


# %%
from lrcourse import check

check("09.1")

# %% [markdown]
# From here on we use the package's rules. First the judge: torch's momentum, on random gradients.

# %%
import numpy as np
import torch
from lrcourse import plots
from lrcourse.optim import SGD, Momentum, Nesterov

gradients = np.random.default_rng(0).normal(size=(60, 5))


def against_torch(rule, **options):
    w, judged = np.zeros(5), torch.zeros(5, dtype=torch.float64)
    optimizer = torch.optim.SGD([judged], lr=0.1, momentum=0.9, **options)
    for g in gradients:
        rule.step(w, g, 0.1)
        judged.grad = torch.tensor(g)
        optimizer.step()
    return f"after 60 steps at most {abs(w - judged.numpy()).max():.0e} apart"


print("Momentum", against_torch(Momentum(0.9)))

# %% [markdown]
# The same, but for the last rounding. Now into a valley with curvatures 1 and 25.
#
# **Predict**: momentum 0.9 at rate 0.004, against plain descent at the same rate. Which is ahead
# after 60 steps? And against plain descent at 0.04?

# %%
curvatures = np.array([1.0, 25.0])


def descend(rule, learning_rate, steps=60, start=(-2.5, 1.0), curvatures=curvatures):
    w = np.array(start)
    path = [w.copy()]
    for _ in range(steps):
        rule.step(w, curvatures * w, learning_rate)
        path.append(w.copy())
    return np.array(path)


paths = {
    "plain 0.004": descend(SGD(), 0.004),
    "plain 0.04": descend(SGD(), 0.04),
    "momentum 0.9, 0.004": descend(Momentum(0.9), 0.004),
}
alt = "A long valley. Plain steps at 0.004 stop early; at 0.04, and with momentum, both arrive."
plots.path(lambda w: 0.5 * curvatures @ w**2, paths, alt=alt)
for name, path in paths.items():
    print(f"{name:20} distance to the middle {np.linalg.norm(path[-1]):.2f}")

# %% [markdown] claims=["1.97 0.01", "0.22 0.01", "0.05 0.01"]
# **What to see.** At the same rate the ball is far ahead, 0.05 from the middle against 1.97. But
# give plain descent ten times the rate, and it comes to 0.22: most of the lead is gone. That factor
# of ten is no accident.
#
# ## How long is a step?
#
# Let the slope be constant, $g = 1$. Then the velocity is a sum:
#
# $$v_t = -\eta\,(1 + \mu + \mu^2 + \dots + \mu^{t-1}) = -\eta\, \frac{1 - \mu^t}{1 - \mu}
# \;\longrightarrow\; -\frac{\eta}{1 - \mu}$$
#
# On a steady slope momentum is plain descent with the *effective rate* $\eta/(1 - \mu)$, once it
# has got going. **Predict**: how many times longer does a step get for $\mu = 0.5$, 0.9 and 0.99?
# After how many steps is it half way there?

# %%
lengths = {}
for momentum in (0.5, 0.9, 0.99):
    w, rule, length = np.zeros(1), Momentum(momentum), []
    for _ in range(1000):
        rule.step(w, np.ones(1), 1.0)
        length.append(abs(rule.v[0]))
    lengths[f"momentum {momentum}"] = length[:150]
    half = np.argmax(np.array(length) >= length[-1] / 2) + 1
    print(f"momentum {momentum}: {length[-1]:.1f} times as long, half of that at step {half}")
alt = "Length of a step against the step: to 2 at once, to 10 in some 30 steps, slowly towards 100."
plots.curves(lengths, "step", "length of a step, in rates", alt=alt)

# %% [markdown] claims=["2.0 0.01", "10.0 0.01", "100.0 0.1", "7 0", "69 0"]
# **What to see.** Ten times the length at 0.9, a hundred times at 0.99. And the larger $\mu$, the
# longer the run-up: about $0.7/(1 - \mu)$ steps to half speed.
#
# So "momentum beats plain descent at rate 0.004" says nothing about momentum. It compares a small
# step with one ten times as long. To be fair, **each method gets its own best rate**. What is the
# best rate of a ball?
#
# ## Why a ball can be faster
#
# Take one weight of curvature $\lambda$, so $g = \lambda w$. One step turns the pair $(w, v)$ into
# a new pair, and it is linear:
#
# $$\begin{pmatrix} w \\ v \end{pmatrix} \leftarrow
# \begin{pmatrix} 1 - \eta\lambda & \mu \\ -\eta\lambda & \mu \end{pmatrix}
# \begin{pmatrix} w \\ v \end{pmatrix}$$
#
# In chapter 01 a step multiplied the distance by a number. Here it is a matrix, and in the long run
# each step multiplies by the size of its larger eigenvalue. The product of both eigenvalues is the
# determinant: $(1 - \eta\lambda)\mu + \eta\lambda\mu = \mu$, whatever the rate.

# %% [markdown]
# ### Exercise 09.2
# **The factor of a step**
#
# Write `factor`: the largest absolute value among the eigenvalues of the matrix above, for three
# numbers `curvature`, `learning_rate` and `momentum`. The eigenvalues may be complex; `abs` gives
# the size of a complex number. For curvature 4, rate 0.1 and momentum 0.5 expect 0.7071, and with
# momentum 0 expect 0.6.


# %% exercise="09.2"
def factor(curvature, learning_rate, momentum):
    r"""Return the largest |eigenvalue| of one momentum step on 1/2 curvature w^2."""
    ### BEGIN SOLUTION
    a = learning_rate * curvature
    return abs(np.linalg.eigvals([[1 - a, momentum], [-a, momentum]])).max()
    ### END SOLUTION


# %%
check("09.2")

# %% [markdown]
# Here is that factor again, for many rates at once, from the trace and the determinant.
#
# **Predict**: plain descent has its edge at $\eta\lambda = 2$. Does momentum move it to the left
# or to the right? And can both eigenvalues be smaller than $\sqrt\mu$, if their product is $\mu$?


# %%
def size(products, momentum):
    half_trace = (1 + momentum - products + 0j) / 2
    root = np.sqrt(half_trace**2 - momentum)
    return np.maximum(abs(half_trace + root), abs(half_trace - root))


products = np.linspace(0.001, 4, 4000)
lines = {}
for momentum in (0, 0.5, 0.9):
    sizes = size(products, momentum)
    lines[f"momentum {momentum}"] = products, sizes
    edge = products[sizes < 1].max()
    print(f"momentum {momentum}: smallest factor {sizes.min():.3f}, edge at {edge:.1f},", end=" ")
    print(f"in effective rates {edge / (1 - momentum):.0f}")
alt = "Factor against rate times curvature: a V without momentum, with it a level floor, wider and "
plots.curves(lines, "rate times curvature", "factor", alt=alt + "higher for 0.9 than for 0.5.")

# %% [markdown] claims=["0.707 0.001", "0.949 0.001", "2.0 0.01", "3.0 0.01", "3.8 0.01", "38 0.5"]
# **What to see.** The V of chapter 01 gets a level floor. There the eigenvalues are complex, a pair
# of the same size, so both are exactly $\sqrt\mu$: the ball swings, and *every* rate on the floor
# shrinks the swings equally fast. The floor reaches from $(1 - \sqrt\mu)^2$ to
# $(1 + \sqrt\mu)^2$, and the edge moves out to $2(1 + \mu)$. In effective rates that
# is a lot: 38 at momentum 0.9, instead of 2.
#
# A valley has curvatures from $\lambda_\text{min}$ to $\lambda_\text{max}$. Put the floor under all
# of them, with the smallest $\mu$ that is wide enough:
#
# $$\sqrt\mu = \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1} \qquad\qquad
# \eta = \left(\frac{2}{\sqrt{\lambda_\text{min}} + \sqrt{\lambda_\text{max}}}\right)^2$$
#
# The best plain factor was $(\kappa - 1)/(\kappa + 1)$. Now $\sqrt\kappa$ stands where $\kappa$
# stood. **Predict**: ten times the condition number cost plain descent ten times the steps. And a
# ball?


# %%
def needed(rule, rate, condition):
    curvatures = np.array([1.0, condition])
    path = descend(rule, rate, 4 * condition, (1.0, 1.0), curvatures)
    distance = np.linalg.norm(path, axis=1)
    return np.flatnonzero(distance > distance[0] / 1000)[-1] + 1


for condition in (10, 100, 1000, 10000):
    root = np.sqrt(condition)
    best = ((root - 1) / (root + 1)) ** 2
    plain = needed(SGD(), 2 / (1 + condition), condition)
    ball = needed(Momentum(best), (2 / (1 + root)) ** 2, condition)
    print(f"condition {condition:5}: plain {plain:5} steps, momentum {best:.3f} {ball:3} steps")

# %% [markdown] claims=["346 0", "56 0", "34539 0", "689 0"]
# **What to see.** A hundred times the condition number costs plain descent a hundred times the
# steps, and the ball some twelve times. Each had its best rate. *This* is the gain of momentum:
# steps that are long along the floor of the valley, and do not climb its walls.
# Look at the column of $\mu$ too: the longer the valley, the nearer to 1.
#
# ## Look before you roll
#
# A ball overshoots. It learns that the slope has turned only after it has gone too far. *Nesterov*
# momentum looks ahead: the velocity will carry us to about $x + \mu v$, so take the gradient there:
#
# $$v \leftarrow \mu v - \eta\, \nabla L(x + \mu v) \qquad\qquad x \leftarrow x + v$$
#
# The code below should do that. It has two bugs. It runs, and in a valley it even arrives.


# %%
def buggy_nesterov_path(gradient, x, learning_rate, momentum, steps):
    v, path = np.zeros_like(x), [x]
    for _ in range(steps):
        x = x + v
        v = momentum * v - learning_rate * gradient(x)
        path.append(x)
    return np.array(path)


print(buggy_nesterov_path(lambda x: x, np.array([1.0]), 0.1, 0.5, 2).ravel())

# %% [markdown]
# ### Exercise 09.3
# **Find two bugs**
#
# Write `nesterov_path` without them. `gradient` is a function of an array shaped like `x`, the
# start, of shape `(D,)`. Return every $x$ on the way, not the look-ahead points, as one array of
# shape `(steps + 1, D)`; row 0 is the start, and $v$ begins at 0. Leave `x` as it is. For the call
# above expect 1, 0.9, 0.765.


# %% exercise="09.3"
def nesterov_path(gradient, x, learning_rate, momentum, steps):
    r"""Return the path of x under v <- mu v - eta gradient(x + mu v), x <- x + v."""
    ### BEGIN SOLUTION
    v, path = np.zeros_like(x), [x]
    for _ in range(steps):
        v = momentum * v - learning_rate * gradient(x + momentum * v)
        x = x + v
        path.append(x)
    return np.array(path)
    ### END SOLUTION


# %%
check("09.3")

# %% [markdown]
# ## The same rule in another variable
#
# A network holds one vector w and gives the gradient *there*. To ask for it at $x + \mu v$ we would
# have to move w, ask, and move back. There is a better way: let the network hold the look-ahead
# point $y = x + \mu v$ itself. From $x_{t+1} = x_t + v_{t+1}$ follows
#
# $$y_{t+1} = y_t - \mu v_t + v_{t+1} + \mu v_{t+1} = y_t + \mu v_{t+1} - \eta\, \nabla L(y_t)$$
#
# That is what torch, Keras and our package do. **Predict**: at the start $v = 0$. Do x and y agree
# after the first step?

# %%
x, v = np.array([1.0]), np.zeros(1)
y, rule = np.array([1.0]), Nesterov(0.5)
for step in range(1, 4):
    v = 0.5 * v - 0.1 * (x + 0.5 * v)
    x = x + v
    rule.step(y, y.copy(), 0.1)
    print(f"step {step}: x {x[0]:.4f}  x + mu v {(x + 0.5 * v)[0]:.4f}  package {y[0]:.4f}")
print("Nesterov", against_torch(Nesterov(0.9), nesterov=True))

# %% [markdown]
# **What to see.** The package's weights are the look-ahead points, always $\mu v$ away from $x$. It
# is one path seen from two places; whoever compares x with torch's weights finds a difference that
# is none. What does the look buy? **Predict** which of the two rings longer.

# %%
rules = {"momentum": Momentum, "Nesterov": Nesterov}
runs = {name: descend(rule(0.9), 0.04) for name, rule in rules.items()}
alt = "Two paths in the valley: momentum swings across it for long, Nesterov's is soon calm."
plots.path(lambda w: 0.5 * curvatures @ w**2, runs, alt=alt)
for name, rule in rules.items():
    print(f"{name}: steep weight after 20 steps {runs[name][20, 1]:.2f}")
    for product in {"momentum": (3.7, 3.9), "Nesterov": (1.3, 1.4)}[name]:
        far = abs(descend(rule(0.9), product / 25, 200)[-1, 1])
        print(f"  rate times its curvature {product}: after 200 steps at {far:.0e}")

# %% [markdown]
# **What to see.** At rate 0.04 the product $\eta\lambda$ of the steep weight is exactly 1. A
# gradient taken at the look-ahead point then leads straight to the minimum, so Nesterov is done
# with that weight in two steps, while the ball swings on. There is a price: Nesterov's edge lies
# lower, between the products 1.3 and 1.4, where momentum's is at 3.8. Each again wants its own best
# rate.
#
# Now you. In the lab, reach the goal in the valley 1 : 100. **Predict** the momentum and the rate
# with the two formulas above, $\kappa = 100$. Then look for the smallest momentum that will do.

# %%
from lrcourse import labs

labs.valley()

# %% [markdown]
# **What to see.** The best setting is close to what the formulas say, $\mu = 0.67$ and a rate of
# 0.033. With less momentum it crawls, with much more it still swings when the 60 steps are over.
#
# ## Two conventions and a schedule
#
# Some papers and Keras put the rate *inside* the velocity, as we did. Torch keeps it *outside* of
# what it calls the buffer:
#
# $$v \leftarrow \mu v - \eta g, \quad w \leftarrow w + v \qquad\text{or}\qquad
# v \leftarrow \mu v + g, \quad w \leftarrow w - \eta v$$
#
# As long as $\eta$ stays the same, both take the same steps. Now let the rate drop from 1 to 0.1
# on a steady slope, once the ball rolls at full speed. **Predict** the length of the very next step
# in each convention.

# %%
steps = {}
for convention in ("paper", "torch"):
    w, rule, length = np.zeros(1), Momentum(0.9, convention), []
    for step in range(100):
        before = w.copy()
        rule.step(w, np.ones(1), 1.0 if step < 60 else 0.1)
        length.append((before - w)[0])
    steps[f"rate {'inside' if convention == 'paper' else 'outside'}"] = length[40:]
    print(f"{convention}: last step {length[59]:.2f}, the next {length[60]:.2f}, {length[61]:.2f}")
alt = "Length of a step: outside, it drops from 10 to 1 at once; inside, it sinks in 30 steps."
plots.curves(steps, "step (from step 40)", "length of a step", alt=alt)

# %% [markdown] claims=["9.08 0.01", "1.00 0.01"]
# **What to see.** Inside, the next step is still 9.08 long: the new rate changes only the pushes
# to come, and the ball coasts on. Outside it is 1.00 at once, since the rate multiplies all that
# was ever pushed. A few times $1/(1 - \mu)$ steps later they are alike again. So the two differ
# wherever a schedule changes the rate, and a paper's numbers may not come out in torch.
#
# Let torch say which one is its own, with a rate that decays at every step.

# %%
judged = torch.zeros(5, dtype=torch.float64)
optimizer = torch.optim.SGD([judged], lr=0.1, momentum=0.9)
ours = {c: (Momentum(0.9, c), np.zeros(5)) for c in ("paper", "torch")}
for step, g in enumerate(gradients):
    optimizer.param_groups[0]["lr"] = 0.1 * 0.95**step
    judged.grad = torch.tensor(g)
    optimizer.step()
    for rule, w in ours.values():
        rule.step(w, g, 0.1 * 0.95**step)
for convention, (_, w) in ours.items():
    print(f"{convention}: at most {abs(w - judged.numpy()).max():.0e} from torch")

# %% [markdown]
# ## A fair race on a network
#
# Enough of bowls. Small images of digits, a network of 64, 32 and 10 units, batches of 32, ten
# epochs; four values of $\mu$, ten rates each, three seeds. We draw the error on the validation
# images twice: against the rate as it is typed in, and against the effective rate
# $\eta/(1 - \mu)$.
#
# **Predict**: in the first figure, where do the valleys of the four lie? In the second?

# %%
from lrcourse import fit, load, nn

digits, effective = load("digits"), np.geomspace(0.01, 10, 10)


def race(momentum, batch_size, epochs):
    errors, losses = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        layers = [nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)]
        network, rates = nn.Network(layers, rng, runs=10), (1 - momentum) * effective[:, None]
        setting = dict(batch_size=batch_size, epochs=epochs, rng=rng, progress=False)
        last = fit(network, digits, Momentum(momentum), learning_rate=rates, **setting).epochs[-1]
        errors.append(1 - np.array(last["validation_accuracy"]))
        losses.append(last["loss"])
    return np.array(errors), np.mean(losses, axis=0)


# %%
typed, same = {}, {}
for momentum in (0, 0.5, 0.9, 0.99):
    errors, losses = race(momentum, 32, 10)
    mean, spread, name = errors.mean(axis=0), errors.std(axis=0, ddof=1), f"momentum {momentum}"
    typed[name], same[name] = ((1 - momentum) * effective, mean), (effective, mean)
    best = mean.argmin()
    print(f"{name:13} lowest error {mean[best]:.1%} ± {spread[best]:.1%}", end=" ")
    print(f"at effective rate {effective[best]:.2f}, training loss there {losses[best]:.3f}")
alt = (
    "Validation error against the rate: four similar valleys, the larger momentum the farther left."
)
plots.curves(typed, "learning rate", "error", log_x=True, log_y=True, alt=alt)
alt = "Against the effective rate the left arms lie on each other; the right ends differ."
plots.curves(same, "learning rate / (1 - momentum)", "error", log_x=True, log_y=True, alt=alt)

# %% [markdown]
# **What to see.** In the first figure momentum seems to learn at rates where plain descent does
# not. In the second the left arms fall on one line: there momentum *is* a larger rate, no more.
# Only 0.99 is late, for its run-up takes a good part of the 410 steps. What differs is the right
# end: plain descent falls off a cliff that momentum 0.5 and 0.9 pass.
#
# And the lowest points? The training loss there is lower with 0.5 and 0.9. But of the 144
# validation images one is 0.7 points, and the best errors of 0, 0.5 and 0.9 lie within two images
# of each other: no winner. A fair race often ends like that.
#
# **Predict**: and if every step sees *all* images, with no noise at all, for 60 steps?

# %%
lines = {}
for momentum in (0, 0.9, 0.99):
    _, losses = race(momentum, len(digits.train.x), 60)
    lines[f"momentum {momentum}"] = effective, losses
    print(f"momentum {momentum}: lowest loss {losses.min():.2f}", end=" ")
    print(f"at effective rate {effective[losses.argmin()]:.2f}")
alt = "Loss against the effective rate: 0 and 0.9 fall together, then plain descent jumps up."
plots.curves(lines, "learning rate / (1 - momentum)", "loss", log_x=True, log_y=True, alt=alt)

# %% [markdown]
# **What to see.** On the left nearly the same line. But now plain descent meets its edge while
# there is still much to gain, and momentum goes on beyond it, to less than a third of the loss.
# Momentum pays where the edge is what holds you back: large batches, long valleys. At 0.99 the 60
# steps are over before the ball rolls; its lowest loss is at the end of our grid.
#
# ## What we learnt
#
# - Momentum adds steps up. On a steady slope it is plain descent at the rate $\eta/(1 - \mu)$, so
#   compare over rates, never at one.
# - Its true gain is a farther edge: in a valley the best $\mu$ needs about $\sqrt\kappa$ steps
#   where plain descent needs $\kappa$.
# - Nesterov takes the gradient where the velocity leads. Libraries keep the look-ahead point.
# - Rate inside or outside of the velocity: the same, until a schedule changes the rate.
#
# **Next**: [Adaptive rates](10_adaptive_rates.ipynb). One velocity for each weight, but still one
# rate for all. What if each weight had its own?
#
# ## Further reading
#
# - B. Polyak, *Some methods of speeding up the convergence of iteration methods*, USSR
#   Computational Mathematics and Mathematical Physics 4(5), 1964: the ball and its best rate.
# - Y. Nesterov, *A method of solving a convex programming problem with convergence rate O(1/k²)*,
#   Soviet Mathematics Doklady 27, 1983.
# - I. Sutskever, J. Martens, G. Dahl, G. Hinton, *On the importance of initialization and momentum
#   in deep learning*, ICML 2013: equations 1 to 4 are the two rules above.
# - C. Shallue et al., *Measuring the effects of data parallelism on neural network training*, JMLR
#   20(112), 2019: momentum and plain SGD over batch sizes, each with its own best rate.
