"""Every picture that a page shows, by (kind of experiment, name): how it is drawn again from a result alone.

Whoever keeps a picture (the board, a report) keeps its specification, this name and the display choices, and draws it
anew from the result. Pages draw their own; a test holds the two against each other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from core.figures import (
    attempts,
    bends,
    boomerang,
    bounds,
    catalogue,
    convergence,
    curvature,
    grid_map,
    guidance,
    image_errors,
    images,
    inversion,
    local_error,
    noise_sweep,
    order_table,
    path_shape,
    precision,
    recommend,
    schedules,
    sde_orders,
    side,
    straightening,
    straightening_numbers,
    time_grids,
    trajectories,
    weights,
)
from core.figures.scene import Scene
from core.language import mark, message

Figure = go.Figure | Scene
Views = Mapping[str, str]  # display choice -> its option; those that are missing are at their first


@dataclass(frozen=True)
class Shared:
    """One picture.

    Attributes
    ----------
    title : what it is called on a board.
    draw : ``(result, views) -> figure``.
    alt : ``(result, views) -> str``, what it shows; a scene says so itself.
    wide : whether its parts stand side by side and need room; wide_images : whether they do for images alone.
    """

    title: str
    draw: Callable[[Any, Views], Figure]
    alt: Callable[[Any, Views], str] | None = None
    wide: bool = False
    wide_images: bool = False

    def words(self, result: Any, views: Views) -> str:
        """What it shows, for who cannot see it."""
        return self.alt(result, views) if self.alt else self.draw(result, views).head["alt"]

    def shown(self, result: Any, views: Views) -> tuple[Figure, str]:
        """The picture and its words, where ``views`` come from a file and may say anything.

        Raises
        ------
        ValueError
            With one sentence, if there is no such picture of these settings or a display choice is none of its own.
        """
        try:
            return self.draw(result, views), self.words(result, views)
        except (ValueError, LookupError, TypeError, AttributeError) as problem:  # each page asks only for what there is
            if views:
                names = ", ".join(views)
                raise ValueError(
                    message("these settings have no such picture, or not with these choices: {names}", names=names)
                ) from problem
            raise ValueError(message("these settings have no such picture")) from problem


def _plain(title: str, draw: Callable, alt: Callable, wide: bool = False) -> Shared:
    """A picture without display choices."""
    return Shared(title, lambda result, views: draw(result), lambda result, views: alt(result), wide)


def _by(title: str, draw: Callable, alt: Callable, view: str, first: str, wide: bool = False) -> Shared:
    """A picture with one display choice."""
    return Shared(
        title,
        lambda result, views: draw(result, views.get(view, first)),
        lambda result, views: alt(result, views.get(view, first)),
        wide,
    )


def _image(views: Views) -> int:
    return int(views.get("image", "0"))


def _of_images(result: Any) -> bool:
    return result.spec.data.kind == "images"


def _journey(result: Any, views: Views) -> Figure:
    return images.images_scene(result, _image(views)) if _of_images(result) else trajectories.paths_scene(result)


def _side(result: Any, views: Views) -> Figure:
    return side.side_scene(result, _image(views) if _of_images(result) else 0)


def _returns(result: Any, views: Views) -> Figure:
    return boomerang.strips_figure(result, _image(views)) if _of_images(result) else boomerang.moves_scene(result)


def _alt_returns(result: Any, views: Views) -> str:
    if _of_images(result):
        return boomerang.alt_strips(result, _image(views))
    return boomerang.moves_scene(result).head["alt"]


def _latents(result: Any, views: Views) -> Figure:
    if _of_images(result):
        return inversion.strips_figure(result, _image(views))
    return inversion.latent_figure(result, _solver(result, views))


def _alt_latents(result: Any, views: Views) -> str:
    if _of_images(result):
        return inversion.alt_strips(result, _image(views))
    return inversion.alt_latent(result, _solver(result, views))


def _solver(result: Any, views: Views) -> int:
    return min(int(views.get("shown", "0")), len(result.solvers) - 1)


def _curved(result: Any, views: Views) -> Figure:
    if not _of_images(result):
        return bends.bends_scene(result)
    space = views.get("components", "plane") == "space"
    return path_shape.space_figure(result) if space else curvature.plane_figure(result)


def _alt_curved(result: Any, views: Views) -> str:
    if not _of_images(result):
        return curvature.alt_paths(result)
    return path_shape.alt_space(result) if views.get("components") == "space" else curvature.alt_plane(result)


def _quality(result: Any, views: Views) -> str:
    known = list(image_errors.offered(result))
    return views["quality"] if views.get("quality") in known else known[0]


def _local(result: Any, views: Views) -> str:
    return views.get("what", "carried") if result.carried else "local"


def _landing(result: Any, views: Views) -> int:
    return min(int(views.get("landing", "0")), len(result.spec.step_counts) - 1)


def _rows(result: Any, views: Views) -> int | None:
    return grid_map.FEW if len(result.solvers) > grid_map.FEW and views.get("rows", "few") == "few" else None


def _last(result: Any) -> int:
    return max(place for place, card in enumerate(result.cards) if card.response is not None)


SHARED: dict[tuple[str, str], Shared] = {
    ("trajectories", "start"): Shared(mark("Paths from noise to data"), _journey, wide_images=True),
    ("trajectories", "trajectories"): Shared(mark("Paths from noise to data"), _journey, wide_images=True),
    ("trajectories", "side"): Shared(mark("ODE, SDE and forward process"), _side, wide=True),
    ("trajectories", "sheets"): Shared(
        mark("All images"), lambda result, views: images.sheets_scene(result, views.get("sheet", "state")), wide=True
    ),
    ("trajectories", "error-along-path"): _plain(
        mark("Error along the path"), trajectories.error_figure, trajectories.alt_error
    ),
    ("trajectories", "attempts"): _plain(
        mark("Steps that were tried"), attempts.attempts_figure, attempts.alt_attempts
    ),
    ("convergence", "error-against-steps"): Shared(
        mark("Error against steps"),
        lambda result, views: convergence.error_figure(
            result, against=views.get("against", "steps"), measure=views.get("measure", "rms")
        ),
        lambda result, views: convergence.alt_error(result, views.get("against", "steps"), views.get("measure", "rms")),
    ),
    ("convergence", "error-along-path"): _plain(
        mark("Error along the path"), convergence.path_figure, convergence.alt_path
    ),
    ("convergence", "image-quality"): Shared(
        mark("Quality of the pictures"),
        lambda result, views: image_errors.quality_figure(result, _quality(result, views)),
        lambda result, views: image_errors.alt_quality(result, _quality(result, views)),
    ),
    ("convergence", "all-end-images"): Shared(
        mark("Every end image"),
        lambda result, views: image_errors.ends_figure(result, _image(views)),
        lambda result, views: image_errors.alt_ends(result, _image(views)),
        wide=True,
    ),
    ("convergence", "smoothness"): _plain(
        mark("Why the order is not reached"), image_errors.smoothness_figure, image_errors.alt_smoothness
    ),
    ("convergence", "end-images"): _plain(
        mark("What it looks like"), convergence.images_figure, convergence.alt_images, wide=True
    ),
    ("curvature", "curvature"): Shared(
        mark("Curvature"),
        lambda result, views: curvature.curvature_figure(
            result, against=views.get("against", "log_snr"), measure=views.get("measure", "curvature")
        ),
        lambda result, views: curvature.alt_curvature(result, views.get("measure", "curvature")),
    ),
    ("curvature", "curved-paths"): Shared(mark("Where the paths bend"), _curved, _alt_curved, wide=True),
    ("curvature", "frames"): _plain(
        mark("How alike the paths are"), path_shape.frame_figure, path_shape.alt_frame, wide=True
    ),
    ("curvature", "beside"): Shared(
        mark("2-D and images on one axis"),
        lambda result, views: path_shape.beside_figure(result, views.get("against", "log_snr")),
        lambda result, views: path_shape.alt_beside(result),
        wide=True,
    ),
    ("curvature", "straightness"): _plain(
        mark("Straightness and length"), curvature.summary_figure, curvature.alt_summary, wide=True
    ),
    ("straightening", "straightening"): Shared(
        mark("Flows side by side"), lambda result, views: straightening.flows_scene(result), wide=True
    ),
    ("straightening", "lines"): _plain(
        mark("Lines that cross"), straightening.lines_figure, straightening.alt_lines, wide=True
    ),
    ("straightening", "landing"): Shared(
        mark("Where few steps land"),
        lambda result, views: straightening.landing_figure(result, _landing(result, views)),
        lambda result, views: straightening.alt_landing(result, _landing(result, views)),
        wide=True,
    ),
    ("straightening", "few-steps"): _by(
        mark("What straight paths save"),
        straightening_numbers.errors_figure,
        straightening_numbers.alt_errors,
        "measure",
        "error",
    ),
    ("straightening", "bends"): _by(
        mark("Where flows bend"), straightening_numbers.bends_figure, straightening_numbers.alt_bends, "bend", "rate"
    ),
    ("straightening", "straight-and-right"): _by(
        mark("What straightening costs"),
        straightening_numbers.trade_figure,
        straightening_numbers.alt_trade,
        "cost",
        "mismatch",
    ),
    ("straightening", "trainings"): _plain(
        mark("The trainings"), straightening_numbers.learning_figure, straightening_numbers.alt_learning
    ),
    ("schedules", "schedules"): Shared(
        mark("Noise schedules"),
        lambda result, views: schedules.curves_figure(result, x=views.get("x", "t"), y=views.get("y", "log_snr")),
        lambda result, views: schedules.alt_curves(result, x=views.get("x", "t"), y=views.get("y", "log_snr")),
    ),
    ("schedules", "grids"): Shared(
        mark("Where each grid puts its steps"),
        lambda result, views: schedules.grids_figure(result, x=views.get("along", "log_snr")),
        lambda result, views: schedules.alt_grids(result),
    ),
    ("schedules", "noised"): _plain(
        mark("One image on its way to noise"), schedules.noised_figure, schedules.alt_noised, wide=True
    ),
    ("schedules", "slice"): _plain(
        mark("A slice of the data, flowing through time"), schedules.slice_figure, schedules.alt_slice
    ),
    ("solvers", "solver-order"): _plain(mark("Order"), catalogue.order_figure, catalogue.alt_order),
    ("solvers", "solver-widths"): _plain(mark("Bell curves"), catalogue.widths_figure, catalogue.alt_widths),
    ("solvers", "solver-weights"): Shared(
        mark("Weights on the grid"),
        lambda result, views: weights.weights_figure(result, _last(result)),
        lambda result, views: weights.alt_weights(result, _last(result)),
    ),
    ("solvers", "solver-region"): _plain(mark("Stability"), catalogue.region_figure, catalogue.alt_region),
    ("local_error", "error-by-step"): Shared(
        mark("Error of each step"),
        lambda result, views: local_error.steps_figure(result, _local(result, views)),
        lambda result, views: local_error.alt_steps(result, _local(result, views)),
    ),
    ("local_error", "error-by-phase"): _plain(
        mark("What start, middle and end of a run cost"), local_error.phases_figure, local_error.alt_phases
    ),
    ("grid_map", "solver-grid"): Shared(
        mark("Solver × grid"),
        lambda result, views: grid_map.map_figure(result, views.get("measure", "median"), _rows(result, views)),
        lambda result, views: grid_map.alt_map(result, views.get("measure", "median")),
        wide=True,
    ),
    ("time_grids", "time-grids"): _plain(
        mark("Error on each time grid"), time_grids.errors_figure, time_grids.alt_errors
    ),
    ("time_grids", "knots"): _by(
        mark("Where the steps lie"),
        time_grids.knots_figure,
        time_grids.alt_knots,
        "along",
        next(iter(time_grids.ALONG)),
    ),
    ("order_table", "order-map"): _by(
        mark("Orders measured"), order_table.map_figure, order_table.alt_orders, "measure", "rms", wide=True
    ),
    ("order_table", "order-intervals"): _by(
        mark("How sure, and how far from the claim"),
        order_table.interval_figure,
        order_table.alt_orders,
        "measure",
        "rms",
    ),
    ("precision", "precision"): _plain(mark("Error in each precision"), precision.v_figure, precision.alt_v, wide=True),
    ("recommend", "ranking"): _by(
        mark("All candidates, ranked"),
        recommend.ranking_figure,
        recommend.alt_ranking,
        "order",
        next(iter(recommend.ORDERS)),
    ),
    ("recommend", "budgets"): _plain(mark("The best at each budget"), recommend.budgets_figure, recommend.alt_budgets),
    ("noise", "noise"): _plain(mark("Distance against noise"), noise_sweep.sweep_figure, noise_sweep.alt_sweep),
    ("sde_orders", "sde-orders"): _plain(
        mark("Strong and weak order"), sde_orders.orders_figure, sde_orders.alt_orders, wide=True
    ),
    ("bounds", "bounds"): _plain(
        mark("Bounds beside the exact error"), bounds.bounds_figure, bounds.alt_bounds, wide=True
    ),
    ("bounds", "stopping"): _plain(mark("Data without a density"), bounds.stopping_figure, bounds.alt_stopping),
    ("guidance", "guided-samples"): _plain(
        mark("Guided samples"), guidance.samples_figure, guidance.alt_samples, wide=True
    ),
    ("guidance", "guided-errors"): _by(
        mark("What guidance does to the solvers"),
        guidance.stiffness_figure,
        guidance.alt_stiffness,
        "measure",
        next(iter(guidance.MEASURES)),
    ),
    ("guidance", "guided-trade"): _plain(mark("Surer, and more alike"), guidance.trade_figure, guidance.alt_trade),
    ("inversion", "latents"): Shared(mark("Data, latents and back"), _latents, _alt_latents, wide=True),
    ("inversion", "round-trip"): _by(
        mark("Error of the round trip"),
        inversion.error_figure,
        inversion.alt_error,
        "measure",
        next(iter(inversion.MEASURES)),
    ),
    ("boomerang", "returns"): Shared(mark("There and back"), _returns, _alt_returns, wide=True),
    ("boomerang", "distance"): Shared(
        mark("Distance to the input"),
        lambda result, views: boomerang.distance_figure(result, views.get("against", "t")),
        lambda result, views: boomerang.alt_distance(result),
    ),
    ("boomerang", "law"): Shared(
        mark("Do they still look like data?"),
        lambda result, views: boomerang.law_figure(result, views.get("against", "t")),
        lambda result, views: boomerang.alt_law(result),
    ),
}
