"""A board: pictures kept by their settings, never as pictures, so that what is shown is computed anew."""

import json
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from core.experiments.links import load_recipe, plain_errors
from core.experiments.specification import Specification
from core.figures.pictures import SHARED, Shared
from core.language import message, tr

MOST_PINS = 24  # each is computed when the board is opened
MOST_BYTES = 4_000_000
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pin(_Kept):
    """One picture.

    Attributes
    ----------
    page : that shows it; the first page shows pictures of trajectories.
    picture : its name there, with the kind of ``settings`` a key of ``SHARED``.
    settings : the specification as JSON text.
    views : display choices of the page that differ from their first options.
    title, caption : what the user calls it, and writes below; empty title: its own.
    """

    page: Name
    picture: Name
    settings: str = Field(max_length=2_000_000)
    views: dict[Name, Annotated[str, StringConstraints(max_length=40)]] = Field({}, max_length=20)
    title: str = Field("", max_length=200)
    caption: str = Field("", max_length=4000)

    @model_validator(mode="after")
    def _known(self) -> "Pin":
        spec = _spec(self.settings)
        if (spec.kind, self.picture) not in SHARED:
            known = ", ".join(name for kind, name in SHARED if kind == spec.kind)
            raise ValueError(
                message(
                    "there is no picture {picture} of {kind}; there are: {known}",
                    picture=repr(self.picture),
                    kind=spec.kind,
                    known=known,
                )
            )
        if self.page not in (spec.kind, "start" if spec.kind == "trajectories" else ""):
            raise ValueError(message("pictures of {kind} are not on the page {page}", kind=spec.kind, page=self.page))
        return self

    @property
    def spec(self) -> Specification:
        """Its settings."""
        return _spec(self.settings)

    @property
    def shared(self) -> Shared:
        """How it is drawn."""
        return SHARED[self.spec.kind, self.picture]

    @property
    def wide(self) -> bool:
        """Whether it needs the whole width."""
        return self.shared.wide or (self.shared.wide_images and self.spec.data.kind == "images")

    @property
    def called(self) -> str:
        """Its title on screen."""
        return self.title or tr(self.shared.title)


@lru_cache(maxsize=2 * MOST_PINS)
def _spec(settings: str) -> Specification:
    return load_recipe(settings)  # a drawing is long, and each run of the board asks several times


class Board(_Kept):
    """Pins in their order, with what stands above them; ``columns`` side by side on a wide screen."""

    title: str = Field("", max_length=200)
    introduction: str = Field("", max_length=10_000)
    columns: int = Field(2, ge=1, le=3)
    pins: tuple[Pin, ...] = ()

    @field_validator("pins")
    @classmethod
    def _few(cls, pins: tuple[Pin, ...]) -> tuple[Pin, ...]:
        if len(pins) > MOST_PINS:
            raise ValueError(
                message(
                    "a board holds at most {most} pictures, since each is computed anew; got {count}",
                    most=MOST_PINS,
                    count=len(pins),
                )
            )
        return pins

    def with_pin(self, pin: Pin) -> "Board":
        """The same with ``pin`` at the end. Raises ValueError if it is full."""
        return _checked(self, pins=(*self.pins, pin))

    def without(self, place: int) -> "Board":
        """The same without the pin at ``place``."""
        return self.model_copy(update={"pins": (*self.pins[:place], *self.pins[place + 1 :])})

    def moved(self, place: int, by: int) -> "Board":
        """The same with the pin at ``place`` moved ``by`` places, as far as there are any."""
        pins = list(self.pins)
        pins.insert(max(0, min(len(pins) - 1, place + by)), pins.pop(place))
        return self.model_copy(update={"pins": tuple(pins)})

    def changed(self, place: int, **fields: Any) -> "Board":
        """The same with fields of one pin changed; a text that is too long is cut."""
        limits = {"title": 200, "caption": 4000}
        fields = {name: value[: limits[name]] for name, value in fields.items()}
        pins = list(self.pins)
        pins[place] = pins[place].model_copy(update=fields)
        return self.model_copy(update={"pins": tuple(pins)})

    def place_of(self, pin: Pin) -> int | None:
        """Where the same picture with the same settings is, whatever it is called."""
        same = ("page", "picture", "settings", "views")
        for place, held in enumerate(self.pins):
            if all(getattr(held, name) == getattr(pin, name) for name in same):
                return place
        return None


def checked(pin: Pin) -> Pin:
    """``pin`` after all checks. Raises ValueError with one sentence if it cannot be kept."""
    try:
        return Pin.model_validate(dict(pin))
    except ValidationError as error:
        raise ValueError(plain_errors(error)[0]) from None


def _checked(board: Board, **fields: Any) -> Board:
    try:
        return Board.model_validate({name: getattr(board, name) for name in Board.model_fields} | fields)
    except ValidationError as error:
        raise ValueError(plain_errors(error)[0]) from None


def read_board(text: str) -> Board:
    """The board that a saved file describes.

    Raises
    ------
    ValueError
        With one sentence, if it is none, holds too much, or a picture that there is not.
    """
    if len(text) > MOST_BYTES:
        raise ValueError(message("a board is at most {size:.0f} MB of text", size=MOST_BYTES / 1e6))
    try:
        fields = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        raise ValueError(message("this is no board: the file is not JSON")) from None
    try:
        return Board.model_validate(fields)
    except ValidationError as error:
        raise ValueError(message("this is no board: {why}", why=plain_errors(error)[0])) from None
