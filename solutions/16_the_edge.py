# %% [markdown]
# # The edge comes to you
#
# **A rate that is too large keeps training. Why does the edge of chapter 01 not throw it out?**
#
# - **You will** measure the curvature of a network from gradients, follow it through training,
#   throw a network out of its valley, choose a rate for a curvature, and fix a training loop.
# - **Time**: about 75 minutes.
# - **You need**: the edge of [One knob](01_one_knob.ipynb), central differences from
#   [Backprop](02_backprop.ipynb), the edges of [Momentum](09_momentum.ipynb), and Adam, from
#   [Adaptive rates](10_adaptive_rates.ipynb).

# %% [markdown]
# ## Rates that go uphill
#
# In a bowl of curvature $\lambda$ a rate beyond $2/\lambda$ makes each jump longer than the last.
# Is that so for a network?
#
# Ours has 196, 24, 24 and 10 units. It learns 200 images of clothes, all of them at every step: no
# noise. *tanh* is smooth: a ReLU's kinks would spoil the curvature. The loss is the squared error,
# and the last layer starts at a tenth of Xavier's size, where the loss is flat. `stacked(3, seeds)`
# holds such networks of five seeds, three copies of each. A browser is slower and takes two of the
# seeds; what we say below is about all five.
#
# The rates are 0.1, 0.2 and 0.4, for 600 steps. **Predict**: in how many of them does the loss at
# 0.4 go *up*?

# %%
import numpy as np
from lrcourse import check, guess, labs, load, measure, nn, outcome, plots, tally, whose, yours
from lrcourse.browser import IN_BROWSER
from lrcourse.exercises.chapter_16 import clothes, gradient_of, stacked
from lrcourse.optim import SGD, Adam, Momentum

x, y = clothes(200)  # 14 by 14 pixels, of mean 0 and deviation 1
digits = load("digits")  # for the end of the chapter
seeds = 2 if IN_BROWSER else 5


def told(values, digits=2):
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def descend(network, rule, rates, steps=600, warmup=1):
    losses, kept, w = [], [], network.w.copy()
    for t in range(1, steps + 2):
        network.w, before = w, w.copy()
        losses.append(network.loss_and_gradient(x, y))
        rule.step(w, network.g.copy(), rates * min(1, t / warmup))
        if t % 25 == 1:  # what Adam divides by is for a later section
            kept.append((before, rule.v / (1 - rule.beta2**t) if isinstance(rule, Adam) else 1.0))
    return np.array(losses), kept


# %%
guess("16.a", "Steps of 600 in which the loss at 0.4 rises, mean of five seeds", within=1.5)

# %%
some = (0.1, 0.2, 0.4)
rates = np.tile(some, seeds)[:, None]
losses, kept = descend(stacked(3, seeds), SGD(), rates)
uphill = (np.diff(losses, axis=0) > 0).sum(axis=0).reshape(seeds, 3)
for k, rate in enumerate(some):
    print(f"rate {rate}: uphill in {told(uphill[:, k], 0)} of 600 steps", end=", ")
    print(f"last loss {told(losses[-1].reshape(seeds, 3)[:, k], 3)}")
lines = {f"rate {rate}": losses[:, k] for k, rate in enumerate(some)}
alt = "Loss on a log axis against the step, for three rates, of one seed."
plots.curves(lines, "step", "loss", log_y=True, alt=alt)
outcome("16.a", uphill[:, 2].mean())

# %% [markdown] claims=["rate 0.1: uphill in: 0 0", "rate 0.2: uphill in: 81 20 spread", "rate 0.4: uphill in: 224 20 spread", "rate 0.4: uphill in[4]: 0.015 0.003 spread", "rate 0.4: uphill in[4] < rate 0.1: uphill in[4] by 0.02"]
# <details><summary>What to see</summary>
#
# At 0.1 the loss rises in 0 steps, at 0.2 in 81, and at 0.4 in 224, more than every third; and yet
# the largest rate has the lowest loss at the end, 0.015. In a bowl, a run beyond the edge never
# comes back. Is this one beyond an edge at all? For that we have to know the curvature.
#
# </details>
#
# ## A Hessian that we never write down
#
# With $P$ weights the curvature is a matrix of $P \times P$ numbers, the *Hessian* $H$: how each
# entry of the gradient changes with each weight. Here $H$ has 31 million entries. To find
# eigenvalues it is enough to multiply it with vectors, and $Hv$ is how the *gradient* changes when
# the weights move along $v$. In chapter 02 you measured a derivative from two losses.

