"""Read a scene as the player does, written a second time."""

import json
import struct
import zlib

import numpy as np

TYPES = {"f4": "<f4", "u1": "u1", "i2": "<i2"}


def read_scene(data: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """Head and arrays of a packed scene; places in float64, NaN where there are none."""
    (length,) = struct.unpack_from("<I", data)
    head = json.loads(data[4 : 4 + length])
    stream = zlib.decompress(data[4 + length :])
    arrays, at = {}, 0
    for entry in head["arrays"]:
        part = np.frombuffer(stream, np.uint8, entry["bytes"], at)
        at += entry["bytes"]
        if entry["type"] == "i2":
            low, high = part.reshape(2, -1).astype(np.int64)
            part = (low + 256 * high).astype(np.uint16).view(np.int16)
        else:
            part = part.view(TYPES[entry["type"]])
        values = part.reshape(entry["shape"])
        if entry["type"] != "f4":
            values = np.cumsum(values, axis=0, dtype=np.int64).astype(values.dtype)
        arrays[entry["name"]] = values
    assert at == len(stream)
    for entry in head["arrays"]:
        if entry["type"] == "i2":
            values = arrays[entry["name"]].astype(float)
            values[values == -32768] = np.nan
            arrays[entry["name"]] = values * arrays[f"{entry['name']}.scale"][:, None, None]
    return head, arrays
