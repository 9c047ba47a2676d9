"""The order of each solver under each schedule and on each grid, with its interval, beside the claim."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.order_table import OrderTableSpec
from core.experiments.specification import ImageData
from core.figures import order_table as figures
from core.language import mark, tr
from pages.common import compute, controls, controls_errors, explain, sharing, words_errors

RAMP = {
    "solvers": ["dpmpp-2m", "dpmpp-3m", "dpmpp-3m(start=single-step)", "dpm-3m", "dpm-3m(start=single-step)"],
    "begin": "middle",
}
page = Page(
    name="order_table",
    title="Orders measured",
    lead="An order is a promise: twice the steps, an error 2 to the power *p* times smaller. Here the promise is put "
    "to the test for every solver under every schedule and on every grid, with an interval that says how sure it is.",
    toy=OrderTableSpec(),
    images=OrderTableSpec(
        data=ImageData(),
        solvers=("ddim", "dpmpp-2m", "dpmpp-3m"),
        schedules=("vp-linear",),
        particles=4,
        step_counts=(8, 16, 32, 64),
    ),
    views={"measure": {"rms": "RMS", "median": "Median"}},
)
page.open()
controls_errors.family(page.name)

with st.sidebar:
    st.subheader(tr("What to measure"))
    controls.data(page.default.data)
    controls_errors.solvers(page, most=12)
    controls.schedules(page, most=5)
    controls_errors.grids(page, most=5)
    controls_errors.begin(page)
    controls_errors.preset(
        mark("How a ramp loses an order"),
        page,
        RAMP,
        mark("Third-order solvers with both starts, from the middle of a schedule."),
    )
    st.subheader(tr("How to measure it"))
    controls.step_counts(page)
    controls.particles(page)
    controls.seed()
    with st.expander(tr("More settings")):
        controls.shape(page.default.data)
        controls.solver_options(page)

result = compute.shown(page)

if result.spec.data.kind == "images":
    st.info(
        tr(
            "A few images can show an order only roughly: one that ends at another image decides the whole error. "
            "2-D data tell more, and sooner."
        )
    )
measure = page.view("measure", "Error over particles")
explain.look(words_errors.order_table(result, measure))
figure, alt = figures.map_figure(result, measure), figures.alt_orders(result, measure)
explain.picture(figure, alt, "order-map", wide=True)
sharing.share(page, result, figure, "order-map", lambda: figures.order_frame(result, measure))

st.header(tr("How sure, and how far from the claim"), anchor=False)
st.markdown(
    tr("A dot is a measured order, its bar the 95 % interval, the grey line the claim. Hollow dots are not asymptotic.")
)
figure = figures.interval_figure(result, measure)
explain.picture(figure, alt, "order-intervals")
sharing.share(page, result, figure, "order-intervals", lambda: figures.order_frame(result, measure))

explain.notes(result.notes)
explain.formula(words_errors.INTERVAL, title="How the order and its interval are measured")
