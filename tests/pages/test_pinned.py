"""What the board draws for a pin is what the page draws above the row: for every row of every page, at other views."""

import json
import re

import pytest

from core.figures.pictures import SHARED
from core.figures.scene import Scene
from pages.common.compute import results
from pages.common.page import VALID
from tests.pages.app import ROOT, charts, scenes
from tests.pages.test_pages import quick
from tests.scenes import read_scene

VIEWS = {  # display choices that are not the first ones
    ("start", "toy"): {},
    ("start", "images"): {"image": "2"},
    ("trajectories", "toy"): {"layout": "apart"},
    ("trajectories", "images"): {"layout": "sheet", "sheet": "x0"},
    ("convergence", "toy"): {"against": "nfe", "measure": "median"},
    ("convergence", "images"): {"against": "nfe", "quality": "feature", "image": "1"},
    ("curvature", "toy"): {"against": "s", "measure": "straightness_rate"},
    ("curvature", "images"): {"components": "space", "measure": "torsion"},
    ("order_table", "toy"): {"measure": "median"},
    ("grid_map", "toy"): {"measure": "rms", "rows": "all"},
    ("time_grids", "toy"): {"along": "t"},
    ("recommend", "toy"): {"order": "time"},
    ("local_error", "toy"): {"what": "local"},
    ("straightening", "toy"): {"measure": "distance", "bend": "curvature", "landing": "1"},
    ("guidance", "toy"): {"measure": "median"},
    ("inversion", "toy"): {"measure": "median", "shown": "1"},
    ("inversion", "images"): {"image": "2"},
    ("boomerang", "toy"): {"against": "lambda"},
    ("boomerang", "images"): {"image": "2"},
    ("schedules", "toy"): {"x": "log_snr", "y": "sigma", "along": "times"},
    ("schedules", "images"): {},
    ("solvers", "toy"): {},
    ("precision", "toy"): {},
    ("noise", "toy"): {},
    ("sde_orders", "toy"): {},
    ("bounds", "toy"): {},
}


def drawn_for(spec, name: str, views: dict[str, str]) -> str:
    figure, alt = SHARED[spec.kind, name].shown(results().get(spec.model_dump_json()), views)
    assert alt
    if isinstance(figure, Scene):
        return told(*read_scene(figure.pack()))
    return drawing(json.loads(figure.to_json()))


def drawing(chart: dict) -> str:
    """Numbers and titles of axes; sizes of letters are the page's."""
    titles = {name: part.get("title", {}).get("text") for name, part in chart["layout"].items() if "axis" in name}
    return json.dumps([chart["data"], {name: title for name, title in titles.items() if title}], sort_keys=True)


def told(head: dict, arrays: dict) -> str:
    head = {name: value for name, value in head.items() if name != "tall"}  # a page may give it more room
    return json.dumps([head, {name: values.tolist() for name, values in arrays.items()}])


@pytest.mark.parametrize(("page", "kind"), VIEWS, ids=map("-".join, VIEWS))
def test_a_pin_is_the_picture_above_its_row(page, kind):
    views = VIEWS[page, kind]
    at = quick(page, kind, **views)
    assert not at.exception
    assert not at.warning, "a view that the page does not have proves nothing"
    shown = [told(*scene) for scene in scenes(at)] + [drawing(chart) for chart in charts(at)]
    spec = at.session_state[VALID][page, kind]
    names = [button.key.removeprefix("pin-") for button in at.button if str(button.key).startswith("pin-")]
    assert names
    for name in names:
        assert drawn_for(spec, name, views) in shown, name


def test_every_row_has_its_entry_and_every_entry_its_row():
    rows = set()
    for file in (ROOT / "pages").rglob("*.py"):
        rows |= set(re.findall(r'share\(\s*page,\s*\w+,\s*\w+,\s*"([a-z0-9-]+)"', file.read_text(encoding="utf-8")))
    by_name = {"start", "trajectories"}  # the journey, which is called after its page
    assert rows | by_name == {name for _, name in SHARED}
