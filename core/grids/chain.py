"""The three spacings of diffusers' schedulers: whole-numbered levels of a discrete chain.

Levels are counted from 0 (data) as there: level n is ``t = (n + 1) / 1000``. S steps take S levels and then level 0,
the chain's least noise (diffusers' ``final_sigmas_type="sigma_min"``). Rounding is theirs: to the nearest, halves to
even. The arithmetic is that of ``DPMSolverMultistepScheduler.set_timesteps``; other schedulers of that library divide
by S where it divides by S + 1.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from core.grids.info import GRIDS, GridInfo
from core.language import message
from core.options import Option
from core.schedules import Schedule


def _linspace(levels: int, chain: int, steps: int) -> np.ndarray:
    return np.linspace(0, levels - 1, steps + 1).round()[:0:-1]


def _leading(levels: int, chain: int, steps: int, offset: int) -> np.ndarray:
    return np.arange(steps, 0, -1) * (levels // (steps + 1)) + offset


def _trailing(levels: int, chain: int, steps: int) -> np.ndarray:
    # cut off: a range of floats may hold one too many, as there with 61 steps, whose last level is -1
    return np.arange(levels, 0, -chain / steps)[:steps].round() - 1


def _place(
    name: str,
    spacing: Callable[..., np.ndarray],
    schedule: Schedule,
    t_start: Tensor,
    t_end: Tensor,
    u: Tensor,
    **options: int,
) -> Tensor:
    steps, levels = len(u) - 1, round(schedule.t_max * schedule.chain)
    if (levels / schedule.chain, 1 / schedule.chain) != (schedule.t_max, schedule.t_min):
        raise ValueError(
            message(
                "grid {name} counts whole levels of a chain of {chain}: it cannot be laid from t = {t_max:g} to "
                "{t_min:g}; leave the schedule's t_max and t_min as they are",
                name=repr(name),
                chain=schedule.chain,
                t_max=schedule.t_max,
                t_min=schedule.t_min,
            )
        )
    chosen = np.append(spacing(levels, schedule.chain, steps, **options), 0)
    if len(chosen) != steps + 1:
        raise ValueError(
            message(
                "grid {name} makes {count} steps, not {steps}, since the chain is cut to {levels} levels; use "
                "another number of steps",
                name=repr(name),
                count=len(chosen) - 1,
                steps=steps,
                levels=levels,
            )
        )
    if chosen[0] >= levels or (np.diff(chosen) >= 0).any():
        raise ValueError(
            message(
                "grid {name} cannot make {steps} steps out of the {levels} levels of the chain, for two would "
                "fall on the same one; use fewer steps",
                name=repr(name),
                steps=steps,
                levels=levels,
            )
        )
    return torch.from_numpy((chosen + 1) / schedule.chain)


def _add(name: str, spacing: Callable, title: str, description: str, formula: str, **options: Option) -> None:
    source = "Lin et al., 2305.08891, table 2; diffusers' timestep_spacing"
    place = partial(_place, name, spacing)
    GRIDS.add(name, GridInfo(title, description, formula, source, place, options, discrete_only=True, own_ends=True))


_add(
    "linspace",
    _linspace,
    "Linspace (diffusers)",
    "Levels evenly from the last to the first, rounded.",
    r"n_i = \mathrm{round}\left((N-1)(1-\tfrac{i}{S})\right),\quad t_i = \tfrac{n_i+1}{1000}",
)
_add(
    "leading",
    _leading,
    "Leading (diffusers)",
    "Every k-th level counted from the data, so that the start falls short of the noisiest level.",
    r"n_i = (S-i)\left\lfloor\tfrac{N}{S+1}\right\rfloor + \text{offset},\quad n_S = 0,\quad t_i = \tfrac{n_i+1}{1000}",
    offset=Option(0, "Added to every level but the last: 1 in Stable Diffusion, 0 elsewhere.", choices=(0, 1)),
)
_add(
    "trailing",
    _trailing,
    "Trailing (diffusers)",
    "Equal strides counted from the noisiest level, rounded.",
    r"n_i = \mathrm{round}\left(N - \tfrac{1000\,i}{S}\right) - 1,\quad n_S = 0,\quad t_i = \tfrac{n_i+1}{1000}",
)
