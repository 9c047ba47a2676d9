"""The table of solvers as a catalogue: what each does, and which of them fit a search and filters."""

from functools import lru_cache

import numpy as np
import pandas as pd
import torch

from core.analysis.response import asked
from core.grids import make_grid
from core.language import mark, tr
from core.models import GaussianMixture
from core.problem import Problem
from core.schedules import make_schedule
from core.solvers import SOLVERS, SolverInfo

ANY = "any"
TYPES = {
    "deterministic": mark("Fixed steps, no noise"),
    "adaptive": mark("Chooses its own steps"),
    "stochastic": mark("Draws noise"),
}
ASKS = {"eps": mark("predicted noise ε"), "x0": mark("predicted clean data x̂₀")}
SYMBOLS = {"eps": "ε", "x0": "x̂₀"}
LOST = {"lost": mark("Loses its order as published"), "kept": mark("Keeps its order")}


def type_of(info: SolverInfo) -> str:
    """A key of ``TYPES``."""
    return "adaptive" if info.adaptive else "stochastic" if info.stochastic else "deterministic"


def slug(family: str) -> str:
    """A family's name for links."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in family.lower()).split())


def families() -> dict[str, str]:
    """Name in links -> family, in the order of the registry."""
    return {slug(info.family): info.family for info in SOLVERS.values()}


def orders() -> list[str]:
    """The claimed orders that there are."""
    return [str(order) for order in sorted({info.claimed_order for info in SOLVERS.values()})]


def costs() -> list[str]:
    """The evaluations in a step that there are."""
    return [str(nfe) for nfe in sorted({info.nfe_per_step for info in SOLVERS.values() if info.nfe_per_step})]


def loses_its_order(info: SolverInfo) -> bool:
    """Whether our tests measure less than its authors claim, or another entry mends it."""
    return bool(info.mended_by) or (info.order is not None and info.order < info.claimed_order)


@lru_cache(maxsize=256)
def asks(name: str) -> tuple[str, ...]:
    """The predictions that a solver asks a model for: what it was seen to ask, and what an option lets it ask."""
    info = SOLVERS[name]
    if "prediction" in info.options:
        return tuple(sorted(info.options["prediction"].choices))
    problem = Problem(GaussianMixture(torch.zeros(1, 1), std=1.0), make_schedule("vp-linear"))
    times = make_grid("uniform-lambda", problem.schedule, 5, 0.9, 0.1)
    return asked(problem, name, times, **{key: 1e-3 for key in ("rtol", "atol") if key in info.options})


def found(
    search: str = "",
    family: str = ANY,
    order: str = ANY,
    asking: str = ANY,
    type_: str = ANY,
    nfe: str = ANY,
    lost: str = ANY,
) -> list[SolverInfo]:
    """The solvers that fit, in the order of the registry.

    Parameters
    ----------
    search : words that must all occur in name, title, family, description, note or source, in English or in the
        language of now.
    family, order, asking, type_, nfe, lost : a name from :func:`families`, :func:`orders`, ``ASKS``, ``TYPES``,
        :func:`costs` and ``LOST``; ``ANY`` takes all.
    """
    wanted = {
        "family": (family, lambda info: slug(info.family)),
        "order": (order, lambda info: str(info.claimed_order)),
        "type": (type_, type_of),
        "nfe": (nfe, lambda info: str(info.nfe_per_step)),
        "lost": (lost, lambda info: "lost" if loses_its_order(info) else "kept"),
    }
    tests = [(value, fact) for value, fact in wanted.values() if value != ANY]
    return [
        info
        for info in SOLVERS.values()
        if all(fact(info) == value for value, fact in tests)
        and (asking == ANY or asking in asks(info.name))
        and all(word in _text(info) for word in search.lower().split())
    ]


def _text(info: SolverInfo) -> str:
    parts = (info.name, info.title, info.family, info.description, info.note, info.source, info.when)
    return " ".join((*parts, *map(tr, parts))).lower()


def listing(infos: list[SolverInfo]) -> pd.DataFrame:
    """One row a solver, for the catalogue's table; orders and costs are NaN where a solver has none."""
    rows = [
        {
            mark("Solver"): info.title,
            mark("Order claimed"): info.claimed_order or np.nan,
            mark("Order in our tests"): np.nan if info.order is None else info.order,
            mark("NFE per step"): np.nan if info.nfe_per_step is None else info.nfe_per_step,
            mark("Family"): info.family,
            mark("Asks for"): " or ".join(SYMBOLS[kind] for kind in asks(info.name)),
            mark("Type"): TYPES[type_of(info)],
            mark("Name"): info.name,
        }
        for info in infos
    ]
    return pd.DataFrame(rows)
