"""The settings of a picture in one line: data, methods, steps, particles and seed."""

from typing import Any

from core.experiments.specification import classes_of
from core.figures.naming import title_of
from core.language import tr
from core.schedules import SCHEDULES


def facts_of(spec: Any) -> str:
    """Data, solvers or flows, schedule, grid, steps, evaluations, particles and seed, as far as ``spec`` has them."""
    parts = [_data(spec.data)]
    for field in ("solvers", "flows", "grids"):
        parts += [", ".join(tr(choice.label) for choice in getattr(spec, field, ()))]
    parts += [tr(getattr(spec, field).label) for field in ("solver", "grid") if getattr(spec, field, None) is not None]
    if hasattr(spec, "schedule"):
        parts.append(tr(SCHEDULES[spec.schedule].title))
    parts.append(", ".join(tr(SCHEDULES[name].title) for name in getattr(spec, "schedules", ())))
    steps = getattr(spec, "steps", None)
    if steps is not None:
        parts.append(tr("1 step") if steps == 1 else tr("{count} steps", count=steps))
    if getattr(spec, "step_counts", ()):
        parts.append(tr("{counts} steps", counts=", ".join(map(str, spec.step_counts))))
    if getattr(spec, "nfe", None) is not None:
        parts.append(tr("{count} evaluations", count=spec.nfe))
    if hasattr(spec, "particles"):
        images = spec.data.kind == "images"
        parts.append(
            tr("{count} images", count=spec.particles) if images else tr("{count} particles", count=spec.particles)
        )
    if hasattr(spec, "seed"):
        parts.append(tr("seed {seed}", seed=spec.seed))
    return " · ".join(filter(None, parts))


def _data(data: Any) -> str:
    title = title_of(data)
    if data.label is None:
        return title
    name = tr("{data}, class {label}", data=title, label=tr(classes_of(data)[data.label]))
    return name if data.guidance is None else f"{name}, {tr(data.guidance.label)}"
