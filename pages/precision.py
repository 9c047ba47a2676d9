"""Where rounding takes over: the same solvers in float64, float32, bfloat16 and float16."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.precision import PrecisionSpec
from core.experiments.specification import ImageData
from core.figures import precision as figures
from core.language import tr
from pages.common import compute, controls, controls_errors, explain, sharing, tables, words, words_errors

page = Page(
    name="precision",
    title="Precision lab",
    lead="More steps make smaller errors, until every step rounds the particles once more and rounding wins. The fewer "
    "digits a number format keeps, the sooner the line turns up.",
    toy=PrecisionSpec(),
    images=PrecisionSpec(data=ImageData(), particles=4, step_counts=(4, 8, 16, 32, 64)),
)
page.open()
controls_errors.family(page.name)

with st.sidebar:
    st.subheader(tr("What to measure"))
    controls.data(page.default.data)
    controls_errors.solvers(page, most=4)
    controls_errors.precisions(page)
    controls.schedule(page)
    st.subheader(tr("How to measure it"))
    controls.step_counts(page)
    controls.particles(page)
    controls.seed()
    controls.more(page)

result = compute.shown(page)

explain.look(words_errors.precision(result))
figure = figures.v_figure(result)
explain.picture(figure, figures.alt_v(result), "precision", wide=len(result.spec.solvers) > 1)
st.caption(tr("Dotted: rounding predicted. Stars: from here on rounding is more than the error of the steps."))
sharing.share(page, result, figure, "precision", result.to_frame)

st.header(tr("Least error in each precision"), anchor=False)
st.dataframe(
    tables.said(result.summary()),
    hide_index=True,
    height="content",
    placeholder="–",
    column_config={tr(heading): shown for heading, shown in words_errors.SCIENTIFIC.items()},
)

explain.notes(result.notes)
explain.formula(words_errors.ROUNDING, words.ODE, title="The equations")
