"""One named table per kind of thing: adding an entry is the only step that menus, tests and the CLI need."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Generic, TypeVar

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
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            choices = ", ".join(self._entries)
            if len(self._entries) > MOST_NAMED:  # a message is read; the whole list is the mapping itself
                choices = f"{', '.join(list(self._entries)[:MOST_NAMED])} and {len(self) - MOST_NAMED} more"
            raise ValueError(f"unknown {self.kind} {name!r}{hint}; choose one of: {choices}") from None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
