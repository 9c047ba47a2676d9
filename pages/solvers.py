"""The catalogue of solvers: search, filters, and one card a solver, computed for the settings at hand."""

import streamlit as st

from pages.common import catalogue  # first: it sets up the process

# isort: split
from core.experiments.catalogue import CatalogueSpec
from core.experiments.choices import SolverChoice
from core.experiments.peers import peer_snippet
from core.experiments.specification import ImageData
from core.figures import catalogue as figures
from core.language import mark, tr
from core.references import bibtex
from core.solvers import SOLVERS
from pages.common import compute, controls, explain, options, sharing
from pages.common import words_catalogue as words

page = catalogue.CataloguePage(
    name="solvers",
    title="Solvers",
    lead="Every solver of this app, what it claims and what it does. Find one below; its card is computed for the "
    "schedule, the grid and the data that you choose.",
    toy=CatalogueSpec(),
    images=CatalogueSpec(data=ImageData(), particles=4, step_counts=(4, 8, 16, 32, 64)),
    views=catalogue.filters(),
)
page.open()
catalogue.begin(page)

with st.sidebar:
    st.subheader(tr("The grid of the card"))
    controls.schedule(page)
    controls.steps(page, mark("Steps of the weights"))
    st.subheader(tr("The solver's options"))
    options.draw(catalogue.SLOT, SolverChoice)
    st.subheader(tr("What the order is measured on"))
    controls.data(page.default.data)
    controls.step_counts(page)
    controls.particles(page)
    controls.seed()
    with st.expander(tr("More settings")):
        controls.shape(page.default.data)
        controls.times(page)

catalogue.choose(page)
result = compute.shown(page)

chosen, info = result.cards[0], SOLVERS[result.cards[0].name]
st.header(tr(chosen.label), anchor=False, divider="gray")
st.markdown(tr(info.description))
st.caption(words.kind(info))
catalogue.formulas(result)
words.facts(result)
words.advice(info)

left, right = st.columns(2, gap="large")
with left:
    st.subheader(tr("Order"), anchor=False)
    explain.look(words.order(result))
    figure = figures.order_figure(result)
    explain.picture(figure, figures.alt_order(result), "solver-order")
    sharing.share(page, result, figure, "solver-order", lambda: words.errors_table(result))
with right:
    st.subheader(tr("Bell curves"), anchor=False)
    st.markdown(words.widths(result))
    figure = figures.widths_figure(result)
    explain.picture(figure, figures.alt_widths(result), "solver-widths")
    sharing.share(page, result, figure, "solver-widths", lambda: words.widths_table(result))

st.header(tr("Weights on the grid"), anchor=False)
st.markdown(words.weights(result))
if chosen.response is not None:
    catalogue.weights(page, result)
if chosen.region is not None:
    st.header(tr("Stability"), anchor=False)
    st.markdown(
        tr("Inside the curve errors shrink. The marks are the steps of the grid, for bell curves of several widths.")
    )
    figure = figures.region_figure(result)
    explain.picture(figure, figures.alt_region(result), "solver-region")
    sharing.share(page, result, figure, "solver-region", lambda: words.region_table(result))

explain.notes(result.notes)
explain.formula(words.WEIGHTS, words.STABILITY, words.REGION, title="How the pictures are made")
with st.expander(tr("Cite")):
    st.caption(info.source)
    if info.cite:
        st.code(bibtex(info.cite), language="bibtex", wrap_lines=True)
for peer in info.peers:
    with st.expander(tr("The same in {library}", library=peer.library)):
        if peer.note:
            st.markdown(tr(peer.note))
        st.code(peer_snippet(peer), language="python")
