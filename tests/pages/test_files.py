"""Files that users bring: own points as CSV, saved settings as JSON."""

import json

import pytest

from tests.pages.app import data_of, link, opened, said

OWN = "own points"


def own_data():
    at = opened("trajectories", particles="4", steps="3")
    at.selectbox(key="ui.toy.name").set_value("custom").run()
    return at


def test_own_points_become_the_data_and_travel_in_the_link():
    at = own_data()
    assert not at.exception
    at.file_uploader(key=OWN).set_value(("mine.csv", b"x,y\n0,0\n1,1\n2,0.5\n", "text/csv")).run()
    assert not at.exception
    assert not at.warning, said(at)
    assert link(at)["data"] == "custom"
    assert "points" in link(at)
    assert any("3 points." in caption.value for caption in at.caption)
    assert data_of(opened("trajectories", **link(at))) == data_of(at)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"1,2\n3,oops\n", "oops", id="text"),
        pytest.param(b"1,2\n3,nan\n", "nan", id="nan"),
        pytest.param(b"1,2\n", "one point", id="one-point"),
        pytest.param(b"1,2,3\n4,5,6\n", "3 columns", id="three-columns"),
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\x89PNG\xff\xfe\x00", "not text", id="not-text"),
    ],
)
def test_a_bad_file_is_one_sentence_and_keeps_the_settings_and_the_picture(content, told):
    at = own_data()
    picture = data_of(at)
    at.file_uploader(key=OWN).set_value(("mine.csv", content, "text/csv")).run()
    assert not at.exception
    assert told in said(at)
    assert data_of(at) == picture
    assert link(at) == {"particles": "4", "steps": "3"}
    at.selectbox(key="ui.toy.name").set_value("ring").run()
    assert not at.warning


def test_a_second_file_that_is_bad_leaves_the_first():
    at = own_data()
    at.file_uploader(key=OWN).set_value(("mine.csv", b"0,0\n1,1\n", "text/csv")).run()
    address = link(at)
    at.file_uploader(key=OWN).set_value(("worse.csv", b"a,b\n", "text/csv")).run()
    assert at.warning
    assert link(at) == address


def test_many_points_do_not_fit_a_link_and_the_page_says_so():
    at = own_data()
    rows = "\n".join(f"{i},{i * i % 7}" for i in range(300))
    at.file_uploader(key=OWN).set_value(("many.csv", rows.encode(), "text/csv")).run()
    assert not at.exception
    assert "points" not in link(at)
    assert any("Too many for a link" in caption.value for caption in at.caption)


def test_saved_settings_open_on_their_own_page():
    at = opened("trajectories", particles="4", steps="3")
    recipe = {"kind": "trajectories", "particles": 3, "steps": 2, "seed": 9, "solvers": ["heun"]}
    at.file_uploader(key="open-trajectories").set_value(("s.json", json.dumps(recipe).encode(), "text/json")).run()
    assert not at.exception
    assert link(at) == {"particles": "3", "steps": "2", "seed": "9", "solvers": "heun"}


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"kind": "trajectories", "steps": -4}', b"\xff\xfe"])
def test_settings_that_cannot_be_read_are_one_sentence(content):
    at = opened("trajectories", particles="4", steps="3")
    at.file_uploader(key="open-trajectories").set_value(("s.json", content, "text/json")).run()
    assert not at.exception
    assert len(at.warning) == 1
    assert link(at) == {"particles": "4", "steps": "3"}


def test_settings_of_another_experiment_open_on_its_page():
    at = opened("trajectories", particles="4", steps="3")
    recipe = {
        "kind": "convergence",
        "particles": 3,
        "step_counts": [2, 4],
        "path_steps": 2,
        "seed": 9,
        "solvers": ["heun"],
        "data": {"kind": "toy", "name": "custom", "points": [[i, i % 3] for i in range(150)]},
    }
    at.file_uploader(key="open-trajectories").set_value(("s.json", json.dumps(recipe).encode(), "text/json")).run()
    assert not at.exception
    assert at.title[0].value == "Error against steps"
    assert link(at)["solvers"] == "heun"
    assert any("150 points" in caption.value for caption in at.caption), "also what no link can carry"
