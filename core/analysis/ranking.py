"""Which of several methods errs least, and how sure that is: one set of particles, drawn again the same for all."""

from typing import NamedTuple

import numpy as np

from core.analysis.intervals import DRAWS, LEVEL, MEASURES


class Standing(NamedTuple):
    """One method among others.

    Attributes
    ----------
    error : over all particles; NaN for a method without an end.
    low, high : its 95 % interval.
    behind_low, behind_high : 95 % interval of its error less that of the best.
    first : share of the draws in which nothing errs less; draws won together are shared.
    same : whether it differs from the best by no more than rounding in every draw.
    equal : whether it cannot be told from the best: its interval behind it covers 0. True for the best itself.
    """

    error: float
    low: float
    high: float
    behind_low: float
    behind_high: float
    first: float
    same: bool
    equal: bool


NOWHERE = Standing(np.nan, np.nan, np.nan, np.nan, np.nan, 0.0, False, False)


def paired_standings(
    errors: np.ndarray, measure: str = "median", floor: float = 0.0, seed: int = 0, draws: int = DRAWS
) -> list[Standing]:
    """Each method's standing, in the order given.

    A paired bootstrap: N particles are drawn with replacement ``draws`` times, the same ones for every method, so that
    particles that are hard for all of them cancel in the differences. The intervals are 2.5 % to 97.5 % of the draws.
    The best is the method with the least error over the particles themselves.

    Parameters
    ----------
    errors : (M, N) float64, error of each particle; a row with NaN is a method that did not reach the end.
    measure : "median" or "rms" over particles.
    floor : differences up to this are none, such as the accuracy of the reference.
    seed : of the draws.

    Raises
    ------
    ValueError
        On an unknown measure, or errors that are not one row a method with at least one particle.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 8.3 and 13.3.
    """
    if measure not in MEASURES:
        raise ValueError(f"measure must be one of {', '.join(MEASURES)}, got {measure!r}")
    errors = np.asarray(errors, dtype=float)
    if errors.ndim != 2 or errors.shape[1] == 0:
        raise ValueError(f"need one row of particle errors a method, got shape {errors.shape}")
    ended = np.flatnonzero(np.isfinite(errors).all(axis=1))
    standings = [NOWHERE] * len(errors)
    if not len(ended):
        return standings
    over = MEASURES[measure]
    values = over(errors[ended], np.arange(errors.shape[1])[None])[0]
    best = int(np.argmin(values))
    chosen = np.random.default_rng(seed).integers(errors.shape[1], size=(draws, errors.shape[1]))
    drawn = over(errors[ended], chosen)
    behind = drawn - drawn[:, [best]]
    share = drawn <= drawn.min(axis=1, keepdims=True) + floor
    first = (share / share.sum(axis=1, keepdims=True)).mean(axis=0)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    low, high = np.quantile(drawn, tails, axis=0)
    behind_low, behind_high = np.quantile(behind, tails, axis=0)
    equal = (behind_low <= floor) & (behind_high >= -floor)
    same = (np.abs(behind) <= floor).all(axis=0)
    columns = (values, low, high, behind_low, behind_high, first)
    for place, *numbers, twin, tied in zip(ended, *columns, same, equal, strict=True):
        standings[place] = Standing(*map(float, numbers), same=bool(twin), equal=bool(tied))
    return standings


def pick_leaders(standings: list[Standing], least: int, most: int) -> list[int]:
    """Places of those worth more particles: all that cannot be told from the best, then the next by error.

    At least ``least`` where so many reached the end, and never more than ``most``.
    """
    ended = [place for place, one in enumerate(standings) if np.isfinite(one.error)]
    equals = sum(one.equal for one in standings)
    ranked = sorted(ended, key=lambda place: (not standings[place].equal, standings[place].error))
    return ranked[: min(max(least, equals), most)]
