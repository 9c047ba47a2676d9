"""Pictures pinned on any page, side by side: arranged, captioned, saved, and exported as one page."""

from pages.common import arrival  # first: it may end the run before the heavy imports

# isort: split
import streamlit as st

from core.language import tr
from pages.common import board_address, board_tools, board_view, pins
from pages.common.page import HERE

arrival.through_app()
st.session_state[HERE] = "board"
board_address.follow()

st.title(tr("Board"), anchor=False)
board_address.tell()
if pins.board().pins:
    st.markdown(tr("Pictures that you pinned, computed anew from their settings. Arrange them, write what they show."))
    board_tools.head()
    entries = board_view.draw()
    board_tools.files(entries)
else:
    board_tools.empty()
board_address.write()
