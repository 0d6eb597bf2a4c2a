r"""Whitening: rotate and scale the data until its covariance is the identity."""

import math
import zipfile
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from lrcourse.nn import Array

BLOCK = 1024  # images whose products are summed at a time


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

    Attributes, once fitted: ``mean`` (d,), ``eigenvalues`` (d,) from the largest down,
    ``eigenvectors`` U (d, d), ``W`` (d, d), ``count``, the number of images seen. Sums and
    eigenvectors are float64; W and all results have the dtype of the training data, float32 or
    float64. Like scikit-learn's ``PCA(whiten=True)``, which has no epsilon.
    """

    def __init__(self, epsilon: float = 1e-2) -> None:
        if not 0 <= epsilon < math.inf:
            raise ValueError(f"epsilon must be a finite number, 0 or more, not {epsilon}.")
        self.epsilon, self.count = epsilon, 0

    def fit(self, x: ArrayLike) -> Self:
        r"""Learn mean and covariance of a training set, and forget those learnt before.

        Args:
            x: images, (n, d); read in blocks, so it may be a memory map larger than memory. The
                sums and eigh need five (d, d) matrices, 370 MB at d = 3072, whatever n is.

        Returns:
            Itself.

        Raises:
            ValueError: x is not (n, d) numbers, has NaN, or cannot be whitened with this epsilon.
        """
        self.count = 0
        self.partial_fit(x)
        _ = self.W  # what cannot be whitened raises here, not at the first transform
        return self

    def partial_fit(self, x: ArrayLike) -> Self:
        r"""Learn from more images, for data that comes in pieces.

        Args:
            x: the next images, (n, d).

        Returns:
            Itself.

        Raises:
            ValueError: x is not (n, d) numbers, or has NaN: then all is forgotten.

        Each block adds the products about its own mean, and one row for the distance between the
        means: safe however large the mean is.
        Source: Chan, Golub & LeVeque 1979.
        """
        x = self._checked(x)
        if self.count == 0:
            d = x.shape[1]
            self.dtype = np.dtype(np.float32 if x.dtype == np.float32 else np.float64)
            self.mean, self._scatter = np.zeros(d), np.zeros((d, d))
        for name in ("_spectrum", "W", "W_inverse"):
            self.__dict__.pop(name, None)
        for start in range(0, len(x), BLOCK):
            block = x[start : start + BLOCK]
            mean = block.mean(axis=0, dtype=np.float64)
            if not np.isfinite(mean).all():
                self.count = 0
                raise ValueError(f"x has NaN or infinite values in row {start} or after it.")
            n, self.count = self.count, self.count + len(block)
            rows = np.empty((len(block) + 1, len(mean)))
            np.subtract(block, mean, out=rows[:-1])
            rows[-1] = (mean - self.mean) * math.sqrt(n * len(block) / self.count)
            self.mean += (mean - self.mean) * (len(block) / self.count)
            self._scatter += rows.T @ rows
        return self

    def transform(self, x: ArrayLike) -> Array:
        r"""Return :math:`z = (x - \mu) W`.

        Args:
            x: images, (n, d).

        Returns:
            Whitened images, (n, d).

        Raises:
            ValueError: not fitted yet, or x is not (n, d) numbers.
        """
        W, x = self.W, self._checked(x)
        return (x.astype(self.dtype, copy=False) - self.mean.astype(self.dtype)) @ W

    def inverse_transform(self, z: ArrayLike) -> Array:
        r"""Return :math:`x = z W^{-1} + \mu`.

        Args:
            z: whitened images, (n, d).

        Returns:
            Images, (n, d).

        Raises:
            ValueError: not fitted yet, or z is not (n, d) numbers.
        """
        W_inverse, z = self.W_inverse, self._checked(z)
        return z.astype(self.dtype, copy=False) @ W_inverse + self.mean.astype(self.dtype)

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
            path: the file to write, with .npz at its end.

        Raises:
            ValueError: not fitted yet.
        """
        eigenvalues, eigenvectors = self._spectrum
        with open(path, "wb") as file:  # given a name, np.savez may add to it
            np.savez(
                file,
                kind=type(self).__name__,
                epsilon=self.epsilon,
                count=self.count,
                dtype=self.dtype.name,
                mean=self.mean,
                eigenvalues=eigenvalues,
                eigenvectors=eigenvectors,
            )

    @classmethod
    def load(cls, path: str | Path) -> Self:
        r"""Read what ``save`` wrote; nothing in the file is executed.

        Args:
            path: the file to read.

        Returns:
            One that transforms alike, to the bit, and that partial_fit can go on with.

        Raises:
            ValueError: the file is damaged, or was saved by another class.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                state = dict(file)
            kind, whitening = state["kind"].item(), cls(state["epsilon"].item())
            whitening.dtype, whitening.mean = np.dtype(state["dtype"].item()), state["mean"]
            whitening.count = state["count"].item()
            spectrum = state["eigenvalues"], state["eigenvectors"]
        except (AttributeError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as e:
            raise ValueError(f"{path} was not saved by {cls.__name__}, or is damaged ({e}).") from e
        if kind != cls.__name__:
            raise ValueError(f"{path} was saved by {kind}, not by {cls.__name__}: use {kind}.load.")
        whitening._spectrum = spectrum
        whitening._scatter = (spectrum[1] * spectrum[0] * (whitening.count - 1)) @ spectrum[1].T
        return whitening

    @cached_property
    def _spectrum(self) -> tuple[Array, Array]:
        name, n, d = type(self).__name__, self.count, self._features
        if n < 2:
            raise ValueError(f"{name} needs the covariance of at least 2 images, not of {n}.")
        if self.epsilon == 0 and n <= d:
            raise ValueError(
                f"{name} with epsilon 0 needs more images than features, got {n} images of {d} "
                "features: choose an epsilon, such as 0.01."
            )
        # The same vectors as those of C = scatter / (n - 1), without another array of that size.
        eigenvalues, U = np.linalg.eigh(self._scatter)
        eigenvalues = np.maximum(eigenvalues[::-1], 0) / (n - 1)
        zeros = np.count_nonzero(eigenvalues <= d * np.finfo(float).eps * eigenvalues[0])
        if self.epsilon == 0 and zeros:
            raise ValueError(
                f"{name} with epsilon 0 cannot scale {zeros} directions of the {d}, in which the "
                "images do not vary (constant pixels?): choose an epsilon, such as 0.01."
            )
        # Both signs of an axis are right; its largest entry positive, as in scikit-learn.
        signs = np.where(U.max(axis=0) >= -U.min(axis=0), 1.0, -1.0)
        return eigenvalues, (U * signs)[:, ::-1]

    @property
    def _features(self) -> int:
        if self.count == 0:
            name = type(self).__name__
            raise ValueError(f"{name} is not fitted yet: call fit with the training images first.")
        return len(self.mean)

    def _checked(self, x: ArrayLike) -> Array:
        x = np.asarray(x)
        if x.ndim != 2 or 0 in x.shape or x.dtype.kind not in "fiub":
            raise ValueError(
                f"x must be numbers of shape (n, features), not {x.dtype} of shape {x.shape}."
            )
        if self.count and x.shape[1] != self._features:
            raise ValueError(f"x has {x.shape[1]} features, but {self._features} were fitted.")
        return x

    def _power(self, power: float) -> Array:
        return self.eigenvectors * (self.eigenvalues + self.epsilon) ** power


class ZCA(PCAWhitening):
    r"""Whiten, then rotate back: of all whitenings the one that changes the images least.

    .. math:: C = U \Lambda U^\top \qquad W = U (\Lambda + \epsilon I)^{-1/2} U^\top \qquad
        z = (x - \mu) W

    Arguments, attributes and errors are those of ``PCAWhitening``. W is symmetric, and the results
    still look like images: edges without their shades. Source: Bell & Sejnowski 1997; Krizhevsky
    2009, appendix A. scikit-learn has no ZCA: it is ``pca.transform(x) @ pca.components_`` of
    ``PCA(whiten=True)``. Old Keras took the SVD of the covariance, and 1e-6 as epsilon.
    """

    def _power(self, power: float) -> Array:
        # As V V^T with V = U (L + epsilon)^(power / 2): symmetric to the bit, at half the work.
        V = super()._power(power / 2)
        return V @ V.T
