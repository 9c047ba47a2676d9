"""Encoding by the probability-flow ODE: every fixed-step formula keeps its order upwards, and brings the data back."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from core.analysis import convergence_order, rms_error
from core.analysis.inversion import check_invertible, decode, encode, exact_latent, latent_statistics
from core.data import make_toy
from core.grids import make_grid
from core.models import GaussianMixture
from core.problem import Problem
from core.schedules import SCHEDULES, make_schedule
from core.solve import Cancelled
from core.solvers import SOLVERS

T_END = 0.02
FIXED = [name for name, info in SOLVERS.items() if not (info.stochastic or info.adaptive)]


@pytest.fixture(scope="module")
def problem():
    return Problem(make_toy("ring"), make_schedule("vp-linear"))


@pytest.fixture(scope="module")
def start(problem):
    return problem.sample_marginal(32, T_END, 0)


@pytest.fixture(scope="module")
def exact(problem, start):
    return exact_latent(problem, grid(problem, 1), start)


def grid(problem, steps):
    return make_grid("uniform-lambda", problem.schedule, steps, t_end=T_END)


def options_of(name):
    return {"start": "single-step"} if "start" in SOLVERS[name].options else {}


@pytest.mark.parametrize("name", FIXED)
def test_no_fixed_step_solver_loses_its_order_upwards(problem, start, exact, name):
    counts = (62, 122, 242)  # for those that take their steps in threes and end in fewer, two are left
    errors = [
        rms_error(encode(problem, name, grid(problem, steps), start, **options_of(name)).final, exact)
        for steps in counts
    ]
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope > SOLVERS[name].order - 0.25
    assert errors[-1] < 0.03


@pytest.mark.parametrize("name", ["ddim", "heun", "dpm-2m", "dpmpp-2m", "dpmpp-3m", "edm-heun", "rk4"])
def test_the_orders_that_the_page_speaks_of(problem, start, exact, name):
    counts = (80, 160, 320, 640)
    there, back = [], []
    for steps in counts:
        times = grid(problem, steps)
        latent = encode(problem, name, times, start, **options_of(name)).final
        there.append(rms_error(latent, exact))
        back.append(rms_error(decode(problem, name, times, latent, **options_of(name)).final, start))
    order = SOLVERS[name].order
    assert float(convergence_order(counts, there, 1e-13)) == pytest.approx(order, abs=0.15)
    # on the way back a step of even order makes its own leading error again with the other sign
    assert float(convergence_order(counts, back, 1e-13)) == pytest.approx(order + (order % 2 == 0), abs=0.15)


def test_a_low_order_start_is_seen_from_data(problem, start, exact):
    errors = [
        rms_error(encode(problem, "dpmpp-3m", grid(problem, steps), start, start="ramp").final, exact)
        for steps in (40, 80, 160, 320)
    ]
    assert float(convergence_order((40, 80, 160, 320), errors, 1e-13)) < 2.3


def test_ddim_upwards_is_ddim_inversion_as_published():
    problem = Problem(make_toy("moons"), make_schedule("vp-cosine"))
    x = problem.sample_marginal(9, 0.02, 3)
    times = make_grid("uniform-t", problem.schedule, 7, t_end=0.02)
    by_hand = x
    levels = [problem.level(t) for t in times.flip(0).tolist()]
    for cur, nxt in pairwise(levels):
        eps = problem.eps(by_hand, cur.t)
        by_hand = nxt.alpha * (by_hand - cur.sigma * eps) / cur.alpha + nxt.sigma * eps
    torch.testing.assert_close(encode(problem, "ddim", times, x).final, by_hand, rtol=1e-12, atol=1e-12)


def test_the_exact_latent_of_a_gaussian_is_known():
    centre, width = torch.tensor([0.4, -0.3], dtype=torch.float64), 0.6
    for schedule in SCHEDULES:
        problem = Problem(GaussianMixture(centre[None], width, torch.ones(1)), make_schedule(schedule))
        times = make_grid("uniform-lambda", problem.schedule, 1)
        high, low = problem.level(float(times[0])), problem.level(float(times[-1]))
        x = problem.sample_marginal(20, float(times[-1]), 1)
        ratio = np.hypot(high.alpha * width, high.sigma) / np.hypot(low.alpha * width, low.sigma)
        wanted = high.alpha * centre + ratio * (x - low.alpha * centre)
        torch.testing.assert_close(exact_latent(problem, times, x), wanted, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_gives_noise_and_brings_the_data_back(schedule):
    problem = Problem(make_toy("pinwheel" if schedule == "ve" else "ring"), make_schedule(schedule))
    times = make_grid("uniform-lambda", problem.schedule, 150)
    x = problem.sample_marginal(400, float(times[-1]), 2)
    run = encode(problem, "edm-heun", times, x)
    statistics = latent_statistics(run.final, problem.level(float(times[0])).sigma)
    assert run.nfe == 300
    assert abs(statistics.mean) < 0.15
    assert statistics.variance == pytest.approx(1, abs=0.25)
    assert rms_error(decode(problem, "edm-heun", times, run.final).final, x) < 0.02


def test_statistics_see_what_is_not_standard_normal():
    z = torch.from_numpy(np.random.default_rng(0).standard_normal((500, 1, 8, 8)))
    plain = latent_statistics(3 * z, 3.0)
    assert abs(plain.mean) < 0.02
    assert plain.variance == pytest.approx(1, abs=0.03)
    assert abs(plain.kurtosis) < 0.1
    assert abs(plain.neighbours) < 0.02
    smooth = (z + z.roll(1, -1)) / np.sqrt(2)
    assert latent_statistics(smooth, 1.0).neighbours == pytest.approx(0.5, abs=0.05)
    assert latent_statistics(z**3, 1.0).kurtosis > 5
    assert np.isnan(latent_statistics(z * np.nan, 1.0).variance)


def test_a_run_that_diverges_is_nan_and_has_nothing_to_decode(problem, start):
    class Wild(GaussianMixture):
        def predict(self, x, alpha, sigma, kind):
            return super().predict(x, alpha, sigma, kind) * (1e12 if sigma > 0.5 else 1)

    wild = Problem(Wild(torch.zeros(1, 2), 1.0, torch.ones(1)), problem.schedule)
    run = encode(wild, "euler", grid(problem, 20), start)
    assert run.final.isnan().all()
    assert not run.complete
    assert "while encoding" in run.message
    back = decode(wild, "euler", grid(problem, 20), run.final)
    assert back.final.isnan().all()
    assert back.nfe == 0


def test_what_cannot_be_encoded_is_said(problem, start):
    times = grid(problem, 5)
    for name, words in (("ddpm", "draws noise"), ("rk45", "its own steps"), ("reference", "its own steps")):
        with pytest.raises(ValueError, match=words):
            check_invertible(name)
        with pytest.raises(ValueError, match=words):
            encode(problem, name, times, start)
    with pytest.raises(ValueError, match="must fall"):
        encode(problem, "ddim", times.flip(0), start)
    with pytest.raises(ValueError, match="shape"):
        encode(problem, "ddim", times, start[:, :1])
    with pytest.raises(ValueError, match="finite"):
        encode(problem, "ddim", times, start * np.inf)


def test_encoding_can_be_watched_and_stopped(problem, start):
    seen = []
    encode(problem, "ddim", grid(problem, 4), start, progress=lambda done, steps: seen.append((done, steps)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(Cancelled):
        encode(problem, "ddim", grid(problem, 4), start, cancel=lambda: True)
    with pytest.raises(Cancelled):
        exact_latent(problem, grid(problem, 4), start, cancel=lambda: True)


def test_the_data_end_keeps_its_last_step_to_itself(problem, start):
    times = grid(problem, 6)
    plain = encode(problem, "dpmpp-2m", times, start).final
    assert torch.equal(encode(problem, "dpmpp-2m", times, start, final="denoise").final, plain)
