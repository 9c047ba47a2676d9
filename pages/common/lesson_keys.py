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
// One listener at a time, whatever is mounted again; it ends when its component leaves the page. It hears keys on
// their way down: widgets keep some to themselves on the way up.
export default function ({ data }) {
    const stop = () => document.removeEventListener("keydown", window.lessonKeys, true);
    stop();
    window.lessonKeys = (event) => {
        const name = data.keys[event.key];
        const path = event.composedPath();
        if (!name || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
        if (theirs(path, event.key)) return;
        const button = document.querySelector(`[class*="st-key-${name}"] button`);
        if (!button) return;
        event.preventDefault();
        event.stopPropagation();
        button.click();
    };
    // Whether what has the focus has a use of its own for this key.
    function theirs([at, ...above], key) {
        if (key.startsWith("Page")) return false;
        if (above.some((box) => box.classList?.contains("solverscope-player"))) return true;
        if (at.type === "radio") return key !== "Enter";
        if (at.closest?.("input, textarea, select, [contenteditable]")) return true;
        return (key === "Enter" || key === " ") && Boolean(at.closest?.("button, a, summary"));
    }
    document.addEventListener("keydown", window.lessonKeys, true);
    return stop;
}
""",
)


def listen(lecture: bool) -> None:
    """Listen to the keys of the reading or of the lecturer's view."""
    with st.container(key="lesson-keys"):
        _KEYS(key=f"lesson-keys-{'lecture' if lecture else 'reading'}", data={"keys": LECTURE if lecture else READING})
