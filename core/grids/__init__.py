"""Time grids: where the steps are put, independent of schedule and solver."""

from core.grids.standard import GRIDS, GridInfo, check_steps, make_grid, refine

__all__ = ["GRIDS", "GridInfo", "check_steps", "make_grid", "refine"]
