"""The experiments from a terminal: ``python -m core trajectories --data spirals --steps 20 --out paths.npz``.

The options are the settings of the specification, by the same names as in a link. Numbers go to ``--out``, a short
table to standard output, progress to standard error; ``--references`` prints BibTeX instead. Exit status: 0 done, 2 bad
input, 130 interrupted.
"""

import argparse
import json
import shutil
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

import numpy as np

from core.data import IMAGE_DATA, TOY_DATA
from core.data.points import MAX_POINTS, read_points
from core.experiments import EXPERIMENTS, ImageData, Result, ToyData, run_experiment
from core.experiments.citing import works_of
from core.experiments.links import DATA_KEYS, default_spec, from_params, known_keys, load_recipe, points_text, to_params
from core.experiments.specification import CUSTOM, Setting
from core.grids import GRIDS
from core.references import bibtex
from core.schedules import SCHEDULES
from core.solve import Cancelled
from core.solvers import SOLVERS

BAD_INPUT, INTERRUPTED = 2, 130
BAR, REDRAW = 24, 0.1  # characters; seconds
CHOICES = {"data": (TOY_DATA, IMAGE_DATA), "schedule": (SCHEDULES,), "grid": (GRIDS,), "solver": (SOLVERS,)}
DATA_HELP = {
    "data": "a data set by name",
    "scale": "size of 2-D data",
    "bandwidth": "width of the Gaussian on each point of 2-D data; default: the set's own",
    "label": "one class of a set that has classes, counted from 0; default: all",
    "guidance": "push towards the class: classifier-free(scale=3) or classifier(scale=3;temperature=1); default: none",
    "points": "your own 2-D data: a CSV file with two columns of numbers",
    "drawing": "a density that was drawn in the app, as its link says it",
}


