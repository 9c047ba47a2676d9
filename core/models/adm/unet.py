"""The ADM UNet and its super-resolution form."""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.models.adm.blocks import Style, TimestepSequential
from core.models.adm.encoder import Encoder
from core.models.adm.layers import GroupNorm32, convolution, zeroed


class UNet(Encoder):
    """The UNet of ADM: ``model(x, timesteps, y=None)``, ``(N, in_channels, H, W)`` to ``(N, out_channels, H, W)``.

    Arguments, call, state-dict keys and outputs are those of ``UNetModel`` in OpenAI's guided-diffusion, so its
    checkpoints load as they are. A fresh network returns 0: its last convolution starts at zero.

    Parameters
    ----------
    image_size : side of the images; the network itself works at any multiple of its downsampling factor.
    in_channels, out_channels : channels of image and prediction (twice as many where sigma is learned).
    model_channels : base width; with every ``channel_mult`` it must give a multiple of 32.
    num_res_blocks : residual blocks at each level.
    attention_resolutions : downsampling factors (1, 2, 4, ...) at which there is attention.
    dropout : probability, inside residual blocks.
    channel_mult : width of each level, as a multiple of ``model_channels``.
    conv_resample : learned convolutions in up- and downsampling.
    dims : 1, 2 or 3 axes.
    num_classes : rows of the label table; None for an unconditional network.
    use_checkpoint : trade computation for memory in training.
    use_fp16 : float16 convolutions; normalisation, embeddings and the output stay in float32.
    num_heads, num_heads_upsample : attention heads on the way down and up (-1: as on the way down).
    num_head_channels : fixed width of a head, which overrides the number of heads (-1: not used).
    use_scale_shift_norm : the embedding scales and shifts instead of only shifting.
    resblock_updown : residual blocks change the resolution.
    use_new_attention_order : order of the attention channels in the checkpoint.

    Raises
    ------
    ValueError
        On sizes that do not fit together.

    Source: Dhariwal and Nichol 2021 (arXiv 2105.05233), section 3.
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
        num_classes: int | None = None,
        use_checkpoint: bool = False,
        use_fp16: bool = False,
        num_heads: int = 1,
        num_head_channels: int = -1,
        num_heads_upsample: int = -1,
        use_scale_shift_norm: bool = False,
        resblock_updown: bool = False,
        use_new_attention_order: bool = False,
    ):
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
            num_classes,
            style,
        )
        self.image_size = image_size
        self.out_channels = out_channels
        heads_up = num_heads if num_heads_upsample == -1 else num_heads_upsample

        channels, factor, skips = self.channels, self.factor, list(self.skip_channels)
        self.output_blocks = nn.ModuleList()
        for level in reversed(range(len(channel_mult))):
            width = int(channel_mult[level] * model_channels)
            for i in range(num_res_blocks + 1):
                layers = [style.residual(channels + skips.pop(), width)]
                channels = width
                if factor in attention_resolutions:
                    layers.append(style.attention(channels, heads_up))
                if level and i == num_res_blocks:
                    layers.append(style.up(channels))
                    factor //= 2
                self.output_blocks.append(TimestepSequential(*layers))
        self.out = nn.Sequential(GroupNorm32(channels), nn.SiLU(), zeroed(convolution(dims, channels, out_channels, 3)))
        if use_fp16:
            self.convert_to(torch.float16)

    def torso(self) -> tuple[nn.Module, ...]:
        return *super().torso(), self.output_blocks

    def forward(self, x: Tensor, timesteps: Tensor, y: Tensor | None = None) -> Tensor:
        emb = self.embed(timesteps, y, len(x))
        skips: list[Tensor] = []
        h = self.encode(x, emb, skips.append)
        for block in self.output_blocks:
            h = block(torch.cat([h, skips.pop()], dim=1), emb)
        return self.out(h.to(x.dtype))


class SuperResUNet(UNet):
    """A UNet that also sees a small image: ``model(x, timesteps, low_res=..., y=None)``.

    ``low_res`` ``(N, in_channels, h, w)`` is enlarged bilinearly to the size of ``x`` and joined to its channels.
    Arguments as for :class:`UNet`; same checkpoints as ``SuperResModel`` in OpenAI's guided-diffusion.

    Source: Nichol and Dhariwal 2021 (arXiv 2102.09672), section 5; Saharia et al. 2021 (arXiv 2104.07636).
    """

    def __init__(self, image_size: int, in_channels: int, *args, **kwargs):
        super().__init__(image_size, 2 * in_channels, *args, **kwargs)

    def forward(self, x: Tensor, timesteps: Tensor, low_res: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        if low_res is None:
            raise ValueError("a super-resolution network needs the small image as low_res")
        enlarged = F.interpolate(low_res, x.shape[2:], mode="bilinear")
        return super().forward(torch.cat([x, enlarged], dim=1), timesteps, y)
