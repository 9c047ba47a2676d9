"""What errors of images are as pictures, and why a learned score does not let a solver reach its order."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.analysis.smoothness import STRIDES, falling_powers, second_differences
from core.data import IMAGE_DATA, make_images
from core.experiments.build import NETWORK_REFERENCE, Report, Stop
from core.experiments.kept import Kept
from core.experiments.specification import Data, ImageData
from core.grids import refine
from core.language import message
from core.problem import Problem
from core.solve import Cancelled, solve

SHOWN = 8  # end images that a run keeps


@dataclass(frozen=True)
class Smoothness:
    """Second differences along the reference path, by spacing in lambda, of what predicted x0 adds to the state.

    ``exact`` is the same for the exact score of the data that the network learned from, at the same places; None where
    those are not at hand. ``rounding`` is what float32 alone would leave.
    """

    spacing: np.ndarray
    network: np.ndarray
    exact: np.ndarray | None
    rounding: float

    @property
    def power(self) -> float:
        """How fast the network's fall at the two smallest spacings: 2 if it is smooth."""
        return float(falling_powers(self.spacing[:2], self.network[:2])[0])


_kept: Kept[Smoothness] = Kept(100_000)


def smoothness(
    problem: Problem, data: ImageData, ends: Tensor, x: Tensor, seed: int, report: Report, stop: Stop
) -> Smoothness:
    """Measured on the reference path of the particles ``x`` between the two times ``ends``; recent ones are kept.

    Raises
    ------
    Cancelled
        If ``stop`` said so.
    """
    key = (data, problem.schedule, tuple(ends.tolist()), tuple(x.shape), seed)
    known = _kept.get(key)
    if known is not None:
        return known
    solver, steps = NETWORK_REFERENCE
    times = refine(problem.schedule, ends, steps)

    def progress(done: int, total: int) -> None:
        report(done / total, message("measuring how smooth the network is"))

    run = solve(problem, solver, times, x.double(), progress=progress, cancel=stop, start="single-step")
    if run.cancelled:
        raise Cancelled(run.message)
    lam = problem.schedule.log_snr(times)
    # its share in the state x / sqrt(alpha^2 + sigma^2): in strong noise x0 itself is rough without any consequence
    share = torch.sigmoid(2 * lam[:-1]).sqrt().reshape(-1, *(1,) * x.ndim)
    predicted = share * run.x0_predictions
    found = Smoothness(
        spacing=np.array(STRIDES) * float(lam[1] - lam[0]),
        network=second_differences(predicted),
        exact=_exact(problem, data, times, run.states, share),
        rounding=6**0.5 * torch.finfo(torch.float32).eps / 3**0.5,
    )
    return _kept.put(key, found, 1000)


def _exact(problem: Problem, data: ImageData, times: Tensor, states: Tensor, share: Tensor) -> np.ndarray | None:
    source = IMAGE_DATA[data.name].trained_on
    if not source or data.guidance is not None:
        return None
    exact = Problem(make_images(source, data.label), problem.schedule)
    values = [exact.x0(state, float(t)) for t, state in zip(times[:-1], states[:-1], strict=True)]
    return second_differences(share * torch.stack(values))


def as_pictures(
    data: Data, problem: Problem, final: Tensor, target: Tensor, times: Tensor
) -> tuple[float, np.ndarray | None]:
    """Distance of end images in the features of the set's classifier, relative to their size, and the first images."""
    if data.kind != "images":
        return float("nan"), None
    judge, end = IMAGE_DATA[data.name].classifier, final[:SHOWN].numpy()
    if judge is None or not bool(torch.isfinite(final).all() and torch.isfinite(target).all()):
        return float("nan"), end
    level = problem.level(float(times[-1]))
    ours, theirs = (judge().features(x.float(), level.alpha, level.sigma) for x in (final, target))
    return float((ours - theirs).square().mean().sqrt() / theirs.square().mean().sqrt()), end
