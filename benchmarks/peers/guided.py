"""OpenAI's own UNet, from a checkout that the user names; only its network files are imported."""

import importlib.util
import sys
import types
from pathlib import Path

from torch import nn

PACKAGE = "guided_diffusion"
NEEDED = ("nn", "fp16_util", "logger", "unet")


def original_unet(checkout: Path) -> type[nn.Module]:
    """Class ``UNetModel`` of a checkout of github.com/openai/guided-diffusion.

    Raises
    ------
    ValueError
        If the checkout lacks one of its files.
    """
    folder = checkout / PACKAGE
    package = types.ModuleType(PACKAGE)  # its own __init__ and the rest would ask for MPI
    package.__path__ = [str(folder)]
    sys.modules[PACKAGE] = package
    for name in NEEDED:
        path = folder / f"{name}.py"
        if not path.is_file():
            raise ValueError(f"{checkout} is no checkout of guided-diffusion: it has no {PACKAGE}/{name}.py")
        spec = importlib.util.spec_from_file_location(f"{PACKAGE}.{name}", path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return sys.modules[f"{PACKAGE}.unet"].UNetModel
