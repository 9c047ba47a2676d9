"""The user's own picture in place of the images of a set: upload, cut, and what the model will see of it."""

from typing import Any

import streamlit as st

from core.data import IMAGE_DATA
from core.data.pictures import MAX_BYTES, MAX_PIXELS, crop_at, open_picture, pack_picture, read_picture, unpack_picture
from core.figures.tiles import tiles
from core.language import reason, tr
from pages.common import fields, settings
from pages.common.compute import sentence

FILE, PROBLEM, UPLOAD = "own picture file", "own picture problem", "own picture"
ZOOM, ACROSS, DOWN, INVERT = "own picture zoom", "own picture across", "own picture down", "own picture invert"
PAGES = ("inversion", "boomerang")  # one picture for all that begin with data
PREVIEW = 128


def picture(page: Any) -> None:
    """An upload with zoom and position, and a preview; for 2-D data nothing, and the picture waits."""
    slot, aside = f"{page.name}.picture", f"{page.name}.picture aside"
    if fields.kind() != "images":
        if settings.get(slot) is not None:
            settings.put(aside, settings.get(slot))
            settings.put(slot, None)
        return
    if settings.get(aside) is not None:
        settings.put(slot, settings.get(slot) or settings.get(aside))
        settings.put(aside, None)
    shape = IMAGE_DATA[settings.get("images.name", page.images.data.name)].shape
    _fit(slot, shape)
    with st.expander(tr("Your own picture"), expanded=settings.get(slot) is not None):
        st.file_uploader(
            tr("PNG, JPEG or WebP"),
            type=["png", "jpg", "jpeg", "webp"],
            key=UPLOAD,
            on_change=_read,
            args=(shape,),
            max_upload_size=MAX_BYTES // 1_000_000,
            help=tr(
                "At most {size} MB and {pixels} million pixels. It stays in this session; only what the model sees of "
                "it goes into the link.",
                size=MAX_BYTES // 1_000_000,
                pixels=MAX_PIXELS // 1_000_000,
            ),
        )
        if PROBLEM in st.session_state:
            st.warning(sentence(st.session_state[PROBLEM]))
        if FILE in st.session_state:
            _cut(shape)
        text = settings.get(slot)
        if text is None:
            return
        uri, _, _ = tiles([[unpack_picture(text, shape).numpy()]])
        st.image(
            uri, width=PREVIEW, caption=tr("What the model sees: {width}×{height}", width=shape[2], height=shape[1])
        )
        st.button(tr("Back to images of the set"), key="own picture away", on_click=_forget)


def _fit(slot: str, shape: tuple[int, int, int]) -> None:
    """Cut the picture anew for a set of another size; where only a link brought it, it cannot be."""
    text = settings.get(slot)
    if text is None:
        return
    try:
        unpack_picture(text, shape)
    except ValueError:
        if FILE in st.session_state:
            _take(shape)
        else:
            settings.put(slot, None)
            st.caption(
                tr("The picture of the link has another size than these images, so images of the set are shown.")
            )


def _cut(shape: tuple[int, int, int]) -> None:
    for key, value in ((ZOOM, 1.0), (ACROSS, 0.5), (DOWN, 0.5), (INVERT, False)):
        st.session_state[key] = st.session_state.get(key, value)  # a page that is left forgets its widgets
    more: dict[str, Any] = {"on_change": _take, "args": (shape,)}
    st.slider(
        tr("Zoom"), 1.0, 10.0, key=ZOOM, step=0.1, help=tr("1 shows the largest square, 10 a tenth of it."), **more
    )
    st.slider(tr("Left to right"), 0.0, 1.0, key=ACROSS, step=0.01, **more)
    st.slider(tr("Top to bottom"), 0.0, 1.0, key=DOWN, step=0.01, **more)
    st.toggle(tr("Exchange light and dark"), key=INVERT, help=tr("The digits are white on black; ink is not."), **more)


def _read(shape: tuple[int, int, int]) -> None:
    st.session_state.pop(PROBLEM, None)
    file = st.session_state[UPLOAD]
    if file is None:
        return
    source = file.getvalue()
    try:
        open_picture(source)
    except ValueError as problem:
        st.session_state[PROBLEM] = reason(problem)
        return
    st.session_state[FILE] = source
    for key in (ZOOM, ACROSS, DOWN):
        st.session_state.pop(key, None)
    _take(shape)


def _take(shape: tuple[int, int, int]) -> None:
    """Put what the sliders say of the file into the settings."""
    source = st.session_state[FILE]
    state = st.session_state
    crop = crop_at(open_picture(source).size, state.get(ZOOM, 1.0), state.get(ACROSS, 0.5), state.get(DOWN, 0.5))
    text = pack_picture(read_picture(source, shape, crop, invert=state.get(INVERT, False)))
    for name in PAGES:
        settings.put(f"{name}.picture", text)


def _forget() -> None:
    for key in (FILE, PROBLEM, ZOOM, ACROSS, DOWN, INVERT):
        st.session_state.pop(key, None)
    for name in PAGES:
        settings.put(f"{name}.picture", None)
