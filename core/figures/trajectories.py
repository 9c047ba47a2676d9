"""Paths of several solvers from the same noise: in the plane, as time runs, and their error along the way."""

import numpy as np
import plotly.graph_objects as go

from core.experiments.trajectories import FieldFrames, SolverPath, TrajectoriesResult
from core.experiments.watching import Watched
from core.figures.along import Line, along_figure, in_words
from core.figures.naming import title_of
from core.figures.scene import Scene
from core.figures.scene_words import player_words
from core.figures.style import solver_style
from core.language import joined, message, tr
from core.solvers import SOLVERS

TRAILS, NOISY_TRAILS = 40, 8  # particles drawn with their whole path, at most; with noise they cross the whole picture
LINES = 120  # paths of all solvers together: more hide each other
PLACES = 120_000  # of all solvers and times together: what one transfer may hold
REFERENCE_PLACES = 20_000
ASKED = 5  # particles whose evaluations are shown without following one


def paths_scene(result: TrajectoriesResult) -> Scene:
    """2-D paths over density and vector field, for the player.

    Raises
    ------
    ValueError
        If the result is not of 2-D data.
    """
    field = result.field
    if field is None:
        raise ValueError("paths in the plane need 2-D data; use images_scene for images")
    shown = particles_shown(result)
    scene = Scene(scene_head(result, "trajectories", alt_paths(result)))
    scene.head |= {
        "plane": {"half": float(field.x[-1]), "names": ["x₁", "x₂"]},
        "layers": ["evaluations", "data", "reference", "density", "contours", "flow"],
        "hidden": ["contours"],
        "few": ASKED if result.spec.particles <= TRAILS else 0,
        "placing": True,
        "series": [solver_series(scene, result, path, shown) for path in result.paths],
        "reference": _reference(scene, result, shown),
        "placed": _placed(scene, result),
    }
    add_field(scene, field)
    scene.head["data"] = scene.floats("data", result.data_samples)
    return scene


def scene_head(result: TrajectoriesResult, name: str, alt: str) -> dict:
    """What every scene of this experiment says: names, words, and the times of the grid."""
    return {
        "name": name,
        "title": tr("Solverscope: paths from noise to data"),
        "alt": alt,
        "words": player_words(),
        "steps": result.spec.steps,
        "t": result.times.tolist(),
        "lambda": result.log_snr.tolist(),
    }


