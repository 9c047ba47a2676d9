"""Another last step, and predictions kept within the range of images."""

import pytest
import torch

from core.grids import make_grid
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve
from core.solvers import SOLVERS
from core.solvers.thresholding import dynamic, static
from tests.solvers.exact import Asked, DiagonalGaussian, three_mode_problem, three_modes

VP = make_schedule("vp-linear")
PROBLEM = three_mode_problem(VP)
TIMES = make_grid("uniform-lambda", VP, 6, 0.9, 0.01)
X = PROBLEM.sample_prior(16, 0.9, 0)
FIXED = [name for name, info in SOLVERS.items() if not (info.adaptive or info.stochastic)]
CALM = [name for name in FIXED if name not in ("pndm", "dpm-fast")]  # whose steps hang together


@pytest.mark.parametrize("solver", CALM)
def test_an_euler_step_at_the_end_is_ddim(solver):
    run = solve(PROBLEM, solver, TIMES, X, final="euler")
    before = solve(PROBLEM, solver, TIMES[:-1], X).final
    torch.testing.assert_close(run.states[-2], before, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(run.final, solve(PROBLEM, "ddim", TIMES[-2:], before).final, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("solver", FIXED)
def test_denoising_at_the_end_is_one_evaluation_more(solver):
    asked = Asked(three_modes())
    run = solve(Problem(asked, VP), solver, TIMES, X, final="denoise")
    plain = solve(PROBLEM, solver, TIMES, X)
    assert run.nfe == asked.count == plain.nfe + 1
    torch.testing.assert_close(run.final, PROBLEM.x0(plain.final, TIMES[-1]), rtol=1e-12, atol=1e-13)


def test_one_step_alone_can_be_the_last():
    one = TIMES[[0, -1]]
    euler = solve(PROBLEM, "dpmpp-2m", one, X, final="euler").final
    torch.testing.assert_close(euler, solve(PROBLEM, "ddim", one, X).final, rtol=1e-12, atol=1e-13)


def test_denoising_is_the_step_to_no_noise_of_a_gaussian():
    """DDIM's step to sigma = 0 returns the prediction: the limit of ever smaller last times."""
    schedule = make_schedule("edm", t_min=1e-9)
    problem = Problem(DiagonalGaussian([0.3, -0.2], [0.5, 2.0]), schedule)
    times = make_grid("karras", schedule, 8, 80.0, 0.01)
    x = problem.sample_prior(8, 80.0, 0)
    denoised = solve(problem, "edm-heun", times, x, final="denoise").final
    longer = torch.cat([times, torch.tensor([1e-9], dtype=torch.float64)])
    stepped = solve(problem, "edm-heun", longer, x, final="euler").final
    torch.testing.assert_close(denoised, stepped, rtol=0, atol=1e-7)


class TestThresholding:
    def test_static(self):
        x0 = torch.tensor([[-3.0, 0.2, 1.5]])
        torch.testing.assert_close(static(x0), torch.tensor([[-1.0, 0.2, 1.0]]))

    def test_dynamic_divides_by_the_quantile_of_each_image(self):
        images = torch.linspace(-2, 2, 401, dtype=torch.float64).repeat(2, 1)
        images[1] *= 0.2  # within the range: left alone
        out = dynamic(images.reshape(2, 1, 1, 401)).reshape(2, 401)
        s = float(torch.quantile(images[0].abs(), 0.995))
        torch.testing.assert_close(out[0], images[0].clamp(-s, s) / s)
        assert torch.equal(out[1], images[1])
        assert float(out.abs().max()) == pytest.approx(1)
        assert torch.equal(dynamic(out.reshape(2, 1, 1, 401)).reshape(2, 401), out), "done twice it changes nothing"

    @pytest.mark.parametrize("rule", ["static", "dynamic"])
    @pytest.mark.parametrize("solver", ["ddim", "dpmpp-2m", "dpm-3s", "heun", "unipc-bh2-2", "dpm-fast"])
    def test_predictions_that_fit_are_left_alone(self, solver, rule):
        problem = Problem(DiagonalGaussian([0.1, -0.2], [1e-4, 4e-4]), VP)
        x = problem.sample_prior(16, 0.9, 0)
        plain = solve(problem, solver, TIMES, x)
        torch.testing.assert_close(
            solve(problem, solver, TIMES, x, thresholding=rule).final, plain.final, rtol=1e-9, atol=1e-9
        )
        assert float(plain.x0_predictions.abs().max()) < 1

    @pytest.mark.parametrize("rule", ["static", "dynamic"])
    def test_data_outside_the_range_are_pulled_in(self, rule):
        """The last step aims at the thresholded prediction, so that samples end near the box."""
        problem = Problem(DiagonalGaussian([2.0, 0.0], [0.01, 0.01]), VP)
        x = problem.sample_prior(16, 0.9, 0)
        plain, bent = (
            solve(problem, "dpmpp-2m", TIMES, x, thresholding=name, final="denoise").final for name in ("none", rule)
        )
        assert float(plain[:, 0].min()) > 1.5
        assert float(bent.abs().max()) <= 1 + 1e-12

    def test_half_precision_particles(self):
        out = dynamic(torch.full((1, 4), 3.0, dtype=torch.bfloat16))
        assert out.dtype == torch.bfloat16
        assert out.tolist() == [[1.0] * 4]


def test_wrong_choices_are_named():
    with pytest.raises(ValueError, match="final of ddim must be one of solver, euler, denoise; got 'heun'"):
        solve(PROBLEM, "ddim", TIMES, X, final="heun")
    with pytest.raises(ValueError, match="thresholding of ddim must be one of none, static, dynamic; got True"):
        solve(PROBLEM, "ddim", TIMES, X, thresholding=True)
