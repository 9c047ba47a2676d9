"""A specification as link parameters or as a recipe, and back, with one sentence for each thing that does not fit."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from core.data import IMAGE_DATA, TOY_DATA
from core.data.drawing import EXAMPLE
from core.experiments.choices import refusals
from core.experiments.run import EXPERIMENTS
from core.experiments.specification import (
    CUSTOM,
    DRAWN,
    OWN,
    Data,
    Frozen,
    ImageData,
    Specification,
    ToyData,
)
from core.language import joined, mark, message

MOST_POINTS = 100  # of a user's own data in a link: longer addresses are cut by mail programs and chats
IMAGE_DEFAULTS = {"training": 8, "step_counts": (5, 10, 20, 40, 80)}
_BETWEEN_ENTRIES = re.compile(r",(?![^()]*\))")  # a comma inside brackets belongs to an option
DATA_KEYS = ("data", "scale", "bandwidth", "label", "guidance", "points", "drawing")


def known_keys(kind: type[Frozen]) -> tuple[str, ...]:
    """The parameters that a specification of this class has."""
    return (*DATA_KEYS, *_keys(kind))


def default_spec(kind: type[Frozen], data: Data) -> Any:
    """What a link that names only the data stands for: fewer particles and steps where they are images."""
    fields: dict[str, Any] = {"data": data}
    if data.kind == "images":
        fields |= {key: value for key, value in IMAGE_DEFAULTS.items() if key in kind.model_fields}
        fields |= kind.image_defaults
        if "particles" in kind.model_fields:
            fields["particles"] = kind.image_particles
    return kind.model_validate(fields)


def to_params(spec: Specification, most_points: int = MOST_POINTS) -> dict[str, str]:
    """The specification as flat text parameters: only what differs from the defaults.

    A user's own points are included up to ``most_points``; beyond that a link cannot carry them.
    """
    params = _data_params(spec.data, most_points)
    default = default_spec(type(spec), spec.data)
    for key in _keys(type(spec)):
        value = getattr(spec, key)
        if value != getattr(default, key):
            params[key] = _text(value)
    return params


def carries(spec: Specification, most_points: int = MOST_POINTS) -> bool:
    """Whether a link can bring ``spec`` back: one with more points of the user's own than it has room for cannot."""
    points = getattr(spec.data, "points", None)
    return points is None or len(points) <= most_points


def from_params(kind: type[Frozen], params: Mapping[str, str]) -> tuple[Any, list[str]]:
    """The specification that link parameters describe, and one sentence for each that was left out.

    Never raises: a value that cannot be read, is out of range or clashes with the others is dropped alone, and so is
    a bad entry of a list whose others are good.
    """
    problems: list[str] = []
    spec = _opening(kind, _read_data(kind, params, problems), problems)
    left = [key for key in _keys(kind) if key in params]
    clashes: list[str] = []
    while left:  # some values fit only once others are in force: as long as one goes in, the rest get another try
        clashes, refused = [], []
        for key in left:
            before = len(clashes)
            spec = _with(spec, key, _value(spec, key, params[key]), params[key], clashes)
            refused += [key] if len(clashes) > before else []
        if refused == left:
            break
        left = refused
    problems += clashes
    for key in params:
        if key not in known_keys(kind):
            problems.append(
                message(
                    "There is no setting {key}; known are {known}.", key=_brief(key), known=", ".join(known_keys(kind))
                )
            )
    return spec, problems


def _opening(kind: type[Frozen], data: Data, problems: list[str]) -> Any:
    """What the experiment opens with for these data; where it cannot serve them, without guidance or with its own."""
    unguided = data.model_copy(update={"guidance": None})
    for served in dict.fromkeys((data, unguided)):
        try:
            return default_spec(kind, served)
        except ValidationError as error:
            why = joined(plain_errors(error), "; ")
            problems.append(message("Cannot use the data {data} here: {why}.", data=_brief(served.name), why=why))
    return kind()


def _keys(kind: type[Frozen]) -> list[str]:
    """Every field but the data and the kind; the schedule comes before the times that must fit it."""
    return [key for key in kind.model_fields if key not in ("data", "kind")]


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(_text(item) for item in value)
    return repr(value) if isinstance(value, float) else str(value)


def _value(spec: Any, key: str, text: str) -> Any:
    is_list = isinstance(getattr(spec, key), tuple)
    parts = _BETWEEN_ENTRIES.split(text)
    return tuple(part.strip() for part in parts if part.strip()) if is_list else text


