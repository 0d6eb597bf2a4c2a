# %% [markdown]
# # A step for a matrix
#
# **To every rule so far the weights were a list of numbers, at most cut into layers. But they stand
# in matrices. Should the step know that?**
#
# - **You will** find the steepest step of a matrix, compute it by products alone, build Muon around
#   it, put it to the control that decides, count its price, and carry a rate from a narrow network
#   to a wide one.
# - **Time**: about 75 minutes.
# - **You need**: [Adaptive rates](10_adaptive_rates.ipynb), [Signs only](11_signs_only.ipynb),
#   [A rate for each layer](12_layer_rates.ipynb), [A fair race](15_fair_race.ipynb), and of linear
#   algebra the singular value decomposition, $G = U S V^T$.

# %% [markdown]
# ## What a gradient looks like
#
# A layer with weights W turns x into xW. The gradient G of W has the same shape, so it is a matrix,
# too. A matrix *stretches*: the singular values in S say by how much, each along a direction of its
# own, which U and V name.
#
# Our network is that of the race, 196-64-32-10, on clothes of 14 by 14 pixels; the gradient is that
# of its first batch. **Predict**: the first layer's gradient has 64 singular values. Which share of
# its squared length do the three largest have?

# %%
from lrcourse import guess, outcome, tally

guess("20.a", "Share of the three largest of 64", unit="%")

# %%
from itertools import pairwise

import numpy as np
from lrcourse import check, fit, load, nn, plots, schedules, yours
from lrcourse.callbacks import LearningRateScheduler
from lrcourse.optim import Adam, Muon, newton_schulz
from lrcourse.optim.matrix import EXACT, FAST
from lrcourse.papers import trial

data = load("fashion-mini", validation=0.3)
train, validation, test = (
    (part.x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196), part.y)
    for part in (data.train, data.validation, data.test)
)


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
print(f"last layer over its length: largest {sizes[0]:.2f}, smallest {sizes[-1]:.0e}")
alt = "The ten singular values of the last layer's gradient as bars, largest first."
bars = {f"{k}": size for k, size in enumerate(sizes.round(3), start=1)}
plots.bars(bars, "singular value", alt=alt)
outcome("20.a", shares[0])

# %% [markdown] claims=["layer 0.W, (196, 64): the three largest have: 94 0.5", "layer 4.W, (32, 10): the three largest have: 95 0.5"]
# <details><summary>What to see</summary>
#
# Three of 64 directions have 94 % of the squared length. In the last layer three of ten have 95 %;
# the bars are those ten, for G divided by its length. So a plain step moves W along a few
# directions and next to nothing along the others. The last bar is zero but for rounding: the
# gradients of an example's ten scores sum to 0, so in that one direction G does nothing at all.
#
# </details>
#
# ## How long is a step?
#
# To first order, subtracting $\eta D$ from W lowers the loss by $\eta \sum_{ij} G_{ij} D_{ij}$. The
# larger the sum, the steeper the step. But D may not be of any size, and each way to limit it has a
# steepest D of its own:
#
# | limit | steepest D | rule |
# |---|---|---|
# | the length of all entries is at most 1 | $G / \lVert G \rVert$ | gradient descent, normalized |
# | each entry is at most 1 | $\operatorname{sign}(G)$ | signSGD, chapter 11 |
# | D stretches no x by more than 1 | ? | this chapter |
#
# The third limit is on what the step *does*: whatever comes into the layer, xD is no longer than x.
# It says that the largest singular value of D, its *spectral norm*, is at most 1.

# %% [markdown]
# ### Exercise 20.1
# **The steepest step**
#
# Fill in the question mark. Write `steepest`: for a matrix G of shape (m, n), any m and n, return
# the matrix D of that shape for which the sum of all $G_{ij} D_{ij}$ is largest, among those with
# no singular value above 1. If several are as good, return the one with the smallest Frobenius
# norm, the root of the sum of all squares. Count a singular value of G below 1e-6 of the largest as
# 0. Leave G as it is. Expect [[1, 0], [0, −1]] for [[3, 0], [0, −0.5]], 0.5 everywhere for
# [[1, 1], [1, 1]], and [[1, 0], [0, 0]] for [[2, 0], [0, 0]].


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
# The answer is $D = U V^T$: the singular values are *all set to 1*, and a 0 stays 0. What signSGD
# does to each entry, this does to each singular value: it keeps the sign and throws the size away.
# The sum of $G_{ij} D_{ij}$ is then the sum of all singular values. The step has been found more
# than once [7, 8, 9].
#
# How much is that worth? Beside it, take G itself, scaled until its largest singular value is 1.

