"""Error at every step of a path, against lambda: shared by trajectories and convergence."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from core.figures.style import log_axis, new_figure, remark, solver_style, typed

LAMBDA = "λ = log(α/σ), noise to data"


class Line(NamedTuple):
    """One solver's RMS error at every time it reached; NaN where there is none to state."""

    name: str
    label: str
    log_snr: np.ndarray
    error: np.ndarray
    steps: int  # of the whole run: fewer errors than steps + 1 mean that it broke off

    @property
    def known(self) -> bool:
        """Whether any step has an error."""
        return bool(np.isfinite(self.error[1:]).any())

    @property
    def broke_off(self) -> bool:
        """Whether the run ended before its last step."""
        return len(self.error) <= self.steps


def along_figure(lines: Sequence[Line], height: int, title: str = "") -> go.Figure:
    """One line a solver; a run that broke off says so in the legend, and its line ends there."""
    figure = new_figure(height, title, legend_rows=1 + len(lines) // 2)
    for line in lines:
        style = solver_style(line.name)
        figure.add_trace(
            go.Scatter(
                x=typed(line.log_snr),
                y=typed(np.where(line.error > 0, line.error, np.nan)),
                name=f"{line.label}: broke off in step {len(line.error)}" if line.broke_off else line.label,
                mode="lines+markers",
                line={"color": style.colour, "dash": style.dash},
                marker={"symbol": style.marker, "size": 7},
                hovertemplate="λ = %{x:.2f}<br>error %{y:.2e}<extra>" + line.label + "</extra>",
            )
        )
    figure.update_xaxes(title_text=LAMBDA)
    figure.update_yaxes(title_text="RMS error", **log_axis(*(line.error for line in lines)))
    if not any(line.known for line in lines):
        remark(figure, "no error to show")
    return figure


def in_words(lines: Sequence[Line]) -> str:
    """For each line where it gains most, and where it ends: "Euler near λ = 0.4, ending at 0.064; ..."."""
    parts = []
    for line in lines:
        if not line.known:
            parts.append(f"{line.label} broke off in step {len(line.error)}" if line.broke_off else "")
            continue
        where = line.log_snr[1 + int(np.nanargmax(np.diff(line.error)))]
        end = f"breaking off in step {len(line.error)}" if line.broke_off else f"ending at {line.error[-1]:.2g}"
        parts.append(f"{line.label} near λ = {where:.1f}, {end}")
    return "; ".join(filter(None, parts))
