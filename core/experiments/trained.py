"""Grids made for a problem, kept: experiments with the same problem share one training."""

from collections.abc import Callable, Hashable

from torch import Tensor

from core.analysis.optimal_grids import MOST_TRAINED, make_optimised, train_on
from core.analysis.optimal_grids.knots import resampled
from core.experiments.kept import Kept
from core.experiments.specification import Data
from core.problem import Problem

PARTICLES = {"toy": 128, "images": 16}  # to train on, where nobody chooses
APART = 7919  # between the seed of a run and that of the particles that its grid is trained on

_grids: Kept[Tensor] = Kept(2_000_000)

Report = Callable[[float, str], None]


def training_seed(seed: int) -> int:
    """The seed of the training particles for a run with ``seed``: always another."""
    return (seed + APART) % 2**31


def trained_times(
    problem: Problem,
    data: Data,
    name: str,
    options: dict[str, Hashable],
    steps: int,
    ends: tuple[float | None, float | None],
    particles: int,
    seed: int,
    reference: Callable[[Tensor, Tensor], Tensor],
    report: Report,
    stop: Callable[[], bool],
) -> Tensor:
    """Times of a grid of ``OPTIMISED`` trained on ``particles`` drawn with ``seed``: (steps + 1,) float64.

    ``reference(times, x)`` gives the exact ends. Raises as :func:`core.analysis.optimal_grids.make_optimised` does.
    """
    fitted = min(steps, MOST_TRAINED)
    key = (data, problem.schedule, name, tuple(sorted(options.items())), fitted, ends, particles, seed)
    times = _grids.get(key)
    if times is None:
        training = train_on(problem, particles, seed, *ends, end=reference, report=report, stop=stop)
        times = make_optimised(name, training, fitted, **options)
        _grids.put(key, times, 500 + times.nbytes)
    return times.clone() if steps == fitted else resampled(problem.schedule, times, steps)