# %%
by_svd = yours("20.1")
for name, G in gradients.items():
    plain = np.sum(G * G) / np.linalg.norm(G, ord=2)
    gain = np.sum(G * by_svd(G)) / plain
    longer = np.linalg.norm(by_svd(G)) * np.linalg.norm(G, ord=2) / np.linalg.norm(G)
    print(f"layer {name}: falls {gain:.1f} times as much, with a step {longer:.1f} times as long")

# %% [markdown] claims=["layer 0.W: falls: 2.0 0.05", "layer 0.W: falls[2]: 6.8 0.05"]
# **What to see.** In the first layer the loss falls 2.0 times as much, to first order, for the same
# largest stretch. But look at the Frobenius norm: the step is 6.8 times as long. **A longer step**,
# the suspect of this whole course. We keep it in mind until we have a control.
#
# ## Without a decomposition
#
# An SVD in each step is slow. Products of matrices are fast, on a GPU above all. Can they change
# the singular values and leave U and V alone? They can, by polynomials with odd powers:
#
# $$s \;\leftarrow\; p(s) = a s + b s^3 + c s^5$$
#
# If p drives every s toward 1, a few repetitions will do what the SVD does. This is a
# *Newton-Schulz* iteration.

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
# The cubic with a = 1.5 and b = −0.5 is Newton's: $p(1) = 1$, and the slope there is 0. So what is
# near 1 gets there fast. It must start between 0 and $\sqrt 3$. Dividing G by its Frobenius norm
# sees to that: no singular value is larger than the norm.
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
lines = {"cubic, once": polynomial(start, 1, EXACT), "fast, once": polynomial(start, 1, FAST)}
lines |= {"no step": start, "cubic, 5 times": polynomial(start, 5, EXACT)}
lines |= {"fast, 5 times": polynomial(start, 5, FAST)}
alt = "Where singular values from 0 to 1 go: two polynomials, once and five times, and no step."
lines = {name: (start, line) for name, line in lines.items()}
plots.curves(lines, "singular value before", "after", alt=alt)
for name, coefficients in {"cubic": EXACT, "fast": FAST}.items():
    once, five = (polynomial(np.array([0.01, 1.0]), steps, coefficients) for steps in (1, 5))
    print(f"{name}: from 1 to {once[1]:.3f} in one step; from 0.01 to {five[0]:.3f} in five")
high = polynomial(np.geomspace(0.01, 1, 2000), 5, FAST)
print(f"fast, five steps, from 0.01 and above: {high.min():.2f} to {high.max():.2f}")
outcome("20.b", "down" if once[1] < 0.999 else "up" if once[1] > 1.001 else "nowhere")

# %% [markdown] claims=["fast: from 1 to: 0.701 0.0005", "cubic: from 1 to[3]: 0.076 0.0005", "fast: from 1 to[3]: 0.699 0.0005", "fast, five steps, from 0.01 and above:: 0.68 0.005", "fast, five steps, from 0.01 and above:[2]: 1.13 0.005"]
# <details><summary>What to see</summary>
#
# Down, to 0.701. Near 0 each step multiplies by a, and that is the whole point: five steps of the
# cubic bring 0.01 only to 0.076, five fast ones to 0.699. So steep a start has its price. The curve
# soon has to bend down, and where it crosses the line of no step it falls so steeply that values
# close by are thrown past it. The values swing back and forth between 0.68 and 1.13. Muon does not
# mind: it wants no direction left behind, not a 1 to the last digit.
#
# </details>
#
# Does this give what the SVD gives? We take the gradient of the last layer, 18 cubic steps, and
# then the package's `newton_schulz`: the same loop, but for tall matrices it works on the
# transpose, where the products are smaller.

# %%
G = gradients["4.W"]
far = abs(orthogonalize(G, 18, EXACT) - by_svd(G)).max()
same = abs(orthogonalize(G, 5, FAST) - newton_schulz(G, 5, FAST)).max()
print(f"18 cubic steps: at most {far:.0e} from the SVD; the package: {same:.0e} from ours")
sizes = np.linalg.svd(newton_schulz(G), compute_uv=False)
print(f"5 fast steps: nine bars from {sizes[8]:.2f} to {sizes[0]:.2f}, the last at {sizes[9]:.2f}")