class Parser(argparse.ArgumentParser):
    """Answers bad input with one sentence and no usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message}\n")


class ProgressBar:
    """Fraction done, time left and what is being done, on one line of a terminal or on a line a stage elsewhere."""

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._started = time.monotonic()
        self._drawn, self._stage = -REDRAW, ""

    def __call__(self, fraction: float, doing: str) -> None:
        now = time.monotonic()
        if not self._stream.isatty():
            if doing != self._stage:
                print(f"{fraction:4.0%} {doing}", file=self._stream, flush=True)
        elif now - self._drawn >= REDRAW or fraction >= 1:
            self._drawn = now
            left = (now - self._started) * (1 - fraction) / fraction if fraction > 0.03 else None
            full = round(BAR * fraction)
            text = f"[{'#' * full}{'.' * (BAR - full)}] {fraction:4.0%} {doing}"
            text += "" if left is None else f", {left:.0f} s left"
            self._write(text[: shutil.get_terminal_size().columns - 1])
        self._stage = doing

    def close(self) -> None:
        """Leave no bar behind on a terminal."""
        if self._stream.isatty():
            self._write("")

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()


def main(arguments: list[str] | None = None) -> int:
    """Run one experiment; returns the exit status. Bad input leaves through ``SystemExit(2)`` and one sentence."""
    parser, commands = _parsers()
    given = parser.parse_args(arguments)
    command = commands[given.kind]
    try:
        spec = _specification(given)
        _check_out(given.out)
    except ValueError as problem:
        command.error(str(problem))
    if given.references:
        print(bibtex(works_of(spec)))
        return 0
    bar = ProgressBar(sys.stderr)
    try:
        with _stopped_by_ctrl_c() as stopped:
            result = run_experiment(spec, bar, stopped)
        bar.close()
        if given.out is not None:
            save(result, given.out)
    except ValueError as problem:
        bar.close()
        command.error(str(problem))
    except OSError as problem:
        bar.close()
        command.error(f"cannot write {given.out}: {problem.strerror or problem}")
    except (Cancelled, KeyboardInterrupt):
        bar.close()
        print("interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    _show(result, given.out)
    return 0


@contextmanager
def _stopped_by_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Yields whether Ctrl-C was pressed; pressed again, it interrupts at once.

    An interrupt is lost where it happens to hit what swallows exceptions, such as a destructor: a question is not.
    """
    pressed = threading.Event()

    def press(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def save(result: Result, path: Path) -> None:
    """Write a result by the ending of the name, whole or not at all.

    ``to_frame()`` as ``.csv``; ``to_arrays()`` and the specification as ``.npz``; specification, notes and the rows of
    ``to_frame()`` (null for NaN) as ``.json``.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        _SAVERS[path.suffix](result, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _save_csv(result: Result, path: Path) -> None:
    result.to_frame().to_csv(path, index=False)


def _save_npz(result: Result, path: Path) -> None:
    recipe = np.array(result.spec.model_dump_json())
    with path.open("wb") as file:  # given a name, NumPy would add an ending of its own
        np.savez_compressed(file, specification=recipe, **result.to_arrays())


def _save_json(result: Result, path: Path) -> None:
    frame = result.to_frame().replace([np.inf, -np.inf], np.nan).astype(object)
    rows = frame.where(frame.notna(), None).to_dict("records")
    content = {"specification": result.spec.model_dump(mode="json"), "notes": result.notes, "rows": rows}
    path.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")


_SAVERS = {".csv": _save_csv, ".npz": _save_npz, ".json": _save_json}


def _parsers() -> tuple[Parser, dict[str, Parser]]:
    parser = Parser(prog="python -m core", description="Run an experiment and save its numbers.", allow_abbrev=False)
    several = parser.add_subparsers(dest="kind", required=True, metavar="experiment")
    commands = {}
    for kind, info in EXPERIMENTS.items():
        commands[kind] = command = several.add_parser(
            kind,
            help=info.description,
            description=info.description,
            epilog=_names(known_keys(info.specification)),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_argument("--recipe", type=Path, metavar="FILE.json", help="start from saved settings")
        command.add_argument(
            "--out", type=Path, metavar="FILE", help="write the numbers to FILE.csv, FILE.npz or FILE.json"
        )
        command.add_argument(
            "--references", action="store_true", help="only print the works that it stands on, as BibTeX"
        )
        settings = command.add_argument_group("settings")
        for key in known_keys(info.specification):
            flag, words = f"--{key.replace('_', '-')}", _help(info.specification, key).replace("%", "%%")
            settings.add_argument(flag, dest=key, metavar=_metavar(info.specification, key), help=words)
    return parser, commands


def _help(kind: Any, key: str) -> str:
    toy = default_spec(kind, ToyData())
    if key in DATA_KEYS:
        default = {"data": toy.data.name, "scale": f"{toy.data.scale:g}"}.get(key)
        return DATA_HELP[key] + (f"; default: {default}" if default else "")
    default = _shown(getattr(toy, key))
    if issubclass(kind, Setting):
        images = _shown(getattr(default_spec(kind, ImageData()), key))
        default += f", with images {images}" if images != default else ""
    return f"{kind.model_fields[key].description or ''}; default: {default}".removeprefix("; ")


def _shown(value: Any) -> str:
    if value is None:
        return "the end of the schedule"
    return ",".join(map(str, value)) if isinstance(value, tuple) else f"{value}"


def _metavar(kind: Any, key: str) -> str:
    if key == "points":
        return "FILE.csv"
    listed = key in kind.model_fields and isinstance(kind.model_fields[key].default, tuple)
    return "A,B,..." if listed else "VALUE"


def _names(keys: tuple[str, ...]) -> str:
    """The names that may be given, for the end of the help."""
    parts = []
    for what, registries in CHOICES.items():
        if what in keys or f"{what}s" in keys:
            names = [name for registry in registries for name in registry]
            parts.append(
                textwrap.fill(
                    ", ".join(names), 100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
                )
            )
            parts[-1] = f"{what}: one of\n{parts[-1]}"
    if "solvers" in keys:
        parts.append("A solver's options follow it in quotes: 'dpmpp-2m(lower_order_final=true)'.")
    if "grid" in keys or "grids" in keys:
        parts.append("So do a grid's: 'karras(rho=3)', 'custom(t=1 0.5 0.01)'.")
    return "\n".join(parts)


def _specification(given: argparse.Namespace) -> Any:
    """The specification that the arguments describe. Raises ValueError with one sentence a problem."""
    kind = EXPERIMENTS[given.kind].specification
    params = {key: getattr(given, key) for key in known_keys(kind) if getattr(given, key) is not None}
    if "points" in params:
        if params.setdefault("data", CUSTOM) != CUSTOM:
            raise ValueError(f"--points are the data themselves; leave out --data {params['data']}")
        params["points"] = points_text(map(tuple, read_points(_file(params["points"])).points.tolist()))
    if given.recipe is not None:
        recipe = load_recipe(_file(given.recipe).read_text(encoding="utf-8", errors="replace"))
        if recipe.kind != given.kind:
            raise ValueError(f"{given.recipe} is a recipe for {recipe.kind}; run: python -m core {recipe.kind}")
        kept = to_params(recipe, most_points=MAX_POINTS)
        if "data" in params:
            kept = {key: value for key, value in kept.items() if key not in DATA_KEYS}
        params = kept | params
    spec, problems = from_params(kind, params)
    if problems:
        raise ValueError(" ".join(problems))
    return spec


def _file(name: str | Path) -> Path:
    path = Path(name)
    if not path.is_file():
        raise ValueError(f"there is no file {str(path)!r}")
    return path


def _check_out(path: Path | None) -> None:
    """Before the work, not after it."""
    if path is None:
        return
    if path.suffix not in _SAVERS:
        raise ValueError(f"--out must end in one of {', '.join(_SAVERS)}, got {str(path)!r}")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {str(path.parent)!r} to write to")


def _show(result: Result, out: Path | None) -> None:
    print(result.summary().to_string(index=False, float_format=lambda value: f"{value:.4g}", na_rep="-"))
    print()
    for note in result.notes:
        print(note)
    print(f"{result.seconds:.1f} s" + (f"; written to {out}" if out is not None else ""))


if __name__ == "__main__":
    sys.exit(main())