# %% [markdown]
# ### Exercise 16.1
# **A Hessian times a vector**
#
# Write `hessian_vector`: the product $H(w)\,v$ from two gradients. `gradient` takes weights and
# returns the gradient there, a new array; `w` and `v` are float64 arrays of shape `(P,)`. The
# product is wanted to a millionth of its largest entry, for a `v` of any length, be it 1e-6 or 1e6;
# for `v = 0` it is 0. Leave `w` and `v` as they are. For `gradient = lambda w: w**3`, `w = [1, 2]`,
# `v = [1, 1]` expect `[3, 12]`.


# %% exercise="16.1"
def hessian_vector(gradient, w, v):
    r"""Return H v at w, from two calls of gradient."""
    ### BEGIN SOLUTION
    length = np.linalg.norm(v)
    if length == 0:
        return np.zeros_like(w)
    step = 1e-4 * v / length
    return (gradient(w + step) - gradient(w - step)) * length / 2e-4
    ### END SOLUTION


# %%
check("16.1")

# %% [markdown]
# The judge is torch, which differentiates twice. `gradient_of` makes the gradient a function of the
# weights, and `torch_loss` is the same loss in torch. The network is so small, with 634 weights,
# that its whole Hessian can be written down.

# %%
import torch
from lrcourse.exercises.chapter_16 import torch_loss

multiply = yours("16.1")
tiny = x.reshape(-1, 7, 2, 7, 2).mean(axis=(2, 4)).reshape(-1, 49)
small = stacked(1, seeds=1, widths=(49, 8, 8, 8, 10), last=1.0)
w0 = 1.5 * small.w[0]
loss = torch_loss(small, tiny, y)


def product(v):
    return multiply(gradient_of(small, tiny, y), w0, v)


v = np.random.default_rng(0).normal(size=w0.shape)
judged = torch.func.jvp(torch.func.grad(loss), (torch.tensor(w0),), (torch.tensor(v),))[1]
off = abs(product(v) - judged.numpy()).max() / abs(judged).max()
print(f"H v ({whose('16.1')}): at most {off:.0e} of the largest entry from torch")

# %% [markdown]
# ## The direction that stretches most
#
# Multiply a vector by $H$ again and again, and the direction in which $H$ stretches most wins. That
# is the *power iteration*:
#
# $$v \leftarrow \frac{H v}{\lVert H v \rVert} \qquad\qquad \lambda \approx v^\top H v
# \quad\text{for } \lVert v \rVert = 1$$
#
# *Lanczos*' method, `measure.sharpness`, keeps all its vectors, and takes the largest eigenvalue
# that $H$ has in the space that they span. **Predict**: what does the power iteration find for the
# small network? In a bowl it would be the largest curvature.

# %%
guess("16.b", "The power iteration finds an eigenvalue that is", ["positive", "negative"])

# %%
for _ in range(400):
    v = v / np.linalg.norm(v)
    found, v = v @ product(v), product(v)
print(f"power iteration, 400 products: {found:.3f}")
lanczos = measure.sharpness(product, np.random.default_rng(1).normal(size=w0.shape), 20)
every = np.linalg.eigvalsh(torch.func.hessian(loss)(torch.tensor(w0)).numpy())
print(f"Lanczos, 20 products: {lanczos:.3f}, off by {abs(lanczos / every[-1] - 1):.0e}")
print(f"all {len(every)} eigenvalues, by torch: from {every[0]:.3f} to {every[-1]:.3f}")
outcome("16.b", "positive" if found > 0 else "negative")

