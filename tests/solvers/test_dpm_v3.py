"""DPM-Solver-v3: what its statistics are, what they make exact, and what is left of it without them."""

import math

import numpy as np
import pytest
import torch

from core.analysis import convergence_order, rms_error
from core.grids import make_grid
from core.models import EmpiricalData, GaussianMixture
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve
from core.solvers import SOLVERS, dpm_v3_statistics
from core.solvers.base import Context
from core.solvers.dpm_v3 import DPMSolverV3
from core.solvers.dpm_v3_statistics import measure, statistics_of
from core.solvers.integrals import Kernel
from core.solvers.multistep import ExponentialMultistep
from tests.solvers.exact import Asked, DiagonalGaussian, LambdaCurve, three_mode_problem, three_modes

SCHEDULE = make_schedule("vp-linear")
TIMES = make_grid("karras", SCHEDULE, 8, 0.9, 0.01)


class Plain:
    """What methods without statistics use: ``l = s + 1`` is 0 for noise and 1 for data at every lambda; any mean."""

    def __init__(self, linear: float, mean: list[float]):
        self.value, self.mean = linear, np.array(mean)

    def linear(self, lam):
        return np.full((*np.shape(lam), len(self.mean)), self.value)

    def linear_integral(self, lam):
        return self.linear(lam) * np.asarray(lam)[..., None]

    def log_scale(self, lam):
        return (self.linear(lam) - 1) * np.asarray(lam)[..., None] + 0.7


def walk(solver, problem, times, x):
    context, state, states = Context(problem, solver.plan(problem, times), None, True, lambda: None), None, [x]
    for i in range(len(times) - 1):
        x, state = solver.step(context, i, x, state)
        states.append(x)
    return torch.stack(states)


