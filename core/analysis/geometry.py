"""The shape of a path: how it bends, how straight it runs, how long it is."""

import torch
from torch import Tensor

from core.problem import Problem, drift_coefficients
from core.solve import Run

FLOAT64 = 1e-12  # accuracy of float64 states as a share of their size: a solver's rounding adds up
DIFFERENCE = 1e-3  # in lambda: errors of 1e-6 from the cubic term, 1e-8 or so from rounding


def path_curvature(run: Run, accuracy: float | None = None) -> Tensor:
    """Curvature of the recorded path, ``(S + 1, N)`` float64: ``|x'' normal to x'| / |x'|^2``, in 1/length.

    At each state the parabola through it and its neighbours is differentiated, with the chord length as parameter; the
    two end states use the parabola of their neighbours. Only the places enter, not the times, so that re-timing a run
    leaves the result unchanged.

    Errors of size ``e`` in the states become errors ``4 e / h^2`` in the curvature of chords of length ``h``. A chord
    shorter than ``10 sqrt(accuracy)`` of the distance from the origin therefore tells nothing about the bend; such a
    particle is taken to be at rest, with curvature 0.

    Parameters
    ----------
    accuracy : of the states, as a share of their size; from their dtype if None: 1e-12 for float64, 1e-6 for float32.

    Raises
    ------
    ValueError
        If the run was not recorded or has fewer than two steps.
    """
    states = _states(run, least=3)
    known = max(FLOAT64, 8 * torch.finfo(run.states.dtype).eps)
    return polyline_curvature(states, known if accuracy is None else accuracy)


def polyline_curvature(x: Tensor, accuracy: float = FLOAT64) -> Tensor:
    """Curvature of points along a path, ``(S + 1, N, *shape)`` to ``(S + 1, N)``; see :func:`path_curvature`."""
    x = x.double().flatten(2)
    chords = x.diff(dim=0)
    lengths = chords.norm(dim=2, keepdim=True)
    size = x.norm(dim=2, keepdim=True)
    rest = 10 * accuracy**0.5 * torch.maximum(size[1:], size[:-1])
    moving = lengths > rest
    slopes = torch.where(moving, chords / torch.where(moving, lengths, 1.0), torch.zeros_like(chords))
    before, after = lengths[:-1], lengths[1:]
    both = torch.where(moving[:-1] & moving[1:], before + after, torch.ones_like(before))
    second = torch.where(moving[:-1] & moving[1:], 2 * (slopes[1:] - slopes[:-1]) / both, torch.zeros_like(slopes[1:]))
    middle = (slopes[:-1] * after + slopes[1:] * before) / both
    first = slopes[:1] - second[:1] * before[:1] / 2
    last = slopes[-1:] + second[-1:] * after[-1:] / 2
    tangent = torch.cat([first, middle, last])
    bend = torch.cat([second[:1], second, second[-1:]])
    speed = tangent.square().sum(2)
    still = speed == 0
    speed = torch.where(still, torch.ones_like(speed), speed)
    normal = bend - tangent * ((bend * tangent).sum(2) / speed)[:, :, None]
    return torch.where(still, torch.zeros_like(speed), normal.norm(dim=2) / speed)


def flow_curvature(problem: Problem, times: Tensor, states: Tensor) -> Tensor:
    """Curvature of the probability-flow path through each state, from the field itself, ``(S + 1, N)`` float64.

    ``x' = dx/dlambda`` is asked of the model, and ``x''`` is its central difference along the path, so that a particle
    that hardly moves has a well-defined bend too (the states alone cannot tell it from rounding). Where the two terms
    of the field cancel so far that rounding would decide the bend, the particle is taken to be at rest, with curvature
    0. Costs three evaluations a state; meant for exact models, since a learned score is rough on the scale of the
    difference.

    Parameters
    ----------
    problem : model and schedule.
    times : (S + 1,) float64.
    states : (S + 1, N, *shape), states of the probability-flow ODE at those times.

    Raises
    ------
    ValueError
        If there are not as many times as states.
    """
    if len(times) != len(states):
        raise ValueError(f"need a time for each state, got {len(times)} times and {len(states)} states")
    schedule, rows = problem.schedule, []
    lam = schedule.log_snr(times)
    shifted = [schedule.time_of(lam + side * DIFFERENCE).tolist() for side in (-1, 1)]
    for x, t, before, after in zip(states.double(), times.tolist(), *shifted, strict=True):
        slope = _per_lambda(problem, x, t)
        step = DIFFERENCE * slope
        bend = (_per_lambda(problem, x + step, after) - _per_lambda(problem, x - step, before)) / (2 * DIFFERENCE)
        tangent, bend = slope.flatten(1), bend.flatten(1)
        speed = tangent.square().sum(1)
        # rounding of the terms, 1e-16 keep |x|, becomes 1e-16 keep |x| / DIFFERENCE in x'': at most 0.1 % of 1 / |x|
        still = speed <= 1e-16 / (1e-3 * DIFFERENCE) * _kept_share(problem, t) * x.flatten(1).square().sum(1)
        speed = torch.where(still, torch.ones_like(speed), speed)
        normal = bend - tangent * ((bend * tangent).sum(1) / speed)[:, None]
        rows.append(torch.where(still, torch.zeros_like(speed), normal.norm(dim=1) / speed))
    return torch.stack(rows)


