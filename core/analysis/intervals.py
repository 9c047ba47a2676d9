"""How sure a measured order is: its interval over particles and over the bend of the line."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from core.analysis.convergence import FittedOrder, convergence_order

DRAWS = 1000
LEVEL = 0.95


class OrderInterval(NamedTuple):
    """A measured order and the interval it lies in; NaN where no order could be fitted."""

    order: FittedOrder
    low: float
    high: float


def _rms(errors: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    counts = np.stack([np.bincount(row, minlength=errors.shape[1]) for row in chosen])
    return np.sqrt(counts @ errors.T**2 / errors.shape[1])


def _median(errors: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return np.stack([np.median(row[chosen], axis=1) for row in errors], axis=1)


# (M, N) errors and (B, N) drawn particles to (B, M): the error over each draw of particles
MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"rms": _rms, "median": _median}


def order_interval(
    steps: list[int] | np.ndarray, errors: np.ndarray, floor: float = 0.0, measure: str = "rms", seed: int = 0
) -> OrderInterval:
    """The order of the error over all particles, and a 95 % interval around it.

    The order and its window are those of :func:`core.analysis.convergence_order`. The interval is a bootstrap: N
    particles are drawn with replacement 1000 times, the same ones at every step count, and the line is fitted again in
    the same window; 2.5 % of the slopes lie below it and 2.5 % above. It is then widened on both sides by ``2 r / w``,
    the change of slope when the ends of the line move by the largest residual ``r`` in opposite directions (``w`` is
    the width of the window, both in powers of two): particles say nothing about how straight the line is.

    Parameters
    ----------
    steps : (M,) rising step counts.
    errors : (M, N) RMS error of each particle; NaN for a run that diverged.
    floor : as in ``convergence_order``.
    measure : "rms" or "median" over particles.
    seed : of the draws.

    Raises
    ------
    ValueError
        On an unknown measure, or errors that do not have one row a step count.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3 (percentile interval).
    """
    if measure not in MEASURES:
        raise ValueError(f"measure must be one of {', '.join(MEASURES)}, got {measure!r}")
    n, errors = np.asarray(steps, dtype=float), np.asarray(errors, dtype=float)
    if errors.ndim != 2 or len(errors) != len(n) or errors.shape[1] == 0:
        raise ValueError(f"need one row of particle errors a step count ({len(n)}), got shape {errors.shape}")
    everyone = np.arange(errors.shape[1])[None]
    order = convergence_order(n, MEASURES[measure](errors, everyone)[0], floor)
    first, last = order.window
    inside = (n >= first) & (n <= last)
    if not np.isfinite(order) or inside.sum() < 2:
        return OrderInterval(order, np.nan, np.nan)
    chosen = np.random.default_rng(seed).integers(errors.shape[1], size=(DRAWS, errors.shape[1]))
    x = np.log2(n[inside])
    weights = (x - x.mean()) / np.square(x - x.mean()).sum()
    with np.errstate(divide="ignore", invalid="ignore"):  # a draw of particles without any error has no slope
        slopes = -np.log2(MEASURES[measure](errors[inside], chosen)) @ weights
    low, high = np.nanquantile(slopes, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    bend = 2 * order.residual / (x[-1] - x[0])
    return OrderInterval(order, float(low - bend), float(high + bend))
