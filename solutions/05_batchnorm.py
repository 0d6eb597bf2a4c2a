# %% [markdown]
# # BatchNorm
#
# **A good start sets the size of every signal once. What if each layer set it anew at every step?**
#
# - **You will** build BatchNorm forward, derive its gradient in one line, train with both, fold it
#   away again, measure how much wider the range of usable rates becomes, and see where it breaks.
# - **Time**: about 90 minutes.
# - **You need**: [Backprop](02_backprop.ipynb) and [Starting well](03_starting_well.ipynb).

# %% [markdown]
# ## A start does not last
#
# Kaiming's initialization keeps the spread of the signals level from layer to layer. But then
# training moves the weights. **Predict**: in a network of ten layers, trained for ten epochs, how
# many times as wide is the widest layer's spread as the narrowest one's?

# %%
from lrcourse import guess

guess("05.a", "After training, the widest spread over the narrowest is", within=2)

# %%
from itertools import pairwise

import numpy as np
from lrcourse import check, fit, labs, load, measure, nn, outcome, plots, tally, yours
from lrcourse.optim import SGD

digits, setting = load("digits"), {"batch_size": 32, "progress": False}


def network(norm=None, start="kaiming", depth=5, width=32, runs=None, seed=0):
    layers = []
    for fan_in, fan_out in pairwise([64] + [width] * (depth - 1)):
        norms = [norm(fan_out)] if norm else []
        layers += [nn.Linear(fan_in, fan_out, start), *norms, nn.ReLU()]
    return nn.Network([*layers, nn.Linear(width, 10)], np.random.default_rng(seed), runs)


# %%
def spreads(networks):
    tables = [measure.layer_statistics(each, *digits.train) for each in networks]
    return np.transpose([[row["deviation"] for row in rows[::2]] for rows in tables])  # no ReLU


networks = [network(depth=10, width=64, seed=seed) for seed in range(5)]
lines = {"at the start": (range(1, 11), spreads(networks))}
for seed, each in enumerate(networks):
    rng = np.random.default_rng(seed)
    fit(each, digits, SGD(), learning_rate=0.1, epochs=10, rng=rng, **setting)
lines["after training"] = range(1, 11), spreads(networks)
for when, (_, spread) in lines.items():
    ratio = spread.max(axis=0) / spread.min(axis=0)
    print(f"{when}: widest over narrowest {ratio.mean():.1f} ± {ratio.std(ddof=1):.1f}")
alt = "Spread of each layer's outputs, at the start and after training, with bands over seeds."
plots.response(lines, "layer", "spread of the outputs", log_x=False, log_y=True, alt=alt)
outcome("05.a", ratio.mean())

# %% [markdown] claims=["at the start: widest over narrowest < after training: widest over narrowest by 2"]
# <details><summary>What to see</summary>
#
# The level line of the start has become a climb to several times the spread. Each layer's inputs
# have changed in size while it was learning, since the layers below it moved.
#
# </details>
#
# ## Forward
#
# BatchNorm sits between a linear layer and its ReLU. It looks at one feature at a time, over the B
# examples of the batch, and gives it mean 0 and variance 1. Then the network chooses another mean
# and width, with two weights for each feature, $\gamma$ and $\beta$:
#
# $$\mu = \frac1B \sum_i x_i \qquad \sigma^2 = \frac1B \sum_i (x_i - \mu)^2 \qquad
# \hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}} \qquad y_i = \gamma \hat x_i + \beta$$
#
# $\gamma$ begins at 1 and $\beta$ at 0. $\epsilon$ is small, $10^{-5}$, for features that do not
# vary.

# %% [markdown]
# ### Exercise 05.1
# **Forward**
#
# Write `batchnorm_forward`. `x` has shape `(B, features)`, `gamma` and `beta` have shape
# `(1, features)`. The variance is the *biased* one, divided by B, and epsilon stands under the
# root. Return `(y, x_hat, scale)` with $\text{scale} = 1/\sqrt{\sigma^2 + \epsilon}$ of shape
# `(1, features)`. For `x = [[1], [3]]`, gamma 2, beta 5 and epsilon 0 expect `y = [[3], [7]]`,
# `x_hat = [[-1], [1]]` and `scale = [[1]]`.


