"""A new experiment is one entry in ``EXPERIMENTS``: recipes, links, code and the terminal then offer it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from pydantic import Field

from core import __main__ as cli
from core.experiments import EXPERIMENTS, ExperimentInfo, ToyData, from_params, load_recipe, run_experiment, to_params
from core.experiments.code import snippet
from core.experiments.specification import Frozen


class CountingSpec(Frozen):
    kind: Literal["counting"] = "counting"
    data: ToyData = ToyData()
    upto: int = Field(3, ge=1, le=9, description="the last number")


@dataclass(frozen=True)
class Counted:
    spec: CountingSpec
    numbers: np.ndarray
    seconds: float = 0.1
    notes: tuple[str, ...] = ("Counted by hand.",)

    def to_frame(self) -> pd.DataFrame:
        return pd.DataFrame({"number": self.numbers})

    summary = to_frame

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"numbers": self.numbers}


@pytest.fixture
def counting(monkeypatch):
    entry = ExperimentInfo(
        "Counting",
        "Count from one.",
        CountingSpec,
        lambda spec, report, stop: Counted(spec, np.arange(1, spec.upto + 1)),
        lambda spec: f"numbers = list(range(1, {spec.upto + 1}))\n",
    )
    monkeypatch.setitem(EXPERIMENTS._entries, "counting", entry)


@pytest.mark.usefixtures("counting")
def test_one_entry_is_enough(tmp_path, capsys):
    spec = CountingSpec(upto=5, data=ToyData(name="moons"))
    assert run_experiment(spec).numbers.tolist() == [1, 2, 3, 4, 5]
    assert load_recipe(spec.model_dump_json()) == spec
    assert to_params(spec) == {"data": "moons", "upto": "5"}
    assert from_params(CountingSpec, to_params(spec)) == (spec, [])
    assert snippet(spec).strip() == "numbers = list(range(1, 6))"

    out = tmp_path / "numbers.csv"
    assert cli.main(["counting", "--upto", "4", "--out", str(out)]) == 0
    assert pd.read_csv(out)["number"].tolist() == [1, 2, 3, 4]
    assert "Counted by hand." in capsys.readouterr().out
    with pytest.raises(SystemExit) as left:
        cli.main(["counting", "--upto", "10"])
    assert left.value.code == 2
    assert "upto" in capsys.readouterr().err
