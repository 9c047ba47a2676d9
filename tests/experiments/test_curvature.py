"""The experiment on path shapes: what planarity and likeness must be, and the data set to compare with."""

import numpy as np
import pytest
from pydantic import ValidationError

from core.experiments import CurvatureSpec, ImageData, ToyData, run_experiment
from core.experiments.links import from_params, to_params


def test_paths_of_images_are_nearly_planar_and_alike_and_those_of_a_ring_are_not_alike():
    """The published finding, at the ideal score of real digits: Chen et al. 2023-25."""
    spec = CurvatureSpec(data=ImageData(), particles=8, nodes=40, schedules=("vp-linear", "flow"), beside="ring")
    result = run_experiment(spec)
    for images, ring in zip(result.shapes, result.beside, strict=True):
        assert images.schedule == ring.schedule
        assert images.shares.sum(axis=1).min() > 0.999
        assert images.unlikeness[0] < 0.2 < 0.5 < ring.unlikeness[0]
        assert images.unlikeness[1] < 0.1 < 0.25 < ring.unlikeness[1]
        assert ring.torsion is None
        assert ring.states.shape[1] == CurvatureSpec.beside_particles["toy"]
    frame = result.to_frame()
    assert list(frame["data"].unique()) == ["digits", "ring"]
    assert len(frame) == 4 * 41
    assert set(result.to_arrays()) >= {"vp-linear_torsion", "beside_flow_curvature", "flow_height"}
    assert "beside_flow_torsion" not in result.to_arrays()


def test_rates_of_straightness_add_up_to_it():
    (shape,) = run_experiment(CurvatureSpec(particles=4, nodes=20, schedules=("flow",))).shapes
    shares = np.diff(shape.s)
    np.testing.assert_allclose((shape.straightness_rate * shares[:, None]).sum(axis=0), shape.straightness, rtol=1e-9)
    over = shape.over("straightness_rate")
    assert len(over.places["s"]) == len(over.mean) == 20


@pytest.mark.parametrize(
    ("data", "beside", "reason"),
    [
        (ToyData(), "moons", "image set"),
        (ImageData(), "digits", "digits"),
        (ToyData(), "nothing", "nothing"),
    ],
)
def test_only_data_of_the_other_kind_can_stand_beside(data, beside, reason):
    with pytest.raises(ValidationError, match=reason):
        CurvatureSpec(data=data, beside=beside)


def test_what_stands_beside_must_fit_in_memory_too():
    with pytest.raises(ValidationError, match="million numbers"):
        CurvatureSpec(nodes=500, beside="patches-32")


def test_the_data_beside_go_into_links_and_recipes():
    spec = CurvatureSpec(data=ImageData(), particles=8, beside="moons")
    assert to_params(spec) == {"data": "digits", "beside": "moons"}
    assert from_params(CurvatureSpec, to_params(spec)) == (spec, [])
    assert CurvatureSpec.model_validate_json(spec.model_dump_json()) == spec
    spec, problems = from_params(CurvatureSpec, {"beside": "moons"})
    assert spec == CurvatureSpec()
    assert len(problems) == 1
