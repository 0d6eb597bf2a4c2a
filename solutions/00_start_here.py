# %% [markdown]
# # Start here
#
# **How big a step should a network take?**
#
# A network learns in steps. Each step changes every weight a little, in the direction that lowers
# the loss. How far is set by one number, the *learning rate*. If it is too small, training hardly
# moves; if it is too large, training falls apart. This course is about that number, and about the
# rules that people invented to choose it.
#
# - **You will** check your installation, move a first slider, write your first step, and learn how
#   exercises, checks, hints and solutions work.
# - **Time**: about 20 minutes.
# - **You need**: some Python, and to know what the derivative of $w^2$ is.

# %% [markdown]
# ## How a notebook works
#
# This page is made of cells of text and of code. Click on a code cell and press Shift+Enter: it
# runs, and the next cell is selected. Go from top to bottom, since cells use what earlier ones have
# made. This is your own copy, so change anything you like. If something breaks, choose *Kernel,
# Restart Kernel and Run All Cells* in the menu.
#
# Where the text says **Predict**, a form below asks for your guess, and after the run the outcome
# stands beside it. Guesses stay in your browser, and nobody grades them. What you should have seen
# is folded away below the run.
#
# The next cell looks at your installation. Each line should begin with OK; a line that begins with
# FAIL also says how to fix it.

# %%
from lrcourse.course.doctor import examine

for _, line in examine():
    print(line)

# %% [markdown]
# ## A first slider
#
# Here is the smallest thing that can be trained: one weight $w$, with the loss $2 w^2$. Its lowest
# point is at $w = 0$. We start at $w = -2$ and take 20 steps downhill.
#
# The learning rate starts small. What will the steps look like if you make it larger, and then
# larger still? Is there a point where that stops helping?

# %%
from lrcourse import labs

labs.one_knob()

# %% [markdown]
# Drag the slider, or click on it and use the arrow keys. Reach the goal that the lab states. Then
# put the slider where you think that the steps just stop arriving, and press *Reveal*.
#
# <details><summary>What to see</summary>
#
# At small rates the dots creep down one side and do not arrive. At larger ones they arrive quickly.
# At still larger ones each step jumps across to the other side. Beyond a certain rate each jump
# lands higher than the last, until it leaves the picture: the loss grows without end.
#
# </details>
#
# ## One step, by hand
#
# The *gradient* is the slope of the loss: how fast it rises if $w$ grows. The loss $2 w^2$ has the
# gradient $4 w$. A step goes against it, downhill:
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
# An exercise is three cells: what to write, where to write it, and a check. The check says "to do",
# "passed", or "failed" with the likely cause. Below that are hints; each says more than the one
# before. Below the text of the exercise is a link to the worked solution.

# %% [markdown]
# ### Exercise 00.1
# **One step**
#
# Write `step`, which returns $w$ after one step of gradient descent. Here `w` and `gradient` are
# either two numbers or two NumPy arrays of the same shape; your code can be the same for both. Do
# not change the arrays you are given: return a new one. Expect `step(3.0, 12.0, 0.1)` to give 1.8.
#
# To answer, replace the line that begins with `raise`, then run the cell and the check.


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
# package's until then. So a chapter runs to its end, however much of it you have filled in.

# %%
import numpy as np
from lrcourse import yours

one_step = yours("00.1")
w = np.array([3.0, -1.0])
print("after a step:", one_step(w, 4 * w, 0.1))

# %% [markdown]
# The package calls such a rule `SGD`. Its method `step` changes $w$ *in place*, since a network may
# have millions of weights:

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
guess("00.b", "After 20 steps without the bug, w is nearest to ...", [0.1, 0.01, 0.00001])


# %%
def buggy_descend(w, learning_rate, steps):
    gradient = 4 * w
    for _ in range(steps):
        w = w - learning_rate * gradient
    return w


print(f"with the bug {buggy_descend(1.0, learning_rate=0.1, steps=20):.3g}")
print(f"it should be {(1 - 0.1 * 4) ** 20:.3g}")
outcome("00.b", min((0.1, 0.01, 0.00001), key=lambda near: abs((1 - 0.1 * 4) ** 20 - near)))

# %% [markdown] claims=["with the bug: -7 0.5", "it should be: 3.66e-05 5e-8"]
# <details><summary>What to see</summary>
#
# Twenty right steps end at 3.66e-05. The loop with the bug walked past the minimum to −7, farther
# away than it began. Nothing raised an error: a bug in training rarely does.
#
# </details>

# %% [markdown]
# ### Exercise 00.2
# **Find the bug**
#
# Write `descend` without the bug: start at the number `w`, take `steps` steps on the loss $2 w^2$,
# and return the last $w$, a number. With `steps` 0 it returns `w` as it was. Expect
# `descend(1.0, 0.1, 1)` to give 0.6, and 20 steps to give what the cell above says it should be.


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
# at the start, the answer is 0. A rate that is too large would never get there, so give up after
# `limit` steps and return `limit`. Expect `steps_needed(1.0, 0.1, 0.01, 100)` to give 6. `w` may be
# negative, and a step may cross 0.


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
# Now your count answers the question of the slider, for the rates 0.01, 0.02 and so on to 0.55. A
# count of 100 means that the run gave up.
#
# **Predict**: what is the largest of these rates at which a run still arrives? Which of them needs
# the fewest steps?

# %%
guess("00.c", "The largest rate at which a run still arrives?", within=1.05)

# %%
from lrcourse import plots, whose

needed = yours("00.3")
rates = np.arange(1, 56) / 100
counts = [needed(1.0, rate, 0.01, 100) for rate in rates]
alt = "Steps needed against the learning rate, from 0.01 to 0.55, counted up to 100."
plots.curves({whose("00.3"): (rates, counts)}, "learning rate", "steps needed", alt=alt)
fewest = rates[np.array(counts) == min(counts)]
print(f"fewest steps: {min(counts)}, at rates {min(fewest)} to {max(fewest)}")
largest = max(rates[np.array(counts) < 100])
print(f"largest rate that arrives: {largest}")
outcome("00.c", largest)

# %% [markdown] claims=["fewest steps[2]: 0.24 0.005", "fewest steps[3]: 0.26 0.005", "largest rate that arrives: 0.49 0.005"]
# <details><summary>What to see</summary>
#
# A valley. From 0.24 to 0.26 a single step is enough, since it lands on the minimum or close by. To
# either side it takes longer. At 0.49 the run still arrives, at 0.50 it does not: you have found
# the edge, to within a hundredth.
#
# </details>
#
# ## What the network will see
#
# From chapter 02 on we train networks on photographs of clothes. They come with the course.

# %%
from lrcourse import load

data = load("fashion-mini")
print(data)
names = [data.classes[label] for label in data.train.y[:10]]
plots.images(data.train.x[:10], names, alt="Ten grey images of clothes: " + ", ".join(names))

# %% [markdown]
# Each image has 28 x 28 grey pixels and one label, the name above it.
#
# ## When you are stuck
#
# 1. Read the check's sentence again; it usually names the cause.
# 2. Try your function on one small input in a new cell (the + button), and print what happens.
# 3. Open the next hint below the check.
# 4. Read the worked solution. Then close it, and write your own from memory.
#
# The square button at the top stops a cell that runs for too long.
#
# ## What we learnt
#
# - A step goes against the gradient; the learning rate says how far.
# - The gradient belongs to one place: it must be computed again after each step.
# - A rate may be too small, good, or too large. On this loss the edge between good and too large is
#   sharp.
#
# **Next**: [One knob](01_one_knob.ipynb) turns this one number all the way, and finds the edge.

# %%
tally()
