# %% [markdown]
# # Momentum
#
# **A ball that rolls down a valley does not stop at every point to look around. Does a step with a
# memory get there sooner, or is it only a larger step in disguise?**
#
# - **You will** build momentum, work out how fast it can be and where it breaks, tune it in the
#   dark, fix a run that should be torch's, and race momentum fairly against plain steps.
# - **Time**: about 85 minutes.
# - **You need**: [One knob](01_one_knob.ipynb), [Schedules](07_schedules.ipynb), and eigenvalues of
#   a 2 by 2 matrix.

# %% [markdown]
# ## A ball in the valley
#
# Plain descent forgets: each step looks at the slope underfoot only. In a long valley that is a
# pity. The slopes across it change sign all the time; the slope along it is small but always the
# same. Add the steps up, and the first kind cancels while the second grows.
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
from lrcourse import check, guess, outcome, tally

check("09.1")

# %% [markdown]
# If the check has passed, the ball that rolls through this chapter is yours; else the package's
# does. First the judge: torch's momentum, on random gradients.

# %%
import numpy as np
import torch
from lrcourse import plots, whose, yours
from lrcourse.optim import SGD, Momentum, Nesterov

Ball = yours("09.1")
gradients = np.random.default_rng(0).normal(size=(60, 5))


def against_torch(rule, **options):
    w, judged = np.zeros(5), torch.zeros(5, dtype=torch.float64)
    optimizer = torch.optim.SGD([judged], lr=0.1, momentum=0.9, **options)
    for g in gradients:
        rule.step(w, g, 0.1)
        judged.grad = torch.tensor(g)
        optimizer.step()
    return f"after 60 steps at most {abs(w - judged.numpy()).max():.0e} apart"


print("Momentum", against_torch(Ball(momentum=0.9)))

# %% [markdown]
# The same, but for the last rounding. Now into a valley with curvatures 1 and 25.
#
# Momentum 0.9 at rate 0.004, against plain descent at the same rate: which is ahead after 60 steps?
# And against plain descent at 0.04?

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
    f"momentum 0.9, 0.004 ({whose('09.1')})": descend(Ball(momentum=0.9), 0.004),
}
alt = "Paths of two runs of plain descent and one with momentum over the contours of a long valley."
plots.path(lambda w: 0.5 * curvatures @ w**2, paths, alt=alt)
for name, path in paths.items():
    print(f"{name}: distance to the middle {np.linalg.norm(path[-1]):.3f}")

# %% [markdown] claims=["plain 0.004: 1.966 0.0005", "plain 0.04: 0.216 0.0005", "momentum 0.9, 0.004: 0.054 0.0005"]
# <details><summary>What to see</summary>
#
# At the same rate the ball is far ahead, 0.054 from the middle against 1.966. But with ten times
# the rate plain descent comes to 0.216: most of the lead is gone. That factor of ten is no
# accident.
#
# </details>
#
# ## How long is a step?
#
# Let the slope be constant, $g = 1$. Then the velocity is a sum:
#
# $$v_t = -\eta\,(1 + \mu + \mu^2 + \dots + \mu^{t-1}) = -\eta\, \frac{1 - \mu^t}{1 - \mu}
# \;\longrightarrow\; -\frac{\eta}{1 - \mu}$$
#
# On a steady slope momentum is plain descent with the *effective rate* $\eta/(1 - \mu)$, once it
# has got going. How many times longer does a step get for $\mu = 0.5$, 0.9 and 0.99? And after how
# many steps is it half way there?

# %%
lengths = {}
for momentum in (0.5, 0.9, 0.99):
    w, rule, places = np.zeros(1), Ball(momentum=momentum), [0.0]
    for _ in range(1000):
        rule.step(w, np.ones(1), 1.0)
        places.append(w[0])
    length = -np.diff(places)
    lengths[f"momentum {momentum}"] = length[:150]
    half = np.argmax(length >= length[-1] / 2) + 1
    print(f"momentum {momentum}: a step grows to {length[-1]:.1f} rates, half at step {half}")