# %% [markdown] claims=["nine bars from: 0.70 0.005", "nine bars from[2]: 1.13 0.005", "nine bars from[3]: 0.00 0.005"]
# **What to see.** Rounding apart they agree. Nine bars stand between 0.70 and 1.13, and the tenth
# is still at 0.00, as it should be. (Not for ever: each cubic step multiplies what rounding left
# there by 1.5, too.)
#
# In the lab a matrix has twelve singular values, and you set how small the smallest is at first.
# **Predict** before you move: which coefficients can level all bars to a hundredth? How many more
# steps does each take when the smallest bar is ten times smaller? Then reach the goal.

# %%
from lrcourse import labs

labs.singular_values()

# %% [markdown]
# **What to see.** The cubic gets there, but about six steps later for each factor of ten. The fast
# coefficients need two more for it, and never come to rest. A cubic that starts steeper jumps about
# 1 instead of landing there. Fast steps first and cubic ones at the end have the best of both.

# %% [markdown]
# ### Exercise 20.3
# **Coefficients of your own**
#
# Find a, b and c, the same in all steps, with which *three* steps bring every singular value from
# 0.05 to 1 to within 0.12 of 1. Neither of the two above does it. Let `coefficients` return the
# three numbers. Think first, then let the machine search; `polynomial` is at hand.


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

# %%
own = yours("20.3")()  # and what if the smallest value starts lower than planned?
for low in (0.05, 0.01, 0.001):
    s = np.geomspace(low, 1, 2000)
    three, five = polynomial(s, 3, own), polynomial(s, 5, FAST)
    print(f"from {low}: three of these end at {three.min():.2f} to {three.max():.2f}", end=", ")
    print(f"five fast ones at {five.min():.2f} to {five.max():.2f}")

# %% [markdown]
# **What to see.** In their own range three good steps come nearer to 1 than five fast ones. Below
# it they leave values behind, and the fast ones hold out longer. Coefficients are made for a range
# of singular values and for a number of steps. (One may also give each step its own [2].)
#
# ## Muon
#
# *Muon* [1], **m**oment**u**m **o**rthogonalized by **N**ewton-Schulz, puts this step behind a
# momentum. W and g are matrices of shape (fan_in, fan_out), and m begins at 0:
#
# $$m \leftarrow \mu m + (1 - \mu)\, g \qquad u = \mu m + (1 - \mu)\, g \qquad
# W \leftarrow W - \eta \sqrt{\max(1,\; n_\text{out} / n_\text{in})}\; \operatorname{NS}(u)$$
#
# - The memory m is a decaying *mean*, and u looks ahead as Nesterov does. As NS takes the size out
#   of u, a sum in place of the mean would give the same step.
# - NS are five fast steps, and $\mu$ = 0.95.
# - The factor makes the step into a wider layer longer: there, one x of a given length is spread
#   over more outputs.
# - Biases are no matrices. They get another rule; here Adam, at the same rate. The recipe of [1]
#   leaves first and last layer to Adam as well. We give Muon all three; which is better we have not
#   tested.

# %% [markdown]
# ### Exercise 20.4
# **Lost in translation**
#
# A colleague carried Muon over from torch's source, where the weights of a layer have the shape
# (fan_out, fan_in), to this course, where they are (fan_in, fan_out). It runs, and it is not Muon.
# Read it, run it beside a rule that you trust, and write `muon_run` without the mistakes. (For a W
# of shape (2, 3), `Muon(parts=[nn.Part("W", slice(0, 6), (2, 3))])` is one; it steps the flat array
# of six weights.) W has the shape (fan_in, fan_out), and `gradients` is a list with one gradient
# for each step. Return the new W and leave the one you are given alone. For the two steps below
# expect −0.1553, 0, 0.0814 in the first row and 0, 0.0526, 0 in the second.


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
# Torch has had a Muon since version 2.9. It computes NS in bfloat16, a type with two to three
# digits, so we can only ask for agreement within its rounding. And it has a choice that has
# confused many: the *scale*. `"original"` is our factor. `"match_rms_adamw"` [3] puts
# $0.2 \sqrt{\max(n_\text{in}, n_\text{out})}$ in its place, so that a rate that suits AdamW suits
# Muon.

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
for fan_in, fan_out in ((6, 9), (196, 64), (64, 32), (32, 10), (4096, 4096)):
    ratio = 0.2 * max(fan_in, fan_out) ** 0.5 / max(1, fan_out / fan_in) ** 0.5
    print(f"{fan_in} by {fan_out}: match_rms_adamw is {ratio:.2f} times original")

