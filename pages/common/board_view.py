"""The pinned pictures of the board, each computed from its settings."""

import re
from typing import Any

import streamlit as st

from core.experiments import to_params
from core.experiments.citing import works_of
from core.experiments.links import carries
from core.figures.board import Board, Pin
from core.figures.facts import facts_of
from core.figures.report import Entry
from core.figures.scene import Scene
from core.language import reason, tr
from pages.common import compute, explain, pins, player, settings, tongue
from pages.common.address import address
from pages.common.page import OPENED

MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+.!|$:<>~-])")  # texts are the user's, or a stranger's


def draw() -> list[Entry]:
    """Every pin in its place; those that could be drawn, for the report."""
    board = pins.board()
    entries: list[Entry] = []
    row: list[Any] = []
    for place, pin in enumerate(board.pins):
        wide = pin.wide or board.columns == 1
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
        st.subheader(_as_written(pin.called), anchor=False)
        # named by its settings: a picture that was stopped never stands for another
        result = compute.result_for(f"board {pin.settings}", spec, slot=f"-{place}")
        entry = None if result is None else _picture(pin, spec, result, place)
        for part in filter(str.strip, pin.caption.split("\n")):
            st.markdown(_as_written(part))
        st.caption(facts_of(spec))
        _words(pin, place)
        _moves(board, pin, place)
    return entry


def _as_written(text: str) -> str:
    return MARKDOWN.sub(r"\\\1", text)


def _picture(pin: Pin, spec: Any, result: Any, place: int) -> Entry | None:
    """Draw it; what cannot be drawn is said in its place."""
    shared = pin.shared
    try:
        figure, alt = shared.shown(result, pin.views)
    except ValueError as problem:
        st.warning(compute.sentence(reason(problem)))
        return None
    alt = tr(alt)
    if isinstance(figure, Scene):
        player.player(figure, f"board-{place}")
    else:
        explain.picture(figure, alt, f"board-{place}", wide=pin.wide)
    return Entry(
        title=pin.called,
        figure=figure,
        alt=alt,
        facts=facts_of(spec),
        settings=spec.model_dump_json(indent=2),
        caption=pin.caption,
        link=address(pin.page, to_params(spec) | pin.views | tongue.params(), "board") if carries(spec) else "",
        notes=tuple(map(tr, result.notes)),
        wide=pin.wide,
        works=works_of(spec),
    )


def _words(pin: Pin, place: int) -> None:
    """Title and caption, to be changed."""
    with st.expander(tr("Title and caption")):
        key = pins.key(f"title {place}")
        st.text_input(tr("Title"), pin.called, max_chars=200, key=key, on_change=_write, args=(place, "title", key))
        key = pins.key(f"caption {place}")
        st.text_area(
            tr("Caption (plain text)"),
            pin.caption,
            max_chars=4000,
            key=key,
            height=90,
            on_change=_write,
            args=(place, "caption", key),
        )


def _write(place: int, field: str, key: str) -> None:
    text = st.session_state[key]
    own = field == "title" and text == tr(pins.board().pins[place].shared.title)
    pins.write(pins.board().changed(place, **{field: "" if own else text}))


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
