"""Flows along straight lines between data and noise, paired in any way, as models that every solver can query.

A pairing of data and noise draws lines ``z_t = (1 - t) x0 + t eps``. The velocity of flow matching is the mean
direction of the lines that pass a point, ``u(z, t) = E[eps - x0 | z_t = z]``, and from it follow
``E[x0 | z] = z - t u`` and ``E[eps | z] = z + (1 - t) u``, however data and noise are paired. Only the score does not:
``-eps/sigma`` is the gradient of the log-density for independent pairs alone. Particles of another schedule are
``x = (alpha + sigma) z_t`` with ``t = sigma/(alpha + sigma)``, so a flow can be followed under every schedule.

Sources: Lipman et al. 2022 (arXiv 2210.02747); Liu et al. 2022 (arXiv 2209.03003), eq. 1 and 2.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from core.models.base import Model

FREQUENCIES = 6


class VelocityNetwork(nn.Module):
    """``u(z, t)``: three hidden layers; t enters as sines and cosines of six frequencies.

    Parameters
    ----------
    numbers : of one particle, D.
    width : units of each hidden layer.
    generator : of the starting weights, uniform as in ``nn.Linear``; no global random state is read.
    """

    def __init__(self, numbers: int, width: int, generator: torch.Generator):
        super().__init__()
        self.layers = perceptron(numbers + 2 * FREQUENCIES, width, numbers, generator)

    def forward(self, z: Tensor, t: Tensor) -> Tensor:
        """``z`` (N, D) and ``t`` (N, 1) to (N, D)."""
        phase = math.pi * t * torch.arange(1, FREQUENCIES + 1, dtype=z.dtype, device=z.device)
        return self.layers(torch.cat([z, phase.sin(), phase.cos()], dim=1))


def perceptron(inputs: int, width: int, outputs: int, generator: torch.Generator) -> nn.Sequential:
    """Three hidden layers of ``width`` units with SiLU between them, weights drawn from ``generator``."""
    sizes = (inputs, width, width, width, outputs)
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layer = nn.Linear(fan_in, fan_out)
        bound = 1 / math.sqrt(fan_in)
        with torch.no_grad():
            for part in (layer.weight, layer.bias):
                part.uniform_(-bound, bound, generator=generator)
        layers += [layer, nn.SiLU()]
    return nn.Sequential(*layers[:-1])


class Flow(Model):
    """A velocity field as a model: it predicts x0 and eps; subclasses say how they follow from ``(z, t)``.

    Parameters
    ----------
    shape : of one particle.
    """

    native = ("x0", "eps")
    exact = False

    def __init__(self, shape: tuple[int, ...]):
        self.shape = tuple(shape)

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        """``E[x0 | x]`` or ``E[eps | x]`` under the flow's own pairing, shape and dtype of ``x``.

        Raises
        ------
        ValueError
            If ``kind`` is neither "x0" nor "eps", or ``x`` is not (N, *shape).
        """
        if kind not in self.native:
            raise ValueError(f"a flow predicts x0 or eps, not {kind!r}")
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"x must have shape (N, {', '.join(map(str, self.shape))}), got {tuple(x.shape)}")
        total = alpha + sigma
        z, t = x.double().flatten(1) / total, sigma / total
        return self._of(z, t, kind).unflatten(1, self.shape).to(x.dtype)

    def _of(self, z: Tensor, t: float, kind: str) -> Tensor:
        u = self.velocity(z, t)
        return z - t * u if kind == "x0" else z + (1 - t) * u

    def velocity(self, z: Tensor, t: float) -> Tensor:
        """``u(z, t)`` for ``z`` (N, D) float64."""
        raise NotImplementedError


class LearnedFlow(Flow):
    """What a small network has learned of a pairing; it computes in float64, so that solver errors are seen alone.

    Parameters
    ----------
    net : the trained network; it is turned to float64.
    shape : of one particle.
    """

    def __init__(self, net: VelocityNetwork, shape: tuple[int, ...]):
        super().__init__(shape)
        self.net = net.double().eval().requires_grad_(False)

    def velocity(self, z: Tensor, t: float) -> Tensor:
        """``u(z, t)``, (N, D)."""
        return self.net(z, torch.full((len(z), 1), t, dtype=z.dtype, device=z.device))


class AffineFlow(Flow):
    """The flow of lines from ``eps`` to ``x0 = mean + stretch eps``: exactly straight, since the lines never meet.

    With ``stretch`` the symmetric root of a covariance S it is the reflow of the Gaussian N(mean, S), whose
    probability-flow ODE carries eps there, and also the optimal transport from noise to that Gaussian.

    Parameters
    ----------
    mean : (D,).
    stretch : (D, D), symmetric, positive semidefinite.

    Raises
    ------
    ValueError
        If the shapes do not fit or ``stretch`` is not symmetric positive semidefinite: then lines could meet.
    """

    def __init__(self, mean: Tensor, stretch: Tensor):
        mean, stretch = mean.double(), stretch.double()
        if mean.ndim != 1 or tuple(stretch.shape) != (len(mean), len(mean)):
            raise ValueError(f"mean must be (D,) and stretch (D, D), got {tuple(mean.shape)}, {tuple(stretch.shape)}")
        lengths, axes = torch.linalg.eigh((stretch + stretch.mT) / 2)
        if (stretch - stretch.mT).abs().max() > 1e-9 * lengths.abs().max() or lengths[0] < -1e-12:
            raise ValueError("stretch must be symmetric with no negative eigenvalue")
        super().__init__((len(mean),))
        self.mean, self.lengths, self.axes = mean, lengths.clamp(min=0), axes

    def _of(self, z: Tensor, t: float, kind: str) -> Tensor:
        # along each axis the line is (1 - t)(mean + l e) + t e
        e = ((z - (1 - t) * self.mean) @ self.axes) / ((1 - t) * self.lengths + t)
        return e @ self.axes.mT if kind == "eps" else self.mean + (e * self.lengths) @ self.axes.mT

    def velocity(self, z: Tensor, t: float) -> Tensor:
        """``eps - x0`` of the one line through ``z``, (N, D)."""
        return self._of(z, t, "eps") - self._of(z, t, "x0")
