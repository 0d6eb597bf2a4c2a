# %% [markdown]
# # A step for a matrix
#
# **To every rule so far the weights were a list of numbers. But they stand in matrices. Should the
# step know that?**
#
# - **You will** find the steepest step of a matrix, compute it by products alone, build Muon around
#   it, put it to the control that decides, and carry a rate from a narrow network to a wide one.
# - **Time**: about 75 minutes.
# - **You need**: [Adaptive rates](10_adaptive_rates.ipynb), [Signs only](11_signs_only.ipynb),
#   [A rate for each layer](12_layer_rates.ipynb), [A fair race](15_fair_race.ipynb), and of linear
#   algebra the singular value decomposition, $G = U S V^T$.

# %% [markdown]
# ## What a gradient looks like
#
# A layer with weights W turns x into xW. The gradient G of W is a matrix, too. A matrix
# *stretches*: the singular values in S say by how much, each along a direction of its own.
#
# Our network is that of the race, 196-64-32-10. **Predict**: in its first batch the first layer's
# gradient has 64 singular values. Which share of its squared length do the three largest have?

# %%
from lrcourse import guess, outcome, tally

guess("20.a", "Share of the three largest of 64", unit="%")

# %%
from itertools import pairwise

import numpy as np
from lrcourse import check, fit, labs, load, nn, papers, plots, schedules, yours
from lrcourse.browser import IN_BROWSER
from lrcourse.callbacks import LearningRateScheduler
from lrcourse.data import halved
from lrcourse.optim import Adam, Muon, newton_schulz
from lrcourse.optim.matrix import EXACT, FAST
from lrcourse.papers import trial

data = halved(load("fashion-mini", validation=0.3))
train, validation, test = data.train, data.validation, data.test


def build(widths, seed, runs=None):
    layers = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Network(layers[:-1], np.random.default_rng(seed), runs)


# %%
network = build((196, 64, 32, 10), seed=0)
network.loss_and_gradient(train[0][:64], train[1][:64])
gradients, shares = {}, []
for part in network.parts:
    if part.name.endswith("W"):
        gradients[part.name] = G = network.g[part.slice].reshape(part.shape)
        squares = np.linalg.svd(G, compute_uv=False) ** 2
        shares.append(100 * squares[:3].sum() / squares.sum())
        print(f"layer {part.name}, {part.shape}: the three largest have {shares[-1]:.0f} %")
sizes = np.linalg.svd(G, compute_uv=False) / np.linalg.norm(G)
alt = "The ten singular values of the last layer's gradient as bars, largest first."
bars = {f"{k}": size for k, size in enumerate(sizes.round(3), start=1)}
plots.bars(bars, "singular value", alt=alt)
outcome("20.a", shares[0])

# %% [markdown] claims=["layer 0.W, (196, 64): the three largest have: 94 0.5", "layer 4.W, (32, 10): the three largest have: 95 0.5"]
# <details><summary>What to see</summary>
#
# Three of 64 directions have 94 % of the squared length. In the last layer three of ten have 95 %;
# the bars are those ten, for G divided by its length. So a plain step hardly moves W along most
# directions. The last is zero: the gradients of ten scores sum to 0.
#
# </details>
#
# ## How long is a step?
#
# To first order, subtracting $\eta D$ from W lowers the loss by $\eta \sum_{ij} G_{ij} D_{ij}$.
# Each limit on the size of D has a steepest D of its own:
#
# | limit | steepest D | rule |
# |---|---|---|
# | the length of D is at most 1 | $G / \lVert G \rVert$ | gradient descent, normalized |
# | each entry is at most 1 | $\operatorname{sign}(G)$ | signSGD, chapter 11 |
# | D stretches no x by more than 1 | ? | this chapter |
#
# The third limit is on what the step *does*: xD is no longer than x. So the largest singular value
# of D, its *spectral norm*, is at most 1.

