# %% [markdown]
# # Backprop
#
# **How does a network know which way is down?**
#
# A network that reads images has 50,890 weights, and needs the slope along every one of them
# before each step. Backprop finds them all in one sweep from the loss back to the input.
#
# - **You will** derive that sweep from a single neuron up, check it against a measurement and
#   against torch, and train a network on photographs of clothes until it names more than four in
#   five.
# - **Time**: about 90 minutes.
# - **You need**: [One knob](01_one_knob.ipynb), NumPy arrays, and the chain rule.

# %% [markdown]
# ## One neuron, by hand
#
#     x = 1.7 ──►  z = w·x + b  ──►  y = sigmoid(z)  ──►  L = (y − t)²/2
#                  w = −0.6               target t = 1
#                  b = 0.35
#
# Forward, every box hands a number to the right. Backward, every box answers one question: *if my
# input grew by a hair, how many hairs would my output grow?* That is its local slope. The chain
# rule multiplies the slopes on the way:
#
# $$\frac{\partial L}{\partial w} = (y - t) \cdot y\,(1 - y) \cdot x$$
#
# We write `d_y` for $\partial L / \partial y$, and so for every name.
#
# **Predict**: the target is 1 and y comes out smaller. Should w grow? Then what is the sign of
# `d_w`?

# %%
import numpy as np
from lrcourse import check, plots

x, w, b, target = 1.7, -0.6, 0.35, 1.0
z = w * x + b
y = 1 / (1 + np.exp(-z))
print(f"forward    z {z:.4f}   y {y:.4f}   L {(y - target) ** 2 / 2:.4f}")
print(f"slopes     of L {y - target:.4f}   of sigmoid {y * (1 - y):.4f}   of z by w {x}   by b 1")
d_y = y - target
d_z = d_y * y * (1 - y)
d_w, d_b = d_z * x, d_z
print(f"backward   d_y {d_y:.4f}   d_z {d_z:.4f}   d_w {d_w:.4f}   d_b {d_b:.4f}")

# %% [markdown]
# **What to see.** `d_w` is negative, and descent subtracts it: w grows. `d_z` was computed once
# and served both w and b. That is the economy of backprop: what lies above is shared by all that
# lies below.
#
# ## A judge
#
# Is −0.2518 right? Measure it. Nudge w by $h$ to either side and see how much the loss changes:
#
# $$\frac{\partial L}{\partial w} \approx \frac{L(w + h) - L(w - h)}{2h}$$
#
# These *central differences* know nothing of the chain rule: a fair judge.
#
# **Predict**: which $h$ is best, a tenth, a millionth or a millionth of a millionth? Does float32
# do as well as float64?


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
alt = "Error of central differences against h, both axes logarithmic: two curves shaped like a V."
plots.curves(errors, "step h", "relative error of the slope", log_x=True, log_y=True, alt=alt)

# %% [markdown]
# **What to see.** Each curve is a V. On its right arm $h$ is too wide: ten times less $h$ leaves a
# hundred times less error. On its left arm two almost equal losses are subtracted, and rounding is
# all that remains. In float32 the smallest $h$ do not change w at all: the slope reads 0. So we
# *train* in float32, which is fast, and *judge* in float64, with $h$ near a millionth.
#
# ## A layer of neurons, a batch of examples
#
# A linear layer is many neurons at once. Each row i of x is one example:
#
# $$y = x\,W + b \qquad\qquad y_{ij} = \sum_k x_{ik} W_{kj} + b_j$$
#
# From above comes `d_y`, shaped like y. Ask every number where it was used:
#
# - $W_{kj}$ in column j of *every* row, times $x_{ik}$. Add up: $\sum_i x_{ik}\, d_{y,ij}$, entry
#   (k, j) of $x^\top d_y$.
# - $b_j$ in every row, times 1. Add up: $\sum_i d_{y,ij}$.
# - $x_{ik}$ in *every* column j, times $W_{kj}$. Add up: $\sum_j d_{y,ij} W_{kj}$, entry (i, k) of
#   $d_y W^\top$.
#
# Two rules to keep. **What is used many times forward adds up backward. A gradient has the shape
# of what it belongs to.** Hence the transposes: no other product of x and `d_y` is shaped like W.

