"""Where the steps are put."""

import math

import pytest
import torch

from core.grids import GRIDS, make_grid
from core.grids.standard import refine
from core.schedules import SCHEDULES, make_schedule

# the function of (schedule, t) in which each rule's steps are equal
EVEN_IN = {
    "uniform-t": lambda schedule, t: t,
    "quadratic-t": lambda schedule, t: t.sqrt(),
    "uniform-lambda": lambda schedule, t: schedule.log_snr(t),
    "karras": lambda schedule, t: (schedule.sigma(t) / schedule.alpha(t)) ** (1 / 7),
}


def test_every_grid_is_covered_here():
    assert set(EVEN_IN) == set(GRIDS)


@pytest.mark.parametrize("schedule_name", SCHEDULES)
@pytest.mark.parametrize("name", GRIDS)
class TestEveryGrid:
    def test_ends_are_exact_and_times_fall(self, name, schedule_name):
        schedule = make_schedule(schedule_name)
        for steps in (1, 2, 20, 1000):
            times = make_grid(name, schedule, steps)
            assert times.shape == (steps + 1,)
            assert times.dtype == torch.float64
            assert float(times[0]) == schedule.t_max
            assert float(times[-1]) == schedule.t_min
            assert (times.diff() < 0).all()

    def test_steps_are_even_in_the_named_variable(self, name, schedule_name):
        schedule = make_schedule(schedule_name)
        width = schedule.t_max - schedule.t_min
        start, end = schedule.t_max - 0.11 * width, schedule.t_min + 0.07 * width
        for times in (make_grid(name, schedule, 17), make_grid(name, schedule, 17, start, end)):
            position = EVEN_IN[name](schedule, times)
            gaps = position.diff()
            expected = (position[-1] - position[0]) / 17
            torch.testing.assert_close(
                gaps, expected.expand_as(gaps), rtol=1e-8, atol=1e-11 * float(position.abs().max())
            )
        assert float(times[0]) == start
        assert float(times[-1]) == end


@pytest.mark.parametrize("rho", [1.0, 3.0, 7.0, 11.0])
def test_karras_is_the_formula_of_edm(rho):
    schedule = make_schedule("edm", t_min=0.002, t_max=80.0)
    i = torch.arange(18, dtype=torch.float64)  # N = 18 noise levels are 17 steps
    high, low = 80 ** (1 / rho), 0.002 ** (1 / rho)
    sigma = (high + i / 17 * (low - high)) ** rho
    torch.testing.assert_close(make_grid("karras", schedule, 17, rho=rho), sigma, rtol=1e-12, atol=1e-14 * 80)


def test_large_rho_tends_to_equal_steps_in_lambda():
    schedule = make_schedule("edm")
    torch.testing.assert_close(
        make_grid("karras", schedule, 10, rho=100.0), make_grid("uniform-lambda", schedule, 10), rtol=0.2, atol=0
    )


@pytest.mark.parametrize("schedule_name", SCHEDULES)
def test_refining_keeps_the_given_times(schedule_name):
    schedule = make_schedule(schedule_name)
    times = make_grid("uniform-t", schedule, 5)
    fine = refine(schedule, times, 4)
    assert fine.shape == (21,)
    assert torch.equal(fine[::4], times)
    assert (fine.diff() < 0).all()
    gaps = schedule.log_snr(fine).diff().reshape(5, 4)
    torch.testing.assert_close(gaps, gaps.mean(1, keepdim=True).expand(5, 4), rtol=1e-8, atol=1e-11)


def test_start_and_end_default_one_by_one():
    schedule = make_schedule("vp-linear")
    assert float(make_grid("uniform-t", schedule, 4, t_start=0.5)[-1]) == schedule.t_min
    assert float(make_grid("uniform-t", schedule, 4, t_end=0.5)[0]) == schedule.t_max


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("karas", 10), {}, r"unknown time grid 'karas' \(did you mean 'karras'\?\)"),
        (("karras", 0), {}, "whole number from 1 to 10000, got 0"),
        (("karras", -3), {}, "whole number from 1 to 10000, got -3"),
        (("karras", 10_001), {}, "got 10001"),
        (("karras", 2.5), {}, "got 2.5"),
        (("karras", "10"), {}, "got '10'"),
        (("karras", None), {}, "got None"),
        (("karras", True), {}, "got True"),
        (("karras", math.nan), {}, "got nan"),
        (("karras", 10, 0.1, 0.5), {}, "from t = 0.1 down to 0.5 does not fit"),
        (("karras", 10, 0.5, 0.5), {}, "does not fit"),
        (("karras", 10, 2.0), {}, "t_end < t_start <= 1"),
        (("karras", 10, None, 1e-9), {}, "needs 0.0001 <= t_end"),
        (("karras", 10, math.nan), {}, "does not fit"),
        (("karras", 10), {"rho": 0.5}, "rho of grid 'karras' must lie between 1 and 100, got 0.5"),
        (("karras", 10), {"rho": math.nan}, "got nan"),
        (("karras", 10), {"rho": "7"}, "got 7"),
        (("karras", 10), {"sigma": 7}, "has no option 'sigma'; it takes rho"),
        (("uniform-t", 10), {"rho": 7}, "has no option 'rho'; it takes none"),
        (("uniform-t", 1000, 0.5, 0.5 - 1e-14), {}, "fall together in float64; use fewer steps"),
    ],
)
def test_what_is_refused(arguments, options, message):
    name, *rest = arguments
    with pytest.raises(ValueError, match=message):
        make_grid(name, make_schedule("vp-linear"), *rest, **options)
