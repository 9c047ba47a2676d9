"""The shown code of the experiments on errors: orders, maps of end errors, errors of single steps, precision."""

from collections.abc import Iterable

from core.experiments.build import NETWORK_REFERENCE, accuracy_of, is_exact
from core.experiments.grid_map import GridMapSpec, fixed_step_solvers, grids_of
from core.experiments.local_error import LocalErrorSpec, carry_tolerance
from core.experiments.order_table import OrderTableSpec
from core.experiments.precision import PrecisionSpec
from core.experiments.specification import GridChoice, SolverChoice
from core.experiments.writing import grid_text, model_text, reference_text, solver_text, start_text
from core.solvers import SOLVERS


def write_order_table(spec: OrderTableSpec) -> str:
    """The order of each solver under each schedule and on each grid, with its interval."""
    dtype = "torch.float64" if spec.data.kind == "toy" else "torch.float32"
    middle = spec.begin == "middle"
    begin = "float(problem.schedule.time_of(0.0))" if middle else "None"
    ends = 'torch.cat([make_grid("uniform-lambda", problem.schedule, 1)[:1], grid_times[[0, -1]]])'
    return f"""{model_text(spec.data)}
solvers = [
{_lines(map(solver_text, spec.solvers))}
]
grids = [
{_lines(map(_named_grid, spec.grids))}
]
step_counts = {list(spec.step_counts)}
orders = {{}}
for schedule in {list(spec.schedules)}:
    problem, references = Problem(model, make_schedule(schedule)), {{}}
    for label, grid, grid_options in grids:
        for name, options in solvers:
            errors, floor = [], 0.0
            for steps in step_counts:
                grid_times = make_grid(grid, problem.schedule, steps, {begin}, **grid_options)
                times = {ends if middle else "grid_times[[0, -1]]"}
                if tuple(times.tolist()) not in references:
                    {start_text(spec, dtype)}
                    references[tuple(times.tolist())] = {reference_text(spec.data, 2 if middle else 1, record=True)}
                reference = references[tuple(times.tolist())]
                x_start = reference.states[-2].to({dtype})  # on the path, where the run begins
                run = solve(problem, name, grid_times, x_start, seed={spec.seed}, record=False, **options)
                errors.append(particle_error(run.final, reference.final))
                size = float(reference.final.square().mean().sqrt())
                floor = max(floor, size * max({accuracy_of(spec.data)!r}, torch.finfo({dtype}).eps))
            for measure in ("rms", "median"):
                measured = order_interval(step_counts, torch.stack(errors), floor, measure)
                orders[name, str(options), schedule, label, measure] = measured
                print(name, options, schedule, label, f"{{measure}}: order {{measured.order:.2f}},", end=" ")
                print(f"from {{measured.low:.2f}} to {{measured.high:.2f}} ({{measured.order.reason}})")
"""


def write_grid_map(spec: GridMapSpec) -> str:
    """The end error of every solver on every grid for one budget."""
    dtype = "torch.float64" if spec.data.kind == "toy" else "torch.float32"
    middle = spec.begin == "middle"
    begin = "float(problem.schedule.time_of(0.0))" if middle else "None"
    ends = 'torch.cat([make_grid("uniform-lambda", problem.schedule, 1)[:1], grid_times[[0, -1]]])'
    return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
solvers = [  # with the most steps that the budget allows
{_lines(_within(choice, spec.nfe) for choice in spec.solvers or fixed_step_solvers(spec.data))}
]
grids = [
{_lines(map(_named_grid, grids_of(spec)))}
]
errors, references = {{}}, {{}}
for name, options, steps in solvers:
    for label, grid, grid_options in grids:
        for steps in range(steps, 0, -1):
            try:
                grid_times = make_grid(grid, problem.schedule, steps, {begin}, **grid_options)
            except ValueError as reason:
                print(name, options, label, reason)
                break
            times = {ends if middle else "grid_times[[0, -1]]"}
            if tuple(times.tolist()) not in references:
                {start_text(spec, dtype)}
                references[tuple(times.tolist())] = {reference_text(spec.data, 2 if middle else 1, record=True)}
            reference = references[tuple(times.tolist())]
            x_start = reference.states[-2].to({dtype})  # on the path, where the run begins
            run = solve(problem, name, grid_times, x_start, seed={spec.seed}, record=False, **options)
            if run.nfe <= {spec.nfe}:
                found = particle_error(run.final, reference.final)
                median, rms = float(found.quantile(0.5)), float(found.square().mean().sqrt())
                errors[name, str(options), label] = median, rms
                print(f"{{name}} {{options}}, {{label}}: {{steps}} steps, median {{median:.3g}}, RMS {{rms:.3g}}")
                break
