"""All lessons as cards."""

import streamlit as st

from core.language import tr
from core.lessons import Lesson, all_lessons
from pages.common.lesson_place import Place, go, seen

COLUMNS = 3


def draw() -> None:
    """A card for each lesson, with how much of it was seen."""
    lessons = all_lessons()
    for start in range(0, len(lessons), COLUMNS):
        for column, lesson in zip(st.columns(COLUMNS), lessons[start : start + COLUMNS], strict=False):
            with column.container(border=True, height="stretch", gap="small", key=f"lesson-{lesson.number}"):
                _card(lesson)


def _card(lesson: Lesson) -> None:
    done = sum((lesson.number, k) in seen() for k in range(len(lesson.steps)))
    st.markdown(f"## {lesson.number} · {tr(lesson.title)}")
    st.markdown(tr(lesson.about))
    steps = tr("{steps} steps, about {minutes} minutes", steps=len(lesson.steps), minutes=lesson.minutes)
    if done == len(lesson.steps):
        steps = tr("All {steps} steps seen", steps=done)
    elif done:
        steps = tr(
            "{seen} of {steps} steps seen, about {minutes} minutes",
            seen=done,
            steps=len(lesson.steps),
            minutes=lesson.minutes,
        )
    st.caption(steps)
    first = next((k for k in range(len(lesson.steps)) if (lesson.number, k) not in seen()), 0)
    with st.container(horizontal=True, gap="small"):
        label = tr("Go on") if 0 < done < len(lesson.steps) else tr("Again") if done else tr("Begin")
        st.button(label, key=f"begin-{lesson.number}", type="primary", on_click=go, args=(Place(lesson, first),))
        st.button(
            tr("Lecture"),
            key=f"lecture-{lesson.number}",
            type="tertiary",
            on_click=go,
            args=(Place(lesson, lecture=True),),
            help=tr("Large type, without controls; arrow keys go on and back."),
        )
