"""The declared order of every fixed-step solver is the one that is measured."""

import pytest
import torch

from core.analysis import convergence_order, rms_error
from core.problem import Level
from core.registry import Registry
from core.solve import solve
from core.solvers import SOLVERS, SolverInfo
from core.solvers.charts import RHO
from core.solvers.runge_kutta import RungeKutta, Tableau

STEPS = (40, 80, 160, 320, 640)
FINE = (80, 160, 320, 640, 1280)  # where methods of order 4 have settled
WITHIN = 0.15
FLOOR = 1e-12  # of the reference
DETERMINISTIC = [name for name, info in SOLVERS.items() if not (info.adaptive or info.stochastic)]


def errors(race, solver: str, grid: str, steps=STEPS, **options) -> list[float]:
    return [
        rms_error(
            solve(race.problem, solver, race.grid(grid, n), race.x_start, record=False, **options).final, race.end
        )
        for n in steps
    ]


def measured(race, solver: str, grid: str, steps=STEPS, **options):
    return convergence_order(steps, errors(race, solver, grid, steps, **options), FLOOR)


@pytest.mark.parametrize("grid", ["uniform-lambda", "karras"])
@pytest.mark.parametrize("schedule", ["vp-linear", "vp-cosine", "edm", "flow"])
@pytest.mark.parametrize("solver", DETERMINISTIC)
def test_order(race, solver, schedule, grid):
    info = SOLVERS[solver]
    fourth = info.order >= 4  # a ramp begins with a step of order 1, whose error such a method soon falls below
    options = {"start": "single-step"} if fourth and "start" in info.options else {}
    counts = FINE if fourth else STEPS
    settled = info.order <= 2 and info.order == info.claimed_order  # an order that is lost shows late
    if settled or info.guided or (fourth and "start" not in info.options):
        counts = counts[:4]
    order = measured(race(schedule, guided=info.guided), solver, grid, counts, **options)
    assert order.reliable, order.reason
    assert order == pytest.approx(SOLVERS[solver].order, abs=WITHIN), order.reason


@pytest.mark.parametrize("schedule", ["sub-vp", "ve", "vdm"])
@pytest.mark.parametrize("solver", ["heun", "edm-heun", "rk4", "dpmpp-3s", "dpm-3m", "dpmpp-2m", "dpmpp-3m"])
def test_order_on_the_other_smooth_schedules(race, solver, schedule):
    # "ve" and "vdm" begin at a lambda where the first steps matter
    options = {"start": "single-step"} if "start" in SOLVERS[solver].options else {}
    order = measured(race(schedule), solver, "uniform-lambda", **options)
    assert order == pytest.approx(SOLVERS[solver].order, abs=WITHIN), order.reason


@pytest.mark.parametrize("solver", [name for name in DETERMINISTIC if "start" in SOLVERS[name].options])
def test_single_step_start_keeps_the_order(race, solver):
    steps = FINE if SOLVERS[solver].order >= 4 else STEPS
    order = measured(race("vp-linear"), solver, "uniform-lambda", steps, start="single-step")
    assert order == pytest.approx(SOLVERS[solver].order, abs=WITHIN), order.reason


@pytest.mark.parametrize("solver", ["dpm-3m", "dpmpp-3m"])
def test_the_first_steps_matter_in_the_middle_of_a_schedule(race, solver):
    """From t = 0.5 a start of first order is visible in the end; one of full order is not."""
    middle = race("vp-linear", float(race("vp-linear").problem.schedule.log_snr(0.5)))
    full, ramp = (errors(middle, solver, "uniform-lambda", start=start) for start in ("single-step", "ramp"))
    assert convergence_order(STEPS, full, FLOOR) == pytest.approx(3, abs=WITHIN)
    assert convergence_order(STEPS, ramp, FLOOR) < 2.4
    assert full[-1] < ramp[-1] / 5


@pytest.mark.parametrize(("solver", "most"), [("dpmpp-2m", 2.15), ("dpmpp-3m", 2.5)])
def test_lower_order_final_costs_what_its_last_step_costs(race, solver, most):
    """One first-order step at the end has an error of h^2: the whole tends to order 2 at most."""
    prepared = race("vp-linear")
    assert 1.85 < measured(prepared, solver, "uniform-lambda", lower_order_final=True) < most


def test_published_third_order_updates_are_of_second_order_and_still_differ_from_it(race):
    prepared = race("vp-linear")
    for name in ("dpm-3m", "dpmpp-3m"):
        published, corrected, second = (
            errors(prepared, solver, "uniform-lambda") for solver in (f"{name}-as-published", name, f"{name[:-2]}2m")
        )
        assert corrected[-1] < published[-1] / 10
        assert published[-1] < second[-1]


class _ShrunkSecondStage(RungeKutta):
    """Heun's weights, but the second slope is taken at the start: Euler in disguise."""

    def plan_between(self, problem, cur: Level, nxt: Level):
        plan = super().plan_between(problem, cur, nxt)
        return plan._replace(stages=(plan.stages[0], plan.stages[0]))


IMPOSTORS = {
    # each integrates a constant slope exactly, so that a test on one would pass them
    "euler as heun": (RungeKutta(Tableau(((), (0.0,)), (0.5, 0.5)), RHO), 2),
    "stale level": (_ShrunkSecondStage(Tableau(((), (1.0,)), (0.5, 0.5)), RHO), 2),
    "swapped weights": (RungeKutta(Tableau(((), (2 / 3,)), (3 / 4, 1 / 4)), RHO), 2),
    "rk4 with a wrong node": (
        RungeKutta(Tableau(((), (0.5,), (0.0, 0.5), (0.0, 0.0, 0.9)), (1 / 6, 1 / 3, 1 / 3, 1 / 6)), RHO),
        4,
    ),
}


@pytest.mark.parametrize("grid", ["uniform-lambda", "karras"])
@pytest.mark.parametrize("impostor", IMPOSTORS)
def test_impostors_are_caught(race, monkeypatch, impostor, grid):
    solver, pretended = IMPOSTORS[impostor]
    prepared = race("vp-linear")  # its reference needs the real table
    table: Registry[SolverInfo] = Registry("solver")
    info = SolverInfo("", "", pretended, pretended, None, "", "", "", build=lambda: solver)
    table.add(impostor, info)
    monkeypatch.setattr("core.solve.SOLVERS", table)
    order = measured(prepared, impostor, grid)
    assert abs(order - pretended) > 5 * WITHIN
    assert order < pretended


def test_both_charts_of_the_reference_agree(race):
    for schedule in ("vp-linear", "edm", "flow"):
        prepared = race(schedule)
        grid = prepared.grid("uniform-lambda", 1)
        other = solve(prepared.problem, "reference", grid, prepared.x_start, record=False, variable="scaled")
        torch.testing.assert_close(other.final, prepared.end, rtol=0, atol=1e-10)
