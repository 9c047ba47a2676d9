"""Whole experiments on single Gaussians, where every path, every error of DDIM and Euler, and every shape is known.

Data N(0, C): along each principal axis ``x_t`` has variance ``V = alpha^2 c + sigma^2`` and the probability flow keeps
``x / sqrt(V)``. DDIM's step is the exact one times the cosine of the difference between ``arctan(rho / sqrt(c))`` at
its two ends, so that n steps err by one minus a product of cosines, on any grid.
"""

import math

import numpy as np
import pytest

from core.experiments import ConvergenceSpec, CurvatureSpec, SchedulesSpec, ToyData, TrajectoriesSpec, run_experiment
from core.grids import make_grid
from core.noise import normal
from core.schedules import make_schedule

WIDTH = 0.4  # of the round Gaussian: two equal points with this bandwidth
ROUND = ToyData(name="custom", points=((1.0, 2.0), (1.0, 2.0)), bandwidth=WIDTH)
TURN = math.pi / 6
AXES = np.array([[math.cos(TURN), -math.sin(TURN)], [math.sin(TURN), math.cos(TURN)]])
VARIANCES = np.array([1.69, 0.31])  # of the set "gaussian", along AXES


def levels(schedule: str, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    made = make_schedule(schedule)
    return tuple(np.array([float(part(t)) for t in times]) for part in (made.alpha, made.sigma))


def grid(spec: ConvergenceSpec, steps: int) -> np.ndarray:
    return make_grid(spec.grid.name, make_schedule(spec.schedule), steps, spec.t_start, spec.t_end).numpy()


def start(spec: ConvergenceSpec | TrajectoriesSpec, first: float) -> np.ndarray:
    return levels(spec.schedule, np.array([first]))[1] * normal(spec.seed, "start", shape=(spec.particles, 2)).numpy()


def rms(x: np.ndarray) -> np.ndarray:
    return np.sqrt(np.mean(np.square(x), axis=tuple(range(1, x.ndim))))


class RoundFlow:
    """The exact flow and DDIM's, on N(0, WIDTH^2 I)."""

    def __init__(self, spec: ConvergenceSpec, steps: int):
        self.times = grid(spec, steps)
        alpha, sigma = levels(spec.schedule, self.times)
        spread = np.sqrt((alpha * WIDTH) ** 2 + sigma**2)
        self.exact = (spread / spread[0])[:, None, None] * start(spec, self.times[0])  # (S + 1, N, 2)
        angles = np.arctan(sigma / alpha / WIDTH)
        self.factor = np.concatenate([[1.0], np.cumprod(np.cos(np.diff(angles)))])  # DDIM over exact
        self.error = rms((1 - self.factor)[:, None, None] * self.exact)


@pytest.mark.parametrize(
    ("schedule", "name", "ends"),
    [
        ("vp-linear", "uniform-lambda", {}),
        ("vp-cosine", "quadratic-t", {}),
        ("edm", "karras", {"t_start": 20.0, "t_end": 0.05}),
        ("flow", "uniform-t", {}),
        ("ve", "karras", {}),
    ],
)
def test_ddims_errors_are_one_minus_a_product_of_cosines(schedule: str, name: str, ends: dict):
    counts = (10, 20, 40, 80, 160)
    spec = ConvergenceSpec(
        data=ROUND, schedule=schedule, grid=name, particles=50, seed=11, solvers=("ddim",), step_counts=counts, **ends
    )
    result = run_experiment(spec)
    (ddim,) = result.solvers
    flows = [RoundFlow(spec, steps) for steps in counts]
    np.testing.assert_allclose(ddim.rms, [flow.error[-1] for flow in flows], rtol=1e-6)
    medians = [np.median(rms((1 - flow.factor[-1]) * flow.exact[-1])) for flow in flows]
    np.testing.assert_allclose(ddim.median, medians, rtol=1e-6)
    np.testing.assert_array_equal(ddim.nfe, counts)
    shown = RoundFlow(spec, spec.path_steps)
    np.testing.assert_allclose(ddim.path_times, shown.times, rtol=1e-12)
    np.testing.assert_allclose(ddim.path_error, shown.error, rtol=1e-6, atol=1e-11)
    np.testing.assert_allclose(ddim.particle_error, rms((1 - shown.factor[-1]) * shown.exact[-1]), rtol=1e-6)
    # the fitted order is the slope of those very errors, and the reference is good to far below them
    assert float(ddim.order) == pytest.approx(1.0, abs=0.15)
    assert result.floor < 1e-9 * rms(shown.exact[-1:])[0] * 1e2
    assert not ddim.diverged.any()


def test_eulers_errors_on_the_long_and_the_short_axis_are_its_amplification():
    counts = (20, 40, 80)
    data = ToyData(name="gaussian")
    spec = ConvergenceSpec(data=data, grid="uniform-t", particles=40, seed=5, solvers=("euler",), step_counts=counts)
    (euler,) = run_experiment(spec).solvers
    for steps, error in zip(counts, euler.rms, strict=True):
        times = grid(spec, steps)
        alpha, sigma = levels("vp-linear", times)
        beta = 0.1 + 19.9 * times  # the schedule of the paper: f = -beta / 2, g^2 = beta
        along = start(spec, times[0]) @ AXES
        variance = alpha[:, None] ** 2 * VARIANCES + sigma[:, None] ** 2
        slope = -beta[:, None] / 2 + beta[:, None] / 2 / variance
        euler_end = along * np.prod(1 + np.diff(times)[:, None] * slope[:-1], axis=0)
        exact_end = along * np.sqrt(variance[-1] / variance[0])
        assert error == pytest.approx(math.sqrt(np.mean((euler_end - exact_end) ** 2)), rel=1e-6)


def test_higher_orders_show_on_the_long_gaussian():
    counts = (20, 40, 80, 160, 320)
    solvers = ("ddim", "edm-heun", "dpmpp-2m", "rk4")
    spec = ConvergenceSpec(data=ToyData(name="gaussian"), particles=30, solvers=solvers, step_counts=counts)
    result = run_experiment(spec)
    for errors, order in zip(result.solvers, (1, 2, 2, 4), strict=True):
        assert float(errors.order) == pytest.approx(order, abs=0.2), errors.label
        assert errors.rms[-1] < errors.rms[0]


def test_single_precision_ends_the_race_where_its_rounding_does():
    counts = (20, 80, 320)
    common = {"data": ToyData(name="gaussian"), "particles": 30, "solvers": ("rk4",), "step_counts": counts}
    double = run_experiment(ConvergenceSpec(**common))
    single = run_experiment(ConvergenceSpec(**common, precision="float32"))
    assert "float32" in single.floor_label
    assert 1e-8 < single.floor < 1e-6
    assert double.floor < 1e-10
    assert single.solvers[0].rms[-1] > 10 * double.solvers[0].rms[-1]
    assert any("float32" in note for note in single.notes)


@pytest.mark.parametrize("schedule", ["vp-linear", "edm", "flow", "sub-vp", "ddpm-linear"])
def test_trajectories_carry_the_exact_path_and_measure_against_it(schedule: str):
    spec = TrajectoriesSpec(
        data=ToyData(name="gaussian"),
        schedule=schedule,
        particles=20,
        seed=3,
        steps=12,
        solvers=("ddim", "euler-maruyama"),
    )
    result = run_experiment(spec)
    np.testing.assert_allclose(result.reference_times[result.on_grid], result.times, rtol=1e-12)
    alpha, sigma = levels(schedule, result.reference_times)
    spread = np.sqrt(alpha[:, None] ** 2 * VARIANCES + sigma[:, None] ** 2)
    exact = ((start(spec, result.times[0]) @ AXES) * (spread / spread[0])[:, None, :]) @ AXES.T
    np.testing.assert_allclose(result.reference, exact, rtol=0, atol=1e-8 * np.abs(exact).max())

    ddim, noisy = result.paths
    assert ddim.states.shape == (13, 20, 2)
    assert ddim.x0.shape == (12, 20, 2)
    np.testing.assert_array_equal(ddim.states[0], start(spec, result.times[0]))
    np.testing.assert_allclose(ddim.error, rms(ddim.states - exact[result.on_grid]), rtol=1e-4, atol=1e-8)
    assert ddim.final_rms == pytest.approx(ddim.error[-1], rel=1e-12)
    assert (ddim.nfe, len(ddim.evaluation_times), ddim.diverged_at) == (12, 12, None)
    # x0hat of N(0, C) at the start of each step: alpha C / V x, in the principal axes
    alpha, sigma = levels(schedule, result.times)
    gain = alpha[:, None] * VARIANCES / (alpha[:, None] ** 2 * VARIANCES + sigma[:, None] ** 2)
    want = ((ddim.states @ AXES) * gain[:, None, :])[:-1] @ AXES.T
    np.testing.assert_allclose(ddim.x0, want, rtol=1e-7, atol=1e-9)
    assert noisy.stochastic
    assert np.isnan(noisy.error).all()
    assert math.isnan(noisy.final_rms)


def test_the_field_is_the_density_and_the_motion_per_lambda():
    spec = TrajectoriesSpec(data=ToyData(name="gaussian"), particles=10, steps=8)
    field = run_experiment(spec).field
    np.testing.assert_array_equal(field.steps, np.arange(9))
    alpha, sigma = levels("vp-linear", field.times)
    lattice = np.stack(np.meshgrid(field.x, field.y), axis=-1)
    arrows = np.stack(np.meshgrid(field.arrows_x, field.arrows_y), axis=-1)
    schedule = make_schedule("vp-linear")
    for i, t in enumerate(field.times):
        variance = alpha[i] ** 2 * VARIANCES + sigma[i] ** 2
        exponent = -0.5 * np.sum((lattice @ AXES) ** 2 / variance, axis=-1)
        np.testing.assert_allclose(field.density[i], np.exp(exponent - exponent.max()), atol=1e-6)
        slope = float(schedule.f(t)) + 0.5 * float(schedule.g_squared(t)) / variance  # dx/dt along each axis
        d_lambda = -0.5 * float(schedule.g_squared(t)) / sigma[i] ** 2
        want = ((arrows @ AXES) * slope / d_lambda) @ AXES.T
        np.testing.assert_allclose(field.velocity[i], want, rtol=1e-5, atol=1e-6)


def test_a_round_gaussian_has_straight_paths_and_a_long_one_bent_ones():
    straight = run_experiment(CurvatureSpec(data=ROUND, particles=15, nodes=60)).shapes
    bent = run_experiment(CurvatureSpec(data=ToyData(name="gaussian"), particles=15, nodes=60)).shapes
    for one, other in zip(straight, bent, strict=True):
        # x_t stays on the ray through x_T
        assert np.abs(one.curvature).max() < 1e-3 * other.curvature.max()
        np.testing.assert_allclose(one.shares[:, 0], 1.0, atol=1e-9)
        assert other.curvature.max() > 1e-3 / np.abs(other.states).max()
        assert (other.length_over_chord > 1 - 1e-12).all()


@pytest.mark.parametrize("schedule", ["flow", "vp-linear", "edm"])
def test_curvature_and_straightness_of_the_long_gaussian_are_those_of_its_closed_form(schedule: str):
    spec = CurvatureSpec(data=ToyData(name="gaussian"), particles=8, nodes=400, schedules=(schedule,), seed=2)
    (shape,) = run_experiment(spec).shapes
    made = make_schedule(schedule)
    begin = levels(schedule, shape.times[:1])[1] * normal(2, "start", shape=(8, 2)).numpy() @ AXES

    def path(t: np.ndarray) -> np.ndarray:
        alpha, sigma = levels(schedule, t)
        spread = np.sqrt(alpha[:, None] ** 2 * VARIANCES + sigma[:, None] ** 2)
        first = np.sqrt(
            levels(schedule, shape.times[:1])[0] ** 2 * VARIANCES + levels(schedule, shape.times[:1])[1] ** 2
        )
        return (spread / first)[:, None, :] * begin

    # |x' x x''| / |x'|^3 in lambda, by fine central differences, where the particle moves more than its rounding
    picked = np.arange(40, 361, 40)
    lam, h = shape.log_snr[picked], 1e-3
    before, at, after = (path(np.array([float(made.time_of(value)) for value in lam + k * h])) for k in (-1, 0, 1))
    first, second = (after - before) / (2 * h), (after - 2 * at + before) / h**2
    cross = np.abs(first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0])
    want = cross / np.sum(first**2, axis=-1) ** 1.5
    step = np.linalg.norm(first, axis=-1) * np.abs(np.diff(shape.log_snr))[picked, None]
    moving = step > 3e-5 * np.linalg.norm(at, axis=-1)
    assert moving.mean() > 0.6
    np.testing.assert_allclose(shape.curvature[picked][moving], want[moving], rtol=0.02, atol=1e-4 * want.max())

    # straightness: midpoint rule over 20,000 intervals of equal time
    t = np.linspace(shape.times[0], shape.times[-1], 20_001)
    x = path(t)
    velocity = np.diff(x, axis=0) * 20_000
    want = np.mean(np.sum((velocity - (x[-1] - x[0])) ** 2, axis=-1), axis=0)
    np.testing.assert_allclose(shape.straightness, want, rtol=0.05)


