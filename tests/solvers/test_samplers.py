"""Every stochastic sampler: its exact law on a Gaussian, its orders, its limits, and what it equals."""

import math
from itertools import pairwise

import pytest
import torch
from scipy.integrate import quad

from core.analysis import convergence_order, median_error, rms_error
from core.data import make_images
from core.grids import make_grid
from core.models import EmpiricalData, GaussianMixture
from core.problem import Problem, levels_at
from core.schedules import SCHEDULES, make_schedule
from core.solve import solve
from core.solvers import SOLVERS
from core.solvers.integrals import Kernel
from core.solvers.posterior import mean_variance
from tests.solvers.exact import DiagonalGaussian, three_mode_problem, three_modes
from tests.solvers.impulses import law

# one Gaussian as a mixture too, since the optimal variances ask for a posterior
MEAN, VARIANCE = [0.8, -0.5], [0.25, 1.6]
GAUSSIAN = DiagonalGaussian(MEAN, VARIANCE)
AS_MIXTURE = GaussianMixture(
    torch.tensor([MEAN], dtype=torch.float64), covariances=torch.diag(torch.tensor(VARIANCE, dtype=torch.float64))[None]
)
STOCHASTIC = [name for name, info in SOLVERS.items() if info.stochastic]
VARIANTS = [
    *((name, {}) for name in STOCHASTIC),
    ("euler-maruyama", {"eta": 0.4}),
    ("euler-maruyama", {"eta": 1.6}),
    ("ddpm", {"variance": "large"}),
    ("ddpm", {"variance": "optimal"}),
    ("ddpm", {"variance": "diagonal"}),
    ("ddim-eta", {"eta": 0.5}),
    ("ancestral-euler", {"eta": 0.5}),
    ("dpmpp-2m-sde", {"eta": 0.6}),
    ("sa-solver", {"tau": 0.5}),
    ("exponential-sde", {"eta": 1.4}),
    ("edm-stochastic", {"s_churn": 4.0}),
    ("edm-stochastic", {"s_churn": 40.0, "s_noise": 1.003}),
    ("predictor-corrector", {"corrections": 2}),
    ("restart", {"cycles": 4}),
]
# not those biased by their Langevin steps or by noise that is too strong, however fine the grid; nor the exact one
WEAK = [
    (name, options)
    for name, options in VARIANTS
    if name not in ("predictor-corrector", "annealed-langevin")
    and "s_noise" not in options
    and options.get("variance") != "diagonal"
]


def model_for(options) -> GaussianMixture | DiagonalGaussian:
    return AS_MIXTURE if options.get("variance") in ("optimal", "diagonal") else GAUSSIAN


def at(schedule, lam: float) -> float:
    return float(schedule.time_of(lam))


def moments(schedule, t: float) -> tuple[torch.Tensor, torch.Tensor]:
    alpha, sigma = float(schedule.alpha(t)), float(schedule.sigma(t))
    return alpha * GAUSSIAN.mean, GAUSSIAN.spread(alpha, sigma) ** 2


@pytest.mark.parametrize(("solver", "options"), VARIANTS)
def test_the_law_of_the_samples(solver, options):
    """Sampled moments against the exact ones: 4 standard errors."""
    schedule = make_schedule("vp-linear")
    problem = Problem(model_for(options), schedule)
    times, count = make_grid("karras", schedule, 12), 20_000
    start = float(schedule.sigma(times[0]))
    x = problem.sample_prior(count, float(times[0]), seed=21)
    final = solve(problem, solver, times, x, seed=22, record=False, **options).final
    zero = torch.zeros(2, dtype=torch.float64)
    mean, variance = law(problem, solver, times, zero, zero + start**2, **options)
    assert ((final.mean(0) - mean).abs() < 4 * (variance / count).sqrt()).all()
    assert ((final.var(0) - variance).abs() < 4 * variance * math.sqrt(2 / count)).all()
    covariance = ((final - mean)[:, 0] * (final - mean)[:, 1]).mean()
    assert abs(float(covariance)) < 4 * float(variance.prod().sqrt()) / math.sqrt(count)


