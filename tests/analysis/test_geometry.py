"""The shape of paths, against curves and Gaussian flows whose shape is known."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from core.analysis import (
    chord_frame,
    flow_bends,
    flow_curvature,
    length_over_chord,
    path_curvature,
    path_length,
    polyline_curvature,
    polyline_torsion,
    principal_components,
    principal_plane,
    shape_spread,
    straightness,
    straightness_along,
    turning_angle,
)
from core.grids import make_grid
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import Run, solve
from tests.solvers.exact import DiagonalGaussian, three_mode_problem

MODEL = DiagonalGaussian([0.6, -0.3], [0.04, 2.5])


def as_run(states: torch.Tensor, times: torch.Tensor | None = None) -> Run:
    if times is None:
        times = torch.linspace(1, 0, len(states), dtype=torch.float64)
    return Run("", times, states, None, 0, 0.0, times, len(states) - 1, states[-1])


def points(curve, parameters: torch.Tensor) -> torch.Tensor:
    """States (S + 1, 1, 2) of one particle along a plane curve."""
    return torch.stack(curve(parameters), dim=1)[:, None, :]


def ellipse(a: float, b: float):
    return lambda s: (a * torch.cos(s), b * torch.sin(s))


class TestCurvatureOfCurves:
    @pytest.mark.parametrize("radius", [0.01, 1.0, 300.0])
    def test_circle(self, radius):
        s = torch.linspace(0.3, 2.9, 400, dtype=torch.float64)
        curvature = path_curvature(as_run(points(ellipse(radius, radius), s)))
        assert curvature.shape == (400, 1)
        assert curvature.dtype == torch.float64
        torch.testing.assert_close(curvature, torch.full_like(curvature, 1 / radius), rtol=1e-4, atol=0)

    def test_ellipse_with_error_of_second_order(self):
        a, b = 3.0, 0.7
        errors = []
        for count in (200, 400, 800):
            s = torch.linspace(0.1, 3.0, count + 1, dtype=torch.float64)
            exact = a * b / (a**2 * s.sin() ** 2 + b**2 * s.cos() ** 2) ** 1.5
            curvature = path_curvature(as_run(points(ellipse(a, b), s)))[:, 0]
            errors.append(float((curvature / exact - 1)[1:-1].abs().max()))
        assert errors[-1] < 1e-3
        slopes = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
        assert slopes == pytest.approx([2, 2], abs=0.15)

    def test_how_fast_the_path_is_run_does_not_matter(self):
        even = torch.linspace(0, 1, 2001, dtype=torch.float64)
        uneven = even + 0.3 * torch.sin(math.pi * even) / math.pi  # speeds from 0.7 to 1.3 of the mean
        uneven = uneven / uneven[-1]
        a, b = 2.0, 0.5
        for s in (2.5 * even, 2.5 * uneven):
            exact = a * b / (a**2 * s.sin() ** 2 + b**2 * s.cos() ** 2) ** 1.5
            curvature = path_curvature(as_run(points(ellipse(a, b), s)))[:, 0]
            torch.testing.assert_close(curvature[1:-1], exact[1:-1], rtol=2e-3, atol=0)

    def test_only_places_enter(self):
        states = points(ellipse(2.0, 1.0), torch.linspace(0, 2, 50, dtype=torch.float64))
        run = as_run(states)
        assert torch.equal(path_curvature(run), path_curvature(replace(run, times=run.times**3)))

    def test_a_straight_line_has_none_and_so_has_a_particle_at_rest(self):
        line = torch.linspace(0, 1, 30, dtype=torch.float64)[:, None, None] * torch.tensor([[3.0, 4.0]])
        assert float(path_curvature(as_run(line.double())).abs().max()) < 1e-10
        rest = torch.ones(30, 1, 2, dtype=torch.float64)
        assert float(path_curvature(as_run(rest)).abs().max()) == 0.0
        jitter = rest + 1e-13 * torch.sin(1000 * torch.arange(60, dtype=torch.float64)).reshape(30, 1, 2)
        assert float(path_curvature(as_run(jitter)).abs().max()) == 0.0

    def test_it_turns_and_scales_as_a_curvature_does(self):
        states = points(ellipse(2.0, 1.0), torch.linspace(0, 2, 80, dtype=torch.float64))
        turn = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]
        embedded = torch.nn.functional.pad(states, (0, 3)) @ turn.T
        torch.testing.assert_close(polyline_curvature(embedded), polyline_curvature(states), rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(polyline_curvature(4 * states), polyline_curvature(states) / 4)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_images_and_low_precision(self, dtype):
        s = torch.linspace(0.3, 2.9, 12, dtype=torch.float64)
        states = torch.zeros(12, 2, 1, 4, 4, dtype=torch.float64)
        states[:, :, 0, 0, 0], states[:, :, 0, 2, 3] = 2 * s.cos()[:, None], 2 * s.sin()[:, None]
        curvature = path_curvature(as_run(states.to(dtype)))
        assert curvature.shape == (12, 2)
        if dtype == torch.float32:
            torch.testing.assert_close(curvature, torch.full_like(curvature, 0.5), rtol=0.1, atol=0)


class GaussianPath:
    """Exact path of one particle under the probability flow of ``MODEL`` and its first two derivatives in t."""

    def __init__(self, name: str, t_start: float, t_end: float, x: torch.Tensor):
        self.schedule, self.t_start, self.t_end, self.x = make_schedule(name), t_start, t_end, x

    def at(self, t: torch.Tensor) -> torch.Tensor:
        """(T,) times to (T, 2) places, written out so that it can be differentiated."""
        alpha, sigma = self.levels(t)
        a, s = self.levels(torch.tensor(self.t_start, dtype=torch.float64))
        spread = (alpha[..., None] ** 2 * MODEL.variance + sigma[..., None] ** 2).sqrt()
        first = (a**2 * MODEL.variance + s**2).sqrt()
        return alpha[..., None] * MODEL.mean + spread / first * (self.x - a * MODEL.mean)

    def levels(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.schedule.alpha(t), self.schedule.sigma(t)

    def derivatives(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Velocity and acceleration at (T,) times, each (T, 2)."""
        t = t.clone().requires_grad_()
        place = self.at(t)
        velocity = [torch.autograd.grad(place[:, d].sum(), t, create_graph=True)[0] for d in range(2)]
        acceleration = [torch.autograd.grad(v.sum(), t, retain_graph=True)[0] for v in velocity]
        return torch.stack(velocity, 1).detach(), torch.stack(acceleration, 1)

    def curvature(self, t: torch.Tensor) -> torch.Tensor:
        v, a = self.derivatives(t)
        return (v[:, 0] * a[:, 1] - v[:, 1] * a[:, 0]).abs() / v.norm(dim=1) ** 3

    def integral(self, integrand) -> float:
        """Over time, by Gauss-Legendre quadrature; the integrand maps velocities (T, 2) to (T,)."""
        nodes, weights = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(400))
        half = (self.t_start - self.t_end) / 2
        velocity, _ = self.derivatives(self.t_end + half * (nodes + 1))
        return float((half * weights * integrand(velocity)).sum())

    def length(self) -> float:
        return self.integral(lambda velocity: velocity.norm(dim=1))

    def straightness(self) -> float:
        ends = self.at(torch.tensor([self.t_start, self.t_end], dtype=torch.float64))
        total, span = ends[1] - ends[0], self.t_end - self.t_start
        return self.integral(lambda velocity: (total - span * velocity).square().sum(1)) / abs(span)


