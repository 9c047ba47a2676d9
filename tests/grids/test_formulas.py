"""Each rule against its published formula, computed on its own path: mpmath with 80 digits, or SciPy's distribution."""

import math

import mpmath
import numpy as np
import pytest
import torch
from scipy import stats

from core.grids import GRIDS, make_grid
from core.schedules import SCHEDULES, Schedule, make_schedule

RANGES = {
    "whole": (lambda s: s.t_max, lambda s: s.t_min),
    "part": (lambda s: s.t_max - 0.11 * (s.t_max - s.t_min), lambda s: s.t_min + 0.07 * (s.t_max - s.t_min)),
}
STEPS = 17


def ratios(schedule: Schedule, times: list[float]) -> list[mpmath.mpf]:
    """sigma/alpha at each time: the variable that the sources speak of."""
    return [mpmath.exp(-mpmath.mpf(float(schedule.log_snr(t)))) for t in times]


def even(first: mpmath.mpf, last: mpmath.mpf) -> list[mpmath.mpf]:
    return [first + mpmath.mpf(i) / STEPS * (last - first) for i in range(STEPS + 1)]


def karras(rho: float):
    def levels(schedule: Schedule, start: float, end: float) -> list[mpmath.mpf]:
        high, low = (r ** (1 / mpmath.mpf(rho)) for r in ratios(schedule, [start, end]))
        return [root ** mpmath.mpf(rho) for root in even(high, low)]

    return levels


def polyexponential(rho: float):
    """k-diffusion's get_sigmas_polyexponential, without the zero that it appends."""

    def levels(schedule: Schedule, start: float, end: float) -> list[mpmath.mpf]:
        high, low = (mpmath.log(r) for r in ratios(schedule, [start, end]))
        ramp = [share ** mpmath.mpf(rho) for share in even(mpmath.mpf(1), mpmath.mpf(0))]
        return [mpmath.exp(part * (high - low) + low) for part in ramp]

    return levels


def edm_vp(epsilon_s: float):
    """EDM's generate.py, discretization 'vp': betas from the schedule's ends, then even steps in the VP time."""

    def levels(schedule: Schedule, start: float, end: float) -> list[mpmath.mpf]:
        eps = mpmath.mpf(epsilon_s)
        high, low = ratios(schedule, [schedule.t_max, schedule.t_min])
        beta_d = 2 * (mpmath.log(low**2 + 1) / eps - mpmath.log(high**2 + 1)) / (eps - 1)
        beta_min = mpmath.log(high**2 + 1) - beta_d / 2

        def inverse(sigma: mpmath.mpf) -> mpmath.mpf:
            return (mpmath.sqrt(beta_min**2 + 2 * beta_d * mpmath.log(sigma**2 + 1)) - beta_min) / beta_d

        first, last = map(inverse, ratios(schedule, [start, end]))
        return [mpmath.sqrt(mpmath.exp(beta_d * t**2 / 2 + beta_min * t) - 1) for t in even(first, last)]

    return levels


def cosine(schedule: Schedule, start: float, end: float) -> list[mpmath.mpf]:
    """Signal and noise as cos and sin of pi s / 2, at even s."""
    s = [2 / mpmath.pi * mpmath.acos(1 / mpmath.sqrt(1 + r**2)) for r in ratios(schedule, [start, end])]
    return [mpmath.sin(mpmath.pi * part / 2) / mpmath.cos(mpmath.pi * part / 2) for part in even(*s)]


def sigmoid(tau: float):
    """gamma(s) = alpha^2 of the sigmoid schedule from -3 to 3, stretched to the ends asked for."""

    def levels(schedule: Schedule, start: float, end: float) -> list[mpmath.mpf]:
        def sig(x: mpmath.mpf) -> mpmath.mpf:
            return 1 / (1 + mpmath.exp(-x / mpmath.mpf(tau)))

        first, last = (1 / (1 + r**2) for r in ratios(schedule, [start, end]))
        gamma = [(sig(mpmath.mpf(3)) - sig(6 * s - 3)) / (sig(mpmath.mpf(3)) - sig(mpmath.mpf(-3))) for s in even(1, 0)]
        return [mpmath.sqrt(1 / (first + g * (last - first)) - 1) for g in gamma]

    return levels


def beta_in_sigma(alpha: float, beta: float):
    """diffusers' use_beta_sigmas: sigma_min + ppf(1 - i/S) (sigma_max - sigma_min)."""

    def levels(schedule: Schedule, start: float, end: float) -> list[float]:
        high, low = map(float, ratios(schedule, [start, end]))
        return [low + float(p) * (high - low) for p in stats.beta.ppf(1 - np.linspace(0, 1, STEPS + 1), alpha, beta)]

    return levels


def even_lambda(schedule: Schedule, start: float, end: float) -> list[mpmath.mpf]:
    return [mpmath.exp(-lam) for lam in even(*(-mpmath.log(r) for r in ratios(schedule, [start, end])))]


