"""Measurements on runs: error, order, curvature, straightness."""

from core.analysis.convergence import FittedOrder, convergence_order
from core.analysis.errors import median_error, particle_error, path_error, rms_error
from core.analysis.geometry import (
    flow_curvature,
    length_over_chord,
    path_curvature,
    path_length,
    polyline_curvature,
    principal_plane,
    straightness,
)
from core.analysis.intervals import OrderInterval, order_interval
from core.analysis.response import Response, respond, spread

__all__ = [
    "FittedOrder",
    "OrderInterval",
    "Response",
    "convergence_order",
    "flow_curvature",
    "length_over_chord",
    "median_error",
    "order_interval",
    "particle_error",
    "path_curvature",
    "path_error",
    "path_length",
    "polyline_curvature",
    "principal_plane",
    "respond",
    "rms_error",
    "spread",
    "straightness",
]
