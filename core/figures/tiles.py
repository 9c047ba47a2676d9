"""Images in figures: sheets of tiles with crisp pixels, sent as one PNG."""

import base64
import io

import numpy as np
import plotly.graph_objects as go
import torch

from core.data import to_display
from core.figures.style import NEUTRAL, new_figure

TILE = 64  # pixels to which a tile is blown up, at least: browsers blur small images when they stretch them
GAP = 4
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
