"""What a model may predict, and each turned into any other: the one place of these formulas."""

from torch import Tensor

PREDICTIONS = ("eps", "x0", "v", "score")


def convert(value: Tensor, given: str, wanted: str, x: Tensor, alpha: float, sigma: float) -> Tensor:
    """Turn one prediction at ``x = alpha x0 + sigma eps`` into another.

    ``v = alpha eps - sigma x0`` (Salimans and Ho 2022, arXiv 2202.00512, appendix D); ``score = -eps / sigma``.

    Raises
    ------
    ValueError
        If ``given`` or ``wanted`` is not one of ``PREDICTIONS``.
    """
    for kind in (given, wanted):
        if kind not in PREDICTIONS:
            raise ValueError(f"unknown prediction {kind!r}; choose one of: {', '.join(PREDICTIONS)}")
    if given == wanted:
        return value
    if wanted == "x0" and given == "v":
        return (alpha * x - sigma * value) / (alpha**2 + sigma**2)
    if wanted == "x0":
        return (x - sigma * convert(value, given, "eps", x, alpha, sigma)) / alpha
    if wanted == "eps":
        if given == "score":
            return -sigma * value
        if given == "v":
            return (sigma * x + alpha * value) / (alpha**2 + sigma**2)
        return (x - alpha * value) / sigma
    if wanted == "score":
        return convert(value, given, "eps", x, alpha, sigma) / -sigma
    eps = convert(value, given, "eps", x, alpha, sigma)
    return alpha * eps - sigma * convert(value, given, "x0", x, alpha, sigma)
