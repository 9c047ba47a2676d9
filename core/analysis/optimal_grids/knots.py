"""Grids as free numbers: any S numbers give S rising steps in lambda between fixed ends, and back."""

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator
from torch import Tensor

from core.language import message
from core.schedules import Schedule

WIDEST = 14.0  # in logarithms: a step a million times shorter than the longest is no step


def logs_of(schedule: Schedule, times: Tensor) -> np.ndarray:
    """Logarithms of the steps in lambda, (S,), shifted to mean 0: what an optimiser may move freely."""
    logs = np.log(schedule.log_snr(times).diff().numpy())
    return logs - logs.mean()


def times_of(schedule: Schedule, logs: np.ndarray, t_start: float, t_end: float) -> Tensor:
    """The grid whose steps in lambda are in the ratios ``exp(logs)``: (S + 1,) float64, ends exact."""
    shares = np.exp(np.maximum(logs - logs.max(), -WIDEST))
    done = np.concatenate([[0.0], np.cumsum(shares) / shares.sum()])
    first, last = (float(schedule.log_snr(t)) for t in (t_start, t_end))
    times = schedule.time_of(torch.from_numpy(first + done * (last - first)))
    times[0], times[-1] = t_start, t_end
    return times


def resampled(schedule: Schedule, times: Tensor, steps: int) -> Tensor:
    """Another number of steps along the same grid: a monotone cubic of lambda over i/S, (steps + 1,) float64.

    Source: Fritsch and Carlson 1980 (SIAM J. Numer. Anal. 17); Align Your Steps (2404.14507) does so log-linearly.
    """
    curve = PchipInterpolator(np.linspace(0, 1, len(times)), schedule.log_snr(times).numpy())
    finer = schedule.time_of(torch.from_numpy(curve(np.linspace(0, 1, steps + 1))))
    finer[0], finer[-1] = times[0], times[-1]
    return finer


def cheapest(cost: np.ndarray, steps: int, weight: float = 1.0) -> list[int]:
    """The cheapest way from node 0 to the last in exactly ``steps`` jumps.

    ``V_k(i) = min_j cost[i, j] + weight V_(k-1)(j)`` over j > i, by dynamic programming.

    Parameters
    ----------
    cost : (K, K), of a jump from node i to node j > i; what is not finite is no jump.
    steps : 1 to K - 1.
    weight : of what comes after a jump; above 1, early mistakes are cheaper than late ones.

    Raises
    ------
    ValueError
        If there are fewer nodes than jumps need.
    """
    count = len(cost)
    if not 1 <= steps < count:
        raise ValueError(
            message("{count} nodes allow 1 to {most} steps, got {steps}", count=count, most=count - 1, steps=steps)
        )
    upward = np.where(np.triu(np.ones_like(cost, dtype=bool), 1), cost, np.inf)
    value, choices = np.full(count, np.inf), []
    value[-1] = 0.0
    for _ in range(steps):
        totals = upward + weight * value[None]
        choices.append(totals.argmin(axis=1))
        value = totals.min(axis=1)
    path = [0]
    for choice in reversed(choices):
        path.append(int(choice[path[-1]]))
    return path
