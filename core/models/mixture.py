"""Gaussian mixtures: data whose score is known exactly at every noise level."""

import math
from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from core.models.base import Model
from core.noise import generator, normal

BLOCK = 1 << 18  # numbers in the largest intermediate: 2 MB in float64, which stays in cache


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
        """Posterior mean of x0 or of eps given ``x``, (N, D); differentiable in ``x``, backward and forward.

        Raises
        ------
        ValueError
            If ``kind`` is neither "x0" nor "eps", or ``x`` is not (N, D).
        """
        if kind not in self.native:
            raise ValueError(f"a mixture predicts x0 or eps, not {kind!r}")
        return self._in_blocks(lambda rows: self._average(rows, alpha, sigma, kind), x)

    def log_density(self, x: Tensor, alpha: float = 1.0, sigma: float = 0.0) -> Tensor:
        """``log p(x)`` of the noisy data ``alpha x0 + sigma eps``, (N,).

        Raises
        ------
        ValueError
            If ``x`` is not (N, D), or there is no density: point masses without noise.
        """
        self._check_density(alpha, sigma)
        return self._in_blocks(lambda rows: self._logits(rows, alpha, sigma)[0].logsumexp(dim=0), x)

    def score(self, x: Tensor, alpha: float = 1.0, sigma: float = 0.0) -> Tensor:
        """``grad log p(x)``, (N, D); of the clean density for ``sigma = 0``. Errors as in ``log_density``."""
        self._check_density(alpha, sigma)
        return self._in_blocks(lambda rows: self._average(rows, alpha, sigma, "score"), x)

    def posterior_variance(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        """Variance of each coordinate of x0 given ``x``, (N, D): within the components and between them."""
        return self._in_blocks(lambda rows: self._variance(rows, alpha, sigma), x)

    def sample(self, n: int, seed: int) -> Tensor:
        """``n`` exact draws of x0, (n, D) float64; row i depends on the seed and on i only."""
        uniform = torch.from_numpy(generator(seed, "component").random(n))
        edges = self.weights.cumsum(0)
        component = torch.searchsorted(edges, uniform * edges[-1], right=True).clamp(max=len(edges) - 1)
        noise = self.variances[component].sqrt() * normal(seed, "data", shape=(n, self.shape[0]))
        if self.axes is not None:
            noise = torch.einsum("nde,ne->nd", self.axes[component], noise)
        return self.means[component] + noise

    def part(self, components: Tensor) -> "GaussianMixture":
        """The mixture of some components (bool (K,) or whole numbers) alone, in their proportions."""
        weights = self.weights[components]
        if self.axes is None:
            return GaussianMixture(self.means[components], self.variances[components, 0].sqrt(), weights)
        return GaussianMixture(self.means[components], weights=weights, covariances=self.covariances[components])

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
            with torch.inference_mode(False):  # what is kept must serve a later call with gradients too
                self._cast[key] = tuple(part.to(x) for part in (self.means, self.weights.log(), self.variances, axes))
        return self._cast[key]

    def _check_density(self, alpha: float, sigma: float) -> None:
        if not (sigma > 0 or (alpha > 0 and bool((self.variances > 0).all()))):
            raise ValueError("a component without width has a density only with noise: sigma must be above 0")

    # Below, particles are the last axis: (K, N) and (K, D, N). With a handful of components, sums and softmax over the
    # first axis run along whole rows of particles, several times as fast as over a short last axis.

    def _logits(self, x: Tensor, alpha: float, sigma: float) -> tuple[Tensor, Tensor, Tensor]:
        """Log of each weighted component (K, N), its variances (K, 1 or D), and the offsets along its axes (K, D, N).

        The offsets are empty for round components, which do not need them.
        """
        means, log_weights, variances, axes = self._parts(x)
        variance = alpha**2 * variances + sigma**2
        dim = self.shape[0]
        log_volume = 0.5 * (dim / variance.shape[1]) * torch.log(2 * math.pi * variance).sum(dim=1)
        constant = (log_weights - log_volume)[:, None]
        # direct differences: |x|^2 - 2 x.m + |m|^2 would cancel all digits at small sigma
        centres, columns = alpha * means, x.T.contiguous()
        if self.axes is None:
            squared = (columns[0] - centres[:, :1]).square_()
            for d in range(1, dim):
                offset = columns[d] - centres[:, d : d + 1]
                squared = squared.addcmul_(offset, offset)
            return squared.mul_(-0.5 / variance).add_(constant), variance, axes
        offsets = axes.mT @ (columns - centres[:, :, None])
        return constant - 0.5 * (offsets.square() / variance[:, :, None]).sum(dim=1), variance, offsets

    def _average(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        """Mean under the responsibilities of ``gain_k (x - alpha mu_k)``, plus that of ``mu_k`` for x0; (N, D)."""
        means, _, variances, axes = self._parts(x)
        logits, variance, offsets = self._logits(x, alpha, sigma)
        responsibilities = logits.softmax(dim=0)
        gain = {"x0": alpha * variances, "eps": sigma, "score": -1.0}[kind] / variance
        if self.axes is None:
            # of mu_k: 1 - alpha gain_k = sigma^2 / V_k for x0, written so that nothing cancels
            rest = sigma**2 / variance if kind == "x0" else -alpha * gain
            slope, intercept = (torch.cat([gain, rest * means], dim=1).T @ responsibilities).split([1, len(x.T)])
            return (slope * x.T).add_(intercept).T.contiguous()
        moved = (responsibilities[:, None, :] * gain[:, :, None] * offsets).flatten(0, 1)
        total = axes.transpose(0, 1).flatten(1) @ moved
        return (total + means.T @ responsibilities if kind == "x0" else total).T.contiguous()

    def _variance(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        means, _, variances, axes = self._parts(x)
        logits, variance, offsets = self._logits(x, alpha, sigma)
        responsibilities = logits.softmax(dim=0)
        within = variances * (sigma**2 / variance)  # along the axes of each component, (K, 1 or D)
        gain = alpha * variances / variance
        if self.axes is None:
            centres = means[:, :, None] + gain[:, :, None] * (x.T - alpha * means[:, :, None])
            within = within.expand(-1, self.shape[0])
        else:
            centres = means[:, :, None] + axes @ (gain[:, :, None] * offsets)
            within = (axes.square() @ within[:, :, None])[:, :, 0]
        spread = (centres - (responsibilities[:, None] * centres).sum(dim=0)).square()
        return (responsibilities[:, None] * (spread + within[:, :, None])).sum(dim=0).T.contiguous()

    def _in_blocks(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        if x.shape[1:] != self.shape:
            raise ValueError(f"x must have shape (N, {self.shape[0]}), got {tuple(x.shape)}")
        rows = max(1, BLOCK // (len(self.means) if self.axes is None else self.means.numel()))
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
