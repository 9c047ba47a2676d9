"""One step of a lesson: words, a question, the run, and what is seen."""

from typing import Any

import streamlit as st

from core.experiments import to_params
from core.figures.scene import Scene
from core.language import tr
from core.lessons import PICTURES, answer_of
from core.lessons.pictures import Picture
from pages.common import compute, explain, player
from pages.common.lesson_place import Place, answers, go, seen

PAGE = "lessons"


def draw(place: Place) -> None:
    """The step at ``place``; for an audience in large type and without anything else."""
    with st.container(key="lecture" if place.lecture else "lesson"):
        _head(place)
        wide = place.lecture or _picture_of(place).wide
        before, picture, after = explain.slots(stacked=wide)
        with before:
            st.markdown(tr(place.step.words))
            if place.step.formula:
                if place.lecture:
                    st.markdown(place.step.formula)
                else:
                    explain.formula(place.step.formula)
            ready = _ask(place)
        result = None
        if ready:
            with picture:
                result = compute.result_for(PAGE, place.step.spec)
                if result is not None:
                    _show(place, result)
        else:
            with picture.container(border=True, height=360, vertical_alignment="center", horizontal_alignment="center"):
                st.caption(tr("Predict first. Then the picture is computed here."))
        if result is not None:
            with after if wide else before:
                _verdict(place, result)
        if not place.lecture:
            _ways(place)


def _picture_of(place: Place) -> Picture:
    return PICTURES[place.step.experiment, place.step.picture]


def _head(place: Place) -> None:
    lesson, count = place.lesson, len(place.lesson.steps)
    with st.container(horizontal=True, vertical_alignment="center", key="lesson-head"):
        st.caption(
            tr(
                "Lesson {number}: {title} · step {step} of {count}",
                number=lesson.number,
                title=tr(lesson.title),
                step=place.number + 1,
                count=count,
            ),
            width="content",
        )
        st.space("stretch")
        st.button(
            tr("Back"),
            key="lesson-back",
            shortcut="Left",
            disabled=place.number == 0,
            on_click=go,
            args=(lesson.number, place.number - 1, place.lecture),
        )
        last = place.number == count - 1
        st.button(
            tr("To the lessons") if last else tr("Next"),
            key="lesson-next",
            shortcut="Right",
            type="primary" if place.key in seen() else "secondary",
            on_click=go,
            args=(None,) if last else (lesson.number, place.number + 1, place.lecture),
        )
        st.button(
            tr("Leave the lecture") if place.lecture else tr("Lecture"),
            key="lesson-view",
            type="tertiary",
            shortcut="Escape" if place.lecture else None,
            on_click=go,
            args=(lesson.number, place.number, not place.lecture),
            help=None if place.lecture else tr("Large type, without controls; arrow keys go on and back."),
        )
    st.progress((place.number + 1) / count)
    st.title(tr(place.step.title), anchor=False)


def _ask(place: Place) -> bool:
    """The question; whether it is answered or passed over, so that the picture may be shown."""
    question = place.step.question
    if question is None:
        return True
    given = answers()
    done = place.key in given
    name = "-".join(map(str, place.key))
    st.markdown(f"**{tr(question.ask)}**")
    options = list(question.options)
    choice = st.radio(
        tr(question.ask),
        options,
        index=options.index(given[place.key]) if done and given[place.key] else None,
        format_func=lambda key: tr(question.options[key]),
        key=f"answer-{name}",
        label_visibility="collapsed",
        disabled=done,
    )
    if not done:
        with st.container(horizontal=True, gap="small"):
            st.button(
                tr("Run"),
                key=f"run-{name}",
                type="primary",
                shortcut="Enter",
                disabled=choice is None and not place.lecture,
                on_click=given.update,
                args=({place.key: choice},),
            )
            if not place.lecture:
                st.button(
                    tr("Only show me"),
                    key=f"skip-{name}",
                    type="tertiary",
                    on_click=given.update,
                    args=({place.key: None},),
                )
    return done


def _show(place: Place, result: Any) -> None:
    picture = _picture_of(place)
    drawn = picture.draw(result)
    name = f"lesson-{place.lesson.number}-{place.number}"
    if isinstance(drawn, Scene):
        drawn.head["tall"] = 640 if place.lecture else 480
        player.player(drawn, name)
    else:
        explain.picture(drawn, picture.alt(result), name, wide=picture.wide)
    seen().add(place.key)


def _verdict(place: Place, result: Any) -> None:
    question = place.step.question
    if question is not None:
        right = answer_of(question, result)
        said = answers().get(place.key)
        found = tr(question.options[right])
        if said == right:
            st.success(tr("Right. Computed: {answer}.", answer=found))
        elif said is None:
            st.info(tr("Computed: {answer}.", answer=found))
        else:
            st.warning(tr("Computed: {answer}. You said: {said}.", answer=found, said=tr(question.options[said])))
    explain.look(tr(place.step.after))


def _ways(place: Place) -> None:
    """The same settings on their own page, to play with; and once more."""
    step = place.step
    with st.container(horizontal=True, gap="medium", key="lesson-ways"):
        params = {**(to_params(step.spec) or {"seed": str(step.spec.seed)}), **_picture_of(place).views}
        st.page_link(f"pages/{step.experiment}.py", label=tr("Play with these settings"), query_params=params)
        if step.question is not None and place.key in answers():
            st.button(
                tr("Ask me again"), key="lesson-again", type="tertiary", on_click=answers().pop, args=(place.key,)
            )
        st.button(tr("All lessons"), key="lesson-all", type="tertiary", on_click=go, args=(None,))
