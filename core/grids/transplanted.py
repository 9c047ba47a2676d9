"""Rules that borrow another process: even steps in its time, carried over at equal noise-to-signal ratio sigma/alpha.

A solver's step depends on sigma/alpha and not on the name of the time, so the even steps of one noise schedule are a
grid for any other. Each process is stretched so that its range of sigma/alpha is the one asked for.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from core.grids.info import GRIDS, GridInfo
from core.grids.standard import lerp
from core.language import message
from core.options import Option
from core.schedules import Schedule


def _edm_vp(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor, epsilon_s: float) -> Tensor:
    # L = log(1 + (sigma/alpha)^2) = beta_d s^2 / 2 + beta_min s, with the betas set by the ends of the whole schedule
    low, high = (softplus(-2 * schedule.log_snr(t)) for t in (schedule.t_min, schedule.t_max))
    beta_d = 2 * (low / epsilon_s - high) / (epsilon_s - 1)
    beta_min = high - beta_d / 2
    if bool(beta_d + beta_min <= 0):
        raise ValueError(
            message(
                "the VP time of grid 'edm-vp' would turn back with epsilon_s = {epsilon_s:g}, since the noise of "
                "this schedule only falls to sigma/alpha = {rho:.3g}; take an epsilon_s above about {least:.2g}",
                epsilon_s=epsilon_s,
                rho=float(schedule.rho(schedule.t_min)),
                least=float(1 - (1 - low / high).sqrt()),
            )
        )
    first, last = (
        2 * level / (beta_min + (beta_min**2 + 2 * beta_d * level).sqrt())
        for level in (softplus(-2 * schedule.log_snr(t)) for t in (t_start, t_end))
    )
    s = lerp(first, last, u)
    return schedule.time_of(-0.5 * torch.expm1(s * (beta_d * s / 2 + beta_min)).log())


def _cosine(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor) -> Tensor:
    first, last = (torch.atan2(schedule.sigma(t), schedule.alpha(t)) for t in (t_start, t_end))
    return schedule.time_of(-lerp(first, last, u).tan().log())


def _sigmoid(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor, tau: float) -> Tensor:
    reach = torch.tensor(3 / tau, dtype=torch.float64)
    bottom, top = (-reach).sigmoid(), reach.sigmoid()
    done = (((2 * u - 1) * reach).sigmoid() - bottom) / (top - bottom)
    # shares of signal and of noise in the variance, each mixed from its ends: neither is lost beside the other
    signal, noise = (
        (1 - done) * (sign * schedule.log_snr(t_start)).sigmoid() + done * (sign * schedule.log_snr(t_end)).sigmoid()
        for sign in (2, -2)
    )
    return schedule.time_of(0.5 * (signal.log() - noise.log()))


GRIDS.add(
    "edm-vp",
    GridInfo(
        "VP time (EDM)",
        "Equal steps in the time s of the linear VP process, at the same σ/α.",
        r"\sigma/\alpha = \sqrt{e^{\beta_d s^2/2+\beta_{min}s}-1},\quad s_i = s_0+\tfrac{i}{S}(s_S-s_0);\quad"
        r"s=1\text{ and }s=\epsilon_s\text{ at the ends of the schedule}",
        "EDM, 2206.00364, table 1, column VP",
        _edm_vp,
        {
            "epsilon_s": Option(
                1e-3,
                "VP's time at the data end of the schedule, 1e-5 to 0.1: larger puts fewer steps near the data. "
                "0.001 is the paper's.",
                title="VP time at the data, εₛ",
                symbol="εₛ",
                low=1e-5,
                high=0.1,
            )
        },
    ),
)
GRIDS.add(
    "cosine",
    GridInfo(
        "Cosine",
        "Equal steps in the angle between signal and noise, arctan(σ/α): the even times of the cosine schedule.",
        r"\varphi_i = \varphi_0 + \tfrac{i}{S}(\varphi_S-\varphi_0),\quad \varphi = \arctan(\sigma/\alpha)",
        "Nichol and Dhariwal, 2102.09672, eq. 17, without its offset",
        _cosine,
    ),
)
GRIDS.add(
    "sigmoid",
    GridInfo(
        "Sigmoid",
        "The share of noise in the variance falls along a sigmoid: of that share the first and last steps take little, "
        "though in λ they are the longest.",
        r"\frac{\sigma_i^2}{\alpha_i^2+\sigma_i^2} = \nu_0 + \frac{s(\frac{2i}{S}-1)-s(-1)}{s(1)-s(-1)}(\nu_S-\nu_0),"
        r"\quad s(x)=\frac{1}{1+e^{-3x/\tau}}",
        "Sigmoid schedule, 2212.11972 and 2301.10972, with its ends fitted as EDM fits VP's",
        _sigmoid,
        {
            "tau": Option(
                1.0,
                "Temperature, 0.2 to 10: small is steep, so that the ends are crowded; large is even in the share of "
                "noise. 1 is the paper's.",
                title="Temperature τ",
                symbol="τ",
                low=0.2,
                high=10.0,
            )
        },
    ),
)
