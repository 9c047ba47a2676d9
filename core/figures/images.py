"""Images as time runs: film strips of one image beside its path in principal components, and sheets of all of them."""

import math

import numpy as np
import torch
from scipy import linalg

from core.data import to_display
from core.experiments.trajectories import SolverPath, TrajectoriesResult
from core.figures.scene import Scene
from core.figures.style import NEUTRAL, solver_style
from core.figures.trajectories import legend, scene_head
from core.language import joined, mark, tr

NOISE_RANGE = 2.5  # standard deviations of noise from black to white
LOST = 128  # grey of an image that diverged
TIMES, SHEET_TIMES = 40, 24  # pictures of one strip and of one sheet, at most
BYTES = 3_000_000  # of all pictures together, before they are packed
GAP = 1  # pixel between the images of a sheet
SHOWN = {"state": mark("x at time t"), "x0": mark("predicted x0")}


def images_scene(result: TrajectoriesResult, particle: int = 0) -> Scene:
    """One image from noise to data: for each solver x_t, predicted x0 and predicted eps, and all paths in one plane.

    The plane is that of the two leading principal components of the reference and all solvers' paths of this image.

    Raises
    ------
    ValueError
        If the result is of 2-D data, or there is no such image.
    """
    _check_images(result)
    check_particle(result, particle)
    films = 1 + sum(1 + 1 + _explains(path) for path in result.paths)
    picked = _picked(result, TIMES, films * result.reference[0, 0].size)
    scene = Scene(scene_head(result, "images", alt_images(result, particle)))
    tracks, reference, shares = _plane(result, particle)
    half = 1.12 * max(float(np.nanmax(np.abs(track))) for track in [*tracks, reference])
    names = [
        tr("principal component {number} ({share} of the way)", number=k + 1, share=f"{share:.0%}")
        for k, share in enumerate(shares)
    ]
    scene.head |= {
        "plane": {"half": half, "names": names},
        "layers": ["reference"],
        "hidden": [],
        "tall": 380,
        "series": [
            series(scene, path, k, track[:, None])
            for k, (path, track) in enumerate(zip(result.paths, tracks, strict=True))
        ],
        "reference": {"track": {"array": scene.places("reference", reference[:, None])}, "paths": 1},
        "images": {"us": picked.tolist(), "sheet": False, "rows": _rows(scene, result, particle, picked)},
    }
    return scene


def series(scene: Scene, path: SolverPath, number: int, places: np.ndarray) -> dict:
    """One solver's places (T, N, 2) in some plane, all with their paths."""
    style = solver_style(path.name)
    return {
        "id": f"solver{number}",
        "label": path.label,
        "legend": legend(path),
        "colour": style.colour,
        "marker": style.marker,
        "stochastic": path.stochastic,
        "paths": places.shape[1],
        "track": {"array": scene.places(f"solver{number}", places)},
    }


def sheets_scene(result: TrajectoriesResult, shown: str = "state") -> Scene:
    """Every image of every solver at the time of the playhead, as x_t or as predicted x0.

    Raises
    ------
    ValueError
        If the result is of 2-D data, or ``shown`` is not a key of ``SHOWN``.
    """
    _check_images(result)
    if shown not in SHOWN:
        raise ValueError(f"unknown choice {shown!r}; choose one of: {', '.join(SHOWN)}")
    picked = _picked(result, SHEET_TIMES, len(result.paths) * result.reference[0].size)
    scene = Scene(scene_head(result, "sheets", alt_sheets(result, shown)))
    rows = []
    for k, path in enumerate(result.paths):
        sheets = np.stack([sheet_of(_images(result, path, step, shown)) for step in picked])
        film = {"array": scene.levels(f"sheet{k}", sheets), "label": tr(SHOWN[shown])}
        title = tr("{solver}, {nfe} evaluations", solver=path.label, nfe=path.nfe)
        rows.append({"id": f"solver{k}", "label": title, "colour": solver_style(path.name).colour, "films": [film]})
    nowhere = np.full((1, 1, 2), np.nan)
    scene.head |= {
        "plane": {"half": 1.0, "names": ["", ""]},
        "layers": [],
        "hidden": [],
        "flat": True,
        "series": [series(scene, path, k, nowhere) for k, path in enumerate(result.paths)],
        "images": {"us": picked.tolist(), "sheet": True, "rows": rows},
    }
    return scene


def film(scene: Scene, name: str, images: list[np.ndarray], label: str) -> dict:
    """Images (C, H, W) in [-1, 1], one after the other; those that are not finite are grey."""
    return {"array": scene.levels(name, np.stack([pixels_of(image) for image in images])), "label": label}


def pixels_of(image: np.ndarray) -> np.ndarray:
    """An image (C, H, W) in [-1, 1] as bytes (H, W, C); grey where it diverged."""
    if not np.isfinite(image).all():
        return np.full((*image.shape[1:], image.shape[0]), LOST, dtype=np.uint8)
    return np.asarray(to_display(torch.from_numpy(np.ascontiguousarray(image))[None])[0])[..., : image.shape[0]]


