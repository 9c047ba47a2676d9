"""The classifier of noisy images, for classifier guidance."""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn

from core.models.adm.attention import AttentionPool
from core.models.adm.blocks import Style
from core.models.adm.encoder import Encoder
from core.models.adm.layers import GroupNorm32, convolution, zeroed

POOLS = ("adaptive", "attention", "spatial", "spatial_v2")
HIDDEN = 2048


class Classifier(Encoder):
    """Class logits of a noisy image: ``model(x, timesteps)``, ``(N, in_channels, H, W)`` to ``(N, out_channels)``.

    The contracting half of :class:`core.models.adm.UNet` with a pooling head. Arguments, state-dict keys and outputs
    are those of ``EncoderUNetModel`` in OpenAI's guided-diffusion; parameters as for :class:`UNet`, and

    Parameters
    ----------
    pool : "adaptive" (mean over positions), "attention" (attention from the mean; needs ``num_head_channels`` and
        images of ``image_size``), "spatial" and "spatial_v2" (means of every block into two linear layers).

    Raises
    ------
    ValueError
        On an unknown ``pool`` or sizes that do not fit together.

    Source: Dhariwal and Nichol 2021 (arXiv 2105.05233), section 4.
    """

    def __init__(
        self,
        image_size: int,
        in_channels: int,
        model_channels: int,
        out_channels: int,
        num_res_blocks: int,
        attention_resolutions: Collection[int],
        dropout: float = 0.0,
        channel_mult: Sequence[float] = (1, 2, 4, 8),
        conv_resample: bool = True,
        dims: int = 2,
        use_checkpoint: bool = False,
        use_fp16: bool = False,
        num_heads: int = 1,
        num_head_channels: int = -1,
        num_heads_upsample: int = -1,
        use_scale_shift_norm: bool = False,
        resblock_updown: bool = False,
        use_new_attention_order: bool = False,
        pool: str = "adaptive",
    ):
        if pool not in POOLS:
            raise ValueError(f"unknown pooling {pool!r}; choose one of: {', '.join(POOLS)}")
        if pool == "attention" and num_head_channels == -1:
            raise ValueError("attention pooling needs num_head_channels, the width of a head")
        style = Style(
            emb_channels=4 * model_channels,
            dropout=dropout,
            dims=dims,
            conv_resample=conv_resample,
            resblock_updown=resblock_updown,
            use_checkpoint=use_checkpoint,
            use_scale_shift_norm=use_scale_shift_norm,
            num_head_channels=num_head_channels,
            use_new_attention_order=use_new_attention_order,
        )
        super().__init__(
            in_channels,
            model_channels,
            num_res_blocks,
            attention_resolutions,
            channel_mult,
            num_heads,
            None,
            style,
        )
        self.image_size = image_size
        self.out_channels = out_channels
        self.num_heads_upsample = num_heads_upsample  # accepted with the others; there is no way up
        self.pool = pool
        self.spatial = pool.startswith("spatial")
        self.out = _head(pool, self, image_size, num_head_channels, out_channels, dims)
        if use_fp16:
            self.convert_to(torch.float16)

    def forward(self, x: Tensor, timesteps: Tensor) -> Tensor:
        emb = self.embed(timesteps, None, len(x))
        if not self.spatial:
            return self.out(self.encode(x, emb, lambda h: None).to(x.dtype))
        means: list[Tensor] = []

        def keep(h: Tensor) -> None:
            means.append(h.to(x.dtype).flatten(2).mean(dim=2))

        keep(self.encode(x, emb, keep))
        return self.out(torch.cat(means, dim=1))


def _head(
    pool: str, encoder: Encoder, image_size: int, head_channels: int, out_channels: int, dims: int
) -> nn.Sequential:
    channels = encoder.channels
    features = sum(encoder.skip_channels) + channels
    if pool == "adaptive":
        return nn.Sequential(
            GroupNorm32(channels),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d(1),
            zeroed(convolution(dims, channels, out_channels, 1)),
            nn.Flatten(),
        )
    if pool == "attention":
        pooling = AttentionPool(image_size // encoder.factor, channels, head_channels, out_channels)
        return nn.Sequential(GroupNorm32(channels), nn.SiLU(), pooling)
    if pool == "spatial":
        return nn.Sequential(nn.Linear(features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, out_channels))
    return nn.Sequential(nn.Linear(features, HIDDEN), GroupNorm32(HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, out_channels))
