"""A ranking as dots with intervals, best on top, and the best within each of several budgets."""

from collections import Counter

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.experiments.budgeted import Entry
from core.experiments.recommend import LEADERS, Ranking, RecommendResult
from core.figures.style import LABEL, NEUTRAL, log_axis, new_figure, remark, solver_style, typed, wrapped
from core.language import Message, joined, mark, message, tr
from core.schedules import SCHEDULES

MEASURES = {"median": mark("Median error"), "rms": mark("RMS error")}
WITHIN = {"median": mark("median error"), "rms": mark("RMS error")}  # in the middle of a sentence
ORDERS = {"error": mark("Error"), "time": mark("Time")}
TOP = LEADERS[0]  # rows that can be read at once
ROOM = 1.15  # beyond the intervals: the others may go on for many powers of ten
WRAP = 30  # letters in a line of a row's name


def shown(ranking: Ranking, order: str = "error", most: int = TOP) -> tuple[Entry, ...]:
    """The first ``most`` ranked candidates: by error, or those that cannot be told from the best first, by time.

    Raises
    ------
    ValueError
        If ``order`` is not a key of ``ORDERS``.
    """
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, not {order!r}")
    if order == "error":
        return ranking.leaders[:most]
    return tuple(sorted(ranking.leaders, key=lambda entry: (not entry.standing.equal, entry.seconds))[:most])


def ranking_figure(result: RecommendResult, order: str = "error") -> go.Figure:
    """Error of the leaders with its interval, one row each; below, in one row, where the others lie.

    Filled: the best, and those that cannot be told from it. Open: the others.
    """
    rows = shown(result.ranking, order)
    figure = new_figure(110 + 46 * (len(rows) + 1), legend_rows=0)
    if not rows:
        remark(figure, tr("no candidate has an error to rank"))
        figure.update_xaxes(title_text=f"{MEASURES[result.spec.measure]}", visible=False).update_yaxes(visible=False)
        return figure
    for row, entry in enumerate(rows):
        figure.add_trace(_dot(row, entry, result.ranking.best))
    names = [_name(entry, entry is result.ranking.best) for entry in rows]
    rest = _rest(result, rows)
    if len(rest):
        figure.add_trace(
            go.Scatter(
                x=typed(rest),
                y=[len(rows)] * len(rest),
                mode="markers",
                marker={"symbol": "line-ns-open", "size": 12, "color": NEUTRAL, "opacity": 0.6},
                name=tr("others"),
                hovertemplate=tr("%{x:.2e}<extra>not among these</extra>"),
            )
        )
        names.append(
            tr(
                "{count} others on {on} particles,<br>{low:.2g} to {high:.2g}",
                count=len(rest),
                on=_on(result),
                low=rest.min(),
                high=rest.max(),
            )
        )
    drawn = np.array([(e.standing.low, e.standing.high) for e in rows])
    ends = np.array([drawn[drawn > 0].min(initial=drawn.max()) / ROOM, drawn.max() * ROOM**3])
    figure.update_xaxes(
        log_axis(ends),
        range=typed(np.log10(ends)).tolist() if ends[0] > 0 else None,
        title_text=tr("{measure} at the end", measure=tr(MEASURES[result.spec.measure])),
    )
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5], title_text="", ticks=""
    )
    figure.update_layout(showlegend=False, margin={"b": 60})
    return figure


def _dot(row: int, entry: Entry, best: Entry) -> go.Scatter:
    style, at = solver_style(entry.choice.name), entry.standing
    symbol = style.marker if at.equal else f"{style.marker}-open"
    return go.Scatter(
        x=typed([at.error]),
        y=[row],
        mode="markers",
        marker={"symbol": symbol, "size": 13, "color": style.colour, "line": {"width": 2, "color": style.colour}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": typed([at.high - at.error]),
            "arrayminus": typed([at.error - at.low]),
            "color": style.colour,
            "thickness": 2.5,
            "width": 5,
        },
        name=tr(entry.label),
        hovertemplate=f"{_hover(entry, best)}<extra></extra>",
    )


