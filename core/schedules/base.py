"""The signal and noise levels of a forward process, and everything that follows from them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from core.language import message

Time = float | Tensor


def as_float64(value: Time) -> Tensor:
    """``value`` as a float64 tensor (a 0-dimensional one for a number)."""
    return torch.as_tensor(value, dtype=torch.float64)


@dataclass(frozen=True)
class Schedule(ABC):
    """A forward process ``x_t = alpha_t x0 + sigma_t eps`` on ``t_min <= t <= t_max``.

    A subclass gives ``log alpha`` and ``log sigma``, their time derivatives and the inverse of ``lambda``; every
    other quantity is derived here, once. Each method takes a float or a tensor of times and returns a float64
    tensor of the same shape.

    Attributes
    ----------
    t_min, t_max : the range that grids may use: ``t_max`` is the noise end, ``t_min`` the data end. Both exclude
        the times at which ``lambda`` is infinite.
    domain : the times for which the formulas hold, as ``(lowest, highest)``.
    chain : number of levels of the discrete chain that this interpolates, at ``t = n / chain``; 0 if it is none.

    Raises
    ------
    ValueError
        If ``t_min < t_max`` do not lie inside ``domain``, or ``lambda`` is infinite at one of them.
    """

    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)
    chain: ClassVar[int] = 0

    t_min: float
    t_max: float

    def __post_init__(self) -> None:
        low, high = self.domain
        if not low <= self.t_min < self.t_max <= high:
            raise ValueError(
                message(
                    "t_min = {t_min} and t_max = {t_max} must satisfy {low} <= t_min < t_max <= {high}",
                    t_min=self.t_min,
                    t_max=self.t_max,
                    low=low,
                    high=high,
                )
            )
        ends = torch.tensor([self.t_min, self.t_max], dtype=torch.float64)
        usable = torch.isfinite(self.log_snr(ends)) & (self.alpha(ends) > 0) & (self.sigma(ends) > 0)
        if not bool(usable.all()):
            raise ValueError(
                message(
                    "signal and noise must both be positive from t_min = {t_min} to t_max = {t_max}; at t = {ends} "
                    "one of them vanishes",
                    t_min=self.t_min,
                    t_max=self.t_max,
                    ends=float(ends[~usable][0]),
                )
            )

    @abstractmethod
    def log_alpha(self, t: Time) -> Tensor:
        """``log alpha_t``."""

    @abstractmethod
    def log_sigma(self, t: Time) -> Tensor:
        """``log sigma_t``."""

    @abstractmethod
    def d_log_alpha(self, t: Time) -> Tensor:
        """``d log alpha_t / dt``, the linear drift rate ``f(t)`` of the forward SDE."""

    @abstractmethod
    def d_log_sigma(self, t: Time) -> Tensor:
        """``d log sigma_t / dt``."""

    @abstractmethod
    def time_of(self, lam: Time) -> Tensor:
        """The time at which the half log-SNR is ``lam``: the inverse of ``log_snr``."""

    def alpha(self, t: Time) -> Tensor:
        """Signal level ``alpha_t``."""
        return self.log_alpha(t).exp()

    def sigma(self, t: Time) -> Tensor:
        """Noise level ``sigma_t``."""
        return self.log_sigma(t).exp()

    def log_snr(self, t: Time) -> Tensor:
        """Half log signal-to-noise ratio ``lambda_t = log(alpha_t / sigma_t)``; falls strictly as t rises."""
        return self.log_alpha(t) - self.log_sigma(t)

    def snr(self, t: Time) -> Tensor:
        """Signal-to-noise ratio ``alpha_t^2 / sigma_t^2 = exp(2 lambda_t)``."""
        return (2 * self.log_snr(t)).exp()

    def rho(self, t: Time) -> Tensor:
        """``sigma_t / alpha_t = exp(-lambda_t)``: the noise level of the scaled variable ``y = x / alpha``."""
        return (-self.log_snr(t)).exp()

    def d_log_snr(self, t: Time) -> Tensor:
        """``d lambda_t / dt``, negative."""
        return self.d_log_alpha(t) - self.d_log_sigma(t)

    def f(self, t: Time) -> Tensor:
        """Linear drift rate of the forward SDE ``dx = f x dt + g dw``: ``f = d log alpha / dt``."""
        return self.d_log_alpha(t)

    def g_squared(self, t: Time) -> Tensor:
        """Squared diffusion ``g^2 = d sigma^2/dt - 2 f sigma^2 = -2 sigma^2 d lambda/dt``."""
        return -2 * self.sigma(t) ** 2 * self.d_log_snr(t)
