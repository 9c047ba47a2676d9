"""A user's own points: read from a CSV file, checked, and turned into a mixture."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.toy import BANDWIDTHS, SCALES, check_range, mixture_at, rescaled
from core.models import GaussianMixture
from core.noise import generator

MAX_BYTES = 20_000_000  # a million points as text
MAX_POINTS = 2000  # components of the mixture: each model call costs particles x components exponentials
LARGEST = 1e12  # coordinate; squares of larger ones lose the digits that tell points apart
DELIMITERS = ",;\t "


@dataclass(frozen=True)
class PointSet:
    """Points read from a file.

    Attributes
    ----------
    points : (M, 2) float64, 2 <= M <= ``MAX_POINTS``.
    note : one sentence on what was changed while reading; empty if nothing.
    """

    points: np.ndarray
    note: str = ""


def read_points(source: bytes | str | Path) -> PointSet:
    """Read two columns of numbers from CSV text (as bytes or str) or from a file (as a Path).

    Comma, semicolon, tab or spaces separate; one header line is allowed. More than ``MAX_POINTS`` points are thinned
    at random (always in the same way), which ``note`` states.

    Raises
    ------
    ValueError
        With one sentence: too large, not text, empty, not two columns, a cell that is no finite number (with its line),
        fewer than two points, or all points equal.
    """
    text = _text(source)
    rows = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not rows:
        raise ValueError("the file is empty; it needs two columns of numbers, one point a line")
    delimiter = _delimiter(rows[min(1, len(rows) - 1)][1])
    if not _is_numeric(_cells(rows[0][1], delimiter)):
        if len(rows) == 1:
            raise ValueError("the file has a header line but no points; it needs two columns of numbers")
        rows = rows[1:]  # a header
    points = np.array([_point(number, _cells(line, delimiter)) for number, line in rows])
    if len(points) < 2:
        raise ValueError("the file holds one point; a data set needs at least 2")
    if np.ptp(points, axis=0).max() == 0:
        raise ValueError("all points in the file are equal; a data set needs at least 2 different ones")
    if len(points) <= MAX_POINTS:
        return PointSet(points)
    chosen = np.sort(generator(0, "thin").choice(len(points), MAX_POINTS, replace=False))
    note = f"{len(points):,} points were thinned at random to {MAX_POINTS:,}, the most that a live picture can use"
    return PointSet(points[chosen], note)


def mixture_from_points(
    points: np.ndarray, bandwidth: float, scale: float = 1.0, standardise: bool = True
) -> GaussianMixture:
    """Equal Gaussians of width ``bandwidth`` on ``points`` (M, 2), centred and scaled to unit mean variance.

    Raises
    ------
    ValueError
        If the points have another shape, or bandwidth or scale are out of range.
    """
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or not 1 <= len(points) <= MAX_POINTS or not np.isfinite(points).all():
        raise ValueError(f"points must be 1 to {MAX_POINTS} pairs of finite numbers, got shape {points.shape}")
    check_range("bandwidth", bandwidth, BANDWIDTHS, "narrower points are invisible, wider ones hide the data")
    check_range("scale", scale, SCALES, "data far from unit size leave the range of the noise schedules")
    if not standardise:
        return rescaled(GaussianMixture(points, bandwidth), scale)
    return rescaled(mixture_at(points, bandwidth), scale)


def _text(source: bytes | str | Path) -> str:
    if isinstance(source, Path):
        if not source.is_file():
            raise ValueError(f"there is no file {str(source)!r}")
        size = source.stat().st_size
        content: bytes | str = source.read_bytes() if size <= MAX_BYTES else b""
    else:
        content, size = source, len(source)
    if size > MAX_BYTES:
        raise ValueError(f"the file has {size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB can be read")
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        return text.removeprefix("\ufeff")  # the byte order mark that spreadsheets put first
    except UnicodeDecodeError:
        raise ValueError("the file is not text (UTF-8); save it as CSV with two columns of numbers") from None


def _delimiter(line: str) -> str:
    return next((d for d in DELIMITERS if len([c for c in line.strip().split(d) if c.strip()]) > 1), ",")


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return line.split()
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader(io.StringIO(line), delimiter=delimiter))]
    except csv.Error:  # a NUL, or a cell of more than 131,072 characters
        return [line]


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _is_numeric(cells: list[str]) -> bool:
    return any(_number(cell) is not None for cell in cells)


def _point(number: int, cells: list[str]) -> tuple[float, float]:
    if len(cells) != 2:
        raise ValueError(f"line {number} has {len(cells)} columns; every line needs exactly 2 numbers")
    values = [_number(cell) for cell in cells]
    for cell, value in zip(cells, values, strict=True):
        if value is None or not abs(value) <= LARGEST:  # true for NaN as well
            raise ValueError(f"line {number} holds {cell[:20]!r}, which is not a number of at most {LARGEST:g}")
    return values[0], values[1]
