"""The pictures of round trips: each number of the result is drawn, what diverged is said, words hold the numbers."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments import ImageData, ToyData, run_experiment
from core.experiments.boomerang import BoomerangSpec
from core.experiments.inversion import InversionSpec
from core.figures import boomerang, inversion
from tests.scenes import read_scene

DIGITS = ImageData(name="digits", label=5)


@pytest.fixture(scope="module")
def trips():
    return run_experiment(InversionSpec(particles=40, step_counts=(10, 20, 40, 80), solvers=("ddim", "rk4", "heun")))


@pytest.fixture(scope="module")
def image_trips():
    return run_experiment(
        InversionSpec(data=DIGITS, particles=2, steps=5, step_counts=(5, 40), solvers=("ddim", "heun"))
    )


@pytest.fixture(scope="module")
def returns():
    return run_experiment(BoomerangSpec(data=ToyData(name="gaussian"), particles=60, levels=5))


@pytest.fixture(scope="module")
def image_returns():
    return run_experiment(BoomerangSpec(data=DIGITS, particles=2, levels=3, steps=5))


@pytest.mark.parametrize("measure", inversion.MEASURES)
def test_every_error_is_drawn_and_said(trips, measure):
    figure = inversion.error_figure(trips, measure)
    alt = inversion.alt_error(trips, measure)
    for solver in trips.solvers:
        (line,) = (trace for trace in figure.data if trace.name.startswith(f"{solver.label}:<br>order"))
        np.testing.assert_allclose(line.y, solver.curve(trips.spec.counts, measure), rtol=1e-6)
        assert f"{solver.curve(trips.spec.counts, measure)[0]:.2g}" in alt


def test_trips_that_diverged_are_crosses_and_no_errors(trips):
    first = trips.solvers[0]
    lost = replace(first.trips[0], rms=np.nan, median=np.nan, latent_rms=np.nan, message="diverged in step 1 of 10")
    changed = replace(trips, solvers=(replace(first, trips=(lost, *first.trips[1:])), *trips.solvers[1:]))
    figure = inversion.error_figure(changed)
    (cross,) = (trace for trace in figure.data if trace.name.endswith("diverged"))
    assert cross.x.tolist() == [10]
    assert np.isnan(figure.data[0].y[0])
    assert "from diverged" in inversion.alt_error(changed)


def test_latents_lie_beside_their_data(trips):
    figure = inversion.latent_figure(trips, 1)
    data, latents, back = figure.data
    np.testing.assert_allclose(np.stack([data.x, data.y], 1), trips.start, rtol=1e-6)
    np.testing.assert_allclose(np.stack([latents.x, latents.y], 1), trips.solvers[1].latent / trips.sigma, rtol=1e-5)
    np.testing.assert_allclose(np.stack([back.x, back.y], 1), trips.solvers[1].decoded, rtol=1e-5)
    assert np.array_equal(data.marker.color, latents.marker.color)
    assert f"{trips.solvers[1].at(20).rms:.2g}" in inversion.alt_latent(trips, 1)


def test_strips_show_input_latent_decoded_and_difference(image_trips):
    figure = inversion.strips_figure(image_trips, 1)
    assert len(figure.layout.images) == 2
    assert list(figure.layout.xaxis.ticktext) == ["input", "latent", "decoded", "difference"]
    assert [note.text.split("</b>")[0] for note in figure.layout.annotations] == ["<b>DDIM", "<b>Heun"]
    assert f"{image_trips.solvers[0].error[1]:.2g}" in inversion.alt_strips(image_trips, 1)


@pytest.mark.parametrize(("largest", "gain"), [(0.9, 1), (0.3, 2), (0.011, 50), (1e-9, 1000), (0.0, 1), (np.nan, 1)])
def test_differences_are_magnified_as_far_as_they_fit(largest, gain):
    assert inversion.gain_of(np.array([largest, -largest / 2])) == gain


def test_the_table_of_latents_stands_beside_chance(trips, image_trips):
    table = inversion.statistics_table(trips)
    assert len(table) == len(trips.solvers) + 2
    assert table["Variance"][0] == f"{trips.solvers[0].statistics.variance:.3f}"
    assert "80 numbers" in table["Latents"].iloc[-1]
    assert "128 numbers" in inversion.statistics_table(image_trips)["Latents"].iloc[-1]


def test_distances_closed_forms_and_the_unrelated_are_drawn(returns):
    for against, xs in (("t", returns.times), ("lambda", returns.log_snr)):
        figure = boomerang.distance_figure(returns, against)
        names = [trace.name for trace in figure.data]
        assert "exact, ODE" in names
        assert "exact, SDE" in names
        np.testing.assert_allclose(figure.data[0].x, xs, rtol=1e-6)
        np.testing.assert_allclose(figure.data[0].y, [back.rms for back in returns.solvers[0].returns], rtol=1e-6)
        np.testing.assert_allclose(figure.data[-1].y, returns.unrelated, rtol=1e-6)
    assert all(f"{back.rms:.2g}" in boomerang.alt_distance(returns) for back in returns.solvers[1].returns)


def test_only_closed_forms_that_a_solver_should_meet_are_drawn():
    found = run_experiment(
        BoomerangSpec(data=ToyData(name="gaussian"), particles=20, levels=2, steps=5, solvers=("ddim",))
    )
    names = [trace.name for trace in boomerang.distance_figure(found).data]
    assert "exact, ODE" in names
    assert "exact, SDE" not in names


def test_moves_begin_at_inputs_and_end_where_points_came_back(returns):
    head, arrays = read_scene(boomerang.moves_scene(returns).pack())
    assert head["steps"] == len(returns.levels) - 1 == 4
    assert head["opens"] * head["steps"] == boomerang.first_level(returns)
    np.testing.assert_allclose(arrays["anchors"], returns.clean, rtol=1e-6)
    for k, solver in enumerate(returns.solvers):
        ends = np.stack([back.ends for back in solver.returns])
        np.testing.assert_allclose(arrays[f"solver{k}"], ends, atol=1e-4 * np.abs(ends).max())


def test_the_law_has_its_band(returns):
    figure = boomerang.law_figure(returns)
    assert (figure.layout.shapes[0].y0, figure.layout.shapes[0].y1) == (returns.law_floor.low, returns.law_floor.high)
    np.testing.assert_allclose(figure.data[0].y, [back.law.value for back in returns.solvers[0].returns], rtol=1e-6)
    assert f"{returns.law_floor.high:.2g}" in boomerang.alt_law(returns)


def test_strips_go_level_by_level(image_returns):
    figure = boomerang.strips_figure(image_returns, 1)
    assert len(figure.layout.images) == 1 + len(image_returns.solvers)
    assert figure.layout.xaxis.ticktext[0] == "input"
    assert len(figure.layout.xaxis.ticktext) == 4
    assert "Image 2 of 2" in boomerang.alt_strips(image_returns, 1)


def test_what_cannot_be_drawn_is_said(trips, image_trips, returns, image_returns):
    learned = replace(image_trips, exact=None)
    for call, words in (
        (lambda: inversion.error_figure(trips, "mean"), "must be one of"),
        (lambda: inversion.error_figure(learned, "latent_rms"), "no exact latents"),
        (lambda: inversion.latent_figure(image_trips), "need 2-D data"),
        (lambda: inversion.strips_figure(trips), "need images"),
        (lambda: inversion.strips_figure(image_trips, 2), "images 0 to 1"),
        (lambda: boomerang.distance_figure(returns, "x"), "must be one of"),
        (lambda: boomerang.law_figure(image_returns), "2-D data"),
        (lambda: boomerang.moves_scene(image_returns), "need 2-D data"),
        (lambda: boomerang.strips_figure(returns), "strips need images"),
        (lambda: boomerang.strips_figure(image_returns, 5), "images 0 to 1"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
