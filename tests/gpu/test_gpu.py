"""What only a GPU can show. Without one every test here is reported as not run."""

import copy

import pytest
import torch

from core.data import image_family, make_images
from core.grids import make_grid
from core.models.guidance import GUIDANCE
from core.models.network import NetworkModel
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="not run: PyTorch finds no CUDA device here")
CLOSE = {torch.float32: 2e-4, torch.float16: 2e-2, torch.bfloat16: 8e-2}


def on(device: str, dtype: torch.dtype = torch.float32) -> NetworkModel:
    """The digits network on a device."""
    model = copy.copy(make_images("unet-digits", 3))
    model.net = copy.deepcopy(model.net).to(device)
    if dtype != torch.float32:
        model.net.convert_to(dtype)
    return model


@pytest.mark.parametrize("dtype", CLOSE)
def test_the_network_answers_as_on_the_cpu(dtype):
    x = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for alpha, sigma in ((0.1, 0.995), (0.7, 0.71), (0.99, 0.14)):
        ours = on("cuda", dtype).predict(x, alpha, sigma, "eps")
        assert ours.device == x.device
        wanted = on("cpu").predict(x, alpha, sigma, "eps")
        assert float((ours - wanted).abs().max()) < CLOSE[dtype] * float(wanted.abs().max())


@pytest.mark.parametrize("solver", ["ddim", "dpmpp-2m", "edm-heun"])
def test_a_run_ends_where_it_ends_on_the_cpu(solver):
    schedule = make_schedule("vp-linear")
    times = make_grid("uniform-lambda", schedule, 10)
    ends = []
    for device in ("cpu", "cuda"):
        problem = Problem(on(device), schedule)
        x = problem.sample_prior(4, float(times[0]), 0, torch.float32)
        ends.append(solve(problem, solver, times, x, record=False).final)
    assert float((ends[0] - ends[1]).abs().max()) < 1e-2


def test_guidance_by_a_classifier_runs_there():
    guided = GUIDANCE["classifier"].make(image_family("unet-digits"), 3, scale=2.0)
    x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.isfinite(guided.predict(x, 0.7, 0.71, "eps")).all()
