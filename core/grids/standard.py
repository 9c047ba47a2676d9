"""Rules in plain variables: equal or graded steps in t, in sigma/alpha or in lambda."""

import torch
from scipy.special import betaincinv
from torch import Tensor

from core.grids.info import GRIDS, GridInfo
from core.options import Option
from core.schedules import Schedule


def lerp(first: Tensor, last: Tensor, u: Tensor) -> Tensor:
    """``first`` at u = 0, ``last`` at u = 1, a straight line in between."""
    return first + u * (last - first)


def _uniform_t(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor) -> Tensor:
    return lerp(t_start, t_end, u)


def _quadratic_t(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor) -> Tensor:
    return lerp(t_start.sqrt(), t_end.sqrt(), u) ** 2


def _uniform_lambda(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor) -> Tensor:
    return schedule.time_of(lerp(schedule.log_snr(t_start), schedule.log_snr(t_end), u))


def _karras(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor, rho: float) -> Tensor:
    # a straight line in (sigma/alpha)^(1/rho), summed as logarithms: a small rho makes powers that overflow
    first, last = (-schedule.log_snr(t) / rho for t in (t_start, t_end))
    return schedule.time_of(-rho * torch.logaddexp(first + torch.log1p(-u), last + u.log()))


def _exponential(schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor, rho: float) -> Tensor:
    first, last = schedule.log_snr(t_start), schedule.log_snr(t_end)
    return schedule.time_of(last + (1 - u) ** rho * (first - last))


def _beta(
    schedule: Schedule, t_start: Tensor, t_end: Tensor, u: Tensor, alpha: float, beta: float, variable: str
) -> Tensor:
    share = torch.from_numpy(betaincinv(alpha, beta, (1 - u).numpy()))  # of the way up from the data end
    to, back = _BETA_VARIABLES[variable]
    return back(schedule, lerp(to(schedule, t_end), to(schedule, t_start), share))


_BETA_VARIABLES = {
    "t": (lambda schedule, t: t, lambda schedule, t: t),
    "sigma": (lambda schedule, t: schedule.rho(t), lambda schedule, rho: schedule.time_of(-rho.log())),
}

GRIDS.add(
    "uniform-t",
    GridInfo(
        "Uniform in t",
        "Equal steps in time.",
        r"t_i = t_0 + \tfrac{i}{S}(t_S-t_0)",
        "DDPM, 2006.11239",
        _uniform_t,
    ),
)
GRIDS.add(
    "quadratic-t",
    GridInfo(
        "Quadratic in t",
        "Equal steps in the square root of time: denser towards the data.",
        r"\sqrt{t_i} = \sqrt{t_0} + \tfrac{i}{S}(\sqrt{t_S}-\sqrt{t_0})",
        "DDIM, 2010.02502",
        _quadratic_t,
    ),
)
GRIDS.add(
    "uniform-lambda",
    GridInfo(
        "Uniform in λ",
        "Equal steps in the half log signal-to-noise ratio.",
        r"\lambda_i = \lambda_0 + \tfrac{i}{S}(\lambda_S-\lambda_0)",
        "DPM-Solver, 2206.00927",
        _uniform_lambda,
    ),
)
GRIDS.add(
    "karras",
    GridInfo(
        "Karras",
        "Equal steps in (σ/α) to the power 1/ρ: larger ρ puts more steps near the data.",
        r"(\sigma/\alpha)_i^{1/\rho} = (\sigma/\alpha)_0^{1/\rho}"
        r" + \tfrac{i}{S}\left((\sigma/\alpha)_S^{1/\rho}-(\sigma/\alpha)_0^{1/\rho}\right)",
        "EDM, 2206.00364, eq. 5",
        _karras,
        {
            "rho": Option(
                7.0,
                "0.1 to 100. 1 is uniform in σ/α and larger puts more steps near the data. Below 0.1 all but the last "
                "step stay at the noise; beyond 100 the grid is uniform in λ for the eye, and a negative ρ "
                "would only continue past that.",
                title="Exponent ρ",
                symbol="ρ",
                low=0.1,
                high=100.0,
            )
        },
    ),
)
GRIDS.add(
    "exponential",
    GridInfo(
        "Exponential",
        "A power of the way left, in λ = −log(σ/α). With exponent 1, k-diffusion's exponential grid, the steps are "
        "equal in λ: the same as “Uniform in λ”. Another exponent gives its polyexponential grid.",
        r"\lambda_i = \lambda_S + \left(1-\tfrac{i}{S}\right)^{\rho}(\lambda_0-\lambda_S)",
        "k-diffusion, get_sigmas_exponential and get_sigmas_polyexponential",
        _exponential,
        {
            "rho": Option(
                1.0,
                "0.2 to 5. 1 is uniform in λ, larger takes longer steps first and shorter ones near the data. Beyond "
                "these limits nearly all the way is one step.",
                title="Exponent ρ",
                symbol="ρ",
                low=0.2,
                high=5.0,
            )
        },
        cite=("crowson2022kdiffusion",),
    ),
)
_CROWDING = "0.3 to 5. Below 1 steps crowd there, above 1 they thin out; 1 for both is even."
GRIDS.add(
    "beta",
    GridInfo(
        "Beta",
        "Quantiles of a beta distribution: with 0.6 and 0.6, dense at the noise and at the data and wide between.",
        r"t_i = t_S + (t_0-t_S)\,I^{-1}_{1-i/S}(\alpha,\beta), \quad I_x(\alpha,\beta)=\frac{\int_0^x "
        r"y^{\alpha-1}(1-y)^{\beta-1}dy}{\int_0^1 y^{\alpha-1}(1-y)^{\beta-1}dy}",
        "Beta sampling, 2407.12173; ComfyUI's beta scheduler (in t), diffusers' use_beta_sigmas (in σ/α)",
        _beta,
        {
            "alpha": Option(
                0.6, f"How steps lie at the data, {_CROWDING}", low=0.3, high=5.0, title="α, at the data", symbol="α"
            ),
            "beta": Option(
                0.6, f"How steps lie at the noise, {_CROWDING}", low=0.3, high=5.0, title="β, at the noise", symbol="β"
            ),
            "variable": Option(
                "t",
                "What the quantiles are of: time t as in the paper, or sigma for σ/α as in diffusers.",
                title="Quantiles of",
                choices=("t", "sigma"),
            ),
        },
    ),
)
