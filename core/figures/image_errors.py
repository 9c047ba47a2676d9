"""Errors of images as pictures: their quality by step count, the end images themselves, and why orders are lost."""

import numpy as np
import plotly.graph_objects as go

from core.experiments.convergence import ConvergenceResult, SolverErrors
from core.experiments.evidence import Smoothness
from core.figures.style import BLUE, NEUTRAL, VERMILLION, log_axis, new_figure, solver_style, typed
from core.figures.tiles import sheet_figure
from core.language import joined, mark, tr

QUALITIES = {"psnr": mark("PSNR (dB)"), "feature": mark("Distance in a classifier's features")}


def offered(result: ConvergenceResult) -> dict[str, str]:
    """The qualitys that were measured: features only where there is a classifier."""
    measured = any(np.isfinite(one.feature).any() for one in result.solvers)
    return QUALITIES if measured else {"psnr": QUALITIES["psnr"]}


def quality_figure(
    result: ConvergenceResult, quality: str = "psnr", against: str = "nfe", height: int = 460
) -> go.Figure:
    """One line a solver: PSNR (higher is better) or distance in features (lower is better) against steps or NFE.

    Raises
    ------
    ValueError
        If ``quality`` is not a key of ``QUALITIES``.
    """
    if quality not in QUALITIES:
        raise ValueError(f"unknown quality {quality!r}; choose one of: {', '.join(QUALITIES)}")
    figure = new_figure(height, legend_rows=2)
    for one in result.solvers:
        look = solver_style(one.name)
        figure.add_trace(
            go.Scatter(
                x=typed(getattr(one, against)),
                y=typed(getattr(one, quality)),
                mode="lines+markers",
                line={"color": look.colour, "dash": look.dash, "width": 2},
                marker={"symbol": look.marker, "size": 9},
                name=one.label,
                customdata=one.nfe,
                hovertemplate=tr("%{x:g}: %{y:.3g}, %{customdata} evaluations") + "<extra>" + one.label + "</extra>",
            )
        )
    counts = np.concatenate([getattr(one, against) for one in result.solvers])
    figure.update_xaxes(
        title_text=tr("Model evaluations (NFE)") if against == "nfe" else tr("Steps"),
        type="log",
        tickvals=np.unique(counts).tolist() if len(np.unique(counts)) <= 12 else None,
    )
    values = np.concatenate([getattr(one, quality) for one in result.solvers])
    scale = {} if quality == "psnr" else log_axis(values)
    figure.update_yaxes(title_text=tr(QUALITIES[quality]), **scale)
    return figure


def alt_quality(result: ConvergenceResult, quality: str = "psnr") -> str:
    """The lines in words: the first and the last value of each solver."""
    parts = [
        tr(
            "{solver} {first:.3g} with {nfe_first} and {last:.3g} with {nfe_last} evaluations",
            solver=one.label,
            first=getattr(one, quality)[0],
            nfe_first=one.nfe[0],
            last=getattr(one, quality)[-1],
            nfe_last=one.nfe[-1],
        )
        for one in result.solvers
    ]
    return tr(
        "{quality} of end images against the reference: {parts}.",
        quality=tr(QUALITIES[quality]),
        parts=tr(joined(parts, "; ")),
    )


def ends_figure(result: ConvergenceResult, image: int = 0) -> go.Figure:
    """The end of one starting noise: a row a solver, a column a step count; the reference is the last of each row.

    Raises
    ------
    ValueError
        If the result is of 2-D data, or there is no such image.
    """
    if not result.final_images:
        raise ValueError("end images need image data")
    if not 0 <= image < result.kept_images:
        raise ValueError(f"there are images 0 to {result.kept_images - 1}, not {image}")
    rows = [[*(end[image] for end in one.ends), result.final_images["reference"][image]] for one in result.solvers]
    labels = [
        tr("<b>{solver}</b> ({values} dB)", solver=one.label, values=joined(map(_db, one.psnr), ", "))
        for one in result.solvers
    ]
    columns = [f"{steps}" for steps in result.spec.step_counts]
    return sheet_figure(rows, labels, [*columns, tr("reference")], "", tr("steps"))


def _db(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else "–"


def alt_ends(result: ConvergenceResult, image: int = 0) -> str:
    """The sheet in words."""
    parts = [
        tr("{solver}: PSNR {values} dB", solver=one.label, values=joined(map(_db, one.psnr), ", "))
        for one in result.solvers
    ]
    counts = joined(map(str, result.spec.step_counts), ", ")
    return tr(
        "End image {image} of each solver with {counts} steps, and the reference. {parts}.",
        image=image + 1,
        counts=counts,
        parts=tr(joined(parts, "; ")),
    )


def smoothness_figure(result: ConvergenceResult, height: int = 420) -> go.Figure:
    """Second differences of the predicted x0 by spacing, with the slope 2 of a smooth function.

    Raises
    ------
    ValueError
        If the score is exact and so was not examined.
    """
    found = _examined(result)
    figure = new_figure(height, legend_rows=2)
    lines = [
        (tr("the network"), found.network, VERMILLION, "diamond"),
        (tr("the exact score, same places"), found.exact, BLUE, "circle"),
    ]
    for name, values, colour, marker in lines:
        if values is not None:
            figure.add_trace(
                go.Scatter(
                    x=typed(found.spacing),
                    y=typed(values),
                    mode="lines+markers",
                    line={"color": colour, "width": 2},
                    marker={"symbol": marker, "size": 9},
                    name=name,
                    hovertemplate=tr("spacing %{x:.3g}: %{y:.3g}") + "<extra>" + name + "</extra>",
                )
            )
    guide = found.network[-1] * (found.spacing / found.spacing[-1]) ** 2
    figure.add_trace(
        go.Scatter(
            x=typed(found.spacing),
            y=typed(guide),
            mode="lines",
            line={"color": NEUTRAL, "dash": "dot", "width": 1.5},
            name=tr("slope 2: a smooth function"),
            hoverinfo="skip",
        )
    )
    figure.add_hline(y=found.rounding, line={"color": NEUTRAL, "dash": "dash", "width": 1})
    figure.update_xaxes(title_text=tr("Spacing in λ"), **log_axis(found.spacing))
    every = np.concatenate([found.network, guide, [found.rounding]])
    figure.update_yaxes(title_text=tr("Second difference of α x0, relative"), **log_axis(every))
    return figure


def _examined(result: ConvergenceResult) -> Smoothness:
    if result.smoothness is None:
        raise ValueError("only a learned score is examined for roughness")
    return result.smoothness


def alt_smoothness(result: ConvergenceResult) -> str:
    """What the second differences say; errors as for :func:`smoothness_figure`."""
    found = _examined(result)
    exact = ""
    if found.exact is not None:
        exact = tr(", of the exact score {exact:.2g} to {exact2:.2g}", exact=found.exact[-1], exact2=found.exact[0])
    return tr(
        "Relative second differences of the network's prediction fall from {network:.2g} at "
        "spacing {spacing:.2g} to {network2:.2g} at {spacing2:.2g}{exact}; at the end with power "
        "{power:.2f}, where a smooth function has 2.",
        network=found.network[-1],
        spacing=found.spacing[-1],
        network2=found.network[0],
        spacing2=found.spacing[0],
        exact=exact,
        power=found.power,
    )


def lost_orders(result: ConvergenceResult) -> list[SolverErrors]:
    """The solvers whose measured order falls short of the one that our tests measure."""
    return [
        one
        for one in result.solvers
        if one.expected_order is not None and not float(one.order) > one.expected_order - 0.3
    ]
