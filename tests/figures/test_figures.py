"""Figures draw what the result holds, never a broken run, and stay light enough to send."""

import base64
import dataclasses
import io

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from core.experiments import ImageData, SchedulesSpec, run_experiment
from core.figures import convergence as on_convergence
from core.figures import curvature as on_curvature
from core.figures import schedules as on_schedules
from core.figures import tiles
from core.figures import trajectories as on_trajectories
from core.figures.bends import bends_scene
from core.grids import GRIDS


def arrays(figure: go.Figure):
    """Every x, y, z, u, v of a figure and its frames."""
    for trace in (*figure.data, *(trace for frame in figure.frames for trace in frame.data)):
        for key in ("x", "y", "z", "u", "v"):
            if key in trace and trace[key] is not None:
                yield trace, key, np.asarray(trace[key])


def assert_drawable(figure: go.Figure, limit_kb: float) -> None:
    sizes = 0
    for trace, key, values in arrays(figure):
        if values.dtype.kind == "f":
            assert values.dtype == np.float32, (trace.name, key)
            assert not np.isinf(values).any(), (trace.name, key)
        sizes += 1
    assert sizes
    assert len(figure.to_json()) < 1e3 * limit_kb
    page = figure.layout.template.layout
    assert page.paper_bgcolor == page.plot_bgcolor == "rgba(0,0,0,0)"


def trace_of(figure: go.Figure, name: str) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.name and name in trace.name]


@pytest.mark.parametrize(
    ("name", "make", "limit"),
    [
        ("trajectories", lambda r: on_trajectories.error_figure(r), 50),
        ("convergence", lambda r: on_convergence.error_figure(r), 60),
        ("convergence", lambda r: on_convergence.error_figure(r, "nfe", "median"), 60),
        ("convergence", lambda r: on_convergence.path_figure(r), 60),
        ("curvature", lambda r: on_curvature.curvature_figure(r), 200),
        ("curvature", lambda r: on_curvature.curvature_figure(r, "log_snr"), 200),
        ("curvature", lambda r: on_curvature.summary_figure(r), 60),
        ("image_curvature", lambda r: on_curvature.plane_figure(r), 60),
        ("schedules", lambda r: on_schedules.curves_figure(r), 60),
        ("schedules", lambda r: on_schedules.curves_figure(r, "snr", "log_snr"), 60),
        ("schedules", lambda r: on_schedules.grids_figure(r), 60),
        ("schedules", lambda r: on_schedules.grids_figure(r, "times"), 60),
        ("schedules", lambda r: on_schedules.slice_figure(r), 120),
    ],
)
def test_figures_are_finite_light_and_transparent(name, make, limit, request):
    figure = make(request.getfixturevalue(name))
    assert_drawable(figure, limit)
    assert all(trace.name for trace in figure.data)
    for axis in figure.select_xaxes():
        assert axis.title.text or axis.visible is False or name == "curvature"


def test_a_stochastic_solver_has_no_error_line(trajectories):

    names = [trace.name for trace in on_trajectories.error_figure(trajectories).data]
    assert "DDPM ancestral" not in names
    assert len(names) == 2
    assert "DDPM" not in on_trajectories.alt_error(trajectories)


def test_convergence_names_measured_and_claimed_order(convergence):

    figure, table = on_convergence.error_figure(convergence), on_convergence.order_table(convergence)
    for solver in convergence.solvers:
        trace = trace_of(figure, f"{solver.label}:")[0]
        np.testing.assert_allclose(trace.y, solver.rms.astype(np.float32))
        assert f"(claimed {solver.claimed_order})" in trace.name
        if solver.order.reliable:
            assert f"{float(solver.order):.2f}" in trace.name
            assert f"{float(solver.order):.2f}" in on_convergence.alt_error(convergence)
    assert list(table["Solver"]) == [solver.label for solver in convergence.solvers]


