"""CIFAR-10 from the user's own copy."""

import io
import zipfile
from pathlib import Path

import numpy as np

SIDE = 32
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_RECORD = 1 + 3 * SIDE * SIDE  # a label, then the red, green and blue planes
_ARRAYS = ("blob", "offset", "label", "split")


def read_cifar10(source: Path | None, test: bool) -> tuple[np.ndarray, np.ndarray]:
    """Images (M, 32, 32, 3) uint8 and labels (M,) uint8 of the training or the test part.

    Parameters
    ----------
    source : the folder ``cifar-10-batches-bin`` of the published binary version, or an ``.npz`` file with the arrays
        ``blob`` (uint8: JPEG or PNG files end to end), ``offset`` (M+1 positions in it), ``label`` and ``split``
        (0 training, 1 test), each (M,). The published Python version is a pickle, which could run code: not read.

    Raises
    ------
    ValueError
        If there is nothing at ``source``, or it is neither of the two.

    Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images".
    """
    if source is None:
        raise ValueError("CIFAR-10 does not come with this program: name your copy of it")
    if source.is_dir():
        return _read_binary(source, test)
    if source.is_file() and source.suffix == ".npz":
        return _read_archive(source, test)
    raise ValueError(f"there is no folder and no .npz file at {source}")


def _read_binary(folder: Path, test: bool) -> tuple[np.ndarray, np.ndarray]:
    files = sorted(folder.glob("test_batch.bin" if test else "data_batch_*.bin"))
    if not files:
        raise ValueError(f"{folder} holds no {'test_batch.bin' if test else 'data_batch_*.bin'}")
    parts = [np.fromfile(file, np.uint8) for file in files]
    for file, part in zip(files, parts, strict=True):
        if not len(part) or len(part) % _RECORD:
            raise ValueError(f"{file.name} is damaged: {len(part)} bytes are no whole number of images")
    records = np.concatenate(parts).reshape(-1, _RECORD)
    images = records[:, 1:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return images, _checked(records[:, 0].copy(), folder)


def _read_archive(file: Path, test: bool) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as archive:
            blob, offset, label, split = (archive[name] for name in _ARRAYS)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file.name} is damaged or lacks one of the arrays {', '.join(_ARRAYS)}") from error
    if not len(label) == len(split) == len(offset) - 1:
        raise ValueError(f"{file.name} is damaged: its arrays do not speak of the same number of pictures")
    wanted = np.flatnonzero(split == int(test))
    images = np.empty((len(wanted), SIDE, SIDE, 3), np.uint8)
    for place, i in enumerate(wanted):
        images[place] = _decoded(blob[offset[i] : offset[i + 1]].tobytes(), f"picture {i} of {file.name}")
    return images, _checked(label[wanted], file)


def _decoded(data: bytes, name: str) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            if picture.size == (SIDE, SIDE):  # others are not even decoded: they may be huge
                return np.asarray(picture.convert("RGB"))
            width, height = picture.size
    except (OSError, SyntaxError) as error:  # PIL names a broken PNG by the latter
        raise ValueError(f"{name} is damaged") from error
    raise ValueError(f"{name} is {width}x{height}, not {SIDE}x{SIDE}")


def _checked(labels: np.ndarray, where: Path) -> np.ndarray:
    if not len(labels):
        raise ValueError(f"{where} holds none of the images asked for")
    if labels.max() >= len(CLASSES):
        raise ValueError(f"{where} has a label {labels.max()}; CIFAR-10 has 0 to {len(CLASSES) - 1}")
    return labels
