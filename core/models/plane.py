"""A small learned score in the plane, to be compared with the exact one of the same data."""

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from core.models.base import Model
from core.models.checkpoints import load_checkpoint

FREQUENCIES = 8
WEIGHTS = Path(__file__).parents[2] / "assets" / "weights" / "plane"


class PlaneNetwork(nn.Module):
    """``v`` in the normalised plane: ``u = x/sqrt(alpha^2 + sigma^2)`` and lambda to ``a eps - s x0``.

    Four layers of ``width`` units; lambda enters as sines and cosines of eight frequencies, scaled to the range that
    the network is trained on.

    Parameters
    ----------
    width : units of each hidden layer.
    lowest, highest : range of lambda; beyond it the nearest end is used for the embedding.
    """

    def __init__(self, width: int = 96, lowest: float = -7.0, highest: float = 7.0):
        super().__init__()
        self.lowest, self.highest = lowest, highest
        self.layers = nn.Sequential(
            nn.Linear(2 + 2 * FREQUENCIES, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, 2),
        )

    def forward(self, u: Tensor, lam: Tensor) -> Tensor:
        """``u`` (N, 2) and ``lam`` (N,) to (N, 2)."""
        share = (lam.clamp(self.lowest, self.highest) - self.lowest) / (self.highest - self.lowest)
        phase = math.pi * share[:, None] * torch.arange(1, FREQUENCIES + 1, dtype=u.dtype, device=u.device)
        return self.layers(torch.cat([u, phase.sin(), phase.cos()], dim=1))


class LearnedPlane(Model):
    """What a small network has learned of a 2-D data set: its prediction is ``v``, from which the others follow.

    The particles' precision is kept, but the network computes in float32: its answers are good to about 1e-7 of their
    size, and to some per cent of the truth.

    Parameters
    ----------
    net : the trained network.
    """

    shape = (2,)
    native = ("v",)
    exact = False

    def __init__(self, net: PlaneNetwork):
        self.net = net.eval().requires_grad_(False)

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        """``v = alpha eps - sigma x0``, (N, 2).

        Raises
        ------
        ValueError
            If ``kind`` is not "v", or ``x`` is not (N, 2).
        """
        if kind != "v":
            raise ValueError(f"this network predicts v, not {kind!r}")
        if x.ndim != 2 or x.shape[1] != 2:
            raise ValueError(f"x must have shape (N, 2), got {tuple(x.shape)}")
        norm = math.hypot(alpha, sigma)
        lam = torch.full((len(x),), math.log(alpha / sigma), dtype=torch.float32, device=x.device)
        return self.net((x / norm).float(), lam).to(x.dtype) * norm


def load_plane(path: str | Path) -> LearnedPlane:
    """The network in a ``.safetensors`` file written by ``python -m core.train.plane``.

    Raises
    ------
    ValueError
        In one sentence, if the file is missing, damaged or of another kind.
    """
    checkpoint = load_checkpoint(path)
    about = checkpoint.metadata
    if about.get("network") != "PlaneNetwork":
        raise ValueError(f"{Path(path).name} holds a {about.get('network')!r}, not a network for the plane")
    state = {key: value.float() for key, value in checkpoint.state_dict.items()}
    try:
        net = PlaneNetwork(**about["arguments"])
        net.load_state_dict(state)
    except (KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{Path(path).name} describes no network that can be built: {error}") from error
    return LearnedPlane(net)


def shipped_plane(name: str) -> LearnedPlane:
    """The network that comes with the app for a 2-D set; ValueError, with those that there are, for any other."""
    known = sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))
    if name not in known:
        raise ValueError(f"no network was trained for the data {name!r}; there is one for {', '.join(known) or 'none'}")
    return load_plane(WEIGHTS / f"{name}.safetensors")
