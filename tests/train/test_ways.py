"""Pairings of data and noise and the flows learned from them: optimal, reproducible, and as straight as claimed."""

import itertools
import math

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch.distributions import Independent, Normal, kl_divergence

from core.analysis import straightness
from core.data import make_toy
from core.grids import make_grid
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import Cancelled, solve
from core.train.couplings import Encoder, Pairs, divergence, mismatch, transport_pairs
from core.train.flows import learn_flow
from core.train.ways import WAYS, Ground, missed_by

SHORT = 400


def noise(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))


def bent(model: object, particles: int = 200) -> float:
    """Mean straightness of a flow's own paths."""
    problem = Problem(model, make_schedule("flow"))
    times = make_grid("uniform-t", problem.schedule, 60)
    return float(straightness(solve(problem, "rk4", times, problem.sample_prior(particles, float(times[0]), 9))).mean())


def made(name: str, iterations: int = SHORT, data: str = "ring", **options: float):
    info = WAYS[name]
    return info.make(Ground(make_toy(data), iterations, seed=0), **info.values(options))


# --- optimal transport ---


def test_a_small_batch_is_paired_as_trying_all_ways_would():
    x0, eps = noise(6, 0), noise(6, 1)
    best = min(float((x0 - eps[list(order)]).square().sum()) for order in itertools.permutations(range(6)))
    assert 6 * transport_pairs(x0, eps, 6).cost == pytest.approx(best, rel=1e-6)


def test_a_batch_is_paired_as_the_assignment_problem_is_solved_elsewhere():
    x0, eps = noise(100, 0), noise(100, 1)
    rows, columns = linear_sum_assignment(torch.cdist(x0.double(), eps.double()).square().numpy())
    paired = transport_pairs(x0, eps, 100)
    assert paired.cost == pytest.approx(Pairs(x0[rows], eps[columns]).cost, rel=1e-6)
    assert sorted(map(tuple, paired.eps.tolist())) == sorted(map(tuple, eps.tolist())), "the noise is all used, once"


def test_larger_groups_cost_less_and_one_is_the_independent_pairing():
    x0, eps = noise(512, 0) * 0.3 + 1, noise(512, 1)
    assert torch.equal(transport_pairs(x0, eps, 1).eps, eps)
    costs = [transport_pairs(x0, eps, batch).cost for batch in (1, 4, 32, 512)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 0.75 * costs[0]


def test_pairs_of_gaussians_approach_the_affine_map():
    """N(0, I) to N(m, diag d^2): the optimal map is m + d eps."""
    d, m = torch.tensor([1.5, 0.5]), torch.tensor([1.0, 0.0])
    off = []
    for batch in (16, 128, 1024):
        paired = transport_pairs(m + d * noise(2048, 0), noise(2048, 1), batch)
        off.append(float((paired.x0 - m - d * paired.eps).square().sum(1).mean().sqrt()))
    assert off == sorted(off, reverse=True)
    assert off[-1] < 0.25


def test_pairs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="equally many"):
        transport_pairs(noise(3, 0), noise(4, 0), 2)
    with pytest.raises(ValueError, match="at least 1 pair, got 0"):
        transport_pairs(noise(3, 0), noise(3, 0), 0)


# --- learned pairing ---


def test_the_divergence_is_that_of_two_gaussians():
    mean, log_width = noise(30, 4).double(), noise(30, 5).double()
    q = Independent(Normal(mean, log_width.exp()), 1)
    p = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    torch.testing.assert_close(divergence(mean, log_width), kl_divergence(q, p), rtol=1e-12, atol=1e-12)


def test_an_encoder_begins_near_the_independent_pairing_and_draws_from_what_it_says():
    encoder = Encoder(2, 32, torch.Generator().manual_seed(0))
    x0 = noise(1, 1).expand(20_000, 2)
    encoder.requires_grad_(False)
    drawn, kl = encoder.draw(x0, noise(20_000, 2))
    mean, log_width = encoder(x0[:1])
    assert float(kl.max()) < 0.1
    torch.testing.assert_close(drawn.mean(0), mean[0], atol=0.03, rtol=0)
    torch.testing.assert_close(drawn.std(0), log_width[0].exp(), atol=0.03, rtol=0)


def test_noise_of_all_pairs_together_is_compared_with_all_noise():
    """``eps = a x0 + s z`` with Gaussian data: together the noise is N(0, a^2 + s^2), whatever x0 tells of its own."""
    x0, z = noise(3000, 6).double(), noise(3000, 7).double()
    for a, s in ((0.6, 0.8), (0.9, 0.9), (0.3, 0.2)):
        log_width = torch.full_like(x0, math.log(s))
        together = 0.5 * math.log(a**2 + s**2) * torch.ones(1, 2, dtype=torch.float64)
        expected = float(divergence(torch.zeros_like(together), together))
        assert mismatch(a * x0, log_width, z) == pytest.approx(expected, abs=0.03)
    assert abs(mismatch(0 * x0, 0 * x0, z)) < 1e-9
    assert mismatch(0 * x0 + 1.5, 0 * x0, z) == pytest.approx(1.5**2, abs=0.1)  # moved: half its square a dimension