# %% [markdown] claims=["6 by 9: match_rms_adamw is: 0.49 0.005", "torch's second scale here: 0.49 0.005", "32 by 10: match_rms_adamw is: 1.1 0.05", "196 by 64: match_rms_adamw is: 2.8 0.05", "4096 by 4096: match_rms_adamw is: 12.8 0.05"]
# <details><summary>What to see</summary>
#
# The two are apart by less than 2 % of the way, which is what bfloat16 makes of it. The second
# scale steps 0.49 times as far on this matrix, as the formula says, 1.1 to 2.8 times in our layers,
# and 12.8 times in a matrix of 4,096 by 4,096. "Muon at rate 0.02" means nothing until one has said
# which scale. (And torch's `weight_decay` is 0.1 if you say nothing.)
#
# </details>
#
# ## The control that decides
#
# Now the question. For the same largest stretch a step of Muon is longer than a plain one, and its
# length does not depend on the gradient's. Either could be the whole effect. The control has both
# and lacks the one thing in question: it goes along u itself, and in each matrix, at each step, it
# is *just as long as a step of Muon*.

# %% [markdown]
# ### Exercise 20.5
# **The control**
#
# Write `matched`: u and `step` have the shape (..., m, n), one matrix or a stack of them, as for
# runs side by side; `step` is u orthogonalized. Return what points along u and has, matrix by
# matrix, the Frobenius norm of `step`. Where u is 0, return 0. Leave both as they are. For u =
# [[3, 0], [0, 4]] and step = [[1, 0], [0, 1]] expect [[0.8485, 0], [0, 1.1314]].


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
# Four rules, each at its own best of five rates, a factor of 2 apart; four epochs with a cosine to
# 0; five seeds. Rates are chosen on 3,000 validation images, so that luck decides less, and the
# errors are those of the 2,000 test images. Beside Adam, Muon and its control there is Muon with
# two Newton-Schulz steps in place of five. `against` compares two rules seed by seed; its verdict
# on the claim that the first is lower is that of chapter 15, with a resolution of half a point.
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


lines = {}


def tuned(name, rule, powers, epochs=4):
    rates = 2.0 ** np.array(powers)
    chosen, error = np.moveaxis([errors(rule(), rates, s, epochs) for s in range(5)], 1, 0)
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


found = {"Muon": tuned("Muon", lambda: Muon(Adam()), range(-7, -2))}
found["Adam"] = tuned("Adam", Adam, range(-8, -3))
found["same length"] = tuned("same length", lambda: SameLength(Adam()), range(-8, -3))
found["two steps"] = tuned("two steps", lambda: Muon(Adam(), steps=2), range(-7, -2))
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
# is not only a longer step**. At each rate the control steps as far as Muon, at its best rate as
# far as suits it, and it is still behind: the directions matter. Muon with two Newton-Schulz steps,
# which leave the small singular values smaller, has 16.3 and is ahead of the control, too. Whether
# five steps are better than two was not asked. Between the control and Adam, at 18.4, five seeds do
# not decide. All four best rates have worse ones on both sides.
#
# </details>
#
# Four epochs are few. `lrcourse reproduce muon` asks the same for ten epochs and ten seeds, with
# its claims locked before the runs.
#
# ## What it costs
#
# One step of Muon does more work than one of Adam. How much more in seconds depends on the machine,
# so let us count multiplications. A product of a p × q with a q × r matrix takes pqr of them. For a
# batch of B images each m × n matrix of weights takes part in three products, one forward and two
# backward: 3Bmn. One Newton-Schulz step with m ≤ n takes three more: m²n + m³ + m²n.
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
# 1.22 times. A language model takes far more tokens in a step, and Muon costs it 1.041 times the
# multiplications. A small network with small batches, such as ours, suits it badly.
#
# So give Adam the same number of multiplications: 18 epochs in place of 4, and five rates again.
# **Predict**: is Muon still ahead?

