"""What stands beside the solvers' paths: the forward process, and the marginal law along one direction."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import special
from torch import Tensor

from core.language import message
from core.models import EmpiricalData, GaussianMixture
from core.noise import normal
from core.problem import Problem, levels_at
from core.schedules import Schedule
from core.solvers.control import Attempt

PLACES = 121  # of a density along its direction


def forward_paths(schedule: Schedule, times: Tensor, x0: Tensor, seed: int) -> Tensor:
    """Data on their way to noise: exact draws of the forward process at all ``times`` at once.

    From one time to a noisier one the signal fades by ``a = alpha_s / alpha_t`` and noise of variance
    ``sigma_s^2 - a^2 sigma_t^2`` is added, so that not only every marginal but the law of the whole path is exact.

    Parameters
    ----------
    times : (S + 1,) from noise to data, as a sampler's.
    x0 : (N, *shape) clean data.
    seed : of the noise; particle i's does not depend on N.

    Returns
    -------
    (S + 1, N, *shape) in the order of ``times``; the process itself runs from the last to the first.

    Source: Song et al. 2020 (arXiv 2011.13456), section 3.4, for the transition kernels of linear SDEs.
    """
    levels = levels_at(schedule, times)
    last = len(levels) - 1
    x = levels[last].alpha * x0 + levels[last].sigma * normal(seed, "forward", last, shape=tuple(x0.shape)).to(x0)
    states = [x]
    for i in range(last - 1, -1, -1):
        here, nxt = levels[i + 1], levels[i]
        fade = nxt.alpha / here.alpha
        added = max(nxt.sigma**2 - (fade * here.sigma) ** 2, 0.0)
        noise = normal(seed, "forward", i, shape=tuple(x0.shape)).to(x0)
        x = fade * x + added**0.5 * noise
        states.append(x)
    return torch.stack(states[::-1])


@dataclass(frozen=True)
class Profile:
    """The exact law of particles along one direction, at some of the times of the grid.

    Attributes
    ----------
    direction : (D,) unit vector over the numbers of a particle; title, in words.
    steps : (F,) indices of the grid.
    axis : (G,) places along the direction; density : (F, G) there, averaged over the cells.
    """

    direction: np.ndarray
    title: str
    steps: np.ndarray
    axis: np.ndarray
    density: np.ndarray

    def along(self, states: np.ndarray) -> np.ndarray:
        """States (S, N, *shape) along the direction, (S, N)."""
        return states.reshape(*states.shape[:2], -1) @ self.direction


def profile(problem: Problem, times: Tensor, steps: np.ndarray, half: float | None = None) -> Profile | None:
    """Density along the first axis of the plane, or along the principal component of images; None if it is unknown.

    ``half`` is how far the places go to either side; by default four standard deviations of the data.
    """
    law = _components(problem)
    if law is None:
        return None
    direction, title, weights, means, variances = law
    centre = float(weights @ means)
    if half is None:
        half = abs(centre) + 4 * float(weights @ (variances + means**2) - centre**2) ** 0.5
    axis = np.linspace(-half, half, PLACES)
    cell = axis[1] - axis[0]
    edges = np.append(axis - cell / 2, axis[-1] + cell / 2)
    densities = []
    for level in levels_at(problem.schedule, times[torch.as_tensor(steps)]):
        width = np.sqrt(level.alpha**2 * variances + level.sigma**2)
        below = special.ndtr((edges[:, None] - level.alpha * means) / width) @ weights
        densities.append(np.diff(below) / np.diff(edges))
    return Profile(direction, title, np.asarray(steps), axis, np.stack(densities))


def _components(problem: Problem) -> tuple[np.ndarray, str, np.ndarray, np.ndarray, np.ndarray] | None:
    model = problem.model
    if isinstance(model, GaussianMixture):
        direction = np.zeros(model.shape[0])
        direction[0] = 1.0
        variances = model.covariances[:, 0, 0].numpy()
        return direction, "x₁", model.weights.numpy(), model.means[:, 0].numpy(), variances
    if isinstance(model, EmpiricalData):
        points = model.points.double().flatten(1).numpy()
        centred = points - points.mean(axis=0)
        direction = np.linalg.svd(centred, full_matrices=False)[2][0]
        along = points @ direction
        title = message("first principal component")
        return direction, title, np.full(len(along), 1 / len(along)), along, np.zeros(len(along))
    return None


@dataclass(frozen=True)
class Tried:
    """Every step that an adaptive solver tried, in order, as columns.

    Attributes
    ----------
    t_from, t_to, lam_from, lam_to : where it began and would have ended.
    error : over the tolerance, accepted at 1 or below; accepted : whether it was taken; nfe : what it cost.
    """

    t_from: np.ndarray
    t_to: np.ndarray
    lam_from: np.ndarray
    lam_to: np.ndarray
    error: np.ndarray
    accepted: np.ndarray
    nfe: np.ndarray

    @property
    def rejected(self) -> int:
        """How many were thrown away."""
        return int((~self.accepted).sum())


def tried(schedule: Schedule, attempts: tuple[Attempt, ...]) -> Tried | None:
    """The attempts of a run as columns; None for a solver that takes the steps of the grid."""
    if not attempts:
        return None
    t_from, t_to, error, accepted, nfe = (np.array(column) for column in zip(*attempts, strict=True))
    lam_from, lam_to = (schedule.log_snr(torch.as_tensor(t, dtype=torch.float64)).numpy() for t in (t_from, t_to))
    return Tried(t_from, t_to, lam_from, lam_to, error, accepted.astype(bool), nfe)
