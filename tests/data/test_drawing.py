"""A drawing as text and back, and the mixture that it stands for."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from core.data.drawing import (
    CELL,
    EXAMPLE,
    HALF,
    SIDE,
    Blob,
    Drawing,
    mixture_from_drawing,
    pack_drawing,
    unpack_drawing,
)

SHEETS = arrays.arrays(np.uint8, (SIDE, SIDE), elements=st.integers(0, 15), fill=st.just(0))
BLOBS = st.builds(
    Blob,
    weight=st.sampled_from([0.02, 1.0, 30.0]),
    x=st.floats(-HALF, HALF).map(lambda value: round(value, 3)),
    y=st.floats(-HALF, HALF).map(lambda value: round(value, 3)),
    length=st.sampled_from([0.03, 0.5, 2.5]),
    width=st.sampled_from([0.03, 0.25]),
    degrees=st.integers(-180, 180).map(float),
)


@given(SHEETS, st.lists(BLOBS, max_size=4))
def test_text_loses_nothing(paint, blobs):
    drawing = Drawing(paint, tuple(blobs))
    text = pack_drawing(drawing)
    if text == "~":
        return
    read = unpack_drawing(text)
    np.testing.assert_array_equal(read.paint, paint)
    assert read.blobs == drawing.blobs
    mixture = mixture_from_drawing(read, scale=1.5)
    mean = mixture.weights @ mixture.means
    np.testing.assert_allclose(mean, 0.0, atol=1e-9)
    assert mean_variance(mixture) == pytest.approx(1.5**2)


def mean_variance(mixture) -> float:
    widths = mixture.variances.expand(-1, 2).mean(dim=1)
    return float(mixture.weights @ (mixture.means.square().mean(dim=1) + widths))


def test_paint_is_where_it_was_put_and_twice_as_likely_where_twice_as_dark():
    paint = np.zeros((SIDE, SIDE), dtype=np.uint8)
    paint[0, 0], paint[0, -1] = 15, 5  # corners above
    mixture = mixture_from_drawing(Drawing(paint))
    left, right = mixture.means
    assert left[0] < 0 < right[0]
    assert left[1] == pytest.approx(float(right[1]))
    assert mixture.weights.tolist() == pytest.approx([0.75, 0.25])
    # the ratio of distance to width is that of the sheet: standardising only scales
    distance = float(right[0] - left[0]) / float(mixture.variances[0].sqrt())
    assert distance == pytest.approx((2 * HALF - CELL) / (0.6 * CELL))


def test_one_gaussian_has_the_score_of_its_normalised_self():
    mixture = mixture_from_drawing("~2:1:-1:0.9:0.3:30")
    angle = np.pi / 6
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    covariance = turn @ np.diag([0.81, 0.09]) @ turn.T / 0.45  # mean variance (0.81 + 0.09) / 2
    x = torch.tensor([[0.3, -0.7], [2.0, 1.0]], dtype=torch.float64)
    alpha, sigma = 0.6, 0.8
    expected = -sigma * (-(x.numpy() @ np.linalg.inv(alpha**2 * covariance + sigma**2 * np.eye(2))))
    np.testing.assert_allclose(mixture.predict(x, alpha, sigma, "eps"), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "nothing on the sheet"),
        ("~", "nothing on the sheet"),
        ("a1024~", "nothing on the sheet"),
        ("a1000p20~", "1024 cells, got 1020"),
        ("q5~", "letters from a to p"),
        ("a1b2<script>", "letters from a to p"),
        ("~1:2:3", "six numbers"),
        ("~1:0:0:1:1:x", "six numbers"),
        ("~1:0:0:1:1:inf", "must be finite"),
        ("~0:0:0:1:1:0", "weight of a Gaussian must lie between"),
        ("~1:9:0:1:1:0", "x of a Gaussian must lie between"),
        ("~1:0:0:0.001:1:0", "length of a Gaussian must lie between"),
        ("~" + "_".join([EXAMPLE[1:].split("_")[0]] * 13), "at most 12"),
        ("a" * 5000, "at most 4000 characters"),
        ("a99999999999999999999p~", "1024 cells"),
    ],
)
def test_what_is_no_drawing_is_said(text, told):
    with pytest.raises(ValueError, match=told):
        unpack_drawing(text)


def test_a_scale_out_of_range_is_refused():
    with pytest.raises(ValueError, match="scale must lie between"):
        mixture_from_drawing(EXAMPLE, scale=9.0)
