"""Error against steps: errors of a known power law must come back as that order, and lost runs never as numbers."""

import dataclasses

import numpy as np
import pytest

from core.analysis import convergence_order
from core.experiments import ConvergenceSpec, run_experiment
from core.experiments.convergence import ConvergenceResult
from core.figures import convergence as figures
from core.solvers import SOLVERS

STEPS = np.array([10, 20, 40, 80, 160])


@pytest.fixture
def powers(convergence) -> ConvergenceResult:
    """The first solver with RMS errors of order 2 and medians of order 3, far above the floor."""
    first = convergence.solvers[0]
    rms, median = 3.0 * STEPS**-2.0, 5.0 * STEPS**-3.0
    exact = dataclasses.replace(first, rms=rms, median=median, order=convergence_order(STEPS, rms))
    return dataclasses.replace(convergence, solvers=(exact,), floor=1e-13)


def lose(result: ConvergenceResult, counts: int, reached: int | None = None) -> ConvergenceResult:
    """The first solver diverged with its ``counts`` smallest step counts, and on the path after ``reached`` states."""
    solver = result.solvers[0]
    gone = np.arange(len(solver.steps)) < counts
    rms, median = (np.where(gone, np.nan, errors) for errors in (solver.rms, solver.median))
    lost = dataclasses.replace(
        solver, rms=rms, median=median, diverged=gone, order=convergence_order(solver.steps, rms, result.floor)
    )
    if reached is not None:
        lost = dataclasses.replace(
            lost,
            path_times=solver.path_times[:reached],
            path_error=solver.path_error[:reached],
            particle_error=np.full_like(solver.particle_error, np.nan),
        )
    return dataclasses.replace(result, solvers=(lost, *result.solvers[1:]))


def line_of(figure, label):
    return next(trace for trace in figure.data if trace.name.startswith(f"{label}:<br>"))


@pytest.mark.parametrize(("measure", "order", "least"), [("rms", 2, 3.0 / 160**2), ("median", 3, 5.0 / 160**3)])
def test_the_order_is_that_of_the_drawn_error(powers, measure, order, least):
    label = powers.solvers[0].label
    line = line_of(figures.error_figure(powers, measure=measure), label)
    assert f"order {order}.00 ± 0.00" in line.name
    words = figures.alt_error(powers, measure=measure)
    assert f"{label} order {order}.00 ± 0.00" in words
    assert f"With 160 steps {label} errs least, {least:.2g}" in words
    np.testing.assert_allclose(np.polyfit(np.log(line.x), np.log(line.y), 1)[0], -order, rtol=1e-5)


def test_words_and_axes_name_what_is_drawn(powers):
    for against in figures.AGAINST:
        for measure, title in figures.MEASURES.items():
            figure = figures.error_figure(powers, against, measure)
            assert figure.layout.xaxis.title.text == figures.AGAINST[against]
            assert figure.layout.yaxis.title.text.startswith(title)
            assert figures.alt_error(powers, against, measure).startswith(title)
    with pytest.raises(ValueError, match="measure one of rms, median"):
        figures.alt_error(powers, measure="mean")


def test_markers_stand_at_the_evaluations_counted(convergence):
    figure = figures.error_figure(convergence, against="nfe")
    for solver in convergence.solvers:
        np.testing.assert_array_equal(line_of(figure, solver.label).x, solver.nfe)
    heun = next(solver for solver in convergence.solvers if solver.name == "edm-heun")
    np.testing.assert_array_equal(line_of(figure, heun.label).x, 2 * STEPS)


def test_the_thick_part_covers_the_window_of_the_fit_and_no_more(powers):
    kinked = powers.solvers[0].rms.copy()
    kinked[0] *= 5  # the coarsest run is off the line
    solver = dataclasses.replace(powers.solvers[0], rms=kinked, order=convergence_order(STEPS, kinked))
    figure = figures.error_figure(dataclasses.replace(powers, solvers=(solver,)))
    (thick,) = (trace for trace in figure.data if "window" in trace.name)
    np.testing.assert_array_equal(thick.x, STEPS[1:])
    np.testing.assert_allclose(thick.y, kinked[1:], rtol=1e-6)
    assert thick.line.width > line_of(figure, solver.label).line.width


def test_an_order_that_was_not_reached_is_not_drawn_as_one(powers):
    bent = np.exp(-np.sqrt(STEPS))
    solver = dataclasses.replace(powers.solvers[0], rms=bent, order=convergence_order(STEPS, bent))
    result = dataclasses.replace(powers, solvers=(solver,))
    figure = figures.error_figure(result)
    assert "not reached, last slope" in line_of(figure, solver.label).name
    assert not [trace for trace in figure.data if "window" in trace.name]
    assert figures.order_table(result)["Order reached"].tolist() == ["no"]


