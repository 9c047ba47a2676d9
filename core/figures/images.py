"""Images in figures: sheets of tiles with crisp pixels, sent as one PNG."""

import base64
import io

import numpy as np
import plotly.graph_objects as go
import torch

from core.data import to_display
from core.experiments.trajectories import SolverPath, TrajectoriesResult
from core.figures.style import NEUTRAL, new_figure

TILE = 64  # pixels to which a tile is blown up, at least: browsers blur small images when they stretch them
GAP = 4
COLUMNS = 9
NOISE_RANGE = 2.5  # standard deviations of noise from black to white
EMPTY = (133, 146, 160, 60)  # a tile whose image diverged


def tiles(rows: list[list[np.ndarray | None]]) -> tuple[str, int, tuple[int, int]]:
    """A sheet of images as a PNG data URI.

    Parameters
    ----------
    rows : of equal length; each entry an image (C, H, W) in [-1, 1]. An image with numbers that are not finite is
        drawn as an empty tile, None as nothing.

    Returns
    -------
    uri, the side of a tile with its gap, and the (height, width) of the sheet, in pixels.
    """
    from PIL import Image

    size = next(image.shape[-1] for row in rows for image in row if image is not None)
    zoom = -(-TILE // size)
    side = size * zoom + GAP
    sheet = np.zeros((len(rows) * side - GAP, max(map(len, rows)) * side - GAP, 4), dtype=np.uint8)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            place = (slice(i * side, i * side + side - GAP), slice(j * side, j * side + side - GAP))
            if image is None:
                continue
            if not np.isfinite(image).all():
                sheet[place] = EMPTY
                continue
            pixels = to_display(torch.from_numpy(np.ascontiguousarray(image))[None])[0]
            sheet[place][..., :3] = pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
            sheet[place][..., 3] = 255
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, format="PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(), side, sheet.shape[:2]


def sheet_figure(
    rows: list[list[np.ndarray | None]], row_labels: list[str], column_labels: list[str], title: str, column_title: str
) -> go.Figure:
    """Rows of images with a label on each row and column.

    A label above its row leaves the whole width to the images, also on a narrow screen.
    """
    strips = [tiles([row]) for row in rows]
    side, (height, width) = strips[0][1], strips[0][2]
    pitch = height * 1.45  # room above each row for its label
    figure = new_figure(int(90 + 108 * len(rows)), title, legend_rows=0)
    for i, ((uri, _, _), label) in enumerate(zip(strips, row_labels, strict=True)):
        top = i * pitch + 0.4 * height
        figure.add_layout_image(
            source=uri, xref="x", yref="y", x=0, y=top, sizex=width, sizey=height, sizing="stretch", layer="above"
        )
        figure.add_annotation(
            x=0, y=top, text=label, showarrow=False, xanchor="left", yanchor="bottom", xref="x", yref="y", align="left"
        )
    centres = [j * side + (side - GAP) / 2 for j in range(len(column_labels))]
    # layout images do not open the axes; an invisible trace does
    figure.add_trace(go.Scatter(x=[0, width], y=[0, len(rows) * pitch], mode="markers", opacity=0, hoverinfo="skip"))
    figure.update_xaxes(
        range=[0, width], tickvals=centres, ticktext=column_labels, showgrid=False, title_text=column_title, ticks=""
    )
    figure.update_xaxes(constrain="domain", constraintoward="left")
    figure.update_yaxes(
        range=[len(rows) * pitch, 0], visible=False, scaleanchor="x", constrain="domain", constraintoward="top"
    )
    figure.update_layout(showlegend=False, dragmode=False)
    figure.update_annotations(font={"size": 14}, bgcolor="rgba(0,0,0,0)", bordercolor=NEUTRAL, borderwidth=0)
    return figure


def film_strip_figure(result: TrajectoriesResult, particle: int = 0, columns: int = COLUMNS) -> go.Figure:
    """One image from noise to data: for each solver strips of x_t, predicted x0 and predicted eps, the reference first.

    Raises
    ------
    ValueError
        If the result is of 2-D data, or there is no such particle.
    """
    if result.field is not None:
        raise ValueError("film strips need images; use paths_figure for 2-D data")
    if not 0 <= particle < result.spec.particles:
        raise ValueError(f"there are particles 0 to {result.spec.particles - 1}, not {particle}")
    picked = np.unique(np.linspace(0, len(result.times) - 1, columns).round().astype(int))
    rows = [[result.reference[result.on_grid[k], particle] / _size(result, k) for k in picked]]
    labels = [f"<b>Reference</b>, x<sub>t</sub> ({result.reference_label})"]
    for path in result.paths:
        reached = len(path.times)
        lost = np.full(path.states.shape[2:], np.nan)
        rows.append([path.states[k, particle] / _size(result, k) if k < reached else lost for k in picked])
        labels.append(f"<b>{path.label}</b>, x<sub>t</sub> ({', '.join([*_outcome(path), f'NFE {path.nfe}'])})")
        before_end = [k for k in picked if k < result.spec.steps]  # nothing is predicted once the last step is done
        rows.append([path.x0[k, particle] if k < len(path.x0) else lost for k in before_end])
        rows[-1] += [None] * (len(picked) - len(before_end))
        labels.append(f"{path.label}, predicted x<sub>0</sub>")
        if not (path.stochastic or path.tried is not None):  # else no single noise explains the step
            rows.append([_noise(result, path, k, particle) if k < len(path.x0) else lost for k in before_end])
            rows[-1] += [None] * (len(picked) - len(before_end))
            labels.append(f"{path.label}, predicted ε (÷ {NOISE_RANGE:g})")
    ticks = [f"{result.log_snr[k]:.1f}".replace("-", "−") for k in picked]
    return sheet_figure(rows, labels, ticks, "", "λ = log(α/σ), noise to data")


def _noise(result: TrajectoriesResult, path: SolverPath, k: int, particle: int) -> np.ndarray:
    """eps from the state and the predicted x0, within the range of grey values."""
    eps = (path.states[k, particle] - result.alpha[k] * path.x0[k, particle]) / result.sigma[k]
    return eps / NOISE_RANGE


def _size(result: TrajectoriesResult, k: int) -> float:
    """Divides x_t so that noise of any level fits the range of grey values."""
    return float(max(1.0, np.hypot(result.alpha[k], result.sigma[k])))


def _outcome(path: SolverPath) -> list[str]:
    if path.diverged_at is not None:
        return [f"diverged in step {path.diverged_at + 1}"]
    if path.stochastic:
        return ["draws noise"]
    return [f"error {path.final_rms:.2g}"] if np.isfinite(path.final_rms) else []


def alt_film_strip(result: TrajectoriesResult, particle: int = 0) -> str:
    """What the strips show, in words."""
    shown = f"Image {particle + 1} of {result.spec.particles} from noise to data in {result.spec.steps} steps"
    ends = [f"{path.label} {', '.join(_outcome(path)) or 'no error measured'}" for path in result.paths]
    return f"{shown}, below the reference. At the end, over all images (RMS): {'; '.join(ends)}."
