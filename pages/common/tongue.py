"""Which language this visitor reads: from the link, the switch or the browser; kept for the session.

The link is followed when a session begins. From then on only the switch changes the language, so Back and Forward
leave it alone. Whatever draws asks :func:`core.language.tr`, which asks :func:`current`; where no script runs (a
worker that computes for many) that is English.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.language import ENGLISH, LANGUAGES, follow, speaking

PARAM, CHOSEN, DRAWN = "lang", "language", "language drawn"
SET = '<script>document.documentElement.lang = "LANGUAGE"</script>'


def current() -> str:
    """Key of the language of the visitor whose script runs here."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return ENGLISH
    return st.session_state.get(CHOSEN, ENGLISH)


def begin() -> None:
    """Find the language; first thing in a run."""
    follow(current)
    if CHOSEN not in st.session_state:
        asked = st.query_params.get(PARAM, "")
        st.session_state[CHOSEN] = asked if asked in LANGUAGES else browsers()


def browsers() -> str:
    """The first language of the browser, English where there is no catalogue for it."""
    first = (st.context.locale or "").replace("_", "-").split("-")[0].lower()
    return first if first in LANGUAGES else ENGLISH


def params() -> dict[str, str]:
    """What a link must carry so that this language comes back; nothing where English is what the browser asks for."""
    return {} if current() == browsers() == ENGLISH else {PARAM: current()}


def later(make: Callable[[], Any]) -> Callable[[], Any]:
    """``make`` for a download, which runs when it is pressed and no script does: in the language of now."""
    language = current()

    def made() -> Any:
        with speaking(language):
            return make()

    return made


def changed() -> bool:
    """Whether the language is another than in the run before; asked once a run."""
    before = st.session_state.get(DRAWN, current())
    st.session_state[DRAWN] = current()
    return before != current()


def switch() -> None:
    """In the page's header: the other language, in its own words."""
    with st.container(key="language", width="content"):
        for language, name in LANGUAGES.items():
            if language != current():
                st.button(
                    name,
                    key=f"language-{language}",
                    on_click=_choose,
                    args=(language,),
                    type="tertiary",
                    width="content",
                )
    with st.container(key="spoken"):
        st.html(SET.replace("LANGUAGE", current()), unsafe_allow_javascript=True)


def keep() -> None:
    """See to it that the address carries the language, on pages too that write none themselves; last in a run."""
    held = {name: value for name, value in st.query_params.to_dict().items() if name != PARAM}
    if st.query_params.to_dict() != held | params():
        st.query_params.from_dict(held | params())


def _choose(language: str) -> None:
    st.session_state[CHOSEN] = language
    keep()
