"""Where paths in the plane bend: the same particles under each schedule, coloured by curvature, for the player."""

import numpy as np

from core.experiments.curvature import CurvatureResult, PathShape
from core.figures.curvature import SHOWN_PATHS, alt_paths
from core.figures.scene import Scene
from core.figures.scene_words import player_words
from core.figures.style import schedule_style
from core.language import tr

# from gentle to sharp: one hue that darkens on white would vanish on dark, so hue and lightness both change
BENDS = ("#56b4e9", "#3f9fc0", "#009e73", "#8aa800", "#e69f00", "#e07b00", "#d55e00", "#b02a5c")
STEPS = 20  # of the playhead from end to end


def bends_scene(result: CurvatureResult) -> Scene:
    """2-D paths coloured by curvature, one panel a schedule, in the neighbourhood of the data.

    The nodes of each schedule are even in lambda, so the playhead runs over shares of its own range of lambda.

    Raises
    ------
    ValueError
        If the paths are not 2-D.
    """
    if result.shapes[0].states.shape[2:] != (2,):
        raise ValueError("paths in the plane need 2-D data; use plane_figure for images")
    edges = classes(result)
    words = player_words() | {
        "time": tr("Share of the way, from noise to data"),
        "clock": tr("{t} % of the way from noise to data, counted in λ"),
    }
    share = np.linspace(0, 100, STEPS + 1).tolist()
    scene = Scene(
        {
            "name": "curved-paths",
            "title": tr("Solverscope: where paths bend"),
            "alt": alt_paths(result),
            "words": words,
            "steps": STEPS,
            "t": share,
            "lambda": share,
            "plane": {"half": reach(result), "names": ["x₁", "x₂"]},
            "layers": [],
            "hidden": [],
            "scale": {
                "title": tr("curvature κ (1 / length)"),
                "colours": BENDS,
                "edges": [f"{float(f'{edge:.2g}'):g}" for edge in edges[1:-1]],
            },
        }
    )
    scene.head["series"] = [_series(scene, k, shape, edges) for k, shape in enumerate(result.shapes)]
    scene.head["panels"] = [
        {"title": one["label"], "series": [one["id"]], "options": {}} for one in scene.head["series"]
    ]
    return scene


def classes(result: CurvatureResult) -> np.ndarray:
    """Edges of the curvature classes: even in the logarithm up to the 98th percentile of all."""
    values = np.concatenate([shape.curvature.ravel() for shape in result.shapes])
    values = values[values > 0]
    low, high = np.quantile(values, [0.4, 0.98]) if len(values) else (1e-3, 1.0)
    low = max(low, high / 1e4)  # gentler bends cannot be told from straight lines
    inner = np.geomspace(max(low, 1e-9), max(high, 10 * low), len(BENDS) - 1)
    return np.concatenate([[-np.inf], inner, [np.inf]])


def reach(result: CurvatureResult) -> float:
    """Half the side of the pictures: the data and some room, not the far start of some schedules."""
    return 1.25 * max(float(np.abs(shape.states[-1]).max()) for shape in result.shapes)


def _series(scene: Scene, number: int, shape: PathShape, edges: np.ndarray) -> dict:
    """The paths under one schedule; a stretch between two nodes has the colour of its first."""
    chosen = np.linspace(0, shape.states.shape[1] - 1, min(SHOWN_PATHS, shape.states.shape[1])).round().astype(int)
    name = f"schedule{number}"
    style = schedule_style(shape.schedule)
    tint = np.searchsorted(edges[1:-1], shape.curvature[:, chosen], side="right")
    return {
        "id": name,
        "label": tr(shape.title),
        "legend": tr(shape.title),
        "colour": style.colour,
        "marker": "circle",
        "stochastic": False,
        "paths": len(chosen),
        "track": {"array": scene.places(name, shape.states[:, chosen]), "per": (len(shape.states) - 1) / STEPS},
        "tint": scene.levels(f"{name}.tint", tint),
    }