alt = "Length of a step against the step, for three momenta: each rises to a level of its own."
plots.curves(lengths, "step", "length of a step, in rates", alt=alt)

# %% [markdown] claims=["momentum 0.5: a step grows to: 2.0 0.05", "momentum 0.9: a step grows to: 10.0 0.05", "momentum 0.99: a step grows to: 100.0 0.05", "momentum 0.9: a step grows to[2]: 7 0", "momentum 0.99: a step grows to[2]: 69 0"]
# <details><summary>What to see</summary>
#
# Lengths of 2.0, 10.0 and 100.0 rates. And the larger $\mu$, the longer the run-up: half speed
# comes at step 7 for 0.9, at step 69 for 0.99, after about $0.7/(1 - \mu)$ steps.
#
# So "momentum beats plain descent at rate 0.004" compares a small step with one ten times as long.
# To be fair, **each method gets its own best rate**. What is the best rate of a ball?
#
# </details>
#
# ## Why a ball can be faster
#
# Take one weight of curvature $\lambda$, so $g = \lambda w$. In chapter 01 one step multiplied $w$
# by a number. Here it multiplies the pair $(w, v)$ by a 2 by 2 *matrix*. In the long run each step
# then multiplies the distance by the size of its larger eigenvalue, the *spectral radius*.

# %% [markdown]
# ### Exercise 09.2
# **The factor of a step**
#
# Derive the matrix from the two lines of the rule, and write `factor`: its spectral radius, the
# largest absolute value of its eigenvalues, for three numbers `curvature`, `learning_rate` and
# `momentum`. The eigenvalues may be complex; `abs` gives the size of a complex number. For
# curvature 4, rate 0.1 and momentum 0.5 expect 0.7071, and with momentum 0 expect 0.6.


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
# The new v is $-\eta\lambda\, w + \mu v$, and it is added to w:
#
# $$\begin{pmatrix} w \\ v \end{pmatrix} \leftarrow
# \begin{pmatrix} 1 - \eta\lambda & \mu \\ -\eta\lambda & \mu \end{pmatrix}
# \begin{pmatrix} w \\ v \end{pmatrix}$$
#
# The product of both eigenvalues is the determinant, $(1 - \eta\lambda)\mu + \eta\lambda\mu = \mu$,
# whatever the rate. Now let the product $\eta\lambda$ grow from 0.
#
# **Predict**: plain descent has its edge at $\eta\lambda = 2$. Does momentum move it to the left
# or to the right? And can both eigenvalues be smaller than $\sqrt\mu$?

# %%
guess("09.a", "Momentum moves the edge", ["to the left", "nowhere", "to the right"])

# %%
size = yours("09.2")
products, lines = np.linspace(0.01, 4, 400), {}
for momentum in (0, 0.5, 0.9):
    sizes = np.array([size(1.0, a, momentum) for a in products])
    lines[f"momentum {momentum}"] = products, sizes.clip(0, 1.5)
    edge = products[sizes < 1].max()
    print(f"momentum {momentum}: smallest factor {sizes.min():.3f}, edge at {edge:.2f},", end=" ")
    print(f"which is {edge / (1 - momentum):.1f} in effective rates")
lines["edge"] = products, np.ones(400)
alt = "Factor against rate times curvature, for momentum 0, 0.5 and 0.9, with a line at 1."
plots.curves(lines, "rate times curvature", "factor (cut at 1.5)", alt=alt)
some = [np.linalg.eigvals([[1 - a, 0.5], [-a, 0.5]]) for a in np.linspace(0, 3.1, 63)]
alt = "Both eigenvalues at momentum 0.5 for products from 0 to 3.1, beside the unit circle."
plots.complex_plane({"": np.ravel(some)}, alt=alt)
outcome("09.a", "to the right" if edge > 2 else "nowhere" if edge > 1.98 else "to the left")

