"""A solver or a time grid with its options, as one frozen value with one spelling."""

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from torch import Tensor

from core.grids import GRIDS, GridInfo, make_grid
from core.language import mark, message, reason
from core.models.guidance import GUIDANCE, GuidanceInfo
from core.schedules import Schedule
from core.solvers import SOLVERS

Value = bool | float | str | tuple[float, ...]


class Frozen(BaseModel):
    """Immutable, refuses unknown fields and numbers that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    image_defaults: ClassVar[Mapping[str, Any]] = {}  # where a link names images alone: what differs from other kinds


class Choice(Frozen):
    """An entry of a registry with its options; written ``name`` or ``name(option=value;option=value)``.

    The numbers of a list are divided by blanks. Options at their default are left out, so that one choice has one
    spelling (and one cache key).
    """

    name: str
    options: tuple[tuple[str, Value], ...] = ()

    word: ClassVar[str]
    called: ClassVar[str]  # an option of it, in messages
    registry: ClassVar[Mapping[str, Any]]

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return parse_choice(value, cls.word) if isinstance(value, str) else value

    @field_validator("options")
    @classmethod
    def _changed(cls, options: tuple, info: ValidationInfo) -> tuple:
        name = info.data.get("name")
        known = cls.registry[name].options if name in cls.registry else {}
        given = {k: known[k].check(message(cls.called, key=k, name=name), v) if k in known else v for k, v in options}
        return tuple((k, v) for k, v in given.items() if k not in known or not _same(v, known[k].default))

    @model_serializer
    def __str__(self) -> str:
        inside = ";".join(f"{key}={option_text(value)}" for key, value in self.options)
        return f"{self.name}({inside})" if inside else self.name

    @property
    def label(self) -> str:
        """Title on screen, with the options that differ from the defaults."""
        title, known = self.registry[self.name].title, self.registry[self.name].options
        changed = [f"{known[key].symbol or key} = {_brief(value)}" for key, value in self.options]
        return message("{title} ({options})", title=message(title), options=", ".join(changed)) if changed else title


class SolverChoice(Choice):
    """A solver with its options."""

    word = mark("solver")
    called = mark("{key} of {name}")
    registry = SOLVERS

    @model_validator(mode="after")
    def _known(self) -> "SolverChoice":
        SOLVERS[self.name].make(**dict(self.options))
        return self

    @property
    def exact_data(self) -> bool:
        """Whether it needs the exact density of the data, which a learned model has not."""
        info = SOLVERS[self.name]
        return info.exact_data or any(value in info.options[key].exact for key, value in self.options)


class GridChoice(Choice):
    """A time grid with its options."""

    word = mark("time grid")
    called = mark("option {key} of grid '{name}'")
    registry = GRIDS

    @model_validator(mode="after")
    def _known(self) -> "GridChoice":
        self.info.values(self.name, dict(self.options))
        return self

    @property
    def info(self) -> GridInfo:
        """Its entry in the registry."""
        return self.registry[self.name]

    def times(self, schedule: Schedule, steps: int, t_start: float | None = None, t_end: float | None = None) -> Tensor:
        """The grid itself: (S + 1,) float64. Raises ValueError as :func:`core.grids.make_grid` does."""
        return make_grid(self.name, schedule, steps, t_start, t_end, **dict(self.options))


class GuidanceChoice(Choice):
    """A kind of guidance with its options."""

    word = mark("guidance")
    called = mark("{key} of {name} guidance")
    registry = GUIDANCE

    @model_validator(mode="after")
    def _known(self) -> "GuidanceChoice":
        values = self.info.values(dict(self.options))
        if not values["low"] < values["high"]:
            raise ValueError(
                message(
                    "guidance acts on a range of lambda, from low to high; got {low:g} to {high:g}",
                    low=values["low"],
                    high=values["high"],
                )
            )
        return self

    @property
    def info(self) -> GuidanceInfo:
        """Its entry in the registry."""
        return self.registry[self.name]


def _same(value: Value, default: Value) -> bool:
    return value == default and isinstance(value, bool) == isinstance(default, bool)


def refusals(problem: ValidationError) -> list[str]:
    """What each check said that refused, without what pydantic puts before it."""
    return [
        reason(error["ctx"]["error"]) if error["type"] == "value_error" else error["msg"]
        for error in problem.errors(include_url=False)
    ]


def option_text(value: Value) -> str:
    """An option's value as it is written in a choice."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return " ".join(map(option_text, value))
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _brief(value: Value) -> str:
    if isinstance(value, tuple) and len(value) > 4:
        return f"{option_text(value[:2])} … {option_text(value[-1])}"
    return option_text(value)


def parse_choice(text: str, word: str) -> dict[str, Any]:
    """``"name(option=value;...)"`` as the fields of a :class:`Choice`; ValueError if it cannot be read."""
    match = re.fullmatch(r"\s*([\w+.-]+)\s*(?:\((.*)\))?\s*", text, re.DOTALL)
    if not match:
        raise ValueError(
            message(
                "cannot read the {word} {text}; write a name, or name(option=value;option=value)",
                word=message(word),
                text=repr(text),
            )
        )
    options = []
    for part in filter(None, (match[2] or "").split(";")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ValueError(
                message(
                    "cannot read the option {part} of {word} {name}; write option=value",
                    part=repr(part),
                    word=message(word),
                    name=repr(match[1]),
                )
            )
        options.append((key, _option_value(value)))
    return {"name": match[1], "options": tuple(options)}


def _option_value(text: str) -> bool | float | str:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text  # the option itself says what is allowed