@pytest.mark.parametrize("name", ["edm", "flow", "vp-linear"])
class TestGaussianFlow:
    @pytest.fixture
    def case(self, name):
        schedule = make_schedule(name)
        t_start, t_end = (float(schedule.time_of(lam)) for lam in (-2.0, 2.5))
        times = make_grid("uniform-lambda", schedule, 1000, t_start, t_end)
        problem = Problem(MODEL, schedule)
        x = problem.sample_prior(3, t_start, 5)
        run = solve(problem, "rk4", times, x)
        return run, [GaussianPath(name, t_start, t_end, particle) for particle in x]

    def test_curvature(self, case):
        run, paths = case
        curvature = path_curvature(run)
        assert curvature.shape == (1001, 3)
        for i, path in enumerate(paths):
            exact = path.curvature(run.times)
            torch.testing.assert_close(curvature[1:-1, i], exact[1:-1], rtol=2e-3, atol=2e-3 * float(exact.mean()))

    def test_curvature_of_the_field_over_the_whole_range(self, name):
        """Also where a particle hardly moves, as at the noise end of vp-linear, and the states tell nothing."""
        schedule = make_schedule(name)
        problem, times = Problem(MODEL, schedule), make_grid("uniform-lambda", schedule, 60)
        x = problem.sample_prior(3, schedule.t_max, 5)
        paths = [GaussianPath(name, schedule.t_max, schedule.t_min, particle) for particle in x]
        states = torch.stack([path.at(times) for path in paths], dim=1).detach()
        curvature = flow_curvature(problem, times, states)
        assert curvature.shape == (61, 3)
        for i, path in enumerate(paths):
            torch.testing.assert_close(curvature[:, i], path.curvature(times), rtol=1e-4, atol=1e-9)

    def test_straightness_and_length(self, case):
        run, paths = case
        chords = (run.states[-1] - run.states[0]).norm(dim=1)
        for i, path in enumerate(paths):
            assert float(straightness(run)[i]) == pytest.approx(path.straightness(), rel=1e-4)
            assert float(path_length(run)[i]) == pytest.approx(path.length(), rel=1e-5)
            assert float(length_over_chord(run)[i]) == pytest.approx(path.length() / float(chords[i]), rel=1e-5)

    def test_re_timing_a_run_keeps_its_curvature(self, case, name):
        """Other steps, other stops, same path: the curvature at the same place is the same."""
        run, _ = case
        schedule = make_schedule(name)
        other = make_grid("karras", schedule, 800, float(run.times[0]), float(run.times[-1]))
        again = solve(Problem(MODEL, schedule), "rk4", other, run.states[0])
        positions, values = schedule.log_snr(run.times), path_curvature(run)
        for step in (60, 350, 700):
            lam = float(schedule.log_snr(other[step]))
            left = int(torch.searchsorted(positions, lam)) - 1
            share = (lam - float(positions[left])) / float(positions[left + 1] - positions[left])
            expected = torch.lerp(values[left], values[left + 1], share)
            torch.testing.assert_close(path_curvature(again)[step], expected, rtol=5e-3, atol=1e-9)


