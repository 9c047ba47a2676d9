"""The contracting half that the UNet and the noisy classifier share."""

from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor, nn

from core.models.adm.blocks import Style, TimestepSequential
from core.models.adm.layers import CONVOLUTIONS, convolution, timestep_embedding


class Encoder(nn.Module):
    """Embedding of time (and label), a chain of blocks from fine to coarse, and the block in the middle.

    Level ``i`` has ``channel_mult[i] * model_channels`` channels and ``num_res_blocks`` residual blocks, with
    attention after each where the downsampling factor is in ``attention_resolutions``.

    Attributes
    ----------
    channels : the channels at the end of the middle block.
    skip_channels : the channels of every output of ``input_blocks``, finest first.
    factor : how many times smaller the coarsest feature map is.

    Raises
    ------
    ValueError
        On sizes that do not fit together, with what is allowed.
    """

    def __init__(
        self,
        in_channels: int,
        model_channels: int,
        num_res_blocks: int,
        attention_resolutions: Collection[int],
        channel_mult: Sequence[float],
        num_heads: int,
        num_classes: int | None,
        style: Style,
    ):
        super().__init__()
        if not channel_mult:
            raise ValueError("channel_mult must name at least one level")
        self.in_channels = in_channels
        self.model_channels = model_channels
        self.num_classes = num_classes
        self.time_embed = nn.Sequential(
            nn.Linear(model_channels, style.emb_channels),
            nn.SiLU(),
            nn.Linear(style.emb_channels, style.emb_channels),
        )
        if num_classes is not None:
            self.label_emb = nn.Embedding(num_classes, style.emb_channels)

        channels = int(channel_mult[0] * model_channels)
        self.input_blocks = nn.ModuleList([TimestepSequential(convolution(style.dims, in_channels, channels, 3))])
        self.skip_channels = [channels]
        self.factor = 1
        for level, mult in enumerate(channel_mult):
            if level:
                self.input_blocks.append(TimestepSequential(style.down(channels)))
                self.skip_channels.append(channels)
                self.factor *= 2
            for _ in range(num_res_blocks):
                out_channels = int(mult * model_channels)
                layers = [style.residual(channels, out_channels)]
                channels = out_channels
                if self.factor in attention_resolutions:
                    layers.append(style.attention(channels, num_heads))
                self.input_blocks.append(TimestepSequential(*layers))
                self.skip_channels.append(channels)
        self.middle_block = TimestepSequential(
            style.residual(channels, channels),
            style.attention(channels, num_heads),
            style.residual(channels, channels),
        )
        self.channels = channels

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the convolutions inside; embeddings, normalisation and the output layer stay float32."""
        return self.input_blocks[0][0].weight.dtype

    def torso(self) -> tuple[nn.Module, ...]:
        """The parts whose convolutions may run in half precision."""
        return self.input_blocks, self.middle_block

    def convert_to(self, dtype: torch.dtype) -> "Encoder":
        """Run the convolutions inside in ``dtype`` (float32, float16 or bfloat16)."""
        for part in self.torso():
            for module in part.modules():
                if isinstance(module, CONVOLUTIONS):
                    module.to(dtype)
        return self

    def convert_to_fp16(self) -> None:
        """``convert_to(torch.float16)``, under the name that users of released checkpoints know."""
        self.convert_to(torch.float16)

    def convert_to_fp32(self) -> None:
        """``convert_to(torch.float32)``, likewise."""
        self.convert_to(torch.float32)

    def embed(self, timesteps: Tensor, y: Tensor | None, n: int) -> Tensor:
        """Embedding (n, E) of time and label.

        Raises
        ------
        ValueError
            If there is not one time and, for a class-conditional network only, one label for each image.
        """
        if timesteps.shape != (n,):
            raise ValueError(f"{n} images need times of shape ({n},), got {tuple(timesteps.shape)}")
        emb = self.time_embed(timestep_embedding(timesteps, self.model_channels))
        if self.num_classes is None:
            if y is not None:
                raise ValueError("this network knows no classes; call it without y")
            return emb
        if y is None or y.shape != (n,):
            given = "none" if y is None else f"shape {tuple(y.shape)}"
            raise ValueError(f"{n} images of a class-conditional network need labels of shape ({n},), got {given}")
        return emb + self.label_emb(y)

    def encode(self, x: Tensor, emb: Tensor, keep: Callable[[Tensor], object]) -> Tensor:
        """Run down to the middle block, handing the output of every input block to ``keep``."""
        h = x.to(self.dtype)
        for block in self.input_blocks:
            h = block(h, emb)
            keep(h)
        return self.middle_block(h, emb)
