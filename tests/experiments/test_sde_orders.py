"""Strong and weak orders as an experiment: what is claimed is measured where it can be, and the code repeats it."""

import runpy

import numpy as np
import pytest
from pydantic import ValidationError

from core.analysis import rms_error
from core.experiments import ImageData, SolverChoice, ToyData, run_experiment
from core.experiments.build import build_problem, starting_noise
from core.experiments.code import snippet
from core.experiments.sde_orders import FINER, SdeOrdersSpec, law_error
from core.grids import make_grid
from core.solve import solve
from core.solvers import SOLVERS

GAUSSIAN = ToyData(name="gaussian")
# those whose every step has an order: not Langevin dynamics, nor those that need each particle's own statistics
CLAIMING = [
    name
    for name, info in SOLVERS.items()
    if info.stochastic and info.strong_order and info.order and not info.exact_data
]
WEAKLY = [*CLAIMING, "restart"]


@pytest.fixture(scope="module")
def orders():
    """The page's own problem with more steps, every sampler that claims an order."""
    found = {}
    for first in range(0, len(CLAIMING), 5):
        spec = SdeOrdersSpec(
            data=GAUSSIAN,
            particles=300,
            solvers=tuple(CLAIMING[first : first + 5]),
            step_counts=(20, 40, 80, 160),
            t_start=0.77,
            t_end=0.1,
        )
        found |= {one.choice.name: one for one in run_experiment(spec).samplers}
    return found


@pytest.mark.parametrize("name", CLAIMING)
def test_claimed_orders_are_reached(orders, name):
    one = orders[name]
    value, low, high = one.strong_order
    assert high - low < 0.4, "enough paths to tell"
    assert value > one.claimed_strong - 0.2
    assert one.weak_order[0] > one.claimed_weak - 0.2


@pytest.mark.parametrize("name", WEAKLY)
def test_weak_orders_are_neither_more_nor_less_in_the_end(name):
    problem = build_problem(GAUSSIAN, "vp-linear")
    steps = np.array([80.0, 160.0, 320.0])
    errors = [
        law_error(problem, SolverChoice(name=name), make_grid("uniform-lambda", problem.schedule, int(n), 0.77, 0.1))
        for n in steps
    ]
    assert -np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(SOLVERS[name].order, abs=0.2)


@pytest.mark.parametrize("name", ["euler-maruyama", "ddim-eta", "dpmpp-sde", "ancestral-euler", "edm-stochastic"])
def test_strong_order_is_one_and_not_more(orders, name):
    assert orders[name].strong_order[0] == pytest.approx(1, abs=0.2)


def test_several_modes_cost_strong_order():
    spec = SdeOrdersSpec(particles=600, solvers=("euler-maruyama",), step_counts=(10, 20, 40, 80))
    (one,) = run_experiment(spec).samplers
    assert one.strong_order[0] < 0.85


def test_errors_are_those_of_runs_on_one_path():
    spec = SdeOrdersSpec(particles=30, solvers=("euler-maruyama",), step_counts=(2, 4, 8), seed=5)
    (one,) = run_experiment(spec).samplers
    problem = build_problem(spec.data, spec.schedule)
    ends = [
        solve(
            problem,
            "euler-maruyama",
            make_grid("uniform-lambda", problem.schedule, n),
            starting_noise(problem, spec.data, 30, 1.0, 5),
            seed=5,
        ).final
        for n in (2, 4, 8, 8 * FINER)
    ]
    np.testing.assert_allclose(
        [e.value for e in one.strong], [rms_error(end, ends[-1]) for end in ends[:-1]], rtol=1e-12
    )
    squares = [float(end.square().mean()) for end in ends]
    np.testing.assert_allclose([e.value for e in one.weak], np.array(squares[:-1]) - squares[-1], rtol=1e-9)


@pytest.mark.parametrize(
    "data", [GAUSSIAN, ToyData(name="ring"), ImageData(label=3)], ids=["gaussian", "ring", "images"]
)
def test_the_shown_code_repeats_the_numbers(tmp_path, data):
    spec = SdeOrdersSpec(
        data=data, particles=12, seed=3, step_counts=(2, 4, 8), solvers=("euler-maruyama", "sa-solver")
    )
    path = tmp_path / "shown.py"
    path.write_text(snippet(spec))
    names = runpy.run_path(str(path))
    for one in run_experiment(spec).samplers:
        assert names["strong"][one.choice.name] == [estimate.value for estimate in one.strong]
        np.testing.assert_array_equal(names["weak"][one.choice.name], [estimate.value for estimate in one.weak])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"solvers": ("ddim",)}, "draws no noise"),
        ({"step_counts": (8, 4, 16)}, "must rise"),
        ({"step_counts": (8, 16, 400)}, "at most 200 steps"),
        ({"test": "shape"}, "shape"),
        ({"particles": 1}, "at least 2"),
    ],
)
def test_what_cannot_be_measured_is_said(given, words):
    with pytest.raises(ValidationError, match=words):
        SdeOrdersSpec(**given)
