"""PNDM as the public samplers start it: the first step is taken twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.problem import Problem
from core.solvers.base import Context, Solver
from core.solvers.integrals import Kernel
from core.solvers.multistep import ExponentialMultistep, Update


@dataclass(frozen=True)
class RepeatedFirstStep(Solver):
    """Four-value weights after a first step that is repeated with the mean of the slopes at both of its ends.

    The slope at the first, discarded end is not kept: the next step asks the model there again, so that the history
    grows by one value in two evaluations.

    Attributes
    ----------
    kernel : that of the weights for even steps.

    NFE per step: 1, and one more in the first step. Order on even steps in rho: 3 (the two- and three-value steps of
    the start have errors of h^3 and h^4); 2 on others.
    Source: the PLMS branch of the public samplers for Liu et al. 2022 (arXiv 2202.09778).
    """

    kernel: Kernel

    def plan(self, problem: Problem, times: Tensor) -> Sequence[Update]:
        return ExponentialMultistep(self.kernel, 4).plan(problem, times)

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        update: Update = context.plan[i]
        newest = context.problem.predict(x, update.level, "eps")
        history = (newest, *(state or ()))[:4]
        if i == 0:
            (weight,) = update.weights
            ahead = context.problem.predict(torch.add(x * update.carry, newest, alpha=weight), update.next_level, "eps")
            return torch.add(x * update.carry, newest + ahead, alpha=weight / 2), history
        x_next = x * update.carry
        for weight, prediction in zip(update.weights, history, strict=True):
            x_next.add_(prediction, alpha=weight)
        return x_next, history[:3]
