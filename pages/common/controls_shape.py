"""The widgets of the page on curvature alone: what to draw along its paths, and what to compare them with."""

from typing import Any

import streamlit as st

from core.data import IMAGE_DATA, TOY_DATA
from core.language import message
from pages.common import fields, settings


def beside(page: Any) -> None:
    """A data set of the other kind, or none."""
    kind = fields.kind()
    offered = TOY_DATA if kind == "images" else IMAGE_DATA
    counts = type(page.default).beside_particles
    settings.shown(
        st.selectbox,
        fields.name_of(page.name, "beside", kind),
        page.default.beside,
        lambda name: name is None or name in offered,
        label="Compare with 2-D data" if kind == "images" else "Compare with images",
        options=list(offered),
        index=None,
        placeholder="Nothing",
        format_func=lambda name: offered[name].title,
        help=message(
            "Their bends are drawn on one axis, and their paths beside each other in the table. Always {particles} "
            "particles or {images} images, which costs time.",
            particles=counts["toy"],
            images=counts["images"],
        ),
    )


def measure(page: Any, twists: bool) -> str:
    """What is drawn along the paths; torsion only where they are not confined to a plane."""
    slot = f"{page.name}.measure"
    if not twists and settings.current(slot) == "torsion":
        settings.put(slot, "curvature")
    return page.view("measure", "Along the path", among=None if twists else 2)
