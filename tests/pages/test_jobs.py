"""One job for each key, shared by all who wait; bounded results; a job that nobody waits for stops."""

import threading
import time

import numpy as np
import pytest

from pages.common.jobs import Results, size_of


def finished(results, key, work, lane="quick"):
    job = results.join(key, work, lane)
    try:
        return job.future.result(10)
    finally:
        results.leave(job)


def test_thirty_who_ask_at_once_share_one_computation():
    results, calls, gate = Results(), [], threading.Event()

    def work(report, stop):
        calls.append(1)
        gate.wait(10)
        return "done"

    answers = []
    people = [threading.Thread(target=lambda: answers.append(finished(results, "k", work))) for _ in range(30)]
    for person in people:
        person.start()
    time.sleep(0.1)
    gate.set()
    for person in people:
        person.join(10)
    assert answers == ["done"] * 30
    assert len(calls) == 1
    assert results.get("k") == "done"


def test_a_job_goes_on_while_anyone_waits_and_stops_with_the_last():
    results, stopped = Results(), threading.Event()

    def work(report, stop):
        while not stop():
            time.sleep(0.005)
        stopped.set()
        raise RuntimeError("told to stop")

    first, second = results.join("k", work), results.join("k", work)
    assert first is second
    results.leave(first)
    assert not stopped.wait(0.1)
    results.leave(second)
    assert stopped.wait(5)
    assert results.get("k") is None


def test_after_a_stop_the_same_key_starts_afresh():
    results, release = Results(), threading.Event()

    def slow(report, stop):
        while not stop():
            time.sleep(0.005)
        release.wait(5)
        return "late"

    job = results.join("k", slow)
    results.leave(job)
    assert finished(results, "k", lambda report, stop: "new") == "new"
    release.set()


def test_a_waiting_job_that_is_left_never_runs():
    results, gate, ran = Results(workers=1), threading.Event(), []
    busy = results.join("busy", lambda report, stop: gate.wait(10))
    queued = results.join("queued", lambda report, stop: ran.append(1))
    results.leave(queued)
    gate.set()
    busy.future.result(10)
    assert finished(results, "after", lambda report, stop: 1) == 1
    assert not ran


def test_slow_work_never_holds_up_quick_work():
    results, gate = Results(workers=1), threading.Event()
    slow = results.join("slow", lambda report, stop: gate.wait(10), lane="slow")
    assert finished(results, "quick", lambda report, stop: 2) == 2
    gate.set()
    results.leave(slow)


def test_progress_gives_the_time_left():
    results, gate = Results(), threading.Event()

    def work(report, stop):
        time.sleep(0.1)
        report(0.25, "a quarter")
        gate.wait(10)

    job = results.join("k", work)
    time.sleep(0.2)
    assert (job.fraction, job.doing) == (0.25, "a quarter")
    assert 0.3 <= job.seconds_left <= 3  # three times what has passed so far
    gate.set()
    results.leave(job)


def test_the_least_recently_used_goes_first_by_count_and_by_bytes():
    results = Results(entries=2)
    for key in "ab":
        finished(results, key, lambda report, stop: 1)
    results.get("a")
    finished(results, "c", lambda report, stop: 1)
    assert [results.get(key) for key in "abc"] == [1, None, 1]

    small = Results(size=2_500)
    for key in "abc":
        finished(small, key, lambda report, stop: np.zeros(125))
    assert small.get("a") is None
    assert small.get("c") is not None
    assert small.size <= 2_500


def test_an_error_reaches_whoever_waits_and_is_not_kept():
    results = Results()

    def fail(report, stop):
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        finished(results, "k", fail)
    assert finished(results, "k", lambda report, stop: "fine") == "fine"


def test_size_counts_arrays_inside_anything():
    assert size_of({"a": (np.zeros((3, 4)), [np.zeros(2, np.float32)])}) == 96 + 8
