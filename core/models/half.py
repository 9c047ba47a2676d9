"""Models for particles in half precision."""

import torch
from torch import Tensor

from core.models.base import Model

HALF = (torch.float16, torch.bfloat16)


class HalfPrecision(Model):
    """A model that is asked in float32 about particles in half precision; its answer is rounded to theirs.

    Sums over components, small variances and logarithms lose all their digits, or overflow, in 8 or 11 bits, which says
    nothing about a solver. So a model's input and output are rounded, not its inside, as in the mixed precision in
    which networks run. Particles in float32 and float64 are passed on as they are.
    """

    def __init__(self, model: Model):
        self.model = model
        self.shape, self.native, self.exact = model.shape, model.native, model.exact

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        """``kind`` for ``x``, in the precision of ``x``."""
        if x.dtype not in HALF:
            return self.model.predict(x, alpha, sigma, kind)
        return self.model.predict(x.float(), alpha, sigma, kind).to(x.dtype)

    def log_density(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        """As that of the model, in float32 for half precision."""
        return self.model.log_density(x.float() if x.dtype in HALF else x, alpha, sigma)

    def sample(self, n: int, seed: int) -> Tensor:
        """As that of the model."""
        return self.model.sample(n, seed)
