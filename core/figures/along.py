"""Error at every step of a path, against lambda: shared by trajectories and convergence."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from core.figures.style import log_axis, new_figure, remark, solver_style, typed
from core.language import joined, mark, tr

LAMBDA = mark("λ = log(α/σ), noise to data")


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
                name=tr("{line}: broke off in step {count}", line=line.label, count=len(line.error))
                if line.broke_off
                else line.label,
                mode="lines+markers",
                line={"color": style.colour, "dash": style.dash},
                marker={"symbol": style.marker, "size": 7},
                hovertemplate=tr("λ = %{x:.2f}<br>error %{y:.2e}") + "<extra>" + line.label + "</extra>",
            )
        )
    figure.update_xaxes(title_text=tr(LAMBDA))
    figure.update_yaxes(title_text=tr("RMS error"), **log_axis(*(line.error for line in lines)))
    if not any(line.known for line in lines):
        remark(figure, tr("no error to show"))
    return figure


def in_words(lines: Sequence[Line]) -> str:
    """For each line where it gains most, and where it ends: "Euler near λ = 0.4, ending at 0.064; ..."."""
    parts = []
    for line in lines:
        if not line.known:
            parts.append(
                tr("{line} broke off in step {count}", line=line.label, count=len(line.error)) if line.broke_off else ""
            )
            continue
        where = line.log_snr[1 + int(np.nanargmax(np.diff(line.error)))]
        end = (
            tr("breaking off in step {count}", count=len(line.error))
            if line.broke_off
            else tr("ending at {error:.2g}", error=line.error[-1])
        )
        parts.append(tr("{line} near λ = {where:.1f}, {end}", line=line.label, where=where, end=end))
    return tr(joined(filter(None, parts), "; "))
