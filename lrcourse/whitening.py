r"""Whitening: rotate and scale the data until its covariance is the identity."""

import math
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from lrcourse.browser import product
from lrcourse.nn import Array

BLOCK = 4096  # images whose products are summed at a time; more, smaller sums take longer
SAVED = ("eigenvalues", "eigenvectors", "mean", "count", "dtype", "epsilon")


class PCAWhitening:
    r"""Whiten along the principal axes: column i of the result is the data along axis i.

    .. math:: C = U \Lambda U^\top \qquad W = U (\Lambda + \epsilon I)^{-1/2} \qquad
        z = (x - \mu) W

    :math:`\mu` is the mean and C the covariance (divided by n - 1) of the *training* set.

    Args:
        epsilon: variance added along every axis. 1e-2 suits pixels in [0, 1]: axes that vary less
            than that are mostly noise. With 0 the covariance of the result is the identity.

    Raises:
        ValueError: epsilon negative or not finite.

    Once fitted it has ``mean`` (d,), ``eigenvalues`` (d,) from the largest down, ``eigenvectors`` U
    (d, d), ``W`` (d, d) and ``count``, the number of images seen. Sums and eigenvectors are
    float64; W and all results are float32 if the training data are, otherwise float64. The same as
    scikit-learn's ``PCA(whiten=True)``, which has no epsilon.
    """

    def __init__(self, epsilon: float = 1e-2) -> None:
        if not 0 <= epsilon < math.inf:
            raise ValueError(f"epsilon must be a finite number, 0 or more, not {epsilon}.")
        self.epsilon, self.count = epsilon, 0

    def fit(self, x: ArrayLike) -> Self:
        r"""Learn mean and covariance from a training set, forget any learnt before; return self.

        Args:
            x: images, (n, d). They are read in blocks, so x may be a memory map that is larger
                than memory. ``np.linalg.eigh`` holds five (d, d) matrices, whatever n is: 370 MB
                at d = 3072.

        Raises:
            ValueError: x is not (n, d) finite numbers, or cannot be whitened with this epsilon.
        """
        self.count = 0
        self.partial_fit(x)
        _ = self.W  # data that cannot be whitened raise here, not at the first transform
        return self

    def partial_fit(self, x: ArrayLike) -> Self:
        r"""Learn from more images, for data that come in pieces; return self.

        .. math:: S \leftarrow S + \sum_i (x_i - \mu_x) (x_i - \mu_x)^\top
            + \frac{n m}{n + m} (\mu_x - \mu) (\mu_x - \mu)^\top \qquad C = S / (n + m - 1)

        Args:
            x: the next m images, (m, d), after n others.

        Raises:
            ValueError: x is not (m, d) finite numbers; NaN or infinity makes it forget everything.

        All products are about a mean near their own, so a large mean costs no digits.
        Source: Chan, Golub & LeVeque 1979.
        """
        x = self._checked(x)
        if self.count == 0:
            d = x.shape[1]
            self.dtype = "float32" if x.dtype == np.float32 else "float64"
            self.mean, self._scatter = np.zeros(d), np.zeros((d, d))
        for name in ("_spectrum", "W", "W_inverse"):
            self.__dict__.pop(name, None)
        for start in range(0, len(x), BLOCK):
            block = x[start : start + BLOCK]
            bad = np.argwhere(~np.isfinite(block))
            if len(bad):
                self.count, (i, j) = 0, bad[0]
                raise ValueError(f"x is {block[i, j]} in row {start + i}, column {j}.")
            mean = block.mean(axis=0, dtype=np.float64)
            n, m, shift = self.count, len(block), mean - self.mean
            self.count = n + m
            self.mean = self.mean + shift * (m / self.count)
            centred = block - mean
            self._scatter += product(centred.T, centred)
            self._scatter += np.outer(shift, shift * (n * m / self.count))
        return self

    def transform(self, x: ArrayLike) -> Array:
        r"""Return the whitened images :math:`z = (x - \mu) W`, (n, d).

        Args:
            x: images, (n, d).

        Raises:
            ValueError: not fitted yet, or x is not (n, d) numbers.
        """
        W, x = self.W, self._checked(x)
        return product(x.astype(self.dtype, copy=False) - self.mean.astype(self.dtype), W)

    def inverse_transform(self, z: ArrayLike) -> Array:
        r"""Return the images :math:`x = z W^{-1} + \mu`, (n, d).

        Args:
            z: whitened images, (n, d).

        Raises:
            ValueError: not fitted yet, or z is not (n, d) numbers.
        """
        W_inverse, z = self.W_inverse, self._checked(z)
        x = product(z.astype(self.dtype, copy=False), W_inverse)
        return x + self.mean.astype(self.dtype)

    @cached_property
    def W(self) -> Array:
        r"""The whitening matrix, (d, d)."""
        return self._power(-0.5).astype(self.dtype)

    @cached_property
    def W_inverse(self) -> Array:
        r"""The inverse of W, (d, d)."""
        return self._power(0.5).T.astype(self.dtype)

    @property
    def eigenvalues(self) -> Array:
        r"""The variances along the principal axes, (d,), from the largest down."""
        return self._spectrum[0]

    @property
    def eigenvectors(self) -> Array:
        r"""The principal axes, the columns of (d, d)."""
        return self._spectrum[1]

    def save(self, path: str | Path) -> None:
        r"""Write what was learnt to a .npz file.

        Args:
            path: the file to write; its name should end in .npz.

        Raises:
            ValueError: not fitted yet.
        """
        learnt = {name: getattr(self, name) for name in SAVED}
        with open(Path(path).expanduser(), "wb") as file:  # np.savez adds .npz to names
            np.savez(file, kind=type(self).__name__, **learnt)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        r"""Read what ``save`` wrote; nothing in the file is executed.

        Args:
            path: the file to read.

        Returns:
            One that transforms exactly as the saved one did, and can learn more by partial_fit.

        Raises:
            OSError: the file cannot be read.
            ValueError: the file is damaged, or was saved by another class.
        """
        try:
            with np.load(Path(path).expanduser(), allow_pickle=False) as file:
                eigenvalues, U, mean, *rest = (file[name] for name in (*SAVED, "kind"))
            count, dtype, epsilon, kind = (each.item() for each in rest)
            whitening = cls(epsilon)
        except OSError:
            raise
        except Exception as e:  # a damaged archive can fail anywhere
            raise ValueError(f"{path} was not saved by {cls.__name__}, or is damaged ({e}).") from e
        if kind != cls.__name__:
            raise ValueError(f"{path} was saved by {kind}, not by {cls.__name__}: use {kind}.load.")
        whitening.mean, whitening.count, whitening.dtype = mean, count, dtype
        whitening._spectrum = eigenvalues, U
        whitening._scatter = (U * (eigenvalues * (count - 1))) @ U.T
        return whitening

    @cached_property
    def _spectrum(self) -> tuple[Array, Array]:
        name, n = type(self).__name__, self.count
        if n == 0:
            raise ValueError(f"{name} is not fitted yet: call fit with the training images first.")
        if n == 1:
            raise ValueError(f"{name} needs at least 2 images, since 1 has no covariance.")
        # C = scatter / (n - 1) has the same eigenvectors, but would be one more large array.
        eigenvalues, U = np.linalg.eigh(self._scatter)
        eigenvalues = np.maximum(eigenvalues[::-1], 0) / (n - 1)
        flat = np.count_nonzero(eigenvalues <= len(U) * np.finfo(float).eps * eigenvalues[0])
        flat = max(flat, len(U) - (n - 1))  # n images vary in at most n - 1 directions
        if self.epsilon == 0 and flat > 0:
            raise ValueError(
                f"{name} with epsilon 0 cannot scale {flat} of the {len(U)} directions, in which "
                f"these {n} images do not vary: choose an epsilon, such as 0.01, or take more "
                "images than features and leave out constant pixels."
            )
        # Either sign of an axis is right; as in scikit-learn, its largest entry is positive.
        U *= np.where(U.max(axis=0) >= -U.min(axis=0), 1.0, -1.0)
        return eigenvalues, U[:, ::-1]

    def _checked(self, x: ArrayLike) -> Array:
        x = np.asarray(x)
        if x.ndim != 2 or 0 in x.shape or x.dtype.kind not in "fiub":
            raise ValueError(
                f"x must be numbers of shape (n, features), not {x.dtype} of shape {x.shape}."
            )
        if self.count and x.shape[1] != len(self.mean):
            raise ValueError(f"x has {x.shape[1]} features, but {len(self.mean)} were fitted.")
        return x

    def _power(self, power: float) -> Array:
        return self.eigenvectors * (self.eigenvalues + self.epsilon) ** power


class ZCA(PCAWhitening):
    r"""Whiten, then rotate back: of all whitenings, the one that changes the images least.

    .. math:: C = U \Lambda U^\top \qquad W = U (\Lambda + \epsilon I)^{-1/2} U^\top \qquad
        z = (x - \mu) W

    Arguments, attributes and errors are those of ``PCAWhitening``. W is symmetric, and the results
    still look like images: edges without their shading. Source: Bell & Sejnowski 1997; Krizhevsky
    2009, appendix A. scikit-learn has no ZCA, but with its ``PCA(whiten=True)``
    ``pca.transform(x) @ pca.components_`` is the same. Old versions of Keras took the SVD of the
    covariance, and 1e-6 as epsilon.
    """

    def _power(self, power: float) -> Array:
        # V V^T with V = U (L + epsilon)^(power / 2) is symmetric to the bit, at half the work.
        V = super()._power(power / 2)
        return product(V, V.T)
