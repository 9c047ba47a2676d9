"""The V of every solver: lines hold the errors, dots the prediction, stars the step counts of the take-over."""

import dataclasses

import numpy as np
import pytest

from core.experiments import run_experiment
from core.experiments.precision import PrecisionSpec
from core.figures import precision as figures


@pytest.fixture(scope="module")
def result():
    return run_experiment(PrecisionSpec(particles=8, solvers=("ddim", "dpmpp-3m"), step_counts=(10, 40, 160)))


def test_every_line_is_an_error_and_every_dotted_line_the_prediction(result):
    figure = figures.v_figure(result)
    lines = [trace for trace in figure.data if trace.mode == "lines+markers"]
    dotted = [trace for trace in figure.data if trace.mode == "lines"]
    for line, dots, curve in zip(lines, dotted, result.curves, strict=True):
        np.testing.assert_allclose(line.y, curve.total, rtol=1e-6)
        np.testing.assert_allclose(dots.y, curve.predicted, rtol=1e-6)
        assert dots.line.dash == "dot"
        assert line.line.color == figures.PRECISIONS[curve.precision].colour
    assert [line.xaxis for line in lines] == ["x"] * 4 + ["x2"] * 4
    assert sum(trace.showlegend is not False for trace in figure.data) == 8  # each precision once, not once a panel


def test_stars_mark_where_rounding_takes_over(result):
    stars = {(t.xaxis, t.legendgroup): float(t.x[0]) for t in figures.v_figure(result).data if t.mode == "markers"}
    wanted = {
        (panel, curve.precision): curve.takeover
        for panel, curves in zip(("x", "x2"), (result.curves[:4], result.curves[4:]), strict=True)
        for curve in curves
        if curve.takeover is not None
    }
    assert stars == wanted
    assert wanted


def test_words_say_what_the_picture_shows(result):
    words = figures.alt_v(result)
    for curve in result.curves:
        assert f"{curve.choice.label} in {curve.precision} least {curve.total[curve.best]:.1e}" in words
        if curve.takeover is not None:
            assert f"rounding takes over at {curve.takeover}" in words


def test_a_precision_in_which_every_run_diverged_is_not_drawn(result):
    lost = dataclasses.replace(result.curves[0], total=np.full(3, np.nan), takeover=None)
    other = dataclasses.replace(result, curves=(lost, *result.curves[1:]))
    assert np.isnan(figures.v_figure(other).data[0].y).all()
    assert np.isfinite(figures.v_figure(other).layout.yaxis.range).all()
    assert "diverged at all 3 step counts" in figures.alt_v(other)
