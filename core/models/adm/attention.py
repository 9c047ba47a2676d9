"""Self-attention over the positions of a feature map."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from core.models.adm.layers import GroupNorm32, convolution, zeroed


def split_heads(qkv: Tensor, heads: int, new_order: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values ``(N, heads, T, d)`` out of ``qkv`` ``(N, T, 3 * heads * d)``.

    The channels of a released checkpoint come in one of two orders: head by head, each with its q, k and v (the
    older one), or all queries, all keys, all values (``new_order``).
    """
    n, length, channels = qkv.shape
    if new_order:
        return qkv.view(n, length, 3, heads, channels // (3 * heads)).permute(2, 0, 3, 1, 4).unbind(0)
    return qkv.view(n, length, heads, 3, channels // (3 * heads)).permute(3, 0, 2, 1, 4).unbind(0)


def head_count(channels: int, heads: int, head_channels: int) -> int:
    """How many heads share ``channels``: ``heads``, unless each has a fixed width ``head_channels`` (-1: none).

    Raises
    ------
    ValueError
        If the channels cannot be shared out evenly.
    """
    if head_channels != -1:
        if head_channels < 1 or channels % head_channels:
            raise ValueError(f"{channels} channels cannot be split into heads of {head_channels} channels")
        return channels // head_channels
    if heads < 1 or channels % heads:
        raise ValueError(f"{channels} channels cannot be shared by {heads} attention heads")
    return heads


def pointwise(layer: nn.Conv1d, tokens: Tensor) -> Tensor:
    """The 1x1 convolution ``layer`` applied to ``tokens`` ``(N, T, C)``: a matrix product, with no transposed copy."""
    return F.linear(tokens, layer.weight[..., 0], layer.bias)


class AttentionBlock(nn.Module):
    """``x + proj(attention(norm(x)))`` over all positions of ``x`` ``(N, C, ...)``; the projection starts at zero.

    Source: Ho et al. 2020 (arXiv 2006.11239), appendix B; Dhariwal and Nichol 2021 (arXiv 2105.05233), section 3.
    """

    def __init__(self, channels: int, heads: int, *, new_order: bool = False, use_checkpoint: bool = False):
        super().__init__()
        self.heads = heads
        self.new_order = new_order
        self.use_checkpoint = use_checkpoint
        self.norm = GroupNorm32(channels)
        self.qkv = convolution(1, channels, 3 * channels, 1)
        self.proj_out = zeroed(convolution(1, channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        if self.use_checkpoint and torch.is_grad_enabled():
            return checkpoint(self._attend, x, use_reentrant=False)
        return self._attend(x)

    def _attend(self, x: Tensor) -> Tensor:
        tokens = self.norm(x).flatten(2).transpose(1, 2)
        query, key, value = split_heads(pointwise(self.qkv, tokens), self.heads, self.new_order)
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        return x + pointwise(self.proj_out, mixed).transpose(1, 2).reshape(x.shape)


class AttentionPool(nn.Module):
    """Pool a square feature map by letting its mean attend to every position; ``(N, C, H, H)`` to ``(N, out)``.

    Only the mean asks, so one query is enough. Source: Radford et al. 2021 (arXiv 2103.00020), section 2.4.
    """

    def __init__(self, side: int, channels: int, head_channels: int, out_channels: int):
        super().__init__()
        self.heads = head_count(channels, 1, head_channels)
        self.positional_embedding = nn.Parameter(torch.randn(channels, side**2 + 1) / channels**0.5)
        self.qkv_proj = convolution(1, channels, 3 * channels, 1)
        self.c_proj = convolution(1, channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2)
        tokens = torch.cat([tokens.mean(dim=2, keepdim=True), tokens], dim=2)
        tokens = (tokens + self.positional_embedding.to(x.dtype)).transpose(1, 2)
        query, key, value = split_heads(pointwise(self.qkv_proj, tokens), self.heads, new_order=True)
        pooled = F.scaled_dot_product_attention(query[:, :, :1], key, value).transpose(1, 2).flatten(2)
        return pointwise(self.c_proj, pooled)[:, 0]
