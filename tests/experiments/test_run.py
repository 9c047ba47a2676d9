"""What every experiment promises whatever it computes: progress, cancelling, honest failures, results to take away."""

import dataclasses
import io
import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from core.experiments import (
    EXPERIMENTS,
    ConvergenceSpec,
    CurvatureSpec,
    ImageData,
    Result,
    SchedulesSpec,
    Specification,
    ToyData,
    TrajectoriesSpec,
    build,
    run_experiment,
)
from core.experiments.boomerang import BoomerangSpec
from core.experiments.bounds import BoundsSpec
from core.experiments.catalogue import CatalogueSpec
from core.experiments.grid_map import GridMapSpec
from core.experiments.guidance import GuidanceSpec
from core.experiments.inversion import InversionSpec
from core.experiments.local_error import LocalErrorSpec
from core.experiments.noise_sweep import NoiseSweepSpec
from core.experiments.order_table import OrderTableSpec
from core.experiments.precision import PrecisionSpec
from core.experiments.recommend import RecommendSpec
from core.experiments.sde_orders import SdeOrdersSpec
from core.experiments.straightening import StraighteningSpec
from core.experiments.time_grids import TimeGridsSpec
from core.grids import GRIDS
from core.models import Model
from core.schedules import SCHEDULES, make_schedule
from core.solve import Cancelled
from core.solvers import SOLVERS
from core.solvers.base import Context, Solver

DIGITS = ImageData(name="digits", label=7)
SPECS = {
    "trajectories": TrajectoriesSpec(particles=9, steps=6, seed=21),
    "trajectories of images": TrajectoriesSpec(data=DIGITS, particles=2, steps=4, seed=22),
    "convergence": ConvergenceSpec(particles=9, step_counts=(5, 10, 20), path_steps=8, seed=23),
    "convergence of images": ConvergenceSpec(data=DIGITS, particles=2, step_counts=(5, 10), path_steps=5, seed=24),
    "curvature": CurvatureSpec(particles=5, nodes=40, seed=25),
    "curvature of images": CurvatureSpec(data=DIGITS, particles=2, nodes=30, seed=26, schedules=("vp-linear", "flow")),
    "curvature of two kinds": CurvatureSpec(particles=3, nodes=20, seed=27, schedules=("flow",), beside="digits"),
    "schedules": SchedulesSpec(steps=7),
    "card": CatalogueSpec(particles=5, steps=4, step_counts=(5, 10, 20), seed=66, solver="dpm-3m"),
    "card of images": CatalogueSpec(data=DIGITS, particles=2, step_counts=(5, 10), seed=67, solver="ddim"),
    "steps": LocalErrorSpec(particles=5, steps=8, seed=61, solvers=("ddim", "dpmpp-2m")),
    "steps of images": LocalErrorSpec(data=DIGITS, particles=2, steps=5, seed=62, solvers=("ddim",)),
    "precision": PrecisionSpec(particles=5, seed=63, solvers=("ddim", "dpmpp-2m"), step_counts=(4, 8)),
    "precision of images": PrecisionSpec(data=DIGITS, particles=2, seed=64, solvers=("ddim",), step_counts=(3, 6)),
    "map": GridMapSpec(particles=9, nfe=8, seed=29, solvers=("ddim", "edm-heun", "dpmpp-2m")),
    "map of images": GridMapSpec(
        data=DIGITS, particles=2, nfe=6, seed=30, solvers=("ddim", "dpm-2m"), grids=("karras",)
    ),
    "made grids": TimeGridsSpec(particles=9, training=8, nfe=5, seed=73),
    "made grids of images": TimeGridsSpec(data=DIGITS, particles=2, training=4, nfe=3, seed=74, solver="ddim"),
    "noise": NoiseSweepSpec(particles=12, nfe=6, seed=75, values=(0.0, 1.0)),
    "noise of images": NoiseSweepSpec(data=DIGITS, particles=12, nfe=4, seed=76, values=(0.0, 1.0)),
    "guidance": GuidanceSpec(
        data=ToyData(name="moons", label=1), particles=9, steps=4, seed=85, scales=(1.0, 4.0), solvers=("ddim", "stsp")
    ),
    "guidance of images": GuidanceSpec(
        data=ImageData(name="digits", label=7, guidance="classifier"),
        particles=2,
        steps=3,
        seed=86,
        scales=(0.0, 3.0),
        solvers=("ddim",),
    ),
    "guided trajectories": TrajectoriesSpec(
        data=ToyData(name="moons", label=0, guidance="classifier(scale=5)"), particles=9, steps=4, seed=87
    ),
    "orders with noise": SdeOrdersSpec(particles=20, seed=77, step_counts=(2, 4, 8), solvers=("euler-maruyama",)),
    "orders of one Gaussian": SdeOrdersSpec(
        data=ToyData(name="gaussian"), particles=20, seed=78, step_counts=(2, 4, 8)
    ),
    "orders with noise of images": SdeOrdersSpec(
        data=DIGITS, particles=12, seed=79, step_counts=(2, 3, 4), solvers=("euler-maruyama",)
    ),
    "straightening": StraighteningSpec(
        particles=12, seed=89, flows=("independent", "transport(batch=4)"), iterations=100, step_counts=(1, 3), nodes=20
    ),
    "straightening of images": StraighteningSpec(
        data=DIGITS, particles=12, seed=90, flows=("reflow",), iterations=100, step_counts=(1, 2), nodes=20
    ),
    "bounds": BoundsSpec(horizon=1.0, step=0.1),
    "inversion": InversionSpec(particles=9, steps=6, step_counts=(4, 8), seed=81, solvers=("ddim", "heun")),
    "inversion of images": InversionSpec(
        data=DIGITS, particles=2, steps=4, step_counts=(4, 8), seed=82, solvers=("ddim",)
    ),
    "boomerang": BoomerangSpec(particles=12, steps=4, levels=3, seed=83),
    "boomerang of images": BoomerangSpec(data=DIGITS, particles=2, steps=4, levels=3, seed=84),
    "guided round trips": InversionSpec(
        data=ToyData(name="moons", label=0, guidance="classifier-free(scale=2)"),
        particles=9,
        steps=4,
        step_counts=(4, 8),
        seed=88,
        solvers=("ddim",),
    ),
    "guided there and back": BoomerangSpec(
        data=ToyData(name="moons", label=0, guidance="classifier-free(scale=2)"),
        particles=12,
        steps=4,
        levels=3,
        seed=89,
    ),
    "recommendation": RecommendSpec(particles=20, nfe=6, seed=71, solvers=("ddim", "heun", "dpmpp-2m"), budgets=(3, 9)),
    "recommendation of images": RecommendSpec(
        data=DIGITS, particles=2, nfe=6, seed=72, solvers=("ddim", "dpm-2m"), grids=("karras",)
    ),
    "orders": OrderTableSpec(
        particles=9, seed=27, solvers=("ddim", "dpmpp-2m"), schedules=("vp-linear", "flow"), step_counts=(5, 10, 20)
    ),
    "orders of images": OrderTableSpec(
        data=DIGITS,
        particles=2,
        seed=28,
        solvers=("ddim",),
        schedules=("flow",),
        grids=("karras",),
        step_counts=(4, 8, 16),
    ),
}


