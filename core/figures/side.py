"""ODE, SDE and forward process side by side at one time, above the law of one coordinate and the samples' histogram."""

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.experiments.trajectories import SolverPath, TrajectoriesResult
from core.figures.images import sheet_figure
from core.figures.style import GREEN, NEUTRAL, TEMPLATE, batched, solver_style, typed
from core.figures.timeline import play_buttons, time_slider

TRAILS, DOTS = 14, 350  # in each panel
BINS = 36
FEW = 40  # particles: fewer are drawn as marks, since a histogram of them would be empty
COLUMNS = 9
_DENSITY = [[0, "rgba(110, 140, 175, 0)"], [0.25, "rgba(110, 140, 175, 0.22)"], [1, "rgba(110, 140, 175, 0.75)"]]


class Panel(NamedTuple):
    """One process: its heading, its states (S' + 1, N, *shape) at the times of the grid, and its colour."""

    kind: str
    label: str
    states: np.ndarray
    colour: str


def panels(result: TrajectoriesResult) -> list[Panel]:
    """The first solver without noise (the reference if there is none), the first with noise, the forward process."""
    ode = next((path for path in result.paths if not path.stochastic and path.tried is None), None)
    ode = ode or next((path for path in result.paths if not path.stochastic), None)
    sde = next((path for path in result.paths if path.stochastic), None)
    found = [_panel("ODE", ode)] if ode else [Panel("ODE", "reference", result.reference[result.on_grid], NEUTRAL)]
    if sde:
        found.append(_panel("SDE", sde))
    return [*found, Panel("Forward", "data to noise", result.forward, GREEN)]


def _panel(kind: str, path: SolverPath) -> Panel:
    return Panel(kind, path.label, path.states, solver_style(path.name).colour)


def side_figure(result: TrajectoriesResult) -> go.Figure:
    """Panels with one time slider: particles over the density of that time, and below their histogram with the law.

    For images there is no plane to draw: only the law along one direction, with the images as marks or a histogram.
    """
    shown = panels(result)
    plane = result.field is not None
    steps = result.field.steps if plane else _image_steps(result)
    rows = 2 if plane else 1
    figure = make_subplots(
        rows,
        len(shown),
        row_heights=[0.68, 0.32] if plane else None,
        shared_xaxes=False,
        horizontal_spacing=0.05,
        vertical_spacing=0.09,
        subplot_titles=[f"<b>{panel.kind}</b> · {panel.label}" for panel in shown],
    )
    figure.update_layout(template=TEMPLATE, height=720 if plane else 460, margin={"l": 10, "r": 10, "t": 40, "b": 150})
    last, moving = len(steps) - 1, []
    for column, panel in enumerate(shown, start=1):
        if plane:
            moving.append(len(figure.data))
            figure.add_trace(_density(result, last), row=1, col=column)
            figure.add_trace(_trails(panel), row=1, col=column)
            moving.append(len(figure.data))
            figure.add_trace(_dots(panel, steps[last]), row=1, col=column)
        for trace in _law(result, panel, last, steps, column == 1):
            moving.append(len(figure.data))
            figure.add_trace(trace, row=rows, col=column)
    figure.frames = [
        go.Frame(
            name=str(k),
            traces=moving,
            data=[part for panel in shown for part in _moved(result, panel, k, steps)],
            layout={} if plane else _heights(result, k, len(shown)),
        )
        for k in range(last + 1)
    ]
    _axes(figure, result, len(shown), rows)
    figure.update_layout({} if plane else _heights(result, last, len(shown)))
    figure.update_layout(sliders=[time_slider(result, steps)], updatemenus=[play_buttons()], bargap=0)
    return figure


def _heights(result: TrajectoriesResult, k: int, columns: int) -> dict:
    """Room for the density of one time: along images it is a hundred times higher in noise than among the data."""
    if result.profile is None:
        return {}
    top = 1.15 * float(result.profile.density[k].max())
    return {f"yaxis{column if column > 1 else ''}": {"range": [-0.04 * top, top]} for column in range(1, columns + 1)}


