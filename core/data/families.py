"""A labelled data set as the models that guidance needs: without a class, of one, and what tells them apart."""

from core.data.images import IMAGE_DATA, image_classifier, make_images
from core.data.toy import make_toy, toy_classifier
from core.models import Model
from core.models.guidance import Family


def toy_family(name: str, *, scale: float = 1.0, bandwidth: float | None = None) -> Family:
    """The models of a 2-D set; arguments as of :func:`core.data.make_toy`."""

    def of_label(label: int | None) -> Model:
        return make_toy(name, scale=scale, bandwidth=bandwidth, label=label)

    return Family(of_label, lambda: toy_classifier(name, scale=scale, bandwidth=bandwidth))


def image_family(name: str) -> Family:
    """The models of an image set; networks share their weights."""

    def of_label(label: int | None) -> Model | None:
        info = IMAGE_DATA[name]
        unanswered = info.needs_label if label is None else not info.knows_classes
        return None if unanswered else make_images(name, label)

    return Family(of_label, lambda: image_classifier(name))
