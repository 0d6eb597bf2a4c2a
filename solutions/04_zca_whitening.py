# %% [markdown]
# # ZCA whitening
#
# **Neighbouring pixels say nearly the same thing. Can we take that out of the images, and what does
# the learning rate gain from it?**
#
# - **You will** compute the covariance of colour patches, whiten them in two ways, look at the
#   result, and measure which learning rates work before and after.
# - **Time**: about 50 minutes.
# - **You need**: [One knob](01_one_knob.ipynb) for the edge and the condition number,
#   [Backprop](02_backprop.ipynb) for the network, and eigenvectors.

# %% [markdown]
# ## What pixels know of each other
#
# The data set `patches` was cut from ten photographs: left halves for training, right halves for
# the test. The class of a patch is its photograph. To stay quick, this chapter averages each patch
# of 32 by 32 pixels down to 16 by 16, and later to 8 by 8. With 3 colours that makes 768 and 192
# *features*.

# %%
import numpy as np
from lrcourse import load, plots

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
# **What to see.** Cover one pixel: its neighbours give it away. In numbers that is the
# *covariance*, for every pair of features one number. Rows of $X$ are images, $\mu$ is the mean
# image:
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
# divided by $n - 1$, and leave `x` as it is. Use one matrix product, no loop. For
# `x = [[1, 2], [3, 0], [5, 4]]` expect `[[4, 2], [2, 4]]`.


# %% exercise="04.1"
def covariance(x):
    r"""Return the covariance of the columns of x, (n, d): an array of shape (d, d)."""
    ### BEGIN SOLUTION
    centred = x - x.mean(axis=0)
    return centred.T @ centred / (len(x) - 1)
    ### END SOLUTION


# %%
from lrcourse import check

check("04.1")

# %% [markdown]
# From here on we use `np.cov`, which does the same if told that features are columns.
#
# **Predict**: how strongly does the green of a pixel go along with the green of the pixel beside
# it? With its own red? With green in the opposite corner?

# %%
correlation = np.corrcoef(x, rowvar=False)
middle = (8 * 16 + 8) * 3 + 1
for name, other in (("its neighbour's green", middle + 3), ("its own red", middle - 1)):
    print(f"green in the middle and {name}: {correlation[middle, other]:.2f}")
print(f"green in two opposite corners: {correlation[1, -2]:.2f}")
print(f"smallest of any two greens: {correlation[1::3, 1::3].min():.2f}")
greens = [(row * 16 + column) * 3 + 1 for row in (2, 8) for column in (2, 6, 10, 14)]
alt = "Eight smooth blobs: each is brightest at one pixel and fades slowly to all sides."
plots.images(correlation[greens, 1::3], columns=8, alt=alt)

# %% [markdown]
# **What to see.** Each picture belongs to one pixel and shows its correlation with all others, in
# green: white is 1, black the smallest of all that are shown. They fade slowly, and even black is
# well above 0. 768 numbers are far from 768 different facts.
#
# ## Axes that do not know each other
#
# $C$ is symmetric, so it has orthogonal eigenvectors, the columns of $U$, and real eigenvalues, the
# diagonal of $\Lambda$. They are the axes of the cloud of images and the variances along them:
#
# $$C = U \Lambda U^\top$$
#
# **Predict**: along which axis do patches of photographs vary most? And what does a very weak axis
# look like?

# %%
eigenvalues, U = np.linalg.eigh(np.cov(x, rowvar=False))
eigenvalues, U = eigenvalues[::-1], U[:, ::-1]
print("largest", eigenvalues[:3].round(1), f" smallest {eigenvalues[-1]:.1e}")
print(f"share of the first three {eigenvalues[:3].sum() / eigenvalues.sum():.2f}")
axes = U[:, [*range(8), *range(100, 104), *range(700, 704)]].T
alt = "Principal axes as pictures: even grey, ramps, waves; later ones are finer; the last, noise."
plots.images(0.5 + 4 * axes, image_shape=(16, 16, 3), columns=8, alt=alt)
alt = "The 768 variances on a logarithmic axis, falling over six powers of ten."
plots.curves(eigenvalues, "axis", "variance", log_y=True, alt=alt)

