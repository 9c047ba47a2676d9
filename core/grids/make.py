"""From a grid's name to times, and a finer grid from a coarse one."""

from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from core.grids.info import GRIDS, discrete_schedules
from core.language import mark, message
from core.schedules import Schedule

MAX_STEPS = 10_000
_STARTS = mark("grid {name} starts at t = {own:g} here, its own choice; leave t_start and t_end out, got {given:g}")
_ENDS = mark("grid {name} ends at t = {own:g} here, its own choice; leave t_start and t_end out, got {given:g}")


def make_grid(
    name: str,
    schedule: Schedule,
    steps: int,
    t_start: float | None = None,
    t_end: float | None = None,
    **options: Any,
) -> Tensor:
    """Times at which a solver stops, from noise to data.

    Parameters
    ----------
    name : a key of ``GRIDS``.
    steps : number of intervals S, 1 to 10,000.
    t_start, t_end : first and last time, inside ``[schedule.t_min, schedule.t_max]``; the whole range by default.
        Grids with ``own_ends`` choose theirs: diffusers' spacings stop at levels of the chain (``leading`` starts below
        the noisiest), ``custom`` has its list. For those, a time given here must be the one that they choose.
    options : those of the rule, such as ``rho`` of ``"karras"``; see ``GRIDS[name].options``.

    Returns
    -------
    Tensor, shape (S + 1,), float64, strictly decreasing, first and last exactly ``t_start`` and ``t_end``.

    Raises
    ------
    ValueError
        On an unknown name or option, a step count or a time out of range, ``t_start <= t_end``, a grid that does not
        fit the schedule, or steps so many that times coincide.
    """
    info = GRIDS[name]
    start = schedule.t_max if t_start is None else float(t_start)
    end = schedule.t_min if t_end is None else float(t_end)
    check_steps(steps)
    if not schedule.t_min <= end < start <= schedule.t_max:
        raise ValueError(
            message(
                "a grid from t = {start:g} down to {end:g} does not fit; it needs {t_min:g} <= t_end < t_start "
                "<= {t_max:g}",
                start=start,
                end=end,
                t_min=schedule.t_min,
                t_max=schedule.t_max,
            )
        )
    if not info.fits(schedule):
        raise ValueError(
            message(
                "grid {name} counts the levels of a discrete chain; it is for {names}",
                name=repr(name),
                names=", ".join(discrete_schedules()),
            )
        )
    values = info.values(name, options)
    ends = [torch.tensor(value, dtype=torch.float64) for value in (start, end)]
    times = info.place(schedule, *ends, torch.linspace(0, 1, steps + 1, dtype=torch.float64), **values)
    if info.own_ends:
        for told, given, own in ((_STARTS, t_start, float(times[0])), (_ENDS, t_end, float(times[-1]))):
            if given is not None and given != own:
                raise ValueError(
                    message(told, name=repr(name), own=own, given=float(given)),
                )
    else:
        times[0], times[-1] = ends  # inverse functions round; the ends are what was asked for
    if not bool((times[1:] < times[:-1]).all()):
        raise ValueError(
            message(
                "{steps} steps from t = {start:g} to {end:g} fall together in float64; use fewer steps",
                steps=steps,
                start=start,
                end=end,
            )
        )
    return times


def refine(schedule: Schedule, times: Tensor, inner: int) -> Tensor:
    """Each interval of ``times`` (S + 1,) cut into ``inner`` equal steps in lambda: (S * inner + 1,) float64.

    The given times stay exactly as they are, at every ``inner``-th place.
    """
    lam = schedule.log_snr(times)
    share = torch.arange(inner, dtype=torch.float64) / inner
    fine = schedule.time_of((lam[:-1, None] + share * lam.diff()[:, None]).flatten())
    fine[::inner] = times[:-1]
    return torch.cat([fine, times[-1:]])


def check_steps(steps: int) -> None:
    """Raise ``ValueError`` unless ``steps`` is a whole number from 1 to ``MAX_STEPS``."""
    if isinstance(steps, bool) or not isinstance(steps, Integral) or not 1 <= steps <= MAX_STEPS:
        raise ValueError(
            message(
                "the number of steps must be a whole number from 1 to {most}, got {steps}",
                most=MAX_STEPS,
                steps=repr(steps),
            )
        )
