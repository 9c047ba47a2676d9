"""A grid in the manner of Align Your Steps: the least bound on the distance between two diffusions."""

import numpy as np
import torch
from torch import Tensor

from core.analysis.optimal_grids.info import OPTIMISED, OptimisedInfo, Training
from core.analysis.optimal_grids.knots import cheapest
from core.grids import make_grid
from core.language import message

NODES = 240  # intervals of the fine grid, even in lambda, that knots are chosen from


def bound_costs(snr: np.ndarray, gained: np.ndarray) -> np.ndarray:
    """The bound's share of every interval: (K, K), entry (i, j) for one step from node i to node j > i.

    The trapezoid rule in SNR for ``1/2 int (gained(u) - gained(i)) dSNR(u)``.

    Parameters
    ----------
    snr : (K,) rising signal-to-noise ratios.
    gained : (K,) ``E|D|^2`` there, or anything that differs from it by a constant.
    """
    area = np.concatenate([[0.0], np.cumsum(np.diff(snr) * (gained[1:] + gained[:-1]) / 2)])
    return 0.5 * (area[None] - area[:, None] - gained[:, None] * (snr[None] - snr[:, None]))


def _gained(training: Training, times: Tensor) -> np.ndarray:
    """``E|D(x_t, t)|^2`` less that at the first time, on a forward path from where each training particle ended.

    D is a martingale along the diffusion (each prediction is the mean of the next), so that squared differences from
    the start add up: E|D_u - D_i|^2 = E|D_u|^2 - E|D_i|^2. Summing the squared differences of neighbours keeps
    the result rising and its noise small. In x/alpha the forward process is Brownian motion in (sigma/alpha)^2.
    """
    span = training.problem.schedule
    draw = torch.Generator().manual_seed(training.seed)
    alpha, rho = span.alpha(times), span.rho(times)
    scaled = training.end / alpha[-1]
    later, gains = None, np.zeros(len(times))
    with torch.no_grad():
        for k in range(len(times) - 1, -1, -1):  # from data to noise, as the forward process runs
            training.check()
            if k < len(times) - 1:
                grown = (rho[k].square() - rho[k + 1].square()).clamp_min(0).sqrt()
                scaled = scaled + grown * torch.randn(scaled.shape, generator=draw, dtype=torch.float64)
            mean = training.problem.x0(alpha[k] * scaled, float(times[k])).double()
            if later is not None:
                gains[k + 1] = float((later - mean).flatten(1).square().sum(1).mean())
            later = mean
            training.report(0.95 * (1 - k / len(times)), message("following the forward process"))
    return np.cumsum(gains)


def _aligned(training: Training, steps: int) -> Tensor:
    """The cheapest knots among ``NODES`` + 1 levels.

    Girsanov's theorem bounds the KL divergence between the reverse diffusion and the one whose x0 prediction D is
    frozen over each step by half the mean squared difference of drifts over g^2. The drifts differ by
    ``g^2 (alpha/sigma^2) (D_u - D_i)`` and ``g^2 dt = -sigma^2 d log SNR``, so each step from t_i to t_j costs
    ``1/2 int E|D_u - D_i|^2 dSNR(u)``, SNR = alpha^2/sigma^2, whatever the schedule.
    """
    span = training.problem.schedule
    fine = make_grid("uniform-lambda", span, NODES, training.t_start, training.t_end)
    snr = np.exp(2 * span.log_snr(fine).numpy())
    path = cheapest(bound_costs(snr, _gained(training, fine)), steps)
    training.report(1.0, message("choosing the steps"))
    return fine[path]


OPTIMISED.add(
    "ays",
    OptimisedInfo(
        "Align-Your-Steps style",
        "Steps that keep the diffusion whose predictions are frozen over each step near the true one, whatever the "
        "solver.",
        r"\min_{t_1>\dots>t_{S-1}} \tfrac12\sum_i\int_{t_{i+1}}^{t_i} \mathbb E\,|D(x_u,u)-D(x_{t_i},t_i)|^2\,"
        r"d\,\mathrm{SNR}(u),\quad \mathrm{SNR}=\alpha^2/\sigma^2",
        "Align Your Steps, 2404.14507; the weight is derived here",
        _aligned,
    ),
)
