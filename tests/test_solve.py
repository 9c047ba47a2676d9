"""The loop: counting, recording, progress, stopping, and what it refuses."""

import math
from dataclasses import replace

import pytest
import torch

from core.grids import make_grid
from core.models import Model
from core.problem import Problem, convert
from core.schedules import SCHEDULES, make_schedule
from core.solve import Run, solve
from core.solvers import SOLVERS
from tests.solvers.exact import Asked, three_mode_problem, three_modes

VP = make_schedule("vp-linear")
PROBLEM = three_mode_problem(VP)
TIMES = make_grid("uniform-lambda", VP, 8, 0.9, 0.01)
X = PROBLEM.sample_prior(12, 0.9, 0)
ALL_SOLVERS = pytest.mark.parametrize("solver", SOLVERS)
ADAPTIVE = [name for name, info in SOLVERS.items() if info.adaptive]
FIXED = [name for name, info in SOLVERS.items() if not info.adaptive]


# a corrector asks at the predicted state and then moves it; the fast mix asks at the start of a group, Langevin
# dynamics at the next level, churn at a raised one
ASKED_ELSEWHERE = {name: tuple(range(8)) for name in SOLVERS if name.startswith(("unipc", "sa-solver"))}
ASKED_ELSEWHERE["dpm-fast"] = (0, 0, 2, 2, 2, 5, 5, 5)
ASKED_ELSEWHERE["annealed-langevin"] = (1, *range(1, 8))
RAISED = "edm-stochastic"


class Watched(Asked):
    """Keeps every answer as x0, with the levels it was given at."""

    def __init__(self, model):
        super().__init__(model)
        self.answers = []

    def predict(self, x, alpha, sigma, kind):
        value = super().predict(x, alpha, sigma, kind)
        self.answers.append(((alpha, sigma), convert(value, kind, "x0", x, alpha, sigma)))
        return value