# %% [markdown] claims=["momentum 0.5: smallest factor: 0.707 0.0005", "momentum 0.9: smallest factor: 0.949 0.0005", "momentum 0: smallest factor[2]: 1.99 0.005", "momentum 0.5: smallest factor[2]: 2.99 0.005", "momentum 0.9: smallest factor[2]: 3.80 0.005", "momentum 0: smallest factor[3]: 2.0 0.05", "momentum 0.9: smallest factor[3]: 38.0 0.05"]
# <details><summary>What to see</summary>
#
# The V of chapter 01 gets a level floor. There the eigenvalues are a complex pair of the same size,
# on a circle in the second figure, so both are exactly $\sqrt\mu$: 0.707 at 0.5, 0.949 at 0.9. The
# ball swings, and *every* rate on the floor shrinks the swings equally fast. The
# floor reaches from $(1 - \sqrt\mu)^2$ to $(1 + \sqrt\mu)^2$; outside, both are real and one is
# larger. Both cannot be smaller than $\sqrt\mu$, since their product is $\mu$.
#
# The edge, where one passes $-1$, moves to the right, from 1.99 to 2.99 and 3.80 on our grid: it is
# $2(1 + \mu)$. In effective rates that is a lot: 38.0 at momentum 0.9, instead of 2.0.
#
# </details>
#
# ## A map of all settings
#
# A valley has many curvatures, and its slowest direction decides. So colour the plane of rate and
# momentum by the largest factor among the curvatures 1 and 25. **Predict**: is the best momentum
# nearer to 0.4 or to 0.9?

# %%
guess("09.b", "The best momentum in the valley 1 : 25", within=1.3)

# %%
rates, momenta = np.linspace(0.002, 0.16, 60), np.linspace(0, 0.98, 50)
worst = np.array([[max(size(c, r, m) for c in curvatures) for r in rates] for m in momenta])
edges = {"edge, 2 (1 + momentum) / 25": (2 * (1 + momenta) / 25, momenta)}
labels = ("learning rate", "momentum", "factor of the slowest direction")
alt = "A map: in the plane of rate and momentum, the factor by shades, and the edge as a line."
plots.heatmap(
    rates, momenta, worst.clip(0, 1.2), labels, levels=[0.7, 0.8, 0.9], lines=edges, alt=alt
)
row, column = np.unravel_index(worst.argmin(), worst.shape)
print(f"smallest factor {worst.min():.3f}, at rate {rates[column]:.3f}", end=" ")
print(f"and momentum {momenta[row]:.2f}; best without momentum {worst[0].min():.3f}")
outcome("09.b", momenta[row])

# %% [markdown] claims=["smallest factor: 0.678 0.0005", "at rate: 0.106 0.0005", "at rate[2]: 0.46 0.005", "best without momentum: 0.925 0.0005"]
# <details><summary>What to see</summary>
#
# A narrow tongue of good settings, with the best at momentum 0.46 and rate 0.106: there each step
# multiplies by 0.678, without momentum at best by 0.925. More momentum than at the tip of the
# tongue only lets the swings last. And the best rate of one momentum is not that of another.
#
# The tip can be worked out. Put the floor under all curvatures from $\lambda_\text{min}$ to
# $\lambda_\text{max}$, with the smallest $\mu$ for which it is wide enough. With the *condition
# number* $\kappa = \lambda_\text{max}/\lambda_\text{min}$ that is
#
# $$\sqrt\mu = \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1} \qquad\qquad
# \eta = \left(\frac{2}{\sqrt{\lambda_\text{min}} + \sqrt{\lambda_\text{max}}}\right)^2$$
#
# The best plain factor was $(\kappa - 1)/(\kappa + 1)$.
#
# </details>
#
# **Predict**: where the condition number, the largest curvature by the smallest, is a hundred times
# as large, plain descent needs a hundred times the steps. And a ball at its best setting?

# %%
guess("09.c", "From condition 100 to 10,000 the steps of a ball multiply by", within=1.5)


