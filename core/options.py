"""What an entry of a registry lets the user set: the same words and checks for solvers and time grids."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from core.language import message


@dataclass(frozen=True)
class Option:
    """One setting: a choice, a list of numbers or a number in a range.

    Attributes
    ----------
    default : value when the user says nothing.
    help : one plain sentence.
    choices : allowed values of a choice; empty otherwise.
    low, high : closed range of a number, or of each one in a list.
    title : name of its widget; the option's own name if empty.
    symbol : name in labels, such as "ρ"; the option's own name if empty.
    most : longest list of numbers; 0 if this is no list.
    exact : choices that need the exact density of the data, which a learned model has not.
    """

    default: Any
    help: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    title: str = ""
    symbol: str = ""
    most: int = 0
    exact: tuple[Any, ...] = ()

    def called(self, name: str) -> str:
        """What its widget is called, where ``name`` is its key."""
        return self.title or name.replace("_", " ").capitalize()

    def check(self, name: str, value: Any) -> Any:
        """``value`` in its one form (a list as a tuple of floats), or ``ValueError`` with what is allowed."""
        if self.choices:
            return self._one(name, value)
        return self._numbers(name, value) if self.most else self._number(name, value)

    def _one(self, name: str, value: Any) -> Any:
        for choice in self.choices:
            if value == choice and isinstance(value, bool) == isinstance(choice, bool):
                return choice
        choices = ", ".join(map(str, self.choices))
        raise ValueError(
            message("{name} must be one of {choices}; got {value}", name=name, choices=choices, value=repr(value))
        )

    def _number(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, Real) or not self.low <= value <= self.high:
            raise ValueError(
                message(
                    "{name} must be a number from {low:g} to {high:g}; got {value}",
                    name=name,
                    low=self.low,
                    high=self.high,
                    value=repr(value),
                )
            )
        return float(value)

    def _numbers(self, name: str, value: Any) -> tuple[float, ...]:
        values = _listed(name, value)
        if len(values) > self.most:
            raise ValueError(
                message(
                    "{name} takes at most {most} numbers; got {count}", name=name, most=self.most, count=len(values)
                )
            )
        return tuple(self._number(message("each number in {name}", name=name), number) for number in values)


def _listed(name: str, value: Any) -> Sequence[Any]:
    """What a list option was given, as a sequence: text is cut at blanks, commas, semicolons and brackets."""
    if isinstance(value, Real):
        return (value,)
    if not isinstance(value, str):
        try:
            return tuple(value)
        except TypeError:
            raise ValueError(
                message("{name} must be a list of numbers; got {value}", name=name, value=repr(value))
            ) from None
    numbers = []
    for part in filter(None, re.split(r"[\s,;\[\]()]+", value)):
        try:
            numbers.append(float(part))
        except ValueError:
            raise ValueError(
                message(
                    "{name} must be a list of numbers, such as 1 0.5 0.1; cannot read {part}",
                    name=name,
                    part=repr(part),
                )
            ) from None
    return numbers
