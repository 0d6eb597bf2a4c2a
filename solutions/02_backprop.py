# %% [markdown]
# # Backprop
#
# **How does a network know which way is down?**
#
# The network of this chapter has 50,890 weights, and needs the slope along every one of them before
# each step. Backprop finds them all in one sweep from the loss back to the input.
#
# - **You will** derive that sweep from a single neuron up, judge it by a measurement and by torch,
#   and train a network on photographs of clothes with your own layers and your own loop.
# - **Time**: about 90 minutes.
# - **You need**: [One knob](01_one_knob.ipynb), NumPy arrays, and the chain rule.

# %% [markdown]
# ## One neuron, by hand
#
# A neuron multiplies its input x by a weight w, adds a *bias* b, and bends the sum:
#
#     x = 1.7 ──►  z = w·x + b  ──►  y = sigmoid(z)  ──►  L = (y − t)²/2
#                  w = −0.6               target t = 1
#                  b = 0.35
#
# Forward, every box passes a number to the right. Backward, every box gives its *local slope*: if
# its input grows a little, how many times as much does its output grow? The chain rule multiplies
# the slopes on the way:
#
# $$\frac{\partial L}{\partial w} = (y - t) \cdot y\,(1 - y) \cdot x$$
#
# We write `d_y` for $\partial L / \partial y$, and so for every name.
#
# **Predict**: the target is 1 and y comes out smaller. Should w grow? Then what is the sign of
# `d_w`?

# %%
from lrcourse import guess, outcome, tally

guess("02.a", "The sign of d_w?", ["positive", "negative"])

# %%
import numpy as np
from lrcourse import check, plots

x, w, b, target = 1.7, -0.6, 0.35, 1.0
z = w * x + b
y = 1 / (1 + np.exp(-z))
loss = (y - target) ** 2 / 2
d_y = y - target
d_z = d_y * y * (1 - y)
d_w, d_b, d_x = d_z * x, d_z, d_z * w
print(f"forward: z {z:.4f}, y {y:.4f}, L {loss:.4f}")
print(f"backward: d_y {d_y:.4f}, d_z {d_z:.4f}, d_w {d_w:.4f}, d_b {d_b:.4f}, d_x {d_x:.4f}")
nodes = {"x": (0, 2.2, x, d_x), "w": (0, 0.8, w, d_w), "b": (1, 0, b, d_b)}
nodes |= {"×": (1, 1.5, w * x, d_z), "+": (2, 1, z, d_z), "sigmoid": (3, 1, y, d_y)}
nodes["L"] = (4, 1, loss, 1)
arrows = [("x", "×"), ("w", "×"), ("×", "+"), ("b", "+"), ("+", "sigmoid"), ("sigmoid", "L")]
plots.graph(nodes, arrows, alt="The computational graph of the neuron, with the numbers printed.")
outcome("02.a", "negative" if d_w < 0 else "positive")

# %% [markdown] claims=["backward: d_y[3]: -0.2518 0.00005", "d_z: -0.1481 0.00005"]
# <details><summary>What to see</summary>
#
# `d_w` is −0.2518, and descent subtracts it: w grows. `d_z`, −0.1481, is computed once, and used
# for w, b and x. That is why backprop is cheap: each slope is shared by all that comes before it.
#
# </details>
#
# This picture is the *computational graph*. Backprop needs only a few rules. A *sum* passes the
# gradient to all its inputs, unchanged. A *product* passes to each input the gradient times the
# *other* input. And a value that is used several times adds up what comes back from each use.
#
# ## A judge
#
# Is −0.2518 right? Measure it. Nudge w by $h$ to either side and see how much the loss changes:
#
# $$\frac{\partial L}{\partial w} \approx \frac{L(w + h) - L(w - h)}{2h}$$
#
# These *central differences* do not use the chain rule, so they are an independent test.
#
# **Predict**: which $h$ is best, a tenth, a millionth or a millionth of a millionth? Does float32
# do as well as float64?

# %%
guess("02.b", "The best h in float64?", ["0.1", "1e-06", "1e-12"])


# %%
def loss_at(w):
    return (1 / (1 + np.exp(-(w * x + b))) - target) ** 2 / 2


errors = {}
for number in (np.float32, np.float64):
    h = number(10.0) ** np.arange(-12, 0, dtype=number)
    slope = (loss_at(number(w) + h) - loss_at(number(w) - h)) / (2 * h)
    error = abs(slope / d_w - 1)
    errors[number.__name__] = h, error
    print(f"{number.__name__}: smallest error {min(error):.0e}, at h = {h[error.argmin()]:.0e}")
