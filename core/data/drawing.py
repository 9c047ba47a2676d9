"""A user's own density: painted on a lattice, set together from Gaussians, or both; as a mixture and as text for links.

The text has two parts, either of which may be missing: ``<runs>~<Gaussians>``. Runs are the painted lattice row by row
from the top left: a letter from ``a`` (nothing) to ``p`` (full) and how often it comes, without the count where it is
once (``a37cb12``). Gaussians are ``weight:x:y:length:width:degrees``, joined by ``_``.
"""

import math
import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from core.data.toy import SCALES, check_range, rescaled
from core.language import mark, message
from core.models import GaussianMixture

SIDE = 32  # cells along each side of the lattice
LEVELS = 15  # of paint
HALF = 3.0  # the sheet reaches from -HALF to HALF in both directions
CELL = 2 * HALF / SIDE
SOFT = 0.6  # width of the Gaussian on a painted cell, in cells: neighbours melt into each other
MOST_BLOBS = 12
MOST_TEXT = 4000  # characters
WIDTHS = (0.03, 3.0)
WEIGHTS = (0.01, 100.0)
_RUN = re.compile(r"([a-p])(\d*)")
_RUNS = re.compile(r"(?:[a-p]\d*)*")


@dataclass(frozen=True)
class Blob:
    """One Gaussian: its mass (1 is that of a fully painted square of side 1), centre, standard deviations along and
    across, and the angle of its length against the first axis in degrees."""

    weight: float
    x: float
    y: float
    length: float
    width: float
    degrees: float

    @property
    def covariance(self) -> np.ndarray:
        """(2, 2)."""
        angle = math.radians(self.degrees)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return turn @ np.diag([self.length**2, self.width**2]) @ turn.T


@dataclass(frozen=True)
class Drawing:
    """What was drawn: ``paint`` (SIDE, SIDE) uint8 from 0 to LEVELS, row 0 on top, and Gaussians."""

    paint: np.ndarray
    blobs: tuple[Blob, ...] = ()


def pack_drawing(drawing: Drawing) -> str:
    """The drawing as text; :func:`unpack_drawing` reads it."""
    cells = drawing.paint.reshape(-1)
    edges = [0, *(np.flatnonzero(np.diff(cells)) + 1).tolist(), len(cells)]
    runs = ""
    if cells.any():
        for start, stop in pairwise(edges):
            runs += chr(ord("a") + int(cells[start])) + (str(stop - start) if stop - start > 1 else "")
    blobs = "_".join(
        ":".join(f"{value:.4g}" for value in (b.weight, b.x, b.y, b.length, b.width, b.degrees)) for b in drawing.blobs
    )
    return f"{runs}~{blobs}"


def unpack_drawing(text: str) -> Drawing:
    """The drawing that a text describes.

    Raises
    ------
    ValueError
        With one sentence: too long, not a drawing, nothing in it, or a Gaussian out of range.
    """
    if len(text) > MOST_TEXT:
        raise ValueError(
            message("a drawing has at most {most} characters, got {count}", most=MOST_TEXT, count=len(text))
        )
    runs, _, listed = text.partition("~")
    if not _RUNS.fullmatch(runs):
        raise ValueError(
            message("a drawing begins with runs of letters from a to p with their counts, such as a37cb12")
        )
    counts = [(ord(letter) - ord("a"), int(count or 1)) for letter, count in _RUN.findall(runs)]
    total = sum(count for _, count in counts)
    if runs and total != SIDE**2:
        raise ValueError(message("a painted sheet has {side} cells, got {total}", side=SIDE**2, total=total))
    cells = np.repeat([level for level, _ in counts], [count for _, count in counts]).astype(np.uint8)
    paint = cells.reshape(SIDE, SIDE) if runs else np.zeros((SIDE, SIDE), dtype=np.uint8)
    blobs = tuple(_blob(part) for part in listed.split("_") if part)
    if len(blobs) > MOST_BLOBS:
        raise ValueError(
            message("a drawing has at most {most} Gaussians, got {count}", most=MOST_BLOBS, count=len(blobs))
        )
    if not paint.any() and not blobs:
        raise ValueError(message("there is nothing on the sheet yet: paint something or place a Gaussian"))
    return Drawing(paint, blobs)


def _blob(text: str) -> Blob:
    try:
        numbers = [float(part) for part in text.split(":")]
        blob = Blob(*numbers)
    except (ValueError, TypeError):
        raise ValueError(
            message("a Gaussian is six numbers, weight:x:y:length:width:degrees, not {text}", text=repr(text[:40]))
        ) from None
    if not all(map(math.isfinite, numbers)):
        raise ValueError(message("the numbers of a Gaussian must be finite, got {text}", text=repr(text[:40])))
    check_range(mark("weight of a Gaussian"), blob.weight, WEIGHTS, mark("a lighter one is never drawn"))
    for name, value in ((mark("length of a Gaussian"), blob.length), (mark("width of a Gaussian"), blob.width)):
        check_range(name, value, WIDTHS, mark("narrower ones are invisible, wider ones leave the sheet"))
    for name, value in ((mark("x of a Gaussian"), blob.x), (mark("y of a Gaussian"), blob.y)):
        check_range(name, value, (-HALF, HALF), mark("the sheet ends there"))
    return blob


def mixture_from_drawing(drawing: Drawing | str, scale: float = 1.0) -> GaussianMixture:
    """The drawing as a mixture, centred and scaled to unit mean variance, times ``scale``.

    A painted cell is a Gaussian of 0.6 cells with the mass of its paint.

    Raises
    ------
    ValueError
        If the text is no drawing, or the scale is out of range.
    """
    check_range(mark("scale"), scale, SCALES, mark("data far from unit size leave the range of the noise schedules"))
    drawing = unpack_drawing(drawing) if isinstance(drawing, str) else drawing
    rows, columns = np.nonzero(drawing.paint)
    centres = np.stack([(columns + 0.5) * CELL - HALF, HALF - (rows + 0.5) * CELL], axis=1)
    means = np.concatenate([centres, np.array([(b.x, b.y) for b in drawing.blobs]).reshape(-1, 2)])
    mass = np.concatenate(
        [drawing.paint[rows, columns] / LEVELS * CELL**2, np.array([b.weight for b in drawing.blobs])]
    )
    shares = mass / mass.sum()
    soft = np.eye(2) * (SOFT * CELL) ** 2
    widths = np.stack([*([soft] * len(centres)), *(b.covariance for b in drawing.blobs)])
    centred = means - shares @ means
    spread = math.sqrt((shares @ centred**2).mean() + (shares @ widths.diagonal(axis1=1, axis2=2)).mean())
    places, weights = torch.from_numpy(centred / spread), torch.from_numpy(shares)
    if drawing.blobs:
        covariances = torch.from_numpy(widths / spread**2)
        mixture = GaussianMixture(places, weights=weights, covariances=(covariances + covariances.mT) / 2)
    else:
        mixture = GaussianMixture(places, SOFT * CELL / spread, weights)
    return rescaled(mixture, scale)


EXAMPLE = "~1:-1.2:0.9:0.5:0.25:35_1:1.3:0.8:0.5:0.25:-35_1.5:0:-1.1:1.1:0.22:0"  # what an empty sheet begins with