# %% [markdown]
# ### Exercise 02.1
# **Back through a linear layer**
#
# Write `linear_backward`. It returns the tuple `(dW, db, d_x)`:
#
# $$dW = x^\top d_y \qquad\qquad db = \sum_{\text{batch}} d_y \qquad\qquad d_x = d_y W^\top$$
#
# Add over the batch and do not average: the loss will be a mean, so its 1/B sits in `d_y` already.
# `db` is a row, as b is. Leave the inputs as they are. For `x = [[2], [3]]`, `W = [[1, -1]]` and
# `d_y = [[1, 0], [2, 5]]` expect `dW = [[8, 15]]`, `db = [[3, 5]]` and `d_x = [[1], [-3]]`.


# %% exercise="02.1"
def linear_backward(x, W, d_y):
    r"""Return (dW, db, d_x) of y = x W + b, from d_y, the gradient of the loss at y.

    x: (B, fan_in). W: (fan_in, fan_out). d_y: (B, fan_out). db: (1, fan_out).
    """
    ### BEGIN SOLUTION
    return x.T @ d_y, d_y.sum(axis=0, keepdims=True), d_y @ W.T
    ### END SOLUTION


# %%
check("02.1")

# %% [markdown]
# ## Something that bends
#
# Two linear layers in a row are only one, with weights $W_1 W_2$. Between them a network needs
# something that bends each number by itself:
#
# - *sigmoid*, $y = 1/(1 + e^{-x})$, with slope $e^{-x}/(1 + e^{-x})^2 = y\,(1 - y)$;
# - *ReLU*, $y = \max(x, 0)$, with slope 1 where x > 0, else 0. At the corner, x = 0, we take 0, as
#   torch does.
#
# Both slopes can be read off the *output*, so the layer remembers y alone.
#
# **Predict**: how steep can the sigmoid get? What do ten of them leave of a gradient?

# %%
inputs = np.linspace(-6, 6, 121)
outputs = 1 / (1 + np.exp(-inputs))
slope = outputs * (1 - outputs)
lines = {"sigmoid": (inputs, slope), "ReLU": (inputs, 1.0 * (inputs > 0))}
alt = "Slope against x: the sigmoid's is a low hump around 0, that of ReLU a step from 0 to 1."
plots.curves(lines, "x", "slope", alt=alt)
print(f"steepest {slope.max():.2f}; ten of these multiplied {slope.max() ** 10:.0e}")

# %% [markdown]
# ### Exercise 02.2
# **Back through sigmoid and ReLU**
#
# What to see above: the sigmoid's slope is 0.25 at best and almost 0 at both ends. Ten sigmoids
# leave a millionth of a gradient or less; chapter 03 is about that. ReLU lets all through or
# nothing.
#
# Write `sigmoid_backward` and `relu_backward`. Both return `d_x`:
#
# $$d_x = d_y \cdot y\,(1 - y) \qquad\qquad d_x = d_y \cdot [y > 0]$$
#
# `y` is the layer's *output*. $[y > 0]$ is 1 where y is above 0, else 0. Leave the inputs as they
# are. For `d_y = 2` and `y = 0.2` the sigmoid gives 0.32. For `d_y = [2, 2, -5]` and
# `y = [0, 3, 0.1]` ReLU gives `[0, 2, -5]`.


# %% exercise="02.2"
def sigmoid_backward(d_y, y):
    r"""Return d_x = d_y y (1 - y); y is the sigmoid's output, every shape the same."""
    ### BEGIN SOLUTION
    return d_y * y * (1 - y)
    ### END SOLUTION


def relu_backward(d_y, y):
    r"""Return d_x = d_y where the output y > 0, else 0; every shape the same."""
    ### BEGIN SOLUTION
    return d_y * (y > 0)
    ### END SOLUTION


