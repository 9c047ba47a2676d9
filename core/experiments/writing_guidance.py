"""The shown code of the experiment on guidance."""

from core.experiments.guidance import GuidanceSpec, reference_of
from core.experiments.specification import ToyData
from core.experiments.writing import family_text, grid_text, solver_text, start_text


def write_guidance(spec: GuidanceSpec) -> str:
    """Each solver's error at each scale, and how far apart the samples are."""
    dtype = "torch.float64" if isinstance(spec.data, ToyData) else "torch.float32"
    aim, (solver, least, options) = spec.aim, reference_of(spec)
    more = "".join(f", {key}={value!r}" for key, value in aim.guidance.options if key != "scale")
    fine = "times[[0, -1]]" if least == 1 else f"refine(problem.schedule, times[[0, -1]], {least})"
    tuned = "".join(f", {key}={value!r}" for key, value in options.items())
    solvers = "\n".join(map(solver_text, spec.solvers))
    return f"""family = {family_text(spec.data)}
solvers = [
{solvers}
]
errors, spreads = {{}}, []
for scale in {list(spec.scales)}:
    model = GUIDANCE["{aim.guidance.name}"].make(family, {aim.label}, scale=scale{more})
    problem = Problem(model, make_schedule("{spec.schedule}"))
    times = {grid_text(spec, str(spec.steps))}
    {start_text(spec, dtype)}
    reference = solve(problem, "{solver}", {fine}, x_start.double(), record=False{tuned}).final
    spreads.append(float(reference.std(dim=0, unbiased=False).square().mean().sqrt()))
    for name, options in solvers:
        run = solve(problem, name, times, x_start, record=False, **options)
        errors[scale, name] = rms_error(run.final, reference)
        print(f"scale {{scale}}: {{name}}, {{run.nfe}} evaluations, error {{errors[scale, name]:.3g}}", run.message)
"""
