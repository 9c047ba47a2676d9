"""The page that chooses a solver: its sentence is the result's, and the winner opens elsewhere with its settings."""

import pytest

from core.experiments import ToyData, run_experiment
from core.experiments.recommend import RecommendSpec
from tests.pages.app import charts, link, opened

FEW = {"particles": "12", "nfe": "6", "solvers": "ddim,dpmpp-2m,heun", "grids": "karras,uniform-t", "data": "moons"}
SPEC = RecommendSpec(
    data=ToyData(name="moons"), particles=12, nfe=6, solvers=("ddim", "dpmpp-2m", "heun"), grids=("karras", "uniform-t")
)


def words(at) -> str:
    return " ".join(text.value for text in at.markdown)


def test_the_sentence_names_the_winner_of_these_settings():
    best = run_experiment(SPEC).ranking.best
    at = opened("recommend", **FEW)
    assert f"take **{best.choice.label}** on **{best.grid.label}**: median error {best.median:.3g}" in words(at)
    assert "At **6 NFE**" in words(at)


@pytest.mark.parametrize(("button", "steps"), [("trajectories", "steps"), ("convergence", "path_steps")])
def test_the_winner_opens_elsewhere_with_exactly_these_settings(button, steps):
    spec = RecommendSpec.model_validate(dict(SPEC) | {"schedule": "edm", "seed": 7, "t_end": 0.01})
    best = run_experiment(spec).ranking.best
    at = opened("recommend", **FEW, schedule="edm", seed="7", t_end="0.01")
    at.button(key=f"open {button}").click().run()
    at.switch_page(f"pages/{button}.py").run()  # the tests' browser does not follow by itself
    assert not at.exception
    there = link(at)
    same = {"data": "moons", "schedule": "edm", "seed": "7", "t_end": "0.01", "particles": "12"}
    assert same.items() <= there.items()
    assert there[steps] == str(best.steps)
    assert there["solvers"] == str(best.choice)
    assert there["grid"] == str(best.grid)


def test_budgets_are_run_when_asked_for_and_go_into_the_link():
    at = opened("recommend", **FEW)
    assert len(charts(at)) == 1
    at.button(key="budgets").click().run()
    assert not at.exception
    assert len(charts(at)) == 2
    assert link(at)["budgets"] == "5,8,10,15,20,30,50"
    at.button(key="no budgets").click().run()
    assert len(charts(at)) == 1
    assert "budgets" not in link(at)


def test_a_budget_that_nobody_fits_is_said_in_words():
    at = opened("recommend", **(FEW | {"nfe": "1", "solvers": "heun"}))
    assert not at.exception
    assert "no candidate can be recommended" in words(at)
    assert "Heun on Karras: its first step asks more often than the budget of 1 allows." in words(at)
    assert not [button for button in at.button if button.key and button.key.startswith("open ")]


def test_times_and_published_versions_are_settings_too():
    at = opened("recommend", **(FEW | {"solvers": "ddim", "published": "True", "t_end": "0.05", "measure": "rms"}))
    assert not at.exception
    assert not at.warning
    assert (link(at)["published"], link(at)["t_end"], link(at)["measure"]) == ("True", "0.05", "rms")
    assert "RMS error" in words(at)