# %%
guess("20.e", "Ahead at the same multiplications", ["Muon", "not decided", "Adam"])

# %%
found["Adam, 18 epochs"] = tuned("Adam, 18 epochs", Adam, range(-9, -4), epochs=18)
ahead = against("Muon", "Adam, 18 epochs")
outcome("20.e", "Adam" if ahead.startswith("Adam") else ahead)

# %% [markdown] claims=["Muon against Adam, 18 epochs: 15.8 0.4 spread", "Muon against Adam, 18 epochs[4]: 15.2 0.4 spread"]
# **What to see.** Not any more. Adam now has 15.2 % and Muon 15.8, and five seeds do not decide
# between them. Per step Muon is ahead. Per multiplication its lead is gone, on this network and at
# this batch size.
#
# And on large ones? Published results differ. One finds Muon twice as efficient as AdamW [3]. A
# later one tunes ten optimizers with equal care [4]: those that know matrices are the fastest, 1.4
# times as fast as AdamW at 0.1 billion weights, and 1.1 times at 1.2 billion. That is less than was
# claimed before, and less the larger the model.
#
# ## Tune small, train large
#
# One more use of the matrix. The best rate of a narrow network is cheap to find. Is it the best
# rate of a wide one? Each step of Adam changes every weight by about $\eta$. If the changes agree,
# a unit with n inputs feels n of them: the spectral norm of the step grows with n. To change the
# signal by as much, the rate of such a layer has to fall as 1/n.
#
# *muP*, the maximal update parametrization [5, 6], works this out for every part of a network. Let
# $n_0$ be the width of the narrow one, in which nothing is changed. For Adam and hidden layers of n
# units it says:
#
# - the rate of the weights *behind* a hidden layer is multiplied by $n_0 / n$;
# - the last weights start smaller, by $\sqrt{n_0 / n}$;
# - the first weights and all biases stay: their number of inputs does not grow.
#
# That takes a rate for each part of w: `PartRates` hands Adam the rate times such factors, as
# `LayerwiseRate` of chapter 12 did by layer. We train 196-n-n-10 with Adam at a constant rate, for
# one epoch, so that each batch is new, with five seeds. The loss is the mean of the last 64
# batches, and the best rate of a seed is read from a parabola through its three lowest points.
# **Predict**: by which factor does the best rate fall from width 32 to 192, without muP? And with
# it?

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
    table = [last_loss(width, 2.0**exponents, seed, base) for seed in range(5)]
    losses[name] = np.array(table)
    best[name] = np.array([lowest(exponents, loss) for loss in table])
    told = f"{best[name].mean():.2f} ± {best[name].std(ddof=1):.2f}"
    print(f"{name}: log2 of the best rate {told}")
outcome("20.f", 2 ** np.mean(best["narrow"] - best["wide"]))

# %%
k = losses["narrow"].mean(axis=0).argmin()
found = {f"{name} at the narrow rate": losses[name][:, k] for name in ("wide", "wide, muP")}
found["wide at its own"] = losses["wide"][:, losses["wide"].mean(axis=0).argmin()]
for pair in (
    ("wide at the narrow rate", "wide at its own"),
    ("wide, muP at the narrow rate", "wide at the narrow rate"),
    ("wide, muP at the narrow rate", "wide at its own"),
):
    against(*pair, digits=3, resolution=0.0)
lines = {name: (2.0**exponents, table.T) for name, table in losses.items()}
alt = "Loss against learning rate for the narrow network and the wide one, without and with muP."
plots.response(lines, "learning rate", "loss", alt=alt)

