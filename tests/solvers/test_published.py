"""Defects of public code: each is measured, beside the version that mends it, and told from a slow start."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from core.analysis import rms_error
from core.grids import make_grid
from core.problem import Problem, levels_at
from core.schedules import make_schedule
from core.solve import solve
from core.solvers import SOLVERS
from core.solvers.integrals import Kernel, ends_of
from core.solvers.published import misplaced_bracket, varying_coefficients
from tests.solvers.exact import Asked, three_mode_problem, three_modes

EDM = make_schedule("edm")
MENDED = [(name, info.mended_by) for name, info in SOLVERS.items() if info.mended_by]


def slopes(solver: str, schedule, lam: tuple[float, float], grid: str, steps=(80, 160, 320, 640), **options):
    """Local orders, and the errors; ``options`` may hold ``rho`` of the grid."""
    grid_options = {"rho": options.pop("rho")} if "rho" in options else {}
    problem = three_mode_problem(schedule)
    first, last = (float(schedule.time_of(value)) for value in lam)
    x = problem.sample_marginal(64, first, seed=1)
    exact = solve(problem, "reference", make_grid("uniform-t", schedule, 1, first, last), x, record=False).final
    errors = [
        rms_error(
            solve(
                problem, solver, make_grid(grid, schedule, n, first, last, **grid_options), x, record=False, **options
            ).final,
            exact,
        )
        for n in steps
    ]
    return [math.log2(a / b) for a, b in pairwise(errors)], errors


@pytest.mark.parametrize(("published", "mended"), MENDED)
def test_what_is_lost_is_kept_by_the_version_that_mends_it(published, mended):
    lost, kept = SOLVERS[published], SOLVERS[mended]
    assert lost.note
    assert lost.claimed_order <= kept.claimed_order or lost.name == "pndm-as-published"
    assert lost.order < kept.order or lost.name == "pndm-as-published"
    assert not kept.mended_by


@pytest.mark.parametrize("start", ["ramp", "single-step"])
@pytest.mark.parametrize("nodes", [3, 4])
def test_constant_weights_have_their_order_on_even_steps_only(nodes, start):
    """iPNDM: even steps in sigma/alpha give the full order, any other grid 2, whatever the start."""
    name = f"ipndm-{nodes}"
    even, _ = slopes(name, EDM, (-1.0, 1.5), "karras", rho=1.0, start="single-step")
    uneven, errors = slopes(name, EDM, (-4.0, 1.5), "karras", start=start)
    _, variable = slopes(f"ipndm-v-{nodes}", EDM, (-4.0, 1.5), "karras", start=start)
    assert even[-1] == pytest.approx(nodes, abs=0.15)
    assert uneven[-1] == pytest.approx(2, abs=0.15)
    assert variable[-1] < errors[-1] / (4 if nodes == 3 else 20)


def test_on_even_steps_constant_and_variable_weights_are_the_same():
    problem = three_mode_problem(EDM)
    times = make_grid("karras", EDM, 12, 2.0, 0.4, rho=1.0)
    x = problem.sample_marginal(16, 2.0, 0)
    for nodes in (2, 3, 4):
        even, variable = (solve(problem, f"{name}-{nodes}", times, x).states for name in ("ipndm", "ipndm-v"))
        torch.testing.assert_close(even, variable, rtol=1e-10, atol=1e-11)
    for nodes in (3, 4):  # so does the public variable-step code for three values; for four its sign shows
        public = solve(problem, f"ipndm-v-{nodes}", times, x, weights="as-published").states
        variable = solve(problem, f"ipndm-v-{nodes}", times, x).states
        assert (float((public - variable).abs().max()) < 1e-11) == (nodes == 3)


def test_the_public_variable_step_weights():
    """Four values: order 3 where steps grow by a constant factor, as the weights then sum to one; 2 elsewhere.

    Three values: the wrong bracket is off by O(h) in the last difference only. That costs no order where neighbouring
    steps are nearly equal.
    """
    span = (-4.0, 1.5)
    geometric, _ = slopes("ipndm-v-4", EDM, span, "uniform-lambda", weights="as-published", start="single-step")
    elsewhere, errors = slopes(
        "ipndm-v-4", EDM, span, "karras", (320, 640, 1280), weights="as-published", start="single-step"
    )
    assert geometric[-1] == pytest.approx(3, abs=0.2)
    assert elsewhere[-1] == pytest.approx(2, abs=0.25)
    _, right = slopes("ipndm-v-4", EDM, span, "karras", (320, 640, 1280), start="single-step")
    assert right[-1] < errors[-1] / 100
    three, _ = slopes("ipndm-v-3", EDM, span, "karras", weights="as-published", start="single-step")
    assert three[-1] == pytest.approx(3, abs=0.15)


def test_the_sums_of_the_public_weights():
    levels = levels_at(EDM, torch.tensor([3.0, 2.5, 2.1, 1.6, 1.2], dtype=torch.float64))  # uneven
    history, nxt = levels[3::-1], levels[4]
    for count in (2, 3):
        weights = misplaced_bracket(Kernel("eps", "rho"), EDM, history[:count], nxt)
        assert weights.sum() == pytest.approx(1.2 - 1.6, rel=1e-12)
    assert misplaced_bracket(Kernel("eps", "rho"), EDM, history, nxt).sum() != pytest.approx(-0.4, rel=1e-3)
    exact = Kernel("eps", "rho").weights(EDM, ends_of([history[0]], [nxt]), np.array([[e.lam for e in history]]))
    assert exact.sum() == pytest.approx(-0.4, rel=1e-12)


@pytest.mark.parametrize("prediction", ["eps", "x0"])
def test_the_varying_corrector_is_not_exact_for_a_line(prediction):
    """A corrector of order 2 should integrate a prediction that is linear in lambda; the public one does not."""
    schedule = make_schedule("vp-linear")
    levels = levels_at(schedule, torch.tensor([0.6, 0.5, 0.42, 0.36], dtype=torch.float64))
    history, nxt = levels[2::-1], levels[3]
    kernel = Kernel(prediction)
    places = np.array([[nxt.lam, *(level.lam for level in history)]])
    ends = ends_of([history[0]], [nxt])
    for count in (1, 2, 3):
        known = places[:, : count + 1]
        right = kernel.weights(schedule, ends, known)[0]
        public = varying_coefficients(kernel, schedule, history[:count], nxt)
        off = public - right
        assert abs(off.sum()) < 1e-12  # a constant is integrated exactly
        if count == 1:
            np.testing.assert_allclose(off, 0, atol=1e-12)  # one value: nothing to mix up
        else:
            assert abs(off @ (known[0] - history[0].lam)) > 1e-3


def test_the_varying_predictor_alone_keeps_its_order():
    span, schedule = (-4.3, 3.5), make_schedule("vp-linear")
    pair, _ = slopes("unipc-vary-2-as-published", schedule, span, "uniform-lambda")
    alone, _ = slopes("unip-2", schedule, span, "uniform-lambda")
    assert pair[-1] == pytest.approx(1, abs=0.15)
    assert alone[-1] == pytest.approx(2, abs=0.15)


def test_the_repeated_first_step_of_pndm():
    """It asks twice where it keeps one value, and its start of lower order shows on even steps from mid-schedule."""
    asked = Asked(three_modes())
    problem = Problem(asked, EDM)
    times = make_grid("karras", EDM, 8, 2.0, 0.4, rho=1.0)
    run = solve(problem, "pndm-as-published", times, problem.sample_prior(4, 2.0, 0))
    assert asked.count == run.nfe == 9
    assert run.evaluation_times[1:3].tolist() == pytest.approx([float(times[1])] * 2)  # the same place twice
    public, errors = slopes("pndm-as-published", EDM, (0.5, 1.5), "karras", rho=1.0)
    runge_kutta, better = slopes("pndm", EDM, (0.5, 1.5), "karras", rho=1.0)
    assert public[-1] == pytest.approx(3, abs=0.15)
    assert runge_kutta[-1] == pytest.approx(4, abs=0.15)
    assert better[-1] < errors[-1] / 10


def test_the_repeated_first_step_is_the_mean_of_two_slopes():
    problem = three_mode_problem(EDM)
    times = make_grid("karras", EDM, 5, 2.0, 0.4)
    x = problem.sample_prior(8, 2.0, 0)
    step = float(times[1] - times[0])
    first = problem.eps(x, times[0])
    expected = x + step / 2 * (first + problem.eps(x + step * first, times[1]))
    run = solve(problem, "pndm-as-published", times, x)
    torch.testing.assert_close(run.states[1], expected, rtol=1e-12, atol=1e-13)
    slope = (3 * problem.eps(run.states[1], times[1]) - first) / 2
    torch.testing.assert_close(
        run.states[2], run.states[1] + float(times[2] - times[1]) * slope, rtol=1e-12, atol=1e-13
    )


def test_the_coarse_quadrature_of_deis_ends_in_an_error_of_first_order():
    schedule = make_schedule("vp-linear")
    public, errors = slopes(
        "deis-tab-3", schedule, (-4.3, 3.5), "uniform-lambda", (160, 320, 640), quadrature="left-sum"
    )
    _, exact = slopes("deis-tab-3", schedule, (-4.3, 3.5), "uniform-lambda", (160, 320, 640))
    assert public[-1] == pytest.approx(1, abs=0.15)
    assert errors[-1] > 100 * exact[-1]
