"""Key views look as they did when somebody last looked at them (tests/browser/views.py renews the references)."""

from dataclasses import replace

import pytest
from PIL import Image

from tests.browser.driver import PLAYERS
from tests.browser.views import FOLDER, MOST, VIEWS, differing, taken


def reference(name: str) -> Image.Image:
    return Image.open(FOLDER / f"{name}.png").convert("RGB")


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_looks_as_it_did(open_page, name):
    view = VIEWS[name]
    page = open_page(view.address, width=view.width, height=view.height, dark=view.dark)
    seen = taken(page, view)
    share = differing(seen, reference(name))
    assert share <= MOST, f"{share:.1%} of the view differ; if that is meant: python -m tests.browser.views {name}"


def test_a_missing_solver_the_wrong_theme_and_another_time_are_seen(open_page):
    view = VIEWS["player-light"]
    page = open_page(view.address, width=view.width, height=view.height)
    kept = reference("player-light")
    assert differing(taken(page, view), kept) <= MOST
    hide = "([{{player}}, id]) => {{ player.hidden.{way}(id); player.draw(); }}"
    for part in ("solver0", "solver1", "density", "flow"):
        page.evaluate(f"({hide.format(way='add')})([{PLAYERS}[0], {part!r}])")
        assert differing(taken(page, view), kept) > MOST, part
        page.evaluate(f"({hide.format(way='delete')})([{PLAYERS}[0], {part!r}])")
    assert differing(taken(page, view), kept) <= MOST
    assert differing(taken(page, replace(view, act=view.act.replace("5.4", "4"))), kept) > MOST
    assert differing(reference("player-dark"), kept) > 0.5


def test_references_are_small():
    files = list(FOLDER.glob("*.png"))
    assert {file.stem for file in files} == set(VIEWS)
    assert sum(file.stat().st_size for file in files) < 300_000
