"""The steps that adaptive solvers tried."""

import numpy as np
import pytest

from core.experiments import TrajectoriesSpec, run_experiment
from core.figures import attempts


@pytest.fixture(scope="module")
def adaptive():
    return run_experiment(TrajectoriesSpec(particles=8, solvers=("dpm-23-adaptive", "ddim", "rk45"), steps=5))


def test_attempts_lie_above_one_where_they_were_thrown_away(adaptive):
    figure = attempts.attempts_figure(adaptive)
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    for trace in marks:
        above = np.asarray(trace.y) > 1
        assert above.all() if "thrown away" in trace.name else not above.any()
    assert sum(len(trace.x) for trace in marks) == sum(len(p.tried.nfe) for p in attempts.adaptive_paths(adaptive))
    words = attempts.attempts_in_words(adaptive)
    path = adaptive.paths[0]
    assert f"tried {len(path.tried.nfe)} steps" in words
    assert f"threw {path.tried.rejected} away" in words
    assert len(attempts.attempts_table(adaptive)) == sum(len(p.tried.nfe) for p in attempts.adaptive_paths(adaptive))


def test_without_adaptive_solvers_there_is_nothing_to_show(trajectories):
    assert "no solver here" in attempts.attempts_figure(trajectories).layout.annotations[0].text
    assert attempts.attempts_table(trajectories).empty