# %% [markdown]
# **What to see.** Above, the first eight axes, and below them numbers 100 to 103 and 700 to 703.
# The first is the brightness of the whole patch, the second its colour. Then come ramps, then finer
# and finer waves, and at the end checks of single pixels. The first three hold most of the
# variance. The last vary over a million times less: that is a condition number, and chapter 01 told
# us what it costs.
#
# ## Two ways to whiten
#
# *Whitening* makes the covariance the identity: every feature has variance 1 and knows nothing of
# the others. Rotate onto the axes, then divide by each standard deviation:
#
# $$z = (x - \mu)\, W \qquad\qquad W_\text{PCA} = U \Lambda^{-1/2}$$
#
# White stays white under any further rotation. So there are as many whitenings as rotations. One
# of them turns *back* to where the pixels were:
#
# $$W_\text{ZCA} = U \Lambda^{-1/2}\, U^\top$$
#
# That is *ZCA*, zero-phase component analysis. Axes of almost no variance would be blown up without
# limit, so a small $\epsilon$ is added under the root: $(\Lambda + \epsilon I)^{-1/2}$.
#
# **Predict**: below come the raw patches, then PCA-whitened, then ZCA-whitened, both drawn as
# images. Which row can you still read?

# %%
from lrcourse.whitening import ZCA, PCAWhitening


def picture(z):
    return 0.5 + z / (6 * z.std())


rows = [x[shown]] + [picture(kind(0.01).fit(x).transform(x[shown])) for kind in (PCAWhitening, ZCA)]
alt = "Three rows: photographs; grey with coloured noise at the top; grey with coloured edges."
plots.images(np.concatenate(rows), image_shape=(16, 16, 3), columns=8, alt=alt)

# %% [markdown]
# **What to see.** PCA has lost the picture: the number in the place of a pixel is the amount of an
# axis, sorted by variance. In ZCA each pixel still stands in its place. The even areas, which a
# neighbour can predict, have gone grey. What could not be predicted is left: the edges.

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
# The package's `ZCA` is that formula with a `fit` and a `transform`. Here is the long way beside
# it, on patches of 8 by 8.
#
# **Predict**: PCA or ZCA, which one moves the centred images less on average?

# %%
x, validation, test = (small(split, 8) for split in (data.train, data.validation, data.test))
eigenvalues, U = np.linalg.eigh(np.cov(x.astype(float), rowvar=False))
W = U / np.sqrt(eigenvalues) @ U.T
zca, pca = ZCA(epsilon=0).fit(x), PCAWhitening(epsilon=0).fit(x)
print(f"largest difference of W: {abs(W - zca.W).max() / abs(W).max():.0e}, relative")
centred = x - x.mean(axis=0)
for name, z in (("PCA", pca.transform(x)), ("ZCA", zca.transform(x))):
    off = abs(np.cov(z, rowvar=False) - np.eye(192)).max()
    distance = ((z - centred) ** 2).sum(axis=1).mean()
    print(f"{name}: covariance differs from the identity by {off:.0e}, moved by {distance:.1f}")

# %% [markdown]
# Both are white, up to the rounding of float32, and of all whitenings ZCA moves the images least
# (Kessy et al. 2018 prove it). If you use scikit-learn: it has PCA whitening only, and ZCA is
# `pca.transform(x) @ pca.components_` after `PCA(whiten=True)`.
#
# ## How much epsilon
#
# Whitening multiplies axis $i$ by $1/\sqrt{\lambda_i + \epsilon}$. Axes with $\lambda_i$ well above
# $\epsilon$ come out white. Those far below it are left weak: there is mostly noise in them.
#
# **Predict**: with epsilon 0, how much louder does the weakest axis get? And with 0.01?

