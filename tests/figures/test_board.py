"""A board as data: what is kept, in which order, and what is refused when a file says it."""

import json

import pytest

from core.experiments import ConvergenceSpec, ImageData, TrajectoriesSpec
from core.figures.board import MOST_PINS, Board, Pin, checked, read_board

PATHS = TrajectoriesSpec(particles=3, steps=2, solvers=("ddim",)).model_dump_json()
ERRORS = ConvergenceSpec(particles=3, step_counts=(2, 4)).model_dump_json()


def pin(**changes) -> dict:
    return {"page": "trajectories", "picture": "error-along-path", "settings": PATHS} | changes


def saved(*pins: dict, **changes) -> str:
    return json.dumps({"pins": list(pins)} | changes)


def board(count: int) -> Board:
    return Board(pins=tuple(Pin(**pin(title=str(place))) for place in range(count)))


def order(held: Board) -> str:
    return "".join(one.title for one in held.pins)


def test_a_board_that_was_saved_is_the_same_when_opened():
    held = Board(title="Mine", introduction="a\nb", columns=3).with_pin(
        Pin(**pin(page="convergence", picture="error-against-steps", settings=ERRORS, views={"against": "nfe"}))
    )
    held = held.with_pin(Pin(**pin(caption="<b>λ</b>")))
    assert read_board(held.model_dump_json()) == held
    assert read_board("\ufeff" + held.model_dump_json(indent=1)) == held
    assert held.pins[0].spec == ConvergenceSpec.model_validate_json(ERRORS)


def test_pins_move_and_go():
    held = board(4)
    assert order(held) == "0123"
    assert order(held.moved(1, -1)) == "1023"
    assert order(held.moved(1, 2)) == "0231"
    assert order(held.moved(0, -1)) == order(held.moved(3, 1)) == "0123"
    assert order(held.without(2)) == "013"
    assert order(held.changed(2, title="x", caption="y")) == "01x3"
    assert held.changed(2, caption="y" * 9999).pins[2].caption == "y" * 4000


def test_the_same_picture_is_found_whatever_it_is_called():
    held = board(1).with_pin(Pin(**pin(views={"layout": "apart"})))
    assert held.place_of(Pin(**pin(title="other", caption="words"))) == 0
    assert held.place_of(Pin(**pin(views={"layout": "apart"}))) == 1
    assert held.place_of(Pin(**pin(views={"layout": "sheet"}))) is None


def test_a_full_board_takes_no_more():
    full = board(MOST_PINS)
    with pytest.raises(ValueError, match=f"at most {MOST_PINS} pictures"):
        full.with_pin(Pin(**pin()))
    with pytest.raises(ValueError, match=f"at most {MOST_PINS} pictures"):
        read_board(saved(*[pin()] * (MOST_PINS + 1)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no board"),
        ("[]", "no board"),
        ("{", "no board"),
        ("[" * 100_000, "no board"),
        ('{"pins": 3}', "pins"),
        ('{"columns": 9}', "columns"),
        ('{"script": "x"}', "script"),
        (saved(pin(settings="[" * 100_000)), "not JSON"),
        (saved(pin(settings='{"kind": "trajectories", "steps": -1}')), "step counts"),
        (saved(pin(picture="passwords")), "no picture 'passwords' of trajectories"),
        (saved(pin(picture="error-against-steps")), "no picture 'error-against-steps' of trajectories"),
        (saved(pin(page="convergence")), "convergence"),
        (saved(pin(page="start", picture="error-against-steps", settings=ERRORS)), "start"),
        (saved(pin(page="../../etc")), "page"),
        (saved(pin(views={"<b>": "x"})), "views"),
        (saved(pin(views={"x": 3})), "views"),
        (saved(pin(caption="x" * 5000)), "caption"),
        (saved(title="x" * 5_000_000), "MB"),
    ],
)
def test_what_is_no_board_is_refused_in_one_sentence(text, told):
    with pytest.raises(ValueError, match=told) as refused:
        read_board(text)
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)


def test_a_pin_that_was_made_unchecked_is_checked_before_it_is_kept():
    made = Pin.model_construct(**pin(), views={})
    assert checked(made) == Pin(**pin())
    with pytest.raises(ValueError, match="no picture"):
        checked(Pin.model_construct(**pin(picture="other"), views={}))


def test_film_strips_need_room_and_a_plane_does_not():
    images = TrajectoriesSpec(data=ImageData(), particles=2, steps=2).model_dump_json()
    assert Pin(**pin(picture="trajectories", settings=images)).wide
    assert not Pin(**pin(picture="trajectories")).wide
