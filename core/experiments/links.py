"""A specification as link parameters or as a recipe, and back, with one sentence for each thing that does not fit."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from core.data import IMAGE_DATA, TOY_DATA
from core.experiments.run import EXPERIMENTS
from core.experiments.specification import (
    CUSTOM,
    Data,
    Frozen,
    ImageData,
    Setting,
    Specification,
    ToyData,
)

MOST_POINTS = 100  # of a user's own data in a link: longer addresses are cut by mail programs and chats
IMAGE_DEFAULTS = {"particles": 8, "step_counts": (5, 10, 20, 40, 80)}
DATA_KEYS = ("data", "scale", "bandwidth", "label", "points")


def default_spec(kind: type[Frozen], data: Data) -> Any:
    """What a link that names only the data stands for: fewer particles and steps where they are images."""
    fields: dict[str, Any] = {"data": data}
    if data.kind == "images":
        fields |= {key: value for key, value in IMAGE_DEFAULTS.items() if key in kind.model_fields}
    return kind.model_validate(fields)


def to_params(spec: Specification) -> dict[str, str]:
    """The specification as flat text parameters: only what differs from the defaults.

    A user's own points are included up to ``MOST_POINTS``; beyond that the link cannot carry them.
    """
    params = _data_params(spec.data)
    default = default_spec(type(spec), spec.data)
    for key in _keys(type(spec)):
        value = getattr(spec, key)
        if value != getattr(default, key):
            params[key] = _text(value)
    return params


def from_params(kind: type[Frozen], params: Mapping[str, str]) -> tuple[Any, list[str]]:
    """The specification that link parameters describe, and one sentence for each that was left out.

    Never raises: a value that cannot be read, is out of range or clashes with the others is dropped alone.
    """
    problems: list[str] = []
    spec = default_spec(kind, _read_data(kind, params, problems))
    for key in _keys(kind):
        if key in params:
            spec = _with(spec, {key: _value(spec, key, params[key])}, key, params[key], problems)
    known = {*DATA_KEYS, *_keys(kind)}
    for key in params:
        if key not in known:
            problems.append(f"The link has an unknown setting {key[:30]!r}; known are {', '.join(sorted(known))}.")
    return spec, problems


def _keys(kind: type[Frozen]) -> list[str]:
    """Every field but the data and the kind; the schedule comes before the times that must fit it."""
    return [key for key in kind.model_fields if key not in ("data", "kind")]


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(_text(item) for item in value)
    return repr(value) if isinstance(value, float) else str(value)


def _value(spec: Any, key: str, text: str) -> Any:
    is_list = isinstance(getattr(spec, key), tuple)
    return tuple(part.strip() for part in text.split(",") if part.strip()) if is_list else text


def _with(spec: Any, change: dict[str, Any], key: str, text: str, problems: list[str]) -> Any:
    """``spec`` with ``change``, or ``spec`` itself and a sentence."""
    fields = {name: getattr(spec, name) for name in type(spec).model_fields}
    try:
        return type(spec).model_validate(fields | change)
    except ValidationError as error:
        problems.append(
            f"The link asks for {key} = {text[:40]!r}, which is left out: {'; '.join(plain_errors(error))}."
        )
        return spec


def _data_params(data: Data) -> dict[str, str]:
    default = type(data)()
    params = {} if data.name == ToyData().name else {"data": data.name}
    if isinstance(data, ImageData):
        return params if data.label is None else params | {"label": str(data.label)}
    for key in ("scale", "bandwidth"):
        if getattr(data, key) != getattr(default, key):
            params[key] = repr(getattr(data, key))
    if data.points is not None and len(data.points) <= MOST_POINTS:
        params["points"] = "_".join(f"{x!r}:{y!r}" for x, y in data.points)
    return params


def _read_data(kind: type[Frozen], params: Mapping[str, str], problems: list[str]) -> Data:
    name = params.get("data", ToyData().name)
    images = issubclass(kind, Setting)
    start: dict[str, Any] = {"name": name}
    if name == CUSTOM:
        points = _read_points(params, problems)
        start = {"name": CUSTOM, "points": points} if points else {}
    elif name in IMAGE_DATA and images:
        data: Data = ImageData(name=name)
        if "label" in params:
            data = _with(data, {"label": params["label"]}, "label", params["label"], problems)
        return _warn_unused(data, ("scale", "bandwidth", "points"), params, problems)
    elif name not in TOY_DATA:
        known = [*TOY_DATA, *(IMAGE_DATA if images else ())]
        problems.append(f"The link asks for the data {name[:40]!r}, which do not exist; known are {', '.join(known)}.")
        start = {}
    data = ToyData(**start)
    for key in ("scale", "bandwidth"):
        if key in params:
            data = _with(data, {key: params[key]}, key, params[key], problems)
    return _warn_unused(data, ("label",) if name == CUSTOM else ("label", "points"), params, problems)


def _warn_unused(data: Data, keys: tuple[str, ...], params: Mapping[str, str], problems: list[str]) -> Data:
    for key in keys:
        if key in params:
            problems.append(
                f"The setting {key!r} of the link does not apply to the data {data.name!r}; it is left out."
            )
    return data


def _read_points(params: Mapping[str, str], problems: list[str]) -> tuple[tuple[float, float], ...] | None:
    if "points" not in params:
        problems.append(f"The link cannot carry own data of more than {MOST_POINTS} points; upload the file again.")
        return None
    try:
        points = [tuple(float(number) for number in pair.split(":")) for pair in params["points"].split("_")]
        return ToyData(name=CUSTOM, points=points).points
    except (ValueError, ValidationError):
        problems.append("The points in the link cannot be read; they are written x:y_x:y and at least 2 are needed.")
        return None


def load_recipe(text: str) -> Specification:
    """A specification from the JSON that ``spec.model_dump_json()`` wrote.

    Raises
    ------
    ValueError
        With one sentence, if the text is no JSON or describes no valid experiment.
    """
    try:
        fields = json.loads(text)
    except json.JSONDecodeError as problem:
        raise ValueError(f"the recipe is not JSON: {problem.msg} in line {problem.lineno}") from None
    except RecursionError:
        raise ValueError("the recipe is nested too deeply to be one") from None
    if not isinstance(fields, dict) or fields.get("kind") not in EXPERIMENTS:
        raise ValueError(f"the recipe must have a kind, one of: {', '.join(EXPERIMENTS)}")
    try:
        return EXPERIMENTS[fields["kind"]].specification.model_validate(fields)
    except ValidationError as problem:
        raise ValueError("the recipe does not fit: " + "; ".join(plain_errors(problem))) from None


def plain_errors(problem: ValidationError) -> list[str]:
    """Each validation error as one plain phrase: the field, what is wrong, what was given."""
    lines = []
    for error in problem.errors(include_url=False):
        place = ".".join(str(part) for part in error["loc"] if not isinstance(part, str) or "-" not in part)
        message = error["msg"].removeprefix("Value error, ")
        lines.append(f"{place}: {message}" if place else message)
    return lines
