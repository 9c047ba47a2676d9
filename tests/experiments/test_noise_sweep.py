"""Noise as an experiment: what theory and practice say of it is measured, the code repeats it, and limits are said."""

import runpy

import numpy as np
import pytest
from pydantic import ValidationError

from core.data import IMAGE_DATA
from core.experiments import ImageData, ToyData, run_experiment
from core.experiments.code import snippet
from core.experiments.noise_sweep import NoiseSweepSpec, samplers
from core.solvers import SOLVERS

MOONS = ToyData(name="moons")
SPEC = NoiseSweepSpec(data=MOONS, particles=2000, nfe=24, values=(0.0, 0.5, 1.0, 2.0), seed=2)


@pytest.fixture(scope="module")
def result():
    return run_experiment(SPEC)


def test_noise_helps_where_the_score_erred_before(result):
    none = result.of("wrong")[0]
    best = result.best("wrong")
    assert best.value > 0
    _, _, high = best.measured.above(none.measured)
    assert high < 0
    assert best.measured.value < 0.75 * none.measured.value


def test_noise_costs_where_the_score_errs_now():
    late = run_experiment(SPEC.model_copy(update={"where": "data", "values": (0.0, 1.5), "solver": SPEC.solver}))
    none, much = late.of("wrong")
    assert much.measured.above(none.measured)[1] > 0


def test_too_much_noise_costs_in_few_steps_with_an_exact_score(result):
    assert result.of("exact")[-1].measured.above(result.best("exact").measured)[1] > 0


def test_without_an_error_both_scores_are_one():
    found = run_experiment(SPEC.model_copy(update={"size": 0.0, "values": (0.0, 1.0), "particles": 60}))
    for one, other in zip(found.of("exact"), found.of("wrong"), strict=True):
        assert one.measured == other.measured


def test_every_budget_is_kept():
    for name in samplers():
        found = run_experiment(
            NoiseSweepSpec(
                data=MOONS, particles=10, nfe=9, solver=name, error="none", values=SOLVERS[name].knob.values[:2]
            )
        )
        assert all(1 <= point.nfe <= 9 for point in found.points), name
        assert {point.score for point in found.points} == {"exact"}
        assert np.isfinite([point.measured.value for point in found.points]).all()


@pytest.mark.parametrize("error", ["field", "learned", "none"])
def test_the_shown_code_repeats_the_numbers(tmp_path, error):
    spec = NoiseSweepSpec(data=MOONS, particles=20, nfe=5, values=(0.0, 1.0), seed=3, error=error)
    path = tmp_path / "shown.py"
    path.write_text(snippet(spec))
    names = runpy.run_path(str(path))
    found = run_experiment(spec)
    assert names["floor"].value == found.floor.value
    assert names["distances"] == {(point.score, point.value): point.measured.value for point in found.points}


def test_a_trained_network_stands_beside_the_exact_score_of_its_images(tmp_path):
    spec = NoiseSweepSpec(data=ImageData(label=3), particles=10, nfe=3, values=(0.0, 1.0), error="learned")
    found = run_experiment(spec)
    assert found.wrong == "the trained UNet"
    values = [point.measured.value for point in found.points]
    assert np.isfinite(values).all()
    assert values[:2] != values[2:]
    path = tmp_path / "shown.py"
    path.write_text(snippet(spec))
    shown = runpy.run_path(str(path))["distances"]
    assert shown == {
        (point.score, point.value): pytest.approx(point.measured.value, rel=1e-6) for point in found.points
    }


def test_a_run_that_diverged_is_said_and_not_the_best():
    spec = NoiseSweepSpec(data=ImageData(), particles=12, nfe=20, values=(0.0, 2.0), error="none")
    found = run_experiment(spec)
    assert found.best("exact").value == 0.0


LEARNED = next(name for name, info in IMAGE_DATA.items() if not info.exact)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"solver": "ddim"}, "cannot be set; choose one of"),
        ({"solver": "exponential-sde(eta=0.5)"}, "is what is swept"),
        ({"values": (1.0, 0.5)}, "must rise"),
        ({"values": (0.0, 99.0)}, "eta of exponential-sde"),
        ({"distance": "far"}, "far"),
        ({"particles": 5}, "at least 10"),
        ({"nfe": 500}, "at most 400"),
        ({"data": ImageData(), "particles": 12, "distance": "nll"}, "no density"),
        ({"data": ImageData(name="patches-16"), "particles": 12, "error": "learned"}, "there is one for digits"),
        ({"data": ToyData(name="ring", scale=2.0), "error": "learned"}, "as they come"),
        ({"data": ImageData(name=LEARNED), "particles": 12}, "exact score"),
    ],
)
def test_what_cannot_be_asked_is_said(given, words):
    with pytest.raises(ValidationError, match=words):
        NoiseSweepSpec(**given)
