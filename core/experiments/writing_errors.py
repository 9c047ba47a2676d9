"""The shown code of the experiments on errors: orders, maps of end errors, errors of single steps, precision."""

from core.experiments.build import accuracy_of
from core.experiments.order_table import OrderTableSpec
from core.experiments.writing import model_text, reference_text, solver_text, start_text


def write_order_table(spec: OrderTableSpec) -> str:
    """The order of each solver under each schedule and on each grid, with its interval."""
    solvers = "\n".join(map(solver_text, spec.solvers))
    dtype = "torch.float64" if spec.data.kind == "toy" else "torch.float32"
    middle = "times = torch.stack([times[0], problem.schedule.time_of(0.0), times[-1]])\n    "
    return f"""{model_text(spec.data)}
solvers = [
{solvers}
]
step_counts = {list(spec.step_counts)}
orders = {{}}
for schedule in {list(spec.schedules)}:
    problem = Problem(model, make_schedule(schedule))
    times = make_grid("uniform-lambda", problem.schedule, 1)
    {middle if spec.begin == "middle" else ""}{start_text(spec, dtype)}
    reference = {reference_text(spec.data, 2 if spec.begin == "middle" else 1, record=True)}
    x_start = reference.states[-2].to(x_start)  # on the path, where the runs begin
    size = float(reference.final.square().mean().sqrt())
    floor = size * max({accuracy_of(spec.data)!r}, torch.finfo({dtype}).eps)
    for grid in {list(spec.grids)}:
        for name, options in solvers:
            errors = []
            for steps in step_counts:
                grid_times = make_grid(grid, problem.schedule, steps, t_start=float(times[-2]))
                run = solve(problem, name, grid_times, x_start, seed={spec.seed}, record=False, **options)
                errors.append(particle_error(run.final, reference.final))
            for measure in ("rms", "median"):
                measured = order_interval(step_counts, torch.stack(errors), floor, measure)
                orders[name, str(options), schedule, grid, measure] = measured
                print(name, options, schedule, grid, f"{{measure}}: order {{measured.order:.2f}},", end=" ")
                print(f"from {{measured.low:.2f}} to {{measured.high:.2f}} ({{measured.order.reason}})")
"""
