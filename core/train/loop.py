"""The run around the trainer: stop, save, tell, look at what it can do so far, and write the weights."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from core.models.checkpoints import describe, save_checkpoint
from core.models.network import NetworkModel
from core.train.accuracy import accuracy_by_level
from core.train.sheet import draw_samples, sheet_labels, write_sheet
from core.train.trainer import Trainer

RUN_FILE = "run.pt"
RATES_FILE = "rates.csv"
SAVE_EVERY = 60.0  # seconds
TELL_EVERY = 2.0
NOTE_EVERY = 30.0
GLANCE_STEPS = 20  # of the solver, for a quick look
GLANCE_IMAGES = 500
COLUMNS = ("step", "images_seen", "loss", "learning_rate", "images_per_second", "seconds")


def say(text: str) -> None:
    """Write to the terminal at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


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


@dataclass
class Every:
    """True once in so many seconds; never for 0."""

    seconds: float
    last: float

    def due(self, now: float) -> bool:
        if not self.seconds or now - self.last < self.seconds:
            return False
        self.last = now
        return True


def train(trainer: Trainer, out: Path, minutes: float, glance_minutes: float = 0.0) -> None:
    """Train until the recipe is done, time runs out or the user stops it, saving on the way and at the end.

    Each ``glance_minutes`` :func:`glance` shows what the network can do (0: never). The folder's ``rates.csv`` gets a
    line twice a minute.
    """
    begun = time.monotonic()
    seconds_before, first_step = trainer.seconds, trainer.step
    save, tell, note, look = (Every(s, begun) for s in (SAVE_EVERY, TELL_EVERY, NOTE_EVERY, 60 * glance_minutes))
    with asked_to_stop() as stop:
        while not (stop.is_set() or trainer.finished) and time.monotonic() - begun < 60 * minutes:
            trainer.train_step()
            now = time.monotonic()
            trainer.seconds = seconds_before + now - begun
            rate = (trainer.step - first_step) * trainer.recipe.batch / (now - begun)
            if tell.due(now):
                left = max(0.0, minutes - (now - begun) / 60)
                say(
                    f"step {trainer.step}/{trainer.recipe.steps}  images {trainer.images_seen}  "
                    f"loss {trainer.recent_loss:.4f}  {rate:.0f} images/s  {left:.1f} min left"
                )
            if note.due(now):
                note_rates(trainer, out / RATES_FILE, rate)
            if look.due(now):
                glance(trainer, out)
            if save.due(now):
                trainer.save(out / RUN_FILE)
    if not trainer.finished:
        say(f"stopped at step {trainer.step} of {trainer.recipe.steps}; run the same command to go on")
    trainer.save(out / RUN_FILE)


def note_rates(trainer: Trainer, path: Path, rate: float) -> None:
    """Add a line to the log of the run; steps that a stop undid stand in it twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n")
    learning_rate = trainer.recipe.rate(trainer.step)
    with path.open("a") as file:
        file.write(
            f"{trainer.step},{trainer.images_seen},{trainer.recent_loss:.6g},{learning_rate:.6g},{rate:.1f},"
            f"{trainer.seconds:.0f}\n"
        )


def averaged_model(trainer: Trainer) -> NetworkModel:
    """The averaged weights of a diffusion run, ready for solvers."""
    preset = trainer.preset
    return NetworkModel(
        trainer.ema,
        trainer.schedule,
        shape=preset.shape,
        prediction=preset.prediction,
        classes=preset.classes,
        null_label=preset.null_label,
    )


def glance(trainer: Trainer, out: Path) -> None:
    """A cheap look at the averaged weights: one sample of each class, or the accuracy on unseen images by level."""
    classes = trainer.preset.classes
    if trainer.task.makes_images:
        samples = draw_samples(averaged_model(trainer), sheet_labels(classes, 1), steps=GLANCE_STEPS)
        write_sheet(samples, out / "glances" / f"{trainer.images_seen:09d}.png", columns=classes)
    elif trainer.unseen is not None:
        images, labels = (part[:GLANCE_IMAGES] for part in trainer.unseen)
        found = accuracy_by_level(trainer.task, trainer.ema, trainer.schedule, images, labels)
        say("right on unseen images: " + ", ".join(f"{name} {share:.1%}" for name, share in found.items()))


def export(trainer: Trainer, out: Path, rows: int) -> None:
    """Write the averaged weights and, of a network that draws, a sheet of ``rows`` samples of each class."""
    preset = trainer.preset
    more = {} if trainer.begun_from is None else {"begun_from": trainer.begun_from}
    about = describe(
        preset,
        data=trainer.data.title,
        trained_as=trainer.network,
        images_seen=trainer.images_seen,
        seconds=round(trainer.seconds),
        recipe=trainer.recipe.as_dict(),
        history=trainer.history[:: max(1, len(trainer.history) // 40)],
        **more,
    )
    save_checkpoint(out / preset.weights, trainer.ema.state_dict(), about)
    if trainer.task.makes_images:
        samples = draw_samples(averaged_model(trainer), sheet_labels(preset.classes, rows))
        write_sheet(samples, out / f"{Path(preset.weights).stem}.png", columns=preset.classes)
