"""How fast the plane of a path turns, against curves and flows whose torsion is known."""

import math
from itertools import pairwise

import pytest
import torch

from core.analysis import (
    flow_bends,
    flow_curvature,
    polyline_curvature,
    polyline_torsion,
)
from core.problem import Problem
from core.schedules import make_schedule
from tests.analysis.curves import ellipse, helix, points, turned
from tests.solvers.exact import DiagonalGaussian, three_mode_problem


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
