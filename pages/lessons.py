"""Guided tours: predict, run, see; with a view for lecturers."""

from pages.common import arrival  # first: it may end the run before the heavy imports

# isort: split
import streamlit as st

from core.language import tr
from pages.common import lesson_lecture, lesson_overview, lesson_step
from pages.common.lesson_place import here
from pages.common.page import HERE

arrival.through_app()
st.session_state[HERE] = "lessons"

place = here()
if place is None:
    st.title(tr("Lessons"), anchor=False)
    st.markdown(
        tr(
            "Short tours, each step a live computation. Predict what will happen, run it, and see. They need no "
            "mathematics beyond derivatives; the formulas are there for those who want them."
        )
    )
    lesson_overview.draw()
elif place.lecture:
    lesson_lecture.draw(place)
else:
    lesson_step.draw(place)
