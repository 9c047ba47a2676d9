"""Experiments through the network: the reference is its own path, and how far that is settled is measured."""

import numpy as np
import pytest
import torch

from core.data import make_images
from core.experiments import ConvergenceSpec, CurvatureSpec, ImageData, SchedulesSpec, TrajectoriesSpec, run_experiment
from core.experiments.build import NETWORK_REFERENCE, device_line
from core.grids import make_grid
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve

FOUR = ImageData(name="unet-digits", label=4)


@pytest.fixture(scope="module")
def result():
    return run_experiment(
        ConvergenceSpec(data=FOUR, particles=1, solvers=("ddim",), step_counts=(3, 5, 10), path_steps=5, seed=5)
    )


def test_the_floor_is_what_halving_the_steps_of_the_reference_changes(result):
    problem = Problem(make_images("unet-digits", 4), make_schedule("vp-linear"))
    ends = []
    solver, steps = NETWORK_REFERENCE
    for count in (steps // 2, steps):
        times = make_grid("uniform-lambda", problem.schedule, count)
        x = problem.sample_prior(1, times[0], seed=5, dtype=torch.float32).double()
        ends.append(solve(problem, solver, times, x, record=False, start="single-step").final)
    assert result.floor == pytest.approx(float((ends[1] - ends[0]).square().mean().sqrt()), rel=0.05)
    assert "half as many steps" in result.floor_label
    assert result.floor < 0.01  # of a range of 2: settled to the eye
    np.testing.assert_allclose(result.final_images["reference"], ends[1].numpy(), atol=1e-5)


def test_errors_fall_towards_the_networks_own_path(result):
    (ddim,) = result.solvers
    assert (np.diff(ddim.rms) < 0).all()
    assert ddim.rms[-1] > result.floor
    assert result.final_images[ddim.label].shape == (1, 1, 8, 8)
    end = result.final_images[ddim.label].astype(float) - result.final_images["reference"]
    assert ddim.path_error[-1] == pytest.approx(np.sqrt(np.mean(end**2)), rel=1e-5)
    assert ddim.path_error[0] < 1e-6  # the same noise, up to its rounding to float32
    assert any("UNet on" in note for note in result.notes)
    assert any("learned score" in note for note in result.notes)
    assert device_line(TrajectoriesSpec(data=FOUR, particles=1)).startswith("ADM UNet on ")


def test_shapes_of_learned_paths_are_finite_and_warned_about():
    result = run_experiment(CurvatureSpec(data=FOUR, particles=1, nodes=100, schedules=("flow",), seed=5))
    (shape,) = result.shapes
    assert shape.states.shape == (101, 1, 1, 8, 8)
    assert np.isfinite(shape.curvature).all()
    assert shape.length_over_chord.min() >= 1
    assert any("learned" in note for note in result.notes)


def test_the_line_on_screen_names_what_computes():
    assert device_line(ConvergenceSpec()) == "exact score on cpu, float64 particles"
    assert device_line(ConvergenceSpec(precision="float32")) == "exact score on cpu, float32 particles"
    assert device_line(TrajectoriesSpec(data=ImageData(), particles=1)) == "exact score on cpu, float32 particles"
    assert device_line(SchedulesSpec(data=FOUR)) == "closed formulas on cpu, float64"
