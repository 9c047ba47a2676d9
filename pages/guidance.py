"""What guidance towards a class does: to the samples, and to the solvers that have to follow it."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.choices import GuidanceChoice
from core.experiments.guidance import GuidanceSpec
from core.experiments.specification import ImageData, ToyData
from core.figures import guidance as figures
from core.language import tr
from pages.common import compute, controls, controls_errors, controls_guidance, explain, sharing, words_guidance

FREE = GuidanceChoice(name="classifier-free")
page = Page(
    name="guidance",
    title="Guidance",
    lead="Guidance pushes a model towards a class, harder than the data ask for. Samples become surer and more alike, "
    "and the equation becomes harder to solve: turn the scale up and see both.",
    toy=GuidanceSpec(data=ToyData(name="moons", label=0, guidance=FREE)),
    images=GuidanceSpec(
        data=ImageData(name="digits", label=3, guidance=FREE), particles=8, scales=(0.0, 1.0, 3.0, 8.0), steps=10
    ),
    views={"measure": figures.MEASURES},
)
page.open()

with st.sidebar:
    st.subheader(tr("What to aim at"))
    controls.data(page.default.data, classed=True)
    controls_guidance.scales(page)
    controls.particles(page)
    controls.seed()
    st.subheader(tr("How to get there"))
    controls_errors.solvers(page, most=5)
    controls.steps(page)
    controls.schedule(page)
    controls.more(page)

result = compute.shown(page)

explain.look(words_guidance.guidance(result))
figure = figures.samples_figure(result)
explain.picture(figure, figures.alt_samples(result), "guided-samples", wide=page.default.data.kind == "images")
sharing.share(page, result, figure, "guided-samples", lambda: figures.guidance_table(result))

st.header(tr("What it does to the solvers"), anchor=False)
st.markdown(tr("The error of each solver with the same number of steps, against the reference of each scale."))
measure = page.view("measure", "Error")
figure = figures.stiffness_figure(result, measure)
explain.picture(figure, figures.alt_stiffness(result, measure), "guided-errors")
sharing.share(page, result, figure, "guided-errors", lambda: figures.guidance_table(result))

st.header(tr("Surer, and more alike"), anchor=False)
figure = figures.trade_figure(result)
explain.picture(figure, figures.alt_trade(result), "guided-trade")
sharing.share(page, result, figure, "guided-trade", result.summary)

explain.notes(result.notes)
explain.formula(words_guidance.FREE, words_guidance.JUDGED, words_guidance.SPLIT, title="The equations")
