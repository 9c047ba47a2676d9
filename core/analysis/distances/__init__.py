"""How far a sample is from the exact distribution: distances, their intervals and their noise floors."""

from core.analysis.distances.measure import Measured, measure_distance, noise_floor
from core.analysis.distances.modes import occupancy
from core.analysis.distances.registry import DISTANCES, Distance

__all__ = ["DISTANCES", "Distance", "Measured", "measure_distance", "noise_floor", "occupancy"]
