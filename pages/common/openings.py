"""From a finding to the pages that show it at work, with exactly its settings."""

from typing import Any

import streamlit as st
from pydantic import ValidationError

from core.experiments.choices import GridChoice, SolverChoice
from core.experiments.links import default_spec
from core.experiments.specification import ConvergenceSpec, TrajectoriesSpec
from core.language import mark, tr
from pages.common.page import OPENED

OPENINGS = {
    mark("Its trajectories"): TrajectoriesSpec,
    mark("Its error against steps"): ConvergenceSpec,
}
SHARED = {"data", "particles", "seed", "schedule", "t_start", "t_end", "precision"}


def offer(spec: Any, choice: SolverChoice, grid: GridChoice, steps: int) -> None:
    """A button for each page that can show this solver on this grid for the problem of ``spec``."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="openings"):
        for label, kind in OPENINGS.items():
            target = _target(kind, spec, choice, grid, steps)
            if target is None:
                continue
            if st.button(tr(label), key=f"open {target.kind}", help=tr("With exactly these settings.")):
                st.session_state[OPENED] = target
                st.switch_page(f"pages/{target.kind}.py")


def _target(kind: type, spec: Any, choice: SolverChoice, grid: GridChoice, steps: int) -> Any:
    """The specification that shows it; None where that page cannot."""
    given = dict(default_spec(kind, spec.data)) | {
        key: getattr(spec, key) for key in kind.model_fields if key in SHARED and hasattr(spec, key)
    }
    counts = {key: steps for key in ("steps", "path_steps") if key in kind.model_fields}
    try:
        return kind.model_validate(given | counts | {"solvers": (choice,), "grid": grid})
    except ValidationError:
        return None