def test_a_diverged_step_count_is_a_mark_at_the_edge(convergence):

    solver = convergence.solvers[0]
    rms = solver.rms.copy()
    rms[0] = np.nan
    lost = dataclasses.replace(solver, rms=rms, diverged=np.isnan(rms))
    figure = on_convergence.error_figure(dataclasses.replace(convergence, solvers=(lost, *convergence.solvers[1:])))
    (mark,) = trace_of(figure, "diverged")
    assert list(mark.x) == [10]
    line = trace_of(figure, f"{solver.label}:")[0]
    assert np.isnan(line.y[0])
    assert np.isfinite(line.y[1:]).all()


@pytest.mark.parametrize("against", ["steps ", "time", ""])
def test_unknown_axes_are_refused(convergence, curvature, schedules, against):

    for call in (
        lambda: on_convergence.error_figure(convergence, against=against),
        lambda: on_curvature.curvature_figure(curvature, against=against),
        lambda: on_schedules.curves_figure(schedules, y=against),
    ):
        with pytest.raises(ValueError, match="one of"):
            call()


def pixels(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))


def test_tiles_are_crisp_and_mark_what_is_missing():
    grey = np.array([[[-1.0, 1.0], [0.0, 3.0]]])  # the last value is clipped
    uri, side, (height, width) = tiles.tiles([[grey, np.full((1, 2, 2), np.nan), None]])
    sheet = pixels(uri)
    assert sheet.shape == (height, width, 4)
    zoom = (side - tiles.GAP) // 2
    assert (sheet[:zoom, :zoom] == [0, 0, 0, 255]).all()
    assert (sheet[:zoom, zoom : 2 * zoom] == [255, 255, 255, 255]).all()
    assert (sheet[zoom : 2 * zoom, zoom : 2 * zoom, :3] == 255).all()
    assert (sheet[: 2 * zoom, side : side + 2 * zoom] == tiles.EMPTY).all()
    assert (sheet[:, 2 * side :, 3] == 0).all()


def test_end_images_stand_beside_the_reference(image_convergence):
    figure = on_convergence.images_figure(image_convergence)
    assert len(figure.layout.images) == 2
    assert "Reference" in figure.layout.annotations[0].text


def test_figures_refuse_the_other_kind_of_data(convergence, image_curvature):

    for call in (
        lambda: on_convergence.images_figure(convergence),
        lambda: bends_scene(image_curvature),
    ):
        with pytest.raises(ValueError, match=r"2-D|image"):
            call()


def test_words_carry_the_numbers(curvature, image_curvature, schedules):

    for shape in curvature.shapes:
        assert f"{shape.straightness.mean():.3g}" in on_curvature.alt_summary(curvature)
        assert f"{np.nanmedian(shape.length_over_chord):.3f}" in on_curvature.alt_paths(curvature)
        assert shape.title in on_curvature.alt_curvature(curvature)
    assert "%" in on_curvature.alt_plane(image_curvature)
    assert len(on_curvature.summary_table(curvature)) == len(curvature.shapes)
    for words in (on_schedules.alt_curves(schedules), on_schedules.alt_slice(schedules)):
        assert "VP, linear" in words


def test_words_about_grids_say_how_many_steps_are_spent_on_data(schedules):
    words = on_schedules.alt_grids(schedules)
    for grid in map(str, schedules.spec.grids):
        shares = [np.mean(places.log_snr[1:] > 0) for (_, name), places in schedules.grids.items() if name == grid]
        assert f"{GRIDS[grid].title} {min(shares):.0%} to {max(shares):.0%}" in words


def test_an_image_on_its_way_to_noise_has_a_row_a_schedule(schedules):
    spec = SchedulesSpec(data=ImageData(label=3), schedules=("edm", "flow"))
    figure = on_schedules.noised_figure(run_experiment(spec))
    assert len(figure.layout.images) == 2
    assert len(figure.to_json()) < 100e3
    assert "half way in time" in on_schedules.alt_noised(run_experiment(spec))
    with pytest.raises(ValueError, match="needs image data"):
        on_schedules.noised_figure(schedules)
