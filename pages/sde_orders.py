"""Strong and weak order of samplers, measured on one Brownian path."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.sde_orders import SdeOrdersSpec
from core.experiments.specification import ImageData, ToyData
from core.figures import sde_orders as figures
from core.language import tr
from pages.common import compute, controls, controls_noise, explain, sharing, words_noise

page = Page(
    name="sde_orders",
    title="Strong and weak order",
    lead="With noise there are two ways to be right: follow the *path* that the noise prescribes (strong), or get the "
    "*law* of the samples right (weak). Here every step count follows the same Brownian paths.",
    toy=SdeOrdersSpec(data=ToyData(name="gaussian"), particles=1000, step_counts=(10, 20, 40, 80)),
    images=SdeOrdersSpec(data=ImageData(), particles=16, step_counts=(5, 10, 20)),
)
page.open()
controls_noise.family(page.name)

with st.sidebar:
    st.subheader(tr("What to sample"))
    controls.data(page.default.data, learned=False, guided=False)
    controls.particles(page)
    controls.seed()
    st.subheader(tr("How to sample it"))
    controls_noise.samplers_with_noise(page)
    controls.step_counts(page)
    controls.schedule(page)
    controls_noise.test_function(page)
    with st.expander(tr("More settings")):
        controls.times(page)
        controls.shape(page.default.data)
        controls.solver_options(page)

result = compute.shown(page)

explain.look(words_noise.orders(result))
figure = figures.orders_figure(result)
explain.picture(figure, figures.alt_orders(result), "sde-orders", wide=True)
st.caption(tr("Weak error: of {what}. Dotted: order 1 and order 2. Bars: 95 % intervals.", what=tr(result.weak_of)))
sharing.share(page, result, figure, "sde-orders", lambda: figures.orders_table(result))
explain.notes(result.notes)
explain.formula(words_noise.STRONG_WEAK, words_noise.CLOSED_FORM, title="The definitions, and how they are measured")
