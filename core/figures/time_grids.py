"""Time grids side by side: the error on each with its interval, and where each puts its steps."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.experiments.time_grids import GridRow, TimeGridsResult
from core.figures.style import BLUE, VERMILLION, log_axis, new_figure, remark, typed
from core.language import joined, mark, message, tr
from core.schedules import SCHEDULES

ALONG = {"lambda": mark("λ (half log-SNR)"), "t": mark("Time t")}
COLOURS = {True: VERMILLION, False: BLUE}
CALLED = {True: mark("made for this problem"), False: mark("standard")}
ROW = 34  # pixels
ROOM = 1.3  # beyond the outermost error


def errors_figure(result: TimeGridsResult) -> go.Figure:
    """Median error of the held-out particles on every grid, with its interval; hollow, that of the training ones."""
    rows = result.rows
    figure = new_figure(150 + ROW * len(rows), legend_rows=2)
    drawn = [row for row in rows if np.isfinite(row.median)]
    if not drawn:
        remark(figure, tr("every run diverged"))
    for made, colour in COLOURS.items():
        mine = [(place, row) for place, row in enumerate(rows) if row.made == made and np.isfinite(row.median)]
        if mine:
            figure.add_trace(_held_out(mine, colour, tr(CALLED[made])))
        if made and mine:
            figure.add_trace(_trained(mine, colour))
    for place, row in enumerate(rows):
        if not np.isfinite(row.median):
            figure.add_annotation(text=tr("diverged"), xref="paper", x=0.02, y=place, showarrow=False)
    ends = np.array([v for row in drawn for v in (row.standing.low, row.standing.high, row.training) if v > 0])
    if len(ends):
        span = np.array([ends.min() / ROOM, ends.max() * ROOM])
        figure.update_xaxes(log_axis(span), range=typed(np.log10(span)).tolist())
    figure.update_xaxes(title_text=tr("Median error at the end"))
    _rows(figure, rows)
    return figure


def _held_out(mine: list[tuple[int, GridRow]], colour: str, name: str) -> go.Scatter:
    rows = [row for _, row in mine]
    return go.Scatter(
        x=typed([row.median for row in rows]),
        y=[place for place, _ in mine],
        mode="markers",
        marker={"size": 12, "color": colour, "symbol": "diamond" if rows[0].made else "circle"},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": typed([row.standing.high - row.median for row in rows]),
            "arrayminus": typed([row.median - row.standing.low for row in rows]),
            "color": colour,
            "thickness": 2,
            "width": 5,
        },
        name=name,
        customdata=[[tr(row.title), row.nfe, row.training] for row in rows],
        hovertemplate=tr(
            "%{customdata[0]}<br>median %{x:.2e} on held-out particles<br>%{customdata[2]:.2e} on "
            "the training ones<br>%{customdata[1]} evaluations<extra></extra>"
        ),
    )


def _trained(mine: list[tuple[int, GridRow]], colour: str) -> go.Scatter:
    return go.Scatter(
        x=typed([row.training for _, row in mine]),
        y=[place for place, _ in mine],
        mode="markers",
        marker={"size": 12, "color": colour, "symbol": "diamond-open", "line": {"width": 2}},
        name=tr("the same on the particles it was made with"),
        hoverinfo="skip",
    )


def knots_figure(result: TimeGridsResult, along: str = "lambda") -> go.Figure:
    """Where every grid stops on its way from noise (left) to data (right), one row each.

    Raises
    ------
    ValueError
        If ``along`` is not a key of ``ALONG``.
    """
    if along not in ALONG:
        raise ValueError(f"along must be one of {', '.join(ALONG)}, not {along!r}")
    rows = result.rows
    figure = new_figure(130 + ROW * len(rows), legend_rows=1)
    for made, colour in COLOURS.items():
        mine = [(place, row) for place, row in enumerate(rows) if row.made == made]
        if not mine:
            continue
        gap = [np.nan]
        knots = np.concatenate([[*(row.lam if along == "lambda" else row.times), *gap] for _, row in mine])
        other = np.concatenate([[*(row.times if along == "lambda" else row.lam), *gap] for _, row in mine])
        figure.add_trace(
            go.Scatter(
                x=typed(knots),
                y=np.concatenate([[*([place] * len(row.times)), np.nan] for place, row in mine]).tolist(),
                customdata=other.tolist(),
                mode="lines+markers",
                line={"color": colour, "width": 1},
                marker={"symbol": "line-ns-open", "size": 16, "color": colour, "line": {"width": 2.5, "color": colour}},
                name=tr(CALLED[made]),
                hovertemplate=("λ = %{x:.4g}, t = %{customdata:.4g}" if along == "lambda" else "t = %{x:.4g}, λ = ")
                + ("" if along == "lambda" else "%{customdata:.4g}")
                + "<extra></extra>",
            )
        )
    figure.update_xaxes(
        title_text=tr("{along}, noise → data", along=tr(ALONG[along])), autorange="reversed" if along == "t" else True
    )
    _rows(figure, rows)
    return figure


def _rows(figure: go.Figure, rows: tuple[GridRow, ...]) -> None:
    names = [f"<b>{tr(row.title)}</b>" if row.made else tr(row.title) for row in rows]
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=names, range=[len(rows) - 0.4, -0.6], title_text="", ticks=""
    )


def alt_errors(result: TimeGridsResult) -> str:
    """What the errors show, in words."""
    spec = result.spec
    listed = [
        f"{tr(row.title)} ({tr(CALLED[row.made])}) {f'{row.median:.2g}' if np.isfinite(row.median) else tr('diverged')}"
        for row in result.rows
    ]
    return tr(
        "Median held-out error of {solver} with {steps} steps on {count} time grids under {schedule}, best first: "
        "{listed}",
        solver=spec.solver.label,
        steps=result.steps,
        count=len(result.rows),
        schedule=tr(SCHEDULES[spec.schedule].title),
        listed=joined(listed, "; "),
    )


def alt_knots(result: TimeGridsResult, along: str = "lambda") -> str:
    """Where the steps lie, in words."""
    best = [row for row in (result.best(True), result.best(False)) if row]
    listed = [
        f"{tr(row.title)}: {', '.join(f'{v:.3g}' for v in (row.lam if along == 'lambda' else row.times))}"
        for row in best
    ]
    return tr(
        "Places of the steps of {count} time grids along {along}. {places}.",
        count=len(result.rows),
        along=tr(ALONG[along]),
        places=joined(listed, "; ") if listed else message("All diverged"),
    )


def table(result: TimeGridsResult) -> pd.DataFrame:
    """One row a grid, best first."""
    return pd.DataFrame(
        [
            {
                "Grid": tr(row.title),
                "": tr(CALLED[row.made]),
                "Held-out median": row.median,
                "Low": row.standing.low,
                "High": row.standing.high,
                "Held-out RMS": row.rms,
                "Training median": row.training,
                "NFE": row.nfe,
            }
            for row in result.rows
        ]
    )


def knots_table(result: TimeGridsResult) -> pd.DataFrame:
    """One row a grid and knot."""
    return result.to_frame()[["grid", "knot", "t", "lambda"]]