def test_runs_that_diverged_are_crosses_above_all_errors(convergence):
    for counts in (2, len(STEPS)):
        result = lose(convergence, counts)
        figure, label = figures.error_figure(result), result.solvers[0].label
        (cross,) = (trace for trace in figure.data if trace.name == f"{label}: diverged")
        np.testing.assert_array_equal(cross.x, STEPS[:counts])
        drawn = np.concatenate([t.y[np.isfinite(t.y)] for t in figure.data if t is not cross])
        assert (cross.y > drawn.max()).all()
        assert (np.log10(cross.y) < figure.layout.yaxis.range[1]).all()
        assert np.isnan(line_of(figure, label).y[:counts]).all()
        assert f"Diverged: {label} with {', '.join(map(str, STEPS[:counts]))} steps" in figures.alt_error(result)


def test_nothing_is_stated_when_every_run_diverged(powers):
    result = lose(powers, len(STEPS), reached=1)
    words = figures.alt_error(result)
    assert "errs least" not in words
    assert "order not measured" in words
    assert figures.order_table(result)["Measured order"].tolist() == [None]
    for text in (words, figures.alt_path(result)):
        assert "nan" not in text
    assert np.isfinite(figures.error_figure(result).layout.yaxis.range).all()


@pytest.mark.parametrize("reached", [1, 2, 4])
def test_the_last_error_of_a_run_that_broke_off_is_no_result(convergence, image_convergence, reached):
    for result in (convergence, image_convergence):
        lost = lose(result, 0, reached)
        label = lost.solvers[0].label
        names = [trace.name for trace in figures.path_figure(lost).data]
        assert names[0] == f"{label}: broke off in step {reached}"
        assert f"{label} near" not in figures.alt_path(lost) or f"breaking off in step {reached}" in figures.alt_path(
            lost
        )
    assert f"{label} diverged" in figures.alt_images(lost)
    assert "RMS error" not in figures.alt_images(lost)
    assert "diverged" in figures.images_figure(lost).layout.annotations[1].text


def test_end_images_carry_the_distance_between_them(image_convergence):
    figure = figures.images_figure(image_convergence)
    target = image_convergence.final_images["reference"].astype(float)
    for place, solver in enumerate(image_convergence.solvers, start=1):
        gap = image_convergence.final_images[solver.label] - target
        label = figure.layout.annotations[place].text
        assert solver.label in label
        assert f"RMS error {np.sqrt(np.mean(gap**2)):.2g}," in label
        assert f"median {np.median(np.sqrt((gap**2).mean(axis=(1, 2, 3)))):.2g}" in label
        assert label.split("</b>, ")[1] in figures.alt_images(image_convergence)
    ticks = figure.layout.xaxis.ticktext
    assert len(ticks) == image_convergence.spec.particles
    assert len(figure.to_json()) < 100e3


def test_the_floor_is_a_band_when_near_and_a_remark_when_far(powers):
    label = "rounding of something with a name so long that it takes several lines"
    near = figures.error_figure(dataclasses.replace(powers, floor=1e-6, floor_label=label))
    band = next(shape for shape in near.layout.shapes if shape.type == "rect")
    assert band.y1 == 1e-6
    assert near.layout.yaxis.range[0] < -6
    far = figures.error_figure(dataclasses.replace(powers, floor=1e-13, floor_label=label))
    assert not far.layout.shapes
    assert far.layout.yaxis.range[0] > -13
    assert "1e-13" in far.layout.annotations[0].text
    for figure in (near, far):
        lines = figure.layout.annotations[0].text.split("<br>")
        assert label in " ".join(lines)
        assert max(map(len, lines)) <= figures.WRAP


def test_every_legend_fits_a_narrow_screen(powers):
    """50 letters of 14 px are about 330 px, what a screen of 390 px leaves beside the symbol."""
    bent = np.exp(-np.sqrt(STEPS))
    for info in SOLVERS.values():
        solver = dataclasses.replace(
            powers.solvers[0], name=info.name, label=info.title, rms=bent, order=convergence_order(STEPS, bent)
        )
        name = line_of(figures.error_figure(dataclasses.replace(powers, solvers=(solver,))), info.title).name
        assert max(map(len, name.split("<br>"))) <= 50


def test_one_solver_with_other_options_has_its_colour_but_not_its_look():
    spec = ConvergenceSpec(
        solvers=("dpmpp-2m", "dpmpp-2m(lower_order_final=true)"), step_counts=(5, 10), particles=8, path_steps=5
    )
    one, other = (trace for trace in figures.error_figure(run_experiment(spec)).data if trace.showlegend is None)
    assert one.line.color == other.line.color
    assert one.line.dash != other.line.dash
    assert one.marker.symbol != other.marker.symbol
    assert "lower_order_final = true" in other.name


def test_solvers_that_agree_to_the_last_digit_can_both_be_seen(convergence):
    lines = [trace for trace in figures.error_figure(convergence).data if trace.showlegend is None]
    sizes = [trace.marker.size for trace in lines]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)
    assert sizes[-1] >= 6


def test_the_table_holds_the_evidence(powers):
    (row,) = figures.order_table(powers).to_dict("records")
    assert row["Measured order"] == 2.0
    assert row["± (95 %)"] == 0.0
    assert row["Window (steps)"] == "10 to 160"
    assert row["Order reached"] == "yes"
    assert row["Claimed"] == SOLVERS[powers.solvers[0].name].claimed_order
    assert row["In our tests"] == SOLVERS[powers.solvers[0].name].order
