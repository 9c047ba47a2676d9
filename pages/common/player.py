"""The player on a page: one transfer for each picture, and the starting point that a click places."""

import streamlit as st

from core.figures.scene import ASSETS, Scene, player_source, player_style
from pages.common import fields, settings
from pages.common.page import Page

_SOURCE = f"{player_source()}\n{(ASSETS / 'component.js').read_text()}"
_PLAYER = st.components.v2.component(
    "solverscope_player", html='<div class="solverscope-player"></div>', css=player_style(), js=_SOURCE
)
_STILL = st.components.v2.component(  # nothing can be placed in it
    "solverscope_player_alone", html='<div class="solverscope-player" data-alone></div>', css=player_style(), js=_SOURCE
)


def player(scene: Scene, name: str, slot: str | None = None) -> None:
    """Draw the player for ``scene``.

    Parameters
    ----------
    name : of the picture, in its key: the player keeps time, speed and what is hidden while the page reruns.
    slot : the setting that a click into the plane changes, ``start`` of the specification; None where no starting
        point can be placed.
    """
    key = f"player-{name}"

    def place() -> None:
        given = st.session_state[key].start
        settings.put(slot, [float(part) for part in given.split(",")] if given else None)

    with st.container(key=f"scene-{name}"):
        if slot is None:
            _STILL(key=key, data=scene.pack())
        else:
            _PLAYER(key=key, data=scene.pack(), on_start_change=place)


def keep_start(page: Page) -> None:
    """Move a placed starting point to the last step that there still is, when fewer steps are chosen."""
    slot = fields.name_of(page.name, "start", "toy")
    held = settings.get(slot)
    steps = settings.get(fields.name_of(page.name, "steps", "toy"), page.toy.steps)
    if held is not None and held[2] >= steps:
        settings.put(slot, [*held[:2], steps - 1])
