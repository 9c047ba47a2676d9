"""What every time grid promises, whatever its rule; and what is refused."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.grids import GRIDS, make_grid, refine
from core.grids.custom import MOST
from core.schedules import SCHEDULES, make_schedule

FITTING = [
    (grid, schedule) for schedule in SCHEDULES for grid, info in GRIDS.items() if info.fits(make_schedule(schedule))
]


@pytest.mark.parametrize(("name", "schedule_name"), FITTING)
def test_times_fall_strictly_over_the_whole_range(name: str, schedule_name: str):
    schedule = make_schedule(schedule_name)
    for steps in (1, 2, 3, 20, 121) if GRIDS[name].discrete_only else (1, 2, 3, 20, 1000):
        times = make_grid(name, schedule, steps)
        assert times.shape == (steps + 1,)
        assert times.dtype == torch.float64
        assert (times.diff() < 0).all()
        assert float(times[-1]) == schedule.t_min
        if name != "leading":  # its definition
            assert float(times[0]) == schedule.t_max


@st.composite
def settings_of(draw: st.DrawFn, name: str) -> dict:
    options = {}
    for key, option in GRIDS[name].options.items():
        if not option.most and draw(st.booleans()):
            options[key] = draw(
                st.sampled_from(option.choices) if option.choices else st.floats(option.low, option.high)
            )
    return options


@settings(max_examples=300)
@given(drawn=st.data())
def test_any_options_and_ends_give_a_falling_grid_with_exactly_these_ends(drawn: st.DataObject):
    name, schedule_name = drawn.draw(st.sampled_from([pair for pair in FITTING if not GRIDS[pair[0]].own_ends]))
    schedule = make_schedule(schedule_name)
    width = schedule.t_max - schedule.t_min
    start = drawn.draw(st.floats(schedule.t_min + width / 50, schedule.t_max))
    end = drawn.draw(st.floats(schedule.t_min, start - width / 100))
    options = drawn.draw(settings_of(name))
    times = make_grid(name, schedule, drawn.draw(st.integers(1, 60)), start, end, **options)
    assert (float(times[0]), float(times[-1])) == (start, end)
    assert (times.diff() < 0).all()


@pytest.mark.parametrize(("name", "schedule_name"), FITTING)
def test_a_number_at_either_end_of_its_range_is_allowed(name: str, schedule_name: str):
    for key, option in GRIDS[name].options.items():
        values = option.choices or (() if option.most else (option.low, option.high))
        for value in values:
            assert len(make_grid(name, make_schedule(schedule_name), 20, **{key: value})) == 21


def test_every_entry_says_what_a_reader_needs():
    for info in GRIDS.values():
        assert info.title
        assert info.description.endswith(".")
        assert "_i" in info.formula or "t_0" in info.formula
        assert info.source
        for option in info.options.values():
            assert option.help.endswith(".")
            assert option.check("it", option.default) == option.default
    assert len({info.title for info in GRIDS.values()}) == len(GRIDS)


@pytest.mark.parametrize("schedule_name", SCHEDULES)
def test_refining_keeps_the_given_times(schedule_name: str):
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
        (("karras", 10), {"rho": 0.05}, "rho of grid 'karras' must be a number from 0.1 to 100; got 0.05"),
        (("karras", 10), {"rho": -7.0}, "got -7"),
        (("karras", 10), {"rho": math.inf}, "got inf"),
        (("karras", 10), {"rho": math.nan}, "got nan"),
        (("karras", 10), {"rho": "7"}, "got '7'"),
        (("karras", 10), {"rho": True}, "got True"),
        (("karras", 10), {"sigma": 7}, "has no option 'sigma'; it takes rho"),
        (("uniform-t", 10), {"rho": 7}, "has no option 'rho'; it takes none"),
        (("exponential", 10), {"rho": 9}, "from 0.2 to 5; got 9"),
        (("exponential", 10_000), {"rho": 5}, "fall together in float64; use fewer steps"),
        (("beta", 10), {"alpha": 0}, "alpha of grid 'beta' must be a number from 0.3 to 5; got 0"),
        (("beta", 10), {"variable": "lam"}, "variable of grid 'beta' must be one of t, sigma; got 'lam'"),
        (("edm-vp", 10), {"epsilon_s": 0}, "from 1e-05 to 0.1; got 0"),
        (("sigmoid", 10), {"tau": -1}, "from 0.2 to 10; got -1"),
        (("leading", 10), {}, "counts the levels of a discrete chain; it is for ddpm-linear, ddpm-cosine"),
        (("uniform-t", 1000, 0.5, 0.5 - 1e-14), {}, "fall together in float64; use fewer steps"),
        (("custom", 3), {"t": "1 x"}, "t of grid 'custom' must be a list of numbers, such as .* cannot read 'x'"),
        (("custom", 3), {"t": None}, "must be a list of numbers; got None"),
        (("custom", 3), {"t": [0.5, None]}, "each number in option t of grid 'custom' must be a number .* got None"),
        (("custom", 3), {"t": [0.5]}, "needs at least 2 numbers, the first and the last time; got 1"),
        (("custom", 3), {"t": [0.5, math.nan]}, "got nan"),
        (("custom", 3), {"t": range(MOST + 1)}, "takes at most 201 numbers; got 202"),
        (("custom", 3), {"t": [0.2, 0.5]}, "must fall from noise to data, but 0.2 is followed by 0.5 in t"),
        (("custom", 3), {"t": [0.5, 0.5]}, "0.5 is followed by 0.5"),
        (("custom", 3), {"lam": [1, -1]}, "1 is followed by -1 in lambda"),
        (("custom", 3), {"sigma": [1, 2]}, "1 is followed by 2 in sigma/alpha"),
        (("custom", 3), {"sigma": [1, 0]}, "sigma/alpha must be positive in a custom grid; got 0"),
        (("custom", 3), {"t": [1.5, 0.5]}, "1.5 of the custom grid lies outside this schedule, where t goes from 1 to"),
        (("custom", 3), {"sigma": [1, 1e-9]}, "sigma/alpha goes from 152.* to 0.00317"),
        (("custom", 3), {"lam": [-1, 99]}, "lambda goes from -5.02.* to 5.7"),
        (("custom", 3), {"t": [0.9, 0.5], "lam": [0, 1]}, "one list, in t or in lam; got 2 lists"),
        (("custom", 3, 0.8), {"t": [0.9, 0.5]}, "starts at t = 0.9 here, its own choice; .* got 0.8"),
        (("custom", 3, None, 0.1), {"t": [0.9, 0.5]}, "ends at t = 0.5 here, its own choice; .* got 0.1"),
    ],
)
def test_what_is_refused(arguments: tuple, options: dict, message: str):
    name, *rest = arguments
    with pytest.raises(ValueError, match=message) as caught:
        make_grid(name, make_schedule("vp-linear"), *rest, **options)
    assert "\n" not in str(caught.value)
