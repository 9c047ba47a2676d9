"""The language on screen: each English text is a key, and a catalogue says what stands for it in another language.

Whatever the screen shows goes through :func:`tr`. A text that is made where the language is not known (a result is
computed once and seen by many) is a :class:`Message`: plain English to whoever treats it as a string, and said again
in another language by ``tr``. A constant that is shown later is marked by :func:`mark`, so that it is found when the
catalogue is written (``python -m scripts.texts``).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = {"en": "English", "zh": "简体中文"}
ENGLISH = "en"
UNSPACED = {"zh"}  # no space between two sentences
CATALOGUES = Path(__file__).resolve().parents[1] / "assets" / "texts"

_source: list[Callable[[], str]] = [lambda: ENGLISH]
_held: ContextVar[str] = ContextVar("language", default="")


class Message(str):
    """English text that remembers how it was made.

    Attributes
    ----------
    template : with ``{name}`` where a value goes; the key of the catalogue.
    values : what goes there; messages among them are translated too.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, values: dict[str, Any]) -> "Message":
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template, made.values = template, values
        return made

    def __getnewargs__(self) -> tuple[str, dict[str, Any]]:
        return self.template, self.values

    def said(self) -> str:
        """The text in the language of now."""
        return tr(self.template, **self.values)


class Several(Message):
    """Messages one after the other: "a, b and c" or sentences in a row."""

    def __new__(cls, separator: str, values: dict[str, Any]) -> "Several":
        made = str.__new__(cls, separator.join(values["parts"]))
        made.template, made.values = separator, values
        return made

    def said(self) -> str:
        """The text in the language of now."""
        between = "" if self.template == " " and current() in UNSPACED else tr(self.template)
        return between.join(tr(part) for part in self.values["parts"])


class Lowered(Message):
    """A title in the middle of a sentence: in small letters where English is read, as it is in another language."""

    def __new__(cls, title: str, values: dict[str, Any]) -> "Lowered":
        made = str.__new__(cls, title.lower())
        made.template, made.values = title, values
        return made

    def said(self) -> str:
        """The text in the language of now."""
        return str(self) if current() == ENGLISH else tr(self.template)


def message(template: str, /, **values: Any) -> Message:
    """A text to be shown later, by whoever knows the language.

    Raises
    ------
    KeyError
        If the template has a name that ``values`` lack.
    """
    return Message(template, values)


def joined(parts: Iterable[str], separator: str = " ") -> Message:
    """Texts with ``separator`` between them; each is translated for itself, and so is the separator.

    The space between sentences falls away where a language has none.
    """
    return Several(separator, {"parts": tuple(parts)})


def lowered(title: str) -> Message:
    """A title to be used within a sentence."""
    return Lowered(title, {})


def reason(problem: BaseException) -> str:
    """What an error says: the message that it was raised with, if it was one, so that it can be said again."""
    first = problem.args[0] if problem.args else ""
    return first if isinstance(first, Message) else str(problem)


def mark(text: str) -> str:
    """``text`` itself, noted for the catalogue: a constant that :func:`tr` is asked for later."""
    return text


def tr(text: str, /, **values: Any) -> str:
    """``text`` in the language of now, with ``values`` put where it has ``{name}``; English where no translation is.

    Parameters
    ----------
    text : an English template, or a :class:`Message` (then without values).
    values : strings among them are not translated, messages are.
    """
    if isinstance(text, Message):
        return text.said()
    language = current()
    if language != ENGLISH:
        text = catalogue(language).get(text, text)
        values = {name: value.said() if isinstance(value, Message) else value for name, value in values.items()}
    return text.format(**values) if values else text


def current() -> str:
    """Key of the language of now, one of ``LANGUAGES``."""
    return _held.get() or _source[0]()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within it ``language`` is the language of now: for work that is put off until nobody can be asked any more."""
    token = _held.set(language)
    try:
        yield
    finally:
        _held.reset(token)


def follow(source: Callable[[], str]) -> None:
    """Ask ``source`` for the language from now on: a screen knows whom it serves, a library does not."""
    _source[0] = source


@cache
def catalogue(language: str) -> dict[str, str]:
    """English text -> text in ``language``, without the entries that are still to be translated.

    Raises
    ------
    ValueError
        For a language that is not in ``LANGUAGES``.
    """
    if language not in LANGUAGES:
        raise ValueError(f"there is no language {language!r}; allowed: {', '.join(LANGUAGES)}")
    if language == ENGLISH:
        return {}
    from babel.messages.pofile import read_po  # here: the English app does without it

    with (CATALOGUES / f"{language}.po").open("rb") as file:
        entries = read_po(file, locale=language)
    return {entry.id: entry.string for entry in entries if entry.id and entry.string and not entry.fuzzy}
