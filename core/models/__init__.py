"""Models: what a solver queries."""

from core.models.base import Model
from core.models.checkpoints import Checkpoint, load_checkpoint, load_network, runtime_device, save_checkpoint
from core.models.network import NetworkModel

__all__ = [
    "Checkpoint",
    "Model",
    "NetworkModel",
    "load_checkpoint",
    "load_network",
    "runtime_device",
    "save_checkpoint",
]
