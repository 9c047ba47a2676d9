"""Pin pictures on two pages, export the board, and open the file where there is no network."""

import pytest

from tests.browser import driver

PAINTED = """() => [...document.querySelectorAll('.solverscope-player canvas')].map(sheet => {
    const pixels = sheet.getContext('2d').getImageData(0, 0, sheet.width, sheet.height).data;
    return new Set(new Uint32Array(pixels.buffer)).size;
})"""
INK = """() => [...document.querySelectorAll('.legendtext')].map(text =>
    [getComputedStyle(document.body).color, getComputedStyle(text).fill])"""
BOXES = """() => [...document.querySelectorAll('figure')].map(figure => {
    const frame = figure.getBoundingClientRect();
    const chart = figure.querySelector('.main-svg')?.getBoundingClientRect() ?? frame;
    return [frame.left, frame.right, chart.left, chart.right];
})"""


def pin(page, name: str) -> None:
    page.locator(f".st-key-pin-{name} button:visible").click()
    page.locator(f".st-key-pin-{name} button:visible", has_text="Pinned").wait_for()
    driver.wait_idle(page)


def visit(page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()
    page.get_by_role("heading", name=name, level=1).wait_for()
    driver.wait_idle(page)


@pytest.fixture
def board(open_page):
    """A board with a chart and a player, in the browser of one visitor; and the chart as its own page had it."""
    page = open_page("convergence?particles=8&step_counts=2,4,8&path_steps=3&solvers=ddim,heun&against=nfe")
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    driver.wait_idle(page)
    chart = driver.charts(page)[0]
    pin(page, "error-against-steps")
    visit(page, "Trajectories")
    pin(page, "trajectories")
    visit(page, "Board")
    return page, chart


def test_what_was_pinned_is_exported_and_opens_without_a_network(board, browser, tmp_path):
    page, chart = board
    assert not driver.differences(driver.charts(page)[1]["data"], chart["data"])
    page.get_by_text("Title and caption").first.click()
    page.get_by_label("Caption").first.fill("What <b>I</b> see")
    page.get_by_role("button", name="Later").first.click()  # the caption is not lost on the way
    driver.wait_idle(page)
    assert page.locator("h3").all_inner_texts()[:2] == ["Paths from noise to data", "Error against steps"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as one page").click()
    file = tmp_path / "board.html"
    download.value.save_as(file)

    context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
    report = context.new_page()
    asked, thrown = [], []
    report.on("request", lambda request: asked.append(request.url))
    report.on("pageerror", lambda error: thrown.append(str(error)))
    report.goto(file.as_uri())
    report.wait_for_function(f"({PAINTED})().some(colours => colours > 20)")
    report.wait_for_function("document.querySelector('.js-plotly-plot .main-svg .scatterlayer path')")
    assert asked == [file.as_uri()]
    assert not thrown
    assert not driver.differences(driver.charts(report)[0]["data"], chart["data"])
    assert report.locator("h2").all_inner_texts()[:2] == ["Paths from noise to data", "Error against steps"]
    assert "What <b>I</b> see" in report.locator("figcaption").all_inner_texts()[1]
    links = [link.get_attribute("href") for link in report.get_by_role("link", name="Open in the app").all()]
    assert [link.split("?")[0].rsplit("/", 1)[1] for link in links] == ["trajectories", "convergence"]
    assert "against=nfe" in links[1]
    report.wait_for_function(f"({BOXES})().every(([left, right, from, to]) => from >= left - 1 && to <= right + 1)")
    report.set_viewport_size({"width": 390, "height": 844})
    report.wait_for_function(f"({BOXES})().every(([left, right, from, to]) => from >= left - 1 && to <= right + 1)")
    for scheme in ("dark", "light"):  # letters of charts follow the reader's preference
        report.emulate_media(color_scheme=scheme)
        report.wait_for_function(f"({INK})().every(([page, chart]) => page === chart)")
    assert report.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    context.close()
