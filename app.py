"""Solverscope: navigation and theme. A new page is a file in pages/ and a line here."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.language import tr
from pages.common import serving, theme, tongue, warm


def show() -> None:
    """One run for one visitor."""
    warm.start()
    tongue.begin()
    page = st.navigation(
        {
            "": [
                st.Page("pages/start.py", title=tr("Start"), default=True),
                st.Page("pages/lessons.py", title=tr("Lessons")),
                st.Page("pages/trajectories.py", title=tr("Trajectories")),
                st.Page("pages/board.py", title=tr("Board")),
            ],
            tr("Solvers"): [
                st.Page("pages/solvers.py", title=tr("All solvers")),
                st.Page("pages/recommend.py", title=tr("Choose a solver")),
            ],
            tr("Paths"): [
                st.Page("pages/schedules.py", title=tr("Schedules")),
                st.Page("pages/curvature.py", title=tr("Curvature")),
                st.Page("pages/straightening.py", title=tr("Straightening")),
                st.Page("pages/guidance.py", title=tr("Guidance")),
                st.Page("pages/inversion.py", title=tr("Inversion")),
                st.Page("pages/boomerang.py", title=tr("There and back")),
            ],
            tr("Errors"): [
                st.Page("pages/convergence.py", title=tr("Error against steps")),
                st.Page("pages/local_error.py", title=tr("Step by step")),
                st.Page("pages/grid_map.py", title=tr("Solver × grid")),
                st.Page("pages/time_grids.py", title=tr("Time grids")),
                st.Page("pages/order_table.py", title=tr("Orders measured")),
                st.Page("pages/precision.py", title=tr("Precision lab")),
            ],
            tr("Samplers"): [
                st.Page("pages/noise.py", title=tr("Noise")),
                st.Page("pages/sde_orders.py", title=tr("Strong and weak order")),
                st.Page("pages/bounds.py", title=tr("Theory")),
            ],
        },
        position="top",
    )
    theme.apply(page.title)
    tongue.switch()
    warm.fetch_charts()
    warm.wait()
    page.run()
    tongue.keep()


if get_script_run_ctx(suppress_warning=True) is None:  # a server asks what to serve: this file, as a script
    app = st.App(__file__, lifespan=serving.lifespan, middleware=serving.MIDDLEWARE, routes=serving.ROUTES)
else:
    show()
