"""A picture as a notebook: valid, the very code of the picture in cells that run in their order, a plot, the works."""

import nbformat
import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings

from core.data.drawing import EXAMPLE
from core.experiments import EXPERIMENTS, ConvergenceSpec, ImageData, ToyData, TrajectoriesSpec, run_experiment
from core.experiments.citing import works_of
from core.experiments.code import snippet
from core.experiments.links import MOST_POINTS, from_params, load_recipe
from core.experiments.notebook import notebook
from core.experiments.plots import PLOTS
from tests.experiments.strategies import specifications

LINK = "https://example.org/trajectories?data=moons&solvers=ddim%28final%3Deuler%29"
FEW = {
    "particles": "2",
    "steps": "3",
    "step_counts": "4,8,16",
    "nodes": "20",
    "solvers": "ddim",
    "schedules": "vp-linear",
    "grids": "uniform-lambda,karras",
    "nfe": "3",
    "training": "16",
    "precisions": "float32",
    "scales": "1,4",
    "levels": "3",
    "horizon": "1",
    "step": "0.2",
    "flows": "independent",
    "iterations": "100",
}
OTHER = {  # samplers draw noise, distances need particles
    "noise": {"particles": "12"},
    "sde_orders": {"solvers": "euler-maruyama", "particles": "16"},
    "straightening": {"particles": "12"},
}


def read(spec) -> nbformat.NotebookNode:
    book = nbformat.reads(notebook(spec, LINK), as_version=4)
    nbformat.validate(book)
    return book


def code_of(book: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in book.cells if cell.cell_type == "code"]


def words_of(book: nbformat.NotebookNode) -> str:
    return "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")


def carried_out(book: nbformat.NotebookNode) -> dict:
    """The names in hand after running the cells one after the other; the last of each is shown, as Jupyter does."""
    names: dict = {}
    for number, source in enumerate(code_of(book)):
        exec(compile(source, f"cell {number}", "exec"), names)  # noqa: S102 (running the user's notebook is the test)
    return names


@settings(max_examples=15)
@given(specifications())
def test_any_notebook_is_valid_and_holds_the_very_code(spec):
    book = read(spec)
    code, words = code_of(book), words_of(book)
    for source in code:
        compile(source, "cell", "exec")
    joined = "\n\n".join(code)
    assert joined.split()[: len(snippet(spec).split())] == snippet(spec).split()
    assert words.startswith(f"# Solverscope: {EXPERIMENTS[spec.kind].title}\n")
    assert LINK in words
    assert "pip install" in words
    saved = words.split("```json\n")[1].split("\n```")[0]
    assert load_recipe(saved) == spec
    assert all(f"{{{key}," in words for key in works_of(spec))
    assert notebook(spec, LINK) == notebook(spec, LINK)


@pytest.mark.parametrize(
    "spec",
    [
        TrajectoriesSpec(particles=2, steps=4, solvers=("heun", "ddpm"), seed=3),
        TrajectoriesSpec(particles=2, steps=3, data=ToyData(name="drawn", drawing=EXAMPLE), solvers=("ddim",)),
        TrajectoriesSpec(
            particles=2,
            steps=3,
            solvers=("euler",),
            data=ToyData(name="custom", points=tuple((i / 7, i % 5) for i in range(MOST_POINTS + 1))),
        ),
        TrajectoriesSpec(particles=1, data=ImageData(name="digits", label=4), steps=3, solvers=("ddim",)),
    ],
    ids=["noise", "drawn", "more-points-than-links-carry", "images"],
)
def test_its_numbers_are_those_of_the_picture(spec):
    names, result = carried_out(read(spec)), run_experiment(spec)
    for run, path in zip(names["runs"], result.paths, strict=True):
        np.testing.assert_array_equal(run.states.cpu().numpy(), path.states)
    ((_, plotted),) = names["curves"].values()
    exact = [place for place, path in enumerate(result.paths) if not path.stochastic]
    np.testing.assert_allclose(np.array(plotted)[exact], [result.paths[place].final_rms for place in exact], rtol=1e-14)


def test_the_plot_shows_the_errors_of_the_picture():
    spec = ConvergenceSpec(particles=4, step_counts=(5, 10, 20), solvers=("ddim", "heun(final=euler)"))
    names, result = carried_out(read(spec)), run_experiment(spec)
    for (steps, plotted), errors in zip(names["curves"].values(), result.solvers, strict=True):
        assert steps == [5, 10, 20]
        np.testing.assert_array_equal(plotted, errors.rms)


@pytest.mark.parametrize("kind", EXPERIMENTS)
def test_every_experiment_has_a_plot_of_numbers(kind, capsys):
    specification = EXPERIMENTS[kind].specification
    given = {key: value for key, value in (FEW | OTHER.get(kind, {})).items() if key in specification.model_fields}
    spec, problems = from_params(specification, given)
    assert not problems
    names = carried_out(read(spec))
    assert capsys.readouterr().out or kind == "schedules"
    assert len(names["curves"]) == len(names["lines"]) > 0
    for x, y in names["curves"].values():
        assert len(x) == len(y) > 0
        assert np.isfinite(np.asarray(y, dtype=float)).any()
    assert all(isinstance(line, go.Scatter) for line in names["lines"])


@pytest.mark.parametrize("solver", ["rk45", "ddpm", "pndm-as-published"])
def test_whatever_a_solver_lets_one_measure_is_plotted(solver):
    spec, problems = from_params(EXPERIMENTS["solvers"].specification, {"solver": solver, "particles": "2"})
    assert not problems
    assert carried_out(read(spec))["curves"]


def test_every_plot_is_of_an_experiment():
    assert set(PLOTS) == set(EXPERIMENTS)
