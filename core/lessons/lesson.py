"""A lesson as it is written in its TOML file, validated as a whole when it is read."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.experiments import Specification, from_params, to_params
from core.experiments.run import EXPERIMENTS
from core.figures.pictures import Shared
from core.lessons.pictures import CHOSEN, PICTURES
from core.references import REFERENCES, Reference

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "lessons"


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Written):
    """Something to predict before the run.

    Attributes
    ----------
    ask : the question; options : what the reader chooses from, key -> words.
    answer : the fact (:mod:`core.lessons.facts`) whose value says which option is right.
    bounds : for a fact that is a number, the options in the order of their ranges, which these numbers part; empty for
        a fact that is itself a key.
    """

    ask: str
    options: dict[str, str] = Field(min_length=2, max_length=5)
    answer: str
    bounds: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _parted(self) -> "Question":
        if self.bounds and (len(self.bounds) != len(self.options) - 1 or list(self.bounds) != sorted(self.bounds)):
            raise ValueError(f"{len(self.options)} options need {len(self.options) - 1} rising bounds")
        return self


class Try(_Written):
    """Something for readers to do themselves: what, and the page, settings and choices of display where they do it."""

    text: str
    experiment: str
    link: str = ""
    views: dict[str, str] = {}

    @model_validator(mode="after")
    def _reachable(self) -> "Try":
        _checked(self.experiment, self.link)
        return self

    @property
    def params(self) -> dict[str, str]:
        """Settings and display, as a link has them."""
        return _params(self.link) | self.views


class Reading(_Written):
    """A work to read on: its key in ``core.references``, and what it is good for."""

    key: str
    why: str

    @model_validator(mode="after")
    def _known(self) -> "Reading":
        REFERENCES[self.key]
        return self

    @property
    def reference(self) -> Reference:
        """The work."""
        return REFERENCES[self.key]


def _params(link: str) -> dict[str, str]:
    return dict(parse_qsl(link, keep_blank_values=True))


def _checked(experiment: str, link: str) -> Specification:
    spec, problems = from_params(EXPERIMENTS[experiment].specification, _params(link))
    if problems:
        raise ValueError(" ".join(problems))
    return spec


class Step(_Written):
    """One step of a lesson.

    Attributes
    ----------
    title, words : what comes before the picture, Markdown; formula : LaTeX, behind an expander; empty if none.
    experiment, link : which experiment, and its settings as in a link (``data=ring&steps=5``).
    picture, views : a key of ``PICTURES`` for that experiment, and how it is displayed.
    question : what to predict; None for a step that only shows.
    after : what to see in the picture, shown with it.
    numbers : every number that the words state, as written -> the fact that it must be.
    claims : what the words say of numbers without digits ("less than half"), as written -> the fact between bounds.
    plain : numbers and number words that are no result: settings, counts of things named, parts of formulas.
    tries : what to do next with one's own hands.
    """

    title: str
    words: str
    formula: str = ""
    experiment: str
    link: str = ""
    picture: str
    views: dict[str, str] = {}
    question: Question | None = None
    after: str
    numbers: dict[str, str] = {}
    claims: dict[str, str] = {}
    plain: tuple[str, ...] = ()
    tries: tuple[Try, ...] = ()

    @model_validator(mode="after")
    def _shown(self) -> "Step":
        if (self.experiment, self.picture) not in PICTURES:
            known = ", ".join(picture for experiment, picture in PICTURES if experiment == self.experiment)
            raise ValueError(
                f"there is no picture {self.picture!r} of {self.experiment!r}; there are: {known or 'none'}"
            )
        _checked(self.experiment, self.link)
        return self

    @property
    def shared(self) -> Shared:
        """How its picture is drawn."""
        return PICTURES[self.experiment, self.picture]

    @property
    def params(self) -> dict[str, str]:
        """Settings and display, as a link to the experiment's own page has them.

        The data are named in any case: a link without settings would leave that page as it was.
        """
        views = CHOSEN.get((self.experiment, self.picture), {}) | self.views
        return {"data": self.spec.data.name} | to_params(self.spec) | views

    @property
    def spec(self) -> Specification:
        """What is run."""
        return _checked(self.experiment, self.link)


class Lesson(_Written):
    """A guided tour: its place in the row, its steps, and what to read after it."""

    number: int
    title: str
    about: str
    minutes: int = Field(ge=3, le=30)
    steps: tuple[Step, ...] = Field(min_length=4, max_length=8)
    read: tuple[Reading, ...] = Field(min_length=1, max_length=6)


@cache
def all_lessons() -> tuple[Lesson, ...]:
    """Every lesson in ``assets/lessons``, in order.

    Raises
    ------
    ValueError
        If a file is not as it should be, with its name and what is wrong.
    """
    lessons = sorted((read_lesson(path) for path in FOLDER.glob("*.toml")), key=lambda lesson: lesson.number)
    if [lesson.number for lesson in lessons] != list(range(len(lessons))):
        raise ValueError(f"lessons must be numbered from 0 on, got {[lesson.number for lesson in lessons]}")
    return tuple(lessons)


def read_lesson(path: Path) -> Lesson:
    """The lesson in a file. Raises ValueError as :func:`all_lessons`."""
    try:
        return Lesson.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as problem:
        raise ValueError(f"{path.name}: {problem}") from None


def lesson_texts() -> list[str]:
    """Every text of every lesson that is shown, for the catalogue of another language."""
    texts: list[Any] = []
    for lesson in all_lessons():
        texts += [lesson.title, lesson.about]
        for step in lesson.steps:
            texts += [step.title, step.words, step.after]
            if "\\text{" in step.formula:  # words in a formula
                texts.append(step.formula)
            if step.question:
                texts += [step.question.ask, *step.question.options.values()]
            texts += [one.text for one in step.tries]
        texts += [work.why for work in lesson.read]
    return list(dict.fromkeys(texts))