def particles_shown(result: TrajectoriesResult) -> int:
    """How many particles travel to the browser."""
    return min(result.spec.particles, max(TRAILS, PLACES // (len(result.paths) * (result.spec.steps + 1))))


def solver_series(scene: Scene, result: TrajectoriesResult, path: SolverPath, shown: int) -> dict:
    """One solver: its look, its places at the times of the grid, and where it asked the model."""
    style = solver_style(path.name)
    number = [str(one.choice) for one in result.paths].index(str(path.choice))
    info = SOLVERS[path.name]
    # one evaluation a step and an order above 1: it must reuse earlier ones
    reuses = (info.order or 1) - 1 if info.nfe_per_step == 1 and not path.stochastic else 0
    return {
        "id": f"solver{number}",
        "label": path.label,
        "legend": legend(path),
        "colour": style.colour,
        "marker": style.marker,
        "stochastic": path.stochastic,
        "paths": NOISY_TRAILS if path.stochastic else min(TRAILS, LINES // len(result.paths)),
        "reuses": reuses,
        "track": {"array": scene.places(f"solver{number}", path.states[:, :shown])},
        "seen": seen(scene, f"solver{number}", path.watched, shown),
    }


def seen(scene: Scene, name: str, watched: Watched | None, shown: int = 1) -> dict | None:
    """The evaluations of a run, for the player."""
    if watched is None or not len(watched.step):
        return None
    return {
        "step": watched.step.tolist(),
        "x": scene.places(f"{name}.asked", watched.x[:, :shown]),
        "slope": scene.places(f"{name}.slope", watched.slope[:, :shown]),
    }


def add_field(scene: Scene, field: FieldFrames) -> None:
    """Density and flow at the times of ``field``."""
    # square root: a density of a tenth of the maximum is still seen; one byte a cell is enough for the eye
    levels = (255 * np.sqrt(field.density)).round()
    steps = field.steps.tolist()
    scene.head["density"] = {"array": scene.levels("density", levels), "us": steps}
    scene.head["flow"] = {
        "array": scene.places("flow", _arrows(field)),
        "us": steps,
        "places": field.arrows_x.tolist(),
    }


def _arrows(field: FieldFrames) -> np.ndarray:
    """Arrows of the motion per unit of lambda, no longer than the lattice allows; one scale for all frames."""
    spacing = float(field.arrows_x[1] - field.arrows_x[0])
    usual = float(np.quantile(np.linalg.norm(field.velocity, axis=-1), 0.8))
    motion = field.velocity.reshape(len(field.velocity), -1, 2)
    length = np.linalg.norm(motion, axis=-1, keepdims=True)
    # the root keeps slow regions visible, tanh keeps fast ones inside their cell
    return motion * 0.9 * spacing * np.tanh(np.sqrt(length / max(usual, 1e-12))) / np.maximum(length, 1e-12)


def _reference(scene: Scene, result: TrajectoriesResult, shown: int) -> dict:
    times = len(result.reference)
    count = min(shown, max(5, REFERENCE_PLACES // times))
    per = (times - 1) // result.spec.steps
    return {
        "track": {"array": scene.places("reference", result.reference[:, :count]), "per": per},
        "paths": min(TRAILS, LINES // len(result.paths)),
    }


def _placed(scene: Scene, result: TrajectoriesResult) -> dict | None:
    placed = result.placed
    if placed is None:
        return None
    left = result.spec.steps - placed.step
    reference = {"array": scene.places("placed", placed.reference[:, None]), "from": placed.step}
    return {
        "point": placed.point.tolist(),
        "reference": reference | {"per": (len(placed.reference) - 1) // left},
        "series": [
            {
                "id": f"solver{k}",
                "track": {"array": scene.places(f"placed{k}", states[:, None]), "from": placed.step},
                "seen": seen(scene, f"placed{k}", watched),
            }
            for k, (states, watched) in enumerate(zip(placed.states, placed.watched, strict=True))
        ],
    }


def legend(path: SolverPath) -> str:
    """A solver and how it ended."""
    if path.diverged_at is not None:
        return tr("{solver}: diverged in step {step}", solver=path.label, step=path.diverged_at + 1)
    if np.isfinite(path.final_rms):
        return tr("{solver}: error {error}", solver=path.label, error=f"{path.final_rms:.2g}")
    return path.label


def alt_paths(result: TrajectoriesResult) -> str:
    """What the paths show, in words."""
    spec = result.spec
    names = joined([path.label for path in result.paths], ", ")
    steps = message("{steps} steps", steps=spec.steps) if spec.steps > 1 else message("1 step")
    shown = particles_shown(result)
    some = message("{particles} particles ({shown} of them drawn)", particles=spec.particles, shown=shown)
    said = message(
        "{what} carried from noise to data ({name}) in {steps} by {names}.",
        what=some if shown < spec.particles else message("{particles} particles", particles=spec.particles),
        name=title_of(spec.data),
        steps=steps,
        names=names,
    )
    return tr(joined(filter(None, (said, ranking(result)))))


def ranking(result: TrajectoriesResult) -> str:
    """Which solver ends nearest to the reference and which farthest, with numbers; which broke off or draws noise."""
    ended = sorted((p for p in result.paths if np.isfinite(p.final_rms)), key=lambda p: p.final_rms)
    parts = []
    if len(ended) > 1:
        best, worst = ended[0], ended[-1]
        parts.append(
            tr(
                "{best} ends nearest to the reference (RMS error {least:.2g}), {worst} farthest ({most:.2g}).",
                best=best.label,
                least=best.final_rms,
                worst=worst.label,
                most=worst.final_rms,
            )
        )
    elif ended:
        parts.append(
            tr(
                "{solver} ends {error:.2g} (RMS) from the reference.",
                solver=ended[0].label,
                error=ended[0].final_rms,
            )
        )
    noisy = [p.label for p in result.paths if p.stochastic and not p.message]
    if noisy:
        parts.append(
            tr(
                "{solvers} draws noise, so it has no error against the ODE."
                if len(noisy) == 1
                else "{solvers} draw noise, so they have no error against the ODE.",
                solvers=joined(noisy, " and "),
            )
        )
    parts += [tr("{solver} {what}.", solver=p.label, what=p.message) for p in result.paths if p.message]
    return tr(joined(parts))


def error_figure(result: TrajectoriesResult, height: int = 360) -> go.Figure:
    """RMS distance to the reference at every step, against lambda; stochastic solvers have none."""
    return along_figure(_lines(result), height, tr("Error along the path"))


def alt_error(result: TrajectoriesResult) -> str:
    """Where along the path the error is made, in words."""
    lines = _lines(result)
    if not lines:
        return tr("RMS error along the path: only solvers that draw noise are shown, and they have none.")
    found = in_words(lines)
    return (
        tr("RMS error along the path grows most: {found}.", found=found)
        if found
        else tr("RMS error along the path: none measured.")
    )


def _lines(result: TrajectoriesResult) -> list[Line]:
    return [
        Line(path.name, path.label, result.log_snr[: len(path.error)], path.error, result.spec.steps)
        for path in result.paths
        if not path.stochastic
    ]
