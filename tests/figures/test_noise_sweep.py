"""The picture of noise: every distance with its interval, the floor as a band, nothing that diverged as a result."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments import ToyData, run_experiment
from core.experiments.noise_sweep import NoiseSweepSpec
from core.figures import noise_sweep as figures


@pytest.fixture(scope="module")
def result():
    return run_experiment(NoiseSweepSpec(data=ToyData(name="moons"), particles=40, nfe=8, values=(0.0, 0.5, 1.0)))


def test_every_distance_is_drawn_with_its_interval(result):
    figure = figures.sweep_figure(result)
    for score in ("exact", "wrong"):
        (line,) = (trace for trace in figure.data if trace.name.startswith(score))
        points = result.of(score)
        np.testing.assert_allclose(line.y, [p.measured.value for p in points], rtol=1e-6)
        np.testing.assert_allclose(line.y + line.error_y.array, [p.measured.high for p in points], rtol=1e-5)
        np.testing.assert_allclose(
            line.y - line.error_y.arrayminus, [p.measured.low for p in points], rtol=1e-5, atol=1e-6
        )
    band = figure.layout.shapes[0]
    assert (band.y0, band.y1) == (result.floor.low, result.floor.high)
    stars = [trace for trace in figure.data if trace.name == "least distance"]
    assert [star.x[0] for star in stars] == [result.best("exact").value, result.best("wrong").value]


def test_what_diverged_is_marked_and_presses_nothing_flat(result):
    first, *rest = result.points
    lost = replace(first, measured=replace(first.measured, value=np.nan, low=np.nan, high=np.nan, message="diverged"))
    far = replace(rest[0], measured=replace(rest[0].measured, value=1e3, low=9e2, high=1.1e3))
    figure = figures.sweep_figure(replace(result, points=(lost, far, *rest[1:])))
    assert [note.text for note in figure.layout.annotations] == ["✕ diverged", "✕ 1e+03"]
    assert figure.layout.yaxis.range[1] < 2
    assert "0: diverged" in figures.alt_sweep(replace(result, points=(lost, far, *rest[1:])))


def test_words_hold_the_numbers(result):
    alt = figures.alt_sweep(result)
    for point in result.points:
        assert f"{point.measured.value:.2g}" in alt
    assert len(figures.sweep_table(result)) == len(result.points)
