"""The exact denoiser of a finite data set: a mixture of point masses."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from core.models.base import Model
from core.noise import generator

BLOCK = 1 << 19  # numbers of a large data set converted to float64 at a time: 4 MB, which the allocator gives back
KEPT = 1 << 21  # numbers of a data set that is small enough to be converted once and kept: 16 MB


class EmpiricalData(Model):
    """Data that are one of ``points`` with equal chance: ``p(x) = mean_i N(alpha p_i, sigma^2 I)``.

    ``x0hat = sum_i r_i p_i`` with ``r = softmax(-|x - alpha p_i|^2 / (2 sigma^2))``, gathered block by block with a
    running maximum, so that memory grows with the block and not with the data set.

    Parameters
    ----------
    points : (M, *shape), floating point; kept as given, without a copy.

    Raises
    ------
    ValueError
        If there are no points, or numbers are not finite.
    """

    native = ("x0", "eps")
    exact = True

    def __init__(self, points: Tensor):
        if not isinstance(points, Tensor) or not points.is_floating_point() or points.ndim < 2 or 0 in points.shape:
            raise ValueError("points must be a floating-point tensor of shape (M, ...) with at least one point")
        if not all(bool(end.isfinite()) for end in points.aminmax()):  # both are NaN if any number is; no copy is made
            raise ValueError("points must be finite numbers")
        self.points = points
        self.shape = tuple(points.shape[1:])
        self._flat = points.flatten(1)
        self._kept: dict[torch.device, tuple[Tensor, Tensor]] = {}

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        """Posterior mean of x0 or of eps given ``x``, (N, *shape).

        Raises
        ------
        ValueError
            If ``kind`` is neither "x0" nor "eps", or ``x`` is not (N, *shape).
        """
        if kind not in self.native:
            raise ValueError(f"an exact data set predicts x0 or eps, not {kind!r}")
        rows = self._rows(x)
        x0, _ = self._gather(rows, alpha, sigma)
        prediction = x0 if kind == "x0" else (rows - alpha * x0) / sigma
        return prediction.reshape(x.shape).to(x)

    def log_density(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        """``log p(x)`` of the noisy data, (N,); needs ``sigma > 0``, since the data themselves have no density."""
        if not sigma > 0:
            raise ValueError("a finite data set has a density only with noise: sigma must be above 0")
        rows = self._rows(x)
        _, log_sum = self._gather(rows, alpha, sigma)
        dim = rows.shape[1]
        return (log_sum - math.log(len(self.points)) - 0.5 * dim * math.log(2 * math.pi * sigma**2)).to(x)

    def posterior_variance(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        """Variance of each number of x0 given ``x``, (N, *shape)."""
        rows = self._rows(x)
        mean, log_sum = self._gather(rows, alpha, sigma)
        norm, second = rows.square().sum(dim=1, keepdim=True), torch.zeros_like(rows)
        for block, block_norm in self._blocks(rows):
            squared = norm - (2 * alpha) * (rows @ block.T) + alpha**2 * block_norm
            weights = (squared.clamp_(min=0.0).mul_(-0.5 / sigma**2) - log_sum[:, None]).exp_()
            second += weights @ block.square() - weights.sum(dim=1, keepdim=True) * mean.square()
        return second.clamp_(min=0.0).reshape(x.shape).to(x)

    def sample(self, n: int, seed: int) -> Tensor:
        """``n`` of the points, drawn with replacement, float64; row i depends on the seed and on i only."""
        index = torch.from_numpy((generator(seed, "component").random(n) * len(self.points)).astype("int64"))
        return self.points[index].double()

    def mean(self) -> Tensor:
        """Mean of the data, (*shape), float64."""
        return self.points.mean(dim=0, dtype=torch.float64)

    def _rows(self, x: Tensor) -> Tensor:
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"x must have shape (N, {', '.join(map(str, self.shape))}), got {tuple(x.shape)}")
        return x.flatten(1).double()

    def _blocks(self, x: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows of the data and their squared norms, block by block, in float64 on the device of ``x``.

        float64 whatever the data's precision: the expanded square loses half its digits, and 1/(2 sigma^2) magnifies
        what is left by up to 5e7.
        """
        if x.device in self._kept:
            yield self._kept[x.device]
            return
        small = self._flat.numel() <= KEPT
        for rows in self._flat.split(len(self._flat) if small else max(1, BLOCK // x.shape[1])):
            with torch.inference_mode(False):  # what is kept must serve a later call with gradients too
                block = rows.to(x)
                converted = block, torch.linalg.vecdot(block, block)
            if small:
                self._kept[x.device] = converted
            yield converted

    def _gather(self, x: Tensor, alpha: float, sigma: float) -> tuple[Tensor, Tensor]:
        """Posterior mean (N, D) and log of the summed kernels (N,), both float64."""
        highest = x.new_full((len(x),), -math.inf)
        total = x.new_zeros(len(x))
        weighted = torch.zeros_like(x)
        norm = x.square().sum(dim=1, keepdim=True)
        for block, block_norm in self._blocks(x):
            squared = norm - (2 * alpha) * (x @ block.T) + alpha**2 * block_norm
            logits = squared.clamp_(min=0.0).mul_(-0.5 / sigma**2)
            new_highest = torch.maximum(highest, logits.amax(dim=1))
            shrink = (highest - new_highest).exp()
            kernels = (logits - new_highest[:, None]).exp()
            total = total * shrink + kernels.sum(dim=1)
            weighted = weighted * shrink[:, None] + kernels @ block
            highest = new_highest
        return weighted / total[:, None], highest + total.log()
