"""The player in a real browser: it shows what was computed, moves without the server, and saves what it shows."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.experiments import TrajectoriesSpec, run_experiment
from core.figures.trajectories import paths_scene
from tests.browser import driver

FIND = f"window.P = {driver.PLAYERS}[0].player; undefined"


@pytest.fixture
def trajectories(open_page):
    page = open_page("trajectories?steps=6&particles=30&solvers=heun,dpmpp-2m", height=1000)
    page.evaluate(FIND)
    return page


def sent(page: Page) -> list:
    """What goes to the server from now on."""
    frames = []
    page.on("request", lambda request: frames.append(request.url))
    page.evaluate(
        "window.sent = 0; const send = WebSocket.prototype.send;"
        "WebSocket.prototype.send = function (data) { window.sent++; return send.call(this, data); }; undefined"
    )
    return frames


def at_step(page: Page, text: str) -> None:
    expect(page.locator(".sp-readout").first).to_contain_text(text)


def test_the_browser_reads_exactly_what_was_packed(trajectories):
    spec = TrajectoriesSpec(steps=6, particles=30, solvers=("heun", "dpmpp-2m"))
    result = run_experiment(spec)
    shown = driver.charts(trajectories)[0]["data"]
    for one, path in zip(shown, result.paths, strict=True):
        found = one["values"].reshape(path.states.shape)
        largest = np.abs(path.states).max(axis=(1, 2), keepdims=True)
        assert np.abs((found - path.states) / largest).max() < 0.51 / 32767
    density = trajectories.evaluate("Array.from(P.density.array.values)")
    expected = np.sqrt(result.field.density) * 255
    assert np.abs(np.array(density).reshape(expected.shape) - expected).max() <= 0.51


def test_time_runs_by_buttons_keys_and_slider_without_the_server(trajectories):
    page = trajectories
    asked = sent(page)
    at_step(page, "step 6 of 6")  # no autoplay: the end, with all paths
    page.get_by_role("button", name="One step back").click()
    at_step(page, "step 5 of 6")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    at_step(page, "step 3 of 6")
    page.keyboard.press("Home")
    at_step(page, "step 0 of 6")
    slider = page.get_by_role("slider", name="Time, from noise to data")
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert abs(page.evaluate("P.u") - 3) < 0.1
    canvas = page.locator(".sp-canvas")
    before = canvas.screenshot()
    page.get_by_label("Speed").select_option("4")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("P.u > 4")
    page.get_by_role("button", name="Pause").click()
    stood = page.evaluate("P.u")
    page.wait_for_timeout(200)
    assert page.evaluate("P.u") == stood
    assert canvas.screenshot() != before
    canvas.focus()
    page.keyboard.press(" ")
    page.wait_for_function("P.u === P.head.steps && !P.playing")
    page.get_by_role("button", name="Play again and again").click()
    page.keyboard.press("Home")
    page.locator(".sp-play").click()
    page.wait_for_function("P.frames > 20")
    assert page.evaluate("P.looping && P.playing")
    assert not asked
    assert page.evaluate("window.sent") == 0


def test_a_particle_is_followed_through_all_solvers(trajectories):
    page = trajectories
    page.evaluate("P.seek(2.5); P.draw()")
    x, y = page.evaluate(
        "(() => { const s = P.series[0], f = P.panels[0].frame, [x, y] = s.track.place(7, s.track.at(2.5));"
        "const box = P.canvas.getBoundingClientRect(); return [box.left + f.px(x), box.top + f.py(y)]; })()"
    )
    page.mouse.move(x, y)
    followed = page.evaluate("P.follow")
    assert followed is not None
    told = page.locator(".sp-tip").inner_text()
    assert f"Particle {followed + 1}" in told
    assert "Heun" in told
    assert "DPM-Solver++ 2M" in told
    assert "from the reference" in told
    page.mouse.move(5, 5)
    assert page.evaluate("P.follow") is None
    page.locator(".sp-canvas").focus()
    page.keyboard.press("n")
    page.keyboard.press("n")
    assert page.evaluate("P.follow") == 1
    page.keyboard.press("Escape")
    assert page.evaluate("P.follow") is None


def test_a_click_places_a_start_and_the_player_stays_where_it_was(trajectories):
    page = trajectories
    page.evaluate("P.seek(2); P.speed = 2; window.kept = P; undefined")
    x, y = page.evaluate(
        "(() => { const f = P.panels[0].frame, box = P.canvas.getBoundingClientRect();"
        "return [box.left + f.px(0.5), box.top + f.py(-0.25)]; })()"
    )
    page.mouse.click(x, y)
    page.wait_for_url(lambda url: "start=" in url)
    driver.wait_idle(page)
    page.evaluate(FIND)
    assert page.evaluate("P === window.kept && P.u === 2 && P.speed === 2")
    point = page.evaluate("P.placed.point")
    np.testing.assert_allclose(point, [0.5, -0.25], atol=0.02)
    assert page.evaluate("P.placed.series.solver0.track.from") == 2
    page.get_by_role("button", name="Remove the starting point").click()
    page.wait_for_url(lambda url: "start=" not in url)
    driver.wait_idle(page)
    assert page.evaluate("P.placed") is None


def test_what_is_shown_can_be_chosen_and_split(trajectories):
    page = trajectories
    canvas = page.locator(".sp-canvas")
    with_all = canvas.screenshot()
    key = page.get_by_role("button", name="density", exact=True)
    key.click()
    expect(key).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(100)
    assert canvas.screenshot() != with_all
    page.get_by_role("button", name="One picture for each solver").click()
    assert page.evaluate("P.panels.length") == 2
    page.locator(".sp-in").click()
    assert page.evaluate("P.window.half < P.window.home && P.panels.every(one => one.frame.window === P.window)")


def test_a_picture_and_a_film_can_be_saved(trajectories):
    page = trajectories
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as PNG").click()
    assert saved.value.path().read_bytes()[:4] == b"\x89PNG"
    page.evaluate("P.speed = 8")
    with page.expect_download(timeout=30_000) as saved:
        page.get_by_role("button", name="Save as a film").click()
    film = saved.value.path().read_bytes()
    assert film[:4] == b"\x1a\x45\xdf\xa3"  # EBML, what a WebM file begins with
    assert len(film) > 10_000


def test_strips_and_principal_components_share_the_playhead(open_page):
    page = open_page("trajectories?data=digits&particles=2&steps=6&solvers=ddim,heun")
    page.evaluate(FIND)
    read = "P.pictures.rows.map(row => row.films[0].now.toDataURL())"
    page.evaluate("P.seek(0); P.draw()")
    first = page.evaluate(read)
    assert len(set(first)) == 1  # the same noise
    page.evaluate("P.seek(6); P.draw()")
    last = page.evaluate(read)
    assert all(one != other for one, other in zip(first, last, strict=True))
    strip = page.locator(".sp-strip").first
    box = strip.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert abs(page.evaluate("P.u") - 3) < 0.2


def test_a_touch_scrolls_and_two_fingers_zoom(browser, server):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{server.url}/trajectories?steps=4&particles=12&solvers=ddim")
    driver.wait_idle(page)
    page.evaluate(FIND)
    page.locator(".sp-canvas").scroll_into_view_if_needed()
    box = page.locator(".sp-canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = context.new_cdp_session(page)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": px, "y": py, "id": k} for k, (px, py) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (x - 30, y), (x + 30, y))
    for far in (40, 60, 90):
        fingers("touchMove", (x - far, y), (x + far, y))
    fingers("touchEnd")
    assert page.evaluate("P.window.half < 0.8 * P.window.home")
    page.locator(".sp-canvas").tap(position={"x": box["width"] / 2, "y": box["height"] / 2})
    assert "start=" not in page.url  # a tap follows; placing is switched on by its button
    context.close()


def test_with_little_motion_wanted_time_goes_from_step_to_step(browser, server):
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{server.url}/trajectories?steps=4&particles=12&solvers=ddim")
    driver.wait_idle(page)
    page.evaluate(FIND)
    seen = page.evaluate(
        "new Promise(done => { const seen = new Set(); P.speed = 4; P.onDraw = () => seen.add(P.u);"
        "P.playOnce().then(() => done([...seen])); })"
    )
    assert seen == [0, 1, 2, 3, 4]
    context.close()


def test_a_page_of_its_own_plays_without_a_server(browser, tmp_path):
    result = run_experiment(TrajectoriesSpec(steps=4, particles=8, solvers=("ddim",)))
    file = tmp_path / "picture.html"
    file.write_text(paths_scene(result).to_html(), encoding="utf-8")
    context = browser.new_context(offline=True)
    page = context.new_page()
    thrown = []
    page.on("pageerror", lambda error: thrown.append(error.message))
    page.goto(file.as_uri())
    page.locator(".solverscope-player[data-ready]").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    at_step(page, "step 0 of 4")
    expect(page.get_by_role("button", name="Place a starting point")).to_be_hidden()
    assert thrown == []
    context.close()