"""


def write_local_error(spec: LocalErrorSpec) -> str:
    """The error of every single step, and what it is at the end."""
    dtype = "torch.float64" if spec.data.kind == "toy" else "torch.float32"
    carried = f"""
ends = torch.cat([one.ends for one in stepped], dim=1)  # all solvers at once
carried = carry_to_end(problem, times, ends, states, rtol={carry_tolerance(spec)!r})
for (name, options), grown in zip(solvers, carried.split({spec.particles}, dim=1)):
    print(name, options, "carried to the end:", grown.flatten(1).square().mean(1).sqrt())
"""
    return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
times = {grid_text(spec, f"steps={spec.steps}")}
{start_text(spec, dtype)}
reference = {reference_text(spec.data, spec.steps, record=True)}
states = reference.states{"" if is_exact(spec.data) else f"[::{-(-NETWORK_REFERENCE[1] // spec.steps)}]"}
units = torch.hypot(problem.schedule.alpha(times), problem.schedule.sigma(times))[1:]

solvers = [
{_lines(map(solver_text, spec.solvers))}
]
stepped, local = [], []
for name, options in solvers:
    stepped.append(local_steps(problem, name, times, states, **options))
    errors = (stepped[-1].ends - states[1:]).flatten(1).square().mean(1).sqrt() / units
    local.append(errors)
    print(name, options, "error of each step:", errors)
{carried if is_exact(spec.data) else ""}"""


def write_precision(spec: PrecisionSpec) -> str:
    """Each solver's errors in each precision, and how much of them is rounding."""
    dtype = "torch.float64" if spec.data.kind == "toy" else "torch.float32"
    dtypes = ", ".join(f'"{name}": torch.{name}' for name in spec.precisions)
    return f"""{model_text(spec.data)}
exact = Problem(model, make_schedule("{spec.schedule}"))
problem = Problem(HalfPrecision(model), exact.schedule)  # half precision: rounded input and output of the model
dtypes = {{{dtypes}}}
solvers = [
{_lines(map(solver_text, spec.solvers))}
]
errors, references = {{}}, {{}}
for name, options in solvers:
    for precision, dtype in dtypes.items():
        rows = []
        for steps in {list(spec.step_counts)}:
            grid_times = {grid_text(spec, "steps")}
            times = grid_times[[0, -1]]
            {start_text(spec, dtype)}
            x_start, ends = x_start.to(dtype), (precision, *times.tolist())
            if ends not in references:
                references[ends] = {reference_text(spec.data, 1).replace("problem, ", "exact, ", 1)}.final
            reference = references[ends]
            low = solve(problem, name, grid_times, x_start, seed={spec.seed}, record=False, **options).final
            high = solve(problem, name, grid_times, x_start.double(), seed={spec.seed}, record=False, **options).final
            rows.append((rms_error(low, reference), rms_error(high, reference), rms_error(low, high)))
            print(name, options, precision, f"{{steps}} steps: error {{rows[-1][0]:.2e}}, rounding {{rows[-1][2]:.2e}}")
        errors[name, str(options), precision] = rows
"""


def _within(choice: SolverChoice, nfe: int) -> str:
    return f"    ({choice.name!r}, {dict(choice.options)!r}, {SOLVERS[choice.name].steps_within(nfe)}),"


def _lines(entries: Iterable[str]) -> str:
    return "\n".join(entries)


def _named_grid(grid: GridChoice) -> str:
    return f'    ("{grid}", "{grid.name}", {dict(grid.options)!r}),'
