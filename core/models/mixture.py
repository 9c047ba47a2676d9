"""Gaussian mixtures: data whose score is known exactly at every noise level."""

import math
from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from core.models.base import Model
from core.noise import generator, normal

BLOCK = 1 << 20  # numbers in the largest intermediate: 8 MB in float64, which stays in cache


class GaussianMixture(Model):
    """Data ``p(x0) = sum_k w_k N(mu_k, S_k)``, with exact predictions at every ``(alpha, sigma)``.

    ``x = alpha x0 + sigma eps`` has density ``p(x) = sum_k w_k N(alpha mu_k, V_k)``, ``V_k = alpha^2 S_k + sigma^2 I``.
    Each component's posterior means are ``mu_k + alpha S_k V_k^-1 d_k`` for x0 and ``sigma V_k^-1 d_k`` for eps, with
    ``d_k = x - alpha mu_k``; the prediction is their average under the responsibilities of the components.

    Parameters
    ----------
    means : (K, D).
    std : one number or (K,), at least 0 (a point mass).
    weights : (K,), positive, normalised inside; equal if None.
    covariances : (K, D, D), symmetric, positive semidefinite; instead of ``std``.

    Raises
    ------
    ValueError
        If shapes do not fit, numbers are not finite, a std is negative, a weight is not positive, a covariance is not
        symmetric positive semidefinite, or not exactly one of ``std`` and ``covariances`` is given.
    """

    native = ("x0", "eps")
    exact = True

    def __init__(
        self,
        means: Tensor,
        std: float | Tensor | None = None,
        weights: Tensor | None = None,
        *,
        covariances: Tensor | None = None,
    ):
        self.means = _finite(means, "means")
        if self.means.ndim != 2 or 0 in self.means.shape:
            raise ValueError(f"means must have shape (K, D), got {tuple(self.means.shape)}")
        count, dim = self.means.shape
        self.shape = (dim,)
        self.weights = _checked_weights(weights, count)
        if (std is None) == (covariances is None):
            raise ValueError("give the widths either as std or as covariances")
        self.axes: Tensor | None = None  # (K, D, D): columns are the principal axes; None where all widths are equal
        if covariances is None:
            self.variances = _checked_std(std, count).square()[:, None]  # (K, 1)
        else:
            self.variances, self.axes = _decomposed(covariances, count, dim)  # (K, D), (K, D, D)
        self._cast: dict[tuple[torch.dtype, torch.device], tuple[Tensor, ...]] = {}

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        """Posterior mean of x0 or of eps given ``x``, (N, D).

        Raises
        ------
        ValueError
            If ``kind`` is neither "x0" nor "eps".
        """
        if kind not in self.native:
            raise ValueError(f"a mixture predicts x0 or eps, not {kind!r}")
        function = self._predict_isotropic if self.axes is None else self._predict_full
        return self._in_blocks(lambda rows: function(rows, alpha, sigma, kind), x)

    def log_density(self, x: Tensor, alpha: float = 1.0, sigma: float = 0.0) -> Tensor:
        """``log p(x)`` of the noisy data ``alpha x0 + sigma eps``, (N,)."""
        return self._in_blocks(lambda rows: torch.logsumexp(self._log_parts(rows, alpha, sigma)[0], dim=1), x)

    def score(self, x: Tensor, alpha: float = 1.0, sigma: float = 0.0) -> Tensor:
        """``grad log p(x)``, (N, D); of the clean density for ``sigma = 0`` where all widths are positive."""
        if sigma > 0:
            return self.predict(x, alpha, sigma, "eps") / -sigma

        def exact_score(rows: Tensor) -> Tensor:
            logits, offsets, variance = self._log_parts(rows, alpha, sigma)
            responsibilities = logits.softmax(dim=1)
            if self.axes is None:
                return -torch.einsum("nk,nkd->nd", responsibilities / variance[:, 0], offsets)
            return -torch.einsum("nk,kde,nke->nd", responsibilities, self._parts(rows)[3], offsets / variance)

        return self._in_blocks(exact_score, x)

    def sample(self, n: int, seed: int) -> Tensor:
        """``n`` exact draws of x0, (n, D) float64; row i depends on the seed and on i only."""
        uniform = torch.from_numpy(generator(seed, "component").random(n))
        edges = self.weights.cumsum(0)
        component = torch.searchsorted(edges, uniform * edges[-1], right=True).clamp(max=len(edges) - 1)
        noise = self.variances[component].sqrt() * normal(seed, "data", shape=(n, self.shape[0]))
        if self.axes is not None:
            noise = torch.einsum("nde,ne->nd", self.axes[component], noise)
        return self.means[component] + noise

    def mean(self) -> Tensor:
        """Mean of the data, (D,)."""
        return self.weights @ self.means

    def covariance(self) -> Tensor:
        """Covariance of the data, (D, D): within the components and between them."""
        between = self.means - self.mean()
        within = torch.einsum("k,kde->de", self.weights, self.covariances)
        return within + torch.einsum("k,kd,ke->de", self.weights, between, between)

    @cached_property
    def covariances(self) -> Tensor:
        """Covariances of the components, (K, D, D)."""
        if self.axes is None:
            return self.variances[:, :, None] * torch.eye(self.shape[0], dtype=torch.float64)
        return torch.einsum("kde,ke,kfe->kdf", self.axes, self.variances, self.axes)

    def _parts(self, x: Tensor) -> tuple[Tensor, ...]:
        """Means, log weights, variances and axes in the precision and place of ``x``, cast once."""
        key = (x.dtype, x.device)
        if key not in self._cast:
            axes = self.axes if self.axes is not None else torch.empty(0, dtype=torch.float64)
            self._cast[key] = tuple(part.to(x) for part in (self.means, self.weights.log(), self.variances, axes))
        return self._cast[key]

    def _log_parts(self, x: Tensor, alpha: float, sigma: float) -> tuple[Tensor, Tensor, Tensor]:
        """Log of each weighted component (N, K), offsets along its axes (N, K, D), its variances (K, 1 or D)."""
        means, log_weights, variances, axes = self._parts(x)
        variance = alpha**2 * variances + sigma**2
        offsets = x[:, None, :] - alpha * means
        if self.axes is not None:
            offsets = torch.einsum("nkd,kde->nke", offsets, axes)
        dim = self.shape[0]
        log_volume = 0.5 * (dim / variance.shape[1]) * torch.log(2 * math.pi * variance).sum(dim=1)
        logits = log_weights - log_volume - 0.5 * (offsets.square() / variance).sum(dim=2)
        return logits, offsets, variance

    def _predict_full(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        logits, offsets, variance = self._log_parts(x, alpha, sigma)
        means, _, variances, axes = self._parts(x)
        responsibilities = logits.softmax(dim=1)
        gain = sigma / variance if kind == "eps" else alpha * variances / variance
        moved = torch.einsum("nk,kde,nke->nd", responsibilities, axes, gain * offsets)
        return moved if kind == "eps" else moved + responsibilities @ means

    def _predict_isotropic(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        means, log_weights, variances, _ = self._parts(x)
        variance = alpha**2 * variances[:, 0] + sigma**2
        constant = log_weights - 0.5 * self.shape[0] * variance.log()
        # direct differences: |x|^2 - 2 x.m + |m|^2 would cancel all digits at small sigma
        squared = torch.cdist(x, alpha * means, compute_mode="donot_use_mm_for_euclid_dist").square_()
        responsibilities = squared.mul_(-0.5 / variance).add_(constant).softmax(dim=1)
        gain = sigma / variance if kind == "eps" else alpha * variances[:, 0] / variance
        # sum_k r_k gain_k (x - alpha mu_k)
        weighted = responsibilities * gain
        offset = weighted.sum(dim=1, keepdim=True) * x - weighted @ (alpha * means)
        return offset if kind == "eps" else offset + responsibilities @ means

    def _in_blocks(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        per_row = self.means.numel() if self.axes is not None else 2 * len(self.means)
        rows = max(1, BLOCK // per_row)
        return function(x) if len(x) <= rows else torch.cat([function(part) for part in x.split(rows)])


def _finite(values: Tensor, what: str) -> Tensor:
    values = torch.as_tensor(values, dtype=torch.float64).detach().cpu()
    if not bool(torch.isfinite(values).all()):
        raise ValueError(f"{what} must be finite numbers")
    return values


def _checked_weights(weights: Tensor | None, count: int) -> Tensor:
    if weights is None:
        return torch.full((count,), 1 / count, dtype=torch.float64)
    weights = _finite(weights, "weights")
    if weights.shape != (count,) or not bool((weights > 0).all()):
        raise ValueError(f"weights must be {count} positive numbers, got {weights.tolist()[:8]}")
    return weights / weights.sum()


def _checked_std(std: float | Tensor, count: int) -> Tensor:
    std = _finite(std, "std")
    if std.ndim > 1 or (std.ndim == 1 and len(std) != count) or not bool((std >= 0).all()):
        raise ValueError(f"std must be one number or {count} numbers, none negative; got shape {tuple(std.shape)}")
    return std.expand(count).clone()


def _decomposed(covariances: Tensor, count: int, dim: int) -> tuple[Tensor, Tensor]:
    covariances = _finite(covariances, "covariances")
    if covariances.shape != (count, dim, dim):
        raise ValueError(f"covariances must have shape {(count, dim, dim)}, got {tuple(covariances.shape)}")
    scale = covariances.abs().amax()
    if not torch.allclose(covariances, covariances.mT, rtol=0.0, atol=float(1e-12 * scale)):
        raise ValueError("covariances must be symmetric")
    variances, axes = torch.linalg.eigh(covariances)
    if bool((variances < -1e-12 * scale).any()):
        raise ValueError(f"covariances must be positive semidefinite; the smallest eigenvalue is {variances.min():g}")
    return variances.clamp(min=0.0), axes
