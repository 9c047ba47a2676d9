"""Splitting solvers: what they are without guidance, what they are worth with it, and what they count."""

import pytest
import torch

from core.analysis import rms_error
from core.data import make_toy, toy_family
from core.grids import make_grid
from core.models.base import BASE, PUSH
from core.models.guidance import GUIDANCE
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve
from core.solvers import SOLVERS
from core.solvers.thresholding import RULES, ThresholdedProblem

SPLITTING = [name for name, info in SOLVERS.items() if info.guided]


def guided(**options) -> Problem:
    return Problem(GUIDANCE["classifier"].make(toy_family("ring"), 0, **options), make_schedule("edm"))


def errors(problem: Problem, runs: list[tuple[str, dict]], counts: tuple[int, ...], tolerance: float) -> list[list]:
    ends = make_grid("karras", problem.schedule, 1)
    x = problem.sample_prior(16, float(ends[0]), 0)
    end = solve(problem, "reference", ends, x, record=False, rtol=tolerance, atol=tolerance).final
    return [
        [
            rms_error(
                solve(problem, name, make_grid("karras", problem.schedule, n), x, record=False, **more).final, end
            )
            for n in counts
        ]
        for name, more in runs
    ]


def test_there_are_three():
    assert SPLITTING == ["ltsp", "stsp", "strang"]


@pytest.mark.parametrize(("name", "options", "same"), [("ltsp", {}, "ipndm-4"), ("stsp", {"nodes": 2}, "ipndm-2")])
def test_without_guidance_the_rule_of_the_base_is_left(name, options, same):
    problem = Problem(make_toy("ring"), make_schedule("vp-linear"))
    times = make_grid("karras", problem.schedule, 12)
    x = problem.sample_prior(16, float(times[0]), 0)
    mine, other = solve(problem, name, times, x, **options), solve(problem, same, times, x)
    torch.testing.assert_close(mine.final, other.final, rtol=1e-10, atol=1e-10)
    assert mine.nfe == other.nfe


@pytest.mark.parametrize(("name", "each"), [("ltsp", 2), ("stsp", 3), ("strang", 6)])
def test_base_and_push_are_counted_one_by_one(name, each):
    problem = guided()
    times = make_grid("karras", problem.schedule, 5)
    x = problem.sample_prior(4, float(times[0]), 0)
    assert solve(problem, name, times, x).nfe == 5 * each


def test_on_a_smooth_classifier_the_plain_multistep_solver_wins():
    plain, split = errors(guided(scale=8.0), [("ipndm-4", {}), ("stsp", {})], (16, 24), 1e-10)
    assert plain[0] < split[0] / 2
    assert plain[1] < split[1]


def test_on_a_rough_classifier_it_breaks_down_and_the_splitting_holds():
    """Wizadwongsa and Suwajanakorn's observation; it needs a classifier that is rough."""
    rough = guided(scale=8.0, roughness=0.9)
    plain, low, high = errors(rough, [("ipndm-4", {}), ("stsp", {"nodes": 2}), ("stsp", {})], (12, 16, 24), 1e-4)
    assert min(plain) > 1  # particles of size 1: lost
    assert max(low) < 0.3
    assert high[2] < 0.3
    assert all(split < other for split, other in zip(high, plain, strict=True))


@pytest.mark.parametrize("rule", ["static", "dynamic"])
def test_thresholding_acts_on_the_base_and_leaves_the_push(rule):
    whole = guided(scale=4.0)
    held, level = ThresholdedProblem(whole, rule), whole.level(2.0)
    x = whole.sample_prior(8, 2.0, 0)
    x0 = (x - level.sigma * held.predict(x, level, BASE)) / level.alpha
    assert float(x0.abs().max()) <= 1 + 1e-12
    free = (x - level.sigma * whole.predict(x, level, BASE)) / level.alpha
    torch.testing.assert_close(x0, RULES[rule](free), rtol=1e-9, atol=1e-9)
    assert torch.equal(held.predict(x, level, PUSH), whole.predict(x, level, PUSH))