@ALL_SOLVERS
class TestEverySolver:
    def test_evaluations_are_counted_at_the_model(self, solver):
        asked = Asked(three_modes())
        run = solve(Problem(asked, VP), solver, TIMES, X)
        assert run.nfe == asked.count == len(run.evaluation_times)
        if SOLVERS[solver].nfe_per_step is not None:
            assert run.nfe == 8 * SOLVERS[solver].nfe_per_step + SOLVERS[solver].extra_nfe
            assert SOLVERS[solver].steps_within(run.nfe) == 8
        if "start" in SOLVERS[solver].options:
            single = solve(Problem(Asked(three_modes()), VP), solver, TIMES, X, start="single-step")
            nodes = SOLVERS[solver].make().nodes
            assert single.nfe == 8 + (nodes - 1) * (nodes - 1)

    def test_a_model_that_costs_more_is_counted_so(self, solver):
        asked = Asked(three_modes())
        asked.evaluations = 2  # as guidance does
        run = solve(Problem(asked, VP), solver, TIMES, X)
        assert run.nfe == 2 * asked.count

    def test_evaluation_times_lie_on_the_span(self, solver):
        run = solve(PROBLEM, solver, TIMES, X)
        if solver != RAISED:
            first = TIMES[ASKED_ELSEWHERE.get(solver, (0,))[0]]
            assert float(run.evaluation_times[0]) == pytest.approx(float(first))
            assert float(run.evaluation_times.max()) <= 0.9 + 1e-9
        assert float(run.evaluation_times.max()) <= 1.0
        assert float(run.evaluation_times.min()) >= 0.01 - 1e-9

    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
    def test_what_is_recorded(self, solver, dtype):
        x = X.to(dtype)
        run = solve(PROBLEM, solver, TIMES, x)
        assert torch.equal(run.times, TIMES)
        assert run.states.shape == (9, 12, 2)
        assert run.x0_predictions.shape == (8, 12, 2)
        assert run.states.dtype == run.x0_predictions.dtype == run.final.dtype == dtype
        assert torch.equal(run.states[0], x)
        assert torch.equal(run.states[-1], run.final)
        assert torch.isfinite(run.states).all()
        assert run.complete
        assert run.seconds > 0
        assert (run.solver, run.diverged_at, run.cancelled, run.message) == (solver, None, False, "")

    def test_x0_predictions_are_those_at_the_start_of_each_step(self, solver):
        watched = Watched(three_modes())
        run = solve(Problem(watched, VP), solver, TIMES, X)
        if SOLVERS[solver].adaptive:
            run = replace(run, x0_predictions=run.x0_predictions[:1])
        for i, predicted in enumerate(run.x0_predictions):
            if solver == RAISED:
                assert any(torch.equal(predicted, x0) for _, x0 in watched.answers)
            elif solver not in ASKED_ELSEWHERE:
                torch.testing.assert_close(predicted, PROBLEM.x0(run.states[i], TIMES[i]), rtol=0, atol=1e-11)
            else:
                level = PROBLEM.level(TIMES[ASKED_ELSEWHERE[solver][i]])
                answers = [x0 for at, x0 in watched.answers if at == (level.alpha, level.sigma)]
                assert any(torch.equal(predicted, x0) for x0 in answers)

    def test_not_recording_changes_nothing_else(self, solver):
        bare, recorded = solve(PROBLEM, solver, TIMES, X, record=False), solve(PROBLEM, solver, TIMES, X)
        assert bare.states is None
        assert bare.x0_predictions is None
        assert torch.equal(bare.final, recorded.final)
        assert bare.nfe <= recorded.nfe  # adaptive methods evaluate to interpolate

    def test_single_precision_follows_double(self, solver):
        double, single = solve(PROBLEM, solver, TIMES, X), solve(PROBLEM, solver, TIMES, X.float())
        torch.testing.assert_close(single.final.double(), double.final, rtol=0, atol=1e-3)

    def test_progress_and_input_are_respected(self, solver):
        seen: list[tuple[int, int]] = []
        x = X.clone()
        solve(PROBLEM, solver, TIMES, x, progress=lambda done, steps: seen.append((done, steps)))
        assert seen == [(i, 8) for i in range(1, 9)]
        assert torch.equal(x, X)  # the caller's tensor is left alone

    def test_cancel_before_a_step(self, solver):
        done: list[int] = []
        run = solve(
            PROBLEM,
            solver,
            TIMES,
            X,
            progress=lambda i, steps: done.append(i),
            cancel=lambda: len(done) >= 3,
        )
        assert run.cancelled
        assert not run.complete
        assert run.message == "cancelled after 3 of 8 steps"
        assert len(run.times) == len(run.states) == 4
        assert len(run.x0_predictions) == 3
        assert torch.isnan(run.final).all()
        assert torch.isfinite(run.states).all()

    def test_cancel_at_once(self, solver):
        run = solve(PROBLEM, solver, TIMES, X, cancel=lambda: True)
        assert run.cancelled
        assert run.nfe == 0
        assert run.x0_predictions.shape == (0, 12, 2)
        assert len(run.states) == 1

    @pytest.mark.parametrize("schedule", SCHEDULES)
    def test_the_ends_of_every_schedule_are_within_reach(self, solver, schedule):
        problem = three_mode_problem(make_schedule(schedule))
        for grid in ("uniform-lambda", "uniform-t"):
            times = make_grid(grid, problem.schedule, 6)
            for dtype in (torch.float64, torch.float32):
                x = problem.sample_prior(4, float(times[0]), 0, dtype)
                run = solve(problem, solver, times, x, record=False)
                # Runge-Kutta in t is unstable on so few steps; it may leave the range, and must then say so
                assert torch.isfinite(run.final).all() or run.diverged_at is not None
                if SOLVERS[solver].family != "Runge-Kutta in t" and solver != "euler-maruyama":
                    assert torch.isfinite(run.final).all()


