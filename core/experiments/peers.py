"""The same solver in other people's libraries, as Python to be run.

Each text stands alone: a toy whose prediction is known exactly, the library's own loop, the end states. It needs
PyTorch and that library only.
"""

from collections.abc import Callable

from core.registry import Registry
from core.solvers import Peer

LIBRARIES: Registry[Callable[[Peer], str]] = Registry("library")

_CLOUDS = """means = torch.tensor([[2.0, 0.0], [-1.0, 1.5], [-0.5, -2.0]], dtype=torch.float64)
width = 0.3
"""
_START = "torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))"


def peer_snippet(peer: Peer) -> str:
    """Runnable Python for ``peer``, which prints the end states of four particles.

    Raises
    ------
    ValueError
        If we write nothing for its library.
    """
    return LIBRARIES[peer.library](peer)


def _settings(arguments: dict[str, object], indent: str = "") -> str:
    parts = [f"{key}={_literal(value)}" for key, value in arguments.items()]
    return "".join(f"{indent}{part},\n" for part in parts) if indent else ", ".join(parts)


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _diffusers(peer: Peer) -> str:
    order = peer.arguments.get("order")  # of LMS, whose step takes it
    step = f", order={order}" if order else ""
    settings = {key: value for key, value in peer.arguments.items() if key not in ("order", "steps")}
    return f'''import torch
from diffusers import {peer.name}

betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)  # the chain of DDPM
alpha_bar = (1 - betas).cumprod(0)
log_rho = 0.5 * torch.log(1 / alpha_bar - 1)  # rho = sigma / alpha
{_CLOUDS}

def predict_noise(x, n):
    """Exact for three round clouds of this width, at step n of the chain (fractions lie between steps)."""
    low = min(int(n), 998)
    rho = torch.exp(torch.lerp(log_rho[low], log_rho[low + 1], float(n) - low))
    alpha = (1 + rho**2).rsqrt()
    variance = (alpha * width) ** 2 + (alpha * rho) ** 2
    apart = x[:, None] - alpha * means
    share = torch.softmax(-apart.square().sum(-1) / (2 * variance), dim=1)
    return alpha * rho * (share[..., None] * apart).sum(1) / variance


scheduler = {peer.name}(
    num_train_timesteps=1000,
    beta_schedule="linear",
    beta_start=1e-4,
    beta_end=0.02,
{_settings(settings, "    ")})
scheduler.set_timesteps({peer.arguments.get("steps", 20)})
x = scheduler.init_noise_sigma * {_START}
for n in scheduler.timesteps:
    noise = predict_noise(scheduler.scale_model_input(x, n), n)
    x = scheduler.step(noise, n, x{step}).prev_sample
print(x)
'''


def _k_diffusion(peer: Peer) -> str:
    more = "".join(f", {key}={_literal(value)}" for key, value in peer.arguments.items())
    by_range = peer.name in ("sample_dpm_fast", "sample_dpm_adaptive")
    grid = "sigma_min=0.02, sigma_max=80.0" if by_range else "sigmas"
    evaluations = ", n=30" if peer.name == "sample_dpm_fast" else ""
    sigmas = "" if by_range else "sigmas = sampling.get_sigmas_karras(20, 0.02, 80.0).double()  # and 0 at the end\n"
    return f'''import torch
from k_diffusion import sampling

{_CLOUDS}

def denoise(x, sigma):
    """The exact clean data for three round clouds of this width."""
    variance = width**2 + sigma[:, None] ** 2
    apart = x[:, None] - means
    share = torch.softmax(-apart.square().sum(-1) / (2 * variance), dim=1)
    return x - sigma[:, None] ** 2 / variance * (share[..., None] * apart).sum(1)


{sigmas}x = 80.0 * {_START}
x = sampling.{peer.name}(denoise, x, {grid}{evaluations}, disable=True{more})
print(x)
'''


def _dpm_solver(peer: Peer) -> str:
    settings = dict(peer.arguments)
    algorithm = settings.pop("algorithm_type", "dpmsolver")
    steps = settings.pop("steps", 20)
    return f'''import torch
from dpm_solver_pytorch import DPM_Solver, NoiseScheduleVP  # the file of github.com/LuChengTHU/dpm-solver

{_CLOUDS}schedule = NoiseScheduleVP("linear", continuous_beta_0=0.1, continuous_beta_1=20.0, dtype=torch.float64)


def predict_noise(x, t):
    """Exact for three round clouds of this width."""
    alpha = schedule.marginal_alpha(t).reshape(-1, 1)
    sigma = schedule.marginal_std(t).reshape(-1, 1)
    variance = (alpha * width) ** 2 + sigma**2
    apart = x[:, None] - alpha[:, None] * means
    share = torch.softmax(-apart.square().sum(-1) / (2 * variance), dim=1)
    return sigma * (share[..., None] * apart).sum(1) / variance


solver = DPM_Solver(predict_noise, schedule, algorithm_type="{algorithm}")
x = {_START}
x = solver.sample(
    x,
    steps={steps},
    t_start=1.0,
    t_end=1e-3,
    skip_type="logSNR",
{_settings(settings, "    ")})
print(x)
'''


LIBRARIES.add("diffusers", _diffusers)
LIBRARIES.add("k-diffusion", _k_diffusion)
LIBRARIES.add("dpm-solver", _dpm_solver)