def weak_errors(solver, options, schedule, steps, lam=(-3.0, 1.0)):
    """Error of mean and variance at the end, from the exact law at the start: no sampling."""
    problem = Problem(model_for(options), schedule)
    t_start, t_end = (at(schedule, value) for value in lam)
    true_mean, true_variance = moments(schedule, t_end)
    found = []
    for n in steps:
        times = make_grid("uniform-lambda", schedule, n, t_start, t_end)
        mean, variance = law(problem, solver, times, *moments(schedule, t_start), **options)
        found.append(float(((mean - true_mean) ** 2 + (variance - true_variance) ** 2).sum().sqrt()))
    return found


@pytest.mark.parametrize("schedule", ["vp-linear", "edm", "flow"])
@pytest.mark.parametrize(("solver", "options"), WEAK)
def test_weak_order(solver, options, schedule):
    """Of mean and variance on a Gaussian, without sampling error."""
    steps = (80, 160, 320, 640)
    order = convergence_order(steps, weak_errors(solver, options, make_schedule(schedule), steps), 1e-13)
    assert order == pytest.approx(SOLVERS[solver].order, abs=0.2), order.reason


def test_each_particles_own_variance_is_exact_on_a_gaussian():
    """Whatever the steps: the reverse of a Gaussian step is Gaussian, and this is its variance."""
    for name in SCHEDULES:
        schedule = make_schedule(name)
        ends = [float(v) for v in schedule.log_snr(torch.tensor([schedule.t_max, schedule.t_min]))]
        span = (ends[0] + 0.1, ends[1] - 0.1)
        (error,) = weak_errors("ddpm", {"variance": "diagonal"}, schedule, [3], span)
        scale = float(schedule.sigma(at(schedule, span[0]))) ** 2 + 1
        assert error < 1e-11 * scale
        (one_for_all,) = weak_errors("ddpm", {"variance": "optimal"}, schedule, [3], span)
        assert one_for_all > 1e-3


def test_the_optimal_variance_is_the_mean_of_the_own_ones():
    """Closed form for one Gaussian, coordinate by coordinate; quadrature of E|score|^2 for a mixture."""
    alpha, sigma = 0.6, 0.9
    c = GAUSSIAN.variance
    own = c * sigma**2 / (alpha**2 * c + sigma**2)
    x = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(AS_MIXTURE.posterior_variance(x, alpha, sigma), own.expand(5, 2), rtol=1e-12, atol=0)
    assert mean_variance(AS_MIXTURE, alpha, sigma) == pytest.approx(float(own.mean()), rel=1e-12)
    # mixture: E Var[x0|x] = (sigma^2/alpha^2)(1 - E|eps|^2/d), the expectation over a fine grid of the plane
    model = three_modes()
    axis = torch.linspace(-7, 7, 701, dtype=torch.float64)
    plane = torch.cartesian_prod(axis, axis)
    density = model.log_density(plane, alpha, sigma).exp() * float(axis[1] - axis[0]) ** 2
    squared = float((density * model.predict(plane, alpha, sigma, "eps").square().sum(1)).sum())
    expected = (sigma / alpha) ** 2 * (1 - squared / 2)
    assert float(density.sum()) == pytest.approx(1, abs=1e-9)
    assert mean_variance(model, alpha, sigma) == pytest.approx(expected, rel=0.03)
    direct = float((density[:, None] * model.posterior_variance(plane, alpha, sigma)).sum() / 2)
    assert direct == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("full", [False, True])
