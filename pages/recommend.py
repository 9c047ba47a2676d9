"""Which solver to take: every candidate within one budget of evaluations, ranked with its evidence."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.recommend import RecommendSpec
from core.experiments.specification import ImageData
from core.figures import recommend as figures
from core.language import mark, message, tr
from pages.common import (
    compute,
    controls,
    controls_errors,
    explain,
    fields,
    openings,
    settings,
    sharing,
    words_recommend,
)

BUDGETS = (5, 8, 10, 15, 20, 30, 50)
SHARES = {
    0.125: mark("an eighth of the particles"),
    0.25: mark("a quarter"),
    0.5: mark("half"),
    1.0: mark("all particles: no screening"),
}

page = Page(
    name="recommend",
    title="Choose a solver",
    lead="You may ask the model only so many times: which solver, on which time grid, gets nearest to the exact end? "
    "All candidates run on your problem from the same noise; dots further left err less, and a bar says how sure that "
    "is.",
    toy=RecommendSpec(),
    images=RecommendSpec(data=ImageData(), particles=16),
    views={"order": figures.ORDERS},
)
page.open()


def show_budgets(chosen: tuple[int, ...]) -> None:
    """Ask for the curve of budgets, or leave it out again."""
    settings.put(fields.name_of(page.name, "budgets", fields.kind()), list(chosen))


with st.sidebar:
    st.subheader(tr("What to choose for"))
    controls.data(page.default.data, guided=False)
    controls_errors.budget(page)
    controls_errors.schedule(page)
    settings.choose(
        "Rank by",
        "recommend.measure",
        list(figures.MEASURES),
        page.default.measure,
        st.segmented_control,
        format_func=figures.MEASURES.get,
        required=True,
        help="The median is not moved by the few particles that end in another mode of the data; the RMS is.",
    )
    controls_errors.grids(page, most=16, empty=mark("All that fit the schedule"))
    controls.particles(page)
    controls.seed()
    with st.expander(tr("More settings")):
        controls_errors.solvers(page, most=100, empty=mark("All solvers"))
        settings.switch(
            "Also versions known to lose their order",
            "recommend.published",
            help="Published implementations with a known defect; they are kept for comparison.",
        )
        settings.switch(
            "Also with other options",
            "recommend.variants",
            help="Each solver with one of its options changed, too: several times the work.",
        )
        settings.choose(
            "First round with",
            "recommend.screen",
            sorted({*SHARES, settings.get("recommend.screen", page.default.screen)}),
            page.default.screen,
            format_func=lambda share: SHARES.get(share) or message("{share:.0%} of the particles", share=share),
            help="All candidates run with so many particles; only the leaders run with all.",
        )
        if fields.kind() == "toy":
            controls.precision(page)
        controls.times(page)
        controls.shape(page.default.data)
        controls.solver_options(page)

spec = page.specification()
result = compute.result_for(page.name, spec)
if result is None:
    st.stop()
spec, best = result.spec, result.ranking.best

explain.look(words_recommend.recommendation(result))
if best is not None:
    openings.offer(spec, best.choice, best.grid, best.steps)
    order = page.view("order", "Sorted by")
else:
    order = "error"
figure = figures.ranking_figure(result, order)
explain.picture(figure, figures.alt_ranking(result, order), "ranking")
if best is not None:
    st.caption(
        tr(
            "★ the best. Filled: cannot be told from the best; open: can be. Bars: 95 % intervals. Times are of one "
            "run with all particles on this device."
        )
    )
sharing.share(page, result, figure, "ranking", lambda: figures.ranking_table(result, order))

if result.curve:
    st.subheader(tr("The best at each budget"), anchor=False)
    st.markdown(words_recommend.budgets(result))
    curve = figures.budgets_figure(result)
    explain.picture(curve, figures.alt_budgets(result), "budgets")
    sharing.share(page, result, curve, "budgets", lambda: figures.budgets_table(result))
    st.button(tr("Leave out the other budgets"), key="no budgets", on_click=show_budgets, args=((),), type="tertiary")
else:
    st.button(
        tr("Find the best at {budgets} NFE", budgets=", ".join(map(str, BUDGETS))),
        key="budgets",
        on_click=show_budgets,
        args=(BUDGETS,),
        help=tr("Runs all candidates within each of these budgets: several times the work of the picture above."),
    )
explain.notes((*words_recommend.CAVEATS, *result.notes))
explain.formula(
    words_recommend.PAIRED, words_recommend.BOOTSTRAP, words_recommend.HALVING, title="How this was computed"
)
