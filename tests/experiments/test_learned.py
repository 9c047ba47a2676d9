"""What needs the exact density of the data is refused for a learned model, in words."""

import pytest
from pydantic import ValidationError

from core.experiments.specification import ConvergenceSpec, ImageData, TrajectoriesSpec


@pytest.mark.parametrize(
    ("spec", "solver"),
    [
        (TrajectoriesSpec, "dpm-v3-2"),
        (TrajectoriesSpec, "ddpm(variance=optimal)"),
        (ConvergenceSpec, "dpm-v3-3"),
    ],
)
def test_a_learned_model_has_no_exact_density(spec, solver):
    few = {"particles": 2} | ({"step_counts": (2, 4), "path_steps": 4} if spec is ConvergenceSpec else {})
    with pytest.raises(ValidationError, match="needs the exact density of the data, which the learned model of"):
        spec(data=ImageData(name="unet-digits"), solvers=(solver,), **few)
    assert spec(data=ImageData(name="digits"), solvers=(solver,), **few).solvers[0].exact_data
    assert not spec(data=ImageData(name="unet-digits"), solvers=("ddim",), **few).solvers[0].exact_data
