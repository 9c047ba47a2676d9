"""The page on guidance: its numbers come from the runs it names, and show what is claimed of guidance."""

import numpy as np
import pytest
import torch

from core.data import image_classifier, toy_family
from core.experiments.demos import DEMOS
from core.experiments.guidance import GuidanceSpec, run_guidance
from core.experiments.links import from_params, to_params
from core.experiments.specification import ConvergenceSpec, ImageData, ToyData, TrajectoriesSpec
from core.figures import guidance as figures
from core.figures import images as sheets
from core.grids import make_grid
from core.models.guidance import GUIDANCE
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve


@pytest.fixture(scope="module")
def moons():
    spec = GuidanceSpec(
        data=ToyData(name="moons", label=0), particles=120, scales=(0.0, 1.0, 6.0), solvers=("ddim", "dpmpp-2m"), seed=3
    )
    return run_guidance(spec)


def test_errors_are_those_of_the_guided_runs(moons):
    model = GUIDANCE["classifier-free"].make(toy_family("moons"), 0, scale=6.0)
    problem = Problem(model, make_schedule("vp-linear"))
    times = make_grid("uniform-lambda", problem.schedule, 12)
    x = problem.sample_prior(120, float(times[0]), 3)
    exact = solve(problem, "reference", times, x, record=False).final
    run = solve(problem, "ddim", times, x, record=False)
    last = moons.scales[-1]
    assert last.nfe[0] == run.nfe == 24
    assert last.rms[0] == pytest.approx(float((run.final - exact).square().mean().sqrt()), rel=1e-3)
    np.testing.assert_allclose(last.ends, exact, atol=1e-3)


def test_the_class_gets_surer_and_samples_more_alike(moons):
    none, plain, strong = moons.scales
    assert none.sure == pytest.approx(0.5, abs=0.1)
    assert plain.sure > 0.97
    assert none.spread > plain.spread > 1.3 * strong.spread
    assert plain.ends.std(axis=0) == pytest.approx(moons.data.std(axis=0), rel=0.15)  # s = 1 samples the class


def test_scale_zero_needs_no_class_and_one_is_the_class():
    spec = GuidanceSpec(data=ToyData(name="ring", label=2, guidance="classifier"), particles=60, scales=(1.0, 2.0))
    ends = run_guidance(spec).scales[0].ends
    assert np.abs(ends.mean(axis=0) - toy_family("ring").of_label(2).mean().numpy()).max() < 0.1


def test_images_are_judged_by_the_exact_classifier_of_the_data():
    data = ImageData(name="unet-digits", label=3)
    spec = GuidanceSpec(data=data, particles=3, scales=(0.0, 4.0), solvers=("ddim",), steps=4)
    result = run_guidance(spec)
    assert "exact classifier" in result.judge
    assert result.scales[1].sure > result.scales[0].sure
    end = result.scales[1]
    shares = image_classifier("digits").probabilities(torch.from_numpy(end.ends), 1.0, 0.3)
    assert end.sure == pytest.approx(float(shares[:, 3].mean()), abs=0.02)
    figure = figures.samples_figure(result)
    assert len(figure.layout.images) == 2  # a strip a scale


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"data": ToyData(name="grid")}, r"'grid' has no classes to be guided to; those with classes: ring, moons"),
        ({"scales": (2.0, 1.0)}, "scales must rise, from 0 to 100; got 2, 1"),
        ({"scales": (1.0, 101.0)}, "scales must rise"),
        ({"steps": 0}, "steps for toy data go from 1 to 200 here, got 0"),
        ({"solvers": ("ddpm",)}, "draws noise"),
    ],
)
def test_what_does_not_fit_is_said(fields, said):
    with pytest.raises(ValueError, match=said):
        GuidanceSpec(**fields)


def test_a_guided_model_travels_in_a_link():
    data = ToyData(name="moons", label=1, guidance="classifier(scale=7.5;temperature=0.5)")
    spec = ConvergenceSpec(data=data)
    params = to_params(spec)
    assert params["guidance"] == "classifier(scale=7.5;temperature=0.5)"
    assert from_params(ConvergenceSpec, params) == (spec, [])
    left, told = from_params(ConvergenceSpec, {"data": "moons", "guidance": "classifier"})
    assert left.data.guidance is None
    assert "guidance pushes towards a class (label): name one, 0 to 1" in told[0]


@pytest.mark.parametrize("name", DEMOS)
def test_demonstrations_have_the_settings_of_their_authors(name):
    spec = DEMOS[name].spec("unet-digits")
    times = spec.grid.times(make_schedule(spec.schedule), spec.steps)
    alpha_bar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))  # the usual 1000 linear betas
    ends = 0.5 * np.log(alpha_bar / (1 - alpha_bar))[[-1, 0]]
    lam = make_schedule(spec.schedule).log_snr(times).numpy()
    np.testing.assert_allclose(lam, np.linspace(*ends, 21), atol=1e-6)
    assert (float(times[0]), float(times[-1])) == pytest.approx((1.0, 1e-3))
    published, kept = spec.solvers
    assert published.name == f"{kept.name}-as-published"
    guided = spec.data.guidance is not None
    assert guided == (name == "classifier-guided")
    assert kept.name == ("dpmpp-3m" if guided else "dpm-3m")
    assert isinstance(spec, TrajectoriesSpec)
    with pytest.raises(ValueError, match=r"'digits' cannot serve this demonstration; choose one of: unet-digits"):
        DEMOS[name].spec("digits")


def test_figures_tell_what_was_measured(moons):
    stiff = figures.stiffness_figure(moons)
    np.testing.assert_allclose(stiff.data[1].y, moons.errors(1), rtol=1e-6)
    assert "DDIM (12 to 24 NFE)" not in [trace.name for trace in stiff.data]
    trade = figures.trade_figure(moons)
    np.testing.assert_allclose(trade.data[1].y, [one.spread for one in moons.scales], rtol=1e-6)
    for text in (figures.alt_stiffness(moons), figures.alt_trade(moons), figures.alt_samples(moons)):
        assert "0" in text
        assert len(text) > 60
    with pytest.raises(ValueError, match="choose one of: rms, median"):
        figures.stiffness_figure(moons, "max")


def test_sheets_hold_every_image_pixel_by_pixel_and_grey_where_one_diverged():
    given = np.stack([np.full((1, 2, 2), value) for value in (-1.0, 1.0, np.nan)])
    sheet = sheets.sheet_of(given)
    assert sheet.shape == (5, 5, 3)
    assert (sheet[:2, :2] == 0).all()
    assert (sheet[:2, 3:] == 255).all()
    assert (sheet[3:, :2] == sheets.LOST).all()
