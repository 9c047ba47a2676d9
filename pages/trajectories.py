"""Several solvers carry the same noise to data: their paths, the reference, and the error along the way."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.specification import ImageData, TrajectoriesSpec
from core.figures import trajectories as figures
from pages.common import compute, controls, explain, pictures, sharing, words

page = Page(
    name="trajectories",
    title="Trajectories",
    lead="Every solver starts from the same noise and walks the same number of steps towards data. "
    "They differ only in how they choose the next point.",
    toy=TrajectoriesSpec(),
    images=TrajectoriesSpec(data=ImageData(), particles=6, steps=10),
    views=pictures.WHICH,
)
page.open()

with st.sidebar:
    st.subheader("What to carry")
    controls.data(page.default.data)
    controls.particles(page)
    controls.seed()
    st.subheader("How to carry it")
    controls.solvers(page)
    controls.steps(page)
    controls.schedule(page)
    with st.expander("More settings"):
        controls.shape(page.default.data)
        controls.times(page)
        controls.solver_options(page)

spec = page.specification()
result = compute.result_for(page.name, spec)
if result is None:
    st.stop()

of_images = result.spec.data.kind == "images"
before, picture, after = explain.slots(stacked=of_images)
with before:
    explain.look(words.trajectories(result))
with picture:
    figure, alt = pictures.journey(page, result)
    explain.picture(figure, alt, "trajectories", wide=of_images)
    sharing.share(page, result, figure, "trajectories", lambda: words.path_table(result))
with after:
    words.cost_table(result)

st.header("Where along the path the error comes from", anchor=False)
st.markdown(
    f"Distance to the reference path at every step, averaged over {'pixels' if of_images else 'particles'} (RMS). "
    "A stochastic solver draws noise of its own, so it has no path to be compared with."
)
figure = figures.error_figure(result)
explain.picture(figure, figures.alt_error(result), "error-along-path")
sharing.share(page, result, figure, "error-along-path", lambda: words.error_table(result))

explain.notes(result.notes)
explain.formula(words.ODE, words.SDE, title="The equations")
with st.expander("One step of each solver, in formula"):
    explain.solver_formulas(words.infos(result))
