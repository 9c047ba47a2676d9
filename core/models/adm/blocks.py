"""Residual blocks and resampling, and the style that all blocks of one network share."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from core.models.adm.attention import AttentionBlock, head_count
from core.models.adm.layers import GroupNorm32, convolution, zeroed

_POOLS = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def resampling_factor(dims: int) -> tuple[int, ...]:
    """Two along every axis; a volume keeps its first axis (frames or slices)."""
    return (1, 2, 2) if dims == 3 else (2,) * dims


def enlarge(x: Tensor, dims: int) -> Tensor:
    """Repeat every position along each resampled axis."""
    return F.interpolate(x, scale_factor=tuple(map(float, resampling_factor(dims))), mode="nearest")


def shrink(x: Tensor, dims: int) -> Tensor:
    """Average neighbouring positions along each resampled axis."""
    return _POOLS[dims](x, resampling_factor(dims))


class Upsample(nn.Module):
    """Twice the size by repetition, then a 3-wide convolution if ``learned``."""

    def __init__(self, channels: int, dims: int, learned: bool):
        super().__init__()
        self.dims = dims
        self.conv = convolution(dims, channels, channels, 3) if learned else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(enlarge(x, self.dims))


class Downsample(nn.Module):
    """Half the size, by a strided 3-wide convolution if ``learned`` and by averages otherwise."""

    def __init__(self, channels: int, dims: int, learned: bool):
        super().__init__()
        self.dims = dims
        self.op = convolution(dims, channels, channels, 3, stride=resampling_factor(dims)) if learned else None

    def forward(self, x: Tensor) -> Tensor:
        return shrink(x, self.dims) if self.op is None else self.op(x)


class ResBlock(nn.Module):
    """Two convolutions around the embedding of time and label, beside a skip connection.

    ``h = conv(silu(norm(x)))``, then ``skip(x) + conv(dropout(silu(norm(h) (1 + scale) + shift)))`` with (scale, shift)
    read off the embedding, or ``norm(h + shift)`` without the scale. ``resample``: None, "up" or "down", applied
    to both branches before the first convolution. ``x`` (N, C, ...), ``emb`` (N, E); the last convolution starts at 0.

    Source: Dhariwal and Nichol 2021 (arXiv 2105.05233), section 3 (adaptive group normalisation, BigGAN blocks).
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        emb_channels: int,
        *,
        dropout: float,
        dims: int,
        use_scale_shift_norm: bool,
        use_checkpoint: bool,
        resample: str | None = None,
    ):
        super().__init__()
        self.dims = dims
        self.use_scale_shift_norm = use_scale_shift_norm
        self.use_checkpoint = use_checkpoint
        self.resample = {None: None, "up": enlarge, "down": shrink}[resample]
        self.in_layers = nn.Sequential(GroupNorm32(channels), nn.SiLU(), convolution(dims, channels, out_channels, 3))
        emb_out = 2 * out_channels if use_scale_shift_norm else out_channels
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(emb_channels, emb_out))
        self.out_layers = nn.Sequential(
            GroupNorm32(out_channels),
            nn.SiLU(),
            nn.Dropout(dropout),
            zeroed(convolution(dims, out_channels, out_channels, 3)),
        )
        same = out_channels == channels
        self.skip_connection = nn.Identity() if same else convolution(dims, channels, out_channels, 1)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        if self.use_checkpoint and torch.is_grad_enabled():
            return checkpoint(self._residual, x, emb, use_reentrant=False)
        return self._residual(x, emb)

    def _residual(self, x: Tensor, emb: Tensor) -> Tensor:
        norm, activation, conv = self.in_layers
        h = activation(norm(x))
        if self.resample is not None:
            h, x = self.resample(h, self.dims), self.resample(x, self.dims)
        h = conv(h)
        shift = self.emb_layers(emb).to(h.dtype)
        shift = shift.view(*shift.shape, *(1,) * self.dims)
        norm, activation, dropout, conv = self.out_layers
        if self.use_scale_shift_norm:
            scale, shift = shift.chunk(2, dim=1)
            h = torch.addcmul(shift, norm(h), 1 + scale)
        else:
            h = norm(h + shift)
        return self.skip_connection(x) + conv(dropout(activation(h)))


class TimestepSequential(nn.Sequential):
    """A chain of layers in which the residual blocks also receive the embedding."""

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        for layer in self:
            x = layer(x, emb) if isinstance(layer, ResBlock) else layer(x)
        return x


@dataclass(frozen=True)
class Style:
    """The choices that all blocks of one network share; it builds them."""

    emb_channels: int
    dropout: float
    dims: int
    conv_resample: bool
    resblock_updown: bool
    use_checkpoint: bool
    use_scale_shift_norm: bool
    num_head_channels: int
    use_new_attention_order: bool

    def residual(self, channels: int, out_channels: int, resample: str | None = None) -> ResBlock:
        return ResBlock(
            channels,
            out_channels,
            self.emb_channels,
            dropout=self.dropout,
            dims=self.dims,
            use_scale_shift_norm=self.use_scale_shift_norm,
            use_checkpoint=self.use_checkpoint,
            resample=resample,
        )

    def attention(self, channels: int, heads: int) -> AttentionBlock:
        return AttentionBlock(
            channels,
            head_count(channels, heads, self.num_head_channels),
            new_order=self.use_new_attention_order,
            use_checkpoint=self.use_checkpoint,
        )

    def up(self, channels: int) -> nn.Module:
        if self.resblock_updown:
            return self.residual(channels, channels, "up")
        return Upsample(channels, self.dims, self.conv_resample)

    def down(self, channels: int) -> nn.Module:
        if self.resblock_updown:
            return self.residual(channels, channels, "down")
        return Downsample(channels, self.dims, self.conv_resample)
