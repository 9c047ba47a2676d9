"""diffusers' three spacings: the arithmetic of its DPMSolverMultistepScheduler, written out again."""

import numpy as np
import pytest

from core.grids import GRIDS, make_grid
from core.schedules import SCHEDULES, make_schedule

SPACINGS = [name for name, info in GRIDS.items() if info.discrete_only]
LEVELS = {"ddpm-linear": 1000, "ddpm-cosine": 996}  # with lambda_min_clipped = -5.1


def published(name: str, levels: int, steps: int, offset: int = 0) -> list[int]:
    """The timesteps, and the 0 whose sigma final_sigmas_type="sigma_min" appends.

    Strides are summed in floats as NumPy does: their last bit decides which way a half is rounded.
    """
    if name == "linspace":
        chosen = [round((steps - i) * ((levels - 1) / steps)) for i in range(steps)]
    elif name == "leading":
        chosen = [(steps - i) * (levels // (steps + 1)) + offset for i in range(steps)]
    else:
        stride = (levels - 1000 / steps) - levels
        chosen = [round(levels + i * stride) - 1 for i in range(steps)]
    return [*chosen, 0]


@pytest.mark.parametrize("name", SPACINGS)
@pytest.mark.parametrize("schedule", LEVELS)
def test_the_levels_are_those_of_diffusers(name: str, schedule: str):
    for steps in (1, 2, 3, 5, 7, 10, 15, 20, 26, 27, 48, 50, 61, 100, 121, 130, 400):
        if name == "trailing" and schedule == "ddpm-cosine" and steps == 400:
            continue  # cut short: below
        times = make_grid(name, make_schedule(schedule), steps).numpy()
        want = (np.array(published(name, LEVELS[schedule], steps)) + 1) / 1000
        np.testing.assert_array_equal(times, want)
    if name == "leading":
        times = make_grid(name, make_schedule(schedule), 20, offset=1).numpy()
        np.testing.assert_array_equal(times, (np.array(published(name, LEVELS[schedule], 20, 1)) + 1) / 1000)


def test_ten_steps_by_hand():
    schedule = make_schedule("ddpm-linear")
    for name, first, second in (("linspace", 999, 899), ("leading", 900, 810), ("trailing", 999, 899)):
        times = make_grid(name, schedule, 10)
        assert (round(1000 * float(times[0])) - 1, round(1000 * float(times[1])) - 1) == (first, second)
        assert float(times[-1]) == schedule.t_min


def test_they_are_for_chains_alone():
    chains = [name for name in SCHEDULES if make_schedule(name).chain]
    assert chains == list(LEVELS)
    for name in SPACINGS:
        for schedule in SCHEDULES:
            assert GRIDS[name].fits(make_schedule(schedule)) == (schedule in chains)
        with pytest.raises(ValueError, match="discrete chain; it is for ddpm-linear, ddpm-cosine"):
            make_grid(name, make_schedule("flow"), 10)


@pytest.mark.parametrize(
    ("name", "schedule", "steps", "message"),
    [
        ("linspace", "ddpm-linear", 1000, "cannot make 1000 steps out of the 1000 levels of the chain"),
        ("leading", "ddpm-linear", 1000, "cannot make 1000 steps"),
        ("trailing", "ddpm-linear", 1000, "cannot make 1000 steps"),
        ("trailing", "ddpm-linear", 700, "use fewer steps"),
        ("linspace", "ddpm-cosine", 996, "out of the 996 levels"),
        ("trailing", "ddpm-cosine", 400, "makes 399 steps, not 400, since the chain is cut to 996 levels"),
        ("linspace", "ddpm-linear", 5000, "cannot make 5000 steps"),
    ],
)
def test_more_steps_than_levels_are_refused(name: str, schedule: str, steps: int, message: str):
    with pytest.raises(ValueError, match=message):
        make_grid(name, make_schedule(schedule), steps)


def test_as_many_steps_as_the_chain_allows():
    assert len(make_grid("linspace", make_schedule("ddpm-linear"), 999)) == 1000
    assert len(make_grid("leading", make_schedule("ddpm-linear"), 999)) == 1000
    assert len(make_grid("trailing", make_schedule("ddpm-linear"), 666)) == 667


@pytest.mark.parametrize("name", SPACINGS)
def test_their_ends_are_their_own(name: str):
    schedule = make_schedule("ddpm-linear")
    own = make_grid(name, schedule, 10)
    assert (make_grid(name, schedule, 10, float(own[0]), float(own[-1])) == own).all()
    with pytest.raises(ValueError, match=r"ends at t = 0\.001 here, its own choice"):
        make_grid(name, schedule, 10, t_end=0.5)
    with pytest.raises(ValueError, match=r"starts at t = .* its own choice"):
        make_grid(name, schedule, 10, t_start=0.5)


def test_a_part_of_a_chain_is_counted_from_its_own_last_level_and_must_reach_the_first():
    assert float(make_grid("linspace", make_schedule("ddpm-linear", t_max=0.5), 10)[0]) == 0.5
    for ends in ({"t_max": 0.5005}, {"t_min": 0.002}):
        with pytest.raises(ValueError, match="counts whole levels of a chain of 1000"):
            make_grid("linspace", make_schedule("ddpm-linear", **ends), 10)


def test_an_offset_past_the_end_of_the_chain_is_refused():
    with pytest.raises(ValueError, match="offset of grid 'leading' must be one of 0, 1; got 2"):
        make_grid("leading", make_schedule("ddpm-linear"), 10, offset=2)
