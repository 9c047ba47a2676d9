"""The shown code of grids made for a problem."""

from core.analysis.optimal_grids import OPTIMISED
from core.experiments.build import IMAGE_TOLERANCE
from core.experiments.time_grids import TimeGridsSpec, grid_options, standard_grids, steps_of_spec
from core.experiments.trained import training_seed
from core.experiments.writing import model_text, reference_text, start_text


def write_time_grids(spec: TimeGridsSpec) -> str:
    """The solver's error on each grid: on the particles it was trained on, and on others."""
    toy = spec.data.kind == "toy"
    dtype = "torch.float64" if toy else "torch.float32"
    ends = "".join(f", {end}={getattr(spec, end)!r}" for end in ("t_start", "t_end") if getattr(spec, end) is not None)
    steps = steps_of_spec(spec)
    made = "\n".join(f"    ({name!r}, {grid_options(spec, name)!r})," for name in OPTIMISED)
    exact = f", rtol={IMAGE_TOLERANCE!r}, atol={IMAGE_TOLERANCE!r}"
    rougher = (
        ""
        if toy
        else f"""

def end_of(times, x):  # particles of images are float32
    return solve(problem, "reference", times, x.to({dtype}).double(){exact}).final

"""
    )
    return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
{rougher}training = train_on(problem, {spec.training}, {training_seed(spec.seed)}{ends}{"" if toy else ", end=end_of"})
grids = {{}}
for name in {list(standard_grids(spec))!r}:
    grids[name] = make_grid(name, problem.schedule, {steps}{ends})
made = [
{made}
]
for name, options in made:
    grids[name] = make_optimised(name, training, {steps}, **options)

times = grids["uniform-lambda"][[0, -1]]
{start_text(spec, dtype)}  # other particles: they judge
reference = {reference_text(spec.data, 1)}
errors = {{}}
for name, grid in grids.items():
    trained = solve(problem, "{spec.solver.name}", grid, training.x.to({dtype}), record=False).final
    judged = solve(problem, "{spec.solver.name}", grid, x_start, record=False).final
    errors[name] = median_error(trained, training.end), median_error(judged, reference.final)
    print(f"{{name}}: training {{errors[name][0]:.3g}}, held out {{errors[name][1]:.3g}}")
"""
