"""Pictures that more than one page shows."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.experiments.specification import MAX_IMAGES
from core.figures import images, sheets, side
from core.figures import trajectories as figures
from pages.common import explain, sharing, words
from pages.common.page import Page

LAYOUTS = {"together": "One picture", "apart": "ODE, SDE, forward", "sheet": "All images"}
SHEETS = {"sheet": sheets.SHOWN}
WHICH = {"image": {str(i): str(i + 1) for i in range(MAX_IMAGES)}}  # a view: the image that is looked at


def journey(page: Page, result: Any, height: int = 700) -> tuple[go.Figure, str]:
    """Paths in the plane, or the film strips of one image; with its words for those who cannot see it."""
    if result.spec.data.kind == "toy":
        return figures.paths_figure(result, height=height), figures.alt_paths(result)
    shown = which(page, result.spec.particles)
    return images.film_strip_figure(result, shown), images.alt_film_strip(result, shown)


def which(page: Page, count: int) -> int:
    """Which of ``count`` images is looked at."""
    with st.container(width=320):
        return int(page.view("image", "Which image", st.select_slider, count)) if count > 1 else 0


def side_by_side(page: Page, result: Any) -> None:
    """ODE, SDE and forward process with one time slider, and for images the strips of one of them."""
    if result.spec.data.kind == "images":
        shown = which(page, result.spec.particles)
        strips = side.side_strips(result, shown)
        explain.picture(strips, side.alt_side_strips(result, shown), "side-strips", wide=True)
    figure = side.side_figure(result)
    explain.picture(figure, side.alt_side(result), "side", wide=True)
    sharing.share(page, result, figure, "side", lambda: words.path_table(result))


def all_images(page: Page, result: Any) -> None:
    """Every image of every solver, with one time slider."""
    shown = page.view("sheet", "Show")
    figure = sheets.sheets_figure(result, shown)
    explain.picture(figure, sheets.alt_sheets(result, shown), "sheets")
    sharing.share(page, result, figure, "sheets", lambda: words.path_table(result))
