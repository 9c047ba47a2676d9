"""One coordinate of the data flowing from noise to data: a density that a single picture can hold."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.data import IMAGE_DATA
from core.experiments.build import Stop, build_model
from core.experiments.kept import Kept
from core.experiments.specification import Data, ImageData
from core.grids import make_grid
from core.language import message
from core.models import GaussianMixture
from core.problem import Problem
from core.schedules import Schedule
from core.solve import Cancelled, solve

POINTS, TIMES, PATHS = 121, 101, 15
PIXEL_WIDTH = 0.03  # pixels take single values, which no picture could show: each is given this standard deviation
NOISED = 9  # pictures of one image on its way to noise


@dataclass(frozen=True)
class Slice:
    """One coordinate of the data under one schedule.

    ``density`` (T, X) is its marginal at each of ``t`` (T,), in ``x / sqrt(alpha^2 + sigma^2)``, so that it stays in
    view; ``paths`` (T, P) are paths of its probability-flow ODE in the same unit. ``what`` says which coordinate it is.
    """

    schedule: str
    what: str
    t: np.ndarray
    log_snr: np.ndarray
    x: np.ndarray
    density: np.ndarray
    paths: np.ndarray


@dataclass(frozen=True)
class Noised:
    """One image under one schedule: ``images`` (K, C, H, W) at ``t`` (K,), divided by ``sqrt(alpha^2 + sigma^2)``."""

    t: np.ndarray
    log_snr: np.ndarray
    images: np.ndarray


_slices: Kept[Slice] = Kept(5_000_000)


def slice_of(data: Data, name: str, schedule: Schedule, stop: Stop) -> Slice:
    """The slice under schedule ``name``; recent ones are kept, since neither steps nor grids change it.

    Raises
    ------
    core.solve.Cancelled
        When ``stop`` says so.
    """
    key = (data, name)
    kept = _slices.get(key)
    if kept is None:
        made = _slice(data, name, schedule, stop)
        kept = _slices.put(key, made, made.density.nbytes + made.paths.nbytes)
    return kept


def _slice(data: Data, name: str, schedule: Schedule, stop: Stop) -> Slice:
    line, what = _line(data)
    problem = Problem(line, schedule)
    times = make_grid("uniform-lambda", schedule, TIMES - 1)
    units = torch.hypot(schedule.alpha(times), schedule.sigma(times))
    half = max(3.0, 1.2 * float((line.means.abs() + 3 * line.variances.sqrt()).max()))
    x = torch.linspace(-half, half, POINTS, dtype=torch.float64)
    density = [
        unit * problem.log_density(unit * x[:, None], t).exp()
        for t, unit in zip(times.tolist(), units.tolist(), strict=True)
    ]
    start = torch.special.ndtri((torch.arange(PATHS, dtype=torch.float64) + 0.5) / PATHS)
    begin = schedule.alpha(times[0]) * line.mean() + schedule.sigma(times[0]) * start[:, None]
    run = solve(problem, "reference", times, begin, cancel=stop, rtol=1e-9, atol=1e-9)
    if run.cancelled:
        raise Cancelled(run.message)
    return Slice(
        schedule=name,
        what=what,
        t=times.numpy(),
        log_snr=schedule.log_snr(times).numpy(),
        x=x.numpy(),
        density=torch.stack(density).numpy(),
        paths=(run.states[:, :, 0] / units[:, None]).numpy(),
    )


def noised(data: ImageData, schedule: Schedule) -> Noised:
    """One image of the data with the same noise at times evenly spaced from data to noise."""
    model = build_model(_known(data))
    problem = Problem(model, schedule)
    t = torch.linspace(schedule.t_min, schedule.t_max, NOISED, dtype=torch.float64)
    image, noise = problem.sample_data(1, seed=0), problem.sample_prior(1, schedule.t_max, seed=0)
    alpha, sigma = (level.reshape(-1, 1, 1, 1) for level in (schedule.alpha(t), schedule.sigma(t)))
    images = (alpha * image + sigma * noise / schedule.sigma(schedule.t_max)) / torch.hypot(alpha, sigma)
    return Noised(t.numpy(), schedule.log_snr(t).numpy(), images.float().numpy())


def _known(data: ImageData) -> ImageData:
    """The images themselves: for a network, those that it was trained on."""
    trained_on = IMAGE_DATA[data.name].trained_on
    return data.model_copy(update={"name": trained_on}) if trained_on else data


def _line(data: Data) -> tuple[GaussianMixture, str]:
    """The marginal of one coordinate, and what it is."""
    if data.kind == "toy":
        model = build_model(data)
        line = GaussianMixture(model.means[:, :1], model.covariances[:, 0, 0].sqrt(), model.weights)
        return line, message("first coordinate")
    known = _known(data)
    images: Tensor = build_model(known).points
    values = images[:, 0, images.shape[2] // 2, images.shape[3] // 2].double()
    levels, counts = values.unique(return_counts=True)
    what = message("middle pixel") if images.shape[1] == 1 else message("middle pixel (red)")
    return GaussianMixture(levels[:, None], PIXEL_WIDTH, counts.double()), what
