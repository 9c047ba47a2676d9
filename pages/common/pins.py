"""The board of this visitor, and the button that pins a picture to it."""

from typing import Any

import streamlit as st

from core.figures.board import Board, Pin, checked
from core.language import current, message, reason, tr
from pages.common import settings
from pages.common.compute import sentence
from pages.common.page import Page

HELD, BEFORE, TOLD = "board", "board before", "board told"
TURN = "board turn"  # counts changes from outside the text fields, which then start anew


def board() -> Board:
    """The board as it is."""
    return st.session_state.setdefault(HELD, Board())


def put(changed: Board) -> None:
    """Replace the board; :func:`undo` brings the one before back."""
    st.session_state[BEFORE] = board()
    _hold(changed)


def write(changed: Board) -> None:
    """Replace the board by one with other texts or columns, as the user writes; nothing to undo."""
    st.session_state[HELD] = changed


def undo() -> None:
    """The board before the last change, and this one for the next undo."""
    if BEFORE in st.session_state:
        now = board()
        _hold(st.session_state[BEFORE])
        st.session_state[BEFORE] = now


def key(name: str) -> str:
    """Key of a field that shows a text of the board: a new one once the text came from elsewhere."""
    return f"{name} {st.session_state.get(TURN, 0)} {current()}"


def _hold(changed: Board) -> None:
    st.session_state[HELD] = changed
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def views_of(page: Page) -> dict[str, str]:
    """Display choices that differ from their first options."""
    chosen = {}
    for name, options in page.views.items():
        first = next(iter(options))
        value = settings.current(f"{page.name}.{name}", first)
        if value != first and isinstance(value, str):
            chosen[name] = value
    return chosen


def button(page: Page, spec: Any, name: str) -> None:
    """Pin the picture, or take it down again."""
    # checked when it is pinned: a drawing or a file of points may be too large for a board
    pin = Pin.model_construct(page=page.name, picture=name, settings=spec.model_dump_json(), views=views_of(page))
    held = board().place_of(pin) is not None
    st.button(
        tr("Pinned") if held else tr("Pin"),
        key=f"pin-{name}",
        icon=":material/check:" if held else ":material/keep:",
        type="tertiary",
        on_click=_toggle,
        args=(pin,),
        help=tr("Take it off the board.") if held else tr("Keep it on the board, beside pictures of other pages."),
    )
    told = st.session_state.pop(TOLD, None)  # by the press that led to this run
    if told:
        st.toast(sentence(told))


def _toggle(pin: Pin) -> None:
    place = board().place_of(pin)
    if place is not None:
        put(board().without(place))
        st.session_state[TOLD] = message("Taken off the board.")
        return
    try:
        put(board().with_pin(checked(pin)))
    except ValueError as problem:
        st.session_state[TOLD] = reason(problem)
        return
    count = len(board().pins)
    more = message("Pinned. The board has {count} pictures.", count=count)
    st.session_state[TOLD] = message("Pinned. The board has 1 picture.") if count == 1 else more
