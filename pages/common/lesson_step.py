"""One step of a lesson as one reads it: words, a question, the run, and what is seen."""

import streamlit as st

from core.language import tr
from core.lessons import Reading
from pages.common import compute, explain, lesson_keys, lesson_picture, sharing
from pages.common.lesson_place import Place, answers, go, seen


def draw(place: Place) -> None:
    """The step at ``place``."""
    lesson_keys.listen(lecture=False)
    with st.container(key="lesson"):
        _head(place)
        before, picture, after = _slots(place.wide)
        with before:
            st.markdown(tr(place.step.words))
            if place.step.formula:
                explain.formula(place.step.formula, title=tr("The formula"))
            ready = _ask(place)
        result = None
        with picture:
            if ready:
                result = lesson_picture.computed(place)
                if result is not None:
                    lesson_picture.show(place, result)
            else:
                compute.ahead(place.step.spec)  # while the question is read
                with st.container(
                    border=True, height=360, vertical_alignment="center", horizontal_alignment="center", key="waiting"
                ):
                    st.caption(tr("Predict first. Then the picture is computed here."))
        with after:
            if result is not None:
                lesson_picture.verdict(place, result)
                explain.look(tr(place.step.after))
                _tries(place)
            if place.number == len(place.lesson.steps) - 1:
                _readings(place.lesson.read)
        _ways(place)


def _slots(wide: bool) -> tuple:
    """Where words, picture and what was found go: on a narrow screen in this order, else the picture at the right."""
    if wide:
        return st.container(), st.container(), st.container()
    words, picture = st.columns([0.4, 0.6], gap="large")
    return (
        words.container(key="lesson-before"),
        picture.container(key="lesson-picture"),
        words.container(key="lesson-after"),
    )


def _head(place: Place) -> None:
    lesson, count = place.lesson, len(place.lesson.steps)
    with st.container(horizontal=True, vertical_alignment="center", key="lesson-head"):
        with st.container(width="stretch", key="lesson-where"):
            st.caption(
                tr(
                    "Lesson {number}: {title} · step {step} of {count}",
                    number=lesson.number,
                    title=tr(lesson.title),
                    step=place.number + 1,
                    count=count,
                )
            )
        with st.container(horizontal=True, width="content", gap="small", key="lesson-turn"):
            st.button(
                tr("Back"),
                key="lesson-back",
                disabled=place.number == 0,
                on_click=go,
                args=(place.to(place.number - 1),),
            )
            last = place.number == count - 1
            st.button(
                tr("To the lessons") if last else tr("Next"),
                key="lesson-next",
                type="primary" if place.key in seen() else "secondary",
                on_click=go,
                args=(place.next,),
            )
            st.button(
                tr("Lecture"),
                key="lesson-view",
                type="tertiary",
                on_click=go,
                args=(place._replace(lecture=True),),
                help=tr("Large type, without controls; arrow keys go on and back."),
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
    if done:
        mine = given[place.key]
        st.markdown(
            "\n".join(
                f"- {'**' if key == mine else ''}{tr(question.options[key])}{'**' if key == mine else ''}"
                for key in options
            )
        )
        return True
    choice = st.radio(
        tr(question.ask),
        options,
        index=None,
        format_func=lambda key: tr(question.options[key]),
        key=f"answer-{name}",
        label_visibility="collapsed",
    )
    with st.container(horizontal=True, gap="small"):
        st.button(
            tr("Run"),
            key=f"lesson-run-{name}",
            type="primary",
            disabled=choice is None,
            on_click=given.update,
            args=({place.key: choice},),
        )
        st.button(
            tr("Only show me"),
            key=f"skip-{name}",
            type="tertiary",
            on_click=given.update,
            args=({place.key: None},),
        )
    return False


def _tries(place: Place) -> None:
    """What to do next with one's own hands."""
    if place.step.tries:
        with st.container(gap="small", key="lesson-tries"):
            for one in place.step.tries:
                st.page_link(
                    f"pages/{one.experiment}.py",
                    label=tr(one.text),
                    query_params=one.params,
                    icon=":material/arrow_forward:",
                )


def _readings(works: tuple[Reading, ...]) -> None:
    st.markdown(f"**{tr('To read on')}**")
    lines = []
    for work in works:
        reference = work.reference
        names = [author.split(",")[0] for author in reference.authors]
        who = names[0] if len(names) == 1 else f"{names[0]} & {names[1]}" if len(names) == 2 else f"{names[0]} et al."
        title = reference.title.replace("{", "").replace("}", "")
        lines.append(f"- {who} ({reference.year}), [{title}]({reference.link}): {tr(work.why)}")
    st.markdown("\n".join(lines))


def _ways(place: Place) -> None:
    """Its link, the same settings on their own page, and once more."""
    step = place.step
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="lesson-ways"):
        sharing.copy_link(f"lesson-{place.lesson.number}-{place.number}")
        st.page_link(f"pages/{step.experiment}.py", label=tr("Play with these settings"), query_params=step.params)
        if step.question is not None and place.key in answers():
            st.button(
                tr("Ask me again"), key="lesson-again", type="tertiary", on_click=answers().pop, args=(place.key,)
            )
        st.button(tr("All lessons"), key="lesson-all", type="tertiary", on_click=go, args=(None,))