# %% [markdown] claims=["power iteration, 400 products: -12.567 0.0005", "eigenvalues, by torch: -12.567 0.0005", "eigenvalues, by torch[2]: 11.663 0.0005", "Lanczos, 20 products: 11.663 0.0005"]
# <details><summary>What to see</summary>
#
# It finds $-12.567$, the eigenvalue that is largest *in magnitude*. A network's loss is no bowl: in
# some directions it curves down. There is no edge there: at any rate a step leads farther down. An
# edge comes only from the largest eigenvalue with its sign, 11.663. That is the *sharpness* of the
# loss at these weights. Lanczos has all its digits after 20 products; from here on it does the
# measuring, with your products.
#
# </details>

# %% [markdown]
# ### Exercise 16.2
# **The largest eigenvalue**
#
# Write `largest_eigenvalue`: the largest eigenvalue *with its sign* of a symmetric matrix, by power
# iterations. You are given `product`, a function that multiplies the matrix with a vector, and `v`,
# a random vector of shape `(P,)` to start from. You may call `product` 2,000 times. It is wanted to
# a thousandth. Leave `v` as it is. For a matrix with the eigenvalues 4, 2 and $-9$ expect 4.


# %% exercise="16.2"
def largest_eigenvalue(product, v):
    r"""Return the largest eigenvalue with its sign, from products with vectors."""

    ### BEGIN SOLUTION
    def largest_in_magnitude(product, v):
        for _ in range(500):
            v = v / np.linalg.norm(v)
            image = product(v)
            value, v = v @ image, image
        return value

    shift = min(largest_in_magnitude(product, v), 0)
    return shift + largest_in_magnitude(lambda v: product(v) - shift * v, v)
    ### END SOLUTION


# %%
check("16.2")

# %% [markdown]
# ## Where the curvature goes
#
# Above, `descend` kept the weights every 25 steps. We draw the sharpness there times $\eta/2$: then
# the edge of chapter 01, $2/\eta$, is at 1 for every rate.
#
# **Predict**: at first all three runs are well below the edge. Where is the one at 0.4 at the end?

# %%
places = ["under 0.9", "0.9 to 1.2", "over 1.2"]
guess("16.c", "At 0.4, at the end, sharpness x rate / 2 is", places)


# %%
def curvatures(network, kept):
    gradient, found = gradient_of(network, x, y), []
    start = np.random.default_rng(1).normal(size=network.w.shape)
    for w, v_hat in kept:

        def product(v, w=w, scale=(v_hat**0.5 + 1e-8) ** -0.5):
            return scale * multiply(gradient, w, scale * v)

        found.append(measure.sharpness(product, start, 10))
    return np.array(found)


shares = (curvatures(stacked(3, seeds), kept) * rates[:, 0] / 2).reshape(-1, seeds, 3)
for k, rate in enumerate(some):
    print(f"rate {rate}: at first {told(shares[0, :, k])}", end=", ")
    print(f"highest {told(shares[:, :, k].max(axis=0))}, at the end {told(shares[-1, :, k])}")
arrived = shares[-1][shares.max(axis=0) > 0.95]
print(f"runs that came near: {len(arrived)}, ending at {arrived.min():.1f} to {arrived.max():.1f}")
times = np.arange(0, 601, 25)
lines = {f"rate {rate}": (times, shares[:, 0, k]) for k, rate in enumerate(some)}
alt = "Sharpness times half the rate against the step, for three rates, and a level line at 1."
plots.curves(lines | {"edge": ([0, 600], [1, 1])}, "step", "sharpness × rate / 2", alt=alt)
outcome("16.c", places[np.searchsorted([0.9, 1.2], shares[-1, :, 2].mean())])

