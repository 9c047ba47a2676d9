"""Path shapes: what is drawn and said is what the paths have, and straight ones stay in the picture."""

import dataclasses

import numpy as np
import pytest

from core.experiments.curvature import CurvatureResult
from core.figures import curvature as figures
from core.figures.bends import bends_scene
from core.figures.style import schedule_style
from tests.scenes import read_scene


@pytest.fixture
def arcs(curvature) -> CurvatureResult:
    """Every path a half circle: of radius 2 under the first schedule, 0.5 under the others, closed form throughout."""
    shapes = []
    for place, shape in enumerate(curvature.shapes):
        radius = 2.0 if place == 0 else 0.5
        angle = np.linspace(0, np.pi, len(shape.times))[:, None]
        states = np.stack(np.broadcast_arrays(radius * np.cos(angle), radius * np.sin(angle)), axis=-1)
        states = np.repeat(states, 3, axis=1)
        bend = np.full(states.shape[:2], 1 / radius)
        shapes.append(
            dataclasses.replace(
                shape,
                states=states,
                curvature=bend,
                curvature_mean=bend.mean(axis=1),
                quantiles=np.stack([bend[:, 0]] * 3),
                straightness=np.full(3, (np.pi**2 - 4) * radius**2),  # even motion along the arc
                length_over_chord=np.full(3, np.pi / 2),
            )
        )
    return dataclasses.replace(curvature, shapes=tuple(shapes))


def straighten(result: CurvatureResult) -> CurvatureResult:
    """The same with a first schedule whose paths are straight lines in even motion."""
    first = result.shapes[0]
    straight = dataclasses.replace(
        first,
        straightness=np.zeros_like(first.straightness),
        length_over_chord=np.ones_like(first.length_over_chord),
    )
    return dataclasses.replace(result, shapes=(straight, *result.shapes[1:]))


@pytest.mark.parametrize("against", ["s", "log_snr"])
def test_lines_are_the_median_and_mean_and_the_band_the_quantiles(curvature, against):
    figure = figures.curvature_figure(curvature, against)
    assert figure.layout.xaxis.title.text == figures.AGAINST[against]
    bottom, top = 10.0 ** np.array(figure.layout.yaxis.range)
    for shape in curvature.shapes:
        band, median, mean = (trace for trace in figure.data if trace.legendgroup == shape.title)
        for line, expected in ((median, np.median(shape.curvature, axis=1)), (mean, shape.curvature.mean(axis=1))):
            np.testing.assert_allclose(line.x, getattr(shape, against), rtol=1e-5, atol=1e-6)
            inside = expected > bottom
            np.testing.assert_allclose(line.y[inside], expected[inside], rtol=1e-5)
            np.testing.assert_allclose(line.customdata, expected, rtol=1e-5)
        high, low = np.split(band.y, 2)
        for edge, share in ((high, 0.9), (low[::-1], 0.1)):
            expected = np.quantile(shape.curvature, share, axis=1)
            np.testing.assert_allclose(edge[expected > bottom], expected[expected > bottom], rtol=1e-5)
            assert expected.max() < top
        assert median.line.color == mean.line.color == schedule_style(shape.schedule).colour
    shown = [trace.name for trace in figure.data if trace.showlegend is None]
    assert shown == [shape.title for shape in curvature.shapes]


def test_words_give_the_bend_of_a_circle(arcs):
    words = figures.alt_curvature(arcs)
    first, *others = arcs.shapes
    assert f"{first.title}: largest median 0.5 at" in words
    for shape in others:
        assert f"{shape.title}: largest median 2 at" in words


def test_paths_of_one_bend_have_one_colour_each(arcs):
    head, arrays = read_scene(bends_scene(arcs).pack())
    found = []
    for place, shape in enumerate(arcs.shapes):
        radius = 2.0 if place == 0 else 0.5
        np.testing.assert_allclose(np.linalg.norm(arrays[f"schedule{place}"], axis=-1), radius, rtol=1e-4)
        found.append(np.unique(arrays[f"schedule{place}.tint"]))
        assert head["series"][place]["label"] == shape.title
    assert [len(classes) for classes in found] == [1] * len(arcs.shapes)
    assert found[0] < found[1]


def test_panels_show_the_data_and_not_the_far_start(curvature):
    head, _ = read_scene(bends_scene(curvature).pack())
    far = next(shape for shape in curvature.shapes if shape.schedule == "edm")
    assert np.abs(far.states[0]).max() > 50
    ends = max(np.abs(shape.states[-1]).max() for shape in curvature.shapes)
    assert ends < head["plane"]["half"] < 3 * ends
    assert [panel["title"] for panel in head["panels"]] == [shape.title for shape in curvature.shapes]


