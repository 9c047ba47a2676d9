"""Named network configurations: those with released weights, and ours."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from core.models.adm.classifier import Classifier
from core.models.adm.unet import SuperResUNet, UNet
from core.registry import Registry

NETWORKS: Registry[type[nn.Module]] = Registry("network")
NETWORKS.add("UNet", UNet)
NETWORKS.add("SuperResUNet", SuperResUNet)
NETWORKS.add("Classifier", Classifier)

IMAGENET_CLASSES = 1000


@dataclass(frozen=True)
class Preset:
    """A network and the noise process it was trained with.

    Attributes
    ----------
    title : name on screen.
    network : entry of ``NETWORKS``.
    arguments : constructor arguments.
    betas : "linear" or "cosine", 1000 of them.
    rescale_timesteps : whether time indices are multiplied by 1000 / steps. With 1000 steps it changes nothing;
        it matters to those who train with another number.
    learned_sigma : the second half of the output channels interpolates the variance.
    prediction : what the (first half of the) output means; None for a classifier.
    classes : how many labels there are, 0 for none.
    null_label : the label that stands for "no label", or None where the network has not learned one.
    weights : file name of the released weights.
    source : where network and weights are described.
    """

    title: str
    network: str
    arguments: dict[str, Any]
    betas: str
    rescale_timesteps: bool
    learned_sigma: bool
    prediction: str | None
    classes: int
    null_label: int | None
    weights: str
    source: str

    @property
    def schedule(self) -> str:
        """Name of the training schedule for ``make_schedule``."""
        return f"ddpm-{self.betas}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one image."""
        channels, side = self.arguments["in_channels"], self.arguments["image_size"]
        return channels, side, side

    def build(self, **changes: Any) -> nn.Module:
        """The network with fresh weights; ``changes`` override constructor arguments, such as ``use_fp16``."""
        return NETWORKS[self.network](**self.arguments | changes)


PRESETS: Registry[Preset] = Registry("ADM preset")

GUIDED = "Dhariwal and Nichol 2021, arXiv 2105.05233; github.com/openai/guided-diffusion"
LEVELS: dict[int, tuple[float, ...]] = {
    64: (1, 2, 3, 4),
    128: (1, 1, 2, 3, 4),
    256: (1, 1, 2, 2, 4, 4),
    512: (0.5, 1, 1, 2, 2, 4, 4),
}


