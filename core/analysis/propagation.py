"""The exact law of a sampler on Gaussian data: mean and covariance after every step, without a single sample.

For data N(m, C) the exact prediction is affine in the particle, so every sampler whose own arithmetic is linear maps
Gaussians to Gaussians.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from core.language import message
from core.models import GaussianMixture
from core.noise import normal
from core.problem import Level, Problem
from core.solvers import SOLVERS, Context
from core.solvers.one_step import Affine

LINEAR = 1e-8  # largest departure from an affine map, relative to the size of the particles


class Moments(NamedTuple):
    """Mean and covariance, (D,) and (D, D) float64; with a leading axis where there are several times."""

    mean: Tensor
    covariance: Tensor


class Step(NamedTuple):
    """``x_next = keep x + gain prediction(x) + spread z``: where it starts, what is predicted, and the numbers."""

    level: Level
    kind: str
    affine: Affine


def data_moments(problem: Problem) -> Moments:
    """Mean and covariance of Gaussian data.

    Raises
    ------
    ValueError
        If the data are anything but one Gaussian.
    """
    model = problem.model
    if not isinstance(model, GaussianMixture) or len(model.weights) != 1:
        raise ValueError(message("laws can be propagated for a Gaussian mixture of one component only"))
    return Moments(model.means[0], model.covariances[0])


def exact_moments(problem: Problem, t: float) -> Moments:
    """Mean and covariance of the exact law at time t; errors as for :func:`data_moments`."""
    mean, covariance = data_moments(problem)
    level = problem.level(t)
    return Moments(level.alpha * mean, level.alpha**2 * covariance + level.sigma**2 * _one(mean))


def gaussian_prediction(data: Moments, level: Level, kind: str) -> tuple[Tensor, Tensor]:
    """``(slope, offset)``, (D, D) and (D,), of the exact prediction ``slope x + offset`` of "x0" or "eps".

    With ``V = alpha^2 C + sigma^2 I``: x0 is ``alpha C V^-1 x + sigma^2 V^-1 m``, eps ``sigma V^-1 (x - alpha m)``.

    Raises
    ------
    ValueError
        On another kind.
    """
    if kind not in ("x0", "eps"):
        raise ValueError(f"the prediction must be x0 or eps, got {kind!r}")
    wide = level.alpha**2 * data.covariance + level.sigma**2 * _one(data.mean)
    if kind == "eps":
        slope = level.sigma * torch.linalg.inv(wide)
        return slope, -level.alpha * slope @ data.mean
    # C and V commute
    return level.alpha * torch.linalg.solve(wide, data.covariance), level.sigma**2 * torch.linalg.solve(wide, data.mean)


def propagate(data: Moments, steps: Sequence[Step], start: Moments) -> Moments:
    """Laws of a sampler of one prediction a step, after 0, 1, ... S steps: (S + 1, D) and (S + 1, D, D).

    ``m' = A m + b`` and ``P' = A P A^T + spread^2 I`` with ``A = keep I + gain slope``, ``b = gain offset``.
    """
    mean, covariance = start
    means, covariances = [mean], [covariance]
    for level, kind, affine in steps:
        slope, offset = gaussian_prediction(data, level, kind)
        matrix = affine.keep * _one(mean) + affine.gain * slope
        mean = matrix @ mean + affine.gain * offset
        covariance = matrix @ covariance @ matrix.T + affine.spread**2 * _one(mean)
        means.append(mean)
        covariances.append(covariance)
    return Moments(torch.stack(means), torch.stack(covariances))


def propagate_solver(
    problem: Problem, solver: str, times: Tensor, start: Moments | None = None, **options: Any
) -> Moments:
    """Laws of any solver of fixed steps on Gaussian data at every time, (S + 1, D) and (S + 1, D, D).

    The solver itself is asked: of its particles one starts at 0, D at the unit vectors, and one for every number of
    every noise that it draws gets a 1 there; all else is zero. The ends are the offset and the columns of the affine
    map from start and noises to state. Noises of overlapping spans of one Brownian path are correlated as they should
    be. A last particle sees everything at once and checks that the map is affine.

    Parameters
    ----------
    problem : with one Gaussian as data.
    solver, times, options : as for :func:`core.solve.solve`.
    start : law at ``times[0]``; the noise ``N(0, sigma^2 I)`` that samplers start from if None.

    Raises
    ------
    ValueError
        On an unknown solver or option, data that are not one Gaussian, a solver that chooses its own steps, or one
        whose map is not affine (clipping, step sizes that depend on the particles).
    """
    data = data_moments(problem)
    if SOLVERS[solver].adaptive:
        raise ValueError(
            message("solver {name} chooses its own steps by the particles: its map is not affine", name=repr(solver))
        )
    recipe, dim = SOLVERS[solver].make(**options), len(data.mean)
    if start is None:
        sigma = problem.level(float(times[0])).sigma
        start = Moments(torch.zeros_like(data.mean), sigma**2 * _one(data.mean))
    counter = _Impulses(1, dim)
    for _ in _walk(recipe, problem, times, torch.zeros(1, dim, dtype=torch.float64), counter):
        pass
    draws = len(counter.keys)
    path = _Impulses(2 + dim + dim * draws, dim)
    x = torch.zeros(path.count, dim, dtype=torch.float64)
    x[1 : 1 + dim] = _one(data.mean)
    x[-1] = path.everything(("start",))
    together = torch.stack([path.everything(key) for key in counter.keys]).reshape(-1) if draws else x.new_zeros(0)
    share = _correlation(counter.keys)
    means, covariances = [start.mean], [start.covariance]
    for state in _walk(recipe, problem, times, x, path):
        offset = state[0]
        matrix = (state[1 : 1 + dim] - offset).T
        impulses = (state[1 + dim : -1] - offset).T  # (D, draws D)
        expected = offset + matrix @ x[-1] + impulses @ together
        gap, size = float((state[-1] - expected).abs().max()), float(state.abs().max())
        if not gap <= LINEAR * max(size, 1.0):
            raise ValueError(
                message(
                    "solver {name} is not affine on Gaussian data: it is off by {gap:.2g} of {size:.2g}",
                    name=repr(solver),
                    gap=gap,
                    size=size,
                )
            )
        by_draw = impulses.reshape(dim, draws, dim)
        means.append(matrix @ start.mean + offset)
        covariances.append(
            matrix @ start.covariance @ matrix.T + torch.einsum("dki,kl,eli->de", by_draw, share, by_draw)
        )
    return Moments(torch.stack(means), torch.stack(covariances))


def gaussian_wasserstein(one: Moments, other: Moments) -> float:
    """2-Wasserstein distance of two Gaussians, ``|m - m'|^2 + tr(A + B - 2 (A^(1/2) B A^(1/2))^(1/2))``, its root.

    Source: Gelbrich 1990 (Mathematische Nachrichten 147); Peyre and Cuturi 2019 (arXiv 1803.00567), remark 2.31.
    """
    values, axes = torch.linalg.eigh(one.covariance)
    root = axes @ (values.clamp(min=0).sqrt()[:, None] * axes.T)
    both = torch.linalg.eigvalsh(root @ other.covariance @ root).clamp(min=0).sqrt().sum()
    squared = (one.mean - other.mean).square().sum() + one.covariance.trace() + other.covariance.trace() - 2 * both
    return float(squared.clamp(min=0).sqrt())


class _Impulses:
    """In place of a Brownian path: noise that gives one particle a 1 in one number, another one the next, and so on.

    Particles are in the order of ``propagate_solver``; noise that is asked for again is the same noise.

    Attributes
    ----------
    keys : what was asked for: ``("span", t_cur, t_next)`` of the path, or the name of a stream.
    """

    def __init__(self, count: int, dim: int):
        self.count, self.dim = count, dim
        self.keys: list[tuple[Hashable, ...]] = []
        self._place: dict[tuple[Hashable, ...], int] = {}

    def standard(self, t_cur: float, t_next: float) -> Tensor:
        """In place of the increment over a step, divided by its standard deviation."""
        return self._noise(("span", float(t_cur), float(t_next)))

    def fresh(self, *stream: str | int) -> Tensor:
        """In place of noise of a stream of its own."""
        return self._noise(("stream", *stream))

    def everything(self, key: tuple[Hashable, ...]) -> Tensor:
        """(D,): the noise of the last particle, some numbers of its own for every key."""
        return normal(0, *(str(part) for part in key), shape=(self.dim,))

    def _noise(self, key: tuple[Hashable, ...]) -> Tensor:
        if key not in self._place:
            self._place[key] = len(self.keys)
            self.keys.append(key)
        noise = torch.zeros(self.count, self.dim, dtype=torch.float64)
        first = 1 + self.dim + self.dim * self._place[key]
        if first + self.dim < self.count:
            noise[first : first + self.dim] = torch.eye(self.dim, dtype=torch.float64)
            noise[-1] = self.everything(key)
        return noise


def _walk(recipe: Any, problem: Problem, times: Tensor, x: Tensor, path: _Impulses) -> Iterator[Tensor]:
    context = Context(problem, recipe.plan(problem, times), path, False, lambda: None)  # type: ignore[arg-type]
    state = None
    with torch.no_grad():
        for i in range(len(times) - 1):
            x, state = recipe.step(context, i, x, state)
            yield x


def _correlation(keys: list[tuple[Hashable, ...]]) -> Tensor:
    """Correlations of the noises: spans of the path share what they overlap, streams share nothing."""
    share = torch.eye(len(keys), dtype=torch.float64)
    spans = [(k, *key[1:]) for k, key in enumerate(keys) if key[0] == "span"]
    for k, start, end in spans:
        for other, other_start, other_end in spans:
            if other > k:
                overlap = max(min(start, other_start) - max(end, other_end), 0.0)
                value = overlap / ((start - end) * (other_start - other_end)) ** 0.5
                share[k, other] = share[other, k] = value
    return share


def _one(mean: Tensor) -> Tensor:
    return torch.eye(len(mean), dtype=torch.float64)
