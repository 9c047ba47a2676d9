"""Data carried to noise and back by the same solver: what is lost, at which rate, and what the latents are like."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.inversion import InversionSpec
from core.experiments.specification import ImageData
from core.figures import inversion as figures
from core.language import mark, tr
from pages.common import (
    compute,
    controls,
    controls_round_trip,
    explain,
    pictures,
    sharing,
    tables,
    upload_image,
    words_round_trip,
)

page = Page(
    name="inversion",
    title="Inversion",
    lead="Run the probability-flow ODE upwards and data become noise; run it down again and they should come back. "
    "What a solver loses on the way says how far its latents can be trusted, for editing for example.",
    toy=InversionSpec(particles=200),
    images=InversionSpec(data=ImageData(), particles=4, step_counts=(5, 10, 20, 40)),
    views={"measure": figures.MEASURES, "shown": {str(i): str(i + 1) for i in range(5)}} | pictures.WHICH,
)
page.open()
controls_round_trip.family(page.name)

with st.sidebar:
    st.subheader(tr("What to encode"))
    controls.data(page.default.data)
    upload_image.picture(page)
    controls.particles(page)
    controls.seed(mark("Draw"))
    st.subheader(tr("How to encode it"))
    controls_round_trip.invertible(page)
    controls.steps(page, mark("Steps, each way"))
    controls.schedule(page)
    with st.expander(tr("More settings")):
        controls_round_trip.dither(page)
        controls.step_counts(page)
        controls.shape(page.default.data)
        controls.times(page)
        controls.solver_options(page)

result = compute.shown(page)

explain.look(words_round_trip.inversion(result))
if result.spec.data.kind == "images":
    shown = pictures.which(page, result.spec.particles)
    figure, alt = figures.strips_figure(result, shown), figures.alt_strips(result, shown)
else:
    named = [tr(trips.label) for trips in result.solvers]
    several = len(named) > 1
    held = int(page.view("shown", "Solver", among=len(named), labels=lambda i: named[int(i)])) if several else 0
    figure, alt = figures.latent_figure(result, held), figures.alt_latent(result, held)
    st.caption(tr("{solver}: each point has the same colour on both sides.", solver=tr(result.solvers[held].label)))
explain.picture(figure, alt, "latents", wide=True)
sharing.share(page, result, figure, "latents", lambda: figures.statistics_table(result))

st.header(tr("Error against steps"), anchor=False)
measure = page.view("measure", "Error of", among=None if result.exact is not None else figures.WITHOUT_EXACT)
figure = figures.error_figure(result, measure)
explain.picture(figure, figures.alt_error(result, measure), "round-trip")
sharing.share(page, result, figure, "round-trip", lambda: figures.error_table(result))

st.header(tr("What the latents are like"), anchor=False)
st.markdown(
    tr("Numbers of the latents, divided by σ of the first time, beside what independent standard normal ones have.")
)
st.dataframe(tables.said(figures.statistics_table(result)), hide_index=True, placeholder="–")
explain.notes(result.notes)
explain.formula(
    words_round_trip.PF_ODE,
    words_round_trip.DDIM_INVERSION,
    words_round_trip.EVEN_ORDERS,
    words_round_trip.LATENTS,
    title="The equations, and why some solvers gain an order",
)
