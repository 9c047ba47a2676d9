"""The weights of small networks as one vector, and Adam on it.

Networks of a few thousand weights spend as long in the bookkeeping of each layer's tensor as in arithmetic. As one
vector, a step and an average are a few operations in all: a quarter of the time of a training is saved, and the two
seconds in which ``torch.optim`` imports a compiler.
"""

import math

import torch
from torch import Tensor, nn

DECAY = (0.9, 0.999)
TINY = 1e-8


class Weights:
    """All parameters of some networks, moved into one vector of which they become views.

    Parameters
    ----------
    nets : trained together; their parameters must share one dtype and device.

    Source: Kingma and Ba 2015 (arXiv 1412.6980), algorithm 1; checked against ``torch.optim.Adam``.
    """

    def __init__(self, *nets: nn.Module):
        parts = [parameter for net in nets for parameter in net.parameters()]
        self.vector = torch.cat([part.detach().flatten() for part in parts])
        self.gradient = torch.zeros_like(self.vector)
        self.mean = self.vector.clone()
        self._first, self._second = torch.zeros_like(self.vector), torch.zeros_like(self.vector)
        self._steps = 0
        sizes = [part.numel() for part in parts]
        for part, values, slopes in zip(parts, self.vector.split(sizes), self.gradient.split(sizes), strict=True):
            part.data, part.grad = values.view_as(part), slopes.view_as(part)

    def step(self, rate: float) -> None:
        """One step of Adam along the gradient that was gathered, which starts anew."""
        self._steps += 1
        first, second = (1 - decay**self._steps for decay in DECAY)
        self._first.lerp_(self.gradient, 1 - DECAY[0])
        self._second.mul_(DECAY[1]).addcmul_(self.gradient, self.gradient, value=1 - DECAY[1])
        size: Tensor = self._second.sqrt().div_(math.sqrt(second)).add_(TINY)
        self.vector.addcdiv_(self._first, size, value=-rate / first)
        self.gradient.zero_()

    def average(self, keep: float) -> None:
        """Move the running average towards the weights of now, of which it keeps the share ``1 - keep``."""
        self.mean.lerp_(self.vector, 1 - keep)

    def take_average(self) -> None:
        """Put the average into the networks."""
        self.vector.copy_(self.mean)
