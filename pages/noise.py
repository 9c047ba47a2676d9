"""What noise does to a sampler: distance to the data against the amount of noise, with a right and a wrong score."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.noise_sweep import NoiseSweepSpec
from core.experiments.specification import ImageData, ToyData
from core.figures import noise_sweep as figures
from core.language import tr
from pages.common import compute, controls, controls_noise, explain, sharing, words_noise

page = Page(
    name="noise",
    title="Noise",
    lead="A sampler may add fresh noise on the way and remove it again. Does that help? Turn the noise up, from the "
    "ODE on the left, with a score that is exact and with one that is wrong.",
    toy=NoiseSweepSpec(data=ToyData(name="moons"), particles=2000),
    images=NoiseSweepSpec(data=ImageData(), particles=32, nfe=20),
)
page.open()
controls_noise.family(page.name)

with st.sidebar:
    st.subheader(tr("What to sample"))
    controls.data(page.default.data, learned=False, guided=False)
    controls.particles(page)
    controls.seed()
    st.subheader(tr("How to sample it"))
    controls_noise.sampler(page)
    controls_noise.budget(page)
    controls.schedule(page)
    st.subheader(tr("The wrong score"))
    controls_noise.score_error(page)
    with st.expander(tr("More settings")):
        controls_noise.distance(page)
        controls.times(page)
        controls.shape(page.default.data)

result = compute.shown(page)

explain.look(words_noise.sweep(result))
figure = figures.sweep_figure(result)
explain.picture(figure, figures.alt_sweep(result), "noise")
st.caption(
    tr("★ the least distance. Bars: 95 % intervals. Band: two sets of exact samples of this size, by chance alone.")
)
sharing.share(page, result, figure, "noise", lambda: figures.sweep_table(result))
explain.notes(result.notes)
explain.formula(
    words_noise.SDE,
    words_noise.WHY,
    words_noise.PERTURBED,
    words_noise.DISTANCE,
    title="The equations, and how it is measured",
)
