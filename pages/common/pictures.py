"""Pictures that more than one page shows."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.experiments.specification import MAX_IMAGES
from core.figures import images
from core.figures import trajectories as figures
from pages.common.page import Page

WHICH = {"image": {str(i): str(i + 1) for i in range(MAX_IMAGES)}}  # a view: the image that is looked at


def journey(page: Page, result: Any, height: int = 700) -> tuple[go.Figure, str]:
    """Paths in the plane, or the film strips of one image; with its words for those who cannot see it."""
    if result.spec.data.kind == "toy":
        return figures.paths_figure(result, height=height), figures.alt_paths(result)
    shown = which(page, result)
    return images.film_strip_figure(result, shown), images.alt_film_strip(result, shown)


def which(page: Page, result: Any) -> int:
    """The image that is looked at."""
    count = result.spec.particles
    with st.container(width=320):
        return int(page.view("image", "Which image", st.select_slider, count)) if count > 1 else 0
