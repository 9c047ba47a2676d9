"""Pictures of one solver: every drawn number is the result's, and the words carry them."""

import dataclasses

import numpy as np
import pytest

from core.experiments import run_experiment
from core.experiments.catalogue import WIDTHS, CatalogueSpec
from core.figures import catalogue as figures
from core.figures import weights

QUICK = {"particles": 4, "steps": 5, "step_counts": (5, 10, 20)}


def result_of(solver):
    return run_experiment(CatalogueSpec(solver=solver, **QUICK))


@pytest.fixture(scope="module")
def flawed():
    return result_of("dpmpp-3m-as-published")


@pytest.fixture(scope="module")
def heun():
    return result_of("edm-heun")


@pytest.fixture(scope="module")
def adaptive():
    return result_of("rk45")


def test_errors_and_the_claimed_slope_are_drawn(flawed):
    figure = figures.order_figure(flawed)
    for card, trace in zip(flawed.cards, figure.data, strict=False):
        np.testing.assert_allclose(trace.y, card.measured.error, rtol=1e-6)
        np.testing.assert_allclose(trace.x, card.measured.steps)
        assert trace.name.startswith(card.label)
        assert card.label in figures.alt_order(flawed)
    claim = figure.data[2]
    assert "claimed order 3" in claim.name
    np.testing.assert_allclose(claim.y[0] / claim.y[1], 2**3, rtol=1e-5)
    assert f"{flawed.cards[0].measured.error[-1]:.2g}" in figures.alt_order(flawed)


def test_tolerances_run_from_loose_to_tight(adaptive):
    figure = figures.order_figure(adaptive)
    assert figure.layout.xaxis.autorange == "reversed"
    np.testing.assert_allclose(figure.data[0].x, adaptive.cards[0].measured.tolerance, rtol=1e-6)
    assert "tolerance^" in figure.data[0].name
    assert "proportion" in figure.data[1].name
    assert "tolerance" in figures.alt_order(adaptive)


def test_an_order_that_cannot_be_measured_is_said(flawed):
    card = flawed.cards[0]
    lost = dataclasses.replace(card.measured, error=np.full(3, np.nan), what="the grid moves")
    nothing = dataclasses.replace(flawed, cards=(dataclasses.replace(card, measured=lost),))
    figure = figures.order_figure(nothing)
    assert not figure.data
    assert "no order" in figure.layout.annotations[0].text
    assert "the grid moves" in figures.alt_order(nothing)


def test_each_cell_is_a_weight(flawed):
    for place in (0, 1):
        shares = flawed.cards[place].response.shares
        (trace,) = weights.weights_figure(flawed, place).data
        np.testing.assert_allclose(trace.z, shares, rtol=1e-6)
        texts = np.array(trace.text)
        assert (texts == "").sum() == (abs(shares) <= 1e-9).sum()
        assert texts[2, 2] == f"{shares[2, 2]:.2f}"
        assert f"{shares.min():.2f} to {shares.max():.2f}" in weights.alt_weights(flawed, place)


def test_one_step_shows_kernel_and_weights(flawed):
    figure = weights.step_figure(flawed, 4)
    kernel, *drawn = figure.data
    np.testing.assert_allclose([kernel.x[0], kernel.x[-1]], flawed.log_snr[3:5], rtol=1e-6)
    h = flawed.log_snr[4] - flawed.log_snr[3]
    assert np.trapezoid(kernel.y, kernel.x) == pytest.approx(h, rel=1e-3)  # mean 1 over the step
    assert kernel.y[-1] / kernel.y[0] == pytest.approx(np.exp(h), rel=1e-3)  # clean data count most at the end
    points = [trace for trace in drawn if "markers" in trace.mode]
    for card, trace in zip(flawed.cards, points, strict=True):
        used = card.response.shares[3][abs(card.response.shares[3]) > 1e-9]
        np.testing.assert_allclose(trace.y, used, rtol=1e-6)
        assert f"{used[0]:.2f} at λ" in weights.alt_step(flawed, 4)
    for step in (0, 6):
        with pytest.raises(ValueError, match="1 to 5"):
            weights.step_figure(flawed, step)


def test_widths_beyond_the_picture_stand_at_its_edge():
    euler = result_of("euler")
    figure = figures.widths_figure(euler)
    low, high = figures.SHOWN_RATIO
    *bells, beyond = figure.data
    for place, trace in enumerate(bells):
        ratio = euler.cards[0].widths.ratio[:, place]
        np.testing.assert_allclose(trace.customdata, ratio, rtol=1e-6)
        np.testing.assert_allclose(trace.y, np.clip(ratio, low, high), rtol=1e-6)
    ratio = euler.cards[0].widths.ratio
    symbols = list(beyond.marker.symbol)
    assert symbols.count("arrow-up") == (ratio > high).sum() > 0
    assert symbols.count("arrow-down") == (ratio < low).sum()
    assert len(bells) == len(WIDTHS)
    assert "width 1 from" in figures.alt_widths(euler)


def test_the_region_holds_the_steps_of_the_grid(heun):
    figure = figures.region_figure(heun)
    region = heun.cards[0].region
    contour, *marks = figure.data
    assert (contour.contours.start, contour.contours.end) == (1, 1)
    np.testing.assert_allclose(contour.z, np.minimum(region.size, 3), rtol=1e-6)
    for products, trace in zip(region.products, marks, strict=True):
        np.testing.assert_allclose(trace.customdata, products, rtol=1e-6)
    assert "from -2.00 to 0" in figures.alt_region(heun)


def test_what_a_solver_has_not_is_refused(flawed, adaptive):
    with pytest.raises(ValueError, match="stability region"):
        figures.region_figure(flawed)
    with pytest.raises(ValueError, match="stability region"):
        figures.alt_region(flawed)
    with pytest.raises(ValueError, match="Butcher"):
        weights.tableau_latex(flawed.cards[0])
    for call in (weights.weights_figure, weights.alt_weights):
        with pytest.raises(ValueError, match="depend on the particles"):
            call(adaptive)


def test_tableaux_in_formula(heun, flawed):
    tableau = weights.tableau_latex(heun.cards[0])
    assert tableau.removeprefix(r"\def\arraystretch{1.3}") == (
        r"\begin{array}{c|cc}0 &  &  \\ 1 & 1 &  \\ \hline  & \tfrac{1}{2} & \tfrac{1}{2} \end{array}"
    )
    own = weights.stages_latex(heun, 0, 2)
    assert (
        own.removeprefix(r"\def\arraystretch{1.3}")
        == r"\begin{array}{c|cc}0 &  &  \\ 1 & 1.000 &  \\ \hline  & 0.500 & 0.500 \end{array}"
    )
    three = weights.stages_latex(flawed, 1, 4)
    shares = flawed.cards[1].response.shares[3]
    assert " & ".join(f"{share:.3f}" for share in shares[1:4]) in three
    assert three.startswith(r"\def\arraystretch{1.3}\begin{array}{c|ccc}-2 &")


@pytest.mark.parametrize(
    "make", [figures.order_figure, weights.weights_figure, figures.widths_figure, figures.region_figure]
)
def test_figures_are_light(heun, make):
    figure = make(heun)
    assert len(figure.to_json()) < 150e3
    assert all(trace.name for trace in figure.data)
