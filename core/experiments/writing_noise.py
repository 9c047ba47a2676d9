"""The shown code of the experiments on noise."""

from core.experiments.build import build_problem
from core.experiments.noise_sweep import REPEATS, NoiseSweepSpec, steps_of, with_noise
from core.experiments.scores import wrong_text
from core.experiments.writing import grid_text, model_text, start_text
from core.solvers import SOLVERS


def write_noise_sweep(spec: NoiseSweepSpec) -> str:
    """The distance for each score and amount of noise."""
    dtype = "torch.float64" if spec.data.kind == "toy" else "torch.float32"
    problem = build_problem(spec.data, spec.schedule)
    knob = SOLVERS[spec.solver.name].knob.option
    fixed = "".join(f", {key}={value!r}" for key, value in spec.solver.options)
    ladder = [(value, steps_of(spec, problem, with_noise(spec.solver, value), spec.nfe)) for value in spec.ladder]
    runs = "\n".join(f"        ({value!r}, {steps})," for value, steps in ladder)
    return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
{wrong_text(spec)}
t_end = float({grid_text(spec, "1")}[-1])
floor = noise_floor("{spec.distance}", problem, t_end, {spec.particles}, seed={spec.seed}, repeats={REPEATS})
print(f"two sets of exact samples: {{floor.value:.3g}}")

distances = {{}}
for score in problems:
    for amount, steps in [  # how much noise, and the steps that the budget allows
{runs}
    ]:
        times = {grid_text(spec, "steps")}
        {start_text(spec, dtype)}
        run = solve(
            problems[score], "{spec.solver.name}", times, x_start, seed={spec.seed}, record=False{fixed}, {knob}=amount
        )
        found = measure_distance(
            "{spec.distance}", run.final, problem, t_end, seed={spec.seed}, repeats={REPEATS}
        )
        distances[score, amount] = found.value
        print(f"{{score}} score, {knob} = {{amount}}: {{found.value:.3g}} [{{found.low:.3g}}, {{found.high:.3g}}]")
"""
