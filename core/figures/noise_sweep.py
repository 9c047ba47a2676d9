"""Distance to the data against the amount of noise, under the exact and the wrong score, above the floor of chance."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.analysis.distances import DISTANCES
from core.experiments.noise_sweep import NoiseSweepResult, SweepPoint
from core.figures.style import BLUE, FAINT, NEUTRAL, VERMILLION, new_figure, remark, typed
from core.language import joined, mark, tr
from core.solvers import SOLVERS

SCORES = {"exact": mark("exact score"), "wrong": mark("wrong score")}
LOOKS = {"exact": (BLUE, "circle", "solid"), "wrong": (VERMILLION, "diamond", "dash")}
FAR = 8.0  # times the median distance: beyond it a point would press all others flat


def sweep_figure(result: NoiseSweepResult, height: int = 460) -> go.Figure:
    """One line a score with its intervals; a star at the best; the band is what exact samples have by chance."""
    figure = new_figure(height, legend_rows=3)
    scores = [score for score in LOOKS if result.of(score)]
    top = _top(result)
    xs = [point.value for point in result.points]
    floor = result.floor
    figure.add_hrect(y0=floor.low, y1=floor.high, fillcolor=FAINT, line_width=0)
    figure.add_trace(
        go.Scatter(
            x=typed([min(xs), max(xs)]),
            y=typed([floor.value, floor.value]),
            mode="lines",
            line={"color": NEUTRAL, "dash": "dot", "width": 1.5},
            name=tr("two sets of exact samples"),
            hovertemplate=tr(
                "{value:.3g} [{low:.3g}, {high:.3g}]<extra>noise floor</extra>",
                value=floor.value,
                low=floor.low,
                high=floor.high,
            ),
        )
    )
    for score in scores:
        figure.add_trace(_line(result, score, top))
        best = result.best(score)
        if best is not None:
            figure.add_trace(_star(best, LOOKS[score][0]))
    lost = [point for point in result.points if not point.measured.value <= top]
    for point in lost:
        what = tr("diverged") if point.measured.message else f"{point.measured.value:.2g}"
        figure.add_annotation(
            x=point.value,
            y=top,
            text=f"✕ {what}",
            showarrow=False,
            font={"color": LOOKS[point.score][0]},
            yanchor="top",
        )
    if len(lost) == len(result.points):
        remark(figure, tr("every run diverged"))
    figure.update_xaxes(title_text=tr("{amount} of {solver}", amount=_amount(result), solver=result.spec.solver.label))
    unit = DISTANCES[result.spec.distance].unit
    figure.update_yaxes(
        title_text=tr("{title} to the data", title=tr(DISTANCES[result.spec.distance].title)),
        range=[_bottom(result), top],
    )
    figure.update_layout(meta={"unit": unit})
    return figure


def _amount(result: NoiseSweepResult) -> str:
    info = SOLVERS[result.spec.solver.name]
    option = info.options[info.knob.option]
    return tr("Noise η") if option.symbol == "η" else (option.symbol or tr(option.called(info.knob.option)))


def _top(result: NoiseSweepResult) -> float:
    highs = np.array([point.measured.high for point in result.points])
    values = np.array([point.measured.value for point in result.points])
    usual = np.nanmedian(values) if np.isfinite(values).any() else 1.0
    near = highs[np.isfinite(values) & (values <= FAR * usual)]
    return 1.08 * max(float(near.max(initial=0.0)), result.floor.high)


def _bottom(result: NoiseSweepResult) -> float:
    lows = [point.measured.low for point in result.points if np.isfinite(point.measured.low)]
    return min([0.0, result.floor.low, *lows]) if DISTANCES[result.spec.distance].signed else 0.0


def _line(result: NoiseSweepResult, score: str, top: float) -> go.Scatter:
    colour, marker, dash = LOOKS[score]
    points = result.of(score)
    values = np.array([point.measured.value for point in points])
    shown = np.where(values <= top, values, np.nan)
    return go.Scatter(
        x=typed([point.value for point in points]),
        y=typed(shown),
        mode="lines+markers",
        line={"color": colour, "dash": dash, "width": 2},
        marker={"symbol": marker, "size": 9, "color": colour},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": typed([point.measured.high - point.measured.value for point in points]),
            "arrayminus": typed([point.measured.value - point.measured.low for point in points]),
            "color": colour,
            "thickness": 1,
            "width": 4,
        },
        name=tr("exact score") if score == "exact" else tr("wrong score: {wrong}", wrong=tr(result.wrong)),
        customdata=[[point.steps, point.nfe, point.measured.low, point.measured.high] for point in points],
        hovertemplate=tr(
            "noise %{{x:g}}: %{{y:.3g}} [%{{customdata[2]:.3g}}, "
            "%{{customdata[3]:.3g}}]<br>%{{customdata[0]}} steps, %{{customdata[1]}} "
            "evaluations<extra>{score}</extra>",
            score=tr(SCORES[score]),
        ),
    )


def _star(best: SweepPoint, colour: str) -> go.Scatter:
    return go.Scatter(
        x=typed([best.value]),
        y=typed([best.measured.value]),
        mode="markers",
        marker={"symbol": "star", "size": 17, "color": colour, "line": {"width": 1, "color": "white"}},
        hoverinfo="skip",
        showlegend=False,
        name=tr("least distance"),
    )


def alt_sweep(result: NoiseSweepResult) -> str:
    """What the lines show, in words."""
    parts = []
    for score in LOOKS:
        points = result.of(score)
        if points:
            listed = [
                f"{point.value:g}: {tr('diverged') if point.measured.message else f'{point.measured.value:.2g}'}"
                for point in points
            ]
            parts.append(f"{tr(SCORES[score])} {tr(joined(listed, ', '))}")
    return tr(
        "{title} to the data by amount of noise of {solver}, {nfe} evaluations: {parts}. Two "
        "sets of exact samples: {value:.2g}.",
        title=tr(DISTANCES[result.spec.distance].title),
        solver=result.spec.solver.label,
        nfe=result.spec.nfe,
        parts=tr(joined(parts, "; ")),
        value=result.floor.value,
    )


def sweep_table(result: NoiseSweepResult) -> pd.DataFrame:
    """One row a score and amount of noise."""
    return result.to_frame()
