"""The widgets of the page on guidance."""

from typing import Any

import streamlit as st

from core.language import tr
from pages.common import fields, settings

SCALES = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 30.0]


def scales(page: Any) -> None:
    """The scales that are compared."""
    slot = fields.name_of(page.name, "scales", fields.kind())
    default = list(page.default.scales)
    held = list(settings.get(slot, default))
    settings.choose_some(
        "Guidance scales",
        slot,
        sorted({*SCALES, *default, *held}),
        default,
        format_func=lambda scale: f"{scale:g}",
        max_selections=8,
        select_all=False,
        help="2 to 8 of them; 0 ignores the class, 1 is the class itself.",
    )
    st.caption(tr("They take the place of the scale above."))
