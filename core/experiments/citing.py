"""The works that a specification stands on: its experiment, solvers, schedule, grid, guidance, flows and distance."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from core.analysis.distances import DISTANCES
from core.experiments.choices import Choice
from core.experiments.run import EXPERIMENTS
from core.experiments.specification import Specification
from core.references import cited_in
from core.schedules import SCHEDULES

ALWAYS = ("song2020sde",)  # the probability-flow ODE and the reverse SDE that everything here solves
NAMED = {"schedule": SCHEDULES, "schedules": SCHEDULES, "distance": DISTANCES}  # fields that name entries


def works_of(spec: Specification) -> tuple[str, ...]:
    """Keys of ``core.references``, each once: what the experiment shows, then its methods in the order of the settings.

    Textbook methods without a work of their own (uniform steps in t, for example) add nothing.
    """
    keys = [*ALWAYS, *EXPERIMENTS[spec.kind].works]
    for info in _infos(spec):
        keys += works_of_entry(info)
    return tuple(dict.fromkeys(keys))


def works_of_entry(info: Any) -> tuple[str, ...]:
    """The works of one entry of a registry: those that it names by key, and those whose arXiv number its source has."""
    named = (*getattr(info, "cite", ()), *getattr(info, "references", ()))
    return tuple(dict.fromkeys((*named, *cited_in(getattr(info, "source", "")))))


def _infos(value: Any) -> Iterator[Any]:
    """Entries of registries that a specification names, however deep."""
    if isinstance(value, Choice):
        yield value.registry[value.name]
    elif isinstance(value, BaseModel):
        for name, part in value:
            if name in NAMED:
                for key in (part,) if isinstance(part, str) else part:
                    yield NAMED[name][key]
            else:
                yield from _infos(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from _infos(part)