# %% [markdown]
# ### Exercise 20.1
# **The steepest step**
#
# Write `steepest`: for a matrix G of shape (m, n), return the matrix D of that shape for which the
# sum of all $G_{ij} D_{ij}$ is largest, among those with no singular value above 1. If several are
# as good, return the one with the smallest Frobenius norm, the root of the sum of all squares.
# Count a singular value of G below 1e-6 of the largest as 0. Leave G as it is. Expect
# [[1, 0], [0, −1]] for [[3, 0], [0, −0.5]], 0.5 everywhere for [[1, 1], [1, 1]], and
# [[1, 0], [0, 0]] for [[2, 0], [0, 0]].


# %% exercise="20.1"
def steepest(G):
    r"""Return the D of spectral norm at most 1 with the largest sum of G * D."""
    ### BEGIN SOLUTION
    U, s, V = np.linalg.svd(G, full_matrices=False)
    large = s > 1e-6 * s[0]
    return U[:, large] @ V[large]
    ### END SOLUTION


# %%
check("20.1")

# %% [markdown]
# The answer is $D = U V^T$: the singular values are *all set to 1*, and a 0 stays 0 [7, 8, 9]. What
# signSGD does to each entry, this does to each singular value: it throws the size away. Beside it,
# we take G itself, scaled until its largest singular value is 1.

# %%
by_svd = yours("20.1")
for name, G in gradients.items():
    plain = np.sum(G * G) / np.linalg.norm(G, ord=2)
    gain = np.sum(G * by_svd(G)) / plain
    longer = np.linalg.norm(by_svd(G)) * np.linalg.norm(G, ord=2) / np.linalg.norm(G)
    print(f"layer {name}: falls {gain:.1f} times as much, with a step {longer:.1f} times as long")

# %% [markdown] claims=["layer 0.W: falls: 2.0 0.05", "layer 0.W: falls[2]: 6.8 0.05"]
# **What to see.** In the first layer the loss falls 2.0 times as much, to first order, for the same
# largest stretch. But the step is 6.8 times as long, by the Frobenius norm. **A longer step**, the
# suspect of this whole course: it needs a control.
#
# ## Without a decomposition
#
# An SVD in each step is slow. Products of matrices are fast. They can change the singular values
# and leave U and V alone, by polynomials with odd powers:
#
# $$s \;\leftarrow\; p(s) = a s + b s^3 + c s^5$$
#
# If p drives every s toward 1, a few repetitions, *Newton-Schulz* steps, do what the SVD does.

# %% [markdown]
# ### Exercise 20.2
# **A polynomial of the singular values**
#
# Write `powers`: for X of shape (m, n), with $X = U S V^T$, and three numbers, return the matrix
# $U\, p(S)\, V^T$. Use sums and products of matrices only. Leave X as it is. For [[0, 0.5], [1, 0]]
# and 1.5, −0.5, 0 expect [[0, 0.6875], [1, 0]].


# %% exercise="20.2"
def powers(X, a, b, c):
    r"""Return U p(S) V^T for X = U S V^T, with p(s) = a s + b s^3 + c s^5."""
    ### BEGIN SOLUTION
    A = X @ X.T
    return a * X + (b * A + c * A @ A) @ X
    ### END SOLUTION


# %%
check("20.2")

# %% [markdown]
# The cubic with a = 1.5 and b = −0.5 is Newton's: $p(1) = 1$, and the slope there is 0. It must
# start between 0 and $\sqrt 3$, so G is first divided by its Frobenius norm.
#
# Muon [1] takes another polynomial, with a = 3.4445, b = −4.775 and c = 2.0315. **Predict**: where
# does a singular value of exactly 1 go in one step of it?

# %%
guess("20.b", "From 1 it goes", ["up", "nowhere", "down"])

# %%
mine, start = yours("20.2"), np.linspace(0, 1, 300)


def orthogonalize(G, steps, coefficients):
    X = G / np.linalg.norm(G)
    for _ in range(steps):
        X = mine(X, *coefficients)
    return X


def polynomial(s, steps, coefficients):
    a, b, c = coefficients
    for _ in range(steps):
        s = a * s + b * s**3 + c * s**5
    return s


# %%
lines = {"no step": (start, start)}
for name, coefficients in {"cubic": EXACT, "fast": FAST}.items():
    for steps in (1, 5):
        lines[f"{name}, steps: {steps}"] = start, polynomial(start, steps, coefficients)
    once, five = (polynomial(np.array([0.01, 1.0]), steps, coefficients) for steps in (1, 5))
    print(f"{name}: from 1 to {once[1]:.3f} in one step; from 0.01 to {five[0]:.3f} in five")