def test_known_straightness_of_rectified_flow():
    """Unit noise, data N(0, 0.49), from t = 1 to 0: 0.3004 for a particle that starts at distance 1."""
    model = DiagonalGaussian([0.0], [0.49])
    t = torch.linspace(1, 0, 20_001, dtype=torch.float64)
    x = ((1 - t) ** 2 * model.variance + t**2).sqrt()
    assert float(straightness(as_run(x[:, None, None], t))) == pytest.approx(0.3004, abs=5e-5)


def test_uniform_motion_is_straight_and_stops_are_not():
    u = torch.linspace(0, 1, 11, dtype=torch.float64)
    line = u[:, None, None] * torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    assert float(straightness(as_run(line))) == pytest.approx(0, abs=1e-12)
    assert float(length_over_chord(as_run(line))) == pytest.approx(1)
    eased = (u**2)[:, None, None] * torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    fine = torch.linspace(0, 1, 4001, dtype=torch.float64)
    eased = (fine**2)[:, None, None] * torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    # dx/ds = 2 s total: int (1 - 2 s)^2 ds = 1/3 of the squared chord, 25
    assert float(straightness(as_run(eased))) == pytest.approx(25 / 3, rel=1e-6)
    assert float(length_over_chord(as_run(eased))) == pytest.approx(1)


def test_a_path_that_returns_has_no_ratio():
    there_and_back = torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]], [[0.0, 0.0]]])
    assert float(path_length(as_run(there_and_back))) == 2.0
    assert math.isnan(float(length_over_chord(as_run(there_and_back))))


def turned(states: torch.Tensor, dimensions: int) -> torch.Tensor:
    """States (S, N, d) in more dimensions, turned about at random."""
    rng = torch.Generator().manual_seed(dimensions)
    turn = torch.linalg.qr(torch.randn(dimensions, dimensions, dtype=torch.float64, generator=rng))[0]
    return torch.nn.functional.pad(states, (0, dimensions - states.shape[2])) @ turn.T


def helix(radius: float, climb: float, s: torch.Tensor) -> torch.Tensor:
    """States (S, 1, 3): curvature ``r / (r^2 + c^2)``, torsion ``c / (r^2 + c^2)`` for radius r and climb c."""
    return torch.stack([radius * s.cos(), radius * s.sin(), climb * s], dim=1)[:, None]