# %% [markdown] claims=["rate 0.1: at first[5]: 0.58 0.05 spread", "rate 0.2: at first[5]: 1.04 0.03 spread", "rate 0.4: at first[5]: 1.03 0.03 spread", "runs that came near: 10 0", "runs that came near[2]: 1.0 0.05", "runs that came near[3]: 1.1 0.05"]
# <details><summary>What to see</summary>
#
# At all three rates the sharpness climbs. That is *progressive sharpening*. At 0.1 it is at 0.58
# of the edge when the steps are over. At 0.2 and 0.4 it reaches the edge, overshoots, comes back,
# and stays: at 1.04 and 1.03 at the end. 10 runs came within 5 % of the edge, and all of them end
# between 1.0 and 1.1. At half the rate the network goes to a place twice as steep: the curvature
# came to fit the rate.
#
# This is the *edge of stability* [1].
#
# </details>
#
# ## Why it is not thrown out
#
# A bowl has the same curvature everywhere. A network has not. The smallest one that shows what
# follows has two weights in a row, one image and the target 1:
#
# $$L(u, v) = \tfrac12 (uv - 1)^2 \qquad\qquad u \leftarrow u - \eta\, e\, v \qquad
# v \leftarrow v - \eta\, e\, u \qquad\text{with } e = uv - 1$$
#
# Its minima are a whole curve, $uv = 1$. On it the sharpness is $u^2 + v^2$: steep where one weight
# is large, and flattest, 2, where both are 1. Now multiply out what a step does to the difference
# of the squares:
#
# $$u^2 - v^2 \;\leftarrow\; (u^2 - v^2)\,(1 - \eta^2 e^2)$$
#
# As long as the error $e$ is small, nothing happens. But a run beyond the edge jumps from wall to
# wall, and its error grows. Then each jump makes the two weights more alike, and so the place less
# steep.
#
# **Predict**: a run starts at a steep place, $u = 3$, $v = 0.3$, with a sharpness of about 9. Its
# rate is 1.4 times the edge there, so its own edge is at 6.49. At which sharpness does it end?

# %%
ways = ["far below its edge", "just below its edge", "above its edge", "nowhere: it diverges"]
guess("16.d", "At 1.4 times the edge of the start, the run ends", ways)


# %%
def roll(u, v, rate):
    path = [(u, v)]
    for _ in range(60):
        error = u * v - 1
        u, v = u - rate * error * v, v - rate * error * u
        path.append((u, v))
    return np.array(path)


paths, first = {}, 3.0**2 + 0.3**2
for times in (0.9, 1.1, 1.4, 2.2):
    with np.errstate(all="ignore"):
        path = roll(3.0, 0.3, times * 2 / first)
        print(f"{times} times: sharpness {(path[-1] ** 2).sum():.2f}, edge {first / times:.2f}")
    if np.isfinite(path).all():
        paths[f"{times} times"] = path
alt = "Paths over the contours of a curved valley, from one start on its steep end."
plots.path(lambda w: 0.5 * (w[0] * w[1] - 1) ** 2, paths, alt=alt, box=[(-0.5, 3.5), (-1.5, 3)])
share = (paths["1.4 times"][-1] ** 2).sum() / (first / 1.4)
outcome("16.d", ways[np.searchsorted([0.8, 1, 100], share)])

# %% [markdown] claims=["1.1 times: sharpness: 7.27 0.005", "1.1 times: sharpness[2]: 8.26 0.005", "1.4 times: sharpness: 2.76 0.005", "1.4 times: sharpness[2]: 6.49 0.005"]
# <details><summary>What to see</summary>
#
# (In the figure $u$ is w₁ and $v$ is w₂.) At 1.1 times the edge the run swings from wall to wall,
# and slides along the curve to where the sharpness is 7.27: under the edge of its rate, 8.26. At
# 1.4 times it is thrown farther, to 2.76, far below its edge of 6.49. At 2.2 times it does not come
# back.
#
# So the edge does throw the run out, but only of the steep place. In the network, training also
# pushes the sharpness *up*, all the time; why is not settled. At the edge both balance: each time
# the sharpness passes $2/\eta$, the jumps grow, and growing jumps lower it. That is
# *self-stabilization* [3].
#
# </details>
#
# ## A catapult
#
# Does a network come back like that, too? Take one hidden layer of 64 units, the last layer at its
# full size, and rates at multiples of the *first edge*, $2/\lambda$ with $\lambda$ the sharpness at
# the start. Five seeds, 100 steps. Printed are the last loss; the highest loss and the last
# sharpness as multiples of the first; and the last sharpness by the *new edge*, $2/\eta$.
#
# **Predict**: which multiple has the lowest loss at the end?

# %%
guess("16.e", "Lowest loss after 100 steps at", [0.5, 0.9, 1.4, 2.5, 4.0])