alt = "Where singular values from 0 to 1 go: two polynomials, once and five times, and no step."
plots.curves(lines, "singular value before", "after", alt=alt)
high = polynomial(np.geomspace(0.01, 1, 2000), 5, FAST)
print(f"fast, five steps, from 0.01 and above: {high.min():.2f} to {high.max():.2f}")
outcome("20.b", "down" if once[1] < 0.999 else "up" if once[1] > 1.001 else "nowhere")

# %% [markdown] claims=["fast: from 1 to: 0.701 0.0005", "cubic: from 1 to[3]: 0.076 0.0005", "fast: from 1 to[3]: 0.699 0.0005", "fast, five steps, from 0.01 and above:: 0.68 0.005", "fast, five steps, from 0.01 and above:[2]: 1.13 0.005"]
# <details><summary>What to see</summary>
#
# Down, to 0.701. Near 0 each step multiplies by a: five steps of the cubic bring 0.01 only to
# 0.076, five fast ones to 0.699. The price: the fast curve falls so steeply through the line of no
# step that values never settle there. After five steps they lie between 0.68 and 1.13. Muon wants
# no direction left behind, not a 1 to the last digit.
#
# </details>
#
# Does this give what the SVD gives? We take the gradient of the last layer and 18 cubic steps, and
# the package's `newton_schulz`.

# %%
G = gradients["4.W"]
far = abs(orthogonalize(G, 18, EXACT) - by_svd(G)).max()
same = abs(orthogonalize(G, 5, FAST) - newton_schulz(G, 5, FAST)).max()
print(f"18 cubic steps: at most {far:.0e} from the SVD; the package: {same:.0e} from ours")
sizes = np.linalg.svd(newton_schulz(G), compute_uv=False)
print(f"5 fast steps: nine bars from {sizes[8]:.2f} to {sizes[0]:.2f}, the last at {sizes[9]:.2f}")

# %% [markdown] claims=["nine bars from: 0.70 0.005", "nine bars from[2]: 1.13 0.005", "nine bars from[3]: 0.00 0.005"]
# **What to see.** Rounding apart they agree. Nine bars stand between 0.70 and 1.13, and the tenth
# is still at 0.00.
#
# **Predict** before you move in the lab: which coefficients can level all twelve bars to a
# hundredth? How many more steps does each take when the smallest bar is ten times smaller?

# %%
labs.singular_values()

# %% [markdown]
# **What to see.** The cubic gets there, and takes about six more steps for each factor of ten. The
# fast coefficients take two more, and never come to rest. Fast steps first and cubic ones at the
# end have the best of both.

# %% [markdown]
# ### Exercise 20.3
# **Coefficients of your own**
#
# Find a, b and c, the same in all steps, with which *three* steps bring every singular value from
# 0.05 to 1 to within 0.12 of 1. Let `coefficients` return the three numbers; `polynomial` is at
# hand.


# %% exercise="20.3"
def coefficients():
    r"""Return a, b and c."""
    ### BEGIN SOLUTION
    rng, starts = np.random.default_rng(0), np.geomspace(0.05, 1, 300)
    tried = rng.uniform((2, -6, 0), (4, -2, 4), size=(20_000, 3))
    a, b, c = tried.T[:, :, None]
    s = np.tile(starts, (len(tried), 1))
    for _ in range(3):
        s = a * s + b * s**3 + c * s**5
    return tried[abs(s - 1).max(axis=1).argmin()]
    ### END SOLUTION


# %%
check("20.3")

