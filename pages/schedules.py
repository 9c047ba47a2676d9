"""Noise schedules and time grids: what they are, where they put the steps, and what they do to a density."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.specification import ImageData, SchedulesSpec
from core.figures import schedules as figures
from core.language import mark, tr
from core.schedules import SCHEDULES
from pages.common import compute, controls, explain, sharing, words

AXES = {name: title for name, (title, _) in figures.QUANTITIES.items()}
page = Page(
    name="schedules",
    title="Schedules",
    lead="A noise schedule says how much signal and how much noise there is at every time; a time grid says where a "
    "solver stops on the way back. Both are the same for points in the plane and for images.",
    toy=SchedulesSpec(),
    images=SchedulesSpec(data=ImageData()),
    views={
        "y": {"log_snr": AXES["log_snr"]} | AXES,
        "x": {"t": AXES["t"]} | AXES,
        "along": {"log_snr": "λ (signal to noise)", "times": "time t"},
    },
)
page.open()

with st.sidebar:
    st.subheader(tr("Schedules and grids"))
    controls.schedules(page, most=5)
    controls.grids(page)
    controls.steps(page, mark("Steps of the grids"))
    st.subheader(tr("What the noise is put on"))
    controls.data(page.default.data, guided=False)
    controls.shape(page.default.data)

result = compute.shown(page)

explain.look(words.schedules(result))
with st.container(horizontal=True, gap="medium"):
    with st.container(width=280):
        y = page.view("y", "Vertical axis", st.selectbox)
    with st.container(width=280):
        x = page.view("x", "Horizontal axis", st.selectbox)
figure = figures.curves_figure(result, x=x, y=y)
explain.picture(figure, figures.alt_curves(result, x=x, y=y), "schedules")
sharing.share(page, result, figure, "schedules", result.to_frame)

st.header(tr("Where each grid puts its steps"), anchor=False)
st.markdown(
    tr(
        "{steps} steps from noise to data, one row for each grid. Crowded stretches are walked with care.",
        steps=result.spec.steps,
    )
)
figure = figures.grids_figure(result, x=page.view("along", "Horizontal axis"))
explain.picture(figure, figures.alt_grids(result), "grids")
sharing.share(page, result, figure, "grids", lambda: words.grid_table(result))

if result.noised:
    st.header(tr("One image on its way to noise"), anchor=False)
    st.markdown(tr("The same image and the same noise under each schedule, at times evenly spaced."))
    figure = figures.noised_figure(result)
    explain.picture(figure, figures.alt_noised(result), "noised", wide=True)
    sharing.share(page, result, figure, "noised", lambda: words.noised_table(result))

st.header(tr("A slice of the data, flowing through time"), anchor=False)
st.markdown(
    tr(
        "The density of the {what} at every time, with a few paths of the probability-flow ODE: noise on one side, "
        "data on the other.",
        what=tr(result.slice.what),
    )
)
figure = figures.slice_figure(result)
explain.picture(figure, figures.alt_slice(result), "slice")
sharing.share(page, result, figure, "slice", lambda: words.slice_table(result))

explain.notes(result.notes)
with st.expander(tr("The formulas")):
    grids = {grid.name: grid.info for grid in result.spec.grids}
    for info in [*(SCHEDULES[name] for name in result.spec.schedules), *grids.values()]:
        st.markdown(f"**{tr(info.title)}.** {tr(info.description)}")
        st.latex(info.formula)
        st.caption(info.source)
