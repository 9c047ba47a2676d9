"""The ADM networks (Dhariwal and Nichol 2021), interchangeable with their released checkpoints."""

from core.models.adm.classifier import Classifier
from core.models.adm.presets import NETWORKS, PRESETS, Preset
from core.models.adm.unet import SuperResUNet, UNet

__all__ = ["NETWORKS", "PRESETS", "Classifier", "Preset", "SuperResUNet", "UNet"]
