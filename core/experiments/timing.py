"""How long a run takes when nothing else disturbs it: the one number here that does not repeat exactly."""

import time
from collections.abc import Callable
from typing import NamedTuple

from core.language import message

LEAST, MOST = 3, 9  # repeats
ENOUGH = 0.15  # seconds of repeats after which the least number of them is enough
PATIENCE = 0.6  # seconds of repeats after which even disturbed ones must do
LONG = 1.0  # seconds of one run after which a single repeat is enough
IDLE = 1.15  # wall over CPU time beyond which something else ran meanwhile
GRAIN = 5e-4  # seconds that may be lost to the clocks


class WallTime(NamedTuple):
    """Wall time of the fastest repeat, and whether it ran without another process taking the processor."""

    seconds: float
    undisturbed: bool


def best_time(
    work: Callable[[], object],
    guarded: bool = True,
    wall: Callable[[], float] = time.perf_counter,
    cpu: Callable[[], float] = time.thread_time,
) -> WallTime:
    """The fastest of several repeats of ``work``, which must have run once before, to be warm.

    A repeat whose wall time is more than 1.15 times its CPU time was interrupted: it counts only if all were.

    Parameters
    ----------
    guarded : False where this thread waits for another device, whose time is no CPU time.
    wall, cpu : the clocks, in seconds.
    """
    found: list[WallTime] = []
    spent = 0.0
    while len(found) < MOST:
        began, began_cpu = wall(), cpu()
        work()
        took, took_cpu = wall() - began, cpu() - began_cpu
        found.append(WallTime(took, not guarded or took <= IDLE * took_cpu + GRAIN))
        spent += took
        calm = sum(repeat.undisturbed for repeat in found)
        if (took > LONG and calm) or (spent > ENOUGH and calm >= LEAST) or spent > PATIENCE:
            break
    return min(found, key=lambda repeat: (not repeat.undisturbed, repeat.seconds))


def timing_notes(runs: int, disturbed: int) -> list[str]:
    """What to know of the wall times of ``runs`` runs, of which ``disturbed`` were interrupted in every repeat."""
    notes = [
        message(
            "Wall time was measured when this picture was computed, on the machine that computed it: the fastest of "
            "several repeats after a first run. It depends on both; all other numbers repeat exactly."
        )
    ]
    if disturbed:
        notes.append(
            message(
                "Something else took the processor in every repeat of {disturbed} of {runs} runs: too long times.",
                disturbed=disturbed,
                runs=runs,
            )
        )
    return notes
