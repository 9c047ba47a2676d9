"""Reference solutions shared by the tests of this folder."""

from typing import NamedTuple

import pytest
import torch

from core.grids import make_grid
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve
from tests.solvers.exact import three_mode_problem

# lambda from here to there is free of stiffness at the ends: what a slope shows is the method alone
NOISY, CLEAN = -4.3, 3.5
PARTICLES = 64


class Race(NamedTuple):
    """Same particles, same span, known end."""

    problem: Problem
    t_start: float
    t_end: float
    x_start: torch.Tensor
    end: torch.Tensor

    def grid(self, name: str, steps: int) -> torch.Tensor:
        return make_grid(name, self.problem.schedule, steps, self.t_start, self.t_end)


@pytest.fixture(scope="session")
def race():
    """``race("edm")``: computed once a schedule and start."""
    known: dict[tuple[str, float], Race] = {}

    def prepare(schedule_name: str, noisy: float = NOISY) -> Race:
        key = (schedule_name, noisy)
        if key not in known:
            problem = three_mode_problem(make_schedule(schedule_name))
            t_start, t_end = (float(problem.schedule.time_of(lam)) for lam in (noisy, CLEAN))
            t_start = min(t_start, problem.schedule.t_max)
            x = problem.sample_prior(PARTICLES, t_start, seed=1)
            if noisy > -2:  # in the middle of a schedule the prior is not noise alone
                x = problem.sample_marginal(PARTICLES, t_start, seed=1)
            grid = make_grid("uniform-lambda", problem.schedule, 1, t_start, t_end)
            known[key] = Race(problem, t_start, t_end, x, solve(problem, "reference", grid, x, record=False).final)
        return known[key]

    return prepare
