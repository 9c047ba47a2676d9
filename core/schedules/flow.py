"""The straight-line interpolation of flow matching and rectified flow."""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.schedules.base import Schedule, Time, as_float64


@dataclass(frozen=True)
class Flow(Schedule):
    """``alpha_t = 1 - t``, ``sigma_t = t``; ``t = 1`` is noise.

    The range stops at 0.999 and 0.001, where ``lambda`` is about -6.9 and 6.9: at the very ends it is infinite.
    Source: Lipman et al. 2022 (arXiv 2210.02747), eq. 20 with sigma_min = 0 and time reversed;
    Liu et al. 2022 (arXiv 2209.03003).
    """

    t_min: float = 1e-3
    t_max: float = 0.999

    def log_alpha(self, t: Time) -> Tensor:
        return torch.log1p(-as_float64(t))

    def log_sigma(self, t: Time) -> Tensor:
        return as_float64(t).log()

    def alpha(self, t: Time) -> Tensor:
        return 1 - as_float64(t)

    def sigma(self, t: Time) -> Tensor:
        return as_float64(t).clone()

    def d_log_alpha(self, t: Time) -> Tensor:
        return -1 / (1 - as_float64(t))

    def d_log_sigma(self, t: Time) -> Tensor:
        return 1 / as_float64(t)

    def time_of(self, lam: Time) -> Tensor:
        return torch.sigmoid(-as_float64(lam))
