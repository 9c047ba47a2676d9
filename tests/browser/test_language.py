"""The switch of language in a browser: words change, numbers, settings and the rest of the address stay."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import driver
from tests.browser.accessibility import violations

SMALL = "trajectories?particles=4&steps=3&solvers=ddim%2Cheun&data=moons"


def language(page: Page) -> str:
    """Of the document, as screen readers take it."""
    return page.evaluate("document.documentElement.lang")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_the_switch_changes_words_alone_and_back(open_page, width, dark):
    page = open_page(SMALL, width=width, height=844, dark=dark)
    address = page.url
    drawn = [chart["data"][0]["values"] for chart in driver.charts(page)[:1]]
    told = page.get_by_text(re.compile(r"Computed in .*\d")).inner_text()
    page.get_by_role("button", name="简体中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("轨迹")
    driver.wait_idle(page)
    assert language(page) == "zh"
    assert page.title().startswith("轨迹")
    assert page.url == f"{address}&lang=zh"
    number = re.search(r"Computed in ([\d.]+)", told)[1]
    assert f"计算用时 {number}" in page.get_by_text("计算用时").inner_text(), "it was not computed anew"
    assert not driver.differences(drawn, [chart["data"][0]["values"] for chart in driver.charts(page)[:1]])
    assert driver.horizontal_overflow(page) == 0
    again = open_page(page.url, width=width, height=844, dark=dark)
    expect(again.get_by_role("heading", level=1)).to_have_text("轨迹")
    page.get_by_role("button", name="English", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Trajectories")
    driver.wait_idle(page)
    assert language(page) == "en"
    assert page.url == address


def test_a_choice_by_its_words_survives_the_switch(open_page):
    page = open_page(SMALL)
    page.get_by_role("button", name="简体中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("轨迹")
    driver.wait_idle(page)
    assert not violations(page)
    page.get_by_text("图像", exact=True).first.click()
    driver.wait_idle(page)
    assert "data=digits" in page.url
    page.get_by_role("button", name="English", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Trajectories")
    driver.wait_idle(page)
    assert "data=digits" in page.url
    assert "lang" not in page.url


def test_lessons_keep_the_language_too(open_page):
    page = open_page("lessons?lang=zh")
    page.get_by_role("button", name="讲授").first.click()
    driver.wait_idle(page)
    assert "lang=zh" in page.url
    assert language(page) == "zh"
    expect(page.get_by_role("button", name="English", exact=True)).to_be_hidden()
    page.keyboard.press("Escape")
    driver.wait_idle(page)
    page.get_by_role("button", name="English", exact=True).click()
    driver.wait_idle(page)
    assert "lesson=0" in page.url
    assert "lang" not in page.url
