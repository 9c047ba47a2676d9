"""The widgets of a choice's options, for solvers and time grids: built from what their registries say."""

from typing import Any

import streamlit as st
from pydantic import ValidationError

from core.experiments.choices import Choice, option_text
from core.experiments.links import plain_errors
from core.language import joined, tr
from core.options import Option
from pages.common import settings
from pages.common.compute import sentence


def draw(slot: str, kind: type[Choice]) -> None:
    """For each choice that the setting ``slot`` holds (a text, or a list of them): a widget for each of its options."""
    for position, text in enumerate(_held(slot)):
        choice = kind.model_validate(text)
        options = kind.registry[choice.name].options
        if options and not isinstance(settings.get(slot), str):
            st.caption(tr(choice.label))
        for key, option in options.items():
            _option(slot, position, choice, key, option)


def _held(slot: str) -> list[str]:
    held = settings.get(slot, [])
    return [held] if isinstance(held, str) else list(held)


def _option(slot: str, position: int, choice: Choice, key: str, option: Option) -> None:
    widget = f"{settings.PREFIX}option.{slot}.{position}.{choice.name}.{key}"
    value = dict(choice.options).get(key, option.default)
    arguments: dict[str, Any] = {
        "label": tr(option.called(key)),
        "key": widget,
        "help": tr(option.help),
        "on_change": _set,
        "args": (slot, position, type(choice), key, widget),
    }
    if option.choices:
        st.session_state[widget] = value
        if isinstance(option.default, bool):
            st.toggle(**arguments)
        else:
            words = {choice: tr(str(choice)) for choice in option.choices}
            st.selectbox(options=list(option.choices), format_func=words.__getitem__, **arguments)
    elif option.most:
        _list(widget, choice, value, arguments)
    else:
        st.session_state[widget] = value
        st.number_input(min_value=option.low, max_value=option.high, format="%.4g", step=None, **arguments)


def _list(widget: str, choice: Choice, value: tuple[float, ...], arguments: dict[str, Any]) -> None:
    """A list as text. What cannot be read stays in its box, with a sentence, until it is mended or replaced."""
    typed, problem, over = settings.get(_typed(widget), ("", [], None))
    refused = over == str(choice)
    st.session_state[widget] = typed if refused else option_text(value)
    st.text_input(placeholder=tr("none"), **arguments)
    if refused:
        st.warning(tr(joined([*map(sentence, problem), tr("The picture keeps the last list that fits.")])))


def _typed(widget: str) -> str:
    return f"typed.{widget}"


def _set(slot: str, position: int, kind: type[Choice], key: str, widget: str) -> None:
    chosen = _held(slot)
    choice = kind.model_validate(chosen[position])
    value = st.session_state[widget]
    try:
        changed = kind(name=choice.name, options=tuple((dict(choice.options) | {key: value}).items()))
    except ValidationError as problem:
        settings.put(_typed(widget), (value, plain_errors(problem, within="options"), chosen[position]))
        return
    settings.put(_typed(widget), ("", [], None))
    if str(changed) in chosen:  # twice the same line would hide one
        return
    if isinstance(settings.get(slot), str):
        settings.put(slot, str(changed))
    else:
        settings.put(slot, [*chosen[:position], str(changed), *chosen[position + 1 :]])