# %% [markdown]
# Coefficients are made for a range and for a number of steps. One may also give each step its
# own [2].
#
# ## Muon
#
# *Muon* [1], momentum orthogonalized by Newton-Schulz, puts this step behind a momentum. W and g
# are matrices of shape (fan_in, fan_out), and m begins at 0:
#
# $$m \leftarrow \mu m + (1 - \mu)\, g \qquad u = \mu m + (1 - \mu)\, g \qquad
# W \leftarrow W - \eta \sqrt{\max(1,\; n_\text{out} / n_\text{in})}\; \operatorname{NS}(u)$$
#
# - The memory m is a decaying *mean*, and u looks ahead as Nesterov does.
# - NS are five fast steps, and $\mu$ = 0.95.
# - The factor makes the step into a wider layer longer.
# - Biases are no matrices. Here they get Adam, at the same rate. The recipe of [1] leaves first and
#   last layer to Adam, too; which is better we have not tested.

# %% [markdown]
# ### Exercise 20.4
# **Lost in translation**
#
# A colleague carried Muon over from torch's source, where the weights of a layer have the shape
# (fan_out, fan_in), to this course, where they are (fan_in, fan_out). Write `muon_run` without the
# mistakes. `gradients` is a list with one gradient for each step. Leave W as it is. For the two
# steps below expect −0.1553, 0, 0.0814 in the first row and 0, 0.0526, 0 in the second.


# %%
def carried_over(W, gradients, learning_rate, momentum=0.95):
    m, W = np.zeros_like(W), W.copy()
    for g in gradients:
        m = momentum * m + (1 - momentum) * g
        m = momentum * m + (1 - momentum) * g
        step = newton_schulz(m.T).reshape(W.shape)
        rows, columns = W.shape
        W -= learning_rate * max(1, rows / columns) ** 0.5 * step
    return W


g = np.array([[1.0, 0, 0], [0, 2.0, 0]])
print(carried_over(np.zeros((2, 3)), [g, -2 * g[:, ::-1]], learning_rate=0.1).round(4))


# %% exercise="20.4"
def muon_run(W, gradients, learning_rate, momentum=0.95):
    r"""Return W, (fan_in, fan_out), after one step of Muon for each gradient."""
    ### BEGIN SOLUTION
    m, (fan_in, fan_out) = 0, W.shape
    factor = max(1, fan_out / fan_in) ** 0.5
    for g in gradients:
        m = momentum * m + (1 - momentum) * g
        u = momentum * m + (1 - momentum) * g
        W = W - learning_rate * factor * newton_schulz(u)
    return W
    ### END SOLUTION


# %%
check("20.4")

# %% [markdown]
# Torch's Muon computes NS in bfloat16, a type with two to three digits: we can only ask for
# agreement within its rounding. And it has a choice of *scale*. `"original"` is our factor.
# `"match_rms_adamw"` [3] puts $0.2 \sqrt{\max(n_\text{in}, n_\text{out})}$ in its place, so that a
# rate that suits AdamW suits Muon.

# %%
import torch

my_run, rng = yours("20.4"), np.random.default_rng(0)
W, gradients_in = rng.normal(size=(6, 9)), list(rng.normal(size=(50, 6, 9)))
moved = {}
for scale in ("original", "match_rms_adamw"):
    weight = torch.tensor(W.T.copy(), dtype=torch.float32)  # torch keeps the transpose
    judge = torch.optim.Muon([weight], lr=0.02, weight_decay=0.0, adjust_lr_fn=scale)
    for g in gradients_in:
        weight.grad = torch.tensor(g.T.copy(), dtype=torch.float32)
        judge.step()
    moved[scale] = weight.numpy().T - W
apart = moved["original"] - (my_run(W, gradients_in, 0.02) - W)
lengths = {scale: np.linalg.norm(each) for scale, each in moved.items()}
print(f"apart {100 * np.linalg.norm(apart) / lengths['original']:.2f} % of the way")
print(f"torch's second scale here: {lengths['match_rms_adamw'] / lengths['original']:.2f} times")

# %% [markdown] claims=["torch's second scale here: 0.49 0.005"]
# <details><summary>What to see</summary>
#
# The two are apart by less than 2 % of the way, which is what bfloat16 makes of it. The second
# scale steps 0.49 times as far on this matrix; on one of 4,096 by 4,096 it would be over ten times.
# "Muon at rate 0.02" means nothing until one has said which scale.
#
# </details>
#
# ## The control that decides
#
# A step of Muon is longer than a plain one, and its length does not depend on the gradient's.
# Either could be the whole effect. The control has both: it goes along u itself, in each matrix and
# at each step *just as far as Muon*.

