"""The recommendation: what direct runs say, within the counted budget, and never a solver that errs more."""

import runpy
from dataclasses import dataclass, replace

import numpy as np
import pytest
from pydantic import ValidationError

from core.analysis import median_error, rms_error
from core.experiments import ImageData, ToyData, from_params, run_experiment, to_params
from core.experiments.build import build_problem
from core.experiments.code import snippet
from core.experiments.recommend import RecommendSpec
from core.grids import make_grid
from core.solve import Cancelled, solve
from core.solvers import SOLVERS
from core.solvers.base import Solver

FEW = ("euler", "ddim", "edm-heun", "dpmpp-2m", "dpm-3s")
SPEC = RecommendSpec(
    particles=60, screen=1.0, nfe=9, schedule="edm", seed=3, solvers=FEW, grids=("karras", "uniform-t")
)


@pytest.fixture(scope="module")
def everything():
    return run_experiment(RecommendSpec(particles=48, screen=1 / 3, nfe=8))


@pytest.mark.parametrize(("measure", "over"), [("median", median_error), ("rms", rms_error)])
def test_the_ranking_is_that_of_direct_runs(measure, over):
    problem = build_problem(SPEC.data, "edm")
    x = problem.sample_prior(60, problem.schedule.t_max, 3)
    reference = solve(problem, "reference", make_grid("uniform-t", problem.schedule, 1), x).final
    direct = {}
    for name in FEW:
        for grid in ("karras", "uniform-t"):
            times = make_grid(grid, problem.schedule, 9 // SOLVERS[name].nfe_per_step)
            direct[name, grid] = over(solve(problem, name, times, x).final, reference)
    leaders = run_experiment(SPEC.model_copy(update={"measure": measure})).ranking.leaders
    assert {(e.choice.name, e.grid.name) for e in leaders} == set(direct)
    assert [e.standing.error for e in leaders] == pytest.approx(sorted(direct.values()), rel=1e-6)
    for entry in leaders:
        assert entry.standing.error == pytest.approx(direct[entry.choice.name, entry.grid.name], rel=1e-6)
        assert entry.standing.error == pytest.approx(getattr(entry, measure), rel=1e-12)
        assert entry.standing.low <= entry.standing.error <= entry.standing.high


def test_the_counted_evaluations_stay_within_the_budget_and_use_most_of_it(everything):
    ran = [entry for entry in everything.ranking.entries if entry.status != "no run"]
    assert max(entry.nfe for entry in ran) == 8
    for entry in ran:
        problem = build_problem(ToyData(), "vp-linear")
        if entry.grid.name == "karras":
            times = make_grid("karras", problem.schedule, entry.steps)
            run = solve(problem, entry.choice.name, times, problem.sample_prior(1, times[0], 0), record=False)
            assert run.nfe == entry.nfe <= 8, entry.label
            assert entry.nfe > 8 - SOLVERS[entry.choice.name].nfe_per_step


def test_a_dearer_start_takes_fewer_steps():
    spec = RecommendSpec(particles=5, nfe=8, solvers=("dpmpp-3m", "dpmpp-3m(start=single-step)"), grids=("karras",))
    steps = {str(entry.choice): (entry.steps, entry.nfe) for entry in run_experiment(spec).ranking.entries}
    assert steps["dpmpp-3m"] == (8, 8)
    fewer, spent = steps["dpmpp-3m(start=single-step)"]
    assert fewer < spent <= 8


def test_every_solver_without_noise_is_a_candidate(everything):
    wanted = {name for name, info in SOLVERS.items() if not (info.stochastic or info.adaptive)}
    names = {entry.choice.name for entry in everything.ranking.entries}
    assert names == {name for name in wanted if not name.endswith("as-published")}
    asked = RecommendSpec(published=True).candidates()
    assert {choice.name for choice, _ in asked} == wanted
    assert len(everything.ranking.entries) == 3 * len(names)
    assert len(RecommendSpec(grids=()).candidates()) > len(RecommendSpec().candidates())


def test_variants_change_one_option_each_and_keep_what_was_chosen():
    base = {"solvers": ("dpmpp-2m(lower_order_final=true)", "ddim"), "grids": ("karras",), "variants": True}
    found = [str(choice) for choice, _ in RecommendSpec(**base).candidates()]
    assert len(found) == len(set(found))
    assert found[0] == base["solvers"][0]
    assert {"dpmpp-2m", "dpmpp-2m(lower_order_final=true;start=single-step)", "ddim", "ddim(final=euler)"} <= set(found)
    assert "dpmpp-2m(start=single-step)" not in found, "that would be two changes"
    result = run_experiment(RecommendSpec(particles=20, nfe=6, **base))
    assert {entry.status for entry in result.ranking.entries} <= {"ranked", "screened out"}
    assert len(result.ranking.entries) == len(found)


def test_leaders_ran_with_all_particles_and_nobody_else_is_called_equal(everything):
    ranking, screened = everything.ranking, everything.ranking.having("screened out")
    assert screened
    for entry in screened:
        assert entry.particles == 16
        assert entry.standing is None
        assert np.isnan(entry.seconds)
    assert {entry.particles for entry in ranking.leaders} == {48}
    assert set(ranking.equals) <= set(ranking.leaders[1:])
    assert all(entry.seconds > 0 for entry in ranking.leaders)
    assert sum(entry.standing.first for entry in ranking.leaders) == pytest.approx(1)
    assert any(
        f"{len(screened)} of {len(ranking.entries)} candidates were screened out on the first 16" in note
        for note in everything.notes
    )
    full = run_experiment(everything.spec.model_copy(update={"screen": 1.0}))
    assert not full.ranking.having("screened out")
    assert full.ranking.best.label == ranking.best.label


def test_twins_are_equal_and_share_the_first_place():
    spec = RecommendSpec(particles=30, solvers=("ddim", "dpm-1") if "dpm-1" in SOLVERS else ("dpm-2m", "ipndm-2"))
    leaders = run_experiment(spec.model_copy(update={"grids": spec.grids[:1]})).ranking.leaders
    assert [entry.standing.first for entry in leaders] == [0.5, 0.5]
    assert all(entry.standing.equal for entry in leaders)


@dataclass(frozen=True)
class Lost(Solver):
    """Asks the model, and scales what it holds instead of following the answer."""

    factor: float

    def step(self, context, i, x, state):
        context.problem.eps(x, float(context.plan[i]))
        return self.factor * x, None

    def plan(self, problem, times):
        return times


@pytest.mark.parametrize(("factor", "status"), [(1.0, "screened out"), (0.9, "screened out"), (1e3, "diverged")])
def test_a_bad_solver_is_never_recommended(monkeypatch, factor, status):
    info = replace(SOLVERS["ddim"], title="Lost", build=lambda **_: Lost(factor), options={}, name="lost", extra_nfe=0)
    monkeypatch.setitem(SOLVERS._entries, "lost", info)
    for screen, expected in ((1 / 3, status), (1.0, status.replace("screened out", "ranked"))):
        ranking = run_experiment(RecommendSpec(particles=48, screen=screen, nfe=8, seed=int(10 * factor))).ranking
        lost = [entry for entry in ranking.entries if entry.choice.name == "lost"]
        assert len(lost) == 3
        assert {entry.status for entry in lost} == {expected}
        assert not {ranking.best, ranking.fastest, *ranking.equals} & set(lost)
        assert all("diverged" in entry.message for entry in lost if entry.status == "diverged")


@dataclass(frozen=True)
class Picky(Lost):
    """Refuses the problem."""

    def plan(self, problem, times):
        raise ValueError("needs another model")


def test_a_solver_that_refuses_the_problem_is_left_out_with_its_reason(monkeypatch):
    info = replace(SOLVERS["ddim"], build=lambda **_: Picky(1.0), options={}, name="picky")
    monkeypatch.setitem(SOLVERS._entries, "picky", info)
    result = run_experiment(RecommendSpec(particles=6, solvers=("picky", "ddim"), grids=("karras",)))
    assert [entry.status for entry in result.ranking.entries] == ["ranked", "no run"]
    assert any("1 not run" in note and "(needs another model)" in note for note in result.notes)


def test_the_same_settings_give_the_same_numbers(everything):
    assert run_experiment(everything.spec).to_frame().equals(everything.to_frame())


def test_a_budget_without_any_run_recommends_nothing():
    result = run_experiment(RecommendSpec(particles=4, nfe=1, solvers=("rk4", "dpm-3s")))
    assert result.ranking.best is None
    assert result.ranking.fastest is None
    assert {entry.status for entry in result.ranking.entries} == {"no run"}
    assert "asks more often than the budget of 1 allows" in result.ranking.entries[0].message
    assert result.summary().empty


def test_a_curve_names_the_best_at_each_budget():
    result = run_experiment(RecommendSpec(particles=20, solvers=FEW, budgets=(2, 4, 9, 16), nfe=9))
    assert [one.nfe for one in result.curve] == [2, 4, 9, 16]
    assert result.curve[2] is result.ranking
    for one in result.curve:
        alone = run_experiment(RecommendSpec(particles=20, solvers=FEW, nfe=one.nfe)).ranking
        assert alone.best.label == one.best.label
        assert alone.best.standing == one.best.standing
    assert len(result.to_frame()) == 4 * len(result.ranking.entries)


def test_times_in_the_range_are_those_of_every_run():
    spec = RecommendSpec(particles=10, solvers=("rk4",), grids=("karras",), nfe=400, t_start=0.8, t_end=0.2)
    (entry,) = run_experiment(spec).ranking.leaders
    assert entry.standing.error < 1e-5  # a reference that ends elsewhere would be far away


def test_a_grid_with_ends_of_its_own_is_not_compared():
    spec = RecommendSpec(particles=4, schedule="ddpm-linear", solvers=("ddim",), grids=("uniform-t", "leading"))
    ranked, left = run_experiment(spec).ranking.entries
    assert (ranked.grid.name, left.status) == ("uniform-t", "no run")
    assert "cannot be compared" in left.message


def test_single_precision_is_measured_in_single_precision():
    base = {"particles": 12, "solvers": ("dpmpp-2m",), "grids": ("karras",), "nfe": 400}
    errors = [run_experiment(RecommendSpec(precision=p, **base)).ranking.best.median for p in ("float64", "float32")]
    assert errors[0] != errors[1]


def test_images_are_ranked_too_and_a_run_can_be_cancelled():
    spec = RecommendSpec(data=ImageData(label=3), particles=9, screen=0.5, solvers=("ddim", "dpmpp-2m"), nfe=5)
    result = run_experiment(spec)
    assert result.ranking.best.particles == 9
    assert 0 < result.ranking.best.median < 1
    with pytest.raises(Cancelled):
        run_experiment(spec.model_copy(update={"seed": 5}), cancel=lambda: True)


def test_the_shown_code_repeats_the_ranking(tmp_path):
    spec = RecommendSpec(
        particles=24, screen=0.34, nfe=7, grids=("karras(rho=3)", "uniform-t"), budgets=(4,), t_end=0.01
    )
    file = tmp_path / "picture.py"
    file.write_text(snippet(spec))
    shown, result = runpy.run_path(str(file))["leaders"], run_experiment(spec)
    for ranking in (result.ranking, *result.curve):
        found = [(name, str(options), label, one) for one, name, options, label, *_ in shown[ranking.nfe]]
        wanted = [(e.choice.name, str(dict(e.choice.options)), str(e.grid), e.standing) for e in ranking.leaders]
        assert [row[:3] for row in found] == [row[:3] for row in wanted]
        np.testing.assert_allclose([row[3] for row in found], [row[3] for row in wanted], rtol=1e-9, atol=1e-13)


def test_links_and_recipes_carry_every_setting():
    spec = RecommendSpec(
        nfe=12, budgets=(5, 20), measure="rms", published=True, t_end=0.01, grids=("karras(rho=3)",), solvers=("rk4",)
    )
    assert from_params(RecommendSpec, to_params(spec)) == (spec, [])
    assert RecommendSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nfe": 0}, "greater than or equal to 1"),
        ({"nfe": 401}, "go from 1 to 400 evaluations, got 401"),
        ({"budgets": (5, 101), "data": ImageData(), "particles": 4}, "images data go from 1 to 100"),
        ({"budgets": (8, 5)}, "budgets must rise, got 8, 5"),
        ({"solvers": ("rk45",)}, "chooses its own steps"),
        ({"solvers": ("ddpm",)}, "draws noise"),
        ({"t_start": 0.1, "t_end": 0.5}, "does not fit"),
        ({"grids": ("trailing",)}, "discrete chain"),
        ({"measure": "mean"}, "'median' or 'rms'"),
        ({"screen": 0}, "greater than 0"),
        ({"particles": 2001}, "at most 2000 particles"),
    ],
)
def test_what_cannot_be_ranked_is_refused(fields: dict, message: str):
    with pytest.raises(ValidationError, match=message):
        RecommendSpec(**fields)