@pytest.mark.parametrize("solver", FIXED)
def test_solving_rows_apart_is_solving_them_together(solver):
    together = solve(PROBLEM, solver, TIMES, X, seed=3).states
    for rows in (slice(0, 1), slice(0, 5)):
        torch.testing.assert_close(
            solve(PROBLEM, solver, TIMES, X[rows], seed=3).states, together[:, rows], rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("solver", ADAPTIVE)
def test_cancel_inside_an_adaptive_step(solver):
    questions = []

    def cancel() -> bool:
        questions.append(None)
        return len(questions) > 4

    run = solve(PROBLEM, solver, TIMES[[0, -1]], X, cancel=cancel)
    assert run.cancelled
    assert 0 < run.nfe < 150


class Exploding(Model):
    """Right until lambda passes ``at``, then ``value`` (NaN, infinity, or too large)."""

    native = ("x0", "eps")

    def __init__(self, value: float, at: float, rows: slice = slice(None)):
        self.inner, self.value, self.at, self.rows = three_modes(), value, at, rows
        self.shape = self.inner.shape

    def predict(self, x, alpha, sigma, kind):
        answer = self.inner.predict(x, alpha, sigma, kind)
        if math.log(alpha / sigma) > self.at:
            answer[self.rows] = self.value
        return answer


@pytest.mark.parametrize("solver", [name for name, info in SOLVERS.items() if not info.exact_data])
@pytest.mark.parametrize("value", [math.nan, math.inf, 1e12])
@pytest.mark.filterwarnings("error")
class TestDivergence:
    def test_a_run_stops_and_keeps_what_it_had(self, solver, value):
        middle = float(VP.log_snr(TIMES[4])) + 1e-9  # the fifth level is still right
        run = solve(Problem(Exploding(value, middle), VP), solver, TIMES, X)
        if value == 1e12 and SOLVERS[solver].adaptive:
            return  # a finite answer can be followed with short steps: whether it is left is up to the method
        assert not run.complete
        assert 3 <= run.diverged_at <= 6
        assert len(run.states) == len(run.times) == run.diverged_at + 1
        assert torch.isfinite(run.states).all()
        assert torch.isnan(run.final).all()
        assert run.final.shape == X.shape
        assert f"step {run.diverged_at + 1} of 8" in run.message
        assert "\n" not in run.message

    def test_from_the_first_evaluation(self, solver, value):
        run = solve(Problem(Exploding(value, -math.inf), VP), solver, TIMES, X)
        if value == 1e12 and SOLVERS[solver].adaptive:
            return
        assert run.diverged_at == 0
        assert torch.isnan(run.final).all()
        assert torch.equal(run.states[0], X)
        assert len(run.states) == 1


def test_the_message_counts_the_lost_particles():
    run = solve(Problem(Exploding(math.nan, -math.inf, slice(0, 5)), VP), "ddim", TIMES, X)
    assert run.message.startswith("diverged in step 1 of 8 (t = ")
    assert "5 of 12 particles" in run.message


def test_particles_far_out_are_no_divergence():
    schedule = make_schedule("edm")
    x = 1e8 * torch.ones(2, 2, dtype=torch.float64)
    run = solve(three_mode_problem(schedule), "ddim", make_grid("karras", schedule, 5), x)
    assert run.complete


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"solver": "dpmpp2m"}, r"unknown solver 'dpmpp2m' \(did you mean 'dpmpp-2m'\?\); choose one of: euler, "),
        ({"steps": 4}, "solver 'dpmpp-2m' has no option 'steps'; its options: start, lower_order_final"),
        ({"start": "ramps"}, "start of dpmpp-2m must be one of ramp, single-step; got 'ramps'"),
        ({"lower_order_final": 1}, "lower_order_final of dpmpp-2m must be one of False, True; got 1"),
        ({"solver": "ddim", "start": "ramp"}, "solver 'ddim' has no option 'start'; its options: final, thresholding"),
        ({"solver": "rk45", "rtol": 0.0}, "rtol of rk45 must be a number from 1e-13 to 1; got 0.0"),
        ({"solver": "rk45", "rtol": "1e-3"}, "rtol of rk45 must be a number"),
        ({"solver": "euler-maruyama", "eta": -1}, "eta of euler-maruyama must be a number from 0 to 3; got -1"),
        ({"solver": "euler-maruyama", "eta": math.nan}, "got nan"),
        (
            {"solver": "ddpm", "variance": "medium"},
            "variance of ddpm must be one of small, large, optimal, diagonal; got 'medium'",
        ),
        ({"times": TIMES.flip(0)}, "times must be one strictly decreasing row of at least 2 numbers"),
        ({"times": TIMES[:1]}, "at least 2 numbers"),
        ({"times": TIMES[None]}, r"at least 2 numbers, got shape \(1, 9\)"),
        ({"times": torch.tensor([0.5, math.nan])}, "strictly decreasing"),
        ({"times": torch.tensor([0.5, 0.5])}, "strictly decreasing"),
        ({"times": torch.tensor([1.5, 0.5])}, "times run from 1.5 to 0.5; the schedule allows 1 down to 0.0001"),
        ({"times": torch.tensor([0.5, 0.0])}, "the schedule allows 1 down to 0.0001"),
        ({"x_start": X[:, :1]}, r"x_start must have shape \(N, 2\), got \(12, 1\)"),
        ({"x_start": X[0]}, r"x_start must have shape \(N, 2\), got \(2,\)"),
        ({"x_start": X.int()}, "x_start must be a floating-point tensor"),
        ({"x_start": X.tolist()}, "x_start must be a floating-point tensor"),
        ({"x_start": X[:0]}, "x_start holds no particle"),
        ({"x_start": X * math.nan}, "x_start holds numbers that are not finite"),
        ({"seed": -1}, "seed must be a non-negative whole number, got -1"),
        ({"seed": 0.5}, "seed must be a non-negative whole number, got 0.5"),
    ],
)
def test_what_is_refused(change, message):
    arguments = {"solver": "dpmpp-2m", "times": TIMES, "x_start": X} | change
    with pytest.raises(ValueError, match=message) as caught:
        solve(PROBLEM, **arguments)
    assert "\n" not in str(caught.value)


