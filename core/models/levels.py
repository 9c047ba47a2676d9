"""Where any query falls in the schedule that a network was trained under, and which labels a network knows."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from core.schedules import Schedule


class TrainedLevel(NamedTuple):
    """Where a query falls in the training schedule.

    ``scale x`` is what the network sees at time index ``index``; ``shrink`` below 1 says how far beyond the trained
    range the query lies (1: inside), on the ``noisy`` or on the clean side.
    """

    index: float
    scale: float
    shrink: float
    noisy: bool


class TrainedLevels:
    """Finds the trained level of equal signal-to-noise ratio, or the nearest one.

    Parameters
    ----------
    schedule : the one of training.
    discrete_steps : number of steps of the training chain; time indices are ``discrete_steps t - 1``.
    """

    def __init__(self, schedule: Schedule, discrete_steps: int):
        self.schedule = schedule
        self.discrete_steps = discrete_steps
        ends = schedule.log_snr(torch.tensor([schedule.t_max, schedule.t_min]))
        self._lowest, self._highest = ends.tolist()

    def at(self, alpha: float, sigma: float) -> TrainedLevel:
        """Where ``(alpha, sigma)`` falls in the training schedule."""
        asked = math.log(alpha) - math.log(sigma) if alpha > 0 else -math.inf
        lam = min(max(asked, self._lowest), self._highest)
        t = self.schedule.time_of(lam)
        noisy = asked < lam
        if noisy:
            scale = float(self.schedule.sigma(t)) / sigma
        else:
            scale = float(self.schedule.alpha(t)) / alpha
        return TrainedLevel(float(t) * self.discrete_steps - 1, scale, math.exp(-abs(asked - lam)), noisy)


def checked_labels(labels: int | Tensor, classes: int, null_label: int | None = None) -> Tensor:
    """``labels`` as int64, of shape () or (N,).

    Raises
    ------
    ValueError
        Unless they are whole numbers from 0 to ``classes - 1``, or ``null_label``.
    """
    labels = torch.as_tensor(labels)
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool or labels.ndim > 1:
        raise ValueError("labels must be one whole number, or one for each particle")
    known = (labels >= 0) & (labels < classes)
    if null_label is not None:
        known = known | (labels == null_label)
    if not bool(known.all()):
        wrong = labels[~known].flatten()[0].item()
        raise ValueError(f"label {wrong} is unknown; this network knows 0 to {classes - 1}")
    return labels.long()


def spread_labels(labels: Tensor, x: Tensor) -> Tensor:
    """One label for each of the particles ``x`` (N, ...), on their device.

    Raises
    ------
    ValueError
        If there are several, but not N.
    """
    if labels.ndim and len(labels) != len(x):
        raise ValueError(f"{len(x)} particles need {len(x)} labels, got {len(labels)}")
    return labels.to(x.device).expand(len(x))
