"""A model under a noise schedule: every prediction, the probability-flow ODE and the reverse SDE."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from core.models.base import BASE, PUSH, Model
from core.models.predictions import PREDICTIONS, convert
from core.noise import normal
from core.schedules import Schedule

__all__ = ["PREDICTIONS", "Level", "Problem", "convert", "drift_coefficients", "levels_at"]


class Level(NamedTuple):
    """One time of a schedule as plain float64 numbers, so that a solver's loop touches no schedule.

    ``f = d log alpha/dt``; ``d_lam = d lambda/dt`` (negative).
    """

    t: float
    alpha: float
    sigma: float
    lam: float
    f: float
    d_lam: float

    @property
    def rho(self) -> float:
        """``sigma / alpha``."""
        return self.sigma / self.alpha

    @property
    def g_squared(self) -> float:
        """``g^2 = -2 sigma^2 d lambda/dt``."""
        return -2 * self.sigma**2 * self.d_lam


def levels_at(schedule: Schedule, times: Tensor) -> list[Level]:
    """The levels of a whole grid, ``(S + 1,)`` times, computed at once."""
    columns = (times, schedule.alpha(times), schedule.sigma(times), schedule.log_snr(times))
    rates = (schedule.f(times), schedule.d_log_snr(times))
    return [Level(*row) for row in zip(*(column.tolist() for column in (*columns, *rates)), strict=True)]


class Problem:
    """What a solver integrates: a model whose predictions are read at the levels of a schedule.

    Parameters
    ----------
    model : a :class:`core.models.base.Model`.
    schedule : a :class:`core.schedules.Schedule`.

    Every prediction takes particles ``x`` of shape ``(N, *model.shape)`` and one time ``t`` (a float or a
    0-dimensional tensor) and returns a tensor of the shape, dtype and device of ``x``.
    """

    def __init__(self, model: Model, schedule: Schedule):
        self.model = model
        self.schedule = schedule
        self._level = lru_cache(maxsize=4096)(lambda t: levels_at(schedule, torch.tensor([t], dtype=torch.float64))[0])

    def level(self, t: float | Tensor) -> Level:
        """Levels at one time.

        Raises
        ------
        ValueError
            If ``t`` is not a single number, or signal or noise vanish there.
        """
        if isinstance(t, Tensor) and t.numel() != 1:
            raise ValueError(f"all particles share one time; got {t.numel()} times")
        level = self._level(float(t))
        if not (level.alpha > 0 and level.sigma > 0):  # false for NaN as well
            raise ValueError(
                f"signal and noise must both be positive at t = {float(t):g}; "
                f"the schedule's range is {self.schedule.t_min:g} to {self.schedule.t_max:g}"
            )
        return level

    def predict(self, x: Tensor, level: Level, kind: str) -> Tensor:
        """``kind`` at a level: asked of the model directly where it can, converted otherwise.

        ``BASE`` and ``PUSH`` are the parts of eps that guidance adds up (:mod:`core.models.guidance`).
        """
        model = self.model
        if kind in (BASE, PUSH):
            return self._part(x, level, kind)
        if kind in model.native:
            return model.predict(x, level.alpha, level.sigma, kind)
        given = model.native[0]
        value = model.predict(x, level.alpha, level.sigma, given)
        return convert(value, given, kind, x, level.alpha, level.sigma)

    def _part(self, x: Tensor, level: Level, kind: str) -> Tensor:
        """One of the two parts of eps; without guidance all of it is the base."""
        if self.model.splits:
            return self.model.predict(x, level.alpha, level.sigma, kind)
        return self.predict(x, level, "eps") if kind == BASE else torch.zeros_like(x)

    def preferred(self, level: Level) -> str:
        """``"x0"`` or ``"eps"``: the one whose use in the ODE does not cancel digits here.

        Models that know both are asked for x0 in noise and for eps near the data; a model with one native
        prediction is asked for that, since converting twice gains nothing.
        """
        native = self.model.native
        if "x0" in native and "eps" in native:
            return "x0" if level.lam < 0 else "eps"
        return native[0] if native[0] in ("x0", "eps") else "eps"

    def eps(self, x: Tensor, t: float | Tensor) -> Tensor:
        """Predicted noise ``E[eps | x_t = x]``."""
        return self.predict(x, self.level(t), "eps")

    def x0(self, x: Tensor, t: float | Tensor) -> Tensor:
        """Predicted clean data ``E[x0 | x_t = x]``."""
        return self.predict(x, self.level(t), "x0")

    def v(self, x: Tensor, t: float | Tensor) -> Tensor:
        """``alpha eps - sigma x0``."""
        return self.predict(x, self.level(t), "v")

    def score(self, x: Tensor, t: float | Tensor) -> Tensor:
        """``grad log p_t(x) = -eps / sigma``."""
        return self.predict(x, self.level(t), "score")

    def velocity(self, x: Tensor, t: float | Tensor) -> Tensor:
        """Right-hand side of the probability-flow ODE, ``dx/dt = f x + g^2/(2 sigma) eps``.

        Source: Song et al. 2020 (arXiv 2011.13456), eq. 13.
        """
        return self.reverse_drift(x, t, eta=0.0)

    def reverse_drift(self, x: Tensor, t: float | Tensor, eta: float = 1.0) -> Tensor:
        """Drift of the reverse SDE with noise level ``eta``: ``f x + (1 + eta^2)/2 g^2/sigma eps``.

        Its diffusion is ``eta g``; every ``eta >= 0`` has the same marginals, and 0 is the ODE.
        Source: Song et al. 2020 (arXiv 2011.13456), eq. 6; Karras et al. 2022 (arXiv 2206.00364), eq. 6.
        """
        level = self.level(t)
        kind = self.preferred(level)
        keep, gain = drift_coefficients(level, kind, eta)
        return keep * x + gain * self.predict(x, level, kind)

    def log_density(self, x: Tensor, t: float | Tensor) -> Tensor:
        """``log p_t(x)``, shape (N,), of a model with an exact density.

        Raises
        ------
        ValueError
            If the model has none.
        """
        if not self.model.exact:
            raise ValueError("a learned model has no exact density; use a Gaussian mixture or an exact data set")
        level = self.level(t)
        return self.model.log_density(x, level.alpha, level.sigma)

    def sample_prior(self, n: int, t: float | Tensor, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
        """Starting noise ``sigma_t z``, ``(n, *shape)``: what a sampler begins with; row i depends on seed and i."""
        return (self.level(t).sigma * normal(seed, "start", shape=(n, *self.model.shape))).to(dtype)

    def sample_data(self, n: int, seed: int) -> Tensor:
        """``n`` exact samples of the data distribution, float64.

        Raises
        ------
        ValueError
            If the model is learned and has no data to draw from.
        """
        if not self.model.exact:
            raise ValueError("a learned model has no exact data distribution to sample from")
        return self.model.sample(n, seed)

    def sample_marginal(self, n: int, t: float | Tensor, seed: int) -> Tensor:
        """``n`` exact samples of ``p_t``: ``alpha_t x0 + sigma_t z``, float64."""
        return self.level(t).alpha * self.sample_data(n, seed) + self.sample_prior(n, t, seed)


def drift_coefficients(level: Level, kind: str, eta: float = 0.0) -> tuple[float, float]:
    """``(keep, gain)`` with ``drift = keep x + gain prediction`` for ``kind`` ``"eps"`` or ``"x0"``.

    In eps: ``f x - (1 + eta^2) sigma lambda' eps``; in x0 the same with ``eps = (x - alpha x0) / sigma``.
    """
    pull = (1 + eta**2) * level.d_lam
    if kind == "eps":
        return level.f, -level.sigma * pull
    return level.f - pull, level.alpha * pull