# %%
def needed(rule, rate, condition):
    curvatures = np.array([1.0, condition])
    path = descend(rule, rate, 4 * condition, (1.0, 1.0), curvatures)
    distance = np.linalg.norm(path, axis=1)
    return np.flatnonzero(distance > distance[0] / 1000)[-1] + 1


balls = []
for condition in (10, 100, 1000, 10000):
    root = np.sqrt(condition)
    best = ((root - 1) / (root + 1)) ** 2
    plain = needed(SGD(), 2 / (1 + condition), condition)
    balls.append(needed(Ball(momentum=best), (2 / (1 + root)) ** 2, condition))
    print(f"condition {condition}: plain {plain:5} steps, momentum {best:.3f} {balls[-1]:3} steps")
outcome("09.c", balls[3] / balls[1])

# %% [markdown] claims=["condition 100: plain: 346 0", "condition 10000: plain: 34539 0", "condition 100: plain[3]: 56 0", "condition 10000: plain[3]: 689 0"]
# <details><summary>What to see</summary>
#
# From condition 100 to 10000 plain descent needs 34539 steps instead of 346, a hundred times as
# many; the ball 689 instead of 56, some twelve times. Not quite ten: at the end of the floor both
# eigenvalues are equal, and then the distance shrinks like $t\,\mu^{t/2}$, not like $\mu^{t/2}$.
# Each had its best rate. *This* is the gain of momentum: $\sqrt\kappa$ stands where $\kappa$ stood.
#
# The formulas need the curvatures, and in real life nobody tells you.
#
# </details>

# %% [markdown]
# ### Exercise 09.3
# **Tune in the dark**
#
# Write `tune`. It is given a function: `run(learning_rate, momentum)` lets a ball roll for 60 steps
# in some valley, and returns the largest of its last ten losses as a share of the first. The valley
# has several curvatures, and plain descent's edge lies somewhere between the rates 0.01 and 10. A
# run that diverges returns a large number, `inf` or `nan`. Return the tuple `(learning_rate,
# momentum)`. You may call `run` 600 times. You pass if, in each of three valleys, your setting's
# loss is at most 100 times that of our own search.


# %% exercise="09.3"
def tune(run):
    r"""Return (learning_rate, momentum) with a low loss, after at most 600 calls of run."""
    ### BEGIN SOLUTION
    best, momenta = (np.inf, 0.3, 0.5), np.linspace(0, 0.96, 13)
    for width in (100, 1.5, 1.1):
        for rate in best[1] * np.geomspace(1 / width, width, 25):
            for momentum in momenta:
                loss = run(rate, momentum)
                if loss < best[0]:  # nan is not
                    best = loss, rate, momentum
        momenta = np.linspace(best[2] - 0.05, best[2] + 0.05, 5).clip(0, 0.99)
    return best[1:]
    ### END SOLUTION


# %%
check("09.3")


# %%
def run(learning_rate, momentum):
    steep = np.array([1.0, 100.0])
    with np.errstate(all="ignore"):
        path = descend(Ball(momentum=momentum), learning_rate, 60, (1.0, 1.0), steep)
        return np.max((path[-10:] ** 2 @ steep) / steep.sum())


for name, setting in {"search": yours("09.3")(run), "formulas": (4 / 121, 81 / 121)}.items():
    print(f"{name}: rate {setting[0]:.3f}, momentum {setting[1]:.2f}, loss {run(*setting):.0e}")

# %% [markdown]
# <details><summary>What to see</summary>
#
# Nearly the same place. The search may find a loss that is much lower: the formulas are the best
# for endless runs, and here the factor t counts that we met above.
#
# </details>
#
# In the lab, reach the goal in the valley 1 : 100. What is the smallest momentum that will do?

# %%
from lrcourse import labs

labs.valley()