def _brief(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def _with(spec: Any, key: str, value: Any, text: str, problems: list[str]) -> Any:
    """``spec`` with the field ``key`` set to ``value``, or ``spec`` itself and a sentence."""
    fields = {name: getattr(spec, name) for name in type(spec).model_fields}
    try:
        return type(spec).model_validate(fields | {key: value})
    except ValidationError as error:
        why = joined(plain_errors(error, within=key), "; ")
        problems.append(message("Cannot use {key} = {given}: {why}.", key=key, given=_brief(text), why=why))
        places = [place["loc"] for place in error.errors(include_url=False)]
    bad = {place[1] for place in places if len(place) > 1 and place[0] == key and isinstance(place[1], int)}
    if not bad or not isinstance(value, tuple):
        return spec
    # only entries were wrong: the others stay, if they may stand without those
    try:
        return type(spec).model_validate(fields | {key: tuple(v for i, v in enumerate(value) if i not in bad)})
    except ValidationError:
        return spec


def _data_params(data: Data, most_points: int) -> dict[str, str]:
    default = type(data)()
    params = {} if data.name == ToyData().name else {"data": data.name}
    params |= {key: str(value) for key in ("label", "guidance") if (value := getattr(data, key)) is not None}
    if isinstance(data, ImageData):
        return params
    for key in ("scale", "bandwidth"):
        if getattr(data, key) != getattr(default, key):
            params[key] = repr(getattr(data, key))
    if data.points is not None and len(data.points) <= most_points:
        params["points"] = points_text(data.points)
    if data.drawing is not None:
        params["drawing"] = data.drawing
    return params


def points_text(points: Iterable[tuple[float, float]]) -> str:
    """Points as one parameter: ``x:y_x:y``."""
    return "_".join(f"{x!r}:{y!r}" for x, y in points)


def _read_data(kind: type[Frozen], params: Mapping[str, str], problems: list[str]) -> Data:
    name = params.get("data", ToyData().name)
    start: dict[str, Any] = {"name": name}
    if name == CUSTOM:
        points = _read_points(params, problems)
        start = {"name": CUSTOM, "points": points} if points else {}
    elif name == DRAWN:
        drawing = _read_drawing(params, problems)
        start = {"name": DRAWN, "drawing": drawing} if drawing else {}
    elif name in IMAGE_DATA:
        data = _classed(_first(name, params), params, problems)
        return _warn_unused(data, ("scale", "bandwidth", "points", "drawing"), params, problems)
    elif name not in TOY_DATA:
        known = [*TOY_DATA, *IMAGE_DATA, *OWN]
        problems.append(
            message("Cannot use data = {given}: known are {known}.", given=_brief(name), known=", ".join(known))
        )
        start = {}
    data = ToyData(**start)
    for key in ("scale", "bandwidth"):
        if key in params:
            data = _with(data, key, params[key], params[key], problems)
    if name in OWN:
        other = "drawing" if name == CUSTOM else "points"
        return _warn_unused(data, ("label", "guidance", other), params, problems)
    return _warn_unused(_classed(data, params, problems), ("points", "drawing"), params, problems)


def _first(name: str, params: Mapping[str, str]) -> ImageData:
    """The image set as far as it stands alone: a network that needs a class begins with its first."""
    return ImageData(name=name, label=0 if IMAGE_DATA[name].needs_label else None)


def _classed(data: Data, params: Mapping[str, str], problems: list[str]) -> Data:
    """With the class and the guidance; together first, since a class may need guidance to be told apart."""
    given = {key: params[key] for key in ("label", "guidance") if key in params}
    try:
        return type(data).model_validate({name: getattr(data, name) for name in type(data).model_fields} | given)
    except ValidationError:
        for key, text in given.items():
            data = _with(data, key, text, text, problems)
        return data


def _warn_unused(data: Data, keys: tuple[str, ...], params: Mapping[str, str], problems: list[str]) -> Data:
    for key in keys:
        if key in params:
            problems.append(
                message(
                    "Cannot use {key} = {given}: the data {data} have no {key}.",
                    key=key,
                    given=_brief(params[key]),
                    data=repr(data.name),
                )
            )
    return data


def _read_points(params: Mapping[str, str], problems: list[str]) -> tuple[tuple[float, float], ...] | None:
    if "points" not in params:
        problems.append(
            message(
                "The link cannot carry own data of more than {most} points; upload the file again.", most=MOST_POINTS
            )
        )
        return None
    try:
        points = [tuple(float(number) for number in pair.split(":")) for pair in params["points"].split("_")]
        return ToyData(name=CUSTOM, points=points).points
    except ValidationError as error:
        problems.append(message("Cannot use the points: {why}.", why=joined(plain_errors(error)[:1], "; ")))
    except ValueError:
        problems.append(
            message("Cannot use the points {given}: write x:y_x:y, two numbers each.", given=_brief(params["points"]))
        )
    return None


def _read_drawing(params: Mapping[str, str], problems: list[str]) -> str | None:
    try:
        return ToyData(name=DRAWN, drawing=params.get("drawing", EXAMPLE)).drawing  # no sheet yet: the first one
    except ValidationError as error:
        problems.append(message("Cannot use the drawing: {why}.", why=joined(plain_errors(error)[:1], "; ")))
    return None


def load_recipe(text: str) -> Specification:
    """A specification from the JSON that ``spec.model_dump_json()`` wrote.

    Raises
    ------
    ValueError
        With one sentence, if the text is no JSON or describes no valid experiment.
    """
    try:
        fields = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as problem:
        raise ValueError(
            message(
                "the recipe is not JSON: {what} in line {line}", what=_json_reason(problem.msg), line=problem.lineno
            )
        ) from None
    except (ValueError, RecursionError):
        raise ValueError(
            message("the recipe is not JSON that can be read: a number or the nesting is too long")
        ) from None
    if not isinstance(fields, dict) or fields.get("kind") not in EXPERIMENTS:
        raise ValueError(message("the recipe must have a kind, one of: {names}", names=", ".join(EXPERIMENTS)))
    try:
        return EXPERIMENTS[fields["kind"]].specification.model_validate(fields)
    except ValidationError as problem:
        raise ValueError(message("the recipe does not fit: {why}", why=joined(plain_errors(problem), "; "))) from None


_NESTED = (dict, list, tuple)  # too long for a sentence

# pydantic's own phrases speak of inputs and tuples
_PLAIN = {
    "int_parsing": mark("it must be a whole number"),
    "int_from_float": mark("it must be a whole number"),
    "int_type": mark("it must be a whole number"),
    "float_parsing": mark("it must be a number"),
    "float_type": mark("it must be a number"),
    "finite_number": mark("it must be a finite number"),
    "greater_than_equal": mark("it must be at least {ge:.15g}"),
    "less_than_equal": mark("it must be at most {le:.15g}"),
    "too_short": mark("at least {min_length} needed"),
    "too_long": mark("at most {max_length} allowed"),
    "literal_error": mark("it must be {expected}"),
    "string_type": mark("it must be text"),
    "tuple_type": mark("it must be a list"),
    "bool_parsing": mark("it must be true or false"),
    "bool_type": mark("it must be true or false"),
    "missing": mark("it is missing"),
    "model_type": mark("it must be an object with named settings"),
    "model_attributes_type": mark("it must be an object with named settings"),
    "union_tag_invalid": mark("its kind must be {expected_tags}"),
    "union_tag_not_found": mark("it must have a kind"),
    "extra_forbidden": mark("there is no such setting"),
}


def _either(value: Any) -> Any:
    """What pydantic lists as "a, b or c", with the "or" of the language on screen; anything else as it is."""
    names, last = value.rsplit(" or ", 1) if isinstance(value, str) and " or " in value else ("", "")
    return message("{names} or {last}", names=names, last=last) if last else value


# the reasons that Python's reader of JSON gives
_JSON = (
    mark("Expecting value"),
    mark("Expecting property name enclosed in double quotes"),
    mark("Expecting ':' delimiter"),
    mark("Expecting ',' delimiter"),
    mark("Extra data"),
    mark("Unterminated string starting at"),
    mark("Invalid control character at"),
    mark("Invalid \\escape"),
)


def _json_reason(text: str) -> str:
    return message(text) if text in _JSON else text


def plain_errors(problem: ValidationError, within: str = "") -> list[str]:
    """Each error in plain words: the field (unless it is ``within``), what is allowed, what was given."""
    errors = problem.errors(include_url=False)
    lines = []
    for error, said in zip(errors, refusals(problem), strict=True):
        place = error["loc"]
        if any(len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in errors if place):
            continue  # a list that is too short only because an entry was wrong
        if error["type"] in _PLAIN:
            unsaid = place == (within,) or error["type"] == "extra_forbidden" or isinstance(error["input"], _NESTED)
            given = "" if unsaid else error["input"]
            told = message(_PLAIN[error["type"]], **{key: _either(one) for key, one in error.get("ctx", {}).items()})
            told = message("{what}, not {given}", what=told, given=_brief(str(given))) if given != "" else told
        else:
            told = said
        field = ".".join(str(part) for part in place if part not in ("toy", "images"))
        named = place[:1] == (within,) or not field
        lines.append(told if named else message("{field}: {what}", field=field, what=told))
    return lines
