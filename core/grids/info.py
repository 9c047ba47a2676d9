"""What the rest of the house knows of a time grid: facts for menus, links and tests."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from torch import Tensor

from core.registry import Registry
from core.schedules import SCHEDULES, Schedule


@dataclass(frozen=True)
class GridOption:
    """One setting of a grid: a choice, a list of numbers or a number in a range.

    Attributes
    ----------
    default : value when the user says nothing.
    help : one plain sentence.
    title : name of its widget; the option's own name if empty.
    symbol : name in the label of a grid, such as "ρ"; the option's own name if empty.
    choices : allowed values of a choice; empty otherwise.
    most : longest list of numbers; 0 if this is no list.
    low, high : closed range of a number, or of each one in a list.
    """

    default: Any
    help: str
    title: str = ""
    symbol: str = ""
    choices: tuple[Any, ...] = ()
    most: int = 0
    low: float = 0.0
    high: float = 0.0

    def check(self, name: str, value: Any) -> Any:
        """``value`` in its one form (a list as a tuple of floats), or ``ValueError`` with what is allowed."""
        if self.choices:
            return self._one(name, value)
        return self._numbers(name, value) if self.most else self._number(name, value)

    def _one(self, name: str, value: Any) -> Any:
        for choice in self.choices:
            if value == choice and isinstance(value, bool) == isinstance(choice, bool):
                return choice
        raise ValueError(f"{name} must be one of {', '.join(map(str, self.choices))}; got {value!r}")

    def _number(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, Real) or not self.low <= value <= self.high:
            raise ValueError(f"{name} must be a number from {self.low:g} to {self.high:g}; got {value!r}")
        return float(value)

    def _numbers(self, name: str, value: Any) -> tuple[float, ...]:
        values = _listed(name, value)
        if len(values) > self.most:
            raise ValueError(f"{name} takes at most {self.most} numbers; got {len(values)}")
        return tuple(self._number(f"each number in {name}", number) for number in values)


def _listed(name: str, value: Any) -> Sequence[Any]:
    """What a list option was given, as a sequence: text is cut at blanks, commas and semicolons."""
    if isinstance(value, Real):
        return (value,)
    if not isinstance(value, str):
        try:
            return tuple(value)
        except TypeError:
            raise ValueError(f"{name} must be a list of numbers; got {value!r}") from None
    numbers = []
    for part in filter(None, re.split(r"[\s,;\[\]()]+", value)):
        try:
            numbers.append(float(part))
        except ValueError:
            raise ValueError(f"{name} must be a list of numbers, such as 1 0.5 0.1; cannot read {part!r}") from None
    return numbers


@dataclass(frozen=True)
class GridInfo:
    """A rule for placing steps.

    Attributes
    ----------
    title, description, formula, source : what menus and the reader see.
    place : ``(schedule, t_start, t_end, u, **options) -> times`` for ``u`` (S + 1,) float64 rising evenly from 0 to 1.
    options : name -> :class:`GridOption`.
    discrete_only : whether it counts the levels of a discrete chain, so that continuous schedules cannot use it.
    own_ends : whether it may choose its first and last time itself, which need not be the ends of the schedule.
    """

    title: str
    description: str
    formula: str
    source: str
    place: Callable[..., Tensor]
    options: dict[str, GridOption] = field(default_factory=dict)
    discrete_only: bool = False
    own_ends: bool = False

    def fits(self, schedule: Schedule) -> bool:
        """Whether the grid can be laid over ``schedule``."""
        return schedule.chain > 0 or not self.discrete_only

    def values(self, name: str, options: dict[str, Any]) -> dict[str, Any]:
        """All options of the grid registered as ``name``, each checked; those not given at their default.

        Raises
        ------
        ValueError
            On an unknown option or a value that is not allowed.
        """
        unknown = sorted(set(options) - set(self.options))
        if unknown:
            allowed = ", ".join(self.options) or "none"
            raise ValueError(f"grid {name!r} has no option {unknown[0]!r}; it takes {allowed}")
        values = {key: option.default for key, option in self.options.items()}
        return values | {
            key: self.options[key].check(f"option {key} of grid {name!r}", v) for key, v in options.items()
        }


GRIDS: Registry[GridInfo] = Registry("time grid")


def discrete_schedules() -> list[str]:
    """Names of the schedules that are discrete chains."""
    return [name for name, info in SCHEDULES.items() if info.build.chain]
