"""Wall time: the fastest undisturbed repeat, never part of what repeats exactly, and asked for only on demand."""

import numpy as np
import pytest

from core.experiments import ConvergenceSpec, run_experiment, to_params
from core.experiments.code import snippet
from core.experiments.timing import ENOUGH, LEAST, MOST, PATIENCE, best_time
from core.figures import convergence as figures

SPEC = ConvergenceSpec(particles=8, step_counts=(5, 10, 40), path_steps=10, solvers=("ddim", "edm-heun"), seed=71)


class Clocks:
    """Wall and CPU clocks that each repeat moves on by the next given pair."""

    def __init__(self, *repeats: tuple[float, float]):
        self.repeats, self.done = repeats, 0
        self.wall_now = self.cpu_now = 0.0

    def work(self) -> None:
        wall, cpu = self.repeats[min(self.done, len(self.repeats) - 1)]
        self.done += 1
        self.wall_now, self.cpu_now = self.wall_now + wall, self.cpu_now + cpu

    def best(self, guarded: bool = True):
        return best_time(self.work, guarded, lambda: self.wall_now, lambda: self.cpu_now)


def test_the_fastest_repeat_counts():
    assert Clocks((0.09, 0.09), (0.05, 0.05), (0.07, 0.07)).best() == (pytest.approx(0.05), True)


def test_a_repeat_that_was_interrupted_counts_only_if_all_were():
    assert Clocks((0.06, 0.01), (0.08, 0.08), (0.07, 0.03)).best() == (pytest.approx(0.08), True)
    best = Clocks((0.06, 0.01), (0.05, 0.01)).best()
    assert best == (pytest.approx(0.05), False)
    assert Clocks((0.06, 0.01), (0.05, 0.01)).best(guarded=False) == (pytest.approx(0.05), True)


def test_repeats_are_as_many_as_their_length_asks_for():
    for wall, cpu, wanted in (
        (1e-3, 1e-3, MOST),
        (ENOUGH / 2, ENOUGH / 2, LEAST),
        (2.0, 2.0, 1),
        (PATIENCE / 4, 0.0, 5),
    ):
        clocks = Clocks((wall, cpu))
        clocks.best()
        assert clocks.done == wanted


def test_times_are_measured_where_asked_for_and_no_other_number_moves():
    plain, timed = run_experiment(SPEC), run_experiment(SPEC.model_copy(update={"timed": True}))
    for key, values in plain.to_arrays().items():
        np.testing.assert_array_equal(timed.to_arrays()[key], values)
    assert not any("Wall time" in note for note in plain.notes)
    assert any(note.startswith("Wall time was measured when") for note in timed.notes)
    for solver in timed.solvers:
        assert (solver.seconds > 0).all()
        assert solver.seconds[-1] > 2 * solver.seconds[0]  # eight times the steps
    ddim, heun = timed.solvers
    assert heun.seconds[-1] > ddim.seconds[-1]  # twice the evaluations
    again = run_experiment(SPEC.model_copy(update={"timed": True}))
    assert (again.solvers[0].seconds != timed.solvers[0].seconds).any(), "times are of now, never kept"


def test_wall_time_is_an_axis_that_says_what_it_is():
    timed = run_experiment(SPEC.model_copy(update={"timed": True}))
    figure = figures.error_figure(timed, against="ms")
    for trace, solver in zip((t for t in figure.data if t.showlegend is None), timed.solvers, strict=True):
        np.testing.assert_allclose(trace.x, 1000 * solver.seconds, rtol=1e-6)
    assert "(ms)" in figure.layout.xaxis.title.text
    assert "now" in figure.layout.xaxis.title.text
    assert "wall time" in figures.alt_error(timed, "ms")


def test_the_wish_travels_with_the_settings_and_the_code():
    timed = SPEC.model_copy(update={"timed": True})
    assert to_params(timed)["timed"] == "True"
    assert "seconds = min(" in snippet(timed)
    assert "seconds" not in snippet(SPEC)
