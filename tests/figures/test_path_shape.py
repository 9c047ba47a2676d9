"""How alike paths are: pictures and words hold the numbers of the paths, for both kinds of data."""

import dataclasses

import numpy as np
import pytest

from core.experiments import CurvatureSpec, ImageData, run_experiment
from core.figures import curvature as along
from core.figures import path_shape as figures
from tests.figures.test_figures import assert_drawable


@pytest.fixture(scope="module")
def compared():
    """Images under two schedules with a 2-D set beside."""
    spec = CurvatureSpec(
        data=ImageData(label=3), particles=4, nodes=30, schedules=("vp-linear", "flow"), beside="gaussian"
    )
    return run_experiment(spec)


@pytest.mark.parametrize("make", [figures.frame_figure, figures.space_figure, figures.beside_figure])
def test_figures_are_finite_and_light(compared, make):
    figure = make(compared)
    assert_drawable(figure, 200)
    assert all(trace.name for trace in figure.data)


def test_frames_show_every_path_and_their_mean(compared):
    figure = figures.frame_figure(compared)
    for i, shape in enumerate(compared.shapes):
        axis = f"y{i + 1 if i else ''}"
        paths, mean, aside = (trace for trace in figure.data if trace.yaxis == axis)
        np.testing.assert_allclose(paths.y[~np.isnan(paths.y)], shape.height.T.ravel(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(mean.x, shape.along.mean(axis=1), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(mean.y, shape.height.mean(axis=1), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(aside.y, shape.aside.mean(axis=1), rtol=1e-5, atol=1e-6)
        title = figure.layout.annotations[i].text
        spread, form = (float(f"{100 * share:.2g}") for share in shape.unlikeness)
        assert f"spread {spread:g}%, of form {form:g}%" in title
        assert title.replace(":<br>", f": median height {np.median(shape.deviation):.2%}, ") in figures.alt_frame(
            compared
        )


def test_spread_is_that_of_the_heights(compared):
    shape = compared.shapes[0]
    for curves, told in zip((shape.height, shape.height / shape.height.max(axis=0)), shape.unlikeness, strict=True):
        spread = np.sqrt(curves.var(axis=1, ddof=1).mean()) / np.sqrt((curves.mean(axis=1) ** 2).mean())
        assert told == pytest.approx(spread)
    chord = np.linalg.norm((shape.states[-1] - shape.states[0]).reshape(4, -1), axis=1)
    assert shape.length / chord == pytest.approx(shape.length_over_chord)


def test_straight_paths_are_drawn_flat_and_have_nothing_to_compare(compared):
    shape = compared.shapes[0]
    flat = dataclasses.replace(shape, height=np.zeros_like(shape.height), aside=np.zeros_like(shape.aside))
    result = dataclasses.replace(compared, shapes=(flat,), beside=())
    figure = figures.frame_figure(result)
    assert "nothing to compare" in figure.layout.annotations[0].text
    assert np.isnan(figures.frame_table(result).loc[0, "Out of its plane, share of that, median"])


def test_the_table_has_both_kinds_of_data(compared):
    table = figures.frame_table(compared)
    assert list(table["Data"]) == ["Digits 8×8, exact score"] * 2 + [figures.title_of(compared.spec.other.data)] * 2
    for row, shape in zip(table.to_dict("records"), (*compared.shapes, *compared.beside), strict=True):
        assert row["Greatest distance from the chord, median"] == pytest.approx(np.median(shape.deviation))
        assert row["In three"] == pytest.approx(shape.shares.sum(axis=1).mean())
    assert table["In two"].iloc[2:].tolist() == pytest.approx([1, 1])
    assert table["Out of its plane, share of that, median"].iloc[2:].max() < 1e-6


def test_scenes_name_the_share_of_each_axis(compared):
    figure = figures.space_figure(compared)
    for i, shape in enumerate(compared.shapes):
        scene = figure.layout[f"scene{i + 1 if i else ''}"]
        titles = [scene[f"{letter}axis"].title.text for letter in "xyz"]
        shares = shape.shares.mean(axis=0)
        assert [title.split(": ")[1] for title in titles[:2]] == [f"{share:.2%}" for share in shares[:2]]
        assert float(titles[2].split(": ")[1][:-1]) == pytest.approx(100 * shares[2], rel=0.5)
        ends = next(t for t in figure.data if t.mode == "markers" and t.scene == f"scene{i + 1 if i else ''}")
        np.testing.assert_allclose(ends.z, shape.components[-1, :, 2], rtol=1e-5, atol=1e-6)


def test_both_kinds_share_one_axis_of_radians(compared):
    figure = figures.beside_figure(compared)
    lines = [trace for trace in figure.data if trace.fill is None and trace.line.width == 3]
    expected = [shape for pair in zip(compared.shapes, compared.beside, strict=True) for shape in pair]
    bottom = 10 ** figure.layout.yaxis.range[0]
    for line, shape in zip(lines, expected, strict=True):
        median = np.median(shape.curvature * shape.length, axis=1)
        np.testing.assert_allclose(line.customdata, median, rtol=1e-5, atol=1e-12)
        np.testing.assert_allclose(line.y[median > bottom], median[median > bottom], rtol=1e-5)
    assert figure.layout.yaxis2.matches == "y"
    assert "radians" in figure.layout.yaxis.title.text
    words = figures.alt_beside(compared)
    assert all(title in words for title in ("Digits 8×8, exact score", figures.title_of(compared.spec.other.data)))


@pytest.mark.parametrize("measure", ["torsion", "straightness_rate"])
def test_other_measures_are_drawn_along_the_path(compared, measure):
    figure = along.curvature_figure(compared, "log_snr", measure)
    for shape in compared.shapes:
        values = getattr(shape, measure)
        median = next(t for t in figure.data if t.name == shape.title)
        told = np.isfinite(values).mean(axis=1) >= 0.5
        assert told.sum() > 5
        np.testing.assert_array_equal(np.isfinite(median.customdata), told)
        np.testing.assert_allclose(median.customdata[told], np.nanmedian(values[told], axis=1), rtol=1e-5)
        middles = (shape.log_snr[1:] + shape.log_snr[:-1]) / 2 if len(values) < len(shape.log_snr) else shape.log_snr
        np.testing.assert_allclose(median.x, middles, rtol=1e-5)
        assert shape.title in along.alt_curvature(compared, measure)


def test_what_cannot_be_drawn_is_refused(compared, curvature):
    for make, reason in (
        (lambda: along.curvature_figure(compared, "s", "bend"), "measure must be one of curvature"),
        (lambda: along.curvature_figure(curvature, "s", "torsion"), "no torsion"),
        (lambda: figures.space_figure(curvature), "two components"),
        (lambda: figures.beside_figure(curvature), "nothing to compare with"),
        (lambda: figures.beside_figure(compared, "t"), "against must be one of"),
    ):
        with pytest.raises(ValueError, match=reason):
            make()
