"""The map of end errors: colours are logarithms of errors, the best are marked, and a lost run has no colour."""

import dataclasses

import numpy as np
import pytest

from core.experiments import run_experiment
from core.experiments.grid_map import GridMapSpec
from core.figures import grid_map as figures


@pytest.fixture(scope="module")
def result():
    spec = GridMapSpec(particles=9, nfe=6, solvers=("ddim", "dpm-2m", "rk4"), grids=("uniform-t", "karras"))
    return run_experiment(spec)


def lost(result, place: int, **changed):
    """The result with no error in one cell."""
    cells = list(result.cells)
    cells[place] = dataclasses.replace(cells[place], rms=np.nan, median=np.nan, **changed)
    return dataclasses.replace(result, cells=tuple(cells))


def heat(figure):
    return next(trace for trace in figure.data if trace.type == "heatmap")


@pytest.mark.parametrize("measure", figures.MEASURES)
def test_colours_are_logarithms_of_the_errors_best_row_first(result, measure):
    figure = figures.map_figure(result, measure)
    errors = result.table(measure)[result.ranked(measure)]
    np.testing.assert_allclose(heat(figure).z, np.log10(errors), rtol=1e-5)
    assert errors.min(axis=1).argmin() == 0
    assert figure.layout.yaxis.ticktext[0].startswith("<b>★ ")
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # the first row is on top


def test_a_frame_marks_the_best_grid_of_each_solver(result):
    errors = result.table("median")[result.ranked("median")]
    frames = {(round(shape.y0 + 0.46), round(shape.x0 + 0.48)) for shape in figures.map_figure(result).layout.shapes}
    assert frames == set(enumerate(errors.argmin(axis=1).tolist()))


def test_lost_cells_have_a_sign_and_no_colour(result):
    diverged = lost(result, 0, message="diverged")
    figure = figures.map_figure(diverged)
    row = list(diverged.ranked("median")).index(0)
    assert np.isnan(heat(figure).z[row, 0])
    assert figure.data[1].text[2 * row] == "✕"
    impossible = lost(result, 0, nfe=0, steps=0, message="needs more than 6 evaluations for one step")
    assert figures.map_figure(impossible).data[1].text[2 * row] == "–"
    assert "1 cells have no error" in figures.alt_map(diverged)


def test_nothing_is_called_best_where_nothing_ran(result):
    for place in range(len(result.cells)):
        result = lost(result, place, message="diverged")
    figure = figures.map_figure(result)
    assert not figure.layout.shapes
    assert "★" not in "".join(figure.layout.yaxis.ticktext)
    assert "no run reached the end" in figures.alt_map(result)


def test_words_name_the_best(result):
    best = figures.best_cells(result, "median", 1)[0]
    words = figures.alt_map(result)
    assert f"{best.choice.label} on {best.grid.label} {best.median:.2g}" in words
    assert best.median == np.nanmin(result.table("median"))
    with pytest.raises(ValueError, match="median, rms"):
        figures.map_figure(result, "mean")


def test_few_rows_are_the_best_ones(result):
    figure = figures.map_figure(result, most=1)
    assert heat(figure).z.shape == (1, 2)
    np.testing.assert_allclose(10 ** heat(figure).z.min(), np.nanmin(result.table("median")), rtol=1e-5)
