"""Lessons in a browser: a lecture by keyboard alone, both sizes, and what axe-core says."""

import re

from playwright.sync_api import expect

from tests.browser import driver
from tests.browser.accessibility import violations


def press(page, key: str, part: str) -> None:
    page.keyboard.press(key)
    page.wait_for_url(re.compile(part))
    driver.wait_idle(page)


def test_a_lecture_goes_by_keyboard_alone(open_page):
    page = open_page("lessons?lesson=2&step=1&view=lecture", width=1280, height=720)
    expect(page.get_by_test_id("stHeader")).to_be_hidden()
    heading = page.get_by_role("heading", level=1)
    first = heading.inner_text()
    press(page, "ArrowRight", "part=question")
    press(page, "Enter", "part=picture")
    assert driver.charts(page)
    assert violations(page) == []
    press(page, "PageDown", "step=2.*part=words")
    assert heading.inner_text() != first
    press(page, "PageUp", "step=1.*part=picture")
    press(page, "Home", "step=1.*part=words")
    expect(heading).to_have_text(first)
    press(page, "Escape", "lesson=2&step=1$")
    expect(page.get_by_test_id("stHeader")).to_be_visible()


def test_a_chart_fills_the_slide_without_scrolling(open_page):
    page = open_page("lessons?lesson=2&step=2&view=lecture&part=picture", width=1280, height=720, dark=True)
    chart = page.get_by_test_id("stPlotlyChart").bounding_box()
    assert chart["height"] > 600
    assert chart["y"] + chart["height"] <= 720
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight") <= 720
    page = open_page("lessons?lesson=2&step=2&view=lecture&part=words", width=1920, height=1080)
    words = page.locator(".st-key-slide-words p").first
    assert float(words.evaluate("p => parseFloat(getComputedStyle(p).fontSize)")) >= 32


def test_predict_on_a_telephone(open_page):
    page = open_page("lessons?lesson=0&step=1", width=390, height=844, dark=True)
    assert driver.horizontal_overflow(page) == 0
    page.get_by_text("Far: more than 0.2").click()
    driver.wait_idle(page)
    page.keyboard.press("Enter")
    page.get_by_text("Right. Computed").wait_for()
    driver.wait_idle(page)
    assert driver.horizontal_overflow(page) == 0
    assert violations(page) == []
    places = [page.locator(f".st-key-lesson-{part}").bounding_box()["y"] for part in ("before", "picture", "after")]
    assert places == sorted(places), "words, picture, what was found"


def test_the_overview_can_be_read_by_everybody(open_page):
    page = open_page("lessons")
    assert violations(page) == []
    page.get_by_role("button", name="Begin").first.click()
    page.wait_for_url(re.compile("lesson=0&step=1"))
    driver.wait_idle(page)
    assert violations(page) == []
