"""A user's own picture: every format, mode and orientation gives the same pixels; broken files one sentence."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from core.data import pictures
from core.data.pictures import open_picture, pack_picture, read_picture, unpack_picture


def file_of(picture, kind="PNG", **more):
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **more)
    return buffer.getvalue()


def quarters(side=32, mode="RGB"):
    """Red, green, blue and white quarters, in reading order."""
    pixels = np.zeros((side, side, 3), dtype=np.uint8)
    half = side // 2
    pixels[:half, :half], pixels[:half, half:] = (255, 0, 0), (0, 255, 0)
    pixels[half:, :half], pixels[half:, half:] = (0, 0, 255), (255, 255, 255)
    return Image.fromarray(pixels).convert(mode)


CORNERS = torch.tensor([[1, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, 1]]).float()


def corners(image):
    return torch.stack([image[:, 0, 0], image[:, 0, -1], image[:, -1, 0], image[:, -1, -1]])


@pytest.mark.parametrize(("kind", "more"), [("PNG", {}), ("JPEG", {"quality": 95}), ("WEBP", {"lossless": True})])
def test_every_format_gives_the_same_picture(kind, more):
    image = read_picture(file_of(quarters(64), kind, **more), (3, 8, 8))
    assert image.shape == (3, 8, 8)
    assert image.dtype == torch.float32
    torch.testing.assert_close(corners(image), CORNERS, atol=0.03 if kind == "JPEG" else 0, rtol=0)


def test_one_channel_is_grey_by_brightness():
    image = read_picture(file_of(quarters()), (1, 8, 8))
    grey = corners(image)[:, 0]
    assert image.shape == (1, 8, 8)
    assert grey[3] > grey[1] > grey[0] > grey[2]  # white, green, red, blue
    assert grey[3] == 1


def test_a_camera_held_sideways_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to see it right
    turned = quarters().rotate(90)
    assert torch.equal(corners(read_picture(file_of(turned, exif=exif), (3, 8, 8))), CORNERS)
    assert not torch.equal(corners(read_picture(file_of(turned), (3, 8, 8))), CORNERS)


def test_what_is_transparent_is_white():
    clear = quarters().convert("RGBA")
    clear.putalpha(Image.new("L", clear.size, 0))
    assert (read_picture(file_of(clear), (3, 8, 8)) == 1).all()
    indexed = quarters().convert("P")
    indexed.info["transparency"] = 0
    assert read_picture(file_of(indexed, transparency=0), (3, 8, 8)).isfinite().all()


def test_sixteen_bits_are_scaled_and_not_cut_off():
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(1, 64).repeat(64, 0)
    image = read_picture(file_of(Image.fromarray(ramp)), (1, 8, 8))
    assert torch.allclose(image[0, 0], torch.linspace(-0.889, 0.889, 8), atol=0.02)


def test_the_crop_is_what_is_seen_and_light_and_dark_exchange():
    wide = Image.new("RGB", (60, 20), "black")
    wide.paste((255, 255, 255), (40, 0, 60, 20))
    file = file_of(wide)
    assert (read_picture(file, (1, 8, 8)) == -1).all()  # the middle
    assert (read_picture(file, (1, 8, 8), (40, 0, 20)) == 1).all()
    assert (read_picture(file, (1, 8, 8), (40, 0, 20), invert=True) == -1).all()
    half = read_picture(file, (1, 8, 8), (30, 0, 20))
    assert (half[..., :4] == -1).all()
    assert (half[..., 4:] == 1).all()


def test_shrinking_averages():
    checks = np.indices((64, 64)).sum(0) % 2 * 255
    image = read_picture(file_of(Image.fromarray(checks.astype(np.uint8))), (1, 8, 8))
    assert image.abs().max() < 0.01


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (3, 32, 32)])
def test_text_brings_back_the_very_same_image(shape):
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape)).float() / 127.5 - 1
    text = pack_picture(image)
    assert torch.equal(unpack_picture(text, shape), image)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert len(text) <= 4096


def bomb(width, height):
    """A PNG that says it is huge, in a hundred bytes."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"", "empty"),
        (b"hello", "no PNG, JPEG or WebP"),
        (file_of(quarters(), "GIF"), "no PNG, JPEG or WebP"),
        (file_of(quarters(), "BMP"), "no PNG, JPEG or WebP"),
        (file_of(quarters(64))[:100], "damaged or cut off"),
        (file_of(quarters(64), "JPEG")[:400], "damaged or cut off"),
        (bomb(9000, 9000), "50 million pixels"),
        (bomb(60000, 60000), "50 million pixels"),
        (file_of(quarters(4)), "at least 8"),
        (b"\x89PNG" + bytes(pictures.MAX_BYTES), "at most 20 MB"),
    ],
)
def test_what_is_no_picture_is_one_sentence(source, words):
    with pytest.raises(ValueError, match=words) as caught:
        read_picture(source, (3, 8, 8))
    assert "\n" not in str(caught.value)


def test_a_bomb_is_refused_before_it_is_unpacked():
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(ValueError, match="pixels"):
        open_picture(bomb(12000, 12000))
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("crop", [(-1, 0, 8), (0, 0, 33), (30, 0, 8), (0, 0, 0), (0, 0, float("nan"))])
def test_a_square_outside_the_picture_is_said(crop):
    with pytest.raises(ValueError, match="not inside the picture of 32 x 32"):
        read_picture(file_of(quarters()), (3, 8, 8), crop)


def test_a_shape_that_no_picture_has_is_said():
    with pytest.raises(ValueError, match="1 or 3 channels"):
        read_picture(file_of(quarters()), (2, 8, 8))


@pytest.mark.parametrize(
    ("text", "words"), [("a b", "base64"), ("AAAA", "3 numbers"), ("é", "base64"), ("A", "base64")]
)
def test_text_that_is_no_picture_is_said(text, words):
    with pytest.raises(ValueError, match=words):
        unpack_picture(text, (1, 8, 8))
