"""Keys that turn the pages of a lesson: each presses a button of the page."""

import streamlit as st

READING = {"ArrowRight": "lesson-next", "ArrowLeft": "lesson-back", "Enter": "lesson-run"}
LECTURE = {  # presenters' remotes send PageDown and PageUp
    **dict.fromkeys(("ArrowRight", "PageDown", "Enter", " "), "lesson-next"),
    **dict.fromkeys(("ArrowLeft", "PageUp"), "lesson-back"),
    "Home": "lesson-first",
    "Escape": "lesson-view",
}

_KEYS = st.components.v2.component(
    "solverscope_lesson_keys",
    html="<span></span>",
    js="""
// One listener at a time, whatever is mounted again; it ends when its component leaves the page.
export default function ({ parentElement, data }) {
    const stop = () => document.removeEventListener("keydown", window.lessonKeys);
    stop();
    window.lessonKeys = (event) => {
        const name = data.keys[event.key];
        const at = event.composedPath()[0];
        if (!name || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
        if (event.repeat || at.closest?.("input:not([type=radio]), textarea, select, [contenteditable]")) return;
        if (at.type === "radio" && event.key.startsWith("Arrow")) return;   // theirs
        if ((event.key === "Enter" || event.key === " ") && at.closest?.("button, a, summary, input")) {
            if (at.type !== "radio" || event.key === " ") return;
        }
        const button = document.querySelector(`[class*="st-key-${name}"] button`);
        if (!button) return;
        event.preventDefault();
        button.click();
    };
    document.addEventListener("keydown", window.lessonKeys);
    return stop;
}
""",
)


def listen(lecture: bool) -> None:
    """Listen to the keys of the reading or of the lecturer's view."""
    with st.container(key="lesson-keys"):
        _KEYS(key=f"lesson-keys-{'lecture' if lecture else 'reading'}", data={"keys": LECTURE if lecture else READING})
