"""What the rest of the house knows of a time grid: facts for menus, links and tests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from core.language import message
from core.options import Option
from core.registry import Registry
from core.schedules import SCHEDULES, Schedule


@dataclass(frozen=True)
class GridInfo:
    """A rule for placing steps.

    Attributes
    ----------
    title, description, formula, source : what menus and the reader see.
    place : ``(schedule, t_start, t_end, u, **options) -> times`` for ``u`` (S + 1,) float64 rising evenly from 0 to 1.
    options : name -> :class:`Option`.
    discrete_only : whether it counts the levels of a discrete chain, so that continuous schedules cannot use it.
    own_ends : whether it may choose its first and last time itself, which need not be the ends of the schedule.
    cite : keys of ``core.references`` whose arXiv numbers the source does not name.
    """

    title: str
    description: str
    formula: str
    source: str
    place: Callable[..., Tensor]
    options: dict[str, Option] = field(default_factory=dict)
    discrete_only: bool = False
    own_ends: bool = False
    cite: tuple[str, ...] = ()

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
            allowed = ", ".join(self.options) or message("none")
            raise ValueError(
                message(
                    "grid {name} has no option {unknown}; it takes {allowed}",
                    name=repr(name),
                    unknown=repr(unknown[0]),
                    allowed=allowed,
                )
            )
        values = {key: option.default for key, option in self.options.items()}
        return values | {
            key: self.options[key].check(message("option {key} of grid '{name}'", key=key, name=name), v)
            for key, v in options.items()
        }


GRIDS: Registry[GridInfo] = Registry("time grid")


def discrete_schedules() -> list[str]:
    """Names of the schedules that are discrete chains."""
    return [name for name, info in SCHEDULES.items() if info.build.chain]