alt = "Error of central differences against h, both axes logarithmic, in float32 and in float64."
plots.curves(errors, "step h", "relative error of the slope", log_x=True, log_y=True, alt=alt)
asked = {"0.1": error[-1], "1e-06": error[6], "1e-12": error[0]}
outcome("02.b", min(asked, key=asked.get))

# %% [markdown] claims=["float32: smallest error: 4e-05 0.000005", "float64: smallest error[2]: 1e-06 0.0000005"]
# <details><summary>What to see</summary>
#
# Each curve is a V. On the right $h$ is too wide. On the left two almost equal losses are
# subtracted, and rounding is all that remains. In float32 no $h$ gets below an error of 4e-05, and
# the smallest do not change w at all: the slope reads 0. In float64 the best is $h$ = 1e-06.
#
# </details>
#
# So we *train* in float32, which is fast, and *judge* in float64, with $h$ near a millionth.
#
# ## A layer of neurons, a batch of examples
#
# A linear layer is many neurons at once. Each row i of x is one example:
#
# $$y = x\,W + b \qquad\qquad y_{ij} = \sum_k x_{ik} W_{kj} + b_j$$
#
# Two linear layers in a row are only one, with weights $W_1 W_2$. Between them a network needs
# something that bends each number by itself: the *sigmoid* of the neuron, or *ReLU*, the larger of
# x and 0.
#
# How steep can the sigmoid get? And what is left of a gradient after the slopes of ten of them?

# %%
inputs = np.linspace(-6, 6, 121)
slope = np.gradient(1 / (1 + np.exp(-inputs)), inputs)
plots.curves({"sigmoid": (inputs, slope)}, "x", "slope", alt="Slope of the sigmoid against x.")
print(f"steepest: {slope.max():.2f}; ten of these multiplied: {slope.max() ** 10:.0e}")

# %% [markdown] claims=["steepest: 0.25 0.005", "ten of these multiplied: 9e-07 0.00000005"]
# <details><summary>What to see</summary>
#
# The sigmoid's slope is 0.25 at best and almost 0 at both ends. The slopes of ten sigmoids multiply
# to 9e-07 at most. The weights in between multiply, too, and may make up for it; chapter 03 is
# about that. The slope of ReLU is 1 or 0: it lets all through or nothing.
#
# </details>

# %% [markdown]
# ### Exercise 02.1
# **Back through two layers**
#
# From above comes `d_y`, shaped like y. Ask every number where it was used on the way forward, and
# add up what comes back:
#
# - $W_{kj}$ in column j of *every* row, times $x_{ik}$: so
#   $\partial L / \partial W_{kj} = \sum_i x_{ik}\, d_{y,ij}$.
# - $b_j$ in every row, times 1.
# - $x_{ik}$ in *every* column j, times $W_{kj}$.
#
# Write `linear_backward`, without a loop. It returns the tuple `(dW, db, d_x)`, each **shaped like
# what it belongs to**; `db` is a row, as b is. Do not average over the batch: the loss will be a
# mean, so its 1/B sits in `d_y` already. For `x = [[2], [3]]`, `W = [[1, -1]]` and
# `d_y = [[1, 0], [2, 5]]` expect `dW = [[8, 15]]`, `db = [[3, 5]]` and `d_x = [[1], [-3]]`.
#
# And write `relu_backward`, which returns `d_x`. It gets `y`, the layer's *output*, since that is
# enough to know. At the corner, x = 0, the slope is 0, as in torch. For `d_y = [2, 2, -5]` and
# `y = [0, 3, 0.1]` expect `[0, 2, -5]`. Leave all inputs as they are.


# %% exercise="02.1"
def linear_backward(x, W, d_y):
    r"""Return (dW, db, d_x) of y = x W + b, from d_y, the gradient of the loss at y.

    x: (B, fan_in). W: (fan_in, fan_out). d_y: (B, fan_out). db: (1, fan_out).
    """
    ### BEGIN SOLUTION
    return x.T @ d_y, d_y.sum(axis=0, keepdims=True), d_y @ W.T
    ### END SOLUTION


def relu_backward(d_y, y):
    r"""Return d_x of y = max(x, 0), from d_y; every shape the same."""
    ### BEGIN SOLUTION
    return d_y * (y > 0)
    ### END SOLUTION


