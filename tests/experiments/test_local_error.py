"""Single steps from exact states: closed forms on one Gaussian, sums that make the end error, phases, shown code."""

import runpy

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from core.analysis import carry_to_end, local_steps
from core.experiments import ImageData, run_experiment
from core.experiments.code import snippet
from core.experiments.local_error import LocalErrorSpec
from core.grids import make_grid
from core.models import GaussianMixture
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve

STD = 0.5


@pytest.fixture(scope="module")
def gaussian():
    """One centred Gaussian: the exact flow multiplies by the standard deviation of the marginal."""
    problem = Problem(GaussianMixture(torch.zeros(1, 2), STD), make_schedule("vp-linear"))
    times = make_grid("uniform-lambda", problem.schedule, 10)
    alpha, sigma = problem.schedule.alpha(times), problem.schedule.sigma(times)
    deviation = (alpha**2 * STD**2 + sigma**2).sqrt()
    x = problem.sample_prior(6, times[0], 0)
    return problem, times, (deviation / deviation[0])[:, None, None] * x, deviation


def test_an_euler_step_on_a_gaussian_is_known_in_closed_form(gaussian):
    problem, times, states, _ = gaussian
    schedule = problem.schedule
    ends = local_steps(problem, "euler", times, states).ends
    f, g2 = schedule.f(times), -2 * schedule.sigma(times) ** 2 * schedule.d_log_snr(times)
    variance = schedule.alpha(times) ** 2 * STD**2 + schedule.sigma(times) ** 2
    rate = f + g2 / (2 * variance)  # of dx/dt = rate x, since eps = sigma x / variance
    wanted = states[:-1] * (1 + rate[:-1] * times.diff())[:, None, None]
    torch.testing.assert_close(ends, wanted, rtol=1e-10, atol=1e-12)


def test_an_error_is_carried_by_the_exact_flow(gaussian):
    problem, times, states, deviation = gaussian
    steps = local_steps(problem, "ddim", times, states)
    grown = carry_to_end(problem, times, steps.ends, states)
    factor = (deviation[-1] / deviation[1:])[:, None, None]
    torch.testing.assert_close(grown, factor * (steps.ends - states[1:]), rtol=1e-6, atol=1e-10)
    both = carry_to_end(problem, times, torch.cat([steps.ends, states[1:]], dim=1), states)
    torch.testing.assert_close(both[:, :6], grown, rtol=1e-6, atol=1e-9)
    assert float(both[:, 6:].abs().max()) < 1e-9  # no error stays none


@pytest.mark.parametrize("solver", ["euler", "edm-heun", "kutta3", "dpmpp-2m", "unipc-bh2-2"])
def test_carried_errors_add_up_to_the_end_error(gaussian, solver):
    """To first order: what is left over falls as steps are added."""
    problem, _, states, _ = gaussian
    off = []
    for count in (40, 160):
        times = make_grid("uniform-lambda", problem.schedule, count)
        alpha, sigma = problem.schedule.alpha(times), problem.schedule.sigma(times)
        spread = (alpha**2 * STD**2 + sigma**2).sqrt()
        exact = (spread / spread[0])[:, None, None] * states[0]
        grown = (spread[-1] / spread[1:])[:, None, None] * (local_steps(problem, solver, times, exact).ends - exact[1:])
        end = solve(problem, solver, times, states[0], record=False).final - exact[-1]
        off.append(float((grown.sum(dim=0) - end).norm() / end.norm()))
    assert off[0] < 0.5
    assert off[1] < 0.5 * off[0]


@pytest.mark.parametrize(
    ("solver", "options", "memory"),
    [
        ("ddim", {}, 0),
        ("rk4", {}, 0),
        ("dpmpp-2m", {}, 1),
        ("dpmpp-3m", {}, 2),
        ("dpmpp-3m", {"final": "denoise"}, 2),
        ("unipc-bh2-3", {}, 2),
        ("pndm-as-published", {}, 3),
    ],
)
def test_the_start_up_is_as_long_as_the_history(gaussian, solver, options, memory):
    problem, times, states, _ = gaussian
    found = local_steps(problem, solver, times, states, **options)
    assert (found.memory, found.spans) == (memory, False)


