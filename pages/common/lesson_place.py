"""Where in the lessons the visitor is; the address says it, so every step has its link."""

from typing import NamedTuple

import streamlit as st

from core.language import tr
from core.lessons import Lesson, Step, all_lessons
from pages.common import tongue

LESSON, STEP, VIEW, LECTURE = "lesson", "step", "view", "lecture"
ANSWERS, SEEN = "lesson answers", "lesson steps seen"


class Place(NamedTuple):
    """A step of a lesson, and whether it is shown to an audience."""

    lesson: Lesson
    number: int
    lecture: bool

    @property
    def step(self) -> Step:
        """The step itself."""
        return self.lesson.steps[self.number]

    @property
    def key(self) -> tuple[int, int]:
        """Names it in the session."""
        return self.lesson.number, self.number


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
    return Place(lessons[number], step - 1, params.get(VIEW) == LECTURE)


def _number(text: str, end: int, first: int) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 4 and first <= int(text) < end else None


def go(lesson: int | None, step: int = 0, lecture: bool = False) -> None:
    """Show a step, or the overview; for callbacks of buttons."""
    place = {} if lesson is None else {LESSON: str(lesson), STEP: str(step + 1)} | ({VIEW: LECTURE} if lecture else {})
    st.query_params.from_dict(place | tongue.params())


def answers() -> dict[tuple[int, int], str | None]:
    """What was answered, by place; None where the reader only looked."""
    return st.session_state.setdefault(ANSWERS, {})


def seen() -> set[tuple[int, int]]:
    """The places whose picture was shown."""
    return st.session_state.setdefault(SEEN, set())
