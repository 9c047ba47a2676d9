"""The settings of a training run."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Recipe:
    """What decides the weights, besides data and preset.

    Attributes
    ----------
    steps : of the whole run; it ends there.
    batch : images per step.
    learning_rate : of AdamW, reached after ``warmup`` steps, kept, and lowered to zero in equal parts over the last
        share ``cooldown`` of the steps.
    emphasis, floor : the squared error of eps is weighted by ``(sigma / alpha)^emphasis + floor``. Emphasis 0 is the
        simple loss of DDPM and 2 the error of x0. Between them all noise levels count about alike, so that the small
        errors of eps in strong noise, which the way to x0 multiplies by ``sigma / alpha``, are learned too; the floor
        keeps the weakest noise in the game.
    weight_decay, clip : of AdamW, and the largest norm of a gradient.
    ema : decay per step of the averaged weights; the average starts fast, as ``min(ema, (1 + n) / (10 + n))``.
    label_dropout : probability that a label is replaced by "no label", so that one network learns both; of diffusion
        networks, as are ``emphasis`` and ``floor``.
    bfloat16 : mixed precision (convolutions and products in bfloat16, weights in float32). For GPUs and large images:
        on a CPU the gradient of attention over few positions is slow in it.
    channels_last : memory order of images and convolutions; faster on most machines, equal up to rounding.
    held_out : every this many-th example is kept from training, for testing; 0 for none.
    seed : of everything random.

    Raises
    ------
    ValueError
        On a number out of range.
    """

    steps: int = 4000
    batch: int = 128
    learning_rate: float = 1e-3
    warmup: int = 200
    cooldown: float = 0.4
    emphasis: float = 1.0
    floor: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: float = 0.9995
    label_dropout: float = 0.1
    bfloat16: bool = False
    channels_last: bool = True
    held_out: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        limits = {
            "steps": (1, 10**9),
            "batch": (1, 65536),
            "learning_rate": (0, 1),
            "warmup": (0, 10**6),
            "cooldown": (0, 1),
            "emphasis": (0, 2),
            "floor": (0, 100),
            "weight_decay": (0, 1),
            "clip": (0, 1e6),
            "ema": (0, 1),
            "label_dropout": (0, 1),
            "held_out": (0, 10**6),
            "seed": (0, 2**63 - 1),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must lie between {low} and {high}, got {getattr(self, name)}")
        if self.held_out == 1:
            raise ValueError("held_out = 1 would leave nothing to train on; give 0 or at least 2")

    def rate(self, step: int) -> float:
        """Learning rate of step ``step``, counted from 0."""
        rising = (step + 1) / max(1, self.warmup)
        falling = (self.steps - step) / max(1.0, self.cooldown * self.steps)
        return self.learning_rate * min(1.0, rising, falling)

    def as_dict(self) -> dict:
        """Plain values for a checkpoint or a model card."""
        return asdict(self)
