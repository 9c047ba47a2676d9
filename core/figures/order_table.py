"""Measured orders as a map that a glance reads, and as dots with their intervals."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.experiments.order_table import VERDICTS, OrderCell, OrderTableResult, grid_titles
from core.figures.style import GREEN, MARKERS, NEUTRAL, SKY, VERMILLION, new_figure, schedule_style, typed, wrapped
from core.language import joined, mark, message, tr
from core.schedules import SCHEDULES
from core.solvers import SOLVERS

MEASURES = {"rms": mark("RMS error"), "median": mark("median error")}  # in the middle of a sentence
WRAP = 24  # letters in a line of a row's name
# a sign beside the colour: neither alone carries the meaning
SIGNS = {"reached": "✓", "higher": "↑", "lost": "↓", "bent": "~", "none": "✕"}
FILLS = {
    "reached": (GREEN, "#ffffff"),
    "higher": (SKY, "#10202c"),
    "lost": (VERMILLION, "#ffffff"),
    "bent": ("#c3cad2", "#10202c"),
    "none": (NEUTRAL, "#10202c"),
}


def map_figure(result: OrderTableResult, measure: str = "rms") -> go.Figure:
    """One cell a solver (row), schedule and grid (column): the order, its interval, and a colour for the verdict.

    Raises
    ------
    ValueError
        If ``measure`` is neither "rms" nor "median".
    """
    _check(measure)
    rows, columns = _rows(result), grid_titles(result.spec)
    figure = new_figure(110 + 46 * len(rows), legend_rows=2)
    names, kinds = [wrapped(label, WRAP) for label in rows], list(VERDICTS)
    cells = [_cells(result, label) for label in rows]
    shares = [(place + edge) / len(kinds) for place in range(len(kinds)) for edge in (0, 1)]
    figure.add_trace(
        go.Heatmap(
            x=list(range(len(columns))),
            y=list(range(len(rows))),
            z=typed([[kinds.index(cell.judged[measure].verdict) for cell in row] for row in cells]),
            zmin=-0.5,
            zmax=len(kinds) - 0.5,
            colorscale=[[share, FILLS[kinds[at // 2]][0]] for at, share in enumerate(shares)],
            showscale=False,
            xgap=3,
            ygap=3,
            customdata=[[_hover(cell, measure) for cell in row] for row in cells],
            hovertemplate="%{customdata}<extra></extra>",
            name=tr("orders"),
        )
    )
    for y, row in enumerate(cells):
        for x, cell in enumerate(row):
            ink = FILLS[cell.judged[measure].verdict][1]
            figure.add_annotation(x=x, y=y, text=_inside(cell, measure), showarrow=False, font_color=ink)
    for kind in dict.fromkeys(cell.judged[measure].verdict for row in cells for cell in row):
        marker = {"symbol": "square", "size": 14, "color": FILLS[kind][0]}
        figure.add_trace(
            go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=f"{SIGNS[kind]} {tr(VERDICTS[kind])}")
        )
    titles = [f"{tr(schedule)}<br>{wrapped(tr(grid), 14)}" for schedule, grid in columns]
    places = list(range(len(columns)))
    figure.update_xaxes(tickvals=places, ticktext=titles, side="top", showgrid=False, range=[-0.5, len(columns) - 0.5])
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=names, showgrid=False, range=[len(rows) - 0.5, -0.5], title_text=""
    )
    figure.update_layout(margin={"b": 40, "t": 30})
    return figure


def interval_figure(result: OrderTableResult, measure: str = "rms") -> go.Figure:
    """A dot with its 95 % interval for each order, in the band of its solver; a bar marks the claimed order.

    Orders that were not reached are drawn hollow. Errors as for :func:`map_figure`.
    """
    _check(measure)
    rows, spec = _rows(result), result.spec
    lanes = len(spec.schedules) * len(spec.grids)
    figure = new_figure(120 + len(rows) * max(40, 11 * lanes), legend_rows=1 + lanes // 2)
    claims = [SOLVERS[_cells(result, label)[0].choice.name].claimed_order for label in rows]
    figure.add_trace(
        go.Scatter(
            x=typed(np.repeat(claims, 3)),
            y=typed([y for row in range(len(rows)) for y in (row - 0.45, row + 0.45, np.nan)]),
            mode="lines",
            line={"color": NEUTRAL, "width": 3},
            name=tr("claimed order"),
            hoverinfo="skip",
        )
    )
    for lane, (schedule, grid) in enumerate((s, g) for s in spec.schedules for g in spec.grids):
        judged = [_cells(result, label)[lane].judged[measure] for label in rows]
        orders = np.array([float(one.interval.order) for one in judged])
        style, symbol = schedule_style(schedule), MARKERS[spec.grids.index(grid)]
        figure.add_trace(
            go.Scatter(
                x=typed(orders),
                y=typed(np.arange(len(rows)) + 0.8 * ((lane + 0.5) / lanes - 0.5)),
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": typed([one.interval.high for one in judged] - orders),
                    "arrayminus": typed(orders - [one.interval.low for one in judged]),
                    "thickness": 2,
                    "width": 0,
                },
                mode="markers",
                marker={
                    "color": style.colour,
                    "size": 9,
                    "symbol": [symbol if one.interval.order.reliable else f"{symbol}-open" for one in judged],
                },
                name=tr("{schedule}, {grid}", schedule=tr(SCHEDULES[schedule].title), grid=tr(grid.label)),
                customdata=[tr(one.reason) for one in judged],
                hovertemplate="%{x:.2f}<br>%{customdata}",
            )
        )
    for row in range(1, len(rows)):
        figure.add_hline(y=row - 0.5, line={"color": NEUTRAL, "width": 0.5})
    drawn = np.array([float(cell.judged[measure].interval.order) for cell in result.cells] + claims)
    low, high = min(0.0, np.nanmin(drawn) - 0.3), np.nanmax(drawn) + 0.5
    figure.update_xaxes(title_text=tr("Order, with its 95 % interval"), range=[low, high], dtick=1)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[wrapped(label, WRAP) for label in rows],
        showgrid=False,
        range=[len(rows) - 0.5, -0.5],
    )
    return figure


def alt_orders(result: OrderTableResult, measure: str = "rms") -> str:
    """What either picture shows, in words."""
    _check(measure)
    parts = []
    for label in _rows(result):
        cells = _cells(result, label)
        orders = [float(c.judged[measure].interval.order) for c in cells]
        known = [order for order in orders if np.isfinite(order)]
        span = tr("{low:.2f} to {high:.2f}", low=min(known), high=max(known)) if known else tr("not measured")
        verdicts = [c.judged[measure].verdict for c in cells]
        found = [kind for kind in VERDICTS if kind in verdicts]
        counts = joined(
            [message("{verdict} in {n}", verdict=tr(VERDICTS[kind]), n=verdicts.count(kind)) for kind in found], ", "
        )
        claimed = SOLVERS[cells[0].choice.name].claimed_order
        parts.append(
            tr(
                "{solver} {span} (claimed {claimed}; {counts} of {count})",
                solver=label,
                span=span,
                claimed=claimed,
                counts=counts,
                count=len(cells),
            )
        )
    return tr(
        "Measured orders of the {measure}: {parts}.",
        measure=tr(MEASURES[measure]),
        parts=tr(joined(parts, "; ")),
    )


def order_frame(result: OrderTableResult, measure: str = "rms") -> pd.DataFrame:
    """The numbers of the picture, one row a solver, schedule and grid, with the reason of each verdict."""
    _check(measure)
    return pd.DataFrame(
        [
            {
                "Solver": cell.choice.label,
                "Schedule": tr(SCHEDULES[cell.schedule].title),
                "Grid": tr(cell.grid.label),
                "Order": round(float(judged.interval.order), 2),
                "From": round(judged.interval.low, 2),
                "To (95 %)": round(judged.interval.high, 2),
                "Claimed": SOLVERS[cell.choice.name].claimed_order,
                "In our tests": SOLVERS[cell.choice.name].order,
                "Verdict": tr(VERDICTS[judged.verdict]),
                "Why": tr(judged.reason),
                "Window": tr(judged.interval.order.reason),
            }
            for cell in result.cells
            for judged in (cell.judged[measure],)
        ]
    )


def _check(measure: str) -> None:
    if measure not in MEASURES:
        raise ValueError(f"measure must be {' or '.join(MEASURES)}, not {measure!r}")


def _rows(result: OrderTableResult) -> list[str]:
    return list(dict.fromkeys(cell.choice.label for cell in result.cells))


def _cells(result: OrderTableResult, label: str) -> list[OrderCell]:
    return [cell for cell in result.cells if cell.choice.label == label]


def _inside(cell: OrderCell, measure: str) -> str:
    judged = cell.judged[measure]
    interval = judged.interval
    if not np.isfinite(interval.order):
        return SIGNS[judged.verdict]
    return f"<b>{SIGNS[judged.verdict]} {interval.order:.2f}</b><br>" + tr(
        "{low:.2f} to {high:.2f}", low=interval.low, high=interval.high
    )


def _hover(cell: OrderCell, measure: str) -> str:
    judged = cell.judged[measure]
    where = f"{cell.choice.label}<br>{tr(SCHEDULES[cell.schedule].title)}, {tr(cell.grid.label)}"
    reason = wrapped(f"{tr(VERDICTS[judged.verdict])}: {tr(judged.reason)}", 50)
    return f"{where}<br>{tr('order {order:.2f}', order=judged.interval.order)}<br>{reason}"