def _axes(figure: go.Figure, result: TrajectoriesResult, columns: int, rows: int) -> None:
    title = result.profile.title if result.profile else "mean of all pixels"
    half = float(result.profile.axis[-1]) if result.profile else 1.0
    top = 1.1 * float(result.profile.density.max()) if result.profile else 1.0
    for column in range(1, columns + 1):
        if rows == 2:
            figure.update_xaxes(range=[-half, half], showticklabels=False, constrain="domain", row=1, col=column)
            anchor = "x" if column == 1 else f"x{column}"
            figure.update_yaxes(
                range=[-half, half],
                scaleanchor=anchor,
                showticklabels=column == 1,
                constrain="domain",
                row=1,
                col=column,
            )
        figure.update_xaxes(range=[-half, half], title_text=title, row=rows, col=column)
        figure.update_yaxes(range=[-0.04 * top, top], showticklabels=column == 1, row=rows, col=column)
    if rows == 2:
        figure.update_yaxes(title_text="x₂", row=1, col=1)
    figure.update_yaxes(title_text="density" if result.profile else "", row=rows, col=1)


def _image_steps(result: TrajectoriesResult) -> np.ndarray:
    if result.profile is not None:
        return result.profile.steps
    return np.unique(np.linspace(0, result.spec.steps, min(result.spec.steps + 1, 40)).round().astype(int))


def _density(result: TrajectoriesResult, k: int) -> go.Heatmap:
    field = result.field
    return go.Heatmap(
        x=typed(field.x[::2]),
        y=typed(field.y[::2]),
        z=_levels(result, k),
        zmin=0,
        zmax=255,
        colorscale=_DENSITY,
        showscale=False,
        zsmooth="best",
        hoverinfo="skip",
        name="exact density",
        showlegend=False,
    )


def _levels(result: TrajectoriesResult, k: int) -> np.ndarray:
    return (255 * np.sqrt(result.field.density[k, ::2, ::2])).round().astype(np.uint8)


def _trails(panel: Panel) -> go.Scatter:
    return go.Scatter(
        x=batched(panel.states[:, :TRAILS, 0]),
        y=batched(panel.states[:, :TRAILS, 1]),
        mode="lines",
        line={"color": panel.colour, "width": 1.2},
        opacity=0.7,
        hoverinfo="skip",
        showlegend=False,
        name=panel.label,
    )


def _dots(panel: Panel, step: int) -> go.Scatter:
    return go.Scatter(
        **_places(panel, step),
        mode="markers",
        marker={"color": panel.colour, "size": 4.5, "opacity": 0.85},
        hovertemplate="(%{x:.3f}, %{y:.3f})<extra></extra>",
        showlegend=False,
        name=panel.label,
    )


def _places(panel: Panel, step: int) -> dict[str, np.ndarray]:
    if step >= len(panel.states):  # the run broke off before
        return {"x": typed([np.nan]), "y": typed([np.nan])}
    return {"x": typed(panel.states[step, :DOTS, 0]), "y": typed(panel.states[step, :DOTS, 1])}


def _along(result: TrajectoriesResult, panel: Panel, step: int) -> np.ndarray:
    if step >= len(panel.states):
        return np.full(1, np.nan)
    if result.profile is None:
        return panel.states[step].reshape(panel.states.shape[1], -1).mean(axis=1)
    return result.profile.along(panel.states[step : step + 1])[0]


def _law(result: TrajectoriesResult, panel: Panel, k: int, steps: np.ndarray, first: bool) -> list[go.Scatter | go.Bar]:
    """Samples as bars or marks, and the exact density where it is known."""
    legend = {"showlegend": first, "hoverinfo": "skip"}
    if panel.states.shape[1] >= FEW and result.profile is not None:
        traces = [go.Bar(**_bars(result, panel, steps[k]), marker={"color": panel.colour, "opacity": 0.55}, **legend)]
        traces[0].name = "samples"
    else:
        mark = {"symbol": "line-ns-open", "size": 16, "color": panel.colour, "line": {"width": 2}}
        traces = [go.Scatter(**_marks(result, panel, steps[k]), mode="markers", marker=mark, name="samples", **legend)]
    if result.profile is not None:
        traces.append(
            go.Scatter(
                **_curve(result, k), mode="lines", line={"color": NEUTRAL, "width": 2}, name="exact density", **legend
            )
        )
    return traces


