"""The error of every single step, and what the phases of a run add to its end error."""

import numpy as np
import plotly.graph_objects as go

from core.experiments.local_error import PHASES, LocalErrorResult, StepErrors
from core.figures.style import (
    DASHES,
    NEUTRAL,
    ORANGE,
    SKY,
    VERMILLION,
    Style,
    log_axis,
    new_figure,
    remark,
    solver_style,
    typed,
    wrapped,
)
from core.language import joined, mark, message, tr

WHAT = {
    "carried": mark("Error carried to the end (RMS)"),
    "local": mark("Error of the step itself (RMS, x / √(α²+σ²))"),
}
SYMBOLS = ("circle-open", "circle", "star")  # start-up, interior, last
HUES = (SKY, ORANGE, VERMILLION)


def steps_figure(result: LocalErrorResult, what: str = "carried", height: int = 520) -> go.Figure:
    """One line a solver over the steps; hollow marks are start-up steps, stars the last.

    Raises
    ------
    ValueError
        If ``what`` is not a key of ``WHAT``, or errors were not carried to the end and that is asked for.
    """
    _check(result, what)
    figure = new_figure(height + 24 * len(result.solvers), legend_rows=len(result.solvers))
    for one, style in zip(result.solvers, _looks(result), strict=True):
        errors = getattr(one, what)
        steps = np.arange(1, len(errors) + 1)
        figure.add_trace(
            go.Scatter(
                x=typed(steps),
                y=typed(np.where(errors > 0, errors, np.nan)),
                mode="lines+markers",
                line={"color": style.colour, "dash": style.dash, "width": 2},
                marker={
                    "symbol": [SYMBOLS[phase] for phase in one.phase],
                    "size": [14 if phase == 2 else 9 for phase in one.phase],
                    "color": style.colour,
                },
                name=one.choice.label,
                customdata=[
                    [tr(PHASES[p]), f"{lam:.2f}"] for p, lam in zip(one.phase, result.log_snr[1:], strict=True)
                ],
                hovertemplate=tr("step %{x:d} (%{customdata[0]}), to λ = %{customdata[1]}: %{y:.2e}<extra></extra>"),
            )
        )
    errors = [getattr(one, what) for one in result.solvers]
    figure.update_xaxes(
        title_text=tr("Step, noise to data"),
        dtick=max(1, result.spec.steps // 12),
        range=[0.5, result.spec.steps + 0.5],
    )
    figure.update_yaxes(title_text=tr(WHAT[what]), **log_axis(*errors))
    if not any((error > 0).any() for error in errors):
        remark(figure, tr("no error to show"))
    return figure


def phases_figure(result: LocalErrorResult) -> go.Figure:
    """What start-up, interior and last steps add at the end, all together, and the measured end error.

    Raises
    ------
    ValueError
        If errors were not carried to the end.
    """
    _check(result, "carried")
    figure = new_figure(130 + 70 * len(result.solvers), legend_rows=2)
    rows = np.arange(len(result.solvers))
    for phase, name in enumerate(PHASES):
        values = np.array([one.by_phase[phase] for one in result.solvers])
        there = values > 0  # a one-step method has no start-up
        figure.add_trace(
            go.Scatter(
                x=typed(values[there]),
                y=typed(rows[there] + 0.17 * phase - 0.32),
                mode="markers",
                marker={"symbol": SYMBOLS[phase], "size": 14, "color": HUES[phase], "line": {"width": 2}},
                name=tr("{phase} steps", phase=tr(name)) if phase < 2 else tr("last steps"),
                hovertemplate=f"{tr(name)}: %{{x:.2e}}<extra></extra>",
            )
        )
    for name, symbol, values in (
        (tr("all steps together"), "diamond-tall", [one.together for one in result.solvers]),
        (tr("measured end error"), "line-ns", [one.end for one in result.solvers]),
    ):
        figure.add_trace(
            go.Scatter(
                x=typed(values),
                y=typed(rows + 0.25),
                mode="markers",
                marker={"symbol": symbol, "size": 16, "color": NEUTRAL, "line": {"width": 3, "color": NEUTRAL}},
                name=name,
                hovertemplate=f"{name}: %{{x:.2e}}<extra></extra>",
            )
        )
    known = [np.array([*one.by_phase, one.together, one.end]) for one in result.solvers]
    for row in rows[1:]:
        figure.add_hline(y=row - 0.5, line={"color": NEUTRAL, "width": 0.5})
    figure.update_xaxes(title_text=tr("RMS error at the end"), **log_axis(*known))
    names = [wrapped(one.choice.label, 22) for one in result.solvers]
    figure.update_yaxes(tickvals=rows.tolist(), ticktext=names, range=[len(rows) - 0.5, -0.5], showgrid=False)
    return figure


def alt_steps(result: LocalErrorResult, what: str = "carried") -> str:
    """Which step costs each solver most, in words."""
    _check(result, what)
    parts = []
    for one in result.solvers:
        errors = getattr(one, what)
        if np.isfinite(errors).any():
            worst = int(np.nanargmax(errors))
            parts.append(
                tr(
                    "{solver} most in step {step} ({phase}, {most:.2g}), {first:.2g} in the first and "
                    "{last:.2g} in the last",
                    solver=one.choice.label,
                    step=worst + 1,
                    phase=tr(PHASES[one.phase[worst]]),
                    most=errors[worst],
                    first=errors[0],
                    last=errors[-1],
                )
            )
    return tr(
        "RMS error carried to the end at each of {steps} steps: {parts}."
        if what == "carried"
        else "RMS error of the step itself at each of {steps} steps: {parts}.",
        steps=result.spec.steps,
        parts=joined(parts, "; ") if parts else message("none to show"),
    )


def alt_phases(result: LocalErrorResult) -> str:
    """What each phase adds, in words."""
    _check(result, "carried")
    parts = [f"{one.choice.label} {_phases(one)}" for one in result.solvers]
    return tr("What the steps of each phase add to the end error (RMS): {parts}.", parts=tr(joined(parts, "; ")))


def _phases(one: StepErrors) -> str:
    said = [f"{tr(name)} {value:.2g}" for name, value in zip(PHASES, one.by_phase, strict=True) if value > 0]
    return tr(
        "{phases}; together {together:.2g}, measured {end:.2g}",
        phases=joined(said, ", "),
        together=one.together,
        end=one.end,
    )


def _check(result: LocalErrorResult, what: str) -> None:
    if what not in WHAT:
        raise ValueError(f"what must be one of {', '.join(WHAT)}, not {what!r}")
    if what == "carried" and not result.carried:
        raise ValueError("errors of a learned score are not carried to the end; ask for 'local'")


def _looks(result: LocalErrorResult) -> list[Style]:
    """The look of each solver; one that is there again with other options keeps its colour, not its dash."""
    looks, seen = [], []
    for one in result.solvers:
        style = solver_style(one.choice.name)
        again = seen.count(one.choice.name)
        looks.append(style._replace(dash=DASHES[(DASHES.index(style.dash) + again) % len(DASHES)]))
        seen.append(one.choice.name)
    return looks
