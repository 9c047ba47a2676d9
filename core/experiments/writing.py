"""Each experiment as Python text: what the user copies to compute a picture's numbers with ``core`` alone."""

from core.data import IMAGE_DATA
from core.experiments.build import CUSTOM_BANDWIDTH, NETWORK_REFERENCE, accuracy_of, is_exact, tolerances
from core.experiments.curvature import inner_steps
from core.experiments.specification import (
    CUSTOM,
    DRAWN,
    ConvergenceSpec,
    CurvatureSpec,
    Data,
    ImageData,
    SchedulesSpec,
    Setting,
    SolverChoice,
    Timed,
    TrajectoriesSpec,
)


def model_text(data: Data) -> str:
    """The line that builds ``model``."""
    label = "" if data.label is None else f", label={data.label}"
    if isinstance(data, ImageData):
        if data.guidance is not None:
            return _guided_text(data)
        return f'model = make_images("{data.name}"{label})  # {IMAGE_DATA[data.name].title}'
    if data.name == CUSTOM:
        points = ", ".join(f"({x!r}, {y!r})" for x, y in data.points)
        width = data.bandwidth or CUSTOM_BANDWIDTH
        return f"points = [{points}]\nmodel = mixture_from_points(points, bandwidth={width!r}, scale={data.scale!r})"
    if data.name == DRAWN:
        return f'model = mixture_from_drawing("{data.drawing}", scale={data.scale!r})'
    if data.guidance is not None:
        return _guided_text(data)
    width = "" if data.bandwidth is None else f", bandwidth={data.bandwidth!r}"
    return f'model = make_toy("{data.name}", scale={data.scale!r}{width}{label})'


def family_text(data: Data) -> str:
    """The models of the labelled data as an expression."""
    if isinstance(data, ImageData):
        return f'image_family("{data.name}")'
    width = "" if data.bandwidth is None else f", bandwidth={data.bandwidth!r}"
    return f'toy_family("{data.name}", scale={data.scale!r}{width})'


def _guided_text(data: Data) -> str:
    options = "".join(f", {key}={value!r}" for key, value in data.guidance.options)
    return f'family = {family_text(data)}\nmodel = GUIDANCE["{data.guidance.name}"].make(family, {data.label}{options})'


def grid_text(spec: Timed, steps: str) -> str:
    """The times of a run as an expression."""
    ends = "".join(f", {end}={getattr(spec, end)!r}" for end in ("t_start", "t_end") if getattr(spec, end) is not None)
    options = "".join(f", {key}={value!r}" for key, value in spec.grid.options)
    return f'make_grid("{spec.grid.name}", problem.schedule, {steps}{ends}{options})'


