"""The settings of a training run."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Recipe:
    """What decides the weights, besides data, preset and number of steps.

    Attributes
    ----------
    batch : images per step.
    learning_rate : of AdamW, reached after ``warmup`` steps and kept.
    weight_decay, clip : of AdamW, and the largest norm of a gradient.
    ema : decay per step of the averaged weights; the average starts fast, as ``min(ema, (1 + n) / (10 + n))``.
    label_dropout : probability that a label is replaced by "no label", so that one network learns both.
    bfloat16 : mixed precision (convolutions and products in bfloat16, weights in float32).
    channels_last : memory order of images and convolutions; faster on most machines, equal up to rounding.
    seed : of everything random.

    Raises
    ------
    ValueError
        On a number out of range.
    """

    batch: int = 128
    learning_rate: float = 1e-3
    warmup: int = 200
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: float = 0.9995
    label_dropout: float = 0.1
    bfloat16: bool = True
    channels_last: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        limits = {
            "batch": (1, 65536),
            "learning_rate": (0, 1),
            "warmup": (0, 10**6),
            "weight_decay": (0, 1),
            "clip": (0, 1e6),
            "ema": (0, 1),
            "label_dropout": (0, 1),
            "seed": (0, 2**63 - 1),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must lie between {low} and {high}, got {getattr(self, name)}")

    def as_dict(self) -> dict:
        """Plain values for a checkpoint or a model card."""
        return asdict(self)