@pytest.mark.parametrize("asked", ["x0", "eps"])
@pytest.mark.parametrize("start", ["ramp", "single-step"])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("nodes", [1, 2, 3])
@pytest.mark.parametrize(("linear", "kind"), [(0.0, "eps"), (1.0, "x0")])
def test_its_ends_are_noise_and_data_prediction(linear, kind, nodes, lower, start, asked):
    problem = three_mode_problem(SCHEDULE)
    x = problem.sample_prior(16, float(TIMES[0]), 0)
    tuned = DPMSolverV3(nodes, asked, False, start, lower, lambda _: Plain(linear, [0.4, -0.8]))
    plain = ExponentialMultistep(Kernel(kind), nodes, start=start, lower_order_final=lower)
    expected = walk(plain, problem, TIMES, x)
    torch.testing.assert_close(walk(tuned, problem, TIMES, x), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("nodes", [2, 3])
def test_its_corrector_without_statistics_is_the_implicit_multistep(nodes):
    """Hand-written: the value at the predicted end joins the newest past ones, the oldest leaves."""
    problem = three_mode_problem(SCHEDULE)
    x = problem.sample_prior(16, float(TIMES[0]), 0)
    states = walk(DPMSolverV3(nodes, corrector=True, statistics=lambda _: Plain(1.0, [0.0, 0.0])), problem, TIMES, x)
    levels = [problem.level(float(t)) for t in TIMES]
    history: list[tuple[float, torch.Tensor]] = [(levels[0].lam, problem.x0(x, float(TIMES[0])))]

    def advance(x, i, known):
        """x by the interpolating polynomial in lambda, integrated by brute force."""
        cur, nxt = levels[i], levels[i + 1]
        points, weights = np.polynomial.legendre.leggauss(30)
        lam = (cur.lam + nxt.lam) / 2 + (nxt.lam - cur.lam) / 2 * points
        x = x * nxt.sigma / cur.sigma
        for node, value in known:
            basis = np.prod([(lam - other) / (node - other) for other, _ in known if other != node], axis=0)
            kernel = nxt.alpha * np.exp(lam - nxt.lam) * weights * (nxt.lam - cur.lam) / 2
            x = x + float((kernel * basis).sum()) * value
        return x

    for i in range(8):
        past = history[:nodes]
        x_next = advance(x, i, past)
        if i < 7:
            history.insert(0, (levels[i + 1].lam, problem.x0(x_next, float(TIMES[i + 1]))))
            if len(past) > 1:
                x_next = advance(x, i, history[: len(past)])
        x = x_next
        torch.testing.assert_close(states[i + 1], x, rtol=0, atol=1e-11)


# --- statistics -------------------------------------------------------------------------------------------------------


class Quadrature:
    """Expectations over the exact density of a 2-D mixture at a half log-SNR, on a grid of points y."""

    def __init__(self, model: GaussianMixture, width: float = 13.0, points: int = 301):
        self.model = model
        axis = torch.linspace(-width, width, points, dtype=torch.float64)
        self.y = torch.cartesian_prod(axis, axis)

    def weights(self, lam: float) -> torch.Tensor:
        density = self.model.log_density(self.y, 1.0, math.exp(-lam)).exp()
        return density / density.sum()

    def noise(self, y: torch.Tensor, lam: float) -> torch.Tensor:
        """``rho eps = y - x0``."""
        return y - self.model.predict(y, 1.0, math.exp(-lam), "x0")

    def linear(self, lam: float) -> torch.Tensor:
        """``E[d(rho eps)/dy]``, by differentiating the model."""
        y = self.y.clone().requires_grad_()
        noise = self.noise(y, lam)
        diagonal = [torch.autograd.grad(noise[:, d].sum(), y, retain_graph=True)[0][:, d] for d in range(2)]
        return self.weights(lam) @ torch.stack(diagonal, dim=1)

    def scaling_and_bias(self, lam: float, h: float = 1e-3) -> tuple[np.ndarray, np.ndarray]:
        """Least squares of ``df/dlambda`` along the paths on ``f`` and 1, for ``f = rho eps - l y``."""
        velocity = -self.noise(self.y, lam)

        def f(shift: float) -> torch.Tensor:
            y = self.y + shift * velocity
            return self.noise(y, lam + shift) - self.linear(lam + shift) * y

        root = self.weights(lam).sqrt().numpy()
        value, slope = f(0.0).numpy(), ((f(h) - f(-h)) / (2 * h)).numpy()
        fits = [
            np.linalg.lstsq(np.stack([value[:, d], np.ones(len(root))], axis=1) * root[:, None], slope[:, d] * root)[0]
            for d in range(2)
        ]
        return tuple(np.array(fits).T)


@pytest.fixture(scope="module")
def measured():
    return measure(three_modes(), -2.0, 2.0, particles=60_000)


@pytest.mark.parametrize("lam", [-0.7, 0.0, 0.55, 1.1])
def test_statistics_are_the_minimisers_that_define_them(measured, lam):
    exact = Quadrature(three_modes())
    assert float(exact.weights(lam).reshape(301, 301)[[0, -1]].max()) < 1e-9  # the grid holds the density
    at = np.array(lam)
    np.testing.assert_allclose(measured.mean, three_modes().mean(), atol=1e-14)
    np.testing.assert_allclose(measured.linear(at), exact.linear(lam), rtol=0.01)
    scaling, bias = exact.scaling_and_bias(lam)
    np.testing.assert_allclose(measured.scaling(at), scaling, atol=0.05)
    np.testing.assert_allclose(measured.bias(at), bias, atol=0.01)


def test_the_best_parameterisation_lies_between_noise_and_data(measured):
    lam = np.linspace(-2, 2, 50)
    linear = measured.linear(lam)
    assert (linear > 0).all()
    assert (linear < 1).all()
    assert (linear[0] > 0.9).all()  # data prediction in noise
    assert (linear[-1] < 0.15).all()  # noise prediction near smooth data
    np.testing.assert_allclose(np.gradient(measured.linear_integral(lam), lam, axis=0)[1:-1], linear[1:-1], atol=1e-3)
    points = EmpiricalData(torch.tensor([[1.0, 0.0], [-1.0, 0.5], [0.3, -0.7]], dtype=torch.float64))
    np.testing.assert_allclose(measure(points, -8.0, 8.0).linear(np.array([-7.5, 7.5])), 1.0, atol=1e-6)


@pytest.mark.parametrize("name", ["vp-linear", "vp-cosine", "edm", "flow"])
@pytest.mark.parametrize("nodes", [1, 2, 3])
def test_one_step_is_exact_for_a_gaussian(name, nodes):
    """f vanishes: x0 is linear in x with the very slope that l takes out."""
    mean, variance = [1.3, -0.4, 0.2], [0.3, 2.0, 1e-3]
    schedule = make_schedule(name)
    means = torch.tensor([mean], dtype=torch.float64)
    model = GaussianMixture(means, covariances=torch.diag(torch.tensor(variance, dtype=torch.float64))[None])
    problem = Problem(model, schedule)
    for steps in (1, 4):
        times = make_grid("uniform-lambda", schedule, steps)
        x = problem.sample_marginal(64, float(times[0]), seed=3)
        expected = DiagonalGaussian(mean, variance).flow(x, schedule, float(times[0]), float(times[-1]))
        run = solve(problem, f"dpm-v3-{nodes}", times, x)
        torch.testing.assert_close(run.final, expected, rtol=0, atol=1e-8)
    assert rms_error(solve(problem, "dpmpp-2m", times, x).final, expected) > 1e-2


# --- a solver among others --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", ["uniform-lambda", "karras"])
@pytest.mark.parametrize("nodes", [2, 3])
def test_the_corrector_keeps_the_order_and_lowers_the_error(race, nodes, grid):
    prepared, steps = race("vp-linear"), (40, 80, 160, 320, 640)
    plain, corrected = (
        [
            rms_error(
                solve(
                    prepared.problem, f"dpm-v3-{nodes}", prepared.grid(grid, n), prepared.x_start, corrector=corrector
                ).final,
                prepared.end,
            )
            for n in steps
        ]
        for corrector in (False, True)
    )
    assert convergence_order(steps, corrected, 1e-12) > nodes - 0.15
    assert corrected[-1] < plain[-1] / 2


def test_statistics_are_computed_once_and_count_for_no_run():
    watched = Asked(three_modes())
    solve(Problem(watched, SCHEDULE), "dpm-v3-2", TIMES, torch.zeros(3, 2, dtype=torch.float64))
    assert watched.count == 8
    problem = three_mode_problem(SCHEDULE)
    first = statistics_of(problem)
    assert statistics_of(Problem(problem.model, make_schedule("flow"))) is first
    wider = statistics_of(Problem(problem.model, make_schedule("sub-vp")))  # goes nearer to the data
    assert wider is not first
    np.testing.assert_allclose(wider.linear(np.array(1.234)), first.linear(np.array(1.234)), rtol=1e-12)
    kept = len(dpm_v3_statistics._KNOWN)
    del problem
    assert len(dpm_v3_statistics._KNOWN) == kept - 1


@pytest.mark.parametrize("solver", ["dpm-v3-1", "dpm-v3-2", "dpm-v3-3"])
class TestEveryOrder:
    def test_runs_are_repeatable_and_particles_independent(self, solver):
        x = three_mode_problem(SCHEDULE).sample_prior(20, float(TIMES[0]), 0)
        whole, again, part = (solve(three_mode_problem(SCHEDULE), solver, TIMES, rows).final for rows in (x, x, x[:7]))
        assert torch.equal(whole, again)
        torch.testing.assert_close(part, whole[:7], rtol=0, atol=1e-13)

    def test_only_the_noise_levels_matter(self, solver):
        lam = torch.linspace(-2.4, 3.0, 11, dtype=torch.float64)
        model, flow, edm = three_modes(), make_schedule("flow"), make_schedule("edm")
        times, other = flow.time_of(lam), edm.time_of(lam)
        y = Problem(model, edm).sample_prior(16, float(other[0]), 0)
        end = solve(Problem(model, flow), solver, times, y * flow.alpha(times[0])).final / flow.alpha(times[-1])
        torch.testing.assert_close(end, solve(Problem(model, edm), solver, other, y).final, rtol=0, atol=1e-10)

    def test_images_in_single_precision(self, solver):
        images = torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
        images[:, :, 0, 0] = -1.0  # a pixel that never changes has no spread to divide by
        problem = Problem(EmpiricalData(images), SCHEDULE)
        times = make_grid("uniform-lambda", SCHEDULE, 60)
        x = problem.sample_prior(6, float(times[0]), 0)
        run = solve(problem, solver, times, x.float(), record=False)
        assert run.final.dtype == torch.float32
        assert run.final.shape == (6, 1, 4, 4)
        torch.testing.assert_close(run.final.double(), solve(problem, solver, times, x).final, rtol=0, atol=1e-3)
        nearest = (run.final[:, None] - images).flatten(2).norm(dim=2).amin(dim=1)
        assert float(nearest.max()) < 0.05  # the end of every path is one of the images

    def test_a_learned_model_is_refused(self, solver):
        problem = Problem(LambdaCurve(lambda lam: 0.5), SCHEDULE)
        with pytest.raises(ValueError, match=r"learned model.*Gaussian mixture.*dpmpp-2m"):
            solve(problem, solver, TIMES, torch.ones(2, 1))

    def test_a_model_without_samples_is_refused(self, solver):
        problem = Problem(DiagonalGaussian([0.0], [1.0]), SCHEDULE)
        with pytest.raises(ValueError, match=r"samples.*DiagonalGaussian"):
            solve(problem, solver, TIMES, torch.ones(2, 1))

    def test_it_is_registered_with_one_evaluation_a_step(self, solver):
        assert SOLVERS[solver].nfe_per_step == 1
        assert solve(three_mode_problem(SCHEDULE), solver, TIMES, torch.ones(2, 2)).nfe == 8
