r"""Look into a network: what flows through its layers, its gradient from losses, its curvature.

And tell what several seeds measured: ``with_spread``.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from lrcourse.nn import Array, Network


def layer_statistics(network: Network, x: Array, labels: ArrayLike) -> list[dict[str, object]]:
    r"""Return what flows through each layer, forward and backward, for one batch.

    Args:
        network: one network, not stacked runs; its ``g`` is filled as by loss_and_gradient.
        x: inputs, (batch, features).
        labels: right classes, (batch,).

    Returns:
        A dict for each layer, in order: ``layer``, its name; ``y``, its outputs, with their
        ``mean`` and standard ``deviation``; ``zeros``, the share of them that are 0; ``d_y``, the
        loss's gradient at the outputs, with its standard deviation ``d_deviation``; and for a layer
        with parameters ``gradient_norm``, the length of their gradient.
    """
    rows = []
    y = np.asarray(x, network.w.dtype)
    for layer in network.layers:
        y = layer.forward(y)
        rows.append(
            {
                "layer": type(layer).__name__,
                "y": y,
                "mean": float(y.mean()),
                "deviation": float(y.std()),
                "zeros": float((y == 0).mean()),
            }
        )
    d = network.loss_function(y, labels)[1]
    for layer, row in zip(reversed(network.layers), reversed(rows), strict=True):
        row["d_y"], row["d_deviation"] = d, float(d.std())
        d = layer.backward(d)
        if hasattr(layer, "shapes"):
            row["gradient_norm"] = float(np.linalg.norm(network.g[layer.slice]))
    return rows


def central_differences(f: Callable[[], float], w: Array, step: float = 1e-6) -> Array:
    r"""Return the gradient of f measured from its values alone.

    .. math:: g_i \approx \frac{f(w + h e_i) - f(w - h e_i)}{2h}

    Args:
        f: a function of no arguments that computes a number from ``w``.
        w: the vector f reads, float64; it is changed in place and put back.
        step: h; the error is about h squared plus 1e-16 / h, so 1e-6 is near the best.

    Returns:
        The measured gradient, shaped like w. Where f has a kink within h, such as at a ReLU whose
        input is 0, it is between the slopes of the two sides, and backprop gives one of them.

    Raises:
        ValueError: w is not float64; in float32 rounding hides all errors that matter.
    """
    if w.dtype != np.float64:
        raise ValueError(f"Central differences need float64, not {w.dtype}.")
    g = np.empty_like(w)
    for i in np.ndindex(w.shape):
        kept = w[i]
        w[i] = kept + step
        above = f()
        w[i] = kept - step
        g[i] = (above - f()) / (2 * step)
        w[i] = kept
    return g


def hessian_vector(
    gradient: Callable[[Array], Array], w: Array, v: Array, step: float = 1e-4
) -> Array:
    r"""Return the product of the Hessian with a vector, measured from two gradients.

    .. math:: H v \approx \lVert v \rVert\,
        \frac{\nabla L(w + h u) - \nabla L(w - h u)}{2h} \qquad u = v / \lVert v \rVert

    Args:
        gradient: a function of weights that returns the gradient there, a new array.
        w: where the Hessian is taken, (P,), or (K, P) for K runs; float64.
        v: what it is multiplied by, shaped like w.
        step: h; 1e-4 by default, near the best for weights of ordinary size: the error is about h
            squared plus 1e-16 / h.

    Returns:
        H v, shaped like w; 0 where v is 0.

    Raises:
        ValueError: w is not float64, or v has another shape.

    torch computes it without the error of h, by ``torch.func.jvp`` of ``torch.func.grad``.
    """
    if w.dtype != np.float64:
        raise ValueError(f"A Hessian from gradients needs float64, not {w.dtype}.")
    if v.shape != w.shape:
        raise ValueError(f"v must be of w's shape, {w.shape}, not {v.shape}.")
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    u = v / np.where(length > 0, length, 1)
    return length * (gradient(w + step * u) - gradient(w - step * u)) / (2 * step)


def sharpness(product: Callable[[Array], Array], start: Array, iterations: int = 20) -> Array:
    r"""Return the largest eigenvalue of a symmetric matrix from products with it, by Lanczos.

    .. math:: \lambda_\text{max}(Q^\top H Q) \approx \lambda_\text{max}(H) \qquad
        Q = \text{orthonormal basis of } s,\ H s,\ H^2 s,\ \dots

    Args:
        product: a function of v, (..., P), that returns H v, such as ``hessian_vector`` at fixed
            weights. For Adam's preconditioned sharpness scale v and H v by P to the power -1/2.
        start: s, (..., P), not 0; draw it at random, or it may lack the eigenvector.
        iterations: products to take, 20 by default and at most P; for the Hessian of a small
            network 20 are right to three digits.

    Returns:
        The eigenvalue that is largest with its sign, a number or (K,); never above the true one,
        but for rounding. It is nan where a product is not finite, as in a run that has diverged.

    Raises:
        ValueError: start is 0, or there are no iterations.

    Source: Lanczos 1950. scipy's ``eigsh(operator, which="LA", k=1)`` iterates until it is exact.
    """
    if iterations < 1:
        raise ValueError(f"Lanczos needs at least 1 iteration, not {iterations}.")
    length = np.linalg.norm(start, axis=-1, keepdims=True)
    if not (length > 0).all():
        raise ValueError("Lanczos cannot start from 0: draw a random vector.")
    basis, diagonal, beside = [start / length], [], []
    for _ in range(min(iterations, start.shape[-1])):
        z = product(basis[-1])
        diagonal.append((z * basis[-1]).sum(axis=-1))
        for _ in range(2):  # once is not enough: rounding would bring old directions back
            for q in basis:
                z = z - (z * q).sum(axis=-1, keepdims=True) * q
        length = np.linalg.norm(z, axis=-1, keepdims=True)
        beside.append(length[..., 0])
        basis.append(z / np.where(length > 0, length, 1))
    small = np.zeros((*start.shape[:-1], len(diagonal), len(diagonal)))
    for k, value in enumerate(diagonal):
        # Where no direction was left the vector is 0, and so would be a made-up eigenvalue.
        left = (basis[k] != 0).any(axis=-1)
        small[..., k, k] = np.where(left, value, diagonal[0])
        if k:
            small[..., k, k - 1] = beside[k - 1]  # eigvalsh reads the lower triangle only
    finite = np.isfinite(small).all(axis=(-2, -1))
    small = np.where(finite[..., None, None], small, 0)
    return np.where(finite, np.linalg.eigvalsh(small)[..., -1], np.nan)[()]


def curvature(network: Network, x: Array, labels: ArrayLike, rng: np.random.Generator) -> Array:
    r"""Return the largest eigenvalue of the Hessian of a network's loss, by ``sharpness``.

    Args:
        network: float64, one network or stacked runs; it has its weights afterwards as before.
        x: inputs, (batch, features).
        labels: right classes, (batch,).
        rng: draws the vector to start from.

    Returns:
        A number, or (K,), one for each run.
    """
    w = network.w.copy()

    def gradient(at: Array) -> Array:
        network.w = at
        network.loss_and_gradient(x, labels)
        return network.g.copy()

    # A small step would divide the gradient's jump at a ReLU's kink by next to nothing.
    found = sharpness(lambda v: hessian_vector(gradient, w, v, 0.03), rng.normal(size=w.shape))
    network.w = w
    return found


def with_spread(values: ArrayLike, digits: int = 1) -> str:
    r"""Return the mean of some seeds and their standard deviation as text, "17.4 ± 0.5".

    Args:
        values: one number from each seed, at least two.
        digits: after the decimal point.
    """
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"
