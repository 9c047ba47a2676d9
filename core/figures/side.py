"""ODE, SDE and forward process side by side at one time, above the law of one coordinate and the samples' histogram."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from core.experiments.trajectories import SolverPath, TrajectoriesResult
from core.figures.images import check_particle, film, size_at
from core.figures.scene import Scene
from core.figures.style import GREEN, NEUTRAL, solver_style
from core.figures.trajectories import PLACES, add_field, scene_head
from core.language import joined, mark, tr

TRAILS = 14  # paths in each panel
FEW = 40  # particles: fewer are drawn as marks, since a histogram of them would be empty
COLUMNS = 24  # images of one strip, at most
KINDS = {"ODE": mark("ODE"), "SDE": mark("SDE"), "Forward": mark("Forward")}


class Panel(NamedTuple):
    """One process: its heading, its states (S' + 1, N, *shape) at the times of the grid, its colour and its mark."""

    kind: str
    label: str
    states: np.ndarray
    colour: str
    marker: str


def panels(result: TrajectoriesResult) -> list[Panel]:
    """The first solver without noise (the reference if there is none), the first with noise, the forward process."""
    ode = next((path for path in result.paths if not path.stochastic and path.tried is None), None)
    ode = ode or next((path for path in result.paths if not path.stochastic), None)
    sde = next((path for path in result.paths if path.stochastic), None)
    exact = Panel("ODE", tr("reference"), result.reference[result.on_grid], NEUTRAL, "circle")
    found = [_panel("ODE", ode)] if ode else [exact]
    if sde:
        found.append(_panel("SDE", sde))
    return [*found, Panel("Forward", tr("data to noise"), result.forward, GREEN, "circle")]


def _panel(kind: str, path: SolverPath) -> Panel:
    style = solver_style(path.name)
    return Panel(kind, path.label, path.states, style.colour, style.marker)


def side_scene(result: TrajectoriesResult, particle: int = 0) -> Scene:
    """ODE, SDE and forward process under one playhead.

    Particles stand over the density of that time, and below them their histogram with the law.

    For images there is no plane to draw: the law along one direction, with the images as marks or a histogram, and
    below the film strips of the image ``particle`` under each process.

    Raises
    ------
    ValueError
        If there is no such image.
    """
    return _scene(result, particle, panels(result), "side", alt_side(result))


def forward_scene(result: TrajectoriesResult) -> Scene:
    """The forward process alone, in its own direction: from data to noise."""
    last, field, law = result.spec.steps, result.field, result.profile
    if field is not None:
        turn = {"times": field.times[::-1], "density": field.density[::-1], "velocity": field.velocity[::-1]}
        field = replace(field, steps=last - field.steps[::-1], **turn)
    if law is not None:
        law = replace(law, steps=last - law.steps[::-1], density=law.density[::-1])
    turned = replace(
        result,
        times=result.times[::-1],
        log_snr=result.log_snr[::-1],
        forward=result.forward[::-1],
        field=field,
        profile=law,
    )
    return _scene(turned, 0, [panels(turned)[-1]], "forward", alt_forward(result))


def _scene(result: TrajectoriesResult, particle: int, shown: list[Panel], name: str, alt: str) -> Scene:
    plane = result.field is not None
    check_particle(result, particle)
    scene = Scene(scene_head(result, name, alt))
    kept = min(result.spec.particles, PLACES // (len(shown) * (result.spec.steps + 1)))
    series = []
    for number, panel in enumerate(shown):
        places = panel.states[:, :kept] if plane else _flat(result, panel)
        title = f"{tr(KINDS[panel.kind])} · {panel.label}"
        series.append(
            {
                "id": f"process{number}",
                "label": title,
                "legend": title,
                "colour": panel.colour,
                "marker": panel.marker,
                "stochastic": panel.kind != "ODE",
                "paths": TRAILS if plane else 0,
                "track": {"array": scene.places(f"process{number}", places)},
            }
        )
    scene.head |= {
        "plane": {"half": _half(result), "names": ["x₁", "x₂"]},
        "layers": ["density", "contours"] if plane else [],
        "hidden": ["contours"],
        "flat": not plane,
        "series": series,
        "panels": [{"title": one["label"], "series": [one["id"]], "options": {"flow": False}} for one in series],
        "law": _law(scene, result),
    }
    if plane:
        add_field(scene, result.field)
    else:
        scene.head["images"] = _strips(scene, result, shown, particle)
    return scene


def _half(result: TrajectoriesResult) -> float:
    return float(result.profile.axis[-1]) if result.profile else 1.0


def _flat(result: TrajectoriesResult, panel: Panel) -> np.ndarray:
    """Images as numbers along the direction of the law, or their mean grey value where no law is known."""
    if result.profile is None:
        along = panel.states.reshape(*panel.states.shape[:2], -1).mean(axis=2)
    else:
        along = result.profile.along(panel.states)
    return np.stack([along, np.zeros_like(along)], axis=-1)


def _law(scene: Scene, result: TrajectoriesResult) -> dict:
    """The exact density along one direction at some times; only a title where it is not known."""
    profile = result.profile
    few = result.spec.particles < FEW or profile is None
    if profile is None:
        return {"title": tr("mean of all pixels"), "ends": [-1.0, 1.0], "few": few}
    tops = profile.density.max(axis=1)
    # along images it is a hundred times higher in noise than among the data: then the room follows the time
    if result.field is not None:
        tops = np.full_like(tops, tops.max())
    return {
        "array": scene.floats("law", profile.density),
        "us": profile.steps.tolist(),
        "tops": (1.15 * tops).tolist(),
        "ends": [float(profile.axis[0]), float(profile.axis[-1])],
        "title": tr(profile.title),
        "few": few,
    }


def _strips(scene: Scene, result: TrajectoriesResult, shown: list[Panel], particle: int) -> dict:
    picked = np.unique(np.linspace(0, result.spec.steps, min(result.spec.steps + 1, COLUMNS)).round().astype(int))
    rows = []
    for number, panel in enumerate(shown):
        states = [panel.states[k, particle] / size_at(result, k) for k in picked if k < len(panel.states)]
        label = f"{tr(KINDS[panel.kind])} · {panel.label}"
        if panel.kind == "Forward":
            label = tr(
                "{process} ({source}), to be read from right to left", process=label, source=tr(result.forward_from)
            )
        films = [film(scene, f"film{number}", states, tr("x at this time"))]
        rows.append({"id": f"process{number}", "label": label, "colour": panel.colour, "films": films})
    return {"us": picked.tolist(), "sheet": False, "rows": rows}


def alt_forward(result: TrajectoriesResult) -> str:
    """What the forward process shows, in words."""
    return tr(
        "The forward process as time runs from data to noise: {particles} particles in {steps} steps, over the exact "
        "density, and the spread of one coordinate.",
        particles=result.spec.particles,
        steps=result.spec.steps,
    )


def alt_side(result: TrajectoriesResult) -> str:
    """What stands side by side, in words."""
    named = joined([f"{tr(KINDS[panel.kind])}: {panel.label}" for panel in panels(result)], "; ")
    values = {"count": len(panels(result)), "named": named, "particles": result.spec.particles}
    if result.profile is not None:
        return tr(
            "{count} processes side by side at one time ({named}): {particles} particles each in {steps} steps, over "
            "the exact density, and the spread of the samples.",
            **values,
            steps=result.spec.steps,
        )
    return tr(
        "{count} processes side by side at one time ({named}): {particles} particles each in {steps} steps, without a "
        "density, since the score is learned, and the spread of the samples.",
        **values,
        steps=result.spec.steps,
    )
