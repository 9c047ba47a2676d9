"""What holds for any schedule, and what is refused."""

import math

import pytest
import torch

from core.schedules import SCHEDULES, make_schedule

ALL = pytest.mark.parametrize("name", SCHEDULES)


def fine_times(schedule, count=2001):
    """Even in lambda, so that both ends are seen; the first and last are exact."""
    ends = schedule.log_snr(torch.tensor([schedule.t_max, schedule.t_min], dtype=torch.float64))
    times = schedule.time_of(torch.linspace(float(ends[0]), float(ends[1]), count, dtype=torch.float64))
    times[0], times[-1] = schedule.t_max, schedule.t_min
    return times


@ALL
def test_lambda_falls_with_time_and_is_inverted_over_the_whole_range(name):
    schedule = make_schedule(name)
    times = fine_times(schedule)
    lam = schedule.log_snr(times)
    assert (lam.diff() > 0).all()
    torch.testing.assert_close(schedule.time_of(lam), times, rtol=1e-11, atol=0)
    torch.testing.assert_close(schedule.log_snr(schedule.time_of(lam)), lam, rtol=0, atol=1e-11)


@ALL
def test_nothing_is_lost_at_the_ends(name):
    schedule = make_schedule(name)
    ends = torch.tensor([schedule.t_min, schedule.t_max], dtype=torch.float64)
    for values in (schedule.alpha, schedule.sigma, schedule.rho, schedule.snr, schedule.g_squared):
        assert (values(ends) > 0).all()
        assert torch.isfinite(values(ends)).all()
    assert schedule.rho(schedule.t_min) < 0.1  # the data end is nearly clean
    assert schedule.rho(schedule.t_max) > 10  # and the noise end nearly all noise


@ALL
def test_quantities_agree_with_each_other(name):
    schedule = make_schedule(name)
    t = fine_times(schedule, 101)
    alpha, sigma = schedule.alpha(t), schedule.sigma(t)
    torch.testing.assert_close(schedule.log_snr(t), torch.log(alpha / sigma), rtol=0, atol=1e-12)
    torch.testing.assert_close(schedule.rho(t), sigma / alpha)
    torch.testing.assert_close(schedule.snr(t), (alpha / sigma) ** 2, rtol=1e-11, atol=0)
    torch.testing.assert_close(schedule.f(t), schedule.d_log_alpha(t))
    product = 2 * sigma**2 * (schedule.d_log_sigma(t) - schedule.d_log_alpha(t))
    torch.testing.assert_close(schedule.g_squared(t), product)


@ALL
def test_numbers_and_tensors_give_float64_of_the_same_shape(name):
    schedule = make_schedule(name)
    t = 0.5 * (schedule.t_min + schedule.t_max)
    for method in (schedule.alpha, schedule.sigma, schedule.log_snr, schedule.f, schedule.g_squared, schedule.time_of):
        single = method(t)
        assert single.dtype == torch.float64
        assert single.shape == ()
        many = method(torch.full((2, 3), t, dtype=torch.float32))
        assert many.dtype == torch.float64
        assert many.shape == (2, 3)
        torch.testing.assert_close(many[1, 2], single, rtol=1e-5, atol=1e-6)


@ALL
def test_a_narrower_range_keeps_the_formulas(name):
    whole = make_schedule(name)
    low, high = whole.t_min + 0.1 * (whole.t_max - whole.t_min), whole.t_max - 0.1 * (whole.t_max - whole.t_min)
    part = make_schedule(name, t_min=low, t_max=high)
    assert (part.t_min, part.t_max) == (low, high)
    assert part.alpha(high) == whole.alpha(high)
    assert part.sigma(low) == whole.sigma(low)


@ALL
def test_schedules_compare_and_hash_by_their_parameters(name):
    assert make_schedule(name) == make_schedule(name)
    assert hash(make_schedule(name)) == hash(make_schedule(name))


@pytest.mark.parametrize("name", ["vp-linear", "vp-cosine", "ddpm-linear", "ddpm-cosine", "vdm"])
def test_variance_is_preserved(name):
    schedule = make_schedule(name)
    t = fine_times(schedule)
    torch.testing.assert_close(schedule.alpha(t) ** 2 + schedule.sigma(t) ** 2, torch.ones_like(t), rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["vp-linear", "vp-cosine", "ddpm-linear", "ddpm-cosine", "vdm"])
def test_alpha_alone_tells_the_time(name):
    schedule = make_schedule(name)
    t = fine_times(schedule, 51)[:40]  # nearer to the data log alpha is too small to hold all digits of lambda
    torch.testing.assert_close(schedule.time_of_log_alpha(schedule.log_alpha(t)), t, rtol=1e-9, atol=0)


