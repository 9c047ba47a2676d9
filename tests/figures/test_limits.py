"""Figures at the edge: nothing to compare with, every run lost, noise in the solver, and the largest pictures."""

import dataclasses

import numpy as np
import plotly.graph_objects as go
import pytest

from core.experiments import CurvatureSpec, SchedulesSpec, run_experiment
from core.figures import along
from core.figures import curvature as on_curvature
from core.figures import schedules as on_schedules
from core.figures import trajectories as on_trajectories
from core.figures.bends import bends_scene
from core.figures.style import log_axis, schedule_style
from tests.scenes import read_scene


@pytest.fixture
def without_reference(trajectories):
    """The trajectories as they are when the reference broke off: no solver has an error."""
    paths = [
        dataclasses.replace(path, error=np.full_like(path.error, np.nan), final_rms=np.nan, final_median=np.nan)
        for path in trajectories.paths
    ]
    return dataclasses.replace(trajectories, paths=tuple(paths))


def texts(figure: go.Figure) -> str:
    names = [trace.name or "" for trace in figure.data]
    return " ".join([*names, *(note.text or "" for note in figure.layout.annotations)])


def test_no_number_is_made_up_where_no_error_was_measured(without_reference):
    for words in (
        on_trajectories.alt_paths(without_reference),
        on_trajectories.alt_error(without_reference),
        " ".join(one["legend"] for one in on_trajectories.paths_scene(without_reference).head["series"]),
        texts(on_trajectories.error_figure(without_reference)),
    ):
        assert "nan" not in words.lower().split()
        assert "error nan" not in words
        assert "nearest" not in words
    assert "none measured" in on_trajectories.alt_error(without_reference)
    assert "no error to show" in texts(on_trajectories.error_figure(without_reference))


def test_solvers_that_draw_noise_are_said_to_have_no_error(trajectories):
    noisy = dataclasses.replace(trajectories, paths=tuple(p for p in trajectories.paths if p.stochastic))
    assert "none" in on_trajectories.alt_error(noisy)
    assert "draws noise" in on_trajectories.alt_paths(noisy)
    assert not on_trajectories.error_figure(noisy).data


def test_error_along_the_path_names_where_it_grows_and_how_it_ends():
    log_snr = np.array([-2.0, -1.0, 0.0, 1.0])
    whole = along.Line("ddim", "DDIM", log_snr, np.array([0.0, 0.1, 0.5, 0.25]), steps=3)
    short = along.Line("euler", "Euler", log_snr[:3], np.array([0.0, 0.3, 0.4]), steps=3)
    gone = along.Line("heun", "Heun", log_snr[:1], np.array([0.0]), steps=3)
    assert along.in_words([whole]) == "DDIM near λ = 0.0, ending at 0.25"
    assert along.in_words([short]) == "Euler near λ = -1.0, breaking off in step 3"
    assert along.in_words([gone]) == "Heun broke off in step 1"
    figure = along.along_figure([whole, short], 300)
    assert [trace.name for trace in figure.data] == ["DDIM", "Euler: broke off in step 3"]
    np.testing.assert_allclose(figure.data[1].y, np.float32([np.nan, 0.3, 0.4]))


def test_times_of_all_schedules_fit_one_axis():
    result = run_experiment(SchedulesSpec(schedules=("vp-linear", "edm", "ve"), grids=("uniform-t", "karras"), steps=6))
    figure = on_schedules.grids_figure(result, "times")
    assert figure.layout.xaxis.type in (None, "linear")  # VE ends at t = 0, which no logarithm shows
    for trace, places in zip(figure.data, result.grids.values(), strict=True):
        np.testing.assert_allclose(trace.x, places.times / places.times[0], rtol=1e-6)
    assert "share" in figure.layout.xaxis.title.text
    alone = run_experiment(SchedulesSpec(schedules=("vp-linear",), grids=("uniform-t",), steps=6))
    np.testing.assert_allclose(
        on_schedules.grids_figure(alone, "times").data[0].x, alone.grids["vp-linear", "uniform-t"].times, rtol=1e-6
    )


def test_schedules_shown_together_by_default_differ_in_colour():
    for spec in (CurvatureSpec(), SchedulesSpec()):
        assert len({schedule_style(name).colour for name in spec.schedules}) == len(spec.schedules)


@pytest.mark.parametrize(("low", "high"), [(0.13, 0.5), (1e-3, 0.02), (1e-12, 1.0), (2e-4, 3e-2)])
def test_a_logarithmic_axis_has_two_to_nine_labels_in_view(low, high):
    axis = log_axis(np.array([low, np.nan, 0.0, high]))
    first, last = np.log10(low) - 0.1, np.log10(high) + 0.1  # what an axis shows around its values
    if "tickvals" in axis:
        ticks = np.log10(axis["tickvals"])
        np.testing.assert_allclose([float(text) for text in axis["ticktext"]], axis["tickvals"], rtol=0.01)
    else:
        ticks = np.arange(-20, 20) * axis["dtick"]
    assert 2 <= np.sum((ticks >= first) & (ticks <= last)) <= 9


@pytest.mark.parametrize("values", [[], [np.nan], [5.0, 5.0], [0.13, 0.2]])
def test_a_logarithmic_axis_of_almost_one_value_is_labelled_by_plotly(values):
    axis = log_axis(np.array(values))
    assert axis["type"] == "log"
    assert not {"tickvals", "dtick"} & set(axis)


def test_curvature_zero_leaves_the_picture_and_is_told_as_zero(curvature):
    shape = curvature.shapes[0]
    quantiles = shape.quantiles.copy()
    quantiles[:, :10] = 0.0
    flat = dataclasses.replace(shape, quantiles=quantiles)
    figure = on_curvature.curvature_figure(dataclasses.replace(curvature, shapes=(flat, *curvature.shapes[1:])))
    (median,) = (trace for trace in figure.data if trace.name == shape.title)
    bottom, top = figure.layout.yaxis.range
    assert (np.log10(median.y[:10]) < bottom - 1).all()
    assert (median.customdata[:10] == 0).all()  # what hovering says
    inside = quantiles[1] > 10**bottom
    np.testing.assert_allclose(median.y[inside], quantiles[1][inside].astype(np.float32))
    assert np.log10(quantiles.max()) < top


def test_straight_paths_are_called_straight(curvature):
    straight = [
        dataclasses.replace(
            shape,
            curvature=np.zeros_like(shape.curvature),
            quantiles=np.zeros_like(shape.quantiles),
            curvature_mean=np.zeros_like(shape.curvature_mean),
        )
        for shape in curvature.shapes
    ]
    result = dataclasses.replace(curvature, shapes=tuple(straight))
    assert on_curvature.alt_curvature(result).count("straight") == len(straight)
    assert on_curvature.curvature_figure(result).data
    _, arrays = read_scene(bends_scene(result).pack())
    assert not any(arrays[f"schedule{k}.tint"].any() for k in range(len(straight)))  # all in the gentlest class


def test_plane_marks_the_data_end_inside_its_panel(image_curvature):
    figure, shape = on_curvature.plane_figure(image_curvature), image_curvature.shapes[0]
    (ends,) = (trace for trace in figure.data if trace.name == "data end")
    np.testing.assert_allclose(ends.x, shape.plane[-1, :, 0].astype(np.float32))
    for axis, values in ((figure.layout.xaxis, shape.plane[..., 0]), (figure.layout.yaxis, shape.plane[..., 1])):
        assert axis.range[0] < values.min()
        assert axis.range[1] > values.max()
    assert f"{shape.shares[:, 0].mean():.2%}" in figure.layout.annotations[0].text
