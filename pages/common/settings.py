"""What the user chose, kept for the session: widgets show it, links set it, every page reads it.

A widget forgets its value when its page is left, so each value lives here, under a name of its own, and the widget
is a view of it. Names that depend on another choice carry it after an ``@`` (``steps@images``): going to images and
back, or to a schedule with another range of times, brings back what was set there.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.language import tr

VALUES, DRAWN, PREFIX = "settings", "drawn", "ui."


def values() -> dict[str, Any]:
    """Every value set so far in this session."""
    return st.session_state.setdefault(VALUES, {})


def get(name: str, default: Any = None) -> Any:
    """The value under ``name``."""
    return values().get(name, default)


def current(name: str, default: Any = None) -> Any:
    """The value under ``name``, also when its widget was moved but is not drawn again yet."""
    return st.session_state.get(PREFIX + name, get(name, default))


def put(name: str, value: Any) -> None:
    """Set a value from outside its widget, which shows it from the next run on."""
    values()[name] = value
    st.session_state.pop(PREFIX + name, None)


def key_of(name: str) -> str:
    """Key of the widget that shows ``name``."""
    return PREFIX + name


def redraw() -> None:
    """Let every widget start from its value here: another page has widgets of its own under the same keys."""
    for key in [key for key in st.session_state if str(key).startswith(PREFIX)]:
        del st.session_state[key]
    st.session_state.pop(DRAWN, None)


def touched() -> bool:
    """Whether the user moved a widget, or a button did, since the last run; asked once a run, before any is drawn."""
    drawn = st.session_state.pop(DRAWN, {})
    return any(st.session_state.get(key) != value for key, value in drawn.items())


def shown(widget: Callable[..., Any], name: str, default: Any, fits: Callable[[Any], bool], **arguments: Any) -> Any:
    """Draw ``widget`` for the value ``name`` and return what it now says.

    Parameters
    ----------
    default : where nothing was set yet, or what was set does not fit.
    fits : whether the widget can show a value.
    arguments : of the widget, but for ``key`` and its value; English words, shown in the visitor's language.
    """
    key = key_of(name)
    if key not in st.session_state:
        value = get(name, default)
        st.session_state[key] = value if fits(value) else default
    value = widget(key=key, **_said(arguments))
    values()[name] = value
    st.session_state.setdefault(DRAWN, {})[key] = value
    return value


def _said(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with their words in the language of now: label, help, placeholder and what options are called."""
    said = {name: tr(arguments[name]) for name in ("label", "help", "placeholder") if arguments.get(name)}
    name_of = arguments.get("format_func")
    if name_of is not None:
        # now, not when asked: a widget asks from elsewhere as well
        words = {option: tr(name_of(option)) for option in arguments["options"]}
        said["format_func"] = words.__getitem__
    return arguments | said


def choose(label: str, name: str, options: list, default: Any, widget: Callable = st.selectbox, **more: Any) -> Any:
    """One of several."""
    fits = options.__contains__
    return shown(widget, name, default if fits(default) else options[0], fits, label=label, options=options, **more)


def choose_some(label: str, name: str, options: list, default: list, **more: Any) -> list:
    """Some of several, in the order chosen."""
    return shown(
        st.multiselect, name, default, lambda chosen: set(chosen) <= set(options), label=label, options=options, **more
    )


def number(
    label: str, name: str, default: float, low: float, high: float, widget: Callable = st.number_input, **more: Any
) -> Any:
    """A number in a closed range."""
    return shown(
        widget,
        name,
        default,
        lambda value: isinstance(value, int | float) and low <= value <= high,
        label=label,
        min_value=low,
        max_value=high,
        **more,
    )


def ladder(label: str, name: str, rungs: list[int], default: int, **more: Any) -> int:
    """A whole number from a slider with uneven rungs; a value set by a link becomes a rung of its own."""
    extras = f"{name}.rungs"
    value = get(name, default)
    if value not in rungs:
        put(extras, sorted({*get(extras, []), value}))
    options = sorted({*rungs, *get(extras, []), default})
    return choose(label, name, options, default, st.select_slider, **more)


def switch(label: str, name: str, default: bool = False, **more: Any) -> bool:
    """Yes or no."""
    return shown(st.toggle, name, default, lambda value: isinstance(value, bool), label=label, **more)
