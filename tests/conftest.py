"""For every test: one thread a worker, reproducible property tests, browser tests together."""

import os
import sys
import threading
from collections.abc import Iterator

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: workers share the cores

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

BROWSER = "tests/browser/"
AFTER = ("tests/pages/", "tests/schedules/", "tests/solvers/", "tests/train/")
# Not counted as covering core: pages and lessons run it by the way, and these solve so often that counting each line
# takes a third of their time. The bound is the harder to reach for it.
UNCOUNTED = ("tests/pages/", "tests/lessons/", "tests/solvers/", "tests/test_solve.py", BROWSER)

# No deadline: the first example of a test pays for imports. The same examples every time, so that a failure
# seen once is seen by everyone.
settings.register_profile("solverscope", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("solverscope")


class FilesThenBrowser(LoadFileScheduling):
    """A file's tests stay on one worker; all browser tests share one app and one browser on one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FilesThenBrowser | None:
    return FilesThenBrowser(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put browser tests before the last third: one worker drives the browser while the other does the rest."""
    items.sort(key=lambda item: _place(item.nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Count no lines in ``UNCOUNTED``; pytest-cov's own mark leaves a worker to the counter of subprocesses."""
    held = sys.gettrace(), threading.gettrace()
    if item.nodeid.startswith(UNCOUNTED):
        sys.settrace(None)
        threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(held[0])
        threading.settrace(held[1])


def _place(nodeid: str) -> int:
    if nodeid.startswith(BROWSER):
        return 1
    return 2 if nodeid.startswith(AFTER) else 0
