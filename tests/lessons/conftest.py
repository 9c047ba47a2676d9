"""What lessons compute: each specification once for all tests."""

from collections.abc import Callable
from typing import Any

import pytest

from core.experiments import run_experiment
from core.lessons import Step


@pytest.fixture(scope="session")
def result_of() -> Callable[[Step], Any]:
    """``result_of(step)`` -> its result; computed once."""
    kept: dict[str, Any] = {}

    def run(step: Step) -> Any:
        key = step.spec.model_dump_json()
        if key not in kept:
            kept[key] = run_experiment(step.spec)
        return kept[key]

    return run
