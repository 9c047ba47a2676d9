"""One step of a lesson before an audience: words, then the question, then the picture, each filling the screen."""

import streamlit as st

from core.language import tr
from pages.common import compute, lesson_keys, lesson_picture
from pages.common.lesson_place import PICTURE, QUESTION, WORDS, Place, go


def draw(place: Place) -> None:
    """The part of the step at ``place``."""
    lesson_keys.listen(lecture=True)
    with st.container(key="lecture", gap="small"):
        _head(place)
        if place.part == PICTURE:
            _picture(place)
            return
        compute.ahead(place.step.spec)  # while the audience thinks
        st.title(tr(place.step.title), anchor=False)
        if place.part == WORDS:
            with st.container(key="slide-words"):
                st.markdown(tr(place.step.words))
            if place.step.formula:
                with st.container(key="slide-formula"):
                    st.markdown(_displayed(tr(place.step.formula)))
        elif place.part == QUESTION:
            with st.container(key="slide-question"):
                st.markdown(tr(place.step.question.ask))
                st.markdown("\n".join(f"- {tr(text)}" for text in place.step.question.options.values()))


def _displayed(formula: str) -> str:
    """Markdown whose formulas stand on lines of their own: full-size fractions, and no break at a relation."""
    return formula.replace("$$", "\n$$\n")


def _picture(place: Place) -> None:
    left, right = st.columns([0.73, 0.27] if place.wide else [0.62, 0.38], gap="medium")
    with right, st.container(key="slide-side"):  # first: the question stands while the answer is computed
        st.title(tr(place.step.title), anchor=False)
        if place.step.question is not None:
            st.markdown(f"*{tr(place.step.question.ask)}*")
        found = st.container(key="slide-found")
    with left:
        result = lesson_picture.computed(place)
        if result is not None:
            lesson_picture.show(place, result)
    if result is not None:
        with found:
            lesson_picture.verdict(place, result)
            st.markdown(tr(place.step.after))


def _head(place: Place) -> None:
    """A quiet line: where one is, and which keys go on; the same as buttons."""
    lesson, count = place.lesson, len(place.lesson.steps)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="lecture-head"):
        with st.container(width="stretch"):
            st.caption(
                tr(
                    "{title} · {step} of {count}",
                    title=tr(lesson.title),
                    step=place.number + 1,
                    count=count,
                )
            )
        first = place.to(0)
        st.button(tr("First · Home"), key="lesson-first", type="tertiary", on_click=go, args=(first,))
        st.button(
            tr("Back · ←"),
            key="lesson-back",
            type="tertiary",
            disabled=place.previous is None,
            on_click=go,
            args=(place.previous or first,),
        )
        # after the last part the end stays on the wall: going on from there would surprise
        st.button(
            tr("On · → or Enter"),
            key="lesson-next",
            type="tertiary",
            disabled=place.next is None,
            on_click=go,
            args=(place.next or place,),
        )
        st.button(
            tr("Leave · Esc"), key="lesson-view", type="tertiary", on_click=go, args=(place._replace(lecture=False),)
        )
