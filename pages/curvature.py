"""How much paths bend, when, and what the noise schedule does to it."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.specification import CurvatureSpec, ImageData
from core.figures import bends, path_shape
from core.figures import curvature as figures
from core.language import tr
from pages.common import compute, controls, controls_shape, explain, player, sharing, words, words_curvature

page = Page(
    name="curvature",
    title="Curvature",
    lead="A straight path needs one step; a bent one needs many. The schedule decides how the same journey from noise "
    "to data is drawn, and so where, and how sharply, the paths bend.",
    toy=CurvatureSpec(),
    images=CurvatureSpec(data=ImageData(), particles=8, nodes=50, beside="ring"),
    views={
        "against": {"log_snr": "λ (signal to noise)", "s": "share of the time"},
        "measure": {"curvature": "Curvature", "straightness_rate": "Straightness", "torsion": "Torsion"},
        "components": {"plane": "Plane", "space": "Three dimensions"},
    },
)
page.open()

with st.sidebar:
    st.subheader(tr("What to look at"))
    controls.data(page.default.data)
    controls.schedules(page, most=4)
    controls.particles(page)
    controls.seed()
    controls_shape.beside(page)
    with st.expander(tr("More settings")):
        controls.nodes(page)
        controls.shape(page.default.data)

result = compute.shown(page)

images = result.spec.data.kind == "images"
explain.look(words_curvature.curvature(result))
with st.container(horizontal=True):
    measure = controls_shape.measure(page, twists=images)
    against = page.view("against", "Horizontal axis")
st.markdown(tr(words_curvature.MEASURED[measure]))
figure = figures.curvature_figure(result, against=against, measure=measure)
explain.picture(figure, figures.alt_curvature(result, measure), "curvature")
sharing.share(page, result, figure, "curvature", result.to_frame)

if images:
    st.header(tr("The path in its own plane"), anchor=False)
    st.markdown(words_curvature.planarity(result))
    space = page.view("components", "Principal components") == "space"
    st.markdown(
        tr(
            "Each image's path, seen along the directions in which it moves most; the share says how much. "
            "Every axis has its own scale, so that small shares can be seen."
        )
    )
    figure = path_shape.space_figure(result) if space else figures.plane_figure(result)
    alt = path_shape.alt_space(result) if space else figures.alt_plane(result)
    explain.picture(figure, alt, "curved-paths", wide=True)
else:
    st.header(tr("Where the paths bend"), anchor=False)
    st.markdown(tr("The same particles under each schedule; the colour says how sharply a path turns there."))
    figure = bends.bends_scene(result)
    player.player(figure, "curved-paths")
sharing.share(page, result, figure, "curved-paths", result.to_frame)

st.header(tr("How alike the paths are"), anchor=False)
st.markdown(words_curvature.likeness(result))
figure = path_shape.frame_figure(result)
explain.picture(figure, path_shape.alt_frame(result), "frames", wide=True)
sharing.share(page, result, figure, "frames", lambda: path_shape.frame_table(result))

st.header(tr("2-D and images on one axis"), anchor=False)
if result.beside:
    st.markdown(tr(words_curvature.TURNING))
    figure = path_shape.beside_figure(result, against)
    explain.picture(figure, path_shape.alt_beside(result), "beside", wide=True)
    sharing.share(page, result, figure, "beside", result.to_frame)
else:
    st.caption(tr("Choose in the sidebar what to compare with."))

st.header(tr("Straightness and length"), anchor=False)
st.markdown(
    tr(
        "Straightness is how far the speed along a path differs from a constant (0: one Euler step is exact). "
        "Length over chord is how much longer the path is than the straight line (1: straight). A path can score well "
        "in one and badly in the other: a straight line walked at uneven speed still costs steps."
    )
)
figure = figures.summary_figure(result)
explain.picture(figure, figures.alt_summary(result), "straightness", wide=True)
sharing.share(page, result, figure, "straightness", lambda: figures.summary_table(result))

explain.notes(result.notes)
explain.formula(words_curvature.CURVATURE, words.ODE, title="The equations")
