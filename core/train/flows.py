"""A small network learns the velocity of a pairing while one watches: seconds on one core, one result for a seed."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from core.language import message
from core.models.velocity import LearnedFlow, VelocityNetwork
from core.solve import Cancelled
from core.train.adam import Weights
from core.train.couplings import Encoder, Pairs

BATCH = 256
RATE = 3e-3  # falls to a thirtieth along a half cosine
AVERAGE = 0.995  # of the weights, per iteration; faster at the start

Watch = Callable[[int, float], None]
Stop = Callable[[], bool]


class Trained(NamedTuple):
    """A learned flow.

    Attributes
    ----------
    model : the flow; like the encoder, with weights averaged over the last iterations.
    losses : (iterations,) ``E|eps - x0 - u|^2`` of each iteration's batch, squared length.
    encoder : the learned pairing, or None where the pairs were given.
    """

    model: LearnedFlow
    losses: Tensor
    encoder: Encoder | None = None


def learn_flow(
    pairs: Pairs, shape: tuple[int, ...], iterations: int, width: int, seed: int, watch: Watch, stop: Stop
) -> Trained:
    """Regress ``eps - x0`` on ``((1 - t) x0 + t eps, t)`` over given pairs, t uniform.

    Parameters
    ----------
    pairs : (N, D) each; batches are drawn from them.
    shape : of one particle.
    iterations, width : of the training, and of the network.
    watch : told the iteration and its loss. stop : asked before each iteration.

    Raises
    ------
    Cancelled
        If ``stop`` said so.
    ValueError
        If the loss is no longer a number.

    Source: Liu et al. 2022 (arXiv 2209.03003), eq. 1.
    """
    return _learn(pairs.x0, pairs.eps, None, shape, iterations, width, seed, 0.0, watch, stop)


def learn_coupled_flow(
    x0: Tensor, shape: tuple[int, ...], beta: float, iterations: int, width: int, seed: int, watch: Watch, stop: Stop
) -> Trained:
    """The same with the pairing learned as well: ``E|eps - x0 - u|^2 + beta KL(q(eps | x0) || N(0, I))``.

    A small ``beta`` lets the noise follow the data, so that lines seldom cross, but then the noise that a sampler
    starts from is not what the flow has seen. Arguments and errors as in :func:`learn_flow`.

    Source: Lee, Kim and Ye 2023 (arXiv 2301.12003).
    """
    encoder = Encoder(x0.shape[1], width, torch.Generator().manual_seed(seed + 1))
    return _learn(x0, None, encoder, shape, iterations, width, seed, beta, watch, stop)


def _learn(
    x0: Tensor,
    eps: Tensor | None,
    encoder: Encoder | None,
    shape: tuple[int, ...],
    iterations: int,
    width: int,
    seed: int,
    beta: float,
    watch: Watch,
    stop: Stop,
) -> Trained:
    generator = torch.Generator().manual_seed(seed)
    net = VelocityNetwork(x0.shape[1], width, generator)
    weights = Weights(net, *([encoder] if encoder else []))
    losses = torch.zeros(iterations, dtype=torch.float64)
    for step in range(iterations):
        if stop():
            raise Cancelled(f"stopped at iteration {step} of {iterations}")
        rows = torch.randint(len(x0), (BATCH,), generator=generator)
        data, t = x0[rows], torch.rand(BATCH, 1, generator=generator)
        if encoder is None:
            noise, penalty = eps[rows], 0.0
        else:
            noise, kl = encoder.draw(data, torch.randn(data.shape, generator=generator))
            penalty = beta * kl.mean()
        missed = (noise - data - net((1 - t) * data + t * noise, t)).square().sum(1).mean()
        (missed + penalty).backward()
        weights.step(RATE * (1 / 30 + (1 - 1 / 30) * (1 + math.cos(math.pi * step / iterations)) / 2))
        weights.average(min(AVERAGE, (1 + step) / (10 + step)))
        losses[step] = missed.detach()
        if not torch.isfinite(losses[step]):
            raise ValueError(
                message("training broke off at iteration {step}: the loss is no longer a number", step=step)
            )
        watch(step + 1, float(losses[step]))
    weights.take_average()
    return Trained(LearnedFlow(net, shape), losses, encoder.requires_grad_(False) if encoder else None)
