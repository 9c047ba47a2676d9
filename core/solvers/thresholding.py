"""Predicted clean images kept within the range of pixels, [-1, 1]."""

import torch
from torch import Tensor

from core.models.base import BASE, PUSH
from core.problem import Level, Problem, convert

QUANTILE = 0.995


def static(x0: Tensor) -> Tensor:
    """Every number cut off at -1 and 1."""
    return x0.clamp(-1, 1)


def dynamic(x0: Tensor) -> Tensor:
    """Each image cut off at ``s`` and divided by ``s``, its 99.5 % quantile in absolute value, at least 1.

    Source: Saharia et al. 2022 (arXiv 2205.11487), section 2.3.
    """
    flat = x0.flatten(1)
    rank = torch.quantile(flat.abs().to(torch.promote_types(x0.dtype, torch.float32)), QUANTILE, dim=1)
    s = rank.to(x0.dtype).clamp(min=1)[:, None]
    return (flat.clamp(-s, s) / s).reshape(x0.shape)


RULES = {"static": static, "dynamic": dynamic}


class ThresholdedProblem(Problem):
    """A problem whose predictions all go through a thresholded ``x0``: a bent equation, steadier under guidance.

    Parameters
    ----------
    problem : what is asked.
    rule : a key of ``RULES``.
    """

    def __init__(self, problem: Problem, rule: str):
        super().__init__(problem.model, problem.schedule)
        self.rule = RULES[rule]

    def predict(self, x: Tensor, level: Level, kind: str) -> Tensor:
        if kind == PUSH:  # a part of eps has no range of pixels; the base is thresholded instead
            return super().predict(x, level, kind)
        if kind == BASE:
            x0 = self.rule(convert(super().predict(x, level, BASE), "eps", "x0", x, level.alpha, level.sigma))
            return convert(x0, "x0", "eps", x, level.alpha, level.sigma)
        x0 = self.rule(super().predict(x, level, "x0"))
        return convert(x0, "x0", kind, x, level.alpha, level.sigma)
