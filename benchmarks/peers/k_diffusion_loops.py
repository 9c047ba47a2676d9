"""k-diffusion's functions.

Only its file of samplers is loaded: the package itself imports image metrics and trackers that no sampler uses, and
its helper module imports torchvision, of which these samplers use nothing but ``append_dims``.
"""

import importlib
import importlib.util
import sys
import types
from typing import Any

from torch import Tensor

from benchmarks.peers.contest import EDM, Loop


def samplers() -> Any:
    """The module ``k_diffusion.sampling`` without its package."""
    found = importlib.util.find_spec("k_diffusion")
    if found is None:
        raise ImportError("k-diffusion is not installed; `make bench` installs it")
    package = types.ModuleType("k_diffusion")
    package.__path__ = list(found.submodule_search_locations or ())
    package.utils = types.ModuleType("k_diffusion.utils")
    package.utils.append_dims = lambda x, dims: x[(...,) + (None,) * (dims - x.ndim)]
    sys.modules |= {"k_diffusion": package, "k_diffusion.utils": package.utils}
    return importlib.import_module("k_diffusion.sampling")


def loops() -> list[Loop]:
    sampling = samplers()
    sigmas = EDM.times.float()

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        return EDM.problem.model.predict(x, 1.0, float(sigma[0]), "x0")

    def loop(solver: str, name: str) -> Loop:
        function = getattr(sampling, name)
        return Loop("k-diffusion", solver, EDM, lambda x: function(denoise, x, sigmas, disable=True))

    return [
        loop("edm-euler", "sample_euler"),
        loop("edm-heun", "sample_heun"),
        loop("lms-4", "sample_lms"),
        loop("dpmpp-2m", "sample_dpmpp_2m"),
    ]
