r"""Checks of chapter 16, The edge comes to you."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import pairwise, product

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.data import halved, load
from lrcourse.exercises import RETURNED_NONE, Check, Exercise, Wrong, call_unchanged, compare
from lrcourse.measure import hessian_vector, sharpness
from lrcourse.nn import Linear, LossFunction, Network, Tanh, squared_error


class Waves:
    r"""The gradient of the loss sum(sin(A w)), and its Hessian; it notes where it is asked for.

    Args:
        rng: draws A.
        size: number of weights.
    """

    def __init__(self, rng: Generator, size: int = 5) -> None:
        self.matrix, self.asked = rng.normal(size=(size, size)), []

    def __call__(self, w: NDArray) -> NDArray:
        r"""Return the gradient at w, (P,)."""
        w = np.array(w, float)
        self.asked.append(w)
        return self.matrix.T @ np.cos(self.matrix @ w)

    def hessian(self, w: NDArray) -> NDArray:
        r"""Return the Hessian at w, (P, P)."""
        return -self.matrix.T * np.sin(self.matrix @ w) @ self.matrix


def _mistaken_products(v: NDArray, right: NDArray) -> dict:
    length = np.linalg.norm(v)
    return {
        "It is twice as large as H v: the two points are two steps apart, so divide by both.": (
            2 * right
        ),
        "It is half of H v: divide by the distance of the two points, no more.": right / 2,
        "It has the wrong sign: the gradient ahead, less the gradient behind.": -right,
        "It is H times v divided by its length: multiply by the length of v again.": right / length,
        "The length of v counts twice: the result should grow like v.": right * length,
        "It is the number v H v: the product with a vector is a vector.": v @ right,
    }


def _check_product(
    answer: Callable,
    gradient: Callable,
    w: NDArray,
    v: NDArray,
    right: NDArray,
    more: dict | None = None,
) -> None:
    got = answer(gradient, w.copy(), v.copy())
    compare(got, right, mistakes=_mistaken_products(v, right) | (more or {}))


def product_by_numbers(hessian_vector: Callable, rng: Generator) -> None:
    r"""The gradient w^3 has the Hessian 3 w^2 on its diagonal."""
    w, v = np.array([1.0, 2.0, -0.5]), np.array([1.0, 1.0, 4.0])
    _check_product(hessian_vector, lambda w: np.array(w) ** 3, w, v, 3 * w**2 * v)


def product_of_coupled_weights(hessian_vector: Callable, rng: Generator) -> None:
    r"""Five weights that all meet in the loss."""
    waves = Waves(rng)
    w, v = rng.normal(size=(2, 5))
    alone = (
        "It moves each weight by itself: the Hessian has entries off its diagonal, too. Move all "
        "weights at once, along v."
    )
    try:
        hessian = waves.hessian(w)
        extra = {alone: np.diag(hessian) * v}
        _check_product(hessian_vector, waves, w, v, hessian @ v, extra)
    except Wrong as wrong:
        if not wrong.named and any(np.array_equal(place, w) for place in waves.asked):
            raise Wrong(
                "It looks to one side only, and its error is as large as the step: look just as "
                "far to the other side, too."
            ) from None
        raise


def product_with_any_length(hessian_vector: Callable, rng: Generator) -> None:
    r"""A vector of length 1e-6, and one of 1e6."""
    for size in (1e-6, 1e6):
        waves = Waves(rng)
        w, v = rng.normal(size=(2, 5))
        right = waves.hessian(w) @ (size * v)
        try:
            _check_product(hessian_vector, waves, w, size * v, right)
        except Wrong as wrong:
            if wrong.named or not waves.asked:
                raise
            far = max(float(np.linalg.norm(place - w)) for place in waves.asked)
            if 1e-7 <= far <= 1e-3:  # a distance that would do: the cause is another one
                raise
            short = "short, and rounding swallows the difference of the gradients"
            why = short if far < 1e-7 else "long, and the Hessian is another one out there"
            raise Wrong(
                f"For a vector of length {size * np.linalg.norm(v):.0e} it looks {far:.0e} away "
                f"from w: that is too {why}. Go along v by a length of your own choice."
            ) from None


def product_with_zero(hessian_vector: Callable, rng: Generator) -> None:
    r"""H 0 is 0."""
    got = hessian_vector(lambda w: np.array(w) ** 3, np.ones(3), np.zeros(3))
    divides = "For v = 0 it gives nan: its length is 0, so do not divide by it."
    compare(got, np.zeros(3), mistakes={divides: np.full(3, np.nan)})


def product_leaves_its_input(hessian_vector: Callable, rng: Generator) -> None:
    r"""Neither changes in place."""
    w, v = rng.normal(size=(2, 3))
    call_unchanged(lambda w, v: hessian_vector(lambda w: np.array(w) ** 3, w, v), w=w, v=v)


BUDGET = 2000


class Products:
    r"""Products with a symmetric matrix of chosen eigenvalues; counts its calls.

    Args:
        values: the eigenvalues.
        rng: draws the eigenvectors.
    """

    def __init__(self, values: NDArray, rng: Generator) -> None:
        vectors = np.linalg.qr(rng.normal(size=(len(values), len(values))))[0]
        self.matrix, self.calls = vectors * values @ vectors.T, 0

    def __call__(self, v: NDArray) -> NDArray:
        r"""Return the product with v."""
        self.calls += 1
        return self.matrix @ np.asarray(v, float)


def _check_largest(answer: Callable, values: NDArray, rng: Generator) -> None:
    values = np.asarray(values, float)
    multiply = Products(values, rng)
    start = 3 * rng.normal(size=len(values))
    got = answer(multiply, start.copy())
    high, low = values.max(), values.min()
    far = max(high, low, key=abs)
    if got is not None and np.size(got) == 1 and not np.isfinite(np.asarray(got, float)).all():
        raise Wrong("It grows out of all numbers: divide the vector by its length at each step.")
    mistakes = {}
    if far < 0:
        mistakes |= {
            "This is the eigenvalue that is largest in magnitude. It is negative: shift all "
            "eigenvalues so that the one you want is.": far,
            "This is the size of the eigenvalue that is largest in magnitude, without its sign.": (
                -far
            ),
            "The shift is still in it: undo it at the end.": high - far,
            "The shift was undone in the wrong direction.": high - 2 * far,
        }
    else:
        mistakes["This is the lowest eigenvalue: the one wanted is the highest."] = low
    if high < 0:
        mistakes["All eigenvalues are negative here, and 0 is not one of them."] = 0.0
    right = {sentence: value for sentence, value in mistakes.items() if value != high}
    compare(got, high, mistakes=right, tolerance=1e-3)
    if multiply.calls > BUDGET:
        raise Wrong(f"It called `product` {multiply.calls} times; {BUDGET} are allowed.")


def largest_of_a_bowl(largest_eigenvalue: Callable, rng: Generator) -> None:
    r"""The largest is the largest in magnitude, too."""
    _check_largest(largest_eigenvalue, [7.0, 5.0, 1.0, 0.2, -2.0, -3.0], rng)
    _check_largest(largest_eigenvalue, [4.0, 1.0, 0.5, -3.8], rng)


def largest_of_a_saddle(largest_eigenvalue: Callable, rng: Generator) -> None:
    r"""The largest in magnitude is negative."""
    _check_largest(largest_eigenvalue, [4.0, 2.0, 0.5, -1.0, -6.0, -9.0], rng)


def largest_of_a_hill(largest_eigenvalue: Callable, rng: Generator) -> None:
    r"""All are negative."""
    _check_largest(largest_eigenvalue, [-1.0, -2.5, -4.0, -7.0], rng)


def largest_of_any_size(largest_eigenvalue: Callable, rng: Generator) -> None:
    r"""Eigenvalues of 1e-6 and of 1e6."""
    for size in (1e-6, 1e6):
        _check_largest(largest_eigenvalue, size * np.array([4.0, 1.0, -2.0, -6.0]), rng)


def largest_leaves_its_input(largest_eigenvalue: Callable, rng: Generator) -> None:
    r"""The start is still there."""
    multiply = Products(np.array([3.0, 1.0, -4.0]), rng)
    call_unchanged(lambda v: largest_eigenvalue(multiply, v), v=rng.normal(size=3))


def clothes(count: int) -> tuple[NDArray, NDArray]:
    r"""Return the first images of clothes, and their classes.

    Args:
        count: how many.

    Returns:
        Pixels, (count, 196), float64, each with mean 0 and all with deviation 1; classes, (count,).
    """
    images, labels = halved(load("fashion-mini")).train
    x = images[:count].astype(float) - images[:count].mean(axis=0)
    return x / x.std(), labels[:count]


def stacked(
    count: int,
    seeds: int | Sequence[int] = 5,
    widths: Sequence[int] = (196, 24, 24, 10),
    last: float = 0.1,
    loss: LossFunction = squared_error,
) -> Network:
    r"""Return tanh networks in float64 side by side, ``count`` of each seed.

    Args:
        count: copies of each.
        seeds: of the weights; a number K means 0 .. K-1.
        widths: of the layers, inputs first.
        last: the weights of the last layer, as a multiple of Xavier's.
        loss: as ``Network`` takes it.

    Returns:
        A network with ``w`` of shape (seeds times count, P): the copies of the first seed first.
    """
    seeds = range(seeds) if isinstance(seeds, int) else seeds
    starts = []
    for seed in seeds:
        layers = []
        for fan_in, fan_out in pairwise(widths):
            layers += [Linear(fan_in, fan_out, "xavier"), Tanh()]
        rng, runs = np.random.default_rng(seed), len(seeds) * count
        network = Network(layers[:-1], rng, runs, dtype=float, loss=loss)
        network.layers[-1].W *= last
        starts.append(network.w[:count])
    network.w = np.concatenate(starts)
    return network


def gradient_of(network: Network, x: NDArray, y: NDArray) -> Callable[[NDArray], NDArray]:
    r"""Return the gradient of a network's loss as a function of its weights.

    Args:
        network: it is given the weights that are asked about, and keeps the last of them.
        x: inputs.
        y: classes.
    """

    def gradient(w: NDArray) -> NDArray:
        network.w = np.reshape(w, network.w.shape)
        network.loss_and_gradient(x, y)
        return network.g.reshape(np.shape(w)).copy()

    return gradient


def torch_loss(network: Network, x: NDArray, y: NDArray) -> Callable:
    r"""Return the squared error of a tanh network in torch, as a function of its weights.

    Args:
        network: its layers' shapes are taken, not its weights.
        x: inputs, float64.
        y: classes, 0 to 9.
    """
    import torch

    def loss(w: torch.Tensor) -> torch.Tensor:
        z, parts = torch.tensor(x), [w[p.slice].reshape(p.shape) for p in network.parts]
        for k in range(0, len(parts), 2):
            z = (torch.tanh(z) if k else z) @ parts[k] + parts[k + 1]
        return ((z - torch.eye(10)[torch.tensor(y.astype(int))]) ** 2).sum() / (2 * len(z))

    return loss


def _curvature(gradient: Callable, w: NDArray) -> float:
    start = np.random.default_rng(0).normal(size=w.shape)
    return float(sharpness(lambda v: hessian_vector(gradient, w, v), start, 15))


LEAPS = ((32, 1.0, 0, 1.0), (40, 1.0, 1, 30.0), (48, 0.7, 2, 0.1))  # width, last, seed, unit
LEAP_STEPS = 100


def _loss(network: Network, w: NDArray) -> float:
    network.w = np.reshape(w, network.w.shape)
    return float(network.loss(*clothes(100))[0])


def _number(got: object) -> float:
    if got is None:
        raise Wrong(RETURNED_NONE)
    if np.size(got) != 1:
        raise Wrong(f"It should return a rate, a number above 0, not {np.size(got)} numbers.")
    rate = float(np.asarray(got, float).reshape(()))
    if not (np.isfinite(rate) and rate > 0):
        raise Wrong(f"It should return a rate, a number above 0; it returned {rate:.6g}.")
    return rate


def _in_unit(gradient: Callable, unit: float) -> Callable:
    return lambda w: unit * gradient(w)


def leaps_far_enough(leap: Callable, rng: Generator, networks: tuple = LEAPS) -> None:
    r"""Three networks, each with a rate of its own."""
    rates, failure = [], None
    for width, last, seed, unit in networks:
        network = stacked(1, [seed], (196, width, 10), last)
        w, gradient = network.w[0].copy(), _in_unit(gradient_of(network, *clothes(100)), unit)
        first, before = _curvature(gradient, w), _loss(network, w)
        rate = _number(leap(gradient, w.copy()))
        rates.append(rate)
        times = f"{rate:.3g}, {rate * first / 2:.2g} times the first edge"
        with np.errstate(all="ignore"):
            for _ in range(LEAP_STEPS):
                w = w - rate * gradient(w)
            after = _loss(network, w)
        if not after < before:
            found = f"At {times}, the loss is higher after {LEAP_STEPS} steps than at first: the "
            found += "run did not come back."
        elif (share := _curvature(gradient, w) / first) >= 0.5:
            found = f"At {times}, the sharpness ends at {share:.2f} of the first: a larger rate "
            found += "leads to a flatter place."
        else:
            continue
        failure = failure or found
    if failure and len(set(rates)) == 1:
        raise Wrong(
            "It returns one rate for every network: measure the curvature of the one that you are "
            "given."
        )
    if failure:
        raise Wrong(failure)


ORDERS, ORDER_STEPS = ((8.0, 0.9), (8.0, 0.5), (10.0, 0.9), (8.0, 0.0)), 500


def nesterov_ends_at(rates: NDArray, momenta: NDArray, seed: int = 0) -> NDArray:
    r"""Return the sharpness, (K,), at which K networks end that Nesterov's rule trains.

    Args:
        rates: of the K runs, outside of the velocity.
        momenta: of the K runs.
        seed: of the weights.
    """
    network = stacked(len(rates), [seed], (196, 16, 16, 10))
    gradient = gradient_of(network, *clothes(100))
    w, rate, mu = network.w.copy(), np.reshape(rates, (-1, 1)), np.reshape(momenta, (-1, 1))
    v, start, found = np.zeros_like(w), np.random.default_rng(0).normal(size=w.shape), []
    with np.errstate(all="ignore"):
        for t in range(ORDER_STEPS):
            g = gradient(w)
            v = mu * v + g
            w = w - rate * (g + mu * v)
            if t >= ORDER_STEPS - 60 and t % 20 == 0:
                found.append(sharpness(partial(hessian_vector, gradient, w), start, 10))
    return np.mean(found, axis=0)


def _mistaken_orders(target: float, momentum: float) -> dict:
    edge = 2 * (1 + momentum) / (1 + 2 * momentum)
    return {
        "This is the rate for plain momentum: Nesterov's look-ahead breaks at another product of "
        "rate and curvature.": 2 * (1 + momentum) / target,
        "This is the rate for descent without momentum.": 2 / target,
        "The rate stands outside of the velocity: leave the factor 1 - momentum out.": (
            edge * (1 - momentum) / target
        ),
        "It counts the gradient 1 + momentum times, as the first step does, and forgets that the "
        "velocity counts, too.": 2 / (1 + momentum) / target,
        "In a bowl of that curvature a run already grows at this rate: work out the determinant "
        "and the trace once more.": 2 * (1 + momentum) / (1 + momentum + momentum**2) / target,
        "It is an effective rate: leave the factor 1 / (1 - momentum) out.": (
            edge / (1 - momentum) / target
        ),
        "It is upside down: the higher the sharpness, the smaller the rate.": target / edge,
        "It is the product of rate and curvature at the edge: divide it by the target.": edge,
    }


def ends_as_ordered(
    rate_for: Callable, rng: Generator, orders: tuple = ORDERS, seed: int = 0
) -> None:
    r"""The sharpness at the end of 500 steps, for several orders."""
    rates = [_number(rate_for(*order)) for order in orders]
    momenta = np.array([momentum for _, momentum in orders])
    for order, rate in zip(orders, rates, strict=True):
        right = 2 * (1 + order[1]) / (1 + 2 * order[1]) / order[0]
        for sentence, value in _mistaken_orders(*order).items():
            if abs(value / right - 1) > 0.05 and abs(rate / value - 1) < 1e-3:
                raise Wrong(sentence)
    ends = nesterov_ends_at(np.array(rates), momenta, seed)
    for (target, momentum), rate, end in zip(orders, rates, ends, strict=True):
        if not np.isfinite(end):
            raise Wrong(f"At {rate:.3g} with momentum {momentum} the run diverges.")
        if abs(end / target - 1) > 0.25:
            raise Wrong(
                f"With momentum {momentum} a run at {rate:.3g} ends at a sharpness of {end:.3g}, "
                f"where {target:g} was ordered."
            )


def trained(
    gradient: Callable,
    w: NDArray,
    rate: float,
    warmup: int,
    longest: float,
    steps: int,
    *,
    late: bool = False,
    square: bool = False,
    spared: Collection[int] = (),
) -> NDArray:
    r"""Return the path of w, (steps + 1, P), with warm-up and clipping.

    Args:
        gradient: gradient(w, t) of step number t, from 1.
        w: the start.
        rate: after warm-up.
        warmup: the number of the first step at the full rate.
        longest: the length that a gradient is clipped to.
        steps: how many.
        late: whether the warm-up counts from 0, a mistake.
        square: whether the squared length is taken for the length, a mistake.
        spared: the numbers of steps that are not clipped, a mistake.
    """
    w = np.array(w, float)
    path = [w]
    for t in range(1, steps + 1):
        g = np.asarray(gradient(w, t), float)
        length = g @ g if square else np.linalg.norm(g)
        if length > longest and t not in spared:
            g = g * (longest / length)
        w = w - rate * min(1.0, (t - 1 if late else t) / warmup) * g
        path.append(w)
    return np.array(path)


def _mistaken_paths(given: tuple, got: object) -> dict:
    warmup, right = given[3], trained(*given)
    until = [range(1, end) for end in (warmup, warmup + 1, warmup + 2)]
    spared = {
        "": [()],
        "gradients are not clipped until the warm-up is over": until,
        "the gradient is not clipped at the step where the warm-up ends": [{warmup}, {warmup + 1}],
    }

    def as_long_as_a_step(w: NDArray, t: int) -> NDArray:
        g, most = given[0](w, t), given[4] / (given[2] * min(1, t / warmup))
        return g * min(1, most / max(np.linalg.norm(g), 1e-300))

    mistakes = {
        "It cuts the step, with the rate in it: cut the gradient.": (
            trained(as_long_as_a_step, *given[1:4], np.inf, given[5])
        ),
        "It cuts each entry on its own, which turns the gradient: scale all of it by one factor.": (
            trained(
                lambda w, t: np.clip(given[0](w, t), -given[4], given[4]),
                *given[1:4],
                np.inf,
                given[5],
            )
        ),
        "The start is missing: row 0 is w before any step.": right[1:],
        "The last step is missing.": right[:-1],
        "It returned only the last w: keep every one.": right[-1],
        "Every row is the last w, since `w -= ...` changes the array in the list.": (
            np.array([right[-1] for _ in right])
        ),
    }
    for late, square, (skips, sets) in product((True, False), (True, False), spared.items()):
        causes = ["the warm-up counts from 0, so the full rate comes a step late"] if late else []
        causes += [skips] if skips else []
        causes += ["the squared length is taken for the length"] if square else []
        said = "; ".join(causes)
        for one in sets:
            path = trained(*given, late=late, square=square, spared=one)
            same = np.shape(got) == path.shape and np.allclose(np.asarray(got, float), path)
            if said and same:
                mistakes.setdefault(f"{said[0].upper()}{said[1:]}.", path)
    return mistakes


def _check_training(answer: Callable, *given: object) -> None:
    gradient, w, *settings = given
    got = answer(gradient, w.copy(), *settings)
    compare(got, trained(*given), mistakes=_mistaken_paths(given, got))


def training_by_numbers(train: Callable, rng: Generator) -> None:
    r"""Gradients of length 5, clipped to 2, and a warm-up of four steps."""
    g = np.array([3.0, -4.0])
    _check_training(train, lambda w, t: g.copy(), np.zeros(2), 0.1, 4, 2.0, 6)


def training_with_one_bad_batch(train: Callable, rng: Generator) -> None:
    r"""A long gradient in the warm-up, one where it ends, and one after it."""
    for bad in (2, 3, 4, 5, 8):

        def gradient(w: NDArray, t: int, bad: int = bad) -> NDArray:
            return np.asarray(w, float) * (50.0 if t == bad else 1.0)

        _check_training(train, gradient, rng.normal(size=4), 0.2, 4, 1.5, 9)


def training_with_short_gradients(train: Callable, rng: Generator) -> None:
    r"""Nothing to clip, and a warm-up of one step, which is none."""
    centre = rng.normal(size=3)
    _check_training(train, lambda w, t: np.asarray(w) - centre, centre + 0.1, 0.3, 1, 2.0, 5)


def training_with_a_gradient_of_zero(train: Callable, rng: Generator) -> None:
    r"""0 / 0 is not a number."""
    w = rng.normal(size=3)
    divides = "A gradient of 0 gives nan: its length is 0, so do not divide by it."
    got = train(lambda w, t: np.zeros(3), w.copy(), 0.1, 2, 1.0, 3)
    compare(got, np.tile(w, (4, 1)), mistakes={divides: np.vstack([w, np.full((3, 3), np.nan)])})


def training_leaves_its_input(train: Callable, rng: Generator) -> None:
    r"""The start, and the array that `gradient` returned."""
    w, g = rng.normal(size=(2, 3))
    call_unchanged(lambda w, g: train(lambda w, t: g, w, 0.1, 2, 0.5, 3), w=w, g=g)


def _row_by_row(answer: Callable) -> Callable:
    # Stacked runs become one long vector of weights, whose Hessian has a block for each. Each
    # row's v is made one long before, so that a run that has diverged spoils only its own.
    def multiply(gradient: Callable, w: NDArray, v: NDArray) -> NDArray:
        length = np.linalg.norm(v, axis=-1, keepdims=True)
        u = np.nan_to_num(v / np.where(length > 0, length, 1))

        def flat(place: NDArray) -> NDArray:
            return gradient(place.reshape(w.shape)).ravel()

        return length * np.reshape(answer(flat, w.ravel(), u.ravel()), w.shape)

    return multiply


def _package_largest(multiply: Callable, v: NDArray) -> float:
    return float(sharpness(multiply, np.asarray(v, float), 200))


EXERCISES = [
    Exercise(
        id="16.1",
        title="A Hessian times a vector",
        answers=("hessian_vector",),
        checks=[
            Check("three weights, by numbers", product_by_numbers),
            Check("five weights that meet", product_of_coupled_weights),
            Check("short vectors and long ones", product_with_any_length),
            Check("v = 0", product_with_zero),
            Check("w and v stay as they were", product_leaves_its_input),
        ],
        hints=[
            "The Hessian says how the gradient changes with w. How does it change if you go a "
            "little way along v? And back the other way?",
            "How far you go is up to you, and it should not depend on how long v is: make v one "
            "long first, and remember its length. Far enough for rounding, near enough for the "
            "curve: a ten-thousandth is a good step.",
            "The gradient a step ahead, less that a step behind, by twice the step, times the "
            "length of v. For v = 0 there is no direction: the result is 0.",
        ],
        package=lambda: hessian_vector,
        adapt=_row_by_row,
        use=lambda multiply: multiply(lambda w: w**3, np.ones(5000), np.ones(5000)),
    ),
    Exercise(
        id="16.2",
        title="The largest eigenvalue",
        answers=("largest_eigenvalue",),
        checks=[
            Check("most eigenvalues are positive", largest_of_a_bowl),
            Check("the largest in magnitude is negative", largest_of_a_saddle),
            Check("all are negative", largest_of_a_hill),
            Check("tiny and huge ones", largest_of_any_size),
            Check("the start stays as it was", largest_leaves_its_input),
        ],
        hints=[
            "Run the power iteration first, as above. If what it finds is positive, are you done?",
            "The matrix H - a I has the same eigenvectors, and a is taken from each eigenvalue. "
            "For which a is the one that you want the largest in magnitude?",
            "Write a helper that iterates on any product, and call it twice: on H for a, and, if a "
            "is negative, on v -> H v - a v; then add a again. A few hundred products each do.",
        ],
        package=lambda: _package_largest,
        use=lambda largest: largest(lambda v: np.linspace(-3, 2, 50) * v, np.ones(50)),
    ),
    Exercise(
        id="16.3",
        title="Leap",
        answers=("leap",),
        checks=[Check("three networks", leaps_far_enough)],
        hints=[
            "The same rate is small for one network and hopeless for the next. Which number of a "
            "network's start says what is large for it?",
            "Measure the sharpness at w, with what you wrote above. The table says how many times "
            "the first edge a leap needs, and from where it does not come back.",
            "You may also try: take 100 steps at some rates with `gradient`, and look at what each "
            "came to, before you choose.",
        ],
    ),
    Exercise(
        id="16.4",
        title="A sharpness to order",
        answers=("rate_for",),
        checks=[Check("the sharpness at the end of four runs", ends_as_ordered)],
        hints=[
            "A run comes to the edge of its own rule and stays there. At which product of rate and "
            "curvature is the edge of this one?",
            "You worked it out once, in the fourth exercise of chapter 09. Or measure it: in a "
            "bowl of curvature 1, from which rate on does a run with this rule grow?",
            "Where x moves by v, and the gradient at x + mu v pushes v by -a (x + mu v), an "
            "eigenvalue reaches -1 where 1 + trace + determinant is 0. The rate is that a by the "
            "target.",
        ],
    ),
    Exercise(
        id="16.5",
        title="A loop that almost warms up",
        answers=("train",),
        checks=[
            Check("gradients of length 5, by numbers", training_by_numbers),
            Check("one long gradient, at several steps", training_with_one_bad_batch),
            Check("short gradients, no warm-up", training_with_short_gradients),
            Check("a gradient of 0", training_with_a_gradient_of_zero),
            Check("w and the gradients stay as they were", training_leaves_its_input),
        ],
        hints=[
            "Call it with a gradient that is always [3, 4], and look at the length of each step. "
            "How long should each be?",
            "Write down, for each of the first steps, its number t, its rate, and whether its "
            "gradient is clipped. Compare with the sentences of the exercise, one by one.",
            "Is the first step's rate a share of the full one? Which step is the first at the full "
            "rate? Is any gradient spared? And is what it compares with `longest` a length?",
        ],
    ),
]
