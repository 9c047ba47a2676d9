"""Time grids made for a problem beside the standard ones: error on held-out particles, and where the steps lie."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.grid_map import fixed_step_solvers
from core.experiments.specification import ImageData
from core.experiments.time_grids import MOST_TRAINING, TimeGridsSpec
from core.figures import time_grids as figures
from core.language import joined, message, tr
from core.solvers import SOLVERS
from pages.common import compute, controls, controls_errors, explain, fields, openings, settings, sharing, words_grids

BUDGETS = [*range(2, 13), 15, 20, 25, 30, 40, 50, 60]
TRAINING = [4, 8, 16, 32, 64, 128, 256, 512, 1000]

page = Page(
    name="time_grids",
    title="Time grids",
    lead="The same solver with the same number of steps can err ten times less if its steps are put in the right "
    "places. Here some grids are *made* for your problem from a few particles, then judged on others beside the "
    "standard ones.",
    toy=TimeGridsSpec(),
    images=TimeGridsSpec(data=ImageData(), particles=8, training=8, nfe=6),
    views={"along": figures.ALONG},
)
page.open()
controls_errors.family(page.name)

with st.sidebar:
    st.subheader(tr("What to make grids for"))
    controls.data(page.default.data, learned=False, guided=False)
    controls_errors.schedule(page)
    settings.choose(
        "Solver",
        "time_grids.solver",
        [choice.name for choice in fixed_step_solvers()],
        str(page.default.solver),
        format_func=lambda name: SOLVERS[name].title,
        help="One that draws no noise, with its own defaults. A grid made for one solver suits no other.",
    )
    settings.ladder(
        "Evaluations of the model (NFE)",
        fields.name_of(page.name, "nfe", fields.kind()),
        BUDGETS,
        page.default.nfe,
        help="2 to 60. A solver that asks twice a step takes half as many steps.",
    )
    most = MOST_TRAINING[fields.kind()]
    settings.ladder(
        "Particles to make grids with",
        fields.name_of(page.name, "training", fields.kind()),
        [rung for rung in TRAINING if rung <= most],
        page.default.training,
        help=message("4 to {most}. More take longer and suit other particles better.", most=most),
    )
    controls.particles(page)
    controls.seed()
    with st.expander(tr("More settings")):
        controls.times(page)
        controls.shape(page.default.data)

result = compute.shown(page)

explain.look(words_grids.grids(result))
figure = figures.errors_figure(result)
explain.picture(figure, figures.alt_errors(result), "time-grids")
best = result.best(made=True)
if best is not None:
    openings.offer(result.spec, result.spec.solver, best.choice, result.steps)
st.caption(tr(joined([tr("Bars: 95 % intervals over the held-out particles."), words_grids.overfit(result)])))
sharing.share(page, result, figure, "time-grids", lambda: figures.table(result))

st.header(tr("Where the steps lie"), anchor=False)
along = page.view("along", "Along")
knots = figures.knots_figure(result, along)
explain.picture(knots, figures.alt_knots(result, along), "knots")
sharing.share(page, result, knots, "knots", lambda: figures.knots_table(result))
explain.notes(result.notes)
explain.formula(words_grids.MADE, words_grids.ALIGNED, words_grids.TEACHER, title="How the grids are made")
