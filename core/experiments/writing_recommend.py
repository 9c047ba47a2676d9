"""The shown code of the recommendation: a first round of few particles, then the leaders on all."""

from core.experiments.build import accuracy_of
from core.experiments.recommend import LEADERS, SCREEN_DRAWS, RecommendSpec
from core.experiments.writing import model_text, reference_text, solver_text, start_text


def write_recommend(spec: RecommendSpec) -> str:
    """The ranking within each budget."""
    dtype = f"torch.{spec.precision}" if spec.data.kind == "toy" else "torch.float32"
    pairs = spec.candidates()
    solvers = "\n".join(solver_text(choice) for choice in dict.fromkeys(choice for choice, _ in pairs))
    grids = "\n".join(
        f'    ("{grid}", "{grid.name}", {dict(grid.options)!r}),' for grid in dict.fromkeys(grid for _, grid in pairs)
    )
    budgets = list(dict.fromkeys((spec.nfe, *spec.budgets)))
    few, shared = spec.few, f'"{spec.measure}", floor'
    return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
ends = {{"t_start": {spec.t_start!r}, "t_end": {spec.t_end!r}}}
times = make_grid("uniform-t", problem.schedule, 1, **ends)
{start_text(spec, dtype)}
reference = {reference_text(spec.data, 1)}.final.cpu()
size = float(reference.square().mean().sqrt())
floor = size * max({accuracy_of(spec.data)!r}, torch.finfo({dtype}).eps)  # smaller differences are none

solvers = [
{solvers}
]
grids = [
{grids}
]


def error_within(nfe, count, name, options, grid, grid_options):
    \"\"\"Error of each particle with as many steps as the budget allows; NaN where there is no such run.\"\"\"
    for steps in range(SOLVERS[name].steps_within(nfe), 0, -1):
        try:
            run_times = make_grid(grid, problem.schedule, steps, **ends, **grid_options)
            if not torch.equal(run_times[[0, -1]], times):
                break
            run = solve(problem, name, run_times, x_start[:count], seed={spec.seed}, record=False, **options)
        except ValueError as reason:
            print(name, options, grid, reason)
            break
        if run.nfe <= nfe:
            return particle_error(run.final.cpu(), reference[:count])
    return torch.full((count,), torch.nan, dtype=torch.float64)


leaders = {{}}
candidates = [(name, options, *grid) for name, options in solvers for grid in grids]
for nfe in {budgets}:
    chosen = candidates
    if {few} < {spec.particles}:
        few = torch.stack([error_within(nfe, {few}, n, o, g, go) for n, o, _, g, go in candidates])
        screened = paired_standings(few, {shared}, draws={SCREEN_DRAWS})
        chosen = [candidates[place] for place in sorted(pick_leaders(screened, *{LEADERS}))]
    errors = [error_within(nfe, {spec.particles}, n, o, g, go) for n, o, _, g, go in chosen]
    standings = paired_standings(torch.stack(errors), {shared}) if errors else []
    found = [(one, *candidate) for one, candidate in zip(standings, chosen) if one.error == one.error]
    leaders[nfe] = sorted(found, key=lambda entry: entry[0].error)
    for one, name, options, label, *_ in leaders[nfe][:{LEADERS[0]}]:
        print(f"{{nfe}} NFE: {{name}} {{options}} on {{label}}:", end=" ")
        print(f"{{one.error:.3g}} [{{one.low:.3g}}, {{one.high:.3g}}]", "not told from the best" if one.equal else "")
"""
