"""Data: 2-D densities and image sets, each as a model that a solver can query."""

from core.data.drawing import mixture_from_drawing
from core.data.families import image_family, toy_family
from core.data.images import IMAGE_DATA, ImageInfo, image_classifier, make_images, to_display
from core.data.networks import add_own
from core.data.points import PointSet, mixture_from_points, read_points
from core.data.toy import TOY_DATA, ToyInfo, make_toy, toy_classifier

__all__ = [
    "IMAGE_DATA",
    "TOY_DATA",
    "ImageInfo",
    "PointSet",
    "ToyInfo",
    "add_own",
    "image_classifier",
    "image_family",
    "make_images",
    "make_toy",
    "mixture_from_drawing",
    "mixture_from_points",
    "read_points",
    "to_display",
    "toy_classifier",
    "toy_family",
]