@cache
def computed(name: str) -> Result:
    """The result, once for all tests that only look at it."""
    return run_experiment(SPECS[name])


def reseeded(name: str, seed: int) -> Specification:
    """The specification with a seed that nothing else uses, so that nothing of it has been kept."""
    spec = SPECS[name]
    return spec.model_copy(update={"seed": seed}) if "seed" in type(spec).model_fields else spec


def test_every_experiment_is_tried_here():
    assert {spec.kind for spec in SPECS.values()} == set(EXPERIMENTS)


@pytest.mark.parametrize("name", SPECS)
def test_progress_never_falls_ends_at_one_and_says_what_is_done(name: str):
    said: list[tuple[float, str]] = []
    run_experiment(reseeded(name, 31), progress=lambda fraction, doing: said.append((fraction, doing)))
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < 0.5
    assert fractions[-1] == 1.0
    assert all(doing for _, doing in said)
    if name != "schedules":
        assert len(set(fractions)) > 5


def test_an_experiment_that_reports_backwards_is_shown_standing_still(monkeypatch: pytest.MonkeyPatch):
    def run(spec: object, report: Callable, stop: Callable) -> None:
        for fraction in (0.2, 0.1, 7.0):
            report(fraction, "working")

    monkeypatch.setitem(EXPERIMENTS._entries, "schedules", dataclasses.replace(EXPERIMENTS["schedules"], run=run))
    said: list[float] = []
    run_experiment(SchedulesSpec(), progress=lambda fraction, _: said.append(fraction))
    assert said == [0.2, 0.2, 1.0, 1.0]


