"""One step at a time from exact states: what each step of a solver adds to the error of a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.language import message
from core.problem import Problem
from core.solve import Cancelled, solve
from core.solvers import SOLVERS, BrownianPath, Context, Solver

SHIFT = 1e-3  # of the size of the particles: what tells whether a step looks at a state


@dataclass(frozen=True)
class LocalSteps:
    """What each step makes of the exact state at its start.

    Attributes
    ----------
    ends : (S, N, ...) where step i ends; its local error is ``ends[i] - states[i + 1]``.
    memory : how many steps a step looks back on: the first ``memory`` steps are the start-up.
    spans : whether a step begins at the start of an earlier interval, so that the errors of its intervals add up.
    """

    ends: Tensor
    memory: int
    spans: bool


def local_steps(
    problem: Problem,
    solver: str,
    times: Tensor,
    states: Tensor,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> LocalSteps:
    """Each step of ``solver`` from the exact state at its start, with the history of exact states.

    The steps are taken in order and each begins at ``states[i]``, so that a multistep method has the predictions that
    its own steps from the exact states before have left. With a corrector the prediction at the end of the step before
    is among them, where the method itself would ask for it.

    Parameters
    ----------
    times : (S + 1,) float64, decreasing.
    states : (S + 1, N, ...) the exact solution at ``times``.
    progress : called as ``progress(done, steps)``; may raise to stop the work.
    options : of the solver.

    Raises
    ------
    ValueError
        If the solver draws noise or chooses its own steps, or times and states do not fit.
    """
    info = SOLVERS[solver]
    if info.stochastic or info.adaptive:
        raise ValueError(
            message(
                "{name} draws noise or chooses its own steps; it has no step of its own to look at", name=repr(solver)
            )
        )
    if len(times) != len(states) or len(times) < 2:
        raise ValueError(f"need a state at each of at least 2 times, got {len(times)} times and {len(states)} states")
    recipe = info.make(**options)
    with torch.no_grad():
        path = BrownianPath(problem.schedule, float(times[0]), float(times[-1]), tuple(states[0].shape), 0)
        context = Context(problem, recipe.plan(problem, times), path, True, lambda: None)
        ends, state = [], None
        for i in range(len(times) - 1):
            end, state = recipe.step(context, i, states[i], state)
            ends.append(end)
            if progress is not None:
                progress(i + 1, len(times) - 1)
        memory, spans = _looks_back(recipe, context, states, ends)
    return LocalSteps(torch.stack(ends), memory, spans)


def carry_to_end(
    problem: Problem,
    times: Tensor,
    ends: Tensor,
    states: Tensor,
    rtol: float = 1e-10,
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Tensor:
    """How far from the exact end each step's end arrives when the exact flow carries it on: (S, M, ...) float64.

    Parameters
    ----------
    ends : (S, M, ...) where the steps of one or several solvers end, M a multiple of N.
    states : (S + 1, N, ...) the exact solution at ``times``; it is carried along, so that the flow's own error cancels.
    rtol : relative and absolute tolerance of the flow (DOP853).
    progress, cancel : as of ``core.solve.solve``, counted in steps.

    Raises
    ------
    Cancelled
        If ``cancel`` said so.
    """
    count, steps = states.shape[1], len(ends)
    copies = (ends.shape[1] // count, *[1] * (ends.ndim - 2))
    rows = []
    for i in range(steps):
        arrived, exact = ends[i].double(), states[-1].double()
        if i < steps - 1:
            together = torch.cat([arrived, states[i + 1].double()])
            options = {"record": False, "cancel": cancel, "rtol": rtol, "atol": rtol}
            flow = solve(problem, "reference", times[[i + 1, -1]], together, **options)
            if flow.cancelled:
                raise Cancelled(flow.message)
            arrived, exact = flow.final[:-count], flow.final[-count:]
        rows.append(arrived - exact.repeat(copies))
        if progress is not None:
            progress(i + 1, steps)
    return torch.stack(rows)


def _looks_back(recipe: Solver, context: Context, states: Tensor, ends: list[Tensor]) -> tuple[int, bool]:
    """How many steps a step looks back on, and whether one ignores the state at its own start.

    A multistep engine says how many values it uses. Of any other it is found out: a shift of the first state reaches
    the steps that look back on it, and a shift of a step's own start must reach its end.
    """
    nodes = getattr(getattr(recipe, "solver", recipe), "nodes", None)
    if nodes is not None:
        return min(nodes - 1, len(ends) - 1), False
    shift = SHIFT * float(states[0].square().mean().sqrt())
    _, state = recipe.step(context, 0, states[0] + shift, None)
    _, clean = recipe.step(context, 0, states[0], None)
    memory, spans = 0, False
    for i in range(1, len(ends)):
        own, _ = recipe.step(context, i, states[i] + shift, clean)
        spans = spans or bool(torch.equal(own, ends[i]))
        shifted, state = recipe.step(context, i, states[i], state)
        _, clean = recipe.step(context, i, states[i], clean)
        memory = memory if torch.equal(shifted, ends[i]) else i
    return (0, True) if spans else (memory, False)
