"""A board in an address: what a link carries comes back the same, and what it cannot say is told."""

import pytest

from core.experiments import ConvergenceSpec, ImageData, ToyData, TrajectoriesSpec
from core.figures.board import Board, Pin
from core.figures.board_link import LONGEST, board_from_params, board_params

PATHS = TrajectoriesSpec(data=ToyData(name="moons"), steps=7, solvers=("ddim", "edm-heun"), start=(0.5, -1.25, 2))
ERRORS = ConvergenceSpec(data=ImageData(name="digits", label=3), particles=2, step_counts=(4, 8), solvers=("ddim",))


def pin(spec, picture: str, **more) -> Pin:
    return Pin(page=more.pop("page", spec.kind), picture=picture, settings=spec.model_dump_json(), **more)


BOARD = Board(
    title="Was λ & 100 % kostet?",
    introduction="two\nlines = one & the other",
    columns=3,
    pins=(
        pin(PATHS, "trajectories", views={"layout": "apart"}, caption="a=b&c; + ?"),
        pin(PATHS, "trajectories", page="start", title="<b>mine</b>"),
        pin(ERRORS, "error-against-steps", views={"against": "nfe"}),
    ),
)


@pytest.mark.parametrize("board", [BOARD, Board(), Board(columns=1), Board(pins=BOARD.pins[2:])])
def test_what_a_link_carries_comes_back_the_same(board):
    assert board_from_params(board_params(board)) == (board, [])


def test_an_empty_board_needs_no_address():
    assert board_params(Board()) == {}


def test_what_no_link_can_carry_is_not_cut():
    points = [(k / 100, -k / 100) for k in range(101)]
    own = pin(TrajectoriesSpec(data=ToyData(name="custom", points=points)), "trajectories")
    assert board_params(Board(pins=(own,))) is None
    wordy = pin(PATHS, "trajectories", caption="x" * 4000)
    assert board_params(Board(pins=(wordy,))) is not None
    assert board_params(Board(pins=(wordy, wordy.model_copy(update={"title": "again"})))) is None
    assert LONGEST < 8000, "common servers refuse longer addresses"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"pin1": "trajectories/nonsense?steps=4"}, "no picture 'trajectories/nonsense'"),
        ({"pin1": "?" * 500}, "no picture"),
        ({"pin1": "start/error-against-steps"}, "no picture"),
        ({"pin2": "trajectories/trajectories?steps=-4"}, "pin2: Cannot use steps = '-4'"),
        ({"pin1": "trajectories/trajectories?pin.title=" + "t" * 201}, "at most 200"),
        ({"columns": "7"}, "columns: it must be at most 3"),
        ({"pin99": "trajectories/trajectories"}, "'pin99'"),
        ({"steps": "4"}, "'steps'"),
    ],
)
def test_a_hand_edited_link_says_what_is_wrong_and_keeps_the_rest(params, said):
    board, problems = board_from_params(board_params(Board(pins=BOARD.pins[2:])) | {"pin5": "garbage"} | params)
    assert any(said in str(problem) for problem in problems), problems
    assert any("pin5: " in problem for problem in problems)
    assert "pin1" in params or BOARD.pins[2] in board.pins
