"""The theory panel: the exact error as computed, the scaled bound never below it, every term named."""

import numpy as np
import pytest

from core.experiments import ToyData, run_experiment
from core.experiments.bounds import BoundsSpec
from core.figures import bounds as figures


@pytest.fixture(scope="module")
def result():
    return run_experiment(BoundsSpec(data=ToyData(name="gaussian"), horizon=3.0, step=0.05))


def test_the_exact_error_is_drawn_and_the_bound_touches_it_from_above(result):
    figure = figures.bounds_figure(result)
    exact = [trace for trace in figure.data if trace.name == "exact error"]
    scaled = [trace for trace in figure.data if trace.name == "bound, scaled to touch"]
    for sweep, one, bound in zip(result.sweeps, exact, scaled, strict=True):
        np.testing.assert_allclose(one.y, sweep.measured, rtol=1e-6)
        ratio = np.asarray(bound.y) / np.asarray(one.y)
        assert ratio.min() == pytest.approx(1, abs=1e-4)
        assert (ratio > 0.9999).all()
    for title, _ in figures.TERMS.values():
        assert sum(title in trace.name for trace in figure.data) == 3
    assert [trace.showlegend for trace in exact] == [True, False, False]


def test_early_stopping_has_its_best_between_the_ends(result):
    figure = figures.stopping_figure(result)
    samples, alone = figure.data
    np.testing.assert_allclose(samples.y, result.stopped, rtol=1e-6)
    np.testing.assert_allclose(alone.y, result.least, rtol=1e-6)
    assert 0 < int(np.argmin(result.stopped)) < len(result.stops) - 1
    assert (result.least <= result.stopped * 1.05).all()
    assert len(figures.stopping_table(result)) == len(result.stops)


def test_words_hold_the_numbers(result):
    assert f"{result.sweeps[0].measured[0]:.2g}" in figures.alt_bounds(result)
    assert f"{result.stopped.min():.2g}" in figures.alt_stopping(result)