# %%
check("02.1")

# %% [markdown]
# ## From scores to a loss
#
# The last layer gives each class c a score $z_c$, called a *logit*. *Softmax* turns scores into
# probabilities; the *cross-entropy* asks how much the right class r got:
#
# $$p_c = e^{z_c} / \sum_k e^{z_k} \qquad\qquad L = -\log p_r = \log \sum_k e^{z_k} - z_r$$
#
# Differentiate the form on the right. Its first part gives $p_c$, its second takes 1 away at the
# right class:
#
# $$\partial L / \partial z_c = p_c - [c = r]$$
#
# Say that the scores are 2, −1.1 and 0.3, and the last is the right one. Which will descent push
# up? What do the three entries of the gradient sum to?

# %%
logits, right = np.array([2.0, -1.1, 0.3]), 2
p = np.exp(logits) / np.exp(logits).sum()
d_logits = p - (np.arange(3) == right)
print("p:", p.round(4), f" loss: {-np.log(p[right]):.4f}")
print("d_logits:", d_logits.round(4), f" sum: {d_logits.sum():.4f}")

# %% [markdown] claims=["d_logits[3]: -0.8512 0.00005", "sum: 0.0000 0.00005"]
# <details><summary>What to see</summary>
#
# Only the right score has a negative gradient, −0.8512: descent pushes it up and the others down.
# The pushes cancel: they sum to 0.0000.
#
# </details>

# %% [markdown]
# ### Exercise 02.2
# **Softmax and cross-entropy**
#
# Write `softmax_cross_entropy` for a batch of B rows of scores. It returns the tuple
# `(loss, d_logits)`:
#
# $$L = -\frac{1}{B} \sum_i \log p_{i, r_i} \qquad\qquad d_{z,ic} = (p_{ic} - [c = r_i]) / B$$
#
# The loss is the *mean* over the batch, with the natural logarithm. Leave the inputs as they are.
#
# There is a trap: `np.exp(1000.0)` is infinite, and a p that rounds to 0 has no logarithm. Yet for
# `[[1000, 0]]` with label 1 the loss is 1000. For ten equal scores expect log 10 = 2.303.


# %% exercise="02.2"
def softmax_cross_entropy(logits, labels):
    r"""Return the mean cross-entropy of softmax(logits), and its gradient at the logits.

    logits: scores, (B, classes). labels: right classes, integers, (B,).
    Returns (loss, d_logits): a number, and an array shaped like logits.
    """
    ### BEGIN SOLUTION
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    d_logits = np.exp(log_p)
    d_logits[rows, labels] -= 1
    return -log_p[rows, labels].mean(), d_logits / len(labels)
    ### END SOLUTION


# %%
check("02.2")

# %% [markdown]
# ## The whole network before two judges
#
# These are all the parts. `lrcourse.nn` has layers: `forward` keeps what `backward` will need, and
# backprop is a loop from the last layer to the first. From here on their `backward` is yours, once
# it passes, and so is the loss.
#
# The first judge is torch's autograd, on the same weights and images. The second is the
# measurement, which needs two forward passes for *each* weight. To how many digits will they agree
# with backprop, in float32 and in float64?

# %%
import torch
from lrcourse import load, measure, nn, yours

parts, cross_entropy = yours("02.1"), yours("02.2")


def difference(a, b):
    return abs(a - b).max() / abs(b).max()


digits = load("digits")
few = digits.train.x[:32], digits.train.y[:32]
for dtype in (np.float32, np.float64):
    layers, rng = [parts.Linear(64, 6), parts.ReLU(), parts.Linear(6, 10)], np.random.default_rng(0)
    network = nn.Network(layers, rng, dtype=dtype, loss=cross_entropy)
    network.loss_and_gradient(*few)
    w = torch.tensor(network.w, requires_grad=True)
    W1, b1, W2, b2 = w.split([64 * 6, 6, 6 * 10, 10])
    h = torch.relu(torch.tensor(few[0]).to(w) @ W1.view(64, 6) + b1)
    torch.nn.functional.cross_entropy(h @ W2.view(6, 10) + b2, torch.tensor(few[1])).backward()
    print(f"{dtype.__name__} against torch: {difference(network.g, w.grad.numpy()):.0e}")
