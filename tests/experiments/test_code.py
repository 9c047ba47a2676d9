"""The code shown under a picture runs by itself on the public functions of ``core`` and repeats the numbers exactly."""

import ast
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.experiments import (
    ConvergenceSpec,
    CurvatureSpec,
    ImageData,
    SchedulesSpec,
    Specification,
    ToyData,
    TrajectoriesSpec,
    run_experiment,
)
from core.experiments.code import snippet

ROOT = Path(__file__).resolve().parents[2]
POINTS = ToyData(name="custom", points=((0.1, -2.5), (1e-3, 4.0), (3.0, 0.25)), scale=1.5)
DIGITS = ImageData(name="digits", label=2)
UNET = ImageData(name="unet-digits", label=3)

TRAJECTORIES = [
    TrajectoriesSpec(particles=12),
    TrajectoriesSpec(
        data=ToyData(name="moons", scale=0.7, bandwidth=0.2),
        schedule="flow",
        grid="karras",
        rho=4.5,
        t_start=0.9,
        t_end=0.01,
        solvers=("euler-maruyama(eta=0.5)", "rk45(rtol=0.0001)", "dpmpp-3m(start=single-step)"),
        steps=6,
        particles=12,
        seed=7,
    ),
    TrajectoriesSpec(data=POINTS, schedule="edm", particles=12, steps=5),
    TrajectoriesSpec(data=DIGITS, particles=3, steps=5),
    TrajectoriesSpec(data=UNET, particles=1, steps=3, solvers=("ddim",)),
]
CONVERGENCE = [
    ConvergenceSpec(particles=12, step_counts=(4, 8, 16), path_steps=6, seed=3),
    ConvergenceSpec(particles=12, step_counts=(4, 8, 16), precision="float32", grid="quadratic-t", t_end=0.01),
    ConvergenceSpec(data=DIGITS, particles=2, step_counts=(4, 8), solvers=("ddim", "edm-heun")),
]
CURVATURE = [
    CurvatureSpec(particles=6, nodes=50),
    CurvatureSpec(data=DIGITS, particles=2, nodes=30, schedules=("edm",)),
]


def executed(spec: Specification, folder: Path) -> dict:
    """What the snippet leaves behind when it is run as a program."""
    path = folder / "shown.py"
    path.write_text(snippet(spec), encoding="utf-8")
    return runpy.run_path(str(path))


def named(spec: Specification) -> str:
    return f"{spec.data.name}-{spec.schedule if hasattr(spec, 'schedule') else spec.schedules[0]}"


@pytest.mark.parametrize("spec", TRAJECTORIES, ids=named)
def test_trajectories_are_repeated_exactly(spec, tmp_path):
    result, shown = run_experiment(spec), executed(spec, tmp_path)
    assert len(shown["runs"]) == len(spec.solvers)
    for path, run, error in zip(result.paths, shown["runs"], shown["errors"], strict=True):
        np.testing.assert_array_equal(run.states.numpy(), path.states)
        np.testing.assert_array_equal(run.times.numpy(), path.times)
        assert run.nfe == path.nfe
        assert path.stochastic or error == path.final_rms


@pytest.mark.parametrize("spec", CONVERGENCE, ids=named)
def test_errors_are_repeated_exactly(spec, tmp_path):
    result, shown = run_experiment(spec), executed(spec, tmp_path)
    np.testing.assert_array_equal(np.array(shown["errors"]), np.stack([s.rms for s in result.solvers]))


@pytest.mark.parametrize("spec", CURVATURE, ids=named)
def test_shapes_are_repeated_exactly(spec, tmp_path):
    result, shown = run_experiment(spec), executed(spec, tmp_path)
    for shape in result.shapes:
        np.testing.assert_array_equal(shown["curvatures"][shape.schedule].numpy(), shape.curvature)
        np.testing.assert_array_equal(shown["straight"][shape.schedule].numpy(), shape.straightness)


def test_grids_are_repeated_exactly(tmp_path):
    spec = SchedulesSpec(steps=7, rho=3.0)
    result, shown = run_experiment(spec), executed(spec, tmp_path)
    assert shown["grids"].keys() == result.grids.keys()
    for key, places in result.grids.items():
        np.testing.assert_array_equal(shown["grids"][key].numpy(), places.times)


@pytest.mark.parametrize("spec", [*TRAJECTORIES, *CONVERGENCE, *CURVATURE, SchedulesSpec()], ids=lambda s: s.kind)
def test_only_the_public_modules_are_imported(spec):
    imports = [node for node in ast.walk(ast.parse(snippet(spec))) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imports}
    public = {"data", "grids", "models", "problem", "schedules", "solve", "analysis"}
    assert modules <= {"torch", *(f"core.{name}" for name in public)}


def test_it_runs_as_a_program_of_its_own(tmp_path):
    (tmp_path / "shown.py").write_text(snippet(TrajectoriesSpec(particles=4, steps=3)), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(tmp_path / "shown.py")]
    outcome = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.count("evaluations") == 3