# %% [markdown]
# ### Exercise 20.5
# **The control**
#
# Write `matched`: u and `step` have the shape (..., m, n), one matrix or a stack of them; `step` is
# u orthogonalized. Return what points along u and has, matrix by matrix, the Frobenius norm of
# `step`. Where u is 0, return 0. Leave both as they are. For u = [[3, 0], [0, 4]] and step =
# [[1, 0], [0, 1]] expect [[0.8485, 0], [0, 1.1314]].


# %% exercise="20.5"
def matched(u, step):
    r"""Return the direction of u with the Frobenius norm of step, matrix by matrix."""
    ### BEGIN SOLUTION
    wanted, length = (np.linalg.norm(x, axis=(-2, -1), keepdims=True) for x in (step, u))
    return u * wanted / np.where(length > 0, length, 1)
    ### END SOLUTION


# %%
check("20.5")

# %% [markdown]
# Four rules, each at its own best of four rates; four epochs with a cosine to 0; five seeds. Rates
# are chosen on 3,000 validation images, and the errors are those of 2,000 test images. Beside Adam,
# Muon and its control there is Muon with two Newton-Schulz steps in place of five. `against` gives
# the verdict of chapter 15 on the claim that the first is lower, at half a point. A browser is
# slower and takes two of the seeds and half of the epochs, here and below; what we say is about
# them all.
#
# **Predict**: is the control level with Muon, as the controls of chapters 12 and 13 often were?

# %%
guess("20.c", "Ahead, each at its own best rate", ["Muon", "not decided", "the control"])

# %%
control = yours("20.5")


class SameLength(Muon):
    def orthogonalized(self, u):
        return control(u, super().orthogonalized(u))


def errors(rule, rates, seed, epochs):
    network, rates = build((196, 64, 32, 10), seed, len(rates)), np.float32(rates)[:, None]
    cosine = schedules.Cosine(1.0, epochs * 110)
    scheduler = LearningRateScheduler(lambda t: cosine(t) * rates, per="step")
    setting = dict(batch_size=64, epochs=epochs, callbacks=[scheduler], progress=False)
    fit(network, train, rule, learning_rate=rates, rng=np.random.default_rng(seed), **setting)
    return [100 - 100 * network.accuracy(*part) for part in (validation, test)]


lines, seeds = {}, range(2 if IN_BROWSER else 5)


def tuned(name, rule, powers, epochs=2 if IN_BROWSER else 4):
    rates = 2.0 ** np.array(powers)
    chosen, error = np.moveaxis([errors(rule(), rates, s, epochs) for s in seeds], 1, 0)
    best, lines[name] = chosen.mean(axis=0).argmin(), (rates, error.T)
    print(f"{name}: best is rate {best + 1} of {len(rates)}, 1/{1 / rates[best]:.0f}")
    return error[:, best]


# %%
def against(name, other, digits=1, resolution=0.5):
    pair = [trial.Sample(tuple(found[each])) for each in (name, other)]
    about = f"{name} against {other}"
    one = trial.Comparison(*pair, resolution=resolution, about=about, digits=digits)
    print(f"{one.show()}: {one.verdict()}")
    return {trial.HOLDS: name, trial.FAILS: other}.get(one.verdict(), "not decided")


found = {"Muon": tuned("Muon", lambda: Muon(Adam()), range(-7, -3))}
found["Adam"] = tuned("Adam", Adam, range(-9, -5))
found["same length"] = tuned("same length", lambda: SameLength(Adam()), range(-7, -3))
found["two steps"] = tuned("two steps", lambda: Muon(Adam(), steps=2), range(-6, -2))
ahead = against("Muon", "same length")
for pair in (("Muon", "Adam"), ("two steps", "same length"), ("same length", "Adam")):
    against(*pair)
alt = "Test error against learning rate: Muon, Adam, the control of the same length, two steps."
plots.response(lines, "learning rate", "test error, %", alt=alt)
outcome("20.c", "the control" if ahead == "same length" else ahead)

