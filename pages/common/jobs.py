"""Work shared by everyone who looks at the same settings: a bounded cache of results and of the jobs under way.

Knows nothing of the screen. Thirty people who open one link wait for one job; it stops when the last of them leaves.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, fields, is_dataclass
from time import monotonic
from typing import Any

import numpy as np

Work = Callable[[Callable[[float, str], None], Callable[[], bool]], Any]


@dataclass
class Job:
    """One computation under way.

    Attributes
    ----------
    key : of its result in the cache.
    fraction, doing : how far it is (0 to 1), and with what.
    started : when it began to run (``time.monotonic``); None while it waits for a worker.
    waiting : how many are waiting for it.
    """

    key: str
    fraction: float = 0.0
    doing: str = ""
    started: float | None = None
    waiting: int = 0
    future: Future = field(default_factory=Future)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Tell it to stop; it does at its next step."""
        self._stop.set()
        self.future.cancel()

    def report(self, fraction: float, doing: str) -> None:
        """Note progress; called by the work itself."""
        self.fraction, self.doing = fraction, doing

    @property
    def seconds_left(self) -> float | None:
        """Rough time left, in seconds; None until enough is done to tell."""
        if self.started is None or self.fraction < 0.03:
            return None
        return (monotonic() - self.started) * (1 - self.fraction) / self.fraction


class Results:
    """Least recently used results, bounded in number and bytes, and at most one job for each key.

    Parameters
    ----------
    entries, size : the most results and the most bytes kept.
    workers : jobs that run at once in each lane; a slow lane never holds up a quick one.
    """

    def __init__(self, entries: int = 200, size: int = 400_000_000, workers: int | None = None):
        self._entries, self._size = entries, size
        self._kept: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        workers = workers or max(2, (os.cpu_count() or 2) // 2)
        self._lanes = {name: ThreadPoolExecutor(workers, f"solverscope-{name}") for name in ("quick", "slow")}

    def get(self, key: str) -> Any | None:
        """The result for ``key`` if it is kept."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def join(self, key: str, work: Work, lane: str = "quick") -> Job:
        """The job for ``key``, started if it was not; whoever joins must :meth:`leave`."""
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.stopped:
                job = self._jobs[key] = Job(key)
                job.future = self._lanes[lane].submit(self._run, job, work)
            job.waiting += 1
            return job

    def leave(self, job: Job) -> None:
        """Wait no longer; the last to leave stops a job that is not done."""
        with self._lock:
            job.waiting -= 1
            if job.waiting == 0:
                if not job.future.done():
                    job.stop()
                if self._jobs.get(job.key) is job:
                    del self._jobs[job.key]

    @property
    def size(self) -> int:
        """Bytes kept."""
        return sum(size for _, size in self._kept.values())

    def _run(self, job: Job, work: Work) -> Any:
        job.started = monotonic()
        result = work(job.report, lambda: job.stopped)
        with self._lock:
            self._kept[job.key] = (result, size_of(result))
            self._kept.move_to_end(job.key)
            while len(self._kept) > 1 and (len(self._kept) > self._entries or self.size > self._size):
                self._kept.popitem(last=False)
        return result


def size_of(value: Any) -> int:
    """Bytes of the arrays inside nested dataclasses, tuples, lists and dictionaries."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if is_dataclass(value):
        return sum(size_of(getattr(value, part.name)) for part in fields(value))
    if isinstance(value, dict):
        return sum(size_of(part) for part in value.values())
    if isinstance(value, tuple | list):
        return sum(size_of(part) for part in value)
    return 64
