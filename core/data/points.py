"""A user's own points: read from a CSV file, checked, and turned into a mixture."""

import csv
import io
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from core.data.toy import BANDWIDTHS, SCALES, check_range, mixture_at, rescaled
from core.language import joined, mark, message
from core.models import GaussianMixture
from core.noise import generator

MAX_BYTES = 64_000_000  # a million points as text, with every digit of a float64
MAX_LINES = 2_000_000  # some seconds of reading
MAX_LINE = 10_000  # characters; two numbers and their titles need far fewer
MAX_POINTS = 2000  # components of the mixture: each model call costs particles x components exponentials
LARGEST = 1e12  # coordinate; squares of larger ones lose the digits that tell points apart
DELIMITERS = ";\t, "  # the comma late, since it may also be a decimal point


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

    Comma, semicolon, tab or spaces separate; one header line is allowed. Where another mark separates, a comma in a
    number is a decimal point. More than ``MAX_POINTS`` points are thinned at random (always in the same way). ``note``
    states either.

    Raises
    ------
    ValueError
        With one sentence: too large, not text, empty, not two columns, a cell that is no finite number (with its line),
        fewer than two points, or all points equal.
    """
    try:
        with closing(_lines(source)) as lines:
            points, note = _parsed(lines)
    except UnicodeDecodeError:
        raise ValueError(message("the file is not text (UTF-8); save it as CSV with two columns of numbers")) from None
    if len(points) < 2:
        raise ValueError(message("the file holds one point; a data set needs at least 2"))
    if np.ptp(points, axis=0).max() == 0:
        raise ValueError(message("all points in the file are equal; a data set needs at least 2 different ones"))
    if len(points) > MAX_POINTS:
        thinned = message(
            "{count:,} points were thinned at random to {most:,}, the most that a live picture can use",
            count=len(points),
            most=MAX_POINTS,
        )
        points = points[np.sort(generator(0, "thin").choice(len(points), MAX_POINTS, replace=False))]
        note = joined([note, thinned], "; ") if note else thinned
    return PointSet(points, note)


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
        raise ValueError(
            message(
                "points must be 1 to {most} pairs of finite numbers, got shape {shape}",
                most=MAX_POINTS,
                shape=points.shape,
            )
        )
    check_range(
        mark("bandwidth"), bandwidth, BANDWIDTHS, mark("narrower points are invisible, wider ones hide the data")
    )
    check_range(mark("scale"), scale, SCALES, mark("data far from unit size leave the range of the noise schedules"))
    if not standardise:
        return rescaled(GaussianMixture(points, bandwidth), scale)
    return rescaled(mixture_at(points, bandwidth), scale)


def _lines(source: bytes | str | Path) -> Generator[tuple[int, str], None, None]:
    """The lines that are not blank, with their numbers; a file is never held as a whole."""
    if isinstance(source, Path):
        if not source.is_file():
            raise ValueError(message("there is no file {source}", source=repr(str(source))))
        size = source.stat().st_size
    else:
        size = len(source)
    if size > MAX_BYTES:
        raise ValueError(
            message(
                "the file has {size:.0f} MB; at most {most:.0f} MB can be read",
                size=size / 1e6,
                most=MAX_BYTES / 1e6,
            )
        )
    if isinstance(source, Path):
        stream: io.BufferedIOBase = source.open("rb")
    else:
        stream = io.BytesIO(source.encode(errors="replace") if isinstance(source, str) else source)
    return _numbered(stream)


def _numbered(stream: io.BufferedIOBase) -> Generator[tuple[int, str], None, None]:
    # utf-8-sig: spreadsheets put a byte order mark first
    with io.TextIOWrapper(stream, encoding="utf-8-sig") as text:
        for number, line in enumerate(text, start=1):
            if number > MAX_LINES:
                raise ValueError(
                    message("the file has more than {most:,} lines; give at most that many points", most=MAX_LINES)
                )
            if len(line) > MAX_LINE:
                raise ValueError(
                    message(
                        "line {number} has more than {most:,} characters; every line needs 2 numbers",
                        number=number,
                        most=MAX_LINE,
                    )
                )
            if line.strip():
                yield number, line.strip("\r\n")


def _parsed(lines: Iterator[tuple[int, str]]) -> tuple[np.ndarray, str]:
    """The points (M, 2), and a note if commas were taken for decimal points."""
    first = next(lines, None)
    if first is None:
        raise ValueError(message("the file is empty; it needs two columns of numbers, one point a line"))
    second = next(lines, None)
    delimiter = _delimiter((second or first)[1])
    ahead = [line for line in (first, second) if line is not None]
    if not any(_number(cell, delimiter) is not None for cell in _cells(first[1], delimiter)):
        ahead = ahead[1:]  # a header
        if not ahead:
            raise ValueError(message("the file has a header line but no points; it needs two columns of numbers"))
    decimal_commas = False

    def points() -> Iterator[tuple[float, float]]:
        nonlocal decimal_commas
        for number, line in chain(ahead, lines):
            decimal_commas = decimal_commas or (delimiter != "," and "," in line)
            yield _point(number, _cells(line, delimiter), delimiter)

    read = np.fromiter(points(), dtype=np.dtype((float, 2)))
    return read, message("commas were read as decimal points") if decimal_commas else ""


def _delimiter(line: str) -> str:
    """The mark that leaves two numbers, or else two cells, or else several; the comma if none does."""

    def fit(mark: str) -> int:
        cells = [cell for cell in _cells(line.strip(), mark) if cell]
        if len(cells) != 2:
            return min(len(cells), 2) - 1
        return 2 + all(_number(cell, mark) is not None for cell in cells)

    best = max(DELIMITERS, key=fit)  # the first of equals
    return best if fit(best) else ","


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return line.split()
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader(io.StringIO(line), delimiter=delimiter))]
    except csv.Error:  # a NUL, on some versions
        return [line]


def _number(cell: str, delimiter: str) -> float | None:
    if delimiter != "," and "," in cell:
        cell = cell.replace(",", ".")
    try:
        return None if "_" in cell else float(cell)  # Python reads 1_000 as a number; nobody writes data like that
    except ValueError:
        return None


def _point(number: int, cells: list[str], delimiter: str) -> tuple[float, float]:
    if len(cells) != 2:
        raise ValueError(
            message("line {number} has 1 column; every line needs exactly 2 numbers", number=number)
            if len(cells) == 1
            else message(
                "line {number} has {count} columns; every line needs exactly 2 numbers", number=number, count=len(cells)
            )
        )
    values = [_number(cell, delimiter) for cell in cells]
    for cell, value in zip(cells, values, strict=True):
        if value is None or not abs(value) <= LARGEST:  # true for NaN as well
            raise ValueError(
                message(
                    "line {number} holds {cell}, which is not a number of at most {largest:g}",
                    number=number,
                    cell=repr(cell[:20]),
                    largest=LARGEST,
                )
            )
    return values[0], values[1]
