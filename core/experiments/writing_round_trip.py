"""The shown code of the experiments that begin with data: encoded and decoded, or noised and carried back."""

from core.experiments.boomerang import BoomerangSpec, level_times
from core.experiments.inversion import FLOOR, InversionSpec
from core.experiments.pictured import clean_text
from core.experiments.writing import grid_text, model_text, solver_text
from core.schedules import make_schedule


def write_inversion(spec: InversionSpec) -> str:
    """Each solver's round-trip error by step count, its order, and what its latents are like."""
    dtype = "torch.float64" if spec.data.kind == "toy" else "torch.float32"
    noise = f" + problem.sample_prior({spec.particles}, t_end, seed={spec.seed}, dtype={dtype})" if spec.dither else ""
    solvers = "\n".join(map(solver_text, spec.solvers))
    return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))


def grid(steps):
    return {grid_text(spec, "steps")}


t_start, t_end = float(grid({spec.steps})[0]), float(grid({spec.steps})[-1])
{clean_text(spec, dtype)}
x_end = problem.level(t_end).alpha * clean{noise}

solvers = [
{solvers}
]
step_counts = {list(spec.counts)}
errors, latents = [], []
for name, options in solvers:
    row = []
    for steps in step_counts:
        latent = encode(problem, name, grid(steps), x_end, **options).final
        back = decode(problem, name, grid(steps), latent, **options).final
        row.append(rms_error(back, x_end))
        if steps == {spec.steps}:
            latents.append(latent_statistics(latent.cpu(), problem.level(t_start).sigma))
    errors.append(row)
    order = convergence_order(step_counts, row, {FLOOR[spec.data.kind]!r})
    print(f"{{name}}: order {{order:.2f}} ({{order.reason}})", row, latents[-1])
"""


def write_boomerang(spec: BoomerangSpec) -> str:
    """Each solver's distance to the input from every level."""
    dtype = "torch.float64" if spec.data.kind == "toy" else "torch.float32"
    solvers = "\n".join(map(solver_text, spec.solvers))
    end = "" if spec.t_end is None else f", t_end={spec.t_end!r}"
    options = "".join(f", {key}={value!r}" for key, value in spec.grid.options)
    levels = ", ".join(map(repr, level_times(spec, make_schedule(spec.schedule))))
    return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
{clean_text(spec, dtype)}

solvers = [
{solvers}
]
distances = []
for name, options in solvers:
    row = []
    for t in [{levels}]:
        times = make_grid("{spec.grid.name}", problem.schedule, {spec.steps}, t_start=t{end}{options})
        noise = problem.sample_prior({spec.particles}, times[0], seed={spec.seed}, dtype={dtype})
        noised = problem.level(times[0]).alpha * clean + noise
        back = solve(problem, name, times, noised, seed={spec.seed}, record=False, **options).final.cpu()
        row.append(rms_error(back, clean))
        print(f"{{name}} from t = {{t:.3g}}: RMS distance to the input {{row[-1]:.3g}}")
    distances.append(row)
"""
