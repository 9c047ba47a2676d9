"""The board: pin on pages, see, caption, move, remove, bring back, save and open."""

import json

import pytest

from tests.pages.app import charts, link, opened, scenes

QUICK = {"particles": "3", "step_counts": "2,4,8", "path_steps": "3", "solvers": "ddim,heun"}


def go(at, page: str):
    at.switch_page(f"pages/{page}.py").run()
    assert not at.exception
    return at


def press(at, key: str):
    at.button(key=key).click().run()
    assert not at.exception
    return at


def field(at, name: str):
    """A text field, whose key ends with what tells it from earlier ones."""
    (found,) = [box for box in (*at.text_input, *at.text_area) if box.key.startswith(name)]
    return found


def titles(at) -> list[str]:
    return [heading.value.replace("\\", "") for heading in at.subheader]


def pins(at) -> list[dict]:
    return json.loads(at.session_state["board"].model_dump_json())["pins"]


@pytest.fixture
def filled():
    """Two pictures of one page and one of another, on the board."""
    at = opened("convergence", against="nfe", **QUICK)
    press(at, "pin-error-against-steps")
    assert [toast.value for toast in at.toast] == ["Pinned. The board has 1 picture."]
    press(at, "pin-error-along-path")
    assert [toast.value for toast in at.toast] == ["Pinned. The board has 2 pictures."]
    assert at.button(key="pin-error-along-path").label == "Pinned"
    go(at, "trajectories")
    press(at, "pin-trajectories")
    return go(at, "board")


def test_an_empty_board_says_how_to_fill_it():
    at = opened("board")
    assert not at.exception
    assert any("**Pin**" in text.value for text in at.markdown)
    assert not charts(at)


def test_pins_of_several_pages_are_drawn_as_they_were(filled):
    assert titles(filled) == ["Error against steps", "Error along the path", "Paths from noise to data"]
    assert len(charts(filled)) == 2
    assert len(scenes(filled)) == 1
    page = opened("convergence", against="nfe", **QUICK)
    assert [chart["data"] for chart in charts(filled)] == [chart["data"] for chart in charts(page)]
    assert not filled.warning


def test_pressed_again_it_is_off_the_board():
    at = opened("convergence", **QUICK)
    press(press(at, "pin-error-along-path"), "pin-error-along-path")
    assert [toast.value for toast in at.toast] == ["Taken off the board."]
    assert at.button(key="pin-error-along-path").label == "Pin"
    assert not pins(at)


def test_titles_captions_order_and_undo(filled):
    at = filled
    field(at, "title 0").set_value("Mine ![](x) <b>").run()
    field(at, "caption 0").set_value("What *I* see").run()
    assert titles(at)[0] == "Mine ![](x) <b>"
    assert "What \\*I\\* see" in [text.value for text in at.markdown], "under its picture, as written"
    assert "\\!\\[" in at.subheader[0].value, "a title is shown as written, never as Markdown"
    press(at, "later-0")
    assert titles(at) == ["Error along the path", "Mine ![](x) <b>", "Paths from noise to data"]
    assert field(at, "caption 1").value == "What *I* see"
    assert field(at, "caption 0").value == ""
    press(at, "earlier-2")
    assert titles(at)[1] == "Paths from noise to data"
    press(at, "remove-2")
    assert len(titles(at)) == 2
    press(at, "undo")
    assert titles(at)[2] == "Mine ![](x) <b>"
    assert field(at, "caption 2").value == "What *I* see"
    press(at, "remove all")
    assert not titles(at)
    press(at, "undo")
    assert len(pins(at)) == 3
    assert at.button(key="earlier-0").disabled
    assert at.button(key="later-2").disabled


def test_a_caption_that_is_written_as_a_button_is_pressed_is_not_lost(filled):
    field(filled, "caption 0").set_value("kept")
    press(filled, "later-0")
    assert pins(filled)[1]["caption"] == "kept"


def test_it_opens_on_its_page_as_it_was(filled):
    at = press(filled, "visit-0")
    assert at.button(key="pin-error-against-steps").label == "Pinned"
    assert dict(at.query_params)["against"] in ("nfe", ["nfe"])


def test_a_saved_board_opens_and_what_was_there_comes_back(filled):
    saved = filled.session_state["board"].model_copy(update={"title": "Saved", "columns": 1}).model_dump_json()
    at = opened("board")
    at.file_uploader(key="open board").set_value(("b.json", saved.encode(), "application/json")).run()
    assert not at.exception
    assert len(titles(at)) == 3
    assert field(at, "board title").value == "Saved"
    press(at, "undo")
    assert at.session_state["board"].title == ""
    assert not pins(at)


@pytest.mark.parametrize("text", ["{", "[]", '{"pins": [{"page": "x"}]}', "\x00\xff"])
def test_a_broken_file_is_one_sentence_and_loses_nothing(text):
    at = press(opened("convergence", **QUICK), "pin-error-along-path")
    go(at, "board")
    at.file_uploader(key="open board").set_value(("b.json", text.encode(), "application/json")).run()
    assert not at.exception
    (warning,) = at.warning
    assert warning.value.startswith("This is no board")
    assert titles(at) == ["Error along the path"]


def test_a_picture_that_cannot_be_drawn_says_so_in_its_place():
    at = opened("convergence", against="nfe", **QUICK)
    press(press(at, "pin-error-against-steps"), "pin-error-along-path")
    board = json.loads(at.session_state["board"].model_dump_json())
    board["pins"][0]["views"] = {"against": "the wall", "measure": "rms"}
    board["pins"].append(board["pins"][1] | {"picture": "all-end-images"})
    at = opened("board")
    at.file_uploader(key="open board").set_value(("b.json", json.dumps(board).encode(), "application/json")).run()
    assert not at.exception
    assert len(titles(at)) == 3
    assert len(charts(at)) == 1
    assert ["no such picture" in warning.value for warning in at.warning] == [True, True]
    assert any("left out of the report" in note.value for note in at.info)
    press(at, "visit-0")
    assert not at.exception


def test_the_address_brings_the_board_back(filled):
    address = link(filled)
    assert set(address) == {"pin1", "pin2", "pin3"}
    again = opened("board", **address)
    assert not again.exception
    assert not again.warning
    assert pins(again) == pins(filled)
    press(again, "remove-0")
    assert set(link(again)) == {"pin1", "pin2"}


def test_a_link_replaces_the_board_of_this_session_and_undo_brings_it_back(filled):
    held, other = pins(filled), {"pin1": "trajectories/trajectories?particles=3&steps=2", "pin2": "nonsense"}
    go(filled, "trajectories")
    filled.query_params.clear()
    for name, value in other.items():
        filled.query_params[name] = value
    go(filled, "board")
    assert titles(filled) == ["Paths from noise to data"]
    assert "nonsense" in filled.warning[0].value
    assert set(link(filled)) == {"pin1"}
    press(filled, "undo")
    assert pins(filled) == held
    assert not filled.warning