measured = measure.central_differences(lambda: network.loss(*few), network.w)
print(f"float64 against the measurement: {difference(network.g, measured):.0e}")

# %% [markdown] claims=["float64 against torch < float64 against the measurement", "float64 against the measurement < float32 against torch"]
# <details><summary>What to see</summary>
#
# float32 keeps about seven digits, float64 sixteen: against torch nearly all of them agree. The
# measurement agrees to eight digits; the V has shown why not to more.
#
# </details>
#
# ## Three bugs
#
# Here is a network with one hidden layer, written out. Three of its lines are wrong, yet it runs,
# and all shapes are right. First we train it, then we judge each gradient by itself.
#
# **Predict**: will the loss go up or down?

# %%
guess("02.c", "In 300 steps the loss will ...", ["rise", "fall"])


# %%
def suspect_gradient(x, labels, W1, b1, W2, b2):
    z = x @ W1 + b1
    h = 1 / (1 + np.exp(-z))
    loss, d_logits = nn.softmax_cross_entropy(h @ W2 + b2, labels)
    dW2, db2 = h.T @ d_logits, d_logits.mean(axis=0, keepdims=True)
    d_z = d_logits @ W2.T * z * (1 - z)
    dW1, db1 = x.T @ d_z / len(x), d_z.sum(axis=0, keepdims=True)
    return loss, dW1, db1, dW2, db2


# %%
def train_and_judge(answer):
    rng, losses = np.random.default_rng(0), []
    w = [0.3 * rng.standard_normal(shape) for shape in ((64, 16), (1, 16), (16, 10), (1, 10))]
    for _ in range(301):
        loss, *gradients = answer(*digits.train, *w)
        losses.append(loss)
        for parameter, gradient in zip(w, gradients, strict=True):
            parameter -= 0.1 * gradient
    print("losses after 0, 100, 200, 300 steps:", *np.round(losses[::100], 2))
    _, *gradients = answer(*few, *w)
    for k, name in enumerate(("dW1", "db1", "dW2", "db2")):
        measured = measure.central_differences(lambda: answer(*few, *w)[0], w[k])
        print(f"{name}: relative difference {difference(gradients[k], measured):.0e}")
    return losses[-1] - losses[0]


outcome("02.c", "fall" if train_and_judge(suspect_gradient) < 0 else "rise")

# %% [markdown] claims=["losses after 0, 100, 200, 300 steps: 2.59 0.005", "losses after 0, 100, 200, 300 steps[4]: 2.07 0.005", "dW2: relative difference < db2: relative difference by 0.1"]
# <details><summary>What to see</summary>
#
# The loss falls, from 2.59 to 2.07. That proves nothing, for many directions lead down. The
# measurement shows more: one gradient agrees with it to eight digits, and three do not agree at
# all.
#
# </details>

# %% [markdown]
# ### Exercise 02.3
# **Find three bugs**
#
# Write `two_layer_gradient`, the suspect without its bugs. It returns the tuple
# `(loss, dW1, db1, dW2, db2)`, each gradient shaped like its parameter. The hidden layer is a
# sigmoid, the loss a mean. The cell below the check judges your own.


# %% exercise="02.3"
def two_layer_gradient(x, labels, W1, b1, W2, b2):
    r"""Return (loss, dW1, db1, dW2, db2) of softmax(sigmoid(x W1 + b1) W2 + b2).

    x: (B, features). W1: (features, hidden). b1: (1, hidden).
    labels: integers, (B,). W2: (hidden, classes). b2: (1, classes).
    """
    ### BEGIN SOLUTION
    h = 1 / (1 + np.exp(-(x @ W1 + b1)))
    loss, d_logits = nn.softmax_cross_entropy(h @ W2 + b2, labels)
    d_z = d_logits @ W2.T * h * (1 - h)
    db1, db2 = (d.sum(axis=0, keepdims=True) for d in (d_z, d_logits))
    return loss, x.T @ d_z, db1, h.T @ d_logits, db2
    ### END SOLUTION


# %%
check("02.3")

# %%
train_and_judge(yours("02.3"))

