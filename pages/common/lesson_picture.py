"""The picture of a step, and what the computation says to the question."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.figures.scene import Scene
from core.language import tr
from core.lessons import answer_of
from pages.common import compute, explain, player
from pages.common.lesson_place import Place, answers, seen

PAGE = "lessons"
LARGE = 20  # type in charts for an audience
AROUND, TALLEST = 296, 1200  # pixels above and below the planes of a player on a slide; of the planes themselves


def computed(place: Place) -> Any | None:
    """The result of this step, with its status line; the step after it is computed meanwhile."""
    result = compute.result_for(f"{PAGE} {place.key}", place.step.spec)
    following = place.to(place.number + 1)
    if following is not None:
        compute.ahead(following.step.spec)
    return result


def show(place: Place, result: Any) -> None:
    """The picture; on a slide it takes the height that there is."""
    step = place.step
    drawn = step.shared.draw(result, step.views)
    name = f"lesson-{place.lesson.number}-{place.number}"
    if isinstance(drawn, Scene):
        drawn.head["tall"] = 480
        if place.lecture:
            drawn.head |= {"tall": TALLEST, "beside": AROUND}
        player.player(drawn, f"{name}-slide" if place.lecture else name)
    elif place.lecture:
        _slide(drawn, step.shared.words(result, step.views), name)
    else:
        explain.picture(drawn, step.shared.words(result, step.views), name, wide=step.shared.wide)
    seen().add(place.key)


def _slide(figure: go.Figure, alt: str, name: str) -> None:
    figure.update_xaxes(tickfont_size=LARGE, title_font_size=LARGE)
    figure.update_yaxes(tickfont_size=LARGE, title_font_size=LARGE)
    figure.update_layout(legend_font_size=LARGE, legend_title_font_size=LARGE, dragmode=False, height=None)
    figure.update_annotations(font_size=LARGE)
    figure.update_coloraxes(colorbar_tickfont_size=LARGE, colorbar_title_font_size=LARGE)
    figure.update_traces(textfont_size=LARGE, selector={"mode": "text"})
    with st.container(key=f"slide-{name}"):
        st.plotly_chart(
            figure,
            width="stretch",
            height="stretch",
            key=f"slide-chart-{name}",
            config=explain.PICTURE | {"displayModeBar": False},
            alt=alt,
        )


def verdict(place: Place, result: Any) -> None:
    """The computed answer beside the reader's own."""
    question = place.step.question
    if question is None:
        return
    said = answers().get(place.key)
    right = answer_of(question, result)
    found = tr(question.options[right])
    if said == right:
        st.success(tr("Right. Computed: {answer}.", answer=found.rstrip(".。")))
    elif said is None:
        st.info(tr("Computed: {answer}.", answer=found.rstrip(".。")))
    else:
        told = tr(question.options[said])
        st.warning(tr("Computed: {answer}. You said: {said}.", answer=found.rstrip(".。"), said=told.rstrip(".。")))
