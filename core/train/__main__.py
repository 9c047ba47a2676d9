"""``python -m core.train digits --minutes 15 --out runs/digits``: train, stop at any moment, go on later."""

import argparse
import sys
from dataclasses import fields
from pathlib import Path

import torch

from core.models.checkpoints import runtime_device
from core.train.data import TRAINING_DATA
from core.train.loop import RUN_FILE, export, say, train
from core.train.recipe import Recipe
from core.train.tasks import TASKS
from core.train.trainer import Trainer


def parser() -> argparse.ArgumentParser:
    """The command line; every field of :class:`Recipe` is an option."""
    line = argparse.ArgumentParser(
        prog="python -m core.train",
        description="Train a diffusion network or a classifier. Run the same command again to go on where it stopped.",
    )
    line.add_argument("data", choices=list(TRAINING_DATA), help="training set")
    line.add_argument(
        "--network",
        choices=list(TASKS),
        default="diffusion",
        help="what to train: a network that draws, a classifier of noisy images for guidance, or one of clean images "
        "that judges samples (default diffusion)",
    )
    line.add_argument("--out", type=Path, required=True, help="folder of the run, its samples and its weights")
    line.add_argument("--source", type=Path, help="your copy of the data: " + "; ".join(files_needed()))
    line.add_argument(
        "--minutes", type=float, default=15.0, help="stop after this long, if not done before (default 15)"
    )
    line.add_argument("--device", default=runtime_device().device, help="cpu, cuda (default: cuda if there is one)")
    line.add_argument("--threads", type=int, default=None, help="CPU threads")
    line.add_argument("--rows", type=int, default=8, help="rows of the sample sheet (default 8)")
    line.add_argument(
        "--glance-minutes",
        type=float,
        default=10.0,
        help="look at what it can do so often: samples in the folder 'glances', or accuracy; 0 for never (default 10)",
    )
    line.add_argument("--begin-from", type=Path, help="weights of the same network that a new run begins from")
    line.add_argument("--fresh", action="store_true", help="begin again, even where a run can be resumed")
    for setting in fields(Recipe):
        option = f"--{setting.name.replace('_', '-')}"
        if isinstance(setting.default, bool):
            line.add_argument(option, action=argparse.BooleanOptionalAction, default=None)
        else:
            line.add_argument(option, type=type(setting.default), default=None, help=f"default {setting.default}")
    return line


def files_needed() -> list[str]:
    """What the sets that do not come with a library need, each once."""
    return list(dict.fromkeys(data.file for data in TRAINING_DATA.values() if data.file))


def check_device(device: str) -> None:
    """Raise ``ValueError`` unless ``device`` is one that this machine has."""
    if device.split(":")[0] not in ("cpu", "cuda"):
        raise ValueError(f"--device must be cpu or cuda, got {device!r}")
    if device != "cpu" and not torch.cuda.is_available():
        raise ValueError("PyTorch finds no CUDA device here; use --device cpu")


def trainer_for(arguments: argparse.Namespace) -> Trainer:
    """The run in the folder, or a fresh one.

    Raises
    ------
    ValueError
        If settings are given that a run in the folder was not begun with.
    """
    given = {
        setting.name: getattr(arguments, setting.name)
        for setting in fields(Recipe)
        if getattr(arguments, setting.name) is not None
    }
    file = arguments.out / RUN_FILE
    if arguments.fresh or not file.exists():
        return Trainer(
            arguments.data,
            Recipe(**given),
            arguments.device,
            arguments.source,
            arguments.network,
            arguments.begin_from,
        )
    trainer = Trainer.resume(file, arguments.device, arguments.source)
    if trainer.name != arguments.data:
        raise ValueError(f"the run in {arguments.out} is trained on {trainer.name!r}; give --out another folder")
    if trainer.network != arguments.network:
        raise ValueError(f"the run in {arguments.out} trains a {trainer.network}; give --out another folder")
    begun_from = trainer.begun_from and trainer.begun_from["file"]
    if arguments.begin_from is not None and arguments.begin_from.name != begun_from:
        raise ValueError(
            f"the run in {arguments.out} was begun from {begun_from or 'fresh weights'}; give --out another folder, or "
            "begin again with --fresh"
        )
    for name, value in given.items():
        if getattr(trainer.recipe, name) != value:
            raise ValueError(
                f"the run in {arguments.out} has {name} = {getattr(trainer.recipe, name)}, not {value}; "
                "leave the option out, or begin again with --fresh"
            )
    return trainer


def main(line: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = parser().parse_args(line)
    try:
        if not arguments.minutes > 0:
            raise ValueError(f"--minutes must be above 0, got {arguments.minutes}")
        if not arguments.glance_minutes >= 0:
            raise ValueError(f"--glance-minutes must be 0 or more, got {arguments.glance_minutes}")
        check_device(arguments.device)
        for option in ("threads", "rows"):
            number = getattr(arguments, option)
            if number is not None and number < 1:
                raise ValueError(f"--{option} must be at least 1, got {number}")
        if arguments.threads is not None:
            torch.set_num_threads(arguments.threads)
        trainer = trainer_for(arguments)
        say(
            f"{trainer.data.title}: {len(trainer.images)} images, {sum(p.numel() for p in trainer.net.parameters())} "
            f"weights, on {trainer.device}, from step {trainer.step}"
        )
        train(trainer, arguments.out, arguments.minutes, arguments.glance_minutes)
        export(trainer, arguments.out, arguments.rows)
    except (ValueError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    say(f"the weights are in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
