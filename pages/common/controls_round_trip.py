"""The widgets of the pages that begin with data."""

from typing import Any

import streamlit as st

from core.data import IMAGE_DATA
from core.experiments.boomerang import MOST_LEVELS, MOST_SOLVERS, MOST_STEPS
from core.experiments.choices import SolverChoice
from core.language import mark, message
from core.solvers import SOLVERS
from pages.common import controls, fields, settings

FAMILY = {"inversion": mark("Inversion"), "boomerang": mark("There and back")}
MOST = 5


def family(here: str) -> None:
    """The way to the other page that begins with data; data, schedule, grid, seed and picture go along."""
    controls.ways(FAMILY, here)


def invertible(page: Any) -> None:
    """Up to five solvers that can encode: without noise, on the steps of the grid."""
    slot = fields.name_of(page.name, "solvers", fields.kind())
    default = [str(choice) for choice in page.default.solvers]
    held = settings.get(slot, default)
    names = [name for name, info in SOLVERS.items() if not (info.stochastic or info.adaptive)]
    names = [name for name in names if not _learned(page) or not SOLVERS[name].exact_data]
    settings.choose_some(
        "Solvers",
        slot,
        [*names, *(text for text in [*default, *held] if text not in names)],
        default,
        format_func=lambda text: SolverChoice.model_validate(text).label,
        max_selections=MOST,
        select_all=False,
        placeholder="Choose solvers",
        help=message(
            "Up to {most}. Those that draw noise or choose their own steps cannot undo what they did.", most=MOST
        ),
    )


def _learned(page: Any) -> bool:
    return fields.kind() == "images" and not IMAGE_DATA[settings.get("images.name", page.images.data.name)].exact


def ways_back(page: Any) -> None:
    """Up to four solvers, with noise or without."""
    controls.solvers(page, MOST_SOLVERS)


def dither(page: Any) -> None:
    """Whether data get the noise of the last time first."""
    settings.switch(
        "Begin with the noise of the last time",
        f"{page.name}.dither",
        page.default.dither,
        help="At the last time the exact law still has a little noise. Data without it lie where almost no noise "
        "leads, and their latents come out too small.",
    )


def levels(page: Any) -> None:
    """How many noise levels."""
    settings.number(
        "Noise levels",
        f"{page.name}.levels",
        page.default.levels,
        2,
        MOST_LEVELS,
        st.slider,
        step=1,
        help=message("2 to {most}, evenly spaced in λ = log(α/σ) from data to noise.", most=MOST_LEVELS),
    )


def steps_back(page: Any) -> None:
    """Steps of every way back."""
    most = MOST_STEPS[fields.kind()]
    settings.ladder(
        "Steps back",
        fields.name_of(page.name, "steps", fields.kind()),
        [rung for rung in controls.STEPS if rung <= most],
        page.default.steps,
        help=message("1 to {most}, the same from every noise level.", most=most),
    )
