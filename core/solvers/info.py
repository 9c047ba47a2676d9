"""What the rest of the house knows of a solver: facts for menus, tests and the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.language import message
from core.options import Option as SolverOption
from core.registry import Registry
from core.solvers.base import Solver


@dataclass(frozen=True)
class Peer:
    """The same method in another library.

    Attributes
    ----------
    library : "diffusers", "k-diffusion" or "dpm-solver".
    name : the class or function there.
    arguments : settings that make it this method.
    note : what differs all the same; empty if nothing does.
    """

    library: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Knob:
    """The option that says how much noise a stochastic solver draws.

    Attributes
    ----------
    option : its name.
    values : those worth comparing, the first with the least noise.
    per_step : whether they are to be multiplied by the number of steps.
    """

    option: str
    values: tuple[float, ...]
    per_step: bool = False

    def ladder(self, steps: int) -> tuple[float, ...]:
        """The values for so many steps."""
        return tuple(round(value * steps, 3) for value in self.values) if self.per_step else self.values


@dataclass(frozen=True)
class SolverInfo:
    """A solver's entry in ``SOLVERS``.

    Attributes
    ----------
    name : key, as used in links and on the command line; filled in by :func:`register`.
    title : name on screen.
    family : group in menus.
    order : the order that our tests measure (weak order for a stochastic solver); None where there is none.
    claimed_order : the order that its authors state; 0 if none.
    nfe_per_step : model evaluations in one step, of a model without guidance; None where the steps decide.
    description : one plain sentence.
    formula : LaTeX of one step.
    source : paper and arXiv number.
    build : options -> :class:`Solver`.
    options : name -> :class:`SolverOption`.
    stochastic : whether a step draws noise.
    adaptive : whether it chooses its own steps.
    note : what a reader should know beside the numbers, such as a condition on the order; empty if nothing.
    when : one plain sentence on when to use it.
    cite : keys of the works that it comes from.
    peers : the same method in other libraries.
    mended_by : for a published version that loses its order, the name of the solver that keeps it; empty otherwise.
    strong_order : for a stochastic solver, the order of its paths on one Brownian path; None if none is claimed.
    exact_data : whether it needs the exact density of the data, and refuses a learned model.
    extra_nfe : evaluations of a run beyond ``nfe_per_step`` a step, such as a dearer start.
    guided : whether it is made for guided models, and its order is that on them.
    knob : for a stochastic solver whose noise can be set, how.
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
    when: str = ""
    cite: tuple[str, ...] = ()
    peers: tuple[Peer, ...] = ()
    mended_by: str = ""
    strong_order: float | None = None
    exact_data: bool = False
    extra_nfe: int = 0
    guided: bool = False
    knob: Knob | None = None
    name: str = ""

    def steps_within(self, nfe: int) -> int:
        """The most steps within a budget of ``nfe`` evaluations; 0 if none fits or it chooses its own steps."""
        return 0 if self.nfe_per_step is None else max(0, (nfe - self.extra_nfe) // self.nfe_per_step)

    def make(self, **options: Any) -> Solver:
        """The solver with these options, each checked.

        Raises
        ------
        ValueError
            On an unknown option or a value out of range.
        """
        unknown = sorted(set(options) - set(self.options))
        if unknown:
            allowed = ", ".join(self.options) or message("none")
            raise ValueError(
                message(
                    "solver {name} has no option {key}; its options: {allowed}",
                    name=repr(self.name),
                    key=repr(unknown[0]),
                    allowed=allowed,
                )
            )
        values = {key: option.default for key, option in self.options.items()}
        for key, value in options.items():
            values[key] = self.options[key].check(message("{key} of {name}", key=key, name=self.name), value)
        return self.build(**values)


SOLVERS: Registry[SolverInfo] = Registry("solver")