# %%
factors = {}
for epsilon in (1, 0.01, 0.0001, 0):
    factor = factors[f"epsilon {epsilon}"] = 1 / np.sqrt(eigenvalues[::-1] + epsilon)
    white = np.count_nonzero(factor * np.sqrt(eigenvalues[::-1]) > 0.9)
    print(f"epsilon {epsilon}: weakest axis times {factor[-1]:.0f}, {white} of 192 axes white")
alt = "Factor for each axis: for epsilon 0 it climbs to 180, larger epsilons level off lower."
plots.curves(factors, "axis", "factor", log_y=True, alt=alt)
big = small(data.train, 16)
rows = [picture(ZCA(epsilon).fit(big).transform(big[shown])) for epsilon in (1, 0.01, 0.0001)]
alt = "ZCA with three epsilons: soft pictures with colour; clear edges; edges in coloured noise."
plots.images(np.concatenate(rows), image_shape=(16, 16, 3), columns=8, alt=alt)

# %% [markdown]
# **What to see.** Row by row epsilon is 1, 0.01 and 0.0001. The first has hardly whitened anything
# but brightness. The last has made the finest grain, mostly noise, as loud as the picture. The
# usual choice for pixels from 0 to 1 lies around 0.01.
#
# In the lab, the 30th axis of 768 is to come out nearly white, with a variance of 0.9, and no axis
# may be stretched more than 20 times. **Predict** the smallest epsilon that the second wish allows,
# with the formula for the factor. Then find the largest that the first one allows.

# %%
from lrcourse import labs

labs.whitening()

# %% [markdown]
# **What to see.** An axis whose variance is just $\epsilon$ comes out with one half. What lies well
# to the left of that point is white, what lies to the right fades away.
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
# with the condition number. The cell tries 40 rates for each input and prints how much loss is left
# after 200 steps, above the least loss that this input allows.
#
# **Predict** the edge after whitening. And if we just divide all centred pixels by one number, so
# that their spread is 1: what happens to the edge, and to the condition number?

# %%
whitened = ZCA(0.01).fit(x).transform(x)
inputs = {"raw": x, "centred": centred, "divided": centred / centred.std(), "whitened": whitened}
targets = np.eye(10)[data.train.y] - 0.1
curves = {}
for name, z in inputs.items():
    z = z.astype(float)
    H, b = z.T @ z / len(z), z.T @ targets / len(z)
    eigenvalues, weights = np.linalg.eigvalsh(H), np.zeros((40, 192, 10))
    rates = 2 / eigenvalues[-1] * 1.1 ** np.arange(-36.5, 3)
    for _ in range(200):
        weights -= rates[:, None, None] * (H @ weights - b)
    away = weights - np.linalg.solve(H, b)
    left = (away * (H @ away)).sum(axis=(1, 2)) / 2
    curves[name] = rates, np.where(left < 0.1, left, np.nan)
    condition = eigenvalues[-1] / eigenvalues[0]
    print(f"{name:8}  edge {2 / eigenvalues[-1]:.3f}  condition number {condition:.1e}")

# %%
for name, (rates, left) in curves.items():
    stable = rates[np.isfinite(left)].max()
    print(f"{name:8}  largest stable rate {stable:.3f}  left at the best {np.nanmin(left):.5f}")
alt = "Loss left after 200 steps against rate: three like curves side by side, whitened far lower."
plots.curves(curves, "learning rate", "loss left", log_x=True, log_y=True, alt=alt)

# %% [markdown] claims=["0.015 0.001", "0.00004 0.00001"]
# **What to see.** The measured edges are $2/\lambda_\text{max}$ to within one step of our rates,
# 10 %. Centring alone raises the edge five-fold. Dividing by one number moves the curve sideways
# and changes nothing else: *a larger edge is no gain in itself*, for the gradient has other units.
# What counts is how low a curve gets. After 200 steps at their best rates, 0.015 is left of the
# centred loss and 0.00004 of the white one. And its edge is 2, whatever the pixels are
# measured in, as long as epsilon is small beside their variances.
#
# ## A network
#
# Now a network with one hidden layer, for four epochs of mini-batches, with twelve rates, three
# seeds and six kinds of input. *Standardised* means: each feature divided by its own deviation.
# Mean, deviation and covariance come from the training images.
#
# **Predict**: which input trains furthest? And is it the one with the best test accuracy?

