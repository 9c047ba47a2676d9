"""One small plot of the numbers of each experiment: Python for a notebook, after its snippet, from its names alone."""

from typing import NamedTuple


class Plot(NamedTuple):
    """``curves`` is an expression in the names of the snippet, ``{label: (x values, y values)}``; x, y are titles."""

    curves: str
    x: str
    y: str
    log_x: bool = False
    log_y: bool = True


_AGAINST_STEPS = "{f'{name} {options or str()}': (step_counts, row) for (name, options), row in zip(solvers, errors)}"
_EACH_SOLVER = "[f'{name} {options or str()}' for name, options in solvers]"

PLOTS: dict[str, Plot] = {
    "trajectories": Plot(f"{{'error': ({_EACH_SOLVER}, errors)}}", "solver", "RMS distance to the reference"),
    "convergence": Plot(_AGAINST_STEPS, "steps", "RMS error", log_x=True),
    "solvers": Plot(_AGAINST_STEPS, "steps", "RMS error", log_x=True),
    "inversion": Plot(_AGAINST_STEPS, "steps", "RMS error of the round trip", log_x=True),
    "curvature": Plot(
        "{name: (list(range(len(each))), each.median(1).values.tolist()) for name, each in curvatures.items()}",
        "time, as the number of the grid point",
        "median curvature",
    ),
    "schedules": Plot(
        "{f'{name}, {label}': (list(range(len(times))), make_schedule(name).log_snr(times).tolist())"
        " for (name, label), times in grids.items()}",
        "step",
        "λ",
        log_y=False,
    ),
    "order_table": Plot(
        "{measure: ([', '.join(key[:4]) for key in orders if key[4] == measure],"
        " [float(found.order) for key, found in orders.items() if key[4] == measure])"
        " for measure in ('rms', 'median')}",
        "solver, options, schedule, time grid",
        "measured order",
        log_y=False,
    ),
    "grid_map": Plot(
        "{label: ([f'{key[0]} {key[1]}' for key in errors if key[2] == label],"
        " [found[0] for key, found in errors.items() if key[2] == label]) for label, *_ in grids}",
        "solver",
        "median error",
    ),
    "local_error": Plot(
        "{f'{name} {options or str()}': (list(range(1, len(row) + 1)), row.tolist())"
        " for (name, options), row in zip(solvers, local)}",
        "step",
        "error of the step",
    ),
    "recommend": Plot(
        "{f'{nfe} evaluations': ([f'{entry[1]} {entry[2]}, {entry[3]}' for entry in found[:12]],"
        " [entry[0].error for entry in found[:12]]) for nfe, found in leaders.items()}",
        "solver, options, time grid",
        "error",
    ),
    "precision": Plot(
        "{f'{name}, {precision}': (list(range(1, len(rows) + 1)), [row[0] for row in rows])"
        " for (name, _, precision), rows in errors.items()}",
        "step counts in turn",
        "RMS error",
    ),
    "time_grids": Plot(
        "{which: (list(errors), [pair[place] for pair in errors.values()])"
        " for place, which in enumerate(('training', 'held out'))}",
        "time grid",
        "median error",
    ),
    "guidance": Plot(
        "{name: ([scale for scale, other in errors if other == name],"
        " [found for (_, other), found in errors.items() if other == name]) for name, _ in solvers}",
        "scale of guidance",
        "RMS error",
    ),
    "noise": Plot(
        "{score: ([amount for which, amount in distances if which == score],"
        " [found for (which, _), found in distances.items() if which == score]) for score in problems}",
        "noise",
        "distance to the data",
        log_y=False,
    ),
    "sde_orders": Plot(
        "{f'{name}, {kind}': (step_counts, row) for kind, rows in (('strong', strong), ('weak', weak))"
        " for name, row in rows.items()}",
        "steps",
        "error",
        log_x=True,
    ),
    "bounds": Plot(
        "{f'{name}, {kind}': (sweeps[name], row) for kind, rows in (('exact error', errors), ('bound', bounds))"
        " for name, row in rows.items()}",
        "setting",
        "total variation",
        log_x=True,
    ),
    "boomerang": Plot(
        "{f'{name} {options or str()}': (list(range(1, len(row) + 1)), row)"
        " for (name, options), row in zip(solvers, distances)}",
        "how far back, in turn",
        "RMS distance to the input",
        log_y=False,
    ),
    "straightening": Plot(
        "{label: ([steps for which, steps in distances if which == label],"
        " [found for (which, _), found in distances.items() if which == label]) for label, *_ in flows}",
        "steps",
        "distance to the data",
        log_x=True,
    ),
}


_TOLERANCES = Plot("{'error': ([options['rtol'] for options in tried], errors)}", "tolerance", "RMS error", log_x=True)
_WEIGHTS = Plot(
    "{name: (list(range(1, one.shares.shape[-1] + 1)), one.shares[-1].tolist())"
    " for (name, _), one in zip(solvers, responses)}",
    "prediction",
    "its weight in the last step",
    log_y=False,
)


def plot_code(kind: str, code: str) -> str:
    """The plot of one kind of experiment, to run after its snippet ``code``; empty if that computes nothing to plot."""
    plot = PLOTS[kind]
    if kind == "solvers":  # what the page of one solver measures depends on the solver
        found = {"tried = [": _TOLERANCES, "step_counts = [": plot, "responses = [": _WEIGHTS}
        plot = next((other for name, other in found.items() if name in code), None)
        if plot is None:
            return ""
    axes = f'xaxis_title="{plot.x}", yaxis_title="{plot.y}"'
    types = [f'{axis}axis_type="log"' for axis, log in (("x", plot.log_x), ("y", plot.log_y)) if log]
    return (
        f"import plotly.graph_objects as go\n\ncurves = {plot.curves}\n"
        'lines = [go.Scatter(x=x, y=y, name=name, mode="lines+markers") for name, (x, y) in curves.items()]\n'
        f"go.Figure(lines).update_layout({', '.join([axes, *types])}, showlegend=True)"
    )
