"""Solverscope: navigation and theme. A new page is a file in pages/ and a line here."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.common import serving, theme, warm


def show() -> None:
    """One run for one visitor."""
    warm.start()
    page = st.navigation(
        {
            "": [
                st.Page("pages/start.py", title="Start", default=True),
                st.Page("pages/lessons.py", title="Lessons"),
                st.Page("pages/schedules.py", title="Schedules"),
                st.Page("pages/solvers.py", title="Solvers"),
                st.Page("pages/trajectories.py", title="Trajectories"),
                st.Page("pages/curvature.py", title="Curvature"),
                st.Page("pages/guidance.py", title="Guidance"),
                st.Page("pages/recommend.py", title="Choose a solver"),
            ],
            "Round trips": [
                st.Page("pages/inversion.py", title="Inversion"),
                st.Page("pages/boomerang.py", title="There and back"),
            ],
            "Errors": [
                st.Page("pages/convergence.py", title="Error against steps"),
                st.Page("pages/local_error.py", title="Step by step"),
                st.Page("pages/grid_map.py", title="Solver × grid"),
                st.Page("pages/time_grids.py", title="Time grids"),
                st.Page("pages/order_table.py", title="Orders measured"),
                st.Page("pages/precision.py", title="Precision lab"),
            ],
            "Samplers": [
                st.Page("pages/noise.py", title="Noise"),
                st.Page("pages/sde_orders.py", title="Strong and weak order"),
                st.Page("pages/bounds.py", title="Theory"),
            ],
        },
        position="top",
    )
    theme.apply(page.title)
    warm.fetch_charts()
    warm.wait()
    page.run()


if get_script_run_ctx(suppress_warning=True) is None:  # a server asks what to serve: this file, as a script
    app = st.App(__file__, lifespan=serving.lifespan, middleware=serving.MIDDLEWARE, routes=serving.ROUTES)
else:
    show()
