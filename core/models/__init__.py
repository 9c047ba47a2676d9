"""Models: what a solver queries."""

from core.models.base import Model
from core.models.bayes import BayesClassifier
from core.models.checkpoints import Checkpoint, load_checkpoint, load_network, runtime_device, save_checkpoint
from core.models.empirical import EmpiricalData
from core.models.half import HalfPrecision
from core.models.mixture import GaussianMixture
from core.models.network import NetworkModel

__all__ = [
    "BayesClassifier",
    "Checkpoint",
    "EmpiricalData",
    "GaussianMixture",
    "HalfPrecision",
    "Model",
    "NetworkModel",
    "load_checkpoint",
    "load_network",
    "runtime_device",
    "save_checkpoint",
]
