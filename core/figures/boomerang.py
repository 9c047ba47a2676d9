"""Data noised to t and carried back: distance to the input against t, where points went, and images level by level."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.analysis import Measured
from core.experiments.boomerang import BoomerangResult, Level
from core.figures.inversion import looks
from core.figures.scene import Scene
from core.figures.scene_words import player_words
from core.figures.style import FAINT, NEUTRAL, log_axis, new_figure, remark, typed
from core.figures.tiles import sheet_figure
from core.language import joined, mark, message, tr

AGAINST = {"t": mark("Time t that data are noised to"), "lambda": mark("λ = log(α/σ) that data are noised to")}
SHOWN_MOVES = 150
WIDE_RANGE = 100  # ratio of times beyond which they are shown on a logarithmic axis


def distance_figure(result: BoomerangResult, against: str = "t", height: int = 480) -> go.Figure:
    """RMS distance between input and what came back; dashed the closed form, dotted two unrelated draws.

    Raises
    ------
    ValueError
        If ``against`` is not a key of ``AGAINST``.
    """
    x = _axis(result, against)
    figure = new_figure(height, legend_rows=len(result.solvers))
    for solver, style in zip(result.solvers, looks(result.solvers), strict=True):
        figure.add_trace(
            go.Scatter(
                x=typed(x),
                y=typed([back.rms for back in solver.returns]),
                mode="lines+markers",
                line={"color": style.colour, "dash": style.dash, "width": 2},
                marker={"symbol": style.marker, "size": 9, "color": style.colour},
                name=tr("{solver} (with noise)" if solver.stochastic else "{solver} (ODE)", solver=solver.label),
                customdata=[[back.t, back.median, back.nfe] for back in solver.returns],
                hovertemplate=tr(
                    "t = %{customdata[0]:.3g}: RMS %{y:.3g}, median %{customdata[1]:.3g}, NFE %{customdata[2]}"
                )
                + f"<extra>{solver.label}</extra>",
            )
        )
    for noisy, title in ((False, tr("exact, ODE")), (True, tr("exact, SDE"))):
        exact = [level.by_sde if noisy else level.by_ode for level in result.levels]
        if exact[0] is not None and any(solver.stochastic == noisy for solver in result.solvers):
            figure.add_trace(
                go.Scatter(
                    x=typed(x),
                    y=typed(exact),
                    mode="lines",
                    line={"color": NEUTRAL, "dash": "dash" if noisy else "dot", "width": 2.5},
                    name=title,
                    hovertemplate="%{y:.3g}<extra>" + title + "</extra>",
                )
            )
    if result.unrelated is not None:
        figure.add_trace(
            go.Scatter(
                x=typed([min(x), max(x)]),
                y=typed([result.unrelated] * 2),
                mode="lines",
                line={"color": NEUTRAL, "width": 1, "dash": "longdash"},
                name=tr("two that have nothing to do with each other"),
                hovertemplate=tr("%{y:.3g}<extra>unrelated</extra>"),
            )
        )
    if not any(np.isfinite(back.rms) for solver in result.solvers for back in solver.returns):
        remark(figure, tr("every run diverged"))
    _dress(figure, result, against)
    figure.update_yaxes(title_text=tr("RMS distance to the input"), rangemode="tozero")
    return figure


def _axis(result: BoomerangResult, against: str) -> list[float]:
    if against not in AGAINST:
        raise ValueError(f"against must be one of {', '.join(AGAINST)}, not {against!r}")
    return [level.t if against == "t" else level.lam for level in result.levels]


def _dress(figure: go.Figure, result: BoomerangResult, against: str) -> None:
    x = _axis(result, against)
    figure.update_xaxes(title_text=tr(AGAINST[against]))
    if against == "lambda":
        figure.update_xaxes(autorange="reversed")
    elif max(x) > WIDE_RANGE * min(x):
        figure.update_xaxes(**log_axis(np.array(x)))


def alt_distance(result: BoomerangResult) -> str:
    """How far what came back is from the input, in words."""
    parts = [
        f"{solver.label} " + tr(joined([f"t = {back.t:.2g}: {_brief(back.rms)}" for back in solver.returns], ", "))
        for solver in result.solvers
    ]
    said = [
        message(
            "RMS distance to the input after {steps} steps back: {parts}.",
            steps=result.spec.steps,
            parts=joined(parts, "; "),
        )
    ]
    if result.unrelated is not None:
        said.append(message("Two unrelated: {unrelated:.2g}.", unrelated=result.unrelated))
    return tr(joined(said))


def _brief(value: float) -> str:
    return f"{value:.2g}" if np.isfinite(value) else tr("diverged")


def law_figure(result: BoomerangResult, against: str = "t", height: int = 380) -> go.Figure:
    """Distance between what came back and the data as laws, above the band of chance; 2-D data only.

    Raises
    ------
    ValueError
        If the law was not compared, or ``against`` is unknown.
    """
    floor = _floor(result)
    x = _axis(result, against)
    figure = new_figure(height, legend_rows=len(result.solvers))
    figure.add_hrect(y0=floor.low, y1=floor.high, fillcolor=FAINT, line_width=0)
    for solver, style in zip(result.solvers, looks(result.solvers), strict=True):
        laws = [back.law for back in solver.returns]
        figure.add_trace(
            go.Scatter(
                x=typed(x),
                y=typed([law.value for law in laws]),
                mode="lines+markers",
                line={"color": style.colour, "dash": style.dash, "width": 2},
                marker={"symbol": style.marker, "size": 9, "color": style.colour},
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": typed([law.high - law.value for law in laws]),
                    "arrayminus": typed([law.value - law.low for law in laws]),
                    "thickness": 1,
                    "width": 4,
                },
                name=solver.label,
                hovertemplate="%{y:.3g}<extra>" + solver.label + "</extra>",
            )
        )
    _dress(figure, result, against)
    figure.update_yaxes(title_text=tr("Distance to the data, as laws"), rangemode="tozero")
    return figure


def _floor(result: BoomerangResult) -> Measured:
    if result.law_floor is None:
        raise ValueError("the law of what came back is compared for 2-D data of at least 10 particles")
    return result.law_floor


def alt_law(result: BoomerangResult) -> str:
    """Whether what came back still looks like data, in words; errors as for :func:`law_figure`."""
    floor = _floor(result)
    parts = [
        tr(
            "{solver} {first} to {last}",
            solver=solver.label,
            first=_brief(solver.returns[0].law.value),
            last=_brief(solver.returns[-1].law.value),
        )
        for solver in result.solvers
        if solver.returns[0].law is not None
    ]
    return tr(
        "Distance between what came back and the data, from the least to the most noise: "
        "{parts}. Two sets of exact samples: {low:.2g} to {high:.2g}.",
        parts=tr(joined(parts, "; ")),
        low=floor.low,
        high=floor.high,
    )


def moves_scene(result: BoomerangResult) -> Scene:
    """Where 2-D points went: a line from each input to what came back; the playhead runs over the noise levels.

    Raises
    ------
    ValueError
        If the result is of images.
    """
    _check(result, "toy")
    clean = result.clean[:SHOWN_MOVES]
    words = player_words() | {
        "time": tr("Noise level, from little to much"),
        "clock": tr("noised to t = {t} · λ = {lambda}"),
        "data": tr("input"),
    }
    seen = [result.clean, *(back.ends for solver in result.solvers for back in solver.returns)]
    half = 1.08 * max(float(np.nanquantile(np.abs(places), 0.998)) for places in seen if np.isfinite(places).any())
    last = len(result.levels) - 1
    scene = Scene(
        {
            "name": "returns",
            "title": tr("Solverscope: there and back"),
            "alt": alt_moves(result),
            "words": words,
            "steps": last,
            "opens": first_level(result) / max(last, 1),
            "t": result.times.tolist(),
            "lambda": result.log_snr.tolist(),
            "plane": {"half": half, "names": ["x₁", "x₂"]},
            "layers": ["data"],
            "hidden": [],
        }
    )
    scene.head |= {"anchors": scene.floats("anchors", clean), "data": scene.floats("data", clean)}
    scene.head["series"] = [
        {
            "id": f"solver{number}",
            "label": solver.label,
            "legend": tr("{solver}, came back", solver=solver.label),
            "colour": style.colour,
            "marker": style.marker,
            "stochastic": solver.stochastic,
            "paths": 0,
            "track": {
                "array": scene.places(f"solver{number}", np.stack([b.ends[:SHOWN_MOVES] for b in solver.returns]))
            },
        }
        for number, (solver, style) in enumerate(zip(result.solvers, looks(result.solvers), strict=True))
    ]
    return scene


def first_level(result: BoomerangResult) -> int:
    """The level that a picture opens with: where signal and noise are nearest to each other."""
    return int(np.argmin(np.abs(result.log_snr)))


def _check(result: BoomerangResult, kind: str) -> None:
    if result.spec.data.kind != kind:
        raise ValueError("moves need 2-D data, strips need images")


def alt_moves(result: BoomerangResult) -> str:
    """How far points went from the level that the picture opens with, in words."""
    level = first_level(result)
    ends = joined([f"{solver.label} {_brief(solver.returns[level].rms)}" for solver in result.solvers], "; ")
    return tr(
        "{count} inputs and where they came back from t = {t:.3g}: RMS distance {ends}. The "
        "player shows the other noise levels.",
        count=min(len(result.clean), SHOWN_MOVES),
        t=result.times[level],
        ends=ends,
    )


def strips_figure(result: BoomerangResult, particle: int = 0) -> go.Figure:
    """One image: noised to every level, and below it what each solver brought back.

    Raises
    ------
    ValueError
        If the result is of 2-D data, or there is no such image.
    """
    _check(result, "images")
    if not 0 <= particle < len(result.clean):
        raise ValueError(f"there are images 0 to {len(result.clean) - 1}, not {particle}")
    clean = result.clean[particle]
    rows = [[clean, *(level.noised[particle] / max(1.0, level.scale) for level in result.levels)]]
    labels = [tr("<b>Input</b>, and noised to t")]
    for solver in result.solvers:
        rows.append([None, *(back.ends[particle] for back in solver.returns)])
        labels.append(
            tr(
                "<b>{solver}</b>, back with noise" if solver.stochastic else "<b>{solver}</b>, back by the ODE",
                solver=solver.label,
            )
        )
    columns = [tr("input"), *(_time(level) for level in result.levels)]
    return sheet_figure(rows, labels, columns, "", tr("t that the image is noised to"))


def _time(level: Level) -> str:
    return f"{level.t:.2g}"


def alt_strips(result: BoomerangResult, particle: int = 0) -> str:
    """How far one image went at every level, in words."""
    clean = result.clean[particle]
    parts = []
    for solver in result.solvers:
        away = [np.sqrt(np.square(back.ends[particle] - clean).mean()) for back in solver.returns]
        pairs = zip(result.levels, away, strict=True)
        listed = tr(joined([f"t = {level.t:.2g}: {_brief(far)}" for level, far in pairs], ", "))
        parts.append(f"{solver.label} {listed}")
    return tr(
        "Image {particle} of {count} noised and carried back, RMS distance: {parts}.",
        particle=particle + 1,
        count=len(result.clean),
        parts=tr(joined(parts, "; ")),
    )


def distance_table(result: BoomerangResult) -> pd.DataFrame:
    """One row a solver and level."""
    return result.to_frame()
