"""All images of a run at once, one sheet a solver, with a time slider."""

import base64
import io
import math

import numpy as np
import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from core.data import to_display
from core.experiments.trajectories import SolverPath, TrajectoriesResult
from core.figures.style import NEUTRAL, TEMPLATE
from core.figures.timeline import play_buttons, time_slider

SHOWN = {"state": "x at time t", "x0": "predicted x0"}
TIMES = 12  # pictures of each sheet, at most: each travels to the browser
COLUMNS = 2  # sheets side by side
GAP = 1  # pixel between images
LOST = 128  # grey of an image that diverged


def sheet_of(images: np.ndarray) -> np.ndarray:
    """Images (N, C, H, W) in [-1, 1] as one nearly square RGB sheet (rows, columns, 3) uint8, pixel by pixel."""
    count, side, wide = len(images), images.shape[2], images.shape[3]
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (side + GAP) - GAP, columns * (wide + GAP) - GAP, 3), 255, dtype=np.uint8)
    for i, pixels in enumerate(to_display(torch.from_numpy(np.ascontiguousarray(images)))):
        top, left = (i // columns) * (side + GAP), (i % columns) * (wide + GAP)
        sheet[top : top + side, left : left + wide] = pixels if np.isfinite(images[i]).all() else LOST
    return sheet


def sheets_figure(result: TrajectoriesResult, shown: str = "state") -> go.Figure:
    """Every image of every solver at the time of the slider.

    Raises
    ------
    ValueError
        If the result is of 2-D data, or ``shown`` is not a key of ``SHOWN``.
    """
    if result.field is not None:
        raise ValueError("sheets need images; use paths_figure for 2-D data")
    if shown not in SHOWN:
        raise ValueError(f"unknown choice {shown!r}; choose one of: {', '.join(SHOWN)}")
    steps = np.unique(np.linspace(0, result.spec.steps, min(result.spec.steps + 1, TIMES)).round().astype(int))
    columns = min(COLUMNS, len(result.paths))
    rows = math.ceil(len(result.paths) / columns)
    titles = [f"{path.label} (NFE {path.nfe})" for path in result.paths]
    figure = make_subplots(rows, columns, subplot_titles=titles, horizontal_spacing=0.04, vertical_spacing=0.1)
    figure.update_layout(template=TEMPLATE, height=150 + 420 * rows, margin={"l": 10, "r": 10, "t": 40, "b": 150})
    for place, path in enumerate(result.paths):
        figure.add_trace(_picture(result, path, steps[-1], shown), row=place // columns + 1, col=place % columns + 1)
    figure.frames = [
        go.Frame(name=str(k), data=[_picture(result, path, step, shown) for path in result.paths])
        for k, step in enumerate(steps)
    ]
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, constrain="domain")
    figure.update_annotations(font={"size": 14, "color": NEUTRAL})
    figure.update_layout(sliders=[time_slider(result, steps)], updatemenus=[play_buttons()], dragmode=False)
    return figure


def _picture(result: TrajectoriesResult, path: SolverPath, step: int, shown: str) -> go.Image:
    sheet = sheet_of(_images(result, path, step, shown))
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, format="PNG")
    uri = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    return go.Image(source=uri, zsmooth=False, hoverinfo="skip", name=path.label)


def _images(result: TrajectoriesResult, path: SolverPath, step: int, shown: str) -> np.ndarray:
    if step >= len(path.times):
        return np.full(path.states.shape[1:], np.nan)
    if shown == "x0" and step < len(path.x0):
        return path.x0[step]  # once the last step is done nothing is predicted: the image itself
    return path.states[step] / max(1.0, float(np.hypot(result.alpha[step], result.sigma[step])))


def alt_sheets(result: TrajectoriesResult, shown: str = "state") -> str:
    """What the sheets show, in words."""
    parts = [f"{path.label} with {path.nfe} evaluations" for path in result.paths]
    return (
        f"Sheets of all {result.spec.particles} images ({SHOWN[shown]}) with a slider over {result.spec.steps} steps: "
        f"{', '.join(parts)}."
    )
