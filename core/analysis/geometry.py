"""The shape of a path: how it bends and twists, how straight it runs, how long it is, in how few dimensions it lies."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from core.problem import Problem, drift_coefficients
from core.solve import Run

FLOAT64 = 1e-12  # accuracy of float64 states as a share of their size: a solver's rounding adds up
DIFFERENCE = 1e-3  # in lambda: errors of 1e-6 from the cubic term, 1e-8 or so from rounding
STENCIL = 5  # points of the polynomial whose third derivative is taken: one more than needed makes it second order
TELLING = 0.1, 1e-3  # a torsion is told if it is known to a tenth of itself, or to a thousandth of 1 / |x|


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
    return torch.stack([_curvature(*state) for state in _flow_derivatives(problem, times, states)])


def flow_bends(problem: Problem, times: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    """Curvature and torsion of the probability-flow path through each state, each ``(S + 1, N)`` float64.

    The curvature is that of :func:`flow_curvature`. For the torsion, ``x'''`` is the second central difference of
    ``x'`` along the parabola that ``x'`` and ``x''`` make, which costs two evaluations more, five a state. It is NaN
    where rounding would decide it: where a particle rests or runs straight; see :func:`polyline_torsion`.

    Raises
    ------
    ValueError
        If there are not as many times as states, or the states have fewer than three dimensions.
    """
    _check_twists(states)
    curvatures, torsions = [], []
    for x, first, second, third, rounding in _flow_derivatives(problem, times, states, twist=True):
        curvatures.append(_curvature(x, first, second, third, rounding))
        size = x.norm(dim=1)
        rounding = rounding.maximum(1e-16 * size)  # also where x enters through the prediction alone
        errors = (rounding, rounding / DIFFERENCE, 4 * rounding / DIFFERENCE**2)
        torsions.append(_torsion(first, second, third, errors, size))
    return torch.stack(curvatures), torch.stack(torsions)


def _flow_derivatives(
    problem: Problem, times: Tensor, states: Tensor, twist: bool = False
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor]]:
    """For each state: x and its first three derivatives in lambda, each (N, D), and the rounding of the first, (N,).

    The third is None unless it is asked for by ``twist``.
    """
    if len(times) != len(states):
        raise ValueError(f"need a time for each state, got {len(times)} times and {len(states)} states")
    schedule = problem.schedule
    lam = schedule.log_snr(times)
    shifted = [schedule.time_of(lam + side * DIFFERENCE).tolist() for side in (-1, 1)]
    for x, t, before, after in zip(states.double(), times.tolist(), *shifted, strict=True):
        slope = _per_lambda(problem, x, t)
        step = DIFFERENCE * slope
        sides = _per_lambda(problem, x - step, before), _per_lambda(problem, x + step, after)
        bend = (sides[1] - sides[0]) / (2 * DIFFERENCE)
        third = None
        if twist:  # on a straight line the places would err by x'' / 2, which no second difference forgives
            sag = DIFFERENCE**2 / 2 * bend
            sides = _per_lambda(problem, x - step + sag, before), _per_lambda(problem, x + step + sag, after)
            third = ((sides[1] - slope) - (slope - sides[0])).flatten(1) / DIFFERENCE**2
        x, first, second = (part.flatten(1) for part in (x, slope, bend))
        yield x, first, second, third, 1e-16 * _kept_share(problem, t) * x.norm(dim=1)


def _curvature(x: Tensor, first: Tensor, second: Tensor, _: Tensor | None, rounding: Tensor) -> Tensor:
    """``|x'' normal to x'| / |x'|^2``, (N,): 0 for a particle at rest."""
    speed = first.square().sum(1)
    # the rounding of x' becomes that of x'' by division by DIFFERENCE: at most 0.1 % of 1 / |x| in the curvature
    still = speed <= rounding / (1e-3 * DIFFERENCE) * x.norm(dim=1)
    speed = torch.where(still, torch.ones_like(speed), speed)
    normal = second - first * ((second * first).sum(1) / speed)[:, None]
    return torch.where(still, torch.zeros_like(speed), normal.norm(dim=1) / speed)


def polyline_torsion(x: Tensor, accuracy: float = FLOAT64) -> Tensor:
    """Torsion of points along a path, ``(S + 1, N, *shape)`` to ``(S + 1, N)`` float64, in 1/length.

    How fast the plane in which the path bends turns about the path: with ``x'``, ``x''`` and ``x'''`` made
    perpendicular to each other in turn (Gram-Schmidt), ``|third| / (|first| |second|)``, the second generalised
    curvature of the Frenet frame. It has no sign: in more than three dimensions there is no hand to turn it by.

    At each state the polynomial of degree four through it and its neighbours, two on either side where there are as
    many, is differentiated, with the chord length as parameter. Only the places enter. Errors of ``accuracy`` of the
    distance from the origin are followed through to the result, which is NaN where they might decide it: where
    neither a tenth of the torsion nor a thousandth of one over the distance is known. A torsion that is no greater
    than its error is 0.

    Raises
    ------
    ValueError
        With fewer than five points or three dimensions: a plane curve has no torsion.
    """
    _check_twists(x)
    if len(x) < STENCIL:
        raise ValueError(f"torsion needs at least {STENCIL} points, got {len(x)}")
    x = x.double().flatten(2)
    reached = torch.cat([torch.zeros_like(x[:1, :, 0]), x.diff(dim=0).norm(dim=2).cumsum(0)])
    count = len(x)
    start = (torch.arange(count) - STENCIL // 2).clamp(0, count - STENCIL)
    near = start[:, None] + torch.arange(STENCIL)  # (S + 1, 5) the states that the polynomial of each goes through
    u = (reached[near] - reached[:, None]).movedim(1, 2)  # (S + 1, N, 5), zero at the state itself
    unit = u.abs().amax(dim=2, keepdim=True)
    still = unit == 0
    u = torch.where(still, torch.arange(float(STENCIL), dtype=u.dtype), u / torch.where(still, 1.0, unit))
    powers = u[..., None] ** torch.arange(STENCIL)
    resting = (u.diff(dim=2) <= 1e-9).any(dim=2)  # points that coincide have no polynomial through them
    powers = torch.where(resting[..., None, None], torch.eye(STENCIL, dtype=u.dtype), powers)
    weights = torch.linalg.inv(powers)[:, :, 1:4]  # derivatives at the state from the places, but for unit and k!
    scale = torch.tensor([1.0, 2.0, 6.0], dtype=u.dtype) / torch.where(still, 1.0, unit) ** torch.arange(1, 4)
    weights = weights * scale[..., None]
    size = x.norm(dim=2)[near].amax(dim=1)
    errors = weights.abs().sum(dim=3) * accuracy * size[..., None]
    rows = []
    for here, k, w, error, distance in zip(x, near, weights, errors, size, strict=True):
        derivatives = w @ (x[k].movedim(0, 1) - here[:, None])  # (N, 3, D)
        rows.append(_torsion(*derivatives.unbind(1), error.unbind(1), distance))
    return torch.where(resting | still[..., 0], torch.nan, torch.stack(rows))


def _check_twists(states: Tensor) -> None:
    if states[0, 0].numel() < 3:
        raise ValueError(f"torsion needs at least three dimensions, got {states[0, 0].numel()}")


def _torsion(
    first: Tensor, second: Tensor, third: Tensor, errors: tuple[Tensor, Tensor, Tensor], size: Tensor
) -> Tensor:
    """Torsion (N,) from derivatives (N, D) known to ``errors`` (N,) at distance ``size`` (N,): NaN where not told."""

    def along(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(1, keepdim=True)

    speed = first.norm(dim=1)
    tangent = first / speed[:, None]
    normal = second - along(second, tangent) * tangent
    bend = normal.norm(dim=1)
    normal = normal / bend[:, None]
    twist = third - along(third, tangent) * tangent
    lean = along(twist, normal)
    twist = (twist - lean * normal).norm(dim=1)
    torsion = twist / (speed * bend)
    tilt = errors[0] / speed  # angles by which the frame may be off
    roll = (errors[1] + tilt * second.norm(dim=1)) / bend
    off = errors[2] + tilt * third.norm(dim=1) + roll * lean[:, 0].abs()
    error = off / (speed * bend) + torsion * (tilt + roll)
    share, least = TELLING
    told = error <= torch.maximum(share * torsion, least / size)  # false for NaN, as of a particle at rest
    torsion = torch.where(torsion > error, torsion, torch.zeros_like(torsion))
    return torch.where(told, torsion, torch.nan)


def _kept_share(problem: Problem, t: float) -> float:
    """Size of the term of ``dx/dlambda`` that is a multiple of x, as a share of x."""
    level = problem.level(t)
    return abs(drift_coefficients(level, problem.preferred(level))[0] / level.d_lam)


def _per_lambda(problem: Problem, x: Tensor, t: float) -> Tensor:
    return problem.velocity(x, t) / problem.level(t).d_lam


def straightness(run: Run) -> Tensor:
    """How far from uniform straight motion: ``int_0^1 |(x_1 - x_0) - dx/ds|^2 ds``, ``(N,)`` float64, squared length.

    ``s`` is time scaled to [0, 1]; 0 means that one Euler step is exact. Between recorded states the motion is taken
    as uniform, which errs by O(1/S^2). Source: Liu et al. 2022 (arXiv 2209.03003), section 2.2.

    Raises
    ------
    ValueError
        If the run was not recorded.
    """
    x = _states(run, least=2).flatten(2)
    ds = (run.times.diff() / (run.times[-1] - run.times[0])).to(x.device)
    total = x[-1] - x[0]
    return (x.diff(dim=0).square().sum(2) / ds[:, None]).sum(0) - total.square().sum(1)


def turning_angle(run: Run) -> Tensor:
    """By how much each path turns in all, ``(N,)`` radians: the sum of the angles between its recorded chords.

    0 for a straight line; at most pi for each recorded state, so that a sharp bend counts as what it turns. A chord of
    no length turns nothing.

    Raises
    ------
    ValueError
        If the run was not recorded in at least two steps.
    """
    moved = _states(run, least=3).flatten(2).diff(dim=0)
    ahead, back = moved[1:], moved[:-1]
    size = ahead.norm(dim=2) * back.norm(dim=2)
    # of two unit vectors: stable for small angles, where the arc cosine loses half the digits
    a, b = ahead * back.norm(dim=2, keepdim=True), back * ahead.norm(dim=2, keepdim=True)
    angle = 2 * torch.atan2((a - b).norm(dim=2), (a + b).norm(dim=2))
    return torch.where(size > 0, angle, 0.0).sum(0)


def path_length(run: Run) -> Tensor:
    """Length of the recorded polyline, ``(N,)`` float64."""
    return _states(run, least=2).flatten(2).diff(dim=0).norm(dim=2).sum(0)


def length_over_chord(run: Run) -> Tensor:
    """Path length over the distance between its ends, ``(N,)`` float64: 1 for a straight path, NaN if the ends meet."""
    x = _states(run, least=2).flatten(2)
    chord = (x[-1] - x[0]).norm(dim=1)
    return path_length(run) / torch.where(chord > 0, chord, torch.full_like(chord, torch.nan))


def straightness_along(run: Run, every: int = 1) -> Tensor:
    """Where straightness is lost: the mean of its integrand over each ``every`` steps, ``(S / every, N)`` float64.

    Weighted by the shares of time that the stretches take, the values add up to :func:`straightness`.

    Raises
    ------
    ValueError
        If the run was not recorded, or its steps are no multiple of ``every``.
    """
    x = _states(run, least=2).flatten(2)
    if every < 1 or (len(x) - 1) % every:
        raise ValueError(f"{len(x) - 1} steps cannot be taken {every} at a time")
    ds = (run.times.diff() / (run.times[-1] - run.times[0])).to(x.device)[:, None]
    moved, total = x.diff(dim=0), x[-1] - x[0]
    off = torch.stack([(total - step / share).square().sum(1) for step, share in zip(moved, ds, strict=True)])
    return (off * ds).unflatten(0, (-1, every)).sum(1) / ds.unflatten(0, (-1, every)).sum(1)


class ChordFrame(NamedTuple):
    """Paths seen along their own chords, each ``(S + 1, N)`` float64, as shares of the length of the chord.

    ``along`` goes from 0 at the first state to 1 at the last; ``height`` is the deviation from the chord in the one
    direction in which it once is greatest, ``aside`` (not negative) that in all others.
    """

    along: Tensor
    height: Tensor
    aside: Tensor

    @property
    def deviation(self) -> Tensor:
        """Distance from the chord."""
        return torch.hypot(self.height, self.aside)


def chord_frame(x: Tensor, accuracy: float = FLOAT64) -> ChordFrame:
    """Each path in its own frame: its chord, and the perpendicular direction of its greatest deviation.

    Two paths of one shape and size ratio get the same coordinates, wherever they lie and point. A path that never
    leaves its chord by more than ten times ``accuracy`` of its distance from the origin counts as straight, with
    height 0. Where the ends meet there is no chord, and all is NaN.

    Parameters
    ----------
    x : (S + 1, N, *shape) states.
    accuracy : of the states, as a share of their distance from the origin.
    """
    x = x.double().flatten(2)
    moved = x - x[0]
    length = moved[-1].norm(dim=1)
    chord = moved[-1] / torch.where(length > 0, length, torch.nan)[:, None]
    along = (moved * chord).sum(2)
    off = moved - along[:, :, None] * chord
    off = off - (off * chord).sum(2)[:, :, None] * chord  # once more: the first leaves a share of the rounding of along
    distance = off.norm(dim=2)
    top = distance.argmax(dim=0)
    peak, who = distance.amax(dim=0), torch.arange(x.shape[1])
    bent = peak > 10 * accuracy * x.norm(dim=2).amax(dim=0)
    up = torch.where(bent[:, None], off[top, who] / peak[:, None], torch.zeros_like(chord))
    height = (off * up).sum(2)
    aside = torch.where(bent, (off - height[:, :, None] * up).norm(dim=2), torch.zeros_like(height))
    hidden = torch.where(length > 0, 0.0, torch.nan)
    return ChordFrame(along / length, height / length + hidden, aside / length + hidden)


def shape_spread(curves: Tensor) -> float:
    """How unlike curves are: their RMS spread about the mean curve, as a share of the RMS height of that; 0 if equal.

    ``curves`` are (S + 1, N); the spread is that of the population (N - 1 in the denominator), so that it does not
    grow with N. Curves that are not finite are left out; NaN with fewer than two, or if the mean curve is flat.
    """
    curves = curves[:, curves.isfinite().all(dim=0)]
    mean = curves.mean(dim=1, keepdim=True)
    height = mean.square().mean().sqrt()
    if curves.shape[1] < 2 or not height > 0:
        return float("nan")
    return float(((curves - mean).square().sum(1) / (curves.shape[1] - 1)).mean().sqrt() / height)


def principal_components(x: Tensor, count: int = 3) -> tuple[Tensor, Tensor]:
    """Each path in its own leading principal components; nothing but its mean is taken away before.

    Parameters
    ----------
    x : (S + 1, N, *shape) states.

    Returns
    -------
    coordinates : (S + 1, N, count) float64, centred on the path's mean. The first axis points from noise to data, each
        other to the state farthest along it.
    shares : (N, count) share of the path's variance along each (zero-padded).
    """
    x = x.double().flatten(2).movedim(1, 0)  # (N, S + 1, D)
    centred = x - x.mean(dim=1, keepdim=True)
    u, s, _ = torch.linalg.svd(centred, full_matrices=False)
    scores = u * s[:, None, :]
    farthest = scores.gather(1, scores.abs().argmax(dim=1, keepdim=True))[:, 0]
    farthest[:, 0] = scores[:, -1, 0] - scores[:, 0, 0]
    scores = scores * torch.where(farthest < 0, -1.0, 1.0)[:, None, :]
    energy = s.square()
    shares = energy / energy.sum(dim=1, keepdim=True).clamp(min=1e-300)
    pad = (0, max(0, count - shares.shape[1]))
    scores, shares = (torch.nn.functional.pad(part, pad)[..., :count] for part in (scores, shares))
    return scores.movedim(0, 1), shares


def principal_plane(x: Tensor) -> tuple[Tensor, Tensor]:
    """Two coordinates, (S + 1, N, 2), and three shares, (N, 3), of :func:`principal_components`."""
    coordinates, shares = principal_components(x)
    return coordinates[:, :, :2], shares


def _states(run: Run, least: int) -> Tensor:
    if run.states is None:
        raise ValueError("the run has no recorded states; solve with record=True")
    if len(run.states) < least:
        raise ValueError(f"the shape of a path needs at least {least - 1} steps, got {len(run.states) - 1}")
    return run.states.double()