# %% [markdown]
# <details><summary>What to see</summary>
#
# The smallest momentum that arrives is one half, at two rates only. With less the ball crawls at
# every rate, and with much more it still swings when the 60 steps are over.
#
# </details>
#
# ## Look before you roll
#
# A ball overshoots: it learns too late that the slope has turned. *Nesterov* momentum looks ahead.
# The velocity will carry us to about $x + \mu v$, so take the gradient there:
#
# $$v \leftarrow \mu v - \eta\, \nabla L(x + \mu v) \qquad\qquad x \leftarrow x + v$$
#
# A network holds one vector w and gives the gradient *there*. So let it hold the look-ahead point
# $y = x + \mu v$ itself. From $x_{t+1} = x_t + v_{t+1}$ follows
#
# $$y_{t+1} = y_t - \mu v_t + v_{t+1} + \mu v_{t+1} = y_t + \mu v_{t+1} - \eta\, \nabla L(y_t)$$
#
# That is what torch, Keras and our package do. On the steep side of a valley, which swings longer,
# momentum or Nesterov?

# %%
print("Nesterov", against_torch(Nesterov(0.9), nesterov=True))
runs = {"momentum": descend(Ball(momentum=0.9), 0.04), "Nesterov": descend(Nesterov(0.9), 0.04)}
alt = "Two paths in the valley, of momentum and of Nesterov's rule, from the same start."
plots.path(lambda w: 0.5 * curvatures @ w**2, runs, alt=alt)
for name, path in runs.items():
    print(f"steep weight after 20 steps, {name}: {abs(path[20, 1]):.3f}")

# %% [markdown] claims=["after 20 steps, momentum: 0.396 0.0005", "after 20 steps, Nesterov: 0.000 0.0005"]
# <details><summary>What to see</summary>
#
# After 20 steps the steep weight still swings at 0.396 with momentum, and is at 0.000 with
# Nesterov. The rate does that, too: at 0.04 its product $\eta\lambda$ is exactly 1, where a
# gradient taken at the look-ahead point leads straight to the minimum.
#
# </details>
#
# Now raise the rate. Somebody swaps momentum for Nesterov, keeps the rate, and the run diverges.
# Why?

# %% [markdown]
# ### Exercise 09.4
# **Where does the look-ahead break?**
#
# Write `nesterov_edge`: for a number `momentum`, the product of rate and curvature beyond which a
# run with Nesterov's rule diverges. Measure it with runs, or derive it; it is needed to a
# thousandth. Without momentum it is 2.


# %% exercise="09.4"
def nesterov_edge(momentum):
    r"""Return the largest learning_rate * curvature at which Nesterov's rule does not diverge."""
    ### BEGIN SOLUTION
    # v <- mu (1 - a) v - a x and x <- x + v: at the edge 1 + trace + determinant = 0.
    return 2 * (1 + momentum) / (1 + 2 * momentum)
    ### END SOLUTION


# %%
check("09.4")

# %% [markdown]
# So momentum moves the edge out, the look-ahead moves it back in, and each rule wants a best rate
# of its own.
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
guess("09.d", "The next step with the rate inside the velocity, in lengths of the first rate")

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
alt = "Length of a step against the step, with the rate inside and outside; both start at 10."
plots.curves(steps, "step (from step 40)", "length of a step", alt=alt)
outcome("09.d", steps["rate inside"][20])

# %% [markdown] claims=["paper: last step[2]: 9.08 0.005", "torch: last step[2]: 1.00 0.005"]
# <details><summary>What to see</summary>
#
# Inside, the next step is still 9.08 long: the new rate changes only the pushes to come, and the
# ball rolls on. Outside it is 1.00 at once, since the rate multiplies all that was ever pushed. A
# few times $1/(1 - \mu)$ steps later they are alike again. So a paper's numbers may not come out in
# torch.
#
# </details>

# %% [markdown]
# ### Exercise 09.5
# **It should be torch's**
#
# The code below should do what `torch.optim.SGD` with momentum does under a schedule: `gradient` is
# a function of an array shaped like `w`, of shape `(D,)`, there is one step for each of `rates`,
# and the result holds every w on the way, row 0 the start, in shape `(steps + 1, D)`. It does not.
# Read it, run it on cases whose answer you know, and write `roll` so that it does. How many things
# are wrong we do not say. Leave `w` as it is. For the call below torch is at 1, 0.8, 0.46, 0.4202.


