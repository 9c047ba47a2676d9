"""Time grids made for a problem: trained on particles of its own, to be judged on others."""

# each adds its rule, in the order of menus
from core.analysis.optimal_grids import measured, align, gits  # noqa: F401, I001
from core.analysis.optimal_grids.info import MOST_TRAINED, OPTIMISED, OptimisedInfo, Training, make_optimised, train_on

__all__ = ["MOST_TRAINED", "OPTIMISED", "OptimisedInfo", "Training", "make_optimised", "train_on"]