def test_colours_and_places_are_those_of_the_paths(curvature):
    head, arrays = read_scene(bends_scene(curvature).pack())
    edges = [float(text) for text in head["scale"]["edges"]]
    assert edges == sorted(edges)
    assert len(edges) == len(head["scale"]["colours"]) - 1
    for k, shape in enumerate(curvature.shapes):
        tint = arrays[f"schedule{k}.tint"]
        assert tint.shape == shape.curvature.shape  # few enough to be shown all
        largest = np.abs(shape.states).max(axis=(1, 2), keepdims=True)
        assert np.abs((arrays[f"schedule{k}"] - shape.states) / largest).max() < 0.51 / 32767
        for value, (low, high) in enumerate(zip([-np.inf, *edges], [*edges, np.inf], strict=True)):
            inside = (shape.curvature > 1.06 * low) & (shape.curvature < high / 1.06)  # labels have two figures
            assert (tint[inside] == value).all()
        assert head["series"][k]["track"]["per"] * head["steps"] == len(shape.states) - 1


def boxes(figure):
    """Pairs of boxes, one a schedule: straightness, length over chord."""
    half = len(figure.data) // 2
    return list(zip(figure.data[:half], figure.data[half:], strict=True))


def test_boxes_hold_every_particle(curvature):
    for shape, (straight, length) in zip(curvature.shapes, boxes(figures.summary_figure(curvature)), strict=True):
        assert straight.name == length.name == shape.title
        np.testing.assert_allclose(straight.y, shape.straightness, rtol=1e-6)
        np.testing.assert_allclose(length.y, shape.length_over_chord - 1, rtol=1e-6)


def test_straight_paths_stay_in_the_picture_and_are_called_so(curvature):
    figure = figures.summary_figure(straighten(curvature))
    straight, length = boxes(figure)[0]
    for box in (straight, length):
        assert len(box.y) == curvature.spec.particles
        np.testing.assert_allclose(box.y, figures.STRAIGHT, rtol=1e-6)
    assert all("10⁻⁹: straight" in axis.title.text for axis in figure.select_yaxes())
    assert not any("straight" in (axis.title.text or "") for axis in figures.summary_figure(curvature).select_yaxes())
    first = curvature.shapes[0].title
    assert f"even motion on: {first} 0 (median 0)" in figures.alt_summary(straighten(curvature))
    assert f"straightest line on: {first} 1," in figures.alt_summary(straighten(curvature))


def test_words_and_table_give_the_closed_forms_of_a_half_circle(arcs):
    first, *others = (shape.title for shape in arcs.shapes)
    words = figures.alt_summary(arcs)
    for title, radius in ((first, 2.0), *((title, 0.5) for title in others)):
        straightness = (np.pi**2 - 4) * radius**2
        assert f"{title} {straightness:.3g} (median {straightness:.3g})" in words
        row = figures.summary_table(arcs).set_index("Schedule").loc[title]
        np.testing.assert_allclose(row["Straightness, mean"], straightness)
        np.testing.assert_allclose(row["Length over chord, median"], np.pi / 2)
    assert words.index(others[0]) < words.index(first)  # the smaller arc is the more even
    assert figures.alt_paths(arcs).count("1.571") == len(arcs.shapes)


def test_plane_states_the_shares_of_the_paths_covariance(image_curvature):
    shape = image_curvature.shapes[0]
    paths = shape.states.reshape(*shape.states.shape[:2], -1).astype(float)
    shares = []
    for path in np.moveaxis(paths, 1, 0):
        variances = np.linalg.eigvalsh(np.cov(path.T))[::-1]
        shares.append(variances[:2] / variances.sum())
    first, second = np.mean(shares, axis=0)
    title = figures.plane_figure(image_curvature).layout.annotations[0].text
    assert f"{first:.2%} + {second:.2%} of variance" in title
    assert f"{shape.title} {first + second:.2%}" in figures.alt_plane(image_curvature)


@pytest.mark.parametrize(("count", "grid"), [(1, (1, 1)), (2, (1, 2)), (3, (1, 3)), (4, (2, 2))])
def test_panels_make_a_grid_without_leftovers(curvature, count, grid):
    shapes = (curvature.shapes * 2)[:count]
    result = dataclasses.replace(curvature, shapes=shapes)
    figure = figures.plane_figure(result)
    lefts = {round(axis.domain[0], 3) for axis in figure.select_xaxes()}
    floors = {round(axis.domain[0], 3) for axis in figure.select_yaxes()}
    assert (len(floors), len(lefts)) == grid


def test_classes_above_a_hundred_are_written_out(curvature):
    sharp = [dataclasses.replace(shape, curvature=shape.curvature * 1000) for shape in curvature.shapes]
    head, _ = read_scene(bends_scene(dataclasses.replace(curvature, shapes=tuple(sharp))).pack())
    written = head["scale"]["edges"]
    assert any(100 < float(edge) < 1e5 for edge in written)
    assert not any("e+" in edge for edge in written if float(edge) < 1e5)
    assert [float(edge) for edge in written] == sorted(float(edge) for edge in written)
