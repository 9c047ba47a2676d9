"""The shape of paths, against curves and Gaussian flows whose shape is known."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from core.analysis import (
    chord_frame,
    flow_curvature,
    length_over_chord,
    path_curvature,
    path_length,
    polyline_curvature,
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
from core.solve import solve
from tests.analysis.curves import MODEL, GaussianPath, as_run, ellipse, helix, points, turned
from tests.solvers.exact import DiagonalGaussian, three_mode_problem


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