# %%
def suspicious_roll(gradient, w, rates, momentum):
    velocity, path = np.zeros_like(w), [w]
    for rate in rates:
        velocity = momentum * velocity + (1 - momentum) * rate * gradient(w)
        w -= velocity
        path.append(w)
    return np.array(path)


print(suspicious_roll(lambda w: 2 * w, np.ones(1), (0.1, 0.1, 0.01), 0.9).ravel())


# %% exercise="09.5"
def roll(gradient, w, rates, momentum):
    r"""Return the path of w under torch's momentum, with one rate for each step."""
    ### BEGIN SOLUTION
    velocity, path = np.zeros_like(w), [w]
    for rate in rates:
        velocity = momentum * velocity + gradient(w)
        w = w - rate * velocity
        path.append(w)
    return np.array(path)
    ### END SOLUTION


# %%
check("09.5")

# %% [markdown]
# ## A fair race on a network
#
# Now small images of digits, a network of 64, 32 and 10 units, batches of 32, ten epochs; four
# values of $\mu$, thirteen rates each, ten seeds. We draw the error on the validation images twice:
# against the rate as it is typed in, and against the effective rate $\eta/(1 - \mu)$. Each
# momentum's rate is chosen on these images; the error that we then report is that of the test
# images.
#
# **Predict**: are ten seeds enough to tell momentum 0.9 from plain descent?

# %%
guess("09.e", "Test errors of 0.9 and of plain descent", ["0.9 lower", "undecided", "plain lower"])

# %%
from lrcourse import fit, load, nn

digits, effective = load("digits"), np.geomspace(0.05, 12.8, 13)


def race(momentum, batch_size, epochs, effective=effective, seeds=10):
    columns = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        layers, rates = [nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)], effective[:, None]
        network = nn.Network(layers, rng, runs=len(rates))
        setting = dict(learning_rate=(1 - momentum) * rates, batch_size=batch_size, epochs=epochs)
        history = fit(network, digits, Ball(momentum=momentum), rng=rng, progress=False, **setting)
        last = history.epochs[-1]
        error = 1 - np.array([last["validation_accuracy"], network.accuracy(*digits.test)])
        columns.append([*error, last["loss"]])
    return np.moveaxis(columns, 1, 0)  # validation error, test error, loss; each (seeds, rates)


# %%
typed, same, reported = {}, {}, {}
for momentum in (0, 0.5, 0.9, 0.99):
    validation, test, _ = race(momentum, 32, 10)
    name, mean = f"momentum {momentum}", validation.mean(axis=0)
    shown = validation.T.clip(0, 0.2)
    typed[name], same[name] = ((1 - momentum) * effective, shown), (effective, shown)
    reported[momentum] = error = 100 * test[:, mean.argmin()]
    print(f"{name}: effective rate {effective[mean.argmin()]:.2f}", end=", ")
    print(f"test error % {error.mean():.2f} ± {error.std(ddof=1):.2f}", end=", ")
    print(f"validation error under 20 % up to {effective[mean < 0.2].max():.2f}")
for momentum in (0.5, 0.99, 0.9):
    apart = reported[momentum] - reported[0]
    margin = 2.26 * apart.std(ddof=1) / np.sqrt(10)
    print(f"test error with {momentum} less that without: {apart.mean():.2f} ± {margin:.2f}")
alt = "Validation error against the learning rate for four momenta, with bands over the seeds."
plots.response(typed, "learning rate", "error (cut at 0.2)", alt=alt)
alt = "Validation error against the effective rate for four momenta, with bands over the seeds."
plots.response(same, "learning rate / (1 - momentum)", "error (cut at 0.2)", alt=alt)
lower = "0.9 lower" if apart.mean() < 0 else "plain lower"
outcome("09.e", "undecided" if abs(apart.mean()) < margin else lower)

