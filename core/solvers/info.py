"""What the rest of the house knows of a solver: facts for menus, tests and the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.registry import Registry
from core.solvers.base import Solver


@dataclass(frozen=True)
class SolverOption:
    """One setting of a solver: either a choice or a number in a range.

    Attributes
    ----------
    default : value when the user says nothing.
    help : one plain sentence.
    choices : allowed values; empty for a number.
    low, high : closed range of a number.
    """

    default: Any
    help: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0

    def check(self, name: str, value: Any) -> Any:
        """``value``, or ``ValueError`` with what is allowed."""
        if self.choices:
            if value not in self.choices or isinstance(value, bool) != isinstance(self.default, bool):
                allowed = ", ".join(str(choice) for choice in self.choices)
                raise ValueError(f"{name} must be one of {allowed}; got {value!r}")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise ValueError(f"{name} must be a number from {self.low:g} to {self.high:g}; got {value!r}")
        return float(value)


@dataclass(frozen=True)
class SolverInfo:
    """A solver's entry in ``SOLVERS``.

    Attributes
    ----------
    name : key, as used in links and on the command line; filled in by :func:`register`.
    title : name on screen.
    family : group in menus.
    order : the order that our tests measure (weak order for a stochastic solver); None for an adaptive solver.
    claimed_order : the order that its authors state.
    nfe_per_step : model evaluations in one step; None for an adaptive solver.
    description : one plain sentence.
    formula : LaTeX of one step.
    source : paper and arXiv number.
    build : options -> :class:`Solver`.
    options : name -> :class:`SolverOption`.
    stochastic : whether a step draws noise.
    adaptive : whether it chooses its own steps.
    note : what a reader should know beside the numbers, such as a condition on the order; empty if nothing.
    """

    title: str
    family: str
    order: int | None
    claimed_order: int
    nfe_per_step: int | None
    description: str
    formula: str
    source: str
    build: Callable[..., Solver]
    options: dict[str, SolverOption] = field(default_factory=dict)
    stochastic: bool = False
    adaptive: bool = False
    note: str = ""
    name: str = ""

    def make(self, **options: Any) -> Solver:
        """The solver with these options, each checked.

        Raises
        ------
        ValueError
            On an unknown option or a value out of range.
        """
        unknown = sorted(set(options) - set(self.options))
        if unknown:
            allowed = ", ".join(self.options) or "none"
            raise ValueError(f"solver {self.name!r} has no option {unknown[0]!r}; its options: {allowed}")
        values = {key: option.default for key, option in self.options.items()}
        values.update({key: self.options[key].check(f"{key} of {self.name}", value) for key, value in options.items()})
        return self.build(**values)


SOLVERS: Registry[SolverInfo] = Registry("solver")