# %%
def beyond(multiples, steps, warmup=1, **shape):
    network = stacked(len(multiples), seeds, last=1.0, **shape)
    start = network.w.copy()
    first = curvatures(network, [(start, 1.0)])[0]
    network.w, rates = start, np.tile(multiples, seeds)[:, None] * 2 / first[:, None]
    with np.errstate(all="ignore"):
        losses, kept = descend(network, SGD(), rates, steps, warmup)
        highest, last = losses.max(axis=0) / losses[0], curvatures(network, kept[-1:])[0]
    return np.reshape([losses[-1], highest, last / first, last * rates[:, 0] / 2], (4, seeds, -1))


multiples = [0.5, 0.9, 1.4, 2.5, 4.0]
ends = beyond(multiples, 100, widths=(196, 64, 10))
for multiple, each in zip(multiples, ends.T.swapaxes(1, 2), strict=True):
    if (each[0] < 1).all():
        print(f"{multiple} times: loss {told(each[0], 3)}, highest × {told(each[1])}", end=", ")
        print(f"sharpness × {told(each[2])}, by the new edge {told(each[3])}")
    else:
        print(f"{multiple} times: {(~(each[0] < 1)).sum()} of {seeds} runs diverge")
outcome("16.e", multiples[np.nan_to_num(ends[0], nan=np.inf).mean(axis=0).argmin()])

# %% [markdown] claims=["0.9 times: 0.236 0.005 spread", "2.5 times: 0.132 0.003 spread", "2.5 times[3]: 2.12 0.6 spread", "2.5 times[5]: 0.37 0.01 spread", "2.5 times[7]: 0.93 0.01 spread", "4.0 times: 5 0", "2.5 times < 0.9 times by 0.05"]
# <details><summary>What to see</summary>
#
# The lowest is at 2.5 times the first edge. There the loss first shoots up, to 2.12 times its first
# value. Then the run lands at 0.37 of the first sharpness, just under the new edge, at 0.93 of it,
# with a loss of 0.132 against 0.236 at 0.9 times. At 4.0 times all 5 runs diverge. This is the
# *catapult* [4].
#
# Did the leap lower the loss? This table cannot tell: a larger rate also goes farther.
#
# </details>

# %% [markdown]
# ### Exercise 16.3
# **Leap**
#
# Write `leap`: a rate that throws a network out of its valley, and not too far. You are given
# `gradient`, a function as above, and the start `w`, `(P,)`, of one of three networks with one
# hidden layer. Each has a width of its own, and measures its loss in a unit of its own. After 100
# steps of plain descent at your rate the sharpness must be under half of that at `w`, and the loss
# lower than at `w`. `measure.hessian_vector` and `measure.sharpness` are at hand.


# %% exercise="16.3"
def leap(gradient, w):
    r"""Return a learning rate at which the sharpness falls to less than half."""
    ### BEGIN SOLUTION
    start = np.random.default_rng(0).normal(size=w.shape)
    first = measure.sharpness(lambda v: measure.hessian_vector(gradient, w, v), start)
    return 2.7 * 2 / first
    ### END SOLUTION


# %%
check("16.3")

# %% [markdown]
# ## Other rules, other edges
#
# Momentum's edge is $2(1 + \mu)/\eta$ (chapter 09). And Adam's? Its $m$ is momentum with a factor
# $1 - \beta_1$, so that its rate counts $1 - \beta_1$ times. And it divides each weight's step by
# $D = \sqrt{\hat v} + \epsilon$. Measure each weight in units of $1/\sqrt{D}$, and Adam is momentum
# on a loss with the Hessian $D^{-1/2} H D^{-1/2}$. As long as $D$ changes slowly, its edge is
#
# $$\lambda_\text{max}\left(D^{-1/2} H D^{-1/2}\right) =
# \frac{2\,(1 + \beta_1)}{(1 - \beta_1)\,\eta} = \frac{38}{\eta} \quad\text{for } \beta_1 = 0.9$$
#
# That eigenvalue is the *preconditioned sharpness*, with the $D$ that Adam divides by at that step.
# With $\beta_2 = 0.99$ $D$ follows the gradients within our 400 steps.

