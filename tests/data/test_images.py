"""Image sets: shapes, ranges, classes, and one sentence where a class or the weights are not there."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_sample_images

from core.data import IMAGE_DATA, make_images, to_display
from core.models import EmpiricalData

EXACT = [name for name, info in IMAGE_DATA.items() if info.exact]
LEARNED = [name for name in IMAGE_DATA if name not in EXACT]
WITH_CLASSES = [name for name in EXACT if IMAGE_DATA[name].classes]


@pytest.mark.parametrize("name", EXACT)
def test_an_exact_set_has_the_stated_shape_and_values_from_minus_one_to_one(name: str):
    model, info = make_images(name), IMAGE_DATA[name]
    assert isinstance(model, EmpiricalData)
    assert model.exact
    assert model.shape == info.shape
    assert model.points.dtype == torch.float32
    low, high = model.points.aminmax()
    assert -1 <= float(low) < -0.8
    assert 0.8 < float(high) <= 1
    assert torch.equal(model.points, make_images(name).points)


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_the_classes_share_the_set_out(name: str):
    info, whole = IMAGE_DATA[name], make_images(name)
    parts = [make_images(name, label) for label in range(len(info.classes))]
    assert sum(len(part.points) for part in parts) == len(whole.points)
    assert min(len(part.points) for part in parts) > 100


def test_digits_are_those_of_scikit_learn_and_labels_pick_their_class():
    digits = load_digits()
    np.testing.assert_allclose(make_images("digits").points[:, 0].numpy(), digits.images / 8 - 1, atol=1e-6)
    threes = make_images("digits", 3)
    np.testing.assert_allclose(threes.points[:, 0].numpy(), digits.images[digits.target == 3] / 8 - 1, atol=1e-6)
    nearly = threes.points[5:6] + 0.01
    np.testing.assert_allclose(threes.predict(nearly, 1.0, 0.02, "x0"), threes.points[5:6], atol=1e-5)


@pytest.mark.parametrize("name", ["patches-16", "patches-32"])
def test_patches_are_averaged_windows_of_the_photographs(name: str):
    points = make_images(name).points
    size = points.shape[-1]
    assert len(points.unique(dim=0)) == len(points)
    # the first patch lies somewhere in the first photograph: its mean square distance to the best window is zero
    photograph = torch.from_numpy(load_sample_images().images[0].copy()).permute(2, 0, 1).double()
    totals = torch.nn.functional.avg_pool2d(photograph, 4, stride=1) / 127.5 - 1
    height, width = (side - 4 * (size - 1) for side in totals.shape[1:])
    corner = points[0, :, 0, 0].double()[:, None, None]
    place = (totals[:, :height, :width] - corner).square().sum(0)
    tops, lefts = torch.nonzero(place < 1e-6, as_tuple=True)
    patch = points[0].double()
    assert any(
        torch.allclose(totals[:, top : top + 4 * size : 4, left : left + 4 * size : 4], patch, atol=1e-4)
        for top, left in zip(tops.tolist(), lefts.tolist(), strict=True)
    )


@pytest.mark.parametrize("label", [-1, 10, 2.5, "3"])
def test_a_class_that_does_not_exist_is_refused(label: object):
    with pytest.raises(ValueError, match=r"class .+ of 'digits' does not exist; allowed: 0 to 9"):
        make_images("digits", label)


@pytest.mark.parametrize("name", [name for name, info in IMAGE_DATA.items() if not info.classes])
def test_a_set_without_classes_takes_no_label(name: str):
    with pytest.raises(ValueError, match="this set has no classes"):
        make_images(name, 0)


def test_an_unknown_set_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown image set 'mnist'; choose one of: digits"):
        make_images("mnist")


def test_display_is_rgb_bytes_clipped_to_the_range():
    x = torch.tensor([-1.0, 0.0, 1.0, 7.0, -7.0, float("nan")]).reshape(1, 1, 2, 3)
    shown = to_display(x)
    assert (shown.shape, shown.dtype) == ((1, 2, 3, 3), np.uint8)
    np.testing.assert_array_equal(shown[0, ..., 0].ravel(), [0, 128, 255, 255, 0, 128])
    assert (shown[..., 0] == shown[..., 2]).all()
    colour = torch.zeros(2, 3, 4, 5)
    colour[:, 1] = 1.0
    np.testing.assert_array_equal(to_display(colour)[1, 3, 4], [128, 255, 128])


@pytest.mark.parametrize("content", [None, b"", b"not weights at all", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      " * 3])
@pytest.mark.parametrize("name", LEARNED)
def test_missing_or_corrupt_weights_are_one_sentence(
    name: str, content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.data.networks.WEIGHTS", tmp_path)
    file = f"{name.removeprefix('unet-')}.safetensors"
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(file)) as caught:
        make_images(name)
    assert "\n" not in str(caught.value)
