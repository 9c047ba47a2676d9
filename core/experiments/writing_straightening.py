"""The shown code of the experiment on straightening."""

from core.experiments.straightening import REPEATS, StraighteningSpec, inner_steps
from core.experiments.writing import model_text


def write_straightening(spec: StraighteningSpec) -> str:
    """Each flow's straightness, its solver's errors against its own path, and the distances to the data."""
    flows = "\n".join(f'    ("{one}", "{one.name}", {dict(one.options)!r}),' for one in spec.flows)
    solver = f'"{spec.solver.name}"'
    options = "".join(f", {key}={value!r}" for key, value in spec.solver.options)
    return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("flow"))
times = make_grid("uniform-t", problem.schedule, {spec.nodes})
x_start = problem.sample_prior({spec.particles}, times[0], seed={spec.seed})

flows = [
{flows}
]
ground = Ground(model, iterations={spec.iterations}, seed={spec.seed})
straight, errors, distances = {{}}, {{}}, {{}}
for label, name, options in flows:
    info = WAYS[name]
    way = info.make(ground, **info.values(options))
    flow = Problem(way.model, problem.schedule)
    fine = make_grid("uniform-t", problem.schedule, {inner_steps(spec) * spec.nodes})
    path = solve(flow, "rk4", fine, x_start)
    straight[label] = straightness(path)
    print(label, "straightness", straight[label].mean(), "cost", way.pairs.cost, "mismatch", way.mismatch)
    for steps in {list(spec.step_counts)}:
        grid = make_grid("uniform-t", problem.schedule, steps)
        run = solve(flow, {solver}, grid, x_start, record=False{options})
        errors[label, steps] = rms_error(run.final, path.final)
        measured = measure_distance("{spec.distance}", run.final, problem, float(times[-1]), {spec.seed}, {REPEATS})
        distances[label, steps] = measured.value
        print(f"  {{steps}} steps: error {{errors[label, steps]:.3g}}, distance {{measured.value:.3g}}", run.message)
"""
