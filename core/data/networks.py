"""Trained networks as image sets: those that come with the app, and the user's own files.

A user's own weights are found in the folder that the environment variable ``SOLVERSCOPE_WEIGHTS`` names: released files
of guided-diffusion under their own names, ``.safetensors`` files written by ``python -m core.train``, and folders of a
diffusers ``UNet2DModel``. They are read when they are chosen, not before.
"""

import os
import re
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from core.data.images import DIGITS, IMAGE_DATA, ImageInfo
from core.language import message
from core.models import Model, NetworkModel, load_network
from core.models.adm import PRESETS
from core.models.diffusers_unet import is_diffusers_folder, load_diffusers, shape_of
from core.models.guidance import Classifier

WEIGHTS = Path(__file__).resolve().parents[2] / "assets" / "weights"
OWN = "SOLVERSCOPE_WEIGHTS"
OBJECTS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FIT_FOR_LINKS = re.compile(r"[A-Za-z0-9][\w.+-]*")


@lru_cache(maxsize=4)
def _opened(load: Callable[..., NetworkModel], path: Path, written: float, needs_label: bool) -> NetworkModel:
    """A network with its weights, which all labels share; ``written`` is when, so that a new file is read anew."""
    return load(path, labels=0) if needs_label else load(path)


def _labelled(load: Callable[..., NetworkModel], path: Path, needs_label: bool, label: int | None) -> Model:
    written = path.stat().st_mtime if path.exists() else 0.0
    return _opened(load, path, written, needs_label).with_labels(label)


def _shipped(file: str, label: int | None) -> Model:
    return _labelled(load_network, WEIGHTS / file, False, label)


# one loader a preset, so that a network is kept under it
_RELEASED = {name: partial(load_network, preset=name) for name in PRESETS}


def _classifier(path: Path, preset: str | None = None) -> Callable[[], Classifier] | None:
    """Loads the classifier at ``path``; None if there is no such file."""
    from core.models.classifier import load_classifier

    return lru_cache(maxsize=1)(partial(load_classifier, path, preset=preset)) if path.is_file() else None


def _add_shipped(
    name: str, title: str, description: str, classes: tuple[str, ...], source: str, trained_on: str = ""
) -> None:
    """Enter a network of ours, if its weights are there; ``source`` is the reference of what it was trained on."""
    preset = PRESETS[name.removeprefix("unet-")]
    path = WEIGHTS / preset.weights
    if not path.is_file():
        return  # its training has not been run
    IMAGE_DATA.add(
        name,
        ImageInfo(
            name,
            title,
            description,
            preset.shape,
            classes,
            False,
            partial(_shipped, preset.weights),
            trained_on,
            classifier=_classifier(WEIGHTS / f"{path.stem}-classifier.safetensors"),
            cite=("dhariwal2021adm", source),
        ),
    )


_add_shipped(
    "unet-digits",
    "Digits 8×8, ADM UNet",
    "A small ADM UNet trained on the digits: the score is learned and the samples are new.",
    DIGITS,
    "alpaydin1998digits",
    "digits",
)
_add_shipped(
    "unet-cifar10-16",
    "CIFAR-10 16×16, ADM UNet",
    "An ADM UNet trained on photographs of ten kinds of objects, made small: the score is learned.",
    OBJECTS,
    "krizhevsky2009cifar",
)
_add_shipped(
    "unet-cifar10-32",
    "CIFAR-10 32×32, ADM UNet",
    "An ADM UNet trained on photographs of ten kinds of objects: the score is learned.",
    OBJECTS,
    "krizhevsky2009cifar",
)


def add_own(folder: Path) -> list[str]:
    """Enter every file and folder in ``folder`` that may be a network; returns the names of those entered.

    Raises
    ------
    ValueError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise ValueError(message("{own} names {folder}, which is no folder", own=OWN, folder=folder))
    added = []
    for path in sorted(folder.iterdir()):
        info = _own(path)
        if info is not None and info.name not in IMAGE_DATA:
            IMAGE_DATA.add(info.name, info)
            added.append(info.name)
    return added


def _own(path: Path) -> ImageInfo | None:
    released = {preset.weights: name for name, preset in PRESETS.items() if preset.network == "UNet"}
    if path.suffix == ".pt" and path.name in released:
        return _released(path, released[path.name])
    if not _FIT_FOR_LINKS.fullmatch(path.name):
        return None
    if path.suffix == ".safetensors" and not path.stem.endswith("-classifier"):
        return _described(path)
    if path.is_dir() and is_diffusers_folder(path):
        return _diffusers(path)
    return None


def _released(path: Path, name: str) -> ImageInfo:
    preset = PRESETS[name]
    judge = f"classifier-{preset.shape[-1]}" if name.startswith("imagenet") else ""
    classifier = _classifier(path.parent / PRESETS[judge].weights, judge) if judge else None
    classes = PRESETS[judge].classes if classifier else preset.classes
    needs_label = preset.classes > 0 and preset.null_label is None
    return ImageInfo(
        name,
        message("{title} (your file)", title=preset.title),
        message("OpenAI's released network, read from {name}.", name=path.name),
        preset.shape,
        tuple(map(str, range(classes))),
        False,
        partial(_labelled, _RELEASED[name], path, needs_label),
        needs_label=needs_label,
        knows_classes=preset.classes > 0,
        classifier=classifier,
        cite=("dhariwal2021adm",),
    )


def _described(path: Path) -> ImageInfo | None:
    from core.models.checkpoints import read_description

    try:
        about = read_description(path)
    except ValueError:
        return None  # not a network of ours: nothing to offer
    needs_label = about["classes"] > 0 and about["null_label"] is None
    return ImageInfo(
        path.stem,
        message("{title} (your file)", title=path.stem),
        message("Your own network, read from {name}.", name=path.name),
        tuple(about["shape"]),
        tuple(map(str, range(about["classes"]))),
        False,
        partial(_labelled, load_network, path, needs_label),
        needs_label=needs_label,
        classifier=_classifier(path.with_name(f"{path.stem}-classifier.safetensors")),
    )


def _diffusers(path: Path) -> ImageInfo | None:
    try:
        shape = shape_of(path)
    except ValueError:
        return None
    return ImageInfo(
        path.name,
        message("{title} (your folder)", title=path.name),
        message("A diffusers UNet2DModel, read from the folder {name}.", name=path.name),
        shape,
        (),
        False,
        partial(_labelled, load_diffusers, path, False),
    )


if os.environ.get(OWN):
    add_own(Path(os.environ[OWN]))
