"""How far data go that are noised to t and carried back: closed forms for one Gaussian."""

import torch

from core.analysis.propagation import data_moments
from core.problem import Problem


def gaussian_there_and_back(problem: Problem, t: float, t_end: float, noisy: bool) -> float:
    """Root mean square of ``x' - x`` over particles and dimensions for data that are one Gaussian.

    ``x`` is drawn from the data, ``x_t = alpha x + sigma z``, and ``x'`` is carried exactly from ``t`` to ``t_end``: by
    the reverse SDE if ``noisy``, else by the probability-flow ODE. With data variance c^2, V = alpha^2 c^2 + sigma^2
    and ``t_end`` at no noise its square is twice the least mean square error, ``2 c^2 sigma^2 / V``, for the SDE and
    ``2 c^2 (1 - alpha c / sqrt(V))`` for the ODE: going back without noise stays nearer.

    Raises
    ------
    ValueError
        If the data are no single Gaussian.

    Source: Theis et al. 2022 (arXiv 2206.08889), where these are the distortions of diffusion-based compression.
    """
    high, low = problem.level(t), problem.level(t_end)
    data = data_moments(problem)
    spread = torch.linalg.eigvalsh(data.covariance)
    at_t, at_end = high.alpha**2 * spread + high.sigma**2, low.alpha**2 * spread + low.sigma**2
    if noisy:  # the regression of x_end on x_t, whose forward step is alpha / alpha_end
        kept = high.alpha / low.alpha * at_end / at_t * high.alpha * spread
    else:
        kept = (at_end / at_t).sqrt() * high.alpha * spread
    shift = (low.alpha - 1) * data.mean
    return float((at_end + spread - 2 * kept + shift.square()).clamp(min=0).mean().sqrt())
