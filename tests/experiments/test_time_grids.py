"""Grids made for a problem as an experiment: judged on other particles, repeatable, and honest about what it cannot."""

import runpy

import numpy as np
import pytest
from pydantic import ValidationError

from core.analysis.optimal_grids import OPTIMISED
from core.data import IMAGE_DATA
from core.experiments import ImageData, run_experiment
from core.experiments.code import snippet
from core.experiments.links import from_params, to_params
from core.experiments.time_grids import TimeGridsSpec, standard_grids
from core.experiments.trained import training_seed
from core.solve import Cancelled

SPEC = TimeGridsSpec(particles=48, training=32, nfe=5, schedule="edm", seed=4)


@pytest.fixture(scope="module")
def result():
    return run_experiment(SPEC)


def test_every_standard_grid_and_every_made_one_is_judged(result):
    assert {row.name for row in result.rows} == {*standard_grids(SPEC), *OPTIMISED}
    assert {row.name for row in result.rows if row.made} == set(OPTIMISED)
    assert all(row.nfe == 5 and len(row.times) == 6 for row in result.rows)
    medians = [row.median for row in result.rows]
    assert medians == sorted(medians)
    for row in result.rows:
        assert row.standing.low <= row.median <= row.standing.high
        assert (row.times[0], row.times[-1]) == (80.0, 0.002)


def test_the_grid_made_for_the_solver_beats_the_standard_ones_on_other_particles(result):
    (made,) = (row for row in result.rows if row.name == "optimised")
    standard = [row for row in result.rows if not row.made]
    assert made.training < min(row.training for row in standard)
    assert made.median < 0.5 * min(row.median for row in standard)
    assert result.ratio == result.best(True).median / result.best(False).median < 0.5
    assert made.training != made.median


def test_the_shown_code_repeats_the_numbers(result, tmp_path):
    path = tmp_path / "shown.py"
    path.write_text(snippet(SPEC))
    shown = runpy.run_path(str(path))["errors"]
    assert set(shown) == {row.name for row in result.rows}
    for row in result.rows:
        assert shown[row.name] == pytest.approx((row.training, row.median), rel=1e-9)


def test_particles_that_train_never_judge():
    for seed in (0, 1, 2**31 - 1):
        assert training_seed(seed) != seed
        assert 0 <= training_seed(seed) < 2**31


def test_a_budget_is_counted_and_kept():
    for solver, nfe, steps in (("heun", 5, 2), ("rk4", 9, 2)):
        found = run_experiment(TimeGridsSpec(particles=8, training=8, nfe=nfe, solver=solver))
        assert found.steps == steps
        assert {row.nfe for row in found.rows} == {nfe // steps * steps}


def test_image_sets_with_an_exact_score_have_grids_too():
    spec = TimeGridsSpec(data=ImageData(), particles=3, training=4, nfe=3)
    found = run_experiment(spec)
    assert np.isfinite(found.best(True).median)
    assert found.to_arrays()["held_out"].shape == (len(found.rows), 3)


def test_it_can_be_cancelled_while_a_grid_is_made():
    told = []

    def stop():
        return bool(told) and told[-1] > 0.3

    with pytest.raises(Cancelled):
        run_experiment(
            TimeGridsSpec(particles=16, training=16, nfe=6, seed=9), lambda fraction, doing: told.append(fraction), stop
        )
    assert told == sorted(told)


def test_tables_and_links(result):
    assert len(result.summary()) == len(result.rows)
    assert len(result.to_frame()) == len(result.rows) * 6
    params = to_params(SPEC)
    assert from_params(TimeGridsSpec, params)[0] == SPEC


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"solver": "ddpm"}, "draws noise"),
        ({"solver": "dpmpp-2m(start=single-step)"}, "without options"),
        ({"solver": "rk4", "nfe": 3}, "needs more than 3 evaluations"),
        ({"training": 2000}, "at most 1000 training particles"),
        ({"t_start": 3.0}, "does not fit"),
    ],
)
def test_what_cannot_be_made_is_said(given, words):
    with pytest.raises(ValidationError, match=words):
        TimeGridsSpec(**given)


def test_a_learned_score_is_refused_with_the_reason():
    learned = next(name for name, info in IMAGE_DATA.items() if not info.exact)
    with pytest.raises(ValidationError, match="takes thousands of runs"):
        TimeGridsSpec(data=ImageData(name=learned), particles=4, training=4)