# %%
check("02.2")

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
# **Predict**: the scores are 2, −1.1 and 0.3, and the last is the right one. Which will descent
# push up? What do the three entries of the gradient sum to?

# %%
logits, right = np.array([2.0, -1.1, 0.3]), 2
p = np.exp(logits) / np.exp(logits).sum()
d_logits = p - (np.arange(3) == right)
print("p        ", p.round(4), f"  loss {-np.log(p[right]):.4f}")
print("d_logits ", d_logits.round(4), f"  sum {d_logits.sum():.4f}")

# %% [markdown]
# ### Exercise 02.3
# **Softmax and cross-entropy**
#
# What to see above: descent pushes the right score up and the others down, and the pushes cancel.
# There is a trap: `np.exp(1000.0)` is infinite. Take the largest score of each row away first; p
# does not change. And compute $\log p_c = z_c - \log \sum_k e^{z_k}$ directly, since p may round
# to 0.
#
# Write `softmax_cross_entropy`. It returns the tuple `(loss, d_logits)`:
#
# $$L = -\frac{1}{B} \sum_i \log p_{i, r_i} \qquad\qquad d_{z,ic} = (p_{ic} - [c = r_i]) / B$$
#
# The loss is the *mean* over the batch of B, with the natural logarithm. Leave the inputs as they
# are. For ten equal scores expect log 10 = 2.303. For `[[1000, 0]]` with label 1 expect 1000, not
# infinity.


# %% exercise="02.3"
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
check("02.3")

# %% [markdown]
# ## The whole network before two judges
#
# These are all the parts. `lrcourse.nn` has the same ones as layers: `forward` remembers what
# `backward` will need, and backprop is a loop from the last layer to the first. From here on the
# chapter uses those, whether you filled in the exercises or not.
#
# The first judge is torch's autograd, on the same weights and images. The second is the
# measurement: two forward passes for *each* weight, where backprop needs one forward and one
# backward pass for all.
#
# **Predict**: to how many digits will they agree, in float32 and in float64?

# %%
import torch
from lrcourse import load, measure, nn


def difference(a, b):
    return f"relative difference {abs(a - b).max() / abs(b).max():.0e}"


digits = load("digits").train
few = digits.x[:32], digits.y[:32]
for dtype in (np.float32, np.float64):
    layers = [nn.Linear(64, 6), nn.Sigmoid(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 10)]
    network = nn.Network(layers, np.random.default_rng(0), dtype=dtype)
    network.loss_and_gradient(*few)
    w = torch.tensor(network.w, requires_grad=True)
    W1, b1, W2, b2, W3, b3 = w.split([64 * 6, 6, 6 * 5, 5, 5 * 10, 10])
    h = torch.sigmoid(torch.tensor(few[0]).to(w) @ W1.view(64, 6) + b1)
    logits = torch.relu(h @ W2.view(6, 5) + b2) @ W3.view(5, 10) + b3
    torch.nn.functional.cross_entropy(logits, torch.tensor(few[1])).backward()
    print(dtype.__name__, "against torch:", difference(network.g, w.grad.numpy()))
measured = measure.central_differences(lambda: network.loss(*few), network.w)
print("float64 against the measurement:", difference(network.g, measured))

# %% [markdown]
# **What to see.** float32 keeps about seven digits, float64 sixteen: against torch all of them
# agree, but for the rounding of the last. The measurement agrees as closely as a measurement can.
#
# ## A wrong gradient still learns
#
# Why so much care? Here is a network with one hidden layer, written out. Three of its lines are
# wrong. It runs, all shapes are right, and nothing complains. First we train it, then we judge
# each gradient by itself.
#
# **Predict**: will the loss go up or down?


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
answer = suspect_gradient
rng = np.random.default_rng(0)
weights = [0.3 * rng.standard_normal(shape) for shape in ((64, 16), (1, 16), (16, 10), (1, 10))]
for step in range(301):
    loss, *gradients = answer(*digits, *weights)
    for parameter, gradient in zip(weights, gradients, strict=True):
        parameter -= 0.1 * gradient
    if step % 100 == 0:
        print(f"step {step}: loss {loss:.2f}")
