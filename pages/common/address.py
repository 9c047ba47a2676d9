"""Whole addresses of pages, for what leaves the app."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st


def address(page: str, params: Mapping[str, str], here: str) -> str:
    """The address of ``page`` with ``params``, given that the page ``here`` is open; empty if that is unknown."""
    url = st.context.url
    if not url:
        return ""
    parts = urlsplit(url)
    root = parts.path.rstrip("/")
    if here != "start":
        root = root.removesuffix(f"/{here}")
    path = f"{root}/" if page == "start" else f"{root}/{page}"
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(params), ""))