def attention_at(image_size: int, *sides: int) -> tuple[int, ...]:
    """Downsampling factors at which the feature maps have the given sides."""
    return tuple(image_size // side for side in sides)


def add_diffusion(
    name: str,
    title: str,
    weights: str,
    image_size: int,
    *,
    classes: int = 0,
    betas: str = "linear",
    network: str = "UNet",
    attention_sides: tuple[int, ...] = (32, 16, 8),
    levels: tuple[float, ...] | None = None,
    **arguments: Any,
) -> None:
    """Enter a released diffusion model: six output channels, adaptive normalisation, residual resampling."""
    full = {
        "image_size": image_size,
        "in_channels": 3,
        "model_channels": 256,
        "out_channels": 6,
        "num_res_blocks": 2,
        "attention_resolutions": attention_at(image_size, *attention_sides),
        "channel_mult": levels or LEVELS[image_size],
        "num_classes": classes or None,
        "use_scale_shift_norm": True,
        "resblock_updown": True,
    }
    PRESETS.add(
        name,
        Preset(
            title=title,
            network=network,
            arguments=full | arguments,
            betas=betas,
            rescale_timesteps=False,
            learned_sigma=True,
            prediction="eps",
            classes=classes,
            null_label=None,
            weights=weights,
            source=GUIDED,
        ),
    )


def add_classifier(image_size: int, *, depth: int = 2, betas: str = "linear") -> None:
    """Enter a released classifier of noisy ImageNet images."""
    PRESETS.add(
        f"classifier-{image_size}",
        Preset(
            title=f"Noisy ImageNet classifier, {image_size} px",
            network="Classifier",
            arguments={
                "image_size": image_size,
                "in_channels": 3,
                "model_channels": 128,
                "out_channels": IMAGENET_CLASSES,
                "num_res_blocks": depth,
                "attention_resolutions": attention_at(image_size, 32, 16, 8),
                "channel_mult": LEVELS[image_size],
                "num_head_channels": 64,
                "use_scale_shift_norm": True,
                "resblock_updown": True,
                "pool": "attention",
            },
            betas=betas,
            rescale_timesteps=False,
            learned_sigma=False,
            prediction=None,
            classes=IMAGENET_CLASSES,
            null_label=None,
            weights=f"{image_size}x{image_size}_classifier.pt",
            source=GUIDED,
        ),
    )


add_diffusion(
    "imagenet-64",
    "ImageNet, 64 px",
    "64x64_diffusion.pt",
    64,
    classes=IMAGENET_CLASSES,
    betas="cosine",
    model_channels=192,
    num_res_blocks=3,
    num_head_channels=64,
    dropout=0.1,
    use_new_attention_order=True,
)
add_diffusion("imagenet-128", "ImageNet, 128 px", "128x128_diffusion.pt", 128, classes=IMAGENET_CLASSES, num_heads=4)
add_diffusion(
    "imagenet-256", "ImageNet, 256 px", "256x256_diffusion.pt", 256, classes=IMAGENET_CLASSES, num_head_channels=64
)
add_diffusion(
    "imagenet-256-uncond",
    "ImageNet, 256 px, without classes",
    "256x256_diffusion_uncond.pt",
    256,
    num_head_channels=64,
)
add_diffusion(
    "imagenet-512", "ImageNet, 512 px", "512x512_diffusion.pt", 512, classes=IMAGENET_CLASSES, num_head_channels=64
)
for scene in ("bedroom", "cat", "horse"):
    add_diffusion(f"lsun-{scene}", f"LSUN {scene}, 256 px", f"lsun_{scene}.pt", 256, num_head_channels=64, dropout=0.1)
add_diffusion(
    "lsun-horse-nodropout", "LSUN horse, 256 px, no dropout", "lsun_horse_nodropout.pt", 256, num_head_channels=64
)
add_diffusion(
    "upsample-64-256",
    "ImageNet upsampler, 64 to 256 px",
    "64_256_upsampler.pt",
    256,
    classes=IMAGENET_CLASSES,
    network="SuperResUNet",
    model_channels=192,
    num_heads=4,
)
add_diffusion(
    "upsample-128-512",
    "ImageNet upsampler, 128 to 512 px",
    "128_512_upsampler.pt",
    512,
    classes=IMAGENET_CLASSES,
    network="SuperResUNet",
    attention_sides=(32, 16),
    levels=LEVELS[256],
    model_channels=192,
    num_head_channels=64,
)
add_classifier(64, depth=4, betas="cosine")
for side in (128, 256, 512):
    add_classifier(side)


def add_own(name: str, title: str, side: int, channels: int, *, colours: int = 3, **arguments: Any) -> None:
    """Enter a network that is trained here on ten classes, with an eleventh label that stands for none."""
    full = {
        "image_size": side,
        "in_channels": colours,
        "model_channels": channels,
        "out_channels": colours,
        "num_res_blocks": 2,
        "dropout": 0.1,
        "num_classes": 11,
        "num_head_channels": 32,
        "use_scale_shift_norm": True,
        "resblock_updown": True,
    }
    PRESETS.add(
        name,
        Preset(
            title=title,
            network="UNet",
            arguments=full | arguments,
            betas="linear",
            rescale_timesteps=False,
            learned_sigma=False,
            prediction="eps",
            classes=10,
            null_label=10,
            weights=f"{name}.safetensors",
            source=f"trained here by `python -m core.train {name}`",
        ),
    )


add_own("digits", "Digits, 8 px", 8, 32, colours=1, attention_resolutions=(2,), channel_mult=(1, 2))
add_own("cifar10-16", "CIFAR-10, 16 px", 16, 32, attention_resolutions=(2,), channel_mult=(1, 2, 2))
# for a GPU: attention at 16x16 and 8x8, 5.7 million weights
add_own(
    "cifar10-32",
    "CIFAR-10, 32 px",
    32,
    64,
    attention_resolutions=(2, 4),
    channel_mult=(1, 2, 2),
    num_res_blocks=1,
)


def add_own_classifier(name: str, title: str, side: int, channels: int, *, colours: int = 3, **arguments: Any) -> None:
    """Enter a classifier that is trained here on ten classes."""
    full = {
        "image_size": side,
        "in_channels": colours,
        "model_channels": channels,
        "out_channels": 10,
        "num_res_blocks": 1,
        "dropout": 0.1,
        "num_head_channels": 32,
        "use_scale_shift_norm": True,
        "resblock_updown": True,
        "pool": "attention",
    }
    data, _, task = name.rpartition("-")
    PRESETS.add(
        name,
        Preset(
            title=title,
            network="Classifier",
            arguments=full | arguments,
            betas="linear",
            rescale_timesteps=False,
            learned_sigma=False,
            prediction=None,
            classes=10,
            null_label=None,
            weights=f"{name}.safetensors",
            source=f"trained here by `python -m core.train {data} --network {task}`",
        ),
    )


add_own_classifier(
    "digits-classifier",
    "Noisy digits classifier, 8 px",
    8,
    32,
    colours=1,
    attention_resolutions=(2,),
    channel_mult=(1, 2),
)
add_own_classifier(
    "cifar10-16-classifier",
    "Noisy CIFAR-10 classifier, 16 px",
    16,
    32,
    attention_resolutions=(4,),
    channel_mult=(1, 2, 3),
)
add_own_classifier(
    "cifar10-32-classifier",
    "Noisy CIFAR-10 classifier, 32 px",
    32,
    64,
    num_res_blocks=2,
    attention_resolutions=(2, 4),
    channel_mult=(1, 2, 2),
)
# Those that judge samples share as little as they can with those that guide them: no attention on the way, another
# pooling, plain resampling, additive time.
JUDGE = {
    "attention_resolutions": (),
    "use_scale_shift_norm": False,
    "resblock_updown": False,
    "pool": "adaptive",
}
add_own_classifier("cifar10-16-judge", "Judge of CIFAR-10 samples, 16 px", 16, 32, channel_mult=(1, 2, 4), **JUDGE)
add_own_classifier(
    "cifar10-32-judge", "Judge of CIFAR-10 samples, 32 px", 32, 64, num_res_blocks=2, channel_mult=(1, 2, 2), **JUDGE
)