def test_posterior_variance_by_derivatives(full):
    """``Var[x0|x] = (sigma^2/alpha) d x0hat/dx`` on the diagonal."""
    model = three_modes()
    if full:
        shear = torch.tensor([[0.3, 0.1], [0.1, 0.2]], dtype=torch.float64)
        model = GaussianMixture(model.means, covariances=shear.expand(3, 2, 2), weights=model.weights)
    x = torch.randn(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    alpha, sigma = 0.7, 0.5
    slopes = torch.autograd.functional.jacobian(lambda y: model.predict(y, alpha, sigma, "x0").sum(0), x)
    expected = sigma**2 / alpha * torch.stack([slopes[d, :, d] for d in range(2)], dim=1)
    torch.testing.assert_close(model.posterior_variance(x, alpha, sigma), expected, rtol=1e-9, atol=1e-11)


def test_posterior_variance_of_a_data_set():
    points = torch.randn(40, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    data, alpha, sigma = EmpiricalData(points), 0.8, 0.4
    x = torch.randn(5, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    logits = -(x[:, None] - alpha * points).square().flatten(2).sum(2) / (2 * sigma**2)
    weights = logits.softmax(dim=1)
    mean = torch.einsum("nm,mij->nij", weights, points)
    expected = torch.einsum("nm,nmij->nij", weights, (points - mean[:, None]).square())
    torch.testing.assert_close(data.posterior_variance(x, alpha, sigma), expected, rtol=1e-9, atol=1e-12)


def test_optimal_variances_run_on_images_and_refuse_a_learned_model():
    schedule = make_schedule("vp-linear")
    times = make_grid("uniform-lambda", schedule, 5)
    problem = Problem(make_images("digits", None), schedule)
    x = problem.sample_prior(3, float(times[0]), 0, torch.float32)
    for variance in ("optimal", "diagonal"):
        assert torch.isfinite(solve(problem, "ddpm", times, x, variance=variance).final).all()
    with pytest.raises(ValueError, match="needs the exact posterior of a Gaussian mixture or an exact data set"):
        solve(Problem(GAUSSIAN, schedule), "ddpm", times, torch.zeros(1, 2, dtype=torch.float64), variance="optimal")


ODES = [
    ("euler-maruyama", {"eta": 0.0}, "euler", {}),
    ("ddim-eta", {"eta": 0.0}, "ddim", {}),
    ("ancestral-euler", {"eta": 0.0}, "ddim", {}),
    ("dpmpp-sde", {"eta": 0.0}, "ddim", {}),
    ("dpmpp-2m-sde", {"eta": 0.0}, "dpmpp-2m", {}),
    ("dpmpp-3m-sde", {"eta": 0.0}, "dpmpp-3m", {}),
    ("exponential-sde", {"eta": 0.0}, "ddim", {}),
    ("sa-solver", {"tau": 0.0}, "unipc-vary-3", {}),
    ("edm-stochastic", {"s_churn": 0.0}, "edm-heun", {}),
    ("restart", {"cycles": 0}, "edm-heun", {}),
]
SAME = [
    ("ddpm", {}, "ddim-eta", {"eta": 1.0}),
    ("ddpm", {}, "dpmpp-sde", {"eta": 1.0}),
    ("ddpm", {}, "ancestral-euler", {"eta": 1.0}),
    ("ddim-eta", {"eta": 0.4}, "ancestral-euler", {"eta": 0.4}),
]


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(("one", "options", "other", "others"), ODES + SAME)
def test_what_is_equal(one, options, other, others, name):
    """Without noise each is its ODE solver; with it, four names of one step share their numbers."""
    problem = three_mode_problem(make_schedule(name))
    times = make_grid("karras", problem.schedule, 12)
    x = problem.sample_prior(16, float(times[0]), 0)
    a = solve(problem, one, times, x, seed=3, **options).final
    b = solve(problem, other, times, x, seed=3, **others).final
    torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(("solver", "options"), VARIANTS)
def test_no_sampler_breaks_at_the_ends_of_a_schedule(solver, options, name):
    problem = three_mode_problem(make_schedule(name))
    for steps in (1, 4, 25):
        times = make_grid("uniform-t", problem.schedule, steps)
        x = problem.sample_prior(8, float(times[0]), 0)
        run = solve(problem, solver, times, x, seed=1, **options)
        assert run.complete, run.message
        assert torch.isfinite(run.states).all()
        single = solve(problem, solver, times, x.float(), seed=1, **options)
        assert torch.isfinite(single.states).all()
        assert single.final.dtype == torch.float32


@pytest.mark.parametrize(("solver", "options"), VARIANTS)
def test_a_batch_split_in_two_gives_the_same_paths(solver, options):
    problem = three_mode_problem(make_schedule("vp-linear"))
    times = make_grid("uniform-lambda", problem.schedule, 10)
    x = problem.sample_prior(12, 1.0, 0)
    whole = solve(problem, solver, times, x, seed=5, **options).states
    again = solve(problem, solver, times, x, seed=5, **options).states
    part = solve(problem, solver, times, x[:5], seed=5, **options).states
    assert torch.equal(whole, again)
    torch.testing.assert_close(part, whole[:, :5], rtol=0, atol=1e-12)
    assert not torch.equal(whole[-1], solve(problem, solver, times, x, seed=6, **options).final)


@pytest.mark.parametrize("data", ["gaussian", "mixture"])
@pytest.mark.parametrize(
    ("solver", "options"), [case for case in WEAK if SOLVERS[case[0]].strong_order == 1 and "s_churn" not in case[1]]
)
def test_strong_order(solver, options, data):
    """Halving the steps on one Brownian path: the paths converge with order 1.

    Methods of weak order 2 have a part of h^1.5 beside that of h, which still shows at these step counts. On the
    mixture the median is taken, since single particles may end in another mode than on the finest path.
    """
    schedule = make_schedule("vp-linear")
    problem = Problem(model_for(options), schedule) if data == "gaussian" else three_mode_problem(schedule)
    start, end = at(schedule, -1.5), at(schedule, 0.5)
    x = problem.sample_marginal(400, start, 3) if data == "mixture" else problem.sample_prior(400, start, 3)

    def final(n: int) -> torch.Tensor:
        times = make_grid("uniform-lambda", schedule, n, start, end)
        return solve(problem, solver, times, x, seed=4, record=False, **options).final

    finest, steps = final(1024), (16, 32, 64, 128)
    error = rms_error if data == "gaussian" else median_error
    errors = [error(final(n), finest) for n in steps]
    slopes = [math.log2(a / b) for a, b in pairwise(errors)]
    more = 0.15 if SOLVERS[solver].order == 2 else 0.0
    assert 1 - 0.2 < sum(slopes) / len(slopes) < 1 + 0.2 + more


def test_the_corrector_repairs_a_bias_of_the_law():
    """Reverse diffusion with few steps leaves the variance wrong; Langevin steps at each level bring it nearer."""
    schedule = make_schedule("vp-linear")
    alone = weak_errors("reverse-diffusion", {}, schedule, [15])[0]
    corrected = weak_errors("predictor-corrector", {"corrections": 5, "snr": 0.25}, schedule, [15])[0]
    assert corrected < alone / 2


def test_langevin_alone_is_off_by_its_step():
    """Stationary variance ``V/(1 - a/(2V))`` of x + a S + sqrt(2a) z on N(0, V): not V."""
    schedule = make_schedule("edm")
    problem = Problem(DiagonalGaussian([0.0], [0.5]), schedule)
    level = torch.linspace(0.6, 0.5999, 400, dtype=torch.float64)  # hardly moving: long enough to forget the start
    size = 0.3
    zero = torch.zeros(1, dtype=torch.float64)
    mean, variance = law(problem, "annealed-langevin", level, zero + 3, zero + 4, per_level=1, size=size)
    v, a = 0.5 + 0.6**2, size * 0.6**2
    assert float(variance) == pytest.approx(v / (1 - a / (2 * v)), rel=2e-3)
    assert abs(float(mean)) < 1e-6


def test_churn_keeps_the_law_and_heals_the_mean():
    """Exact noise and nearly exact steps: the law is that of the ODE; an offset at the start is forgotten."""
    schedule = make_schedule("edm")
    problem = Problem(GAUSSIAN, schedule)
    times = make_grid("karras", schedule, 400, 10.0, 0.05)
    mean, variance = moments(schedule, 10.0)
    true_mean, true_variance = moments(schedule, 0.05)
    kept_mean, kept_variance = law(problem, "edm-stochastic", times, mean, variance, s_churn=80.0)
    torch.testing.assert_close(kept_mean, true_mean, rtol=0, atol=2e-3)
    torch.testing.assert_close(kept_variance, true_variance, rtol=3e-3, atol=0)
    offsets = [
        float((law(problem, "edm-stochastic", times, mean + 3.0, variance, s_churn=s)[0] - true_mean).norm())
        for s in (0.0, 80.0)
    ]
    assert offsets[1] < offsets[0] / 3


def test_restart_forgets_by_the_factor_of_each_cycle():
    """An offset shrinks by ``sqrt((c + rho_min^2)/(c + rho_max^2))`` a cycle, and the variance stays."""
    schedule = make_schedule("edm")
    problem = Problem(GAUSSIAN, schedule)
    times = torch.tensor([2.0, *torch.linspace(1.0, 0.1, 200).tolist(), 0.05], dtype=torch.float64)
    mean, variance = moments(schedule, 2.0)
    options = {"rho_min": 0.1, "rho_max": 1.0}
    offset = {}
    for cycles in (0, 1, 2, 4):
        shifted, spread = law(problem, "restart", times, mean + 0.7, variance, cycles=cycles, **options)
        plain, _ = law(problem, "restart", times, mean, variance, cycles=cycles, **options)
        offset[cycles] = shifted - plain
        _, start = law(problem, "restart", times, mean, variance, cycles=0, **options)
        torch.testing.assert_close(spread, start, rtol=0.05, atol=0)
    c = GAUSSIAN.variance
    factor = ((c + 0.1**2) / (c + 1.0)).sqrt()
    for cycles in (1, 2, 4):
        torch.testing.assert_close(offset[cycles], offset[0] * factor**cycles, rtol=2e-3, atol=0)


def test_restart_counts_what_it_repeats():
    problem = three_mode_problem(make_schedule("edm"))
    times = make_grid("karras", problem.schedule, 18)
    x = problem.sample_prior(4, 80.0, 0)
    inside = [i for i, rho in enumerate(times.tolist()) if rho > 0.0]
    low = min(inside, key=lambda i: abs(math.log(float(times[i]) / 0.1)))
    high = min(inside, key=lambda i: abs(math.log(float(times[i]) / 1.0)))
    assert solve(problem, "restart", times, x, cycles=4).nfe == 2 * 18 + 4 * 2 * (low - high)
    assert solve(problem, "restart", times, x, rho_min=10.0, rho_max=0.01).nfe == 2 * 18, "no cycle upside down"


@pytest.mark.parametrize("tau", [0.3, 1.0, 1.7])
@pytest.mark.parametrize("prediction", ["x0", "eps"])
def test_the_noise_of_a_step_has_the_variance_of_the_sde(tau, prediction):
    """By quadrature of ``2 tau^2`` times the squared kernel over the step."""
    schedule = make_schedule("vp-linear")
    cur, nxt = levels_at(schedule, torch.tensor([0.6, 0.4], dtype=torch.float64))

    def squared(lam: float) -> float:
        if prediction == "eps":  # of x/alpha: 2 tau^2 rho^2 dlambda
            return 2 * tau**2 * math.exp(-2 * lam) * nxt.alpha**2
        return 2 * tau**2 * math.exp(-2 * tau**2 * (nxt.lam - lam)) * nxt.sigma**2

    expected = quad(squared, cur.lam, nxt.lam, epsrel=1e-12)[0]
    assert Kernel(prediction, tau=tau).spread(cur, nxt) ** 2 == pytest.approx(expected, rel=1e-10)
