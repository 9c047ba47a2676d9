"""Under each picture: its link, its table, the code that computes it, the works it stands on, files, and a pin."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.experiments.code import snippet
from core.experiments.links import carries, load_recipe
from core.language import mark, reason, tr
from pages.common import pins, tables, tongue
from pages.common.address import address
from pages.common.compute import sentence
from pages.common.page import OPENED, Page

_COPY = st.components.v2.component(
    "solverscope_copy_link",
    html='<button type="button"><span aria-live="polite"></span></button>',
    css="""
button { font: inherit; font-size: 0.875rem; color: var(--st-text-color); background: transparent; cursor: pointer;
    border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, 0.45rem);
    min-height: 2.5rem; padding: 0 0.75rem; white-space: nowrap; }
button:hover { color: var(--st-primary-color); border-color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
""",
    js="""
async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        // Without https or permission: the old way, through a selection.
        const box = document.createElement("textarea");
        box.value = text;
        box.style.position = "fixed";
        box.style.opacity = "0";
        document.body.append(box);
        box.select();
        const done = document.execCommand("copy");
        box.remove();
        return done;
    }
}
export default function ({ parentElement, data }) {
    const button = parentElement.querySelector("button");
    const label = button.querySelector("span");
    label.textContent = data.copy;
    button.onclick = async () => {
        // The address always says what is shown, so it is the link.
        label.textContent = (await copy(window.location.href)) ? data.copied : data.refused;
        setTimeout(() => { label.textContent = data.copy; }, 2500);
    };
}
""",
)


PANELS = {"Table": mark("Table"), "Code": mark("Code"), "Works": mark("References")}


def copy_link(name: str, whole: bool = True) -> None:
    """A button that copies the address; ``name`` is in its key, ``whole`` whether the address has room for all."""
    copied = tr("Link copied") if whole else tr("Copied, without your points")
    words = {"copy": tr("Copy link"), "copied": copied, "refused": tr("Copy it from the address bar")}
    _COPY(key=f"copy-{name}", width="content", data=words)


@st.fragment
def share(page: Page, result: Any, figure: go.Figure, name: str, table: Callable[[], pd.DataFrame]) -> None:
    """One row: copy link, table, code, references, pin, and files to save or open.

    Parameters
    ----------
    figure : the picture above the row.
    name : of the picture, in file names and keys; with the kind of the specification a key of ``SHARED``.
    table : what the picture shows, as numbers; asked for only when it is looked at.
    """
    spec = result.spec
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"share-{name}"):
        copy_link(name, carries(spec))
        panel = st.segmented_control(
            tr("Show"),
            list(PANELS),
            key=f"panel-{name}",
            format_func={panel: tr(words) for panel, words in PANELS.items()}.__getitem__,
            label_visibility="collapsed",
            width="content",
        )
        pins.button(page, spec, name)
        with st.popover(tr("Save or open"), type="tertiary"):
            with st.container(key=f"files-{name}"):
                _downloads(page, result, figure, name)
            _open(name)
    if panel == "Table":
        st.dataframe(tables.said(table()), hide_index=True, placeholder="–", height="auto")
    elif panel == "Code":
        st.caption(tr("Runs with this repository's core alone, and gives the numbers of this picture."))
        st.code(snippet(spec), language="python", wrap_lines=False)
    elif panel == "Works":
        _references(spec)


def _references(spec: Any) -> None:
    from core.experiments.citing import works_of
    from core.references import bibtex, listed

    works = works_of(spec)
    st.markdown(listed(works))
    st.code(bibtex(works), language="bibtex", wrap_lines=True)


def _downloads(page: Page, result: Any, figure: Any, name: str) -> None:
    spec, stem = result.spec, f"solverscope-{name}"
    views = pins.views_of(page)
    link = address(page.name, page.link(spec), page.name) if carries(spec) else ""
    for label, ending, mime, make in (
        (tr("Save numbers (CSV)"), "csv", "text/csv", lambda: result.to_frame().to_csv(index=False)),
        (tr("Save arrays (NPZ)"), "npz", "application/octet-stream", lambda: _npz(result)),
        (tr("Save settings (JSON)"), "json", "application/json", lambda: spec.model_dump_json(indent=2)),
        (tr("Save picture (HTML)"), "html", "text/html", lambda: _page(result, figure, name, views, link)),
        (tr("Save code (Python)"), "py", "text/x-python", lambda: snippet(spec)),
        (tr("Save code (Jupyter notebook)"), "ipynb", "application/x-ipynb+json", lambda: _notebook(spec, link)),
        (tr("Save references (BibTeX)"), "bib", "application/x-bibtex", lambda: _bibtex(spec)),
    ):
        st.download_button(
            label,
            tongue.later(make),
            file_name=f"{stem}.{ending}",
            mime=mime,
            key=f"{stem}.{ending}",
            on_click="ignore",
            type="tertiary",
        )
    if isinstance(figure, go.Figure):
        st.caption(tr("As PNG: the camera above the picture."))
    else:
        st.caption(tr("As PNG or as a film: the buttons under the picture."))


def _page(result: Any, figure: Any, name: str, views: dict[str, str], link: str) -> str:
    """The picture as a page of its own, with what it shows and how it was made."""
    from core.experiments.citing import works_of
    from core.figures.facts import facts_of
    from core.figures.pictures import SHARED
    from core.figures.report import Entry, report_html

    spec = result.spec
    shared = SHARED[spec.kind, name]
    entry = Entry(
        tr(shared.title),
        figure,
        tr(shared.words(result, views)),
        facts_of(spec),
        spec.model_dump_json(indent=2),
        link=link,
        notes=tuple(map(tr, result.notes)),
        works=works_of(spec),
    )
    title = tr("Solverscope: {picture}", picture=tr(shared.title))
    return report_html(title, "", [entry], columns=1)


def _notebook(spec: Any, link: str) -> str:
    from core.experiments.notebook import notebook

    return notebook(spec, link)


def _bibtex(spec: Any) -> str:
    from core.experiments.citing import works_of
    from core.references import bibtex

    return bibtex(works_of(spec))


def _npz(result: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, specification=np.array(result.spec.model_dump_json()), **result.to_arrays())
    return buffer.getvalue()


def _open(name: str) -> None:
    key = f"open-{name}"
    st.file_uploader(
        tr("Open settings (JSON)"), type=["json"], key=key, on_change=_read, args=(key,), max_upload_size=2
    )
    problem = st.session_state.get(f"{key} problem")
    if problem:
        st.warning(sentence(problem))
    if OPENED in st.session_state:  # read in the callback; the whole page has to change, or another one open
        st.switch_page(f"pages/{st.session_state[OPENED].kind}.py")


def _read(key: str) -> None:
    st.session_state.pop(f"{key} problem", None)
    file = st.session_state[key]
    if file is None:
        return
    try:
        st.session_state[OPENED] = load_recipe(file.getvalue().decode("utf-8", errors="replace"))
    except ValueError as problem:
        st.session_state[f"{key} problem"] = reason(problem)
