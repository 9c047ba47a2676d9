"""What experiments keep between runs, so that a change of one setting repeats only what depends on it."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """The most recently used values up to a number of bytes; safe to use from several threads.

    Parameters
    ----------
    size : bytes kept at most. A value larger than that is not kept at all.
    """

    def __init__(self, size: int):
        self.size = size
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._held = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> Value | None:
        """The value kept under ``key``, or None."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, value: Value, size: int) -> Value:
        """Keep ``value``, which takes ``size`` bytes, and return it; the least recently used make room."""
        with self._lock:
            self._held -= self._values.pop(key, (value, 0))[1]
            if size <= self.size:
                self._values[key] = (value, size)
                self._held += size
            while self._held > self.size:
                self._held -= self._values.popitem(last=False)[1][1]
        return value

    def __len__(self) -> int:
        return len(self._values)
