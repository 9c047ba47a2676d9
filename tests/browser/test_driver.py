"""The tools of the browser tests can tell right from wrong: tried on pages made for the purpose."""

import numpy as np
import pytest
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser import driver

APP = """<!doctype html><div data-testid="stApp" data-test-script-state="{state}"
    data-test-connection-state="CONNECTED" style="overflow: auto">{body}</div>"""
CHART = '<div data-testid="stPlotlyChart"><div class="js-plotly-plot">{drawing}</div></div>'
DRAWN, EMPTY = CHART.format(drawing='<svg class="main-svg"></svg>'), CHART.format(drawing="")


@pytest.fixture
def page(browser) -> Page:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    yield page
    page.close()


def show(page: Page, body: str, state: str = "notRunning") -> None:
    page.set_content(APP.format(state=state, body=body))


def test_an_idle_page_with_a_drawn_chart_is_idle(page):
    show(page, DRAWN)
    driver.wait_idle(page, timeout=5000)


@pytest.mark.parametrize(
    ("body", "state"),
    [
        pytest.param(DRAWN, "running", id="script-running"),
        pytest.param(EMPTY, "notRunning", id="chart-not-drawn"),
        pytest.param(DRAWN + '<div data-stale="true"></div>', "notRunning", id="stale"),
        pytest.param('<div data-testid="stSkeleton"></div>', "notRunning", id="skeleton"),
    ],
)
def test_a_busy_page_is_not_idle(page, body, state):
    show(page, body, state)
    with pytest.raises(PlaywrightTimeout):
        driver.wait_idle(page, timeout=800)


def test_a_chart_that_is_not_visible_is_not_waited_for(page):
    show(page, DRAWN + f'<div style="display: none">{EMPTY}</div>')
    driver.wait_idle(page, timeout=5000)


def test_overflow_is_measured_in_pixels(page):
    show(page, '<div style="width: 100%">fits</div>')
    assert driver.horizontal_overflow(page) == 0
    show(page, '<div style="width: 500px">too wide</div>')
    assert driver.horizontal_overflow(page) == 500 - page.evaluate("document.body.clientWidth")


def test_what_scrolls_in_its_own_box_is_no_overflow(page):
    show(page, '<div style="overflow-x: auto"><div style="width: 2000px">a table</div></div>')
    assert driver.horizontal_overflow(page) == 0


def test_chart_data_comes_back_with_types_and_shapes(page):
    show(page, DRAWN)
    page.evaluate(
        """() => { const chart = document.querySelector('.js-plotly-plot');
            const bytes = new Uint8Array(new Float64Array([1, 2, 3, 4, 5, 6]).buffer);
            const packed = {dtype: 'f8', bdata: btoa(String.fromCharCode(...bytes)), shape: '2, 3'};
            chart.data = [{type: 'scatter', x: new Float32Array([0.5, NaN, 2]), y: [1, null, 3], z: packed,
                _input: chart}];
            chart.layout = {title: {text: 'λ'}};
            chart._transitionData = {_frames: [{name: '0', data: [{x: new Uint8Array([7])}]}]}; }"""
    )
    (chart,) = driver.charts(page)
    trace = chart["data"][0]
    np.testing.assert_array_equal(trace["x"], np.array([0.5, np.nan, 2], dtype=np.float32), strict=True)
    np.testing.assert_array_equal(trace["z"], np.arange(1.0, 7).reshape(2, 3), strict=True)
    assert trace["y"] == [1, None, 3]
    assert "_input" not in trace
    assert chart["layout"] == {"title": {"text": "λ"}}
    np.testing.assert_array_equal(chart["frames"][0]["data"][0]["x"], np.array([7], dtype=np.uint8), strict=True)


def test_differences_names_the_places():
    first = [{"uid": "a", "x": np.array([1.0, np.nan]), "name": "DDIM", "y": [0.5, float("nan")]}]
    same = [{"uid": "b", "x": np.array([1.0, np.nan]), "name": "DDIM", "y": [0.5, float("nan")]}]
    other = [{"uid": "a", "x": np.array([1.5, np.nan]), "name": "Heun", "y": [0.5]}]
    assert driver.differences(first, same) == []
    places = [line.split(":")[0] for line in driver.differences(first, other)]
    assert places == ["[0].name", "[0].x", "[0].y"]


def test_an_app_that_does_not_start_is_reported_with_its_log(tmp_path):
    with pytest.raises(RuntimeError, match=r"(?s)did not become healthy.*app\.py"):
        driver.Server(tmp_path).__enter__()
