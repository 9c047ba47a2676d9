"""How much paths bend, when, and what the noise schedule does to it."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.specification import CurvatureSpec, ImageData
from core.figures import curvature as figures
from pages.common import compute, controls, explain, sharing, words

page = Page(
    name="curvature",
    title="Curvature",
    lead="A straight path needs one step; a bent one needs many. The schedule decides how the same journey from noise "
    "to data is drawn, and so where, and how sharply, the paths bend.",
    toy=CurvatureSpec(),
    images=CurvatureSpec(data=ImageData(), particles=8, nodes=60),
    views={"against": {"log_snr": "λ (signal to noise)", "s": "share of the time"}},
)
page.open()

with st.sidebar:
    st.subheader("What to look at")
    controls.data(page.default.data)
    controls.schedules(page, most=4)
    controls.particles(page)
    controls.seed()
    with st.expander("More settings"):
        controls.nodes(page)
        controls.shape(page.default.data)

spec = page.specification()
result = compute.result_for(page.name, spec)
if result is None:
    st.stop()

images = result.spec.data.kind == "images"
explain.look(words.curvature(result))
against = page.view("against", "Horizontal axis")
figure = figures.curvature_figure(result, against=against)
explain.picture(figure, figures.alt_curvature(result), "curvature")
sharing.share(page, result, figure, "curvature", result.to_frame)

if images:
    st.header("The path in its own plane", anchor=False)
    st.markdown("Each image's path, seen along the two directions in which it moves most; the share says how much.")
    figure, alt = figures.plane_figure(result), figures.alt_plane(result)
else:
    st.header("Where the paths bend", anchor=False)
    st.markdown("The same particles under each schedule; the colour says how sharply a path turns there.")
    figure, alt = figures.paths_figure(result), figures.alt_paths(result)
explain.picture(figure, alt, "curved-paths", wide=True)
sharing.share(page, result, figure, "curved-paths", result.to_frame)

st.header("Straightness and length", anchor=False)
st.markdown(
    "Straightness is how far the speed along a path differs from a constant (0: one Euler step is exact). "
    "Length over chord is how much longer the path is than the straight line (1: straight)."
)
figure = figures.summary_figure(result)
explain.picture(figure, figures.alt_summary(result), "straightness", wide=True)
sharing.share(page, result, figure, "straightness", lambda: figures.summary_table(result))

explain.notes(result.notes)
explain.formula(words.CURVATURE, words.ODE, title="The equations")