def test_a_method_whose_steps_span_intervals_says_so(gaussian):
    problem, times, states, _ = gaussian
    assert local_steps(problem, "dpm-fast", times, states).spans


def test_the_first_step_of_every_exponential_ramp_is_that_of_ddim(gaussian):
    problem, times, states, _ = gaussian
    first, ramp = (local_steps(problem, name, times, states).ends for name in ("ddim", "dpmpp-3m"))
    torch.testing.assert_close(first[0], ramp[0], rtol=1e-12, atol=1e-12)
    assert not torch.allclose(first[5], ramp[5], rtol=1e-6)


def test_noise_and_own_steps_are_refused(gaussian):
    problem, times, states, _ = gaussian
    for solver in ("rk45", "ddpm"):
        with pytest.raises(ValueError, match="no step of its own"):
            local_steps(problem, solver, times, states)
        with pytest.raises(ValidationError, match="choose solvers without noise"):
            LocalErrorSpec(solvers=(solver,))
    with pytest.raises(ValueError, match="11 times and 5 states"):
        local_steps(problem, "ddim", times, states[:5])
    with pytest.raises(ValidationError, match="at most 30 steps for images"):
        LocalErrorSpec(data=ImageData(), particles=2, steps=31)


@pytest.fixture(scope="module")
def result():
    return run_experiment(
        LocalErrorSpec(
            particles=20,
            steps=14,
            solvers=("ddim", "dpmpp-3m", "dpmpp-3m(start=single-step)", "dpmpp-3m(lower_order_final=true)"),
        )
    )


def test_the_options_change_the_steps_that_they_are_about_and_no_other(result):
    _, plain, full_start, low_end = result.solvers
    np.testing.assert_allclose(full_start.local[2:], plain.local[2:], rtol=1e-9)
    assert (full_start.local[:2] < plain.local[:2]).all()
    np.testing.assert_allclose(low_end.local[:-2], plain.local[:-2], rtol=1e-9)
    assert (low_end.local[-2:] != plain.local[-2:]).all()
    assert plain.phase.tolist() == [0, 0, *[1] * 11, 2]
    assert low_end.phase.tolist() == [0, 0, *[1] * 10, 2, 2]


def test_the_last_step_arrives_as_it_is_and_phases_make_the_whole(result):
    units = np.hypot(*np.array([[1.0], [0.0]]))[0]
    for one in result.solvers:
        assert one.carried[-1] == pytest.approx(one.local[-1] * units, rel=1e-2)  # alpha is nearly 1 at the data
        assert one.together <= one.by_phase.sum() * (1 + 1e-9)
        assert np.isfinite(one.end)


def test_a_learned_score_has_local_errors_only():
    spec = LocalErrorSpec(data=ImageData(name="unet-digits", label=3), particles=1, steps=3, solvers=("ddim",))
    found = run_experiment(spec)
    (one,) = found.solvers
    assert np.isfinite(one.local).all()
    assert np.isnan(one.carried).all()
    assert any("not carried to the end" in note for note in found.notes)


@pytest.mark.parametrize(
    "spec",
    [
        LocalErrorSpec(particles=5, steps=6, solvers=("ddim", "dpmpp-2m(start=single-step)"), schedule="edm"),
        LocalErrorSpec(data=ImageData(label=2), particles=2, steps=4, solvers=("ddim",)),
        LocalErrorSpec(data=ImageData(name="unet-digits", label=3), particles=1, steps=3, solvers=("ddim",)),
    ],
    ids=["2-D", "images", "network"],
)
def test_the_shown_code_repeats_the_errors(spec: LocalErrorSpec, tmp_path):
    file = tmp_path / "picture.py"
    file.write_text(snippet(spec))
    names, found = runpy.run_path(str(file)), run_experiment(spec)
    for place, one in enumerate(found.solvers):
        np.testing.assert_allclose(names["local"][place].numpy(), one.local, rtol=1e-12)
    if found.carried:
        for grown, one in zip(names["carried"].split(spec.particles, dim=1), found.solvers, strict=True):
            np.testing.assert_allclose(grown.flatten(1).square().mean(1).sqrt().numpy(), one.carried, rtol=1e-12)