# %% exercise="05.1"
def batchnorm_forward(x, gamma, beta, epsilon=1e-5):
    r"""Return (y, x_hat, scale) of BatchNorm over the batch, the first axis of x (B, features)."""
    ### BEGIN SOLUTION
    mean, variance = x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)
    scale = 1 / np.sqrt(variance + epsilon)
    x_hat = (x - mean) * scale
    return gamma * x_hat + beta, x_hat, scale
    ### END SOLUTION


# %%
check("05.1")

# %% [markdown]
# Your function beside torch's layer, on 500 examples of three features:

# %%
import torch

forward = yours("05.1")
x = np.random.default_rng(1).normal([-4, 3, 6], [1.5, 0.4, 0.8], (500, 3))
gamma, beta = np.ones((1, 3)), np.zeros((1, 3))
y, x_hat, scale = forward(x, gamma, beta)
torch_layer = torch.nn.BatchNorm1d(3, dtype=torch.float64)
difference = abs(y - torch_layer(torch.tensor(x)).detach().numpy()).max()
print(f"largest difference to torch: {difference:.0e}")

# %% [markdown]
# ## Backward, the long way
#
# The gradient of BatchNorm is easy to get wrong. Each $x_i$ acts on $y_i$ directly, but also on
# $\mu$ and $\sigma^2$, and through these on *every other* example. Draw each step as a box:
#
#     x ──┬──────────────► centred ──┬─────────────────► x̂ ──► y
#         └──► mean ───────────┘     └──► variance ──► scale ──┘
#
# Walk through it from right to left. Each line below is the local slope of one box. Where a value
# was used twice, two gradients add up; where a mean over the batch was taken, its gradient is
# shared out, 1/B to each.


# %%
def long_way(d_y, x, gamma, epsilon=1e-5):
    B, centred = len(x), x - x.mean(axis=0)
    scale = 1 / np.sqrt((centred**2).mean(axis=0) + epsilon)
    d_x_hat = d_y * gamma
    d_scale = (d_x_hat * centred).sum(axis=0)
    d_variance = d_scale * -(scale**3) / 2
    d_centred = d_x_hat * scale + d_variance * 2 * centred / B
    d_mean = -d_centred.sum(axis=0)
    return d_centred + d_mean / B


# %% [markdown]
# ### Exercise 05.2
# **Backward in one line**
#
# Put the lines of `long_way` into each other, until `d_x` stands in one line with nothing in it but
# `d_y`, `x_hat`, `scale`, `gamma` and means over the batch. No x, no variance. Pen and paper help:
# what does the second part of `d_centred` sum to over the batch? And what is `centred` in terms of
# `x_hat` and `scale`? (Here epsilon makes no difference to the form.)
#
# Write `batchnorm_backward`. `d_y` and `x_hat` have shape `(B, features)`, `scale` and `gamma` have
# shape `(1, features)`, as in exercise 05.1. Return `(d_x, d_gamma, d_beta)`, each shaped like what
# it belongs to, and leave the inputs as they are. For `d_y = [[1], [4], [4]]`,
# `x_hat = [[-1], [0], [1]]`, scale 1 and gamma 2 expect `d_x = [[-2], [2], [0]]`,
# `d_gamma = [[3]]` and `d_beta = [[9]]`.


# %% exercise="05.2"
def batchnorm_backward(d_y, x_hat, scale, gamma):
    r"""Return (d_x, d_gamma, d_beta) of BatchNorm in training; the batch is the first axis."""
    ### BEGIN SOLUTION
    d_gamma = (d_y * x_hat).sum(axis=0, keepdims=True)
    d_beta = d_y.sum(axis=0, keepdims=True)
    B = len(d_y)
    return gamma * scale * (d_y - d_beta / B - x_hat * d_gamma / B), d_gamma, d_beta
    ### END SOLUTION