_, *gradients = answer(*few, *weights)
for name, parameter, gradient in zip(("dW1", "db1", "dW2", "db2"), weights, gradients, strict=True):
    measured = measure.central_differences(lambda: answer(*few, *weights)[0], parameter)
    print(f"{name}: {difference(gradient, measured)}")

# %% [markdown]
# ### Exercise 02.4
# **Find three bugs**
#
# What to see above: the loss falls. That proves nothing, for many directions lead down. The judge
# is not fooled, and says where to look: `dW2` is right, so the loss and `d_logits` are right too.
#
# Write `two_layer_gradient`, the suspect with its bugs mended. It returns the tuple
# `(loss, dW1, db1, dW2, db2)`, each gradient shaped like its parameter. The hidden layer is a
# sigmoid, the loss a mean. To judge your own, begin the cell above with
# `answer = two_layer_gradient` and expect four differences under 1e-6.


# %% exercise="02.4"
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
check("02.4")

# %% [markdown]
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
def clothes_network(rng, runs=None):
    return nn.Network([nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)], rng, runs=runs)


data = load("fashion-mini")
network = clothes_network(np.random.default_rng(0))
lower, _, upper = network.layers
print(f"w {network.w.shape}, lower.slice {lower.slice}, upper.slice {upper.slice}")
print("lower.W is a view of w:", np.shares_memory(lower.W, network.w))
one_each = [np.flatnonzero(data.train.y == label)[0] for label in range(10)]
alt = "One training image of each of the ten classes, grey on black, with its name."
plots.images(data.train.x[one_each], data.classes, alt=alt)

# %% [markdown]
# **What to see.** Some classes are easy to tell apart; pullover, coat and shirt are not.
#
# *Stochastic gradient descent* shuffles the images, takes 32 at a time, computes g for these and
# takes a step. One pass over all images is an *epoch*. Here it is in full, and below it `fit`, the
# package's loop, with the same seeds.
#
# **Predict**: the untrained network can only guess among ten classes. What is its loss, roughly?

# %%
from lrcourse import fit
from lrcourse.optim import SGD

x, labels = data.train
rng = np.random.default_rng(1)
order = rng.permutation(len(x))
for first in range(0, len(x), 32):
    batch = order[first : first + 32]
    loss = network.loss_and_gradient(x[batch], labels[batch])
    network.w -= 0.1 * network.g
    if first % 1600 == 0:
        print(f"after {first} images: loss {loss:.2f}")
other, rng = clothes_network(np.random.default_rng(0)), np.random.default_rng(1)
fit(other, data, SGD(), learning_rate=0.1, batch_size=32, epochs=1, rng=rng)
print("fit ends at the same weights, bit by bit:", np.array_equal(network.w, other.w))

# %% [markdown]
# **What to see.** An even guess costs log 10, about 2.3; the untrained network does a little
# worse. Then the loss falls, though not at every step: each batch has other images. `fit` does
# just the same, and keeps a record.
#
# ## How big a step?
#
# Never trust a single rate. Here are six, for four epochs each, and all of it three times with
# another start and order. The six networks train side by side: with `runs=6`, w has the shape (6,
# 50890), and each row its own rate. We compare the best epoch of each on *validation* images,
# which are not trained on. The test images stay locked away until the end.
#
# **Predict**: sketch the error against the rate. Where is it lowest? What happens at either end?

# %%
rates = np.array([0.001, 0.01, 0.03, 0.1, 0.3, 1.0])
errors = {}
for seed in range(3):
    rng = np.random.default_rng(seed)
    six = clothes_network(rng, runs=6)
    record = fit(six, data, SGD(), learning_rate=rates[:, None], batch_size=32, epochs=4, rng=rng)
    best = np.max([epoch["validation_accuracy"] for epoch in record.epochs], axis=0)
    errors[f"seed {seed}"] = rates, 1 - best
    six.forward(data.validation.x)
    dead = (six.layers[1].y == 0).all(axis=1).mean(axis=1)
    print(f"best rate {rates[best.argmax()]}; hidden units always 0 at rate 1: {dead[-1]:.0%}")
