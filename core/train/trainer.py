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
from core.models.checkpoints import load_checkpoint, read_pt, rebuild
from core.schedules import make_schedule
from core.train.data import TRAINING_DATA
from core.train.recipe import Recipe
from core.train.tasks import TASKS, Batch

FORMAT = "solverscope training run, version 1"


class Trainer:
    """Trains one network on noisy images at times spread evenly over the training schedule.

    What the network is asked, and the loss, are its task's (``core.train.tasks``). Times are continuous: a batch
    takes one from each of its equal slices of the range, which lowers the variance of the gradient.

    Everything that a step depends on is in :meth:`state`: stopping and resuming gives the weights of a run that
    was not stopped, on the same machine.

    Parameters
    ----------
    name : entry of ``TRAINING_DATA``.
    recipe : see :class:`Recipe`.
    device : where to train.
    source : file or folder of the data, for a set that needs one.
    network : entry of ``TASKS``.
    begin_from : trained weights, of the same preset, to begin from instead of fresh ones.

    Raises
    ------
    ValueError
        If the data cannot be read, there is no such network for them, or ``begin_from`` does not fit it.

    Source: Kingma et al. 2021 (arXiv 2107.00630), appendix I.1, for the spread times.
    """

    def __init__(
        self,
        name: str,
        recipe: Recipe,
        device: str | torch.device = "cpu",
        source: Path | None = None,
        network: str = "diffusion",
        begin_from: Path | None = None,
    ):
        self.name = name
        self.network = network
        self.recipe = recipe
        self.device = torch.device(device)
        self.data = TRAINING_DATA[name]
        self.task = TASKS[network]
        if network not in self.data.presets:
            raise ValueError(
                f"{self.data.title}: there is no {network} for them; choose {', '.join(self.data.presets)}"
            )
        self.preset = PRESETS[self.data.presets[network]]
        self.schedule = make_schedule(self.preset.schedule)
        (self.images, self.labels), self.unseen = self.data.parts(source, recipe.held_out)
        self.generator = torch.Generator().manual_seed(recipe.seed)  # of batches
        with self._own_randomness(None):
            torch.manual_seed(recipe.seed)
            self.net = self._placed(self.preset.build())
            self.dropout_state = self._random_state()
            self.ema = self._placed(self.preset.build())
        self.begun_from = None if begin_from is None else self._begin(begin_from)
        self.ema.load_state_dict(self.net.state_dict())
        self.ema.requires_grad_(False).eval()
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
        batch = self._batch()
        self.net.train()
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.rate(self.step)
        with self._own_randomness(self.dropout_state):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=recipe.bfloat16):
                loss = self.task.loss(self.net, batch)
            self.dropout_state = self._random_state()
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

    def _batch(self) -> Batch:
        recipe, draw, size = self.recipe, self.generator, self.recipe.batch
        chosen = torch.randint(len(self.images), (size,), generator=draw)
        x0, labels = self.images[chosen], self.labels[chosen]
        if self.data.flip:
            mirrored = torch.rand(size, generator=draw) < 0.5
            x0 = torch.where(mirrored[:, None, None, None], x0.flip(3), x0)
        labels = self.task.labels(labels, self.preset, recipe, draw)
        slices = (torch.arange(size, dtype=torch.float64) + torch.rand((), generator=draw, dtype=torch.float64)) / size
        t = self.schedule.t_min + (self.schedule.t_max - self.schedule.t_min) * slices
        eps = torch.randn(x0.shape, generator=draw)
        alpha, sigma, index = self.task.levels(t, self.schedule)
        alpha, sigma = (level.float()[:, None, None, None] for level in (alpha, sigma))
        images = alpha * x0 + sigma * eps
        weight = (sigma / alpha) ** recipe.emphasis + recipe.floor
        if recipe.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        return Batch(*(part.to(self.device) for part in (images, index.float(), labels, eps, weight)))

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

    def _begin(self, weights: Path) -> dict[str, Any]:
        """Take weights over; returns where they come from, for the record."""
        net, _, _ = rebuild(weights, self.preset.network, preset=self.data.presets[self.network], device="cpu")
        self.net.load_state_dict(net.state_dict())
        about = load_checkpoint(weights).metadata
        return {"file": weights.name, "images_seen": about.get("images_seen"), "begun_from": about.get("begun_from")}

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
            "network": self.network,
            "begun_from": self.begun_from,
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
        # the first runs were all of diffusion networks and did not say so
        network = state.get("network", "diffusion")
        trainer = cls(state["data"], Recipe(**state["recipe"]), device, source, network)
        trainer.begun_from = state.get("begun_from")
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
