"""From a specification to its result on screen: from the cache, or by a job with progress, time left and Cancel."""

import logging
import re
from concurrent.futures import Future, wait
from time import monotonic
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.experiments.build import device_line
from core.experiments.run import run_experiment
from core.experiments.specification import Setting
from core.language import ENGLISH, current, joined, mark, reason, tr
from pages.common.jobs import Job, Results

LOG = logging.getLogger(__name__)
EMOJI = re.compile(r":(?=[a-z0-9_+-]+:)")  # Streamlit would read "weight:x:y" as a picture
STOPPED, LAST = "stopped", "last result"
QUIET = 0.3  # seconds before progress appears: a flash of it would only disturb
TICK = 0.12
KEPT = mark("The picture still shows the settings before.")


@st.cache_resource(show_spinner=False)
def results() -> Results:
    """The one cache of this process."""
    return Results()


def result_for(page: str, spec: Setting, slot: str = "") -> Any | None:
    """The result to show on ``page``: that of ``spec``, or the last one if the user stopped this one or it failed.

    Draws one status line of fixed height where it is called. None if there is nothing to show yet. A page that shows
    several results gives each a ``slot`` of its own, and ``page`` a name of its own, so that none stands for another.
    """
    key = spec.model_dump_json()
    with st.container(key=f"status{slot}"):
        line = st.empty()
    result = results().get(key)
    stopped = st.session_state.setdefault(STOPPED, set())
    if result is None and key in stopped:
        _offer_again(line, _last(page) is not None, key, slot)
        return _last(page)
    if not slot:
        stopped.clear()  # other settings were chosen: these may run when they come back
    if result is None:
        job = results().join(key, lambda report, stop: run_experiment(spec, report, stop), lane(spec))
        try:
            _follow(job, line, slot)
        finally:  # also when a rerun or a closed tab ends this script here
            results().leave(job)
        result = _outcome(job.future, line, _last(page) is not None)
        if result is None:
            return _last(page)
    st.session_state[LAST] = (page, result)
    line.caption(tr("{device} Computed in {time}.", device=sentence(device_line(spec)), time=seconds(result.seconds)))
    return result


def ahead(spec: Setting) -> None:
    """Compute what will be asked for next, in the background; nobody waits for it, and a failure shows when it is."""
    key = spec.model_dump_json()
    if results().get(key) is None:
        job = results().join(key, lambda report, stop: run_experiment(spec, report, stop), lane(spec))
        job.future.add_done_callback(lambda _: results().leave(job))


def shown(page: Any) -> Any:
    """The result of what ``page`` is set to; ends the script where there is nothing to show yet."""
    result = result_for(page.name, page.specification())
    if result is None:
        st.stop()
    return result


def lane(spec: Any) -> str:
    """Which workers run it: networks and images are slow."""
    return "slow" if spec.data.kind == "images" else "quick"


def seconds(value: float) -> str:
    """A duration for people: ``8 ms``, ``0.3 s``, ``12 s``, ``3 min``."""
    if value < 0.1:
        return tr("{number} ms", number=f"{1000 * value:.2g}")
    if value < 100:
        return tr("{number} s", number=f"{value:.2g}" if value < 10 else f"{value:.0f}")
    return tr("{number} min", number=f"{value / 60:.0f}")


def _last(page: str) -> Any | None:
    owner, result = st.session_state.get(LAST, (None, None))
    return result if owner == page else None


def _follow(job: Job, line: DeltaGenerator, slot: str) -> None:
    """Show progress until the job is done; every ``st`` call here lets a rerun in."""
    began = monotonic()
    wait([job.future], QUIET)
    if job.future.done():
        return
    row = line.container(horizontal=True, vertical_alignment="center", key=f"progress{slot}")
    bar = row.empty()
    row.button(tr("Cancel"), key=f"cancel{slot}", on_click=_stop, args=(job.key,), type="tertiary")
    while not job.future.done():
        bar.progress(min(max(job.fraction, 0.0), 1.0), _describe(job, monotonic() - began))
        wait([job.future], TICK)


def _describe(job: Job, elapsed: float) -> str:
    if job.started is None:
        return tr("Waiting for other computations to end")
    left = job.seconds_left
    doing = sentence(job.doing or mark("computing")).rstrip(".。")
    if left is None or elapsed <= 1:
        return doing
    return tr("{doing} · about {time} left", doing=doing, time=seconds(max(left, 1)))


def _stop(key: str) -> None:
    st.session_state.setdefault(STOPPED, set()).add(key)


def _again(key: str) -> None:
    st.session_state.setdefault(STOPPED, set()).discard(key)


def _offer_again(line: DeltaGenerator, kept: bool, key: str, slot: str) -> None:
    row = line.container(horizontal=True, vertical_alignment="center", key=f"stopped{slot}")
    row.markdown(_with_kept(tr("Stopped."), kept), width="content")
    row.button(tr("Run again"), key=f"again{slot}", on_click=_again, args=(key,), type="tertiary")


def _outcome(future: Future, line: DeltaGenerator, kept: bool) -> Any | None:
    """The result; or one sentence on screen and None."""
    problem = future.exception()
    if problem is None:
        return future.result()
    if isinstance(problem, ValueError | OSError):
        line.warning(_with_kept(sentence(reason(problem)), kept))
    else:
        LOG.error("experiment failed", exc_info=problem)
        line.error(tr("This computation failed, and the fault is ours. Your settings are kept; change one to go on."))
    return None


def _with_kept(text: str, kept: bool) -> str:
    return tr(joined([text, tr(KEPT)])) if kept else text


def sentence(text: str) -> str:
    """``text`` in the language of now, with a full stop at the end and, in English, a capital at the start."""
    text = EMOJI.sub(r"\\:", tr(text).strip())
    if current() == ENGLISH:
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "。", "！", "？")) else tr("{text}.", text=text)
