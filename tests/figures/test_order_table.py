"""Pictures of measured orders: every number, interval and verdict of the result, and none that was not measured."""

import numpy as np
import pytest

from core.experiments import run_experiment
from core.experiments.order_table import VERDICTS, OrderTableSpec
from core.figures import order_table as figures


@pytest.fixture(scope="module")
def result():
    spec = OrderTableSpec(
        particles=16,
        solvers=("ddim", "dpmpp-3m-as-published"),
        schedules=("vp-linear", "ddpm-linear"),
        grids=("uniform-lambda", "leading"),  # the second exists on discrete schedules alone
        step_counts=(40, 80, 160),
    )
    return run_experiment(spec)


@pytest.mark.parametrize("measure", ["rms", "median"])
def test_each_cell_says_its_order_and_has_the_colour_of_its_verdict(result, measure):
    figure = figures.map_figure(result, measure)
    kinds = list(VERDICTS)
    colours = [kinds[int(value)] for value in np.ravel(figure.data[0].z)]
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert colours == [cell.judged[measure].verdict for cell in result.cells]
    for cell, text in zip(result.cells, texts, strict=True):
        interval = cell.judged[measure].interval
        if np.isfinite(interval.order):
            assert f"{interval.order:.2f}</b><br>{interval.low:.2f} to {interval.high:.2f}" in text
        else:
            assert text == "✕"


def test_a_grid_that_does_not_fit_is_no_order(result):
    cell = result.cells[1]
    assert (cell.schedule, str(cell.grid)) == ("vp-linear", "leading")
    assert cell.judged["rms"].verdict == "none"
    assert "leading" in cell.judged["rms"].reason
    assert "not measured in 1" in figures.alt_orders(result)


def test_bars_are_the_intervals_and_hollow_dots_the_orders_that_were_not_reached(result):
    figure = figures.interval_figure(result)
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert len(dots) == 4
    for lane, trace in enumerate(dots):
        cells = result.cells[lane::4]
        orders = np.array([float(cell.judged["rms"].interval.order) for cell in cells])
        np.testing.assert_allclose(trace.x, orders, rtol=1e-6)
        highs = orders + trace.error_x.array
        np.testing.assert_allclose(highs, [cell.judged["rms"].interval.high for cell in cells], rtol=1e-5)
        for cell, symbol in zip(cells, trace.marker.symbol, strict=True):
            assert symbol.endswith("-open") != cell.judged["rms"].interval.order.reliable


def test_rows_are_solvers_from_top_to_bottom_with_their_claims(result):
    figure = figures.interval_figure(result)
    assert figure.layout.yaxis.ticktext[0] == "DDIM"
    claims = figure.data[0]
    np.testing.assert_array_equal(np.asarray(claims.x)[[0, 3]], [1, 3])


def test_the_table_and_the_words_say_why(result):
    frame = figures.order_frame(result, "median")
    assert len(frame) == len(result.cells)
    assert (frame["Why"].str.len() > 10).all()
    assert "claimed 3" in figures.alt_orders(result)
    with pytest.raises(ValueError, match="rms or median"):
        figures.alt_orders(result, "mean")
