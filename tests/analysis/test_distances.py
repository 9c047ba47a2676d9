"""Distances agree with other libraries and closed forms; intervals cover; floors are those of exact samples."""

import math
import os

import numpy as np
import pytest
import torch
from scipy import stats

from core.analysis.distances import DISTANCES, measure_distance, noise_floor, occupancy
from core.analysis.distances.kernels import bandwidth, energy_distance, mmd_squared
from core.analysis.distances.modes import chi_square, chi_square_p_value
from core.analysis.distances.transport import sliced_wasserstein, wasserstein2
from core.data import make_toy
from core.models import EmpiricalData, GaussianMixture
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import Cancelled

T_END = 0.01


@pytest.fixture(scope="module")
def problem():
    means = torch.tensor([[-2.0, 0.0], [2.0, 0.5], [0.0, 3.0]])
    weights = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    return Problem(GaussianMixture(means, 0.4, weights), make_schedule("vp-linear"))


def draw(n, dim, seed, scale=1.0):
    return scale * torch.from_numpy(np.random.default_rng(seed).standard_normal((n, dim)))


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_wasserstein_agrees_with_pot(dim):
    for backend in ("TORCH", "PYTORCH", "JAX", "CUPY", "TENSORFLOW"):
        os.environ.setdefault(f"POT_BACKEND_DISABLE_{backend}", "1")  # importing them takes seconds
    import ot

    x, y = draw(150, dim, 1), draw(150, dim, 2, 1.3) + 0.2
    weights = np.full(150, 1 / 150)
    squared = ot.emd2(weights, weights, ot.dist(x.numpy(), y.numpy()))
    assert wasserstein2(x, y) == pytest.approx(math.sqrt(squared), rel=1e-10)


def test_distances_on_a_line_agree_with_scipy():
    x, y = draw(200, 1, 1), draw(200, 1, 2, 1.5) + 0.4
    assert energy_distance(x, y) == pytest.approx(stats.energy_distance(x[:, 0], y[:, 0]), rel=1e-10)
    by_rank = float((x.sort(dim=0)[0] - y.sort(dim=0)[0]).square().mean().sqrt())
    assert wasserstein2(x, y) == pytest.approx(by_rank, rel=1e-12)
    assert sliced_wasserstein(x, y) == pytest.approx(by_rank, rel=1e-12)
    shifted = x + 0.7  # SciPy's is the 1-Wasserstein distance: the same for a shift
    assert wasserstein2(x, shifted) == pytest.approx(stats.wasserstein_distance(x[:, 0], shifted[:, 0]), rel=1e-10)


def test_a_shift_is_its_own_distance():
    """Equal covariances: W2 is the length of the shift, and a slice sees its cosine, 1/sqrt(2) of it in the mean."""
    x, shift = draw(300, 2, 3), torch.tensor([0.3, -0.4], dtype=torch.float64)
    assert wasserstein2(x, x + shift) == pytest.approx(0.5, rel=1e-12)
    assert sliced_wasserstein(x, x + shift) == pytest.approx(0.5 / math.sqrt(2), rel=0.05)


def test_a_symmetric_stretch_is_the_best_pairing():
    """The gradient of a convex function pairs points best (Brenier), so the distance is the length of its moves."""
    x, stretch = draw(300, 2, 4), torch.tensor([[1.5, -0.4], [-0.4, 0.6]], dtype=torch.float64)
    moved = x @ stretch
    shuffled = moved[torch.randperm(300, generator=torch.Generator().manual_seed(0))]
    assert wasserstein2(x, shuffled) == pytest.approx(float((moved - x).square().sum(1).mean().sqrt()), rel=1e-12)


def test_wasserstein_of_gaussians_nears_bures():
    """W2^2 of N(0, A), N(0, B) that commute: sum of (sqrt a - sqrt b)^2; the particles' floor is taken off roughly."""
    widths = torch.tensor([3.0, 0.5], dtype=torch.float64)
    exact = math.sqrt(float((widths - 1).square().sum()))
    found = [wasserstein2(draw(600, 2, 10 + r), draw(600, 2, 50 + r) * widths) for r in range(4)]
    assert np.mean(found) == pytest.approx(exact, rel=0.05)


def test_sliced_wasserstein_in_many_dimensions():
    """Between N(0, I) and N(0, 4 I) every line sees a distance of 1."""
    x, y = draw(4000, 300, 1), draw(4000, 300, 2, 2.0)
    assert sliced_wasserstein(x, y) == pytest.approx(1.0, abs=0.03)