# %%
check("05.2")

# %% [markdown]
# The proof: the long way, one line, and torch, on the same numbers. Beside them the *shortcut*,
# $\gamma \cdot \text{scale} \cdot d_y$, which takes $\mu$ and $\sigma^2$ for constants. Computing
# them under `torch.no_grad()` gives exactly this.
#
# **Predict**: what does each column of the right `d_x` sum to?

# %%
guess("05.b", "Each column of the right d_x sums to", ["0", "1", "the sum of d_y"])


# %%
def relative_error(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


backward, d_y = yours("05.2"), np.random.default_rng(2).normal(size=x.shape)
leaf = torch.tensor(x, requires_grad=True)
torch_layer(leaf).backward(torch.tensor(d_y))
right, shortcut = backward(d_y, x_hat, scale, gamma)[0], gamma * scale * d_y
three = {"long way": long_way(d_y, x, gamma), "one line": right, "shortcut": shortcut}
for name, d_x in three.items():
    error, sums = relative_error(d_x, leaf.grad.numpy()), abs(d_x.sum(axis=0)).max()
    print(f"{name}: relative difference to torch {error:.0e}, column sums up to {sums:.0e}")
outcome("05.b", "0" if abs(right.sum(axis=0)).max() < 1e-9 else "the sum of d_y")

# %% [markdown]
# <details><summary>What to see</summary>
#
# Long way, one line and torch agree to the rounding, and the columns of `d_x` sum to 0. That is a
# test worth keeping: the shortcut fails it. It also means that the bias of a linear layer *below* a
# BatchNorm has no gradient, so it may be left out.
#
# Why 0? BatchNorm undoes any shift or stretch of all examples together, so neither can change y.
# From `d_y` two parts are taken out: its mean, and its share along $\hat x$. Each is one direction
# among 500, which a random `d_y` hardly has, so here the shortcut looks nearly right.
#
# </details>
#
# <details><summary>The line, for reference</summary>
#
# $$d_x = \gamma \cdot \text{scale} \cdot \left( d_y - \overline{d_y}
# - \hat x \, \overline{d_y\, \hat x} \right)$$
#
# </details>
#
# On random numbers the shortcut is off by a few percent. **Predict**: for the whole gradient of a
# network of five layers, and a batch of the same size, 500, how large is its error, in percent of
# the right gradient's length?

# %%
guess("05.c", "The shortcut's error in a network's gradient", unit="%", within=2)


# %%
errors = []
for seed in range(5):
    deep, (images, labels) = network(nn.BatchNorm, seed=seed), digits.train
    _, d_logits = nn.softmax_cross_entropy(deep.forward(images[:500]), labels[:500])
    deep.backward(d_logits)
    right = deep.g.copy()
    deep.train(False)  # for backward, the statistics are constants now
    deep.backward(d_logits)
    errors.append(100 * relative_error(deep.g, right))
print(f"in a network: error {np.mean(errors):.0f} ± {np.std(errors, ddof=1):.0f} %")
outcome("05.c", np.mean(errors))

# %% [markdown] claims=["in a network: error: 165 0.5"]
# <details><summary>What to see</summary>
#
# In a network of five layers the error is 165 % of the gradient. Real gradients are not noise, and
# a test with random numbers may miss this.
#
# </details>
#
# ## Training and evaluation
#
# In training, what the network says about one image depends on the other images of its batch. To
# evaluate, we want an answer that does not. So the layer keeps running means,
#
# $$\text{running} \leftarrow 0.9\, \text{running} + 0.1\, \text{new}$$
#
# of $\mu$ and of the *unbiased* variance $\frac{B}{B-1}\sigma^2$, and uses them to evaluate. So
# does torch, with `momentum=0.1` for the weight of the new value; in Keras `momentum=0.99` is the
# weight of the old.
#
# Now put your two functions into a layer, and train with it.
#
# **Predict**: the trained network is left in training mode by mistake. It reads the test images in
# batches of 32, first shuffled, then sorted by class. What happens to the accuracy?

# %%
choices = ["both fall a lot", "only shuffled falls a lot", "only sorted falls a lot", "neither"]
guess("05.d", "In training mode, by a quarter or more:", choices)


# %%
class YourBatchNorm(nn.BatchNorm):
    def forward(self, x):
        y = super().forward(x)  # it moves the running means, and evaluates
        if self.training:
            y, self.x_hat, self.scale = forward(x, self.gamma, self.beta, self.epsilon)
        return y

    def backward(self, d_y):
        d_x, self.dgamma[...], self.dbeta[...] = backward(d_y, self.x_hat, self.scale, self.gamma)
        return d_x


# %%
images, labels = digits.test
found = {"evaluating": [], "shuffled": [], "sorted": [], "again": []}
for seed in range(5):
    net, rng = network(YourBatchNorm, depth=3, seed=seed), np.random.default_rng(seed)
    fit(net, digits, SGD(), learning_rate=0.3, epochs=6, rng=rng, **setting)
    found["evaluating"].append(net.accuracy(images, labels))
    net.train()
    for name, order in (("shuffled", rng.permutation(len(labels))), ("sorted", labels.argsort())):
        batches = np.array_split(order, len(labels) // 32)
        right = [net.predict(images[batch]) == labels[batch] for batch in batches]
        found[name].append(np.concatenate(right).mean())
    net.train(False)
    found["again"].append(net.accuracy(images, labels))
for name, values in found.items():
    print(f"{name}: accuracy {np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}")
falls = [np.mean(found["evaluating"]) - np.mean(found[n]) > 0.25 for n in ("shuffled", "sorted")]
outcome("05.d", choices[3 - 2 * falls[0] - falls[1]])

# %% [markdown] claims=["sorted: accuracy: 0.292 0.0005", "shuffled: accuracy < evaluating: accuracy", "evaluating: accuracy < again: accuracy"]
# <details><summary>What to see</summary>
#
# On shuffled batches the mistake hardly shows. On sorted ones the accuracy falls to 0.292: if all
# 32 images are a seven, BatchNorm takes away just what makes them sevens. And looking was not
# harmless: the running means moved with every test batch, so evaluating *again* gives another
# accuracy than before.
#
# </details>

# %% [markdown]
# ### Exercise 05.3
# **Fold it away**
#
# In a network that is only used, the running means are fixed numbers. Then a linear layer and the
# BatchNorm after it do together what a *single* linear layer could do. Write `fold`, which returns
# the weights and the bias of that layer, `(W, b)`, shaped like the `W` (fan_in, features) and `b`
# (1, features) that it is given. `gamma`, `beta`, `running_mean` and `running_variance` have shape
# (1, features), and epsilon is 1e-5. Leave the inputs as they are.


# %% exercise="05.3"
def fold(W, b, gamma, beta, running_mean, running_variance):
    r"""Return (W, b) of the linear layer that does what a linear layer and BatchNorm did."""
    ### BEGIN SOLUTION
    factor = gamma / np.sqrt(running_variance + 1e-5)
    return W * factor, (b - running_mean) * factor + beta
    ### END SOLUTION


# %%
check("05.3")

# %%
linear, norm = net.layers[:2]
statistics = norm.running_mean, norm.running_variance
W, b = yours("05.3")(linear.W, linear.b, norm.gamma, norm.beta, *statistics)
two = norm.forward(linear.forward(images))
print(f"largest difference, relative: {abs(images @ W + b - two).max() / abs(two).max():.0e}")

# %% [markdown]
# <details><summary>What to see</summary>
#
# The one layer says the same as the two, to the rounding of float32. Networks are often put to use
# like this.
#
# </details>
#
# ## A layer with three bugs
#
# This layer has $\gamma = 1$ and $\beta = 0$. It goes forward and backward at once, and returns the
# running means as they are afterwards. `judge` compares all four results with torch. What is wrong
# in training, what in evaluation?


# %%
def suspect(x, d_y, running_mean, running_variance, training):
    mean, variance = x.mean(axis=0), x.var(axis=0, ddof=1)
    running_mean = 0.9 * running_mean + 0.1 * mean
    running_variance = 0.9 * running_variance + 0.1 * variance
    if not training:
        mean, variance = running_mean, running_variance
    scale = 1 / np.sqrt(variance + 1e-5)
    return (x - mean) * scale, d_y * scale, running_mean, running_variance


# %%
def judge(layer):
    x, d_y = np.random.default_rng(3).normal(2, 3, (2, 6, 4))
    print("largest differences to torch of y, d_x, running mean, running variance")
    for training in (True, False):
        right, leaf = torch.nn.BatchNorm1d(4, dtype=torch.float64), torch.tensor(x)
        y = right.train(training)(leaf.requires_grad_())
        y.backward(torch.tensor(d_y))
        expected = y.detach(), leaf.grad, right.running_mean, right.running_var
        got = layer(x, d_y, np.zeros(4), np.ones(4), training)
        differences = [abs(a - b.numpy()).max() for a, b in zip(got, expected, strict=True)]
        print("training:  " if training else "evaluation:", *map("{:.0e}".format, differences))


judge(suspect)

# %% [markdown]
# ### Exercise 05.4
# **Find three bugs**
#
# Write `batchnorm_layer`, the suspect without its bugs. `x` and `d_y` have shape `(B, features)`,
# the running means shape `(features,)`; `training` is True or False. Return
# `(y, d_x, running_mean, running_variance)`, and leave the inputs as they are. To judge your own,
# call `judge(batchnorm_layer)` in a new cell below it, and expect eight differences under 1e-12.


# %% exercise="05.4"
def batchnorm_layer(x, d_y, running_mean, running_variance, training):
    r"""Return (y, d_x, running_mean, running_variance) of BatchNorm with gamma 1 and beta 0."""
    ### BEGIN SOLUTION
    if not training:
        scale = 1 / np.sqrt(running_variance + 1e-5)
        return (x - running_mean) * scale, d_y * scale, running_mean, running_variance
    scale = 1 / np.sqrt(x.var(axis=0) + 1e-5)
    y = (x - x.mean(axis=0)) * scale
    d_x = scale * (d_y - d_y.mean(axis=0) - y * (d_y * y).mean(axis=0))
    running_mean = 0.9 * running_mean + 0.1 * x.mean(axis=0)
    running_variance = 0.9 * running_variance + 0.1 * x.var(axis=0, ddof=1)
    return y, d_x, running_mean, running_variance
    ### END SOLUTION


# %%
check("05.4")

# %%
judge(yours("05.4"))

# %% [markdown]
# ## A wider range
#
# Now the comparison. Five layers, thirteen rates from 0.00001 to 10, six epochs, two
# initializations, with and without BatchNorm, five seeds. The initialization "normal" is the one
# with standard deviation 0.01, from which chapter 03's deep networks did not learn. The rate is
# chosen on the validation images, and its error measured on the test images. Thirteen networks
# train side by side here, with the package's layer.
#
# **Predict**: which of the four works at the most rates?

# %%
choices = ["kaiming without", "kaiming with BatchNorm", "normal without", "normal with BatchNorm"]
guess("05.e", "Which is under 12 % validation error at the most rates?", choices)


# %%
def errors_by_rate(data, rates, epochs, batch_size=32, **kind):
    errors = []
    for seed in range(5):
        runs, rng = network(**kind, runs=len(rates), seed=seed), np.random.default_rng(seed)
        options = setting | {"learning_rate": rates[:, None], "batch_size": batch_size}
        fit(runs, data, SGD(), epochs=epochs, rng=rng, **options)
        errors.append([1 - runs.accuracy(*part) for part in (digits.validation, digits.test)])
    validation, test = np.moveaxis(errors, 0, -1)
    best = validation.mean(axis=1).argmin()
    return validation, test[best], rates[best], runs


# %%
rates, lines, lengths, good = np.geomspace(1e-5, 10, 13), {}, {}, {}
for name in choices:
    kind = {"norm": nn.BatchNorm if "with " in name else None, "start": name.split()[0]}
    validation, test, rate, runs = errors_by_rate(digits, rates, 6, **kind)
    lines[name], good[name] = (rates, validation), int(np.sum(validation.mean(axis=1) < 0.12))
    lengths[name] = np.linalg.norm(runs.layers[0].W, axis=(1, 2))
    print(f"{name}: {good[name]} of 13 rates under 12 %", end="")
    print(f"; test error {test.mean():.1%} ± {test.std(ddof=1):.1%} at {rate:.2g}")
alt = "Validation error against learning rate for four networks, with bands over seeds."
plots.response(lines, "learning rate", "validation error", log_y=True, alt=alt)
outcome("05.e", max(good, key=good.get))

# %% [markdown] claims=["kaiming without:[1]: 1 0", "kaiming with BatchNorm:[1]: 3 0", "kaiming with BatchNorm:[4] < kaiming without:[4] by 2", "normal with BatchNorm:[1]: 8 0", "normal without:[1]: 0 0"]
# <details><summary>What to see</summary>
#
# From Kaiming's start 1 rate of the thirteen stays under 12 % without BatchNorm, and 3 do with it,
# with a lower test error on average. From "normal" it is 0 against 8: with BatchNorm five seeds do
# not tell its test error from Kaiming's, and its valley begins at much smaller rates.
#
# </details>
#
# Why do large rates do less harm? Multiply all weights below a BatchNorm by ten: $\hat x$ stays the
# same.
#
# **Predict**: what happens to the gradient of those weights?

# %%
guess("05.f", "Weights ten times as long: their gradient is multiplied by", within=1.1)

# %%
net, lower_norms = network(nn.BatchNorm), []
lower = net.layers[0]
for factor in (1, 10):
    lower.W *= factor
    loss = net.loss_and_gradient(*digits.train)
    lower_norms.append(np.linalg.norm(lower.dW))
    print(f"weights {factor} times as long: loss {loss:.4f}, their gradient {lower_norms[-1]:.4f}")
for name in choices[1::2]:
    print(f"{name}: length of layer 1's weights by rate", *lengths[name].round(1))
outcome("05.f", lower_norms[1] / lower_norms[0])

# %% [markdown] claims=["weights 10 times as long: loss[2] < weights 1 times as long: loss[2] by 0.5"]
# <details><summary>What to see</summary>
#
# The loss hardly changes, and the gradient is a tenth. So the same step turns long weights less:
# divided by their length, the step is a hundredth. Large steps make the weights long, as the
# lengths by rate show, and then the layer turns more slowly. The last layer has no BatchNorm above
# it and is not protected like that; at rate 10 nothing is learnt.
#
# This also fits with the place of the valleys: from "normal" the weights begin much shorter, and
# small rates turn them enough.
#
# </details>
#
# In the lab, find a rate at which only the network with BatchNorm learns. On which side of the
# valley will it be? Then try the initialization "normal", and the other batch sizes.

# %%
labs.batchnorm()

# %% [markdown]
# <details><summary>What to see</summary>
#
# At batch size 16, only BatchNorm learns at the rates just above those that the plain network can
# stand. At 64 that range is longer, and there is one rate at the left end as well. At 8 neither
# learns at any rate in these 120 steps. From "normal" the plain network learns at no rate.
#
# </details>
#
# ## Small batches
#
# A mean over a few examples is not exact. **Predict**: in a batch of 2, what will $\hat x$ be for
# the larger of two values, 1 and 2? And for 1 and 100?

# %%
guess("05.g", "The larger of the values 1 and 100 becomes", within=1.1)

# %%
small = nn.Network([nn.BatchNorm(3)], np.random.default_rng(0), dtype=np.float64)
pairs = np.array([[1.0, 5.0, -2.0], [2.0, 9.0, -300.0]])
print(small.forward(pairs).round(2))
d_x = small.layers[0].backward(np.array([[0.3, -2.0, 1.0], [1.7, 0.4, 5.0]]))
print(f"largest entry of d_x: {abs(d_x).max():.0e}")
outcome("05.g", small.forward(np.array([[1.0] * 3, [100.0] * 3]))[1, 0])

# %% [markdown]
# <details><summary>What to see</summary>
#
# Gaps of 1, 4 and 298 all come out as 2. The larger value is 1 and the smaller -1, whatever they
# are, so nudging them changes nothing: but for epsilon, the gradient below is 0. A single example
# minus its own mean is always 0, so the layer refuses a batch of 1, as torch's does.
#
# </details>
#
# Does that hurt? Three layers, two epochs, seven rates, five seeds, evaluation
# mode; again the rate is chosen on the validation images, and the error is that on the test images.
#
# **Predict**: at which batch sizes is BatchNorm worse at each of its five seeds than the plain
# network at any?

# %%
choices = ["2", "2 and 4", "2, 4 and 8", "none"]
guess("05.h", "BatchNorm is worse at each seed than without at any, at batch size", choices)

# %%
some, results = (digits.train.x[:1280], digits.train.y[:1280]), {}
rates = np.array([0.003, 0.01, 0.03, 0.1, 0.3, 1, 3])
for B in (2, 4, 8, 32):
    for norm in (None, nn.BatchNorm):
        _, test, rate, _ = errors_by_rate(some, rates, 2, B, norm=norm, depth=3)
        results[B, norm], name = test, f"batch {B}, {'BatchNorm' if norm else 'without'}"
        print(f"{name}: test error {test.mean():.1%} ± {test.std(ddof=1):.1%} at {rate:g}")
harm = [B for B in (2, 4, 8) if min(results[B, nn.BatchNorm]) > max(results[B, None])]
outcome("05.h", choices[len(harm) - 1])

# %% [markdown] claims=["batch 2, without: test error < batch 2, BatchNorm: test error by 30", "batch 8, BatchNorm: test error < batch 8, without: test error by 1"]
# <details><summary>What to see</summary>
#
# At 2 BatchNorm is far behind: at its best rate about half of the images are named wrong. There
# $\hat x$ is 1 or -1 whatever the values, and the layers below get next to no gradient. At 4 five
# seeds do not tell the two apart. At 8 and 32 BatchNorm is ahead on average; at 32 the plain
# network's spread is as large as the gap, so nothing is decided there. Where batches must be small,
# people normalise over something else: the features of one example, or groups of them.
#
# </details>
#
# ## What we learnt
#
# - BatchNorm sets mean and width of every feature at every step, and learns which ones to use.
# - Its gradient goes through mean and variance too. Columns of `d_x` that do not sum to 0 reveal
#   the shortcut.
# - Biased variance to normalise, unbiased in the running mean; batch statistics to train, running
#   ones to evaluate.
# - In a network that is only used, it folds into the linear layer below.
# - It widened the range of rates that work, and forgave a bad initialization. Compare methods over
#   that range, never at one rate.
# - It needs batches of some size, and at 2 it fails without an error.
#
# **Next**: [Batches](06_batches.ipynb). How large should a batch be, and how does the rate follow?
#
# ## Further reading
#
# - Ioffe & Szegedy 2015, *Batch normalization: accelerating deep network training by reducing
#   internal covariate shift*, ICML, arXiv:1502.03167: algorithms 1 and 2.
# - Santurkar, Tsipras, Ilyas & Madry 2018, *How does batch normalization help optimization?*,
#   NeurIPS, arXiv:1805.11604, which doubts the reason given in the title above.
# - Ba, Kiros & Hinton 2016, *Layer normalization*, arXiv:1607.06450: over the features of one
#   example.
# - Bjorck, Gomes, Selman & Weinberger 2018, *Understanding batch normalization*, NeurIPS,
#   arXiv:1806.02375: larger learning rates.
# - van Laarhoven 2017, *L2 regularization versus batch and weight normalization*,
#   arXiv:1706.05350: long weights, small steps.
# - Wu & He 2018, *Group normalization*, ECCV, arXiv:1803.08494: small batches.

# %%
tally()
