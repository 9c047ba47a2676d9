"""A diffusers ``UNet2DModel`` in a local folder, such as a copy of google/ddpm-cifar10-32."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.language import message
from core.models.checkpoints import runtime_device
from core.models.network import NetworkModel
from core.schedules import make_schedule

CLASS = "UNet2DModel"
PREDICTIONS = {"epsilon": "eps", "sample": "x0", "v_prediction": "v"}
# what its scheduler's betas are called there and here
_BETAS = {("linear", 1e-4, 0.02): "ddpm-linear"}
_COSINE = "squaredcos_cap_v2"


class _Sample(nn.Module):
    """The network as a function of images and times alone."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, timesteps: Tensor) -> Tensor:
        return self.net(x, timesteps).sample


def is_diffusers_folder(folder: Path) -> bool:
    """Whether ``folder``, or ``unet`` in it, holds the configuration of a ``UNet2DModel``."""
    return _network_folder(folder) is not None


def shape_of(folder: Path) -> tuple[int, int, int]:
    """Shape of one image, read from the configuration alone.

    Raises
    ------
    ValueError
        If there is no such configuration, or its sizes make no sense.
    """
    return _shape(_config(folder))


def load_diffusers(folder: Path) -> NetworkModel:
    """The network in ``folder``: its weights from safetensors, its noise schedule from ``scheduler_config.json``.

    Nothing is downloaded, and no pickle is read.

    Raises
    ------
    ValueError
        If diffusers is not installed, the folder holds something else, there are no safetensors, or the network was
        trained under a schedule that is not known here.
    """
    config = _config(folder)
    shape, schedule, prediction = _shape(config), *_training(folder)
    try:
        from diffusers import UNet2DModel
    except ImportError:
        raise ValueError(
            message("{name} needs the library diffusers: pip install diffusers", name=folder.name)
        ) from None
    try:
        net = UNet2DModel.from_pretrained(_network_folder(folder), use_safetensors=True, local_files_only=True)
    except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            message(
                "{name} cannot be opened as a {kind} with safetensors: {reason}",
                name=folder.name,
                kind=CLASS,
                reason=reason,
            )
        ) from error
    for name, value in net.state_dict().items():
        if not bool(torch.isfinite(value).all()):
            raise ValueError(
                message("{name} was refused: {key} holds numbers that are not finite", name=folder.name, key=repr(name))
            )
    net = _Sample(net.float().requires_grad_(False)).to(runtime_device().device)
    learned = config.get("out_channels") == 2 * shape[0]
    return NetworkModel(net, schedule, prediction=prediction, learned_sigma=learned, shape=shape)


def _network_folder(folder: Path) -> Path | None:
    for place in (folder, folder / "unet"):
        try:
            if json.loads((place / "config.json").read_text()).get("_class_name") == CLASS:
                return place
        except (OSError, ValueError, AttributeError):
            continue
    return None


def _config(folder: Path) -> dict[str, Any]:
    place = _network_folder(folder)
    if place is None:
        raise ValueError(
            message(
                "{name} is no folder of a diffusers {kind}: there is no such config.json in it",
                name=folder.name,
                kind=CLASS,
            )
        )
    return json.loads((place / "config.json").read_text())


def _shape(config: dict[str, Any]) -> tuple[int, int, int]:
    channels, size = config.get("in_channels", 3), config.get("sample_size")
    sides = (size, size) if isinstance(size, int) else tuple(size or ())
    if not (isinstance(channels, int) and len(sides) == 2 and all(isinstance(n, int) and n > 0 for n in sides)):
        raise ValueError(message("the configuration of the {kind} names no size of images", kind=CLASS))
    return channels, *sides


def _training(folder: Path) -> tuple[Any, str]:
    """The schedule and the prediction that the network was trained with."""
    for place in (folder / "scheduler" / "scheduler_config.json", folder / "scheduler_config.json"):
        if place.is_file():
            told = json.loads(place.read_text())
            break
    else:
        raise ValueError(
            message("{name} has no scheduler_config.json, which says what noise it was trained with", name=folder.name)
        )
    betas = (told.get("beta_schedule"), told.get("beta_start"), told.get("beta_end"))
    name = "ddpm-cosine" if betas[0] == _COSINE else _BETAS.get(betas)
    prediction = PREDICTIONS.get(told.get("prediction_type", "epsilon"))
    if name is None or prediction is None or told.get("num_train_timesteps") != 1000:
        raise ValueError(
            message(
                "{name} was trained with betas {betas}, {steps} steps and prediction {prediction}; known are 1000 "
                "linear betas from 0.0001 to 0.02, and cosine",
                name=folder.name,
                betas=betas,
                steps=told.get("num_train_timesteps"),
                prediction=repr(told.get("prediction_type", "epsilon")),
            )
        )
    return make_schedule(name), prediction
