"""Pictures that more than one page shows."""

from typing import Any

import streamlit as st

from core.experiments.specification import MAX_IMAGES
from core.figures import images, side
from core.figures import trajectories as figures
from core.language import mark
from pages.common import fields, player, sharing, words
from pages.common.page import Page

LAYOUTS = {"together": mark("One picture"), "apart": mark("ODE, SDE, forward"), "sheet": mark("All images")}
SHEETS = {"sheet": images.SHOWN}
WHICH = {"image": {str(i): str(i + 1) for i in range(MAX_IMAGES)}}  # a view: the image that is looked at


def journey(page: Page, result: Any, name: str, height: int = 620) -> None:
    """Paths in the plane as time runs, or the film strips of one image; and the row to share them."""
    if result.spec.data.kind == "toy":
        scene = figures.paths_scene(result)
        scene.head["tall"] = height
        player.player(scene, name, fields.name_of(page.name, "start", "toy"))
    else:
        scene = images.images_scene(result, which(page, result.spec.particles))
        player.player(scene, f"{name}-images")
    sharing.share(page, result, scene, name, lambda: words.path_table(result))


def which(page: Page, count: int) -> int:
    """Which of ``count`` images is looked at."""
    with st.container(width=320):
        return int(page.view("image", "Which image", st.select_slider, count)) if count > 1 else 0


def side_by_side(page: Page, result: Any) -> None:
    """ODE, SDE and forward process under one playhead, and for images the strips of one of them."""
    chosen = which(page, result.spec.particles) if result.spec.data.kind == "images" else 0
    scene = side.side_scene(result, chosen)
    player.player(scene, "side")
    sharing.share(page, result, scene, "side", lambda: words.path_table(result))


def all_images(page: Page, result: Any) -> None:
    """Every image of every solver, under one playhead."""
    scene = images.sheets_scene(result, page.view("sheet", "Show"))
    player.player(scene, "sheets")
    sharing.share(page, result, scene, "sheets", lambda: words.path_table(result))
