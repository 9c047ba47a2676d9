"""Measuring the order of a solver from errors at several step counts."""

import math
from collections.abc import Sequence

import numpy as np

from core.language import message

SMALLEST_WINDOW = 3
STRAIGHT = 0.04  # largest residual of a straight line, in units of log2(error)
ABOVE_FLOOR = 10.0


class FittedOrder(float):
    """A measured order: a number, with the evidence for it.

    Attributes
    ----------
    window : (first, last) step counts of the points used; both ends included.
    residual : largest distance of those points from the line, in units of log2(error).
    margin : half width of the 95 % confidence interval of the slope.
    reliable : whether a window of at least three points ends at the finest usable steps and lies on a line within
        0.04; if not, the number describes the finest points above the floor and no order has been reached.
    reason : one sentence on how the window was chosen.
    """

    window: tuple[float, float]
    residual: float
    margin: float
    reliable: bool
    reason: str

    def __new__(
        cls,
        order: float,
        window: tuple[float, float],
        residual: float,
        margin: float,
        reliable: bool,
        reason: str,
    ) -> "FittedOrder":
        self = super().__new__(cls, order)
        self.window = (float(window[0]), float(window[1]))
        self.residual, self.margin = residual, margin
        self.reliable, self.reason = reliable, reason
        return self

    def __getnewargs__(self) -> tuple:
        return (float(self), self.window, self.residual, self.margin, self.reliable, self.reason)


def convergence_order(steps: Sequence[float], errors: Sequence[float], floor: float = 0.0) -> FittedOrder:
    """Slope of ``-log(error)`` against ``log(steps)`` over the finest window that is straight.

    Points that are not finite, zero, or within a factor 10 of ``floor`` are left out, as are points at or after which
    the error has stopped falling. What is left must end in at least three neighbouring points on a line (within 0.04 in
    log2 of the error, or 3 % of it); the longest such run is taken. A straight run at coarser steps does not count: it
    can be straight and not yet asymptotic.

    Parameters
    ----------
    steps : increasing step counts (or evaluations), at least two.
    errors : as many errors; NaN for a run that diverged.
    floor : error below which precision or the reference decides, 0 if unknown.

    Raises
    ------
    ValueError
        If the lengths differ or the steps do not increase.
    """
    n, e = np.asarray(steps, dtype=float), np.asarray(errors, dtype=float)
    if n.shape != e.shape or n.ndim != 1 or np.any(np.diff(n) <= 0) or np.any(n <= 0):
        raise ValueError(
            f"need increasing positive step counts and as many errors, got {list(steps)} and {len(e)} errors"
        )
    usable = np.isfinite(e) & (e > max(ABOVE_FLOOR * floor, 0.0))
    n, e = _before_plateau(n[usable], e[usable])
    if len(n) < 2:
        return FittedOrder(
            math.nan, (math.nan, math.nan), math.nan, math.nan, False, message("fewer than two usable points")
        )
    x, y = np.log2(n), np.log2(e)
    last = len(n)
    fits = [i for i in range(last - SMALLEST_WINDOW + 1) if _residual(x[i:], y[i:]) <= STRAIGHT]
    if fits:
        i = fits[0]
        reason = message(
            "longest straight run that reaches the finest steps: {points} points, {first:g} to {last:g} steps",
            points=last - i,
            first=n[i],
            last=n[-1],
        )
        return _fit(n, x, y, i, True, reason)
    i = max(0, last - SMALLEST_WINDOW)
    reason = message(
        "the last {points} points, {first:g} to {last:g} steps, do not lie on a line: the order is not reached",
        points=last - i,
        first=n[i],
        last=n[-1],
    )
    return _fit(n, x, y, i, False, reason)


def _before_plateau(n: np.ndarray, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop the tail where doubling the steps no longer buys at least a tenth of a power of two."""
    last = len(n)
    while last >= 2 and math.log2(e[last - 2] / e[last - 1]) < 0.1 * math.log2(n[last - 1] / n[last - 2]):
        last -= 1
    kept = last if last >= 2 else len(n)  # an error that never falls is reported as it is
    return n[:kept], e[:kept]


def _residual(x: np.ndarray, y: np.ndarray) -> float:
    fit = np.polynomial.Polynomial.fit(x, y, 1)
    return float(np.abs(y - fit(x)).max())


def _fit(n: np.ndarray, x: np.ndarray, y: np.ndarray, i: int, reliable: bool, reason: str) -> FittedOrder:
    from scipy import stats  # a third of a second to import, which a first picture need not wait for

    line, count = stats.linregress(x[i:], y[i:]), len(n) - i
    margin = math.inf if count < 3 else float(stats.t.ppf(0.975, count - 2) * line.stderr)
    return FittedOrder(-line.slope, (n[i], n[-1]), _residual(x[i:], y[i:]), margin, reliable, reason)