# %%
from lrcourse import fit, nn
from lrcourse.optim import SGD


def train(z, labels, seed, rates, epochs=4):
    rng, rates = np.random.default_rng(seed), np.reshape(rates, (-1, 1))
    layers = [nn.Linear(192, 32), nn.ReLU(), nn.Linear(32, 10)]
    network = nn.Network(layers, rng, runs=len(rates))
    setting = {"learning_rate": rates, "batch_size": 50, "epochs": epochs}
    fit(network, (z, labels), SGD(), **setting, rng=rng)
    return network


# %%
mean, deviation = x.mean(axis=0), x.std(axis=0)
change = {
    "raw": lambda x: x,
    "centred": lambda x: x - mean,
    "standardised": lambda x: (x - mean) / deviation,
}
change |= {f"ZCA {epsilon}": ZCA(epsilon).fit(x).transform for epsilon in (0.1, 0.01, 0.0001)}
rates, losses, accuracy = np.geomspace(0.004, 8, 12), {}, {}
for name, transform in change.items():
    x_in, validation_in, test_in = map(transform, (x, validation, test))
    with np.errstate(all="ignore"):
        networks = [train(x_in, data.train.y, seed, rates) for seed in range(3)]
        losses[name] = np.mean([n.loss(x_in, data.train.y) for n in networks], axis=0)
        best = [n.accuracy(validation_in, data.validation.y).argmax() for n in networks]
        tests = [n.accuracy(test_in, data.test.y) for n in networks]
    accuracy[name] = [row[k] for row, k in zip(tests, best, strict=True)]

# %%
for name, loss in losses.items():
    good = rates[loss < 0.6]
    span = f"{good.min():.2f} to {good.max():.2f}" if good.size else "nowhere"
    print(f"{name:12}  lowest loss {np.nanmin(loss):.2f}  under 0.6: {span:12}", end="  ")
    print(f"test accuracy {np.mean(accuracy[name]):.3f} ± {np.std(accuracy[name]):.3f}")
lines = {n: (rates, np.where(losses[n] < 2.5, losses[n], np.nan)) for n in list(losses)[:5:2]}
alt = "Training loss against learning rate: valleys; the whitened ones lie lower than the raw one."
plots.curves(lines, "learning rate", "training loss", log_x=True, alt=alt)

# %% [markdown] claims=["0.99 0.05", "0.54 0.05", "0.24 0.03"]
# **What to see.** In the same number of steps the raw input gets to a loss of 0.99, centred ones to
# 0.54, white ones to 0.24, and the rates that get under 0.6 span a wider range. But how far right
# a curve reaches does not follow from the inputs alone any more: a network's curvature depends on
# its weights too.
#
# On *test* images the raw input is last again, but the others are not in that order. Much of what
# whitening makes loud is noise, and the network learns it as gladly as the rest. At epsilon 0.0001
# that costs accuracy, at 0.1 it does not. The spread over seeds is some points, so finer
# differences mean nothing here. Epsilon is a setting like the rate: choose it on validation images.
#
# ## Fit on the training images only
#
# $\mu$ and $W$ are learnt from data, so they belong to the model. Whoever fits them on training and
# test images together lets the model see the test. To make it count, take only 200 training images
# and 50 test images. Both networks get the same images; only the fit differs.
#
# **Predict**: what will the 50 leaked images look like to the network, compared with fresh ones?

