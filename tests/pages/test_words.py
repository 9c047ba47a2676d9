"""What results say is made of whole templates: in a language of one sign, no English is left but names and numbers."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core import language
from core.experiments.boomerang import BoomerangSpec
from core.experiments.bounds import BoundsSpec
from core.experiments.catalogue import CatalogueSpec
from core.experiments.inversion import InversionSpec
from core.experiments.listing import found
from core.experiments.noise_sweep import NoiseSweepSpec
from core.experiments.precision import PrecisionSpec
from core.experiments.recommend import RecommendSpec
from core.experiments.run import run_experiment
from core.experiments.sde_orders import SdeOrdersSpec
from core.experiments.specification import ConvergenceSpec, CurvatureSpec, SchedulesSpec, ToyData, TrajectoriesSpec
from core.language import ENGLISH, Message, Several, follow, tr
from core.solvers import SOLVERS
from pages.common import catalogue, words, words_curvature, words_errors, words_noise, words_recommend, words_round_trip
from pages.common import words_catalogue as cards

FIELD = re.compile(r"{[a-z_]+(?::[^{}]*)?}")
GAUSSIAN = ToyData(name="gaussian")
NAMES = {word for info in SOLVERS.values() for word in re.findall(r"[A-Za-z]{2,}", info.title)}


class OneSign:
    """A catalogue that says a sign for every text, and keeps where values go."""

    def get(self, text: str, _: str) -> str:
        return text if text.startswith("※") else "※" + "".join(FIELD.findall(text))


def strictly(several: Several) -> str:
    """Parts in a row, where a part that nobody translated stays as it is."""
    return several.template.join(tr(part) if isinstance(part, Message) else part for part in several.values["parts"])


@pytest.fixture(autouse=True)
def one_sign(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(language, "catalogue", lambda _: OneSign())
    monkeypatch.setattr(Several, "said", strictly)
    follow(lambda: "zh")
    yield
    follow(lambda: ENGLISH)


def some_trajectories() -> Any:
    return run_experiment(TrajectoriesSpec(particles=6, solvers=("euler", "dpmpp-2m", "ddpm"), steps=5))


SAID: dict[str, tuple[Callable[[], Any], list[Callable[[Any], str]]]] = {
    "trajectories": (some_trajectories, [words.trajectories, words.side_by_side]),
    "convergence": (
        lambda: run_experiment(ConvergenceSpec(particles=8, step_counts=(5, 10, 20), path_steps=5)),
        [words.convergence, words.floor],
    ),
    "curvature": (
        lambda: run_experiment(CurvatureSpec(particles=8, nodes=30)),
        [words_curvature.curvature, words_curvature.likeness, words_curvature.planarity],
    ),
    "schedules": (lambda: run_experiment(SchedulesSpec()), [words.schedules]),
    "card": (
        lambda: run_experiment(CatalogueSpec(particles=8, step_counts=(5, 10, 20))),
        [cards.order, cards.weights, cards.widths],
    ),
    "adaptive card": (
        lambda: run_experiment(CatalogueSpec(solver="rk45", particles=4, step_counts=(5, 10, 20))),
        [cards.order, cards.weights],
    ),
    "precision": (
        lambda: run_experiment(PrecisionSpec(particles=4, solvers=("ddim",), step_counts=(5, 10))),
        [words_errors.precision],
    ),
    "noise": (
        lambda: run_experiment(NoiseSweepSpec(data=GAUSSIAN, particles=20, nfe=6, values=(0.0, 1.0))),
        [words_noise.sweep],
    ),
    "orders": (
        lambda: run_experiment(SdeOrdersSpec(data=GAUSSIAN, particles=20, step_counts=(5, 10, 20))),
        [words_noise.orders],
    ),
    "bounds": (
        lambda: run_experiment(BoundsSpec(data=GAUSSIAN, horizon=2.0, step=0.1)),
        [words_noise.bounds, words_noise.stopping],
    ),
    "inversion": (
        lambda: run_experiment(InversionSpec(particles=8, step_counts=(5, 10, 20))),
        [words_round_trip.inversion],
    ),
    "boomerang": (
        lambda: run_experiment(BoomerangSpec(data=GAUSSIAN, particles=20, levels=3)),
        [words_round_trip.boomerang],
    ),
    "recommend": (
        lambda: run_experiment(RecommendSpec(particles=8, nfe=4, budgets=(2, 4), solvers=("ddim", "heun", "dpmpp-2m"))),
        [words_recommend.recommendation, words_recommend.budgets],
    ),
}


@pytest.mark.parametrize("kind", SAID)
def test_every_word_comes_from_the_catalogue(kind):
    make, say = SAID[kind]
    result = make()
    for function in say:
        said = function(result)
        assert "※" in said
        plain = re.sub(r"'[^']+'", "", said)  # a key in quotes is a name
        left = set(re.findall(r"[A-Za-z]{2,}", plain)) - NAMES - {"float", "bfloat"}
        assert not left, said


def test_the_filters_and_the_table_of_solvers_are_in_the_language():
    filters = catalogue.filters()
    assert all(text.startswith("※") for options in filters.values() for text in options.values())
    table = cards.table(found("heun"))
    assert all(heading.startswith("※") for heading in table.columns)


def test_a_count_has_its_own_form_for_one():
    follow(lambda: ENGLISH)
    for thing in words.COUNTED:
        assert [words.counted(count, thing) for count in (0, 1, 2)] == [f"0 {thing}s", f"1 {thing}", f"2 {thing}s"]


def test_solvers_are_found_by_words_of_either_language(monkeypatch):
    family = SOLVERS["ddim"].family
    monkeypatch.setattr(language, "catalogue", lambda _: {family: "指数多步"})
    assert tr(family) == "指数多步"
    chinese = [info.name for info in found("多步")]
    assert chinese == [info.name for info in SOLVERS.values() if info.family == family]
    assert SOLVERS["ddim"] in found("ddim")