def _bars(result: TrajectoriesResult, panel: Panel, step: int) -> dict[str, np.ndarray]:
    edges = np.linspace(result.profile.axis[0], result.profile.axis[-1], BINS + 1)
    values = _along(result, panel, step)
    counts, _ = np.histogram(values[np.isfinite(values)], edges)
    # over all particles, also those outside the picture: then bars and curve mean the same
    return {"x": typed((edges[1:] + edges[:-1]) / 2), "y": typed(counts / (len(values) * np.diff(edges)))}


def _marks(result: TrajectoriesResult, panel: Panel, step: int) -> dict[str, np.ndarray]:
    values = _along(result, panel, step)
    return {"x": typed(values), "y": typed(np.zeros_like(values))}


def _curve(result: TrajectoriesResult, k: int) -> dict[str, np.ndarray]:
    return {"x": typed(result.profile.axis), "y": typed(result.profile.density[k])}


def _moved(
    result: TrajectoriesResult, panel: Panel, k: int, steps: np.ndarray
) -> list[go.Heatmap | go.Scatter | go.Bar]:
    """What changes with time in one panel, in the order in which its traces were added."""
    parts = []
    if result.field is not None:
        parts += [go.Heatmap(z=_levels(result, k)), go.Scatter(**_places(panel, steps[k]))]
    if panel.states.shape[1] >= FEW and result.profile is not None:
        parts.append(go.Bar(**_bars(result, panel, steps[k])))
    else:
        parts.append(go.Scatter(**_marks(result, panel, steps[k])))
    return parts + ([go.Scatter(**_curve(result, k))] if result.profile is not None else [])


def side_strips(result: TrajectoriesResult, particle: int = 0) -> go.Figure:
    """One image under each process: x_t at the same times, noise on the left.

    Raises
    ------
    ValueError
        If the result is of 2-D data, or there is no such particle.
    """
    if result.field is not None:
        raise ValueError("strips need images; use side_figure for 2-D data")
    if not 0 <= particle < result.spec.particles:
        raise ValueError(f"there are particles 0 to {result.spec.particles - 1}, not {particle}")
    picked = np.unique(np.linspace(0, result.spec.steps, COLUMNS).round().astype(int))
    rows, labels = [], []
    for panel in panels(result):
        lost = np.full(panel.states.shape[2:], np.nan)
        size = [max(1.0, np.hypot(result.alpha[k], result.sigma[k])) for k in picked]
        rows.append(
            [
                panel.states[k, particle] / s if k < len(panel.states) else lost
                for k, s in zip(picked, size, strict=True)
            ]
        )
        labels.append(f"<b>{panel.kind}</b>, {panel.label}")
    labels[-1] += f" ({result.forward_from}), to be read from right to left"
    ticks = [f"{result.log_snr[k]:.1f}".replace("-", "−") for k in picked]
    return sheet_figure(rows, labels, ticks, "", "λ = log(α/σ), noise to data")


def alt_side(result: TrajectoriesResult) -> str:
    """What stands side by side, in words."""
    named = "; ".join(f"{panel.kind}: {panel.label}" for panel in panels(result))
    over = "over the exact density" if result.profile is not None else "without a density, since the score is learned,"
    return (
        f"{len(panels(result))} processes side by side with one time slider ({named}): {result.spec.particles} "
        f"particles each in {result.spec.steps} steps, {over} and the spread of the samples at the chosen time."
    )


def alt_side_strips(result: TrajectoriesResult, particle: int = 0) -> str:
    """What the strips show, in words."""
    named = "; ".join(f"{panel.kind}: {panel.label}" for panel in panels(result))
    return f"Image {particle + 1} of {result.spec.particles} under each process at the same noise levels ({named})."
