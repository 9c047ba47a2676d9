"""What makes paths straight: flows side by side, the lines they were learned from, and what few steps reach."""

import textwrap

import numpy as np
import plotly.graph_objects as go

from core.analysis.distances import DISTANCES
from core.experiments.straightening import FlowShape, StraighteningResult
from core.figures.scene import Scene
from core.figures.scene_words import player_words
from core.figures.style import (
    BLUE,
    GREEN,
    HUES,
    NEUTRAL,
    PINK,
    SKY,
    VERMILLION,
    Style,
    batched,
    new_panels,
    typed,
)
from core.figures.tiles import sheet_figure
from core.language import mark, tr

LOOKS = {
    "independent": Style(BLUE, "solid", "circle"),
    "network": Style(SKY, "dash", "square"),
    "transport": Style(VERMILLION, "solid", "diamond"),
    "reflow": Style(GREEN, "solid", "triangle-up"),
    "learned": Style(PINK, "solid", "pentagon"),
}
AGAIN = (("dash", "square"), ("dot", "x"), ("dashdot", "cross"), ("longdash", "star"))  # the same way, other options
TRAILS = 60
TILES = 8  # images in a row


def flow_looks(result: StraighteningResult) -> list[Style]:
    """How each flow is drawn: a way has its colour; the same way with other options takes hues that are free."""
    used = {LOOKS[flow.choice.name].colour for flow in result.flows}
    free = iter([hue for hue in HUES if hue not in used])
    seen: dict[str, int] = {}
    looks = []
    for flow in result.flows:
        base, count = LOOKS[flow.choice.name], seen.get(flow.choice.name, 0)
        seen[flow.choice.name] = count + 1
        looks.append(base if count == 0 else Style(next(free), *AGAIN[count - 1]))
    return looks


def flows_scene(result: StraighteningResult) -> Scene:
    """2-D particles on each flow's own path, from the same noise, in linked small multiples for the player.

    Raises
    ------
    ValueError
        If the data are images.
    """
    if result.spec.data.kind != "toy":
        raise ValueError("paths in the plane need 2-D data; use landing_figure for images")
    ends = np.abs(np.stack([flow.states[-1] for flow in result.flows])).max(axis=2)
    reach = max(float(np.nanquantile(ends, 0.99)), float(np.quantile(np.abs(result.data).max(axis=1), 0.99)))
    scene = Scene(
        {
            "name": "straightening",
            "title": tr("Solverscope: what makes paths straight"),
            "alt": alt_flows(result),
            "words": player_words(),
            "steps": result.spec.nodes,
            "t": result.times.tolist(),
            "lambda": result.log_snr.tolist(),
        }
    )
    ids = [f"flow{k}" for k in range(len(result.flows))]
    scene.head |= {
        "plane": {"half": max(1.15 * min(reach, 6.0), 2.6), "names": ["x₁", "x₂"]},
        "layers": ["data"],
        "hidden": [],
        "series": [
            {
                "id": name,
                "label": tr(flow.label),
                "legend": _legend(flow),
                "colour": look.colour,
                "marker": look.marker,
                "stochastic": False,
                "paths": TRAILS,
                "track": {"array": scene.places(name, flow.states)},
            }
            for name, flow, look in zip(ids, result.flows, flow_looks(result), strict=True)
        ],
        "panels": [
            {"title": tr(flow.label), "series": [name], "options": {}}
            for name, flow in zip(ids, result.flows, strict=True)
        ],
    }
    scene.head["data"] = scene.floats("data", result.data)
    return scene


def _legend(flow: FlowShape) -> str:
    value = flow.straightness.mean()
    if not np.isfinite(value):
        return tr("{flow}: broke off", flow=tr(flow.label))
    return tr("{flow}: straightness {value}", flow=tr(flow.label), value=f"{max(value, 0):.2g}")


def alt_flows(result: StraighteningResult) -> str:
    """How straight each flow is, in words."""
    listed = "; ".join(_legend(flow) for flow in result.flows)
    return tr(
        "{particles} particles from the same noise on the path of each flow. {listed}. Zero is straight at even speed.",
        particles=result.spec.particles,
        listed=listed,
    )


