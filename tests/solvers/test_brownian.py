"""One Brownian path per particle, whatever the steps."""

import itertools
import math

import pytest
import torch

from core.grids import make_grid
from core.schedules import SCHEDULES, make_schedule
from core.solvers import BrownianPath


def path(name="vp-linear", n=2000, seed=0, start=None, end=None) -> BrownianPath:
    schedule = make_schedule(name)
    start, end = schedule.t_max if start is None else start, schedule.t_min if end is None else end
    return BrownianPath(schedule, start, end, (n, 2), seed)


@pytest.mark.parametrize("name", SCHEDULES)
def test_increments_are_independent_with_the_variance_of_their_time(name):
    schedule = make_schedule(name)
    for grid in ("uniform-lambda", "uniform-t"):
        times = make_grid(grid, schedule, 16).tolist()
        w = path(name)
        z = [w.increment(a, b) / math.sqrt(a - b) for a, b in itertools.pairwise(times)]
        flat = torch.stack(z).flatten(1)  # (16, 4000)
        n = flat.shape[1]
        assert (flat.mean(1).abs() < 4.5 / math.sqrt(n)).all()
        assert ((flat.square().mean(1) - 1).abs() < 4.5 * math.sqrt(2 / n)).all()
        correlation = torch.corrcoef(flat) - torch.eye(16, dtype=torch.float64)
        assert float(correlation.abs().max()) < 5 / math.sqrt(n)
        assert abs(float((flat**4).mean()) - 3) < 5 * math.sqrt(96 / flat.numel())


def test_steps_far_shorter_than_the_span_keep_their_variance():
    times = make_grid("uniform-lambda", make_schedule("vp-linear"), 10_000)[4000:4040].tolist()
    w = path(n=500)
    z = torch.stack([w.increment(a, b) / math.sqrt(a - b) for a, b in itertools.pairwise(times)])
    assert abs(float(z.square().mean()) - 1) < 4.5 * math.sqrt(2 / z.numel()) + 0.01  # 2^-22 cells: within 1 %


def test_refining_the_steps_keeps_the_path():
    schedule = make_schedule("vp-linear")
    coarse, fine = (make_grid("uniform-t", schedule, steps).tolist() for steps in (8, 512))
    one, other = path(n=20), path(n=20)
    total = {t: one.value(t) for t in coarse}
    running = torch.zeros(20, 2, dtype=torch.float64)
    for i, (a, b) in enumerate(itertools.pairwise(fine)):
        running = running + other.increment(a, b)
        if (i + 1) % 64 == 0:
            t = coarse[(i + 1) // 64]
            assert t == pytest.approx(b, rel=1e-12)
            torch.testing.assert_close(running, total[t], rtol=0, atol=1e-6)  # times differ by rounding


def test_the_order_of_questions_does_not_matter():
    times = [0.9, 0.3, 0.31, 0.05, 0.7]
    one, other = path(n=5), path(n=5)
    forward = [one.value(t) for t in times]
    backward = [other.value(t) for t in reversed(times)][::-1]
    for a, b in zip(forward, backward, strict=True):
        assert torch.equal(a, b)


def test_it_starts_at_zero_and_keeps_its_ends():
    w = path(n=4, start=0.8, end=0.1)
    assert torch.equal(w.value(0.8), torch.zeros(4, 2, dtype=torch.float64))
    torch.testing.assert_close(w.increment(0.8, 0.1), w.value(0.1))
    for t in (0.81, 0.09, math.nan):
        with pytest.raises(ValueError, match=r"outside the path's span from 0.8 down to 0.1"):
            w.value(t)


def test_a_particle_keeps_its_path_whatever_the_batch():
    large, small = path(n=100), path(n=3)
    for t in (0.9, 0.4, 0.0123):
        assert torch.equal(large.value(t)[:3], small.value(t))
    assert not torch.equal(path(n=3, seed=1).value(0.4), small.value(0.4))


@pytest.mark.parametrize("name", ["vp-linear", "vp-cosine", "edm", "flow", "ddpm-cosine"])
@pytest.mark.parametrize("width", [1e-6, 1e-9, 1e-12, 1e-14])
def test_very_short_spans(name, width):
    """Cells of the tree may not be told apart in float64; the path still ends and has the right size."""
    for share in (0.02, 0.3, 0.5, 0.9, 1.0):
        schedule = make_schedule(name)
        start = share * schedule.t_max
        end = start - width * start
        w = path(name, n=1000, start=start, end=end)
        for part in (0.1, 0.5, 0.75):
            assert torch.isfinite(w.value(end + part * (start - end))).all()
        assert float(w.increment(start, end).square().mean()) == pytest.approx(start - end, rel=0.2)


def test_a_cell_whose_middle_rounds_to_its_outside():
    start, end = 39.4562446283134, 39.45624462831335  # seven units in the last place
    w = path("edm", n=10, start=start, end=end)
    t = start
    while t > end:
        assert torch.isfinite(w.value(t)).all()
        t = math.nextafter(t, 0.0)
