"""What schedules do to images: the density of one pixel, and one image on its way to noise."""

import numpy as np
import pytest
from scipy import stats

from core.experiments import ImageData, SchedulesSpec, run_experiment
from core.experiments.build import build_model
from core.experiments.sliced import PIXEL_WIDTH
from core.schedules import make_schedule

SPEC = SchedulesSpec(data=ImageData(name="digits", label=7), schedules=("edm", "vp-linear"))


@pytest.fixture(scope="module")
def result():
    return run_experiment(SPEC)


def test_the_slice_is_the_mixture_over_the_pixels_values(result):
    pixels = build_model(SPEC.data).points[:, 0, 4, 4].double().numpy()
    schedule, piece = make_schedule("edm"), result.slice
    for k in (0, 40, 100):
        alpha, sigma = float(schedule.alpha(piece.t[k])), float(schedule.sigma(piece.t[k]))
        unit, width = np.hypot(alpha, sigma), np.hypot(alpha * PIXEL_WIDTH, sigma)
        each = stats.norm.pdf(unit * piece.x[:, None], alpha * pixels, width)
        np.testing.assert_allclose(piece.density[k], unit * each.mean(axis=1), rtol=1e-9, atol=1e-300)
    assert piece.what == "middle pixel"


def test_an_image_and_its_noise_are_the_same_under_every_schedule(result):
    first, second = result.noised["edm"], result.noised["vp-linear"]
    image = build_model(SPEC.data).sample(1, seed=0)[0].numpy()
    np.testing.assert_allclose(first.images[0], image, atol=0.02)
    np.testing.assert_allclose(second.images[0], image, atol=0.02)
    # at the noise end both are the noise, up to the signal that is left: 1/80 and 0.0066
    np.testing.assert_allclose(first.images[-1], second.images[-1], atol=0.04)
    middle = (result.noised["vp-linear"].images[4] - second.images[-1]) @ np.ones(8)
    assert np.abs(middle).max() > 0.1


def test_a_networks_images_are_those_it_learned_from():
    learned = run_experiment(SPEC.model_copy(update={"data": ImageData(name="unet-digits", label=7)}))
    exact = run_experiment(SPEC)
    np.testing.assert_array_equal(learned.slice.density, exact.slice.density)
    np.testing.assert_array_equal(learned.noised["edm"].images, exact.noised["edm"].images)
    assert any("trained on" in note for note in learned.notes)
    assert not any("trained on" in note for note in exact.notes)


def test_colour_pixels_name_their_channel():
    result = run_experiment(SchedulesSpec(data=ImageData(name="patches-16"), schedules=("flow",)))
    assert result.slice.what == "middle pixel (red)"
    assert result.noised["flow"].images.shape == (9, 3, 16, 16)
    assert np.isfinite(result.slice.density).all()