alt = "Validation error against learning rate: a wide valley, then a cliff up to about 0.9 at 1."
plots.curves(errors, "learning rate", "validation error", log_x=True, alt=alt)

# %% [markdown]
# **What to see.** A valley, with its floor somewhere from 0.03 to 0.3. To the left four epochs of
# small steps are not enough. To the right stands a cliff, and not the one of chapter 01: nothing
# grew without bound. At rate 1 the first steps threw nearly all hidden units so far that they are
# 0 for *every* image. There the slope of ReLU is 0, no gradient comes through, and they cannot
# return. The rest can only guess.
#
# The lab trains a small network on digits. At batch size 8, find the smallest rate that reaches
# the goal. **Predict** what it will be at 32, where an epoch has a quarter of the steps. And at
# 128?

# %%
from lrcourse import labs

labs.digits()

# %% [markdown]
# **What to see.** Four times the batch needs about four times the rate. At 128 the needed rate
# lies beyond the cliff. Chapter 06 is about this bargain.
#
# ## Train it
#
# Now eight epochs at 0.1, on the floor of the valley, then two more at a tenth of that.
#
# **Predict**: will the accuracy climb smoothly? What will the last two epochs change?

# %%
curves = {}
for seed in range(3):
    rng = np.random.default_rng(seed)
    network = clothes_network(rng)
    accuracies = []
    for rate, n in ((0.1, 8), (0.01, 2)):
        record = fit(network, data, SGD(), learning_rate=rate, batch_size=32, epochs=n, rng=rng)
        accuracies += [epoch["validation_accuracy"] for epoch in record.epochs]
    curves[f"seed {seed}"] = range(1, 11), accuracies
    print(f"seed {seed}: test accuracy {network.accuracy(*data.test):.1%}")
alt = "Validation accuracy by epoch for three seeds: jagged for eight epochs, then level and high."
plots.curves(curves, "epoch", "validation accuracy", alt=alt)

# %% [markdown]
# **What to see.** Of the test images, between 83 and 85 % are named right. But look at the way
# there. At 0.1 the accuracy jumps by several points from epoch to epoch: large steps along the
# gradient of just 32 images throw the weights about. Small steps let them settle. When to shrink
# the step, and by how much? Chapters 06 to 08 ask that.
#
# What does the network still get wrong, and what has it learnt?

# %%
x, labels = data.test
predicted = network.predict(x)
wrong = np.flatnonzero(predicted != labels)[:8]
titles = [f"{data.classes[labels[i]]}\nnot {data.classes[predicted[i]]}" for i in wrong]
alt = "Eight test images that were named wrong, each with its right and its given name."
plots.images(x[wrong], titles, columns=8, alt=alt)
start = clothes_network(np.random.default_rng(seed))
alt = "How far training moved the weights of each hidden unit, as images of 28 by 28 pixels."
plots.images((network.layers[0].W - start.layers[0].W).T, columns=16, alt=alt)

# %% [markdown]
# **What to see.** Above, mistakes that you might make too. Below, how far training has moved the
# weights of each of the 64 hidden units. Nobody drew shirts and shoes for them. But each step
# takes away a piece of $x^\top d_y$, a sum of training images: what a unit learns is made of what
# it has seen. The plain grey ones hardly moved.
#
# ## What we learnt
#
# - Backprop multiplies local slopes from the loss back to the input. What is used many times adds
#   up.
# - A falling loss does not prove a gradient right. Central differences in float64 do.
# - A network is one vector w, its gradient one vector g, and SGD is `w -= learning_rate * g`.
# - Compare several rates, over several seeds, on validation images.
#
# **Next**: [Starting well](03_starting_well.ipynb). From a bad start even a right gradient
# arrives as almost nothing.
