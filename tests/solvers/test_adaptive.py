"""Solvers that choose their own steps: tolerance, accounting, bounds, agreement with the fixed-step formulas."""

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import integrate

from core.analysis import rms_error
from core.grids import make_grid
from core.models import Model
from core.problem import Problem
from core.schedules import SCHEDULES, make_schedule
from core.solve import solve
from core.solvers import SOLVERS
from core.solvers.adaptive import states_between
from core.solvers.charts import Chart
from core.solvers.control import Controller
from tests.solvers.exact import Asked, DiagonalGaussian, three_mode_problem, three_modes

VP = make_schedule("vp-linear")
PROBLEM = three_mode_problem(VP)
OURS = ["rk45", "dpm-12-adaptive", "dpm-23-adaptive", "dpmpp-23-adaptive"]
DPM = {"dpm-12-adaptive": ("dpm-2s", 2), "dpm-23-adaptive": ("dpm-3s", 3), "dpmpp-23-adaptive": ("dpmpp-3s", 3)}
TIMES = make_grid("uniform-lambda", VP, 1, 1.0, 0.01)
X = PROBLEM.sample_prior(32, 1.0, 1)
LAM_SPAN = float(VP.log_snr(0.01) - VP.log_snr(1.0))


@pytest.mark.parametrize("schedule", ["vp-linear", "edm", "flow"])
@pytest.mark.parametrize("solver", OURS)
def test_the_error_is_proportional_to_the_tolerance_over_four_decades(solver, schedule):
    """RMS error at the end against DOP853 on the three-mode mixture; slope 1 within 0.15."""
    problem = three_mode_problem(make_schedule(schedule))
    start, end = (float(problem.schedule.time_of(lam)) for lam in (-4.3, 2.0))
    times = make_grid("uniform-lambda", problem.schedule, 1, start, end)
    first, count, particles = {"rk45": (6, 6, 256), "dpm-12-adaptive": (2, 5, 48)}.get(solver, (3, 5, 48))
    x = problem.sample_prior(particles, start, 1)
    exact = solve(problem, "reference", times, x, record=False).final
    tolerances = 10.0 ** -np.arange(first, first + count)  # where its order has set in and it is not yet dear
    errors = [
        rms_error(solve(problem, solver, times, x, record=False, rtol=t, atol=t).final, exact) for t in tolerances
    ]
    slope = np.polyfit(np.log10(tolerances), np.log10(errors), 1)[0]
    assert slope == pytest.approx(1, abs=0.15)
    assert all(error < 30 * tolerance for error, tolerance in zip(errors, tolerances, strict=True))