# %%
results = {}
for seed in range(5):
    rng = np.random.default_rng(seed)
    few, order = rng.permutation(len(x))[:200], rng.permutation(len(test))
    leaked = np.concatenate([x[few], test[order[:50]]])
    for fitted, images in (("on training only", x[few]), ("on test as well", leaked)):
        zca = ZCA(0.0001).fit(images)
        network = train(zca.transform(x[few]), data.train.y[few], seed, 0.1, epochs=10)
        for which, part in (("these 50", order[:50]), ("fresh", order[50:])):
            z, labels = zca.transform(test[part]), data.test.y[part]
            row = np.mean(z**2), network.loss(z, labels)[0], network.accuracy(z, labels)[0]
            results.setdefault((fitted, which), []).append(row)
for (fitted, which), rows in results.items():
    size, loss, right = np.mean(rows, axis=0)
    print(f"fit {fitted:17} test on {which:9}", end="")
    print(f"mean square {size:.2f}  loss {loss:.2f}  accuracy {right:.2f}")

# %% [markdown] claims=["0.61 0.02", "2.17 0.05"]
# **What to see.** Look at the mean square of a whitened test feature. The leaked images come out
# tame, 0.61, and their loss looks better than it is. Fresh images, through the very same whitening,
# have 2.17, and a higher loss: *that* is what a user will meet. Fitted on training images only,
# both groups fare alike, and the measured loss can be believed.
#
# Now read the accuracies. Here they do not give the leak away, and so it goes unnoticed.
#
# ## A function with three bugs
#
# The next function whitens training and test images. All shapes are right. To judge it, the same
# test image goes in twice, in the company of others, and is compared with the package.
#
# **Predict**: may the company of an image change its features?


# %%
def suspect_whiten(train, test, epsilon):
    both = np.concatenate([train, test])
    eigenvalues, U = np.linalg.eigh(np.cov(both, rowvar=False))
    W = U / (np.sqrt(eigenvalues) + epsilon) @ U.T
    return (train - train.mean(axis=0)) @ W, (test - test.mean(axis=0)) @ W


# %%
answer = suspect_whiten
some, one = x[:600].astype(float), test[:1].astype(float)
expected = ZCA(0.01).fit(some).transform(one)
for company in (test[1:50], test[500:550]):
    _, z = answer(some, np.concatenate([one, company]), 0.01)
    print(f"first feature {z[0, 0]:.3f}, expected {expected[0, 0]:.3f}", end="")
    print(f", largest difference {abs(z[0] - expected[0]).max():.0e}")

# %% [markdown]
# ### Exercise 04.3
# **Find three bugs**
#
# Write `whiten_splits`, the suspect without its bugs. `train` is `(n, d)`, `test` is `(m, d)`.
# $\mu$ and $C$ (divided by $n - 1$) come from `train` alone and are used for both; epsilon goes
# under the root, as in exercise 04.2. Return the tuple (whitened train, whitened test), and leave
# the inputs as they are. To judge your own, begin the cell above with `answer = whiten_splits` and
# expect differences under 1e-10.


# %% exercise="04.3"
def whiten_splits(train, test, epsilon):
    r"""Return ((train - mu) W, (test - mu) W) with mu and the ZCA matrix W of train."""
    ### BEGIN SOLUTION
    mean = train.mean(axis=0)
    eigenvalues, U = np.linalg.eigh(np.cov(train, rowvar=False))
    W = U / np.sqrt(eigenvalues + epsilon) @ U.T
    return (train - mean) @ W, (test - mean) @ W
    ### END SOLUTION


# %%
check("04.3")

# %% [markdown]
# ## What we learnt
#
# - Covariance says what pixels know of each other. Its eigenvectors are the axes of the cloud of
#   images, its eigenvalues their variances, here over six powers of ten.
# - PCA whitening rotates and scales; ZCA also rotates back, so that a pixel stays in its place.
# - For one layer and squared error the Hessian is $X^\top X / n$. Whitening makes it round: the
#   edge is at 2 whatever the units, and fewer steps do. Scaling all by one number only moves the
#   edge.
# - Training faster is not testing better. Epsilon decides how much noise is made loud.
# - Everything that is fitted is fitted on training images only.
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
