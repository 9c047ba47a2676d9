"""Results that several figure tests draw, each computed once."""

import dataclasses

import numpy as np
import pytest

from core.experiments import (
    ConvergenceSpec,
    CurvatureSpec,
    ImageData,
    SchedulesSpec,
    ToyData,
    TrajectoriesSpec,
    run_experiment,
)


@pytest.fixture(scope="package")
def trajectories():
    return run_experiment(TrajectoriesSpec(particles=40, solvers=("euler", "dpmpp-2m", "ddpm")))


@pytest.fixture(scope="package")
def image_trajectories():
    return run_experiment(TrajectoriesSpec(data=ImageData(label=3), particles=2, steps=5))


@pytest.fixture(scope="package")
def convergence():
    return run_experiment(
        ConvergenceSpec(data=ToyData(name="gaussian"), particles=32, step_counts=(10, 20, 40, 80, 160))
    )


@pytest.fixture(scope="package")
def image_convergence():
    spec = ConvergenceSpec(data=ImageData(label=3), particles=3, step_counts=(4, 8), path_steps=8, solvers=("ddim",))
    return run_experiment(spec)


@pytest.fixture(scope="package")
def curvature():
    return run_experiment(CurvatureSpec(particles=20, nodes=60))


@pytest.fixture(scope="package")
def image_curvature():
    return run_experiment(CurvatureSpec(data=ImageData(label=3), particles=3, nodes=30, schedules=("vp-linear",)))


@pytest.fixture(scope="package")
def schedules():
    return run_experiment(SchedulesSpec())


@pytest.fixture
def broken(trajectories):
    """The trajectories with a first solver that broke off in its fourth step."""
    path = trajectories.paths[0]
    lost = dataclasses.replace(
        path,
        times=path.times[:4],
        states=path.states[:4],
        x0=path.x0[:3],
        error=path.error[:4],
        final_rms=np.nan,
        final_median=np.nan,
        diverged_at=3,
        message="diverged in step 4 of 10",
    )
    return dataclasses.replace(trajectories, paths=(lost, *trajectories.paths[1:]))
