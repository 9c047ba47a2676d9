"""How a Runge-Kutta method multiplies on the linear test problem, and where the steps of a grid fall in its plane."""

from functools import singledispatch
from itertools import pairwise

import numpy as np
from torch import Tensor

from core.problem import levels_at
from core.schedules import Schedule
from core.solvers import Solver
from core.solvers.finish import Finish
from core.solvers.runge_kutta import RungeKutta, Tableau


@singledispatch
def runge_kutta_of(solver: Solver) -> RungeKutta | None:
    """The Runge-Kutta method that a solver is, or None."""
    return None


@runge_kutta_of.register
def _(solver: RungeKutta) -> RungeKutta:
    return solver


@runge_kutta_of.register
def _(solver: Finish) -> RungeKutta | None:
    return runge_kutta_of(solver.solver)


def amplification(tableau: Tableau, z: np.ndarray) -> np.ndarray:
    """``R(z)``: what one step of length h multiplies u by on ``u' = q u``, with ``z = h q``; complex, of z's shape.

    A polynomial of the degree of the stages: ``R = 1 + z b . k`` with ``k_i = 1 + z sum_j a_ij k_j``.
    """
    slopes: list[np.ndarray] = []
    for row in tableau.a:
        slopes.append(1 + z * sum((a * slope for a, slope in zip(row, slopes, strict=True)), np.zeros_like(z)))
    return 1 + z * sum(b * slope for b, slope in zip(tableau.b, slopes, strict=True))


def step_products(method: RungeKutta, schedule: Schedule, times: Tensor, width: float) -> np.ndarray:
    """``z = h q`` at the start of each step (S,), for data N(0, width^2) in the variables that the method works in.

    There the prediction is linear, ``eps = sigma x/(alpha^2 width^2 + sigma^2)``, and so is the rate, ``du = q u``.
    """
    chart = method.chart
    levels = levels_at(schedule, times)
    products = []
    for cur, nxt in pairwise(levels):
        keep, gain = chart.coefficients(cur, "eps")
        rate = keep + gain * chart.unit(cur) * cur.sigma / (cur.alpha**2 * width**2 + cur.sigma**2)
        products.append((chart.position(nxt) - chart.position(cur)) * rate)
    return np.array(products)
