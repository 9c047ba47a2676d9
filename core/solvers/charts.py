"""The variables in which the probability-flow ODE can be integrated.

A chart is a rescaled state ``u = x / unit(t)`` and an independent variable; in each of them the right-hand side is
``keep u + gain prediction`` for a prediction of eps or of x0. The exact solution is the same in all charts, a
numerical one is not.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from core.problem import Level, Problem, drift_coefficients, levels_at
from core.schedules import Schedule


class Chart(ABC):
    """One choice of state and independent variable."""

    symbol: str

    @abstractmethod
    def position(self, level: Level) -> float:
        """The independent variable at a level."""

    @abstractmethod
    def times_of(self, schedule: Schedule, positions: Tensor) -> Tensor:
        """The times t at which the independent variable has the values ``positions`` (float64, any shape)."""

    @abstractmethod
    def unit(self, level: Level) -> float:
        """``x / u`` at a level."""

    @abstractmethod
    def coefficients(self, level: Level, kind: str) -> tuple[float, float]:
        """``(keep, gain)`` of ``du/dposition = keep u + gain prediction``, ``kind`` being "eps" or "x0"."""

    def level_at(self, problem: Problem, position: float) -> Level:
        """The level at which the independent variable has the value ``position``."""
        return problem.level(self.times_of(problem.schedule, torch.tensor(position, dtype=torch.float64)))

    def levels_at(self, problem: Problem, positions: Sequence[float]) -> list[Level]:
        """The levels at several positions, in about the time that one takes."""
        times = self.times_of(problem.schedule, torch.tensor(positions, dtype=torch.float64))
        return levels_at(problem.schedule, times)


class TimeChart(Chart):
    """``x`` in ``t``: the equation as Song et al. 2020 write it."""

    symbol = "t"

    def position(self, level: Level) -> float:
        return level.t

    def times_of(self, schedule: Schedule, positions: Tensor) -> Tensor:
        return positions

    def unit(self, level: Level) -> float:
        return 1.0

    def coefficients(self, level: Level, kind: str) -> tuple[float, float]:
        return drift_coefficients(level, kind)


class _LambdaTime(Chart):
    """Charts whose independent variable is lambda."""

    symbol = "lambda"

    def position(self, level: Level) -> float:
        return level.lam

    def times_of(self, schedule: Schedule, positions: Tensor) -> Tensor:
        return schedule.time_of(positions)


class RhoChart(Chart):
    """``y = x / alpha`` in ``rho = sigma / alpha``, where ``dy/drho = eps`` (Karras et al. 2022; DEIS)."""

    symbol = "rho"

    def position(self, level: Level) -> float:
        return level.rho

    def times_of(self, schedule: Schedule, positions: Tensor) -> Tensor:
        return schedule.time_of(-positions.log())

    def unit(self, level: Level) -> float:
        return level.alpha

    def coefficients(self, level: Level, kind: str) -> tuple[float, float]:
        return (0.0, 1.0) if kind == "eps" else (1 / level.rho, -1 / level.rho)


class ScaledChart(_LambdaTime):
    """``y = x / alpha`` in lambda: ``dy/dlambda = -rho eps``."""

    def unit(self, level: Level) -> float:
        return level.alpha

    def coefficients(self, level: Level, kind: str) -> tuple[float, float]:
        return (0.0, -level.rho) if kind == "eps" else (-1.0, 1.0)


class NormalisedChart(_LambdaTime):
    """``u = x / sqrt(alpha^2 + sigma^2)`` in lambda: state and slope stay of order one at every noise level.

    With ``a = alpha / sqrt(alpha^2 + sigma^2)`` and ``s`` likewise, ``du/dlambda = s^2 u - s eps = a x0 - a^2 u``.
    """

    def unit(self, level: Level) -> float:
        return math.hypot(level.alpha, level.sigma)

    def coefficients(self, level: Level, kind: str) -> tuple[float, float]:
        norm = math.hypot(level.alpha, level.sigma)
        a, s = level.alpha / norm, level.sigma / norm
        return (s * s, -s) if kind == "eps" else (-a * a, a)


TIME, RHO, SCALED, NORMALISED = TimeChart(), RhoChart(), ScaledChart(), NormalisedChart()
