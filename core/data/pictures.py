"""A user's own picture: read from a file, cropped and shrunk to what a model sees, and packed into text for links."""

import base64
import binascii
import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from core.language import message

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000  # what a good telephone takes; 150 MB once unpacked
SMALLEST = 8  # pixels on a side: below there is nothing to see

Shape = tuple[int, int, int]
Crop = tuple[float, float, float]


def read_picture(source: bytes, shape: Shape, crop: Crop | None = None, invert: bool = False) -> Tensor:
    """The picture in a PNG, JPEG or WebP file as a model sees it: (C, H, W) float32 in [-1, 1].

    It is turned upright as its camera noted, cut to a square, averaged down and laid over white where it is
    transparent; models of one channel get it in grey. Of an animation the first picture is taken. Values are multiples
    of 1/127.5, so that :func:`pack_picture` loses nothing.

    Parameters
    ----------
    source : the file's bytes, at most ``MAX_BYTES``.
    shape : (channels, height, width) of the model, 1 or 3 channels, square.
    crop : (x, y, side) of the square in pixels of the upright picture; None takes the largest one in the middle.
    invert : exchange light and dark, for sets of white strokes on black.

    Raises
    ------
    ValueError
        With one sentence, if the file is no such picture, is damaged or too large, or the square lies outside it.
    """
    picture = open_picture(source)
    left, top, side = centred(picture.size) if crop is None else _checked_crop(crop, picture.size)
    channels, height, width = _checked_shape(shape)
    # cutting before anything else keeps large pictures from being converted whole
    square = picture.crop((int(left), int(top), int(np.ceil(left + side)), int(np.ceil(top + side))))
    plain = _over_white(square).convert("RGB" if channels == 3 else "L")
    box = (left - int(left), top - int(top), left - int(left) + side, top - int(top) + side)
    small = plain.resize((width, height), _resampling(side, width), box=box)
    pixels = np.asarray(small).reshape(height, width, channels).transpose(2, 0, 1)
    values = torch.from_numpy(pixels.copy()).float() / 127.5 - 1
    return -values if invert else values


def open_picture(source: bytes) -> "Picture":
    """The whole picture, upright. Raises ValueError as :func:`read_picture` does."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not source:
        raise ValueError(message("the file is empty"))
    if len(source) > MAX_BYTES:
        raise ValueError(
            message(
                "the file has {size:.0f} MB; at most {most:.0f} MB are read",
                size=len(source) / 1e6,
                most=MAX_BYTES / 1e6,
            )
        )
    try:
        with warnings.catch_warnings():  # the library's own warning comes before the check below
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(source), formats=FORMATS)
        _check_size(picture.size)
        picture.load()
        return ImageOps.exif_transpose(picture)
    except UnidentifiedImageError:
        raise ValueError(message("the file is no PNG, JPEG or WebP picture")) from None
    except Image.DecompressionBombError:
        raise ValueError(
            message(
                "the picture has far more than {most:.0f} million pixels, the most that are read", most=MAX_PIXELS / 1e6
            )
        ) from None
    except (OSError, SyntaxError, EOFError, ArithmeticError, LookupError) as problem:
        raise ValueError(message("the picture is damaged or cut off ({problem})", problem=problem)) from None


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise ValueError(
            message(
                "the picture has {width} x {height} pixels; at most {most:.0f} million pixels are read",
                width=width,
                height=height,
                most=MAX_PIXELS / 1e6,
            )
        )
    if min(size) < SMALLEST:
        raise ValueError(
            message(
                "the picture has {width} x {height} pixels; at least {smallest} on each side are needed",
                width=width,
                height=height,
                smallest=SMALLEST,
            )
        )


def centred(size: tuple[int, int]) -> Crop:
    """The largest square in the middle of a picture of (width, height) pixels."""
    side = min(size)
    return (size[0] - side) / 2, (size[1] - side) / 2, float(side)


def crop_at(size: tuple[int, int], zoom: float, across: float, down: float) -> Crop:
    """The square of a picture of (width, height) pixels that is ``zoom`` times smaller than the largest one.

    ``across`` and ``down``, 0 to 1, move it from left to right and from top to bottom as far as there is room.
    """
    side = max(min(size) / zoom, 1.0)
    return (size[0] - side) * across, (size[1] - side) * down, side


def _checked_crop(crop: Crop, size: tuple[int, int]) -> Crop:
    left, top, side = map(float, crop)
    room = min(size[0] - left, size[1] - top)
    if not (left >= 0 and top >= 0 and 1 <= side <= room + 1e-6):
        raise ValueError(
            message(
                "the square of {side:g} pixels at ({left:g}, {top:g}) is not inside the picture of {width} x {height}",
                side=side,
                left=left,
                top=top,
                width=size[0],
                height=size[1],
            )
        )
    return left, top, min(side, room)


def _checked_shape(shape: Shape) -> Shape:
    if len(shape) != 3 or shape[0] not in (1, 3) or shape[1] != shape[2]:
        raise ValueError(
            message(
                "models of square images with 1 or 3 channels can be shown a picture, not {shape}", shape=tuple(shape)
            )
        )
    return shape


def _over_white(picture: "Picture") -> "Picture":
    from PIL import Image

    if picture.mode.startswith(("I", "F")):  # 16 bits a pixel, which the library would cut off instead of scale
        return Image.fromarray((np.asarray(picture, dtype=np.float64) / 257).round().clip(0, 255).astype(np.uint8))
    if not picture.has_transparency_data:
        return picture
    seen = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)


def _resampling(side: float, width: int) -> Any:
    from PIL import Image

    return Image.Resampling.BOX if side >= width else Image.Resampling.BICUBIC


def pack_picture(image: Tensor) -> str:
    """An image (C, H, W) in [-1, 1] as text for links and recipes: its bytes, row after row, in base64 for addresses.

    Values are rounded to 256 levels; what :func:`read_picture` gave comes back unchanged.
    """
    levels = ((image.double().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return base64.urlsafe_b64encode(levels.contiguous().numpy().tobytes()).decode().rstrip("=")


def unpack_picture(text: str, shape: Shape) -> Tensor:
    """The image (C, H, W) float32 that :func:`pack_picture` wrote.

    Raises
    ------
    ValueError
        If the text cannot be read or holds an image of another size.
    """
    count = int(np.prod(shape))
    try:
        levels = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(message("the picture is not base64 text as links hold it")) from None
    if len(levels) != count:
        wanted = " x ".join(map(str, shape))
        raise ValueError(
            message(
                "the picture has {given} numbers; images of this set have {wanted} = {count}",
                given=len(levels),
                wanted=wanted,
                count=count,
            )
        )
    return torch.frombuffer(bytearray(levels), dtype=torch.uint8).reshape(shape).float() / 127.5 - 1
