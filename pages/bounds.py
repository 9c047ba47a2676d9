"""What theory promises beside what happens: bounds on the error of sampling, term by term."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.bounds import BoundsSpec
from core.experiments.specification import ToyData
from core.figures import bounds as figures
from core.language import mark, tr
from pages.common import compute, controls, controls_noise, explain, settings, sharing, words_noise

page = Page(
    name="bounds",
    title="Theory",
    lead="Theorems bound the error of sampling by three parts: a start that is not quite noise, steps that are not "
    "infinitely short, and a score that is not quite right. Here each is drawn beside the exact error.",
    toy=BoundsSpec(data=ToyData(name="gaussian")),
)
page.open()
controls_noise.family(page.name)

with st.sidebar:
    st.subheader(tr("The sampler"))
    for label, field, low, high, step, words in (
        (
            mark("Horizon T"),
            "horizon",
            0.5,
            12.0,
            0.5,
            mark("The time from which it starts: e⁻ᵀ of the signal is left there."),
        ),
        (mark("Step size h"), "step", 0.002, 0.5, 0.01, mark("Length of a step in t: T/h evaluations.")),
        (mark("Score error ε"), "error", 0.0, 2.0, 0.01, mark("Length of a constant vector added to the exact score.")),
    ):
        settings.number(label, f"bounds.{field}", getattr(page.default, field), low, high, step=step, help=words)
    st.subheader(tr("The data"))
    controls.toy(page.default.data, guided=False)
    st.caption(tr("A Gaussian with the covariance of these data stands for them."))
    settings.number(
        "Distance from the origin", "bounds.shift", page.default.shift, 0.0, 10.0, step=0.5, help="Of its mean."
    )

result = compute.shown(page)

explain.look(words_noise.bounds(result))
figure = figures.bounds_figure(result)
explain.picture(figure, figures.alt_bounds(result), "bounds", wide=True)
st.caption(
    tr(
        "Dotted upright: the chosen value; the other two stay as chosen. Each term with its unknown constant at 1; the "
        "whole bound is scaled until it touches the exact error."
    )
)
sharing.share(page, result, figure, "bounds", result.to_frame)
st.header(tr("Data without a density: stop early"), anchor=False)
st.markdown(words_noise.stopping(result))
figure = figures.stopping_figure(result)
explain.picture(figure, figures.alt_stopping(result), "stopping")
st.caption(tr("Dotted upright: δ = h."))
sharing.share(page, result, figure, "stopping", lambda: figures.stopping_table(result))
explain.notes(result.notes)
explain.formula(words_noise.CHEN, words_noise.LEE, title="The theorems")
