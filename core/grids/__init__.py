"""Time grids: where the steps are put, independent of solver and, but for counted chains, of schedule."""

# each adds its rules, in the order of menus
from core.grids import standard, transplanted, chain, custom  # noqa: F401, I001
from core.grids.info import GRIDS, GridInfo
from core.grids.make import check_steps, make_grid, refine

__all__ = ["GRIDS", "GridInfo", "check_steps", "make_grid", "refine"]
