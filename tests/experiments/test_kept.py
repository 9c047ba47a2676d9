"""What is kept between runs: bounded, least recently used first out, and never in the way of the right numbers."""

import numpy as np
import pytest
import torch

from core.experiments import ConvergenceSpec, TrajectoriesSpec, build, convergence, run_experiment
from core.experiments.kept import Kept


def test_the_least_recently_used_makes_room():
    kept = Kept[str](100)
    for key in "abc":
        kept.put(key, key.upper(), 30)
    assert kept.get("a") == "A"
    kept.put("d", "D", 30)
    assert [kept.get(key) for key in "abcd"] == ["A", None, "C", "D"]
    assert len(kept) == 3


def test_a_value_too_large_is_passed_on_and_not_kept():
    kept = Kept[str](100)
    kept.put("small", "s", 90)
    assert kept.put("large", "L", 101) == "L"
    assert kept.get("large") is None
    assert kept.get("small") == "s"


def test_a_value_that_is_put_again_counts_once():
    kept = Kept[str](100)
    for value in ("old", "new"):
        kept.put("a", value, 60)
    kept.put("b", "B", 40)
    assert kept.get("a") == "new"


@pytest.fixture
def solved(monkeypatch) -> list[tuple[str, int]]:
    """The runs that the convergence experiment makes: (solver, step count)."""
    runs = []
    solve = convergence.solve

    def counted(problem, solver, times, *arguments, **options):
        runs.append((solver, len(times) - 1))
        return solve(problem, solver, times, *arguments, **options)

    monkeypatch.setattr(convergence, "solve", counted)
    return runs


def test_another_solver_or_step_count_repeats_nothing(solved):
    first = ConvergenceSpec(particles=5, solvers=("ddim",), step_counts=(5, 10), path_steps=10, seed=501)
    one = run_experiment(first)
    assert sorted(solved) == [("ddim", 5), ("ddim", 10), ("reference", 1)]
    solved.clear()
    more = first.model_copy(update={"solvers": ConvergenceSpec(solvers=("ddim", "heun")).solvers})
    both = run_experiment(more)
    assert sorted(solved) == [("heun", 5), ("heun", 10)]
    np.testing.assert_array_equal(both.solvers[0].rms, one.solvers[0].rms)
    solved.clear()
    run_experiment(first.model_copy(update={"step_counts": (5, 10, 20)}))
    assert solved == [("ddim", 20)]


def test_another_path_below_solves_that_path_alone(solved):
    first = ConvergenceSpec(particles=5, solvers=("ddim",), step_counts=(5, 10), path_steps=10, seed=506)
    one = run_experiment(first)
    solved.clear()
    other = run_experiment(first.model_copy(update={"path_steps": 7}))
    assert [entry for entry in solved if entry[0] == "ddim"] == [("ddim", 7)]
    np.testing.assert_array_equal(one.solvers[0].rms, other.solvers[0].rms)
    assert len(other.solvers[0].path_error) == 8
    assert other.floor == one.floor


@pytest.mark.parametrize("change", [{"seed": 502}, {"particles": 6}, {"schedule": "flow"}, {"precision": "float32"}])
def test_what_a_run_depends_on_is_not_mixed_up(solved, change):
    first = ConvergenceSpec(particles=5, solvers=("ddim",), step_counts=(5, 10), path_steps=10, seed=503)
    one = run_experiment(first)
    solved.clear()
    other = run_experiment(first.model_copy(update=change))
    assert ("ddim", 5) in solved
    assert (other.solvers[0].rms != one.solvers[0].rms).all()


def test_a_reference_is_shared_by_solvers(monkeypatch):
    spec = TrajectoriesSpec(particles=5, steps=4, seed=504)
    first = run_experiment(spec)
    monkeypatch.setattr("core.experiments.build.solved_reference", lambda *_: pytest.fail("solved again"))
    again = run_experiment(spec.model_copy(update={"solvers": TrajectoriesSpec(solvers=("heun",)).solvers}))
    np.testing.assert_array_equal(first.reference, again.reference)


def test_another_step_count_reads_the_same_reference_elsewhere(monkeypatch):
    spec = TrajectoriesSpec(particles=5, steps=4, seed=505, grid="karras")
    coarse = run_experiment(spec)
    problem = build.build_problem(spec.data, spec.schedule)
    with monkeypatch.context() as closed:
        closed.setattr("core.experiments.build.solved_reference", lambda *_: pytest.fail("solved again"))
        fine = run_experiment(spec.model_copy(update={"steps": 7}))
    x = build.starting_noise(problem, spec.data, 5, float(fine.reference_times[0]), 505)
    afresh = build.solved_reference(problem, spec.data, torch.from_numpy(fine.reference_times), x)
    np.testing.assert_array_equal(fine.reference[[0, -1]], coarse.reference[[0, -1]])
    assert len(fine.reference) != len(coarse.reference)
    np.testing.assert_allclose(fine.reference, afresh.states.numpy(), rtol=1e-13, atol=1e-14)