IN_RATIO = [
    ("uniform-lambda", {}, even_lambda),
    ("karras", {}, karras(7)),
    *[("karras", {"rho": rho}, karras(rho)) for rho in (0.1, 0.5, 1.0, 3.0, 11.5, 100.0)],
    ("exponential", {}, even_lambda),
    *[("exponential", {"rho": rho}, polyexponential(rho)) for rho in (0.2, 1.0, 2.5, 5.0)],
    ("edm-vp", {}, edm_vp(1e-3)),
    ("edm-vp", {"epsilon_s": 0.02}, edm_vp(0.02)),
    ("cosine", {}, cosine),
    ("sigmoid", {}, sigmoid(1.0)),
    *[("sigmoid", {"tau": tau}, sigmoid(tau)) for tau in (0.2, 0.7, 10.0)],
    ("beta", {"variable": "sigma"}, beta_in_sigma(0.6, 0.6)),
    ("beta", {"variable": "sigma", "alpha": 0.4, "beta": 2.0}, beta_in_sigma(0.4, 2.0)),
]


def _name(value: object) -> str:
    """Alike in every process: the address of a function is not."""
    return "formula" if callable(value) else str(value)[:30]


@pytest.mark.parametrize("span", RANGES)
@pytest.mark.parametrize(("name", "options", "formula"), IN_RATIO, ids=_name)
def test_a_rule_in_the_noise_ratio_is_its_formula_under_every_schedule(name, options, formula, span):
    with mpmath.workdps(80):  # rho = 0.1 takes the tenth power of a ratio of 50,000
        for schedule_name in SCHEDULES:
            schedule = make_schedule(schedule_name)
            start, end = (part(schedule) for part in RANGES[span])
            times = make_grid(name, schedule, STEPS, start, end, **options)
            want = torch.tensor([float(-mpmath.log(r)) for r in formula(schedule, start, end)], dtype=torch.float64)
            torch.testing.assert_close(schedule.log_snr(times), want, rtol=0, atol=2e-8)


def times_by_beta(alpha: float, beta: float):
    return lambda start, end: end + (start - end) * stats.beta.ppf(1 - np.linspace(0, 1, STEPS + 1), alpha, beta)


IN_TIME = [
    ("uniform-t", {}, lambda start, end: start + np.arange(STEPS + 1) / STEPS * (end - start)),
    ("quadratic-t", {}, lambda start, end: np.linspace(math.sqrt(start), math.sqrt(end), STEPS + 1) ** 2),
    ("beta", {}, times_by_beta(0.6, 0.6)),
    ("beta", {"alpha": 0.3, "beta": 5.0}, times_by_beta(0.3, 5.0)),
]


@pytest.mark.parametrize("span", RANGES)
@pytest.mark.parametrize(("name", "options", "formula"), IN_TIME, ids=_name)
def test_a_rule_in_time_is_its_formula_under_every_schedule(name, options, formula, span):
    for schedule_name in SCHEDULES:
        schedule = make_schedule(schedule_name)
        start, end = (part(schedule) for part in RANGES[span])
        times = make_grid(name, schedule, STEPS, start, end, **options)
        np.testing.assert_allclose(times.numpy(), formula(start, end), rtol=1e-11, atol=1e-12 * start)


def test_every_rule_is_held_to_a_formula():
    elsewhere = {name for name, info in GRIDS.items() if info.own_ends}  # test_chain.py, test_custom.py
    assert {name for name, *_ in IN_RATIO + IN_TIME} | elsewhere == set(GRIDS)


def test_karras_is_the_table_of_edm():
    # N = 18 noise levels are 17 steps; the first and last three of the published run, sigma_min 0.002, sigma_max 80
    schedule = make_schedule("edm", t_min=0.002, t_max=80.0)
    sigma = [((80 ** (1 / 7)) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 for i in range(18)]
    np.testing.assert_allclose(make_grid("karras", schedule, 17).numpy(), sigma, rtol=1e-12)


@pytest.mark.parametrize("schedule_name", SCHEDULES)
def test_limits_meet(schedule_name: str):
    schedule = make_schedule(schedule_name)
    lam = schedule.log_snr(make_grid("uniform-lambda", schedule, 10))
    for rho, near in ((10.0, 2.6), (20.0, 1.3), (40.0, 0.65), (80.0, 0.33)):  # the distance falls as 1/rho
        assert (schedule.log_snr(make_grid("karras", schedule, 10, rho=rho)) - lam).abs().max() < near
    torch.testing.assert_close(make_grid("exponential", schedule, 10), make_grid("uniform-lambda", schedule, 10))
    torch.testing.assert_close(
        make_grid("beta", schedule, 10, alpha=1.0, beta=1.0), make_grid("uniform-t", schedule, 10)
    )
    torch.testing.assert_close(
        make_grid("beta", schedule, 10, alpha=1.0, beta=1.0, variable="sigma"),
        make_grid("karras", schedule, 10, rho=1.0),
    )


def test_vp_time_of_the_vp_schedule_is_its_own_time():
    schedule = make_schedule("vp-linear", t_min=1e-3)
    torch.testing.assert_close(
        make_grid("edm-vp", schedule, 12), make_grid("uniform-t", schedule, 12), rtol=1e-9, atol=1e-12
    )


def test_a_vp_time_that_would_turn_back_is_refused():
    with pytest.raises(ValueError, match=r"falls to sigma/alpha = 1; take an epsilon_s above about 0\.04"):
        make_grid("edm-vp", make_schedule("edm", t_min=1.0, t_max=80.0), 5, epsilon_s=0.01)
    times = make_grid("edm-vp", make_schedule("edm", t_min=1.0, t_max=80.0), 5, epsilon_s=0.06)
    assert (times.diff() < 0).all()