def _panels(result: StraighteningResult) -> go.Figure:
    """One plane a flow, side by side, all with the same range; as high as squares of their width need."""
    count = len(result.flows)
    titles = [textwrap.wrap(tr(flow.label), max(12, 75 // count)) for flow in result.flows]  # side by side on a phone
    top = 22 + 18 * max(map(len, titles))
    height = min(420, 110 + 900 // count) + top - 40
    titles = ["<br>".join(lines) for lines in titles]
    figure = new_panels(1, count, height, top, 60, shared_yaxes=True, horizontal_spacing=0.02, subplot_titles=titles)
    for k in range(count):
        figure.update_yaxes(scaleanchor="x" if k == 0 else f"x{k + 1}", row=1, col=k + 1)
    figure.update_xaxes(title_text="x₁")
    figure.update_yaxes(title_text="x₂", col=1)
    return figure


def lines_figure(result: StraighteningResult) -> go.Figure:
    """Some pairs of each way as straight lines from noise to data: where lines cross, a flow must bend.

    Raises
    ------
    ValueError
        If the data are images.
    """
    if result.spec.data.kind != "toy":
        raise ValueError("lines in the plane need 2-D data")
    figure = _panels(result)
    for k, (flow, look) in enumerate(zip(result.flows, flow_looks(result), strict=True)):
        first = k == 0
        lines = flow.lines.transpose(1, 0, 2)  # (2, L, 2)
        place = {"row": 1, "col": k + 1}
        line = {"color": look.colour, "width": 1}
        figure.add_trace(
            go.Scatter(
                x=batched(lines[:, :, 0]),
                y=batched(lines[:, :, 1]),
                mode="lines",
                line=line,
                opacity=0.55,
                hoverinfo="skip",
                showlegend=False,
            ),
            **place,
        )
        ends = ((0, "circle", look.colour, mark("data")), (1, "circle-open", NEUTRAL, mark("noise")))
        for end, symbol, colour, name in ends:
            figure.add_trace(
                go.Scatter(
                    x=typed(lines[end, :, 0]),
                    y=typed(lines[end, :, 1]),
                    mode="markers",
                    name=tr(name),
                    marker={"symbol": symbol, "size": 5, "color": colour},
                    showlegend=first,
                    legendgroup=name,
                    hovertemplate="(%{x:.2f}, %{y:.2f})<extra></extra>",
                ),
                **place,
            )
    return figure


def alt_lines(result: StraighteningResult) -> str:
    """How much the lines of each way disagree, in words."""
    listed = "; ".join(
        tr("{flow}: {missed}", flow=tr(flow.label), missed=f"{flow.missed:.2g}") for flow in result.flows
    )
    return tr(
        "Straight lines from noise to data. How much lines through one place disagree, E|ε − x₀ − u|²: {listed}.",
        listed=listed,
    )


def landing_figure(result: StraighteningResult, count: int = 0) -> go.Figure:
    """Where the solver lands with the step count number ``count``: in the plane over the data, or the images.

    Raises
    ------
    ValueError
        If there is no such step count.
    """
    counts = result.spec.step_counts
    if not 0 <= count < len(counts):
        raise ValueError(f"there are step counts 0 to {len(counts) - 1}, not {count}")
    if result.spec.data.kind == "images":
        return _sheets(result, count)
    figure = _panels(result)
    for k, (flow, look) in enumerate(zip(result.flows, flow_looks(result), strict=True)):
        place, ends = {"row": 1, "col": k + 1}, flow.ends[count]
        figure.add_trace(
            go.Scatter(
                x=typed(result.data[:, 0]),
                y=typed(result.data[:, 1]),
                mode="markers",
                name=tr("data"),
                marker={"size": 3, "color": NEUTRAL, "opacity": 0.45},
                hoverinfo="skip",
                showlegend=k == 0,
                legendgroup="data",
            ),
            **place,
        )
        figure.add_trace(
            go.Scatter(
                x=typed(ends[:, 0]),
                y=typed(ends[:, 1]),
                mode="markers",
                name=tr(flow.label),
                marker={"size": 5, "color": look.colour, "symbol": look.marker},
                showlegend=False,
                hovertemplate="(%{x:.2f}, %{y:.2f})<extra></extra>",
            ),
            **place,
        )
        if not np.isfinite(ends).any():
            figure.add_annotation(text=tr("diverged"), showarrow=False, x=0, y=0, **place)
    reach = 1.15 * float(np.abs(result.data).max())
    figure.update_yaxes(range=[-reach, reach]).update_xaxes(range=[-reach, reach])
    return figure


def _sheets(result: StraighteningResult, count: int) -> go.Figure:
    shown = min(TILES, result.spec.particles)
    rows, labels = [], []
    for flow in result.flows:
        for images, label in (
            (flow.ends[count], _steps(result.spec.step_counts[count])),
            (flow.states[-1], tr("its own path")),
        ):
            rows.append([images[i].clip(-1, 1) for i in range(shown)])
            labels.append(tr("{flow}: {what}", flow=tr(flow.label), what=label))
    columns = [str(i + 1) for i in range(shown)]
    return sheet_figure(rows, labels, columns, "", tr("image"))


def _steps(count: int) -> str:
    return tr("1 step") if count == 1 else tr("{count} steps", count=count)


def alt_landing(result: StraighteningResult, count: int = 0) -> str:
    """How far from the data the solver lands, in words."""
    parts = [
        tr("{flow}: {value}", flow=tr(flow.label), value=in_digits(flow.distances[count].value))
        for flow in result.flows
    ]
    return tr(
        "Where {solver} lands in {steps}. {distance} to the data: {listed}; exact samples: {floor}.",
        solver=result.spec.solver.label,
        steps=_steps(result.spec.step_counts[count]),
        distance=tr(DISTANCES[result.spec.distance].title),
        listed="; ".join(parts),
        floor=in_digits(result.floor.value),
    )


def in_digits(value: float) -> str:
    """A number to two digits, or that there is none."""
    return f"{value:.2g}" if np.isfinite(value) else tr("none, it diverged")