def test_the_slice_of_the_long_gaussian_is_a_gaussian_that_widens():
    result = run_experiment(SchedulesSpec(data=ToyData(name="gaussian"), schedules=("vp-linear", "edm"), steps=7))
    piece = result.slice
    alpha, sigma = levels("vp-linear", piece.t)
    variance = alpha**2 * float((AXES @ np.diag(VARIANCES) @ AXES.T)[0, 0]) + sigma**2
    variance /= alpha**2 + sigma**2
    want = np.exp(-0.5 * piece.x**2 / variance[:, None]) / np.sqrt(2 * math.pi * variance)[:, None]
    np.testing.assert_allclose(piece.density, want, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        piece.paths / np.sqrt(variance)[:, None],
        np.broadcast_to((piece.paths / np.sqrt(variance)[:, None])[0], piece.paths.shape),
        atol=1e-6,
    )
    for curves in result.curves:
        made = make_schedule(curves.name)
        np.testing.assert_allclose(curves.log_snr, np.log(curves.alpha / curves.sigma), atol=1e-9)
        np.testing.assert_allclose(curves.alpha, [float(made.alpha(t)) for t in curves.t], rtol=1e-12)
    for (schedule, name), places in result.grids.items():
        assert len(places.times) == 8
        np.testing.assert_array_equal(places.times, make_grid(name, make_schedule(schedule), 7).numpy())
