"""What data are called in a picture, and how a share is written."""

from core.data import IMAGE_DATA, TOY_DATA
from core.experiments.specification import OWN, Data
from core.language import tr


def title_of(data: Data) -> str:
    """The data on screen."""
    if data.name in OWN:
        return tr(OWN[data.name])
    return tr((TOY_DATA if data.kind == "toy" else IMAGE_DATA)[data.name].title)


def two_digits(share: float) -> str:
    """A share in per cent with two digits that count: ``3.7%``, ``45%``, ``810%``."""
    return f"{float(f'{100 * share:.2g}'):g}%"
