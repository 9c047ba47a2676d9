"""The smallest parts of the ADM networks: convolutions by dimension, normalisation, the embedding of time."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GROUPS = 32
LONGEST_PERIOD = 10_000

_CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
CONVOLUTIONS = tuple(_CONVOLUTIONS.values())


def convolution(dims: int, in_channels: int, out_channels: int, kernel: int, stride=1) -> nn.Module:
    """A convolution over ``dims`` axes that keeps their lengths (at stride 1).

    Raises
    ------
    ValueError
        If ``dims`` is not 1, 2 or 3.
    """
    if dims not in _CONVOLUTIONS:
        raise ValueError(f"dims must be 1, 2 or 3, got {dims!r}")
    return _CONVOLUTIONS[dims](in_channels, out_channels, kernel, stride=stride, padding=kernel // 2)


def zeroed(module: nn.Module) -> nn.Module:
    """``module`` with all its parameters set to zero, so that its branch starts silent."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


class GroupNorm32(nn.GroupNorm):
    """Group normalisation over 32 groups, computed in float32 whatever the precision of its input.

    Raises
    ------
    ValueError
        If the number of channels is not a multiple of 32.
    """

    def __init__(self, channels: int):
        if channels % GROUPS:
            raise ValueError(f"every layer needs a multiple of {GROUPS} channels, got {channels}")
        super().__init__(GROUPS, channels)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float()).to(x.dtype)


def timestep_embedding(timesteps: Tensor, width: int) -> Tensor:
    """Cosines, then sines, of the time index at geometrically spaced frequencies.

    ``[cos(t w_k), sin(t w_k)]`` with ``w_k = 10000^(-k / K)``, ``k = 0 .. K-1``, ``K = width // 2``; an odd
    ``width`` ends in a zero. ``timesteps`` (N,), fractions allowed; result (N, width) float32.

    Source: Vaswani et al. 2017 (arXiv 1706.03762), section 3.5; Ho et al. 2020 (arXiv 2006.11239), appendix B.
    """
    half = width // 2
    octave = torch.arange(half, dtype=torch.float32, device=timesteps.device)
    angle = timesteps.float()[:, None] * torch.exp(-math.log(LONGEST_PERIOD) * octave / half)
    return F.pad(torch.cat([angle.cos(), angle.sin()], dim=1), (0, width - 2 * half))