@cache
def crossed(schedule: str) -> tuple[Problem, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A problem, times from end to end, particles, and where they truly end."""
    problem = three_mode_problem(make_schedule(schedule))
    times = make_grid("uniform-lambda", problem.schedule, 6)
    x = problem.sample_prior(8, float(times[0]), 0)
    return problem, times, x, solve(problem, "reference", times, x, record=False).final


@pytest.mark.parametrize("solver", OURS)
class TestAccounting:
    def test_every_attempt_is_written_down(self, solver):
        asked = Asked(three_modes())
        run = solve(Problem(asked, VP), solver, TIMES, X, rtol=1e-3, atol=1e-3)
        first = 1 if solver == "rk45" else 0  # the slope at the start, which the first step then uses
        assert run.nfe == asked.count == first + sum(a.nfe for a in run.attempts)
        assert all(a.accepted == (a.error <= 1) for a in run.attempts)
        taken = [a for a in run.attempts if a.accepted]
        assert taken[0].t_from == 1.0
        assert taken[-1].t_to == 0.01
        for earlier, later in pairwise(taken):
            assert later.t_from == earlier.t_to
        each = {"rk45": 6, "dpm-12-adaptive": 2}.get(solver, 3)
        assert {a.nfe for a in run.attempts} == {each}

    def test_a_step_that_is_too_bold_is_rejected_and_shortened(self, solver):
        bold = {} if solver == "rk45" else {"h_start": 5.0}
        run = solve(PROBLEM, solver, TIMES, X, rtol=1e-5, atol=1e-5, **bold)
        assert any(not a.accepted for a in run.attempts)
        for earlier, later in pairwise(run.attempts):
            if not earlier.accepted:
                assert later.t_from == earlier.t_from
                assert later.t_to > earlier.t_to
        assert run.complete

    def test_step_bounds_hold(self, solver):
        def lengths(run) -> list[float]:
            in_t = solver == "rk45"
            return [
                a.t_from - a.t_to if in_t else float(VP.log_snr(a.t_to) - VP.log_snr(a.t_from)) for a in run.attempts
            ]

        longest = 0.03 if solver == "rk45" else 0.2
        run = solve(PROBLEM, solver, TIMES, X, rtol=1e-2, atol=1e-2, h_max=longest)
        assert max(lengths(run)) <= longest * (1 + 1e-9)
        assert len(run.attempts) >= (0.99 if solver == "rk45" else LAM_SPAN) / longest
        shortest = 1e-3
        run = solve(PROBLEM, solver, TIMES, X, rtol=1e-2, atol=1e-2, h_min=shortest)
        assert min(lengths(run)[:-1]) >= shortest * (1 - 1e-9)
        stuck = solve(PROBLEM, solver, TIMES, X, rtol=1e-9, atol=1e-9, h_min=0.5)
        assert not stuck.complete
        assert "below h_min = 0.5" in stuck.message
        assert torch.isnan(stuck.final).all()

    def test_the_grid_does_not_change_the_steps(self, solver):
        fine = make_grid("karras", VP, 40, 1.0, 0.01)
        one, many = (solve(PROBLEM, solver, times, X, rtol=1e-4, atol=1e-4) for times in (TIMES, fine))
        assert one.attempts == many.attempts
        assert torch.equal(one.final, many.final)
        assert one.nfe == many.nfe, "states inside a step cost nothing"

    def test_states_between_the_steps_are_on_the_path(self, solver):
        fine = make_grid("karras", VP, 60, 1.0, 0.01)
        exact = solve(PROBLEM, "reference", fine, X).states
        errors = []
        for tolerance in (1e-4, 1e-6):
            run = solve(PROBLEM, solver, fine, X, rtol=tolerance, atol=tolerance)
            errors.append(float((run.states - exact).square().mean(dim=(1, 2)).sqrt().max()))
        assert errors[1] < errors[0] / 10
        assert errors[1] < 2e-4

    @pytest.mark.parametrize("schedule", SCHEDULES)
    def test_every_schedule_is_crossed(self, solver, schedule):
        problem, times, x, exact = crossed(schedule)
        run = solve(problem, solver, times, x, rtol=1e-6, atol=1e-6)
        assert run.complete, run.message
        torch.testing.assert_close(run.final, exact, rtol=0, atol=1e-3)
        single = solve(problem, solver, times, x.float(), rtol=1e-4, atol=1e-4)
        assert single.final.dtype == torch.float32
        torch.testing.assert_close(single.final.double(), exact, rtol=0, atol=2e-2)

    def test_a_model_that_breaks_is_stopped(self, solver):
        class Breaks(Model):
            native, shape, exact = ("x0", "eps"), (2,), False

            def predict(self, x, alpha, sigma, kind):
                bad = math.nan if alpha > 0.5 else 1.0
                return three_modes().predict(x, alpha, sigma, kind) * bad

        run = solve(Problem(Breaks(), VP), solver, TIMES, X[:4])
        assert not run.complete
        assert "stopped in step 1 of 1" in run.message
        assert len(run.attempts) < 500


@pytest.mark.parametrize("solver", DPM)
def test_an_accepted_step_is_the_single_step_method(solver):
    """Every step taken equals the fixed-step solver of the higher order between the same times."""
    fixed, stages = DPM[solver]
    run = solve(PROBLEM, solver, TIMES, X)
    taken = [a for a in run.attempts if a.accepted]
    times = torch.tensor([taken[0].t_from, *(a.t_to for a in taken)], dtype=torch.float64)
    again = solve(PROBLEM, fixed, times, X)
    torch.testing.assert_close(run.final, again.final, rtol=1e-12, atol=1e-12)
    assert again.nfe == stages * len(taken)


@pytest.mark.parametrize("solver", DPM)
def test_the_published_control(solver):
    """Lu et al. 2022, appendix C, written out for the first attempts: E, acceptance and the next step."""
    fixed, order = DPM[solver]
    lower = {"dpm-12-adaptive": ("ddim", {}), "dpm-23-adaptive": ("dpm-2s", {"r1": 1 / 3})}.get(
        solver, ("dpmpp-2s", {"r1": 1 / 3})
    )
    run = solve(PROBLEM, solver, TIMES, X)
    x = previous = X
    lam, end, h = float(VP.log_snr(1.0)), float(VP.log_snr(0.01)), 0.05
    for attempt in run.attempts:
        t, t_next = float(VP.time_of(lam)), float(VP.time_of(lam + h))
        assert attempt.t_from == pytest.approx(t, rel=1e-9)
        assert attempt.t_to == pytest.approx(t_next, rel=1e-6)
        span = torch.tensor([attempt.t_from, attempt.t_to], dtype=torch.float64)
        high = solve(PROBLEM, fixed, span, x).final
        low = solve(PROBLEM, lower[0], span, x, **lower[1]).final
        scale = torch.maximum(torch.full_like(x, 0.0078), 0.05 * torch.maximum(low.abs(), previous.abs()))
        error = float(((high - low) / scale).square().mean(dim=1).sqrt().max())
        assert attempt.error == pytest.approx(error, rel=1e-6)
        if error <= 1:
            x, previous, lam = high, low, float(VP.log_snr(attempt.t_to))
        h = min(0.9 * h * error ** (-1 / order), end - lam)


def test_rk45_takes_the_steps_of_scipys_tableau():
    """One attempt by hand: SciPy's own stages, error and interpolant."""
    run = solve(PROBLEM, "rk45", TIMES, X[:5], rtol=1e-4, atol=1e-4)
    first = next(a for a in run.attempts if a.accepted)
    times = torch.tensor([first.t_from, 0.5 * (first.t_from + first.t_to), first.t_to], dtype=torch.float64)
    ours = solve(PROBLEM, "rk45", torch.cat([times, TIMES[-1:]]), X[:5], rtol=1e-4, atol=1e-4)
    x0 = X[:5].numpy().ravel()

    def rate(t, x):
        return PROBLEM.velocity(torch.from_numpy(x.reshape(5, 2)), t).numpy().ravel()

    theirs = integrate.RK45(rate, first.t_from, x0, 0.01, first_step=first.t_from - first.t_to, rtol=1e-4, atol=1e-4)
    theirs.step()
    assert theirs.t == pytest.approx(first.t_to, rel=1e-12)
    np.testing.assert_allclose(ours.states[2].numpy().ravel(), theirs.y, rtol=1e-10, atol=1e-11)
    middle = theirs.dense_output()(float(times[1]))
    np.testing.assert_allclose(ours.states[1].numpy().ravel(), middle, rtol=1e-9, atol=1e-10)


class TestController:
    def test_elementary_control(self):
        control = Controller(0.0, 1.0, 0.0)
        assert control.factor((0.5, 7.0, 3.0), 5, True) == pytest.approx(0.9 * 0.5 ** (-1 / 5))
        assert control.factor((32.0,), 5, False) == pytest.approx(0.9 / 2)

    def test_pid(self):
        """The exponents of a proportional, an integral and a differential part."""
        p, i, d = 0.2, 0.4, 0.1
        control = Controller(p, i, d, lowest=0.0, highest=math.inf)
        e0, e1, e2 = 0.3, 0.6, 0.2
        log = [math.log(e) for e in (e0, e1, e2)]
        expected = -(i * log[0] + p * (log[0] - log[1]) + d * (log[0] - 2 * log[1] + log[2])) / 5
        assert math.log(control.factor((e0, e1, e2), 5, True) / 0.9) == pytest.approx(expected)

    def test_bounds(self):
        control = Controller(0.2, 0.4, 0.1)
        assert control.factor((1e-300,), 5, True) == 10.0
        assert control.factor((math.nan,), 5, False) == control.factor((math.inf,), 5, False) == 0.2
        assert control.factor((1e9,), 5, False) == 0.2
        assert control.factor((1.0001,), 5, False) <= 0.9


def test_a_smoother_control_rejects_less():
    plain, smooth = (
        solve(PROBLEM, "rk45", TIMES, X, rtol=1e-8, atol=1e-8, **options)
        for options in ({"pcoeff": 0.0, "icoeff": 1.0, "dcoeff": 0.0}, {})
    )
    rejected = [sum(not a.accepted for a in run.attempts) for run in (plain, smooth)]
    assert rejected[1] < rejected[0]


def test_fixed_step_solvers_keep_no_journal():
    for solver in ("ddim", "dpmpp-2m", "reference"):
        assert solve(PROBLEM, solver, TIMES, X[:2]).attempts == ()


def test_the_worst_particle_decides():
    """One wild particle shortens the steps of all, as published; a Gaussian's calm ones alone take longer ones."""
    problem = Problem(DiagonalGaussian([0.0, 0.0], [1.0, 1.0]), VP)
    calm = torch.full((4, 2), 0.1, dtype=torch.float64)
    wild = calm.clone()
    wild[0] = 60.0
    few, many = (len(solve(problem, "dpm-23-adaptive", TIMES, x, rtol=1e-4).attempts) for x in (calm, wild))
    assert many > few


def test_options_are_checked():
    with pytest.raises(ValueError, match="h_max of rk45 must be a number from 1e-06 to 1000; got 0"):
        solve(PROBLEM, "rk45", TIMES, X, h_max=0.0)
    assert {name for name, info in SOLVERS.items() if info.adaptive} == {*OURS, "reference"}


@pytest.mark.parametrize("schedule", ["vp-linear", "edm"])
def test_between_its_steps_the_reference_is_as_exact_as_at_them(schedule):
    model = DiagonalGaussian([1.0, -0.5], [0.3, 2.0])
    problem = Problem(model, make_schedule(schedule))
    times = make_grid("karras", problem.schedule, 9)
    x = problem.sample_prior(20, float(times[0]), 5)
    run = solve(problem, "reference", times[[0, -1]], x, dense=True)
    between = states_between(run.pieces, problem.schedule, times, run.last)
    expected = torch.stack([model.flow(x, problem.schedule, float(times[0]), float(t)) for t in times])
    torch.testing.assert_close(between, expected, rtol=1e-9, atol=1e-9)
    assert solve(problem, "reference", times[[0, -1]], x).pieces == ()


def test_the_levels_of_a_step_are_computed_at_once(monkeypatch):
    alone = []
    one = Chart.level_at
    monkeypatch.setattr(Chart, "level_at", lambda *given: alone.append(given[-1]) or one(*given))
    run = solve(PROBLEM, "reference", TIMES, X)
    assert len(alone) < 0.25 * run.nfe  # the first slopes, and steps that are tried again
