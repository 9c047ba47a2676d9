"""The app as a visitor meets it: every page, its controls, its time slider and its links, in a real browser."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser import driver
from tests.browser.accessibility import violations
from tests.pages.app import PAGES as EVERY

PAGES = tuple("" if page == "start" else page for page in EVERY)
# those whose images have pictures of their own; that the switch works on every page is tested without a browser
WITH_IMAGES = ("schedules", "trajectories", "convergence", "curvature", "guidance", "inversion", "boomerang")
SLOW = 120_000


def assert_pictures(page: Page) -> list[dict]:
    """Every chart holds finite numbers and tells in words what it shows."""
    charts = driver.charts(page)
    assert charts
    for chart in charts:
        assert chart["data"]
        for trace in chart["data"]:
            for key in ("x", "y", "z", "values"):
                values = trace.get(key)
                if isinstance(values, np.ndarray) and values.dtype.kind == "f":
                    assert not np.isinf(values).any(), trace.get("name")
    words = [chart["layout"]["alt"] for chart in charts if "alt" in chart["layout"]]
    words += page.locator('[data-testid="stPlotlyChart"]').evaluate_all(
        "boxes => boxes.map(b => (b.getAttribute('aria-label') || b.querySelector('[aria-label]')?.ariaLabel || ''))"
    )
    assert len(words) == len(charts)
    assert all(len(text) > 40 for text in words), words
    return charts


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_with_a_picture(open_page, path):
    page = open_page(path)
    assert_pictures(page)
    assert driver.horizontal_overflow(page) == 0
    assert violations(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_a_telephone_in_the_dark(open_page, path):
    page = open_page(path, width=390, height=844, dark=True)
    assert_pictures(page)
    assert driver.horizontal_overflow(page) == 0
    assert violations(page) == []


@pytest.mark.parametrize("path", WITH_IMAGES)
def test_the_switch_shows_images(open_page, path):
    page = open_page(path)
    page.get_by_role("radio", name="Images").or_(page.get_by_text("Images", exact=True)).first.click()
    page.wait_for_url(re.compile("data="), timeout=SLOW)
    driver.wait_idle(page, timeout=SLOW)
    assert_pictures(page)
    expect(page.get_by_text("Images", exact=True).first).to_be_visible()


def choose(page: Page, label: str, option: str) -> None:
    """Pick an option of a select box by its words."""
    page.get_by_role("combobox", name=re.compile(f"^{label}|{label}$")).first.click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_changed_control_changes_picture_and_address(open_page):
    page = open_page("trajectories")
    before = driver.charts(page)
    choose(page, "Data", "Two moons")
    page.wait_for_url(re.compile("data=moons"), timeout=SLOW)
    driver.wait_idle(page)
    after = driver.charts(page)
    assert driver.differences(before[0]["data"], after[0]["data"])
    assert len(after) == len(before)


@pytest.mark.parametrize(
    "path",
    [
        "trajectories?data=spirals&steps=7&schedule=edm&grid=karras(rho=5)&solvers=heun,euler-maruyama(eta=0.5)&seed=3",
        "convergence?data=gaussian&step_counts=10,20,40&solvers=ddim,rk4&particles=64",
        "curvature?data=grid&schedules=ve,flow&particles=30&nodes=50",
        "schedules?schedules=edm,vdm&grids=karras&steps=9",
    ],
)
def test_a_copied_link_brings_back_the_same_picture(open_page, path):
    page = open_page(path)
    pictures = assert_pictures(page)
    page.get_by_role("button", name="Copy link").first.click()
    page.wait_for_timeout(300)
    link = page.evaluate("navigator.clipboard.readText()")
    other = open_page(link)
    again = assert_pictures(other)
    assert [driver.differences(a["data"], b["data"]) for a, b in zip(pictures, again, strict=True)] == [
        [] for _ in pictures
    ]


def test_a_hand_edited_link_says_what_is_wrong_and_keeps_the_rest(open_page):
    page = open_page("trajectories?data=moons&steps=-4&solvers=ddim,nonsense&seed=5&t_end=banana&zzz=1")
    expect(page.get_by_text(re.compile("steps = '-4'"))).to_be_visible()
    expect(page.get_by_text(re.compile("nonsense"))).to_be_visible()
    expect(page.get_by_text(re.compile("banana"))).to_be_visible()
    assert_pictures(page)
    names = [trace.get("name", "") for trace in driver.charts(page)[0]["data"]]
    assert any("DDIM" in name for name in names)
    assert "data=moons" in page.url
    assert "seed=5" in page.url


def test_the_first_page_leads_to_the_others(open_page):
    page = open_page("")
    page.get_by_role("link", name=re.compile("Curvature")).last.click()
    page.wait_for_url(re.compile("/curvature"), timeout=SLOW)
    driver.wait_idle(page, timeout=SLOW)
    expect(page.get_by_role("heading", name="Curvature", exact=True)).to_be_visible()
