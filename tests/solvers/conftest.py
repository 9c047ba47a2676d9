"""Reference solutions shared by the tests of this folder."""

from typing import NamedTuple

import pytest
import torch

from core.grids import make_grid
from core.models import BayesClassifier, GaussianMixture
from core.models.guidance import ClassifierGuided
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


def towards_one_mode(model: GaussianMixture) -> ClassifierGuided:
    """The mixture, guided towards its first mode by the exact classifier, at three times its strength."""
    parts, weights = [torch.tensor([0]), torch.tensor([1, 2])], model.weights
    judge = BayesClassifier([model.part(part) for part in parts], [float(weights[part].sum()) for part in parts])
    return ClassifierGuided(model, judge, 0, scale=3.0)


@pytest.fixture(scope="session")
def race():
    """``race("edm")``: computed once a schedule and start, and once more under guidance."""
    known: dict[tuple[str, float, bool], Race] = {}

    def prepare(schedule_name: str, noisy: float = NOISY, guided: bool = False) -> Race:
        key = (schedule_name, noisy, guided)
        if key not in known:
            problem = three_mode_problem(make_schedule(schedule_name))
            if guided:
                problem = Problem(towards_one_mode(problem.model), problem.schedule)
            t_start, t_end = (float(problem.schedule.time_of(lam)) for lam in (noisy, CLEAN))
            t_start = min(t_start, problem.schedule.t_max)
            x = problem.sample_prior(PARTICLES, t_start, seed=1)
            if noisy > -2:  # in the middle of a schedule the prior is not noise alone
                x = problem.sample_marginal(PARTICLES, t_start, seed=1)
            grid = make_grid("uniform-lambda", problem.schedule, 1, t_start, t_end)
            known[key] = Race(problem, t_start, t_end, x, solve(problem, "reference", grid, x, record=False).final)
        return known[key]

    return prepare
