"""Forward processes that leave the signal alone (``alpha = 1``) and let the noise grow."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from core.language import message
from core.schedules.base import Schedule, Time, as_float64


@dataclass(frozen=True)
class VarianceExploding(Schedule):
    """``alpha = 1``, ``sigma_t = sigma_min (sigma_max / sigma_min)^t``: lambda is linear in t.

    Source: Song et al. 2020 (arXiv 2011.13456), appendix C, VE SDE.
    """

    sigma_min: float = 0.01
    sigma_max: float = 50.0
    t_min: float = 0.0
    t_max: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.sigma_min < self.sigma_max < math.inf:
            raise ValueError(
                message(
                    "the noise levels must satisfy 0 < sigma_min < sigma_max, got {sigma_min} and {sigma_max}",
                    sigma_min=self.sigma_min,
                    sigma_max=self.sigma_max,
                )
            )
        super().__post_init__()

    @property
    def _rate(self) -> float:
        return math.log(self.sigma_max / self.sigma_min)

    def log_alpha(self, t: Time) -> Tensor:
        return torch.zeros_like(as_float64(t))

    def log_sigma(self, t: Time) -> Tensor:
        return math.log(self.sigma_min) + self._rate * as_float64(t)

    def d_log_alpha(self, t: Time) -> Tensor:
        return torch.zeros_like(as_float64(t))

    def d_log_sigma(self, t: Time) -> Tensor:
        return torch.full_like(as_float64(t), self._rate)

    def time_of(self, lam: Time) -> Tensor:
        return (-as_float64(lam) - math.log(self.sigma_min)) / self._rate


@dataclass(frozen=True)
class Edm(Schedule):
    """``alpha = 1``, ``sigma_t = t``: time is the noise level.

    Source: Karras et al. 2022 (arXiv 2206.00364), table 1, with the range 0.002 to 80 of its sampler.
    """

    domain: ClassVar[tuple[float, float]] = (0.0, math.inf)

    t_min: float = 0.002
    t_max: float = 80.0

    def log_alpha(self, t: Time) -> Tensor:
        return torch.zeros_like(as_float64(t))

    def log_sigma(self, t: Time) -> Tensor:
        return as_float64(t).log()

    def sigma(self, t: Time) -> Tensor:
        return as_float64(t).clone()

    def d_log_alpha(self, t: Time) -> Tensor:
        return torch.zeros_like(as_float64(t))

    def d_log_sigma(self, t: Time) -> Tensor:
        return 1 / as_float64(t)

    def time_of(self, lam: Time) -> Tensor:
        return (-as_float64(lam)).exp()