# %% [markdown] claims=["losses after 0, 100, 200, 300 steps[4]: 1.58 0.005"]
# The right gradient brings the loss to 1.58 in the same 300 steps. With the wrong one it would have
# been easy to blame the learning rate.
#
# ## One vector
#
# Torch was handed all weights as *one* array. Keep this picture for the whole course: **a network
# is one vector w, its gradient is one vector g, and an optimizer is a rule that turns g into a
# step.**
#
#     w  =  [ ················ W1 ················ | b1 | ··· W2 ··· | b2 ]
#             └───────────── lower.slice ────────────┘   └ upper.slice ┘
#
# A layer's `W`, `b`, `dW` and `db` are *views*, windows onto w and g: change `lower.W` and w has
# changed.
#
# Now for the clothes: images of 28 by 28 pixels in ten classes.


# %%
def clothes_network(rng):
    layers = [parts.Linear(784, 64), parts.ReLU(), parts.Linear(64, 10)]
    return nn.Network(layers, rng, loss=cross_entropy)


data = load("fashion-mini")
network = clothes_network(np.random.default_rng(0))
lower, _, upper = network.layers
print(f"w {network.w.shape}, lower.slice {lower.slice}, upper.slice {upper.slice}")
print("lower.W is a view of w:", np.shares_memory(lower.W, network.w))

# %% [markdown]
# ### Exercise 02.4
# **One epoch**
#
# *Stochastic gradient descent* (SGD) shuffles the images, takes a *mini-batch* of them at a time,
# computes g for these, and takes a step. One pass over all images is an *epoch*.
#
# Write `sgd_epoch`: start at w, take one step for each mini-batch, and return the last w. There are
# `count` images with the numbers 0 to `count` - 1, and each is used once, in random order.
# `gradient(w, batch)` returns the gradient at w of the mean loss over the images whose numbers are
# in `batch`, an array of integers. A batch has `batch_size` images; the last may be smaller.
# Shuffle with the numpy generator `rng`, and leave `w` as it is.


# %% exercise="02.4"
def sgd_epoch(w, gradient, count, learning_rate, batch_size, rng):
    r"""Return w after one epoch of stochastic gradient descent."""
    ### BEGIN SOLUTION
    order = rng.permutation(count)
    for first in range(0, count, batch_size):
        w = w - learning_rate * gradient(w, order[first : first + batch_size])
    return w
    ### END SOLUTION


# %%
check("02.4")

# %% [markdown]
# Your loop now trains your layers. `fit`, the package's loop, does the same with the package's
# layers, and keeps a record.
#
# **Predict**: the untrained network can only guess among ten classes. What is its loss, roughly?
# And after one epoch?

# %%
guess("02.d", "The loss of the untrained network?")

# %%
from lrcourse import fit
from lrcourse.optim import SGD

epoch = yours("02.4")


def train(network, rate, rng):
    def gradient(w, batch):
        network.w = w
        network.loss_and_gradient(data.train.x[batch], data.train.y[batch])
        return network.g

    network.w = epoch(network.w.copy(), gradient, len(data.train.y), rate, 32, rng)
    return network.accuracy(*data.validation)


untrained = network.loss(*data.train)
train(network, 0.1, np.random.default_rng(1))
other = nn.Network([nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)], np.random.default_rng(0))
fit(other, data, SGD(), learning_rate=0.1, batch_size=32, epochs=1, rng=np.random.default_rng(1))
print(f"untrained: loss {untrained:.2f}, an even guess: {np.log(10):.2f}")
ours, theirs = network.loss(*data.train), other.loss(*data.train)
print(f"after an epoch: loss {ours:.2f}, with fit: {theirs:.2f}")
print(f"largest difference of two weights: {abs(network.w - other.w).max():.0e}")
outcome("02.d", untrained)

# %% [markdown] claims=["untrained: loss: 2.51 0.005", "after an epoch: loss: 0.69 0.005", "with fit: 0.69 0.005"]
# <details><summary>What to see</summary>
#
# An even guess costs log 10 = 2.30. The untrained network, at 2.51, does a little worse: its
# guesses are uneven, though it knows nothing yet. An epoch brings it to 0.69, with your loop and
# with `fit` alike. If you shuffle as `fit` does, with one `rng.permutation`, all weights agree but
# for rounding.
#
# </details>
#
# ## How big a step?
#
# Never trust a single rate. Here are seven, for four epochs each, from three starts. The seven
# networks train side by side: with `runs=7`, w has the shape (7, 50890), and each row its own rate.
# We compare them on *validation* images, which are not trained on. The *test* images are not used
# until the rate is chosen.
#
# **Predict**: what happens to the error at either end, and above all at rate 1?

# %%
guess("02.e", "The validation error at rate 1?", [0.1, 0.3, 0.9])

