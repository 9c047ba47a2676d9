"""The pinned pictures of the board, each computed from its settings."""

from typing import Any

import streamlit as st

from core.experiments import to_params
from core.figures.board import Board, Pin
from core.figures.facts import facts_of
from core.figures.report import Entry
from core.figures.scene import Scene
from core.language import tr
from pages.common import compute, explain, pins, player, settings, tongue
from pages.common.address import address
from pages.common.page import OPENED


def draw() -> list[Entry]:
    """Every pin in its place; those that could be drawn, for the report."""
    board = pins.board()
    entries: list[Entry] = []
    row: list[Any] = []
    for place, pin in enumerate(board.pins):
        wide = pin.shared.wide or board.columns == 1
        if wide or not row:
            row = [st.container()] if wide else list(st.columns(board.columns, gap="large"))
        with row.pop(0):
            entry = _pin(board, pin, place)
        if wide:
            row = []
        if entry is not None:
            entries.append(entry)
    return entries


def _pin(board: Board, pin: Pin, place: int) -> Entry | None:
    spec = pin.spec
    with st.container(border=True, key=f"pin-{place}"):
        st.subheader(pin.called, anchor=False)
        result = compute.result_for(f"board {place}", spec, slot=f"-{place}")
        entry = None if result is None else _picture(pin, spec, result, place)
        st.caption(facts_of(spec))
        _words(pin, place)
        _moves(board, pin, place)
    return entry


def _picture(pin: Pin, spec: Any, result: Any, place: int) -> Entry:
    shared = pin.shared
    figure = shared.draw(result, pin.views)
    alt = tr(shared.words(result, pin.views))
    if isinstance(figure, Scene):
        player.player(figure, f"board-{place}")
    else:
        explain.picture(figure, alt, f"board-{place}", wide=shared.wide)
    return Entry(
        title=pin.called,
        figure=figure,
        alt=alt,
        facts=facts_of(spec),
        settings=spec.model_dump_json(indent=2),
        caption=pin.caption,
        link=address(pin.page, to_params(spec) | pin.views | tongue.params(), "board"),
        notes=tuple(map(tr, result.notes)),
        wide=shared.wide,
    )


def _words(pin: Pin, place: int) -> None:
    """Title and caption, to be changed."""
    with st.expander(tr("Title and caption"), expanded=bool(pin.caption)):
        title = st.text_input(tr("Title"), pin.called, max_chars=200, key=f"title-{place}-{_key(pin)}")
        caption = st.text_area(
            tr("Caption"), pin.caption, max_chars=4000, key=f"caption-{place}-{_key(pin)}", height=90
        )
    own = "" if title == tr(pin.shared.title) else title
    if (own, caption) != (pin.title, pin.caption):
        st.session_state[pins.HELD] = pins.board().changed(place, title=own, caption=caption)
        st.rerun()


def _key(pin: Pin) -> str:
    return f"{pin.picture}-{abs(hash(pin.settings)) % 10**8}-{len(pin.views)}"


def _moves(board: Board, pin: Pin, place: int) -> None:
    with st.container(horizontal=True, gap="small", key=f"moves-{place}"):
        st.button(
            tr("Earlier"),
            key=f"earlier-{place}",
            icon=":material/arrow_back:",
            disabled=place == 0,
            on_click=_move,
            args=(place, -1),
        )
        st.button(
            tr("Later"),
            key=f"later-{place}",
            icon=":material/arrow_forward:",
            disabled=place == len(board.pins) - 1,
            on_click=_move,
            args=(place, 1),
        )
        if st.button(tr("Open on its page"), key=f"visit-{place}", type="tertiary"):
            st.session_state[OPENED] = pin.spec
            for name, value in pin.views.items():
                settings.put(f"{pin.page}.{name}", value)
            st.switch_page(f"pages/{pin.page}.py")
        st.button(tr("Remove"), key=f"remove-{place}", type="tertiary", on_click=_remove, args=(place,))


def _move(place: int, by: int) -> None:
    pins.put(pins.board().moved(place, by))


def _remove(place: int) -> None:
    pins.put(pins.board().without(place))
