"""A trained network as a model that any schedule and any solver can query."""

import copy

import torch
from torch import Tensor, nn

from core.models.base import Model
from core.models.levels import TrainedLevel, TrainedLevels, checked_labels, spread_labels
from core.models.memory import bytes_an_image, images_that_fit
from core.schedules import Schedule

LEARNED = ("eps", "x0", "v")


class NetworkModel(Model):
    """A network trained under one schedule, asked under any other by matching the signal-to-noise ratio.

    A query ``(x, alpha, sigma)`` has ``lambda = log(alpha / sigma)``. The training schedule reaches the same
    ``lambda`` at ``t``, where ``alpha_t x0 + sigma_t eps`` is ``alpha_t / alpha`` times ``x``: the network is run on
    that and told the time index ``1000 t - 1`` (fractions included), the step that a chain counted from 0 calls ``t``.

    Beyond the trained range of ``lambda`` the network is asked at the nearest trained level. With more noise than
    it knows, the image is scaled to the trained noise level and the predicted x0 is kept; with less, the predicted
    eps is kept, so that x0 tends to ``x / alpha`` as the noise vanishes.

    Parameters
    ----------
    net : called as ``net(x, timesteps)``, or ``net(x, timesteps, y=labels)`` where it knows classes. It is put in
        evaluation mode; the device and dtype of its first parameter decide where and how it runs.
    schedule : the one it was trained under.
    labels : None (no label), an int for all particles, or (N,) whole numbers.
    prediction : what it was trained to predict: "eps", "x0" or "v".
    learned_sigma : whether a second half of its channels, unused here, belongs to the variance.
    shape : shape of one image, (C, H, W).
    classes : number of labels, 0 for a network without.
    null_label : the label it learned for "no label"; None where it has none.
    discrete_steps : number of steps of the training chain.

    Raises
    ------
    ValueError
        On an unknown prediction, or labels that the network does not know.

    Source: Lu et al. 2022 (arXiv 2206.00927), section 3.4 and appendix D.1, for the continuous time index.
    """

    def __init__(
        self,
        net: nn.Module,
        schedule: Schedule,
        *,
        labels: int | Tensor | None = None,
        prediction: str = "eps",
        learned_sigma: bool = False,
        shape: tuple[int, ...],
        classes: int = 0,
        null_label: int | None = None,
        discrete_steps: int = 1000,
    ):
        if prediction not in LEARNED:
            raise ValueError(f"unknown prediction {prediction!r}; choose one of: {', '.join(LEARNED)}")
        self.net = net.eval()
        self.schedule = schedule
        self.shape = tuple(shape)
        self.native = (prediction,)
        self.learned_sigma = learned_sigma
        self.classes = classes
        self.null_label = null_label
        self.discrete_steps = discrete_steps
        self._fitting: list[int] = []  # shared by the copies under other labels
        self.labels = self._checked(labels)
        self._levels = TrainedLevels(schedule, discrete_steps)

    def with_labels(self, labels: int | Tensor | None) -> "NetworkModel":
        """The same network under other labels; the weights are shared."""
        other = copy.copy(self)
        other.labels = other._checked(labels)
        return other

    @property
    def device(self) -> torch.device:
        """Where the network runs."""
        return next(self.net.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The precision of its convolutions."""
        return getattr(self.net, "dtype", next(self.net.parameters()).dtype)

    def trained_level(self, alpha: float, sigma: float) -> TrainedLevel:
        """Where ``(alpha, sigma)`` falls in the training schedule."""
        return self._levels.at(alpha, sigma)

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        """``kind`` (the trained prediction) for ``x`` (N, *shape); runs in the network's precision.

        Raises
        ------
        ValueError
            If ``x`` has another shape, ``kind`` was not trained, or there is not one label for each particle.
        """
        if kind not in self.native:
            raise ValueError(f"this network predicts {self.native[0]}, not {kind}")
        if x.shape[1:] != self.shape:
            raise ValueError(f"this network takes particles of shape {self.shape}, got {tuple(x.shape[1:])}")
        level = self.trained_level(alpha, sigma)
        value = torch.empty_like(x).copy_(self._run(x * level.scale, level.index))
        if kind == "v":
            return value / level.scale
        kept = "x0" if level.noisy else "eps"
        if level.shrink == 1 or kind == kept:
            return value
        # eps = (x - alpha x0) / sigma with x0 kept, or x0 = (x - sigma eps) / alpha with eps kept
        return level.shrink * value + (1 - level.shrink) / (sigma if kind == "eps" else alpha) * x

    @torch.inference_mode()
    def _run(self, x: Tensor, index: float) -> Tensor:
        first = next(self.net.parameters())
        x = x.to(device=first.device, dtype=first.dtype)
        labels = spread_labels(self.labels, x) if self.classes else None
        most = self._most_at_once()
        parts = [slice(start, start + most) for start in range(0, len(x), most)]
        values = [self._asked(x[part], index, None if labels is None else labels[part]) for part in parts]
        value = values[0] if len(values) == 1 else torch.cat(values)
        return value[:, : self.shape[0]] if self.learned_sigma else value

    def _asked(self, x: Tensor, index: float, labels: Tensor | None) -> Tensor:
        times = torch.full((len(x),), index, device=x.device)
        return self.net(x, times) if labels is None else self.net(x, times, y=labels)

    def _most_at_once(self) -> int:
        """As many images as memory has room for; the rest wait their turn. Said once for all labels.

        Raises
        ------
        ValueError
            If there is no room for one.
        """
        if not self._fitting:

            def inputs(device: torch.device) -> tuple[tuple, dict]:
                image, time = torch.empty(1, *self.shape, device=device), torch.empty(1, device=device)
                label = torch.zeros(1, dtype=torch.long, device=device)
                return (image, time), {"y": label} if self.classes else {}

            self._fitting.append(images_that_fit(bytes_an_image(self.net, inputs), self.device))
        return self._fitting[0]

    def _checked(self, labels: int | Tensor | None) -> Tensor | None:
        if not self.classes:
            if labels is not None:
                raise ValueError("this network knows no classes; leave the labels out")
            return None
        if labels is None:
            if self.null_label is None:
                raise ValueError(f"this network needs a label from 0 to {self.classes - 1}")
            return torch.tensor(self.null_label)
        return checked_labels(labels, self.classes, self.null_label)
