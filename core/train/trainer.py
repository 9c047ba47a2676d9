"""One training run: its state, one step of it, and writing it down so that it resumes exactly."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.models.adm import PRESETS
from core.models.checkpoints import read_pt
from core.schedules import make_schedule
from core.train.data import TRAINING_DATA
from core.train.recipe import Recipe

FORMAT = "solverscope training run, version 1"


class Trainer:
    """Learns eps from ``x_t = alpha_t x0 + sigma_t eps`` at times spread evenly over the training schedule.

    Loss: mean of ``w_t |eps_theta(x_t, 1000 t - 1, y) - eps|^2`` with ``w_t = (sigma_t / alpha_t)^emphasis + floor``,
    at continuous times: a batch takes one time from each of its equal slices of the range, which lowers the variance
    of the gradient.

    Everything that a step depends on is in :meth:`state`: stopping and resuming gives the weights of a run that
    was not stopped, on the same machine.

    Parameters
    ----------
    name : entry of ``TRAINING_DATA``.
    recipe : see :class:`Recipe`.
    device : where to train.
    source : file or folder of the data, for a set that needs one.

    Source: Ho et al. 2020 (arXiv 2006.11239), algorithm 1; Ho and Salimans 2022 (arXiv 2207.12598), algorithm 1,
    for the dropped labels; Kingma et al. 2021 (arXiv 2107.00630), appendix I.1, for the spread times.
    """

    def __init__(self, name: str, recipe: Recipe, device: str | torch.device = "cpu", source: Path | None = None):
        self.name = name
        self.recipe = recipe
        self.device = torch.device(device)
        self.data = TRAINING_DATA[name]
        self.preset = PRESETS[self.data.preset]
        self.schedule = make_schedule(self.preset.schedule)
        self.images, self.labels = self.data.load(source, False)
        self.generator = torch.Generator().manual_seed(recipe.seed)  # of batches
        with self._own_randomness(None):
            torch.manual_seed(recipe.seed)
            self.net = self._placed(self.preset.build())
            self.dropout_state = self._random_state()
            self.ema = self._placed(self.preset.build())
        self.ema.load_state_dict(self.net.state_dict())
        self.ema.requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(),
            lr=recipe.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        self.step = 0
        self.seconds = 0.0
        self.history: list[tuple[int, float]] = []
        self._recent: list[float] = []

    @property
    def images_seen(self) -> int:
        """Training examples used so far, repeats counted."""
        return self.step * self.recipe.batch

    @property
    def finished(self) -> bool:
        """Whether all steps of the recipe are done."""
        return self.step >= self.recipe.steps

    @property
    def recent_loss(self) -> float:
        """Mean loss of the latest steps, at most a hundred; NaN before the first."""
        if self._recent:
            return sum(self._recent) / len(self._recent)
        return self.history[-1][1] if self.history else math.nan

    def train_step(self) -> float:
        """One step of the optimiser on one batch; returns its loss."""
        recipe = self.recipe
        inputs, index, labels, eps, weight = self._batch()
        self.net.train()
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.rate(self.step)
        with self._own_randomness(self.dropout_state):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=recipe.bfloat16):
                predicted = self.net(inputs, index, y=labels)
            self.dropout_state = self._random_state()
        loss = ((predicted.float() - eps).square() * weight).mean()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), recipe.clip)
        self.optimiser.step()
        self._average()
        self.step += 1
        value = loss.item()
        if not math.isfinite(value):
            raise ValueError(f"the loss is {value} at step {self.step}; lower the learning rate")
        self._note(value)
        return value

    def _batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Noisy images, their time indices, labels (some dropped), the noise to predict and its weight in the loss."""
        recipe, draw, size = self.recipe, self.generator, self.recipe.batch
        chosen = torch.randint(len(self.images), (size,), generator=draw)
        x0, labels = self.images[chosen], self.labels[chosen]
        if self.data.flip:
            mirrored = torch.rand(size, generator=draw) < 0.5
            x0 = torch.where(mirrored[:, None, None, None], x0.flip(3), x0)
        dropped = torch.rand(size, generator=draw) < recipe.label_dropout
        labels = torch.where(dropped, self.preset.null_label, labels)
        slices = (torch.arange(size, dtype=torch.float64) + torch.rand((), generator=draw, dtype=torch.float64)) / size
        t = self.schedule.t_min + (self.schedule.t_max - self.schedule.t_min) * slices
        eps = torch.randn(x0.shape, generator=draw)
        alpha, sigma = (f(t).float()[:, None, None, None] for f in (self.schedule.alpha, self.schedule.sigma))
        inputs, index = alpha * x0 + sigma * eps, (1000 * t - 1).float()
        weight = (sigma / alpha) ** recipe.emphasis + recipe.floor
        if recipe.channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        return tuple(part.to(self.device) for part in (inputs, index, labels, eps, weight))

    def _average(self) -> None:
        decay = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            averages, current = list(self.ema.parameters()), list(self.net.parameters())
            torch._foreach_lerp_(averages, current, 1 - decay)

    def _note(self, loss: float) -> None:
        self._recent.append(loss)
        if len(self._recent) == 100:
            self.history.append((self.step, sum(self._recent) / 100))
            self._recent.clear()

    def _placed(self, net: nn.Module) -> nn.Module:
        order = torch.channels_last if self.recipe.channels_last else torch.contiguous_format
        return net.to(self.device, memory_format=order)

    @contextmanager
    def _own_randomness(self, state: Tensor | None) -> Iterator[None]:
        """Weights and dropout can only draw from the global generator: lend it our state, then give it back."""
        cuda = self.device.type == "cuda"
        with torch.random.fork_rng(devices=[self.device] if cuda else []):
            if state is not None and cuda:
                torch.cuda.set_rng_state(state, self.device)
            elif state is not None:
                torch.set_rng_state(state)
            yield

    def _random_state(self) -> Tensor:
        return torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else torch.get_rng_state()

    def state(self) -> dict[str, Any]:
        """Everything needed to go on, as tensors and plain values."""
        return {
            "format": FORMAT,
            "data": self.name,
            "recipe": self.recipe.as_dict(),
            "device": self.device.type,
            "net": self.net.state_dict(),
            "ema": self.ema.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "dropout": self.dropout_state,
            "step": self.step,
            "seconds": self.seconds,
            "history": self.history,
            "recent": self._recent,
        }

    def save(self, path: str | Path) -> None:
        """Write the state beside ``path`` first and move it there, so that a stop at any moment leaves a whole file."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        torch.save(self.state(), partial)
        os.replace(partial, path)

    @classmethod
    def resume(cls, path: str | Path, device: str | torch.device = "cpu", source: Path | None = None) -> "Trainer":
        """The run written at ``path``.

        Raises
        ------
        ValueError
            If the file is not one of ours.
        """
        state = read_pt(path)
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise ValueError(f"{path} is not a training run of this program")
        trainer = cls(state["data"], Recipe(**state["recipe"]), device, source)
        trainer.net.load_state_dict(state["net"])
        trainer.ema.load_state_dict(state["ema"])
        trainer.optimiser.load_state_dict(state["optimiser"])
        trainer.generator.set_state(state["generator"])
        if state["device"] == trainer.device.type:
            trainer.dropout_state = state["dropout"]
        trainer.step, trainer.seconds = state["step"], state["seconds"]
        trainer.history = [tuple(entry) for entry in state["history"]]
        trainer._recent = list(state["recent"])
        return trainer