# %%
rules = {
    "momentum": (Momentum(0.9, "torch"), 3.8, [0.4]),
    "Adam": (Adam(beta2=0.99), 38, [0.003, 0.01]),
}
lines = {}
for name, (rule, constant, some) in rules.items():
    rates, count = np.tile(some, seeds)[:, None], len(some)
    losses, kept = descend(stacked(count, seeds), rule, rates, steps=400)
    shares = curvatures(stacked(count, seeds), kept) * rates[:, 0] / constant
    shares = shares.reshape(-1, seeds, count)
    for k, rate in enumerate(some):
        last = shares[-5:, :, k].mean(axis=0)
        print(f"{name} at {rate}: at first {told(shares[0, :, k])}, last 100 steps {told(last)}")
        lines[f"{name} {rate}"] = np.arange(0, 401, 25), shares[:, 0, k]
alt = "Sharpness by the edge of its rule against the step, for momentum and Adam."
plots.curves(lines, "step", "sharpness / edge", alt=alt)

# %% [markdown] claims=["momentum at 0.4: at first[4]: 0.94 0.03 spread", "Adam at 0.003: at first[4]: 0.93 0.03 spread", "Adam at 0.01: at first[4]: 0.97 0.01 spread", "Adam at 0.01: at first: 2.9 2 spread"]
# <details><summary>What to see</summary>
#
# All three end near the edge of their own rule: at 0.94 of it for momentum, and at 0.93 and 0.97
# for Adam [2]. Adam at 0.01 starts above: at 2.9 times its edge in the mean, with a wide spread.
# All five runs came through it.
#
# </details>

# %% [markdown]
# ### Exercise 16.4
# **A sharpness to order**
#
# Write `rate_for`: the learning rate at which a network ends at the sharpness `target`, if
# *Nesterov's* rule trains it with the number `momentum`, all images at every step, squared error:
#
# $$v \leftarrow \mu v + g \qquad\qquad w \leftarrow w - \eta\,(g + \mu v)$$
#
# The check trains four networks for 500 steps and measures where they end; a quarter more or less
# than the target will do.


# %% exercise="16.4"
def rate_for(target, momentum):
    r"""Return the rate at which Nesterov's rule ends at the sharpness target."""
    ### BEGIN SOLUTION
    edge = 2 * (1 + momentum) / (1 + 2 * momentum)  # of rate times curvature: exercise 09.4
    return edge / target
    ### END SOLUTION


# %%
check("16.4")

# %% [markdown]
# ## The other loss
#
# Most networks are trained with the cross-entropy. **Predict**: does a run at 0.6 stay at its edge?

# %%
guess("16.g", "Cross-entropy at 0.6, step 400: sharpness x rate / 2", within=1.5)

# %%
rates, entropy = np.tile((0.3, 0.6), seeds)[:, None], nn.softmax_cross_entropy
losses, kept = descend(stacked(2, seeds, loss=entropy), SGD(), rates, steps=400)
shares = (curvatures(stacked(2, seeds, loss=entropy), kept) * rates[:, 0] / 2).reshape(-1, seeds, 2)
for k, rate in enumerate((0.3, 0.6)):
    print(f"rate {rate}: highest {told(shares[:, :, k].max(axis=0))}", end=", ")
    print(f"at the end {told(shares[-1, :, k])}, loss {losses[-1, k::2].mean():.3f}")
outcome("16.g", shares[-1, :, 1].mean())

# %% [markdown] claims=["rate 0.6: highest: 1.63 0.27 spread", "rate 0.6: highest[3]: 0.28 0.05 spread", "rate 0.6: highest[5]: 0.005 0.0005", "rate 0.3: highest: 1.25 0.16 spread", "rate 0.3: highest[3]: 0.45 0.09 spread"]
# <details><summary>What to see</summary>
#
# It rises beyond the edge, to 1.25 and 1.63 times, and then it *sinks*: to 0.45 and 0.28. The
# curvature of the cross-entropy in a score is $p(1 - p)$ for a class of probability $p$ (chapter 02
# has the gradient; differentiate once more). Once the images are learnt, every $p$ is near 0 or 1,
# and that factor goes to 0. At 0.6 the loss is 0.005 by then. Cohen et al. saw the same [1].
#
# </details>
#
# **Predict** before you move in the lab: at which rate should plain descent end at a sharpness of
# 7? At which should momentum and Adam, and which loss will not do? The lab's Adam takes a hundredth
# of the rate; its sharpness is in thousands.

