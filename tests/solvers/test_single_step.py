"""The exponential single-step engine against the formulas of DPM-Solver, and the fast mix."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from core.grids import make_grid
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve
from core.solvers import SOLVERS, BrownianPath, Context
from core.solvers.fast import groups
from tests.solvers.exact import Asked, three_mode_problem, three_modes

SCHEDULE = make_schedule("vp-linear")
PROBLEM = three_mode_problem(SCHEDULE)


def written_out(prediction: str, order: int, r1: float, x: torch.Tensor, s: float, t: float) -> torch.Tensor:
    """DPM-Solver-2 and -3 as the paper prints them, and their x0 forms with e^h turned into e^-h and signs kept."""
    lam_s, lam_t = (float(SCHEDULE.log_snr(v)) for v in (s, t))
    h = lam_t - lam_s
    times = {0.0: s, 1.0: t} | {r: float(SCHEDULE.time_of(lam_s + r * h)) for r in (r1, 2 / 3)}
    alpha, sigma = ({r: float(f(v)) for r, v in times.items()} for f in (SCHEDULE.alpha, SCHEDULE.sigma))

    def ask(state, r):
        return PROBLEM.eps(state, times[r]) if prediction == "eps" else PROBLEM.x0(state, times[r])

    def first(r):  # (carry x, -sigma (e^rh - 1)) or (carry x, alpha (1 - e^-rh))
        if prediction == "eps":
            return alpha[r] / alpha[0.0] * x, -sigma[r] * math.expm1(r * h)
        return sigma[r] / sigma[0.0] * x, -alpha[r] * math.expm1(-r * h)

    def second(r):  # the same integral of u/(r h)
        if prediction == "eps":
            return -sigma[r] * (math.expm1(r * h) / (r * h) - 1)
        return alpha[r] * (math.expm1(-r * h) / (r * h) + 1)

    m0 = ask(x, 0.0)
    carried, gain = first(r1)
    m1 = ask(carried + gain * m0, r1)
    if order == 2:
        carried, gain = first(1.0)
        return carried + gain * m0 + gain / (2 * r1) * (m1 - m0)
    r2 = 2 / 3
    carried, gain = first(r2)
    m2 = ask(carried + gain * m0 + r2 / r1 * second(r2) * (m1 - m0), r2)
    carried, gain = first(1.0)
    return carried + gain * m0 + second(1.0) / r2 * (m2 - m0)


@pytest.mark.parametrize("r1", [None, 0.2, 0.9])
@pytest.mark.parametrize(
    ("solver", "prediction", "order"),
    [("dpm-2s", "eps", 2), ("dpm-3s", "eps", 3), ("dpmpp-2s", "x0", 2), ("dpmpp-3s", "x0", 3)],
)
def test_the_printed_formulas(solver, prediction, order, r1):
    times = make_grid("karras", SCHEDULE, 6, 0.9, 0.01)
    x = PROBLEM.sample_prior(16, 0.9, 0)
    run = solve(PROBLEM, solver, times, x, **({} if r1 is None else {"r1": r1}))
    inner = r1 or {2: 1 / 2, 3: 1 / 3}[order]
    for i in range(6):
        expected = written_out(prediction, order, inner, run.states[i], float(times[i]), float(times[i + 1]))
        torch.testing.assert_close(run.states[i + 1], expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 6, 7, 20])
@pytest.mark.parametrize("leftover", ["first", "last"])
def test_the_fast_mix_spends_every_evaluation_and_no_more(steps, leftover):
    orders = groups(steps, leftover)
    assert sum(orders) == steps
    assert sorted(orders)[2:] == [3] * max(0, len(orders) - 2)
    assert sum(order < 3 for order in orders) <= 2
    asked = Asked(three_modes())
    times = make_grid("karras", SCHEDULE, steps, 0.9, 0.01)
    assert solve(Problem(asked, SCHEDULE), "dpm-fast", times, PROBLEM.sample_prior(4, 0.9, 0)).nfe == asked.count
    assert asked.count == steps


@pytest.mark.parametrize(("steps", "orders"), [(6, [3, 2, 1]), (7, [3, 3, 1]), (8, [3, 3, 2])])
def test_a_group_of_the_fast_mix_is_one_single_step(steps, orders):
    times = make_grid("karras", SCHEDULE, steps, 0.9, 0.01)
    x = PROBLEM.sample_prior(16, 0.9, 0)
    run = solve(PROBLEM, "dpm-fast", times, x, leftover="last")
    at = 0
    for order in orders:
        solver = {1: "ddim", 2: "dpm-2s", 3: "dpm-3s"}[order]
        alone = solve(PROBLEM, solver, times[[at, at + order]], run.states[at]).final
        at += order
        torch.testing.assert_close(run.states[at], alone, rtol=1e-12, atol=1e-13)


def test_states_inside_a_group_lie_on_the_path():
    """They are read off the group's polynomial: nearer to the path than where DDIM would be."""
    times = make_grid("uniform-lambda", SCHEDULE, 30, 0.9, 0.01)
    x = PROBLEM.sample_prior(32, 0.9, 0)
    exact = solve(PROBLEM, "reference", times, x).states
    fast, ddim = ((solve(PROBLEM, s, times, x).states - exact).abs().amax(dim=(1, 2)) for s in ("dpm-fast", "ddim"))
    assert (fast[4:] < ddim[4:] / 3).all()


def test_leftovers_in_noise_keep_the_order_that_leftovers_at_the_end_cost():
    race = [3 * 2**k for k in (4, 5, 6, 7)]  # multiples of three: the last step alone is of order 1
    x = PROBLEM.sample_prior(32, 0.9, 0)
    ends = {}
    for leftover in ("first", "last"):
        errors = []
        for steps in race:
            times = make_grid("uniform-lambda", SCHEDULE, steps, 0.9, 0.05)
            exact = solve(PROBLEM, "reference", times[[0, -1]], x, record=False).final
            errors.append(float((solve(PROBLEM, "dpm-fast", times, x, leftover=leftover).final - exact).norm()))
        ends[leftover] = [math.log2(a / b) for a, b in pairwise(errors)]
    assert ends["first"][-1] == pytest.approx(3, abs=0.15)
    assert ends["last"][-1] < 2.5


def test_third_order_needs_its_second_point_at_two_thirds():
    """Moving it costs an order, as the docstring says: the table's row is not one of many."""
    right = SOLVERS["dpm-3s"].make()
    moved = replace(right, stages=(right.stages[0], right.stages[1]._replace(at=0.5), right.stages[2]))
    x = PROBLEM.sample_prior(32, 0.9, 0)
    slopes = []
    for solver in (right, moved):
        errors = []
        for steps in (80, 160):
            times = make_grid("uniform-lambda", SCHEDULE, steps, 0.9, 0.05)
            exact = solve(PROBLEM, "reference", times[[0, -1]], x, record=False).final
            y, plan = x, solver.plan(PROBLEM, times)
            for i in range(steps):
                y, _ = solver.step(_bare(plan), i, y, None)
            errors.append(float((y - exact).norm()))
        slopes.append(math.log2(errors[0] / errors[1]))
    assert slopes == pytest.approx([3, 2], abs=0.15)


def _bare(plan):
    return Context(PROBLEM, plan, BrownianPath(SCHEDULE, 0.9, 0.05, (1, 2), 0), False, lambda: None)
