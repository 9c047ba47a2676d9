"""Second differences: a power of two for smooth functions, none for noise, and the sum of both in between."""

import numpy as np
import pytest
import torch

from core.analysis.smoothness import STRIDES, falling_powers, second_differences
from core.noise import normal

NODES = torch.linspace(0, 3, 401, dtype=torch.float64)


def test_a_smooth_function_falls_with_the_square_of_the_spacing():
    values = torch.stack([NODES.sin(), (2 * NODES).cos()], dim=1)
    found = second_differences(values)
    np.testing.assert_allclose(falling_powers(STRIDES, found), 2, atol=0.05)
    # |v''| of sin(t) and cos(2 t), relative to the size of the values
    bend = torch.stack([-NODES.sin(), -4 * (2 * NODES).cos()], dim=1)[1:-1]
    h = float(NODES[1])
    wanted = h**2 * float(bend.square().mean().sqrt() / values.square().mean().sqrt())
    assert found[0] == pytest.approx(wanted, rel=1e-3)


def test_noise_stays():
    noise = normal(0, "rough", shape=(401, 50))
    found = second_differences(noise)
    assert found == pytest.approx(np.full(len(STRIDES), 6**0.5), rel=0.05)
    mixed = second_differences(NODES.sin()[:, None] + 1e-4 * noise)
    powers = falling_powers(STRIDES, mixed)
    assert powers[0] < 1.5
    assert powers[-1] > 1.9


def test_too_few_nodes_are_refused():
    with pytest.raises(ValueError, match="32 nodes are too few for a stride of 16"):
        second_differences(torch.zeros(32, 1))