class TestTorsion:
    @pytest.mark.parametrize("dimensions", [3, 4, 50])
    @pytest.mark.parametrize(("radius", "climb"), [(1.0, 0.5), (200.0, 300.0), (0.3, 0.01), (0.3, -0.2)])
    def test_helix(self, radius, climb, dimensions):
        states = turned(helix(radius, climb, torch.linspace(0, 4, 201, dtype=torch.float64)), dimensions)
        square = radius**2 + climb**2
        torsion, curvature = polyline_torsion(states), polyline_curvature(states)
        assert torsion.shape == (201, 1)
        torch.testing.assert_close(torsion, torch.full_like(torsion, abs(climb) / square), rtol=2e-3, atol=0)
        torch.testing.assert_close(curvature, torch.full_like(curvature, radius / square), rtol=2e-3, atol=0)

    def test_uneven_steps_on_a_twisted_cubic_with_error_of_second_order(self):
        """(s, s^2, s^3) has torsion ``3 / (9 s^4 + 9 s^2 + 1)``."""
        errors = []
        for count in (40, 80, 160):
            even = torch.linspace(0, 1, count + 1, dtype=torch.float64)
            s = 0.1 + even + 0.2 * torch.sin(2 * math.pi * even) / math.pi  # steps that differ by up to 2.3
            exact = 3 / (9 * s**4 + 9 * s**2 + 1)
            torsion = polyline_torsion(turned(torch.stack([s, s**2, s**3], dim=1)[:, None], 7))[:, 0]
            errors.append(float((torsion / exact - 1).abs()[2:-2].max()))
        assert errors[-1] < 2e-3
        assert [math.log2(coarse / fine) for coarse, fine in pairwise(errors)] == pytest.approx([2, 2], abs=0.3)

    def test_a_plane_curve_has_none_and_none_is_made_of_noise(self):
        s = torch.linspace(0.3, 2.9, 100, dtype=torch.float64)
        arc = turned(points(ellipse(2.0, 1.0), s), 10)
        assert float(polyline_torsion(arc).max()) < 1e-3
        noise = torch.randn(arc.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        for accuracy in (1e-4, 1e-6, 1e-9):
            blurred = arc * (1 + accuracy * noise.clamp(-1, 1) / 2)
            told = polyline_torsion(blurred, accuracy)
            told = told[told.isfinite()]
            assert told.numel() > 90 if accuracy == 1e-9 else told.numel() == 0
            assert (told < 1e-3).all()

    @pytest.mark.parametrize("accuracy", [1e-7, 1e-5, 1e-4, 1e-3])
    def test_what_is_told_of_blurred_states_is_right_to_a_tenth(self, accuracy):
        states = turned(helix(1.0, 0.7, torch.linspace(0, 6, 61, dtype=torch.float64)), 6)
        noise = torch.rand(states.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 0.5
        blurred = states + accuracy * states.norm(dim=2, keepdim=True) * noise
        torsion, exact = polyline_torsion(blurred, accuracy), 0.7 / 1.49
        told = torsion[torsion.isfinite()]
        torch.testing.assert_close(told, torch.full_like(told, exact), rtol=0.12, atol=0)
        assert told.numel() == {1e-7: 61, 1e-3: 0}.get(accuracy, told.numel())

    def test_no_torsion_of_lines_rest_and_pauses(self):
        s = torch.linspace(0, 1, 30, dtype=torch.float64)
        line = s[:, None, None] * torch.tensor([[3.0, 4.0, 1.0]], dtype=torch.float64)
        assert polyline_torsion(line).isnan().all()
        assert polyline_torsion(torch.ones(30, 2, 3)).isnan().all()
        paused = helix(1.0, 1.0, torch.cat([s[:10], s[10].expand(10), s[10:]]))
        torsion = polyline_torsion(paused)
        assert torsion[9:21].isnan().all()
        torch.testing.assert_close(torsion[:8], torch.full((8, 1), 0.5, dtype=torch.float64), rtol=1e-2, atol=0)

    def test_it_scales_as_one_over_length(self):
        states = turned(helix(1.0, 0.5, torch.linspace(0, 4, 50, dtype=torch.float64)), 5)
        torch.testing.assert_close(polyline_torsion(4 * states), polyline_torsion(states) / 4)

    def test_too_few_dimensions_or_points(self):
        problem = three_mode_problem(make_schedule("vp-linear"))
        plane = torch.zeros(8, 1, 2, dtype=torch.float64)
        for ask in (polyline_torsion, lambda x: flow_bends(problem, torch.linspace(0.9, 0.1, 8), x)):
            with pytest.raises(ValueError, match="at least three dimensions, got 2"):
                ask(plane)
        with pytest.raises(ValueError, match="at least 5 points, got 4"):
            polyline_torsion(torch.zeros(4, 1, 3))


SPREAD_OUT = DiagonalGaussian([0.6, -0.3, 0.2, 1.0], [0.04, 2.5, 0.5, 0.01])


@pytest.mark.parametrize("name", ["edm", "flow", "vp-linear"])
class TestTorsionOfAGaussianFlow:
    def exact(self, name: str, lam: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Places and torsion (T, N) of the paths that start at x (N, 4) at the first of the times."""
        schedule, lam = make_schedule(name), lam.clone().requires_grad_()
        t = schedule.time_of(lam)
        alpha, sigma = schedule.alpha(t)[:, None], schedule.sigma(t)[:, None]
        parts = torch.cat([alpha, (alpha**2 * SPREAD_OUT.variance + sigma**2).sqrt()], dim=1)  # (T, 5)
        z = (x - parts[0, 0] * SPREAD_OUT.mean) / parts[0, 1:]

        def states(parts: torch.Tensor) -> torch.Tensor:
            return (parts[:, :1] * SPREAD_OUT.mean)[:, None] + parts[:, None, 1:] * z

        derivatives = [parts]
        for _ in range(3):
            columns = derivatives[-1].unbind(1)
            rates = [
                torch.autograd.grad(column.sum(), lam, retain_graph=True, create_graph=True)[0] for column in columns
            ]
            derivatives.append(torch.stack(rates, dim=1))
        frames = torch.stack([states(d) for d in derivatives[1:]], dim=3)  # (T, N, 4, 3)
        corners = torch.linalg.qr(frames).R.diagonal(dim1=2, dim2=3).abs()
        return states(parts).detach(), (corners[..., 2] / (corners[..., 0] * corners[..., 1])).detach()

    def test_torsion(self, name):
        schedule = make_schedule(name)
        problem = Problem(SPREAD_OUT, schedule)
        lam = torch.linspace(-3.0, 4.0, 281, dtype=torch.float64)
        x = problem.sample_prior(3, float(schedule.time_of(lam[0])), 5)
        states, exact = self.exact(name, lam, x)
        curvature, torsion = flow_bends(problem, schedule.time_of(lam[::4]), states[::4])
        torch.testing.assert_close(torsion, exact[::4], rtol=1e-3, atol=0)
        assert torch.equal(curvature, flow_curvature(problem, schedule.time_of(lam[::4]), states[::4]))
        told = polyline_torsion(states, 1e-13)
        known = told[5:-5].isfinite()
        assert float(known.double().mean()) > 0.5
        torch.testing.assert_close(told[5:-5][known], exact[5:-5][known], rtol=0.1, atol=0)


class TestPrincipalPlane:
    def test_a_plane_curve_keeps_its_shape(self):
        s = torch.linspace(0.2, 2.0, 60, dtype=torch.float64)
        plane = torch.stack([3 * s, torch.sin(2 * s)], dim=1)
        turn = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))[0]
        states = (torch.nn.functional.pad(plane, (0, 4)) @ turn.T + 5.0)[:, None, :].expand(60, 4, 6)
        coordinates, shares = principal_plane(states.reshape(60, 4, 2, 3))
        assert coordinates.shape == (60, 4, 2)
        assert shares.shape == (4, 3)
        torch.testing.assert_close(torch.cdist(coordinates[:, 2], coordinates[:, 2]), torch.cdist(plane, plane))
        torch.testing.assert_close(shares.sum(1), torch.ones(4, dtype=torch.float64))
        assert float(shares[:, 2].abs().max()) < 1e-12
        assert (shares[:, 0] >= shares[:, 1]).all()
        variance = torch.linalg.eigvalsh(torch.cov(plane.T)).flip(0)
        torch.testing.assert_close(shares[0, :2], variance / variance.sum())
        assert (coordinates[-1, :, 0] > coordinates[0, :, 0]).all()
        torch.testing.assert_close(coordinates.mean(0), torch.zeros(4, 2, dtype=torch.float64), rtol=0, atol=1e-12)

    def test_paths_of_one_isotropic_gaussian_are_planar(self):
        """They run in the plane of the mean and the noise: shares beyond the second are rounding."""
        model = DiagonalGaussian([0.5, -1.0, 2.0, 0.3, 0.0], [0.3] * 5)
        schedule = make_schedule("vp-linear")
        problem = Problem(model, schedule)
        times = make_grid("uniform-lambda", schedule, 40)
        run = solve(problem, "reference", times, problem.sample_prior(4, 1.0, 0))
        _, shares = principal_plane(run.states)
        assert float(shares[:, 2].max()) < 1e-12

    def test_mirror_images_have_the_same_coordinates(self):
        states = turned(helix(1.0, 0.6, torch.linspace(0, 4, 60, dtype=torch.float64)), 4)
        both = torch.cat([states, -states, states * torch.tensor([1.0, -1, 1, -1], dtype=torch.float64)], dim=1)
        coordinates, _ = principal_components(both)
        torch.testing.assert_close(coordinates, coordinates[:, :1].expand(60, 3, 3))
        assert float(coordinates[-1, 0, 0]) > float(coordinates[0, 0, 0])
        assert (coordinates[:, 0, 1:].amax(0) >= -coordinates[:, 0, 1:].amin(0)).all()

    @pytest.mark.parametrize("kinds", [1, 2, 3])
    @pytest.mark.parametrize("name", ["vp-linear", "flow"])
    def test_a_gaussian_of_k_variances_spans_at_most_one_dimension_more(self, kinds, name):
        variance = [0.04, 0.5, 2.5][:kinds] * 3
        model = DiagonalGaussian([0.5, -1.0, 2.0, 0.3, 0.0, 1.0, -2.0, 0.1, 0.6][: len(variance)], variance)
        problem = Problem(model, make_schedule(name))
        times = make_grid("uniform-lambda", problem.schedule, 40)
        run = solve(problem, "reference", times, problem.sample_prior(4, float(times[0]), 0))
        coordinates, shares = principal_components(run.states, kinds + 3)
        assert coordinates.shape == (41, 4, kinds + 3)
        assert float(shares[:, kinds + 1 :].abs().max()) < 1e-12  # also of the zeros where there are no more dimensions
        assert (shares[:, :kinds] > 1e-9).all()

    def test_short_and_narrow_paths(self):
        coordinates, shares = principal_plane(torch.tensor([[[0.0]], [[2.0]]]))
        assert coordinates.flatten().tolist() == pytest.approx([-1.0, 0.0, 1.0, 0.0])
        assert shares.flatten().tolist() == pytest.approx([1.0, 0.0, 0.0])
        _, still = principal_plane(torch.ones(4, 2, 3))
        assert torch.equal(still, torch.zeros(2, 3, dtype=torch.float64))


class TestChordFrame:
    def bow(self, size: float, height: float) -> torch.Tensor:
        """A boomerang of one bend, with a chord of the given length and its top at a share of it, (50, 1, 2)."""
        u = torch.linspace(0, 1, 50, dtype=torch.float64)
        return size * torch.stack([u, height * (u * (1 - u**3))], dim=1)[:, None]

    def test_where_a_path_lies_and_points_does_not_matter(self):
        bow = self.bow(1.0, 0.3)
        paths = [turned(self.bow(size, 0.3), 9).flip(2) + shift for size, shift in ((1.0, 0.0), (7.0, 3.0), (0.1, -1))]
        frame = chord_frame(torch.cat(paths, dim=1).unflatten(2, (1, 3, 3)))
        for part, expected in ((frame.along, bow[:, :, 0]), (frame.height, bow[:, :, 1])):
            torch.testing.assert_close(part, expected.expand(50, 3), rtol=0, atol=1e-12)
        assert float(frame.aside.max()) < 1e-12
        assert shape_spread(frame.height) == pytest.approx(0, abs=1e-12)

    def test_deviation_is_the_distance_from_the_chord(self):
        states = turned(helix(1.0, 0.4, torch.linspace(0, 5, 80, dtype=torch.float64)), 5)
        frame, start, end = chord_frame(states), states[0, 0], states[-1, 0]
        length = (end - start).norm()
        for x, along, deviation in zip(states[:, 0], frame.along[:, 0], frame.deviation[:, 0], strict=True):
            nearest = start + along * (end - start)
            assert float(deviation * length) == pytest.approx(float((x - nearest).norm()), abs=1e-12)
            assert float((x - nearest) @ (end - start)) == pytest.approx(0, abs=1e-12)
        top = int(frame.deviation[:, 0].argmax())
        assert float(frame.height[top, 0]) == pytest.approx(float(frame.deviation[top, 0]))
        assert float(frame.aside[top, 0]) == pytest.approx(0, abs=1e-12)
        assert float(frame.aside.max()) > 0.01
        assert float(frame.along[0, 0]) == 0
        assert float(frame.along[-1, 0]) == pytest.approx(1)

    def test_straight_paths_have_no_height_and_closed_ones_no_chord(self):
        line = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None, None] * torch.tensor([[3.0, 4.0, 5.0]])
        wobble = line * (1 + 1e-7 * torch.sin(torch.arange(60.0, dtype=torch.float64)).reshape(20, 1, 3))
        assert torch.equal(chord_frame(wobble, 1e-7).deviation, torch.zeros(20, 1, dtype=torch.float64))
        assert float(chord_frame(wobble).deviation.max()) > 0
        closed = torch.cat([line, line.flip(0)])
        assert all(part.isnan().all() for part in chord_frame(closed))

    def test_spread_of_known_curves(self):
        base = torch.linspace(0, 1, 40, dtype=torch.float64)[:, None]
        factors = torch.tensor([0.8, 1.0, 1.2])
        # multiples of one curve spread by the standard deviation of the factors over their mean
        assert shape_spread(base * factors) == pytest.approx(0.2)
        lost = torch.cat([base * factors, torch.full_like(base, torch.nan)], dim=1)
        assert shape_spread(lost) == pytest.approx(0.2)
        assert math.isnan(shape_spread(base))
        assert math.isnan(shape_spread(0 * base * factors))


@pytest.mark.parametrize("every", [1, 4, 20])
def test_straightness_adds_up_from_its_stretches(every):
    problem = Problem(MODEL, make_schedule("vp-linear"))
    times = make_grid("uniform-lambda", problem.schedule, 40)
    run = solve(problem, "rk4", times, problem.sample_prior(3, 1.0, 0))
    parts = straightness_along(run, every)
    assert parts.shape == (40 // every, 3)
    shares = times[::every].diff() / (times[-1] - times[0])
    torch.testing.assert_close((parts * shares[:, None]).sum(0), straightness(run))
    for wrong in (0, 3):
        with pytest.raises(ValueError, match=f"40 steps cannot be taken {wrong} at a time"):
            straightness_along(run, wrong)


def test_straightness_is_lost_where_the_speed_is_off():
    """Eased motion s^2: the integrand is (1 - 2 s)^2 of the squared chord, 25."""
    s = torch.linspace(0, 1, 1001, dtype=torch.float64)
    line = (s**2)[:, None, None] * torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    parts = straightness_along(as_run(line), 10)[:, 0]
    middles = (s[:-1:10] + s[10::10]) / 2
    torch.testing.assert_close(parts, 25 * (1 - 2 * middles) ** 2, rtol=0, atol=1e-2)


def test_what_is_refused():
    problem = three_mode_problem(make_schedule("vp-linear"))
    times = make_grid("uniform-lambda", problem.schedule, 1)
    x = problem.sample_prior(2, 1.0, 0)
    unrecorded, short = solve(problem, "ddim", times, x, record=False), solve(problem, "ddim", times, x)
    for measure in (path_curvature, straightness, path_length, length_over_chord):
        with pytest.raises(ValueError, match="no recorded states; solve with record=True"):
            measure(unrecorded)
    with pytest.raises(ValueError, match="needs at least 2 steps, got 1"):
        path_curvature(short)
    stopped = solve(problem, "ddim", times, x, cancel=lambda: True)
    with pytest.raises(ValueError, match="needs at least 1 steps, got 0"):
        straightness(stopped)


def test_turning_is_what_a_path_turns_in_all():
    s = torch.linspace(0, math.pi / 2, 201, dtype=torch.float64)
    circle, line = points(ellipse(2.0, 2.0), s), points(lambda s: (s, 2 * s), s)
    corner = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 3.0]], dtype=torch.float64)[:, None]
    turned = turning_angle(as_run(torch.cat([circle, line], dim=1)))
    assert turned[0] == pytest.approx(math.pi / 2 * 199 / 200, rel=1e-9)
    assert turned[1] == pytest.approx(0, abs=1e-6)
    assert turning_angle(as_run(corner[[0, 1, 3]])) == pytest.approx(math.pi / 2)
