"""Chains of discrete noise levels, interpolated to continuous time."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from core.language import message
from core.schedules.base import Time, as_float64
from core.schedules.variance_preserving import VariancePreserving

STEPS = 1000
LOWEST_LOG_SNR = -5.1  # DPM-Solver cuts a chain here: below it, betas near one make alpha vanish


@dataclass(frozen=True)
class DiscreteChain(VariancePreserving):
    """``log alpha`` at ``t_n = n / 1000`` is half the running sum of ``log(1 - beta_n)``, linear in between.

    The knots below ``lambda = -5.1`` are dropped and ``t_max`` lies at the last one kept. Times keep their meaning
    (``1000 t`` is the number of the step), which the embedding of a discrete-time network relies on; the authors'
    code instead stretches the kept knots over (0, 1]. Levels at a given lambda are the same.

    Source: Ho et al. 2020 (arXiv 2006.11239) for the chain; Lu et al. 2022 (arXiv 2206.00927), appendix D.1, for
    the interpolation.
    """

    chain: ClassVar[int] = STEPS

    t_min: float = 1 / STEPS
    t_max: float = 1.0

    def betas(self) -> Tensor:
        """The 1000 noise rates ``beta_1 .. beta_1000``, float64."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        if self.t_min < 1 / STEPS:
            raise ValueError(
                message(
                    "t_min must be at least 1/{steps}, the first step of the chain; got {t_min}",
                    steps=STEPS,
                    t_min=self.t_min,
                )
            )
        if self.t_max <= 1:
            object.__setattr__(self, "t_max", min(self.t_max, len(self._knots) / STEPS))
        super().__post_init__()

    @cached_property
    def _knots(self) -> Tensor:
        log_alpha = 0.5 * torch.log1p(-self.betas()).cumsum(0)
        log_snr = log_alpha - 0.5 * torch.log(-torch.expm1(2 * log_alpha))
        return log_alpha[log_snr >= LOWEST_LOG_SNR]

    def _segment(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Index of the knot to the left of ``t`` and the distance to it in steps."""
        position = t * STEPS - 1
        left = position.floor().clamp(0, len(self._knots) - 2)
        return left.long(), position - left

    def log_alpha(self, t: Time) -> Tensor:
        left, offset = self._segment(as_float64(t))
        return self._knots[left] + offset * (self._knots[left + 1] - self._knots[left])

    def d_log_alpha(self, t: Time) -> Tensor:
        left, _ = self._segment(as_float64(t))
        return STEPS * (self._knots[left + 1] - self._knots[left])

    def time_of_log_alpha(self, log_alpha: Tensor) -> Tensor:
        knots = self._knots
        left = (torch.searchsorted(-knots, -log_alpha.contiguous()) - 1).clamp(0, len(knots) - 2)
        offset = (log_alpha - knots[left]) / (knots[left + 1] - knots[left])
        return (left + 1 + offset) / STEPS


@dataclass(frozen=True)
class DdpmLinear(DiscreteChain):
    """1000 betas from 1e-4 to 0.02 in equal steps. Source: Ho et al. 2020 (arXiv 2006.11239), section 4."""

    def betas(self) -> Tensor:
        return torch.linspace(1e-4, 0.02, STEPS, dtype=torch.float64)


@dataclass(frozen=True)
class DdpmCosine(DiscreteChain):
    """1000 betas, at most 0.999, whose products follow a squared cosine.

    Source: Nichol and Dhariwal 2021 (arXiv 2102.09672), eq. 17.
    """

    def betas(self) -> Tensor:
        angle = 0.5 * math.pi * (torch.arange(STEPS + 1, dtype=torch.float64) / STEPS + 0.008) / 1.008
        alpha_bar = torch.cos(angle) ** 2
        return torch.clamp(1 - alpha_bar[1:] / alpha_bar[:-1], max=0.999)
