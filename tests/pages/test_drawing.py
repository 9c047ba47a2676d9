"""A drawing goes along to every page, and bad ones are told."""

import pytest

from tests.pages.app import data_of, link, opened, said, scenes

DRAWING = "a100f3a900p21~1:1:1:0.5:0.2:30"
SMALL = {"particles": "4", "data": "drawn", "drawing": DRAWING}


@pytest.mark.parametrize(
    ("page", "more"),
    [
        ("start", {"steps": "3"}),
        ("convergence", {"step_counts": "2,4,8", "path_steps": "4", "solvers": "ddim"}),
        ("curvature", {"nodes": "20", "schedules": "flow"}),
        ("boomerang", {"steps": "3", "levels": "2", "solvers": "ddim"}),
    ],
)
def test_a_drawing_is_data_on_every_page_and_in_every_link(page, more):
    at = opened(page, **SMALL, **more)
    assert not at.exception
    assert not at.warning, said(at)
    assert link(at)["drawing"] == DRAWING
    assert data_of(opened(page, **link(at))) == data_of(at)


def test_choosing_to_draw_begins_with_an_example():
    at = opened("trajectories", particles="4", steps="3")
    at.selectbox(key="ui.toy.name").set_value("drawn").run()
    assert not at.exception
    assert not at.warning
    assert link(at)["drawing"].startswith("~")
    assert scenes(at)


def test_a_drawing_that_is_none_is_told():
    at = opened("trajectories", data="drawn", drawing="zzz", particles="4")
    assert not at.exception
    assert "runs of letters" in said(at)


def test_fewer_steps_keep_a_placed_start():
    at = opened("trajectories", particles="4", steps="6", start="1.0,0.5,5")
    assert not at.warning, said(at)
    at.select_slider(key="ui.trajectories.steps@toy").set_value(3).run()
    assert not at.exception
    assert not at.warning
    assert link(at)["start"] == "1.0,0.5,2"
    ((head, _),) = scenes(at)
    assert head["placed"]["point"] == [1.0, 0.5]
