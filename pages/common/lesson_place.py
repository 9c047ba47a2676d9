"""Where in the lessons the visitor is; the address says it, so every step has its link."""

from typing import NamedTuple

import streamlit as st

from core.language import tr
from core.lessons import Lesson, Step, all_lessons
from pages.common import tongue

LESSON, STEP, VIEW, LECTURE, PART = "lesson", "step", "view", "lecture", "part"
WORDS, QUESTION, PICTURE = "words", "question", "picture"  # the parts of a step that a lecture shows one by one
ANSWERS, SEEN = "lesson answers", "lesson steps seen"


class Place(NamedTuple):
    """A step of a lesson, and whether it is shown to an audience, and then which part of it."""

    lesson: Lesson
    number: int = 0
    lecture: bool = False
    part: str = WORDS

    @property
    def step(self) -> Step:
        """The step itself."""
        return self.lesson.steps[self.number]

    @property
    def wide(self) -> bool:
        """Whether its picture needs the whole width: parts side by side, or strips of images."""
        step = self.step
        return step.shared.wide or (step.experiment, step.spec.data.kind) == ("trajectories", "images")

    @property
    def key(self) -> tuple[int, int]:
        """Names it in the session."""
        return self.lesson.number, self.number

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that this step has."""
        return (WORDS, QUESTION, PICTURE) if self.step.question else (WORDS, PICTURE)

    def to(self, number: int, last_part: bool = False) -> "Place | None":
        """Another step of this lesson, from its beginning or its end; None beyond either."""
        if not 0 <= number < len(self.lesson.steps):
            return None
        return self._replace(number=number, part=PICTURE if last_part else WORDS)

    @property
    def next(self) -> "Place | None":
        """The step after this one; in a lecture, the next part of it first. None after the last."""
        if self.lecture and self.part != self.parts[-1]:
            return self._replace(part=self.parts[self.parts.index(self.part) + 1])
        return self.to(self.number + 1)

    @property
    def previous(self) -> "Place | None":
        """The step before, or the part before; None before the first."""
        if self.lecture and self.part != self.parts[0]:
            return self._replace(part=self.parts[self.parts.index(self.part) - 1])
        return self.to(self.number - 1, last_part=True)

    @property
    def address(self) -> dict[str, str]:
        """Its parameters in a link."""
        named = {LESSON: str(self.lesson.number), STEP: str(self.number + 1)}
        return named | ({VIEW: LECTURE, PART: self.part} if self.lecture else {})


def here() -> Place | None:
    """The place that the address names; None for the overview. What it names wrongly is told and left out."""
    params = st.query_params
    if LESSON not in params:
        return None
    lessons = all_lessons()
    number = _number(params[LESSON], len(lessons), first=0)
    if number is None:
        st.warning(
            tr(
                "There is no lesson {number}; lessons go from 0 to {last}.",
                number=params[LESSON][:20],
                last=len(lessons) - 1,
            )
        )
        return None
    steps = len(lessons[number].steps)
    step = _number(params.get(STEP, "1"), steps + 1, first=1)
    if step is None:
        st.warning(
            tr("There is no step {number}; this lesson has steps 1 to {last}.", number=params[STEP][:20], last=steps)
        )
        step = 1
    place = Place(lessons[number], step - 1, params.get(VIEW) == LECTURE)
    part = params.get(PART, WORDS)
    return place._replace(part=part) if part in place.parts else place


def _number(text: str, end: int, first: int) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 4 and first <= int(text) < end else None


def go(place: Place | None) -> None:
    """Show a step, or the overview; for callbacks of buttons."""
    st.query_params.from_dict(({} if place is None else place.address) | tongue.params())


def answers() -> dict[tuple[int, int], str | None]:
    """What was answered, by place; None where the reader only looked."""
    return st.session_state.setdefault(ANSWERS, {})


def seen() -> set[tuple[int, int]]:
    """The places whose picture was shown."""
    return st.session_state.setdefault(SEEN, set())
