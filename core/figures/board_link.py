"""A board in an address: one parameter a picture, so that a link brings it to somebody else and a reload keeps it."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

from pydantic import ValidationError

from core.experiments.links import carries, from_params, plain_errors, to_params
from core.experiments.run import EXPERIMENTS
from core.figures.board import MOST_PINS, Board, Pin
from core.figures.pictures import SHARED
from core.language import joined, message

LONGEST = 6000  # letters of an address that browsers, servers and chats all carry
TITLE, CAPTION, VIEW = "pin.title", "pin.caption", "view."
NAMES = ("title", "introduction", "columns")
PINS = tuple(f"pin{place}" for place in range(1, MOST_PINS + 1))


def board_params(board: Board) -> dict[str, str] | None:
    """The board as flat text parameters, ``pin1``, ``pin2``, ... in its order; None where no link can carry it.

    Each pin reads ``page/picture?settings``, with the settings as in the link of its page. What no link carries is a
    long file of points of the user's own, or more than an address can hold.
    """
    if not all(carries(pin.spec) for pin in board.pins):
        return None
    default = Board()
    params = {name: str(getattr(board, name)) for name in NAMES if getattr(board, name) != getattr(default, name)}
    params |= {name: _written(pin) for name, pin in zip(PINS, board.pins, strict=False)}
    return params if len(urlencode(params)) <= LONGEST else None


def _written(pin: Pin) -> str:
    settings = to_params(pin.spec) | {f"{VIEW}{name}": value for name, value in pin.views.items()}
    settings |= {name: text for name, text in ((TITLE, pin.title), (CAPTION, pin.caption)) if text}
    return f"{pin.page}/{pin.picture}" + (f"?{urlencode(settings, safe=',:()=*', quote_via=quote)}" if settings else "")


def board_from_params(params: Mapping[str, str]) -> tuple[Board, list[str]]:
    """The board that link parameters describe, and one sentence for each thing that was left out. Never raises."""
    problems: list[str] = []
    held = []
    for name in PINS:
        if name not in params:
            continue
        pin, told = _read(params[name])
        problems += [message("{name}: {what}", name=name, what=what) for what in told]
        held += [pin] if pin is not None else []
    board = Board(pins=tuple(held))
    for name in NAMES:
        if name in params:
            try:
                board = Board.model_validate(dict(board) | {name: params[name]})
            except ValidationError as error:
                problems.append(message("{name}: {what}", name=name, what=joined(plain_errors(error, within=name))))
    for name in params:
        if name not in (*NAMES, *PINS):
            problems.append(
                message(
                    "A board has no {name}; known are {known}.",
                    name=repr(name[:40]),
                    known=", ".join((*NAMES, PINS[0], "…", PINS[-1])),
                )
            )
    return board, problems


def _read(text: str) -> tuple[Pin | None, list[str]]:
    where, _, query = text.partition("?")
    page, _, picture = where.partition("/")
    kind = "trajectories" if page == "start" else page
    if (kind, picture) not in SHARED:
        return None, [message("there is no picture {picture}.", picture=repr(where[:80]))]
    settings = dict(parse_qsl(query, keep_blank_values=True))
    texts = {field: settings.pop(name, "") for field, name in (("title", TITLE), ("caption", CAPTION))}
    views = {name.removeprefix(VIEW): settings.pop(name) for name in list(settings) if name.startswith(VIEW)}
    spec, problems = from_params(EXPERIMENTS[kind].specification, settings)
    try:
        pin = Pin(page=page, picture=picture, settings=spec.model_dump_json(), views=views, **texts)
    except ValidationError as error:
        return None, [*problems, joined(plain_errors(error), "; ")]
    return pin, problems
