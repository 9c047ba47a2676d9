"""Errors of images as pictures: the figures hold what was measured; roughness is told for a learned score alone."""

import numpy as np
import pytest

from core.experiments import ConvergenceSpec, ImageData
from core.experiments.convergence import ConvergenceResult, run_convergence
from core.figures import image_errors as figures


@pytest.fixture(scope="module", params=["digits", "unet-digits"])
def result(request) -> ConvergenceResult:
    return run_convergence(
        ConvergenceSpec(
            data=ImageData(name=request.param),
            particles=2,
            step_counts=(2, 4, 8),
            path_steps=4,
            solvers=("ddim", "dpmpp-2m"),
            seed=91,
        )
    )


def test_psnr_is_that_of_the_errors_in_decibels(result):
    for one, trace in zip(result.solvers, figures.quality_figure(result).data, strict=True):
        np.testing.assert_allclose(trace.y, 20 * np.log10(2 / one.rms), rtol=1e-5)
        np.testing.assert_array_equal(trace.x, one.nfe)
        reference = result.final_images["reference"]
        last = np.sqrt(np.mean((one.ends[-1] - reference) ** 2))
        assert one.psnr[-1] == pytest.approx(20 * np.log10(2 / last), rel=1e-4)


def test_features_are_measured_where_there_is_a_classifier(result):
    learned = result.spec.data.name == "unet-digits"
    assert set(figures.offered(result)) == ({"psnr", "feature"} if learned else {"psnr"})
    if learned:
        ddim = result.solvers[0]
        assert ddim.feature[-1] < 0.7 * ddim.feature[0]  # more steps come nearer here as well
        assert "features" in figures.alt_quality(result, "feature")
    with pytest.raises(ValueError, match="choose one of: psnr, feature"):
        figures.quality_figure(result, "fid")


def test_every_end_image_is_on_the_sheet(result):
    figure = figures.ends_figure(result, 1)
    assert len(figure.layout.images) == 2  # a strip a solver
    assert figure.layout.xaxis.ticktext == ("2", "4", "8", "reference")
    assert "End image 2 of each solver with 2, 4, 8 steps" in figures.alt_ends(result, 1)
    with pytest.raises(ValueError, match="images 0 to 1, not 2"):
        figures.ends_figure(result, 2)


def test_only_a_learned_score_is_examined_and_it_is_rougher_than_the_exact_one(result):
    if result.spec.data.name == "digits":
        assert result.smoothness is None
        with pytest.raises(ValueError, match="only a learned score"):
            figures.smoothness_figure(result)
        return
    found = result.smoothness
    assert found.power < 1  # the smallest spacing tells nothing more
    exact_power = np.log(found.exact[1] / found.exact[0]) / np.log(found.spacing[1] / found.spacing[0])
    assert exact_power > 1.7
    assert found.network[0] > 100 * found.rounding
    names = [trace.name for trace in figures.smoothness_figure(result).data]
    assert names == ["the network", "the exact score, same places", "slope 2: a smooth function"]
    assert "power" in figures.alt_smoothness(result)
