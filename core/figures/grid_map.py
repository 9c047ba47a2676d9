"""A heat map of end errors, solver by grid: dark is near the reference."""

import numpy as np
import plotly.graph_objects as go

from core.experiments.grid_map import GridMapResult, MapCell
from core.figures.style import NEUTRAL, ORANGE, new_figure, remark, typed, wrapped
from core.language import joined, mark, message, tr
from core.schedules import SCHEDULES

MEASURES = {"median": mark("Median error"), "rms": mark("RMS error")}
FEW = 20  # rows that a screen shows at once
WHITE, DARK = "#ffffff", "#10202c"
WRAP = 26  # letters in a line of a row's name


def map_figure(result: GridMapResult, measure: str = "median", most: int | None = FEW) -> go.Figure:
    """End error of each solver (row, best first) on each grid (column); ``most`` rows, None for all.

    A ring marks the best grid of each solver, a star the best of all. Cells without an error keep the ground's colour
    and say why in a sign: ✕ diverged, – not possible.

    Raises
    ------
    ValueError
        If ``measure`` is not a key of ``MEASURES``.
    """
    _check(measure)
    rows = [int(row) for row in result.ranked(measure)[:most]]
    errors = result.table(measure)[rows]
    figure = new_figure(190 + 34 * len(rows), legend_rows=2)
    known = np.isfinite(errors) & (errors > 0)
    with np.errstate(divide="ignore"):
        logs = np.where(known, np.log10(np.where(known, errors, 1)), np.nan)
    cells = [[result.cells[row * len(result.grids) + column] for column in range(len(result.grids))] for row in rows]
    figure.add_trace(
        go.Heatmap(
            z=typed(logs),
            x=list(range(len(result.grids))),
            y=list(range(len(rows))),
            customdata=[[_hover(cell) for cell in row] for row in cells],
            hovertemplate="%{customdata}<extra></extra>",
            colorscale="Cividis",
            xgap=2,
            ygap=2,
            colorbar={
                "title": {"text": tr("log₁₀ of the {measure}", measure=tr(MEASURES[measure]).lower()), "side": "top"},
                "orientation": "h",
                "y": -0.02,
                "yanchor": "top",
                "thickness": 14,
                "len": 0.8,
            },
            name=tr("end error"),
        )
    )
    middle = (np.nanmin(logs) + np.nanmax(logs)) / 2 if known.any() else 0.0
    inks = [WHITE if log < middle else DARK if log >= middle else NEUTRAL for log in logs.ravel()]
    figure.add_trace(
        go.Scatter(
            x=typed(np.tile(np.arange(len(result.grids)), len(rows))),
            y=typed(np.repeat(np.arange(len(rows)), len(result.grids))),
            text=[_sign(cell, measure) for row in cells for cell in row],
            mode="text",
            textfont={"size": 12, "color": inks},
            hoverinfo="skip",
            showlegend=False,
            name=tr("values"),
        )
    )
    for row, column in enumerate(_best(errors)):
        if column is not None:
            box = {"x0": column - 0.48, "x1": column + 0.48, "y0": row - 0.46, "y1": row + 0.46}
            figure.add_shape(type="rect", line={"color": ORANGE, "width": 3}, layer="above", **box)
    names = [wrapped(result.solvers[row].label, WRAP) for row in rows]
    if known.any():
        best = np.unravel_index(np.nanargmin(np.where(known, errors, np.inf)), errors.shape)
        names[best[0]] = f"<b>★ {names[best[0]]}</b>"
    else:
        remark(figure, tr("no error to show"))
    titles = [wrapped(tr(grid.label), 11) for grid in result.grids]
    figure.update_xaxes(
        tickvals=list(range(len(titles))),
        ticktext=titles,
        tickangle=0,
        side="top",
        showgrid=False,
        range=[-0.5, len(titles) - 0.5],
    )
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=names, showgrid=False, range=[len(rows) - 0.5, -0.5], title_text=""
    )
    figure.update_layout(margin={"b": 70, "t": 30})
    figure.update_traces(colorbar_tickfont_color=NEUTRAL, selector={"type": "heatmap"})
    return figure


def alt_map(result: GridMapResult, measure: str = "median") -> str:
    """What the map shows, in words."""
    _check(measure)
    errors = result.table(measure)
    size = tr(
        "{solvers} solvers on {grids} grids, {nfe} evaluations each",
        solvers=len(result.solvers),
        grids=len(result.grids),
        nfe=result.spec.nfe,
    )
    found = best_cells(result, measure, 3)
    if not found:
        return tr("End errors of {size}: no run reached the end.", size=size)
    listed = joined(
        [
            message(
                "{solver} on {grid} {error:.2g}",
                solver=c.choice.label,
                grid=tr(c.grid.label),
                error=getattr(c, measure),
            )
            for c in found
        ],
        "; ",
    )
    lost = int((~np.isfinite(errors)).sum())
    worst = float(np.nanmax(errors))
    text = message(
        "{measure} of {size} under {schedule}: least for {listed}; largest {worst:.2g}.",
        measure=tr(MEASURES[measure]),
        size=size,
        schedule=tr(SCHEDULES[result.spec.schedule].title),
        listed=listed,
        worst=worst,
    )
    empty = message("{lost} cells have no error.", lost=lost) if lost else message("Every cell has an error.")
    return tr(joined([text, empty]))


def best_cells(result: GridMapResult, measure: str, most: int) -> list[MapCell]:
    """The cells with the smallest errors, one a solver, best first."""
    errors, found = result.table(measure), []
    for row in result.ranked(measure)[:most]:
        if np.isfinite(errors[row]).any():
            found.append(result.cells[int(row) * len(result.grids) + int(np.nanargmin(errors[row]))])
    return found


def _check(measure: str) -> None:
    if measure not in MEASURES:
        raise ValueError(f"measure must be one of {', '.join(MEASURES)}, not {measure!r}")


def _best(errors: np.ndarray) -> list[int | None]:
    return [int(np.nanargmin(row)) if np.isfinite(row).any() else None for row in errors]


def _sign(cell: MapCell, measure: str) -> str:
    value = getattr(cell, measure)
    if np.isfinite(value):
        if 1e-3 <= value < 100:
            return f"{value:#.2g}".rstrip(".")
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return "✕" if cell.nfe else "–"


def _hover(cell: MapCell) -> str:
    where = f"{cell.choice.label}<br>{tr(cell.grid.label)}"
    if cell.message:
        return f"{where}<br>{wrapped(tr(cell.message), 50)}"
    return tr(
        "{where}<br>{steps} steps, {nfe} NFE<br>median {median:.2e}<br>RMS {rms:.2e}",
        where=where,
        steps=cell.steps,
        nfe=cell.nfe,
        median=cell.median,
        rms=cell.rms,
    )
