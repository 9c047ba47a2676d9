"""Pictures of single steps: every error at its step, phases by their marks, and no number that was not measured."""

import dataclasses

import numpy as np
import pytest

from core.experiments import run_experiment
from core.experiments.local_error import PHASES, LocalErrorSpec
from core.figures import local_error as figures


@pytest.fixture(scope="module")
def result():
    spec = LocalErrorSpec(particles=6, steps=7, solvers=("ddim", "dpmpp-3m", "dpmpp-3m(start=single-step)"))
    return run_experiment(spec)


@pytest.mark.parametrize("what", figures.WHAT)
def test_each_step_has_its_error_and_the_mark_of_its_phase(result, what):
    figure = figures.steps_figure(result, what)
    assert figure.layout.yaxis.title.text == figures.WHAT[what]
    for trace, one in zip(figure.data, result.solvers, strict=True):
        np.testing.assert_array_equal(trace.x, np.arange(1, 8))
        np.testing.assert_allclose(trace.y, getattr(one, what), rtol=1e-6)
        assert [figures.SYMBOLS.index(symbol) for symbol in trace.marker.symbol] == one.phase.tolist()
    assert figure.data[1].marker.symbol[:3] == ("circle-open", "circle-open", "circle")


def test_one_solver_with_other_options_has_its_colour_and_another_dash(result):
    _, one, other = figures.steps_figure(result).data
    assert one.line.color == other.line.color
    assert one.line.dash != other.line.dash


def test_phases_stand_at_what_they_add(result):
    figure = figures.phases_figure(result)
    for phase in range(len(PHASES)):
        values = np.array([one.by_phase[phase] for one in result.solvers])
        drawn = np.asarray(figure.data[phase].x, dtype=float)
        np.testing.assert_allclose(drawn, values[values > 0], rtol=1e-6)
        assert len(drawn) == (2 if phase == 0 else 3)  # DDIM has no start-up: nothing is drawn
    np.testing.assert_allclose(figure.data[4].x, [one.end for one in result.solvers], rtol=1e-6)


def test_words_say_which_step_costs_most(result):
    one = result.solvers[0]
    worst = int(one.carried.argmax())
    assert f"most in step {worst + 1} (" in figures.alt_steps(result)
    assert f"measured {one.end:.2g}" in figures.alt_phases(result)


def test_nothing_is_drawn_that_was_not_carried(result):
    from core.data import IMAGE_DATA
    from core.experiments import ImageData

    learned = next(name for name, info in IMAGE_DATA.items() if not info.exact)
    spec = LocalErrorSpec(data=ImageData(name=learned), particles=2, steps=7)
    other = dataclasses.replace(result, spec=spec)
    for draw in (figures.steps_figure, figures.phases_figure, figures.alt_steps, figures.alt_phases):
        with pytest.raises(ValueError, match="not carried"):
            draw(other)
    assert figures.steps_figure(other, "local").data
    with pytest.raises(ValueError, match="carried, local"):
        figures.steps_figure(result, "global")
