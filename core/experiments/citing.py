"""The works a specification stands on: its experiment, data, solvers, schedule, grid, guidance, flows and distance."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from core.analysis.distances import DISTANCES
from core.data import IMAGE_DATA
from core.experiments.choices import Choice
from core.experiments.given import ImageData
from core.experiments.run import EXPERIMENTS
from core.experiments.specification import Specification
from core.references import cited_in
from core.schedules import SCHEDULES
from core.solvers import SOLVERS
from core.solvers.finish import CITE

ALWAYS = ("song2020sde",)  # the probability-flow ODE and the reverse SDE that everything here solves
NAMED = {"schedule": SCHEDULES, "schedules": SCHEDULES, "distance": DISTANCES}  # fields that name entries
REFERENCE = "reference"


def works_of(spec: Specification) -> tuple[str, ...]:
    """Keys of ``core.references``, each once: what the experiment shows, then its methods in the order of the settings.

    The exact solution that errors are taken against is among the methods; whether there is one, the code tells.
    """
    info = EXPERIMENTS[spec.kind]
    keys = [*ALWAYS, *info.works, *_works(spec)]
    if f'"{REFERENCE}"' in info.write(spec):
        keys += works_of_entry(SOLVERS[REFERENCE])
    return tuple(dict.fromkeys(keys))


def works_of_entry(info: Any) -> tuple[str, ...]:
    """The works of one entry of a registry: those that it names by key, and those whose arXiv number its source has."""
    named = (*getattr(info, "cite", ()), *getattr(info, "references", ()))
    return tuple(dict.fromkeys((*named, *cited_in(getattr(info, "source", "")))))


def _works(value: Any) -> Iterator[str]:
    """Works of all that a specification names, however deep."""
    if isinstance(value, Choice):
        yield from works_of_entry(value.registry[value.name])
        for option in value.options:
            yield from CITE.get(option, ())
    elif isinstance(value, BaseModel):
        if isinstance(value, ImageData):
            yield from works_of_entry(IMAGE_DATA[value.name])
        for name, part in value:
            if name in NAMED:
                for key in (part,) if isinstance(part, str) else part:
                    yield from works_of_entry(NAMED[name][key])
            else:
                yield from _works(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from _works(part)