@pytest.mark.parametrize("name", [name for name in SPECS if name != "schedules"])
def test_a_cancelled_experiment_raises_and_leaves_nothing_behind(name: str, monkeypatch: pytest.MonkeyPatch):
    asked, limit = 0, math.inf

    def cancel() -> bool:
        nonlocal asked
        asked += 1
        return asked > limit

    forget(monkeypatch)
    whole, total = run_experiment(SPECS[name], cancel=cancel).to_arrays(), asked
    monkeypatch.undo()
    assert total > 20
    for share in (0.0, 0.5, 0.95):  # in the reference, between, in the solvers
        asked, limit = 0, int(share * total)
        forget(monkeypatch)
        with pytest.raises(Cancelled):
            run_experiment(SPECS[name], cancel=cancel)
        assert asked == limit + 1  # the answer is heeded at once
        monkeypatch.undo()
    # what is kept after all these is what an undisturbed run gives
    for key, values in run_experiment(SPECS[name]).to_arrays().items():
        np.testing.assert_array_equal(values, whole[key], err_msg=key)


@pytest.mark.parametrize("name", SPECS)
def test_results_can_be_taken_away(name: str):
    result = computed(name)
    assert result.spec == SPECS[name]
    assert result.seconds > 0
    assert all(note.endswith(".") for note in result.notes)
    frame = result.to_frame()
    assert len(frame) > 0
    read = pd.read_csv(io.StringIO(frame.to_csv(index=False)))
    pd.testing.assert_frame_equal(read, frame, check_dtype=False, rtol=1e-14)
    stream = io.BytesIO()
    np.savez(stream, **result.to_arrays())
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as stored:
        assert set(stored) == set(result.to_arrays())
        for key, values in result.to_arrays().items():
            np.testing.assert_array_equal(stored[key], values)