def _kept_share(problem: Problem, t: float) -> float:
    """Size of the term of ``dx/dlambda`` that is a multiple of x, as a share of x."""
    level = problem.level(t)
    return abs(drift_coefficients(level, problem.preferred(level))[0] / level.d_lam)


def _per_lambda(problem: Problem, x: Tensor, t: float) -> Tensor:
    return problem.velocity(x, t) / problem.level(t).d_lam


def straightness(run: Run) -> Tensor:
    """How far from uniform straight motion: ``int_0^1 |(x_1 - x_0) - dx/ds|^2 ds``, ``(N,)`` float64, squared length.

    ``s`` is time scaled to [0, 1]; 0 means that one Euler step is exact. Between recorded states the motion is taken
    as uniform, which errs by O(1/S^2). Source: Liu et al. 2022 (arXiv 2209.03003), eq. 6.

    Raises
    ------
    ValueError
        If the run was not recorded.
    """
    x = _states(run, least=2).flatten(2)
    ds = (run.times.diff() / (run.times[-1] - run.times[0])).to(x.device)
    total = x[-1] - x[0]
    return (x.diff(dim=0).square().sum(2) / ds[:, None]).sum(0) - total.square().sum(1)


def path_length(run: Run) -> Tensor:
    """Length of the recorded polyline, ``(N,)`` float64."""
    return _states(run, least=2).flatten(2).diff(dim=0).norm(dim=2).sum(0)


def length_over_chord(run: Run) -> Tensor:
    """Path length over the distance between its ends, ``(N,)`` float64: 1 for a straight path, NaN if the ends meet."""
    x = _states(run, least=2).flatten(2)
    chord = (x[-1] - x[0]).norm(dim=1)
    return path_length(run) / torch.where(chord > 0, chord, torch.full_like(chord, torch.nan))


def principal_plane(x: Tensor) -> tuple[Tensor, Tensor]:
    """Each path in its own two leading principal components.

    Parameters
    ----------
    x : (S + 1, N, *shape) states.

    Returns
    -------
    coordinates : (S + 1, N, 2) float64, centred on the path's mean; the first axis points from noise to data.
    shares : (N, 3) share of the path's variance along its first three components (zero-padded).
    """
    x = x.double().flatten(2).movedim(1, 0)  # (N, S + 1, D)
    centred = x - x.mean(dim=1, keepdim=True)
    u, s, _ = torch.linalg.svd(centred, full_matrices=False)
    scores = u * s[:, None, :]
    flip = torch.where(scores[:, -1] < scores[:, 0], -1.0, 1.0)
    scores = scores * flip[:, None, :]
    energy = s.square()
    shares = energy / energy.sum(dim=1, keepdim=True).clamp(min=1e-300)
    pad = max(0, 3 - shares.shape[1])
    shares = torch.nn.functional.pad(shares, (0, pad))[:, :3]
    scores = torch.nn.functional.pad(scores, (0, max(0, 2 - scores.shape[2])))[:, :, :2]
    return scores.movedim(0, 1), shares


def _states(run: Run, least: int) -> Tensor:
    if run.states is None:
        raise ValueError("the run has no recorded states; solve with record=True")
    if len(run.states) < least:
        raise ValueError(f"the shape of a path needs at least {least - 1} steps, got {len(run.states) - 1}")
    return run.states.double()