def test_mmd_is_the_sum_over_pairs_and_unbiased():
    x, y = draw(40, 2, 1), draw(40, 2, 2) + 0.5
    width = bandwidth(y)

    def kernel(a, b):
        squared = (a[:, None] - b[None]).square().sum(-1)
        return sum(torch.exp(-squared / (2 * (s * width) ** 2)) for s in (0.25, 0.5, 1, 2, 4)) / 5

    off = 1 - torch.eye(40, dtype=torch.float64)
    direct = sum(float((kernel(a, a) * off).sum()) for a in (x, y)) / (40 * 39) - 2 * float(kernel(x, y).mean())
    assert mmd_squared(x, y) == pytest.approx(direct, abs=1e-13)
    null = np.array([mmd_squared(draw(40, 2, 2 * r), draw(40, 2, 2 * r + 1)) for r in range(300)])
    assert abs(null.mean()) < 4 * null.std() / math.sqrt(len(null))
    assert (null < 0).mean() > 0.3


def test_distances_of_high_dimension_do_not_depend_on_how_pairs_are_made():
    """Beyond 16 dimensions pairs come from a matrix product: the same numbers as with padding removed."""
    x, y = draw(100, 2, 1), draw(100, 2, 2) + 0.3
    padded = [torch.cat([z, torch.zeros(100, 40, dtype=torch.float64)], dim=1) for z in (x, y)]
    assert energy_distance(*padded) == pytest.approx(energy_distance(x, y), rel=1e-6)
    assert mmd_squared(*padded) == pytest.approx(mmd_squared(x, y), rel=1e-6)


@pytest.mark.parametrize("spread", [0.4, 2.5], ids=["modes apart", "modes overlapping"])
def test_p_values_of_exact_samples_are_uniform(spread):
    means = torch.tensor([[-2.0, 0.0], [2.0, 0.5], [0.0, 3.0]])
    model = GaussianMixture(means, spread, torch.tensor([0.6, 0.39, 0.01]))
    problem = Problem(model, make_schedule("vp-linear"))
    p_values = []
    for seed in range(300):
        value = chi_square(problem.sample_marginal(1000, T_END, seed), problem, T_END)
        p_values.append(chi_square_p_value(value, 1000, problem))
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3


def test_chi_square_by_hand_and_pooling(problem):
    level = problem.level(T_END)
    counts = [60, 25, 15]
    x = torch.cat([level.alpha * m.expand(c, 2) for m, c in zip(problem.model.means, counts, strict=True)])
    by_hand = stats.chisquare(counts, [50, 30, 20])
    value = chi_square(x, problem, T_END)
    assert value == pytest.approx(by_hand.statistic, rel=1e-12)
    assert chi_square_p_value(value, 100, problem) == pytest.approx(by_hand.pvalue, rel=1e-9)
    torch.testing.assert_close(occupancy(x, problem, T_END), torch.tensor([0.6, 0.25, 0.15], dtype=torch.float64))
    x[0] = math.nan
    assert occupancy(x.float(), problem, T_END).tolist() == pytest.approx([0.59, 0.25, 0.15])
    # of 20 particles the last mode expects 4: with the next, 10 against 10
    few = x[[*range(1, 15), *range(60, 63), *range(85, 88)]]
    assert chi_square(few, problem, T_END) == pytest.approx(stats.chisquare([14, 6], [10, 10]).statistic, rel=1e-12)


def test_likelihood_of_exact_samples_is_the_entropy():
    covariance = torch.tensor([[1.0, 0.6], [0.6, 0.5]], dtype=torch.float64)
    problem = Problem(GaussianMixture(torch.zeros(1, 2), covariances=covariance[None]), make_schedule("vp-linear"))
    level = problem.level(T_END)
    wide = level.alpha**2 * covariance + level.sigma**2 * torch.eye(2, dtype=torch.float64)
    entropy = 1 + math.log(2 * math.pi) + 0.5 * float(wide.logdet())
    floor = noise_floor("nll", problem, T_END, 4000, repeats=8)
    # -log p of a particle has variance D/2 = 1
    assert floor.value == pytest.approx(entropy, abs=4 / math.sqrt(8 * 4000))
    assert floor.high - floor.value == pytest.approx(2.5 / math.sqrt(4000), rel=0.8)