# %%
labs.edge()

# %% [markdown]
# <details><summary>What to see</summary>
#
# With the squared error the level at the end is the edge, once the run has got there: so 0.28 for
# plain descent, and 0.56 for Adam. Momentum at 0.56 was at its edge, too, but it has learnt its 100
# images so well by then that the sharpness sinks again. The cross-entropy passes 7 on the way down,
# and does not stay.
#
# </details>
#
# ## Warm-up: room for a larger rate
#
# Many recipes raise the rate from near 0 over the first steps: step $t$ of $T$ gets $\eta\, t/T$.
# While the rate rises, many small leaps can bring the sharpness down, before the full rate comes
# [5]. We take the first network, with its last layer at full size, and say that a run has learnt if
# its loss is under 0.5 after 200 steps. **Predict**: up to which multiple of the first edge do all
# five seeds learn with 50 steps of warm-up?

# %%
guess("16.h", "Largest multiple at which all five learn, with warm-up", [4, 8, 16, 32, 64])

# %%
multiples = [2, 4, 8, 16, 32, 64]
for warmup in (1, 50):
    last, _, share, _ = beyond(multiples, 200, warmup)
    learns = np.flatnonzero((last < 0.5).all(axis=0))
    for k in learns:
        print(f"warm-up {warmup}, {multiples[k]} times: loss", end=" ")
        print(f"{told(last[:, k], 3)}, sharpness {told(share[:, k])} of the first")
outcome("16.h", multiples[learns[-1]])

# %% [markdown] claims=["warm-up 1, 4 times: loss: 0.086 0.008 spread", "warm-up 50, 4 times: loss: 0.088 0.01 spread", "warm-up 50, 16 times: loss: 0.06 0.005 spread", "warm-up 50, 16 times: loss[3]: 0.08 0.005", "warm-up 50, 16 times: loss < warm-up 1, 4 times: loss by 0.01"]
# <details><summary>What to see</summary>
#
# Without warm-up all five seeds learn at 4 times the first edge, and not at 8. With it they do up
# to 16 times, at a sharpness of 0.08 of the first. At 4 times, where both survive, their losses are
# 0.088 and 0.086, closer than the spread of each. At 16 times the loss after these 200 steps is
# lower: 0.06.
#
# </details>
#
# Does it pay in everyday training? Digits, batches of 32, ten epochs, ten seeds. Each warm-up gets
# its best of ten rates, chosen on the validation images. What counts is the test error, with the
# margin of chapter 15. **Predict**: what will the comparison say?

# %%
verdicts = ["lower", "undecided", "higher"]
guess("16.i", "Test error with 40 steps of warm-up", verdicts)


# %%
def warmed(warmup, rates, seed):
    rng = np.random.default_rng(seed)
    layers = [nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10)]
    network = nn.Network(layers, rng, runs=len(rates))
    order = [rng.permutation(len(digits.train.y))[:1280].reshape(40, 32) for _ in range(10)]
    with np.errstate(all="ignore"):
        for t, batch in enumerate(np.concatenate(order), start=1):
            network.loss_and_gradient(digits.train.x[batch], digits.train.y[batch])
            network.w -= np.float32(min(1, t / warmup)) * rates[:, None] * network.g
        return [100 - 100 * network.accuracy(*part) for part in (digits.validation, digits.test)]


rates, chosen = np.geomspace(0.03, 1.2, 10).astype(np.float32), {}
for warmup in (1, 40):
    validation, test = np.swapaxes([warmed(warmup, rates, seed) for seed in range(10)], 0, 1)
    best = validation.mean(axis=0).argmin()
    chosen[warmup] = test[:, best]
    print(f"warm-up {warmup}: best rate {rates[best]:.2f}, test error {told(test[:, best])} %")
apart = chosen[40] - chosen[1]
margin = 2.26 * apart.std(ddof=1) / np.sqrt(10)
print(f"with warm-up less without: {apart.mean():.2f} ± {margin:.2f}")
outcome("16.i", verdicts[np.searchsorted([-margin, margin], apart.mean())])