@pytest.mark.parametrize("name", SPECS)
def test_the_same_specification_gives_the_same_numbers(name: str, monkeypatch: pytest.MonkeyPatch):
    first = computed(name).to_arrays()
    forget(monkeypatch)
    for key, values in run_experiment(SPECS[name]).to_arrays().items():
        np.testing.assert_array_equal(values, first[key], err_msg=key)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing kept from earlier runs is found again."""
    monkeypatch.setattr("core.experiments.kept.Kept.get", lambda *_: None)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_and_grid_runs(schedule: str):
    fitting = [name for name, info in GRIDS.items() if info.fits(make_schedule(schedule))]
    # every grid once: where one is laid is tested with the grids themselves, for every schedule
    for grid in fitting if schedule in ("vp-linear", "ddpm-linear") else fitting[:3]:
        spec = TrajectoriesSpec(schedule=schedule, grid=grid, particles=3, steps=5, solvers=("ddim", "dpmpp-2m"))
        result = run_experiment(spec)
        assert np.isfinite([path.final_rms for path in result.paths]).all()
        assert np.isfinite(result.field.density).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_runs(solver: str):
    (path,) = run_experiment(TrajectoriesSpec(particles=3, steps=8, solvers=(solver,))).paths
    assert np.isfinite(path.states).all()
    assert math.isfinite(path.final_rms) != path.stochastic
    assert path.nfe == len(path.evaluation_times)


@dataclasses.dataclass(frozen=True)
class Exploding(Solver):
    """Keeps still for ten steps and then leaves every range."""

    def plan(self, problem: object, times: Tensor) -> list[None]:
        return [None] * (len(times) - 1)

    def step(self, context: Context, i: int, x: Tensor, state: object) -> tuple[Tensor, None]:
        context.problem.eps(x, 0.5)
        return (x if i < 10 else x * 1e300 * 1e300), None


@pytest.fixture
def exploding(monkeypatch: pytest.MonkeyPatch) -> str:
    info = dataclasses.replace(
        SOLVERS["ddim"], name="exploding", title="Exploding", build=Exploding, options={}, note=""
    )
    monkeypatch.setitem(SOLVERS._entries, "exploding", info)
    return "exploding"


def test_a_run_that_diverges_is_nan_with_a_note_and_spoils_no_other(exploding: str):
    spec = ConvergenceSpec(
        particles=4, seed=41, solvers=("ddim", exploding), step_counts=(5, 10, 20, 40), path_steps=20
    )
    result = run_experiment(spec)
    good, bad = result.solvers
    np.testing.assert_array_equal(bad.diverged, [False, False, True, True])
    np.testing.assert_array_equal(np.isnan(bad.rms), bad.diverged)
    np.testing.assert_array_equal(np.isnan(bad.median), bad.diverged)
    assert np.isnan(bad.particle_error).all()
    assert len(bad.path_times) == len(bad.path_error) == 11
    assert np.isfinite(good.rms).all()
    assert [note for note in result.notes if "Exploding" in note and "diverged with 20, 40 steps" in note]
    frame = result.to_frame()
    assert int(frame["rms_error"].isna().sum()) == 2
    assert int(frame["diverged"].sum()) == 2


def test_a_path_that_diverges_is_kept_up_to_where_it_did(exploding: str):
    result = run_experiment(TrajectoriesSpec(particles=4, seed=42, steps=15, solvers=(exploding, "ddim")))
    bad, good = result.paths
    assert bad.diverged_at == 10
    assert len(bad.times) == len(bad.states) == len(bad.error) == 11
    assert np.isfinite(bad.states).all()
    assert math.isnan(bad.final_rms)
    assert math.isnan(bad.final_median)
    assert "diverged in step 11 of 15" in bad.message
    assert any(note.startswith("Exploding diverged in step 11 of 15") for note in result.notes)
    assert good.diverged_at is None
    assert math.isfinite(good.final_rms)


class Broken(Model):
    """Answers NaN once noise is weak: not even the reference gets through."""

    native = ("x0", "eps")
    exact = True
    shape = (2,)

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        return torch.full_like(x, math.nan) if sigma < 0.3 else torch.zeros_like(x)

    def log_density(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        return -x.square().sum(1)

    def sample(self, n: int, seed: int) -> Tensor:
        return torch.zeros(n, 2, dtype=torch.float64)


@pytest.mark.parametrize("kind", [TrajectoriesSpec, ConvergenceSpec])
def test_a_reference_that_breaks_off_is_said_and_nothing_is_made_up(kind: type, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(build, "build_model", lambda data: Broken())
    forget(monkeypatch)
    result = run_experiment(kind(particles=2, seed=43, solvers=("ddim",)))
    assert any(note.startswith("The reference ") for note in result.notes)
    assert not np.isfinite(result.to_frame()["rms_error"].iloc[-1])


def test_a_curvature_without_any_path_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(build, "build_model", lambda data: Broken())
    forget(monkeypatch)
    with pytest.raises(ValueError, match="reference") as caught:
        run_experiment(CurvatureSpec(particles=2, nodes=20, schedules=("vp-linear",)))
    assert "\n" not in str(caught.value)


def test_missing_weights_are_one_sentence(tmp_path: object, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.data.networks.WEIGHTS", tmp_path)
    build.build_model.cache_clear()
    with pytest.raises(ValueError, match=r"digits\.safetensors") as caught:
        run_experiment(TrajectoriesSpec(data=ImageData(name="unet-digits", label=1), particles=1, steps=2))
    assert "\n" not in str(caught.value)
    build.build_model.cache_clear()


def test_particles_keep_their_noise_whatever_their_number_and_the_steps():
    few = run_experiment(TrajectoriesSpec(particles=3, steps=4, seed=44, solvers=("ddpm",)))
    many = run_experiment(TrajectoriesSpec(particles=30, steps=16, seed=44, solvers=("ddpm",)))
    np.testing.assert_array_equal(few.paths[0].states[0], many.paths[0].states[0, :3])
    other = run_experiment(TrajectoriesSpec(particles=3, steps=4, seed=45, solvers=("ddpm",)))
    assert (few.paths[0].states[0] != other.paths[0].states[0]).all()


def test_images_end_beside_the_images_of_their_set():
    result = run_experiment(SPECS["convergence of images"])
    assert set(result.final_images) == {"reference", *(errors.label for errors in result.solvers)}
    digits = build.build_model(DIGITS).points.flatten(1).numpy()
    ends = result.final_images["reference"].reshape(2, -1)
    nearest = np.min(np.abs(digits[None] - ends[:, None]).max(axis=2), axis=1)
    assert (nearest < 0.02).all()  # an exact score ends at an image of the set, up to the noise left at t_end


def test_own_points_and_the_named_sets_run_alike():
    points = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
    result = run_experiment(TrajectoriesSpec(data=ToyData(name="custom", points=points, bandwidth=0.05), particles=5))
    ends = result.reference[-1]
    places = build.build_model(result.spec.data).means.numpy()
    assert (np.linalg.norm(ends[:, None] - places, axis=2).min(axis=1) < 0.3).all()
