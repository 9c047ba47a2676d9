"""A typed or pasted list of times."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.grids import make_grid
from core.schedules import SCHEDULES, make_schedule

LIST = (1.0, 0.7, 0.3, 0.01)
VP = make_schedule("vp-linear")


def test_a_list_of_times_is_itself():
    assert make_grid("custom", VP, 3, t=LIST).tolist() == list(LIST)


@pytest.mark.parametrize("text", ["1 0.7 0.3 0.01", "1, 0.7, 0.3, 0.01", "1;0.7;0.3;1e-2", "[1.0,\n .7,\n .3, .01]"])
def test_a_pasted_list_may_be_divided_as_people_do(text: str):
    assert make_grid("custom", VP, 3, t=text).tolist() == list(LIST)


@pytest.mark.parametrize("name", SCHEDULES)
def test_noise_ratios_and_lambdas_are_read_as_such(name: str):
    schedule = make_schedule(name)
    levels = torch.linspace(-2, 4, 7, dtype=torch.float64)
    by_lam = make_grid("custom", schedule, 6, lam=levels.tolist())
    by_sigma = make_grid("custom", schedule, 6, sigma=(-levels).exp().tolist())
    torch.testing.assert_close(schedule.log_snr(by_lam), levels, rtol=0, atol=1e-8)
    torch.testing.assert_close(by_sigma, by_lam, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_ends_of_the_schedule_are_inside_it_in_every_variable(name: str):
    schedule = make_schedule(name)
    ends = torch.tensor([schedule.t_max, schedule.t_min], dtype=torch.float64)
    for key, values in (("t", ends), ("lam", schedule.log_snr(ends)), ("sigma", schedule.rho(ends))):
        times = make_grid("custom", schedule, 9, **{key: values.tolist()})
        torch.testing.assert_close(times[[0, -1]], ends, rtol=1e-8, atol=1e-9)
        assert schedule.t_min <= float(times[-1]) < float(times[0]) <= schedule.t_max


def test_other_step_counts_pass_through_the_listed_times():
    for times in (make_grid("custom", VP, 3 * every, t=LIST) for every in (2, 5, 40)):
        every = (len(times) - 1) // 3
        torch.testing.assert_close(times[::every], torch.tensor(LIST, dtype=torch.float64), rtol=1e-10, atol=0)
        assert (float(times[0]), float(times[-1])) == (LIST[0], LIST[-1])
    # fewer steps than the list: every second time of a list of five
    five = (1.0, 0.7, 0.5, 0.3, 0.01)
    torch.testing.assert_close(
        make_grid("custom", VP, 2, t=five), torch.tensor(five[::2], dtype=torch.float64), rtol=1e-10, atol=0
    )


def test_between_the_listed_times_lambda_is_a_monotone_cubic():
    # three nodes at 0, 1/2, 1: slopes by Fritsch and Butland's harmonic mean inside, three-point formula at the ends
    lam = np.array([-4.0, 0.0, 2.0])
    secants = np.diff(lam) / 0.5
    inner = 2 * secants[0] * secants[1] / secants.sum()
    first = np.clip((3 * secants[0] - secants[1]) / 2, 0, 3 * secants[0])
    share = 0.25 / 0.5  # a quarter of the way: the middle of the first piece
    want = lam[0] + (3 * share**2 - 2 * share**3) * (lam[1] - lam[0])
    want += 0.5 * ((share - 2 * share**2 + share**3) * first + (share**3 - share**2) * inner)
    times = make_grid("custom", VP, 4, lam=lam.tolist())
    assert float(VP.log_snr(times[1])) == pytest.approx(want, abs=1e-9)


@given(
    st.lists(st.floats(1e-3, 1.0), min_size=2, max_size=12, unique_by=lambda t: round(t, 4)),
    st.integers(1, 100),
)
def test_any_falling_list_gives_falling_times_between_its_ends(values: list[float], steps: int):
    values = sorted(values, reverse=True)
    times = make_grid("custom", VP, steps, t=values)
    assert (times.diff() < 0).all()
    assert (float(times[0]), float(times[-1])) == (values[0], values[-1])


def test_an_empty_list_is_uniform_in_lambda_between_any_ends():
    assert torch.equal(make_grid("custom", VP, 10), make_grid("uniform-lambda", VP, 10))
    part = make_grid("custom", VP, 10, 0.8, 0.1, t="", sigma=[], lam=())
    assert torch.equal(part, make_grid("uniform-lambda", VP, 10, 0.8, 0.1))


def test_its_own_ends_may_be_said_again():
    assert make_grid("custom", VP, 3, 1.0, 0.01, t=LIST).tolist() == list(LIST)