def test_a_smaller_penalty_makes_straighter_paths_from_noise_that_fits_less():
    loose, tight = made("learned", beta=0.3), made("learned", beta=10.0)
    independent = bent(make_toy("ring"))
    assert bent(loose.model) < 0.1 * independent
    assert bent(loose.model) < bent(tight.model) < independent
    assert loose.mismatch > 3 * tight.mismatch > 0
    assert loose.penalty > 0.5 > tight.penalty > 0
    # the noise of one data point is further from all noise than the noise of all of them together
    assert loose.penalty > loose.mismatch
    assert tight.penalty > tight.mismatch
    assert loose.pairs.cost < tight.pairs.cost


# --- training ---


def test_a_seed_gives_one_network_whatever_else_draws_numbers():
    pairs = Pairs(noise(600, 0), noise(600, 1))

    def losses(seed: int) -> torch.Tensor:
        def watch(step: int, loss: float) -> None:
            torch.rand(3)  # somebody else's numbers

        return learn_flow(pairs, (2,), 40, 16, seed, watch, lambda: False).losses

    assert torch.equal(losses(1), losses(1))
    assert not torch.equal(losses(1), losses(2))


def test_training_ends_where_it_is_told_to():
    seen: list[int] = []
    pairs = Pairs(noise(600, 0), noise(600, 1))
    with pytest.raises(Cancelled, match="iteration 7 of 100"):
        learn_flow(pairs, (2,), 100, 16, 0, lambda step, loss: seen.append(step), lambda: len(seen) == 7)


def test_a_loss_that_is_no_number_is_said():
    pairs = Pairs(noise(600, 0) * torch.inf, noise(600, 1))
    with pytest.raises(ValueError, match="iteration 0: the loss is no longer a number"):
        learn_flow(pairs, (2,), 5, 16, 0, lambda *_: None, lambda: False)


def test_the_network_approaches_the_exact_velocity():
    problem = Problem(make_toy("ring"), make_schedule("flow"))

    def off(iterations: int) -> tuple[float, float]:
        flow, missed, power = made("network", iterations).model, 0.0, 0.0
        for t in (0.2, 0.5, 0.8):
            x = problem.sample_marginal(500, t, 3)
            exact = problem.velocity(x, t)
            missed += float((flow.velocity(x, t) - exact).square().sum(1).mean())
            power += float(exact.square().sum(1).mean())
        return missed, power

    (early, _), (late, power) = off(100), off(1500)
    assert late < 0.35 * early
    assert late < 0.2 * power


# --- flows ---


def test_exact_pairs_miss_what_the_exact_flow_of_independent_pairs_must():
    """E|eps - x0 - u|^2 of N(0, c^2) data: the variance of eps - x0 given z, c^2/((1-t)^2 c^2 + t^2), over t."""
    way = made("independent", data="gaussian")
    lengths = torch.linalg.eigvalsh(make_toy("gaussian").covariance())
    t = torch.linspace(0, 1, 100_001, dtype=torch.float64)[:, None]
    expected = float(torch.trapezoid((lengths / ((1 - t) ** 2 * lengths + t**2)).sum(1), t[:, 0]))
    assert missed_by(way.model, way.pairs, most=16_384, levels=64) == pytest.approx(expected, rel=0.02)
    assert way.exact
    assert len(way.losses) == 0


def test_transport_and_reflow_straighten_and_cost_no_more():
    independent = made("independent")
    transport, once, twice = made("transport"), made("reflow"), made("reflow", rounds=2)
    first = bent(independent.model)
    assert bent(transport.model) < 0.05 * first
    assert bent(once.model) < 0.05 * first
    assert bent(twice.model) < 0.05 * first
    assert transport.pairs.cost < independent.pairs.cost
    # reflow never raises a convex cost; the second's pairs come from a network, which errs by a little
    assert once.pairs.cost < independent.pairs.cost
    assert twice.pairs.cost < 1.05 * once.pairs.cost
    assert max(once.missed, twice.missed) < 0.1 < independent.missed


def test_more_rounds_go_on_where_fewer_ended():
    told, model = [], make_toy("ring")
    ground = Ground(model, 60, 3, lambda fraction, doing: told.append(str(doing)))
    make = WAYS["reflow"].make
    once = make(ground, rounds=1)
    after_one = len(told)
    assert make(ground, rounds=1) is once
    assert len(told) == after_one, "nothing is trained twice"
    twice = make(ground, rounds=2)
    fresh = make(Ground(model, 60, 3), rounds=2)
    assert torch.equal(twice.losses, fresh.losses)
    assert twice.missed == fresh.missed
    assert twice.seconds > once.seconds > 0


def test_transport_of_larger_batches_is_straighter():
    assert bent(made("transport", batch=256).model) < bent(made("transport", batch=4).model)


def test_the_reflow_of_a_gaussian_is_exact_and_straight():
    way = made("reflow", data="gaussian", rounds=3)
    assert way.exact
    assert bent(way.model) < 1e-10
    assert way.missed < 1e-20
    torch.testing.assert_close(way.pairs.x0.T.cov(), make_toy("gaussian").covariance(), rtol=0.05, atol=0.03)


def test_options_are_checked():
    with pytest.raises(ValueError, match=r"batch must be one of 1, 4, 16, 64, 256, 1024; got 3"):
        WAYS["transport"].values({"batch": 3})
    with pytest.raises(ValueError, match="no option 'beta'"):
        WAYS["reflow"].values({"beta": 1.0})


def test_pairing_can_be_stopped():
    ground = Ground(make_toy("ring"), SHORT, 0, stop=lambda: True)
    for name in ("transport", "reflow", "learned", "network"):
        with pytest.raises(Cancelled):
            WAYS[name].make(ground, **WAYS[name].values({}))