def test_times_may_be_any_row_of_numbers():
    expected = solve(PROBLEM, "ddim", TIMES, X).final
    assert torch.equal(solve(PROBLEM, "ddim", TIMES.tolist(), X).final, expected)
    assert torch.equal(solve(PROBLEM, "ddim", TIMES.numpy(), X).final, expected)


def test_a_run_needs_no_gradient_and_leaves_none():
    run = solve(PROBLEM, "dpmpp-2m", TIMES, X.clone().requires_grad_())
    assert not run.final.requires_grad
    assert isinstance(run, Run)


@ALL_SOLVERS
def test_the_table_says_what_a_reader_needs(solver):
    info = SOLVERS[solver]
    assert info.name == solver
    for text in (info.title, info.family, info.description, info.formula, info.source):
        assert text.strip()
    assert info.description.endswith(".")
    if not info.stochastic:
        assert (info.order is None) == (info.nfe_per_step is None) == info.adaptive
    if info.order != info.claimed_order and not info.adaptive:
        assert info.note  # a lost order is explained
    for name, option in info.options.items():
        assert option.help.endswith(".")
        assert option.check(name, option.default) == option.default
    assert info.make() == info.make()


@pytest.mark.parametrize(("solver", "most"), [("rk4", 2), ("dpmpp-3s", 1), ("edm-heun", 1), ("rk45", 3)])
def test_a_run_can_be_stopped_between_the_evaluations_of_one_step(solver, most):
    watched = Watched(three_modes())
    run = solve(Problem(watched, VP), solver, TIMES, X, cancel=lambda: len(watched.answers) >= most)
    assert run.cancelled
    assert len(watched.answers) == run.nfe == most
    assert len(run.times) == 1
