"""Half precision: input and output are rounded, nothing else is, and other precisions pass unchanged."""

import pytest
import torch

from core.models import GaussianMixture
from core.models.half import HalfPrecision
from core.problem import Problem
from core.schedules import make_schedule

MIXTURE = GaussianMixture(torch.tensor([[1.0, 0.0], [-1.0, 0.5]]), 0.05)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", ["x0", "eps"])
@pytest.mark.parametrize("sigma", [2.0, 0.1, 1e-4])
def test_the_answer_is_the_rounded_one_of_the_rounded_question(dtype, kind, sigma):
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    answer = HalfPrecision(MIXTURE).predict(x, 1.0, sigma, kind)
    assert answer.dtype == dtype
    exact = MIXTURE.predict(x.double(), 1.0, sigma, kind)
    near = torch.finfo(dtype)
    torch.testing.assert_close(answer.double(), exact, rtol=near.eps / 2 * 1.01, atol=float(near.tiny) + 1e-4 * sigma)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_other_precisions_pass_unchanged(dtype):
    x = torch.randn(20, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
    half = HalfPrecision(MIXTURE)
    torch.testing.assert_close(half.predict(x, 0.7, 0.7, "eps"), MIXTURE.predict(x, 0.7, 0.7, "eps"), rtol=0, atol=0)


def test_it_is_what_the_model_is():
    half = HalfPrecision(MIXTURE)
    assert (half.shape, half.native, half.exact) == (MIXTURE.shape, MIXTURE.native, True)
    problem = Problem(half, make_schedule("flow"))
    torch.testing.assert_close(problem.sample_data(4, 0), MIXTURE.sample(4, 0))
    x = torch.zeros(3, 2, dtype=torch.bfloat16)
    torch.testing.assert_close(problem.log_density(x, 0.5), MIXTURE.log_density(x.float(), 0.5, 0.5))
