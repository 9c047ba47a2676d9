"""Network weights on disk: reading them without trusting them, writing them, and rebuilding the network."""

import json
import os
import pickle
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from core.language import joined, mark, message
from core.models.adm import NETWORKS, PRESETS, Preset
from core.models.network import LEARNED, NetworkModel
from core.schedules import Schedule, make_schedule

METADATA_KEY = "solverscope"
SUFFIXES = (".safetensors", ".pt")

# what torch.load raises on files that are damaged or were made to do harm
_UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    OverflowError,
    MemoryError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)

_ABLE = {"UNet": mark("predicts an image on its own"), "Classifier": mark("names the class of a noisy image")}


@dataclass(frozen=True)
class Checkpoint:
    """Weights by name, and what their file says about them (empty where it says nothing)."""

    state_dict: dict[str, Tensor]
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RuntimeDevice:
    """Where networks run and how precisely, for showing on screen."""

    device: str
    precision: str
    name: str

    def __str__(self) -> str:
        return f"{self.device} ({self.name}), {self.precision}"


def runtime_device() -> RuntimeDevice:
    """The device that networks run on by default: ``cuda`` where there is one, otherwise ``cpu``; float32."""
    if torch.cuda.is_available():
        return RuntimeDevice("cuda", "float32", torch.cuda.get_device_name())
    threads = torch.get_num_threads()
    return RuntimeDevice("cpu", "float32", f"{threads} thread{'s' if threads > 1 else ''}")


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read weights from a ``.safetensors`` or ``.pt`` file; nothing in the file is executed.

    Raises
    ------
    ValueError
        In one sentence, if the file is missing, of another kind, damaged, larger unpacked than on disk, holds
        anything but a dictionary of tensors, or numbers that are not finite.
    """
    path = _existing(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    state = read_pt(path)
    if not isinstance(state, dict) or not state:
        raise ValueError(
            message("{name} must hold a dictionary of tensors, got {kind}", name=path.name, kind=type(state).__name__)
        )
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise ValueError(
                message(
                    "{name} must hold tensors by name and nothing else; {key} is a {kind}",
                    name=path.name,
                    key=repr(key),
                    kind=type(value).__name__,
                )
            )
    _check_numbers(path, state)
    return Checkpoint(dict(state))


def read_pt(path: str | Path) -> Any:
    """Tensors and plain values of a file written by ``torch.save``, read with ``weights_only``.

    Raises
    ------
    ValueError
        If the file is missing, damaged, compressed, or asks for anything else to be built or run.
    """
    path = _existing(path)
    _refuse_bomb(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            message(
                "{name} was refused: it is damaged, or a pickle with more than tensors, which could run code",
                name=path.name,
            )
        ) from error
    except _UNREADABLE as error:
        raise ValueError(
            message("{name} is damaged: PyTorch cannot read it ({error})", name=path.name, error=type(error).__name__)
        ) from error


def save_checkpoint(path: str | Path, state_dict: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    """Write weights as float16 safetensors with ``metadata`` (JSON values) in the header.

    Written beside ``path`` first and moved there, so that readers never see half a file.

    Raises
    ------
    ValueError
        If ``path`` does not end in ``.safetensors``, or a number does not fit into float16.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(message("weights are written as .safetensors, got {name}", name=repr(path.name)))
    half = {key: value.detach().cpu().to(torch.float16).contiguous() for key, value in state_dict.items()}
    _check_numbers(path, half)
    partial = path.with_suffix(".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial.write_bytes(save(half, metadata={METADATA_KEY: json.dumps(metadata)}))
    os.replace(partial, path)


def describe(preset: Preset, **more: Any) -> dict[str, Any]:
    """Metadata from which :func:`load_network` rebuilds the network of ``preset``; ``more`` is kept beside it."""
    return {
        "network": preset.network,
        "arguments": preset.arguments,
        "schedule": preset.schedule,
        "prediction": preset.prediction,
        "learned_sigma": preset.learned_sigma,
        "classes": preset.classes,
        "null_label": preset.null_label,
        "shape": preset.shape,
    } | more


def load_network(
    path: str | Path,
    *,
    preset: str | None = None,
    labels: int | Tensor | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype = torch.float32,
) -> NetworkModel:
    """Rebuild a trained diffusion network from its file.

    Parameters
    ----------
    path : ``.safetensors`` or ``.pt``.
    preset : entry of ``PRESETS`` that says what the weights belong to; needed where the file does not, as with
        released ``.pt`` files. It overrides what the file says.
    labels : as for :class:`NetworkModel`; ``with_labels`` changes them later.
    device : None for :func:`runtime_device`.
    dtype : precision of the convolutions: float32, bfloat16 or float16.

    Raises
    ------
    ValueError
        If the file cannot be read, does not say what it is, or does not fit the network it claims to be.
    """
    net, schedule, about = rebuild(path, "UNet", preset=preset, device=device, dtype=dtype)
    settings = {key: about[key] for key in ("prediction", "learned_sigma", "classes", "null_label", "shape")}
    return NetworkModel(net, schedule, labels=labels, **settings)


def read_description(path: str | Path) -> dict[str, Any]:
    """What a ``.safetensors`` file says of the diffusion network in it, from its header alone; no weight is read.

    Raises
    ------
    ValueError
        If the file cannot be read or describes no diffusion network.
    """
    path = _existing(path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            about = json.loads((file.metadata() or {}).get(METADATA_KEY, "{}"))
            weights = len(list(file.keys()))
    except (SafetensorError, OSError, ValueError, RuntimeError, AttributeError) as error:
        raise ValueError(message("{name} is damaged: it cannot be read as safetensors", name=path.name)) from error
    if not isinstance(about, dict) or about.get("network") != "UNet":
        raise ValueError(message("{name} does not say that it holds a diffusion network", name=path.name))
    _check_description(path.name, about, weights)
    return about


def rebuild(
    path: str | Path,
    wanted: str,
    *,
    preset: str | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype = torch.float32,
) -> tuple[nn.Module, Schedule, dict[str, Any]]:
    """The network in a file, its training schedule, and its description as :func:`describe` writes it.

    ``wanted`` is what the caller can use, "UNet" or "Classifier"; the rest, and what is raised, as for
    :func:`load_network`.
    """
    checkpoint = load_checkpoint(path)
    name = Path(path).name
    if dtype not in (torch.float32, torch.bfloat16, torch.float16):
        raise ValueError(message("a network runs in float32, bfloat16 or float16, got {dtype}", dtype=dtype))
    if preset is None and not checkpoint.metadata:
        fitting = ", ".join(one for one, known in PRESETS.items() if known.network == wanted)
        raise ValueError(
            message(
                "{name} does not say which network it belongs to; name its preset ({fitting})",
                name=name,
                fitting=fitting,
            )
        )
    about = describe(PRESETS[preset]) if preset is not None else checkpoint.metadata
    if about.get("network") != wanted:
        raise ValueError(
            message(
                "{name} holds a {network}; only a {wanted} {able}",
                name=name,
                network=repr(about.get("network")),
                wanted=repr(wanted),
                able=message(_ABLE[wanted]),
            )
        )
    _check_description(name, about, len(checkpoint.state_dict))
    try:
        with torch.device("meta"):
            net = NETWORKS[wanted](**about["arguments"])
        schedule = make_schedule(about["schedule"])
    except (TypeError, ValueError) as error:
        raise ValueError(
            message("{name} describes no network that can be built: {error}", name=name, error=error)
        ) from error
    state = _matched(name, checkpoint.state_dict, net.state_dict())
    net.load_state_dict(state, assign=True)
    net.requires_grad_(False)
    # images are few and small: this order of memory gives each convolution the quickest kernel
    net = net.to(device or runtime_device().device, memory_format=torch.channels_last)
    if dtype != torch.float32:
        net.convert_to(dtype)
    return net, schedule, about


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(
            message("weights come as {names}, got {name}", names=" or ".join(SUFFIXES), name=repr(path.name))
        )
    if not path.is_file():
        raise ValueError(message("there is no weights file at {path}", path=path))
    return path


def _read_safetensors(path: Path) -> Checkpoint:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            names = file.keys()
            state = {name: file.get_tensor(name) for name in names}
        metadata = json.loads(header.get(METADATA_KEY, "{}"))
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise ValueError(
            message("{name} is damaged: it cannot be read as safetensors ({error})", name=path.name, error=error)
        ) from error
    if not isinstance(metadata, dict):
        raise ValueError(message("{name} is damaged: its description is not a dictionary", name=path.name))
    if not state:
        raise ValueError(message("{name} holds no tensors", name=path.name))
    _check_numbers(path, state)
    return Checkpoint(state, metadata)


def _refuse_bomb(path: Path) -> None:
    """PyTorch stores its archives uncompressed, so an honest one unpacks to no more than its own size."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except _UNREADABLE as error:
        raise ValueError(message("{name} is damaged: its table of contents cannot be read", name=path.name)) from error
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > path.stat().st_size or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ValueError(message("{name} was refused: it would unpack to more than its own size", name=path.name))


def _check_numbers(path: Path, state: dict[str, Tensor]) -> None:
    """Refuse views that are larger than their storage, and numbers that are not finite."""
    for key, value in state.items():
        if value.is_sparse or value.layout != torch.strided or value.numel() > _stored(value):
            raise ValueError(
                message("{name} was refused: {key} is larger than what is stored of it", name=path.name, key=repr(key))
            )
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise ValueError(
                message("{name} was refused: {key} holds numbers that are not finite", name=path.name, key=repr(key))
            )


def _stored(value: Tensor) -> int:
    return value.untyped_storage().nbytes() // value.element_size()


def _check_description(name: str, about: dict[str, Any], weights: int) -> None:
    """Refuse a description of the wrong form, or of more blocks than there are weights (it would build for ever)."""

    def whole(value: Any, least: int = 0) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    arguments, null_label, shape = about.get("arguments"), about.get("null_label"), about.get("shape")
    classifier = about.get("network") == "Classifier"
    sound = {
        "arguments": isinstance(arguments, dict),
        "schedule": isinstance(about.get("schedule"), str),
        "prediction": about.get("prediction") in ((None,) if classifier else LEARNED),
        "learned_sigma": isinstance(about.get("learned_sigma"), bool),
        "classes": whole(about.get("classes"), 1 if classifier else 0),
        "null_label": null_label is None or whole(null_label),
        "shape": isinstance(shape, list | tuple) and len(shape) == 3 and all(whole(side, 1) for side in shape),
    }
    if all(sound.values()):
        levels, blocks, rows = (arguments.get(key) for key in ("channel_mult", "num_res_blocks", "num_classes"))
        labels = 0 if classifier else max(about["classes"], 0 if null_label is None else null_label + 1)
        outputs = about["classes"] if classifier else shape[0] * (2 if about["learned_sigma"] else 1)
        sound = {
            "channel_mult": isinstance(levels, list | tuple) and len(levels) <= weights,
            "num_res_blocks": whole(blocks) and blocks <= weights,
            "num_classes": (rows or 0) == labels if rows is None or whole(rows, 1) else False,
            "in_channels": arguments.get("in_channels") == shape[0],
            "out_channels": arguments.get("out_channels") == outputs,
            # attention pooling knows the places of one size of image
            "image_size": not classifier or shape[1] == shape[2] == arguments.get("image_size"),
        }
    wrong = [key for key, fine in sound.items() if not fine]
    if wrong:
        raise ValueError(
            message(
                "{name} describes no network that can be built: its {wrong} makes no sense",
                name=name,
                wrong=repr(wrong[0]),
            )
        )


def _matched(name: str, given: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """``given`` in the dtypes of ``wanted``, after checking that names and shapes agree."""
    missing, extra = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
    if missing or extra:
        parts = [
            message(template, count=len(keys), key=repr(keys[0]))
            for template, keys in (
                (mark("{count} are missing, such as {key}"), missing),
                (mark("{count} are unknown, such as {key}"), extra),
            )
            if keys
        ]
        raise ValueError(
            message("{name} does not fit its network: of the weights, {what}", name=name, what=joined(parts, " and "))
        )
    for key, value in wanted.items():
        if given[key].shape != value.shape:
            raise ValueError(
                message(
                    "{name} does not fit its network: {key} has shape {shape}, not {wanted}",
                    name=name,
                    key=repr(key),
                    shape=tuple(given[key].shape),
                    wanted=tuple(value.shape),
                )
            )
    return {key: given[key].to(value.dtype) for key, value in wanted.items()}