# %% [markdown] claims=["Muon against same length: 15.8 0.4 spread", "Muon against same length[4]: 17.6 0.5 spread", "Muon against same length < Muon against same length[4] by 1.5", "two steps against same length: 16.3 0.5 spread", "two steps against same length < two steps against same length[4] by 0.5", "Muon against Adam[4]: 18.4 0.9 spread", "Muon against Adam < Muon against Adam[4] by 1"]
# <details><summary>What to see</summary>
#
# Muon has 15.8 % of errors, its control 17.6: almost two points, where half a point counts. So **it
# is not only a longer step**. At each rate the control steps as far as Muon, and at its own best
# rate it is still behind: the directions matter. Muon with two Newton-Schulz steps, which leave the
# small singular values smaller, has 16.3 and is ahead of the control, too. Between the control and
# Adam, at 18.4, five seeds do not decide. No best rate is at the end of its grid.
#
# </details>
#
# `lrcourse reproduce muon` asks the same for ten epochs and ten seeds, by claims locked before.
#
# ## What it costs
#
# Seconds depend on the machine, so let us count multiplications. For a batch of B images each
# m × n matrix of weights takes part in three products, one forward and two backward: 3Bmn. One
# Newton-Schulz step with m ≤ n takes m²n + m³ + m²n.
#
# **Predict**: at batch size 64, how many times the multiplications of a step of Adam does a step of
# Muon take?

# %%
guess("20.d", "Multiplications of a step of Muon over those of Adam", within=1.5)


# %%
def ratio(shapes, batch, steps=5):
    gradient = sum(3 * batch * m * n for m, n in shapes)
    extra = sum(2 * m * m * n + m**3 for m, n in map(sorted, shapes))
    return 1 + steps * extra / gradient


ours = [(196, 64), (64, 32), (32, 10)]
print(f"our network: batch 64, {ratio(ours, 64):.2f} times; 1024, {ratio(ours, 1024):.2f} times")
print(f"4096 by 4096, half a million tokens: {ratio([(4096, 4096)], 500_000):.3f} times")
outcome("20.d", ratio(ours, 64))

# %% [markdown] claims=["our network: batch 64,: 4.56 0.005", "our network: batch 64,[3]: 1.22 0.005", "half a million tokens:: 1.041 0.0005"]
# **What to see.** 4.56 times. The extra work does not depend on the batch: with 1,024 images it is
# 1.22 times, and in a language model, with far more tokens in a step, 1.041 times.
#
# So give Adam the same number of multiplications: 18 epochs in place of 4, and four rates again.
# **Predict**: is Muon still ahead?

# %%
guess("20.e", "Ahead at the same multiplications", ["Muon", "not decided", "Adam"])

# %%
longer = 9 if IN_BROWSER else 18
found["Adam, longer"] = tuned("Adam, longer", Adam, range(-9, -5), longer)
ahead = against("Muon", "Adam, longer")
outcome("20.e", "Adam" if ahead.startswith("Adam") else ahead)

# %% [markdown] claims=["Muon against Adam, longer: 15.8 0.4 spread", "Muon against Adam, longer[4]: 15.2 0.4 spread"]
# **What to see.** No longer: Adam now has 15.2 % and Muon 15.8, and five seeds do not decide. Per
# multiplication the lead is gone, on this network and at this batch size.
#
# And on large ones? One study finds Muon twice as efficient as AdamW [3]. A later one, with equal
# care for ten optimizers [4]: 1.4 times at 0.1 billion weights, and 1.1 times at 1.2 billion.
#
# ## Tune small, train large
#
# The best rate of a narrow network is cheap to find. Is it the best rate of a wide one? Each step
# of Adam changes every weight by about $\eta$. If the changes agree, a unit with n inputs feels n
# of them. To change the signal by as much, the rate of such a layer has to fall as 1/n.
#
# *muP*, the maximal update parametrization [5, 6], works this out for every part of a network. Let
# $n_0$ be the width of the narrow one, in which nothing is changed. For Adam and hidden layers of n
# units it says:
#
# - the rate of the weights *behind* a hidden layer is multiplied by $n_0 / n$;
# - the last weights start smaller, by $\sqrt{n_0 / n}$;
# - the first weights and all biases stay.
#
# `PartRates` hands Adam the rate times such factors. We train 196-n-n-10 with Adam at a constant
# rate for one epoch, with five seeds. The loss is the mean of the last 64 batches, and the best
# rate of a seed is read from a parabola through its three lowest points. For losses any difference
# counts. **Predict**: by which factor does the best rate fall from width 32 to 192, without muP?
# And with it?

