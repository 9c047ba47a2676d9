"""Rounding: the state stays in its precision, errors split into their two parts, the floor is where eps puts it."""

import runpy

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from core.experiments import ImageData, run_experiment
from core.experiments.build import build_problem, device_line
from core.experiments.code import snippet
from core.experiments.precision import DTYPES, PrecisionSpec, predicted_rounding
from core.grids import make_grid
from core.models import HalfPrecision
from core.problem import Problem
from core.solve import solve
from core.solvers import SOLVERS

FIXED = [name for name, info in SOLVERS.items() if not (info.stochastic or info.adaptive)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("solver", FIXED)
def test_no_solver_keeps_its_state_in_more_than_the_particles_precision(solver, dtype):
    plain = build_problem(PrecisionSpec().data, "flow")
    problem = Problem(HalfPrecision(plain.model), plain.schedule)
    times = make_grid("uniform-lambda", problem.schedule, 5)
    run = solve(problem, solver, times, problem.sample_prior(3, times[0], 0).to(dtype))
    assert run.states.dtype == run.final.dtype == dtype
    assert bool(torch.isfinite(run.final).all())


@pytest.fixture(scope="module")
def result():
    return run_experiment(
        PrecisionSpec(particles=64, solvers=("ddim", "dpmpp-3m"), step_counts=(10, 40, 160, 640), seed=2)
    )


def curve(result, solver, precision):
    return next(c for c in result.curves if (str(c.choice), c.precision) == (solver, precision))


def test_the_parts_make_the_whole(result):
    for one in result.curves:
        if one.precision != "float64":
            assert (one.total <= (one.discretisation + one.rounding) * (1 + 1e-6)).all()
            assert (one.total >= np.abs(one.discretisation - one.rounding) * (1 - 1e-6)).all()
        else:
            np.testing.assert_array_equal(one.total, one.discretisation)
            assert np.isnan(one.rounding).all()


@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("solver", ["ddim", "dpmpp-3m"])
def test_rounding_is_where_the_spacing_of_the_format_puts_it(result, solver, precision):
    one = curve(result, solver, precision)
    share = one.rounding[1:] / one.predicted[1:]  # 10 long steps of order 3 magnify what they round
    assert (share > 0.2).all()
    assert (share < 5).all()
    assert one.rounding[-1] > one.rounding[1]


def test_the_prediction_is_that_of_rounded_numbers():
    """Numbers that are added up in steps, each sum rounded: the prediction made without any solver."""
    steps, source = 256, torch.Generator().manual_seed(0)
    low = torch.full((5_000,), 1.5, dtype=torch.float16)  # between 1 and 2 neighbours are eps apart
    exact = low.double()
    for _ in range(steps):
        move = 0.01 * (torch.rand(5_000, generator=source, dtype=torch.float64) - 0.5)
        low, exact = (low.double() + move).to(torch.float16), exact + move
    measured = float((low.double() - exact).square().mean().sqrt())
    assert predicted_rounding("float16", np.array([steps]), 1.0)[0] == pytest.approx(measured, rel=0.05)


def test_fewer_digits_err_more_and_are_taken_over_sooner(result):
    ends = [curve(result, "dpmpp-3m", name).rounding[-1] for name in ("float32", "float16", "bfloat16")]
    assert ends[0] < ends[1] / 1000 < ends[2] / 1000
    third = {name: curve(result, "dpmpp-3m", name).takeover for name in DTYPES}
    assert third["float64"] is None
    assert third["bfloat16"] <= third["float16"] < third["float32"] <= 640
    assert curve(result, "ddim", "float32").takeover is None  # its steps err far more than float32 rounds


def test_the_half_precisions_turn_up_again(result):
    for name in ("bfloat16", "float16"):
        one = curve(result, "dpmpp-3m", name)
        assert 0 < one.best < len(one.steps) - 1
        assert one.total[-1] > 2 * one.total[one.best]


@pytest.mark.parametrize(
    "spec",
    [
        PrecisionSpec(
            particles=5, solvers=("ddim", "dpmpp-2m(start=single-step)"), step_counts=(5, 10), schedule="edm"
        ),
        PrecisionSpec(data=ImageData(label=1), particles=2, solvers=("ddim",), step_counts=(4, 8)),
    ],
    ids=["2-D", "images"],
)
def test_the_shown_code_repeats_the_errors(spec, tmp_path):
    file = tmp_path / "picture.py"
    file.write_text(snippet(spec))
    errors = runpy.run_path(str(file))["errors"]
    for one in run_experiment(spec).curves:
        shown = np.array(errors[one.choice.name, str(dict(one.choice.options)), one.precision])
        np.testing.assert_allclose(shown[:, 0], one.total, rtol=1e-9)
        np.testing.assert_allclose(shown[:, 1], one.discretisation, rtol=1e-9)
        if one.precision != "float64":
            np.testing.assert_allclose(shown[:, 2], one.rounding, rtol=1e-6)


def test_the_line_on_what_computes_names_the_precisions_for_any_data():
    for data in (PrecisionSpec().data, ImageData()):
        spec = PrecisionSpec(data=data, particles=2, step_counts=(4, 8), precisions=("float64", "bfloat16"))
        assert device_line(spec) == "exact score on cpu, float64 and bfloat16 particles"


def test_unknown_precisions_and_solvers_are_refused():
    for fields, message in (
        ({"precisions": ("float8",)}, "float64"),
        ({"precisions": ()}, "at least 1"),
        ({"solvers": ("rk45",)}, "chooses its own steps"),
        ({"step_counts": (20, 10)}, "must rise"),
    ):
        with pytest.raises(ValidationError, match=message):
            PrecisionSpec(**fields)
    assert PrecisionSpec(precisions=("float32", "float16")).computed_in == "float32 and float16"
