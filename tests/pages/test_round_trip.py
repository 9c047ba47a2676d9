"""Pages that begin with data: the user's own picture becomes the input, travels in the link and to the other page."""

import io

import numpy as np
import pytest
from PIL import Image

from core.data.pictures import read_picture, unpack_picture
from pages.common.upload_image import UPLOAD
from tests.pages.app import alts, data_of, link, opened, said

QUICK = {
    "inversion": {"data": "digits", "steps": "2", "step_counts": "2,4", "solvers": "ddim", "particles": "2"},
    "boomerang": {"data": "digits", "steps": "2", "levels": "2", "solvers": "ddim", "particles": "2"},
}


def file_of(kind="PNG"):
    pixels = np.full((40, 60, 3), 255, dtype=np.uint8)
    pixels[5:35, 25:33] = 0  # a stroke of ink
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def given(page, content, name="mine.png", mime="image/png"):
    at = opened(page, **QUICK[page])
    at.file_uploader(key=UPLOAD).set_value((name, content, mime)).run()
    assert not at.exception
    return at


@pytest.mark.parametrize("page", QUICK)
def test_a_picture_becomes_the_input_and_its_link_brings_it_back(page):
    at = given(page, file_of())
    assert not at.warning, said(at)
    seen = unpack_picture(link(at)["picture"], (1, 8, 8))
    assert np.array_equal(seen, read_picture(file_of(), (1, 8, 8)))
    assert any("your picture" in caption.value for caption in at.caption)
    again = opened(page, **link(at))
    assert data_of(again) == data_of(at)
    assert link(again) == link(at)


def test_zoom_place_and_light_change_what_the_model_sees():
    at = given("inversion", file_of())
    before = link(at)["picture"]
    at.slider(key="own picture zoom").set_value(2.0).run()
    zoomed = link(at)["picture"]
    at.toggle(key="own picture invert").set_value(True).run()
    assert not at.exception
    assert len({before, zoomed, link(at)["picture"]}) == 3
    seen, plain = (unpack_picture(text, (1, 8, 8)) for text in (link(at)["picture"], zoomed))
    assert np.allclose(seen, -plain)


def test_another_set_sees_the_picture_in_its_own_size_and_points_see_none():
    at = given("boomerang", file_of("JPEG"), "mine.jpg", "image/jpeg")
    address = link(at)
    at.selectbox(key="ui.images.name").set_value("patches-16").run()
    assert not at.exception
    assert not at.warning, said(at)
    assert unpack_picture(link(at)["picture"], (3, 16, 16)).shape == (3, 16, 16)
    at.selectbox(key="ui.images.name").set_value("digits").run()
    assert link(at) == address
    at.segmented_control(key="ui.kind").set_value("toy").run()
    assert not at.exception
    assert not at.warning, said(at)
    assert "picture" not in link(at)
    at.segmented_control(key="ui.kind").set_value("images").run()
    assert link(at) == address


def test_the_picture_goes_along_to_the_other_page_and_away_again():
    at = given("inversion", file_of())
    picture = link(at)["picture"]
    at.switch_page("pages/boomerang.py")
    at.query_params.clear()
    at.run()
    assert not at.exception
    assert link(at)["picture"] == picture
    at.button(key="own picture away").click().run()
    assert not at.exception
    assert "picture" not in link(at)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "empty"), (b"GIF89a nonsense", "no PNG, JPEG or WebP"), (file_of()[:60], "damaged or cut off")],
)
def test_a_bad_picture_is_one_sentence_and_the_page_stays(content, told):
    at = given("inversion", content)
    assert told in said(at)
    assert "picture" not in link(at)
    assert alts(at)


def test_a_picture_of_another_size_in_a_link_is_said():
    at = opened("inversion", **QUICK["inversion"], picture="AAAA")
    assert not at.exception
    assert "3 numbers" in said(at)
    assert "picture" not in link(at)


def test_median_and_latent_are_shown_when_asked_for():
    at = opened("inversion", steps="4", step_counts="2,4,8", solvers="ddim,heun", particles="20", measure="latent_rms")
    assert not at.exception
    assert any(text.startswith("The latent alone") for text in alts(at))
    before = data_of(at)
    at.segmented_control(key="ui.inversion.shown").set_value("1").run()
    assert not at.exception
    assert data_of(at) != before
    assert link(at)["shown"] == "1"
