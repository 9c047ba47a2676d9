"""A distance with what it takes to read it: an interval, and the noise floor of exact samples."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.analysis.distances.registry import DISTANCES, Distance
from core.language import message
from core.noise import generator
from core.problem import Problem
from core.solve import Cancelled, Progress

REPEATS = 10
LEVEL = 0.95
FEWEST = 10  # particles

Cancel = Callable[[], bool]


@dataclass(frozen=True)
class Measured:
    """A number and the interval around it.

    Attributes
    ----------
    name : of the distance.
    value : NaN where the sample allows none.
    low, high : 95 % interval; what it covers is said by the function that made it.
    values : the repeats that it was made from.
    p_value : probability of such a value for exact samples, where its law is known; else NaN.
    message : why there is no value; empty where there is one.
    drawn : the bootstrap values that the interval was made from.
    """

    name: str
    value: float
    low: float
    high: float
    values: tuple[float, ...]
    p_value: float = math.nan
    message: str = ""
    drawn: tuple[float, ...] = ()

    def above(self, other: "Measured") -> tuple[float, float, float]:
        """By how much this lies above another, with a 95 % interval: ``(difference, low, high)``.

        Both must be of equally many particles and one seed: then every draw takes the same particles and the same
        exact samples on both sides, and what is chance for both cancels.
        """
        apart = np.subtract(self.drawn, other.drawn)
        half = _student(len(apart) - 1) * float(np.std(apart, ddof=1)) if len(apart) > 1 else math.nan
        difference = self.value - other.value
        return difference, difference - half, difference + half


def measure_distance(
    name: str,
    samples: Tensor,
    problem: Problem,
    t: float,
    seed: int = 0,
    repeats: int = REPEATS,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Measured:
    """Distance of particles at time t from the exact distribution there, with a 95 % interval for the expected value.

    The value is the mean over ``repeats`` fresh exact samples. Its interval answers "what would this sampler give on
    average with as many particles": Student's t with the spread of ``repeats`` bootstrap values, in each of which the
    particles are drawn with replacement and compared with another exact sample, so that the chance of both sides is in
    it. Only the spread is used and not the level, because particles drawn twice push every distance up. A distance
    that asks for no exact samples is computed once, and only the particles' chance enters.

    Parameters
    ----------
    name : a key of ``DISTANCES``.
    samples : (N, *shape), at least 10. Numbers that are not finite give a NaN result with a message.
    problem, t : the exact distribution is that of the problem at t, the end time of the run.
    seed : of exact samples and draws; the particles' own seed does not matter.
    repeats : at least 2.
    progress, cancel : as for :func:`core.solve.solve`, over the evaluations of the distance.

    Raises
    ------
    ValueError
        On an unknown name, particles of a wrong shape, fewer than 10 or more than the distance affords, fewer than 2
        repeats, or a problem without what the distance needs.
    Cancelled
        When ``cancel`` says so.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 12.
    """
    distance = DISTANCES[name]
    x = checked_samples(samples, problem, distance)
    _check_repeats(repeats)
    bad = int((~torch.isfinite(x)).any(dim=1).sum())
    if bad:
        told = message("{bad} of {all} particles are not finite: there is no distance", bad=bad, all=len(x))
        return Measured(name, math.nan, math.nan, math.nan, (), message=told)
    n, rounds = len(x), repeats if distance.fresh else 1
    tick = _ticks(rounds + repeats, progress, cancel)
    values = []
    for r in range(rounds):
        next(tick)
        exact = exact_sample(problem, n, t, seed, "against", r) if distance.fresh else x
        values.append(distance.function(x, exact, problem, t))
    draws = generator(seed, "resampled")
    drawn = []
    for r in range(repeats):
        next(tick)
        exact = exact_sample(problem, n, t, seed, "against", r) if distance.fresh else x
        drawn.append(distance.function(x[torch.from_numpy(draws.integers(n, size=n))], exact, problem, t))
    next(tick)
    value = float(np.mean(values))
    # the chance of one exact sample, where the value averages over several: on the safe side
    half = _student(repeats - 1) * float(np.std(drawn, ddof=1))
    p_value = distance.p_value(value, n, problem) if distance.p_value else math.nan
    return Measured(name, value, *_around(value, half, distance), tuple(values), p_value, drawn=tuple(drawn))


def noise_floor(
    name: str,
    problem: Problem,
    t: float,
    n: int,
    seed: int = 0,
    repeats: int = REPEATS,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Measured:
    """The same distance between two fresh exact samples of n particles: its mean, and where one such value lies.

    The interval is a prediction interval: another pair of exact samples falls into it with 95 % (Student's t over the
    repeats). A sampler whose value lies inside cannot be told from exact sampling with this distance at this n.
    For the negative log-likelihood the mean is the entropy of the exact density.

    Parameters and errors as for :func:`measure_distance`.
    """
    distance = DISTANCES[name]
    _check_repeats(repeats)
    check_count(n, distance)
    tick = _ticks(repeats, progress, cancel)
    values = []
    for r in range(repeats):
        next(tick)
        one = exact_sample(problem, n, t, seed, "floor", r)
        other = exact_sample(problem, n, t, seed, "floor-other", r) if distance.fresh else one
        values.append(distance.function(one, other, problem, t))
    next(tick)
    mean = float(np.mean(values))
    half = _student(repeats - 1) * float(np.std(values, ddof=1)) * math.sqrt(1 + 1 / repeats)
    return Measured(name, mean, *_around(mean, half, distance), tuple(values))


def exact_sample(problem: Problem, n: int, t: float, seed: int, *stream: str | int) -> Tensor:
    """``n`` exact particles at time t, (n, D) float64, of a stream of their own."""
    own = int(generator(seed, "distance", *stream).integers(1 << 62))
    return problem.sample_marginal(n, t, own).flatten(1)


def checked_samples(samples: Tensor, problem: Problem, distance: Distance) -> Tensor:
    """Particles as (N, D) float64 on the CPU; errors as for :func:`measure_distance`."""
    if not isinstance(samples, Tensor) or tuple(samples.shape[1:]) != tuple(problem.model.shape):
        shape = tuple(samples.shape) if isinstance(samples, Tensor) else type(samples).__name__
        raise ValueError(f"samples must have shape (N, {', '.join(map(str, problem.model.shape))}), got {shape}")
    check_count(len(samples), distance)
    return samples.detach().to("cpu", torch.float64).flatten(1)


def check_count(n: int, distance: Distance) -> None:
    """Raise ValueError where a distance does not take so many particles."""
    if not FEWEST <= n <= distance.most:
        raise ValueError(
            message(
                "{distance} takes {fewest} to {most} particles, got {count}",
                distance=message(distance.title),
                fewest=FEWEST,
                most=distance.most,
                count=n,
            )
        )


def _check_repeats(repeats: int) -> None:
    if repeats < 2:
        raise ValueError(f"an interval needs at least 2 repeats, got {repeats}")


def _ticks(total: int, progress: Progress | None, cancel: Cancel | None) -> Iterator[None]:
    """Before each of ``total`` evaluations, and once after the last: report what is done, and stop if told to."""
    for done in range(total + 1):
        if progress is not None and done:
            progress(done, total)
        if done < total and cancel is not None and cancel():
            raise Cancelled(f"cancelled after {done} of {total} distances")
        yield


def _around(value: float, half: float, distance: Distance) -> tuple[float, float]:
    low = value - half
    return low if distance.signed else max(low, 0.0), value + half


def _student(freedom: int) -> float:
    from scipy import stats  # a third of a second to import, which a first picture need not wait for

    return float(stats.t.ppf((1 + LEVEL) / 2, freedom))
