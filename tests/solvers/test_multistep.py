"""The weights of the exponential multistep engine, and the formulas that they stand for."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from core.grids import make_grid
from core.problem import Problem
from core.schedules import SCHEDULES, make_schedule
from core.solve import solve
from core.solvers import SOLVERS
from core.solvers.integrals import VARIABLES, Kernel, gauss, left_sum
from core.solvers.multistep import ExponentialMultistep
from tests.solvers.exact import LambdaCurve

SCHEDULE = make_schedule("vp-linear")
PROBLEM = Problem(LambdaCurve(lambda lam: 0.0), SCHEDULE)
TIMES = make_grid("karras", SCHEDULE, 8, 0.9, 0.01)  # uneven in every variable
LAMBDA = SCHEDULE.log_snr(TIMES).tolist()


def integral(prediction: str, i: int, curve) -> float:
    """What the exact solution adds over step i when the prediction is ``curve(lambda)``, by adaptive quadrature."""
    lam, lam_next = LAMBDA[i], LAMBDA[i + 1]
    alpha, sigma = float(SCHEDULE.alpha(TIMES[i + 1])), float(SCHEDULE.sigma(TIMES[i + 1]))
    if prediction == "eps":
        return -sigma * quad(lambda u: math.exp(lam_next - u) * curve(u), lam, lam_next, epsrel=1e-13)[0]
    return alpha * quad(lambda u: math.exp(u - lam_next) * curve(u), lam, lam_next, epsrel=1e-13)[0]


@pytest.mark.parametrize("prediction", ["eps", "x0"])
@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("nodes", [1, 2, 3, 4])
class TestExactWeights:
    def test_polynomials_below_the_number_of_nodes_are_integrated_exactly(self, prediction, variable, nodes):
        plan = ExponentialMultistep(Kernel(prediction, variable), nodes).plan(PROBLEM, TIMES)

        def position(lam: float) -> float:
            return float(VARIABLES[variable](SCHEDULE, torch.tensor([lam], dtype=torch.float64).numpy())[0])

        for i in range(8):
            known = min(nodes, i + 1)
            assert len(plan[i].weights) == known
            origin, width = position(LAMBDA[i]), position(LAMBDA[i + 1]) - position(LAMBDA[i])
            for degree in range(known):

                def power(lam: float, origin=origin, width=width, degree=degree) -> float:
                    return ((position(lam) - origin) / width) ** degree

                total = sum(w * power(LAMBDA[i - j]) for j, w in enumerate(plan[i].weights))
                size = sum(abs(w * power(LAMBDA[i - j])) for j, w in enumerate(plan[i].weights))
                assert total == pytest.approx(integral(prediction, i, power), rel=1e-11, abs=1e-11 * size)

    def test_weights_sum_to_the_closed_form(self, prediction, variable, nodes):
        for i, update in enumerate(ExponentialMultistep(Kernel(prediction, variable), nodes).plan(PROBLEM, TIMES)):
            h = LAMBDA[i + 1] - LAMBDA[i]
            if prediction == "eps":
                expected = -float(SCHEDULE.sigma(TIMES[i + 1])) * math.expm1(h)
                carry = float(SCHEDULE.alpha(TIMES[i + 1]) / SCHEDULE.alpha(TIMES[i]))
            else:
                expected = -float(SCHEDULE.alpha(TIMES[i + 1])) * math.expm1(-h)
                carry = float(SCHEDULE.sigma(TIMES[i + 1]) / SCHEDULE.sigma(TIMES[i]))
            assert sum(update.weights) == pytest.approx(expected, rel=1e-12)
            assert update.carry == pytest.approx(carry, rel=1e-14)


@pytest.mark.parametrize(
    ("solver", "prediction", "degree", "holds"),
    [
        ("ddim", "eps", 0, True),
        ("ddim", "eps", 1, False),
        ("dpm-3m", "eps", 2, True),
        ("dpm-3m", "eps", 3, False),
        ("dpm-3m-as-published", "eps", 1, True),
        ("dpm-3m-as-published", "eps", 2, False),
        ("dpmpp-3m", "x0", 2, True),
        ("dpmpp-3m", "x0", 3, False),
        ("dpmpp-3m-as-published", "x0", 1, True),
        ("dpmpp-3m-as-published", "x0", 2, False),
        ("unip-3", "x0", 2, True),
        ("unip-3", "x0", 3, False),
    ],
)
def test_which_predictions_a_method_integrates_exactly(solver, prediction, degree, holds):
    curve = np.polynomial.Polynomial([0.3, -0.7, 0.5, -0.2][: degree + 1])
    plan = SOLVERS[solver].make().plan(PROBLEM, TIMES)
    worst = max(
        abs(sum(w * curve(LAMBDA[i - j]) for j, w in enumerate(plan[i].weights)) - integral(prediction, i, curve))
        for i in range(2, 8)
    )
    assert worst < 1e-12 if holds else worst > 1e-3


EXPONENTIAL = ("Exponential multistep", "Exponential single-step", "DEIS", "UniPC", "Adams-Bashforth")


def prediction_of(name: str) -> str:
    return getattr(SOLVERS[name].make(), "prediction", "eps")


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("kind", ["eps", "x0"])
def test_a_constant_prediction_is_solved_to_rounding(name, kind):
    """Noise form: a constant eps. Data form: a constant x0 (the exact path of a single point)."""
    schedule = make_schedule(name)
    problem = Problem(LambdaCurve(lambda lam: 0.8), schedule)
    times = make_grid("uniform-lambda", schedule, 5)
    x = problem.sample_prior(4, float(times[0]), 0)
    (alpha, end_alpha), (sigma, end_sigma) = (f(times[[0, -1]]).tolist() for f in (schedule.alpha, schedule.sigma))
    if kind == "eps":
        exact = end_alpha / alpha * (x - sigma * 0.8) + end_sigma * 0.8
        own = "eps"
    else:
        exact = end_sigma / sigma * (x - alpha * 0.8) + end_alpha * 0.8
        own = "x0"
    names = [n for n, info in SOLVERS.items() if info.family in EXPONENTIAL and prediction_of(n) == own]
    assert len(names) > 9
    for solver in names:
        final = solve(problem, solver, times, x).final
        torch.testing.assert_close(final, exact, rtol=1e-12, atol=1e-12 * max(1.0, float((x / alpha).abs().max())))


def published_2m(prediction: str, values: list[float], x: float, i: int) -> float:
    """DPM-Solver-2M and DPM-Solver++ 2M as their papers write them."""
    alpha, sigma = SCHEDULE.alpha(TIMES).tolist(), SCHEDULE.sigma(TIMES).tolist()
    h, h_prev = LAMBDA[i + 1] - LAMBDA[i], LAMBDA[i] - LAMBDA[i - 1]
    r = h_prev / h
    combined = (1 + 1 / (2 * r)) * values[i] - 1 / (2 * r) * values[i - 1]
    if prediction == "eps":
        return alpha[i + 1] / alpha[i] * x - sigma[i + 1] * (math.exp(h) - 1) * combined
    return sigma[i + 1] / sigma[i] * x - alpha[i + 1] * (math.exp(-h) - 1) * combined


@pytest.mark.parametrize(("solver", "prediction"), [("dpm-2m", "eps"), ("dpmpp-2m", "x0")])
def test_two_step_formula(solver, prediction):
    curve = math.sin
    problem = Problem(LambdaCurve(curve), SCHEDULE)
    run = solve(problem, solver, TIMES, torch.full((1, 1), 1.3, dtype=torch.float64))
    values = [curve(lam) for lam in LAMBDA]
    for i in range(1, 8):
        expected = published_2m(prediction, values, float(run.states[i]), i)
        assert float(run.states[i + 1]) == pytest.approx(expected, rel=1e-12)


def test_adams_bashforth_in_rho():
    """Noise extrapolated in rho on an even grid is Adams-Bashforth for ``dy/drho = eps``."""
    schedule = make_schedule("edm")
    times = torch.linspace(3.0, 1.0, 6, dtype=torch.float64)  # alpha = 1: y = x and rho = t
    problem = Problem(LambdaCurve(lambda lam: 0.0), schedule)
    for nodes, expected in ((2, (3 / 2, -1 / 2)), (3, (23 / 12, -16 / 12, 5 / 12)), (4, (55, -59, 37, -9))):
        weights = ExponentialMultistep(Kernel("eps", "rho"), nodes).plan(problem, times)[-1].weights
        scale = 24 if nodes == 4 else 1
        np.testing.assert_allclose(np.array(weights) / -0.4 * scale, expected, rtol=1e-11)


def test_starts():
    """Ramp: 1, 2, 3, 3... nodes. Single-step: a Runge-Kutta step of full order until the history is full."""
    ramp = SOLVERS["dpmpp-3m"].make().plan(PROBLEM, TIMES)
    assert [len(update.weights) for update in ramp] == [1, 2, 3, 3, 3, 3, 3, 3]
    assert all(update.starter is None for update in ramp)
    single = SOLVERS["dpmpp-3m"].make(start="single-step").plan(PROBLEM, TIMES)
    assert [update.starter is not None for update in single] == [True, True] + [False] * 6
    assert [len(update.starter.stages) for update in single[:2]] == [3, 3]
    final = SOLVERS["dpmpp-3m"].make(lower_order_final=True).plan(PROBLEM, TIMES)
    assert [len(update.weights) for update in final] == [1, 2, 3, 3, 3, 3, 2, 1]
    both = SOLVERS["dpmpp-3m"].make(start="single-step", lower_order_final=True).plan(PROBLEM, TIMES[:3])
    assert [len(update.weights) for update in both] == [1, 1]
    assert [update.starter for update in both] == [None, None]


@pytest.mark.parametrize("solver", ["dpm-3m", "dpmpp-3m"])
def test_one_step_is_ddim_whatever_the_method(solver):
    problem = Problem(LambdaCurve(math.cos), SCHEDULE)
    x = torch.full((1, 1), 0.4, dtype=torch.float64)
    one = solve(problem, solver, TIMES[[0, -1]], x).final
    first = ExponentialMultistep(Kernel(SOLVERS[solver].make().prediction), 1).plan(problem, TIMES[[0, -1]])[0]
    expected = first.carry * 0.4 + first.weights[0] * math.cos(LAMBDA[0])
    assert float(one) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("prediction", ["eps", "x0"])
@pytest.mark.parametrize("nodes", [1, 2, 3])
def test_the_corrector_integrates_one_power_more(prediction, nodes):
    """Its nodes are those of the predictor and the end of the step; the last step has none."""
    plan = ExponentialMultistep(Kernel(prediction), nodes, corrector=True).plan(PROBLEM, TIMES)
    assert plan[-1].corrected == ()
    for i in range(7):
        known = min(nodes, i + 1)
        places = [LAMBDA[i + 1], *(LAMBDA[i - j] for j in range(known))]
        assert len(plan[i].weights) == known
        assert len(plan[i].corrected) == known + 1
        for degree in range(known + 1):

            def power(lam: float, origin=LAMBDA[i], degree=degree) -> float:
                return (lam - origin) ** degree

            total = sum(w * power(lam) for w, lam in zip(plan[i].corrected, places, strict=True))
            assert total == pytest.approx(integral(prediction, i, power), rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("prediction", ["eps", "x0"])
@pytest.mark.parametrize("variant", ["bh1", "bh2"])
def test_the_two_scalings_of_unipc(variant, prediction):
    """Both fix the one coefficient of two nodes at 1/2: the term beside DDIM's is ``B(h)/2 (m_1 - m_0)/r_1``."""
    times = TIMES[:4]
    plan = SOLVERS[f"unipc-{variant}-2"].make(prediction=prediction).plan(PROBLEM, times)
    for i in (1, 2):
        h, r1 = LAMBDA[i + 1] - LAMBDA[i], (LAMBDA[i - 1] - LAMBDA[i]) / (LAMBDA[i + 1] - LAMBDA[i])
        alpha, sigma = float(SCHEDULE.alpha(times[i + 1])), float(SCHEDULE.sigma(times[i + 1]))
        hh = h if prediction == "eps" else -h
        b = hh if variant == "bh1" else math.expm1(hh)
        scale = -sigma if prediction == "eps" else -alpha
        assert plan[i].weights[1] == pytest.approx(scale * b / 2 / r1, rel=1e-12)
        assert sum(plan[i].weights) == pytest.approx(scale * math.expm1(hh), rel=1e-12)
    h = LAMBDA[1] - LAMBDA[0]
    hh = h if prediction == "eps" else -h
    b = hh if variant == "bh1" else math.expm1(hh)
    scale = -float(SCHEDULE.sigma(times[1])) if prediction == "eps" else -float(SCHEDULE.alpha(times[1]))
    assert plan[0].corrected[0] == pytest.approx(scale * b / 2, rel=1e-12)


