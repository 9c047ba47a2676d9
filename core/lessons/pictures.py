"""The pictures that a lesson may show: (experiment, name) -> how to draw it, and its words for who cannot see it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import plotly.graph_objects as go

from core.figures import (
    convergence,
    curvature,
    grid_map,
    guidance,
    image_errors,
    images,
    local_error,
    noise_sweep,
    order_table,
    schedules,
    sde_orders,
    side,
    time_grids,
    trajectories,
)
from core.figures.scene import Scene


class Picture(NamedTuple):
    """``draw(result)`` gives a chart or a scene; ``alt(result)`` says what it shows (a scene says so itself).

    ``wide`` pictures need the whole width; ``views`` are the display choices that show it on the experiment's page.
    """

    draw: Callable[[Any], go.Figure | Scene]
    alt: Callable[[Any], str] | None = None
    wide: bool = False
    views: Mapping[str, str] = MappingProxyType({})


PICTURES: dict[tuple[str, str], Picture] = {
    ("trajectories", "paths"): Picture(trajectories.paths_scene),
    ("trajectories", "side"): Picture(side.side_scene, wide=True, views={"layout": "apart"}),
    ("trajectories", "images"): Picture(images.images_scene, wide=True),
    ("trajectories", "sheets"): Picture(images.sheets_scene, wide=True, views={"layout": "sheet"}),
    ("trajectories", "error"): Picture(trajectories.error_figure, trajectories.alt_error),
    ("convergence", "error"): Picture(convergence.error_figure, convergence.alt_error),
    ("convergence", "evaluations"): Picture(
        lambda result: convergence.error_figure(result, "nfe"), lambda result: convergence.alt_error(result, "nfe")
    ),
    ("convergence", "ends"): Picture(image_errors.ends_figure, image_errors.alt_ends, wide=True),
    ("curvature", "paths"): Picture(curvature.paths_figure, curvature.alt_paths),
    ("curvature", "bend"): Picture(
        lambda result: curvature.curvature_figure(result, "log_snr"), curvature.alt_curvature
    ),
    ("curvature", "summary"): Picture(curvature.summary_figure, curvature.alt_summary),
    ("curvature", "plane"): Picture(curvature.plane_figure, curvature.alt_plane),
    ("schedules", "curves"): Picture(schedules.curves_figure, schedules.alt_curves),
    ("schedules", "grids"): Picture(schedules.grids_figure, schedules.alt_grids),
    ("schedules", "slice"): Picture(schedules.slice_figure, schedules.alt_slice),
    ("schedules", "noised"): Picture(schedules.noised_figure, schedules.alt_noised, wide=True),
    ("local_error", "steps"): Picture(local_error.steps_figure, local_error.alt_steps),
    ("noise", "sweep"): Picture(noise_sweep.sweep_figure, noise_sweep.alt_sweep),
    ("guidance", "stiffness"): Picture(guidance.stiffness_figure, guidance.alt_stiffness),
    ("guidance", "trade"): Picture(guidance.trade_figure, guidance.alt_trade),
    ("guidance", "samples"): Picture(guidance.samples_figure, guidance.alt_samples),
    ("order_table", "orders"): Picture(order_table.interval_figure, order_table.alt_orders),
    ("grid_map", "map"): Picture(grid_map.map_figure, grid_map.alt_map, wide=True),
    ("sde_orders", "orders"): Picture(sde_orders.orders_figure, sde_orders.alt_orders),
    ("time_grids", "errors"): Picture(time_grids.errors_figure, time_grids.alt_errors),
    ("time_grids", "knots"): Picture(time_grids.knots_figure, time_grids.alt_knots),
}
