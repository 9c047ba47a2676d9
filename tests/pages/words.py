"""Every word that a page shows: of its texts, widgets, tables, charts and players."""

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
from google.protobuf.message import Message as Proto
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Element

from tests.pages.app import charts, scenes

HIDDEN = re.compile(
    r"(^|_)(id|key|hash|url|file|mime|type|element|language|icon|name|format|spec|config|json|data|theme)$"
)
UNSEEN = {"html", "code", "bidi_component", "plotly_chart", "arrow_data_frame", "page_link", "json"}
SHOWN = {"text", "name", "title", "hovertemplate", "ticktext", "alt", "label", "hovertext", "customdata", "legendgroup"}


def shown(at: AppTest) -> Iterator[str]:
    """Each text on the page."""
    for block in (at.main, at.sidebar):
        for node in _nodes(block):
            kind = getattr(node, "type", "")
            if kind in UNSEEN or not isinstance(getattr(node, "proto", None), Proto):
                continue
            yield from _strings(node.proto)
    for frame in at.dataframe:
        yield from _cells(frame.value)
    for link in at.get("page_link"):
        yield link.proto.label
    for chart in charts(at):
        yield from _words(chart["data"])
        yield from _words(chart["layout"])
    for chart in at.get("plotly_chart"):
        yield chart.proto.alt
    for head, _ in scenes(at):
        yield from _leaves(head)


def _nodes(block: Block) -> Iterator[Any]:
    yield block
    for child in block.children.values():
        if isinstance(child, Block):
            yield from _nodes(child)
        elif isinstance(child, Element):
            yield child


def _strings(proto: Proto) -> Iterator[str]:
    """The texts in a message of Streamlit, without keys and the like."""
    for field, value in proto.ListFields():
        if HIDDEN.search(field.name):
            continue
        values = value if field.is_repeated else [value]
        for part in values:
            if isinstance(part, str):
                yield part
            elif isinstance(part, Proto):
                yield from _strings(part)


def _cells(frame: pd.DataFrame) -> Iterator[str]:
    yield from (str(name) for name in frame.columns)
    for name in frame.columns:
        yield from (cell for cell in frame[name] if isinstance(cell, str))


def _words(part: Any, name: str = "") -> Iterator[str]:
    """What a chart writes: the values under the names of ``SHOWN``."""
    if isinstance(part, str):
        if name in SHOWN:
            yield part
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from _words(value, key if isinstance(value, str | list) else "")
    elif isinstance(part, list):
        for value in part:
            yield from _words(value, name)


def _leaves(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict | list):
        for value in part.values() if isinstance(part, dict) else part:
            yield from _leaves(value)
