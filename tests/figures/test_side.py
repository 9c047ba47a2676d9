"""ODE, SDE and forward process beside each other, and the steps that adaptive solvers tried."""

import numpy as np
import pytest

from core.experiments import ImageData, TrajectoriesSpec, run_experiment
from core.figures import attempts, side
from core.figures.style import solver_style


@pytest.fixture(scope="module")
def images():
    return run_experiment(
        TrajectoriesSpec(data=ImageData(label=3), particles=2, steps=5, solvers=("ddim", "euler-maruyama"))
    )


@pytest.fixture(scope="module")
def adaptive():
    return run_experiment(TrajectoriesSpec(particles=8, solvers=("dpm-23-adaptive", "ddim", "rk45"), steps=5))


def test_three_processes_from_the_same_noise(trajectories):
    ode, sde, forward = side.panels(trajectories)
    assert [panel.kind for panel in (ode, sde, forward)] == ["ODE", "SDE", "Forward"]
    np.testing.assert_array_equal(ode.states[0], sde.states[0])
    np.testing.assert_array_equal(forward.states, trajectories.forward)
    assert ode.colour == solver_style("euler").colour


def test_every_frame_moves_every_panel_and_histograms_count_all(trajectories):
    figure = side.side_figure(trajectories)
    assert len(figure.to_json()) < 1_500_000
    assert len(figure.frames) == len(trajectories.field.steps)
    for frame, step in zip(figure.frames, trajectories.field.steps, strict=True):
        parts = dict(zip(frame.traces, frame.data, strict=True))
        dots = [part for part in parts.values() if part.type == "scatter"][::2]
        for part, panel in zip(dots, side.panels(trajectories), strict=True):
            np.testing.assert_allclose(part.x, panel.states[step, :, 0].astype(np.float32))
        bars = [part for part in parts.values() if part.type == "bar"]
        curves = [part for part in parts.values() if part.type == "scatter"][1::2]
        assert len(bars) == len(curves) == 3
        for bar, curve in zip(bars, curves, strict=True):
            width = bar.x[1] - bar.x[0]
            assert 0.8 < np.sum(bar.y) * width < 1 + 1e-5
            np.testing.assert_allclose(
                curve.y, trajectories.profile.density[list(trajectories.field.steps).index(step)], rtol=1e-5
            )


def test_a_run_that_broke_off_is_nowhere_afterwards(broken):
    figure = side.side_figure(broken)
    last = figure.frames[-1].data
    assert np.isnan(last[1].x).all()
    assert np.isfinite(figure.frames[0].data[1].x).all()


def test_images_have_strips_and_their_law(images, trajectories):
    strips = side.side_strips(images, 1)
    assert len(strips.layout.images) == 3
    figure = side.side_figure(images)
    assert {trace.name for trace in figure.data} == {"samples", "exact density"}
    assert "Image 2 of 2" in side.alt_side_strips(images, 1)
    with pytest.raises(ValueError, match="particles 0 to 1"):
        side.side_strips(images, 2)
    with pytest.raises(ValueError, match="2-D"):
        side.side_strips(trajectories)


def test_attempts_lie_above_one_where_they_were_thrown_away(adaptive):
    figure = attempts.attempts_figure(adaptive)
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    for trace in marks:
        above = np.asarray(trace.y) > 1
        assert above.all() if "thrown away" in trace.name else not above.any()
    assert sum(len(trace.x) for trace in marks) == sum(len(p.tried.nfe) for p in attempts.adaptive_paths(adaptive))
    words = attempts.attempts_in_words(adaptive)
    path = adaptive.paths[0]
    assert f"tried {len(path.tried.nfe)} steps" in words
    assert f"threw {path.tried.rejected} away" in words
    assert len(attempts.attempts_table(adaptive)) == sum(len(p.tried.nfe) for p in attempts.adaptive_paths(adaptive))


def test_without_adaptive_solvers_there_is_nothing_to_show(trajectories):
    assert "no solver here" in attempts.attempts_figure(trajectories).layout.annotations[0].text
    assert attempts.attempts_table(trajectories).empty
