"""Forward processes built on ``alpha`` with ``sigma^2 = 1 - alpha^2`` (and the sub-VP relative of the first)."""

import math
from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from core.language import message
from core.schedules.base import Schedule, Time, as_float64


@dataclass(frozen=True)
class VariancePreserving(Schedule):
    """``alpha_t^2 + sigma_t^2 = 1``: data of unit variance keep unit variance.

    A subclass gives ``log alpha``, its derivative and the inverse of ``log alpha``.
    """

    @abstractmethod
    def time_of_log_alpha(self, log_alpha: Tensor) -> Tensor:
        """The time at which ``log alpha_t`` has the given (negative) value."""

    def sigma(self, t: Time) -> Tensor:
        # expm1 keeps all digits where alpha is close to one
        return torch.sqrt(-torch.expm1(2 * self.log_alpha(t)))

    def log_sigma(self, t: Time) -> Tensor:
        return 0.5 * torch.log(-torch.expm1(2 * self.log_alpha(t)))

    def d_log_sigma(self, t: Time) -> Tensor:
        # from alpha alpha' + sigma sigma' = 0
        return -self.snr(t) * self.d_log_alpha(t)

    def time_of(self, lam: Time) -> Tensor:
        # alpha^2 = sigmoid(2 lambda)
        return self.time_of_log_alpha(0.5 * logsigmoid(2 * as_float64(lam)))


@dataclass(frozen=True)
class LinearBeta(Schedule):
    """The signal that fades at the rate ``beta(t) = beta_min + t (beta_max - beta_min)``, whatever the noise does.

    ``log alpha = -t^2 (beta_max - beta_min)/4 - t beta_min/2``.
    """

    beta_min: float = 0.1
    beta_max: float = 20.0
    t_min: float = 1e-4
    t_max: float = 1.0

    def __post_init__(self) -> None:
        check_betas(self.beta_min, self.beta_max)
        super().__post_init__()

    def log_alpha(self, t: Time) -> Tensor:
        return linear_beta_log_alpha(as_float64(t), self.beta_min, self.beta_max)

    def d_log_alpha(self, t: Time) -> Tensor:
        return -0.5 * (self.beta_min + as_float64(t) * (self.beta_max - self.beta_min))


@dataclass(frozen=True)
class VpLinear(LinearBeta, VariancePreserving):
    """``beta(t) = beta_min + t (beta_max - beta_min)``, ``log alpha = -t^2 (beta_max - beta_min)/4 - t beta_min/2``.

    Source: Song et al. 2020 (arXiv 2011.13456), appendix C, VP SDE.
    """

    def time_of_log_alpha(self, log_alpha: Tensor) -> Tensor:
        return linear_beta_time(log_alpha, self.beta_min, self.beta_max)


@dataclass(frozen=True)
class SubVp(LinearBeta):
    """The alpha of ``VpLinear`` with the smaller ``sigma_t = 1 - alpha_t^2``.

    Source: Song et al. 2020 (arXiv 2011.13456), appendix C, sub-VP SDE: ``g^2 = beta (1 - alpha^4)``.
    """

    t_min: float = 1e-3

    def sigma(self, t: Time) -> Tensor:
        return -torch.expm1(2 * self.log_alpha(t))

    def log_sigma(self, t: Time) -> Tensor:
        return torch.log(self.sigma(t))

    def d_log_sigma(self, t: Time) -> Tensor:
        return -2 * (2 * self.log_alpha(t)).exp() * self.d_log_alpha(t) / self.sigma(t)

    def time_of(self, lam: Time) -> Tensor:
        # alpha / (1 - alpha^2) = exp(lambda) has the solution log alpha = -asinh(exp(-lambda) / 2)
        return linear_beta_time(-torch.asinh(0.5 * (-as_float64(lam)).exp()), self.beta_min, self.beta_max)


