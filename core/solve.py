"""The one loop: carries particles along a grid, records, counts, reports progress and stops when told or diverging."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from core.language import message, reason
from core.models.ledger import CountedModel, Evaluation
from core.noise import check_seed
from core.problem import Level, Problem, convert, levels_at
from core.solvers import SOLVERS, BrownianPath, Context
from core.solvers.adaptive import Piece, StepSizeVanished
from core.solvers.control import Attempt

DIVERGED = 1e6  # times the largest starting value: no path of a working solver goes there

Progress = Callable[[int, int], None]


class Cancelled(RuntimeError):
    """The caller asked a run to stop."""


@dataclass(frozen=True)
class Run:
    """What a solver did.

    Attributes
    ----------
    solver : its name.
    times : (S' + 1,) float64, the times reached; S' < S if the run stopped early.
    states : (S' + 1, N, ...) newest last; None if not recorded.
    x0_predictions : (S', N, ...), x0hat from the evaluation that each step begins with (an adaptive step that spans
        several intervals repeats its own); None if not recorded.
    nfe : model evaluations, counted at the model.
    seconds : wall time.
    evaluation_times : (calls,) float64, the time of every model call in order.
    steps : S, the number of intervals asked for.
    diverged_at : the step (from 0) at which numbers stopped being finite or grew out of bounds; None if they did not.
    cancelled : whether the caller stopped it.
    message : one sentence on why a run stopped early; empty otherwise.
    attempts : every step that an adaptive solver tried, in order; empty for others.
    watched : (step from 0, query and answer) of every model call, for the first particles; empty unless asked for.
    pieces : the solver's own steps as functions, see :func:`core.solvers.adaptive.states_between`; empty unless asked
        for.
    """

    solver: str
    times: Tensor
    states: Tensor | None
    x0_predictions: Tensor | None
    nfe: int
    seconds: float
    evaluation_times: Tensor
    steps: int
    last: Tensor = field(repr=False)
    diverged_at: int | None = None
    cancelled: bool = False
    message: str = ""
    attempts: tuple[Attempt, ...] = ()
    watched: tuple[tuple[int, Evaluation], ...] = ()
    pieces: tuple[Piece, ...] = field(default=(), repr=False)

    @property
    def complete(self) -> bool:
        """Whether the run reached the last time."""
        return len(self.times) == self.steps + 1

    @property
    def final(self) -> Tensor:
        """(N, ...) particles at the last time; all NaN if the run did not get there, so that nobody draws them."""
        return self.last if self.complete else torch.full_like(self.last, math.nan)


def solve(
    problem: Problem,
    solver: str,
    times: Tensor,
    x_start: Tensor,
    seed: int = 0,
    record: bool = True,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
    watch: int = 0,
    dense: bool = False,
    **options: Any,
) -> Run:
    """Carry ``x_start`` from ``times[0]`` to ``times[-1]``.

    Parameters
    ----------
    problem : model and schedule.
    solver : a key of ``SOLVERS``.
    times : (S + 1,) float64, strictly decreasing, inside the schedule's range.
    x_start : (N, *shape), floating point; its dtype and device are those of the run.
    seed : of the Brownian path of a stochastic solver.
    record : keep every state and x0 prediction; without it only the end.
    progress : called as ``progress(done_steps, steps)`` after every step.
    cancel : asked before every step and every model evaluation; the run stops when it returns True.
    watch : keep what the model was asked and answered for that many particles, in ``Run.watched``.
    dense : keep what lies between the recorded states in ``Run.pieces``, where the solver knows it.
    options : those of the solver, ``SOLVERS[solver].options``.

    Raises
    ------
    ValueError
        On an unknown solver or option, or times or particles that do not fit. A diverging run does not raise: it
        stops, keeps what it had and says so in ``diverged_at`` and ``message``.
    """
    recipe = SOLVERS[solver].make(**options)
    times = _checked_times(problem, times)
    x = _checked_start(problem, x_start)
    seed = check_seed(seed)

    def interrupt() -> None:
        if cancel is not None and cancel():
            raise Cancelled

    model = CountedModel(problem.model, interrupt, watch)
    counted = Problem(model, problem.schedule)
    steps = len(times) - 1
    path = BrownianPath(problem.schedule, float(times[0]), float(times[-1]), tuple(x.shape), seed)
    starts = levels_at(problem.schedule, times[:-1]) if record else []
    bound = DIVERGED * max(1.0, float(x.abs().max()))
    states, predictions, asked_in = [x], [], []
    outcome: dict[str, Any] = {}
    started = time.perf_counter()
    done, state, seen = 0, None, None
    with torch.no_grad():
        pieces = [] if dense else None
        context = Context(counted, recipe.plan(counted, times), path, record, interrupt, pieces=pieces)
        try:
            for i in range(steps):
                interrupt()
                before = model.latest
                model.mark()
                x_next, state = recipe.step(context, i, x, state)
                asked_in += [i] * (len(model.watched) - len(asked_in))
                if not _bounded(x_next, bound):
                    outcome = _divergence(x_next, bound, i, steps, float(times[i + 1]))
                    break
                x, done = x_next, i + 1
                if record:
                    seen = _opening(starts[i], model.first, before) or model.first or seen
                    states.append(x)
                    predictions.append(_x0_of(seen).to(x.dtype))
                if progress is not None:
                    progress(done, steps)
        except Cancelled:
            told = message("cancelled after {done} of {steps} steps", done=done, steps=steps)
            outcome = {"cancelled": True, "message": told}
        except StepSizeVanished as vanished:
            told = message("stopped in step {step} of {steps}: {why}", step=done + 1, steps=steps, why=reason(vanished))
            outcome = {"diverged_at": done, "message": told}
    return Run(
        solver=solver,
        times=times[: done + 1],
        states=torch.stack(states) if record else None,
        x0_predictions=_stack(predictions, x) if record else None,
        nfe=model.nfe,
        seconds=time.perf_counter() - started,
        evaluation_times=_times_of(problem, model.levels),
        steps=steps,
        last=x,
        attempts=tuple(context.journal),
        watched=tuple(zip(asked_in, model.watched, strict=False)),  # those of a step that broke off belong to none
        pieces=tuple(pieces or ()),
        **outcome,
    )


def _bounded(x: Tensor, bound: float) -> bool:
    """Whether no number is larger than ``bound``; False for NaN as well."""
    # the root of the sum of squares is never smaller than the largest, and costs half as much
    return float(torch.linalg.vector_norm(x)) <= bound or float(x.abs().max()) <= bound


def _divergence(x: Tensor, bound: float, i: int, steps: int, t: float) -> dict[str, Any]:
    lost = ~(x.abs() <= bound).flatten(1).all(dim=1)
    told = message(
        "diverged in step {step} of {steps} (t = {t:.4g}): {lost} of {all} particles are no longer finite or have left "
        "every reasonable range",
        step=i + 1,
        steps=steps,
        t=t,
        lost=int(lost.sum()),
        all=len(x),
    )
    return {"diverged_at": i, "message": told}


def _opening(start: Level, *made: Evaluation | None) -> Evaluation | None:
    """The evaluation that a step begins with: its own first, or a corrector's at the end of the step before."""
    return next((e for e in made if e is not None and (e.alpha, e.sigma) == (start.alpha, start.sigma)), None)


def _x0_of(evaluation: Evaluation) -> Tensor:
    return convert(evaluation.value, evaluation.kind, "x0", evaluation.x, evaluation.alpha, evaluation.sigma)


def _stack(predictions: list[Tensor], x: Tensor) -> Tensor:
    return torch.stack(predictions) if predictions else x.new_empty((0, *x.shape))


def _times_of(problem: Problem, levels: list[tuple[float, float]]) -> Tensor:
    pairs = torch.tensor(levels, dtype=torch.float64).reshape(-1, 2)
    return problem.schedule.time_of(torch.log(pairs[:, 0] / pairs[:, 1]))


def _checked_times(problem: Problem, times: Tensor) -> Tensor:
    times = torch.as_tensor(times, dtype=torch.float64, device="cpu")
    if times.ndim != 1 or len(times) < 2 or not bool((times[1:] < times[:-1]).all()):
        raise ValueError(f"times must be one strictly decreasing row of at least 2 numbers, got {_brief(times)}")
    low, high = problem.schedule.t_min, problem.schedule.t_max
    if not (low <= float(times[-1]) and float(times[0]) <= high):
        raise ValueError(
            f"times run from {float(times[0]):g} to {float(times[-1]):g}; the schedule allows {high:g} down to {low:g}"
        )
    return times


def _checked_start(problem: Problem, x: Tensor) -> Tensor:
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise ValueError("x_start must be a floating-point tensor")
    if x.ndim < 2 or tuple(x.shape[1:]) != tuple(problem.model.shape):
        raise ValueError(
            f"x_start must have shape (N, {', '.join(map(str, problem.model.shape))}), got {tuple(x.shape)}"
        )
    if len(x) == 0:
        raise ValueError("x_start holds no particle; give at least one")
    if not bool(torch.isfinite(x).all()):
        raise ValueError("x_start holds numbers that are not finite")
    return x.detach()


def _brief(times: Tensor) -> str:
    return f"shape {tuple(times.shape)}" if times.ndim != 1 else f"{times.tolist()[:6]}"
