"""The error of every single step from exact states, and what start-up, interior and last steps add at the end."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.local_error import LocalErrorSpec
from core.experiments.specification import ImageData
from core.figures import local_error as figures
from core.language import tr
from pages.common import compute, controls, controls_errors, explain, sharing, words, words_errors

page = Page(
    name="local_error",
    title="Step by step",
    lead="Where is accuracy lost? Each step starts from the exact path, with an exact history, so that its error is "
    "its own; the exact equation then carries that error to the end, where it counts.",
    toy=LocalErrorSpec(),
    images=LocalErrorSpec(data=ImageData(), particles=4, steps=8),
    views={"what": {"carried": "Carried to the end", "local": "The step itself"}},
)
page.open()
controls_errors.family(page.name)

with st.sidebar:
    st.subheader(tr("What to look at"))
    controls.data(page.default.data)
    controls_errors.solvers(page, most=5)
    controls_errors.variants(page)
    controls.schedule(page)
    st.subheader(tr("How to measure it"))
    controls_errors.few_steps(page)
    controls.particles(page)
    controls.seed()
    controls.more(page)

result = compute.shown(page)

if result.carried:
    what = page.view("what", "Error")
else:
    what = "local"
    st.info(
        tr("Errors of a learned score are not carried to the end: each would need hundreds of network evaluations.")
    )
explain.look(words_errors.local_error(result))
figure = figures.steps_figure(result, what)
explain.picture(figure, figures.alt_steps(result, what), "error-by-step")
st.caption(tr("Hollow marks: start-up, while the history is too short. Stars: the last step, or all of lower order."))
sharing.share(page, result, figure, "error-by-step", result.to_frame)

if result.carried:
    st.header(tr("What start, middle and end of a run cost"), anchor=False)
    st.markdown(
        tr(
            "The errors of all steps of a phase, carried to the end and added. All together they are the end error as "
            "far as small errors go; the mark beside it is the end error measured."
        )
    )
    figure = figures.phases_figure(result)
    explain.picture(figure, figures.alt_phases(result), "error-by-phase")
    sharing.share(page, result, figure, "error-by-phase", result.summary)

explain.notes(result.notes)
explain.formula(words_errors.LOCAL, words.ODE, title="The equations")
with st.expander(tr("One step of each solver, in formula")):
    explain.solver_formulas(words.infos(result))
