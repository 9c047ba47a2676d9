"""What a solver does with the predictions it is given, measured: one impulse at a time.

A solver whose steps are fixed is affine in the particle and in the model's answers. Run on particles that see exactly
one answer different from zero, it shows the weight of every evaluation in every state, whatever engine it runs on.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.language import message
from core.models.base import Model
from core.models.ledger import CountedModel
from core.problem import Problem
from core.solvers import SOLVERS, Context, Solver

LONGEST_HISTORY = 3  # steps back that a method of up to four values looks


class Evaluation(NamedTuple):
    """One query of the model: in which step, at which half log-SNR, and for which prediction."""

    step: int
    lam: float
    kind: str


@dataclass(frozen=True)
class Response:
    """The weights of a solver on a grid of S steps with E evaluations, for the first number of a particle.

    Attributes
    ----------
    evaluations : E of them, in the order in which they are made.
    carry : (S,), factor of the state at the start of each step.
    weights : (S, E), weight of each evaluation in each step:
        ``x_next = carry x + sum_e weight_e prediction_e + shift``.
    shift : (S,), what a step adds whatever it sees; zero but for solvers that know the mean of the data.
    exact_carry, exact_total : (S,), the factor of x under the exact solution, and the weight that a prediction which
        never changes has in it.
    stage_carry : (E,), factor of the state at the start of the step in the particle that each evaluation is made at.
    stage_weights : (E, E), weight of earlier evaluations in it.
    """

    evaluations: tuple[Evaluation, ...]
    carry: np.ndarray
    weights: np.ndarray
    shift: np.ndarray
    exact_carry: np.ndarray
    exact_total: np.ndarray
    stage_carry: np.ndarray
    stage_weights: np.ndarray

    @property
    def kind(self) -> str:
        """What is predicted: "eps" or "x0"."""
        return self.evaluations[0].kind

    @property
    def reach(self) -> int:
        """How many steps back the oldest answer that a step uses was given."""
        given = np.array([one.step for one in self.evaluations])
        used = np.abs(self.shares) > 1e-9
        return max(int(i - given[row].min()) for i, row in enumerate(used) if row.any())

    @property
    def shares(self) -> np.ndarray:
        """(S, E): weights as shares of the exact weight of a prediction that never changes."""
        return self.weights / self.exact_total[:, None]


class Impulses(Model):
    """Answers call k with one for particle ``first + k`` and zero for all others, whatever it is asked.

    Attributes
    ----------
    calls : ``(alpha, sigma, kind)`` of each call.
    asked : the particles of each call, first number only, (N,).
    """

    def __init__(self, shape: tuple[int, ...], native: tuple[str, ...], first: int):
        self.shape, self.native, self.first = shape, native, first
        self.calls: list[tuple[float, float, str]] = []
        self.asked: list[Tensor] = []

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        answer = torch.zeros_like(x)
        place = self.first + len(self.calls)
        if place < len(x):
            answer[place] = 1.0
        self.calls.append((alpha, sigma, kind))
        self.asked.append(_first_numbers(x))
        return answer


class Pulses:
    """Noise that is one for particle ``first + j`` in the j-th draw, and zero for all others.

    It stands in for a Brownian path: a stochastic solver asks it for standard normal numbers.

    Attributes
    ----------
    count : draws so far.
    """

    def __init__(self, shape: tuple[int, ...], first: int):
        self.shape, self.first, self.count = shape, first, 0

    def standard(self, t_cur: float, t_next: float) -> Tensor:
        """In place of the increment over a step, divided by its standard deviation."""
        return self.fresh()

    def fresh(self, *stream: str | int) -> Tensor:
        """In place of noise of a stream of its own."""
        noise = torch.zeros(self.shape, dtype=torch.float64)
        place = self.first + self.count
        if place < self.shape[0]:
            noise[place] = 1.0
        self.count += 1
        return noise


def respond(problem: Problem, solver: str, times: Tensor, /, **options: Any) -> Response:
    """The weights of a solver of fixed steps on ``times``; noise that it may draw is left out.

    Predictions are those that the solver asks for; where it asks for x0 at some levels and for eps at others, all are
    expressed in eps.

    Parameters
    ----------
    problem, solver, times, options : as for :func:`core.solve.solve`.

    Raises
    ------
    ValueError
        On an unknown solver or option, or one that has no such weights: it chooses its own steps, or remembers past
        particles and not only past predictions.
    """
    if SOLVERS[solver].adaptive:
        raise ValueError(
            message("solver {name} chooses its own steps, so it has no weights of its own on a grid", name=repr(solver))
        )
    recipe = SOLVERS[solver].make(**options)
    response = _respond(recipe, problem, times, ("x0", "eps"), recipe.plan(problem, times))
    if len({evaluation.kind for evaluation in response.evaluations}) > 1:
        in_eps = Problem(Impulses(problem.model.shape, ("eps",), 0), problem.schedule)
        response = _respond(recipe, problem, times, ("eps",), recipe.plan(in_eps, times))
    if response.reach > LONGEST_HISTORY and _remembers_particles(recipe, problem, times):
        raise ValueError(
            message(
                "solver {name} uses past particles beside past predictions, through which every answer stays in all "
                "later steps, so weights of predictions do not tell all",
                name=repr(solver),
            )
        )
    return response


def _respond(solver: Solver, problem: Problem, times: Tensor, native: tuple[str, ...], plan: object) -> Response:
    shape = problem.model.shape
    counter = Impulses(shape, native, 1)
    nothing = torch.zeros(1, *shape, dtype=torch.float64)
    _walk(solver, Problem(counter, problem.schedule), counter, plan, times, nothing)
    x = torch.zeros(2 + len(counter.calls), *shape, dtype=torch.float64)
    x[1] = 1.0  # particle 0 stays at zero, particle 1 sees no prediction, each other one sees a single answer
    model = Impulses(shape, native, 2)
    states, calls = _walk(solver, Problem(model, problem.schedule), model, plan, times, x)
    moved, states = states[:, 0], states - states[:, :1]
    asked = torch.stack(model.asked).numpy()
    asked = asked - asked[:, :1]
    step_of = np.repeat(np.arange(len(times) - 1), calls)
    carry, stage_carry = states[1:, 1] / states[:-1, 1], asked[:, 1] / states[step_of, 1]
    schedule = problem.schedule
    alpha, sigma, lam = (level(times).numpy() for level in (schedule.alpha, schedule.sigma, schedule.log_snr))
    kind = model.calls[0][2]
    return Response(
        evaluations=tuple(
            Evaluation(int(step), math.log(a / s), k) for step, (a, s, k) in zip(step_of, model.calls, strict=True)
        ),
        carry=carry,
        weights=states[1:, 2:] - carry[:, None] * states[:-1, 2:],
        shift=moved[1:] - carry * moved[:-1],
        exact_carry=(alpha[1:] / alpha[:-1]) if kind == "eps" else (sigma[1:] / sigma[:-1]),
        exact_total=-sigma[1:] * np.expm1(np.diff(lam)) if kind == "eps" else -alpha[1:] * np.expm1(-np.diff(lam)),
        stage_carry=stage_carry,
        stage_weights=asked[:, 2:] - stage_carry[:, None] * states[step_of, 2:],
    )


def _remembers_particles(solver: Solver, problem: Problem, times: Tensor) -> bool:
    """Whether a change of the particle in one step alone does less, or more, than the same change from the start on."""
    shape = problem.model.shape
    plan, silent = solver.plan(problem, times), Problem(Impulses(shape, ("x0", "eps"), 2), problem.schedule)
    x = torch.stack([torch.zeros(shape, dtype=torch.float64), torch.ones(shape, dtype=torch.float64)])
    context = _context(silent, plan, Pulses(tuple(x.shape), 2))
    state = None
    for i in range(len(times) - 1):
        bumped, _ = solver.step(context, i, x + 1, state)
        x_next, state = solver.step(context, i, x, state)
        alone, always = bumped[0] - x_next[0], (x_next[1] - x_next[0]) / (x[1] - x[0])
        if not torch.allclose(alone, always, rtol=1e-6, atol=1e-9):
            return True
        x = x_next
    return False


def _context(problem: Problem, plan: object, path: Pulses) -> Context:
    return Context(problem, plan, path, False, lambda: None)  # type: ignore[arg-type]


def _walk(
    solver: Solver, problem: Problem, model: Impulses, plan: object, times: Tensor, x: Tensor
) -> tuple[np.ndarray, list[int]]:
    """First numbers of all particles at every time, (S + 1, N), and the number of calls in each step."""
    states, calls = [_first_numbers(x)], []
    for x_next in _steps(solver, problem, plan, times, x, Pulses(tuple(x.shape), len(x))):
        calls.append(len(model.calls) - sum(calls))
        states.append(_first_numbers(x_next))
    return torch.stack(states).numpy(), calls


def _steps(solver: Solver, problem: Problem, plan: object, times: Tensor, x: Tensor, path: Pulses) -> Iterator[Tensor]:
    context = _context(problem, plan, path)
    state = None
    for i in range(len(times) - 1):
        x, state = solver.step(context, i, x, state)
        yield x


def _first_numbers(x: Tensor) -> Tensor:
    return x.reshape(len(x), -1)[:, 0].clone()


class Spread(NamedTuple):
    """Standard deviations at the end of a run, (D,), and the evaluations that it took."""

    width: Tensor
    nfe: int


def spread(problem: Problem, solver: str, times: Tensor, start: Tensor, /, **options: Any) -> Spread:
    """Standard deviation that particles of N(0, start^2) have at the end, one number a coordinate, without sampling.

    ``problem`` is one whose predictions are linear in the particle: a single Gaussian about zero with its axes along
    the coordinates. The step is then a factor and noise of its own; the variances of all steps add up.

    Parameters
    ----------
    start : (D,), standard deviation of each coordinate at ``times[0]``.
    solver, times, options : as for :func:`core.solve.solve`; a solver of fixed steps.
    """
    recipe = SOLVERS[solver].make(**options)
    plan = recipe.plan(problem, times)
    counter = Pulses((1, *start.shape), 1)
    deque(_steps(recipe, problem, plan, times, start[None], counter), maxlen=0)
    x = torch.zeros(1 + counter.count, *start.shape, dtype=torch.float64)
    x[0] = start
    model = CountedModel(problem.model)
    counted = Problem(model, problem.schedule)
    *_, end = _steps(recipe, counted, plan, times, x, Pulses(tuple(x.shape), 1))
    return Spread(end.square().sum(dim=0).sqrt(), model.nfe)


def asked(problem: Problem, solver: str, times: Tensor, /, **options: Any) -> tuple[str, ...]:
    """The predictions, "eps" or "x0", that a solver asks a model for which knows both."""
    recipe = SOLVERS[solver].make(**options)
    model = Impulses(problem.model.shape, ("x0", "eps"), 1)
    x = torch.ones(1, *problem.model.shape, dtype=torch.float64)
    walk = _steps(
        recipe, Problem(model, problem.schedule), recipe.plan(problem, times), times, x, Pulses(tuple(x.shape), 1)
    )
    deque(walk, maxlen=0)
    return tuple(sorted({kind for _, _, kind in model.calls}))
