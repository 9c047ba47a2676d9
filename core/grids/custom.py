"""A list that the user types or pastes."""

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator
from torch import Tensor

from core.grids.info import GRIDS, GridInfo
from core.grids.standard import lerp
from core.language import message
from core.options import Option
from core.schedules import Schedule

MOST = 201  # numbers: more do not fit in a link
ROUNDING = 1e-9  # of the range: a level given in sigma/alpha or lambda may miss the schedule's end by its own rounding

_TO_TIME = {
    "t": lambda schedule, values: values,
    "sigma": lambda schedule, values: schedule.time_of(-values.log()),
    "lam": lambda schedule, values: schedule.time_of(values),
}
_NAMES = {"t": "t", "sigma": "sigma/alpha", "lam": "lambda"}


def _custom(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor, **lists: tuple[float, ...]) -> Tensor:
    given = {name: values for name, values in lists.items() if values}
    if len(given) > 1:
        raise ValueError(
            message(
                "write the custom grid as one list, in {names}; got {count} lists",
                names=" or in ".join(given),
                count=len(given),
            )
        )
    if not given:
        first, last = schedule.log_snr(t_start), schedule.log_snr(t_end)
        times = schedule.time_of(lerp(first, last, u))
        times[0], times[-1] = t_start, t_end
        return times
    ((name, values),) = given.items()
    nodes = _nodes(schedule, name, values)
    if len(nodes) == len(u):
        return nodes
    place = np.linspace(0, 1, len(nodes))
    levels = PchipInterpolator(place, schedule.log_snr(nodes).numpy())(u.numpy())
    times = schedule.time_of(torch.from_numpy(levels))
    times[0], times[-1] = nodes[0], nodes[-1]
    return times


def _nodes(schedule: Schedule, name: str, values: tuple[float, ...]) -> Tensor:
    """The listed times; ``ValueError`` unless they fall strictly inside the range of the schedule."""
    if len(values) < 2:
        raise ValueError(
            message(
                "a custom grid needs at least 2 numbers, the first and the last time; got {count}", count=len(values)
            )
        )
    if name == "sigma" and min(values) <= 0:
        raise ValueError(message("sigma/alpha must be positive in a custom grid; got {least:g}", least=min(values)))
    times = _TO_TIME[name](schedule, torch.tensor(values, dtype=torch.float64))
    low, high = schedule.t_min, schedule.t_max
    slack = 0.0 if name == "t" else ROUNDING * (high - low)
    for value, t in zip(values, times.tolist(), strict=True):
        if not low - slack <= t <= high + slack:
            last, first = (float(_FROM_TIME[name](schedule, end)) for end in (low, high))
            raise ValueError(
                message(
                    "{value:g} of the custom grid lies outside this schedule, where {names} goes from {first:.6g} to "
                    "{last:.6g}",
                    value=value,
                    names=_NAMES[name],
                    first=first,
                    last=last,
                )
            )
    times = times.clamp(low, high)
    for i, step in enumerate(times.diff().tolist()):
        if step >= 0:
            raise ValueError(
                message(
                    "the times of a custom grid must fall from noise to data, but {before:g} is followed by "
                    "{after:g} in {names}",
                    before=values[i],
                    after=values[i + 1],
                    names=_NAMES[name],
                )
            )
    return times


_FROM_TIME = {
    "t": lambda schedule, t: t,
    "sigma": lambda schedule, t: schedule.rho(t),
    "lam": lambda schedule, t: schedule.log_snr(t),
}


def _list(title: str, symbol: str, what: str, low: float, high: float) -> Option:
    words = f"The grid as a list {what}, with blanks or commas between."
    return Option((), words, title=title, symbol=symbol, most=MOST, low=low, high=high)


GRIDS.add(
    "custom",
    GridInfo(
        "Custom list",
        "Your own list from noise to data. With another number of steps it is drawn through as a smooth curve of λ "
        "that never turns back; an empty list is uniform in λ.",
        r"t_0 > t_1 > \dots > t_S;\quad \lambda(i/S)\text{ by monotone cubic interpolation for other }S",
        "Fritsch and Carlson 1980 (SIAM J. Numer. Anal. 17) for the interpolation",
        _custom,
        {
            "t": _list("Times t", "t", "of times t that fall", 0.0, 1e9),
            "sigma": _list("Or noise ratios σ/α", "σ/α", "of noise ratios σ/α that fall", 0.0, 1e9),
            "lam": _list("Or λ", "λ", "of half log signal-to-noise ratios λ that rise", -100.0, 100.0),
        },
        own_ends=True,
        cite=("fritsch1980monotone",),
    ),
)
