"""A table of numbers as it is shown: its headings, and names in its cells, in the visitor's language."""

import pandas as pd

from core.language import ENGLISH, tr
from pages.common import tongue


def said(table: pd.DataFrame) -> pd.DataFrame:
    """``table`` with translated headings and texts; its numbers, and what is saved as a file, stay as they are."""
    if tongue.current() == ENGLISH:
        return table
    texts = table.select_dtypes(["object", "string"]).columns
    shown = table.assign(**{name: table[name].map(_said) for name in texts if isinstance(name, str)})
    headings: list = []
    for name in shown.columns:
        heading = tr(name.strip()) if isinstance(name, str) else name
        while heading in headings:  # one word for two headings: a table needs them apart
            heading += " "
        headings.append(heading)
    return shown.set_axis(headings, axis="columns")


def _said(cell: object) -> object:
    return tr(cell) if isinstance(cell, str) else cell
