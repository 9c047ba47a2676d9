"""``python -m core.train digits --minutes 15 --out runs/digits``: train, stop at any moment, go on later."""

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from threading import Event

import torch

from core.models.checkpoints import describe, runtime_device, save_checkpoint
from core.models.network import NetworkModel
from core.train.data import TRAINING_DATA
from core.train.recipe import Recipe
from core.train.sheet import draw_samples, sheet_labels, write_sheet
from core.train.trainer import Trainer

RUN_FILE = "run.pt"
SAVE_EVERY = 60.0  # seconds


def parser() -> argparse.ArgumentParser:
    """The command line; every field of :class:`Recipe` is an option."""
    line = argparse.ArgumentParser(
        prog="python -m core.train",
        description="Train a diffusion network. Run the same command again to go on where it stopped.",
    )
    line.add_argument("data", choices=list(TRAINING_DATA), help="training set")
    line.add_argument("--out", type=Path, required=True, help="folder of the run, its samples and its weights")
    line.add_argument("--source", type=Path, help="your copy of the data: " + "; ".join(files_needed()))
    line.add_argument(
        "--minutes", type=float, default=15.0, help="stop after this long, if not done before (default 15)"
    )
    line.add_argument("--device", default=runtime_device().device, help="cpu, cuda (default: cuda if there is one)")
    line.add_argument("--threads", type=int, default=None, help="CPU threads")
    line.add_argument("--rows", type=int, default=8, help="rows of the sample sheet (default 8)")
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


def say(text: str, end: str = "\n") -> None:
    """Write to the terminal at once."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


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
        return Trainer(arguments.data, Recipe(**given), arguments.device, arguments.source)
    trainer = Trainer.resume(file, arguments.device, arguments.source)
    if trainer.name != arguments.data:
        raise ValueError(f"the run in {arguments.out} is trained on {trainer.name!r}; give --out another folder")
    for name, value in given.items():
        if getattr(trainer.recipe, name) != value:
            raise ValueError(
                f"the run in {arguments.out} has {name} = {getattr(trainer.recipe, name)}, not {value}; "
                "leave the option out, or begin again with --fresh"
            )
    return trainer


@contextmanager
def asked_to_stop() -> Iterator[Event]:
    """An event that Ctrl-C or a termination signal sets, so that a run ends between two steps and not inside one."""
    stop = Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(which, lambda *_: stop.set()) for which in signals]
    try:
        yield stop
    finally:
        for which, handler in zip(signals, before, strict=True):
            signal.signal(which, handler)


def train(trainer: Trainer, out: Path, minutes: float) -> None:
    """Train until the recipe is done, time runs out or the user stops it, saving on the way and at the end."""
    begun = saved = told = time.monotonic()
    seconds_before, first_step = trainer.seconds, trainer.step
    with asked_to_stop() as stop:
        while not (stop.is_set() or trainer.finished) and time.monotonic() - begun < 60 * minutes:
            trainer.train_step()
            now = time.monotonic()
            trainer.seconds = seconds_before + now - begun
            if now - told >= 2:
                told = now
                rate = (trainer.step - first_step) * trainer.recipe.batch / (now - begun)
                left = max(0.0, minutes - (now - begun) / 60)
                say(
                    f"step {trainer.step}/{trainer.recipe.steps}  images {trainer.images_seen}  "
                    f"loss {trainer.recent_loss:.4f}  {rate:.0f} images/s  {left:.1f} min left"
                )
            if now - saved >= SAVE_EVERY:
                saved = now
                trainer.save(out / RUN_FILE)
    if not trainer.finished:
        say(f"stopped at step {trainer.step} of {trainer.recipe.steps}; run the same command to go on")
    trainer.save(out / RUN_FILE)


def export(trainer: Trainer, out: Path, rows: int) -> None:
    """Write the averaged weights and a sheet of ``rows`` samples of each class."""
    preset = trainer.preset
    about = describe(
        preset,
        data=trainer.data.title,
        images_seen=trainer.images_seen,
        seconds=round(trainer.seconds),
        recipe=trainer.recipe.as_dict(),
    )
    save_checkpoint(out / preset.weights, trainer.ema.state_dict(), about)
    model = NetworkModel(
        trainer.ema,
        trainer.schedule,
        shape=preset.shape,
        prediction=preset.prediction,
        classes=preset.classes,
        null_label=preset.null_label,
    )
    samples = draw_samples(model, sheet_labels(preset.classes, rows))
    write_sheet(samples, out / f"{Path(preset.weights).stem}.png", columns=preset.classes)


def main(line: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = parser().parse_args(line)
    try:
        if not arguments.minutes > 0:
            raise ValueError(f"--minutes must be above 0, got {arguments.minutes}")
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
        train(trainer, arguments.out, arguments.minutes)
        export(trainer, arguments.out, arguments.rows)
    except (ValueError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    say(f"weights and samples are in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
