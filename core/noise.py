"""Random numbers that belong to a particle, not to a batch.

``torch.randn`` fills its output in vectorised chunks, so the first rows change with the length of the batch.
Here the numbers come from a counter-based generator (Philox) and are drawn particle after particle in float64:
particle ``i`` gets the same noise whatever the batch size, the device or the precision of the run.
"""

import zlib
from numbers import Integral

import numpy as np
import torch


def check_seed(seed: int) -> int:
    """``seed`` as an int.

    Raises
    ------
    ValueError
        If it is negative or not a whole number.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"the seed must be a non-negative whole number, got {seed!r}")
    return int(seed)


def generator(seed: int, *stream: str | int) -> np.random.Generator:
    """An independent generator for each (seed, stream); streams are names or non-negative integers.

    Raises
    ------
    ValueError
        If ``seed`` is negative or not an integer.
    """
    key = [zlib.crc32(part.encode()) if isinstance(part, str) else int(part) for part in stream]
    # as a spawn key, because plain entropy is padded with zeros: streams ("a",) and ("a", 0) would be one
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(check_seed(seed), spawn_key=key)))


def normal(seed: int, *stream: str | int, shape: tuple[int, ...]) -> torch.Tensor:
    """Standard normal numbers, ``(N, ...)`` float64 on the CPU; row ``i`` does not depend on ``N``."""
    return torch.from_numpy(generator(seed, *stream).standard_normal(shape))
