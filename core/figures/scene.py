"""A scene: everything that the player draws, packed for one transfer.

Layout: the length of the head (uint32, little endian), the head (JSON), then all arrays as one zlib stream. Small by
three means: places are 16-bit steps of the largest coordinate at their own time (noise of sigma 80 and data of size 1
keep the same relative precision, 1/32767); only differences along time are stored, which are small; and the low and the
high bytes stand apart, so that zlib finds the high ones to be nearly all alike. ``assets/player/scene.js`` reads it.
"""

import base64
import html
import json
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.language import current

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "player"
PARTS = ("scene", "view", "marks", "layers", "panels", "images", "gestures", "save", "player", "screen")
LOST = -32768  # a place that is not a number
LARGEST = 32767


@dataclass
class Scene:
    """What a picture shows, for the player.

    Attributes
    ----------
    head : settings and words, JSON; arrays : (head entry, bytes) in the order of the stream.
    """

    head: dict[str, Any]
    stream: list[bytes] = field(default_factory=list)
    arrays: list[dict[str, Any]] = field(default_factory=list)

    def places(self, name: str, values: np.ndarray) -> str:
        """Add places (T, N, 2), float; NaN where there are none. Returns ``name``."""
        values = np.asarray(values, dtype=np.float64)
        known = np.isfinite(values)
        scale = np.where(known, np.abs(values), 0).max(axis=(1, 2), initial=0) / LARGEST
        scale[scale == 0] = 1 / LARGEST
        steps = np.where(known, np.round(np.where(known, values, 0) / scale[:, None, None]), LOST).astype(np.int16)
        self._add(f"{name}.scale", "f4", scale.shape, scale.astype("<f4").tobytes())
        self._add(name, "i2", values.shape, _planes(_differences(steps)))
        return name

    def levels(self, name: str, values: np.ndarray) -> str:
        """Add bytes (T, ...), such as a density from 0 to 255 or pixels. Returns ``name``."""
        self._add(name, "u1", values.shape, _differences(np.asarray(values, dtype=np.uint8)).tobytes())
        return name

    def floats(self, name: str, values: np.ndarray) -> str:
        """Add numbers in float32. Returns ``name``."""
        values = np.asarray(values, dtype="<f4")
        self._add(name, "f4", values.shape, values.tobytes())
        return name

    def _add(self, name: str, kind: str, shape: tuple[int, ...], data: bytes) -> None:
        self.arrays.append({"name": name, "type": kind, "shape": list(shape), "bytes": len(data)})
        self.stream.append(data)

    def pack(self) -> bytes:
        """The scene as bytes."""
        head = json.dumps(self.head | {"arrays": self.arrays}, separators=(",", ":"), allow_nan=False).encode()
        return struct.pack("<I", len(head)) + head + zlib.compress(b"".join(self.stream), 6)

    def to_html(self, include_plotlyjs: bool = True, full_html: bool = True) -> str:
        """The scene as a page of its own that needs no network, or as part of one.

        ``include_plotlyjs`` is that of a chart and says nothing here; a part needs :func:`player_script` once before.
        """
        packed = base64.b64encode(self.pack()).decode()
        part = f'<div class="solverscope-player" data-scene="{packed}"></div>'
        if not full_html:
            return part
        title = html.escape(str(self.head.get("title", "Solverscope")))
        return (
            f'<!doctype html><html lang="{current()}"><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{PAGE}</style>'
            f"<body>{part}{player_script()}</body></html>"
        )


PAGE = """
:root { color-scheme: light dark; --st-text-color: light-dark(#262b33, #e6eaf0); --st-font: system-ui, sans-serif;
    --st-background-color: light-dark(#ffffff, #12161c); --st-border-color: light-dark(#d4dae1, #3a434e);
    --st-primary-color: light-dark(#0072b2, #58aae0); --st-secondary-background-color: light-dark(#f3f5f8, #1b222b); }
body { background: var(--st-background-color); color: var(--st-text-color); font-family: var(--st-font);
    max-width: 72rem; margin: 1rem auto; padding: 0 1rem; }
"""


def player_source() -> str:
    """The player as one JavaScript module without exports."""
    return "\n".join((ASSETS / f"{part}.js").read_text() for part in PARTS)


def player_style() -> str:
    """Its style sheet."""
    return (ASSETS / "player.css").read_text()


def player_script() -> str:
    """What a page of its own needs once: style, player, and a start for every scene on it."""
    return (
        f'<style>{player_style()}</style><script type="module">{player_source()}\n'
        'for (const box of document.querySelectorAll(".solverscope-player")) {\n'
        "    const text = atob(box.dataset.scene);\n"
        "    new Player(box).show(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));\n"
        "}\n</script>"
    )


def _differences(values: np.ndarray) -> np.ndarray:
    """Each time less the one before, wrapping around; the first as it is."""
    differences = values.copy()
    differences[1:] = values[1:] - values[:-1]
    return differences


def _planes(values: np.ndarray) -> bytes:
    return values.astype("<i2").view(np.uint8).reshape(-1, 2).T.tobytes()
