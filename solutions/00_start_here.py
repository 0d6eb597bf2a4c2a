# %% [markdown]
# # Start here
#
# **How big a step should a network take?**
#
# A network learns in steps: each changes its numbers, the *weights*, a little, so that its error,
# the *loss*, falls. How far is set by one number, the *learning rate*. Too small, and training
# hardly moves; too large, and it falls apart. This course is about that number, and about rules
# that choose it.
#
# - **You will** check your installation, move a first slider, and write your first step.
# - **Time**: about 20 minutes.
# - **You need**: some Python, and to know what the derivative of $w^2$ is.

# %% [markdown]
# ## How a notebook works
#
# Click on a code cell and press Shift+Enter to run it. Go from top to bottom. This is your own
# copy: change anything. If something breaks, choose *Kernel, Restart Kernel and Run All Cells*.
#
# Where the text says **Predict**, a form asks for your guess (where it asks two things, for the
# first), and after the run the outcome stands beside it. What you should have seen is folded away
# below the run.
#
# The next cell looks at your installation. A line that begins with FAIL also says how to fix it.

# %%
from lrcourse.course.doctor import examine

for _, line in examine():
    print(line)

# %% [markdown]
# ## A first slider
#
# Here is the smallest thing that can be trained: one weight $w$, with the loss $2 w^2$, which is
# lowest at $w = 0$. We take 20 steps downhill from $w = -2$. What will they look like at a larger
# learning rate, and at one larger still?

# %%
from lrcourse import labs

labs.one_knob()

# %% [markdown]
# Drag the slider, or use the arrow keys. Reach the goal of the lab. Then put the slider where you
# think steps just stop arriving, and press *Reveal the edge*.
#
# <details><summary>What to see</summary>
#
# At small rates the dots creep down one side and do not arrive. At larger ones they arrive quickly,
# and at still larger ones by jumps to the other side. Beyond a certain rate each jump lands higher
# than the last.
#
# </details>
#
# ## One step, by hand
#
# The *gradient* is the slope of the loss, here $4 w$. A step goes against it, downhill:
#
# $$w_\text{new} = w - \text{learning rate} \times \text{gradient}$$
#
# **Predict**: from $w = 3$, with learning rate 0.1, where does one step lead?

# %%
from lrcourse import guess, outcome, tally

guess("00.a", "Where does one step lead?", within=1.01)

# %%
w = 3.0
gradient = 4 * w
learning_rate = 0.1
print(f"gradient {gradient:.3g}, step {learning_rate * gradient:.3g}")
print(f"new w {w - learning_rate * gradient:.3g}")
outcome("00.a", w - learning_rate * gradient)

# %% [markdown]
# ## How exercises work
#
# An exercise is three cells: what to write, where to write it, and a check, which names the likely
# cause if it fails. Below the check are hints; each says more than the one before.

# %% [markdown]
# ### Exercise 00.1
# **One step**
#
# Write `step`, which returns $w$ after one step of gradient descent. `w` and `gradient` are two
# numbers, or two NumPy arrays of one shape, which stay as they are. Expect `step(3.0, 12.0, 0.1)`
# to give 1.8.
#
# Replace the line that begins with `raise`, then run the cell and the check.


# %% exercise="00.1"
def step(w, gradient, learning_rate):
    r"""Return where one step of gradient descent leads from w, shaped like w."""
    ### BEGIN SOLUTION
    return w - learning_rate * gradient
    ### END SOLUTION


# %%
from lrcourse import check

check("00.1")

# %% [markdown]
# The course uses what you wrote: `yours` gives your answer once it passes its check, and the
# package's until then.

# %%
import numpy as np
from lrcourse import yours

one_step = yours("00.1")
w = np.array([3.0, -1.0])
print("after a step:", one_step(w, 4 * w, 0.1))

# %% [markdown]
# The package calls this rule `SGD`; chapter 02 explains the name. Its method `step` changes $w$ *in
# place*, since a network may have millions of weights:

# %%
from lrcourse.optim import SGD

SGD().step(w, 4 * w, learning_rate=0.1)
print("after a step in place:", w)

# %% [markdown]
# ## Many steps
#
# Training is a loop around that one line. From $w = 1$ with rate 0.1, every step multiplies $w$ by
# $1 - 0.1 \times 4 = 0.6$. The loop below has a bug.
#
# **Predict**: after 20 steps without the bug, how far from 0 is $w$?

# %%
guess("00.b", "After 20 steps without the bug, w is nearest to ...", ["0.1", "0.01", "0.00001"])


# %%
def buggy_descend(w, learning_rate, steps):
    gradient = 4 * w
    for _ in range(steps):
        w = w - learning_rate * gradient
    return w