# %%
rates, errors = np.array([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]), []
for seed in range(3):
    rng = np.random.default_rng(seed)
    seven = nn.Network([nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)], rng, runs=7)
    record = fit(seven, data, SGD(), learning_rate=rates[:, None], batch_size=32, epochs=4, rng=rng)
    errors.append(1 - np.array(record.epochs[-1]["validation_accuracy"]))
    seven.forward(data.train.x)
    dead = (seven.layers[1].y == 0).all(axis=1).mean(axis=1)
    print(f"seed {seed}: at rate 1 dead {dead[-1]:.0%}, max |w| {abs(seven.w[-1]).max():.0f}")
for rate, found in zip(rates, np.transpose(errors), strict=True):
    print(f"rate {rate}: validation error {found.mean():.3f} ± {found.std(ddof=1):.3f}")
alt = "Validation error after four epochs against the learning rate, mean and band of three seeds."
plots.response({"": (rates, np.transpose(errors))}, "learning rate", "validation error", alt=alt)
outcome("02.e", min((0.1, 0.3, 0.9), key=lambda error: abs(error - found.mean())))

# %% [markdown] claims=["rate 0.01: validation error: 0.210 0.0005", "rate 0.1: validation error: 0.226 0.0005", "rate 0.001: validation error: 0.361 0.0005", "rate 1.0: validation error: 0.900 0.0005", "seed 0: at rate 1 dead: 95 0.5", "seed 2: at rate 1 dead: 97 0.5", "seed 2: at rate 1 dead[2]: 19 0.5"]
# <details><summary>What to see</summary>
#
# A valley. Its floor reaches from 0.01 (error 0.210) to 0.1 (0.226): the bands overlap, so three
# seeds do not say which is best. At 0.001 the error is still 0.361: four epochs of small steps are
# not enough. At rate 1 the error is 0.900, a guess, but not for the reason of chapter 01: nothing
# grew without bound, and no weight is above 19. Instead 95 to 97 % of the hidden units are *dead*,
# 0 for *every* training image. There the slope of ReLU is 0 and no gradient comes through, so they
# stay dead.
#
# </details>
#
# The lab trains a small network on digits. The middle panel shows gradients of single mini-batches
# around that of all images. At batch size 8, find the smallest rate that reaches the goal. What
# will it be at 32, where an epoch has a quarter of the steps? And at 128?

# %%
from lrcourse import labs

labs.digits()

# %% [markdown]
# <details><summary>What to see</summary>
#
# A larger batch draws the cloud of gradients together, but takes fewer steps in an epoch, so it
# needs a larger rate: about four times as large at four times the batch. At 64 and 128 no rate on
# the slider reaches the goal in ten epochs. But this is a single start. Chapter 06 repeats it with
# more.
#
# </details>
#
# ## Train it
#
# Now eight epochs at 0.1, then two more: once at a tenth of the rate, and once, as a control, at
# 0.1 as before, on the same batches. Your loop trains your layers.
#
# **Predict**: which ends with the better test accuracy? And will the accuracy climb smoothly?

# %%
guess("02.f", "Which ends with the better test accuracy?", ["rate 0.1", "rate 0.01"])


