"""The Python that computes a picture's numbers with ``core`` alone, for the user to copy."""

from collections.abc import Callable

from core.data import IMAGE_DATA
from core.experiments.build import CUSTOM_BANDWIDTH, IMAGE_TOLERANCE, NETWORK_REFERENCE, accuracy_of, is_exact
from core.experiments.curvature import STRAIGHT_STEPS
from core.experiments.specification import (
    CUSTOM,
    ConvergenceSpec,
    CurvatureSpec,
    Data,
    ImageData,
    SchedulesSpec,
    SolverChoice,
    Specification,
    Timed,
    TrajectoriesSpec,
)

_FROM = {
    "make_toy": "core.data",
    "make_images": "core.data",
    "mixture_from_points": "core.data",
    "make_grid": "core.grids",
    "refine": "core.grids",
    "make_schedule": "core.schedules",
    "Problem": "core.problem",
    "solve": "core.solve",
    "rms_error": "core.analysis",
    "convergence_order": "core.analysis",
    "path_curvature": "core.analysis",
    "straightness": "core.analysis",
}


def snippet(spec: Specification) -> str:
    """Runnable Python for a specification, from the public functions of ``core``; it repeats the numbers exactly."""
    body = _WRITERS[spec.kind](spec)
    return f"{_imports(body)}\n\n{body}"


def _imports(body: str) -> str:
    wanted: dict[str, list[str]] = {}
    for name, module in _FROM.items():
        if f"{name}(" in body:
            wanted.setdefault(module, []).append(name)
    lines = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(wanted.items())]
    return "\n".join((["import torch", ""] if "torch." in body else []) + lines)


def _model(data: Data) -> str:
    if isinstance(data, ImageData):
        label = "" if data.label is None else f", label={data.label}"
        return f'model = make_images("{data.name}"{label})  # {IMAGE_DATA[data.name].title}'
    if data.name == CUSTOM:
        points = ", ".join(f"({x!r}, {y!r})" for x, y in data.points)
        width = data.bandwidth or CUSTOM_BANDWIDTH
        return f"points = [{points}]\nmodel = mixture_from_points(points, bandwidth={width!r}, scale={data.scale!r})"
    width = "" if data.bandwidth is None else f", bandwidth={data.bandwidth!r}"
    return f'model = make_toy("{data.name}", scale={data.scale!r}{width})'


def _grid(spec: Timed, steps: str) -> str:
    ends = "".join(f", {end}={getattr(spec, end)!r}" for end in ("t_start", "t_end") if getattr(spec, end) is not None)
    rho = "".join(f", {key}={value!r}" for key, value in spec.grid_options.items())
    return f'make_grid("{spec.grid}", problem.schedule, {steps}{ends}{rho})'


def _reference(data: Data, times: str, intervals: str, record: bool) -> str:
    """The reference solution as an expression; see ``reference_run``."""
    if not is_exact(data):
        solver, least = NETWORK_REFERENCE
        fine = f"refine(problem.schedule, {times}, max(2, -(-{least} // {intervals})))"
        return f'solve(problem, "{solver}", {fine}, x_start, start="single-step")'
    tolerance = f", rtol={IMAGE_TOLERANCE}, atol={IMAGE_TOLERANCE}" if data.kind == "images" else ""
    start = "x_start" if data.kind == "toy" else "x_start.double()"
    return f'solve(problem, "reference", {times}, {start}{"" if record else ", record=False"}{tolerance})'


def _start(spec: Timed, dtype: str) -> str:
    return f"x_start = problem.sample_prior({spec.particles}, times[0], seed={spec.seed}, dtype={dtype})"


def _solver(choice: SolverChoice) -> str:
    options = ", ".join(f"{key!r}: {value!r}" for key, value in choice.options)
    return f'    ("{choice.name}", {{{options}}}),'


def _precision(data: Data) -> str:
    return "torch.float64" if data.kind == "toy" else "torch.float32"


def _trajectories(spec: TrajectoriesSpec) -> str:
    solvers = "\n".join(map(_solver, spec.solvers))
    return f"""{_model(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
times = {_grid(spec, f"steps={spec.steps}")}
{_start(spec, _precision(spec.data))}
reference = {_reference(spec.data, "times", str(spec.steps), record=False)}

solvers = [
{solvers}
]
runs, errors = [], []
for name, options in solvers:
    run = solve(problem, name, times, x_start, seed={spec.seed}, **options)
    runs.append(run)
    errors.append(rms_error(run.final, reference.final))
    print(f"{{name}}: {{run.nfe}} evaluations, RMS distance to the reference {{errors[-1]:.3g}}", run.message)
"""


def _convergence(spec: ConvergenceSpec) -> str:
    solvers = "\n".join(map(_solver, spec.solvers))
    dtype = f"torch.{spec.precision}" if spec.data.kind == "toy" else "torch.float32"
    reference = _reference(spec.data, "times", str(spec.path_steps), record=False)
    if spec.data.kind == "toy":
        reference = reference.replace("x_start", "x_start.double()")
    return f"""{_model(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
times = {_grid(spec, f"steps={spec.path_steps}")}
{_start(spec, dtype)}
reference = {reference}

solvers = [
{solvers}
]
step_counts = {list(spec.step_counts)}
errors = []
for name, options in solvers:
    row = []
    for steps in step_counts:
        grid = {_grid(spec, "steps")}
        run = solve(problem, name, grid, x_start, seed={spec.seed}, record=False, **options)
        row.append(rms_error(run.final, reference.final))
    errors.append(row)
    order = convergence_order(step_counts, row)
    print(f"{{name}}: order {{order:.2f}} ({{order.reason}})", row)
"""


def _curvature(spec: CurvatureSpec) -> str:
    record = _reference(spec.data, "times", "(len(times) - 1)", record=True)
    return f"""{_model(spec.data)}
curvatures, straight = {{}}, {{}}
for name in {list(spec.schedules)}:
    problem = Problem(model, make_schedule(name))
    times = make_grid("uniform-lambda", problem.schedule, {spec.nodes})
    x_start = problem.sample_prior({spec.particles}, times[0], seed={spec.seed}, dtype={_precision(spec.data)})
    run = {record}
    curvatures[name] = path_curvature(run, accuracy={accuracy_of(spec.data)!r})

    times = make_grid("uniform-t", problem.schedule, {min(STRAIGHT_STEPS, 2 * spec.nodes)})
    straight[name] = straightness({record})
    print(name, "median curvature", curvatures[name].median(), "mean straightness", straight[name].mean())
"""


def _schedules(spec: SchedulesSpec) -> str:
    return f"""grids = {{}}
for name in {list(spec.schedules)}:
    schedule = make_schedule(name)
    t = torch.linspace(schedule.t_min, schedule.t_max, 9, dtype=torch.float64)
    print(name, "alpha", schedule.alpha(t), "sigma", schedule.sigma(t), "lambda", schedule.log_snr(t))
    print("  f", schedule.f(t), "g^2", schedule.g_squared(t))
    for grid in {list(spec.grids)}:
        options = {{"rho": {spec.rho!r}}} if grid == "karras" else {{}}
        grids[name, grid] = make_grid(grid, schedule, {spec.steps}, **options)
"""


_WRITERS: dict[str, Callable[..., str]] = {
    "trajectories": _trajectories,
    "convergence": _convergence,
    "curvature": _curvature,
    "schedules": _schedules,
}
