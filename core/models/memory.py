"""How much memory a network needs for one answer, worked out before it is asked."""

from collections.abc import Callable
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.func import functional_call

from core.language import message

SPARE = 0.8  # of what is free: the rest is for everything else


class _Peak:
    """Sums what blocks keep until the way up, and the largest that a single layer works on, in numbers."""

    def __init__(self) -> None:
        self.kept = self.largest = 0

    def note_block(self, _: nn.Module, given: Any, made: Tensor) -> None:
        self.kept += made.numel()

    def note_layer(self, _: nn.Module, given: Any, made: Any) -> None:
        self.largest = max(self.largest, sum(part.numel() for part in (*given, made) if isinstance(part, Tensor)))


def bytes_an_image(net: nn.Module, inputs: Callable[[torch.device], tuple[tuple, dict]]) -> int:
    """Rough peak of working memory for one image: what is kept for the way up, and the largest layer with its result.

    Worked out from shapes alone, on the meta device: nothing is computed and nothing allocated. ``inputs`` gives the
    arguments of one call for one image on a device. 0 for a network whose parts are not known.
    """
    if not hasattr(net, "input_blocks"):
        return 0
    peak = _Peak()
    leaves = [module for module in net.modules() if not list(module.children())]
    handles = [block.register_forward_hook(peak.note_block) for block in net.input_blocks]
    handles += [leaf.register_forward_hook(peak.note_layer) for leaf in leaves]
    weights = {name: torch.empty_like(value, device="meta") for name, value in net.state_dict().items()}
    arguments, named = inputs(torch.device("meta"))
    try:
        with torch.no_grad():
            functional_call(net, weights, arguments, named)
    finally:
        for handle in handles:
            handle.remove()
    return 4 * (peak.kept + peak.largest)  # bytes; normalisation works in float32 whatever the rest does


def free_bytes(device: torch.device) -> int:
    """Memory that is free on a device now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available


def images_that_fit(needed: int, device: torch.device) -> int:
    """How many images of ``needed`` bytes each can go through a network at once.

    Raises
    ------
    ValueError
        If not even one can, with what it needs and what is free.
    """
    free = int(SPARE * free_bytes(device))
    if needed > free:
        raise ValueError(
            message(
                "one image through this network needs about {needed:.2g} GB at its peak, and {free:.2g} GB are "
                "free; close other programs, or choose a smaller network",
                needed=needed / 1e9,
                free=free / 1e9,
            )
        )
    return free // max(needed, 1)
