"""Which noise goes with which data: pairs to learn a flow from, and a pairing that is learned itself.

Sources: Tong et al. 2023 (arXiv 2302.00482) and Pooladian et al. 2023 (arXiv 2304.14772) for minibatch optimal
transport; Liu et al. 2022 (arXiv 2209.03003) for reflow; Lee, Kim and Ye 2023 (arXiv 2301.12003) for the learned one.
"""

import math
import os
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from core.models.velocity import perceptron

LEAST_WIDTH = -7.0  # log s: below, a pair is certain as far as float32 can tell


class Pairs(NamedTuple):
    """Data and noise, row by row: ``x0`` and ``eps``, each (N, D)."""

    x0: Tensor
    eps: Tensor

    @property
    def cost(self) -> float:
        """What the pairing would cost as transport, ``E|eps - x0|^2``, squared length."""
        return float((self.eps - self.x0).square().sum(1).mean())


def transport_pairs(x0: Tensor, eps: Tensor, batch: int) -> Pairs:
    """Re-pair data and noise by exact optimal transport within groups of ``batch``, by POT's network simplex.

    Squared distances, equal masses: an optimal plan is a permutation. ``batch`` 1 leaves the pairs as they are, which
    for independent draws is the independent coupling.

    Parameters
    ----------
    x0, eps : (N, D); rows that do not fill a last group form a smaller one.
    batch : size of a group.

    Raises
    ------
    ValueError
        If the shapes differ or ``batch`` is not at least 1.
    """
    if x0.shape != eps.shape:
        raise ValueError(f"data and noise must be equally many, got {tuple(x0.shape)} and {tuple(eps.shape)}")
    if batch < 1:
        raise ValueError(f"groups must hold at least 1 pair, got {batch}")
    if batch == 1:
        return Pairs(x0, eps)
    chosen = [
        start + _assignment(x0[start : start + batch], eps[start : start + batch]) for start in range(0, len(x0), batch)
    ]
    return Pairs(x0, eps[torch.cat(chosen)])


def _assignment(x0: Tensor, eps: Tensor) -> Tensor:
    ot = _transport_library()
    plan = ot.emd([], [], torch.cdist(x0.double(), eps.double()).square().numpy())
    return torch.from_numpy(np.asarray(plan).argmax(axis=1))


def _transport_library():
    """POT without the array libraries that it would otherwise look for, which takes seconds."""
    for other in ("TENSORFLOW", "JAX", "CUPY", "PYTORCH"):
        os.environ.setdefault(f"POT_BACKEND_DISABLE_{other}", "1")
    import ot

    return ot


class Encoder(nn.Module):
    """``q(eps | x0) = N(mean(x0), diag s(x0)^2)``: which noise suits which data, learned with the flow.

    Its starting weights make it nearly the independent coupling: mean 0 and width 1 but for small random parts.

    Parameters
    ----------
    numbers : of one particle, D; width : units of each hidden layer; generator : of the starting weights.
    """

    def __init__(self, numbers: int, width: int, generator: torch.Generator):
        super().__init__()
        self.layers = perceptron(numbers, width, 2 * numbers, generator)
        with torch.no_grad():
            self.layers[-1].weight.mul_(0.1)
            self.layers[-1].bias.zero_()

    def forward(self, x0: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-width, each (N, D)."""
        mean, log_width = self.layers(x0).chunk(2, dim=1)
        return mean, log_width.clamp(LEAST_WIDTH, 3.0)

    def draw(self, x0: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """``mean + s z`` (N, D), and the divergence (N,) of q from the noise N(0, I)."""
        mean, log_width = self(x0)
        return mean + log_width.exp() * z, divergence(mean, log_width)


def mismatch(mean: Tensor, log_width: Tensor, z: Tensor, rows: int = 256) -> float:
    """``KL(q(eps) || N(0, I))``, nats: how the noise that data were paired with differs, as a whole, from all noise.

    ``q(eps)`` is the mean of the pairings ``N(mean_i, diag e^(2 log_width_i))`` of many data points: an average of
    ``log q - log N`` over ``mean_i + e^(log_width_i) z_i``, never negative but for the chance of the draws. It is what
    a sampler gets wrong that starts from N(0, I), and is 0 for any pairing that uses the noise as it is. The mean of
    :func:`divergence`, which the training penalises, is larger: by what the noise tells of its data point.

    Parameters
    ----------
    mean, log_width, z : (N, D) each; ``rows`` of them are compared with all N at a time.
    """
    mean, log_width, z = mean.double(), log_width.double(), z.double()
    weight, eps = (-2 * log_width).exp(), mean + log_width.exp() * z
    offset = -0.5 * (mean.square() * weight).sum(1) - log_width.sum(1) - math.log(len(mean))
    total = 0.0
    for start in range(0, len(eps), rows):
        part = eps[start : start + rows]
        # -|(eps - mean)/s|^2 / 2 as products of matrices
        inside = part @ (mean * weight).mT - 0.5 * part.square() @ weight.mT + offset
        total += float((inside.logsumexp(1) + 0.5 * part.square().sum(1)).sum())
    return total / len(eps)


def divergence(mean: Tensor, log_width: Tensor) -> Tensor:
    """``KL(N(mean, diag e^(2 log_width)) || N(0, I))``, (N,), in nats."""
    return 0.5 * ((2 * log_width).exp() + mean.square() - 1 - 2 * log_width).sum(1)
