"""The map of end errors: a cell is what a direct run gives, the budget holds, and what cannot run is no number."""

import runpy

import numpy as np
import pytest
from pydantic import ValidationError

from core.analysis import median_error, rms_error
from core.experiments import ImageData, run_experiment
from core.experiments.build import build_problem
from core.experiments.code import snippet
from core.experiments.grid_map import GridMapSpec, fixed_step_solvers, grids_of
from core.grids import make_grid
from core.solve import solve
from core.solvers import SOLVERS

SPEC = GridMapSpec(particles=40, nfe=9, schedule="edm", seed=3)


@pytest.fixture(scope="module")
def everything():
    return run_experiment(SPEC)


def test_a_cell_is_what_a_direct_run_gives(everything):
    problem = build_problem(SPEC.data, "edm")
    chosen = [("ddim", "karras", 9), ("edm-heun", "uniform-lambda", 4), ("dpm-3s", "uniform-t", 3)]
    for name, grid, steps in chosen:
        times = make_grid(grid, problem.schedule, steps)
        x = problem.sample_prior(40, times[0], 3)
        reference, run = (solve(problem, solver, times, x).final for solver in ("reference", name))
        (cell,) = (c for c in everything.cells if (str(c.choice), str(c.grid)) == (name, grid))
        assert cell.steps == steps
        assert cell.nfe == steps * SOLVERS[name].nfe_per_step
        assert cell.rms == pytest.approx(rms_error(run, reference), rel=1e-6)
        assert cell.median == pytest.approx(median_error(run, reference), rel=1e-6)


def test_every_fixed_step_solver_has_a_row_and_no_other(everything):
    assert everything.solvers == fixed_step_solvers()
    wanted = {name for name, info in SOLVERS.items() if not info.stochastic and info.nfe_per_step is not None}
    assert {choice.name for choice in everything.solvers} == wanted
    assert len(everything.grids) >= 4
    assert len(everything.cells) == len(everything.solvers) * len(everything.grids)


def test_no_run_spends_more_than_the_budget_and_most_spend_nearly_all(everything):
    spent = everything.table("nfe")
    assert spent.max() <= SPEC.nfe
    dearest = max(info.nfe_per_step or 0 for info in SOLVERS.values())
    assert (spent[spent > 0] > SPEC.nfe - dearest).all()


def test_rows_are_ranked_by_their_best_cell(everything):
    for measure in ("rms", "median"):
        errors = everything.table(measure)[everything.ranked(measure)]
        best = np.where(np.isfinite(errors), errors, np.inf).min(axis=1)
        assert (np.diff(best[np.isfinite(best)]) >= 0).all()
        assert np.isfinite(best[0])


def test_a_dearer_start_takes_fewer_steps_and_one_step_beyond_the_budget_is_no_run():
    found = run_experiment(
        GridMapSpec(particles=5, nfe=8, solvers=("dpmpp-3m", "dpmpp-3m(start=single-step)"), grids=("karras",))
    )
    plain, dear = found.cells
    assert (plain.steps, plain.nfe) == (8, 8)
    assert dear.steps < 8
    assert 0 < dear.nfe <= 8
    (none,) = run_experiment(GridMapSpec(particles=5, nfe=3, solvers=("rk4",), grids=("karras",))).cells
    assert (none.steps, none.nfe) == (0, 0)
    assert np.isnan(none.median)
    assert "needs more than 3 evaluations" in none.message


def test_all_grids_are_those_that_can_be_laid_and_a_chosen_one_that_cannot_says_why():
    noise, middle = (grids_of(GridMapSpec(schedule="ddpm-linear", begin=begin)) for begin in ("noise", "middle"))
    assert {str(grid) for grid in noise} - {str(grid) for grid in middle} == {"linspace", "leading", "trailing"}
    assert "leading" not in map(str, grids_of(GridMapSpec(schedule="edm")))
    (cell,) = run_experiment(GridMapSpec(particles=3, schedule="edm", solvers=("ddim",), grids=("leading",))).cells
    assert np.isnan(cell.median)
    assert "leading" in cell.message
    assert "\n" not in cell.message
    assert "validation" not in cell.message


def test_from_the_middle_the_runs_start_on_the_exact_path():
    spec = GridMapSpec(particles=6, nfe=60, solvers=("rk4",), grids=("uniform-lambda",), begin="middle")
    (cell,) = run_experiment(spec).cells
    assert cell.rms < 1e-3  # a start off the path would end elsewhere


def test_the_shown_code_repeats_the_map(tmp_path):
    spec = GridMapSpec(
        particles=5, nfe=7, solvers=("ddim", "dpmpp-2m(start=single-step)", "rk4"), grids=("karras(rho=3)", "uniform-t")
    )
    file = tmp_path / "picture.py"
    file.write_text(snippet(spec))
    errors = runpy.run_path(str(file))["errors"]
    for cell in run_experiment(spec).cells:
        shown = errors[cell.choice.name, str(dict(cell.choice.options)), str(cell.grid)]
        assert shown == pytest.approx((cell.median, cell.rms), rel=1e-12)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nfe": 0}, "greater than or equal to 1"),
        ({"nfe": 401}, "at most 400 evaluations"),
        ({"nfe": 101, "data": ImageData(), "particles": 4}, "at most 100 evaluations"),
        ({"solvers": ("rk45",)}, "chooses its own steps"),
        ({"grids": ("nonsense",)}, "unknown time grid"),
    ],
)
def test_what_cannot_be_compared_is_refused(fields: dict, message: str):
    with pytest.raises(ValidationError, match=message):
        GridMapSpec(**fields)


def test_learned_data_leave_out_what_needs_their_density(monkeypatch):
    """All solvers on a network: quick with one step each, and none is asked for what the network has not."""
    names = ("ddim", next(name for name, info in SOLVERS.items() if info.exact_data))
    every = tuple(choice for choice in fixed_step_solvers() if choice.name in names)
    assert len(every) == 2
    assert [choice.name for choice in fixed_step_solvers(ImageData(name="unet-digits")) if choice in every] == ["ddim"]
    monkeypatch.setattr(
        "core.experiments.grid_map.fixed_step_solvers",
        lambda data=None, whole=fixed_step_solvers: tuple(choice for choice in whole(data) if choice in every),
    )
    spec = GridMapSpec(data=ImageData(name="unet-digits"), particles=1, nfe=1, grids=("uniform-lambda",))
    result = run_experiment(spec)
    assert [choice.name for choice in result.solvers] == ["ddim"]
    assert any(every[1].label in note for note in result.notes)
