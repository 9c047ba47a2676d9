"""Error against steps or evaluations: measured order, claimed order, the floor, and the error along one path."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.specification import ConvergenceSpec, ImageData
from core.figures import convergence as figures
from core.figures import image_errors
from core.language import mark, tr
from pages.common import compute, controls, controls_errors, explain, pictures, sharing, words, words_errors

page = Page(
    name="convergence",
    title="Error against steps",
    lead="Twice the steps: how much smaller is the error? On doubly logarithmic axes a solver of order *p* falls along "
    "a line of slope −*p*, until rounding or the reference itself ends the race.",
    toy=ConvergenceSpec(),
    images=ConvergenceSpec(data=ImageData(), particles=8, step_counts=(4, 8, 16, 32, 64), path_steps=16),
    views={
        "against": {"steps": "Steps", "nfe": "Model evaluations (NFE)", "ms": "Wall time"},
        "measure": {"rms": "RMS", "median": "Median"},
        "quality": {"psnr": "PSNR", "feature": "Features"},
    }
    | pictures.WHICH,
)
page.open()
controls_errors.family(page.name)

with st.sidebar:
    st.subheader(tr("What to measure"))
    controls.data(page.default.data)
    controls.solvers(page, most=8, stochastic=False)
    controls.schedule(page)
    st.subheader(tr("How to measure it"))
    controls.step_counts(page)
    controls.steps(page, mark("Steps of the path below"), "path_steps")
    controls.particles(page)
    controls.seed()
    with st.expander(tr("More settings")):
        if page.default.data.kind == "toy":
            controls.precision(page)
        controls.shape(page.default.data)
        controls.times(page)
        controls.solver_options(page)

controls_errors.time_if_shown(page, "against", "ms")
result = compute.shown(page)

images = result.spec.data.kind == "images"
explain.look(words.convergence(result))
with st.container(horizontal=True, gap="medium"):
    against = page.view("against", "Horizontal axis")
    measure = page.view("measure", "Error over particles")
figure = figures.error_figure(result, against=against, measure=measure)
explain.picture(figure, figures.alt_error(result, against, measure), "error-against-steps")
sharing.share(page, result, figure, "error-against-steps", result.to_frame)

st.header(tr("Order: claimed and measured"), anchor=False)
words.order_table(figures.order_table(result))
st.caption(words.floor(result))

st.header(tr("Where the error arises, with {steps} steps", steps=result.spec.path_steps), anchor=False)
figure = figures.path_figure(result)
explain.picture(figure, figures.alt_path(result), "error-along-path")
sharing.share(page, result, figure, "error-along-path", lambda: words.path_errors(result))

if images:
    st.header(tr("Quality of the pictures"), anchor=False)
    st.markdown(tr(words_errors.QUALITY))
    known = image_errors.offered(result)
    quality = page.view("quality", "Quality", among=len(known))
    figure = image_errors.quality_figure(result, quality)
    explain.picture(figure, image_errors.alt_quality(result, quality), "image-quality")
    sharing.share(page, result, figure, "image-quality", result.to_frame)

    st.header(tr("Every end image"), anchor=False)
    shown = pictures.which(page, result.kept_images)
    figure = image_errors.ends_figure(result, shown)
    explain.picture(figure, image_errors.alt_ends(result, shown), "all-end-images", wide=True)
    sharing.share(page, result, figure, "all-end-images", result.to_frame)

    if result.smoothness is not None:
        st.header(tr("Why the order is not reached"), anchor=False)
        st.markdown(words_errors.lost(result, image_errors.lost_orders(result)))
        figure = image_errors.smoothness_figure(result)
        explain.picture(figure, image_errors.alt_smoothness(result), "smoothness")
        sharing.share(page, result, figure, "smoothness", result.to_frame)

    st.header(tr("What it looks like"), anchor=False)
    st.markdown(
        tr("The same noise after {steps} steps of each solver, beside the reference.", steps=result.spec.path_steps)
    )
    figure = figures.images_figure(result)
    explain.picture(figure, figures.alt_images(result), "end-images", wide=True)
    sharing.share(page, result, figure, "end-images", lambda: words.path_errors(result))

explain.notes(result.notes)
explain.formula(words.ORDER, words.ODE, title="The equations")
with st.expander(tr("One step of each solver, in formula")):
    explain.solver_formulas(words.infos(result))
