"""One named table per kind of thing: adding an entry is the only step that menus, tests and the CLI need."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Generic, TypeVar

from core.language import message

Entry = TypeVar("Entry")
MOST_NAMED = 30


class Registry(Mapping[str, Entry], Generic[Entry]):
    """An ordered, append-only mapping from name to entry whose look-up errors name the choices.

    Parameters
    ----------
    kind : what the entries are, in the singular and in plain words ("solver", "noise schedule").

    Raises
    ------
    ValueError
        On an unknown name (with the allowed ones) and on adding a name twice.
    """

    def __init__(self, kind: str):
        self.kind = kind
        self._entries: dict[str, Entry] = {}

    def add(self, name: str, entry: Entry) -> Entry:
        """Register ``entry`` under ``name`` and return it."""
        if name in self._entries:
            raise ValueError(f"the {self.kind} {name!r} is registered already; choose another name")
        self._entries[name] = entry
        return entry

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except (KeyError, TypeError):
            close = get_close_matches(str(name), self._entries, n=1)
            values = {"kind": message(self.kind), "name": repr(name), "choices": self._choices()}
            if not close:
                raise ValueError(message("unknown {kind} {name}; choose one of: {choices}", **values)) from None
            raise ValueError(
                message(
                    "unknown {kind} {name} (did you mean {close}?); choose one of: {choices}",
                    close=repr(close[0]),
                    **values,
                )
            ) from None

    def _choices(self) -> str:
        """The names as a refusal lists them: it is read, and the whole list is the mapping itself."""
        if len(self) <= MOST_NAMED:
            return ", ".join(self)
        few = ", ".join(list(self)[:MOST_NAMED])
        return message("{names} and {more} more", names=few, more=len(self) - MOST_NAMED)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
