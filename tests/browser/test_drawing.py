"""Draw in a real browser: paint, Gaussians, a word and a picture become data at once."""

import io

import pytest
from PIL import Image

from core.data.drawing import unpack_drawing
from tests.browser import driver


@pytest.fixture
def sheet(open_page):
    page = open_page("trajectories?data=drawn&drawing=~1:0:0:0.5:0.3:0&particles=20&steps=3&solvers=ddim", height=1000)
    return page, page.locator(".dc-canvas").bounding_box()


def drawn(page):
    driver.wait_idle(page)
    return unpack_drawing(page.evaluate("new URL(location.href).searchParams.get('drawing')"))


def test_gaussians_are_dragged_turned_added_and_removed(sheet):
    page, box = sheet
    unit = box["width"] / 6
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def drag(start, end):
        page.mouse.move(*start)
        page.mouse.down()
        page.mouse.move(*end, steps=4)
        page.mouse.up()
        return drawn(page).blobs

    (blob,) = drag(middle, (middle[0] + unit, middle[1] - unit))
    assert (blob.x, blob.y) == pytest.approx((1, 1), abs=0.1)
    handle = (middle[0] + 2 * unit, middle[1] - unit)  # two standard deviations along
    (blob,) = drag(handle, (middle[0] + unit, middle[1] - 2.6 * unit))
    assert blob.degrees == pytest.approx(90, abs=4)
    assert blob.length == pytest.approx(0.8, abs=0.1)
    assert len(drag((middle[0] - 2 * unit, middle[1]), (middle[0] - 2 * unit, middle[1] + 1))) == 2
    page.locator(".dc-canvas").focus()
    page.keyboard.press("Shift+ArrowDown")
    assert drawn(page).blobs[1].y == pytest.approx(-0.5, abs=0.1)
    page.keyboard.press("Delete")
    assert len(drawn(page).blobs) == 1
    page.keyboard.press("Control+z")
    assert len(drawn(page).blobs) == 2


def test_paint_a_word_and_a_picture_become_density(sheet, tmp_path):
    page, box = sheet
    page.get_by_role("button", name="Brush").click()
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 30, steps=5)
    page.mouse.up()
    painted = drawn(page)
    assert painted.blobs
    assert painted.paint[:8].any()
    assert not painted.paint[16:].any()
    page.get_by_role("textbox", name="A word").fill("I")
    page.keyboard.press("Enter")
    word = drawn(page).paint
    assert word[10:22, 14:18].min() > 10  # the stem of the letter
    assert not word[:, :6].any()
    picture = Image.new("L", (60, 60), 255)
    picture.paste(0, (0, 0, 30, 30))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    page.locator(".dc-file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": buffer.getvalue()})
    page.wait_for_function(
        "text => new URL(location.href).searchParams.get('drawing') !== text",
        arg=page.evaluate("new URL(location.href).searchParams.get('drawing')"),
    )
    square = drawn(page).paint
    assert square[:15, :15].min() == 15
    assert not square[17:].any()
    page.get_by_role("button", name="Clear", exact=True).click()
    driver.wait_idle(page)
    page.locator(".dc-file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.get_by_text("cannot be read as a picture").wait_for()
