"""What data are called in a picture."""

from core.data import IMAGE_DATA, TOY_DATA
from core.experiments.specification import OWN, Data
from core.language import tr


def title_of(data: Data) -> str:
    """The data on screen."""
    if data.name in OWN:
        return tr(OWN[data.name])
    return tr((TOY_DATA if data.kind == "toy" else IMAGE_DATA)[data.name].title)
