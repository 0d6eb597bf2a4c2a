# %% [markdown]
# # ZCA whitening
#
# **Neighbouring pixels say nearly the same thing. Can we take that out of the images, and what does
# the learning rate gain from it?**
#
# - **You will** compute the covariance of colour patches, whiten them in two ways, look at the
#   result, measure which learning rates work before and after, and choose how much to whiten.
# - **Time**: about 70 minutes.
# - **You need**: [One knob](01_one_knob.ipynb) for the edge and the condition number,
#   [Backprop](02_backprop.ipynb) for the network, and eigenvectors.

# %% [markdown]
# ## How pixels vary together
#
# The data set `patches` was cut from ten photographs: left halves for training, right halves for
# the test. The class of a patch is its photograph. To stay quick, this chapter averages each patch
# of 32 by 32 pixels down to 16 by 16, and later to 8 by 8. With 3 colours that makes 768 and 192
# *features*.

# %%
import numpy as np
from lrcourse import check, guess, load, outcome, plots, tally, yours

data = load("patches")


def small(split, side):
    blocks = split.x.reshape(-1, side, 32 // side, side, 32 // side, 3)
    return blocks.mean(axis=(2, 4)).reshape(len(split.x), -1)


x = small(data.train, 16)
shown = np.array([np.flatnonzero(data.train.y == label)[7] for label in (1, 2, 4, 5, 6, 7, 8, 9)])
print("images and features:", x.shape)
alt = "Eight colour patches: petals, fur, dark leaves, stars, bricks, grass, a vein, a tulip."
plots.images(x[shown], image_shape=(16, 16, 3), columns=8, alt=alt)

# %% [markdown]
# <details><summary>What to see</summary>
#
# Cover one pixel: its neighbours give it away.
#
# </details>
#
# In numbers that is the *covariance*, for every pair of features one number. Rows of $X$ are
# images, $\mu$ is the mean image:
#
# $$C = \frac{1}{n - 1} \sum_{i=1}^{n} (x_i - \mu)(x_i - \mu)^\top$$
#
# $C$ has shape $(d, d)$. Its diagonal holds the variances. Divided by both standard deviations, an
# entry becomes a *correlation*, from -1 to 1.

# %% [markdown]
# ### Exercise 04.1
# **Covariance**
#
# Write `covariance`. `x` has shape `(n, d)`, one image a row; return an array of shape `(d, d)`,
# divided by $n - 1$, and leave `x` as it is. It must also hold where the mean is a million times as
# large as the spread. One matrix product is enough, without a loop. For
# `x = [[1, 2], [3, 0], [5, 4]]` expect `[[4, 2], [2, 4]]`.


# %% exercise="04.1"
def covariance(x):
    r"""Return the covariance of the columns of x, (n, d): an array of shape (d, d)."""
    ### BEGIN SOLUTION
    centred = x - x.mean(axis=0)
    return centred.T @ centred / (len(x) - 1)
    ### END SOLUTION


# %%
check("04.1")

# %% [markdown]
# **Predict**: how strongly does the green of a pixel go along with the green of the pixel beside
# it? With its own red? With green in the opposite corner?

# %%
guess("04.a", "The correlation of a pixel's green with that of the pixel beside it is", within=1.1)

# %%
covariance_of = yours("04.1")
C = covariance_of(x)
deviation = np.sqrt(np.diag(C))
correlation = C / deviation[:, None] / deviation
middle = (8 * 16 + 8) * 3 + 1
for name, other in (("its neighbour's green", middle + 3), ("its own red", middle - 1)):
    print(f"green in the middle and {name}: {correlation[middle, other]:.2f}")
print(f"green in two opposite corners: {correlation[1, -2]:.2f}")
greens = [(row * 16 + column) * 3 + 1 for row in (2, 8) for column in (2, 6, 10, 14)]
alt = "Eight pictures in grey, one for each pixel: its correlation with all others, in green."
plots.images(correlation[greens, 1::3], columns=8, alt=alt)
outcome("04.a", correlation[middle, middle + 3])

# %% [markdown] claims=["its neighbour's green: 0.94 0.005", "its own red: 0.71 0.005", "two opposite corners: 0.44 0.005"]
# <details><summary>What to see</summary>
#
# 0.94 for the neighbour, 0.71 for the own red, and still 0.44 for the opposite corner. Each picture
# belongs to one pixel and shows its correlation with all others, in green: white is 1, black the
# smallest that is shown. They fade slowly. 768 numbers are far from 768 different facts.
#
# </details>
#
# ## Axes without correlation
#
# $C$ is symmetric, so it has orthogonal eigenvectors, the columns of $U$, and real eigenvalues, the
# diagonal of $\Lambda$. They are the axes of the cloud of images and the variances along them:
#
# $$C = U \Lambda U^\top$$
#
# **Predict**: how many of the 768 axes hold nine tenths of all the variance?

# %%
guess("04.b", "How many axes hold 90 % of the variance?", unit="axes", within=2)

# %%
eigenvalues, U = np.linalg.eigh(C)
eigenvalues, U = eigenvalues[::-1], U[:, ::-1]
share = np.cumsum(eigenvalues) / eigenvalues.sum()
few = int(np.searchsorted(share, 0.9)) + 1
print(f"largest {eigenvalues[0]:.1f}, second {eigenvalues[1]:.1f}; smallest {eigenvalues[-1]:.1e}")
print(f"share of the first three {share[2]:.2f}; axes for nine tenths: {few}")
axes = U[:, [*range(8), *range(100, 104), *range(700, 704)]].T
alt = "Principal axes as pictures: numbers 0 to 7, and below them 100 to 103 and 700 to 703."
plots.images(0.5 + 4 * axes, image_shape=(16, 16, 3), columns=8, alt=alt)
alt = "The 768 variances, from the largest down, on a logarithmic axis."
plots.curves(eigenvalues, "axis", "variance", log_y=True, alt=alt)
outcome("04.b", few)

# %% [markdown] claims=["share of the first three: 0.77 0.005", "axes for nine tenths: 13 0"]
# <details><summary>What to see</summary>
#
# Above, the first eight axes, and below them numbers 100 to 103 and 700 to 703. The first is the
# brightness of the whole patch, the second its colour. Then come ramps, then finer and finer waves,
# and at the end checks of single pixels. The first three hold 0.77 of the variance, and 13 hold
# nine tenths. The last vary over a million times less than the first: that is a condition number,
# and chapter 01 told us what it costs.
#
# </details>
#
# ## Two ways to whiten
#
# *Whitening* makes the covariance the identity: every feature has variance 1 and no correlation
# with the others. Rotate onto the axes, then divide by each standard deviation. That is *PCA*
# whitening, from principal component analysis:
#
# $$z = (x - \mu)\, W \qquad\qquad W_\text{PCA} = U \Lambda^{-1/2}$$
#
# White stays white under any further rotation, so there are as many whitenings as rotations. One of
# them turns *back* to where the pixels were:
#
# $$W_\text{ZCA} = U \Lambda^{-1/2}\, U^\top$$
#
# That is *ZCA*, zero-phase component analysis. Axes of almost no variance would be blown up without
# limit, so a small $\epsilon$ is added under the root: $(\Lambda + \epsilon I)^{-1/2}$.
#
# Below come the raw patches, then PCA-whitened, then ZCA-whitened, both drawn as images. Which row
# can you still read?

# %%
from lrcourse.whitening import ZCA, PCAWhitening


def picture(z):
    return 0.5 + z / (6 * z.std())


rows = [x[shown]] + [picture(kind(0.01).fit(x).transform(x[shown])) for kind in (PCAWhitening, ZCA)]
alt = "Three rows of eight patches: raw, PCA-whitened, ZCA-whitened."
plots.images(np.concatenate(rows), image_shape=(16, 16, 3), columns=8, alt=alt)

# %% [markdown]
# <details><summary>What to see</summary>
#
# PCA has lost the picture: in the place of a pixel stands the amount of an axis. In ZCA each pixel
# keeps its place. The even areas, which a neighbour can predict, have gone grey. What could not be
# predicted is left: the edges.
#
# </details>

# %% [markdown]
# ### Exercise 04.2
# **The ZCA matrix**
#
# Write `zca_matrix`, which takes a covariance `C` of shape `(d, d)` and a number `epsilon` and
# returns $W = U (\Lambda + \epsilon I)^{-1/2} U^\top$, of shape `(d, d)`. The epsilon goes under
# the root. `np.linalg.eigh(C)` returns the eigenvalues and $U$, in this order. For
# `C = [[2.5, 1.5], [1.5, 2.5]]` and epsilon 0 expect `[[0.75, -0.25], [-0.25, 0.75]]`.


# %% exercise="04.2"
def zca_matrix(C, epsilon):
    r"""Return U (Lambda + epsilon I)^(-1/2) U^T for C = U Lambda U^T, shape (d, d)."""
    ### BEGIN SOLUTION
    eigenvalues, U = np.linalg.eigh(C)
    return U / np.sqrt(eigenvalues + epsilon) @ U.T
    ### END SOLUTION


# %%
check("04.2")

# %% [markdown]
# The package's `ZCA` is that formula with a `fit` and a `transform`. Here is your matrix beside it,
# on patches of 8 by 8; from here on the chapter whitens with it.
#
# **Predict**: PCA or ZCA, which one moves the centred images less on average?

# %%
guess("04.c", "Which whitening moves the images less?", ["PCA", "ZCA"])

# %%
matrix_of = yours("04.2")
splits = data.train, data.validation, data.test
x, validation, test = (small(split, 8).astype(float) for split in splits)
mean, C = x.mean(axis=0), covariance_of(x)
zca, pca = ZCA(epsilon=0).fit(x), PCAWhitening(epsilon=0).fit(x)
W, moved = matrix_of(C, 0), {}
print(f"largest difference to the package's W, relative: {abs(W - zca.W).max() / abs(W).max():.0e}")
for name, z in (("PCA", pca.transform(x)), ("ZCA", (x - mean) @ W)):
    off = abs(covariance_of(z) - np.eye(192)).max()
    moved[name] = ((z - (x - mean)) ** 2).sum(axis=1).mean()
    print(f"{name}: covariance off the identity by {off:.0e}; moved by {moved[name]:.1f}")
outcome("04.c", min(moved, key=moved.get))

# %% [markdown] claims=["PCA: covariance off the identity by[2]: 203.7 0.05", "ZCA: covariance off the identity by[2]: 169.8 0.05"]
# <details><summary>What to see</summary>
#
# Both are white, and ZCA moves the images less, 169.8 against 203.7 in squared
# distance. Of all whitenings it moves them least (Kessy et al. 2018 prove it). If you use
# scikit-learn: it has PCA whitening only, and ZCA is `pca.transform(x) @ pca.components_` after
# `PCA(whiten=True)`.
#
# </details>
#
# ## How much epsilon
#
# Whitening multiplies axis $i$ by $1/\sqrt{\lambda_i + \epsilon}$. Axes with $\lambda_i$ well above
# $\epsilon$ come out white. Those far below it are left weak: they hold the finest grain.
#
# An axis counts as white below if its standard deviation comes out above 0.9.
#
# **Predict**: by how much is the weakest axis multiplied with epsilon 0.01?

# %%
guess("04.d", "Epsilon 0.01: the weakest axis is multiplied by", within=1.5)

# %%
eigenvalues, factors = np.linalg.eigvalsh(C)[::-1], {}
for epsilon in (1, 0.01, 0.0001, 0):
    factor = factors[f"epsilon {epsilon}"] = 1 / np.sqrt(eigenvalues + epsilon)
    white = np.count_nonzero(factor * np.sqrt(eigenvalues) > 0.9)
    print(f"epsilon {epsilon}: weakest axis times {factor[-1]:.0f}, {white} of 192 axes white")
alt = "Factor for each axis on a log axis, for four epsilons."
plots.curves(factors, "axis", "factor", log_y=True, alt=alt)
big = small(data.train, 16)
rows = [picture(ZCA(epsilon).fit(big).transform(big[shown])) for epsilon in (1, 0.01, 0.0001)]
alt = "Three rows of eight patches of 16 by 16, ZCA-whitened with epsilon 1, 0.01 and 0.0001."
plots.images(np.concatenate(rows), image_shape=(16, 16, 3), columns=8, alt=alt)
outcome("04.d", factors["epsilon 0.01"][-1])

# %% [markdown] claims=["epsilon 0.01: weakest axis times: 10 0.5", "epsilon 0: weakest axis times: 178 0.5"]
# <details><summary>What to see</summary>
#
# Where the variance is far below epsilon, the factor is $1/\sqrt{\epsilon}$: 10 for 0.01, against
# 178 for 0. With epsilon 1, of the 192 axes only the first, brightness, comes out white. The
# pictures, of 16 by 16, are soft. With 0.0001 their finest grain is as strong as the edges.
#
# </details>
#
# In the lab, the 30th axis of 768 is to come out nearly white, with a variance of 0.9, and no axis
# may be multiplied by more than 20. Compute the smallest epsilon that allows the second, from the
# formula for the factor. Then find the largest that allows the first.

# %%
from lrcourse import labs

labs.whitening()

# %% [markdown]
# <details><summary>What to see</summary>
#
# An axis whose variance is just $\epsilon$ comes out with variance one half. What lies well to the
# left of that point is white, what lies to the right fades away.
#
# </details>
#
# ## The learning rate
#
# Now to the reason for all this. Take the simplest network, one layer without bias, and the squared
# error against targets $t$, 1 for the right class and 0 for the others, minus their mean:
#
# $$L = \frac{1}{2n} \lVert X W - t \rVert^2 \qquad\qquad H = \frac{1}{n} X^\top X$$
#
# It is a bowl as in chapter 01, and its Hessian is made of the *inputs* alone. For centred inputs
# it is their covariance. So the edge is 2 over their largest variance, and the steps needed grow
# with the condition number. For each input the cell tries 40 rates on both sides of that edge, runs
# 200 steps at each, and notes the loss that is left above the least one that this input allows.
#
# **Predict**: where is the edge after whitening? And if we just divide all centred pixels by one
# number, so that their spread is 1: what happens to the edge, and to the loss left at the best
# rate?

# %%
guess("04.e", "After whitening with epsilon 0.01, the edge is at the rate", within=1.1)

# %%
targets = np.eye(10)[data.train.y] - 0.1


def loss_left(z):
    H, b = z.T @ z / len(z), z.T @ targets / len(z)
    rates, left = 2 / np.linalg.eigvalsh(H)[-1] * 1.1 ** np.arange(-36.5, 3), []
    for rate in rates:
        W = np.zeros_like(b)
        for _ in range(200):
            W -= rate * (H @ W - b)
        away = W - np.linalg.solve(H, b)
        left.append(np.sum(away * (H @ away)) / 2)
    return rates, np.where(np.array(left) < 0.1, left, np.nan)


def whitened(epsilon):
    return (x - mean) @ matrix_of(C, epsilon)


# %%
centred = x - mean
inputs = {"raw": x, "centred": centred, "divided": centred / centred.std(), "white": whitened(0.01)}
curves, edges = {}, {}
for name, z in inputs.items():
    variances = np.linalg.eigvalsh(z.T @ z / len(z))
    rates, left = curves[name] = loss_left(z)
    edges[name] = 2 / variances[-1]
    print(f"{name}: edge {edges[name]:.3f}, measured {rates[np.isfinite(left)].max():.3f}", end="")
    print(f"; condition number {variances[-1] / variances[0]:.0f}", end="")
    print(f"; left at the best rate {np.nanmin(left):.5f}")
alt = "Loss left after 200 steps against the learning rate, for four inputs, on log axes."
plots.curves(curves, "learning rate", "loss left", log_x=True, log_y=True, alt=alt)
outcome("04.e", edges["white"])

# %% [markdown] claims=["centred: edge[4]: 0.01537 0.000005", "white: edge[4]: 0.00004 0.000005", "white: edge: 2 0.5", "raw: edge < centred: edge by 0.2"]
# <details><summary>What to see</summary>
#
# The measured edges are $2/\lambda_\text{max}$ to within one step of our rates, 10 %. Centring
# alone raises the edge five-fold. Dividing by one number moves the curve sideways and changes
# nothing else: *a larger edge is no gain in itself*, for the gradient has other units. What counts
# is how low a curve gets. After 200 steps at their best rates, 0.01537 is left of the centred loss
# and 0.00004 of the white one. And its edge is 2, whatever the pixels are measured in, as long as
# epsilon is small beside the largest variance.
#
# </details>

# %% [markdown]
# ### Exercise 04.3
# **Choose epsilon**
#
# The smaller epsilon, the rounder the bowl, and the stronger the noise. So whiten only as much as
# you need. Write `epsilon_for`. It gets the `eigenvalues` of a covariance, all positive, in any
# order, and a `condition` above 1. Return the *largest* epsilon with which the whitened data still
# have a condition number of at most `condition`, to within 1 %, or `np.inf` if every epsilon will
# do. Which variance has axis $i$ after whitening? For eigenvalues 2 and 18 and a condition of 4
# expect 10.8.


# %% exercise="04.3"
def epsilon_for(eigenvalues, condition):
    r"""Return the largest epsilon that leaves a condition number of at most `condition`."""
    ### BEGIN SOLUTION
    low, high = np.min(eigenvalues), np.max(eigenvalues)
    if condition >= high / low:
        return np.inf
    return (condition - 1) * high * low / (high - condition * low)
    ### END SOLUTION


# %%
check("04.3")

# %% [markdown]
# Now the loss left for five condition numbers. With one ten times as large, how much more of the
# loss is left after 200 steps?

# %%
choose, left = yours("04.3"), {}
for condition in (10, 100, 1000, 10000, 100000):
    epsilon = choose(eigenvalues, condition)
    left[condition] = np.nanmin(loss_left(whitened(epsilon))[1])
    print(f"condition {condition}: epsilon {epsilon:.2g}, loss left {left[condition]:.1e}")

# %% [markdown] claims=["condition 1000: epsilon[2]: 6.0e-04 5e-06", "condition 100: epsilon[2]: 7.5e-08 5e-10"]
# <details><summary>What to see</summary>
#
# With a condition number of 10, nothing but rounding is left. With 1000 it is 6.0e-04 in place of
# the 7.5e-08 with 100, and beyond that 200 steps are few. At the best rate a step multiplies the
# slowest axis by about $1 - 2/\kappa$, where $\kappa$ is the condition number: what counts is how
# many steps there are for each unit of $\kappa$.
#
# </details>
#
# ## A network
#
# Now a network with one hidden layer, for four epochs of mini-batches, with twelve rates, five
# seeds and six kinds of input. *Standardised* means: each feature divided by its own deviation.
# Mean, deviation and covariance come from the training images. A browser is slower and takes two of
# the seeds; what we say below is about all five.
#
# For each input, the rate is chosen on the validation images, and the accuracy is that on the test
# images.
#
# **Predict**: which input comes last in test accuracy? And do those that train furthest come first?

# %%
names = ["raw", "centred", "standardised", "ZCA 0.1", "ZCA 0.01", "ZCA 0.0001"]
guess("04.f", "Which input has the lowest test accuracy?", names)

# %%
from lrcourse import fit, nn
from lrcourse.browser import IN_BROWSER
from lrcourse.optim import SGD


def train(z, labels, seed, rates, epochs=4):
    rng, rates = np.random.default_rng(seed), np.reshape(rates, (-1, 1))
    layers = [nn.Linear(192, 32), nn.ReLU(), nn.Linear(32, 10)]
    network = nn.Network(layers, rng, runs=len(rates))
    setting = {"learning_rate": rates, "batch_size": 50, "epochs": epochs, "progress": False}
    fit(network, (z, labels), SGD(), **setting, rng=rng)
    return network


# %%
deviation, rates, losses, tests = x.std(axis=0), np.geomspace(0.004, 8, 12), {}, {}
seeds = range(2 if IN_BROWSER else 5)
for name in names:
    if name.startswith("ZCA"):
        W = matrix_of(C, float(name[4:]))
    else:
        W = np.diag(1 / deviation) if name == "standardised" else np.eye(192)
    shift = 0 if name == "raw" else mean
    z, z_validation, z_test = ((part - shift) @ W for part in (x, validation, test))
    with np.errstate(all="ignore"):
        networks = [train(z, data.train.y, seed, rates) for seed in seeds]
        losses[name] = np.transpose([n.loss(z, data.train.y) for n in networks])
        best = np.mean([n.accuracy(z_validation, data.validation.y) for n in networks], 0).argmax()
        tests[name] = [n.accuracy(z_test, data.test.y)[best] for n in networks]


# %%
for name, loss in losses.items():
    mean_loss, accuracy = loss.mean(axis=1), np.array(tests[name])
    print(f"{name}: lowest training loss {np.nanmin(mean_loss):.2f}", end="; ")
    print(f"test accuracy {accuracy.mean():.3f} ± {accuracy.std(ddof=1):.3f}", end="; ")
    print("training loss under 0.6 at", rates[mean_loss < 0.6].round(2))
lines = {n: (rates, np.where(losses[n] < 2.5, losses[n], np.nan)) for n in names[:5:2]}
alt = "Training loss against learning rate for three inputs, with bands over seeds."
plots.response(lines, "learning rate", "training loss", alt=alt)
outcome("04.f", min(tests, key=lambda name: np.mean(tests[name])))

# %% [markdown] claims=["raw: lowest training loss: 0.96 0.005", "centred: lowest training loss: 0.46 0.005", "ZCA 0.01: lowest training loss: 0.22 0.005", "raw: lowest training loss[2] < ZCA 0.0001: lowest training loss[2] by 0.02", "ZCA 0.0001: lowest training loss[2] < ZCA 0.01: lowest training loss[2] by 0.05"]
# <details><summary>What to see</summary>
#
# In the same number of steps the raw input gets to a training loss of 0.96, the centred one to
# 0.46, the white ones to 0.22 or 0.23. With epsilon 0.1 four rates get under 0.6, with 0.0001 only
# two, as with the centred input: how wide that range is does not follow from the inputs alone any
# more, since a network's curvature depends on its weights, too.
#
# On *test* images the raw input is last, and epsilon 0.0001 next to last, though it trains as far
# as the other white ones: it seems to learn the noise that was amplified, too. Five seeds do not
# tell the other four apart. Epsilon is a setting like the rate: choose it on validation images.
#
# </details>
#
# ## Fit on the training images only
#
# $\mu$ and $W$ are learnt from data, so they belong to the model. If they are fitted on training
# and test images together, the model has seen the test. Does it matter? Take only 400 training
# images and 100 test images. Two networks get the same images; for one of them, the whitening was
# fitted on the 100 as well. Each is tested on these 100 and on the 900 fresh ones. The 100 may be
# easier or harder than the rest; the network without the leak is the control for that.
#
# **Predict**: on the 100 leaked images, will the measured loss be lower than it should?

# %%
choices = ["too low", "right", "too high"]
guess("04.g", "Epsilon 0.0001: the loss measured on leaked images is", choices)


# %%
def leaked(epsilon, seed):
    rng = np.random.default_rng(seed)
    few, order, rows = rng.permutation(len(x))[:400], rng.permutation(len(test)), []
    for fitted in (x[few], np.concatenate([x[few], test[order[:100]]])):
        whiten = ZCA(epsilon).fit(fitted).transform
        network = train(whiten(x[few]), data.train.y[few], seed, 0.1, epochs=20)
        for part in (order[:100], order[100:]):
            z, labels = whiten(test[part]), data.test.y[part]
            rows.append([np.mean(z**2), network.loss(z, labels)[0], network.accuracy(z, labels)[0]])
    return np.reshape(rows, (2, 2, 3))


# %%
print(f"the loss of a uniform guess: {np.log(10):.2f}")
for epsilon in (0.01, 0.0001):
    found = np.array([leaked(epsilon, seed) for seed in range(8)])
    gap = (found[:, 1, 0] - found[:, 1, 1]) - (found[:, 0, 0] - found[:, 0, 1])
    for k, what in enumerate(("mean square", "loss", "accuracy")):
        honest, leak = found[:, :, 0, k].mean(axis=0)
        print(f"epsilon {epsilon}, {what}: honest {honest:.2f}, leaked {leak:.2f}", end="; ")
        print(f"by the leak {gap[:, k].mean():+.3f} ± {gap[:, k].std(ddof=1):.3f}")
shift = gap[:, 1].mean() / gap[:, 1].std(ddof=1)
outcome("04.g", choices[0 if shift < -1 else 2 if shift > 1 else 1])

# %% [markdown] claims=["epsilon 0.0001, mean square: honest: 1.39 0.005", "epsilon 0.0001, mean square: honest[2]: 0.67 0.005", "epsilon 0.0001, loss: honest[3]: -0.321 0.0005", "epsilon 0.01, loss: honest[3]: -0.036 0.0005", "the loss of a uniform guess < epsilon 0.0001, loss: honest by 0.4"]
# <details><summary>What to see</summary>
#
# With epsilon 0.0001 the leaked images come out small, with a mean square of 0.67 in place of 1.39,
# and the leak shifts the measured loss by −0.321 ± 0.072. What a user will meet is the higher one.
# With 0.01 it is −0.036 ± 0.019. In neither case does the accuracy give the leak away, to within
# 0.03. Nor are these good networks: with epsilon 0.0001 the loss is above that of a uniform guess,
# since they are sure of their mistakes.
#
# </details>
#
# ## A function with three bugs
#
# The next function should whiten training and test images as `ZCA(epsilon).fit(train)` does. All
# shapes are right. To judge it, one test image goes in twice, each time in other company. May that
# change its features?


# %%
def suspect_whiten(train, test, epsilon):
    both = np.concatenate([train, test])
    eigenvalues, U = np.linalg.eigh(np.cov(both, rowvar=False))
    W = U / (np.sqrt(eigenvalues) + epsilon) @ U.T
    return (train - train.mean(axis=0)) @ W, (test - test.mean(axis=0)) @ W


# %%
def compare_with_the_package(whiten):
    some, one = x[:600], test[:1]
    expected = ZCA(0.01).fit(some).transform(one)
    for company in (test[1:50], test[500:550]):
        _, z = whiten(some, np.concatenate([one, company]), 0.01)
        print(f"first feature {z[0, 0]:.3f}, expected {expected[0, 0]:.3f}", end="")
        print(f", largest difference {abs(z[0] - expected[0]).max():.0e}")


compare_with_the_package(suspect_whiten)

# %% [markdown]
# ### Exercise 04.4
# **Find three bugs**
#
# Write `whiten_splits`, the suspect without its bugs, in NumPy. `train` is `(n, d)`, `test` is `(m,
# d)`. Return the tuple (whitened train, whitened test), and leave the inputs as they are. To judge
# your own, call `compare_with_the_package(whiten_splits)` in a new cell below it, and expect
# differences under 1e-10.


# %% exercise="04.4"
def whiten_splits(train, test, epsilon):
    r"""Return train and test, whitened as ZCA(epsilon).fit(train) whitens them."""
    ### BEGIN SOLUTION
    mean = train.mean(axis=0)
    eigenvalues, U = np.linalg.eigh(np.cov(train, rowvar=False))
    W = U / np.sqrt(eigenvalues + epsilon) @ U.T
    return (train - mean) @ W, (test - mean) @ W
    ### END SOLUTION


# %%
check("04.4")

# %%
compare_with_the_package(yours("04.4"))

# %% [markdown]
# ## What we learnt
#
# - Covariance says how pixels vary together. Its eigenvectors are the axes of the cloud of
#   images, its eigenvalues their variances, here over six powers of ten.
# - PCA whitening rotates and scales; ZCA also rotates back, so that a pixel stays in its place.
# - For one layer and squared error the Hessian is $X^\top X / n$. Whitening makes it round: the
#   edge is at 2 whatever the units, and fewer steps do. Scaling all by one number only moves the
#   edge.
# - Training faster is not testing better. Epsilon decides how much noise is amplified.
# - Fit on training images only. How much a leak changes the measured loss depends on epsilon, and
#   only a control shows it.
#
# **Next**: [BatchNorm](05_batchnorm.ipynb). White inputs do not stay white for long: after the
# first layer they are mixed anew, and that mix changes at every step.
#
# ## Further reading
#
# - Bell & Sejnowski 1997, *The "independent components" of natural scenes are edge filters*, Vision
#   Research 37(23), which named ZCA.
# - LeCun, Bottou, Orr & Müller 1998, *Efficient BackProp*, sections 4.3 and 5: inputs and the
#   Hessian.
# - Krizhevsky 2009, *Learning multiple layers of features from tiny images*, appendix A: ZCA on
#   small colour images.
# - Kessy, Lewin & Strimmer 2018, *Optimal whitening and decorrelation*, The American Statistician
#   72(4).
# - Wadia et al. 2021, *Whitening and second order optimization both make information in the dataset
#   unusable during training, and can reduce or prevent generalization*, ICML, arXiv:2008.07545:
#   when whitening hurts the test.

# %%
tally()
