"""Formulas of public code that lose an order and are no change of a moment: kept to be measured beside the mended ones.

Each takes the kernel, the schedule, the levels of the known predictions (newest first) and the level at the end of the
step, and returns their weights.
"""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from core.problem import Level
from core.solvers.integrals import Kernel, ends_of


def varying_coefficients(kernel: Kernel, schedule: Any, history: list[Level], nxt: Level) -> np.ndarray:
    """Corrector of UniPC's varying-coefficient form: the new prediction first, then the past ones.

    With divided differences ``D_i`` at ``r_i`` the corrector should add ``sum_k G_k sum_i A_ki D_i``, where ``G_k``
    integrates the k-th Taylor term and ``A`` inverts ``r_i^k/(k+1)!``. The public code leaves the last k out for the
    past differences and gives the new one a single k. Measured order: 1.

    Source: the public code of Zhao et al. 2023 (arXiv 2302.04867), ``multistep_uni_pc_vary_update``.
    """
    cur, past = history[0], history[1:]
    h = nxt.lam - cur.lam
    r = np.array([(level.lam - cur.lam) / h for level in past] + [1.0])
    count = len(r)
    factorials = np.array([float(math.factorial(k + 1)) for k in range(count)])
    inverse = np.linalg.inv(r[:, None] ** np.arange(count) / factorials)
    # integrals of u^k/(k! h^k) against the kernel, k = 0 .. count, from exact moments with nodes to pick them out
    nodes = np.array([[cur.lam + h * x for x in np.linspace(0, 1, count + 1)]])
    weights = kernel.weights(schedule, ends_of([cur], [nxt]), nodes)[0]
    terms = np.array([weights @ np.linspace(0, 1, count + 1) ** k / math.factorial(k) for k in range(count + 1)])
    on_old, on_new = np.zeros(count - 1), 0.0
    k = 0
    for k in range(count - 1):
        on_old += terms[k + 1] * inverse[k, :-1]
    on_new = terms[count] * inverse[k, -1]
    old = on_old / r[:-1]
    return np.array([on_new, terms[0] - on_new - old.sum(), *old])


def misplaced_bracket(kernel: Kernel, schedule: Any, history: list[Level], nxt: Level) -> np.ndarray:
    """Variable-step Adams-Bashforth weights of orders 3 and 4 with a factor inside the wrong bracket.

    Newton's form multiplies the second difference by ``(1 - h/(3(h + h_1)))/2`` times a ratio of lengths; the public
    code has the ratio inside the bracket, which is right on even steps only. Its third difference adds a term that
    should be subtracted, and divides by the wrong step length in its last weight.

    Source: ``ipndm_v_sampler`` of the public code for Zhou et al. 2024 (arXiv 2312.00094).
    """
    rho = [level.rho for level in (nxt, *history)]
    h = [a - b for a, b in pairwise(rho)]  # newest first: h[0] is the step to take
    count = len(history)
    weights = np.array([1.0, 0.0, 0.0, 0.0])
    if count >= 2:
        weights += np.array([1.0, -1.0, 0.0, 0.0]) * h[0] / (2 * h[1])
    if count >= 3:
        ratio = h[1] / h[2]
        third = (1 - h[0] / (3 * (h[0] + h[1])) * (h[0] * (h[0] + h[1])) / (h[1] * (h[1] + h[2]))) / 2
        weights += third * np.array([1.0, -(1 + ratio), ratio, 0.0])
    if count >= 4:
        back = h[1] * (h[1] + h[2]) / (h[2] * (h[2] + h[3]))
        reach = h[0] * (h[0] + h[1]) * (h[0] + h[1] + h[2])
        fourth = (1 - h[0] / (3 * (h[0] + h[1]))) / 2 + (1 - h[0] / (2 * (h[0] + h[1]))) * h[0] / (
            6 * (h[0] + h[1] + h[2])
        )
        fourth *= reach / (h[1] * (h[1] + h[2]) * (h[1] + h[2] + h[3]))
        weights += fourth * np.array([1.0, -(1 + ratio + back), ratio + back * (1 + h[2] / h[3]), -back * ratio])
    return nxt.alpha * h[0] * weights[:count]
