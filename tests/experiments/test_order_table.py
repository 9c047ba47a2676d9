"""Measured orders and their intervals: known power laws come back, claims are judged, and the shown code agrees."""

import runpy

import numpy as np
import pytest
from pydantic import ValidationError

from core.analysis import FittedOrder, OrderInterval, order_interval
from core.experiments import ImageData, run_experiment
from core.experiments.code import snippet
from core.experiments.order_table import OrderTableSpec, _verdict
from core.grids import GRIDS
from core.solvers import SOLVERS

FIVE = ("vp-linear", "edm", "flow", "ve", "sub-vp")
STEPS = np.array([20, 40, 80, 160, 320])


def errors_of(order: float, spread: float, particles: int = 200, seed: int = 0) -> np.ndarray:
    """Particles whose errors fall as ``S**-order`` up to a factor of their own at every step count."""
    draws = np.random.default_rng(seed).normal(size=(len(STEPS), particles))
    return STEPS[:, None] ** -order * np.exp(spread * draws)


@pytest.mark.parametrize("measure", ["rms", "median"])
def test_an_exact_power_law_has_an_interval_without_width(measure: str):
    own = np.random.default_rng(1).uniform(0.5, 2, 50)  # particles differ, at every step count by the same factor
    found = order_interval(STEPS, STEPS[:, None] ** -2.0 * own, measure=measure)
    assert found.order == pytest.approx(2, abs=1e-9)
    assert (found.low, found.high) == pytest.approx((2, 2), abs=1e-9)


@pytest.mark.parametrize("measure", ["rms", "median"])
def test_the_interval_holds_the_true_order_about_as_often_as_it_says(measure: str):
    held = []
    for seed in range(60):
        found = order_interval(STEPS, errors_of(2.0, 0.2, seed=seed), measure=measure)
        assert found.low < found.order < found.high
        held.append(found.low <= 2 <= found.high)
    assert 0.9 <= np.mean(held) <= 1.0


def test_the_interval_narrows_as_particles_are_added():
    few, many = (order_interval(STEPS, errors_of(3.0, 0.1, particles=n)) for n in (50, 5000))
    assert (many.high - many.low) < (few.high - few.low) / 3


def test_a_bent_line_widens_the_interval_by_what_its_bend_allows():
    bent = 2.0 ** np.array([0.03, -0.03, 0.0, -0.03, 0.03])[:, None] * STEPS[:, None] ** -2.0 * np.ones(30)
    found = order_interval(STEPS, bent)
    assert found.order.reliable
    assert found.high - found.order == pytest.approx(2 * found.order.residual / 4)  # four doublings


def test_lost_runs_have_no_interval():
    found = order_interval(STEPS, np.full((5, 4), np.nan))
    assert np.isnan([found.order, found.low, found.high]).all()
    with pytest.raises(ValueError, match="one row of particle errors"):
        order_interval(STEPS, np.ones((4, 3)))
    with pytest.raises(ValueError, match="rms, median"):
        order_interval(STEPS, np.ones((5, 3)), measure="mean")


@pytest.fixture(scope="module")
def table():
    return run_experiment(
        OrderTableSpec(
            particles=48,
            solvers=("ddim", "dpmpp-3m", "dpmpp-3m-as-published"),
            schedules=("vp-linear", "edm"),
            grids=("uniform-lambda",),
            step_counts=(40, 80, 160, 320),
        )
    )


def verdicts(result, measure: str = "rms") -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for cell in result.cells:
        found.setdefault(str(cell.choice), set()).add(cell.judged[measure].verdict)
    return found


def test_claims_are_judged(table):
    found = verdicts(table)
    assert found["ddim"] == {"reached"}
    assert found["dpmpp-3m"] == {"reached"}
    assert found["dpmpp-3m-as-published"] == {"lost"}
    reasons = {cell.judged["rms"].reason for cell in table.cells if cell.choice.name == "dpmpp-3m-as-published"}
    assert reasons == {SOLVERS["dpmpp-3m-as-published"].note}
    frame = table.to_frame()
    assert len(frame) == 3 * 2 * 2
    assert ((frame["low"] <= frame["order"]) & (frame["order"] <= frame["high"])).all()


def test_an_interval_that_says_nothing_confirms_no_claim():
    spec = OrderTableSpec(solvers=("ddim",), schedules=("flow",), grids=("karras",), particles=4)
    order = FittedOrder(0.5, (20, 640), 0.01, 0.1, True, "made up")
    wide, narrow = OrderInterval(order, -1.0, 2.5), OrderInterval(order, 0.4, 1.1)
    errors = np.ones((6, 4))
    assert _verdict(spec, spec.solvers[0], wide, errors)[0] == "bent"
    assert _verdict(spec, spec.solvers[0], narrow, errors)[0] == "reached"


def test_a_ramp_loses_its_order_from_the_middle_and_a_single_step_start_keeps_it():
    spec = OrderTableSpec(
        particles=48,
        solvers=("dpmpp-3m", "dpmpp-3m(start=single-step)"),
        schedules=("vp-linear", "edm"),
        grids=("uniform-lambda",),
        step_counts=(40, 80, 160, 320),
        begin="middle",
    )
    found = run_experiment(spec)
    assert verdicts(found) == {"dpmpp-3m": {"lost"}, "dpmpp-3m(start=single-step)": {"reached"}}
    ramp = found.cells[0].judged["rms"]
    assert ramp.interval.high < 2.5
    assert "ramp" in ramp.reason


@pytest.mark.parametrize("begin", ["noise", "middle"])
def test_the_shown_code_repeats_the_orders(begin: str, tmp_path):
    spec = OrderTableSpec(
        particles=7, solvers=("ddim", "dpmpp-2m"), schedules=("flow",), step_counts=(5, 10, 20), begin=begin, seed=4
    )
    file = tmp_path / "picture.py"
    file.write_text(snippet(spec))
    orders = runpy.run_path(str(file))["orders"]
    for cell in run_experiment(spec).cells:
        for measure, judged in cell.judged.items():
            shown = orders[cell.choice.name, "{}", cell.schedule, str(cell.grid), measure]
            assert tuple(map(float, shown)) == tuple(map(float, judged.interval))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"solvers": ("rk45",)}, "chooses its own steps"),
        ({"solvers": ("ddpm",)}, "draws noise"),
        ({"step_counts": (10, 5, 20)}, "must rise"),
        ({"step_counts": (10, 20)}, "at least 3 items"),
        (
            {"step_counts": tuple(range(910, 1000, 10)), "grids": tuple(GRIDS)[:4], "schedules": FIVE},
            "too many to wait",
        ),
        ({"data": ImageData(), "particles": 4}, "images data go from 1 to 200"),
    ],
)
def test_what_cannot_be_measured_is_refused(fields: dict, message: str):
    with pytest.raises(ValidationError, match=message):
        OrderTableSpec(**fields)