# %%
guess("20.f", "Best rate at width 32 over that at 192", within=1.5)


# %%
from lrcourse.exercises.chapter_20 import PartRates, lowest


def last_loss(width, rates, seed, base):
    network = build((196, width, width, 10), seed, len(rates))
    factors = np.ones(network.w.shape[-1], np.float32)
    for part in network.parts:
        if part.name in ("2.W", "4.W"):
            factors[part.slice] = base / width
        if part.name == "4.W":
            network.w[:, part.slice] *= (base / width) ** 0.5
    setting = dict(batch_size=64, epochs=1, rng=np.random.default_rng(seed), progress=False)
    rates = np.float32(rates)[:, None]
    history = fit(network, train, PartRates(Adam(), factors), learning_rate=rates, **setting)
    return np.mean(history.loss[-64:], axis=0)


# %%
exponents, losses, best = np.arange(-10, -4), {}, {}
for name, width, base in (("narrow", 32, 32), ("wide", 192, 192), ("wide, muP", 192, 32)):
    table = [last_loss(width, 2.0**exponents, seed, base) for seed in seeds]
    losses[name] = np.array(table)
    best[name] = np.array([lowest(exponents, loss) for loss in table])
    print(f"{name}: log2 of the best rate {best[name].mean():.2f} ± {best[name].std(ddof=1):.2f}")

k = losses["narrow"].mean(axis=0).argmin()
found = {"narrow rate": losses["wide"][:, k], "muP": losses["wide, muP"][:, k]}
found["own rate"] = losses["wide"][:, losses["wide"].mean(axis=0).argmin()]
for pair in (("narrow rate", "own rate"), ("muP", "narrow rate"), ("muP", "own rate")):
    against(*pair, digits=3, resolution=0.0)
lines = {name: (2.0**exponents, table.T) for name, table in losses.items()}
alt = "Loss against learning rate for the narrow network and the wide one, without and with muP."
plots.response(lines, "learning rate", "loss", alt=alt)
outcome("20.f", 2 ** np.mean(best["narrow"] - best["wide"]))

# %% [markdown] claims=["narrow: log2 of the best rate: -5.98 0.19 spread", "wide: log2 of the best rate: -7.98 0.6 spread", "wide, muP: log2 of the best rate: -5.88 0.29 spread", "wide: log2 of the best rate < narrow: log2 of the best rate by 1", "wide: log2 of the best rate < wide, muP: log2 of the best rate by 1", "narrow rate against own rate: 0.668 0.028 spread", "narrow rate against own rate[4]: 0.635 0.015 spread", "muP against own rate: 0.644 0.012 spread", "muP against narrow rate < muP against narrow rate[4] by 0.005"]
# <details><summary>What to see</summary>
#
# The best rate goes from $2^{-5.98}$ to $2^{-7.98}$: the wide network wants a quarter. With muP it
# stays, at $2^{-5.88}$. At the narrow network's rate the wide one has a loss of 0.668, with muP of
# 0.644, lower in all five seeds. So muP saves the search on the wide network. But the search pays:
# at its own rate, the wide network without muP has 0.635, lower than with muP in all five seeds.
# (That rate was chosen on these very losses, which favours it a little.)
#
# </details>
#
# ## The race, its second part
#
# The newer rules raced too, on the network and images of [chapter 15](15_fair_race.ipynb) and with
# the seeds 10 to 29, by claims that were locked before.

# %%
for claim, kind, *_, measured, found in papers.verdicts("race-2").body:
    if kind == "primary" or claim.startswith(
        ("One", "On patches of photographs, M", "On digits, M")
    ):
        print(f"{claim}: {measured}: {found}.")