# %% [markdown] claims=["with warm-up less without: 0.08 1.07 spread"]
# <details><summary>What to see</summary>
#
# 40 steps of warm-up change the test error by 0.08 points, with a margin of more than one.
# Undecided. Warm-up makes a rate possible that the start cannot bear, and here the best rate,
# inside the grid and the same for both, was none of those.
#
# </details>
#
# ## One bad batch
#
# One wrong file, and the gradient is a hundred times as long as the others. *Clipping* [6] scales a
# gradient down to the length $c$ if it is longer, and keeps its direction:
#
# $$g \leftarrow g \cdot \min\left(1, \frac{c}{\lVert g \rVert_2}\right)$$

# %% [markdown]
# ### Exercise 16.5
# **A loop that almost warms up**
#
# The steps are numbered 1, 2, ..., `steps`. Step $t$ has the rate `rate * t / warmup` as long as
# $t$ is at most `warmup`, a whole number from 1, and `rate` from then on. *Every* gradient that is
# longer than `longest` is first scaled to that length. `gradient(w, t)` returns the gradient of
# step $t$ at `w`, an array of shape `(P,)` that may be used again elsewhere. The result holds every
# w, row 0 the start: shape `(steps + 1, P)`.
#
# The code below does something else. Write `train` so that it does what it should. For the call
# below expect (0, 0), (-0.03, -0.04), (-0.09, -0.12) and (-0.15, -0.2).


# %%
def suspicious_train(gradient, w, rate, warmup, longest, steps):
    path = [w]
    for t in range(steps):
        g = gradient(w, t + 1)
        now = rate * t / warmup if t < warmup else rate
        if t > warmup:
            g = g * min(1, longest / (g @ g))
        w = w - now * g
        path.append(w)
    return np.array(path)


print(suspicious_train(lambda w, t: np.array([3.0, 4.0]), np.zeros(2), 0.1, 2, 1.0, 3))


# %% exercise="16.5"
def train(gradient, w, rate, warmup, longest, steps):
    r"""Return the path of w under warm-up and clipping, (steps + 1, P)."""
    ### BEGIN SOLUTION
    path = [w]
    for t in range(1, steps + 1):
        g = gradient(w, t)
        length = np.linalg.norm(g)
        if length > longest:
            g = g * (longest / length)
        w = w - rate * min(1, t / warmup) * g
        path.append(w)
    return np.array(path)
    ### END SOLUTION


# %%
check("16.5")

# %%
tally()

# %% [markdown]
# ## What we learnt
#
# - Two gradients give a Hessian times a vector, and products give the largest eigenvalue.
# - With all images at every step and the squared error our network got steeper. All ten runs that
#   came near $2/\eta$ ended close to it. Their loss went up in many steps, and down over all.
# - Jumps lead to where it is less steep. Started at 2.5 times its edge, a network landed under the
#   new one.
# - Momentum has its edge at $2(1 + \mu)/\eta$, Adam at $38/\eta$ for its preconditioned Hessian.
# - With the cross-entropy the sharpness sinks again as the images are learnt.
# - Warm-up makes room for larger rates. At the best rate on digits we could not tell it from none.
#
# **Next**: [What a batch buys](17_what_a_batch_buys.ipynb), when not every image is in every step.
#
# ## Further reading
#
# 1. J. Cohen and others, *Gradient descent on neural networks typically occurs at the edge of
#    stability*, ICLR 2021, arXiv:2103.00065.
# 2. J. Cohen and others, *Adaptive gradient methods at the edge of stability*, 2022,
#    arXiv:2207.14484: the 38.
# 3. A. Damian, E. Nichani, J. Lee, *Self-stabilization: the implicit bias of gradient descent at
#    the edge of stability*, ICLR 2023, arXiv:2209.15594.
# 4. A. Lewkowycz and others, *The large learning rate phase of deep learning: the catapult
#    mechanism*, 2020, arXiv:2003.02218.
# 5. D. Kalra, M. Barkeshli, *Why warmup the learning rate? Underlying mechanisms and improvements*,
#    NeurIPS 2024, arXiv:2406.09405.
# 6. R. Pascanu, T. Mikolov, Y. Bengio, *On the difficulty of training recurrent neural networks*,
#    ICML 2013, arXiv:1211.5063: clipping.
