"""How smooth a prediction is along a path: what the order of a solver rests on."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

STRIDES = (1, 2, 4, 8, 16)


def second_differences(values: Tensor, strides: Sequence[int] = STRIDES) -> np.ndarray:
    """RMS of ``v[k + s] - 2 v[k] + v[k - s]`` over all inner nodes, relative to the RMS of ``v``, for each stride s.

    ``values`` (S, ...) at evenly spaced nodes. Of a smooth function they fall as ``s^2``; where they stop falling,
    what is left is rough: noise of rounding or of a network.

    Raises
    ------
    ValueError
        If there are not enough nodes for the largest stride.
    """
    if len(values) <= 2 * max(strides):
        raise ValueError(
            f"{len(values)} nodes are too few for a stride of {max(strides)}; give more than twice as many"
        )
    size = float(values.double().square().mean().sqrt())
    found = []
    for stride in strides:
        bend = values[2 * stride :] - 2 * values[stride:-stride] + values[: -2 * stride]
        found.append(float(bend.double().square().mean().sqrt()) / size)
    return np.array(found)


def falling_powers(strides: Sequence[int], differences: np.ndarray) -> np.ndarray:
    """The power with which ``differences`` fall between neighbouring strides: 2 for a smooth function, 0 for noise."""
    return np.diff(np.log(differences)) / np.diff(np.log(np.asarray(strides, dtype=float)))
