"""The pictures that a lesson may show: those that pages share, and some that only lessons have."""

from core.figures import side
from core.figures.pictures import SHARED, Shared
from core.language import mark

PICTURES: dict[tuple[str, str], Shared] = SHARED | {
    ("trajectories", "forward"): Shared(
        mark("The forward process"),
        lambda result, views: side.forward_scene(result),
        lambda result, views: side.alt_forward(result),
    ),
}

# pictures that their page shows only under a display choice of its own
CHOSEN: dict[tuple[str, str], dict[str, str]] = {
    ("trajectories", "forward"): {"layout": "apart"},
    ("trajectories", "side"): {"layout": "apart"},
    ("trajectories", "sheets"): {"layout": "sheet"},
}
