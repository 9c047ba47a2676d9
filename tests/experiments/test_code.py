"""The shown code runs with the public functions of core alone and gives the numbers of the picture to the last bit."""

import ast
import runpy
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

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
from tests.experiments.strategies import specifications

OWN = ToyData(name="custom", points=((0.1, -2.5), (1e-7, 3.0), (2.0, 1 / 3)), scale=0.7)
PUBLIC = {
    "core.analysis",
    "core.analysis.bounds",
    "core.analysis.distances",
    "core.analysis.inversion",
    "core.analysis.optimal_grids",
    "core.analysis.propagation",
    "core.analysis.ranking",
    "core.analysis.weak",
    "core.data",
    "core.data.pictures",
    "core.grids",
    "core.models",
    "core.models.guidance",
    "core.models.perturbed",
    "core.models.plane",
    "core.problem",
    "core.schedules",
    "core.solve",
    "core.solvers",
    "core.train.ways",
    "numpy",
    "torch",
}


def carried_out(spec: Specification) -> dict:
    """What a user who saves the code as a file and runs it would have in hand."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.py"
        file.write_text(snippet(spec))
        return runpy.run_path(str(file))


TRAJECTORIES = [
    TrajectoriesSpec(
        particles=4, data=ToyData(name="drawn", drawing="a100f3a900p21~1:1:1:0.5:0.2:30"), solvers=("ddim",)
    ),
    TrajectoriesSpec(particles=4, steps=5, solvers=("heun", "ddpm"), start=(0.5, -1.0, 2)),
    TrajectoriesSpec(
        particles=7, solvers=("euler", "ddpm", "rk45(rtol=0.001)", "dpmpp-2m(lower_order_final=true)"), seed=3
    ),
    TrajectoriesSpec(particles=5, data=OWN, schedule="edm", grid="karras(rho=3.3)", t_start=40.0, t_end=0.01, steps=7),
    TrajectoriesSpec(particles=5, data=ToyData(name="moons", scale=2.0, bandwidth=0.3), schedule="ddpm-cosine"),
    TrajectoriesSpec(particles=2, data=ImageData(name="digits", label=2), steps=5, solvers=("ddim", "edm-heun")),
    TrajectoriesSpec(particles=1, data=ImageData(name="patches-16"), steps=3, solvers=("ddim",)),
    TrajectoriesSpec(particles=1, data=ImageData(name="unet-digits", label=4), steps=3, solvers=("ddim",)),
]


@pytest.mark.parametrize("spec", TRAJECTORIES, ids=range(len(TRAJECTORIES)))
def test_trajectories_are_repeated(spec: TrajectoriesSpec):
    names, result = carried_out(spec), run_experiment(spec)
    assert len(names["runs"]) == len(result.paths)
    for run, error, path in zip(names["runs"], names["errors"], result.paths, strict=True):
        np.testing.assert_array_equal(run.states.cpu().numpy(), path.states)
        assert run.nfe == path.nfe
        if not path.stochastic:
            assert error == pytest.approx(path.final_rms, rel=1e-14)


CONVERGENCE = [
    ConvergenceSpec(particles=9, step_counts=(5, 10, 20, 40), seed=8),
    ConvergenceSpec(particles=9, step_counts=(5, 10), precision="float32", grid="karras", t_end=0.01, path_steps=7),
    ConvergenceSpec(particles=4, step_counts=(3, 12), grid="custom(t=0.9 0.5 0.1 0.01)", schedule="flow", path_steps=6),
    ConvergenceSpec(particles=2, data=ImageData(name="digits"), step_counts=(5, 10), path_steps=5, solvers=("ddim",)),
    # the last steps are at the floor, which must end the window of the order in both
    ConvergenceSpec(
        data=ToyData(name="gaussian"), particles=4, step_counts=(80, 160, 320, 640, 1000), solvers=("ddim", "rk4")
    ),
]


@pytest.mark.parametrize("spec", CONVERGENCE, ids=range(len(CONVERGENCE)))
def test_errors_are_repeated(spec: ConvergenceSpec):
    names, result = carried_out(spec), run_experiment(spec)
    np.testing.assert_array_equal(names["errors"], [errors.rms for errors in result.solvers])
    assert names["floor"] == result.floor
    order, again = result.solvers[-1].order, names["order"]
    np.testing.assert_array_equal([again, *again.window], [order, *order.window])


CURVATURE = [
    CurvatureSpec(particles=5, nodes=60, schedules=("vp-linear", "flow"), seed=4),
    CurvatureSpec(particles=2, nodes=30, schedules=("flow",), data=ImageData(name="digits", label=1), beside="moons"),
]


@pytest.mark.parametrize("spec", CURVATURE, ids=range(len(CURVATURE)))
def test_curvatures_are_repeated(spec: CurvatureSpec):
    names, result = carried_out(spec), run_experiment(spec)
    assert ("beside_curvatures" in names) == bool(result.beside)
    for prefix, shapes in (("", result.shapes), ("beside_", result.beside)):
        for shape in shapes:
            measured = {
                "curvatures": shape.curvature,
                "straight": shape.straightness,
                "turnings": shape.turning,
                "shares": shape.shares,
                "heights": shape.height,
            }
            measured |= {} if shape.torsion is None else {"torsions": shape.torsion}
            for name, expected in measured.items():
                np.testing.assert_array_equal(names[prefix + name][shape.schedule].numpy(), expected)


def test_grids_are_repeated():
    grids = ("karras(rho=4.5)", "karras", "beta(variable=sigma)", "trailing", "custom(t=0.9 0.5 0.1)", "cosine")
    spec = SchedulesSpec(schedules=("ddpm-linear", "sub-vp"), grids=grids, steps=9)
    names, result = carried_out(spec), run_experiment(spec)
    assert set(names["grids"]) == set(result.grids)
    for key, places in result.grids.items():
        np.testing.assert_array_equal(names["grids"][key].numpy(), places.times)


@settings(max_examples=40)
@given(specifications())
def test_any_code_parses_and_uses_what_it_imports_from_the_public_floors_alone(spec: Specification):
    tree = ast.parse(snippet(spec))
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.module in PUBLIC
            imported |= {name.asname or name.name for name in node.names}
        elif isinstance(node, ast.Import):
            assert {name.name for name in node.names} <= PUBLIC
            imported |= {name.asname or name.name for name in node.names}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert imported <= used
    assert max(map(len, snippet(spec).splitlines())) < 20_000
