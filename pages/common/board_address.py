"""The board in its page's address: followed when it is somebody's link, and kept true to what is shown."""

import streamlit as st

from core.figures.board import Board
from core.figures.board_link import NAMES, PINS, board_from_params, board_params
from core.language import tr
from pages.common import pins, tongue
from pages.common.compute import sentence

WRITTEN, TOLD = "board addresses", "board link told"


def follow() -> None:
    """Show the board of the address, unless this session wrote it itself; the board before comes back by Undo."""
    params = {name: value for name, value in st.query_params.to_dict().items() if name != tongue.PARAM}
    speaks = any(name in (*NAMES, *PINS) for name in params)  # not what another page left in the address
    if not speaks or _name(params) in st.session_state.get(WRITTEN, set()):
        return
    board, problems = board_from_params(params)
    if board.pins:
        pins.put(board)
    st.session_state[TOLD] = (problems, pins.board())


def tell() -> None:
    """What was wrong with the link, until the board changes."""
    problems, about = st.session_state.get(TOLD, ([], None))
    if not problems or about != pins.board():
        st.session_state.pop(TOLD, None)
        return
    points = "".join(f"\n- {sentence(text)}" for text in problems)
    st.warning(tr("Some of the link cannot be shown; all else is as it says.") + f"\n{points}")


def write() -> None:
    """Have the address say what the board is; where none can, it says nothing."""
    params = board_params(pins.board()) or {}
    st.session_state.setdefault(WRITTEN, set()).add(_name(params))
    if st.query_params.to_dict() != params | tongue.params():
        st.query_params.from_dict(params | tongue.params())


def carried(board: Board) -> bool:
    """Whether a link can bring the board."""
    return board_params(board) is not None


def _name(params: dict[str, str]) -> frozenset:
    return frozenset(params.items())
