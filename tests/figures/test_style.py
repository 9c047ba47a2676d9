"""One look: every solver can be told apart, and no figure fixes the colour of the page."""

import itertools
import textwrap

import numpy as np

from core.experiments import ConvergenceSpec, TrajectoriesSpec
from core.figures.style import batched, schedule_style, solver_style, wrapped
from core.schedules import SCHEDULES
from core.solvers import SOLVERS


def test_every_solver_and_schedule_has_a_look_of_its_own():
    for names, style in ((SOLVERS, solver_style), (SCHEDULES, schedule_style)):
        looks = [style(name) for name in names]
        assert len(set(looks)) == len(looks)


def test_solvers_shown_together_by_default_differ_in_colour():
    for kind in (TrajectoriesSpec, ConvergenceSpec):
        for a, b in itertools.combinations(kind().solvers, 2):
            assert solver_style(a.name).colour != solver_style(b.name).colour


def test_batched_paths_are_one_line_with_gaps():
    line = batched(np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]))
    assert line.dtype == np.float32
    np.testing.assert_array_equal(line, [1, 2, 3, np.nan, 10, 20, 30, np.nan])


def test_lines_are_no_longer_than_asked_in_either_language():
    english = "below this line: what rounding leaves of the difference between two runs in float64"
    assert wrapped(english, 30) == "<br>".join(textwrap.wrap(english, 30))
    chinese = "此线以下：float64 中两次运行之差在舍入后剩下的部分（DPM-Solver++ 2M），无法测量。"
    lines = wrapped(chinese, 20).split("<br>")
    assert max(sum(2 if sign > "\u2e7f" else 1 for sign in line) for line in lines) <= 22  # punctuation may hang over
    assert not any(line[0] in "，。：）" for line in lines)
    assert "".join(lines).replace(" ", "") == chinese.replace(" ", "")
