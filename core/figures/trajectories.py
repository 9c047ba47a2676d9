"""Paths of several solvers from the same noise: in the plane, and their error along the way."""

import numpy as np
import plotly.graph_objects as go

from core.experiments.trajectories import FieldFrames, SolverPath, TrajectoriesResult
from core.figures.along import Line, along_figure, in_words
from core.figures.style import NEUTRAL, batched, new_figure, solver_style, typed
from core.figures.timeline import play_buttons, time_slider

TRAILS, NOISY_TRAILS = 40, 8  # particles drawn with their path, at most; paths with noise cross the whole picture
LINES = 120  # paths of all solvers together: more hide each other
DOTS = 1000  # markers in one frame, of all solvers together: keeps the largest picture near 1 MB
_DENSITY = [[0, "rgba(110, 140, 175, 0)"], [0.25, "rgba(110, 140, 175, 0.22)"], [1, "rgba(110, 140, 175, 0.75)"]]


def paths_figure(result: TrajectoriesResult, height: int = 700) -> go.Figure:
    """2-D paths over density and vector field, with a time slider that runs in the browser.

    Raises
    ------
    ValueError
        If the result is not of 2-D data.
    """
    field = result.field
    if field is None:
        raise ValueError("paths in the plane need 2-D data; use film_strip_figure for images")
    figure = new_figure(height, legend_rows=1 + len(result.paths) // 3)
    last = len(field.times) - 1
    figure.add_traces([_density(field, last), _data(result), _arrows(field, last)])
    # noisy paths lie below the smooth ones, and both below the reference, which is dashed and hides little
    for path in sorted(result.paths, key=lambda path: not path.stochastic):
        figure.add_trace(_trail(path, _trail_count(result)))
    figure.add_trace(_reference(result))
    moving = [0, 2]
    for path in result.paths:
        moving.append(len(figure.data))
        figure.add_trace(_dots(path, field, last, _dot_count(result)))
    figure.frames = [
        go.Frame(
            name=str(k),
            traces=moving,
            data=[
                go.Heatmap(z=_levels(field, k)),
                go.Quiver(**_uv(field, k)),
                *(go.Scatter(**_places(path, field, k, _dot_count(result))) for path in result.paths),
            ],
        )
        for k in range(last + 1)
    ]
    half = float(field.x[-1])
    figure.update_xaxes(range=[-half, half], title_text="x₁", constrain="domain")
    figure.update_yaxes(range=[-half, half], title_text="x₂", scaleanchor="x")
    figure.update_yaxes(constrain="domain", constraintoward="bottom")  # the slider stays close on a narrow screen
    figure.update_layout(sliders=[time_slider(result, field.steps)], updatemenus=[play_buttons()])
    figure.update_layout(margin={"b": 165 + 22 * (len(result.paths) // 3)})
    return figure


def alt_paths(result: TrajectoriesResult) -> str:
    """What the paths show, in words."""
    spec = result.spec
    names = ", ".join(path.label for path in result.paths)
    steps = f"{spec.steps} step" + "s" * (spec.steps > 1)
    shown = _dot_count(result)
    some = f" ({shown} of them drawn)" if shown < spec.particles else ""
    said = f"{spec.particles} particles{some} carried from noise to data ({spec.data.name}) in {steps} by {names}."
    return " ".join(filter(None, (said, ranking(result))))


def ranking(result: TrajectoriesResult) -> str:
    """Which solver ends nearest to the reference and which farthest, with numbers; which broke off or draws noise."""
    ended = sorted((p for p in result.paths if np.isfinite(p.final_rms)), key=lambda p: p.final_rms)
    parts = []
    if len(ended) > 1:
        best, worst = ended[0], ended[-1]
        parts.append(
            f"{best.label} ends nearest to the reference (RMS error {best.final_rms:.2g}), "
            f"{worst.label} farthest ({worst.final_rms:.2g})."
        )
    elif ended:
        parts.append(f"{ended[0].label} ends {ended[0].final_rms:.2g} (RMS) from the reference.")
    noisy = [p.label for p in result.paths if p.stochastic and not p.message]
    if noisy:
        verb = "draws noise, so it has" if len(noisy) == 1 else "draw noise, so they have"
        parts.append(f"{' and '.join(noisy)} {verb} no error against the ODE.")
    parts += [f"{p.label} {p.message}." for p in result.paths if p.message]
    return " ".join(parts)


def error_figure(result: TrajectoriesResult, height: int = 360) -> go.Figure:
    """RMS distance to the reference at every step, against lambda; stochastic solvers have none."""
    return along_figure(_lines(result), height, "Error along the path")


def alt_error(result: TrajectoriesResult) -> str:
    """Where along the path the error is made, in words."""
    lines = _lines(result)
    if not lines:
        return "RMS error along the path: only solvers that draw noise are shown, and they have none."
    found = in_words(lines)
    return f"RMS error along the path grows most: {found}." if found else "RMS error along the path: none measured."


def _lines(result: TrajectoriesResult) -> list[Line]:
    return [
        Line(path.name, path.label, result.log_snr[: len(path.error)], path.error, result.spec.steps)
        for path in result.paths
        if not path.stochastic
    ]


def _dot_count(result: TrajectoriesResult) -> int:
    return min(result.spec.particles, DOTS // len(result.paths))


def _trail_count(result: TrajectoriesResult) -> int:
    return min(result.spec.particles, TRAILS, LINES // len(result.paths))


def _subset(n: int, most: int) -> np.ndarray:
    return np.linspace(0, n - 1, min(n, most)).round().astype(int)


def _levels(field: FieldFrames, k: int) -> np.ndarray:
    # square root: a density of a tenth of the maximum is still seen; one byte a cell is enough for the eye
    return (255 * np.sqrt(field.density[k])).round().astype(np.uint8)


def _density(field: FieldFrames, k: int) -> go.Heatmap:
    return go.Heatmap(
        x=typed(field.x),
        y=typed(field.y),
        z=_levels(field, k),
        zmin=0,
        zmax=255,
        colorscale=_DENSITY,
        showscale=False,
        zsmooth="best",
        hoverinfo="skip",
        name="density",
    )


def _uv(field: FieldFrames, k: int) -> dict[str, np.ndarray]:
    """Arrows of the motion per unit of lambda, no longer than the lattice allows; one scale for all frames."""
    spacing = float(field.arrows_x[1] - field.arrows_x[0])
    usual = float(np.quantile(np.linalg.norm(field.velocity, axis=-1), 0.8))
    motion = field.velocity[k].reshape(-1, 2)
    length = np.linalg.norm(motion, axis=1, keepdims=True)
    # the root keeps slow regions visible, tanh keeps fast ones inside their cell
    drawn = 0.9 * spacing * np.tanh(np.sqrt(length / max(usual, 1e-12))) / np.maximum(length, 1e-12)
    return {"u": typed(motion[:, 0] * drawn[:, 0]), "v": typed(motion[:, 1] * drawn[:, 0])}


def _arrows(field: FieldFrames, k: int) -> go.Quiver:
    x, y = np.meshgrid(field.arrows_x, field.arrows_y)
    return go.Quiver(
        x=typed(x.reshape(-1)),
        y=typed(y.reshape(-1)),
        **_uv(field, k),
        lengthmode="raw",
        anchor="tail",
        marker={"color": NEUTRAL, "line": {"width": 1}},
        opacity=0.55,
        hoverinfo="skip",
        name="flow of the ODE",
        showlegend=True,
    )


def _data(result: TrajectoriesResult) -> go.Scatter:
    return go.Scatter(
        x=typed(result.data_samples[:, 0]),
        y=typed(result.data_samples[:, 1]),
        mode="markers",
        marker={"size": 3, "color": NEUTRAL, "opacity": 0.35},
        hoverinfo="skip",
        name="data",
    )


def _reference(result: TrajectoriesResult) -> go.Scatter:
    chosen = _subset(result.reference.shape[1], _trail_count(result))
    return go.Scatter(
        x=batched(result.reference[:, chosen, 0]),
        y=batched(result.reference[:, chosen, 1]),
        mode="lines",
        line={"color": NEUTRAL, "width": 1.5, "dash": "dash"},
        hoverinfo="skip",
        name="reference path",
    )


def _trail(path: SolverPath, count: int) -> go.Scatter:
    """The solver's polylines: each corner is the end of a step."""
    style = solver_style(path.name)
    chosen = _subset(path.states.shape[1], NOISY_TRAILS if path.stochastic else count)
    return go.Scatter(
        x=batched(path.states[:, chosen, 0]),
        y=batched(path.states[:, chosen, 1]),
        mode="lines+markers",
        line={"color": style.colour, "width": 1 if path.stochastic else 1.4},
        marker={"color": style.colour, "size": 3.5},
        opacity=0.45 if path.stochastic else 0.8,
        hoverinfo="skip",
        name=path.label,
        legendgroup=path.label,
        showlegend=False,
    )


def _places(path: SolverPath, field: FieldFrames, k: int, count: int) -> dict[str, np.ndarray]:
    """Where the particles are at frame ``k``; nowhere once the run has broken off."""
    step = int(field.steps[k])
    if step >= len(path.states):
        return {"x": typed([np.nan]), "y": typed([np.nan])}  # Plotly drops an empty trace, and its legend with it
    chosen = _subset(path.states.shape[1], count)
    return {"x": typed(path.states[step, chosen, 0]), "y": typed(path.states[step, chosen, 1])}


def _dots(path: SolverPath, field: FieldFrames, k: int, count: int) -> go.Scatter:
    style = solver_style(path.name)
    return go.Scatter(
        **_places(path, field, k, count),
        mode="markers",
        marker={"color": style.colour, "symbol": style.marker, "size": 6, "opacity": 0.85, "line": {"width": 0}},
        name=_legend(path),
        legendgroup=path.label,
        hovertemplate="(%{x:.3f}, %{y:.3f})<extra>" + path.label + "</extra>",
    )


def _legend(path: SolverPath) -> str:
    if path.diverged_at is not None:
        return f"{path.label}: diverged in step {path.diverged_at + 1}"
    return f"{path.label}: error {path.final_rms:.2g}" if np.isfinite(path.final_rms) else path.label
