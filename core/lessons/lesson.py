"""A lesson as it is written in its TOML file, validated as a whole when it is read."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.experiments import Specification, from_params
from core.experiments.run import EXPERIMENTS
from core.lessons.pictures import PICTURES

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


class Step(_Written):
    """One step of a lesson.

    Attributes
    ----------
    title, words : what comes before the picture, Markdown; formula : LaTeX, behind an expander; empty if none.
    experiment, link : which experiment, and its settings as in a link (``data=ring&steps=5``).
    picture : a key of ``PICTURES`` for that experiment.
    question : what to predict; None for a step that only shows.
    after : what to see in the picture, shown with it.
    numbers : every number that the words state, as written -> the fact that it must be.
    """

    title: str
    words: str
    formula: str = ""
    experiment: str
    link: str = ""
    picture: str
    question: Question | None = None
    after: str
    numbers: dict[str, str] = {}

    @model_validator(mode="after")
    def _shown(self) -> "Step":
        if (self.experiment, self.picture) not in PICTURES:
            known = ", ".join(picture for experiment, picture in PICTURES if experiment == self.experiment)
            raise ValueError(
                f"there is no picture {self.picture!r} of {self.experiment!r}; there are: {known or 'none'}"
            )
        _, problems = self._read()
        if problems:
            raise ValueError(" ".join(problems))
        return self

    def _read(self) -> tuple[Specification, list[str]]:
        return from_params(EXPERIMENTS[self.experiment].specification, self.params)

    @property
    def params(self) -> dict[str, str]:
        """The settings, as a link has them."""
        return dict(parse_qsl(self.link, keep_blank_values=True))

    @property
    def spec(self) -> Specification:
        """What is run."""
        return self._read()[0]


class Lesson(_Written):
    """A guided tour: its place in the row, and its steps."""

    number: int
    title: str
    about: str
    minutes: int = Field(ge=3, le=30)
    steps: tuple[Step, ...] = Field(min_length=3, max_length=9)


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
            if step.question:
                texts += [step.question.ask, *step.question.options.values()]
    return list(dict.fromkeys(texts))
