"""What a visitor's settings are refused with can be said in another language, down to the last part of the sentence."""

import re
from collections.abc import Iterator
from string import Formatter

import pytest

from core import language
from core.experiments import EXPERIMENTS, load_recipe
from core.experiments.links import from_params
from core.language import ENGLISH, follow, tr
from scripts.texts import all_texts

ENGLISH_WORDS = re.compile(r"[a-z]{2,} (a|in|is|of|to|be|[a-z]{3,}) [a-z]{2,}")


TEXTS = {text.english for text in all_texts()}


class Dotted(dict):
    """A language that has every text of the catalogue: its letters are dots, and its values stay where they are."""

    def get(self, english: str, default: str = "") -> str:
        if english not in TEXTS:
            return default
        parts = []
        for words, name, form, conversion in Formatter().parse(english):
            field = "" if name is None else f"{{{name}{f'!{conversion}' if conversion else ''}{form and f':{form}'}}}"
            parts.append(re.sub(r"[A-Za-z]", "·", words) + field)
        return "".join(parts)


@pytest.fixture
def dotted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything in dots."""
    monkeypatch.setattr(language, "catalogue", lambda _: Dotted())
    follow(lambda: "zh")
    yield
    follow(lambda: ENGLISH)


@pytest.mark.usefixtures("dotted")
@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("trajectories", {"solvers": "eulr"}),
        ("trajectories", {"solvers": "nothing-like-it"}),
        ("trajectories", {"solvers": "ddim(eta=3)"}),
        ("trajectories", {"solvers": "sa-solver(tau=99)", "grid": "karras(rho=900)"}),
        ("trajectories", {"solvers": "ddpm(variance=odd)", "grid": "custom(t=1 b)"}),
        ("trajectories", {"solvers": "ddim((", "schedule": "vpp", "steps": "5000", "seed": "x"}),
        ("trajectories", {"start": "1,2", "t_start": "7", "particles": "100000"}),
        ("trajectories", {"data": "moons", "label": "5", "guidance": "classifier(scale=999)", "zoom": "2"}),
        ("trajectories", {"data": "custom", "points": "1:2"}),
        ("trajectories", {"data": "drawn", "drawing": "zz"}),
        ("convergence", {"timed": "maybe", "precision": "float8", "step_counts": "10,5", "solvers": "ddpm"}),
        ("curvature", {"beside": "nothing", "nodes": "3"}),
        ("noise", {"distance": "nothing", "values": "3,1"}),
        ("sde_orders", {"test": "nothing", "particles": "1"}),
    ],
)
def test_a_refused_setting(kind: str, params: dict[str, str]):
    _, problems = from_params(EXPERIMENTS[kind].specification, params)
    assert len(problems) == len(set(params) - {"data"}), problems
    for problem in problems:
        assert ENGLISH_WORDS.search(problem), "a sentence in English"
        assert not ENGLISH_WORDS.search(tr(problem)), tr(problem)


@pytest.mark.usefixtures("dotted")
@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"kind": "trajectories" "steps": 3}',
        "[" * 100_000,
        '{"kind": "painting"}',
        '{"kind": "trajectories", "steps": "many", "zoom": 2}',
        '{"kind": "trajectories", "data": {"kind": "painting"}, "solvers": [1, "eulr"]}',
    ],
)
def test_a_refused_recipe(text: str):
    with pytest.raises(ValueError, match=r"^the recipe ") as refused:
        load_recipe(text)
    assert not ENGLISH_WORDS.search(tr(refused.value.args[0])), tr(refused.value.args[0])
