"""Pictures of time grids: every grid a row, its error where it was measured, its steps where they lie."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments import run_experiment
from core.experiments.time_grids import TimeGridsSpec
from core.figures import time_grids as figures


@pytest.fixture(scope="module")
def result():
    return run_experiment(TimeGridsSpec(particles=24, training=16, nfe=5, seed=3))


@pytest.fixture(scope="module")
def lost(result):
    """The last grid's runs diverged."""
    last = result.rows[-1]
    return replace(
        result, rows=(*result.rows[:-1], replace(last, particles=np.full(24, np.nan), training=float("nan")))
    )


def test_every_grid_has_a_row_with_its_error_and_interval(result):
    figure = figures.errors_figure(result)
    assert len(figure.layout.yaxis.ticktext) == len(result.rows)
    found = {}
    for trace in figure.data:
        if trace.error_x.array is None:
            continue
        for place, x, up, down in zip(trace.y, trace.x, trace.error_x.array, trace.error_x.arrayminus, strict=True):
            found[place] = (x, x + up, x - down)
    assert sorted(found) == list(range(len(result.rows)))
    for place, row in enumerate(result.rows):
        np.testing.assert_allclose(found[place], (row.median, row.standing.high, row.standing.low), rtol=1e-5)
    trained = next(trace for trace in figure.data if "made with" in trace.name)
    made = [row for row in result.rows if row.made]
    np.testing.assert_allclose(trained.x, [row.training for row in made], rtol=1e-6)
    low, high = 10 ** np.array(figure.layout.xaxis.range)
    assert low < min(row.standing.low for row in result.rows)
    assert high > max(row.standing.high for row in result.rows)


@pytest.mark.parametrize("along", figures.ALONG)
def test_knots_lie_where_the_grid_has_them(result, along):
    figure = figures.knots_figure(result, along)
    for trace in figure.data:
        x, y = np.array(trace.x), np.array(trace.y, dtype=float)
        for place in np.unique(y[np.isfinite(y)]):
            row = result.rows[int(place)]
            np.testing.assert_allclose(x[y == place], row.lam if along == "lambda" else row.times, rtol=1e-6)
    assert sum(np.isfinite(np.array(trace.y, dtype=float)).sum() for trace in figure.data) == 6 * len(result.rows)
    with pytest.raises(ValueError, match="one of lambda, t"):
        figures.knots_figure(result, "sigma")


def test_what_diverged_is_said_and_not_drawn(lost):
    figure = figures.errors_figure(lost)
    (note,) = figure.layout.annotations
    assert (note.text, note.y) == ("diverged", len(lost.rows) - 1)
    assert len(lost.rows) - 1 not in [place for trace in figure.data for place in trace.y]
    assert figures.alt_errors(lost).endswith("diverged")


def test_words_name_the_best_of_both_kinds(result):
    text = figures.alt_knots(result)
    for made in (True, False):
        assert result.best(made).title in text
    assert f"{result.rows[0].median:.2g}" in figures.alt_errors(result)
    assert len(figures.table(result)) == len(result.rows)
    assert len(figures.knots_table(result)) == 6 * len(result.rows)
