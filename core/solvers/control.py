"""Choosing the next step from the errors of the last ones."""

import math
from dataclasses import dataclass
from typing import NamedTuple

NOT_FINITE = 0.2  # factor of the step after an answer that is no number


class Attempt(NamedTuple):
    """One try of an adaptive solver.

    Attributes
    ----------
    t_from, t_to : where it began and where it would end.
    error : estimated error over the tolerance; accepted at 1 or below.
    accepted : whether the step was taken.
    nfe : evaluations that it cost.
    """

    t_from: float
    t_to: float
    error: float
    accepted: bool
    nfe: int


@dataclass(frozen=True)
class Controller:
    """``h_next = safety h e_0^(-b1/k) e_-1^(-b2/k) e_-2^(-b3/k)`` over the errors of the last accepted steps.

    ``b1 = p + i + d``, ``b2 = -(p + 2d)``, ``b3 = d``. With ``p = d = 0`` and ``i = 1`` this is the elementary control
    of the textbooks. After a rejection that control shortens the step, since the history belongs to a path that is not
    followed.

    Attributes
    ----------
    p, i, d : coefficients of the proportional, integral and differential part.
    safety : share of the step that the formula promises.
    lowest, highest : bounds of the change of a step.

    Source: Soderlind 2003, Digital filters in adaptive time-stepping, ACM Transactions on Mathematical Software 29, 1.
    """

    p: float
    i: float
    d: float
    safety: float = 0.9
    lowest: float = 0.2
    highest: float = 10.0

    def factor(self, errors: tuple[float, ...], order: int, accepted: bool) -> float:
        """What to multiply the step by; ``errors`` newest first, ``order`` that of the error estimate in h."""
        newest = errors[0]
        if not math.isfinite(newest):
            return NOT_FINITE
        if not accepted:
            return min(max(self.lowest, self.safety * newest ** (-1 / order)), self.safety)
        weights = (self.p + self.i + self.d, -(self.p + 2 * self.d), self.d)
        factor = self.safety
        for weight, error in zip(weights, errors, strict=False):
            factor *= max(error, 1e-10) ** (-weight / order)
        return min(max(self.lowest, factor), self.highest)