# %% [markdown] claims=["momentum 0: effective rate[4]: 20 0", "momentum 0: effective rate[5]: 0.80 0.005", "momentum 0.5: effective rate[5]: 1.27 0.005", "momentum 0.9: effective rate[5]: 3.20 0.005", "test error with 0.5 less that without: -0.56 0.98 spread", "test error with 0.9 less that without: -0.56 0.69 spread", "test error with 0.99 less that without: 0.86 0.51 spread"]
# <details><summary>What to see</summary>
#
# In the first figure the four valleys stand apart, the larger momentum the farther to the left:
# momentum seems to learn at rates where plain descent does not. In the second the left arms fall on
# one line. There momentum *is* a larger rate, no more; only 0.99 is late, for its
# run-up takes a good part of the 410 steps. What differs is the right end. Plain descent stays
# under an error of 20 % up to an effective rate of 0.80, momentum 0.5 up to 1.27, and 0.9 up to
# 3.20. The edge does move out, though not as far as in a bowl.
#
# And the test errors? Seed by seed, 0.5 and 0.9 differ from plain descent by -0.56 points. The
# *margin*, 2.26 standard errors for ten seeds, is 0.98 and 0.69: larger, so chance may have done it
# ([chapter 15](15_fair_race.ipynb) builds the rule). Undecided. With 0.99 the error is 0.86 higher,
# margin 0.51; perhaps ten epochs are too few for so long a run-up.
#
# </details>
#
# **Predict**: and if every step sees *all* images, with no noise at all, for 60 steps?

# %%
guess("09.f", "The lowest training loss is that of", ["no momentum", "0.9", "0.99"])

# %%
lines, wide = {}, np.geomspace(0.1, 100, 10)
for momentum in (0, 0.9, 0.99):
    loss = race(momentum, len(digits.train.x), 60, wide, seeds=3)[2]
    lines[f"momentum {momentum}"], best = (wide, loss.T), loss.mean(axis=0).argmin()
    print(f"momentum {momentum}: lowest training loss {loss[:, best].mean():.3f}", end=" ")
    print(f"± {loss[:, best].std(ddof=1):.3f} at effective rate {wide[best]:.2f}")
alt = "Training loss against the effective rate, for three momenta, all images a step."
plots.response(lines, "learning rate / (1 - momentum)", "training loss", log_y=True, alt=alt)
least = [np.mean(loss, axis=1).min() for _, loss in lines.values()]
outcome("09.f", ["no momentum", "0.9", "0.99"][np.argmin(least)])

# %% [markdown] claims=["momentum 0: lowest training loss: 0.17 0.005", "momentum 0.9: lowest training loss: 0.032 0.004 spread", "momentum 0.99: lowest training loss: 0.060 0.035 spread", "momentum 0.9: lowest training loss < momentum 0: lowest training loss by 0.1"]
# <details><summary>What to see</summary>
#
# On the left nearly the same line, a little late with momentum. But now plain descent meets its
# edge at a loss of 0.17, and momentum 0.9 continues beyond it, to 0.032; the seeds' spread is far
# smaller than that. Without noise it is the edge that holds plain descent back. At 0.99, with
# 0.060, the 60 steps are over before the ball is at full speed.
#
# </details>
#
# ## What we learnt
#
# - Momentum adds steps up. On a steady slope it is plain descent at the rate $\eta/(1 - \mu)$, so
#   compare over rates, never at one.
# - Its true gain is a farther edge: in a valley the best $\mu$ needs about $\sqrt\kappa$ steps
#   where plain descent needs $\kappa$. On small batches of digits we could not tell it from plain
#   descent; on all images at once it was clearly ahead.
# - Rate and momentum must be tuned together, and Nesterov's look-ahead has another edge.
# - Rate inside or outside of the velocity: the same, until a schedule changes the rate.
#
# **Next**: [Adaptive rates](10_adaptive_rates.ipynb). One velocity for each weight, but still one
# rate for all. What if each weight had its own?

# %%
tally()

# %% [markdown]
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