def _hover(entry: Entry, best: Entry) -> str:
    at = entry.standing
    lines = [
        entry.choice.label,
        tr(
            "{grid}, {steps} steps, {nfe} NFE, {ms:.2g} ms a run",
            grid=tr(entry.grid.label),
            steps=entry.steps,
            nfe=entry.nfe,
            ms=1e3 * entry.seconds,
        ),
        tr(
            "median {median:.2e}, RMS {rms:.2e}, interval {low:.2e} to {high:.2e}",
            median=entry.median,
            rms=entry.rms,
            low=at.low,
            high=at.high,
        ),
        tr("best in {share:.0%} of the draws", share=at.first),
    ]
    if entry is not best:
        lines.append(
            tr(
                "behind the best by {low:.1e} to {high:.1e}",
                low=at.behind_low,
                high=at.behind_high,
            )
        )
    return "<br>".join(lines)


def _name(entry: Entry, best: bool) -> str:
    solver = wrapped(entry.choice.label, WRAP)
    facts = tr(
        "{grid} · {nfe} NFE · {ms:.2g} ms",
        grid=tr(entry.grid.label),
        nfe=entry.nfe,
        ms=1e3 * entry.seconds,
    )
    return f"{f'<b>★ {solver}</b>' if best else solver}<br><span style='color:{LABEL}'>{facts}</span>"


def _rest(result: RecommendResult, rows: tuple[Entry, ...]) -> np.ndarray:
    """Errors of all that reached the end but have no row."""
    ranking = result.ranking
    others = (*(entry for entry in ranking.leaders if entry not in rows), *ranking.having("screened out"))
    return np.array([getattr(entry, result.spec.measure) for entry in others])


def _on(result: RecommendResult) -> Message:
    spec, ranking = result.spec, result.ranking
    out, more = bool(ranking.having("screened out")), len(ranking.leaders) > TOP
    return joined([str(spec.few)] * out + [str(spec.particles)] * more, " or ")


def budgets_figure(result: RecommendResult) -> go.Figure:
    """The least error of any candidate within each budget, with its interval; colour and sign by solver."""
    won = [one for one in result.curve if one.best]
    labels = list(dict.fromkeys(one.best.label for one in won))
    figure = new_figure(360 + 16 * len(labels), legend_rows=1 + 2 * len(labels) // 3)
    if not won:
        remark(figure, tr("no candidate has an error within these budgets"))
    errors = [one.best.standing.error for one in won]
    figure.add_trace(
        go.Scatter(
            x=typed([one.nfe for one in won]),
            y=typed(errors),
            mode="lines",
            line={"color": NEUTRAL, "width": 1.5},
            hoverinfo="skip",
            showlegend=False,
            name=tr("best of all"),
        )
    )
    seen: Counter[str] = Counter()
    for label in labels:
        mine = [one for one in won if one.best.label == label]
        style, at = solver_style(mine[0].best.choice.name), [one.best.standing for one in mine]
        symbol = style.marker + ("-open" if seen[style.marker + style.colour] else "")  # the same solver, another grid
        seen[style.marker + style.colour] += 1
        figure.add_trace(
            go.Scatter(
                x=typed([one.nfe for one in mine]),
                y=typed([one.error for one in at]),
                mode="markers",
                marker={"symbol": symbol, "size": 12, "color": style.colour},
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": typed([one.high - one.error for one in at]),
                    "arrayminus": typed([one.error - one.low for one in at]),
                    "color": style.colour,
                },
                name=tr(label),
                customdata=[[one.best.nfe, len(one.equals)] for one in mine],
                hovertemplate=tr(
                    "budget %{x:.0f} NFE, %{customdata[0]} spent<br>error %{y:.2e}<br>%{customdata[1]} others "
                    "cannot be told from it"
                )
                + f"<extra>{tr(label)}</extra>",
            )
        )
    budgets = [one.nfe for one in result.curve]
    figure.update_xaxes(
        type="log", title_text=tr("Budget: model evaluations (NFE)"), tickvals=budgets, ticktext=list(map(str, budgets))
    )
    bounds = [limit for one in won for limit in (one.best.standing.low, one.best.standing.high)]
    figure.update_yaxes(
        log_axis(np.array(bounds)), title_text=tr("Least {measure}", measure=tr(WITHIN[result.spec.measure]))
    )
    return figure


