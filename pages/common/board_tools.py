"""What stands around the pictures of a board: its title, its columns, its files, and what to do when it is empty."""

import streamlit as st

from core.figures.board import MOST_PINS, Board, read_board
from core.figures.report import Entry, report_html
from core.language import mark, reason, tr
from pages.common import pins, tongue
from pages.common.board_address import carried
from pages.common.compute import sentence
from pages.common.sharing import copy_link

COLUMNS = {1: mark("One column"), 2: mark("Two columns"), 3: mark("Three columns")}
PROBLEM = "board problem"


def empty() -> None:
    """How to fill a board."""
    st.markdown(
        tr(
            "Nothing is pinned yet. Every picture has a button **Pin** in the row under it: press it on any page, and "
            "the picture comes here, beside those of other pages. A board can be exported as one page and saved."
        )
    )
    with st.container(horizontal=True, gap="medium"):
        st.page_link("pages/trajectories.py", label=tr("Trajectories"), icon=":material/arrow_forward:")
        st.page_link("pages/convergence.py", label=tr("Error against steps"), icon=":material/arrow_forward:")
        if pins.BEFORE in st.session_state and st.session_state[pins.BEFORE].pins:
            st.button(tr("Undo"), key="undo", on_click=pins.undo)
    _open()


def head() -> None:
    """Title, introduction and columns of the board."""
    board = pins.board()
    with st.expander(tr("Title and introduction of the report"), expanded=bool(board.title or board.introduction)):
        key = pins.key("board title")
        st.text_input(
            tr("Title"),
            board.title,
            max_chars=200,
            placeholder=tr("A comparison"),
            key=key,
            on_change=_write,
            args=("title", key),
        )
        key = pins.key("board words")
        st.text_area(
            tr("Introduction"),
            board.introduction,
            max_chars=10_000,
            key=key,
            height=110,
            on_change=_write,
            args=("introduction", key),
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="board-head"):
        key = pins.key("board columns")
        st.segmented_control(
            tr("Columns"),
            list(COLUMNS),
            default=board.columns,
            format_func={count: tr(words) for count, words in COLUMNS.items()}.__getitem__,
            required=True,
            label_visibility="collapsed",
            key=key,
            on_change=_write,
            args=("columns", key),
        )
        st.caption(tr("{count} of {most} pictures", count=len(board.pins), most=MOST_PINS), width="content")
        st.button(tr("Undo"), key="undo", on_click=pins.undo, disabled=pins.BEFORE not in st.session_state)
        st.button(tr("Remove all"), key="remove all", type="tertiary", on_click=_clear)


def _write(field: str, key: str) -> None:
    pins.write(pins.board().model_copy(update={field: st.session_state[key]}))


def _clear() -> None:
    pins.put(pins.board().model_copy(update={"pins": ()}))


def files(entries: list[Entry]) -> None:
    """Export and save the board, or open another."""
    board = pins.board()
    st.header(tr("Export and save"), anchor=False)
    if len(entries) < len(board.pins):
        st.info(tr("Pictures that could not be computed are left out of the report."))
    whole = carried(board)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="board-files"):
        if whole:
            copy_link("board")
        st.download_button(
            tr("Export as one page (HTML)"),
            tongue.later(lambda: _report(board, entries)),
            file_name="solverscope-board.html",
            mime="text/html",
            key="board.html",
            on_click="ignore",
            type="primary",
            disabled=not entries,
        )
        st.download_button(
            tr("Save the board (JSON)"),
            lambda: board.model_dump_json(indent=1),
            file_name="solverscope-board.json",
            mime="application/json",
            key="board.json",
            on_click="ignore",
        )
    st.caption(
        tr("The address of this page says the whole board: a copied link or a bookmark brings it back.")
        if whole
        else tr(
            "This board is too long for a link: it is here until this tab is reloaded or closed; save it to keep it."
        )
    )
    st.caption(
        tr("The exported page needs no network, prints well, and has the settings and references of every picture.")
    )
    _open()


def _report(board: Board, entries: list[Entry]) -> str:
    return report_html(board.title or tr("A comparison"), board.introduction, entries, board.columns)


def _open() -> None:
    st.file_uploader(tr("Open a board (JSON)"), type=["json"], key="open board", on_change=_read, max_upload_size=4)
    problem = st.session_state.get(PROBLEM)
    if problem:
        st.warning(sentence(problem))


def _read() -> None:
    st.session_state.pop(PROBLEM, None)
    file = st.session_state["open board"]
    if file is None:
        return
    try:
        pins.put(read_board(file.getvalue().decode("utf-8", errors="replace")))
    except ValueError as problem:
        st.session_state[PROBLEM] = reason(problem)