def test_weights_stay_exact_at_tiny_steps():
    """Against the series of the weights in h: nothing cancels."""
    lam = torch.linspace(0.3, 0.3 + 2e-5, 4, dtype=torch.float64)
    times = SCHEDULE.time_of(lam)
    known = SCHEDULE.log_snr(times).tolist()
    h, before, two = (known[3] - known[i] for i in (2, 1, 0))
    r1, r2 = (before - h) / h, (two - h) / h
    update = SOLVERS["dpmpp-3m"].make().plan(PROBLEM, times)[2]
    # int_0^1 of the Lagrange basis at 0, -r1, -r2, times alpha h, up to the kernel's change over the step (h)
    expected = [
        1 + (r1 + r2) / (2 * r1 * r2) + 1 / (3 * r1 * r2),
        (1 / 3 + r2 / 2) / (-r1 * (r2 - r1)),
        (1 / 3 + r1 / 2) / (r2 * (r2 - r1)),
    ]
    alpha = float(SCHEDULE.alpha(times[3]))
    np.testing.assert_allclose(np.array(update.weights) / (alpha * h), expected, rtol=3e-5)


def test_the_left_sum_is_off_by_a_ten_thousandth_of_the_change_over_the_step():
    exact, coarse = (
        ExponentialMultistep(Kernel("eps", "t", rule), 3).plan(PROBLEM, TIMES)[4] for rule in (gauss, left_sum)
    )

    def density(i: int, lam_next: float) -> float:  # the kernel as a function of t
        return float(-SCHEDULE.sigma(TIMES[5]) * math.exp(lam_next - LAMBDA[i]) * SCHEDULE.d_log_snr(TIMES[i]))

    dt = float(TIMES[5] - TIMES[4]) / 10_000
    expected = -dt / 2 * (density(5, LAMBDA[5]) - density(4, LAMBDA[5]))
    assert sum(coarse.weights) - sum(exact.weights) == pytest.approx(expected, rel=1e-3)
    assert abs(expected / sum(exact.weights)) > 1e-6
