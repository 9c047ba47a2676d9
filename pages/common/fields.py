"""Between a specification and the settings of the session: every field has a name there, and both directions."""

from typing import Any

from pydantic import ValidationError

from core.data.drawing import EXAMPLE
from core.experiments.choices import Choice
from core.experiments.links import plain_errors
from core.experiments.specification import CUSTOM, DRAWN
from pages.common import settings
from pages.common.compute import sentence

SHARED = ("seed", "schedule", "grid")  # one value for all pages
ALL, NONE = "all", "none"  # of classes, and guidance: a widget takes None for "nothing chosen"
BY_KIND = (
    "particles",
    "scales",
    "training",
    "steps",
    "step_counts",
    "path_steps",
    "beside",
    "start",
)  # images cost more: a value of their own


def name_of(page: str, field: str, kind: str) -> str:
    """Where ``field`` of ``page`` lives in the settings."""
    if field in SHARED:
        return field
    return f"{page}.{field}@{kind}" if field in BY_KIND else f"{page}.{field}"


def kind() -> str:
    """``"toy"`` or ``"images"``: the switch on top of every page."""
    return settings.get("kind", "toy")


def load(page: str, spec: Any) -> None:
    """Set every setting that ``spec`` holds."""
    data = spec.data
    settings.put("kind", data.kind)
    settings.put(f"{data.kind}.name", data.name)
    settings.put(f"{data.kind}.label@{data.name}", ALL if data.label is None else data.label)
    settings.put(f"{data.kind}.guidance@{data.name}", NONE if data.guidance is None else str(data.guidance))
    if data.kind == "toy":
        settings.put("toy.scale", data.scale)
        settings.put(f"toy.bandwidth@{data.name}", data.bandwidth)
        if data.name == CUSTOM:
            settings.put("toy.points", data.points)
        if data.name == DRAWN:
            settings.put("toy.drawing", data.drawing)
    for field, value in spec:
        if field in ("kind", "data", "t_start", "t_end"):
            continue
        if isinstance(value, tuple):
            value = [_plain(part) for part in value]
        settings.put(name_of(page, field, data.kind), _plain(value))
    if hasattr(spec, "t_start"):
        settings.put(f"ends@{spec.schedule}", spec.t_start is not None or spec.t_end is not None)
        settings.put(f"t_start@{spec.schedule}", spec.t_start)
        settings.put(f"t_end@{spec.schedule}", spec.t_end)


def _plain(value: Any) -> Any:
    """A solver or a grid as its text, which widgets can show; anything else as it is."""
    return str(value) if isinstance(value, Choice) else value


def collect(page: str, default: Any) -> dict[str, Any]:
    """Fields of a specification like ``default`` from the settings; what was never set is as in ``default``."""
    fields: dict[str, Any] = {"data": _data(default.data, getattr(default, "guided", True))}
    for field, value in default:
        if field in ("kind", "data", "t_start", "t_end"):
            continue
        fields[field] = settings.get(name_of(page, field, default.data.kind), value)
    if "step_counts" in fields:
        fields["step_counts"] = sorted(fields["step_counts"])
    if hasattr(default, "t_start") and settings.get(f"ends@{fields['schedule']}", False):
        fields["t_start"] = settings.get(f"t_start@{fields['schedule']}")
        fields["t_end"] = settings.get(f"t_end@{fields['schedule']}")
    return fields


def _data(default: Any, guided: bool) -> dict[str, Any]:
    name = settings.get(f"{default.kind}.name", default.name)
    data: dict[str, Any] = {"kind": default.kind, "name": name}
    same = default if name == default.name else None
    label = settings.get(f"{default.kind}.label@{name}", same and same.label)
    guidance = settings.get(f"{default.kind}.guidance@{name}", same and same.guidance and str(same.guidance))
    chosen = label not in (ALL, None)
    guidance = guidance if guided and chosen and guidance != NONE else None
    data |= {"label": label if chosen else None, "guidance": guidance}
    if default.kind == "images":
        return data
    data["scale"] = settings.get("toy.scale", default.scale)
    data["bandwidth"] = settings.get(f"toy.bandwidth@{name}", same and same.bandwidth)
    if name == CUSTOM:
        data["points"] = settings.get("toy.points")
    if name == DRAWN:
        data["drawing"] = settings.get("toy.drawing", EXAMPLE)
    return data


def sentences(problem: ValidationError) -> list[str]:
    """What is wrong with a specification, one clear sentence each."""
    return [sentence(text) for text in dict.fromkeys(plain_errors(problem))]
