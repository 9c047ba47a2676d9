"""Every schedule against its paper's definition, evaluated with 40 digits by quadrature and differentiation."""

from collections.abc import Callable
from functools import cache

import mpmath as mp
import pytest
import torch

from core.schedules import SCHEDULES, make_schedule

TOLERANCE = 1e-10
Curve = Callable[[mp.mpf], mp.mpf]


@pytest.fixture(autouse=True)
def _forty_digits():
    with mp.workdps(40):
        yield


def signal_of_rate(beta: Curve) -> Curve:
    """``alpha = exp(-1/2 int_0^t beta)`` by quadrature: what ``dx = -beta x/2 dt + ...`` leaves of x0."""
    return lambda t: mp.exp(-mp.quad(beta, [0, t]) / 2)


def unit_variance(alpha: Curve) -> Curve:
    return lambda t: mp.sqrt(1 - alpha(t) ** 2)


def linear_rate(t: mp.mpf) -> mp.mpf:
    return mp.mpf("0.1") + t * (20 - mp.mpf("0.1"))


def cosine(t: mp.mpf) -> mp.mpf:
    s = mp.mpf("0.008")
    return mp.cos(mp.pi / 2 * (t + s) / (1 + s)) / mp.cos(mp.pi / 2 * s / (1 + s))


def vdm_signal(t: mp.mpf) -> mp.mpf:
    gamma = mp.mpf("-13.3") + t * (5 + mp.mpf("13.3"))
    return mp.sqrt(1 / (1 + mp.exp(gamma)))


def one(t: mp.mpf) -> mp.mpf:
    return mp.mpf(1)


def chain(betas: Callable[[int], mp.mpf]) -> Curve:
    """``alpha`` of a chain of 1000 steps: the products of ``1 - beta``, log-linear between the knots."""

    @cache
    def knots() -> list[mp.mpf]:
        with mp.workdps(40):
            logs, total = [], mp.mpf(0)
            for n in range(1, 1001):
                total += mp.log(1 - betas(n)) / 2
                logs.append(total)
            return logs

    def alpha(t: mp.mpf) -> mp.mpf:
        left = min(max(int(mp.floor(t * 1000)), 1), 999)
        lower, upper = knots()[left - 1], knots()[left]
        return mp.exp(lower + (t * 1000 - left) * (upper - lower))

    return alpha


def ddpm_beta(n: int) -> mp.mpf:
    first, last = mp.mpf("1e-4"), mp.mpf("0.02")
    return first + (last - first) * (n - 1) / 999


def improved_beta(n: int) -> mp.mpf:
    def product(i: int) -> mp.mpf:
        return mp.cos((mp.mpf(i) / 1000 + mp.mpf("0.008")) / mp.mpf("1.008") * mp.pi / 2) ** 2

    return min(1 - product(n) / product(n - 1), mp.mpf("0.999"))


LINEAR, DDPM, IMPROVED = signal_of_rate(linear_rate), chain(ddpm_beta), chain(improved_beta)
CLOSED_FORMS: dict[str, tuple[Curve, Curve]] = {
    "vp-linear": (LINEAR, unit_variance(LINEAR)),
    "vp-cosine": (cosine, unit_variance(cosine)),
    "sub-vp": (LINEAR, lambda t: 1 - LINEAR(t) ** 2),
    "ve": (one, lambda t: mp.mpf("0.01") * mp.mpf(5000) ** t),
    "edm": (one, lambda t: t),
    "flow": (lambda t: 1 - t, lambda t: t),
    "ddpm-linear": (DDPM, unit_variance(DDPM)),
    "ddpm-cosine": (IMPROVED, unit_variance(IMPROVED)),
    "vdm": (vdm_signal, unit_variance(vdm_signal)),
}


def times_of(name: str) -> list[float]:
    """Both ends, times close to them, and some between; none on an inner knot, where a chain has two slopes."""
    schedule = make_schedule(name)
    span = schedule.t_max - schedule.t_min
    shares = (0.0, 1.3e-6, 1.7e-3, 0.111337, 0.5003217, 0.871237, 0.99873, 1.0)
    return [schedule.t_min + share * span for share in shares[:-1]] + [schedule.t_max]


def slope(curve: Curve, t: mp.mpf, name: str) -> mp.mpf:
    """A derivative; at the ends of a chain, the one from inside."""
    if name.startswith("ddpm"):
        step = mp.mpf("1e-12")
        inside = -1 if t * 1000 > 1000 * make_schedule(name).t_max - 0.5 else 1
        sides = [curve(t + inside * k * step) for k in range(3)]
        return inside * (-3 * sides[0] + 4 * sides[1] - sides[2]) / (2 * step)
    return mp.diff(curve, t, h=mp.mpf("1e-12"))


def relative(value: torch.Tensor, exact: mp.mpf) -> float:
    return float(abs(mp.mpf(float(value)) - exact) / max(abs(exact), mp.mpf("1e-300")))


def test_every_schedule_has_a_closed_form_here():
    assert set(CLOSED_FORMS) == set(SCHEDULES)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_levels(name):
    schedule = make_schedule(name)
    alpha, sigma = CLOSED_FORMS[name]
    for t in times_of(name):
        a, s = alpha(mp.mpf(t)), sigma(mp.mpf(t))
        lam = mp.log(a / s)
        assert relative(schedule.alpha(t), a) < TOLERANCE
        assert relative(schedule.sigma(t), s) < TOLERANCE
        assert relative(schedule.log_alpha(t), mp.log(a)) < TOLERANCE or float(schedule.log_alpha(t)) == mp.log(a) == 0
        assert abs(float(schedule.log_sigma(t)) - mp.log(s)) < TOLERANCE
        assert abs(float(schedule.log_snr(t)) - lam) < TOLERANCE
        assert relative(schedule.snr(t), (a / s) ** 2) < TOLERANCE
        assert relative(schedule.rho(t), s / a) < TOLERANCE
        assert abs(float(schedule.time_of(float(lam))) - t) < TOLERANCE * max(t, 1e-4)  # "ve" and "vdm" begin at 0


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_rates(name):
    schedule = make_schedule(name)
    alpha, sigma = CLOSED_FORMS[name]
    for t in times_of(name):
        time = mp.mpf(t)
        f = slope(alpha, time, name) / alpha(time)
        g_squared = slope(lambda u: sigma(u) ** 2, time, name) - 2 * f * sigma(time) ** 2
        d_lam = f - slope(sigma, time, name) / sigma(time)
        assert relative(schedule.f(t), f) < TOLERANCE if f else float(schedule.f(t)) == 0
        assert relative(schedule.g_squared(t), g_squared) < TOLERANCE
        assert relative(schedule.d_log_snr(t), d_lam) < TOLERANCE


def test_published_diffusion_coefficients():
    """``g^2`` as Song et al. 2020 write it."""
    t = torch.linspace(0.001, 1, 50, dtype=torch.float64)
    beta = 0.1 + t * 19.9
    total = 0.1 * t + 19.9 * t**2 / 2
    torch.testing.assert_close(make_schedule("vp-linear").g_squared(t), beta, rtol=1e-12, atol=0)
    sub = beta * -torch.expm1(-2 * total)
    torch.testing.assert_close(make_schedule("sub-vp").g_squared(t), sub, rtol=1e-11, atol=0)
    ve = (0.01 * 5000**t) ** 2 * 2 * torch.log(torch.tensor(5000.0, dtype=torch.float64))
    torch.testing.assert_close(make_schedule("ve").g_squared(t), ve, rtol=1e-12, atol=0)
