"""Facts: short expressions over a result's tables, so that what a lesson says can be computed.

``summary: rms_error | solver=DDIM``            one cell: table, column, and which row
``frame: rms_error | solver=DDIM | steps=20``
``max frame: rms_error | solver=DDIM``          also min, mean, median, first, last, count of several rows
``pick min summary: rms_error -> solver``       the name in the row where the column is least (or ``max``)
``A / B``, ``A - B``                            of two facts
``percent A``, ``root A``                        a hundred times a fact, its square root
``measure: forward variance``                   a number of MEASURES, for what no table holds

A claim is a fact between bounds: ``0.4 < A < 0.5``, ``A < 0.5``, ``2 < A``.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from core.data import IMAGE_DATA
from core.lessons.lesson import Question

_JOINED = re.compile(r"(.+?) (/|-) (?=(?:max |min |mean |median |first |last |count )?(?:summary|frame|measure): )(.+)")
_PICK = re.compile(r"pick (min|max) (summary|frame): ([^|]+?)((?: \| [^|]+?)*) -> (.+)")
_CLAIM = re.compile(r"(?:([-+.\deE]+) < )?(.+?)(?: < ([-+.\deE]+))?")
_TERM = re.compile(r"(?:(max|min|mean|median|first|last|count) )?(summary|frame|measure): ([^|]+?)((?: \| [^|]+?)*)")


def evaluate(fact: str, result: Any) -> float | str:
    """The value of a fact: a number, or the name that ``pick`` finds.

    Raises
    ------
    ValueError
        If the fact cannot be read, or names a table, column or row that the result has not.
    """
    if match := _JOINED.fullmatch(fact):
        first, sign, second = match.groups()
        a, b = evaluate(first, result), evaluate(second, result)
        return a / b if sign == "/" else a - b
    if fact.startswith("percent "):
        return 100 * evaluate(fact.removeprefix("percent "), result)
    if fact.startswith("root "):
        return evaluate(fact.removeprefix("root "), result) ** 0.5
    if match := _PICK.fullmatch(fact):
        way, table, column, where, name = match.groups()
        rows = _rows(result, table, where)
        values = _column(rows, column, fact).astype(float)
        if values.isna().all():
            raise ValueError(f"{fact!r}: there is no number in any row")
        return str(rows[name].loc[values.idxmin() if way == "min" else values.idxmax()])
    if match := _TERM.fullmatch(fact):
        how, table, column, where = match.groups()
        if table == "measure":
            if column not in MEASURES:
                raise ValueError(f"there is no measure {column!r}; there are: {', '.join(MEASURES)}")
            return MEASURES[column](result)
        values = _column(_rows(result, table, where), column, fact).astype(float)
        if how is None and len(values) != 1:
            raise ValueError(f"{fact!r} means {len(values)} rows; narrow it to one, or say which of them")
        return float(_HOW[how or "first"](values))
    raise ValueError(f"cannot read the fact {fact!r}")


def answer_of(question: Question, result: Any) -> str:
    """The key of the option that the computation says is right."""
    value = evaluate(question.answer, result)
    if not question.bounds:
        if value not in question.options:
            raise ValueError(f"the answer {value!r} is none of the options {', '.join(question.options)}")
        return str(value)
    return list(question.options)[int(np.searchsorted(question.bounds, float(value)))]


def holds(claim: str, result: Any) -> bool:
    """Whether a fact lies between the bounds of a claim, both excluded.

    Raises
    ------
    ValueError
        As :func:`evaluate`, and for a claim without a bound.
    """
    low, fact, high = _CLAIM.fullmatch(claim).groups()
    if low is None and high is None:
        raise ValueError(f"the claim {claim!r} has no bound: write it as '0.4 < fact < 0.5'")
    value = evaluate(fact, result)
    return (low is None or float(low) < value) and (high is None or value < float(high))


_HOW: dict[str, Callable[[pd.Series], float]] = {
    "max": lambda values: values.max(),
    "min": lambda values: values.min(),
    "mean": lambda values: values.mean(),
    "median": lambda values: values.median(),
    "first": lambda values: values.iloc[0],
    "last": lambda values: values.iloc[-1],
    "count": lambda values: values.notna().sum(),
}


def _rows(result: Any, table: str, where: str) -> pd.DataFrame:
    rows = result.summary() if table == "summary" else result.to_frame()
    for condition in filter(None, where.split(" | ")):
        column, _, wanted = condition.partition("=")
        if column not in rows:
            raise ValueError(f"there is no column {column!r}; there are: {', '.join(map(str, rows.columns))}")
        values = rows[column]
        same = np.isclose(values.astype(float), float(wanted)) if values.dtype.kind in "if" else values == wanted
        if not same.any():
            raise ValueError(f"no row has {column} = {wanted}; there are: {', '.join(map(str, values.unique()))}")
        rows = rows[same]
    return rows


def _column(rows: pd.DataFrame, column: str, fact: str) -> pd.Series:
    if column not in rows:
        raise ValueError(f"{fact!r}: there is no column {column!r}; there are: {', '.join(map(str, rows.columns))}")
    return rows[column]


def _mean_square(values: np.ndarray) -> float:
    return float(np.square(values).mean() ** 0.5)


def _spread(states: np.ndarray) -> float:
    return float(np.var(states.reshape(len(states), -1), axis=0).mean())


MEASURES: dict[str, Callable[[Any], float]] = {
    "forward variance at the start": lambda result: _spread(result.forward[-1]),
    "forward variance at the end": lambda result: _spread(result.forward[0]),
    "steps": lambda result: result.spec.steps,
    "particles": lambda result: result.spec.particles,
    "noise sigma at the start": lambda result: float(result.sigma[0]),
    "variance of the ODE's samples": lambda result: _spread(_path(result, noisy=False).states[-1]),
    "variance of the SDE's samples": lambda result: _spread(_path(result, noisy=True).states[-1]),
    "pixels": lambda result: float(_image_shape(result)[-1] * _image_shape(result)[-2]),
    "pixel rows": lambda result: float(_image_shape(result)[-2]),
    # how far the picture, and the guess of the clean one, still are from the end, half way through the steps
    "picture to its end, half way": lambda result: _mean_square(_half_way(result).states - _end(result)),
    "guess to the end, half way": lambda result: _mean_square(_half_way(result).x0 - _end(result)),
    "share that changes sides": lambda result: float(
        (np.sign(result.reference[0][:, 0]) != np.sign(result.reference[-1][:, 0])).mean()
    ),
    "density in the gap, at first": lambda result: _gap(result)[0],
    "density in the gap, at most": lambda result: max(_gap(result)),
    "largest difference of the first two paths": lambda result: float(
        np.abs(result.paths[0].states - result.paths[1].states).max()
    ),
}


def _half_way(result: Any) -> Any:
    """States and guess of the first solver at the middle step, under the names that a path has."""
    path = result.paths[0]
    middle = len(path.x0) // 2
    return replace(path, states=path.states[middle], x0=path.x0[middle])


def _end(result: Any) -> np.ndarray:
    return result.paths[0].states[-1]


def _gap(result: Any) -> list[float]:
    """The exact density of the first coordinate at 0, from data to noise."""
    law = result.profile
    at = int(np.abs(law.axis).argmin())
    return [float(value) for value in law.density[::-1, at]]


def _image_shape(result: Any) -> tuple[int, ...]:
    return IMAGE_DATA[result.spec.data.name].shape


def _path(result: Any, noisy: bool) -> Any:
    return next(path for path in result.paths if path.stochastic == noisy)
