"""The language of a visitor: from the link, the switch or the browser; it changes words and nothing else."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.language import catalogue, tr
from pages.common import compute, tongue
from pages.common.arrival import ALONE
from pages.common.theme import DRESSED
from tests.pages.app import data_of, link, opened

SMALL = {"particles": "4", "steps": "3", "solvers": "ddim,heun", "data": "moons", "seed": "2"}


def test_the_link_names_the_language_and_keeps_it():
    at = opened("trajectories", **SMALL, lang="zh")
    assert not at.exception
    assert at.title[0].value == "轨迹"
    assert link(at) == SMALL | {"lang": "zh"}
    at.switch_page("pages/schedules.py")
    at.query_params.clear()
    at.run()
    assert at.title[0].value == "噪声调度"
    assert link(at)["lang"] == "zh"


def test_the_switch_changes_words_and_neither_settings_nor_results(monkeypatch):
    at = opened("trajectories", **SMALL, schedule="flow")
    before, address = data_of(at), link(at)

    def never(*_):
        raise AssertionError("what was computed is shown again, not computed")

    monkeypatch.setattr(compute, "run_experiment", never)
    at.button(key="language-zh").click().run()
    assert not at.exception
    assert not at.warning
    assert at.title[0].value == "轨迹"
    assert link(at) == address | {"lang": "zh"}
    assert at.selectbox(key="ui.schedule").value == "flow"
    assert at.selectbox(key="ui.schedule").label == "噪声调度"
    for key in (DRESSED, ALONE):  # the test's runner leaves app.py out, which draws the switch
        del at.session_state[key]
    at.run()
    at.button(key="language-en").click().run()
    assert at.title[0].value == "Trajectories"
    assert link(at) == address
    assert data_of(at) == before


def test_an_unknown_language_is_english():
    at = opened("trajectories", **SMALL, lang="xx")
    assert at.title[0].value == "Trajectories"
    assert not at.warning
    assert link(at) == SMALL


@pytest.mark.parametrize(
    ("locale", "language"),
    [("zh-CN", "zh"), ("zh_TW", "zh"), ("ZH", "zh"), ("en-GB", "en"), ("fr", "en"), (None, "en")],
)
def test_the_browser_says_it_where_the_link_does_not(monkeypatch, locale, language):
    class Context:
        pass

    Context.locale = locale
    monkeypatch.setattr(tongue.st, "context", Context())
    assert tongue.browsers() == language


def test_a_worker_computes_in_no_language():
    tongue.follow(tongue.current)
    said = []
    worker = threading.Thread(target=lambda: said.append(tr("Schedules")))
    worker.start()
    worker.join()
    assert said == ["Schedules"]


def test_a_refusal_is_told_in_the_visitors_language():
    at = opened("trajectories", **SMALL | {"steps": "banana"}, lang="zh")
    assert "链接中有一部分无法显示" in at.warning[0].value


def test_what_is_made_when_a_download_is_pressed_speaks_as_the_page_did(monkeypatch):
    monkeypatch.setattr(tongue, "current", lambda: "zh")
    make = tongue.later(lambda: tr("Settings"))
    assert tr("Settings") == "Settings"  # no script runs, nobody can be asked
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(make).result() == catalogue("zh")["Settings"] != "Settings"
    assert tr("Settings") == "Settings"