def reference_text(data: Data, intervals: int, record: bool = False) -> str:
    """The reference solution as an expression; see ``reference_run``."""
    kept = "" if record else ", record=False"
    if not is_exact(data):
        solver, least = NETWORK_REFERENCE
        inner = -(-least // intervals)
        fine = f"refine(problem.schedule, times, {inner})" if inner > 1 else "times"
        return f'solve(problem, "{solver}", {fine}, x_start.double(){kept}, start="single-step")'
    tolerance = "".join(f", {key}={value}" for key, value in tolerances(data).items())
    return f'solve(problem, "reference", times, x_start.double(){kept}{tolerance})'


def floor_text(data: Data) -> str:
    """The line that measures ``floor``, below which the reference or rounding decides; see ``run_convergence``."""
    if not is_exact(data):
        solver, least = NETWORK_REFERENCE
        fine = f"refine(problem.schedule, times[[0, -1]], {least // 2})"
        check = f'solve(problem, "{solver}", {fine}, x_start.double(), record=False, start="single-step")'
    else:
        loose = 10 * accuracy_of(data)
        other = f"rtol={loose!r}, atol={loose!r}" if tolerances(data) else 'variable="scaled"'
        check = f'solve(problem, "reference", times[[0, -1]], x_start.double(), record=False, {other})'
    return f"""check = {check}  # the same solution found in another way
rounding = torch.finfo(x_start.dtype).eps * float(reference.final.square().mean().sqrt())
floor = max(rms_error(check.final, reference.final), rounding)  # errors near it say nothing of a solver"""


def start_text(spec: Setting, dtype: str) -> str:
    """The line that draws ``x_start``, the noise at the first of ``times``."""
    return f"x_start = problem.sample_prior({spec.particles}, times[0], seed={spec.seed}, dtype={dtype})"


def solver_text(choice: SolverChoice) -> str:
    """One entry of the list ``solvers``: name and options."""
    options = ", ".join(f"{key!r}: {value!r}" for key, value in choice.options)
    return f'    ("{choice.name}", {{{options}}}),'


def _precision(data: Data) -> str:
    return "torch.float64" if data.kind == "toy" else "torch.float32"


def write_trajectories(spec: TrajectoriesSpec) -> str:
    """Each solver's run and its error at the end."""
    solvers = "\n".join(map(solver_text, spec.solvers))
    placed = "" if spec.start is None else _placed_text(spec)
    return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
times = {grid_text(spec, f"steps={spec.steps}")}
{start_text(spec, _precision(spec.data))}
reference = {reference_text(spec.data, spec.steps)}

solvers = [
{solvers}
]
runs, errors = [], []
for name, options in solvers:
    run = solve(problem, name, times, x_start, seed={spec.seed}, **options)
    runs.append(run)
    errors.append(rms_error(run.final, reference.final))
    print(f"{{name}}: {{run.nfe}} evaluations, RMS distance to the reference {{errors[-1]:.3g}}", run.message)
{placed}"""


def _placed_text(spec: TrajectoriesSpec) -> str:
    x, y, step = spec.start
    return f"""
point = torch.tensor([[{x}, {y}]], dtype=torch.float64)
placed = [solve(problem, name, times[{step}:], point, seed={spec.seed}, **options) for name, options in solvers]
print("from the placed point:", *(run.final[0].tolist() for run in placed))
"""


def write_convergence(spec: ConvergenceSpec) -> str:
    """Each solver's errors by step count."""
    solvers = "\n".join(map(solver_text, spec.solvers))
    dtype = f"torch.{spec.precision}" if spec.data.kind == "toy" else "torch.float32"
    again = f"solve(problem, name, grid, x_start, seed={spec.seed}, record=False, **options)"
    timing = f"""        seconds = min({again}.seconds for _ in range(3))  # differs from run to run
        print(f"{{name}}, {{steps}} steps: {{1000 * seconds:.3g}} ms, error {{row[-1]:.3g}}")
"""
    return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
times = {grid_text(spec, f"steps={spec.path_steps}")}
{start_text(spec, dtype)}
reference = {reference_text(spec.data, spec.path_steps)}
{floor_text(spec.data)}

solvers = [
{solvers}
]
step_counts = {list(spec.step_counts)}
errors = []
for name, options in solvers:
    row = []
    for steps in step_counts:
        grid = {grid_text(spec, "steps")}
        run = solve(problem, name, grid, x_start, seed={spec.seed}, record=False, **options)
        row.append(rms_error(run.final, reference.final))
{timing if spec.timed else ""}    errors.append(row)
    order = convergence_order(step_counts, row, floor)
    print(f"{{name}}: order {{order:.2f}} ({{order.reason}})", row)
"""


def write_curvature(spec: CurvatureSpec) -> str:
    """Bends, twists, straightness and principal components under each schedule; then of the data beside."""
    beside = "" if spec.other is None else f"\n# {spec.beside}, to compare with\n{_shapes(spec.other, 'beside_')}"
    return f"{_shapes(spec)}{beside}"


def _shapes(spec: CurvatureSpec, prefix: str = "") -> str:
    inner, accuracy, twists = inner_steps(spec), accuracy_of(spec.data), spec.data.numbers > 2
    names = [f"{prefix}{name}" for name in ("curvatures", "torsions", "straight", "turnings", "shares", "heights")]
    curvatures, torsions, straight, turnings, shares, heights = names
    target = f"{curvatures}[name]" + (f", {torsions}[name]" if twists else "")
    if not is_exact(spec.data):
        bend = f"polyline_curvature(nodes, {accuracy!r}), polyline_torsion(nodes, {accuracy!r})"
    else:
        bend = f"{'flow_bends' if twists else 'flow_curvature'}(problem, bends, nodes)"
    kept = [name for name in names if twists or name != torsions]
    return f"""{model_text(spec.data)}
{", ".join(kept)} = {", ".join(["{}"] * len(kept))}
for name in {list(spec.schedules)}:
    problem = Problem(model, make_schedule(name))
    bends = make_grid("uniform-lambda", problem.schedule, {spec.nodes})
    times = refine(problem.schedule, bends, {inner})  # for the integral over time
    {start_text(spec, _precision(spec.data))}
    run = {reference_text(spec.data, inner * spec.nodes, record=True)}
    nodes = run.states[::{inner}]
    {target} = {bend}
    {straight}[name] = straightness(run)
    {turnings}[name] = {curvatures}[name] * path_length(run)
    components, {shares}[name] = principal_components(nodes)
    {heights}[name] = chord_frame(nodes, {accuracy!r}).height
    print(name, "median curvature", {curvatures}[name].median(), "mean straightness", {straight}[name].mean())
    print("  variance in three components", {shares}[name].mean(0), "unlikeness", shape_spread({heights}[name]))
"""


def write_schedules(spec: SchedulesSpec) -> str:
    """Each schedule's quantities and each grid's times."""
    grids = "\n".join(f'    ("{grid}", "{grid.name}", {dict(grid.options)!r}),' for grid in spec.grids)
    return f"""chosen = [
{grids}
]
grids = {{}}
for name in {list(spec.schedules)}:
    schedule = make_schedule(name)
    t = torch.linspace(schedule.t_min, schedule.t_max, 9, dtype=torch.float64)
    print(name, "alpha", schedule.alpha(t), "sigma", schedule.sigma(t), "lambda", schedule.log_snr(t))
    print("  f", schedule.f(t), "g^2", schedule.g_squared(t))
    for label, grid, options in chosen:
        if GRIDS[grid].fits(schedule):
            grids[name, label] = make_grid(grid, schedule, {spec.steps}, **options)
"""
