"""A classifier of noisy images as classifier guidance asks it: log-probabilities and their gradient at any level."""

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from core.models.checkpoints import rebuild
from core.models.levels import TrainedLevel, TrainedLevels, checked_labels, spread_labels
from core.schedules import Schedule


class NoisyClassifier:
    """Class log-probabilities of ``x = alpha x0 + sigma eps`` under any schedule, from a network trained under one.

    As for :class:`NetworkModel`, the network sees ``(alpha_t / alpha) x`` at the training time ``t`` of equal
    signal-to-noise ratio. Beyond the trained range it is asked at the nearest trained level. With more noise than
    it knows, its logits are also multiplied by the ratio of ``alpha / sigma`` to the least trained one: what an
    image says of its class fades in this proportion, so that the shift of x0 by guidance tends to a limit instead
    of growing without bound, and the gradient at ``alpha = 0`` is 0.

    Parameters
    ----------
    net : called as ``net(x, timesteps)``, returns logits (N, classes). It is put in evaluation mode and its weights
        are frozen; the device and dtype of its first parameter decide where and how it runs (float32 for those that
        :func:`load_classifier` builds).
    schedule : the one it was trained under.
    shape : shape of one image, (C, H, W).
    classes : number of labels.
    discrete_steps : number of steps of the training chain.

    Source: Dhariwal and Nichol 2021 (arXiv 2105.05233), section 4.
    """

    def __init__(
        self, net: nn.Module, schedule: Schedule, *, shape: tuple[int, ...], classes: int, discrete_steps: int = 1000
    ):
        self.net = net.eval().requires_grad_(False)
        self.schedule = schedule
        self.shape = tuple(shape)
        self.classes = classes
        self._levels = TrainedLevels(schedule, discrete_steps)

    @property
    def device(self) -> torch.device:
        """Where the network runs."""
        return next(self.net.parameters()).device

    def logits(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        """Unnormalised log-probabilities (N, classes) of particles ``x`` (N, *shape), in their dtype.

        Raises
        ------
        ValueError
            If ``x`` has another shape.
        """
        level = self._levels.at(alpha, sigma)
        with torch.inference_mode():
            value = self._run(self._seen(x, level), level)
        return torch.empty((len(x), self.classes), dtype=x.dtype, device=x.device).copy_(value)

    def features(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        """What the network sees in particles (N, *shape) before it pools: means over positions, (N, F) float32 on CPU.

        Raises
        ------
        ValueError
            If ``x`` has another shape.
        """
        found: list[Tensor] = []
        # in every head the second layer is the activation that pooling or the last product reads
        handle = self.net.out[1].register_forward_hook(lambda _, given, made: found.append(made))
        try:
            self.logits(x, alpha, sigma)
        finally:
            handle.remove()
        return found[0].float().flatten(2).mean(dim=2).cpu() if found[0].ndim > 2 else found[0].float().cpu()

    def grad_log_prob(
        self, x: Tensor, alpha: float, sigma: float, label: int | Tensor, temperature: float = 1.0
    ) -> Tensor:
        """Gradient with respect to ``x`` of ``log softmax(logits / temperature)[label]``, of shape and dtype of ``x``.

        ``label`` is one for all or (N,). A temperature above 1 makes the classifier less sure of itself.

        Raises
        ------
        ValueError
            If ``x`` has another shape, a label is unknown, or the temperature is not above 0.
        """
        if not (temperature > 0 and math.isfinite(temperature)):
            raise ValueError(f"temperature must be above 0, got {temperature}")
        labels = checked_labels(label, self.classes)
        level = self._levels.at(alpha, sigma)
        # solvers run in inference mode, whose tensors autograd refuses: leave it, and work on a copy
        with torch.inference_mode(False), torch.enable_grad():
            seen = self._seen(x, level).clone().requires_grad_()
            chosen = torch.log_softmax(self._run(seen, level) / temperature, dim=1)
            log_prob = chosen.gather(1, spread_labels(labels, seen)[:, None].clone())
            (slope,) = torch.autograd.grad(log_prob.sum(), seen)  # images do not mix: one sum gives each its own
        return torch.empty_like(x).copy_(slope) * level.scale

    def _seen(self, x: Tensor, level: TrainedLevel) -> Tensor:
        if x.shape[1:] != self.shape:
            raise ValueError(f"this classifier takes particles of shape {self.shape}, got {tuple(x.shape[1:])}")
        first = next(self.net.parameters())
        return (x.detach() * level.scale).to(device=first.device, dtype=first.dtype)

    def _run(self, seen: Tensor, level: TrainedLevel) -> Tensor:
        times = torch.full((len(seen),), level.index, device=seen.device)
        value = self.net(seen, times).to(seen.dtype)
        return value * level.shrink if level.noisy else value


def load_classifier(
    path: str | Path,
    *,
    preset: str | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype = torch.float32,
) -> NoisyClassifier:
    """Rebuild a trained classifier of noisy images from its file.

    Parameters are those of :func:`core.models.load_network`; released ``.pt`` files need their ``preset``, such as
    "classifier-64".

    Raises
    ------
    ValueError
        If the file cannot be read, does not say what it is, holds no classifier, or does not fit its network.
    """
    net, schedule, about = rebuild(path, "Classifier", preset=preset, device=device, dtype=dtype)
    return NoisyClassifier(net, schedule, shape=about["shape"], classes=about["classes"])