@dataclass(frozen=True)
class VpCosine(VariancePreserving):
    """``alpha_t = cos(a_t) / cos(a_0)`` with the angle ``a_t = (pi/2) (t + s) / (1 + s)``.

    ``t_max`` stops short of 1, where alpha vanishes; 0.9946 is DPM-Solver's choice.
    Source: Nichol and Dhariwal 2021 (arXiv 2102.09672), eq. 17; Lu et al. 2022 (arXiv 2206.00927), appendix D.
    """

    s: float = 0.008
    t_min: float = 1e-4
    t_max: float = 0.9946

    def __post_init__(self) -> None:
        if not 0 < self.s < 1:
            raise ValueError(message("the cosine offset s must lie between 0 and 1, got {s}", s=self.s))
        if self.t_max >= 1:  # in floating point the cosine of a right angle is not quite zero
            raise ValueError(
                message(
                    "t_max must be below 1 for the cosine schedule, where alpha vanishes; got {t_max}", t_max=self.t_max
                )
            )
        super().__post_init__()

    @property
    def _first_angle(self) -> float:
        return 0.5 * math.pi * self.s / (1 + self.s)

    def _angle(self, t: Time) -> Tensor:
        return 0.5 * math.pi * (as_float64(t) + self.s) / (1 + self.s)

    def log_alpha(self, t: Time) -> Tensor:
        # log(1 - sigma^2)/2 near the data end, where the logarithm of the ratio of cosines would cancel
        ratio = torch.cos(self._angle(t)).log() - math.log(math.cos(self._first_angle))
        near_data = 0.5 * torch.log1p(-torch.clamp(self._variance(t), max=0.5))
        return torch.where(self._variance(t) < 0.5, near_data, ratio)

    def _variance(self, t: Time) -> Tensor:
        # cos^2 a_0 - cos^2 a_t as a product, which keeps all digits at small t
        step = 0.5 * math.pi * as_float64(t) / (1 + self.s)
        return torch.sin(step) * torch.sin(self._angle(t) + self._first_angle) / math.cos(self._first_angle) ** 2

    def sigma(self, t: Time) -> Tensor:
        return self._variance(t).sqrt()

    def log_sigma(self, t: Time) -> Tensor:
        return 0.5 * self._variance(t).log()

    def d_log_alpha(self, t: Time) -> Tensor:
        return -0.5 * math.pi / (1 + self.s) * torch.tan(self._angle(t))

    def time_of_log_alpha(self, log_alpha: Tensor) -> Tensor:
        cos_first, sin_first = math.cos(self._first_angle), math.sin(self._first_angle)
        variance = -torch.expm1(2 * log_alpha)
        cosine = log_alpha.exp() * cos_first
        sine = torch.sqrt(sin_first**2 + variance * cos_first**2)
        # sine and cosine of the difference to the first angle, by the product and the addition formula: neither
        # cancels, and the arc tangent of both is well-conditioned at both ends
        sine_of_sum = sine * cos_first + cosine * sin_first
        step = torch.atan2(variance * cos_first**2 / sine_of_sum, cosine * cos_first + sine * sin_first)
        return step * (1 + self.s) / (0.5 * math.pi)


@dataclass(frozen=True)
class Vdm(VariancePreserving):
    """``lambda`` falls linearly in t: ``-2 lambda_t = gamma_min + t (gamma_max - gamma_min)``.

    Source: Kingma et al. 2021 (arXiv 2107.00630), the fixed linear ``gamma`` of appendix A.
    """

    gamma_min: float = -13.3
    gamma_max: float = 5.0
    t_min: float = 0.0
    t_max: float = 1.0

    def __post_init__(self) -> None:
        if not self.gamma_min < self.gamma_max:
            raise ValueError(
                message(
                    "gamma_min = {gamma_min} must be below gamma_max = {gamma_max}",
                    gamma_min=self.gamma_min,
                    gamma_max=self.gamma_max,
                )
            )
        super().__post_init__()

    def _gamma(self, t: Time) -> Tensor:
        return self.gamma_min + as_float64(t) * (self.gamma_max - self.gamma_min)

    def log_alpha(self, t: Time) -> Tensor:
        return 0.5 * logsigmoid(-self._gamma(t))

    def sigma(self, t: Time) -> Tensor:
        return self.log_sigma(t).exp()

    def log_sigma(self, t: Time) -> Tensor:
        return 0.5 * logsigmoid(self._gamma(t))

    def d_log_alpha(self, t: Time) -> Tensor:
        return -0.5 * (self.gamma_max - self.gamma_min) * torch.sigmoid(self._gamma(t))

    def time_of_log_alpha(self, log_alpha: Tensor) -> Tensor:
        return self.time_of(log_alpha - 0.5 * torch.log(-torch.expm1(2 * log_alpha)))

    def time_of(self, lam: Time) -> Tensor:
        return (-2 * as_float64(lam) - self.gamma_min) / (self.gamma_max - self.gamma_min)


def check_betas(beta_min: float, beta_max: float) -> None:
    """Raise ``ValueError`` unless ``0 < beta_min < beta_max``."""
    if not 0 < beta_min < beta_max:
        raise ValueError(
            message(
                "the noise rates must satisfy 0 < beta_min < beta_max, got {beta_min} and {beta_max}",
                beta_min=beta_min,
                beta_max=beta_max,
            )
        )


def linear_beta_log_alpha(t: Tensor, beta_min: float, beta_max: float) -> Tensor:
    """``-1/2`` times the integral of ``beta`` from 0 to ``t``."""
    return -t * (0.5 * beta_min + 0.25 * t * (beta_max - beta_min))


def linear_beta_time(log_alpha: Tensor, beta_min: float, beta_max: float) -> Tensor:
    """Inverse of :func:`linear_beta_log_alpha`, in the form of the quadratic formula that does not cancel."""
    half = 0.5 * beta_min
    return -2 * log_alpha / (half + torch.sqrt(half**2 - (beta_max - beta_min) * log_alpha))