def alt_ranking(result: RecommendResult, order: str = "error") -> str:
    """What the ranking shows, in words."""
    rows = shown(result.ranking, order, 3)
    size = tr("{count} candidates within {nfe} evaluations", count=len(result.ranking.entries), nfe=result.spec.nfe)
    if not rows:
        return tr("Ranking of {size}: no run reached the end.", size=size)
    listed = [
        message(
            "{solver} {error:.2g} ({low:.2g} to {high:.2g}), {ms:.2g} ms",
            solver=tr(e.label),
            error=e.standing.error,
            low=e.standing.low,
            high=e.standing.high,
            ms=1e3 * e.seconds,
        )
        for e in rows
    ]
    equals = len(result.ranking.equals)
    told = {
        0: message("All others can be told from the best."),
        1: message("1 other cannot be told from the best."),
    }.get(equals) or message("{count} cannot be told from the best.", count=equals)
    text = message(
        "{measure} of {size} under {schedule}, by {order}: first {listed}.",
        measure=tr(MEASURES[result.spec.measure]),
        size=size,
        schedule=tr(SCHEDULES[result.spec.schedule].title),
        order=tr(ORDERS[order]).lower(),
        listed=joined(listed, "; "),
    )
    return tr(joined([text, told]))


def alt_budgets(result: RecommendResult) -> str:
    """What the curve of budgets shows, in words."""
    won = [f"{one.nfe}: {tr(one.best.label)}, {one.best.standing.error:.2g}" for one in result.curve if one.best]
    missed = [str(one.nfe) for one in result.curve if one.best is None]
    said = [
        message(
            "Best candidate and its {measure} at each budget of evaluations: {listed}.",
            measure=tr(WITHIN[result.spec.measure]),
            listed=joined(won, "; "),
        )
    ]
    if missed:
        said.append(message("None fits {missed}.", missed=joined(missed, ", ")))
    return tr(joined(said))


def ranking_table(result: RecommendResult, order: str = "error") -> pd.DataFrame:
    """Every candidate, the ranked ones in the order shown; what was screened out has the error of its few particles."""
    ranking = result.ranking
    ranked = shown(ranking, order, len(ranking.entries))
    others = [entry for entry in ranking.entries if entry.standing is None]
    return pd.DataFrame([_row(place + 1, entry) for place, entry in enumerate(ranked)] + [_row(0, e) for e in others])


def _row(place: int, entry: Entry) -> dict[str, object]:
    at = entry.standing
    told = "" if at is None else mark("best or equal") if at.equal else mark("behind the best")
    return {
        "Place": str(place or "–"),
        "Solver": entry.choice.label,
        "Grid": tr(entry.grid.label),
        "Steps": entry.steps,
        "NFE": entry.nfe,
        "Median": entry.median,
        "RMS": entry.rms,
        "Low": at.low if at else np.nan,
        "High": at.high if at else np.nan,
        "Best in draws": at.first if at else np.nan,
        "ms a run": 1e3 * entry.seconds,
        "Particles": entry.particles,
        "Status": tr(
            told
            or (
                message("{status}: {why}", status=message(entry.status), why=entry.message)
                if entry.message
                else entry.status
            )
        ),
    }


def budgets_table(result: RecommendResult) -> pd.DataFrame:
    """The best candidate of each budget."""
    return pd.DataFrame(
        [{"Budget": one.nfe} | _row(1, one.best) | {"Equals": len(one.equals)} for one in result.curve if one.best]
    )
