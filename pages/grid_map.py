"""Every solver on every grid for one budget of evaluations: a heat map of end errors."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.grid_map import GridMapSpec
from core.experiments.specification import ImageData
from core.figures import grid_map as figures
from core.language import mark, message, tr
from pages.common import compute, controls, controls_errors, explain, sharing, words_errors

page = Page(
    name="grid_map",
    title="Solver × grid",
    lead="A solver is only as good as the places where it may look. For one budget of model evaluations, every solver "
    "runs on every time grid from the same noise; bluer cells end nearer to the reference.",
    toy=GridMapSpec(),
    images=GridMapSpec(
        data=ImageData(), particles=4, solvers=("ddim", "dpm-2m", "dpmpp-2m", "dpmpp-3m", "edm-heun", "deis-tab-2")
    ),
    views={
        "measure": {"median": "Median", "rms": "RMS"},
        "rows": {"few": message("Best {count}", count=figures.FEW), "all": "All solvers"},
    },
)
page.open()
controls_errors.family(page.name)

with st.sidebar:
    st.subheader(tr("What to compare"))
    controls.data(page.default.data, guided=False)
    controls_errors.budget(page)
    controls_errors.schedule(page)
    controls_errors.solvers(page, most=100, empty=mark("All solvers"))
    controls_errors.grids(page, most=16, empty=mark("All that fit the schedule"))
    controls_errors.begin(page)
    controls.particles(page)
    controls.seed()
    with st.expander(tr("More settings")):
        controls.shape(page.default.data)
        controls.solver_options(page)

result = compute.shown(page)

with st.container(horizontal=True, gap="medium"):
    measure = page.view("measure", "Error over particles")
    rows = page.view("rows", "Rows") if len(result.solvers) > figures.FEW else "all"
explain.look(words_errors.grid_map(result, measure))
figure = figures.map_figure(result, measure, figures.FEW if rows == "few" else None)
explain.picture(figure, figures.alt_map(result, measure), "solver-grid", wide=True)
st.caption(
    tr("Framed: the best grid of each solver. ★: the best of all. ✕: the run diverged. –: no run fits the budget.")
)
sharing.share(page, result, figure, "solver-grid", result.to_frame)
explain.notes(result.notes)
explain.formula(words_errors.BUDGET, title="What is compared")
