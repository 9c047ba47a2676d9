"""The small learned network for the plane, and the files that hold it."""

import math

import pytest
import torch
from safetensors.torch import save_file

from core.data import TOY_DATA, make_toy
from core.grids import make_grid
from core.models import save_checkpoint
from core.models.plane import LearnedPlane, PlaneNetwork, load_plane
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve
from core.train.plane import LEVELS, WEIGHTS, errors, train

X = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def network() -> LearnedPlane:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return LearnedPlane(PlaneNetwork(width=16))


def test_training_learns_the_score_and_repeats():
    """Data with a known answer; the same seed gives the same weights and leaves the global state alone."""
    model = make_toy("gaussian")
    before = torch.random.get_rng_state()
    net, again = (train(model, 300, seed=1) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    for one, other in zip(net.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    untrained, trained = (errors(LearnedPlane(n), model, 512) for n in (PlaneNetwork(), net))
    assert max(trained.values()) < 0.15
    assert trained[0.0] < untrained[0.0] / 5


@pytest.mark.parametrize("name", TOY_DATA)
def test_shipped_weights_know_their_data(name):
    learned = load_plane(WEIGHTS / f"{name}.safetensors")
    found = errors(learned, make_toy(name), 1024)
    assert set(found) == set(LEVELS)
    assert max(found.values()) < 0.9
    assert found[-3.0] < 0.05
    problem = Problem(learned, make_schedule("edm"))
    times = make_grid("karras", problem.schedule, 40)
    ends = solve(problem, "dpmpp-2m", times, problem.sample_prior(400, 80.0, 0)).final
    assert (ends.mean(0).abs() < 0.2).all()
    assert float(ends.var(0).mean()) == pytest.approx(1, abs=0.25)


def test_predictions_do_not_depend_on_the_scaling():
    """``x`` with (alpha, sigma) and ``c x`` with (c alpha, c sigma) are the same question."""
    problem, other = (Problem(network(), make_schedule(name)) for name in ("vp-linear", "edm"))
    lam = 0.7
    t, s = (float(p.schedule.time_of(torch.tensor(lam, dtype=torch.float64))) for p in (problem, other))
    scale = float(other.schedule.alpha(s) / problem.schedule.alpha(t))
    torch.testing.assert_close(problem.x0(X, t), other.x0(scale * X, s), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(problem.eps(X, t), other.eps(scale * X, s), rtol=1e-5, atol=1e-6)


def test_precision_and_batches():
    model = network()
    v = model.predict(X, 0.8, 0.6, "v")
    assert v.dtype == torch.float64
    assert model.predict(X.float(), 0.8, 0.6, "v").dtype == torch.float32
    torch.testing.assert_close(model.predict(X[:2], 0.8, 0.6, "v"), v[:2], rtol=0, atol=1e-6)
    assert math.isfinite(float(model.predict(X, 1e-9, 1.0, "v").sum()))
    assert math.isfinite(float(model.predict(X, 1.0, 1e-9, "v").sum()))


def test_what_is_refused(tmp_path):
    with pytest.raises(ValueError, match="predicts v, not 'eps'"):
        network().predict(X, 0.8, 0.6, "eps")
    with pytest.raises(ValueError, match=r"x must have shape \(N, 2\), got \(6, 3\)"):
        network().predict(torch.zeros(6, 3), 0.8, 0.6, "v")
    with pytest.raises(ValueError, match="there is no weights file"):
        load_plane(tmp_path / "none.safetensors")
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"other\.safetensors holds a None, not a network for the plane"):
        load_plane(tmp_path / "other.safetensors")
    about = {"network": "PlaneNetwork", "arguments": {"width": 7}}
    save_checkpoint(tmp_path / "narrow.safetensors", PlaneNetwork(width=16).state_dict(), about)
    with pytest.raises(ValueError, match=r"narrow\.safetensors describes no network that can be built"):
        load_plane(tmp_path / "narrow.safetensors")
