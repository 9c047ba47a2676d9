"""The theory panel's numbers: repeated by the shown code, and the parts fall as closed forms say."""

import runpy

import numpy as np
import pytest
from pydantic import ValidationError

from core.experiments import ToyData, run_experiment
from core.experiments.bounds import BoundsSpec, law_of
from core.experiments.code import snippet


def test_the_shown_code_repeats_the_numbers(tmp_path):
    spec = BoundsSpec(data=ToyData(name="moons"), horizon=2.0, step=0.1)
    path = tmp_path / "shown.py"
    path.write_text(snippet(spec))
    names = runpy.run_path(str(path))
    for sweep in run_experiment(spec).sweeps:
        assert names["errors"][sweep.name] == sweep.measured.tolist()
        assert names["bounds"][sweep.name] == sweep.term("whole").tolist()


def test_the_parts_fall_as_they_should():
    slopes = run_experiment(BoundsSpec(data=ToyData(name="gaussian"), horizon=1.0, step=0.1)).slopes
    assert slopes["horizon"] == pytest.approx(-2, abs=0.15)
    assert slopes["step"] == pytest.approx(1, abs=0.15)
    assert slopes["error"] == pytest.approx(1, abs=0.15)


def test_the_law_has_the_variances_of_the_data():
    law = law_of(BoundsSpec(data=ToyData(name="gaussian", scale=2.0), shift=3.0))
    assert law.mean.tolist() == [3.0, 0.0]
    assert law.variance.sum() == pytest.approx(8.0)
    assert np.all(np.diff(law.variance) <= 0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"horizon": 20.0}, "12"),
        ({"step": 0.0}, "0.002"),
        ({"error": -1.0}, "0"),
        ({"data": ToyData(name="custom", points=((0.0, 0.0), (1.0, 1.0)))}, "spread in every direction"),
    ],
)
def test_numbers_out_of_range_are_refused(given, words):
    with pytest.raises(ValidationError, match=words):
        BoundsSpec(**given)