def sheet_of(images: np.ndarray) -> np.ndarray:
    """Images (N, C, H, W) in [-1, 1] as one nearly square sheet (rows, columns, 3) uint8, pixel by pixel."""
    count, side, wide = len(images), images.shape[2], images.shape[3]
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (side + GAP) - GAP, columns * (wide + GAP) - GAP, 3), 255, dtype=np.uint8)
    for i, image in enumerate(images):
        top, left = (i // columns) * (side + GAP), (i % columns) * (wide + GAP)
        sheet[top : top + side, left : left + wide] = pixels_of(image)
    return sheet


def size_at(result: TrajectoriesResult, k: int) -> float:
    """Divides x_t so that noise of any level fits the range of grey values."""
    return float(max(1.0, np.hypot(result.alpha[k], result.sigma[k])))


def check_particle(result: TrajectoriesResult, particle: int) -> None:
    """``ValueError`` unless there is such an image."""
    if not 0 <= particle < result.spec.particles:
        raise ValueError(f"there are particles 0 to {result.spec.particles - 1}, not {particle}")


def _check_images(result: TrajectoriesResult) -> None:
    if result.field is not None:
        raise ValueError("film strips and sheets need images; use paths_scene for 2-D data")


def _picked(result: TrajectoriesResult, most: int, size: int) -> np.ndarray:
    """Steps of the grid that pictures are sent of: all of them, unless that is too much."""
    count = min(result.spec.steps + 1, most, max(2, BYTES // size))
    return np.unique(np.linspace(0, result.spec.steps, count).round().astype(int))


def _rows(scene: Scene, result: TrajectoriesResult, particle: int, picked: np.ndarray) -> list[dict]:
    state = tr("x at this time")
    exact = [result.reference[result.on_grid[k], particle] / size_at(result, k) for k in picked]
    films = [film(scene, "film.reference", exact, state)]
    label = tr("Reference ({kind})", kind=result.reference_label)
    rows = [{"id": "reference", "label": label, "colour": NEUTRAL, "films": films}]
    for number, path in enumerate(result.paths):
        reached = [k for k in picked if k < len(path.states)]
        begun = [k for k in picked if k < len(path.x0)]  # nothing is predicted once the last step is done
        name = f"film{number}"
        states = [path.states[k, particle] / size_at(result, k) for k in reached]
        films = [film(scene, f"{name}.state", states, state)]
        ended = len(path.states) == len(result.times)
        clean = [path.x0[k, particle] for k in begun]
        films.append(film(scene, f"{name}.x0", clean, tr("predicted x0")) | {"holds": ended})
        if _explains(path):
            noise = [_noise(result, path, k, particle) for k in begun]
            films.append(film(scene, f"{name}.eps", noise, tr("predicted ε")) | {"holds": ended})
        label = tr("{solver}, {nfe} evaluations", solver=legend(path), nfe=path.nfe)
        rows.append({"id": f"solver{number}", "label": label, "colour": solver_style(path.name).colour, "films": films})
    return rows


def _explains(path: SolverPath) -> bool:
    """Whether one predicted noise explains each step."""
    return not (path.stochastic or path.tried is not None)


def _noise(result: TrajectoriesResult, path: SolverPath, k: int, particle: int) -> np.ndarray:
    """eps from the state and the predicted x0, within the range of grey values."""
    eps = (path.states[k, particle] - result.alpha[k] * path.x0[k, particle]) / result.sigma[k]
    return eps / NOISE_RANGE


def _plane(result: TrajectoriesResult, particle: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """All paths of one image in their common principal plane: solvers' (T, 2), the reference's, and the shares."""
    runs = [path.states[:, particle].reshape(len(path.states), -1) for path in result.paths]
    exact = result.reference[result.on_grid][:, particle].reshape(len(result.on_grid), -1)
    known = exact[np.isfinite(exact).all(axis=1)]
    middle = np.concatenate([*runs, known]).mean(axis=0)
    rows = np.concatenate([*runs, known]) - middle
    # the Gram matrix: there are far fewer times than pixels
    values, vectors = linalg.eigh(rows @ rows.T)
    axes = rows.T @ vectors[:, :-3:-1]
    axes /= np.maximum(np.linalg.norm(axes, axis=0), 1e-12)
    shares = values[:-3:-1] / max(values.sum(), 1e-12)
    return [(run - middle) @ axes for run in runs], (exact - middle) @ axes, shares


def _images(result: TrajectoriesResult, path: SolverPath, step: int, shown: str) -> np.ndarray:
    if step >= len(path.times):
        return np.full(path.states.shape[1:], np.nan)
    if shown == "x0" and step < len(path.x0):
        return path.x0[step]  # once the last step is done nothing is predicted: the image itself
    return path.states[step] / size_at(result, step)


def alt_images(result: TrajectoriesResult, particle: int = 0) -> str:
    """What the strips show, in words."""
    ends = [tr("{solver}, NFE {nfe}", solver=legend(path), nfe=path.nfe) for path in result.paths]
    return tr(
        "Image {number} of {count} from noise to data in {steps} steps, below the reference, and its path in the plane "
        "of its two principal components. At the end, over all images (RMS): {ends}.",
        number=particle + 1,
        count=result.spec.particles,
        steps=result.spec.steps,
        ends=joined(ends, "; "),
    )


def alt_sheets(result: TrajectoriesResult, shown: str = "state") -> str:
    """What the sheets show, in words."""
    return tr(
        "Sheets of all {count} images ({shown}) over {steps} steps: {solvers}.",
        count=result.spec.particles,
        shown=tr(SHOWN[shown]),
        steps=result.spec.steps,
        solvers=joined([f"{path.label}, NFE {path.nfe}" for path in result.paths], ", "),
    )