# %% [markdown] claims=["warm-up, cosine at 0.0625: 15.4 0.05", "warm-up, cosine at 0.0625[4]: 16.5 0.05", "SGD at 0.25: 19.1 0.05", "SGD at 0.25[4]: 18.7 0.05", "Muon at 0.00391 and Adam, cosine at 0.00781: 15.4 0.05", "Muon at 0.00391 and Adam, cosine at 0.00781[4]: 16.2 0.05", "On patches of photographs, Muon, cosine is better than Adam, cosine[3]: 26.7 0.05", "On patches of photographs, Muon, cosine is better than Adam, cosine[6]: 38.1 0.05"]
# <details><summary>What to see</summary>
#
# Schedule-free SGD with its warm-up has 15.4 % test error and momentum with a warm-up and a cosine
# 16.5: *holds*. Muon at a constant rate has 15.4, Adam with a cosine 16.2: *holds*. Whether DoG is
# as good as SGD at its tuned rate, 19.1 against 18.7, is undecided. So is who leads the whole race.
# On patches Muon with a cosine has 26.7 % against Adam's 38.1; on digits its gain does not count.
#
# </details>
#
# ## What we learnt
#
# - Under a limit on how far it may stretch, the steepest step sets all singular values of the
#   gradient to 1. Newton-Schulz steps come near to it by products alone.
# - Muon was ahead of Adam, and of a control that at each rate steps just as far, each at its own
#   best rate. So it is not only a longer step: directions matter.
# - At the same number of multiplications our small network does not decide between it and Adam.
# - From width 32 to 192 Adam's best rate fell; muP held it in place. That saves the search on the
#   wide network; it did not beat the search.
#
# ## How big a step should a network take?
#
# The chapters answered:
#
# - **As big as the curvature lets it**, and the curvature can be changed: by the start, by
#   whitening, by BatchNorm ([01](01_one_knob.ipynb), [03](03_starting_well.ipynb) to
#   [05](05_batchnorm.ipynb)), and it comes to fit the rate ([16](16_the_edge.ipynb)).
# - **As big as the noise lets it**: first large, to travel, then small, to settle
#   ([06](06_batches.ipynb) to [08](08_sequences.ipynb)), or averaged ([19](19_no_end_date.ipynb)).
# - **Not as big for all**: weights, layers and directions differ, and a rule may see to each
#   ([09](09_momentum.ipynb) to [12](12_layer_rates.ipynb), and this page).
# - **And how would you know?** A rule that steps farther wins at a rate too small for the other.
#   Own best rate, seeds, a margin, and the control that could refute you: that carries over to the
#   next rule ([13](13_same_direction.ipynb), [15](15_fair_race.ipynb)).
#
# **Next**: your own question. Write down the claim and the control.
#
# ## Further reading
#
# 1. K. Jordan and others, *Muon: An optimizer for hidden layers in neural networks*, 2024,
#    kellerjordan.github.io/posts/muon.
# 2. N. Amsel and others, *The Polar Express: Optimal Matrix Sign Methods and Their Application to
#    the Muon Algorithm*, 2025, arXiv:2505.16932: the best polynomial for each step.
# 3. J. Liu and others, *Muon is Scalable for LLM Training*, 2025, arXiv:2502.16982.
# 4. K. Wen and others, *Fantastic Pretraining Optimizers and Where to Find Them*, 2025,
#    arXiv:2509.02046.
# 5. G. Yang, E. Hu, *Feature Learning in Infinite-Width Neural Networks*, 2020, arXiv:2011.14522.
# 6. G. Yang, E. Hu and others, *Tensor Programs V: Tuning Large Neural Networks via Zero-Shot
#    Hyperparameter Transfer*, 2022, arXiv:2203.03466.
# 7. J. Bernstein, L. Newhouse, *Old Optimizer, New Norm: An Anthology*, 2024, arXiv:2409.20325.
# 8. D. Carlson and others, *Stochastic Spectral Descent for Restricted Boltzmann Machines*, AISTATS
#    2015.
# 9. V. Gupta, T. Koren, Y. Singer, *Shampoo: Preconditioned Stochastic Tensor Optimization*, ICML
#    2018, arXiv:1802.09568: the same step, without its memory.

# %%
tally()
