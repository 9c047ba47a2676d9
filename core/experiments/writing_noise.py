"""The shown code of the experiments on noise."""

from core.experiments.build import build_problem
from core.experiments.noise_sweep import REPEATS, NoiseSweepSpec, steps_of, with_noise
from core.experiments.scores import wrong_text
from core.experiments.sde_orders import FINER, SdeOrdersSpec, has_law
from core.experiments.writing import grid_text, model_text, solver_text, start_text
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


def write_sde_orders(spec: SdeOrdersSpec) -> str:
    """Strong and weak errors by step count, and their orders."""
    dtype = "torch.float64" if spec.data.kind == "toy" else "torch.float32"
    law = has_law(build_problem(spec.data, spec.schedule))
    solvers = "\n".join(map(solver_text, spec.solvers))
    finest = FINER * spec.step_counts[-1]
    probe = "probe_of(model)" if spec.data.kind == "toy" else "pixel_probe(model.points)"
    by_samples = f"""    seen = [values(end.double().flatten(1), probe).numpy() for end in ends]
    weak[name] = [paired_weak_error(row, seen[-1]).value for row in seen[:-1]]
    order = weak_order(step_counts, np.stack(seen[:-1]), seen[-1], {spec.seed}).order"""
    by_law = """    weak[name] = []
    for steps in step_counts:  # the law of the sampler in closed form: one Gaussian stays one
        times = grid(steps)
        laws = propagate_solver(problem, name, times, exact_moments(problem, float(times[0])), **options)
        last = Moments(laws.mean[-1], laws.covariance[-1])
        weak[name].append(gaussian_wasserstein(last, exact_moments(problem, float(times[-1]))))
    order = float(convergence_order(np.array(step_counts, dtype=float), np.array(weak[name]), 1e-13))"""
    test = "" if law else f'\nvalues, probe = TEST_FUNCTIONS["{spec.test}"].values, {probe}'
    return f"""{model_text(spec.data)}
problem = Problem(model, make_schedule("{spec.schedule}"))
step_counts, finest = {list(spec.step_counts)}, {finest}{test}


def grid(steps):
    return {grid_text(spec, "steps")}


solvers = [
{solvers}
]
strong, weak = {{}}, {{}}
for name, options in solvers:
    ends = []
    for steps in [*step_counts, finest]:  # all on one Brownian path
        times = grid(steps)
        {start_text(spec, dtype)}
        ends.append(solve(problem, name, times, x_start, seed={spec.seed}, record=False, **options).final)
    errors = strong_errors(np.stack([end.double().numpy() for end in ends[:-1]]), ends[-1].double().numpy())
    strong[name] = [strong_error(row, {spec.seed}).value for row in errors]
    found = strong_order(step_counts, errors, 0.0, {spec.seed})
{by_law if law else by_samples}
    print(f"{{name}}: strong order {{float(found.order):.2f}}, weak order {{order:.2f}}")
"""
