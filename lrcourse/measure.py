r"""Look into a network: what flows through its layers, and its gradient from losses alone."""

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