# %%
curves, tested = {0.01: {}, 0.1: {}}, {"rate 0.1": [], "rate 0.01": []}
for seed in range(3):
    network = clothes_network(np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    first = [train(network, 0.1, rng) for _ in range(8)]
    w = network.w.copy()
    for rate in (0.1, 0.01):
        network.w, rng = w, np.random.default_rng(100 + seed)
        last = [train(network, rate, rng) for _ in range(2)]
        curves[rate][f"seed {seed}, then rate {rate}"] = range(1, 11), first + last
        tested[f"rate {rate}"].append(network.accuracy(*data.test))
    jump, ends = abs(np.diff(first[2:])).max(), [found[-1].round(3) for found in tested.values()]
    print(f"seed {seed}: largest jump from epoch to epoch {jump:.3f}; test at 0.1 and 0.01", *ends)
for name, found in tested.items():
    print(f"{name}: test accuracy {np.mean(found):.3f} ± {np.std(found, ddof=1):.3f}")
alt = "Validation accuracy by epoch for three seeds, the last two epochs at either rate."
plots.curves(curves[0.01] | curves[0.1], "epoch", "validation accuracy", alt=alt)
outcome("02.f", max(tested, key=lambda name: np.mean(tested[name])))

# %% [markdown] claims=["rate 0.1: test accuracy: 0.82 0.01 spread", "rate 0.01: test accuracy: 0.843 0.004 spread", "rate 0.1: test accuracy < rate 0.01: test accuracy by 0.01", "seed 2: largest jump from epoch to epoch: 0.095 0.0005", "seed 1: largest jump from epoch to epoch: 0.054 0.0005"]
# <details><summary>What to see</summary>
#
# At 0.1 the accuracy jumps from epoch to epoch, in the three runs by up to 0.054 to 0.095. With the
# smaller rate for the last two epochs each of the three runs ends higher, at 0.843 on average
# against 0.82. All else was the same, so the size of the last steps made the difference.
#
# </details>
#
# When to shrink the step, and by how much? Chapters 06 to 08 ask that. And what does the network of
# the last seed, with the smaller rate, still get wrong, and what has it learnt?

# %%
labels, predicted = data.test.y, network.predict(data.test.x)
shares = [np.mean(predicted[labels == k] == k) for k in range(10)]
for k in np.argsort(shares)[[0, 1, -1]]:
    error = (shares[k] * (1 - shares[k]) / np.sum(labels == k)) ** 0.5
    print(f"{data.classes[k]}: {shares[k]:.2f} ± {error:.2f} named right")
start = clothes_network(np.random.default_rng(seed))
moved = network.layers[0].W - start.layers[0].W
alt = "How far training moved the weights of each hidden unit, as images of 28 by 28 pixels."
plots.images(moved.T, columns=16, alt=alt)

# %% [markdown] claims=["Shirt: 0.57 0.03 spread", "Pullover: 0.74 0.03 spread", "Trouser: 0.96 0.01 spread"]
# <details><summary>What to see</summary>
#
# Of the shirts this network names 0.57 right, of the pullovers 0.74, of the trousers 0.96 (± is the
# standard error of such a share). The picture shows how far training has moved the weights of each
# of the 64 hidden units. Clothes can be seen in it, since each step takes away a multiple of
# $x^\top d_y$, a weighted sum of training images.
#
# </details>
#
# ## Dim images
#
# Now the digits of the lab in poor light: every pixel has 0.07 of its brightness. `try_plan` trains
# a small network on them for five epochs, from five starts; a plan has one pair for each epoch, its
# learning rate and its batch size. How good is the plan that served the clothes?


# %%
def try_plan(plan):
    images, found = (0.07 * digits.train.x, digits.train.y), []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        dim = nn.Network([nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)], rng)
        for rate, size in plan:
            settings = {"learning_rate": rate, "batch_size": size, "epochs": 1, "progress": False}
            fit(dim, images, SGD(), rng=rng, **settings)
        found.append(dim.accuracy(0.07 * digits.validation.x, digits.validation.y))
    print(f"validation accuracy: {np.mean(found):.2f} ± {np.std(found, ddof=1):.2f}")


try_plan([(0.1, 32)] * 5)

# %% [markdown]
# ### Exercise 02.5
# **A plan for dim images**
#
# Write `plan`. It returns a list of five pairs (learning rate, batch size), one for each epoch,
# with which 84 % of the *test* images are named right, in the mean of five starts. Find it with
# `try_plan`, in cells of your own: it shows the validation images, and the check looks at the test
# images. Write down what you try.


# %% exercise="02.5"
def plan():
    r"""Return five pairs (learning rate, batch size), one for each epoch."""
    ### BEGIN SOLUTION
    # By try_plan: at one rate throughout, small batches do best, about 0.8 at (0.07, 1). A larger
    # rate learns faster but does not settle, so the last epochs are for that.
    return [(0.15, 1), (0.15, 1), (0.15, 1), (0.05, 1), (0.01, 1)]
    ### END SOLUTION


# %%
check("02.5")

# %% [markdown]
# ## What we learnt
#
# - Backprop multiplies local slopes from the loss back to the input. What is used many times adds
#   up.
# - A falling loss does not prove a gradient right. Central differences in float64 find what is
#   wrong.
# - A network is one vector w, its gradient one vector g, and SGD is `w -= learning_rate * g`.
# - Compare several rates, over several seeds, on validation images. The best depends on the data
#   and on the batch.
#
# **Next**: [Starting well](03_starting_well.ipynb). From a bad start even a right gradient
# arrives as almost nothing.

# %%
tally()