def test_parameters_reach_the_formulas():
    assert float(make_schedule("vp-linear", beta_min=0.2, beta_max=10.0).g_squared(0.5)) == pytest.approx(5.1)
    assert float(make_schedule("ve", sigma_min=0.1, sigma_max=1000.0).sigma(0.5)) == pytest.approx(10.0)
    assert float(make_schedule("edm", t_max=10.0).sigma(10.0)) == 10.0
    s = 0.1
    ratio = math.cos(math.pi / 2 * (0.5 + s) / (1 + s)) / math.cos(math.pi / 2 * s / (1 + s))
    assert float(make_schedule("vp-cosine", s=s).alpha(0.5)) == pytest.approx(ratio)
    assert float(make_schedule("vdm", gamma_min=-6.0, gamma_max=6.0).log_snr(0.25)) == pytest.approx(1.5)


def test_a_chain_is_cut_where_alpha_vanishes():
    cosine, linear = make_schedule("ddpm-cosine"), make_schedule("ddpm-linear")
    assert linear.t_max == 1.0
    assert cosine.t_max < 1.0
    assert float(cosine.log_snr(cosine.t_max)) >= -5.1
    beyond = cosine.betas()[: round(cosine.t_max * 1000) + 1]  # one more step would pass the limit
    log_alpha = 0.5 * torch.log(1 - beyond).sum()
    assert float(log_alpha - 0.5 * torch.log(-torch.expm1(2 * log_alpha))) < -5.1


def test_the_cosine_is_inverted_close_to_a_right_angle():
    schedule = make_schedule("vp-cosine", s=1e-9, t_max=1 - 1e-9)
    t = torch.tensor([1e-4, 0.5, 0.999, 1 - 1e-7], dtype=torch.float64)
    torch.testing.assert_close(schedule.time_of(schedule.log_snr(t)), t, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        (
            "vp-lineer",
            {},
            r"unknown noise schedule 'vp-lineer' \(did you mean 'vp-linear'\?\); choose one of: vp-linear",
        ),
        ("vp-linear", {"beta": 1.0}, "has no parameter 'beta'; it takes t_min, t_max, beta_min, beta_max"),
        ("vp-linear", {"beta_min": "0.1"}, "beta_min of schedule 'vp-linear' must be a number, got '0.1'"),
        ("vp-linear", {"beta_min": True}, "must be a number, got True"),
        ("vp-linear", {"beta_min": 20.0, "beta_max": 0.1}, "0 < beta_min < beta_max, got 20.0 and 0.1"),
        ("sub-vp", {"beta_min": -1.0}, "0 < beta_min < beta_max, got -1.0"),
        ("vp-linear", {"beta_max": math.nan}, "0 < beta_min < beta_max, got 0.1 and nan"),
        ("vp-linear", {"beta_max": 1e5}, "one of them vanishes"),
        ("vp-linear", {"t_min": 0.0}, r"at t = 0\.0 one of them vanishes"),
        ("vp-linear", {"t_min": 0.6, "t_max": 0.5}, "0.0 <= t_min < t_max <= 1.0"),
        ("vp-linear", {"t_max": 1.5}, "0.0 <= t_min < t_max <= 1.0"),
        ("vp-linear", {"t_min": math.nan}, "t_min = nan"),
        ("vp-cosine", {"s": 0.0}, "between 0 and 1, got 0.0"),
        ("vp-cosine", {"t_max": 1.0}, "t_max must be below 1"),
        ("vp-cosine", {"t_min": 0.0}, "one of them vanishes"),
        ("flow", {"t_max": 1.0}, r"at t = 1\.0 one of them vanishes"),
        ("flow", {"t_min": 0.0}, r"at t = 0\.0 one of them vanishes"),
        ("edm", {"t_min": 0.0}, r"at t = 0\.0 one of them vanishes"),
        ("edm", {"t_max": math.inf}, "at t = inf one of them vanishes"),
        ("ve", {"sigma_min": 0.0}, "0 < sigma_min < sigma_max, got 0.0 and 50.0"),
        ("ve", {"sigma_max": math.inf}, "0 < sigma_min < sigma_max"),
        ("vdm", {"gamma_min": 6.0}, "gamma_min = 6.0 must be below gamma_max = 5.0"),
        ("ddpm-linear", {"t_min": 1e-4}, "t_min must be at least 1/1000"),
        ("ddpm-linear", {"t_max": 2.0}, "0.0 <= t_min < t_max <= 1.0"),
        ("ddpm-cosine", {"t_min": 0.9999}, "t_min < t_max"),
    ],
)
def test_what_is_refused(name, parameters, message):
    with pytest.raises(ValueError, match=message) as caught:
        make_schedule(name, **parameters)
    assert "\n" not in str(caught.value)