print(f"with the bug {buggy_descend(1.0, learning_rate=0.1, steps=20):.3g}")
print(f"it should be {(1 - 0.1 * 4) ** 20:.3g}")
near = min(("0.1", "0.01", "0.00001"), key=lambda near: abs((1 - 0.1 * 4) ** 20 - float(near)))
outcome("00.b", near)

# %% [markdown] claims=["with the bug: -7 0.5", "it should be: 3.66e-05 5e-8"]
# <details><summary>What to see</summary>
#
# Twenty right steps end at 3.66e-05. The loop with the bug ended at −7, beyond the minimum, and
# nothing raised an error: a bug in training rarely does.
#
# </details>

# %% [markdown]
# ### Exercise 00.2
# **Find the bug**
#
# Write `descend` without the bug: start at the number `w`, take `steps` steps on the loss $2 w^2$,
# and return the last $w$. With `steps` 0 it returns `w` as it was. Expect `descend(1.0, 0.1, 1)` to
# give 0.6.


# %% exercise="00.2"
def descend(w, learning_rate, steps):
    r"""Return w after some steps of gradient descent on the loss 2 w^2."""
    ### BEGIN SOLUTION
    for _ in range(steps):
        gradient = 4 * w
        w = w - learning_rate * gradient
    return w
    ### END SOLUTION


# %%
check("00.2")

# %% [markdown]
# ### Exercise 00.3
# **How many steps?**
#
# Write `steps_needed`: how many steps until the loss $2 w^2$ is *below* `threshold`? If it is below
# at the start, the answer is 0. A rate that is too large never gets there, so give up after `limit`
# steps and return `limit`. `w` may be negative. Expect `steps_needed(1.0, 0.1, 0.01, 100)` to give
# 6.


# %% exercise="00.3"
def steps_needed(w, learning_rate, threshold, limit):
    r"""Return the number of steps on the loss 2 w^2 until it is below threshold, at most limit."""
    ### BEGIN SOLUTION
    for count in range(limit):
        if 2 * w**2 < threshold:
            return count
        w = w - learning_rate * 4 * w
    return limit
    ### END SOLUTION


# %%
check("00.3")

# %% [markdown]
# Now your count tries rates from 0.01 to 0.55, from $w = 1$ until the loss is below 0.01. At a
# count of 100 the run gave up.
#
# **Predict**: which of these rates needs the fewest steps?

# %%
guess("00.c", "Which rate needs the fewest steps?", within=1.05)

# %%
from lrcourse import plots, whose

needed = yours("00.3")
rates = np.arange(1, 56) / 100
counts = [needed(1.0, rate, 0.01, 100) for rate in rates]
alt = "Steps needed against the learning rate, from 0.01 to 0.55, counted up to 100."
plots.curves({whose("00.3"): (rates, counts)}, "learning rate", "steps needed", alt=alt)
fewest = rates[np.array(counts) == min(counts)]
print(f"smallest count: {min(counts)}, at rates {min(fewest)} to {max(fewest)}")
largest = max(rates[np.array(counts) < 100])
print(f"largest rate that arrives: {largest}")
outcome("00.c", float(np.mean(fewest)))

# %% [markdown] claims=["smallest count[2]: 0.24 0.005", "smallest count[3]: 0.26 0.005", "largest rate that arrives: 0.49 0.005"]
# <details><summary>What to see</summary>
#
# From 0.24 to 0.26 a single step is enough: it lands at the minimum, or near it. At 0.49 the run
# still arrives, at 0.50 it does not: that is the edge, to within a hundredth.
#
# </details>
#
# ## What the network will see
#
# From chapter 02 on we train networks on photographs of clothes, each with a label.

# %%
from lrcourse import load

data = load("fashion-mini")
print(data)
names = [data.classes[label] for label in data.train.y[:10]]
plots.images(data.train.x[:10], names, alt="Ten grey images of clothes: " + ", ".join(names))

# %% [markdown]
# ## When you are stuck
#
# 1. Read the check's sentence again; it usually names the cause.
# 2. Try your function on one small input in a new cell (the + button).
# 3. Open the next hint, and in the end the worked solution. Then close it, and write your own.
#
# The square button at the top stops a cell that runs too long.
#
# ## What we learnt
#
# - A step goes against the gradient; the learning rate says how far.
# - The gradient belongs to one place: it must be computed again after each step.
# - On this loss the edge of the rates that arrive is sharp.
#
# **Next**: [One knob](01_one_knob.ipynb) finds the edge of any loss of this kind.

# %%
tally()
