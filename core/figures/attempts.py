"""Every step that adaptive solvers tried: how long, how good, taken or thrown away."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.experiments.trajectories import SolverPath, TrajectoriesResult
from core.figures.along import LAMBDA
from core.figures.style import NEUTRAL, log_axis, new_figure, remark, solver_style, typed
from core.language import Message, joined, message, tr

LEAST = 1e-6  # of the tolerance: smaller errors are drawn here


def adaptive_paths(result: TrajectoriesResult) -> list[SolverPath]:
    """Those that chose their own steps."""
    return [path for path in result.paths if path.tried is not None]


def attempts_figure(result: TrajectoriesResult, height: int = 380) -> go.Figure:
    """Each attempt as a bar from where it began to where it would end, at the height of its estimated error.

    Above the line at 1 the error is larger than the tolerance: the step is thrown away (a cross) and tried shorter.
    An estimate that is no number stands at the top.
    """
    paths = adaptive_paths(result)
    figure = new_figure(height, legend_rows=1 + len(paths))
    if not paths:
        remark(figure, tr("no solver here chooses its own steps"))
    heights = {path.label: _heights(path) for path in paths}
    for path in paths:
        style, tried, y = solver_style(path.name), path.tried, heights[path.label]
        for accepted in (True, False):
            mine = tried.accepted == accepted
            if not mine.any():
                continue
            figure.add_trace(_bars(path, mine, y, accepted))
            figure.add_trace(
                go.Scatter(
                    x=typed(tried.lam_to[mine]),
                    y=typed(y[mine]),
                    mode="markers",
                    marker={"symbol": style.marker if accepted else "x-thin", "size": 8, "color": style.colour}
                    | ({} if accepted else {"line": {"width": 2.5, "color": style.colour}}),
                    name=tr(
                        "{solver}: {count} taken" if accepted else "{solver}: {count} thrown away",
                        solver=path.label,
                        count=int(mine.sum()),
                    ),
                    customdata=np.stack([tried.error[mine], tried.lam_to[mine] - tried.lam_from[mine]], 1).tolist(),
                    hovertemplate=tr(
                        "to λ = %{{x:.3f}}, a step of %{{customdata[1]:.3g}}<br>error %{{customdata[0]:.2g}} of "
                        "the tolerance<extra>{solver}</extra>",
                        solver=path.label,
                    ),
                )
            )
    figure.add_hline(y=1, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    figure.update_xaxes(title_text=tr(LAMBDA))
    figure.update_yaxes(title_text=tr("Error / tolerance"), **log_axis(*heights.values(), np.array([0.5, 2.0])))
    return figure


def _heights(path: SolverPath) -> np.ndarray:
    finite = path.tried.error[np.isfinite(path.tried.error)]
    top = 3 * max(finite.max(initial=1.0), 1.0)
    return np.clip(np.where(np.isfinite(path.tried.error), path.tried.error, top), LEAST, None)


def _bars(path: SolverPath, mine: np.ndarray, y: np.ndarray, accepted: bool) -> go.Scatter:
    tried, gap = path.tried, np.full(int(mine.sum()), np.nan)
    return go.Scatter(
        x=typed(np.stack([tried.lam_from[mine], tried.lam_to[mine], gap], 1).ravel()),
        y=typed(np.repeat(y[mine], 3)),
        mode="lines",
        line={"color": solver_style(path.name).colour, "width": 2.5, "dash": "solid" if accepted else "dot"},
        opacity=0.9 if accepted else 0.6,
        hoverinfo="skip",
        showlegend=False,
        name=path.label,
    )


def alt_attempts(result: TrajectoriesResult) -> Message:
    """What the picture shows, in words."""
    return joined([message("Steps tried by adaptive solvers."), attempts_in_words(result)])


def attempts_in_words(result: TrajectoriesResult) -> str:
    """How many steps each adaptive solver took and threw away, and what that cost."""
    parts = []
    for path in adaptive_paths(result):
        tried = path.tried
        taken, lost = int(tried.accepted.sum()), int(tried.nfe[~tried.accepted].sum())
        parts.append(
            tr(
                "{solver} tried {count} steps, took {taken} and threw {rejected} away ({lost} of its "
                "{nfe} evaluations)",
                solver=path.label,
                count=len(tried.nfe),
                taken=taken,
                rejected=tried.rejected,
                lost=lost,
                nfe=path.nfe,
            )
        )
    return tr("{list}.", list=joined(parts, "; ")) if parts else tr("No solver here chooses its own steps.")


def attempts_table(result: TrajectoriesResult) -> pd.DataFrame:
    """One row an attempt."""
    frames = [
        pd.DataFrame(
            {
                "solver": path.label,
                "attempt": np.arange(1, len(path.tried.nfe) + 1),
                "t from": path.tried.t_from,
                "t to": path.tried.t_to,
                "λ from": path.tried.lam_from,
                "λ to": path.tried.lam_to,
                "error / tolerance": path.tried.error,
                "taken": path.tried.accepted,
                "nfe": path.tried.nfe,
            }
        )
        for path in adaptive_paths(result)
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
