"""Orders fitted to errors whose law is known."""

import copy
import math

import numpy as np
import pytest

from core.analysis import FittedOrder, convergence_order

STEPS = [10 * 2**k for k in range(8)]


def power(order: float, steps=STEPS, constant: float = 3.0) -> list[float]:
    return [constant * n**-order for n in steps]


@pytest.mark.parametrize("order", [0.5, 1, 2, 3, 4, 5])
def test_a_power_law(order):
    fitted = convergence_order(STEPS, power(order))
    assert fitted == pytest.approx(order, abs=1e-10)
    assert isinstance(fitted, float)
    assert fitted.reliable
    assert fitted.window == (10, 1280)
    assert fitted.residual < 1e-10
    assert fitted.margin < 1e-9
    assert "10 to 1280 steps" in fitted.reason


def test_step_counts_need_not_double():
    steps = [7, 11, 19, 50, 52, 90]
    assert convergence_order(steps, power(2, steps)) == pytest.approx(2, abs=1e-10)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_a_stated_floor_is_left_out(order):
    floor = power(order)[5]
    errors = [math.hypot(e, floor) for e in power(order)]
    fitted = convergence_order(STEPS, errors, floor)
    assert fitted == pytest.approx(order, abs=0.02)
    assert fitted.window[1] < STEPS[5]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_a_plateau_that_nobody_stated_is_cut_off(order):
    floor = power(order)[5]
    fitted = convergence_order(STEPS, [max(e, floor) for e in power(order)])
    assert fitted == pytest.approx(order, abs=1e-10)
    assert fitted.window == (10, STEPS[5])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_a_soft_landing_on_a_floor_that_nobody_stated_is_no_order(order):
    floor = power(order)[5]
    fitted = convergence_order(STEPS, [math.hypot(e, floor) for e in power(order)])
    assert fitted < order
    assert not fitted.reliable


def test_rounding_that_rises_again():
    errors = [e + 1e-16 * n for e, n in zip(power(4, constant=1e-3), STEPS, strict=True)]
    assert errors[-1] > errors[-2]
    fitted = convergence_order(STEPS, errors, floor=1.3e-14)
    assert fitted == pytest.approx(4, abs=0.05)
    assert fitted.window == (10, 160)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_a_head_that_is_not_asymptotic_is_left_out(order):
    """Coarse steps on which a faster-falling term rules, along a line of its own: straight, and not the order."""
    errors = [e * (1 + (60 / n) ** 3) for e, n in zip(power(order), STEPS, strict=True)]
    fitted = convergence_order(STEPS, errors)
    assert fitted == pytest.approx(order, abs=0.1)
    assert fitted.reliable
    assert fitted.window[0] >= 80


def test_a_flat_head_is_left_out():
    errors = [min(e, power(2)[3]) for e in power(2)]
    fitted = convergence_order(STEPS, errors)
    assert fitted == pytest.approx(2, abs=0.05)
    assert fitted.window[0] >= 40


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0])
def test_runs_that_diverged_are_left_out(bad):
    errors = power(2)
    errors[0] = errors[1] = bad
    fitted = convergence_order(STEPS, errors)
    assert fitted == pytest.approx(2, abs=1e-10)
    assert fitted.window == (40, 1280)


def test_a_curve_that_bends_to_the_end_is_called_unreliable():
    errors = [math.exp(-0.05 * n) for n in STEPS]  # spectral: no order
    fitted = convergence_order(STEPS, errors)
    assert not fitted.reliable
    assert "order is not reached" in fitted.reason


@pytest.mark.parametrize("errors", [[1.0], [1.0, math.nan], [math.nan] * 4, [0.0] * 4])
def test_too_few_points(errors):
    fitted = convergence_order(STEPS[: len(errors)], errors)
    assert math.isnan(fitted)
    assert not fitted.reliable
    assert fitted.reason == "fewer than two usable points"


def test_two_points_give_a_slope_and_no_confidence():
    fitted = convergence_order([10, 20], [4.0, 1.0])
    assert fitted == pytest.approx(2)
    assert not fitted.reliable
    assert fitted.margin == math.inf


def test_the_margin_covers_the_order_of_noisy_errors():
    """95 % confidence intervals of straight windows with small known scatter."""
    rng = np.random.Generator(np.random.Philox(0))
    covered = total = 0
    for _ in range(300):
        errors = np.array(power(2)) * np.exp(0.01 * rng.standard_normal(len(STEPS)))
        fitted = convergence_order(STEPS, errors)
        if fitted.window == (10, 1280):
            total += 1
            covered += abs(fitted - 2) <= fitted.margin
    assert total > 200
    assert covered / total > 0.9


def test_it_survives_a_copy():
    fitted = convergence_order(STEPS, power(3))
    twin = copy.deepcopy(fitted)
    assert isinstance(twin, FittedOrder)
    assert twin == fitted
    assert (twin.window, twin.reliable, twin.reason) == (fitted.window, fitted.reliable, fitted.reason)


@pytest.mark.parametrize(
    ("steps", "errors"),
    [
        ([10, 20], [1.0]),
        ([20, 10], [1.0, 2.0]),
        ([10, 10], [1.0, 2.0]),
        ([0, 10], [1.0, 2.0]),
        ([[1, 2]], [[1.0, 2.0]]),
    ],
)
def test_what_is_refused(steps, errors):
    with pytest.raises(ValueError, match="need increasing positive step counts and as many errors"):
        convergence_order(steps, errors)
