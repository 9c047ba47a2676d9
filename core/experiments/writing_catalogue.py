"""The shown code of a solver's card: its errors, and its weights on the grid."""

from pydantic import ValidationError

from core.experiments.build import build_problem, grid_of
from core.experiments.cards import convergence_spec, tolerances, versions, weights_of
from core.experiments.catalogue import WIDTHS, CatalogueSpec
from core.experiments.specification import SolverChoice
from core.experiments.writing import model_text, reference_text, solver_text, start_text, write_convergence
from core.solvers import SOLVERS


def write_catalogue(spec: CatalogueSpec) -> str:
    """The errors that the order is measured from, and the weights in each step of the grid."""
    info = SOLVERS[spec.solver.name]
    if info.adaptive:
        return _by_tolerance(spec)
    errors = _by_variance(spec) if info.stochastic else _by_steps(spec)
    problem = build_problem(spec.data, spec.schedule)
    times = grid_of(spec, problem, spec.steps)
    weighed = tuple(choice for choice in versions(spec.solver) if weights_of(problem, choice, times)[0] is not None)
    return f"{errors}\n{_weights(spec, weighed)}" if weighed else errors


def _by_steps(spec: CatalogueSpec) -> str:
    """The errors by step count; where the grid allows no order, what the weights need alone."""
    try:
        return write_convergence(convergence_spec(spec, versions(spec.solver)))
    except ValidationError:
        return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
"""


def _weights(spec: CatalogueSpec, choices: tuple[SolverChoice, ...]) -> str:
    return f"""{_solvers(choices)}
responses = []
for name, options in solvers:
    response = respond(problem, name, {_grid(spec, spec.steps)}, **options)
    responses.append(response)
    print(f"{{name}}: weights of the predictions of {{response.kind}} in each step, as shares of their whole")
    print(response.shares.round(4))
"""


def _grid(spec: CatalogueSpec, steps: object) -> str:
    ends = f"{spec.t_start!r}, {spec.t_end!r}"
    options = "".join(f", {key}={value!r}" for key, value in spec.grid.options)
    return f'make_grid("{spec.grid.name}", problem.schedule, {steps}, {ends}{options})'


def _solvers(choices: tuple[SolverChoice, ...]) -> str:
    return "solvers = [\n" + "\n".join(map(solver_text, choices)) + "\n]"


def _by_tolerance(spec: CatalogueSpec) -> str:
    tried = "\n".join(f"    {options!r}," for options in tolerances(spec.solver))
    dtype = "torch.float64" if spec.data.kind == "toy" else "torch.float32"
    return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
times = {_grid(spec, 1)}
{start_text(spec, dtype)}
reference = {reference_text(spec.data, 1)}

tried = [
{tried}
]
errors = []
for options in tried:
    run = solve(problem, "{spec.solver.name}", times, x_start, seed={spec.seed}, record=False, **options)
    errors.append(rms_error(run.final.double(), reference.final))
    print(f"tolerance {{options['rtol']:g}}: {{run.nfe}} evaluations, RMS error {{errors[-1]:.3g}}")
"""


def _by_variance(spec: CatalogueSpec) -> str:
    widths = [width for width in WIDTHS if width > 0]
    return f"""widths = torch.tensor({widths}, dtype=torch.float64)
model = GaussianMixture(torch.zeros(1, {len(widths)}), covariances=torch.diag(widths**2)[None])
problem = Problem(model, make_schedule("{spec.schedule}"))


def true_width(t):
    return (problem.schedule.alpha(t) ** 2 * widths**2 + problem.schedule.sigma(t) ** 2).sqrt()


{_solvers(versions(spec.solver))}
step_counts = {list(spec.step_counts)}
errors = []
for name, options in solvers:
    row = []
    for steps in step_counts:
        times = {_grid(spec, "steps")}
        end = spread(problem, name, times, true_width(times[0]), **options)
        ratio = end.width / true_width(times[-1])
        row.append(float((ratio**2 - 1).square().mean().sqrt()))
    errors.append(row)
    order = convergence_order(step_counts, row)
    print(f"{{name}}: order {{order:.2f}} ({{order.reason}})", row)
"""
