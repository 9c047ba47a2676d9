"""Measuring the order of a solver from errors at several step counts."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

SMALLEST_WINDOW = 3
STRAIGHT = 0.03  # largest residual of a straight line, in units of log2(error)
ABOVE_FLOOR = 10.0


class FittedOrder(float):
    """A measured order: a number, with the evidence for it.

    Attributes
    ----------
    window : (first, last) step counts of the points used; both ends included.
    residual : largest distance of those points from the line, in units of log2(error).
    margin : half width of the 95 % confidence interval of the slope.
    reliable : whether a window of at least three points lies on a line within 0.03; if not, the number is a
        description of the finest points above the floor and no order has been reached.
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
    the error has stopped falling. Of the windows of at least three neighbouring points that lie on a line within 0.03
    (in log2 of the error, or 2 % of it), those that reach the finest steps are taken, and of these the longest: a
    longer one at coarser steps may be straight and not yet asymptotic.

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
        return FittedOrder(math.nan, (math.nan, math.nan), math.nan, math.nan, False, "fewer than two usable points")
    x, y = np.log2(n), np.log2(e)
    windows = [(i, j) for i in range(len(n)) for j in range(i + SMALLEST_WINDOW, len(n) + 1)]
    straight = [(j, j - i, i) for i, j in windows if _residual(x[i:j], y[i:j]) <= STRAIGHT]
    if straight:
        j, _, i = max(straight)
        reason = f"finest straight run: {j - i} points from {n[i]:g} to {n[j - 1]:g} steps"
        return _fit(n, x, y, i, j, True, reason)
    i = max(0, len(n) - SMALLEST_WINDOW)
    reason = "no three neighbouring points lie on a line: the order is not reached in this range"
    return _fit(n, x, y, i, len(n), False, reason)


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


def _fit(n: np.ndarray, x: np.ndarray, y: np.ndarray, i: int, j: int, reliable: bool, reason: str) -> FittedOrder:
    line = stats.linregress(x[i:j], y[i:j])
    margin = math.inf if j - i < 3 else float(stats.t.ppf(0.975, j - i - 2) * line.stderr)
    return FittedOrder(-line.slope, (n[i], n[j - 1]), _residual(x[i:j], y[i:j]), margin, reliable, reason)