@pytest.mark.parametrize("name", DISTANCES)
def test_the_floor_covers_exact_samples_and_not_others(name, problem):
    n, covered = 300, 0
    floor = noise_floor(name, problem, T_END, n, repeats=20)
    assert floor.low < floor.value < floor.high
    for seed in range(20):
        x = problem.sample_marginal(n, T_END, 1000 + seed)
        y = problem.sample_marginal(n, T_END, 2000 + seed)
        covered += floor.low <= DISTANCES[name].function(x, y, problem, T_END) <= floor.high
    assert covered >= 16  # 19 expected; 15 or fewer has probability 0.3 %
    wrong = problem.sample_marginal(n, T_END, 7)
    wrong[:200] = wrong[:1] + 0.05 * (wrong[:200] - wrong[:1])
    found = measure_distance(name, wrong, problem, T_END, repeats=5)
    assert found.value > floor.high or (DISTANCES[name].two_sided and found.value < floor.low)
    assert found.low < found.value < found.high


@pytest.mark.parametrize("name", ["wasserstein", "sliced-wasserstein", "energy", "mmd", "nll"])
def test_intervals_cover_the_expected_distance(name, problem):
    """Over many runs of a wrong sampler, most intervals hold the mean of all values; and they are not vast."""
    n = 100
    found = [
        measure_distance(name, 1.15 * problem.sample_marginal(n, T_END, 5000 + r), problem, T_END, seed=r, repeats=8)
        for r in range(40)
    ]
    values = np.array([one.value for one in found])
    halves = np.array([(one.high - one.low) / 2 for one in found])
    covered = sum(one.low <= values.mean() <= one.high for one in found)
    assert covered >= 33  # 38 expected
    assert np.median(halves) < 6 * values.std()


@pytest.mark.parametrize("name", DISTANCES)
def test_results_depend_on_the_seed_alone_and_nan_is_shown(name, problem):
    x = problem.sample_marginal(40, T_END, 0)
    first, again = (measure_distance(name, x, problem, T_END, seed=3, repeats=3) for _ in range(2))
    assert first == again or (math.isnan(first.p_value) and first.values == again.values)
    lost = x.clone()
    lost[4, 1] = math.nan
    found = measure_distance(name, lost, problem, T_END)
    assert math.isnan(found.value)
    assert math.isnan(found.high)
    assert "1 of 40" in found.message


def test_particles_of_any_shape_and_precision():
    points = torch.from_numpy(np.random.default_rng(0).standard_normal((7, 3, 4, 4)))
    problem = Problem(EmpiricalData(points), make_schedule("edm"))
    x = problem.sample_marginal(60, 0.3, 5).float()
    for name in DISTANCES:
        if name != "modes":
            found = measure_distance(name, x, problem, 0.3, repeats=2)
            floor = noise_floor(name, problem, 0.3, 60, repeats=4)
            assert floor.low - abs(floor.value) < found.value < floor.high + abs(floor.value)
    with pytest.raises(ValueError, match="needs a Gaussian mixture"):
        measure_distance("modes", x, problem, 0.3)


def test_what_is_not_allowed_is_said(problem):
    x = problem.sample_marginal(40, T_END, 0)
    with pytest.raises(ValueError, match="unknown distance"):
        measure_distance("w2", x, problem, T_END)
    with pytest.raises(ValueError, match="10 to 3000 particles, got 3001"):
        noise_floor("wasserstein", problem, T_END, 3001)
    with pytest.raises(ValueError, match="10 to 3000 particles, got 9"):
        measure_distance("wasserstein", x[:9], problem, T_END)
    with pytest.raises(ValueError, match=r"shape \(N, 2\)"):
        measure_distance("energy", x[:, :1], problem, T_END)
    with pytest.raises(ValueError, match="at least 2 repeats"):
        measure_distance("energy", x, problem, T_END, repeats=1)


def test_progress_and_cancel(problem):
    seen = []
    noise_floor("energy", problem, T_END, 20, repeats=3, progress=lambda *at: seen.append(at))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(Cancelled):
        measure_distance("energy", make_toy("ring").sample(20, 0), problem, T_END, cancel=lambda: True)


def test_a_difference_is_known_better_than_either_side():
    """Both sides share particles and exact samples: a shift of 0.05 is seen through intervals that overlap."""
    problem = Problem(make_toy("ring"), make_schedule("vp-linear"))
    x = problem.sample_marginal(400, 1e-4, 5)
    one = measure_distance("sliced-wasserstein", x + 0.3, problem, 1e-4)
    other = measure_distance("sliced-wasserstein", x + 0.25, problem, 1e-4)
    difference, low, high = one.above(other)
    assert difference == one.value - other.value
    assert 0 < low < difference < high
    assert high - low < 0.5 * (one.high - one.low)
    assert one.above(one)[0] == 0