# %% [markdown] claims=["narrow: log2 of the best rate: -5.98 0.19 spread", "wide: log2 of the best rate: -7.98 0.6 spread", "wide, muP: log2 of the best rate: -5.88 0.29 spread", "wide: log2 of the best rate < narrow: log2 of the best rate by 1", "wide: log2 of the best rate < wide, muP: log2 of the best rate by 1", "wide at the narrow rate against wide at its own: 0.668 0.028 spread", "wide at the narrow rate against wide at its own[4]: 0.635 0.015 spread", "wide, muP at the narrow rate against wide at its own: 0.644 0.012 spread", "wide, muP at the narrow rate against wide at the narrow rate < wide, muP at the narrow rate against wide at the narrow rate[4] by 0.005"]
# <details><summary>What to see</summary>
#
# The best rate goes from $2^{-5.98}$ to $2^{-7.98}$: the wide network wants a quarter. With muP it
# stays, at $2^{-5.88}$. At the narrow network's rate the wide one has a loss of 0.668, with muP of
# 0.644, lower in all five seeds. So muP saves the search on the wide network. But the search pays:
# at its own rate, the wide network without muP has 0.635, lower than with muP in all five seeds.
# (That rate was chosen on these very losses, which favours it a little.) muP lets a rate be carried
# over. It is no better network.
#
# </details>
#
# ## What we learnt
#
# - Under a limit on how far it may stretch, the steepest step sets all singular values of the
#   gradient to 1. It is to singular values what signSGD is to entries.
# - Newton-Schulz steps come near to it by products alone. Steep at 0 or at rest at 1: a polynomial
#   is made for a range, and for a number of steps.
# - Muon was ahead of Adam, and of a control that at each rate steps just as far, each at its own
#   best rate. So it is not only a longer step: directions matter.
# - At the same number of multiplications our small network does not decide between it and Adam.
# - The best rate of Adam falls with the width, and muP holds it in place. That saves the search on
#   the wide network; it did not beat the search.
#
# ## How big a step should a network take?
#
# Twenty chapters asked this of one network after another. What they answered:
#
# - **As big as the curvature lets it**, and the curvature can be changed: by the start, by
#   whitening, by BatchNorm ([01](01_one_knob.ipynb), [03](03_starting_well.ipynb) to
#   [05](05_batchnorm.ipynb)).
# - **As big as the noise lets it**: first large, to travel, then small, to settle
#   ([06](06_batches.ipynb) to [08](08_sequences.ipynb)). In the race a schedule led on all four
#   workloads.
# - **Not as big for all**: weights, layers and directions differ, and a rule may see to each
#   ([09](09_momentum.ipynb) to [12](12_layer_rates.ipynb), and this page). What a rule looks at is
#   what it can even out.
# - **And how would you know?** A rule that steps farther wins at a rate that is too small for the
#   other. Much of what we tested shrank beside a control that steps as far; some of it stayed. Own
#   best rate, seeds, a margin, and the control that could refute you: that is what carries over to
#   the next rule, which nobody has written yet ([13](13_same_direction.ipynb),
#   [15](15_fair_race.ipynb)).
#
# **Next**: your own question. Write down the claim and the control, run `lrcourse reproduce` on a
# paper that you doubt, or read the package once more: you have now built most of it.
#
# ## Further reading
#
# 1. K. Jordan and others, *Muon: An optimizer for hidden layers in neural networks*, 2024,
#    kellerjordan.github.io/posts/muon: the rule, the coefficients, the recipe.
# 2. N. Amsel, D. Persson, C. Musco, R. Gower, *The Polar Express: Optimal Matrix Sign Methods and
#    Their Application to the Muon Algorithm*, ICLR 2026, arXiv:2505.16932: the best polynomial for
#    each step.
# 3. J. Liu and others, *Muon is Scalable for LLM Training*, 2025, arXiv:2502.16982: weight decay,
#    and the scale that matches AdamW.
# 4. K. Wen, D. Hall, T. Ma, P. Liang, *Fantastic Pretraining Optimizers and Where to Find Them*,
#    2025, arXiv:2509.02046: ten optimizers tuned alike, at four sizes.
# 5. G. Yang, E. Hu, *Feature Learning in Infinite-Width Neural Networks*, 2020, arXiv:2011.14522:
#    muP.
# 6. G. Yang, E. Hu and others, *Tensor Programs V: Tuning Large Neural Networks via Zero-Shot
#    Hyperparameter Transfer*, 2022, arXiv:2203.03466: rates carried over, with tables of what to
#    multiply.
# 7. J. Bernstein, L. Newhouse, *Old Optimizer, New Norm: An Anthology*, 2024, arXiv:2409.20325:
#    each rule as steepest descent under a norm.
# 8. D. Carlson and others, *Stochastic Spectral Descent for Restricted Boltzmann Machines*, AISTATS
#    2015: the same step, nine years earlier.
# 9. V. Gupta, T. Koren, Y. Singer, *Shampoo: Preconditioned Stochastic Tensor Optimization*, ICML
#    2018, arXiv:1802.09568: without its memory, the same step again.

# %%
tally()
